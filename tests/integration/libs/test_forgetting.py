"""What is erased upstream is forgotten everywhere: in the outbox that replays, in a compacted topic, and on the broker's disk."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient, NewTopic
from zhihui.experts.v1 import experts_pb2, facts_pb2

from libs.messaging import MESSAGING_MIGRATIONS, kafka
from libs.messaging.operations import replay
from libs.messaging.outbox import OutgoingMessage, append, append_all, forget
from libs.messaging.topics import wanted
from libs.postgres.migrate import dsn_of, migrate
from libs.postgres.pool import Pool, create_pool, transaction
from libs.settings import ServiceSettings
from tests.integration.libs.test_messaging import AT, new_uuid, publish
from tests.support.kafka import ApacheKafka

pytestmark = pytest.mark.postgres

TOPIC, TWIN = "experts.expert.v1", "experts.expert.state.v1"
NAME = "示例 忘了我吧"


def fact(key: str, version: int, *, name: str | None = NAME) -> OutgoingMessage:
    """What is known of an expert; without a name, that they are to be forgotten."""
    message = facts_pb2.ExpertChanged(
        state=facts_pb2.ExpertState(
            expert=experts_pb2.Expert(name=key, display_name=name or "", version=version)
        )
    )
    return OutgoingMessage(
        message_id=new_uuid(),
        topic=TOPIC,
        key=key,
        type="tombstone" if name is None else message.DESCRIPTOR.full_name,
        version=version,
        occurred_at=AT,
        payload=None if name is None else message.SerializeToString(),
    )


def settings_for(database: str, bootstrap: str) -> ServiceSettings:
    migrate(database, MESSAGING_MIGRATIONS, schema="experts", role="experts")
    return ServiceSettings(
        service="experts",
        database_dsn=dsn_of(database, role="experts"),
        database_connections_min=0,
        kafka_bootstrap=bootstrap,
    )


async def names(pool: Pool) -> list[Any]:
    rows = await pool.fetch(
        "SELECT key, payload IS NULL AS forgotten FROM outbox ORDER BY position"
    )
    return [(row["key"], row["forgotten"]) for row in rows]


async def test_a_replay_does_not_bring_back_what_was_forgotten(
    fresh_database: str, fresh_broker: str
) -> None:
    settings = settings_for(fresh_database, fresh_broker)
    async with create_pool(settings) as pool:
        await publish(pool, settings, fact("experts/gone", 1), fact("experts/here", 1))
        await publish(pool, settings, fact("experts/gone", 2, name=None))
        assert await names(pool) == [
            ("experts/gone", True),
            ("experts/here", False),
            ("experts/gone", True),
        ]
        count = await replay(fresh_database, fresh_broker, service="experts")
    assert count == 2, "the one that is here, and the tombstone"


async def test_what_was_forgotten_while_it_waited_is_not_published(
    fresh_database: str, fresh_broker: str
) -> None:
    settings = settings_for(fresh_database, fresh_broker)
    async with create_pool(settings) as pool:
        async with transaction(pool) as connection:
            await append_all(connection, [fact("experts/gone", 1), fact("experts/here", 1)])
        async with transaction(pool) as connection:
            await forget(connection, topics=[TOPIC], keys=["experts/gone"])
            await append(connection, fact("experts/gone", 2, name="示例 无名"))
        await publish(pool, settings, fact("experts/here", 2))
        for topic in (TOPIC, TWIN):
            found = [one async for one in kafka.read(fresh_broker, [topic], follow=False)]
            assert sorted((one.key, one.version) for one in found) == [
                ("experts/gone", 2),
                ("experts/here", 1),
                ("experts/here", 2),
            ]


@pytest.fixture
def compacting(apache_node: ApacheKafka) -> Iterator[ApacheKafka]:
    """The session's node, where the twin is compacted within seconds."""
    apache_node.clear()
    admin = AdminClient({"bootstrap.servers": apache_node.bootstrap})
    admin.delete_topics([TWIN])[TWIN].result()
    (twin,) = (topic for topic in wanted() if topic.name == TWIN)
    quick = {
        "segment.ms": "200",
        "min.cleanable.dirty.ratio": "0.001",
        "max.compaction.lag.ms": "200",
        "delete.retention.ms": "200",
        "file.delete.delay.ms": "100",
    }
    while TWIN in admin.list_topics(timeout=10).topics:
        time.sleep(0.05)
    made = admin.create_topics([NewTopic(TWIN, 1, 1, config={**twin.config, **quick})])
    made[TWIN].result()
    yield apache_node
    apache_node.clear()


def on_disk(node: ApacheKafka, text: str) -> bool:
    return any(
        text.encode() in path.read_bytes()
        for folder in Path(node.data).rglob(f"{TWIN}-*")
        for path in folder.glob("*.log*")
    )


@pytest.mark.kafka
async def test_a_compacted_topic_forgets(fresh_database: str, compacting: ApacheKafka) -> None:
    settings = settings_for(fresh_database, compacting.bootstrap)
    async with create_pool(settings) as pool:
        await publish(pool, settings, fact("experts/gone", 1))
        assert on_disk(compacting, NAME)
        await publish(pool, settings, fact("experts/gone", 2, name=None))
        ends_at = time.monotonic() + 120
        number = 0
        while on_disk(compacting, NAME):  # what is written last is never compacted: go on writing
            assert time.monotonic() < ends_at, "it is still there"
            number += 1
            await publish(pool, settings, fact("experts/here", number, name="示例 还在"))
            time.sleep(0.5)
    found = [one async for one in kafka.read(compacting.bootstrap, [TWIN], follow=False)]
    assert NAME.encode() not in b"".join(one.payload or b"" for one in found)
    assert found[-1].key == "experts/here"
