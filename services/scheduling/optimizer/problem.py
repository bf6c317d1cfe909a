"""What one round asks of the optimizer, as frozen integers: the one vocabulary of solver, referee and explanations.

Time is minutes since local midnight (Asia/Shanghai) of the horizon's first day; day `d` is `[1440 d, 1440 (d + 1))`,
week `w` is days with `(d + first_weekday) // 7 == w`, so weeks start on Mondays. Periods are half-open. Whatever is
referred to by another part is referred to by its index in the problem's tuples. `formats.py` says what JSON this is.

The hard rules are stated as sentences here, once as code in the solver's modules and once, independently, in `check.py`.

Events start on the grid: every start is a multiple of `start_step_min`. One place at a time; door to door inside the
person's windows:

* A person's day is a chain of visits. The chain starts and ends at home, except over nights away.
* Between two visits in the same availability window the person travels directly, `travel_min[place_a][place_b]`.
* Between two visits in different windows of the same day the person goes home: back before the first window ends,
  off again when the second begins.
* A remote visit is served from home; it has the home as its place.
* A night away joins day `d` to day `d + 1`: the person lodges at the place of the last visit of day `d`, leaves there
  on day `d + 1` no earlier than the start of the window of that day's first visit, and neither the way home on day
  `d` nor the way from home on day `d + 1` is travelled. The last visit of `d` must be in that day's last window and the
  first visit of `d + 1` in that day's first window. Both days need at least one visit.
* Travel of a day counts every leg of that day against `travel_min_per_day_max`, waiting counts for nothing.
"""

import dataclasses
import enum
from typing import Final

DAY_MIN: Final = 1440
FORMAT: Final = "zhihui.problem/1"


class Role(enum.IntEnum):
    ACADEMICIAN = 0
    LECTURER = 1
    VOLUNTEER = 2


class Mode(enum.IntEnum):
    """How a seat may be filled."""

    ON_SITE = 0
    REMOTE = 1
    EITHER = 2


class Naming(enum.IntEnum):
    """What a request's named expert means: nothing, a wish (worth preference), or that only they may lead (seat 0)."""

    NONE = 0
    PREFERRED = 1
    ONLY = 2


@dataclasses.dataclass(frozen=True, slots=True)
class Window:
    """Half-open `[start, end)` in minutes of the horizon."""

    start: int
    end: int


@dataclasses.dataclass(frozen=True, slots=True)
class Approval:
    """A talk version that passed both reviews: what may be said, to whom, until when.

    `audiences` is a bit mask over audience groups; valid on days `day < until_day`.
    """

    topic: int
    audiences: int
    until_day: int


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """What a person allows; every maximum is inclusive. `earliest`/`latest` are minutes of the day, door to door.

    In every week at most `7 - rest_days_per_week` days have a visit (days outside the horizon are free).
    """

    per_day_max: int
    per_week_max: int
    per_round_max: int
    travel_min_per_day_max: int
    nights_max: int
    rest_days_per_week: int
    earliest: int
    latest: int


@dataclasses.dataclass(frozen=True, slots=True)
class Expert:
    """A person who serves.

    `skills[topic]` is a proficiency 0..3 (0: none). `audiences`, `forms`, `levels` are bit masks. `windows` are disjoint,
    ascending, each inside one day, and door to door; they are cut by `limits.earliest/latest` of their day as well.
    Work with minors is allowed on days before `clearance_until_day`. `engaged_before[week]` are engagements already
    delivered or fixed outside this problem that count against the week's limit; `engaged_before_round` against the round's.
    `standby_max` is how many events the person consents to stand by for on one day. `cost` is per assignment, in yuan.
    """

    home: int
    role: Role
    pool: int
    skills: tuple[int, ...]
    audiences: int
    forms: int
    levels: int
    approvals: tuple[Approval, ...]
    windows: tuple[Window, ...]
    limits: Limits
    clearance_until_day: int
    engaged_before: tuple[int, ...]
    standby_max: int = 0
    cost: int = 0
    engaged_before_round: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Agreement:
    """Node `node` may use the pool for at most `quota` assignments of this round, on days before `until_day`."""

    node: int
    quota: int
    until_day: int


@dataclasses.dataclass(frozen=True, slots=True)
class Pool:
    """A corps. Its term is days `[from_day, until_day)`. Requests of `home_nodes` use it freely; others by agreement only."""

    from_day: int
    until_day: int
    home_nodes: frozenset[int]
    agreements: tuple[Agreement, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Seat:
    """One place in a team. `roles` is a bit mask; `proficiency_min` 0 asks for nothing.

    `approved_talk`: the person needs an approved talk version for the request's topic and audience, valid on the day.
    `value` is what filling it adds to the need served (a nice-to-have seat) or 0; fit is added on top.
    """

    roles: int
    proficiency_min: int
    required: bool
    mode: Mode
    approved_talk: bool
    value: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """What a venue asks. The whole event `[start, start + duration_min)` lies in one of `windows`, and
    `start >= ready_at` (lead time). `weight` is need. `emergency` > 0 marks an emergency request of that level.
    `audience`, `form`, `level`, `topic` are indices. `node` pays quotas; `district` and `audience` make the share it counts for.
    Seat 0 is the lead. `standbys` is how many standby people are wanted.
    """

    place: int
    node: int
    district: int
    audience: int
    form: int
    level: int
    topic: int
    minors: bool
    weight: int
    emergency: int
    duration_min: int
    ready_at: int
    windows: tuple[Window, ...]
    seats: tuple[Seat, ...]
    naming: Naming = Naming.NONE
    named: int = -1
    standbys: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Pin:
    """The plan must have `expert` in `seat` of `request`; at `start` where that is not negative. A frozen event is
    one pin with a start per seat that is filled.
    """

    request: int
    seat: int
    expert: int
    start: int = -1


@dataclasses.dataclass(frozen=True, slots=True)
class Forbid:
    """Where `other` is -1, `expert` must not serve `request` (no request at all where that is -1). Otherwise `expert` and
    `other` must not both be in the team of `request` (of any request where that is -1).
    """

    expert: int
    request: int = -1
    other: int = -1


@dataclasses.dataclass(frozen=True, slots=True)
class Promise:
    """What is published or accepted: leaving it as it is costs 0, moving the start or person `cost_change`, dropping it
    (nobody in that seat) `cost_drop`.
    """

    request: int
    seat: int
    expert: int
    start: int
    cost_change: int
    cost_drop: int


@dataclasses.dataclass(frozen=True, slots=True)
class Cap:
    """At most `served_max` of `requests` are served (a venue's annual cap, a node's quota of events)."""

    requests: frozenset[int]
    served_max: int


@dataclasses.dataclass(frozen=True, slots=True)
class Budget:
    """The costs of assignments to `requests` sum to at most `cost_max` yuan."""

    requests: frozenset[int]
    cost_max: int


@dataclasses.dataclass(frozen=True, slots=True)
class Series:
    """Dated requests of one rule: any two served ones start at least `spacing_days` days apart (difference of day
    indices). `continuity` is the preference value for each pair next to each other in `requests` with the same lead (seat 0).
    """

    requests: tuple[int, ...]
    spacing_days: int
    continuity: int


@dataclasses.dataclass(frozen=True, slots=True)
class Share:
    """The fair share of a district, or of one audience group in it; `audience` -1 means all groups together.

    Its coverage is `1000 * (carried + weight served) // target` (permille), where weight served counts served requests
    of that district and audience; `target` > 0. Debt is a large `target` or a small `carried`. Shares may overlap.
    """

    district: int
    audience: int
    target: int
    carried: int


@dataclasses.dataclass(frozen=True, slots=True)
class Policy:
    """A named, versioned choice of numbers. Fit of an assignment, in the unit of need served, is
    `fit_proficiency * (proficiency - proficiency_min)` + `fit_on_site` where an EITHER seat is served on site.
    Preference: `prefer_named` for a preferred expert leading.
    """

    name: str
    version: int
    fit_proficiency: int = 2
    fit_on_site: int = 3
    prefer_named: int = 10
    night_as_travel_min: int = 240


@dataclasses.dataclass(frozen=True, slots=True)
class Problem:
    """A round's frozen inputs. `travel_min[a][b]` are minutes between places, asymmetric, 0 on the diagonal."""

    days: int
    first_weekday: int
    start_step_min: int
    travel_min: tuple[tuple[int, ...], ...]
    topics: int
    districts: int
    nodes: int
    pools: tuple[Pool, ...]
    experts: tuple[Expert, ...]
    requests: tuple[Request, ...]
    pins: tuple[Pin, ...]
    forbids: tuple[Forbid, ...]
    promises: tuple[Promise, ...]
    caps: tuple[Cap, ...]
    budgets: tuple[Budget, ...]
    series: tuple[Series, ...]
    shares: tuple[Share, ...]
    policy: Policy


class Stage(enum.Enum):
    """The objectives in their order; each is kept by the next. All are maximized; costs count negatively.

    EMERGENCY  sum of `weight` of served emergency requests
    FLOOR      the smallest coverage over shares, permille
    NEED       sum over served requests of `weight`, plus seat values and fit of assignments
    PROMISES   minus the cost of changed and dropped promises
    TRAVEL     minus travel minutes, minus nights away times `policy.night_as_travel_min`
    PREFERENCE named wishes met and continuity of series
    LOAD       minus the sum over experts of the square of their engagements in the round
    STANDBY    wanted standby places that are covered
    """

    EMERGENCY = "emergency"
    FLOOR = "floor"
    NEED = "need"
    PROMISES = "promises"
    TRAVEL = "travel"
    PREFERENCE = "preference"
    LOAD = "load"
    STANDBY = "standby"


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Assignment:
    """`expert` fills `seat` of `request`, which starts at `start`; `remote` when served from home."""

    request: int
    seat: int
    expert: int
    start: int
    remote: bool = False


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class NightAway:
    """`expert` lodges at the place of the last visit of `day` instead of going home."""

    expert: int
    day: int


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Standby:
    """`expert` would step in for the lead (seat 0) of the served `request`: not in its team, eligible for seat 0 (remotely
    where the seat is REMOTE, else on site), and, with that visit added to their own visits and nights, unchanged, still
    inside every window and limit of theirs. Each standby is looked at alone; a request has at most `standbys` of them.
    """

    request: int
    expert: int


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """The result of solving: sorted, so that equal plans are equal values."""

    assignments: tuple[Assignment, ...]
    nights: tuple[NightAway, ...] = ()
    standbys: tuple[Standby, ...] = ()
