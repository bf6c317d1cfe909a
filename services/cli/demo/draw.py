"""The seeded dice of the generator: one stream per part, so that one part's change moves no other."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeVar

from libs.geo import calendar, data
from libs.geo.calendar import Calendar, Day

T = TypeVar("T")

HORIZON_DAYS = 28
LEAD_DAYS = 21
"""A round begins three weeks ahead: approvals and offers need their time."""


@dataclass(frozen=True, slots=True)
class Setting:
    """When the demonstration plays, and how large it is: `size` times 211 people."""

    as_of: date
    start: date
    end: date
    seed: int
    size: int
    calendar: Calendar

    def dice(self, part: str) -> random.Random:
        """The stream of `part`; the same for the same `(as_of, seed, size, part)`."""
        seed = f"{self.as_of.isoformat()}/{self.seed}/{self.size}/{part}"
        return random.Random(seed)  # noqa: S311 - repeatable on purpose, nothing secret

    @property
    def days(self) -> Sequence[Day]:
        """The days of the horizon."""
        return list(self.calendar.days(self.start, self.end))

    @property
    def school_days(self) -> Sequence[date]:
        """The days of the horizon on which schools are open."""
        return [day.day for day in self.days if self.calendar.school_day(day.day)]


def setting(*, as_of: date, seed: int, size: int) -> Setting:
    """The setting whose horizon is four whole weeks in term, at least three weeks after `as_of`.

    The horizon is taken where at least 15 of its 28 days are school days; where no term is known
    that far ahead, it is the first Monday.
    """
    known = calendar.chongqing()
    earliest = as_of + timedelta(days=LEAD_DAYS)
    monday = earliest + timedelta(days=-earliest.weekday() % 7)
    for weeks in range(52):
        start = monday + timedelta(weeks=weeks)
        end = start + timedelta(days=HORIZON_DAYS)
        if sum(known.school_day(day.day) for day in known.days(start, end)) >= 15:
            break
    else:
        start, end = monday, monday + timedelta(days=HORIZON_DAYS)
    return Setting(as_of=as_of, start=start, end=end, seed=seed, size=size, calendar=known)


def pick_weighted(dice: random.Random, items: Sequence[T], weights: Sequence[float]) -> T:
    """One of `items`, likelier with weight."""
    return dice.choices(items, weights=weights)[0]


def topics_by_group() -> dict[str, tuple[str, ...]]:
    """Topic ids of the packaged vocabulary by upper-case group."""
    found: dict[str, list[str]] = {}
    for topic in data.document("topics.json")["topics"]:
        for group in topic["groups"]:
            found.setdefault(str(group).upper(), []).append(str(topic["id"]))
    return {group: tuple(topics) for group, topics in found.items()}


def topic_names() -> dict[str, str]:
    """Chinese names of the packaged topics by id."""
    return {str(t["id"]): str(t["zh"]) for t in data.document("topics.json")["topics"]}
