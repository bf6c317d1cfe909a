"""What stays of an assignment when it ends: whose reason is kept."""

from datetime import UTC, datetime, timedelta

import pytest

from services.scheduling.domain.assignment import Assignment, AssignmentInWrongState, State
from services.scheduling.domain.inputs import Period, Role

AT = datetime(2026, 12, 7, 1, 0, tzinfo=UTC)
OFFERED = Assignment(
    name="assignments/one",
    round="rounds/one",
    request="requests/one",
    event="events/one",
    expert="experts/one",
    expert_display_name="示例",
    seat=0,
    role=Role.LECTURER,
    venue="venues/one",
    period=Period(AT + timedelta(days=7), AT + timedelta(days=7, hours=1)),
    remote=False,
    state=State.OFFERED,
    title="示例",
    district="nodes/district-500229",
    pool="pools/one",
    node_path=("nodes/district-500229", "nodes/city"),
)


@pytest.mark.parametrize("replaced", [True, False])
def test_the_experts_own_words_stay_when_somebody_else_takes_the_seat(replaced: bool) -> None:
    declined = OFFERED.declined(reason="示例：出差", at=AT)
    after = declined.cancelled(reason="谢绝或逾期未答复", replaced=replaced)
    assert after.state is (State.REPLACED if replaced else State.CANCELLED)
    assert after.reason == "示例：出差"


def test_a_no_without_words_and_a_yes_end_with_the_reason_of_who_ends_them() -> None:
    silent = OFFERED.declined(reason="", at=AT).cancelled(reason="谢绝", replaced=True)
    ill = OFFERED.accepted(at=AT).cancelled(reason="讲师生病", replaced=True)
    assert (silent.reason, ill.reason) == ("谢绝", "讲师生病")


def test_what_was_served_is_not_taken_away() -> None:
    served = OFFERED.accepted(at=AT).confirmed().delivered()
    with pytest.raises(AssignmentInWrongState, match="DELIVERED"):
        served.cancelled(reason="晚了")
