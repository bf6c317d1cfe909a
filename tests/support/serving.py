"""A service over a real channel in the test's own loop: real server kit, real database, tokens by role."""

import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any, TypeVar

from google.protobuf.descriptor import FileDescriptor
from pydantic import SecretStr

from libs.auth.principal import Principal, Role
from libs.auth.tokens import Tokens
from libs.rpc.client import channel
from libs.rpc.server import Server
from libs.settings import ServiceSettings

KEY = "a-key-for-tests-only-0123456789abcdef"
Stub = TypeVar("Stub")


def settings_for(dsn: str, service: str, **others: Any) -> dict[str, Any]:
    """Keyword arguments for a service's settings, as its own role in the database of the owner's `dsn`."""
    from libs.postgres.migrate import dsn_of

    return {
        "database_dsn": SecretStr(dsn_of(dsn, role=service)),
        "database_connections_min": 0,
        "auth_key": SecretStr(KEY),
        **others,
    }


@contextlib.asynccontextmanager
async def served(
    settings: ServiceSettings, add: Callable[..., None], servicer: Any, file: FileDescriptor
) -> AsyncIterator[str]:
    """The address of a running server."""
    server = Server(settings, verify=Tokens(settings).verify)
    server.add(add, servicer, file)
    async with server:
        yield f"127.0.0.1:{server.port}"


@contextlib.asynccontextmanager
async def calling(
    address: str,
    stub: Callable[..., Stub],
    *roles: Role,
    nodes: tuple[str, ...] = (),
    expert: str | None = None,
    subject: str = "tester",
) -> AsyncIterator[Stub]:
    """A stub whose calls are made as a principal of these roles."""
    from libs.settings import TokenSettings

    principal = Principal(subject=subject, roles=frozenset(roles), nodes=nodes, expert_id=expert)
    token = Tokens(TokenSettings(auth_key=SecretStr(KEY))).issue(
        principal, lifetime=timedelta(hours=1)
    )
    async with channel(address, token=lambda: token) as to:
        yield stub(to)
