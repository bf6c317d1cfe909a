"""The outbox: what is to be announced is written in the transaction that makes it true."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from libs.postgres.pool import Connection
from libs.telemetry import current_traceparent

CHANNEL = "zhihui_outbox"
"""NOTIFY on it wakes relays; the payload is the schema whose outbox has news."""
TOMBSTONE = "tombstone"
"""Type of a fact without a payload that says so; any other one without was forgotten before it went out."""


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A fact on its way out."""

    message_id: UUID
    """Set once, at the cause; a replay has the same."""
    topic: str
    key: str
    """Resource name of the thing it is about: `requests/…`. Facts of one key stay in order."""
    type: str
    """Full name of the payload's message: `zhihui.events.v1.RequestSubmitted`."""
    version: int
    """Of the thing, after the change; older ones are dropped by consumers."""
    occurred_at: datetime
    payload: bytes | None
    """The message in protobuf; None is a tombstone: the thing is to be forgotten."""
    traceparent: str | None = field(default_factory=current_traceparent)
    """Of the call or fact that is its cause."""


async def forget(connection: Connection, *, topics: Sequence[str], keys: Sequence[str]) -> None:
    """Let nothing that was written of `keys` so far come out (again); newer facts of theirs say what is left of it.

    What was published is not replayed, and what waits still is never published, unless a relay has it in hand.
    """
    await connection.execute(
        "UPDATE outbox SET payload = NULL WHERE topic = ANY($1) AND key = ANY($2) AND payload IS NOT NULL",
        list(topics),
        list(keys),
    )


async def append(connection: Connection, message: OutgoingMessage) -> None:
    """Add `message` to the outbox, in the transaction `connection` already has open.

    The relay publishes it after commit, at least once. Consumers drop repeats by `message_id`.

    Raises:
        asyncpg.UniqueViolationError: this `message_id` was appended before.
    """
    await append_all(connection, [message])


async def append_all(connection: Connection, messages: Sequence[OutgoingMessage]) -> None:
    """Add `messages` in their order, as `append` does; one statement for any number of them."""
    if not messages:
        return
    assert connection.is_in_transaction(), "a message outside a transaction outlives its cause"
    columns = zip(
        *(
            (
                message.message_id,
                message.topic,
                message.key,
                message.type,
                message.version,
                message.occurred_at,
                message.payload,
                message.traceparent,
            )
            for message in messages
        ),
        strict=True,
    )
    await connection.execute(
        """
        INSERT INTO outbox (message_id, topic, key, type, version, occurred_at, payload, traceparent)
        SELECT message_id, topic, key, type, version, occurred_at, payload, traceparent
          FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::timestamptz[], $7::bytea[], $8::text[])
               WITH ORDINALITY
            AS fact (message_id, topic, key, type, version, occurred_at, payload, traceparent, nth)
         ORDER BY nth
        """,
        *columns,
    )
    await connection.execute("SELECT pg_notify($1, current_schema())", CHANNEL)
