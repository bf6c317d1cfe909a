"""The only module that knows the Kafka client: CloudEvents 1.0 in Kafka's binary mode, in and out."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    CommitFailedError,
    IllegalStateError,
    IncompatibleBrokerVersion,
    KafkaError,
    TopicAlreadyExistsError,
    UnsupportedVersionError,
    for_code,
)
from aiokafka.partitioner import DefaultPartitioner

from libs.messaging.access import client_options

OUTAGES: tuple[type[Exception], ...] = (KafkaError, OSError)
"""What means that the broker (or the network to it) is away; callers retry with backoff."""

Headers = Sequence[tuple[str, bytes]]

BATCH_BYTES = 256 * 1024
FENCE_S = 30
"""How long a broker may take to give a fence; it answers in 10 ms when all is well."""


class BadEnvelope(Exception):
    """A record without the headers the contract promises; nobody can handle it."""


@dataclass(frozen=True, slots=True)
class TopicSettings:
    """A topic as a broker should have it."""

    name: str
    partitions: int
    config: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Envelope:
    """What travels with a fact's payload."""

    message_id: UUID
    source: str
    type: str
    key: str
    version: int
    occurred_at: datetime
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """A fact as a consumer gets it; `payload` is None for a tombstone."""

    topic: str
    partition: int
    offset: int
    message_id: UUID
    source: str
    type: str
    key: str
    version: int
    occurred_at: datetime
    traceparent: str | None
    payload: bytes | None


def headers_of(envelope: Envelope) -> Headers:
    """CloudEvents attributes as Kafka headers; `ce_aggregateversion` is our extension (docs/facts.md)."""
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", str(envelope.message_id).encode()),
        ("ce_source", f"/zhihui/{envelope.source}".encode()),
        ("ce_type", envelope.type.encode()),
        ("ce_subject", envelope.key.encode()),
        (
            "ce_time",
            envelope.occurred_at.astimezone(UTC).isoformat().replace("+00:00", "Z").encode(),
        ),
        ("ce_aggregateversion", str(envelope.version).encode()),
        ("content-type", b"application/protobuf"),
    ]
    if envelope.traceparent:
        headers.append(("traceparent", envelope.traceparent.encode()))
    return headers


def received_from(
    *, topic: str, partition: int, offset: int, headers: Headers, payload: bytes | None
) -> Received:
    """The fact in a record.

    Raises:
        BadEnvelope: a header is missing or not of its form.
    """
    values = {name: value.decode("utf-8", "replace") for name, value in headers}
    try:
        return Received(
            topic=topic,
            partition=partition,
            offset=offset,
            message_id=UUID(values["ce_id"]),
            source=values["ce_source"].removeprefix("/zhihui/"),
            type=values["ce_type"],
            key=values["ce_subject"],
            version=int(values["ce_aggregateversion"]),
            occurred_at=datetime.fromisoformat(values["ce_time"].replace("Z", "+00:00")),
            traceparent=values.get("traceparent"),
            payload=payload,
        )
    except (KeyError, ValueError) as error:
        raise BadEnvelope(f"a header is missing or malformed: {error}") from error


class Producer:
    """An idempotent producer: in order per partition, acknowledged by all replicas.

    Of producers with the same `fence` only the newest goes on: once it has written into a partition, the broker takes
    nothing more there from those before it, however late that comes (docs/adr/0032).
    """

    def __init__(self, bootstrap: str, *, client: str, fence: str = "") -> None:
        self._options = {
            "bootstrap_servers": bootstrap,
            **client_options(),
            "client_id": client,
            "acks": "all",
            "request_timeout_ms": 10_000,
        }
        self._fence = fence
        self._producer = AIOKafkaProducer(
            **self._options, enable_idempotence=True, linger_ms=2, max_batch_size=BATCH_BYTES
        )

    async def __aenter__(self) -> Producer:
        try:
            if self._fence:
                self._producer._txn_manager.set_pid_and_epoch(*await self._next_epoch())  # noqa: SLF001  # the client has no public way
            await self._producer.start()
        except BaseException:
            await _stop(self._producer)
            raise
        return self

    async def _next_epoch(self) -> tuple[int, int]:
        """The fence's producer id, and an epoch of it that is higher than any before.

        A client with a transactional id asks for them; what is sent is in no transaction, and only numbered by them.

        Raises:
            KafkaError, TimeoutError: the broker is away.
        """
        asking = AIOKafkaProducer(**self._options, transactional_id=self._fence)
        try:
            async with asyncio.timeout(FENCE_S):
                await asking.start()
            given = asking._txn_manager  # noqa: SLF001  # the client has no public way
            return given.producer_id, given.producer_epoch
        finally:
            await _stop(asking)

    async def __aexit__(self, *_exception: object) -> None:
        await _stop(self._producer)

    async def send(
        self, topic: str, *, key: str, payload: bytes | None, headers: Headers
    ) -> Awaitable[Any]:
        """Hand a record over; await what it gives to know that the broker has it.

        Raises:
            KafkaError: the broker is away (now, or from what is awaited).
        """
        sent: Awaitable[Any] = await self._producer.send(
            topic, key=key.encode(), value=payload, headers=headers
        )
        return sent

    async def send_all(self, records: Sequence[Record]) -> asyncio.Future[Any]:
        """Hand `records` over, in their order per topic and key; await what it gives to know that the broker has all.

        Batches are made here and not record by record in the client, which takes several times as long. The next call
        may be made before the broker has answered: the order holds. It returns once the client takes more.

        Raises:
            KafkaError: the broker is away, or a newer producer has the fence (now, or from what is awaited); any number of
                the records may be there.
        """
        by_partition: dict[TopicPartition, list[Record]] = defaultdict(list)
        counts = {
            topic: len(await self._producer.partitions_for(topic))
            for topic in {record.topic for record in records}
        }
        for record in records:
            partition = partition_of(record.key, counts[record.topic])
            by_partition[TopicPartition(record.topic, partition)].append(record)
        sent = await asyncio.gather(
            *(self._send_partition(to, mine) for to, mine in by_partition.items())
        )
        return asyncio.gather(*(future for futures in sent for future in futures))

    async def _send_partition(
        self, to: TopicPartition, records: Sequence[Record]
    ) -> list[Awaitable[Any]]:
        futures: list[Awaitable[Any]] = []
        batch = self._producer.create_batch()
        for record in records:
            while None is batch.append(
                key=record.key.encode(),
                value=record.payload,
                timestamp=None,
                headers=list(record.headers),
            ):  # full; a batch takes its first record however large it is
                futures.append(await self._hand_over(batch, to))
                batch = self._producer.create_batch()
        futures.append(await self._hand_over(batch, to))
        return futures

    async def _hand_over(self, batch: Any, to: TopicPartition) -> Awaitable[Any]:
        batch.close()  # nobody adds to it: it need not linger
        sent: Awaitable[Any] = await self._producer.send_batch(
            batch, to.topic, partition=to.partition
        )
        return sent


async def _stop(client: Any) -> None:
    """End a client; one whose broker is away may fail at it, and that is all the same.

    It may also raise the cancellation of a task of its own, which is none of the caller's.
    """
    try:
        await client.stop()
    except OUTAGES:
        return
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise


@dataclass(frozen=True, slots=True)
class Record:
    """What is sent: `payload` is None for a tombstone."""

    topic: str
    key: str
    payload: bytes | None
    headers: Headers


@functools.lru_cache(maxsize=65_536)
def partition_of(key: str, partitions: int) -> int:
    """Where facts of `key` are in a topic of so many partitions: as every Kafka client does it (murmur2)."""
    chosen: int = DefaultPartitioner()(key.encode(), range(partitions), None)
    return chosen


class Group:
    """A member of a consumer group that reads from the earliest fact it has not committed."""

    def __init__(self, bootstrap: str, *, group: str, topics: Sequence[str]) -> None:
        self._consumer = AIOKafkaConsumer(
            *topics,
            bootstrap_servers=bootstrap,
            **client_options(),
            group_id=group,
            client_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            # topics that do not exist yet must not stop the others
            metadata_max_age_ms=5_000,
            session_timeout_ms=15_000,
            max_poll_interval_ms=600_000,
            request_timeout_ms=20_000,
        )
        self._stopped: set[TopicPartition] = set()

    async def __aenter__(self) -> Group:
        try:
            await self._consumer.start()
        except BaseException:
            await _stop(self._consumer)
            raise
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await _stop(self._consumer)

    async def batches(
        self, *, size: int, stop: asyncio.Event
    ) -> AsyncIterator[Mapping[tuple[str, int], Sequence[Any]]]:
        """Until `stop` is set: by topic and partition, up to `size` raw records in all, in order."""
        while not stop.is_set():
            found = await self._consumer.getmany(timeout_ms=500, max_records=size)
            batch = {
                (partition.topic, partition.partition): records
                for partition, records in found.items()
                if partition not in self._stopped
            }
            if batch:
                yield batch

    async def commit(self, offsets: Mapping[tuple[str, int], int]) -> None:
        """Remember that everything before the offsets is done, by topic and partition.

        A lost partition is no error: its next owner drops repeats.
        """
        mine = self._consumer.assignment()
        still = {
            partition: offset
            for (topic, number), offset in offsets.items()
            if (partition := TopicPartition(topic, number)) in mine
        }
        if still:
            with contextlib.suppress(CommitFailedError, IllegalStateError):
                await self._consumer.commit(still)

    def lag(self, *, topic: str, partition: int, offset: int) -> int:
        """Facts of the partition from `offset` on that are known to be there; 0 when it has gone to another member."""
        asked = TopicPartition(topic, partition)
        if asked not in self._consumer.assignment():
            return 0
        end = self._consumer.highwater(asked)
        return max(0, (end or 0) - offset)

    def stop_partition(self, *, topic: str, partition: int) -> None:
        """Take nothing more from this partition until the process starts again."""
        stopped = TopicPartition(topic, partition)
        self._stopped.add(stopped)
        with contextlib.suppress(IllegalStateError):
            self._consumer.pause(stopped)


async def read(
    bootstrap: str,
    topics: Sequence[str],
    *,
    follow: bool,
    from_start: bool = True,
    since: datetime | None = None,
) -> AsyncIterator[Received]:
    """Every fact of `topics`, without a group: until the end that was there at the beginning, or for ever with `follow`.

    `since` leaves out what the broker took before. Records without a proper envelope are passed over.
    """
    async for record in read_records(
        bootstrap, topics, follow=follow, from_start=from_start, since=since
    ):
        with contextlib.suppress(BadEnvelope):
            yield received_from_record(record)


async def read_records(
    bootstrap: str,
    topics: Sequence[str],
    *,
    follow: bool = False,
    from_start: bool = True,
    since: datetime | None = None,
) -> AsyncIterator[Any]:
    """The raw records (`topic`, `partition`, `offset`, `key`, `value`, `headers`), as `read` takes them."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        **client_options(),
        enable_auto_commit=False,
        metadata_max_age_ms=5_000,
    )
    try:
        await consumer.start()
        partitions = [
            TopicPartition(topic, partition)
            for topic in topics
            for partition in sorted(await _partitions(consumer, topic))
        ]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        starts = await consumer.beginning_offsets(partitions)
        if since is not None:
            moment_ms = int(since.timestamp() * 1000)
            found_at = await consumer.offsets_for_times(dict.fromkeys(partitions, moment_ms))
            for partition in partitions:
                later = found_at[partition]
                starts[partition] = ends[partition] if later is None else later.offset
        for partition in partitions:
            consumer.seek(partition, starts[partition] if from_start else ends[partition])
        left = {
            partition
            for partition in partitions
            if from_start and starts[partition] < ends[partition]
        }
        while follow or left:
            found = await consumer.getmany(timeout_ms=500)
            for partition, records in found.items():
                for record in records:
                    yield record
                    if record.offset + 1 >= ends[partition]:
                        left.discard(partition)
            for partition in list(left):  # compaction may have taken the last ones away
                if await consumer.position(partition) >= ends[partition]:
                    left.discard(partition)
    finally:
        await consumer.stop()


def received_from_record(record: Any) -> Received:
    """The fact in a client's record.

    Raises:
        BadEnvelope: see `received_from`.
    """
    return received_from(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        headers=record.headers,
        payload=record.value,
    )


async def _partitions(consumer: Any, topic: str) -> set[int]:
    for _ in range(50):  # a topic made by the very question takes a moment
        found: set[int] | None = consumer.partitions_for_topic(topic)
        if found:
            return found
        await consumer._client.force_metadata_update()  # noqa: SLF001  # the client has no public way
        consumer._client.add_topic(topic)  # noqa: SLF001
        await asyncio.sleep(0.1)
    return set()


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a group is behind in one topic, over all its partitions."""

    group: str
    topic: str
    taken: int
    """Facts it has committed."""
    waiting: int
    """Facts it has not."""


async def lags(bootstrap: str, groups: Sequence[str]) -> list[Lag]:
    """How far `groups`, and all others the broker knows of, are behind; topics they never committed are left out.

    Raises:
        KafkaError: the broker is away.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, **client_options())
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, **client_options())
    try:
        await admin.start()
        await consumer.start()
        names = set(groups)
        # the embedded broker does not know the question: the names given must do
        with contextlib.suppress(UnsupportedVersionError, IncompatibleBrokerVersion):
            names |= {name for name, _protocol in await admin.list_consumer_groups()}
        every = [
            TopicPartition(topic["topic"], partition["partition"])
            for topic in await admin.describe_topics(sorted(await admin.list_topics()))
            for partition in topic["partitions"]
        ]
        found = []
        for group in sorted(names):
            answer = await admin.list_consumer_group_offsets(group, partitions=every)
            offsets = {partition: at.offset for partition, at in answer.items() if at.offset >= 0}
            ends = await consumer.end_offsets(list(offsets))
            for topic in sorted({partition.topic for partition in offsets}):
                mine = [partition for partition in offsets if partition.topic == topic]
                taken = sum(offsets[partition] for partition in mine)
                left = sum(max(0, ends[partition] - offsets[partition]) for partition in mine)
                found.append(Lag(group, topic, taken, left))
        return found
    finally:
        await consumer.stop()
        await admin.close()


async def counts(bootstrap: str, topics: Sequence[str]) -> Mapping[str, int]:
    """How many records each of `topics` keeps; 0 for one that is not there.

    Raises:
        KafkaError: the broker is away.
    """
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, **client_options())
    try:
        await consumer.start()
        there = await consumer.topics()
        found = dict.fromkeys(topics, 0)
        for topic in there & set(topics):
            parts = [TopicPartition(topic, one) for one in await _partitions(consumer, topic)]
            starts = await consumer.beginning_offsets(parts)
            ends = await consumer.end_offsets(parts)
            found[topic] = sum(ends[part] - starts[part] for part in parts)
        return found
    finally:
        await consumer.stop()


async def apply_topics(
    bootstrap: str, wanted: Sequence[TopicSettings], *, replicas: int
) -> list[str]:
    """Create the topics that are missing; gives their names. What is there is not touched.

    Raises:
        KafkaError: the broker refused one of them, or is away.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, **client_options())
    await admin.start()
    try:
        there = set(await admin.list_topics())
        missing = [topic for topic in wanted if topic.name not in there]
        if admin._client.cluster.controller is None:  # noqa: SLF001  # the client has no public way
            return []  # the embedded broker: nobody there to make topics, they come with the first use
        if missing:
            answer = await admin.create_topics(
                [
                    NewTopic(
                        name=topic.name,
                        num_partitions=topic.partitions,
                        replication_factor=replicas,
                        topic_configs=dict(topic.config),
                    )
                    for topic in missing
                ]
            )
            for name, code, *_ in answer.topic_errors:
                if code not in {
                    0,
                    TopicAlreadyExistsError.errno,
                }:  # somebody else was quicker: fine
                    raise for_code(code)(name)
        return [topic.name for topic in missing]
    finally:
        await admin.close()
