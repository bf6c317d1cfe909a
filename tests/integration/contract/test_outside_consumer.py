"""A consumer that was written from docs/asyncapi.yaml alone, in another client library, gets what ours get."""

import ast
import asyncio
import contextlib
import json
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator, Sequence
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from libs.facts.state import State, hash_of_assignments, hash_of_things
from libs.ids import new_uuid
from libs.messaging import kafka
from libs.messaging.relay import send_rows
from libs.messaging.topics import topics
from tests.architecture.tree import ROOT
from tests.contract.examples import examples, key_of, version_of
from tests.integration.libs.test_messaging import until

PAGE_MARK = "<!-- consumer: run by tests/integration/contract/test_outside_consumer.py -->"
DYING = """
import os, signal
import confluent_kafka

class Consumer(confluent_kafka.Consumer):
    def commit(self, *arguments, **named):
        os.kill(os.getpid(), signal.SIGKILL)

confluent_kafka.Consumer = Consumer
"""
OUTSIDE = ROOT / "tests" / "contract" / "outside.py"
AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
ASSIGNMENTS = 40


def row(fact: Any, *, topic: str, version: int | None = None, **others: Any) -> dict[str, Any]:
    """As the outbox has it."""
    return {
        "message_id": new_uuid(),
        "topic": topic,
        "key": key_of(fact),
        "type": fact.DESCRIPTOR.full_name,
        "version": version_of(fact) if version is None else version,
        "occurred_at": AT,
        "payload": fact.SerializeToString(deterministic=True),
        "traceparent": None,
        **others,
    }


def a_story() -> list[dict[str, Any]]:
    """Every fact once; a published round of many; a repeat, a straggler, a type of the future, things taken down."""
    shown = examples()
    topic_of = {name: topic.name for topic in topics().values() for name in topic.types}
    rows = [
        row(fact, topic=topic_of[name]) for name, fact in shown.items() if "scheduling" not in name
    ]
    assignments, decisions = [], []
    for number in range(ASSIGNMENTS):
        fact = deepcopy(shown["zhihui.scheduling.v1.AssignmentPublished"])
        fact.assignment.name = f"assignments/as-{number}"
        fact.assignment.request = f"requests/req-{number}"
        fact.assignment.seat = number % 3
        fact.assignment.remote = number % 2 == 1
        assignments.append(fact)
        decided = deepcopy(shown["zhihui.scheduling.v1.RequestDecided"])
        decided.request = f"requests/req-{number}"
        decisions.append(decided)
    whole = deepcopy(shown["zhihui.scheduling.v1.RoundPublished"])
    whole.assignments, whole.decisions = len(assignments), len(decisions)
    whole.hash = hash_of_assignments([one.assignment for one in assignments])
    rows += [row(one, topic="scheduling.decision.v1") for one in decisions]
    rows += [row(one, topic="scheduling.assignment.v1") for one in assignments]
    rows.append(row(whole, topic="scheduling.round.v1"))
    # afterwards: one cancelled, one moved
    for name, at in (("AssignmentCancelled", 0), ("AssignmentChanged", 1)):
        later = deepcopy(shown[f"zhihui.scheduling.v1.{name}"])
        later.assignment.name = f"assignments/as-{at}"
        rows.append(row(later, topic="scheduling.assignment.v1"))
    rows.append(rows[0])  # a repeat
    straggler = deepcopy(shown["zhihui.events.v1.RequestEndorsed"])  # version 2 behind version 6
    rows.append(row(straggler, topic="events.request.v1"))
    future = row(shown["zhihui.events.v1.EventRated"], topic="events.event.v1", key="events/ev-9")
    rows.append(future | {"type": "zhihui.events.v1.EventPostponed"})
    for topic, key in (
        ("public.event.v1", "events/ev-0007"),
        ("experts.expert.v1", "experts/ex-0042"),
    ):
        rows.append(
            row(shown["zhihui.events.v1.PublicEventShown"], topic=topic, key=key, version=9)
            | {"type": "tombstone", "payload": None}
        )
    return rows


async def outside(bootstrap: str, *flags: str) -> Any:
    """What the outside consumer says; it has no way to our code."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    process = await asyncio.create_subprocess_exec(
        *(
            sys.executable,
            "-P",
            str(OUTSIDE),
            str(ROOT / "docs" / "asyncapi.yaml"),
            bootstrap,
            *flags,
        ),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    return json.loads(out)


async def published(bootstrap: str, rows: Sequence[dict[str, Any]]) -> None:
    async with kafka.Producer(bootstrap, client="story") as producer:
        for one in rows:  # one by one: the order of the story
            await (await send_rows(producer, [one], service=topics()[one["topic"]].owner))


async def ours(bootstrap: str) -> State:
    state = State()
    async for fact in kafka.read(bootstrap, list(topics()), follow=False):
        state.take(fact)
    return state


async def test_the_document_is_enough(any_broker: str, request: pytest.FixtureRequest) -> None:
    server = "production" if "apache" in request.node.name else "embedded"
    rows = a_story()
    await published(any_broker, rows)
    state = await ours(any_broker)
    told = await outside(any_broker)
    assert told["counts"] == {
        "records": len(rows),
        "repeats": 1,
        "old": 1,
        "unknown": 1,
        "forgotten": 2,
    }
    assert told["requests"] == hash_of_things(state.requests.values())
    assert told["events"] == hash_of_things(state.events.values())
    assert told["shown"] == []
    (round,) = told["rounds"].values()
    assert round["whole"]
    assert round["hash"] == round["announced"]
    assert round["now"] == hash_of_assignments(state.current("rounds/2026-12")) != round["hash"]

    late = await outside(any_broker, "--late", "--server", server)
    assert (late["requests"], late["events"]) == (told["requests"], told["events"])
    assert late["rounds"]["rounds/2026-12"]["now"] == round["now"]
    assert late["counts"]["repeats"] == len(rows) + 1, "log and twin overlap, to no effect"


async def test_half_a_round_is_seen_to_be_half(any_broker: str) -> None:
    rows = a_story()
    missing = next(one for one in rows if one["type"].endswith("AssignmentPublished"))
    await published(any_broker, [one for one in rows if one is not missing])
    (round,) = (await outside(any_broker))["rounds"].values()
    assert not round["whole"]
    assert round["hash"] != round["announced"]


def test_the_outside_consumer_imports_nothing_of_ours() -> None:
    tree = ast.parse(OUTSIDE.read_text())
    names = {
        (node.module or "") if isinstance(node, ast.ImportFrom) else alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    roots = {name.partition(".")[0] for name in names}
    assert not roots & {"libs", "services", "zhihui", "tests", "aiokafka"}
    assert "confluent_kafka" in roots


async def test_the_consumer_on_the_page_keeps_the_rule(any_broker: str, tmp_path: Path) -> None:
    """As somebody copies it, killed between an effect and its offset: a repeat, a straggler, a tombstone, the future."""
    page = (ROOT / "docs" / "facts.md").read_text()
    (tmp_path / "consumer.py").write_text(
        page.split(PAGE_MARK)[1].split("```")[1].removeprefix("python\n")
    )
    topic, kind = "public.event.v1", "zhihui.events.v1.PublicEventShown"

    def shown(key: str, version: int, title: str) -> dict[str, Any]:
        fact = deepcopy(examples()[kind])
        fact.title = title
        return row(fact, topic=topic, key=key, version=version)

    first, gone = shown("events/a", 1, "示例 一"), shown("events/b", 1, "示例 走了")
    rows = [first, shown("events/a", 2, "示例 二"), gone, first]
    await published(any_broker, rows)
    file = tmp_path / "titles.sqlite"
    async with consuming(tmp_path, any_broker, file, dies=True):
        await until(lambda: len(titles(file)) == 1)  # between partitions there is no order
    rows = [
        gone | {"message_id": new_uuid(), "version": 2, "type": "tombstone", "payload": None},
        shown("events/a", 1, "示例 太旧"),
        shown("events/c", 1, "示例 新类型") | {"type": f"{kind}AndHeard"},
        shown("events/d", 1, "示例 末了"),
    ]
    await published(any_broker, rows)
    async with consuming(tmp_path, any_broker, file):
        await until(lambda: "events/d" in titles(file), seconds=60)
        await until(lambda: "events/b" not in titles(file))
        await asyncio.sleep(1)
        assert titles(file) == {"events/a": "示例 二", "events/d": "示例 末了"}


def titles(file: Path) -> dict[str, str]:
    with contextlib.closing(sqlite3.connect(file)) as store:
        try:
            return dict(store.execute("SELECT event, title FROM shown"))
        except sqlite3.OperationalError:
            return {}


@contextlib.asynccontextmanager
async def consuming(
    folder: Path, bootstrap: str, file: Path, *, dies: bool = False
) -> AsyncIterator[None]:
    """The page's program; where it `dies` it is gone (kill -9) before its first offset is committed."""
    (folder / "sitecustomize.py").write_text(DYING if dies else "")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "consumer.py", bootstrap, str(file)),
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{folder}:{ROOT / 'libs' / 'genproto'}"},
    )
    try:
        yield
        if dies:
            assert await asyncio.wait_for(process.wait(), 20) == -signal.SIGKILL
        else:
            assert process.returncode is None
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
