"""Signing in, over real HTTP with the embedded provider: what must be shown, what is refused, when it ends."""

import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from libs.auth.principal import NotSignedIn, Principal, Role
from libs.auth.tokens import Tokens
from services.local.identity import ProviderRefused, listen_address
from services.local.people import PEOPLE
from services.web.api.app import create_app
from services.web.api.sign_in import own_path
from services.web.sessions import RENEW_S, Session, Sessions
from services.web.settings import Settings
from tests.support.clock import FixedClock
from tests.support.signing_in import KEY, browser, edge, identity_provider, sign_in


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with identity_provider() as address:
        yield address


@pytest.fixture
async def app(issuer: str) -> AsyncIterator[FastAPI]:
    async with edge(issuer) as running:
        yield running


@pytest.fixture
async def visitor(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(app) as client:
        yield client


async def authorization(visitor: httpx.AsyncClient, **query: str) -> httpx.Response:
    """Where the edge sends the browser, not yet gone there."""
    answer = await visitor.get("/auth/start", params=query)
    assert answer.status_code == 302
    return answer


@pytest.mark.parametrize("person", PEOPLE, ids=lambda one: one.id)
async def test_each_of_the_people_signs_in_with_one_tap(visitor: httpx.AsyncClient, person) -> None:
    await sign_in(visitor, person.id)
    session = (await visitor.get("/api/session")).json()
    assert session["roles"] == [person.role]
    assert session["nodes"] == list(person.nodes)
    assert session["zh"].endswith("（示例）")
    assert session["expert"] == (f"experts/{person.expert}" if person.expert else "")


@pytest.mark.parametrize(
    ("person", "asked", "ends"),
    [
        ("city", "/console/rounds/demo?view=map", "/console/rounds/demo?view=map"),
        ("city", "/", "/console"),
        ("teacher", "/", "/app"),
        ("teacher", "//elsewhere.example/x", "/app"),
        ("teacher", "https://elsewhere.example/x", "/app"),
    ],
)
async def test_a_deep_link_survives_signing_in_and_leads_nowhere_else(
    visitor: httpx.AsyncClient, person: str, asked: str, ends: str
) -> None:
    answer = await visitor.get(
        "/auth/start", params={"person": person, "next": asked}, follow_redirects=True
    )
    assert str(answer.url) == f"http://localhost{ends}"


@pytest.mark.parametrize("path", ["/\\x", "/auth/start", "/api/session", "x", "/a\nb", "/\t/x.y"])
def test_only_pages_of_ours_are_gone_back_to(path: str) -> None:
    assert own_path(path) == "/"


async def test_state_nonce_and_pkce_go_with_every_sign_in(visitor: httpx.AsyncClient) -> None:
    first, second = [
        parse_qs(urlsplit((await authorization(visitor)).headers["location"]).query)
        for _ in range(2)
    ]
    assert first["code_challenge_method"] == ["S256"]
    for name in ("state", "nonce", "code_challenge"):
        assert first[name] != second[name]


async def test_the_provider_of_this_machine_lists_its_people_in_the_readers_language(
    visitor: httpx.AsyncClient,
) -> None:
    location = (await authorization(visitor)).headers["location"]
    page = await visitor.get(location, headers={"Accept-Language": "en"})
    assert page.text.count("<button") == len(PEOPLE)
    assert "城口教师（示例）" in page.text  # the edge said ui_locales=zh-CN
    english = await visitor.get(location.replace("zh-CN", "en"))
    assert "Teacher in Chengkou (sample)" in english.text


async def test_a_code_for_another_browser_signs_nobody_in(
    app: FastAPI, visitor: httpx.AsyncClient
) -> None:
    location = (await authorization(visitor, person="city")).headers["location"]
    back = (await visitor.get(location)).headers["location"]
    async with browser(app) as other:
        await authorization(other, person="teacher")
        answer = await other.get(back)
        assert parse_qs(urlsplit(answer.headers["location"]).query)["problem"] == [
            "SIGN_IN_TOO_LATE"
        ]
        assert (await other.get("/api/session")).status_code == 401


async def test_a_code_works_once_and_only_with_its_verifier(
    issuer: str, visitor: httpx.AsyncClient
) -> None:
    location = (await authorization(visitor, person="city")).headers["location"]
    back = (await visitor.get(location)).headers["location"]
    code = parse_qs(urlsplit(back).query)["code"][0]
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": "http://localhost/auth/back",
        "client_id": "zhihui",
        "code_verifier": "a" * 64,
    }
    async with httpx.AsyncClient() as thief:
        assert (await thief.post(f"{issuer}/oauth2/token", data=form)).status_code == 400
    spent = await visitor.get(back)
    assert "SIGN_IN_REFUSED" in spent.headers["location"]


async def test_a_nonce_of_another_sign_in_is_not_believed(
    app: FastAPI, visitor: httpx.AsyncClient
) -> None:
    location = (await authorization(visitor, person="city")).headers["location"]
    nonce = parse_qs(urlsplit(location).query)["nonce"][0]
    back = (await visitor.get(location.replace(nonce, "x" * len(nonce)))).headers["location"]
    assert "SIGN_IN_REFUSED" in (await visitor.get(back)).headers["location"]


@pytest.mark.parametrize(
    "change",
    [
        ("client_id=zhihui", "client_id=another"),
        ("redirect_uri=http%3A%2F%2Flocalhost", "redirect_uri=http%3A%2F%2Felsewhere.example"),
        ("code_challenge_method=S256", "code_challenge_method=plain"),
        ("state=", "stated="),
    ],
)
async def test_the_provider_of_this_machine_answers_our_client_only(
    visitor: httpx.AsyncClient, change: tuple[str, str]
) -> None:
    location = (await authorization(visitor, person="city")).headers["location"]
    assert change[0] in location
    assert (await visitor.get(location.replace(*change))).status_code == 400


async def test_the_provider_of_this_machine_knows_its_people_only(
    issuer: str, visitor: httpx.AsyncClient
) -> None:
    location = (await authorization(visitor)).headers["location"]
    assert (await visitor.post(location, data={"sub": "sample-admin"})).status_code == 403
    async with httpx.AsyncClient() as other:
        claims = {"zhihui_roles": ["ADMIN"]}
        assert (await other.put(f"{issuer}/users/sample-city", json=claims)).status_code == 404


@pytest.mark.parametrize("address", ["0.0.0.0:7410", "192.168.1.4:7410", "[::]:7410", "host:7410"])
def test_the_provider_that_asks_for_no_password_stays_on_this_machine(address: str) -> None:
    with pytest.raises(ProviderRefused):
        listen_address(address)
    assert listen_address("127.0.0.1:7410") == ("127.0.0.1", 7410)


@pytest.mark.parametrize(
    "outside",
    [
        {"listen": "0.0.0.0:7400"},
        {"listen": "127.0.0.1:7400", "public_url": "https://zhihui.example.org"},
        {"listen": "127.0.0.1:7400", "oidc_issuer": "http://login.example.org"},
    ],
)
def test_the_edge_refuses_that_provider_where_others_can_reach_it(outside: dict[str, str]) -> None:
    told = {"oidc_issuer": "http://127.0.0.1:7410", **outside}
    with pytest.raises(ValueError, match="trying out"):
        create_app(Settings(auth_key=SecretStr(KEY), **told))
    real = {**outside, "oidc_issuer": "https://login.example.org"}
    assert create_app(Settings(auth_key=SecretStr(KEY), **real)).state.settings.oidc_issuer


async def test_a_provider_that_is_away_is_said_on_the_page_and_the_link_is_kept() -> None:
    async with edge("http://127.0.0.1:9") as app, browser(app) as visitor:
        answer = await visitor.get("/auth/start", params={"next": "/app/x"})
        query = parse_qs(urlsplit(answer.headers["location"]).query)
        assert query == {"problem": ["PROVIDER_AWAY"], "next": ["/app/x"]}
        listed = await visitor.get("/api/people", headers={"Accept-Language": "en"})
        assert (listed.status_code, listed.json()["reason"]) == (503, "PROVIDER_AWAY")


async def test_people_of_a_provider_without_our_claims_come_from_a_file(
    issuer: str, tmp_path: Path
) -> None:
    file = tmp_path / "people.json"
    known = {
        "sample-teacher": {"roles": ["AUDITOR", "SERVICE"], "nodes": ["nodes/district-500229"]}
    }
    file.write_text(json.dumps(known))
    async with edge(issuer, oidc_people_file=str(file)) as app, browser(app) as visitor:
        await sign_in(visitor, "teacher")
        session = (await visitor.get("/api/session")).json()
        assert session["roles"] == ["AUDITOR"]  # SERVICE is nobody who signs in


async def test_somebody_without_a_role_of_ours_has_no_part_here(issuer: str) -> None:
    async with edge(issuer, oidc_roles_claim="other") as app, browser(app) as visitor:
        answer = await visitor.get(
            "/auth/start", params={"person": "city", "next": "/app"}, follow_redirects=True
        )
        assert answer.url.params["problem"] == "NO_PART_HERE"
        assert (await visitor.get("/api/session")).status_code == 401


async def test_a_session_cookie_is_kept_from_scripts_and_other_sites(
    visitor: httpx.AsyncClient,
) -> None:
    location = (await authorization(visitor, person="city")).headers["location"]
    back = await visitor.get((await visitor.get(location)).headers["location"])
    cookies = back.headers.get_list("set-cookie")
    (made,) = [one for one in cookies if one.startswith("zhihui_session=")]
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(made.split("; "))
    assert "sample-city" not in made


async def test_over_https_the_browser_sees_to_the_cookies_scope(issuer: str) -> None:
    settings = Settings(
        auth_key=SecretStr(KEY),
        public_url="https://zhihui.example.org",
        oidc_issuer="https://x.org",
    )
    app = create_app(settings)
    async with browser(app) as visitor:
        held = {"host": "zhihui.example.org"}
        answer = await visitor.get("/auth/back", headers=held)
        assert "__Secure-zhihui_signing_in" in answer.headers["set-cookie"]
        assert "Secure" in answer.headers["set-cookie"]
        assert answer.headers["strict-transport-security"]
        assert (await visitor.get("/api/session")).status_code == 421  # by another name


async def test_signing_out_ends_the_session_even_for_who_kept_the_cookie(
    visitor: httpx.AsyncClient,
) -> None:
    shown = await sign_in(visitor, "city")
    kept = visitor.cookies["zhihui_session"]
    assert (await visitor.delete("/api/session")).status_code == 403
    assert (await visitor.delete("/api/session", headers=shown)).status_code == 204
    assert "zhihui_session" not in visitor.cookies
    visitor.cookies.set("zhihui_session", kept, domain="localhost.local")
    assert (await visitor.get("/api/session")).status_code == 401


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"X-CSRF-Token": ""}, "CSRF_MISSING"),
        ({"X-CSRF-Token": "0" * 64}, "CSRF_MISSING"),
        ({"Sec-Fetch-Site": "cross-site"}, "CROSS_SITE"),
        ({"Sec-Fetch-Site": "same-site"}, "CROSS_SITE"),
        ({"Origin": "http://elsewhere.example"}, "CROSS_SITE"),
        ({"Origin": "null"}, "CROSS_SITE"),
    ],
)
async def test_a_write_from_elsewhere_is_refused(
    visitor: httpx.AsyncClient, headers: dict[str, str], reason: str
) -> None:
    shown = await sign_in(visitor, "city")
    sent = {"Idempotency-Key": "k" * 12, **shown, **headers}
    answer = await visitor.post("/api/requests/a:endorse", json={}, headers=sent)
    assert (answer.status_code, answer.json()["reason"]) == (403, reason)


NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)
CITY = Principal(subject="x", roles=frozenset({Role.CITY_COORDINATOR}))


def sessions(after: timedelta, **others: int) -> Sessions:
    return Sessions(Settings(auth_key=SecretStr(KEY), **others), clock=FixedClock(NOW + after))


def test_a_session_ends_when_unused_and_in_any_case_after_some_hours() -> None:
    begun = sessions(timedelta()).begin(CITY, zh="示例", en="sample")
    cookie = sessions(timedelta()).cookie(begun)
    assert sessions(timedelta(minutes=119)).session(cookie) == begun
    with pytest.raises(NotSignedIn):
        sessions(timedelta(minutes=120)).session(cookie)
    late = sessions(timedelta(hours=7, minutes=59)).cookie(begun)
    assert sessions(timedelta(hours=7, minutes=59)).session(late).id == begun.id
    with pytest.raises(NotSignedIn):
        sessions(timedelta(hours=8)).session(late)


def test_services_are_told_the_name_of_whoever_signs_something() -> None:
    ours = sessions(timedelta())
    token = ours.call_token(ours.begin(CITY, zh="全市统筹（示例）", en="City coordinator (sample)"))
    told = Tokens(Settings(auth_key=SecretStr(KEY)), clock=FixedClock(NOW)).verify(token)
    assert (told.subject, told.name) == ("x", "全市统筹（示例）")


def test_a_seal_is_made_anew_while_the_session_goes_on() -> None:
    begun = sessions(timedelta()).begin(CITY, zh="示例", en="sample")
    soon, later = timedelta(seconds=RENEW_S - 1), timedelta(seconds=RENEW_S)
    assert sessions(soon).renewed(begun) == ""
    renewed = sessions(later).session(sessions(later).renewed(begun))
    assert (renewed.id, renewed.begun_s) == (begun.id, begun.begun_s)
    assert renewed.sealed_s == begun.sealed_s + RENEW_S
    assert sessions(later).csrf(renewed) == sessions(later).csrf(begun)


def test_what_was_sealed_for_one_purpose_or_with_another_key_opens_nothing() -> None:
    ours = sessions(timedelta())
    begun = ours.begin(CITY, zh="示例", en="sample")
    with pytest.raises(NotSignedIn):
        ours.session(ours.begin_signing_in({"state": "x"}))
    with pytest.raises(NotSignedIn):
        ours.signing_in(ours.cookie(begun))
    other = Sessions(Settings(auth_key=SecretStr(KEY), session_key=SecretStr("s" * 32)))
    with pytest.raises(NotSignedIn):
        other.session(ours.cookie(begun))
    broken = ours.cookie(begun)[:-3] + "AAA"
    for cookie in ("", "x", "a.b.c.d.e", broken):
        with pytest.raises(NotSignedIn):
            ours.session(cookie)


async def test_an_answer_brings_the_new_seal_and_the_old_one_stays_until_it_is_idle(
    app: FastAPI, visitor: httpx.AsyncClient
) -> None:
    ours: Sessions = app.state.sessions
    now = int(ours._clock().timestamp())
    old = Session("session-x", CITY, "示例", "sample", now - 4000, now - RENEW_S - 1)
    made = Sessions(
        Settings(auth_key=SecretStr(KEY)),
        clock=FixedClock(datetime.fromtimestamp(old.sealed_s, tz=UTC)),
    )
    visitor.cookies.set("zhihui_session", made.cookie(old), domain="localhost.local")
    answer = await visitor.get("/api/session")
    assert answer.headers["set-cookie"].startswith("zhihui_session=")
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "set-cookie" not in (await visitor.get("/api/session")).headers
