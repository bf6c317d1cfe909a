"""What the other services have announced, one JSON document each, over PostgreSQL."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from libs.postgres.pool import Connection
from services.scheduling.domain import inputs
from services.scheduling.domain.assignment import ENGAGED

_EXPERT = TypeAdapter(inputs.Expert)
_POOL = TypeAdapter(inputs.Pool)
_NODE = TypeAdapter(inputs.Node)
_VENUE = TypeAdapter(inputs.Venue)
_REQUEST = TypeAdapter(inputs.Request)


class PostgresWorld:
    """`ports.World`. The consumer hands facts on in the order of their versions, so the last one written is the newest."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def keep_expert(self, expert: inputs.Expert, *, version: int) -> None:
        await self._keep("experts", expert.name, version, _EXPERT.dump_json(expert))

    async def forget_expert(self, name: str) -> None:
        await self._connection.execute("DELETE FROM experts WHERE name = $1", name)

    async def keep_pool(self, pool: inputs.Pool, *, version: int) -> None:
        await self._keep("pools", pool.name, version, _POOL.dump_json(pool))

    async def keep_node(self, node: inputs.Node, *, version: int) -> None:
        await self._keep("nodes", node.name, version, _NODE.dump_json(node))

    async def keep_venue(self, venue: inputs.Venue, *, version: int) -> None:
        await self._keep("venues", venue.name, version, _VENUE.dump_json(venue))

    async def keep_request(self, request: inputs.Request, *, version: int) -> None:
        await self._connection.execute(
            """
            INSERT INTO requests (name, version, state, node_path, programme, body) VALUES ($1, $2, $3, $4, $5, $6)
                ON CONFLICT ON CONSTRAINT requests_name
                DO UPDATE SET version = EXCLUDED.version, state = EXCLUDED.state, node_path = EXCLUDED.node_path,
                              programme = EXCLUDED.programme, body = EXCLUDED.body
            """,
            request.name,
            version,
            request.state or "",
            list(request.node_path),
            request.programme,
            _REQUEST.dump_json(request).decode(),
        )

    async def experts(self) -> Sequence[inputs.Expert]:
        rows = await self._connection.fetch("SELECT body FROM experts ORDER BY name")
        return [_EXPERT.validate_json(row["body"]) for row in rows]

    async def expert_versions(self) -> Mapping[str, int]:
        rows = await self._connection.fetch("SELECT name, version FROM experts")
        return {row["name"]: row["version"] for row in rows}

    async def experts_of(self, names: Sequence[str]) -> Sequence[inputs.Expert]:
        rows = await self._connection.fetch(
            "SELECT body FROM experts WHERE name = ANY($1) ORDER BY name", list(names)
        )
        return [_EXPERT.validate_json(row["body"]) for row in rows]

    async def waiting_versions(self) -> Mapping[str, int]:
        rows = await self._connection.fetch(
            """
            SELECT name, version
              FROM requests
             WHERE state IN ('ENDORSED', 'UNSERVED')
               AND NOT EXISTS (SELECT 1 FROM round_requests WHERE request = requests.name AND running)
               AND NOT EXISTS (SELECT 1 FROM assignments WHERE request = requests.name AND state = ANY($1))
            """,
            list(ENGAGED),
        )
        return {row["name"]: row["version"] for row in rows}

    async def pools(self) -> Mapping[str, inputs.Pool]:
        rows = await self._connection.fetch("SELECT name, body FROM pools ORDER BY name")
        return {row["name"]: _POOL.validate_json(row["body"]) for row in rows}

    async def nodes(self) -> Mapping[str, inputs.Node]:
        rows = await self._connection.fetch("SELECT name, body FROM nodes ORDER BY name")
        return {row["name"]: _NODE.validate_json(row["body"]) for row in rows}

    async def venues(self, names: Sequence[str]) -> Mapping[str, inputs.Venue]:
        rows = await self._connection.fetch(
            "SELECT name, body FROM venues WHERE name = ANY($1)", list(names)
        )
        return {row["name"]: _VENUE.validate_json(row["body"]) for row in rows}

    async def requests(self, names: Sequence[str]) -> Mapping[str, inputs.Request]:
        rows = await self._connection.fetch(
            "SELECT name, body FROM requests WHERE name = ANY($1)", list(names)
        )
        return {row["name"]: _REQUEST.validate_json(row["body"]) for row in rows}

    async def waiting(
        self, *, nodes: Sequence[str], programmes: Sequence[str]
    ) -> Sequence[inputs.Request]:
        rows = await self._connection.fetch(
            """
            SELECT body
              FROM requests
             WHERE state IN ('ENDORSED', 'UNSERVED')
               AND (cardinality($1::text[]) = 0 OR node_path && $1)
               AND (cardinality($2::text[]) = 0 OR programme = ANY($2))
               AND NOT EXISTS (SELECT 1 FROM round_requests WHERE request = requests.name AND running)
               AND NOT EXISTS (SELECT 1 FROM assignments WHERE request = requests.name AND state = ANY($3))
             ORDER BY name
            """,
            list(nodes),
            list(programmes),
            list(ENGAGED),
        )
        return [_REQUEST.validate_json(row["body"]) for row in rows]

    async def node_path(self, name: str) -> Sequence[str]:
        body = await self._connection.fetchval("SELECT body FROM nodes WHERE name = $1", name)
        return _NODE.validate_json(body).path if body else (name,)

    async def submitted(self, *, nodes: Sequence[str]) -> Sequence[inputs.Request]:
        rows = await self._connection.fetch(
            """
            SELECT body
              FROM requests
             WHERE state = 'SUBMITTED' AND (cardinality($1::text[]) = 0 OR node_path && $1)
             ORDER BY name
             LIMIT 1000
            """,
            list(nodes),
        )
        return [_REQUEST.validate_json(row["body"]) for row in rows]

    async def _keep(self, table: str, name: str, version: int, body: Any) -> None:
        await self._connection.execute(
            f"""
            INSERT INTO {table} (name, version, body) VALUES ($1, $2, $3)
                ON CONFLICT ON CONSTRAINT {table}_name
                DO UPDATE SET version = EXCLUDED.version, body = EXCLUDED.body
            """,  # noqa: S608  # our own names
            name,
            version,
            body.decode(),
        )
