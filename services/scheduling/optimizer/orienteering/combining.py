"""The best combination of tours that have been seen: a set packing, first as a linear program, then exactly over what is left.

    maximize    sum of profit[c] * chosen[c]
    subject to  per node at most one chosen tour, per kind at most its number of tours, per resource at most its capacity

A tour whose reduced cost takes the linear program's optimum below the next better profit cannot be part of anything better: it is left
out (Desrochers, Desrosiers and Solomon 1992, doi 10.1287/opre.40.2.342; Rochat and Taillard 1995, doi 10.1007/BF02430370).
"""

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

from ortools.linear_solver import pywraplp
from ortools.sat.python import cp_model

from services.scheduling.optimizer.orienteering.packed import Packed
from services.scheduling.optimizer.orienteering.problem import Tours

EFFORT = 2.0
"""CP-SAT's deterministic time: about as many seconds, and the same on every machine; at most, unless it is said."""

TOLERANCE = 1e-3
"""What the linear program's numbers may be off by, of a profit."""


class Column(NamedTuple):
    """A tour that a tour of `kind` can be."""

    kind: int
    nodes: tuple[int, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Combined:
    """Tours worth more than asked for, or None where none are found; which columns could still be part of such.

    Where it is `settled`, nothing better can be made of the columns.
    """

    tours: Tours | None
    hopeful: list[int]
    settled: bool


def combined(
    pack: Packed, columns: Sequence[Column], *, above: int, effort: float = EFFORT
) -> Combined:
    """The best of `columns` that go together, if worth more than `above`, as far as `effort` goes."""
    profits = [int(pack.profit[list(column.nodes)].sum()) for column in columns]
    optimum, reduced = _relaxed(pack, columns, profits)
    better = pack.above(above)
    hopeful = [
        i for i in range(len(columns)) if optimum + min(0.0, reduced[i]) >= better - TOLERANCE
    ]
    if optimum < better - TOLERANCE:
        return Combined(None, hopeful, settled=True)
    tours, settled = _exact(
        pack, [columns[i] for i in hopeful], [profits[i] for i in hopeful], better, effort
    )
    return Combined(tours, hopeful, settled)


def tours_of_kind(pack: Packed, kind: int) -> int:
    """How many tours are of `kind`."""
    return len(range(kind, pack.tours, pack.kinds))


def _relaxed(
    pack: Packed, columns: Sequence[Column], profits: Sequence[int]
) -> tuple[float, list[float]]:
    lp: Any = pywraplp.Solver.CreateSolver("GLOP")  # type: ignore[no-untyped-call]
    inf = lp.infinity()
    objective = lp.Objective()
    objective.SetMaximization()
    nodes = [lp.Constraint(-inf, 1.0) for _ in range(len(pack.profit))]
    kinds = [lp.Constraint(-inf, float(tours_of_kind(pack, k))) for k in range(pack.kinds)]
    spent = [lp.Constraint(-inf, float(capacity)) for capacity in pack.capacities]
    chosen = []
    for column, profit in zip(columns, profits, strict=True):
        x = lp.NumVar(0.0, inf, "")
        objective.SetCoefficient(x, float(profit))
        kinds[column.kind].SetCoefficient(x, 1.0)
        for node in column.nodes:
            nodes[node].SetCoefficient(x, 1.0)
        for row, need in zip(spent, pack.needs[list(column.nodes)].sum(axis=0), strict=True):
            row.SetCoefficient(x, float(need))
        chosen.append(x)
    if lp.Solve() != pywraplp.Solver.OPTIMAL:
        return float("inf"), [0.0] * len(columns)
    return objective.Value(), [x.reduced_cost() for x in chosen]


def _exact(
    pack: Packed, columns: Sequence[Column], profits: Sequence[int], better: int, effort: float
) -> tuple[Tours | None, bool]:
    """Tours worth `better` at least, and whether nothing is worth more."""
    model = cp_model.CpModel()
    chosen = [model.new_bool_var("") for _ in columns]
    by_node: list[list[Any]] = [[] for _ in pack.profit]
    for x, column in zip(chosen, columns, strict=True):
        for node in column.nodes:
            by_node[node].append(x)
    for row in by_node:
        model.add_at_most_one(row)
    for kind in range(pack.kinds):
        of_kind = [x for x, column in zip(chosen, columns, strict=True) if column.kind == kind]
        model.add(sum(of_kind) <= tours_of_kind(pack, kind))
    for r, capacity in enumerate(pack.capacities):
        needs = [int(pack.needs[list(column.nodes), r].sum()) for column in columns]
        model.add(cp_model.LinearExpr.weighted_sum(chosen, needs) <= int(capacity))
    value = cp_model.LinearExpr.weighted_sum(chosen, list(profits))
    model.add(value >= better)
    model.maximize(value)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.max_deterministic_time = effort
    solver.parameters.random_seed = 1
    status = solver.solve(model)
    settled = status in {cp_model.OPTIMAL, cp_model.INFEASIBLE}
    if status not in {cp_model.OPTIMAL, cp_model.FEASIBLE}:
        return None, settled
    tours: list[tuple[int, ...]] = [()] * pack.tours
    free = [list(range(kind, pack.tours, pack.kinds)) for kind in range(pack.kinds)]
    for x, column in zip(chosen, columns, strict=True):
        if solver.value(x):
            tours[free[column.kind].pop()] = column.nodes
    return tuple(tours), settled
