"""`zhihui request`: a venue's ask, from its filing to its reason."""

from typing import Annotated, Any

import typer
from google.protobuf.field_mask_pb2 import FieldMask
from rich.markup import escape
from zhihui.events.v1 import events_pb2 as events
from zhihui.events.v1 import events_pb2_grpc as events_grpc

from libs.sheets.kinds import KindName
from services.cli import words
from services.cli.answer import REFUSED
from services.cli.fill import filled
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

app = typer.Typer(no_args_is_help=True, help="需求 · requests")

Venue = Annotated[str | None, typer.Option(help="场地 · venue")]
Title = Annotated[str | None, typer.Option(help="标题 · title")]
Group = Annotated[
    str | None, typer.Option(help="群体：青少年、农民、产业工人、老年人、领导干部和公务员 · group")
]
Level = Annotated[str | None, typer.Option(help="程度：小学、初中、高中、成人 · level")]
Audience = Annotated[str | None, typer.Option(help="人数 · listeners")]
FormOption = Annotated[
    str | None, typer.Option(help="形式：科普讲座、科普报告、科技咨询、农技推广 · form")
]
Topic = Annotated[str | None, typer.Option(help="主题，如 ai 或 人工智能 · topic")]
Talk = Annotated[str | None, typer.Option(help="指定讲座 experts/…/talks/… · a concrete talk")]
Minutes = Annotated[str | None, typer.Option(help="时长，分钟 · minutes")]
Windows = Annotated[
    list[str] | None,
    typer.Option(
        help="可用时段，可多次：“2026-12-14 上午”“2026-12-14 14:00-16:30” · window, may be repeated"
    ),
]
Seats = Annotated[
    list[str] | None,
    typer.Option(
        help="席位，可多次，首席在前：“讲师/院士 ai:2”“志愿者 x2 可选” · seat, may be repeated"
    ),
]
NamedExpert = Annotated[str | None, typer.Option("--expert", help="指定专家 · a named expert")]
NamedRule = Annotated[str | None, typer.Option(help="仅限 或 优先 · only or preferred")]
Mode = Annotated[str | None, typer.Option(help="现场、线上、均可 · on site, remote, either")]
Weight = Annotated[str | None, typer.Option(help="权重 1–1000 · weight")]
Emergency = Annotated[str | None, typer.Option(help="应急级别 0–4 · emergency level")]
Standbys = Annotated[str | None, typer.Option(help="候补人数 · standbys wanted")]
Programme = Annotated[str | None, typer.Option(help="专项 · programme")]
Proxy = Annotated[str | None, typer.Option(help="代报：是或否 · filed for somebody else")]
Notes = Annotated[str | None, typer.Option(help="备注 · notes for the team")]
Host = Annotated[str | None, typer.Option(help="联系人 · who receives the team")]
HostPhone = Annotated[str | None, typer.Option(help="联系电话 · telephone of the host")]


def _call(session: Session, act: Any) -> Any:
    return session.call("events", events_grpc.EventsServiceStub, act)


def _read(session: Session, request: events.Request, given: dict[str, Any]) -> list[str]:
    """Put the options of one command into `request`; the names of the fields that were set."""
    message = events.FileRequestRequest(request=request)
    message.request.SetInParent()
    paths = filled(session, KindName.REQUESTS, message, given)
    request.CopyFrom(message.request)
    return [path.partition(".")[2] for path in paths]


@app.command("file")
def file_request(
    context: typer.Context,
    *,
    venue: Venue = None,
    title: Title = None,
    group: Group = None,
    level: Level = "成人",
    audience: Audience = None,
    form: FormOption = "科普讲座",
    topic: Topic = None,
    talk: Talk = None,
    minutes: Minutes = "60",
    window: Windows = None,
    seat: Seats = None,
    expert: NamedExpert = None,
    named_rule: NamedRule = None,
    mode: Mode = None,
    weight: Weight = None,
    emergency: Emergency = None,
    standbys: Standbys = None,
    programme: Programme = None,
    proxy: Proxy = None,
    notes: Notes = None,
    host: Host = None,
    host_phone: HostPhone = None,
    request_id: Annotated[str, typer.Option("--id", help="编号 · id to use")] = "",
    draft: Annotated[bool, typer.Option(help="只存草稿 · keep it a draft")] = False,
    call: Annotated[
        str, typer.Option("--request-id", help="重试用同一编号 · id of this call")
    ] = "",
) -> None:
    """File a request, and submit it unless it is a draft."""
    session: Session = context.obj
    message = events.FileRequestRequest(id=request_id, submit=not draft, request_id=call_id(call))
    message.request.SetInParent()
    _read(session, message.request, _with_lead(_given(context)))
    if not message.request.title and message.request.topic:
        named = words.topic(message.request.topic)
        message.request.title = f"{words.said(message.request, 'form')}：{named}"
    tell(session, _call(session, lambda stub: stub.FileRequest(message)).request)


@app.command("check")
def check_request(
    context: typer.Context,
    *,
    venue: Venue = None,
    title: Title = None,
    group: Group = None,
    level: Level = "成人",
    audience: Audience = None,
    form: FormOption = "科普讲座",
    topic: Topic = None,
    talk: Talk = None,
    minutes: Minutes = "60",
    window: Windows = None,
    seat: Seats = None,
    expert: NamedExpert = None,
    named_rule: NamedRule = None,
    mode: Mode = None,
) -> None:
    """Say what would be refused or doubtful if it were filed now; changes nothing."""
    session: Session = context.obj
    request = events.Request()
    _read(session, request, _with_lead(_given(context)))
    found = _call(
        session, lambda stub: stub.CheckRequest(events.CheckRequestRequest(request=request))
    )
    session.answer.value(found, say=lambda: _tell_check(session, found))
    if any(one.severity == events.Finding.SEVERITY_REFUSED for one in found.findings):
        raise typer.Exit(REFUSED)


@app.command("change")
def change_request(
    context: typer.Context,
    name: Name,
    *,
    venue: Venue = None,
    title: Title = None,
    group: Group = None,
    level: Level = None,
    audience: Audience = None,
    form: FormOption = None,
    topic: Topic = None,
    talk: Talk = None,
    minutes: Minutes = None,
    window: Windows = None,
    seat: Seats = None,
    expert: NamedExpert = None,
    named_rule: NamedRule = None,
    mode: Mode = None,
    weight: Weight = None,
    emergency: Emergency = None,
    standbys: Standbys = None,
    programme: Programme = None,
    proxy: Proxy = None,
    notes: Notes = None,
    host: Host = None,
    host_phone: HostPhone = None,
    request_id: RequestId = "",
) -> None:
    """Change what is given, until the request is in a round."""
    session: Session = context.obj
    changed = events.Request(name=full_name("requests", name))
    paths = _read(session, changed, _given(context))
    if not paths:
        raise typer.Exit(session.answer.failed("请说明要改什么 (say what to change)", code=REFUSED))

    async def act(stub: Any) -> Any:
        before = await stub.GetRequest(events.GetRequestRequest(name=changed.name))
        changed.etag = before.request.etag
        return await stub.UpdateRequest(
            events.UpdateRequestRequest(
                request=changed, update_mask=FieldMask(paths=paths), request_id=call_id(request_id)
            )
        )

    tell(session, _call(session, act).request)


_COLUMNS = {
    "audience": "audience_size",
    "minutes": "duration_min",
    "window": "windows",
    "seat": "seats",
    "expert": "named_expert",
    "emergency": "emergency_level",
    "proxy": "by_proxy",
}
"""Columns whose option is called otherwise."""


def _given(context: typer.Context) -> dict[str, Any]:
    """The options of this command by the column that reads them."""
    given = {_COLUMNS.get(option, option): value for option, value in context.params.items()}
    if given["named_expert"] and not given["named_rule"]:
        given["named_rule"] = "优先"
    return given


def _with_lead(given: dict[str, Any]) -> dict[str, Any]:
    """With a lecturer as the only seat, where none was given."""
    topic = given["topic"] or ""
    return {**given, "seats": given["seats"] or [f"讲师 {topic}".strip()]}


def _tell_check(session: Session, found: events.CheckRequestResponse) -> None:
    if not found.findings:
        session.answer.say("[green]✓[/] 没有问题 · nothing is wrong")
    for finding in found.findings:
        refused = finding.severity == events.Finding.SEVERITY_REFUSED
        mark = "[red]✗[/]" if refused else "[yellow]![/]"
        session.answer.say(f"{mark} [bold]{escape(finding.field)}[/] {escape(finding.message)}")
        session.answer.say(f"    {escape(finding.message_en)} [{finding.code}]", style="dim")
    left = "不限 (no rule)" if found.visits_left < 0 else str(found.visits_left)
    session.answer.fields(
        "",
        [
            ("本学年剩余次数 visits left", left),
            ("最早开始 earliest", words.at(found.ready_time)),
            ("自动推荐 endorsed by itself", "是" if found.endorse_automatically else "否"),
        ],
    )


@app.command("submit")
def submit_request(context: typer.Context, name: Name, *, request_id: RequestId = "") -> None:
    """Submit a draft."""
    ask = events.SubmitRequestRequest(
        name=full_name("requests", name), request_id=call_id(request_id)
    )
    tell(context.obj, _call(context.obj, lambda stub: stub.SubmitRequest(ask)).request)


@app.command("endorse")
def endorse_request(
    context: typer.Context,
    name: Name,
    *,
    weight: Annotated[int, typer.Option(help="新权重；0 不变 · new weight; 0 keeps it")] = 0,
    request_id: RequestId = "",
) -> None:
    """Let a submitted request wait for a round."""
    ask = events.EndorseRequestRequest(
        name=full_name("requests", name), weight=weight, request_id=call_id(request_id)
    )
    tell(context.obj, _call(context.obj, lambda stub: stub.EndorseRequest(ask)).request)


@app.command("return")
def return_request(
    context: typer.Context,
    name: Name,
    *,
    reason: Annotated[str, typer.Option(help="要补充或修改什么 · what to mend")],
    request_id: RequestId = "",
) -> None:
    """Send a submitted request back with what to mend."""
    ask = events.ReturnRequestRequest(
        name=full_name("requests", name), reason=reason, request_id=call_id(request_id)
    )
    tell(context.obj, _call(context.obj, lambda stub: stub.ReturnRequest(ask)).request)


@app.command("withdraw")
def withdraw_request(
    context: typer.Context,
    name: Name,
    *,
    reason: Annotated[str, typer.Option(help="为什么 · why")] = "",
    request_id: RequestId = "",
) -> None:
    """Take a request back before it is scheduled."""
    ask = events.WithdrawRequestRequest(
        name=full_name("requests", name), reason=reason, request_id=call_id(request_id)
    )
    tell(context.obj, _call(context.obj, lambda stub: stub.WithdrawRequest(ask)).request)


@app.command("show")
def show_request(context: typer.Context, name: Name) -> None:
    """One request."""
    ask = events.GetRequestRequest(name=full_name("requests", name))
    tell(context.obj, _call(context.obj, lambda stub: stub.GetRequest(ask)).request)


@app.command("list")
def list_requests(
    context: typer.Context,
    *,
    text: Annotated[str, typer.Option(help="标题含 · title contains")] = "",
    node: Annotated[str, typer.Option(help="节点及以下 · of this node and below")] = "",
    venue: Annotated[str, typer.Option(help="场地 · of this venue")] = "",
    round: Annotated[str, typer.Option(help="轮次 · of this round")] = "",
    state: Annotated[
        list[str] | None, typer.Option(help="状态，可多次：SUBMITTED … · only these states")
    ] = None,
    at_most: Annotated[int, typer.Option("--limit", min=1, help="最多 · at most")] = PAGE_SIZE,
) -> None:
    """Requests, latest first."""
    session: Session = context.obj
    states = [_state(session, one) for one in state or []]

    async def act(stub: Any) -> Any:
        return await listed(
            lambda token: stub.ListRequests(
                events.ListRequestsRequest(
                    page_size=min(at_most, 1000),
                    page_token=token,
                    text=text,
                    node=full_name("nodes", node),
                    venue=full_name("venues", venue),
                    round=full_name("rounds", round),
                    states=states,
                )
            ),
            field="requests",
            at_most=at_most,
        )

    found, more = _call(session, act)
    rows = [
        (short_name(one.name), one.title, words.said(one, "group"), words.state(one), one.reason)
        for one in found
    ]
    session.answer.value(
        events.ListRequestsResponse(requests=found),
        say=lambda: session.answer.table(
            f"需求 Requests（{len(found)}{'+' if more else ''}）",
            ["编号 id", "标题 title", "群体 group", "状态 state", "说明 reason"],
            rows,
        ),
    )


def _state(session: Session, text: str) -> Any:
    try:
        return events.Request.State.Value(f"STATE_{text.upper()}")
    except ValueError as error:
        known = "、".join(name.removeprefix("STATE_") for name in events.Request.State.keys()[1:])
        code = session.answer.failed(f"--state: {text}；可选 (one of) {known}", code=REFUSED)
        raise typer.Exit(code) from error


@app.command("history")
def show_history(context: typer.Context, name: Name) -> None:
    """Everything that happened to a request, oldest first."""
    session: Session = context.obj
    ask = events.ListRequestHistoryRequest(parent=full_name("requests", name), page_size=PAGE_SIZE)
    found = _call(session, lambda stub: stub.ListRequestHistory(ask))
    rows = [(words.at(one.time), one.what, one.by, one.remark) for one in found.entries]
    session.answer.value(
        found,
        say=lambda: session.answer.table(
            "经过 History", ["时间 time", "何事 what", "何人 by", "备注 remark"], rows
        ),
    )


@app.command("confirm")
def confirm_event(context: typer.Context, name: Name, *, request_id: RequestId = "") -> None:
    """Say that the venue has seen its event and will be ready."""
    session: Session = context.obj

    async def act(stub: Any) -> Any:
        ask = events.GetRequestRequest(name=full_name("requests", name))
        request = (await stub.GetRequest(ask)).request
        if not request.event:
            return None
        confirm = events.ConfirmEventRequest(name=request.event, request_id=call_id(request_id))
        return (await stub.ConfirmEvent(confirm)).event

    event = _call(session, act)
    if event is None:
        sentence = "这条需求还没有活动可确认 (this request has no event to confirm yet)"
        raise typer.Exit(session.answer.failed(sentence, code=REFUSED))
    session.answer.value(event, say=lambda: tell_event(session, event))


def tell(session: Session, request: events.Request) -> None:
    """One request, to a person or as JSON."""
    session.answer.value(request, say=lambda: _tell(session, request))


def _tell(session: Session, request: events.Request) -> None:
    seats = [
        f"{'/'.join(_roles(seat)) or '任意'} {seat.topic}{f':{seat.proficiency}' if seat.proficiency else ''}"
        f"{f' ×{seat.count}' if seat.count > 1 else ''}{'（可选 optional）' if seat.optional else ''}"
        for seat in request.seats
    ]
    named = f"{request.named_expert}（{'仅限 only' if request.named_only else '优先 preferred'}）"
    session.answer.fields(
        f"{request.title}  {words.state(request)}",
        [
            ("名称 name", request.name),
            ("场地 venue", request.venue),
            (
                "听众 audience",
                f"{words.said(request, 'group')} {words.said(request, 'level')} {request.audience_size} 人",
            ),
            (
                "内容 what",
                f"{words.said(request, 'form')} {words.topic(request.topic)} {request.talk}".strip(),
            ),
            (
                "时长 minutes",
                f"{request.duration_min} 分钟 {words.said(request, 'mode')}".strip(),
            ),
            ("时段 windows", "\n".join(words.when(window) for window in request.windows)),
            ("席位 seats", "\n".join(seats)),
            ("指定 named", named if request.named_expert else ""),
            ("权重 weight", request.weight),
            ("应急 emergency", request.emergency_level or ""),
            ("专项 programme", request.programme),
            ("课程 series", request.series),
            ("最早 earliest", words.at(request.ready_time)),
            ("轮次 round", request.round),
            ("活动 event", request.event),
            ("说明 reason", request.reason),
            ("备注 notes", request.notes),
        ],
    )


def _roles(seat: events.Seat) -> list[str]:
    return [words.ROLES[role] for role in seat.roles]


def tell_event(session: Session, event: events.Event) -> None:
    """One event, to a person."""
    team = [
        f"{member.display_name}（{words.said(member, 'role')}{'，线上' if member.remote else ''}）{member.talk_title}"
        for member in event.team
    ]
    session.answer.fields(
        f"{event.title}  {words.STATES.get(word(event, 'state'), '')} {word(event, 'state')}",
        [
            ("名称 name", event.name),
            ("需求 request", event.request),
            ("场地 venue", event.venue),
            ("时间 when", words.when(event.period)),
            ("团队 team", "\n".join(team)),
            ("已确认 confirmed", "是" if event.confirmed else "否"),
            ("取消原因 cancelled", event.cancel_reason),
            ("人数 counted", event.audience_counted or ""),
        ],
    )
