"""When a request that is being written could be served: an estimate from who is eligible and who is free.

Asked at every tap on a form, it must be quick: who could serve what is kept ready in the process (`Feasible`), as the
facts tell it; engagements are read each time.
"""

import asyncio
from bisect import bisect_right
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from libs.errors import NotFound
from libs.geo.points import Point as GroundPoint
from libs.geo.travel import Place, TravelProvider
from services.scheduling.domain import inputs
from services.scheduling.domain.inputs import LOCAL, Form, Group, Level, Mode, Period, Role
from services.scheduling.ports import Transaction

PIECE = 50
"""Documents read between two breaths of the event loop; one takes about 0.2 ms."""
VENUES_KEPT = 500
CHANCE_MAX = 95
"""An estimate is never certain."""

Span = tuple[int, int]
"""`[start, end)` in minutes since 1970."""


class VenueNotAnnounced(NotFound):
    """No venue of this name has been announced yet."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is being written, `windows`, and other half-days to `look` at; an empty tuple of roles means any."""

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
    look: tuple[Period, ...] = ()


@dataclass(frozen=True, slots=True)
class RankedWindow:
    """A window with how many eligible people are free in it, and a chance of 0 to 100: an estimate, not a promise."""

    window: Period
    free: int
    chance: int


@dataclass(frozen=True, slots=True)
class Ranked:
    """`windows` best first, `looked` as given; `eligible`: people at all; `chance` of the request with all its windows."""

    windows: Sequence[RankedWindow]
    looked: Sequence[RankedWindow]
    eligible: int
    chance: int


@dataclass(slots=True)
class _Rivals:
    """Requests that wait, by what they compete for."""

    versions: Mapping[str, int] = field(default_factory=dict)
    windows: dict[str, Sequence[Span]] = field(default_factory=dict)
    kinds: dict[str, tuple[str, Level]] = field(default_factory=dict)
    by_kind: Mapping[tuple[str, Level], Sequence[str]] = field(default_factory=dict)


class Feasible:
    """Who could serve what, prepared for quick answers, and at most `fresh_s` (seconds) behind what is known."""

    def __init__(
        self, *, travel: TravelProvider, fresh_s: float, monotonic_s: Callable[[], float]
    ) -> None:
        self._travel = travel
        self._fresh_s = fresh_s
        self._now_s = monotonic_s
        self._read_at: float | None = None
        self._lock = asyncio.Lock()
        self._experts: dict[str, inputs.Expert] = {}
        self._spans: dict[str, Sequence[Span]] = {}
        self._versions: Mapping[str, int] = {}
        self._by_topic: Mapping[str, Sequence[inputs.Expert]] = {}
        self._pools: Mapping[str, inputs.Pool] = {}
        self._rivals = _Rivals()
        self._ways: OrderedDict[str, dict[str, int]] = OrderedDict()

    async def refresh(self, tx: Transaction) -> None:
        """Read what has changed, where the last look was long enough ago."""
        async with self._lock:
            now = self._now_s()
            if self._read_at is not None and now < self._read_at + self._fresh_s:
                return
            await self._refresh_experts(tx)
            await self._refresh_rivals(tx)
            self._read_at = now

    async def _refresh_experts(self, tx: Transaction) -> None:
        versions = await tx.world.expert_versions()
        changed = [
            name for name, version in versions.items() if self._versions.get(name) != version
        ]
        gone = self._experts.keys() - versions.keys()
        self._pools = await tx.world.pools()
        if not changed and not gone:
            return
        for name in gone:
            del self._experts[name], self._spans[name]
        for start in range(0, len(changed), PIECE):
            for one in await tx.world.experts_of(changed[start : start + PIECE]):
                self._experts[one.name] = one
                self._spans[one.name] = _joined(one.availability)
            await asyncio.sleep(0)
        by_topic: dict[str, list[inputs.Expert]] = defaultdict(list)
        for one in self._experts.values():
            for topic in {skill.topic for skill in one.skills}:
                by_topic[topic].append(one)
        self._by_topic, self._versions = by_topic, versions
        self._ways.clear()  # homes may have moved

    async def _refresh_rivals(self, tx: Transaction) -> None:
        rivals = self._rivals
        versions = await tx.world.waiting_versions()
        changed = [
            name for name, version in versions.items() if rivals.versions.get(name) != version
        ]
        gone = rivals.kinds.keys() - versions.keys()
        if not changed and not gone:
            return
        for name in gone:
            del rivals.kinds[name], rivals.windows[name]
        for start in range(0, len(changed), PIECE):
            found = await tx.world.requests(changed[start : start + PIECE])
            for one in found.values():
                rivals.kinds[one.name] = (one.topic, one.level)
                rivals.windows[one.name] = [_span(window) for window in one.windows]
            await asyncio.sleep(0)
        by_kind: dict[tuple[str, Level], list[str]] = defaultdict(list)
        for name, kind in rivals.kinds.items():
            by_kind[kind].append(name)
        rivals.by_kind, rivals.versions = by_kind, versions

    async def rank(self, asked: Asked, tx: Transaction) -> Ranked:
        """How many are eligible at all, and what speaks for each window.

        The chance is free people over free people and rivals: requests that wait with a window that overlaps this one, for
        the same topic and level. It says nothing of need and fairness, which decide when people are short.
        """
        await self.refresh(tx)
        periods = (*asked.windows, *asked.look)
        if not periods:
            return Ranked((), (), 0, 0)
        on = min(period.start_time for period in periods).astimezone(LOCAL).date()
        able = [
            one
            for one in self._by_topic.get(asked.topic, ())
            if _eligible(one, asked, self._pools, on)
        ]
        way_min = self._way_min(asked, able)
        first, last = on, max(period.end_time for period in periods).astimezone(LOCAL).date()
        busy = _Busy(
            await tx.assignments.busy(
                [one.name for one in able],
                period=Period(
                    _midnight(first - timedelta(days=first.weekday())),
                    _midnight(last + timedelta(days=7 - last.weekday())),
                ),
            )
        )
        rivals = [
            (name, self._rivals.windows[name])
            for name in self._rivals.by_kind.get((asked.topic, asked.level), ())
        ]
        seen: dict[Period, tuple[RankedWindow, set[str], set[str]]] = {}
        for period in dict.fromkeys(periods):
            window, day = _span(period), _Day.of(period)
            free = {
                one.name
                for one in able
                if _free(
                    one,
                    self._spans[one.name],
                    window,
                    asked=asked,
                    way_min=way_min[one.name],
                    busy=busy,
                    day=day,
                )
            }
            against = {
                name
                for name, windows in rivals
                if any(start < window[1] and window[0] < end for start, end in windows)
            }
            ranked = RankedWindow(period, len(free), _chance(free, against))
            seen[period] = (ranked, free, against)
        return Ranked(
            windows=sorted(
                (seen[period][0] for period in asked.windows),
                key=lambda one: (-one.chance, -one.free, one.window.start_time),
            ),
            looked=[seen[period][0] for period in asked.look],
            eligible=len(able),
            chance=_together([seen[period] for period in asked.windows]),
        )

    def _way_min(self, asked: Asked, experts: Sequence[inputs.Expert]) -> Mapping[str, int]:
        """Minutes from each one's home to the venue; 0 where everybody speaks from home."""
        if asked.mode in (Mode.REMOTE, Mode.EITHER):
            return {one.name: 0 for one in experts}
        known = self._ways.setdefault(f"{asked.venue.name} {asked.venue.point}", {})
        missing = [one for one in experts if one.name not in known]
        if missing:
            point = asked.venue.point
            ground = [
                Place(
                    GroundPoint(lat=point.latitude, lon=point.longitude),
                    last_mile_km=asked.venue.last_mile_km,
                )
            ]
            for one in missing:
                assert one.home_area is not None, "nobody without a home is eligible"
                ground.append(
                    Place(GroundPoint(lat=one.home_area.latitude, lon=one.home_area.longitude))
                )
            minutes = self._travel.minutes(ground)
            for index, one in enumerate(missing, start=1):
                known[one.name] = int(minutes[index, 0])
        self._ways.move_to_end(f"{asked.venue.name} {asked.venue.point}")
        while len(self._ways) > VENUES_KEPT:
            self._ways.popitem(last=False)
        return known


class _Busy:
    """Who is where already."""

    def __init__(self, engaged: Iterable[tuple[str, Period]]) -> None:
        self.spans: dict[str, list[Span]] = defaultdict(list)
        self.per_day: Counter[tuple[str, date]] = Counter()
        self.per_week: Counter[tuple[str, date]] = Counter()
        for expert, period in engaged:
            day = period.start_time.astimezone(LOCAL).date()
            self.spans[expert].append(_span(period))
            self.per_day[expert, day] += 1
            self.per_week[expert, day - timedelta(days=day.weekday())] += 1


@dataclass(frozen=True, slots=True)
class _Day:
    """The local day of a window, told once for everybody who is asked; `midnight` in minutes since 1970."""

    on: date
    monday: date
    midnight: int

    @classmethod
    def of(cls, period: Period) -> "_Day":
        day = period.start_time.astimezone(LOCAL).date()
        midnight = int(_midnight(day).timestamp()) // 60
        return cls(day, day - timedelta(days=day.weekday()), midnight)


def _eligible(
    expert: inputs.Expert, asked: Asked, pools: Mapping[str, inputs.Pool], on: date
) -> bool:
    """Everything about a lead that does not depend on the time of day; they have the topic."""
    path = asked.venue.node_path
    spoken = asked.form in (Form.LECTURE, Form.REPORT)
    return (
        expert.home_area is not None
        and expert.state is not inputs.ExpertState.WITHDRAWN
        and (not asked.named_expert or expert.name == asked.named_expert)
        and (not asked.roles or expert.role in asked.roles)
        and asked.group in expert.audiences
        and asked.form in expert.forms
        and asked.level in expert.levels
        and (asked.group is not Group.YOUTH or any(one.covers(on) for one in expert.clearances))
        and any(
            membership.term.covers(on)
            and (pool := pools.get(membership.pool)) is not None
            and (
                pool.owner in path
                or any(one.node in path and one.term.covers(on) for one in pool.agreements)
            )
            for membership in expert.memberships
        )
        and (not spoken or expert.talk_for(topic=asked.topic, group=asked.group, on=on) is not None)
    )


def _free(
    expert: inputs.Expert,
    spans: Sequence[Span],
    window: Span,
    *,
    asked: Asked,
    way_min: int,
    busy: _Busy,
    day: _Day,
) -> bool:
    """Whether they could be there and back inside one of their own free periods, somewhere in the window."""
    limits = expert.limits
    if (
        (2 * way_min > limits.travel_min_per_day and not limits.nights_away)
        or busy.per_day[expert.name, day.on] >= limits.per_day
        or busy.per_week[expert.name, day.monday] >= limits.per_week
    ):
        return False
    earliest = max(window[0], day.midnight + limits.earliest_min)
    latest = min(window[1], day.midnight + limits.latest_min)
    taken = busy.spans.get(expert.name, ())
    for place in range(max(0, bisect_right(spans, (window[0], window[0])) - 1), len(spans)):
        begins, ends = spans[place]
        if begins >= window[1]:
            return False
        start, end = max(earliest, begins + way_min), min(latest, ends - way_min)
        if start + asked.duration_min <= end and not any(
            one < end + way_min and start - way_min < other for one, other in taken
        ):
            return True
    return False


def _chance(free: set[str], against: set[str]) -> int:
    return min(CHANCE_MAX, 100 * len(free) // (len(free) + len(against))) if free else 0


def _together(seen: Sequence[tuple[RankedWindow, set[str], set[str]]]) -> int:
    """Of all windows at once: whoever is free in any, over these and whoever competes in any; never below the best one."""
    if not seen:
        return 0
    free = set().union(*(one for _, one, _ in seen))
    against = set().union(*(one for _, _, one in seen))
    return max(_chance(free, against), *(ranked.chance for ranked, _, _ in seen))


def _joined(periods: Iterable[Period]) -> Sequence[Span]:
    """Sorted, and those that touch or overlap as one."""
    joined: list[Span] = []
    for start, end in sorted(_span(period) for period in periods):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _span(period: Period) -> Span:
    return int(period.start_time.timestamp()) // 60, int(period.end_time.timestamp()) // 60


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), LOCAL)
