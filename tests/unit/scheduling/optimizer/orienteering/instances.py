"""Small instances for the tests: made by dice, and solved by looking at every choice."""

import itertools
import random
from collections.abc import Sequence

from services.scheduling.optimizer.orienteering import referee
from services.scheduling.optimizer.orienteering.problem import Instance, Window
from tests.unit.scheduling.optimizer.orienteering import check_bound


def instance_of(
    *,
    points: tuple[tuple[int, int], ...] = ((0, 0), (3, 4)),
    service: tuple[int, ...] | None = None,
    profit: tuple[int, ...] | None = None,
    windows: tuple[tuple[tuple[Window, ...], ...], ...] | None = None,
    tours: int = 1,
    needs: tuple[tuple[int, ...], ...] = (),
    capacities: tuple[int, ...] = (),
) -> Instance:
    """Coordinates in whole units, time in tenths."""
    n = len(points)
    return Instance(
        name="small",
        tours=tours,
        kinds=1 if windows is None else len(windows),
        time_digits=1,
        travel_digits=1,
        point_digits=0,
        points=points,
        service=service or (0, *[10] * (n - 1)),
        profit=profit or (0, *[5] * (n - 1)),
        windows=windows or (tuple(((0, 1_000),) for _ in points),),
        needs=needs,
        capacities=capacities,
    )


def by_dice(seed: int, *, nodes: int = 6) -> Instance:
    """Anything that the rules allow: one or two tours, one or two kinds, up to two windows, resources now and then."""
    dice = random.Random(f"orienteering/{seed}")
    kinds, tours = dice.choice((1, 2)), dice.choice((1, 2))
    home = dice.randrange(150, 500)

    def windows() -> tuple[Window, ...]:
        edges = sorted(dice.randrange(home + 50) for _ in range(2 * dice.choice((1, 2))))
        return tuple(zip(edges[::2], edges[1::2], strict=True))

    resources = dice.choice((0, 0, 2))
    return instance_of(
        points=tuple((dice.randrange(12), dice.randrange(12)) for _ in range(nodes)),
        service=(0, *(dice.randrange(5, 40) for _ in range(nodes - 1))),
        profit=(0, *(dice.randrange(1, 20) for _ in range(nodes - 1))),
        windows=tuple((((0, home),), *(windows() for _ in range(nodes - 1))) for _ in range(kinds)),
        tours=tours,
        needs=tuple(tuple(dice.randrange(4) for _ in range(resources)) for _ in range(nodes))
        if resources
        else (),
        capacities=(6,) * resources,
    )


def optimum(instance: Instance) -> int:
    """The most that any solution earns: every order of every choice of nodes, cut into tours in every way."""
    best = 0
    nodes = range(1, instance.nodes)
    for size in range(1, instance.nodes):
        for order in itertools.permutations(nodes, size):
            cuts = range(size + 1) if instance.tours == 2 else (size,)
            for cut in cuts:
                tours = (order[:cut], order[cut:])[: instance.tours]
                if instance.collected(tours) > best and not referee.broken(instance, tours):
                    best = instance.collected(tours)
    return best


def crowded(seed: int) -> Instance:
    """Up to ten nodes at few places, so that many tours come to the same node at nearly the same time, with the same worth or not.

    Windows are short, up to three, and now and then a single tick; services are long enough for several starts to share a slot.
    """
    dice = random.Random(f"crowded/{seed}")
    kinds, tours = dice.choice((1, 2)), dice.choice((1, 2, 3))
    nodes = dice.randrange(8, 12)
    opening = dice.choice((0, 37))
    home = opening + dice.randrange(150, 280)
    places = [(dice.randrange(8), dice.randrange(8)) for _ in range(3)]

    def windows() -> tuple[Window, ...]:
        most = dice.sample(range(opening, home + 20), 2 * dice.choice((1, 1, 2, 3)) - 1)
        edges = sorted([*most, dice.randrange(home)])
        return tuple(zip(edges[::2], edges[1::2], strict=True))

    def point() -> tuple[int, int]:
        x, y = dice.choice(places)
        return x + dice.randrange(2), y + dice.randrange(2)

    resources = dice.choice((0, 1, 2))
    return instance_of(
        points=((4, 4), *(point() for _ in range(nodes - 1))),
        service=(0, *(dice.randrange(17, 45) for _ in range(nodes - 1))),
        profit=(0, *(dice.choice((3, 4, 6, 9, 13)) for _ in range(nodes - 1))),
        windows=tuple(
            (((opening, home),), *(windows() for _ in range(nodes - 1))) for _ in range(kinds)
        ),
        tours=tours,
        needs=tuple(tuple(dice.randrange(4) for _ in range(resources)) for _ in range(nodes))
        if resources
        else (),
        capacities=tuple(dice.randrange(3, 9) for _ in range(resources)),
    )


def servable(instance: Instance, kind: int) -> list[int]:
    """Every set of nodes (bits) that one tour of `kind` can serve, also none: whatever the order, only the soonest end matters."""
    windows, hop = instance.windows[kind], check_bound.hops(instance)
    soonest = {(0, 0): windows[0][0][0]}
    sets = {0}
    for _ in range(1, instance.nodes):
        longer: dict[tuple[int, int], int] = {}
        for (served, place), now in soonest.items():
            for node in range(1, instance.nodes):
                at = now + hop[place][node]
                starts = [max(at, first) for first, last in windows[node] if at <= last]
                if served >> node & 1 or not starts:
                    continue
                key = served | 1 << node, node
                longer[key] = min(longer.get(key, starts[0]), starts[0])
        soonest = longer
        sets |= {
            served
            for (served, place), now in soonest.items()
            if now + hop[place][0] <= windows[0][0][1]
        }
    return sorted(sets)


def packing(instance: Instance) -> int:
    """The most that any solution earns, from all sets that its tours can serve."""

    def total(served: int, of: Sequence[int]) -> int:
        return sum(one for node, one in enumerate(of) if served >> node & 1)

    needs = [[row[r] for row in instance.needs] for r in range(len(instance.capacities))]

    def affordable(served: int) -> bool:
        return all(
            total(served, one) <= there
            for one, there in zip(needs, instance.capacities, strict=True)
        )

    of_kind = [[s for s in servable(instance, k) if affordable(s)] for k in range(instance.kinds)]
    unions = {0}
    for tour in range(instance.tours):
        unions = {
            union | more
            for union in unions
            for more in of_kind[tour % instance.kinds]
            if not union & more
        }
    return max(total(union, instance.profit) for union in unions if affordable(union))
