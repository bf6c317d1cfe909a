"""What the phone app needs beside requests and events: outcomes, changes, papers, one's own account, an expert's own settings."""

from datetime import datetime
from typing import Any, Literal
from urllib.parse import quote

from anyio import to_thread
from fastapi import APIRouter, Response

from libs.clock import system_clock
from libs.geo.topics import Topic, topics
from services.web.adapters import papers
from services.web.api import views
from services.web.api.calls import Caller, PathId, Reader, Writer
from services.web.api.problems import DOCUMENTED

router = APIRouter(prefix="/api", responses=DOCUMENTED)
Language = Literal["zh", "en"]
_ROLES = {
    "ACADEMICIAN": ("院士", "academician"),
    "LECTURER": ("讲师", "lecturer"),
    "VOLUNTEER": ("志愿者", "volunteer"),
}
_GROUPS = {
    "YOUTH": ("青少年", "youth"),
    "FARMERS": ("农民", "farmers"),
    "WORKERS": ("产业工人", "workers"),
    "ELDERLY": ("老年人", "elderly"),
    "OFFICIALS": ("干部公务员", "officials"),
}


@router.get("/requests/{request_id}/outcome", response_model=views.OutcomeShown)
async def outcome(request_id: PathId, who: Reader) -> Any:
    """Why the last published round did not serve it, what would have worked, and its place in the queue."""
    return await who.call("GetOutcome", request=f"requests/{request_id}")


@router.post("/requests/{request_id}:askChange", response_model=views.RequestAnswer)
async def ask_change(request_id: PathId, body: views.ChangeAsked, who: Writer) -> Any:
    """Of a request that is in a round or has an event; before that it is edited."""
    fields = {"name": f"requests/{request_id}", **body.request.model_dump()}
    mask = {"paths": body.fields}
    return await who.write("AskChange", request=fields, update_mask=mask, reason=body.reason)


@router.post("/requests/{request_id}:answerChange", response_model=views.RequestAnswer)
async def answer_change(request_id: PathId, body: views.ChangeAnswered, who: Writer) -> Any:
    """A coordinator's yes or no."""
    name = f"requests/{request_id}"
    return await who.write("AnswerChange", name=name, accept=body.accept, reason=body.reason)


@router.get(
    "/events/{event_id}/calendar.ics",
    response_class=Response,
    responses={200: {"content": {"text/calendar": {}}}},
)
async def calendar_entry(event_id: PathId, who: Reader, language: Language = "zh") -> Response:
    """The event for a calendar, with reminders two days and two hours before."""
    paper = await _paper(event_id, who, english=language == "en")
    return Response(
        papers.entry(paper, now=system_clock()),
        media_type="text/calendar; charset=utf-8",
        headers=_named(paper, event_id, "ics"),
    )


@router.get(
    "/events/{event_id}/sheet.pdf",
    response_class=Response,
    responses={200: {"content": {"application/pdf": {}, "text/html": {}}}},
)
async def approval_sheet(event_id: PathId, who: Reader, language: Language = "zh") -> Response:
    """The approval sheet, filled in. Where this machine has no Chinese face: a page to print, and no PDF."""
    paper = await _paper(event_id, who, english=language == "en")
    made = await to_thread.run_sync(papers.sheet, paper)
    if made is None:
        return Response(papers.page(paper), media_type="text/html; charset=utf-8")
    return Response(
        made,
        media_type="application/pdf",
        headers=_named(paper, event_id, "pdf"),
    )


def _named(paper: papers.Paper, event_id: str, ending: str) -> dict[str, str]:
    """A file is kept under the day and the title; a client that cannot read that gets the event's id."""
    name = quote(f"{paper.start.astimezone(papers.LOCAL):%Y-%m-%d} {paper.title}.{ending}", safe="")
    plain = f'attachment; filename="{event_id}.{ending}"'
    return {"Content-Disposition": f"{plain}; filename*=UTF-8''{name}"}


async def _paper(event_id: str, who: Caller, *, english: bool) -> papers.Paper:
    event = (await who.call("GetEvent", name=f"events/{event_id}"))["event"]
    venue = (await who.call("GetVenue", name=event["venue"]))["venue"]
    request = (await who.call("GetRequest", name=event["request"]))["request"]
    side = 1 if english else 0
    topic = topics().get(event["topic"])
    group = _GROUPS.get(event["group"], ("", ""))[side]
    parts = (("主讲", "lead"), ("助手", "helper"))
    return papers.Paper(
        event=event["name"],
        title=titled(event["title"], topic, english=english),
        venue=venue["display_name"],
        start=datetime.fromisoformat(event["period"]["start_time"]),
        end=datetime.fromisoformat(event["period"]["end_time"]),
        team=[
            (
                one["display_name"],
                _ROLES.get(one["role"], ("", ""))[side],
                parts[min(1, one["seat"])][side],
                one["talk_title"] and f"《{one['talk_title']}》 v{one['talk_version']}",
            )
            for one in event["team"]
        ],
        audience=f"{group} · {request['audience_size']} {'people' if english else '人'}",
        host=" ".join(filter(None, (request["host"], request["host_phone"]))),
        version=event["version"],
        cancelled=event["state"] == "CANCELLED",
        english=english,
    )


def titled(title: str, topic: Topic | None, *, english: bool) -> str:
    """What venues call it; in English with the topic before it, for there is no English title but the topic's."""
    if topic is None:
        return title
    if not english:
        return title or topic.zh
    return (
        f"{topic.en} ({title})" if title and title.casefold() != topic.en.casefold() else topic.en
    )


@router.delete("/account", response_model=views.Erased)
async def erase_account(who: Writer) -> Any:
    """What is personal of the caller goes; statistics stay. An expert leaves for good, with everything kept of them."""
    if who.principal.expert_id:
        name = f"experts/{who.principal.expert_id}"
        await who.write("WithdrawExpert", name=name, reason="account deleted")
    return await who.write("EraseAccount")


@router.put("/experts/{expert_id}/limits", response_model=views.ExpertAnswer)
async def set_limits(expert_id: PathId, body: views.LimitsChanged, who: Writer) -> Any:
    """Limits are the person's own; no plan goes beyond them."""
    fields = {
        "name": f"experts/{expert_id}",
        "limits": body.limits.model_dump(),
        "etag": body.etag,
    }
    return await who.write("UpdateExpert", expert=fields, update_mask={"paths": ["limits"]})


@router.put("/experts/{expert_id}/availability", response_model=views.FreeWindows)
async def set_availability(expert_id: PathId, body: views.AvailabilitySent, who: Writer) -> Any:
    """Free windows, in the place of those that start inside the period."""
    return await who.write(
        "SetAvailability",
        expert=f"experts/{expert_id}",
        period=body.period.model_dump(),
        windows=[one.model_dump() for one in body.windows],
        etag=body.etag,
    )
