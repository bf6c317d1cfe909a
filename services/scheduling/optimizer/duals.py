"""Prices that prove a bound: the vocabulary of the solver that finds them, the certificate that carries them and the check.

All prices are integers in units of 1 / `scale` of the stage's value, so that the proof is exact integer arithmetic;
`docs/optimizer.md` derives what they prove.
"""

import dataclasses

from services.scheduling.optimizer.problem import Stage


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Split:
    """How a team's reward at `start` is split over the seats of `request`, one number per seat, any sign."""

    request: int
    start: int
    rewards: tuple[int, ...]


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class QuotaPrice:
    """The price, 0 or more, of one assignment of the pool's people to the node."""

    pool: int
    node: int
    price: int


@dataclasses.dataclass(frozen=True, slots=True)
class Duals:
    """What a stage's bound is proven by.

    `kept[r]`, 0 or more, is what request `r` keeps of its value; the rest is the reward of those who serve it. Requests
    with several seats say in `splits` how the seats share it at a start; where they do not, the first required seat has
    all of it. `caps[c]`, 0 or more, is the price per served request of that cap, `budgets[b]` per yuan of that budget.
    """

    stage: Stage
    scale: int
    kept: tuple[int, ...]
    splits: tuple[Split, ...]
    caps: tuple[int, ...]
    budgets: tuple[int, ...]
    quotas: tuple[QuotaPrice, ...]
