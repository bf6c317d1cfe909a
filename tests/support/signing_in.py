"""Signing in over real HTTP: the embedded identity provider on a free port, and a client that goes through all of it."""

import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
from fastapi import FastAPI
from pydantic import SecretStr

from services.local import health
from services.local.process import free_port
from services.local.stack import python_path
from services.web.api.app import create_app
from services.web.settings import Settings

KEY = "a-key-for-tests-only-0123456789abcdef"


@contextlib.contextmanager
def identity_provider() -> Iterator[str]:
    """The issuer of a running provider with the ready-made people: a process of its own, as in the embedded stack."""
    address = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "services.local.identity", "--listen", address]
    environment = {**os.environ, "PYTHONPATH": python_path()}
    with subprocess.Popen(command, env=environment) as process:
        try:
            assert health.wait_until(
                lambda: health.serves_http(address),
                given_up=lambda: process.poll() is not None,
                seconds=health.READY_S,
            )
            yield f"http://{address}"
        finally:
            process.terminate()


@contextlib.asynccontextmanager
async def edge(issuer: str, **others: Any) -> AsyncIterator[FastAPI]:
    """The web edge, started; services are where `others` say."""
    settings = Settings(auth_key=SecretStr(KEY), listen="127.0.0.1:0", oidc_issuer=issuer, **others)
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        yield app


def browser(app: FastAPI, **others: Any) -> httpx.AsyncClient:
    """A client with cookies: `http://localhost` is `app`, everything else is the network."""
    return httpx.AsyncClient(
        base_url="http://localhost",
        verify=False,  # nothing here is https, and reading certificates takes a while
        mounts={"http://localhost": httpx.ASGITransport(app=app)},
        **others,
    )


async def sign_in(client: httpx.AsyncClient, person: str) -> dict[str, str]:
    """Sign in as one of the ready-made people; gives the headers that a write shows."""
    answer = await client.get(
        "/auth/start", params={"person": person, "next": "/api/session"}, follow_redirects=True
    )
    assert answer.status_code == 200, answer.text
    session = (await client.get("/api/session")).json()
    assert session["id"] == person, session
    return {"X-CSRF-Token": session["csrf"]}
