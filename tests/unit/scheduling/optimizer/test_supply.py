"""The supply signal: who is worth recruiting, and that what is claimed of them is what a second solve gives."""

import pytest

from services.scheduling.optimizer.check import need_value, violations
from services.scheduling.optimizer.problem import Plan, Role
from services.scheduling.optimizer.stop import Stop
from services.scheduling.optimizer.supply import Kind, _best, _with_person, supply_signals
from tests.benchmarks.rounds import round_problem
from tests.support.rounds import a_problem, a_request, a_seat, an_expert, assigned, window

MONDAY, TUESDAY = 0, 1


def signals_of(problem, plan=None, **changes):
    return supply_signals(
        problem, plan or Plan(()), seed=1, stop=Stop(seconds=60), iterations=20, **changes
    )


def test_who_could_serve_what_nobody_can_is_worth_its_weight_and_gains_it():
    lecturers_only = a_seat(roles=1 << Role.LECTURER)
    problem = a_problem(
        experts=[an_expert(windows=())],
        requests=[a_request(seats=(lecturers_only,), windows=(window(1, 9, 12),))],
    )
    (signal,) = signals_of(problem)
    assert signal.kind == Kind(Role.LECTURER, topic=0, district=0, weekday=TUESDAY)
    assert signal.worth == 100
    # the plan also counts how well the person fits the seat
    assert signal.gain == 100 + problem.policy.fit_proficiency * 3
    assert signal.requests == (0,)


def test_what_is_served_already_makes_nobody_needed():
    problem = a_problem()
    assert signals_of(problem, Plan((assigned(),))) == ()


def test_prices_say_what_a_served_request_is_worth_at_the_margin():
    problem = a_problem()
    served = Plan((assigned(),))
    found = signals_of(problem, served, kept=[70], verified_max=0)
    assert {(one.worth, one.gain) for one in found} == {(30, None)}
    assert signals_of(problem, served, kept=[100]) == ()


@pytest.mark.parametrize(
    ("days", "best"),
    [
        ({0: [1], 1: [1], 2: [1]}, 90),  # two a day
        ({0: [1], 1: [1], 2: [1, 8]}, 100),  # the one that can goes to another day
        ({0: [1, 8], 1: [1], 2: [1]}, 100),  # it makes room even when it came first
        ({}, 0),
    ],
)
def test_the_best_requests_of_the_days_are_found_exactly(days, best):
    assert _best({0: 60, 1: 30, 2: 10}, days) == best


def test_ending_early_leaves_estimates_without_a_gain():
    problem = a_problem(experts=[an_expert(windows=())])
    found = supply_signals(problem, Plan(()), seed=1, stop=Stop(seconds=0))
    assert found
    assert {one.gain for one in found} == {None}


def test_a_gain_is_what_the_round_with_the_person_really_reaches():
    problem = round_problem(30, 6, 3, nights=False)
    found = signals_of(problem, verified_max=2)
    verified = [one for one in found if one.gain is not None]
    assert len(verified) == 2
    assert found[:2] == tuple(verified)
    assert all(one.gain <= one.worth + 10 * len(one.requests) for one in verified)
    more = _with_person(problem, verified[0].kind, home=0)
    assert violations(more, Plan(())) == []
    assert need_value(more, Plan(())) == 0
