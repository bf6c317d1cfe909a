"""What the command says, to a person or (`--json`) to a program, and with which exit code it ends."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from libs.errors import Conflict, InvalidInput, NotAllowed, NotFound, Refusal, WrongState
from libs.rpc.status import RemoteRefusal, refusal_from

DONE, OUTAGE, REFUSED = 0, 1, 2
"""Exit codes: done; a service is away, late or overloaded, so try again; refused, so mend something."""

_WHAT_TO_DO: Mapping[type[Refusal], str] = {
    InvalidInput: "请按下列字段修改后重试 (mend these fields and try again)",
    NotFound: "请检查名称；可用 list 查看 (check the name; `list` shows what there is)",
    NotAllowed: "请由有权限的人办理，或换一个令牌 (ask someone who may, or use another token)",
    WrongState: "请先用 show 查看现状再决定 (look at its state with `show`, then decide)",
    Conflict: "别人刚刚改过：请重新读取后再试 (somebody was quicker: read again, then retry)",
}


def message_to_dict(message: Message) -> dict[str, Any]:
    """A message with proto field names; unset fields without presence are shown too."""
    return MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )


@dataclass(slots=True)
class Answer:
    """Where output goes. With `as_json`, stdout holds JSON values only, one a line."""

    as_json: bool = False
    console: Console = field(default_factory=Console)

    def value(self, value: Message | Mapping[str, Any], *, say: Callable[[], None]) -> None:
        """Print `value` as JSON, or let `say` tell it to a person."""
        if self.as_json:
            self.line(value)
        else:
            say()

    def line(self, value: Message | Mapping[str, Any]) -> None:
        """One JSON value on one line of stdout."""
        content = message_to_dict(value) if isinstance(value, Message) else value
        sys.stdout.write(json.dumps(content, ensure_ascii=False, default=str) + "\n")
        sys.stdout.flush()

    def say(self, text: str, *, style: str = "") -> None:
        """One line to a person; nothing with `--json`."""
        if not self.as_json:
            self.console.print(text, style=style, highlight=False, soft_wrap=True)

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """A table to a person; nothing with `--json`."""
        if self.as_json:
            return
        table = Table(
            title=title,
            title_justify="left",
            title_style="bold",
            header_style="dim",
            box=box.SIMPLE_HEAD,
            pad_edge=False,
        )
        for place, column in enumerate(columns):
            table.add_column(column, overflow="fold", no_wrap=place == 0)
        for row in rows:
            table.add_row(*(escape(str(cell)) for cell in row))
        self.console.print(table)

    def fields(self, title: str, pairs: Sequence[tuple[str, object]]) -> None:
        """What a thing is, one line for each pair that says something; nothing with `--json`."""
        if self.as_json:
            return
        self.console.print(f"[bold]{escape(title)}[/]", highlight=False)
        grid = Table.grid(padding=(0, 2))
        grid.add_column(style="dim", no_wrap=True)
        grid.add_column(overflow="fold")
        for label, value in pairs:
            if value not in {"", None}:
                grid.add_row(f"  {label}", escape(str(value)))
        self.console.print(grid, highlight=False)

    def refused(self, refusal: RemoteRefusal) -> int:
        """Say a refusal or an outage of a service; the exit code."""
        if refusal.kind is None and refusal.code is not grpc.StatusCode.UNAUTHENTICATED:
            return self._outage(refusal)
        if self.as_json:
            self.line({"error": _error_of(refusal)})
            return REFUSED
        console = Console(stderr=True)
        console.print(
            f"[bold red]拒绝 Refused[/] {escape(refusal.sentence)}", highlight=False, soft_wrap=True
        )
        for violation in refusal.violations:
            where = violation.path or "(整个请求 the request as a whole)"
            console.print(
                f"  • [bold]{escape(where)}[/]: {escape(violation.description)}",
                highlight=False,
                soft_wrap=True,
            )
        for key, detail in refusal.details.items():
            console.print(f"  {escape(key)} = {escape(detail)}", style="dim", highlight=False)
        console.print(
            f"  {_what_to_do(refusal)}  [{refusal.reason}]",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
        return REFUSED

    def failed(self, sentence: str, *, code: int) -> int:
        """Say what went wrong on this side; gives back `code`."""
        if self.as_json:
            self.line({"error": {"sentence": sentence}})
        else:
            Console(stderr=True).print(
                f"[bold red]{'拒绝 Refused' if code == REFUSED else '失败 Failed'}[/] {escape(sentence)}",
                highlight=False,
            )
        return code

    def _outage(self, refusal: RemoteRefusal) -> int:
        wait = f"，{refusal.retry_after_s:.0f} 秒后再试" if refusal.retry_after_s else ""
        if self.as_json:
            self.line({"error": _error_of(refusal)})
        else:
            Console(stderr=True).print(
                f"[bold red]服务暂不可用 Outage[/] {refusal.code.name}: {escape(refusal.sentence)}{wait}\n"
                "  先看 make up 是否在运行 (is `make up` running?)；再试一次不会重复 "
                "(trying again repeats nothing).",
                highlight=False,
            )
        return OUTAGE

    def rpc_failed(self, error: grpc.RpcError) -> int:
        """Say what a failed call means; the exit code."""
        return self.refused(refusal_from(error))


def _what_to_do(refusal: RemoteRefusal) -> str:
    if refusal.code is grpc.StatusCode.UNAUTHENTICATED:
        return "请用 --token 或 ZHIHUI_TOKEN 登录 (sign in with --token or ZHIHUI_TOKEN)"
    return _WHAT_TO_DO[refusal.kind] if refusal.kind is not None else ""


def _error_of(refusal: RemoteRefusal) -> dict[str, Any]:
    return {
        "code": refusal.code.name,
        "reason": refusal.reason,
        "sentence": refusal.sentence,
        "details": dict(refusal.details),
        "violations": [{"field": v.path, "description": v.description} for v in refusal.violations],
    }
