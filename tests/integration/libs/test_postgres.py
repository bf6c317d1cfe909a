"""libs/postgres against a real PostgreSQL: schemas kept apart, repeats answered, broken promises refused by name."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import psycopg
import pytest

from libs.errors import Conflict
from libs.postgres import idempotency
from libs.postgres.constraints import refusals_by_constraint
from libs.postgres.migrate import dsn_of, migrate
from libs.postgres.outages import OUTAGES, is_lost
from libs.postgres.pool import ConcurrentChange, Pool, create_pool, transaction
from libs.settings import ServiceSettings

pytestmark = pytest.mark.postgres


class SeatTaken(Conflict):
    """Somebody has this seat."""


def a_migration(folder: Path, *, id: str, up: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / f"{id}.sql").write_text(up)
    return folder


def settings_for(dsn: str, service: str, **others: object) -> ServiceSettings:
    return ServiceSettings(
        service=service,
        database_dsn=dsn_of(dsn, role=service),
        database_connections_min=0,
        **others,
    )


@pytest.fixture(scope="module")
def seats(database: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database with a schema `hall` that has a table of seats; its owner's DSN."""
    folder = a_migration(
        tmp_path_factory.mktemp("seats"),
        id="0001.create_seats",
        up="CREATE TABLE seats (seat int CONSTRAINT seats_taken_once PRIMARY KEY, who text);",
    )
    migrate(database, folder, schema="hall", role="hall")
    return database


@pytest.fixture(params=[100, 0], ids=["direct", "as_behind_pgbouncer"])
async def pool(request: pytest.FixtureRequest, seats: str) -> AsyncIterator[Pool]:
    settings = settings_for(seats, "hall", database_statement_cache_size=request.param)
    async with create_pool(settings) as pool:
        await pool.execute("DELETE FROM seats")
        await pool.execute("DELETE FROM idempotency")
        yield pool


def test_a_second_migration_applies_only_what_is_new(fresh_database: str, tmp_path: Path) -> None:
    folder = a_migration(tmp_path / "m", id="0001.create_a", up="CREATE TABLE a (n int);")
    first = migrate(fresh_database, folder, schema="one", role="role_of_one")
    a_migration(folder, id="0002.create_b", up="CREATE TABLE b (n int);")
    second = migrate(fresh_database, folder, schema="one", role="role_of_one")
    third = migrate(fresh_database, folder, schema="one", role="role_of_one")
    assert first == ["0000.create_idempotency", "0001.create_a"]
    assert second == ["0002.create_b"]
    assert third == []


def test_a_failing_migration_leaves_nothing_of_itself(fresh_database: str, tmp_path: Path) -> None:
    folder = a_migration(
        tmp_path / "m", id="0001.half", up="CREATE TABLE a (n int);\nCREATE TABLE a (n int);"
    )
    with pytest.raises(psycopg.errors.DuplicateTable):
        migrate(fresh_database, folder, schema="one", role="role_of_one")
    with psycopg.connect(fresh_database) as connection:
        row = connection.execute("SELECT to_regclass('one.a')").fetchone()
    assert row == (None,)


def test_two_services_may_have_migrations_of_the_same_name(
    fresh_database: str, tmp_path: Path
) -> None:
    folder = a_migration(tmp_path / "m", id="0001.create_a", up="CREATE TABLE a (n int);")
    for service in ("first_service", "second_service"):
        assert "0001.create_a" in migrate(fresh_database, folder, schema=service, role=service)


async def test_no_service_reads_another_ones_tables(seats: str, tmp_path: Path) -> None:
    folder = a_migration(tmp_path / "m", id="0001.create_a", up="CREATE TABLE a (n int);")
    migrate(seats, folder, schema="neighbour", role="neighbour")
    async with create_pool(settings_for(seats, "neighbour")) as pool:
        assert await pool.fetchval("SELECT count(*) FROM a") == 0
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.fetchval("SELECT count(*) FROM hall.seats")


async def test_a_service_cannot_change_its_own_tables_shape(pool: Pool) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.execute("DROP TABLE seats")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.execute("CREATE TABLE more (n int)")


async def test_a_session_speaks_utc_and_says_who_it_is(pool: Pool) -> None:
    row = await pool.fetchrow(
        "SELECT current_setting('timezone') AS zone, current_setting('application_name') AS name, "
        "current_schema() AS schema"
    )
    assert row is not None
    assert tuple(row) == ("UTC", "zhihui-hall", "hall")


async def test_a_transaction_ended_by_an_exception_leaves_nothing(pool: Pool) -> None:
    with pytest.raises(KeyError):
        async with transaction(pool) as connection:
            await connection.execute("INSERT INTO seats (seat) VALUES (1)")
            raise KeyError
    assert await pool.fetchval("SELECT count(*) FROM seats") == 0


async def test_a_broken_promise_is_refused_by_its_name(pool: Pool) -> None:
    await pool.execute("INSERT INTO seats (seat) VALUES (1)")
    with pytest.raises(SeatTaken) as refused:
        async with transaction(pool) as connection:
            with refusals_by_constraint({"seats_taken_once": SeatTaken("taken", seat=1)}):
                await connection.execute("INSERT INTO seats (seat) VALUES (1)")
    assert isinstance(refused.value.__cause__, asyncpg.UniqueViolationError)


async def test_a_broken_promise_nobody_named_passes_through(pool: Pool) -> None:
    await pool.execute("INSERT INTO seats (seat) VALUES (1)")
    with pytest.raises(asyncpg.UniqueViolationError):
        async with transaction(pool) as connection:
            with refusals_by_constraint({"seats_other": SeatTaken("taken", seat=1)}):
                await connection.execute("INSERT INTO seats (seat) VALUES (1)")


async def test_a_deadlock_is_a_conflict_for_one_of_the_two(pool: Pool) -> None:
    await pool.execute("INSERT INTO seats (seat) VALUES (1), (2)")
    both_hold_one = asyncio.Barrier(2)

    async def lock(first: int, second: int) -> str:
        try:
            async with transaction(pool) as connection:
                await connection.execute("UPDATE seats SET who = 'a' WHERE seat = $1", first)
                await both_hold_one.wait()
                await connection.execute("UPDATE seats SET who = 'a' WHERE seat = $1", second)
        except ConcurrentChange:
            return "refused"
        return "done"

    assert sorted(await asyncio.gather(lock(1, 2), lock(2, 1))) == ["done", "refused"]


async def claim(pool: Pool, *, body: bytes, answer: bytes) -> bytes:
    """What a request of id `r-1` with this body is answered."""
    async with transaction(pool) as connection:
        asked = idempotency.Claim("p", "r-1", "M", body)
        (known,) = await idempotency.claim(connection, [asked])
        if isinstance(known, idempotency.RequestIdReused):
            raise known
        if known is not None:
            return known
        await asyncio.sleep(0.02)  # long enough for the others to arrive
        await idempotency.keep(connection, [(asked, answer)])
        return answer


async def test_of_ten_requests_with_one_id_one_is_done_and_all_get_its_answer(pool: Pool) -> None:
    answers = await asyncio.gather(*(claim(pool, body=b"b", answer=b"%d" % n) for n in range(10)))
    assert len(set(answers)) == 1


async def test_an_undone_request_gives_its_id_back(pool: Pool) -> None:
    with pytest.raises(KeyError):
        async with transaction(pool) as connection:
            await idempotency.claim(connection, [idempotency.Claim("p", "r-1", "M", b"b")])
            raise KeyError
    assert await claim(pool, body=b"b", answer=b"second") == b"second"


async def test_an_id_used_for_another_body_is_refused(pool: Pool) -> None:
    await claim(pool, body=b"b", answer=b"first")
    with pytest.raises(idempotency.RequestIdReused):
        await claim(pool, body=b"other", answer=b"second")


async def test_two_principals_may_choose_the_same_id(pool: Pool) -> None:
    await claim(pool, body=b"b", answer=b"first")
    async with transaction(pool) as connection:
        asked = idempotency.Claim("q", "r-1", "M", b"b")
        (known,) = await idempotency.claim(connection, [asked])
        await idempotency.keep(connection, [(asked, b"")])
    assert known is None


async def test_many_claims_keep_their_order_and_what_is_given_up_may_come_again(
    pool: Pool,
) -> None:
    asked = [idempotency.Claim("p", f"r-{n}", "M", b"%d" % n) for n in (3, 1, 2)]
    async with transaction(pool) as connection:
        assert await idempotency.claim(connection, asked) == [None, None, None]
        await idempotency.keep(connection, [(asked[0], b"three"), (asked[1], b"one")])
        await idempotency.give_up(connection, [asked[2]])
    async with transaction(pool) as connection:
        other = idempotency.Claim("p", "r-3", "M", b"other")
        *known, reused = await idempotency.claim(connection, [*asked[1:], other])
    assert known == [b"one", None]
    assert isinstance(reused, idempotency.RequestIdReused)


async def test_old_answers_are_forgotten(pool: Pool) -> None:
    await claim(pool, body=b"b", answer=b"first")
    async with transaction(pool) as connection:
        assert await idempotency.forget(connection, before=datetime(2000, 1, 1, tzinfo=UTC)) == 0
        assert await idempotency.forget(connection, before=datetime(2100, 1, 1, tzinfo=UTC)) == 1


@pytest.mark.parametrize("noticed", [False, True])
async def test_a_connection_cut_inside_a_transaction_is_an_outage(
    pool: Pool, noticed: bool
) -> None:
    """Not a bug: the driver's own words for it would stop a consumer and end a relay."""
    with pytest.raises(OUTAGES):
        async with transaction(pool) as connection:
            await connection.execute("INSERT INTO seats VALUES (1, 'cut')")
            pid = await connection.fetchval("SELECT pg_backend_pid()")
            await pool.execute("SELECT 1")
            assert await pool.fetchval("SELECT pg_terminate_backend($1)", pid)
            if noticed:  # the pool has taken it back before it is used again
                while not is_lost(connection):
                    await asyncio.sleep(0.01)
            await connection.execute("INSERT INTO seats VALUES (2, 'cut')")
    assert await pool.fetchval("SELECT count(*) FROM seats") == 0


async def test_the_drivers_misuse_stays_a_bug(pool: Pool) -> None:
    with pytest.raises(asyncpg.InterfaceError):
        async with transaction(pool) as connection:
            await asyncio.gather(*(connection.execute("SELECT pg_sleep(0.1)") for _ in range(2)))


async def test_a_service_waits_for_a_database_that_is_not_there_yet(seats: str) -> None:
    """The first connections are cut, as by a server that repairs itself; then it answers."""
    folder = parse_qs(urlsplit(seats).query)["host"][0]
    left, cut = 2, asyncio.Event()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal left
        left -= 1
        if left >= 0:
            writer.transport.abort()
            cut.set()
            return
        to_reader, to_writer = await asyncio.open_unix_connection(f"{folder}/.s.PGSQL.5432")
        await asyncio.gather(_pipe(reader, to_writer), _pipe(to_reader, writer))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    name = urlsplit(seats).path
    settings = ServiceSettings(
        service="hall", database_dsn=f"postgresql://hall@127.0.0.1:{port}{name}?sslmode=disable"
    )
    async with server, create_pool(settings) as pool:
        assert cut.is_set()
        assert await pool.fetchval("SELECT 1") == 1


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    writer.close()
