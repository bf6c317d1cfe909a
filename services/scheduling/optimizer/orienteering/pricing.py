"""The compiled pricing of the bound: the best tour of one kind under given rewards, relaxed so that it is quick and never too low.

Relaxed in two ways, both of which only let in more tours: starts are rounded down to a grid of `width` ticks, and a node may come
again once it has been forgotten (ng-routes: Baldacci, Mingozzi and Roberti 2011, doi 10.1287/opre.1110.0975).

A label is (node, slot, memory): the node just served, the slot of its start, and which of the node's `g` neighbours `zone[node]`
(itself the first) are still remembered. Slots are worked off in order, so that everything settled before is no later; `reach[node,
memory]` is then the best settled reward whose memory is a part of `memory`, and one look tells whether a label is dominated.
"""

from typing import Any

import numpy as np

from services.scheduling.optimizer.compiling import njit
from services.scheduling.optimizer.orienteering.kernel import earliest

_NONE = np.int32(-(2**31) + 1)
_NEVER = np.int64(2**40)


@njit()
def completions(
    hop: Any, opens: Any, closes: Any, kind: Any, reward: Any, width: Any, slots: Any, rest: Any
) -> Any:
    """Fill `rest[node, slot]` with the most that can still be had after a start at `node` in `slot`, repeats and all."""
    n = reward.shape[0]
    home = closes[kind, 0, 0]
    rest[:] = _NONE
    for b in range(slots - 1, -1, -1):
        for i in range(1, n):
            at = max(np.int64(b) * width, opens[kind, i, 0])
            if at + hop[i, 0] > home:
                continue
            best = np.int64(0)
            for j in range(1, n):
                if reward[j] <= 0 or j == i:
                    continue
                begin = earliest(opens, closes, kind, j, at + hop[i, j])
                if begin >= _NEVER:
                    continue
                after = rest[j, begin // width]
                if after != _NONE and reward[j] + after > best:
                    best = reward[j] + after
            rest[i, b] = best


@njit()
def best_tours(
    hop: Any, opens: Any, closes: Any, kind: Any, reward: Any, zone: Any, follow: Any, width: Any, slots: Any, cut: Any, value: Any, before: Any, rest: Any, reach: Any, found: Any, found_value: Any
) -> Any:  # fmt: skip
    """The most that a relaxed tour earns, but at least `cut`; and, per last node, a tour that earns more than `cut`.

    Tours go to `found[node]` as nodes, last first, ended by 0, with `found_value[node]`. `value`, `before`, `rest`, `reach` are
    room of shapes (node, slot, memory) twice, (node, slot), (node, memory).
    """
    n = reward.shape[0]
    g = zone.shape[1]
    memories = 1 << g
    home = closes[kind, 0, 0]
    value[:] = _NONE
    reach[:] = _NONE
    found_value[:] = cut
    found[:] = 0
    ends = np.full(n, -1, np.int64)
    completions(hop, opens, closes, kind, reward, width, slots, rest)
    start = opens[kind, 0, 0]
    for j in range(1, n):
        if reward[j] <= 0:
            continue
        begin = earliest(opens, closes, kind, j, start + hop[0, j])
        if begin >= _NEVER or begin + hop[j, 0] > home:
            continue
        b = begin // width
        if rest[j, b] != _NONE and reward[j] + rest[j, b] > cut:
            value[j, b, 1] = reward[j]
            before[j, b, 1] = -1
    best = np.int64(cut)
    for b in range(slots):
        for i in range(1, n):
            if rest[i, b] == _NONE:
                continue
            at = max(np.int64(b) * width, opens[kind, i, 0])
            for memory in range(1, memories, 2):
                earned = np.int64(value[i, b, memory])
                if earned <= reach[i, memory] or earned == _NONE or earned + rest[i, b] <= cut:
                    continue
                free = (memories - 1) & ~memory
                extra = free
                while True:
                    reach[i, memory | extra] = max(reach[i, memory | extra], earned)
                    if extra == 0:
                        break
                    extra = (extra - 1) & free
                here = (i * slots + b) * memories + memory
                if earned > found_value[i]:
                    found_value[i] = earned
                    ends[i] = here
                    best = max(best, earned)
                for j in range(1, n):
                    if reward[j] <= 0 or j == i:
                        continue
                    begin = earliest(opens, closes, kind, j, at + hop[i, j])
                    if begin >= _NEVER:
                        continue
                    slot = begin // width
                    new = earned + reward[j]
                    if rest[j, slot] == _NONE or new + rest[j, slot] <= cut:
                        continue
                    # What j remembers of what i remembers; j itself must not be among it.
                    remembered = 1
                    known = memory
                    p = 0
                    again = False
                    while known:
                        if known & 1:
                            q = follow[i, p, j]
                            if q == 0:
                                again = True
                                break
                            if q > 0:
                                remembered |= 1 << q
                        known >>= 1
                        p += 1
                    if again or new <= reach[j, remembered]:
                        continue
                    if new > value[j, slot, remembered]:
                        value[j, slot, remembered] = new
                        before[j, slot, remembered] = here
    for i in range(1, n):
        state = ends[i]
        p = 0
        while state >= 0 and p < found.shape[1] - 1:
            node = state // (slots * memories)
            found[i, p] = node
            p += 1
            inside = state - node * slots * memories
            state = np.int64(before[node, inside // memories, inside % memories])
    return best
