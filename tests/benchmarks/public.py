"""Public orienteering instances, ours beside other solvers in one run: `python -m tests.benchmarks.public toptw|mctopmtw --path FOLDER`.

FOLDER holds `instances.json` and `best_known.json` (TOPTW), or text files (one or many), with `best_known.csv` beside (MCTOPMTW)
where there is one. One instance after the other is given to each solver in turn, for the same seconds on one thread; `--jobs` many
instances at once. Every answer is held against the referee; one that breaks a rule counts nothing. Whoever has all the profits there are, or as
much as is proven to be the most, ends before its seconds are over, because nothing better exists: ours by its own bound, PyVRP by the bound that
ours has proven just before. `--out` keeps a line of JSON per answer: what is there already is not run again, so that a run that was stopped goes on.
"""

import argparse
import csv
import dataclasses
import fnmatch
import json
import multiprocessing
import re
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from services.scheduling.optimizer.orienteering import reading, referee
from services.scheduling.optimizer.orienteering.bounding import bound
from services.scheduling.optimizer.orienteering.problem import Instance, Tours
from services.scheduling.optimizer.orienteering.search import search
from tests.benchmarks.peers import model

OURS = "zhihui"
BOUND = "bound"


@dataclasses.dataclass(frozen=True)
class Task:
    """One instance, and which solvers have not answered it yet."""

    kind: str
    instance: Instance
    solvers: tuple[str, ...]
    seconds: float
    bound_seconds: float
    seed: int
    best_known: int | None
    cpu: bool
    earlier: tuple[dict[str, Any], ...]
    """What is known of it from runs before."""


def main() -> None:
    """Run what is missing, then print the summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=("toptw", "mctopmtw"))
    parser.add_argument("--path", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--bound-seconds", type=float, default=30)
    parser.add_argument("--m", type=int, nargs="+", default=[1, 2, 3, 4])
    parser.add_argument("--peers", nargs="*", default=[], choices=model.PEERS)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument(
        "--cpu",
        action="store_true",
        help="seconds of the process, not of the wall, for ours and PyVRP: on a machine that others use, too",
    )
    parser.add_argument("--only", default="*", help="patterns of names, separated by commas")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    rows = _rows(asked.out)
    tasks = list(_tasks(asked, rows))
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(asked.jobs, mp_context=context, initializer=_warm) as pool:
        for ended in as_completed([pool.submit(_run, task) for task in tasks]):
            for row in ended.result():
                rows.append(row)
                _say(_line(row))
                if asked.out is not None:
                    with asked.out.open("a") as file:
                        file.write(json.dumps(row) + "\n")
    _say(summary([row for row in rows if _asked_for(row, asked)]))


def _asked_for(row: dict[str, Any], asked: argparse.Namespace) -> bool:
    return (
        row["kind"] == asked.kind
        and row["seed"] == asked.seed
        and row["m"] in asked.m
        and row["seconds"] in {asked.seconds, asked.bound_seconds}
        and any(fnmatch.fnmatch(row["instance"], one) for one in asked.only.split(","))
    )


def _rows(out: Path | None) -> list[dict[str, Any]]:
    if out is None or not out.exists():
        return []
    return [json.loads(line) for line in out.read_text().splitlines() if line]


def _tasks(asked: argparse.Namespace, rows: Sequence[dict[str, Any]]) -> Iterable[Task]:
    done = {(r["kind"], r["instance"], r["m"], r["solver"], r["seconds"], r["seed"]) for r in rows}
    for instance, best_known in instances(asked.kind, asked.path, asked.m):
        if not any(fnmatch.fnmatch(instance.name, one) for one in asked.only.split(",")):
            continue
        missing = tuple(
            solver
            for solver in (OURS, BOUND, *asked.peers)
            if (
                asked.kind,
                instance.name,
                instance.tours,
                solver,
                asked.bound_seconds if solver == BOUND else asked.seconds,
                asked.seed,
            )
            not in done
        )
        if missing:
            yield Task(
                asked.kind,
                instance,
                missing,
                asked.seconds,
                asked.bound_seconds,
                asked.seed,
                best_known,
                asked.cpu,
                tuple(r for r in rows if _about(r) == (asked.kind, instance.name, instance.tours)),
            )


def _about(row: dict[str, Any]) -> tuple[str, str, int]:
    return row["kind"], row["instance"], row["m"]


def instances(kind: str, path: Path, tours: Sequence[int]) -> Iterable[tuple[Instance, int | None]]:
    """What is at `path`, with its best known value where there is one."""
    if kind == "mctopmtw":
        known = _best_known_csv(path)
        for file in _texts(path):
            match = re.fullmatch(r"(?:MCTOPMTW-\d+-)?(.*)", file.stem)
            assert match is not None
            instance = reading.mctopmtw_from_text(match[1], file.read_text())
            if instance.tours in tours:
                yield instance, known.get((instance.tours, instance.name))
        return
    folder = path if path.is_dir() else path.parent
    table = folder / "best_known.json"
    best = json.loads(table.read_text()) if table.exists() else {}
    makers: dict[str, Callable[[int], Instance]] = {}
    listed = [path] if path.is_file() else sorted(path.iterdir())
    for file in listed:
        if file.suffix == ".json" and file != table:
            makers |= reading.toptw_from_json(file.read_text())
        elif file.suffix == ".txt" or (path.is_file() and file.suffix != ".json"):
            makers[file.stem] = reading.toptw_from_text(file.stem, file.read_text())
    for name, made in makers.items():
        for m in tours:
            yield made(m), best.get(name, {}).get(str(m))


def _texts(path: Path) -> list[Path]:
    return [path] if path.is_file() else sorted(path.rglob("*.txt"))


def _best_known_csv(path: Path) -> dict[tuple[int, str], int]:
    for folder in (path, path.parent, path.parent.parent):
        table = folder / "best_known.csv"
        if table.exists():
            with table.open() as file:
                return {
                    (int(float(row["m"])), row["instance"].removesuffix(".txt")): int(
                        float(row["best_known"])
                    )
                    for row in csv.DictReader(file)
                }
    return {}


def _warm() -> None:
    """Load what is compiled, so that no measured second goes into it."""
    points = tuple((i, i % 3) for i in range(8))
    wide = tuple(((0, 1_000),) for _ in points)
    tiny = Instance(
        name="warm",
        tours=2,
        kinds=1,
        time_digits=1,
        travel_digits=1,
        point_digits=0,
        points=points,
        service=(0, *[10] * 7),
        profit=(0, *[1] * 7),
        windows=(wide,),
    )
    search(tiny, seed=1, iterations=1_000, enough=99)
    bound(tiny, pricings=2)


def _run(task: Task) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    instance = task.instance
    tours: Tours = ()
    for solver in task.solvers:
        began, began_cpu = time.monotonic(), time.process_time()
        row: dict[str, Any] = {
            "kind": task.kind,
            "instance": instance.name,
            "m": instance.tours,
            "solver": solver,
            "seconds": task.bound_seconds if solver == BOUND else task.seconds,
            "seed": task.seed,
            "best_known": task.best_known,
        }
        known = [*task.earlier, *rows]
        reached = max([0, *(r["value"] for r in known if r["solver"] != BOUND)])
        most = min([sum(instance.profit), *(r["most"] for r in known if "most" in r)])
        if solver == BOUND:
            proven = bound(
                instance,
                seconds=task.bound_seconds if most > reached else 0.0,
                below=reached,
                known=tours,
                clock=_process_clock() if task.cpu else None,
            )
            most = min(most, proven.value)
            row |= {"value": most, "most": most, "pricings": proven.pricings}
        else:
            try:
                answer = _answer(task, solver, most, row)
            except Exception as error:  # a peer's failure is a result, too
                row |= {"value": 0, "failed": f"{type(error).__name__}: {error}"[:300]}
            else:
                faults = referee.broken(instance, answer)
                row["value"] = 0 if faults else referee.profit(instance, answer)
                if faults:
                    row["broken"] = faults[:3]
                elif solver == OURS:
                    tours = answer
        row["elapsed_s"] = round(time.monotonic() - began, 2)
        row["cpu_s"] = round(time.process_time() - began_cpu, 2)
        rows.append(row)
    return rows


def _answer(task: Task, solver: str, most: int, row: dict[str, Any]) -> Tours:
    if solver == OURS:
        found = search(
            task.instance,
            seed=task.seed,
            seconds=task.seconds,
            clock=_process_clock() if task.cpu else None,
        )
        row |= {"iterations": found.iterations, "most": found.bound}
        return found.tours
    question = model.question_of(task.instance, enough=most)
    routes = model.solve(solver, question, seconds=task.seconds, seed=task.seed, cpu=task.cpu)
    return tuple(tuple(job + 1 for job in route) for route in routes)


def _process_clock() -> Callable[[], float]:
    began = time.process_time()
    return lambda: time.process_time() - began


def _family(row: dict[str, Any]) -> str:
    """`c1`, `r2`, `pr` …: letters, and for Solomon's the first digit."""
    match = re.match(r"([a-z]+)(\d)", row["instance"])
    if match is None:
        return str(row["instance"])
    return match[1] if match[1] == "pr" else match[1] + match[2]


def _line(row: dict[str, Any]) -> str:
    gap = (
        ""
        if not row["best_known"]
        else f" {100 * (row['best_known'] - row['value']) / row['best_known']:+.2f} %"
    )
    wrong = row.get("broken") or row.get("failed") or ""
    return f"{row['instance']} m={row['m']} {row['solver']} {row['value']}{gap} {row['elapsed_s']} s (cpu {row['cpu_s']}) {wrong}"


def summary(rows: Sequence[dict[str, Any]]) -> str:
    """Per family: instances, mean gap to the best known per solver, and the mean gap between ours and the bound."""
    table: defaultdict[str, defaultdict[tuple[str, int], dict[str, dict[str, Any]]]]
    table = defaultdict(lambda: defaultdict(dict))
    for row in rows:
        for family in (_family(row), "all"):
            table[family][row["instance"], row["m"]][row["solver"]] = row
    solvers = [OURS, *sorted({r["solver"] for r in rows} - {OURS, BOUND})]
    lines = [
        "| family | runs | " + " | ".join(solvers) + " | above bound | proven optimal |",
        "|" + "---|" * (len(solvers) + 4),
    ]
    for family in sorted(table, key=lambda name: (name == "all", name)):
        runs = [run for run in table[family].values() if OURS in run]
        cells = []
        for solver in solvers:
            gaps = [
                100 * (run[solver]["best_known"] - run[solver]["value"]) / run[solver]["best_known"]
                for run in runs
                if solver in run and run[solver]["best_known"]
            ]
            cells.append(f"{sum(gaps) / len(gaps):.2f} %" if gaps else "–")
        bounded = [run for run in runs if BOUND in run]
        open_gaps = [
            100 * (run[BOUND]["value"] - run[OURS]["value"]) / run[BOUND]["value"]
            for run in bounded
        ]
        optimal = sum(run[BOUND]["value"] == run[OURS]["value"] for run in bounded)
        mean = f"{sum(open_gaps) / len(open_gaps):.2f} %" if open_gaps else "–"
        lines.append(
            f"| {family} | {len(runs)} | " + " | ".join(cells) + f" | {mean} | {optimal} |"
        )
    lines += [
        f"bound below the best known value: {row['instance']} m={row['m']}"
        for row in rows
        if row["solver"] == BOUND and row["best_known"] and row["value"] < row["best_known"]
    ]
    return "\n".join(lines)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
