"""How long reasons and repairs of everything unserved take: `python -m tests.benchmarks.explain 1000x400 3000x1000 --seconds 60`.

The plan is first come, first served, which leaves much unserved, or with `--solve S` that of a search of so many seconds. A
repair counts only when one was found: it was done for real and the referee has passed what it touches; with `--whole N` every
Nth is done once more and looked at whole. The most needed requests are asked first, as many as the seconds allow.

Seconds are the wall's; `cpu` are those of the process. `board`: the problem as arrays, made once per round.
"""

import argparse
import time
from collections import Counter
from collections.abc import Callable
from typing import TypeVar

from services.scheduling.optimizer.baseline import first_come
from services.scheduling.optimizer.check import violations
from services.scheduling.optimizer.explain import Explainer
from services.scheduling.optimizer.loaded import board_of
from services.scheduling.optimizer.relaxing import Repairs
from services.scheduling.optimizer.solve import solve
from services.scheduling.optimizer.stop import Stop
from services.scheduling.optimizer.warming import warm_up
from tests.benchmarks.rounds import round_problem

T = TypeVar("T")


def timed(do: Callable[[], T]) -> tuple[T, str]:
    """What it gives, and how long that took: of the wall, and of the process."""
    wall, cpu = time.perf_counter(), time.process_time()
    done = do()
    return done, f"{time.perf_counter() - wall:.3f} (cpu {time.process_time() - cpu:.3f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="+", help="requests x experts, such as 1000x400")
    parser.add_argument("--seconds", type=float, default=60.0, help="for repairs, each size")
    parser.add_argument("--solve", type=float, default=0.0, help="seconds of search for the plan")
    parser.add_argument("--whole", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    warm_up()
    print(
        "| requests × experts, seed | unserved | board s | codes s | why-nots s "
        "| repairs sought | in s | verified |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for size in asked.sizes:
        measure(size, asked)


def measure(size: str, asked: argparse.Namespace) -> None:
    """One row of the table, and what was found."""
    requests, experts = (int(part) for part in size.split("x"))
    problem = round_problem(requests, experts, asked.seed)
    if asked.solve:
        plan = solve(problem, seed=asked.seed, stop=Stop(seconds=asked.solve)).plan
    else:
        plan = first_come(problem, range(requests))
    served = {assignment.request for assignment in plan.assignments}
    unserved = [index for index in range(requests) if index not in served]
    _, board_s = timed(lambda: board_of(problem))
    codes, codes_s = timed(lambda: Explainer(problem, plan).codes(unserved))
    explainer = Explainer(problem, plan)
    whys, whys_s = timed(lambda: [explainer.why_not(index) for index in unserved])
    for code, why in zip(codes, whys, strict=True):
        assert (code.reason, code.seat, code.counts) == (why.reason, why.seat, why.counts)
    unserved.sort(key=lambda index: (-problem.requests[index].weight, index))
    stop = Stop(seconds=asked.seconds)
    found: Counter[str] = Counter()
    repairs = Repairs(problem, plan)
    for index in unserved:
        if stop.now(0):
            break
        repair = repairs.cheapest(index, seed=asked.seed, stop=Stop(seconds=6))
        found[repair.code if repair else "none"] += 1
    took_s = stop.elapsed_s()
    sought = sum(found.values())
    for index in unserved[: sought : asked.whole]:
        done = repairs.done(index, seed=asked.seed, stop=Stop(seconds=6))
        assert done is None or not violations(done.problem, done.plan)
    print(
        f"| {requests} × {experts}, {asked.seed} | {len(unserved)} | {board_s} | {codes_s} "
        f"| {whys_s} | {sought} | {took_s:.1f} | {1 - found['none'] / max(1, sought):.1%} |"
    )
    reasons = Counter(code.reason.name for code in codes)
    print(f"reasons {dict(reasons)}; repairs {dict(found)}", flush=True)


if __name__ == "__main__":
    main()
