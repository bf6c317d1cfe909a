"""Ruin and recreate on a draft, compiled: what is taken out, in which order it comes back, and what is kept.

Schrimpf et al. 2000 (doi 10.1006/jcph.1999.6413) for the principle, Christiaens & Vanden Berghe 2020 (doi 10.1287/trsc.2019.0914)
for removing what is near and for blinks. Everything that is random comes from `State.dice`, so that the same seed and the same
number of iterations at the same heats give the same plan.
"""

import math
from typing import Any, Final, NamedTuple

import numpy as np

from services.scheduling.optimizer.insertion import (
    BLINK,
    FIT_MIN,
    LOAD_MIN,
    OPTIONAL_BLINK,
    PREFERENCE_MIN,
    PROMISE_MIN,
    START_BLINK,
    Scratch,
    insert,
    pick,
    roll,
)
from services.scheduling.optimizer.packed import Packed
from services.scheduling.optimizer.problem import DAY_MIN
from services.scheduling.optimizer.state import (
    CANDIDATE_AT,
    CLOSED,
    DAYS,
    EMERGENCY,
    EXPERT,
    FOR_SEAT,
    LOG_ROWS,
    LOG_SPARE,
    LOGGED,
    MASK_AT,
    PINNED,
    REQUEST,
    REQUIRED,
    ROUND_LEFT,
    SEAT,
    SEAT_AT,
    SERVED,
    SHARE_AT,
    START_AT,
    TAKEN,
    TICK,
    V_FLOOR,
    VALUES,
    WEIGHT,
    Given,
    State,
    compiled,
    compiled_with_arrays,
    floor_of,
    rebuild,
    remove,
    take_back,
)
from services.scheduling.optimizer.touring import Tours, take_tour

WORTH: Final = np.array([1e12, 1e6, 100.0, 1.0, 0.02, 0.002, 0.001, 0.0005])
"""What a unit of each of `State.values` counts where a worse plan may be accepted; the best plan is always by their order."""
TOURS_TRIED: Final = 1
"""Tours of two days tried for what does not go in by itself."""
TOUR_RUINS: Final = 0.1
"""How often room is made for a tour where room is made for a request."""
LISTED_MAX: Final = 40
"""So many requests at most, that were not served before, are tried after one ruin."""


class Best(NamedTuple):
    """The best draft so far: copies of `State`'s arrays of the same names."""

    start: Any
    who: Any
    remote: Any
    night: Any
    values: Any


def nothing(packed: Packed, state: State) -> Best:
    """The draft as it is, as the best one."""
    return Best(
        start=state.start.copy(),
        who=state.who.copy(),
        remote=state.remote.copy(),
        night=state.night.copy(),
        values=state.values.copy(),
    )


@compiled_with_arrays
def keep(state: State, best: Best) -> None:
    """The draft becomes the best one."""
    best.start[:] = state.start
    best.who[:] = state.who
    best.remote[:] = state.remote
    best.night[:] = state.night
    best.values[:] = state.values


@compiled
def back_to(given: Given, state: State, best: Best) -> None:
    """The best draft becomes the draft."""
    rebuild(given, state, best.start, best.who, best.remote, best.night)


@compiled
def compared(values: Any, others: Any) -> int:
    """1, 0 or -1: the first row is better, the same or worse, by the first value that differs."""
    for i in range(VALUES):
        if values[i] != others[i]:
            return 1 if values[i] > others[i] else -1
    return 0


def wanted_first(given: Given, state: State, *, pinned_only: bool) -> Any:
    """What is not served: pins first, then emergencies and the most needed."""
    asks = given.asks[:-1]
    absent = (state.start < 0) & (asks[:, PINNED] > (0 if pinned_only else -1))
    order = np.lexsort((-asks[:, WEIGHT], asks[:, EMERGENCY] == 0, asks[:, PINNED] == 0))
    return order[absent[order]].astype(np.int64)


@compiled_with_arrays
def improve(
    given: Given,
    tours: Tours,
    state: State,
    room: Scratch,
    best: Best,
    worth: Any,
    heat: float,
    wanted: Any,
    iterations: int,
) -> int:
    """Serve what of `wanted` can be; then so many times take something out, put back what fits best, and keep it or not.

    `heat` is in the unit of need: a plan that is worse by that much is kept one time in e. At 0 only what is no worse is kept,
    stage by stage. Gives back how often a better plan was found.
    """
    found = 0
    if len(state.start) == 0:
        return found
    for iteration in range(-1, iterations):
        state.own[TICK] += 1
        state.own[LOGGED] = 0
        room.before[:] = state.values
        filling = iteration < 0
        if filling:
            count = len(wanted)
            room.todo[:count] = wanted
            room.key[:count] = 1.0
            _taste(state, room, 0, False)
        else:
            target, number = _ruin(given, tours, state, room)
            if number >= 0:
                take_tour(given, tours, state, room, number)
            count = _list(given, state, room, target)
            exact = heat <= 0.0 or roll(state.dice) < 0.15
            _taste(state, room, 2 if exact else pick(state.dice, 2), True)
            _sort(given, state, room, count)
        tick = state.own[TICK]
        for i in range(count):
            request = room.todo[i]
            if state.start[request] < 0 and state.own[LOGGED] < LOG_ROWS - LOG_SPARE:
                served = insert(given, state, room, request, tick if room.key[i] < 0 else 0)
                if not served and room.key[i] > 0:
                    _tour(given, tours, state, room, request, TOURS_TRIED)
            if filling:
                state.own[LOGGED] = 0
        state.values[V_FLOOR] = floor_of(given, state)
        if filling:
            fine = True
        elif heat > 0.0:
            change = 0.0
            for v in range(VALUES):
                change += worth[v] * (state.values[v] - room.before[v])
            fine = change >= 0 or change > heat * math.log(max(roll(state.dice), 1e-300))
        else:
            fine = compared(state.values, room.before) >= 0
        if not fine:
            take_back(given, state, 0)
            state.values[V_FLOOR] = room.before[V_FLOOR]
        elif compared(state.values, best.values) > 0:
            keep(state, best)
            found += 1
    return found


# What is taken out ---------------------------------------------------------------------------------------------------


@compiled
def _ruin(given: Given, tours: Tours, state: State, room: Scratch) -> Any:
    """Take something out; the request and the tour (of `Tours.rows`) for which room was made, or -1."""
    dice, served = state.dice, state.own[SERVED]
    requests = len(state.start)
    absent = requests - served
    kind = roll(dice)
    size = 1 + pick(dice, 6)
    if roll(dice) < 0.1:
        size *= 3
    wanted, number, count = np.int64(-1), np.int64(-1), np.int64(0)
    if absent > 0 and kind < 0.4 and roll(dice) < TOUR_RUINS:
        wanted = _absent_one(given, state, served, absent)
        first = tours.at[wanted]
        if tours.at[wanted + 1] > first:
            number = first + pick(dice, tours.at[wanted + 1] - first)
            count = _make_way(given, tours, state, room, count, number)
    if number >= 0:
        pass
    elif absent > 0 and (kind < 0.4 or served == 0):
        wanted = _absent_one(given, state, served, absent)
        count = _make_room(given, state, room, count, wanted)
        if roll(dice) < 0.5:
            count = _near(given, state, room, count, wanted, 1 + pick(dice, 2))
    elif kind < 0.65:
        count = _near(given, state, room, count, pick(dice, requests), size)
    elif kind < 0.78:
        count = _fortnight(given, state, room, count, np.int64(state.order[pick(dice, served)]))
        if roll(dice) < 0.5:
            count = _near(given, state, room, count, pick(dice, requests), 1 + pick(dice, 3))
    elif kind < 0.88:
        count = _strings(given, state, room, count, pick(dice, requests), 1 + size // 2)
    else:
        for _ in range(size):
            count = _goes(room, count, np.int64(state.order[pick(dice, served)]))
    for i in range(count):
        if state.own[LOGGED] < LOG_ROWS // 2:
            remove(given, state, room.todo[i])
    return wanted, number


@compiled
def _make_way(
    given: Given, tours: Tours, state: State, room: Scratch, count: int, number: int
) -> int:
    """Free the two days of a tour, and what else of the person's limits it needs."""
    first, second = np.int64(tours.rows[number, 0]), np.int64(tours.rows[number, 1])
    expert, day = np.int64(given.candidates[first, EXPERT]), np.int64(tours.rows[number, 2])
    row = expert * given.policy[DAYS] + day
    for candidate in (first, second):
        request = given.seats[given.candidates[candidate, SEAT], REQUEST]
        if state.start[request] >= 0:
            count = _goes(room, count, request)
    freed = np.int64(state.count[row] + state.count[row + 1])
    count = _day_goes(given, state, room, count, row)
    count = _day_goes(given, state, room, count, row + 1)
    if state.in_round[expert] - freed + 2 > given.people[expert, ROUND_LEFT]:
        count = _some_goes(given, state, room, count, expert, -1)
    for at in range(2):
        week = given.week_of_day[day + at]
        if state.in_week[expert, week] - state.count[row + at] >= given.week_left[expert, week]:
            count = _some_goes(given, state, room, count, expert, week)
    return count


@compiled
def _tour(
    given: Given, tours: Tours, state: State, room: Scratch, request: int, tries: int
) -> bool:
    """Serve the request on a tour of two days, if one of some is possible."""
    first = tours.at[request]
    able = tours.at[request + 1] - first
    for _ in range(min(tries, able)):
        if take_tour(given, tours, state, room, first + pick(state.dice, able)):
            return True
    return False


@compiled
def _goes(room: Scratch, count: int, request: int) -> int:
    """List a request that is to be taken out; how many there are."""
    if count < len(room.todo):
        room.todo[count] = request
        count += 1
    return count


@compiled
def _day_goes(given: Given, state: State, room: Scratch, count: int, row: int) -> int:
    for i in range(state.count[row]):
        count = _goes(room, count, given.seats[state.stops[row, i, FOR_SEAT], REQUEST])
    return count


@compiled
def _absent_one(given: Given, state: State, served: int, absent: int) -> int:
    """One that is not served: of two or three the most needed."""
    chosen = np.int64(state.order[served + pick(state.dice, absent)])
    for _ in range(1 + pick(state.dice, 2)):
        other = np.int64(state.order[served + pick(state.dice, absent)])
        if (
            _urgency(given, other) * given.asks[other, WEIGHT]
            > _urgency(given, chosen) * given.asks[chosen, WEIGHT]
        ):
            chosen = other
    return chosen


@compiled
def _make_room(given: Given, state: State, room: Scratch, count: int, request: int) -> int:
    """Free some people who could serve the request at one of its starts."""
    asks, dice, days = given.asks, state.dice, given.policy[DAYS]
    starts = asks[request + 1, START_AT] - asks[request, START_AT]
    if starts == 0:
        return count
    i = pick(dice, starts)
    day = np.int64(given.starts[asks[request, START_AT] + i]) // DAY_MIN
    for seat in range(asks[request, SEAT_AT], asks[request + 1, SEAT_AT]):
        first = given.seats[seat, CANDIDATE_AT]
        able = given.seats[seat + 1, CANDIDATE_AT] - first
        if able == 0 or not given.seats[seat, REQUIRED]:
            continue
        for _ in range(10):
            c = first + pick(dice, able)
            word = given.masks[np.int64(given.candidates[c, MASK_AT]) + i // 64]
            if (word >> np.uint64(i % 64)) & np.uint64(1):
                expert = np.int64(given.candidates[c, EXPERT])
                count = _day_goes(given, state, room, count, expert * days + day)
                week = given.week_of_day[day]
                if state.in_week[expert, week] >= given.week_left[expert, week]:
                    count = _some_goes(given, state, room, count, expert, week)
                if state.in_round[expert] >= given.people[expert, ROUND_LEFT]:
                    count = _some_goes(given, state, room, count, expert, -1)
                break
    return count


@compiled
def _some_goes(
    given: Given, state: State, room: Scratch, count: int, expert: int, week: int
) -> int:
    """One of the person's visits, of that week where it is not negative."""
    days = given.policy[DAYS]
    begin = pick(state.dice, days)
    for n in range(days):
        day = (begin + n) % days
        row = expert * days + day
        if state.count[row] > 0 and (week < 0 or given.week_of_day[day] == week):
            at = pick(state.dice, np.int64(state.count[row]))
            return _goes(room, count, given.seats[state.stops[row, at, FOR_SEAT], REQUEST])
    return count


@compiled
def _near(given: Given, state: State, room: Scratch, count: int, centre: int, size: int) -> int:
    """Served requests near one, and itself."""
    if state.start[centre] >= 0:
        count = _goes(room, count, centre)
        size -= 1
    for i in range(given.near.shape[1]):
        if size <= 0:
            break
        other = np.int64(given.near[centre, i])
        if state.start[other] >= 0 and roll(state.dice) < 0.7:
            count = _goes(room, count, other)
            size -= 1
    return count


@compiled
def _fortnight(given: Given, state: State, room: Scratch, count: int, request: int) -> int:
    """A fortnight of somebody who serves the request."""
    days = given.policy[DAYS]
    seat = given.asks[request, SEAT_AT]
    seat += pick(state.dice, given.asks[request + 1, SEAT_AT] - seat)
    expert = np.int64(state.who[seat])
    if expert < 0:
        return _goes(room, count, request)
    middle = np.int64(state.start[request]) // DAY_MIN
    for day in range(max(0, middle - 7), min(days, middle + 8)):
        count = _day_goes(given, state, room, count, expert * days + day)
    return count


@compiled
def _strings(given: Given, state: State, room: Scratch, count: int, centre: int, size: int) -> int:
    """Whole person-days near a request."""
    days = given.policy[DAYS]
    for i in range(-1, given.near.shape[1]):
        if size <= 0:
            break
        other = centre if i < 0 else np.int64(given.near[centre, i])
        if state.start[other] >= 0 and roll(state.dice) < 0.7:
            expert = np.int64(state.who[given.asks[other, SEAT_AT]])
            if expert < 0:
                count = _goes(room, count, other)
            else:
                row = expert * days + np.int64(state.start[other]) // DAY_MIN
                count = _day_goes(given, state, room, count, row)
            size -= 1
    return count


# What comes back ------------------------------------------------------------------------------------------------------


@compiled
def _list(given: Given, state: State, room: Scratch, wanted: int) -> int:
    """List in `room.todo` what was taken out, and others that could take the place; `room.key` is -1 for those others."""
    tick, count = state.own[TICK], 0
    for n in range(state.own[LOGGED]):
        if state.log[n, 0] == TAKEN:
            room.touched[state.log[n, 2]] = tick
        elif state.log[n, 0] == CLOSED:
            request = np.int64(state.log[n, 1])
            if state.start[request] < 0 and room.marked[request] != tick:
                room.marked[request] = tick
                room.todo[count], room.key[count] = request, 1.0
                count += 1
    if wanted >= 0 and room.marked[wanted] != tick:
        room.marked[wanted] = tick
        room.todo[count], room.key[count] = wanted, 1.0
        count += 1
    last = min(len(room.todo) - 1, count + LISTED_MAX)
    for n in range(state.own[LOGGED]):
        if count >= last:
            break
        if state.log[n, 0] != TAKEN:
            continue
        expert = state.log[n, 2]
        first = given.of_expert_at[expert]
        size = given.of_expert_at[expert + 1] - first
        begin = pick(state.dice, size)
        for i in range(size):
            at = begin + i
            c = given.of_expert[first + (at if at < size else at - size)]
            request = given.seats[given.candidates[c, SEAT], REQUEST]
            if state.start[request] < 0 and room.marked[request] != tick:
                room.marked[request] = tick
                room.todo[count], room.key[count] = request, -1.0
                count += 1
                if count >= last:
                    break
    return count


@compiled
def _urgency(given: Given, request: int) -> float:
    """By how much pins and emergencies come first."""
    return (1e9 if given.asks[request, PINNED] else 1.0) * (
        1e4 if given.asks[request, EMERGENCY] else 1.0
    )


@compiled
def _sort(given: Given, state: State, room: Scratch, count: int) -> None:
    """Put `room.todo` in an order, the most urgent first by some measure; signs of `room.key` stay with their requests."""
    kind = roll(state.dice)
    worst = state.values[V_FLOOR]
    for i in range(count):
        request = room.todo[i]
        noise = 0.5 + roll(state.dice)
        weight = given.asks[request, WEIGHT] + 1.0
        seats = given.asks[request + 1, SEAT_AT] - given.asks[request, SEAT_AT]
        if kind < 0.4:
            urgent = weight * noise
        elif kind < 0.65:
            urgent = weight / seats * noise
        elif kind < 0.85:
            seat = given.asks[request, SEAT_AT]
            able = given.seats[seat + 1, CANDIDATE_AT] - given.seats[seat, CANDIDATE_AT]
            urgent = weight / (1.0 + able) * noise
        else:
            urgent = noise
        for n in range(given.asks[request, SHARE_AT], given.asks[request + 1, SHARE_AT]):
            share = given.share[n]
            if (
                1000 * (given.shares[share, 1] + state.covered[share])
                <= worst * given.shares[share, 0]
            ):
                urgent *= 10
        urgent *= _urgency(given, request)
        urgent = urgent if room.key[i] > 0 else -urgent
        at = i
        while at > 0 and abs(room.key[at - 1]) < abs(urgent):
            room.key[at], room.todo[at] = room.key[at - 1], room.todo[at - 1]
            at -= 1
        room.key[at], room.todo[at] = urgent, request


@compiled
def _taste(state: State, room: Scratch, kind: int, blinking: bool) -> None:
    """0: travel counts much, so that days have room; 1: fit counts more; 2: one stage before the other."""
    tasted = room.tasted
    tasted[PROMISE_MIN] = 100.0
    tasted[PREFERENCE_MIN] = 1.0
    tasted[LOAD_MIN] = 0.5
    if kind == 0:
        tasted[FIT_MIN] = 30.0
    elif kind == 1:
        tasted[FIT_MIN] = 300.0
    else:
        tasted[FIT_MIN], tasted[PROMISE_MIN] = 1e7, 1e4
        tasted[PREFERENCE_MIN], tasted[LOAD_MIN] = 1e-3, 1e-6
    tasted[BLINK] = 0.05 if blinking else 0.0
    tasted[START_BLINK] = 0.1 if blinking else 0.0
    tasted[OPTIONAL_BLINK] = 0.15 if blinking else 0.0
