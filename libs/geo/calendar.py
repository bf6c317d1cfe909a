"""The calendar of days off, working weekends and school terms: data with a status, not rules.

The swaps of working days (调休) of a year are announced in the November before. Until then a day of
that year has a provisional answer, and says so.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from libs.geo import data

CITY_ZONE = ZoneInfo("Asia/Shanghai")
"""Where people read times; everything stored is UTC."""

SATURDAY = 5


class DayKind(StrEnum):
    """What a day is to people who work."""

    WORKDAY = "WORKDAY"
    WEEKEND = "WEEKEND"
    DAY_OFF = "DAY_OFF"
    MAKE_UP_WORKDAY = "MAKE_UP_WORKDAY"


class Status(StrEnum):
    """How much an answer can be relied on."""

    OFFICIAL = "OFFICIAL"
    PROVISIONAL = "PROVISIONAL"
    """Statutory days are known, the swaps are not; or a term is assumed from the pattern."""
    UNKNOWN = "UNKNOWN"
    """Nothing but the day of the week is known."""


class Half(StrEnum):
    """The halves in which coordinators think."""

    MORNING = "MORNING"
    AFTERNOON = "AFTERNOON"


HALF_HOURS: Mapping[Half, tuple[time, time]] = {
    Half.MORNING: (time(8, 0), time(12, 0)),
    Half.AFTERNOON: (time(14, 0), time(18, 0)),
}
"""Local times, `[start, end)`; the lunch break between them is kept free."""


class Stage(StrEnum):
    """The two kinds of school whose terms end on different days."""

    COMPULSORY = "COMPULSORY"
    SENIOR = "SENIOR"
    """Senior high and vocational schools."""


@dataclass(frozen=True, slots=True)
class Day:
    """One day: its kind, the holiday it belongs to ('' if none), and how sure that is."""

    day: date
    kind: DayKind
    name: str
    status: Status

    @property
    def works(self) -> bool:
        """Whether offices and schools that are in term are open."""
        return self.kind in {DayKind.WORKDAY, DayKind.MAKE_UP_WORKDAY}


@dataclass(frozen=True, slots=True)
class Term:
    """One school term, `[start, end)`."""

    name: str
    start: date
    end: date
    stage: Stage
    status: Status


@dataclass(frozen=True, slots=True)
class Exam:
    """Days on which schools of some stages examine and receive nobody, `[start, end)`."""

    name: str
    name_en: str
    start: date
    end: date
    stages: frozenset[Stage]
    status: Status


@dataclass(frozen=True, slots=True)
class Period:
    """Instants `[start, end)`, aware UTC."""

    start: datetime
    end: datetime


class Calendar:
    """Answers by day from the years and terms it was given; a year it lacks is UNKNOWN."""

    def __init__(
        self, *, years: Mapping[int, "Year"], terms: Sequence[Term], exams: Sequence[Exam] = ()
    ) -> None:
        self._years = years
        self.terms = tuple(terms)
        self.exams = tuple(exams)

    def day(self, day: date) -> Day:
        """What `day` is. A working Saturday or Sunday is a MAKE_UP_WORKDAY."""
        year = self._years.get(day.year)
        status = Status.UNKNOWN if year is None else year.status
        if year is not None and day in year.days_off:
            return Day(day, DayKind.DAY_OFF, year.days_off[day], status)
        if year is not None and day in year.make_up_workdays:
            return Day(day, DayKind.MAKE_UP_WORKDAY, year.make_up_workdays[day], status)
        kind = DayKind.WEEKEND if day.weekday() >= SATURDAY else DayKind.WORKDAY
        return Day(day, kind, "", status)

    def term(self, day: date, *, stage: Stage = Stage.COMPULSORY) -> Term | None:
        """The term that `day` lies in; None in the holidays, and where no term is known."""
        for term in self.terms:
            if term.stage is stage and term.start <= day < term.end:
                return term
        return None

    def exam(self, day: date, *, stage: Stage = Stage.COMPULSORY) -> Exam | None:
        """What schools of `stage` are examined in on `day`; None on days without, and where nothing is known."""
        for exam in self.exams:
            if stage in exam.stages and exam.start <= day < exam.end:
                return exam
        return None

    def school_day(self, day: date, *, stage: Stage = Stage.COMPULSORY) -> bool:
        """Whether schools of `stage` are open: a working day of a term."""
        return self.day(day).works and self.term(day, stage=stage) is not None

    def days(self, start: date, end: date) -> Iterator[Day]:
        """The days of `[start, end)`."""
        for offset in range((end - start).days):
            yield self.day(start + timedelta(days=offset))


@dataclass(frozen=True, slots=True)
class Year:
    """The days of one year that are not what their weekday says, by day: the holiday's name."""

    status: Status
    days_off: Mapping[date, str]
    make_up_workdays: Mapping[date, str]


def half_day(day: date, half: Half) -> Period:
    """The instants of one half of `day` in the city."""
    start, end = HALF_HOURS[half]
    return Period(instant(day, start), instant(day, end))


def instant(day: date, at: time) -> datetime:
    """The UTC instant of a wall-clock time in the city."""
    return datetime.combine(day, at, tzinfo=CITY_ZONE).astimezone(UTC)


def local_day(at: datetime) -> date:
    """The day in the city on which the instant `at` falls."""
    return at.astimezone(CITY_ZONE).date()


@cache
def chongqing() -> Calendar:
    """The packaged calendar: State Council days off, Chongqing's school terms."""
    document = data.document("china_days_2026_2027.json")
    years = {int(key): _year(entry) for key, entry in document.items() if key.isdigit()}
    terms = [
        term
        for name, entry in document["school_terms_chongqing"].items()
        if isinstance(entry, dict)
        for term in _terms(name, entry)
    ]
    exams = [_exam(entry) for entry in document["exams_chongqing"]["exams"]]
    return Calendar(
        years=years,
        terms=sorted(terms, key=lambda term: (term.start, term.stage)),
        exams=sorted(exams, key=lambda exam: exam.start),
    )


def _year(entry: Mapping[str, Any]) -> Year:
    return Year(
        status=Status.OFFICIAL if entry["status"] == "official" else Status.PROVISIONAL,
        days_off=_named(entry["days_off"]),
        make_up_workdays=_named(entry["make_up_workdays"]),
    )


def _named(days: Mapping[str, str]) -> Mapping[date, str]:
    return {date.fromisoformat(day): name for day, name in days.items()}


def _exam(entry: Mapping[str, Any]) -> Exam:
    first, last = (date.fromisoformat(day) for day in entry["days"])
    return Exam(
        name=entry["name"],
        name_en=entry["name_en"],
        start=first,
        end=last + timedelta(days=1),
        stages=frozenset(Stage(stage) for stage in entry["stages"]),
        status=Status.OFFICIAL if entry["status"] == "official" else Status.PROVISIONAL,
    )


_TERM_KEYS: Mapping[str, tuple[str, Sequence[Stage]]] = {
    "autumn_term": ("autumn", tuple(Stage)),
    "autumn_term_assumed": ("autumn", tuple(Stage)),
    "spring_term_compulsory": ("spring", (Stage.COMPULSORY,)),
    "spring_term_senior_high_and_vocational": ("spring", (Stage.SENIOR,)),
    "spring_term_assumed": ("spring", tuple(Stage)),
}


def _terms(school_year: str, entry: Mapping[str, Any]) -> Iterator[Term]:
    for key, (season, stages) in _TERM_KEYS.items():
        if key not in entry:
            continue
        first, last = (date.fromisoformat(day) for day in entry[key])
        for stage in stages:
            yield Term(
                name=f"{school_year} {season}",
                start=first,
                # The file gives the last day of school; our periods are half-open.
                end=last + timedelta(days=1),
                stage=stage,
                status=Status.PROVISIONAL if key.endswith("assumed") else Status.OFFICIAL,
            )
