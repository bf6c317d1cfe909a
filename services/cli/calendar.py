"""`zhihui calendar`: an address that a phone's calendar can follow, of an expert or a venue."""

from typing import Annotated, Any

import typer
from zhihui.feeds.v1 import feeds_pb2 as pb
from zhihui.feeds.v1 import feeds_pb2_grpc as pb_grpc

from services.cli.session import Name, Session, call_id, full_name, listed

app = typer.Typer(no_args_is_help=True, help="日历订阅 · calendars to follow")


def _call(session: Session, act: Any) -> Any:
    return session.call("feeds", pb_grpc.FeedsServiceStub, act)


def _tell(session: Session, calendar: pb.Calendar, *, token: str = "") -> None:
    path = f"/calendar/{token}.ics" if token else ""
    if session.answer.as_json:
        found = {"name": calendar.name, "subject": calendar.subject}
        session.answer.line(found | ({"path": path} if path else {}))
        return
    session.answer.say(f"{calendar.name}  {calendar.subject}")
    if path:
        session.answer.say(
            f"地址（只显示这一次，知道它就能看）· address, shown this once; whoever knows it can look: {path}",
            style="bold",
        )


@app.command("create")
def create(
    context: typer.Context,
    subject: Annotated[str, typer.Argument(help="experts/… 或 venues/…")],
) -> None:
    """Make a calendar of an expert or a venue; shows its address on the web edge."""
    ask = pb.CreateCalendarRequest(subject=subject)
    made = _call(context.obj, lambda stub: stub.CreateCalendar(ask))
    _tell(context.obj, made.calendar, token=made.token)


@app.command("list")
def list_calendars(context: typer.Context) -> None:
    """Your calendars."""

    async def act(stub: Any) -> Any:
        found, _ = await listed(
            lambda token: stub.ListCalendars(pb.ListCalendarsRequest(page_token=token)),
            field="calendars",
            at_most=1000,
        )
        return found

    for one in _call(context.obj, act):
        _tell(context.obj, one)


@app.command("rotate")
def rotate(context: typer.Context, name: Name) -> None:
    """A new address; the old one is worth nothing from now on."""
    ask = pb.RotateCalendarRequest(name=full_name("calendars", name))
    made = _call(context.obj, lambda stub: stub.RotateCalendar(ask))
    _tell(context.obj, made.calendar, token=made.token)


@app.command("revoke")
def revoke(context: typer.Context, name: Name) -> None:
    """The address is worth nothing from now on."""
    ask = pb.RevokeCalendarRequest(name=full_name("calendars", name), request_id=call_id())
    session: Session = context.obj
    answer = _call(session, lambda stub: stub.RevokeCalendar(ask))
    session.answer.value(answer, say=lambda: session.answer.say("已撤销 · revoked"))
