"""Proven upper bounds on the profit: a Lagrangian whose prices come from column generation.

With a price `prices[i] >= 0` for each node and `rates[r] >= 0` for each resource, in whole millesimals of a profit,

    bound = sum of prices + sum of rates[r] * capacity[r] + sum over kinds of tours_of_kind * max(0, best tour of the kind)

where a tour earns `profit - price - needs * rates` at each node. Whatever the prices, no solution is worth more (Geoffrion 1974,
doi 10.1007/BFb0120690), so that the best one so far is valid at any moment; it is computed in whole numbers and rounded
down to what profits can add up to. Prices are
found in two steps, on coarse relaxations first and then on sharper ones: a subgradient method with averaged tours, which is quick where a linear
program over few tours says nothing yet (volume algorithm: Barahona and Anbil 2000, doi 10.1007/s101070050002), then the linear program over the
tours found so far, smoothed towards the best prices (Pessoa et al. 2018, doi 10.1287/ijoc.2017.0784).

Where bound and best solution are near each other, few tours earn enough to be part of anything better. Then all of them are listed
(enumerating.py), and the best of their combinations is the best there is.
"""

import dataclasses
import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from ortools.linear_solver import pywraplp

from services.scheduling.optimizer.orienteering import enumerating, pricing
from services.scheduling.optimizer.orienteering.combining import (
    EFFORT,
    Column,
    combined,
    tours_of_kind,
)
from services.scheduling.optimizer.orienteering.kernel import earliest
from services.scheduling.optimizer.orienteering.packed import NEVER, Packed, packed, quickest
from services.scheduling.optimizer.orienteering.problem import Instance, Tours
from services.scheduling.optimizer.stop import Stop

MILLI = 1_000
STATES_MAX = 24_000_000
"""Labels' room: 8 bytes each at least."""

SLOTS = (1_500, 3_000, 6_000, 12_000, 24_000)
"""From quick to sharp: how many slots a day has at most."""

ZONE_FIRST, ZONE_MAX = 6, 10
"""How many nodes one remembers, itself among them: at first, and at most."""

TOURS_MAX, COLUMNS_FIRST = 40, 1_000
"""Tours taken from one pricing; tours that a linear program begins with."""

GROWING = 2e-3
"""Where more memory lowers the bound by less than this part, a finer grid is next."""

NEARLY = 1e-4
"""Where the linear program and the bound are this part apart, the next relaxation has more to give."""

SMOOTHING = 0.6

EAGERNESS, EAGERNESS_LEAST, PATIENCE, AVERAGING = 1.0, 0.05, 8, 0.2
"""Steps go this part of the way to what is known to be reached, less after each so many that did not help; a new tour's part in the average."""


STATES_LISTED_MAX, LISTED_MAX = 400_000, 20_000
"""Parts of tours that are looked at to list whole ones; how many whole ones of a kind are combined at most."""

THOROUGH = 5.0
"""So many times the effort of combining is worth it where all tours are there that matter: what comes out is a proof."""


@dataclasses.dataclass(frozen=True, slots=True)
class Bound:
    """No solution is worth more than `value`; `prices`, `rates` (millesimals) prove it where they are not empty.

    Where it is `settled`, `value` is the optimum, and what they prove is that only the tours looked at can be part of anything better.
    """

    value: int
    prices: tuple[int, ...] = ()
    rates: tuple[int, ...] = ()
    pricings: int = 0
    settled: bool = False


def bound(
    instance: Instance,
    *,
    seconds: float | None = None,
    pricings: int | None = None,
    below: int = 0,
    known: Tours = (),
    clock: Callable[[], float] | None = None,
) -> Bound:
    """The lowest bound found after `seconds` or so many `pricings`, or once it is `below`, which is known to be reached.

    `known` tours start the linear program. A pricing is not interrupted: the end may be late by one. `clock` says how many of the
    seconds are used up (by default the wall clock).

    Raises:
        ValueError: there is no limit at all.
    """
    stop = Stop(seconds=seconds, iterations=pricings)
    if clock is not None:
        stop = Stop(
            seconds=None if seconds is None else math.inf,
            iterations=pricings,
            asked=lambda: seconds is not None and clock() >= seconds,
        )
    generation = Generation(packed(instance), below)
    generation.know(known, below)
    generation.run(stop)
    return generation.best


class _Level:
    """One relaxation of a kind of tour: the grid, the zones, and the room that its pricing needs."""

    def __init__(
        self, pack: Packed, kind: int, slots_max: int, zones: Sequence[Sequence[int]]
    ) -> None:
        n = len(pack.profit)
        home = int(pack.closes[kind, 0, 0])
        least = int(pack.hop[1:, 1:][~np.eye(n - 1, dtype=bool)].min()) if n > 2 else home
        # Slots are of a power of two of ticks, and a tour must get on by a slot at least with every visit.
        wished = max(0, -(-(home + 1) // slots_max) - 1).bit_length()
        self.shift = max(0, min(wished, least.bit_length() - 1))
        self.slots = (home >> self.shift) + 1
        self.first, self.last, self.arcs, self.by = _arcs(pack, kind, self.shift)
        spans = np.maximum(0, np.minimum(self.last, self.slots - 1) - self.first + 1)
        spans[0] = 0
        self.zones = [tuple(zone) for zone in zones]
        self.bits = np.array([len(zone) for zone in zones], np.int64)
        labels = spans << self.bits
        self.base = np.concatenate(([0], np.cumsum(labels)[:-1]))
        reaches = np.int64(1) << self.bits
        self.floor = np.concatenate(([0], np.cumsum(reaches)[:-1]))
        self.usable = least > 0 and int(labels.sum()) <= STATES_MAX
        if self.usable:
            self.follow = _follow(zones)
            self.value = np.empty(int(labels.sum()), np.int32)
            self.before = np.empty(int(labels.sum()), np.int32)
            self.reach = np.empty(int(reaches.sum()), np.int32)
            self.rest = np.empty((n, self.slots), np.int32)
            self.soonest = np.empty((n, self.slots), np.int64)
            self.found = np.zeros((n, min(self.slots + 2, 4 * n + 2)), np.int32)
            self.found_value = np.empty(n, np.int64)

    def best(
        self, pack: Packed, kind: int, reward: npt.NDArray[np.int64], cut: int
    ) -> tuple[int, list[tuple[int, ...]]]:
        """The most that a tour earns, but at least `cut`, and tours that earn more than `cut`, the best first."""
        value = pricing.best_tours(
            pack.hop, pack.opens, pack.closes, kind, reward, self.first, self.last, self.arcs, self.by, self.bits, self.base,
            self.floor, self.follow, self.shift, cut, self.value, self.before, self.rest, self.reach, self.soonest,
            self.found, self.found_value,
        )  # fmt: skip
        tours = []
        for node in np.argsort(-self.found_value, kind="stable")[:TOURS_MAX]:
            row = self.found[node]
            if row[0]:
                tours.append(tuple(int(v) for v in row[: int(np.argmin(row))][::-1]))
        return int(value), tours

    def every(
        self, rules: Packed, pack: Packed, kind: int, reward: npt.NDArray[np.int64], cut: int
    ) -> list[Column] | None:
        """Every set of nodes of which a tour of `kind` by the `rules` earns more than `cut`, in some order; None where they are too many."""
        self.best(pack, kind, reward, cut)
        enumerating.foresee(self.first, self.last, self.bits, self.base, self.soonest, self.value)
        n, most = len(reward), STATES_LISTED_MAX
        zone = np.zeros((n, int(self.bits.max())), np.int64)
        for node, of_node in enumerate(self.zones):
            zone[node, : len(of_node)] = of_node
        served = np.zeros((most, (n + 63) // 64), np.uint64)
        head, after = np.empty(most, np.int32), np.empty(most, np.int32)
        by, earned = np.empty(most, np.int64), np.empty(most, np.int64)
        count = enumerating.every_tour(
            rules.hop, rules.opens, rules.closes, kind, reward, zone, self.first, self.last, self.bits, self.base, self.shift, cut,
            self.value, np.random.SeedSequence(1).generate_state(n, np.uint64), served, head, by, earned, after,
            np.empty(1 << (2 * most).bit_length(), np.int32),
        )  # fmt: skip
        if count < 0:
            return None
        is_whole = np.zeros(count, np.bool_)
        enumerating.whole(
            rules.hop, rules.opens, rules.closes, kind, cut, head, by, earned, is_whole
        )
        states = np.flatnonzero(is_whole)
        _, firsts = np.unique(served[states], axis=0, return_index=True)
        if len(firsts) > LISTED_MAX:
            return None
        columns = []
        for tour in states[firsts]:
            nodes, part = [], tour
            while part >= 0:
                nodes.append(int(head[part]))
                part = after[part]
            columns.append(Column(kind, tuple(nodes)))
        return columns


def _follow(zones: Sequence[Sequence[int]]) -> npt.NDArray[np.int8]:
    """`[i, j, p]`: which of the zone of `j` the p-th of the zone of `i` is, or -1."""
    n, most = len(zones), max(len(zone) for zone in zones)
    padded = np.zeros((n, most), np.int64)
    place = np.full((n, n), -1, np.int8)
    for i, zone in enumerate(zones):
        padded[i, : len(zone)] = zone
        place[i, list(zone)] = np.arange(len(zone))
    place[:, 0] = -1
    return np.ascontiguousarray(place[:, padded].transpose(1, 0, 2))


def _arcs(
    pack: Packed, kind: int, shift: int
) -> tuple[
    npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.int64]
]:
    """First and last slot of each node's starts; who can follow it; and the last tick of its start at which they can, falling."""
    n = len(pack.profit)
    opens, closes = pack.opens[kind].min(axis=1), pack.closes[kind].max(axis=1)
    by = closes[None, :] - pack.hop
    possible = (by >= opens[:, None]) & ~np.eye(n, dtype=bool)
    possible[:, 0] = False
    order = np.argsort(np.where(possible, -by, NEVER), axis=1, kind="stable")
    rows = np.arange(n)[:, None]
    arcs = np.where(possible[rows, order], order, -1).astype(np.int32)
    first = np.where(opens < NEVER, opens >> shift, NEVER)
    first[0] = 0
    return first, closes >> shift, arcs, by[rows, order]


class Generation:
    """Column generation that can go on where it ended: `best` is its bound so far, `columns` its tours.

    `found` are tours worth `reached`, as soon as it has found some that are worth more than it was told.
    """

    def __init__(self, pack: Packed, below: int = 0, *, effort: float = EFFORT) -> None:
        self._rules = pack
        # The pricing leaves out who earns nothing, and so may never be late for want of a detour over them.
        self._pack = pack = dataclasses.replace(pack, hop=quickest(pack.hop))
        self.reached = below
        self.columns: list[Column] = []
        self._seen: set[Column] = set()
        self._step = pack.step
        self._effort = effort
        self.found: Tours = ()
        reachable = _reachable(pack)
        self.best = Bound(int(pack.profit[reachable].sum()))
        self._prices = (pack.profit * MILLI * reachable).astype(np.int64)
        self._rates = np.zeros(len(pack.capacities), np.int64)
        self._best_exact = int(self._prices.sum())
        self._pricings = 0
        near = pack.near[:, :ZONE_FIRST].tolist()
        self._zones = [[[0], *(list(zone) for zone in near[1:])] for _ in range(pack.kinds)]
        # On which grid it is, and whether steps have been taken.
        self._grid, self._descended = 0, False
        self._levels: list[_Level] = []
        # What was reached when tours were listed last; of how much slack they were too many.
        self._listed, self._hopeless = -1, math.inf

    def know(self, tours: Tours, below: int) -> None:
        """Take notice of `tours`, and that `below` can be reached."""
        self.reached = below
        for t, tour in enumerate(tours):
            if tour:
                self._add(t % self._pack.kinds, tour)

    def real(self) -> list[Column]:
        """The columns that are tours."""
        return [column for column in self.columns if _sound(self._rules, *column)]

    def run(self, stop: Stop) -> None:
        """Lower the bound until `stop`, which counts pricings from the beginning, or until nothing is left to be gained."""
        pack = self._pack
        if int(pack.profit.sum()) * MILLI >= 2**29:
            return
        if self._levels and self.reached > self._listed and not self._done(stop):
            self._settle()
        while self._grid < len(SLOTS) and not self._done(stop):
            self._levels = levels = [
                _Level(pack, k, SLOTS[self._grid], self._zones[k]) for k in range(pack.kinds)
            ]
            if not all(level.usable for level in levels):
                self._grid, self._levels = len(SLOTS), []
                return
            self.columns = self.real()
            self._seen = set(self.columns)
            if not self._descended:
                self._descended = self._descend(stop, levels)
            before = self._best_exact
            grown = self._grow(self._converge(stop, levels))
            if not self._done(stop):
                self._settle()
            if not self._done(stop) and (not grown or self._best_exact > before * (1 - GROWING)):
                self._grid += 1

    def _grow(self, taken: Sequence[Column]) -> bool:
        """Have nodes remember what the tours `taken` by the linear program repeat; whether any remembers more now."""
        grown = False
        for kind, tour in taken:
            zones = self._zones[kind]
            last: dict[int, int] = {}
            for place, node in enumerate(tour):
                between = tour[last[node] + 1 : place] if node in last else ()
                if all(node in zones[other] or len(zones[other]) < ZONE_MAX for other in between):
                    for other in between:
                        if node not in zones[other]:
                            zones[other].append(node)
                            grown = True
                last[node] = place
        return grown

    def _settle(self) -> None:
        """Where the tours that could be part of anything better are few enough, find the best there is, and have it as the bound."""
        pack = self._pack
        prices, rates = self._prices, self._rates
        # Who is worth nothing could be part of a tour, too: worth a millesimal then, for which a tour is taken to earn a little more.
        reward = np.maximum(1, pack.profit * MILLI - prices - pack.needs @ rates)
        reward[0] = 0
        most = [
            level.best(pack, kind, reward, self._known(kind, reward)[0])[0]
            for kind, level in enumerate(self._levels)
        ]
        total = int(prices.sum()) + int(rates @ pack.capacities)
        total += sum(tours_of_kind(pack, kind) * value for kind, value in enumerate(most))
        # What the tours of something better can lack together of the most that they could earn.
        slack = max(0, total - pack.above(self.reached) * MILLI)
        if slack >= self._hopeless / 2:
            return
        self._listed = self.reached
        columns: list[Column] = []
        for kind, level in enumerate(self._levels):
            cut = max(0, most[kind] - slack - 1)
            listed = level.every(self._rules, pack, kind, reward, cut)
            if listed is None:
                self._hopeless = slack
                return
            columns += listed
        if self._combine(columns):
            self.best = dataclasses.replace(self.best, value=self.reached, settled=True)

    def _combine(self, columns: Sequence[Column]) -> bool:
        """Reach what can be made of `columns`; whether nothing better can be."""
        made = combined(self._rules, columns, above=self.reached, effort=THOROUGH * self._effort)
        if made.tours is not None:
            self.found = made.tours
            self.know(
                made.tours, sum(int(self._pack.profit[list(tour)].sum()) for tour in made.tours)
            )
        return made.settled

    def _done(self, stop: Stop) -> bool:
        return self.best.value <= self.reached or stop.now(self._pricings)

    def _descend(self, stop: Stop, levels: Sequence[_Level]) -> bool:
        """Steps against what averaged tours use too often, as long as they help; whether they no longer do."""
        pack = self._pack
        node_use, rate_use = np.zeros(len(pack.profit)), np.zeros(len(pack.capacities))
        prices, rates = self._prices.astype(np.float64), self._rates.astype(np.float64)
        eagerness, worse, fresh = EAGERNESS, 0, True
        while not self._done(stop) and eagerness > EAGERNESS_LEAST:
            at, rates_at = np.floor(prices).astype(np.int64), np.floor(rates).astype(np.int64)
            before = self._best_exact
            exact, new_node_use, new_rate_use, _ = self._price(levels, at, rates_at)
            share = 1.0 if fresh else AVERAGING
            fresh = False
            node_use += share * (new_node_use - node_use)
            rate_use += share * (new_rate_use - rate_use)
            if exact < before - max(1, (before - self.reached * MILLI) // 1_000):
                worse = 0
            else:
                worse += 1
                if worse >= PATIENCE:
                    eagerness, worse = eagerness * 0.6, 0
                    prices, rates = (v.astype(np.float64) for v in (self._prices, self._rates))
            slope, rate_slope = node_use - 1.0, rate_use - pack.capacities
            slope[0] = 0.0
            # What costs nothing and is not used up stays free.
            slope[(prices <= 0) & (slope < 0)] = 0.0
            rate_slope[(rates <= 0) & (rate_slope < 0)] = 0.0
            scale = pack.capacities.astype(np.float64) + 1.0
            norm = float(slope @ slope + (rate_slope / scale) @ (rate_slope / scale))
            if norm < 1e-9:
                return True
            step = eagerness * max(MILLI, exact - self.reached * MILLI) / norm
            prices = np.clip(prices + step * slope, 0, pack.profit * MILLI)
            rates = np.maximum(0, rates + step * rate_slope / scale**2)
        return eagerness <= EAGERNESS_LEAST

    def _converge(self, stop: Stop, levels: Sequence[_Level]) -> list[Column]:
        """Column generation on one relaxation until prices no longer pay, or nearly; the tours that the linear program takes then."""
        smoothing, stalled = SMOOTHING, 0
        program = _Program(self._pack)
        self._prune(COLUMNS_FIRST)
        while not self._done(stop):
            program.add(self.columns)
            optimum, prices, rates = program.solve()
            at = np.floor(smoothing * self._prices + (1 - smoothing) * prices).astype(np.int64)
            rates_at = np.floor(smoothing * self._rates + (1 - smoothing) * rates).astype(np.int64)
            before = self._best_exact
            *_, new = self._price(levels, at, rates_at)
            # As good as this relaxation gets: a sharper one has more to give.
            if self._best_exact - optimum < max(MILLI // 20, optimum * NEARLY):
                break
            if new == 0 and smoothing == 0.0:
                break
            if self._best_exact < before:
                stalled, smoothing = 0, SMOOTHING
            else:
                stalled += 1
                smoothing = 0.0 if new == 0 or stalled > 8 else smoothing * 0.8
        return program.taken()

    def _prune(self, most: int) -> None:
        """Forget all but the columns that earn most at the best prices."""
        reward = (
            self._pack.profit * MILLI - self._prices - self._pack.needs @ self._rates
        ).tolist()
        self.columns.sort(key=lambda c: -sum([reward[node] for node in c[1]]))
        del self.columns[most:]
        self._seen = set(self.columns)

    def _price(
        self,
        levels: Sequence[_Level],
        prices: npt.NDArray[np.int64],
        rates: npt.NDArray[np.int64],
    ) -> tuple[int, npt.NDArray[np.float64], npt.NDArray[np.float64], int]:
        """Evaluate the Lagrangian, keep it where it is the best, and add tours.

        What it is, how often its best tours use each node, how much of each resource, and how many tours were new.
        """
        pack = self._pack
        reward = pack.profit * MILLI - prices - pack.needs @ rates
        exact = int(prices.sum()) + int(rates @ pack.capacities)
        new = 0
        node_use, rate_use = np.zeros(len(pack.profit)), np.zeros(len(pack.capacities))
        for kind, level in enumerate(levels):
            known = self._known(kind, reward)
            value, tours = level.best(pack, kind, reward, known[0])
            many = tours_of_kind(pack, kind)
            exact += many * value
            chosen = list(tours[0] if tours else known[1])
            np.add.at(node_use, chosen, many)
            rate_use += many * pack.needs[chosen].sum(axis=0)
            new += sum(self._add(kind, tour) for tour in tours)
        self._pricings += 1
        if exact < self._best_exact:
            self._best_exact, self._prices, self._rates = exact, prices, rates
            self.best = Bound(
                value=min(self.best.value, exact // MILLI // self._step * self._step),
                prices=tuple(int(v) for v in prices),
                rates=tuple(int(v) for v in rates),
                pricings=self._pricings,
            )
        return exact, node_use, rate_use, new

    def _known(self, kind: int, reward: npt.NDArray[np.int64]) -> tuple[int, tuple[int, ...]]:
        """What the best tour of `kind` so far earns, and the tour; nothing is one, too."""
        best: tuple[int, tuple[int, ...]] = (0, ())
        worth = reward.tolist()
        for of_kind, tour in self.columns:
            if of_kind == kind:
                earned = sum([worth[node] for node in tour])
                if earned > best[0]:
                    best = earned, tour
        return best

    def _add(self, kind: int, tour: tuple[int, ...]) -> bool:
        column = Column(kind, tour)
        if column in self._seen:
            return False
        self._seen.add(column)
        self.columns.append(column)
        return True


class _Program:
    """The linear program over tours: columns come in, the last basis stays."""

    def __init__(self, pack: Packed) -> None:
        self._pack = pack
        self._begin()

    def _begin(self) -> None:
        pack = self._pack
        self._lp: Any = pywraplp.Solver.CreateSolver("GLOP")  # type: ignore[no-untyped-call]
        inf = self._lp.infinity()
        self._objective = self._lp.Objective()
        self._objective.SetMaximization()
        self._nodes = [self._lp.Constraint(-inf, 1.0) for _ in pack.profit]
        self._kinds = [
            self._lp.Constraint(-inf, float(tours_of_kind(pack, k))) for k in range(pack.kinds)
        ]
        self._spent = [self._lp.Constraint(-inf, float(capacity)) for capacity in pack.capacities]
        self._columns: list[tuple[Column, Any]] = []

    def add(self, columns: Sequence[Column]) -> None:
        """Have those of `columns` that are new; they are only ever appended to."""
        for kind, tour in columns[len(self._columns) :]:
            x = self._lp.NumVar(0.0, self._lp.infinity(), "")
            self._objective.SetCoefficient(x, float(self._pack.profit[list(tour)].sum()))
            self._kinds[kind].SetCoefficient(x, 1.0)
            for node, times in Counter(tour).items():
                self._nodes[node].SetCoefficient(x, float(times))
            for row, need in zip(
                self._spent, self._pack.needs[list(tour)].sum(axis=0), strict=True
            ):
                row.SetCoefficient(x, float(need))
            self._columns.append((Column(kind, tour), x))

    def solve(self) -> tuple[float, npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Optimum (millesimals) and duals."""
        if self._lp.Solve() != pywraplp.Solver.OPTIMAL:
            # The last basis can be of no use: from the beginning.
            columns = [column for column, _ in self._columns]
            self._begin()
            self.add(columns)
            self._lp.Solve()
        prices = np.array([MILLI * max(0.0, row.dual_value()) for row in self._nodes])
        rates = np.array([MILLI * max(0.0, row.dual_value()) for row in self._spent])
        prices[0] = 0.0
        return MILLI * self._objective.Value(), prices, rates

    def taken(self) -> list[Column]:
        """The tours in the last optimum."""
        return [column for column, x in self._columns if x.solution_value() > 1e-6]


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
