"""The services over real channels, each with its own schema in one real database."""

import contextlib
import time
from collections.abc import AsyncIterator

from zhihui.events.v1 import events_pb2 as events_pb
from zhihui.events.v1 import events_pb2_grpc as events_grpc
from zhihui.experts.v1 import experts_pb2 as experts_pb
from zhihui.experts.v1 import experts_pb2_grpc as experts_grpc
from zhihui.feeds.v1 import feeds_pb2 as feeds_pb
from zhihui.feeds.v1 import feeds_pb2_grpc as feeds_grpc
from zhihui.scheduling.v1 import scheduling_pb2 as scheduling_pb
from zhihui.scheduling.v1 import scheduling_pb2_grpc as scheduling_grpc

from libs.clock import Clock
from libs.geo.travel import ModelledTravel
from libs.postgres.migrate import migrate
from libs.postgres.pool import Pool, create_pool
from services.events import __main__ as events_main
from services.events.adapters.postgres import transaction as events_transaction
from services.events.api.servicer import EventsServicer
from services.events.settings import Settings as EventsSettings
from services.experts import __main__ as experts_main
from services.experts.adapters.postgres import transaction as experts_transaction
from services.experts.api.servicer import ExpertsServicer
from services.experts.settings import Settings as ExpertsSettings
from services.feeds import __main__ as feeds_main
from services.feeds.adapters.icalendar import text_of
from services.feeds.adapters.postgres import transaction as feeds_transaction
from services.feeds.adapters.receiver import HttpReceiver
from services.feeds.adapters.status import StatusWatch
from services.feeds.api.servicer import FeedsServicer
from services.feeds.settings import Settings as FeedsSettings
from services.scheduling import __main__ as scheduling_main
from services.scheduling.adapters.transaction import transaction as scheduling_transaction
from services.scheduling.api.servicer import SchedulingServicer
from services.scheduling.handlers.frozen import Inputs
from services.scheduling.handlers.windows import Feasible
from services.scheduling.settings import Settings as SchedulingSettings
from tests.support.serving import served, settings_for


@contextlib.asynccontextmanager
async def events_service(dsn: str, clock: Clock) -> AsyncIterator[tuple[str, Pool]]:
    """The events service's address, and its pool."""
    migrate(dsn, events_main.MIGRATIONS, schema="events", role="events")
    settings = EventsSettings(**settings_for(dsn, "events"))
    async with create_pool(settings) as pool:
        servicer = EventsServicer(transaction=lambda: events_transaction(pool), clock=clock)
        add = events_grpc.add_EventsServiceServicer_to_server
        async with served(settings, add, servicer, events_pb.DESCRIPTOR) as address:
            yield address, pool


@contextlib.asynccontextmanager
async def experts_service(dsn: str, clock: Clock) -> AsyncIterator[tuple[str, Pool]]:
    """The experts service's address, and its pool."""
    migrate(dsn, experts_main.MIGRATIONS, schema="experts", role="experts")
    settings = ExpertsSettings(**settings_for(dsn, "experts"))
    async with create_pool(settings) as pool:
        servicer = ExpertsServicer(transaction=lambda: experts_transaction(pool), clock=clock)
        add = experts_grpc.add_ExpertsServiceServicer_to_server
        async with served(settings, add, servicer, experts_pb.DESCRIPTOR) as address:
            yield address, pool


@contextlib.asynccontextmanager
async def scheduling_service(
    dsn: str, clock: Clock, *, fresh_s: float = 0
) -> AsyncIterator[tuple[str, Pool]]:
    """The scheduling service's address, and its pool."""
    migrate(dsn, scheduling_main.MIGRATIONS, schema="scheduling", role="scheduling")
    settings = SchedulingSettings(**settings_for(dsn, "scheduling"))
    travel = ModelledTravel()
    async with create_pool(settings) as pool:
        servicer = SchedulingServicer(
            transaction=lambda: scheduling_transaction(pool),
            clock=clock,
            travel=travel,
            inputs=Inputs(),
            feasible=Feasible(travel=travel, fresh_s=fresh_s, monotonic_s=time.monotonic),
        )
        add = scheduling_grpc.add_SchedulingServiceServicer_to_server
        async with served(settings, add, servicer, scheduling_pb.DESCRIPTOR) as address:
            yield address, pool


@contextlib.asynccontextmanager
async def feeds_service(
    dsn: str,
    clock: Clock,
    *,
    receiver: HttpReceiver,
    watch: StatusWatch | None = None,
    bootstrap: str = "",
) -> AsyncIterator[tuple[str, Pool]]:
    """The feeds service's address, and its pool; nothing is sent but by a Sender of the test's own."""
    migrate(dsn, feeds_main.MIGRATIONS, schema="feeds", role="feeds")
    settings = FeedsSettings(**settings_for(dsn, "feeds"))
    async with create_pool(settings) as pool:
        servicer = FeedsServicer(
            transaction=lambda: feeds_transaction(pool),
            clock=clock,
            check=receiver.check,
            calendar_text=text_of,
            watch=StatusWatch(owner_dsn=dsn, bootstrap=bootstrap, clock=clock)
            if watch is None
            else watch,
        )
        add = feeds_grpc.add_FeedsServiceServicer_to_server
        async with served(settings, add, servicer, feeds_pb.DESCRIPTOR) as address:
            yield address, pool
