"""Sends what is due, signed as Standard Webhooks says; a slow receiver holds nobody up but itself."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import structlog
from prometheus_client import Counter
from standardwebhooks import Webhook as Signature

from libs.clock import Clock
from libs.postgres.outages import OUTAGES
from services.feeds.adapters.postgres import Due, PostgresDue
from services.feeds.domain.webhook import WebhookState
from services.feeds.ports import Receiver

EACH = 10
"""Deliveries of one webhook in a row, before the others are looked at again."""
LOOK_S = 0.5
FORGET_EVERY_S = 3600.0
BACKOFF_MAX_S = 10.0

_log = structlog.stdlib.get_logger(__name__)
_sent = Counter("zhihui_webhook_attempts", "Attempts to deliver a fact", ["result"])
_disabled = Counter("zhihui_webhooks_disabled", "Webhooks that were given up")


class Sender:
    """Sends due deliveries; each webhook's in their order, one after the other, many webhooks at once."""

    def __init__(
        self,
        due: PostgresDue,
        receiver: Receiver,
        *,
        clock: Clock,
        at_once: int,
        timeout_s: float,
    ) -> None:
        self._due = due
        self._receiver = receiver
        self._clock = clock
        self._at_once = at_once
        # longer than a whole row of attempts takes: a crash in the middle only delays them
        self._lease = timedelta(seconds=EACH * timeout_s + 30)
        self._busy: set[str] = set()

    async def run(self) -> None:
        """Send for ever; outages of the database are waited out."""
        backoff_s = LOOK_S
        forget_in_s = 0.0
        while True:
            try:
                async with asyncio.TaskGroup() as rows:
                    while True:
                        await self._look(rows)
                        if forget_in_s <= 0:
                            await self._due.forget_old(now=self._clock())
                            forget_in_s = FORGET_EVERY_S
                        forget_in_s -= LOOK_S
                        backoff_s = LOOK_S
                        await asyncio.sleep(LOOK_S)
            except* OUTAGES as errors:
                _log.warning("webhooks_outage", error=repr(errors.exceptions[0]))
            self._busy.clear()
            await asyncio.sleep(backoff_s)
            backoff_s = min(2 * backoff_s, BACKOFF_MAX_S)

    async def _look(self, rows: asyncio.TaskGroup) -> None:
        free = self._at_once - len(self._busy)
        if free <= 0:
            return
        claimed = await self._due.claim(
            now=self._clock(),
            lease=self._lease,
            busy=sorted(self._busy),
            webhooks=free,
            each=EACH,
        )
        for webhook in {one.webhook for one in claimed}:
            self._busy.add(webhook)
            rows.create_task(self._row(webhook, [one for one in claimed if one.webhook == webhook]))

    async def _row(self, webhook: str, row: Sequence[Due]) -> None:
        for due in row:
            answer = await self._receiver.send(due.url, body=due.body, headers=self._headers(due))
            _sent.labels("taken" if answer.taken else "failed").inc()
            given_up = await self._due.note(due, answer, now=self._clock())
            if given_up is WebhookState.DISABLED:
                _disabled.inc()
                _log.warning(
                    "webhook_disabled",
                    webhook=webhook,
                    attempts=due.delivery.attempts + 1,
                    status=answer.status,
                    error=answer.error,
                )
                break
        self._busy.discard(webhook)

    def _headers(self, due: Due) -> dict[str, str]:
        now = self._clock()
        message_id = due.delivery.message_id
        signatures = [
            Signature(secret).sign(message_id, now, due.body.decode()) for secret in due.secrets
        ]
        return {
            "content-type": "application/json",
            "user-agent": "zhihui-webhooks/1",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(signatures),
        }
