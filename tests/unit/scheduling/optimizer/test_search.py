"""The compiled search: whatever it changes and takes back, its draft keeps every rule and is worth what it counts."""

import random

import numpy as np
import pytest

from services.scheduling.optimizer.check import values, violations
from services.scheduling.optimizer.insertion import scratch
from services.scheduling.optimizer.overnight import two_day_tours
from services.scheduling.optimizer.packed import pack
from services.scheduling.optimizer.problem import Assignment, Pin, Plan, Problem, Stage
from services.scheduling.optimizer.search import WORTH, improve, nothing, wanted_first
from services.scheduling.optimizer.solve import Entry, Progress, replay, solve, sound_part
from services.scheduling.optimizer.state import empty, given, load_plan, plan_of
from services.scheduling.optimizer.stop import Stop
from services.scheduling.optimizer.touring import Tours
from tests.support.rounds import (
    a_problem,
    a_request,
    an_expert,
    generous_problem,
    random_problem,
    window,
)
from tests.unit.scheduling.optimizer.test_solve import feasible

BUSY = {"experts": 7, "requests": 16, "days": 6, "step_min": 30, "places": 6}


class Search:
    """A draft of a problem that can be improved and looked at."""

    def __init__(self, problem: Problem, seed: int = 1) -> None:
        self.problem = problem
        self.packed = pack(problem)
        self.given = given(self.packed, near=10)
        self.tours = Tours(*two_day_tours(self.packed))
        self.state = empty(self.packed, seed)
        self.room = scratch(self.packed)
        self.best = nothing(self.packed, self.state)
        self.improve(0, wanted=wanted_first(self.given, self.state, pinned_only=False))

    def improve(self, count: int, heat: float = 20.0, wanted: object = None) -> None:
        nobody = np.zeros(0, dtype=np.int64)
        improve(
            self.given, self.tours, self.state, self.room, self.best, WORTH, heat,
            nobody if wanted is None else wanted, count,
        )  # fmt: skip

    def plan(self) -> Plan:
        """The draft, not the best one."""
        state = self.state
        return plan_of(self.packed, state.start, state.who, state.remote, state.night)


def counted(search: Search) -> dict[Stage, int]:
    row = search.state.values.tolist()[1:]
    return dict(zip([stage for stage in Stage if stage is not Stage.STANDBY], row, strict=True))


@pytest.mark.parametrize("seed", range(30))
def test_every_draft_on_the_way_is_sound_and_worth_what_is_counted(seed: int) -> None:
    problem = feasible(seed, **BUSY) if seed % 2 else generous_problem(seed, 5, 12)
    search = Search(problem)
    for _ in range(12):
        plan = search.plan()
        assert [one for one in violations(problem, plan) if one.rule != "pins_kept"] == []
        exact = values(problem, plan)
        exact.pop(Stage.STANDBY)
        assert counted(search) == exact
        search.improve(7)


@pytest.mark.parametrize("seed", range(10))
def test_a_draft_made_from_its_plan_counts_the_same(seed: int) -> None:
    search = Search(generous_problem(seed, 5, 12))
    search.improve(60)
    again = Search(search.problem)
    assert load_plan(again.packed, again.given, again.state, search.plan())
    for name in ("count", "night", "way", "in_round", "in_week", "nights", "quota", "cap", "spent"):
        assert np.array_equal(getattr(again.state, name), getattr(search.state, name)), name
    assert np.array_equal(again.state.values, search.state.values)


def test_pieces_of_a_search_are_the_search() -> None:
    """A clock may cut it anywhere."""
    whole, pieces = Search(generous_problem(3, 5, 12)), Search(generous_problem(3, 5, 12))
    whole.improve(90)
    for count in (1, 40, 0, 49):
        pieces.improve(count)
    assert whole.plan() == pieces.plan()
    assert np.array_equal(whole.best.values, pieces.best.values)


def test_what_a_clock_decided_can_be_replayed() -> None:
    problem = feasible(9, **BUSY)
    timed = solve(problem, seed=4, stop=Stop(seconds=1.5))
    assert len({one.level for one in timed.journal}) > 5
    again = replay(problem, seed=4, journal=timed.journal, iterations=timed.iterations)
    assert again == timed.plan


def test_a_resumed_solve_can_be_replayed_too() -> None:
    problem = feasible(9, **BUSY)
    first = solve(problem, seed=4, stop=Stop(iterations=20)).plan
    resumed = solve(problem, seed=5, stop=Stop(seconds=0.5), warm=first)
    assert resumed.journal[0].plan is not None
    again = replay(problem, seed=5, journal=resumed.journal, iterations=resumed.iterations)
    assert again == resumed.plan


def test_a_plan_from_elsewhere_enters_where_the_journal_says() -> None:
    problem = generous_problem(5, 5, 12)
    best = solve(problem, seed=2, stop=Stop(iterations=400)).plan
    entered = replay(problem, seed=1, journal=(Entry(3, plan=best),), iterations=3)
    assert entered == best


@pytest.mark.parametrize("after", [0, 1, 2, 3, 5, 9])
def test_an_end_at_any_moment_leaves_a_sound_plan(after: int) -> None:
    problem = feasible(7, **BUSY)
    asked: list[int] = []

    def ends() -> bool:
        asked.append(1)
        return len(asked) > after

    heard: list[tuple[Progress, Plan | None]] = []
    result = solve(
        problem,
        seed=1,
        stop=Stop(iterations=5_000, asked=ends),
        observe=lambda progress, plan: heard.append((progress, plan)),
    )
    assert result.iterations < 5_000
    assert violations(problem, result.plan) == []
    assert all(violations(problem, plan) == [] for _, plan in heard if plan is not None)


@pytest.mark.parametrize("seed", range(20))
def test_of_a_broken_plan_a_sound_part_is_kept(seed: int) -> None:
    problem = random_problem(seed, **BUSY)
    dice = random.Random(seed)
    good = Search(problem).plan()
    wild = {
        Assignment(
            request,
            0,
            dice.randrange(len(problem.experts)),
            dice.choice([w.start for w in problem.requests[request].windows]),
        )
        for request in dice.sample(range(len(problem.requests)), k=5)
        if request not in {one.request for one in good.assignments}
    }
    broken = Plan(tuple(sorted({*good.assignments, *wild})), good.nights)
    kept = sound_part(problem, broken)
    assert [one for one in violations(problem, kept) if one.rule != "pins_kept"] == []
    assert set(kept.assignments) <= set(broken.assignments)
    assert len(kept.assignments) >= len(good.assignments) // 2


def test_pins_that_fight_are_kept_together_where_that_is_possible() -> None:
    """Either pin alone would take the first morning that the other needs."""
    asks = (a_request(), a_request(place=2))
    problem = a_problem(requests=asks, pins=(Pin(0, 0, 0), Pin(1, 0, 0)), start_step_min=30)
    plan = solve(problem, seed=1, stop=Stop(iterations=5)).plan
    assert violations(problem, plan) == []
    assert {one.request for one in plan.assignments} == {0, 1}


def test_a_draft_takes_some_kilobytes_for_each_request() -> None:
    packed = pack(a_problem(requests=tuple(a_request() for _ in range(300))))
    board, draft, room = given(packed, near=60), empty(packed, 1), scratch(packed)
    held = sum(part.nbytes for table in (board, draft, room) for part in table)
    assert held < 300 * 30_000


def far_away(morning: int) -> Problem:
    """Two venues 170 minutes from home and 20 apart; an evening at one of them, and the next day at the other, until 170
    minutes after `morning` o'clock and the hour that it takes. Neither can be reached and left on one day.
    """
    far = tuple(
        tuple(0 if a == b else 20 if {a, b} == {2, 3} else 170 for b in range(4)) for a in range(4)
    )
    person = an_expert(
        windows=(window(0, 8, 18), window(1, 8, 18)),
        limits={"nights_max": 1, "travel_min_per_day_max": 200},
    )
    return a_problem(
        travel_min=far,
        experts=[person],
        requests=[
            a_request(place=3, windows=(window(0, 15, 18),)),
            a_request(place=2, windows=(window(1, morning, morning + 1),)),
        ],
    )


def test_two_that_are_too_far_for_a_day_are_served_with_a_night_between_them() -> None:
    problem = far_away(9)
    _, rows = two_day_tours(pack(problem))
    assert {tuple(row) for row in rows.tolist()} == {(0, 1, 0)}
    plan = solve(problem, seed=1, stop=Stop(iterations=20)).plan
    assert violations(problem, plan) == []
    assert [(one.expert, one.day) for one in plan.nights] == [(0, 0)]
    assert {one.request for one in plan.assignments} == {0, 1}


def test_nobody_tours_who_would_not_be_home_in_time() -> None:
    """Back at 17:50 after one at 14 o'clock; one at 15 o'clock ends too late."""
    assert len(two_day_tours(pack(far_away(14)))[1]) == 2
    assert len(two_day_tours(pack(far_away(15)))[1]) == 0
