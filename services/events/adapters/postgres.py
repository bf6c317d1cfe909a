"""The repositories over PostgreSQL: a thing is one JSON document, with columns beside it for what lists ask for."""

import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime

from pydantic import TypeAdapter

from libs.errors import Conflict
from libs.messaging.outbox import append_all, forget
from libs.postgres.constraints import refusals_by_constraint
from libs.postgres.pool import Connection
from libs.postgres.pool import Pool as ConnectionPool
from libs.postgres.pool import transaction as open_transaction
from services.events.adapters.facts import EVENT_TOPIC, PUBLIC_TOPIC, CollectedFacts
from services.events.domain.event import Event, EventNotFound
from services.events.domain.place import Node, NodeNotFound, Venue, VenueNotFound
from services.events.domain.request import Change, Request, RequestNotFound, State
from services.events.domain.series import Series, SeriesNotFound
from services.events.ports import (
    EventFilter,
    Filed,
    HistoryEntry,
    Host,
    NodeFilter,
    Note,
    RequestFilter,
    Scope,
    Staged,
)

_NODE = TypeAdapter(Node)
_VENUE = TypeAdapter(Venue)
_REQUEST = TypeAdapter(Request)
_SERIES = TypeAdapter(Series)
_EVENT = TypeAdapter(Event)


class NodeExists(Conflict):
    """A node of this name is in the tree already."""


class VenueExists(Conflict):
    """A venue of this name is there already."""


class RequestExists(Conflict):
    """A request of this name is filed already."""


class SeriesExists(Conflict):
    """A series of this name is there already."""


class PostgresNodes:
    """`ports.Nodes`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, node: Node) -> None:
        with refusals_by_constraint({"nodes_name": NodeExists("is there already", node=node.name)}):
            await self._connection.execute(
                """
                INSERT INTO nodes (name, kind, parent, display_name, start_date, end_date, version, body)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
                """,
                *_node_row(node),
            )

    async def get(self, name: str, *, lock: bool = False) -> Node:
        body = await self._connection.fetchval(_by_name("nodes", lock=lock), name)
        if body is None:
            raise NodeNotFound("no such node", node=name)
        return _NODE.validate_json(body)

    async def save(self, node: Node) -> None:
        await self._connection.execute(
            """
            UPDATE nodes
               SET kind = $2, parent = $3, display_name = $4, start_date = $5, end_date = $6, version = $7, body = $8
             WHERE name = $1
            """,
            *_node_row(node),
        )

    async def along(self, path: Sequence[str]) -> Mapping[str, Node]:
        rows = await self._connection.fetch(
            "SELECT name, body FROM nodes WHERE name = ANY($1)", list(path)
        )
        return {row["name"]: _NODE.validate_json(row["body"]) for row in rows}

    async def has_children(self, name: str, *, on: date) -> bool:
        return bool(
            await self._connection.fetchval(
                "SELECT EXISTS (SELECT 1 FROM nodes WHERE parent = $1 AND (end_date IS NULL OR end_date > $2))",
                name,
                on,
            )
        )

    async def page(self, chosen: NodeFilter, *, after: str | None, size: int) -> Sequence[Node]:
        rows = await self._connection.fetch(
            """
            SELECT body
              FROM nodes
             WHERE ($1::text IS NULL OR name > $1)
               AND start_date <= $2 AND (end_date IS NULL OR end_date > $2)
               AND ($3 = '' OR parent = $3)
               AND ($4::text IS NULL OR kind = $4)
               AND ($5 = '' OR strpos(display_name, $5) > 0)
             ORDER BY name
             LIMIT $6
            """,
            after,
            chosen.on,
            chosen.parent,
            chosen.kind,
            chosen.text,
            size,
        )
        return [_NODE.validate_json(row["body"]) for row in rows]


class PostgresVenues:
    """`ports.Venues`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, venue: Venue) -> None:
        with refusals_by_constraint(
            {"venues_name": VenueExists("is there already", venue=venue.name)}
        ):
            await self._connection.execute(
                "INSERT INTO venues (name, display_name, node_path, version, body) VALUES ($1, $2, $3, $4, $5)",
                *_venue_row(venue),
            )

    async def get(self, name: str, *, lock: bool = False) -> Venue:
        body = await self._connection.fetchval(_by_name("venues", lock=lock), name)
        if body is None:
            raise VenueNotFound("no such venue", venue=name)
        return _VENUE.validate_json(body)

    async def find(self, names: Sequence[str]) -> Mapping[str, Venue]:
        rows = await self._connection.fetch(
            "SELECT name, body FROM venues WHERE name = ANY($1)", list(names)
        )
        return {row["name"]: _VENUE.validate_json(row["body"]) for row in rows}

    async def save(self, venue: Venue) -> None:
        await self._connection.execute(
            "UPDATE venues SET display_name = $2, node_path = $3, version = $4, body = $5 WHERE name = $1",
            *_venue_row(venue),
        )

    async def page(
        self, *, scope: Scope, node: str, text: str, after: str | None, size: int
    ) -> Sequence[Venue]:
        rows = await self._connection.fetch(
            """
            SELECT body
              FROM venues
             WHERE ($1::text[] IS NULL OR node_path && $1)
               AND ($2 = '' OR node_path @> ARRAY[$2])
               AND ($3 = '' OR strpos(display_name, $3) > 0)
               AND ($4::text IS NULL OR name > $4)
             ORDER BY name
             LIMIT $5
            """,
            scope,
            node,
            text,
            after,
            size,
        )
        return [_VENUE.validate_json(row["body"]) for row in rows]


class PostgresRequests:
    """`ports.Requests`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, filed: Sequence[Filed], *, at: datetime) -> None:
        names = ", ".join(one.request.name for one in filed)
        with refusals_by_constraint(
            {"requests_name": RequestExists("is filed already", request=names)}
        ):
            await self._connection.executemany(
                """
                INSERT INTO requests (name, state, venue, node_path, "group", round, title, version, body, filed_by, create_time)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
                """,
                [(*_request_row(one.request), one.by, one.request.create_time) for one in filed],
            )
        await self._connection.executemany(
            "INSERT INTO hosts (request, host, host_phone, notes) VALUES ($1, $2, $3, $4)",
            [
                (one.request.name, one.host.host, one.host.host_phone, one.host.notes)
                for one in filed
            ],
        )
        await self._note([(note, one.by) for one in filed for note in one.notes], at=at)

    async def get(self, name: str, *, lock: bool = False) -> Request:
        body = await self._connection.fetchval(_by_name("requests", lock=lock), name)
        if body is None:
            raise RequestNotFound("no such request", request=name)
        return _REQUEST.validate_json(body)

    async def find_for_update(self, names: Sequence[str]) -> Mapping[str, Request]:
        rows = await self._connection.fetch(
            "SELECT name, body FROM requests WHERE name = ANY($1) ORDER BY name FOR UPDATE",
            list(names),
        )
        return {row["name"]: _REQUEST.validate_json(row["body"]) for row in rows}

    async def in_round(self, round: str) -> Sequence[str]:
        rows = await self._connection.fetch(
            "SELECT name FROM requests WHERE round = $1 ORDER BY name", round
        )
        return [row["name"] for row in rows]

    async def save(self, *requests: Request) -> None:
        await self._connection.executemany(
            """
            UPDATE requests
               SET state = $2, venue = $3, node_path = $4, "group" = $5, round = $6, title = $7, version = $8, body = $9
             WHERE name = $1
            """,
            [_request_row(request) for request in requests],
        )

    async def filed_by(self, name: str) -> str:
        return str(
            await self._connection.fetchval("SELECT filed_by FROM requests WHERE name = $1", name)
        )

    async def host(self, name: str) -> Host:
        row = await self._connection.fetchrow(
            "SELECT host, host_phone, notes FROM hosts WHERE request = $1", name
        )
        return Host(row["host"], row["host_phone"], row["notes"]) if row else Host()

    async def set_host(self, name: str, host: Host) -> None:
        await self._connection.execute(
            """
            INSERT INTO hosts (request, host, host_phone, notes) VALUES ($1, $2, $3, $4)
                ON CONFLICT ON CONSTRAINT hosts_one
                DO UPDATE SET host = EXCLUDED.host, host_phone = EXCLUDED.host_phone, notes = EXCLUDED.notes
            """,
            name,
            host.host,
            host.host_phone,
            host.notes,
        )

    async def note(self, *notes: Note, at: datetime, by: str) -> None:
        await self._note([(note, by) for note in notes], at=at)

    async def _note(self, notes: Sequence[tuple[Note, str]], *, at: datetime) -> None:
        await self._connection.executemany(
            "INSERT INTO request_history (request, at, what, by, remark) VALUES ($1, $2, $3, $4, $5)",
            [(note.request, at, note.what, by, note.remark) for note, by in notes],
        )

    async def ask_change(self, change: Change, *, by: str) -> None:
        await self._connection.execute(
            """
            INSERT INTO changes (request, fields, body, reason, by, at) VALUES ($1, $2, $3, $4, $5, $6)
                ON CONFLICT ON CONSTRAINT changes_one
                DO UPDATE SET fields = EXCLUDED.fields, body = EXCLUDED.body, reason = EXCLUDED.reason,
                              by = EXCLUDED.by, at = EXCLUDED.at
            """,
            change.request,
            list(change.fields),
            _REQUEST.dump_json(change.wanted).decode(),
            change.reason,
            by,
            change.time,
        )

    async def changes(self, names: Sequence[str]) -> Mapping[str, Change]:
        rows = await self._connection.fetch(
            "SELECT request, fields, body, reason, at FROM changes WHERE request = ANY($1)",
            list(names),
        )
        return {
            row["request"]: Change(
                request=row["request"],
                fields=tuple(row["fields"]),
                wanted=_REQUEST.validate_json(row["body"]),
                reason=row["reason"],
                time=row["at"],
            )
            for row in rows
        }

    async def end_changes(self, names: Sequence[str]) -> None:
        await self._connection.execute("DELETE FROM changes WHERE request = ANY($1)", list(names))

    async def drafts_of(self, subject: str) -> Sequence[str]:
        rows = await self._connection.fetch(
            "SELECT name FROM requests WHERE filed_by = $1 AND state = 'DRAFT' ORDER BY name",
            subject,
        )
        return [row["name"] for row in rows]

    async def erase(self, subject: str, *, pseudonym: str) -> int:
        connection = self._connection
        erased = await connection.fetchval(
            """
            WITH mine AS (SELECT name FROM requests WHERE filed_by = $1),
                 gone AS (DELETE FROM hosts WHERE request IN (SELECT name FROM mine) RETURNING 1)
            SELECT count(*) FROM gone
            """,
            subject,
        )
        await connection.execute(
            "UPDATE request_history SET by = $2, remark = '' WHERE by = $1", subject, pseudonym
        )
        await connection.execute(
            "UPDATE changes SET by = $2, reason = '' WHERE by = $1", subject, pseudonym
        )
        await connection.execute(
            "UPDATE requests SET filed_by = $2 WHERE filed_by = $1", subject, pseudonym
        )
        return int(erased)

    async def history(self, name: str, *, after: int, size: int) -> Sequence[HistoryEntry]:
        rows = await self._connection.fetch(
            """
            SELECT position, at, what, by, remark
              FROM request_history
             WHERE request = $1 AND position > $2
             ORDER BY position
             LIMIT $3
            """,
            name,
            after,
            size,
        )
        return [
            HistoryEntry(row["position"], row["at"], row["what"], row["by"], row["remark"])
            for row in rows
        ]

    async def page(
        self, chosen: RequestFilter, *, after: tuple[str, str] | None, size: int
    ) -> Sequence[Request]:
        rows = await self._connection.fetch(
            """
            SELECT body
              FROM requests
             WHERE ($1::text[] IS NULL OR node_path && $1)
               AND (state <> 'DRAFT' OR filed_by = $2)
               AND (cardinality($3::text[]) = 0 OR state = ANY($3))
               AND ($4 = '' OR node_path @> ARRAY[$4])
               AND ($5 = '' OR venue = $5)
               AND ($6 = '' OR round = $6)
               AND ($7 = '' OR strpos(title, $7) > 0)
               AND ($8::text IS NULL OR "group" = $8)
               AND ($9::text IS NULL OR (create_time, name) < ($9::text::timestamptz, $10::text))
               AND (NOT $12 OR name IN (SELECT request FROM changes))
             ORDER BY create_time DESC, name DESC
             LIMIT $11
            """,
            chosen.scope,
            chosen.seen_by,
            list(chosen.states),
            chosen.node,
            chosen.venue,
            chosen.round,
            chosen.text,
            chosen.group,
            after[0] if after else None,
            after[1] if after else None,
            size,
            chosen.change_asked,
        )
        return [_REQUEST.validate_json(row["body"]) for row in rows]


class PostgresSeries:
    """`ports.SeriesOfRequests`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, series: Series) -> None:
        with refusals_by_constraint(
            {"series_name": SeriesExists("is there already", series=series.name)}
        ):
            await self._connection.execute(
                "INSERT INTO series (name, venue, body) VALUES ($1, $2, $3)",
                series.name,
                series.venue,
                _SERIES.dump_json(series).decode(),
            )

    async def get(self, name: str) -> Series:
        body = await self._connection.fetchval("SELECT body FROM series WHERE name = $1", name)
        if body is None:
            raise SeriesNotFound("no such series", series=name)
        return _SERIES.validate_json(body)

    async def page(
        self, *, scope: Scope, venue: str, after: str | None, size: int
    ) -> Sequence[Series]:
        rows = await self._connection.fetch(
            """
            SELECT series.body
              FROM series JOIN venues ON venues.name = series.venue
             WHERE ($1::text[] IS NULL OR venues.node_path && $1)
               AND ($2 = '' OR series.venue = $2)
               AND ($3::text IS NULL OR series.name > $3)
             ORDER BY series.name
             LIMIT $4
            """,
            scope,
            venue,
            after,
            size,
        )
        return [_SERIES.validate_json(row["body"]) for row in rows]


class PostgresEvents:
    """`ports.Events`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def get(self, name: str, *, lock: bool = False) -> Event:
        body = await self._connection.fetchval(_by_name("events", lock=lock), name)
        if body is None:
            raise EventNotFound("no such event", event=name)
        return _EVENT.validate_json(body)

    async def find_for_update(self, names: Sequence[str]) -> Mapping[str, Event]:
        rows = await self._connection.fetch(
            "SELECT name, body FROM events WHERE name = ANY($1) ORDER BY name FOR UPDATE",
            list(names),
        )
        return {row["name"]: _EVENT.validate_json(row["body"]) for row in rows}

    async def of_expert_for_update(self, expert: str) -> Sequence[Event]:
        rows = await self._connection.fetch(
            "SELECT body FROM events WHERE experts @> ARRAY[$1] ORDER BY name FOR UPDATE", expert
        )
        return [_EVENT.validate_json(row["body"]) for row in rows]

    async def add(self, events: Sequence[Event]) -> None:
        await self._connection.executemany(
            """
            INSERT INTO events (name, request, round, venue, state, start_time, end_time, node_path, experts, version, body, check_in_code)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
            """,
            [(*_event_row(event), f"{secrets.randbelow(10**6):06}") for event in events],
        )

    async def save(self, *events: Event) -> None:
        await self._connection.executemany(
            """
            UPDATE events
               SET request = $2, round = $3, venue = $4, state = $5, start_time = $6, end_time = $7,
                   node_path = $8, experts = $9, version = $10, body = $11
             WHERE name = $1
            """,
            [_event_row(event) for event in events],
        )

    async def code(self, name: str) -> str:
        return str(
            await self._connection.fetchval(
                "SELECT check_in_code FROM events WHERE name = $1", name
            )
        )

    async def serves(self, expert: str, venue: str) -> bool:
        return bool(
            await self._connection.fetchval(
                """
                SELECT EXISTS (
                    SELECT 1
                      FROM events
                     WHERE venue = $2 AND experts @> ARRAY[$1] AND state <> 'CANCELLED')
                """,
                expert,
                venue,
            )
        )

    async def visits(
        self, venues: Sequence[str], *, start: datetime, end: datetime
    ) -> Mapping[str, int]:
        rows = await self._connection.fetch(
            """
            SELECT venue, count(*) AS visits
              FROM events
             WHERE venue = ANY($1) AND start_time >= $2 AND start_time < $3 AND state <> 'CANCELLED'
             GROUP BY venue
            """,
            list(venues),
            start,
            end,
        )
        return {row["venue"]: row["visits"] for row in rows}

    async def page(
        self, chosen: EventFilter, *, after: tuple[str, str] | None, size: int
    ) -> Sequence[Event]:
        rows = await self._connection.fetch(
            """
            SELECT body
              FROM events
             WHERE ($1::text[] IS NULL OR node_path && $1 OR experts @> ARRAY[$2])
               AND ($3::timestamptz IS NULL OR end_time > $3)
               AND ($4::timestamptz IS NULL OR start_time < $4)
               AND ($5 = '' OR node_path @> ARRAY[$5])
               AND ($6 = '' OR round = $6)
               AND ($7 = '' OR experts @> ARRAY[$7])
               AND (cardinality($8::text[]) = 0 OR state = ANY($8))
               AND ($9::text IS NULL OR (start_time, name) > ($9::text::timestamptz, $10::text))
             ORDER BY start_time, name
             LIMIT $11
            """,
            chosen.scope,
            chosen.own,
            chosen.period.start_time if chosen.period else None,
            chosen.period.end_time if chosen.period else None,
            chosen.node,
            chosen.round,
            chosen.expert,
            list(chosen.states),
            after[0] if after else None,
            after[1] if after else None,
            size,
        )
        return [_EVENT.validate_json(row["body"]) for row in rows]


class PostgresArrivals:
    """`ports.Arrivals`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def stage(self, round: str, decisions: Sequence[Staged]) -> bool:
        if await self._shown(round):
            return False
        newest = {one.request: one for one in sorted(decisions, key=lambda one: one.version)}
        await self._connection.execute(
            """
            INSERT INTO staged_decisions (round, request, version, fact)
            SELECT $1, request, version, fact
              FROM unnest($2::text[], $3::bigint[], $4::bytea[]) AS one(request, version, fact)
                ON CONFLICT ON CONSTRAINT staged_decisions_once
                DO UPDATE SET version = EXCLUDED.version, fact = EXCLUDED.fact
                 WHERE staged_decisions.version < EXCLUDED.version
            """,
            round,
            [one.request for one in newest.values()],
            [one.version for one in newest.values()],
            [one.fact for one in newest.values()],
        )
        return True

    async def announce(self, round: str, *, decisions: int) -> None:
        await self._shown(round)
        await self._connection.execute(
            "UPDATE round_arrivals SET decisions = $2 WHERE round = $1", round, decisions
        )

    async def whole(self, round: str) -> Sequence[bytes] | None:
        rows = await self._connection.fetch(
            """
            UPDATE round_arrivals
               SET shown = true
             WHERE round = $1 AND NOT shown
               AND decisions = (SELECT count(*) FROM staged_decisions WHERE round = $1)
            RETURNING round
            """,
            round,
        )
        if not rows:
            return None
        staged = await self._connection.fetch(
            "DELETE FROM staged_decisions WHERE round = $1 RETURNING request, fact", round
        )
        return [row["fact"] for row in sorted(staged, key=lambda row: str(row["request"]))]

    async def _shown(self, round: str) -> bool:
        """Whether the round is shown; its row is locked, so that decisions that come at once see each other."""
        await self._connection.execute(
            "INSERT INTO round_arrivals (round) VALUES ($1) ON CONFLICT DO NOTHING", round
        )
        return bool(
            await self._connection.fetchval(
                "SELECT shown FROM round_arrivals WHERE round = $1 FOR UPDATE", round
            )
        )


class PostgresTransaction:
    """`ports.Transaction`, and the connection for what belongs to the kit."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.nodes = PostgresNodes(connection)
        self.venues = PostgresVenues(connection)
        self.requests = PostgresRequests(connection)
        self.series = PostgresSeries(connection)
        self.events = PostgresEvents(connection)
        self.arrivals = PostgresArrivals(connection)
        self.facts = CollectedFacts()


@asynccontextmanager
async def transaction(pool: ConnectionPool) -> AsyncIterator[PostgresTransaction]:
    """A transaction of the events service, facts and all: committed at the end of the block, undone by any exception."""
    async with open_transaction(pool) as connection, joined(connection) as tx:
        yield tx


@asynccontextmanager
async def joined(connection: Connection) -> AsyncIterator[PostgresTransaction]:
    """Our repositories in the transaction `connection` has open; facts are appended at the end of the block."""
    tx = PostgresTransaction(connection)
    yield tx
    if tx.facts.forgotten:
        await forget(connection, topics=[EVENT_TOPIC, PUBLIC_TOPIC], keys=tx.facts.forgotten)
    await append_all(connection, tx.facts.messages)


def _by_name(table: str, *, lock: bool) -> str:
    return f"SELECT body FROM {table} WHERE name = $1 {'FOR UPDATE' if lock else ''}"  # noqa: S608  # our own names


def _node_row(node: Node) -> tuple[object, ...]:
    return (
        node.name,
        node.kind,
        node.parent,
        node.display_name,
        node.validity.start_date,
        node.validity.end_date,
        node.version,
        _NODE.dump_json(node).decode(),
    )


def _venue_row(venue: Venue) -> tuple[object, ...]:
    return (
        venue.name,
        venue.display_name,
        list(venue.node_path),
        venue.version,
        _VENUE.dump_json(venue).decode(),
    )


def _request_row(request: Request) -> tuple[object, ...]:
    return (
        request.name,
        request.state or State.DRAFT,
        request.venue,
        list(request.node_path),
        request.group or "",
        request.round,
        request.title,
        request.version,
        _REQUEST.dump_json(request).decode(),
    )


def _event_row(event: Event) -> tuple[object, ...]:
    return (
        event.name,
        event.request,
        event.round,
        event.venue,
        event.state or "",
        event.period.start_time,
        event.period.end_time,
        list(event.node_path),
        [member.expert for member in event.team],
        event.version,
        _EVENT.dump_json(event).decode(),
    )
