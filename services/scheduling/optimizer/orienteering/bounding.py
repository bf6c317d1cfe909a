"""Proven upper bounds on the profit: a Lagrangian whose prices come from column generation.

With a price `prices[i] >= 0` for each node and `rates[r] >= 0` for each resource, in whole millesimals of a profit,

    bound = sum of prices + sum of rates[r] * capacity[r] + sum over kinds of tours_of_kind * max(0, best tour of the kind)

where a tour earns `profit - price - needs * rates` at each node. Whatever the prices, no solution is worth more (Geoffrion 1974,
doi 10.1007/BFb0120690), so that the best one so far is valid at any moment; it is computed in whole numbers and rounded down. Prices are
those of the linear program over tours found so far, smoothed towards the best ones (Pessoa et al. 2018, doi 10.1287/ijoc.2017.0784).
"""

import dataclasses
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from ortools.linear_solver import pywraplp

from services.scheduling.optimizer.orienteering import pricing
from services.scheduling.optimizer.orienteering.combining import tours_of_kind
from services.scheduling.optimizer.orienteering.kernel import earliest
from services.scheduling.optimizer.orienteering.packed import NEVER, Packed, packed
from services.scheduling.optimizer.orienteering.problem import Instance, Tours
from services.scheduling.optimizer.stop import Stop

MILLI = 1_000
STATES_MAX = 24_000_000
"""Labels' room: 8 bytes each."""

LEVELS = ((400, 2), (1_500, 3), (3_000, 5), (6_000, 7), (12_000, 8))
"""From quick to sharp: how many slots a day has at most, and how many neighbours a node remembers."""

SMOOTHING = 0.6


@dataclasses.dataclass(frozen=True, slots=True)
class Bound:
    """No solution is worth more than `value`; `prices`, `rates` (millesimals) prove it where they are not empty, with tours priced
    on slots of `width` ticks with `zone` neighbours remembered.
    """

    value: int
    prices: tuple[int, ...] = ()
    rates: tuple[int, ...] = ()
    width: int = 0
    zone: int = 0
    pricings: int = 0


def bound(
    instance: Instance,
    *,
    seconds: float | None = None,
    pricings: int | None = None,
    below: int = 0,
    known: Tours = (),
) -> Bound:
    """The lowest bound found after `seconds` or so many `pricings`, or once it is `below`, which is known to be reached.

    `known` tours start the linear program. A pricing is not interrupted: the end may be late by one.

    Raises:
        ValueError: there is no limit at all.
    """
    stop = Stop(seconds=seconds, iterations=pricings)
    pack = packed(instance)
    generation = _Generation(instance, pack, below, known)
    generation.run(stop)
    return generation.best


class _Level:
    """One relaxation: the grid and the memory, and the room that its pricing needs."""

    def __init__(self, pack: Packed, kind: int, slots_max: int, remembered: int) -> None:
        n = len(pack.profit)
        home = int(pack.closes[kind, 0, 0])
        least = int(pack.hop[1:, 1:][~np.eye(n - 1, dtype=bool)].min()) if n > 2 else home
        # A tour must get on by a slot at least with every visit.
        self.width = max(1, min(least, -(-(home + 1) // slots_max)))
        self.slots = home // self.width + 1
        room = max(2, STATES_MAX // (n * self.slots))
        self.zone = max(1, min(remembered, room.bit_length() - 1, n - 1))
        self.usable = least > 0 and n * self.slots * 2**self.zone <= 4 * STATES_MAX
        self.near = np.ascontiguousarray(pack.near[:, : self.zone])
        self.follow = np.full((n, self.zone, n), -1, np.int8)
        for j in range(1, n):
            place = {int(node): q for q, node in enumerate(self.near[j])}
            for i in range(1, n):
                for p, node in enumerate(self.near[i]):
                    self.follow[i, p, j] = place.get(int(node), -1)
        if self.usable:
            shape = (n, self.slots, 2**self.zone)
            self.value = np.empty(shape, np.int32)
            self.before = np.empty(shape, np.int32)
            self.rest = np.empty(shape[:2], np.int32)
            self.reach = np.empty((n, 2**self.zone), np.int32)
            self.found = np.zeros((n, min(self.slots + 2, 4 * n + 2)), np.int32)
            self.found_value = np.empty(n, np.int64)

    def best(
        self, pack: Packed, kind: int, reward: npt.NDArray[np.int64], cut: int
    ) -> tuple[int, list[tuple[int, ...]]]:
        value = pricing.best_tours(
            pack.hop, pack.opens, pack.closes, kind, reward, self.near, self.follow, self.width, self.slots, cut,
            self.value, self.before, self.rest, self.reach, self.found, self.found_value,
        )  # fmt: skip
        tours = []
        for node in np.argsort(-self.found_value, kind="stable")[:40]:
            row = self.found[node]
            if row[0]:
                tours.append(tuple(int(v) for v in row[: int(np.argmin(row))][::-1]))
        return int(value), tours


class _Generation:
    def __init__(self, instance: Instance, pack: Packed, below: int, known: Tours) -> None:
        self._pack = pack
        self._below = below
        self._columns: list[tuple[int, tuple[int, ...]]] = []
        self._seen: set[tuple[int, tuple[int, ...]]] = set()
        reachable = _reachable(pack)
        self.best = Bound(int(pack.profit[reachable].sum()))
        self._prices = (pack.profit * MILLI * reachable).astype(np.int64)
        self._rates = np.zeros(len(pack.capacities), np.int64)
        self._best_exact = int(self._prices.sum())
        self._pricings = 0
        for t, tour in enumerate(known):
            if tour:
                self._add(t % instance.kinds, tour)

    def run(self, stop: Stop) -> None:
        small = int(self._pack.profit.sum()) * MILLI < 2**29
        for slots, remembered in LEVELS:
            if self._done(stop) or not small:
                return
            levels = [_Level(self._pack, k, slots, remembered) for k in range(self._pack.kinds)]
            if all(level.usable for level in levels):
                self._columns = [c for c in self._columns if _sound(self._pack, *c)]
                self._seen = set(self._columns)
                self._converge(stop, levels)

    def _done(self, stop: Stop) -> bool:
        return self.best.value <= self._below or stop.now(self._pricings)

    def _converge(self, stop: Stop, levels: Sequence[_Level]) -> None:
        """Column generation on one relaxation until prices no longer pay, or nearly."""
        smoothing, stalled = SMOOTHING, 0
        while not self._done(stop):
            optimum, prices, rates = self._relaxed()
            at = np.floor(smoothing * self._prices + (1 - smoothing) * prices).astype(np.int64)
            rates_at = np.floor(smoothing * self._rates + (1 - smoothing) * rates).astype(np.int64)
            before = self._best_exact
            new = self._price(levels, at, rates_at)
            # As good as this relaxation gets: a sharper one has more to give.
            if self._best_exact - optimum < max(MILLI // 20, optimum * 2e-5):
                return
            if new == 0 and smoothing == 0.0:
                return
            if self._best_exact < before:
                stalled, smoothing = 0, SMOOTHING
            else:
                stalled += 1
                smoothing = 0.0 if new == 0 or stalled > 8 else smoothing * 0.8

    def _price(
        self,
        levels: Sequence[_Level],
        prices: npt.NDArray[np.int64],
        rates: npt.NDArray[np.int64],
    ) -> int:
        """Evaluate the Lagrangian, keep it where it is the best, and add tours; how many were new."""
        pack = self._pack
        reward = pack.profit * MILLI - prices - pack.needs @ rates
        exact = int(prices.sum()) + int(rates @ pack.capacities)
        new = 0
        for kind, level in enumerate(levels):
            earned = [sum(int(reward[i]) for i in c) for k, c in self._columns if k == kind]
            value, tours = level.best(pack, kind, reward, max([0, *earned]))
            exact += tours_of_kind(pack, kind) * value
            new += sum(self._add(kind, tour) for tour in tours)
        self._pricings += 1
        if exact < self._best_exact:
            self._best_exact, self._prices, self._rates = exact, prices, rates
            self.best = Bound(
                value=min(self.best.value, exact // MILLI),
                prices=tuple(int(v) for v in prices),
                rates=tuple(int(v) for v in rates),
                width=max(level.width for level in levels),
                zone=min(level.zone for level in levels),
                pricings=self._pricings,
            )
        return new

    def _add(self, kind: int, tour: tuple[int, ...]) -> bool:
        if (kind, tour) in self._seen:
            return False
        self._seen.add((kind, tour))
        self._columns.append((kind, tour))
        return True

    def _relaxed(self) -> tuple[float, npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Optimum (millesimals) and duals of the linear program over the tours known; prices of nodes are at most their profit."""
        pack = self._pack
        lp: Any = pywraplp.Solver.CreateSolver("GLOP")  # type: ignore[no-untyped-call]
        inf = lp.infinity()
        objective = lp.Objective()
        objective.SetMaximization()
        nodes = [lp.Constraint(-inf, 1.0) for _ in pack.profit]
        kinds = [lp.Constraint(-inf, float(tours_of_kind(pack, k))) for k in range(pack.kinds)]
        spent = [lp.Constraint(-inf, float(capacity)) for capacity in pack.capacities]
        for kind, tour in self._columns:
            x = lp.NumVar(0.0, inf, "")
            objective.SetCoefficient(x, float(pack.profit[list(tour)].sum()))
            kinds[kind].SetCoefficient(x, 1.0)
            for node, times in Counter(tour).items():
                nodes[node].SetCoefficient(x, float(times))
            for row, need in zip(spent, pack.needs[list(tour)].sum(axis=0), strict=True):
                row.SetCoefficient(x, float(need))
        lp.Solve()
        prices = np.array([MILLI * max(0.0, row.dual_value()) for row in nodes])
        rates = np.array([MILLI * max(0.0, row.dual_value()) for row in spent])
        prices[0] = 0.0
        return MILLI * objective.Value(), prices, rates


def _reachable(pack: Packed) -> npt.NDArray[np.bool_]:
    """Nodes that some tour could serve alone."""
    reachable = np.zeros(len(pack.profit), np.bool_)
    for node in range(1, len(pack.profit)):
        reachable[node] = any(_sound(pack, kind, (node,)) for kind in range(pack.kinds))
    return reachable


def _sound(pack: Packed, kind: int, tour: tuple[int, ...]) -> bool:
    """Whether `tour` is a real one: no node twice, and in time."""
    if len(set(tour)) < len(tour):
        return False
    at, place = int(pack.opens[kind, 0, 0]), 0
    for node in tour:
        at = int(earliest(pack.opens, pack.closes, kind, node, at + pack.hop[place, node]))
        if at >= NEVER:
            return False
        place = node
    return bool(at + pack.hop[place, 0] <= pack.closes[kind, 0, 0])
