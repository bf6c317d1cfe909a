"""The pool of connections of one service, and the transaction every handler runs in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal, TypeAlias

import asyncpg
import asyncpg.pool
import structlog

from libs.errors import Conflict
from libs.postgres.outages import OUTAGES, lost
from libs.settings import ServiceSettings

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Connection: TypeAlias = (
    "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
)
Isolation: TypeAlias = Literal["read_committed", "repeatable_read", "serializable"]

BACKOFF_MAX_S = 5.0
CONNECT_TIMEOUT_S = 5.0
"""A connection that is cut while it is being made may never hear of it; the driver alone would wait for a minute."""

_log = structlog.stdlib.get_logger(__name__)


class ConcurrentChange(Conflict):
    """Another transaction changed the same things at the same time; nothing of this one was kept."""


@asynccontextmanager
async def create_pool(settings: ServiceSettings) -> AsyncIterator[Pool]:
    """A pool as the service's role, in the service's schema, speaking UTC; closed at the end of the block.

    A database that is away is waited for: a service that starts before it, or while it repairs itself, is no failure.
    A command that takes longer than `database_command_timeout_s` fails with TimeoutError (an outage, not a refusal).
    """
    session = {"application_name": f"zhihui-{settings.service}", "timezone": "UTC"}
    if settings.database_statement_cache_size > 0:
        # pgbouncer refuses search_path as a startup parameter; there the role's own default, set by migrate(), holds.
        session["search_path"] = settings.service
    pool = await _connected(settings, session)
    async with pool:
        yield pool


async def _connected(settings: ServiceSettings, session: dict[str, str]) -> Pool:
    backoff_s = 0.2
    while True:
        try:
            return await asyncpg.create_pool(
                settings.database_dsn.get_secret_value(),
                min_size=settings.database_connections_min,
                max_size=settings.database_connections_max,
                statement_cache_size=settings.database_statement_cache_size,
                command_timeout=settings.database_command_timeout_s,
                timeout=CONNECT_TIMEOUT_S,
                server_settings=session,
            )
        except OUTAGES as error:
            _log.warning("database_awaited", error=repr(error), again_in_s=backoff_s)
            await asyncio.sleep(backoff_s)
            backoff_s = min(2 * backoff_s, BACKOFF_MAX_S)


@asynccontextmanager
async def acquired(pool: Pool) -> AsyncIterator[Connection]:
    """A connection, given back at the end of the block; when it was cut meanwhile, that is an outage and no misuse."""
    connection = await pool.acquire()
    try:
        with lost(connection):
            yield connection
    finally:
        try:
            await pool.release(connection)
        except asyncpg.InternalClientError as error:
            raise asyncpg.ConnectionDoesNotExistError("lost when it was given back") from error


@asynccontextmanager
async def transaction(
    pool: Pool, *, isolation: Isolation = "read_committed", readonly: bool = False
) -> AsyncIterator[Connection]:
    """A connection with an open transaction: committed at the end of the block, undone by any exception.

    Raises:
        ConcurrentChange: PostgreSQL gave this transaction up for another one (deadlock, serialization).
    """
    try:
        async with (
            acquired(pool) as connection,
            connection.transaction(isolation=isolation, readonly=readonly),
        ):
            yield connection
    except (asyncpg.SerializationError, asyncpg.DeadlockDetectedError) as error:
        raise ConcurrentChange("changed by somebody else at the same moment; try again") from error
