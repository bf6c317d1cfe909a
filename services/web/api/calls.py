"""Who makes a call, and how it goes on to the services: what every route needs."""

from dataclasses import dataclass
from hmac import compare_digest
from typing import Annotated, Any

from fastapi import Depends, Header, Path, Query, Request

from libs.auth.principal import Principal
from services.web.adapters.services import Services
from services.web.sessions import Sessions

COOKIE = "zhihui_session"
_ID = r"^[a-z0-9][a-z0-9-]{0,62}$"


class CsrfMissing(Exception):
    """A write did not show the token that belongs to its session."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody signed in, and the services as they may use them."""

    principal: Principal
    services: Services
    token: str
    key: str = ""
    """The caller's id of this call; a repeat with it is answered again and not done again."""

    async def call(self, method: str, **values: Any) -> dict[str, Any]:
        """What `method` answers. Raises `Refused`."""
        return await self.services.call(self.token, method, **values)

    async def write(self, method: str, **values: Any) -> dict[str, Any]:
        """As `call`, with the key of this call, so that a retry does nothing twice."""
        return await self.call(method, request_id=self.key, **values)


def reader(request: Request) -> Caller:
    """Whoever the cookie says.

    Raises:
        NotSignedIn: there is none, or it is too old.
    """
    sessions: Sessions = request.app.state.sessions
    principal = sessions.principal(request.cookies.get(COOKIE, ""))
    return Caller(principal, request.app.state.services, sessions.call_token(principal))


def writer(
    request: Request,
    idempotency_key: Annotated[str, Header(min_length=8, max_length=64)],
    x_csrf_token: Annotated[str, Header(max_length=64)] = "",
) -> Caller:
    """The same, who has shown the session's token.

    Raises:
        NotSignedIn: as above.
        CsrfMissing: the token is not the one that belongs to the cookie.
    """
    who = reader(request)
    sessions: Sessions = request.app.state.sessions
    expected = sessions.csrf(request.cookies[COOKIE])
    if not compare_digest(expected.encode(), x_csrf_token.encode()):
        raise CsrfMissing
    return Caller(who.principal, who.services, who.token, key=idempotency_key)


Reader = Annotated[Caller, Depends(reader)]
Writer = Annotated[Caller, Depends(writer)]
PathId = Annotated[str, Path(pattern=_ID)]
PageToken = Annotated[str, Query(max_length=512)]
PageSize = Annotated[int, Query(ge=1, le=1000)]
Name = Annotated[str, Query(max_length=80)]
