"""Signing in by OpenID Connect, and who is signed in."""

from typing import Annotated, Any
from urllib.parse import urlencode, urlsplit

import structlog
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from libs.auth.principal import NotSignedIn, Principal, Role
from services.web.adapters.provider import Provider, SignInFailed
from services.web.adapters.provider import SignedIn as Found
from services.web.api import views
from services.web.api.calls import CookieNames, SignedIn, SignedInWriting, cookie_names
from services.web.api.problems import DOCUMENTED, problem, speaks_english
from services.web.sessions import SIGNING_IN_S, Session, Sessions
from services.web.settings import Settings

router = APIRouter(prefix="/api", responses=DOCUMENTED)
pages = APIRouter(prefix="/auth", include_in_schema=False)
Short = Annotated[str, Query(max_length=200)]
Long = Annotated[str, Query(max_length=4000)]

_ON_PHONES = frozenset({Role.VENUE_STAFF, Role.LOCAL_HEAD, Role.EXPERT})

_log = structlog.stdlib.get_logger(__name__)


@router.get("/people", response_model=list[views.PersonShown])
async def people(request: Request) -> Any:
    """Whom one may be while trying out; nobody where a real provider is set up."""
    provider: Provider = request.app.state.provider
    try:
        return [
            {"id": one["id"], "zh": one["zh"], "en": one["en"], "roles": one["roles"]}
            for one in await provider.people()
        ]
    except SignInFailed as failed:
        _log.warning("provider_away", error=str(failed))
        return problem(request, 503, failed.reason)


@router.get("/session", response_model=views.SessionShown)
async def session(request: Request, signed_in: SignedIn) -> Any:
    """Who is signed in; a page reads it when it opens."""
    return _shown(signed_in, request.app.state.sessions)


@router.delete("/session", status_code=204)
async def sign_out(request: Request, signed_in: SignedInWriting) -> Response:
    """The session is over; its cookie is refused from now on."""
    sessions: Sessions = request.app.state.sessions
    sessions.end(signed_in)
    request.state.renewed_cookie = ""
    response = Response(status_code=204)
    names = cookie_names(request)
    response.delete_cookie(names.session, path="/", secure=names.secure)
    return response


@pages.get("/start")
async def start(request: Request, next: Long = "/", person: Short = "") -> Response:
    """Off to the provider; `next` is where to come back to, `person` whom to be while trying out."""
    provider: Provider = request.app.state.provider
    settings: Settings = request.app.state.settings
    sessions: Sessions = request.app.state.sessions
    target = own_path(next)
    hint = f"sample-{person}" if person and settings.for_trying_out else ""
    try:
        begun = await provider.begin(
            back_url=_back_url(request),
            hint=hint,
            language="en" if speaks_english(request) else "zh-CN",
        )
    except SignInFailed as failed:
        return _failed(failed, target)
    kept = sessions.begin_signing_in(
        {"state": begun.state, "nonce": begun.nonce, "verifier": begun.verifier, "next": target}
    )
    response = RedirectResponse(begun.url, status_code=302)
    names = cookie_names(request)
    response.set_cookie(
        names.signing_in,
        kept,
        max_age=SIGNING_IN_S,
        path="/auth",
        httponly=True,
        samesite="lax",
        secure=names.secure,
    )
    return response


@pages.get("/back")
async def back(request: Request, code: Long = "", state: Short = "", error: Short = "") -> Response:
    """Back from the provider, with a code or with a refusal."""
    names = cookie_names(request)
    begun = _begun(request)
    target = own_path(str(begun.get("next", "/")))
    try:
        found = await _found(request, begun, code=code, state=state, error=error)
    except SignInFailed as failed:
        response = _failed(failed, target)
    else:
        sessions: Sessions = request.app.state.sessions
        opened = sessions.begin(found.principal, zh=found.zh, en=found.en)
        home = _home_of(found.principal) if target == "/" else target
        response = RedirectResponse(home, status_code=302)
        set_session_cookie(response, names, sessions.cookie(opened), age_s=sessions.lifetime_s)
    response.delete_cookie(names.signing_in, path="/auth", secure=names.secure)
    return response


def _begun(request: Request) -> dict[str, Any]:
    """What was kept when it began; empty where there is nothing, or it took too long."""
    sessions: Sessions = request.app.state.sessions
    try:
        return sessions.signing_in(request.cookies.get(cookie_names(request).signing_in, ""))
    except NotSignedIn:
        return {}


async def _found(
    request: Request, begun: dict[str, Any], *, code: str, state: str, error: str
) -> Found:
    if not state or state != begun.get("state"):
        raise SignInFailed("SIGN_IN_TOO_LATE", "not the state that was sent")
    if error or not code:
        raise SignInFailed("SIGN_IN_REFUSED", f"the provider says {error or 'nothing'!r}")
    provider: Provider = request.app.state.provider
    return await provider.finish(
        code=code, verifier=begun["verifier"], nonce=begun["nonce"], back_url=_back_url(request)
    )


def set_session_cookie(response: Response, names: CookieNames, cookie: str, *, age_s: int) -> None:
    """For scripts it does not exist; from other sites it comes with links only."""
    response.set_cookie(
        names.session,
        cookie,
        max_age=age_s,
        path="/",
        httponly=True,
        samesite="lax",
        secure=names.secure,
    )


def own_path(asked: str) -> str:
    """`asked` where it is a path of ours, `/` otherwise: nobody is sent elsewhere after signing in."""
    parts = urlsplit(asked)
    own = (
        not parts.scheme
        and not parts.netloc
        and asked.startswith("/")
        and not asked.startswith(("//", "/\\", "/auth/", "/api/"))
        and asked.isprintable()
    )
    return asked if own else "/"


def _home_of(principal: Principal) -> str:
    """The client that is made for what they do."""
    return "/app" if principal.roles <= _ON_PHONES else "/console"


def _back_url(request: Request) -> str:
    """Under the name by which the browser has come, where its cookie is: the guard has looked at that name."""
    settings: Settings = request.app.state.settings
    base = settings.public_url.rstrip("/") or f"http://{request.headers['host']}"
    return f"{base}/auth/back"


def _failed(failed: SignInFailed, target: str) -> Response:
    _log.warning("sign_in_failed", reason=failed.reason, error=str(failed))
    query = urlencode({"problem": failed.reason, "next": target})
    return RedirectResponse(f"/?{query}", status_code=302)


def _shown(session: Session, sessions: Sessions) -> JSONResponse:
    principal = session.principal
    shown = views.SessionShown(
        id=principal.subject.removeprefix("sample-"),
        zh=session.zh,
        en=session.en,
        roles=sorted(principal.roles),
        nodes=list(principal.nodes),
        expert=f"experts/{principal.expert_id}" if principal.expert_id else "",
        csrf=sessions.csrf(session),
    )
    return JSONResponse(shown.model_dump())
