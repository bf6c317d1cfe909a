"""Requests: look through, file, change, endorse, return, take back; and series of them."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, time

from libs.errors import FieldViolation, InvalidInput
from libs.geo.calendar import chongqing
from libs.geo.topics import require_topics
from services.events.domain.place import (
    DEFAULT_RULES,
    Group,
    NodeKind,
    Rules,
    Venue,
    VenueNotFound,
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
from services.events.handlers.place import rules_of
from services.events.ports import Host, Note, Transaction


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


async def check_request(request: Request, tx: Transaction, *, now: datetime) -> Check:
    """Look through a request that may be incomplete; changes nothing."""
    try:
        venue: Venue | None = await tx.venues.get(request.venue)
    except VenueNotFound:
        venue = None
    rules, left = DEFAULT_RULES, None
    if venue is not None:
        rules = await rules_of(venue, tx)
        left = await _visits_left(venue, rules, tx, now=now)
    is_school = venue is not None and await _is_school(venue, tx)
    found = findings(
        request,
        venue=venue,
        rules=rules,
        visits_left=left,
        calendar=chongqing(),
        is_school=is_school,
        at=now,
    )
    return Check(
        findings=found,
        visits_left=left,
        ready_time=ready_time(now, lead_days=rules.lead_days),
        endorse_automatically=rules.endorse_automatically,
    )


async def _is_school(venue: Venue, tx: Transaction) -> bool:
    if venue.group is not Group.YOUTH:
        return False
    along = await tx.nodes.along(venue.node_path)
    return any(node.kind is NodeKind.SCHOOL for node in along.values())


async def _visits_left(venue: Venue, rules: Rules, tx: Transaction, *, now: datetime) -> int | None:
    if not rules.annual_cap:
        return None
    first, last = school_year(now.astimezone(LOCAL).date())
    start, end = (
        datetime.combine(day, time(), tzinfo=LOCAL).astimezone(now.tzinfo) for day in (first, last)
    )
    used = venue.visits_before + await tx.events.visits(venue.name, start=start, end=end)
    return max(0, rules.annual_cap - used)


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
    try:
        return await tx.venues.get(name)
    except VenueNotFound as refusal:
        raise VenueUnknown(
            "there is no such venue", violations=[FieldViolation(path, f"no venue {name!r}")]
        ) from refusal


def placed(request: Request, venue: Venue) -> Request:
    """The request with what follows from its venue."""
    return dataclasses.replace(
        request,
        node=venue.node,
        district=venue.district,
        node_path=venue.node_path,
        weight=request.weight or WEIGHT_DEFAULT,
    )


async def file_request(
    request: Request,
    host: Host,
    *,
    submit: bool,
    by: str,
    tx: Transaction,
    now: datetime,
    path: str = "request",
) -> Request:
    """Store a request as a draft, or submit it at once; a submitted one is announced. `path`: for refusals."""
    _require_known(request, path=path)
    venue = await venue_asking(request.venue, tx, path=f"{path}.venue")
    new = dataclasses.replace(placed(request, venue), create_time=now, update_time=now)
    await tx.requests.add(new, host, by=by)
    filed = Note(new.name, "FILED", "by proxy" if new.by_proxy else "")
    await tx.requests.note(filed, at=now, by=by)
    return await submit_request(new, by=by, tx=tx, now=now, path=path) if submit else new


async def submit_request(
    before: Request, *, by: str, tx: Transaction, now: datetime, path: str = "request"
) -> Request:
    """Submit a draft; where the node's rules say so it is endorsed as well."""
    venue = await tx.venues.get(before.venue)
    after = before.submitted(rules=await rules_of(venue, tx), at=now)
    if after == before:
        return before
    require_fileable((await check_request(before, tx, now=now)).findings, path=path)
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
    series: Series,
    requests: Sequence[tuple[Request, Host]],
    *,
    by: str,
    tx: Transaction,
    now: datetime,
) -> Series:
    """Store a series and submit its dated requests; all, or none.

    Raises:
        SeriesVenueDiffers: a request is of another venue.
    """
    elsewhere = [
        FieldViolation(f"requests[{place}].venue", f"must be {series.venue}")
        for place, (request, _) in enumerate(requests)
        if request.venue != series.venue
    ]
    if elsewhere:
        raise SeriesVenueDiffers("a series is of one venue", violations=elsewhere)
    new = dataclasses.replace(series, requests=tuple(request.name for request, _ in requests))
    await tx.series.add(new)
    for place, (request, host) in enumerate(requests):
        dated = dataclasses.replace(
            request,
            series=series.name,
            series_spacing_days=series.spacing_days,
            series_continuity=series.continuity,
            series_place=place,
        )
        path = f"requests[{place}]"
        await file_request(dated, host, submit=True, by=by, tx=tx, now=now, path=path)
    return new
