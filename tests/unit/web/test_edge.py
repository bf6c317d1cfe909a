"""What the web edge lets in, and what it says of itself."""

from collections.abc import AsyncIterator

import httpx
import pytest
from pydantic import SecretStr

from services.web.api.app import COOKIE, create_app
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


def test_choosing_a_person_is_refused_outside_of_this_machine() -> None:
    with pytest.raises(ValueError, match="loopback"):
        create_app(Settings(auth_key=KEY, listen="0.0.0.0:7400"))


async def test_a_page_allows_only_its_own_scripts(browser: httpx.AsyncClient) -> None:
    page = await browser.get("/")
    assert page.status_code == 200
    assert "script-src 'self';" in page.headers["Content-Security-Policy"]
    assert "unsafe" not in page.headers["Content-Security-Policy"]


async def test_nobody_sees_requests_before_signing_in(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/api/requests")
    assert (answer.status_code, answer.json()["reason"]) == (401, "NOT_SIGNED_IN")


async def test_a_session_cookie_is_kept_from_scripts(browser: httpx.AsyncClient) -> None:
    answer = await browser.post("/api/session", json={"person": "city"})
    assert answer.headers["set-cookie"].startswith(COOKIE)
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "SameSite=lax" in answer.headers["set-cookie"]


async def test_a_write_without_its_token_is_refused(browser: httpx.AsyncClient) -> None:
    await browser.post("/api/session", json={"person": "city"})
    answer = await browser.post(
        "/api/requests/a:endorse", json={}, headers={"Idempotency-Key": "k" * 12}
    )
    assert (answer.status_code, answer.json()["reason"]) == (403, "CSRF_MISSING")


async def test_unknown_fields_are_refused(browser: httpx.AsyncClient) -> None:
    assert (await browser.post("/api/session", json={"person": "city", "x": 1})).status_code == 422
