"""A move by hand and its price; two plans side by side."""

import dataclasses

import numpy as np

from services.scheduling.optimizer.check import Violation
from services.scheduling.optimizer.nearby import Nearby, with_standbys
from services.scheduling.optimizer.problem import (
    Assignment,
    Mode,
    Pin,
    Plan,
    Problem,
    Stage,
)
from services.scheduling.optimizer.rechecking import Recheck, recheck_of
from services.scheduling.optimizer.stop import Stop
from services.scheduling.optimizer.tours import Draft

STARTS_MAX = 6
"""So many starts are tried in full for a move that leaves the time open."""


@dataclasses.dataclass(frozen=True, slots=True)
class Priced:
    """A move's price. `violations`: what it breaks when nothing else changes; empty: it may be made as it is.

    `plan` is a near plan that keeps the move and every rule, where what was in the way has looked for another place; None
    when there is none (or none was found until `stop`). `before` and `after` are the stages' values of the plan and of
    `plan`; of the move made by hand where there is no plan.
    """

    violations: tuple[Violation, ...]
    before: dict[Stage, int]
    after: dict[Stage, int]
    plan: Plan | None


@dataclasses.dataclass(frozen=True, slots=True)
class Compared:
    """Requests, ascending: those only one of two plans serves, and those both serve at another time or by others."""

    only_first: tuple[int, ...]
    only_second: tuple[int, ...]
    changed: tuple[int, ...]


def compare(first: Plan, second: Plan) -> Compared:
    """How two plans of one problem differ."""
    one, other = _teams(first), _teams(second)
    return Compared(
        only_first=tuple(sorted(one.keys() - other.keys())),
        only_second=tuple(sorted(other.keys() - one.keys())),
        changed=tuple(
            sorted(index for index in one.keys() & other.keys() if one[index] != other[index])
        ),
    )


def _teams(plan: Plan) -> dict[int, set[Assignment]]:
    teams: dict[int, set[Assignment]] = {}
    for assignment in plan.assignments:
        teams.setdefault(assignment.request, set()).add(assignment)
    return teams


def held_to(problem: Problem, pin: Pin) -> Problem:
    """The problem with the move as a pin; other pins of the same seat, and starts of the same request's pins, give way."""
    others = []
    for one in problem.pins:
        if (one.request, one.seat) == (pin.request, pin.seat):
            continue
        moved = one.request == pin.request and pin.start >= 0
        others.append(dataclasses.replace(one, start=-1) if moved else one)
    return dataclasses.replace(problem, pins=(*others, pin))


def price_move(problem: Problem, plan: Plan, pin: Pin, *, seed: int, stop: Stop) -> Priced:
    """What it would break and cost to hold the plan, which breaks no rule, to `pin`. Takes a fraction of a second.

    Where the pin leaves the start open, the request stays at its time if it is served, and else goes where it costs least.
    """
    pinned = held_to(problem, pin)
    sound = recheck_of(problem, plan)
    by_hand = _by_hand(pinned, plan, pin)
    broken = () if by_hand is None else tuple(sound.broken_by(pinned, by_hand))
    if by_hand is not None and not broken:
        return Priced((), sound.before, sound.values(pinned, by_hand), by_hand)
    found = _made_room(pinned, plan, pin, sound, seed=seed, stop=stop)
    shown = found or by_hand or plan
    return Priced(broken, sound.before, sound.values(pinned, shown), found)


def _by_hand(problem: Problem, plan: Plan, pin: Pin) -> Plan | None:
    """The plan with the one assignment changed, its team at the same time, nothing else; None where the time is open."""
    team = [a for a in plan.assignments if a.request == pin.request]
    start = pin.start if pin.start >= 0 else team[0].start if team else -1
    if start < 0:
        starts = Nearby(problem).starts(pin.request)
        if not starts:
            return None
        start = starts[0]
    asked = problem.requests[pin.request].seats[pin.seat]
    moved = Assignment(pin.request, pin.seat, pin.expert, start, remote=asked.mode is Mode.REMOTE)
    beside = [
        dataclasses.replace(a, start=start)
        for a in team
        if a.seat != pin.seat and a.expert != pin.expert
    ]
    rest = [a for a in plan.assignments if a.request != pin.request]
    return dataclasses.replace(plan, assignments=tuple(sorted([*rest, *beside, moved])))


def _made_room(
    problem: Problem, plan: Plan, pin: Pin, sound: Recheck, *, seed: int, stop: Stop
) -> Plan | None:
    """The best of a few plans that keep the pin; whoever gave way, and the request's own team, placed anew."""
    nearby = Nearby(problem)
    draft = nearby.draft(plan)
    keep = {a.seat: a.expert for a in plan.assignments if a.request == pin.request}
    was = draft.start_of(pin.request) if pin.request in draft.teams else -1
    draft.remove(pin.request)
    spared = set(nearby.pinned) - {pin.request}
    starts = nearby.starts(pin.request)
    if pin.start < 0 and was in starts:
        starts = [was, *(start for start in starts if start != was)]
    served = {a.request for a in plan.assignments}
    dice = np.random.default_rng(seed)
    options: list[tuple[int, int, int, Draft]] = []
    for place, start in enumerate(starts):
        if stop.now(place) and options:
            break
        trial = draft.copy()
        if not nearby.insert(trial, pin.request, starts=[start], keep=keep):
            forced = nearby.forced(draft, pin.request, start, spared=spared)
            if forced is None:
                continue
            trial = forced
        gone = served - trial.teams.keys()
        weight = sum(problem.requests[index].weight for index in gone)
        options.append((weight, int(start != was), place, trial))
    best: tuple[tuple[int, ...], Plan] | None = None
    options.sort(key=lambda option: option[:3])
    for place, (_, _, _, trial) in enumerate(options[:STARTS_MAX]):
        if stop.now(place) and best is not None:
            break
        nearby.refill(trial, served - trial.teams.keys(), dice if place else None)
        found = with_standbys(problem, trial.plan(), plan.standbys)
        if sound.broken_by(problem, found):
            continue
        key = tuple(sound.values(problem, found).values())
        if best is None or key > best[0]:
            best = key, found
    return None if best is None else best[1]
