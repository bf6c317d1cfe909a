"""A round's steps: which follow which, what a repeat does, what a policy asks for first."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from libs.errors import WrongState
from services.scheduling.domain.inputs import DatePeriod
from services.scheduling.domain.policy import POLICIES, PolicyNotFound, policy_of
from services.scheduling.domain.round import (
    HorizonOutOfRange,
    PlanNotChosen,
    Round,
    RoundInWrongState,
    SignatureMissing,
    State,
)

AT = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
PLAN = "rounds/one/plans/first"
LEADER = "签发领导（示例）"

VERBS: dict[str, Callable[[Round], Round]] = {
    "frozen": lambda r: r.frozen(inputs_hash="ab", requests=2, experts=3, at=AT),
    "solving": lambda r: r.solving(),
    "solved": lambda r: r.solved(PLAN),
    "chosen": lambda r: r.chosen(PLAN),
    "offered": lambda r: r.offered(),
    "signed": lambda r: r.signed(plan=PLAN, by="leader", name=LEADER, at=AT),
    "published": lambda r: r.published(assignments=4, published_hash="cd", at=AT),
    "closed": lambda r: r.closed(),
    "abandoned": lambda r: r.abandoned(),
}
ALLOWED = {
    State.OPEN: {"frozen", "abandoned"},
    State.FROZEN: {"solving", "abandoned"},
    State.SOLVING: {"solving", "solved", "abandoned"},
    State.PROPOSED: {"solving", "chosen", "offered", "signed", "published", "abandoned"},
    State.OFFERED: {"offered", "signed", "abandoned"},
    State.PUBLISHED: {"closed"},
    State.CLOSED: {"closed"},
    State.ABANDONED: {"abandoned"},
}


def a_round(**others: Any) -> Round:
    start = date(2026, 12, 7)
    values: dict[str, Any] = {
        "name": "rounds/one",
        "title": "示例",
        "horizon": DatePeriod(start, start + timedelta(days=28)),
        "policy": "",
        "create_time": AT,
        "plan": PLAN,
    }
    return Round(**(values | others))


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("verb", VERBS)
def test_a_step_is_taken_only_where_it_fits(verb: str, state: State) -> None:
    before = a_round(state=state)
    if verb in ALLOWED[state]:
        after = VERBS[verb](before)
        assert after == before or after.version == before.version + 1
    else:
        with pytest.raises(RoundInWrongState) as refused:
            VERBS[verb](before)
        assert refused.value.details == {"round": "rounds/one", "state": state.value}


@pytest.mark.parametrize("verb", ["solving", "offered", "signed", "closed", "abandoned"])
def test_a_repeated_step_changes_nothing(verb: str) -> None:
    start = State.PUBLISHED if verb == "closed" else State.PROPOSED
    once = VERBS[verb](a_round(state=start))
    assert VERBS[verb](once) is once


@pytest.mark.parametrize(("days", "allowed"), [(0, False), (1, True), (56, True), (57, False)])
def test_a_horizon_has_1_to_56_days(days: int, allowed: bool) -> None:
    start = date(2026, 12, 7)
    end = start + timedelta(days=days)
    if allowed:
        assert a_round(horizon=DatePeriod(start, end)).days == days
    else:
        with pytest.raises(HorizonOutOfRange):
            a_round(horizon=DatePeriod(start, end))


def test_what_a_policy_asks_for_comes_before_publication() -> None:
    proposed = a_round(state=State.PROPOSED, policy="policies/campus-autumn")
    with pytest.raises(RoundInWrongState):
        VERBS["published"](proposed)
    with pytest.raises(SignatureMissing) as refused:
        VERBS["published"](proposed.offered())
    assert isinstance(refused.value, WrongState)
    signed = proposed.offered().signed(plan=PLAN, by="leader", name=LEADER, at=AT)
    assert VERBS["published"](signed).state is State.PUBLISHED


def signature(round: Round) -> tuple[str, str, datetime | None]:
    return round.signed_by, round.signed_by_name, round.sign_time


def test_a_signature_is_for_the_plan_that_was_read() -> None:
    signed = a_round(state=State.PROPOSED).signed(plan=PLAN, by="leader", name=LEADER, at=AT)
    assert signature(signed) == ("leader", LEADER, AT)
    assert signature(signed.chosen("rounds/one/plans/second")) == ("", "", None)
    assert signature(signed.solving().solved("rounds/one/plans/second")) == ("", "", None)
    second = {"plan": "rounds/one/plans/second", "assignments": 4, "published_hash": "ef"}
    assert signature(signed.offered().repaired(**second)) == ("", "", None)
    assert signature(VERBS["published"](signed).repaired(**second)) == ("leader", LEADER, AT)
    with pytest.raises(PlanNotChosen):
        signed.signed(plan="rounds/one/plans/second", by="leader", name=LEADER, at=AT)


@pytest.mark.parametrize(("plan", "state"), [("", State.FROZEN), (PLAN, State.PROPOSED)])
def test_a_run_without_a_plan_leaves_the_round_as_it_was(plan: str, state: State) -> None:
    after = a_round(state=State.SOLVING, plan=plan).solved("")
    assert (after.state, after.plan) == (state, plan)


def test_the_default_policy_publishes_directly() -> None:
    assert next(iter(POLICIES.values())) is policy_of("")
    assert not policy_of("").offers
    assert not policy_of("").signature
    with pytest.raises(PolicyNotFound):
        a_round(policy="policies/none")
