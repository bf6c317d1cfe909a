"""`zhihui demo`: a synthetic Chongqing to try everything on."""

import time
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from zhihui.events.v1 import events_pb2_grpc as events_grpc
from zhihui.experts.v1 import experts_pb2_grpc as experts_grpc
from zhihui.scheduling.v1 import scheduling_pb2_grpc as scheduling_grpc

from libs.clock import system_clock
from libs.geo.calendar import CITY_ZONE
from services.cli.answer import REFUSED
from services.cli.demo import run, summary
from services.cli.demo.load import Loader, OtherDemo
from services.cli.demo.model import Demo
from services.cli.session import Session, word

app = typer.Typer(no_args_is_help=True, help="演示 · the demonstration")

Size = Annotated[
    int, typer.Option(min=1, max=50, help="规模：1 为 211 位专家 · size: 1 is 211 experts")
]
Seed = Annotated[int, typer.Option(min=0, help="随机种子 · seed")]


Seconds = Annotated[
    int, typer.Option(min=0, max=3600, help="求解秒数；0 按规模 · seconds to solve; 0: by size")
]
SECONDS_EACH = {1: 30}
SECONDS_LARGE = 90


@app.command("run")
def run_demo(
    context: typer.Context, *, size: Size = 1, seed: Seed = 1, seconds: Seconds = 0
) -> None:
    """Load the demonstration, publish its round, and say what came of it; goes on where it was interrupted."""
    session: Session = context.obj
    budget = seconds or SECONDS_EACH.get(size, SECONDS_LARGE)

    async def whole() -> None:
        async with (
            session.opened("scheduling", scheduling_grpc.SchedulingServiceStub) as stub,
            session.opened("events", events_grpc.EventsServiceStub) as events_stub,
        ):
            found = await run.existing_round(stub)
            if found is None:
                began = time.monotonic()
                demo = await load(session, size=size, seed=seed)
                tell_loaded(session, demo, time.monotonic() - began)
                found = await run.open_round(stub, demo)
            done = await run.publish(session, stub, events_stub, found, seconds=budget)
            if word(done, "state") in run.OUT:
                await summary.tell(session, stub, events_stub, done)
            else:  # somebody gave it up: that is theirs to decide
                session.answer.say("  演示的一轮已被放弃 · the demonstration's round was given up")

    session.run(whole())


@app.command("load")
def load_demo(context: typer.Context, *, size: Size = 1, seed: Seed = 1) -> None:
    """Load nodes, venues, experts and requests; what is there already stays as it is."""
    session: Session = context.obj
    began = time.monotonic()
    demo = session.run(load(session, size=size, seed=seed))
    seconds = time.monotonic() - began
    found = {
        "as_of": demo.as_of.isoformat(),
        "seed": demo.seed,
        "size": demo.size,
        "start_date": demo.start.isoformat(),
        "end_date": demo.end.isoformat(),
        **{
            part: len(getattr(demo, part))
            for part in ("nodes", "venues", "pools", "experts", "requests", "series")
        },
        "seconds": round(seconds, 1),
    }
    session.answer.value(found, say=lambda: tell_loaded(session, demo, seconds))


async def load(session: Session, *, size: int, seed: int) -> Demo:
    """Load the demonstration with a progress bar, and give it back."""
    async with (
        session.opened("events", events_grpc.EventsServiceStub) as events_stub,
        session.opened("experts", experts_grpc.ExpertsServiceStub) as experts_stub,
    ):
        loader = Loader(events_stub, experts_stub, seed=seed, size=size)
        today = system_clock().astimezone(CITY_ZONE).date()
        try:
            demo = await loader.demo(today=today)
        except OtherDemo as other:
            raise typer.Exit(session.answer.failed(str(other), code=REFUSED)) from other
        with Progress(
            TextColumn("  {task.description}"),
            BarColumn(bar_width=32),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=session.answer.console,
            disable=session.answer.as_json,
            transient=True,
        ) as progress:
            bar = progress.add_task("载入演示 · loading", total=loader.total(demo))
            await loader.load(demo, step=lambda count: progress.advance(bar, count))
    return demo


def tell_loaded(session: Session, demo: Demo, seconds: float) -> None:
    """One line about what is there now."""
    session.answer.say(
        f"  [green]✓[/] 已载入演示：{len(demo.nodes)} 个节点、{len(demo.venues)} 个场地、"
        f"{len(demo.experts)} 位专家（示例）、{len(demo.requests)} 条需求，{seconds:.1f} s  "
        f"[dim]· loaded {len(demo.experts)} experts, {len(demo.requests)} requests[/]"
    )
