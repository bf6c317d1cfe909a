"""What only a real Kafka shows: members come and go in mid-batch, the broker is killed in the middle of a publication."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import psycopg
import pytest

from libs.messaging import MESSAGING_MIGRATIONS, kafka
from libs.messaging.consumer import Consumer
from libs.messaging.kafka import Received
from libs.messaging.outbox import append_all
from libs.messaging.relay import Relay
from libs.messaging.topics import state_twin_of
from libs.postgres.migrate import dsn_of, migrate
from libs.postgres.pool import Connection, Pool, create_pool, transaction
from libs.settings import ServiceSettings
from tests.integration.libs.test_messaging import (
    TOPIC,
    TYPE,
    a_fact,
    all_published,
    published,
    running,
    some_published,
    until,
)
from tests.support.kafka import ApacheKafka

pytestmark = [pytest.mark.postgres, pytest.mark.kafka]

KEYS = 20


@pytest.fixture
def settings(fresh_database: str, apache_kafka: ApacheKafka) -> ServiceSettings:
    migrate(fresh_database, MESSAGING_MIGRATIONS, schema="events", role="events")
    with psycopg.connect(fresh_database) as connection:
        # an effect that happens twice breaks this key: the consumer would stop, and the test with it
        connection.execute(
            """
            CREATE TABLE events.effects (
                place bigint GENERATED ALWAYS AS IDENTITY, key text, version bigint, PRIMARY KEY (key, version)
            )
            """
        )
        connection.execute("GRANT INSERT, SELECT ON events.effects TO events")
    return ServiceSettings(
        service="events",
        database_dsn=dsn_of(fresh_database, role="events"),
        database_connections_min=0,
        kafka_bootstrap=apache_kafka.bootstrap,
    )


@pytest.fixture
async def pool(settings: ServiceSettings) -> AsyncIterator[Pool]:
    async with create_pool(settings) as pool:
        yield pool


async def record(connection: Connection, fact: Received) -> None:
    await connection.execute(
        "INSERT INTO effects (key, version) VALUES ($1, $2)", fact.key, fact.version
    )


def a_member(pool: Pool, settings: ServiceSettings) -> Consumer:
    return Consumer(pool, settings, group="effects", topics=[TOPIC], handlers={TYPE: record})


async def change(pool: Pool, versions: range) -> None:
    """Every key goes through `versions`, each in a transaction with its fact."""
    for version in versions:
        async with transaction(pool) as connection:
            await append_all(
                connection, [a_fact(f"requests/{key}", version) for key in range(KEYS)]
            )


async def effects(pool: Pool) -> int:
    count: int = await pool.fetchval("SELECT count(*) FROM effects")
    return count


async def check_effects(pool: Pool, versions: int) -> None:
    rows = await pool.fetch("SELECT key, version FROM effects ORDER BY place")
    for key in range(KEYS):
        seen = [row["version"] for row in rows if row["key"] == f"requests/{key}"]
        assert seen == list(range(1, versions + 1))


async def test_members_come_and_go_in_mid_stream(pool: Pool, settings: ServiceSettings) -> None:
    async with running(Relay(pool, settings).run()):
        async with running(a_member(pool, settings).run()):
            await change(pool, range(1, 21))
            await until(lambda: _at_least(pool, 5 * KEYS))
            async with running(a_member(pool, settings).run()):  # takes half of the partitions over
                await change(pool, range(21, 41))
                await until(lambda: _at_least(pool, 30 * KEYS))
            await change(pool, range(41, 51))  # and gives them back
            await until(lambda: _at_least(pool, 50 * KEYS), seconds=60)
    await check_effects(pool, 50)


async def _at_least(pool: Pool, count: int) -> bool:
    return await effects(pool) >= count


async def test_a_broker_killed_in_the_middle_of_a_publication(
    pool: Pool, settings: ServiceSettings, apache_kafka: ApacheKafka
) -> None:
    async with running(Relay(pool, settings).run(), a_member(pool, settings).run()):
        await change(pool, range(1, 11))
        await until(lambda: _at_least(pool, KEYS))
        await change(pool, range(11, 31))
        await asyncio.to_thread(apache_kafka.kill)
        await change(pool, range(31, 41))  # work goes on without a broker
        assert not await all_published(pool)
        await asyncio.to_thread(apache_kafka.start)
        await change(pool, range(41, 51))
        await until(lambda: all_published(pool), seconds=60)
        await until(lambda: _at_least(pool, 50 * KEYS), seconds=60)
    await check_effects(pool, 50)
    facts = await published(settings)
    assert len({fact.message_id for fact in facts}) == 50 * KEYS
    for key in range(KEYS):
        versions = [fact.version for fact in facts if fact.key == f"requests/{key}"]
        assert list(dict.fromkeys(versions)) == list(range(1, 51)), "in order, repeats aside"


async def test_a_relay_that_lost_its_lock_with_facts_in_hand_is_fenced(
    pool: Pool,
    fresh_database: str,
    settings: ServiceSettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It stands still between reading and sending, its connection is cut, another relay goes on; then it sends."""
    holding, held, released = True, asyncio.Event(), asyncio.Event()
    send_all = kafka.Producer.send_all

    async def hold(self: kafka.Producer, records: Sequence[kafka.Record]) -> Any:
        nonlocal holding
        if holding:
            holding = False
            held.set()
            await released.wait()
        return await send_all(self, records)

    monkeypatch.setattr(kafka.Producer, "send_all", hold)
    await change(pool, range(1, 2))
    async with running(Relay(pool, settings).run()):
        await until(held.is_set)
        async with running(Relay(pool, settings).run()):
            await change(pool, range(2, 3))
            await asyncio.sleep(0.5)
            assert not await some_published(pool), "the other one has the lock"
            with psycopg.connect(fresh_database, autocommit=True) as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
                )
            await until(lambda: all_published(pool))
            released.set()
            await change(pool, range(3, 4))
            await until(lambda: all_published(pool))
            await asyncio.sleep(0.5)
    for topic in (TOPIC, state_twin_of(TOPIC)):
        facts = await published(settings, topic)
        for key in range(KEYS):
            versions = [fact.version for fact in facts if fact.key == f"requests/{key}"]
            assert versions == sorted(versions), "what was in hand came after newer facts"
            assert versions[-1] == 3
