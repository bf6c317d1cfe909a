"""What every answer carries, and how often one caller may ask."""

from secrets import token_urlsafe
from typing import Any

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.web.api.calls import COOKIE
from services.web.api.limit import RateLimit
from services.web.api.problems import problem

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def content_security_policy(nonce: str) -> str:
    """Only what we serve ourselves; styles that the console makes while it runs carry this answer's `nonce`."""
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; "
        "font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )


class Guard:
    """Puts the security headers on every answer, and stops callers in a hurry before anything is done for them."""

    def __init__(self, app: ASGIApp, *, limit: RateLimit) -> None:
        """Wrap `app`."""
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        nonce = token_urlsafe(16)
        scope.setdefault("state", {})["nonce"] = nonce

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(SECURITY_HEADERS)
                headers["Content-Security-Policy"] = content_security_policy(nonce)
                if scope["path"].startswith("/api/"):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        if scope["path"].startswith("/api/"):
            request = Request(scope)
            wait_s = self._limit.wait_s(_caller(request))
            if wait_s:
                refusal: Any = problem(request, 429, "TOO_MANY_CALLS", retry_after_s=wait_s)
                await refusal(scope, receive, send_guarded)
                return
        await self._app(scope, receive, send_guarded)


def _caller(request: Request) -> str:
    host = request.client.host if request.client else ""
    return request.cookies.get(COOKIE, "") or host
