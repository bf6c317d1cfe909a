"""What scheduling's rounds mean for requests and events; a published round becomes visible at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.events.domain.event import Event, State, TeamMember
from services.events.domain.place import Node, Venue
from services.events.domain.request import ENDED, WAITING, Period, Request
from services.events.ports import Facts, Note, Transaction

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
    await _make_changes([one.name for one in changed], tx, now=now)


async def _make_changes(names: Sequence[str], tx: Transaction, *, now: datetime) -> None:
    """What was asked while these requests were in a round is made now that they wait again."""
    changes = await tx.requests.changes(names)
    if not changes:
        return
    found = await tx.requests.find_for_update(sorted(changes))
    changed = [one.changed(changes[one.name], at=now) for one in found.values()]
    await tx.requests.end_changes(sorted(changes))
    await _save(changed, "Changed", "CHANGE_MADE", tx, now=now)


async def _save(
    changed: Sequence[Request], kind: str, what: str, tx: Transaction, *, now: datetime
) -> None:
    await tx.requests.save(*changed)
    await tx.requests.note(*(Note(one.name, what) for one in changed), at=now, by=BY)
    for request in changed:
        tx.facts.request(kind, request, at=now)


async def apply(decisions: Sequence[Decision], tx: Transaction, *, now: datetime) -> None:
    """Make events of decisions, or give requests their reason; all of them together, in a few statements."""
    requests = await tx.requests.find_for_update([one.request for one in decisions])
    named = {one.event for one in decisions} | {one.event for one in requests.values()}
    page = _Page(
        requests=dict(requests),
        events=dict(await tx.events.find_for_update(sorted(named - {""}))),
        venues=await tx.venues.find(sorted({one.venue for one in requests.values()})),
        districts=await tx.nodes.along(sorted({one.district for one in requests.values()} - {""})),
        facts=tx.facts,
        now=now,
    )
    for decision in decisions:
        page.decide(decision)
    await tx.events.add([page.events[name] for name in page.new_events])
    await tx.events.save(*(page.events[name] for name in page.changed_events))
    await tx.requests.save(*(page.requests[name] for name in page.changed_requests))
    await tx.requests.note(*page.notes, at=now, by=BY)
    waiting = [name for name, one in page.requests.items() if one.state in WAITING]
    await _make_changes(waiting, tx, now=now)


@dataclass(slots=True)
class _Page:
    """Requests and events as they become while decisions are gone through; what changed is written once, at the end."""

    requests: dict[str, Request]
    events: dict[str, Event]
    venues: Mapping[str, Venue]
    districts: Mapping[str, Node]
    facts: Facts
    now: datetime
    new_events: dict[str, None] = field(default_factory=dict)
    changed_events: dict[str, None] = field(default_factory=dict)
    changed_requests: dict[str, None] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)

    def decide(self, decision: Decision) -> None:
        """Write one decision into the page."""
        request = self.requests.get(decision.request)
        if request is None:  # of another installation's log; nothing here can be meant
            return
        if decision.period is None:
            self._not_served(request, decision)
        elif request.state in ENDED:
            self._too_late(request, decision, decision.period)
        else:
            self._served(request, decision, decision.period)

    def _too_late(self, request: Request, decision: Decision, period: Period) -> None:
        """Nobody waits for the event any more: it is cancelled from its first moment, and so its team hears of it."""
        if decision.event in self.events:
            return
        event = self._new(request, decision, period).cancel(reason="需求已撤回。", at=self.now)
        self.new_events[event.name] = None
        self.events[event.name] = event
        self.facts.event("Cancelled", event, at=self.now)

    def _not_served(self, before: Request, decision: Decision) -> None:
        self._cancel(before.event, reason=decision.reason[:200])  # a repair could not keep it
        if before.state in ENDED:
            return
        after = before.unserved(round=decision.round, reason=decision.reason, at=self.now)
        self._request("Unserved", after, remark=decision.reason)

    def _served(self, before: Request, decision: Decision, period: Period) -> None:
        if before.event != decision.event:
            self._cancel(before.event, reason="已改为另一场活动。")
        event = self.events.get(decision.event)
        if event is None:
            self._show("Published", self._new(before, decision, period))
        else:
            moved = event.move(round=decision.round, period=period, team=decision.team, at=self.now)
            if moved == event:
                return
            again = event.state is State.CANCELLED
            self._show("Published" if again else "Changed", moved)
        after = before.scheduled(event=decision.event, round=decision.round, at=self.now)
        self._request("Scheduled", after)

    def _new(self, request: Request, decision: Decision, period: Period) -> Event:
        return Event(
            name=decision.event,
            request=request.name,
            round=decision.round,
            venue=request.venue,
            title=request.title,
            group=request.group,
            form=request.form,
            topic=request.topic,
            period=period,
            team=decision.team,
            node=request.node,
            district=request.district,
            node_path=request.node_path,
            create_time=self.now,
            update_time=self.now,
        )

    def _show(self, kind: str, event: Event) -> None:
        changed = self.changed_events if event.name in self.events else self.new_events
        changed[event.name] = None
        self.events[event.name] = event
        district = self.districts.get(event.district)
        self.facts.event(kind, event, at=self.now)
        self.facts.shown(
            event,
            venue=self.venues[event.venue].display_name,
            district=district.display_name if district else "",
            at=self.now,
        )

    def _cancel(self, name: str, *, reason: str) -> None:
        event = self.events.get(name)
        if event is None or event.state is not State.PUBLISHED:
            return
        cancelled = event.cancel(reason=reason, at=self.now)
        self.events[name] = cancelled
        self.changed_events[name] = None
        self.facts.event("Cancelled", cancelled, at=self.now)
        self.facts.taken_down(cancelled, at=self.now)

    def _request(self, kind: str, after: Request, *, remark: str = "") -> None:
        if after == self.requests[after.name]:
            return
        self.requests[after.name] = after
        self.changed_requests[after.name] = None
        self.notes.append(Note(after.name, kind.upper(), remark))
        self.facts.request(kind, after, at=self.now)
