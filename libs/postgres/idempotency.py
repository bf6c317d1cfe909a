"""A repeated request gets the first one's answer: the table of answers, kept in the caller's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from asyncpg import Record

from libs.errors import Conflict
from libs.postgres.pool import Connection


class RequestIdReused(Conflict):
    """The request id was used before, by the same caller, for another request."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A request that has an id of its caller's."""

    principal: str
    request_id: str
    method: str
    body_hash: bytes


async def claim(
    connection: Connection, claims: Sequence[Claim]
) -> Sequence[bytes | RequestIdReused | None]:
    """For each the answer given before to this very request; None when it is new and now this transaction's to answer.

    No two are of the same caller and id. Two transactions at once: the second waits until the first commits, then gets its
    answer (or, if it was undone, the claim). RequestIdReused: the same id came with another method or body.
    """
    assert connection.is_in_transaction(), "a claim outside a transaction outlives a failed request"
    if not claims:
        return []
    in_order = sorted(
        claims, key=lambda one: (one.principal, one.request_id)
    )  # or two could deadlock
    claimed = await connection.fetch(
        """
        INSERT INTO idempotency (principal, request_id, method, body_hash)
        SELECT principal, request_id, method, body_hash
          FROM unnest($1::text[], $2::text[], $3::text[], $4::bytea[])
               AS asked (principal, request_id, method, body_hash)
            ON CONFLICT ON CONSTRAINT idempotency_once DO NOTHING
        RETURNING principal, request_id
        """,
        [one.principal for one in in_order],
        [one.request_id for one in in_order],
        [one.method for one in in_order],
        [one.body_hash for one in in_order],
    )
    new = {(row["principal"], row["request_id"]) for row in claimed}
    old = [one for one in claims if (one.principal, one.request_id) not in new]
    if not old:
        return [None for _ in claims]
    rows = await connection.fetch(
        """
        SELECT principal, request_id, method, body_hash, response
          FROM idempotency
          JOIN unnest($1::text[], $2::text[]) AS old (principal, request_id) USING (principal, request_id)
        """,
        [one.principal for one in old],
        [one.request_id for one in old],
    )
    known = {(row["principal"], row["request_id"]): row for row in rows}
    assert len(known) == len(old), (
        "an answer vanished between two statements: retention must not be this short"
    )
    return [
        None if key in new else _answer(one, known[key])
        for one in claims
        for key in [(one.principal, one.request_id)]
    ]


def _answer(claim: Claim, row: Record) -> bytes | RequestIdReused:
    if (row["method"], row["body_hash"]) != (claim.method, claim.body_hash):
        return RequestIdReused(
            "this request id was used for another request", request_id=claim.request_id
        )
    response: bytes | None = row["response"]
    assert response is not None, "a claim was committed without its answer"
    return response


async def keep(connection: Connection, answers: Sequence[tuple[Claim, bytes]]) -> None:
    """Store the answers to requests claimed in this transaction."""
    if not answers:
        return
    await connection.execute(
        """
        UPDATE idempotency
           SET response = given.response
          FROM unnest($1::text[], $2::text[], $3::bytea[]) AS given (principal, request_id, response)
         WHERE idempotency.principal = given.principal AND idempotency.request_id = given.request_id
        """,
        [one.principal for one, _ in answers],
        [one.request_id for one, _ in answers],
        [response for _, response in answers],
    )


async def give_up(connection: Connection, claims: Sequence[Claim]) -> None:
    """Forget requests that were claimed in this transaction and then refused: they may come again, mended."""
    if not claims:
        return
    await connection.execute(
        """
        DELETE FROM idempotency
         USING unnest($1::text[], $2::text[]) AS given (principal, request_id)
         WHERE idempotency.principal = given.principal AND idempotency.request_id = given.request_id
        """,
        [one.principal for one in claims],
        [one.request_id for one in claims],
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
