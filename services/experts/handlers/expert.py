"""Experts: register, change, withdraw, and when they are free."""

import dataclasses
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from libs.errors import FieldViolation, NotAllowed
from libs.geo.topics import require_topics
from services.experts.domain.expert import (
    LOCAL,
    Expert,
    PeriodTooLong,
    PersonalData,
    Window,
    cell_of,
    require_current,
    require_sound,
    require_windows,
)
from services.experts.ports import Transaction

PERIOD_MAX = timedelta(days=400)


class ContactNotReleased(NotAllowed):
    """The contact is for venues whose published event the expert serves, for coordinators, and for the expert."""


def require_known(expert: Expert) -> None:
    """Refuse what the vocabulary or the expert's own numbers forbid.

    Raises:
        UnknownTopic, LimitsContradict, EndsBeforeStart, SkillTwice: with paths below `expert`.
    """
    require_topics(
        (f"expert.skills[{index}].topic", skill.topic) for index, skill in enumerate(expert.skills)
    )
    require_sound(expert)


async def register_expert(
    expert: Expert, personal: PersonalData, tx: Transaction, *, now: datetime
) -> Expert:
    """Store a new expert, and announce them."""
    require_known(expert)
    terms = [
        (f"expert.memberships[{index}].term", membership.term)
        for index, membership in enumerate(expert.memberships)
    ]
    require_current(terms, on=now.astimezone(LOCAL).date())
    new = dataclasses.replace(
        expert, home_area=cell_of(personal.home), create_time=now, update_time=now
    )
    await tx.experts.add(new, personal)
    await tx.facts.registered(new, at=now)
    return new


async def update_expert(
    name: str, change: Callable[[Expert], Expert], tx: Transaction, *, now: datetime
) -> Expert:
    """Apply `change` to the expert, and announce it; nothing is announced when it changes nothing."""
    before = await tx.experts.get_for_update(name)
    after = change(before)
    require_known(after)
    if after == before:
        return before
    saved = after.changed(at=now)
    await tx.experts.save(saved)
    await tx.facts.changed(saved, at=now)
    return saved


async def withdraw_expert(
    name: str, check: Callable[[Expert], None], tx: Transaction, *, now: datetime
) -> Expert:
    """End an expert's service: personal data is erased, consumers forget. A repeat changes nothing."""
    before = await tx.experts.get_for_update(name)
    check(before)
    after = before.withdrawn(at=now)
    if after == before:
        return before
    await tx.experts.save(after)
    await tx.experts.set_personal(name, None)
    await tx.facts.withdrawn(after, at=now)
    return after


async def set_personal_data(
    name: str, personal: PersonalData, tx: Transaction, *, now: datetime
) -> PersonalData:
    """Replace contact and home. Only a move to another cell is announced, and only the cell."""
    expert = (await tx.experts.get_for_update(name)).changed(at=now)
    await tx.experts.set_personal(name, personal)
    area = cell_of(personal.home)
    if area != expert.home_area:
        moved = dataclasses.replace(expert, home_area=area)
        await tx.experts.save(moved)
        await tx.facts.changed(moved, at=now)
    return personal


async def set_availability(
    name: str,
    *,
    period: Window,
    windows: Sequence[Window],
    check: Callable[[Expert], None],
    tx: Transaction,
    now: datetime,
) -> tuple[Sequence[Window], Expert]:
    """Replace the windows that start in `period`; gives those that overlap it now, and the expert.

    Raises:
        PeriodTooLong, WindowNotOneDay, WindowOutside, WindowsOverlap: see the domain.
    """
    require_short(period)
    ordered = require_windows(windows, period=period)
    before = await tx.experts.get_for_update(name)
    check(before)
    standing = [
        window
        for window in await tx.experts.windows(name, period=period)
        if window.start_time >= period.start_time
    ]
    if list(ordered) == standing:
        return await tx.experts.windows(name, period=period), before
    after = before.changed(at=now)
    await tx.experts.replace_windows(name, period=period, windows=ordered)
    await tx.experts.save(after)
    await tx.facts.availability_changed(after, at=now)
    return await tx.experts.windows(name, period=period), after


def require_short(period: Window) -> None:
    """Refuse a period longer than one call may show or replace.

    Raises:
        PeriodTooLong: it is.
    """
    if period.end_time - period.start_time > PERIOD_MAX:
        raise PeriodTooLong(
            "the period is too long",
            violations=[FieldViolation("period", f"at most {PERIOD_MAX.days} days")],
        )
