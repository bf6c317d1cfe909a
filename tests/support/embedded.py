"""A stack that is up (`make up`), by the folder that it keeps its data in."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class EmbeddedStack:
    """A stack that is up, with the demonstration's round published."""

    home: Path

    @property
    def base(self) -> str:
        """Address of the web edge, `http://127.0.0.1:port`."""
        return f"http://{self.state['web']}"

    @property
    def state(self) -> dict[str, Any]:
        """Addresses, token, database, and the processes by name."""
        found: dict[str, Any] = json.loads((self.home / "stack.json").read_text())
        return found
