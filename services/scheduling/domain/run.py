"""A solve as it is stored: queued, taken by a worker, ended once."""

import dataclasses
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from libs.errors import NotFound, WrongState
from services.scheduling.domain.inputs import Group, Period, Role
from services.scheduling.domain.round import Forbid, Pin

ATTEMPTS_MAX = 5
"""Workers that may die of one run before it is given up."""


class RunNotFound(NotFound):
    """No run of this name, or not for this caller."""


class PlanNotFound(NotFound):
    """No plan of this name, or not for this caller."""


class RequestNotAnnounced(NotFound):
    """No request of this name has been announced yet, or not for this caller."""


class RequestNotInPlan(NotFound):
    """The plan's round did not have this request."""


class AnotherRunWorks(WrongState):
    """The round has a run already; it ends first, or is stopped."""


class LeaseLost(Exception):
    """Another worker has the run now; whatever this one still says about it is void. Never leaves the worker."""


class State(StrEnum):
    """Where a run stands."""

    QUEUED = "QUEUED"
    WORKING = "WORKING"
    DONE = "DONE"
    FAILED = "FAILED"


class Stage(StrEnum):
    """The objectives in their order."""

    EMERGENCY = "EMERGENCY"
    FLOOR = "FLOOR"
    NEED = "NEED"
    PROMISES = "PROMISES"
    TRAVEL = "TRAVEL"
    PREFERENCE = "PREFERENCE"
    LOAD = "LOAD"
    STANDBY = "STANDBY"


@dataclass(frozen=True, slots=True)
class Progress:
    """What a run has reached; `number` counts from 1 over all attempts. `incumbent`, `bound`, `gap` are of `stage`."""

    number: int
    elapsed_s: float
    stage: Stage
    incumbent: int
    served: int
    phase: str
    bound: int | None = None
    gap: float | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """`pins` and `forbids` are the round's when it was asked for; `attempts` fences out workers that lost it."""

    name: str
    round: str
    seconds: int
    iterations: int
    seed: int
    create_time: datetime
    warm_plan: str = ""
    pins: tuple[Pin, ...] = ()
    forbids: tuple[Forbid, ...] = ()
    state: State = State.QUEUED
    attempts: int = 0
    plan: str = ""
    error: str = ""
    progress: Progress | None = None
    end_time: datetime | None = None
    stopping: bool = False

    @property
    def ended(self) -> bool:
        """Whether nothing more will be heard of it."""
        return self.state in (State.DONE, State.FAILED)

    def taken(self) -> "Run":
        """The run with one more attempt."""
        return dataclasses.replace(self, state=State.WORKING, attempts=self.attempts + 1)

    def asked_to_stop(self) -> "Run":
        """The run that will end soon; itself where it has ended."""
        return self if self.ended else dataclasses.replace(self, stopping=True)

    def done(self, plan: str, *, at: datetime) -> "Run":
        """The run that made `plan`."""
        return dataclasses.replace(self, state=State.DONE, plan=plan, end_time=at)

    def failed(self, error: str, *, at: datetime) -> "Run":
        """The run that made none, because of `error`."""
        return dataclasses.replace(self, state=State.FAILED, error=error, end_time=at)


@dataclass(frozen=True, slots=True)
class StageResult:
    """A stage's value, its proven bound and what lies between."""

    stage: Stage
    value: int
    bound: int | None = None
    gap: float | None = None
    status: str = ""


@dataclass(frozen=True, slots=True)
class Baseline:
    """What first come, first served reaches on the same inputs."""

    served: int
    need: int
    floor: int


@dataclass(frozen=True, slots=True)
class PlanRecord:
    """A stored plan's numbers; the plan and its certificate lie beside."""

    name: str
    round: str
    inputs_hash: str
    stages: tuple[StageResult, ...]
    served: int
    unserved: int
    assignments: int
    create_time: datetime
    run: str = ""
    baseline: Baseline | None = None
    curve: tuple[Progress, ...] = ()


class WhyNot(StrEnum):
    """Why a request is not served, in product order."""

    NOBODY_ELIGIBLE = "NOBODY_ELIGIBLE"
    NOT_FREE = "NOT_FREE"
    TOO_FAR = "TOO_FAR"
    LIMITS_USED_UP = "LIMITS_USED_UP"
    SEAT_MISSING = "SEAT_MISSING"
    DISPLACED = "DISPLACED"
    RULED_OUT = "RULED_OUT"


@dataclass(frozen=True, slots=True)
class Repair:
    """A change that makes a request servable, verified by solving again; `price` is lost need elsewhere.

    `seat`: the one that changes, -1 for none.
    """

    code: str
    message: str
    message_en: str
    price: int
    period: Period | None = None
    seat: int = -1


@dataclass(frozen=True, slots=True)
class Unserved:
    """A request a plan does not serve; `place` in the queue counts from 1, 0 where it was stored before it was counted."""

    request: str
    title: str
    why_not: WhyNot
    message: str
    message_en: str
    district: str
    group: Group
    weight: int
    repair: Repair | None = None
    repair_sought: bool = False
    venue: str = ""
    venue_display_name: str = ""
    place: int = 0


@dataclass(frozen=True, slots=True)
class SupplySignal:
    """One more person of this kind, free on `weekday` (1 Monday to 7 Sunday); both numbers are need served more.

    `worth` is an upper estimate, `gain` what solving again with them gave, None where not tried; `requests` they would serve.
    """

    role: Role
    topic: str
    district: str
    weekday: int
    worth: int
    gain: int | None = None
    requests: tuple[str, ...] = ()
