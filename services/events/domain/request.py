"""A venue's ask: its life, and what is to be said about it before it is filed."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from libs.errors import FieldViolation, InvalidInput, NotFound, WrongState
from libs.geo.calendar import Calendar, Stage
from libs.geo.topics import topics
from services.events.domain.place import Group, Rules, Venue

LOCAL = ZoneInfo("Asia/Shanghai")
WEIGHT_DEFAULT = 10
SEATS_MAX = 12
SCHOOL_YEAR_MONTH = 9


class Role(StrEnum):
    """How a person serves."""

    ACADEMICIAN = "ACADEMICIAN"
    LECTURER = "LECTURER"
    VOLUNTEER = "VOLUNTEER"


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
    """In the room or not."""

    ON_SITE = "ON_SITE"
    REMOTE = "REMOTE"
    EITHER = "EITHER"


class State(StrEnum):
    """Where a request stands."""

    DRAFT = "DRAFT"
    SUBMITTED = "SUBMITTED"
    ENDORSED = "ENDORSED"
    IN_ROUND = "IN_ROUND"
    SCHEDULED = "SCHEDULED"
    UNSERVED = "UNSERVED"
    WITHDRAWN = "WITHDRAWN"
    CANCELLED = "CANCELLED"


class Severity(StrEnum):
    """How bad a finding is."""

    REFUSED = "REFUSED"
    WARNING = "WARNING"


WAITING = frozenset({State.ENDORSED, State.UNSERVED})
"""What the next round takes in."""
EDITABLE = frozenset({State.DRAFT, State.SUBMITTED, State.ENDORSED, State.UNSERVED})

ENDED = frozenset({State.WITHDRAWN, State.CANCELLED})
"""Nobody waits for an event any more; no round brings such a request back."""

_NOT_WRITTEN = (
    *(
        "series",
        "series_spacing_days",
        "series_continuity",
        "series_place",
        "state",
        "node",
        "district",
    ),
    *("node_path", "ready_time", "reason", "round", "event", "times_unserved"),
    *("version", "create_time", "update_time"),
)


class RequestNotFound(NotFound):
    """No request of this name, or not for this caller."""


class RequestNotFileable(InvalidInput):
    """What was asked for cannot be filed so; every problem has its path."""


class RequestInRound(WrongState):
    """The request is frozen into a round: what changes now waits until the round is over."""


class RequestNotInState(WrongState):
    """The request's state forbids this."""


class ChangeNotNeeded(WrongState):
    """The request can still be edited: change it, nobody has to agree."""


class ChangeNotAsked(WrongState):
    """No change of the request waits for an answer."""


class ChangeRefusalUnexplained(InvalidInput):
    """A change is refused without telling the venue why."""


@dataclass(frozen=True, slots=True)
class Period:
    """Instants `[start_time, end_time)`, aware UTC."""

    start_time: datetime
    end_time: datetime


@dataclass(frozen=True, slots=True)
class Seat:
    """Equal places in a team; no roles: any; `count` 0 means 1."""

    roles: tuple[Role, ...] = ()
    topic: str = ""
    proficiency: int = 0
    optional: bool = False
    count: int = 1


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that would be refused, or that lowers the chance; in both languages."""

    severity: Severity
    field: str
    code: str
    message: str
    message_en: str


@dataclass(frozen=True, slots=True)
class Request:
    """A venue's ask, without its host: that is personal data and kept elsewhere."""

    name: str
    venue: str
    title: str
    group: Group | None
    level: Level | None
    audience_size: int
    form: Form | None
    topic: str
    duration_min: int
    windows: tuple[Period, ...]
    seats: tuple[Seat, ...]
    talk: str = ""
    named_expert: str = ""
    named_only: bool = False
    mode: Mode | None = None
    weight: int = 0
    emergency_level: int = 0
    by_proxy: bool = False
    programme: str = ""
    standbys: int = 0
    series: str = ""
    series_spacing_days: int = 0
    series_continuity: int = 0
    series_place: int = 0
    state: State | None = State.DRAFT
    node: str = ""
    district: str = ""
    node_path: tuple[str, ...] = ()
    ready_time: datetime | None = None
    reason: str = ""
    round: str = ""
    event: str = ""
    times_unserved: int = 0
    version: int = 1
    create_time: datetime | None = None
    update_time: datetime | None = None

    def written_over(self, before: "Request | None") -> "Request":
        """What a caller wrote, with everything that is not theirs to write taken from `before`; fresh without one."""
        fields = {field.name: field.default for field in dataclasses.fields(self)}
        kept: dict[str, Any] = {
            name: getattr(before, name) if before else fields[name] for name in _NOT_WRITTEN
        }
        return dataclasses.replace(self, **kept)

    def _moved(self, state: State, *, at: datetime, **others: object) -> "Request":
        values = {"state": state, "version": self.version + 1, "update_time": at, **others}
        return dataclasses.replace(self, **values)  # type: ignore[arg-type]  # names are fields

    def _require(self, *states: State, verb: str) -> None:
        if self.state is State.IN_ROUND:
            raise RequestInRound("it is in a round", request=self.name, round=self.round)
        if self.state not in states:
            raise RequestNotInState(
                f"a request that is {self.state} cannot be {verb}",
                request=self.name,
                state=str(self.state),
            )

    def submitted(self, *, rules: Rules, at: datetime) -> "Request":
        """DRAFT becomes SUBMITTED, or ENDORSED where the node does that by itself; itself when it was before."""
        if self.state in (State.SUBMITTED, State.ENDORSED):
            return self
        self._require(State.DRAFT, verb="submitted")
        state = State.ENDORSED if rules.endorse_automatically else State.SUBMITTED
        ready = at if self.emergency_level else ready_time(at, lead_days=rules.lead_days)
        return self._moved(state, at=at, ready_time=ready, reason="")

    def endorsed(self, *, weight: int, at: datetime) -> "Request":
        """SUBMITTED becomes ENDORSED, with a new weight where one is given; itself when it was before."""
        if self.state is State.ENDORSED and weight in (0, self.weight):
            return self
        self._require(State.SUBMITTED, State.ENDORSED, verb="endorsed")
        return self._moved(State.ENDORSED, at=at, weight=weight or self.weight)

    def returned(self, *, reason: str, at: datetime) -> "Request":
        """SUBMITTED becomes DRAFT again, with what to mend; itself when that was said before."""
        if self.state is State.DRAFT and self.reason == reason:
            return self
        self._require(State.SUBMITTED, verb="returned")
        return self._moved(State.DRAFT, at=at, reason=reason)

    def withdrawn(self, *, reason: str, at: datetime) -> "Request":
        """Taken back before it is scheduled; itself when it was before."""
        if self.state is State.WITHDRAWN:
            return self
        self._require(*EDITABLE, verb="withdrawn")
        return self._moved(State.WITHDRAWN, at=at, reason=reason)

    def edited(self, after: "Request", *, at: datetime) -> "Request":
        """`after`, what the caller wrote, in the place of this; its state and history stay."""
        self._require(*EDITABLE, verb="changed")
        return dataclasses.replace(after, version=self.version + 1, update_time=at)

    def require_changeable(self) -> None:
        """Let a change be asked for: the request is in a round, or has an event.

        Raises:
            ChangeNotNeeded: it can be edited.
            RequestNotInState: it has ended.
        """
        if self.state in EDITABLE:
            raise ChangeNotNeeded("edit it: it is not in a round", request=self.name)
        if self.state not in (State.IN_ROUND, State.SCHEDULED):
            raise RequestNotInState(
                f"a request that is {self.state} cannot be changed",
                request=self.name,
                state=str(self.state),
            )

    def changed(self, change: "Change", *, at: datetime) -> "Request":
        """With the fields of `change` as it wants them; what had an event waits for the next round."""
        values = {name: getattr(change.wanted, name) for name in change.fields}
        if self.state is State.SCHEDULED:
            values |= {"state": State.ENDORSED, "event": ""}
        return dataclasses.replace(self, **values, version=self.version + 1, update_time=at)

    def frozen(self, *, round: str, at: datetime) -> "Request":
        """Taken into a round; itself when it is there, or no longer waits."""
        if self.state not in WAITING:
            return self
        return self._moved(State.IN_ROUND, at=at, round=round)

    def released(self, *, round: str, at: datetime) -> "Request":
        """Back from an abandoned round; itself when it is not in it."""
        if self.state is not State.IN_ROUND or self.round != round:
            return self
        state = State.UNSERVED if self.times_unserved else State.ENDORSED
        return self._moved(state, at=at)

    def scheduled(self, *, event: str, round: str, at: datetime) -> "Request":
        """Has an event; itself when it has this one already."""
        if self.state is State.SCHEDULED and self.event == event and self.round == round:
            return self
        return self._moved(State.SCHEDULED, at=at, event=event, round=round, reason="")

    def unserved(self, *, round: str, reason: str, at: datetime) -> "Request":
        """Not served by `round`: keeps the reason, and waits for the next."""
        if self.state is State.UNSERVED and self.round == round and self.reason == reason:
            return self
        counted = self.state is State.UNSERVED and self.round == round  # another reason, same round
        return self._moved(
            State.UNSERVED,
            at=at,
            round=round,
            event="",
            reason=reason,
            times_unserved=self.times_unserved + (not counted),
        )

    def cancelled(self, *, reason: str, at: datetime) -> "Request":
        """Has lost its event for good; itself when it was before."""
        if self.state is State.CANCELLED:
            return self
        return self._moved(State.CANCELLED, at=at, reason=reason)


@dataclass(frozen=True, slots=True)
class Change:
    """What a venue wants changed of a request that cannot be edited any more: `fields` of it as `wanted` has them."""

    request: str
    fields: tuple[str, ...]
    wanted: Request
    reason: str
    time: datetime


def ready_time(at: datetime, *, lead_days: int) -> datetime:
    """The earliest start that leaves `lead_days` whole local days after the day of `at`; `at` itself for none."""
    if not lead_days:
        return at
    day = at.astimezone(LOCAL).date() + timedelta(days=lead_days)
    return datetime.combine(day, time(), tzinfo=LOCAL).astimezone(at.tzinfo)


def school_year(day: date) -> tuple[date, date]:
    """The school year of `day`, `[1 September, next 1 September)`."""
    first = day.year if day.month >= SCHOOL_YEAR_MONTH else day.year - 1
    return date(first, SCHOOL_YEAR_MONTH, 1), date(first + 1, SCHOOL_YEAR_MONTH, 1)


def findings(
    request: Request,
    *,
    venue: Venue | None,
    rules: Rules,
    visits_left: int | None,
    calendar: Calendar,
    is_school: bool,
    at: datetime,
) -> Sequence[Finding]:
    """What is to be said about `request` if it were filed at `at`; worst first. `visits_left` None: no rule."""
    found: list[Finding] = []

    def say(severity: Severity, field: str, code: str, zh: str, en: str) -> None:
        found.append(Finding(severity, field, code, zh, en))

    if venue is None:
        say(Severity.REFUSED, "venue", "VENUE_UNKNOWN", "没有这个场地。", "There is no such venue.")
    elif request.audience_size > venue.capacity:
        say(
            Severity.WARNING,
            "audience_size",
            "VENUE_TOO_SMALL",
            f"场地只能容纳 {venue.capacity} 人。",
            f"The venue holds only {venue.capacity} people.",
        )
    _topics(request, say)
    _seats(request, say)
    _windows(request, rules, say, at=at)
    if visits_left == 0:
        say(
            Severity.WARNING,
            "venue",
            "ANNUAL_CAP_USED",
            "本学年的次数已用完，只有情况变化时才会安排。",
            "The visits of this school year are used up; it will be served only if that changes.",
        )
    if is_school:
        _school_days(request, calendar, say)
    return sorted(found, key=lambda finding: finding.severity is Severity.WARNING)


Say = Callable[[Severity, str, str, str, str], None]


def _topics(request: Request, say: Say) -> None:
    named = [("topic", request.topic)]
    named += [(f"seats[{index}].topic", seat.topic) for index, seat in enumerate(request.seats)]
    for field, topic in named:
        if topic and topic not in topics():
            say(
                Severity.REFUSED,
                field,
                "TOPIC_UNKNOWN",
                f"没有主题“{topic}”，请从词表里选。",
                f"There is no topic {topic!r}: choose one of the vocabulary.",
            )
    if not request.topic:
        say(Severity.REFUSED, "topic", "TOPIC_MISSING", "请选一个主题。", "Choose a topic.")


def _seats(request: Request, say: Say) -> None:
    if not request.seats:
        say(
            Severity.REFUSED,
            "seats",
            "SEATS_MISSING",
            "请至少写一个席位。",
            "Ask for one seat at least.",
        )
    for index, seat in enumerate(request.seats):
        if seat.topic in topics() and seat.topic != request.topic:
            say(
                Severity.REFUSED,
                f"seats[{index}].topic",
                "SEAT_TOPIC",
                "席位的主题只能与需求的主题相同，或不写。",
                "A seat's topic is the request's, or empty.",
            )
    total = sum(max(1, seat.count) for seat in request.seats)
    if total > SEATS_MAX:
        say(
            Severity.REFUSED,
            "seats",
            "TEAM_TOO_LARGE",
            f"团队最多 {SEATS_MAX} 人，现在是 {total} 人。",
            f"A team has at most {SEATS_MAX} people; this is {total}.",
        )
    if request.seats and request.seats[0].optional:
        say(
            Severity.REFUSED,
            "seats[0].optional",
            "LEAD_OPTIONAL",
            "第一个席位是主讲，不能是可选的。",
            "The first seat leads the team and cannot be optional.",
        )
    if request.named_only and not request.named_expert:
        say(
            Severity.REFUSED,
            "named_expert",
            "NAMED_EXPERT_MISSING",
            "选择了只要指定专家，请写明是哪一位。",
            "Only a named expert will do: say which.",
        )


def _windows(request: Request, rules: Rules, say: Say, *, at: datetime) -> None:
    ready = at if request.emergency_level else ready_time(at, lead_days=rules.lead_days)
    duration = timedelta(minutes=request.duration_min)
    too_early = []
    for index, window in enumerate(request.windows):
        field = f"windows[{index}]"
        if window.end_time - window.start_time < duration:
            say(
                Severity.REFUSED,
                field,
                "WINDOW_TOO_SHORT",
                f"时段比活动时长（{request.duration_min} 分钟）短。",
                f"The window is shorter than the event ({request.duration_min} minutes).",
            )
        elif window.end_time <= at:
            say(Severity.REFUSED, field, "WINDOW_PAST", "时段已经过去。", "The window is past.")
        elif window.end_time - duration < ready:
            too_early.append(field)
        for other in range(index):
            before = request.windows[other]
            if window.start_time < before.end_time and before.start_time < window.end_time:
                say(
                    Severity.REFUSED,
                    field,
                    "WINDOWS_OVERLAP",
                    f"与第 {other + 1} 个时段重叠，请合并。",
                    f"It overlaps windows[{other}]: make them one.",
                )
    if not request.windows:
        say(
            Severity.REFUSED,
            "windows",
            "WINDOWS_MISSING",
            "请至少给一个时段。",
            "Give one window at least.",
        )
    first = ready.astimezone(LOCAL).date().isoformat()
    hopeless = len(too_early) == len(request.windows)
    for field in too_early:
        say(
            Severity.REFUSED if hopeless else Severity.WARNING,
            field,
            "LEAD_TIME",
            f"审批需要 {rules.lead_days} 天，最早可以从 {first} 开始。",
            f"Approval takes {rules.lead_days} days: the earliest day is {first}.",
        )


def _school_days(request: Request, calendar: Calendar, say: Say) -> None:
    stage = Stage.SENIOR if request.level is Level.SENIOR else Stage.COMPULSORY
    for index, window in enumerate(request.windows):
        day = window.start_time.astimezone(LOCAL).date()
        if not calendar.school_day(day):
            name = calendar.day(day).name or "非教学日"
            say(
                Severity.WARNING,
                f"windows[{index}]",
                "NO_SCHOOL_DAY",
                f"{day.isoformat()} 不是上课日（{name}）。",
                f"{day.isoformat()} is not a school day.",
            )
        elif (exam := calendar.exam(day, stage=stage)) is not None:
            say(
                Severity.WARNING,
                f"windows[{index}]",
                "EXAM_DAY",
                f"{day.isoformat()} 有{exam.name}，建议避开。",
                f"{day.isoformat()} falls into the {exam.name_en}: better not.",
            )


def require_fileable(found: Sequence[Finding], *, path: str = "request") -> None:
    """Refuse what has a finding that is more than a warning. `path`: where the request stands.

    Raises:
        RequestNotFileable: with the path and the sentence of each.
    """
    refused = [finding for finding in found if finding.severity is Severity.REFUSED]
    if refused:
        raise RequestNotFileable(
            "the request cannot be filed so",
            violations=[
                FieldViolation(f"{path}.{finding.field}", f"{finding.message_en} {finding.message}")
                for finding in refused
            ],
        )
