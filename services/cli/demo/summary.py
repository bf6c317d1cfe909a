"""What the demonstration's round has brought: where, a few examples, and what is not served and why."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rich.columns import Columns
from rich.markup import escape
from rich.padding import Padding
from zhihui.events.v1 import events_pb2 as events
from zhihui.scheduling.v1 import scheduling_pb2 as scheduling

from services.cli import words
from services.cli.round import planned_events, team, tell_stages, unserved
from services.cli.session import Session, listed, short_name, word

EVERYTHING = 100_000
EXAMPLES_EACH = 2
BAR = 6


async def tell(session: Session, stub: Any, events_stub: Any, round: scheduling.Round) -> None:
    """Print the published round, or give it as one JSON value."""
    plan = (await stub.GetPlan(scheduling.GetPlanRequest(name=round.plan))).plan
    planned = await planned_events(stub, round.plan, at_most=EVERYTHING)
    left = await unserved(stub, round.plan, at_most=EVERYTHING)
    people = {member.expert for event in planned for member in event.team}
    if session.answer.as_json:
        session.answer.line(
            {
                "round": round.name,
                "state": word(round, "state"),
                "plan": round.plan,
                "requests": len(planned) + len(left),
                "served": len(planned),
                "unserved": dict(Counter(word(one, "why_not") for one in left)),
                "assignments": round.assignments_count,
                "experts": len(people),
                "inputs_hash": round.inputs_hash,
                "published_hash": round.published_hash,
            }
        )
        return
    _headline(session, round, plan, people=len(people), asked=len(planned) + len(left))
    tell_stages(session, plan)
    _by_district(session, await _district_names(events_stub), planned, left)
    await _examples(session, events_stub, planned)
    _why_not(session, left)
    name = short_name(round.name)
    session.answer.say(
        f"\n  [dim]接着试 · try next[/]  ./zhihui round unserved {name}   ./zhihui round verify {name}"
        f"   ./zhihui round coverage {name}   ./zhihui request --help",
    )


def _headline(
    session: Session, round: scheduling.Round, plan: scheduling.Plan, *, people: int, asked: int
) -> None:
    base = f"；先到先得只有 {plan.baseline.served}" if plan.HasField("baseline") else ""
    session.answer.say(
        f"\n[bold]{escape(round.title)}[/]  {words.state(round)}  "
        f"{round.horizon.start_date} ~ {round.horizon.end_date}"
    )
    session.answer.say(
        f"  [bold green]{plan.served}[/] / {asked} 条需求已安排，{people} 位专家，{round.assignments_count} 个指派{base}"
        f"  [dim]· {plan.served} of {asked} requests served by {people} experts[/]"
    )


async def _district_names(events_stub: Any) -> Mapping[str, str]:
    names: dict[str, str] = {}
    for kind in (events.NODE_KIND_DISTRICT, events.NODE_KIND_FUNCTIONAL_ZONE):
        found, _ = await listed(
            lambda token, kind=kind: events_stub.ListNodes(  # type: ignore[misc]
                events.ListNodesRequest(page_size=1000, page_token=token, kind=kind)
            ),
            field="nodes",
            at_most=EVERYTHING,
        )
        names |= {node.name: node.display_name for node in found}
    return names


def _by_district(
    session: Session, names: Mapping[str, str], planned: Sequence[Any], left: Sequence[Any]
) -> None:
    served = Counter(event.district for event in planned)
    asked = served + Counter(one.district for one in left)
    session.answer.say("\n[bold]各区县 By district[/]  [dim]已安排 / 需求 served / asked[/]")
    lines = []
    for district, count in sorted(asked.items(), key=lambda item: (-item[1], item[0])):
        filled = round(BAR * served[district] / count)
        bar = f"[green]{'█' * filled}[/][dim]{'░' * (BAR - filled)}[/]"
        name = names.get(district, short_name(district) or "其他")
        lines.append(f"{bar} {served[district]:>2}/{count:<2} {escape(name)}")
    session.answer.console.print(Padding(Columns(lines, padding=(0, 3)), (0, 0, 0, 2)))


async def _examples(session: Session, events_stub: Any, planned: Sequence[Any]) -> None:
    """The largest team, somebody who stays overnight, and somebody who speaks from home."""
    shown: dict[str, tuple[str, Any]] = {}
    for title, wanted in (
        ("团队最大 largest team", max(planned, key=lambda event: len(event.team), default=None)),
        ("外宿 overnight", _first(planned, lambda one: one.night_after)),
        ("线上 remote", _first(planned, lambda one: one.remote)),
    ):
        if wanted is not None:
            shown.setdefault(wanted.request, (title, wanted))
    session.answer.say("\n[bold]例如 For example[/]")
    for title, event in shown.values():
        venue = (await events_stub.GetVenue(events.GetVenueRequest(name=event.venue))).venue
        session.answer.say(
            f"  [dim]{title}[/]  {words.when(event.period)}  {escape(event.title)} → {escape(venue.display_name)}"
        )
        session.answer.say(f"      {escape(team(event))}")


def _first(planned: Sequence[Any], wanted: Any) -> Any:
    return next((event for event in planned if any(map(wanted, event.team))), None)


def _why_not(session: Session, left: Sequence[Any]) -> None:
    if not left:
        session.answer.say("\n[green]✓[/] 全部安排 · everything is served")
        return
    session.answer.say(f"\n[bold]未安排 Not served[/]  {len(left)}")
    by_reason: dict[str, list[Any]] = {}
    for one in left:
        by_reason.setdefault(word(one, "why_not"), []).append(one)
    for reason, several in sorted(by_reason.items(), key=lambda item: -len(item[1])):
        zh, en = words.WHY_NOT.get(reason, (reason, ""))
        session.answer.say(f"  [yellow]{zh}[/] × {len(several)}  [dim]{en}[/]")
        for one in several[:EXAMPLES_EACH]:
            session.answer.say(
                f"      [dim]{short_name(one.request)}[/] {escape(one.title)}：{escape(one.message)}"
            )
            if one.HasField("repair"):
                session.answer.say(f"        → {escape(one.repair.message)}", style="green")
