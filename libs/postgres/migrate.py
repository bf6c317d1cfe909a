"""Brings a service's schema up to date, and gives its role exactly that schema.

Migrations are run by the owner of the database; the service's role may read and write rows and change no table.
No other service's role can see the schema, so that "no service reads another's tables" is kept by the database.
"""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

import psycopg
import yoyo
from psycopg import sql

from libs.settings import ServiceSettings

SHARED_MIGRATIONS = Path(__file__).parent / "migrations"
"""Tables every service has because libs/postgres uses them."""

_LOCK = 0x7A68_6875_69  # "zhihui": one migration of any schema of this database at a time


def migrate(
    dsn: str,
    migrations: Path | Sequence[Path],
    *,
    schema: str,
    role: str,
    password: str | None = None,
) -> list[str]:
    """Create `schema` and `role` where missing and apply what is not yet applied; gives the ids applied now.

    `dsn` is the database owner's, and leads to PostgreSQL itself, not to pgbouncer: the lock is a session's.
    `migrations` are folders of yoyo migrations (`0001.create_experts.sql`), ids unique over all of them; the shared
    ones come first. Each migration is one transaction; repeating a call changes nothing; a second process waits for
    the first.

    Raises:
        psycopg.Error: the database refused; migrations before the failing one stay applied.
    """
    folders = [SHARED_MIGRATIONS, *([migrations] if isinstance(migrations, Path) else migrations)]
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        _create_role(connection, role=role, password=password)
        name, account = sql.Identifier(schema), sql.Identifier(role)
        for statement in (
            "CREATE SCHEMA IF NOT EXISTS {schema}",
            "GRANT USAGE ON SCHEMA {schema} TO {role}",
            "ALTER ROLE {role} IN DATABASE {database} SET search_path = {schema}",
            "ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role}",
            "ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT USAGE, SELECT ON SEQUENCES TO {role}",
        ):
            connection.execute(
                sql.SQL(statement).format(
                    schema=name, role=account, database=sql.Identifier(connection.info.dbname)
                )
            )
        return _apply(dsn, folders, schema=schema)


def migrate_service(settings: ServiceSettings, owner_dsn: str, migrations: Sequence[Path]) -> None:
    """Migrate a service's schema, named as the service; its role gets the password of the service's own DSN."""
    own = urlsplit(settings.database_dsn.get_secret_value())
    migrate(
        owner_dsn,
        migrations,
        schema=settings.service,
        role=settings.service,
        password=unquote(own.password) if own.password else None,
    )


def _create_role(
    connection: psycopg.Connection[tuple[object, ...]], *, role: str, password: str | None
) -> None:
    known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
    statement = "ALTER ROLE {role} WITH LOGIN" if known else "CREATE ROLE {role} WITH LOGIN"
    if password is not None:
        statement += " PASSWORD {password}"
    connection.execute(
        sql.SQL(statement).format(role=sql.Identifier(role), password=sql.Literal(password))
    )


def _apply(dsn: str, folders: Sequence[Path], *, schema: str) -> list[str]:
    backend = yoyo.get_backend(_yoyo_uri(dsn, schema=schema))
    try:
        pending = backend.to_apply(yoyo.read_migrations(*(str(folder) for folder in folders)))
        # yoyo's own lock is a row that a killed process leaves behind; the advisory lock above dies with its connection.
        backend.apply_migrations(pending)
        return [migration.id for migration in pending]
    finally:
        backend.connection.close()


def _yoyo_uri(dsn: str, *, schema: str) -> str:
    parts = urlsplit(dsn)
    query = urlencode([*parse_qsl(parts.query), ("schema", schema)])
    return urlunsplit(("postgresql+psycopg", parts.netloc, parts.path, query, ""))


def create_database(dsn: str, *, name: str) -> str:
    """Create the database `name` on the server of the owner's `dsn` where missing; gives the owner's DSN of it."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        if known.fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{quote(name)}"))


def dsn_of(dsn: str, *, role: str, password: str | None = None) -> str:
    """`dsn` as another `role`: what a service is given, made from what the owner has."""
    parts = urlsplit(dsn)
    secret = f":{quote(password, safe='')}" if password else ""
    _, _, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{quote(role, safe='')}{secret}@{host}"))
