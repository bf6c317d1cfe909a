"""Small instances for the tests: made by dice, and solved by looking at every choice."""

import itertools
import random

from services.scheduling.optimizer.orienteering import referee
from services.scheduling.optimizer.orienteering.problem import Instance, Window


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
