"""What operators ask of the outboxes: how old what waits is, what holds it up, and to publish again. As the owner."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from libs.messaging import kafka
from libs.messaging.relay import republish
from libs.postgres.pool import Connection

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


@dataclass(frozen=True, slots=True)
class LongTransaction:
    """A transaction that others may be waiting for: whoever wants what it has locked, and vacuum."""

    pid: int
    application: str
    age_s: float
    query: str


@contextlib.asynccontextmanager
async def connected(owner_dsn: str, *, service: str = "") -> AsyncIterator[Connection]:
    """A connection as the owner, in the schema of `service`."""
    settings = {"timezone": "UTC", "application_name": "zhihui-facts"}
    if service:
        settings["search_path"] = service
    connection = await asyncpg.connect(owner_dsn, server_settings=settings, command_timeout=60)
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
                SELECT count(*) FILTER (WHERE published_at IS NOT NULL) AS published
                     , count(*) FILTER (WHERE published_at IS NULL) AS waiting
                     , extract(epoch FROM now() - min(occurred_at) FILTER (WHERE published_at IS NULL)) AS age_s
                  FROM outbox
                """
            )
            assert row is not None, "an aggregate has one row"
            found.append(
                OutboxState(service, row["published"], row["waiting"], float(row["age_s"] or 0))
            )
    return found


async def long_transactions(owner_dsn: str) -> list[LongTransaction]:
    """Transactions with writes that are open for long, oldest first: their own facts are not out either."""
    async with connected(owner_dsn) as connection:
        rows = await connection.fetch(
            """
            SELECT pid, application_name, extract(epoch FROM now() - xact_start) AS age_s, left(query, 200) AS query
              FROM pg_stat_activity
             WHERE backend_xid IS NOT NULL AND xact_start < now() - make_interval(secs => $1)
             ORDER BY xact_start
            """,
            LONG_S,
        )
    return [
        LongTransaction(row["pid"], row["application_name"], float(row["age_s"]), row["query"])
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
) -> int:
    """Publish kept facts of `service` again, with the same message ids, in the same order; gives how many.

    Consumers that have seen them drop them; see `relay.republish` for the choices.
    """
    async with (
        connected(owner_dsn, service=service) as connection,
        kafka.Producer(bootstrap, client=f"{service}-replay") as producer,
    ):
        return await republish(
            connection, producer, service=service, since=since, topic=topic or None, key=key or None
        )
