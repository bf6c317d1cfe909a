"""Realistic rounds of any size from the real geography, seeded: what the benchmarks of our own rounds are run on.

Venues lie near towns, more of them where more people live; homes near district seats, most in the centre. Travel minutes
are the offline model of `libs.geo.travel`. Four weeks from a Monday; everybody and everything is synthetic (示例).
"""

import random
from collections import Counter
from collections.abc import Sequence
from datetime import date

from libs.geo.nodes import Kind, Node, chongqing
from libs.geo.points import Point
from libs.geo.travel import ModelledTravel, Place
from services.scheduling.optimizer.problem import (
    DAY_MIN,
    Agreement,
    Approval,
    Cap,
    Expert,
    Limits,
    Mode,
    Naming,
    Policy,
    Pool,
    Problem,
    Request,
    Role,
    Seat,
    Series,
    Share,
    Window,
)

DAYS = 28
TOPICS = 12
AUDIENCES = 5
FORMS = 4
LEVELS = 3
ON = date(2026, 3, 2)
"""The Monday whose node tree is used."""

VENUES_MAX = 1_200
HOMES_MAX = 600
"""More requests and experts than this share places, so that the travel table stays in memory."""

_MORNING = (8 * 60 + 30, 12 * 60)
_AFTERNOON = (14 * 60, 17 * 60 + 30)


def round_problem(
    requests: int, experts: int, seed: int, *, teams: bool = True, nights: bool = True
) -> Problem:
    """A round of that size; the same for the same arguments.

    With `teams` about 15 % of the requests want two or three people; with `nights` a fifth of the experts would tour.
    """
    dice = random.Random(f"round/{requests}/{experts}/{seed}/{teams}/{nights}")
    tree = chongqing()
    districts = [node for node in tree.districts(on=ON) if node.point is not None]
    venue_places, venue_districts = _venues(dice, districts, min(requests, VENUES_MAX))
    home_places, home_districts = _homes(dice, districts, min(experts, HOMES_MAX))
    pools = _pools(dice, len(districts))
    people = tuple(
        _expert(dice, home, home_districts[home], nights=nights)
        for home in (index % len(home_places) for index in range(experts))
    )
    asks = tuple(
        _request(
            dice,
            place=len(home_places) + venue,
            district=venue_districts[venue],
            experts=experts,
            teams=teams,
        )
        for venue in (index % len(venue_places) for index in range(requests))
    )
    return Problem(
        days=DAYS,
        first_weekday=0,
        start_step_min=30,
        travel_min=_travel(home_places + venue_places),
        topics=TOPICS,
        districts=len(districts),
        nodes=len(districts),
        pools=pools,
        experts=people,
        requests=asks,
        pins=(),
        forbids=(),
        promises=(),
        caps=_caps(asks),
        budgets=(),
        series=_series(dice, asks),
        shares=_shares(dice, asks),
        policy=Policy(name="even service", version=1),
    )


def _near(dice: random.Random, point: Point, spread_deg: float) -> Point:
    return Point(
        lat=round(point.lat + dice.uniform(-spread_deg, spread_deg), 5),
        lon=round(point.lon + dice.uniform(-spread_deg, spread_deg), 5),
    )


def _venues(
    dice: random.Random, districts: Sequence[Node], count: int
) -> tuple[list[Place], list[int]]:
    tree = chongqing()
    towns = [
        (town, index)
        for index, district in enumerate(districts)
        for town in tree.children(district.code, on=ON, kind=Kind.TOWN)
        if town.point is not None
    ]
    per_district = Counter(index for _, index in towns)
    weights = [(districts[index].population or 300_000) / per_district[index] for _, index in towns]
    places, where = [], []
    for town, index in dice.choices(towns, weights=weights, k=count):
        assert town.point is not None
        places.append(Place(_near(dice, town.point, 0.03), mountain=town.mountain))
        where.append(index)
    return places, where


def _homes(
    dice: random.Random, districts: Sequence[Node], count: int
) -> tuple[list[Place], list[int]]:
    """Half of the experts live where the universities are, the others where people are."""
    centre = [i for i, node in enumerate(districts) if (node.population or 0) > 1_000_000]
    places, where = [], []
    for _ in range(count):
        index = dice.choice(centre) if dice.random() < 0.5 else dice.randrange(len(districts))
        node = districts[index]
        assert node.point is not None
        places.append(Place(_near(dice, node.point, 0.08), mountain=node.mountain))
        where.append(index)
    return places, where


def _travel(places: Sequence[Place]) -> tuple[tuple[int, ...], ...]:
    minutes = ModelledTravel().minutes(places)
    # One object per number: millions of equal integers would cost more than the whole search.
    numbers = list(range(int(minutes.max()) + 1))
    return tuple(tuple(numbers[m] for m in row) for row in minutes.tolist())


def _pools(dice: random.Random, districts: int) -> tuple[Pool, ...]:
    """Two corps of the city, and four societies of a part of it that others may borrow from."""
    everywhere = frozenset(range(districts))
    city = [Pool(0, DAYS, everywhere, ()), Pool(0, DAYS, everywhere, ())]
    societies = []
    for part in range(4):
        home = frozenset(d for d in range(districts) if d % 4 == part)
        guests = dice.sample(sorted(everywhere - home), k=min(12, len(everywhere - home)))
        agreements = tuple(
            Agreement(node=node, quota=dice.randrange(2, 8), until_day=dice.choice((14, DAYS)))
            for node in sorted(guests)
        )
        societies.append(Pool(0, DAYS, home, agreements))
    return (*city, *societies)


def _expert(dice: random.Random, home: int, district: int, *, nights: bool) -> Expert:
    role = dice.choices(tuple(Role), weights=(5, 60, 35))[0]
    known = dice.sample(range(TOPICS), k=dice.choice((2, 3, 3, 4)))
    skills = tuple(dice.randrange(1, 4) if topic in known else 0 for topic in range(TOPICS))
    windows = []
    for day in range(DAYS):
        share = 0.15 if day % 7 >= 5 else 0.45
        free = [half for half in (_MORNING, _AFTERNOON) if dice.random() < share]
        if len(free) == 2 and dice.random() < 0.7:
            free = [(_MORNING[0], _AFTERNOON[1])]
        for start, end in free:
            # Door to door: an hour before the first bell, an hour and a half after the last.
            opens, closes = max(start - 90, 0), end + 90
            if windows and windows[-1].end > day * DAY_MIN + opens:
                opens = windows[-1].end - day * DAY_MIN
            windows.append(Window(day * DAY_MIN + opens, day * DAY_MIN + closes))
    old = role is Role.ACADEMICIAN
    return Expert(
        home=home,
        role=role,
        pool=dice.choice((0, 0, 1, 2 + district % 4)),
        skills=skills,
        audiences=sum(1 << a for a in range(AUDIENCES) if dice.random() < 0.75) or 1,
        forms=sum(1 << f for f in range(FORMS) if dice.random() < 0.8) or 1,
        levels=sum(1 << level for level in range(LEVELS) if dice.random() < 0.8) or 0b111,
        approvals=tuple(
            Approval(topic, 0b11111, DAYS if dice.random() < 0.9 else 14)
            for topic in sorted(known)
            if dice.random() < 0.9
        ),
        windows=tuple(windows),
        limits=Limits(
            per_day_max=1 if old else dice.choice((2, 2, 3)),
            per_week_max=1 if old else dice.choice((2, 3, 3, 4)),
            per_round_max=2 if old else dice.choice((3, 4, 5, 6)),
            travel_min_per_day_max=150 if old else dice.choice((180, 240, 300)),
            nights_max=2 if nights and not old and dice.random() < 0.2 else 0,
            rest_days_per_week=3 if old else 2,
            earliest=8 * 60 if old else 6 * 60,
            latest=18 * 60 if old else 20 * 60,
        ),
        clearance_until_day=DAYS if dice.random() < 0.85 else 0,
        engaged_before=tuple(int(dice.random() < 0.1) for _ in range(DAYS // 7)),
        standby_max=int(dice.random() < 0.3),
        cost=dice.choice((0, 200, 300, 500)),
    )


def _request(
    dice: random.Random, *, place: int, district: int, experts: int, teams: bool
) -> Request:
    audience = dice.choices(range(AUDIENCES), weights=(40, 20, 12, 18, 10))[0]
    halves = []
    for day in sorted(dice.sample(range(DAYS), k=dice.randrange(3, 7))):
        start, end = dice.choice((_MORNING, _AFTERNOON))
        halves.append(Window(day * DAY_MIN + start, day * DAY_MIN + end))
    lead = Seat(
        roles=0b011 if dice.random() < 0.9 else 0b001,
        proficiency_min=dice.choice((1, 1, 2, 3)),
        required=True,
        mode=dice.choices((Mode.ON_SITE, Mode.EITHER, Mode.REMOTE), weights=(88, 9, 3))[0],
        approved_talk=dice.random() < 0.6,
    )
    helper = Seat(
        roles=0b110, proficiency_min=0, required=True, mode=Mode.ON_SITE, approved_talk=False
    )
    welcome = Seat(
        roles=0b110,
        proficiency_min=0,
        required=False,
        mode=Mode.ON_SITE,
        approved_talk=False,
        value=15,
    )
    seats = [lead]
    if teams and dice.random() < 0.15:
        seats += dice.choice(([helper], [helper], [helper, helper], [helper, welcome]))
    naming = dice.choices((Naming.NONE, Naming.PREFERRED, Naming.ONLY), weights=(94, 5, 1))[0]
    return Request(
        place=place,
        node=district,
        district=district,
        audience=audience,
        form=dice.choices(range(FORMS), weights=(55, 15, 15, 15))[0],
        level=dice.randrange(LEVELS),
        topic=dice.randrange(TOPICS),
        minors=audience == 0 and dice.random() < 0.8,
        weight=dice.randrange(60, 240),
        emergency=int(dice.random() < 0.005),
        duration_min=dice.choice((60, 90, 90, 120)),
        ready_at=dice.choice((0, 0, 0, 3 * DAY_MIN)),
        windows=tuple(halves),
        seats=tuple(seats),
        naming=naming,
        named=-1 if naming is Naming.NONE else dice.randrange(experts),
        standbys=int(dice.random() < 0.05),
    )


def _caps(asks: Sequence[Request]) -> tuple[Cap, ...]:
    """Two events of a round at most at any one venue."""
    at: dict[int, list[int]] = {}
    for index, ask in enumerate(asks):
        at.setdefault(ask.place, []).append(index)
    return tuple(Cap(frozenset(members), 2) for members in at.values() if len(members) > 2)


def _series(dice: random.Random, asks: Sequence[Request]) -> tuple[Series, ...]:
    """Now and then two or three requests in a row are one rule: a week apart, the same lead if possible."""
    found, index = [], 0
    while index + 3 <= len(asks):
        if dice.random() < 0.02:
            length = dice.choice((2, 3))
            found.append(Series(tuple(range(index, index + length)), 7, 20))
            index += length
        else:
            index += 1
    return tuple(found)


def _shares(dice: random.Random, asks: Sequence[Request]) -> tuple[Share, ...]:
    """Every district that asks for something; the target is what it asks for, part of it carried."""
    asked: Counter[int] = Counter()
    for ask in asks:
        asked[ask.district] += ask.weight
    return tuple(
        Share(district, audience=-1, target=total, carried=dice.randrange(total // 4 + 1))
        for district, total in sorted(asked.items())
    )
