"""What operators ask of facts: what waits and what holds it up, who is behind, what was refused; and to publish again.

The database's part needs its owner, or a role that may read the services' schemas and `pg_stat_activity`.
"""

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from libs.messaging import kafka
from libs.messaging.relay import republish
from libs.messaging.topics import dead_letter_topic, fence_of
from libs.postgres.outages import lost
from libs.postgres.pool import Connection

SERVICES = ("experts", "events", "scheduling", "feeds")
OLD_S = 60
"""An outbox older than this, or a dead letter, is something to look at."""
LONG_S = 10
"""A transaction with writes that is open longer than this keeps its locks from others, and is named."""


@dataclass(frozen=True, slots=True)
class OutboxState:
    """A service's outbox."""

    service: str
    published: int
    waiting: int
    age_s: float
    """Of the oldest fact that waits; 0 without one."""
    last_time: datetime | None
    """When the last fact happened; None without any."""
    schema_version: str
    """The last migration that was applied."""


@dataclass(frozen=True, slots=True)
class LongTransaction:
    """A transaction that others may be waiting for: whoever wants what it has locked, and vacuum."""

    pid: int
    application: str
    age_s: float
    state: str
    """As PostgreSQL says: `active`, or `idle in transaction` when its program does something else."""
    query: str
    """The last statement, its first 200 characters; values are parameters and not in it."""


@dataclass(frozen=True, slots=True)
class FactsStatus:
    """Everything at once, as `zhihui facts status` and the page of the same show it."""

    contract: str
    """The first 12 digits of the SHA-256 over all messages of facts: the same wherever the same contract runs."""
    outboxes: Sequence[OutboxState]
    groups: Sequence[kafka.Lag]
    last_taken: Mapping[str, datetime]
    """By group, when it took its last fact; groups of other databases are not known here."""
    dead_letters: Mapping[str, int]
    """By service, how many are kept."""
    long_transactions: Sequence[LongTransaction]

    @property
    def worry(self) -> bool:
        """Whether somebody should look at this."""
        return (
            any(one.age_s > OLD_S for one in self.outboxes)
            or any(self.dead_letters.values())
            or bool(self.long_transactions)
        )


async def facts_status(
    owner_dsn: str, bootstrap: str, *, contract: str, groups: Sequence[str] = ()
) -> FactsStatus:
    """What is, now. Without `owner_dsn` the database's part is left out.

    Raises:
        KafkaError, OSError, asyncpg.PostgresError: the broker or the database is away.
    """
    dead = {service: dead_letter_topic(service) for service in SERVICES}
    counts = await kafka.counts(bootstrap, list(dead.values()))
    return FactsStatus(
        contract=contract,
        outboxes=await outboxes(owner_dsn, SERVICES) if owner_dsn else [],
        groups=await kafka.lags(bootstrap, [*SERVICES, *groups]),
        last_taken=await last_taken(owner_dsn, SERVICES) if owner_dsn else {},
        dead_letters={service: counts[topic] for service, topic in dead.items()},
        long_transactions=await long_transactions(owner_dsn) if owner_dsn else [],
    )


@contextlib.asynccontextmanager
async def connected(owner_dsn: str, *, service: str = "") -> AsyncIterator[Connection]:
    """A connection as the owner, in the schema of `service`."""
    settings = {"timezone": "UTC", "application_name": "zhihui-facts"}
    if service:
        settings["search_path"] = service
    connection = await asyncpg.connect(owner_dsn, server_settings=settings, command_timeout=60)
    with lost(connection):
        try:
            yield connection
        finally:
            await connection.close()


async def outboxes(owner_dsn: str, services: Sequence[str]) -> list[OutboxState]:
    """The outboxes of those `services` that have one here."""
    found = []
    for service in services:
        async with connected(owner_dsn, service=service) as connection:
            if await connection.fetchval("SELECT to_regclass('outbox') IS NULL"):
                continue
            row = await connection.fetchrow(
                """
                SELECT (SELECT count(*) FROM outbox) - count(*) AS published
                     , count(*) AS waiting
                     , extract(epoch FROM now() - min(occurred_at)) AS age_s
                     , (SELECT occurred_at FROM outbox ORDER BY position DESC LIMIT 1) AS last_time
                  FROM outbox_waiting JOIN outbox USING (position)
                """
            )
            assert row is not None, "an aggregate has one row"
            found.append(
                OutboxState(
                    service,
                    row["published"],
                    row["waiting"],
                    float(row["age_s"] or 0),
                    row["last_time"],
                    await _schema_version(connection),
                )
            )
    return found


async def _schema_version(connection: Connection) -> str:
    if await connection.fetchval("SELECT to_regclass('_yoyo_migration') IS NULL"):
        return ""
    found = await connection.fetchval(
        "SELECT migration_id FROM _yoyo_migration ORDER BY applied_at_utc DESC, migration_id DESC LIMIT 1"
    )
    return str(found or "")


async def last_taken(owner_dsn: str, services: Sequence[str]) -> Mapping[str, datetime]:
    """When each consumer group of `services` took its last fact."""
    found: dict[str, datetime] = {}
    for service in services:
        async with connected(owner_dsn, service=service) as connection:
            if await connection.fetchval("SELECT to_regclass('inbox') IS NULL"):
                continue
            row = await connection.fetchrow(
                "SELECT consumer, received_at FROM inbox ORDER BY received_at DESC LIMIT 1"
            )
            if row is not None:
                found[row["consumer"]] = row["received_at"]
    return found


async def long_transactions(owner_dsn: str) -> list[LongTransaction]:
    """Transactions with writes that are open for long, oldest first: their own facts are not out either."""
    async with connected(owner_dsn) as connection:
        rows = await connection.fetch(
            """
            SELECT pid, application_name, extract(epoch FROM now() - xact_start) AS age_s, state, left(query, 200) AS query
              FROM pg_stat_activity
             WHERE backend_xid IS NOT NULL AND xact_start < now() - make_interval(secs => $1)
             ORDER BY xact_start
            """,
            LONG_S,
        )
    return [
        LongTransaction(
            row["pid"], row["application_name"], float(row["age_s"]), row["state"], row["query"]
        )
        for row in rows
    ]


async def replay(
    owner_dsn: str,
    bootstrap: str,
    *,
    service: str,
    since: datetime | None = None,
    topic: str = "",
    key: str = "",
    after: int = 0,
    there: Callable[[int], bool] = lambda _position: True,
) -> int:
    """Publish kept facts of `service` again, with the same message ids, in the same order; gives how many.

    Consumers that have seen them drop them; see `relay.republish` for the choices.
    """
    async with connected(owner_dsn, service=service) as connection:
        return await republish(
            connection,
            lambda: kafka.Producer(bootstrap, client=f"{service}-replay", fence=fence_of(service)),
            service=service,
            since=since,
            topic=topic or None,
            key=key or None,
            after=after,
            there=there,
        )
