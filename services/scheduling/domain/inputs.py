"""What scheduling knows of the world: experts, pools, nodes, venues and requests, as their services announce them.

Fields are named as in the facts, so that `libs.rpc.mapping` translates; what matching does not need is left out.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

LOCAL = ZoneInfo("Asia/Shanghai")


class Role(StrEnum):
    """How a person serves."""

    ACADEMICIAN = "ACADEMICIAN"
    LECTURER = "LECTURER"
    VOLUNTEER = "VOLUNTEER"


class Group(StrEnum):
    """Who listens."""

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


class Mode(StrEnum):
    """Whether the expert must be in the room."""

    ON_SITE = "ON_SITE"
    REMOTE = "REMOTE"
    EITHER = "EITHER"


class ReviewKind(StrEnum):
    """The two reviews of a talk."""

    POLITICAL = "POLITICAL"
    SCIENTIFIC = "SCIENTIFIC"


class ExpertState(StrEnum):
    """Whether an expert may be matched."""

    ACTIVE = "ACTIVE"
    WITHDRAWN = "WITHDRAWN"


class NodeKind(StrEnum):
    """What a node is."""

    CITY = "CITY"
    DISTRICT = "DISTRICT"
    FUNCTIONAL_ZONE = "FUNCTIONAL_ZONE"
    SOCIETY = "SOCIETY"
    INSTITUTION = "INSTITUTION"
    TOWN = "TOWN"
    VILLAGE = "VILLAGE"
    COMMUNITY = "COMMUNITY"
    SCHOOL = "SCHOOL"
    ENTERPRISE = "ENTERPRISE"
    PARTY_SCHOOL = "PARTY_SCHOOL"
    BASE = "BASE"


class RequestState(StrEnum):
    """Where a request stands."""

    DRAFT = "DRAFT"
    SUBMITTED = "SUBMITTED"
    ENDORSED = "ENDORSED"
    IN_ROUND = "IN_ROUND"
    SCHEDULED = "SCHEDULED"
    UNSERVED = "UNSERVED"
    WITHDRAWN = "WITHDRAWN"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class Point:
    """WGS-84, degrees."""

    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Period:
    """Half-open, UTC."""

    start_time: datetime
    end_time: datetime


@dataclass(frozen=True, slots=True)
class DatePeriod:
    """Half-open local days; no `end_date`: for ever."""

    start_date: date
    end_date: date | None = None

    def covers(self, day: date) -> bool:
        """Whether `day` lies in it."""
        return self.start_date <= day and (self.end_date is None or day < self.end_date)


@dataclass(frozen=True, slots=True)
class Skill:
    """A topic and a proficiency 1..3."""

    topic: str
    proficiency: int


@dataclass(frozen=True, slots=True)
class Limits:
    """What an expert allows; minutes are of the local day."""

    per_day: int
    per_week: int
    per_round: int
    travel_min_per_day: int
    nights_away: int
    rest_days_per_week: int
    earliest_min: int
    latest_min: int


@dataclass(frozen=True, slots=True)
class Membership:
    """A term in a pool."""

    pool: str
    term: DatePeriod


@dataclass(frozen=True, slots=True)
class Review:
    """What one reviewer found; it holds on days before `expire_date`."""

    kind: ReviewKind
    reviewer: str
    passed: bool
    audiences: tuple[Group, ...]
    expire_date: date


@dataclass(frozen=True, slots=True)
class TalkVersion:
    """A version and its reviews; the last of a kind counts."""

    number: int
    reviews: tuple[Review, ...] = ()


@dataclass(frozen=True, slots=True)
class Talk:
    """One title of an expert's catalogue."""

    name: str
    title: str
    topic: str
    duration_min: int
    audiences: tuple[Group, ...] = ()
    versions: tuple[TalkVersion, ...] = ()

    def approved_version(self, group: Group, *, on: date) -> int:
        """Number of the newest version that both reviews, by two people, passed for `group` on that day; 0: none."""
        if group not in self.audiences:
            return 0
        for version in reversed(self.versions):
            until = approved_until(version, group)
            if until is not None and on < until:
                return version.number
        return 0


def approved_until(version: TalkVersion, group: Group) -> date | None:
    """The first day on which `version` may no longer be given to `group`; None when it may on no day."""
    counting = {review.kind: review for review in version.reviews}
    if set(counting) != set(ReviewKind) or len({one.reviewer for one in counting.values()}) < 2:
        return None
    if not all(one.passed and group in one.audiences for one in counting.values()):
        return None
    return min(one.expire_date for one in counting.values())


@dataclass(frozen=True, slots=True)
class Expert:
    """A person who serves, with talks and availability."""

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
    home_area: Point | None = None
    clearances: tuple[DatePeriod, ...] = ()
    cost_yuan: int = 0
    standby_per_day: int = 0
    state: ExpertState | None = None
    talks: tuple[Talk, ...] = ()
    availability: tuple[Period, ...] = ()

    def talk_for(self, *, topic: str, group: Group, on: date, wanted: str = "") -> Talk | None:
        """The approved talk they would give: `wanted` where it is theirs and approved, else the first on the topic."""
        able = [
            talk
            for talk in self.talks
            if talk.topic == topic and talk.approved_version(group, on=on)
        ]
        return next((talk for talk in able if talk.name == wanted), able[0] if able else None)


@dataclass(frozen=True, slots=True)
class Agreement:
    """Another node may use a pool for `quota` engagements in its term."""

    name: str
    node: str
    quota: int
    term: DatePeriod


@dataclass(frozen=True, slots=True)
class Pool:
    """A corps of a node; that node and all below it use it freely."""

    name: str
    display_name: str
    owner: str
    agreements: tuple[Agreement, ...] = ()


@dataclass(frozen=True, slots=True)
class NodePolicy:
    """Rules for a node's requests; None: the rule of the node above; 0: no rule."""

    annual_cap: int | None = None
    round_quota: int | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """An organisation; `path` is itself and everything above, nearest first."""

    name: str
    kind: NodeKind | None
    display_name: str
    path: tuple[str, ...] = ()
    mountain: bool = False
    policy: NodePolicy | None = None


@dataclass(frozen=True, slots=True)
class Venue:
    """Where people listen."""

    name: str
    display_name: str
    node: str
    point: Point
    last_mile_km: float = 0.0
    annual_cap: int | None = None
    visits_before: int = 0
    district: str = ""
    node_path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Seat:
    """`count` places of one kind in a team."""

    roles: tuple[Role, ...] = ()
    topic: str = ""
    proficiency: int = 0
    optional: bool = False
    count: int = 1


@dataclass(frozen=True, slots=True)
class Request:
    """What a venue asks."""

    name: str
    venue: str
    title: str
    group: Group
    level: Level
    form: Form
    topic: str
    duration_min: int
    windows: tuple[Period, ...]
    seats: tuple[Seat, ...]
    talk: str = ""
    named_expert: str = ""
    named_only: bool = False
    mode: Mode | None = None
    weight: int = 10
    emergency_level: int = 0
    series: str = ""
    programme: str = ""
    standbys: int = 0
    state: RequestState | None = None
    node: str = ""
    district: str = ""
    node_path: tuple[str, ...] = ()
    ready_time: datetime | None = None
    create_time: datetime | None = None
    round: str = ""
    times_unserved: int = 0
    series_spacing_days: int = 0
    series_continuity: int = 0
    series_place: int = 0

    def waits(self) -> bool:
        """Whether a round may take it."""
        return self.state in (RequestState.ENDORSED, RequestState.UNSERVED)
