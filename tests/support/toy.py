"""A service small enough to read, over a real channel: what the kit does is seen from the caller's side.

The proto is built here and not compiled, so that the kit's tests need no other's contract:

    message Home { double latitude = 1; }
    message Toy {
      string name = 1 [(google.api.field_behavior) = IDENTIFIER];
      string title = 2 [(buf.validate.field).string.max_len = 8];
      Home home = 3;
      repeated Home places = 4;
      map<string, Home> by_day = 5;
      optional int32 weight = 6;
      string request_id = 7;
      int32 page_size = 8;
      string page_token = 9;
      repeated string tags = 10 [(buf.validate.field).repeated.items.string.max_len = 8];
    }
    service ToyService {
      rpc GetExpert(Toy) returns (Toy);  // named like real ones, because the table of roles is keyed by name
      rpc RegisterExpert(Toy) returns (Toy);
      rpc WatchRun(Toy) returns (stream Toy);
    }
"""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import grpc
from google.api import field_behavior_pb2
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message
from grpc import aio

from libs.auth.principal import Principal, Role
from libs.auth.tokens import Tokens
from libs.rpc.client import channel
from libs.rpc.server import Server
from libs.settings import ServiceSettings

_Field = descriptor_pb2.FieldDescriptorProto
_PACKAGE = "zhihui.toy.v1"
SERVICE = f"{_PACKAGE}.ToyService"


# FieldRules in wire form, so that the tests need no generated code: string.max_len = 8; the same for each item.
_SHORT = bytes([0x72, 2, 0x18, 8])
_SHORT_ITEMS = bytes([0x92, 0x01, len(_SHORT) + 2, 0x22, len(_SHORT)]) + _SHORT


def _rules(options: descriptor_pb2.FieldOptions, rules: bytes) -> None:
    extension = bytes(
        [0xBA, 0x48, len(rules)]
    )  # field 1159, length-delimited: (buf.validate.field)
    options.MergeFromString(extension + rules)


def _file() -> Any:
    file = descriptor_pb2.FileDescriptorProto(
        name="zhihui/toy/v1/toy.proto", package=_PACKAGE, syntax="proto3"
    )
    file.dependency.append("google/api/field_behavior.proto")
    home = file.message_type.add(name="Home")
    home.field.add(name="latitude", number=1, type=_Field.TYPE_DOUBLE, label=_Field.LABEL_OPTIONAL)
    toy = file.message_type.add(name="Toy")

    def field(name: str, number: int, type_: int, *, many: bool = False, of: str = "") -> Any:
        label = _Field.LABEL_REPEATED if many else _Field.LABEL_OPTIONAL
        return toy.field.add(
            name=name,
            number=number,
            type=type_,
            label=label,
            type_name=f".{_PACKAGE}.{of}" if of else None,
        )

    name = field("name", 1, _Field.TYPE_STRING)
    name.options.Extensions[field_behavior_pb2.field_behavior].append(field_behavior_pb2.IDENTIFIER)
    _rules(field("title", 2, _Field.TYPE_STRING).options, _SHORT)
    field("home", 3, _Field.TYPE_MESSAGE, of="Home")
    field("places", 4, _Field.TYPE_MESSAGE, many=True, of="Home")
    field("by_day", 5, _Field.TYPE_MESSAGE, many=True, of="Toy.ByDayEntry")
    entry = toy.nested_type.add(name="ByDayEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, type=_Field.TYPE_STRING, label=_Field.LABEL_OPTIONAL)
    entry.field.add(
        name="value",
        number=2,
        type=_Field.TYPE_MESSAGE,
        label=_Field.LABEL_OPTIONAL,
        type_name=f".{_PACKAGE}.Home",
    )
    toy.oneof_decl.add(name="_weight")
    weight = field("weight", 6, _Field.TYPE_INT32)
    weight.oneof_index, weight.proto3_optional = 0, True
    field("request_id", 7, _Field.TYPE_STRING)
    field("page_size", 8, _Field.TYPE_INT32)
    field("page_token", 9, _Field.TYPE_STRING)
    tags = field("tags", 10, _Field.TYPE_STRING, many=True)
    _rules(tags.options, _SHORT_ITEMS)
    service = file.service.add(name="ToyService")
    for method in ("GetExpert", "RegisterExpert"):
        service.method.add(
            name=method, input_type=f".{_PACKAGE}.Toy", output_type=f".{_PACKAGE}.Toy"
        )
    service.method.add(
        name="WatchRun",
        input_type=f".{_PACKAGE}.Toy",
        output_type=f".{_PACKAGE}.Toy",
        server_streaming=True,
    )
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    return pool.FindFileByName(file.name)


FILE = _file()
Toy: Any = message_factory.GetMessageClass(FILE.message_types_by_name["Toy"])
Home: Any = message_factory.GetMessageClass(FILE.message_types_by_name["Home"])

Handler = Callable[[Any, aio.ServicerContext[Any, Any]], Awaitable[Any]]


class ToyServicer:
    """Does what the test at hand says; answers with the request otherwise."""

    def __init__(self) -> None:
        self.seen: list[Message] = []
        self.act: Handler = self._echo
        self.watch: Callable[[Any], AsyncIterator[Any]] = self._three_times

    async def _echo(self, request: Any, _context: aio.ServicerContext[Any, Any]) -> Any:
        return request

    async def _three_times(self, request: Any) -> AsyncIterator[Any]:
        for _ in range(3):
            yield request

    async def unary(self, request: Any, context: aio.ServicerContext[Any, Any]) -> Any:
        self.seen.append(request)
        return await self.act(request, context)

    async def stream(
        self, request: Any, _context: aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[Any]:
        self.seen.append(request)
        async with contextlib.aclosing(self.watch(request)) as answers:
            async for answer in answers:
                yield answer


def add_to_server(servicer: ToyServicer, server: aio.Server) -> None:
    codec = {"request_deserializer": Toy.FromString, "response_serializer": Toy.SerializeToString}
    unary = grpc.unary_unary_rpc_method_handler(servicer.unary, **codec)
    methods = {
        "GetExpert": unary,
        "RegisterExpert": unary,
        "WatchRun": grpc.unary_stream_rpc_method_handler(servicer.stream, **codec),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, methods),))


class ToyClient:
    """The calls of one caller."""

    def __init__(self, to: aio.Channel) -> None:
        self.channel = to
        codec = {
            "request_serializer": Toy.SerializeToString,
            "response_deserializer": Toy.FromString,
        }
        self.get = to.unary_unary(f"/{SERVICE}/GetExpert", **codec)
        self.register = to.unary_unary(f"/{SERVICE}/RegisterExpert", **codec)
        self.watch = to.unary_stream(f"/{SERVICE}/WatchRun", **codec)


COORDINATOR = Principal(
    subject="coordinator-1", roles=frozenset({Role.CITY_COORDINATOR}), nodes=("nodes/500000",)
)
KEY = "a key that is only good for tests, and long enough"


def toy_settings(**changes: Any) -> ServiceSettings:
    return ServiceSettings(**{"service": "toy", "auth_key": KEY, "drain_s": 1.0} | changes)


class ToyWorld:
    """A running toy server and its callers."""

    def __init__(self, servicer: ToyServicer, server: Server, tokens: Tokens) -> None:
        self.servicer, self.server, self.tokens = servicer, server, tokens
        self.address = f"127.0.0.1:{server.port}"

    @contextlib.asynccontextmanager
    async def client(
        self, principal: Principal | None = COORDINATOR, **options: Any
    ) -> AsyncIterator[ToyClient]:
        token = None
        if principal is not None:
            issued = self.tokens.issue(principal, lifetime=timedelta(minutes=5))
            token = lambda: issued  # noqa: E731  # one line says it
        async with channel(self.address, token=token, **options) as to:
            yield ToyClient(to)


@contextlib.asynccontextmanager
async def toy_world(**changes: Any) -> AsyncIterator[ToyWorld]:
    settings = toy_settings(**changes)
    tokens = Tokens(settings)
    servicer = ToyServicer()
    server = Server(settings, verify=tokens.verify)
    server.add(add_to_server, servicer, FILE)
    async with server:
        yield ToyWorld(servicer, server, tokens)
