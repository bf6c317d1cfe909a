"""Bad input, service by service: each is refused with a reason and the paths of its fields, and nothing is written."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from grpc import aio
from typer.testing import CliRunner
from zhihui.common.v1 import common_pb2 as common
from zhihui.events.v1 import events_pb2 as events
from zhihui.events.v1 import events_pb2_grpc as events_grpc
from zhihui.experts.v1 import experts_pb2 as experts
from zhihui.experts.v1 import experts_pb2_grpc as experts_grpc
from zhihui.scheduling.v1 import scheduling_pb2 as scheduling
from zhihui.scheduling.v1 import scheduling_pb2_grpc as scheduling_grpc

from libs.auth.principal import Role
from libs.postgres.pool import Pool
from libs.rpc.status import refusal_from
from services.cli.__main__ import app
from services.scheduling.adapters.transaction import transaction as scheduling_transaction
from services.scheduling.domain import inputs
from tests.support import world
from tests.support.clock import FixedClock
from tests.support.services import events_service, experts_service, scheduling_service
from tests.support.serving import calling
from tests.support.signing_in import browser, edge, identity_provider, sign_in

pytestmark = pytest.mark.postgres
AT = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)  # Monday, 09:00 in the city
NEXT_WEEK = AT + timedelta(days=7)
HERE = common.Point(latitude=31.95, longitude=108.66)
NAN = float("nan")
Sent = TypeVar("Sent", bound=Message)


@dataclass(frozen=True)
class Case:
    """A call that must be refused so."""

    label: str
    method: str
    request: Message
    reason: str
    paths: Sequence[str] = ()


def changed(message: Sent, change: Callable[[Any], object]) -> Sent:
    """A copy of `message` after `change`."""
    copy = type(message)()
    copy.CopyFrom(message)
    change(copy)
    return copy


def from_the_future(message: Sent, path: str) -> Sent:
    """`message` with a field that this version does not know in its part at `path`."""

    def add(copy: Any) -> None:
        part = copy
        for step in path.split(".") if path else ():
            part = getattr(part, step)
        part.MergeFromString(b"\xba\x3e\x01x")  # field 999, a string

    return changed(message, add)


def put(path: str, value: object) -> Callable[[Any], object]:
    """Set the field at a dotted path."""

    def change(message: Any) -> None:
        *way, name = path.split(".")
        for step in way:
            message = getattr(message, step)
        if isinstance(value, Message):
            getattr(message, name).CopyFrom(value)
        elif isinstance(value, list):
            message.ClearField(name)
            getattr(message, name).extend(value)
        else:
            setattr(message, name, value)

    return change


def stamp(at: datetime) -> Timestamp:
    found = Timestamp()
    found.FromDatetime(at)
    return found


def period(start: datetime, hours: float) -> common.Period:
    end = start + timedelta(hours=hours)
    return common.Period(start_time=stamp(start), end_time=stamp(end))


async def dump(pool: Pool) -> Mapping[str, str]:
    """A fingerprint of every table the service has."""
    tables = await pool.fetch(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
    )
    return {
        row["table_name"]: await pool.fetchval(
            f"SELECT md5(coalesce(string_agg(t::text, '\n' ORDER BY t::text), '')) FROM {row['table_name']} t"
        )
        for row in tables
    }


async def faults(stub: Any, pool: Pool, cases: Sequence[Case]) -> str:
    """What is wrong with how `cases` are refused; and that the tables are as before."""
    before = await dump(pool)
    assert len(before) > 3
    found = []
    for case in cases:
        try:
            await getattr(stub, case.method)(case.request)
        except aio.AioRpcError as error:
            answer = refusal_from(error)
            told = (answer.reason, [one.path for one in answer.violations])
            if told != (case.reason, list(case.paths)):
                found.append(f"{case.label}: {told} and not {(case.reason, case.paths)}")
            if not answer.sentence or not all(one.description for one in answer.violations):
                found.append(f"{case.label}: without a sentence")
        else:
            found.append(f"{case.label}: was taken")
        if await dump(pool) != before:
            found.append(f"{case.label}: left something behind")
            before = await dump(pool)
    return "\n".join(found)


# experts

EXPERT = experts.Expert(
    display_name="示例 王教授",
    role=common.ROLE_LECTURER,
    home_node="nodes/500229",
    skills=[experts.Skill(topic="ai", proficiency=3)],
    audiences=[common.AUDIENCE_GROUP_YOUTH],
    forms=[common.FORM_LECTURE],
    levels=[common.LANGUAGE_LEVEL_JUNIOR],
    limits=experts.Limits(
        per_day=2,
        per_week=5,
        per_round=10,
        travel_min_per_day=240,
        nights_away=1,
        rest_days_per_week=1,
        earliest_min=7 * 60,
        latest_min=20 * 60,
    ),
    memberships=[
        experts.Membership(
            pool="pools/corps",
            term=common.DatePeriod(start_date="2026-01-01", end_date="2028-01-01"),
        )
    ],
)
REGISTERING = experts.RegisterExpertRequest(
    expert_id="new", expert=EXPERT, personal_data=experts.PersonalData(home=HERE)
)
TALK = experts.CreateTalkRequest(
    parent="experts/wang",
    talk_id="new",
    talk=experts.Talk(
        title="示例讲座",
        topic="ai",
        form=common.FORM_LECTURE,
        duration_min=60,
        audiences=[common.AUDIENCE_GROUP_YOUTH],
        levels=[common.LANGUAGE_LEVEL_JUNIOR],
    ),
)
REVIEW = experts.Review(
    kind=experts.REVIEW_KIND_SCIENTIFIC,
    reviewer="reviewer-2",
    passed=True,
    audiences=[common.AUDIENCE_GROUP_YOUTH],
    expire_date="2027-11-01",
)
FREE = experts.SetAvailabilityRequest(
    expert="experts/wang",
    period=period(NEXT_WEEK, 24 * 7),
    windows=[period(NEXT_WEEK, 3)],
)
AGREEMENT = experts.CreateSharingAgreementRequest(
    parent="pools/corps",
    agreement_id="new",
    agreement=experts.SharingAgreement(
        node="nodes/city",
        quota=10,
        term=common.DatePeriod(start_date="2026-01-01", end_date="2028-01-01"),
    ),
)


def registering(label: str, path: str, value: object, reason: str, *paths: str) -> Case:
    return Case(label, "RegisterExpert", changed(REGISTERING, put(path, value)), reason, paths)


def freeing(label: str, reason: str, paths: Sequence[str], *windows: common.Period) -> Case:
    return Case(label, "SetAvailability", changed(FREE, put("windows", [*windows])), reason, paths)


def updating(label: str, reason: str, paths: Sequence[str], *mask: str, **fields: Any) -> Case:
    request = experts.UpdateExpertRequest(
        expert=experts.Expert(name="experts/wang", **fields), update_mask=FieldMask(paths=mask)
    )
    return Case(label, "UpdateExpert", request, reason, paths)


def member(start: str, end: str) -> list[experts.Membership]:
    term = common.DatePeriod(start_date=start, end_date=end)
    return [experts.Membership(pool="pools/corps", term=term)]


def a_point(latitude: float, longitude: float, datum: Any = common.DATUM_WGS84) -> common.Point:
    return common.Point(latitude=latitude, longitude=longitude, datum=datum)


def reviewing(label: str, reason: str, *paths: str, **fields: Any) -> Case:
    review = experts.Review()
    review.CopyFrom(REVIEW)
    for name, value in fields.items():
        put(name, value)(review)
    request = experts.ReviewTalkVersionRequest(
        talk="experts/wang/talks/old", number=1, review=review
    )
    return Case(label, "ReviewTalkVersion", request, reason, paths)


_HOME, _LIMITS = "personal_data.home", "expert.limits"
EXPERT_CASES = [
    Case(
        "a newer client",
        "RegisterExpert",
        from_the_future(REGISTERING, "expert.limits"),
        "UNKNOWN_FIELD",
        ["expert.limits.999"],
    ),
    registering("GCJ-02", _HOME, a_point(31.9, 108.6, common.DATUM_GCJ02), "WRONG_DATUM", _HOME),
    registering("BD-09", _HOME, a_point(31.9, 108.6, common.DATUM_BD09), "WRONG_DATUM", _HOME),
    registering("Munich", _HOME, a_point(48.1, 11.5), "OUTSIDE_COUNTRY", _HOME),
    registering("the sea", _HOME, a_point(0, 0), "OUTSIDE_COUNTRY", _HOME),
    registering("the wrong way round", _HOME, a_point(53.0, 31.9), "OUTSIDE_COUNTRY", _HOME),
    registering("swapped", _HOME, a_point(80.0, 31.9), "SWAPPED_COORDINATES", _HOME),
    registering("no latitude", _HOME, a_point(91, 108), "INVALID_REQUEST", f"{_HOME}.latitude"),
    registering("no number", _HOME, a_point(NAN, 108), "INVALID_REQUEST", f"{_HOME}.latitude"),
    Case(
        "no home",
        "RegisterExpert",
        changed(REGISTERING, lambda m: m.personal_data.ClearField("home")),
        "HOME_MISSING",
        [_HOME],
    ),
    registering("a long name", "expert.display_name", "长" * 41, "INVALID_REQUEST", "expert.display_name"),
    registering("no name", "expert.display_name", "", "INVALID_REQUEST", "expert.display_name"),
    registering("NUL", "expert.display_name", "示例\0", "INVALID_REQUEST", "expert.display_name"),
    registering("a long e-mail", "personal_data.email", "e" * 255, "INVALID_REQUEST", "personal_data.email"),
    registering("a phone of letters", "personal_data.phone", "abc", "INVALID_REQUEST", "personal_data.phone"),
    registering("role not said", "expert.role", 0, "INVALID_REQUEST", "expert.role"),
    registering("no such role", "expert.role", 77, "INVALID_REQUEST", "expert.role"),
    registering("no skill", "expert.skills", [], "INVALID_REQUEST", "expert.skills"),
    registering(
        *("an unknown topic", "expert.skills", [experts.Skill(topic="astrology", proficiency=1)]),
        *("UNKNOWN_TOPIC", "expert.skills[0].topic"),
    ),
    registering(
        *("a skill twice", "expert.skills", [experts.Skill(topic="ai", proficiency=n) for n in (1, 2)]),
        *("SKILL_TWICE", "expert.skills[1].topic"),
    ),
    registering(
        *("too good", "expert.skills", [experts.Skill(topic="ai", proficiency=4)]),
        *("INVALID_REQUEST", "expert.skills[0].proficiency"),
    ),
    registering("nine a day", f"{_LIMITS}.per_day", 9, "INVALID_REQUEST", f"{_LIMITS}.per_day"),
    registering("more a day than a week", f"{_LIMITS}.per_day", 6, "LIMITS_CONTRADICT", f"{_LIMITS}.per_day"),
    registering("home before leaving", f"{_LIMITS}.latest_min", 420, "LIMITS_CONTRADICT", f"{_LIMITS}.latest_min"),
    registering("no pool", "expert.memberships", [], "INVALID_REQUEST", "expert.memberships"),
    registering(
        *("a term backwards", "expert.memberships", member("2026-01-02", "2026-01-02")),
        *("ENDS_BEFORE_START", "expert.memberships[0].term.end_date"),
    ),
    registering(
        *("an expired term", "expert.memberships", member("2024-01-01", "2026-11-23")),
        *("TERM_OVER", "expert.memberships[0].term.end_date"),
    ),
    registering(
        *("a day that is none", "expert.memberships", member("2026-02-30", "")),
        *("MALFORMED_VALUE", "expert.memberships[0].term.start_date"),
    ),
    registering("somebody who is there", "expert_id", "wang", "EXPERT_EXISTS"),
    registering("an id with capitals", "expert_id", "Wang", "INVALID_REQUEST", "expert_id"),
    registering("another body", "request_id", "used", "REQUEST_ID_REUSED"),
    registering("a long request id", "request_id", "x" * 65, "INVALID_REQUEST", "request_id"),
    freeing("shorter than nothing", "INVALID_REQUEST", ["windows[0]"], period(NEXT_WEEK, -1)),
    freeing(
        *("overlapping", "WINDOWS_OVERLAP", ["windows[1]"]),
        *(period(NEXT_WEEK, 3), period(NEXT_WEEK + timedelta(hours=2), 3)),
    ),
    freeing(
        *("overlapping, not in order", "WINDOWS_OVERLAP", ["windows[0]"]),
        *(period(NEXT_WEEK + timedelta(hours=2), 3), period(NEXT_WEEK, 3)),
    ),
    freeing("over midnight", "WINDOW_NOT_ONE_DAY", ["windows[0].end_time"], period(NEXT_WEEK, 16)),
    freeing("outside", "WINDOW_OUTSIDE", ["windows[0]"], period(NEXT_WEEK - timedelta(hours=1), 2)),
    freeing("too many", "INVALID_REQUEST", ["windows"], *[period(NEXT_WEEK, 1)] * 801),
    Case(
        "too long a period",
        "SetAvailability",
        changed(FREE, put("period", period(AT, 24 * 400 + 1))),
        "PERIOD_TOO_LONG",
        ["period"],
    ),
    Case(
        "an old etag of availability",
        "SetAvailability",
        changed(FREE, put("etag", "old")),
        "ETAG_MISMATCH",
    ),
    Case("nobody's", "SetAvailability", changed(FREE, put("expert", "experts/li")), "EXPERT_NOT_FOUND"),
    updating("an old etag", "ETAG_MISMATCH", [], "cost_yuan", cost_yuan=1, etag="old"),
    updating("no such field", "BAD_UPDATE_MASK", ["update_mask.shoe_size"], "shoe_size"),
    updating("not theirs", "BAD_UPDATE_MASK", ["update_mask.state"], "state", state=2),
    updating("too dear", "INVALID_REQUEST", ["expert.cost_yuan"], "cost_yuan", cost_yuan=100_001),
    updating("emptied", "INVALID_REQUEST", ["expert.skills"], "skills"),
    Case(
        "an old etag of who leaves",
        "WithdrawExpert",
        experts.WithdrawExpertRequest(name="experts/wang", etag="old"),
        "ETAG_MISMATCH",
    ),
    Case("a talk on nothing", "CreateTalk", changed(TALK, put("talk.topic", "astrology")), "UNKNOWN_TOPIC", ["talk.topic"]),
    Case("a long abstract", "CreateTalk", changed(TALK, put("abstract", "长" * 4001)), "INVALID_REQUEST", ["abstract"]),
    Case("nine minutes", "CreateTalk", changed(TALK, put("talk.duration_min", 9)), "INVALID_REQUEST", ["talk.duration_min"]),
    Case("a talk twice", "CreateTalk", changed(TALK, put("talk_id", "old")), "TALK_EXISTS"),
    reviewing("both reviews by one", "REVIEWERS_NOT_INDEPENDENT", "review.reviewer", reviewer="reviewer-1"),
    reviewing("over today", "REVIEW_EXPIRED", "review.expire_date", expire_date="2026-11-23"),
    reviewing("a review of nothing", "INVALID_REQUEST", "review.kind", kind=0),
    reviewing("for nobody", "INVALID_REQUEST", "review.audiences", audiences=[]),
    Case(
        "no such version",
        "ReviewTalkVersion",
        experts.ReviewTalkVersionRequest(talk="experts/wang/talks/old", number=2, review=REVIEW),
        "TALK_VERSION_NOT_FOUND",
    ),
    Case(
        "a quota of none",
        "CreateSharingAgreement",
        changed(AGREEMENT, put("agreement.quota", 0)),
        "INVALID_REQUEST",
        ["agreement.quota"],
    ),
    Case(
        "an agreement that is over",
        "CreateSharingAgreement",
        changed(AGREEMENT, put("agreement.term.end_date", "2026-11-23")),
        "TERM_OVER",
        ["agreement.term.end_date"],
    ),
    Case(
        "an agreement that ends before it begins",
        "EndSharingAgreement",
        experts.EndSharingAgreementRequest(name="pools/corps/agreements/old", end_date="2026-01-01"),
        "ENDS_BEFORE_START",
        ["end_date"],
    ),
    Case("a page of elsewhere", "ListExperts", experts.ListExpertsRequest(page_token="AAAA"), "BAD_PAGE_TOKEN", ["page_token"]),
    Case("too large a page", "ListExperts", experts.ListExpertsRequest(page_size=1001), "INVALID_REQUEST", ["page_size"]),
]  # fmt: skip


async def test_the_experts_service_refuses_bad_input_whole(fresh_database: str) -> None:
    async with (
        experts_service(fresh_database, FixedClock(AT)) as (address, pool),
        calling(address, experts_grpc.ExpertsServiceStub, Role.CITY_COORDINATOR) as stub,
    ):
        pool_of = experts.Pool(display_name="示例讲师团", owner="nodes/city")
        await stub.CreatePool(experts.CreatePoolRequest(pool_id="corps", pool=pool_of))
        await stub.CreateSharingAgreement(changed(AGREEMENT, put("agreement_id", "old")))
        wang = changed(REGISTERING, put("expert_id", "wang"))
        await stub.RegisterExpert(changed(wang, put("request_id", "used")))
        await stub.CreateTalk(changed(TALK, put("talk_id", "old")))
        first = changed(REVIEW, put("kind", experts.REVIEW_KIND_POLITICAL))
        await stub.ReviewTalkVersion(
            experts.ReviewTalkVersionRequest(
                talk="experts/wang/talks/old",
                number=1,
                review=changed(first, put("reviewer", "reviewer-1")),
            )
        )
        assert await faults(stub, pool, EXPERT_CASES) == ""
        half = experts.ListTalksRequest(
            parent="experts/-", approved_for=common.AUDIENCE_GROUP_YOUTH
        )
        assert not (await stub.ListTalks(half)).talks, "one review is not both"


# events

NODE = events.CreateNodeRequest(
    node_id="new",
    node=events.Node(
        kind=events.NODE_KIND_TOWN,
        display_name="示例镇",
        parent="nodes/city",
        validity=common.DatePeriod(start_date="2025-11-06"),
    ),
)
VENUE = events.CreateVenueRequest(
    venue_id="new",
    venue=events.Venue(display_name="示例礼堂", node="nodes/city", point=HERE, capacity=300),
)
FILING = events.FileRequestRequest(
    id="new",
    submit=True,
    request=events.Request(
        venue="venues/hall",
        title="示例",
        group=common.AUDIENCE_GROUP_YOUTH,
        level=common.LANGUAGE_LEVEL_JUNIOR,
        audience_size=120,
        form=common.FORM_LECTURE,
        topic="ai",
        duration_min=60,
        windows=[period(NEXT_WEEK, 3)],
        seats=[events.Seat(roles=[common.ROLE_LECTURER], topic="ai")],
    ),
)


def placing(label: str, path: str, value: object, reason: str, *paths: str) -> Case:
    return Case(label, "CreateVenue", changed(VENUE, put(path, value)), reason, paths)


def noding(label: str, path: str, value: object, reason: str, *paths: str) -> Case:
    return Case(label, "CreateNode", changed(NODE, put(path, value)), reason, paths)


def filing(label: str, path: str, value: object, reason: str, *paths: str) -> Case:
    return Case(label, "FileRequest", changed(FILING, put(path, value)), reason, paths)


def editing(label: str, reason: str, paths: Sequence[str], *mask: str, **fields: Any) -> Case:
    request = events.UpdateRequestRequest(
        request=events.Request(name="requests/old", **fields), update_mask=FieldMask(paths=mask)
    )
    return Case(label, "UpdateRequest", request, reason, paths)


_NOT, _BAD = "REQUEST_NOT_FILEABLE", "INVALID_REQUEST"
EVENT_CASES = [
    Case(
        "a newer client",
        "FileRequest",
        from_the_future(FILING, "request"),
        "UNKNOWN_FIELD",
        ["request.999"],
    ),
    noding("a node below nothing", "node.parent", "nodes/gone", "PARENT_UNKNOWN", "node.parent"),
    noding("a node backwards", "node.validity.end_date", "2025-11-06", "BAD_VALIDITY", "node.validity.end_date"),
    noding("the 31st", "node.validity.start_date", "2025-11-31", "MALFORMED_VALUE", "node.validity.start_date"),
    noding("a seat abroad", "node.seat", a_point(48.1, 11.5), "OUTSIDE_COUNTRY", "node.seat"),
    noding("a node that is there", "node_id", "city", "NODE_EXISTS"),
    noding("no kind", "node.kind", 0, _BAD, "node.kind"),
    placing("GCJ-02", "venue.point", a_point(31.9, 108.6, common.DATUM_GCJ02), "WRONG_DATUM", "venue.point"),
    placing("abroad", "venue.point", a_point(48.1, 11.5), "OUTSIDE_COUNTRY", "venue.point"),
    placing("swapped", "venue.point", a_point(80.0, 31.9), "SWAPPED_COORDINATES", "venue.point"),
    placing("in no node", "venue.node", "nodes/gone", "VENUE_NODE_UNKNOWN", "venue.node"),
    placing("no number", "venue.last_mile_km", NAN, _BAD, "venue.last_mile_km"),
    placing("holding nobody", "venue.capacity", 0, _BAD, "venue.capacity"),
    placing("long notes", "venue.access_notes", "长" * 501, _BAD, "venue.access_notes"),
    placing("NUL", "venue.facilities", ["a\0b"], _BAD, "venue.facilities[0]"),
    placing("another body", "request_id", "used", "REQUEST_ID_REUSED"),
    filing("nowhere", "request.venue", "venues/gone", "VENUE_UNKNOWN", "request.venue"),
    filing("a long title", "request.title", "长" * 121, _BAD, "request.title"),
    filing("long notes", "request.notes", "长" * 1001, _BAD, "request.notes"),
    filing("NUL in personal data", "request.host", "李\0", _BAD, "request.host"),
    filing("nobody listens", "request.audience_size", 0, _BAD, "request.audience_size"),
    filing("an unknown topic", "request.topic", "astrology", "UNKNOWN_TOPIC", "request.topic"),
    filing("a talk that is no name", "request.talk", "nonsense", _BAD, "request.talk"),
    filing(
        *("a seat on another topic", "request.seats", [events.Seat(), events.Seat(topic="tea_silk")]),
        *(_NOT, "request.seats[1].topic"),
    ),
    filing("a team of thirteen", "request.seats", [events.Seat(count=12), events.Seat()], _NOT, "request.seats"),
    filing("only nobody", "request.named_only", True, _NOT, "request.named_expert"),
    filing("no window", "request.windows", [], _BAD, "request.windows"),
    filing("a window shorter than the talk", "request.windows", [period(NEXT_WEEK, 0.9)], _NOT, "request.windows[0]"),
    filing("a window backwards", "request.windows", [period(NEXT_WEEK, -3)], _BAD, "request.windows[0]"),
    filing("a window of the past", "request.windows", [period(AT - timedelta(days=3), 3)], _NOT, "request.windows[0]"),
    filing("tomorrow", "request.windows", [period(AT + timedelta(days=1), 3)], _NOT, "request.windows[0]"),
    filing(
        *("windows that overlap", "request.windows"),
        [period(NEXT_WEEK, 3), period(NEXT_WEEK + timedelta(hours=2), 3)],
        *(_NOT, "request.windows[1]"),
    ),
    filing("a request that is there", "id", "old", "REQUEST_EXISTS"),
    filing("another body", "request_id", "used", "REQUEST_ID_REUSED"),
    editing("an old etag", "ETAG_MISMATCH", [], "title", title="新", etag="old"),
    editing("no such field", "BAD_UPDATE_MASK", ["update_mask.price"], "price"),
    editing("not theirs", "BAD_UPDATE_MASK", ["update_mask.state"], "state"),
    editing("emptied", _BAD, ["request.title"], "title"),
    editing("made too long", _NOT, ["request.windows[0]"], "duration_min", duration_min=300),
    editing("moved to nowhere", "VENUE_UNKNOWN", ["request.venue"], "venue", venue="venues/gone"),
    Case(
        "returned without a reason",
        "ReturnRequest",
        events.ReturnRequestRequest(name="requests/old"),
        _BAD,
        ["reason"],
    ),
    Case(
        "endorsed by an old etag",
        "EndorseRequest",
        events.EndorseRequestRequest(name="requests/old", etag="old"),
        "ETAG_MISMATCH",
    ),
    Case(
        "a series whose third is wrong",
        "CreateSeries",
        events.CreateSeriesRequest(
            series=events.Series(title="示例", venue="venues/hall", spacing_days=7),
            requests=[
                FILING.request,
                changed(FILING.request, put("duration_min", 300)),
                FILING.request,
            ],
        ),
        _NOT,
        ["requests[1].windows[0]"],
    ),
    Case(
        "ids for some",
        "CreateSeries",
        events.CreateSeriesRequest(
            series=events.Series(title="示例", venue="venues/hall", spacing_days=7),
            requests=[FILING.request] * 2,
            ids=["one"],
        ),
        "SERIES_IDS_MISSING",
        ["ids"],
    ),
    Case(
        "a node ended before it began",
        "EndNode",
        events.EndNodeRequest(name="nodes/city", end_date="2025-11-06"),
        "BAD_VALIDITY",
        ["end_date"],
    ),
    Case("a page of elsewhere", "ListRequests", events.ListRequestsRequest(page_token="AAAA"), "BAD_PAGE_TOKEN", ["page_token"]),
]  # fmt: skip


async def test_the_events_service_refuses_bad_input_whole(fresh_database: str) -> None:
    async with (
        events_service(fresh_database, FixedClock(AT)) as (address, pool),
        calling(address, events_grpc.EventsServiceStub, Role.CITY_COORDINATOR) as stub,
    ):
        city = changed(NODE, put("node_id", "city"))
        await stub.CreateNode(changed(city, put("node.parent", "")))
        hall = changed(VENUE, put("venue_id", "hall"))
        await stub.CreateVenue(changed(hall, put("request_id", "used")))
        await stub.FileRequest(changed(FILING, put("id", "old")))
        assert await faults(stub, pool, EVENT_CASES) == ""


# scheduling

OPENING = scheduling.OpenRoundRequest(
    round_id="new",
    round=scheduling.Round(
        title="示例 秋季",
        horizon=common.DatePeriod(start_date="2026-12-07", end_date="2026-12-21"),
    ),
)
PINNING = scheduling.AddPinRequest(
    round="rounds/old", pin=scheduling.Pin(request="requests/r1", expert="experts/ann")
)


def opening(label: str, path: str, value: object, reason: str, *paths: str) -> Case:
    return Case(label, "OpenRound", changed(OPENING, put(path, value)), reason, paths)


SCHEDULING_CASES = [
    Case(
        "a newer client",
        "OpenRound",
        from_the_future(OPENING, "round"),
        "UNKNOWN_FIELD",
        ["round.999"],
    ),
    opening("no title", "round.title", "", _BAD, "round.title"),
    opening("a long title", "round.title", "长" * 81, _BAD, "round.title"),
    opening("NUL", "round.programmes", ["a\0"], _BAD, "round.programmes[0]"),
    opening("backwards", "round.horizon.end_date", "2026-12-07", "HORIZON_OUT_OF_RANGE", "round.horizon.end_date"),
    opening("57 days", "round.horizon.end_date", "2027-02-02", "HORIZON_OUT_OF_RANGE", "round.horizon.end_date"),
    opening("no such day", "round.horizon.end_date", "2026-12-32", "MALFORMED_VALUE", "round.horizon.end_date"),
    opening("an unknown policy", "round.policy", "policies/none", "POLICY_NOT_FOUND"),
    opening("an unknown node", "round.nodes", ["nodes/gone"], "ROUND_NODE_UNKNOWN", "round.nodes[0]"),
    opening("a round that is there", "round_id", "old", "ROUND_EXISTS"),
    opening("another body", "request_id", "used", "REQUEST_ID_REUSED"),
    Case("an old etag", "FreezeRound", scheduling.FreezeRoundRequest(name="rounds/old", etag="old"), "ETAG_MISMATCH"),
    Case("an old etag of a pin", "AddPin", changed(PINNING, put("etag", "old")), "ETAG_MISMATCH"),
    Case("a seat below none", "AddPin", changed(PINNING, put("pin.seat", -1)), _BAD, ["pin.seat"]),
    Case("a pin of nobody", "AddPin", changed(PINNING, put("pin.expert", "")), _BAD, ["pin.expert"]),
    Case("solved while open", "StartRun", scheduling.StartRunRequest(round="rounds/old"), "ROUND_IN_WRONG_STATE"),
    Case("an hour too long", "StartRun", scheduling.StartRunRequest(round="rounds/old", seconds=3601), _BAD, ["seconds"]),
    Case("published while open", "PublishRound", scheduling.PublishRoundRequest(name="rounds/old"), "PLAN_NOT_CHOSEN"),
    Case("repaired for no reason", "RepairRound", scheduling.RepairRoundRequest(name="rounds/old", lost=["assignments/a"]), _BAD, ["reason"]),
    Case("nobody's round", "FreezeRound", scheduling.FreezeRoundRequest(name="rounds/gone"), "ROUND_NOT_FOUND"),
    Case("a page of elsewhere", "ListRounds", scheduling.ListRoundsRequest(page_token="AAAA"), "BAD_PAGE_TOKEN", ["page_token"]),
]  # fmt: skip


async def test_the_scheduling_service_refuses_bad_input_whole(fresh_database: str) -> None:
    async with (
        scheduling_service(fresh_database, FixedClock(AT)) as (address, pool),
        calling(address, scheduling_grpc.SchedulingServiceStub, Role.CITY_COORDINATOR) as stub,
    ):
        async with scheduling_transaction(pool) as tx:
            await world.settle(
                tx, world.expert("experts/ann"), world.request("requests/r1", world.NEAR_HALL)
            )
        old = changed(OPENING, put("round_id", "old"))
        await stub.OpenRound(changed(old, put("request_id", "used")))
        assert await faults(stub, pool, SCHEDULING_CASES) == ""


async def test_nobody_leads_with_a_talk_half_reviewed_or_after_their_term(
    fresh_database: str,
) -> None:
    """Facts may say so; validation tells the coordinator, and the round cannot serve it."""
    ready = world.expert("experts/ready")
    half = dataclasses.replace(
        ready.talks[0].versions[0], reviews=ready.talks[0].versions[0].reviews[:1]
    )
    unread = dataclasses.replace(ready.talks[0], versions=(half,))
    term = inputs.Membership(world.POOL, inputs.DatePeriod(date(2024, 1, 1), world.FIRST_DAY))
    async with (
        scheduling_service(fresh_database, FixedClock(AT)) as (address, pool),
        calling(address, scheduling_grpc.SchedulingServiceStub, Role.CITY_COORDINATOR) as stub,
    ):
        async with scheduling_transaction(pool) as tx:
            await world.settle(
                tx,
                world.expert("experts/unread", talks=(unread,)),
                world.expert("experts/over", memberships=(term,)),
                world.request("requests/r1", world.NEAR_HALL),
            )
        await stub.OpenRound(changed(OPENING, put("round_id", "old")))
        answer = await stub.ValidateRound(scheduling.ValidateRoundRequest(name="rounds/old"))
        told = {(one.code, one.subject) for one in answer.findings}
        assert ("TALK_NOT_REVIEWED", "experts/unread") in told
        assert answer.experts_count == 1, "who is in no pool on any day is not matched"


# the web edge


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with identity_provider() as address:
        yield address


ASKED = {"request": {"venue": "venues/hall", "title": "示例", "duration_min": 60}}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({**ASKED, "price": 3}, "body.price"),
        ({"request": {**ASKED["request"], "price": 3}}, "body.request.price"),
        ({"request": {**ASKED["request"], "seats": [{"shoe": 1}]}}, "body.request.seats.0.shoe"),
        ({"request": {**ASKED["request"], "title": "长" * 121}}, "body.request.title"),
        ({"request": {**ASKED["request"], "group": "ROBOTS"}}, "body.request.group"),
        (ASKED, "request.group"),
    ],
)
async def test_the_web_edge_refuses_what_it_does_not_know(
    fresh_database: str, issuer: str, body: dict[str, Any], field: str
) -> None:
    async with events_service(fresh_database, FixedClock(AT)) as (address, pool):
        before = await dump(pool)
        async with edge(issuer, events_address=address) as web, browser(web) as visitor:
            headers = {"Idempotency-Key": "k" * 12, **await sign_in(visitor, "city")}
            answer = await visitor.post("/api/requests", json=body, headers=headers)
        assert answer.status_code in {400, 422}, answer.text
        assert field in answer.text
        assert await dump(pool) == before


# the command


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["request", "file", "--venue", "hall", "--price", "3"], "--price"),
        (["request", "file", "--venue", "hall", "--audience", "十"], "不是整数"),
        (["request", "file", "--venue", "hall", "--topic", "占星"], "没有主题"),
        (["request", "file", "--venue", "hall", "--window", "2026-12-14 16:00-14:00"], "早于开始"),
        (["import", "{prices}", "--kind", "requests"], "价格"),
        (["import", "{gone}", "--kind", "venues"], "没有这个文件"),
        (["import", "{prices}", "--kind", "prices"], "prices"),
    ],
)
def test_the_command_refuses_bad_input_before_it_calls_anybody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.setenv("ZHIHUI_HOME", str(tmp_path))
    (tmp_path / "prices.csv").write_text("标题,价格\n示例,3\n", encoding="utf-8")
    named = {"prices": tmp_path / "prices.csv", "gone": tmp_path / "gone.csv"}
    told = [argument.format(**named) for argument in arguments]
    done = CliRunner().invoke(app, ["--json", "--events", "127.0.0.1:1", *told])
    assert done.exit_code == 2, done.output
    assert said in done.output
