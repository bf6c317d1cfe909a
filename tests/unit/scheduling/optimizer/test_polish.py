"""Plans from the tours of the bound's side: sound, no worse than what was there, and better where a search of single moves is stuck."""

import subprocess
import sys

import numpy as np
import pytest

from services.scheduling.optimizer import check
from services.scheduling.optimizer.ascent import Ascent
from services.scheduling.optimizer.baseline import first_come
from services.scheduling.optimizer.lagrange import Relaxation, Shape
from services.scheduling.optimizer.master import Master
from services.scheduling.optimizer.packed import pack
from services.scheduling.optimizer.polish import polished
from services.scheduling.optimizer.pricing import Prices, tabulate
from services.scheduling.optimizer.problem import Plan, Problem, Stage
from services.scheduling.optimizer.solve import replay, solve
from services.scheduling.optimizer.stop import Stop
from tests.benchmarks.rounds import round_problem


def pool_of(problem: Problem, *, passes: int) -> tuple[Shape, Master]:
    """The tours that people take in so many passes of the first prices."""
    packed = pack(problem)
    table = tabulate(packed)
    prices = Prices(packed, table)
    shape = Shape(problem, packed, table)
    relaxation = Relaxation(shape, prices, Stage.NEED)
    ascent, pool = Ascent(relaxation, prices, seed=1), Master(relaxation)
    step = 10_000.0
    for _ in range(passes):
        assert ascent.one(step, until=lambda: False, tell=pool.add)
        step *= 0.95
    return shape, pool


@pytest.mark.parametrize("seed", range(4))
def test_tours_are_put_together_to_a_sound_plan_that_keeps_what_comes_before_need(
    seed: int,
) -> None:
    problem = round_problem(60, 30, seed=seed)
    shape, pool = pool_of(problem, passes=60)
    queue = first_come(problem, range(60))
    plan = polished(shape, pool, queue, until=lambda: False)
    assert plan is not None
    assert check.violations(problem, plan) == []
    before, after = check.values(problem, queue), check.values(problem, plan)
    assert after[Stage.EMERGENCY] >= before[Stage.EMERGENCY]
    assert after[Stage.FLOOR] >= before[Stage.FLOOR]
    assert after[Stage.NEED] > before[Stage.NEED]


def test_a_plan_is_found_again_from_its_own_tours() -> None:
    """With nothing but the tours of a plan, its nights and remote visits too, there is no other plan of that need."""
    problem = round_problem(120, 60, seed=3)
    plan = solve(problem, seed=1, stop=Stop(iterations=2_000)).plan
    assert plan.nights
    assert any(one.remote for one in plan.assignments)
    shape, pool = pool_of(problem, passes=0)
    again = polished(shape, pool, plan, until=lambda: False)
    assert again is not None
    assert check.values(problem, again)[Stage.NEED] == check.values(problem, plan)[Stage.NEED]
    assert {(one.request, one.seat, one.expert) for one in again.assignments} == {
        (one.request, one.seat, one.expert) for one in plan.assignments
    }
    assert again.nights == plan.nights


@pytest.mark.parametrize("seed", range(3))
def test_who_is_not_of_the_part_does_what_they_did(seed: int) -> None:
    problem = round_problem(60, 30, seed=seed)
    shape, pool = pool_of(problem, passes=60)
    queue = first_come(problem, range(60))
    part = np.arange(30) % 2 == 0
    plan = polished(shape, pool, queue, until=lambda: False, part=part)
    assert plan is not None

    def settled(plan: Plan) -> set[tuple[int, int, int]]:
        busy = {one.expert for one in queue.assignments if not part[one.expert]}
        return {(a.request, a.seat, a.expert) for a in plan.assignments if a.expert in busy}

    assert settled(plan) == settled(queue)
    assert settled(queue)
    whole = polished(shape, pool, queue, until=lambda: False)
    assert whole is not None
    before, better, best = (check.values(problem, one)[Stage.NEED] for one in (queue, plan, whole))
    assert before <= better <= best


def test_nothing_is_waited_for_when_somebody_says_to_end() -> None:
    problem = round_problem(60, 30, seed=1)
    shape, pool = pool_of(problem, passes=20)
    assert polished(shape, pool, Plan(()), until=lambda: True) is None


LEFT_ALONE = """
import time
from tests.unit.scheduling.optimizer.test_polish import pool_of
from services.scheduling.optimizer.polish import polished
from services.scheduling.optimizer.problem import Plan
from tests.benchmarks.rounds import round_problem
shape, pool = pool_of(round_problem(200, 211, seed=2), passes=60)
ends = time.monotonic() + 0.25
assert polished(shape, pool, Plan(()), until=lambda: time.monotonic() > ends) is None
"""


def test_a_process_that_ends_amid_it_is_not_aborted() -> None:
    """The program in whole numbers needs more than the quarter of a second that it is waited for."""
    ended = subprocess.run([sys.executable, "-c", LEFT_ALONE], capture_output=True, check=False)
    assert ended.returncode == 0, ended.stderr.decode()


def test_nothing_is_begun_that_would_be_too_late() -> None:
    problem = round_problem(60, 30, seed=1)
    shape, pool = pool_of(problem, passes=60)
    assert polished(shape, pool, Plan(()), until=lambda: False) is not None
    assert polished(shape, pool, Plan(()), until=lambda: False, left_s=lambda: 0.1) is None


def test_a_timed_solve_takes_plans_in_and_can_be_replayed() -> None:
    problem = round_problem(120, 60, seed=2)
    for seconds in (
        5,
        20,
        60,
    ):  # on a busy machine, and where nothing is compiled yet, it takes longer
        result = solve(problem, seed=1, stop=Stop(seconds=seconds))
        taken = [one for one in result.journal if one.iteration > 0 and one.plan is not None]
        if taken:
            break
    assert taken
    found = replay(problem, seed=1, journal=result.journal, iterations=result.iterations)
    assert found == result.plan
    assert check.violations(problem, found) == []
