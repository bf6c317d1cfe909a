"""How long reasons and repairs of everything unserved take: `python -m tests.benchmarks.explain 1000x400 3000x1000 --seconds 60`.

The plan is first come, first served, which leaves much unserved. A repair counts only when `cheapest_repair` found one: it was
done for real and the referee has passed it. Requests are asked in a drawn order, as many as the seconds allow.
"""

import argparse
import random
import time
from collections import Counter

from services.scheduling.optimizer.baseline import first_come
from services.scheduling.optimizer.explain import Explainer, cheapest_repair
from services.scheduling.optimizer.stop import Stop
from tests.benchmarks.rounds import round_problem


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("sizes", nargs="+", help="requests x experts, such as 1000x400")
    parser.add_argument("--seconds", type=float, default=60.0, help="for repairs, each size")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    print("| requests × experts | unserved | reasons s | repairs sought | in s | verified |")
    print("|---|---|---|---|---|---|")
    for size in asked.sizes:
        requests, experts = (int(part) for part in size.split("x"))
        problem = round_problem(requests, experts, asked.seed)
        plan = first_come(problem, range(requests))
        served = {assignment.request for assignment in plan.assignments}
        unserved = [index for index in range(requests) if index not in served]
        began = time.perf_counter()
        explainer = Explainer(problem, plan)
        reasons = Counter(explainer.why_not(index).reason.name for index in unserved)
        reasons_s = time.perf_counter() - began
        random.Random(asked.seed).shuffle(unserved)
        stop = Stop(seconds=asked.seconds)
        found: Counter[str] = Counter()
        for index in unserved:
            if stop.now(0):
                break
            repair = cheapest_repair(problem, plan, index, seed=asked.seed, stop=Stop(seconds=6))
            found[repair.code if repair else "none"] += 1
        sought = sum(found.values())
        print(
            f"| {requests} × {experts} | {len(unserved)} | {reasons_s:.2f} | {sought} "
            f"| {stop.elapsed_s():.0f} | {1 - found['none'] / max(1, sought):.1%} |"
        )
        print(f"reasons {dict(reasons)}; repairs {dict(found)}")


if __name__ == "__main__":
    main()
