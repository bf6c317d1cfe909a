"""`zhihui round`: from opening to publication, with why, why not, and what it would cost."""

import dataclasses
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from google.protobuf.timestamp_pb2 import Timestamp
from rich.markup import escape
from zhihui.common.v1 import common_pb2 as common
from zhihui.events.v1 import events_pb2 as events
from zhihui.events.v1 import events_pb2_grpc as events_grpc
from zhihui.scheduling.v1 import scheduling_pb2 as scheduling
from zhihui.scheduling.v1 import scheduling_pb2_grpc as scheduling_grpc

from libs.sheets import cells
from services.cli import audit, live, words
from services.cli.answer import REFUSED, message_to_dict
from services.cli.session import (
    PAGE_SIZE,
    Name,
    RequestId,
    Session,
    call_id,
    full_name,
    listed,
    short_name,
    word,
)

app = typer.Typer(no_args_is_help=True, help="轮次 · rounds")

SLOW_S = 120
"""Freezing, publishing and repairing a large round take longer than other calls."""

Limit = Annotated[int, typer.Option("--limit", min=1, help="最多 · at most")]
PlanOption = Annotated[str, typer.Option("--plan", help="方案；空为选定的 · plan; the chosen one")]
Remove = Annotated[bool, typer.Option("--remove", help="取消 · take it away")]

NEXT = {
    "OPEN": "zhihui round validate {0}；zhihui round freeze {0}",
    "FROZEN": "zhihui round solve {0}",
    "SOLVING": "zhihui round watch {0}",
    "PROPOSED": "zhihui round unserved {0}；zhihui round publish {0}",
    "OFFERED": "zhihui assignment list --round {0}；zhihui round publish {0}",
    "PUBLISHED": "zhihui round events {0}；zhihui round coverage {0}",
}


def call(session: Session, act: Any) -> Any:
    """What `act` gives with a stub of the scheduling service."""
    return session.call("scheduling", scheduling_grpc.SchedulingServiceStub, act)


def round_name(name: str) -> str:
    """`rounds/{round}` for an id or a full name."""
    return full_name("rounds", name)


async def get_round(stub: Any, name: str) -> scheduling.Round:
    """The round of a full name."""
    found = await stub.GetRound(scheduling.GetRoundRequest(name=name))
    return found.round  # type: ignore[no-any-return]  # stubs are untyped


class _NoPlan(Exception):
    """The round has no plan yet."""


async def plan_name(stub: Any, round: str, plan: str) -> str:
    """`rounds/{round}/plans/{plan}` for an id or a full name; the round's chosen plan for ''."""
    if plan:
        return plan if "/" in plan else f"{round}/plans/{plan}"
    chosen = (await get_round(stub, round)).plan
    if not chosen:
        raise _NoPlan(round)
    return chosen


def with_plan(session: Session, round: str, plan: str, act: Any) -> Any:
    """What `act` gives with a stub and the name of the plan meant; without any plan the command ends."""

    async def whole(stub: Any) -> Any:
        return await act(stub, await plan_name(stub, round_name(round), plan))

    try:
        return call(session, whole)
    except _NoPlan as none:
        name = short_name(str(none))
        sentence = f"{name} 还没有方案，请先求解 (no plan yet: `zhihui round solve {name}`)"
        raise typer.Exit(session.answer.failed(sentence, code=REFUSED)) from none


# open, look, freeze


@app.command("open")
def open_round(
    context: typer.Context,
    name: Name,
    *,
    since: Annotated[str, typer.Option(help="第一天 · first day")],
    until: Annotated[str, typer.Option(help="结束日（不含） · before this day")] = "",
    weeks: Annotated[int, typer.Option(min=1, max=8, help="几周 · weeks, without --until")] = 4,
    title: Annotated[str, typer.Option(help="标题 · title")] = "",
    node: Annotated[
        list[str] | None, typer.Option(help="只含这些节点，可多次 · only these nodes")
    ] = None,
    programme: Annotated[
        list[str] | None, typer.Option(help="只含这些专项，可多次 · only these programmes")
    ] = None,
    policy: Annotated[str, typer.Option(help="策略 · policy")] = "",
    request_id: RequestId = "",
) -> None:
    """Open a round over a horizon and a scope."""
    session: Session = context.obj
    first = session.read("since", lambda: cells.day(since))
    last = (
        session.read("until", lambda: cells.day(until)) if until else first + timedelta(weeks=weeks)
    )
    ask = scheduling.OpenRoundRequest(
        round_id=short_name(name),
        round=scheduling.Round(
            title=title or f"{first} 起的一轮",
            horizon=common.DatePeriod(start_date=first.isoformat(), end_date=last.isoformat()),
            nodes=[full_name("nodes", one) for one in node or []],
            programmes=programme or [],
            policy=full_name("policies", policy),
        ),
        request_id=call_id(request_id),
    )
    tell(session, call(session, lambda stub: stub.OpenRound(ask)).round)


@app.command("list")
def list_rounds(context: typer.Context, *, limit: Limit = PAGE_SIZE) -> None:
    """Rounds, latest first."""
    session: Session = context.obj

    async def act(stub: Any) -> Any:
        return await listed(
            lambda token: stub.ListRounds(
                scheduling.ListRoundsRequest(page_size=min(limit, 1000), page_token=token)
            ),
            field="rounds",
            at_most=limit,
        )

    found, more = call(session, act)
    rows = [
        (
            short_name(one.name),
            one.title,
            words.state(one),
            f"{one.horizon.start_date} ~ {one.horizon.end_date}",
            one.requests_count or "",
            one.assignments_count or "",
        )
        for one in found
    ]
    session.answer.value(
        scheduling.ListRoundsResponse(rounds=found),
        say=lambda: session.answer.table(
            f"轮次 Rounds（{len(found)}{'+' if more else ''}）",
            ["编号 id", "标题 title", "状态 state", "时间 horizon", "需求 asks", "指派 sent"],
            rows,
        ),
    )


@app.command("policies")
def list_policies(context: typer.Context) -> None:
    """The policies a round may name."""
    session: Session = context.obj
    ask = scheduling.ListPoliciesRequest(page_size=PAGE_SIZE)
    found = call(session, lambda stub: stub.ListPolicies(ask))
    rows = [
        (
            short_name(one.name),
            one.version,
            f"{one.display_name} {one.display_name_en}",
            "是" if one.offers else "否",
            "是" if one.signature else "否",
        )
        for one in found.policies
    ]
    session.answer.value(
        found,
        say=lambda: session.answer.table(
            "策略 Policies",
            ["编号 id", "版本", "名称 policy", "征询专家 offers", "领导签发 signature"],
            rows,
        ),
    )


@app.command("show")
def show_round(context: typer.Context, name: Name) -> None:
    """One round, and what to do next."""
    tell(context.obj, call(context.obj, lambda stub: get_round(stub, round_name(name))))


def tell(session: Session, round: scheduling.Round) -> None:
    """One round, to a person or as JSON."""
    session.answer.value(round, say=lambda: _tell(session, round))


def _tell(session: Session, round: scheduling.Round) -> None:
    counts = f"{round.requests_count} 条需求，{round.experts_count} 位专家"
    session.answer.fields(
        f"{round.title}  {words.state(round)}",
        [
            ("名称 name", round.name),
            ("时间 horizon", f"{round.horizon.start_date} ~ {round.horizon.end_date}（不含 before）"),
            ("范围 scope", "、".join([*round.nodes, *round.programmes])),
            ("策略 policy", f"{round.policy} v{round.policy_version}" if round.policy else ""),
            ("冻结 frozen", counts if round.inputs_hash else ""),
            ("哈希 hash", round.inputs_hash),
            (
                "固定 pins",
                "\n".join(f"{_bare(pin.request)}[{pin.seat}] ← {_bare(pin.expert)} {words.at(pin.start_time)}" for pin in round.pins),
            ),
            (
                "禁止 forbids",
                "\n".join(f"{_bare(one.expert)} ✗ {_bare(one.request or one.other) or '全部 any'}" for one in round.forbids),
            ),
            ("方案 plan", round.plan),
            ("签发 signed", f"{round.signed_by_name or round.signed_by} {words.at(round.sign_time)}".strip()),
            ("已发布 published", f"{round.assignments_count} 个指派，{words.at(round.publish_time)}" if round.published_hash else ""),
            ("发布哈希 hash", round.published_hash),
            ("下一步 next", NEXT.get(word(round, "state"), "").format(short_name(round.name))),
        ],
    )  # fmt: skip


_bare = short_name


@app.command("validate")
def validate_round(
    context: typer.Context,
    name: Name,
    *,
    limit: Annotated[int, typer.Option(min=0, help="每类最多几条 · examples of each")] = 5,
) -> None:
    """What freezing now would take in, and what is wrong with it; changes nothing."""
    session: Session = context.obj
    ask = scheduling.ValidateRoundRequest(name=round_name(name))
    found = call(session, lambda stub: stub.ValidateRound(ask, timeout=SLOW_S))
    session.answer.value(found, say=lambda: tell_findings(session, found, each=limit))


def tell_findings(session: Session, found: scheduling.ValidateRoundResponse, *, each: int) -> None:
    """What a validation has found, by code."""
    session.answer.say(
        f"将冻结 {found.requests_count} 条需求、{found.experts_count} 位专家 "
        f"[dim]· {found.requests_count} requests, {found.experts_count} experts would be frozen[/]"
    )
    by_code: dict[str, list[Any]] = {}
    for finding in found.findings:
        by_code.setdefault(finding.code, []).append(finding)
    for code, findings in by_code.items():
        session.answer.say(f"  [yellow]![/] {code} × {len(findings)}")
        for finding in findings[:each]:
            session.answer.say(
                f"      [dim]{escape(short_name(finding.subject))}[/] {escape(finding.message)}"
            )
    if not by_code:
        session.answer.say("  [green]✓[/] 没有要处理的 · nothing to mend")


@app.command("freeze")
def freeze_round(context: typer.Context, name: Name, *, request_id: RequestId = "") -> None:
    """Store a round's inputs with their hash; they change no more."""
    ask = scheduling.FreezeRoundRequest(name=round_name(name), request_id=call_id(request_id))
    tell(context.obj, call(context.obj, lambda stub: stub.FreezeRound(ask, timeout=SLOW_S)).round)


def _instant(session: Session, option: str, text: str) -> Timestamp | None:
    """`2026-12-14 14:00` in the city; None for ''."""
    if not text:
        return None

    def read() -> Timestamp:
        day, _, clock = text.strip().partition(" ")
        window = cells.window(f"{day} {clock or '00:00'}-24:00")
        made = Timestamp()
        made.FromDatetime(window.start)
        return made

    return session.read(option, read)  # type: ignore[no-any-return]  # what `read` gives


At = Annotated[str, typer.Option(help="开始时间“2026-12-14 14:00”；空为不限 · start; any time")]
SeatIndex = Annotated[int, typer.Option(min=0, help="席位，从 0 起 · seat")]


def _pin(session: Session, request: str, seat: int, expert: str, at: str) -> scheduling.Pin:
    return scheduling.Pin(
        request=full_name("requests", request),
        seat=seat,
        expert=full_name("experts", expert),
        start_time=_instant(session, "at", at),
    )


@app.command("pin")
def pin(
    context: typer.Context,
    name: Name,
    *,
    request: Annotated[str, typer.Option(help="需求 · request")],
    expert: Annotated[str, typer.Option(help="专家 · expert")],
    seat: SeatIndex = 0,
    at: At = "",
    remove: Remove = False,
    request_id: RequestId = "",
) -> None:
    """Hold an expert to a seat, in every later solve."""
    session: Session = context.obj
    kept = _pin(session, request, seat, expert, at)
    parts: Any = {"round": round_name(name), "pin": kept, "request_id": call_id(request_id)}
    if remove:
        taken = scheduling.RemovePinRequest(**parts)
        tell(session, call(session, lambda stub: stub.RemovePin(taken)).round)
    else:
        added = scheduling.AddPinRequest(**parts)
        tell(session, call(session, lambda stub: stub.AddPin(added)).round)


@app.command("forbid")
def forbid(
    context: typer.Context,
    name: Name,
    *,
    expert: Annotated[str, typer.Option(help="专家 · expert")],
    request: Annotated[str, typer.Option(help="需求；空为全部 · request; empty: any")] = "",
    other: Annotated[str, typer.Option(help="不与此人同队 · never in one team with")] = "",
    remove: Remove = False,
    request_id: RequestId = "",
) -> None:
    """Keep an expert from a request, from all, or from a team with another."""
    session: Session = context.obj
    rule = scheduling.Forbid(
        expert=full_name("experts", expert),
        request=full_name("requests", request),
        other=full_name("experts", other),
    )
    parts: Any = {"round": round_name(name), "forbid": rule, "request_id": call_id(request_id)}
    if remove:
        taken = scheduling.RemoveForbidRequest(**parts)
        tell(session, call(session, lambda stub: stub.RemoveForbid(taken)).round)
    else:
        added = scheduling.AddForbidRequest(**parts)
        tell(session, call(session, lambda stub: stub.AddForbid(added)).round)


# solve


@app.command("solve")
def solve(
    context: typer.Context,
    name: Name,
    *,
    seconds: Annotated[
        int | None,
        typer.Option(min=1, max=3600, help="时间，秒；没有给迭代数时为 30 · seconds"),
    ] = None,
    iterations: Annotated[
        int, typer.Option(min=0, help="迭代数；单给它时同样的输入和种子得同样的方案 · iterations")
    ] = 0,
    seed: Annotated[int, typer.Option(min=0, help="种子 · seed")] = 1,
    warm: Annotated[str, typer.Option(help="从这个方案开始 · start from this plan")] = "",
    watch: Annotated[bool, typer.Option(help="看着它求解 · follow it")] = True,
    request_id: RequestId = "",
) -> None:
    """Ask for a solve, and follow it; Ctrl-C stops it and keeps the best plan."""
    session: Session = context.obj
    round = round_name(name)
    ask = scheduling.StartRunRequest(
        round=round,
        seconds=seconds or (0 if iterations else 30),
        iterations=iterations,
        seed=seed,
        warm_plan=f"{round}/plans/{warm}" if warm and "/" not in warm else warm,
        request_id=call_id(request_id),
    )

    async def act(stub: Any) -> Any:
        run = (await stub.StartRun(ask)).run
        return (await live.follow(session, stub, run)) if watch else run

    tell_run(session, call(session, act), watched=watch)


@app.command("watch")
def watch_run(
    context: typer.Context,
    name: Name,
    *,
    run: Annotated[str, typer.Option(help="求解；空为最近的 · run; the latest")] = "",
) -> None:
    """Follow a run that was asked for before."""
    session: Session = context.obj

    async def act(stub: Any) -> Any:
        found = await _run(stub, round_name(name), run)
        return found and await live.follow(session, stub, found)

    tell_run(session, call(session, act), watched=True)


@app.command("stop")
def stop_run(
    context: typer.Context,
    name: Name,
    *,
    run: Annotated[str, typer.Option(help="求解；空为最近的 · run; the latest")] = "",
    request_id: RequestId = "",
) -> None:
    """End a run soon, with the best plan it has."""
    session: Session = context.obj

    async def act(stub: Any) -> Any:
        found = await _run(stub, round_name(name), run)
        if found is None:
            return None
        ask = scheduling.StopRunRequest(name=found.name, request_id=call_id(request_id))
        return (await stub.StopRun(ask)).run

    tell_run(session, call(session, act), watched=False)


@app.command("runs")
def list_runs(context: typer.Context, name: Name) -> None:
    """Runs of a round, latest first."""
    session: Session = context.obj
    ask = scheduling.ListRunsRequest(parent=round_name(name), page_size=PAGE_SIZE)
    found = call(session, lambda stub: stub.ListRuns(ask))
    rows = [
        (
            short_name(one.name),
            words.state(one),
            one.seconds or "–",
            one.seed,
            one.progress.served,
            short_name(one.plan),
            one.error,
        )
        for one in found.runs
    ]
    session.answer.value(
        found,
        say=lambda: session.answer.table(
            "求解 Runs",
            ["编号 id", "状态 state", "秒 s", "种子 seed", "已安排 served", "方案 plan", "说明"],
            rows,
        ),
    )


async def _run(stub: Any, round: str, run: str) -> scheduling.Run | None:
    """The run meant: by id, by full name, or the latest; None without any."""
    if run:
        name = run if "/" in run else f"{round}/runs/{run}"
        return (await stub.GetRun(scheduling.GetRunRequest(name=name))).run  # type: ignore[no-any-return]
    found = await stub.ListRuns(scheduling.ListRunsRequest(parent=round, page_size=1))
    return found.runs[0] if found.runs else None


def tell_run(session: Session, run: scheduling.Run | None, *, watched: bool) -> None:
    """How a run stands; a failed one ends the command with a refusal's exit code."""
    if run is None:
        sentence = "还没有求解过 (nothing was solved yet)"
        raise typer.Exit(session.answer.failed(sentence, code=REFUSED))
    if run.state == scheduling.Run.STATE_FAILED:
        sentence = f"求解没有得到方案 (the run made no plan): {run.error}"
        raise typer.Exit(session.answer.failed(sentence, code=REFUSED))
    session.answer.value(
        run,
        say=lambda: session.answer.fields(
            f"求解 {short_name(run.name)}  {words.state(run)}",
            [
                ("方案 plan", run.plan),
                ("已安排 served", run.progress.served),
                ("用时 elapsed", f"{run.progress.elapsed_s:.1f} s"),
                ("停止中 stopping", "是" if run.stopping and not watched else ""),
            ],
        ),
    )


# plans


@app.command("plans")
def list_plans(context: typer.Context, name: Name) -> None:
    """Plans of a round, latest first; the chosen one is marked."""
    session: Session = context.obj
    round = round_name(name)

    async def act(stub: Any) -> Any:
        found = await stub.ListPlans(scheduling.ListPlansRequest(parent=round, page_size=PAGE_SIZE))
        return found, (await get_round(stub, round)).plan

    found, chosen = call(session, act)
    rows = [
        (
            ("▸ " if one.name == chosen else "  ") + short_name(one.name),
            one.served,
            one.unserved,
            one.assignments,
            _stage_text(one, scheduling.STAGE_NEED),
            words.at(one.create_time),
        )
        for one in found.plans
    ]
    session.answer.value(
        found,
        say=lambda: session.answer.table(
            "方案 Plans",
            ["编号 id", "已安排 served", "未安排", "指派", "需求 need / 上界", "时间 made"],
            rows,
        ),
    )


def _stage_text(plan: scheduling.Plan, stage: Any) -> str:
    for one in plan.stages:
        if one.stage == stage:
            bound = f" / {one.bound:,}（{one.gap:.2%}）" if one.HasField("bound") else ""
            return f"{one.value:,}{bound}"
    return ""


@app.command("plan")
def show_plan(
    context: typer.Context,
    name: Name,
    *,
    plan: PlanOption = "",
    certificate: Annotated[
        bool, typer.Option("--certificate", help="打印证书 · print the certificate")
    ] = False,
) -> None:
    """A plan's numbers, with what proves them."""
    session: Session = context.obj

    async def act(stub: Any, which: str) -> Any:
        return (await stub.GetPlan(scheduling.GetPlanRequest(name=which))).plan

    found = with_plan(session, name, plan, act)
    if certificate and not session.answer.as_json:
        session.answer.console.print_json(found.certificate)
        return
    session.answer.value(found, say=lambda: tell_plan(session, found))


def tell_plan(session: Session, plan: scheduling.Plan) -> None:
    """A plan's numbers, to a person."""
    base = plan.baseline
    session.answer.fields(
        f"方案 {short_name(plan.name)}",
        [
            ("已安排 served", f"{plan.served}，未安排 {plan.unserved}，指派 {plan.assignments}"),
            ("先到先得 baseline", f"{base.served}" if plan.HasField("baseline") else ""),
            ("输入 inputs", plan.inputs_hash),
        ],
    )
    tell_stages(session, plan)


def tell_stages(session: Session, plan: scheduling.Plan) -> None:
    """Values, proven bounds and gaps of a plan, stage by stage."""
    rows = []
    for one in plan.stages:
        zh, en = words.STAGES.get(word(one, "stage"), ("", ""))
        rows.append(
            (
                f"{zh} {en}",
                f"{one.value:,}",
                f"{one.bound:,}" if one.HasField("bound") else "–",
                f"{one.gap:.2%}" if one.HasField("gap") else "–",
                one.status,
            )
        )
    session.answer.table(
        "", ["阶段 stage", "数值 value", "上界 bound", "差距 gap", "结论 status"], rows
    )


@app.command("choose")
def choose_plan(
    context: typer.Context,
    name: Name,
    plan: Annotated[str, typer.Argument(help="方案 · plan")],
    *,
    request_id: RequestId = "",
) -> None:
    """Make a plan the one the round would publish."""
    session: Session = context.obj

    async def act(stub: Any, which: str) -> Any:
        ask = scheduling.ChoosePlanRequest(name=which, request_id=call_id(request_id))
        return (await stub.ChoosePlan(ask)).round

    tell(session, with_plan(session, name, plan, act))


@app.command("events")
def list_events(
    context: typer.Context,
    name: Name,
    *,
    plan: PlanOption = "",
    expert: Annotated[str, typer.Option(help="专家 · of this expert")] = "",
    district: Annotated[str, typer.Option(help="区县 · in this district")] = "",
    limit: Limit = PAGE_SIZE,
) -> None:
    """Who goes where, by start."""
    session: Session = context.obj
    found = with_plan(
        session,
        name,
        plan,
        lambda stub, which: planned_events(
            stub, which, expert=expert, district=district, at_most=limit
        ),
    )
    rows = [
        (short_name(one.request), words.when(one.period), one.title, team(one)) for one in found
    ]
    session.answer.value(
        scheduling.ListPlannedEventsResponse(events=found),
        say=lambda: session.answer.table(
            f"安排 Planned（{len(found)}）",
            ["需求 request", "时间 when", "标题 title", "团队 team"],
            rows,
        ),
    )


async def planned_events(
    stub: Any, plan: str, *, expert: str = "", district: str = "", at_most: int
) -> list[Any]:
    """What a plan sends where, by start."""
    found, _ = await listed(
        lambda token: stub.ListPlannedEvents(
            scheduling.ListPlannedEventsRequest(
                parent=plan,
                page_size=min(at_most, 1000),
                page_token=token,
                expert=full_name("experts", expert),
                district=full_name("nodes", district),
            )
        ),
        field="events",
        at_most=at_most,
    )
    return found


def team(event: scheduling.PlannedEvent) -> str:
    """Who comes, the lead first: 示例·甲（路上 35 分钟）."""
    return "、".join(
        f"{one.display_name}（{'线上' if one.remote else f'路上 {one.travel_min} 分钟'}"
        f"{'，留宿' if one.night_after else ''}）"
        for one in event.team
    )


@app.command("unserved")
def list_unserved(
    context: typer.Context, name: Name, *, plan: PlanOption = "", limit: Limit = PAGE_SIZE
) -> None:
    """What is not served and why, heaviest first."""
    session: Session = context.obj
    found = with_plan(session, name, plan, lambda stub, which: unserved(stub, which, at_most=limit))
    rows = [
        (
            short_name(one.request),
            one.title,
            words.WHY_NOT.get(word(one, "why_not"), ("",))[0],
            one.message + (f"\n→ {one.repair.message}" if one.HasField("repair") else ""),
        )
        for one in found
    ]
    session.answer.value(
        scheduling.ListUnservedResponse(unserved=found),
        say=lambda: session.answer.table(
            f"未安排 Unserved（{len(found)}）",
            ["需求 request", "标题 title", "为什么 why", "详情与可行的改动 reason, repair"],
            rows,
        ),
    )


async def unserved(stub: Any, plan: str, *, at_most: int) -> list[Any]:
    """What a plan does not serve, heaviest first."""
    found, _ = await listed(
        lambda token: stub.ListUnserved(
            scheduling.ListUnservedRequest(
                parent=plan, page_size=min(at_most, 1000), page_token=token
            )
        ),
        field="unserved",
        at_most=at_most,
    )
    return found


@app.command("explain")
def explain(
    context: typer.Context,
    name: Name,
    request: Annotated[str, typer.Argument(help="需求 · request")],
    *,
    plan: PlanOption = "",
) -> None:
    """Why a request is served so, or is not, with the cheapest change that would work."""
    session: Session = context.obj

    async def act(stub: Any, which: str) -> Any:
        ask = scheduling.ExplainRequestRequest(plan=which, request=full_name("requests", request))
        return await stub.ExplainRequest(ask, timeout=SLOW_S)

    found = with_plan(session, name, plan, act)
    session.answer.value(found, say=lambda: _tell_why(session, found))


def _tell_why(session: Session, found: scheduling.ExplainRequestResponse) -> None:
    if found.HasField("unserved"):
        one = found.unserved
        zh, en = words.WHY_NOT.get(word(one, "why_not"), ("", ""))
        session.answer.fields(
            f"{one.title}  未安排 UNSERVED",
            [
                ("为什么 why", f"{zh} {en}"),
                ("详情 reason", one.message),
                ("", one.message_en),
                ("可行的改动 repair", one.repair.message),
                ("", one.repair.message_en),
                ("时间 when", words.when(one.repair.period)),
                ("代价 price", one.repair.price if one.HasField("repair") else ""),
            ],
        )
        return
    planned = found.planned
    session.answer.fields(
        f"{planned.title}  已安排",
        [
            ("时间 when", words.when(planned.period)),
            ("场地 venue", planned.venue),
            ("团队 team", team(planned)),
        ],
    )
    rows = [
        (
            one.seat,
            one.fit,
            one.travel_min_added,
            "、".join(short_name(other) for other in one.others),
            one.message or one.message_en,
        )
        for one in found.seats
    ]
    session.answer.table(
        "", ["席位 seat", "契合 fit", "路程 +min", "还有谁可以 others", "说明 why"], rows
    )


WEEKDAYS = "一二三四五六日"


@app.command("supply")
def list_supply(
    context: typer.Context, name: Name, *, plan: PlanOption = "", limit: Limit = 10
) -> None:
    """Whom to recruit next, and what they would serve; verified by solving again first."""
    session: Session = context.obj
    verified = False

    async def act(stub: Any, which: str) -> Any:
        nonlocal verified

        async def page(token: str) -> Any:
            nonlocal verified
            answer = await stub.ListSupplySignals(
                scheduling.ListSupplySignalsRequest(
                    parent=which, page_size=min(limit, 1000), page_token=token
                )
            )
            verified = answer.verified
            return answer

        return (await listed(page, field="signals", at_most=limit))[0]

    found = with_plan(session, name, plan, act)
    names = {} if session.answer.as_json else district_names(session)
    rows = [
        (
            words.said(one, "role"),
            words.topic(one.topic),
            names.get(one.district, short_name(one.district)),
            f"周{WEEKDAYS[one.weekday - 1]}",
            f"+{one.gain}" if one.HasField("gain") else "–",
            f"≤ {one.worth}",
            "、".join(short_name(request) for request in one.requests),
        )
        for one in found
    ]
    heading = "已验证 verified" if verified else "只是估计 estimates so far"
    session.answer.value(
        scheduling.ListSupplySignalsResponse(signals=found, verified=verified),
        say=lambda: session.answer.table(
            f"招募建议 Supply signal（{len(found)}，{heading}）",
            [
                "角色 role", "主题 topic", "区县 district", "星期 weekday", "验证增加 gain",
                "至多增加 worth", "将服务 would serve",
            ],
            rows,
        ),
    )  # fmt: skip


@app.command("price")
def price_move(
    context: typer.Context,
    name: Name,
    *,
    request: Annotated[str, typer.Option(help="需求 · request")],
    expert: Annotated[str, typer.Option(help="专家 · expert")],
    seat: SeatIndex = 0,
    at: At = "",
    plan: PlanOption = "",
) -> None:
    """What a move by hand would break and cost; changes nothing."""
    session: Session = context.obj
    move = _pin(session, request, seat, expert, at)

    async def act(stub: Any, which: str) -> Any:
        ask = scheduling.PriceMoveRequest(plan=which, move=move)
        return await stub.PriceMove(ask, timeout=SLOW_S)

    found = with_plan(session, name, plan, act)
    session.answer.value(found, say=lambda: _tell_price(session, found))


def _tell_price(session: Session, found: scheduling.PriceMoveResponse) -> None:
    for violation in found.violations:
        session.answer.say(f"[red]✗[/] {escape(violation)}")
    if not found.violations:
        session.answer.say("[green]✓[/] 不违反任何规则 · it breaks no rule")
    rows = [
        (" ".join(words.STAGES.get(word(one, "stage"), ("", ""))), f"{one.value:+,}")
        for one in found.differences
    ]
    session.answer.table("代价 Price", ["阶段 stage", "变化 change"], rows)


@app.command("compare")
def compare_plans(
    context: typer.Context,
    name: Name,
    first: Annotated[str, typer.Argument(help="方案 · plan")],
    second: Annotated[str, typer.Argument(help="另一方案 · another")],
) -> None:
    """Two plans of one round, side by side."""
    session: Session = context.obj

    async def act(stub: Any) -> Any:
        ask = scheduling.ComparePlansRequest(
            first=await plan_name(stub, round_name(name), first),
            second=await plan_name(stub, round_name(name), second),
        )
        return await stub.ComparePlans(ask)

    found = call(session, act)
    session.answer.value(found, say=lambda: _tell_comparison(session, found))


def _tell_comparison(session: Session, found: scheduling.ComparePlansResponse) -> None:
    one, other = found.plans
    rows: list[tuple[object, ...]] = [("已安排 served", one.served, other.served)]
    values = {stage.stage: stage.value for stage in other.stages}
    for stage in one.stages:
        title = " ".join(words.STAGES.get(word(stage, "stage"), ("", "")))
        rows.append((title, f"{stage.value:,}", f"{values.get(stage.stage, 0):,}"))
    session.answer.table("比较 Compare", ["", short_name(one.name), short_name(other.name)], rows)
    for title, names in (
        ("只有前者安排 only the first", found.only_first),
        ("只有后者安排 only the second", found.only_second),
        ("都安排但不同 changed", found.changed),
    ):
        if names:
            bare = "、".join(short_name(request) for request in names)
            session.answer.say(f"  {title}（{len(names)}）：{bare}")


@app.command("verify")
def verify_plan(
    context: typer.Context,
    name: Name,
    *,
    plan: PlanOption = "",
    to: Annotated[
        Path | None, typer.Option(help="文件留在哪里 · keep the files in this folder")
    ] = None,
    desk: Annotated[
        bool,
        typer.Option(help="下载后在本机再验一遍 · download and check again on this machine"),
    ] = True,
) -> None:
    """Check a plan again: in the service, then here, from its inputs, itself and its certificate: rules and values by the
    referee, bounds by their prices, the plan by a replay.
    """
    session: Session = context.obj
    with tempfile.TemporaryDirectory() as passing:
        folder = to or Path(passing)

        async def act(stub: Any, which: str) -> tuple[Any, str]:
            ask = scheduling.VerifyPlanRequest(name=which)
            verdict = await stub.VerifyPlan(ask, timeout=SLOW_S)
            made = (await stub.GetPlan(scheduling.GetPlanRequest(name=which))).plan
            if desk:
                folder.mkdir(parents=True, exist_ok=True)
                await audit.fetch(stub, which, folder)
            return verdict, made.inputs_hash

        verdict, inputs_hash = with_plan(session, name, plan, act)
        _tell_verdict(session, verdict)
        findings = []
        for finding in audit.audited(folder, inputs_hash) if desk else ():
            findings.append(finding)
            _tell_finding(session, finding)
    if session.answer.as_json:
        found = message_to_dict(verdict) | {"desk": [dataclasses.asdict(one) for one in findings]}
        session.answer.line(found)
    if not verdict.sound or any(one.holds is False for one in findings):
        raise typer.Exit(REFUSED)


def _tell_verdict(session: Session, found: scheduling.VerifyPlanResponse) -> None:
    session.answer.say(
        "[green]✓[/] 服务端：方案成立 · the service finds the plan sound"
        if found.sound
        else "[red]✗[/] 服务端：方案不成立 · the service does not find the plan sound"
    )
    for violation in found.violations:
        session.answer.say(f"    {escape(violation)}")
    session.answer.say(f"  输入哈希 inputs {found.inputs_hash}", style="dim")


def _tell_finding(session: Session, found: audit.Finding) -> None:
    mark = {True: "[green]✓[/]", False: "[red]✗[/]", None: "[yellow]–[/]"}[found.holds]
    session.answer.say(f"{mark} {found.zh} · {found.en}")
    for line in found.said:
        session.answer.say(f"    {escape(line)}", style="dim" if found.holds else "")


@app.command("inputs")
def download_inputs(
    context: typer.Context,
    name: Name,
    *,
    to: Annotated[Path, typer.Option(help="写到哪个文件 · file to write")] = Path("problem.json"),
) -> None:
    """Write the frozen inputs as the optimizer's problem.json."""
    session: Session = context.obj

    async def act(stub: Any) -> int:
        partial = to.with_name(f".{to.name}.partial")
        size = 0
        with partial.open("wb") as file:
            async for answer in stub.DownloadInputs(
                scheduling.DownloadInputsRequest(round=round_name(name))
            ):
                size += file.write(answer.piece)
        partial.replace(to)
        return size

    size = call(session, act)
    session.answer.value(
        {"file": str(to), "bytes": size},
        say=lambda: session.answer.say(f"[green]✓[/] {escape(str(to))} {size:,} bytes"),
    )


# offer, sign, publish, close


@app.command("offer")
def offer_round(
    context: typer.Context,
    name: Name,
    *,
    by: Annotated[str, typer.Option(help="答复期限“2026-12-10 18:00” · answers are due before")],
    request_id: RequestId = "",
) -> None:
    """Ask the experts of the chosen plan."""
    session: Session = context.obj
    ask = scheduling.OfferRoundRequest(
        name=round_name(name),
        respond_by_time=_instant(session, "by", by),
        request_id=call_id(request_id),
    )
    tell(session, call(session, lambda stub: stub.OfferRound(ask, timeout=SLOW_S)).round)


@app.command("sign")
def sign_round(
    context: typer.Context, name: Name, *, plan: PlanOption = "", request_id: RequestId = ""
) -> None:
    """Sign the chosen plan, as a leader."""
    session: Session = context.obj

    async def act(stub: Any, which: str) -> Any:
        ask = scheduling.SignRoundRequest(
            name=round_name(name), plan=which, request_id=call_id(request_id)
        )
        return (await stub.SignRound(ask)).round

    tell(session, with_plan(session, name, plan, act))


@app.command("publish")
def publish_round(context: typer.Context, name: Name, *, request_id: RequestId = "") -> None:
    """Publish every assignment of the round, or none."""
    ask = scheduling.PublishRoundRequest(name=round_name(name), request_id=call_id(request_id))
    tell(context.obj, call(context.obj, lambda stub: stub.PublishRound(ask, timeout=SLOW_S)).round)


@app.command("close")
def close_round(context: typer.Context, name: Name, *, request_id: RequestId = "") -> None:
    """End a published round; debts are carried."""
    ask = scheduling.CloseRoundRequest(name=round_name(name), request_id=call_id(request_id))
    tell(context.obj, call(context.obj, lambda stub: stub.CloseRound(ask, timeout=SLOW_S)).round)


@app.command("abandon")
def abandon_round(context: typer.Context, name: Name, *, request_id: RequestId = "") -> None:
    """Give a round up before it is published; its requests return."""
    ask = scheduling.AbandonRoundRequest(name=round_name(name), request_id=call_id(request_id))
    tell(context.obj, call(context.obj, lambda stub: stub.AbandonRound(ask, timeout=SLOW_S)).round)


@app.command("repair")
def repair_round(
    context: typer.Context,
    name: Name,
    *,
    lost: Annotated[list[str], typer.Option(help="不能履行的指派，可多次 · lost assignment")],
    reason: Annotated[str, typer.Option(help="为什么 · why")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="只看会改什么 · only say what would change")
    ] = False,
    request_id: RequestId = "",
) -> None:
    """Mend a published round with the fewest changes, after somebody cannot come."""
    session: Session = context.obj
    ask = scheduling.RepairRoundRequest(
        name=round_name(name),
        lost=[full_name("assignments", one) for one in lost],
        reason=reason,
        validate_only=dry_run,
        request_id=call_id(request_id),
    )
    found = call(session, lambda stub: stub.RepairRound(ask, timeout=SLOW_S))
    rows = [
        (
            short_name(one.name),
            words.state(one),
            one.expert_display_name,
            words.when(one.period),
            one.title,
        )
        for one in found.changed
    ]

    def say() -> None:
        session.answer.table(
            "将改动 Would change" if dry_run else "已改动 Changed",
            ["指派 assignment", "状态 state", "专家 expert", "时间 when", "标题 title"],
            rows,
        )
        for one in found.unserved:
            session.answer.say(
                f"  [yellow]![/] {escape(one.title)} 失去安排 · loses its event：{escape(one.message)}"
            )
        session.answer.say(
            "  已证明：不能改得更少 · proven: no fewer changes would do"
            if found.least
            else "  未证明改动最少 · not proven that fewer changes would not do",
            style="dim",
        )

    session.answer.value(found, say=say)


def district_names(session: Session) -> dict[str, str]:
    """What districts are called, by `nodes/{node}`; those that have ended are not among them."""
    ask = events.ListNodesRequest(page_size=1000, kind=events.NODE_KIND_DISTRICT)
    found = session.call("events", events_grpc.EventsServiceStub, lambda stub: stub.ListNodes(ask))
    return {node.name: node.display_name for node in found.nodes}


@app.command("coverage")
def list_coverage(context: typer.Context, name: Name, *, limit: Limit = 1000) -> None:
    """Districts by group: fair share, served, and debt; who is owed most comes first."""
    session: Session = context.obj

    async def act(stub: Any) -> Any:
        return await listed(
            lambda token: stub.ListCoverage(
                scheduling.ListCoverageRequest(
                    round=round_name(name), page_size=min(limit, 1000), page_token=token
                )
            ),
            field="coverage",
            at_most=limit,
        )

    found, _ = call(session, act)
    names = {} if session.answer.as_json else district_names(session)
    rows = [
        (
            names.get(one.district, short_name(one.district)),
            words.said(one, "group"),
            one.target,
            one.served,
            one.carried,
            one.debt,
        )
        for one in sorted(found, key=lambda one: -one.debt)
    ]
    session.answer.value(
        scheduling.ListCoverageResponse(coverage=found),
        say=lambda: session.answer.table(
            f"覆盖 Coverage（{len(found)}）",
            ["区县 district", "群体 group", "应得 target", "已得 served", "上轮欠 carried", "欠 debt"],
            rows,
        ),
    )  # fmt: skip
