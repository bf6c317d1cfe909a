"""The HTTP edge: pages, sign-in, and the calls behind them."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from libs.auth.principal import NotSignedIn
from libs.process import settle
from services.web.adapters.provider import Provider
from services.web.adapters.services import Busy, Refused, Services
from services.web.api import (
    answer,
    calendars,
    changes,
    experts,
    operations,
    pages,
    reference,
    requests,
    rounds,
    sheets,
    sign_in,
)
from services.web.api.calls import ChangedMeanwhile, CrossSite, CsrfMissing, MatchImpossible
from services.web.api.guard import Guard, Limits
from services.web.api.limit import RateLimit
from services.web.api.problems import problem, problem_of
from services.web.api.venue import router as venue_router
from services.web.sessions import Sessions
from services.web.settings import Settings


def create_app(settings: Settings) -> FastAPI:
    """The application.

    Raises:
        ValueError: the provider lets anybody be anyone, and it or the edge is reached from outside of this machine.
    """
    settings.check()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.services = Services(settings)
        app.state.provider = Provider(settings)
        settle()
        yield
        await app.state.services.close()
        await app.state.provider.close()

    app = FastAPI(
        title="智惠 Zhihui",
        version="1",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        # One span a call; the framework's own of each of its steps tell nothing and cost as much as the call, and what it
        # would log may quote what people wrote.
        telemetry={"operation_spans": False, "metrics": False, "logs": False},
    )
    app.state.settings = settings
    app.state.streams = changes.Streams()
    app.state.sessions = Sessions(settings)

    @app.exception_handler(NotSignedIn)
    async def not_signed_in(request: Request, error: Exception) -> JSONResponse:
        return problem(request, 401, "NOT_SIGNED_IN")

    @app.exception_handler(CsrfMissing)
    async def csrf_missing(request: Request, error: Exception) -> JSONResponse:
        return problem(request, 403, "CSRF_MISSING")

    @app.exception_handler(CrossSite)
    async def cross_site(request: Request, error: Exception) -> JSONResponse:
        return problem(request, 403, "CROSS_SITE")

    @app.exception_handler(ChangedMeanwhile)
    async def changed_meanwhile(request: Request, error: Exception) -> JSONResponse:
        return problem(request, 412, "ETAG_MISMATCH")

    @app.exception_handler(MatchImpossible)
    async def match_impossible(request: Request, error: Exception) -> JSONResponse:
        wrong = [("header.If-Match", "this call is of no version")]
        return problem(request, 422, "INVALID_REQUEST", violations=wrong)

    @app.exception_handler(changes.TooManyStreams)
    async def too_many_streams(request: Request, error: Exception) -> JSONResponse:
        return problem(request, 429, "TOO_MANY_CALLS", retry_after_s=changes.ASK_S)

    @app.exception_handler(Busy)
    async def busy(request: Request, error: Exception) -> JSONResponse:
        return problem(request, 503, "EDGE_BUSY", retry_after_s=5)

    @app.exception_handler(Refused)
    async def refused(request: Request, error: Refused) -> JSONResponse:
        return problem_of(request, error)

    @app.exception_handler(RequestValidationError)
    async def malformed(request: Request, error: RequestValidationError) -> JSONResponse:
        wrong = [
            (".".join(str(part) for part in one["loc"]), str(one["msg"])) for one in error.errors()
        ]
        return problem(request, 422, "INVALID_REQUEST", violations=wrong[:50])

    @app.exception_handler(HTTPException)
    async def framework_refused(request: Request, error: HTTPException) -> JSONResponse:
        """What the framework itself refuses: no such page, no such verb, a body that cannot be read or is too large."""
        reason = "TOO_MUCH_SENT" if error.status_code == 413 else ""
        answer = problem(request, error.status_code, reason)
        answer.headers.update(error.headers or {})
        return answer

    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> Response:
        """The process answers; whether the services behind it do is theirs to say."""
        return Response("ok", media_type="text/plain")

    # Routes are looked through in this order: first those of which a rush is made.
    for part in (requests, answer, sign_in, reference, rounds, experts, sheets, changes):
        app.include_router(part.router)
    app.include_router(venue_router)
    app.include_router(sign_in.pages)
    app.include_router(calendars.router(settings))
    app.include_router(operations.router)
    pages.add_to(app)
    app.add_middleware(GZipMiddleware, minimum_size=1000)
    app.add_middleware(
        Guard,
        settings=settings,
        limits=Limits(
            session=RateLimit(per_minute=settings.calls_per_minute, monotonic_s=time.monotonic),
            address=RateLimit(
                per_minute=settings.address_calls_per_minute, monotonic_s=time.monotonic
            ),
        ),
    )
    return app
