"""Events: confirm, cancel, deliver, rate."""

from datetime import datetime

from services.events.domain.event import Event, Rating, State
from services.events.ports import Note, Transaction


async def confirm_event(name: str, tx: Transaction, *, now: datetime) -> Event:
    """The venue will be ready."""
    before = await tx.events.get(name, lock=True)
    after = before.confirm(at=now)
    if after == before:
        return before
    await tx.events.save(after)
    tx.facts.event("Changed", after, at=now)
    return after


async def cancel_event(
    before: Event, *, reason: str, by: str, tx: Transaction, now: datetime
) -> Event:
    """It will not take place: its request ends too, and the public projection is taken down."""
    after = before.cancel(reason=reason, at=now)
    if after == before:
        return before
    await tx.events.save(after)
    tx.facts.event("Cancelled", after, at=now)
    tx.facts.taken_down(after, at=now)
    request = await tx.requests.get(after.request, lock=True)
    ended = request.cancelled(reason=reason, at=now)
    await tx.requests.save(ended)
    await tx.requests.note(Note(ended.name, "CANCELLED", reason), at=now, by=by)
    tx.facts.request("Cancelled", ended, at=now)
    return after


async def record_delivery(
    name: str, *, code: str, audience: int, tx: Transaction, now: datetime
) -> Event:
    """It took place; a corrected count is announced as a delivery again."""
    before = await tx.events.get(name, lock=True)
    after = before.deliver(
        code=code, right_code=await tx.events.code(name), audience=audience, at=now
    )
    if after == before:
        return before
    await tx.events.save(after)
    tx.facts.event("Delivered", after, at=now)
    await show(after, tx, now=now)
    return after


async def rate_event(name: str, rating: Rating, tx: Transaction, *, now: datetime) -> Event:
    """The venue's three answers."""
    before = await tx.events.get(name, lock=True)
    after = before.rate(rating, at=now)
    if after == before:
        return before
    await tx.events.save(after)
    tx.facts.event("Rated", after, at=now)
    return after


async def forget_expert(expert: str, tx: Transaction, *, now: datetime) -> None:
    """Take the name of somebody who has withdrawn out of every event, and out of what is announced of it."""
    for before in await tx.events.of_expert_for_update(expert):
        after = before.without_name_of(expert, at=now)
        if after == before:
            continue
        await tx.events.save(after)
        tx.facts.forget_events([after.name])
        tx.facts.event("Changed", after, at=now)
        if after.state is not State.CANCELLED:
            await show(after, tx, now=now)


async def show(event: Event, tx: Transaction, *, now: datetime) -> None:
    """Announce what anybody may know of an event."""
    venue = await tx.venues.get(event.venue)
    districts = await tx.nodes.along([event.district]) if event.district else {}
    district = districts[event.district].display_name if districts else ""
    tx.facts.shown(event, venue=venue.display_name, district=district, at=now)
