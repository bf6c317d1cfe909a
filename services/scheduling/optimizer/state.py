"""A plan under construction as arrays, and every change to it that can be taken back: what the search's compiled loops work on.

`Given` is what the problem says and never changes; `State` is one draft of a plan with every count a limit is about. Both are
tables with named columns, because compiled code passes few large arrays faster than many small ones.

The rules live here, once for the search (`check.py` states them again, alone):

* `day_minutes`: a person's day, door to door, windows and nights away.
* `has_room`: limits per day, week and round, rest days.
* `opens`: caps, and the spacing of a series.
* `may_join`: the team of a request: once each, not beside whom they must not be, quotas, budgets.
* who may come at all is in `packed.py`; whole teams and pins are in `insertion.py`.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numba
import numpy as np

from services.scheduling.optimizer.compiling import njit
from services.scheduling.optimizer.packed import Packed
from services.scheduling.optimizer.problem import (
    DAY_MIN,
    Assignment,
    NightAway,
    Plan,
)


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, compiled when first called, kept on disk, and not holding the interpreter's lock. It makes no arrays.

    Calls from compiled code take every whole number as 64 bits, so that each function is compiled once and not again for
    every literal that somebody passes.
    """
    return _wide_calls(njit(makes_arrays=False, error_model="numpy")(function))


def compiled_with_arrays(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same for a function that makes arrays, copies them, or calls one that gives it new ones."""
    return _wide_calls(njit(error_model="numpy")(function))


def _wide_calls(kept: Any) -> Callable[..., Any]:
    if hasattr(kept, "get_call_template"):  # not where NUMBA_DISABLE_JIT has nothing compiled
        resolve = kept.get_call_template

        def plain(args: Any, keywords: Any) -> Any:
            return resolve(tuple(_wide(one) for one in args), keywords)

        kept.get_call_template = plain
    called: Callable[..., Any] = kept
    return called


def _wide(kind: Any) -> Any:
    kind = numba.types.unliteral(kind)
    return numba.types.int64 if isinstance(kind, numba.types.Integer) else kind


# Columns of `Given.people`
HOME, POOL, COST, PER_DAY, ROUND_LEFT, TRAVEL_MAX, NIGHTS_MAX, WORK_DAYS = range(8)
# of `Given.asks`, one row more than there are requests
(
    PLACE,
    NODE,
    DURATION,
    WEIGHT,
    EMERGENCY,
    SEAT_AT,
    START_AT,
    PIN_START,
    NAMED,
    PINNED,
    CAP_AT,
    BUDGET_AT,
    SERIES_AT,
    SHARE_AT,
) = range(14)
# of `Given.seats`, one row more than there are seats
REQUEST, REQUIRED, PIN, CANDIDATE_AT, PROMISE_AT = range(5)
# of `Given.candidates`
EXPERT, REMOTE, FIT, MASK_AT, SEAT = range(5)
# of a stop in `State.stops`
BEGINS, ENDS, WHERE, FOR_SEAT = range(4)
# of `Given.policy`
DAYS, PREFER_NAMED, NIGHT_MIN = range(3)
# of `State.values`, in their order: a plan is compared with another by this row; pins come before everything
(
    V_PINS,
    V_EMERGENCY,
    V_FLOOR,
    V_NEED,
    V_PROMISES,
    V_TRAVEL,
    V_PREFERENCE,
    V_LOAD,
) = range(8)
VALUES: Final = 8
# of `State.own`
SERVED, LOGGED, TICK = range(3)
# what is logged
PUT, TAKEN, NIGHT, WAY, OPENED, CLOSED = range(6)

NO: Final = -(2**40)
"""Instead of minutes: impossible."""
STOPS_MAX: Final = 32
"""More visits than that on one day are not planned."""
LOG_ROWS: Final = 60_000
NEAR_ROWS: Final = 256
"""Requests whose neighbours are sought at once."""
LOG_SPARE: Final = 4_000
"""Nothing is put in any more when so few rows are left."""


class Given(NamedTuple):
    """The problem; see `packed.py` for what the numbers mean."""

    travel: Any
    people: Any
    week_left: Any
    week_of_day: Any
    window_at: Any
    windows: Any
    asks: Any
    seats: Any
    starts: Any
    candidates: Any
    masks: Any
    of_expert_at: Any
    of_expert: Any
    quota: Any
    pair: Any
    cap: Any
    cap_max: Any
    budget: Any
    budget_max: Any
    series: Any
    member_at: Any
    member: Any
    rules: Any
    """By series: `(spacing_days, continuity)`."""
    share: Any
    shares: Any
    """`(target, carried)`."""
    promise: Any
    policy: Any
    near: Any
    """By request, others by nearness."""


class State(NamedTuple):
    """A draft. Person-day `e * days + d` is a row of `count`, `stops` (by start), `night` (away after that day) and `way`
    (minutes on the road). `start` is -1 for what is not served, `who` is -1 for an empty seat. `order` has the served
    requests first, `own[SERVED]` of them; `place_in` says where each is.
    """

    start: Any
    who: Any
    remote: Any
    count: Any
    stops: Any
    night: Any
    way: Any
    in_round: Any
    in_week: Any
    days_in_week: Any
    nights: Any
    quota: Any
    cap: Any
    spent: Any
    covered: Any
    values: Any
    order: Any
    place_in: Any
    own: Any
    log: Any
    queue: Any
    dice: Any


def given(packed: Packed, *, near: int) -> Given:
    """The tables of a problem, with `near` neighbours for each request."""
    people = np.stack(
        [
            packed.home,
            packed.pool,
            packed.cost,
            packed.per_day_max,
            packed.round_left,
            packed.travel_max,
            packed.nights_max,
            packed.work_days_max,
        ],
        axis=1,
    ).astype(np.int64)
    asks = np.zeros((packed.requests + 1, 14), dtype=np.int64)
    pinned = packed.pin_start != -1
    np.logical_or.at(pinned, packed.seat_request, packed.pin_expert != -1)
    for column, values in (
        (PLACE, packed.place),
        (NODE, packed.node),
        (DURATION, packed.duration),
        (WEIGHT, packed.weight),
        (EMERGENCY, packed.emergency),
        (PIN_START, packed.pin_start),
        (NAMED, packed.named),
        (PINNED, pinned),
    ):
        asks[:-1, column] = values
    for column, values in (
        (SEAT_AT, packed.seat_at),
        (START_AT, packed.start_at),
        (CAP_AT, packed.cap_at),
        (BUDGET_AT, packed.budget_at),
        (SERIES_AT, packed.series_at),
        (SHARE_AT, packed.share_at),
    ):
        asks[:, column] = values
    seats = np.zeros((packed.seats + 1, 5), dtype=np.int64)
    seats[:-1, REQUEST] = packed.seat_request
    seats[:-1, REQUIRED] = packed.seat_required
    seats[:-1, PIN] = packed.pin_expert
    seats[:, CANDIDATE_AT] = packed.candidate_at
    seats[:, PROMISE_AT] = packed.promise_at
    return Given(
        travel=packed.travel,
        people=people,
        week_left=packed.week_left,
        week_of_day=packed.week_of_day,
        window_at=packed.window_at,
        windows=np.stack([packed.window_from, packed.window_to], axis=1),
        asks=asks,
        seats=seats,
        starts=packed.starts,
        candidates=np.stack(
            [
                packed.candidate_expert,
                packed.candidate_remote.astype(np.int32),
                packed.candidate_fit,
                packed.candidate_mask_at[:-1].astype(np.int32),
                packed.candidate_seat,
            ],
            axis=1,
        ),
        masks=packed.candidate_mask,
        of_expert_at=packed.of_expert_at,
        of_expert=packed.of_expert,
        quota=packed.quota,
        pair=packed.pair,
        cap=packed.cap,
        cap_max=packed.cap_max,
        budget=packed.budget,
        budget_max=packed.budget_max,
        series=packed.series,
        member_at=packed.member_at,
        member=packed.member,
        rules=np.stack([packed.spacing.astype(np.int64), packed.continuity], axis=1),
        share=packed.share,
        shares=np.stack([packed.share_target, packed.share_carried], axis=1),
        promise=packed.promise,
        policy=np.array(
            [packed.days, packed.prefer_named, packed.night_as_travel_min], dtype=np.int64
        ),
        near=_neighbours(packed, near),
    )


def empty(packed: Packed, seed: int) -> State:
    """A draft that serves nobody."""
    experts, requests, days = packed.experts, packed.requests, packed.days
    shortest = int(packed.duration.min()) if requests else DAY_MIN
    most = int(packed.per_day_max.max()) if experts else 1
    stops = max(1, min(most, DAY_MIN // max(1, shortest), requests, STOPS_MAX))
    rows = experts * days
    values = np.zeros(VALUES, dtype=np.int64)
    values[V_PROMISES] = -int(packed.promise[:, 4].sum())
    return State(
        start=np.full(requests, -1, dtype=np.int32),
        who=np.full(packed.seats, -1, dtype=np.int32),
        remote=np.zeros(packed.seats, dtype=np.int8),
        count=np.zeros(rows, dtype=np.int32),
        stops=np.zeros((rows, stops, 4), dtype=np.int32),
        night=np.zeros(rows, dtype=np.int8),
        way=np.zeros(rows, dtype=np.int32),
        in_round=np.zeros(experts, dtype=np.int32),
        in_week=np.zeros((experts, packed.weeks), dtype=np.int32),
        days_in_week=np.zeros((experts, packed.weeks), dtype=np.int32),
        nights=np.zeros(experts, dtype=np.int32),
        quota=np.zeros(packed.quota.shape, dtype=np.int32),
        cap=np.zeros(len(packed.cap_max), dtype=np.int32),
        spent=np.zeros(len(packed.budget_max), dtype=np.int64),
        covered=np.zeros(len(packed.share_target), dtype=np.int64),
        values=values,
        order=np.arange(requests, dtype=np.int32),
        place_in=np.arange(requests, dtype=np.int32),
        own=np.zeros(3, dtype=np.int64),
        log=np.zeros((LOG_ROWS, 5), dtype=np.int32),
        queue=np.zeros(4 * requests + 64, dtype=np.int32),
        dice=np.array([(seed * 0x9E3779B97F4A7C15 + 0x1234567) % 2**64 or 1], dtype=np.uint64),
    )


def plan_of(packed: Packed, start: Any, who: Any, remote: Any, night: Any) -> Plan:
    """The plan that the arrays of a `State` say."""
    assignments = []
    for seat in np.flatnonzero(who >= 0).tolist():
        request = int(packed.seat_request[seat])
        assignments.append(
            Assignment(
                request,
                seat - int(packed.seat_at[request]),
                int(who[seat]),
                int(start[request]),
                bool(remote[seat]),
            )
        )
    nights = [
        NightAway(row // packed.days, row % packed.days) for row in np.flatnonzero(night).tolist()
    ]
    return Plan(tuple(sorted(assignments)), tuple(sorted(nights)))


def _neighbours(packed: Packed, near: int) -> Any:
    """For each request the `near` others that are nearest by travel; an hour further where they share no day."""
    requests = packed.requests
    near = min(near, max(0, requests - 1))
    found = np.zeros((requests, near), dtype=np.int32)
    days = np.zeros(requests, dtype=np.uint64)
    of = np.repeat(np.arange(requests), np.diff(packed.start_at))
    np.bitwise_or.at(days, of, np.uint64(1) << (packed.starts // DAY_MIN).astype(np.uint64))
    everybody = np.arange(requests)
    for first in range(0, requests if near else 0, NEAR_ROWS):
        rows = everybody[first : first + NEAR_ROWS]
        away = packed.travel[packed.place[rows]][:, packed.place].astype(np.int64)
        away += 60 * ((days[rows][:, None] & days[None, :]) == 0)
        away = away * requests + everybody  # each value once: the lower index is the nearer
        away[np.arange(len(rows)), rows] = np.iinfo(np.int64).max
        nearest = np.partition(away, near - 1, axis=1)[:, :near]
        found[rows] = np.sort(nearest, axis=1) % requests
    return found


# A person's day ------------------------------------------------------------------------------------------------------


@compiled
def day_minutes(
    travel: Any,
    windows: Any,
    first: int,
    last: int,
    stops: Any,
    count: int,
    at: int,
    start: int,
    end: int,
    place: int,
    home: int,
    origin: int,
    lodged: bool,
    lodges: bool,
) -> int:
    """Minutes on the road of a day with `count` stops, and one more `[start, end)` at `place` put in at index `at` where that is
    not negative; `NO` where it cannot be. The day's free windows are `windows[first:last]`; it begins at `origin`.
    """
    total = count if at < 0 else count + 1
    here, current, free_at, before_end, minutes = origin, -1, 0, -1, 0
    for i in range(total):
        if i == at:
            begins, ends, where = start, end, place
        else:
            j = i if at < 0 or i < at else i - 1
            begins = np.int64(stops[j, BEGINS])
            ends = np.int64(stops[j, ENDS])
            where = np.int64(stops[j, WHERE])
        if begins < before_end:
            return NO
        index = -1
        for w in range(first, last):
            if windows[w, 0] <= begins and ends <= windows[w, 1]:
                index = w
                break
        if index < 0:
            return NO
        if index != current:
            if current < 0:
                if index > first and lodged:
                    return NO  # after a night away the day begins in its first window
            else:
                leg = np.int64(travel[here, home])
                if before_end + leg > windows[current, 1]:
                    return NO
                minutes += leg
                here = home
            free_at = np.int64(windows[index, 0])
            current = index
        leg = np.int64(travel[here, where])
        if free_at + leg > begins:
            return NO
        minutes += leg
        here, free_at, before_end = where, ends, ends
    if lodges:
        if current != last - 1:
            return NO  # a night away follows the day's last window
    else:
        leg = np.int64(travel[here, home])
        if before_end + leg > windows[current, 1]:
            return NO
        minutes += leg
    return minutes


@compiled
def has_room(given: Given, state: State, expert: int, day: int) -> bool:
    """Whether limits per day and week and rest days leave the person a visit on that day; the round is asked apart."""
    row = expert * given.policy[DAYS] + day
    if state.count[row] >= min(given.people[expert, PER_DAY], state.stops.shape[1]):
        return False
    week = given.week_of_day[day]
    if state.in_week[expert, week] >= given.week_left[expert, week]:
        return False
    return (
        state.count[row] > 0 or state.days_in_week[expert, week] < given.people[expert, WORK_DAYS]
    )


@compiled
def placed(
    given: Given, state: State, expert: int, day: int, start: int, end: int, place: int
) -> Any:
    """Minutes that the visit adds to the person's days, nights away counted as the policy counts them, and the nights it takes:
    1 for the one before, 2 for the one after; `NO` where it cannot be. Limits per day, week and round are not looked at.
    """
    row = expert * given.policy[DAYS] + day
    count = np.int64(state.count[row])
    stops = state.stops[row]
    at = 0
    while at < count and stops[at, BEGINS] < start:
        at += 1
    if at > 0 and stops[at - 1, ENDS] > start:
        return NO, 0
    if at < count and end > stops[at, BEGINS]:
        return NO, 0
    home = given.people[expert, HOME]
    most = given.people[expert, TRAVEL_MAX]
    first, last = np.int64(given.window_at[row]), np.int64(given.window_at[row + 1])
    lodged = day > 0 and state.night[row - 1] != 0
    lodges = state.night[row] != 0
    origin = home
    if lodged:
        origin = np.int64(state.stops[row - 1, state.count[row - 1] - 1, WHERE])
    was = np.int64(state.way[row])
    best, nights = NO, 0
    now = day_minutes(
        given.travel, given.windows, first, last, stops, count, at, start, end, place, home, origin,
        lodged, lodges,
    )  # fmt: skip
    if 0 <= now <= most:
        best = now - was
        if lodges and at == count:
            later = _next_day(given, state, expert, row, place)
            best = NO if later == NO else best + later
    spare = given.people[expert, NIGHTS_MAX] - state.nights[expert]
    if spare <= 0:
        return best, nights
    can_before = day > 0 and not lodged and state.count[row - 1] > 0
    can_after = day + 1 < given.policy[DAYS] and not lodges and state.count[row + 1] > 0
    ends_at = place if at == count else np.int64(stops[count - 1, WHERE])
    for option in range(1, 4):
        before, after = (option & 1) != 0, (option & 2) != 0
        if (before and not can_before) or (after and not can_after) or (option == 3 and spare < 2):
            continue
        begins_at = origin
        total = given.policy[NIGHT_MIN] * (2 if option == 3 else 1)
        if before:
            begins_at = np.int64(state.stops[row - 1, state.count[row - 1] - 1, WHERE])
            evening = _day_again(given, state, expert, row - 1, True)
            if evening == NO:
                continue
            total += evening - state.way[row - 1]
        now = day_minutes(
            given.travel, given.windows, first, last, stops, count, at, start, end, place, home,
            begins_at, lodged or before, lodges or after,
        )  # fmt: skip
        if now < 0 or now > most:
            continue
        total += now - was
        if lodges or after:
            later = _next_day(given, state, expert, row, ends_at)
            if later == NO:
                continue
            total += later
        if best == NO or total < best:
            best, nights = total, option
    return best, nights


@compiled
def _next_day(given: Given, state: State, expert: int, row: int, origin: int) -> int:
    """Minutes by which the day after `row` gets longer when it begins at `origin` after a night; `NO` where it cannot."""
    day = row + 1
    now = day_minutes(
        given.travel, given.windows, np.int64(given.window_at[day]), np.int64(given.window_at[day + 1]),
        state.stops[day], np.int64(state.count[day]), -1, 0, 0, 0, given.people[expert, HOME], origin, True,
        state.night[day] != 0,
    )  # fmt: skip
    if now < 0 or now > given.people[expert, TRAVEL_MAX]:
        return NO
    return np.int64(now - state.way[day])


@compiled
def _day_again(given: Given, state: State, expert: int, row: int, lodges: bool) -> int:
    """Minutes of a person-day as it stands, with or without a night away after it; `NO` where it cannot be."""
    if state.count[row] == 0:
        return 0
    home = given.people[expert, HOME]
    lodged = row % given.policy[DAYS] > 0 and state.night[row - 1] != 0
    origin = home
    if lodged:
        origin = np.int64(state.stops[row - 1, state.count[row - 1] - 1, WHERE])
    now = day_minutes(
        given.travel, given.windows, np.int64(given.window_at[row]), np.int64(given.window_at[row + 1]),
        state.stops[row], np.int64(state.count[row]), -1, 0, 0, 0, home, origin, lodged, lodges,
    )  # fmt: skip
    return NO if now > given.people[expert, TRAVEL_MAX] else now


# A request and its team -----------------------------------------------------------------------------------------------


@compiled
def opens(given: Given, state: State, request: int, day: int) -> bool:
    """Whether caps and the spacing of its series let the request be served on that day."""
    for i in range(given.asks[request, CAP_AT], given.asks[request + 1, CAP_AT]):
        if state.cap[given.cap[i]] >= given.cap_max[given.cap[i]]:
            return False
    for i in range(given.asks[request, SERIES_AT], given.asks[request + 1, SERIES_AT]):
        series = given.series[i]
        for j in range(given.member_at[series], given.member_at[series + 1]):
            other = given.member[j]
            if other != request and state.start[other] >= 0:
                apart = abs(state.start[other] // DAY_MIN - day)
                if apart < given.rules[series, 0]:
                    return False
    return True


@compiled
def goes_with(given: Given, request: int, team: Any, size: int, expert: int) -> bool:
    """Whether the person is not one of the first `size` of `team`, nor must not be beside one of them."""
    for i in range(size):
        if team[i] == expert:
            return False
    if size > 0:
        for f in range(len(given.pair)):
            a, b, only = given.pair[f, 0], given.pair[f, 1], given.pair[f, 2]
            if only in (-1, request) and expert in (a, b):
                other = b if expert == a else a
                for i in range(size):
                    if team[i] == other:
                        return False
    return True


@compiled
def may_join(
    given: Given, state: State, request: int, team: Any, size: int, expert: int, leads: bool
) -> bool:
    """Whether the person goes with the first `size` of `team` (people) and with the request's quotas and budgets.

    With `leads` only the company is asked for: whoever stands by takes the place of another.
    """
    if not goes_with(given, request, team, size, expert):
        return False
    if leads:
        return True
    return in_quota(given, state, request, team, size, expert) and in_budget(
        given, state, request, team, size, expert
    )


@compiled
def in_quota(given: Given, state: State, request: int, team: Any, size: int, expert: int) -> bool:
    """Whether the request's node may still have the person of their pool, beside the first `size` of `team`."""
    pool, node = given.people[expert, POOL], given.asks[request, NODE]
    used = state.quota[pool, node]
    for i in range(size):
        used += given.people[team[i], POOL] == pool
    return bool(used < given.quota[pool, node])


@compiled
def in_budget(given: Given, state: State, request: int, team: Any, size: int, expert: int) -> bool:
    """Whether the request's budgets pay the person, and the first `size` of `team`."""
    cost = given.people[expert, COST]
    for i in range(size):
        cost += given.people[team[i], COST]
    for i in range(given.asks[request, BUDGET_AT], given.asks[request + 1, BUDGET_AT]):
        if state.spent[given.budget[i]] + cost > given.budget_max[given.budget[i]]:
            return False
    return True


# Changes, and taking them back -----------------------------------------------------------------------------------------


@compiled
def _note(state: State, kind: int, a: int, b: int, c: int, d: int) -> None:
    n = state.own[LOGGED]
    state.log[n, 0] = kind
    state.log[n, 1] = a
    state.log[n, 2] = b
    state.log[n, 3] = c
    state.log[n, 4] = d
    state.own[LOGGED] = n + 1


@compiled
def _open(given: Given, state: State, request: int, start: int) -> None:
    state.start[request] = start
    _count_request(given, state, request, 1)
    _swap(state, request, state.own[SERVED])
    state.own[SERVED] += 1


@compiled
def _close(given: Given, state: State, request: int) -> None:
    _count_request(given, state, request, -1)
    state.start[request] = -1
    state.own[SERVED] -= 1
    _swap(state, request, state.own[SERVED])


@compiled
def _swap(state: State, request: int, place: int) -> None:
    other, was = state.order[place], state.place_in[request]
    state.order[place], state.order[was] = request, other
    state.place_in[request], state.place_in[other] = place, was


@compiled
def _count_request(given: Given, state: State, request: int, by: int) -> None:
    asks = given.asks
    weight = asks[request, WEIGHT] * by
    state.values[V_NEED] += weight
    if asks[request, EMERGENCY]:
        state.values[V_EMERGENCY] += weight
    state.values[V_PINS] += by * asks[request, PINNED]
    for i in range(asks[request, CAP_AT], asks[request + 1, CAP_AT]):
        state.cap[given.cap[i]] += by
    for i in range(asks[request, SHARE_AT], asks[request + 1, SHARE_AT]):
        state.covered[given.share[i]] += weight


@compiled
def preference_of(given: Given, state: State, seat: int, expert: int) -> int:
    """What named wishes and continuity are worth with the person in the seat."""
    request = given.seats[seat, REQUEST]
    if seat != given.asks[request, SEAT_AT]:
        return 0
    total = given.policy[PREFER_NAMED] if given.asks[request, NAMED] == expert else 0
    for i in range(given.asks[request, SERIES_AT], given.asks[request + 1, SERIES_AT]):
        series = given.series[i]
        first, last = given.member_at[series], given.member_at[series + 1]
        for j in range(first, last):
            if given.member[j] == request:
                if j > first and state.who[given.asks[given.member[j - 1], SEAT_AT]] == expert:
                    total += given.rules[series, 1]
                if j + 1 < last and state.who[given.asks[given.member[j + 1], SEAT_AT]] == expert:
                    total += given.rules[series, 1]
    return total


@compiled
def promise_of(given: Given, seat: int, expert: int, start: int) -> int:
    """What is saved against an empty seat by having the person there at `start`."""
    saved = np.int64(0)
    for p in range(given.seats[seat, PROMISE_AT], given.seats[seat + 1, PROMISE_AT]):
        kept = given.promise[p, 1] == expert and given.promise[p, 2] == start
        saved += given.promise[p, 4] - (0 if kept else given.promise[p, 3])
    return saved


@compiled
def _move_stop(stops: Any, row: int, source: int, target: int) -> None:
    for column in range(stops.shape[2]):
        stops[row, target, column] = stops[row, source, column]


@compiled
def _put(
    given: Given, state: State, seat: int, expert: int, start: int, remote: int, fit: int
) -> None:
    """Count the person into the seat and the day, in order."""
    request = given.seats[seat, REQUEST]
    day = start // DAY_MIN
    row = expert * given.policy[DAYS] + day
    count = state.count[row]
    at = count
    while at > 0 and state.stops[row, at - 1, BEGINS] > start:
        _move_stop(state.stops, row, at - 1, at)
        at -= 1
    state.stops[row, at, BEGINS] = start
    state.stops[row, at, ENDS] = start + given.asks[request, DURATION]
    state.stops[row, at, WHERE] = (
        given.people[expert, HOME] if remote else given.asks[request, PLACE]
    )
    state.stops[row, at, FOR_SEAT] = seat
    state.values[V_PREFERENCE] += preference_of(given, state, seat, expert)
    state.values[V_PROMISES] += promise_of(given, seat, expert, start)
    state.values[V_NEED] += fit
    state.values[V_LOAD] -= 2 * state.in_round[expert] + 1
    week = given.week_of_day[day]
    if count == 0:
        state.days_in_week[expert, week] += 1
    state.count[row] = count + 1
    state.in_round[expert] += 1
    state.in_week[expert, week] += 1
    state.who[seat] = expert
    state.remote[seat] = remote
    _pay(given, state, request, expert, 1)


@compiled
def _take(given: Given, state: State, seat: int, fit: int) -> None:
    """Count the person of the seat out."""
    request, expert = given.seats[seat, REQUEST], np.int64(state.who[seat])
    start = np.int64(state.start[request])
    day = start // DAY_MIN
    row = expert * given.policy[DAYS] + day
    at = 0
    while state.stops[row, at, FOR_SEAT] != seat:
        at += 1
    count = state.count[row] - 1
    for i in range(at, count):
        _move_stop(state.stops, row, i + 1, i)
    state.who[seat] = -1
    state.values[V_PREFERENCE] -= preference_of(given, state, seat, expert)
    state.values[V_PROMISES] -= promise_of(given, seat, expert, start)
    state.values[V_NEED] -= fit
    state.in_round[expert] -= 1
    state.values[V_LOAD] += 2 * state.in_round[expert] + 1
    week = given.week_of_day[day]
    state.count[row] = count
    if count == 0:
        state.days_in_week[expert, week] -= 1
    state.in_week[expert, week] -= 1
    _pay(given, state, request, expert, -1)


@compiled
def _pay(given: Given, state: State, request: int, expert: int, by: int) -> None:
    state.quota[given.people[expert, POOL], given.asks[request, NODE]] += by
    for i in range(given.asks[request, BUDGET_AT], given.asks[request + 1, BUDGET_AT]):
        state.spent[given.budget[i]] += by * given.people[expert, COST]


@compiled
def _set_night(given: Given, state: State, row: int, away: int) -> None:
    by = away - state.night[row]
    state.night[row] = away
    state.nights[row // given.policy[DAYS]] += by
    state.values[V_TRAVEL] -= by * given.policy[NIGHT_MIN]


@compiled
def _set_way(state: State, row: int, minutes: int) -> None:
    state.values[V_TRAVEL] -= minutes - state.way[row]
    state.way[row] = minutes


@compiled
def _walk(given: Given, state: State, row: int) -> bool:
    """Measure a person-day again; False where it cannot be."""
    minutes = _day_again(given, state, row // given.policy[DAYS], row, state.night[row] != 0)
    fine = minutes != NO
    minutes = max(minutes, 0)
    if minutes != state.way[row]:
        _note(state, WAY, row, state.way[row], 0, 0)
        _set_way(state, row, minutes)
    return fine


@compiled
def _fit_of(given: Given, seat: int, expert: int, remote: int) -> int:
    """The fit of a person who is a candidate for the seat; candidates are by expert, on site first."""
    low, high = given.seats[seat, CANDIDATE_AT], given.seats[seat + 1, CANDIDATE_AT]
    if low == high:
        return 0  # a draft without candidates (`pack`) counts no fit
    while low < high:
        middle = (low + high) // 2
        them, far = given.candidates[middle, EXPERT], given.candidates[middle, REMOTE]
        if them < expert or (them == expert and far < remote):
            low = middle + 1
        else:
            high = middle
    return np.int64(given.candidates[low, FIT])


@compiled
def seat_person(given: Given, state: State, candidate: int, start: int, nights: int) -> None:
    """Put a candidate whose visit was found possible (`placed`) into the plan; the request's first one opens it."""
    seat, expert = (
        np.int64(given.candidates[candidate, SEAT]),
        np.int64(given.candidates[candidate, EXPERT]),
    )
    remote = np.int64(given.candidates[candidate, REMOTE])
    fit = np.int64(given.candidates[candidate, FIT])
    seat_anybody(given, state, seat, expert, start, remote, fit, nights)


@compiled
def seat_anybody(
    given: Given,
    state: State,
    seat: int,
    expert: int,
    start: int,
    remote: int,
    fit: int,
    nights: int,
) -> None:
    """`seat_person` for whoever is no row of the candidates, with what their fit counts (0 in a draft without candidates)."""
    hold_open(given, state, given.seats[seat, REQUEST], start)
    _put(given, state, seat, expert, start, remote, fit)
    _note(state, PUT, seat, expert, remote, fit)
    row = expert * given.policy[DAYS] + start // DAY_MIN
    if nights & 1:
        _note(state, NIGHT, row - 1, 0, 0, 0)
        _set_night(given, state, row - 1, 1)
        _walk(given, state, row - 1)
    if nights & 2:
        _note(state, NIGHT, row, 0, 0, 0)
        _set_night(given, state, row, 1)
    _walk(given, state, row)
    if state.night[row]:
        _walk(given, state, row + 1)


@compiled
def hold_open(given: Given, state: State, request: int, start: int) -> None:
    """Count the request as served at `start` though nobody of the draft is in its team."""
    if state.start[request] < 0:
        _open(given, state, request, start)
        _note(state, OPENED, request, start, 0, 0)


@compiled
def remove(given: Given, state: State, request: int) -> None:
    """Take a request out with its team, nights away that nothing needs any more, and whatever hung on them."""
    days = given.policy[DAYS]
    queue, waiting = state.queue, 1
    queue[0] = request
    while waiting > 0:
        waiting -= 1
        gone = np.int64(queue[waiting])
        if state.start[gone] < 0:
            continue
        day = np.int64(state.start[gone]) // DAY_MIN
        for seat in range(given.asks[gone, SEAT_AT], given.asks[gone + 1, SEAT_AT]):
            expert = np.int64(state.who[seat])
            if expert < 0:
                continue
            remote = np.int64(state.remote[seat])
            fit = _fit_of(given, seat, expert, remote)
            _note(state, TAKEN, seat, expert, remote, fit)
            _take(given, state, seat, fit)
            row = expert * days + day
            for evening in range(row - 1, row + 1):
                if (evening == row or day > 0) and state.night[evening]:
                    _without_night(given, state, expert, evening)
            for one in range(row - min(day, 1), row + min(days - day, 2)):
                if not _walk(given, state, one):
                    last = state.stops[one, state.count[one] - 1, FOR_SEAT]
                    queue[waiting] = given.seats[last, REQUEST]
                    waiting += 1
        start = np.int64(state.start[gone])
        _close(given, state, gone)
        _note(state, CLOSED, gone, start, 0, 0)


@compiled
def _without_night(given: Given, state: State, expert: int, evening: int) -> None:
    """Drop a night away that has lost one of its days, or that costs more than going home."""
    if state.count[evening] > 0 and state.count[evening + 1] > 0:
        was = given.policy[NIGHT_MIN]
        with_it = _day_again(given, state, expert, evening, True)
        next_with_it = _day_again(given, state, expert, evening + 1, state.night[evening + 1] != 0)
        state.night[evening] = 0
        home = _day_again(given, state, expert, evening, False)
        from_home = _day_again(given, state, expert, evening + 1, state.night[evening + 1] != 0)
        state.night[evening] = 1
        if NO in (home, from_home):
            return
        possible = NO not in (with_it, next_with_it)
        if possible and home + from_home > with_it + next_with_it + was:
            return
    _note(state, NIGHT, evening, 1, 0, 0)
    _set_night(given, state, evening, 0)


@compiled
def take_back(given: Given, state: State, until: int) -> None:
    """Undo all that was noted after the first `until` entries of the log."""
    n = state.own[LOGGED]
    while n > until:
        n -= 1
        kind = state.log[n, 0]
        a, b = np.int64(state.log[n, 1]), np.int64(state.log[n, 2])
        c, d = np.int64(state.log[n, 3]), np.int64(state.log[n, 4])
        if kind == PUT:
            _take(given, state, a, d)
        elif kind == TAKEN:
            # its closing was noted later and is undone: the request has its start again
            _put(given, state, a, b, np.int64(state.start[given.seats[a, REQUEST]]), c, d)
        elif kind == NIGHT:
            _set_night(given, state, a, b)
        elif kind == WAY:
            _set_way(state, a, b)
        elif kind == OPENED:
            _close(given, state, a)
        else:
            _open(given, state, a, b)
    state.own[LOGGED] = until


@compiled
def floor_of(given: Given, state: State) -> int:
    """The smallest coverage, permille; 0 without shares."""
    least = np.int64(0)
    for i in range(len(given.shares)):
        now = 1000 * (given.shares[i, 1] + state.covered[i]) // given.shares[i, 0]
        if i == 0 or now < least:
            least = now
    return least


@compiled
def rebuild(given: Given, state: State, start: Any, who: Any, remote: Any, night: Any) -> bool:
    """Make the draft what the arrays say, which must keep every rule; False, and of no use, where a day cannot be."""
    for place in range(state.own[SERVED] - 1, -1, -1):
        request = np.int64(state.order[place])
        for seat in range(given.asks[request, SEAT_AT], given.asks[request + 1, SEAT_AT]):
            if state.who[seat] >= 0:
                expert, far = np.int64(state.who[seat]), np.int64(state.remote[seat])
                _take(given, state, seat, _fit_of(given, seat, expert, far))
        _close(given, state, request)
    for request in range(len(start)):
        if start[request] >= 0:
            begins = np.int64(start[request])
            _open(given, state, request, begins)
            for seat in range(given.asks[request, SEAT_AT], given.asks[request + 1, SEAT_AT]):
                if who[seat] >= 0:
                    expert, far = np.int64(who[seat]), np.int64(remote[seat])
                    fit = _fit_of(given, seat, expert, far)
                    _put(given, state, seat, expert, begins, far, fit)
    for row in range(len(night)):
        if night[row] != state.night[row]:
            _set_night(given, state, row, np.int64(night[row]))
    fine = True
    for row in range(len(night)):
        expert = row // given.policy[DAYS]
        minutes = _day_again(given, state, expert, row, state.night[row] != 0)
        fine = fine and minutes != NO
        _set_way(state, row, max(minutes, 0))
    state.values[V_FLOOR] = floor_of(given, state)
    state.own[LOGGED] = 0
    return fine


def load_plan(packed: Packed, board: Given, state: State, plan: Plan) -> bool:
    """Make the draft the plan, without its standbys; False, and of no use, where a day cannot be."""
    start = np.full(packed.requests, -1, dtype=np.int32)
    who = np.full(packed.seats, -1, dtype=np.int32)
    remote = np.zeros(packed.seats, dtype=np.int8)
    night = np.zeros(packed.experts * packed.days, dtype=np.int8)
    for one in plan.assignments:
        seat = packed.seat_at[one.request] + one.seat
        start[one.request], who[seat], remote[seat] = one.start, one.expert, one.remote
    for away in plan.nights:
        night[away.expert * packed.days + away.day] = 1
    return bool(rebuild(board, state, start, who, remote, night))
