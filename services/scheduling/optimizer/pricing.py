"""What one person's best whole round is worth at given prices: the subproblem of the bound, exact over days and weeks.

A pass is one way to make one visit: a candidate of a seat at a run of starts that all have one reward. `tabulate` lists
the passes of every person-day once; `Prices.best` then answers, for rewards by class of pass, the best round of everybody:

* For a day, the best chain of exactly `k` visits, door to door, from home or a bed to home or a bed, by depth-first search that
  leaves a branch when even the dearest passes still within reach could not lift it above what is known. Within a run the
  earliest start is as good as any. Days after a night share their chains (`onward.py`): a bed decides which of them it can reach.
* Over the days, a dynamic program with limits per week and round, days with visits per week, nights away, and the bed slept in.

A person serves a request once in a tour of several days as far as `once.py` lists it, and what a best round repeats there is
listed. Otherwise nobody is stopped from serving a request on two different days; that only makes the value larger, so that the bound
stays valid. `docs/optimizer.md`.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.scheduling.optimizer.compiling import lean, njit
from services.scheduling.optimizer.once import ONCE_MAX, Once, folded, subsets, unfolded
from services.scheduling.optimizer.onward import (
    ANY_TIME,
    CHAIN,
    NEVER,
    SIZE,
    TOTAL,
    VALUE,
    chains_of,
    dearest_of,
    detours,
    end_of,
    ended_by,
    serves,
    spared,
    way_to,
)
from services.scheduling.optimizer.packed import Bytes, Ints, Longs, Packed, Shorts
from services.scheduling.optimizer.problem import DAY_MIN

Numbers = NDArray[Any]
"""Whole or real numbers, as the sentence beside says."""

HOME = -1
"""Where a day begins or ends, if not in a bed away."""

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

    Tour `t` is of person-day `tour_day[t]`, begins at `tour_from[t]` and ends at `tour_to[t]` (the place of a bed, or `HOME`), and has the passes `tour_pass[t, :tour_size[t]]`.
    """

    worth: Longs
    tour_day: Ints
    tour_from: Ints
    tour_to: Ints
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
        self._spot, self._spot_at, self._spot_place = _spots(passes)
        self._over = int(detours(packed.travel, int(packed.duration.min(initial=DAY_MIN))))
        self.once = Once(packed.experts, packed.days, packed.nights_max, passes.at, passes.request)

    def best(
        self, worth: Longs, terms: Terms, *, until: Callable[[], bool] = lambda: False
    ) -> Rounds | None:
        """Everybody's best round when pass `p` is worth `worth[p]`; None when `until` said to end before it was known.

        Whoever serves a request twice in one tour has it listed (`once`), and chooses again.
        """
        packed = self._packed
        parts = []
        for first in range(0, max(1, packed.experts), CHUNK):
            if until():
                return None
            last = min(packed.experts, first + CHUNK)
            part = self._some(first, last, worth, terms)
            while grown := self._learn(part):
                again = {e: self._some(e, e + 1, worth, terms) for e in grown}
                part = _instead(part, again, first, packed.days)
            parts.append(part)
        return Rounds(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    def _learn(self, part: Sequence[Numbers]) -> list[int]:
        """Whoever repeats what was not listed yet; it is listed now."""
        _, day, _, to, size, chosen = part
        return self.once.learn(day, to != HOME, size, chosen, self._passes.request)

    def bid(
        self,
        people: Numbers,
        own: Longs,
        quota_of: Longs,
        quota_price: Numbers,
        terms: Terms,
        reward: Numbers,
        kept: Numbers,
        visits: Numbers,
        used: Numbers,
        seat_of_class: Longs,
        starts: Longs,
        required: NDArray[np.bool_],
        needed: Numbers,
        step: float,
        everywhere: float,
        presence_of: Numbers,
        presence_at: Numbers,
        slot_of_class: Numbers,
        presence: Numbers,
        choosing: NDArray[np.bool_],
        chosen: Numbers,
        chosen_size: Numbers,
    ) -> Rounds:
        """Let people take their best rounds in turn; what they take becomes `step` cheaper before the next one chooses.

        Who is not `choosing`, by person, takes again the passes `chosen[e, : chosen_size[e]]`, which the others leave there.

        A pass is worth `own` and the reward of its class, less the prices of its quota and of presence. `reward`, `kept` and `presence`
        change; `visits` by class and `used` of quotas are counted. The presences of slot `i` are `presence_at[i]` to
        `presence_at[i + 1]`. Gives back what they took, without its worth.
        """
        packed, passes = self._packed, self._passes
        tours = _bids(
            people, own, quota_of, quota_price, reward, kept, visits, used, seat_of_class, starts, required,
            needed, step, everywhere, presence_of, presence_at, slot_of_class, presence,
            passes.group, passes.seat_class_at, packed.seat_at, packed.seat_request,
            self._worth, packed.days, packed.step_min, self._visits_max, packed.travel, packed.week_of_day,
            packed.home, packed.per_day_max, packed.round_left, packed.week_left, packed.travel_max,
            packed.nights_max, packed.work_days_max, packed.window_at, packed.window_from, packed.window_to,
            packed.duration, passes.at, passes.request, passes.first, passes.last, passes.window, passes.place,
            terms.travel, terms.night, terms.load, choosing, chosen, chosen_size,
            self._spot, self._spot_at, self._spot_place, self._over, self.once.requests, self.once.matter,
        )  # fmt: skip
        return Rounds(np.zeros(0, dtype=np.int64), *tours)

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
            self._spot,
            self._spot_at,
            self._spot_place,
            self._over,
            self.once.requests,
            self.once.matter,
        )


def _instead(
    part: Sequence[Numbers], again: Mapping[int, Sequence[Numbers]], first: int, days: int
) -> tuple[Numbers, ...]:
    """`part`, of people from `first` on, with other rounds of some of them."""
    worth, *tours = part
    worth = worth.copy()
    stay = ~np.isin(tours[0] // days, list(again))
    columns = [[column[stay]] for column in tours]
    for e, (value, *own) in again.items():
        worth[e - first] = value[0]
        for column, more in zip(columns, own, strict=True):
            column.append(more)
    joined = [np.concatenate(column) for column in columns]
    order = np.argsort(joined[0], kind="stable")
    return worth, *(column[order] for column in joined)


def _spots(passes: Passes) -> tuple[Ints, Longs, Ints]:
    """The different places of each person-day: by pass which of them, and of person-day `d` those from `at[d]` to `at[d + 1]`."""
    days = np.repeat(np.arange(len(passes.at) - 1), np.diff(passes.at))
    places = int(passes.place.max(initial=0)) + 1
    known, which = np.unique(days * places + passes.place, return_inverse=True)
    at = np.searchsorted(known // places, np.arange(len(passes.at)))
    return (which - at[days]).astype(np.int32), at, (known % places).astype(np.int32)


def _visits_max(packed: Packed, passes: Passes) -> int:
    """Visits of the longest day that anybody's limits and passes allow, at least 1."""
    if not packed.experts:
        return 1
    most = np.minimum(packed.per_day_max, packed.round_left)
    most = np.minimum(most, packed.week_left.max(axis=1))
    days = np.diff(passes.at).reshape(packed.experts, packed.days)
    return int(max(1, np.minimum(most, days.max(axis=1)).max()))


@njit()
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


@njit()
def _days_best(
    away: bool,
    low: int,
    high: int,
    visits_max: int,
    step_min: int,
    travel: Shorts,
    home: int,
    travel_max: int,
    first_window: int,
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
    order: Longs,
    dearest: Longs,
    bed_of: Ints,
    gain: Longs,
    bits: Longs,
    matter: int,
    floor: Longs,
    best: Any,
    chain: Any,
    over: int,
) -> None:
    """Fill `best[to, k]` and `chain[to, k]` of one person-day that begins wherever one likes where `away`, else at home.

    `to` is 0 where the day ends at home, else a bed: whoever ends with pass `p` may lodge in bed `bed_of[p - low]` (0: in none).
    `gain[to]` is the most that beginning the next day in that bed can add to beginning it at home with no fewer visits. Chains of
    `k` visits are kept that are worth more than `floor[k]`, with that gain where there is one; it rises with those found that end
    at home. `bits[p - low]` is the bit of a request that is served once in a tour; whoever lodges in a bed has served those
    that `matter`, and `bed_of` is the first of the beds there. `order` has the passes by worth, the dearest first; `dearest[i]` is the most that the passes from `low + i` on are worth.
    """
    count = high - low
    spare, extra = spared(over, travel_cost)
    best[:, :] = NEVER
    hope: Any = np.int64(NEVER)
    for to in range(1, len(gain)):
        hope = max(hope, gain[to])
    lodged = np.full(visits_max + 1, NEVER, dtype=np.int64)
    position = np.zeros(visits_max + 1, dtype=np.int64)
    path = np.full(visits_max + 1, -1, dtype=np.int32)
    value = np.zeros(visits_max + 1, dtype=np.int64)
    time = np.zeros(visits_max + 1, dtype=np.int64)
    spot = np.zeros(visits_max + 1, dtype=np.int64)
    where = np.zeros(visits_max + 1, dtype=np.int64)
    legs = np.zeros(visits_max + 1, dtype=np.int64)
    reach = np.zeros(visits_max + 1, dtype=np.int64)
    marks = np.zeros(visits_max + 1, dtype=np.int64)
    where[0] = first_window if away else -1
    time[0] = window_from[first_window]
    reach[0] = dearest[0]
    depth = 0
    branches = 0
    while depth >= 0:
        branches += 1
        if branches > BRANCHES_MAX:
            _dearest_only(visits_max, order, request, worth, best, chain)
            return
        i = position[depth]
        leave = i == count or depth == visits_max
        if not leave:
            p = order[i]
            promising = False
            more = max(0, reach[depth])
            sure = value[depth] + worth[p]
            for k in range(depth + 1, visits_max + 1):
                most = sure + (k - depth - 1) * more
                if most > floor[k] or (most + hope > floor[k] and most > lodged[k]):
                    promising = True
                    break
            leave = not promising
        if leave:
            depth -= 1
            continue
        position[depth] = i + 1
        if serves(path, 1, depth + 1, request, request[p]):
            continue
        into, here = window[p], where[depth]
        if here == into:
            leg = np.int64(travel[spot[depth], place[p]] if depth > 0 else 0)
            arrives = time[depth] + leg
        elif here < into and not (away and depth == 0):
            leg = np.int64(0)
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
        most_travel = travel_max + extra * (visits_max - depth - 1)
        if start > last[p] or legs[depth] + leg > most_travel:
            continue
        depth += 1
        path[depth] = p
        value[depth] = value[depth - 1] + worth[p] - travel_cost * leg
        time[depth] = start + duration[request[p]]
        spot[depth] = place[p]
        where[depth] = into
        marks[depth] = marks[depth - 1] | bits[p - low]
        legs[depth] = legs[depth - 1] + leg
        position[depth] = 0 if worth[p] > spare else count
        # what could still follow starts no earlier than now
        reach[depth] = dearest[ended_by(last, low, high, time[depth])]
        back = np.int64(travel[place[p], home])
        if time[depth] + back <= window_to[into] and legs[depth] + back <= most_travel:
            total = value[depth] - travel_cost * back
            if total > floor[depth]:
                best[0, depth] = total
                chain[0, depth, :depth] = path[1 : depth + 1]
                for k in range(depth, visits_max + 1):
                    floor[k] = max(floor[k], total)
        to = bed_of[p - low] if len(gain) > 1 else 0
        if to > 0 and matter:
            to += folded(marks[depth], matter)
        if to > 0 and gain[to] != NEVER and value[depth] + gain[to] > floor[depth]:
            better = True
            for k in range(1, depth + 1):
                if best[to, k] >= value[depth]:
                    better = False
            if better:
                best[to, depth] = value[depth]
                chain[to, depth, :depth] = path[1 : depth + 1]
                if len(gain) == 2:
                    # one bed for all: what is worth no more is of no use
                    for k in range(depth, visits_max + 1):
                        lodged[k] = max(lodged[k], value[depth])


@njit()
def _dearest_only(
    visits_max: int,
    order: Longs,
    request: Ints,
    worth: Longs,
    best: Any,
    chain: Any,
) -> None:
    """The sum of the dearest passes of different requests, as if they always fitted and ended wherever one likes."""
    dear = dearest_of(visits_max, order, request)
    total = 0
    for size in range(1, len(dear) + 1):
        total += worth[dear[size - 1]]
        for to in range(len(best)):
            best[to, size] = total
            chain[to, size, :size] = dear[:size]


@njit()
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
    spot: Ints,
    spot_at: Longs,
    spot_place: Ints,
    over: int,
    once: Ints,
    matter: Longs,
) -> Any:
    """Best rounds of some people; see `Rounds`, and `Once` for the last two."""
    values = np.zeros(last_expert - first_expert, dtype=np.int64)
    room = (last_expert - first_expert) * days
    tour_day = np.zeros(room, dtype=np.int32)
    tour_from = np.full(room, HOME, dtype=np.int32)
    tour_to = np.full(room, HOME, dtype=np.int32)
    tour_size = np.zeros(room, dtype=np.int16)
    tour_pass = np.full((room, visits_max), -1, dtype=np.int32)
    tours = 0
    # day tours worth keeping of one person: where from and where to (0 home, else a bed of the day before, of the day), visits, worth
    kept_room = 256
    kept_from = np.empty(kept_room, dtype=np.int32)
    kept_to = np.empty(kept_room, dtype=np.int32)
    kept_size = np.empty(kept_room, dtype=np.int32)
    kept_worth = np.empty(kept_room, dtype=np.int64)
    kept_pass = np.empty((kept_room, visits_max), dtype=np.int32)
    kept_at = np.zeros((days, 2), dtype=np.int64)
    no_beds = np.zeros(1, dtype=np.int32)
    no_gains = np.zeros(1, dtype=np.int64)
    no_chains = np.zeros((0, CHAIN), dtype=np.int64)
    no_limits = np.array([0, ANY_TIME], dtype=np.int64)
    weeks = week_of_day[days - 1] + 1
    _, extra = spared(over, travel_cost)
    home_best = np.full((days, 1, visits_max + 1), NEVER, dtype=np.int64)
    home_chain = np.full((days, 1, visits_max + 1, visits_max), -1, dtype=np.int32)
    home_floor = np.zeros((days, visits_max + 1), dtype=np.int64)
    most_of_day = np.zeros(days, dtype=np.int64)
    for e in range(first_expert, last_expert):
        kept = 0
        kept_at[:, :] = 0
        most_of_week = np.zeros(weeks, dtype=np.int64)
        # the days from home to home
        order = np.empty(at[(e + 1) * days] - at[e * days], dtype=np.int64)
        dearest = np.empty(len(order) + days, dtype=np.int64)
        bits = np.zeros(len(order), dtype=np.int64)
        bed_of = np.zeros(len(order), dtype=np.int32)
        for i in range(ONCE_MAX):
            if once[e, i] < 0:
                break
            for p in range(at[e * days], at[(e + 1) * days]):
                if request[p] == once[e, i]:
                    bits[p - at[e * days]] = 1 << i
        for day in range(days):
            low, high = at[e * days + day], at[e * days + day + 1]
            week = week_of_day[day]
            most = min(per_day_max[e], round_left[e], week_left[e, week], visits_max, high - low)
            if work_days_max[e] <= 0:
                most = 0
            most_of_day[day] = max(0, most)
            if most <= 0:
                continue
            most_of_week[week] += most
            here = low - at[e * days]
            order[here : here + high - low] = np.argsort(-worth[low:high]) + low
            dear = dearest[here + day : here + day + high - low + 1]
            dear[high - low] = NEVER
            for i in range(high - low - 1, -1, -1):
                dear[i] = max(dear[i + 1], worth[low + i])
            home_floor[day, :] = 0
            _days_best(
                False,
                low,
                high,
                most,
                step_min,
                travel,
                home[e],
                travel_max[e],
                window_at[e * days + day],
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
                order[here : here + high - low],
                dear,
                no_beds,
                no_gains,
                bits[here : here + high - low],
                0,
                home_floor[day, : most + 1],
                home_best[day],
                home_chain[day],
                -1,
            )
        # what a night could add to the days before it, and to those after it, wherever one slept
        most_nights = max(0, min(nights_max[e], days))
        behind = np.full((most_nights + 1, days + 1), NEVER, dtype=np.int64)
        hopes = np.full((most_nights + 1, days + 1), NEVER, dtype=np.int64)
        beds_of_day = [no_beds for _ in range(days)]
        seen_of_day = [no_gains for _ in range(days)]
        gains = [no_gains for _ in range(days + 1)]
        chains_of_day = [no_chains for _ in range(days)]
        if nights_max[e] > 0:
            # by day: from wherever one slept to home and to any bed, from home to any bed
            freely = np.full((days, 3), NEVER, dtype=np.int64)
            for day in range(days):
                low, high, most = at[e * days + day], at[e * days + day + 1], most_of_day[day]
                if most <= 0:
                    continue
                here = low - at[e * days]
                freely[day, 0] = 0
                lodges = (window[low:high] == window_at[e * days + day + 1] - 1).astype(np.int32)
                for away in (True, False):
                    best = np.full((2, most + 1), NEVER, dtype=np.int64)
                    chain = np.full((2, most + 1, most), -1, dtype=np.int32)
                    _days_best(
                        away,
                        low,
                        high,
                        most,
                        step_min,
                        travel,
                        home[e],
                        travel_max[e],
                        window_at[e * days + day],
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
                        order[here : here + high - low],
                        dearest[here + day : here + day + high - low + 1],
                        lodges,
                        no_limits,
                        bits[here : here + high - low],
                        0,
                        home_floor[day, : most + 1].copy(),
                        best,
                        chain,
                        over,
                    )
                    for k in range(1, most + 1):
                        if away and best[0, k] != NEVER:
                            freely[day, 0] = max(freely[day, 0], best[0, k] - home_floor[day, k])
                        if best[1, k] != NEVER:
                            more = best[1, k] - home_floor[day, k]
                            which = 1 if away else 2
                            freely[day, which] = max(freely[day, which], more)
            for nights in range(1, most_nights + 1):
                for day in range(1, days):
                    behind[nights, day] = freely[day - 1, 2]
                    before = behind[nights - 1, day - 1]
                    if before != NEVER and freely[day - 1, 1] != NEVER:
                        more = before - night_cost + freely[day - 1, 1]
                        behind[nights, day] = max(behind[nights, day], more)
            for nights in range(1, most_nights + 1):
                for day in range(days - 1, 0, -1):
                    if freely[day, 0] != NEVER:
                        hopes[nights, day] = freely[day, 0] - night_cost
                    later = hopes[nights - 1, day + 1]
                    if freely[day, 1] != NEVER and later != NEVER:
                        more = freely[day, 1] + later - night_cost
                        hopes[nights, day] = max(hopes[nights, day], more)
        # from the last day back: what can be done from the beds, and what it adds by bed
        for day in range(days - 1 if nights_max[e] > 0 else 0, 0, -1):
            # nights that end before the day, and those that begin with the one before it
            promise: Any = np.int64(NEVER)
            for nights in range(1, most_nights + 1):
                after = hopes[most_nights + 1 - nights, day]
                if behind[nights, day] != NEVER and after != NEVER:
                    promise = max(promise, behind[nights, day] + after)
            if promise <= 0:
                continue
            low, high, most = at[e * days + day], at[e * days + day + 1], most_of_day[day]
            here = low - at[e * days]
            _lodge(
                bed_of[here : here + high - low],
                window[low:high],
                window_at[e * days + day + 1] - 1,
                spot[low:high],
                gains[day + 1],
                matter[e, day],
            )
            base = home_floor[day, : most + 1] + night_cost
            chains = chains_of(
                low,
                high,
                most,
                step_min,
                travel,
                home[e],
                travel_max[e],
                window_at[e * days + day],
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
                order[here : here + high - low],
                dearest[here + day : here + day + high - low + 1],
                bed_of[here : here + high - low],
                gains[day + 1],
                bits[here : here + high - low],
                base,
                base - behind[most_nights, day],
                base - behind[most_nights - 1, day],
                over,
            )
            if len(chains) == 0:
                continue
            beds, seen = _apart(
                spot_place[spot_at[e * days + day - 1] : spot_at[e * days + day]],
                matter[e, day - 1],
            )
            gain = np.full(len(beds), NEVER, dtype=np.int64)
            for bed in range(1, len(beds)):
                for i in range(len(chains)):
                    if chains[i, TOTAL] <= gain[bed]:
                        break
                    leg = way_to(
                        chains[i], beds[bed], seen[bed], window_from[window_at[e * days + day]], step_min, travel,
                        place, first, travel_max[e] + extra * (most - chains[i, SIZE]),
                    )  # fmt: skip
                    to = end_of(chains[i], seen[bed], matter[e, day])
                    if leg < 0 or (to > 0 and gains[day + 1][to] == NEVER):
                        continue
                    more = (
                        chains[i, VALUE] - travel_cost * leg + (gains[day + 1][to] if to > 0 else 0)
                    )
                    gain[bed] = max(gain[bed], more - base[chains[i, SIZE]])
            beds_of_day[day - 1], seen_of_day[day - 1] = beds, seen
            gains[day], chains_of_day[day] = gain, chains
        # all ways through a day that could be of use, from the first day on; `came` is what the days until then have gained
        came = no_gains
        for day in range(days):
            low, high, most = at[e * days + day], at[e * days + day + 1], most_of_day[day]
            beds, gain = beds_of_day[day], gains[day + 1]
            gained = np.full(len(beds), NEVER, dtype=np.int64)
            kept_at[day, 0] = kept
            if most > 0:
                here = low - at[e * days]
                best = np.full((len(beds), most + 1), NEVER, dtype=np.int64)
                chain = np.full((len(beds), most + 1, most), -1, dtype=np.int32)
            for bed in range(len(came) if most > 0 else 0):
                if bed > 0 and (
                    came[bed] == NEVER
                    or gains[day][bed] == NEVER
                    or came[bed] + gains[day][bed] <= 0
                ):
                    continue
                if bed == 0 and len(beds) > 1:
                    _lodge(
                        bed_of[here : here + high - low],
                        window[low:high],
                        window_at[e * days + day + 1] - 1,
                        spot[low:high],
                        gain,
                        matter[e, day],
                    )
                    _days_best(
                        False,
                        low,
                        high,
                        most,
                        step_min,
                        travel,
                        home[e],
                        travel_max[e],
                        window_at[e * days + day],
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
                        order[here : here + high - low],
                        dearest[here + day : here + day + high - low + 1],
                        bed_of[here : here + high - low],
                        gain,
                        bits[here : here + high - low],
                        matter[e, day],
                        home_floor[day, : most + 1].copy(),
                        best,
                        chain,
                        over,
                    )
                if bed == 0:
                    best[0] = home_best[day, 0, : most + 1]
                    chain[0] = home_chain[day, 0, : most + 1, :most]
                if bed > 0:
                    best[:, :] = NEVER
                    chains = chains_of_day[day]
                    seen_before = seen_of_day[day - 1][bed]
                    for i in range(len(chains)):
                        if chains[i, TOTAL] + came[bed] <= 0:
                            break
                        leg = way_to(
                            chains[i], beds_of_day[day - 1][bed], seen_before, window_from[window_at[e * days + day]],
                            step_min, travel, place, first, travel_max[e] + extra * (most - chains[i, SIZE]),
                        )  # fmt: skip
                        if leg < 0:
                            continue
                        to, k = end_of(chains[i], seen_before, matter[e, day]), chains[i, SIZE]
                        value = chains[i, VALUE] - travel_cost * leg
                        onward = gain[to] if to > 0 else np.int64(0)
                        if (
                            onward != NEVER
                            and value + onward + came[bed] > home_floor[day, k] + night_cost
                            and value > best[to, k]
                        ):
                            best[to, k] = value
                            chain[to, k, :k] = chains[i, CHAIN : CHAIN + k]
                for to in range(len(beds)):
                    dearer = np.int64(NEVER)
                    for k in range(1, most + 1):
                        if best[to, k] <= dearer:
                            continue
                        dearer = best[to, k]
                        if to > 0:
                            more = best[to, k] - home_floor[day, k]
                            if bed > 0:
                                more += came[bed] - night_cost
                            gained[to] = max(gained[to], more)
                        if kept == kept_room:
                            kept_room *= 2
                            kept_from = _longer(kept_from, kept_room)
                            kept_to = _longer(kept_to, kept_room)
                            kept_size = _longer(kept_size, kept_room)
                            kept_worth = _longer(kept_worth, kept_room)
                            wider = np.empty((kept_room, visits_max), dtype=np.int32)
                            wider[:kept] = kept_pass
                            kept_pass = wider
                        kept_from[kept] = bed
                        kept_to[kept] = to
                        kept_size[kept] = k
                        kept_worth[kept] = best[to, k] - (night_cost if to > 0 else 0)
                        kept_pass[kept, :k] = chain[to, k, :k]
                        kept += 1
            kept_at[day, 1] = kept
            # from here on only those beds are told apart that one may have come to
            slept = np.flatnonzero(gained != NEVER)
            if len(slept) + 1 < len(beds):
                slept = np.append(np.zeros(1, dtype=slept.dtype), slept)
                index = np.zeros(len(beds), dtype=np.int32)
                index[slept] = np.arange(len(slept))
                for one in range(kept_at[day, 0], kept):
                    kept_to[one] = index[kept_to[one]]
                beds_of_day[day], seen_of_day[day] = beds[slept], seen_of_day[day][slept]
                gains[day + 1], gained = gain[slept], gained[slept]
            came = gained
        # sizes of the state: engagements and days with visits of the week, engagements of the round, nights, where one sleeps
        week_size: Any = 0
        all_weeks: Any = 0
        for week in range(weeks):
            allowed = max(0, min(most_of_week[week], np.int64(week_left[e, week])))
            week_size = max(week_size, allowed)
            all_weeks += allowed
        if week_size == 0:
            continue
        round_size = min(all_weeks, np.int64(max(0, round_left[e])))
        counts_round = load_cost > 0 or round_size < all_weeks
        counts_days = work_days_max[e] < min(7, week_size)
        sleeps = 1
        for day in range(days):
            sleeps = max(sleeps, len(beds_of_day[day]))
        size_a = week_size + 1
        size_b = (work_days_max[e] if counts_days else 0) + 1
        size_c = (round_size if counts_round else 0) + 1
        size_n = (min(nights_max[e], days) if sleeps > 1 else 0) + 1
        size = size_a * size_b * size_c * size_n
        rests = size_c * size_n
        now = np.full((sleeps, size), NEVER, dtype=np.int64)
        then = np.empty((sleeps, size), dtype=np.int64)
        taken = np.full((days, sleeps, size), -1, dtype=np.int32)
        turned = np.full((days, sleeps, rests), -1, dtype=np.int32)
        now[0, 0] = 0
        for day in range(days):
            week = week_of_day[day]
            if day > 0 and week != week_of_day[day - 1]:
                then[:, :] = NEVER
                for bed in range(sleeps):
                    for ab in range(size_a * size_b):
                        for rest in range(rests):
                            if now[bed, ab * rests + rest] > then[bed, rest]:
                                then[bed, rest] = now[bed, ab * rests + rest]
                                turned[day, bed, rest] = ab
                now, then = then, now
            then[:, :] = NEVER
            then[0] = now[0]
            for one in range(kept_at[day, 0], kept_at[day, 1]):
                bed, to, k = kept_from[one], kept_to[one], kept_size[one]
                night = 1 if to > 0 else 0
                for a in range(size_a - k):
                    if a + k > week_left[e, week]:
                        break
                    for b in range(size_b - (1 if counts_days else 0)):
                        for c in range(size_c - (k if counts_round else 0)):
                            for n in range(size_n - night):
                                state = ((a * size_b + b) * size_c + c) * size_n + n
                                if now[bed, state] == NEVER:
                                    continue
                                total = now[bed, state] + kept_worth[one]
                                reached = (
                                    ((a + k) * size_b + (b + 1 if counts_days else 0)) * size_c
                                    + (c + k if counts_round else 0)
                                ) * size_n + (n + night)
                                if total > then[to, reached]:
                                    then[to, reached] = total
                                    taken[day, to, reached] = one
            now, then = then, now
        bed, state, value = 0, 0, NEVER
        for one in range(size):
            load = (one // size_n) % size_c
            total = now[0, one]
            if total != NEVER:
                total -= load_cost * load * load
            if total > value:
                state, value = one, total
        values[e - first_expert] = value
        begin = tours
        for day in range(days - 1, -1, -1):
            one = taken[day, bed, state]
            if one >= 0:
                k, to = kept_size[one], kept_to[one]
                tour_day[tours] = e * days + day
                tour_size[tours] = k
                tour_pass[tours, :k] = kept_pass[one, :k]
                if to > 0:
                    tour_to[tours] = beds_of_day[day][to]
                if kept_from[one] > 0:
                    tour_from[tours] = beds_of_day[day - 1][kept_from[one]]
                tours += 1
                n = state % size_n - (1 if to > 0 else 0)
                c = (state // size_n) % size_c - (k if counts_round else 0)
                b = (state // rests) % size_b - (1 if counts_days else 0)
                a = state // (rests * size_b) - k
                state = ((a * size_b + b) * size_c + c) * size_n + n
                bed = kept_from[one]
            if day > 0 and week_of_day[day] != week_of_day[day - 1]:
                state = turned[day, bed, state] * rests + state
        # found from the last day back
        for i in range((tours - begin) // 2):
            left, right = begin + i, tours - 1 - i
            tour_day[left], tour_day[right] = tour_day[right], tour_day[left]
            tour_from[left], tour_from[right] = tour_from[right], tour_from[left]
            tour_to[left], tour_to[right] = tour_to[right], tour_to[left]
            tour_size[left], tour_size[right] = tour_size[right], tour_size[left]
            for j in range(visits_max):
                tour_pass[left, j], tour_pass[right, j] = tour_pass[right, j], tour_pass[left, j]
    return (
        values,
        tour_day[:tours],
        tour_from[:tours],
        tour_to[:tours],
        tour_size[:tours],
        tour_pass[:tours],
    )


@njit()
def _bids(
    people: Longs,
    own: Longs,
    quota_of: Longs,
    quota_price: Any,
    reward: Any,
    kept: Any,
    visits: Any,
    used: Any,
    seat_of_class: Longs,
    starts: Longs,
    required: Any,
    needed: Any,
    step: float,
    everywhere: float,
    presence_of: Numbers,
    presence_at: Numbers,
    slot_of_class: Numbers,
    presence: Any,
    group: Ints,
    seat_class_at: Longs,
    seat_at: Ints,
    seat_request: Ints,
    worth: Longs,
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
    travel_cost: int,
    night_cost: int,
    load_cost: int,
    choosing: Any,
    chosen: Any,
    chosen_size: Any,
    spot: Ints,
    spot_at: Longs,
    spot_place: Ints,
    over: int,
    once: Ints,
    matter: Longs,
) -> Any:
    """See `Prices.bid`."""
    room = len(people) * days
    tour_day = np.empty(room, dtype=np.int32)
    tour_from = np.empty(room, dtype=np.int32)
    tour_to = np.empty(room, dtype=np.int32)
    tour_size = np.empty(room, dtype=np.int16)
    tour_pass = np.full((room, visits_max), -1, dtype=np.int32)
    tours = 0
    for n in range(len(people)):
        e = people[n]
        if choosing[e]:
            for p in range(at[e * days], at[(e + 1) * days]):
                value = reward[group[p]]
                if quota_of[p] >= 0:
                    value -= quota_price[quota_of[p]]
                if presence_of[p] >= 0:
                    value -= presence[presence_of[p]]
                worth[p] = own[p] + np.int64(np.rint(value))
            _, day, origin, end, size, chain = _rounds(
                e, e + 1, days, step_min, visits_max, travel, week_of_day, home, per_day_max, round_left, week_left,
                travel_max, nights_max, work_days_max, window_at, window_from, window_to, duration, at, request,
                first, last, window, place, worth, travel_cost, night_cost, load_cost, spot, spot_at, spot_place, over, once, matter,
            )  # fmt: skip
            chosen_size[e] = 0
            for t in range(len(size)):
                tour_day[tours], tour_from[tours], tour_to[tours] = day[t], origin[t], end[t]
                tour_size[tours] = size[t]
                tour_pass[tours] = chain[t]
                tours += 1
                for k in range(size[t]):
                    chosen[e, chosen_size[e]] = chain[t, k]
                    chosen_size[e] += 1
        for k in range(chosen_size[e]):
            p = chosen[e, k]
            c = group[p]
            visits[c] += 1
            if quota_of[p] >= 0:
                used[quota_of[p]] += 1
            s = seat_of_class[c]
            r, i = seat_request[s], c - seat_class_at[s]
            team = needed[r]
            if required[s]:
                kept[r] += step / team
            for other in range(seat_at[r], seat_at[r + 1]):
                base = seat_class_at[other]
                for j in range(starts[other]):
                    much = step if j == i else step * everywhere
                    if not required[other]:
                        if required[s]:
                            # it may count on the team being there
                            more = min(much / team, -reward[base + j])
                        elif other == s:
                            more = -much
                        else:
                            continue
                        reward[base + j] += more
                        for seat in range(seat_at[r], seat_at[r + 1]):
                            if required[seat]:
                                reward[seat_class_at[seat] + j] -= more / team
                    elif required[s]:
                        # what this seat loses beyond its part of what the request keeps, the others gain
                        lost = 1.0 if other == s else 0.0
                        reward[base + j] -= step / (team * team) + (lost - 1.0 / team) * much
            # whoever is there has one seat of the team, which by this visit is there for one of its seats more
            slot = slot_of_class[c]
            if slot >= 0:
                more = 0.0
                for one in range(presence_at[slot], presence_at[slot + 1]):
                    before = presence[one]
                    beyond = -1.0 / team if required[s] else 0.0
                    if one == presence_of[p]:
                        beyond += 1.0
                    presence[one] = max(0.0, before + step * beyond)
                    more += presence[one] - before
                for seat in range(seat_at[r], seat_at[r + 1]):
                    if required[seat]:
                        reward[seat_class_at[seat] + i] += more / team
    return (
        tour_day[:tours],
        tour_from[:tours],
        tour_to[:tours],
        tour_size[:tours],
        tour_pass[:tours],
    )


@lean
def _lodge(
    bed_of: Any, window: Ints, last_window: int, spot: Ints, gain: Longs, matter: int
) -> None:
    """Set which is the first bed where one may lodge after each pass: 0 for none, also where no bed has a `gain`."""
    each = subsets(matter)
    for i in range(len(spot)):
        there = len(gain) > 1 and window[i] == last_window
        bed_of[i] = 1 + spot[i] * each if there else 0


@njit()
def _apart(spots: Ints, matter: int) -> Any:
    """Each place as a bed as often as what was served before may differ, and what that is by bed; the home stays first."""
    each = subsets(matter)
    beds = np.zeros(1 + len(spots) * each, dtype=np.int32)
    seen = np.zeros(len(beds), dtype=np.int64)
    for spot in range(len(spots)):
        for i in range(each):
            beds[1 + spot * each + i] = spots[spot]
            seen[1 + spot * each + i] = unfolded(i, matter)
    return beds, seen


@njit()
def _longer(values: Any, room: int) -> Any:
    more = np.empty(room, dtype=values.dtype)
    more[: len(values)] = values
    return more
