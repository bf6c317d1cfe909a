"""The relay: publishes what is committed, in order per key, at least once; one per service."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Sequence
from datetime import datetime
from typing import Any

import structlog
from prometheus_client import Counter, Gauge

from libs.messaging import kafka
from libs.messaging.outbox import CHANNEL
from libs.messaging.topics import state_twin_of
from libs.postgres.outages import OUTAGES
from libs.postgres.pool import Pool
from libs.settings import ServiceSettings

BATCH = 500
POLL_S = 0.5
"""How long a missed wake-up can delay a fact."""
PENDING_POLL_S = 0.02
"""While an older transaction is open, what came after it must wait: look again soon."""
BACKOFF_MAX_S = 10.0
_LOCK = 0x7A68_6F75  # with the schema: one relay per outbox

_log = structlog.stdlib.get_logger(__name__)
_published = Counter("zhihui_relay_published", "Facts published", ["service"])
_waiting = Gauge("zhihui_outbox_age_seconds", "Age of the oldest unpublished fact", ["service"])

_COLUMNS = "position, message_id, topic, key, type, version, occurred_at, payload, traceparent"
_NEXT = f"""
    SELECT {_COLUMNS}
      FROM outbox
     WHERE published_at IS NULL
       AND xid < pg_snapshot_xmin(pg_current_snapshot())
     ORDER BY position
     LIMIT {BATCH}
"""  # noqa: S608  # constants
# A row of a transaction that began before one still open might be overtaken by it: it waits (xid < xmin).


class Relay:
    """Publishes a service's outbox; `run` it beside the server.

    A second relay of the same service waits for the advisory lock and takes over when the first has gone. The lock and
    LISTEN belong to a session: the relay's pool must not go through pgbouncer in transaction mode.
    """

    def __init__(self, pool: Pool, settings: ServiceSettings) -> None:
        self._pool = pool
        self._service = settings.service
        self._bootstrap = settings.kafka_bootstrap
        self._replay = settings.kafka_replay_on_start
        self._news = asyncio.Event()

    async def run(self) -> None:
        """Publish for ever; outages of database and broker are waited out."""
        backoff_s = 0.1
        while True:
            try:
                async with self._pool.acquire() as connection:
                    await self._locked(connection)
                    async with kafka.Producer(
                        self._bootstrap, client=f"{self._service}-relay"
                    ) as producer:
                        _log.info("relaying", bootstrap=self._bootstrap)
                        if self._replay:
                            count = await republish(connection, producer, service=self._service)
                            _log.info("replayed", count=count)
                            self._replay = False
                        backoff_s = 0.1
                        await self._publish(connection, producer)
            except (*OUTAGES, *kafka.OUTAGES) as error:
                _log.warning("relay_outage", error=repr(error), again_in_s=backoff_s)
                await asyncio.sleep(backoff_s)
                backoff_s = min(2 * backoff_s, BACKOFF_MAX_S)

    async def _locked(self, connection: Any) -> None:
        # asked again and again: a statement that waits for the lock would run into the command timeout
        while not await connection.fetchval(  # noqa: ASYNC110  # another process's lock has no event
            "SELECT pg_try_advisory_lock($1, hashtext(current_schema()))", _LOCK
        ):
            await asyncio.sleep(1)

    async def _publish(self, connection: Any, producer: kafka.Producer) -> None:
        schema = await connection.fetchval("SELECT current_schema()")

        def wake(_connection: Any, _pid: int, _channel: str, payload: str) -> None:
            if payload == schema:
                self._news.set()

        await connection.add_listener(CHANNEL, wake)
        try:
            while True:
                self._news.clear()
                rows = await connection.fetch(_NEXT)
                if rows:
                    await send_rows(producer, rows, service=self._service)
                    await connection.execute(
                        "UPDATE outbox SET published_at = now() WHERE position = ANY($1)",
                        [row["position"] for row in rows],
                    )
                    _published.labels(self._service).inc(len(rows))
                    continue
                age_s = await connection.fetchval(
                    "SELECT extract(epoch FROM now() - min(occurred_at)) FROM outbox WHERE published_at IS NULL"
                )
                _waiting.labels(self._service).set(float(age_s or 0))
                pause_s = POLL_S if age_s is None else PENDING_POLL_S
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), pause_s)
        finally:
            if not connection.is_closed():
                with contextlib.suppress(*OUTAGES):
                    await connection.remove_listener(CHANNEL, wake)
                    await connection.execute("SELECT pg_advisory_unlock_all()")


async def send_rows(producer: kafka.Producer, rows: Sequence[Any], *, service: str) -> None:
    """Publish outbox rows to their topics and state twins; returns when the broker has them all."""
    sent: list[Awaitable[Any]] = []
    for row in rows:
        headers = kafka.headers_of(
            kafka.Envelope(
                message_id=row["message_id"],
                source=service,
                type=row["type"],
                key=row["key"],
                version=row["version"],
                occurred_at=row["occurred_at"],
                traceparent=row["traceparent"],
            )
        )
        sent += [
            await producer.send(topic, key=row["key"], payload=row["payload"], headers=headers)
            for topic in (row["topic"], state_twin_of(row["topic"]))
        ]
    await asyncio.gather(*sent)


async def republish(
    connection: Any,
    producer: kafka.Producer,
    *,
    service: str,
    since: datetime | None = None,
    topic: str | None = None,
    key: str | None = None,
) -> int:
    """Publish again what was published, in the same order and with the same message ids; gives how many.

    `since` is inclusive; None and empty choose everything. What was never published is left to the relay.
    """
    count, after = 0, 0
    while True:
        rows = await connection.fetch(
            f"""
            SELECT {_COLUMNS}
              FROM outbox
             WHERE published_at IS NOT NULL AND position > $1
               AND ($2::timestamptz IS NULL OR occurred_at >= $2)
               AND ($3::text IS NULL OR topic = $3)
               AND ($4::text IS NULL OR key = $4)
             ORDER BY position
             LIMIT {BATCH}
            """,  # noqa: S608  # constants
            after,
            since,
            topic,
            key,
        )
        if not rows:
            return count
        await send_rows(producer, rows, service=service)
        after = rows[-1]["position"]
        count += len(rows)
