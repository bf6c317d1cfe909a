"""Calendars: who may have one, and what it shows."""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from libs.auth.principal import OutsideOfScope, Principal, Role, require_scope
from services.feeds.domain.calendar import SHOWN_AFTER, Calendar, CalendarNotFound, Entry
from services.feeds.ports import Transaction

_KEEPERS = frozenset({Role.DISTRICT_COORDINATOR, Role.CITY_COORDINATOR, Role.ADMIN, Role.SERVICE})


def hash_of(token: str) -> bytes:
    """What is kept of a token: it is long and random, so a plain SHA-256 does."""
    return hashlib.sha256(token.encode()).digest()


async def create(
    calendar: Calendar, principal: Principal, tx: Transaction, *, token: str
) -> Calendar:
    """Store it: an expert's own, a venue's of one's own nodes; a coordinator's of any expert.

    Raises:
        OutsideOfScope: of somebody else.
        SubjectNotFound: no such venue has been announced.
    """
    if calendar.subject.startswith("venues/"):
        path = await tx.calendars.node_path(calendar.subject)
        require_scope(principal, node_path=path)
    elif calendar.subject != f"experts/{principal.expert_id}" and not principal.roles & _KEEPERS:
        raise OutsideOfScope("this is somebody else's calendar", subject=calendar.subject)
    await tx.calendars.add(calendar, token_hash=hash_of(token))
    return calendar


async def owned(name: str, principal: Principal, tx: Transaction) -> Calendar:
    """The calendar, if it is the caller's (an administrator's are all).

    Raises:
        CalendarNotFound: it is not.
    """
    calendar = await tx.calendars.get(name)
    if calendar.owner != principal.subject and Role.ADMIN not in principal.roles:
        raise CalendarNotFound("no such calendar", calendar=name)
    return calendar


async def opened(
    token: str, tx: Transaction, *, now: datetime
) -> tuple[Calendar, str, Sequence[Entry]]:
    """The calendar that `token` opens, what its subject is called, and what it shows.

    Raises:
        CalendarNotFound: it opens none.
    """
    calendar = await tx.calendars.opened_by(hash_of(token))
    name = await tx.calendars.display_name(calendar.subject)
    entries = await tx.calendars.entries(calendar.subject, since=now - SHOWN_AFTER)
    return calendar, name, entries
