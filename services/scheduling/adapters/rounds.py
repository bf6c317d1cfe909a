"""Rounds, runs and plans over PostgreSQL: a thing is one JSON document, with columns beside it for what is asked for."""

import asyncio
import dataclasses
import zlib
from collections.abc import Mapping, Sequence
from datetime import date

from pydantic import TypeAdapter

from libs.errors import Conflict
from libs.postgres.constraints import refusals_by_constraint
from libs.postgres.pool import Connection
from services.scheduling.domain.coverage import Coverage, Key
from services.scheduling.domain.inputs import Group
from services.scheduling.domain.round import Round, RoundNotFound
from services.scheduling.domain.run import (
    AnotherRunWorks,
    LeaseLost,
    PlanNotFound,
    PlanRecord,
    Progress,
    Run,
    RunNotFound,
    SupplySignal,
    Unserved,
)
from services.scheduling.ports import Scope, StoredPlan

_ROUND = TypeAdapter(Round)
_RUN = TypeAdapter(Run)
_PROGRESS = TypeAdapter(Progress)
_PLAN = TypeAdapter(PlanRecord)
_UNSERVED = TypeAdapter(Unserved)
_SUPPLY = TypeAdapter(tuple[SupplySignal, ...])


class RoundExists(Conflict):
    """A round of this name is there already."""


class RequestInAnotherRound(Conflict):
    """A request was frozen into another round at the same moment; freeze again."""


class PostgresRounds:
    """`ports.Rounds`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, round: Round, *, scope: Sequence[str]) -> None:
        with refusals_by_constraint(
            {"rounds_name": RoundExists("is there already", round=round.name)}
        ):
            await self._connection.execute(
                "INSERT INTO rounds (name, state, scope, create_time, version, body) VALUES ($1, $2, $3, $4, $5, $6)",
                round.name,
                round.state,
                list(scope),
                round.create_time,
                round.version,
                _ROUND.dump_json(round).decode(),
            )

    async def get(self, name: str, *, scope: Scope, lock: bool = False) -> Round:
        body = await self._connection.fetchval(
            f"SELECT body FROM rounds WHERE name = $1 AND ($2::text[] IS NULL OR scope && $2) {for_update(lock)}",  # noqa: S608  # our own words
            name,
            scope,
        )
        if body is None:
            raise RoundNotFound("no such round", round=name)
        return _ROUND.validate_json(body)

    async def save(self, round: Round) -> None:
        await self._connection.execute(
            "UPDATE rounds SET state = $2, version = $3, body = $4 WHERE name = $1",
            round.name,
            round.state,
            round.version,
            _ROUND.dump_json(round).decode(),
        )

    async def page(
        self, *, scope: Scope, after: tuple[str, str] | None, size: int
    ) -> Sequence[Round]:
        rows = await self._connection.fetch(
            """
            SELECT body
              FROM rounds
             WHERE ($1::text[] IS NULL OR scope && $1)
               AND ($2::text IS NULL OR (create_time, name) < ($2::text::timestamptz, $3::text))
             ORDER BY create_time DESC, name DESC
             LIMIT $4
            """,
            scope,
            *(after or (None, None)),
            size,
        )
        return [_ROUND.validate_json(row["body"]) for row in rows]

    async def next_open(self, node_path: Sequence[str], *, on: date) -> Round | None:
        body = await self._connection.fetchval(
            """
            SELECT body
              FROM rounds
             WHERE state = 'OPEN'
               AND (jsonb_array_length(body->'nodes') = 0 OR body->'nodes' ?| $1::text[])
               AND (body->'horizon'->>'end_date')::date > $2
             ORDER BY body->'horizon'->>'start_date', name
             LIMIT 1
            """,
            list(node_path),
            on,
        )
        return None if body is None else _ROUND.validate_json(body)

    async def claim(self, round: str, requests: Sequence[str]) -> None:
        with refusals_by_constraint(
            {"round_requests_one_round": RequestInAnotherRound("freeze again", round=round)}
        ):
            await self._connection.execute(
                "INSERT INTO round_requests (round, request, running) SELECT $1, unnest($2::text[]), true",
                round,
                list(requests),
            )

    async def requests(self, round: str) -> Sequence[str]:
        rows = await self._connection.fetch(
            "SELECT request FROM round_requests WHERE round = $1 ORDER BY request", round
        )
        return [row["request"] for row in rows]

    async def release(self, round: str) -> None:
        await self._connection.execute(
            "UPDATE round_requests SET running = false WHERE round = $1", round
        )

    async def keep_snapshot(self, inputs_hash: str, problem: bytes, legend: bytes) -> None:
        packed = await asyncio.gather(
            *(asyncio.to_thread(zlib.compress, part) for part in (problem, legend))
        )
        await self._connection.execute(
            """
            INSERT INTO snapshots (inputs_hash, problem, legend) VALUES ($1, $2, $3)
                ON CONFLICT ON CONSTRAINT snapshots_hash DO NOTHING
            """,
            inputs_hash,
            *packed,
        )

    async def snapshot(self, inputs_hash: str) -> tuple[bytes, bytes]:
        row = await self._connection.fetchrow(
            "SELECT problem, legend FROM snapshots WHERE inputs_hash = $1", inputs_hash
        )
        assert row is not None, "a frozen round has its inputs: they are stored in one transaction"
        return zlib.decompress(row["problem"]), zlib.decompress(row["legend"])

    async def debts(self) -> Mapping[Key, int]:
        rows = await self._connection.fetch(
            'SELECT district, "group", debt FROM debts WHERE debt > 0'
        )
        return {(row["district"], Group(row["group"])): row["debt"] for row in rows}

    async def set_debts(self, debts: Mapping[Key, int]) -> None:
        await self._connection.executemany(
            """
            INSERT INTO debts (district, "group", debt) VALUES ($1, $2, $3)
                ON CONFLICT ON CONSTRAINT debts_once DO UPDATE SET debt = EXCLUDED.debt
            """,
            [(district, group, debt) for (district, group), debt in debts.items()],
        )

    async def keep_coverage(self, round: str, coverage: Sequence[Coverage]) -> None:
        await self._connection.execute("DELETE FROM coverage WHERE round = $1", round)
        await self._connection.executemany(
            'INSERT INTO coverage (round, district, "group", target, served, carried) VALUES ($1, $2, $3, $4, $5, $6)',
            [
                (round, one.district, one.group, one.target, one.served, one.carried)
                for one in coverage
            ],
        )

    async def coverage(
        self, round: str, *, after: tuple[str, str] | None, size: int
    ) -> Sequence[Coverage]:
        rows = await self._connection.fetch(
            """
            SELECT district, "group", target, served, carried
              FROM coverage
             WHERE round = $1 AND ($2::text IS NULL OR (district, "group") > ($2, $3::text))
             ORDER BY district, "group"
             LIMIT $4
            """,
            round,
            *(after or (None, None)),
            size,
        )
        return [
            Coverage(
                row["district"], Group(row["group"]), row["target"], row["served"], row["carried"]
            )
            for row in rows
        ]


class PostgresRuns:
    """`ports.Runs`. The clock of leases is the database's: workers' clocks need not agree."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, run: Run) -> None:
        with refusals_by_constraint(
            {"runs_one_at_a_time": AnotherRunWorks("stop that one first", round=run.round)}
        ):
            await self._connection.execute(
                "INSERT INTO runs (name, round, state, create_time, body) VALUES ($1, $2, $3, $4, $5)",
                run.name,
                run.round,
                run.state,
                run.create_time,
                _RUN.dump_json(run).decode(),
            )

    async def get(self, name: str, *, lock: bool = False) -> Run:
        row = await self._connection.fetchrow(
            f"""
            SELECT body, (SELECT body FROM run_progress WHERE run = name ORDER BY number DESC LIMIT 1) AS progress
              FROM runs
             WHERE name = $1
             {for_update(lock)}
            """,  # noqa: S608  # our own words
            name,
        )
        if row is None:
            raise RunNotFound("no such run", run=name)
        return _run(row["body"], row["progress"])

    async def save(self, run: Run) -> None:
        await self._connection.execute(
            "UPDATE runs SET state = $2, body = $3, lease_until = NULL WHERE name = $1",
            run.name,
            run.state,
            _RUN.dump_json(run).decode(),
        )

    async def keep(self, run: Run) -> None:
        await self._connection.execute(
            "UPDATE runs SET body = $2 WHERE name = $1", run.name, _RUN.dump_json(run).decode()
        )

    async def hold(self, run: Run) -> None:
        held = await self._connection.fetchval(
            """
            SELECT name
              FROM runs
             WHERE name = $1 AND state = 'WORKING' AND (body->>'attempts')::integer = $2
               FOR UPDATE
            """,
            run.name,
            run.attempts,
        )
        if held is None:
            raise LeaseLost(run.name)

    async def page(self, round: str, *, after: tuple[str, str] | None, size: int) -> Sequence[Run]:
        rows = await self._connection.fetch(
            """
            SELECT body, (SELECT body FROM run_progress WHERE run = name ORDER BY number DESC LIMIT 1) AS progress
              FROM runs
             WHERE round = $1 AND ($2::text IS NULL OR (create_time, name) < ($2::text::timestamptz, $3::text))
             ORDER BY create_time DESC, name DESC
             LIMIT $4
            """,
            round,
            *(after or (None, None)),
            size,
        )
        return [_run(row["body"], row["progress"]) for row in rows]

    async def lease(self, *, seconds: float) -> Run | None:
        body = await self._connection.fetchval(
            """
            SELECT body
              FROM runs
             WHERE state = 'QUEUED' OR (state = 'WORKING' AND lease_until < now())
             ORDER BY create_time
             LIMIT 1
               FOR UPDATE SKIP LOCKED
            """
        )
        if body is None:
            return None
        run = _RUN.validate_json(body).taken()
        await self._connection.execute(
            """
            UPDATE runs SET state = $2, body = $3, lease_until = now() + make_interval(secs => $4)
             WHERE name = $1
            """,
            run.name,
            run.state,
            _RUN.dump_json(run).decode(),
            seconds,
        )
        return run

    async def beat(self, run: Run, *, seconds: float, incumbent: bytes | None) -> bool:
        stopping = await self._connection.fetchval(
            """
            UPDATE runs
               SET lease_until = now() + make_interval(secs => $3), incumbent = coalesce($4, incumbent)
             WHERE name = $1 AND state = 'WORKING' AND (body->>'attempts')::integer = $2
            RETURNING (body->>'stopping')::boolean
            """,
            run.name,
            run.attempts,
            seconds,
            incumbent,
        )
        if stopping is None:
            raise LeaseLost(run.name)
        return bool(stopping)

    async def any_queued(self) -> bool:
        return bool(
            await self._connection.fetchval(
                "SELECT EXISTS (SELECT 1 FROM runs WHERE state = 'QUEUED')"
            )
        )

    async def incumbent(self, name: str) -> bytes | None:
        kept: bytes | None = await self._connection.fetchval(
            "SELECT incumbent FROM runs WHERE name = $1", name
        )
        return kept

    async def report(self, run: str, progress: Sequence[Progress]) -> None:
        await self._connection.executemany(
            "INSERT INTO run_progress (run, number, body) VALUES ($1, $2, $3)",
            [(run, one.number, _PROGRESS.dump_json(one).decode()) for one in progress],
        )

    async def progress(self, run: str, *, after: int, size: int = 500) -> Sequence[Progress]:
        rows = await self._connection.fetch(
            "SELECT body FROM run_progress WHERE run = $1 AND number > $2 ORDER BY number LIMIT $3",
            run,
            after,
            size,
        )
        return [_PROGRESS.validate_json(row["body"]) for row in rows]


class PostgresPlans:
    """`ports.Plans`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, plan: StoredPlan, unserved: Sequence[Unserved]) -> None:
        record = plan.record
        await self._connection.execute(
            "INSERT INTO plans (name, round, create_time, body, plan, certificate) VALUES ($1, $2, $3, $4, $5, $6)",
            record.name,
            record.round,
            record.create_time,
            _PLAN.dump_json(record).decode(),
            plan.plan,
            plan.certificate,
        )
        await self._connection.executemany(
            "INSERT INTO plan_unserved (plan, position, request, body) VALUES ($1, $2, $3, $4)",
            [
                (record.name, position, one.request, _UNSERVED.dump_json(one).decode())
                for position, one in enumerate(unserved)
            ],
        )

    async def get(self, name: str) -> StoredPlan:
        row = await self._connection.fetchrow(
            "SELECT body, plan, certificate FROM plans WHERE name = $1", name
        )
        if row is None:
            raise PlanNotFound("no such plan", plan=name)
        return StoredPlan(_PLAN.validate_json(row["body"]), row["plan"], row["certificate"])

    async def page(
        self, round: str, *, after: tuple[str, str] | None, size: int
    ) -> Sequence[PlanRecord]:
        rows = await self._connection.fetch(
            """
            SELECT body
              FROM plans
             WHERE round = $1 AND ($2::text IS NULL OR (create_time, name) < ($2::text::timestamptz, $3::text))
             ORDER BY create_time DESC, name DESC
             LIMIT $4
            """,
            round,
            *(after or (None, None)),
            size,
        )
        return [_PLAN.validate_json(row["body"]) for row in rows]

    async def unserved(self, plan: str, *, after: int, size: int) -> Sequence[Unserved]:
        rows = await self._connection.fetch(
            "SELECT body FROM plan_unserved WHERE plan = $1 AND position >= $2 ORDER BY position LIMIT $3",
            plan,
            after,
            size,
        )
        return [_UNSERVED.validate_json(row["body"]) for row in rows]

    async def unserved_one(self, plan: str, request: str) -> Unserved | None:
        body = await self._connection.fetchval(
            "SELECT body FROM plan_unserved WHERE plan = $1 AND request = $2", plan, request
        )
        return _UNSERVED.validate_json(body) if body else None

    async def keep_unserved(self, plan: str, unserved: Unserved) -> None:
        await self._connection.execute(
            "UPDATE plan_unserved SET body = $3 WHERE plan = $1 AND request = $2",
            plan,
            unserved.request,
            _UNSERVED.dump_json(unserved).decode(),
        )

    async def supply(self, plan: str) -> Sequence[SupplySignal] | None:
        found = await self._connection.fetchval(
            "SELECT signals FROM plan_supply WHERE plan = $1", plan
        )
        return None if found is None else _SUPPLY.validate_json(found)

    async def keep_supply(self, plan: str, signals: Sequence[SupplySignal]) -> None:
        await self._connection.execute(
            """
            INSERT INTO plan_supply (plan, signals) VALUES ($1, $2)
                ON CONFLICT ON CONSTRAINT plan_supply_once DO NOTHING
            """,
            plan,
            _SUPPLY.dump_json(tuple(signals)).decode(),
        )


def for_update(lock: bool) -> str:
    """The end of a query that locks its rows, or not."""
    return "FOR UPDATE" if lock else ""


def _run(body: str, progress: str | None) -> Run:
    run = _RUN.validate_json(body)
    if progress is None:
        return run
    return dataclasses.replace(run, progress=_PROGRESS.validate_json(progress))
