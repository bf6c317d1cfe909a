"""One transaction with every repository and the outbox in it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from libs.messaging.outbox import append_all, forget
from libs.postgres.pool import Connection
from libs.postgres.pool import Pool as ConnectionPool
from libs.postgres.pool import transaction as open_transaction
from services.scheduling.adapters.assignments import PostgresAssignments
from services.scheduling.adapters.facts import ASSIGNMENT_TOPIC, CollectedFacts
from services.scheduling.adapters.rounds import PostgresPlans, PostgresRounds, PostgresRuns
from services.scheduling.adapters.world import PostgresWorld


class PostgresTransaction:
    """`ports.Transaction`, and the connection for what belongs to the kit."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.world = PostgresWorld(connection)
        self.rounds = PostgresRounds(connection)
        self.runs = PostgresRuns(connection)
        self.plans = PostgresPlans(connection)
        self.assignments = PostgresAssignments(connection)
        self.facts = CollectedFacts()


@asynccontextmanager
async def transaction(pool: ConnectionPool) -> AsyncIterator[PostgresTransaction]:
    """A transaction of the scheduling service, facts and all: committed at the end, undone by any exception."""
    async with open_transaction(pool) as connection, joined(connection) as tx:
        yield tx


@asynccontextmanager
async def joined(connection: Connection) -> AsyncIterator[PostgresTransaction]:
    """Our repositories in the transaction `connection` has open; facts are appended at the end of the block."""
    tx = PostgresTransaction(connection)
    yield tx
    if tx.facts.forgotten:
        await forget(connection, topics=[ASSIGNMENT_TOPIC], keys=tx.facts.forgotten)
    await append_all(connection, tx.facts.messages)
