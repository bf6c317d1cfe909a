"""The repositories over PostgreSQL: a thing is one JSON document, with columns beside it for what lists ask for."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date

from pydantic import TypeAdapter

from libs.errors import Conflict
from libs.geo.points import Point
from libs.postgres.constraints import refusals_by_constraint
from libs.postgres.pool import Connection
from libs.postgres.pool import Pool as ConnectionPool
from libs.postgres.pool import transaction as open_transaction
from services.experts.adapters.facts import OutboxFacts
from services.experts.domain.expert import (
    Expert,
    ExpertNotFound,
    Group,
    PersonalData,
    State,
    Window,
)
from services.experts.domain.pool import Pool, PoolNotFound
from services.experts.domain.talk import Talk, TalkNotFound
from services.experts.ports import ExpertFilter, ServiceRecord

_EXPERT = TypeAdapter(Expert)
_TALK = TypeAdapter(Talk)
_POOL = TypeAdapter(Pool)


class ExpertExists(Conflict):
    """An expert of this name is registered already."""


class TalkExists(Conflict):
    """A talk of this name is in the catalogue already."""


class PoolExists(Conflict):
    """A pool of this name is there already."""


class PostgresExperts:
    """`ports.Experts`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, expert: Expert, personal: PersonalData) -> None:
        with refusals_by_constraint(
            {"experts_name": ExpertExists("registered already", expert=expert.name)}
        ):
            await self._connection.execute(
                """
                INSERT INTO experts (name, display_name, role, state, topics, pools, version, body)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
                """,
                *_expert_row(expert),
            )
        await self.set_personal(expert.name, personal)

    async def get(self, name: str) -> Expert:
        return await self._get(name, "")

    async def get_for_update(self, name: str) -> Expert:
        return await self._get(name, "FOR UPDATE")

    async def _get(self, name: str, lock: str) -> Expert:
        body = await self._connection.fetchval(
            f"SELECT body FROM experts WHERE name = $1 {lock}",  # noqa: S608  # a constant
            name,
        )
        if body is None:
            raise ExpertNotFound("no such expert", expert=name)
        return _EXPERT.validate_json(body)

    async def save(self, expert: Expert) -> None:
        await self._connection.execute(
            """
            UPDATE experts
               SET display_name = $2, role = $3, state = $4, topics = $5, pools = $6, version = $7, body = $8
             WHERE name = $1
            """,
            *_expert_row(expert),
        )

    async def page(self, chosen: ExpertFilter, *, after: str | None, size: int) -> Sequence[Expert]:
        rows = await self._connection.fetch(
            """
            SELECT body
              FROM experts
             WHERE ($1::text IS NULL OR name > $1)
               AND ($2::text IS NULL OR role = $2)
               AND ($3 = '' OR topics @> ARRAY[$3])
               AND ($4 = '' OR pools @> ARRAY[$4])
               AND ($5 = '' OR strpos(lower(display_name), lower($5)) > 0)
               AND ($6 OR state <> 'WITHDRAWN')
             ORDER BY name
             LIMIT $7
            """,
            after,
            chosen.role,
            chosen.topic,
            chosen.pool,
            chosen.text,
            chosen.show_withdrawn,
            size,
        )
        return [_EXPERT.validate_json(row["body"]) for row in rows]

    async def personal(self, name: str) -> PersonalData | None:
        row = await self._connection.fetchrow(
            "SELECT phone, email, latitude, longitude FROM personal_data WHERE expert = $1", name
        )
        if row is None:
            return None
        return PersonalData(row["phone"], row["email"], Point(row["latitude"], row["longitude"]))

    async def set_personal(self, name: str, personal: PersonalData | None) -> None:
        if personal is None:
            await self._connection.execute("DELETE FROM personal_data WHERE expert = $1", name)
            return
        await self._connection.execute(
            """
            INSERT INTO personal_data (expert, phone, email, latitude, longitude)
            VALUES ($1, $2, $3, $4, $5)
                ON CONFLICT ON CONSTRAINT personal_data_one
                DO UPDATE SET phone = EXCLUDED.phone, email = EXCLUDED.email,
                              latitude = EXCLUDED.latitude, longitude = EXCLUDED.longitude
            """,
            name,
            personal.phone,
            personal.email,
            personal.home.lat,
            personal.home.lon,
        )

    async def windows(self, name: str, *, period: Window) -> Sequence[Window]:
        rows = await self._connection.fetch(
            """
            SELECT start_time, end_time
              FROM availability
             WHERE expert = $1 AND start_time < $3 AND end_time > $2
             ORDER BY start_time
            """,
            name,
            period.start_time,
            period.end_time,
        )
        return [Window(row["start_time"], row["end_time"]) for row in rows]

    async def replace_windows(
        self, name: str, *, period: Window, windows: Sequence[Window]
    ) -> None:
        await self._connection.execute(
            "DELETE FROM availability WHERE expert = $1 AND start_time >= $2 AND start_time < $3",
            name,
            period.start_time,
            period.end_time,
        )
        await self._connection.execute(
            """
            INSERT INTO availability (expert, start_time, end_time)
            SELECT $1, start_time, end_time
              FROM unnest($2::timestamptz[], $3::timestamptz[]) AS given (start_time, end_time)
            """,
            name,
            [window.start_time for window in windows],
            [window.end_time for window in windows],
        )

    async def is_in_team_for(self, name: str, *, nodes: Sequence[str]) -> bool:
        return bool(
            await self._connection.fetchval(
                "SELECT EXISTS (SELECT 1 FROM team_members WHERE expert = $1 AND live AND node_path && $2::text[])",
                name,
                list(nodes),
            )
        )

    async def records(
        self, name: str, *, after: tuple[str, str] | None, size: int
    ) -> Sequence[ServiceRecord]:
        rows = await self._connection.fetch(
            """
            SELECT assignment, event, start_time, end_time, minutes, created_at
              FROM service_records
             WHERE expert = $1
               AND ($2::text IS NULL OR (start_time, assignment) < ($2::text::timestamptz, $3::text))
             ORDER BY start_time DESC, assignment DESC
             LIMIT $4
            """,
            name,
            after[0] if after else None,
            after[1] if after else None,
            size,
        )
        return [
            ServiceRecord(
                name=f"{name}/serviceRecords/{row['assignment'].removeprefix('assignments/')}",
                assignment=row["assignment"],
                event=row["event"],
                period=Window(row["start_time"], row["end_time"]),
                minutes=row["minutes"],
                create_time=row["created_at"],
            )
            for row in rows
        ]

    async def node_path(self, node: str) -> list[str]:
        path: list[str] | None = await self._connection.fetchval(
            "SELECT path FROM node_paths WHERE node = $1", node
        )
        return path or [node]


class PostgresTalks:
    """`ports.Talks`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, talk: Talk) -> None:
        with refusals_by_constraint(
            {"talks_name": TalkExists("in the catalogue already", talk=talk.name)}
        ):
            await self._connection.execute(
                "INSERT INTO talks (name, expert, topic, next_expiry, body) VALUES ($1, $2, $3, $4, $5)",
                talk.name,
                talk.expert,
                talk.topic,
                _next_expiry(talk, None),
                _TALK.dump_json(talk).decode(),
            )

    async def get(self, name: str) -> Talk:
        body = await self._connection.fetchval("SELECT body FROM talks WHERE name = $1", name)
        if body is None:
            raise TalkNotFound("no such talk", talk=name)
        return _TALK.validate_json(body)

    async def save(self, talk: Talk, *, announced_until: date | None = None) -> None:
        await self._connection.execute(
            "UPDATE talks SET topic = $2, next_expiry = $3, body = $4 WHERE name = $1",
            talk.name,
            talk.topic,
            _next_expiry(talk, announced_until),
            _TALK.dump_json(talk).decode(),
        )

    async def of(self, expert: str) -> Sequence[Talk]:
        rows = await self._connection.fetch(
            "SELECT body FROM talks WHERE expert = $1 ORDER BY name", expert
        )
        return [_TALK.validate_json(row["body"]) for row in rows]

    async def page(
        self,
        *,
        expert: str | None,
        topic: str,
        approved_for: Group | None,
        on: date,
        after: str | None,
        size: int,
    ) -> Sequence[Talk]:
        found: list[Talk] = []
        # Whether a version is approved is the domain's to say, so pages are filled here until they are full.
        while len(found) < size:
            rows = await self._connection.fetch(
                """
                SELECT name, body
                  FROM talks
                 WHERE ($1::text IS NULL OR expert = $1)
                   AND ($2 = '' OR topic = $2)
                   AND ($3::text IS NULL OR name > $3)
                 ORDER BY name
                 LIMIT $4
                """,
                expert,
                topic,
                after,
                size,
            )
            for row in rows:
                talk = _TALK.validate_json(row["body"])
                if approved_for is None or any(
                    version.approved(group=approved_for, on=on) for version in talk.versions
                ):
                    found.append(talk)
            if len(rows) < size:
                break
            after = rows[-1]["name"]
        return found[:size]

    async def expired(self, *, on: date, size: int) -> Sequence[tuple[Talk, date]]:
        rows = await self._connection.fetch(
            """
            SELECT body, next_expiry
              FROM talks
             WHERE next_expiry <= $1
             ORDER BY next_expiry
             LIMIT $2
               FOR UPDATE SKIP LOCKED
            """,
            on,
            size,
        )
        return [(_TALK.validate_json(row["body"]), row["next_expiry"]) for row in rows]


class PostgresPools:
    """`ports.Pools`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, pool: Pool) -> None:
        with refusals_by_constraint({"pools_name": PoolExists("is there already", pool=pool.name)}):
            await self._connection.execute(
                "INSERT INTO pools (name, owner, version, body) VALUES ($1, $2, $3, $4)",
                *_pool_row(pool),
            )

    async def get_for_update(self, name: str) -> Pool:
        body = await self._connection.fetchval(
            "SELECT body FROM pools WHERE name = $1 FOR UPDATE", name
        )
        if body is None:
            raise PoolNotFound("no such pool", pool=name)
        return _POOL.validate_json(body)

    async def save(self, pool: Pool) -> None:
        await self._connection.execute(
            "UPDATE pools SET owner = $2, version = $3, body = $4 WHERE name = $1",
            *_pool_row(pool),
        )

    async def owners(self, names: Sequence[str]) -> Sequence[str]:
        rows = await self._connection.fetch(
            "SELECT DISTINCT owner FROM pools WHERE name = ANY($1)", list(names)
        )
        return [row["owner"] for row in rows]

    async def page(self, *, owner: str, after: str | None, size: int) -> Sequence[Pool]:
        rows = await self._connection.fetch(
            """
            SELECT body
              FROM pools
             WHERE ($1 = '' OR owner = $1) AND ($2::text IS NULL OR name > $2)
             ORDER BY name
             LIMIT $3
            """,
            owner,
            after,
            size,
        )
        return [_POOL.validate_json(row["body"]) for row in rows]


class PostgresTransaction:
    """`ports.Transaction`, and the connection for what belongs to the kit."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.experts = PostgresExperts(connection)
        self.talks = PostgresTalks(connection)
        self.pools = PostgresPools(connection)
        self.facts = OutboxFacts(connection, experts=self.experts, talks=self.talks)


@asynccontextmanager
async def transaction(pool: ConnectionPool) -> AsyncIterator[PostgresTransaction]:
    """A transaction of the experts service: committed at the end of the block, undone by any exception."""
    async with open_transaction(pool) as connection:
        yield PostgresTransaction(connection)


def _expert_row(expert: Expert) -> tuple[object, ...]:
    return (
        expert.name,
        expert.display_name,
        expert.role,
        expert.state or State.ACTIVE,
        [skill.topic for skill in expert.skills],
        [member.pool for member in expert.memberships],
        expert.version,
        _EXPERT.dump_json(expert).decode(),
    )


def _pool_row(pool: Pool) -> tuple[object, ...]:
    return pool.name, pool.owner, pool.version, _POOL.dump_json(pool).decode()


def _next_expiry(talk: Talk, announced_until: date | None) -> date | None:
    days = [day for version in talk.versions if (day := version.ends()) is not None]
    return min(
        (day for day in days if announced_until is None or day > announced_until), default=None
    )
