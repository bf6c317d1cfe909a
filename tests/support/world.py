"""A small world for scheduling's tests: a city with two districts, three venues, and people near them. Everything 示例."""

import dataclasses
from datetime import date, datetime, timedelta
from typing import Any

from services.scheduling.domain import inputs
from services.scheduling.domain.inputs import (
    LOCAL,
    DatePeriod,
    Form,
    Group,
    Level,
    NodeKind,
    Period,
    Point,
    RequestState,
    ReviewKind,
    Role,
)
from services.scheduling.ports import Transaction

FIRST_DAY = date(2026, 12, 7)
"""A Monday."""
HORIZON = DatePeriod(FIRST_DAY, FIRST_DAY + timedelta(days=14))
CITY, NEAR, FAR = "nodes/city", "nodes/near", "nodes/far"
NEAR_POINT, FAR_POINT = Point(29.56, 106.55), Point(31.95, 108.66)
POOL = "pools/corps"


def at(day: int, hour: float) -> datetime:
    """The instant of a local hour of the horizon's day `day`."""
    midnight = datetime.combine(FIRST_DAY + timedelta(days=day), datetime.min.time(), LOCAL)
    return midnight + timedelta(hours=hour)


def period(day: int, start_hour: float, end_hour: float) -> Period:
    """Local hours of one day."""
    return Period(at(day, start_hour), at(day, end_hour))


def node(name: str, kind: NodeKind, *above: str, **changes: Any) -> inputs.Node:
    """A node under `above`, nearest first."""
    return dataclasses.replace(
        inputs.Node(name, kind, f"示例 {name}", path=(name, *above)), **changes
    )


def venue(name: str, district: str, point: Point, **changes: Any) -> inputs.Venue:
    """A hall in a district."""
    plain = inputs.Venue(
        name=name,
        display_name=f"示例 {name}",
        node=district,
        point=point,
        district=district,
        node_path=(district, CITY),
    )
    return dataclasses.replace(plain, **changes)


def talk(expert: str, topic: str, *, until: date = date(2028, 1, 1)) -> inputs.Talk:
    """A talk with both reviews, by two people."""
    reviews = tuple(
        inputs.Review(kind, f"reviewer-{kind.value}", True, tuple(Group), until)
        for kind in ReviewKind
    )
    return inputs.Talk(
        name=f"{expert}/talks/{topic}",
        title=f"示例讲座 {topic}",
        topic=topic,
        duration_min=60,
        audiences=tuple(Group),
        versions=(inputs.TalkVersion(1, reviews),),
    )


def expert(name: str, home: Point = NEAR_POINT, **changes: Any) -> inputs.Expert:
    """A lecturer who may do everything about `space`, on all days from 8 to 18."""
    plain = inputs.Expert(
        name=name,
        display_name=f"示例·{name.removeprefix('experts/')}",
        role=Role.LECTURER,
        home_node=NEAR,
        skills=(inputs.Skill("space", 3),),
        audiences=tuple(Group),
        forms=tuple(Form),
        levels=tuple(Level),
        limits=inputs.Limits(
            per_day=2,
            per_week=5,
            per_round=8,
            travel_min_per_day=600,
            nights_away=1,
            rest_days_per_week=2,
            earliest_min=6 * 60,
            latest_min=20 * 60,
        ),
        memberships=(inputs.Membership(POOL, DatePeriod(date(2026, 1, 1))),),
        home_area=home,
        clearances=(DatePeriod(date(2026, 1, 1), date(2027, 12, 31)),),
        state=inputs.ExpertState.ACTIVE,
        talks=(talk(name, "space"),),
        availability=tuple(period(day, 7, 19) for day in range(14)),
    )
    return dataclasses.replace(plain, **changes)


def request(name: str, at_venue: inputs.Venue, *windows: Period, **changes: Any) -> inputs.Request:
    """An endorsed request for an hour's lecture on `space` to young people."""
    plain = inputs.Request(
        name=name,
        venue=at_venue.name,
        title=f"示例 {name.removeprefix('requests/')}",
        group=Group.YOUTH,
        level=Level.JUNIOR,
        form=Form.LECTURE,
        topic="space",
        duration_min=60,
        windows=windows or (period(1, 9, 12),),
        seats=(inputs.Seat(roles=(Role.LECTURER,), topic="space", proficiency=2),),
        state=RequestState.ENDORSED,
        node=at_venue.node,
        district=at_venue.district,
        node_path=at_venue.node_path,
        create_time=at(-10, 9),
    )
    return dataclasses.replace(plain, **changes)


NEAR_HALL = venue("venues/near", NEAR, NEAR_POINT)
NEAR_SCHOOL = venue("venues/school", NEAR, Point(29.60, 106.50))
FAR_HALL = venue("venues/far", FAR, FAR_POINT)


async def settle(tx: Transaction, *things: inputs.Expert | inputs.Request) -> None:
    """The nodes, venues and the pool, with these experts and requests."""
    for one in (
        node(CITY, NodeKind.CITY),
        node(NEAR, NodeKind.DISTRICT, CITY),
        node(FAR, NodeKind.DISTRICT, CITY, mountain=True),
    ):
        await tx.world.keep_node(one, version=1)
    for hall in (NEAR_HALL, NEAR_SCHOOL, FAR_HALL):
        await tx.world.keep_venue(hall, version=1)
    await tx.world.keep_pool(inputs.Pool(POOL, "示例讲师团", CITY), version=1)
    for thing in things:
        if isinstance(thing, inputs.Expert):
            await tx.world.keep_expert(thing, version=1)
        else:
            await tx.world.keep_request(thing, version=1)
