"""Rounds with their runs, plans and coverage; assignments."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, HTTPException, Query, Request, Response
from fastapi.responses import StreamingResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent

from services.web.adapters.services import Refused
from services.web.api import views
from services.web.api.calls import Caller, Name, PageSize, PageToken, PathId, Reader, Writer
from services.web.api.problems import DOCUMENTED, problem_of

router = APIRouter(prefix="/api", responses=DOCUMENTED)
PlanId = Annotated[str, Query(pattern=r"^([a-z0-9][a-z0-9-]{0,62})?$")]
LastNumber = Annotated[str, Header(alias="Last-Event-ID", max_length=20)]


@router.get("/policies", response_model=views.PoliciesShown)
async def policies(who: Reader) -> Any:
    return await who.call("ListPolicies", page_size=1000)


@router.get("/rounds", response_model=views.RoundsShown)
async def rounds(who: Reader, page_token: PageToken = "", page_size: PageSize = 100) -> Any:
    return await who.call("ListRounds", page_token=page_token, page_size=page_size)


@router.post("/rounds", response_model=views.RoundAnswer)
async def open_round(body: views.NewRound, who: Writer) -> Any:
    fields = body.model_dump()
    return await who.write("OpenRound", round_id=fields.pop("round_id"), round=fields)


@router.get("/rounds/{round_id}", response_model=views.RoundAnswer)
async def get_round(round_id: PathId, who: Reader) -> Any:
    return await who.call("GetRound", name=f"rounds/{round_id}")


@router.get("/rounds/{round_id}/findings", response_model=views.RoundFindings)
async def validate_round(round_id: PathId, who: Reader) -> Any:
    return await who.call("ValidateRound", name=f"rounds/{round_id}")


@router.post("/rounds/{round_id}:freeze", response_model=views.RoundAnswer)
async def freeze_round(round_id: PathId, body: views.AsRead, who: Writer) -> Any:
    return await who.write("FreezeRound", name=f"rounds/{round_id}", etag=body.etag)


@router.post("/rounds/{round_id}:offer", response_model=views.RoundAnswer)
async def offer_round(round_id: PathId, body: views.OfferAsked, who: Writer) -> Any:
    return await who.write(
        "OfferRound",
        name=f"rounds/{round_id}",
        etag=body.etag,
        respond_by_time=body.respond_by_time,
    )


@router.post("/rounds/{round_id}:sign", response_model=views.RoundAnswer)
async def sign_round(round_id: PathId, body: views.SignAsked, who: Writer) -> Any:
    return await who.write("SignRound", name=f"rounds/{round_id}", plan=body.plan)


@router.post("/rounds/{round_id}:publish", response_model=views.RoundAnswer)
async def publish_round(round_id: PathId, body: views.AsRead, who: Writer) -> Any:
    return await who.write("PublishRound", name=f"rounds/{round_id}", etag=body.etag)


@router.post("/rounds/{round_id}:close", response_model=views.RoundAnswer)
async def close_round(round_id: PathId, who: Writer) -> Any:
    return await who.write("CloseRound", name=f"rounds/{round_id}")


@router.post("/rounds/{round_id}:abandon", response_model=views.RoundAnswer)
async def abandon_round(round_id: PathId, who: Writer) -> Any:
    return await who.write("AbandonRound", name=f"rounds/{round_id}")


@router.post("/rounds/{round_id}:repair", response_model=views.RoundRepair)
async def repair_round(round_id: PathId, body: views.RepairAsked, who: Writer) -> Any:
    return await who.write("RepairRound", name=f"rounds/{round_id}", **body.model_dump())


@router.post("/rounds/{round_id}/pins:add", response_model=views.RoundAnswer)
async def add_pin(round_id: PathId, body: views.PinChange, who: Writer) -> Any:
    return await who.write("AddPin", round=f"rounds/{round_id}", **body.model_dump())


@router.post("/rounds/{round_id}/pins:remove", response_model=views.RoundAnswer)
async def remove_pin(round_id: PathId, body: views.PinChange, who: Writer) -> Any:
    return await who.write("RemovePin", round=f"rounds/{round_id}", **body.model_dump())


@router.post("/rounds/{round_id}/forbids:add", response_model=views.RoundAnswer)
async def add_forbid(round_id: PathId, body: views.ForbidChange, who: Writer) -> Any:
    return await who.write("AddForbid", round=f"rounds/{round_id}", **body.model_dump())


@router.post("/rounds/{round_id}/forbids:remove", response_model=views.RoundAnswer)
async def remove_forbid(round_id: PathId, body: views.ForbidChange, who: Writer) -> Any:
    return await who.write("RemoveForbid", round=f"rounds/{round_id}", **body.model_dump())


@router.get("/rounds/{round_id}/coverage", response_model=views.CoverageShown)
async def coverage(
    round_id: PathId, who: Reader, plan: PlanId = "", page_token: PageToken = ""
) -> Any:
    """As `plan` would leave it, or as the round was published."""
    return await who.call(
        "ListCoverage",
        round=f"rounds/{round_id}",
        plan=_plan(round_id, plan) if plan else "",
        page_size=1000,
        page_token=page_token,
    )


@router.get("/rounds/{round_id}/runs", response_model=views.RunsShown)
async def runs(round_id: PathId, who: Reader, page_token: PageToken = "") -> Any:
    return await who.call(
        "ListRuns", parent=f"rounds/{round_id}", page_size=50, page_token=page_token
    )


@router.post("/rounds/{round_id}/runs", response_model=views.RunAnswer)
async def start_run(round_id: PathId, body: views.RunAsked, who: Writer) -> Any:
    return await who.write("StartRun", round=f"rounds/{round_id}", **body.model_dump())


@router.get("/rounds/{round_id}/runs/{run_id}", response_model=views.RunAnswer)
async def get_run(round_id: PathId, run_id: PathId, who: Reader) -> Any:
    return await who.call("GetRun", name=f"rounds/{round_id}/runs/{run_id}")


@router.post("/rounds/{round_id}/runs/{run_id}:stop", response_model=views.RunAnswer)
async def stop_run(round_id: PathId, run_id: PathId, who: Writer) -> Any:
    return await who.write("StopRun", name=f"rounds/{round_id}/runs/{run_id}")


@router.get("/rounds/{round_id}/runs/{run_id}/progress", response_class=EventSourceResponse)
async def watch_run(
    round_id: PathId,
    run_id: PathId,
    request: Request,
    who: Reader,
    last_event_id: LastNumber = "",
) -> AsyncIterator[ServerSentEvent]:
    """The run's progress from the first, or after the number in `Last-Event-ID`, until `ended` or `problem`."""
    after = int(last_event_id) if last_event_id.isascii() and last_event_id.isdigit() else 0
    name = f"rounds/{round_id}/runs/{run_id}"
    try:
        async for answer in who.services.stream(
            who.token, "WatchRun", name=name, after_number=after
        ):
            step = views.RunStep.model_validate(answer)
            number = str(step.progress.number) if step.progress else None
            yield ServerSentEvent(data=step, event="progress", id=number, retry=1000)
    except Refused as refused:
        body = bytes(problem_of(request, refused).body).decode()
        yield ServerSentEvent(raw_data=body, event="problem")
    else:
        yield ServerSentEvent(raw_data="{}", event="ended")


@router.get("/rounds/{round_id}/plans", response_model=views.PlansShown)
async def plans(round_id: PathId, who: Reader, page_token: PageToken = "") -> Any:
    return await who.call(
        "ListPlans", parent=f"rounds/{round_id}", page_size=50, page_token=page_token
    )


@router.get("/rounds/{round_id}/plans/{plan_id}", response_model=views.PlanAnswer)
async def get_plan(round_id: PathId, plan_id: PathId, who: Reader) -> Any:
    return await who.call("GetPlan", name=_plan(round_id, plan_id))


@router.post("/rounds/{round_id}/plans/{plan_id}:choose", response_model=views.RoundAnswer)
async def choose_plan(round_id: PathId, plan_id: PathId, body: views.AsRead, who: Writer) -> Any:
    return await who.write("ChoosePlan", name=_plan(round_id, plan_id), etag=body.etag)


@router.get("/rounds/{round_id}/plans/{plan_id}/events", response_model=views.PlannedEventsShown)
async def planned_events(
    *,
    round_id: PathId,
    plan_id: PathId,
    who: Reader,
    expert: Name = "",
    district: Name = "",
    page_token: PageToken = "",
) -> Any:
    return await who.call(
        "ListPlannedEvents",
        parent=_plan(round_id, plan_id),
        expert=expert,
        district=district,
        page_size=1000,
        page_token=page_token,
    )


@router.get("/rounds/{round_id}/plans/{plan_id}/unserved", response_model=views.UnservedShown)
async def unserved(
    round_id: PathId, plan_id: PathId, who: Reader, page_token: PageToken = ""
) -> Any:
    return await who.call(
        "ListUnserved", parent=_plan(round_id, plan_id), page_size=1000, page_token=page_token
    )


@router.get("/rounds/{round_id}/plans/{plan_id}/supply", response_model=views.SupplyShown)
async def supply(round_id: PathId, plan_id: PathId, who: Reader, page_token: PageToken = "") -> Any:
    """Whom to recruit next, and what that would serve."""
    return await who.call(
        "ListSupplySignals", parent=_plan(round_id, plan_id), page_size=1000, page_token=page_token
    )


@router.get("/rounds/{round_id}/plans/{plan_id}/why/{request_id}", response_model=views.Explanation)
async def explain(round_id: PathId, plan_id: PathId, request_id: PathId, who: Reader) -> Any:
    return await who.call(
        "ExplainRequest", plan=_plan(round_id, plan_id), request=f"requests/{request_id}"
    )


@router.post("/rounds/{round_id}/plans/{plan_id}:price", response_model=views.MovePrice)
async def price_move(round_id: PathId, plan_id: PathId, body: views.PinSent, who: Reader) -> Any:
    """Reads only, but what it asks does not fit into an address."""
    return await who.call("PriceMove", plan=_plan(round_id, plan_id), move=body.model_dump())


@router.post("/rounds/{round_id}/plans/{plan_id}:adopt", response_model=views.AdoptedShown)
async def adopt_repair(
    round_id: PathId, plan_id: PathId, body: views.RepairAdopted, who: Writer
) -> Any:
    return await who.write("AdoptRepair", plan=_plan(round_id, plan_id), **body.model_dump())


@router.get("/rounds/{round_id}/plans/{plan_id}/comparison", response_model=views.PlanComparison)
async def compare_plans(
    round_id: PathId,
    plan_id: PathId,
    other: Annotated[str, Query(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")],
    who: Reader,
) -> Any:
    return await who.call(
        "ComparePlans", first=_plan(round_id, plan_id), second=_plan(round_id, other)
    )


@router.get("/rounds/{round_id}/plans/{plan_id}/verification", response_model=views.Verification)
async def verify_plan(round_id: PathId, plan_id: PathId, who: Reader) -> Any:
    return await who.call("VerifyPlan", name=_plan(round_id, plan_id))


@router.get("/rounds/{round_id}/plans/{plan_id}/files/{part}.json", response_class=Response)
async def download_part(
    round_id: PathId, plan_id: PathId, part: Literal["problem", "plan", "certificate"], who: Reader
) -> Any:
    """One of the three files with which a plan is verified at a desk; a plan of a repair has no certificate."""
    pieces = _pieces(who, _plan(round_id, plan_id), part)
    first = await anext(pieces, None)  # so that a refusal comes before the file has begun
    if first is None:
        raise HTTPException(status_code=404)
    return StreamingResponse(
        _with_first(first, pieces),
        media_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{round_id}-{plan_id}-{part}.json"'},
    )


async def _pieces(who: Caller, plan: str, part: str) -> AsyncIterator[bytes]:
    async for answer in who.services.stream(who.token, "DownloadPlan", name=plan):
        if answer[part]:
            yield answer[part]


async def _with_first(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece


@router.get("/assignments", response_model=views.AssignmentsShown)
async def assignments(
    *,
    who: Reader,
    round: Name = "",
    expert: Name = "",
    state: Annotated[list[views.AssignmentState], Query(max_length=10, default_factory=list)],
    page_token: PageToken = "",
    page_size: PageSize = 200,
) -> Any:
    return await who.call(
        "ListAssignments",
        round=round,
        expert=expert,
        states=state,
        page_token=page_token,
        page_size=page_size,
    )


@router.post("/assignments/{assignment_id}:accept", response_model=views.AssignmentAnswer)
async def accept_offer(assignment_id: PathId, who: Writer) -> Any:
    return await who.write("AcceptOffer", assignment=f"assignments/{assignment_id}")


@router.post("/assignments/{assignment_id}:decline", response_model=views.AssignmentAnswer)
async def decline_offer(assignment_id: PathId, body: views.Declined, who: Writer) -> Any:
    return await who.write(
        "DeclineOffer", assignment=f"assignments/{assignment_id}", reason=body.reason
    )


def _plan(round_id: str, plan_id: str) -> str:
    return f"rounds/{round_id}/plans/{plan_id}"
