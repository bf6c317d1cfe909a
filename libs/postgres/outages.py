"""Which exceptions mean that the database (or the network to it) is away, not that the code is wrong."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg

OUTAGES: tuple[type[Exception], ...] = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shutting down, starting up, statement cancelled
    asyncpg.InsufficientResourcesError,  # disk full, out of memory, too many connections
    asyncpg.ReadOnlySQLTransactionError,  # a failover left us with the replica
    OSError,  # refused, unreachable, socket gone; TimeoutError is one too
)
"""Callers should retry with backoff; answered UNAVAILABLE."""


_MISCALLED = (asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What the driver calls a lost connection: its caller's mistake, or its own."""


@contextmanager
def lost(connection: Any) -> Iterator[None]:
    """Raise what is an outage for the driver's errors of misuse when `connection` was cut inside the block.

    The driver says "connection is closed" with the class it also has for its caller's mistakes, and at the end of a
    transaction block it says so in place of the error that came first. A server that ends tells idle connections so: until
    the driver sees the socket closed, the next statement is answered with an error about the protocol's state.

    Raises:
        asyncpg.ConnectionDoesNotExistError: the connection is gone.
    """
    try:
        yield
    except _MISCALLED as error:
        if not is_lost(connection):
            raise
        raise asyncpg.ConnectionDoesNotExistError("the connection was lost") from error


def is_lost(connection: Any) -> bool:
    """Whether `connection` was cut, also when its pool has taken it back for that, and it answers no question any more."""
    try:
        return bool(connection.is_closed())
    except asyncpg.InterfaceError:
        return True
