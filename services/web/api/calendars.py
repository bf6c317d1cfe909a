"""Calendars for phones: no session, the address itself is the secret."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Header, Path, Request, Response

from libs.auth.principal import Principal, Role
from libs.auth.tokens import Tokens
from services.web.adapters.services import Refused, Services
from services.web.settings import Settings

CallToken = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{20,100}$")]
KEPT_S = 300
"""How long a phone may go on with what it has before it asks again."""


def router(settings: Settings) -> APIRouter:
    """`GET /calendar/{token}.ics`, answered 304 while nothing is different, 404 once the token was rotated or revoked."""
    found = APIRouter()
    tokens = Tokens(settings)
    edge = Principal(subject="web", roles=frozenset({Role.SERVICE}))

    @found.get("/calendar/{token}.ics", include_in_schema=False)
    async def calendar(
        request: Request,
        token: CallToken,
        if_none_match: Annotated[str, Header(max_length=200)] = "",
    ) -> Response:
        services: Services = request.app.state.services
        call_token = tokens.issue(edge, lifetime=timedelta(minutes=1))
        try:
            answer = await services.call(call_token, "ReadCalendar", calendar_token=token)
        except Refused as refused:
            if refused.code != "NOT_FOUND":
                raise
            return Response("not found", 404, {"Cache-Control": "no-store"}, "text/plain")
        etag = f'"{answer["etag"]}"'
        headers = {"ETag": etag, "Cache-Control": f"private, max-age={KEPT_S}"}
        if etag in [one.strip().removeprefix("W/") for one in if_none_match.split(",")]:
            return Response(status_code=304, headers=headers)
        headers["Content-Disposition"] = 'inline; filename="zhihui.ics"'
        return Response(answer["text"], 200, headers, "text/calendar; charset=utf-8")

    return found
