"""What venues ask and attend: requests, venues, nodes, events; and when a request could be served."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query

from services.web.api import views
from services.web.api.calls import Name, PageSize, PageToken, PathId, Reader, Writer
from services.web.api.problems import DOCUMENTED

router = APIRouter(prefix="/api", responses=DOCUMENTED)
Text = Annotated[str, Query(max_length=40)]


@router.get("/requests", response_model=views.RequestsShown)
async def requests(
    *,
    who: Reader,
    state: Annotated[list[views.RequestState], Query(max_length=8, default_factory=list)],
    node: Name = "",
    venue: Name = "",
    round: Name = "",
    text: Text = "",
    group: views.Group | None = None,
    change_asked: bool = False,
    page_token: PageToken = "",
    page_size: PageSize = 100,
) -> Any:
    return await who.call(
        "ListRequests",
        states=state,
        node=node,
        venue=venue,
        round=round,
        text=text,
        group=group,
        change_asked=change_asked,
        page_token=page_token,
        page_size=page_size,
    )


@router.post("/requests", response_model=views.RequestAnswer)
async def file_request(body: views.RequestFiled, who: Writer) -> Any:
    return await who.write("FileRequest", request=body.request.model_dump(), submit=body.submit)


@router.post("/requests:check", response_model=views.Check)
async def check_request(body: views.RequestChecked, who: Reader) -> Any:
    """Reads only; the request may be incomplete."""
    return await who.call("CheckRequest", request=body.request.model_dump())


@router.get("/requests/{request_id}", response_model=views.RequestAnswer)
async def get_request(request_id: PathId, who: Reader) -> Any:
    return await who.call("GetRequest", name=f"requests/{request_id}")


@router.patch("/requests/{request_id}", response_model=views.RequestAnswer)
async def update_request(request_id: PathId, body: views.RequestChanged, who: Writer) -> Any:
    fields = {"name": f"requests/{request_id}", "etag": body.etag, **body.request.model_dump()}
    return await who.write("UpdateRequest", request=fields, update_mask={"paths": body.fields})


@router.get("/requests/{request_id}/history", response_model=views.History)
async def history(request_id: PathId, who: Reader) -> Any:
    return await who.call("ListRequestHistory", parent=f"requests/{request_id}", page_size=1000)


@router.post("/requests/{request_id}:submit", response_model=views.RequestAnswer)
async def submit_request(request_id: PathId, body: views.AsRead, who: Writer) -> Any:
    return await who.write("SubmitRequest", name=f"requests/{request_id}", etag=body.etag)


@router.post("/requests/{request_id}:endorse", response_model=views.RequestAnswer)
async def endorse_request(request_id: PathId, body: views.Endorsed, who: Writer) -> Any:
    return await who.write(
        "EndorseRequest", name=f"requests/{request_id}", weight=body.weight, etag=body.etag
    )


@router.post("/requests/{request_id}:return", response_model=views.RequestAnswer)
async def return_request(request_id: PathId, body: views.Reasoned, who: Writer) -> Any:
    return await who.write(
        "ReturnRequest", name=f"requests/{request_id}", reason=body.reason, etag=body.etag
    )


@router.post("/requests/{request_id}:withdraw", response_model=views.RequestAnswer)
async def withdraw_request(request_id: PathId, body: views.Withdrawn, who: Writer) -> Any:
    return await who.write(
        "WithdrawRequest", name=f"requests/{request_id}", reason=body.reason, etag=body.etag
    )


@router.post("/windows:rank", response_model=views.RankedWindows)
async def rank_windows(body: views.WindowsAsked, who: Reader) -> Any:
    """Reads only: which half-days have people free."""
    return await who.call("RankWindows", **body.model_dump())


@router.get("/venues", response_model=views.VenuesShown)
async def venues(
    who: Reader,
    node: Name = "",
    text: Text = "",
    page_token: PageToken = "",
    page_size: PageSize = 100,
) -> Any:
    return await who.call(
        "ListVenues", node=node, text=text, page_token=page_token, page_size=page_size
    )


@router.get("/venues/{venue_id}", response_model=views.VenueAnswer)
async def get_venue(venue_id: PathId, who: Reader) -> Any:
    return await who.call("GetVenue", name=f"venues/{venue_id}")


@router.get("/nodes", response_model=views.NodesShown)
async def nodes(
    who: Reader,
    parent: Name = "",
    text: Text = "",
    page_token: PageToken = "",
    page_size: PageSize = 100,
) -> Any:
    return await who.call(
        "ListNodes", parent=parent, text=text, page_token=page_token, page_size=page_size
    )


@router.get("/events", response_model=views.EventsShown)
async def events(
    *,
    who: Reader,
    round: Name = "",
    expert: Name = "",
    node: Name = "",
    state: Annotated[list[views.EventState], Query(max_length=3, default_factory=list)],
    start_time: datetime | None = None,
    end_time: datetime | None = None,
    page_token: PageToken = "",
    page_size: PageSize = 200,
) -> Any:
    """By start; with both times, those that overlap the time between."""
    between = start_time is not None and end_time is not None
    return await who.call(
        "ListEvents",
        period={"start_time": start_time, "end_time": end_time} if between else None,
        round=round,
        expert=expert,
        node=node,
        states=state,
        page_token=page_token,
        page_size=page_size,
    )


@router.get("/events/{event_id}", response_model=views.EventAnswer)
async def get_event(event_id: PathId, who: Reader) -> Any:
    return await who.call("GetEvent", name=f"events/{event_id}")


@router.post("/events/{event_id}:confirm", response_model=views.EventAnswer)
async def confirm_event(event_id: PathId, who: Writer) -> Any:
    return await who.write("ConfirmEvent", name=f"events/{event_id}")


@router.post("/events/{event_id}:cancel", response_model=views.EventAnswer)
async def cancel_event(event_id: PathId, body: views.Reasoned, who: Writer) -> Any:
    return await who.write(
        "CancelEvent", name=f"events/{event_id}", reason=body.reason, etag=body.etag
    )


@router.post("/events/{event_id}:deliver", response_model=views.EventAnswer)
async def record_delivery(event_id: PathId, body: views.Delivered, who: Writer) -> Any:
    return await who.write("RecordDelivery", name=f"events/{event_id}", **body.model_dump())


@router.post("/events/{event_id}:rate", response_model=views.EventAnswer)
async def rate_event(event_id: PathId, body: views.Rating, who: Writer) -> Any:
    return await who.write("RateEvent", name=f"events/{event_id}", rating=body.model_dump())
