"""The example consumers as anybody would run them: processes of their own, over a real broker and a real PostgreSQL."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import OKPKey
from zhihui.events.v1 import facts_pb2 as events
from zhihui.scheduling.v1 import facts_pb2 as facts
from zhihui.scheduling.v1 import scheduling_pb2 as pb

from libs.ids import new_uuid
from libs.messaging import MESSAGING_MIGRATIONS
from libs.messaging.outbox import OutgoingMessage, append_all
from libs.messaging.relay import Relay
from libs.postgres.migrate import dsn_of, migrate
from libs.postgres.pool import Pool, create_pool, transaction
from libs.settings import ServiceSettings
from tests.architecture.tree import ROOT
from tests.integration.libs.test_messaging import running, until

pytestmark = pytest.mark.postgres

AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
PUBLIC, ASSIGNMENT = "public.event.v1", "scheduling.assignment.v1"


@pytest.fixture
def settings(fresh_database: str, any_broker: str) -> ServiceSettings:
    """Of a service that announces what the examples listen to."""
    migrate(fresh_database, MESSAGING_MIGRATIONS, schema="scheduling", role="scheduling")
    return ServiceSettings(
        service="scheduling",
        database_dsn=dsn_of(fresh_database, role="scheduling"),
        database_connections_min=0,
        kafka_bootstrap=any_broker,
    )


@pytest.fixture
async def source(settings: ServiceSettings) -> AsyncIterator[Pool]:
    """A pool whose outbox is relayed."""
    async with create_pool(settings) as pool, running(Relay(pool, settings).run()):
        yield pool


@pytest.fixture
def environment(settings: ServiceSettings, fresh_database: str, tmp_path: Path) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": f"{ROOT}:{ROOT / 'libs/genproto'}",
        "ZHIHUI_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "ZHIHUI_DATABASE_OWNER_DSN": fresh_database,
        "MEDIA_FEED": str(tmp_path / "feed.json"),
        "HOURS_KEY": str(tmp_path / "private.pem"),
    }


class Example:
    """A process of `python -m examples.…`."""

    def __init__(self, name: str, environment: dict[str, str]) -> None:
        dsn = dsn_of(environment["ZHIHUI_DATABASE_OWNER_DSN"], role=name)
        self._environment = environment | {"ZHIHUI_DATABASE_DSN": dsn}
        self._command = [sys.executable, "-m", f"examples.{name}"]
        self._process: subprocess.Popen[bytes] | None = None

    async def __call__(self, *arguments: str) -> tuple[int, str]:
        done = await asyncio.to_thread(
            subprocess.run,
            [*self._command, *arguments],
            env=self._environment,
            stdout=subprocess.PIPE,
            check=False,
        )
        return done.returncode, done.stdout.decode()

    def start(self, *arguments: str) -> None:
        self._process = subprocess.Popen([*self._command, *arguments], env=self._environment)

    async def end(self, how: signal.Signals) -> int:
        assert self._process is not None
        self._process.send_signal(how)
        return await asyncio.to_thread(self._process.wait, 20)


async def announce(
    source: Pool, fact: Any, *, topic: str, key: str, version: int, at: datetime = AT
) -> None:
    if fact is not None:
        fact.occurred_time.FromDatetime(at)
    message = OutgoingMessage(
        message_id=new_uuid(),
        topic=topic,
        key=key,
        type="tombstone" if fact is None else fact.DESCRIPTOR.full_name,
        version=version,
        occurred_at=at,
        payload=None if fact is None else fact.SerializeToString(),
    )
    async with transaction(source) as connection:
        await append_all(connection, [message])


def shown(title: str) -> events.PublicEventShown:
    fact = events.PublicEventShown(
        title=title, venue_display_name="示例小学", speakers=["示例 周专家"]
    )
    fact.period.start_time.FromDatetime(AT)
    fact.period.end_time.FromDatetime(AT + timedelta(hours=1))
    return fact


def titles(environment: dict[str, str]) -> list[str]:
    path = Path(environment["MEDIA_FEED"])
    if not path.exists():
        return []
    return [event["title"] for event in json.loads(path.read_text())["events"]]


async def test_the_page_follows_what_is_public(source: Pool, environment: dict[str, str]) -> None:
    media = Example("media", environment)
    assert (await media("migrate"))[0] == 0
    await announce(source, shown("示例 航天"), topic=PUBLIC, key="events/a", version=1)
    await announce(source, shown("示例 天文"), topic=PUBLIC, key="events/b", version=1)
    media.start()
    try:
        await until(lambda: titles(environment) == ["示例 航天", "示例 天文"], seconds=40)
        await announce(source, shown("示例 航天（改）"), topic=PUBLIC, key="events/a", version=2)
        await until(lambda: titles(environment) == ["示例 航天（改）", "示例 天文"])
        await announce(source, None, topic=PUBLIC, key="events/b", version=2)
        await until(lambda: titles(environment) == ["示例 航天（改）"], seconds=60)
        await media.end(signal.SIGKILL)  # and what happens meanwhile is not missed
        await announce(source, shown("示例 化学"), topic=PUBLIC, key="events/c", version=1)
        media.start()
        await until(lambda: titles(environment) == ["示例 航天（改）", "示例 化学"], seconds=60)
    finally:
        assert await media.end(signal.SIGTERM) == 0, "it finishes what is in hand and ends"


def an_assignment(minutes: int, version: int, state: int) -> pb.Assignment:
    one = pb.Assignment(
        name="assignments/as-1",
        round="rounds/r1",
        event="events/a",
        expert="experts/ex-1",
        district="nodes/yuzhong",
        state=state,  # type: ignore[arg-type]  # an enum's value is an int
        version=version,
    )
    one.period.start_time.FromDatetime(AT)
    one.period.end_time.FromDatetime(AT + timedelta(minutes=minutes))
    return one


async def test_hours_count_from_delivered_on_and_are_superseded(
    source: Pool, environment: dict[str, str], fresh_database: str, tmp_path: Path
) -> None:
    key = OKPKey.generate_key("Ed25519")
    (tmp_path / "private.pem").write_bytes(key.as_pem(private=True))
    (tmp_path / "public.pem").write_bytes(key.as_pem(private=False))
    hours = Example("hours", environment)
    assert (await hours("migrate"))[0] == 0
    settings = ServiceSettings(
        service="hours",
        database_dsn=dsn_of(fresh_database, role="hours"),
        database_connections_min=0,
    )

    async with create_pool(settings) as ledger:

        async def standing() -> list[tuple[int, int | None]]:
            rows = await ledger.fetch(
                "SELECT minutes, supersedes FROM hours WHERE superseded_at IS NULL"
            )
            return [(row["minutes"], row["supersedes"]) for row in rows]

        async def standing_is(*expected: tuple[int, int | None]) -> bool:
            return await standing() == list(expected)

        async def tell(kind: Any, minutes: int, version: int, state: int) -> None:
            fact = kind(assignment=an_assignment(minutes, version, state))
            await announce(source, fact, topic=ASSIGNMENT, key="assignments/as-1", version=version)

        hours.start("serve")
        try:
            await tell(facts.AssignmentPublished, 60, 1, pb.Assignment.STATE_CONFIRMED)
            await tell(facts.AssignmentChanged, 75, 2, pb.Assignment.STATE_CONFIRMED)
            await tell(facts.AssignmentDelivered, 75, 3, pb.Assignment.STATE_DELIVERED)
            await until(lambda: standing_is((75, None)), seconds=40)
            await tell(facts.AssignmentDelivered, 90, 4, pb.Assignment.STATE_DELIVERED)
            await until(lambda: standing_is((90, 1)))
            code, record = await hours("export", "experts/ex-1")
            assert code == 0
            (tmp_path / "record.jws").write_text(record)
            verify = ("verify", str(tmp_path / "record.jws"), str(tmp_path / "public.pem"))
            code, text = await hours(*verify)
            assert (code, json.loads(text)["minutes"]) == (0, 90)

            head, body, seal = record.split(".")
            changed = body[:-4] + ("AAAA" if body[-4:] != "AAAA" else "BBBB")
            (tmp_path / "record.jws").write_text(f"{head}.{changed}.{seal}")
            assert (await hours(*verify))[0] == 1, "somebody has changed it"

            await tell(facts.AssignmentCancelled, 90, 5, pb.Assignment.STATE_CANCELLED)
            await until(lambda: standing_is((0, 2)))
        finally:
            assert await hours.end(signal.SIGTERM) == 0
