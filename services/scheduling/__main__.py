"""The scheduling service: `python -m services.scheduling` serves, `… worker` solves, `… migrate` migrates."""

import asyncio
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from zhihui.scheduling.v1 import scheduling_pb2 as pb
from zhihui.scheduling.v1 import scheduling_pb2_grpc as pb_grpc

from libs import telemetry
from libs.auth.tokens import Tokens
from libs.clock import system_clock
from libs.geo.travel import ModelledTravel
from libs.messaging import MESSAGING_MIGRATIONS
from libs.messaging.consumer import Consumer
from libs.messaging.relay import Relay
from libs.postgres.migrate import migrate_service
from libs.postgres.pool import create_pool
from libs.rpc.server import Server
from services.scheduling.adapters.transaction import joined, transaction
from services.scheduling.api import consumer
from services.scheduling.api.ready import keep_ready
from services.scheduling.api.servicer import SchedulingServicer
from services.scheduling.api.worker import Worker
from services.scheduling.handlers.frozen import Inputs
from services.scheduling.handlers.windows import Feasible
from services.scheduling.optimizer.warming import is_compiled
from services.scheduling.settings import Settings

FRESH_S = 2.0
"""How far behind the facts an estimate of chances may be."""
MIGRATIONS = [MESSAGING_MIGRATIONS, Path(__file__).parent / "migrations"]


async def serve(settings: Settings) -> None:
    """Serve until told to stop."""
    travel = ModelledTravel()
    feasible = Feasible(travel=travel, fresh_s=FRESH_S, monotonic_s=time.monotonic)
    async with create_pool(settings) as pool:
        server = Server(settings, verify=Tokens(settings).verify)
        server.add(
            pb_grpc.add_SchedulingServiceServicer_to_server,
            SchedulingServicer(
                transaction=lambda: transaction(pool),
                clock=system_clock,
                travel=travel,
                inputs=Inputs(),
                feasible=feasible,
            ),
            pb.DESCRIPTOR,
        )
        facts = Consumer(
            pool,
            settings,
            group=consumer.GROUP,
            topics=consumer.TOPICS,
            handlers=consumer.handlers(joined, clock=system_clock),
        )

        await server.serve(
            Relay(pool, settings, rushed=server.rushed).run(),
            facts.run(),
            keep_ready(feasible, lambda: transaction(pool), every_s=FRESH_S),
        )


async def work(settings: Settings) -> None:
    """Solve runs until told to stop; the run in hand is left to another worker."""
    async with create_pool(settings) as pool:
        worker = Worker(
            lambda: transaction(pool),
            clock=system_clock,
            inputs=Inputs(),
            lease_s=settings.lease_s,
        )
        this = asyncio.current_task()
        assert this is not None, "asyncio.run made one"
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, this.cancel)
        with suppress(asyncio.CancelledError):
            await _compiled()
            await worker.run()


async def _compiled() -> None:
    """Let a process of its own compile the search, once per machine, before a run could have to wait for it.

    It ends with this one, even if this one is killed: the pipe to it is closed then.
    """
    if is_compiled():
        return
    compiling = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.scheduling.optimizer", "warm-up", "--end-with-stdin"),
        stdin=asyncio.subprocess.PIPE,
    )
    try:
        await compiling.wait()
    finally:
        if compiling.returncode is None:
            compiling.terminate()


def main() -> None:
    """Serve, work, or migrate."""
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
    asyncio.run(work(settings) if sys.argv[1:] == ["worker"] else serve(settings))


if __name__ == "__main__":
    main()
