"""What becomes of an event decides what becomes of its assignments."""

from datetime import datetime

from services.scheduling.domain.assignment import State
from services.scheduling.ports import Transaction

KINDS = {
    State.OFFERED: "Offered",
    State.ACCEPTED: "Accepted",
    State.DECLINED: "Declined",
    State.CANCELLED: "Cancelled",
    State.REPLACED: "Cancelled",
    State.DELIVERED: "Delivered",
}
"""As what an assignment is announced again; as changed in other states."""


async def forget_expert(expert: str, tx: Transaction, *, now: datetime) -> None:
    """Take the name of somebody who has withdrawn out of what they were promised, and out of what is announced of it.

    Decisions have names so that the events service need not ask for them; it has taken them, and nobody else needs them.
    """
    await tx.world.forget_expert(expert)
    decided = set()
    for before in await tx.assignments.of_expert(expert):
        after = before.without_name()
        if after == before:
            continue
        await tx.assignments.save(after)
        if after.state is not State.PROPOSED:  # which nobody was told of
            tx.facts.forget_assignment(after.name)
            tx.facts.assignment(KINDS.get(after.state, "Changed"), after, at=now)
            decided.add(after.request)
    for request, version in (await tx.assignments.next_decisions(sorted(decided))).items():
        tx.facts.decision_forgotten(request, version=version, at=now)


async def delivered(event: str, tx: Transaction, *, now: datetime) -> None:
    """Its team has served."""
    for before in await tx.assignments.of_event(event):
        after = before.delivered()
        if after != before:
            await tx.assignments.save(after)
            tx.facts.assignment("Delivered", after, at=now)


async def cancelled(event: str, tx: Transaction, *, now: datetime) -> None:
    """Its team is free again."""
    for before in await tx.assignments.of_event(event):
        if before.state in (State.CONFIRMED, State.ACCEPTED, State.OFFERED):
            after = before.cancelled(reason="event cancelled")
            await tx.assignments.save(after)
            tx.facts.assignment("Cancelled", after, at=now)
