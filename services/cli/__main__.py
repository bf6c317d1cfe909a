"""The `zhihui` command: what coordinators type. Everything goes through the gRPC API."""

from typing import Annotated

import typer

from services.cli import (
    assignment,
    calendar,
    expert,
    facts,
    node,
    pool,
    request,
    round,
    sheets,
    watch,
    webhook,
)
from services.cli.answer import OUTAGE, Answer
from services.cli.demo import command as demo
from services.cli.session import Session
from services.cli.stack import StackUnknown, find_stack

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)
app.add_typer(request.app, name="request")
app.add_typer(round.app, name="round")
app.add_typer(assignment.app, name="assignment")
app.add_typer(expert.app, name="expert")
app.add_typer(pool.app, name="pool")
app.add_typer(node.app, name="node")
app.add_typer(node.venue_app, name="venue")
app.add_typer(sheets.app)
app.add_typer(demo.app, name="demo")
app.add_typer(facts.app, name="facts")
app.add_typer(webhook.app, name="webhook")
app.add_typer(calendar.app, name="calendar")
app.command("watch")(watch.watch)


@app.callback()
def _flags(
    context: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="JSON 输出 · JSON lines")] = False,
    experts_address: Annotated[str | None, typer.Option("--experts", help="host:port")] = None,
    events_address: Annotated[str | None, typer.Option("--events", help="host:port")] = None,
    scheduling_address: Annotated[
        str | None, typer.Option("--scheduling", help="host:port")
    ] = None,
    feeds_address: Annotated[str | None, typer.Option("--feeds", help="host:port")] = None,
    kafka_address: Annotated[str | None, typer.Option("--kafka", help="host:port")] = None,
    token: Annotated[str | None, typer.Option(help="令牌 · bearer token")] = None,
) -> None:
    answer = Answer(as_json=as_json)
    flags = {
        "experts": experts_address,
        "events": events_address,
        "scheduling": scheduling_address,
        "feeds": feeds_address,
        "kafka": kafka_address,
        "token": token,
    }
    try:
        context.obj = Session(find_stack(flags=flags), answer)
    except StackUnknown as unknown:
        raise typer.Exit(answer.failed(str(unknown), code=OUTAGE)) from unknown


def main() -> None:
    """The entry point `zhihui`."""
    app(prog_name="zhihui")


if __name__ == "__main__":
    main()
