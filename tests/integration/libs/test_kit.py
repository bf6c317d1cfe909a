"""The consumer kit, clause by clause, over a real broker and a real PostgreSQL; and in a folder of its own."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from zhihui.events.v1 import facts_pb2

from libs.errors import WrongState
from libs.facts import package
from libs.facts.kit import Fact, Subscription
from libs.messaging import MESSAGING_MIGRATIONS, kafka
from libs.messaging.topics import dead_letter_topic
from libs.postgres.migrate import dsn_of, migrate
from libs.postgres.pool import Connection, Pool, create_pool
from libs.settings import ServiceSettings
from tests.architecture.tree import ROOT
from tests.contract.examples import examples
from tests.integration.contract.test_outside_consumer import published, row
from tests.integration.libs.test_messaging import running, until

pytestmark = pytest.mark.postgres

TOPIC = "public.event.v1"


class TooLate(WrongState):
    """The test's handler does not take this."""


@pytest.fixture
def settings(fresh_database: str, fresh_broker: str) -> ServiceSettings:
    migrate(fresh_database, MESSAGING_MIGRATIONS, schema="kit", role="kit")
    return ServiceSettings(
        service="kit",
        database_dsn=dsn_of(fresh_database, role="kit"),
        database_connections_min=0,
        kafka_bootstrap=fresh_broker,
    )


@pytest.fixture
async def pool(settings: ServiceSettings) -> AsyncIterator[Pool]:
    async with create_pool(settings) as pool:
        yield pool


def shown(key: str, version: int = 1, *, title: str = "示例", **others: Any) -> dict[str, Any]:
    fact: Any = facts_pb2.PublicEventShown()
    fact.CopyFrom(examples()["zhihui.events.v1.PublicEventShown"])
    fact.title = title
    return row(fact, topic=TOPIC, key=key, version=version, **others)


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_every_clause(pool: Pool, settings: ServiceSettings) -> None:
    """What each fact of a bad day comes to."""
    effects: list[tuple[str, int, str]] = []
    away = [2]
    subscription = Subscription(group="kit", topics=[TOPIC])

    @subscription.on(facts_pb2.PublicEventShown)
    async def show(connection: Connection, fact: Fact[facts_pb2.PublicEventShown]) -> None:
        assert connection.is_in_transaction()
        title = fact.message.title
        if title == "refused":
            raise TooLate("this is too late", event=fact.key)
        if title == "away" and away[0]:
            away[0] -= 1
            raise ConnectionResetError("the database is away")
        effects.append((fact.key, fact.version, title))

    @subscription.on_tombstone(TOPIC)
    async def forget(connection: Connection, fact: Fact[None]) -> None:
        effects.append((fact.key, fact.version, "gone"))

    first = shown("events/a", 2)
    await published(
        settings.kafka_bootstrap,
        [
            first,
            first,  # a repeat
            shown("events/a", 1),  # a straggler
            shown("events/a", 3, title="refused"),
            shown("events/a", 4, payload=b"\xff\xff"),  # no message
            shown("events/a", 5, type="zhihui.events.v1.Unheard"),
            shown("events/a", 6, title="away"),
            shown("events/a", 7, type="tombstone", payload=None),
        ],
    )
    stop = asyncio.Event()
    dead_before = counted("zhihui_consumer_facts_total", group="kit", topic=TOPIC, result="dead")
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(subscription.run(pool, settings, stop=stop))
        await until(lambda: bool(effects) and effects[-1][2] == "gone", seconds=40)
        stop.set()  # and it ends in order
    # a batch that is undone has no effect in the database; what this list remembers of it comes twice
    assert list(dict.fromkeys(effects)) == [
        ("events/a", 2, "示例"),
        ("events/a", 6, "away"),
        ("events/a", 7, "gone"),
    ]
    assert away == [0]
    assert await pool.fetchval("SELECT count(*) FROM inbox") == 4, (
        "the straggler is remembered, too"
    )
    version = "SELECT version FROM inbox_versions WHERE key = 'events/a'"
    assert await pool.fetchval(version) == 7

    letters = [
        dict(record.headers)
        async for record in kafka.read_records(settings.kafka_bootstrap, [dead_letter_topic("kit")])
    ]
    assert [one["dead_reason"] for one in letters] == [b"TOO_LATE", b"UNREADABLE_FACT"]
    assert letters[0]["dead_sentence"] == b"this is too late"
    for one in letters:
        assert (one["dead_topic"], one["dead_handler"]) == (TOPIC.encode(), b"kit")
        assert int(one["dead_attempt"]) >= 1
        assert one["ce_id"]
    dead = counted("zhihui_consumer_facts_total", group="kit", topic=TOPIC, result="dead")
    assert dead - dead_before == 2
    lags = [
        sample.value
        for family in REGISTRY.collect()
        for sample in family.samples
        if sample.name == "zhihui_consumer_lag" and sample.labels["group"] == "kit"
    ]
    assert lags == [0.0]


async def test_a_bug_stops_its_partition_and_loses_nothing(
    pool: Pool, settings: ServiceSettings
) -> None:
    mended = [False]
    heard: list[str] = []

    def a_subscription() -> Subscription:
        subscription = Subscription(group="buggy", topics=[TOPIC])

        @subscription.on(facts_pb2.PublicEventShown)
        async def show(connection: Connection, fact: Fact[facts_pb2.PublicEventShown]) -> None:
            if fact.message.title == "bug" and not mended[0]:
                raise ZeroDivisionError
            heard.append(fact.key)

        return subscription

    await published(
        settings.kafka_bootstrap, [shown("events/a", title="bug"), shown("events/a", 2)]
    )
    async with running(a_subscription().run(pool, settings)):
        await until(lambda: counted("zhihui_consumer_stopped", group="buggy") == 1, seconds=40)
        assert heard == []
    mended[0] = True
    async with running(a_subscription().run(pool, settings)):
        await until(lambda: heard == ["events/a", "events/a"], seconds=60)


def test_the_kit_goes_into_a_folder_of_its_own(tmp_path: Path) -> None:
    out = tmp_path / "kit"
    assert package.write(out) > 20
    assert not {name for name in package.modules() if not name.startswith("libs")}
    text = (out / "pyproject.toml").read_text()
    for needed in ("aiokafka", "asyncpg", "protobuf", "prometheus-client", "psycopg"):
        assert f'"{needed}' in text
    assert "ortools" not in text
    assert "grpcio>" not in text
    script = (
        "import sys, libs.facts.kit, libs.facts.state, libs.messaging, libs.messaging.topics as t\n"
        "from zhihui.events.v1.facts_pb2 import PublicEventShown\n"
        "libs.facts.kit.Subscription(group='g', topics=['public.event.v1']).on(PublicEventShown)\n"
        "assert len(t.topics()) == 10 and list(libs.messaging.MESSAGING_MIGRATIONS.glob('*.sql'))\n"
        "print(libs.facts.kit.__file__)\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(out)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().startswith(str(out))
    assert str(ROOT) not in done.stdout
