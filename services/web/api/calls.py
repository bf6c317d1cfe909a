"""Who makes a call, and how it goes on to the services: what every route needs."""

from collections.abc import MutableMapping
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import Depends, Header, Path, Query, Request

from libs.auth.principal import Principal
from services.web.adapters.services import Refused, Services
from services.web.sessions import Session, Sessions
from services.web.settings import Settings

_ID = r"^[a-z0-9][a-z0-9-]{0,62}$"
_SAME_SITE = frozenset({"", "same-origin", "none"})


class CsrfMissing(Exception):
    """A write did not show the token that belongs to its session."""


class CrossSite(Exception):
    """A write came from a page that is not ours."""


class ChangedMeanwhile(Exception):
    """`If-Match` named a version that is no longer the newest."""


class MatchImpossible(Exception):
    """`If-Match` came with a call that is of no version; going on would overwrite what the caller wanted to keep."""


@dataclass(frozen=True, slots=True)
class CookieNames:
    """What cookies are called; over https the browser itself sees to their scope (`__Host-`)."""

    session: str
    signing_in: str
    secure: bool


_PLAIN = CookieNames("zhihui_session", "zhihui_signing_in", secure=False)
_SECURE = CookieNames("__Host-zhihui_session", "__Secure-zhihui_signing_in", secure=True)


def names_for(settings: Settings) -> CookieNames:
    """By how browsers reach us."""
    return _SECURE if settings.base_url.startswith("https:") else _PLAIN


def cookie_names(request: Request) -> CookieNames:
    """The same, for a request."""
    return names_for(request.app.state.settings)


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody signed in, and the services as they may use them."""

    principal: Principal
    services: Services
    token: str
    key: str = ""
    """The caller's id of this call; a repeat with it is answered again and not done again."""
    if_match: str = ""
    """The version that was read, where the caller gave it as a header."""
    noted: MutableMapping[str, Any] = field(default_factory=dict)
    """What the guard puts on the answer: `etag`, of the one thing that is answered."""

    async def call(self, method: str, **values: Any) -> dict[str, Any]:
        """What `method` answers. Raises `Refused`."""
        answer = await self.services.call(self.token, method, **values)
        if len(answer) == 1:
            (thing,) = answer.values()
            if isinstance(thing, dict) and thing.get("etag"):
                self.noted["etag"] = thing["etag"]
        return answer

    async def write(self, method: str, **values: Any) -> dict[str, Any]:
        """As `call`, with the key of this call, so that a retry does nothing twice.

        Raises:
            Refused: the service said no, or is away.
            ChangedMeanwhile: the version in `If-Match` is not the newest.
            MatchImpossible: this call is of no version.
        """
        if self.if_match:
            _place_of_etag(values)["etag"] = self.if_match
        try:
            return await self.call(method, request_id=self.key, **values)
        except Refused as refused:
            if self.if_match and refused.reason == "ETAG_MISMATCH":
                raise ChangedMeanwhile from refused
            raise


def _place_of_etag(values: dict[str, Any]) -> dict[str, Any]:
    """Beside the name of the thing, or in the thing itself."""
    inside = [values, *(value for value in values.values() if isinstance(value, dict))]
    for place in inside:
        if "etag" in place:
            return place
    raise MatchImpossible


async def signed_in(request: Request) -> Session:
    """Whoever the cookie says.

    Raises:
        NotSignedIn: there is none, or it is too old.
    """
    sessions: Sessions = request.app.state.sessions
    session = sessions.session(request.cookies.get(cookie_names(request).session, ""))
    request.state.renewed_cookie = sessions.renewed(session)
    return session


SignedIn = Annotated[Session, Depends(signed_in)]


async def signed_in_writing(
    request: Request,
    session: SignedIn,
    x_csrf_token: Annotated[str, Header(max_length=64)] = "",
) -> Session:
    """The same, from a page of ours, which has shown the session's token (docs/adr/0036).

    Raises:
        NotSignedIn: as above.
        CrossSite: the browser says that it comes from elsewhere.
        CsrfMissing: the token is not the one that belongs to the session.
    """
    origin = request.headers.get("origin", "")
    if request.headers.get("sec-fetch-site", "") not in _SAME_SITE or (
        origin and urlsplit(origin).netloc != request.headers.get("host")
    ):
        raise CrossSite
    sessions: Sessions = request.app.state.sessions
    if not compare_digest(sessions.csrf(session).encode(), x_csrf_token.encode()):
        raise CsrfMissing
    return session


SignedInWriting = Annotated[Session, Depends(signed_in_writing)]


async def reader(request: Request, session: SignedIn) -> Caller:
    """Somebody who looks.

    Raises:
        NotSignedIn: nobody is signed in.
    """
    return Caller(
        session.principal,
        request.app.state.services,
        request.app.state.sessions.call_token(session),
        noted=request.scope["state"],
    )


async def writer(
    request: Request,
    session: SignedInWriting,
    idempotency_key: Annotated[str, Header(min_length=8, max_length=64, pattern=r"^[!-~]+$")],
    if_match: Annotated[str, Header(max_length=80)] = "",
) -> Caller:
    """Somebody who changes something.

    Raises:
        NotSignedIn, CrossSite, CsrfMissing: as above.
    """
    return Caller(
        session.principal,
        request.app.state.services,
        request.app.state.sessions.call_token(session),
        key=idempotency_key,
        if_match=if_match.strip().removeprefix("W/").strip('"'),
        noted=request.scope["state"],
    )


Reader = Annotated[Caller, Depends(reader)]
Writer = Annotated[Caller, Depends(writer)]
PathId = Annotated[str, Path(pattern=_ID)]
PageToken = Annotated[str, Query(max_length=512)]
PageSize = Annotated[int, Query(ge=1, le=1000)]
Name = Annotated[str, Query(max_length=80)]
