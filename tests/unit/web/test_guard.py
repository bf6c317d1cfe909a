"""What the guard does with streams: a reader who takes nothing is dropped, and nobody else waits for them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import fastapi.routing
import httpx
import pytest
from fastapi import FastAPI
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import SecretStr

from services.web.api.guard import Guard, Limits
from services.web.api.limit import RateLimit
from services.web.settings import Settings


def guarded(app: FastAPI) -> Guard:
    limit = RateLimit(per_minute=1000, monotonic_s=lambda: 0.0)
    settings = Settings(auth_key=SecretStr("k" * 32), slow_reader_s=0.05)
    return Guard(app, settings=settings, limits=Limits(session=limit, address=limit))


@pytest.fixture
def app() -> FastAPI:
    made = FastAPI()

    @made.get("/api/endless", response_class=EventSourceResponse)
    async def endless() -> AsyncIterator[ServerSentEvent]:
        while True:
            yield ServerSentEvent(data="x" * 1000)

    @made.get("/api/silent", response_class=EventSourceResponse)
    async def silent() -> AsyncIterator[ServerSentEvent]:
        await asyncio.Event().wait()
        yield ServerSentEvent(data="never")

    return made


SCOPE: dict[str, Any] = {
    "type": "http",
    "asgi": {"version": "3.0", "spec_version": "2.3"},
    "http_version": "1.1",
    "method": "GET",
    "scheme": "http",
    "query_string": b"",
    "headers": [(b"host", b"localhost")],
    "client": ("127.0.0.1", 1),
    "server": ("localhost", 80),
}


async def test_a_reader_who_takes_nothing_is_dropped(app: FastAPI) -> None:
    taken: list[Any] = []

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body" and len(taken) > 3:
            await asyncio.Event().wait()  # a full buffer that nobody empties
        taken.append(message)

    async def receive() -> Any:
        await asyncio.Event().wait()

    scope = {**SCOPE, "path": "/api/endless", "raw_path": b"/api/endless"}
    async with asyncio.timeout(10):
        await guarded(app)(scope, receive, send)
    assert taken[0]["status"] == 200


async def test_a_silent_stream_has_a_heart_beat(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fastapi.routing, "_PING_INTERVAL", 0.01)
    beats: list[bytes] = []
    enough = asyncio.Event()

    async def send(message: Any) -> None:
        if message.get("body"):
            beats.append(message["body"])
            if len(beats) == 3:
                enough.set()

    async def receive() -> Any:
        await enough.wait()
        return {"type": "http.disconnect"}

    scope = {**SCOPE, "path": "/api/silent", "raw_path": b"/api/silent"}
    async with asyncio.timeout(10):
        await guarded(app)(scope, receive, send)
    assert beats[:3] == [b": ping\n\n"] * 3


async def test_other_answers_may_take_their_time(app: FastAPI) -> None:
    @app.get("/api/slow")
    async def slow() -> str:
        await asyncio.sleep(0.1)  # twice what a stream's reader has
        return "there"

    transport = httpx.ASGITransport(app=guarded(app))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        assert (await client.get("/api/slow")).json() == "there"
