"""What browsers send and get, typed: the OpenAPI document is made of these.

Names are the protos' own, so that one word means one thing everywhere. What comes in (`Sent`) refuses unknown fields; what
goes out (`Shown`) shows the fields named here and no others. An enum is its short name, `""` where nothing was said;
instants are RFC 3339 in UTC, days are local (`2026-11-24`).
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Group = Literal["YOUTH", "FARMERS", "WORKERS", "ELDERLY", "OFFICIALS"]
Form = Literal["LECTURE", "REPORT", "CONSULTATION", "AGRICULTURAL_EXTENSION"]
Level = Literal["PRIMARY", "JUNIOR", "SENIOR", "ADULT"]
Mode = Literal["ON_SITE", "REMOTE", "EITHER"]
Role = Literal["ACADEMICIAN", "LECTURER", "VOLUNTEER"]
Stage = Literal["EMERGENCY", "FLOOR", "NEED", "PROMISES", "TRAVEL", "PREFERENCE", "LOAD", "STANDBY"]
RoundState = Literal[
    "OPEN", "FROZEN", "SOLVING", "PROPOSED", "OFFERED", "PUBLISHED", "CLOSED", "ABANDONED"
]
RequestState = Literal[
    "DRAFT",
    "SUBMITTED",
    "ENDORSED",
    "IN_ROUND",
    "SCHEDULED",
    "UNSERVED",
    "WITHDRAWN",
    "CANCELLED",
]
RunState = Literal["QUEUED", "WORKING", "DONE", "FAILED"]
EventState = Literal["PUBLISHED", "DELIVERED", "CANCELLED"]
AssignmentState = Literal[
    "PROPOSED",
    "OFFERED",
    "ACCEPTED",
    "DECLINED",
    "LAPSED",
    "CONFIRMED",
    "DELIVERED",
    "NO_SHOW",
    "CANCELLED",
    "REPLACED",
]
WhyNot = Literal[
    "NOBODY_ELIGIBLE",
    "NOT_FREE",
    "TOO_FAR",
    "LIMITS_USED_UP",
    "SEAT_MISSING",
    "DISPLACED",
    "RULED_OUT",
]
NothingSaid = Literal[""]

Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
"""The last part of a name."""
Day = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
Token = Annotated[str, StringConstraints(max_length=512)]
Etag = Annotated[str, StringConstraints(max_length=64)]


class Sent(BaseModel):
    """What a browser sends."""

    model_config = ConfigDict(extra="forbid")


class Shown(BaseModel):
    """What a browser gets."""

    model_config = ConfigDict(extra="ignore")


class Period(BaseModel):
    """`[start_time, end_time)`."""

    model_config = ConfigDict(extra="forbid")
    start_time: datetime
    end_time: datetime


class Point(BaseModel):
    """WGS-84, degrees."""

    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)


class DatePeriod(Sent):
    """Local days `[start_date, end_date)`; an empty end is none."""

    start_date: Day
    end_date: Day | NothingSaid


# --- sessions -------------------------------------------------------------------------------------------------------


class PersonShown(Shown):
    """Somebody to be while trying out."""

    id: str
    zh: str
    en: str
    roles: list[str]


class SessionShown(Shown):
    """Who is signed in, and what a write must show."""

    id: str
    zh: str
    en: str
    roles: list[str]
    nodes: list[str]
    expert: str
    csrf: str


# --- what does not change while a page is open ------------------------------------------------------------------------


class TopicShown(Shown):
    """A topic of the vocabulary."""

    id: str
    zh: str
    en: str
    groups: list[Group]


class DistrictShown(Shown):
    """A district in force today."""

    node: str
    adcode: str
    zh: str
    en: str
    seat: Point | None
    region: str


class ReferenceShown(Shown):
    """Words for choosing from, and who is to be thanked for the map."""

    topics: list[TopicShown]
    districts: list[DistrictShown]
    moved_towns: dict[str, str]
    """Towns whose code begins with that of a district they no longer lie in, with the code of the one they do lie in."""
    attribution: str
    attribution_en: str


class DayShown(Shown):
    """One day of the calendar; `term` is the school term it lies in, `exam` what schools are examined in; or empty."""

    day: Day
    kind: Literal["WORKDAY", "WEEKEND", "DAY_OFF", "MAKE_UP_WORKDAY"]
    name: str
    status: Literal["OFFICIAL", "PROVISIONAL", "UNKNOWN"]
    term: str
    exam: str
    exam_en: str


# --- rounds -----------------------------------------------------------------------------------------------------------


class Pin(Shown):
    """This expert in this seat, at this time where one is given."""

    request: str
    seat: int
    expert: str
    start_time: datetime | None


class Forbid(Shown):
    """This expert not for this request (any when empty), or not with another; or not on the days of `period`."""

    expert: str
    request: str
    other: str
    period: DatePeriod | None


class PolicyShown(Shown):
    """A named choice of numbers."""

    name: str
    version: int
    display_name: str
    display_name_en: str
    offers: bool
    signature: bool


class PoliciesShown(Shown):
    policies: list[PolicyShown]


class RoundShown(Shown):
    """One scheduling run over a horizon and a scope."""

    name: str
    title: str
    horizon: DatePeriod | None
    nodes: list[str]
    programmes: list[str]
    policy: str
    policy_version: int
    state: RoundState | NothingSaid
    inputs_hash: str
    requests_count: int
    experts_count: int
    pins: list[Pin]
    forbids: list[Forbid]
    plan: str
    signed_by: str
    signed_by_name: str
    assignments_count: int
    published_hash: str
    etag: str
    create_time: datetime | None
    freeze_time: datetime | None
    sign_time: datetime | None
    publish_time: datetime | None


class RoundAnswer(Shown):
    round: RoundShown


class RoundsShown(Shown):
    rounds: list[RoundShown]
    next_page_token: str


class NewRound(Sent):
    """A round to open."""

    round_id: Id | NothingSaid = ""
    title: str = Field(min_length=1, max_length=80)
    horizon: DatePeriod
    nodes: list[str] = Field(default=[], max_length=200)
    programmes: list[str] = Field(default=[], max_length=50)
    policy: str = Field(default="", max_length=80)


class FindingOfRound(Shown):
    """Something that somebody should mend."""

    code: str
    subject: str
    message: str
    message_en: str


class RoundFindings(Shown):
    requests_count: int
    experts_count: int
    findings: list[FindingOfRound]


class Progress(Shown):
    """What a run has reached; a gap is a fraction."""

    number: int
    elapsed_s: float
    stage: Stage | NothingSaid
    incumbent: int
    bound: int | None
    gap: float | None
    served: int
    phase: str


class RunShown(Shown):
    """One solve."""

    name: str
    seconds: int
    iterations: int
    seed: int
    state: RunState | NothingSaid
    attempts: int
    plan: str
    error: str
    progress: Progress | None
    create_time: datetime | None
    end_time: datetime | None
    stopping: bool


class RunAnswer(Shown):
    run: RunShown


class RunsShown(Shown):
    runs: list[RunShown]
    next_page_token: str


class RunStep(Shown):
    """One message of the progress stream; its SSE id is `progress.number`."""

    progress: Progress | None
    run: RunShown | None


class StageResult(Shown):
    stage: Stage | NothingSaid
    value: int
    bound: int | None
    gap: float | None
    status: str


class Baseline(Shown):
    """First come, first served on the same inputs."""

    served: int
    need: int
    floor: int


class PlanShown(Shown):
    """The result of solving a round's inputs."""

    name: str
    inputs_hash: str
    stages: list[StageResult]
    served: int
    unserved: int
    assignments: int
    baseline: Baseline | None
    certificate: str
    run: str
    create_time: datetime | None
    curve: list[Progress]


class PlanAnswer(Shown):
    plan: PlanShown


class PlansShown(Shown):
    plans: list[PlanShown]
    next_page_token: str


class PlannedMember(Shown):
    seat: int
    expert: str
    display_name: str
    role: Role | NothingSaid
    remote: bool
    travel_min: int
    night_after: bool


class PlannedEvent(Shown):
    """An event as a plan has it."""

    request: str
    venue: str
    title: str
    district: str
    group: Group | NothingSaid
    period: Period | None
    team: list[PlannedMember]
    point: Point | None
    venue_display_name: str
    weight: int
    topic: str


class PlannedEventsShown(Shown):
    events: list[PlannedEvent]
    next_page_token: str


class Repair(Shown):
    """A change that was verified to work."""

    code: str
    message: str
    message_en: str
    price: int
    period: Period | None
    seat: int
    """The one that changes, over all seats by their counts; -1 for none."""


class Unserved(Shown):
    """A request a plan does not serve, and why."""

    request: str
    title: str
    why_not: WhyNot | NothingSaid
    message: str
    message_en: str
    repair: Repair | None
    district: str
    group: Group | NothingSaid
    weight: int
    venue: str
    venue_display_name: str
    place: int


class UnservedShown(Shown):
    unserved: list[Unserved]
    next_page_token: str


class SupplySignal(Shown):
    """One more person of this kind, free on `weekday` (1 Monday to 7 Sunday) of every week.

    `worth` is an upper estimate of the need served more, `gain` what solving again with them gave.
    """

    role: Role
    topic: str
    district: str
    weekday: int
    worth: int
    gain: int | None
    requests: list[str]


class SupplyShown(Shown):
    """The verified ones first, by gain; `verified` is False while all of them are estimates."""

    signals: list[SupplySignal]
    verified: bool
    next_page_token: str


class SeatWhy(Shown):
    """Why somebody has a seat."""

    seat: int
    fit: int
    travel_min_added: int
    others: list[str]
    message: str
    message_en: str


class Explanation(Shown):
    unserved: Unserved | None
    planned: PlannedEvent | None
    seats: list[SeatWhy]
    displaced: list[Unserved]


class PinSent(Sent):
    request: str = Field(max_length=80)
    seat: int = Field(ge=0, le=143)
    expert: str = Field(max_length=80)
    start_time: datetime | None = None


class PinChange(Sent):
    pin: PinSent
    etag: Etag = ""


class ForbidSent(Sent):
    expert: str = Field(max_length=80)
    request: str = Field(default="", max_length=80)
    other: str = Field(default="", max_length=80)
    period: DatePeriod | None = None


class ForbidChange(Sent):
    forbid: ForbidSent
    etag: Etag = ""


class BrokenRule(Shown):
    """A rule that a move would break."""

    rule: str
    message: str
    message_en: str


class MovePrice(Shown):
    """What a move by hand would break, and new minus old for each stage.

    `feasible`: a near plan keeps the move and every rule; it serves `changed` otherwise, and `dropped` no more.
    """

    violations: list[str]
    broken: list[BrokenRule]
    differences: list[StageResult]
    feasible: bool
    changed: list[str]
    dropped: list[str]


class RepairAdopted(Sent):
    """The repair that was read, which the venue has agreed to."""

    request: str = Field(max_length=80)
    code: str = Field(min_length=1, max_length=40)
    etag: Etag = ""


class AdoptedShown(Shown):
    """The round with the plan in which the repair is done."""

    round: RoundShown
    plan: PlanShown


class PlanComparison(Shown):
    plans: list[PlanShown]
    only_first: list[str]
    only_second: list[str]
    changed: list[str]


class Verification(Shown):
    """What the referee says."""

    sound: bool
    violations: list[str]
    inputs_hash: str
    stages: list[StageResult]
    bounds_hold: bool | None


class Coverage(Shown):
    """How well a district × group is served, in weight."""

    district: str
    group: Group | NothingSaid
    target: int
    served: int
    carried: int
    debt: int


class CoverageShown(Shown):
    coverage: list[Coverage]
    next_page_token: str


class RunAsked(Sent):
    """A solve; 0 iterations: no such budget; 0 seconds: 60, or with iterations no such budget."""

    seconds: int = Field(default=0, ge=0, le=3600)
    iterations: int = Field(default=0, ge=0, le=1_000_000_000)
    seed: int = Field(default=0, ge=0, le=2**31 - 1)
    warm_plan: str = Field(default="", max_length=160)


class AsRead(Sent):
    """A step from the version that was read; a change of somebody else's in between is a conflict."""

    etag: Etag = ""


class OfferAsked(AsRead):
    respond_by_time: datetime


class SignAsked(Sent):
    plan: str = Field(max_length=160)


class RepairAsked(AsRead):
    lost: list[str] = Field(min_length=1, max_length=100)
    reason: str = Field(min_length=1, max_length=200)
    validate_only: bool = False


class AssignmentShown(Shown):
    """One expert in one seat of one event."""

    name: str
    round: str
    request: str
    event: str
    expert: str
    expert_display_name: str
    seat: int
    role: Role | NothingSaid
    venue: str
    period: Period | None
    remote: bool
    state: AssignmentState | NothingSaid
    respond_by_time: datetime | None
    reason: str
    district: str
    title: str
    etag: str


class AssignmentAnswer(Shown):
    assignment: AssignmentShown


class AssignmentsShown(Shown):
    assignments: list[AssignmentShown]
    next_page_token: str


class RoundRepair(Shown):
    """`least`: proven that no plan that serves as much changes fewer other requests; false: that is not known."""

    round: RoundShown
    changed: list[AssignmentShown]
    unserved: list[Unserved]
    least: bool


class Declined(Sent):
    reason: str = Field(default="", max_length=200)


# --- requests, venues, events -----------------------------------------------------------------------------------------


class Seat(Sent):
    """Equal places in a team; no roles: any."""

    roles: list[Role] = []
    topic: str = Field(default="", max_length=63)
    proficiency: int = Field(default=0, ge=0, le=3)
    optional: bool = False
    count: int = Field(default=1, ge=0, le=12)


class RequestFields(Sent):
    """What may be asked for, as far as it is written."""

    venue: str = Field(default="", max_length=80)
    title: str = Field(default="", max_length=120)
    group: Group | NothingSaid = ""
    level: Level | NothingSaid = ""
    audience_size: int = Field(default=0, ge=0, le=100_000)
    form: Form | NothingSaid = ""
    topic: str = Field(default="", max_length=63)
    talk: str = Field(default="", max_length=160)
    duration_min: int = Field(default=0, ge=0, le=480)
    windows: list[Period] = Field(default=[], max_length=40)
    seats: list[Seat] = Field(default=[], max_length=12)
    named_expert: str = Field(default="", max_length=80)
    named_only: bool = False
    mode: Mode | NothingSaid = ""
    weight: int = Field(default=0, ge=0, le=1000)
    emergency_level: int = Field(default=0, ge=0, le=4)
    notes: str = Field(default="", max_length=1000)
    host: str = Field(default="", max_length=40)
    host_phone: str = Field(default="", max_length=16)
    by_proxy: bool = False
    programme: str = Field(default="", max_length=80)
    standbys: int = Field(default=0, ge=0, le=3)


class RequestFiled(Sent):
    """A request to keep as a draft, or to submit at once."""

    request: RequestFields
    submit: bool = True


class RequestChecked(Sent):
    request: RequestFields


class RequestChanged(Sent):
    """New values of the fields named in `fields`."""

    request: RequestFields
    fields: list[str] = Field(min_length=1, max_length=22)
    etag: Etag = ""


class Endorsed(AsRead):
    weight: int = Field(default=0, ge=0, le=1000)


class Reasoned(AsRead):
    reason: str = Field(min_length=1, max_length=200)


class Withdrawn(AsRead):
    reason: str = Field(default="", max_length=200)


class ChangeAsked(Sent):
    """New values of the fields named in `fields`, for a request that is in a round or has an event."""

    request: RequestFields
    fields: list[str] = Field(min_length=1, max_length=22)
    reason: str = Field(min_length=1, max_length=200)


class ChangeAnswered(Sent):
    """A coordinator's answer; a no needs its reason."""

    accept: bool
    reason: str = Field(default="", max_length=200)


class ChangeShown(Shown):
    """A change that is asked for and not answered yet."""

    fields: list[str]
    reason: str
    time: datetime | None
    windows: list[Period]
    wanted: "RequestShown | None"


class RequestShown(Shown):
    """A venue's ask; `change` only where one request is read."""

    name: str
    venue: str
    title: str
    group: Group | NothingSaid
    level: Level | NothingSaid
    audience_size: int
    form: Form | NothingSaid
    topic: str
    talk: str
    duration_min: int
    windows: list[Period]
    seats: list[Seat]
    named_expert: str
    named_only: bool
    mode: Mode | NothingSaid
    weight: int
    emergency_level: int
    notes: str
    host: str
    host_phone: str
    by_proxy: bool
    series: str
    programme: str
    standbys: int
    state: RequestState | NothingSaid
    node: str
    district: str
    ready_time: datetime | None
    reason: str
    round: str
    event: str
    times_unserved: int
    etag: str
    create_time: datetime | None
    update_time: datetime | None
    change: ChangeShown | None


class RequestAnswer(Shown):
    request: RequestShown


class RequestsShown(Shown):
    requests: list[RequestShown]
    next_page_token: str


class Finding(Shown):
    """What would be refused, or lowers the chance."""

    severity: Literal["REFUSED", "WARNING"] | NothingSaid
    field: str
    code: str
    message: str
    message_en: str


class Check(Shown):
    """What is to be said about a request; `visits_left` -1 is no rule."""

    findings: list[Finding]
    visits_left: int
    ready_time: datetime | None
    endorse_automatically: bool


class OutcomeShown(Shown):
    """What became of a request in the last published round, and its place among those that wait (0: it does not)."""

    unserved: Unserved | None
    round: str
    place: int
    waiting: int
    debt: int


class Erased(Shown):
    """What was erased with an account."""

    requests_count: int
    drafts_count: int


class HistoryEntry(Shown):
    time: datetime | None
    what: str
    by: str
    remark: str


class History(Shown):
    entries: list[HistoryEntry]
    next_page_token: str


class WindowsAsked(Sent):
    """What is being written, and the half-days to look at."""

    venue: str = Field(max_length=80)
    group: Group
    level: Level
    form: Form
    topic: str = Field(max_length=63)
    duration_min: int = Field(ge=10, le=480)
    windows: list[Period] = Field(default=[], max_length=120)
    mode: Mode | NothingSaid = ""
    roles: list[Role] = []
    named_expert: str = Field(default="", max_length=80)
    look: list[Period] = Field(default=[], max_length=120)


class RankedWindow(Shown):
    """People free then, and a chance of 0 to 100: an estimate, not a promise."""

    window: Period
    free: int
    chance: int


class NextRound(Shown):
    """The open round that a request would run in, and the days that it plans."""

    title: str
    horizon: DatePeriod | None


class RankedWindows(Shown):
    windows: list[RankedWindow]
    eligible: int
    looked: list[RankedWindow]
    chance: int
    next_round: NextRound | None


class AnswerAsked(Sent):
    """A request as far as it is written, and half-days to look at beside its own windows."""

    request: RequestFields
    look: list[Period] = Field(default=[], max_length=120)


class AnswerNow(Shown):
    """What can be said at once. `chance` is an estimate of 0 to 100; none until everything in `missing` is written.

    `asked` are the request's windows and `looked` those of `look`, each in the order they were given; `better` are those of
    `look` with a higher chance than any of the request's, best first. `visits_left` -1 is no rule. No `next_round`: none is
    open, or not enough is written.
    """

    valid: bool
    findings: list[Finding]
    visits_left: int
    ready_time: datetime | None
    endorse_automatically: bool
    missing: list[str]
    eligible: int
    chance: int | None
    asked: list[RankedWindow]
    looked: list[RankedWindow]
    better: list[RankedWindow]
    next_round: NextRound | None


class VenueShown(Shown):
    name: str
    display_name: str
    node: str
    point: Point | None
    capacity: int
    facilities: list[str]
    access_notes: str
    group: Group | NothingSaid
    district: str


class VenueAnswer(Shown):
    venue: VenueShown


class VenuesShown(Shown):
    venues: list[VenueShown]
    next_page_token: str


class NodeShown(Shown):
    name: str
    display_name: str
    display_name_en: str
    parent: str


class NodesShown(Shown):
    nodes: list[NodeShown]
    next_page_token: str


class TeamMember(Shown):
    assignment: str
    expert: str
    display_name: str
    role: Role | NothingSaid
    seat: int
    remote: bool
    talk: str
    talk_version: int
    talk_title: str


class Rating(Sent):
    """1 (poor) to 5 (excellent)."""

    content: int = Field(ge=1, le=5)
    clarity: int = Field(ge=1, le=5)
    organisation: int = Field(ge=1, le=5)
    comment: str = Field(default="", max_length=500)


class EventShown(Shown):
    """What people attend."""

    name: str
    request: str
    round: str
    venue: str
    title: str
    group: Group | NothingSaid
    form: Form | NothingSaid
    topic: str
    period: Period | None
    team: list[TeamMember]
    state: EventState | NothingSaid
    confirmed: bool
    cancel_reason: str
    audience_counted: int
    rating: Rating | None
    district: str
    check_in_code: str
    version: int
    etag: str


class EventAnswer(Shown):
    event: EventShown


class EventsShown(Shown):
    events: list[EventShown]
    next_page_token: str


class Delivered(Sent):
    check_in_code: str = Field(pattern=r"^[0-9]{6}$")
    audience_counted: int = Field(ge=0, le=100_000)


# --- experts ----------------------------------------------------------------------------------------------------------


class Skill(Shown):
    topic: str
    proficiency: int


class Limits(Shown):
    """What a person allows; minutes and counts, inclusive."""

    per_day: int
    per_week: int
    per_round: int
    travel_min_per_day: int
    nights_away: int
    rest_days_per_week: int
    earliest_min: int
    latest_min: int


class LimitsSent(Sent):
    """What a person allows, as they want it; minutes and counts, inclusive."""

    per_day: int = Field(ge=1, le=8)
    per_week: int = Field(ge=1, le=30)
    per_round: int = Field(ge=1, le=200)
    travel_min_per_day: int = Field(ge=0, le=1440)
    nights_away: int = Field(ge=0, le=14)
    rest_days_per_week: int = Field(ge=0, le=6)
    earliest_min: int = Field(ge=0, le=1439)
    latest_min: int = Field(ge=1, le=1440)


class LimitsChanged(AsRead):
    limits: LimitsSent


class AvailabilitySent(Sent):
    """The free windows inside `period`, in the place of those there were."""

    period: Period
    windows: list[Period] = Field(max_length=800)
    etag: Etag = ""


class Term(Shown):
    start_date: str
    end_date: str


class Membership(Shown):
    pool: str
    term: Term | None


class ExpertShown(Shown):
    """A person who serves; nothing here is personal data."""

    name: str
    display_name: str
    role: Role | NothingSaid
    local_head: bool
    home_node: str
    home_area: Point | None
    skills: list[Skill]
    audiences: list[Group]
    forms: list[Form]
    levels: list[Level]
    limits: Limits | None
    clearances: list[Term]
    memberships: list[Membership]
    standby_per_day: int
    state: Literal["ACTIVE", "WITHDRAWN"] | NothingSaid
    etag: str


class ExpertAnswer(Shown):
    expert: ExpertShown


class ExpertsShown(Shown):
    experts: list[ExpertShown]
    next_page_token: str


class Review(Shown):
    kind: Literal["POLITICAL", "SCIENTIFIC"] | NothingSaid
    passed: bool
    audiences: list[Group]
    expire_date: str
    remarks: str


class TalkVersion(Shown):
    number: int
    abstract: str
    reviews: list[Review]


class TalkShown(Shown):
    name: str
    title: str
    topic: str
    form: Form | NothingSaid
    duration_min: int
    audiences: list[Group]
    levels: list[Level]
    versions: list[TalkVersion]
    expert: str


class TalksShown(Shown):
    talks: list[TalkShown]
    next_page_token: str


class FreeWindows(Shown):
    windows: list[Period]


class Contact(Shown):
    """How to reach an expert; never the exact home."""

    phone: str
    email: str


class ServiceRecord(Shown):
    name: str
    event: str
    period: Period | None
    minutes: int


class ServiceRecords(Shown):
    records: list[ServiceRecord]
    next_page_token: str


class SheetProblem(Shown):
    """Why a row was refused: `row` as in the sheet, `column` by its heading, empty for the row as a whole."""

    row: int
    column: str
    sentence: str
    reason: str


class SheetReport(Shown):
    """What became of a sheet's rows, or with a dry run would; `outage` says who went away before all were tried."""

    rows: int
    added: int
    changed: int
    unchanged: int
    refused: int
    not_tried: int
    problems: list[SheetProblem]
    outage: str


class Change(Shown):
    """Something has another version now; no `etag`: it is no longer among what is looked at."""

    kind: Literal["round", "run", "request"]
    name: str
    etag: str


class ViolationShown(Shown):
    path: str
    detail: str


class Problem(Shown):
    """RFC 9457; `detail` is a sentence in the caller's language, `reason` is stable (docs/errors.md)."""

    type: str
    title: str
    status: int
    reason: str
    detail: str
    violations: list[ViolationShown] = []
