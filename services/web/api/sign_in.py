"""Signing in: on one machine, by choosing one of the ready-made people."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from services.web.api import views
from services.web.api.calls import COOKIE, Reader
from services.web.api.problems import DOCUMENTED, problem
from services.web.people import PEOPLE, PERSON_BY_ID, Person
from services.web.sessions import Sessions

router = APIRouter(prefix="/api", responses=DOCUMENTED)


@router.get("/people", response_model=list[views.PersonShown])
async def people() -> Any:
    return [_shown(one) for one in PEOPLE]


@router.post("/session", response_model=views.SessionShown)
async def sign_in(body: views.SignIn, request: Request) -> Response:
    person = PERSON_BY_ID.get(body.person)
    if person is None:
        return problem(request, 404, "PERSON_UNKNOWN")
    sessions: Sessions = request.app.state.sessions
    cookie = sessions.cookie(person.principal)
    response = JSONResponse(_session(person, sessions.csrf(cookie)))
    age_s = int(sessions.lifetime.total_seconds())
    response.set_cookie(COOKIE, cookie, max_age=age_s, httponly=True, samesite="lax")
    return response


@router.get("/session", response_model=views.SessionShown)
async def session(request: Request, who: Reader) -> Response:
    """Who is signed in; a page reads it when it opens."""
    person = PERSON_BY_ID.get(who.principal.subject.removeprefix("sample-"))
    if person is None:
        return problem(request, 401, "NOT_SIGNED_IN")
    sessions: Sessions = request.app.state.sessions
    return JSONResponse(_session(person, sessions.csrf(request.cookies[COOKIE])))


@router.delete("/session", status_code=204)
async def sign_out() -> Response:
    response = Response(status_code=204)
    response.delete_cookie(COOKIE)
    return response


def _shown(person: Person) -> dict[str, Any]:
    return {
        "id": person.id,
        "zh": person.display_name,
        "en": person.display_name_en,
        "roles": sorted(person.principal.roles),
    }


def _session(person: Person, csrf: str) -> dict[str, Any]:
    expert = person.principal.expert_id
    return {
        **_shown(person),
        "nodes": list(person.principal.nodes),
        "expert": f"experts/{expert}" if expert else "",
        "csrf": csrf,
    }
