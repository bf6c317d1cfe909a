"""What facts of the events service leave here: `ports.Projections` over PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime

from libs.postgres.pool import Connection
from services.experts.domain.expert import Window
from services.experts.ports import Member


class PostgresProjections:
    """`ports.Projections`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def set_node_path(self, node: str, *, path: Sequence[str]) -> None:
        await self._connection.execute(
            """
            INSERT INTO node_paths (node, path) VALUES ($1, $2)
                ON CONFLICT ON CONSTRAINT node_paths_node DO UPDATE SET path = EXCLUDED.path
            """,
            node,
            list(path),
        )

    async def replace_team(
        self, event: str, team: Sequence[Member], *, node_path: Sequence[str], live: bool
    ) -> None:
        await self._connection.execute("DELETE FROM team_members WHERE event = $1", event)
        await self._connection.executemany(
            "INSERT INTO team_members (event, assignment, expert, node_path, live) VALUES ($1, $2, $3, $4, $5)",
            [(event, member.assignment, member.expert, list(node_path), live) for member in team],
        )

    async def record(
        self, event: str, team: Sequence[Member], *, period: Window, at: datetime
    ) -> None:
        minutes = int((period.end_time - period.start_time).total_seconds()) // 60
        await self._connection.executemany(
            """
            INSERT INTO service_records (assignment, expert, event, start_time, end_time, minutes, created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
                ON CONFLICT ON CONSTRAINT service_records_once
                DO UPDATE SET start_time = EXCLUDED.start_time, end_time = EXCLUDED.end_time,
                              minutes = EXCLUDED.minutes, created_at = EXCLUDED.created_at
            """,
            [
                (
                    member.assignment,
                    member.expert,
                    event,
                    period.start_time,
                    period.end_time,
                    minutes,
                    at,
                )
                for member in team
            ],
        )
