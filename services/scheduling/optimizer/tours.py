"""A plan under construction: people's days, and what may still be added to them without breaking a rule."""

import dataclasses
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator

from services.scheduling.optimizer.candidates import Eligibility
from services.scheduling.optimizer.problem import (
    DAY_MIN,
    Assignment,
    NightAway,
    Plan,
    Problem,
    Standby,
)


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Stop:
    """One visit of a person's day, in minutes of the horizon; a remote one has the home as its place."""

    start: int
    end: int
    place: int
    request: int
    seat: int


class Draft:
    """Served requests with their teams, people's days by start, nights away, and every count a limit is about."""

    def __init__(self, problem: Problem, eligibility: Eligibility) -> None:
        self._problem = problem
        self._eligibility = eligibility
        self.teams: dict[int, dict[int, Assignment]] = {}
        self.days: dict[tuple[int, int], tuple[Stop, ...]] = {}
        self.nights: set[tuple[int, int]] = set()
        self._round: defaultdict[int, int] = defaultdict(int)
        self._quota: defaultdict[tuple[int, int], int] = defaultdict(int)
        self._caps: dict[int, list[int]] = defaultdict(list)
        for index, cap in enumerate(problem.caps):
            for request in cap.requests:
                self._caps[request].append(index)
        self._cap_used = [0] * len(problem.caps)
        self._budgets: dict[int, list[int]] = defaultdict(list)
        for index, budget in enumerate(problem.budgets):
            for request in budget.requests:
                self._budgets[request].append(index)
        self._spent = [0] * len(problem.budgets)
        self._series = {request: series for series in problem.series for request in series.requests}
        self._pairs = [f for f in problem.forbids if f.other >= 0]

    # what may be added

    def opens(self, request: int, start: int) -> bool:
        """Whether caps and the spacing of its series let the request be served at `start`."""
        if any(
            self._cap_used[cap] >= self._problem.caps[cap].served_max for cap in self._caps[request]
        ):
            return False
        series = self._series.get(request)
        return series is None or all(
            abs(self.start_of(other) // DAY_MIN - start // DAY_MIN) >= series.spacing_days
            for other in series.requests
            if other != request and other in self.teams
        )

    def start_of(self, request: int) -> int:
        """When a served request starts."""
        return next(iter(self.teams[request].values())).start

    def may_join(self, request: int, team: Iterable[int], expert: int, cost: int) -> bool:
        """Whether the person goes with a team that is not in the draft yet, and with its quotas and budgets; `cost`, what the
        team so far costs.
        """
        members = set(team)
        return self.goes_with(request, members, expert) and self.is_paid_for(
            request, members, expert, cost
        )

    def goes_with(self, request: int, team: Collection[int], expert: int) -> bool:
        """Whether the person is not in the team, nor must not be beside somebody who is."""
        if expert in team:
            return False
        for rule in self._pairs:
            other = rule.other if expert == rule.expert else rule.expert
            concerned = rule.request in (-1, request) and expert in (rule.expert, rule.other)
            if concerned and other in team:
                return False
        return True

    def is_paid_for(self, request: int, team: Iterable[int], expert: int, cost: int) -> bool:
        """Whether quotas and budgets allow the person, beside the draft and a team that is not in it yet."""
        who = self._problem.experts[expert]
        if any(
            self._spent[budget] + cost + who.cost > self._problem.budgets[budget].cost_max
            for budget in self._budgets[request]
        ):
            return False
        node, pool = self._problem.requests[request].node, self._problem.pools[who.pool]
        if node in pool.home_nodes:
            return True
        sharing = sum(self._problem.experts[member].pool == who.pool for member in team)
        # two agreements of one node and pool hold each for itself: the tightest binds
        quota = min((a.quota for a in pool.agreements if a.node == node), default=0)
        return self._quota[who.pool, node] + sharing < quota

    def placed(self, expert: int, stop: Stop) -> tuple[int, tuple[tuple[int, int], ...]] | None:
        """Minutes of travel the visit adds, and nights it needs, when the person's days and limits allow it; else None."""
        who, day = self._problem.experts[expert], stop.start // DAY_MIN
        limits = who.limits
        if self._round[expert] + who.engaged_before_round >= limits.per_round_max:
            return None
        before = self.days.get((expert, day), ())
        if len(before) >= limits.per_day_max:
            return None
        week = (day + self._problem.first_weekday) // 7
        days = [week * 7 - self._problem.first_weekday + n for n in range(7)]
        in_week = sum(len(self.days.get((expert, one), ())) for one in days)
        engaged = who.engaged_before[week] if week < len(who.engaged_before) else 0
        if in_week + engaged >= limits.per_week_max:
            return None
        if not before:
            worked = sum((expert, one) in self.days for one in days)
            if worked >= 7 - limits.rest_days_per_week:
                return None
        after = tuple(sorted((*before, stop)))
        was = self._travel(expert, day, before, self.nights) if before else 0
        assert was is not None
        now = self._travel(expert, day, after, self.nights)
        if now is not None:
            morning_min = self._morning(expert, day, before=before, after=after)
            if morning_min is not None:
                return now - was + morning_min, ()
        return self._with_night(expert, day, after, was)

    def _morning(
        self, expert: int, day: int, *, before: tuple[Stop, ...], after: tuple[Stop, ...]
    ) -> int | None:
        """Minutes that the next morning gets longer when a night away begins at another place; None when it cannot be."""
        if (expert, day) not in self.nights or before[-1].place == after[-1].place:
            return 0
        stops = self.days[expert, day + 1]
        trial = self.days | {(expert, day): after}
        now = self._travel(expert, day + 1, stops, self.nights, trial)
        was = self._travel(expert, day + 1, stops, self.nights)
        assert was is not None, "a day of the plan was broken before"
        return None if now is None else now - was

    def _with_night(
        self, expert: int, day: int, after: tuple[Stop, ...], was: int
    ) -> tuple[int, tuple[tuple[int, int], ...]] | None:
        limits = self._problem.experts[expert].limits
        spent = sum(1 for who, _ in self.nights if who == expert)
        spare = limits.nights_max - spent
        wanted = (((expert, day - 1),), ((expert, day),), ((expert, day - 1), (expert, day)))
        options = [
            nights
            for nights in wanted
            if len(nights) <= spare and not any(night in self.nights for night in nights)
        ]
        trial = self.days | {(expert, day): after}
        best: tuple[int, tuple[tuple[int, int], ...]] | None = None
        for nights in options:
            touched = [one for one in (day - 1, day, day + 1) if (expert, one) in trial]
            if any(
                (expert, one) not in trial or (expert, one + 1) not in trial for _, one in nights
            ):
                continue
            total = 0
            for one in touched:
                minutes = self._travel(
                    expert, one, trial[expert, one], self.nights | set(nights), trial
                )
                if minutes is None:
                    break
                total += minutes - (
                    was
                    if one == day
                    else self._travel(expert, one, self.days[expert, one], self.nights) or 0
                )
            else:
                if best is None or total < best[0]:
                    best = total, nights
        return best

    def _travel(
        self,
        expert: int,
        day: int,
        stops: tuple[Stop, ...],
        nights: set[tuple[int, int]],
        days: dict[tuple[int, int], tuple[Stop, ...]] | None = None,
    ) -> int | None:
        """Minutes on the road that day; None when a rule of the day is broken."""
        book = self.days if days is None else days
        who, travel = self._problem.experts[expert], self._problem.travel_min
        windows = self._eligibility.windows(expert, day)
        here = book[expert, day - 1][-1].place if (expert, day - 1) in nights else who.home
        lodges = (expert, day) in nights
        total, current, free_at = 0, -1, 0
        previous_end = -1
        for stop in stops:
            if stop.start < previous_end:
                return None
            index = next(
                (i for i, w in enumerate(windows) if w.start <= stop.start and stop.end <= w.end),
                -1,
            )
            if index < 0:
                return None
            if index != current:
                if current < 0 and index > 0 and (expert, day - 1) in nights:
                    return None  # after a night away the day begins in its first window
                if current >= 0:
                    home_min = travel[here][who.home]
                    if previous_end + home_min > windows[current].end:
                        return None
                    total += home_min
                    here = who.home
                free_at = windows[index].start
                current = index
            leg = travel[here][stop.place]
            if free_at + leg > stop.start:
                return None
            total += leg
            here, free_at, previous_end = stop.place, stop.end, stop.end
        if lodges and current != len(windows) - 1:
            return None  # a night away follows the day's last window
        if not lodges:
            home_min = travel[here][who.home]
            if previous_end + home_min > windows[current].end:
                return None
            total += home_min
        return total if total <= who.limits.travel_min_per_day_max else None

    # changes

    def add(
        self, assignment: Assignment, stop: Stop, nights: Iterable[tuple[int, int]] = ()
    ) -> None:
        """Put a visit that was found possible into the plan."""
        request, expert = assignment.request, assignment.expert
        if request not in self.teams:
            self.teams[request] = {}
            for cap in self._caps[request]:
                self._cap_used[cap] += 1
        self.teams[request][assignment.seat] = assignment
        key = (expert, stop.start // DAY_MIN)
        self.days[key] = tuple(sorted((*self.days.get(key, ()), stop)))
        self.nights.update(nights)
        self._round[expert] += 1
        self._count(request, expert, 1)

    def remove(self, request: int) -> None:
        """Take a request with its team out; nights that are no longer possible go, with everything that hung on them."""
        if request not in self.teams:
            return
        team = self.teams.pop(request)
        for cap in self._caps[request]:
            self._cap_used[cap] -= 1
        touched = []
        for assignment in team.values():
            expert, day = assignment.expert, assignment.start // DAY_MIN
            left = tuple(s for s in self.days[expert, day] if s.request != request)
            if left:
                self.days[expert, day] = left
            else:
                del self.days[expert, day]
            self._round[expert] -= 1
            self._count(request, expert, -1)
            touched.append((expert, day))
        for expert, day in touched:
            self._mend(expert, day)

    def _mend(self, expert: int, day: int) -> None:
        """Drop nights without two days; then visits of days that no longer work, one request at a time."""
        for night in ((expert, day - 1), (expert, day)):
            if night in self.nights and not (
                night in self.days and (expert, night[1] + 1) in self.days
            ):
                self.nights.discard(night)
        for one in (day - 1, day, day + 1):
            while (stops := self.days.get((expert, one))) and (
                self._travel(expert, one, stops, self.nights) is None
            ):
                self.remove(stops[-1].request)

    def _count(self, request: int, expert: int, by: int) -> None:
        who = self._problem.experts[expert]
        self._quota[who.pool, self._problem.requests[request].node] += by
        for budget in self._budgets[request]:
            self._spent[budget] += by * who.cost

    def alone(self, expert: int, without: Iterable[int] = ()) -> "Draft | None":
        """One person's days by themselves, for asking `placed`, with some requests taken out; None when what is left
        cannot stay as it is, because a night away hung on what was taken.
        """
        left = {
            (expert, day): tuple(stop for stop in stops if stop.request not in set(without))
            for day in range(self._problem.days)
            if (stops := self.days.get((expert, day)))
        }
        twin = object.__new__(Draft)
        twin.__dict__ = dict(self.__dict__)
        twin.days = {key: stops for key, stops in left.items() if stops}
        twin.nights = {
            (expert, day)
            for who, day in self.nights
            if who == expert and (expert, day) in twin.days and (expert, day + 1) in twin.days
        }
        twin._round = defaultdict(int, {expert: sum(len(stops) for stops in twin.days.values())})
        for (_, day), stops in twin.days.items():
            if self._travel(expert, day, stops, twin.nights, twin.days) is None:
                return None
        return twin

    def copy(self) -> "Draft":
        """Another draft that is the same now and changes alone."""
        twin = object.__new__(Draft)
        twin.__dict__ = dict(self.__dict__)
        twin.teams = {request: dict(team) for request, team in self.teams.items()}
        twin.days = dict(self.days)
        twin.nights = set(self.nights)
        twin._round = defaultdict(int, self._round)
        twin._quota = defaultdict(int, self._quota)
        twin._cap_used = list(self._cap_used)
        twin._spent = list(self._spent)
        return twin

    def travel_on(self, expert: int, day: int) -> int:
        """Minutes the person is on the road that day."""
        stops = self.days.get((expert, day))
        return self._travel(expert, day, stops, self.nights) or 0 if stops else 0

    def travel_total(self) -> int:
        """Minutes on the road over everybody and all days."""
        return sum(
            self._travel(expert, day, stops, self.nights) or 0
            for (expert, day), stops in self.days.items()
        )

    def assignments(self) -> Iterator[Assignment]:
        """Every assignment."""
        for team in self.teams.values():
            yield from team.values()

    def plan(self, standbys: Iterable[Standby] = ()) -> Plan:
        """The plan as a value."""
        return Plan(
            tuple(sorted(self.assignments())),
            tuple(sorted(NightAway(expert, day) for expert, day in self.nights)),
            tuple(sorted(standbys)),
        )
