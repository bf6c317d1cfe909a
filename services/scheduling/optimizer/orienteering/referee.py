"""Whether tours keep every rule of `problem.py`, in plain exact arithmetic. Shares no helper with the search or the bound."""

from collections import Counter
from fractions import Fraction

from services.scheduling.optimizer.orienteering.problem import Instance, Tours


def broken(instance: Instance, tours: Tours) -> list[str]:
    """What is wrong with `tours`, in sentences; empty when nothing is."""
    faults = []
    if len(tours) > instance.tours:
        faults.append(f"{len(tours)} tours, {instance.tours} allowed")
    visits = Counter(node for tour in tours for node in tour)
    for node, times in sorted(visits.items()):
        if not 1 <= node < len(instance.points):
            faults.append(f"there is no node {node} to serve")
        elif times > 1:
            faults.append(f"node {node} is served {times} times")
    if faults:
        return faults
    for index, tour in enumerate(tours):
        faults += _of_tour(instance, index, tour)
    for resource, capacity in enumerate(instance.capacities):
        used = sum(instance.needs[node][resource] for node in visits)
        if used > capacity:
            faults.append(f"resource {resource}: {used} used, {capacity} there")
    return faults


def profit(instance: Instance, tours: Tours) -> int:
    """What is collected: each served node once."""
    return sum(instance.profit[node] for node in {node for tour in tours for node in tour})


def _of_tour(instance: Instance, index: int, tour: tuple[int, ...]) -> list[str]:
    windows = instance.windows[index % instance.kinds]
    (opening, closing), *_ = windows[0]
    now, place = Fraction(opening), 0
    for node in tour:
        now += instance.service[place] + travel(instance, place, node)
        open_then = [first for first, last in windows[node] if now <= last]
        if not open_then:
            return [f"tour {index}: node {node} is reached at {now}, after its last window"]
        now, place = max(now, Fraction(min(open_then))), node
    now += instance.service[place] + travel(instance, place, 0)
    return [f"tour {index} is back at {now}, after {closing}"] if now > closing else []


def travel(instance: Instance, a: int, b: int) -> int:
    """Ticks from `a` to `b`: the largest number of the allowed decimals whose square is not above the squared distance."""
    (ax, ay), (bx, by) = instance.points[a], instance.points[b]
    square = Fraction((ax - bx) ** 2 + (ay - by) ** 2, 100**instance.point_digits)
    step = Fraction(1, 10**instance.travel_digits)
    low, high = 0, 1
    while (high * step) ** 2 <= square:
        high *= 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if (middle * step) ** 2 <= square else (low, middle)
    ticks: int = 10 ** (instance.time_digits - instance.travel_digits)
    return low * ticks
