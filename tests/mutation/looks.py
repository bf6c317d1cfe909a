"""What is looked at in small random rounds, by the referee and by properties: imported only when a mutant is in its place."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from services.scheduling.optimizer.baseline import first_come
from services.scheduling.optimizer.check import Violation, violations
from services.scheduling.optimizer.explain import Explainer, Reason
from services.scheduling.optimizer.problem import (
    DAY_MIN,
    Agreement,
    Pin,
    Plan,
    Pool,
    Problem,
    Window,
)
from services.scheduling.optimizer.rechecking import Recheck
from services.scheduling.optimizer.relaxing import Repairs
from services.scheduling.optimizer.solve import Entry, Infeasible, replay
from services.scheduling.optimizer.stop import Stop
from tests.support.rounds import generous_problem, random_problem


def _problems(seeds: int) -> Iterator[Problem]:
    for seed in range(seeds):
        yield random_problem(seed, experts=4, requests=7, days=3, step_min=(60, 30)[seed % 2])
        yield generous_problem(seed, experts=4, requests=8)
        yield _touring(seed)


def _touring(seed: int) -> Problem:
    """People who stay away for a night where that is any shorter, have mornings and afternoons apart, or mornings only, and
    stand by; the first pool is lent to everybody for longer than its term.
    """
    drawn = generous_problem(seed, experts=4, requests=8)
    halves = tuple(
        Window(day * DAY_MIN + start * 60, day * DAY_MIN + end * 60)
        for day in range(drawn.days)
        for start, end in ((8, 12), (13, 18))[: 1 if seed % 3 == 0 else 2]
    )
    people = tuple(
        dataclasses.replace(
            one,
            windows=halves,
            standby_max=2,
            limits=dataclasses.replace(
                one.limits, nights_max=2, travel_min_per_day_max=600, earliest=0, latest=DAY_MIN
            ),
        )
        for one in drawn.experts
    )
    lent = tuple(Agreement(node, 9, drawn.days) for node in range(drawn.nodes))
    first = Pool(0, drawn.days - 1, frozenset(), lent)
    asks = tuple(dataclasses.replace(one, standbys=1) for one in drawn.requests)
    return dataclasses.replace(
        drawn,
        experts=people,
        requests=asks,
        pools=(first, *drawn.pools[1:]),
        policy=dataclasses.replace(drawn.policy, night_as_travel_min=0),
    )


def _plans(seeds: int) -> str:
    """What the referee finds in a plan of the search."""
    for number, problem in enumerate(_problems(seeds)):
        try:
            plan = replay(problem, seed=1, journal=(Entry(0, level=0),), iterations=15)
        except Infeasible:
            continue
        for violation in violations(problem, plan):
            return f"the plan of round {number}: {violation}"
    return ""


def _left_out(seeds: int) -> Iterator[tuple[Problem, Plan, list[int]]]:
    """Rounds with a plan that leaves something out, and what."""
    for drawn in _problems(seeds):
        problem = dataclasses.replace(drawn, pins=())
        plan = first_come(problem, range(len(problem.requests)))
        served = {one.request for one in plan.assignments}
        yield problem, plan, [one for one in range(len(problem.requests)) if one not in served]


def _codes(seeds: int) -> str:
    """A code that is not that of the why-not."""
    for number, (problem, plan, asked) in enumerate(_left_out(seeds)):
        explainer = Explainer(problem, plan)
        for code, why in zip(
            explainer.codes(asked), [explainer.why_not(one) for one in asked], strict=True
        ):
            taken = why.reason is Reason.DISPLACED and why.rule != ""
            same = (code.reason, code.seat, code.counts) == (why.reason, why.seat, why.counts)
            if not same or (not taken and code.rule != why.rule):
                return f"round {number}: {code}, and the why-not {why}"
    return ""


def _repairs(seeds: int) -> str:
    """What the referee refuses of what has been tried as a repair, or a repair that is whole breaks. Half of what is planned is
    pinned as it is.
    """
    refused: list[Violation] = []
    look = Recheck.violations

    def looking(self: Recheck, *asked: Any, **more: Any) -> list[Violation]:
        found = look(self, *asked, **more)
        refused.extend(found)
        return found

    Recheck.violations = looking  # type: ignore[method-assign]
    for number, problem in enumerate(_problems(seeds)):
        try:
            plan = replay(problem, seed=1, journal=(), iterations=0)
        except Infeasible:
            continue
        fixed = [one for one in plan.assignments if one.request % 2]
        pins = tuple(Pin(one.request, one.seat, one.expert, one.start) for one in fixed)
        repairs = Repairs(dataclasses.replace(problem, pins=pins), plan)
        served = {one.request for one in plan.assignments}
        for request in range(len(problem.requests)):
            if request not in served:
                repairs.done(request, seed=1, stop=Stop(iterations=30))
                if refused:
                    return f"a repair of request {request} in round {number}: {refused[0]}"
    return ""


LOOKS: Mapping[str, Callable[[int], str]] = {
    "plans": _plans,
    "codes": _codes,
    "repairs": _repairs,
}
