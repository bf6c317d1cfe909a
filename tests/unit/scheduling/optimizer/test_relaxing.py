"""A repair is done for real, is the first that works, leaves the next one alone, and is checked by as much as it could break."""

import dataclasses
import random
from collections.abc import Callable, Iterator

import pytest

from services.scheduling.optimizer.baseline import first_come
from services.scheduling.optimizer.check import need_value, values, violations
from services.scheduling.optimizer.nearby import Nearby, with_standbys
from services.scheduling.optimizer.problem import (
    DAY_MIN,
    Agreement,
    Assignment,
    Budget,
    Cap,
    Mode,
    Naming,
    NightAway,
    Plan,
    Problem,
    Request,
    Standby,
)
from services.scheduling.optimizer.rechecking import Recheck
from services.scheduling.optimizer.relaxing import Repair, Repaired, Repairs
from services.scheduling.optimizer.stop import Stop
from tests.support.rounds import (
    AT_NINE,
    a_pool,
    a_problem,
    a_request,
    a_seat,
    an_expert,
    apart,
    assigned,
    generous_problem,
    random_problem,
    window,
)


def rounds(seeds: range) -> Iterator[tuple[Problem, Plan]]:
    """Small rounds of every kind, with a sound plan; pins are not kept by first come, first served."""
    for seed in seeds:
        crowded = random_problem(seed, experts=5, requests=10, days=4, step_min=(60, 30)[seed % 2])
        for drawn in (crowded, generous_problem(seed, experts=4, requests=8)):
            problem = dataclasses.replace(drawn, pins=())
            yield problem, first_come(problem, range(len(problem.requests)))


def unserved(problem: Problem, plan: Plan) -> list[int]:
    served = {a.request for a in plan.assignments}
    return [index for index in range(len(problem.requests)) if index not in served]


def sought(repairs: Repairs, request: int) -> Repaired | None:
    return repairs.done(request, seed=1, stop=Stop(iterations=99))


# The referee's look at a part


def shaken(problem: Problem, plan: Plan, dice: random.Random) -> Plan:
    """The plan with one team taken out, moved, or thrown together, often against the rules."""
    request = dice.randrange(len(problem.requests))
    asks = problem.requests[request]
    rest = [one for one in plan.assignments if one.request != request]
    team = []
    if dice.random() < 0.9:
        start = dice.choice(asks.windows).start + problem.start_step_min * dice.randrange(-1, 4)
        start = min(max(start, 0), problem.days * DAY_MIN - 1)
        for seat in range(len(asks.seats)):
            if dice.random() < 0.9:
                who = dice.randrange(len(problem.experts))
                team.append(Assignment(request, seat, who, start, remote=dice.random() < 0.2))
    moved = dataclasses.replace(plan, assignments=tuple(sorted([*rest, *team])))
    if team and dice.random() < 0.4:
        night = NightAway(team[0].expert, team[0].start // DAY_MIN)
        moved = dataclasses.replace(moved, nights=tuple(sorted({*plan.nights, night})))
    return moved


def test_a_part_shows_everything_that_a_change_breaks_and_nothing_else() -> None:
    dice = random.Random(5)
    broken, standing_by = 0, 0
    for problem, bare in rounds(range(100)):
        plan = bare
        for request in sorted({a.request for a in bare.assignments}):
            for expert in range(len(problem.experts)):
                more = with_standbys(problem, plan, {*plan.standbys, Standby(request, expert)})
                plan = max(plan, more, key=lambda one: len(one.standbys))
        sound = Recheck(problem, plan)
        for _ in range(20):
            after = shaken(problem, plan, dice)
            whole = violations(problem, after)
            assert sorted(map(repr, sound.broken_by(problem, after))) == sorted(map(repr, whole))
            assert sound.values(problem, after) == values(problem, after)
            broken += bool(whole)
            standing_by += any(one.rule.startswith("standby") for one in whole)
    assert 1_000 < broken < 4_000
    assert standing_by > 30


# Repairs


@pytest.mark.parametrize("seats", [2, 3])
def test_who_is_in_the_team_already_is_counted_once_when_others_give_way(seats: int) -> None:
    """Quota and budget are just enough for the team: the draft counts those who have been put in."""
    people = [an_expert(cost=100)] * seats
    lent = a_pool(agreements=(Agreement(5, seats, 7),))
    asks = [a_request(node=5, seats=(a_seat(),) * seats), a_request(weight=1)]
    problem = a_problem(
        experts=people,
        requests=asks,
        pools=(lent,),
        caps=(Cap(frozenset({0, 1}), 1),),
        budgets=(Budget(frozenset({0}), seats * 100),),
    )
    plan = Plan((assigned(1),))
    done = sought(Repairs(problem, plan), 0)
    assert done is not None
    assert (done.repair.code, done.repair.requests) == ("DISPLACE", (1,))
    nearby = Nearby(problem)
    forced = nearby.forced(nearby.draft(plan), 0, AT_NINE, spared=())
    assert forced is not None
    assert len(forced.teams[0]) == seats


def test_what_is_done_is_sound_and_says_what_it_costs() -> None:
    codes: dict[str, int] = {}
    for problem, plan in rounds(range(60)):
        repairs = Repairs(problem, plan)
        for request in unserved(problem, plan):
            done = sought(repairs, request)
            if done is None:
                continue
            repair, after = done.repair, done.plan
            codes[repair.code] = codes.get(repair.code, 0) + 1
            assert violations(done.problem, after) == []
            team = [a for a in after.assignments if a.request == request]
            others = Plan(tuple(a for a in after.assignments if a.request != request))
            assert {a.start for a in team} == {repair.start}
            known = [a.expert for a in team if a.expert < len(problem.experts)]
            assert repair.experts == tuple(known)
            assert repair.price == need_value(problem, plan) - need_value(problem, others)
            gone = {a.request for a in plan.assignments} - {a.request for a in after.assignments}
            assert repair.requests == tuple(sorted(gone))
    assert len(codes) == 7


def test_one_repair_leaves_nothing_for_the_next() -> None:
    for problem, plan in rounds(range(15)):
        asked = unserved(problem, plan)
        together = Repairs(problem, plan)
        forth = {request: sought(together, request) for request in asked}
        assert {request: sought(together, request) for request in reversed(asked)} == forth
        assert {request: sought(Repairs(problem, plan), request) for request in asked} == forth


def with_request(problem: Problem, index: int, request: Request) -> Problem:
    asks = list(problem.requests)
    asks[index] = request
    return dataclasses.replace(problem, requests=tuple(asks))


def fewer(request: Request) -> Iterator[Request]:
    for seat in range(len(request.seats) - 1, 0, -1):
        if request.seats[seat].required:
            yield with_seat(request, seat, required=False)


def lower(request: Request) -> Iterator[Request]:
    for seat, one in enumerate(request.seats):
        if one.required and one.proficiency_min:
            yield with_seat(request, seat, proficiency_min=one.proficiency_min - 1)


def with_seat(request: Request, seat: int, **changes: object) -> Request:
    seats = list(request.seats)
    seats[seat] = dataclasses.replace(seats[seat], **changes)  # type: ignore[arg-type]
    return dataclasses.replace(request, seats=tuple(seats))


def remote(request: Request) -> Iterator[Request]:
    if any(one.mode is Mode.ON_SITE for one in request.seats):
        seats = tuple(
            dataclasses.replace(one, mode=Mode.EITHER) if one.mode is Mode.ON_SITE else one
            for one in request.seats
        )
        yield dataclasses.replace(request, seats=seats)


def released(request: Request) -> Iterator[Request]:
    if request.naming is Naming.ONLY:
        yield dataclasses.replace(request, naming=Naming.NONE, named=-1)


CHANGES: list[tuple[str, Callable[[Request], Iterator[Request]]]] = [
    ("DISPLACE", lambda request: iter([request])),
    ("ACCEPT_REMOTE", remote),
    ("FEWER_SEATS", fewer),
    ("LOWER_PROFICIENCY", lower),
    ("RELEASE_NAMED", released),
]
"""What is asked for instead, where the time stays as it is, in the order of the codes."""


def test_the_change_that_is_proposed_is_the_first_that_works() -> None:
    """By the insertion that explanations and repairs of a plan have of their own (`nearby.py`)."""
    looked = 0
    for seed in range(80):
        drawn = generous_problem(seed, experts=3, requests=8)
        home = tuple(  # on tour more people are looked at here than there
            dataclasses.replace(one, limits=dataclasses.replace(one.limits, nights_max=0))
            for one in drawn.experts
        )
        problem = dataclasses.replace(drawn, experts=home)
        plan = first_come(problem, range(8))
        repairs = Repairs(problem, plan)
        for request in unserved(problem, plan):
            first = None
            for code, changes in CHANGES:
                for changed in changes(problem.requests[request]):
                    nearby = Nearby(with_request(problem, request, changed))
                    if first is None and nearby.insert(nearby.draft(plan), request):
                        first = code
            found = repairs.cheapest(request, seed=1, stop=Stop(iterations=99))
            if found is not None and found.code == "OTHER_WINDOW" and not found.requests:
                assert first != "DISPLACE"
            elif first is not None:
                assert found is not None
                assert (found.code, found.price, found.requests) == (first, 0, ())
                looked += 1
    assert looked > 20


def test_who_has_to_go_is_the_least_needed_and_looks_for_another_place() -> None:
    once = an_expert(limits={"per_day_max": 1}, windows=(window(0), window(1)))
    asks = [
        a_request(weight=9),
        a_request(weight=5, windows=(window(1, 9, 12),)),
        a_request(weight=50, windows=(window(0, 9, 12), window(1, 9, 12))),
    ]
    plan = Plan((assigned(), assigned(1, start=DAY_MIN + 540)))
    cap = Cap(frozenset({0, 1, 2}), 2)
    problem = a_problem(experts=[once], requests=asks, days=2, caps=(cap,))
    found = Repairs(problem, plan).cheapest(2, seed=1, stop=Stop(iterations=999))
    assert found == Repair("DISPLACE", 7, DAY_MIN + 540, (0,), requests=(1,))


def test_who_would_stay_overnight_is_said() -> None:
    """Another day is of use only with the night between the visit that is planned and the new one, 150 minutes from home."""
    away = an_expert(
        limits={"travel_min_per_day_max": 200, "nights_max": 2},
        windows=tuple(window(day) for day in range(3)),
    )
    asks = [
        a_request(windows=(window(0, 14, 17),)),
        a_request(windows=(window(1, 9, 12),)),
        a_request(windows=(window(0, 6, 7),)),
    ]
    problem = a_problem(experts=[away], requests=asks, travel_min=apart(150), days=3)
    plan = Plan(
        (assigned(start=14 * 60), assigned(1, start=DAY_MIN + 540)), nights=(NightAway(0, 0),)
    )
    found = Repairs(problem, plan).cheapest(2, seed=1, stop=Stop(iterations=99))
    assert found is not None
    assert (found.code, found.overnight) == ("OTHER_WINDOW", ())
    later = dataclasses.replace(
        problem, requests=(*asks[:2], a_request(windows=(window(2, 6, 7),)))
    )
    full = dataclasses.replace(away, limits=dataclasses.replace(away.limits, per_day_max=1))
    later = dataclasses.replace(later, experts=(full,))
    found = Repairs(later, plan).cheapest(2, seed=1, stop=Stop(iterations=99))
    assert found is not None
    assert found.start is not None
    assert (found.code, found.start // DAY_MIN, found.overnight) == ("OTHER_WINDOW", 2, (0,))


def test_a_cap_and_a_lack_are_mended_together() -> None:
    asks = [
        a_request(weight=9),
        a_request(weight=50, seats=(a_seat(proficiency_min=2),), windows=(window(0, 14, 17),)),
    ]
    capped = a_problem(requests=asks, caps=(Cap(frozenset({0, 1}), 1),))
    found = Repairs(capped, Plan((assigned(),))).cheapest(1, seed=1, stop=Stop(iterations=9))
    assert found is not None
    assert (found.code, found.price, found.requests) == ("LOWER_PROFICIENCY", 11, (0,))


def test_pinned_and_more_urgent_requests_do_not_give_way() -> None:
    busy = an_expert(windows=(window(0, 8, 11),))
    asks = [a_request(emergency=1), a_request(windows=(window(0, 9, 12),), weight=999)]
    problem = a_problem(experts=[busy], requests=asks, days=1)
    found = Repairs(problem, Plan((assigned(),))).cheapest(1, seed=1, stop=Stop(iterations=9))
    assert found is None or 0 not in found.requests


def test_a_served_request_has_no_repair() -> None:
    with pytest.raises(ValueError, match="serves request 0"):
        Repairs(a_problem(), Plan((assigned(),))).cheapest(0, seed=1, stop=Stop(iterations=9))
