"""A request's life and what is said before it is filed, on both sides of every edge."""

import dataclasses
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from libs.errors import WrongState
from libs.geo.calendar import Calendar, Exam, Stage, Status, chongqing
from services.events.domain.place import DEFAULT_RULES, Group, Point, Rules, Venue
from services.events.domain.request import (
    SEATS_MAX,
    Form,
    Level,
    Period,
    Request,
    RequestInRound,
    RequestNotFileable,
    Role,
    Seat,
    Severity,
    State,
    findings,
    ready_time,
    require_fileable,
    school_year,
)

AT = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)  # Monday, 09:00 in the city
FIRST_DAY = datetime(2026, 11, 25, 16, 0, tzinfo=UTC)  # Thursday 00:00 in the city: three days on
VENUE = Venue("venues/hall", "示例礼堂", "nodes/school", Point(29.5, 106.5), capacity=300)


def a_period(start: datetime, minutes: float = 180) -> Period:
    return Period(start, start + timedelta(minutes=minutes))


def a_request(**others: Any) -> Request:
    request = Request(
        name="requests/r",
        venue=VENUE.name,
        title="示例",
        group=Group.YOUTH,
        level=Level.JUNIOR,
        audience_size=120,
        form=Form.LECTURE,
        topic="ai",
        duration_min=60,
        windows=(a_period(AT + timedelta(days=7)),),
        seats=(Seat((Role.LECTURER,), "ai", 2),),
    )
    return dataclasses.replace(request, **others)


def said(request: Request, **others: Any) -> list[tuple[str, str, str]]:
    values: dict[str, Any] = {
        "venue": VENUE,
        "rules": DEFAULT_RULES,
        "visits_left": None,
        "calendar": chongqing(),
        "is_school": False,
        "at": AT,
    }
    found = findings(request, **(values | others))
    return [(one.severity.value, one.field, one.code) for one in found]


def test_a_sound_request_has_nothing_said_about_it():
    assert said(a_request()) == []


R, W = Severity.REFUSED.value, Severity.WARNING.value


@pytest.mark.parametrize(
    ("good", "bad", "finding"),
    [
        ({"audience_size": 300}, {"audience_size": 301}, (W, "audience_size", "VENUE_TOO_SMALL")),
        ({"topic": "ai"}, {"topic": "robot", "seats": (Seat(),)}, (R, "topic", "TOPIC_UNKNOWN")),
        ({"seats": (Seat(),)}, {"topic": "", "seats": (Seat(),)}, (R, "topic", "TOPIC_MISSING")),
        ({"seats": (Seat(),)}, {"seats": ()}, (R, "seats", "SEATS_MISSING")),
        (
            {"seats": (Seat(topic=""), Seat(topic="ai"))},
            {"seats": (Seat(topic="ai"), Seat(topic="tea_silk"))},
            (R, "seats[1].topic", "SEAT_TOPIC"),
        ),
        (
            {"seats": (Seat(topic="ai"),)},
            {"seats": (Seat(topic="robot"),)},
            (R, "seats[0].topic", "TOPIC_UNKNOWN"),
        ),
        (
            {"seats": (Seat(count=6), Seat(count=6))},
            {"seats": (Seat(count=7), Seat(count=6))},
            (R, "seats", "TEAM_TOO_LARGE"),
        ),
        (
            {"seats": (Seat(), Seat(optional=True))},
            {"seats": (Seat(optional=True), Seat())},
            (R, "seats[0].optional", "LEAD_OPTIONAL"),
        ),
        (
            {"named_only": True, "named_expert": "experts/wang"},
            {"named_only": True},
            (R, "named_expert", "NAMED_EXPERT_MISSING"),
        ),
        (
            {"windows": (a_period(AT + timedelta(days=7), 60),)},
            {"windows": (a_period(AT + timedelta(days=7), 59),)},
            (R, "windows[0]", "WINDOW_TOO_SHORT"),
        ),
        (
            {"windows": (a_period(AT + timedelta(days=7)),)},
            {"windows": ()},
            (R, "windows", "WINDOWS_MISSING"),
        ),
        (
            {"windows": (a_period(FIRST_DAY, 60),)},
            {"windows": (a_period(FIRST_DAY - timedelta(minutes=1), 60),)},
            (R, "windows[0]", "LEAD_TIME"),
        ),
        (
            {"windows": tuple(a_period(AT + timedelta(days=7, hours=h), 60) for h in (0, 1))},
            {"windows": tuple(a_period(AT + timedelta(days=7, minutes=m), 60) for m in (0, 59))},
            (R, "windows[1]", "WINDOWS_OVERLAP"),
        ),
    ],
    ids=lambda value: value[2] if isinstance(value, tuple) else "",
)
def test_each_rule_speaks_on_one_side_of_its_edge_only(good, bad, finding):
    assert said(a_request(**good)) == []
    assert said(a_request(**bad)) == [finding]


def test_a_seat_counted_as_none_is_one():
    seats = (Seat(count=0),) * SEATS_MAX
    assert said(a_request(seats=seats)) == []
    assert said(a_request(seats=(*seats, Seat(count=0)))) == [(R, "seats", "TEAM_TOO_LARGE")]


def test_a_window_is_past_the_moment_it_ends():
    rules = Rules(endorse_automatically=False, lead_days=0, annual_cap=0)
    past = a_period(AT - timedelta(hours=1), 60)
    assert said(a_request(windows=(past,)), rules=rules) == [(R, "windows[0]", "WINDOW_PAST")]
    now = Period(past.start_time, AT + timedelta(minutes=60))
    assert said(a_request(windows=(now,)), rules=rules) == []
    late = Period(past.start_time, AT + timedelta(minutes=59))
    assert said(a_request(windows=(late,)), rules=rules) == [(R, "windows[0]", "LEAD_TIME")]


def test_one_early_window_among_good_ones_is_only_doubtful():
    early, good = a_period(AT + timedelta(hours=1)), a_period(AT + timedelta(days=7))
    assert said(a_request(windows=(early, good))) == [(W, "windows[0]", "LEAD_TIME")]


def test_an_emergency_needs_no_lead_time():
    soon = (a_period(AT + timedelta(hours=1)),)
    assert said(a_request(windows=soon, emergency_level=1)) == []
    assert said(a_request(windows=soon, emergency_level=0)) == [(R, "windows[0]", "LEAD_TIME")]


@pytest.mark.parametrize(("left", "codes"), [(None, []), (1, []), (0, ["ANNUAL_CAP_USED"])])
def test_the_last_visit_of_a_year_is_still_a_visit(left, codes):
    assert [code for _, _, code in said(a_request(), visits_left=left)] == codes


def test_an_unknown_venue_is_refused():
    assert said(a_request(), venue=None) == [(R, "venue", "VENUE_UNKNOWN")]


def test_schools_are_told_of_days_without_lessons():
    friday = datetime(2026, 12, 4, 1, 0, tzinfo=UTC)
    for start, codes in ((friday, []), (friday + timedelta(days=1), ["NO_SCHOOL_DAY"])):
        asked = a_request(windows=(a_period(start),))
        assert [code for _, _, code in said(asked, is_school=True)] == codes
        assert said(asked) == []


@pytest.mark.parametrize(
    ("day", "level", "codes"),
    [
        (14, Level.JUNIOR, []),
        (15, Level.JUNIOR, ["EXAM_DAY"]),
        (15, Level.SENIOR, ["EXAM_DAY"]),
        (16, Level.JUNIOR, ["NO_SCHOOL_DAY"]),  # a Saturday: one thing is said of it
    ],
)
def test_schools_are_told_of_exams(day, level, codes):
    exams = Exam(
        "期末", "finals", date(2027, 1, 15), date(2027, 1, 17), frozenset(Stage), Status.PROVISIONAL
    )
    calendar = Calendar(years={}, terms=chongqing().terms, exams=[exams])
    asked = a_request(windows=(a_period(datetime(2027, 1, day, 1, tzinfo=UTC)),), level=level)
    assert [code for _, _, code in said(asked, is_school=True, calendar=calendar)] == codes
    assert said(asked, calendar=calendar) == []


def test_the_worst_is_said_first():
    found = said(a_request(audience_size=301, seats=()))
    assert [severity for severity, _, _ in found] == [R, W]


def test_warnings_do_not_keep_a_request_from_being_filed():
    checks: dict[str, Any] = {
        "venue": VENUE,
        "rules": DEFAULT_RULES,
        "visits_left": 0,
        "calendar": chongqing(),
        "is_school": False,
        "at": AT,
    }
    require_fileable(findings(a_request(audience_size=301), **checks))
    with pytest.raises(RequestNotFileable) as refused:
        require_fileable(findings(a_request(seats=()), **checks), path="requests[3]")
    assert [one.path for one in refused.value.violations] == ["requests[3].seats"]


@pytest.mark.parametrize(
    ("at", "days", "ready"),
    [
        (AT, 0, AT),
        (AT, 1, datetime(2026, 11, 23, 16, 0, tzinfo=UTC)),
        (datetime(2026, 11, 23, 15, 59, tzinfo=UTC), 1, datetime(2026, 11, 23, 16, 0, tzinfo=UTC)),
        (datetime(2026, 11, 23, 16, 0, tzinfo=UTC), 1, datetime(2026, 11, 24, 16, 0, tzinfo=UTC)),
    ],
)
def test_lead_days_are_whole_local_days(at, days, ready):
    assert ready_time(at, lead_days=days) == ready


@pytest.mark.parametrize(
    ("day", "first"),
    [(date(2026, 8, 31), 2025), (date(2026, 9, 1), 2026), (date(2027, 1, 1), 2026)],
)
def test_a_school_year_begins_in_september(day, first):
    assert school_year(day) == (date(first, 9, 1), date(first + 1, 9, 1))


VERBS: dict[str, Callable[[Request], Request]] = {
    "submitted": lambda r: r.submitted(rules=DEFAULT_RULES, at=AT),
    "endorsed": lambda r: r.endorsed(weight=0, at=AT),
    "returned": lambda r: r.returned(reason="请写明年级", at=AT),
    "withdrawn": lambda r: r.withdrawn(reason="不需要了", at=AT),
    "edited": lambda r: r.edited(dataclasses.replace(r, title="新"), at=AT),
}
ALLOWED = {
    "submitted": {State.DRAFT},
    "endorsed": {State.SUBMITTED, State.ENDORSED},
    "returned": {State.SUBMITTED},
    "withdrawn": {State.DRAFT, State.SUBMITTED, State.ENDORSED, State.UNSERVED, State.WITHDRAWN},
    "edited": {State.DRAFT, State.SUBMITTED, State.ENDORSED, State.UNSERVED},
}
SAME = {
    "submitted": {State.SUBMITTED, State.ENDORSED},
    "endorsed": {State.ENDORSED},
    "withdrawn": {State.WITHDRAWN},
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("state", State)
def test_a_verb_is_done_in_its_states_repeated_or_refused(verb, state):
    before = a_request(state=state, round="rounds/r")
    if state in SAME.get(verb, set()):
        assert VERBS[verb](before) is before
    elif state in ALLOWED[verb]:
        assert VERBS[verb](before).version == before.version + 1
    else:
        with pytest.raises(RequestInRound if state is State.IN_ROUND else WrongState):
            VERBS[verb](before)


def test_what_was_returned_with_the_same_words_is_a_repeat():
    returned = a_request(state=State.SUBMITTED).returned(reason="请写明年级", at=AT)
    assert returned.returned(reason="请写明年级", at=AT) is returned


def test_endorsing_again_with_another_weight_changes_it():
    endorsed = a_request(state=State.SUBMITTED, weight=10).endorsed(weight=40, at=AT)
    assert endorsed.endorsed(weight=40, at=AT) is endorsed
    assert endorsed.endorsed(weight=41, at=AT).weight == 41


@pytest.mark.parametrize("state", State)
def test_only_what_waits_is_frozen_and_it_comes_back_as_it_was(state):
    before = a_request(state=state)
    frozen = before.frozen(round="rounds/r", at=AT)
    if state not in (State.ENDORSED, State.UNSERVED):
        assert frozen is before
        return
    assert (frozen.state, frozen.round) == (State.IN_ROUND, "rounds/r")
    assert frozen.released(round="rounds/other", at=AT) is frozen
    assert frozen.released(round="rounds/r", at=AT).state is State.ENDORSED
    again = dataclasses.replace(frozen, times_unserved=1)
    assert again.released(round="rounds/r", at=AT).state is State.UNSERVED


def test_a_round_counts_once_whatever_its_reasons():
    first = a_request(state=State.IN_ROUND).unserved(round="rounds/a", reason="远", at=AT)
    assert first.unserved(round="rounds/a", reason="远", at=AT) is first
    second = first.unserved(round="rounds/a", reason="忙", at=AT)
    assert (second.times_unserved, second.reason) == (1, "忙")
    assert second.unserved(round="rounds/b", reason="忙", at=AT).times_unserved == 2


def test_a_repeated_decision_changes_nothing():
    done = a_request(state=State.IN_ROUND).scheduled(event="events/e", round="rounds/a", at=AT)
    assert done.scheduled(event="events/e", round="rounds/a", at=AT) is done
    assert done.scheduled(event="events/f", round="rounds/a", at=AT).event == "events/f"
    gone = done.cancelled(reason="路断", at=AT)
    assert gone.cancelled(reason="路断", at=AT) is gone


def test_what_is_not_a_callers_to_write_is_kept():
    before = a_request(state=State.SUBMITTED, node="nodes/school", version=4, times_unserved=2)
    written = a_request(state=State.SCHEDULED, node="nodes/other", version=99, title="新")
    after = written.written_over(before)
    assert (after.state, after.node, after.version, after.title) == (
        State.SUBMITTED,
        "nodes/school",
        4,
        "新",
    )
    fresh = written.written_over(None)
    assert (fresh.state, fresh.node, fresh.version) == (State.DRAFT, "", 1)
