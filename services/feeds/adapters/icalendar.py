"""A calendar as text: iCalendar (RFC 5545), times in Asia/Shanghai with the zone's definition beside them."""

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

import icalendar

from services.feeds.domain.calendar import Entry

ZONE = ZoneInfo("Asia/Shanghai")


def text_of(title: str, entries: Sequence[Entry]) -> tuple[str, str]:
    """The text, and a tag that changes with it. The same entries give the same text."""
    calendar = icalendar.Calendar()
    calendar.add("prodid", "-//Zhihui//feeds//ZH")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", title)
    calendar.add("x-wr-timezone", "Asia/Shanghai")
    calendar.add("refresh-interval", timedelta(minutes=15), parameters={"value": "DURATION"})
    for entry in entries:
        calendar.add_component(_event(entry))
    calendar.add_missing_timezones()
    text = calendar.to_ical().decode()
    return text, hashlib.sha256(text.encode()).hexdigest()[:32]


def _event(entry: Entry) -> icalendar.Event:
    event = icalendar.Event()
    event.add("uid", f"{entry.event.replace('/', '-')}@zhihui")
    event.add("sequence", entry.sequence)
    event.add("dtstamp", entry.changed_at)
    event.add("last-modified", entry.changed_at)
    event.add("dtstart", entry.start.astimezone(ZONE))
    event.add("dtend", entry.end.astimezone(ZONE))
    event.add("summary", entry.title)
    event.add("status", "CANCELLED" if entry.cancelled else "CONFIRMED")
    if entry.place:
        event.add("location", entry.place)
    if entry.team:
        event.add("description", "、".join(entry.team))
    return event
