"""A why-not names the first filter that leaves nobody, and each filter is met at its edge; a repair works when it is done."""

import dataclasses

import pytest

from services.scheduling.optimizer.check import need_value, violations
from services.scheduling.optimizer.explain import (
    Reason,
    WhyNot,
    cheapest_repair,
    why,
    why_not,
)
from services.scheduling.optimizer.problem import (
    DAY_MIN,
    Agreement,
    Budget,
    Cap,
    Forbid,
    Mode,
    Naming,
    Plan,
    Problem,
    Series,
)
from services.scheduling.optimizer.solve import Infeasible, solve
from services.scheduling.optimizer.stop import Stop
from tests.support.rounds import (
    AT_NINE,
    a_pool,
    a_problem,
    a_request,
    a_seat,
    an_expert,
    assigned,
    random_problem,
    window,
)

NOBODY = Plan(())


def asked(problem: Problem, plan: Plan = NOBODY, request: int = 0) -> tuple[Reason, str]:
    """Reason and rule; the plan given is sound, so that the question makes sense."""
    assert violations(problem, plan) == []
    found = why_not(problem, plan, request)
    return found.reason, found.rule


@pytest.mark.parametrize(
    ("rule", "expert", "request_changes"),
    [
        ("has_role", {}, {"seats": (a_seat(roles=0b001),)}),
        ("has_proficiency", {}, {"seats": (a_seat(proficiency_min=2),)}),
        ("speaks_to_audience", {"audiences": 0b01}, {"audience": 1}),
        ("does_form", {"forms": 0b01}, {"form": 1}),
        ("speaks_at_level", {"levels": 0b01}, {"level": 1}),
        ("cleared_for_minors", {"clearance_until_day": 0}, {"minors": True}),
        ("talk_approved", {}, {"seats": (a_seat(approved_talk=True),)}),
        ("pool_shared", {}, {"node": 5}),
    ],
)
def test_nobody_is_eligible(
    rule: str, expert: dict[str, object], request_changes: dict[str, object]
) -> None:
    problem = a_problem(experts=[an_expert(**expert)], requests=[a_request(**request_changes)])
    found = why_not(problem, NOBODY, 0)
    assert (found.reason, found.rule) == (Reason.NOBODY_ELIGIBLE, rule)
    assert (found.experts, found.seat, found.counts[-1]) == ((0,), 0, 0)


def test_the_pool_is_not_yet_in_term() -> None:
    problem = a_problem(pools=(a_pool(from_day=1),))
    assert asked(problem) == (Reason.NOBODY_ELIGIBLE, "pool_in_term")


def test_only_the_named_counts_when_only_they_may_lead() -> None:
    deaf = an_expert(audiences=0b10)
    problem = a_problem(
        experts=[deaf, an_expert()], requests=[a_request(naming=Naming.ONLY, named=0)]
    )
    found = why_not(problem, NOBODY, 0)
    assert (found.rule, found.experts, found.counts[0]) == ("speaks_to_audience", (0,), 1)


def test_eligible_but_not_free_and_a_minute_more_is() -> None:
    until_ten = an_expert(windows=(window(0, 8, 10),))
    asks = a_request(windows=(window(0, 9, 12),), duration_min=61)
    problem = a_problem(experts=[until_ten], requests=[asks])
    assert asked(problem) == (Reason.NOT_FREE, "in_availability")
    shorter = a_problem(experts=[until_ten], requests=[a_request(duration_min=60)])
    assert asked(shorter) == (Reason.TOO_FAR, "home_in_window")


def test_too_far_and_a_minute_more_is_not() -> None:
    asks = a_request()
    near = an_expert(limits={"travel_min_per_day_max": 60, "nights_max": 0})
    far = an_expert(limits={"travel_min_per_day_max": 59, "nights_max": 0})
    assert asked(a_problem(experts=[far], requests=[asks])) == (Reason.TOO_FAR, "travel_per_day")
    assert asked(a_problem(experts=[near], requests=[asks])) == (Reason.DISPLACED, "")


def test_limits_are_used_up_by_this_plan_or_before_it() -> None:
    once = an_expert(limits={"per_day_max": 1})
    asks = [a_request(weight=9), a_request(windows=(window(0, 14, 16),))]
    problem = a_problem(experts=[once], requests=asks)
    found = why_not(problem, Plan((assigned(),)), 1)
    assert (found.reason, found.rule) == (Reason.LIMITS_USED_UP, "per_day")
    assert (found.experts, found.requests) == ((0,), (0,))
    busy = an_expert(limits={"per_week_max": 1}, engaged_before=(1, 0))
    found = why_not(a_problem(experts=[busy]), NOBODY, 0)
    assert (found.reason, found.rule, found.requests) == (Reason.LIMITS_USED_UP, "per_week", ())


def test_a_rest_day_is_a_limit() -> None:
    rested = an_expert(limits={"rest_days_per_week": 6})
    asks = [a_request(), a_request(windows=(window(1, 9, 12),))]
    problem = a_problem(experts=[rested], requests=asks)
    assert asked(problem, Plan((assigned(),)), 1) == (Reason.LIMITS_USED_UP, "rest_days")


def test_one_person_is_no_team_of_two_and_no_common_start_is_none() -> None:
    pair = a_request(seats=(a_seat(), a_seat()))
    assert asked(a_problem(requests=[pair])) == (Reason.SEAT_MISSING, "person_once")
    early = an_expert(windows=(window(0, 8, 11),))
    late = an_expert(role=2, windows=(window(0, 10.5, 18),))
    seats = (a_seat(roles=0b010), a_seat(roles=0b100))
    apart = a_problem(experts=[early, late], requests=[a_request(seats=seats)])
    assert asked(apart) == (Reason.SEAT_MISSING, "team_together")


def test_displaced_names_what_has_to_go() -> None:
    asks = [a_request(place=2, duration_min=120), a_request(duration_min=120, weight=50)]
    problem = a_problem(requests=asks)
    found = why_not(problem, Plan((assigned(),)), 1)
    assert (found.reason, found.experts, found.requests) == (Reason.DISPLACED, (0,), (0,))
    assert found.rule == "one_place_at_a_time"


def test_caps_spacing_windows_and_lead_time_rule_out_whoever_comes() -> None:
    asks = [a_request(), a_request(windows=(window(1, 9, 12),))]
    plan = Plan((assigned(),))
    capped = a_problem(requests=asks, caps=(Cap(frozenset({0, 1}), 1),))
    assert asked(capped, plan, 1) == (Reason.RULED_OUT, "caps_kept")
    spaced = a_problem(requests=asks, series=(Series((0, 1), 2, 0),))
    assert asked(spaced, plan, 1) == (Reason.RULED_OUT, "series_spaced")
    assert why_not(spaced, plan, 1).requests == (0,)
    late = a_problem(requests=[a_request(ready_at=AT_NINE + 121)])
    assert asked(late) == (Reason.RULED_OUT, "lead_time")
    short = a_problem(requests=[a_request(duration_min=181)])
    assert asked(short) == (Reason.RULED_OUT, "in_request_window")


def test_quota_budget_and_forbids_rule_out_who_could_come() -> None:
    asks = [a_request(node=5), a_request(node=5, windows=(window(1, 9, 12),))]
    lent = a_pool(agreements=(Agreement(5, 1, 9),))
    problem = a_problem(requests=asks, pools=(lent,))
    assert asked(problem, Plan((assigned(),)), 1) == (Reason.RULED_OUT, "quota_kept")
    paid = a_problem(experts=[an_expert(cost=10)], budgets=(Budget(frozenset({0}), 9),))
    assert asked(paid) == (Reason.RULED_OUT, "budgets_kept")
    forbidden = a_problem(forbids=(Forbid(0, 0),))
    assert asked(forbidden) == (Reason.RULED_OUT, "forbids_kept")
    pair = a_problem(
        experts=[an_expert(), an_expert()],
        requests=[a_request(seats=(a_seat(), a_seat()))],
        forbids=(Forbid(0, -1, 1),),
    )
    assert asked(pair) == (Reason.RULED_OUT, "forbids_kept")


def test_a_served_request_has_no_why_not_and_an_unserved_no_why() -> None:
    problem, plan = a_problem(), Plan((assigned(),))
    with pytest.raises(ValueError, match="serves request 0"):
        why_not(problem, plan, 0)
    with pytest.raises(ValueError, match="does not serve"):
        why(problem, NOBODY, 0)
    with pytest.raises(ValueError, match="serves request 0"):
        cheapest_repair(problem, plan, 0, seed=1, stop=Stop(iterations=9))


def test_why_says_fit_travel_and_who_else() -> None:
    people = [an_expert(skills=(3,)), an_expert(), an_expert(windows=())]
    problem = a_problem(experts=people)
    (seat,) = why(problem, Plan((assigned(),)), 0)
    assert (seat.expert, seat.fit, seat.travel_min_added, seat.others) == (0, 6, 60, (1,))


def solved(seed: int) -> tuple[Problem, Plan]:
    problem = random_problem(seed, experts=4, requests=8, days=3, step_min=30)
    try:
        return problem, solve(problem, seed=1, stop=Stop(iterations=3)).plan
    except Infeasible:
        problem = dataclasses.replace(problem, pins=())
        return problem, solve(problem, seed=1, stop=Stop(iterations=3)).plan


def eligible(problem: Problem, request: int, seat: int) -> bool:
    """By the referee alone: whether anybody may take the seat on any day the request could be held."""
    rules = {
        "has_role", "has_proficiency", "speaks_to_audience", "does_form", "speaks_at_level", "named_only_leads",
        "pool_in_term", "pool_shared", "cleared_for_minors", "talk_approved", "forbids_kept",
    }  # fmt: skip
    asks = problem.requests[request]
    starts = [
        start
        for offered in asks.windows
        for start in range(0, problem.days * DAY_MIN, problem.start_step_min)
        if max(offered.start, asks.ready_at) <= start <= offered.end - asks.duration_min
    ]
    remote = asks.seats[seat].mode is Mode.REMOTE
    return any(
        not any(
            violation.rule in rules
            for violation in violations(
                problem, Plan((assigned(request, expert, start, seat, remote=remote),))
            )
        )
        for expert in range(len(problem.experts))
        for start in starts
    )


@pytest.mark.parametrize("seed", range(25))
def test_nobody_eligible_is_said_exactly_when_the_referee_finds_nobody(seed: int) -> None:
    problem, plan = solved(seed)
    served = {a.request for a in plan.assignments}
    for request in set(range(len(problem.requests))) - served:
        found = why_not(problem, plan, request)
        if found.seat < 0 or found.rule in {"caps_kept", "series_spaced"}:
            continue
        nobody = found.reason is Reason.NOBODY_ELIGIBLE or (
            found.rule == "forbids_kept" and found.counts[-1] == 0
        )
        seats = problem.requests[request].seats
        assert nobody == any(
            seat.required and not eligible(problem, request, place)
            for place, seat in enumerate(seats)
        )


@pytest.mark.parametrize("seed", range(25))
def test_what_a_why_not_names_is_there(seed: int) -> None:
    problem, plan = solved(seed)
    served = {a.request for a in plan.assignments}
    for request in set(range(len(problem.requests))) - served:
        found = why_not(problem, plan, request)
        assert isinstance(found, WhyNot)
        assert list(found.counts) == sorted(found.counts, reverse=True)
        assert set(found.requests) <= served
        assert set(found.experts) <= set(range(len(problem.experts)))
        assert found.experts or found.seat < 0
        if found.reason is Reason.DISPLACED and found.rule:
            assert found.requests


@pytest.mark.parametrize("seed", range(25))
def test_a_repair_costs_others_what_it_says(seed: int) -> None:
    """Of a displacement done again by hand: the price is what those who are left out were worth, less what moved found."""
    problem, plan = solved(seed)
    served = {a.request for a in plan.assignments}
    for request in sorted(set(range(len(problem.requests))) - served):
        repair = cheapest_repair(problem, plan, request, seed=1, stop=Stop(iterations=99))
        if repair is None:
            continue
        lost = Plan(tuple(a for a in plan.assignments if a.request in repair.requests))
        assert set(repair.requests) <= served
        if repair.code == "DISPLACE":
            assert repair.price <= need_value(problem, lost)
        assert repair.start is not None
