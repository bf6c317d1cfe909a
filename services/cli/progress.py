"""How far a replay has come, in a file: one that was stopped, or killed, goes on where the broker has everything before."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from libs.errors import WrongState


class AnotherReplay(WrongState):
    """The file is of a replay that was asked for with other options."""


@dataclass(slots=True)
class Progress:
    """What was asked for, and the outbox position each service has come to."""

    path: Path | None
    """None: nothing is kept."""
    asked: dict[str, str]
    since: str
    """The instant that `since` meant when the replay began, ISO 8601; '' for the beginning."""
    positions: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, path: Path | None, *, asked: dict[str, str], since: str) -> "Progress":
        """The progress kept in `path`, or none yet.

        Raises:
            AnotherReplay: it was asked for with other options.
            OSError: the file cannot be read.
            ValueError: it is no progress of ours.
        """
        if path is None or not path.exists():
            return cls(path, asked, since)
        kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if kept["asked"] != asked:
            raise AnotherReplay("the file is of another replay", asked=json.dumps(kept["asked"]))
        return cls(path, asked, kept["since"], kept["positions"])

    def note(self, service: str, position: int) -> None:
        """The broker has everything of `service` up to `position`."""
        self.positions[service] = position
        if self.path is None:
            return
        part = self.path.with_name(self.path.name + ".part")
        part.write_text(
            json.dumps({"asked": self.asked, "since": self.since, "positions": self.positions}),
            encoding="utf-8",
        )
        os.replace(part, self.path)

    def done(self) -> None:
        """It is through: the file has nothing more to say."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)
