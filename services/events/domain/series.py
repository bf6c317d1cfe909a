"""A series: dated requests of one rule."""

from dataclasses import dataclass

from libs.errors import NotFound


class SeriesNotFound(NotFound):
    """No series of this name, or not for this caller."""


@dataclass(frozen=True, slots=True)
class Series:
    """Any two of its events start `spacing_days` apart or more; the same lead counts `continuity`."""

    name: str
    title: str
    venue: str
    spacing_days: int
    continuity: int = 0
    requests: tuple[str, ...] = ()
