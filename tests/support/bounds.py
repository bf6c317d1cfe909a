"""Bounds of one tiny random problem held against every sound plan of it, and proven again.

`python -m tests.support.bounds FIRST LAST` does so for all seeds of a range; 1,000 seeds take some minutes.
"""

import dataclasses
import sys

from services.scheduling.optimizer import check
from services.scheduling.optimizer.bounding import Bounder
from services.scheduling.optimizer.check_bound import Unproven, proven
from services.scheduling.optimizer.duals import Duals
from services.scheduling.optimizer.packed import pack
from services.scheduling.optimizer.problem import Plan, Problem, Stage
from tests.support.brute_force import key_of, sound_plans
from tests.support.rounds import generous_problem, random_problem

Told = dict[Stage, tuple[int, Duals]]


def bounds_of(problem: Problem, plan: Plan, *, masters: int = 6) -> Told:
    """What the bound's side tells last of each stage, `plan` being the incumbent."""
    told: Told = {}

    def tell(stage: Stage, bound: int, duals: Duals) -> None:
        assert stage not in told or bound < told[stage][0], "told a bound that is no better"
        told[stage] = bound, duals

    Bounder(problem, pack(problem)).run(
        until=lambda: False, tell=tell, incumbent=lambda: plan, limits=masters
    )
    return told


def a_problem_of(seed: int) -> Problem:
    """Tiny, by turns strict and generous, now and then with pins, with a standard step or a finer one."""
    if seed % 2:
        return generous_problem(seed, experts=2 + seed % 3, requests=2 + seed % 3)
    problem = random_problem(seed, experts=2 + seed % 2, requests=2 + seed % 4)
    return dataclasses.replace(problem, start_step_min=30) if seed % 8 == 0 else problem


def faults(problem: Problem) -> list[str]:
    """Every way in which the bounds of a tiny problem are wrong; empty when they are sound and proven."""
    plans = list(sound_plans(problem))
    if not plans:
        return []
    best = max(plans, key=lambda plan: key_of(problem, plan))
    values = check.values(problem, best)
    told = bounds_of(problem, best)
    found = [f"{stage.value}: no bound" for stage in Stage if stage not in told]
    reached = {
        stage: max(check.values(problem, plan)[stage] for plan in plans)
        for stage in (Stage.EMERGENCY, Stage.FLOOR, Stage.NEED)
    }
    for stage, (bound, duals) in told.items():
        worth = max(values[stage], reached.get(stage, values[stage]))
        if bound < worth:
            found.append(f"{stage.value}: bound {bound} below {worth}")
        try:
            again = proven(problem, duals, values)
        except Unproven as error:
            found.append(f"{stage.value}: {error}")
            continue
        if not worth <= again <= bound:
            found.append(f"{stage.value}: proven again {again}, told {bound}, reached {worth}")
    return found


def main(first: int, last: int) -> int:
    """1 when any bound is wrong."""
    wrong = 0
    for seed in range(first, last):
        for fault in faults(a_problem_of(seed)):
            wrong = 1
            sys.stdout.write(f"seed {seed}: {fault}\n")
    sys.stdout.write(f"seeds {first} to {last - 1}: {'wrong' if wrong else 'sound'}\n")
    return wrong


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
