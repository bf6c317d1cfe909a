"""Searching for good tours: annealing in rounds, each from the best so far, and now and then the best combination of all tours seen.

Tours also come from the column generation of the bound, which has its turn at the beginning of each round: where tours are short it mostly
ends with the best solution, and its proof. A search that has reached the bound ends.

By seed and iterations alone the same instance gives the same tours; seconds only say when it ends and how fast it cools.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from services.scheduling.optimizer.orienteering import kernel
from services.scheduling.optimizer.orienteering.bounding import Generation
from services.scheduling.optimizer.orienteering.combining import EFFORT, Column, combined
from services.scheduling.optimizer.orienteering.packed import Packed, packed
from services.scheduling.optimizer.orienteering.problem import Instance, Tours
from services.scheduling.optimizer.stop import Stop

CHUNK = 1_000
"""Iterations between two looks at the stop."""

COMBININGS = 8
"""How often the tours seen are combined; a multiple of the rounds."""

TURNS = (0.02, 0.25, 0.5)
"""The parts of the limit after which columns are generated."""

POOL_MAX = 20_000
"""Tours remembered; a power of two times three slots find them again."""


@dataclasses.dataclass(frozen=True, slots=True)
class Params:
    """How the search goes about it; temperatures are in mean profits of a node.

    `average` nodes are taken out per iteration, in strings of at most `longest`; `blink` is how likely a place is passed over;
    `patience` weighs travel among equal profits: a whole day of it is worth that many mean profits.
    `rounds` times the temperature falls from `hot` to `cold`; tours of solutions at most `margin` below the best, as a part of
    it, or a mean profit, are kept for combining. `pricing` is the part of the limit that is for column generation, of iterations one pricing for
    `per_pricing`.
    """

    hot: float = 1.5
    cold: float = 0.03
    average: float = 6.0
    longest: float = 10.0
    blink: float = 0.01
    patience: float = 1e-3
    rounds: int = 2
    margin: float = 0.01
    pricing: float = 0.3
    per_pricing: int = 1_000


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """The best tours, their profit, what no solution can exceed, and how many iterations were made."""

    tours: Tours
    profit: int
    bound: int
    iterations: int


class _State:
    def __init__(self, instance: Instance, pack: Packed, seed: int) -> None:
        n, tours = instance.nodes, instance.tours
        self.tour = np.zeros((tours, n + 2), np.int32)
        self.length = np.zeros(tours, np.int64)
        self.where = np.full(n, -1, np.int64)
        self.best_tour, self.best_length, self.best = self.tour.copy(), self.length.copy(), 0
        self.dice = np.array([seed], np.uint64)
        self.marks = np.random.SeedSequence(seed).generate_state(n, np.uint64)
        self.pool = np.zeros((POOL_MAX, n + 2), np.int32)
        self.pool_length = np.zeros(POOL_MAX, np.int64)
        self.pool_key = np.zeros(POOL_MAX, np.uint64)
        self.slots = np.full(1 << POOL_MAX.bit_length() + 1, -1, np.int64)
        self.filled = 0
        self.pack = pack
        self.tours_max = tours

    def restart(self) -> None:
        """Go on from the best."""
        self.tour[:], self.length[:] = self.best_tour, self.best_length
        self.where[:] = -1
        for t, size in enumerate(self.length):
            self.where[self.tour[t, 1 : size + 1]] = t

    def take(self, tours: Tours) -> None:
        """Have `tours` as the best."""
        self.best_tour[:] = 0
        for t, nodes in enumerate(tours):
            self.best_tour[t, 1 : len(nodes) + 1] = nodes
            self.best_length[t] = len(nodes)
        self.best = int(sum(self.pack.profit[list(nodes)].sum() for nodes in tours))

    def combine(self, others: Sequence[Column], effort: float) -> None:
        """Have the best combination of the pool and `others` as the best, and forget what cannot be part of a better one."""
        columns = [
            Column(int(row[0]), tuple(int(node) for node in row[1 : size + 1]))
            for row, size in zip(
                self.pool[: self.filled], self.pool_length[: self.filled], strict=True
            )
        ]
        columns += others
        if not columns:
            return
        made = combined(self.pack, columns, above=self.best, effort=effort)
        if made.tours is not None:
            self.take(made.tours)
        self.filled = int(
            kernel.keep(
                np.array([i for i in made.hopeful if i < self.filled], np.int64),
                self.pool,
                self.pool_length,
                self.pool_key,
                self.slots,
            )
        )

    def tours(self) -> Tours:
        return _listed(self.best_tour, self.best_length)


def search(
    instance: Instance,
    *,
    seed: int,
    seconds: float | None = None,
    iterations: int | None = None,
    params: Params | None = None,
    enough: int | None = None,
    clock: Callable[[], float] | None = None,
    observe: Callable[[int, Tours], None] = lambda _profit, _tours: None,
) -> Found:
    """Good tours of `instance` after `seconds` or `iterations`, whichever comes first, or once the profit is `enough` (the sum of
    all profits by default). `clock` says how many of the seconds are used up
    (by default the wall clock); `observe` is told each better profit with its tours.

    Raises:
        ValueError: there is no limit at all.
    """
    chosen = params or Params()
    elapsed_s = clock or Stop(seconds=seconds, iterations=iterations).elapsed_s
    pack = packed(instance)
    state = _State(instance, pack, seed)
    effort = EFFORT if seconds is None else min(EFFORT, seconds / 20)
    generation = Generation(pack, effort=effort)
    enough = int(pack.profit.sum()) if enough is None else enough
    mean = max(1.0, float(pack.profit[1:].mean()))
    day = max(1, int(pack.closes[0, 0, 0] - pack.opens[0, 0, 0]))
    iteration, told, combined_at, turns, pricings = 0, 0, 0, 0, 0
    # The part of the limit that the last combining took: the final one is to end in time.
    reserve = 0.0

    def used() -> float:
        """How much of the limits is used up."""
        part = 0.0 if iterations is None else iteration / max(1, iterations)
        return part if seconds is None else max(part, elapsed_s() / seconds)

    def late(part: float) -> bool:
        return seconds is not None and elapsed_s() >= part * seconds

    def combine() -> None:
        nonlocal reserve
        began = used()
        state.combine(generation.real(), effort)
        reserve = min(0.2, used() - began)

    while state.best < min(enough, generation.best.value):
        now = used()
        if now >= 1.0 - reserve:
            break
        at = now * chosen.rounds
        before = state.best
        # The first turn is soon, where there is something to begin with; the others as rounds begin.
        if chosen.pricing > 0 and turns < len(TURNS) and now >= TURNS[turns]:
            turns += 1
            if iterations is not None:
                part = chosen.pricing * iterations / len(TURNS)
                pricings += max(1, int(part / chosen.per_pricing))
            generation.know(state.tours(), state.best)
            generation.run(
                Stop(
                    seconds=math.inf,
                    iterations=None if iterations is None else pricings,
                    asked=partial(late, now + chosen.pricing / len(TURNS)),
                )
            )
            if generation.reached > state.best:
                state.take(generation.found)
            combine()
            state.restart()
        elif int(now * COMBININGS) > combined_at:
            combine()
            if int(at) > told:
                state.restart()
        told, combined_at = int(at), int(now * COMBININGS)
        heat = mean * chosen.hot * (chosen.cold / chosen.hot) ** (at - told)
        margin = int(max(mean, chosen.margin * state.best)) if state.tours_max > 1 else -1
        steps = CHUNK if iterations is None else min(CHUNK, iterations - iteration)
        best, filled = kernel.anneal(
            pack.hop, pack.back, pack.opens, pack.closes, pack.kinds, pack.profit, pack.needs, pack.capacities, pack.near,
            state.tour, state.length, state.where, state.best_tour, state.best_length, state.best,
            state.marks, state.pool, state.pool_length, state.pool_key, state.slots, state.filled,
            state.dice, heat, heat, steps, chosen.average, chosen.longest, chosen.blink,
            chosen.patience * mean / day, margin,
        )  # fmt: skip
        state.best, state.filled = int(best), int(filled)
        iteration += steps
        if state.best > before:
            observe(state.best, state.tours())
    if state.best < min(enough, generation.best.value):
        before = state.best
        combine()
        if state.best > before:
            observe(state.best, state.tours())
    return Found(state.tours(), state.best, generation.best.value, iteration)


def _listed(tour: npt.NDArray[np.int32], length: npt.NDArray[np.int64]) -> Tours:
    return tuple(
        tuple(int(node) for node in row[1 : size + 1])
        for row, size in zip(tour, length, strict=True)
    )
