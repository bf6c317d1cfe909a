"""A round's life: each step is a verb, refused where it does not fit, and repeated without effect."""

import dataclasses
from datetime import datetime
from enum import StrEnum
from typing import Final

from libs.errors import FieldViolation, InvalidInput, NotFound, WrongState
from services.scheduling.domain.inputs import LOCAL, DatePeriod
from services.scheduling.domain.policy import policy_of

HORIZON_DAYS_MAX: Final = 56


class HorizonOutOfRange(InvalidInput):
    """A round plans 1 to 56 days."""


class RoundInWrongState(WrongState):
    """The round is in a state that forbids this step."""


class PlanNotChosen(WrongState):
    """The round has no plan, or another one than was read."""


class RoundNotFound(NotFound):
    """No round of this name, or not for this caller."""


class PinContradicts(InvalidInput):
    """Another pin or a forbid of the round says the opposite."""


class SignatureMissing(WrongState):
    """The round's policy wants a leader's signature first."""


class State(StrEnum):
    """Where a round stands."""

    OPEN = "OPEN"
    FROZEN = "FROZEN"
    SOLVING = "SOLVING"
    PROPOSED = "PROPOSED"
    OFFERED = "OFFERED"
    PUBLISHED = "PUBLISHED"
    CLOSED = "CLOSED"
    ABANDONED = "ABANDONED"


@dataclasses.dataclass(frozen=True, slots=True)
class Pin:
    """A solve must keep it: `expert` in `seat` of `request`, at `start_time` where one is given."""

    request: str
    seat: int
    expert: str
    start_time: datetime | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Forbid:
    """A solve must not: `expert` for `request` (any where empty), or in one team with `other`; they rest in `period`."""

    expert: str
    request: str = ""
    other: str = ""
    period: DatePeriod | None = None

    def rules_out(self, pin: Pin) -> bool:
        """Whether it says the opposite of `pin`; a rest does where the pin says when."""
        if self.other or self.expert != pin.expert or self.request not in ("", pin.request):
            return False
        if self.period is None:
            return True
        return pin.start_time is not None and self.period.covers(
            pin.start_time.astimezone(LOCAL).date()
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Round:
    """One scheduling run over the local days of `horizon`."""

    name: str
    title: str
    horizon: DatePeriod
    policy: str
    create_time: datetime
    nodes: tuple[str, ...] = ()
    programmes: tuple[str, ...] = ()
    policy_version: int = 0
    state: State = State.OPEN
    inputs_hash: str = ""
    requests_count: int = 0
    experts_count: int = 0
    plan: str = ""
    signed_by: str = ""
    signed_by_name: str = ""
    assignments_count: int = 0
    published_hash: str = ""
    version: int = 1
    freeze_time: datetime | None = None
    publish_time: datetime | None = None
    sign_time: datetime | None = None
    pins: tuple[Pin, ...] = ()
    forbids: tuple[Forbid, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.days <= HORIZON_DAYS_MAX:
            raise HorizonOutOfRange(
                f"a round plans 1 to {HORIZON_DAYS_MAX} days",
                violations=[
                    FieldViolation("round.horizon.end_date", f"1 to {HORIZON_DAYS_MAX} days")
                ],
            )
        policy_of(self.policy)

    @property
    def days(self) -> int:
        """Length of the horizon; 0 where it has no end."""
        if self.horizon.end_date is None:
            return 0
        return (self.horizon.end_date - self.horizon.start_date).days

    def frozen(self, *, inputs_hash: str, requests: int, experts: int, at: datetime) -> "Round":
        """The round once its inputs are stored; they change no more.

        Raises:
            RoundInWrongState: it is not open.
        """
        self._require(State.OPEN)
        return self._changed(
            state=State.FROZEN,
            inputs_hash=inputs_hash,
            requests_count=requests,
            experts_count=experts,
            policy_version=policy_of(self.policy).version,
            freeze_time=at,
        )

    def solving(self) -> "Round":
        """The round once a run is queued; itself where one is already.

        Raises:
            RoundInWrongState: it has no inputs, or its plan is out.
        """
        if self.state is State.SOLVING:
            return self
        self._require(State.FROZEN, State.PROPOSED)
        return self._changed(state=State.SOLVING)

    def solved(self, plan: str) -> "Round":
        """The round once a run has ended; without a `plan` it keeps the one it had, or is as frozen.

        A new plan loses the signature, which was given to what was read.

        Raises:
            RoundInWrongState: no run was awaited.
        """
        self._require(State.SOLVING)
        if not plan:
            return self._changed(state=State.PROPOSED if self.plan else State.FROZEN)
        return self._unsigned(state=State.PROPOSED, plan=plan)

    def with_pin(self, pin: Pin) -> "Round":
        """The round with one more pin; itself where it has it.

        Raises:
            RoundInWrongState: its plan is out already, or is being made.
            PinContradicts: that seat is pinned to somebody else, or the pair is forbidden.
        """
        if pin in self.pins:
            return self
        self._require(State.OPEN, State.FROZEN, State.PROPOSED)
        same_seat = [one for one in self.pins if (one.request, one.seat) == (pin.request, pin.seat)]
        forbidden = [one for one in self.forbids if one.rules_out(pin)]
        if same_seat or forbidden:
            raise PinContradicts(
                "another pin or forbid says the opposite; take that away first",
                violations=[
                    FieldViolation("pin", "contradicts " + str((same_seat or forbidden)[0]))
                ],
            )
        return self._changed(pins=(*self.pins, pin))

    def without_pin(self, pin: Pin) -> "Round":
        """The round without the pin; itself where it has none such."""
        if pin not in self.pins:
            return self
        self._require(State.OPEN, State.FROZEN, State.PROPOSED)
        return self._changed(pins=tuple(one for one in self.pins if one != pin))

    def with_forbid(self, forbid: Forbid) -> "Round":
        """The round with one more forbid; itself where it has it.

        Raises:
            RoundInWrongState: its plan is out already, or is being made.
            PinContradicts: a pin wants just that.
        """
        if forbid in self.forbids:
            return self
        self._require(State.OPEN, State.FROZEN, State.PROPOSED)
        if any(forbid.rules_out(pin) for pin in self.pins):
            raise PinContradicts(
                "a pin wants just that; take it away first",
                violations=[FieldViolation("forbid", "contradicts a pin")],
            )
        return self._changed(forbids=(*self.forbids, forbid))

    def without_forbid(self, forbid: Forbid) -> "Round":
        """The round without the forbid; itself where it has none such."""
        if forbid not in self.forbids:
            return self
        self._require(State.OPEN, State.FROZEN, State.PROPOSED)
        return self._changed(forbids=tuple(one for one in self.forbids if one != forbid))

    def chosen(self, plan: str) -> "Round":
        """The round with another of its plans; itself where it has this one.

        Raises:
            RoundInWrongState: there is nothing to choose from, or no longer.
        """
        self._require(State.PROPOSED)
        return self if plan == self.plan else self._unsigned(plan=plan)

    def offered(self) -> "Round":
        """The round once experts are asked; itself where they are.

        Raises:
            RoundInWrongState: it has no plan to ask about.
        """
        if self.state is State.OFFERED:
            return self
        self._require(State.PROPOSED)
        return self._changed(state=State.OFFERED)

    def signed(self, *, plan: str, by: str, name: str, at: datetime) -> "Round":
        """The round once `by`, whom people call `name` and who has read `plan`, has signed.

        Raises:
            RoundInWrongState: it is not proposed or offered.
            PlanNotChosen: the round would publish another plan.
        """
        self._require(State.PROPOSED, State.OFFERED)
        if not self.plan or plan != self.plan:
            raise PlanNotChosen("this is not the plan the round would publish", round=self.name)
        if self.signed_by == by:
            return self
        return self._changed(signed_by=by, signed_by_name=name, sign_time=at)

    def published(self, *, assignments: int, published_hash: str, at: datetime) -> "Round":
        """The round once all of it is out.

        Raises:
            RoundInWrongState: its policy wants another step first, or it is out already.
            SignatureMissing: its policy wants a signature.
        """
        policy = policy_of(self.policy)
        self._require(State.OFFERED if policy.offers else State.PROPOSED)
        if policy.signature and not self.signed_by:
            raise SignatureMissing("a leader must sign the plan first", round=self.name)
        return self._changed(
            state=State.PUBLISHED,
            assignments_count=assignments,
            published_hash=published_hash,
            publish_time=at,
        )

    def repaired(self, *, plan: str, assignments: int, published_hash: str) -> "Round":
        """The round with another plan, because somebody cannot come; before publication that wants a new signature.

        Raises:
            RoundInWrongState: nothing is promised yet, or all is over.
        """
        self._require(State.OFFERED, State.PUBLISHED)
        changed = self._changed if self.state is State.PUBLISHED else self._unsigned
        return changed(plan=plan, assignments_count=assignments, published_hash=published_hash)

    def closed(self) -> "Round":
        """The round once it is over; itself where it is.

        Raises:
            RoundInWrongState: it was never published.
        """
        if self.state is State.CLOSED:
            return self
        self._require(State.PUBLISHED)
        return self._changed(state=State.CLOSED)

    def abandoned(self) -> "Round":
        """The round once it is given up; itself where it is.

        Raises:
            RoundInWrongState: venues count on it already.
        """
        if self.state is State.ABANDONED:
            return self
        self._require(State.OPEN, State.FROZEN, State.SOLVING, State.PROPOSED, State.OFFERED)
        return self._changed(state=State.ABANDONED)

    def _require(self, *allowed: State) -> None:
        if self.state not in allowed:
            raise RoundInWrongState(
                f"the round is {self.state.value}, this needs {' or '.join(allowed)}",
                round=self.name,
                state=self.state.value,
            )

    def _unsigned(self, **fields: object) -> "Round":
        """Changed, and without the signature, which was given to what was read."""
        return self._changed(signed_by="", signed_by_name="", sign_time=None, **fields)

    def _changed(self, **fields: object) -> "Round":
        return dataclasses.replace(self, version=self.version + 1, **fields)  # type: ignore[arg-type]  # callers name fields
