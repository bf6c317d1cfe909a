"""The events service: `python -m services.events` serves, `python -m services.events migrate` migrates."""

import asyncio
import sys
from pathlib import Path

from zhihui.events.v1 import events_pb2 as pb
from zhihui.events.v1 import events_pb2_grpc as pb_grpc

from libs import telemetry
from libs.auth.tokens import Tokens
from libs.clock import system_clock
from libs.messaging import MESSAGING_MIGRATIONS
from libs.messaging.consumer import Consumer
from libs.messaging.relay import Relay
from libs.postgres.migrate import migrate_service
from libs.postgres.pool import create_pool
from libs.rpc.server import Server
from services.events.adapters.postgres import joined, transaction
from services.events.api import consumer
from services.events.api.servicer import EventsServicer
from services.events.settings import Settings

MIGRATIONS = [MESSAGING_MIGRATIONS, Path(__file__).parent / "migrations"]


async def serve(settings: Settings) -> None:
    """Serve until told to stop."""
    async with create_pool(settings) as pool:
        server = Server(settings, verify=Tokens(settings).verify)
        server.add(
            pb_grpc.add_EventsServiceServicer_to_server,
            EventsServicer(transaction=lambda: transaction(pool), clock=system_clock),
            pb.DESCRIPTOR,
        )
        facts = Consumer(
            pool,
            settings,
            group=consumer.GROUP,
            topics=consumer.TOPICS,
            handlers=consumer.handlers(joined, clock=system_clock),
        )

        await server.serve(Relay(pool, settings, rushed=server.rushed).run(), facts.run())


def main() -> None:
    """Serve, or migrate."""
    settings = Settings()
    if sys.argv[1:] == ["migrate"]:
        migrate_service(settings, settings.database_owner_dsn.get_secret_value(), MIGRATIONS)
        return
    telemetry.start(
        service=settings.service,
        log_level=settings.log_level,
        otel_endpoint=settings.otel_endpoint,
        metrics_listen=settings.metrics_listen,
    )
    asyncio.run(serve(settings))


if __name__ == "__main__":
    main()
