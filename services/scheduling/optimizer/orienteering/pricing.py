"""The compiled pricing of the bound: the best tour of one kind under given rewards, relaxed so that it is quick and never too low.

Relaxed in two ways, both of which only let in more tours: whoever starts at a node within the same slot of `1 << shift` ticks is taken to start
when the first of them does, and a node may come again once it has been forgotten (ng-routes: Baldacci, Mingozzi and Roberti 2011,
doi 10.1287/opre.1110.0975).

A label is (node, slot, memory): the node just served, the slot of its start, and which nodes of its zone (itself the first) are still
remembered. Slots are worked off in order, so that everything settled before is no later; `reach` of a node and a memory is then the best
settled reward whose memory is a part of it, and one look tells whether a label is dominated. Labels are numbered
`base[node] + ((slot - first[node]) << bits[node]) + memory`, reaches `floor[node] + memory`.
"""

from typing import Any

import numpy as np

from services.scheduling.optimizer.compiling import lean, njit
from services.scheduling.optimizer.orienteering.kernel import earliest

_NONE = np.int32(-(2**31) + 1)
_NEVER = np.int64(2**40)


@lean
def _onward(
    hop: Any, opens: Any, closes: Any, kind: Any, reward: Any, shift: Any, i: Any, at: Any, arcs: Any, by: Any, rest: Any, to: Any, slot: Any
) -> Any:  # fmt: skip
    """Who can come after a start of service at `i` at tick `at`: nodes `to` with the `slot` of their start; how many."""
    count = 0
    for k in range(arcs.shape[1]):
        j = arcs[i, k]
        if j < 0 or at > by[i, k]:
            break
        if reward[j] > 0:
            b = earliest(opens, closes, kind, j, at + hop[i, j]) >> shift
            if rest[j, b] != _NONE:
                to[count], slot[count] = j, b
                count += 1
    return count


@lean
def completions(
    hop: Any, opens: Any, closes: Any, kind: Any, reward: Any, shift: Any, first: Any, last: Any, arcs: Any, by: Any,
    rest: Any, to: Any, slot: Any,
) -> Any:  # fmt: skip
    """Fill `rest[node, slot]` with the most that can still be had after a start at `node` in `slot`, repeats and all."""
    n, slots = rest.shape
    home = closes[kind, 0, 0]
    for i in range(n):
        for b in range(slots):
            rest[i, b] = _NONE
    for b in range(slots - 1, -1, -1):
        for i in range(1, n):
            if b < first[i] or b > last[i]:
                continue
            at = max(np.int64(b) << shift, opens[kind, i, 0])
            if at + hop[i, 0] > home:
                continue
            best = np.int64(0)
            count = _onward(
                hop, opens, closes, kind, reward, shift, i, at, arcs, by, rest, to, slot
            )
            for k in range(count):
                best = max(best, reward[to[k]] + rest[to[k], slot[k]])
            rest[i, b] = best


@njit()
def best_tours(
    hop: Any, opens: Any, closes: Any, kind: Any, reward: Any, first: Any, last: Any, arcs: Any, by: Any, bits: Any, base: Any, floor: Any, follow: Any,
    shift: Any, cut: Any, value: Any, before: Any, rest: Any, reach: Any, soonest: Any, found: Any, found_value: Any,
) -> Any:  # fmt: skip
    """The most that a relaxed tour earns, but at least `cut`; and, per last node, a tour that earns more than `cut`.

    A node's starts are in slots `first` to `last`; `arcs[node]` are those that can follow it, ended by -1, by the last tick `by` of the node's
    start at which they can, falling. `follow[i, j, p]` is which of the zone of `j` the p-th of the zone of `i` is, -1 for none. Tours go to
    `found[node]` as nodes, last first, ended by 0, with `found_value[node]`. `value` and `before` are room for all labels, `reach` for
    all reaches, `rest` and `soonest` are of shape (node, slot).
    """
    n = reward.shape[0]
    slots = rest.shape[1]
    home = closes[kind, 0, 0]
    soonest[:] = _NEVER
    reach[:] = _NONE
    found_value[:] = cut
    found[:] = 0
    ends = np.full(n, -1, np.int64)
    to, slot = np.empty(n, np.int64), np.empty(n, np.int64)
    completions(hop, opens, closes, kind, reward, shift, first, last, arcs, by, rest, to, slot)
    start = opens[kind, 0, 0]
    for j in range(1, n):
        if reward[j] <= 0:
            continue
        begin = earliest(opens, closes, kind, j, start + hop[0, j])
        if begin >= _NEVER or begin + hop[j, 0] > home:
            continue
        b = begin >> shift
        if rest[j, b] != _NONE and reward[j] + rest[j, b] > cut:
            soonest[j, b] = begin
            label = base[j] + ((b - first[j]) << bits[j])
            value[label : label + (1 << bits[j])] = _NONE
            value[label + 1] = reward[j]
            before[label + 1] = -1
    best = np.int64(cut)
    for b in range(slots):
        for i in range(1, n):
            at = soonest[i, b]
            if at >= _NEVER:
                continue
            count = -1
            memories = 1 << bits[i]
            label = base[i] + ((b - first[i]) << bits[i])
            for memory in range(1, memories, 2):
                earned = np.int64(value[label + memory])
                if (
                    earned == _NONE
                    or earned + rest[i, b] <= cut
                    or earned <= reach[floor[i] + memory]
                ):
                    continue
                free = (memories - 1) & ~memory
                extra = free
                while True:
                    other = floor[i] + (memory | extra)
                    reach[other] = max(reach[other], earned)
                    if extra == 0:
                        break
                    extra = (extra - 1) & free
                if earned > found_value[i]:
                    found_value[i] = earned
                    ends[i] = label + memory
                    best = max(best, earned)
                if count < 0:
                    count = _onward(
                        hop, opens, closes, kind, reward, shift, i, at, arcs, by, rest, to, slot
                    )
                for k in range(count):
                    j, after = to[k], slot[k]
                    new = earned + reward[j]
                    if new + rest[j, after] <= cut:
                        continue
                    # What j remembers of what i remembers; j itself must not be among it.
                    remembered = 1
                    known = memory
                    p = 0
                    again = False
                    while known:
                        if known & 1:
                            q = follow[i, j, p]
                            if q == 0:
                                again = True
                                break
                            if q > 0:
                                remembered |= 1 << q
                        known >>= 1
                        p += 1
                    if again or new <= reach[floor[j] + remembered]:
                        continue
                    next_label = base[j] + ((after - first[j]) << bits[j])
                    if soonest[j, after] >= _NEVER:
                        value[next_label : next_label + (1 << bits[j])] = _NONE
                    begin = earliest(opens, closes, kind, j, at + hop[i, j])
                    soonest[j, after] = min(soonest[j, after], begin)
                    if new > value[next_label + remembered]:
                        value[next_label + remembered] = new
                        before[next_label + remembered] = label + memory
    for i in range(1, n):
        state = ends[i]
        p = 0
        while state >= 0 and p < found.shape[1] - 1:
            node = np.searchsorted(base, state, side="right") - 1
            found[i, p] = node
            p += 1
            state = np.int64(before[state])
    return best
