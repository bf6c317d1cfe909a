"""The referee's look at what a change touches, when all else is a plan it has passed.

Every hard rule is about one assignment, one team, one person or one group of requests. So whatever a change breaks is about a
team that it changed, somebody in such a team before or after, or a cap, budget, quota or series of one of these requests; and
the referee sees it in the part of the plan that has all of those. `tests/unit/…/test_rechecking.py` holds that against the
referee's look at the whole.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeVar

from services.scheduling.optimizer.check import Violation, violations
from services.scheduling.optimizer.problem import Assignment, NightAway, Plan, Problem

V = TypeVar("V")
OF_GROUPS = frozenset({"caps_kept", "budgets_kept", "quota_kept", "series_spaced"})
"""Rules whose violations are about more than one request, whichever they name."""


class Recheck:
    """A plan that breaks no rule of its problem; standbys are not looked at."""

    def __init__(self, problem: Problem, plan: Plan) -> None:
        self.teams: dict[int, tuple[Assignment, ...]] = _grouped(
            (one.request, one) for one in plan.assignments
        )
        self._of_expert = _grouped((one.expert, one) for one in plan.assignments)
        self._nights = _grouped((one.expert, one) for one in plan.nights)
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

    def violations(
        self,
        problem: Problem,
        changed: Mapping[int, Sequence[Assignment]],
        nights: Mapping[int, Sequence[NightAway]],
    ) -> list[Violation]:
        """What the plan breaks with the teams of `changed` requests (empty: not served) and the `nights` of these people instead.

        `problem` may differ from that of the plan in what the changed requests ask for, and by more people and pools.
        """
        people = {one.expert for team in changed.values() for one in team} | nights.keys()
        people |= {one.expert for request in changed for one in self.teams.get(request, ())}
        part = self.part(problem, changed, nights, people)
        return [
            one
            for one in violations(problem, part)
            if one.request in changed or one.expert in people or one.rule in OF_GROUPS
        ]

    def part(
        self,
        problem: Problem,
        changed: Mapping[int, Sequence[Assignment]],
        nights: Mapping[int, Sequence[NightAway]],
        people: Collection[int],
    ) -> Plan:
        """The changed plan, as much of it as a rule about these requests and people could look at."""
        groups = {other for request in changed for other in self._beside[request]}
        for request, team in changed.items():
            node = problem.requests[request].node
            if any(
                node not in problem.pools[problem.experts[one.expert].pool].home_nodes
                for one in team
            ):
                groups.update(self._of_node.get(node, ()))
        kept = {
            one
            for request in groups - changed.keys()
            for one in self.teams.get(request, ())
        } | {
            one
            for expert in people
            for one in self._of_expert.get(expert, ())
            if one.request not in changed
        }  # fmt: skip
        kept.update(one for team in changed.values() for one in team)
        away = {
            one
            for expert in people
            for one in nights.get(expert, self._nights.get(expert, ()))
        }  # fmt: skip
        return Plan(tuple(sorted(kept)), tuple(sorted(away)))


def _grouped(pairs: Iterable[tuple[int, V]]) -> dict[int, tuple[V, ...]]:
    found: dict[int, list[V]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return {key: tuple(values) for key, values in found.items()}
