"""Branching: where the linear program is between whole plans, two proofs take its place, one for each way in which a choice can come
out, and so on; the greater of the two bounds holds for all plans (Land and Doig 1960, doi 10.2307/1910129; with columns that are priced
by prices: Barnhart et al. 1998, doi 10.1287/opre.46.3.316).

A choice is whether a request is served, whether a person has a seat of it (Ryan and Foster 1981), or whether a team meets before some
start. Each only leaves passes out or asks for some, so that pricing stays as it is.
"""

import dataclasses
import heapq
import itertools
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from services.scheduling.optimizer.duals import Choice
from services.scheduling.optimizer.lagrange import Point, Relaxation
from services.scheduling.optimizer.master import Solved, Tour
from services.scheduling.optimizer.pricing import Numbers
from services.scheduling.optimizer.proofs import Proof

Whole = Sequence[Tour] | None
"""Tours of a program that takes nothing in parts."""

PROOFS_MAX, PRICES_MAX = 40, 200_000
"""Proofs of one bound, and prices in them, at most: each is priced anew by whoever checks it, and a certificate is one message."""
LOOKS = 8
"""Choices of a kind whose two sides are looked at before one is taken."""
SMALL = 0.05
"""A fall of less than this counts as that much: the other side's still matters."""
PART = 0.01
"""Less than this of something, and all but this of it, counts as nothing and as all."""


@dataclasses.dataclass(frozen=True, slots=True)
class Improved:
    """The best prices of a relaxation, their bound times scale, and the last master around them (None: there was no time for any, or no
    need).
    """

    bound: int
    point: Point
    solved: Solved | None


@dataclasses.dataclass(frozen=True, slots=True)
class _Leaf:
    relaxation: Relaxation
    found: Improved
    proof: Proof


def branched(
    relaxation: Relaxation,
    found: Improved,
    *,
    improve: Callable[[Relaxation, Point], Improved | None],
    falls: Callable[[Relaxation, float], tuple[Whole, Sequence[tuple[Choice, float, float]]]],
    enough: Callable[[Whole], int],
    until: Callable[[], bool],
    tell: Callable[[int, Sequence[Proof]], None],
    proofs_max: int = PROOFS_MAX,
) -> None:
    """Split the plans with the greatest bound again and again, until that is no more than `enough`, or nothing is left to split.

    `improve` gives better prices for a relaxation, starting from some; None when `until` said to end. `falls` looks at choices
    (`Master.falls`). `enough` is the value of the best plan known, times scale, once it has seen what the master at hand takes where
    that is whole. `tell` hears of each better bound, times scale, with its proofs.
    """
    root = _leaf(relaxation, found)
    number = itertools.count()
    open_leaves = [(-found.bound, next(number), root)]
    told = found.bound
    while len(open_leaves) + 2 <= proofs_max and not until():
        leaf = open_leaves[0][-1]
        solved = leaf.found.solved
        if (
            solved is None
            or leaf.found.bound < (reached := enough(solved.whole)) + relaxation.scale
        ):
            return
        short = (leaf.found.bound - reached) / relaxation.scale + 1
        whole, looked = falls(leaf.relaxation, short)
        if not looked or leaf.found.bound < enough(whole) + relaxation.scale:
            return
        choice, *_ = max(looked, key=lambda one: _worth(*one[1:]))
        sides = []
        for holds in (True, False):
            within = leaf.relaxation.within(dataclasses.replace(choice, holds=holds))
            better = improve(within, leaf.found.point)
            if better is None:
                return
            sides.append(_leaf(within, better))
        heapq.heappop(open_leaves)
        for side in sides:
            heapq.heappush(open_leaves, (-side.found.bound, next(number), side))
        bound = open_leaves[0][-1].found.bound
        if bound < told:
            told = bound
            tell(bound, [root.proof, *(one.proof for *_, one in open_leaves)])


def _leaf(relaxation: Relaxation, found: Improved) -> _Leaf:
    return _Leaf(relaxation, found, relaxation.proof(found.bound, found.point))


def most_divided(relaxation: Relaxation, passes: Numbers, slots: Numbers) -> list[Choice]:
    """What a program is most divided about, of each kind, that takes so much of each pass and of each slot."""
    made = {dataclasses.replace(one, holds=True) for one in relaxation.choices}
    every = _choices(relaxation, passes, slots)
    found = sorted((one for one in every if one[1] not in made), key=lambda one: -one[0])
    return [
        choice
        for kind in (_about_serving, _about_starts, _about_people)
        for choice in [choice for _, choice in found if kind(choice)][:LOOKS]
    ]


def _about_serving(choice: Choice) -> bool:
    return choice.before < 0 and choice.expert < 0


def _about_starts(choice: Choice) -> bool:
    return choice.before >= 0


def _about_people(choice: Choice) -> bool:
    return choice.expert >= 0


def _worth(holds: float, otherwise: float) -> float:
    """How good a choice is whose two sides fall so far (Achterberg 2007, doi 10.14279/depositonce-1634)."""
    return max(holds, SMALL) * max(otherwise, SMALL)


def _choices(
    relaxation: Relaxation, passes: Numbers, slots: Numbers
) -> Iterator[tuple[float, Choice]]:
    """What the program does by parts, and how much that matters."""
    shape = relaxation.shape
    request, person = shape.passes.request, shape.person
    weight = relaxation.counted / relaxation.scale
    much = np.bincount(request, passes, minlength=len(weight))
    served = np.zeros(len(weight))
    served[shape.alone] = much[shape.alone]
    np.add.at(served, shape.slot_request, slots)
    for r in np.flatnonzero(_in_parts(served) & (weight > 0)).tolist():
        yield float(weight[r] * min(served[r], 1 - served[r])), Choice(r)
    for r, own in _teams(relaxation, slots):
        before = np.cumsum(slots[own])
        sides = np.minimum(before[:-1], before[-1] - before[:-1])
        at = int(np.argmax(sides))
        if weight[r] > 0 and sides[at] > PART:
            yield float(weight[r] * sides[at]), Choice(r, before=int(shape.slot_start[own[at + 1]]))
    pairs, where = np.unique(request * shape.packed.experts + person, return_inverse=True)
    parts = np.bincount(where, passes)
    for index in np.flatnonzero(_in_parts(parts)).tolist():
        r, e = divmod(int(pairs[index]), shape.packed.experts)
        part = float(parts[index])
        if weight[r] > 0:
            yield float(weight[r]) * min(part, 1 - part), Choice(r, expert=e)


def _teams(relaxation: Relaxation, slots: Numbers) -> Iterator[tuple[int, Numbers]]:
    """Teams that meet at several starts by parts, with these slots."""
    used = np.flatnonzero(slots > PART)
    owner = relaxation.shape.slot_request[used]
    for r in np.unique(owner).tolist():
        own = used[owner == r]
        if len(own) > 1:
            yield int(r), own


def _in_parts(much: Numbers) -> Numbers:
    return (much > PART) & (much < 1 - PART)
