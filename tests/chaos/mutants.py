"""Seen to fail: each protection is taken out of a copy of the tree, and a shorter storm must notice.

    PYTHONPATH=.:libs/genproto python -m tests.chaos.mutants [NAME …] [--seed 1]

Ends with 1 when a storm raged over a broken tree and everything seemed to hold.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.architecture.tree import ROOT
from tests.chaos.checks import SUBJECTS

COMMANDS, FAULTS = 1500, 60


@dataclass(frozen=True, slots=True)
class Mutant:
    """A protection, and the edit that takes it out: `new` in place of `old` in `file`."""

    name: str
    file: str
    old: str
    new: str


MUTANTS = (
    Mutant(
        "no inbox",
        "libs/messaging/consumer.py",
        'return {row["message_id"] for row in rows}',
        "return set(ids) if rows is not None else set()",
    ),
    Mutant(
        "no row lock",
        "services/experts/adapters/postgres.py",
        'return await self._get(name, "FOR UPDATE")',
        'return await self._get(name, "")',
    ),
    Mutant(
        "no advisory lock: every process relays",
        "libs/messaging/relay.py",
        "        while not await connection.fetchval(",
        "        while False and not await connection.fetchval(",
    ),
    Mutant(
        "no fence: who has lost the lock sends what it has in hand",
        "libs/messaging/kafka.py",
        "            if self._fence:",
        "            if False and self._fence:",
    ),
    Mutant(
        "facts after the commit, not with it",
        "services/events/adapters/postgres.py",
        """    async with open_transaction(pool) as connection, joined(connection) as tx:
        yield tx
""",
        """    async with open_transaction(pool) as connection:
        tx = PostgresTransaction(connection)
        yield tx
    async with open_transaction(pool) as connection:
        await append_all(connection, tx.facts.messages)
""",
    ),
    Mutant(
        "marked as published before the broker has it",
        "libs/messaging/relay.py",
        """        while on_the_way and on_the_way[0].there.done():
            on_the_way[0].there.result()
""",
        """        while on_the_way:
            on_the_way[0].there.add_done_callback(_looked_at)
""",
    ),
    Mutant(
        "offsets before the effect",
        "libs/messaging/consumer.py",
        """        try:
            together = await self._all_at_once(""",
        """        await members.commit(done)
        try:
            together = await self._all_at_once(""",
    ),
    Mutant(
        "a repeated command is done again",
        "libs/rpc/repeat.py",
        "        elif one.request_id:\n",
        "        elif one.request_id and not one.request_id:\n",
    ),
    Mutant(
        "a round is shown as its decisions come",
        "services/events/adapters/postgres.py",
        "        if not rows:\n            return None\n        staged =",
        "        staged =",
    ),
    Mutant(
        "what was announced of somebody is not forgotten",
        "libs/messaging/outbox.py",
        '"UPDATE outbox SET payload = NULL WHERE topic',
        '"UPDATE outbox SET payload = NULL WHERE false AND topic',
    ),
    Mutant(
        "the newest facts first",
        "libs/messaging/relay.py",
        '"SELECT position FROM outbox_waiting ORDER BY position LIMIT $1"',
        '"SELECT position FROM outbox_waiting ORDER BY position DESC LIMIT $1"',
    ),
)


def broken_tree(mutant: Mutant, folder: Path) -> Path:
    """A copy of the tree without the protection."""
    tree = folder / "tree"
    leave = shutil.ignore_patterns(
        ".git",
        ".venv",
        ".kafka",
        ".zhihui*",
        "node_modules",
        "client",
        ".mypy_cache",
    )
    shutil.copytree(ROOT, tree, ignore=leave, symlinks=True)
    for shared in (".venv", ".kafka"):
        if (ROOT / shared).exists():
            (tree / shared).symlink_to((ROOT / shared).resolve())
    path = tree / mutant.file
    text = path.read_text()
    if text.count(mutant.old) != 1:
        raise SystemExit(
            f"{mutant.name}: {mutant.file} has it {text.count(mutant.old)} times: mend the mutant"
        )
    path.write_text(text.replace(mutant.old, mutant.new))
    return tree


def noticed(mutant: Mutant, *, seed: int, commands: int, faults: int) -> tuple[list[str], str]:
    """The checks that a storm over the broken tree broke, and the end of what it said."""
    with tempfile.TemporaryDirectory(prefix="zhihui-mutant-", ignore_cleanup_errors=True) as folder:
        tree = broken_tree(mutant, Path(folder))
        done = subprocess.run(
            [
                *(sys.executable, "-W", "ignore", "-m", "tests.chaos", "--discard"),
                *("--settle", "60"),
                *("--seed", str(seed), "--commands", str(commands), "--faults", str(faults)),
            ],
            cwd=tree,
            env={**os.environ, "PYTHONPATH": f"{tree}:{tree / 'libs/genproto'}"},
            capture_output=True,
            text=True,
            check=False,
        )
    for line in reversed(done.stdout.splitlines()):
        _, _, rest = line.partition("{")
        if rest:
            broken = json.loads("{" + rest)["broken"]
            return [one for one in broken if one != SUBJECTS], done.stdout[-3000:]
    return [], done.stdout[-2000:] + done.stderr[-2000:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="only those with these words in their names")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--commands", type=int, default=COMMANDS)
    parser.add_argument("--faults", type=int, default=FAULTS)
    asked = parser.parse_args()
    alive = []
    for mutant in MUTANTS:
        if asked.names and not any(name in mutant.name for name in asked.names):
            continue
        began = time.monotonic()
        broken, said = noticed(
            mutant, seed=asked.seed, commands=asked.commands, faults=asked.faults
        )
        took_s = time.monotonic() - began
        sys.stdout.write(f"{'caught' if broken else 'ALIVE '} {mutant.name} ({took_s:.0f} s)\n")
        sys.stdout.write("".join(f"         by: {one}\n" for one in broken))
        if not broken:
            alive.append(mutant.name)
            sys.stdout.write(said + "\n")
        sys.stdout.flush()
    raise SystemExit(1 if alive else 0)


if __name__ == "__main__":
    main()
