"""What peers are asked: vehicles with their own start, end and shift, and optional jobs with windows and a prize.

All numbers are integers of one unit of time. Each adapter is `solve(question, seconds, seed, cpu) -> Routes`; it uses one thread.
With `cpu` the seconds are the process's own, where the peer lets its clock be chosen: on a machine that others use, too, that is the
only fair measure.
"""

import dataclasses
import importlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from services.scheduling.optimizer.orienteering.packed import packed
from services.scheduling.optimizer.orienteering.problem import Instance

Routes = list[list[int]]
"""Per vehicle the jobs in order."""

PEERS = ("pyvrp", "vroom", "ortools", "timefold")


@dataclasses.dataclass(frozen=True)
class Vehicle:
    """Leaves the place `start` at `opens` or later and is at the place `end` at `closes` or earlier."""

    start: int
    end: int
    opens: int
    closes: int
    kind: int = 0
    """Vehicles of one kind may do the same jobs, and only they need one table of who may do what."""
    stops_max: int | None = None


@dataclasses.dataclass(frozen=True)
class Job:
    """Service begins within one of `windows`, ends included; `kinds` None: by any vehicle."""

    place: int
    service: int
    windows: tuple[tuple[int, int], ...]
    prize: int
    kinds: frozenset[int] | None = None


@dataclasses.dataclass(frozen=True)
class Question:
    """`travel[a, b]` between places; no answer can be worth more than `enough`: a peer that can be told may end there."""

    travel: npt.NDArray[np.int64]
    vehicles: Sequence[Vehicle]
    jobs: Sequence[Job]
    enough: int | None = None


def question_of(instance: Instance, enough: int | None = None) -> Question:
    """A TOPTW instance, of which no more than `enough` can be had; job `i` is node `i + 1`."""
    assert instance.kinds == 1
    assert not instance.capacities
    travel = packed(instance).hop - np.array(instance.service, np.int64)[:, None]
    (windows,) = instance.windows
    ((opens, closes),) = windows[0]
    return Question(
        travel=travel,
        vehicles=[Vehicle(0, 0, opens, closes) for _ in range(instance.tours)],
        jobs=[
            Job(node, instance.service[node], windows[node], instance.profit[node])
            for node in range(1, instance.nodes)
        ],
        enough=enough,
    )


def solve(peer: str, question: Question, *, seconds: float, seed: int, cpu: bool = False) -> Routes:
    """What `peer` answers.

    Raises:
        ImportError: it is not installed.
    """
    module = importlib.import_module(f"tests.benchmarks.peers.{peer}_peer")
    routes: Routes = module.solve(question, seconds, seed, cpu)
    return routes
