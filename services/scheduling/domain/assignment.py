"""One expert in one seat of one event, from offer to delivery."""

import dataclasses
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from libs.errors import Conflict, NotFound, WrongState
from services.scheduling.domain.inputs import Period, Role


class AssignmentNotFound(NotFound):
    """No assignment of this name, or not for this caller."""


class AssignmentInWrongState(WrongState):
    """The assignment is in a state that forbids this step."""


class AnswerTooLate(WrongState):
    """Answers were due before now."""


class ExpertAlreadyBooked(Conflict):
    """The expert has another assignment at that time; nothing was published."""


class State(StrEnum):
    """Where an assignment stands."""

    PROPOSED = "PROPOSED"
    OFFERED = "OFFERED"
    ACCEPTED = "ACCEPTED"
    DECLINED = "DECLINED"
    LAPSED = "LAPSED"
    CONFIRMED = "CONFIRMED"
    DELIVERED = "DELIVERED"
    NO_SHOW = "NO_SHOW"
    CANCELLED = "CANCELLED"
    REPLACED = "REPLACED"


ENGAGED = (State.OFFERED, State.ACCEPTED, State.CONFIRMED, State.DELIVERED)
"""While in these, the expert can be nowhere else."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """`version` counts changes from 1. `pool` and `node_path` are what quotas are counted by."""

    name: str
    round: str
    request: str
    event: str
    expert: str
    expert_display_name: str
    seat: int
    role: Role
    venue: str
    period: Period
    remote: bool
    state: State
    title: str
    district: str
    pool: str
    node_path: tuple[str, ...]
    respond_by_time: datetime | None = None
    reason: str = ""
    talk: str = ""
    talk_version: int = 0
    talk_title: str = ""
    version: int = 1

    def accepted(self, *, at: datetime) -> "Assignment":
        """The assignment after the expert's yes; itself where it was said.

        Raises:
            AssignmentInWrongState: nobody is asking.
            AnswerTooLate: the answer was due.
        """
        if self.state is State.ACCEPTED:
            return self
        self._require_answerable(at)
        return self._changed(state=State.ACCEPTED)

    def declined(self, *, reason: str, at: datetime) -> "Assignment":
        """The assignment after the expert's no; itself where it was said.

        Raises:
            AssignmentInWrongState: nobody is asking.
            AnswerTooLate: the answer was due.
        """
        if self.state is State.DECLINED:
            return self
        if self.state is not State.ACCEPTED:
            self._require_answerable(at)
        return self._changed(state=State.DECLINED, reason=reason)

    def confirmed(self) -> "Assignment":
        """The assignment once published; itself where it is.

        Raises:
            AssignmentInWrongState: the expert has said no, or it is over.
        """
        if self.state is State.CONFIRMED:
            return self
        self._require(State.PROPOSED, State.OFFERED, State.ACCEPTED)
        return self._changed(state=State.CONFIRMED)

    def cancelled(self, *, reason: str, replaced: bool = False) -> "Assignment":
        """The assignment once taken away, or `replaced` by another person's; itself where it is.

        After a no the expert's own words stay: they say more than `reason`, why the seat was filled again.

        Raises:
            AssignmentInWrongState: it has been served.
        """
        state = State.REPLACED if replaced else State.CANCELLED
        if self.state in (State.CANCELLED, State.REPLACED):
            return self
        self._require(
            State.PROPOSED, State.OFFERED, State.ACCEPTED, State.DECLINED, State.CONFIRMED
        )
        said = self.reason if self.state is State.DECLINED else ""
        return self._changed(state=state, reason=said or reason)

    def moved(self, period: Period, *, remote: bool) -> "Assignment":
        """The assignment at another time; itself where nothing changes.

        Raises:
            AssignmentInWrongState: nobody counts on it.
        """
        if self.period == period and self.remote == remote:
            return self
        self._require(State.OFFERED, State.ACCEPTED, State.CONFIRMED)
        return self._changed(period=period, remote=remote)

    def without_name(self) -> "Assignment":
        """The assignment once its expert is to be forgotten: they remain a resource name; itself where there is no name."""
        return self._changed(expert_display_name="") if self.expert_display_name else self

    def delivered(self) -> "Assignment":
        """The assignment once served; itself unless it was published."""
        return self._changed(state=State.DELIVERED) if self.state is State.CONFIRMED else self

    def _require_answerable(self, at: datetime) -> None:
        self._require(State.OFFERED)
        if self.respond_by_time is not None and at >= self.respond_by_time:
            raise AnswerTooLate("the answer was due before now", assignment=self.name)

    def _require(self, *allowed: State) -> None:
        if self.state not in allowed:
            raise AssignmentInWrongState(
                f"the assignment is {self.state.value}, this needs {' or '.join(allowed)}",
                assignment=self.name,
                state=self.state.value,
            )

    def _changed(self, **fields: object) -> "Assignment":
        return dataclasses.replace(self, version=self.version + 1, **fields)  # type: ignore[arg-type]  # callers name fields


def published_hash(assignments: Iterable[Assignment]) -> str:
    """The SHA-256 that docs/facts.md describes, over what a round has published."""
    lines = sorted(
        f"{one.name} {one.request} {one.event} {one.expert} {one.seat} {int(one.period.start_time.timestamp())} "
        f"{int(one.period.end_time.timestamp())} {int(one.remote)}\n".encode()
        for one in assignments
    )
    return hashlib.sha256(b"".join(lines)).hexdigest()
