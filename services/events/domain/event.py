"""What people attend, from publication to rating."""

import dataclasses
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from libs.errors import FieldViolation, InvalidInput, NotFound, WrongState
from services.events.domain.place import Group
from services.events.domain.request import Form, Period, Role


class State(StrEnum):
    """Where an event stands."""

    PUBLISHED = "PUBLISHED"
    DELIVERED = "DELIVERED"
    CANCELLED = "CANCELLED"


class EventNotFound(NotFound):
    """No event of this name, or not for this caller."""


class EventNotInState(WrongState):
    """The event's state forbids this."""


class EventNotBegun(WrongState):
    """It cannot be delivered before it begins."""


class WrongCode(InvalidInput):
    """The code is not the one shown on site."""


class RatedAlready(WrongState):
    """The event has been rated, with other answers."""


@dataclass(frozen=True, slots=True)
class TeamMember:
    """One person of a team; seat 0 leads."""

    assignment: str
    expert: str
    display_name: str
    role: Role | None
    seat: int
    remote: bool = False
    talk: str = ""
    talk_version: int = 0
    talk_title: str = ""


@dataclass(frozen=True, slots=True)
class Rating:
    """Three answers, 1 to 5."""

    content: int
    clarity: int
    organisation: int
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """What people attend."""

    name: str
    request: str
    round: str
    venue: str
    title: str
    group: Group | None
    form: Form | None
    topic: str
    period: Period
    team: tuple[TeamMember, ...]
    state: State | None = State.PUBLISHED
    confirmed: bool = False
    cancel_reason: str = ""
    audience_counted: int = 0
    rating: Rating | None = None
    node: str = ""
    district: str = ""
    node_path: tuple[str, ...] = ()
    version: int = 1
    create_time: datetime | None = None
    update_time: datetime | None = None

    def _next(self, *, at: datetime, **changes: object) -> "Event":
        values = {"version": self.version + 1, "update_time": at, **changes}
        return dataclasses.replace(self, **values)  # type: ignore[arg-type]  # names are fields

    def _require(self, state: State, *, verb: str) -> None:
        if self.state is not state:
            raise EventNotInState(
                f"an event that is {self.state} cannot be {verb}",
                event=self.name,
                state=str(self.state),
            )

    def without_name_of(self, expert: str, *, at: datetime) -> "Event":
        """The event once `expert` is to be forgotten: who served remains a resource name; itself when there is no name."""
        team = tuple(
            dataclasses.replace(member, display_name="") if member.expert == expert else member
            for member in self.team
        )
        return self if team == self.team else self._next(at=at, team=team)

    def confirm(self, *, at: datetime) -> "Event":
        """The venue will be ready; itself when it has said so before."""
        if self.confirmed:
            return self
        self._require(State.PUBLISHED, verb="confirmed")
        return self._next(at=at, confirmed=True)

    def cancel(self, *, reason: str, at: datetime) -> "Event":
        """It will not take place; itself when that was said before."""
        if self.state is State.CANCELLED:
            return self
        self._require(State.PUBLISHED, verb="cancelled")
        return self._next(at=at, state=State.CANCELLED, cancel_reason=reason)

    def move(
        self, *, round: str, period: Period, team: tuple[TeamMember, ...], at: datetime
    ) -> "Event":
        """Another time or team, which the venue has not confirmed yet; itself when they are the same.

        What a repair had cancelled stands again, by `round`.
        """
        if self.state is State.CANCELLED:
            return self._next(
                at=at,
                state=State.PUBLISHED,
                round=round,
                period=period,
                team=team,
                confirmed=False,
                cancel_reason="",
            )
        if (period, team) == (self.period, self.team):
            return self
        self._require(State.PUBLISHED, verb="moved")
        return self._next(at=at, period=period, team=team, confirmed=False)

    def deliver(self, *, code: str, right_code: str, audience: int, at: datetime) -> "Event":
        """It took place; itself when the same was recorded before.

        Raises:
            WrongCode: `code` is not `right_code`.
            EventNotBegun: it has not begun at `at`.
        """
        if code != right_code:
            raise WrongCode(
                "this is not the code shown on site",
                violations=[FieldViolation("check_in_code", "not the code of this event")],
            )
        if self.state is State.DELIVERED and self.audience_counted == audience:
            return self
        if self.state is not State.DELIVERED:  # a corrected count is a delivery again
            self._require(State.PUBLISHED, verb="delivered")
        if at < self.period.start_time:
            raise EventNotBegun("it has not begun yet", event=self.name)
        return self._next(at=at, state=State.DELIVERED, audience_counted=audience)

    def rate(self, rating: Rating, *, at: datetime) -> "Event":
        """It was rated; itself when with the same answers before.

        Raises:
            RatedAlready: there are other answers.
        """
        if self.rating == rating:
            return self
        self._require(State.DELIVERED, verb="rated")
        if self.rating is not None:
            raise RatedAlready("it was rated before", event=self.name)
        return self._next(at=at, rating=rating)
