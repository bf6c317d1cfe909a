"""Why a request is not served, why somebody has a seat, and the cheapest change that would serve a request.

Nothing here solves the round again: a why-not passes everybody through the filters in their fixed order and names the one
that leaves nobody.
"""

import dataclasses
import enum
import functools
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from services.scheduling.optimizer.candidates import Candidate, starts_of
from services.scheduling.optimizer.check import violations
from services.scheduling.optimizer.filters import ALWAYS, DAILY, LIMITS, Ints, Mask, People
from services.scheduling.optimizer.loaded import Loaded
from services.scheduling.optimizer.nearby import Nearby
from services.scheduling.optimizer.problem import DAY_MIN, Assignment, Mode, Plan, Problem
from services.scheduling.optimizer.relaxing import Repair, cheapest_repair
from services.scheduling.optimizer.sifting import (
    COUNTED,
    COUNTS,
    NO_START,
    REASON,
    RULE,
    RULES,
    SEAT_ASKED,
    UNTOLD,
)
from services.scheduling.optimizer.tours import Draft

__all__ = [
    "Code",
    "Explainer",
    "Reason",
    "Repair",
    "SeatWhy",
    "WhyNot",
    "cheapest_repair",
    "why",
    "why_not",
]

UNCOUNTED = 10**6
"""More visits than anybody could have."""
CLOSEST_MAX = 10
"""So many people or requests are named at most."""


class Reason(enum.Enum):
    """Why a request is not served, in the order of the wire's `WhyNot`."""

    NOBODY_ELIGIBLE = 1
    NOT_FREE = 2
    TOO_FAR = 3
    LIMITS_USED_UP = 4
    SEAT_MISSING = 5
    DISPLACED = 6
    RULED_OUT = 7


@dataclasses.dataclass(frozen=True, slots=True)
class WhyNot:
    """The first filter that leaves nobody for a required seat, given everything else in the plan.

    The filters, in their order; `rule` is the referee's name for the one that empties the set, `counts[n]` how many people
    are left for `seat` after the nth of `filters.FILTERS`, the last count being 0 where one of these filters emptied it:

    * RULED_OUT, whoever might come. `rule` is `in_request_window` or `lead_time` where no start is possible, `caps_kept`
      (`requests`: those served under the cap) or `series_spaced` (`requests`: those too near). `seat` -1, no `experts`.
    * NOBODY_ELIGIBLE. `rule` from `named_only_leads` to `talk_approved`; `experts`: who failed at that filter, nearest to
      passing first. A forbid that leaves nobody is RULED_OUT with `forbids_kept`.
    * NOT_FREE, `in_availability`. `experts`: the eligible, nearest home first.
    * TOO_FAR, `leaves_in_window`, `home_in_window` or `travel_per_day`: not there and back on one day, nor with a night
      away beside what else the person has in this plan. `experts`: the free, nearest home first.
    * LIMITS_USED_UP, `per_round`, `per_week`, `per_day` or `rest_days`. `experts`: who would be near and free; `requests`:
      their engagements in this plan that use the limit up, the least needed first.
    * RULED_OUT with `quota_kept` or `budgets_kept`; `experts`: whom it concerns, `requests`: those it was used for.
    * SEAT_MISSING: each seat could be filled, not all together. `rule` is `team_together` where there is no start at which
      every seat has somebody, `person_once` where they are not enough different people; `seat`: the one with the fewest.
    * DISPLACED: somebody's day is taken. `rule`: what adding the visit to the day of the first of `experts` would break;
      `requests`: those whose going would set one of them free, the least needed first.
    * RULED_OUT with `forbids_kept`, `quota_kept` or `budgets_kept`: the people are there, but no team of them may be.
    * Nothing is in the way (a search that ended early): DISPLACED with an empty `rule`; `experts`: a team that could come.
    """

    request: int
    reason: Reason
    rule: str
    seat: int
    experts: tuple[int, ...]
    requests: tuple[int, ...]
    counts: tuple[int, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Code:
    """What `WhyNot` says of the request, without naming anybody. `rule` is None where somebody's day is taken: what adding the
    visit would break there takes a look at those people, as `why_not` does.
    """

    request: int
    reason: Reason
    rule: str | None
    seat: int
    counts: tuple[int, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class SeatWhy:
    """Why `expert` has `seat`: their fit in the unit of need, the minutes of travel that the visit adds to their days, and who
    else could have come at that time beside everything else in the plan, best first, at most 10.
    """

    seat: int
    expert: int
    fit: int
    travel_min_added: int
    others: tuple[int, ...]


def why_not(problem: Problem, plan: Plan, request: int) -> WhyNot:
    """Why `plan`, which breaks no rule, does not serve `request`. For many requests of one plan use `Explainer`.

    Raises:
        ValueError: the plan does serve it.
    """
    return Explainer(problem, plan).why_not(request)


def why(problem: Problem, plan: Plan, request: int) -> tuple[SeatWhy, ...]:
    """Why each filled seat of a served request has whom it has, in the order of the seats.

    Raises:
        ValueError: the plan does not serve it.
    """
    return Explainer(problem, plan).why(request)


@dataclasses.dataclass(frozen=True, slots=True)
class _Left:
    """Who is left for a seat after some filters: visit `i` is by `expert[i]` at `start[i]`, from home where `remote[i]`.

    Ordered by expert, start, on site first; `counts` has how many people were left after each filter.
    """

    expert: Ints
    start: Ints
    remote: Mask
    counts: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.expert)

    @property
    def experts(self) -> list[int]:
        return [int(one) for one in np.unique(self.expert)]

    @property
    def triples(self) -> list[tuple[int, int, bool]]:
        return list(
            zip(self.expert.tolist(), self.start.tolist(), self.remote.tolist(), strict=True)
        )

    def only(self, mask: Mask) -> "_Left":
        """Those visits, counted as one more filter."""
        expert = self.expert[mask]
        return _Left(
            expert, self.start[mask], self.remote[mask], (*self.counts, len(np.unique(expert)))
        )


class _EmptiedError(Exception):
    """A filter has left nobody."""

    def __init__(self, why_not: WhyNot) -> None:
        super().__init__(why_not.rule)
        self.why_not = why_not


class Explainer:
    """Answers about one plan."""

    def __init__(self, problem: Problem, plan: Plan, *, loaded: Loaded | None = None) -> None:
        """`loaded`: problem and plan as arrays, where they have been made before."""
        self._problem = problem
        self._plan = plan
        self._loading = loaded
        self._nearby = Nearby(problem)
        self._draft = self._nearby.draft(plan)
        self._people = People(problem)
        self._home = np.array([one.home for one in problem.experts], dtype=np.int64)

    def why_not(self, request: int) -> WhyNot:
        """See `why_not`."""
        if request in self._draft.teams:
            raise ValueError(f"the plan serves request {request}")
        try:
            return self._sifted(request)
        except _EmptiedError as emptied:
            return emptied.why_not

    def codes(self, requests: Iterable[int]) -> list[Code]:
        """The reasons of many requests at once, in their order: `why_not` without names, some 0.1 ms each.

        Raises:
            ValueError: the plan does serve one of them.
        """
        asked = np.array(list(requests), dtype=np.int64)
        for request in asked[self._loaded.state.start[asked] >= 0].tolist():
            raise ValueError(f"the plan serves request {request}")
        found = self._loaded.sifted(asked)
        return [
            self._code(request, row)
            for request, row in zip(asked.tolist(), found.tolist(), strict=True)
        ]

    def _code(self, request: int, row: Sequence[int]) -> Code:
        rule: str | None = None if row[RULE] == UNTOLD else RULES[row[RULE]]
        if row[RULE] == NO_START:
            rule = self._no_start(request)
        counts = tuple(row[COUNTS : COUNTS + row[COUNTED]])
        return Code(request, Reason(row[REASON]), rule, row[SEAT_ASKED], counts)

    @functools.cached_property
    def _loaded(self) -> Loaded:
        return self._loading or Loaded(self._problem, self._plan)

    def _no_start(self, index: int) -> str:
        """Which rule leaves the request no start at all."""
        early = dataclasses.replace(self._problem.requests[index], ready_at=0)
        return "lead_time" if starts_of(self._problem, early) else "in_request_window"

    def _sifted(self, request: int) -> WhyNot:
        starts = self._starts(request)
        seats = self._nearby.required(request)
        eligible = {seat: self._eligible(request, seat, starts) for seat in seats}
        free = {seat: self._free(request, seat, eligible[seat]) for seat in seats}
        near = {seat: self._near(request, seat, free[seat]) for seat in seats}
        left = {seat: self._within_limits(request, seat, near[seat]) for seat in seats}
        left = {seat: self._paid_for(request, seat, left[seat]) for seat in seats}
        self._together(request, left)
        self._undisturbed(request, left)
        return self._may_be_a_team(request, left)

    def _starts(self, index: int) -> list[int]:
        """The starts that windows, lead time, caps and series leave."""
        problem = self._problem
        starts = self._nearby.starts(index)
        if not starts:
            rule = self._no_start(index)
            raise _EmptiedError(WhyNot(index, Reason.RULED_OUT, rule, -1, (), (), ()))
        full = [
            cap.requests & self._draft.teams.keys()
            for cap in problem.caps
            if index in cap.requests
            and len(cap.requests & self._draft.teams.keys()) >= cap.served_max
        ]
        if full:
            served = self._cheapest(full[0])
            raise _EmptiedError(WhyNot(index, Reason.RULED_OUT, "caps_kept", -1, (), served, ()))
        opened = [start for start in starts if self._draft.opens(index, start)]
        if not opened:
            near = {
                other
                for series in problem.series
                if index in series.requests
                for other in series.requests
                if other in self._draft.teams
            }
            raise _EmptiedError(
                WhyNot(index, Reason.RULED_OUT, "series_spaced", -1, (), self._cheapest(near), ())
            )
        return opened

    def _eligible(self, index: int, seat: int, starts: Sequence[int]) -> _Left:
        people = np.ones(len(self._problem.experts), dtype=np.bool_)
        counts: list[int] = []
        for place, (name, passes) in enumerate(ALWAYS):
            left = people & passes(self._people, index, seat)
            counts.append(int(left.sum()))
            if not counts[-1]:
                reason = Reason.RULED_OUT if name == "forbids_kept" else Reason.NOBODY_ELIGIBLE
                lacks = np.zeros(len(people), dtype=np.int64)
                for _, later in ALWAYS[place + 1 :]:
                    lacks += ~later(self._people, index, seat)
                before = np.flatnonzero(people).tolist()
                closest = self._closest(index, before, lacks.tolist().__getitem__)
                raise _EmptiedError(WhyNot(index, reason, name, seat, closest, (), tuple(counts)))
            people = left
        return self._on_days(index, seat, starts, np.flatnonzero(people), counts)

    def _on_days(
        self, index: int, seat: int, starts: Sequence[int], experts: Ints, counts: list[int]
    ) -> _Left:
        """The visits of these experts on days on which they may come."""
        at = np.array(starts, dtype=np.int64)
        days = np.array(sorted({start // DAY_MIN for start in starts}), dtype=np.int64)
        may = np.ones((len(experts), len(days)), dtype=np.bool_)
        for name, period in DAILY:
            first, until = period(self._people, index, seat)
            first = np.broadcast_to(first, until.shape)
            held = may & (first[experts, None] <= days) & (days < until[experts, None])
            counts.append(int(held.any(axis=1).sum()))
            if not counts[-1]:
                closest = self._closest(index, experts[may.any(axis=1)].tolist())
                raise _EmptiedError(
                    WhyNot(index, Reason.NOBODY_ELIGIBLE, name, seat, closest, (), tuple(counts))
                )
            may = held
        modes = {Mode.ON_SITE: (False,), Mode.REMOTE: (True,), Mode.EITHER: (False, True)}
        remote = np.array(modes[self._problem.requests[index].seats[seat].mode])
        who, when = np.nonzero(may[:, np.searchsorted(days, at // DAY_MIN)])
        return _Left(
            np.repeat(experts[who], len(remote)),
            np.repeat(at[when], len(remote)),
            np.tile(remote, len(who)),
            tuple(counts),
        )

    def _free(self, index: int, seat: int, left: _Left) -> _Left:
        passed = self._window_of(left, self._problem.requests[index].duration_min) >= 0
        return self._sieved(index, seat, left, passed, emptied=(Reason.NOT_FREE, "in_availability"))

    def _window_of(self, left: _Left, duration_min: int) -> Ints:
        """Which of the day's windows holds each visit, by its place in `_windows`; -1 for none."""
        opens, closes = self._windows
        day = left.start // DAY_MIN
        found = np.full(len(left), -1, dtype=np.int64)
        for window in range(opens.shape[2] - 1, -1, -1):
            inside = (opens[left.expert, day, window] <= left.start) & (
                left.start + duration_min <= closes[left.expert, day, window]
            )
            found[inside] = window
        return found

    @functools.cached_property
    def _windows(self) -> tuple[Ints, Ints]:
        """Opening and closing by expert, day and window of that day; what is not there closes before it opens."""
        people, days = self._problem.experts, self._problem.days
        cut: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for expert, who in enumerate(people):
            for window in who.windows:
                day = window.start // DAY_MIN
                low = max(window.start, day * DAY_MIN + who.limits.earliest)
                high = min(window.end, day * DAY_MIN + who.limits.latest)
                if low < high and day < days:
                    cut.setdefault((expert, day), []).append((low, high))
        most = max((len(one) for one in cut.values()), default=0)
        opens = np.full((len(people), days, most), 1, dtype=np.int64)
        closes = np.zeros_like(opens)
        for (expert, day), windows in cut.items():
            for place, (low, high) in enumerate(windows):
                opens[expert, day, place] = low
                closes[expert, day, place] = high
        return opens, closes

    def _near(self, index: int, seat: int, left: _Left) -> _Left:
        """There and back on one day in an empty diary, or with nights away next to other visits of this plan."""
        problem, request = self._problem, self._problem.requests[index]
        travel, place = problem.travel_min, request.place
        ways = {
            home: (travel[home][place], travel[place][home])
            for home in np.unique(self._home[left.expert]).tolist()
        }
        both = np.array([ways[home] for home in self._home[left.expert].tolist()]).reshape(-1, 2)
        both[left.remote] = 0
        opens, closes = self._windows
        window = self._window_of(left, request.duration_min)
        day = left.start // DAY_MIN
        off = left.start - both[:, 0] >= opens[left.expert, day, window]
        back = left.start + request.duration_min + both[:, 1] <= closes[left.expert, day, window]
        within = both.sum(axis=1) <= self._travel_max[left.expert]
        passed = off & back & within
        for i in np.flatnonzero(~passed & ~left.remote & (self._beside(left) > 0)).tolist():
            passed[i] = self._on_tour(
                Assignment(index, seat, int(left.expert[i]), int(left.start[i]))
            )
        late = {
            "travel_per_day": int((~passed & ~within).sum()),
            "home_in_window": int((~passed & within & off).sum()),
            "leaves_in_window": int((~passed & within & ~off).sum()),
        }
        rule = max(late, key=lambda one: (late[one], one))
        return self._sieved(index, seat, left, passed, emptied=(Reason.TOO_FAR, rule))

    @functools.cached_property
    def _travel_max(self) -> Ints:
        limits = [one.limits.travel_min_per_day_max for one in self._problem.experts]
        return np.array(limits, dtype=np.int64)

    @functools.cached_property
    def _visits(self) -> Ints:
        """Visits of this plan by expert and day."""
        found = np.zeros((len(self._problem.experts), self._problem.days), dtype=np.int64)
        for (expert, day), stops in self._draft.days.items():
            found[expert, day] = len(stops)
        return found

    def _beside(self, left: _Left) -> Ints:
        """Visits of the same person on the day, the day before and the day after."""
        padded = np.pad(self._visits, ((0, 0), (1, 1)))
        around = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
        found: Ints = around[left.expert, left.start // DAY_MIN]
        return found

    def _on_tour(self, assignment: Assignment) -> bool:
        """Whether a night away beside the person's other visits would do, were it not for how many those are."""
        who = self._problem.experts[assignment.expert]
        if assignment.remote or not who.limits.nights_max:
            return False
        tour = self._uncounted.placed(assignment.expert, self._nearby.visit(assignment))
        return tour is not None

    @functools.cached_property
    def _uncounted(self) -> Draft:
        """The plan, were there no limit on the number of visits."""
        people = tuple(
            dataclasses.replace(
                one,
                limits=dataclasses.replace(
                    one.limits,
                    per_day_max=UNCOUNTED,
                    per_week_max=UNCOUNTED,
                    per_round_max=UNCOUNTED,
                    rest_days_per_week=0,
                ),
            )
            for one in self._problem.experts
        )
        return Nearby(dataclasses.replace(self._problem, experts=people)).draft(self._plan)

    def _within_limits(self, index: int, seat: int, left: _Left) -> _Left:
        """One limit after the other, with what the plan and the time before the round have used of it."""
        for name in LIMITS:
            passed = ~self._full(name)[left.expert, left.start // DAY_MIN]
            by: set[int] = set()
            if not passed.any():
                pairs = {(expert, start // DAY_MIN) for expert, start, _ in left.triples}
                by = {r for pair in pairs for r in self._used_up(name, *pair)}
            left = self._sieved(
                index, seat, left, passed, emptied=(Reason.LIMITS_USED_UP, name), requests=by
            )
        return left

    @functools.cache  # noqa: B019 - lives as long as the explainer
    def _full(self, rule: str) -> Mask:
        """By expert and day: whether the limit leaves no room for one more visit."""
        problem, visits = self._problem, self._visits
        limits = [one.limits for one in problem.experts]
        week = np.array([(d + problem.first_weekday) // 7 for d in range(problem.days)])
        if rule == "per_day":
            full: Mask = visits >= np.array([one.per_day_max for one in limits])[:, None]
            return full
        if rule == "per_round":
            before = np.array([one.engaged_before_round for one in problem.experts])
            most = np.array([one.per_round_max for one in limits])
            return np.repeat((visits.sum(axis=1) + before >= most)[:, None], problem.days, axis=1)
        by_week = np.zeros((len(limits), int(week.max()) + 1), dtype=np.int64)
        if rule == "per_week":
            np.add.at(by_week.T, week, visits.T)
            by_week += np.array([one.engaged_before[: by_week.shape[1]] for one in problem.experts])
            most = np.array([one.per_week_max for one in limits])
            return np.asarray((by_week >= most[:, None])[:, week], dtype=np.bool_)
        np.add.at(by_week.T, week, (visits > 0).T)
        rest = np.array([7 - one.rest_days_per_week for one in limits])
        return np.asarray((by_week >= rest[:, None])[:, week] & (visits == 0), dtype=np.bool_)

    def _used_up(self, rule: str, expert: int, day: int) -> list[int]:
        """The requests of this plan that use up the limit of `day`, which is full."""
        problem = self._problem
        week = (day + problem.first_weekday) // 7
        days_of_week = [week * 7 - problem.first_weekday + n for n in range(7)]
        days = {"per_day": [day], "per_round": range(problem.days)}.get(rule, days_of_week)
        return [stop.request for one in days for stop in self._draft.days.get((expert, one), ())]

    def _paid_for(self, index: int, seat: int, left: _Left) -> _Left:
        """Whom quota and budget leave, each looked at alone."""
        problem, node = self._problem, self._problem.requests[index].node
        people = problem.experts
        used: dict[int, list[int]] = {}
        for assignment in self._plan.assignments:
            if problem.requests[assignment.request].node == node:
                used.setdefault(people[assignment.expert].pool, []).append(assignment.request)

        def agreed(expert: int) -> bool:
            pool = problem.pools[people[expert].pool]
            quota = [a.quota for a in pool.agreements if a.node == node]
            return node in pool.home_nodes or len(used.get(people[expert].pool, ())) < min(
                quota, default=0
            )

        experts = left.experts
        passed = np.isin(left.expert, [one for one in experts if agreed(one)])
        by = {request for expert in experts for request in used.get(people[expert].pool, ())}
        left = self._sieved(
            index, seat, left, passed, emptied=(Reason.RULED_OUT, "quota_kept"), requests=by
        )

        spare = [
            budget.cost_max
            - sum(
                people[a.expert].cost
                for a in self._plan.assignments
                if a.request in budget.requests
            )
            for budget in problem.budgets
            if index in budget.requests
        ]
        spent = {
            one
            for budget in problem.budgets
            if index in budget.requests
            for one in budget.requests
            if one in self._draft.teams
        }
        able = [
            one for one in left.experts if people[one].cost <= min(spare, default=people[one].cost)
        ]
        passed = np.isin(left.expert, able)
        return self._sieved(
            index, seat, left, passed, emptied=(Reason.RULED_OUT, "budgets_kept"), requests=spent
        )

    def _together(self, index: int, left: dict[int, _Left]) -> None:
        """Whether there is a start at which every required seat has somebody of their own."""
        if len(left) < 2:
            return
        by_start = {seat: _people_by_start(one.triples) for seat, one in left.items()}
        common = set.intersection(*(set(one) for one in by_start.values()))
        fewest = min(left, key=lambda seat: (len(left[seat].experts), -seat))
        if not common:
            rule = "team_together"
        elif not any(
            _different([by_start[seat][start] for seat in left]) for start in sorted(common)
        ):
            rule = "person_once"
        else:
            return
        raise _EmptiedError(
            WhyNot(
                index,
                Reason.SEAT_MISSING,
                rule,
                fewest,
                self._closest(index, left[fewest].experts),
                (),
                left[fewest].counts,
            )
        )

    def _undisturbed(self, index: int, left: dict[int, _Left]) -> None:
        """Whether the days of enough people have room, one start at a time."""
        placed = {
            seat: _people_by_start(
                triple for triple in one.triples if self._room(index, seat, triple)
            )
            for seat, one in left.items()
        }
        common = set.intersection(*(set(one) for one in placed.values()))
        if any(_different([placed[seat][start] for seat in left]) for start in sorted(common)):
            return
        tight = min(left, key=lambda seat: (sum(map(len, placed[seat].values())), seat))
        freed: dict[int, set[int]] = {}
        for expert, start, remote in left[tight].triples:
            candidate = Candidate(expert, start, remote, 0, 0)
            for gone in self._nearby.blockers(
                self._draft, index, tight, candidate, self._nearby.pinned
            ):
                freed.setdefault(expert, set()).update(gone)
        busy = [one for one in left[tight].experts if freed.get(one)] or left[tight].experts
        if not freed:  # it takes more than two to go
            days = {(expert, start // DAY_MIN) for expert, start, _ in left[tight].triples}
            for expert, day in sorted(days):
                theirs = {stop.request for stop in self._draft.days.get((expert, day), ())}
                freed.setdefault(expert, set()).update(theirs)
        closest = self._closest(
            index,
            busy,
            lambda one: min(
                (self._problem.requests[r].weight for r in freed.get(one, ())), default=0
            ),
        )
        by = {request for one in closest for request in freed.get(one, ())}
        triple = next(one for one in left[tight].triples if one[0] == closest[0])
        raise _EmptiedError(
            WhyNot(
                index,
                Reason.DISPLACED,
                self._broken_by(index, tight, triple),
                tight,
                closest,
                self._cheapest(by),
                left[tight].counts,
            )
        )

    def _broken_by(self, index: int, seat: int, triple: tuple[int, int, bool]) -> str:
        """The first of the referee's rules that the visit would break in the person's own days."""
        expert, start, remote = triple
        own = [a for a in self._plan.assignments if a.expert == expert]
        visit = Assignment(index, seat, expert, start, remote)
        nights = tuple(night for night in self._plan.nights if night.expert == expert)
        imagined = Plan(tuple(sorted([*own, visit])), nights)
        return next(
            (
                violation.rule
                for violation in violations(dataclasses.replace(self._problem, pins=()), imagined)
                if violation.expert == expert
            ),
            "one_place_at_a_time",
        )

    def _may_be_a_team(self, index: int, left: dict[int, _Left]) -> WhyNot:
        starts = sorted({start for one in left.values() for _, start, _ in one.triples})
        for start in starts:
            team = self._nearby.team(self._draft, index, start)
            if team is not None:
                people = tuple(
                    one.candidate.expert for one in sorted(team, key=lambda one: one.seat)
                )
                return WhyNot(index, Reason.DISPLACED, "", -1, people, (), ())
        without = {
            "forbids_kept": dataclasses.replace(self._problem, forbids=()),
            "budgets_kept": dataclasses.replace(self._problem, budgets=()),
        }
        rule = next(
            (name for name, freed in without.items() if self._team_under(freed, index, starts)),
            "quota_kept",
        )
        seat = min(left, key=lambda one: len(left[one].experts))
        return WhyNot(
            index,
            Reason.RULED_OUT,
            rule,
            seat,
            self._closest(index, left[seat].experts),
            (),
            left[seat].counts,
        )

    def _team_under(self, problem: Problem, index: int, starts: Sequence[int]) -> bool:
        nearby = Nearby(problem, eligibility=self._nearby.eligibility)
        draft = nearby.draft(self._plan)
        return any(nearby.team(draft, index, start) is not None for start in starts)

    # helpers of the filters

    def _sieved(
        self,
        index: int,
        seat: int,
        before: _Left,
        passed: Mask,
        *,
        emptied: tuple[Reason, str],
        requests: Iterable[int] = (),
    ) -> _Left:
        """What a filter has left; raises when that is nobody."""
        left = before.only(passed)
        if not len(left):
            raise _EmptiedError(
                WhyNot(
                    index,
                    *emptied,
                    seat,
                    self._closest(index, before.experts),
                    self._cheapest(requests),
                    left.counts,
                )
            )
        return left

    def _room(self, index: int, seat: int, triple: tuple[int, int, bool]) -> bool:
        expert, start, remote = triple
        visit = self._nearby.visit(Assignment(index, seat, expert, start, remote))
        return self._draft.placed(expert, visit) is not None

    def _closest(
        self, index: int, experts: Iterable[int], lacks: Callable[[int], int] = lambda _: 0
    ) -> tuple[int, ...]:
        place = self._problem.requests[index].place
        people, travel_min = self._problem.experts, self._problem.travel_min
        ordered = sorted(
            experts, key=lambda one: (lacks(one), travel_min[people[one].home][place], one)
        )
        return tuple(ordered[:CLOSEST_MAX])

    def _cheapest(self, requests: Iterable[int]) -> tuple[int, ...]:
        ordered = sorted(set(requests), key=lambda one: (self._problem.requests[one].weight, one))
        return tuple(ordered[:CLOSEST_MAX])

    # why

    def why(self, request: int) -> tuple[SeatWhy, ...]:
        """See `why`."""
        if request not in self._draft.teams:
            raise ValueError(f"the plan does not serve request {request}")
        team = self._draft.teams[request]
        without = self._draft.copy()
        without.remove(request)
        return tuple(self._seat_why(request, seat, without) for seat in sorted(team))

    def _seat_why(self, index: int, seat: int, without: Draft) -> SeatWhy:
        problem, request = self._problem, self._problem.requests[index]
        assignment = self._draft.teams[index][seat]
        beside = [one for one in self._draft.teams[index].values() if one.seat != seat]
        people = [one.expert for one in beside]
        cost = sum(problem.experts[one].cost for one in people)
        visit = self._nearby.visit(assignment)
        days = [visit.start // DAY_MIN + n for n in (-1, 0, 1)]
        added = sum(
            self._draft.travel_on(assignment.expert, day)
            - without.travel_on(assignment.expert, day)
            for day in days
        )
        others: dict[int, int] = {}
        free = Nearby(dataclasses.replace(problem, pins=()), eligibility=self._nearby.eligibility)
        for candidate in free.candidates(index, seat).get(assignment.start, ()):
            who = candidate.expert
            if who == assignment.expert or not without.may_join(index, people, who, cost):
                continue
            placed = without.placed(who, free.visit(free.seated(index, seat, candidate)))
            if placed is not None:
                others[who] = max(
                    others.get(who, -(10**9)), free.worth(index, seat, candidate) - placed[0]
                )
        best = sorted(others, key=lambda one: (-others[one], one))
        return SeatWhy(
            seat=seat,
            expert=assignment.expert,
            fit=self._nearby.eligibility.fit(
                request,
                request.seats[seat],
                problem.experts[assignment.expert],
                remote=assignment.remote,
            ),
            travel_min_added=added,
            others=tuple(best[:CLOSEST_MAX]),
        )


def _people_by_start(triples: Iterable[tuple[int, int, bool]]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    for expert, start, _ in triples:
        found.setdefault(start, set()).add(expert)
    return found


def _different(choices: Sequence[set[int]]) -> bool:
    """Whether each of the sets can give somebody of its own (Hall; augmenting paths)."""
    taken: dict[int, int] = {}

    def seated(place: int, tried: set[int]) -> bool:
        for person in choices[place] - tried:
            tried.add(person)
            if person not in taken or seated(taken[person], tried):
                taken[person] = place
                return True
        return False

    return all(seated(place, set()) for place in range(len(choices)))
