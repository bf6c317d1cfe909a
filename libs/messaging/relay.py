"""The relay: publishes what is committed, in order per key, at least once; one per service."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from prometheus_client import Counter, Gauge

from libs.messaging import kafka
from libs.messaging.outbox import CHANNEL, TOMBSTONE
from libs.messaging.topics import fence_of, state_twin_of
from libs.postgres.outages import OUTAGES, is_lost
from libs.postgres.pool import Pool, acquired
from libs.settings import ServiceSettings

BATCH = 500
DEPTH = 3
"""Batches on their way to the broker at once: while one is acknowledged, the next is read and packed."""
LOOK_BACK = 1000
"""Positions: a fact that was committed so many later than those after it is still taken for a new one."""
POLL_S = 0.5
"""How long a missed wake-up can delay a fact, and how long a replay waits for a relay at most."""
YIELD_S = 1.0
"""How long facts wait for a rush of calls at most; a backlog does not."""
YIELD_STEP_S = 0.02
LOCK_POLL_S = 0.1
REST_S = 0.15
"""Between two turns of a replay: longer than `LOCK_POLL_S`, so that the relay has a turn, too."""
REPLAY_BATCHES = 4
"""Batches of a replay's turn; the relay's new facts wait for so many, which takes about half a second."""
BACKOFF_MAX_S = 10.0
RENEW_S = 86_400
"""How long a producer is kept: a broker forgets a fence that nobody has asked for in seven days."""
_LOCK = (
    0x7A68_6F75  # with the schema: who has it publishes from the outbox, be it a relay or a replay
)

_log = structlog.stdlib.get_logger(__name__)
_published = Counter("zhihui_relay_published", "Facts published", ["service"])
_waiting = Gauge("zhihui_outbox_age_seconds", "Age of the oldest unpublished fact", ["service"])

_COLUMNS = "position, message_id, topic, key, type, version, occurred_at, payload, traceparent"
# Committed rows are taken by their position, whoever else is still in the middle of something (docs/adr/0030).
_OLDEST = "SELECT position FROM outbox_waiting ORDER BY position LIMIT $1"
# New ones, each with the newest of those before it that have its key and wait, too. The subqueries are scalar for the plan's
# sake: a few look-ups for each new fact, and no join with all that waits.
_NEWEST = """
    SELECT position
         , (
               SELECT earlier.position
                 FROM outbox AS earlier
                WHERE earlier.topic = fact.topic AND earlier.key = fact.key
                  AND earlier.position < fact.position
                  AND earlier.position >= (SELECT min(position) FROM outbox_waiting)
                  AND (SELECT true FROM outbox_waiting AS still WHERE still.position = earlier.position)
                ORDER BY earlier.position DESC
                LIMIT 1
           ) AS behind
      FROM (SELECT position FROM outbox_waiting WHERE position > $1 ORDER BY position LIMIT $2) AS waiting
      JOIN outbox AS fact USING (position)
     ORDER BY position
"""
_ROWS = f"SELECT {_COLUMNS} FROM outbox WHERE position = ANY($1::bigint[]) ORDER BY position"  # noqa: S608  # constants

# Only a replay waits for the lock; relays ask for it now and then.
_WANTED = """
    SELECT EXISTS (
               SELECT
                 FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
                WHERE locktype = 'advisory' AND datname = current_database()
                  AND classid = $1 AND objid = hashtext(current_schema())::oid
                  AND NOT granted
           )
"""

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

    A second relay of the same service waits for the advisory lock and takes over when the first has gone. One that has
    lost the lock and does not know it yet is stopped by the broker (docs/adr/0032). The lock and LISTEN belong to a
    session: the relay's pool must not go through pgbouncer in transaction mode.
    """

    def __init__(
        self, pool: Pool, settings: ServiceSettings, *, rushed: Callable[[], bool] = lambda: False
    ) -> None:
        """`rushed`: whether the process has so many calls to answer that facts should wait for a moment."""
        self._pool = pool
        self._rushed = rushed
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
                    # Marks need not wait for the disk: one that a crash takes back only lets its fact go out again.
                    await connection.execute("SET synchronous_commit = off")
                    async with kafka.Producer(
                        self._bootstrap,
                        client=f"{self._service}-relay",
                        fence=fence_of(self._service),
                    ) as producer:
                        _log.info("relaying", bootstrap=self._bootstrap)
                        await self._replayed(connection, producer)
                        backoff_s = 0.1
                        await self._publish(connection, producer)  # until another wants the lock
            except (*OUTAGES, *kafka.OUTAGES) as error:
                _log.warning("relay_outage", error=repr(error), again_in_s=backoff_s)
                await asyncio.sleep(backoff_s)
                backoff_s = min(2 * backoff_s, BACKOFF_MAX_S)

    async def _locked(self, connection: Any) -> None:
        # asked again and again: a statement that waits for the lock would run into the command timeout
        while not await connection.fetchval(  # noqa: ASYNC110  # another process's lock has no event
            "SELECT pg_try_advisory_lock($1, hashtext(current_schema()))", _LOCK
        ):
            await asyncio.sleep(LOCK_POLL_S)

    async def _replayed(self, connection: Any, producer: kafka.Producer) -> None:
        if self._replay:
            count = await republish(
                connection,
                lambda: contextlib.nullcontext(producer),
                service=self._service,
                rest_s=0,  # whoever has the lock lets nobody in between
            )
            _log.info("replayed", count=count)
            self._replay = False

    async def _publish(self, connection: Any, producer: kafka.Producer) -> None:
        """Until a replay waits for its turn, or the producer is a day old; nothing is on its way then."""
        schema = await connection.fetchval("SELECT current_schema()")

        def wake(_connection: Any, _pid: int, _channel: str, payload: str) -> None:
            if payload == schema:
                source.told = True
                self._news.set()

        source, on_the_way = Source(connection), deque[_Sent]()
        await connection.add_listener(CHANNEL, wake)
        ends_at, looked_at, leaving = time.monotonic() + RENEW_S, -POLL_S, False
        rows: Sequence[Any] = ()  # read, and not yet sent
        try:
            while not leaving or on_the_way:
                self._news.clear()
                if time.monotonic() - looked_at >= POLL_S:
                    leaving = await connection.fetchval(_WANTED, _LOCK)
                    _waiting.labels(self._service).set(await source.age_s())
                    looked_at, source.told = time.monotonic(), True
                    leaving = leaving or looked_at > ends_at
                if leaving:
                    rows = ()
                elif not rows:
                    if not source.behind:
                        await self._rush_over()
                    rows = await source.next(gone=_positions(on_the_way))
                if rows and len(on_the_way) < DEPTH:
                    mine = [row["position"] for row in rows]
                    forgets = any(row["payload"] is None for row in rows)
                    packing = asyncio.create_task(  # noqa: TID251  # awaited or cancelled right here
                        send_rows(producer, rows, service=self._service)
                    )
                    try:  # packed while PostgreSQL marks those before, and looks for those behind
                        gone = _positions(on_the_way) + mine
                        await self._settle(connection, on_the_way)
                        rows = await source.next(gone=gone)
                    except BaseException:
                        packing.cancel()
                        raise
                    there = await packing
                    there.add_done_callback(lambda _: self._news.set())
                    on_the_way.append(_Sent(mine, there, forgets))
                elif not await self._settle(connection, on_the_way):
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._news.wait(), POLL_S)
        finally:
            for sent in on_the_way:
                sent.there.add_done_callback(_looked_at)
                sent.there.cancel()
            if not is_lost(connection):
                with contextlib.suppress(*OUTAGES):
                    await connection.remove_listener(CHANNEL, wake)
                    await connection.execute("SELECT pg_advisory_unlock_all()")

    async def _rush_over(self) -> None:
        """Calls go first: a fact, and all that others do with it, can wait for a second where somebody waits for an answer."""
        until = time.monotonic() + YIELD_S
        while self._rushed() and time.monotonic() < until:  # noqa: ASYNC110  # a load has no event
            await asyncio.sleep(YIELD_STEP_S)

    async def _settle(self, connection: Any, on_the_way: deque[_Sent]) -> bool:
        """Remember what the broker has acknowledged; in the order of sending, so that a restart leaves no gap.

        Gives whether there was anything: who waits for news without asking may have missed them.
        """
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
                "DELETE FROM outbox_waiting WHERE position = ANY($1::bigint[])", positions
            )
            _published.labels(self._service).inc(len(positions))
        return bool(positions)


def _positions(batches: Iterable[_Sent]) -> list[int]:
    return [position for one in batches for position in one.positions]


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


class Source:
    """What to send next: the oldest first, and with a backlog in turns with what is new, so that nobody starves."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.behind = False
        """Whether the last look did not reach the newest fact."""
        self._new_after: int | None = None
        self.told = True
        """Whether something may have been committed since new facts were looked for."""

    async def next(self, *, gone: Sequence[int]) -> Sequence[Any]:
        """Rows to send, in order per key; those at `gone` are on their way and not among them."""
        known = set(gone)
        found = await self._connection.fetch(_OLDEST, len(known) + BATCH)
        oldest = [row["position"] for row in found if row["position"] not in known][:BATCH]
        fresh: list[int] = []
        if self.behind and oldest and self.told:
            self.told = False
            fresh = await self._fresh(known)
            oldest = [position for position in oldest if position not in {*fresh}]
        self.behind = len(oldest) + len(fresh) >= BATCH
        if not self.behind:
            self._new_after = None
        # what passes others goes first: none of its key is among them
        rows = [await self._connection.fetch(_ROWS, some) for some in (fresh, oldest) if some]
        return [row for some in rows for row in some]

    async def _fresh(self, gone: set[int]) -> list[int]:
        """New facts that may go before a backlog: what waits of their key goes with them, or has gone."""
        if self._new_after is None:
            self._new_after = await self._connection.fetchval("SELECT max(position) FROM outbox")
        rows = await self._connection.fetch(
            _NEWEST, self._new_after - LOOK_BACK, LOOK_BACK + len(gone) + BATCH
        )
        fresh: list[int] = []
        passed = {None, *gone}
        for row in rows:
            if len(fresh) == BATCH:
                self.told = True  # more of them next time
                break
            if row["position"] not in gone and row["behind"] in passed:
                fresh.append(row["position"])
                passed.add(row["position"])
            self._new_after = max(self._new_after, row["position"])
        return fresh

    async def age_s(self) -> float:
        """Of the oldest fact that waits; 0 without one."""
        age_s = await self._connection.fetchval(
            """
            SELECT extract(epoch FROM now() - occurred_at)
              FROM outbox
             WHERE position = (SELECT min(position) FROM outbox_waiting)
            """
        )
        return float(age_s or 0)


async def send_rows(
    producer: kafka.Producer,
    rows: Sequence[Any],
    *,
    service: str,
    to_twin: Callable[[Any], bool] = lambda _row: True,
) -> asyncio.Future[Any]:
    """Hand outbox rows over for their topics and state twins; await what it gives to know that the broker has them.

    Rows that `to_twin` denies go to their topic only, those that were forgotten meanwhile nowhere.
    """
    records: list[kafka.Record] = []
    for row in rows:
        if row["payload"] is None and row["type"] != TOMBSTONE:
            continue
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
            if topic == row["topic"] or to_twin(row)
        ]
    return await producer.send_all(records)


async def republish(
    connection: Any,
    producing: Callable[[], AbstractAsyncContextManager[kafka.Producer]],
    *,
    service: str,
    since: datetime | None = None,
    topic: str | None = None,
    key: str | None = None,
    after: int = 0,
    there: Callable[[int], bool] = lambda _position: True,
    rest_s: float = REST_S,
) -> int:
    """Publish again what was published, in the same order and with the same message ids; gives how many.

    It takes turns with the relay, for neither may send while the other has facts on their way: a state twin would keep an
    old one that comes after a newer one of its key. Each turn has a producer of its own, from `producing`, so that whoever
    has the next one fences what a lost turn has left behind. State twins get the newest facts only: a replay that is ended
    half-way leaves no old one as the newest of its key.

    `since` is inclusive; None and empty choose everything. What was never published is left to the relay; what a
    tombstone has made forgotten stays so. `after` is the outbox position to go on behind; `there` is told each position up to
    which the broker has everything, and ends it by answering False. Between turns it rests for `rest_s`.
    """
    count = 0
    while True:
        await connection.execute("SELECT pg_advisory_lock($1, hashtext(current_schema()))", _LOCK)
        try:
            async with producing() as producer:
                for _ in range(REPLAY_BATCHES):
                    rows = await _published_rows(connection, after, since, topic, key)
                    if not rows:
                        return count
                    sent = await send_rows(
                        producer, rows, service=service, to_twin=lambda row: row["is_newest"]
                    )
                    await sent
                    after = rows[-1]["position"]
                    count += len(rows)
                    if not there(after):
                        return count
        finally:
            if not is_lost(connection):
                await connection.execute(
                    "SELECT pg_advisory_unlock($1, hashtext(current_schema()))", _LOCK
                )
        await asyncio.sleep(rest_s)


async def _published_rows(
    connection: Any, after: int, since: datetime | None, topic: str | None, key: str | None
) -> Sequence[Any]:
    rows: Sequence[Any] = await connection.fetch(
        f"""
        SELECT {_COLUMNS}
             , NOT EXISTS (
                   SELECT
                     FROM outbox AS later
                    WHERE later.topic = fact.topic AND later.key = fact.key
                      AND later.position > fact.position
                      AND NOT EXISTS (SELECT FROM outbox_waiting AS waiting WHERE waiting.position = later.position)
               ) AS is_newest
          FROM outbox AS fact
         WHERE position > $1
           AND NOT EXISTS (SELECT FROM outbox_waiting AS waiting WHERE waiting.position = fact.position)
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
