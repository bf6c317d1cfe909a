"""What a plan means in names: events with their teams, requests that are not served with why, and what it is worth."""

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from libs.geo.topics import topics
from services.scheduling.domain.inputs import LOCAL, Group, Period, Point, Role
from services.scheduling.domain.run import (
    Baseline,
    Stage,
    StageResult,
    Unserved,
    WhyNot,
)
from services.scheduling.handlers.frozen import Frozen
from services.scheduling.handlers.legend import LegendRequest
from services.scheduling.handlers.sentences import why_not_sentences
from services.scheduling.optimizer import check
from services.scheduling.optimizer.baseline import first_come
from services.scheduling.optimizer.explain import Explainer
from services.scheduling.optimizer.problem import DAY_MIN, Assignment, NightAway, Plan
from services.scheduling.optimizer.problem import Stage as OptimizerStage
from services.scheduling.optimizer.solve import StageResult as OptimizerStageResult

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class PlannedMember:
    """One person of a planned team. `travel_min` is the way there, from home or the visit before."""

    seat: int
    expert: str
    display_name: str
    role: Role
    remote: bool
    travel_min: int
    night_after: bool


@dataclass(frozen=True, slots=True)
class PlannedEvent:
    """An event as a plan has it; the lead first."""

    request: str
    venue: str
    title: str
    district: str
    group: Group
    period: Period
    team: tuple[PlannedMember, ...]
    point: Point
    venue_display_name: str
    weight: int
    topic: str


@dataclass(frozen=True, slots=True)
class Names:
    """What the sentences call people, places and times."""

    frozen: Frozen

    def expert(self, index: int) -> str:
        """What people call the expert."""
        return self.frozen.legend.experts[index].display_name

    def request(self, index: int) -> str:
        """Venue and title of the request."""
        request = self.frozen.legend.requests[index]
        return f"{request.venue_display_name}“{request.title}”"

    def place(self, index: int) -> str:
        """The venue of the request."""
        return self.frozen.legend.requests[index].venue_display_name

    def topic(self, index: int) -> tuple[str, str]:
        """The topic in Chinese and in English; its id where the vocabulary has lost it."""
        name = self.frozen.legend.topics[index]
        known = topics().get(name)
        return (known.zh, known.en) if known else (name, name)

    def start(self, minute: int) -> datetime:
        """The local time of a minute of the horizon."""
        return self.frozen.legend.time(minute).astimezone(LOCAL)


def planned_events(
    frozen: Frozen, plan: Plan, *, expert: str = "", district: str = ""
) -> Sequence[PlannedEvent]:
    """By start, then request; only with `expert` in the team and in `district`, where given."""
    legend = frozen.legend
    minutes = _travel(frozen, plan)
    nights = set(plan.nights)
    last = _last_visits(plan)
    teams: dict[int, list[Assignment]] = defaultdict(list)
    for assignment in plan.assignments:
        teams[assignment.request].append(assignment)
    events = []
    for index, team in teams.items():
        request = legend.requests[index]
        if district and request.district != district:
            continue
        if expert and all(legend.experts[one.expert].name != expert for one in team):
            continue
        members = []
        for one in sorted(team, key=lambda member: member.seat):
            who = legend.experts[one.expert]
            day = one.start // DAY_MIN
            members.append(
                PlannedMember(
                    seat=one.seat,
                    expert=who.name,
                    display_name=who.display_name,
                    role=who.role,
                    remote=one.remote,
                    travel_min=minutes[one.request, one.expert],
                    night_after=NightAway(one.expert, day) in nights
                    and last[one.expert, day] == one,
                )
            )
        events.append(
            PlannedEvent(
                request=request.name,
                venue=request.venue,
                title=request.title,
                district=request.district,
                group=request.group,
                period=legend.period(index, team[0].start, frozen.problem),
                team=tuple(members),
                point=request.point,
                venue_display_name=request.venue_display_name,
                weight=request.weight,
                topic=request.topic,
            )
        )
    return sorted(events, key=lambda event: (event.period.start_time, event.request))


def _travel(frozen: Frozen, plan: Plan) -> Mapping[tuple[int, int], int]:
    """(request, expert): minutes on the road to get there."""
    return {
        (visit.request, expert): minutes
        for (expert, _), trips in check.all_trips(frozen.problem, plan).items()
        for trip in trips
        for visit, minutes in zip(trip.visits, check.legs_of(frozen.problem, trip), strict=False)
    }


def _last_visits(plan: Plan) -> Mapping[tuple[int, int], Assignment]:
    last: dict[tuple[int, int], Assignment] = {}
    for one in sorted(plan.assignments, key=lambda assignment: assignment.start):
        last[one.expert, one.start // DAY_MIN] = one
    return last


def served_requests(plan: Plan) -> set[int]:
    """Indices of the requests the plan serves."""
    return {assignment.request for assignment in plan.assignments}


def unserved_of(frozen: Frozen, plan: Plan) -> Sequence[Unserved]:
    """What the plan leaves out and what was ruled out before, heaviest first; about 10 ms each."""
    names = Names(frozen)
    served = served_requests(plan)
    explainer = Explainer(frozen.problem, plan)
    found = []
    for index, request in enumerate(frozen.legend.requests):
        if index not in served:
            why = explainer.why_not(index)
            sentences = why_not_sentences(frozen.problem, why, names)
            found.append(_unserved(request, WhyNot[why.reason.name], *sentences))
    for ruled_out in frozen.legend.ruled_out:
        finding = ruled_out.finding
        found.append(
            dataclasses.replace(
                _unserved(ruled_out.request, WhyNot.RULED_OUT, finding.message, finding.message_en),
                repair_sought=True,
            )
        )
    queue = sorted(found, key=lambda one: (-one.weight, one.request))
    return [dataclasses.replace(one, place=place) for place, one in enumerate(queue, start=1)]


def _unserved(request: LegendRequest, why: WhyNot, message: str, message_en: str) -> Unserved:
    return Unserved(
        request=request.name,
        title=request.title,
        why_not=why,
        message=message,
        message_en=message_en,
        district=request.district,
        group=request.group,
        weight=request.weight,
        venue=request.venue,
        venue_display_name=request.venue_display_name,
    )


def stage_results(stages: Iterable[OptimizerStageResult]) -> tuple[StageResult, ...]:
    """The optimizer's results in the domain's words."""
    return tuple(
        StageResult(Stage[one.stage.name], one.value, one.bound, one.gap, one.status)
        for one in stages
    )


def values_of(frozen: Frozen, plan: Plan) -> tuple[StageResult, ...]:
    """The referee's values, without bounds."""
    values = check.values(frozen.problem, plan)
    return tuple(
        StageResult(Stage[stage.name], value, status="FEASIBLE") for stage, value in values.items()
    )


def baseline_of(frozen: Frozen) -> Baseline:
    """What first come, first served reaches on the same inputs."""
    requests = frozen.legend.requests
    order = sorted(
        range(len(requests)),
        key=lambda index: (requests[index].filed or _LONG_AGO, requests[index].name),
    )
    plan = first_come(frozen.problem, order)
    values = check.values(frozen.problem, plan)
    return Baseline(
        served=len(served_requests(plan)),
        need=values[OptimizerStage.NEED],
        floor=values[OptimizerStage.FLOOR],
    )
