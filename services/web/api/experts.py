"""Experts as venues and coordinators see them, and as they see themselves."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query

from services.web.api import views
from services.web.api.calls import Name, PageSize, PageToken, PathId, Reader
from services.web.api.problems import DOCUMENTED

router = APIRouter(prefix="/api", responses=DOCUMENTED)


@router.get("/experts", response_model=views.ExpertsShown)
async def experts(
    *,
    who: Reader,
    role: views.Role | None = None,
    topic: Annotated[str, Query(max_length=64)] = "",
    pool: Name = "",
    text: Annotated[str, Query(max_length=40)] = "",
    page_token: PageToken = "",
    page_size: PageSize = 100,
) -> Any:
    return await who.call(
        "ListExperts",
        role=role,
        topic=topic,
        pool=pool,
        text=text,
        page_token=page_token,
        page_size=page_size,
    )


@router.get("/experts/{expert_id}", response_model=views.ExpertAnswer)
async def get_expert(expert_id: PathId, who: Reader) -> Any:
    return await who.call("GetExpert", name=f"experts/{expert_id}")


@router.get("/experts/{expert_id}/contact", response_model=views.Contact)
async def contact(expert_id: PathId, who: Reader) -> Any:
    """For the venues of a published event, coordinators and the expert."""
    answer = await who.call("GetPersonalData", name=f"experts/{expert_id}/personalData")
    return answer["personal_data"]


@router.get("/experts/{expert_id}/availability", response_model=views.FreeWindows)
async def availability(
    expert_id: PathId, start_time: datetime, end_time: datetime, who: Reader
) -> Any:
    period = {"start_time": start_time, "end_time": end_time}
    return await who.call("GetAvailability", expert=f"experts/{expert_id}", period=period)


@router.get("/experts/{expert_id}/records", response_model=views.ServiceRecords)
async def records(
    expert_id: PathId, who: Reader, page_token: PageToken = "", page_size: PageSize = 100
) -> Any:
    """Latest first."""
    return await who.call(
        "ListServiceRecords",
        parent=f"experts/{expert_id}",
        page_size=page_size,
        page_token=page_token,
    )


@router.get("/talks", response_model=views.TalksShown)
async def talks(
    *,
    who: Reader,
    expert: Annotated[str, Query(pattern=r"^experts/(-|[a-z0-9][a-z0-9-]{0,62})$")] = "experts/-",
    topic: Annotated[str, Query(max_length=64)] = "",
    approved_for: views.Group | None = None,
    page_token: PageToken = "",
    page_size: PageSize = 100,
) -> Any:
    return await who.call(
        "ListTalks",
        parent=expert,
        topic=topic,
        approved_for=approved_for,
        page_token=page_token,
        page_size=page_size,
    )
