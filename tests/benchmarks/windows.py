"""How long it takes to validate a request that is being written, and to rank its windows: services and database, no browser.

    PYTHONPATH=.:libs/genproto python -m tests.benchmarks.windows [3000x1000] [--answers 200] [--look 112] [--seed 1]

An events and a scheduling service over real channels and PostgreSQL, with so many requests waiting and experts in the read
model, two of three of them engaged now and then. Each answer is `CheckRequest` and `RankWindows` side by side, as the edge asks
them at every tap, of four windows and `--look` half-days beside; venues, topics and windows change. Client and both
servers share one process. `instant_answer.py` measures the same through the edge of a running stack.
"""

import argparse
import asyncio
import random
import statistics
import sys
import time
from collections.abc import Sequence
from datetime import UTC
from typing import Any

from zhihui.common.v1 import common_pb2 as common
from zhihui.events.v1 import events_pb2 as events
from zhihui.events.v1 import events_pb2_grpc as events_grpc
from zhihui.scheduling.v1 import scheduling_pb2 as scheduling
from zhihui.scheduling.v1 import scheduling_pb2_grpc as scheduling_grpc

from libs.auth.principal import Role
from libs.geo.topics import topics
from libs.postgres.pool import Pool
from services.scheduling.__main__ import FRESH_S
from services.scheduling.adapters.transaction import transaction
from services.scheduling.domain import inputs
from services.scheduling.domain.assignment import Assignment, State
from services.scheduling.domain.inputs import Period
from tests.benchmarks.spread import spread
from tests.support import world
from tests.support.clock import FixedClock
from tests.support.postgres import running_server, temporary_database
from tests.support.services import events_service, scheduling_service
from tests.support.serving import calling

LIMIT_MS = 50
DAYS = 56
HALF_DAYS = ((9, 12), (14, 17))
_Events: Any = events_grpc.EventsServiceStub
_Scheduling: Any = scheduling_grpc.SchedulingServiceStub


def people(dice: random.Random, count: int) -> Sequence[inputs.Expert]:
    """So many, each of three topics, at home somewhere in the city, free on every second half-day."""
    known = sorted(topics())
    found = []
    for index in range(count):
        name = f"experts/e{index}"
        mine = dice.sample(known, k=3)
        point = inputs.Point(29.2 + 0.8 * dice.random(), 106.1 + 0.9 * dice.random())
        found.append(
            world.expert(
                name,
                point,
                skills=tuple(inputs.Skill(topic, 3) for topic in mine),
                talks=tuple(world.talk(name, topic) for topic in mine),
                availability=tuple(
                    world.period(day, start - 1.5, end + 1.5)
                    for day in range(DAYS)
                    for start, end in HALF_DAYS
                    if dice.random() < 0.5
                ),
            )
        )
    return found


def engagements(dice: random.Random, experts: Sequence[inputs.Expert]) -> Sequence[Assignment]:
    """Two visits of two of three people, on different days."""
    return [
        Assignment(
            name=f"assignments/{one.name.removeprefix('experts/')}-{day}",
            round="rounds/before",
            request=f"requests/before-{one.name.removeprefix('experts/')}-{day}",
            event="events/before",
            expert=one.name,
            expert_display_name=one.display_name,
            seat=0,
            role=one.role,
            venue=world.NEAR_HALL.name,
            period=world.period(day, 9, 10),
            remote=False,
            state=State.CONFIRMED,
            title="示例",
            district=world.NEAR,
            pool=world.POOL,
            node_path=world.NEAR_HALL.node_path,
        )
        for one in experts
        if dice.random() < 2 / 3
        for day in dice.sample(range(DAYS), k=2)
    ]


async def fill(dice: random.Random, pool: Pool, requests: int, experts: int) -> None:
    """The read model of that size."""
    known = sorted(topics())
    everybody = people(dice, experts)
    waiting = [
        world.request(
            f"requests/r{index}",
            dice.choice((world.NEAR_HALL, world.NEAR_SCHOOL, world.FAR_HALL)),
            *(
                world.period(day, *dice.choice(HALF_DAYS))
                for day in sorted(dice.sample(range(DAYS), k=4))
            ),
            topic=dice.choice(known),
        )
        for index in range(requests)
    ]
    async with transaction(pool) as tx:
        await world.settle(tx, *everybody, *waiting)
    async with transaction(pool) as tx:
        await tx.assignments.add(engagements(dice, everybody))


def period_of(one: Period) -> common.Period:
    period = common.Period()
    period.start_time.FromDatetime(one.start_time.astimezone(UTC))
    period.end_time.FromDatetime(one.end_time.astimezone(UTC))
    return period


async def measure(asked: argparse.Namespace, dsn: str, events_dsn: str) -> dict[str, Any]:
    """Milliseconds of so many answers, one after the other."""
    requests, experts = map(int, asked.size.split("x"))
    dice = random.Random(asked.seed)
    clock = FixedClock(world.at(-14, 9).astimezone(UTC))
    half_days = [
        period_of(world.period(day, *half)) for day in range(DAYS) for half in HALF_DAYS
    ]  # fmt: skip
    took_ms, eligible = [], []
    async with (
        scheduling_service(dsn, clock, fresh_s=FRESH_S) as (address, pool),
        events_service(events_dsn, clock) as (events_address, _),
        calling(address, _Scheduling, Role.CITY_COORDINATOR) as ranking,
        calling(events_address, _Events, Role.CITY_COORDINATOR) as checking,
    ):
        await fill(dice, pool, requests, experts)
        await place(checking)
        for answer in range(asked.answers + 3):
            topic = dice.choice(sorted(topics()))
            windows = dice.sample(half_days, k=4)
            began = time.perf_counter()
            _, ranked = await asyncio.gather(
                checking.CheckRequest(
                    events.CheckRequestRequest(request=written(topic, windows))
                ),
                ranking.RankWindows(
                    scheduling.RankWindowsRequest(
                        venue=dice.choice((world.NEAR_HALL, world.FAR_HALL)).name,
                        group=common.AUDIENCE_GROUP_YOUTH,
                        level=common.LANGUAGE_LEVEL_JUNIOR,
                        form=common.FORM_LECTURE,
                        topic=topic,
                        duration_min=60,
                        windows=windows,
                        look=half_days[: asked.look],
                    )
                ),
            )  # fmt: skip
            if answer >= 3:  # the first ones read everything
                took_ms.append(1000 * (time.perf_counter() - began))
                eligible.append(ranked.eligible)
    return {
        "size": asked.size,
        "answers": len(took_ms),
        "half_days": 4 + asked.look,
        "eligible_mean": round(statistics.mean(eligible), 1),
        **spread(took_ms),
        "limit_ms": LIMIT_MS,
    }


async def place(stub: Any) -> None:
    """A venue in the events service."""
    node = events.Node(
        kind=events.NODE_KIND_CITY,
        display_name="示例市",
        validity=common.DatePeriod(start_date="2025-11-06"),
    )
    await stub.CreateNode(events.CreateNodeRequest(node_id="city", node=node))
    point = common.Point(latitude=29.5, longitude=106.5)
    hall = events.Venue(display_name="示例礼堂", node="nodes/city", point=point, capacity=300)
    await stub.CreateVenue(events.CreateVenueRequest(venue_id="near", venue=hall))


def written(topic: str, windows: Sequence[common.Period]) -> events.Request:
    """What has been filled in so far."""
    return events.Request(
        venue="venues/near",
        title="示例",
        group=common.AUDIENCE_GROUP_YOUTH,
        level=common.LANGUAGE_LEVEL_JUNIOR,
        form=common.FORM_LECTURE,
        topic=topic,
        duration_min=60,
        audience_size=80,
        mode=common.MODE_ON_SITE,
        windows=windows,
        seats=[events.Seat(count=1)],
    )


def main() -> None:
    """Measure, print, and end with 1 where it takes too long."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("size", nargs="?", default="3000x1000")
    parser.add_argument("--answers", type=int, default=200)
    parser.add_argument("--look", type=int, default=2 * DAYS)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with (
        running_server() as server,
        temporary_database(server) as dsn,
        temporary_database(server) as events_dsn,
    ):
        found = asyncio.run(measure(asked, dsn, events_dsn))
    sys.stdout.write(f"{found}\n")
    raise SystemExit(found["p95_ms"] > LIMIT_MS)


if __name__ == "__main__":
    main()
