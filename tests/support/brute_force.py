"""The best plan of a tiny problem, by trying them all: what any cleverness is held against.

It knows the rules only through the referee. A request is unserved, or served at a start of the grid by some team; nights
away are tried in every combination. Standbys are left out (they are the last stage and change no other).
"""

import dataclasses
import itertools
from collections.abc import Iterator

from services.scheduling.optimizer import check
from services.scheduling.optimizer.problem import (
    DAY_MIN,
    Assignment,
    NightAway,
    Plan,
    Problem,
    Stage,
)

_BY_ITSELF = (
    check.team_whole,
    check.person_once,
    check.on_grid,
    check.in_request_window,
    check.lead_time,
    check.has_role,
    check.has_proficiency,
    check.speaks_to_audience,
    check.does_form,
    check.speaks_at_level,
    check.talk_approved,
    check.cleared_for_minors,
    check.pool_in_term,
    check.pool_shared,
    check.named_only_leads,
    check.in_mode,
    check.in_availability,
    check.forbids_kept,
)
"""Rules that one request's team keeps or breaks whatever else is planned."""

_EVER_WORSE = (
    check.one_place_at_a_time,
    check.per_day,
    check.per_week,
    check.per_round,
    check.rest_days,
    check.quota_kept,
    check.caps_kept,
    check.budgets_kept,
    check.series_spaced,
)
"""Rules that stay broken when more is planned."""

STAGES = tuple(stage for stage in Stage if stage is not Stage.STANDBY)


@dataclasses.dataclass(frozen=True)
class Best:
    """`key` are the values of `STAGES` of the best plan, in order; None when no plan keeps every rule (pins)."""

    key: tuple[int, ...] | None
    plan: Plan | None


def best_plan(problem: Problem) -> Best:
    """The best plan of all, stage by stage."""
    best = Best(None, None)
    for plan in sound_plans(problem):
        key = key_of(problem, plan)
        if best.key is None or key > best.key:
            best = Best(key, plan)
    return best


def key_of(problem: Problem, plan: Plan) -> tuple[int, ...]:
    """The referee's values of `STAGES`."""
    worth = check.values(problem, plan)
    return tuple(worth[stage] for stage in STAGES)


def sound_plans(problem: Problem) -> Iterator[Plan]:
    """Every plan without standbys that keeps every rule."""
    teams = [list(_teams(problem, index)) for index in range(len(problem.requests))]

    def grown(index: int, chosen: tuple[Assignment, ...]) -> Iterator[Plan]:
        if index == len(teams):
            yield from _with_nights(problem, chosen)
            return
        pins = [pin for pin in problem.pins if pin.request == index]
        held = dataclasses.replace(problem, pins=tuple(pins))
        if not pins:
            yield from grown(index + 1, chosen)
        for team in teams[index]:
            if any(True for _ in check.pins_kept(held, Plan(team))):
                continue
            more = tuple(sorted((*chosen, *team)))
            if not any(True for rule in _EVER_WORSE for _ in rule(problem, Plan(more))):
                yield from grown(index + 1, more)

    yield from grown(0, ())


def _teams(problem: Problem, index: int) -> Iterator[tuple[Assignment, ...]]:
    request = problem.requests[index]
    step = problem.start_step_min
    starts = {
        start
        for window in request.windows
        for start in range(-(-window.start // step) * step, window.end, step)
    }
    for start in sorted(starts):
        seats: list[list[Assignment | None]] = []
        for seat in range(len(request.seats)):
            able: list[Assignment | None] = [None]
            for expert in range(len(problem.experts)):
                for remote in (False, True):
                    one = Assignment(index, seat, expert, start, remote)
                    broken = any(
                        True
                        for rule in _BY_ITSELF
                        if rule is not check.team_whole
                        for _ in rule(problem, Plan((one,)))
                    )
                    if not broken:
                        able.append(one)
            seats.append(able)
        for choice in itertools.product(*seats):
            team = tuple(one for one in choice if one is not None)
            if team and not any(True for rule in _BY_ITSELF for _ in rule(problem, Plan(team))):
                yield team


def _with_nights(problem: Problem, chosen: tuple[Assignment, ...]) -> Iterator[Plan]:
    days = {(one.expert, one.start // DAY_MIN) for one in chosen}
    possible = sorted(
        NightAway(expert, day)
        for expert, day in days
        if (expert, day + 1) in days and problem.experts[expert].limits.nights_max > 0
    )
    for count in range(len(possible) + 1):
        for nights in itertools.combinations(possible, count):
            plan = Plan(chosen, nights)
            if not check.violations(problem, plan):
                yield plan
