"""How long a repair after one cancellation takes: `python -m tests.benchmarks.repair [REQUESTSxEXPERTS] [--events N] [--seed N]`.

A plan is solved first (`--solve` seconds); then for each event one assignment of it, drawn at random, is lost. Prints the
median, the 95th percentile and the longest of seconds per repair, and how many requests it changed beside the lost one.
"""

import argparse
import random
import statistics
import sys
import time

from services.scheduling.optimizer import check
from services.scheduling.optimizer.repair import repair, without
from services.scheduling.optimizer.solve import solve
from services.scheduling.optimizer.stop import Stop
from tests.benchmarks.rounds import round_problem


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
    took_s, others, unserved = [], [], 0
    for lost in dice.sample(plan.assignments, k=min(asked.events, len(plan.assignments))):
        began = time.perf_counter()
        mended = repair(problem, plan, [lost], seed=1, stop=Stop(seconds=asked.limit))
        took_s.append(time.perf_counter() - began)
        assert not check.violations(without(problem, [lost]), mended.plan)
        others.append(len(({*mended.moved, *mended.dropped}) - {lost.request}))
        unserved += lost.request in mended.dropped
    took_s.sort()
    sys.stdout.write(
        f"{asked.size}, {len(took_s)} events: median {statistics.median(took_s):.2f} s, "
        f"p95 {took_s[int(0.95 * (len(took_s) - 1))]:.2f} s, longest {took_s[-1]:.2f} s; "
        f"other requests changed: at most {max(others)}, {sum(one == 0 for one in others)} events with none; "
        f"{unserved} lost requests could not be served again\n"
    )


if __name__ == "__main__":
    main()
