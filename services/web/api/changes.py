"""What others change while somebody looks: a stream of names and versions, made by asking with the caller's own rights.

The services are asked every two seconds on behalf of each stream (docs/adr/0037): what the caller may not read is not
told, and a change counts however it came about. A stream's `id` stands for all it has told, so that a reader who was
away learns of what has changed meanwhile.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from libs.auth.principal import NotSignedIn
from services.web.adapters.services import Refused, Services
from services.web.api import views
from services.web.api.calls import SignedIn, cookie_names
from services.web.api.problems import DOCUMENTED, problem, problem_of
from services.web.sessions import Session, Sessions

router = APIRouter(prefix="/api", responses=DOCUMENTED)
ASK_S = 2.0
"""How long a change may take to be seen."""
STREAMS_MAX = 12
"""Of one session at once: a window each, and some that are being closed."""
CHANGES_MAX = 100
"""At once; where there are more, the reader is told to read everything again."""
INBOX = ("SUBMITTED", "ENDORSED")
LastId = Annotated[str, Header(alias="Last-Event-ID", max_length=64)]
RoundId = Annotated[str, Query(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]

Kind = Literal["round", "run", "request"]
State = Mapping[tuple[Kind, str], str]
"""Kind and name → version."""


class TooManyStreams(Exception):
    """One session has enough of them open."""


class Streams:
    """How many streams each session has open in this process."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()

    def enter(self, session: Session) -> None:
        """One more.

        Raises:
            TooManyStreams: there are enough.
        """
        if self._open[session.id] >= STREAMS_MAX:
            raise TooManyStreams
        self._open[session.id] += 1

    def leave(self, session: Session) -> None:
        """One less."""
        self._open[session.id] -= 1
        if not self._open[session.id]:
            del self._open[session.id]


async def one_stream(request: Request, session: SignedIn) -> AsyncIterator[Session]:
    """The session, which has one more stream for as long as the answer lasts.

    Raises:
        NotSignedIn: nobody is signed in.
        TooManyStreams: it has enough of them.
    """
    streams: Streams = request.app.state.streams
    streams.enter(session)
    try:
        yield session
    finally:
        streams.leave(session)


OneStream = Annotated[Session, Depends(one_stream)]


@router.get("/changes", response_class=EventSourceResponse)
async def changes(
    request: Request,
    session: OneStream,
    round: RoundId | None = None,
    requests: bool = False,
    last_event_id: LastId = "",
) -> AsyncIterator[ServerSentEvent]:
    """Events `ready` (first), `changed`, `reset` (read everything again) and `problem` (last)."""
    cookie = request.cookies[cookie_names(request).session]
    try:
        known = await _state(request, cookie, round, requests=requests)
        mark = _mark(known)
        missed = last_event_id not in {"", mark}
        yield ServerSentEvent(
            raw_data="{}", event="reset" if missed else "ready", id=mark, retry=1000
        )
        while True:
            await asyncio.sleep(ASK_S)
            now = await _state(request, cookie, round, requests=requests)
            changed = [key for key, etag in now.items() if known.get(key) != etag]
            changed += [key for key in known if key not in now]
            known, mark = now, _mark(now)
            if len(changed) > CHANGES_MAX:
                yield ServerSentEvent(raw_data="{}", event="reset", id=mark)
                continue
            for kind, name in changed:
                told = views.Change(kind=kind, name=name, etag=now.get((kind, name), ""))
                yield ServerSentEvent(data=told, event="changed", id=mark)
    except NotSignedIn:
        yield _problem(problem(request, 401, "NOT_SIGNED_IN"))
    except Refused as refused:
        yield _problem(problem_of(request, refused))


def _problem(answer: Any) -> ServerSentEvent:
    return ServerSentEvent(raw_data=bytes(answer.body).decode(), event="problem")


async def _state(request: Request, cookie: str, round: str | None, *, requests: bool) -> State:
    """Versions of what is looked at, as the session may see it now.

    Raises:
        NotSignedIn: the session is over.
        Refused: the caller may not, or a service is away.
    """
    sessions: Sessions = request.app.state.sessions
    services: Services = request.app.state.services
    token = sessions.call_token(sessions.session(cookie))
    state: dict[tuple[Kind, str], str] = {}
    if round is not None:
        name = f"rounds/{round}"
        found, runs = await asyncio.gather(
            services.call(token, "GetRound", name=name),
            services.call(token, "ListRuns", parent=name, page_size=20),
        )
        state["round", name] = found["round"]["etag"]
        for run in runs["runs"]:
            state["run", run["name"]] = f"{run['state']}{run['stopping']}{run['plan']}"
    if requests:
        listed = await services.call(token, "ListRequests", states=list(INBOX), page_size=500)
        for one in listed["requests"]:
            state["request", one["name"]] = one["etag"]
    return state


def _mark(state: State) -> str:
    text = "\n".join(f"{kind} {name} {etag}" for (kind, name), etag in sorted(state.items()))
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()
