"""How good the bound is after how long: `python -m tests.benchmarks.bound [REQUESTSxEXPERTS …] [--seconds S] [--seed N] [--check]`.

Only the bound's side runs, without a plan beside it. For each size the proven bounds of NEED over time; with `--check` the
last one is proven again by `check_bound.py`, whose seconds are told.
"""

import argparse
import sys
import time
from collections.abc import Sequence

from services.scheduling.optimizer.bounding import Bounder
from services.scheduling.optimizer.check_bound import proven_together
from services.scheduling.optimizer.packed import pack
from services.scheduling.optimizer.problem import Plan, Stage
from services.scheduling.optimizer.proofs import Proof
from tests.benchmarks.rounds import round_problem


def measured(requests: int, experts: int, *, seconds: float, seed: int, check: bool) -> None:
    """Tell the bounds of one round."""
    problem = round_problem(requests, experts, seed=seed)
    began_s = time.monotonic()
    packed = pack(problem)
    last: dict[Stage, tuple[int, Sequence[Proof]]] = {}
    told_s = 0.0

    def tell(stage: Stage, bound: int, proofs: Sequence[Proof]) -> None:
        nonlocal told_s
        last[stage] = bound, proofs
        now_s = time.monotonic() - began_s
        if stage is not Stage.NEED or now_s > 1.15 * told_s:
            told_s = now_s
            sys.stdout.write(f"{requests} × {experts}: {now_s:7.2f} s {stage.value} ≤ {bound}\n")
            sys.stdout.flush()

    Bounder(problem, packed).run(
        until=lambda: time.monotonic() - began_s > seconds,
        tell=tell,
        incumbent=lambda: Plan(()),
    )
    bound, proofs = last[Stage.NEED]
    sys.stdout.write(
        f"{requests} × {experts}: {time.monotonic() - began_s:7.2f} s need ≤ {bound}\n"
    )
    if check:
        began_s = time.monotonic()
        found = proven_together(
            problem,
            [one.duals for one in proofs],
            dict.fromkeys(Stage, 0),
        )
        assert found <= bound, (found, bound)
        sys.stdout.write(f"proven again ≤ {found} in {time.monotonic() - began_s:.1f} s\n")


def main() -> None:
    """Print the bounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", default=["200x211", "400x150"])
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--check", action="store_true")
    asked = parser.parse_args()
    for size in asked.sizes:
        requests, experts = map(int, size.split("x"))
        measured(requests, experts, seconds=asked.seconds, seed=asked.seed, check=asked.check)


if __name__ == "__main__":
    main()
