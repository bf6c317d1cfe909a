"""Tiny rounds are solved to their optimum in every stage, as brute force finds it; and optima move as they must."""

import dataclasses
import random

import pytest

from services.scheduling.optimizer.check import violations
from services.scheduling.optimizer.problem import (
    Budget,
    Cap,
    Forbid,
    Pin,
    Plan,
    Problem,
)
from services.scheduling.optimizer.solve import Infeasible, solve
from services.scheduling.optimizer.stop import Stop
from tests.support.brute_force import best_plan, key_of
from tests.support.rounds import an_expert, generous_problem, random_problem

ITERATIONS = 300


def solved_key(problem: Problem) -> tuple[int, ...] | None:
    try:
        plan = solve(problem, seed=1, stop=Stop(iterations=ITERATIONS)).plan
    except Infeasible:
        return None
    assert violations(problem, plan) == []
    return key_of(problem, dataclasses.replace(plan, standbys=()))


@pytest.mark.parametrize("seed", range(12))
def test_a_tiny_round_is_solved_to_its_optimum(seed: int) -> None:
    """Much can be served; people, starts and limits are fought over."""
    problem = generous_problem(seed)
    assert solved_key(problem) == best_plan(problem).key


@pytest.mark.parametrize("seed", range(12))
def test_a_strict_tiny_round_with_pins_is_solved_or_refused_rightly(seed: int) -> None:
    problem = random_problem(seed, experts=3, requests=4)
    assert solved_key(problem) == best_plan(problem).key


# What must not change an optimum, or only in one direction, by brute force -------------------------------------------


def key(problem: Problem) -> tuple[int, ...]:
    found = best_plan(problem).key
    assert found is not None
    return found


def relabelled(problem: Problem, dice: random.Random) -> Problem:
    """The same round with its experts and requests numbered otherwise."""
    expert = list(range(len(problem.experts)))
    request = list(range(len(problem.requests)))
    dice.shuffle(expert)
    dice.shuffle(request)  # old index i becomes expert[i], request[i]

    def person(index: int) -> int:
        return index if index < 0 else expert[index]

    def ask(index: int) -> int:
        return index if index < 0 else request[index]

    def group(indices: frozenset[int]) -> frozenset[int]:
        return frozenset(ask(one) for one in indices)

    def ordered(parts: tuple, where: list[int]) -> tuple:  # type: ignore[type-arg]
        return tuple(part for _, part in sorted(zip(where, parts, strict=True), key=lambda x: x[0]))

    return dataclasses.replace(
        problem,
        experts=ordered(problem.experts, expert),
        requests=ordered(
            tuple(dataclasses.replace(one, named=person(one.named)) for one in problem.requests),
            request,
        ),
        forbids=tuple(
            Forbid(person(one.expert), ask(one.request), person(one.other))
            for one in problem.forbids
        ),
        promises=tuple(
            dataclasses.replace(one, request=ask(one.request), expert=person(one.expert))
            for one in problem.promises
        ),
        caps=tuple(Cap(group(one.requests), one.served_max) for one in problem.caps),
        budgets=tuple(Budget(group(one.requests), one.cost_max) for one in problem.budgets),
        series=tuple(
            dataclasses.replace(one, requests=tuple(ask(r) for r in one.requests))
            for one in problem.series
        ),
    )


@pytest.mark.parametrize("seed", range(8))
def test_numbering_does_not_matter(seed: int) -> None:
    problem = generous_problem(seed, requests=3)
    again = relabelled(problem, random.Random(seed))
    assert key(again) == key(problem)
    assert solved_key(again) == solved_key(problem)


@pytest.mark.parametrize("seed", range(8))
def test_another_expert_never_lowers_the_optimum(seed: int) -> None:
    problem = generous_problem(seed, experts=2, requests=3)
    able = an_expert(skills=(1,) * problem.topics, home=0)
    more = dataclasses.replace(problem, experts=(*problem.experts, able))
    assert key(more) >= key(problem)


@pytest.mark.parametrize("seed", range(8))
def test_another_request_never_lowers_the_optimum_of_the_others(seed: int) -> None:
    """It may be left out, and then everything is as it was."""
    more = generous_problem(seed, requests=4)
    without = best_plan(
        dataclasses.replace(more, forbids=(*more.forbids, *_kept_from(more, request=3)))
    )
    assert without.key is not None
    assert key(more) >= without.key


def _kept_from(problem: Problem, *, request: int) -> tuple[Forbid, ...]:
    return tuple(Forbid(expert, request) for expert in range(len(problem.experts)))


@pytest.mark.parametrize("seed", range(8))
def test_another_rule_never_raises_the_optimum(seed: int) -> None:
    problem = generous_problem(seed, requests=3)
    best = best_plan(problem)
    assert best.key is not None
    everything = frozenset(range(len(problem.requests)))
    for stricter in (
        dataclasses.replace(problem, caps=(*problem.caps, Cap(everything, 1))),
        dataclasses.replace(problem, budgets=(*problem.budgets, Budget(everything, 200))),
        dataclasses.replace(problem, forbids=(*problem.forbids, Forbid(0))),
    ):
        assert key(stricter) <= best.key


@pytest.mark.parametrize("seed", range(8))
def test_pinning_what_is_best_changes_nothing(seed: int) -> None:
    problem = generous_problem(seed, requests=3)
    best = best_plan(problem)
    assert best.plan is not None
    pins = tuple(Pin(a.request, a.seat, a.expert, a.start) for a in best.plan.assignments)
    pinned = dataclasses.replace(problem, pins=pins)
    assert key(pinned) == best.key
    assert solved_key(pinned) == best.key


def test_brute_force_serves_nobody_where_nobody_may() -> None:
    """The optimum of a round in which everything is forbidden is the empty plan."""
    problem = generous_problem(1)
    none = dataclasses.replace(
        problem, forbids=tuple(Forbid(one) for one in range(len(problem.experts)))
    )
    assert best_plan(none).plan == Plan(())
