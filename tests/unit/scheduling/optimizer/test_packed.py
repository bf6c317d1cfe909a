"""The arrays say what the problem says: nobody who could come is missing, and nobody is there who could not."""

import dataclasses
import itertools

import pytest

from services.scheduling.optimizer.candidates import Eligibility, starts_of
from services.scheduling.optimizer.packed import NO_QUOTA, Packed, pack
from services.scheduling.optimizer.problem import DAY_MIN, Agreement, Pin, Problem
from tests.support.brute_force import sound_plans
from tests.support.rounds import a_pool, a_problem, a_request, random_problem, window

Way = tuple[int, int, int, int, bool, int]
"""(request, seat, expert, start, remote, fit)."""


def ways_of(packed: Packed) -> set[Way]:
    """Every candidate at every start its mask allows."""
    found = set()
    for candidate in range(len(packed.candidate_expert)):
        seat = int(packed.candidate_seat[candidate])
        request = int(packed.seat_request[seat])
        first, last = packed.start_at[request], packed.start_at[request + 1]
        words = packed.candidate_mask[packed.candidate_mask_at[candidate] :]
        for i in range(last - first):
            if int(words[i // 64]) >> (i % 64) & 1:
                found.add(
                    (
                        request,
                        seat - int(packed.seat_at[request]),
                        int(packed.candidate_expert[candidate]),
                        int(packed.starts[first + i]),
                        bool(packed.candidate_remote[candidate]),
                        int(packed.candidate_fit[candidate]),
                    )
                )
    return found


def ways_said(problem: Problem) -> set[Way]:
    eligibility = Eligibility(problem)
    return {
        (request, seat, one.expert, one.start, one.remote, one.fit)
        for request, asked in enumerate(problem.requests)
        for seat in range(len(asked.seats))
        for one in eligibility.candidates(request, seat, every_start=True)
        if one.start < problem.days * DAY_MIN
    }


def metric(problem: Problem) -> Problem:
    """The problem with no way longer than a detour."""
    table = [list(row) for row in problem.travel_min]
    places = range(len(table))
    for k, i, j in itertools.product(places, places, places):
        table[i][j] = min(table[i][j], table[i][k] + table[k][j])
    return dataclasses.replace(problem, travel_min=tuple(tuple(row) for row in table))


@pytest.mark.parametrize("seed", range(60))
def test_they_name_who_could_come_and_when(seed: int) -> None:
    drawn = random_problem(seed, experts=6, requests=8, days=4, step_min=(60, 30, 20)[seed % 3])
    problem = metric(drawn)
    found, said = ways_of(pack(problem)), ways_said(problem)
    tours = {i for i, one in enumerate(problem.experts) if one.limits.nights_max > 1}
    assert said <= found
    assert {way for way in found - said if way[2] not in tours} == set()


@pytest.mark.parametrize("seed", range(25))
def test_every_sound_plan_is_made_of_candidates(seed: int) -> None:
    """Also where a detour is shorter than the straight way, and over several nights away."""
    problem = random_problem(seed, experts=2, requests=3, days=3)
    found = {way[:5] for way in ways_of(pack(problem))}
    for plan in itertools.islice(sound_plans(problem), 3_000):
        for one in plan.assignments:
            assert (one.request, one.seat, one.expert, one.start, one.remote) in found


def test_starts_are_all_of_the_grid_inside_the_horizon() -> None:
    asks = (a_request(windows=(window(0, 9, 12), window(9, 9, 12)), ready_at=9 * 60 + 20),)
    problem = a_problem(requests=asks, start_step_min=15)
    packed = pack(problem)
    inside = [s for s in starts_of(problem, asks[0], per_window=DAY_MIN) if s < 7 * DAY_MIN]
    assert packed.starts.tolist() == inside


def test_many_starts_take_several_words() -> None:
    """Every minute of a morning: more starts than one word has bits."""
    problem = a_problem(requests=(a_request(windows=(window(0, 8, 12),)),))
    assert ways_of(pack(problem)) == ways_said(problem)
    assert len(pack(problem).candidate_mask) == 3


def test_limits_quotas_and_pins_are_told() -> None:
    guests = a_pool(home_nodes=frozenset({1}), agreements=(Agreement(2, 5, 9), Agreement(2, 3, 9)))
    pins = (Pin(0, 0, 0, 600), Pin(0, 0, 0, 660))
    packed = pack(a_problem(pools=(guests,), pins=pins))
    assert packed.quota.tolist() == [[0, NO_QUOTA, 3, 0, 0, 0]]
    assert (packed.pin_expert.tolist(), packed.pin_start.tolist()) == ([0], [-2])
