"""What becomes of an event decides what becomes of its assignments."""

from datetime import datetime

from services.scheduling.domain.assignment import State
from services.scheduling.ports import Transaction


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
