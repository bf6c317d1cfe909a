"""One run of the command: where to call, as whom, and how to answer."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated, Any

import grpc
import typer
from google.protobuf.message import Message

from libs.ids import new_id
from libs.rpc.client import channel
from libs.sheets.cells import CellRefused
from services.cli.answer import OUTAGE, REFUSED, Answer
from services.cli.stack import Stack, StackUnknown

PAGE_SIZE = 200
"""Entries that a list asks for at once; `--all` goes on from there."""

Act = Callable[[Any], Awaitable[Any]]
Name = Annotated[str, typer.Argument(help="名称或编号 · name or id")]
RequestId = Annotated[
    str, typer.Option(help="重试同一次操作时用同一编号 · the same id makes a repeat harmless")
]


class Session:
    """Where to call and how to answer, as the flags of this run say."""

    def __init__(self, stack: Stack, answer: Answer) -> None:
        self.stack = stack
        self.answer = answer

    @contextlib.asynccontextmanager
    async def opened(self, service: str, stub: Callable[[Any], Any]) -> AsyncIterator[Any]:
        """A stub of `service`, signed in.

        Raises:
            StackUnknown: its address was not given anywhere.
        """
        address = self.stack.address(service)
        async with channel(
            address, token=lambda: self.stack.token, tls_ca_file=self.stack.ca_file
        ) as there:
            yield stub(there)

    def call(self, service: str, stub: Callable[[Any], Any], act: Act) -> Any:
        """What `act` gives with a stub of `service`; a refusal or an outage ends the command."""

        async def run() -> Any:
            async with self.opened(service, stub) as there:
                return await act(there)

        return self.run(run())

    def run(self, work: Awaitable[Any]) -> Any:
        """What `work` gives; a refusal, an outage or a cell that cannot be read ends the command."""

        async def whole() -> Any:
            return await work

        try:
            try:
                return asyncio.run(whole())
            except BaseExceptionGroup as several:
                raise _first_of(several) from several
        except StackUnknown as unknown:
            raise typer.Exit(self.answer.failed(str(unknown), code=OUTAGE)) from unknown
        except grpc.RpcError as error:
            raise typer.Exit(self.answer.rpc_failed(error)) from error
        except CellRefused as refused:
            raise typer.Exit(self.answer.failed(str(refused), code=REFUSED)) from refused

    def read(self, option: str, read: Callable[[], Any]) -> Any:
        """What `read` makes of an option; what it refuses ends the command, and the option is named."""
        try:
            return read()
        except CellRefused as refused:
            code = self.answer.failed(f"--{option}: {refused}", code=REFUSED)
            raise typer.Exit(code) from refused


def _first_of(error: BaseException) -> BaseException:
    """What ended a group of tasks: the others only followed."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def full_name(collection: str, name: str) -> str:
    """`collection/id` for an id or a full name; '' stays ''."""
    return name if not name or "/" in name else f"{collection}/{name}"


def short_name(name: str) -> str:
    """The id at the end of a resource name."""
    return name.rpartition("/")[2]


def call_id(given: str = "") -> str:
    """The id of one call: what the caller gave, or a new one."""
    return given or new_id("cli")


async def listed(
    page: Callable[[str], Awaitable[Any]], *, field: str, at_most: int
) -> tuple[list[Any], bool]:
    """The first `at_most` entries over all pages, and whether there are more. `page` takes a page token."""
    found: list[Any] = []
    token = ""
    while True:
        answer = await page(token)
        found += getattr(answer, field)
        token = answer.next_page_token
        if not token or len(found) >= at_most:
            return found[:at_most], bool(token) or len(found) > at_most


def word(message: Message, field: str) -> str:
    """The word of an enum field without its prefix: `ENDORSED` for `STATE_ENDORSED`."""
    kind = message.DESCRIPTOR.fields_by_name[field].enum_type
    assert kind is not None, "only enums have words"
    text: str = kind.values_by_number[getattr(message, field)].name
    common = kind.values[0].name.removesuffix("UNSPECIFIED")
    return text.removeprefix(common)
