"""Prices that prove a bound: the vocabulary of the solver that finds them, the certificate that carries them and the check.

All prices are integers in units of 1 / `scale` of the stage's value, so that the proof is exact integer arithmetic;
`docs/optimizer.md` derives what they prove.
"""

import dataclasses

from services.scheduling.optimizer.problem import Stage


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Split:
    """How a team's reward is split over the seats of `request`, one number per seat, any sign: at `start` and at every later
    start up to the next split of the request.
    """

    request: int
    start: int
    rewards: tuple[int, ...]


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class QuotaPrice:
    """The price, 0 or more, of one assignment of the pool's people to the node."""

    pool: int
    node: int
    price: int


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class SpacingPrice:
    """The price, 0 or more, of a served request of the series that starts on days `[day, day + spacing_days)`, of which there
    is one at most.
    """

    series: int
    day: int
    price: int


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class PresencePrice:
    """The price, 0 or more, that `expert` pays for being in the team of `request` at `start`, in whichever seat. The request has the
    prices of all its experts at that start to give away, since each of them is in one of its seats at most.
    """

    request: int
    start: int
    expert: int
    price: int


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class ServedOnce:
    """Rounds in which `expert` serves `request` on two days of one tour away are left out of the proof: they are in no plan."""

    expert: int
    request: int


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Choice:
    """What a proof takes for granted of a plan: that `request` is served; with an `expert` (0 or more), that this one has a seat of
    it; with `before` (a minute, 0 or more), that it starts earlier than that, if it is served. Where it does not hold (`holds`): that
    it is not served; that this expert has no seat of it; that it does not start earlier.
    """

    request: int
    expert: int = -1
    before: int = -1
    holds: bool = True


@dataclasses.dataclass(frozen=True, slots=True)
class Duals:
    """What a stage's bound is proven by, for the plans in which all `choices` are so; two proofs whose last choices are opposite, and the
    others the same, are together a proof for the plans of those others.

    `kept[r]`, 0 or more, is what request `r` keeps of its value; the rest is the reward of those who serve it. Requests
    with several seats say in `splits` how the seats share it at a start; where they do not, the first required seat has
    all of it at every start, less the prices of spans that the start lies in, and with what is paid for presence there.
    `caps[c]`, 0 or more, is the price per served request of that cap, `budgets[b]` per yuan of that budget.

    `once` says which rounds that no plan has need not be paid for; any list of them will do.

    `emergency`, `need` and `shares[s]`, 0 or more, are the prices of keeping what stages before this one reached: per unit
    of emergency weight, of need, and of weight served in a share. In the FLOOR stage itself `shares` weigh its shares:
    the sum of `shares[s] * target[s]` is at least `1000 * scale`. Empty: all 0.

    `kept[r]` may be negative where `r` is served by choice. `dues`, of any sign and one per choice, are what the expert of a choice
    that holds earns besides for that request, which the bound gets back; 0 for other choices.
    """

    stage: Stage
    scale: int
    kept: tuple[int, ...]
    splits: tuple[Split, ...]
    caps: tuple[int, ...]
    budgets: tuple[int, ...]
    quotas: tuple[QuotaPrice, ...]
    spacings: tuple[SpacingPrice, ...] = ()
    presences: tuple[PresencePrice, ...] = ()
    once: tuple[ServedOnce, ...] = ()
    emergency: int = 0
    need: int = 0
    shares: tuple[int, ...] = ()
    choices: tuple[Choice, ...] = ()
    dues: tuple[int, ...] = ()
