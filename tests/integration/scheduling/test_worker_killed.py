"""A worker that is killed with no warning: its run goes on in another process, from what it left, and ends once."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from libs.geo.travel import ModelledTravel
from libs.postgres.migrate import dsn_of, migrate
from libs.postgres.pool import Pool, create_pool
from services.scheduling.__main__ import MIGRATIONS
from services.scheduling.adapters.transaction import transaction
from services.scheduling.domain.round import Round
from services.scheduling.domain.round import State as RoundState
from services.scheduling.domain.run import Run, State
from services.scheduling.handlers import round as rounds
from services.scheduling.handlers import run as runs
from services.scheduling.settings import Settings
from tests.support import world
from tests.support.serving import KEY, settings_for

pytestmark = pytest.mark.postgres
ROUND = "rounds/autumn"
RUN = f"{ROUND}/runs/one"
NOW = world.at(-7, 9)


@asynccontextmanager
async def working(dsn: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A worker's process; killed at the end of the block when it still runs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.scheduling",
        "worker",
        env={
            **os.environ,
            "ZHIHUI_DATABASE_DSN": dsn_of(dsn, role="scheduling"),
            "ZHIHUI_AUTH_KEY": KEY,
            "ZHIHUI_LEASE_S": "2",
            "ZHIHUI_LOG_LEVEL": "ERROR",
        },
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.wait()


@pytest.fixture
async def pool(fresh_database: str) -> AsyncIterator[Pool]:
    migrate(fresh_database, MIGRATIONS, schema="scheduling", role="scheduling")
    async with create_pool(Settings(**settings_for(fresh_database, "scheduling"))) as pool:
        yield pool


async def queued(pool: Pool) -> None:
    """A frozen round with a run of ten seconds."""
    async with transaction(pool) as tx:
        await world.settle(
            tx,
            *(world.expert(f"experts/e{number}") for number in range(6)),
            *(
                world.request(f"requests/r{number}", world.NEAR_HALL, world.period(day, 9, 12))
                for number, day in enumerate([1, 1, 2, 2, 3, 3, 4, 4])
            ),
        )
        opened = await rounds.open_round(Round(ROUND, "示例", world.HORIZON, "", NOW), tx, now=NOW)
        frozen = await rounds.freeze(opened, tx, travel=ModelledTravel(), now=NOW)
        await runs.start(
            frozen, Run(RUN, ROUND, seconds=10, iterations=0, seed=1, create_time=NOW), tx
        )


async def until(pool: Pool, reached: str, *, at_most_s: float = 60) -> Run:
    """The run, as soon as it has an `incumbent`, is taken a `second` time, or has `ended`."""
    async with asyncio.timeout(at_most_s):
        while True:
            async with transaction(pool) as tx:
                run = await tx.runs.get(RUN)
                kept = await tx.runs.incumbent(RUN)
            if {"incumbent": kept is not None, "second": run.attempts > 1, "ended": run.ended}[
                reached
            ]:
                return run
            await asyncio.sleep(0.1)


async def test_a_killed_workers_run_ends_once_in_another(pool: Pool, fresh_database: str) -> None:
    await queued(pool)
    async with working(fresh_database) as first:
        await until(pool, "incumbent")
        first.send_signal(signal.SIGKILL)
        await first.wait()
    async with transaction(pool) as tx:
        left = await tx.runs.progress(RUN, after=0)
    async with working(fresh_database):
        assert (await until(pool, "second")).attempts == 2
        run = await until(pool, "ended")
    assert run.state is State.DONE, run.error
    async with transaction(pool) as tx:
        progress = await tx.runs.progress(RUN, after=0, size=100_000)
        plans = await tx.plans.page(ROUND, after=None, size=10)
        round = await tx.rounds.get(ROUND, scope=None)
    assert [one.number for one in progress] == list(range(1, len(progress) + 1))
    again = progress[len(left)]
    assert again.served >= left[-1].served  # it goes on from what was left, not from nothing
    assert [plan.name for plan in plans] == [run.plan]
    assert (round.state, round.plan) == (RoundState.PROPOSED, run.plan)
    solved = await pool.fetchval(
        "SELECT count(*) FROM outbox WHERE type = 'zhihui.scheduling.v1.RoundSolved'"
    )
    assert solved == 1
