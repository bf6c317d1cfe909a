"""How long the events service takes to make a published round visible: all decisions at once against one at a time.

    PYTHONPATH=.:libs/genproto python -m tests.benchmarks.publication 3000

Both ways run in one process on one database, on equal rounds, each in one transaction as in production.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from libs.ids import new_id
from libs.postgres.migrate import migrate
from libs.postgres.pool import Pool, create_pool
from services.events.__main__ import MIGRATIONS
from services.events.adapters.postgres import PostgresTransaction, transaction
from services.events.domain.event import TeamMember
from services.events.domain.place import (
    DEFAULT_RULES,
    DatePeriod,
    Group,
    Node,
    NodeKind,
    Point,
    Venue,
)
from services.events.domain.request import Form, Level, Period, Request, Role, Seat
from services.events.handlers import place
from services.events.handlers.round import Decision, apply, freeze
from services.events.ports import Host
from services.events.settings import Settings
from tests.support.postgres import running_server, temporary_database
from tests.support.serving import settings_for

AT = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
VENUES = 100
UNSERVED_OF = 10
"""One request of so many is not served."""


@asynccontextmanager
async def prepared() -> AsyncIterator[Pool]:
    """A pool on a new events database with a city and its venues."""
    with running_server() as server, temporary_database(server) as dsn:
        migrate(dsn, MIGRATIONS, schema="events", role="events")
        async with create_pool(Settings(**settings_for(dsn, "events"))) as pool:
            async with transaction(pool) as tx:
                validity = DatePeriod(AT.date() - timedelta(days=1))
                city = Node("nodes/city", NodeKind.DISTRICT, "示例区", validity)
                await place.create_node(city, tx, now=AT)
                for n in range(VENUES):
                    venue = Venue(f"venues/v{n}", f"示例 {n}", city.name, Point(29.5, 106.5), 300)
                    await place.create_venue(venue, tx, now=AT)
            yield pool


async def decided(pool: Pool, round: str, count: int) -> Sequence[Decision]:
    """`count` decisions about requests frozen into `round`."""
    names = [f"requests/{new_id('req')}" for _ in range(count)]
    async with transaction(pool) as tx:
        for n, name in enumerate(names):
            await tx.requests.add(asked(name, n), Host(), by="benchmark")
        await freeze(round, names, tx, now=AT)
    return [
        Decision(name, round, reason="太远了。")
        if n % UNSERVED_OF == 0
        else Decision(
            name, round, event=f"events/{new_id('event')}", period=period(n), team=(member(n),)
        )
        for n, name in enumerate(names)
    ]


def period(n: int) -> Period:
    """An hour of its own."""
    start = AT + timedelta(days=7, hours=n)
    return Period(start, start + timedelta(hours=1))


def member(n: int) -> TeamMember:
    """Who leads."""
    return TeamMember(f"assignments/a{n}", f"experts/e{n % 211}", "示例 王教授", Role.LECTURER, 0)


def asked(name: str, n: int) -> Request:
    """A request that waits for a round."""
    ask = Request(
        name=name,
        venue=f"venues/v{n % VENUES}",
        title=f"示例 第 {n} 场",
        group=Group.YOUTH,
        level=Level.JUNIOR,
        audience_size=120,
        form=Form.LECTURE,
        topic="ai",
        duration_min=60,
        windows=(period(n),),
        seats=(Seat((Role.LECTURER,), "ai", 2),),
        node="nodes/city",
        district="nodes/city",
        node_path=("nodes/city",),
        create_time=AT,
        update_time=AT,
    )
    return ask.submitted(rules=DEFAULT_RULES, at=AT).endorsed(weight=10, at=AT)


async def one_at_a_time(decisions: Sequence[Decision], tx: PostgresTransaction) -> None:
    """As if each decision were a publication of its own."""
    for decision in decisions:
        await apply([decision], tx, now=AT)


async def at_once(decisions: Sequence[Decision], tx: PostgresTransaction) -> None:
    """As the service does it."""
    await apply(decisions, tx, now=AT)


async def main(count: int) -> None:
    """Print seconds of both ways, twice each in turns, and the ratio of the best."""
    best: dict[str, float] = {}
    async with prepared() as pool:
        for turn in range(2):
            for way in (one_at_a_time, at_once):
                decisions = await decided(pool, f"rounds/{way.__name__}-{turn}", count)
                began = time.perf_counter()
                async with transaction(pool) as tx:
                    await way(decisions, tx)
                took = time.perf_counter() - began
                best[way.__name__] = min(took, best.get(way.__name__, took))
                print(f"{way.__name__:14} {count} decisions: {took:.2f} s")
        shown = await pool.fetchval("SELECT count(*) FROM events")
        assert shown == 4 * (count - len(range(0, count, UNSERVED_OF))), "a round is not whole"
    print(f"ratio {best['one_at_a_time'] / best['at_once']:.1f}")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 3000))
