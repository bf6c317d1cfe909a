"""The codes of a whole plan are those of each why-not, and each goes when exactly its rule is relaxed, and with no later one."""

import dataclasses
from collections.abc import Callable, Iterator
from functools import cache

import pytest

from services.scheduling.optimizer.baseline import first_come
from services.scheduling.optimizer.check import violations
from services.scheduling.optimizer.explain import Code, Explainer, Reason, WhyNot
from services.scheduling.optimizer.filters import FILTERS, LIMITS
from services.scheduling.optimizer.nearby import Nearby
from services.scheduling.optimizer.problem import (
    DAY_MIN,
    Agreement,
    Expert,
    Naming,
    Plan,
    Pool,
    Problem,
    Window,
)
from tests.support.rounds import a_problem, assigned, generous_problem, random_problem

PLENTY = 10**6


def rounds(seeds: range) -> Iterator[tuple[Problem, Plan]]:
    """Small rounds of every kind with a plan that leaves much out; pins are not kept by first come, first served."""
    for seed in seeds:
        step = (60, 30, 20)[seed % 3]
        crowded = random_problem(seed, experts=5, requests=12, days=4, step_min=step)
        for drawn in (crowded, generous_problem(seed, experts=4, requests=9)):
            problem = dataclasses.replace(drawn, pins=())
            if (
                seed % 8 == 0
            ):  # an hour too long for any window; and only somebody may lead who is not there
                problem = for_request(problem, 0, duration_min=241)
                problem = for_request(problem, 1, naming=Naming.ONLY, named=-1)
            yield problem, first_come(problem, range(len(problem.requests)))


def unserved(problem: Problem, plan: Plan) -> list[int]:
    served = {a.request for a in plan.assignments}
    return [index for index in range(len(problem.requests)) if index not in served]


def code_of(why: WhyNot) -> Code:
    """What of a why-not a code says."""
    taken = why.reason is Reason.DISPLACED and why.rule != ""
    return Code(why.request, why.reason, None if taken else why.rule, why.seat, why.counts)


def test_the_codes_of_a_plan_are_those_of_each_why_not() -> None:
    """Some five thousand requests that are not served."""
    asked = 0
    for problem, plan in rounds(range(400)):
        explainer = Explainer(problem, plan)
        left_out = unserved(problem, plan)
        said = [code_of(explainer.why_not(index)) for index in left_out]
        assert explainer.codes(left_out) == said
        asked += len(left_out)
    assert asked > 4_000


def test_a_served_request_has_no_code() -> None:
    with pytest.raises(ValueError, match="serves request 0"):
        Explainer(a_problem(), Plan((assigned(),))).codes([0])


# Relaxing exactly one rule


def for_all_experts(problem: Problem, change: Callable[[Expert], Expert]) -> Problem:
    return dataclasses.replace(problem, experts=tuple(map(change, problem.experts)))


def for_all_pools(problem: Problem, change: Callable[[Pool], Pool]) -> Problem:
    return dataclasses.replace(problem, pools=tuple(map(change, problem.pools)))


def for_request(problem: Problem, request: int, **changes: object) -> Problem:
    asks = list(problem.requests)
    asks[request] = dataclasses.replace(asks[request], **changes)  # type: ignore[arg-type]
    return dataclasses.replace(problem, requests=tuple(asks))


def for_seats(problem: Problem, request: int, **changes: object) -> Problem:
    seats = problem.requests[request].seats
    changed = tuple(dataclasses.replace(one, **changes) for one in seats)  # type: ignore[arg-type]
    return for_request(problem, request, seats=changed)


def with_limits(problem: Problem, **changes: int) -> Problem:
    return for_all_experts(
        problem,
        lambda one: dataclasses.replace(one, limits=dataclasses.replace(one.limits, **changes)),
    )


def always_free(problem: Problem) -> Problem:
    whole = tuple(Window(day * DAY_MIN, (day + 1) * DAY_MIN) for day in range(problem.days))
    return with_limits(
        for_all_experts(problem, lambda one: dataclasses.replace(one, windows=whole)),
        earliest=0,
        latest=DAY_MIN,
    )


def shared_with(problem: Problem, node: int) -> Problem:
    """Every pool serves the node for ever, for as much as was agreed."""

    def shared(pool: Pool) -> Pool:
        others = tuple(one for one in pool.agreements if one.node != node)
        agreed = min((one.quota for one in pool.agreements if one.node == node), default=0)
        return dataclasses.replace(
            pool, agreements=(*others, Agreement(node, agreed, problem.days))
        )

    return for_all_pools(problem, shared)


def without_quotas(problem: Problem) -> Problem:
    return for_all_pools(
        problem,
        lambda pool: dataclasses.replace(
            pool,
            agreements=tuple(dataclasses.replace(one, quota=PLENTY) for one in pool.agreements),
        ),
    )


def at_once(problem: Problem) -> Problem:
    """Every place is next door."""
    here = tuple(0 for _ in problem.travel_min)
    return dataclasses.replace(problem, travel_min=tuple(here for _ in problem.travel_min))


def alone(problem: Problem, request: int, seat: int) -> Problem:
    """Only the seat is needed."""
    seats = tuple(
        dataclasses.replace(one, required=place == seat)
        for place, one in enumerate(problem.requests[request].seats)
    )
    return for_request(problem, request, seats=seats)


def any_time(problem: Problem, request: int) -> Problem:
    whole = tuple(Window(day * DAY_MIN, (day + 1) * DAY_MIN) for day in range(problem.days))
    return for_request(problem, request, windows=whole)


RELAXED: dict[str, Callable[[Problem, int, int], Problem]] = {
    "in_request_window": lambda problem, request, _: any_time(problem, request),
    "lead_time": lambda problem, request, _: for_request(problem, request, ready_at=0),
    "caps_kept": lambda problem, _, __: dataclasses.replace(problem, caps=()),
    "series_spaced": lambda problem, _, __: dataclasses.replace(problem, series=()),
    "named_only_leads": lambda problem, request, _: for_request(
        problem, request, naming=Naming.NONE, named=-1
    ),
    "has_role": lambda problem, request, _: for_seats(problem, request, roles=0b111),
    "has_proficiency": lambda problem, request, _: for_seats(problem, request, proficiency_min=0),
    "speaks_to_audience": lambda problem, _, __: for_all_experts(
        problem, lambda one: dataclasses.replace(one, audiences=0b11)
    ),
    "does_form": lambda problem, _, __: for_all_experts(
        problem, lambda one: dataclasses.replace(one, forms=0b11)
    ),
    "speaks_at_level": lambda problem, _, __: for_all_experts(
        problem, lambda one: dataclasses.replace(one, levels=0b11)
    ),
    "forbids_kept": lambda problem, _, __: dataclasses.replace(problem, forbids=()),
    "pool_in_term": lambda problem, _, __: for_all_pools(
        problem, lambda pool: dataclasses.replace(pool, from_day=0, until_day=problem.days)
    ),
    "pool_shared": lambda problem, request, _: shared_with(problem, problem.requests[request].node),
    "cleared_for_minors": lambda problem, request, _: for_request(problem, request, minors=False),
    "talk_approved": lambda problem, request, _: for_seats(problem, request, approved_talk=False),
    "in_availability": lambda problem, _, __: always_free(problem),
    "travel_per_day": lambda problem, _, __: with_limits(problem, travel_min_per_day_max=DAY_MIN),
    "home_in_window": lambda problem, _, __: at_once(problem),
    "leaves_in_window": lambda problem, _, __: at_once(problem),
    "per_round": lambda problem, _, __: with_limits(problem, per_round_max=PLENTY),
    "per_week": lambda problem, _, __: with_limits(problem, per_week_max=PLENTY),
    "per_day": lambda problem, _, __: with_limits(problem, per_day_max=PLENTY),
    "rest_days": lambda problem, _, __: with_limits(problem, rest_days_per_week=0),
    "quota_kept": lambda problem, _, __: without_quotas(problem),
    "budgets_kept": lambda problem, _, __: dataclasses.replace(problem, budgets=()),
    "team_together": alone,
    "person_once": alone,
}
"""By rule: the problem of (problem, request, seat) without it, for the one request where it is about that."""

LATER: dict[str, tuple[str, ...]] = {
    **{name: FILTERS[place + 1 :] for place, name in enumerate(FILTERS)},
    **dict.fromkeys(("home_in_window", "leaves_in_window"), LIMITS),
    **dict.fromkeys(("lead_time", "in_request_window", "caps_kept", "series_spaced"), FILTERS),
}
"""Filters that are only asked when the one is passed; not of what is said of whole teams, which all of them are about."""
KINDS = 40
"""So many requests of each rule are looked at."""


@cache
def met() -> dict[str, list[tuple[Problem, Plan, Code]]]:
    """Codes of random rounds, by rule; "taken": somebody's day is."""
    found: dict[str, list[tuple[Problem, Plan, Code]]] = {}
    for problem, plan in rounds(range(1_000, 1_700)):
        for code in Explainer(problem, plan).codes(unserved(problem, plan)):
            rule = "taken" if code.rule is None else code.rule or "nothing"
            if len(found.setdefault(rule, [])) < KINDS:
                found[rule].append((problem, plan, code))
    return found


def test_every_rule_is_met() -> None:
    assert met().keys() >= RELAXED.keys() | {"taken"}


@pytest.mark.parametrize("rule", RELAXED)
def test_a_code_goes_with_its_rule_and_stays_with_those_that_are_asked_later(rule: str) -> None:
    for problem, plan, code in met()[rule]:
        freed = RELAXED[rule](problem, code.request, code.seat)
        if violations(freed, plan):
            continue  # what was two windows is one, and the straight way is the longer one
        (after,) = Explainer(freed, plan).codes([code.request])
        assert after.rule != rule
        if code.reason is Reason.RULED_OUT and len(code.counts) == len(FILTERS) and code.counts[-1]:
            continue  # of a team: every one of them passes every filter
        for later in LATER.get(rule, ()):
            still = RELAXED[later](problem, code.request, code.seat)
            if not violations(still, plan):
                (same,) = Explainer(still, plan).codes([code.request])
                assert (same.reason, same.rule, same.seat) == (code.reason, rule, code.seat)
                nearby = Nearby(still)
                assert not nearby.insert(nearby.draft(plan), code.request)


def test_who_is_displaced_could_come_were_nothing_else_planned() -> None:
    for problem, _, code in met()["taken"]:
        (after,) = Explainer(problem, Plan(())).codes([code.request])
        assert after.rule is not None
