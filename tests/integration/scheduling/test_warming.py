"""Compiling ahead: once per machine, by one process at a time, and never longer than the worker that asked for it."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from numba.core import config

from services.scheduling.optimizer import warming
from tests.architecture.tree import ROOT

WARM_UP = (sys.executable, "-m", "services.scheduling.optimizer", "warm-up")
LIKE_A_WORKER = """
import asyncio
from services.scheduling.__main__ import _compiled
asyncio.run(_compiled())
print("compiled")
"""


@pytest.fixture
def cold(tmp_path: Path) -> dict[str, str]:
    """The environment of a machine that has compiled nothing yet."""
    return {
        **os.environ,
        "NUMBA_CACHE_DIR": str(tmp_path),
        "PYTHONPATH": f"{ROOT}:{ROOT}/libs/genproto",
    }


@pytest.fixture
async def worker(cold: dict[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that has its search compiled as a worker has."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", LIKE_A_WORKER, env=cold, cwd=ROOT
    )
    yield process
    if process.returncode is None:
        process.kill()
    await process.wait()


def compiling(folder: Path) -> list[int]:
    """Processes that compile for the cache in `folder`."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().split(b"\0")
            environment = (process / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"warm-up" in command and f"NUMBA_CACHE_DIR={folder}".encode() in environment:
            found.append(int(process.name))
    return found


async def until(true: Callable[[], bool], *, seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.05)


def processor_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def waits_for_a_lock(pid: int) -> bool:
    return any(
        "->" in line and str(pid) in line.split()
        for line in Path("/proc/locks").read_text().splitlines()
    )


async def test_a_worker_that_is_killed_leaves_nobody_compiling(
    worker: asyncio.subprocess.Process, tmp_path: Path
) -> None:
    await until(lambda: any(tmp_path.rglob("*.nbi")))  # it is in the middle of it
    assert len(compiling(tmp_path)) == 1
    os.kill(worker.pid, signal.SIGKILL)
    await until(lambda: not compiling(tmp_path), seconds=10)


async def test_one_compiles_while_the_others_wait(cold: dict[str, str], tmp_path: Path) -> None:
    first = await asyncio.create_subprocess_exec(*WARM_UP, env=cold, cwd=ROOT)
    second = await asyncio.create_subprocess_exec(*WARM_UP, env=cold, cwd=ROOT)
    try:
        await until(lambda: waits_for_a_lock(first.pid) or waits_for_a_lock(second.pid))
        waiting = first if waits_for_a_lock(first.pid) else second
        assert len(compiling(tmp_path)) == 2
        began_s = processor_s(waiting.pid)
        await asyncio.sleep(1)
        assert processor_s(waiting.pid) - began_s < 0.1, "it compiles the same again"
    finally:
        for process in (first, second):
            process.kill()
            await process.wait()


async def test_what_is_compiled_is_not_compiled_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))
    calls = []
    monkeypatch.setattr(warming, "warm_up", lambda: calls.append(time.monotonic()))
    assert not warming.is_compiled()
    assert warming.compile_once()
    assert warming.is_compiled()
    assert not warming.compile_once()
    assert len(calls) == 1
