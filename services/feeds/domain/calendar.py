"""What a calendar shows: events of one expert or one venue, also those that are cancelled."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from libs.errors import NotFound

SHOWN_AFTER = timedelta(days=180)
"""How long an event stays in a calendar after its end."""


class CalendarNotFound(NotFound):
    """There is no such calendar, it is somebody else's, or its token was rotated or revoked."""


class SubjectNotFound(NotFound):
    """There is no such expert or venue here yet."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """Who follows whose events; what opens it is kept as a hash only."""

    name: str
    subject: str
    owner: str
    create_time: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """An event as a calendar shows it: nobody's phone, nobody's home."""

    event: str
    """`events/{event}`: its id is stable from change to change."""
    sequence: int
    """Grows with every change of the event."""
    cancelled: bool
    """It was cancelled, or this person is not on its team any more."""
    title: str
    start: datetime
    end: datetime
    place: str
    team: tuple[str, ...]
    changed_at: datetime
