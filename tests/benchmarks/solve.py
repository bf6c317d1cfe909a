"""How good rounds are after so many seconds: `python -m tests.benchmarks.solve [REQUESTSxEXPERTS …] [--seconds S] [--seed N]`.

For each size: requests served and need with its proven bound, beside first come, first served on the same inputs. Every
plan is checked by the referee.
"""

import argparse
import sys

from services.scheduling.optimizer import check
from services.scheduling.optimizer.baseline import first_come
from services.scheduling.optimizer.problem import Plan, Stage
from services.scheduling.optimizer.solve import solve
from services.scheduling.optimizer.stop import Stop
from tests.benchmarks.rounds import round_problem


def served(plan: Plan) -> int:
    """Requests that the plan serves."""
    return len({assignment.request for assignment in plan.assignments})


def measured(requests: int, experts: int, *, seconds: float, seed: int) -> str:
    """One line of the table."""
    problem = round_problem(requests, experts, seed=seed)
    result = solve(problem, seed=seed, stop=Stop(seconds=seconds))
    queue = first_come(problem, range(requests))
    for plan in (result.plan, queue):
        broken = check.violations(problem, plan)
        assert not broken, broken[0]
    need = next(stage for stage in result.stages if stage.stage is Stage.NEED)
    first = check.values(problem, queue)[Stage.NEED]
    gap = "–" if need.gap is None else f"{need.gap:.2%}"
    return (
        f"| {requests} × {experts} | {seconds:g} | {result.iterations} | {served(result.plan)} | {need.value} | "
        f"{need.bound} | {gap} | {served(queue)} | {first} |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", default=["200x211", "400x150"])
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    sys.stdout.write(
        "| requests × experts | s | iterations | served | need | bound | gap | in order: served | need |\n"
        "|---|---|---|---|---|---|---|---|---|\n"
    )
    for size in asked.sizes:
        requests, experts = map(int, size.split("x"))
        line = measured(requests, experts, seconds=asked.seconds, seed=asked.seed)
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
