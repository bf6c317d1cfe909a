"""The events service from its callers' side: the tree, what venues ask, and what published rounds make of it."""

import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.message import Message
from grpc import aio
from zhihui.common.v1 import common_pb2 as common
from zhihui.events.v1 import events_pb2 as pb
from zhihui.events.v1 import events_pb2_grpc as pb_grpc
from zhihui.events.v1 import facts_pb2
from zhihui.scheduling.v1 import facts_pb2 as scheduling
from zhihui.scheduling.v1 import scheduling_pb2

from libs.auth.principal import Role
from libs.errors import Refusal
from libs.ids import new_uuid
from libs.messaging.consumer import hand, tombstone
from libs.messaging.kafka import Received
from libs.postgres.migrate import migrate
from libs.postgres.pool import Pool, create_pool
from libs.rpc.status import refusal_from
from services.events.__main__ import MIGRATIONS
from services.events.adapters.postgres import joined, transaction
from services.events.api.consumer import handlers
from services.events.api.servicer import EventsServicer
from services.events.settings import Settings
from tests.support.clock import FixedClock
from tests.support.serving import calling, served, settings_for

pytestmark = pytest.mark.postgres
AT = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)  # Monday, 09:00 in the city
SCHOOL = "nodes/school"
VENUE = "venues/hall"
_Stub = pb_grpc.EventsServiceStub


@pytest.fixture
async def pool(fresh_database: str) -> AsyncIterator[Pool]:
    migrate(fresh_database, MIGRATIONS, schema="events", role="events")
    async with create_pool(Settings(**settings_for(fresh_database, "events"))) as pool:
        yield pool


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(AT)


@pytest.fixture
async def address(pool: Pool, fresh_database: str, clock: FixedClock) -> AsyncIterator[str]:
    servicer = EventsServicer(transaction=lambda: transaction(pool), clock=clock)
    async with served(
        Settings(**settings_for(fresh_database, "events")),
        pb_grpc.add_EventsServiceServicer_to_server,
        servicer,
        pb.DESCRIPTOR,
    ) as address:
        yield address


@pytest.fixture
async def city(address: str) -> AsyncIterator[Any]:
    """The city's coordinator, with a small tree and a hall in a school of 城口."""
    async with calling(address, _Stub, Role.CITY_COORDINATOR, subject="city") as stub:
        for node_id, kind, parent in (
            ("city", pb.NODE_KIND_CITY, ""),
            ("500229", pb.NODE_KIND_DISTRICT, "nodes/city"),
            ("500101", pb.NODE_KIND_DISTRICT, "nodes/city"),
            ("school", pb.NODE_KIND_SCHOOL, "nodes/500229"),
        ):
            await stub.CreateNode(creating(node_id, kind, parent))
        await stub.CreateVenue(
            pb.CreateVenueRequest(
                venue_id="hall",
                venue=pb.Venue(
                    display_name="示例中学礼堂",
                    node=SCHOOL,
                    point=common.Point(latitude=31.95, longitude=108.66),
                    capacity=300,
                    group=common.AUDIENCE_GROUP_YOUTH,
                ),
            )
        )
        yield stub


@pytest.fixture
async def teacher(address: str, city: Any) -> AsyncIterator[Any]:
    async with calling(
        address, _Stub, Role.VENUE_STAFF, nodes=(SCHOOL,), subject="teacher"
    ) as stub:
        yield stub


def creating(
    node_id: str, kind: pb.NodeKind.ValueType, parent: str, **policy: Any
) -> pb.CreateNodeRequest:
    node = pb.Node(
        kind=kind,
        display_name=f"示例 {node_id}",
        parent=parent,
        validity=common.DatePeriod(start_date="2025-11-06"),
    )
    if policy:
        node.policy.CopyFrom(pb.NodePolicy(**policy))
    return pb.CreateNodeRequest(node_id=node_id, node=node)


def a_period(start: datetime, hours: float) -> common.Period:
    period = common.Period()
    period.start_time.FromDatetime(start)
    period.end_time.FromDatetime(start + timedelta(hours=hours))
    return period


NEXT_WEEK = AT + timedelta(days=7, hours=5)


def a_request(**others: Any) -> pb.Request:
    values: dict[str, Any] = {
        "venue": VENUE,
        "title": "示例 人工智能就在身边",
        "group": common.AUDIENCE_GROUP_YOUTH,
        "level": common.LANGUAGE_LEVEL_JUNIOR,
        "audience_size": 120,
        "form": common.FORM_LECTURE,
        "topic": "ai",
        "duration_min": 60,
        "windows": [a_period(NEXT_WEEK, 3)],
        "seats": [pb.Seat(roles=[common.ROLE_LECTURER], topic="ai", proficiency=2)],
        "host": "示例 李老师",
        "host_phone": "13900000000",
    }
    return pb.Request(**(values | others))


def filing(id: str = "r1", *, submit: bool = True, **others: Any) -> pb.FileRequestRequest:
    return pb.FileRequestRequest(id=id, request=a_request(**others), submit=submit)


async def refused(call: Any) -> Refusal:
    with pytest.raises(aio.AioRpcError) as raised:
        await call
    refusal = refusal_from(raised.value)
    assert refusal is not None, raised.value
    return refusal


def paths(refusal: Any) -> list[str]:
    return [violation.path for violation in refusal.violations]


async def announced(pool: Pool, *, topic: str = "") -> list[tuple[str, str, int]]:
    rows = await pool.fetch(
        "SELECT type, key, version FROM outbox WHERE $1 = '' OR topic = $1 ORDER BY position", topic
    )
    return [(row["type"].rpartition(".")[2], row["key"], row["version"]) for row in rows]


async def learned(pool: Pool, clock: FixedClock, *messages: Message, key: str = "k") -> int:
    """Let the consumer's handler have facts of scheduling, of one type, together: how many statements it took."""
    facts = [_received(message, key=key) for message in messages]
    said: list[str] = []
    async with pool.acquire() as connection, connection.transaction():
        with connection.query_logger(lambda one: said.append(one.query)):
            await hand(handlers(joined, clock=clock)[facts[0].type], connection, facts)
    return len(said)


def _received(message: Message, *, key: str) -> Received:
    return Received(
        topic="scheduling.round.v1",
        partition=0,
        offset=0,
        message_id=new_uuid(),
        source="scheduling",
        type=message.DESCRIPTOR.full_name,
        key=key,
        version=1,
        occurred_at=AT,
        traceparent=None,
        payload=message.SerializeToString(),
    )


def a_round(name: str = "rounds/r") -> scheduling_pb2.Round:
    return scheduling_pb2.Round(name=name)


def a_decision(request: str, *, start: datetime | None = NEXT_WEEK, **others: Any) -> Any:
    fact = scheduling.RequestDecided(request=request, round="rounds/r", version=1)
    if start is None:
        fact.unserved.CopyFrom(scheduling_pb2.Unserved(request=request, message="太远了。"))
    else:
        fact.scheduled.CopyFrom(
            scheduling.Scheduled(
                event=f"events/{request.partition('/')[2]}",
                period=a_period(start, 1),
                team=[
                    scheduling.ScheduledMember(
                        assignment="assignments/a",
                        expert=others.get("expert", "experts/wang"),
                        display_name="示例 王教授",
                        role=common.ROLE_LECTURER,
                    )
                ],
            )
        )
    return fact


async def published(pool: Pool, clock: FixedClock, *decisions: Any) -> None:
    for decision in decisions:
        await learned(pool, clock, decision)
    fact = scheduling.RoundPublished(round=a_round(), decisions=len(decisions))
    await learned(pool, clock, fact)


async def state_of(city: Any, name: str) -> str:
    answer = await city.GetRequest(pb.GetRequestRequest(name=name))
    return str(pb.Request.State.Name(answer.request.state)).removeprefix("STATE_")


async def test_a_filed_request_waits_for_endorsement_and_carries_no_personal_data(
    teacher: Any, pool: Pool
) -> None:
    stored = (await teacher.FileRequest(filing())).request
    assert stored.state == pb.Request.STATE_SUBMITTED
    assert (stored.district, list(stored.node_path)) == (
        "nodes/500229",
        [SCHOOL, "nodes/500229", "nodes/city"],
    )
    assert stored.ready_time.ToDatetime(tzinfo=UTC) == datetime(2026, 11, 25, 16, 0, tzinfo=UTC)
    assert (stored.host_phone, stored.weight) == ("13900000000", 10)
    assert (await announced(pool))[-1] == ("RequestSubmitted", "requests/r1", 2)
    payload = await pool.fetchval("SELECT payload FROM outbox ORDER BY position DESC LIMIT 1")
    assert b"13900000000" not in payload
    assert "李老师".encode() not in payload


async def test_a_retry_on_a_weak_network_makes_no_second_request(teacher: Any) -> None:
    request = filing("")
    request.request_id = "from-the-phone"
    first = await teacher.FileRequest(request)
    assert await teacher.FileRequest(request) == first
    listed = await teacher.ListRequests(pb.ListRequestsRequest())
    assert [one.name for one in listed.requests] == [first.request.name]


async def test_the_district_endorses_or_returns_and_she_mends(
    address: str, teacher: Any, pool: Pool
) -> None:
    name = (await teacher.FileRequest(filing())).request.name
    assert (await refused(teacher.EndorseRequest(pb.EndorseRequestRequest(name=name)))).reason == (
        "ROLE_NOT_SUFFICIENT"
    )
    async with calling(
        address, _Stub, Role.DISTRICT_COORDINATOR, nodes=("nodes/500229",), subject="district"
    ) as district:
        returned = await district.ReturnRequest(
            pb.ReturnRequestRequest(name=name, reason="请写明年级")
        )
        assert (returned.request.state, returned.request.reason) == (
            pb.Request.STATE_DRAFT,
            "请写明年级",
        )
        update = pb.UpdateRequestRequest(request=pb.Request(name=name, title="示例 七年级"))
        update.update_mask.paths.append("title")
        await teacher.UpdateRequest(update)
        await teacher.SubmitRequest(pb.SubmitRequestRequest(name=name))
        endorsed = await district.EndorseRequest(pb.EndorseRequestRequest(name=name, weight=40))
        assert (endorsed.request.state, endorsed.request.weight) == (pb.Request.STATE_ENDORSED, 40)
        history = await district.ListRequestHistory(pb.ListRequestHistoryRequest(parent=name))
        assert [(entry.what, entry.by) for entry in history.entries] == [
            ("FILED", "teacher"),
            ("SUBMITTED", "teacher"),
            ("RETURNED", "district"),
            ("CHANGED", "teacher"),
            ("SUBMITTED", "teacher"),
            ("ENDORSED", "district"),
        ]
    async with calling(
        address, _Stub, Role.DISTRICT_COORDINATOR, nodes=("nodes/500101",), subject="other"
    ) as other:
        assert (await refused(other.GetRequest(pb.GetRequestRequest(name=name)))).reason == (
            "REQUEST_NOT_FOUND"
        )
        assert not (await other.ListRequests(pb.ListRequestsRequest())).requests


@pytest.mark.parametrize(
    ("others", "reason", "path"),
    [
        ({"windows": [a_period(NEXT_WEEK, 0.75)]}, "REQUEST_NOT_FILEABLE", "request.windows[0]"),
        (
            {"windows": [a_period(NEXT_WEEK, 3), a_period(NEXT_WEEK + timedelta(hours=2), 3)]},
            "REQUEST_NOT_FILEABLE",
            "request.windows[1]",
        ),
        (
            {"windows": [a_period(AT - timedelta(days=2), 3)]},
            "REQUEST_NOT_FILEABLE",
            "request.windows[0]",
        ),
        (
            {"windows": [a_period(AT + timedelta(hours=4), 3)]},
            "REQUEST_NOT_FILEABLE",
            "request.windows[0]",
        ),
        ({"topic": "robot"}, "UNKNOWN_TOPIC", "request.topic"),
        ({"seats": [pb.Seat(topic="zzz")]}, "UNKNOWN_TOPIC", "request.seats[0].topic"),
        ({"seats": [pb.Seat(count=7), pb.Seat(count=6)]}, "REQUEST_NOT_FILEABLE", "request.seats"),
        ({"named_only": True}, "REQUEST_NOT_FILEABLE", "request.named_expert"),
        ({"title": ""}, "INVALID_REQUEST", "request.title"),
        ({"notes": "长" * 1001}, "INVALID_REQUEST", "request.notes"),
        ({"windows": []}, "INVALID_REQUEST", "request.windows"),
    ],
)
async def test_bad_input_is_refused_with_its_path_and_leaves_nothing(
    teacher: Any, pool: Pool, others: dict[str, Any], reason: str, path: str
) -> None:
    before = await announced(pool)
    refusal = await refused(teacher.FileRequest(filing(**others)))
    assert (refusal.reason, paths(refusal)) == (reason, [path])
    assert await announced(pool) == before
    assert await pool.fetchval("SELECT count(*) FROM requests") == 0


async def test_a_half_written_request_is_looked_through(teacher: Any) -> None:
    sunday = datetime(2026, 11, 29, 1, 0, tzinfo=UTC)
    draft = a_request(title="", audience_size=500, windows=[a_period(sunday, 3)])
    answer = await teacher.CheckRequest(pb.CheckRequestRequest(request=draft))
    assert [finding.code for finding in answer.findings] == ["VENUE_TOO_SMALL", "NO_SCHOOL_DAY"]
    assert (answer.visits_left, answer.endorse_automatically) == (-1, False)
    draft.windows.add().CopyFrom(a_period(AT + timedelta(hours=8), 0.5))
    answer = await teacher.CheckRequest(pb.CheckRequestRequest(request=draft))
    assert answer.findings[0].code == "WINDOW_TOO_SHORT"
    assert "60" in answer.findings[0].message


async def test_rules_come_from_the_nearest_node_that_has_one(city: Any, teacher: Any) -> None:
    await city.CreateNode(
        creating("town", pb.NODE_KIND_TOWN, "nodes/500229", endorse_automatically=True, lead_days=1)
    )
    await city.CreateNode(creating("village", pb.NODE_KIND_VILLAGE, "nodes/town", annual_cap=2))
    await city.CreateVenue(
        pb.CreateVenueRequest(
            venue_id="square",
            venue=pb.Venue(
                display_name="示例村广场",
                node="nodes/village",
                point=common.Point(latitude=31.9, longitude=108.7),
                capacity=100,
                visits_before=1,
            ),
        )
    )
    stored = (await city.FileRequest(filing(venue="venues/square"))).request
    assert stored.state == pb.Request.STATE_ENDORSED
    assert stored.ready_time.ToDatetime(tzinfo=UTC) == datetime(2026, 11, 23, 16, 0, tzinfo=UTC)
    answer = await city.CheckRequest(
        pb.CheckRequestRequest(request=a_request(venue="venues/square"))
    )
    assert answer.visits_left == 1


async def test_need_and_emergency_are_not_the_venues_to_say(teacher: Any, city: Any) -> None:
    hers = (await teacher.FileRequest(filing("a", weight=900, emergency_level=3))).request
    assert (hers.weight, hers.emergency_level) == (10, 0)
    theirs = (await city.FileRequest(filing("b", weight=900, emergency_level=3))).request
    assert (theirs.weight, theirs.emergency_level) == (900, 3)


async def test_a_draft_is_seen_only_by_who_wrote_it(teacher: Any, city: Any, pool: Pool) -> None:
    before = await announced(pool)
    name = (await teacher.FileRequest(filing(submit=False, windows=[a_period(AT, 1)]))).request.name
    assert (await refused(city.GetRequest(pb.GetRequestRequest(name=name)))).reason == (
        "REQUEST_NOT_FOUND"
    )
    assert not (await city.ListRequests(pb.ListRequestsRequest())).requests
    assert (await teacher.ListRequests(pb.ListRequestsRequest())).requests
    assert await announced(pool) == before


async def test_a_wrong_etag_is_a_conflict(teacher: Any) -> None:
    stored = (await teacher.FileRequest(filing())).request
    update = pb.UpdateRequestRequest(
        request=pb.Request(name=stored.name, title="示例 新题", etag="old")
    )
    update.update_mask.paths.append("title")
    assert (await refused(teacher.UpdateRequest(update))).reason == "ETAG_MISMATCH"
    update.request.etag = stored.etag
    assert (await teacher.UpdateRequest(update)).request.title == "示例 新题"


async def test_after_the_freeze_nothing_is_edited_silently(
    teacher: Any, city: Any, pool: Pool, clock: FixedClock
) -> None:
    name = (await teacher.FileRequest(filing())).request.name
    await city.EndorseRequest(pb.EndorseRequestRequest(name=name))
    await learned(pool, clock, scheduling.RoundFrozen(round=a_round(), requests=[name]))
    assert await state_of(city, name) == "IN_ROUND"
    update = pb.UpdateRequestRequest(request=pb.Request(name=name, title="示例 新题"))
    update.update_mask.paths.append("title")
    assert (await refused(teacher.UpdateRequest(update))).reason == "REQUEST_IN_ROUND"
    await learned(pool, clock, scheduling.RoundAbandoned(round=a_round(), requests=[name]))
    assert await state_of(city, name) == "ENDORSED"


async def waiting(city: Any, pool: Pool, clock: FixedClock, count: int) -> list[str]:
    names = []
    for n in range(count):
        windows = [a_period(NEXT_WEEK + timedelta(days=n % 3), 3)]
        names.append((await city.FileRequest(filing(f"w{n}", windows=windows))).request.name)
        await city.EndorseRequest(pb.EndorseRequestRequest(name=names[-1]))
    await learned(pool, clock, scheduling.RoundFrozen(round=a_round(), requests=names))
    return names


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_round_becomes_visible_at_once(
    city: Any, pool: Pool, clock: FixedClock, seed: int
) -> None:
    """In whatever order its facts come."""
    names = await waiting(city, pool, clock, 4)
    facts: list[Any] = [a_decision(name) for name in names[:3]]
    facts += [
        a_decision(names[3], start=None),
        scheduling.RoundPublished(round=a_round(), decisions=4),
    ]
    random.Random(seed).shuffle(facts)
    for fact in facts[:-1]:
        await learned(pool, clock, fact)
        assert {await state_of(city, name) for name in names} == {"IN_ROUND"}
        assert not (await city.ListEvents(pb.ListEventsRequest())).events
    await learned(pool, clock, facts[-1])
    assert [await state_of(city, name) for name in names] == ["SCHEDULED"] * 3 + ["UNSERVED"]
    events = (await city.ListEvents(pb.ListEventsRequest(round="rounds/r"))).events
    assert len(events) == 3
    unserved = (await city.GetRequest(pb.GetRequestRequest(name=names[3]))).request
    assert (unserved.reason, unserved.times_unserved) == ("太远了。", 1)
    assert len(await announced(pool, topic="events.event.v1")) == 3
    assert len(await announced(pool, topic="public.event.v1")) == 3


async def test_decisions_that_come_together_take_as_few_statements_as_one(
    city: Any, pool: Pool, clock: FixedClock
) -> None:
    names = await waiting(city, pool, clock, 12)
    await learned(pool, clock, scheduling.RoundPublished(round=a_round(), decisions=len(names)))
    one = await learned(pool, clock, a_decision(names[0]))
    many = await learned(pool, clock, *(a_decision(name) for name in names[1:-1]))
    assert many == one > 0
    assert not (await city.ListEvents(pb.ListEventsRequest())).events
    newer = a_decision(names[-1], start=None)
    newer.version = 2
    await learned(pool, clock, newer, a_decision(names[-1]))
    found = (await city.ListEvents(pb.ListEventsRequest())).events
    assert {event.request for event in found} == set(names[:-1])


async def test_a_repair_moves_an_event_and_another_loses_it(
    city: Any, pool: Pool, clock: FixedClock
) -> None:
    names = await waiting(city, pool, clock, 2)
    await published(pool, clock, *(a_decision(name) for name in names))
    await city.ConfirmEvent(pb.ConfirmEventRequest(name="events/w0"))
    moved = a_decision(names[0], start=NEXT_WEEK + timedelta(hours=1), expert="experts/li")
    await learned(pool, clock, moved)
    await learned(pool, clock, a_decision(names[1], start=None))
    event = (await city.GetEvent(pb.GetEventRequest(name="events/w0"))).event
    assert (event.team[0].expert, event.confirmed, event.version) == ("experts/li", False, 3)
    lost = (await city.GetEvent(pb.GetEventRequest(name="events/w1"))).event
    assert lost.state == pb.Event.STATE_CANCELLED
    assert await state_of(city, names[1]) == "UNSERVED"
    assert (await announced(pool, topic="public.event.v1"))[-1][:2] == ("tombstone", "events/w1")


async def test_a_cancellation_takes_the_public_projection_down(
    city: Any, pool: Pool, clock: FixedClock
) -> None:
    names = await waiting(city, pool, clock, 1)
    await published(pool, clock, a_decision(names[0]))
    for _ in range(2):
        await city.CancelEvent(pb.CancelEventRequest(name="events/w0", reason="道路中断"))
    assert [name for name, _, _ in await announced(pool, topic="public.event.v1")] == [
        "PublicEventShown",
        "tombstone",
    ]
    assert await state_of(city, names[0]) == "CANCELLED"
    answer = await refused(city.ConfirmEvent(pb.ConfirmEventRequest(name="events/w0")))
    assert answer.reason == "EVENT_NOT_IN_STATE"


async def test_delivery_needs_the_code_and_the_hour_and_is_rated_once(
    address: str, city: Any, teacher: Any, pool: Pool, clock: FixedClock
) -> None:
    names = await waiting(city, pool, clock, 1)
    await published(pool, clock, a_decision(names[0]))
    event = pb.GetEventRequest(name="events/w0")
    assert (await teacher.GetEvent(event)).event.check_in_code == ""
    async with calling(address, _Stub, Role.EXPERT, expert="wang", subject="wang") as wang:
        code = (await wang.GetEvent(event)).event.check_in_code
    async with calling(address, _Stub, Role.EXPERT, expert="li", subject="li") as li:
        assert (await refused(li.GetEvent(event))).reason == "EVENT_NOT_FOUND"

    def delivering(code: str) -> pb.RecordDeliveryRequest:
        return pb.RecordDeliveryRequest(name="events/w0", check_in_code=code, audience_counted=110)

    wrong = f"{(int(code) + 1) % 10**6:06}"
    assert (await refused(teacher.RecordDelivery(delivering(wrong)))).reason == "WRONG_CODE"
    assert (await refused(teacher.RecordDelivery(delivering(code)))).reason == "EVENT_NOT_BEGUN"
    rating = pb.RateEventRequest(
        name="events/w0", rating=pb.Rating(content=5, clarity=4, organisation=5, comment="很好")
    )
    assert (await refused(teacher.RateEvent(rating))).reason == "EVENT_NOT_IN_STATE"
    clock.advance(NEXT_WEEK - AT)
    for _ in range(2):  # checked in offline, sent twice
        delivered = (await teacher.RecordDelivery(delivering(code))).event
    assert (delivered.state, delivered.audience_counted) == (pb.Event.STATE_DELIVERED, 110)
    await teacher.RateEvent(rating)
    rating.rating.content = 1
    assert (await refused(teacher.RateEvent(rating))).reason == "RATED_ALREADY"
    facts = await announced(pool, topic="events.event.v1")
    assert [name for name, _, _ in facts] == ["EventPublished", "EventDelivered", "EventRated"]
    payload = await pool.fetchval(
        "SELECT payload FROM outbox WHERE topic = 'events.event.v1' ORDER BY position DESC LIMIT 1"
    )
    assert facts_pb2.EventRated.FromString(payload).event.rating.comment == ""
    assert code.encode() not in payload


async def test_a_series_is_filed_whole_or_not_at_all(city: Any, pool: Pool) -> None:
    dated = [
        a_request(title=f"示例 第{n}讲", windows=[a_period(NEXT_WEEK + timedelta(days=7 * n), 3)])
        for n in range(3)
    ]
    request = pb.CreateSeriesRequest(
        series_id="weekly",
        series=pb.Series(title="示例 每周一讲", venue=VENUE, spacing_days=5, continuity=8),
        requests=dated,
        ids=["s0", "s1", "s2"],
    )
    broken = pb.CreateSeriesRequest()
    broken.CopyFrom(request)
    broken.requests[2].duration_min = 400
    assert (await refused(city.CreateSeries(broken))).reason == "REQUEST_NOT_FILEABLE"
    assert await pool.fetchval("SELECT count(*) FROM requests") == 0
    series = (await city.CreateSeries(request)).series
    assert list(series.requests) == ["requests/s0", "requests/s1", "requests/s2"]
    payload = await pool.fetchval("SELECT payload FROM outbox ORDER BY position DESC LIMIT 1")
    state = facts_pb2.RequestSubmitted.FromString(payload).state
    assert (state.series_spacing_days, state.series_continuity, state.series_place) == (5, 8, 2)
    assert state.request.series == "series/weekly"


async def test_the_tree_is_as_of_a_day(city: Any) -> None:
    await city.EndNode(pb.EndNodeRequest(name=SCHOOL, end_date="2026-12-01"))
    refusal = await refused(
        city.EndNode(pb.EndNodeRequest(name="nodes/city", end_date="2026-12-01"))
    )
    assert refusal.reason == "NODE_HAS_CHILDREN"

    async def names(on: str) -> list[str]:
        answer = await city.ListNodes(pb.ListNodesRequest(parent="nodes/500229", on_date=on))
        return [node.name for node in answer.nodes]

    assert [await names(day) for day in ("2025-11-05", "2026-11-30", "2026-12-01")] == [
        [],
        [SCHOOL],
        [],
    ]


async def test_a_venue_must_be_in_the_country_and_its_node_in_the_tree(city: Any) -> None:
    def a_venue(**others: Any) -> pb.CreateVenueRequest:
        values: dict[str, Any] = {
            "display_name": "示例",
            "node": SCHOOL,
            "point": common.Point(latitude=31.9, longitude=108.6),
            "capacity": 10,
        }
        return pb.CreateVenueRequest(venue=pb.Venue(**(values | others)))

    abroad = a_venue(point=common.Point(latitude=48.1, longitude=11.5))
    refusal = await refused(city.CreateVenue(abroad))
    assert (refusal.reason, paths(refusal)) == ("OUTSIDE_COUNTRY", ["venue.point"])
    nowhere = a_venue(node="nodes/gone")
    refusal = await refused(city.CreateVenue(nowhere))
    assert (refusal.reason, paths(refusal)) == ("VENUE_NODE_UNKNOWN", ["venue.node"])


async def test_lists_are_paged(city: Any) -> None:
    for n in range(5):
        await city.FileRequest(filing(f"p{n}"))
    names, token = [], ""
    while True:
        page = await city.ListRequests(pb.ListRequestsRequest(page_size=2, page_token=token))
        names += [request.name for request in page.requests]
        token = page.next_page_token
        if not token:
            break
    assert sorted(names) == [f"requests/p{n}" for n in range(5)]
    assert len(names) == 5


async def test_a_request_cannot_be_moved_to_a_venue_of_others(city: Any, teacher: Any) -> None:
    await city.CreateVenue(
        pb.CreateVenueRequest(
            venue_id="other",
            venue=pb.Venue(
                display_name="示例礼堂",
                node="nodes/500101",
                point=common.Point(latitude=30.8, longitude=108.4),
                capacity=300,
            ),
        )
    )
    name = (await teacher.FileRequest(filing())).request.name
    update = pb.UpdateRequestRequest(request=pb.Request(name=name, venue="venues/other"))
    update.update_mask.paths.append("venue")
    assert (await refused(teacher.UpdateRequest(update))).reason == "OUTSIDE_OF_SCOPE"


async def test_a_round_counts_once_as_unserved_and_revives_nothing(
    city: Any, pool: Pool, clock: FixedClock
) -> None:
    names = await waiting(city, pool, clock, 1)
    await published(pool, clock, a_decision(names[0], start=None))
    again = a_decision(names[0], start=None)
    again.unserved.message = "仍然太远。"
    await learned(pool, clock, again)
    request = (await city.GetRequest(pb.GetRequestRequest(name=names[0]))).request
    assert (request.times_unserved, request.reason) == (1, "仍然太远。")
    await city.WithdrawRequest(pb.WithdrawRequestRequest(name=names[0], reason="不需要了"))
    await learned(pool, clock, a_decision(names[0]))
    assert await state_of(city, names[0]) == "WITHDRAWN"


async def test_a_team_sent_to_a_withdrawn_request_hears_that_it_is_free(
    city: Any, pool: Pool, clock: FixedClock
) -> None:
    """It was withdrawn before word of the freeze had come: the event is cancelled from its first moment."""
    name = (await city.FileRequest(filing("w0"))).request.name
    await city.EndorseRequest(pb.EndorseRequestRequest(name=name))
    await city.WithdrawRequest(pb.WithdrawRequestRequest(name=name, reason="不需要了"))
    await learned(pool, clock, scheduling.RoundFrozen(round=a_round(), requests=[name]))
    await published(pool, clock, a_decision(name))
    await learned(pool, clock, a_decision(name))  # the same again changes nothing
    assert await state_of(city, name) == "WITHDRAWN"
    (event,) = (await city.ListEvents(pb.ListEventsRequest())).events
    assert event.state == pb.Event.STATE_CANCELLED
    assert [one[:2] for one in await announced(pool, topic="events.event.v1")] == [
        ("EventCancelled", "events/w0")
    ]
    assert not await announced(pool, topic="public.event.v1")


async def test_a_name_is_forgotten_wherever_an_event_was_announced_with_it(
    city: Any, pool: Pool, clock: FixedClock
) -> None:
    """Events stay, with who served as a resource name; another expert's event is left as it is."""
    names = await waiting(city, pool, clock, 2)
    await published(pool, clock, a_decision(names[0]), a_decision(names[1], expert="experts/li"))
    await pool.execute("DELETE FROM outbox_waiting")
    await forgotten(pool, clock, "experts/wang")
    await forgotten(pool, clock, "experts/wang")  # the same again changes nothing
    by_name = {one.name: one for one in (await city.ListEvents(pb.ListEventsRequest())).events}
    (member,) = by_name["events/w0"].team
    assert (member.expert, member.display_name) == ("experts/wang", "")
    assert by_name["events/w1"].team[0].display_name
    for topic, kinds in (
        ("events.event.v1", ["EventPublished", "EventChanged"]),
        ("public.event.v1", ["PublicEventShown", "PublicEventShown"]),
    ):
        rows = await pool.fetch(
            "SELECT type, payload FROM outbox WHERE topic = $1 AND key = 'events/w0' ORDER BY position",
            topic,
        )
        assert [row["type"].rpartition(".")[2] for row in rows] == kinds
        assert rows[0]["payload"] is None, "a replay does not bring it back"
        assert rows[1]["payload"]
        assert "王教授".encode() not in rows[1]["payload"]
        assert "王教授".encode() in await pool.fetchval(
            "SELECT payload FROM outbox WHERE topic = $1 AND key = 'events/w1'", topic
        )


async def forgotten(pool: Pool, clock: FixedClock, expert: str) -> None:
    """Let the consumer's handler have the tombstone of an expert."""
    fact = Received(
        topic="experts.expert.v1",
        partition=0,
        offset=0,
        message_id=new_uuid(),
        source="experts",
        type="tombstone",
        key=expert,
        version=9,
        occurred_at=AT,
        traceparent=None,
        payload=None,
    )
    async with pool.acquire() as connection, connection.transaction():
        await hand(handlers(joined, clock=clock)[tombstone(fact.topic)], connection, [fact])


async def test_another_event_for_a_request_takes_the_place_of_the_first(
    city: Any, pool: Pool, clock: FixedClock
) -> None:
    names = await waiting(city, pool, clock, 1)
    await published(pool, clock, a_decision(names[0]))
    other = a_decision(names[0])
    other.scheduled.event = "events/other"
    await learned(pool, clock, other)
    old = (await city.GetEvent(pb.GetEventRequest(name="events/w0"))).event
    assert old.state == pb.Event.STATE_CANCELLED
    assert old.cancel_reason
    request = (await city.GetRequest(pb.GetRequestRequest(name=names[0]))).request
    assert (request.state, request.event) == (pb.Request.STATE_SCHEDULED, "events/other")
    assert [one[:2] for one in await announced(pool, topic="events.event.v1")] == [
        ("EventPublished", "events/w0"),
        ("EventCancelled", "events/w0"),
        ("EventPublished", "events/other"),
    ]
    assert ("tombstone", "events/w0", 2) in await announced(pool, topic="public.event.v1")


async def test_what_a_repair_cancelled_can_stand_again_and_what_a_venue_cancelled_cannot(
    city: Any, pool: Pool, clock: FixedClock
) -> None:
    names = await waiting(city, pool, clock, 2)
    await published(pool, clock, *(a_decision(name) for name in names))
    await learned(pool, clock, a_decision(names[0], start=None))
    await city.CancelEvent(pb.CancelEventRequest(name="events/w1", reason="停课"))
    for name in names:
        await learned(pool, clock, a_decision(name, start=NEXT_WEEK + timedelta(hours=1)))
    again = (await city.GetEvent(pb.GetEventRequest(name="events/w0"))).event
    assert (again.state, again.version, again.cancel_reason) == (pb.Event.STATE_PUBLISHED, 3, "")
    facts = [one for one in await announced(pool, topic="public.event.v1") if one[1] == "events/w0"]
    assert [kind for kind, _, _ in facts] == ["PublicEventShown", "tombstone", "PublicEventShown"]
    gone = (await city.GetEvent(pb.GetEventRequest(name="events/w1"))).event
    assert gone.state == pb.Event.STATE_CANCELLED
    assert [await state_of(city, name) for name in names] == ["SCHEDULED", "CANCELLED"]


async def test_venues_and_series_of_others_are_not_seen_and_an_expert_sees_where_to_go(
    address: str, city: Any, teacher: Any, pool: Pool, clock: FixedClock
) -> None:
    series = pb.CreateSeriesRequest(
        series_id="weekly",
        series=pb.Series(title="示例 每周一讲", venue=VENUE, spacing_days=5),
        requests=[
            a_request(windows=[a_period(NEXT_WEEK + timedelta(days=7 * n), 3)]) for n in range(2)
        ],
    )
    await teacher.CreateSeries(series)
    names = await waiting(city, pool, clock, 1)
    await published(pool, clock, a_decision(names[0]))
    venue, weekly = pb.GetVenueRequest(name=VENUE), pb.GetSeriesRequest(name="series/weekly")
    tree = pb.GetNodeRequest(name=SCHOOL)
    async with calling(address, _Stub, Role.VENUE_STAFF, nodes=("nodes/500101",)) as other:
        assert (await refused(other.GetVenue(venue))).reason == "VENUE_NOT_FOUND"
        assert (await refused(other.GetSeries(weekly))).reason == "SERIES_NOT_FOUND"
        assert not (await other.ListSeries(pb.ListSeriesRequest())).series
        check = pb.CheckRequestRequest(request=a_request())
        assert (await refused(other.CheckRequest(check))).reason == "OUTSIDE_OF_SCOPE"
        assert (await other.GetNode(tree)).node.name == SCHOOL
    assert (await teacher.GetVenue(venue)).venue.name == VENUE
    assert (await teacher.GetSeries(weekly)).series.name == "series/weekly"
    assert len((await teacher.ListSeries(pb.ListSeriesRequest(venue=VENUE))).series) == 1
    async with calling(address, _Stub, Role.EXPERT, expert="wang") as wang:
        assert (await wang.GetVenue(venue)).venue.name == VENUE
    async with calling(address, _Stub, Role.EXPERT, expert="li") as li:
        assert (await refused(li.GetVenue(venue))).reason == "VENUE_NOT_FOUND"


async def test_a_check_says_what_filing_would_refuse(teacher: Any) -> None:
    wrong = a_request(
        topic="robot", seats=[pb.Seat(), pb.Seat(topic="ai"), pb.Seat(topic="astrology")]
    )
    for asked, expected in (
        (
            wrong,
            [
                ("topic", "TOPIC_UNKNOWN"),
                ("seats[2].topic", "TOPIC_UNKNOWN"),
                ("seats[1].topic", "SEAT_TOPIC"),
            ],
        ),
        (
            a_request(seats=[], windows=[]),
            [("seats", "SEATS_MISSING"), ("windows", "WINDOWS_MISSING")],
        ),
    ):
        answer = await teacher.CheckRequest(pb.CheckRequestRequest(request=asked))
        assert [(one.field, one.code) for one in answer.findings] == expected
        assert all(one.message and one.message_en for one in answer.findings)


async def test_a_seat_of_another_topic_is_refused(teacher: Any, pool: Pool) -> None:
    seats = [pb.Seat(topic="ai"), pb.Seat(topic="tea_silk")]
    refusal = await refused(teacher.FileRequest(filing(seats=seats)))
    assert (refusal.reason, paths(refusal)) == ("REQUEST_NOT_FILEABLE", ["request.seats[1].topic"])
    assert await pool.fetchval("SELECT count(*) FROM requests") == 0


async def test_a_series_names_one_venue_and_says_which_request_is_wrong(
    city: Any, pool: Pool
) -> None:
    series = pb.CreateSeriesRequest(
        series=pb.Series(title="示例", venue=VENUE, spacing_days=5),
        requests=[a_request(), a_request(venue="venues/other")],
    )
    refusal = await refused(city.CreateSeries(series))
    assert (refusal.reason, paths(refusal)) == ("SERIES_VENUE_DIFFERS", ["requests[1].venue"])
    series.requests[1].CopyFrom(a_request(duration_min=400))
    refusal = await refused(city.CreateSeries(series))
    assert paths(refusal) == ["requests[1].windows[0]"]
    assert await pool.fetchval("SELECT count(*) FROM series") == 0


def a_change(name: str, *paths: str, reason: str = "转来三名学生", **values: Any) -> Any:
    ask = pb.AskChangeRequest(request=pb.Request(name=name, **values), reason=reason)
    ask.update_mask.paths.extend(paths)
    return ask


async def test_a_change_asked_for_during_a_round_is_made_when_the_round_is_over(
    teacher: Any, city: Any, pool: Pool, clock: FixedClock
) -> None:
    name = (await teacher.FileRequest(filing())).request.name
    early = await refused(teacher.AskChange(a_change(name, "audience_size", audience_size=123)))
    assert early.reason == "CHANGE_NOT_NEEDED"
    await city.EndorseRequest(pb.EndorseRequestRequest(name=name))
    await learned(pool, clock, scheduling.RoundFrozen(round=a_round(), requests=[name]))
    asked = a_change(name, "audience_size", "host", audience_size=123, host="示例 张老师")
    during = (await teacher.AskChange(asked)).request
    assert (during.audience_size, during.host) == (120, "示例 张老师")  # a host touches no plan
    assert (list(during.change.fields), during.change.reason) == (["audience_size"], "转来三名学生")
    assert (during.change.wanted.audience_size, during.change.wanted.host) == (123, "")
    too_soon = pb.AnswerChangeRequest(name=name, accept=True)
    assert (await refused(city.AnswerChange(too_soon))).reason == "REQUEST_IN_ROUND"
    await published(pool, clock, a_decision(name, start=None))
    after = (await teacher.GetRequest(pb.GetRequestRequest(name=name))).request
    assert (after.audience_size, after.state) == (123, pb.Request.STATE_UNSERVED)
    assert not after.HasField("change")
    entries = (await teacher.ListRequestHistory(pb.ListRequestHistoryRequest(parent=name))).entries
    assert [one.what for one in entries][-3:] == ["CHANGE_ASKED", "UNSERVED", "CHANGE_MADE"]
    assert (await announced(pool, topic="events.request.v1"))[-1][0] == "RequestChanged"


async def test_a_change_of_an_event_is_a_coordinators_to_answer(
    teacher: Any, city: Any, pool: Pool, clock: FixedClock
) -> None:
    names = await waiting(city, pool, clock, 1)
    await published(pool, clock, a_decision(names[0]))
    later = [a_period(NEXT_WEEK + timedelta(days=2), 3)]
    await teacher.AskChange(a_change(names[0], "windows", windows=later))
    await city.FileRequest(filing("other"))
    waiting_for_one = pb.ListRequestsRequest(change_asked=True)
    assert [one.name for one in (await city.ListRequests(waiting_for_one)).requests] == names
    unexplained = pb.AnswerChangeRequest(name=names[0])
    assert (await refused(city.AnswerChange(unexplained))).reason == "CHANGE_REFUSAL_UNEXPLAINED"
    teachers_own = pb.AnswerChangeRequest(name=names[0], accept=True)
    assert (await refused(teacher.AnswerChange(teachers_own))).reason == "ROLE_NOT_SUFFICIENT"
    no = pb.AnswerChangeRequest(name=names[0], reason="那天没有专家")
    assert (await city.AnswerChange(no)).request.state == pb.Request.STATE_SCHEDULED
    assert (await refused(city.AnswerChange(no))).reason == "CHANGE_NOT_ASKED"
    assert not (await city.ListRequests(waiting_for_one)).requests

    await teacher.AskChange(a_change(names[0], "windows", windows=later))
    yes = (await city.AnswerChange(pb.AnswerChangeRequest(name=names[0], accept=True))).request
    assert (yes.state, yes.event, list(yes.windows)) == (pb.Request.STATE_ENDORSED, "", later)
    given_up = (await city.GetEvent(pb.GetEventRequest(name="events/w0"))).event
    assert given_up.state == pb.Event.STATE_CANCELLED
    assert (await announced(pool, topic="public.event.v1"))[-1][:2] == ("tombstone", "events/w0")


async def test_an_erased_account_leaves_requests_that_point_to_nobody(
    teacher: Any, city: Any, pool: Pool
) -> None:
    filed = filing(notes="示例 请从西门进")
    filed.request_id = "once-from-the-phone"
    await teacher.FileRequest(filed)
    await teacher.FileRequest(filing("draft", submit=False))
    await city.FileRequest(filing("other"))
    erased = await teacher.EraseAccount(pb.EraseAccountRequest(request_id="erase-it"))
    assert (erased.requests_count, erased.drafts_count) == (2, 1)
    seen = (await city.GetRequest(pb.GetRequestRequest(name="requests/r1"))).request
    assert (seen.host, seen.host_phone, seen.notes, seen.audience_size) == ("", "", "", 120)
    others = (await city.GetRequest(pb.GetRequestRequest(name="requests/other"))).request
    assert others.host_phone == "13900000000"
    for table, column in (("requests", "filed_by"), ("request_history", "by")):
        query = f"SELECT count(*) FROM {table} WHERE {column} = 'teacher'"
        assert await pool.fetchval(query) == 0
    kept = await pool.fetch("SELECT response FROM idempotency WHERE principal = 'teacher'")
    assert not [row for row in kept if b"13900000000" in (row["response"] or b"")]
