"""The `zhihui` command: look at what the services hold, and move requests along. Everything goes through the gRPC API."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import grpc
import typer
from google.protobuf.message import Message
from rich.markup import escape
from zhihui.events.v1 import events_pb2 as events
from zhihui.events.v1 import events_pb2_grpc as events_grpc
from zhihui.experts.v1 import experts_pb2 as experts
from zhihui.experts.v1 import experts_pb2_grpc as experts_grpc

from libs.ids import new_id
from libs.rpc.client import channel
from services.cli import sheets
from services.cli.answer import OUTAGE, Answer, message_to_dict
from services.cli.stack import Stack, StackUnknown, find_stack

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)
expert_app = typer.Typer(no_args_is_help=True, help="专家 · experts")
request_app = typer.Typer(no_args_is_help=True, help="需求 · requests")
venue_app = typer.Typer(no_args_is_help=True, help="场地 · venues")
app.add_typer(expert_app, name="expert")
app.add_typer(request_app, name="request")
app.add_typer(venue_app, name="venue")
app.add_typer(sheets.app)

PAGE_SIZE = 200
Act = Callable[[Any], Awaitable[Any]]
Name = Annotated[str, typer.Argument(help="名称或编号 · name or id")]


class _Session:
    """Where to call and how to answer, as the flags of this run say."""

    def __init__(self, stack: Stack, answer: Answer) -> None:
        self.stack = stack
        self.answer = answer

    def call(self, service: str, stub: Callable[[Any], Any], act: Act) -> Any:
        """What `act` gives with a stub of `service`; a refusal or an outage ends the command."""

        async def run() -> Any:
            address = self.stack.address(service)
            async with channel(
                address, token=lambda: self.stack.token, tls_ca_file=self.stack.ca_file
            ) as there:
                return await act(stub(there))

        try:
            return asyncio.run(run())
        except StackUnknown as unknown:
            raise typer.Exit(self.answer.failed(str(unknown), code=OUTAGE)) from unknown
        except grpc.RpcError as error:
            raise typer.Exit(self.answer.rpc_failed(error)) from error


@app.callback()
def _flags(
    context: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="JSON 输出 · JSON lines")] = False,
    experts_address: Annotated[str | None, typer.Option("--experts", help="host:port")] = None,
    events_address: Annotated[str | None, typer.Option("--events", help="host:port")] = None,
    token: Annotated[str | None, typer.Option(help="令牌 · bearer token")] = None,
) -> None:
    answer = Answer(as_json=as_json)
    flags = {"experts": experts_address, "events": events_address, "token": token}
    try:
        context.obj = _Session(find_stack(flags=flags), answer)
    except StackUnknown as unknown:
        raise typer.Exit(answer.failed(str(unknown), code=OUTAGE)) from unknown


def full_name(collection: str, name: str) -> str:
    """`collection/id` for an id or a full name."""
    return name if "/" in name else f"{collection}/{name}"


def _tell(session: _Session, message: Message) -> None:
    text = json.dumps(message_to_dict(message), ensure_ascii=False, indent=2)
    session.answer.value(message, say=lambda: session.answer.say(escape(text)))


@expert_app.command("show")
def show_expert(context: typer.Context, name: Name) -> None:
    """One expert."""
    ask = experts.GetExpertRequest(name=full_name("experts", name))
    found = context.obj.call("experts", experts_grpc.ExpertsServiceStub, lambda s: s.GetExpert(ask))
    _tell(context.obj, found.expert)


@expert_app.command("list")
def list_experts(context: typer.Context, *, text: str = "", topic: str = "") -> None:
    """Experts by name: the first page."""
    ask = experts.ListExpertsRequest(page_size=PAGE_SIZE, text=text, topic=topic)
    found = context.obj.call(
        "experts", experts_grpc.ExpertsServiceStub, lambda s: s.ListExperts(ask)
    )
    rows = [(e.name, e.display_name, e.home_node) for e in found.experts]
    context.obj.answer.value(
        found,
        say=lambda: context.obj.answer.table(
            "专家 Experts", ["名称 name", "姓名 who", "住地 home"], rows
        ),
    )


@venue_app.command("list")
def list_venues(context: typer.Context, *, text: str = "", node: str = "") -> None:
    """Venues by name: the first page."""
    ask = events.ListVenuesRequest(page_size=PAGE_SIZE, text=text, node=node)
    found = context.obj.call("events", events_grpc.EventsServiceStub, lambda s: s.ListVenues(ask))
    rows = [(v.name, v.display_name, v.capacity) for v in found.venues]
    context.obj.answer.value(
        found,
        say=lambda: context.obj.answer.table(
            "场地 Venues", ["名称 name", "场地 venue", "容量 holds"], rows
        ),
    )


@request_app.command("list")
def list_requests(context: typer.Context, *, text: str = "", node: str = "") -> None:
    """Requests, latest first: the first page."""
    ask = events.ListRequestsRequest(page_size=PAGE_SIZE, text=text, node=node)
    found = context.obj.call("events", events_grpc.EventsServiceStub, lambda s: s.ListRequests(ask))
    rows = [
        (r.name, r.title, events.Request.State.Name(r.state).removeprefix("STATE_"))
        for r in found.requests
    ]
    context.obj.answer.value(
        found,
        say=lambda: context.obj.answer.table(
            "需求 Requests", ["名称 name", "标题 title", "状态 state"], rows
        ),
    )


@request_app.command("show")
def show_request(context: typer.Context, name: Name) -> None:
    """One request."""
    ask = events.GetRequestRequest(name=full_name("requests", name))
    found = context.obj.call("events", events_grpc.EventsServiceStub, lambda s: s.GetRequest(ask))
    _tell(context.obj, found.request)


@request_app.command("endorse")
def endorse_request(context: typer.Context, name: Name, *, weight: int = 0) -> None:
    """Let a submitted request wait for a round."""
    ask = events.EndorseRequestRequest(
        name=full_name("requests", name), weight=weight, request_id=new_id("cli")
    )
    done = context.obj.call(
        "events", events_grpc.EventsServiceStub, lambda s: s.EndorseRequest(ask)
    )
    _tell(context.obj, done.request)


@request_app.command("return")
def return_request(
    context: typer.Context, name: Name, *, reason: Annotated[str, typer.Option()]
) -> None:
    """Send a submitted request back with what to mend."""
    ask = events.ReturnRequestRequest(
        name=full_name("requests", name), reason=reason, request_id=new_id("cli")
    )
    done = context.obj.call("events", events_grpc.EventsServiceStub, lambda s: s.ReturnRequest(ask))
    _tell(context.obj, done.request)


def main() -> None:
    """The entry point `zhihui`."""
    app()


if __name__ == "__main__":
    main()
