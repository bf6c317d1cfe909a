"""Bounds of one tiny random problem held against every sound plan of it, and proven again.

`python -m tests.support.bounds FIRST LAST` does so for all seeds of a range; 1,000 seeds take some minutes.
"""

import dataclasses
import sys
from collections.abc import Sequence

from services.scheduling.optimizer import check
from services.scheduling.optimizer.bounding import Bounder
from services.scheduling.optimizer.check_bound import Unproven, proven_together
from services.scheduling.optimizer.packed import pack
from services.scheduling.optimizer.problem import Plan, Problem, Stage
from services.scheduling.optimizer.proofs import Proof, bound_of
from tests.support.brute_force import key_of, sound_plans
from tests.support.rounds import generous_problem, random_problem

Told = dict[Stage, tuple[int, Sequence[Proof]]]

PROOFS = 9
"""Proofs of a tiny problem, at most."""


def bounds_of(problem: Problem, plan: Plan, *, masters: int = 6, proofs: int = PROOFS) -> Told:
    """What the bound's side tells last of each stage, `plan` being the incumbent, with at most so many `proofs`."""
    told: Told = {}

    def tell(stage: Stage, bound: int, proven: Sequence[Proof]) -> None:
        assert stage not in told or bound < told[stage][0], "told a bound that is no better"
        told[stage] = bound, proven

    Bounder(problem, pack(problem)).run(
        until=lambda: False,
        tell=tell,
        incumbent=lambda: plan,
        limits=masters,
        proofs_max=proofs,
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
    every = [check.values(problem, plan) for plan in plans]
    early = (Stage.EMERGENCY, Stage.FLOOR, Stage.NEED)
    # whoever keeps what the stages before reached
    reached = {
        stage: max(
            one[stage]
            for one in every
            if all(one[before] >= values[before] for before in early[: early.index(stage)])
        )
        for stage in early
    }
    for stage, (bound, proofs) in told.items():
        worth = max(values[stage], reached.get(stage, values[stage]))
        if bound < worth:
            found.append(f"{stage.value}: bound {bound} below {worth}")
        try:
            again = proven_together(problem, [one.duals for one in proofs], values)
        except Unproven as error:
            found.append(f"{stage.value}: {error}")
            continue
        if not worth <= again <= bound:
            found.append(f"{stage.value}: proven again {again}, told {bound}, reached {worth}")
        if bound_of(problem, proofs, values) != bound:
            found.append(
                f"{stage.value}: told {bound}, by its proofs {bound_of(problem, proofs, values)}"
            )
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
