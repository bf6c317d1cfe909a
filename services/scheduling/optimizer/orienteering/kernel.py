"""The compiled loops of the search: ruin and recreate with strings, by simulated annealing.

Ruin and blinks follow SISR (Christiaens and Vanden Berghe 2020, doi 10.1287/trsc.2019.0914); nodes that stay out take part as
seeds of ruins, because what is to come in is near them. A place in a tour is tried in O(1): `latest[t, p]` is the last start at
position `p` from which the rest of tour `t` is still in time (Savelsbergh 1992, doi 10.1287/ijoc.4.2.146), with several windows, too.

State, changed in place: `tour[t, p]` nodes with the depot at positions 0 and `length[t] + 1`; `start`, `latest` by the same
positions; `where[node]` its tour or -1; `used[resource]`. Random numbers are SplitMix64 (Steele et al. 2014,
doi 10.1145/2660193.2660195), so that a seed means the same on every machine.
"""

import math
from typing import Any

import numpy as np

from services.scheduling.optimizer.compiling import lean, njit

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX_A = np.uint64(0xBF58476D1CE4E5B9)
_MIX_B = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_NEVER = np.int64(2**40)


@lean
def _word(dice: Any) -> Any:
    dice[0] += _GAMMA
    z = dice[0]
    z = (z ^ (z >> _S30)) * _MIX_A
    z = (z ^ (z >> _S27)) * _MIX_B
    return z ^ (z >> _S31)


@lean
def _unit(dice: Any) -> Any:
    """In [0, 1)."""
    return np.float64(_word(dice) >> _S11) * (1.0 / 9007199254740992.0)


@lean
def _below(dice: Any, n: Any) -> Any:
    return np.int64(_unit(dice) * n)


@lean
def earliest(opens: Any, closes: Any, kind: Any, node: Any, at: Any) -> Any:
    """The first start of service for who arrives at tick `at`; never where all windows are over."""
    for w in range(opens.shape[2]):
        if at <= closes[kind, node, w]:
            return max(at, opens[kind, node, w])
    return _NEVER


@lean
def last_start(opens: Any, closes: Any, kind: Any, node: Any, by: Any) -> Any:
    """The last start of service not after tick `by`; -1 where there is none."""
    for w in range(opens.shape[2] - 1, -1, -1):
        if opens[kind, node, w] <= by:
            return min(by, closes[kind, node, w])
    return np.int64(-1)


@lean
def retime(
    hop: Any,
    opens: Any,
    closes: Any,
    kinds: Any,
    t: Any,
    tour: Any,
    length: Any,
    start: Any,
    latest: Any,
) -> Any:
    """Starts and last starts of tour `t` anew; whether it is in time."""
    kind = t % kinds
    end = length[t] + 1
    start[t, 0] = opens[kind, 0, 0]
    for p in range(1, end + 1):
        node = tour[t, p]
        at = start[t, p - 1] + hop[tour[t, p - 1], node]
        start[t, p] = at if p == end else earliest(opens, closes, kind, node, at)
        if start[t, p] >= _NEVER:
            return False
    if start[t, end] > closes[kind, 0, 0]:
        return False
    latest[t, end] = closes[kind, 0, 0]
    for p in range(end - 1, -1, -1):
        by = latest[t, p + 1] - hop[tour[t, p], tour[t, p + 1]]
        latest[t, p] = last_start(opens, closes, kind, tour[t, p], by)
    return True


@lean
def _fits(
    hop: Any, back: Any, opens: Any, closes: Any, kinds: Any, node: Any, tour: Any, start: Any, latest: Any, low: Any, high: Any
) -> Any:  # fmt: skip
    """Whether `node` has a place before one of the positions `low[t]` to `high[t]` of some tour."""
    for t in range(tour.shape[0]):
        kind = t % kinds
        first = opens[kind, node, 0]
        for p in range(low[t], high[t] + 1):
            if first > latest[t, p]:
                continue
            away = hop[node, tour[t, p]]
            if first + away > latest[t, p]:
                continue
            begin = earliest(
                opens, closes, kind, node, start[t, p - 1] + back[node, tour[t, p - 1]]
            )
            if begin >= _NEVER:
                break
            if begin + away <= latest[t, p]:
                return True
    return False


@lean
def _best_place(
    hop: Any, back: Any, opens: Any, closes: Any, kinds: Any, node: Any, tour: Any, length: Any, start: Any, latest: Any,
    anywhere: Any, low: Any, high: Any, blink: Any, by_shift: Any, dice: Any,
) -> Any:  # fmt: skip
    """The tour and the position before which `node` costs least, blinking now and then; -1 where it fits nowhere.

    Unless it may be put `anywhere`, only positions `low[t]` to `high[t]` are looked at.
    """
    best_t, best_p, best_cost = -1, -1, _NEVER
    empty_seen = np.int64(0)
    for t in range(tour.shape[0]):
        kind = t % kinds
        if length[t] == 0:
            if empty_seen & (1 << kind):
                continue
            empty_seen |= 1 << kind
        first = opens[kind, node, 0]
        for p in range(1 if anywhere else low[t], (length[t] + 1 if anywhere else high[t]) + 1):
            if first > latest[t, p]:
                continue
            before, after = tour[t, p - 1], tour[t, p]
            away = hop[node, after]
            if first + away > latest[t, p]:
                continue
            begin = earliest(opens, closes, kind, node, start[t, p - 1] + back[node, before])
            if begin >= _NEVER:
                break
            arrives = begin + away
            if arrives > latest[t, p]:
                continue
            if by_shift:
                cost = max(np.int64(0), arrives - start[t, p])
            else:
                cost = back[node, before] + away - hop[before, after]
            if cost < best_cost and _unit(dice) >= blink:
                best_t, best_p, best_cost = t, p, cost
    return best_t, best_p


@lean
def _put(
    hop: Any, opens: Any, closes: Any, kinds: Any, t: Any, at: Any, node: Any, tour: Any, length: Any, start: Any, latest: Any
) -> Any:  # fmt: skip
    """Put `node` into tour `t` before position `at`, where it has a place."""
    kind = t % kinds
    for q in range(length[t] + 2, at, -1):
        tour[t, q] = tour[t, q - 1]
        start[t, q] = start[t, q - 1]
        latest[t, q] = latest[t, q - 1]
    tour[t, at] = node
    length[t] += 1
    end = length[t] + 1
    for p in range(at, end + 1):
        begin = start[t, p - 1] + hop[tour[t, p - 1], tour[t, p]]
        if p < end:
            begin = earliest(opens, closes, kind, tour[t, p], begin)
        if p > at and begin == start[t, p]:
            break
        start[t, p] = begin
    for p in range(at, -1, -1):
        by = latest[t, p + 1] - hop[tour[t, p], tour[t, p + 1]]
        last = last_start(opens, closes, kind, tour[t, p], by)
        if p < at and last == latest[t, p]:
            break
        latest[t, p] = last


@lean
def _take(node: Any, where: Any, gone: Any, count: Any, needs: Any, used: Any) -> Any:
    """Note that `node` is taken out; how many are by now."""
    where[node] = -1
    gone[count] = node
    for r in range(used.shape[0]):
        used[r] -= needs[node, r]
    return count + 1


@lean
def _ruin(
    near: Any, tour: Any, length: Any, where: Any, touched: Any, average: Any, longest: Any,
    seed: Any, gone: Any, needs: Any, used: Any, dice: Any,
) -> Any:  # fmt: skip
    """Take strings of neighbouring tours out around `seed`; how many nodes went, which are in `gone`."""
    n = near.shape[0]
    tours = tour.shape[0]
    served, in_use, count = 0, 0, 0
    for t in range(tours):
        served += length[t]
        in_use += length[t] > 0
        touched[t] = False
    if in_use == 0:
        return count
    l_max = min(np.float64(longest), served / in_use)
    k_max = 4.0 * average / (1.0 + l_max) - 1.0
    strings = np.int64(_unit(dice) * k_max + 1.0)
    for c in range(n - 1):
        if strings <= 0:
            break
        node = near[seed, c]
        t = where[node]
        if t < 0 or touched[t]:
            continue
        touched[t] = True
        strings -= 1
        size = np.int64(_unit(dice) * min(np.float64(length[t]), l_max) + 1.0)
        size = min(size, length[t])
        at = 1
        while tour[t, at] != node:
            at += 1
        kept = 0
        # Now and then a string keeps a stretch in its middle.
        if size > 1 and size < length[t] and _unit(dice) < 0.5:
            kept = 1
            while size + kept < length[t] and _unit(dice) > 0.5:
                kept += 1
        span = size + kept
        low = max(1, at - span + 1)
        high = min(at, length[t] - span + 1)
        first = low + _below(dice, high - low + 1)
        skip = first + _below(dice, size) if kept > 0 else first + span
        write = first
        for p in range(first, length[t] + 2):
            if p < first + span and not (skip <= p < skip + kept):
                count = _take(tour[t, p], where, gone, count, needs, used)
            else:
                tour[t, write] = tour[t, p]
                write += 1
        length[t] -= size
    return count


@lean
def _changed(
    t: Any, tour: Any, length: Any, start: Any, latest: Any, kept_tour: Any, kept_length: Any, kept_start: Any, kept_latest: Any
) -> Any:  # fmt: skip
    """The first and the last position of tour `t` before which there is more room than in the tour that was kept."""
    low, high = 1, length[t] + 1
    while (
        low <= high
        and tour[t, low - 1] == kept_tour[t, low - 1]
        and tour[t, low] == kept_tour[t, low]
        and start[t, low - 1] == kept_start[t, low - 1]
        and latest[t, low] == kept_latest[t, low]
    ):
        low += 1
    more = kept_length[t] - length[t]
    while (
        high >= low
        and tour[t, high - 1] == kept_tour[t, high + more - 1]
        and tour[t, high] == kept_tour[t, high + more]
        and start[t, high - 1] == kept_start[t, high + more - 1]
        and latest[t, high] == kept_latest[t, high + more]
    ):
        high -= 1
    return low, high


@lean
def _order(
    profit: Any, hop: Any, opens: Any, closes: Any, needs: Any, capacities: Any, near: Any, absent: Any, count: Any,
    key: Any, dice: Any,
) -> Any:  # fmt: skip
    """Sort the first `count` of `absent` in the order in which they are tried, by one of several measures."""
    n = profit.shape[0]
    measure = _unit(dice)
    noise = 0.5 * _unit(dice)
    resources = capacities.shape[0]
    by_need = resources > 0 and _unit(dice) < 0.4
    for i in range(count):
        node = absent[i]
        luck = _unit(dice)
        if by_need:
            # What it pays for what it uses up.
            share = 0.05
            for r in range(resources):
                share += needs[node, r] / (capacities[r] + 1.0)
            value = -np.float64(profit[node]) / share * (1.0 - noise * luck)
        elif measure < 0.15:
            value = luck
        elif measure < 0.50:
            value = -np.float64(profit[node]) * (1.0 - noise * luck)
        elif measure < 0.80:
            # What it pays for the time that it takes at least.
            about = hop[node, near[node, min(3, n - 2)]]
            value = -np.float64(profit[node]) / (about + 1.0) * (1.0 - noise * luck)
        elif measure < 0.90:
            value = np.float64(closes[0, node, 0]) * (1.0 - noise * luck)
        else:
            value = np.float64(closes[0, node, 0] - opens[0, node, 0]) * (1.0 - noise * luck)
        p = i
        while p > 0 and key[p - 1] > value:
            key[p], absent[p] = key[p - 1], absent[p - 1]
            p -= 1
        key[p], absent[p] = value, node


@lean
def _recreate(
    hop: Any, back: Any, opens: Any, closes: Any, kinds: Any, profit: Any, needs: Any, capacities: Any, near: Any, tour: Any, length: Any, start: Any, latest: Any, where: Any, used: Any,
    touched: Any, low: Any, high: Any, fresh: Any, absent: Any, key: Any, blink: Any, dice: Any,
) -> Any:  # fmt: skip
    """Put absent nodes in, one after the other, wherever each costs least."""
    resources = capacities.shape[0]
    count = 0
    for node in range(1, profit.shape[0]):
        if where[node] >= 0 or profit[node] == 0:
            continue
        if not fresh[node]:
            # It was out before: only where something has changed could it go in, and what has no place before others are in has none after.
            spare = True
            for r in range(resources):
                spare = spare and used[r] + needs[node, r] <= capacities[r]
            if not spare or not _fits(
                hop, back, opens, closes, kinds, node, tour, start, latest, low, high
            ):
                continue
        absent[count] = node
        count += 1
    _order(profit, hop, opens, closes, needs, capacities, near, absent, count, key, dice)
    by_shift = _unit(dice) < 0.3
    for i in range(count):
        node = absent[i]
        fits = True
        for r in range(resources):
            if used[r] + needs[node, r] > capacities[r]:
                fits = False
        if not fits:
            continue
        t, p = _best_place(
            hop, back, opens, closes, kinds, node, tour, length, start, latest, fresh[node], low, high, blink, by_shift, dice
        )  # fmt: skip
        if t >= 0:
            _put(hop, opens, closes, kinds, t, p, node, tour, length, start, latest)
            where[node] = t
            touched[t] = True
            if p <= high[t]:
                high[t] += 1
                low[t] += p < low[t]
            for r in range(resources):
                used[r] += needs[node, r]


@lean
def _worth(profit: Any, hop: Any, t: Any, tour: Any, length: Any) -> Any:
    """Profit and travel of tour `t`."""
    gained, travelled = np.int64(0), np.int64(0)
    for p in range(1, length[t] + 2):
        gained += profit[tour[t, p]]
        travelled += hop[tour[t, p - 1], tour[t, p]]
    return gained, travelled


@lean
def _store(
    t: Any,
    kinds: Any,
    profit: Any,
    tour: Any,
    length: Any,
    marks: Any,
    pool: Any,
    pool_length: Any,
    pool_key: Any,
    slots: Any,
    filled: Any,
) -> Any:
    """Remember tour `t` in the pool unless its set of nodes is there already; how many there are then."""
    if length[t] == 0 or filled >= pool.shape[0]:
        return filled
    mark = np.uint64(t % kinds + 1)
    for p in range(1, length[t] + 1):
        mark ^= marks[tour[t, p]]
    mask = np.uint64(slots.shape[0] - 1)
    slot = mark & mask
    while slots[np.int64(slot)] >= 0:
        if pool_key[slots[np.int64(slot)]] == mark:
            return filled
        slot = (slot + np.uint64(1)) & mask
    slots[np.int64(slot)] = filled
    pool_key[filled] = mark
    pool_length[filled] = length[t]
    pool[filled, 0] = t % kinds
    for p in range(1, length[t] + 1):
        pool[filled, p] = tour[t, p]
    return filled + 1


@lean
def _copy(
    t: Any, end: Any, tour: Any, start: Any, latest: Any, to_tour: Any, to_start: Any, to_latest: Any
) -> Any:  # fmt: skip
    """Tour `t` up to the position before `end`."""
    for p in range(end):
        to_tour[t, p] = tour[t, p]
        to_start[t, p] = start[t, p]
        to_latest[t, p] = latest[t, p]


@njit()
def anneal(
    hop: Any, back: Any, opens: Any, closes: Any, kinds: Any, profit: Any, needs: Any, capacities: Any, near: Any,
    tour: Any, length: Any, where: Any, best_tour: Any, best_length: Any, best: Any,
    marks: Any, pool: Any, pool_length: Any, pool_key: Any, slots: Any, filled: Any,
    dice: Any, hot: Any, cold: Any, iterations: Any, average: Any, longest: Any, blink: Any, patience: Any, margin: Any,
) -> Any:  # fmt: skip
    """`iterations` of ruin and recreate, temperature falling from `hot` to `cold` (in profit); best profit and pool size.

    `tour`, `length`, `where` are the state to start from and are left at the last one accepted. What is better than `best` goes into
    `best_tour`, `best_length`. Tours of solutions at most `margin` below the best go into the pool.
    """
    n = profit.shape[0]
    tours = tour.shape[0]
    resources = capacities.shape[0]
    start = np.zeros(tour.shape, np.int64)
    latest = np.zeros(tour.shape, np.int64)
    used = np.zeros(resources, np.int64)
    touched = np.zeros(tours, np.bool_)
    absent = np.empty(n, np.int64)
    gone = np.empty(n, np.int64)
    key = np.empty(n, np.float64)
    fresh = np.zeros(n, np.bool_)
    low, high = np.ones(tours, np.int64), np.zeros(tours, np.int64)
    gains, ways = np.zeros(tours, np.int64), np.zeros(tours, np.int64)
    for t in range(tours):
        retime(hop, opens, closes, kinds, t, tour, length, start, latest)
        gains[t], ways[t] = _worth(profit, hop, t, tour, length)
    for node in range(1, n):
        if where[node] >= 0:
            for r in range(resources):
                used[r] += needs[node, r]
    kept_tour, kept_length, kept_where, kept_used = (
        tour.copy(),
        length.copy(),
        where.copy(),
        used.copy(),
    )
    kept_start, kept_latest = start.copy(), latest.copy()
    value = gains.sum() - patience * ways.sum()
    cooling = (cold / hot) ** (1.0 / max(1, iterations))
    heat = hot
    for iteration in range(iterations):
        heat *= cooling
        seed = 1 + _below(dice, n - 1)
        count = _ruin(
            near, tour, length, where, touched, average, longest, seed, gone, needs, used, dice
        )
        for i in range(count):
            fresh[gone[i]] = True
        for t in range(tours):
            # At the beginning everybody is tried everywhere.
            touched[t] |= iteration == 0
            if touched[t]:
                retime(hop, opens, closes, kinds, t, tour, length, start, latest)
            low[t], high[t] = 1, length[t] + 1
            if iteration > 0 and resources == 0:
                if touched[t]:
                    low[t], high[t] = _changed(
                        t, tour, length, start, latest, kept_tour, kept_length, kept_start, kept_latest
                    )  # fmt: skip
                else:
                    high[t] = 0
        _recreate(
            hop, back, opens, closes, kinds, profit, needs, capacities, near, tour, length, start, latest, where, used,
            touched, low, high, fresh, absent, key, blink, dice,
        )  # fmt: skip
        for i in range(count):
            fresh[gone[i]] = False
        gained, travelled = np.int64(0), np.int64(0)
        for t in range(tours):
            if touched[t]:
                gain, way = _worth(profit, hop, t, tour, length)
            else:
                gain, way = gains[t], ways[t]
            gained += gain
            travelled += way
        new = gained - patience * travelled
        if new > value + heat * math.log(_unit(dice) + 1e-300):
            value = new
            for t in range(tours):
                if touched[t]:
                    gains[t], ways[t] = _worth(profit, hop, t, tour, length)
                    end = max(length[t], kept_length[t]) + 2
                    _copy(t, end, tour, start, latest, kept_tour, kept_start, kept_latest)
                    kept_length[t] = length[t]
            for node in range(n):
                kept_where[node] = where[node]
            for r in range(resources):
                kept_used[r] = used[r]
            if gained > best:
                best = gained
                for t in range(tours):
                    best_length[t] = length[t]
                    for p in range(n + 2):
                        best_tour[t, p] = tour[t, p]
            if gained >= best - margin:
                for t in range(tours):
                    if touched[t]:
                        filled = _store(
                            t, kinds, profit, tour, length, marks, pool, pool_length, pool_key, slots, filled
                        )  # fmt: skip
        else:
            for t in range(tours):
                if touched[t]:
                    end = max(length[t], kept_length[t]) + 2
                    _copy(t, end, kept_tour, kept_start, kept_latest, tour, start, latest)
                    length[t] = kept_length[t]
            for node in range(n):
                where[node] = kept_where[node]
            for r in range(resources):
                used[r] = kept_used[r]
    return best, filled


@njit()
def keep(which: Any, pool: Any, pool_length: Any, pool_key: Any, slots: Any) -> Any:
    """Only the tours `which` (ascending) of the pool; how many these are."""
    slots[:] = -1
    mask = np.uint64(slots.shape[0] - 1)
    for i in range(which.shape[0]):
        old = which[i]
        pool[i] = pool[old]
        pool_length[i] = pool_length[old]
        pool_key[i] = pool_key[old]
        slot = pool_key[i] & mask
        while slots[np.int64(slot)] >= 0:
            slot = (slot + np.uint64(1)) & mask
        slots[np.int64(slot)] = i
    return which.shape[0]
