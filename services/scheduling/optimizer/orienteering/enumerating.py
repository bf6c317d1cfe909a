"""The compiled listing of all tours of one kind that earn more than so much: route enumeration (Baldacci, Christofides and Mingozzi 2008,
doi 10.1007/s10107-007-0178-5).

Tours grow from their ends. A state is the set of nodes from some node, its head, to the depot, and the last start at the head from
which they are all in time; of those with the same nodes and head only the latest counts. What can come before is bounded by the labels of
the pricing (pricing.py): by the best that reaches the head in time without remembering any of the state's nodes.
"""

from typing import Any

import numpy as np

from services.scheduling.optimizer.compiling import lean, njit
from services.scheduling.optimizer.orienteering.kernel import earliest, last_start

_NONE = np.int32(-(2**31) + 1)
_NEVER = np.int64(2**40)
_MIX = np.uint64(0x9E3779B97F4A7C15)
_S6, _S32, _S63 = np.uint64(6), np.uint64(32), np.uint64(63)
_ONE = np.uint64(1)


@lean
def foresee(first: Any, last: Any, bits: Any, base: Any, soonest: Any, value: Any) -> Any:
    """Turn the labels' `value` of a pricing into the most that reaches a node not after a slot, remembering at most a memory."""
    n, slots = soonest.shape
    for i in range(1, n):
        memories = 1 << bits[i]
        for b in range(first[i], min(last[i], slots - 1) + 1):
            row = base[i] + ((b - first[i]) << bits[i])
            if soonest[i, b] >= _NEVER:
                value[row : row + memories] = _NONE
            else:
                for p in range(bits[i]):
                    for memory in range(memories):
                        if memory >> p & 1:
                            less = value[row + (memory ^ (1 << p))]
                            value[row + memory] = max(value[row + memory], less)
            if b > first[i]:
                for memory in range(memories):
                    value[row + memory] = max(value[row + memory], value[row - memories + memory])


@lean
def _serves(served: Any, state: Any, node: Any) -> Any:
    word = served[state, np.uint64(node) >> _S6]
    return word >> (np.uint64(node) & _S63) & _ONE != np.uint64(0)


@lean
def _same(served: Any, one: Any, other: Any) -> Any:
    same = True
    for w in range(served.shape[1]):
        same &= served[one, w] == served[other, w]
    return same


@njit()
def every_tour(
    hop: Any, opens: Any, closes: Any, kind: Any, reward: Any, zone: Any, first: Any, last: Any, bits: Any, base: Any, shift: Any, cut: Any,
    foreseen: Any, marks: Any, served: Any, head: Any, by: Any, earned: Any, after: Any, slots: Any,
) -> Any:  # fmt: skip
    """Fill states with all that can be part of a tour of more than `cut`; how many there are, or -1 where there is no room for all.

    `foreseen` is what `foresee` has made of labels that have all of more than `cut`, `zone[node]` who a node remembers, itself first. State by state:
    `served` its nodes as bits, `head`, the last start there in `by`, what its nodes have `earned`, and the state `after` its head, or -1. `marks` are
    dice by node, `slots` room of a power of two to find states again.
    """
    n, most = reward.shape[0], head.shape[0]
    mask = np.uint64(slots.shape[0] - 1)
    home = closes[kind, 0, 0]
    key = np.zeros(most, np.uint64)
    slots[:] = -1
    count, begin, end = 0, -1, 0
    while begin < end:
        for state in range(begin, end):
            for j in range(1, n):
                if reward[j] <= 0 or (state >= 0 and _serves(served, state, j)):
                    continue
                until = home - hop[j, 0] if state < 0 else by[state] - hop[j, head[state]]
                start = last_start(opens, closes, kind, j, until)
                b = min(start >> shift, last[j])
                if start < 0 or b < first[j]:
                    continue
                memory = 1
                for p in range(1, bits[j]):
                    if state < 0 or not _serves(served, state, zone[j, p]):
                        memory |= 1 << p
                before = foreseen[base[j] + ((b - first[j]) << bits[j]) + memory]
                so_far = np.int64(0) if state < 0 else earned[state]
                if before == _NONE or so_far + before <= cut:
                    continue
                if count == most:
                    return -1
                # Made at the end, and given up again where there is one like it.
                if state >= 0:
                    served[count] = served[state]
                    key[count] = key[state] ^ marks[j]
                else:
                    served[count] = np.uint64(0)
                    key[count] = marks[j]
                served[count, np.uint64(j) >> _S6] |= _ONE << (np.uint64(j) & _S63)
                place = (key[count] ^ np.uint64(j) * _MIX) * _MIX
                place = (place ^ place >> _S32) & mask
                while slots[place] >= 0:
                    other = slots[place]
                    if (
                        head[other] == j
                        and key[other] == key[count]
                        and _same(served, other, count)
                    ):
                        break
                    place = (place + _ONE) & mask
                other = slots[place]
                if other < 0:
                    slots[place] = count
                    head[count], by[count], after[count] = j, start, state
                    earned[count] = so_far + reward[j]
                    count += 1
                elif start > by[other]:
                    by[other], after[other] = start, state
        begin, end = end, count
    return count


@lean
def whole(hop: Any, opens: Any, closes: Any, kind: Any, cut: Any, head: Any, by: Any, earned: Any, is_whole: Any) -> Any:  # fmt: skip
    """Tell which states are tours of more than `cut`: whose head can be reached from the depot in time."""
    for state in range(is_whole.shape[0]):
        i = head[state]
        begin = earliest(opens, closes, kind, i, opens[kind, 0, 0] + hop[0, i])
        is_whole[state] = earned[state] > cut and begin <= by[state]
