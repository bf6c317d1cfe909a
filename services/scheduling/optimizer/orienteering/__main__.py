"""Orienteering at a desk: `python -m services.scheduling.optimizer.orienteering FILE [--name N] [--tours M] --seconds 60 --seed 1`.

FILE is a TOPTW instance (JSON, or a text file of Solomon, Cordeau or Vansteenwegen) or a MCTOPMTW text file.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from services.scheduling.optimizer.orienteering import reading, referee
from services.scheduling.optimizer.orienteering.bounding import bound
from services.scheduling.optimizer.orienteering.search import search
from services.scheduling.optimizer.stop import seconds_of


def main(arguments: Sequence[str]) -> int:
    """0: done. 1: the referee objects. 2: the command or the file cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m services.scheduling.optimizer.orienteering")
    parser.add_argument("file", type=Path)
    parser.add_argument("--name", help="which instance of a JSON file")
    parser.add_argument("--tours", type=int, default=1, help="of TOPTW; MCTOPMTW files say it")
    parser.add_argument("--seconds", type=seconds_of, default=60)
    parser.add_argument("--bound-seconds", type=seconds_of, default=30)
    parser.add_argument("--seed", type=int, default=1)
    try:
        asked = parser.parse_args(arguments)
    except SystemExit as ended:  # argparse has said what is wrong
        return int(ended.code or 0)
    try:
        instance = reading.any_instance(
            asked.file.stem, asked.file.read_text(), pick=asked.name, tours=asked.tours
        )
    except (OSError, UnicodeDecodeError, reading.BadInstance) as error:
        sys.stdout.write(f"无法读取 · cannot be read: {error}\n")
        return 2
    found = search(instance, seed=asked.seed, seconds=asked.seconds)
    faults = referee.broken(instance, found.tours)
    proven = bound(instance, seconds=asked.bound_seconds, below=found.profit)
    document = {
        "instance": instance.name,
        "profit": referee.profit(instance, found.tours),
        "bound": proven.value,
        "iterations": found.iterations,
        "tours": found.tours,
        "broken": faults,
    }
    sys.stdout.write(json.dumps(document) + "\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
