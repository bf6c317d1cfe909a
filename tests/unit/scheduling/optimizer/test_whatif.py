"""A move by hand is priced by the referee, and two plans are told apart."""

import random

import pytest

from services.scheduling.optimizer.check import values, violations
from services.scheduling.optimizer.problem import Mode, Pin, Plan, Problem, Stage
from services.scheduling.optimizer.solve import solve
from services.scheduling.optimizer.stop import Stop
from services.scheduling.optimizer.whatif import Compared, Priced, compare, held_to, price_move
from tests.support.brute_force import best_plan
from tests.support.rounds import (
    AT_NINE,
    a_problem,
    a_request,
    a_seat,
    an_expert,
    assigned,
    generous_problem,
    window,
)


def priced(problem: Problem, plan: Plan, pin: Pin) -> Priced:
    return price_move(problem, plan, pin, seed=1, stop=Stop(iterations=99))


def test_a_move_that_breaks_nothing_is_made_as_it_is() -> None:
    problem = a_problem(experts=[an_expert(skills=(3,)), an_expert()])
    plan = Plan((assigned(),))
    result = priced(problem, plan, Pin(0, 0, 1, AT_NINE + 30))
    assert (result.violations, result.plan) == ((), Plan((assigned(0, 1, AT_NINE + 30),)))
    assert result.after[Stage.NEED] - result.before[Stage.NEED] == -4


def test_what_stands_in_the_way_is_said_and_looks_for_another_place() -> None:
    asks = [a_request(), a_request(place=2, windows=(window(0, 9, 10),))]
    problem = a_problem(experts=[an_expert()], requests=asks)
    plan = Plan((assigned(0, 0, AT_NINE + 120), assigned(1)))
    result = priced(problem, plan, Pin(0, 0, 0, AT_NINE))
    assert {one.rule for one in result.violations} >= {"one_place_at_a_time"}
    assert result.plan == Plan((assigned(0),))
    assert result.after[Stage.NEED] - result.before[Stage.NEED] == -102


def test_a_move_that_nothing_mends_has_no_plan() -> None:
    problem = a_problem(experts=[an_expert(), an_expert(skills=(0,))], requests=[
        a_request(seats=(a_seat(proficiency_min=1),))
    ])  # fmt: skip
    result = priced(problem, Plan((assigned(),)), Pin(0, 0, 1, AT_NINE))
    assert [one.rule for one in result.violations] == ["has_proficiency"]
    assert result.plan is None


def test_the_team_comes_along_and_a_remote_seat_stays_remote() -> None:
    seats = (a_seat(mode=Mode.REMOTE), a_seat())
    problem = a_problem(experts=[an_expert()] * 3, requests=[a_request(seats=seats)])
    plan = Plan((assigned(remote=True), assigned(expert=1, seat=1)))
    result = priced(problem, plan, Pin(0, 0, 2, AT_NINE + 60))
    at_ten = AT_NINE + 60
    assert result.plan == Plan(
        (assigned(0, 2, at_ten, remote=True), assigned(0, 1, at_ten, seat=1))
    )


def test_an_open_time_keeps_the_time_if_it_can() -> None:
    problem = a_problem(experts=[an_expert(), an_expert(windows=(window(0, 9.5, 18),))])
    plan = Plan((assigned(0, 0, AT_NINE + 60),))
    kept = priced(problem, plan, Pin(0, 0, 1))
    assert kept.plan == Plan((assigned(0, 1, AT_NINE + 60),))
    moved = priced(problem, Plan((assigned(),)), Pin(0, 0, 1))
    assert moved.plan is not None
    assert moved.plan.assignments[0].start >= AT_NINE + 60


@pytest.mark.parametrize("seed", range(15))
def test_a_price_is_what_the_referee_says_and_never_better_than_the_best(seed: int) -> None:
    problem = generous_problem(seed, requests=3)
    plan = solve(problem, seed=1, stop=Stop(iterations=50)).plan
    dice = random.Random(seed)
    for _ in range(6):
        request = dice.randrange(len(problem.requests))
        starts = [w.start for w in problem.requests[request].windows]
        pin = Pin(
            request,
            dice.randrange(len(problem.requests[request].seats)),
            dice.randrange(len(problem.experts)),
            dice.choice([-1, *starts]),
        )
        result = priced(problem, plan, pin)
        pinned = held_to(problem, pin)
        assert result.before == values(problem, plan)
        if result.plan is None:
            assert result.violations or pin.start < 0
            continue
        assert violations(pinned, result.plan) == []
        assert result.after == values(pinned, result.plan)
        best = best_plan(pinned).key
        assert best is not None
        assert tuple(result.after.values())[:7] <= best


def test_two_plans_side_by_side() -> None:
    first = Plan((assigned(0), assigned(1), assigned(2)))
    second = Plan((assigned(0), assigned(1, 1), assigned(3)))
    assert compare(first, second) == Compared((2,), (3,), (1,))
    assert compare(first, first) == Compared((), (), ())
