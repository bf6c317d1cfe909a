"""After a loss: every rule holds, who was lost does not come back, and as little as possible changes."""

import dataclasses
import random

import pytest

from services.scheduling.optimizer.check import values, violations
from services.scheduling.optimizer.problem import (
    DAY_MIN,
    Forbid,
    NightAway,
    Pin,
    Plan,
    Problem,
    Promise,
)
from services.scheduling.optimizer.repair import Repaired, repair, without
from services.scheduling.optimizer.solve import Infeasible, solve
from services.scheduling.optimizer.stop import Stop
from tests.support.brute_force import sound_plans
from tests.support.rounds import (
    AT_NINE,
    a_problem,
    a_request,
    a_seat,
    an_expert,
    apart,
    assigned,
    far_problem,
    generous_problem,
    random_problem,
    window,
)


def mended(problem: Problem, plan: Plan, *lost: int, seed: int = 1, **options: int) -> Repaired:
    """The repair after the assignments at these places of the plan are lost."""
    gone = [plan.assignments[one] for one in lost]
    return repair(problem, plan, gone, seed=seed, stop=Stop(iterations=60), **options)


def solved(seed: int) -> tuple[Problem, Plan]:
    problem = random_problem(seed, experts=6, requests=10, days=5, step_min=30, places=5)
    try:
        return problem, solve(problem, seed=1, stop=Stop(iterations=5)).plan
    except Infeasible:
        problem = dataclasses.replace(problem, pins=())
        return problem, solve(problem, seed=1, stop=Stop(iterations=5)).plan


@pytest.mark.parametrize("seed", range(40))
def test_every_rule_holds_and_the_lost_do_not_come_back(seed: int) -> None:
    problem, plan = solved(seed)
    if not plan.assignments:
        return
    dice = random.Random(seed)
    lost = dice.sample(range(len(plan.assignments)), k=min(len(plan.assignments), 1 + seed % 3))
    gone = {(plan.assignments[one].request, plan.assignments[one].expert) for one in lost}
    result = mended(problem, plan, *lost)
    changed = without(problem, [plan.assignments[one] for one in lost])
    assert violations(changed, result.plan) == []
    assert not gone & {(a.request, a.expert) for a in result.plan.assignments}
    assert result.stages == values(changed, result.plan)
    before = {a.request for a in plan.assignments}
    after = {a.request for a in result.plan.assignments}
    assert set(result.kept) | set(result.moved) == before & after
    assert set(result.dropped) == before - after
    assert set(result.added) == after - before
    for request in result.kept:
        assert [a for a in plan.assignments if a.request == request] == [
            a for a in result.plan.assignments if a.request == request
        ]


def test_another_takes_the_seat_and_nothing_else_moves() -> None:
    """The free one is chosen although the busy one is better: a promise is worth more than fit."""
    asks = [a_request(), a_request(windows=(window(1, 9, 12),))]
    people = [an_expert(), an_expert(skills=(3,)), an_expert()]
    problem = a_problem(experts=people, requests=asks)
    later = DAY_MIN + AT_NINE
    plan = Plan((assigned(0, 0), assigned(1, 1, later)))
    result = mended(dataclasses.replace(problem, forbids=(Forbid(1, 0),)), plan, 0)
    assert result.plan.assignments == (assigned(0, 2), assigned(1, 1, later))
    assert (result.kept, result.moved, result.dropped) == ((1,), (0,), ())


def test_the_rest_of_the_team_stays() -> None:
    team = a_request(seats=(a_seat(), a_seat()))
    problem = a_problem(experts=[an_expert(), an_expert(), an_expert(skills=(3,))], requests=[team])
    plan = Plan((assigned(0, 0), assigned(0, 1, seat=1)))
    result = mended(problem, plan, 0)
    assert result.plan.assignments == (assigned(0, 2), assigned(0, 1, seat=1))


def test_another_time_beside_everything_else_comes_before_another_event_moves() -> None:
    """Only expert 1 can step in, and not at that time: the request moves, their own event does not."""
    asks = [a_request(windows=(window(0, 9, 10), window(1, 9, 10))), a_request(place=2)]
    asks[1] = dataclasses.replace(asks[1], windows=(window(0, 9, 10), window(2, 9, 10)))
    problem = a_problem(experts=[an_expert(), an_expert()], requests=asks)
    plan = Plan((assigned(0, 0), assigned(1, 1)))
    result = mended(problem, plan, 0)
    assert result.plan.assignments == (assigned(0, 1, DAY_MIN + AT_NINE), assigned(1, 1))


def test_the_circle_widens_only_where_that_serves_more() -> None:
    """Request 0 has one time only; the other one can move to another day."""
    asks = [
        a_request(windows=(window(0, 9, 10),), weight=10),
        a_request(place=2, windows=(window(0, 9, 10), window(2, 9, 10))),
    ]
    problem = a_problem(experts=[an_expert(), an_expert()], requests=asks)
    plan = Plan((assigned(0, 0), assigned(1, 1)))
    result = mended(dataclasses.replace(problem, forbids=(Forbid(0, 1),)), plan, 0)
    assert result.plan.assignments == (assigned(0, 1), assigned(1, 1, 2 * DAY_MIN + AT_NINE))
    assert (result.moved, result.dropped) == ((0, 1), ())


def test_pins_of_others_hold_and_those_of_the_lost_request_do_not() -> None:
    asks = [a_request(windows=(window(0, 9, 10),)), a_request(place=2)]
    pins = (Pin(0, 0, 0, AT_NINE), Pin(1, 0, 1, AT_NINE))
    problem = a_problem(experts=[an_expert(), an_expert()], requests=asks, pins=pins)
    plan = Plan((assigned(0, 0), assigned(1, 1)))
    result = mended(problem, plan, 0)
    assert result.plan.assignments == (assigned(1, 1),)
    assert result.dropped == (0,)


def test_nothing_is_put_before_now() -> None:
    asks = [a_request(windows=(window(0, 9, 10), window(3, 9, 10)))]
    problem = a_problem(experts=[an_expert(), an_expert()], requests=asks)
    result = mended(problem, Plan((assigned(),)), 0, not_before=DAY_MIN)
    assert result.plan.assignments == (assigned(0, 1, 3 * DAY_MIN + AT_NINE),)


def test_what_is_promised_dearly_moves_last() -> None:
    """Either of two events could make room; the one whose change costs less does."""
    asks = [
        a_request(windows=(window(0, 9, 10),)),
        a_request(place=2, windows=(window(0, 9, 10), window(2, 9, 10))),
        a_request(place=3, windows=(window(0, 9, 10), window(3, 9, 10))),
    ]
    people = [an_expert(), an_expert(), an_expert()]
    plan = Plan((assigned(0, 0), assigned(1, 1), assigned(2, 2)))
    forbids = (Forbid(0, 1), Forbid(0, 2))
    for dear, moved in ((1, 2), (2, 1)):
        promises = tuple(
            Promise(one, 0, one, AT_NINE, 100 if one == dear else 1, 200) for one in (1, 2)
        )
        problem = a_problem(experts=people, requests=asks, promises=promises, forbids=forbids)
        assert mended(problem, plan, 0).moved == (0, moved)


@pytest.mark.parametrize("seed", range(20))
def test_one_lost_request_is_served_again_whenever_it_can_be_beside_the_rest(seed: int) -> None:
    """Against brute force: if any sound plan has all the others as they were and serves it, so does the repair."""
    problem = generous_problem(seed)
    plan = solve(problem, seed=1, stop=Stop(iterations=100)).plan
    for lost in {a.request: a for a in plan.assignments}.values():
        others = {a for a in plan.assignments if a.request != lost.request}
        changed = without(problem, [lost])
        possible = any(
            others <= set(one.assignments)
            and {a.request for a in one.assignments} == {a.request for a in plan.assignments}
            for one in sound_plans(changed)
        )
        result = repair(problem, plan, [lost], seed=1, stop=Stop(iterations=0))
        assert possible == (lost.request in result.moved and not result.dropped)
        if possible:
            assert others <= set(result.plan.assignments)


def changed_of(before: Plan, after: Plan, lost: int) -> int:
    """How many requests are otherwise than before, beside the one that lost somebody."""
    return sum(
        {a for a in before.assignments if a.request == one}
        != {a for a in after.assignments if a.request == one}
        for one in {a.request for a in before.assignments} - {lost}
    )


def test_least_is_only_said_where_brute_force_finds_no_plan_with_fewer_changes() -> None:
    said: list[tuple[bool, int]] = []
    for seed in range(40):
        problem = generous_problem(seed)
        plan = solve(problem, seed=1, stop=Stop(iterations=100)).plan
        for lost in {a.request: a for a in plan.assignments}.values():
            result = repair(problem, plan, [lost], seed=1, stop=Stop(iterations=30))
            served = {a.request for a in result.plan.assignments}
            count = changed_of(plan, result.plan, lost.request)
            said.append((result.least, count))
            if result.least and count:
                assert not any(
                    served <= {a.request for a in one.assignments}
                    and changed_of(plan, one, lost.request) < count
                    for one in sound_plans(without(problem, [lost]))
                )
            assert result.least or count
    assert {count for least, count in said if least} == {0, 1}


def test_of_two_that_lost_somebody_least_is_not_said_where_another_moves() -> None:
    asks = [
        a_request(windows=(window(0, 9, 10),), weight=10),
        a_request(place=2, windows=(window(0, 9, 10), window(2, 9, 10))),
        a_request(windows=(window(4, 9, 10),)),
    ]
    problem = a_problem(experts=[an_expert(), an_expert()], requests=asks)
    problem = dataclasses.replace(problem, forbids=(Forbid(0, 1),))
    plan = Plan((assigned(0, 0), assigned(1, 1), assigned(2, 0, 4 * DAY_MIN + AT_NINE)))
    result = mended(problem, plan, 0, 2)
    assert (result.moved, result.dropped, result.least) == ((0, 1, 2), (), False)
    assert mended(problem, plan, 0).least
    assert mended(problem, plan, 2).least


def test_an_end_at_once_still_gives_a_sound_plan() -> None:
    problem, plan = solved(3)
    result = repair(
        problem, plan, plan.assignments[:1], seed=1, stop=Stop(seconds=60, asked=lambda: True)
    )
    assert violations(without(problem, plan.assignments[:1]), result.plan) == []


def test_the_same_seed_gives_the_same_repair() -> None:
    problem, plan = solved(3)
    assert mended(problem, plan, 0, seed=5) == mended(problem, plan, 0, seed=5)


def test_what_hung_on_the_nights_on_both_sides_of_the_lost_visit_goes_with_it() -> None:
    """Three days away, of which the middle one is lost: neither the day before nor the one after can be a day by itself."""
    problem = a_problem(
        experts=[
            an_expert(limits={"nights_max": 2, "travel_min_per_day_max": 200, "per_round_max": 3})
        ],
        requests=[a_request(windows=(window(day, 9, 17),)) for day in range(3)],
        travel_min=apart(150),
    )
    days = tuple(assigned(day, start=day * DAY_MIN + 13 * 60) for day in range(3))
    plan = Plan(days, nights=(NightAway(0, 0), NightAway(0, 1)))
    assert violations(problem, plan) == []
    result = mended(problem, plan, 1)
    assert violations(without(problem, [days[1]]), result.plan) == []
    assert result.plan.assignments == ()


@pytest.mark.parametrize("seed", range(25, 45))
def test_every_rule_holds_where_all_visits_hang_on_nights(seed: int) -> None:
    problem = far_problem(seed, experts=2, requests=6)
    plan = solve(problem, seed=1, stop=Stop(iterations=200)).plan
    for lost in plan.assignments:
        result = repair(problem, plan, [lost], seed=1, stop=Stop(iterations=20))
        assert violations(without(problem, [lost]), result.plan) == []
