"""The demonstration over real services: loaded once, twice, and after an interruption, it is there once."""

import contextlib
import dataclasses
from datetime import date

import psycopg
import pytest
from zhihui.events.v1 import events_pb2 as events
from zhihui.events.v1 import events_pb2_grpc as events_grpc
from zhihui.experts.v1 import experts_pb2 as experts
from zhihui.experts.v1 import experts_pb2_grpc as experts_grpc

from libs.auth.principal import Role
from libs.clock import system_clock
from libs.postgres.migrate import migrate
from libs.postgres.pool import create_pool
from services.cli.demo.generate import generate
from services.cli.demo.load import Loader, OtherDemo
from services.events import __main__ as events_service
from services.events.adapters import postgres as events_postgres
from services.events.api.servicer import EventsServicer
from services.events.settings import Settings as EventsSettings
from services.experts import __main__ as experts_service
from services.experts.adapters import postgres as experts_postgres
from services.experts.api.servicer import ExpertsServicer
from services.experts.settings import Settings as ExpertsSettings
from tests.support.serving import calling, served, settings_for

pytestmark = pytest.mark.postgres

TODAY = date(2026, 11, 24)


@pytest.fixture(scope="module")
def small():
    """A few people and requests of the demonstration, a course among them, with the nodes above their venues."""
    whole = generate(as_of=TODAY)
    course = whole.series[0]
    talked_of = {request.talk for request in whole.requests if request.talk}
    people = [
        one
        for index, one in enumerate(whole.experts)
        if index < 6 or talked_of & {talk.key for talk in one.talks}
    ]
    asked = [
        one
        for index, one in enumerate(whole.requests)
        if index < 25 or one.key in course.requests or one.key == whole.tour.requests[0]
    ]
    venues = {one.key: one for one in whole.venues if one.key in {ask.venue for ask in asked}}
    nodes = {one.key: one for one in whole.nodes}
    kept: set[str] = set()
    for venue in venues.values():
        above: str | None = venue.node
        while above:
            kept.add(above)
            above = nodes[above].parent
    return dataclasses.replace(
        whole,
        nodes=[one for one in whole.nodes if one.key in kept],
        venues=list(venues.values()),
        experts=people,
        requests=asked,
        series=[course],
    )


@contextlib.asynccontextmanager
async def loading(dsn: str, *, seed: int = 1, size: int = 1):
    """A loader over both services, on databases that are there or made."""
    async with contextlib.AsyncExitStack() as stack:
        stubs = []
        for service, main, settings_class, adapter, servicer_class, grpc_module, file in (
            ("events", events_service, EventsSettings, events_postgres, EventsServicer, events_grpc, events),
            ("experts", experts_service, ExpertsSettings, experts_postgres, ExpertsServicer, experts_grpc, experts),
        ):  # fmt: skip
            migrate(dsn, main.MIGRATIONS, schema=service, role=service)
            settings = settings_class(**settings_for(dsn, service))
            pool = await stack.enter_async_context(create_pool(settings))
            name = f"{service.capitalize()}Service"
            servicer = servicer_class(
                transaction=lambda pool=pool, adapter=adapter: adapter.transaction(pool),
                clock=system_clock,
            )
            add = getattr(grpc_module, f"add_{name}Servicer_to_server")
            address = await stack.enter_async_context(
                served(settings, add, servicer, file.DESCRIPTOR)
            )
            stub = getattr(grpc_module, f"{name}Stub")
            stubs.append(
                await stack.enter_async_context(calling(address, stub, Role.CITY_COORDINATOR))
            )
        yield Loader(*stubs, seed=seed, size=size), *stubs


def facts(dsn: str) -> int:
    """How many facts both services have announced."""
    with psycopg.connect(dsn) as connection:
        return sum(
            connection.execute(f"SELECT count(message_id) FROM {schema}.outbox").fetchone()[
                0
            ]  # two names of our own
            for schema in ("events", "experts")
        )


async def test_a_second_load_changes_and_announces_nothing(fresh_database, small):
    async with loading(fresh_database) as (loader, events_stub, experts_stub):
        calls = []
        await loader.load(small, step=calls.append)
        assert sum(calls) == loader.total(small)
        announced = facts(fresh_database)
        await loader.load(small, step=calls.append)
        assert facts(fresh_database) == announced
        found = await events_stub.ListRequests(events.ListRequestsRequest(page_size=1000))
        assert {one.name for one in found.requests} == {
            f"requests/{one.key}" for one in small.requests
        }
        assert {one.state for one in found.requests} == {events.Request.STATE_ENDORSED}
        people = await experts_stub.ListExperts(experts.ListExpertsRequest(page_size=1000))
        assert len(people.experts) == len(small.experts)


class Interrupted(Exception):
    """Somebody pressed Ctrl-C."""


async def test_an_interrupted_load_goes_on_where_it_stopped(fresh_database, small):
    async with loading(fresh_database) as (loader, events_stub, _):
        done = []

        def step(count):
            done.append(count)
            if len(done) == 60:
                raise Interrupted

        with contextlib.suppress(BaseExceptionGroup):
            await loader.load(small, step=step)
        assert 60 <= len(done) < loader.total(small)
        calls = []
        await loader.load(small, step=calls.append)
        assert sum(calls) == loader.total(small)
        found = await events_stub.ListRequests(events.ListRequestsRequest(page_size=1000))
        assert len(found.requests) == len(small.requests)


async def test_a_later_load_plays_since_the_day_the_first_one_began(fresh_database, small):
    async with loading(fresh_database) as (loader, events_stub, experts_stub):
        await loader.load(small, step=lambda _: None)
        later = await loader.demo(today=date(2026, 11, 30))
        assert (later.as_of, later.start) == (small.as_of, small.start)
        other = Loader(events_stub, experts_stub, seed=1, size=5)
        with pytest.raises(OtherDemo, match="size 1"):
            await other.demo(today=TODAY)
