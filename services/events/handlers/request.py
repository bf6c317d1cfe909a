"""Requests: look through, file, change, endorse, return, take back; and series of them."""

import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from datetime import datetime, time

from libs.errors import FieldViolation, InvalidInput, Refusal
from libs.geo.calendar import chongqing
from libs.geo.topics import require_topics
from services.events.domain.place import (
    DEFAULT_RULES,
    Group,
    NodeKind,
    Rules,
    Venue,
    rules_for,
)
from services.events.domain.request import (
    LOCAL,
    WEIGHT_DEFAULT,
    Change,
    ChangeNotAsked,
    ChangeRefusalUnexplained,
    Finding,
    Request,
    RequestInRound,
    State,
    findings,
    ready_time,
    require_fileable,
    school_year,
)
from services.events.domain.series import Series
from services.events.ports import Filed, Host, Note, Transaction


class SeriesIdsMissing(InvalidInput):
    """A series was given ids for some of its requests only."""


class VenueUnknown(InvalidInput):
    """The venue that asks is not there; add it first."""


class SeriesVenueDiffers(InvalidInput):
    """A request of a series names another venue than the series."""


_SUBMITTED = {State.SUBMITTED: "Submitted", State.ENDORSED: "Endorsed"}


@dataclass(frozen=True, slots=True)
class Check:
    """What is to be said about a request before it is filed; `visits_left` None: no rule."""

    findings: Sequence[Finding]
    visits_left: int | None
    ready_time: datetime
    endorse_automatically: bool


@dataclass(frozen=True, slots=True)
class Asking:
    """A venue that asks, with what its nodes and its school year so far say; `venue` None: there is none of that name."""

    venue: Venue | None = None
    rules: Rules = DEFAULT_RULES
    visits_left: int | None = None
    is_school: bool = False

    def check(self, request: Request, *, at: datetime) -> Check:
        """What is to be said about `request`, which may be incomplete."""
        return Check(
            findings=findings(
                request,
                venue=self.venue,
                rules=self.rules,
                visits_left=self.visits_left,
                calendar=chongqing(),
                is_school=self.is_school,
                at=at,
            ),
            visits_left=self.visits_left,
            ready_time=ready_time(at, lead_days=self.rules.lead_days),
            endorse_automatically=self.rules.endorse_automatically,
        )


async def asking(names: Collection[str], tx: Transaction, *, now: datetime) -> Mapping[str, Asking]:
    """Every one of `names` as it asks; three statements, however many they are."""
    venues = await tx.venues.find(list(names))
    nodes = await tx.nodes.along(list({name for one in venues.values() for name in one.node_path}))
    rules = {name: rules_for(venue, nodes) for name, venue in venues.items()}
    capped = [name for name, those in rules.items() if those.annual_cap]
    start, end = (
        datetime.combine(day, time(), tzinfo=LOCAL).astimezone(now.tzinfo)
        for day in school_year(now.astimezone(LOCAL).date())
    )
    visits = await tx.events.visits(capped, start=start, end=end) if capped else {}

    def one(venue: Venue) -> Asking:
        those = rules[venue.name]
        used = venue.visits_before + visits.get(venue.name, 0)
        along = [nodes[name] for name in venue.node_path if name in nodes]
        return Asking(
            venue,
            those,
            max(0, those.annual_cap - used) if those.annual_cap else None,
            venue.group is Group.YOUTH and any(node.kind is NodeKind.SCHOOL for node in along),
        )

    return {name: one(venues[name]) if name in venues else Asking() for name in names}


async def check_request(request: Request, tx: Transaction, *, now: datetime) -> Check:
    """Look through a request that may be incomplete; changes nothing."""
    return (await asking([request.venue], tx, now=now))[request.venue].check(request, at=now)


def _require_known(request: Request, *, path: str = "request") -> None:
    require_topics(
        [
            (f"{path}.topic", request.topic),
            *((f"{path}.seats[{i}].topic", seat.topic) for i, seat in enumerate(request.seats)),
        ]
    )


async def venue_asking(name: str, tx: Transaction, *, path: str) -> Venue:
    """The venue `name`, which a caller wrote at `path`.

    Raises:
        VenueUnknown: there is none.
    """
    return _known((await tx.venues.find([name])).get(name), name, path=path)


def _known(venue: Venue | None, name: str, *, path: str) -> Venue:
    if venue is None:
        raise VenueUnknown(
            "there is no such venue", violations=[FieldViolation(path, f"no venue {name!r}")]
        )
    return venue


def placed(request: Request, venue: Venue) -> Request:
    """The request with what follows from its venue."""
    return dataclasses.replace(
        request,
        node=venue.node,
        district=venue.district,
        node_path=venue.node_path,
        weight=request.weight or WEIGHT_DEFAULT,
    )


@dataclass(frozen=True, slots=True)
class Filing:
    """A request on its way in."""

    request: Request
    host: Host
    submit: bool
    by: str
    """Opaque id of who files it."""
    permit: Callable[[Venue], None]
    """Refuses whoever may not ask for that venue."""
    path: str = "request"
    """Where it stands in what was sent, for refusals."""
    cause: Context = field(default_factory=copy_context)
    """What it is announced in: the fact goes on with the trace of its call."""


async def file_requests(
    filings: Sequence[Filing], tx: Transaction, *, now: datetime
) -> Sequence[Request | Refusal]:
    """Store each as a draft, or submit it at once; submitted ones are announced.

    In their order; of one that is refused nothing is stored, and the others do not mind.

    Raises:
        RequestExists: one of this name is there; nothing is stored.
    """
    venues = await asking({filing.request.venue for filing in filings}, tx, now=now)
    outcomes: list[Request | Refusal] = []
    stored: list[Filed] = []
    for filing in filings:
        try:
            request = _filed(filing, venues[filing.request.venue], now=now)
        except Refusal as refusal:
            outcomes.append(refusal)
            continue
        outcomes.append(request)
        notes = [Note(request.name, "FILED", "by proxy" if request.by_proxy else "")]
        if request.state is not None and request.state is not State.DRAFT:
            notes.append(Note(request.name, request.state))
            filing.cause.run(tx.facts.request, _SUBMITTED[request.state], request, at=now)
        stored.append(Filed(request, filing.host, filing.by, tuple(notes)))
    await tx.requests.add(stored, at=now)
    return outcomes


def _filed(filing: Filing, asking: Asking, *, now: datetime) -> Request:
    venue = _known(asking.venue, filing.request.venue, path=f"{filing.path}.venue")
    filing.permit(venue)
    _require_known(filing.request, path=filing.path)
    new = dataclasses.replace(placed(filing.request, venue), create_time=now, update_time=now)
    if not filing.submit:
        return new
    require_fileable(asking.check(new, at=now).findings, path=filing.path)
    return new.submitted(rules=asking.rules, at=now)


async def submit_request(before: Request, *, by: str, tx: Transaction, now: datetime) -> Request:
    """Submit a draft; where the node's rules say so it is endorsed as well."""
    venue = (await asking([before.venue], tx, now=now))[before.venue]
    after = before.submitted(rules=venue.rules, at=now)
    if after == before:
        return before
    require_fileable(venue.check(before, at=now).findings)
    await tx.requests.save(after)
    assert after.state is not None
    await tx.requests.note(Note(after.name, after.state), at=now, by=by)
    tx.facts.request(_SUBMITTED[after.state], after, at=now)
    return after


async def update_request(
    name: str,
    change: Callable[[Request], Request],
    host: Host | None,
    *,
    by: str,
    tx: Transaction,
    now: datetime,
) -> Request:
    """Apply `change`; nothing is announced of a draft, or when it changes nothing."""
    before = await tx.requests.get(name, lock=True)
    changed = change(before)
    _require_known(changed)
    wanted = placed(changed, await venue_asking(changed.venue, tx, path="request.venue"))
    if host is not None:
        await tx.requests.set_host(name, host)
    if wanted == before:
        return before
    after = before.edited(wanted, at=now)
    if after.state is not State.DRAFT:
        require_fileable((await check_request(after, tx, now=now)).findings)
    await tx.requests.save(after)
    await tx.requests.note(Note(name, "CHANGED"), at=now, by=by)
    if after.state is not State.DRAFT:
        tx.facts.request("Changed", after, at=now)
    return after


async def ask_change(
    before: Request,
    wanted: Request,
    host: Host | None,
    *,
    fields: Sequence[str],
    reason: str,
    by: str,
    tx: Transaction,
    now: datetime,
) -> Request:
    """Keep what a venue wants changed of a request that is in a round or has an event; the plan stays as it is.

    `fields`: those of `wanted` that differ; none where only the host changes, which needs nobody's answer.

    Raises:
        ChangeNotNeeded: it can still be edited.
        RequestNotFileable: nobody could file it as wanted.
    """
    before.require_changeable()
    if host is not None:
        await tx.requests.set_host(before.name, host)
    if not fields:
        return before
    _require_known(wanted)
    placed(wanted, await venue_asking(wanted.venue, tx, path="request.venue"))
    require_fileable((await check_request(wanted, tx, now=now)).findings)
    change = Change(before.name, tuple(fields), wanted, reason, now)
    await tx.requests.ask_change(change, by=by)
    await tx.requests.note(Note(before.name, "CHANGE_ASKED", reason), at=now, by=by)
    return before


async def answer_change(
    name: str, *, accept: bool, reason: str, by: str, tx: Transaction, now: datetime
) -> Request:
    """Say yes or no to a change that was asked for; a yes gives the event up and sends the request into the next round.

    Raises:
        ChangeNotAsked: there is none.
        ChangeRefusalUnexplained: a no without a reason.
        RequestInRound: it is in a round: only a no can be said before the round is over.
    """
    before = await tx.requests.get(name, lock=True)
    change = (await tx.requests.changes([name])).get(name)
    if change is None:
        raise ChangeNotAsked("no change of it waits for an answer", request=name)
    if not accept:
        if not reason:
            raise ChangeRefusalUnexplained(
                "say why", violations=[FieldViolation("reason", "needed for a no")]
            )
        await tx.requests.end_changes([name])
        await tx.requests.note(Note(name, "CHANGE_REFUSED", reason), at=now, by=by)
        return before
    if before.state is State.IN_ROUND:
        raise RequestInRound("wait until the round is over", request=name, round=before.round)
    if before.event:
        await give_up_event(before.event, reason=reason or "改期", tx=tx, now=now)
    after = before.changed(change, at=now)
    await tx.requests.end_changes([name])
    await tx.requests.save(after)
    await tx.requests.note(Note(name, "CHANGE_MADE", reason), at=now, by=by)
    tx.facts.request("Changed", after, at=now)
    return after


async def give_up_event(name: str, *, reason: str, tx: Transaction, now: datetime) -> None:
    """Cancel an event whose request goes on: its team is free again and the public projection comes down."""
    event = await tx.events.get(name, lock=True)
    after = event.cancel(reason=reason, at=now)
    await tx.events.save(after)
    tx.facts.event("Cancelled", after, at=now)
    tx.facts.taken_down(after, at=now)


async def erase_account(
    subject: str, *, pseudonym: str, tx: Transaction, now: datetime
) -> tuple[int, int]:
    """Erase what is personal of `subject`; how many requests lost their host, and how many drafts were withdrawn."""
    drafts = await tx.requests.drafts_of(subject)
    for name in drafts:
        draft = await tx.requests.get(name, lock=True)
        await withdraw_request(draft, reason="", by=subject, tx=tx, now=now)
    return await tx.requests.erase(subject, pseudonym=pseudonym), len(drafts)


async def endorse_request(
    before: Request, *, weight: int, by: str, tx: Transaction, now: datetime
) -> Request:
    """Endorse a submitted request, and announce it."""
    after = before.endorsed(weight=weight, at=now)
    if after == before:
        return before
    await tx.requests.save(after)
    await tx.requests.note(Note(after.name, "ENDORSED"), at=now, by=by)
    tx.facts.request("Endorsed", after, at=now)
    return after


async def return_request(
    before: Request, *, reason: str, by: str, tx: Transaction, now: datetime
) -> Request:
    """Give a submitted request back with what to mend, and announce it."""
    after = before.returned(reason=reason, at=now)
    if after == before:
        return before
    await tx.requests.save(after)
    await tx.requests.note(Note(after.name, "RETURNED", reason), at=now, by=by)
    tx.facts.request("Changed", after, at=now)
    return after


async def withdraw_request(
    before: Request, *, reason: str, by: str, tx: Transaction, now: datetime
) -> Request:
    """Take a request back, and announce it; of a draft nobody knows."""
    after = before.withdrawn(reason=reason, at=now)
    if after == before:
        return before
    await tx.requests.save(after)
    await tx.requests.note(Note(after.name, "WITHDRAWN", reason), at=now, by=by)
    if before.state is not State.DRAFT:
        tx.facts.request("Withdrawn", after, at=now)
    return after


async def create_series(
    series: Series, filings: Sequence[Filing], *, tx: Transaction, now: datetime
) -> Series:
    """Store a series and submit its dated requests; all, or none.

    Raises:
        SeriesVenueDiffers: a request is of another venue.
        Refusal: of the first of its requests that cannot be filed.
    """
    elsewhere = [
        FieldViolation(f"requests[{place}].venue", f"must be {series.venue}")
        for place, filing in enumerate(filings)
        if filing.request.venue != series.venue
    ]
    if elsewhere:
        raise SeriesVenueDiffers("a series is of one venue", violations=elsewhere)
    new = dataclasses.replace(series, requests=tuple(filing.request.name for filing in filings))
    await tx.series.add(new)
    dated = [
        dataclasses.replace(
            filing,
            request=dataclasses.replace(
                filing.request,
                series=series.name,
                series_spacing_days=series.spacing_days,
                series_continuity=series.continuity,
                series_place=place,
            ),
        )
        for place, filing in enumerate(filings)
    ]
    for outcome in await file_requests(dated, tx, now=now):
        if isinstance(outcome, Refusal):
            raise outcome
    return new
