"""`zhihui facts`: is everything announced, has everybody heard it, does it add up; publish again; look after dead letters."""

import asyncio
import dataclasses
import signal
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from google.protobuf.json_format import Parse, ParseError
from rich.markup import escape
from zhihui.events.v1 import events_pb2 as events
from zhihui.events.v1 import events_pb2_grpc as events_grpc
from zhihui.scheduling.v1 import scheduling_pb2 as scheduling
from zhihui.scheduling.v1 import scheduling_pb2_grpc as scheduling_grpc

from libs.clock import system_clock
from libs.facts import package
from libs.facts.messages import contract_version, fact_types
from libs.facts.state import COUNTED, TOPICS, State, hash_of_assignments, hash_of_things
from libs.messaging import kafka, operations
from libs.messaging.grants import Role, commands
from libs.messaging.topics import dead_letter_topic, topics
from libs.postgres.outages import OUTAGES as DATABASE_OUTAGES
from libs.sheets import cells
from services.cli.answer import OUTAGE, REFUSED
from services.cli.progress import AnotherReplay, Progress
from services.cli.session import Session, listed
from services.cli.watch import bootstrap_of, label_of, line_of, since_of

app = typer.Typer(no_args_is_help=True, help="事实日志 · the log of facts")

EVERYTHING = 10**9
STOPPED = 130
"""As a shell says it of what Ctrl-C has ended."""
PAGE = 1000

Database = Annotated[
    str, typer.Option(help="数据库属主的连接串 · DSN of the database's owner (ZHIHUI_DATABASE)")
]


def _run(session: Session, work: Awaitable[Any]) -> Any:
    """What `work` gives; a broker or a database that is away ends the command."""
    try:
        return session.run(work)
    except (*kafka.OUTAGES, *DATABASE_OUTAGES) as error:
        raise typer.Exit(session.answer.failed(f"{error}", code=OUTAGE)) from error


def _owner(session: Session, given: str) -> str:
    dsn = given or session.stack.database
    if not dsn:
        sentence = (
            "需要数据库属主的连接串：--database 或 ZHIHUI_DATABASE "
            "(the DSN of the database's owner is needed)."
        )
        raise typer.Exit(session.answer.failed(sentence, code=REFUSED))
    return dsn


@app.command()
def status(
    context: typer.Context,
    *,
    group: Annotated[
        list[str] | None, typer.Option(help="还要看的消费组 · further consumer groups")
    ] = None,
    database: Database = "",
) -> None:
    """Outboxes, lag of every consumer group, dead letters, and transactions that hold facts up."""
    session: Session = context.obj
    bootstrap = bootstrap_of(session)
    owner = database or session.stack.database

    found: operations.FactsStatus = _run(
        session,
        operations.facts_status(
            owner, bootstrap, contract=contract_version(), groups=tuple(group or ())
        ),
    )
    answer = session.answer
    if answer.as_json:
        answer.line({**dataclasses.asdict(found), "worry": found.worry})
        return
    answer.table(
        f"发件箱 · outboxes    契约 contract {found.contract}",
        (
            "服务 service",
            "已发布 published",
            "等待 waiting",
            "最早等了 oldest waits",
            "最后一条 last fact",
            "库结构 schema",
        ),
        [
            (
                one.service,
                one.published,
                one.waiting,
                f"{one.age_s:.1f} s",
                "" if one.last_time is None else cells.local(one.last_time),
                one.schema_version,
            )
            for one in found.outboxes
        ],
    )
    answer.table(
        "消费组 · consumer groups",
        ("组 group", "主题 topic", "已处理 taken", "滞后 lag", "最后处理 last taken"),
        [
            (
                one.group,
                one.topic,
                one.taken,
                one.waiting,
                cells.local(at) if (at := found.last_taken.get(one.group)) else "",
            )
            for one in found.groups
        ],
    )
    answer.table(
        "死信 · dead letters",
        ("服务 service", "条数 count"),
        list(found.dead_letters.items()),
    )
    for one in found.long_transactions:
        answer.say(
            f"长事务 long transaction: pid {one.pid} {one.application} {one.age_s:.0f} s "
            f"{one.state}: {escape(one.query)}",
            style="yellow",
        )
    answer.say(
        "请处理 · look at this" if found.worry else "正常 · all well",
        style="yellow" if found.worry else "green",
    )


@app.command()
def verify(
    context: typer.Context,
    *,
    log_only: Annotated[
        bool, typer.Option(help="只核对日志自身 · check the log against itself, ask no service")
    ] = False,
) -> None:
    """Rebuild the state from the log's beginning, and compare it with what was announced and with what the services have.

    Ends with 2 when they differ.
    """
    session: Session = context.obj
    bootstrap = bootstrap_of(session)

    async def rebuilt() -> State:
        state = State()
        async for fact in kafka.read(bootstrap, TOPICS, follow=False):
            state.take(fact)
        return state

    state: State = _run(session, rebuilt())
    checks = list(_against_the_log(state))
    if not log_only:
        checks += _against_the_services(session, state)
    different = [check for check in checks if check["announced"] != check["rebuilt"]]
    answer = session.answer
    if answer.as_json:
        answer.line({"facts": state.facts_count, "checks": checks, "equal": not different})
    else:
        answer.table(
            f"由 {state.facts_count} 条事实重建 · rebuilt from {state.facts_count} facts",
            ("内容 what", "条数 count", "应为 announced", "重建 rebuilt", ""),
            [
                (
                    check["what"],
                    check["count"],
                    str(check["announced"])[:16],
                    str(check["rebuilt"])[:16],
                    "✓" if check["announced"] == check["rebuilt"] else "✗",
                )
                for check in checks
            ],
        )
        answer.say(
            "不一致 · they differ" if different else "一致 · equal",
            style="bold red" if different else "green",
        )
    if different:
        raise typer.Exit(REFUSED)


def _check(what: str, count: int, announced: object, rebuilt: object) -> dict[str, object]:
    return {"what": what, "count": count, "announced": announced, "rebuilt": rebuilt}


def _against_the_log(state: State) -> Sequence[dict[str, object]]:
    checks = []
    for name, fact in sorted(state.publications.items()):
        whole = state.as_published(name)
        checks.append(
            _check(f"{name} 发布时 as published", len(whole), fact.hash, hash_of_assignments(whole))
        )
    return checks


def _against_the_services(session: Session, state: State) -> Sequence[dict[str, object]]:
    def all_of(ask: Callable[..., Any], field: str) -> Callable[[Any], Awaitable[Any]]:
        async def act(stub: Any) -> Any:
            found, _ = await listed(lambda token: ask(stub, token), field=field, at_most=EVERYTHING)
            return found

        return act

    requests = session.call(
        "events",
        events_grpc.EventsServiceStub,
        all_of(
            lambda stub, token: stub.ListRequests(
                events.ListRequestsRequest(page_size=PAGE, page_token=token)
            ),
            "requests",
        ),
    )
    held = session.call(
        "events",
        events_grpc.EventsServiceStub,
        all_of(
            lambda stub, token: stub.ListEvents(
                events.ListEventsRequest(page_size=PAGE, page_token=token)
            ),
            "events",
        ),
    )
    checks = []
    for what, theirs, ours in (
        ("需求 requests", requests, state.requests.values()),
        ("活动 events", held, state.events.values()),
    ):
        # what was never submitted has never been announced
        told = [one for one in theirs if one.state != events.Request.STATE_DRAFT or what[0] != "需"]
        mine = [one for one in ours if one.state != events.Request.STATE_DRAFT or what[0] != "需"]
        checks.append(_check(what, len(mine), hash_of_things(told), hash_of_things(mine)))
    for round in sorted(state.publications):
        theirs = session.call(
            "scheduling",
            scheduling_grpc.SchedulingServiceStub,
            all_of(
                lambda stub, token, round=round: stub.ListAssignments(
                    scheduling.ListAssignmentsRequest(
                        page_size=PAGE, page_token=token, round=round, states=sorted(COUNTED)
                    )
                ),
                "assignments",
            ),
        )
        mine_now = state.current(round)
        checks.append(
            _check(
                f"{round} 现在 now",
                len(mine_now),
                hash_of_assignments(theirs),
                hash_of_assignments(mine_now),
            )
        )
    return checks


@app.command()
def replay(
    context: typer.Context,
    *,
    topic: Annotated[str, typer.Option(help="只这个主题 · only this topic")] = "",
    key: Annotated[str, typer.Option(help="只这一个 · only of this thing")] = "",
    since: Annotated[
        str, typer.Option(help="start、2h 或时刻 · start, 2h or an instant")
    ] = "start",
    progress: Annotated[
        Path | None,
        typer.Option(help="记进度的文件，中断后接着做 · a file to go on from after an end"),
    ] = None,
    database: Database = "",
) -> None:
    """Publish kept facts again, with the same message ids: who has seen them drops them.

    Ctrl-C stops it once the broker has what is on its way; with the same `--progress` it goes on exactly there.
    """
    session: Session = context.obj
    bootstrap = bootstrap_of(session)
    owner = _owner(session, database)
    _, moment = session.read("since", lambda: since_of(since, now=system_clock()))
    if topic and topic not in topics():
        raise typer.Exit(
            session.answer.failed(f"{topic}: 没有这个主题 (no such topic)", code=REFUSED)
        )
    services = [topics()[topic].owner] if topic else operations.SERVICES

    asked = {"topic": topic, "key": key, "since": since}
    try:
        kept = Progress.of(progress, asked=asked, since=moment.isoformat() if moment else "")
    except (AnotherReplay, OSError, ValueError, KeyError) as error:
        raise typer.Exit(session.answer.failed(f"{progress}: {error}", code=REFUSED)) from error

    async def run() -> tuple[int, bool]:
        count, told = 0, asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, told.set)
        for outbox in await operations.outboxes(owner, services):

            def there(position: int, service: str = outbox.service) -> bool:
                kept.note(service, position)
                return not told.is_set()

            count += await operations.replay(
                owner,
                bootstrap,
                service=outbox.service,
                since=datetime.fromisoformat(kept.since) if kept.since else None,
                topic=topic,
                key=key,
                after=kept.positions.get(outbox.service, 0),
                there=there,
            )
            if told.is_set():
                return count, True
        kept.done()
        return count, False

    count, stopped = _run(session, run())
    session.answer.value(
        {"replayed": count, "stopped": stopped},
        say=lambda: session.answer.say(f"重新发布 {count} 条 · {count} published again"),
    )
    if stopped:
        raise typer.Exit(STOPPED)


@app.command(name="grants")
def grants_of(
    context: typer.Context,
    role: Annotated[Role, typer.Argument(help="角色 · the role")],
    name: Annotated[
        str, typer.Argument(help="用户名，也是消费组的前缀 · user name, and how its groups begin")
    ],
) -> None:
    """What the broker has to grant, as commands of Kafka's own tool; needs no broker."""
    session: Session = context.obj
    try:
        lines = commands(role, name)
    except ValueError as error:
        raise typer.Exit(session.answer.failed(str(error), code=REFUSED)) from error
    session.answer.value(
        {"commands": lines}, say=lambda: session.answer.say(escape("\n".join(lines)))
    )


@app.command()
def kit(
    context: typer.Context,
    out: Annotated[Path, typer.Argument(help="新目录 · a folder that is not there yet")],
) -> None:
    """Put the consumer kit into a folder of its own, for `pip install` where the rest of Zhihui is not."""
    session: Session = context.obj
    if out.exists():
        raise typer.Exit(session.answer.failed(f"{out}: 已经存在 (is there already)", code=REFUSED))
    count = package.write(out)
    session.answer.value(
        {"files": count},
        say=lambda: session.answer.say(f"{count} 个文件 · files: pip install {out}"),
    )


@app.command()
def dead(
    context: typer.Context,
    service: Annotated[
        str, typer.Argument(help="谁的死信 · whose: experts, events, scheduling…")
    ] = "",
) -> None:
    """Read dead letters: what could not be handled, and why."""
    session: Session = context.obj
    bootstrap = bootstrap_of(session)
    for one in [service] if service else operations.SERVICES:
        for record in _run(session, _dead(bootstrap, one)):
            _tell_letter(session, one, record)


@app.command()
def resend(
    context: typer.Context,
    letter: Annotated[
        str, typer.Argument(help="编号，见 dead · the number `dead` shows: events:0:17")
    ],
    *,
    payload: Annotated[
        typer.FileText | None, typer.Option(help="改好的内容，JSON · the mended payload as JSON")
    ] = None,
) -> None:
    """Send a dead letter to its topic again, as it was or mended; its message id stays."""
    session: Session = context.obj
    bootstrap = bootstrap_of(session)
    service, _, place = letter.partition(":")
    letters = {
        f"{record.partition}:{record.offset}": record
        for record in _run(session, _dead(bootstrap, service))
    }
    if place not in letters:
        raise typer.Exit(session.answer.failed(f"{letter}: 没有 (not there)", code=REFUSED))
    record = letters[place]
    values = {name: value.decode("utf-8", "replace") for name, value in record.headers}
    body = record.value
    if payload is not None:
        kind = fact_types().get(values.get("ce_type", ""))
        if kind is None:
            unknown = f"{values.get('ce_type')}: 不认识的类型 (unknown type)"
            raise typer.Exit(session.answer.failed(unknown, code=REFUSED))
        try:
            body = Parse(payload.read(), kind()).SerializeToString(deterministic=True)
        except ParseError as error:
            raise typer.Exit(session.answer.failed(str(error), code=REFUSED)) from error

    async def send() -> None:
        async with kafka.Producer(bootstrap, client="zhihui-resend") as producer:
            sent = await producer.send(
                values["dead_topic"],
                key=(record.key or b"").decode(),
                payload=body,
                headers=[one for one in record.headers if not one[0].startswith("dead_")],
            )
            await sent

    _run(session, send())
    session.answer.value(
        {"resent": letter, "topic": values["dead_topic"]},
        say=lambda: session.answer.say(f"已重新发送到 {values['dead_topic']} · sent again"),
    )


async def _dead(bootstrap: str, service: str) -> list[Any]:
    return [record async for record in kafka.read_records(bootstrap, [dead_letter_topic(service)])]


def _tell_letter(session: Session, service: str, record: Any) -> None:
    answer = session.answer
    place = f"{service}:{record.partition}:{record.offset}"
    values = {name: value.decode("utf-8", "replace") for name, value in record.headers}
    why = {name: values[name] for name in values if name.startswith("dead_")}
    try:
        fact = kafka.received_from_record(record)
    except kafka.BadEnvelope:
        fact = None
    if answer.as_json:
        answer.line({"letter": place, **why, "fact": None if fact is None else line_of(fact)})
        return
    told = (
        "(信封不完整 bad envelope)"
        if fact is None
        else f"{label_of(fact)}  {fact.key} v{fact.version}"
    )
    answer.say(escape(f"{place}  {told}"))
    answer.say(
        escape(
            f"    {why.get('dead_reason')}: {why.get('dead_sentence')}  "
            f"({why.get('dead_topic')} → {why.get('dead_handler')}, {why.get('dead_attempt')})"
        ),
        style="dim",
    )
