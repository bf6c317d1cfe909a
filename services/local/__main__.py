"""`python -m services.local up|down|status`: what `make up` and `make down` call."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import psutil
import typer

from services.local.home import Home, StackRefused, end_processes
from services.local.process import STOP_S
from services.local.stack import PORTS, Stack, python_path

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)

DEMO_OUTAGE = 1
"""The exit code of `zhihui` where a service was away: docs/cli.md."""
DEMO_TRIES = 5
DEMO_PAUSE_S = 3
"""Longer than a service that was killed takes to be there again."""

HomeOption = Annotated[Path, typer.Option("--home", help="数据目录 · folder for all data")]


def _say(line: str) -> None:
    sys.stdout.write(f"  {line}\n")
    sys.stdout.flush()


def _home(path: Path) -> Home:
    return Home(path.resolve())


@contextmanager
def _stop_asked() -> Iterator[threading.Event]:
    asked = threading.Event()
    before = {
        number: signal.signal(number, lambda *_: asked.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end_leftovers(home: Home) -> None:
    leftovers = home.leftovers()
    if leftovers:
        _say(
            f"清理上次留下的 {len(leftovers)} 个进程 · ending {len(leftovers)} processes of an earlier run"
        )
        end_processes(leftovers, wait_s=STOP_S)


@app.command()
def up(
    *,
    home: HomeOption = Path(".zhihui"),
    kafka: Annotated[
        str, typer.Option(help="embedded, apache 或已有地址 · embedded, apache or host:port")
    ] = "embedded",
    size: Annotated[
        int, typer.Option(help="演示数据规模 · size of the demonstration: 1, 5, 15")
    ] = 1,
    demo: Annotated[bool, typer.Option(help="是否载入演示 · load the demonstration")] = True,
    stay: Annotated[bool, typer.Option(help="保持运行 · stay up until Ctrl-C")] = True,
    web_port: Annotated[int | None, typer.Option(help="控制台端口 · port of the console")] = None,
) -> None:
    """Start everything, load the demonstration, publish its round, and stay up."""
    began = time.monotonic()
    os.environ["PYTHONPATH"] = python_path()
    place = _home(home)
    try:
        place.prepare()
        with place.locked(), _stop_asked() as asked:
            _end_leftovers(place)
            stack = Stack(
                place,
                kafka=kafka,
                ports={} if web_port is None else {"web": web_port},
                say=_say,
            )
            try:
                stack.start()
                _say(f"就绪，用时 {time.monotonic() - began:.1f} s · ready")
                if demo:
                    _demo(stack, asked, size=size, home=place)
                if stay and not asked.is_set():
                    _say(
                        f"网页 · web  http://{stack.web}/   控制台 · console  http://{stack.web}/console"
                    )
                    _say("Ctrl-C 停止 · stops it")
                while stay and not asked.wait(0.5):
                    stack.keep()
            finally:
                _say("停止中 · stopping …")
                stack.stop()
    except StackRefused as refused:
        sys.stderr.write(f"\n{refused}\n")
        raise typer.Exit(1) from refused


def _demo(stack: Stack, asked: threading.Event, *, size: int, home: Home) -> None:
    """Load and run the demonstration, keeping the stack up meanwhile; where a service was away it goes on from there.

    Raises:
        StackRefused: it ended with a refusal, which it has printed, or services were away `DEMO_TRIES` times.
    """
    for turn in range(DEMO_TRIES):
        if turn:
            _say("有服务中断过，接着载入 · a service was away; going on with the demonstration")
        code = _demo_once(stack, asked, size=size, home=home)
        if not code:
            return
        if code != DEMO_OUTAGE:
            break
        if asked.wait(DEMO_PAUSE_S):
            return
        stack.keep()
    raise StackRefused(
        "演示没有完成，原因见上。\nThe demonstration did not finish; the reason is above."
    )


def _demo_once(stack: Stack, asked: threading.Event, *, size: int, home: Home) -> int:
    """Its exit code; 0 when it was told to stop, too."""
    command = [sys.executable, "-m", "services.cli", "demo", "run", "--size", str(size)]
    environment = {**os.environ, "ZHIHUI_HOME": str(home.path)}
    with subprocess.Popen(command, env=environment) as process:  # noqa: S603  # our own module
        while process.poll() is None:
            if asked.wait(0.2):
                process.terminate()
                return 0
            stack.keep()
        return process.returncode


@app.command()
def down(*, home: HomeOption = Path(".zhihui")) -> None:
    """Stop the stack of this folder, and what a killed run has left; data stays."""
    place = _home(home)
    state = place.read()
    try:
        supervisor = psutil.Process(int(state.get("supervisor", 0) or -1))
        if "services.local" in supervisor.cmdline():
            end_processes([supervisor], wait_s=2 * STOP_S)
    except (psutil.Error, ValueError):
        pass  # it is gone already; its children may not be
    _end_leftovers(place)
    _end_postgres(place)
    _say("已停止 · stopped")


def _end_postgres(home: Home) -> None:
    """End a server whose supervisor was killed; a smart shutdown, nothing is lost."""
    pid_file = home.postgres / "postmaster.pid"
    if not pid_file.exists():
        return
    try:
        postmaster = psutil.Process(int(pid_file.read_text().splitlines()[0]))
        if postmaster.name() == "postgres":
            end_processes([postmaster], wait_s=STOP_S)
    except (psutil.Error, ValueError, IndexError):
        pass  # a file without a process: PostgreSQL itself clears it at the next start


@app.command()
def status(*, home: HomeOption = Path(".zhihui")) -> None:
    """Say which processes of the stack are running, and where."""
    state = _home(home).read()
    for name, pid in state.get("pids", {}).items():
        running = "运行 · up" if psutil.pid_exists(int(pid)) else "停止 · down"
        _say(f"{name:<12} {running}  {state.get(name, '') if name in PORTS else ''}")


if __name__ == "__main__":
    app()
