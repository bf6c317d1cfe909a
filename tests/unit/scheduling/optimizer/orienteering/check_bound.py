"""What prices prove, computed once more in plain exact arithmetic. Shares no helper with the search or the bound; slow.

    sum of prices + sum of rates[r] * capacity[r] + sum over tours of max(0, best tour of its kind)

is not below a thousand times any solution's profit, whatever `prices` and `rates` (millesimals, not negative) are.
"""

import functools
import heapq
from collections.abc import Sequence

from services.scheduling.optimizer.orienteering import referee
from services.scheduling.optimizer.orienteering.problem import Instance


def lagrangian(instance: Instance, prices: Sequence[int], rates: Sequence[int]) -> int:
    """The sum above, in millesimals.

    Raises:
        ValueError: a price or a rate is negative, so that nothing is proven.
    """
    if min([*prices, *rates], default=0) < 0:
        raise ValueError("a price is negative")
    worth = [1_000 * profit for profit in instance.profit]
    for node, price in enumerate(prices):
        worth[node] -= price
        for resource, rate in enumerate(rates):
            worth[node] -= rate * instance.needs[node][resource]
    kinds = [best_tour(instance, kind, worth) for kind in range(instance.kinds)]
    return (
        sum(prices)
        + sum(rate * there for rate, there in zip(rates, instance.capacities, strict=True))
        + sum(kinds[tour % instance.kinds] for tour in range(instance.tours))
    )


def best_tour(
    instance: Instance,
    kind: int,
    worth: Sequence[int],
    *,
    zones: Sequence[Sequence[int]] | None = None,
    width: int = 1,
) -> int:
    """The most that a tour of `kind` is worth, 0 for the tour that stays at home.

    With `zones` a node remembers only those of its zone, and what has been forgotten may be served again; a start is rounded down to a
    multiple of `width` ticks. Both only let in more tours. Any two starts of a tour must then be a tick apart at least.
    """
    nodes = range(1, instance.nodes)
    remembers = [-1] * instance.nodes
    for node, zone in enumerate(zones or ()):
        remembers[node] = sum(1 << other for other in zone)
    hop = hops(instance)
    windows = instance.windows[kind]
    opening, closing = windows[0][0]
    best = 0
    # In the order of their starts: when, the negative worth, where, and who is remembered.
    waiting = [(opening, 0, 0, 0)]
    settled: dict[tuple[int, int], int] = {}
    while waiting:
        now, minus, place, memory = heapq.heappop(waiting)
        # Only the same place and the same memory, no later and worth no less, stands for a label.
        if (place, memory) in settled and -minus <= settled[place, memory]:
            continue
        settled[place, memory] = -minus
        if now + hop[place][0] <= closing:
            best = max(best, -minus)
        for node in nodes:
            arrival = now + hop[place][node]
            starts = [max(arrival, first) for first, last in windows[node] if arrival <= last]
            if memory >> node & 1 or not starts or min(starts) > closing:
                continue
            start = min(starts) // width * width
            after = memory & remembers[node] | 1 << node
            heapq.heappush(waiting, (start, minus - worth[node], node, after))
    return best


@functools.lru_cache(maxsize=4)
def hops(instance: Instance) -> list[list[int]]:
    """Ticks from the start of service at one node to the arrival at another."""
    nodes = range(instance.nodes)
    return [[instance.service[a] + referee.travel(instance, a, b) for b in nodes] for a in nodes]
