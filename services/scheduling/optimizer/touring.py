"""Two requests at once into a draft, with a night away between them: what is too far for a day may be served on a tour.

`two_day_tours` lists beforehand which pairs there are for one person with nothing else on these two days, at least one of them
too far for a day. Requests of one required seat only. `insertion.py` puts one request beside what is there, and so never finds a night
that pays only with both.
"""

from typing import Any, NamedTuple

import numpy as np

from services.scheduling.optimizer.insertion import Scratch
from services.scheduling.optimizer.problem import DAY_MIN
from services.scheduling.optimizer.state import (
    DAYS,
    DURATION,
    ENDS,
    EXPERT,
    HOME,
    LOGGED,
    MASK_AT,
    NIGHTS_MAX,
    NO,
    PLACE,
    REQUEST,
    ROUND_LEFT,
    SEAT,
    START_AT,
    TRAVEL_MAX,
    WHERE,
    Given,
    State,
    compiled,
    day_minutes,
    has_room,
    may_join,
    opens,
    placed,
    seat_person,
    take_back,
)


class Tours(NamedTuple):
    """What `two_day_tours` lists."""

    at: Any
    rows: Any


@compiled
def take_tour(given: Given, tours: Tours, state: State, room: Scratch, number: int) -> bool:
    """Serve both requests of a tour, if that can be beside everything else."""
    first, second = np.int64(tours.rows[number, 0]), np.int64(tours.rows[number, 1])
    day = np.int64(tours.rows[number, 2])
    expert = np.int64(given.candidates[first, EXPERT])
    if (
        state.nights[expert] >= given.people[expert, NIGHTS_MAX]
        or state.in_round[expert] + 2 > given.people[expert, ROUND_LEFT]
        or not _free(given, state, room, second, day + 1)
    ):
        return False
    request = given.seats[given.candidates[first, SEAT], REQUEST]
    at = given.asks[request, START_AT]
    for i in range(given.asks[request + 1, START_AT] - at):
        start = np.int64(given.starts[at + i])
        if start // DAY_MIN != day or not _can_start(given, first, i):
            continue
        before = state.own[LOGGED]
        if not _evening(given, state, room, first, start):
            continue
        if _free(given, state, room, second, day + 1):
            morning, nights = _earliest(given, state, second, day + 1)
            if morning >= 0:
                seat_person(given, state, second, morning, nights)
                return True
        take_back(given, state, before)
        return False
    return False


@compiled
def _can_start(given: Given, c: int, i: int) -> bool:
    word = given.masks[np.int64(given.candidates[c, MASK_AT]) + i // 64]
    return bool((word >> np.uint64(i % 64)) & np.uint64(1))


@compiled
def _free(given: Given, state: State, room: Scratch, c: int, day: int) -> bool:
    """Whether the candidate's request is not served and could be on that day, by limits, caps, series, quotas and budgets."""
    expert = np.int64(given.candidates[c, EXPERT])
    request = given.seats[given.candidates[c, SEAT], REQUEST]
    free: bool = (
        state.start[request] < 0
        and state.in_round[expert] < given.people[expert, ROUND_LEFT]
        and has_room(given, state, expert, day)
        and opens(given, state, request, day)
        and may_join(given, state, request, room.team, 0, expert, False)
    )
    return free


@compiled
def _evening(given: Given, state: State, room: Scratch, c: int, start: int) -> bool:
    """Put the visit in as the last one before a night away, with nothing on the day after yet."""
    expert = np.int64(given.candidates[c, EXPERT])
    day = start // DAY_MIN
    row = expert * given.policy[DAYS] + day
    if (
        day + 1 >= given.policy[DAYS]
        or state.night[row]
        or state.count[row + 1] > 0
        or not _free(given, state, room, c, day)
    ):
        return False
    request = given.seats[given.candidates[c, SEAT], REQUEST]
    count = np.int64(state.count[row])
    if count > 0 and state.stops[row, count - 1, ENDS] > start:
        return False
    home = given.people[expert, HOME]
    lodged = day > 0 and state.night[row - 1] != 0
    origin = home
    if lodged:
        origin = np.int64(state.stops[row - 1, state.count[row - 1] - 1, WHERE])
    minutes = day_minutes(
        given.travel, given.windows, np.int64(given.window_at[row]), np.int64(given.window_at[row + 1]),
        state.stops[row], count, count, start, start + given.asks[request, DURATION],
        given.asks[request, PLACE], home, origin, lodged, True,
    )  # fmt: skip
    if minutes < 0 or minutes > given.people[expert, TRAVEL_MAX]:
        return False
    seat_person(given, state, c, start, 2)
    return True


@compiled
def _earliest(given: Given, state: State, c: int, day: int) -> Any:
    """The first start of that day at which the person can make the visit beside what they do, and the nights it takes; -1: none."""
    expert = np.int64(given.candidates[c, EXPERT])
    request = given.seats[given.candidates[c, SEAT], REQUEST]
    at = given.asks[request, START_AT]
    for i in range(given.asks[request + 1, START_AT] - at):
        start = np.int64(given.starts[at + i])
        if start // DAY_MIN < day or not _can_start(given, c, i):
            continue
        if start // DAY_MIN > day:
            break
        end = start + given.asks[request, DURATION]
        cost, nights = placed(given, state, expert, day, start, end, given.asks[request, PLACE])
        if cost != NO:
            return start, np.int64(nights)
    return np.int64(-1), np.int64(0)
