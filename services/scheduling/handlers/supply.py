"""Whom to recruit next: the optimizer's signals, with the names of the round."""

from collections.abc import Callable, Sequence

from services.scheduling.domain.inputs import Role
from services.scheduling.domain.run import SupplySignal
from services.scheduling.handlers.frozen import Frozen
from services.scheduling.optimizer.duals import Duals
from services.scheduling.optimizer.problem import Plan
from services.scheduling.optimizer.problem import Stage as OptimizerStage
from services.scheduling.optimizer.stop import Stop
from services.scheduling.optimizer.supply import Signal, supply_signals

SUPPLY_S = 12.0
"""How long the best signals are verified after a run; what was not tried by then stays an estimate."""
_ROLES = tuple(Role)


def estimated(frozen: Frozen, plan: Plan) -> Sequence[SupplySignal]:
    """The signals without solving anything again, best first."""
    stop = Stop(seconds=SUPPLY_S)
    found = supply_signals(frozen.problem, plan, seed=0, stop=stop, verified_max=0)
    return [_named(frozen, one) for one in found]


def verified(
    frozen: Frozen, plan: Plan, duals: Sequence[Duals], *, asked: Callable[[], bool]
) -> Sequence[SupplySignal]:
    """The signals, the best of them verified by solving again for at most `SUPPLY_S`, or until `asked` to end."""
    kept = next(
        (
            # rounded down, so that what is left to be gained stays an upper estimate
            [price // one.scale for price in one.kept]
            for one in duals
            if one.stage is OptimizerStage.NEED
        ),
        None,
    )
    stop = Stop(seconds=SUPPLY_S, asked=asked)
    found = supply_signals(frozen.problem, plan, seed=0, stop=stop, kept=kept)
    return [_named(frozen, one) for one in found]


def _named(frozen: Frozen, signal: Signal) -> SupplySignal:
    legend, kind = frozen.legend, signal.kind
    return SupplySignal(
        role=_ROLES[kind.role],
        topic=legend.topics[kind.topic],
        district=legend.districts[kind.district],
        weekday=kind.weekday + 1,
        worth=signal.worth,
        gain=signal.gain,
        requests=tuple(legend.requests[index].name for index in signal.requests),
    )
