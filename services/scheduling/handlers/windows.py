"""When a request that is being written could be served: an estimate from who is eligible and who is free."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from libs.errors import NotFound
from libs.geo.points import Point as GroundPoint
from libs.geo.travel import Place, TravelProvider
from services.scheduling.domain import inputs
from services.scheduling.domain.assignment import Assignment
from services.scheduling.domain.inputs import LOCAL, Form, Group, Level, Mode, Period, Role


class VenueNotAnnounced(NotFound):
    """No venue of this name has been announced yet."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is being written; an empty tuple of roles means any."""

    venue: inputs.Venue
    group: Group
    level: Level
    form: Form
    topic: str
    duration_min: int
    windows: tuple[Period, ...]
    mode: Mode | None
    roles: tuple[Role, ...]
    named_expert: str


@dataclass(frozen=True, slots=True)
class RankedWindow:
    """A window with how many eligible people are free in it, and a chance of 0 to 100: an estimate, not a promise."""

    window: Period
    free: int
    chance: int


def rank(
    asked: Asked,
    experts: Sequence[inputs.Expert],
    pools: Mapping[str, inputs.Pool],
    engaged: Sequence[Assignment],
    waiting: Sequence[inputs.Request],
    *,
    travel: TravelProvider,
) -> tuple[int, Sequence[RankedWindow]]:
    """How many are eligible at all, and the windows, best first.

    The chance is free people over free people and rivals: requests that wait with a window that overlaps this one, for
    the same topic and role or level. It says nothing of need and fairness, which decide when people are short.
    """
    able = [one for one in experts if one.home_area and _eligible(one, asked, pools)]
    way_min = _ways(asked, able, travel)
    busy: dict[str, list[Period]] = {}
    for one in engaged:
        busy.setdefault(one.expert, []).append(one.period)
    ranked = []
    for window in asked.windows:
        free = sum(
            _free(one, window, asked, way_min[one.name], busy.get(one.name, ())) for one in able
        )
        rivals = sum(
            other.topic == asked.topic
            and other.level == asked.level
            and any(_overlap(period, window) for period in other.windows)
            for other in waiting
        )
        chance = 0 if not free else min(95, 100 * free // (free + rivals))
        ranked.append(RankedWindow(window, free, chance))
    return len(able), sorted(
        ranked, key=lambda one: (-one.chance, -one.free, one.window.start_time)
    )


def _eligible(expert: inputs.Expert, asked: Asked, pools: Mapping[str, inputs.Pool]) -> bool:
    """Everything about a lead that does not depend on the time of day."""
    first = min(asked.windows, key=lambda window: window.start_time).start_time
    on = first.astimezone(LOCAL).date()
    path = asked.venue.node_path
    shared = any(
        membership.term.covers(on)
        and (pool := pools.get(membership.pool)) is not None
        and (
            pool.owner in path
            or any(one.node in path and one.term.covers(on) for one in pool.agreements)
        )
        for membership in expert.memberships
    )
    spoken = asked.form in (Form.LECTURE, Form.REPORT)
    return (
        expert.state is not inputs.ExpertState.WITHDRAWN
        and shared
        and (not asked.named_expert or expert.name == asked.named_expert)
        and (not asked.roles or expert.role in asked.roles)
        and any(skill.topic == asked.topic for skill in expert.skills)
        and asked.group in expert.audiences
        and asked.form in expert.forms
        and asked.level in expert.levels
        and (asked.group is not Group.YOUTH or any(one.covers(on) for one in expert.clearances))
        and (not spoken or expert.talk_for(topic=asked.topic, group=asked.group, on=on) is not None)
    )


def _ways(
    asked: Asked, experts: Sequence[inputs.Expert], travel: TravelProvider
) -> Mapping[str, int]:
    """Minutes from each one's home to the venue; 0 where everybody speaks from home."""
    if asked.mode in (Mode.REMOTE, Mode.EITHER):
        return {one.name: 0 for one in experts}
    point = asked.venue.point
    ground = [
        Place(
            GroundPoint(lat=point.latitude, lon=point.longitude),
            last_mile_km=asked.venue.last_mile_km,
        )
    ]
    for one in experts:
        assert one.home_area is not None, "rank leaves them out"
        ground.append(Place(GroundPoint(lat=one.home_area.latitude, lon=one.home_area.longitude)))
    minutes = travel.minutes(ground)
    return {one.name: int(minutes[index, 0]) for index, one in enumerate(experts, start=1)}


def _free(
    expert: inputs.Expert,
    window: Period,
    asked: Asked,
    way_min: int,
    busy: Sequence[Period],
) -> bool:
    """Whether they could be there and back inside one of their own free periods, somewhere in the window."""
    if 2 * way_min > expert.limits.travel_min_per_day and not expert.limits.nights_away:
        return False
    way, length = timedelta(minutes=way_min), timedelta(minutes=asked.duration_min)
    for period in expert.availability:
        start = max(window.start_time, period.start_time + way)
        end = min(window.end_time, period.end_time - way)
        if start + length <= end and not any(
            one.start_time < end + way and start - way < one.end_time for one in busy
        ):
            return True
    return False


def _overlap(a: Period, b: Period) -> bool:
    return a.start_time < b.end_time and b.start_time < a.end_time
