"""`zhihui expert`: who can serve, when, and with which reviewed talks."""

from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Any

import typer
from google.protobuf.field_mask_pb2 import FieldMask
from zhihui.common.v1 import common_pb2 as common
from zhihui.experts.v1 import experts_pb2 as experts
from zhihui.experts.v1 import experts_pb2_grpc as experts_grpc

from libs.clock import system_clock
from libs.geo import calendar
from libs.sheets import cells
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

app = typer.Typer(no_args_is_help=True, help="专家 · experts")

REVIEWS = {"政治性": "POLITICAL", "科学性": "SCIENTIFIC"}
RESULTS = {"通过": "PASSED", "不通过": "FAILED"}
Limit = Annotated[int, typer.Option("--limit", min=1, help="最多 · at most")]


def _call(session: Session, act: Any) -> Any:
    return session.call("experts", experts_grpc.ExpertsServiceStub, act)


@app.command("register")
def register_expert(
    context: typer.Context,
    *,
    display_name: Annotated[str, typer.Option("--title", help="姓名 · what people call them")],
    role: Annotated[str, typer.Option(help="院士、讲师、志愿者 · role")],
    town: Annotated[str, typer.Option(help="住地乡镇街道节点 · node of the town they live in")],
    home: Annotated[
        str, typer.Option(help="家庭坐标“29.56, 106.55” · exact home, never announced")
    ],
    skill: Annotated[list[str], typer.Option(help="专长，可多次：ai:3 · skill, may be repeated")],
    audience: Annotated[list[str], typer.Option(help="群体，可多次 · group, may be repeated")],
    form: Annotated[list[str], typer.Option(help="形式，可多次 · form, may be repeated")],
    level: Annotated[list[str], typer.Option(help="程度，可多次 · level, may be repeated")],
    pool: Annotated[
        list[str],
        typer.Option(help="任期，可多次：“pool-corps 2026-01-01~2028-01-01” · term in a pool"),
    ],
    expert_id: Annotated[str, typer.Option("--id", help="编号 · id to use")] = "",
    clearance: Annotated[
        list[str] | None, typer.Option(help="未成年人工作资质起止 · clearance for work with minors")
    ] = None,
    per_day: Annotated[str, typer.Option(help="每日次数 · engagements a day")] = "2",
    per_week: Annotated[str, typer.Option(help="每周次数 · a week")] = "3",
    per_round: Annotated[str, typer.Option(help="每轮次数 · a round")] = "6",
    travel_min: Annotated[str, typer.Option(help="每日行程分钟 · minutes of travel a day")] = "240",
    nights_away: Annotated[str, typer.Option(help="连续外宿 · nights in a row")] = "0",
    rest_days: Annotated[str, typer.Option(help="每周休息日 · rest days a week")] = "2",
    earliest: Annotated[str, typer.Option(help="最早出门 · leaves home from")] = "08:00",
    latest: Annotated[str, typer.Option(help="最晚到家 · home again by")] = "20:00",
    phone: Annotated[str | None, typer.Option(help="电话 · telephone, never announced")] = None,
    email: Annotated[str | None, typer.Option(help="邮箱 · e-mail, never announced")] = None,
    request_id: RequestId = "",
) -> None:
    """Add an expert."""
    session: Session = context.obj
    ask = experts.RegisterExpertRequest(request_id=call_id(request_id))
    filled(
        session,
        KindName.EXPERTS,
        ask,
        {
            "id": expert_id or None,
            "display_name": display_name,
            "role": role,
            "home_node": town,
            "home": home,
            "skills": skill,
            "audiences": audience,
            "forms": form,
            "levels": level,
            "memberships": pool,
            "clearances": clearance,
            "per_day": per_day,
            "per_week": per_week,
            "per_round": per_round,
            "travel_min_per_day": travel_min,
            "nights_away": nights_away,
            "rest_days_per_week": rest_days,
            "earliest": earliest,
            "latest": latest,
            "phone": phone,
            "email": email,
        },
    )
    tell(session, _call(session, lambda stub: stub.RegisterExpert(ask)).expert)


@app.command("show")
def show_expert(context: typer.Context, name: Name) -> None:
    """One expert."""
    ask = experts.GetExpertRequest(name=full_name("experts", name))
    tell(context.obj, _call(context.obj, lambda stub: stub.GetExpert(ask)).expert)


@app.command("list")
def list_experts(
    context: typer.Context,
    *,
    text: Annotated[str, typer.Option(help="姓名含 · name contains")] = "",
    topic: Annotated[str, typer.Option(help="主题 · who knows this topic")] = "",
    role: Annotated[str, typer.Option(help="院士、讲师、志愿者 · role")] = "",
    pool: Annotated[str, typer.Option(help="队伍 · members of this pool")] = "",
    limit: Limit = PAGE_SIZE,
) -> None:
    """Experts by name."""
    session: Session = context.obj
    known = session.read("topic", lambda: cells.topic(topic)) if topic else ""
    english = session.read("role", lambda: cells.choice(role, cells.ROLES)) if role else ""

    async def act(stub: Any) -> Any:
        return await listed(
            lambda token: stub.ListExperts(
                experts.ListExpertsRequest(
                    page_size=min(limit, 1000),
                    page_token=token,
                    text=text,
                    topic=known,
                    role=common.Role.Value(f"ROLE_{english or 'UNSPECIFIED'}"),
                    pool=full_name("pools", pool),
                )
            ),
            field="experts",
            at_most=limit,
        )

    found, more = _call(session, act)
    rows = [
        (
            short_name(one.name),
            one.display_name,
            words.said(one, "role"),
            "、".join(f"{skill.topic}:{skill.proficiency}" for skill in one.skills),
            one.home_node,
        )
        for one in found
    ]
    session.answer.value(
        experts.ListExpertsResponse(experts=found),
        say=lambda: session.answer.table(
            f"专家 Experts（{len(found)}{'+' if more else ''}）",
            ["编号 id", "姓名 who", "角色 role", "专长 skills", "住地 home"],
            rows,
        ),
    )


@app.command("limits")
def set_limits(
    context: typer.Context,
    name: Name,
    *,
    per_day: Annotated[str | None, typer.Option(help="每日次数 · engagements a day")] = None,
    per_week: Annotated[str | None, typer.Option(help="每周次数 · a week")] = None,
    per_round: Annotated[str | None, typer.Option(help="每轮次数 · a round")] = None,
    travel_min: Annotated[str | None, typer.Option(help="每日行程分钟 · minutes a day")] = None,
    nights_away: Annotated[str | None, typer.Option(help="连续外宿 · nights in a row")] = None,
    rest_days: Annotated[str | None, typer.Option(help="每周休息日 · rest days a week")] = None,
    earliest: Annotated[str | None, typer.Option(help="最早出门 · leaves home from")] = None,
    latest: Annotated[str | None, typer.Option(help="最晚到家 · home again by")] = None,
    request_id: RequestId = "",
) -> None:
    """Show what a person allows to be asked of them, or change what is given."""
    session: Session = context.obj
    given = {
        "per_day": per_day,
        "per_week": per_week,
        "per_round": per_round,
        "travel_min_per_day": travel_min,
        "nights_away": nights_away,
        "rest_days_per_week": rest_days,
        "earliest": earliest,
        "latest": latest,
    }
    new = experts.RegisterExpertRequest()
    paths = filled(session, KindName.EXPERTS, new, given)

    async def act(stub: Any) -> Any:
        ask = experts.GetExpertRequest(name=full_name("experts", name))
        before = (await stub.GetExpert(ask)).expert
        if not paths:
            return before
        new.expert.name, new.expert.etag = before.name, before.etag
        mask = FieldMask(paths=[path.partition(".")[2] for path in paths])
        change = experts.UpdateExpertRequest(
            expert=new.expert, update_mask=mask, request_id=call_id(request_id)
        )
        return (await stub.UpdateExpert(change)).expert

    tell(session, _call(session, act))


@app.command("available")
def set_available(
    context: typer.Context,
    name: Name,
    *,
    window: Annotated[
        list[str] | None,
        typer.Option(
            help="空闲时段，可多次，门到门：“2026-12-14 08:00-18:00” · free, may be repeated"
        ),
    ] = None,
    since: Annotated[str, typer.Option(help="从哪天起；空为今天 · from this day")] = "",
    until: Annotated[str, typer.Option(help="到哪天止（不含）；空为四周后 · before this day")] = "",
    clear: Annotated[
        bool, typer.Option(help="没有空闲：清空这段时间 · not free at all in these days")
    ] = False,
    request_id: RequestId = "",
) -> None:
    """Show when an expert is free, or replace it for the days of a period."""
    session: Session = context.obj
    today = system_clock().astimezone(calendar.CITY_ZONE).date()
    first = session.read("since", lambda: cells.day(since)) if since else today
    last = session.read("until", lambda: cells.day(until)) if until else first + timedelta(days=28)
    expert = full_name("experts", name)
    period = _period(calendar.instant(first, time()), calendar.instant(last, time()))
    free = [
        _period(one.start, one.end)
        for text in window or []
        for one in session.read("window", lambda text=text: cells.windows(text))  # type: ignore[misc]
    ]

    async def act(stub: Any) -> Any:
        if not free and not clear:
            ask = experts.GetAvailabilityRequest(expert=expert, period=period)
            return await stub.GetAvailability(ask)
        change = experts.SetAvailabilityRequest(
            expert=expert, period=period, windows=free, request_id=call_id(request_id)
        )
        return await stub.SetAvailability(change)

    found = _call(session, act)
    session.answer.value(
        found,
        say=lambda: session.answer.table(
            f"{expert} 空闲 Free {first} ~ {last}",
            ["时段 window"],
            [[words.when(one)] for one in found.windows],
        ),
    )


def _period(start: datetime, end: datetime) -> common.Period:
    made = common.Period()
    made.start_time.FromDatetime(start)
    made.end_time.FromDatetime(end)
    return made


@app.command("talk")
def add_talk(
    context: typer.Context,
    name: Name,
    *,
    title: Annotated[str, typer.Option(help="题目 · title; empty: list the talks")] = "",
    topic: Annotated[str, typer.Option(help="主题 · topic")] = "",
    form: Annotated[str, typer.Option(help="形式 · form")] = "科普讲座",
    minutes: Annotated[int, typer.Option(min=10, max=480, help="时长 · minutes")] = 60,
    audience: Annotated[
        list[str] | None, typer.Option(help="群体，可多次 · group, may be repeated")
    ] = None,
    level: Annotated[
        list[str] | None, typer.Option(help="程度，可多次 · level, may be repeated")
    ] = None,
    abstract: Annotated[str, typer.Option(help="内容 · what it says")] = "",
    talk_id: Annotated[str, typer.Option("--id", help="编号 · id to use")] = "",
    request_id: RequestId = "",
) -> None:
    """List an expert's talks, or add one; its first version needs both reviews."""
    session: Session = context.obj
    expert = full_name("experts", name)
    if not title:
        _list_talks(session, expert)
        return
    ask = experts.CreateTalkRequest(
        parent=expert,
        talk_id=talk_id,
        abstract=abstract,
        talk=experts.Talk(
            title=title,
            topic=session.read("topic", lambda: cells.topic(topic)),
            form=_enum(session, "form", form, cells.FORMS, common.Form),
            duration_min=minutes,
            audiences=_groups(session, audience),
            levels=[
                _enum(session, "level", one, cells.LEVELS, common.LanguageLevel)
                for one in level or ["成人"]
            ],
        ),
        request_id=call_id(request_id),
    )
    _tell_talk(session, _call(session, lambda stub: stub.CreateTalk(ask)).talk)


def _enum(session: Session, option: str, text: str, choices: Any, enum: Any) -> Any:
    english = session.read(option, lambda: cells.choice(text, choices))
    prefix = enum.keys()[0].removesuffix("UNSPECIFIED")
    return enum.Value(f"{prefix}{english}")


def _groups(session: Session, texts: list[str] | None) -> list[Any]:
    return [
        _enum(session, "audience", one, cells.GROUPS, common.AudienceGroup) for one in texts or []
    ]


def _list_talks(session: Session, expert: str) -> None:
    ask = experts.ListTalksRequest(parent=expert, page_size=PAGE_SIZE)
    found = _call(session, lambda stub: stub.ListTalks(ask))
    rows = [
        (short_name(one.name), one.title, one.topic, one.duration_min, _reviews(one.versions[-1]))
        for one in found.talks
    ]
    session.answer.value(
        found,
        say=lambda: session.answer.table(
            f"{expert} 讲座 Talks",
            ["编号 id", "题目 title", "主题 topic", "分钟 min", "最新版审核 reviews"],
            rows,
        ),
    )


def _reviews(version: experts.TalkVersion) -> str:
    said = [
        f"{_review_kind(one)}{'通过' if one.passed else '不通过'}至 {one.expire_date}"
        for one in version.reviews
    ]
    return f"第 {version.number} 版：" + ("；".join(said) or "未审核 not reviewed")


def _review_kind(review: experts.Review) -> str:
    english = word(review, "kind")
    return next(zh for zh, en in REVIEWS.items() if en == english)


def _tell_talk(session: Session, talk: experts.Talk) -> None:
    session.answer.value(
        talk,
        say=lambda: session.answer.fields(
            talk.title,
            [
                ("名称 name", talk.name),
                ("内容 what", f"{words.said(talk, 'form')} {talk.topic} {talk.duration_min} 分钟"),
                ("审核 reviews", "\n".join(_reviews(version) for version in talk.versions)),
            ],
        ),
    )


@app.command("review")
def review_talk(
    context: typer.Context,
    talk: Annotated[str, typer.Argument(help="experts/…/talks/…")],
    *,
    kind: Annotated[str, typer.Option(help="政治性 或 科学性 · political or scientific")],
    reviewer: Annotated[str, typer.Option(help="审核人编号 · id of the reviewer")],
    until: Annotated[str, typer.Option(help="到哪天止（不含） · holds before this day")],
    audience: Annotated[list[str], typer.Option(help="适用群体，可多次 · group, may be repeated")],
    result: Annotated[str, typer.Option(help="通过 或 不通过 · passed or failed")] = "通过",
    number: Annotated[int, typer.Option(min=0, help="第几版；0 为最新 · version")] = 0,
    remarks: Annotated[str, typer.Option(help="意见 · remarks")] = "",
    request_id: RequestId = "",
) -> None:
    """Record one of the two reviews that a version of a talk needs."""
    session: Session = context.obj
    last = session.read("until", lambda: cells.day(until))
    passed = session.read("result", lambda: cells.choice(result, RESULTS)) == "PASSED"
    review = experts.Review(
        kind=_enum(session, "kind", kind, REVIEWS, experts.ReviewKind),
        reviewer=reviewer,
        passed=passed,
        audiences=_groups(session, audience),
        expire_date=last.isoformat(),
        remarks=remarks,
    )

    async def act(stub: Any) -> Any:
        which = number
        if not which:
            found = await stub.GetTalk(experts.GetTalkRequest(name=talk))
            which = found.talk.versions[-1].number
        return await stub.ReviewTalkVersion(
            experts.ReviewTalkVersionRequest(
                talk=talk, number=which, review=review, request_id=call_id(request_id)
            )
        )

    _tell_talk(session, _call(session, act).talk)


@app.command("withdraw")
def withdraw_expert(
    context: typer.Context,
    name: Name,
    *,
    reason: Annotated[str, typer.Option(help="为什么 · why; not announced")] = "",
    yes: Annotated[
        bool, typer.Option("--yes", help="确认：不可恢复 · it cannot be undone")
    ] = False,
    request_id: RequestId = "",
) -> None:
    """End an expert's service and erase their personal data. It cannot be undone."""
    session: Session = context.obj
    if not yes:
        sentence = "个人信息将被删除且不可恢复；确认请加 --yes (personal data will be gone for good: say --yes)"
        raise typer.Exit(session.answer.failed(sentence, code=REFUSED))
    ask = experts.WithdrawExpertRequest(
        name=full_name("experts", name), reason=reason, request_id=call_id(request_id)
    )
    tell(session, _call(session, lambda stub: stub.WithdrawExpert(ask)).expert)


def tell(session: Session, expert: experts.Expert) -> None:
    """One expert, to a person or as JSON."""
    limits = expert.limits
    session.answer.value(
        expert,
        say=lambda: session.answer.fields(
            f"{expert.display_name}  {words.said(expert, 'role')}{'（三长）' if expert.local_head else ''}"
            f"  {words.state(expert)}",
            [
                ("名称 name", expert.name),
                ("住地 home", expert.home_node),
                ("专长 skills", "、".join(f"{s.topic}:{s.proficiency}" for s in expert.skills)),
                (
                    "次数 engagements",
                    f"每日 {limits.per_day}，每周 {limits.per_week}，每轮 {limits.per_round}",
                ),
                (
                    "路程 travel",
                    f"每日 {limits.travel_min_per_day} 分钟，连续外宿 {limits.nights_away} 夜",
                ),
                ("休息 rest", f"每周 {limits.rest_days_per_week} 天"),
                ("出门 hours", f"{_clock(limits.earliest_min)}–{_clock(limits.latest_min)}"),
                (
                    "资质 clearance",
                    "；".join(f"{one.start_date}~{one.end_date}" for one in expert.clearances),
                ),
                (
                    "任期 terms",
                    "\n".join(
                        f"{one.pool} {one.term.start_date}~{one.term.end_date}"
                        for one in expert.memberships
                    ),
                ),
                ("修改 changed", expert.update_time.ToDatetime(tzinfo=UTC).date().isoformat()),
            ],
        ),
    )


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
