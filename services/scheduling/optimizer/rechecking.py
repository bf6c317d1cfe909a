"""The referee's look at what a change touches, when all else is a plan it has passed.

Every hard rule is about one assignment, one team, one person or one group of requests. So whatever a change breaks is about a
team that it changed, somebody in such a team before or after, or a cap, budget, quota or series of one of these requests; and
the referee sees it in the part of the plan that has all of those. `tests/unit/scheduling/optimizer/test_relaxing.py` holds that against the
referee's look at the whole.
"""

import dataclasses
import functools
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeVar

from services.scheduling.optimizer import check
from services.scheduling.optimizer.check import Violation
from services.scheduling.optimizer.problem import (
    Assignment,
    NightAway,
    Plan,
    Problem,
    Stage,
    Standby,
)

V = TypeVar("V")
OF_GROUPS = frozenset({"caps_kept", "budgets_kept", "quota_kept", "series_spaced"})
"""Rules whose violations are about more than one request, whichever they name."""


class Recheck:
    """A plan that breaks no rule of its problem."""

    def __init__(self, problem: Problem, plan: Plan) -> None:
        self._problem = problem
        self._plan = plan
        self._assignments = set(plan.assignments)
        self._away = set(plan.nights)
        self.teams: dict[int, tuple[Assignment, ...]] = _grouped(
            (one.request, one) for one in plan.assignments
        )
        self._of_expert = _grouped((one.expert, one) for one in plan.assignments)
        self.nights = _grouped((one.expert, one) for one in plan.nights)
        self._beside: defaultdict[int, set[int]] = defaultdict(set)
        for group in (
            *(cap.requests for cap in problem.caps),
            *(budget.requests for budget in problem.budgets),
            *(series.requests for series in problem.series),
        ):
            for request in group:
                self._beside[request].update(group)
        self._of_node = _grouped(
            (problem.requests[one].node, one) for one in sorted(self.teams.keys())
        )

    def broken_by(self, problem: Problem, after: Plan) -> list[Violation]:
        """What `after` breaks, told from the plan by what is different; `problem` as in `violations`."""
        moved = self._assignments.symmetric_difference(after.assignments)
        away = self._away.symmetric_difference(after.nights)
        requests = {one.request for one in moved}
        teams: dict[int, list[Assignment]] = {one: [] for one in requests}
        for one in after.assignments:
            if one.request in requests:
                teams[one.request].append(one)
        people = {one.expert for one in moved} | {one.expert for one in away}
        nights: dict[int, list[NightAway]] = {one: [] for one in people}
        for night in after.nights:
            if night.expert in people:
                nights[night.expert].append(night)
        return self.violations(problem, teams, nights, standbys=after.standbys)

    def values(self, problem: Problem, after: Plan) -> dict[Stage, int]:
        """The stages' values of `after`, as the referee has them; travel is added up anew only for whose days are different."""
        moved = self._assignments.symmetric_difference(after.assignments)
        away = self._away.symmetric_difference(after.nights)
        people = {one.expert for one in moved} | {one.expert for one in away}
        travel = self.before[Stage.TRAVEL]
        travel += check.travel_value(problem, _days_of(people, after))
        travel -= check.travel_value(problem, _days_of(people, self._plan))
        return {
            Stage.EMERGENCY: check.emergency_value(problem, after),
            Stage.FLOOR: check.floor_value(problem, after),
            Stage.NEED: check.need_value(problem, after),
            Stage.PROMISES: check.promises_value(problem, after),
            Stage.TRAVEL: travel,
            Stage.PREFERENCE: check.preference_value(problem, after),
            Stage.LOAD: check.load_value(after),
            Stage.STANDBY: len(after.standbys),
        }

    @functools.cached_property
    def before(self) -> dict[Stage, int]:
        """The stages' values of the plan itself."""
        return check.values(self._problem, self._plan)

    def violations(
        self,
        problem: Problem,
        changed: Mapping[int, Sequence[Assignment]],
        nights: Mapping[int, Sequence[NightAway]],
        *,
        standbys: Collection[Standby] = (),
    ) -> list[Violation]:
        """What the plan breaks with the teams of `changed` requests (empty: not served), the `nights` of these people and these
        `standbys` instead, which the plan had, too, or some of them.

        `problem` may differ from that of the plan in what the changed requests ask for, in their pins, and by more people and
        pools.
        """
        people = {one.expert for team in changed.values() for one in team} | nights.keys()
        people |= {one.expert for request in changed for one in self.teams.get(request, ())}
        asked = {
            one.expert for one in standbys if one.request in changed or one.expert in people
        }  # fmt: skip
        stand_by = [one for one in standbys if one.expert in asked]
        part = self._part(
            problem, changed, nights, people | asked, {one.request for one in stand_by}
        )
        about = people | asked
        return [
            one
            for one in check.violations(
                problem, dataclasses.replace(part, standbys=tuple(stand_by))
            )
            if one.request in changed or one.expert in about or one.rule in OF_GROUPS
        ]

    def _part(
        self,
        problem: Problem,
        changed: Mapping[int, Sequence[Assignment]],
        nights: Mapping[int, Sequence[NightAway]],
        people: Collection[int],
        requests: Collection[int],
    ) -> Plan:
        """The changed plan, as much of it as a rule about these requests and people could look at."""
        groups = {other for request in changed for other in self._beside[request]}
        groups.update(requests)
        for request, team in changed.items():
            node = problem.requests[request].node
            if any(
                node not in problem.pools[problem.experts[one.expert].pool].home_nodes
                for one in team
            ):
                groups.update(self._of_node.get(node, ()))
        kept = {one for team in changed.values() for one in team}
        kept.update(
            one
            for request in groups
            for one in self.teams.get(request, ())
            if request not in changed
        )
        kept.update(
            one
            for expert in people
            for one in self._of_expert.get(expert, ())
            if one.request not in changed
        )
        away = {
            one
            for expert in people
            for one in nights.get(expert, self.nights.get(expert, ()))
        }  # fmt: skip
        return Plan(tuple(sorted(kept)), tuple(sorted(away)))


_kept: list[tuple[Problem, Plan, Recheck]] = []
KEPT = 2
"""So many plans are kept for who asks again: a hand that moves one visit after the other."""


def recheck_of(problem: Problem, plan: Plan) -> Recheck:
    """The plan, which breaks no rule, ready for changes; the last ones asked for are kept."""
    for known, looked, sound in _kept:
        if known is problem and looked == plan:
            return sound
    sound = Recheck(problem, plan)
    _kept[:] = [(problem, plan, sound), *_kept[: KEPT - 1]]
    return sound


def _days_of(people: Collection[int], plan: Plan) -> Plan:
    """What these people do."""
    return Plan(
        tuple(one for one in plan.assignments if one.expert in people),
        tuple(one for one in plan.nights if one.expert in people),
    )


def _grouped(pairs: Iterable[tuple[int, V]]) -> dict[int, tuple[V, ...]]:
    found: dict[int, list[V]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return {key: tuple(values) for key, values in found.items()}
