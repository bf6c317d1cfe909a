"""What one person's best whole round is worth at given prices: the subproblem of the bound, exact over days and weeks.

A pass is one way to make one visit: a candidate of a seat at a run of starts that all have one reward. `tabulate` lists
the passes of every person-day once; `Prices.best` then answers, for rewards by class of pass, the best round of everybody:

* For a day, the best chain of exactly `k` visits, door to door, for the four ways to begin and end it (`HOME_HOME` and so on),
  by depth-first search that leaves a branch when even the dearest passes still within reach could not lift it above what is
  known. Within a run the earliest start is as good as any.
* Over the days, a dynamic program with limits per week and round, days with visits per week, and nights away.

Where a night begins is not looked at on the day after (the way from there counts 0), and nobody is stopped from serving a
request on two different days; both only make the value larger, so that the bound stays valid. `docs/optimizer.md`.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from services.scheduling.optimizer.packed import Bytes, Ints, Longs, Packed, Shorts
from services.scheduling.optimizer.problem import DAY_MIN

Numbers = NDArray[Any]
"""Whole or real numbers, as the sentence beside says."""

HOME_HOME, HOME_AWAY, AWAY_HOME, AWAY_AWAY = range(4)
NEVER = -(2**60)
"""Worth of what cannot be."""

BRANCHES_MAX = 1_000_000
"""Branches looked at for one person-day before its value is bounded by the dearest passes alone."""
CHUNK = 40
"""People priced between two looks at whether to end."""


@dataclasses.dataclass(frozen=True, slots=True)
class Passes:
    """Passes of person-days: those of `expert * days + day` are `at[·]` to `at[· + 1]`, by latest start ascending.

    `group[p]` is the class whose reward the pass earns, `request` and `candidate` what it is for; it starts on the grid in
    `[first, last]`, lies in the person's `window` (index into the packed windows), at `place`.
    `seat_class_at[s]` is the class of seat `s` at its request's first start; classes of team seats go start by start, those
    of requests that stand alone (`stands_alone`) are one per request (`classes` in all).
    """

    at: Longs
    group: Ints
    request: Ints
    candidate: Ints
    first: Ints
    last: Ints
    window: Ints
    place: Ints
    seat_class_at: Longs
    classes: int


@dataclasses.dataclass(frozen=True, slots=True)
class Rounds:
    """Everybody's best round: `worth[e]`, and its day tours in order of experts and days.

    Tour `t` is of person-day `tour_day[t]`, mode `tour_mode[t]`, and has the passes `tour_pass[t, :tour_size[t]]`.
    """

    worth: Longs
    tour_day: Ints
    tour_mode: Bytes
    tour_size: Shorts
    tour_pass: Ints

    @property
    def total(self) -> int:
        """Sum of `worth`."""
        return int(self.worth.sum())


def tabulate(packed: Packed) -> Passes:
    """The passes of a problem; pinned seats and starts have no others."""
    alone = stands_alone(packed)
    seat_class_at = np.zeros(packed.seats, dtype=np.int64)
    count = 0
    for request in range(packed.requests):
        starts = int(packed.start_at[request + 1] - packed.start_at[request])
        for seat in range(packed.seat_at[request], packed.seat_at[request + 1]):
            seat_class_at[seat] = count
            count += 1 if alone[request] else starts
    columns = _passes(
        packed.days,
        packed.step_min,
        packed.home,
        packed.place,
        packed.duration,
        packed.seat_request,
        packed.start_at,
        packed.starts,
        packed.pin_start,
        packed.pin_expert,
        packed.candidate_seat,
        packed.candidate_expert,
        packed.candidate_remote,
        packed.candidate_mask_at,
        packed.candidate_mask,
        packed.window_at,
        packed.window_from,
        packed.window_to,
        seat_class_at,
        alone,
    )
    day, last = columns[0], columns[5]
    order = np.lexsort((last, day))
    counts = np.bincount(day, minlength=packed.experts * packed.days)
    at = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    group, request, candidate, first, last, window, place = (one[order] for one in columns[1:])
    return Passes(at, group, request, candidate, first, last, window, place, seat_class_at, count)


def stands_alone(packed: Packed) -> NDArray[np.bool_]:
    """By request: whether all its starts earn one reward, because it has one seat and no other request to keep away from."""
    spaced = np.zeros(packed.requests, dtype=np.bool_)
    for series in range(len(packed.spacing)):
        if packed.spacing[series] > 0:
            spaced[packed.member[packed.member_at[series] : packed.member_at[series + 1]]] = True
    alone: NDArray[np.bool_] = (np.diff(packed.seat_at) == 1) & ~spaced
    return alone


@dataclasses.dataclass(frozen=True, slots=True)
class Terms:
    """What a stage's bound counts besides rewards, as scaled integers: `travel` per minute, `night` per night away, `load`
    per square of a person's engagements.
    """

    travel: int = 0
    night: int = 0
    load: int = 0


class Prices:
    """The subproblem over one problem's passes."""

    def __init__(self, packed: Packed, passes: Passes) -> None:
        self._packed = packed
        self._passes = passes
        self._visits_max = _visits_max(packed, passes)
        self._worth = np.zeros(len(passes.group), dtype=np.int64)

    def best(
        self, worth: Longs, terms: Terms, *, until: Callable[[], bool] = lambda: False
    ) -> Rounds | None:
        """Everybody's best round when pass `p` is worth `worth[p]`; None when `until` said to end before it was known."""
        packed = self._packed
        parts = []
        for first in range(0, packed.experts, CHUNK):
            if until():
                return None
            parts.append(self._some(first, min(packed.experts, first + CHUNK), worth, terms))
        return Rounds(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    def best_of(self, expert: int, low: int, worth: Numbers, terms: Terms) -> Numbers:
        """The visits of one person's best round, as passes; `worth` is that of the person's own, which begin at `low`."""
        self._worth[low : low + len(worth)] = worth
        _, _, _, _, chosen = self._some(expert, expert + 1, self._worth, terms)
        visits: Numbers = chosen[chosen >= 0]
        return visits

    def _some(self, first: int, last: int, worth: Numbers, terms: Terms) -> Any:
        """See `_rounds`."""
        packed, passes = self._packed, self._passes
        return _rounds(
            first,
            last,
            packed.days,
            packed.step_min,
            self._visits_max,
            packed.travel,
            packed.week_of_day,
            packed.home,
            packed.per_day_max,
            packed.round_left,
            packed.week_left,
            packed.travel_max,
            packed.nights_max,
            packed.work_days_max,
            packed.window_at,
            packed.window_from,
            packed.window_to,
            packed.duration,
            passes.at,
            passes.request,
            passes.first,
            passes.last,
            passes.window,
            passes.place,
            worth,
            terms.travel,
            terms.night,
            terms.load,
        )


def _visits_max(packed: Packed, passes: Passes) -> int:
    """Visits of the longest day that anybody's limits and passes allow, at least 1."""
    if not packed.experts:
        return 1
    most = np.minimum(packed.per_day_max, packed.round_left)
    most = np.minimum(most, packed.week_left.max(axis=1))
    days = np.diff(passes.at).reshape(packed.experts, packed.days)
    return int(max(1, np.minimum(most, days.max(axis=1)).max()))


@numba.njit(cache=True, nogil=True)
def _passes(
    days: int,
    step_min: int,
    home: Ints,
    place: Ints,
    duration: Ints,
    seat_request: Ints,
    start_at: Longs,
    starts: Ints,
    pin_start: Ints,
    pin_expert: Ints,
    candidate_seat: Ints,
    candidate_expert: Ints,
    candidate_remote: Bytes,
    mask_at: Longs,
    mask: Any,
    window_at: Ints,
    window_from: Ints,
    window_to: Ints,
    seat_class_at: Longs,
    stands_alone: NDArray[np.bool_],
) -> Any:
    """Columns of all passes, unordered: person-day, class, request, candidate, first, last, window, place."""
    count = 0
    room = 0
    for again in range(2):
        if again:
            room = count
        columns = np.empty((8, room), dtype=np.int32)
        count = 0
        for c in range(len(candidate_seat)):
            s, e = candidate_seat[c], candidate_expert[c]
            r = seat_request[s]
            if pin_expert[s] != -1 and pin_expert[s] != e:
                continue
            alone = stands_alone[r]
            first = start_at[r]
            window_before, start_before = -1, -1
            for i in range(start_at[r + 1] - first):
                if not (mask[mask_at[c] + i // 64] >> np.uint64(i % 64)) & np.uint64(1):
                    continue
                start = starts[first + i]
                if pin_start[r] != -1 and pin_start[r] != start:
                    continue
                person_day = e * days + start // DAY_MIN
                window = -1
                for w in range(window_at[person_day], window_at[person_day + 1]):
                    if window_from[w] <= start and start + duration[r] <= window_to[w]:
                        window = w
                        break
                if window < 0:
                    continue
                if (
                    alone
                    and window == window_before
                    and start == start_before + step_min
                    and count > 0
                ):
                    if again:
                        columns[5, count - 1] = start
                else:
                    if again:
                        columns[0, count] = person_day
                        columns[1, count] = seat_class_at[s] + (0 if alone else i)
                        columns[2, count] = r
                        columns[3, count] = c
                        columns[4, count] = start
                        columns[5, count] = start
                        columns[6, count] = window
                        columns[7, count] = home[e] if candidate_remote[c] else place[r]
                    count += 1
                window_before, start_before = window, start
    return (
        columns[0].copy(),
        columns[1].copy(),
        columns[2].copy(),
        columns[3].copy(),
        columns[4].copy(),
        columns[5].copy(),
        columns[6].copy(),
        columns[7].copy(),
    )


@numba.njit(cache=True, nogil=True)
def _days_best(
    away: bool,
    lodges: bool,
    low: int,
    high: int,
    visits_max: int,
    step_min: int,
    travel: Shorts,
    home: int,
    travel_max: int,
    first_window: int,
    last_window: int,
    window_from: Ints,
    window_to: Ints,
    duration: Ints,
    request: Ints,
    first: Ints,
    last: Ints,
    window: Ints,
    place: Ints,
    worth: Longs,
    travel_cost: int,
    best: Any,
    chain: Any,
) -> None:
    """Fill `best[·, k]` and `chain[·, k]` for ways 0 (ends at home) and 1 (lodges) of one person-day.

    `best[0, 0]` is 0 where the day begins at home, so that chains worth nothing are not kept.
    """
    count = high - low
    best[:, :] = NEVER
    order = np.argsort(-worth[low:high]) + low
    dearest = np.empty(count + 1, dtype=np.int64)
    dearest[count] = NEVER
    for i in range(count - 1, -1, -1):
        dearest[i] = max(dearest[i + 1], worth[low + i])
    floor = np.full((2, visits_max + 1), NEVER, dtype=np.int64)
    if not away:
        floor[0, :] = 0
    position = np.zeros(visits_max + 1, dtype=np.int64)
    path = np.full(visits_max + 1, -1, dtype=np.int32)
    value = np.zeros(visits_max + 1, dtype=np.int64)
    time = np.zeros(visits_max + 1, dtype=np.int64)
    spot = np.zeros(visits_max + 1, dtype=np.int64)
    where = np.zeros(visits_max + 1, dtype=np.int64)
    legs = np.zeros(visits_max + 1, dtype=np.int64)
    reach = np.zeros(visits_max + 1, dtype=np.int64)
    spot[0] = home
    where[0] = first_window if away else -1
    time[0] = window_from[first_window]
    reach[0] = dearest[0]
    depth = 0
    branches = 0
    ways = 2 if lodges else 1
    while depth >= 0:
        branches += 1
        if branches > BRANCHES_MAX:
            _dearest_only(low, high, visits_max, order, request, worth, best, chain, ways)
            return
        i = position[depth]
        leave = i == count or depth == visits_max
        if not leave:
            p = order[i]
            promising = False
            more = max(0, reach[depth])
            sure = value[depth] + worth[p]
            for k in range(depth + 1, visits_max + 1):
                rest = sure + (k - depth - 1) * more
                for way in range(ways):
                    if rest > floor[way, k]:
                        promising = True
                if promising:
                    break
            leave = not promising
        if leave:
            depth -= 1
            continue
        position[depth] = i + 1
        known = False
        for j in range(1, depth + 1):
            if request[path[j]] == request[p]:
                known = True
        if known:
            continue
        into, here = window[p], where[depth]
        leg: Any = 0
        if here == into:
            if not (away and depth == 0):
                leg = np.int64(travel[spot[depth], place[p]])
            arrives = time[depth] + leg
        elif here < into and not (away and depth == 0):
            if here >= 0:
                leg = np.int64(travel[spot[depth], home])
                if time[depth] + leg > window_to[here]:
                    continue
            out = np.int64(travel[home, place[p]])
            leg += out
            arrives = window_from[into] + out
        else:
            continue
        start = max(np.int64(first[p]), -(-arrives // step_min) * step_min)
        if start > last[p] or legs[depth] + leg > travel_max:
            continue
        depth += 1
        path[depth] = p
        value[depth] = value[depth - 1] + worth[p] - travel_cost * leg
        time[depth] = start + duration[request[p]]
        spot[depth] = place[p]
        where[depth] = into
        legs[depth] = legs[depth - 1] + leg
        position[depth] = 0
        # what could still follow starts no earlier than now
        a, b = 0, count
        while a < b:
            middle = (a + b) // 2
            if last[low + middle] < time[depth]:
                a = middle + 1
            else:
                b = middle
        reach[depth] = dearest[a]
        back = np.int64(travel[place[p], home])
        if time[depth] + back <= window_to[into] and legs[depth] + back <= travel_max:
            total = value[depth] - travel_cost * back
            if total > floor[0, depth]:
                best[0, depth] = total
                chain[0, depth, :depth] = path[1 : depth + 1]
                for k in range(depth, visits_max + 1):
                    floor[0, k] = max(floor[0, k], total)
        if lodges and into == last_window and value[depth] > floor[1, depth]:
            best[1, depth] = value[depth]
            chain[1, depth, :depth] = path[1 : depth + 1]
            for k in range(depth, visits_max + 1):
                floor[1, k] = max(floor[1, k], value[depth])


@numba.njit(cache=True, nogil=True)
def _dearest_only(
    low: int,
    high: int,
    visits_max: int,
    order: Any,
    request: Ints,
    worth: Longs,
    best: Any,
    chain: Any,
    ways: int,
) -> None:
    """The sum of the dearest passes of different requests, as if they always fitted."""
    size, total = 0, 0
    for i in range(high - low):
        p = order[i]
        known = False
        for j in range(size):
            if request[chain[0, visits_max, j]] == request[p]:
                known = True
        if known:
            continue
        chain[0, visits_max, size] = p
        size += 1
        total += worth[p]
        for way in range(ways):
            best[way, size] = total
            chain[way, size, :size] = chain[0, visits_max, :size]
        if size == visits_max:
            break


@numba.njit(cache=True, nogil=True)
def _rounds(
    first_expert: int,
    last_expert: int,
    days: int,
    step_min: int,
    visits_max: int,
    travel: Shorts,
    week_of_day: Ints,
    home: Ints,
    per_day_max: Ints,
    round_left: Ints,
    week_left: Ints,
    travel_max: Ints,
    nights_max: Ints,
    work_days_max: Ints,
    window_at: Ints,
    window_from: Ints,
    window_to: Ints,
    duration: Ints,
    at: Longs,
    request: Ints,
    first: Ints,
    last: Ints,
    window: Ints,
    place: Ints,
    worth: Longs,
    travel_cost: int,
    night_cost: int,
    load_cost: int,
) -> Any:
    """Best rounds of some people; see `Rounds`."""
    values = np.zeros(last_expert - first_expert, dtype=np.int64)
    room = (last_expert - first_expert) * days
    tour_day = np.zeros(room, dtype=np.int32)
    tour_mode = np.zeros(room, dtype=np.int8)
    tour_size = np.zeros(room, dtype=np.int16)
    tour_pass = np.full((room, visits_max), -1, dtype=np.int32)
    tours = 0
    best = np.full((days, 4, visits_max + 1), NEVER, dtype=np.int64)
    chain = np.full((days, 4, visits_max + 1, visits_max), -1, dtype=np.int32)
    for e in range(first_expert, last_expert):
        best[:, :, :] = NEVER
        weeks = week_of_day[days - 1] + 1
        most_of_week = np.zeros(weeks, dtype=np.int64)
        for day in range(days):
            low, high = at[e * days + day], at[e * days + day + 1]
            if low == high:
                continue
            week = week_of_day[day]
            most = min(per_day_max[e], round_left[e], week_left[e, week], visits_max, high - low)
            if most <= 0 or work_days_max[e] <= 0:
                continue
            most_of_week[week] += most
            windows = window_at[e * days + day], window_at[e * days + day + 1] - 1
            before = nights_max[e] > 0 and day > 0 and at[e * days + day - 1] < at[e * days + day]
            after = (
                nights_max[e] > 0
                and day + 1 < days
                and at[e * days + day + 1] < at[e * days + day + 2]
            )
            for away in range(2):
                if away and not before:
                    continue
                _days_best(
                    away == 1,
                    after,
                    low,
                    high,
                    most,
                    step_min,
                    travel,
                    home[e],
                    travel_max[e],
                    windows[0],
                    windows[1],
                    window_from,
                    window_to,
                    duration,
                    request,
                    first,
                    last,
                    window,
                    place,
                    worth,
                    travel_cost,
                    best[day, 2 * away : 2 * away + 2, : most + 1],
                    chain[day, 2 * away : 2 * away + 2, : most + 1],
                )
        # sizes of the state: engagements and days with visits of the week, engagements of the round, nights, away or not
        week_size: Any = 0
        all_weeks: Any = 0
        for week in range(weeks):
            allowed = max(0, min(most_of_week[week], np.int64(week_left[e, week])))
            week_size = max(week_size, allowed)
            all_weeks += allowed
        round_size = min(all_weeks, np.int64(max(0, round_left[e])))
        counts_round = load_cost > 0 or round_size < all_weeks
        counts_days = work_days_max[e] < min(7, week_size)
        nights = min(nights_max[e], days)
        size_a = week_size + 1
        size_b = (work_days_max[e] if counts_days else 0) + 1
        size_c = (round_size if counts_round else 0) + 1
        size_n = nights + 1
        size = size_a * size_b * size_c * size_n * 2
        now = np.full(size, NEVER, dtype=np.int64)
        then = np.empty(size, dtype=np.int64)
        taken = np.full((days, size), -1, dtype=np.int16)
        folded = np.full((days, size_c * size_n * 2), -1, dtype=np.int32)
        now[0] = 0
        if week_size == 0:
            continue
        for day in range(days):
            week = week_of_day[day]
            if day > 0 and week != week_of_day[day - 1]:
                then[:] = NEVER
                for ab in range(size_a * size_b):
                    for rest in range(size_c * size_n * 2):
                        if now[ab * size_c * size_n * 2 + rest] > then[rest]:
                            then[rest] = now[ab * size_c * size_n * 2 + rest]
                            folded[day, rest] = ab
                now, then = then, now
            if at[e * days + day] == at[e * days + day + 1]:
                for state in range(1, size, 2):
                    now[state] = NEVER
                continue
            then[:] = NEVER
            for a in range(size_a):
                for b in range(size_b):
                    for c in range(size_c):
                        for n in range(size_n):
                            for away in range(2):
                                state = (((a * size_b + b) * size_c + c) * size_n + n) * 2 + away
                                value = now[state]
                                if value == NEVER:
                                    continue
                                if away == 0 and value > then[state]:
                                    then[state] = value
                                    taken[day, state] = -1
                                if counts_days and b + 1 >= size_b:
                                    continue
                                for lodges in range(2):
                                    if lodges and n + 1 >= size_n:
                                        continue
                                    mode = 2 * away + lodges
                                    for k in range(1, visits_max + 1):
                                        gain = best[day, mode, k]
                                        if gain == NEVER:
                                            continue
                                        if a + k > week_left[e, week] or a + k >= size_a:
                                            break
                                        if counts_round and c + k >= size_c:
                                            break
                                        total = value + gain - night_cost * lodges
                                        to = (
                                            (
                                                ((a + k) * size_b + (b + 1 if counts_days else 0))
                                                * size_c
                                                + (c + k if counts_round else 0)
                                            )
                                            * size_n
                                            + n
                                            + lodges
                                        ) * 2 + lodges
                                        if total > then[to]:
                                            then[to] = total
                                            taken[day, to] = mode * (visits_max + 1) + k
            now, then = then, now
        state, value = 0, NEVER
        for one in range(0, size, 2):
            load = (one // (2 * size_n)) % size_c
            total = now[one]
            if total != NEVER:
                total -= load_cost * load * load
            if total > value:
                state, value = one, total
        values[e - first_expert] = value
        begin = tours
        for day in range(days - 1, -1, -1):
            if at[e * days + day] < at[e * days + day + 1]:
                choice = taken[day, state]
                if choice >= 0:
                    mode, k = choice // (visits_max + 1), choice % (visits_max + 1)
                    tour_day[tours] = e * days + day
                    tour_mode[tours] = mode
                    tour_size[tours] = k
                    tour_pass[tours, :k] = chain[day, mode, k, :k]
                    tours += 1
                    lodges, away = mode % 2, mode // 2
                    n = (state // 2) % size_n - lodges
                    c = (state // (2 * size_n)) % size_c - (k if counts_round else 0)
                    b = (state // (2 * size_n * size_c)) % size_b - (1 if counts_days else 0)
                    a = state // (2 * size_n * size_c * size_b) - k
                    state = (((a * size_b + b) * size_c + c) * size_n + n) * 2 + away
            if day > 0 and week_of_day[day] != week_of_day[day - 1]:
                state = folded[day, state] * (size_c * size_n * 2) + state
        # found from the last day back
        for i in range((tours - begin) // 2):
            left, right = begin + i, tours - 1 - i
            tour_day[left], tour_day[right] = tour_day[right], tour_day[left]
            tour_mode[left], tour_mode[right] = tour_mode[right], tour_mode[left]
            tour_size[left], tour_size[right] = tour_size[right], tour_size[left]
            for j in range(visits_max):
                tour_pass[left, j], tour_pass[right, j] = tour_pass[right, j], tour_pass[left, j]
    return values, tour_day[:tours], tour_mode[:tours], tour_size[:tours], tour_pass[:tours]
