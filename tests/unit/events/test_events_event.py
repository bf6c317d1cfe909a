"""An event from publication to rating: every verb in every state, and the edges of time and code."""

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from libs.errors import WrongState
from services.events.domain.event import (
    Event,
    EventNotBegun,
    RatedAlready,
    Rating,
    State,
    TeamMember,
    WrongCode,
)
from services.events.domain.place import Group
from services.events.domain.request import Form, Period, Role

AT = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
PERIOD = Period(AT, AT + timedelta(hours=1))
LATER = Period(AT + timedelta(days=1), AT + timedelta(days=1, hours=1))
TEAM = (TeamMember("assignments/a", "experts/wang", "示例 王教授", Role.LECTURER, 0),)
EVENT = Event(
    name="events/e",
    request="requests/r",
    round="rounds/r",
    venue="venues/hall",
    title="示例",
    group=Group.YOUTH,
    form=Form.LECTURE,
    topic="ai",
    period=PERIOD,
    team=TEAM,
)
RATING = Rating(5, 4, 3)


def delivering(event: Event, *, code: str = "123456", audience: int = 9) -> Event:
    return event.deliver(code=code, right_code="123456", audience=audience, at=AT)


VERBS: dict[str, Callable[[Event], Event]] = {
    "confirm": lambda e: e.confirm(at=AT),
    "cancel": lambda e: e.cancel(reason="路断", at=AT),
    "move": lambda e: e.move(round="rounds/s", period=LATER, team=TEAM, at=AT),
    "deliver": delivering,
    "rate": lambda e: e.rate(RATING, at=AT),
}
ALLOWED = {
    "confirm": {State.PUBLISHED},
    "cancel": {State.PUBLISHED, State.CANCELLED},
    "move": {State.PUBLISHED, State.CANCELLED},
    "deliver": {State.PUBLISHED, State.DELIVERED},
    "rate": {State.DELIVERED},
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("state", State)
def test_a_verb_is_done_in_its_states_and_refused_in_others(verb, state):
    before = dataclasses.replace(EVENT, state=state)
    if state in ALLOWED[verb]:
        assert VERBS[verb](before).version in {before.version, before.version + 1}
    else:
        with pytest.raises(WrongState):
            VERBS[verb](before)


@pytest.mark.parametrize("verb", VERBS)
def test_a_repeated_verb_changes_nothing(verb):
    state = State.DELIVERED if verb == "rate" else State.PUBLISHED
    once = VERBS[verb](dataclasses.replace(EVENT, state=state))
    assert once.version == EVENT.version + 1
    assert VERBS[verb](once) is once


def test_a_moved_event_is_to_be_confirmed_again():
    confirmed = EVENT.confirm(at=AT)
    assert confirmed.move(round="rounds/s", period=PERIOD, team=TEAM, at=AT) is confirmed
    assert not confirmed.move(round="rounds/s", period=LATER, team=TEAM, at=AT).confirmed
    assert not confirmed.move(round="rounds/s", period=PERIOD, team=(), at=AT).confirmed


def test_what_was_cancelled_may_stand_again_at_the_same_time():
    cancelled = EVENT.confirm(at=AT).cancel(reason="路断", at=AT)
    again = cancelled.move(round="rounds/s", period=PERIOD, team=TEAM, at=AT)
    assert (again.state, again.cancel_reason, again.confirmed) == (State.PUBLISHED, "", False)
    assert (again.round, again.version) == ("rounds/s", cancelled.version + 1)


def test_an_event_is_delivered_from_its_first_instant():
    early = dataclasses.replace(
        EVENT, period=Period(AT + timedelta(microseconds=1), LATER.end_time)
    )
    with pytest.raises(EventNotBegun):
        delivering(early)
    assert delivering(EVENT).state is State.DELIVERED


@pytest.mark.parametrize("code", ["123455", "123457", ""])
def test_another_code_is_refused(code):
    with pytest.raises(WrongCode):
        delivering(EVENT, code=code)


def test_a_corrected_count_is_a_new_version():
    once = delivering(EVENT, audience=9)
    assert delivering(once, audience=9) is once
    assert delivering(once, audience=10).version == once.version + 1


def test_other_answers_are_refused():
    rated = delivering(EVENT).rate(RATING, at=AT)
    with pytest.raises(RatedAlready):
        rated.rate(dataclasses.replace(RATING, content=4), at=AT)
