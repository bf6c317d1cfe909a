"""Why a request is not served, why somebody has a seat, and the cheapest change that would serve a request.

Nothing here solves the round again: a why-not passes everybody through the filters in their fixed order and names the one
that leaves nobody.
"""

import dataclasses
import enum
import functools
from collections.abc import Callable, Iterable, Sequence

from services.scheduling.optimizer.candidates import Candidate, starts_of
from services.scheduling.optimizer.check import violations
from services.scheduling.optimizer.filters import ALWAYS, DAILY, LIMITS
from services.scheduling.optimizer.nearby import Nearby
from services.scheduling.optimizer.problem import DAY_MIN, Assignment, Mode, Plan, Problem, Window
from services.scheduling.optimizer.relaxing import Repair, cheapest_repair
from services.scheduling.optimizer.tours import Draft

__all__ = [
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
    """Who is left for a seat after some filters: `(expert, start, remote)`; how many people after each."""

    triples: tuple[tuple[int, int, bool], ...]
    counts: tuple[int, ...]

    @property
    def experts(self) -> list[int]:
        return sorted({expert for expert, _, _ in self.triples})


class _EmptiedError(Exception):
    """A filter has left nobody."""

    def __init__(self, why_not: WhyNot) -> None:
        super().__init__(why_not.rule)
        self.why_not = why_not


class Explainer:
    """Answers about one plan."""

    def __init__(self, problem: Problem, plan: Plan) -> None:
        self._problem = problem
        self._plan = plan
        self._nearby = Nearby(problem)
        self._draft = self._nearby.draft(plan)

    def why_not(self, request: int) -> WhyNot:
        """See `why_not`."""
        if request in self._draft.teams:
            raise ValueError(f"the plan serves request {request}")
        try:
            return self._sifted(request)
        except _EmptiedError as emptied:
            return emptied.why_not

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
        problem, request = self._problem, self._problem.requests[index]
        starts = self._nearby.starts(index)
        if not starts:
            early = dataclasses.replace(request, ready_at=0)
            rule = "lead_time" if starts_of(problem, early) else "in_request_window"
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
        problem = self._problem
        people = list(range(len(problem.experts)))
        counts: list[int] = []
        for place, (name, passes) in enumerate(ALWAYS):
            left = [one for one in people if passes(problem, index, seat, one)]
            counts.append(len(left))
            if not left:
                reason = Reason.RULED_OUT if name == "forbids_kept" else Reason.NOBODY_ELIGIBLE
                later = [test for _, test in ALWAYS[place + 1 :]]
                lacks = {
                    one: sum(not test(problem, index, seat, one) for test in later)
                    for one in people
                }
                closest = self._closest(index, people, lacks.__getitem__)
                raise _EmptiedError(WhyNot(index, reason, name, seat, closest, (), tuple(counts)))
            people = left
        days = sorted({start // DAY_MIN for start in starts})
        pairs = [(one, day) for one in people for day in days]
        for name, holds in DAILY:
            held = [pair for pair in pairs if holds(problem, index, seat, *pair)]
            counts.append(len({one for one, _ in held}))
            if not held:
                closest = self._closest(index, {one for one, _ in pairs})
                raise _EmptiedError(
                    WhyNot(index, Reason.NOBODY_ELIGIBLE, name, seat, closest, (), tuple(counts))
                )
            pairs = held
        by_day: dict[int, list[int]] = {}
        for start in starts:
            by_day.setdefault(start // DAY_MIN, []).append(start)
        modes = {Mode.ON_SITE: (False,), Mode.REMOTE: (True,), Mode.EITHER: (False, True)}
        return _Left(
            tuple(
                (one, start, remote)
                for one, day in pairs
                for start in by_day[day]
                for remote in modes[problem.requests[index].seats[seat].mode]
            ),
            tuple(counts),
        )

    def _free(self, index: int, seat: int, left: _Left) -> _Left:
        duration_min = self._problem.requests[index].duration_min
        triples = tuple(
            triple
            for triple in left.triples
            if self._window(triple[0], triple[1], triple[1] + duration_min) is not None
        )
        return self._sieved(
            index, seat, left, triples, emptied=(Reason.NOT_FREE, "in_availability")
        )

    def _near(self, index: int, seat: int, left: _Left) -> _Left:
        """There and back on one day in an empty diary, or with nights away next to other visits of this plan."""
        problem, request = self._problem, self._problem.requests[index]
        passed: list[tuple[int, int, bool]] = []
        late: dict[str, int] = {}
        for expert, start, remote in left.triples:
            who = problem.experts[expert]
            place = who.home if remote else request.place
            out_min = problem.travel_min[who.home][place]
            back_min = problem.travel_min[place][who.home]
            window = self._window(expert, start, start + request.duration_min)
            assert window is not None, "who is not free was sifted out before"
            off = start - out_min >= window.start
            back = start + request.duration_min + back_min <= window.end
            allowed = who.limits.travel_min_per_day_max
            if (off and back and out_min + back_min <= allowed) or self._on_tour(
                Assignment(index, seat, expert, start, remote)
            ):
                passed.append((expert, start, remote))
                continue
            rule = (
                "travel_per_day"
                if out_min + back_min > allowed
                else "home_in_window"
                if off
                else "leaves_in_window"
            )
            late[rule] = late.get(rule, 0) + 1
        rule = max(late, key=lambda one: (late[one], one), default="travel_per_day")
        return self._sieved(index, seat, left, tuple(passed), emptied=(Reason.TOO_FAR, rule))

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
            used = {
                (expert, start // DAY_MIN): self._used_up(name, expert, start // DAY_MIN)
                for expert, start, _ in left.triples
            }
            passed = tuple(
                triple for triple in left.triples if used[triple[0], triple[1] // DAY_MIN] is None
            )
            by = {one for taken in used.values() if taken is not None for one in taken}
            left = self._sieved(
                index, seat, left, passed, emptied=(Reason.LIMITS_USED_UP, name), requests=by
            )
        return left

    def _used_up(self, rule: str, expert: int, day: int) -> list[int] | None:
        """None when the limit leaves room for one more visit on `day`; else the requests of this plan that use it up."""
        problem, who = self._problem, self._problem.experts[expert]
        limits = who.limits
        week = (day + problem.first_weekday) // 7
        days_of_week = [week * 7 - problem.first_weekday + n for n in range(7)]

        def served(days: Iterable[int]) -> list[int]:
            return [
                stop.request for one in days for stop in self._draft.days.get((expert, one), ())
            ]

        if rule == "per_day":
            here = served([day])
            return here if len(here) >= limits.per_day_max else None
        if rule == "per_week":
            here = served(days_of_week)
            return here if len(here) + who.engaged_before[week] >= limits.per_week_max else None
        if rule == "per_round":
            here = served(range(problem.days))
            total = len(here) + who.engaged_before_round
            return here if total >= limits.per_round_max else None
        worked = [one for one in days_of_week if self._draft.days.get((expert, one))]
        if day in worked or len(worked) < 7 - limits.rest_days_per_week:
            return None
        return served(worked)

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

        passed = tuple(triple for triple in left.triples if agreed(triple[0]))
        by = {request for expert in left.experts for request in used.get(people[expert].pool, ())}
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
        passed = tuple(
            triple
            for triple in left.triples
            if people[triple[0]].cost <= min(spare, default=people[triple[0]].cost)
        )
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
        passed: tuple[tuple[int, int, bool], ...],
        *,
        emptied: tuple[Reason, str],
        requests: Iterable[int] = (),
    ) -> _Left:
        """What a filter has left; raises when that is nobody."""
        counts = (*before.counts, len({expert for expert, _, _ in passed}))
        if not passed:
            raise _EmptiedError(
                WhyNot(
                    index,
                    *emptied,
                    seat,
                    self._closest(index, before.experts),
                    self._cheapest(requests),
                    counts,
                )
            )
        return _Left(passed, counts)

    def _window(self, expert: int, start: int, end: int) -> Window | None:
        for window in self._nearby.eligibility.windows(expert, start // DAY_MIN):
            if window.start <= start and end <= window.end:
                return window
        return None

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
