"""Where the services are: flags, then environment, then the file that the embedded stack leaves."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

STATE_FILE = "stack.json"
FOLDER_VARIABLE = "ZHIHUI_HOME"
FOLDER_DEFAULT = ".zhihui"

KEYS = ("experts", "events", "scheduling", "feeds", "kafka", "token", "database")


class StackUnknown(Exception):
    """Nobody said where the services are, or the state file cannot be read."""


@dataclass(frozen=True, slots=True)
class Stack:
    """Addresses are `host:port`, '' where unknown; `ca_file` makes the connections TLS."""

    experts: str = ""
    events: str = ""
    scheduling: str = ""
    feeds: str = ""
    kafka: str = ""
    token: str = ""
    database: str = ""
    """DSN of the database's owner, for what operators do with outboxes; only they have it."""
    ca_file: str = ""

    def address(self, service: str) -> str:
        """The address of `service`.

        Raises:
            StackUnknown: it was not given anywhere.
        """
        address: str = getattr(self, service)
        if not address:
            raise StackUnknown(
                f"不知道 {service} 服务的地址 (the address of '{service}' is not known). "
                f"先运行 make up，或用 --{service} / ZHIHUI_{service.upper()} 指定 "
                "(run `make up` first, or give it by flag or environment)."
            )
        return address


def find_stack(
    *, flags: Mapping[str, str | None], environment: Mapping[str, str] | None = None
) -> Stack:
    """The stack as flags say, else the environment (`ZHIHUI_EXPERTS`…), else the state file.

    The file is `.zhihui/stack.json` under the working directory, or under `ZHIHUI_HOME`.

    Raises:
        StackUnknown: the file is there and is not what it should be.
    """
    environment = os.environ if environment is None else environment
    folder = Path(environment.get(FOLDER_VARIABLE, FOLDER_DEFAULT))
    stored = _stored(folder / STATE_FILE)
    found = {
        key: flags.get(key) or environment.get(f"ZHIHUI_{key.upper()}") or stored.get(key, "")
        for key in KEYS
    }
    ca_file = flags.get("ca_file") or environment.get("ZHIHUI_TLS_CA_FILE") or ""
    return Stack(**found, ca_file=ca_file)


def _stored(path: Path) -> Mapping[str, str]:
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StackUnknown(
            f"{path} 无法读取 (cannot be read): {error}. 重新运行 make up 会重写它 (`make up` writes it anew)."
        ) from error
    if not isinstance(content, dict):
        raise StackUnknown(f"{path} 不是一个对象 (does not hold an object).")
    return {key: str(content[key]) for key in KEYS if content.get(key)}
