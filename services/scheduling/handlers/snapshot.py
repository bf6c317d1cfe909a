"""From what scheduling knows to the problem a solve sees: names become indices, instants minutes, agreements quotas.

A snapshot is made once, at freezing; whatever happens to experts and requests afterwards does not change it. Whoever has
its bytes can solve and check the round again.
"""

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from libs.geo.points import Point as GroundPoint
from libs.geo.travel import Place, TravelProvider
from services.scheduling.domain import inputs
from services.scheduling.domain.assignment import Assignment
from services.scheduling.domain.coverage import Key
from services.scheduling.domain.finding import Finding
from services.scheduling.domain.inputs import LOCAL, Form, Group, Level, Role, approved_until
from services.scheduling.domain.policy import policy_of
from services.scheduling.domain.round import Round
from services.scheduling.handlers.legend import (
    GivenTalk,
    Legend,
    LegendExpert,
    LegendRequest,
    RuledOut,
)
from services.scheduling.optimizer import problem as optimizer
from services.scheduling.optimizer.candidates import Eligibility
from services.scheduling.optimizer.problem import DAY_MIN

START_STEP_MIN = 15
OPTIONAL_SEAT_VALUE = 2
"""What a nice-to-have seat adds to need; a request weighs 10 when nobody says otherwise."""
WEIGHT = 10
WAITED_VALUE = 2
"""What each round a request was not served in adds to its weight: it keeps its place in the queue."""
SCHOOL_YEAR_MONTH = 9

_ROLES, _GROUPS, _FORMS, _LEVELS = tuple(Role), tuple(Group), tuple(Form), tuple(Level)
_MODES = {
    inputs.Mode.ON_SITE: optimizer.Mode.ON_SITE,
    inputs.Mode.REMOTE: optimizer.Mode.REMOTE,
    inputs.Mode.EITHER: optimizer.Mode.EITHER,
    None: optimizer.Mode.ON_SITE,
}


@dataclass(frozen=True, slots=True)
class Known:
    """What a snapshot is made of. `engaged`: what is published or offered elsewhere; `debts`: what is owed to whom."""

    experts: Sequence[inputs.Expert]
    pools: Mapping[str, inputs.Pool]
    nodes: Mapping[str, inputs.Node]
    venues: Mapping[str, inputs.Venue]
    requests: Sequence[inputs.Request]
    engaged: Sequence[Assignment]
    debts: Mapping[Key, int]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The problem, the names behind it, and what somebody should mend."""

    problem: optimizer.Problem
    legend: Legend
    findings: tuple[Finding, ...]


def snapshot(round: Round, known: Known, *, travel: TravelProvider) -> Snapshot:
    """The inputs of `round` as they are now."""
    return _Builder(round, known, travel).build()


class _Builder:
    """Names to indices; each method makes one part of the problem."""

    def __init__(self, round: Round, known: Known, travel: TravelProvider) -> None:
        self._round = round
        self._known = known
        self._travel = travel
        self._days = round.days
        self._first = round.horizon.start_date
        self._midnight = datetime.combine(self._first, datetime.min.time(), LOCAL)
        self._findings: list[Finding] = []
        self._ruled_out: list[RuledOut] = []
        self._places: dict[tuple[float, float, float], int] = {}
        self._ground: list[Place] = []
        self._engaged: dict[str, list[Assignment]] = defaultdict(list)
        for one in known.engaged:
            if one.round != round.name:
                self._engaged[one.expert].append(one)
        self._experts = [one for one in sorted(known.experts, key=_name) if self._serves(one)]
        self._expert_index = {one.name: index for index, one in enumerate(self._experts)}
        self._requests = [one for one in sorted(known.requests, key=_name) if self._askable(one)]
        self._topics = sorted({one.topic for one in self._requests})
        self._districts = sorted({one.district for one in self._requests})
        self._pool_keys = sorted({self._pool_key(one) for one in self._experts})
        self._class_of = [self._class(one) for one in self._requests]
        self._classes = sorted(set(self._class_of))

    def build(self) -> Snapshot:
        self._find_duplicates()
        self._find_unprepared()
        requests = tuple(self._request(index) for index in range(len(self._requests)))
        experts = tuple(self._expert(one) for one in self._experts)
        minutes = self._travel.minutes(self._ground)
        policy = policy_of(self._round.policy)
        bare = optimizer.Problem(
            days=self._days,
            first_weekday=self._first.weekday(),
            start_step_min=START_STEP_MIN,
            travel_min=tuple(tuple(row) for row in minutes.tolist()),
            topics=len(self._topics),
            districts=len(self._districts),
            nodes=len(self._classes),
            pools=tuple(self._pool(index) for index in range(len(self._pool_keys))),
            experts=experts,
            requests=requests,
            pins=(),
            forbids=(),
            promises=(),
            caps=tuple(self._caps()),
            budgets=(),
            series=tuple(self._series()),
            shares=(),
            policy=optimizer.Policy(
                name=policy.name,
                version=policy.version,
                fit_proficiency=policy.fit_proficiency,
                fit_on_site=policy.fit_on_site,
                prefer_named=policy.prefer_named,
                night_as_travel_min=policy.night_as_travel_min,
            ),
        )
        shares = tuple(self._shares(self._servable(bare)))
        problem = dataclasses.replace(bare, shares=shares)
        return Snapshot(problem, self._legend(), tuple(self._findings))

    # who is in

    def _serves(self, expert: inputs.Expert) -> bool:
        if expert.state is inputs.ExpertState.WITHDRAWN:
            return False
        if self._membership(expert) is None:
            self._find(
                "POOL_TERM_EXPIRED",
                expert.name,
                f"{expert.display_name}在这段时间不属于任何队伍；请续聘或办理退出",
                f"{expert.display_name} is in no pool in this period; renew the term or withdraw them",
            )
            return False
        if expert.home_area is None:
            self._find(
                "HOME_MISSING",
                expert.name,
                f"{expert.display_name}没有登记住地，无法计算路程；请补登",
                f"{expert.display_name} has no home area, so travel cannot be planned; add it",
            )
            return False
        return True

    def _askable(self, request: inputs.Request) -> bool:
        """Whether the problem can speak of it; else it is ruled out with its reason."""
        if request.venue not in self._known.venues:
            # its fact has not arrived: it waits for the next round rather than be refused
            self._find(
                "VENUE_UNKNOWN",
                request.name,
                "场地资料尚未送达，请稍后再试",
                "The venue's data has not arrived yet; try again in a moment",
            )
            return False
        named = _named(request)
        end = self._midnight + timedelta(days=self._days)
        if not self._windows(request) and any(one.end_time > end for one in request.windows):
            self._find(
                "LATER",
                request.name,
                "可选时间在本轮排期之后，留给下一轮",
                "Its windows lie after this round; it waits for the next",
            )
            return False
        if not self._windows(request):
            finding = Finding(
                "OUTSIDE_HORIZON",
                request.name,
                "可选时间都不在本轮排期之内，或提前量不够；请改时间，或留到下一轮",
                "None of its windows lies in this round with enough notice; change them or leave it for the next round",
            )
        elif named and named not in self._expert_index and (request.named_only or request.talk):
            finding = Finding(
                "NAMED_EXPERT_GONE",
                request.name,
                "指定的专家已不能安排；请改为不指定，或换一位",
                "The named expert cannot be matched any more; name nobody or somebody else",
            )
        else:
            return True
        self._findings.append(finding)
        self._ruled_out.append(RuledOut(self._legend_request(request), finding))
        return False

    def _find_duplicates(self) -> None:
        seen: dict[tuple[str, str, Group], str] = {}
        for request in self._requests:
            key = (request.venue, request.topic, request.group)
            if key in seen and not request.series:
                self._find(
                    "DUPLICATE_REQUEST",
                    request.name,
                    f"与 {seen[key]} 同一场地、同一主题、同一人群；若是重复，请退回其一",
                    f"Same venue, topic and group as {seen[key]}; return one if it is a duplicate",
                )
            seen.setdefault(key, request.name)

    def _find_unprepared(self) -> None:
        for expert in self._experts:
            if Group.YOUTH in expert.audiences and not self._clearance_until_day(expert):
                self._find(
                    "CLEARANCE_EXPIRED",
                    expert.name,
                    f"{expert.display_name}没有有效的未成年人工作核查，不能安排青少年活动；请更新",
                    f"{expert.display_name} has no valid clearance for work with minors; renew it",
                )
            if expert.talks and not any(self._approved_days(expert)):
                self._find(
                    "TALK_NOT_REVIEWED",
                    expert.name,
                    f"{expert.display_name}没有一个课题通过两项审核，不能主讲；请安排审核",
                    f"No talk of {expert.display_name} has passed both reviews, so they cannot lead; have them reviewed",
                )

    # experts

    def _membership(self, expert: inputs.Expert) -> tuple[str, int, int] | None:
        """Pool and days `[from, until)` of the term that covers most of the horizon."""
        terms = []
        for membership in expert.memberships:
            from_day = max(0, self._day(membership.term.start_date))
            until_day = self._until_day(membership.term.end_date)
            if from_day < until_day and membership.pool in self._known.pools:
                terms.append((from_day - until_day, membership.pool, from_day, until_day))
        return min(terms)[1:] if terms else None

    def _pool_key(self, expert: inputs.Expert) -> tuple[str, int, int]:
        membership = self._membership(expert)
        assert membership is not None, "_serves leaves out who is in no pool"
        return membership

    def _expert(self, expert: inputs.Expert) -> optimizer.Expert:
        assert expert.home_area is not None, "_serves leaves out who has no home"
        proficiency = {skill.topic: skill.proficiency for skill in expert.skills}
        limits = expert.limits
        return optimizer.Expert(
            home=self._place(expert.home_area),
            role=optimizer.Role[expert.role.name],
            pool=self._pool_keys.index(self._pool_key(expert)),
            skills=tuple(proficiency.get(topic, 0) for topic in self._topics),
            audiences=_mask(_GROUPS, expert.audiences),
            forms=_mask(_FORMS, expert.forms),
            levels=_mask(_LEVELS, expert.levels),
            approvals=tuple(
                optimizer.Approval(self._topics.index(topic), _mask(_GROUPS, groups), until_day)
                for topic, until_day, groups in self._approved_days(expert)
                if topic in self._topics
            ),
            windows=tuple(self._free(expert)),
            limits=optimizer.Limits(
                per_day_max=limits.per_day,
                per_week_max=limits.per_week,
                per_round_max=limits.per_round,
                travel_min_per_day_max=limits.travel_min_per_day,
                nights_max=limits.nights_away,
                rest_days_per_week=limits.rest_days_per_week,
                earliest=limits.earliest_min,
                latest=limits.latest_min,
            ),
            clearance_until_day=self._clearance_until_day(expert),
            engaged_before=self._engaged_before(expert),
            standby_max=expert.standby_per_day,
            cost=expert.cost_yuan,
        )

    def _approved_days(self, expert: inputs.Expert) -> Iterator[tuple[str, int, list[Group]]]:
        """Topic, first day on which it no longer holds, and the groups of each approved talk."""
        for talk in expert.talks:
            groups: dict[int, list[Group]] = defaultdict(list)
            for group in talk.audiences:
                ends = [approved_until(version, group) for version in talk.versions]
                until_day = self._day(max((one for one in ends if one), default=date.min))
                if until_day > 0:
                    groups[until_day].append(group)
            for until_day, heard_by in sorted(groups.items()):
                yield talk.topic, min(until_day, self._days), heard_by

    def _clearance_until_day(self, expert: inputs.Expert) -> int:
        """The first day that no clearance covers, counted from the horizon's start without a gap."""
        day = 0
        while day < self._days and any(
            clearance.covers(self._first + timedelta(days=day)) for clearance in expert.clearances
        ):
            day += 1
        return day

    def _free(self, expert: inputs.Expert) -> Iterator[optimizer.Window]:
        """Free windows, each inside one day; what is promised elsewhere is cut out with the way there and back."""
        taken = []
        for one in self._engaged[expert.name]:
            away_min = self._way_min(expert, one)
            taken.append(
                (
                    self._minute(one.period.start_time) - away_min,
                    self._minute_up(one.period.end_time) + away_min,
                )
            )
        pieces = []
        for period in expert.availability:
            start = max(0, self._minute_up(period.start_time))
            end = min(self._days * DAY_MIN, self._minute(period.end_time))
            while start < end:
                stop = min(end, (start // DAY_MIN + 1) * DAY_MIN)
                pieces.append((start, stop))
                start = stop
        for start, end in _without(_joined(pieces), sorted(taken)):
            yield optimizer.Window(start, end)

    def _way_min(self, expert: inputs.Expert, engagement: Assignment) -> int:
        """Minutes from home to where they are promised already, or 0 where they speak from home."""
        venue = self._known.venues.get(engagement.venue)
        if engagement.remote or venue is None or expert.home_area is None:
            return 0
        home = Place(GroundPoint(lat=expert.home_area.latitude, lon=expert.home_area.longitude))
        there = Place(
            GroundPoint(lat=venue.point.latitude, lon=venue.point.longitude),
            last_mile_km=venue.last_mile_km,
        )
        return int(self._travel.minutes([home, there]).max())

    def _engaged_before(self, expert: inputs.Expert) -> tuple[int, ...]:
        first_weekday = self._first.weekday()
        weeks = (self._days - 1 + first_weekday) // 7 + 1
        counted = Counter(
            (self._minute(one.period.start_time) // DAY_MIN + first_weekday) // 7
            for one in self._engaged[expert.name]
        )
        return tuple(counted.get(week, 0) for week in range(weeks))

    # pools, agreements and who pays

    def _class(self, request: inputs.Request) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What makes requests equal before pools: the pools they use freely, and the agreements they use."""
        path = request.node_path
        free, agreed = [], []
        for name, pool in sorted(self._known.pools.items()):
            if pool.owner in path:
                free.append(name)
                continue
            usable = [one for one in pool.agreements if one.node in path and self._in_term(one)]
            if usable:
                agreed.append(min(usable, key=lambda one: (path.index(one.node), one.name)).name)
        return tuple(free), tuple(agreed)

    def _in_term(self, agreement: inputs.Agreement) -> bool:
        """From the horizon's first day on: an agreement that begins later is the next round's."""
        return (
            self._day(agreement.term.start_date) <= 0
            and self._until_day(agreement.term.end_date) > 0
        )

    def _pool(self, index: int) -> optimizer.Pool:
        name, from_day, until_day = self._pool_keys[index]
        pool = self._known.pools[name]
        home = frozenset(i for i, (free, _) in enumerate(self._classes) if name in free)
        agreements: list[optimizer.Agreement] = []
        for agreement in pool.agreements:
            using = [i for i, (_, agreed) in enumerate(self._classes) if agreement.name in agreed]
            quotas = self._quotas(agreement, pool, using)
            agreements.extend(
                optimizer.Agreement(
                    node, quotas[index, node], self._until_day(agreement.term.end_date)
                )
                for node in using
            )
        return optimizer.Pool(from_day, until_day, home, tuple(agreements))

    def _quotas(
        self, agreement: inputs.Agreement, pool: inputs.Pool, using: Sequence[int]
    ) -> Mapping[tuple[int, int], int]:
        """What is left of the quota, split over (pool term, class) by members and requests: never more than is left."""
        used = sum(
            one.pool == pool.name
            and agreement.node in one.node_path
            and pool.owner not in one.node_path
            and agreement.term.covers(_local_day(one))
            for one in self._known.engaged
        )
        asked = Counter(self._classes.index(one) for one in self._class_of)
        members = Counter(self._pool_key(one) for one in self._experts)
        weights = {
            (index, node): members[key] * asked[node]
            for index, key in enumerate(self._pool_keys)
            if key[0] == pool.name
            for node in using
        }
        return _apportioned(max(0, agreement.quota - used), weights)

    # requests

    def _request(self, index: int) -> optimizer.Request:
        request = self._requests[index]
        venue = self._known.venues[request.venue]
        node = self._known.nodes.get(venue.node)
        named = self._expert_index.get(_named(request), -1)
        naming = optimizer.Naming.NONE
        if named >= 0:
            only = request.named_only or request.talk
            naming = optimizer.Naming.ONLY if only else optimizer.Naming.PREFERRED
        return optimizer.Request(
            place=self._place(
                venue.point, venue.last_mile_km, mountain=node.mountain if node else None
            ),
            node=self._classes.index(self._class_of[index]),
            district=self._districts.index(request.district),
            audience=_GROUPS.index(request.group),
            form=_FORMS.index(request.form),
            level=_LEVELS.index(request.level),
            topic=self._topics.index(request.topic),
            minors=request.group is Group.YOUTH,
            weight=weight_of(request),
            emergency=request.emergency_level,
            duration_min=request.duration_min,
            ready_at=self._ready_at(request),
            windows=tuple(optimizer.Window(*window) for window in self._windows(request)),
            seats=tuple(_seats(request)),
            naming=naming,
            named=named,
            standbys=request.standbys,
        )

    def _ready_at(self, request: inputs.Request) -> int:
        return max(0, self._minute_up(request.ready_time)) if request.ready_time else 0

    def _windows(self, request: inputs.Request) -> list[tuple[int, int]]:
        """Where it may take place inside the horizon and after its lead time; disjoint, ascending."""
        ready = self._ready_at(request)
        windows = []
        for window in request.windows:
            start = max(0, self._minute_up(window.start_time))
            end = min(self._days * DAY_MIN, self._minute(window.end_time))
            first = -(-max(start, ready) // START_STEP_MIN) * START_STEP_MIN
            if first + request.duration_min <= end:
                windows.append((start, end))
        return _joined(windows)

    def _caps(self) -> Iterator[optimizer.Cap]:
        """Visits a venue may still have this school year, and events a node may have in one round."""
        by_venue: dict[str, list[int]] = defaultdict(list)
        by_node: dict[str, list[int]] = defaultdict(list)
        for index, request in enumerate(self._requests):
            by_venue[request.venue].append(index)
            for node in request.node_path:
                by_node[node].append(index)
        for name, asking in sorted(by_venue.items()):
            venue = self._known.venues[name]
            left = self._visits_left(venue)
            if left == 0:
                self._find(
                    "CAP_REACHED",
                    name,
                    f"{venue.display_name}本学年的次数已用完",
                    f"{venue.display_name} has had all its visits of this school year",
                )
            if left is not None and left < len(asking):
                yield optimizer.Cap(frozenset(asking), left)
        for name, asking in sorted(by_node.items()):
            rules = self._known.nodes[name].policy if name in self._known.nodes else None
            if rules and rules.round_quota and rules.round_quota < len(asking):
                yield optimizer.Cap(frozenset(asking), rules.round_quota)

    def _visits_left(self, venue: inputs.Venue) -> int | None:
        """None without a cap (a cap of 0 is none). The school year is the first day's, from 1 September."""
        policies = (self._known.nodes[n].policy for n in venue.node_path if n in self._known.nodes)
        inherited = (rules.annual_cap for rules in policies if rules)
        cap = next((one for one in (venue.annual_cap, *inherited) if one is not None), 0)
        if not cap:
            return None
        first = self._first
        began = date(first.year - (first.month < SCHOOL_YEAR_MONTH), SCHOOL_YEAR_MONTH, 1)
        had = {
            one.request
            for one in self._known.engaged
            if one.venue == venue.name and _local_day(one) >= began
        }
        return max(0, cap - venue.visits_before - len(had))

    def _series(self) -> Iterator[optimizer.Series]:
        members: dict[str, list[int]] = defaultdict(list)
        for index, request in enumerate(self._requests):
            if request.series:
                members[request.series].append(index)
        for _, indices in sorted(members.items()):
            first = self._requests[indices[0]]
            ordered = sorted(indices, key=lambda i: (self._requests[i].series_place, i))
            if len(ordered) > 1:
                yield optimizer.Series(
                    tuple(ordered), first.series_spacing_days, first.series_continuity
                )

    def _servable(self, problem: optimizer.Problem) -> list[bool]:
        """For each request, whether every required seat has anybody at all."""
        eligibility = Eligibility(problem)
        servable = []
        for index, request in enumerate(problem.requests):
            able = all(
                next(eligibility.candidates(index, seat), None) is not None
                for seat, asked in enumerate(request.seats)
                if asked.required
            )
            servable.append(able)
            if not able:
                self._find(
                    "NOBODY_ELIGIBLE",
                    self._requests[index].name,
                    "目前没有人能承担；排出方案后可查看确切原因和最省事的办法",
                    "At present nobody could serve it; the plan will say exactly why, with the cheapest remedy",
                )
        return servable

    def _shares(self, servable: Sequence[bool]) -> Iterator[optimizer.Share]:
        """One per district that asked for what can be served: the worst coverage is what a plan raises first.

        What is owed to the groups that ask raises the target, so that who is behind looks worse off until served. A share
        for each group would not do: one that cannot be served beside the rest holds the floor at nothing for everybody.
        """
        asked: Counter[Key] = Counter()
        for request, able in zip(self._requests, servable, strict=True):
            if able and request.district:
                asked[request.district, request.group] += weight_of(request)
        targets: Counter[str] = Counter()
        for (district, group), weight in asked.items():
            targets[district] += weight + self._known.debts.get((district, group), 0)
        for district, target in sorted(targets.items()):
            yield optimizer.Share(
                self._districts.index(district), audience=-1, target=target, carried=0
            )

    # names

    def _legend(self) -> Legend:
        return Legend(
            start_date=self._first,
            travel=self._travel.label,
            topics=tuple(self._topics),
            districts=tuple(self._districts),
            district_names=tuple(
                self._known.nodes[name].display_name if name in self._known.nodes else name
                for name in self._districts
            ),
            experts=tuple(self._legend_expert(one) for one in self._experts),
            requests=tuple(self._legend_request(one) for one in self._requests),
            ruled_out=tuple(self._ruled_out),
        )

    def _legend_expert(self, expert: inputs.Expert) -> LegendExpert:
        talks = tuple(
            GivenTalk(talk.name, talk.title, talk.topic, group, version.number, until)
            for talk in expert.talks
            if talk.topic in self._topics
            for group in talk.audiences
            for version in reversed(talk.versions)
            if (until := approved_until(version, group)) and until > self._first
        )
        pool = self._pool_key(expert)[0]
        return LegendExpert(expert.name, expert.display_name, expert.role, pool, talks)

    def _legend_request(self, request: inputs.Request) -> LegendRequest:
        venue = self._known.venues[request.venue]
        return LegendRequest(
            name=request.name,
            title=request.title,
            venue=request.venue,
            venue_display_name=venue.display_name,
            group=request.group,
            district=request.district,
            weight=weight_of(request),
            topic=request.topic,
            node_path=request.node_path,
            point=venue.point,
            talk=request.talk,
            filed=request.create_time,
        )

    # time and place

    def _day(self, day: date) -> int:
        return (day - self._first).days

    def _until_day(self, end: date | None) -> int:
        """The first day of the horizon that a term no longer covers, at most the horizon's end."""
        return self._days if end is None else min(self._days, self._day(end))

    def _minute(self, at: datetime) -> int:
        return int((at - self._midnight).total_seconds() // 60)

    def _minute_up(self, at: datetime) -> int:
        return -int((self._midnight - at).total_seconds() // 60)

    def _place(
        self, point: inputs.Point, last_mile_km: float = 0.0, *, mountain: bool | None = None
    ) -> int:
        """Index of a place; whoever is at the same point shares it."""
        key = (point.latitude, point.longitude, last_mile_km)
        if key not in self._places:
            self._places[key] = len(self._ground)
            ground = GroundPoint(lat=point.latitude, lon=point.longitude)
            self._ground.append(Place(ground, mountain=mountain, last_mile_km=last_mile_km))
        return self._places[key]

    def _find(self, code: str, subject: str, message: str, message_en: str) -> None:
        self._findings.append(Finding(code, subject, message, message_en))


def weight_of(request: inputs.Request) -> int:
    """Need, with what waiting adds to it."""
    return (request.weight or WEIGHT) + WAITED_VALUE * request.times_unserved


def _seats(request: inputs.Request) -> Iterator[optimizer.Seat]:
    """One per place by the seats' counts; the first leads, and speaks only what is approved."""
    spoken = request.form in (Form.LECTURE, Form.REPORT)
    places = [seat for seat in request.seats for _ in range(max(1, seat.count))]
    for index, seat in enumerate(places):
        yield optimizer.Seat(
            roles=_mask(_ROLES, seat.roles or _ROLES),
            proficiency_min=seat.proficiency,
            required=not seat.optional,
            mode=_MODES[request.mode],
            approved_talk=spoken and index == 0,
            value=OPTIONAL_SEAT_VALUE if seat.optional else 0,
        )


def _named(request: inputs.Request) -> str:
    """Who is wished for: who is named, or whose talk it is."""
    return request.named_expert or request.talk.partition("/talks/")[0]


def _local_day(assignment: Assignment) -> date:
    return assignment.period.start_time.astimezone(LOCAL).date()


def _name(thing: inputs.Expert | inputs.Request) -> str:
    return thing.name


def _mask(all_of: Sequence[object], chosen: Iterable[object]) -> int:
    return sum(1 << all_of.index(one) for one in set(chosen))


def _joined(periods: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Disjoint, ascending; those of one day that overlap or touch become one."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(periods):
        if joined and start <= joined[-1][1] and start // DAY_MIN == joined[-1][0] // DAY_MIN:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def _without(
    periods: Iterable[tuple[int, int]], taken: Sequence[tuple[int, int]]
) -> Iterator[tuple[int, int]]:
    """What of `periods` is not `taken` (ascending)."""
    for begin, end in periods:
        start = begin
        for taken_start, taken_end in taken:
            if taken_end <= start or end <= taken_start:
                continue
            if start < taken_start:
                yield start, taken_start
            start = taken_end
        if start < end:
            yield start, end


def _apportioned(
    total: int, weights: Mapping[tuple[int, int], int]
) -> Mapping[tuple[int, int], int]:
    """`total` split in proportion to `weights` by largest remainders; sums to `total` unless all weights are 0."""
    whole = sum(weights.values())
    if not whole:
        return dict.fromkeys(weights, 0)
    parts = {key: total * weight // whole for key, weight in weights.items()}
    by_remainder = sorted(weights, key=lambda key: (-(total * weights[key] % whole), key))
    for key in by_remainder[: total - sum(parts.values())]:
        parts[key] += 1
    return parts
