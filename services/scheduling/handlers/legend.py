"""Whose index is whose: the names behind a problem's numbers, stored with it."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from libs.errors import NotFound
from services.scheduling.domain.finding import Finding
from services.scheduling.domain.inputs import LOCAL, DatePeriod, Group, Period, Point, Role
from services.scheduling.domain.round import Forbid, Pin
from services.scheduling.optimizer import problem as optimizer
from services.scheduling.optimizer.problem import DAY_MIN


@dataclass(frozen=True, slots=True)
class GivenTalk:
    """An approved talk: which version may be given to `group` until when."""

    name: str
    title: str
    topic: str
    group: Group
    version: int
    until: date


@dataclass(frozen=True, slots=True)
class LegendExpert:
    """An expert of the problem."""

    name: str
    display_name: str
    role: Role
    pool: str
    talks: tuple[GivenTalk, ...] = ()

    def talk_for(self, request: "LegendRequest", *, on: date) -> GivenTalk | None:
        """The approved talk they would give: the asked one where it is theirs, else the first on the topic."""
        able = [
            talk
            for talk in self.talks
            if talk.topic == request.topic and talk.group is request.group and on < talk.until
        ]
        return next((talk for talk in able if talk.name == request.talk), able[0] if able else None)


@dataclass(frozen=True, slots=True)
class LegendRequest:
    """A request of the problem, or one that was ruled out of it."""

    name: str
    title: str
    venue: str
    venue_display_name: str
    group: Group
    district: str
    weight: int
    topic: str
    node_path: tuple[str, ...]
    point: Point
    talk: str = ""
    filed: datetime | None = None


@dataclass(frozen=True, slots=True)
class RuledOut:
    """A request that no plan of this round can serve, with why."""

    request: LegendRequest
    finding: Finding


class NotInRound(NotFound):
    """The round's frozen inputs do not have this request or expert."""


@dataclass(frozen=True, slots=True)
class Legend:
    """`experts[i]`, `requests[i]` and so on are the problem's index `i`; `travel` says where minutes come from."""

    start_date: date
    travel: str
    topics: tuple[str, ...]
    districts: tuple[str, ...]
    district_names: tuple[str, ...]
    experts: tuple[LegendExpert, ...]
    requests: tuple[LegendRequest, ...]
    ruled_out: tuple[RuledOut, ...]

    def time(self, minute: int) -> datetime:
        """The instant of a minute of the horizon."""
        return self._midnight() + timedelta(minutes=minute)

    def minute(self, at: datetime) -> int:
        """The minute of an instant; negative before the horizon."""
        return int((at - self._midnight()).total_seconds() // 60)

    def period(self, request: int, start: int, problem: optimizer.Problem) -> Period:
        """When a request takes place if it starts at `start`."""
        return Period(self.time(start), self.time(start + problem.requests[request].duration_min))

    def expert_index(self, name: str) -> int:
        """Index of an expert's name.

        Raises:
            NotInRound: it has none.
        """
        return _index([expert.name for expert in self.experts], name)

    def request_index(self, name: str) -> int:
        """Index of a request's name.

        Raises:
            NotInRound: it has none.
        """
        return _index([request.name for request in self.requests], name)

    def held(
        self, problem: optimizer.Problem, pins: Sequence[Pin], forbids: Sequence[Forbid]
    ) -> optimizer.Problem:
        """The problem held to pins and forbids; a forbid about somebody who is not among the inputs is kept anyway.

        Raises:
            NotInRound: a pin's expert or request is not among the inputs, so that it cannot be kept.
        """
        experts = {expert.name: index for index, expert in enumerate(self.experts)}
        requests = {request.name: index for index, request in enumerate(self.requests)}
        pinned = []
        for pin in pins:
            if pin.expert not in experts or pin.request not in requests:
                raise NotInRound(
                    "a pin is about what this round does not have; take the pin away",
                    request=pin.request,
                    expert=pin.expert,
                )
            start = -1 if pin.start_time is None else self.minute(pin.start_time)
            pinned.append(
                optimizer.Pin(requests[pin.request], pin.seat, experts[pin.expert], start)
            )
        forbidden = [
            optimizer.Forbid(
                experts[forbid.expert],
                requests[forbid.request] if forbid.request else -1,
                experts[forbid.other] if forbid.other else -1,
            )
            for forbid in forbids
            if forbid.period is None
            and forbid.expert in experts
            and (not forbid.request or forbid.request in requests)
            and (not forbid.other or forbid.other in experts)
        ]
        people = list(problem.experts)
        for forbid in forbids:
            if forbid.period is not None and forbid.expert in experts:
                index = experts[forbid.expert]
                people[index] = self._resting(people[index], forbid.period)
        return dataclasses.replace(
            problem,
            experts=tuple(people),
            pins=(*problem.pins, *pinned),
            forbids=(*problem.forbids, *forbidden),
        )

    def _resting(self, expert: optimizer.Expert, period: DatePeriod) -> optimizer.Expert:
        """The expert without the windows of these days; each window lies in one day."""
        free = tuple(
            window
            for window in expert.windows
            if not period.covers(self.start_date + timedelta(days=window.start // DAY_MIN))
        )
        return dataclasses.replace(expert, windows=free)

    def _midnight(self) -> datetime:
        return datetime.combine(self.start_date, datetime.min.time(), LOCAL)


def _index(names: Sequence[str], name: str) -> int:
    try:
        return names.index(name)
    except ValueError:
        raise NotInRound("not among the inputs of this round", name=name) from None
