"""Calendars of people and places over the real service and the web edge, read as a phone reads them."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import httpx
import icalendar
import pytest
from pydantic import SecretStr
from zhihui.events.v1 import events_pb2, facts_pb2
from zhihui.feeds.v1 import feeds_pb2 as pb
from zhihui.feeds.v1 import feeds_pb2_grpc as pb_grpc

from libs.auth.principal import Role
from libs.ids import new_uuid
from libs.messaging.kafka import Received
from libs.postgres.pool import Pool
from libs.rpc.status import refusal_from
from services.feeds.adapters.receiver import HttpReceiver
from services.web.api.app import create_app
from services.web.settings import Settings
from tests.contract.examples import examples
from tests.integration.feeds.test_webhooks import arrive, received
from tests.support.clock import FixedClock
from tests.support.services import feeds_service
from tests.support.serving import KEY, calling

pytestmark = pytest.mark.postgres

EXPERT, VENUE = "experts/ex-0042", "venues/venue-0031"


@pytest.fixture
async def service(fresh_database: str) -> AsyncIterator[tuple[str, Pool]]:
    clock = FixedClock(datetime(2026, 11, 23, 9, 0, tzinfo=UTC))
    receiver = HttpReceiver(private=True, timeout_s=1)
    async with feeds_service(fresh_database, clock, receiver=receiver) as (address, pool):
        await arrive(pool, clock, received("VenueChanged"), received("ExpertRegistered"))
        yield address, pool
    await receiver.close()


@pytest.fixture
async def phone(service: tuple[str, Pool]) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the web edge, signed in nowhere."""
    settings = Settings(auth_key=SecretStr(KEY), feeds_address=service[0], listen="127.0.0.1:7400")
    app = create_app(settings)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1:7400"
        ) as client,
    ):
        yield client


def an_event(
    name: str, version: int, *, experts: tuple[str, ...] = (EXPERT,), **others: Any
) -> Received:
    """The example's event, changed."""
    fact: Any = facts_pb2.EventChanged(
        event=examples()["zhihui.events.v1.EventPublished"].event  # type: ignore[attr-defined]
    )
    fact.event.name = name
    fact.event.version = version
    del fact.event.team[1:]
    member = fact.event.team[0]
    fact.event.ClearField("team")
    for expert in experts:
        member.expert = expert
        fact.event.team.append(member)
    for field, value in others.items():
        setattr(fact.event, field, value)
    return Received(
        topic="events.event.v1",
        partition=0,
        offset=0,
        message_id=new_uuid(),
        source="events",
        type=fact.DESCRIPTOR.full_name,
        key=name,
        version=version,
        occurred_at=datetime(2026, 11, 23, 8, version, tzinfo=UTC),
        traceparent=None,
        payload=fact.SerializeToString(),
    )


async def calendar_of(service: tuple[str, Pool], subject: str) -> Any:
    async with calling(
        service[0], pb_grpc.FeedsServiceStub, Role.CITY_COORDINATOR, subject="desk"
    ) as stub:
        return await stub.CreateCalendar(pb.CreateCalendarRequest(subject=subject))


async def read(
    phone: httpx.AsyncClient, token: str, **headers: str
) -> tuple[httpx.Response, list[Any]]:
    answer = await phone.get(f"/calendar/{token}.ics", headers=headers)
    if answer.status_code != 200:
        return answer, []
    calendar = icalendar.Calendar.from_ical(answer.text)
    assert not calendar.errors
    events = calendar.walk("VEVENT")
    assert not events or "TZID:Asia/Shanghai" in answer.text
    return answer, events


async def test_a_phone_follows_an_event_through_its_life(
    service: tuple[str, Pool], phone: httpx.AsyncClient
) -> None:
    clock = FixedClock()
    token = (await calendar_of(service, EXPERT)).token
    await arrive(
        service[1],
        clock,
        an_event("events/ev-1", 1),
        an_event("events/ev-2", 1, experts=("experts/ex-9",)),
    )
    answer, (event,) = await read(phone, token)
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert (event["uid"], event["sequence"], event["status"]) == (
        "events-ev-1@zhihui",
        1,
        "CONFIRMED",
    )
    start = event["dtstart"].dt
    assert start.isoformat() == "2026-12-07T14:30:00+08:00"
    assert event["dtstart"].params["TZID"] == "Asia/Shanghai"
    assert event["location"] == "示例 城口第一中学"
    assert event["summary"] == "示例 航天与天文"

    unchanged, _ = await read(phone, token, **{"If-None-Match": answer.headers["etag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")

    later = an_event("events/ev-1", 2)
    moved: Any = facts_pb2.EventChanged.FromString(later.payload or b"")
    moved.event.period.start_time.FromDatetime(datetime(2026, 12, 8, 1, 0, tzinfo=UTC))
    moved.event.period.end_time.FromDatetime(datetime(2026, 12, 8, 2, 0, tzinfo=UTC))
    await arrive(service[1], clock, _with(later, moved))
    changed, (event,) = await read(phone, token, **{"If-None-Match": answer.headers["etag"]})
    assert changed.headers["etag"] != answer.headers["etag"]
    assert (event["uid"], event["sequence"]) == ("events-ev-1@zhihui", 2)
    assert event["dtstart"].dt.isoformat() == "2026-12-08T09:00:00+08:00"

    await arrive(service[1], clock, an_event("events/ev-1", 3, experts=("experts/ex-9",)))
    _, (event,) = await read(phone, token)
    assert (event["sequence"], event["status"]) == (3, "CANCELLED"), "somebody else goes"

    await arrive(
        service[1], clock, an_event("events/ev-1", 4, state=events_pb2.Event.STATE_CANCELLED)
    )
    _, (event,) = await read(phone, token)
    assert (event["sequence"], event["status"]) == (4, "CANCELLED")
    _, of_venue = await read(phone, (await calendar_of(service, VENUE)).token)
    assert [str(one["status"]) for one in of_venue] == ["CANCELLED", "CONFIRMED"]


def _with(fact: Received, message: Any) -> Received:
    import dataclasses

    return dataclasses.replace(fact, payload=message.SerializeToString())


async def test_an_address_is_rotated_and_revoked(
    service: tuple[str, Pool], phone: httpx.AsyncClient
) -> None:
    made = await calendar_of(service, EXPERT)
    assert (await read(phone, made.token))[0].status_code == 200
    async with calling(
        service[0], pb_grpc.FeedsServiceStub, Role.CITY_COORDINATOR, subject="desk"
    ) as stub:
        ask = pb.RotateCalendarRequest(name=made.calendar.name)
        new = (await stub.RotateCalendar(ask)).token
        assert (await read(phone, made.token))[0].status_code == 404
        assert (await read(phone, new))[0].status_code == 200
        (listed,) = (await stub.ListCalendars(pb.ListCalendarsRequest())).calendars
        assert listed == made.calendar
        await stub.RevokeCalendar(pb.RevokeCalendarRequest(name=listed.name, request_id="r-1"))
    assert (await read(phone, new))[0].status_code == 404
    assert (await read(phone, "x" * 43))[0].status_code == 404


async def test_what_opens_a_calendar_is_kept_nowhere(
    service: tuple[str, Pool], fresh_database: str
) -> None:
    import psycopg

    token = (await calendar_of(service, EXPERT)).token
    with psycopg.connect(fresh_database) as connection:
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'feeds'"
        ).fetchall()
        rows = "".join(
            str(connection.execute(f'SELECT to_jsonb(one) FROM feeds."{name}" AS one').fetchall())
            for (name,) in tables
        )
    assert "calendars/cal-" in rows
    assert token not in rows


async def refused(call: Any) -> str:
    with pytest.raises(grpc.RpcError) as error:
        await call
    return refusal_from(error.value).reason


async def test_whose_calendar_one_may_have(service: tuple[str, Pool]) -> None:
    def ask(subject: str) -> pb.CreateCalendarRequest:
        return pb.CreateCalendarRequest(subject=subject)

    async with calling(
        service[0], pb_grpc.FeedsServiceStub, Role.EXPERT, expert="ex-0042", subject="ex"
    ) as expert:
        made = await expert.CreateCalendar(ask(EXPERT))
        assert await refused(expert.CreateCalendar(ask("experts/ex-1"))) == "OUTSIDE_OF_SCOPE"
        assert await refused(expert.CreateCalendar(ask(VENUE))) == "OUTSIDE_OF_SCOPE"
    for nodes, answer in ((("nodes/chengkou",), ""), (("nodes/beibei",), "OUTSIDE_OF_SCOPE")):
        async with calling(
            service[0], pb_grpc.FeedsServiceStub, Role.VENUE_STAFF, nodes=nodes, subject="school"
        ) as staff:
            if answer:
                assert await refused(staff.CreateCalendar(ask(VENUE))) == answer
            else:
                assert (await staff.CreateCalendar(ask(VENUE))).token
            assert await refused(staff.CreateCalendar(ask("venues/none"))) == "SUBJECT_NOT_FOUND"
            rotate = pb.RotateCalendarRequest(name=made.calendar.name)
            assert await refused(staff.RotateCalendar(rotate)) == "CALENDAR_NOT_FOUND"


async def test_erasure_ends_an_experts_calendar(
    service: tuple[str, Pool], phone: httpx.AsyncClient
) -> None:
    token = (await calendar_of(service, EXPERT)).token
    await arrive(service[1], FixedClock(), received("ExpertRegistered", gone=True))
    assert (await read(phone, token))[0].status_code == 404


async def test_what_is_long_over_is_not_shown(
    service: tuple[str, Pool], phone: httpx.AsyncClient
) -> None:
    old = an_event("events/ev-1", 1)
    fact: Any = facts_pb2.EventChanged.FromString(old.payload or b"")
    for moment in (fact.event.period.start_time, fact.event.period.end_time):
        moment.FromDatetime(moment.ToDatetime(UTC) - timedelta(days=365))
    await arrive(service[1], FixedClock(), _with(old, fact), an_event("events/ev-2", 1))
    _, shown = await read(phone, (await calendar_of(service, VENUE)).token)
    assert [str(one["uid"]) for one in shown] == ["events-ev-2@zhihui"]
