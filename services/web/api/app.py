"""The HTTP edge: pages, sign-in, and the calls behind them."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import JSONResponse

from libs.auth.principal import NotSignedIn
from services.web.adapters.services import Refused, Services
from services.web.api import experts, pages, reference, requests, rounds, sign_in
from services.web.api.calls import COOKIE, CsrfMissing
from services.web.api.guard import Guard
from services.web.api.limit import RateLimit
from services.web.api.problems import problem, problem_of
from services.web.sessions import Sessions
from services.web.settings import Settings

__all__ = ["COOKIE", "create_app"]
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1", "[::1]"})


def create_app(settings: Settings) -> FastAPI:
    """The application.

    Raises:
        ValueError: it would listen outside of this machine, where choosing a person is no way to sign in.
    """
    if settings.listen.rpartition(":")[0] not in LOOPBACK:
        raise ValueError(
            "people to choose from are served on the loopback address only; set ZHIHUI_LISTEN"
        )

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.services = Services(settings)
        yield
        await app.state.services.close()

    app = FastAPI(
        title="智惠 Zhihui",
        version="1",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    app.state.sessions = Sessions(settings)

    @app.exception_handler(NotSignedIn)
    async def not_signed_in(request: Request, error: Exception) -> JSONResponse:
        return problem(request, 401, "NOT_SIGNED_IN")

    @app.exception_handler(CsrfMissing)
    async def csrf_missing(request: Request, error: Exception) -> JSONResponse:
        return problem(request, 403, "CSRF_MISSING")

    @app.exception_handler(Refused)
    async def refused(request: Request, error: Refused) -> JSONResponse:
        return problem_of(request, error)

    @app.exception_handler(RequestValidationError)
    async def malformed(request: Request, error: RequestValidationError) -> JSONResponse:
        wrong = [
            (".".join(str(part) for part in one["loc"]), str(one["msg"])) for one in error.errors()
        ]
        return problem(request, 422, "INVALID_REQUEST", violations=wrong[:50])

    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> Response:
        """The process answers; whether the services behind it do is theirs to say."""
        return Response("ok", media_type="text/plain")

    for part in (sign_in, reference, rounds, requests, experts):
        app.include_router(part.router)
    pages.add_to(app)
    app.add_middleware(GZipMiddleware, minimum_size=1000)
    app.add_middleware(
        Guard,
        limit=RateLimit(per_minute=settings.calls_per_minute, monotonic_s=time.monotonic),
    )
    return app
