"""What became of a request, for those who asked: why not, what would have worked, and its place in the queue."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from services.scheduling.domain import inputs
from services.scheduling.domain.round import Round, State
from services.scheduling.domain.run import Unserved
from services.scheduling.ports import Transaction

PUBLIC = frozenset({State.PUBLISHED, State.CLOSED})
"""Before publication a venue learns nothing of a plan."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a waiting request stands among those of its district and group; `place` counts from 1, 0 when it does not wait."""

    place: int
    waiting: int
    debt: int


def order(request: inputs.Request) -> tuple[int, int, float, str]:
    """Most rounds waited first, then need, then first filed: what a person would call a fair queue.

    The optimizer weighs need, fit and fairness and follows no queue; this is where one stands when all else is equal.
    """
    filed = request.create_time.timestamp() if request.create_time else inf
    return (-request.times_unserved, -request.weight, filed, request.name)


async def place_of(request: inputs.Request, tx: Transaction) -> Place:
    """Its place, and the debt of its district and group."""
    around = [request.district or request.node]
    others: Sequence[inputs.Request] = await tx.world.waiting(nodes=around, programmes=())
    rivals = sorted((one for one in others if one.group is request.group), key=order)
    names = [one.name for one in rivals]
    debts = await tx.rounds.debts()
    return Place(
        place=names.index(request.name) + 1 if request.name in names else 0,
        waiting=len(names),
        debt=debts.get((request.district, request.group), 0),
    )


async def last_round(request: inputs.Request, tx: Transaction) -> Round | None:
    """The published round that had it last; None where none has, or its round is not published yet."""
    if not request.round:
        return None
    round = await tx.rounds.get(request.round, scope=None)
    return round if round.state in PUBLIC and round.plan else None


async def unserved_in(round: Round, request: inputs.Request, tx: Transaction) -> Unserved | None:
    """Why the round's plan does not serve it; None when it does."""
    return await tx.plans.unserved_one(round.plan, request.name)
