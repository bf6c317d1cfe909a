"""`zhihui.feeds.v1.FeedsService`: decode, call one handler, encode."""

import base64
import secrets
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

from google.protobuf.message import Message
from grpc import aio
from zhihui.feeds.v1 import feeds_pb2 as pb
from zhihui.feeds.v1 import feeds_pb2_grpc as pb_grpc

from libs.auth.principal import Role, current_principal
from libs.clock import Clock
from libs.ids import new_id
from libs.messaging.operations import FactsStatus
from libs.postgres.pool import Connection
from libs.rpc.mapping import to_message
from libs.rpc.paging import page_of
from libs.rpc.repeat import once
from services.feeds.domain.calendar import Calendar, Entry
from services.feeds.domain.webhook import Webhook, WebhookState
from services.feeds.handlers import calendar as calendars
from services.feeds.handlers import webhook as webhooks
from services.feeds.ports import Transaction

Context = aio.ServicerContext[Any, Any]
Response = TypeVar("Response", bound=Message)


class StoredTransaction(Transaction, Protocol):
    """A transaction of ours over a connection, which the kit needs for repeated calls."""

    @property
    def connection(self) -> Connection:
        """The connection, with the transaction open."""


class Watch(Protocol):
    """The last look at all facts."""

    @property
    def status(self) -> FactsStatus | None:
        """None before the first."""

    @property
    def as_of(self) -> datetime | None:
        """When that was so."""

    @property
    def outage(self) -> str:
        """What could not be asked, '' when everything answered."""


class FeedsServicer(pb_grpc.FeedsServiceServicer):
    """Whose: a webhook and a calendar belong to who made them."""

    def __init__(
        self,
        *,
        transaction: Callable[[], AbstractAsyncContextManager[StoredTransaction]],
        clock: Clock,
        check: webhooks.Check,
        calendar_text: Callable[[str, Sequence[Entry]], tuple[str, str]],
        watch: Watch,
    ) -> None:
        self._transaction = transaction
        self._clock = clock
        self._check = check
        self._calendar_text = calendar_text
        self._watch = watch

    async def _once(
        self,
        request: Message,
        response_type: type[Response],
        act: Callable[[StoredTransaction], Awaitable[Response]],
    ) -> Response:
        async with self._transaction() as tx:
            return await once(tx.connection, request, response_type, lambda: act(tx))

    # webhooks

    async def CreateWebhook(
        self, request: pb.CreateWebhookRequest, context: Context
    ) -> pb.CreateWebhookResponse:
        who = current_principal()
        webhook = Webhook(
            name=f"webhooks/{new_id('wh')}",
            url=request.webhook.url,
            topics=tuple(request.webhook.topics),
            owner=who.subject,
            state=WebhookState.ACTIVE,
            create_time=self._clock(),
        )
        secret = new_secret()
        async with self._transaction() as tx:
            made = await webhooks.create(webhook, who, tx, secret=secret, check=self._check)
        return pb.CreateWebhookResponse(webhook=to_message(made, pb.Webhook), secret=secret)

    async def ListWebhooks(
        self, request: pb.ListWebhooksRequest, context: Context
    ) -> pb.ListWebhooksResponse:
        page = page_of(request)
        who = current_principal()
        owner = None if Role.ADMIN in who.roles else who.subject
        async with self._transaction() as tx:
            found = await tx.webhooks.page(owner=owner, after=_text(page.after), size=page.size + 1)
        response = pb.ListWebhooksResponse(
            webhooks=[to_message(one, pb.Webhook) for one in found[: page.size]]
        )
        if len(found) > page.size:
            response.next_page_token = page.token_after(found[page.size - 1].name)
        return response

    async def PauseWebhook(
        self, request: pb.PauseWebhookRequest, context: Context
    ) -> pb.PauseWebhookResponse:
        async def act(tx: StoredTransaction) -> pb.PauseWebhookResponse:
            state = WebhookState.PAUSED
            after = await webhooks.set_state(request.name, state, current_principal(), tx)
            return pb.PauseWebhookResponse(webhook=to_message(after, pb.Webhook))

        return await self._once(request, pb.PauseWebhookResponse, act)

    async def ResumeWebhook(
        self, request: pb.ResumeWebhookRequest, context: Context
    ) -> pb.ResumeWebhookResponse:
        async def act(tx: StoredTransaction) -> pb.ResumeWebhookResponse:
            state = WebhookState.ACTIVE
            after = await webhooks.set_state(request.name, state, current_principal(), tx)
            return pb.ResumeWebhookResponse(webhook=to_message(after, pb.Webhook))

        return await self._once(request, pb.ResumeWebhookResponse, act)

    async def RotateWebhookSecret(
        self, request: pb.RotateWebhookSecretRequest, context: Context
    ) -> pb.RotateWebhookSecretResponse:
        secret = new_secret()
        async with self._transaction() as tx:
            webhook = await webhooks.owned(request.name, current_principal(), tx)
            await tx.webhooks.set_secret(request.name, secret, now=self._clock())
        return pb.RotateWebhookSecretResponse(
            webhook=to_message(webhook, pb.Webhook), secret=secret
        )

    async def DeleteWebhook(
        self, request: pb.DeleteWebhookRequest, context: Context
    ) -> pb.DeleteWebhookResponse:
        async def act(tx: StoredTransaction) -> pb.DeleteWebhookResponse:
            await webhooks.owned(request.name, current_principal(), tx)
            await tx.webhooks.remove(request.name)
            return pb.DeleteWebhookResponse()

        return await self._once(request, pb.DeleteWebhookResponse, act)

    async def ListDeliveries(
        self, request: pb.ListDeliveriesRequest, context: Context
    ) -> pb.ListDeliveriesResponse:
        page = page_of(request)
        state = (
            pb.Delivery.State.Name(request.state).removeprefix("STATE_") if request.state else ""
        )
        before = int(page.after[0]) if page.after else None
        async with self._transaction() as tx:
            await webhooks.owned(request.webhook, current_principal(), tx)
            found = await tx.webhooks.deliveries(
                request.webhook, state=state, before=before, size=page.size + 1
            )
        response = pb.ListDeliveriesResponse(
            deliveries=[to_message(one, pb.Delivery) for _, one in found[: page.size]]
        )
        if len(found) > page.size:
            response.next_page_token = page.token_after(found[page.size - 1][0])
        return response

    async def ReplayDeliveries(
        self, request: pb.ReplayDeliveriesRequest, context: Context
    ) -> pb.ReplayDeliveriesResponse:
        since = request.since.ToDatetime(UTC) if request.HasField("since") else None

        async def act(tx: StoredTransaction) -> pb.ReplayDeliveriesResponse:
            count = await webhooks.replay(
                request.webhook,
                current_principal(),
                tx,
                since=since,
                failed_only=request.failed_only,
                now=self._clock(),
            )
            return pb.ReplayDeliveriesResponse(count=count)

        return await self._once(request, pb.ReplayDeliveriesResponse, act)

    # calendars

    async def CreateCalendar(
        self, request: pb.CreateCalendarRequest, context: Context
    ) -> pb.CreateCalendarResponse:
        who = current_principal()
        calendar = Calendar(
            name=f"calendars/{new_id('cal')}",
            subject=request.subject,
            owner=who.subject,
            create_time=self._clock(),
        )
        token = secrets.token_urlsafe(32)
        async with self._transaction() as tx:
            made = await calendars.create(calendar, who, tx, token=token)
        return pb.CreateCalendarResponse(calendar=to_message(made, pb.Calendar), token=token)

    async def ListCalendars(
        self, request: pb.ListCalendarsRequest, context: Context
    ) -> pb.ListCalendarsResponse:
        page = page_of(request)
        async with self._transaction() as tx:
            found = await tx.calendars.page(
                owner=current_principal().subject, after=_text(page.after), size=page.size + 1
            )
        response = pb.ListCalendarsResponse(
            calendars=[to_message(one, pb.Calendar) for one in found[: page.size]]
        )
        if len(found) > page.size:
            response.next_page_token = page.token_after(found[page.size - 1].name)
        return response

    async def RotateCalendar(
        self, request: pb.RotateCalendarRequest, context: Context
    ) -> pb.RotateCalendarResponse:
        token = secrets.token_urlsafe(32)
        async with self._transaction() as tx:
            calendar = await calendars.owned(request.name, current_principal(), tx)
            await tx.calendars.set_token(calendar.name, calendars.hash_of(token))
        return pb.RotateCalendarResponse(calendar=to_message(calendar, pb.Calendar), token=token)

    async def RevokeCalendar(
        self, request: pb.RevokeCalendarRequest, context: Context
    ) -> pb.RevokeCalendarResponse:
        async def act(tx: StoredTransaction) -> pb.RevokeCalendarResponse:
            await calendars.owned(request.name, current_principal(), tx)
            await tx.calendars.remove(request.name)
            return pb.RevokeCalendarResponse()

        return await self._once(request, pb.RevokeCalendarResponse, act)

    async def ReadCalendar(
        self, request: pb.ReadCalendarRequest, context: Context
    ) -> pb.ReadCalendarResponse:
        async with self._transaction() as tx:
            _, name, entries = await calendars.opened(request.calendar_token, tx, now=self._clock())
        text, etag = self._calendar_text(f"智惠 {name}".strip(), entries)
        return pb.ReadCalendarResponse(text=text, etag=etag)

    # operations

    async def GetFactsStatus(
        self, request: pb.GetFactsStatusRequest, context: Context
    ) -> pb.GetFactsStatusResponse:
        response = pb.GetFactsStatusResponse(status=pb.FactsStatus(outage=self._watch.outage))
        found, told = self._watch.status, response.status
        if found is None or self._watch.as_of is None:
            return response
        told.as_of_time.FromDatetime(self._watch.as_of)
        told.contract, told.worry = found.contract, found.worry
        told.outboxes.extend(to_message(one, pb.FactsStatus.Outbox) for one in found.outboxes)
        for one in found.groups:
            group = told.groups.add(
                group=one.group, topic=one.topic, taken=one.taken, waiting=one.waiting
            )
            if one.group in found.last_taken:
                group.last_taken_time.FromDatetime(found.last_taken[one.group])
        for service, count in found.dead_letters.items():
            told.dead_letters.add(service=service, count=count)
        told.long_transactions.extend(
            to_message(one, pb.FactsStatus.LongTransaction) for one in found.long_transactions
        )
        return response


def new_secret() -> str:
    """As Standard Webhooks writes secrets: 24 random bytes in base64 behind `whsec_`."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()


def _text(after: tuple[Any, ...] | None) -> str | None:
    return str(after[0]) if after else None
