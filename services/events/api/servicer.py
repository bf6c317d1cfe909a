"""`zhihui.events.v1.EventsService`: decode, call one handler, encode."""

import dataclasses
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from google.protobuf.message import Message
from grpc import aio
from zhihui.common.v1 import common_pb2
from zhihui.events.v1 import events_pb2 as pb
from zhihui.events.v1 import events_pb2_grpc as pb_grpc

from libs.auth.principal import Principal, Role, current_principal, node_scope, require_scope
from libs.clock import Clock
from libs.errors import FieldViolation, Refusal
from libs.geo.points import OutsideCountry, SwappedCoordinates, WrongDatum, stored_point
from libs.ids import new_id
from libs.postgres.idempotency import forget_answers
from libs.postgres.pool import Connection
from libs.rpc.desk import Desk
from libs.rpc.etag import etag_of, require_etag
from libs.rpc.mapping import day_from, from_message, to_message
from libs.rpc.mask import apply_mask
from libs.rpc.paging import page_of
from libs.rpc.repeat import Asked, each_once, once
from libs.rpc.validation import require_valid
from services.events.domain.event import Event, EventNotFound, Rating
from services.events.domain.event import State as EventState
from services.events.domain.place import Group, Node, NodeKind, Venue, VenueNotFound
from services.events.domain.request import LOCAL, Period, Request, RequestNotFound
from services.events.domain.request import State as RequestState
from services.events.domain.series import Series, SeriesNotFound
from services.events.handlers import event as events
from services.events.handlers import place as places
from services.events.handlers import request as requests
from services.events.ports import EventFilter, Host, NodeFilter, RequestFilter, Transaction

Context = aio.ServicerContext[Any, Any]
Response = TypeVar("Response", bound=Message)

FILINGS_AT_ONCE = 64
"""As many requests as are stored in one transaction at most."""
_HOST_FIELDS = ("host", "host_phone", "notes")
_COORDINATORS = frozenset(
    {Role.DISTRICT_COORDINATOR, Role.CITY_COORDINATOR, Role.ADMIN, Role.SERVICE}
)


class StoredTransaction(Transaction, Protocol):
    """A transaction of ours over a connection, which the kit needs for repeated calls."""

    @property
    def connection(self) -> Connection:
        """The connection, with the transaction open."""


@dataclass(frozen=True, slots=True)
class _AskedToFile(Asked[pb.FileRequestRequest]):
    """A call that files a request, and what is to be filed."""

    filing: requests.Filing


class EventsServicer(pb_grpc.EventsServiceServicer):
    """Whose: things of the caller's nodes and below; the tree itself is for anybody signed in.

    A draft is seen only by who filed it. An expert sees the events they serve, their requests and their venues.
    """

    def __init__(
        self,
        *,
        transaction: Callable[[], AbstractAsyncContextManager[StoredTransaction]],
        clock: Clock,
    ) -> None:
        self._transaction = transaction
        self._clock = clock
        self._filings = Desk(self._file, most=FILINGS_AT_ONCE)

    async def _once(
        self,
        request: Message,
        response_type: type[Response],
        act: Callable[[StoredTransaction], Awaitable[Response]],
    ) -> Response:
        async with self._transaction() as tx:
            return await once(tx.connection, request, response_type, lambda: act(tx))

    # nodes

    async def CreateNode(
        self, request: pb.CreateNodeRequest, context: Context
    ) -> pb.CreateNodeResponse:
        node = dataclasses.replace(
            from_message(Node, request.node, path="node"),
            name=f"nodes/{request.node_id or new_id('node')}",
            path=(),
            version=1,
        )
        if request.node.HasField("seat"):
            require_point(request.node.seat, path="node.seat")

        async def act(tx: StoredTransaction) -> pb.CreateNodeResponse:
            if node_scope(current_principal()) is not None:
                above = (await tx.nodes.get(node.parent)).path if node.parent else ()
                require_scope(current_principal(), node_path=list(above))
            stored = await places.create_node(node, tx, now=self._clock())
            return pb.CreateNodeResponse(node=to_message(stored, pb.Node))

        return await self._once(request, pb.CreateNodeResponse, act)

    async def GetNode(self, request: pb.GetNodeRequest, context: Context) -> pb.GetNodeResponse:
        async with self._transaction() as tx:
            return pb.GetNodeResponse(node=to_message(await tx.nodes.get(request.name), pb.Node))

    async def ListNodes(
        self, request: pb.ListNodesRequest, context: Context
    ) -> pb.ListNodesResponse:
        page = page_of(request)
        today = self._clock().astimezone(LOCAL).date()
        chosen = NodeFilter(
            on=day_from(request.on_date, path="on_date") if request.on_date else today,
            parent=request.parent,
            kind=_kind(request.kind),
            text=request.text,
        )
        async with self._transaction() as tx:
            found = await tx.nodes.page(chosen, after=_name(page.after), size=page.size + 1)
        response = pb.ListNodesResponse(
            nodes=[to_message(node, pb.Node) for node in found[: page.size]]
        )
        if len(found) > page.size:
            response.next_page_token = page.token_after(found[page.size - 1].name)
        return response

    async def EndNode(self, request: pb.EndNodeRequest, context: Context) -> pb.EndNodeResponse:
        end_date = day_from(request.end_date, path="end_date")

        async def act(tx: StoredTransaction) -> pb.EndNodeResponse:
            node = await tx.nodes.get(request.name)
            require_scope(current_principal(), node_path=list(node.path))
            stored = await places.end_node(
                request.name, end_date=end_date, tx=tx, now=self._clock()
            )
            return pb.EndNodeResponse(node=to_message(stored, pb.Node))

        return await self._once(request, pb.EndNodeResponse, act)

    # venues

    async def CreateVenue(
        self, request: pb.CreateVenueRequest, context: Context
    ) -> pb.CreateVenueResponse:
        require_point(request.venue.point, path="venue.point")
        venue = dataclasses.replace(
            from_message(Venue, request.venue, path="venue"),
            name=f"venues/{request.venue_id or new_id('venue')}",
            version=1,
        )

        async def act(tx: StoredTransaction) -> pb.CreateVenueResponse:
            if node_scope(current_principal()) is not None:
                path = (await tx.nodes.get(venue.node)).path
                require_scope(current_principal(), node_path=list(path))
            stored = await places.create_venue(venue, tx, now=self._clock())
            return pb.CreateVenueResponse(venue=venue_to(stored))

        return await self._once(request, pb.CreateVenueResponse, act)

    async def GetVenue(self, request: pb.GetVenueRequest, context: Context) -> pb.GetVenueResponse:
        async with self._transaction() as tx:
            venue = await tx.venues.get(request.name)
            scope = node_scope(current_principal())
            hidden = scope is not None and not set(scope) & set(venue.node_path)
            if hidden and not await tx.events.serves(_own_expert(), venue.name):
                raise VenueNotFound("no such venue", venue=venue.name)
            return pb.GetVenueResponse(venue=venue_to(venue))

    async def ListVenues(
        self, request: pb.ListVenuesRequest, context: Context
    ) -> pb.ListVenuesResponse:
        page = page_of(request)
        async with self._transaction() as tx:
            found = await tx.venues.page(
                scope=node_scope(current_principal()),
                node=request.node,
                text=request.text,
                after=_name(page.after),
                size=page.size + 1,
            )
        response = pb.ListVenuesResponse(venues=[venue_to(venue) for venue in found[: page.size]])
        if len(found) > page.size:
            response.next_page_token = page.token_after(found[page.size - 1].name)
        return response

    async def UpdateVenue(
        self, request: pb.UpdateVenueRequest, context: Context
    ) -> pb.UpdateVenueResponse:
        def change(before: Venue) -> Venue:
            require_etag(request.venue.etag, name=before.name, version=before.version)
            message = apply_mask(venue_to(before), request.venue, request.update_mask)
            require_valid(message, path="venue")
            require_point(message.point, path="venue.point")
            after = from_message(Venue, message, path="venue")
            return dataclasses.replace(after, name=before.name, version=before.version)

        async def act(tx: StoredTransaction) -> pb.UpdateVenueResponse:
            before = await tx.venues.get(request.venue.name)
            require_scope(current_principal(), node_path=list(before.node_path))
            stored = await places.update_venue(before.name, change, tx, now=self._clock())
            return pb.UpdateVenueResponse(venue=venue_to(stored))

        return await self._once(request, pb.UpdateVenueResponse, act)

    # requests

    async def CheckRequest(
        self, request: pb.CheckRequestRequest, context: Context
    ) -> pb.CheckRequestResponse:
        wanted = from_message(Request, request.request, path="request")
        async with self._transaction() as tx:
            for venue in (await tx.venues.find([wanted.venue])).values():
                require_scope(current_principal(), node_path=list(venue.node_path))
            check = await requests.check_request(wanted, tx, now=self._clock())
        response = pb.CheckRequestResponse(
            findings=[to_message(finding, pb.Finding) for finding in check.findings],
            visits_left=-1 if check.visits_left is None else check.visits_left,
            endorse_automatically=check.endorse_automatically,
        )
        response.ready_time.FromDatetime(check.ready_time)
        return response

    async def FileRequest(
        self, request: pb.FileRequestRequest, context: Context
    ) -> pb.FileRequestResponse:
        principal = current_principal()
        filing = requests.Filing(
            new_request(request.request, request.id),
            host_from(request.request),
            submit=request.submit,
            by=principal.subject,
            permit=_may_ask(principal),
        )
        return await self._filings.ask(_AskedToFile(request, principal, filing))

    async def _file(
        self, asked: Sequence[_AskedToFile]
    ) -> Sequence[pb.FileRequestResponse | Refusal]:
        """One transaction for all that wait; each has its own answer and its own record of it."""

        async def act(new: Sequence[_AskedToFile]) -> Sequence[pb.FileRequestResponse | Refusal]:
            filings = [one.filing for one in new]
            outcomes = await requests.file_requests(filings, tx, now=self._clock())
            return [
                outcome
                if isinstance(outcome, Refusal)
                else pb.FileRequestResponse(request=with_host(request_to(outcome), filing.host))
                for filing, outcome in zip(filings, outcomes, strict=True)
            ]

        async with self._transaction() as tx:
            return await each_once(tx.connection, asked, pb.FileRequestResponse, act)

    async def GetRequest(
        self, request: pb.GetRequestRequest, context: Context
    ) -> pb.GetRequestResponse:
        async with self._transaction() as tx:
            stored = await self._seen(request.name, tx)
            return pb.GetRequestResponse(request=await self._request_to(stored, tx))

    async def ListRequests(
        self, request: pb.ListRequestsRequest, context: Context
    ) -> pb.ListRequestsResponse:
        page = page_of(request)
        principal = current_principal()
        chosen = RequestFilter(
            scope=node_scope(principal),
            seen_by=principal.subject,
            states=tuple(
                RequestState[pb.Request.State.Name(state).removeprefix("STATE_")]
                for state in request.states
                if state
            ),
            node=request.node,
            venue=request.venue,
            round=request.round,
            text=request.text,
            group=_group(request.group),
            change_asked=request.change_asked,
        )
        async with self._transaction() as tx:
            found = await tx.requests.page(chosen, after=_pair(page.after), size=page.size + 1)
        response = pb.ListRequestsResponse(requests=[request_to(one) for one in found[: page.size]])
        if len(found) > page.size:
            last = found[page.size - 1]
            assert last.create_time is not None
            response.next_page_token = page.token_after(last.create_time.isoformat(), last.name)
        return response

    async def UpdateRequest(
        self, request: pb.UpdateRequestRequest, context: Context
    ) -> pb.UpdateRequestResponse:
        principal = current_principal()
        paths = set(request.update_mask.paths)

        def change(before: Request) -> Request:
            require_etag(request.request.etag, name=before.name, version=before.version)
            message = apply_mask(request_to(before), request.request, request.update_mask)
            require_valid(message, path="request")
            after = from_message(Request, message, path="request")
            after = dataclasses.replace(after.written_over(before), name=before.name)
            if principal.roles & _COORDINATORS:
                return after
            return dataclasses.replace(
                after, weight=before.weight, emergency_level=before.emergency_level
            )

        async def act(tx: StoredTransaction) -> pb.UpdateRequestResponse:
            before = await self._seen(request.request.name, tx)
            if "venue" in paths:  # it may move only to a venue of the caller's own nodes
                asked = request.request.venue
                venue = await requests.venue_asking(asked, tx, path="request.venue")
                require_scope(principal, node_path=list(venue.node_path))
            stored = await requests.update_request(
                before.name,
                change,
                await self._host_changed(before.name, request.request, paths, tx),
                by=principal.subject,
                tx=tx,
                now=self._clock(),
            )
            return pb.UpdateRequestResponse(request=await self._request_to(stored, tx))

        return await self._once(request, pb.UpdateRequestResponse, act)

    async def SubmitRequest(
        self, request: pb.SubmitRequestRequest, context: Context
    ) -> pb.SubmitRequestResponse:
        async def act(tx: StoredTransaction) -> pb.SubmitRequestResponse:
            before = await self._mine(request.name, request.etag, tx)
            stored = await requests.submit_request(
                before, by=current_principal().subject, tx=tx, now=self._clock()
            )
            return pb.SubmitRequestResponse(request=await self._request_to(stored, tx))

        return await self._once(request, pb.SubmitRequestResponse, act)

    async def EndorseRequest(
        self, request: pb.EndorseRequestRequest, context: Context
    ) -> pb.EndorseRequestResponse:
        async def act(tx: StoredTransaction) -> pb.EndorseRequestResponse:
            before = await self._mine(request.name, request.etag, tx)
            stored = await requests.endorse_request(
                before,
                weight=request.weight,
                by=current_principal().subject,
                tx=tx,
                now=self._clock(),
            )
            return pb.EndorseRequestResponse(request=await self._request_to(stored, tx))

        return await self._once(request, pb.EndorseRequestResponse, act)

    async def ReturnRequest(
        self, request: pb.ReturnRequestRequest, context: Context
    ) -> pb.ReturnRequestResponse:
        async def act(tx: StoredTransaction) -> pb.ReturnRequestResponse:
            before = await self._mine(request.name, request.etag, tx)
            stored = await requests.return_request(
                before,
                reason=request.reason,
                by=current_principal().subject,
                tx=tx,
                now=self._clock(),
            )
            return pb.ReturnRequestResponse(request=await self._request_to(stored, tx))

        return await self._once(request, pb.ReturnRequestResponse, act)

    async def WithdrawRequest(
        self, request: pb.WithdrawRequestRequest, context: Context
    ) -> pb.WithdrawRequestResponse:
        async def act(tx: StoredTransaction) -> pb.WithdrawRequestResponse:
            before = await self._mine(request.name, request.etag, tx)
            stored = await requests.withdraw_request(
                before,
                reason=request.reason,
                by=current_principal().subject,
                tx=tx,
                now=self._clock(),
            )
            return pb.WithdrawRequestResponse(request=await self._request_to(stored, tx))

        return await self._once(request, pb.WithdrawRequestResponse, act)

    async def AskChange(
        self, request: pb.AskChangeRequest, context: Context
    ) -> pb.AskChangeResponse:
        principal = current_principal()

        async def act(tx: StoredTransaction) -> pb.AskChangeResponse:
            before = await self._seen(request.request.name, tx, lock=True)
            message = apply_mask(request_to(before), request.request, request.update_mask)
            require_valid(message, path="request")
            wanted = from_message(Request, message, path="request")
            wanted = dataclasses.replace(
                wanted.written_over(before),
                name=before.name,
                weight=before.weight,
                emergency_level=before.emergency_level,
            )
            paths = list(request.update_mask.paths)
            differ = [
                name
                for name in paths
                if name not in _HOST_FIELDS and getattr(wanted, name) != getattr(before, name)
            ]
            if "venue" in differ:
                venue = await requests.venue_asking(wanted.venue, tx, path="request.venue")
                require_scope(principal, node_path=list(venue.node_path))
            stored = await requests.ask_change(
                before,
                wanted,
                await self._host_changed(before.name, request.request, paths, tx),
                fields=differ,
                reason=request.reason,
                by=principal.subject,
                tx=tx,
                now=self._clock(),
            )
            return pb.AskChangeResponse(request=await self._request_to(stored, tx))

        return await self._once(request, pb.AskChangeResponse, act)

    async def AnswerChange(
        self, request: pb.AnswerChangeRequest, context: Context
    ) -> pb.AnswerChangeResponse:
        async def act(tx: StoredTransaction) -> pb.AnswerChangeResponse:
            before = await self._seen(request.name, tx)
            require_scope(current_principal(), node_path=list(before.node_path))
            stored = await requests.answer_change(
                request.name,
                accept=request.accept,
                reason=request.reason,
                by=current_principal().subject,
                tx=tx,
                now=self._clock(),
            )
            return pb.AnswerChangeResponse(request=await self._request_to(stored, tx))

        return await self._once(request, pb.AnswerChangeResponse, act)

    async def EraseAccount(
        self, request: pb.EraseAccountRequest, context: Context
    ) -> pb.EraseAccountResponse:
        subject = current_principal().subject

        async def act(tx: StoredTransaction) -> pb.EraseAccountResponse:
            erased, drafts = await requests.erase_account(
                subject, pseudonym=new_id("erased"), tx=tx, now=self._clock()
            )
            await forget_answers(tx.connection, principal=subject, but=request.request_id)
            return pb.EraseAccountResponse(requests_count=erased, drafts_count=drafts)

        return await self._once(request, pb.EraseAccountResponse, act)

    async def ListRequestHistory(
        self, request: pb.ListRequestHistoryRequest, context: Context
    ) -> pb.ListRequestHistoryResponse:
        page = page_of(request)
        after = int(page.after[0]) if page.after else 0
        async with self._transaction() as tx:
            await self._seen(request.parent, tx)
            found = await tx.requests.history(request.parent, after=after, size=page.size + 1)
        response = pb.ListRequestHistoryResponse(
            entries=[to_message(entry, pb.HistoryEntry) for entry in found[: page.size]]
        )
        if len(found) > page.size:
            response.next_page_token = page.token_after(found[page.size - 1].position)
        return response

    # series

    async def CreateSeries(
        self, request: pb.CreateSeriesRequest, context: Context
    ) -> pb.CreateSeriesResponse:
        ids = list(request.ids) or ["" for _ in request.requests]
        if len(ids) != len(request.requests):
            raise requests.SeriesIdsMissing(
                "give an id for each request, or none",
                violations=[FieldViolation("ids", f"{len(request.requests)} are needed")],
            )
        series = dataclasses.replace(
            from_message(Series, request.series, path="series"),
            name=f"series/{request.series_id or new_id('ser')}",
            requests=(),
        )
        principal = current_principal()
        filings = [
            requests.Filing(
                new_request(message, id),
                host_from(message),
                submit=True,
                by=principal.subject,
                permit=_may_ask(principal),
                path=f"requests[{place}]",
            )
            for place, (message, id) in enumerate(zip(request.requests, ids, strict=True))
        ]

        async def act(tx: StoredTransaction) -> pb.CreateSeriesResponse:
            venue = await requests.venue_asking(series.venue, tx, path="series.venue")
            require_scope(principal, node_path=list(venue.node_path))
            stored = await requests.create_series(series, filings, tx=tx, now=self._clock())
            return pb.CreateSeriesResponse(series=to_message(stored, pb.Series))

        return await self._once(request, pb.CreateSeriesResponse, act)

    async def GetSeries(
        self, request: pb.GetSeriesRequest, context: Context
    ) -> pb.GetSeriesResponse:
        async with self._transaction() as tx:
            series = await tx.series.get(request.name)
            scope = node_scope(current_principal())
            path = (await tx.venues.get(series.venue)).node_path
        if scope is not None and not set(scope) & set(path):
            raise SeriesNotFound("no such series", series=series.name)
        return pb.GetSeriesResponse(series=to_message(series, pb.Series))

    async def ListSeries(
        self, request: pb.ListSeriesRequest, context: Context
    ) -> pb.ListSeriesResponse:
        page = page_of(request)
        async with self._transaction() as tx:
            found = await tx.series.page(
                scope=node_scope(current_principal()),
                venue=request.venue,
                after=_name(page.after),
                size=page.size + 1,
            )
        response = pb.ListSeriesResponse(
            series=[to_message(series, pb.Series) for series in found[: page.size]]
        )
        if len(found) > page.size:
            response.next_page_token = page.token_after(found[page.size - 1].name)
        return response

    # events

    async def GetEvent(self, request: pb.GetEventRequest, context: Context) -> pb.GetEventResponse:
        async with self._transaction() as tx:
            event = await self._event(request.name, tx)
            return pb.GetEventResponse(event=await self._event_to(event, tx))

    async def ListEvents(
        self, request: pb.ListEventsRequest, context: Context
    ) -> pb.ListEventsResponse:
        page = page_of(request)
        chosen = EventFilter(
            scope=node_scope(current_principal()),
            own=_own_expert(),
            period=from_message(Period, request.period) if request.HasField("period") else None,
            node=request.node,
            round=request.round,
            expert=request.expert,
            states=tuple(
                EventState[pb.Event.State.Name(state).removeprefix("STATE_")]
                for state in request.states
                if state
            ),
        )
        async with self._transaction() as tx:
            found = await tx.events.page(chosen, after=_pair(page.after), size=page.size + 1)
        response = pb.ListEventsResponse(events=[event_to(event) for event in found[: page.size]])
        if len(found) > page.size:
            last = found[page.size - 1]
            response.next_page_token = page.token_after(
                last.period.start_time.isoformat(), last.name
            )
        return response

    async def ConfirmEvent(
        self, request: pb.ConfirmEventRequest, context: Context
    ) -> pb.ConfirmEventResponse:
        async def act(tx: StoredTransaction) -> pb.ConfirmEventResponse:
            await self._event(request.name, tx)
            stored = await events.confirm_event(request.name, tx, now=self._clock())
            return pb.ConfirmEventResponse(event=await self._event_to(stored, tx))

        return await self._once(request, pb.ConfirmEventResponse, act)

    async def CancelEvent(
        self, request: pb.CancelEventRequest, context: Context
    ) -> pb.CancelEventResponse:
        async def act(tx: StoredTransaction) -> pb.CancelEventResponse:
            before = await self._event(request.name, tx, lock=True)
            require_etag(request.etag, name=before.name, version=before.version)
            stored = await events.cancel_event(
                before,
                reason=request.reason,
                by=current_principal().subject,
                tx=tx,
                now=self._clock(),
            )
            return pb.CancelEventResponse(event=await self._event_to(stored, tx))

        return await self._once(request, pb.CancelEventResponse, act)

    async def RecordDelivery(
        self, request: pb.RecordDeliveryRequest, context: Context
    ) -> pb.RecordDeliveryResponse:
        async def act(tx: StoredTransaction) -> pb.RecordDeliveryResponse:
            await self._event(request.name, tx)
            stored = await events.record_delivery(
                request.name,
                code=request.check_in_code,
                audience=request.audience_counted,
                tx=tx,
                now=self._clock(),
            )
            return pb.RecordDeliveryResponse(event=await self._event_to(stored, tx))

        return await self._once(request, pb.RecordDeliveryResponse, act)

    async def RateEvent(
        self, request: pb.RateEventRequest, context: Context
    ) -> pb.RateEventResponse:
        rating = from_message(Rating, request.rating, path="rating")

        async def act(tx: StoredTransaction) -> pb.RateEventResponse:
            await self._event(request.name, tx)
            stored = await events.rate_event(request.name, rating, tx, now=self._clock())
            return pb.RateEventResponse(event=await self._event_to(stored, tx))

        return await self._once(request, pb.RateEventResponse, act)

    # who sees what

    async def _seen(self, name: str, tx: StoredTransaction, *, lock: bool = False) -> Request:
        """The request, for who may see it; for others there is none."""
        principal = current_principal()
        request = await tx.requests.get(name, lock=lock)
        scope = node_scope(principal)
        hidden = scope is not None and not set(scope) & set(request.node_path)
        if hidden and request.event and _own_expert():
            event = await tx.events.get(request.event)
            hidden = _own_expert() not in {member.expert for member in event.team}
        if request.state is RequestState.DRAFT and not hidden:
            hidden = await tx.requests.filed_by(name) != principal.subject
        if hidden:
            raise RequestNotFound("no such request", request=name)
        return request

    async def _mine(self, name: str, etag: str, tx: StoredTransaction) -> Request:
        """The request, locked, for a change by who has read it."""
        request = await self._seen(name, tx, lock=True)
        require_etag(etag, name=request.name, version=request.version)
        return request

    async def _host_changed(
        self, name: str, given: pb.Request, paths: Collection[str], tx: StoredTransaction
    ) -> Host | None:
        """The host of the request with what `paths` names as `given` has it; None where they name nothing of it."""
        wanted = host_from(given)
        changed = {field: getattr(wanted, field) for field in _HOST_FIELDS if field in paths}
        return dataclasses.replace(await tx.requests.host(name), **changed) if changed else None

    async def _request_to(self, request: Request, tx: StoredTransaction) -> pb.Request:
        message = request_to(request)
        change = (await tx.requests.changes([request.name])).get(request.name)
        if change is not None:
            message.change.fields[:] = change.fields
            message.change.reason = change.reason
            message.change.time.FromDatetime(change.time)
            if "windows" in change.fields:
                message.change.windows.extend(request_to(change.wanted).windows)
            message.change.wanted.CopyFrom(request_to(change.wanted))
        principal = current_principal()
        released = principal.roles & _COORDINATORS or principal.subject == (
            await tx.requests.filed_by(request.name)
        )
        if not released and request.event and _own_expert():
            event = await tx.events.get(request.event)
            released = _own_expert() in {member.expert for member in event.team}
        return with_host(message, await tx.requests.host(request.name)) if released else message

    async def _event(self, name: str, tx: StoredTransaction, *, lock: bool = False) -> Event:
        """The event, for its venue's people, its team and coordinators; for others there is none."""
        event = await tx.events.get(name, lock=lock)
        scope = node_scope(current_principal())
        in_team = _own_expert() in {member.expert for member in event.team}
        if scope is not None and not set(scope) & set(event.node_path) and not in_team:
            raise EventNotFound("no such event", event=name)
        return event

    async def _event_to(self, event: Event, tx: StoredTransaction) -> pb.Event:
        message = event_to(event)
        in_team = _own_expert() in {member.expert for member in event.team}
        if in_team or current_principal().roles & _COORDINATORS:
            message.check_in_code = await tx.events.code(event.name)
        return message


def _own_expert() -> str:
    own = current_principal().expert_id
    return f"experts/{own}" if own else "nobody"


def _may_ask(principal: Principal) -> Callable[[Venue], None]:
    return lambda venue: require_scope(principal, node_path=list(venue.node_path))


def new_request(message: pb.Request, id: str) -> Request:
    """The request as it is filed: need and emergency are the coordinators' to say."""
    request = from_message(Request, message, path="request")
    request = dataclasses.replace(
        request.written_over(None), name=f"requests/{id or new_id('req')}"
    )
    if current_principal().roles & _COORDINATORS:
        return request
    return dataclasses.replace(request, weight=0, emergency_level=0)


def host_from(message: pb.Request) -> Host:
    """Who receives the team."""
    return Host(host=message.host, host_phone=message.host_phone, notes=message.notes)


def with_host(message: pb.Request, host: Host) -> pb.Request:
    """The same message, for who may know who receives the team."""
    message.host, message.host_phone, message.notes = host.host, host.host_phone, host.notes
    return message


def request_to(request: Request) -> pb.Request:
    """The request as callers read it, without its host."""
    message = to_message(request, pb.Request)
    message.etag = etag_of(request.name, request.version)
    return message


def venue_to(venue: Venue) -> pb.Venue:
    """The venue as callers read it."""
    message = to_message(venue, pb.Venue)
    message.point.datum = common_pb2.DATUM_WGS84
    message.etag = etag_of(venue.name, venue.version)
    return message


def event_to(event: Event) -> pb.Event:
    """The event as callers read it, without its code."""
    message = to_message(event, pb.Event)
    message.etag = etag_of(event.name, event.version)
    return message


def require_point(message: common_pb2.Point, *, path: str) -> None:
    """Refuse a point that is not WGS-84, not in the country, or the wrong way round.

    Raises:
        WrongDatum, SwappedCoordinates, OutsideCountry: with `path`.
    """
    datum = common_pb2.Datum.Name(message.datum).removeprefix("DATUM_")
    try:
        stored_point(
            lat=message.latitude,
            lon=message.longitude,
            datum="WGS84" if datum == "UNSPECIFIED" else datum,
        )
    except (WrongDatum, SwappedCoordinates, OutsideCountry) as refusal:
        raise type(refusal)(
            refusal.sentence, violations=[FieldViolation(path, refusal.sentence)], **refusal.details
        ) from refusal


def _name(after: Sequence[str | int] | None) -> str | None:
    return str(after[0]) if after else None


def _pair(after: Sequence[str | int] | None) -> tuple[str, str] | None:
    return (str(after[0]), str(after[1])) if after else None


def _kind(value: pb.NodeKind.ValueType) -> NodeKind | None:
    return NodeKind[pb.NodeKind.Name(value).removeprefix("NODE_KIND_")] if value else None


def _group(value: common_pb2.AudienceGroup.ValueType) -> Group | None:
    name = common_pb2.AudienceGroup.Name(value).removeprefix("AUDIENCE_GROUP_")
    return Group[name] if value else None
