"""Assignments over PostgreSQL, where a constraint says once more that nobody is in two places at one time."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

from pydantic import TypeAdapter

from libs.postgres.constraints import refusals_by_constraint
from libs.postgres.pool import Connection
from services.scheduling.adapters.rounds import for_update
from services.scheduling.domain.assignment import (
    ENGAGED,
    Assignment,
    AssignmentNotFound,
    ExpertAlreadyBooked,
)
from services.scheduling.domain.inputs import Period
from services.scheduling.ports import AssignmentFilter

_ASSIGNMENT = TypeAdapter(Assignment)


class PostgresAssignments:
    """`ports.Assignments`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, assignments: Sequence[Assignment]) -> None:
        await self._connection.execute(
            "INSERT INTO expert_numbers (expert) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING",
            sorted({one.expert for one in assignments}),
        )
        with _bookings():
            await self._connection.execute(
                """
                INSERT INTO assignments (name, round, request, event, expert, expert_number, state, start_time, end_time,
                                         node_path, version, body)
                SELECT new.name, new.round, new.request, new.event, new.expert, number, new.state, new.start_time,
                       new.end_time, string_to_array(new.node_path, ' '), new.version, new.body::jsonb
                  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[],
                              $8::timestamptz[], $9::text[], $10::bigint[], $11::text[])
                    AS new (name, round, request, event, expert, state, start_time, end_time, node_path, version, body)
                  JOIN expert_numbers USING (expert)
                 ORDER BY new.name
                """,
                *zip(*(_row(one) for one in assignments), strict=True)
                if assignments
                else [()] * 11,
            )

    async def save(self, *assignments: Assignment) -> None:
        with _bookings():
            # two who change places overlap for a moment; what counts is how it ends
            await self._connection.execute("SET CONSTRAINTS assignments_no_overlap DEFERRED")
            await self._connection.executemany(
                """
                UPDATE assignments
                   SET event = $2, state = $3, start_time = $4, end_time = $5, version = $6, body = $7
                 WHERE name = $1
                """,
                [
                    (
                        one.name,
                        one.event,
                        one.state,
                        one.period.start_time,
                        one.period.end_time,
                        one.version,
                        _ASSIGNMENT.dump_json(one).decode(),
                    )
                    for one in assignments
                ],
            )
            await self._connection.execute("SET CONSTRAINTS assignments_no_overlap IMMEDIATE")

    async def get(self, name: str, *, lock: bool = False) -> Assignment:
        body = await self._connection.fetchval(
            f"SELECT body FROM assignments WHERE name = $1 {for_update(lock)}",  # noqa: S608  # our own words
            name,
        )
        if body is None:
            raise AssignmentNotFound("no such assignment", assignment=name)
        return _ASSIGNMENT.validate_json(body)

    async def of_round(self, round: str, *, lock: bool = False) -> Sequence[Assignment]:
        rows = await self._connection.fetch(
            f"SELECT body FROM assignments WHERE round = $1 ORDER BY name {for_update(lock)}",  # noqa: S608  # our own words
            round,
        )
        return [_ASSIGNMENT.validate_json(row["body"]) for row in rows]

    async def of_event(self, event: str) -> Sequence[Assignment]:
        rows = await self._connection.fetch(
            "SELECT body FROM assignments WHERE event = $1 ORDER BY name FOR UPDATE", event
        )
        return [_ASSIGNMENT.validate_json(row["body"]) for row in rows]

    async def of_expert(self, expert: str) -> Sequence[Assignment]:
        rows = await self._connection.fetch(
            "SELECT body FROM assignments WHERE expert = $1 ORDER BY name FOR UPDATE", expert
        )
        return [_ASSIGNMENT.validate_json(row["body"]) for row in rows]

    async def engaged(self, *, since: datetime) -> Sequence[Assignment]:
        rows = await self._connection.fetch(
            "SELECT body FROM assignments WHERE state = ANY($1) AND end_time > $2 ORDER BY name",
            list(ENGAGED),
            since,
        )
        return [_ASSIGNMENT.validate_json(row["body"]) for row in rows]

    async def busy(self, experts: Sequence[str], *, period: Period) -> Sequence[tuple[str, Period]]:
        rows = await self._connection.fetch(
            """
            SELECT expert, start_time, end_time
              FROM assignments
             WHERE expert = ANY($1) AND state = ANY($2) AND end_time > $3 AND start_time < $4
             ORDER BY start_time
            """,
            list(experts),
            list(ENGAGED),
            period.start_time,
            period.end_time,
        )
        return [(row["expert"], Period(row["start_time"], row["end_time"])) for row in rows]

    async def page(
        self, chosen: AssignmentFilter, *, after: tuple[str, str] | None, size: int
    ) -> Sequence[Assignment]:
        rows = await self._connection.fetch(
            """
            SELECT body
              FROM assignments
             WHERE ($1::text[] IS NULL OR node_path && $1 OR ($2 <> '' AND expert = $2))
               AND ($3 = '' OR round = $3)
               AND ($4 = '' OR expert = $4)
               AND (cardinality($5::text[]) = 0 OR state = ANY($5))
               AND ($6::text IS NULL OR (start_time, name) > ($6::text::timestamptz, $7::text))
             ORDER BY start_time, name
             LIMIT $8
            """,
            chosen.scope,
            chosen.own,
            chosen.round,
            chosen.expert,
            list(chosen.states),
            *(after or (None, None)),
            size,
        )
        return [_ASSIGNMENT.validate_json(row["body"]) for row in rows]

    async def next_decisions(self, requests: Sequence[str]) -> Mapping[str, int]:
        rows = await self._connection.fetch(
            """
            INSERT INTO decisions (request, version) SELECT request, 1 FROM unnest($1::text[]) AS request ORDER BY request
                ON CONFLICT ON CONSTRAINT decisions_request DO UPDATE SET version = decisions.version + 1
            RETURNING request, version
            """,
            list(requests),
        )
        return {row["request"]: row["version"] for row in rows}


@contextmanager
def _bookings() -> Iterator[None]:
    booked = ExpertAlreadyBooked("somebody has another assignment at that time")
    with refusals_by_constraint({"assignments_no_overlap": booked}):
        yield


def _row(one: Assignment) -> tuple[object, ...]:
    return (
        one.name,
        one.round,
        one.request,
        one.event,
        one.expert,
        one.state,
        one.period.start_time,
        one.period.end_time,
        " ".join(one.node_path),
        one.version,
        _ASSIGNMENT.dump_json(one).decode(),
    )
