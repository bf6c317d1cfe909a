"""From a commit to a consumer: latency and throughput beside what PostgreSQL and Apache Kafka take by themselves.

    PYTHONPATH=.:libs/genproto python -m tests.benchmarks.messaging latency throughput round backlog
    PYTHONPATH=.:libs/genproto python -m tests.benchmarks.messaging backlog --facts 1000000

Each part runs what is measured and its floor in turns, in one run, on one PostgreSQL and one Apache Kafka: compare
ratios. The relay is a process of its own. A fact is two records: one for the topic's log, one for its state twin.
"""

import argparse
import asyncio
import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from uuid import UUID

import psutil
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from libs.ids import new_uuid
from libs.messaging import MESSAGING_MIGRATIONS, kafka
from libs.messaging.consumer import Consumer
from libs.messaging.kafka import Received
from libs.messaging.outbox import OutgoingMessage, append_all
from libs.messaging.relay import Relay
from libs.postgres.migrate import dsn_of, migrate
from libs.postgres.pool import Connection, Pool, create_pool, transaction
from libs.settings import ServiceSettings
from tests.support.kafka import ApacheKafka
from tests.support.postgres import running_server, temporary_database

LOG, TWIN = "events.request.v1", "events.request.state.v1"
TYPE = "zhihui.events.v1.RequestChanged"
AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
PAYLOAD_BYTES = 600
"""About what a request with its team takes."""
KEYS = 5000
RATE = 500
"""Facts a second while latency is measured."""
PER_CHANGE = 5
"""Facts of one transaction while latency is measured."""
IN_FLIGHT = 2000
"""Records the bare producer has on their way at most."""
_versions = itertools.count(1)


@dataclass(slots=True)
class Bench:
    """Where everything is."""

    pool: Pool
    settings: ServiceSettings
    environment: dict[str, str]


def a_fact(n: int, *, topic: str = LOG, key: str = "", type: str = TYPE) -> OutgoingMessage:
    payload = n.to_bytes(8, "big") * (PAYLOAD_BYTES // 8)
    version = next(_versions)  # higher than all before: else the consumer would drop it as too late
    return OutgoingMessage(
        new_uuid(), topic, key or f"requests/{n % KEYS}", type, version, AT, payload
    )


def headers(fact: OutgoingMessage) -> list[tuple[str, bytes]]:
    return list(
        kafka.headers_of(
            kafka.Envelope(
                fact.message_id, "events", fact.type, fact.key, fact.version, fact.occurred_at
            )
        )
    )


@asynccontextmanager
async def prepared(folder: Path) -> AsyncIterator[Bench]:
    """A database, a broker, their tables and topics."""
    node = ApacheKafka(folder / "kafka")
    try:
        node.start()
        await asyncio.to_thread(node.clear)
        with running_server() as server, temporary_database(server) as dsn:
            migrate(dsn, MESSAGING_MIGRATIONS, schema="events", role="events")
            own = dsn_of(dsn, role="events")
            settings = ServiceSettings(
                service="events", database_dsn=own, kafka_bootstrap=node.bootstrap
            )
            environment = {
                "ZHIHUI_SERVICE": "events",
                "ZHIHUI_DATABASE_DSN": own,
                "ZHIHUI_KAFKA_BOOTSTRAP": node.bootstrap,
            }
            async with create_pool(settings) as pool:
                yield Bench(pool, settings, environment)
    finally:
        node.kill()


@asynccontextmanager
async def relaying(bench: Bench) -> AsyncIterator[psutil.Process]:
    """The relay's process; ended with the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.messaging", "relay"],
        env={**os.environ, **bench.environment},
        stdout=subprocess.DEVNULL,
    )
    try:
        yield psutil.Process(process.pid)
    finally:
        process.kill()
        process.wait()


async def relay_only() -> None:
    settings = ServiceSettings()  # type: ignore[call-arg]  # from the environment
    async with create_pool(settings) as pool:
        await Relay(pool, settings).run()


async def drained(pool: Pool) -> None:
    """Until nothing waits."""
    while await pool.fetchval("SELECT EXISTS (SELECT FROM outbox_waiting)"):
        await asyncio.sleep(0.05)


@dataclass(slots=True)
class Seen:
    """When each message came, by its id; monotonic seconds."""

    at: dict[UUID, float] = field(default_factory=dict)

    async def until(self, ids: Sequence[UUID], *, seconds: float = 120) -> None:
        async with asyncio.timeout(seconds):
            while not all(one in self.at for one in ids):
                await asyncio.sleep(0.02)


@asynccontextmanager
async def watching(bench: Bench, *topics: str) -> AsyncIterator[Seen]:
    """A bare consumer from the present end of `topics`."""
    seen = Seen()
    consumer = AIOKafkaConsumer(bootstrap_servers=bench.settings.kafka_bootstrap)
    await consumer.start()
    partitions = []
    for topic in topics:
        consumer._client.add_topic(topic)
        await consumer._client.force_metadata_update()
        partitions += [TopicPartition(topic, n) for n in consumer.partitions_for_topic(topic)]
    consumer.assign(partitions)
    await consumer.seek_to_end(*partitions)
    for partition in partitions:
        await consumer.position(partition)

    async def watch() -> None:
        while True:
            found = await consumer.getmany(timeout_ms=200)
            now = time.monotonic()
            for records in found.values():
                for record in records:
                    seen.at.setdefault(UUID(dict(record.headers)["ce_id"].decode()), now)

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(watch())
        try:
            yield seen
        finally:
            task.cancel()
    await consumer.stop()


async def paced(count: int, rate: float, act: Callable[[int], Any]) -> None:
    """Start `act(n)` for each n at its moment, however long those before take."""
    began = time.monotonic()
    async with asyncio.TaskGroup() as tasks:
        for n in range(count):
            await asyncio.sleep(max(0.0, began + n / rate - time.monotonic()))
            tasks.create_task(act(n))


def said(name: str, seconds: Sequence[float]) -> tuple[float, float]:
    """Print and give p50 and p99 in milliseconds."""
    cuts = quantiles(seconds, n=100)
    p50, p99 = median(seconds) * 1000, cuts[98] * 1000
    print(f"{name:44} p50 {p50:6.1f} ms   p99 {p99:6.1f} ms   ({len(seconds)} facts)")
    return p50, p99


async def latency(bench: Bench, seconds: int) -> None:
    """A bare produce and consume, a bare insert, a fact from its commit to a consumer and to its effect."""
    count = seconds * RATE
    best: dict[str, tuple[float, float]] = {}

    def keep(name: str, found: tuple[float, float]) -> None:
        best[name] = min(found, best.get(name, found))

    for turn in range(2):
        keep(
            "bare", said(f"turn {turn}: bare produce and consume", await bare_latency(bench, count))
        )
        commits, arrivals, effects = await fact_latency(bench, count)
        said(f"turn {turn}: a transaction with its fact", commits)
        keep("fact", said(f"turn {turn}: commit to a consumer", arrivals))
        keep("effect", said(f"turn {turn}: commit to a committed effect", effects))
    (floor, _), (fact, worst), (effect, _) = best["bare"], best["fact"], best["effect"]
    print(
        f"latency at {RATE}/s: p50 {fact:.1f} ms = {fact / floor:.1f} × floor ({floor:.1f} ms); at most 2 × floor + 10 = "
        f"{2 * floor + 10:.1f} ms: {fact <= 2 * floor + 10}; p99 {worst:.1f} ms under 100 ms: {worst < 100}; effect p50 {effect:.1f} ms"
    )


async def bare_latency(bench: Bench, count: int) -> list[float]:
    facts = [a_fact(n) for n in range(count)]
    sent: dict[UUID, float] = {}
    async with (
        watching(bench, LOG) as seen,
        AIOKafkaProducer(
            bootstrap_servers=bench.settings.kafka_bootstrap, enable_idempotence=True, acks="all"
        ) as producer,
    ):

        async def send(n: int) -> None:
            fact = facts[n]
            sent[fact.message_id] = time.monotonic()
            await producer.send_and_wait(
                LOG, key=fact.key.encode(), value=fact.payload, headers=headers(fact)
            )

        await paced(count, RATE, send)
        await seen.until(list(sent))
    return [seen.at[one] - at for one, at in sent.items()]


async def fact_latency(bench: Bench, count: int) -> tuple[list[float], list[float], list[float]]:
    warm = [a_fact(n) for n in range(50)]
    facts = [a_fact(n) for n in range(count)]
    began: dict[UUID, float] = {}
    committed: dict[UUID, float] = {}
    effect: dict[UUID, float] = {}

    async def handle(_connection: Connection, fact: Received) -> None:
        handled.append(fact.message_id)

    handled: list[UUID] = []

    class Timed(Consumer):
        """Says when the transaction of the effect is over."""

        async def _take(self, *arguments: Any) -> None:
            handled.clear()
            await super()._take(*arguments)
            now = time.monotonic()
            effect.update((one, now) for one in handled)

    consumer = Timed(
        bench.pool, bench.settings, group="bench", topics=[LOG], handlers={TYPE: handle}
    )
    async with relaying(bench), watching(bench, LOG) as seen, asyncio.TaskGroup() as tasks:
        consuming = tasks.create_task(consumer.run())

        async def commit(n: int) -> None:
            mine = facts[n * PER_CHANGE : (n + 1) * PER_CHANGE]
            at = time.monotonic()
            async with transaction(bench.pool) as connection:
                await append_all(connection, mine)
            now = time.monotonic()
            began.update((fact.message_id, at) for fact in mine)
            committed.update((fact.message_id, now) for fact in mine)

        async with transaction(bench.pool) as connection:
            await append_all(connection, warm)
        await Seen(effect).until([one.message_id for one in warm])
        await paced(count // PER_CHANGE, RATE / PER_CHANGE, commit)
        await seen.until(list(committed))
        await Seen(effect).until(list(committed))
        consuming.cancel()
    return (
        [committed[one] - began[one] for one in committed],
        [seen.at[one] - at for one, at in committed.items()],
        [effect[one] - at for one, at in committed.items()],
    )


async def throughput(bench: Bench, count: int) -> None:
    """A bare idempotent producer with a full pipeline, and a relay with a full outbox."""
    bare, relayed = [], []
    for turn in range(2):
        bare.append(await bare_throughput(bench, count))
        print(f"turn {turn}: bare idempotent producer  {bare[-1]:8.0f} records/s")
        relayed.append(await relay_throughput(bench, count))
        print(
            f"turn {turn}: relay                     {relayed[-1]:8.0f} records/s ({relayed[-1] / 2:.0f} facts/s)"
        )
    share = max(relayed) / max(bare)
    print(f"throughput: {share:.0%} of a bare producer's, at least 60 %: {share >= 0.6}")


async def bare_throughput(bench: Bench, count: int) -> float:
    facts = [(fact, headers(fact)) for fact in map(a_fact, range(count))]
    async with AIOKafkaProducer(
        bootstrap_servers=bench.settings.kafka_bootstrap,
        enable_idempotence=True,
        acks="all",
        linger_ms=2,
        max_batch_size=kafka.BATCH_BYTES,
    ) as producer:
        began = time.monotonic()
        on_the_way: list[Any] = []
        for fact, with_headers in facts:
            key, value = fact.key.encode(), fact.payload
            on_the_way += [
                await producer.send(topic, key=key, value=value, headers=with_headers)
                for topic in (LOG, TWIN)
            ]
            if len(on_the_way) >= IN_FLIGHT:
                await asyncio.gather(*on_the_way[: IN_FLIGHT // 2])
                del on_the_way[: IN_FLIGHT // 2]
        await asyncio.gather(*on_the_way)
        return 2 * count / (time.monotonic() - began)


async def relay_throughput(bench: Bench, count: int) -> float:
    facts = [a_fact(n) for n in range(count)]
    async with transaction(bench.pool) as connection:
        await append_all(connection, facts)
    waiting = "SELECT min(position) FROM outbox_waiting"
    first = await bench.pool.fetchval(waiting)
    async with relaying(bench):
        while (began_with := await bench.pool.fetchval(waiting)) == first:
            await asyncio.sleep(0.005)
        began = time.monotonic()  # its first marks: it is there, and has a producer
        await drained(bench.pool)
        took_s = time.monotonic() - began
    return float(2 * (count - (began_with - first)) / took_s)


async def a_round(bench: Bench, assignments: int) -> None:
    """One transaction with the facts of a round: how long until a consumer has all of it."""
    prefix = "zhihui.scheduling.v1."
    topics = ("scheduling.assignment.v1", "scheduling.decision.v1", "scheduling.round.v1")
    for turn in range(3):
        facts = [
            a_fact(n, topic=topics[1], key=f"requests/{turn}-{n}", type=f"{prefix}RequestDecided")
            for n in range(assignments // 2)
        ]
        facts += [
            a_fact(
                n,
                topic=topics[0],
                key=f"assignments/{turn}-{n}",
                type=f"{prefix}AssignmentPublished",
            )
            for n in range(assignments)
        ]
        facts.append(
            a_fact(0, topic=topics[2], key=f"rounds/{turn}", type=f"{prefix}RoundPublished")
        )
        async with relaying(bench), watching(bench, *topics) as seen:
            first = a_fact(0, topic=topics[2], key="rounds/warm", type=f"{prefix}RoundSolved")
            async with transaction(bench.pool) as connection:
                await append_all(connection, [first])
            await seen.until([first.message_id])
            began = time.monotonic()
            async with transaction(bench.pool) as connection:
                await append_all(connection, facts)
            committed = time.monotonic()
            await seen.until([fact.message_id for fact in facts])
            last = max(seen.at[fact.message_id] for fact in facts)
        print(
            f"turn {turn}: a round of {assignments} assignments ({len(facts)} facts): written in {committed - began:.2f} s, "
            f"whole at a consumer {last - committed:.2f} s after its commit; under 2 s: {last - committed < 2}"
        )


async def backlog(bench: Bench, count: int) -> None:
    """A full outbox is drained while new facts come: the relay's memory, the pace, and how long the new ones take."""
    began = time.monotonic()
    await bench.pool.execute(
        """
        INSERT INTO outbox (message_id, topic, key, type, version, occurred_at, payload)
        SELECT gen_random_uuid(), $1, 'requests/old' || n % 200000, $2, n / 200000 + 1, now(), convert_to(repeat('x', $3), 'UTF8')
          FROM generate_series(0, $4::int - 1) AS n
        """,
        LOG,
        TYPE,
        PAYLOAD_BYTES,
        count,
        timeout=900,
    )
    last = await bench.pool.fetchval("SELECT max(position) FROM outbox")
    print(f"backlog of {count} facts written in {time.monotonic() - began:.0f} s")
    committed: dict[UUID, float] = {}
    memory: list[int] = []
    async with watching(bench, "events.event.v1") as seen, relaying(bench) as process:
        began = time.monotonic()
        n = 0
        while await bench.pool.fetchval(
            "SELECT EXISTS (SELECT FROM outbox_waiting WHERE position <= $1)", last
        ):
            for _ in range(20):
                fact = a_fact(n, topic="events.event.v1", key=f"events/{n % 50}")
                n += 1
                async with transaction(bench.pool) as connection:
                    await append_all(connection, [fact])
                committed[fact.message_id] = time.monotonic()
                await asyncio.sleep(0.05)
            memory.append(process.memory_info().rss >> 20)
        took_s = time.monotonic() - began
        await seen.until(list(committed))
    waits = [seen.at[one] - at for one, at in committed.items()]
    said("new facts during the drain", waits)
    quarter = len(memory) // 4
    print(
        f"drained in {took_s:.0f} s: {count / took_s:.0f} facts/s; the relay's memory {memory[quarter]} MB after a quarter, "
        f"{memory[-1]} MB at the end, {max(memory)} MB at most; the slowest new fact took {max(waits):.2f} s"
    )


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parts = ["latency", "throughput", "round", "backlog"]
    parser.add_argument("parts", nargs="*", choices=[*parts, "relay"], default=parts)
    parser.add_argument("--seconds", type=int, default=20, help="of each turn of latency")
    parser.add_argument("--facts", type=int, default=1_000_000, help="in the backlog")
    parser.add_argument("--throughput-facts", type=int, default=30_000)
    parser.add_argument("--assignments", type=int, default=3000)
    asked = parser.parse_args()
    if asked.parts == ["relay"]:
        await relay_only()
        return
    with tempfile.TemporaryDirectory(prefix="zhihui-bench-") as folder:
        async with prepared(Path(folder)) as bench:
            for part in asked.parts or parts:
                if part == "latency":
                    await latency(bench, asked.seconds)
                elif part == "throughput":
                    await throughput(bench, asked.throughput_facts)
                elif part == "round":
                    await a_round(bench, asked.assignments)
                elif part == "backlog":
                    await backlog(bench, asked.facts)


if __name__ == "__main__":
    asyncio.run(main())
