"""What the demonstration consists of, as plain values that know nothing of the wire.

Keys are stable names such as `expert-0042`; with the seed they also make request ids, so that a load
can be repeated and resumed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from libs.geo.calendar import Period
from libs.geo.points import Point


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
    """The four forms of the notice."""

    LECTURE = "LECTURE"
    REPORT = "REPORT"
    CONSULTATION = "CONSULTATION"
    AGRICULTURAL_EXTENSION = "AGRICULTURAL_EXTENSION"


class Mode(StrEnum):
    """Whether people must be in the room."""

    ON_SITE = "ON_SITE"
    REMOTE = "REMOTE"
    EITHER = "EITHER"


class Level(StrEnum):
    """The language level of an audience."""

    PRIMARY = "PRIMARY"
    JUNIOR = "JUNIOR"
    SENIOR = "SENIOR"
    ADULT = "ADULT"


class NamedRule(StrEnum):
    """How much a named expert matters."""

    NONE = "NONE"
    PREFERRED = "PREFERRED"
    ONLY = "ONLY"


class ReviewKind(StrEnum):
    """The two independent reviews of a talk version."""

    POLITICAL = "POLITICAL"
    SCIENTIFIC = "SCIENTIFIC"


class Cause(StrEnum):
    """Why a request was made impossible on purpose."""

    NOBODY_WITH_TOPIC = "NOBODY_WITH_TOPIC"
    TOO_FAR = "TOO_FAR"
    DAY_OFF = "DAY_OFF"
    NAMED_EXPERT_AWAY = "NAMED_EXPERT_AWAY"
    VENUE_CAP_USED = "VENUE_CAP_USED"
    SEAT_UNFILLABLE = "SEAT_UNFILLABLE"
    TALK_NOT_REVIEWED = "TALK_NOT_REVIEWED"


@dataclass(frozen=True, slots=True)
class Node:
    """An organisation, valid during `[valid_from, valid_until)`; `hosts` are free links."""

    key: str
    kind: str
    name_zh: str
    name_en: str
    parent: str | None
    valid_from: date
    valid_until: date | None
    adcode: str = ""
    population: int | None = None
    point: Point | None = None
    mountain: bool = False
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Venue:
    """A place of a node.

    `annual_cap`: visits in a school year, None without a rule; `visits_used` of them are gone.
    `last_mile_km`: straight line from the road's end to the door.
    """

    key: str
    node: str
    district: str
    name: str
    group: Group
    point: Point
    last_mile_km: float
    capacity: int
    facilities: tuple[str, ...]
    access_notes: str
    annual_cap: int | None = None
    visits_used: int = 0


@dataclass(frozen=True, slots=True)
class Pool:
    """A corps that owns experts; `owner` is a node."""

    key: str
    owner: str
    name: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """`node`, and all below it, may use `pool` for `quota` engagements in `[valid_from, valid_until)`."""

    key: str
    pool: str
    node: str
    quota: int
    valid_from: date
    valid_until: date


@dataclass(frozen=True, slots=True)
class Membership:
    """A term in a pool, `[start, end)`."""

    pool: str
    start: date
    end: date


@dataclass(frozen=True, slots=True)
class Limits:
    """What a person sets for themselves; hours are local, `[earliest_hour, latest_hour)`."""

    per_day: int
    per_week: int
    per_round: int
    travel_min_per_day: int
    nights_away: int
    rest_days_per_week: int
    earliest_hour: int
    latest_hour: int


@dataclass(frozen=True, slots=True)
class Review:
    """One reviewer's yes to a talk version, for some audiences, before `expires`."""

    kind: ReviewKind
    reviewer: str
    audiences: tuple[Group, ...]
    expires: date


@dataclass(frozen=True, slots=True)
class TalkVersion:
    """A version of a talk and the reviews it has; it may be used once it has both."""

    number: int
    abstract: str
    reviews: tuple[Review, ...]

    def approved(self, *, group: Group, on: date) -> bool:
        """Whether both reviews, by two people, cover `group` on that day."""
        standing = [r for r in self.reviews if group in r.audiences and on < r.expires]
        kinds = {review.kind for review in standing}
        return kinds == set(ReviewKind) and len({review.reviewer for review in standing}) > 1


@dataclass(frozen=True, slots=True)
class Talk:
    """One title in an expert's catalogue."""

    key: str
    topic: str
    title: str
    form: Form
    duration_min: int
    audiences: tuple[Group, ...]
    levels: tuple[Level, ...]
    versions: tuple[TalkVersion, ...]


@dataclass(frozen=True, slots=True)
class Clearance:
    """A check for work with minors, good during `[valid_from, valid_until)`."""

    valid_from: date
    valid_until: date


@dataclass(frozen=True, slots=True)
class Expert:
    """A synthetic person. `proficiency` is by topic, 1 to 3; `free` is door to door, by start."""

    key: str
    name: str
    role: Role
    local_head: bool
    home: Point
    home_town: str
    home_district: str
    mountain: bool
    proficiency: tuple[tuple[str, int], ...]
    audiences: tuple[Group, ...]
    forms: tuple[Form, ...]
    levels: tuple[Level, ...]
    limits: Limits
    clearance: Clearance | None
    memberships: tuple[Membership, ...]
    talks: tuple[Talk, ...]
    free: tuple[Period, ...]
    birth_year: int

    def knows(self, topic: str) -> int:
        """Proficiency in `topic`, 0 for none."""
        return dict(self.proficiency).get(topic, 0)


@dataclass(frozen=True, slots=True)
class Seat:
    """`count` equal places in a team; `topic` is '' where any will do."""

    role: Role
    topic: str
    proficiency: int
    required: bool
    count: int = 1


@dataclass(frozen=True, slots=True)
class Request:
    """A venue's ask. `impossible` is set where it was made so on purpose."""

    key: str
    venue: str
    node: str
    district: str
    group: Group
    level: Level
    audience_size: int
    form: Form
    topic: str
    talk: str
    title: str
    duration_min: int
    windows: tuple[Period, ...]
    seats: tuple[Seat, ...]
    named: str
    named_rule: NamedRule
    mode: Mode
    weight: int
    lead_days: int
    emergency: bool = False
    series: str = ""
    tour: str = ""
    notes: str = ""
    impossible: Cause | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """A weekly course and its dated requests, in order."""

    key: str
    venue: str
    title: str
    every_days: int
    requests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tour:
    """Several experts, several days, many schools, with nights away."""

    key: str
    title: str
    days: tuple[date, ...]
    experts: tuple[str, ...]
    places: tuple[str, ...]
    requests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Demo:
    """The whole demonstration; the same for the same `(as_of, seed, size)`."""

    as_of: date
    seed: int
    size: int
    start: date
    end: date
    nodes: Sequence[Node]
    venues: Sequence[Venue]
    pools: Sequence[Pool]
    agreements: Sequence[Agreement]
    experts: Sequence[Expert]
    requests: Sequence[Request]
    series: Sequence[Series]
    tour: Tour
    reviewers: Sequence[str]
    filed_at: datetime
