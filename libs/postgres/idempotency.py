"""A repeated request gets the first one's answer: the table of answers, kept in the caller's transaction."""

from datetime import datetime

from libs.errors import Conflict
from libs.postgres.pool import Connection


class RequestIdReused(Conflict):
    """The request id was used before, by the same caller, for another request."""


async def claim(
    connection: Connection, *, principal: str, request_id: str, method: str, body_hash: bytes
) -> bytes | None:
    """The answer given before to this very request; None when it is new and now this transaction's to answer.

    Two at once: the second waits until the first commits, then gets its answer (or, if it was undone, the claim).

    Raises:
        RequestIdReused: the same id came with another method or body.
    """
    assert connection.is_in_transaction(), "a claim outside a transaction outlives a failed request"
    claimed = await connection.fetchval(
        """
        INSERT INTO idempotency (principal, request_id, method, body_hash)
        VALUES ($1, $2, $3, $4)
            ON CONFLICT ON CONSTRAINT idempotency_once DO NOTHING
        RETURNING true
        """,
        principal,
        request_id,
        method,
        body_hash,
    )
    if claimed:
        return None
    row = await connection.fetchrow(
        "SELECT method, body_hash, response FROM idempotency WHERE principal = $1 AND request_id = $2",
        principal,
        request_id,
    )
    assert row is not None, (
        "an answer vanished between two statements: retention must not be this short"
    )
    if (row["method"], row["body_hash"]) != (method, body_hash):
        raise RequestIdReused("this request id was used for another request", request_id=request_id)
    response: bytes | None = row["response"]
    assert response is not None, "a claim was committed without its answer"
    return response


async def keep(connection: Connection, *, principal: str, request_id: str, response: bytes) -> None:
    """Store the answer to a request claimed in this transaction."""
    await connection.execute(
        "UPDATE idempotency SET response = $3 WHERE principal = $1 AND request_id = $2",
        principal,
        request_id,
        response,
    )


async def forget(connection: Connection, *, before: datetime) -> int:
    """Drop answers given before `before`; gives how many. Callers must not retry for longer than that."""
    done = await connection.execute("DELETE FROM idempotency WHERE created_at < $1", before)
    return int(done.rpartition(" ")[2])


async def forget_answers(connection: Connection, *, principal: str, but: str) -> None:
    """Drop what `principal` was answered, for there may be something personal in it; the call with the id `but` goes on."""
    await connection.execute(
        "DELETE FROM idempotency WHERE principal = $1 AND request_id <> $2", principal, but
    )
