"""The HTTP edge: pages, sign-in, and the calls behind them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from hmac import compare_digest
from pathlib import Path
from typing import Annotated, Any

import grpc
from fastapi import Depends, FastAPI, Header, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, ConfigDict, Field

from libs.auth.principal import NotSignedIn, Principal
from libs.rpc.status import refusal_from
from services.web.adapters.services import Services
from services.web.people import PEOPLE, PERSON_BY_ID
from services.web.sessions import Sessions
from services.web.settings import Settings

COOKIE = "zhihui_session"
STATIC = Path(__file__).parent.parent / "static"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1", "[::1]"})
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_HTTP_BY_CODE = {
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ABORTED: 409,
    grpc.StatusCode.FAILED_PRECONDITION: 409,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
}


class SignIn(BaseModel):
    """Who to be."""

    model_config = ConfigDict(extra="forbid")
    person: str = Field(max_length=40)


class CsrfMissing(Exception):
    """A write did not show the token that belongs to its session."""


def _problem(status: int, reason: str, sentence: str, **more: Any) -> JSONResponse:
    body = {"type": "about:blank", "status": status, "reason": reason, "detail": sentence, **more}
    return JSONResponse(body, status_code=status, media_type="application/problem+json")


def create_app(settings: Settings) -> FastAPI:
    """The application.

    Raises:
        ValueError: it would listen outside of this machine, where choosing a person is no way to sign in.
    """
    if settings.listen.rpartition(":")[0] not in LOOPBACK:
        raise ValueError(
            "people to choose from are served on the loopback address only; set ZHIHUI_LISTEN"
        )
    sessions = Sessions(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.services = Services(settings)
        yield
        await app.state.services.close()

    app = FastAPI(title="Zhihui", lifespan=lifespan, docs_url=None, redoc_url=None)

    def signed_in(request: Request) -> Principal:
        return sessions.principal(request.cookies.get(COOKIE, ""))

    def writer(request: Request, x_csrf_token: Annotated[str, Header()] = "") -> Principal:
        principal = signed_in(request)
        expected = sessions.csrf(request.cookies[COOKIE])
        if not compare_digest(expected.encode(), x_csrf_token.encode()):
            raise CsrfMissing
        return principal

    @app.middleware("http")
    async def secure(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        response = await call_next(request)
        response.headers.update(SECURITY_HEADERS)
        return response

    @app.exception_handler(NotSignedIn)
    async def not_signed_in(request: Request, error: Exception) -> JSONResponse:
        return _problem(401, "NOT_SIGNED_IN", "请先登录。 Please sign in.")

    @app.exception_handler(CsrfMissing)
    async def csrf_missing(request: Request, error: Exception) -> JSONResponse:
        return _problem(403, "CSRF_MISSING", "请刷新页面再试。 Reload the page and try again.")

    @app.exception_handler(grpc.RpcError)
    async def refused(request: Request, error: grpc.RpcError) -> JSONResponse:
        refusal = refusal_from(error)
        status = _HTTP_BY_CODE.get(refusal.code, 503)
        fields = [{"path": one.path, "detail": one.description} for one in refusal.violations]
        sentence = refusal.sentence if refusal.reason else "服务暂时无法使用。 The service is away."
        return _problem(status, refusal.reason, sentence, violations=fields)

    @app.get("/api/people")
    async def people() -> list[dict[str, str]]:
        return [{"id": one.id, "zh": one.display_name, "en": one.display_name_en} for one in PEOPLE]

    @app.post("/api/session")
    async def sign_in(body: SignIn) -> Response:
        person = PERSON_BY_ID.get(body.person)
        if person is None:
            return _problem(404, "PERSON_UNKNOWN", "没有这个人。 There is no such person.")
        cookie = sessions.cookie(person.principal)
        response = JSONResponse({"csrf": sessions.csrf(cookie)})
        age_s = int(sessions.lifetime.total_seconds())
        response.set_cookie(COOKIE, cookie, max_age=age_s, httponly=True, samesite="lax")
        return response

    @app.get("/api/requests")
    async def requests(
        who: Annotated[Principal, Depends(signed_in)], page_token: str = ""
    ) -> dict[str, Any]:
        services: Services = app.state.services
        return await services.requests(sessions.call_token(who), page_token)

    @app.post("/api/requests/{request_id}:endorse")
    async def endorse(
        request_id: str,
        who: Annotated[Principal, Depends(writer)],
        idempotency_key: Annotated[str, Header(min_length=8, max_length=64)],
    ) -> dict[str, Any]:
        services: Services = app.state.services
        name = f"requests/{request_id}"
        return await services.endorse(sessions.call_token(who), name, idempotency_key)

    @app.get("/api/rounds")
    async def rounds(
        who: Annotated[Principal, Depends(signed_in)], page_token: str = ""
    ) -> dict[str, Any]:
        services: Services = app.state.services
        return await services.rounds(sessions.call_token(who), page_token)

    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(STATIC / "index.html")

    app.mount("/static", StaticFiles(directory=STATIC))
    return app
