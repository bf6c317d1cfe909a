"""Follows a run: a calm picture in the terminal, or one JSON value a line."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import grpc
from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text
from zhihui.scheduling.v1 import scheduling_pb2 as scheduling

from libs.ids import new_id
from services.cli.session import Session, short_name, word
from services.cli.words import STAGES, STATES

CURVE_WIDTH, CURVE_HEIGHT = 56, 8
RECONNECT_S = 60
"""How long a service that is away is waited for, while its worker goes on."""
_PAUSE_S = 1.0
ENDED = frozenset({scheduling.Run.STATE_DONE, scheduling.Run.STATE_FAILED})


class RunView:
    """What is known of a run, as something to draw."""

    def __init__(self, run: scheduling.Run) -> None:
        self.run = run
        self.stopping = False
        self._stages: dict[str, scheduling.Progress] = {}
        self._values: dict[str, list[tuple[float, int]]] = {}
        self._bounds: dict[str, list[tuple[float, int]]] = {}
        self._now = run.progress

    def add(self, step: scheduling.WatchRunResponse) -> None:
        """Take one step of the run in."""
        if step.HasField("run"):
            self.run = step.run
        progress = step.progress
        if not step.HasField("progress") or not progress.number:
            return
        self._now = progress
        stage = word(progress, "stage")
        if stage != "UNSPECIFIED":
            self._stages[stage] = progress
            self._values.setdefault(stage, []).append((progress.elapsed_s, progress.incumbent))
            if progress.HasField("bound"):
                self._bounds.setdefault(stage, []).append((progress.elapsed_s, progress.bound))

    def __rich__(self) -> RenderableType:
        state = word(self.run, "state")
        head = Text.assemble(
            ("  求解 ", "bold"),
            (short_name(self.run.name), "dim"),
            f"  {STATES.get(state, state)}",
            ("  正在停止，保留目前最好的方案 · stopping, the best plan is kept" if self.stopping else "", "yellow"),
            (f"  {self._now.phase}", "dim"),
        )  # fmt: skip
        elapsed = self._now.elapsed_s
        seconds = max(1, self.run.seconds)
        bar = Table.grid(padding=(0, 1))
        bar.add_row(
            "  用时 elapsed",
            ProgressBar(total=seconds, completed=min(elapsed, seconds), width=32),
            f"{elapsed:5.1f} / {self.run.seconds} s",
            f"已安排 served {self._now.served}",
        )
        return Group(head, bar, self._table(), self._curve())

    def _table(self) -> RenderableType:
        table = Table.grid(padding=(0, 2))
        table.add_column()
        for _ in range(3):
            table.add_column(justify="right")
        table.add_row(
            Text("  阶段 stage", "dim"),
            *(Text(one, "dim") for one in ("目前 incumbent", "上界 bound", "差距 gap")),
        )
        for stage, progress in self._stages.items():
            zh, en = STAGES.get(stage, (stage, ""))
            now = stage == word(self._now, "stage")
            table.add_row(
                Text(f"  {'▸' if now else ' '} {zh} {en}", "bold" if now else ""),
                f"{progress.incumbent:,}",
                f"{progress.bound:,}" if progress.HasField("bound") else "–",
                f"{progress.gap:.2%}" if progress.HasField("gap") else "–",
            )
        return table

    def _curve(self) -> RenderableType:
        stage = word(self._now, "stage")
        values = self._values.get(stage, [])
        if len(values) < 2:
            return Text()
        drawn = curve(values, self._bounds.get(stage, []), width=CURVE_WIDTH, height=CURVE_HEIGHT)
        styles = {VALUE: "cyan", BOUND: "yellow", BETWEEN: "dim"}
        text = Text()
        for line in drawn:
            text.append("  │")
            for sign in line:
                text.append(sign, styles.get(sign, ""))
            text.append("\n")
        text.append(f"  └{'─' * CURVE_WIDTH} {values[-1][0]:.0f} s   ")
        text.append(VALUE, "cyan")
        text.append(" 目前 incumbent  ")
        text.append(BOUND, "yellow")
        text.append(" 上界 bound")
        return text


VALUE, BOUND, BETWEEN = "█", "▔", "·"


def curve(
    values: Sequence[tuple[float, int]],
    bounds: Sequence[tuple[float, int]],
    *,
    width: int,
    height: int,
) -> list[str]:
    """Lines of text, the highest first: the value as columns, the bound as a line above, dots for the gap between.

    `values` and `bounds` are (seconds, number), ascending in time and not empty (`values`). The scale begins at the value
    of a quarter of the time, so that the first leap does not flatten everything after it.
    """
    first, last = values[0][0], values[-1][0]
    times = [first + (last - first) * step / max(1, width - 1) for step in range(width)]
    columns = [(_at(values, time), _at(bounds, time)) for time in times]
    numbers = [value for value, _ in columns if value is not None]
    most = max([*numbers, *(bound for _, bound in columns[width // 4 :] if bound is not None)])
    least = min(most - 1, columns[width // 4][0] or most)

    def level(number: int | None) -> int:
        if number is None:
            return -1
        share = (number - least) / (most - least)
        return max(0, min(height - 1, round(share * (height - 1))))

    lines = []
    for row in range(height - 1, -1, -1):
        signs = []
        for value, bound in columns:
            top, limit = level(value), level(bound)
            if row <= top:
                signs.append(VALUE)
            elif row == limit:
                signs.append(BOUND)
            else:
                signs.append(BETWEEN if row < limit else " ")
        lines.append("".join(signs))
    return lines


def _at(points: Sequence[tuple[float, int]], time: float) -> int | None:
    """The number that held at `time`; None before the first."""
    found = None
    for when, number in points:
        if when > time:
            break
        found = number
    return found


async def steps(stub: Any, name: str) -> AsyncIterator[scheduling.WatchRunResponse]:
    """Every step of a run until it has ended; a service that comes back is asked for the rest."""
    after, away_since = 0, None
    loop = asyncio.get_running_loop()
    while True:
        try:
            stream = stub.WatchRun(scheduling.WatchRunRequest(name=name, after_number=after))
            async for step in stream:
                away_since = None
                after = max(after, step.progress.number)
                yield step
                if step.run.state in ENDED:
                    return
        except grpc.aio.AioRpcError as error:
            if error.code() not in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}:
                raise
            away_since = away_since or loop.time()
            if loop.time() - away_since > RECONNECT_S:
                raise
        await asyncio.sleep(_PAUSE_S)


async def follow(session: Session, stub: Any, run: scheduling.Run) -> scheduling.Run:
    """The run once it has ended. Ctrl-C asks it to stop with the best plan it has; a second one only stops looking."""
    view = RunView(run)
    drawn: Any = contextlib.nullcontext()
    if not session.answer.as_json:
        drawn = Live(view, console=session.answer.console, refresh_per_second=5)
    with drawn, _on_interrupt() as interrupted:
        async with asyncio.TaskGroup() as group:
            stop = group.create_task(_stop_when(interrupted, stub, view))
            try:
                async for step in steps(stub, run.name):
                    view.add(step)
                    if session.answer.as_json:
                        session.answer.line(step)
            finally:
                stop.cancel()
    return view.run


async def _stop_when(interrupted: asyncio.Event, stub: Any, view: RunView) -> None:
    await interrupted.wait()
    view.stopping = True
    await stub.StopRun(scheduling.StopRunRequest(name=view.run.name, request_id=new_id("cli")))


@contextlib.contextmanager
def _on_interrupt() -> Iterator[asyncio.Event]:
    """An event that the first Ctrl-C sets; from the second on they do what they always do."""
    event = asyncio.Event()
    loop = asyncio.get_running_loop()

    def first() -> None:
        loop.remove_signal_handler(signal.SIGINT)
        event.set()

    loop.add_signal_handler(signal.SIGINT, first)
    try:
        yield event
    finally:
        loop.remove_signal_handler(signal.SIGINT)
