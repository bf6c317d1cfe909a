"""The relay: publishes what is committed, in order per key, at least once; one per service."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from prometheus_client import Counter, Gauge

from libs.messaging import kafka
from libs.messaging.outbox import CHANNEL
from libs.messaging.topics import state_twin_of
from libs.postgres.outages import OUTAGES, is_lost
from libs.postgres.pool import Pool, acquired
from libs.settings import ServiceSettings

BATCH = 500
DEPTH = 3
"""Batches on their way to the broker at once: while one is acknowledged, the next is read and packed."""
LOOK_BACK = 1000
"""Positions: a fact that was committed so many later than those after it is still taken for a new one."""
POLL_S = 0.5
"""How long a missed wake-up can delay a fact."""
TURN_BATCHES = 50
"""After so many without a rest the relay lets a replay in that waits."""
TURN_POLL_S = 0.05
BACKOFF_MAX_S = 10.0
_LOCK = 0x7A68_6F75  # with the schema: one relay per outbox
_TURN = 0x7A68_6F76  # with the schema: either the relay or a replay has facts on their way

_log = structlog.stdlib.get_logger(__name__)
_published = Counter("zhihui_relay_published", "Facts published", ["service"])
_waiting = Gauge("zhihui_outbox_age_seconds", "Age of the oldest unpublished fact", ["service"])

_COLUMNS = "position, message_id, topic, key, type, version, occurred_at, payload, traceparent"
# Committed rows are taken by their position, whoever else is still in the middle of something (docs/adr/0030).
_OLDEST = f"""
    SELECT {_COLUMNS}
      FROM outbox
     WHERE published_at IS NULL AND position <> ALL($1::bigint[])
     ORDER BY position
     LIMIT {BATCH}
"""  # noqa: S608  # constants
# A new fact may go before a backlog of others, but never before an older one of its own key.
_NEWEST = f"""
    SELECT {_COLUMNS}
      FROM outbox AS fact
     WHERE published_at IS NULL AND position <> ALL($1::bigint[]) AND position > $2
       AND NOT EXISTS (
               SELECT
                 FROM outbox AS earlier
                WHERE earlier.topic = fact.topic AND earlier.key = fact.key
                  AND earlier.position < fact.position
                  AND earlier.published_at IS NULL AND earlier.position <> ALL($1::bigint[])
           )
     ORDER BY position
     LIMIT {BATCH}
"""  # noqa: S608  # constants

# What a tombstone says is forgotten here, too: a replay must not bring it back.
_FORGET = """
    UPDATE outbox AS earlier
       SET payload = NULL
      FROM outbox AS last
     WHERE last.position = ANY($1)
       AND last.type = 'tombstone'
       AND earlier.topic = last.topic
       AND earlier.key = last.key
       AND earlier.position < last.position
       AND earlier.payload IS NOT NULL
"""


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
                async with acquired(self._pool) as connection:
                    await self._locked(connection)
                    async with kafka.Producer(
                        self._bootstrap, client=f"{self._service}-relay"
                    ) as producer:
                        _log.info("relaying", bootstrap=self._bootstrap)
                        await self._replayed(connection, producer)
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

    async def _replayed(self, connection: Any, producer: kafka.Producer) -> None:
        if self._replay:
            count = await republish(connection, producer, service=self._service)
            _log.info("replayed", count=count)
            self._replay = False

    async def _publish(self, connection: Any, producer: kafka.Producer) -> None:
        schema = await connection.fetchval("SELECT current_schema()")

        def wake(_connection: Any, _pid: int, _channel: str, payload: str) -> None:
            if payload == schema:
                self._news.set()

        await connection.add_listener(CHANNEL, wake)
        source, turn, on_the_way = _Source(connection), _Turn(connection), deque[_Sent]()
        try:
            while True:
                self._news.clear()
                rows: Sequence[Any] = ()
                if len(on_the_way) < DEPTH and await turn.taken():
                    rows = await source.next(sent=on_the_way)
                if rows:
                    there = await send_rows(producer, rows, service=self._service)
                    there.add_done_callback(lambda _: self._news.set())
                    forgets = any(row["payload"] is None for row in rows)
                    on_the_way.append(_Sent([row["position"] for row in rows], there, forgets))
                elif turn.over and not on_the_way:
                    await turn.given_back()
                else:
                    if not on_the_way:
                        await turn.given_back()
                        _waiting.labels(self._service).set(await source.age_s())
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._news.wait(), turn.pause_s)
                await self._settle(connection, on_the_way)
        finally:
            for sent in on_the_way:
                sent.there.add_done_callback(_looked_at)
                sent.there.cancel()
            if not is_lost(connection):
                with contextlib.suppress(*OUTAGES):
                    await connection.remove_listener(CHANNEL, wake)
                    await connection.execute("SELECT pg_advisory_unlock_all()")

    async def _settle(self, connection: Any, on_the_way: deque[_Sent]) -> None:
        """Remember what the broker has acknowledged; in the order of sending, so that a restart leaves no gap."""
        positions: list[int] = []
        forgets = False
        while on_the_way and on_the_way[0].there.done():
            on_the_way[0].there.result()
            sent = on_the_way.popleft()
            positions += sent.positions
            forgets = forgets or sent.forgets
        if forgets:  # first: a crash in between does it again
            await connection.execute(_FORGET, positions)
        if positions:
            await connection.execute(
                "UPDATE outbox SET published_at = now() WHERE position = ANY($1)", positions
            )
            _published.labels(self._service).inc(len(positions))


def _looked_at(there: asyncio.Future[Any]) -> None:
    """What becomes of it does not matter any more: the rows are not marked, and are sent again."""
    if not there.cancelled():
        there.exception()


@dataclass(frozen=True, slots=True)
class _Sent:
    """A batch that the broker may or may not have yet."""

    positions: Sequence[int]
    there: asyncio.Future[Any]
    forgets: bool
    """Whether a tombstone is among them."""


class _Turn:
    """What is on its way is the relay's alone: a replay waits for it, and then the relay for the replay.

    Else an old fact that is published again could come after a newer one of its key that was published at the same
    moment, and a compacted state twin would keep the old one.
    """

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._mine = False
        self._refused = False
        self._batches = 0

    async def taken(self) -> bool:
        """Whether more may be sent now."""
        if not self._mine:
            self._batches = 0
            self._mine = await self._connection.fetchval(
                "SELECT pg_try_advisory_lock_shared($1, hashtext(current_schema()))", _TURN
            )
            self._refused = not self._mine
        self._batches += 1
        return self._mine and not self.over

    @property
    def over(self) -> bool:
        """Whether it has been long enough for others to be let in."""
        return self._mine and self._batches > TURN_BATCHES

    @property
    def pause_s(self) -> float:
        """How long to wait for news at most."""
        return TURN_POLL_S if self._refused else POLL_S

    async def given_back(self) -> None:
        """Let a replay have its turn."""
        if self._mine:
            self._mine = False
            await self._connection.execute(
                "SELECT pg_advisory_unlock_shared($1, hashtext(current_schema()))", _TURN
            )


class _Source:
    """What to send next: the oldest first, and with a backlog in turns with what is new, so that nobody starves."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._behind = False
        self._new_after: int | None = None

    async def next(self, *, sent: Iterable[_Sent]) -> Sequence[Any]:
        """Rows to send, in order per key; those `sent` are on their way and not among them."""
        gone = [position for one in sent for position in one.positions]
        fresh: Sequence[Any] = ()
        if self._behind:
            fresh = await self._fresh(gone)
            gone += [row["position"] for row in fresh]
        else:
            self._new_after = None
        oldest = await self._connection.fetch(_OLDEST, gone)
        self._behind = len(oldest) == BATCH
        return [*fresh, *oldest]

    async def _fresh(self, gone: Sequence[int]) -> Sequence[Any]:
        if self._new_after is None:
            self._new_after = await self._connection.fetchval("SELECT max(position) FROM outbox")
        rows: Sequence[Any] = await self._connection.fetch(
            _NEWEST, gone, self._new_after - LOOK_BACK
        )
        if rows:
            self._new_after = max(self._new_after, rows[-1]["position"])
        return rows

    async def age_s(self) -> float:
        """Of the oldest fact that waits; 0 without one."""
        age_s = await self._connection.fetchval(
            """
            SELECT extract(epoch FROM now() - occurred_at)
              FROM outbox
             WHERE published_at IS NULL
             ORDER BY position
             LIMIT 1
            """
        )
        return float(age_s or 0)


async def send_rows(
    producer: kafka.Producer, rows: Sequence[Any], *, service: str
) -> asyncio.Future[Any]:
    """Hand outbox rows over for their topics and state twins; await what it gives to know that the broker has them."""
    records: list[kafka.Record] = []
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
        records += [
            kafka.Record(topic, row["key"], row["payload"], headers)
            for topic in (row["topic"], state_twin_of(row["topic"]))
        ]
    return await producer.send_all(records)


async def republish(
    connection: Any,
    producer: kafka.Producer,
    *,
    service: str,
    since: datetime | None = None,
    topic: str | None = None,
    key: str | None = None,
    after: int = 0,
    there: Callable[[int], bool] = lambda _position: True,
) -> int:
    """Publish again what was published, in the same order and with the same message ids; gives how many.

    `since` is inclusive; None and empty choose everything. What was never published is left to the relay; what a
    tombstone has made forgotten stays so. `after` is the outbox position to go on behind; `there` is told each position up to
    which the broker has everything, and ends it by answering False.
    """
    count = 0
    while True:
        await connection.execute("SELECT pg_advisory_lock($1, hashtext(current_schema()))", _TURN)
        try:
            rows = await _published_rows(connection, after, since, topic, key)
            if not rows:
                return count
            await (await send_rows(producer, rows, service=service))
        finally:
            if not is_lost(connection):
                await connection.execute(
                    "SELECT pg_advisory_unlock($1, hashtext(current_schema()))", _TURN
                )
        after = rows[-1]["position"]
        count += len(rows)
        if not there(after):
            return count


async def _published_rows(
    connection: Any, after: int, since: datetime | None, topic: str | None, key: str | None
) -> Sequence[Any]:
    rows: Sequence[Any] = await connection.fetch(
        f"""
        SELECT {_COLUMNS}
          FROM outbox
         WHERE published_at IS NOT NULL AND position > $1
           AND (payload IS NOT NULL OR type = 'tombstone')
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
    return rows
