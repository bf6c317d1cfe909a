"""Takes the demonstration from nothing to a published round; safe to interrupt and repeat at any point.

The round's own state says what is left to do, so that a second run goes on where the first one stopped.
"""

import asyncio
from typing import Any

import grpc
import typer
from zhihui.common.v1 import common_pb2 as common
from zhihui.events.v1 import events_pb2 as events
from zhihui.scheduling.v1 import scheduling_pb2 as scheduling

from libs.ids import new_id
from services.cli import live
from services.cli.answer import REFUSED
from services.cli.demo.model import Demo
from services.cli.round import SLOW_S, get_round, tell_findings
from services.cli.session import Session, listed, short_name, word

ROUND = "rounds/demo"
FACTS_S = 90
"""How long facts may take to reach the services that listen to them."""
_PAUSE_S = 0.5
_QUIET = 3
"""So many equal answers in a row mean that nothing more is on its way."""
BEFORE_PUBLICATION = frozenset({"OPEN", "FROZEN", "SOLVING", "PROPOSED", "OFFERED"})

OUT = frozenset({"PUBLISHED", "CLOSED"})


async def existing_round(stub: Any) -> scheduling.Round | None:
    """The demonstration's round; None before it was opened."""
    try:
        return await get_round(stub, ROUND)
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.NOT_FOUND:
            return None
        raise


async def open_round(stub: Any, demo: Demo) -> scheduling.Round:
    """Open the demonstration's round over its four weeks."""
    message = scheduling.OpenRoundRequest(
        round_id=short_name(ROUND),
        round=scheduling.Round(
            title="示例：四周的一轮",
            horizon=common.DatePeriod(
                start_date=demo.start.isoformat(), end_date=demo.end.isoformat()
            ),
        ),
        request_id="demo-round",
    )
    return (await stub.OpenRound(message)).round  # type: ignore[no-any-return]  # stubs are untyped


async def publish(
    session: Session, stub: Any, events_stub: Any, round: scheduling.Round, *, seconds: int
) -> scheduling.Round:
    """Freeze, solve and publish what is not yet; the round as it is then."""
    while (state := word(round, "state")) in BEFORE_PUBLICATION:
        if state == "OPEN":
            await _wait_for_facts(session, stub)
            await stub.FreezeRound(
                scheduling.FreezeRoundRequest(name=ROUND, request_id=new_id("cli")), timeout=SLOW_S
            )
        elif state in {"FROZEN", "SOLVING"}:
            await _solve(session, stub, round, seconds=seconds)
        else:
            await _publish(session, stub, events_stub)
        round = await get_round(stub, ROUND)
        _say_step(session, round)
    return round


def _say_step(session: Session, round: scheduling.Round) -> None:
    """What was reached, one line."""
    said = {
        "FROZEN": f"已冻结 {round.requests_count} 条需求、{round.experts_count} 位专家，哈希 {round.inputs_hash[:12]}… [dim]· frozen[/]",
        "PROPOSED": f"方案已由裁判核对 {short_name(round.plan)} [dim]· a plan that the referee found sound[/]",
        "PUBLISHED": f"已发布 {round.assignments_count} 个指派，一次完成 [dim]· published, all at once[/]",
    }
    sentence = said.get(word(round, "state"))
    if sentence:
        session.answer.say(f"  [green]✓[/] {sentence}")


async def _wait_for_facts(session: Session, stub: Any) -> None:
    """Wait until what was loaded has reached scheduling: its numbers stand still, and are not nothing."""
    session.answer.say("  等待事实到达 · waiting for facts to arrive …", style="dim")
    ends_at = asyncio.get_running_loop().time() + FACTS_S
    before: tuple[int, ...] = ()
    equal = 0
    while True:
        ask = scheduling.ValidateRoundRequest(name=ROUND)
        found = await stub.ValidateRound(ask, timeout=SLOW_S)
        now = (found.requests_count, found.experts_count, len(found.findings))
        equal = equal + 1 if now == before and all(now[:2]) else 0
        before = now
        if equal >= _QUIET:
            tell_findings(session, found, each=1)
            return
        if asyncio.get_running_loop().time() > ends_at:
            sentence = (
                f"事实没有在 {FACTS_S} 秒内到齐（{now[0]} 条需求，{now[1]} 位专家）；再运行一次会继续 "
                "(facts did not arrive in time; running it again goes on)"
            )
            raise typer.Exit(session.answer.failed(sentence, code=REFUSED))
        await asyncio.sleep(_PAUSE_S)


async def _solve(session: Session, stub: Any, round: scheduling.Round, *, seconds: int) -> None:
    """Follow the run that is under way, or start one."""
    run = None
    if word(round, "state") == "SOLVING":
        found = await stub.ListRuns(scheduling.ListRunsRequest(parent=ROUND, page_size=1))
        run = found.runs[0] if found.runs else None
    if run is None:
        message = scheduling.StartRunRequest(
            round=ROUND, seconds=seconds, seed=1, request_id=new_id("cli")
        )
        run = (await stub.StartRun(message)).run
    run = await live.follow(session, stub, run)
    if run.state == scheduling.Run.STATE_FAILED:
        sentence = f"求解没有得到方案 (the run made no plan): {run.error}"
        raise typer.Exit(session.answer.failed(sentence, code=REFUSED))


async def _publish(session: Session, stub: Any, events_stub: Any) -> None:
    """Publish, and wait until the events exist where venues see them."""
    message = scheduling.PublishRoundRequest(name=ROUND, request_id=new_id("cli"))
    round = (await stub.PublishRound(message, timeout=SLOW_S)).round
    plan = (await stub.GetPlan(scheduling.GetPlanRequest(name=round.plan))).plan
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + FACTS_S
    while loop.time() < ends_at:
        found, _ = await listed(
            lambda token: events_stub.ListEvents(
                events.ListEventsRequest(round=ROUND, page_size=1000, page_token=token)
            ),
            field="events",
            at_most=plan.served,
        )
        if len(found) == plan.served:
            return
        await asyncio.sleep(_PAUSE_S)
    session.answer.say(
        f"  [yellow]![/] 活动还在生成：{len(found)}/{plan.served} · events are still being made"
    )
