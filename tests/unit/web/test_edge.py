"""What the web edge lets in, and what it says of itself."""

from collections.abc import AsyncIterator

import httpx
import pytest
from pydantic import SecretStr

from services.web.api.app import create_app
from services.web.settings import Settings

KEY = SecretStr("k" * 32)


@pytest.fixture
async def browser() -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(Settings(auth_key=KEY, listen="127.0.0.1:0"))
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://localhost") as client,
    ):
        yield client


async def test_a_page_allows_only_its_own_scripts(browser: httpx.AsyncClient) -> None:
    page = await browser.get("/")
    assert page.status_code == 200
    assert "script-src 'self';" in page.headers["Content-Security-Policy"]
    assert "unsafe" not in page.headers["Content-Security-Policy"]


async def test_nobody_sees_requests_before_signing_in(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/api/requests")
    assert (answer.status_code, answer.json()["reason"]) == (401, "NOT_SIGNED_IN")


async def test_a_call_under_another_name_is_refused(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/api/session", headers={"Host": "elsewhere.example"})
    assert (answer.status_code, answer.json()["reason"]) == (421, "OTHER_HOST")


async def test_a_body_that_is_too_large_is_refused_before_it_is_read(
    browser: httpx.AsyncClient,
) -> None:
    answer = await browser.post("/api/requests:check", content=b"[" + b"1," * 200_000)
    assert (answer.status_code, answer.json()["reason"]) == (413, "TOO_MUCH_SENT")


async def test_a_body_that_does_not_say_how_large_it_is_is_counted(
    browser: httpx.AsyncClient,
) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(500):
            yield b"1," * 1000

    answer = await browser.post("/api/requests:check", content=endless())
    assert (answer.status_code, answer.json()["reason"]) == (413, "TOO_MUCH_SENT")


async def test_one_address_in_a_hurry_is_told_when_to_come_back() -> None:
    settings = Settings(auth_key=KEY, listen="127.0.0.1:0", address_calls_per_minute=10)
    transport = httpx.ASGITransport(app=create_app(settings))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        answers = [await client.get("/api/session") for _ in range(4)]
    assert [one.status_code for one in answers] == [401, 401, 429, 429]
    assert int(answers[-1].headers["Retry-After"]) >= 1
    assert answers[-1].headers["content-type"] == "application/problem+json"
