"""The experts service: `python -m services.experts` serves, `python -m services.experts migrate` migrates."""

import asyncio
import sys
from pathlib import Path

import structlog
from zhihui.experts.v1 import experts_pb2 as pb
from zhihui.experts.v1 import experts_pb2_grpc as pb_grpc

from libs import telemetry
from libs.auth.tokens import Tokens
from libs.clock import system_clock
from libs.messaging import MESSAGING_MIGRATIONS
from libs.messaging.consumer import Consumer
from libs.messaging.relay import Relay
from libs.postgres.migrate import migrate_service
from libs.postgres.outages import OUTAGES
from libs.postgres.pool import ConcurrentChange, create_pool
from libs.rpc.server import Server
from services.experts.adapters.postgres import transaction
from services.experts.adapters.projections import PostgresProjections
from services.experts.api import consumer
from services.experts.api.servicer import ExpertsServicer
from services.experts.handlers.talk import announce_expired
from services.experts.settings import Settings

MIGRATIONS = [MESSAGING_MIGRATIONS, Path(__file__).parent / "migrations"]
EXPIRED_EVERY_S = 600
OUTAGE_PAUSE_S = 5
_AWAY: tuple[type[Exception], ...] = (ConcurrentChange, *OUTAGES)

_log = structlog.stdlib.get_logger(__name__)


async def serve(settings: Settings) -> None:
    """Serve until told to stop."""
    async with create_pool(settings) as pool:
        server = Server(settings, verify=Tokens(settings).verify)
        server.add(
            pb_grpc.add_ExpertsServiceServicer_to_server,
            ExpertsServicer(transaction=lambda: transaction(pool), clock=system_clock),
            pb.DESCRIPTOR,
        )
        facts = Consumer(
            pool,
            settings,
            group=consumer.GROUP,
            topics=consumer.TOPICS,
            handlers=consumer.handlers(PostgresProjections, clock=system_clock),
        )

        async def expire() -> None:
            while True:
                try:
                    async with transaction(pool) as tx:
                        more = await announce_expired(tx, now=system_clock())
                except _AWAY as error:
                    _log.warning("expiry_waits", error=repr(error), again_in_s=OUTAGE_PAUSE_S)
                    await asyncio.sleep(OUTAGE_PAUSE_S)
                    continue
                if not more:
                    await asyncio.sleep(EXPIRED_EVERY_S)

        await server.serve(Relay(pool, settings, rushed=server.rushed).run(), facts.run(), expire())


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
