"""`zhihui watch`: facts as they happen, each in a line that a coordinator can read."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from google.protobuf.message import DecodeError, Message
from rich.markup import escape

from libs.clock import system_clock
from libs.facts.messages import message_of
from libs.geo import calendar
from libs.messaging import kafka
from libs.messaging.kafka import Received
from libs.messaging.topics import topics
from libs.sheets import cells
from libs.sheets.cells import CellRefused
from services.cli import words
from services.cli.answer import OUTAGE, REFUSED, message_to_dict
from services.cli.session import Session

LABELS: Mapping[str, str] = {
    "ExpertRegistered": "专家登记",
    "ExpertChanged": "专家变更",
    "AvailabilityChanged": "时间变更",
    "TalkApproved": "报告通过",
    "TalkExpired": "报告失效",
    "PoolChanged": "专家库变更",
    "NodeChanged": "节点变更",
    "VenueChanged": "场地变更",
    "RequestSubmitted": "需求提交",
    "RequestEndorsed": "需求推荐",
    "RequestChanged": "需求变更",
    "RequestWithdrawn": "需求撤回",
    "RequestScheduled": "需求排定",
    "RequestUnserved": "需求未排",
    "RequestCancelled": "需求取消",
    "EventPublished": "活动发布",
    "EventChanged": "活动变更",
    "EventCancelled": "活动取消",
    "EventDelivered": "活动完成",
    "EventRated": "活动评价",
    "PublicEventShown": "公开活动",
    "RoundOpened": "开轮",
    "RoundFrozen": "冻结",
    "RoundSolved": "求解完成",
    "RoundPublished": "整轮发布",
    "RoundCertified": "证书",
    "RoundClosed": "结束",
    "RoundAbandoned": "放弃",
    "RequestDecided": "排定结果",
    "AssignmentOffered": "征询",
    "AssignmentAccepted": "接受",
    "AssignmentDeclined": "谢绝",
    "AssignmentPublished": "派出",
    "AssignmentChanged": "改期",
    "AssignmentCancelled": "撤销",
    "AssignmentDelivered": "服务完成",
}
"""What people call each fact; the contract's own name stands beside it."""


def _request(message: Any) -> list[str]:
    request = message.state.request
    return [request.title, words.said(request, "group"), words.state(request)]


def _event(message: Any) -> list[str]:
    event = message.event
    team = "、".join(member.display_name for member in event.team)
    return [event.title, words.when(event.period), team, words.state(event)]


def _assignment(message: Any) -> list[str]:
    one = message.assignment
    return [
        one.expert_display_name,
        words.ROLES.get(one.role, ""),
        words.when(one.period),
        one.request,
        words.state(one),
    ]


def _round(message: Any) -> list[str]:
    parts = [message.round.title, words.state(message.round)]
    if message.DESCRIPTOR.name == "RoundPublished":
        parts.append(f"{message.assignments} 人次，{message.decisions} 个需求有结果")
        parts.append(f"hash {message.hash[:12]}")
    return parts


def _expert(message: Any) -> list[str]:
    return [message.state.expert.display_name, getattr(message, "talk", "")]


def _decided(message: Any) -> list[str]:
    if message.WhichOneof("decision") == "scheduled":
        team = "、".join(member.display_name for member in message.scheduled.team)
        return ["已安排", words.when(message.scheduled.period), team]
    return ["未安排", message.unserved.message]


def _shown(message: Any) -> list[str]:
    return [
        message.title,
        words.when(message.period),
        message.venue_display_name,
        "、".join(message.speakers),
    ]


_GISTS: Mapping[str, Callable[[Any], list[str]]] = {
    "PublicEventShown": _shown,
    "RequestDecided": _decided,
    "PoolChanged": lambda message: [message.pool.display_name],
    "NodeChanged": lambda message: [message.node.display_name],
    "VenueChanged": lambda message: [message.venue.display_name],
    "Request": _request,
    "Event": _event,
    "Assignment": _assignment,
    "Round": _round,
    "Expert": _expert,
    "Availability": _expert,
    "Talk": _expert,
}
"""By a fact's whole name, else by how it begins."""


def label_of(fact: Received) -> str:
    """Its label and its name: 需求提交 RequestSubmitted."""
    name = fact.type.rpartition(".")[2]
    if fact.payload is None:
        return "下架或注销 tombstone"
    return f"{LABELS.get(name, '')} {name}".strip()


def gist_of(message: Message) -> str:
    """What a fact says, in a line."""
    name = message.DESCRIPTOR.name
    begins = (name, *(stem for stem in _GISTS if name.startswith(stem)))
    tell = next(_GISTS[stem] for stem in begins if stem in _GISTS)
    return "  ".join(part for part in tell(message) if part)


def line_of(fact: Received) -> dict[str, Any]:
    """A fact as one JSON value: its envelope, and its payload with the field names of the protos."""
    try:
        message = message_of(fact)
    except DecodeError:
        message = None
    return {
        "topic": fact.topic,
        "partition": fact.partition,
        "offset": fact.offset,
        "id": str(fact.message_id),
        "source": fact.source,
        "type": fact.type,
        "key": fact.key,
        "version": fact.version,
        "time": fact.occurred_at.isoformat(),
        "tombstone": fact.payload is None,
        "payload": None if message is None else message_to_dict(message),
    }


def since_of(text: str, *, now: datetime) -> tuple[bool, datetime | None]:
    """Whether from the start, and since when: `start`, `now`, `15m`, `2h`, `3d`, or a local day or instant.

    Raises:
        CellRefused: it is none of these.
    """
    if text in {"start", "now"}:
        return text == "start", None
    units = {"m": 60, "h": 3600, "d": 86400}
    if text[-1:] in units and text[:-1].isdecimal():
        return True, now - timedelta(seconds=int(text[:-1]) * units[text[-1]])
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise CellRefused(
            f"{text!r}: 写 start、now、15m、2h、3d 或 2026-11-23T08:00 "
            "(say start, now, 15m, 2h, 3d or 2026-11-23T08:00)"
        ) from error
    return True, found if found.tzinfo else found.replace(tzinfo=calendar.CITY_ZONE)


def topics_of(asked: list[str]) -> list[str]:
    """Topics by their names or how they begin: `events` is all of that service's.

    Raises:
        CellRefused: nothing is called so.
    """
    found = []
    for name in asked or [""]:
        known = [topic for topic in topics() if topic.startswith(name)]
        twin = [topic.state_twin for topic in topics().values() if topic.state_twin == name]
        if not known and not twin:
            raise CellRefused(f"{name}: 没有这个主题 (no such topic): {', '.join(topics())}")
        found += [topic for topic in (*known, *twin) if topic not in found]
    return found


def watch(
    context: typer.Context,
    topic: Annotated[
        list[str] | None,
        typer.Argument(help="主题或其开头，如 scheduling · topics, or how they begin"),
    ] = None,
    *,
    since: Annotated[
        str, typer.Option(help="start、now、15m、2h 或时刻 · start, now, 15m, 2h or an instant")
    ] = "now",
    key: Annotated[str, typer.Option(help="只看这一个 · only of this thing")] = "",
    full: Annotated[bool, typer.Option(help="全部字段 · every field")] = False,
    follow: Annotated[bool, typer.Option(help="一直看 · go on until Ctrl-C")] = True,
) -> None:
    """Show facts as they happen, until Ctrl-C; with --no-follow, what is there."""
    session: Session = context.obj
    chosen = session.read("topic", lambda: topics_of(topic or []))
    from_start, moment = session.read("since", lambda: since_of(since, now=system_clock()))
    bootstrap = bootstrap_of(session)

    async def run() -> None:
        async for fact in kafka.read(
            bootstrap, chosen, follow=follow, from_start=from_start, since=moment
        ):
            if not key or fact.key == key:
                _show(session, fact, full=full)

    with contextlib.suppress(KeyboardInterrupt):
        try:
            asyncio.run(run())
        except kafka.OUTAGES as error:
            raise typer.Exit(
                session.answer.failed(f"Kafka {bootstrap}: {error}", code=OUTAGE)
            ) from error


def bootstrap_of(session: Session) -> str:
    """The broker's address; its absence ends the command."""
    if not session.stack.kafka:
        sentence = (
            "不知道 Kafka 的地址：先运行 make up，或用 --kafka / ZHIHUI_KAFKA 指定 "
            "(the broker's address is not known: run `make up` first, or give it)."
        )
        raise typer.Exit(session.answer.failed(sentence, code=REFUSED))
    return session.stack.kafka


def _show(session: Session, fact: Received, *, full: bool) -> None:
    answer = session.answer
    if answer.as_json:
        answer.line(line_of(fact))
        return
    try:
        message = message_of(fact)
        gist = gist_of(message) if message is not None else ""
    except DecodeError:
        message, gist = None, "(无法读取 unreadable)"
    at = cells.local(fact.occurred_at.astimezone(UTC))
    answer.say(escape(f"{at}  {label_of(fact)}  {fact.key} v{fact.version}  {gist}".rstrip()))
    if full and message is not None:
        for name, value in message_to_dict(message).items():
            answer.say(escape(f"    {name}: {value}"), style="dim")
