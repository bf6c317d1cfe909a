"""An instance as arrays, for the compiled loops."""

import dataclasses
import math

import numpy as np
import numpy.typing as npt

from services.scheduling.optimizer.orienteering.problem import Instance

NEVER = np.int64(2**40)
"""Later than any tick."""


@dataclasses.dataclass(frozen=True, slots=True)
class Packed:
    """`hop[i, j]`: ticks from the start of service at `i` to the arrival at `j`; `back[j, i]` is the same. `opens`/`closes[kind, node, window]`, padded
    with windows that nobody can meet. `near[i]`: nodes but the depot, `i` first, by travel from `i`. `needs[node, resource]`.
    """

    tours: int
    kinds: int
    hop: npt.NDArray[np.int64]
    back: npt.NDArray[np.int64]
    opens: npt.NDArray[np.int64]
    closes: npt.NDArray[np.int64]
    profit: npt.NDArray[np.int64]
    needs: npt.NDArray[np.int64]
    capacities: npt.NDArray[np.int64]
    near: npt.NDArray[np.int32]

    @property
    def step(self) -> int:
        """Whatever is collected is a multiple of it."""
        return max(1, int(np.gcd.reduce(self.profit)))

    def above(self, profit: int) -> int:
        """The next better than `profit` that could be collected."""
        return (profit // self.step + 1) * self.step


def packed(instance: Instance) -> Packed:
    """The arrays of `instance`."""
    n = instance.nodes
    travel = _travel(instance)
    hop = travel + np.array(instance.service, np.int64)[:, None]
    sooner = quickest(hop)
    widest = max(len(windows) for kind in instance.windows for windows in kind)
    opens = np.full((instance.kinds, n, widest), NEVER, np.int64)
    closes = np.full((instance.kinds, n, widest), -1, np.int64)
    for kind, nodes in enumerate(instance.windows):
        for node, windows in enumerate(nodes):
            # Whoever starts later than this is not back in time.
            by = nodes[0][0][1] - (int(sooner[node, 0]) if node else 0)
            for w, (first, last) in enumerate(windows):
                if first <= by:
                    opens[kind, node, w], closes[kind, node, w] = first, min(last, by)
    resources = len(instance.capacities)
    needs = np.array(instance.needs, np.int64) if resources else np.zeros((n, 0), np.int64)
    order = np.argsort(travel[:, 1:], axis=1, kind="stable") + 1
    near = np.empty((n, n - 1), np.int32)
    for node in range(n):
        row = order[node]
        near[node] = row if node == 0 else np.concatenate(([node], row[row != node]))
    return Packed(
        tours=instance.tours,
        kinds=instance.kinds,
        hop=hop,
        back=np.ascontiguousarray(hop.T),
        opens=opens,
        closes=closes,
        profit=np.array(instance.profit, np.int64),
        needs=needs,
        capacities=np.array(instance.capacities, np.int64),
        near=near,
    )


def quickest(hop: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """`hop` where any detour over nodes counts: what is rounded down can be a tick sooner so, if service there takes none."""
    least = hop.copy()
    for node in range(1, len(hop)):
        np.minimum(least, least[:, node, None] + least[None, node], out=least)
    return least


def _travel(instance: Instance) -> npt.NDArray[np.int64]:
    """Ticks between nodes: whole square roots of exact squares, so that no rounding of floats decides."""
    n = instance.nodes
    shrink = 100**instance.point_digits
    grow = 100**instance.travel_digits
    ticks = 10 ** (instance.time_digits - instance.travel_digits)
    travel = np.zeros((n, n), np.int64)
    for a, (ax, ay) in enumerate(instance.points):
        for b in range(a):
            bx, by = instance.points[b]
            square = ((ax - bx) ** 2 + (ay - by) ** 2) * grow // shrink
            travel[a, b] = travel[b, a] = math.isqrt(square) * ticks
    return travel
