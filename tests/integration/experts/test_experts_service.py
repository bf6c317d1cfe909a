"""The experts service from its callers' side: what it keeps, what it refuses, what it announces."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from grpc import aio
from zhihui.common.v1 import common_pb2 as common
from zhihui.events.v1 import events_pb2
from zhihui.events.v1 import facts_pb2 as event_facts
from zhihui.experts.v1 import experts_pb2 as pb
from zhihui.experts.v1 import experts_pb2_grpc as pb_grpc
from zhihui.experts.v1 import facts_pb2

from libs.auth.principal import Role
from libs.errors import Refusal
from libs.postgres.migrate import migrate
from libs.postgres.pool import Pool, create_pool
from libs.rpc.status import refusal_from
from services.experts.__main__ import MIGRATIONS
from services.experts.adapters.postgres import transaction
from services.experts.adapters.projections import PostgresProjections
from services.experts.api.consumer import handlers
from services.experts.api.servicer import ExpertsServicer
from services.experts.handlers.talk import announce_expired
from services.experts.settings import Settings
from tests.support.clock import FixedClock
from tests.support.serving import calling, served, settings_for

pytestmark = pytest.mark.postgres
AT = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


@pytest.fixture
async def pool(fresh_database: str) -> AsyncIterator[Pool]:
    migrate(fresh_database, MIGRATIONS, schema="experts", role="experts")
    async with create_pool(Settings(**settings_for(fresh_database, "experts"))) as pool:
        yield pool


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(AT)


@pytest.fixture
async def address(pool: Pool, fresh_database: str, clock: FixedClock) -> AsyncIterator[str]:
    servicer = ExpertsServicer(transaction=lambda: transaction(pool), clock=clock)
    async with served(
        Settings(**settings_for(fresh_database, "experts")),
        pb_grpc.add_ExpertsServiceServicer_to_server,
        servicer,
        pb.DESCRIPTOR,
    ) as address:
        yield address


@pytest.fixture
async def city(address: str) -> AsyncIterator[Any]:
    """The city's coordinator."""
    async with calling(address, pb_grpc.ExpertsServiceStub, Role.CITY_COORDINATOR) as stub:
        yield stub


async def refused(call: Any) -> Refusal:
    with pytest.raises(aio.AioRpcError) as raised:
        await call
    refusal = refusal_from(raised.value)
    assert refusal is not None, raised.value
    return refusal


def paths(refusal: Any) -> list[str]:
    return [violation.path for violation in refusal.violations]


def an_expert(**others: Any) -> pb.Expert:
    values: dict[str, Any] = {
        "display_name": "示例 王教授",
        "role": common.ROLE_LECTURER,
        "home_node": "nodes/500229",
        "skills": [pb.Skill(topic="ai", proficiency=3)],
        "audiences": [common.AUDIENCE_GROUP_YOUTH],
        "forms": [common.FORM_LECTURE],
        "levels": [common.LANGUAGE_LEVEL_JUNIOR],
        "limits": pb.Limits(
            per_day=2,
            per_week=5,
            per_round=10,
            travel_min_per_day=240,
            nights_away=1,
            rest_days_per_week=1,
            earliest_min=7 * 60,
            latest_min=20 * 60,
        ),
        "memberships": [
            pb.Membership(
                pool="pools/corps",
                term=common.DatePeriod(start_date="2026-01-01", end_date="2028-01-01"),
            )
        ],
    }
    return pb.Expert(**(values | others))


def registering(expert_id: str = "wang", **others: Any) -> pb.RegisterExpertRequest:
    home = others.pop("home", common.Point(latitude=31.9475, longitude=108.6642))
    return pb.RegisterExpertRequest(
        expert_id=expert_id,
        expert=an_expert(**others),
        personal_data=pb.PersonalData(phone="13800000000", home=home),
    )


def a_period(start: datetime, hours: float) -> common.Period:
    period = common.Period()
    period.start_time.FromDatetime(start)
    period.end_time.FromDatetime(start + timedelta(hours=hours))
    return period


def a_talk() -> pb.Talk:
    return pb.Talk(
        title="人工智能就在身边",
        topic="ai",
        form=common.FORM_LECTURE,
        duration_min=60,
        audiences=[common.AUDIENCE_GROUP_YOUTH],
        levels=[common.LANGUAGE_LEVEL_JUNIOR],
    )


def a_review(kind: pb.ReviewKind.ValueType, reviewer: str, **others: Any) -> pb.Review:
    values = {
        "kind": kind,
        "reviewer": reviewer,
        "passed": True,
        "audiences": [common.AUDIENCE_GROUP_YOUTH],
        "expire_date": "2027-11-01",
    }
    return pb.Review(**(values | others))


async def announced(pool: Pool) -> list[tuple[str, str, int]]:
    rows = await pool.fetch("SELECT type, key, version FROM outbox ORDER BY position")
    return [(row["type"].rpartition(".")[2], row["key"], row["version"]) for row in rows]


async def last_state(pool: Pool) -> facts_pb2.ExpertState:
    payload = await pool.fetchval("SELECT payload FROM outbox ORDER BY position DESC LIMIT 1")
    return facts_pb2.ExpertChanged.FromString(payload).state


async def test_a_registered_expert_is_announced_without_personal_data(
    city: Any, pool: Pool
) -> None:
    answer = await city.RegisterExpert(registering())
    assert answer.expert.name == "experts/wang"
    assert (answer.expert.home_area.latitude, answer.expert.home_area.longitude) == (31.95, 108.67)
    assert await announced(pool) == [("ExpertRegistered", "experts/wang", 1)]
    payload = await pool.fetchval("SELECT payload FROM outbox")
    assert b"13800000000" not in payload
    assert facts_pb2.ExpertRegistered.FromString(payload).state.expert.display_name == "示例 王教授"
    assert (await city.GetExpert(pb.GetExpertRequest(name="experts/wang"))).expert == answer.expert


async def test_a_repeated_call_is_answered_again_and_not_done_again(city: Any, pool: Pool) -> None:
    request = registering("")
    request.request_id = "once"
    first = await city.RegisterExpert(request)
    assert await city.RegisterExpert(request) == first
    assert len(await announced(pool)) == 1
    request.expert.cost_yuan = 5
    assert (await refused(city.RegisterExpert(request))).reason == "REQUEST_ID_REUSED"


@pytest.mark.parametrize(
    ("others", "reason", "path"),
    [
        (
            {"skills": [pb.Skill(topic="ia", proficiency=1)]},
            "UNKNOWN_TOPIC",
            "expert.skills[0].topic",
        ),
        (
            {"skills": [pb.Skill(topic="ai", proficiency=1), pb.Skill(topic="ai", proficiency=2)]},
            "SKILL_TWICE",
            "expert.skills[1].topic",
        ),
        ({"display_name": "长" * 41}, "INVALID_REQUEST", "expert.display_name"),
        ({"role": 0}, "INVALID_REQUEST", "expert.role"),
        (
            {"clearances": [common.DatePeriod(start_date="2026-02-31")]},
            "MALFORMED_VALUE",
            "expert.clearances[0].start_date",
        ),
        (
            {"clearances": [common.DatePeriod(start_date="2026-03-01", end_date="2026-03-01")]},
            "ENDS_BEFORE_START",
            "expert.clearances[0].end_date",
        ),
        (
            {"home": common.Point(latitude=48.1, longitude=11.5)},
            "OUTSIDE_COUNTRY",
            "personal_data.home",
        ),
        (
            {"home": common.Point(latitude=106.5, longitude=29.5)},
            "INVALID_REQUEST",
            "personal_data.home.latitude",
        ),
        (
            {"home": common.Point(latitude=29.5, longitude=106.5, datum=common.DATUM_GCJ02)},
            "WRONG_DATUM",
            "personal_data.home",
        ),
    ],
)
async def test_bad_input_is_refused_with_its_path_and_leaves_nothing(
    city: Any, pool: Pool, others: dict[str, Any], reason: str, path: str
) -> None:
    refusal = await refused(city.RegisterExpert(registering(**others)))
    assert (refusal.reason, paths(refusal)) == (reason, [path])
    assert await announced(pool) == []
    assert await pool.fetchval("SELECT count(*) FROM experts") == 0


async def test_limits_that_contradict_each_other_are_refused(city: Any) -> None:
    request = registering()
    request.expert.limits.per_week = 1
    request.expert.limits.latest_min = 7 * 60
    refusal = await refused(city.RegisterExpert(request))
    assert paths(refusal) == ["expert.limits.latest_min", "expert.limits.per_day"]


async def test_only_the_masked_fields_change_and_only_for_who_has_read(
    city: Any, pool: Pool
) -> None:
    before = (await city.RegisterExpert(registering())).expert
    patch = pb.Expert(
        name="experts/wang", cost_yuan=300, display_name="示例 别人", etag=before.etag
    )
    request = pb.UpdateExpertRequest(expert=patch)
    request.update_mask.paths.append("cost_yuan")
    after = (await city.UpdateExpert(request)).expert
    assert (after.cost_yuan, after.display_name, after.version) == (300, "示例 王教授", 2)
    assert (await refused(city.UpdateExpert(request))).reason == "ETAG_MISMATCH"
    request.expert.etag = after.etag
    assert (await city.UpdateExpert(request)).expert == after  # changes nothing, announces nothing
    assert [name for name, _, _ in await announced(pool)] == ["ExpertRegistered", "ExpertChanged"]


async def test_free_windows_replace_those_of_their_period(city: Any, pool: Pool) -> None:
    await city.RegisterExpert(registering())
    week = a_period(AT, 24 * 7)
    windows = [a_period(AT, 4), a_period(AT + timedelta(days=1), 4)]
    answer = await city.SetAvailability(
        pb.SetAvailabilityRequest(expert="experts/wang", period=week, windows=windows)
    )
    assert list(answer.windows) == windows
    second_day = a_period(AT + timedelta(days=1), 20)
    answer = await city.SetAvailability(
        pb.SetAvailabilityRequest(expert="experts/wang", period=second_day, windows=[])
    )
    whole = await city.GetAvailability(
        pb.GetAvailabilityRequest(expert="experts/wang", period=week)
    )
    assert list(whole.windows) == windows[:1]
    assert list((await last_state(pool)).availability) == windows[:1]
    assert [version for _, _, version in await announced(pool)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("windows", "reason", "path"),
    [
        ([(0, 4), (3.5, 2)], "WINDOWS_OVERLAP", "windows[1]"),
        ([(10, 6)], "WINDOW_NOT_ONE_DAY", "windows[0].end_time"),
        ([(-1, 2)], "WINDOW_OUTSIDE", "windows[0]"),
        ([(4, -1)], "INVALID_REQUEST", "windows[0]"),
    ],
)
async def test_bad_windows_are_refused(
    city: Any, windows: list[tuple[float, float]], reason: str, path: str
) -> None:
    await city.RegisterExpert(registering())
    given = [a_period(AT + timedelta(hours=start), hours) for start, hours in windows]
    refusal = await refused(
        city.SetAvailability(
            pb.SetAvailabilityRequest(expert="experts/wang", period=a_period(AT, 48), windows=given)
        )
    )
    assert (refusal.reason, paths(refusal)) == (reason, [path])


async def test_a_talk_needs_two_reviews_by_two_people(city: Any, pool: Pool) -> None:
    await city.RegisterExpert(registering())
    talk = (
        await city.CreateTalk(
            pb.CreateTalkRequest(
                parent="experts/wang", talk_id="ai", talk=a_talk(), abstract="示例"
            )
        )
    ).talk

    def review(kind: pb.ReviewKind.ValueType, reviewer: str) -> Any:
        return city.ReviewTalkVersion(
            pb.ReviewTalkVersionRequest(talk=talk.name, number=1, review=a_review(kind, reviewer))
        )

    await review(pb.REVIEW_KIND_POLITICAL, "rev-1")
    refusal = await refused(review(pb.REVIEW_KIND_SCIENTIFIC, "rev-1"))
    assert refusal.reason == "REVIEWERS_NOT_INDEPENDENT"
    listing = pb.ListTalksRequest(
        parent="experts/-", topic="ai", approved_for=common.AUDIENCE_GROUP_YOUTH
    )
    assert not (await city.ListTalks(listing)).talks
    await review(pb.REVIEW_KIND_SCIENTIFIC, "rev-2")
    assert (await announced(pool))[-1][0] == "TalkApproved"
    assert [one.name for one in (await city.ListTalks(listing)).talks] == [talk.name]
    await review(pb.REVIEW_KIND_SCIENTIFIC, "rev-2")  # the very same again
    assert (await announced(pool))[-1][2] == 4


async def test_an_approval_that_runs_out_is_announced_once(
    city: Any, pool: Pool, clock: FixedClock
) -> None:
    await city.RegisterExpert(registering())
    await city.CreateTalk(
        pb.CreateTalkRequest(parent="experts/wang", talk_id="ai", talk=a_talk(), abstract="示例")
    )
    for kind, reviewer in ((pb.REVIEW_KIND_POLITICAL, "a"), (pb.REVIEW_KIND_SCIENTIFIC, "b")):
        await city.ReviewTalkVersion(
            pb.ReviewTalkVersionRequest(
                talk="experts/wang/talks/ai", number=1, review=a_review(kind, reviewer)
            )
        )
    for day, looked_at in ((date(2027, 10, 31), 0), (date(2027, 11, 1), 1), (date(2027, 11, 2), 0)):
        at = datetime(day.year, day.month, day.day, 4, tzinfo=UTC)
        async with transaction(pool) as tx:
            assert await announce_expired(tx, now=at) == looked_at
    assert (await announced(pool))[-1][0] == "TalkExpired"


async def test_a_withdrawn_expert_is_forgotten(city: Any, pool: Pool) -> None:
    await city.RegisterExpert(registering())
    for _ in range(2):
        answer = await city.WithdrawExpert(pb.WithdrawExpertRequest(name="experts/wang"))
        assert answer.expert.state == pb.Expert.STATE_WITHDRAWN
    assert await announced(pool) == [
        ("ExpertRegistered", "experts/wang", 1),
        ("tombstone", "experts/wang", 2),
    ]
    assert await pool.fetchval("SELECT count(*) FROM personal_data") == 0
    request = pb.GetPersonalDataRequest(name="experts/wang/personalData")
    assert (await refused(city.GetPersonalData(request))).reason == "EXPERT_NOT_FOUND"


async def test_the_contact_is_released_with_a_published_event(
    address: str, city: Any, pool: Pool, clock: FixedClock
) -> None:
    await city.RegisterExpert(registering())
    request = pb.GetPersonalDataRequest(name="experts/wang/personalData")
    async with calling(
        address, pb_grpc.ExpertsServiceStub, Role.VENUE_STAFF, nodes=("nodes/school",)
    ) as teacher:
        assert (await refused(teacher.GetPersonalData(request))).reason == "CONTACT_NOT_RELEASED"
        event = events_pb2.Event(
            name="events/e",
            state=events_pb2.Event.STATE_PUBLISHED,
            team=[events_pb2.TeamMember(assignment="assignments/a", expert="experts/wang")],
            node_path=["nodes/school", "nodes/500229"],
            period=a_period(AT, 1),
        )
        await learned(pool, clock, event)
        contact = (await teacher.GetPersonalData(request)).personal_data
        assert (contact.phone, contact.HasField("home")) == ("13800000000", False)
        event.state = events_pb2.Event.STATE_CANCELLED
        await learned(pool, clock, event)
        assert (await refused(teacher.GetPersonalData(request))).reason == "CONTACT_NOT_RELEASED"


async def learned(pool: Pool, clock: FixedClock, event: events_pb2.Event) -> None:
    """Let the consumer's handler have a fact about `event`."""
    from libs.ids import new_uuid
    from libs.messaging.kafka import Received

    fact = Received(
        topic="events.event.v1",
        partition=0,
        offset=0,
        message_id=new_uuid(),
        source="events",
        type="zhihui.events.v1.EventChanged",
        key=event.name,
        version=1,
        occurred_at=AT,
        traceparent=None,
        payload=event_facts.EventChanged(event=event).SerializeToString(),
    )
    table = handlers(PostgresProjections, clock=clock)
    async with pool.acquire() as connection, connection.transaction():
        await table[fact.type](connection, fact)


async def test_hours_count_once_and_only_when_delivered(
    city: Any, pool: Pool, clock: FixedClock
) -> None:
    await city.RegisterExpert(registering())
    event = events_pb2.Event(
        name="events/e",
        state=events_pb2.Event.STATE_PUBLISHED,
        team=[events_pb2.TeamMember(assignment="assignments/a", expert="experts/wang")],
        period=a_period(AT, 1.5),
    )
    listing = pb.ListServiceRecordsRequest(parent="experts/wang")
    await learned(pool, clock, event)
    assert not (await city.ListServiceRecords(listing)).records
    event.state = events_pb2.Event.STATE_DELIVERED
    await learned(pool, clock, event)
    event.period.CopyFrom(a_period(AT, 2))
    await learned(pool, clock, event)
    (record,) = (await city.ListServiceRecords(listing)).records
    assert (record.assignment, record.minutes) == ("assignments/a", 120)


async def test_a_coordinator_of_another_district_may_not_change_an_expert(
    address: str, city: Any
) -> None:
    await city.CreatePool(
        pb.CreatePoolRequest(
            pool_id="corps", pool=pb.Pool(display_name="示例讲师团", owner="nodes/society")
        )
    )
    await city.RegisterExpert(registering())
    request = pb.UpdateExpertRequest(expert=pb.Expert(name="experts/wang", cost_yuan=1))
    request.update_mask.paths.append("cost_yuan")
    for node, allowed in (("nodes/500101", False), ("nodes/500229", True), ("nodes/society", True)):
        async with calling(
            address, pb_grpc.ExpertsServiceStub, Role.DISTRICT_COORDINATOR, nodes=(node,)
        ) as stub:
            if allowed:
                await stub.UpdateExpert(request)
            else:
                assert (await refused(stub.UpdateExpert(request))).reason == "OUTSIDE_OF_SCOPE"


async def test_an_expert_changes_only_what_is_their_own(address: str, city: Any) -> None:
    await city.RegisterExpert(registering("wang"))
    await city.RegisterExpert(registering("li"))
    request = pb.SetAvailabilityRequest(expert="experts/wang", period=a_period(AT, 24))
    async with (
        calling(address, pb_grpc.ExpertsServiceStub, Role.EXPERT, expert="li") as li,
        calling(address, pb_grpc.ExpertsServiceStub, Role.EXPERT, expert="wang") as wang,
    ):
        assert (await refused(li.SetAvailability(request))).reason == "OUTSIDE_OF_SCOPE"
        await wang.SetAvailability(request)


async def test_lists_are_paged_and_filtered(city: Any) -> None:
    for n in range(5):
        await city.RegisterExpert(registering(f"e{n}"))
    await city.RegisterExpert(registering("v", role=common.ROLE_VOLUNTEER))
    names, token = [], ""
    while True:
        page = await city.ListExperts(
            pb.ListExpertsRequest(page_size=2, page_token=token, role=common.ROLE_LECTURER)
        )
        names += [expert.name for expert in page.experts]
        token = page.next_page_token
        if not token:
            break
    assert names == [f"experts/e{n}" for n in range(5)]


async def test_an_agreement_lets_a_node_use_a_pool_until_it_ends(city: Any, pool: Pool) -> None:
    await city.CreatePool(
        pb.CreatePoolRequest(
            pool_id="corps", pool=pb.Pool(display_name="示例讲师团", owner="nodes/society")
        )
    )
    request = pb.CreateSharingAgreementRequest(
        parent="pools/corps",
        agreement_id="a",
        agreement=pb.SharingAgreement(
            node="nodes/500229",
            quota=10,
            term=common.DatePeriod(start_date="2026-01-01", end_date="2027-01-01"),
        ),
    )
    await city.CreateSharingAgreement(request)
    assert (await refused(city.CreateSharingAgreement(request))).reason == "AGREEMENT_EXISTS"
    ending = pb.EndSharingAgreementRequest(name="pools/corps/agreements/a", end_date="2026-06-30")
    for _ in range(2):
        ended = (await city.EndSharingAgreement(ending)).pool
    assert ended.agreements[0].term.end_date == "2026-06-30"
    assert await announced(pool) == [("PoolChanged", "pools/corps", n) for n in (1, 2, 3)]


async def test_two_changes_at_once_both_count(city: Any, pool: Pool) -> None:
    await city.RegisterExpert(registering())

    def changing(field: str, value: int) -> Any:
        request = pb.UpdateExpertRequest(expert=pb.Expert(name="experts/wang", **{field: value}))
        request.update_mask.paths.append(field)
        return city.UpdateExpert(request)

    await asyncio.gather(changing("cost_yuan", 7), changing("standby_per_day", 2))
    expert = (await city.GetExpert(pb.GetExpertRequest(name="experts/wang"))).expert
    assert (expert.cost_yuan, expert.standby_per_day, expert.version) == (7, 2, 3)
