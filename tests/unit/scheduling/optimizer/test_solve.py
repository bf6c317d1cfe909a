"""Whatever the solver gives breaks no rule, is worth what it says, and never exceeds its bound."""

import dataclasses

import pytest

from services.scheduling.optimizer.certificate import bound_faults, certificate_of, verify
from services.scheduling.optimizer.check import values, violations
from services.scheduling.optimizer.explain import Explainer
from services.scheduling.optimizer.problem import Naming, NightAway, Pin, Plan, Problem, Stage
from services.scheduling.optimizer.solve import Infeasible, Progress, Result, solve
from services.scheduling.optimizer.stop import Stop
from tests.support.rounds import a_problem, a_request, an_expert, random_problem, window


def solved(
    problem: Problem, *, iterations: int = 25, seed: int = 1, warm: Plan | None = None
) -> Result:
    return solve(problem, seed=seed, stop=Stop(iterations=iterations), warm=warm)


def feasible(seed: int, **size: int) -> Problem:
    """A random problem; without its pins where they contradict the rest."""
    problem = random_problem(seed, **size)
    try:
        solved(problem, iterations=0)
    except Infeasible:
        return dataclasses.replace(problem, pins=())
    return problem


@pytest.mark.parametrize("seed", range(40))
def test_a_plan_is_sound_worth_what_it_says_and_below_its_bound(seed: int) -> None:
    size = (
        {"experts": 6, "requests": 10, "days": 7, "step_min": 30, "places": 6} if seed % 2 else {}
    )
    problem = feasible(seed, **size)
    result = solved(problem)
    assert violations(problem, result.plan) == []
    exact = values(problem, result.plan)
    assert {stage.stage: stage.value for stage in result.stages} == exact
    for stage in result.stages:
        assert stage.bound is None or stage.value <= stage.bound


def test_a_night_away_makes_an_early_visit_possible() -> None:
    """At eight sharp nobody can be there from home; who lodged there can."""
    evening = a_request(windows=(window(0, 15, 17),))
    morning = a_request(windows=(window(1, 8, 9),), weight=50)
    problem = a_problem(requests=(evening, morning))
    plan = solved(problem).plan
    assert (len(plan.assignments), plan.nights) == (2, (NightAway(0, 0),))
    assert violations(problem, plan) == []
    at_home = an_expert(limits={"nights_max": 0})
    assert len(solved(dataclasses.replace(problem, experts=(at_home,))).plan.assignments) == 1


def test_the_same_inputs_seed_and_iterations_give_the_same_plan() -> None:
    problem = feasible(3, experts=6, requests=12, days=7)
    assert solved(problem).plan == solved(problem).plan


def test_a_known_plan_is_kept_or_bettered() -> None:
    problem = feasible(5, experts=6, requests=12, days=7)
    first = solved(problem, iterations=30)
    again = solved(problem, iterations=0, seed=9, warm=first.plan)
    need = [[s.value for s in one.stages if s.stage is Stage.NEED] for one in (first, again)]
    assert need[1] >= need[0]
    assert violations(problem, again.plan) == []


def test_a_pin_is_kept_and_one_that_cannot_be_is_refused() -> None:
    problem = a_problem(requests=(a_request(),))
    start = solved(problem).plan.assignments[0].start
    pinned = dataclasses.replace(problem, pins=(Pin(request=0, seat=0, expert=0, start=start),))
    assert solved(pinned).plan.assignments[0].start == start
    at_night = dataclasses.replace(problem, pins=(Pin(request=0, seat=0, expert=0, start=0),))
    with pytest.raises(Infeasible) as raised:
        solved(at_night)
    assert raised.value.request == 0


def test_it_tells_from_the_start_and_ends_when_asked() -> None:
    problem = feasible(7, experts=6, requests=12, days=7)
    heard: list[Progress] = []
    plans: list[Plan] = []

    def observe(progress: Progress, plan: Plan | None) -> None:
        heard.append(progress)
        if plan is not None:
            plans.append(plan)

    stop = Stop(seconds=60, asked=lambda: len(heard) > 3)
    result = solve(problem, seed=1, stop=stop, observe=observe)
    assert heard[0].phase == "constructing"
    assert heard[-1].phase == "done"
    assert stop.elapsed_s() < 30
    assert all(violations(problem, plan) == [] for plan in plans)
    assert violations(problem, result.plan) == []


def test_a_stop_needs_a_limit() -> None:
    with pytest.raises(ValueError, match="seconds or iterations"):
        Stop()


def test_nothing_to_do_is_done_at_once() -> None:
    result = solved(dataclasses.replace(a_problem(), requests=()), iterations=5)
    assert result.plan == Plan(())


@pytest.mark.parametrize("experts", [0, 1])
@pytest.mark.parametrize("requests", [0, 1])
def test_where_nobody_is_or_nothing_is_asked_the_answer_is_a_plan(
    experts: int, requests: int
) -> None:
    drawn = random_problem(1, 1, 1, extras=False)
    asks = tuple(
        dataclasses.replace(one, naming=Naming.NONE, named=-1) for one in drawn.requests[:requests]
    )
    problem = dataclasses.replace(drawn, experts=drawn.experts[:experts], requests=asks)
    result = solve(problem, seed=1, stop=Stop(iterations=5))
    assert violations(problem, result.plan) == []
    assert result.stages[2].bound is not None
    text = certificate_of(problem, result)
    assert verify(problem, result.plan, text) == bound_faults(problem, text) == []
    left_out = [] if result.plan.assignments else list(range(requests))
    assert len(Explainer(problem, result.plan).codes(left_out)) == len(left_out)
