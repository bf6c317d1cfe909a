"""What the storm rages on: PostgreSQL, Apache Kafka and every service as processes, with proxies between them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from pydantic import SecretStr

from libs.auth.principal import Principal, Role
from libs.auth.tokens import Tokens
from libs.clock import system_clock
from libs.messaging import MESSAGING_MIGRATIONS, kafka
from libs.messaging.topics import wanted
from libs.postgres.migrate import create_database, dsn_of, migrate
from libs.settings import TokenSettings
from services.events.__main__ import MIGRATIONS as EVENTS
from services.experts.__main__ import MIGRATIONS as EXPERTS
from services.local.apache import command
from services.local.health import serves_grpc
from services.local.process import Child, free_port
from services.scheduling.__main__ import MIGRATIONS as SCHEDULING
from tests.architecture.tree import ROOT
from tests.chaos import member
from tests.support.kafka import ApacheKafka
from tests.support.postgres_process import PostgresProcess
from tests.support.proxy import Proxy
from tests.support.serving import KEY

SERVICES = ("experts", "events", "scheduling")
MEMBERS = ("storm-1", "storm-2")
BROKER_DISK_MB = 900
"""Of the disk that is made full; a storm of 20,000 commands takes about a third."""


class Broker(ApacheKafka):
    """Apache Kafka that tells its clients to come through the proxy, on a small disk of its own where that is allowed."""

    def __init__(self, data: Path, *, advertised: int) -> None:
        data.mkdir(parents=True, exist_ok=True)
        self.disk = data
        self.has_disk = self._mount()
        super().__init__(data / "node")
        self._advertised = advertised

    def _mount(self) -> bool:
        tmpfs = ["mount", "-t", "tmpfs", "-o", f"size={BROKER_DISK_MB}m", "tmpfs", str(self.disk)]
        try:
            return subprocess.run(tmpfs, capture_output=True, check=False).returncode == 0
        except OSError:
            return False

    def unmount(self) -> None:
        if self.has_disk:
            subprocess.run(["umount", "-l", str(self.disk)], check=False)

    def prepare(self) -> int:
        """Make the folder ready; gives the port it will listen on itself."""
        _, own = command(self._data)
        return int(own.rpartition(":")[2])

    def start(self) -> None:
        java, self.bootstrap = command(self._data)
        properties = self._data / "server.properties"
        with properties.open("a") as file:
            file.write(f"advertised.listeners=PLAINTEXT://127.0.0.1:{self._advertised}\n")
            file.write("log.segment.bytes=16777216\n")
            file.write("offsets.retention.check.interval.ms=600000\n")
        with (self._data.parent.parent / "kafka.log").open("ab") as log:
            self._process = subprocess.Popen(
                java, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
            )
        ends_at = time.monotonic() + 120
        while time.monotonic() < ends_at:
            if self._process.poll() is not None:
                raise AssertionError((self._data.parent.parent / "kafka.log").read_text()[-3000:])
            if self._answers():
                return
            time.sleep(0.2)
        raise AssertionError("the broker does not answer")

    def ended(self, *, within_s: float) -> bool:
        assert self._process is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(within_s)
        return self._process.poll() is not None


class Stack:
    """Everything the storm starts, keeps running and ends."""

    def __init__(self, folder: Path, *, postgres: str, tasks: asyncio.TaskGroup) -> None:
        self.folder = folder
        self.chaos = folder / "chaos"
        self.logs = folder / "logs"
        for made in (self.chaos, self.logs):
            made.mkdir(parents=True)
        self.postgres = PostgresProcess(folder / "postgres", version=postgres)
        taken: list[int] = [self.postgres.port]
        ports = {}
        for name in ("postgres-proxy", "kafka-proxy", *SERVICES, "replica"):
            ports[name] = free_port(*taken)
            taken.append(ports[name])
        self.broker = Broker(folder / "kafka", advertised=ports["kafka-proxy"])
        self.addresses = {name: f"127.0.0.1:{ports[name]}" for name in (*SERVICES, "replica")}
        self.to_postgres = Proxy(
            port=ports["postgres-proxy"], target=self.postgres.port, tasks=tasks
        )
        self.to_kafka = Proxy(port=ports["kafka-proxy"], target=self.broker.prepare(), tasks=tasks)
        self.bootstrap = f"127.0.0.1:{ports['kafka-proxy']}"
        self.owner = ""
        self.children: dict[str, Child] = {}
        self.resting: set[str] = set()
        """Children that are not started again for the moment."""
        self.ended_alone: list[str] = []
        """Who ended without being killed, and the end of its log: bugs."""
        yesterday = system_clock() - timedelta(
            days=1
        )  # clocks step back, and no token is of tomorrow
        issuer = Tokens(TokenSettings(auth_key=SecretStr(KEY)), clock=lambda: yesterday)
        self.token = issuer.issue(
            Principal(subject="storm", roles=frozenset({Role.ADMIN, Role.CITY_COORDINATOR})),
            lifetime=timedelta(days=400),
        )

    async def start(self) -> None:
        await self.to_postgres.start()
        await self.to_kafka.start()
        await asyncio.gather(
            asyncio.to_thread(self.postgres.start),
            asyncio.to_thread(self.broker.start),
            asyncio.to_thread(self._compile),
        )
        self.owner = await asyncio.to_thread(create_database, self.postgres.dsn, name="storm")
        await asyncio.to_thread(self._migrate)
        await kafka.apply_topics(self.bootstrap, wanted(), replicas=1)
        for name in SERVICES:
            self.add(name, [f"services.{name}"])
        self.add("worker", ["services.scheduling", "worker"])
        for name in MEMBERS:
            self.add(name, ["tests.chaos.member"])
        await self.healthy(120)
        (self.folder / "stack.json").write_text(
            json.dumps(
                {
                    **{name: self.addresses[name] for name in SERVICES},
                    "kafka": self.bootstrap,
                    "token": self.token,
                    "database": self.owner,
                }
            )
        )

    def _compile(self) -> None:
        """The search, or the first round would be published when the storm is over."""
        subprocess.run(
            [sys.executable, "-m", "services.scheduling.optimizer", "warm-up"],
            env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'libs/genproto'}"},
            cwd=ROOT,
            check=True,
        )

    def _migrate(self) -> None:
        import psycopg

        parts = {"experts": EXPERTS, "events": EVENTS, "scheduling": SCHEDULING}
        for name, migrations in parts.items():
            migrate(self.owner, migrations, schema=name, role=name)
        migrate(self.owner, MESSAGING_MIGRATIONS, schema="storm", role="storm")
        with psycopg.connect(self.owner, autocommit=True) as connection:
            connection.execute(member.TABLE)

    def add(self, name: str, arguments: Sequence[str]) -> None:
        service = {"worker": "scheduling", "replica": "events"}.get(name, name)
        role = "storm" if name in MEMBERS else service
        through = self.owner.replace(f":{self.postgres.port}/", f":{self.to_postgres.port}/")
        environment = {
            "PYTHONPATH": os.pathsep.join(
                (str(ROOT / "tests/support/faulty"), str(ROOT), str(ROOT / "libs/genproto"))
            ),
            "PYTHONUNBUFFERED": "1",
            "ZHIHUI_CHAOS": str(self.chaos),
            "ZHIHUI_CHAOS_NAME": name,
            "ZHIHUI_SERVICE": role,
            "ZHIHUI_AUTH_KEY": KEY,
            "ZHIHUI_KAFKA_BOOTSTRAP": self.bootstrap,
            "ZHIHUI_DATABASE_DSN": dsn_of(through, role=role),
            "ZHIHUI_LEASE_S": "5",
            "ZHIHUI_LOG_LEVEL": "INFO",
        }
        if name in self.addresses:
            environment["ZHIHUI_LISTEN"] = self.addresses[name]
        child = Child(
            name, ["-m", *arguments], environment=environment, log=self.logs / f"{name}.log"
        )
        self.children[name] = child
        child.start()

    async def healthy(self, seconds: float) -> None:
        """Until every service answers."""
        async with asyncio.timeout(seconds):
            for name in SERVICES:
                while not await asyncio.to_thread(serves_grpc, self.addresses[name]):
                    await asyncio.sleep(0.3)

    async def keep(self) -> None:
        """Start again whoever has ended; one that was not killed is remembered."""
        while True:
            for name, child in list(self.children.items()):
                code = child.exit_code()
                if code is None or name in self.resting:
                    continue
                if code not in (
                    -signal.SIGKILL,
                    -signal.SIGTERM,
                    0,
                ):  # SIGTERM: told to, while starting
                    self.ended_alone.append(f"{name} ended with {code}:\n{child.last_lines(25)}")
                child.start()
            await asyncio.sleep(0.1)

    def bugs(self) -> list[str]:
        """What the services' logs call a bug: by whom, and where it was raised."""
        found = []
        for log in sorted(self.logs.glob("*.log")):
            for line in log.read_text(errors="replace").splitlines():
                with contextlib.suppress(ValueError):
                    said = json.loads(line)
                    if said["event"] in {"bug", "consumer_bug"}:
                        found.append(
                            f"{log.stem}: {said.get('method', said['event'])} {said['exception'][-1500:]}"
                        )
        return found

    def kill(self, name: str) -> bool:
        child = self.children.get(name)
        if child is None or child.exit_code() is not None:
            return False
        os.kill(child.pid, signal.SIGKILL)
        return True

    async def stop(self) -> None:
        self.resting = set(self.children)
        for child in self.children.values():
            child.stop()
        ends_at = time.monotonic() + 12
        for child in self.children.values():
            await asyncio.to_thread(child.wait, until=ends_at)
        await self.to_kafka.stop()
        await self.to_postgres.stop()
        await asyncio.to_thread(self.broker.kill)
        await asyncio.to_thread(self.postgres.kill)
        self.broker.unmount()


def verify(stack: Stack) -> tuple[bool, str]:
    """`zhihui facts verify`: rebuild from Kafka from zero, compare with what the services hold."""
    done = subprocess.run(
        [sys.executable, "-m", "services.cli", "--json", "facts", "verify"],
        env={
            **os.environ,
            "PYTHONPATH": f"{ROOT}:{ROOT / 'libs/genproto'}",
            "ZHIHUI_HOME": str(stack.folder),
        },
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return done.returncode == 0, done.stdout + done.stderr[-2000:]
