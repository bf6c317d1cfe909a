"""Which two requests one person could serve on two days with a night away between them, when they have nothing else to do.

Only pairs are listed of which at least one is too far to be served from home on its day: the others need no night. Requests that are pinned or need
more than one person are left out.
"""

from typing import Any, Final

import numpy as np

from services.scheduling.optimizer.compiling import njit
from services.scheduling.optimizer.packed import Ints, Longs, Packed
from services.scheduling.optimizer.problem import DAY_MIN

TOURS_MAX: Final = 60
"""Pairs kept for one request; of more than that, some at random."""


def two_day_tours(packed: Packed) -> tuple[Longs, Ints]:
    """By request that is too far for a day: its pairs, as rows `(first candidate, second candidate, first day)`, in one of which
    it is; and where the rows of each begin.
    """
    single = np.zeros(packed.requests, dtype=np.bool_)
    needed = np.bincount(
        packed.seat_request, weights=packed.seat_required, minlength=packed.requests
    )
    lead = packed.seat_at[:-1]
    single[:] = (needed == 1) & (packed.seat_required[lead] != 0) & (packed.pin_start == -1)
    single &= packed.pin_expert[lead] == -1
    request, rows = _pairs(
        packed.days,
        packed.travel,
        packed.home,
        packed.place,
        packed.duration,
        packed.travel_max,
        packed.nights_max,
        packed.round_left,
        packed.window_at,
        packed.window_from,
        packed.window_to,
        packed.start_at,
        packed.starts,
        packed.seat_request,
        packed.candidate_seat,
        packed.candidate_remote,
        packed.candidate_mask_at,
        packed.candidate_mask,
        packed.of_expert_at,
        packed.of_expert,
        single,
        packed.seat_at,
    )
    order = np.argsort(request, kind="stable")
    at = np.concatenate(([0], np.cumsum(np.bincount(request, minlength=packed.requests))))
    return at.astype(np.int64), rows[order]


@njit()
def _pairs(
    days: int,
    travel: Any,
    home: Ints,
    place: Ints,
    duration: Ints,
    travel_max: Ints,
    nights_max: Ints,
    round_left: Ints,
    window_at: Ints,
    window_from: Ints,
    window_to: Ints,
    start_at: Longs,
    starts: Ints,
    seat_request: Ints,
    candidate_seat: Ints,
    candidate_remote: Any,
    mask_at: Longs,
    mask: Any,
    of_expert_at: Longs,
    of_expert: Ints,
    single: Any,
    seat_at: Ints,
) -> Any:
    """The far request and the row of each pair, in no order."""
    requests = len(place)
    seen = np.zeros(requests, dtype=np.int64)
    where = np.full((requests, TOURS_MAX), -1, dtype=np.int64)
    room, count = 1024, 0
    owner = np.empty(room, dtype=np.int64)
    rows = np.empty((room, 3), dtype=np.int32)
    dice = np.uint64(0x9E3779B97F4A7C15)
    for e in range(len(home)):
        if nights_max[e] <= 0 or round_left[e] < 2:
            continue
        mine = of_expert[of_expert_at[e] : of_expert_at[e + 1]]
        # by candidate and day: the last start of a morning after which there is time to go home; whether an evening can be
        last = np.full((len(mine), days), -1, dtype=np.int64)
        evening = np.zeros((len(mine), days), dtype=np.bool_)
        far = np.ones((len(mine), days), dtype=np.bool_)
        for n in range(len(mine)):
            c = mine[n]
            r = seat_request[candidate_seat[c]]
            if candidate_remote[c] or not single[r] or candidate_seat[c] != seat_at[r]:
                continue
            out, back = np.int64(travel[home[e], place[r]]), np.int64(travel[place[r], home[e]])
            for i in range(start_at[r + 1] - start_at[r]):
                if not (mask[mask_at[c] + i // 64] >> np.uint64(i % 64)) & np.uint64(1):
                    continue
                start = np.int64(starts[start_at[r] + i])
                on = start // DAY_MIN
                w, v = window_at[e * days + on], window_at[e * days + on + 1] - 1
                end = start + duration[r]
                if back <= travel_max[e] and window_from[w] <= start and end + back <= window_to[w]:
                    last[n, on] = start
                if out <= travel_max[e] and window_from[v] + out <= start and end <= window_to[v]:
                    evening[n, on] = True
                if far[n, on] and out + back <= travel_max[e]:
                    for x in range(w, v + 1):
                        if window_from[x] + out <= start and end + back <= window_to[x]:
                            far[n, on] = False
        for day in range(days - 1):
            opens = window_at[e * days + day + 1]
            if opens == window_at[e * days + day + 2]:
                continue
            for n in range(len(mine)):
                if not evening[n, day]:
                    continue
                a = seat_request[candidate_seat[mine[n]]]
                for m in range(len(mine)):
                    if last[m, day + 1] < 0 or not (far[n, day] or far[m, day + 1]):
                        continue
                    b = seat_request[candidate_seat[mine[m]]]
                    leg = np.int64(travel[place[a], place[b]])
                    if (
                        a == b
                        or leg + travel[place[b], home[e]] > travel_max[e]
                        or window_from[opens] + leg > last[m, day + 1]
                    ):
                        continue
                    for r in (a, b):
                        if (r == a and not far[n, day]) or (r == b and not far[m, day + 1]):
                            continue
                        seen[r] += 1
                        if seen[r] <= TOURS_MAX:
                            if count == room:
                                room *= 2
                                more = np.empty(room, dtype=np.int64)
                                more[:count] = owner
                                owner = more
                                longer = np.empty((room, 3), dtype=np.int32)
                                longer[:count] = rows
                                rows = longer
                            at = count
                            where[r, seen[r] - 1] = at
                            owner[at] = r
                            count += 1
                        else:
                            dice ^= dice >> np.uint64(12)
                            dice ^= dice << np.uint64(25)
                            dice ^= dice >> np.uint64(27)
                            chosen = np.int64(dice % np.uint64(seen[r]))
                            if chosen >= TOURS_MAX:
                                continue
                            at = where[r, chosen]
                        rows[at, 0], rows[at, 1], rows[at, 2] = mine[n], mine[m], day
    return owner[:count], rows[:count]
