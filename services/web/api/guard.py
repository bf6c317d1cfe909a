"""What every answer carries; how often one caller may ask, how much they may send, and under which name we are called."""

import asyncio
from dataclasses import dataclass
from http.cookies import SimpleCookie
from secrets import token_urlsafe
from typing import Any
from urllib.parse import urlsplit

import structlog
from fastapi import HTTPException, Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.web.api.calls import names_for
from services.web.api.limit import RateLimit
from services.web.api.problems import problem
from services.web.settings import LOOPBACK, Settings

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
SHEETS = "/api/sheets"
"""What is below it takes files."""
STRICT_TRANSPORT = "max-age=31536000"


_log = structlog.stdlib.get_logger(__name__)


def content_security_policy(nonce: str) -> str:
    """Only what we serve ourselves; styles that the console makes while it runs carry this answer's `nonce`."""
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; "
        "font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )


class TooMuchSent(HTTPException):
    """A body is larger than it may be: seen while it is read, so that the framework must let it pass."""

    def __init__(self) -> None:
        super().__init__(413)


class TooSlow(Exception):
    """A stream's reader does not take what is sent."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How often one session and one address may call."""

    session: RateLimit
    address: RateLimit


class Guard:
    """Stops what should not come in before anything is done for it, and puts the headers on every answer."""

    def __init__(self, app: ASGIApp, *, settings: Settings, limits: Limits) -> None:
        """Wrap `app`."""
        self._app = app
        self._limits = limits
        self._body_max = settings.body_bytes_max
        self._sheet_max = settings.sheet_bytes_max
        self._slow_s = settings.slow_reader_s
        self._cookie = names_for(settings)
        self._age_s = settings.session_hours * 3600
        self._secure = settings.base_url.startswith("https:")
        own = urlsplit(settings.base_url).hostname or ""
        self._hosts = LOOPBACK if own in LOOPBACK else frozenset({own})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        nonce = token_urlsafe(16)
        state: dict[str, Any] = scope.setdefault("state", {})
        state["nonce"], state["renewed_cookie"], state["etag"] = nonce, "", ""
        path: str = scope["path"]

        streaming = dropped = False

        async def send_guarded(message: Message) -> None:
            nonlocal streaming, dropped
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                self._complete(headers, state, path, message["status"])
                streaming = headers.get("content-type", "").startswith("text/event-stream")
            if not streaming:
                await send(message)
                return
            try:
                async with asyncio.timeout(self._slow_s):
                    await send(message)
            except TimeoutError:
                dropped = True
                raise TooSlow from None

        request = Request(scope)
        refusal = self._refusal(request) if path.startswith(("/api/", "/auth/")) else None
        if refusal is not None:
            await refusal(scope, receive, send_guarded)
            return
        try:
            await self._app(scope, self._counted(receive, self._max(path)), send_guarded)
        except Exception:
            if not dropped:
                raise
            # what the framework's tasks say of it is no news; ending without the last part makes the server close
            # the connection, and the reader comes back by itself
            _log.info("slow_reader_dropped", path=path)

    def _refusal(self, request: Request) -> Any:
        host = urlsplit(f"//{request.headers.get('host', '')}").hostname
        if host not in self._hosts:
            return problem(request, 421, "OTHER_HOST")
        length = request.headers.get("content-length", "")
        if length.isascii() and length.isdigit() and int(length) > self._max(request.url.path):
            return problem(request, 413, "TOO_MUCH_SENT")
        wait_s = self._limits.address.wait_s(request.client.host if request.client else "")
        session = request.cookies.get(self._cookie.session, "")
        if session and not wait_s:
            wait_s = self._limits.session.wait_s(session[-32:])
        return problem(request, 429, "TOO_MANY_CALLS", retry_after_s=wait_s) if wait_s else None

    def _max(self, path: str) -> int:
        return self._sheet_max if path.startswith(SHEETS) else self._body_max

    def _counted(self, receive: Receive, bytes_max: int) -> Receive:
        got = 0

        async def receive_counted() -> Message:
            nonlocal got
            message = await receive()
            got += len(message.get("body", b""))
            if got > bytes_max:
                raise TooMuchSent
            return message

        return receive_counted

    def _complete(
        self, headers: MutableHeaders, state: dict[str, Any], path: str, status: int
    ) -> None:
        headers.update(SECURITY_HEADERS)
        headers["Content-Security-Policy"] = content_security_policy(state["nonce"])
        if self._secure:
            headers["Strict-Transport-Security"] = STRICT_TRANSPORT
        if path.startswith(("/api/", "/auth/")):
            headers.setdefault("Cache-Control", "no-store")
        if state["etag"] and status < 300:
            headers["ETag"] = f'"{state["etag"]}"'
        if state["renewed_cookie"]:
            cookie = SimpleCookie({self._cookie.session: state["renewed_cookie"]})
            morsel = cookie[self._cookie.session]
            morsel["max-age"], morsel["path"] = str(self._age_s), "/"
            morsel["httponly"], morsel["samesite"] = True, "lax"
            if self._cookie.secure:
                morsel["secure"] = True
            headers.append("Set-Cookie", morsel.OutputString())
