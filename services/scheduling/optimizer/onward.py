"""Days that begin away from home: all chains of visits that could be of use, found once a day for all the beds of the night before.

A bed decides only when the first visit can begin, how long the way to it is, and what has been served since home. So chains
are looked for as if one woke up wherever one likes, each with the latest start of its first visit; a bed takes those it can
still reach (labels with a resource that is left open: Irnich and Desaulniers 2005, doi 10.1007/0-387-25486-2_2).
"""

from typing import Any

import numpy as np

from services.scheduling.optimizer.compiling import lean, njit
from services.scheduling.optimizer.once import folded
from services.scheduling.optimizer.packed import Ints, Longs, Shorts

END, SIZE, VALUE, TOTAL, LATEST, LEGS, MARKS, CHAIN = range(8)
"""Columns of a chain: where it ends (0 home, else the first of the beds there), visits, worth, `TOTAL` with what comes after at most,
latest start of the first visit, minutes of travel after it, bits of what it serves that may be served once in a tour; then its passes.
"""
ANY_TIME = 2**40
"""No limit to a start."""
NEVER = -(2**60)
"""Worth of what cannot be."""
BRANCHES_MAX = 5_000_000
"""Branches looked at before the dearest passes stand for all chains."""


@njit()
def chains_of(
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
    base: Longs,
    floor: Longs,
    away_floor: Longs,
    over: int,
) -> Any:
    """Chains of the passes `low` to `high` that begin in `first_window`, the greatest `TOTAL` first.

    Kept are those of `k` visits that end at home and are worth more than `floor[k]`, or end in a bed and are with its `gain` worth more
    than `away_floor[k]`; their `TOTAL` is that less `base[k]`. A chain is left out where another of as many visits, from the same place to the same end, is worth no less and leaves no less room. `worth`
    leaves the way to the first visit unpaid. With `over` (`detours`), whatever is worth nothing is a day's only visit or ends in a bed: without
    it the day is no worse, if it may have `over` minutes of travel more. See `pricing._days_best` for the rest.
    """
    count = high - low
    spare, extra = spared(over, travel_cost)
    rows = np.empty((64, CHAIN + visits_max), dtype=np.int64)
    found = 0
    hope: Any = np.int64(NEVER)
    for end in range(1, len(gain)):
        hope = max(hope, gain[end])
    position = np.zeros(visits_max + 1, dtype=np.int64)
    path = np.full(visits_max + 1, -1, dtype=np.int32)
    value = np.zeros(visits_max + 1, dtype=np.int64)
    time = np.zeros(visits_max + 1, dtype=np.int64)
    late = np.zeros(visits_max + 1, dtype=np.int64)
    since = np.zeros(visits_max + 1, dtype=np.int64)
    legs = np.zeros(visits_max + 1, dtype=np.int64)
    marks = np.zeros(visits_max + 1, dtype=np.int64)
    reach = np.zeros(visits_max + 1, dtype=np.int64)
    time[0] = window_from[first_window]
    late[0] = ANY_TIME
    reach[0] = dearest[0]
    depth = 0
    branches = 0
    while depth >= 0:
        branches += 1
        if branches > BRANCHES_MAX:
            return _dearest_only(visits_max, order, request, place, bed_of, worth, gain, base)
        i = position[depth]
        leave = i == count or depth == visits_max
        if not leave:
            p = order[i]
            more = max(0, reach[depth])
            sure = value[depth] + worth[p]
            promising = False
            for k in range(depth + 1, visits_max + 1 if worth[p] > spare else depth + 2):
                most = sure + (k - depth - 1) * more
                home_too = depth == 0 or worth[p] > spare
                if (home_too and most > floor[k]) or most + hope > away_floor[k]:
                    promising = True
                    break
            leave = not promising
        if leave:
            depth -= 1
            continue
        position[depth] = i + 1
        if serves(path, 1, depth + 1, request, request[p]):
            continue
        into = window[p]
        # `late` is the latest start of the first visit, `since` what lies at least between that and the start of this one
        if depth == 0:
            if into != first_window:
                continue
            leg = np.int64(0)
            arrives = time[0]
            behind = np.int64(0)
            latest = np.int64(last[p])
        else:
            before = path[depth]
            here = window[before]
            ends = since[depth] + duration[request[before]]
            if here == into:
                leg = np.int64(travel[place[before], place[p]])
                arrives = time[depth] + leg
                behind = -(-(ends + leg) // step_min) * step_min
                latest = min(late[depth], last[p] - behind)
            elif here < into:
                leg = np.int64(travel[place[before], home])
                if time[depth] + leg > window_to[here]:
                    continue
                latest = min(late[depth], window_to[here] - ends - leg)
                out = np.int64(travel[home, place[p]])
                leg += out
                arrives = window_from[into] + out
                behind = np.int64(-ANY_TIME)
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
        late[depth] = latest
        since[depth] = behind
        legs[depth] = legs[depth - 1] + leg
        marks[depth] = marks[depth - 1] | bits[p - low]
        position[depth] = 0 if worth[p] > spare else count
        # what could still follow starts no earlier than now
        reach[depth] = dearest[ended_by(last, low, high, time[depth])]
        back = np.int64(travel[place[p], home])
        for way in range(2):
            if way == 0:
                if depth > 1 and worth[p] <= spare:
                    continue
                if time[depth] + back > window_to[into] or legs[depth] + back > most_travel:
                    continue
                end, more = 0, np.int64(0)
                worthy = value[depth] - travel_cost * back
                until = min(latest, window_to[into] - back - duration[request[p]] - behind)
                gone = legs[depth] + back
            else:
                end = bed_of[p - low]
                if end == 0 or gain[end] == NEVER:
                    continue
                more = gain[end]
                worthy, until, gone = value[depth], latest, legs[depth]
            if worthy + more <= (floor[depth] if end == 0 else away_floor[depth]):
                continue
            if found == len(rows):
                wider = np.empty((2 * found, rows.shape[1]), dtype=np.int64)
                wider[:found] = rows
                rows = wider
            row = rows[found]
            row[END], row[SIZE], row[VALUE] = end, depth, worthy
            row[TOTAL] = worthy + more - base[depth]
            row[LATEST], row[LEGS], row[MARKS] = until, gone, marks[depth]
            row[CHAIN : CHAIN + depth] = path[1 : depth + 1]
            found += 1
    return _undominated(rows[:found], place)


@njit()
def _undominated(rows: Any, place: Ints) -> Any:
    """Rows by `TOTAL`, without those that another makes useless."""
    ranked = rows[np.argsort(-rows[:, TOTAL], kind="mergesort")]
    # the last row kept of each (first place, end, visits), and before each the one kept before
    size = 1
    while size < 2 * len(ranked) + 1:
        size *= 2
    head = np.full(size, -1, dtype=np.int64)
    before = np.full(len(ranked), -1, dtype=np.int64)
    kept = 0
    for i in range(len(ranked)):
        row = ranked[i]
        spot = place[row[CHAIN]]
        key = (spot * 1_000_003 + row[END] * 8191 + row[SIZE] * 127) & (size - 1)
        other = head[key]
        useless = False
        while other >= 0:
            one = ranked[other]
            if (
                one[END] == row[END]
                and one[SIZE] == row[SIZE]
                and place[one[CHAIN]] == spot
                and one[LATEST] >= row[LATEST]
                and one[LEGS] <= row[LEGS]
                and one[MARKS] & ~row[MARKS] == 0
            ):
                useless = True
                break
            other = before[other]
        if useless:
            continue
        ranked[kept] = row
        before[kept] = head[key]
        head[key] = kept
        kept += 1
    return ranked[:kept].copy()


@njit()
def _dearest_only(
    visits_max: int,
    order: Longs,
    request: Ints,
    place: Ints,
    bed_of: Ints,
    worth: Longs,
    gain: Longs,
    base: Longs,
) -> Any:
    """The sum of the dearest passes of different requests, as if they always fitted and ended wherever one likes."""
    ends = np.unique(bed_of)
    rows = np.zeros((visits_max * (len(ends) + 1), CHAIN + visits_max), dtype=np.int64)
    found, total = 0, 0
    chain = dearest_of(visits_max, order, request)
    for size in range(1, len(chain) + 1):
        total += worth[chain[size - 1]]
        for i in range(-1, len(ends)):
            end = 0 if i < 0 else ends[i]
            if (i >= 0 and end == 0) or gain[end] == NEVER:
                continue
            row = rows[found]
            row[END], row[SIZE], row[VALUE] = end, size, total
            row[TOTAL] = total + (gain[end] if end > 0 else 0) - base[size]
            row[LATEST], row[LEGS] = ANY_TIME, -ANY_TIME
            row[CHAIN : CHAIN + size] = chain[:size]
            found += 1
    rows = rows[:found]
    return rows[np.argsort(-rows[:, TOTAL], kind="mergesort")]


@njit()
def dearest_of(visits_max: int, order: Longs, request: Ints) -> Any:
    """The first passes of `order` that are for different requests, at most so many."""
    chain = np.zeros(visits_max, dtype=np.int64)
    size = 0
    for p in order:
        if size == visits_max:
            break
        if not serves(chain, 0, size, request, request[p]):
            chain[size] = p
            size += 1
    return chain[:size]


@lean
def serves(path: Any, begin: int, end: int, request: Ints, wanted: int) -> bool:
    """Whether one of the passes from `path[begin]` to before `path[end]` is for the request."""
    found = False
    for j in range(begin, end):
        found |= request[path[j]] == wanted
    return found


@lean
def ended_by(last: Ints, low: int, high: int, time: int) -> int:
    """How many of the passes `low` to `high`, by latest start, can no longer start at `time`."""
    a, b = low, high
    while a < b:
        middle = (a + b) // 2
        if last[middle] < time:
            a = middle + 1
        else:
            b = middle
    return a - low


@lean
def end_of(row: Longs, seen: int, matter: int) -> Any:
    """The bed in which a chain ends that begins where `seen` had been served, 0 at home."""
    if row[END] > 0 and matter:
        return row[END] + folded(row[MARKS] | seen, matter)
    return row[END]


@lean
def way_to(
    row: Longs,
    bed: int,
    seen: int,
    opens: int,
    step_min: int,
    travel: Shorts,
    place: Ints,
    first: Ints,
    travel_max: int,
) -> Any:
    """Minutes of the way from `bed` to the first visit of a chain; -1 when it cannot be made from there, or serves again what was `seen`."""
    p = row[CHAIN]
    leg = np.int64(travel[bed, place[p]])
    start = max(np.int64(first[p]), -(-(opens + leg) // step_min) * step_min)
    if row[MARKS] & seen or start > row[LATEST] or row[LEGS] + leg > travel_max:
        return -1
    return leg


@lean
def detours(travel: Shorts, shortest_min: int) -> Any:
    """By how many minutes a way over a third place may be shorter than the straight one; -1 when a visit of `shortest_min` may be.

    O(places^3), half a second for 1,800.
    """
    over = np.int32(0)
    for between in range(len(travel)):
        for a in range(len(travel)):
            one = np.int32(travel[a, between])
            most = np.int32(0)
            for b in range(len(travel)):
                most = max(most, np.int32(travel[a, b]) - one - np.int32(travel[between, b]))
            over = max(over, most)
    return over if over <= shortest_min else -1


@lean
def spared(over: int, travel_cost: int) -> tuple[int, int]:
    """What a visit is worth at most that can be left out, and how many minutes of travel that may cost."""
    return (-travel_cost * over, over) if over >= 0 else (NEVER, 0)
