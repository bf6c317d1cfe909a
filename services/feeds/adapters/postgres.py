"""The repositories over PostgreSQL, what facts leave behind, and the deliveries that are due."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from libs.postgres.pool import Connection, Pool, acquired
from libs.postgres.pool import transaction as open_transaction
from services.feeds.domain.calendar import Calendar, CalendarNotFound, Entry, SubjectNotFound
from services.feeds.domain.webhook import (
    DELIVERIES_KEPT,
    OLD_SECRET,
    Answer,
    Delivery,
    DeliveryState,
    Webhook,
    WebhookNotFound,
    WebhookState,
    after_attempt,
    notice_of,
)

_WEBHOOK = """
    SELECT name, url, topics, owner, state, notice, create_time
         , (SELECT count(*) FROM deliveries WHERE webhook = webhooks.name AND state = 'WAITING') AS waiting
         , (SELECT count(*) FROM deliveries WHERE webhook = webhooks.name AND state = 'FAILED') AS failed
      FROM webhooks
"""


def _webhook(row: Any) -> Webhook:
    return Webhook(**{**row, "topics": tuple(row["topics"]), "state": WebhookState(row["state"])})


def _delivery(row: Any) -> Delivery:
    return Delivery(
        name=f"{row['webhook']}/deliveries/{row['number']}",
        message_id=str(row["message_id"]),
        type=row["type"],
        topic=row["topic"],
        key=row["key"],
        state=DeliveryState(row["state"]),
        attempts=row["attempts"],
        create_time=row["create_time"],
        last_status=row["last_status"],
        last_error=row["last_error"],
        next_time=row["next_time"],
    )


class PostgresWebhooks:
    """`ports.Webhooks`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, webhook: Webhook, *, secret: str) -> None:
        await self._connection.execute(
            """
            INSERT INTO webhooks (name, url, topics, owner, state, secret, create_time)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            """,
            webhook.name,
            webhook.url,
            list(webhook.topics),
            webhook.owner,
            webhook.state,
            secret,
            webhook.create_time,
        )

    async def get(self, name: str) -> Webhook:
        row = await self._connection.fetchrow(
            f"{_WEBHOOK} WHERE name = $1 FOR UPDATE",  # a constant
            name,
        )
        if row is None:
            raise WebhookNotFound("no such webhook", webhook=name)
        return _webhook(row)

    async def page(self, *, owner: str | None, after: str | None, size: int) -> Sequence[Webhook]:
        rows = await self._connection.fetch(
            f"""
            {_WEBHOOK}
             WHERE ($1::text IS NULL OR owner = $1)
               AND ($2::text IS NULL OR name > $2)
             ORDER BY name
             LIMIT $3
            """,
            owner,
            after,
            size,
        )
        return [_webhook(row) for row in rows]

    async def set_state(self, name: str, state: WebhookState, *, notice: str = "") -> None:
        await self._connection.execute(
            "UPDATE webhooks SET state = $2, notice = $3 WHERE name = $1", name, state, notice
        )

    async def set_secret(self, name: str, secret: str, *, now: datetime) -> None:
        await self._connection.execute(
            """
            UPDATE webhooks
               SET secret_before = secret, secret = $2, secret_changed_at = $3
             WHERE name = $1
            """,
            name,
            secret,
            now,
        )

    async def remove(self, name: str) -> None:
        await self._connection.execute("DELETE FROM webhooks WHERE name = $1", name)

    async def deliveries(
        self, name: str, *, state: str, before: int | None, size: int
    ) -> Sequence[tuple[int, Delivery]]:
        rows = await self._connection.fetch(
            """
            SELECT number, webhook, message_id, type, topic, key, state, attempts, create_time
                 , last_status, last_error, next_time
              FROM deliveries
             WHERE webhook = $1
               AND ($2 = '' OR state = $2)
               AND ($3::bigint IS NULL OR number < $3)
             ORDER BY number DESC
             LIMIT $4
            """,
            name,
            state,
            before,
            size,
        )
        return [(row["number"], _delivery(row)) for row in rows]

    async def replay(
        self, name: str, *, since: datetime | None, failed_only: bool, now: datetime
    ) -> int:
        done = await self._connection.execute(
            """
            UPDATE deliveries
               SET state = 'WAITING', attempts = 0, next_time = $4
             WHERE webhook = $1
               AND ($2::timestamptz IS NULL OR create_time >= $2)
               AND (state = 'FAILED' OR (state = 'DELIVERED' AND NOT $3))
            """,
            name,
            since,
            failed_only,
            now,
        )
        return int(done.rpartition(" ")[2])


class PostgresCalendars:
    """`ports.Calendars`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, calendar: Calendar, *, token_hash: bytes) -> None:
        await self._connection.execute(
            """
            INSERT INTO calendars (name, subject, owner, token_hash, create_time)
            VALUES ($1, $2, $3, $4, $5)
            """,
            calendar.name,
            calendar.subject,
            calendar.owner,
            token_hash,
            calendar.create_time,
        )

    async def get(self, name: str) -> Calendar:
        row = await self._connection.fetchrow(
            "SELECT name, subject, owner, create_time FROM calendars WHERE name = $1", name
        )
        if row is None:
            raise CalendarNotFound("no such calendar", calendar=name)
        return Calendar(**row)

    async def page(self, *, owner: str, after: str | None, size: int) -> Sequence[Calendar]:
        rows = await self._connection.fetch(
            """
            SELECT name, subject, owner, create_time
              FROM calendars
             WHERE owner = $1 AND ($2::text IS NULL OR name > $2)
             ORDER BY name
             LIMIT $3
            """,
            owner,
            after,
            size,
        )
        return [Calendar(**row) for row in rows]

    async def set_token(self, name: str, token_hash: bytes) -> None:
        await self._connection.execute(
            "UPDATE calendars SET token_hash = $2 WHERE name = $1", name, token_hash
        )

    async def remove(self, name: str) -> None:
        await self._connection.execute("DELETE FROM calendars WHERE name = $1", name)

    async def opened_by(self, token_hash: bytes) -> Calendar:
        row = await self._connection.fetchrow(
            "SELECT name, subject, owner, create_time FROM calendars WHERE token_hash = $1",
            token_hash,
        )
        if row is None:
            raise CalendarNotFound("this calendar is not there any more")
        return Calendar(**row)

    async def node_path(self, venue: str) -> list[str]:
        path = await self._connection.fetchval(
            "SELECT node_path FROM calendar_subjects WHERE name = $1", venue
        )
        if path is None:
            raise SubjectNotFound("no such venue is known here yet", venue=venue)
        return list(path)

    async def display_name(self, subject: str) -> str:
        name = await self._connection.fetchval(
            "SELECT display_name FROM calendar_subjects WHERE name = $1", subject
        )
        return str(name or "")

    async def entries(self, subject: str, *, since: datetime) -> Sequence[Entry]:
        rows = await self._connection.fetch(
            """
            SELECT one.event
                 , one.version AS sequence
                 , one.cancelled OR coalesce(member.gone, false) AS cancelled
                 , one.title
                 , one.start_at AS start
                 , one.end_at AS "end"
                 , coalesce(place.display_name, '') AS place
                 , one.team
                 , one.changed_at
              FROM calendar_events AS one
              LEFT JOIN calendar_members AS member ON member.event = one.event AND member.expert = $1
              LEFT JOIN calendar_subjects AS place ON place.name = one.venue
             WHERE (one.venue = $1 OR member.expert IS NOT NULL)
               AND one.end_at >= $2
             ORDER BY one.start_at, one.event
            """,
            subject,
            since,
        )
        return [Entry(**{**row, "team": tuple(row["team"])}) for row in rows]


class PostgresTransaction:
    """`ports.Transaction`."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.webhooks = PostgresWebhooks(connection)
        self.calendars = PostgresCalendars(connection)


@asynccontextmanager
async def transaction(pool: Pool) -> AsyncIterator[PostgresTransaction]:
    """A transaction of the feeds service: committed at the end of the block, undone by any exception."""
    async with open_transaction(pool) as connection:
        yield PostgresTransaction(connection)


class PostgresArrivals:
    """What facts leave behind, in the consumer's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def enqueue(
        self, *, message_id: UUID, type: str, topic: str, key: str, body: bytes, now: datetime
    ) -> None:
        """One delivery for every webhook of `topic` that was not given up for good."""
        await self._connection.execute(
            """
            INSERT INTO deliveries (webhook, message_id, type, topic, key, body, state, create_time, next_time)
            SELECT name, $1, $2, $3, $4, $5, 'WAITING', $6, $6
              FROM webhooks
             WHERE $3 = ANY (topics)
                ON CONFLICT ON CONSTRAINT deliveries_once DO NOTHING
            """,
            message_id,
            type,
            topic,
            key,
            body,
            now,
        )
        if type == "tombstone":
            await self._connection.execute(
                "DELETE FROM deliveries WHERE topic = $1 AND key = $2 AND message_id <> $3",
                topic,
                key,
                message_id,
            )

    async def show(self, entry: Entry, *, venue: str, experts: Sequence[str]) -> None:
        """An event as it is now; whoever is not on its team any more is told so."""
        await self._connection.execute(
            """
            INSERT INTO calendar_events (event, version, cancelled, title, start_at, end_at, venue, team, changed_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
                ON CONFLICT ON CONSTRAINT calendar_events_name
                DO UPDATE SET version = EXCLUDED.version, cancelled = EXCLUDED.cancelled, title = EXCLUDED.title
                 , start_at = EXCLUDED.start_at, end_at = EXCLUDED.end_at, venue = EXCLUDED.venue
                 , team = EXCLUDED.team, changed_at = EXCLUDED.changed_at
            """,
            entry.event,
            entry.sequence,
            entry.cancelled,
            entry.title,
            entry.start,
            entry.end,
            venue,
            list(entry.team),
            entry.changed_at,
        )
        await self._connection.execute(
            "UPDATE calendar_members SET gone = NOT (expert = ANY ($2)) WHERE event = $1",
            entry.event,
            list(experts),
        )
        await self._connection.executemany(
            """
            INSERT INTO calendar_members (event, expert, gone)
            VALUES ($1, $2, false)
                ON CONFLICT ON CONSTRAINT calendar_members_one DO NOTHING
            """,
            [(entry.event, expert) for expert in experts],
        )

    async def name(self, subject: str, *, display_name: str, node_path: Sequence[str]) -> None:
        """What people call an expert or a venue."""
        await self._connection.execute(
            """
            INSERT INTO calendar_subjects (name, display_name, node_path)
            VALUES ($1, $2, $3)
                ON CONFLICT ON CONSTRAINT calendar_subjects_name
                DO UPDATE SET display_name = EXCLUDED.display_name, node_path = EXCLUDED.node_path
            """,
            subject,
            display_name,
            list(node_path),
        )

    async def forget(self, subject: str) -> None:
        """An expert whose data was erased: no name, no calendar."""
        await self._connection.execute("DELETE FROM calendar_subjects WHERE name = $1", subject)
        await self._connection.execute("DELETE FROM calendars WHERE subject = $1", subject)


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery whose attempt is due, with what it takes."""

    number: int
    webhook: str
    url: str
    secrets: tuple[str, ...]
    """The newest first; the one before stays good for a day."""
    body: bytes
    delivery: Delivery


class PostgresDue:
    """Deliveries that are due, over the pool: between claim and result no transaction is open."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def claim(
        self, *, now: datetime, lease: timedelta, busy: Sequence[str], webhooks: int, each: int
    ) -> list[Due]:
        """Up to `each` deliveries of up to `webhooks` active ones that are not `busy`; nobody else gets them meanwhile."""
        async with acquired(self._pool) as connection:
            rows = await connection.fetch(
                """
                WITH due AS (
                    SELECT one.number
                      FROM (SELECT name
                              FROM webhooks
                             WHERE state = 'ACTIVE'
                               AND NOT name = ANY ($3)
                               AND EXISTS (SELECT FROM deliveries
                                            WHERE webhook = webhooks.name AND state = 'WAITING' AND next_time <= $1)
                             LIMIT $4) AS hook
                     CROSS JOIN LATERAL (SELECT number
                                           FROM deliveries
                                          WHERE webhook = hook.name AND state = 'WAITING' AND next_time <= $1
                                          ORDER BY next_time, number
                                          LIMIT $5
                                            FOR UPDATE SKIP LOCKED) AS one
                )
                UPDATE deliveries
                   SET next_time = $2
                  FROM due, webhooks
                 WHERE deliveries.number = due.number AND webhooks.name = deliveries.webhook
                RETURNING deliveries.number, webhook, message_id, type, topic, key, deliveries.state, attempts
                        , deliveries.create_time, last_status, last_error, next_time, body, url, secret
                        , secret_before, secret_changed_at
                """,
                now,
                now + lease,
                list(busy),
                webhooks,
                each,
            )
        return sorted((_due(row, now) for row in rows), key=lambda one: one.number)

    async def note(self, due: Due, answer: Answer, *, now: datetime) -> WebhookState | None:
        """Remember what came of an attempt; gives DISABLED when the webhook was given up with it."""
        after = after_attempt(due.delivery, answer, now=now)
        async with open_transaction(self._pool) as connection:
            await connection.execute(
                """
                UPDATE deliveries
                   SET state = $2, attempts = $3, last_status = $4, last_error = $5, next_time = $6
                 WHERE number = $1
                """,
                due.number,
                after.state,
                after.attempts,
                after.last_status,
                after.last_error,
                after.next_time,
            )
            if after.state is not DeliveryState.FAILED:
                return None
            await PostgresWebhooks(connection).set_state(
                due.webhook, WebhookState.DISABLED, notice=notice_of(answer)
            )
            return WebhookState.DISABLED

    async def forget_old(self, *, now: datetime) -> None:
        """Deliveries that ended long ago."""
        async with acquired(self._pool) as connection:
            await connection.execute(
                "DELETE FROM deliveries WHERE state <> 'WAITING' AND create_time < $1",
                now - DELIVERIES_KEPT,
            )


def _due(row: Any, now: datetime) -> Due:
    secrets = [row["secret"]]
    if row["secret_before"] and row["secret_changed_at"] > now - OLD_SECRET:
        secrets.append(row["secret_before"])
    return Due(
        row["number"], row["webhook"], row["url"], tuple(secrets), row["body"], _delivery(row)
    )
