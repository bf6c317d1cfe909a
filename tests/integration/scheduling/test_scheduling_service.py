"""The scheduling service from its callers' side: a round from opening to closing, with real runs, promises and facts."""

import asyncio
import dataclasses
import hashlib
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from grpc import aio
from zhihui.common.v1 import common_pb2 as common
from zhihui.events.v1 import events_pb2
from zhihui.events.v1 import facts_pb2 as events_facts
from zhihui.scheduling.v1 import facts_pb2
from zhihui.scheduling.v1 import scheduling_pb2 as pb
from zhihui.scheduling.v1 import scheduling_pb2_grpc as pb_grpc

from libs.auth.principal import Role
from libs.geo.travel import ModelledTravel
from libs.ids import new_uuid
from libs.messaging.consumer import tombstone
from libs.messaging.kafka import Received
from libs.postgres.migrate import migrate
from libs.postgres.pool import Pool, create_pool
from libs.rpc.status import RemoteRefusal, refusal_from
from services.scheduling.__main__ import MIGRATIONS
from services.scheduling.adapters.transaction import joined, transaction
from services.scheduling.api.consumer import handlers
from services.scheduling.api.servicer import SchedulingServicer
from services.scheduling.api.worker import Worker
from services.scheduling.domain.assignment import Assignment, ExpertAlreadyBooked, State
from services.scheduling.domain.inputs import RequestState
from services.scheduling.domain.inputs import Role as ServingRole
from services.scheduling.domain.run import LeaseLost
from services.scheduling.handlers.frozen import Inputs
from services.scheduling.handlers.windows import Feasible
from services.scheduling.settings import Settings
from tests.support import auditing, world
from tests.support.clock import FixedClock
from tests.support.serving import calling, served, settings_for

pytestmark = pytest.mark.postgres
AT = world.at(-7, 9).astimezone(UTC)
ROUND = "rounds/autumn"
_Stub: Any = pb_grpc.SchedulingServiceStub


@pytest.fixture
async def pool(fresh_database: str) -> AsyncIterator[Pool]:
    migrate(fresh_database, MIGRATIONS, schema="scheduling", role="scheduling")
    async with create_pool(Settings(**settings_for(fresh_database, "scheduling"))) as pool:
        yield pool


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(AT)


@pytest.fixture
async def address(pool: Pool, fresh_database: str, clock: FixedClock) -> AsyncIterator[str]:
    servicer = SchedulingServicer(
        transaction=lambda: transaction(pool),
        clock=clock,
        travel=ModelledTravel(),
        inputs=Inputs(),
        feasible=Feasible(travel=ModelledTravel(), fresh_s=0, monotonic_s=time.monotonic),
    )
    async with served(
        Settings(**settings_for(fresh_database, "scheduling")),
        pb_grpc.add_SchedulingServiceServicer_to_server,
        servicer,
        pb.DESCRIPTOR,
    ) as address:
        yield address


@pytest.fixture
async def city(address: str) -> AsyncIterator[Any]:
    async with calling(address, _Stub, Role.CITY_COORDINATOR, subject="city") as stub:
        yield stub


@pytest.fixture
def worker(pool: Pool, clock: FixedClock) -> Worker:
    return Worker(lambda: transaction(pool), clock=clock, inputs=Inputs(), lease_s=15)


@pytest.fixture
async def settled(pool: Pool) -> None:
    """Three people near, one far; requests of both districts, one of them for what nobody knows."""
    async with transaction(pool) as tx:
        await world.settle(
            tx,
            world.expert("experts/ann"),
            world.expert("experts/ben"),
            world.expert("experts/far", world.FAR_POINT),
            world.expert("experts/helper", role=ServingRole.VOLUNTEER, talks=()),
            world.request("requests/r1", world.NEAR_HALL, world.period(1, 9, 12)),
            world.request("requests/r2", world.NEAR_SCHOOL, world.period(1, 9, 12)),
            world.request("requests/r3", world.FAR_HALL, world.period(2, 14, 17)),
            world.request("requests/r4", world.NEAR_HALL, world.period(3, 9, 12), topic="fish"),
            world.request("requests/later", world.NEAR_HALL, world.period(30, 9, 12)),
            world.request("requests/late", world.NEAR_HALL, world.period(-3, 9, 12)),
            world.request("requests/draft", world.NEAR_HALL, state=RequestState.SUBMITTED),
        )


async def opened(city: Any, round_id: str = "autumn", **fields: Any) -> pb.Round:
    round = pb.Round(
        title="示例 秋季",
        horizon=common.DatePeriod(start_date="2026-12-07", end_date="2026-12-21"),
        **fields,
    )
    request = pb.OpenRoundRequest(round_id=round_id, round=round)
    response: pb.OpenRoundResponse = await city.OpenRound(request)
    return response.round


async def solved(city: Any, worker: Worker, pool: Pool, **fields: Any) -> pb.Run:
    """Ask for a run, let the worker do it, and watch it end."""
    run = (await city.StartRun(pb.StartRunRequest(round=ROUND, iterations=60, **fields))).run
    await work_once(worker, pool)
    return await ended(city, run.name)


async def work_once(worker: Worker, pool: Pool) -> None:
    async with transaction(pool) as tx:
        leased = await tx.runs.lease(seconds=15)
    assert leased is not None
    await worker.work(leased)


async def ended(city: Any, name: str) -> pb.Run:
    steps = [step async for step in city.WatchRun(pb.WatchRunRequest(name=name))]
    numbers = [step.progress.number for step in steps[:-1]]
    assert numbers == sorted(set(numbers))
    last: pb.WatchRunResponse = steps[-1]
    return last.run


async def proposed(city: Any, worker: Worker, pool: Pool, **fields: Any) -> pb.Round:
    await opened(city, **fields)
    await city.FreezeRound(pb.FreezeRoundRequest(name=ROUND))
    run = await solved(city, worker, pool)
    assert run.state == pb.Run.STATE_DONE, run.error
    response: pb.GetRoundResponse = await city.GetRound(pb.GetRoundRequest(name=ROUND))
    return response.round


async def refused(call: Any) -> RemoteRefusal:
    with pytest.raises(aio.AioRpcError) as caught:
        await call
    refusal = refusal_from(caught.value)
    assert refusal is not None, caught.value
    return refusal


async def facts_of(pool: Pool, kind: str, message: Any) -> list[Any]:
    rows = await pool.fetch(
        "SELECT payload FROM outbox WHERE type = $1 ORDER BY position",
        f"zhihui.scheduling.v1.{kind}",
    )
    return [message.FromString(row["payload"]) for row in rows]


async def test_from_opening_to_publication(
    city: Any, settled: None, worker: Worker, pool: Pool
) -> None:
    round = await opened(city)
    assert round.state == pb.Round.STATE_OPEN

    preview = await city.ValidateRound(pb.ValidateRoundRequest(name=ROUND))
    found = {(finding.code, finding.subject) for finding in preview.findings}
    assert preview.requests_count == 4
    assert preview.experts_count == 4
    assert ("NOBODY_ELIGIBLE", "requests/r4") in found
    assert ("LATER", "requests/later") in found
    assert ("OUTSIDE_HORIZON", "requests/late") in found
    assert ("NOT_ENDORSED", "requests/draft") in found

    frozen = (await city.FreezeRound(pb.FreezeRoundRequest(name=ROUND, etag=round.etag))).round
    assert frozen.state == pb.Round.STATE_FROZEN
    assert frozen.requests_count == 5  # the four, and the late one with its reason
    (fact,) = await facts_of(pool, "RoundFrozen", facts_pb2.RoundFrozen)
    assert list(fact.requests) == [f"requests/{name}" for name in ("late", "r1", "r2", "r3", "r4")]

    run = await solved(city, worker, pool)
    assert run.state == pb.Run.STATE_DONE, run.error
    plan = (await city.GetPlan(pb.GetPlanRequest(name=run.plan))).plan
    assert (plan.served, plan.unserved, plan.assignments) == (3, 2, 3)
    assert plan.inputs_hash == frozen.inputs_hash
    assert plan.baseline.served == 3
    assert len(plan.curve) >= 2
    need = next(stage for stage in plan.stages if stage.stage == pb.STAGE_NEED)
    assert need.bound >= need.value

    events = (await city.ListPlannedEvents(pb.ListPlannedEventsRequest(parent=run.plan))).events
    assert {event.request for event in events[:2]} == {"requests/r1", "requests/r2"}
    assert events[2].request == "requests/r3"
    assert events[2].team[0].expert == "experts/far"
    one_page = await city.ListPlannedEvents(
        pb.ListPlannedEventsRequest(parent=run.plan, page_size=2)
    )
    rest = await city.ListPlannedEvents(
        pb.ListPlannedEventsRequest(
            parent=run.plan, page_size=2, page_token=one_page.next_page_token
        )
    )
    assert [*one_page.events, *rest.events] == list(events)

    unserved = (await city.ListUnserved(pb.ListUnservedRequest(parent=run.plan))).unserved
    reasons = {one.request: one.why_not for one in unserved}
    assert reasons == {
        "requests/r4": pb.WHY_NOT_NOBODY_ELIGIBLE,
        "requests/late": pb.WHY_NOT_RULED_OUT,
    }
    why = await city.ExplainRequest(pb.ExplainRequestRequest(plan=run.plan, request="requests/r4"))
    assert why.unserved.message
    assert why.unserved.message_en
    served = await city.ExplainRequest(
        pb.ExplainRequestRequest(plan=run.plan, request="requests/r1")
    )
    assert served.planned.request == "requests/r1"
    assert served.seats[0].message

    verdict = await city.VerifyPlan(pb.VerifyPlanRequest(name=run.plan))
    assert verdict.sound, list(verdict.violations)
    assert verdict.inputs_hash == frozen.inputs_hash

    out = (await city.PublishRound(pb.PublishRoundRequest(name=ROUND, request_id="once"))).round
    again = (await city.PublishRound(pb.PublishRoundRequest(name=ROUND, request_id="once"))).round
    assert out == again
    assert out.state == pb.Round.STATE_PUBLISHED
    assert out.assignments_count == 3
    published = await facts_of(pool, "AssignmentPublished", facts_pb2.AssignmentPublished)
    decided = await facts_of(pool, "RequestDecided", facts_pb2.RequestDecided)
    (whole,) = await facts_of(pool, "RoundPublished", facts_pb2.RoundPublished)
    assert (whole.assignments, whole.decisions) == (len(published), len(decided)) == (3, 5)
    assert whole.hash == out.published_hash == hash_of([fact.assignment for fact in published])
    assert decided[0].version == 1
    team = {one.request: one.scheduled.team for one in decided}["requests/r1"]
    assert team[0].talk_title == "示例讲座 space"

    assert (await refused(city.PublishRound(pb.PublishRoundRequest(name=ROUND)))).reason == (
        "ROUND_IN_WRONG_STATE"
    )
    listed = (await city.ListAssignments(pb.ListAssignmentsRequest(round=ROUND))).assignments
    assert {one.state for one in listed} == {pb.Assignment.STATE_CONFIRMED}


def hash_of(assignments: Sequence[pb.Assignment]) -> str:
    """As docs/facts.md describes it, from the facts alone."""
    lines = sorted(
        f"{one.name} {one.request} {one.event} {one.expert} {one.seat} {one.period.start_time.seconds} "
        f"{one.period.end_time.seconds} {int(one.remote)}\n".encode()
        for one in assignments
    )
    return hashlib.sha256(b"".join(lines)).hexdigest()


async def test_nothing_waits(city: Any) -> None:
    await opened(city)
    refusal = await refused(city.FreezeRound(pb.FreezeRoundRequest(name=ROUND)))
    assert refusal.reason == "NOTHING_TO_FREEZE"


async def test_a_request_is_in_one_round_at_a_time(city: Any, settled: None) -> None:
    await opened(city)
    await opened(city, "other")
    await city.FreezeRound(pb.FreezeRoundRequest(name=ROUND))
    refusal = await refused(city.FreezeRound(pb.FreezeRoundRequest(name="rounds/other")))
    assert refusal.reason == "NOTHING_TO_FREEZE"
    await city.AbandonRound(pb.AbandonRoundRequest(name=ROUND))
    frozen = (await city.FreezeRound(pb.FreezeRoundRequest(name="rounds/other"))).round
    assert frozen.requests_count == 5


async def test_the_same_inputs_and_seed_give_the_same_plan(
    city: Any, settled: None, worker: Worker, pool: Pool
) -> None:
    await proposed(city, worker, pool)
    again = await solved(city, worker, pool)
    plans = (await city.ListPlans(pb.ListPlansRequest(parent=ROUND))).plans
    assert len(plans) == 2
    compared = await city.ComparePlans(
        pb.ComparePlansRequest(first=plans[0].name, second=plans[1].name)
    )
    assert not compared.only_first
    assert not compared.only_second
    assert not compared.changed
    certificates = {
        (await city.GetPlan(pb.GetPlanRequest(name=plan.name))).plan.certificate for plan in plans
    }
    assert len(certificates) == 1
    assert again.state == pb.Run.STATE_DONE


async def test_pins_hold_and_contradictions_are_refused(
    city: Any, settled: None, worker: Worker, pool: Pool
) -> None:
    await proposed(city, worker, pool)
    pin = pb.Pin(request="requests/r1", seat=0, expert="experts/ben")
    pin.start_time.FromDatetime(world.at(1, 10).astimezone(UTC))
    await city.AddPin(pb.AddPinRequest(round=ROUND, pin=pin))
    other = pb.Pin(request="requests/r1", seat=0, expert="experts/ann")
    refusal = await refused(city.AddPin(pb.AddPinRequest(round=ROUND, pin=other)))
    assert refusal.reason == "PIN_CONTRADICTS"

    run = await solved(city, worker, pool)
    events = (await city.ListPlannedEvents(pb.ListPlannedEventsRequest(parent=run.plan))).events
    (event,) = (one for one in events if one.request == "requests/r1")
    assert event.team[0].expert == "experts/ben"
    assert event.period.start_time == pin.start_time
    assert (await city.VerifyPlan(pb.VerifyPlanRequest(name=run.plan))).sound

    impossible = pb.Pin(request="requests/r2", seat=0, expert="experts/helper")
    await city.AddPin(pb.AddPinRequest(round=ROUND, pin=impossible))
    failed = await solved(city, worker, pool)
    assert failed.state == pb.Run.STATE_FAILED
    assert failed.error
    round = (await city.GetRound(pb.GetRoundRequest(name=ROUND))).round
    assert round.state == pb.Round.STATE_PROPOSED  # it keeps the plan it had
    assert round.plan == run.plan


async def test_a_dead_workers_run_is_taken_over_and_ends_once(
    city: Any, settled: None, worker: Worker, pool: Pool
) -> None:
    await opened(city)
    await city.FreezeRound(pb.FreezeRoundRequest(name=ROUND))
    run = (await city.StartRun(pb.StartRunRequest(round=ROUND, iterations=60))).run
    async with transaction(pool) as tx:
        dead = await tx.runs.lease(seconds=0.01)
    assert dead is not None
    await asyncio.sleep(0.05)
    async with transaction(pool) as tx:
        alive = await tx.runs.lease(seconds=15)
        assert await tx.runs.lease(seconds=15) is None
    assert alive is not None
    assert alive.attempts == 2
    await worker.work(alive)
    with pytest.raises(LeaseLost):
        await worker.work(dead)
    assert (await ended(city, run.name)).state == pb.Run.STATE_DONE
    assert len((await city.ListPlans(pb.ListPlansRequest(parent=ROUND))).plans) == 1


async def test_a_run_is_stopped_with_the_best_it_has(
    city: Any, settled: None, worker: Worker, pool: Pool
) -> None:
    await opened(city)
    await city.FreezeRound(pb.FreezeRoundRequest(name=ROUND))
    run = (await city.StartRun(pb.StartRunRequest(round=ROUND, seconds=600))).run
    refusal = await refused(city.StartRun(pb.StartRunRequest(round=ROUND)))
    assert refusal.reason == "ANOTHER_RUN_WORKS"

    async def stop_soon() -> None:
        async for _ in city.WatchRun(pb.WatchRunRequest(name=run.name)):
            await city.StopRun(pb.StopRunRequest(name=run.name))
            return

    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        group.create_task(stop_soon())
        group.create_task(work_once(worker, pool))
    done = await ended(city, run.name)
    assert done.state == pb.Run.STATE_DONE
    assert (await city.GetPlan(pb.GetPlanRequest(name=done.plan))).plan.served == 3


async def test_offers_are_answered_and_a_refusal_is_mended(
    city: Any, settled: None, worker: Worker, pool: Pool, address: str
) -> None:
    await proposed(city, worker, pool, policy="policies/campus-autumn")
    offer = pb.OfferRoundRequest(name=ROUND)
    offer.respond_by_time.FromDatetime(AT + timedelta(days=2))
    await city.OfferRound(offer)
    refusal = await refused(city.PublishRound(pb.PublishRoundRequest(name=ROUND)))
    assert refusal.reason == "SIGNATURE_MISSING"
    round = (await city.GetRound(pb.GetRoundRequest(name=ROUND))).round
    async with calling(address, _Stub, Role.LEADER, subject="leader") as leader:
        await leader.SignRound(pb.SignRoundRequest(name=ROUND, plan=round.plan))
    refusal = await refused(city.PublishRound(pb.PublishRoundRequest(name=ROUND)))
    assert refusal.reason == "ANSWERS_AWAITED"

    asked = (await city.ListAssignments(pb.ListAssignmentsRequest(round=ROUND))).assignments
    near = [one for one in asked if one.expert != "experts/far"]
    async with calling(address, _Stub, Role.EXPERT, expert="far") as far:
        mine = (await far.ListAssignments(pb.ListAssignmentsRequest())).assignments
        assert [one.expert for one in mine] == ["experts/far"]
        await far.AcceptOffer(pb.AcceptOfferRequest(assignment=mine[0].name))
        refusal = await refused(far.AcceptOffer(pb.AcceptOfferRequest(assignment=near[0].name)))
        assert refusal.reason == "ASSIGNMENT_NOT_FOUND"
    for one in near[1:]:
        await city.AcceptOffer(pb.AcceptOfferRequest(assignment=one.name))
    declined = await city.DeclineOffer(
        pb.DeclineOfferRequest(assignment=near[0].name, reason="病了")
    )
    assert declined.assignment.state == pb.Assignment.STATE_DECLINED
    (fact,) = await facts_of(pool, "AssignmentDeclined", facts_pb2.AssignmentDeclined)
    assert not fact.assignment.reason  # what somebody said of themselves is nobody else's
    refusal = await refused(city.PublishRound(pb.PublishRoundRequest(name=ROUND)))
    assert refusal.reason == "DECLINED_SEATS"

    mended = await city.RepairRound(
        pb.RepairRoundRequest(name=ROUND, lost=[near[0].name], reason="示例 declined")
    )
    for one in mended.changed:
        if one.state == pb.Assignment.STATE_OFFERED:
            assert one.expert != near[0].expert
            await city.AcceptOffer(pb.AcceptOfferRequest(assignment=one.name))
    async with calling(address, _Stub, Role.LEADER, subject="leader") as leader:
        await leader.SignRound(pb.SignRoundRequest(name=ROUND, plan=mended.round.plan))
    out = (await city.PublishRound(pb.PublishRoundRequest(name=ROUND))).round
    assert out.state == pb.Round.STATE_PUBLISHED


async def test_a_cancellation_is_mended_with_the_fewest_changes(
    city: Any, settled: None, worker: Worker, pool: Pool
) -> None:
    await proposed(city, worker, pool)
    await city.PublishRound(pb.PublishRoundRequest(name=ROUND))
    standing = (await city.ListAssignments(pb.ListAssignmentsRequest(round=ROUND))).assignments
    lost = next(one for one in standing if one.request == "requests/r1")
    tried = await city.RepairRound(
        pb.RepairRoundRequest(name=ROUND, lost=[lost.name], reason="病了", validate_only=True)
    )
    assert tried.changed
    unchanged = (await city.ListAssignments(pb.ListAssignmentsRequest(round=ROUND))).assignments
    assert list(unchanged) == list(standing)

    mended = await city.RepairRound(
        pb.RepairRoundRequest(name=ROUND, lost=[lost.name], reason="病了")
    )
    states = {one.name: one.state for one in mended.changed}
    assert states[lost.name] == pb.Assignment.STATE_REPLACED
    (new,) = (
        one for one in mended.changed if one.request == "requests/r1" and one.name != lost.name
    )
    assert new.event == lost.event
    assert new.expert != lost.expert
    assert new.state == pb.Assignment.STATE_CONFIRMED
    far = next(one for one in standing if one.request == "requests/r3")
    assert far.name not in states
    decided = await facts_of(pool, "RequestDecided", facts_pb2.RequestDecided)
    latest = {one.request: one for one in decided}["requests/r1"]
    assert latest.version == 2
    assert latest.scheduled.event == lost.event
    assert (await city.VerifyPlan(pb.VerifyPlanRequest(name=mended.round.plan))).sound
    current = [
        one
        for one in (await city.ListAssignments(pb.ListAssignmentsRequest(round=ROUND))).assignments
        if one.state == pb.Assignment.STATE_CONFIRMED
    ]
    assert mended.round.published_hash == hash_of(current)


async def test_debts_are_carried(city: Any, settled: None, worker: Worker, pool: Pool) -> None:
    await proposed(city, worker, pool)
    await city.PublishRound(pb.PublishRoundRequest(name=ROUND))
    lines = (await city.ListCoverage(pb.ListCoverageRequest(round=ROUND))).coverage
    assert [(line.district, line.served) for line in lines] == [(world.FAR, 10), (world.NEAR, 20)]
    near = lines[1]
    assert near.target == 40 * 30 // 50
    assert near.debt == near.target - 20
    await city.CloseRound(pb.CloseRoundRequest(name=ROUND))
    async with transaction(pool) as tx:
        debts = await tx.rounds.debts()
    assert {key[0]: debt for key, debt in debts.items()} == {world.NEAR: near.debt}


async def test_a_district_runs_its_own_rounds_only(city: Any, address: str, settled: None) -> None:
    await opened(city)
    async with calling(
        address, _Stub, Role.DISTRICT_COORDINATOR, nodes=(world.FAR,), subject="far"
    ) as district:
        round = await opened(district, "own")
        assert list(round.nodes) == [world.FAR]
        refusal = await refused(district.GetRound(pb.GetRoundRequest(name=ROUND)))
        assert refusal.reason == "ROUND_NOT_FOUND"
        refusal = await refused(opened(district, "theirs", nodes=[world.NEAR]))
        assert refusal.reason == "OUTSIDE_OF_SCOPE"
        listed = (await district.ListRounds(pb.ListRoundsRequest())).rounds
        assert [one.name for one in listed] == ["rounds/own"]
        preview = await district.ValidateRound(pb.ValidateRoundRequest(name="rounds/own"))
        assert preview.requests_count == 1
    assert len((await city.ListRounds(pb.ListRoundsRequest())).rounds) == 2


async def test_a_changed_round_is_not_overwritten(city: Any, settled: None) -> None:
    round = await opened(city)
    forbid = pb.Forbid(expert="experts/ann")
    await city.AddForbid(pb.AddForbidRequest(round=ROUND, forbid=forbid, etag=round.etag))
    refusal = await refused(city.FreezeRound(pb.FreezeRoundRequest(name=ROUND, etag=round.etag)))
    assert refusal.reason == "ETAG_MISMATCH"
    await city.RemoveForbid(pb.RemoveForbidRequest(round=ROUND, forbid=forbid))


async def test_moves_are_priced(city: Any, settled: None, worker: Worker, pool: Pool) -> None:
    round = await proposed(city, worker, pool)
    move = pb.Pin(request="requests/r1", seat=0, expert="experts/helper")
    price = await city.PriceMove(pb.PriceMoveRequest(plan=round.plan, move=move))
    assert price.violations
    unknown = pb.Pin(request="requests/r1", seat=0, expert="experts/nobody")
    refusal = await refused(city.PriceMove(pb.PriceMoveRequest(plan=round.plan, move=unknown)))
    assert refusal.reason == "NOT_IN_ROUND"


async def test_whom_to_recruit_is_said_with_what_they_would_serve(
    city: Any, settled: None, worker: Worker, pool: Pool
) -> None:
    round = await proposed(city, worker, pool)
    ask = pb.ListSupplySignalsRequest(parent=round.plan)
    found = await city.ListSupplySignals(ask)
    assert found.verified
    best = found.signals[0]
    # nobody knows of fish, which the hall asks for on a Thursday
    assert (best.topic, best.district, best.weekday) == ("fish", world.NEAR, 4)
    assert list(best.requests) == ["requests/r4"]
    assert best.gain > 0
    await pool.execute("DELETE FROM plan_supply")
    estimates = await city.ListSupplySignals(ask)
    assert not estimates.verified
    assert {one.HasField("gain") for one in estimates.signals} == {False}
    assert {(one.role, one.weekday) for one in estimates.signals} >= {(best.role, best.weekday)}
    page = await city.ListSupplySignals(pb.ListSupplySignalsRequest(parent=round.plan, page_size=1))
    assert list(page.signals) == list(estimates.signals[:1])


async def test_a_waiting_run_ends_the_look_for_supply(
    city: Any, settled: None, worker: Worker, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever waits to be solved comes first; what was not verified by then stays an estimate."""

    def looks_until_asked(*_: Any, asked: Callable[[], bool]) -> Sequence[Any]:
        while not asked():
            threading.Event().wait(0.01)
        return ()

    monkeypatch.setattr("services.scheduling.handlers.supply.verified", looks_until_asked)
    await opened(city)
    await city.FreezeRound(pb.FreezeRoundRequest(name=ROUND))
    run = (await city.StartRun(pb.StartRunRequest(round=ROUND, iterations=5))).run
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        working = group.create_task(work_once(worker, pool))
        run = await ended(city, run.name)
        assert run.state == pb.Run.STATE_DONE
        assert not working.done()
        await city.StartRun(pb.StartRunRequest(round=ROUND, iterations=5))
    found = await city.ListSupplySignals(pb.ListSupplySignalsRequest(parent=run.plan))
    assert (found.verified, list(found.signals)) == (True, [])


async def test_inputs_are_replayed_at_a_desk(
    city: Any, settled: None, worker: Worker, pool: Pool
) -> None:
    round = await proposed(city, worker, pool)
    pieces = [
        piece.piece async for piece in city.DownloadInputs(pb.DownloadInputsRequest(round=ROUND))
    ]
    assert hashlib.sha256(b"".join(pieces)).hexdigest() == round.inputs_hash
    with pytest.raises(Exception, match="frozen inputs do not change"):
        await pool.execute("UPDATE snapshots SET problem = ''")


def a_form(*days: int) -> pb.RankWindowsRequest:
    """What a school is writing, with the mornings of these days of the world."""
    asked = pb.RankWindowsRequest(
        venue="venues/near",
        group=common.AUDIENCE_GROUP_YOUTH,
        level=common.LANGUAGE_LEVEL_JUNIOR,
        form=common.FORM_LECTURE,
        topic="space",
        duration_min=60,
    )
    for day in days:
        period = asked.windows.add()
        period.start_time.FromDatetime(world.at(day, 9).astimezone(UTC))
        period.end_time.FromDatetime(world.at(day, 12).astimezone(UTC))
    return asked


async def test_a_form_is_told_of_the_open_round_that_plans_for_its_place(
    city: Any, settled: None
) -> None:
    asked = a_form(5)
    assert not (await city.RankWindows(asked)).HasField("next_round")
    await opened(city, "elsewhere", nodes=[world.FAR])
    assert not (await city.RankWindows(asked)).HasField("next_round")
    await opened(city, nodes=[world.NEAR])
    told = (await city.RankWindows(asked)).next_round
    assert (told.title, told.horizon.start_date) == ("示例 秋季", "2026-12-07")
    await city.AbandonRound(pb.AbandonRoundRequest(name=ROUND))
    assert not (await city.RankWindows(asked)).HasField("next_round")


async def test_windows_are_ranked(city: Any, settled: None) -> None:
    asked = a_form(1, 5, 30)
    ranked = await city.RankWindows(asked)
    assert ranked.eligible == 3
    assert [one.window for one in ranked.windows] == [
        asked.windows[1],
        asked.windows[0],
        asked.windows[2],
    ]
    assert ranked.windows[2].free == ranked.windows[2].chance == 0
    assert ranked.chance >= ranked.windows[0].chance > 0
    looking = pb.RankWindowsRequest()
    looking.CopyFrom(asked)
    del looking.windows[:2]
    looking.look.extend(asked.windows[:2])
    looked = await city.RankWindows(looking)
    assert [one.window for one in looked.looked] == list(asked.windows[:2])
    assert looked.chance == 0, "nobody is free in the only window that is asked for"
    assert {one.chance for one in looked.looked} == {one.chance for one in ranked.windows[:2]}


async def test_a_change_of_an_expert_is_in_the_next_estimate(
    city: Any, pool: Pool, settled: None
) -> None:
    asked = a_form(5)
    before = await city.RankWindows(asked)
    async with transaction(pool) as tx:
        first = (await tx.world.experts_of(["experts/ann"]))[0]
        versions = await tx.world.expert_versions()
        changed = dataclasses.replace(first, availability=())
        await tx.world.keep_expert(changed, version=versions[first.name] + 1)
    after = await city.RankWindows(asked)
    assert after.windows[0].free == before.windows[0].free - 1
    async with transaction(pool) as tx:
        await tx.world.forget_expert("experts/ann")
    gone = await city.RankWindows(asked)
    assert gone.eligible == before.eligible - 1


async def test_fifty_writers_cannot_book_one_person_twice(pool: Pool) -> None:
    def booking(number: int) -> Assignment:
        start = world.at(1, 9) + timedelta(minutes=number % 5)
        return Assignment(
            name=f"assignments/a{number}",
            round=ROUND,
            request=f"requests/r{number}",
            event=f"events/e{number}",
            expert="experts/ann",
            expert_display_name="示例",
            seat=0,
            role=ServingRole.LECTURER,
            venue="venues/near",
            period=dataclasses.replace(
                world.period(1, 9, 10), start_time=start, end_time=start + timedelta(hours=1)
            ),
            remote=False,
            state=State.CONFIRMED,
            title="示例",
            district=world.NEAR,
            pool=world.POOL,
            node_path=(world.NEAR,),
        )

    async def book(number: int) -> bool:
        try:
            async with transaction(pool) as tx:
                await tx.assignments.add([booking(number)])
        except ExpertAlreadyBooked:
            return False
        return True

    outcomes = await asyncio.gather(*(book(number) for number in range(50)))
    assert sum(outcomes) == 1
    assert await pool.fetchval("SELECT count(*) FROM assignments") == 1


async def test_what_becomes_of_an_event_becomes_of_its_team(
    city: Any, settled: None, worker: Worker, pool: Pool, clock: FixedClock
) -> None:
    await proposed(city, worker, pool)
    await city.PublishRound(pb.PublishRoundRequest(name=ROUND))
    standing = (await city.ListAssignments(pb.ListAssignmentsRequest(round=ROUND))).assignments
    on = handlers(joined, clock=clock)
    for kind, one in (("EventDelivered", standing[0]), ("EventCancelled", standing[1])):
        message = getattr(events_facts, kind)(event=events_pb2.Event(name=one.event))
        async with pool.acquire() as connection, connection.transaction():
            await on[f"zhihui.events.v1.{kind}"](connection, received(kind, one.event, message))
    after = (await city.ListAssignments(pb.ListAssignmentsRequest(round=ROUND))).assignments
    states = {one.name: one.state for one in after}
    assert states[standing[0].name] == pb.Assignment.STATE_DELIVERED
    assert states[standing[1].name] == pb.Assignment.STATE_CANCELLED
    assert states[standing[2].name] == pb.Assignment.STATE_CONFIRMED


async def test_a_name_is_forgotten_wherever_an_assignment_was_announced_with_it(
    city: Any, settled: None, worker: Worker, pool: Pool, clock: FixedClock
) -> None:
    """Assignments stay, with who served as a resource name; those of others are left as they are; no twin keeps the name."""
    await proposed(city, worker, pool)
    await city.PublishRound(pb.PublishRoundRequest(name=ROUND))
    standing = (await city.ListAssignments(pb.ListAssignmentsRequest(round=ROUND))).assignments
    gone = standing[0].expert
    mine = {one.name for one in standing if one.expert == gone}
    assert {one.name for one in standing} > mine
    (name,) = {one.expert_display_name.encode() for one in standing if one.expert == gone}
    requests = {one.request for one in standing if one.expert == gone}
    assert {topic for topic, _ in await naming(pool, name)} == {
        "scheduling.assignment.v1",
        "scheduling.decision.v1",
    }
    await pool.execute("DELETE FROM outbox_waiting")
    fact = dataclasses.replace(
        received("EventChanged", gone, events_facts.EventChanged()),
        topic="experts.expert.v1",
        type="tombstone",
        payload=None,
    )
    for _ in range(2):  # the same again changes nothing
        async with pool.acquire() as connection, connection.transaction():
            await handlers(joined, clock=clock)[tombstone(fact.topic)](connection, fact)
    assert await naming(pool, name) == set()
    decisions = await pool.fetch(
        "SELECT key, version, type FROM outbox WHERE topic = 'scheduling.decision.v1' AND version > 1"
    )
    assert {tuple(row) for row in decisions} == {(one, 2, "tombstone") for one in requests}
    after = (await city.ListAssignments(pb.ListAssignmentsRequest(round=ROUND))).assignments
    assert {one.name for one in after if not one.expert_display_name} == mine
    assert {one.name: one.state for one in after} == {one.name: one.state for one in standing}
    rows = await pool.fetch(
        "SELECT key, type, payload FROM outbox WHERE topic = 'scheduling.assignment.v1' ORDER BY position"
    )
    for name in mine:
        before, again = [row for row in rows if row["key"] == name][-2:]
        assert before["payload"] is None, "a replay does not bring it back"
        changed = facts_pb2.AssignmentChanged.FromString(again["payload"]).assignment
        assert (again["type"].rpartition(".")[2], changed.expert, changed.expert_display_name) == (
            "AssignmentChanged",
            gone,
            "",
        )
    assert all(row["payload"] for row in rows if row["key"] not in mine)


async def naming(pool: Pool, name: bytes) -> set[tuple[str, str]]:
    """Topics and keys whose state twin keeps a fact with `name` in it."""
    rows = await pool.fetch(
        "SELECT DISTINCT ON (topic, key) topic, key, payload FROM outbox ORDER BY topic, key, position DESC"
    )
    return {(row["topic"], row["key"]) for row in rows if name in (row["payload"] or b"")}


def received(kind: str, key: str, message: Any) -> Received:
    return Received(
        message_id=new_uuid(),
        source="/zhihui/events",
        topic="events.event.v1",
        partition=0,
        offset=0,
        key=key,
        type=f"zhihui.events.v1.{kind}",
        version=2,
        occurred_at=datetime(2026, 12, 9, tzinfo=UTC),
        payload=message.SerializeToString(),
        traceparent=None,
    )


async def resting(city: Any, *experts: str) -> None:
    """Nobody of `experts` may be sent anywhere on the day r1 and r2 want."""
    for expert in experts:
        await city.AddForbid(
            pb.AddForbidRequest(
                round=ROUND,
                forbid=pb.Forbid(
                    expert=expert,
                    period=common.DatePeriod(
                        start_date=world.at(1, 9).date().isoformat(),
                        end_date=world.at(2, 9).date().isoformat(),
                    ),
                ),
            )
        )


async def test_a_rest_keeps_an_expert_at_home_on_its_days_only(
    city: Any, settled: None, worker: Worker, pool: Pool
) -> None:
    await opened(city)
    await city.FreezeRound(pb.FreezeRoundRequest(name=ROUND))
    await resting(city, "experts/ann", "experts/ben", "experts/far")
    run = await solved(city, worker, pool)
    events = (await city.ListPlannedEvents(pb.ListPlannedEventsRequest(parent=run.plan))).events
    assert [event.request for event in events] == ["requests/r3"]  # the day after
    pin = pb.Pin(request="requests/r1", expert="experts/ann")
    pin.start_time.FromDatetime(world.at(1, 9))
    refusal = await refused(city.AddPin(pb.AddPinRequest(round=ROUND, pin=pin)))
    assert refusal.reason == "PIN_CONTRADICTS"
    pin.start_time.FromDatetime(world.at(3, 9))
    await city.AddPin(pb.AddPinRequest(round=ROUND, pin=pin))


async def test_a_rest_is_of_the_expert_alone(city: Any, settled: None) -> None:
    await opened(city)
    forbid = pb.Forbid(
        expert="experts/ann",
        request="requests/r1",
        period=common.DatePeriod(start_date="2026-12-08", end_date="2026-12-09"),
    )
    refusal = await refused(city.AddForbid(pb.AddForbidRequest(round=ROUND, forbid=forbid)))
    assert refusal.code.name == "INVALID_ARGUMENT"


async def test_coverage_of_a_plan_is_known_before_it_is_published(
    city: Any, settled: None, worker: Worker, pool: Pool
) -> None:
    round = await proposed(city, worker, pool)
    published = await city.ListCoverage(pb.ListCoverageRequest(round=ROUND))
    assert list(published.coverage) == []
    planned = await city.ListCoverage(pb.ListCoverageRequest(round=ROUND, plan=round.plan))
    assert sum(line.served for line in planned.coverage) == 30
    assert all(line.debt == max(0, line.target - line.served) for line in planned.coverage)
    first = await city.ListCoverage(
        pb.ListCoverageRequest(round=ROUND, plan=round.plan, page_size=1)
    )
    rest = await city.ListCoverage(
        pb.ListCoverageRequest(
            round=ROUND, plan=round.plan, page_size=50, page_token=first.next_page_token
        )
    )
    assert [*first.coverage, *rest.coverage] == list(planned.coverage)
    await city.PublishRound(pb.PublishRoundRequest(name=ROUND))
    published = await city.ListCoverage(pb.ListCoverageRequest(round=ROUND))
    assert list(published.coverage) == list(planned.coverage)


async def test_a_repair_the_venue_agrees_to_is_done_in_a_plan_of_its_own(
    city: Any, settled: None, worker: Worker, pool: Pool
) -> None:
    await opened(city)
    await city.FreezeRound(pb.FreezeRoundRequest(name=ROUND))
    await resting(city, "experts/ann", "experts/ben", "experts/far")
    run = await solved(city, worker, pool)
    unserved = (await city.ListUnserved(pb.ListUnservedRequest(parent=run.plan))).unserved
    assert [one.place for one in unserved] == list(range(1, len(unserved) + 1))
    assert all(one.venue_display_name for one in unserved)
    ready = {one.request: one.repair.code for one in unserved}  # sought before anybody asks
    assert ready["requests/r1"] == "OTHER_WINDOW"
    answer = await city.ExplainRequest(
        pb.ExplainRequestRequest(plan=run.plan, request="requests/r1")
    )
    code = answer.unserved.repair.code
    assert code == "OTHER_WINDOW"
    round = (await city.GetRound(pb.GetRoundRequest(name=ROUND))).round

    def asked(**fields: Any) -> pb.AdoptRepairRequest:
        return pb.AdoptRepairRequest(
            **{"plan": run.plan, "request": "requests/r1", "code": code} | fields
        )

    other = await refused(city.AdoptRepair(asked(code="ACCEPT_REMOTE")))
    assert other.reason == "REPAIR_CHANGED"
    stale = await refused(city.AdoptRepair(asked(etag='"old"')))
    assert stale.reason == "ETAG_MISMATCH"
    served_already = await refused(city.AdoptRepair(asked(request="requests/r3")))
    assert served_already.reason == "REQUEST_NOT_IN_PLAN"
    adopted = await city.AdoptRepair(asked(etag=round.etag))
    assert adopted.round.plan == adopted.plan.name != run.plan
    events = (
        await city.ListPlannedEvents(pb.ListPlannedEventsRequest(parent=adopted.plan.name))
    ).events
    assert {event.request for event in events} == {"requests/r1", "requests/r3"}
    verdict = await city.VerifyPlan(pb.VerifyPlanRequest(name=adopted.plan.name))
    assert verdict.sound, verdict.violations
    compared = await city.ComparePlans(
        pb.ComparePlansRequest(first=run.plan, second=adopted.plan.name)
    )
    assert list(compared.only_second) == ["requests/r1"]


async def test_a_move_that_breaks_rules_says_which_in_both_languages(
    city: Any, settled: None, worker: Worker, pool: Pool
) -> None:
    round = await proposed(city, worker, pool)
    move = pb.Pin(request="requests/r1", seat=0, expert="experts/helper")
    price = await city.PriceMove(pb.PriceMoveRequest(plan=round.plan, move=move))
    assert price.broken
    assert list(price.violations) == [one.message for one in price.broken]
    assert "has_role" in {one.rule for one in price.broken} or not price.feasible
    assert all(one.message and one.message_en for one in price.broken)


async def test_an_auditor_holds_a_plan_against_its_inputs_certificate_and_replay(
    *, city: Any, address: str, settled: None, worker: Worker, pool: Pool, tmp_path: Path
) -> None:
    """With a pin put in after the freeze, so that the plan's inputs are not the round's."""
    round = await proposed(city, worker, pool)
    pin = pb.Pin(request="requests/r1", seat=0, expert="experts/ben")
    pin.start_time.FromDatetime(world.at(1, 10).astimezone(UTC))
    await city.AddPin(pb.AddPinRequest(round=ROUND, pin=pin))
    run = await solved(city, worker, pool)
    made = (await city.GetPlan(pb.GetPlanRequest(name=run.plan))).plan
    assert made.inputs_hash != round.inputs_hash

    folder = tmp_path / "files"
    verify = ("round", "verify", "autumn", "--plan", run.plan, "--to", str(folder))
    code, found = await auditing.zhihui(address, tmp_path, *verify)
    everything = {"inputs": True, "check": True, "check-bound": True, "replay": True}
    assert (code, found["sound"], auditing.held(found["desk"])) == (0, True, everything)

    def later(plan: Any) -> None:
        plan["assignments"][0]["start"] += 30

    def dearer(certificate: Any) -> None:
        need = next(one for one in certificate["duals"] if one["stage"] == "NEED")
        need["kept"][0] += need["scale"]

    def nearer(problem: Any) -> None:
        problem["requests"][0]["weight"] += 1

    def another(certificate: Any) -> None:
        certificate["plan_sha256"] = "0" * 64

    for file, change, seen in (
        ("plan", later, {"check"}),
        ("certificate", dearer, {"check-bound"}),
        ("problem", nearer, {"inputs", "check", "check-bound", "replay"}),
        ("certificate", another, {"check", "replay"}),
    ):
        before = auditing.tampered(folder, file, change)
        assert auditing.broken(folder, made.inputs_hash) == seen
        (folder / f"{file}.json").write_bytes(before)
    assert auditing.broken(folder, made.inputs_hash) == set()


async def test_a_stored_plan_that_was_changed_is_seen_by_service_and_auditor(
    *, city: Any, address: str, settled: None, worker: Worker, pool: Pool, tmp_path: Path
) -> None:
    round = await proposed(city, worker, pool)
    stored = await pool.fetchval("SELECT plan FROM plans WHERE name = $1", round.plan)
    plan = json.loads(stored)
    plan["assignments"][0]["start"] += 30
    await pool.execute(
        "UPDATE plans SET plan = $2 WHERE name = $1", round.plan, json.dumps(plan).encode()
    )
    code, found = await auditing.zhihui(address, tmp_path, "round", "verify", "autumn")
    assert (code, found["sound"]) == (2, False)
    assert found["violations"]
    assert auditing.held(found["desk"]) == {
        "inputs": True,
        "check": False,
        "check-bound": True,
        "replay": True,  # of the certificate, which is as it was
    }


async def test_an_adopted_repair_has_no_certificate_and_says_so(
    *, city: Any, address: str, settled: None, worker: Worker, pool: Pool, tmp_path: Path
) -> None:
    await opened(city)
    await city.FreezeRound(pb.FreezeRoundRequest(name=ROUND))
    await resting(city, "experts/ann", "experts/ben", "experts/far")
    run = await solved(city, worker, pool)
    ask = pb.AdoptRepairRequest(plan=run.plan, request="requests/r1", code="OTHER_WINDOW")
    await city.AdoptRepair(ask)
    code, found = await auditing.zhihui(address, tmp_path, "round", "verify", "autumn")
    assert (code, auditing.held(found["desk"])) == (
        0,
        {"inputs": True, "check": True, "certificate": None},
    )


async def test_a_venue_learns_why_after_the_publication_and_no_earlier(
    city: Any, settled: None, worker: Worker, pool: Pool, address: str
) -> None:
    asked = pb.GetOutcomeRequest(request="requests/r4")
    hall = (world.NEAR_HALL.node,)
    async with calling(address, _Stub, Role.VENUE_STAFF, nodes=hall) as venue:
        before = await venue.GetOutcome(asked)
        assert (before.round, before.HasField("unserved")) == ("", False)
        assert (before.place, before.waiting) == (5, 5)

        await proposed(city, worker, pool)
        planned = await venue.GetOutcome(asked)
        assert (planned.round, planned.HasField("unserved")) == ("", False)
        assert (planned.place, planned.waiting) == (0, 1)  # nobody waits who is in a round

        await city.PublishRound(pb.PublishRoundRequest(name=ROUND))
        async with transaction(pool) as tx:  # what the events service announces of the two
            for name, fields in (
                ("r4", {"topic": "fish", "state": RequestState.UNSERVED, "times_unserved": 1}),
                ("r1", {"state": RequestState.SCHEDULED}),
            ):
                heard = world.request(
                    f"requests/{name}",
                    world.NEAR_HALL,
                    world.period(3, 9, 12),
                    round=ROUND,
                    **fields,
                )
                await tx.world.keep_request(heard, version=2)
        after = await venue.GetOutcome(asked)
        assert after.round == ROUND
        assert after.unserved.why_not == pb.WHY_NOT_NOBODY_ELIGIBLE
        assert after.unserved.message
        assert after.place == 1  # who was left out before comes first
        served = await venue.GetOutcome(pb.GetOutcomeRequest(request="requests/r1"))
        assert (served.round, served.HasField("unserved")) == (ROUND, False)
    far = (world.FAR_HALL.node,)
    async with calling(address, _Stub, Role.VENUE_STAFF, nodes=far) as stranger:
        assert (await refused(stranger.GetOutcome(asked))).reason == "REQUEST_NOT_ANNOUNCED"
