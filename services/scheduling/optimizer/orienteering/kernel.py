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

from services.scheduling.optimizer.compiling import njit

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX_A = np.uint64(0xBF58476D1CE4E5B9)
_MIX_B = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_NEVER = np.int64(2**40)


@njit()
def _word(dice: Any) -> Any:
    dice[0] += _GAMMA
    z = dice[0]
    z = (z ^ (z >> _S30)) * _MIX_A
    z = (z ^ (z >> _S27)) * _MIX_B
    return z ^ (z >> _S31)


@njit()
def _unit(dice: Any) -> Any:
    """In [0, 1)."""
    return np.float64(_word(dice) >> _S11) * (1.0 / 9007199254740992.0)


@njit()
def _below(dice: Any, n: Any) -> Any:
    return np.int64(_unit(dice) * n)


@njit()
def earliest(opens: Any, closes: Any, kind: Any, node: Any, at: Any) -> Any:
    """The first start of service for who arrives at tick `at`; never where all windows are over."""
    for w in range(opens.shape[2]):
        if at <= closes[kind, node, w]:
            return max(at, opens[kind, node, w])
    return _NEVER


@njit()
def last_start(opens: Any, closes: Any, kind: Any, node: Any, by: Any) -> Any:
    """The last start of service not after tick `by`; -1 where there is none."""
    for w in range(opens.shape[2] - 1, -1, -1):
        if opens[kind, node, w] <= by:
            return min(by, closes[kind, node, w])
    return np.int64(-1)


@njit()
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


@njit()
def _best_place(
    hop: Any,
    opens: Any,
    closes: Any,
    kinds: Any,
    node: Any,
    tour: Any,
    length: Any,
    start: Any,
    latest: Any,
    only: Any,
    blink: Any,
    by_shift: Any,
    dice: Any,
) -> Any:
    """The tour and the position before which `node` costs least, blinking now and then; -1 where it fits nowhere."""
    best_t, best_p, best_cost = -1, -1, _NEVER
    empty_seen = np.zeros(kinds, np.bool_)
    for t in range(tour.shape[0]):
        if not only[t]:
            continue
        kind = t % kinds
        if length[t] == 0:
            if empty_seen[kind]:
                continue
            empty_seen[kind] = True
        first = opens[kind, node, 0]
        for p in range(1, length[t] + 2):
            before, after = tour[t, p - 1], tour[t, p]
            if first + hop[node, after] > latest[t, p]:
                continue
            at = start[t, p - 1] + hop[before, node]
            begin = earliest(opens, closes, kind, node, at)
            if begin >= _NEVER:
                break
            arrives = begin + hop[node, after]
            if arrives > latest[t, p]:
                continue
            if _unit(dice) < blink:
                continue
            if by_shift:
                cost = max(np.int64(0), arrives - start[t, p])
            else:
                cost = hop[before, node] + hop[node, after] - hop[before, after]
            if cost < best_cost:
                best_t, best_p, best_cost = t, p, cost
    return best_t, best_p


@njit()
def _put(t: Any, p: Any, node: Any, tour: Any, length: Any) -> Any:
    for q in range(length[t] + 2, p, -1):
        tour[t, q] = tour[t, q - 1]
    tour[t, p] = node
    length[t] += 1


@njit()
def _ruin(
    near: Any,
    tour: Any,
    length: Any,
    where: Any,
    touched: Any,
    average: Any,
    longest: Any,
    dice: Any,
) -> Any:
    """Take strings of neighbouring tours out around a seed; the removed nodes have `where` -1 afterwards."""
    n = near.shape[0]
    tours = tour.shape[0]
    served, in_use = 0, 0
    for t in range(tours):
        served += length[t]
        in_use += length[t] > 0
    if in_use == 0:
        return
    l_max = min(np.float64(longest), served / in_use)
    k_max = 4.0 * average / (1.0 + l_max) - 1.0
    strings = np.int64(_unit(dice) * k_max + 1.0)
    done = np.zeros(tours, np.bool_)
    seed = 1 + _below(dice, n - 1)
    for c in range(n - 1):
        if strings <= 0:
            return
        node = near[seed, c]
        t = where[node]
        if t < 0 or done[t]:
            continue
        done[t] = True
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
            gone = p < first + span and not (skip <= p < skip + kept)
            if gone:
                where[tour[t, p]] = -1
            else:
                tour[t, write] = tour[t, p]
                write += 1
        length[t] -= size
        touched[t] = True


@njit()
def _order(
    profit: Any,
    hop: Any,
    opens: Any,
    closes: Any,
    needs: Any,
    capacities: Any,
    near: Any,
    where: Any,
    absent: Any,
    key: Any,
    dice: Any,
) -> Any:
    """Absent nodes in the order in which they are tried, by one of several measures; how many there are."""
    n = profit.shape[0]
    count = 0
    measure = _unit(dice)
    noise = 0.5 * _unit(dice)
    resources = capacities.shape[0]
    by_need = resources > 0 and _unit(dice) < 0.4
    for node in range(1, n):
        if where[node] >= 0 or profit[node] == 0:
            continue
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
        key[count] = value
        absent[count] = node
        count += 1
    order = np.argsort(key[:count])
    copied = absent[:count].copy()
    for i in range(count):
        absent[i] = copied[order[i]]
    return count


@njit()
def _recreate(
    hop: Any, opens: Any, closes: Any, kinds: Any, profit: Any, needs: Any, capacities: Any, near: Any, tour: Any, length: Any, start: Any, latest: Any, where: Any, used: Any,
    touched: Any, fresh: Any, absent: Any, key: Any, blink: Any, dice: Any,
) -> Any:  # fmt: skip
    """Put absent nodes in, one after the other, wherever each costs least."""
    count = _order(profit, hop, opens, closes, needs, capacities, near, where, absent, key, dice)
    resources = capacities.shape[0]
    by_shift = _unit(dice) < 0.3
    everywhere = np.ones(tour.shape[0], np.bool_)
    for i in range(count):
        node = absent[i]
        fits = True
        for r in range(resources):
            if used[r] + needs[node, r] > capacities[r]:
                fits = False
        if not fits:
            continue
        # Who was out before has been tried in the tours that have not changed.
        tried = everywhere if fresh[node] or resources > 0 else touched
        t, p = _best_place(
            hop,
            opens,
            closes,
            kinds,
            node,
            tour,
            length,
            start,
            latest,
            tried,
            blink,
            by_shift,
            dice,
        )
        if t >= 0:
            _put(t, p, node, tour, length)
            retime(hop, opens, closes, kinds, t, tour, length, start, latest)
            where[node] = t
            touched[t] = True
            for r in range(resources):
                used[r] += needs[node, r]


@njit()
def _value(profit: Any, hop: Any, tour: Any, length: Any, patience: Any) -> Any:
    """Profit first; among equals the shorter tours, which leave room."""
    gained, travelled = 0, 0
    for t in range(tour.shape[0]):
        for p in range(1, length[t] + 2):
            gained += profit[tour[t, p]]
            travelled += hop[tour[t, p - 1], tour[t, p]]
    return gained, gained - patience * travelled


@njit()
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


@njit()
def anneal(
    hop: Any, opens: Any, closes: Any, kinds: Any, profit: Any, needs: Any, capacities: Any, near: Any,
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
    start = np.zeros_like(tour).astype(np.int64)
    latest = np.zeros_like(start)
    used = np.zeros(resources, np.int64)
    kept_tour, kept_length, kept_where = tour.copy(), length.copy(), where.copy()
    touched = np.zeros(tours, np.bool_)
    absent = np.empty(n, np.int64)
    key = np.empty(n, np.float64)
    fresh = np.zeros(n, np.bool_)
    for t in range(tours):
        retime(hop, opens, closes, kinds, t, tour, length, start, latest)
    _, value = _value(profit, hop, tour, length, patience)
    cooling = (cold / hot) ** (1.0 / max(1, iterations))
    heat = hot
    for iteration in range(iterations):
        heat *= cooling
        # Now and then everybody is tried everywhere.
        touched[:] = iteration == 0
        _ruin(near, tour, length, where, touched, average, longest, dice)
        for t in range(tours):
            if touched[t]:
                retime(hop, opens, closes, kinds, t, tour, length, start, latest)
        if resources > 0:
            used[:] = 0
            for node in range(1, n):
                if where[node] >= 0:
                    for r in range(resources):
                        used[r] += needs[node, r]
        for node in range(1, n):
            fresh[node] = where[node] != kept_where[node]
        _recreate(
            hop, opens, closes, kinds, profit, needs, capacities, near, tour, length, start, latest, where, used,
            touched, fresh, absent, key, blink, dice,
        )  # fmt: skip
        gained, new = _value(profit, hop, tour, length, patience)
        if new > value + heat * math.log(_unit(dice) + 1e-300):
            value = new
            if gained > best:
                best = gained
                best_tour[:] = tour
                best_length[:] = length
            if gained >= best - margin:
                for t in range(tours):
                    if touched[t]:
                        filled = _store(
                            t, kinds, profit, tour, length, marks, pool, pool_length, pool_key, slots, filled
                        )  # fmt: skip
            for t in range(tours):
                if touched[t]:
                    kept_tour[t] = tour[t]
                    kept_length[t] = length[t]
            kept_where[:] = where
        else:
            for t in range(tours):
                if touched[t]:
                    tour[t] = kept_tour[t]
                    length[t] = kept_length[t]
                    retime(hop, opens, closes, kinds, t, tour, length, start, latest)
            where[:] = kept_where
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
