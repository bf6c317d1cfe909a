"""The inbox: a fact's effect happens once, in the transaction that remembers it; what cannot be handled is put aside."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from uuid import UUID

import structlog
from prometheus_client import Counter, Gauge

from libs.errors import Refusal
from libs.messaging import kafka
from libs.messaging.kafka import Received
from libs.messaging.topics import dead_letter_topic
from libs.postgres.outages import OUTAGES
from libs.postgres.pool import ConcurrentChange, Connection, Pool, transaction
from libs.settings import ServiceSettings
from libs.telemetry import span


@dataclass(frozen=True, slots=True)
class Together:
    """Handles facts of one type that follow each other, in their order: a handful of statements for all of them.

    For facts that come by the thousand, as a round's decisions do: in a busy process each statement waits its turn, and
    a statement for each fact would make the last one late by as many turns.
    """

    handle: Callable[[Connection, Sequence[Received]], Awaitable[None]]


Handler = Callable[[Connection, Received], Awaitable[None]] | Together

BATCH = 100
BACKOFF_MAX_S = 10.0

_AWAY: tuple[type[Exception], ...] = (ConcurrentChange, *OUTAGES)
_UNDONE: tuple[type[Exception], ...] = (Refusal, *OUTAGES)

_log = structlog.stdlib.get_logger(__name__)
_consumed = Counter("zhihui_consumer_facts", "Facts taken from Kafka", ["group", "topic", "result"])
_lag = Gauge("zhihui_consumer_lag", "Facts not yet taken", ["group", "topic", "partition"])
_stopped = Gauge("zhihui_consumer_stopped", "Partitions stopped by a bug", ["group"])


def tombstone(topic: str) -> str:
    """The name under which the handler of `topic`'s tombstones is registered."""
    return f"tombstone:{topic}"


class Consumer:
    """Takes facts of `topics` for `group` and hands each to the handler of its type; `run` it beside the server.

    Inbox row, newest version and handler are one transaction, of one fact or of as many as came together; the offset
    follows. A repeat, and a fact older than one seen of the same key, has no effect. A type nobody handles is passed over: new facts may come
    before new code.

    * Refusal: the fact goes to the service's dead letters with the reason; the others go on.
    * Outage of the database: it is tried again, with backoff, for as long as it takes.
    * Anything else is a bug: the partition stops, loudly, until the process starts again; the others go on.
    """

    def __init__(
        self,
        pool: Pool,
        settings: ServiceSettings,
        *,
        group: str,
        topics: Sequence[str],
        handlers: Mapping[str, Handler],
    ) -> None:
        self._pool = pool
        self._service = settings.service
        self._bootstrap = settings.kafka_bootstrap
        self._group = group
        self._topics = tuple(topics)
        self._handlers = handlers

    async def run(self, stop: asyncio.Event | None = None) -> None:
        """Consume for ever, or until `stop` is set: what is in hand is then finished and committed.

        Outages of the broker are waited out.
        """
        backoff_s = 0.1
        stop = asyncio.Event() if stop is None else stop
        while not stop.is_set():
            try:
                async with (
                    kafka.Group(self._bootstrap, group=self._group, topics=self._topics) as members,
                    kafka.Producer(self._bootstrap, client=f"{self._group}-dead") as dead_letters,
                ):
                    _log.info("consuming", group=self._group, topics=self._topics)
                    async for batch in members.batches(size=BATCH, stop=stop):
                        backoff_s = 0.1
                        await self._take(members, dead_letters, batch)
            except kafka.OUTAGES as error:
                _log.warning("consumer_outage", error=repr(error), again_in_s=backoff_s)
                await asyncio.sleep(backoff_s)
                backoff_s = min(2 * backoff_s, BACKOFF_MAX_S)

    async def _take(
        self,
        members: kafka.Group,
        dead_letters: kafka.Producer,
        batch: Mapping[tuple[str, int], Sequence[Any]],
    ) -> None:
        """All of it in one transaction; where that does not go, partition by partition, and there fact by fact.

        Topic by topic, so that facts of one type follow each other as far as they can.
        """
        facts = {where: await self._readable(dead_letters, batch[where]) for where in sorted(batch)}
        done = {where: records[-1].offset + 1 for where, records in batch.items()}
        try:
            together = await self._all_at_once([fact for mine in facts.values() for fact in mine])
        except kafka.OUTAGES:
            raise
        except Exception:  # a bug, of which partition is seen below
            together = False
        if not together:
            for where, mine in facts.items():
                if not await self._partition(members, dead_letters, where, mine):
                    del done[where]
        await members.commit(done)
        for (topic, partition), offset in done.items():
            _lag.labels(self._group, topic, str(partition)).set(
                members.lag(topic=topic, partition=partition, offset=offset)
            )

    async def _readable(
        self, dead_letters: kafka.Producer, records: Sequence[Any]
    ) -> Sequence[Received]:
        facts: list[Received] = []
        for record in records:
            try:
                facts.append(kafka.received_from_record(record))
            except kafka.BadEnvelope as error:
                await self._put_aside_record(dead_letters, record, reason=str(error))
        return facts

    async def _partition(
        self,
        members: kafka.Group,
        dead_letters: kafka.Producer,
        where: tuple[str, int],
        facts: Sequence[Received],
    ) -> bool:
        """Whether the facts of one partition are done; False when a bug has stopped it."""
        topic, partition = where
        try:
            if not await self._all_at_once(facts):
                for fact in facts:
                    await self._one(dead_letters, fact)
        except kafka.OUTAGES:
            raise  # of the dead letters' broker: the same facts come again once it is back
        except Exception:
            _log.exception("consumer_bug", group=self._group, topic=topic, partition=partition)
            members.stop_partition(topic=topic, partition=partition)
            _stopped.labels(self._group).inc()
            return False
        return True

    async def _all_at_once(self, facts: Sequence[Received]) -> bool:
        """Try the whole batch in one transaction; False when one of it needs care, and then nothing has happened."""
        try:
            async with transaction(self._pool) as connection:
                await self._handle(connection, facts)
        except _UNDONE:
            return False
        _consumed_add(self._group, facts, "done")
        return True

    async def _one(self, dead_letters: kafka.Producer, fact: Received) -> None:
        attempt, backoff_s = 1, 0.1
        while True:
            try:
                async with transaction(self._pool) as connection:
                    await self._handle(connection, [fact])
            except _AWAY as error:
                _log.warning("consumer_retry", error=repr(error), type=fact.type, attempt=attempt)
                await asyncio.sleep(backoff_s)
                attempt, backoff_s = attempt + 1, min(2 * backoff_s, BACKOFF_MAX_S)
            except Refusal as refusal:
                await self._put_aside(dead_letters, fact, refusal, attempt=attempt)
                _consumed_add(self._group, [fact], "dead")
                return
            else:
                _consumed_add(self._group, [fact], "done")
                return

    async def _handle(self, connection: Connection, facts: Sequence[Received]) -> None:
        """Facts in order per partition: what is news has its effect, and is remembered with it."""
        ids = [fact.message_id for fact in facts if _kind(fact) in self._handlers]
        if not ids:
            return
        news = await self._not_seen(connection, ids)
        mine = {fact.message_id: fact for fact in facts if fact.message_id in news}
        newest = await self._newest(connection, list(mine.values()))
        due: list[Received] = []
        for fact in mine.values():
            thing = fact.topic, fact.key
            if fact.version >= newest.get(thing, fact.version):
                newest[thing] = fact.version
                due.append(fact)
        for kind, alike in groupby(due, key=_kind):
            await hand(self._handlers[kind], connection, list(alike))
        await self._keep_newest(connection, newest)

    async def _not_seen(self, connection: Connection, ids: Sequence[UUID]) -> set[UUID]:
        rows = await connection.fetch(
            """
            INSERT INTO inbox (consumer, message_id)
            SELECT $1, message_id
              FROM unnest($2::uuid[]) AS message_id
                ON CONFLICT ON CONSTRAINT inbox_once DO NOTHING
            RETURNING message_id
            """,
            self._group,
            ids,
        )
        return {row["message_id"] for row in rows}

    async def _newest(
        self, connection: Connection, facts: Sequence[Received]
    ) -> dict[tuple[str, str], int]:
        rows = await connection.fetch(
            """
            SELECT topic, key, version
              FROM inbox_versions
             WHERE consumer = $1
               AND (topic, key) IN (SELECT thing.topic, thing.key FROM unnest($2::text[], $3::text[]) AS thing(topic, key))
             ORDER BY topic, key
               FOR UPDATE
            """,
            self._group,
            [fact.topic for fact in facts],
            [fact.key for fact in facts],
        )
        return {(row["topic"], row["key"]): row["version"] for row in rows}

    async def _keep_newest(
        self, connection: Connection, newest: Mapping[tuple[str, str], int]
    ) -> None:
        things = sorted(newest)
        await connection.execute(
            """
            INSERT INTO inbox_versions (consumer, topic, key, version)
            SELECT $1, thing.topic, thing.key, thing.version
              FROM unnest($2::text[], $3::text[], $4::bigint[]) AS thing(topic, key, version)
                ON CONFLICT ON CONSTRAINT inbox_versions_one
                DO UPDATE SET version = EXCLUDED.version
                 WHERE inbox_versions.version < EXCLUDED.version
            """,
            self._group,
            [topic for topic, _ in things],
            [key for _, key in things],
            [newest[thing] for thing in things],
        )

    async def _put_aside(
        self, dead_letters: kafka.Producer, fact: Received, refusal: Refusal, *, attempt: int
    ) -> None:
        """Keep the fact with why it was refused; its own headers stay, so that it can be sent again."""
        _log.error(
            "dead_letter", type=fact.type, key=fact.key, reason=refusal.reason, why=refusal.sentence
        )
        envelope = kafka.Envelope(
            message_id=fact.message_id,
            source=fact.source,
            type=fact.type,
            key=fact.key,
            version=fact.version,
            occurred_at=fact.occurred_at,
            traceparent=fact.traceparent,
        )
        headers = [
            *kafka.headers_of(envelope),
            ("dead_reason", refusal.reason.encode()),
            ("dead_sentence", refusal.sentence.encode()),
            ("dead_topic", fact.topic.encode()),
            ("dead_handler", self._group.encode()),
            ("dead_attempt", str(attempt).encode()),
        ]
        sent = await dead_letters.send(
            dead_letter_topic(self._service), key=fact.key, payload=fact.payload, headers=headers
        )
        await sent

    async def _put_aside_record(
        self, dead_letters: kafka.Producer, record: Any, *, reason: str
    ) -> None:
        _log.error("dead_letter", topic=record.topic, offset=record.offset, reason=reason)
        headers = [
            *record.headers,
            ("dead_reason", b"BAD_ENVELOPE"),
            ("dead_sentence", reason.encode()),
            ("dead_topic", record.topic.encode()),
            ("dead_handler", self._group.encode()),
            ("dead_attempt", b"1"),
        ]
        sent = await dead_letters.send(
            dead_letter_topic(self._service),
            key=(record.key or b"").decode("utf-8", "replace"),
            payload=record.value,
            headers=headers,
        )
        await sent


async def hand(handler: Handler, connection: Connection, facts: Sequence[Received]) -> None:
    """Facts of one kind to their handler; what is handled together is told in the trace of its first."""
    if isinstance(handler, Together):
        first = facts[0]
        with span(f"consume {first.type}", traceparent=first.traceparent, facts=len(facts)):
            await handler.handle(connection, facts)
        return
    for fact in facts:
        with span(f"consume {fact.type}", traceparent=fact.traceparent, key=fact.key):
            await handler(connection, fact)


def _kind(fact: Received) -> str:
    return tombstone(fact.topic) if fact.payload is None else fact.type


def _consumed_add(group: str, facts: Sequence[Received], result: str) -> None:
    for fact in facts:
        _consumed.labels(group, fact.topic, result).inc()
