"""Which exceptions mean that the database (or the network to it) is away, not that the code is wrong."""

import asyncpg

OUTAGES: tuple[type[Exception], ...] = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shutting down, starting up, statement cancelled
    asyncpg.InsufficientResourcesError,  # disk full, out of memory, too many connections
    asyncpg.ReadOnlySQLTransactionError,  # a failover left us with the replica
    OSError,  # refused, unreachable, socket gone; TimeoutError is one too
)
"""Callers should retry with backoff; answered UNAVAILABLE."""
