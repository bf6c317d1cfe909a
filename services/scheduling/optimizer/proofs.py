"""What proofs prove together, and for which plans.

A proof that prices what earlier stages reached holds for plans that reach as much there: by how much that lowers its bound depends on the
plan, and is taken off when the plan is known. `check_bound.py` says the same by itself.
"""

import dataclasses
from collections.abc import Mapping, Sequence

from services.scheduling.optimizer.duals import Choice, Duals
from services.scheduling.optimizer.problem import Problem, Share, Stage


@dataclasses.dataclass(frozen=True, slots=True)
class Proof:
    """Prices, and the bound that they prove, times scale, before anything is taken off for what earlier stages reached."""

    duals: Duals
    base: int


def least(share: Share, floor: int) -> int:
    """How much of a share is to be served for the floor to be as high as `floor`; 0 or less where nothing is."""
    return -(-floor * share.target // 1000) - share.carried


def kept(problem: Problem, values: Mapping[Stage, int]) -> list[int]:
    """How much of the emergencies, then of each share, is to be served for `values` in EMERGENCY and FLOOR."""
    floor = values[Stage.FLOOR]
    return [values[Stage.EMERGENCY], *(least(share, floor) for share in problem.shares)]


def is_plain(proofs: Sequence[Proof]) -> bool:
    """Whether nothing that earlier stages reached is priced."""
    return not any(
        one.duals.emergency
        or one.duals.need
        or (one.duals.stage is not Stage.FLOOR and any(one.duals.shares))
        for one in proofs
    )


def bound_of(problem: Problem, proofs: Sequence[Proof], values: Mapping[Stage, int]) -> int:
    """The bound, in units of its stage, for plans that reach `values` in the stages before."""
    bounds = [
        (one.duals.choices, (one.base - _reached(problem, one.duals, values)) // one.duals.scale)
        for one in proofs
    ]
    return _covered(bounds, 0)


def _reached(problem: Problem, duals: Duals, values: Mapping[Stage, int]) -> int:
    """What `values` are worth at the prices of keeping them."""
    paid = 0
    if duals.emergency:
        paid += duals.emergency * values[Stage.EMERGENCY]
    if duals.need:
        paid += duals.need * values[Stage.NEED]
    if duals.stage is not Stage.FLOOR and any(duals.shares):
        floor = values[Stage.FLOOR]
        paid += sum(
            price * least(share, floor)
            for price, share in zip(duals.shares, problem.shares, strict=True)
        )
    return paid


def _covered(bounds: Sequence[tuple[tuple[Choice, ...], int]], made: int) -> int:
    """The bound of all plans whose first `made` choices are those that all of `bounds` begin with."""
    here = [bound for choices, bound in bounds if len(choices) == made]
    further = [one for one in bounds if len(one[0]) > made]
    if further:
        sides = ([one for one in further if one[0][made].holds is holds] for holds in (True, False))
        here.append(max(_covered(side, made + 1) for side in sides))
    return min(here)
