"""An expert: what they know, what they allow, when they are free."""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from libs.errors import FieldViolation, InvalidInput, NotFound, WrongState
from libs.geo.points import Point

LOCAL = ZoneInfo("Asia/Shanghai")
CELL_DEG = 0.02
"""Side of the cell a home is announced as: about 2 km."""


class Role(StrEnum):
    """How a person serves."""

    ACADEMICIAN = "ACADEMICIAN"
    LECTURER = "LECTURER"
    VOLUNTEER = "VOLUNTEER"


class Group(StrEnum):
    """The five key audience groups."""

    YOUTH = "YOUTH"
    FARMERS = "FARMERS"
    WORKERS = "WORKERS"
    ELDERLY = "ELDERLY"
    OFFICIALS = "OFFICIALS"


class Form(StrEnum):
    """What kind of service."""

    LECTURE = "LECTURE"
    REPORT = "REPORT"
    CONSULTATION = "CONSULTATION"
    AGRICULTURAL_EXTENSION = "AGRICULTURAL_EXTENSION"


class Level(StrEnum):
    """How difficult the language may be."""

    PRIMARY = "PRIMARY"
    JUNIOR = "JUNIOR"
    SENIOR = "SENIOR"
    ADULT = "ADULT"


class State(StrEnum):
    """Where an expert stands."""

    ACTIVE = "ACTIVE"
    WITHDRAWN = "WITHDRAWN"


class ExpertNotFound(NotFound):
    """No expert of this name."""


class ExpertWithdrawn(WrongState):
    """The expert has ended their service; nothing about them changes any more."""


class LimitsContradict(InvalidInput):
    """The person's limits leave no hour of the day, or more engagements a day than a week."""


class EndsBeforeStart(InvalidInput):
    """A period of days ends before it starts."""


class TermOver(InvalidInput):
    """Every term that is given is over already: it would let nobody serve on any day."""


class SkillTwice(InvalidInput):
    """A topic is named twice with what the expert knows."""


class WindowNotOneDay(InvalidInput):
    """A free window reaches over midnight, local time: give one for each day."""


class WindowOutside(InvalidInput):
    """A free window is not inside the period that is replaced."""


class WindowsOverlap(InvalidInput):
    """Two free windows of one person overlap."""


class PeriodTooLong(InvalidInput):
    """The period is longer than one call may replace or show."""


@dataclass(frozen=True, slots=True)
class Skill:
    """Proficiency 1 to 3 in a topic."""

    topic: str
    proficiency: int


@dataclass(frozen=True, slots=True)
class Limits:
    """Maxima are inclusive; hours are minutes of the local day."""

    per_day: int
    per_week: int
    per_round: int
    travel_min_per_day: int
    nights_away: int
    rest_days_per_week: int
    earliest_min: int
    latest_min: int


@dataclass(frozen=True, slots=True)
class DatePeriod:
    """Local days `[start_date, end_date)`; no end: for ever."""

    start_date: date
    end_date: date | None = None


@dataclass(frozen=True, slots=True)
class Membership:
    """A term in a pool."""

    pool: str
    term: DatePeriod


@dataclass(frozen=True, slots=True)
class Area:
    """A point that stands for the cell around it, WGS-84."""

    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Expert:
    """A person who serves; nothing here is personal data."""

    name: str
    display_name: str
    role: Role
    home_node: str
    skills: tuple[Skill, ...]
    audiences: tuple[Group, ...]
    forms: tuple[Form, ...]
    levels: tuple[Level, ...]
    limits: Limits
    memberships: tuple[Membership, ...]
    clearances: tuple[DatePeriod, ...] = ()
    local_head: bool = False
    cost_yuan: int = 0
    standby_per_day: int = 0
    home_area: Area | None = None
    state: State | None = State.ACTIVE
    version: int = 1
    create_time: datetime | None = None
    update_time: datetime | None = None

    def changed(self, *, at: datetime) -> "Expert":
        """The expert with the next version.

        Raises:
            ExpertWithdrawn: they have ended their service.
        """
        if self.state is State.WITHDRAWN:
            raise ExpertWithdrawn("has ended their service", expert=self.name)
        return dataclasses.replace(self, version=self.version + 1, update_time=at)

    def withdrawn(self, *, at: datetime) -> "Expert":
        """The expert after the end of their service; itself when it has ended before."""
        if self.state is State.WITHDRAWN:
            return self
        return dataclasses.replace(self.changed(at=at), state=State.WITHDRAWN)


@dataclass(frozen=True, slots=True)
class PersonalData:
    """Contact and exact home, kept apart from everything that is announced."""

    phone: str
    email: str
    home: Point


@dataclass(frozen=True, slots=True)
class Window:
    """A free window, door to door, `[start_time, end_time)`."""

    start_time: datetime
    end_time: datetime


def cell_of(home: Point) -> Area:
    """The centre of the 2-km cell `home` is in."""
    return Area(
        latitude=round((math.floor(home.lat / CELL_DEG) + 0.5) * CELL_DEG, 4),
        longitude=round((math.floor(home.lon / CELL_DEG) + 0.5) * CELL_DEG, 4),
    )


def require_sound(expert: Expert) -> None:
    """Refuse what the fields' own rules cannot see.

    Raises:
        LimitsContradict, EndsBeforeStart, SkillTwice: with paths below `expert`.
    """
    limits = expert.limits
    wrong = []
    if limits.earliest_min >= limits.latest_min:
        wrong.append(FieldViolation("expert.limits.latest_min", "must be later than earliest_min"))
    if limits.per_day > limits.per_week:
        wrong.append(FieldViolation("expert.limits.per_day", "must not be more than per_week"))
    if wrong:
        raise LimitsContradict("the limits contradict each other", violations=wrong)
    for path, periods in (
        ("expert.clearances[{}]", expert.clearances),
        ("expert.memberships[{}].term", [member.term for member in expert.memberships]),
    ):
        for index, period in enumerate(periods):
            require_order(period, path=path.format(index))
    topics = [skill.topic for skill in expert.skills]
    twice = [
        FieldViolation(f"expert.skills[{index}].topic", "named before")
        for index, topic in enumerate(topics)
        if topic in topics[:index]
    ]
    if twice:
        raise SkillTwice("a topic is named twice", violations=twice)


def require_order(period: DatePeriod, *, path: str) -> None:
    """Refuse a period that ends before, or on the day, it starts.

    Raises:
        EndsBeforeStart: it does.
    """
    if period.end_date is not None and period.end_date <= period.start_date:
        raise EndsBeforeStart(
            "a period must end after it starts",
            violations=[FieldViolation(f"{path}.end_date", "not after start_date")],
        )


def require_current(terms: Sequence[tuple[str, DatePeriod]], *, on: date) -> None:
    """Refuse `terms`, with their paths, of which none holds on `on` or later.

    Raises:
        TermOver: with a violation for each.
    """
    over = [
        FieldViolation(f"{path}.end_date", f"is over since {term.end_date}")
        for path, term in terms
        if term.end_date is not None and term.end_date <= on
    ]
    if terms and len(over) == len(terms):
        raise TermOver("the term is over", violations=over)


def require_windows(
    windows: Sequence[Window], *, period: Window, path: str = "windows"
) -> Sequence[Window]:
    """`windows` by start, when each is inside one local day and inside `period`, and none overlap.

    Raises:
        WindowNotOneDay, WindowOutside, WindowsOverlap: with the path of the first that is wrong.
    """
    order = sorted(range(len(windows)), key=lambda index: windows[index].start_time)
    for place, index in enumerate(order):
        window, here = windows[index], f"{path}[{index}]"
        first = window.start_time.astimezone(LOCAL).date()
        last = (window.end_time - timedelta(microseconds=1)).astimezone(LOCAL).date()
        if first != last:
            raise WindowNotOneDay(
                "a free window must lie inside one local day",
                violations=[FieldViolation(f"{here}.end_time", "after midnight, local time")],
            )
        if window.start_time < period.start_time or window.end_time > period.end_time:
            raise WindowOutside(
                "a free window must lie inside the period that is replaced",
                violations=[FieldViolation(here, "not inside period")],
            )
        if place and windows[order[place - 1]].end_time > window.start_time:
            raise WindowsOverlap(
                "free windows must not overlap",
                violations=[FieldViolation(here, f"overlaps {path}[{order[place - 1]}]")],
            )
    return [windows[index] for index in order]
