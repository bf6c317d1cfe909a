"""A server that ends tells its idle connections so, before it closes them: the driver's words for that are an outage's."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from pydantic import SecretStr

from libs.postgres.outages import OUTAGES
from libs.postgres.pool import Pool, acquired, create_pool, transaction
from libs.settings import ServiceSettings


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + (4 + len(body)).to_bytes(4, "big") + body


GREETING = (
    _message(b"R", (0).to_bytes(4, "big"))
    + _message(b"S", b"server_version\0" + b"16.0\0")
    + _message(b"S", b"client_encoding\0UTF8\0")
    + _message(b"Z", b"I")
)
FAREWELL = _message(
    b"E", b"SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0"
)


class _Server(asyncio.Protocol):
    """As much of PostgreSQL as it takes to let one in, and to say goodbye without closing."""

    def __init__(self) -> None:
        self.transport: Any = None
        self._greeted = False

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if not self._greeted:
            self._greeted = True
            self.transport.write(GREETING)

    async def say_farewell(self) -> None:
        self.transport.write(FAREWELL)
        await asyncio.sleep(0.05)  # until the driver has read it


def _settings(server: asyncio.Server) -> ServiceSettings:
    port = server.sockets[0].getsockname()[1]
    return ServiceSettings(
        service="hall",
        database_dsn=SecretStr(f"postgresql://hall@127.0.0.1:{port}/hall?sslmode=disable"),
        database_connections_min=1,
        database_connections_max=1,
    )


@asynccontextmanager
async def a_server_that_ends() -> AsyncIterator[tuple[Pool, _Server]]:
    """A pool with one idle connection, and the server's end of it."""
    end = _Server()
    server = await asyncio.get_running_loop().create_server(lambda: end, "127.0.0.1", 0)
    async with server, create_pool(_settings(server)) as pool:
        yield pool, end
        end.transport.abort()
        pool.terminate()


async def test_a_transaction_that_begins_after_the_farewell_finds_the_database_away() -> None:
    """Callers heard INTERNAL in a storm: the driver speaks of the protocol's state."""
    async with a_server_that_ends() as (pool, server):
        await server.say_farewell()
        with pytest.raises(OUTAGES) as raised:
            async with transaction(pool):
                pytest.fail("nothing can begin here")
        assert isinstance(raised.value.__cause__, asyncpg.InternalClientError)


async def test_a_connection_that_is_given_back_after_the_farewell_was_lost() -> None:
    async with a_server_that_ends() as (pool, server):
        with pytest.raises(OUTAGES) as raised:
            async with acquired(pool):
                await server.say_farewell()
        assert isinstance(raised.value.__cause__, asyncpg.InternalClientError)


async def test_a_connection_that_is_never_answered_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In a storm a worker sat for a minute over a connection that had been cut while it was made."""
    monkeypatch.setattr("libs.postgres.pool.CONNECT_TIMEOUT_S", 0.1)
    left = 1

    def accept() -> asyncio.Protocol:
        nonlocal left
        left -= 1
        return asyncio.Protocol() if left >= 0 else _Server()

    server = await asyncio.get_running_loop().create_server(accept, "127.0.0.1", 0)
    async with asyncio.timeout(10), server, create_pool(_settings(server)) as pool:
        assert left < 0
        pool.terminate()
