"""Small rounds for tests: builders with one obvious default per field, and seeded random problems with every feature.

A built problem has one place per venue plus a home (place 0), `TRAVEL_MIN` minutes apart, so that a test that speaks of
travel can say its edges in numbers.
"""

import dataclasses
import random
from collections.abc import Sequence
from typing import Any

from services.scheduling.optimizer.problem import (
    DAY_MIN,
    Agreement,
    Approval,
    Assignment,
    Budget,
    Cap,
    Expert,
    Forbid,
    Limits,
    Mode,
    Naming,
    Pin,
    Policy,
    Pool,
    Problem,
    Promise,
    Request,
    Role,
    Seat,
    Series,
    Share,
    Window,
)

TRAVEL_MIN = 30
"""Minutes between any two different places of a built problem."""

ALL = 0b11111
"""A bit mask with every audience, form or level of tests."""

AT_NINE = 9 * 60


def window(day: int = 0, start_hour: float = 8, end_hour: float = 18) -> Window:
    """A window inside one day, hours of the day."""
    return Window(int(day * DAY_MIN + start_hour * 60), int(day * DAY_MIN + end_hour * 60))


def some_limits(**changes: Any) -> Limits:
    """Limits that bind nobody in a small test."""
    free = Limits(
        per_day_max=9,
        per_week_max=99,
        per_round_max=99,
        travel_min_per_day_max=24 * 60,
        nights_max=9,
        rest_days_per_week=0,
        earliest=0,
        latest=DAY_MIN,
    )
    return dataclasses.replace(free, **changes)


def a_seat(**changes: Any) -> Seat:
    """A required seat on site for anybody."""
    seat = Seat(
        roles=0b111,
        proficiency_min=0,
        required=True,
        mode=Mode.ON_SITE,
        approved_talk=False,
        value=0,
    )
    return dataclasses.replace(seat, **changes)


def an_expert(**changes: Any) -> Expert:
    """A lecturer at home in place 0 who may do everything on days 0 to 6, from 8 to 18 o'clock."""
    limits = changes.pop("limits", None)
    expert = Expert(
        home=0,
        role=Role.LECTURER,
        pool=0,
        skills=(1,),
        audiences=ALL,
        forms=ALL,
        levels=ALL,
        approvals=(),
        windows=tuple(window(day) for day in range(7)),
        limits=some_limits(**limits) if isinstance(limits, dict) else limits or some_limits(),
        clearance_until_day=99,
        engaged_before=(0, 0),
        standby_max=0,
        cost=0,
        engaged_before_round=0,
    )
    return dataclasses.replace(expert, **changes)


def a_request(**changes: Any) -> Request:
    """An hour at place 1 for one person, between 9 and 12 o'clock of day 0."""
    request = Request(
        place=1,
        node=0,
        district=0,
        audience=0,
        form=0,
        level=0,
        topic=0,
        minors=False,
        weight=100,
        emergency=0,
        duration_min=60,
        ready_at=0,
        windows=(window(0, 9, 12),),
        seats=(a_seat(),),
        naming=Naming.NONE,
        named=-1,
        standbys=0,
    )
    return dataclasses.replace(request, **changes)


def a_pool(**changes: Any) -> Pool:
    """A pool that nodes 0 to 3 use freely, in term for longer than any test."""
    pool = Pool(from_day=0, until_day=99, home_nodes=frozenset(range(4)), agreements=())
    return dataclasses.replace(pool, **changes)


def apart(minutes: int) -> tuple[tuple[int, ...], ...]:
    """Four places, each so far from all others."""
    return tuple(tuple(0 if a == b else minutes for b in range(4)) for a in range(4))


def a_problem(
    *, experts: Sequence[Expert] = (), requests: Sequence[Request] = (), **changes: Any
) -> Problem:
    """A week from Monday with four places, `TRAVEL_MIN` apart, and a start every minute."""
    problem = Problem(
        days=7,
        first_weekday=0,
        start_step_min=1,
        travel_min=apart(TRAVEL_MIN),
        topics=1,
        districts=2,
        nodes=6,
        pools=(a_pool(),),
        experts=tuple(experts) or (an_expert(),),
        requests=tuple(requests) or (a_request(),),
        pins=(),
        forbids=(),
        promises=(),
        caps=(),
        budgets=(),
        series=(),
        shares=(),
        policy=Policy(name="test", version=1),
    )
    return dataclasses.replace(problem, **changes)


def assigned(
    request: int = 0, expert: int = 0, start: int = AT_NINE, seat: int = 0, *, remote: bool = False
) -> Assignment:
    return Assignment(request=request, seat=seat, expert=expert, start=start, remote=remote)


def random_problem(
    seed: int,
    experts: int = 3,
    requests: int = 3,
    *,
    days: int = 2,
    step_min: int = 60,
    places: int = 4,
    extras: bool = True,
) -> Problem:
    """A problem on a coarse grid with every feature now and then; the same for the same arguments.

    With `extras`, pins, forbids, promises, caps, budgets, series, quotas, standbys and emergencies too. Pins may make it
    infeasible: whoever needs a feasible one asks brute force, or drops `pins`.
    """
    dice = random.Random(f"{seed}/{experts}/{requests}/{days}/{step_min}/{places}/{extras}")
    weeks = 2
    topics = 2

    def chance(percent: int) -> bool:
        return dice.randrange(100) < percent

    def mask(width: int, percent: int = 75) -> int:
        return sum(1 << bit for bit in range(width) if chance(percent)) or 1 << dice.randrange(
            width
        )

    travel = tuple(
        tuple(0 if a == b else dice.choice((10, 30, 30, 45, 60, 90)) for b in range(places))
        for a in range(places)
    )
    pools = tuple(
        Pool(
            from_day=0 if chance(80) else dice.randrange(days),
            until_day=days if chance(80) else 1 + dice.randrange(days),
            home_nodes=frozenset(node for node in range(2) if chance(70)),
            agreements=tuple(
                Agreement(node=node, quota=dice.randrange(1, 4), until_day=1 + dice.randrange(days))
                for node in range(2)
                if chance(50)
            ),
        )
        for _ in range(2)
    )
    people = tuple(
        _random_expert(dice, days=days, weeks=weeks, topics=topics, places=places, extras=extras)
        for _ in range(experts)
    )
    asks = []
    for _ in range(requests):
        seat_count = dice.choice((1, 1, 1, 2, 2, 3)) if experts > 1 else 1
        seats = tuple(
            Seat(
                roles=mask(3, 80),
                proficiency_min=dice.choice((0, 0, 1, 2)),
                required=seat == 0 or chance(60),
                mode=dice.choice((Mode.ON_SITE, Mode.ON_SITE, Mode.EITHER, Mode.REMOTE)),
                approved_talk=seat == 0 and chance(25),
                value=dice.choice((0, 5, 20)) if seat else 0,
            )
            for seat in range(seat_count)
        )
        windows = []
        for day in sorted(dice.sample(range(days), k=min(days, dice.choice((1, 1, 2))))):
            from_hour = dice.choice((8, 9, 13, 14))
            windows.append(window(day, from_hour, from_hour + dice.choice((2, 3))))
        naming = dice.choice((Naming.NONE, Naming.NONE, Naming.PREFERRED, Naming.ONLY))
        asks.append(
            Request(
                place=dice.randrange(places),
                node=dice.randrange(2),
                district=dice.randrange(2),
                audience=dice.randrange(2),
                form=dice.randrange(2),
                level=dice.randrange(2),
                topic=dice.randrange(topics),
                minors=chance(30),
                weight=dice.randrange(10, 200),
                emergency=1 if extras and chance(12) else 0,
                duration_min=dice.choice((60, 60, 90)),
                ready_at=0 if chance(80) else dice.randrange(days * DAY_MIN),
                windows=tuple(windows),
                seats=seats,
                naming=naming,
                named=-1 if naming is Naming.NONE else dice.randrange(experts),
                standbys=1 if extras and chance(25) else 0,
            )
        )
    problem = Problem(
        days=days,
        first_weekday=dice.randrange(7),
        start_step_min=step_min,
        travel_min=travel,
        topics=topics,
        districts=2,
        nodes=2,
        pools=pools,
        experts=people,
        requests=tuple(asks),
        pins=(),
        forbids=(),
        promises=(),
        caps=(),
        budgets=(),
        series=(),
        shares=tuple(
            Share(
                district=d, audience=a, target=dice.randrange(50, 300), carried=dice.randrange(60)
            )
            for d in range(2)
            for a in ((0, 1), (-1, 0))[d]
            if chance(60)
        ),
        policy=Policy(
            name="test",
            version=1,
            fit_proficiency=dice.choice((0, 2, 5)),
            night_as_travel_min=dice.choice((30, 240)),
        ),
    )
    return _with_decisions(problem, dice) if extras else problem


def generous_problem(seed: int, experts: int = 3, requests: int = 4) -> Problem:
    """A random problem without pins in which most people may do most things, so that much can be served and people,
    starts and limits are what is fought over.
    """
    problem = random_problem(seed, experts=experts, requests=requests)
    dice = random.Random(f"generous/{seed}")
    people = tuple(
        dataclasses.replace(
            one,
            audiences=0b11,
            forms=0b11,
            levels=0b11,
            clearance_until_day=problem.days,
            skills=tuple(max(1, skill) for skill in one.skills),
        )
        for one in problem.experts
    )
    pools = tuple(
        dataclasses.replace(
            one, from_day=0, until_day=problem.days, home_nodes=frozenset(range(problem.nodes))
        )
        if dice.randrange(100) < 70
        else one
        for one in problem.pools
    )
    asks = tuple(
        dataclasses.replace(
            one,
            ready_at=0,
            seats=tuple(
                dataclasses.replace(
                    seat,
                    roles=0b111 if dice.randrange(100) < 70 else seat.roles,
                    proficiency_min=min(1, seat.proficiency_min),
                )
                for seat in one.seats[:2]
            ),
        )
        for one in problem.requests
    )
    seats = {(index, seat) for index, one in enumerate(asks) for seat in range(len(one.seats))}
    return dataclasses.replace(
        problem,
        experts=people,
        pools=pools,
        requests=asks,
        pins=(),
        promises=tuple(one for one in problem.promises if (one.request, one.seat) in seats),
    )


def far_problem(seed: int, *, experts: int = 2, requests: int = 3) -> Problem:
    """Places that nobody reaches in a day, some near each other, with requests on several days each: without a night in between nothing is
    served, and with nights hardly everything.
    """
    dice = random.Random(f"far/{seed}/{experts}/{requests}")
    days, places = 4, 4
    travel = tuple(
        tuple(
            0 if a == b else dice.choice((170, 190)) if 0 in (a, b) else dice.choice((15, 30, 120))
            for b in range(places)
        )
        for a in range(places)
    )
    people = tuple(
        an_expert(
            windows=tuple(window(day, 8, 18) for day in range(days)),
            limits={
                "nights_max": dice.choice((1, 2, 2, 3)),
                "travel_min_per_day_max": dice.choice((220, 300, 400)),
                "per_day_max": dice.choice((1, 2)),
                "per_round_max": dice.choice((2, 3, 9)),
            },
        )
        for _ in range(experts)
    )
    asks = tuple(
        a_request(
            place=dice.randrange(1, places),
            weight=dice.randrange(20, 200),
            windows=tuple(
                window(day, hour, hour + 2)
                for day in sorted(dice.sample(range(days), k=dice.choice((1, 2, 3))))
                for hour in (dice.choice((11, 15)),)
            ),
        )
        for _ in range(requests)
    )
    return a_problem(days=days, start_step_min=60, travel_min=travel, experts=people, requests=asks)


def _random_expert(
    dice: random.Random, *, days: int, weeks: int, topics: int, places: int, extras: bool
) -> Expert:
    def chance(percent: int) -> bool:
        return dice.randrange(100) < percent

    windows: list[Window] = []
    for day in range(days):
        windows += dice.choice(
            (
                [window(day, 8, 18)],
                [window(day, 8, 18)],
                [window(day, 8, 12), window(day, 13, 18)],
                [window(day, 13, 19)],
                [],
            )
        )
    return Expert(
        home=dice.randrange(places),
        role=dice.choice(tuple(Role)),
        pool=dice.randrange(2),
        skills=tuple(dice.randrange(4) for _ in range(topics)),
        audiences=dice.choice((0b01, 0b10, 0b11, 0b11, 0b11)),
        forms=dice.choice((0b01, 0b11, 0b11, 0b11)),
        levels=dice.choice((0b10, 0b11, 0b11, 0b11)),
        approvals=tuple(
            Approval(topic=t, audiences=dice.choice((1, 2, 3)), until_day=1 + dice.randrange(days))
            for t in range(topics)
            if chance(70)
        ),
        windows=tuple(windows),
        limits=Limits(
            per_day_max=dice.choice((1, 2, 2, 3)),
            per_week_max=dice.choice((1, 2, 3, 9)),
            per_round_max=dice.choice((1, 2, 3, 9)),
            travel_min_per_day_max=dice.choice((60, 90, 120, 240, 600)),
            nights_max=dice.choice((0, 0, 1, 2)),
            rest_days_per_week=dice.choice((0, 0, 0, 6)),
            earliest=dice.choice((0, 0, 9 * 60)),
            latest=dice.choice((DAY_MIN, DAY_MIN, 17 * 60)),
        ),
        clearance_until_day=dice.choice((0, days, days, 1)),
        engaged_before=tuple(dice.choice((0, 0, 0, 1)) for _ in range(weeks)),
        standby_max=dice.randrange(2) if extras else 0,
        cost=dice.choice((0, 100, 300)),
        engaged_before_round=dice.choice((0, 0, 0, 1)),
    )


def _with_decisions(problem: Problem, dice: random.Random) -> Problem:
    """`problem` with the parts that refer to its experts and requests, each present now and then."""

    def chance(percent: int) -> bool:
        return dice.randrange(100) < percent

    experts, requests = len(problem.experts), len(problem.requests)

    def some_start(request: int) -> int:
        """A start on the grid in one of the request's windows."""
        ask = problem.requests[request]
        offered = dice.choice(ask.windows)
        step = problem.start_step_min
        starts = range(-(-offered.start // step) * step, offered.end - ask.duration_min + 1, step)
        return dice.choice(starts) if starts else offered.start

    pins = []
    if chance(15):
        request = dice.randrange(requests)
        pins.append(
            Pin(
                request=request,
                seat=0,
                expert=dice.randrange(experts),
                start=some_start(request) if chance(50) else -1,
            )
        )
    forbids = []
    if chance(25):
        forbids.append(Forbid(expert=dice.randrange(experts), request=dice.randrange(requests)))
    if chance(25) and experts > 1:
        first, second = dice.sample(range(experts), k=2)
        forbids.append(
            Forbid(expert=first, request=dice.choice((-1, dice.randrange(requests))), other=second)
        )
    if chance(5):
        forbids.append(Forbid(expert=dice.randrange(experts)))
    promises = []
    if chance(40):
        request = dice.randrange(requests)
        promises.append(
            Promise(
                request=request,
                seat=dice.randrange(len(problem.requests[request].seats)),
                expert=dice.randrange(experts),
                start=some_start(request),
                cost_change=dice.choice((1, 10)),
                cost_drop=dice.choice((10, 30)),
            )
        )
    groups = [
        frozenset(dice.sample(range(requests), k=dice.randrange(1, requests + 1))) for _ in range(2)
    ]
    series = []
    if chance(40) and requests > 1:
        members = dice.sample(range(requests), k=min(requests, dice.choice((2, 3))))
        series.append(Series(tuple(members), dice.choice((0, 1, 2)), dice.choice((0, 7))))
    return dataclasses.replace(
        problem,
        pins=tuple(pins),
        forbids=tuple(forbids),
        promises=tuple(promises),
        caps=(Cap(groups[0], dice.randrange(1, requests + 1)),) if chance(30) else (),
        budgets=(Budget(groups[1], dice.choice((100, 300, 600))),) if chance(30) else (),
        series=tuple(series),
    )
