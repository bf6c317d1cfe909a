"""The consumer kit as somebody else gets it: built, installed into an empty environment, and at work without the repository."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from libs.facts import package
from libs.postgres.migrate import dsn_of
from tests.architecture.tree import ROOT
from tests.integration.contract.test_outside_consumer import published
from tests.integration.libs.test_kit import shown

pytestmark = [pytest.mark.postgres, pytest.mark.e2e]

CONSUMER = """
import asyncio, sys
from zhihui.events.v1.facts_pb2 import PublicEventShown
from libs.facts.kit import Subscription, serve
from libs.messaging import MESSAGING_MIGRATIONS
from libs.postgres.migrate import migrate
from libs.settings import ServiceSettings

subscription = Subscription(group="page", topics=["public.event.v1"])

@subscription.on(PublicEventShown)
async def show(connection, fact):
    await connection.execute("INSERT INTO heard VALUES ($1, $2)", fact.key, fact.message.title)

if sys.argv[1:]:
    migrate(sys.argv[1], MESSAGING_MIGRATIONS, schema="page", role="page")
    print(sys.modules["libs.facts.kit"].__file__)
else:
    asyncio.run(serve(subscription, ServiceSettings()))
"""


def locked(folder: Path) -> Path:
    """The versions that everything is tested with, as constraints: the hashes are for whole lists only."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    path = folder / "locked.txt"
    path.write_text("\n".join(re.findall(r"^[\w.-]+==[^\s\\]+", text, re.MULTILINE)))
    return path


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """The interpreter of an environment that has the kit, what it needs, and nothing else."""
    kit, environment = tmp_path / "zhihui-facts", tmp_path / "venv"
    package.write(kit)
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    python = environment / "bin" / "python"
    done = subprocess.run(
        [str(python), "-m", "pip", "install", "-q", "-c", str(locked(tmp_path)), str(kit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return python


def test_an_installed_kit_consumes_without_the_repository(
    python: Path, tmp_path: Path, fresh_database: str, fresh_broker: str
) -> None:
    program = tmp_path / "page.py"
    program.write_text(CONSUMER)
    isolated = [str(python), "-I", str(program)]
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    made = subprocess.run(
        [*isolated, fresh_database],
        env=clean,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    assert made.stdout.strip().startswith(str(tmp_path / "venv"))
    have = subprocess.run(
        [str(python), "-m", "pip", "freeze"], capture_output=True, text=True, check=True
    ).stdout
    assert "zhihui-facts" in have
    assert not {"ortools", "numba"} & {line.partition("==")[0] for line in have.splitlines()}

    with psycopg.connect(fresh_database, autocommit=True) as connection:
        connection.execute("CREATE TABLE page.heard (key text, title text)")
        connection.execute("GRANT INSERT ON page.heard TO page")
        asyncio.run(published(fresh_broker, [shown("events/a", title="示例 观星")]))
        consumer = subprocess.Popen(
            isolated,
            cwd=tmp_path,
            env={
                **clean,
                "ZHIHUI_SERVICE": "page",
                "ZHIHUI_DATABASE_DSN": dsn_of(fresh_database, role="page"),
                "ZHIHUI_KAFKA_BOOTSTRAP": fresh_broker,
            },
        )
        try:
            ends_at = time.monotonic() + 60
            heard: list[tuple[str, str]] = []
            while not heard and time.monotonic() < ends_at:
                time.sleep(0.1)
                heard = connection.execute("SELECT key, title FROM page.heard").fetchall()
            consumer.send_signal(signal.SIGTERM)
            assert consumer.wait(30) == 0
        finally:
            consumer.kill()
    assert heard == [("events/a", "示例 观星")]
