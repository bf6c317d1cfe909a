"""Looks every few seconds whether everything is announced and heard; for the status page, and as metrics for alerts."""

import asyncio
from datetime import datetime

import structlog
from prometheus_client import Gauge

from libs.clock import Clock
from libs.facts.messages import contract_version
from libs.messaging import kafka
from libs.messaging.operations import FactsStatus, facts_status
from libs.postgres.outages import OUTAGES

LOOK_S = 5.0

_log = structlog.stdlib.get_logger(__name__)
_age = Gauge("zhihui_facts_outbox_age_seconds", "Age of the oldest unpublished fact", ["service"])
_dead = Gauge("zhihui_facts_dead_letters", "Dead letters kept", ["service"])
_waiting = Gauge("zhihui_facts_group_lag", "Facts a group has not taken", ["group", "topic"])
_held = Gauge(
    "zhihui_facts_long_transaction_seconds",
    "Age of the oldest open transaction that writes, from 10 s on",
)


class StatusWatch:
    """Keeps the last look; one look for everybody who asks."""

    def __init__(self, *, owner_dsn: str, bootstrap: str, clock: Clock) -> None:
        self._owner_dsn = owner_dsn
        self._bootstrap = bootstrap
        self._clock = clock
        self.status: FactsStatus | None = None
        self.as_of: datetime | None = None
        self.outage = ""

    async def run(self) -> None:
        """Look for ever; an outage is what there is to be seen then."""
        while True:
            try:
                await self.look()
            except (*OUTAGES, *kafka.OUTAGES) as error:
                self.outage = f"{type(error).__name__}: {error}"[:200]
                _log.warning("status_outage", error=self.outage)
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """One look.

        Raises:
            KafkaError, OSError, asyncpg.PostgresError: the broker or the database is away.
        """
        status = await facts_status(self._owner_dsn, self._bootstrap, contract=contract_version())
        self.status, self.as_of, self.outage = status, self._clock(), ""
        for outbox in status.outboxes:
            _age.labels(outbox.service).set(outbox.age_s)
        for service, count in status.dead_letters.items():
            _dead.labels(service).set(count)
        for group in status.groups:
            _waiting.labels(group.group, group.topic).set(group.waiting)
        _held.set(max((one.age_s for one in status.long_transactions), default=0))
