"""What scheduling's rounds mean for requests and events; a published round becomes visible at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.events.domain.event import Event, State, TeamMember
from services.events.domain.request import Period, Request
from services.events.domain.request import State as RequestState
from services.events.handlers.event import show
from services.events.ports import Transaction

BY = "scheduling"


@dataclass(frozen=True, slots=True)
class Decision:
    """What a round means for one request: an event, or, with `period` None, a reason why not."""

    request: str
    round: str
    event: str = ""
    period: Period | None = None
    team: tuple[TeamMember, ...] = ()
    reason: str = ""


async def freeze(round: str, names: Sequence[str], tx: Transaction, *, now: datetime) -> None:
    """The requests are in the round now; those that no longer wait are left as they are."""
    found = await tx.requests.find_for_update(names)
    changed = [after for one in found.values() if (after := one.frozen(round=round, at=now)) != one]
    await _save(changed, "Changed", "FROZEN", tx, now=now)


async def release(round: str, tx: Transaction, *, now: datetime) -> None:
    """The round was abandoned: its requests wait again."""
    found = await tx.requests.find_for_update(await tx.requests.in_round(round))
    changed = [
        after for one in found.values() if (after := one.released(round=round, at=now)) != one
    ]
    await _save(changed, "Changed", "RELEASED", tx, now=now)


async def _save(
    changed: Sequence[Request], kind: str, what: str, tx: Transaction, *, now: datetime
) -> None:
    await tx.requests.save(*changed)
    await tx.requests.note(*(request.name for request in changed), at=now, what=what, by=BY)
    for request in changed:
        tx.facts.request(kind, request, at=now)


async def apply(decisions: Sequence[Decision], tx: Transaction, *, now: datetime) -> None:
    """Make events of decisions, or give requests their reason; all of them together."""
    requests = await tx.requests.find_for_update([one.request for one in decisions])
    known = await tx.events.find_for_update(
        [name for one in decisions if (name := one.event or _event_of(requests, one.request))]
    )
    for decision in decisions:
        request = requests.get(decision.request)
        if request is None:  # of another installation's log; nothing here can be meant
            continue
        if decision.period is not None and request.state is RequestState.WITHDRAWN:
            continue  # who asked has taken it back since; nobody waits for an event
        if decision.period is None:
            await _not_served(request, decision, known, tx, now=now)
        else:
            await _served(request, decision, known, tx, now=now)


def _event_of(requests: Mapping[str, Request], name: str) -> str:
    return requests[name].event if name in requests else ""


async def _not_served(
    before: Request,
    decision: Decision,
    known: Mapping[str, Event],
    tx: Transaction,
    *,
    now: datetime,
) -> None:
    event = known.get(before.event)
    if event is not None and event.state is State.PUBLISHED:  # a repair could not keep it
        cancelled = event.cancel(reason=decision.reason[:200], at=now)
        await tx.events.save(cancelled)
        tx.facts.event("Cancelled", cancelled, at=now)
        tx.facts.taken_down(cancelled, at=now)
    after = before.unserved(round=decision.round, reason=decision.reason, at=now)
    if before.state in (RequestState.WITHDRAWN, RequestState.CANCELLED) or after == before:
        return
    await tx.requests.save(after)
    await tx.requests.note(after.name, at=now, what="UNSERVED", by=BY, remark=decision.reason)
    tx.facts.request("Unserved", after, at=now)


async def _served(
    before: Request,
    decision: Decision,
    known: Mapping[str, Event],
    tx: Transaction,
    *,
    now: datetime,
) -> None:
    assert decision.period is not None
    event = known.get(decision.event)
    if event is None:
        event = Event(
            name=decision.event,
            request=before.name,
            round=decision.round,
            venue=before.venue,
            title=before.title,
            group=before.group,
            form=before.form,
            topic=before.topic,
            period=decision.period,
            team=decision.team,
            node=before.node,
            district=before.district,
            node_path=before.node_path,
            create_time=now,
            update_time=now,
        )
        await tx.events.add([event])
        tx.facts.event("Published", event, at=now)
    else:
        moved = event.move(period=decision.period, team=decision.team, at=now)
        if moved == event:
            return
        event = moved
        await tx.events.save(event)
        tx.facts.event("Changed", event, at=now)
    await show(event, tx, now=now)
    after = before.scheduled(event=event.name, round=decision.round, at=now)
    if after == before:
        return
    await tx.requests.save(after)
    await tx.requests.note(after.name, at=now, what="SCHEDULED", by=BY)
    tx.facts.request("Scheduled", after, at=now)
