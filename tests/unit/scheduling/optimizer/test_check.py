"""The referee: every rule is seen to hold on one side of its edge and to be broken on the other."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.scheduling.optimizer import check
from services.scheduling.optimizer.problem import (
    DAY_MIN,
    Agreement,
    Approval,
    Assignment,
    Budget,
    Cap,
    Forbid,
    Mode,
    Naming,
    NightAway,
    Pin,
    Plan,
    Problem,
    Promise,
    Role,
    Series,
    Share,
    Stage,
    Standby,
)
from tests.support.rounds import (
    AT_NINE,
    TRAVEL_MIN,
    a_pool,
    a_problem,
    a_request,
    a_seat,
    an_expert,
    assigned,
    window,
)

HOUR = 60


def broken(problem: Problem, *assignments: Assignment, **parts: Any) -> set[str]:
    plan = Plan(assignments=tuple(sorted(assignments)), **parts)
    return {violation.rule for violation in check.violations(problem, plan)}


def one(expert: dict[str, Any] | None = None, request: dict[str, Any] | None = None) -> Problem:
    return a_problem(experts=[an_expert(**(expert or {}))], requests=[a_request(**(request or {}))])


def visits(*starts: int, expert: dict[str, Any] | None = None, **request: Any) -> set[str]:
    """What is broken when one expert serves a request at each of `starts`, all at one venue."""
    ask = a_request(windows=tuple(window(day, 0, 24) for day in range(7)), **request)
    problem = a_problem(experts=[an_expert(**(expert or {}))], requests=[ask] * len(starts))
    return broken(problem, *(assigned(i, 0, start) for i, start in enumerate(starts)))


def test_nothing_is_broken_by_an_ordinary_plan_nor_by_an_empty_one() -> None:
    assert broken(one(), assigned()) == set()
    assert broken(one()) == set()


@pytest.mark.parametrize(
    "assignment",
    [assigned(request=1), assigned(seat=1), assigned(expert=1), assigned(start=7 * DAY_MIN)],
)
def test_references_exist(assignment: Assignment) -> None:
    assert broken(one(), assignment) == {"references"}
    with pytest.raises(check.BrokenPlan):
        check.values(one(), Plan((assignment,)))


@pytest.mark.parametrize(
    ("request_", "start", "expected"),
    [
        ({}, AT_NINE, set()),
        ({}, AT_NINE - 1, {"in_request_window"}),
        ({}, AT_NINE + 2 * HOUR, set()),
        ({}, AT_NINE + 2 * HOUR + 1, {"in_request_window"}),
        ({"ready_at": AT_NINE}, AT_NINE, set()),
        ({"ready_at": AT_NINE + 1}, AT_NINE, {"lead_time"}),
    ],
)
def test_the_request_says_when(request_: dict[str, Any], start: int, expected: set[str]) -> None:
    assert broken(one(request=request_), assigned(start=start)) == expected


def test_starts_lie_on_the_grid() -> None:
    problem = dataclasses.replace(one(), start_step_min=30)
    assert broken(problem, assigned(start=AT_NINE + 30)) == set()
    assert broken(problem, assigned(start=AT_NINE + 31)) == {"on_grid"}


def test_a_team_is_whole_together_and_of_different_people() -> None:
    seats = (a_seat(), a_seat(), a_seat(required=False))
    problem = a_problem(experts=[an_expert()] * 3, requests=[a_request(seats=seats)])
    lead, helper = assigned(), assigned(expert=1, seat=1)
    assert broken(problem, lead, helper) == set()
    assert broken(problem, lead) == {"team_whole"}
    assert broken(problem, lead, assigned(expert=1, seat=1, start=AT_NINE + 1)) == {"team_together"}
    assert "person_once" in broken(problem, lead, assigned(expert=0, seat=1))
    assert broken(problem, lead, helper, assigned(expert=2, seat=1)) == {"seat_once"}


@pytest.mark.parametrize(
    ("expert", "request_", "rule"),
    [
        ({}, {"seats": (a_seat(roles=1 << Role.VOLUNTEER),)}, "has_role"),
        ({}, {"seats": (a_seat(proficiency_min=2),)}, "has_proficiency"),
        ({"audiences": 0b10}, {}, "speaks_to_audience"),
        ({"forms": 0b10}, {}, "does_form"),
        ({"levels": 0b10}, {}, "speaks_at_level"),
        ({}, {"seats": (a_seat(approved_talk=True),)}, "talk_approved"),
        ({"approvals": (Approval(0, 1, 0),)}, {"seats": (a_seat(approved_talk=True),)}, "talk_approved"),
        ({"clearance_until_day": 0}, {"minors": True}, "cleared_for_minors"),
        ({}, {"node": 5}, "pool_shared"),
        ({}, {"seats": (a_seat(mode=Mode.REMOTE),)}, "in_mode"),
        ({}, {"naming": Naming.ONLY, "named": 1}, "named_only_leads"),
    ],
)  # fmt: skip
def test_who_is_not_eligible_may_not_come(
    expert: dict[str, Any], request_: dict[str, Any], rule: str
) -> None:
    assert broken(one(expert, request_), assigned()) == {rule}


@pytest.mark.parametrize(
    ("expert", "request_"),
    [
        ({}, {"seats": (a_seat(roles=1 << Role.LECTURER, proficiency_min=1),)}),
        ({"audiences": 1, "forms": 1, "levels": 1}, {}),
        ({"approvals": (Approval(0, 1, 1),)}, {"seats": (a_seat(approved_talk=True),)}),
        ({"clearance_until_day": 1}, {"minors": True}),
        ({"clearance_until_day": 0}, {"minors": False}),
        ({}, {"naming": Naming.ONLY, "named": 0}),
        ({}, {"naming": Naming.PREFERRED, "named": 1}),
        ({}, {"seats": (a_seat(mode=Mode.EITHER),)}),
    ],
)
def test_who_is_just_eligible_may_come(expert: dict[str, Any], request_: dict[str, Any]) -> None:
    assert broken(one(expert, request_), assigned()) == set()


def test_pools_have_terms_agreements_and_quotas() -> None:
    late = dataclasses.replace(one(), pools=(a_pool(from_day=1),))
    over = dataclasses.replace(one(), pools=(a_pool(until_day=0),))
    assert broken(late, assigned()) == broken(over, assigned()) == {"pool_in_term"}
    for agreement, expected in (
        (Agreement(5, 1, 1), set()),
        (Agreement(5, 1, 0), {"pool_shared"}),
        (Agreement(5, 0, 1), {"quota_kept"}),
    ):
        problem = dataclasses.replace(
            one(request={"node": 5}), pools=(a_pool(agreements=(agreement,)),)
        )
        assert broken(problem, assigned()) == expected


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (8 * HOUR + TRAVEL_MIN, set()),
        (8 * HOUR + TRAVEL_MIN - 1, {"leaves_in_window"}),
        (17 * HOUR - TRAVEL_MIN, set()),
        (17 * HOUR - TRAVEL_MIN + 1, {"home_in_window"}),
        (17 * HOUR + 1, {"in_availability"}),
    ],
)
def test_a_day_is_door_to_door(start: int, expected: set[str]) -> None:
    assert visits(start) == expected


def test_earliest_and_latest_cut_the_windows() -> None:
    early, late = {"limits": {"earliest": AT_NINE}}, {"limits": {"latest": 10 * HOUR + TRAVEL_MIN}}
    assert visits(AT_NINE + TRAVEL_MIN, expert=early) == set()
    assert visits(AT_NINE + TRAVEL_MIN - 1, expert=early) == {"leaves_in_window"}
    assert visits(AT_NINE, expert=late) == set()
    assert visits(AT_NINE + 1, expert=late) == {"home_in_window"}


def test_visits_may_touch_once_travel_is_paid() -> None:
    assert visits(AT_NINE, AT_NINE + HOUR) == set()
    assert "one_place_at_a_time" in visits(AT_NINE, AT_NINE + HOUR - 1)
    elsewhere = a_request(place=2, windows=(window(0, 9, 18),))
    problem = a_problem(requests=[a_request(), elsewhere])
    arrival = AT_NINE + HOUR + TRAVEL_MIN
    assert broken(problem, assigned(), assigned(1, start=arrival)) == set()
    assert broken(problem, assigned(), assigned(1, start=arrival - 1)) == {"travels_in_time"}


@pytest.mark.parametrize(
    ("limit", "enough", "starts", "rule"),
    [
        ("per_day_max", 2, (540, 720), "per_day"),
        ("per_week_max", 2, (540, 540 + DAY_MIN), "per_week"),
        ("per_round_max", 2, (540, 540 + DAY_MIN), "per_round"),
        ("travel_min_per_day_max", 2 * TRAVEL_MIN, (540, 720), "travel_per_day"),
    ],
)
def test_limits_are_inclusive(limit: str, enough: int, starts: tuple[int, ...], rule: str) -> None:
    assert visits(*starts, expert={"limits": {limit: enough}}) == set()
    assert visits(*starts, expert={"limits": {limit: enough - 1}}) == {rule}


def test_engagements_fixed_elsewhere_count() -> None:
    week = {"limits": {"per_week_max": 1}}
    assert visits(AT_NINE, expert={**week, "engaged_before": (0, 1)}) == set()
    assert visits(AT_NINE, expert={**week, "engaged_before": (1, 0)}) == {"per_week"}
    total = {"limits": {"per_round_max": 1}, "engaged_before_round": 1}
    assert visits(AT_NINE, expert=total) == {"per_round"}


def test_rest_days_are_days_without_a_visit() -> None:
    starts = (AT_NINE, AT_NINE + DAY_MIN)
    assert visits(*starts, expert={"limits": {"rest_days_per_week": 5}}) == set()
    assert visits(*starts, expert={"limits": {"rest_days_per_week": 6}}) == {"rest_days"}


def test_a_night_away_saves_the_way_home_and_back() -> None:
    windows = tuple(window(day, 0, 24) for day in range(7))
    experts = [an_expert(limits={"nights_max": 1})]
    problem = a_problem(experts=experts, requests=[a_request(windows=windows)] * 2)
    evening, morning = assigned(0, start=17 * HOUR), assigned(1, start=DAY_MIN + 8 * HOUR)
    night = {"nights": (NightAway(0, 0),)}
    assert broken(problem, evening, morning, **night) == set()
    assert broken(problem, evening, morning) == {"home_in_window", "leaves_in_window"}
    assert "night_between_visits" in broken(problem, evening, **night)
    none = dataclasses.replace(problem, experts=(an_expert(limits={"nights_max": 0}),))
    assert broken(none, evening, morning, **night) == {"nights_allowed"}
    plan = Plan((evening, morning), **night)
    assert check.values(problem, plan)[Stage.TRAVEL] == -2 * TRAVEL_MIN - 240


@pytest.mark.parametrize(
    ("decision", "rule"),
    [
        ({"pins": (Pin(0, 0, 0, AT_NINE + 1),)}, "pins_kept"),
        ({"pins": (Pin(0, 0, 1),)}, "pins_kept"),
        ({"forbids": (Forbid(0),)}, "forbids_kept"),
        ({"forbids": (Forbid(0, request=0),)}, "forbids_kept"),
        ({"caps": (Cap(frozenset({0}), 0),)}, "caps_kept"),
        ({"budgets": (Budget(frozenset({0}), 99),)}, "budgets_kept"),
    ],
)
def test_decisions_and_sums_bind(decision: dict[str, Any], rule: str) -> None:
    problem = a_problem(experts=[an_expert(cost=100), an_expert()], **decision)
    assert broken(problem, assigned()) == {rule}


@pytest.mark.parametrize(
    "decision",
    [
        {"pins": (Pin(0, 0, 0, AT_NINE),)},
        {"pins": (Pin(0, 0, 0),)},
        {"forbids": (Forbid(1), Forbid(0, request=0, other=1))},
        {"caps": (Cap(frozenset({0}), 1),)},
        {"budgets": (Budget(frozenset({0}), 100),)},
    ],
)
def test_decisions_and_sums_bind_no_further(decision: dict[str, Any]) -> None:
    problem = a_problem(experts=[an_expert(cost=100), an_expert()], **decision)
    assert broken(problem, assigned()) == set()


def test_two_who_must_not_meet_are_in_no_team() -> None:
    problem = a_problem(
        experts=[an_expert()] * 2,
        requests=[a_request(seats=(a_seat(), a_seat()))],
        forbids=(Forbid(0, other=1),),
    )
    assert broken(problem, assigned(), assigned(expert=1, seat=1)) == {"forbids_kept"}


@pytest.mark.parametrize(("spacing_days", "expected"), [(1, set()), (2, {"series_spaced"})])
def test_a_series_is_spaced(spacing_days: int, expected: set[str]) -> None:
    asks = [a_request(), a_request(windows=(window(1, 9, 12),))]
    problem = a_problem(requests=asks, series=(Series((0, 1), spacing_days, 7),))
    plan = (assigned(), assigned(1, start=DAY_MIN + AT_NINE))
    assert broken(problem, *plan) == expected
    assert check.values(problem, Plan(plan))[Stage.PREFERENCE] == 7


def test_standbys_are_wanted_willing_and_able() -> None:
    stands = {"standbys": (Standby(0, 1),)}
    problem = a_problem(
        experts=[an_expert(), an_expert(standby_max=1)], requests=[a_request(standbys=1)]
    )
    assert broken(problem, assigned(), **stands) == set()
    assert broken(problem, **stands) == {"standby_wanted"}
    assert broken(problem, assigned(expert=1), **stands) == {"standby_wanted"}
    unwilling = dataclasses.replace(problem, experts=(an_expert(), an_expert()))
    assert broken(unwilling, assigned(), **stands) == {"standby_consented"}
    for changes in ({"audiences": 0b10}, {"windows": ()}, {"limits": {"per_day_max": 0}}):
        unable = an_expert(standby_max=1, **changes)
        case = dataclasses.replace(problem, experts=(an_expert(), unable))
        assert broken(case, assigned(), **stands) == {"standby_able"}


def test_values_are_exact() -> None:
    problem = a_problem(
        requests=[a_request(emergency=1, naming=Naming.PREFERRED, named=0)],
        shares=(Share(0, 0, 300, 50),),
        promises=(Promise(0, 0, 0, AT_NINE, 5, 9),),
    )
    assert list(check.values(problem, Plan((assigned(),))).values()) == [
        100, 500, 102, 0, -2 * TRAVEL_MIN, 10, -1, 0,
    ]  # fmt: skip
    assert check.values(problem, Plan((assigned(start=600),)))[Stage.PROMISES] == -5
    assert list(check.values(problem, Plan(())).values()) == [0, 166, 0, -9, 0, 0, 0, 0]


@pytest.mark.parametrize(("audience", "floor"), [(0, 250), (1, 500), (-1, 750), (2, 0)])
def test_a_share_counts_its_group_or_all_of_its_district(audience: int, floor: int) -> None:
    asks = [
        a_request(weight=100),
        a_request(weight=200, audience=1),
        a_request(weight=50, district=1, audience=2),
    ]
    problem = a_problem(requests=asks, shares=(Share(0, audience, 400, 0),))
    plan = Plan(tuple(assigned(request=index) for index in range(3)))
    assert check.values(problem, plan)[Stage.FLOOR] == floor


def test_every_statement_of_a_rule_is_among_the_rules() -> None:
    """Or the referee would not ask it."""
    stated = {
        name
        for name, one in vars(check).items()
        if getattr(one, "__annotations__", {}).get("return") == Iterator[check.Violation]
    }
    assert stated - {"references"} == {rule.__name__ for rule in check.RULES}


def test_every_rule_is_named_by_a_test() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    assert [rule.__name__ for rule in check.RULES if f'"{rule.__name__}"' not in source] == []
