"""How long a repair after one cancellation takes: `python -m tests.benchmarks.repair [REQUESTSxEXPERTS] [--events N] [--seed N]`.

A plan is solved first (`--solve` seconds); then for each event one assignment of it, drawn at random, is lost. Prints the
median, the 95th percentile and the longest of seconds per repair, and how many requests it changed beside the lost one.
Then the same of as many moves by hand, which a console prices while the visit is being dragged.
"""

import argparse
import random
import statistics
import sys
import time

from services.scheduling.optimizer import check
from services.scheduling.optimizer.formats import canonical_bytes, plan_from
from services.scheduling.optimizer.nearby import Nearby
from services.scheduling.optimizer.problem import Pin, Plan, Problem
from services.scheduling.optimizer.repair import repair, without
from services.scheduling.optimizer.solve import solve
from services.scheduling.optimizer.stop import Stop
from services.scheduling.optimizer.whatif import price_move
from tests.benchmarks.rounds import round_problem

PRICE_S = 0.4
"""What the service gives the price of a move; it must be there within half a second."""


def main() -> None:
    """Measure, and print one paragraph."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("size", nargs="?", default="3000x1000")
    parser.add_argument("--events", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--solve", type=float, default=30)
    parser.add_argument("--limit", type=float, default=1.0, help="seconds a repair may search")
    asked = parser.parse_args()
    requests, experts = map(int, asked.size.split("x"))
    problem = round_problem(requests, experts, seed=asked.seed)
    plan = solve(problem, seed=asked.seed, stop=Stop(seconds=asked.solve)).plan
    dice = random.Random(asked.seed)
    took_s, others, unserved, least = [], [], 0, 0
    for lost in dice.sample(plan.assignments, k=min(asked.events, len(plan.assignments))):
        began = time.perf_counter()
        mended = repair(problem, plan, [lost], seed=1, stop=Stop(seconds=asked.limit))
        took_s.append(time.perf_counter() - began)
        assert not check.violations(without(problem, [lost]), mended.plan)
        others.append(len(({*mended.moved, *mended.dropped}) - {lost.request}))
        unserved += lost.request in mended.dropped
        least += mended.least
    took_s.sort()
    sys.stdout.write(
        f"{asked.size}, {len(took_s)} events: median {statistics.median(took_s):.2f} s, "
        f"p95 {took_s[int(0.95 * (len(took_s) - 1))]:.2f} s, longest {took_s[-1]:.2f} s; "
        f"other requests changed: at most {max(others)}, {sum(one == 0 for one in others)} events with none; "
        f"{unserved} lost requests could not be served again; least changes proven: {least}\n"
    )
    sys.stdout.write(moves(problem, plan, dice, asked.events) + "\n")


def moves(problem: Problem, plan: Plan, dice: random.Random, count: int) -> str:
    """How long the price of a move by hand takes: to another start, to another person, to anybody at any time, in turn."""
    nearby = Nearby(problem)
    took_s, cpu_s, broken, possible = [], [], 0, 0
    for place in range(count):
        one = dice.choice(plan.assignments)
        starts = nearby.starts(one.request)
        able = nearby.candidates(one.request, one.seat).get(one.start, ())
        pin = (
            Pin(one.request, one.seat, one.expert, dice.choice(starts)),
            Pin(one.request, one.seat, dice.choice(able).expert if able else 0, one.start),
            Pin(one.request, one.seat, dice.randrange(len(problem.experts))),
        )[place % 3]
        began, cpu = time.perf_counter(), time.process_time()
        # as the service has it: the plan is read anew each time, the problem is kept
        read = plan_from(canonical_bytes(plan))
        priced = price_move(problem, read, pin, seed=0, stop=Stop(seconds=PRICE_S))
        took_s.append(time.perf_counter() - began)
        cpu_s.append(time.process_time() - cpu)
        broken += bool(priced.violations)
        possible += priced.plan is not None
    took_s.sort()
    cpu_s.sort()
    p95 = int(0.95 * (count - 1))
    return (
        f"{count} moves by hand: median {statistics.median(took_s):.3f} s, p95 {took_s[p95]:.3f} s, longest "
        f"{took_s[-1]:.3f} s (cpu {statistics.median(cpu_s):.3f}, {cpu_s[p95]:.3f}, {cpu_s[-1]:.3f}); "
        f"{broken} would break a rule, {possible} can be had"
    )


if __name__ == "__main__":
    main()
