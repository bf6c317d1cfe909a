"""A round's life: each step is a verb, refused where it does not fit, and repeated without effect."""

import dataclasses
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from libs.errors import FieldViolation, InvalidInput, WrongState
from services.scheduling.domain.policy import policy_of

HORIZON_DAYS_MAX: Final = 56


class HorizonOutOfRange(InvalidInput):
    """A round plans 1 to 56 days."""


class RoundInWrongState(WrongState):
    """The round is in a state that forbids this step."""


class PlanNotChosen(WrongState):
    """The round has no plan, or another one than was read."""


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
class Round:
    """One scheduling run over the local days `[start_date, end_date)`."""

    name: str
    title: str
    start_date: date
    end_date: date
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
    assignments_count: int = 0
    published_hash: str = ""
    version: int = 1
    freeze_time: datetime | None = None
    publish_time: datetime | None = None

    def __post_init__(self) -> None:
        if not 1 <= (self.end_date - self.start_date).days <= HORIZON_DAYS_MAX:
            raise HorizonOutOfRange(
                f"a round plans 1 to {HORIZON_DAYS_MAX} days",
                violations=[
                    FieldViolation("round.horizon.end_date", f"1 to {HORIZON_DAYS_MAX} days")
                ],
            )
        policy_of(self.policy)

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
        return self._changed(state=State.PROPOSED, plan=plan, signed_by="")

    def chosen(self, plan: str) -> "Round":
        """The round with another of its plans; itself where it has this one.

        Raises:
            RoundInWrongState: there is nothing to choose from, or no longer.
        """
        self._require(State.PROPOSED)
        return self if plan == self.plan else self._changed(plan=plan, signed_by="")

    def offered(self) -> "Round":
        """The round once experts are asked; itself where they are.

        Raises:
            RoundInWrongState: it has no plan to ask about.
        """
        if self.state is State.OFFERED:
            return self
        self._require(State.PROPOSED)
        return self._changed(state=State.OFFERED)

    def signed(self, *, plan: str, by: str) -> "Round":
        """The round once `by`, who has read `plan`, has signed.

        Raises:
            RoundInWrongState: it is not proposed or offered.
            PlanNotChosen: the round would publish another plan.
        """
        self._require(State.PROPOSED, State.OFFERED)
        if not self.plan or plan != self.plan:
            raise PlanNotChosen("this is not the plan the round would publish", round=self.name)
        return self if self.signed_by == by else self._changed(signed_by=by)

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

    def _changed(self, **fields: object) -> "Round":
        return dataclasses.replace(self, version=self.version + 1, **fields)  # type: ignore[arg-type]  # callers name fields
