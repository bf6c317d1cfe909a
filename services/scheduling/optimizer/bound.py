"""Proven upper bounds by a linear relaxation: no plan can be better, because every plan is one of its points.

Variables, all in [0, 1]: `served[r]` for each request; `sits[r, s, e]` for each seat and each person who passes the filters
that look at nobody else (`candidates.py`), at any start. For every plan, setting them to what it does satisfies:

    sum over e of sits[r, s, e]  = served[r]     for a required seat
    sum over e of sits[r, s, e] <= served[r]     for a nice-to-have seat
    sum over s of sits[r, s, e] <= served[r]     one person, one seat
    sum of sits[., ., e]        <= what the person's round, weeks and days still allow
    caps, budgets, quotas, spacing windows as they are

Times are relaxed: two requests that only fit at the same hour may both be had from one person. The objective of a stage is
linear in these variables, so the relaxation's optimum, rounded up against the solver's tolerance, bounds the stage.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from ortools.linear_solver import pywraplp

from services.scheduling.optimizer.candidates import Candidate
from services.scheduling.optimizer.problem import DAY_MIN, Problem, Stage

TOLERANCE = 1e-6
"""Relative; the LP's optimum is raised by it before rounding down to an integer, so that the bound stays valid."""

Pool = Mapping[tuple[int, int], Sequence[Candidate]]
"""Candidates by (request, seat)."""


def upper_bounds(problem: Problem, pool: Pool, *, seconds: float) -> dict[Stage, int]:
    """A bound on each of EMERGENCY, FLOOR and NEED, each alone; a stage the LP could not finish in time is missing.

    `pool` must hold, for each (request, seat), one candidate at least for each person who could fill it at all.
    """
    bounds = {}
    for stage in (Stage.EMERGENCY, Stage.FLOOR, Stage.NEED):
        value = _Relaxation(problem, pool).solve(stage, seconds=seconds / 3)
        if value is not None:
            bounds[stage] = value
    return bounds


class _Relaxation:
    def __init__(self, problem: Problem, pool: Pool) -> None:
        self._problem = problem
        lp: Any = pywraplp.Solver.CreateSolver("GLOP")  # type: ignore[no-untyped-call]
        self._lp = lp
        self._served = {}
        self._sits: dict[tuple[int, int, int], tuple[Any, int]] = {}
        of_expert: defaultdict[int, list[tuple[Any, set[int]]]] = defaultdict(list)
        for index, request in enumerate(problem.requests):
            possible = all(
                pool.get((index, seat))
                for seat in range(len(request.seats))
                if request.seats[seat].required
            )
            served = self._served[index] = lp.NumVar(0, 1 if possible else 0, "")
            if not possible:
                continue
            seats_of: defaultdict[int, list[Any]] = defaultdict(list)
            for seat_index, seat in enumerate(request.seats):
                best: dict[int, int] = {}
                days: defaultdict[int, set[int]] = defaultdict(set)
                for one in pool.get((index, seat_index), ()):
                    best[one.expert] = max(best.get(one.expert, one.fit), one.fit)
                    days[one.expert].add(one.start // DAY_MIN)
                variables = []
                for expert, fit in best.items():
                    variable = lp.NumVar(0, 1, "")
                    self._sits[index, seat_index, expert] = variable, fit
                    variables.append(variable)
                    seats_of[expert].append(variable)
                    of_expert[expert].append((variable, days[expert]))
                total = lp.Sum(variables)
                lp.Add(total == served if seat.required else total <= served)
            for variables in seats_of.values():
                if len(variables) > 1:
                    lp.Add(lp.Sum(variables) <= served)
        for expert, entries in of_expert.items():
            self._limit(expert, entries)
        for cap in problem.caps:
            lp.Add(lp.Sum([self._served[r] for r in cap.requests]) <= cap.served_max)
        for budget in problem.budgets:
            lp.Add(
                lp.Sum(
                    [
                        variable * problem.experts[expert].cost
                        for (request, _, expert), (variable, _) in self._sits.items()
                        if request in budget.requests
                    ]
                )
                <= budget.cost_max
            )
        self._quotas()

    def _limit(self, expert: int, entries: list[tuple[Any, set[int]]]) -> None:
        """Round, weeks and days of one person; a variable counts for a week or day when all its starts lie in it."""
        who, lp = self._problem.experts[expert], self._lp
        limits = who.limits
        left = max(0, limits.per_round_max - who.engaged_before_round)
        lp.Add(lp.Sum([variable for variable, _ in entries]) <= left)
        by_week: defaultdict[int, list[Any]] = defaultdict(list)
        by_day: defaultdict[int, list[Any]] = defaultdict(list)
        for variable, days in entries:
            weeks = {(day + self._problem.first_weekday) // 7 for day in days}
            if len(weeks) == 1:
                by_week[weeks.pop()].append(variable)
            if len(days) == 1:
                by_day[next(iter(days))].append(variable)
        for week, variables in by_week.items():
            before = who.engaged_before[week] if week < len(who.engaged_before) else 0
            lp.Add(lp.Sum(variables) <= max(0, limits.per_week_max - before))
        for variables in by_day.values():
            lp.Add(lp.Sum(variables) <= limits.per_day_max)

    def _quotas(self) -> None:
        used: defaultdict[tuple[int, int], list[Any]] = defaultdict(list)
        for (request, _, expert), (variable, _) in self._sits.items():
            key = self._problem.experts[expert].pool, self._problem.requests[request].node
            used[key].append(variable)
        for (pool_index, node), variables in used.items():
            pool = self._problem.pools[pool_index]
            if node not in pool.home_nodes:
                quota = min((a.quota for a in pool.agreements if a.node == node), default=0)
                self._lp.Add(self._lp.Sum(variables) <= quota)

    def solve(self, stage: Stage, *, seconds: float) -> int | None:
        """The bound, or None when the LP did not finish."""
        lp, problem = self._lp, self._problem
        requests = problem.requests
        if stage is Stage.FLOOR:
            if not problem.shares:
                return None
            floor = lp.NumVar(0, lp.infinity(), "")
            for share in problem.shares:
                weight = lp.Sum(
                    [
                        self._served[index] * request.weight
                        for index, request in enumerate(requests)
                        if request.district == share.district
                        and share.audience in (-1, request.audience)
                    ]
                )
                lp.Add(floor * share.target <= (weight + share.carried) * 1000)
            objective = floor * 1.0
        elif stage is Stage.EMERGENCY:
            objective = lp.Sum(
                [
                    self._served[index] * request.weight
                    for index, request in enumerate(requests)
                    if request.emergency > 0
                ]
            )
        else:
            objective = lp.Sum(
                [self._served[index] * request.weight for index, request in enumerate(requests)]
            ) + lp.Sum([variable * fit for variable, fit in self._sits.values()])
        lp.Maximize(objective)
        lp.SetTimeLimit(max(1, int(seconds * 1000)))
        if lp.Solve() != pywraplp.Solver.OPTIMAL:
            return None
        value: float = lp.Objective().Value()
        return math.floor(value + TOLERANCE * max(1.0, abs(value)))
