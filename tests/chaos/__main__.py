"""A seeded storm of faults over real processes: `python -m tests.chaos --seed 7 --commands 20000 --faults 300`.

Prints its seed, each fault as it strikes, and what held; ends with 1 when something did not, and then keeps its folder.
The same `--seed`, `--commands` and `--faults` draw the same faults and commands again.
"""

import argparse
import asyncio
import json
import logging
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from libs.clock import system_clock
from tests.chaos.checks import SHOWN, Check, check
from tests.chaos.erasure import check_erasure
from tests.chaos.faults import SAYS, Faults, plan
from tests.chaos.stack import Stack
from tests.chaos.storm import Storm, Unanswered
from tests.chaos.world import part_of_the_demonstration


async def storm(
    *,
    seed: int,
    commands: int,
    faults: int,
    rounds: int,
    postgres: str,
    settle_s: float,
    folder: Path,
    say: Callable[[str], None],
) -> tuple[list[Check], dict[str, object]]:
    """One storm, and what held after it."""
    demo = part_of_the_demonstration(as_of=system_clock().date())
    async with asyncio.TaskGroup() as tasks:
        stack = Stack(folder, postgres=postgres, tasks=tasks)
        say(f"{stack.postgres.version}; Apache Kafka; {folder}")
        try:
            await stack.start()
            keeping = tasks.create_task(stack.keep())
            began = time.monotonic()
            striking = Faults(stack, say)
            raging = Storm(stack, demo=demo, seed=seed, commands=commands, rounds=rounds, say=say)
            unanswered: list[str] = []
            try:
                await raging.rage(plan(seed=seed, faults=faults, commands=commands), striking)
            except* Unanswered as group:
                unanswered = [str(one) for one in _leaves(group)]
            took_s = time.monotonic() - began
            found = [Check("every command has an answer in the end", raging.commands, unanswered)]
            if not unanswered:
                say(f"{raging.commands} commands in {took_s:.0f} s; waiting until all is quiet")
                stack.to_kafka.delay_s = stack.to_postgres.delay_s = 0
                await stack.healthy(120)
                found += await check(stack, raging, settle_s=settle_s)
                found.append(await check_erasure(stack, settle_s=settle_s))
            keeping.cancel()
        finally:
            await stack.stop()
    result = {
        "seed": seed,
        "commands": raging.commands,
        "answers": dict(raging.answers),
        "calls sent again": raging.resent,
        "callers that hung up": raging.hung_up,
        "faults": sum(striking.done.values()),
        "by kind": dict(striking.done),
        "rounds published": len(raging.rounds),
        "bookings": raging.booked,
        "deliveries": raging.did["RecordDelivery"],
        "cancellations": raging.did["CancelEvent"],
        "starts of processes": sum(child.starts for child in stack.children.values()),
        "seconds": round(took_s),
        "postgres": stack.postgres.version,
    }
    return found, result


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for one in group.exceptions:
        if isinstance(one, BaseExceptionGroup):
            yield from _leaves(one)
        else:
            yield one


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument(
        "--commands", type=int, default=20_000, help="answered calls that write, at least"
    )
    parser.add_argument("--faults", type=int, default=300, help="at least")
    parser.add_argument("--rounds", type=int, default=1, help="published, at least")
    parser.add_argument(
        "--postgres", default="", help="15, 16, …: Debian's; wheel: the embedded one"
    )
    parser.add_argument("--settle", type=float, default=240, help="seconds until all must be quiet")
    parser.add_argument("--discard", action="store_true", help="keep nothing, also when it failed")
    asked = parser.parse_args()
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.gettempdir())
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    folder = Path(tempfile.mkdtemp(prefix="zhihui-storm-"))
    began = time.monotonic()

    def say(line: str) -> None:
        sys.stdout.write(f"{time.monotonic() - began:7.1f} s  {line}\n")
        sys.stdout.flush()

    say(
        f"seed {asked.seed}: python -m tests.chaos --seed {asked.seed} --commands {asked.commands} --faults {asked.faults}"
    )
    found, result = asyncio.run(
        storm(
            seed=asked.seed,
            commands=asked.commands,
            faults=asked.faults,
            rounds=asked.rounds,
            postgres=asked.postgres,
            settle_s=asked.settle,
            folder=folder,
            say=say,
        )
    )
    for kind, count in sorted(result["by kind"].items()):  # type: ignore[attr-defined]
        say(f"{count:5} × {SAYS[kind]}")
    broken = [one for one in found if one.broken]
    for one in found:
        say(f"{'✗' if one.broken else '✓'} {one.says} ({one.count})")
        for example in one.broken[:SHOWN]:
            say(f"    {example}")
        if len(one.broken) > SHOWN:
            say(f"    … {len(one.broken)} in all")
    say(json.dumps({**result, "broken": [one.says for one in broken]}, ensure_ascii=False))
    if broken and not asked.discard:
        say(f"logs and data are kept in {folder}; again with --seed {asked.seed}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    raise SystemExit(1 if broken else 0)


if __name__ == "__main__":
    main()
