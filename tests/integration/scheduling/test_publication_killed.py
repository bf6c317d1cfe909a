"""A service that is killed with no warning in the middle of a round's publication: all of the round is out, or nothing."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest
from zhihui.scheduling.v1 import scheduling_pb2 as pb
from zhihui.scheduling.v1 import scheduling_pb2_grpc as pb_grpc

from libs.auth.principal import Role
from libs.geo.travel import ModelledTravel
from libs.postgres.migrate import dsn_of, migrate
from libs.postgres.pool import Pool, create_pool, transaction
from services.local.health import serves_grpc
from services.local.process import free_port
from services.scheduling.__main__ import MIGRATIONS
from services.scheduling.adapters.transaction import transaction as scheduling_transaction
from services.scheduling.api.worker import Worker
from services.scheduling.domain.round import Round
from services.scheduling.domain.run import Run
from services.scheduling.handlers import round as rounds
from services.scheduling.handlers import run as runs
from services.scheduling.handlers.frozen import Inputs
from services.scheduling.settings import Settings
from tests.architecture.tree import ROOT
from tests.support import world
from tests.support.serving import KEY, calling, settings_for

pytestmark = pytest.mark.postgres
ROUND = "rounds/autumn"
NOW = world.at(-7, 9)
PUBLISH = pb.PublishRoundRequest(name=ROUND, request_id="publish-once")


@pytest.fixture
async def pool(fresh_database: str) -> AsyncIterator[Pool]:
    migrate(fresh_database, MIGRATIONS, schema="scheduling", role="scheduling")
    async with create_pool(Settings(**settings_for(fresh_database, "scheduling"))) as pool:
        yield pool


async def proposed(pool: Pool) -> None:
    """A round with a plan."""
    async with scheduling_transaction(pool) as tx:
        await world.settle(
            tx,
            *(world.expert(f"experts/e{number}") for number in range(4)),
            *(
                world.request(f"requests/r{number}", world.NEAR_HALL, world.period(day, 9, 12))
                for number, day in enumerate([1, 1, 2, 2, 3, 3])
            ),
        )
        opened = await rounds.open_round(Round(ROUND, "示例", world.HORIZON, "", NOW), tx, now=NOW)
        frozen = await rounds.freeze(opened, tx, travel=ModelledTravel(), now=NOW)
        run = Run(f"{ROUND}/runs/one", ROUND, seconds=5, iterations=50, seed=1, create_time=NOW)
        await runs.start(frozen, run, tx)
    async with scheduling_transaction(pool) as tx:
        leased = await tx.runs.lease(seconds=60)
    assert leased is not None
    worker = Worker(
        lambda: scheduling_transaction(pool), clock=lambda: NOW, inputs=Inputs(), lease_s=60
    )
    await worker.work(leased)


@asynccontextmanager
async def serving(dsn: str, chaos: Path) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """The service's address and process; it can be told to die (tests/support/faulty)."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.scheduling",
        env={
            **os.environ,
            "PYTHONPATH": f"{ROOT / 'tests/support/faulty'}:{ROOT}:{ROOT / 'libs/genproto'}",
            "ZHIHUI_CHAOS": str(chaos),
            "ZHIHUI_CHAOS_NAME": "scheduling",
            "ZHIHUI_DATABASE_DSN": dsn_of(dsn, role="scheduling"),
            "ZHIHUI_AUTH_KEY": KEY,
            "ZHIHUI_LISTEN": f"127.0.0.1:{port}",
            "ZHIHUI_KAFKA_BOOTSTRAP": f"127.0.0.1:{free_port(port)}",  # nobody: only the call writes
            "ZHIHUI_LOG_LEVEL": "ERROR",
        },
    )
    try:
        async with asyncio.timeout(60):
            while not await asyncio.to_thread(serves_grpc, f"127.0.0.1:{port}"):
                assert process.returncode is None
        yield f"127.0.0.1:{port}", process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.wait()


async def what_is_out(pool: Pool) -> tuple[int, int, str]:
    """Confirmed assignments, facts of the publication, the round's state."""
    async with transaction(pool) as connection:
        return (
            await connection.fetchval("SELECT count(*) FROM assignments WHERE state = 'CONFIRMED'"),
            await connection.fetchval(
                "SELECT count(*) FROM outbox WHERE type ~ '(AssignmentPublished|RequestDecided|RoundPublished|RoundCertified)$'"
            ),
            await connection.fetchval("SELECT state FROM rounds"),
        )


async def test_killed_between_any_two_statements(
    pool: Pool, fresh_database: str, tmp_path: Path
) -> None:
    await proposed(pool)
    statement, kills = 1, 0
    while True:
        async with serving(fresh_database, tmp_path) as (address, process):
            (tmp_path / "scheduling.arm").write_text(f"sql {statement} after")
            async with calling(address, pb_grpc.SchedulingServiceStub, Role.ADMIN) as stub:
                try:
                    answer = await stub.PublishRound(PUBLISH, timeout=30)
                except grpc.aio.AioRpcError as error:
                    answer, code = None, error.code()
            if answer is None:
                assert code is grpc.StatusCode.UNAVAILABLE
                assert await process.wait() == -signal.SIGKILL
        if answer is not None:
            break
        kills += 1
        out = await what_is_out(pool)
        if out[2] == "PUBLISHED":  # the commit was the last it did: only the answer is lost
            assert out == (6, 6 + 6 + 2, "PUBLISHED")
        else:
            assert out == (0, 0, "PROPOSED")
        statement += 6
    assert kills >= 3, "it was killed in mid-publication"
    assert (answer.round.state, answer.round.assignments_count) == (pb.Round.STATE_PUBLISHED, 6)
    assert await what_is_out(pool) == (6, 6 + 6 + 2, "PUBLISHED")
