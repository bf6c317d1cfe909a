"""`zhihui watch` and `zhihui facts` over a real broker and real outboxes."""

import asyncio
import json
import os
import signal
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from google.protobuf.message import Message
from zhihui.scheduling.v1 import facts_pb2 as facts
from zhihui.scheduling.v1 import scheduling_pb2 as pb

from libs.errors import WrongState
from libs.facts.state import hash_of_assignments
from libs.ids import new_uuid
from libs.messaging import MESSAGING_MIGRATIONS, kafka, operations
from libs.messaging.consumer import Consumer
from libs.messaging.kafka import Received
from libs.messaging.outbox import OutgoingMessage, append_all
from libs.messaging.relay import BATCH, Relay
from libs.postgres.migrate import dsn_of, migrate
from libs.postgres.pool import Connection, Pool, create_pool, transaction
from libs.settings import ServiceSettings
from tests.integration.libs.test_messaging import all_published, running, until

pytestmark = pytest.mark.postgres

AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
TYPE = "zhihui.scheduling.v1.AssignmentPublished"


class NotLiked(WrongState):
    """This fact is refused by the test's handler."""


@pytest.fixture
def settings(fresh_database: str, any_broker: str) -> ServiceSettings:
    migrate(fresh_database, MESSAGING_MIGRATIONS, schema="scheduling", role="scheduling")
    return ServiceSettings(
        service="scheduling",
        database_dsn=dsn_of(fresh_database, role="scheduling"),
        database_connections_min=0,
        kafka_bootstrap=any_broker,
    )


@pytest.fixture
async def pool(settings: ServiceSettings) -> AsyncIterator[Pool]:
    async with create_pool(settings) as pool:
        yield pool


class Command:
    """The command against this test's broker and database."""

    def __init__(self, bootstrap: str, owner_dsn: str, folder: str) -> None:
        self.owner_dsn = owner_dsn
        self._environment = {
            **os.environ,
            "PYTHONPATH": ".:libs/genproto",
            "ZHIHUI_HOME": folder,
            "ZHIHUI_KAFKA": bootstrap,
            "ZHIHUI_DATABASE": owner_dsn,
        }

    async def __call__(self, *arguments: str) -> tuple[int | None, list[Any]]:
        code, text = await self.said("--json", *arguments)
        return code, [json.loads(line) for line in text.splitlines()]

    async def started(self, *arguments: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.cli", *arguments),
            env=self._environment,
            stdout=asyncio.subprocess.PIPE,
        )

    async def said(self, *arguments: str) -> tuple[int | None, str]:
        process = await self.started(*arguments)
        out, _ = await process.communicate()
        return process.returncode, out.decode()


@pytest.fixture
def zhihui(settings: ServiceSettings, fresh_database: str, tmp_path: Any) -> Command:
    return Command(settings.kafka_bootstrap, fresh_database, str(tmp_path))


def message(fact: Any, *, topic: str, key: str, version: int = 1) -> OutgoingMessage:
    fact.occurred_time.FromDatetime(AT)
    return OutgoingMessage(
        message_id=new_uuid(),
        topic=topic,
        key=key,
        type=fact.DESCRIPTOR.full_name,
        version=version,
        occurred_at=AT,
        payload=fact.SerializeToString(),
    )


def an_assignment(number: int, **others: Any) -> pb.Assignment:
    one = pb.Assignment(
        name=f"assignments/as-{number}",
        round="rounds/r1",
        request=f"requests/req-{number}",
        event=f"events/ev-{number}",
        expert="experts/ex-1",
        expert_display_name="示例 周专家",
        state=pb.Assignment.STATE_CONFIRMED,
        version=1,
        **others,
    )
    one.period.start_time.FromDatetime(AT)
    one.period.end_time.FromDatetime(AT.replace(hour=9))
    return one


def a_round(assignments: Sequence[pb.Assignment]) -> list[OutgoingMessage]:
    whole = facts.RoundPublished(
        round=pb.Round(name="rounds/r1", title="示例 第一轮", version=5),
        assignments=len(assignments),
        hash=hash_of_assignments(assignments),
    )
    return [
        message(
            facts.AssignmentPublished(assignment=one),
            topic="scheduling.assignment.v1",
            key=one.name,
        )
        for one in assignments
    ] + [message(whole, topic="scheduling.round.v1", key="rounds/r1", version=5)]


async def publish(
    pool: Pool, settings: ServiceSettings, messages: Sequence[OutgoingMessage]
) -> None:
    async with transaction(pool) as connection:
        await append_all(connection, messages)
    async with running(Relay(pool, settings).run()):
        await until(lambda: all_published(pool))


async def test_a_coordinator_watches_what_happens(
    pool: Pool, settings: ServiceSettings, zhihui: Command
) -> None:
    await publish(pool, settings, a_round([an_assignment(1)]))
    code, text = await zhihui.said("watch", "scheduling", "--since", "start", "--no-follow")
    assert code == 0
    assert "派出 AssignmentPublished  assignments/as-1 v1  示例 周专家" in text
    assert "2026-11-23 周一 16:00" in text, "times as people in the city read them"
    code, lines = await zhihui("watch", "--since", "start", "--no-follow", "--key", "rounds/r1")
    assert [(line["type"], line["payload"]["assignments"]) for line in lines] == [
        ("zhihui.scheduling.v1.RoundPublished", 1)
    ]
    code, lines = await zhihui("watch", "nothing.of.the.kind")
    assert code == 2


async def test_the_log_adds_up_or_it_is_said(
    pool: Pool, settings: ServiceSettings, zhihui: Command
) -> None:
    round = a_round([an_assignment(1), an_assignment(2)])
    await publish(pool, settings, round)
    code, (answer,) = await zhihui("facts", "verify", "--log-only")
    assert (code, answer["equal"], answer["facts"]) == (0, True, 3)
    other = an_assignment(3)
    await publish(pool, settings, a_round([other])[:1])  # one that the hash does not know
    code, (answer,) = await zhihui("facts", "verify", "--log-only")
    assert (code, answer["equal"]) == (2, False)


async def test_a_transaction_that_holds_facts_up_is_named(
    pool: Pool, settings: ServiceSettings, zhihui: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = message(
        facts.AssignmentPublished(assignment=an_assignment(1)),
        topic="scheduling.assignment.v1",
        key="assignments/as-1",
    )
    async with transaction(pool) as connection:
        await append_all(connection, [one])
        pid = await connection.fetchval("SELECT pg_backend_pid()")
        monkeypatch.setattr(operations, "LONG_S", 0)
        (held_by,) = await operations.long_transactions(zhihui.owner_dsn)
        assert (held_by.pid, held_by.application) == (pid, "zhihui-scheduling")
        assert held_by.state == "idle in transaction"
        assert "pg_backend_pid" in held_by.query
        monkeypatch.undo()
        assert await operations.long_transactions(zhihui.owner_dsn) == [], "not long yet"
    assert await operations.long_transactions(zhihui.owner_dsn) == []


async def test_a_replay_is_heard_once(
    pool: Pool, settings: ServiceSettings, zhihui: Command
) -> None:
    await publish(pool, settings, a_round([an_assignment(1), an_assignment(2)]))
    code, lines = await zhihui("facts", "replay", "--topic", "scheduling.assignment.v1")
    assert (code, lines) == (0, [{"replayed": 2, "stopped": False}])
    code, lines = await zhihui("facts", "replay", "--key", "rounds/r1", "--since", "1m")
    assert (code, lines) == (0, [{"replayed": 0, "stopped": False}]), "it happened earlier"
    code, (answer,) = await zhihui("facts", "verify", "--log-only")
    assert (code, answer["facts"]) == (0, 3), "repeats have no effect"


MANY, OF_ONE = 400, 10


async def many_published(pool: Pool, settings: ServiceSettings) -> dict[int, list[UUID]]:
    """Changes of many assignments, as the log has them; by partition."""
    changes = [
        message(
            facts.AssignmentChanged(assignment=an_assignment(number)),
            topic="scheduling.assignment.v1",
            key=f"assignments/as-{number}",
            version=version,
        )
        for version in range(1, OF_ONE + 1)
        for number in range(MANY)
    ]
    await publish(pool, settings, changes)
    return await logged(settings)


async def logged(settings: ServiceSettings) -> dict[int, list[UUID]]:
    found: dict[int, list[UUID]] = defaultdict(list)
    async for fact in kafka.read(
        settings.kafka_bootstrap, ["scheduling.assignment.v1"], follow=False
    ):
        found[fact.partition].append(fact.message_id)
    return found


async def stopped_in_the_middle(zhihui: Command, progress: Path, how: signal.Signals) -> int:
    """A replay that is ended by a signal after it has noted a first position; gives its exit code."""
    process = await zhihui.started("facts", "replay", "--progress", str(progress))
    async with asyncio.timeout(30):
        while not progress.exists():
            await asyncio.sleep(0.001)
    process.send_signal(how)
    return await process.wait()


async def test_a_replay_that_was_stopped_goes_on_exactly_there(
    pool: Pool, settings: ServiceSettings, zhihui: Command, tmp_path: Path
) -> None:
    before = await many_published(pool, settings)
    progress = tmp_path / "progress.json"
    assert await stopped_in_the_middle(zhihui, progress, signal.SIGINT) == 130
    code, (refused,) = await zhihui(
        *("facts", "replay", "--progress", str(progress), "--key", "assignments/as-1")
    )
    assert code == 2, refused
    half = sum(len(ids) for ids in (await logged(settings)).values()) - MANY * OF_ONE
    assert 0 < half < MANY * OF_ONE
    code, (answer,) = await zhihui("facts", "replay", "--progress", str(progress))
    assert (code, answer["replayed"]) == (0, MANY * OF_ONE - half)
    assert not progress.exists()
    after = await logged(settings)
    assert after == {partition: ids + ids for partition, ids in before.items()}


async def test_a_replay_that_was_killed_leaves_no_gap(
    pool: Pool, settings: ServiceSettings, zhihui: Command, tmp_path: Path
) -> None:
    before = await many_published(pool, settings)
    progress = tmp_path / "progress.json"
    assert await stopped_in_the_middle(zhihui, progress, signal.SIGKILL) == -signal.SIGKILL
    code, _ = await zhihui("facts", "replay", "--progress", str(progress))
    assert code == 0
    repeats = 0
    for partition, ids in (await logged(settings)).items():
        mine = before[partition]
        again = ids[len(mine) :]
        seam = next(
            number for number in range(len(again)) if again[number:] == mine[-len(again) + number :]
        )
        assert again[:seam] == mine[:seam], "what was published before it was killed, in order"
        assert len(again) >= len(mine), "no gap"
        repeats += len(again) - len(mine)
    assert repeats <= BATCH, "what was on its way comes again, and no more"


async def test_a_dead_letter_is_read_mended_and_heard(
    pool: Pool, settings: ServiceSettings, zhihui: Command, tmp_path: Any
) -> None:
    bad = an_assignment(1, reason="不对")
    await publish(pool, settings, a_round([bad]))
    heard: list[str] = []

    async def hear(connection: Connection, fact: Received) -> None:
        assert fact.payload is not None
        got: Message = facts.AssignmentPublished.FromString(fact.payload)
        if got.assignment.reason:
            raise NotLiked("it has a reason")
        heard.append(fact.key)

    consumer = Consumer(
        pool,
        settings,
        group="scheduling",
        topics=["scheduling.assignment.v1"],
        handlers={TYPE: hear},
    )
    async with running(consumer.run()):
        async with asyncio.timeout(30):
            while not (letters := (await zhihui("facts", "dead", "scheduling"))[1]):
                pass
    (letter,) = letters
    assert letter["dead_reason"] == "NOT_LIKED"
    assert letter["fact"]["payload"]["assignment"]["reason"] == "不对"
    code, (status,) = await zhihui("facts", "status")
    assert (code, status["worry"], status["dead_letters"]["scheduling"]) == (0, True, 1)
    assert [one["waiting"] for one in status["groups"] if one["group"] == "scheduling"] == [0]
    (outbox,) = status["outboxes"]
    assert (outbox["service"], outbox["published"], outbox["waiting"], outbox["age_s"]) == (
        "scheduling",
        2,
        0,
        0.0,
    )
    assert datetime.fromisoformat(outbox["last_time"]) == AT
    assert outbox["schema_version"]
    assert not status["last_taken"], "what was refused was not taken"
    assert len(status["contract"]) == 12

    letter["fact"]["payload"]["assignment"]["reason"] = ""
    mended = tmp_path / "mended.json"
    mended.write_text(json.dumps(letter["fact"]["payload"]))
    code, _ = await zhihui("facts", "resend", letter["letter"], "--payload", str(mended))
    assert code == 0
    async with running(consumer.run()):  # until what was heard is committed, too
        await until(lambda: pool.fetchval("SELECT EXISTS (SELECT FROM inbox)"))
    assert heard == ["assignments/as-1"]
    code, (status,) = await zhihui("facts", "status")
    assert status["last_taken"]["scheduling"]
    code, text = await zhihui.said("facts", "dead")
    assert "it has a reason" in text
    code, text = await zhihui.said("facts", "status")
    assert "请处理" in text
