"""Options of a command as cells of one row: the sheets and the command read the same words."""

from collections.abc import Mapping, Sequence
from typing import Any

from libs.sheets.columns import clear
from libs.sheets.kinds import KINDS, KindName
from services.cli.session import Session


def filled(
    session: Session, kind: KindName, message: Any, given: Mapping[str, str | Sequence[str] | None]
) -> list[str]:
    """Put what was given, by column, into the creating `message` of `kind`; gives the paths that were set.

    What cannot be read ends the command, and names the option.
    """
    paths: list[str] = []
    for column in KINDS[kind].columns:
        value = given.get(column.en)
        if value is None or (not value and not isinstance(value, str)):
            continue
        cell = value if isinstance(value, str) else "；".join(value)
        clear(message, column.fields)
        session.read(
            column.en.replace("_", "-"),
            lambda column=column, cell=cell: column.read(message, cell),  # type: ignore[misc]
        )
        paths += column.fields
    return paths
