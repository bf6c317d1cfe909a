"""The feeds service: `python -m services.feeds` serves, `python -m services.feeds migrate` migrates."""

import asyncio
import sys
from pathlib import Path

from zhihui.feeds.v1 import feeds_pb2 as pb
from zhihui.feeds.v1 import feeds_pb2_grpc as pb_grpc

from libs import telemetry
from libs.auth.tokens import Tokens
from libs.clock import system_clock
from libs.messaging import MESSAGING_MIGRATIONS
from libs.messaging.consumer import Consumer
from libs.postgres.migrate import migrate_service
from libs.postgres.pool import create_pool
from libs.rpc.server import Server
from services.feeds.adapters.icalendar import text_of
from services.feeds.adapters.postgres import PostgresArrivals, PostgresDue, transaction
from services.feeds.adapters.receiver import HttpReceiver
from services.feeds.adapters.sender import Sender
from services.feeds.adapters.status import StatusWatch
from services.feeds.api import consumer
from services.feeds.api.servicer import FeedsServicer
from services.feeds.settings import Settings

MIGRATIONS = [MESSAGING_MIGRATIONS, Path(__file__).parent / "migrations"]


async def serve(settings: Settings) -> None:
    """Serve until told to stop."""
    receiver = HttpReceiver(
        private=settings.webhooks_private, timeout_s=settings.webhooks_timeout_s
    )
    async with create_pool(settings) as pool:
        try:
            watch = StatusWatch(
                owner_dsn=settings.operations_dsn.get_secret_value(),
                bootstrap=settings.kafka_bootstrap,
                clock=system_clock,
            )
            server = Server(settings, verify=Tokens(settings).verify)
            server.add(
                pb_grpc.add_FeedsServiceServicer_to_server,
                FeedsServicer(
                    transaction=lambda: transaction(pool),
                    clock=system_clock,
                    check=receiver.check,
                    calendar_text=text_of,
                    watch=watch,
                ),
                pb.DESCRIPTOR,
            )
            facts = Consumer(
                pool,
                settings,
                group=consumer.GROUP,
                topics=consumer.TOPICS,
                handlers=consumer.handlers(PostgresArrivals, clock=system_clock),
            )
            sender = Sender(
                PostgresDue(pool),
                receiver,
                clock=system_clock,
                at_once=settings.webhooks_at_once,
                timeout_s=settings.webhooks_timeout_s,
            )
            await server.serve(facts.run(), sender.run(), watch.run())
        finally:
            await receiver.close()


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
