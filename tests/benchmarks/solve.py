"""How good rounds are after so many seconds: `python -m tests.benchmarks.solve [REQUESTSxEXPERTS …] [--seconds S] [--seed N]`.

For each size: seconds until there is a first plan, need after 5, 30, 60 … seconds, the proven bound of the end, and first come,
first served on the same inputs. Every plan is checked by the referee. What is compiled is compiled before. `--no-teams`:
one seat per request. `--one` is how each size is run in a process of its own, so that peak memory is its own.
"""

import argparse
import resource
import subprocess
import sys

from services.scheduling.optimizer import check
from services.scheduling.optimizer.baseline import first_come
from services.scheduling.optimizer.problem import Plan, Stage
from services.scheduling.optimizer.solve import Progress, solve
from services.scheduling.optimizer.stop import Stop
from services.scheduling.optimizer.warming import warm_up
from tests.benchmarks.rounds import round_problem

MARKS_S = (1, 5, 10, 30, 60, 120, 180)


def served(plan: Plan) -> int:
    """Requests that the plan serves."""
    return len({assignment.request for assignment in plan.assignments})


def measured(requests: int, experts: int, *, seconds: float, seed: int, teams: bool) -> str:
    """One line of the table."""
    problem = round_problem(requests, experts, seed=seed, teams=teams)
    curve: list[Progress] = []
    result = solve(
        problem,
        seed=seed,
        stop=Stop(seconds=seconds),
        observe=lambda progress, _plan: curve.append(progress),
    )
    queue = first_come(problem, range(requests))
    for plan in (result.plan, queue):
        broken = check.violations(problem, plan)
        assert not broken, broken[0]
    need = next(stage for stage in result.stages if stage.stage is Stage.NEED)
    first = check.values(problem, queue)[Stage.NEED]
    gap = "–" if need.gap is None else f"{need.gap:.2%}"
    reached = " · ".join(
        f"{mark} s: {max((p.incumbent for p in curve if p.elapsed_s <= mark), default=0)}"
        for mark in MARKS_S
        if mark < seconds
    )
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    size = f"{requests} × {experts}" + ("" if teams else ", no teams")
    return (
        f"| {size} | {seconds:g} | {curve[0].elapsed_s:.1f} | {result.iterations} | {reached} | {served(result.plan)} | "
        f"{need.value} | {need.bound} | {gap} | {memory_mb} | {served(queue)} | {first} |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", default=["200x211", "400x150", "1000x400", "3000x1000"])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-teams", dest="teams", action="store_false")
    parser.add_argument("--one", action="store_true")
    asked = parser.parse_args()
    if asked.one:
        requests, experts = map(int, asked.sizes[0].split("x"))
        line = measured(
            requests, experts, seconds=asked.seconds, seed=asked.seed, teams=asked.teams
        )
        sys.stdout.write(line + "\n")
        return
    warm_up()
    sys.stdout.write(
        "| requests × experts | s | first plan s | iterations | need after | served | need | bound | gap | MB | in order: served | need |\n"
        "|---|---|---|---|---|---|---|---|---|---|---|---|\n"
    )
    for size in asked.sizes:
        sys.stdout.flush()
        command = [sys.executable, "-m", "tests.benchmarks.solve", size, "--one"]
        command += ["--seconds", str(asked.seconds), "--seed", str(asked.seed)]
        subprocess.run(command + ([] if asked.teams else ["--no-teams"]), check=True)


if __name__ == "__main__":
    main()
