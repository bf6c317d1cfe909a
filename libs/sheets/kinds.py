"""The four kinds of sheet: their columns, and the calls that read, add and change what a row says."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, time, timedelta
from enum import StrEnum
from typing import Any

import grpc
from google.protobuf.field_mask_pb2 import FieldMask
from zhihui.common.v1 import common_pb2 as common
from zhihui.events.v1 import events_pb2 as events
from zhihui.events.v1 import events_pb2_grpc as events_grpc
from zhihui.experts.v1 import experts_pb2 as experts
from zhihui.experts.v1 import experts_pb2_grpc as experts_grpc

from libs.geo import calendar
from libs.sheets import cells, columns
from libs.sheets.columns import Column

PAGE_SIZE = 1000
RULES_OF_NAMING = {True: "仅限", False: "优先"}


class KindName(StrEnum):
    """What a sheet holds."""

    REQUESTS = "requests"
    EXPERTS = "experts"
    AVAILABILITY = "availability"
    VENUES = "venues"


@dataclass(frozen=True, slots=True)
class Chosen:
    """What an export takes: of `node` and below ('' for all); availability of local days `[first, last)`."""

    node: str
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of sheet. Its rows are read into the message that creates what they say."""

    name: KindName
    service: str
    stub: Callable[[Any], Any]
    columns: Sequence[Column]
    key: Column
    """What tells one row from another; a blank one is made from the row's content where `id_prefix` is given."""
    id_prefix: str
    new: Callable[[], Any]
    find: Callable[[Any, Any], Any]
    """The creating message of what is there already under the row's key, with its etag; None for nothing."""
    add: Callable[[Any, Any], Any]
    change: Callable[[Any, Any, Sequence[str]], Any]
    """Change the fields at these paths."""
    pages: Callable[[Any, Chosen], AsyncIterator[Sequence[Any]]]
    id_of: Callable[[Any], str] = lambda message: ""


async def or_none(call: Any) -> Any:
    """What a call answers; None where there is nothing of that name."""
    try:
        return await call
    except grpc.RpcError as error:
        code: Any = error
        if code.code() is grpc.StatusCode.NOT_FOUND:
            return None
        raise


def mask(paths: Sequence[str]) -> FieldMask:
    """The mask for paths of a creating message: without the name of the part that holds the thing."""
    return FieldMask(paths=[path.partition(".")[2] for path in paths])


async def _listed(call: Callable[[str], Any], field: str) -> AsyncIterator[Sequence[Any]]:
    token = ""
    while True:
        page = await call(token)
        yield list(getattr(page, field))
        token = page.next_page_token
        if not token:
            return


# requests


async def _find_request(stub: Any, row: events.FileRequestRequest) -> Any:
    found = await or_none(stub.GetRequest(events.GetRequestRequest(name=f"requests/{row.id}")))
    return found and events.FileRequestRequest(id=row.id, request=found.request)


async def _change_request(
    stub: Any, row: events.FileRequestRequest, paths: Sequence[str]
) -> events.Request:
    done = await stub.UpdateRequest(
        events.UpdateRequestRequest(
            request=row.request, update_mask=mask(paths), request_id=row.request_id
        )
    )
    changed: events.Request = done.request
    return changed


async def _requests(stub: Any, chosen: Chosen) -> AsyncIterator[Sequence[Any]]:
    pages = _listed(
        lambda token: stub.ListRequests(
            events.ListRequestsRequest(page_size=PAGE_SIZE, page_token=token, node=chosen.node)
        ),
        "requests",
    )
    async for page in pages:
        yield [
            events.FileRequestRequest(id=one.name.partition("/")[2], request=one) for one in page
        ]


def _read_named_rule(message: events.FileRequestRequest, cell: str) -> None:
    message.request.named_only = cells.choice(cell, cells.NAMED_RULES) == "ONLY"


_REQUEST_ID = columns.text("编号", "id", "id")
REQUESTS = Kind(
    name=KindName.REQUESTS,
    service="events",
    stub=events_grpc.EventsServiceStub,
    key=_REQUEST_ID,
    id_prefix="req",
    id_of=lambda message: str(message.id),
    new=lambda: events.FileRequestRequest(submit=True),
    find=_find_request,
    add=lambda stub, row: stub.FileRequest(row),
    change=_change_request,
    pages=_requests,
    columns=[
        _REQUEST_ID,
        columns.name("场地", "venue", "request.venue", "venues", required=True),
        columns.text("标题", "title", "request.title", required=True),
        columns.choice(
            *("群体", "group", "request.group"), cells.GROUPS, common.AudienceGroup, required=True
        ),
        columns.choice(
            *("程度", "level", "request.level"), cells.LEVELS, common.LanguageLevel, required=True
        ),
        columns.number("人数", "audience_size", "request.audience_size", required=True),
        columns.choice("形式", "form", "request.form", cells.FORMS, common.Form, required=True),
        columns.topic("主题", "topic", "request.topic"),
        columns.text("讲座", "talk", "request.talk"),
        columns.number("时长", "duration_min", "request.duration_min", required=True),
        columns.windows("时段", "windows", "request.windows", required=True),
        columns.seats("席位", "seats", "request.seats"),
        columns.name("指定专家", "named_expert", "request.named_expert", "experts"),
        Column(
            *("指定规则", "named_rule", ("request.named_only",)),
            read=_read_named_rule,
            write=lambda m: RULES_OF_NAMING[m.request.named_only] if m.request.named_expert else "",
        ),
        columns.choice("方式", "mode", "request.mode", cells.MODES, common.Mode),
        columns.number("权重", "weight", "request.weight"),
        columns.number("应急级别", "emergency_level", "request.emergency_level"),
        columns.number("候补", "standbys", "request.standbys"),
        columns.text("专项", "programme", "request.programme"),
        columns.flag("代报", "by_proxy", "request.by_proxy"),
        columns.text("备注", "notes", "request.notes", private=True),
        columns.text("联系人", "host", "request.host", private=True),
        columns.text("联系电话", "host_phone", "request.host_phone", private=True),
        columns.told(
            *("状态", "state"),
            lambda m: events.Request.State.Name(m.request.state).removeprefix("STATE_"),
        ),
    ],
)


# venues


async def _find_venue(stub: Any, row: events.CreateVenueRequest) -> Any:
    found = await or_none(stub.GetVenue(events.GetVenueRequest(name=f"venues/{row.venue_id}")))
    return found and events.CreateVenueRequest(venue_id=row.venue_id, venue=found.venue)


async def _change_venue(
    stub: Any, row: events.CreateVenueRequest, paths: Sequence[str]
) -> events.Venue:
    done = await stub.UpdateVenue(
        events.UpdateVenueRequest(
            venue=row.venue, update_mask=mask(paths), request_id=row.request_id
        )
    )
    changed: events.Venue = done.venue
    return changed


async def _venues(stub: Any, chosen: Chosen) -> AsyncIterator[Sequence[Any]]:
    pages = _listed(
        lambda token: stub.ListVenues(
            events.ListVenuesRequest(page_size=PAGE_SIZE, page_token=token, node=chosen.node)
        ),
        "venues",
    )
    async for page in pages:
        yield [
            events.CreateVenueRequest(venue_id=one.name.partition("/")[2], venue=one)
            for one in page
        ]


_VENUE_ID = columns.text("编号", "id", "venue_id")
VENUES = Kind(
    name=KindName.VENUES,
    service="events",
    stub=events_grpc.EventsServiceStub,
    key=_VENUE_ID,
    id_prefix="venue",
    id_of=lambda message: str(message.venue_id),
    new=events.CreateVenueRequest,
    find=_find_venue,
    add=lambda stub, row: stub.CreateVenue(row),
    change=_change_venue,
    pages=_venues,
    columns=[
        _VENUE_ID,
        columns.text("名称", "display_name", "venue.display_name", required=True),
        columns.name("节点", "node", "venue.node", "nodes", required=True),
        columns.point("坐标", "point", "venue.point"),
        columns.decimal("末程公里", "last_mile_km", "venue.last_mile_km"),
        columns.number("容量", "capacity", "venue.capacity", required=True),
        columns.words("设施", "facilities", "venue.facilities"),
        columns.text("进场说明", "access_notes", "venue.access_notes"),
        columns.choice("群体", "group", "venue.group", cells.GROUPS, common.AudienceGroup),
        columns.number("年度上限", "annual_cap", "venue.annual_cap"),
        columns.number("本学年已有", "visits_before", "venue.visits_before"),
    ],
)


# experts


async def _find_expert(stub: Any, row: experts.RegisterExpertRequest) -> Any:
    name = f"experts/{row.expert_id}"
    found = await or_none(stub.GetExpert(experts.GetExpertRequest(name=name)))
    if found is None:
        return None
    there = experts.RegisterExpertRequest(expert_id=row.expert_id, expert=found.expert)
    given = {field.name for field, _ in row.personal_data.ListFields()}
    if given:  # read only for a sheet that speaks of it
        personal = await stub.GetPersonalData(
            experts.GetPersonalDataRequest(name=f"{name}/personalData")
        )
        there.personal_data.CopyFrom(personal.personal_data)
        there.personal_data.ClearField("name")
    return there


async def _change_expert(
    stub: Any, row: experts.RegisterExpertRequest, paths: Sequence[str]
) -> experts.Expert:
    done = await stub.UpdateExpert(
        experts.UpdateExpertRequest(
            expert=row.expert, update_mask=mask(paths), request_id=row.request_id
        )
    )
    changed: experts.Expert = done.expert
    return changed


async def _experts(stub: Any, chosen: Chosen) -> AsyncIterator[Sequence[Any]]:
    pages = _listed(
        lambda token: stub.ListExperts(
            experts.ListExpertsRequest(page_size=PAGE_SIZE, page_token=token)
        ),
        "experts",
    )
    async for page in pages:
        yield [
            experts.RegisterExpertRequest(expert_id=one.name.partition("/")[2], expert=one)
            for one in page
        ]


_EXPERT_ID = columns.text("编号", "id", "expert_id")
EXPERTS = Kind(
    name=KindName.EXPERTS,
    service="experts",
    stub=experts_grpc.ExpertsServiceStub,
    key=_EXPERT_ID,
    id_prefix="exp",
    id_of=lambda message: str(message.expert_id),
    new=experts.RegisterExpertRequest,
    find=_find_expert,
    add=lambda stub, row: stub.RegisterExpert(row),
    change=_change_expert,
    pages=_experts,
    columns=[
        _EXPERT_ID,
        columns.text("姓名", "display_name", "expert.display_name", required=True),
        columns.choice("角色", "role", "expert.role", cells.ROLES, common.Role, required=True),
        columns.flag("三长", "local_head", "expert.local_head"),
        columns.name("住地", "home_node", "expert.home_node", "nodes", required=True),
        columns.skills("专长", "skills", "expert.skills"),
        columns.choices(
            "群体", "audiences", "expert.audiences", cells.GROUPS, common.AudienceGroup
        ),
        columns.choices("形式", "forms", "expert.forms", cells.FORMS, common.Form),
        columns.choices("程度", "levels", "expert.levels", cells.LEVELS, common.LanguageLevel),
        columns.number("每日次数", "per_day", "expert.limits.per_day", required=True),
        columns.number("每周次数", "per_week", "expert.limits.per_week", required=True),
        columns.number("每轮次数", "per_round", "expert.limits.per_round", required=True),
        columns.number(
            *("每日行程分钟", "travel_min_per_day", "expert.limits.travel_min_per_day"),
            required=True,
        ),
        columns.number("连续外宿", "nights_away", "expert.limits.nights_away", required=True),
        columns.number(
            *("每周休息日", "rest_days_per_week", "expert.limits.rest_days_per_week"), required=True
        ),
        columns.minute_of_day("最早出门", "earliest", "expert.limits.earliest_min"),
        columns.minute_of_day("最晚到家", "latest", "expert.limits.latest_min"),
        columns.periods("未成年人工作资质", "clearances", "expert.clearances"),
        columns.memberships("任期", "memberships", "expert.memberships"),
        columns.number("每次费用元", "cost_yuan", "expert.cost_yuan"),
        columns.number("每日候补", "standby_per_day", "expert.standby_per_day"),
        columns.text("电话", "phone", "personal_data.phone", private=True),
        columns.text("邮箱", "email", "personal_data.email", private=True),
        columns.point("家庭坐标", "home", "personal_data.home", private=True),
        columns.told(
            *("状态", "state"),
            lambda m: experts.Expert.State.Name(m.expert.state).removeprefix("STATE_"),
        ),
    ],
)


# availability


def _local_days(period: common.Period) -> common.DatePeriod:
    first, last = (
        one.ToDatetime(tzinfo=UTC).astimezone(calendar.CITY_ZONE).date().isoformat()
        for one in (period.start_time, period.end_time)
    )
    return common.DatePeriod(start_date=first, end_date=last)


def _put_days(period: common.Period, first: date, last: date) -> None:
    period.start_time.FromDatetime(calendar.instant(first, time()))
    period.end_time.FromDatetime(calendar.instant(last, time()))


def _read_days(message: experts.SetAvailabilityRequest, cell: str) -> None:
    wanted = columns.days(cell)
    if not wanted.end_date:
        raise cells.CellRefused("请写明到哪一天为止 (say until which day)")
    _put_days(
        message.period,
        date.fromisoformat(wanted.start_date),
        date.fromisoformat(wanted.end_date),
    )


async def _find_availability(stub: Any, row: experts.SetAvailabilityRequest) -> Any:
    answer = await stub.GetAvailability(
        experts.GetAvailabilityRequest(expert=row.expert, period=row.period)
    )
    first = row.period.start_time.ToDatetime()
    inside = [window for window in answer.windows if window.start_time.ToDatetime() >= first]
    return experts.SetAvailabilityRequest(expert=row.expert, period=row.period, windows=inside)


async def _availability(stub: Any, chosen: Chosen) -> AsyncIterator[Sequence[Any]]:
    async for page in _experts(stub, chosen):
        for known in page:
            rows = []
            for first, last in _months(chosen.first, chosen.last):
                row = experts.SetAvailabilityRequest(expert=known.expert.name)
                _put_days(row.period, first, last)
                rows.append(await _find_availability(stub, row))
            yield rows


def _months(first: date, last: date) -> Sequence[tuple[date, date]]:
    """`[first, last)` cut at the firsts of months, so that no cell grows beyond what a sheet can hold."""
    cut = []
    while first < last:
        following = (first.replace(day=1) + timedelta(days=32)).replace(day=1)
        cut.append((first, min(following, last)))
        first = following
    return cut


_DAYS = Column(
    *("日期", "days", ("period",)),
    read=_read_days,
    write=lambda m: columns.days_text(_local_days(m.period)),
    required=True,
)
AVAILABILITY = Kind(
    name=KindName.AVAILABILITY,
    service="experts",
    stub=experts_grpc.ExpertsServiceStub,
    key=_DAYS,
    id_prefix="",
    new=experts.SetAvailabilityRequest,
    find=_find_availability,
    add=lambda stub, row: stub.SetAvailability(row),
    change=lambda stub, row, paths: stub.SetAvailability(row),
    pages=_availability,
    columns=[
        columns.name("专家", "expert", "expert", "experts", required=True),
        _DAYS,
        columns.windows("可用时段", "windows", "windows", required=False, by_start=True),
    ],
)

KINDS: Mapping[KindName, Kind] = {
    kind.name: kind for kind in (REQUESTS, EXPERTS, AVAILABILITY, VENUES)
}
