"""The kit from the caller's side, over a real channel."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import grpc
import pytest
from google.protobuf.unknown_fields import UnknownFieldSet
from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from prometheus_client import REGISTRY

from libs.auth.principal import Principal, Role, current_principal
from libs.auth.tokens import Tokens
from libs.errors import Conflict, FieldViolation, InvalidInput, NotAllowed, NotFound, WrongState
from libs.rpc.deadline import time_left_s
from libs.rpc.server import Server
from libs.rpc.status import RemoteRefusal, refusal_from
from libs.telemetry import current_traceparent, with_traceparent
from tests.support.toy import (
    FILE,
    SERVICE,
    Home,
    Toy,
    ToyServicer,
    ToyWorld,
    add_to_server,
    toy_settings,
    toy_world,
)


class ToyBroken(InvalidInput):
    """Of no use."""


class ToyNotFound(NotFound):
    """There is none."""


class ToyNotYours(NotAllowed):
    """It is another's."""


class ToyAsleep(WrongState):
    """It does not play now."""


class ToyTaken(Conflict):
    """Somebody was quicker."""


@pytest.fixture
async def world() -> AsyncIterator[ToyWorld]:
    async with toy_world() as world:
        yield world


async def refused(call: Any) -> RemoteRefusal:
    with pytest.raises(grpc.RpcError) as caught:
        await call
    return refusal_from(caught.value)


def raising(error: BaseException) -> Any:
    async def act(_request: Any, _context: Any) -> Any:
        raise error

    return act


async def test_an_answer_comes_back(world: ToyWorld) -> None:
    async with world.client() as client:
        assert await client.get(Toy(title="kite")) == Toy(title="kite")


async def test_a_stream_comes_back(world: ToyWorld) -> None:
    async with world.client() as client:
        assert [toy.title async for toy in client.watch(Toy(title="kite"))] == ["kite"] * 3


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        (ToyBroken("broken", toy="t-1", n=3), grpc.StatusCode.INVALID_ARGUMENT),
        (ToyNotFound("broken", toy="t-1", n=3), grpc.StatusCode.NOT_FOUND),
        (ToyNotYours("broken", toy="t-1", n=3), grpc.StatusCode.PERMISSION_DENIED),
        (ToyAsleep("broken", toy="t-1", n=3), grpc.StatusCode.FAILED_PRECONDITION),
        (ToyTaken("broken", toy="t-1", n=3), grpc.StatusCode.ABORTED),
    ],
    ids=lambda value: getattr(value, "reason", None),
)
async def test_a_refusal_crosses_the_wire_whole(
    world: ToyWorld, refusal: Any, code: grpc.StatusCode
) -> None:
    world.servicer.act = raising(refusal)
    async with world.client() as client:
        got = await refused(client.get(Toy()))
    assert got == RemoteRefusal(
        code=code,
        kind=type(refusal).__mro__[1],
        reason=refusal.reason,
        sentence="broken",
        details={"toy": "t-1", "n": "3"},
    )


async def test_a_stream_is_refused_after_what_it_had_to_say(world: ToyWorld) -> None:
    async def watch(request: Any) -> AsyncIterator[Any]:
        yield request
        raise ToyAsleep("asleep")

    world.servicer.watch = watch
    async with world.client() as client:
        call = client.watch(Toy(title="kite"))
        assert (await call.read()).title == "kite"
        assert (await refused(call.read())).reason == "TOY_ASLEEP"


async def test_a_bug_is_told_as_nothing(world: ToyWorld) -> None:
    world.servicer.act = raising(KeyError("13800138000"))
    async with world.client() as client:
        got = await refused(client.get(Toy()))
    assert (got.code, got.sentence, got.kind) == (grpc.StatusCode.INTERNAL, "internal error", None)


async def test_an_outage_says_that_trying_again_may_help(world: ToyWorld) -> None:
    world.servicer.act = raising(ConnectionRefusedError("10.0.0.1:5432"))
    async with world.client() as client:
        got = await refused(client.register(Toy()))
    assert (got.code, got.reason) == (grpc.StatusCode.UNAVAILABLE, "OUTAGE")
    assert "10.0.0.1" not in got.sentence


async def test_a_handlers_own_abort_is_left_alone(world: ToyWorld) -> None:
    async def act(_request: Any, context: aio.ServicerContext[Any, Any]) -> Any:
        await context.abort(grpc.StatusCode.DATA_LOSS, "gone")

    world.servicer.act = act
    async with world.client() as client:
        assert (await refused(client.get(Toy()))).code is grpc.StatusCode.DATA_LOSS


async def test_fields_are_refused_by_their_paths(world: ToyWorld) -> None:
    async with world.client() as client:
        got = await refused(client.get(Toy(title="a very long title", tags=["ok", "x" * 9])))
    assert (got.kind, got.reason) == (InvalidInput, "INVALID_REQUEST")
    assert [violation.path for violation in got.violations] == ["title", "tags[1]"]
    assert world.servicer.seen == []


async def test_unknown_fields_are_refused_at_any_depth(world: ToyWorld) -> None:
    unknown = bytes([0xFA, 0x01, 0x01, 0x61])  # field 31: "a"
    inside = Home.FromString(unknown)
    request = Toy.FromString(
        unknown
        + Toy(home=inside, places=[Home(), inside], by_day={"mon": inside}).SerializeToString()
    )
    assert len(UnknownFieldSet(request)) == 1
    async with world.client() as client:
        got = await refused(client.get(request))
    assert (got.kind, got.reason) == (InvalidInput, "UNKNOWN_FIELD")
    assert {violation.path for violation in got.violations} == {
        "31",
        "home.31",
        "places[1].31",
        "by_day[mon].31",
    }


async def test_a_thousand_violations_fit_into_the_trailers(world: ToyWorld) -> None:
    violations = [FieldViolation(f"rows[{n}].标题", "这个标题太长了" * 9) for n in range(1000)]
    world.servicer.act = raising(
        ToyBroken("很长的一句话" * 200, violations, **{f"k{n}": "值" * 999 for n in range(50)})
    )
    async with world.client() as client:
        got = await refused(client.get(Toy()))
    assert got.reason == "TOY_BROKEN"
    assert got.violations
    assert len(got.violations) + int(got.details["violations_left_out"]) == 1000


async def test_nobody_gets_in_without_a_token(world: ToyWorld) -> None:
    async with world.client(None) as client:
        got = await refused(client.get(Toy()))
    assert (got.code, got.reason) == (grpc.StatusCode.UNAUTHENTICATED, "NOT_SIGNED_IN")
    assert world.servicer.seen == []


async def test_nobody_gets_in_with_a_token_of_another_key(world: ToyWorld) -> None:
    world.tokens = Tokens(toy_settings(auth_key="another key that is as long as it has to be"))
    async with world.client() as client:
        assert (await refused(client.get(Toy()))).code is grpc.StatusCode.UNAUTHENTICATED


async def test_a_role_that_is_not_in_the_table_is_refused(world: ToyWorld) -> None:
    auditor = Principal(subject="a-1", roles=frozenset({Role.AUDITOR}))
    async with world.client(auditor) as client:
        assert await client.get(Toy()) == Toy()
        got = await refused(client.register(Toy()))
    assert (got.kind, got.reason) == (NotAllowed, "ROLE_NOT_SUFFICIENT")
    assert got.details == {"action": "RegisterExpert"}


async def test_the_handler_knows_who_calls(world: ToyWorld) -> None:
    async def act(_request: Any, _context: Any) -> Any:
        return Toy(title=current_principal().subject)

    world.servicer.act = act
    volunteer = Principal(subject="e-7", roles=frozenset({Role.EXPERT}), expert_id="exp-7")
    async with world.client(volunteer) as client:
        assert (await client.get(Toy())).title == "e-7"


async def test_time_runs_out_at_the_callee_first(world: ToyWorld) -> None:
    undone = asyncio.Event()

    async def act(_request: Any, _context: Any) -> Any:
        try:
            await asyncio.sleep(60)
        finally:
            undone.set()

    world.servicer.act = act
    async with world.client() as client:
        got = await refused(client.get(Toy(), timeout=0.3))
    assert (got.code, got.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_PASSED")
    await asyncio.wait_for(undone.wait(), 5)


async def test_a_call_without_a_deadline_gets_one() -> None:
    async with toy_world(call_deadline_s=0.1, stream_deadline_s=0.1) as world:

        async def watch(request: Any) -> AsyncIterator[Any]:
            await asyncio.sleep(60)
            yield request

        world.servicer.watch = watch
        async with world.client() as client:
            got = await refused(client.watch(Toy()).read())
    assert got.reason == "DEADLINE_PASSED"


async def test_calls_made_on_behalf_of_a_call_end_with_it(world: ToyWorld) -> None:
    async with toy_world() as neighbour, neighbour.client(deadline_s=30) as to_neighbour:

        async def left(_request: Any, _context: Any) -> Any:
            return Toy(weight=int((time_left_s() or 0) * 1000))

        async def ask(request: Any, _context: Any) -> Any:
            return await to_neighbour.get(request)

        neighbour.servicer.act = left
        world.servicer.act = ask
        async with world.client() as client:
            answer = await client.get(Toy(), timeout=2)
    # each step keeps a margin; gRPC rounds what is left up by some milliseconds, so the sum of margins is not exact
    assert 0 < answer.weight < 2000


async def test_one_call_too_many_is_told_when_to_come_back() -> None:
    async with toy_world(calls_max=2) as world, world.client() as client:
        go_on = asyncio.Event()

        async def act(request: Any, _context: Any) -> Any:
            await go_on.wait()
            return request

        world.servicer.act = act
        first = [asyncio.ensure_future(client.get(Toy())) for _ in range(2)]  # noqa: TID251  # held open here
        while len(world.servicer.seen) < 2:
            await asyncio.sleep(0.01)
        got = await refused(client.get(Toy()))
        assert [toy async for toy in client.watch(Toy())] == [Toy()] * 3
        go_on.set()
        await asyncio.gather(*first)
        await client.get(Toy())
    assert (got.code, got.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_CALLS")
    assert got.retry_after_s == 1.0


async def test_a_trace_goes_on_in_the_callee(world: ToyWorld) -> None:
    async def act(_request: Any, _context: Any) -> Any:
        return Toy(name=current_traceparent() or "")

    world.servicer.act = act
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    async with world.client() as client:
        answer = await client.get(
            Toy(), metadata=(("traceparent", f"00-{trace_id}-b7ad6b7169203331-01"),)
        )
        with with_traceparent(f"00-{trace_id[::-1]}-b7ad6b7169203331-01"):
            carried = await client.get(Toy())
    assert answer.name.split("-")[1] == trace_id
    assert carried.name.split("-")[1] == trace_id[::-1]


async def test_what_became_of_calls_is_counted(world: ToyWorld) -> None:
    def handled(code: str) -> float:
        labels = {"method": f"/{SERVICE}/GetExpert", "code": code}
        return REGISTRY.get_sample_value("rpc_handled_total", labels) or 0

    before = handled("OK"), handled("NOT_FOUND")
    async with world.client() as client:
        await client.get(Toy())
        world.servicer.act = raising(ToyNotFound("none"))
        await refused(client.get(Toy()))
    async with asyncio.timeout(10):  # a refusal is answered before it is counted
        while (handled("OK"), handled("NOT_FOUND")) != (before[0] + 1, before[1] + 1):
            await asyncio.sleep(0.01)


async def test_a_repeatable_call_is_tried_again_after_an_outage(world: ToyWorld) -> None:
    async def act(request: Any, _context: Any) -> Any:
        if len(world.servicer.seen) < 3:
            raise ConnectionResetError
        return request

    world.servicer.act = act
    async with world.client() as client:
        await client.get(Toy())
        assert len(world.servicer.seen) == 3
        world.servicer.seen.clear()
        await client.register(Toy(request_id="r-1"))
        assert len(world.servicer.seen) == 3
        world.servicer.seen.clear()
        assert (await refused(client.register(Toy()))).code is grpc.StatusCode.UNAVAILABLE
        assert len(world.servicer.seen) == 1


async def test_health_and_reflection_need_no_token(world: ToyWorld) -> None:
    async with aio.insecure_channel(world.address) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        answer = await health.Check(health_pb2.HealthCheckRequest(service=SERVICE))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        names = [
            service.name
            async for answer in stub.ServerReflectionInfo(iter([request]))
            for service in answer.list_services_response.service
        ]
    assert SERVICE in names


async def test_an_unknown_method_is_unimplemented(world: ToyWorld) -> None:
    async with world.client() as client:
        call = client.channel.unary_unary(f"/{SERVICE}/Nothing")
        assert (await refused(call(b""))).code is grpc.StatusCode.UNIMPLEMENTED


async def test_sigterm_lets_calls_end_and_background_work_after_them() -> None:
    settings = toy_settings(drain_s=5)
    tokens, servicer, events = Tokens(settings), ToyServicer(), []
    server = Server(settings, verify=tokens.verify)
    server.add(add_to_server, servicer, FILE)
    arrived = asyncio.Event()

    async def act(request: Any, _context: Any) -> Any:
        arrived.set()
        await asyncio.sleep(0.2)
        events.append("call ended")
        return request

    async def relay() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            events.append("background ended")

    servicer.act = act
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve(relay()))
        while not server.port:
            await asyncio.sleep(0.01)
        world = ToyWorld(servicer, server, tokens)
        async with world.client() as client, aio.insecure_channel(world.address) as plain:
            watch = health_pb2_grpc.HealthStub(plain).Watch(
                health_pb2.HealthCheckRequest(service=SERVICE)
            )
            while (await watch.read()).status != health_pb2.HealthCheckResponse.SERVING:
                pass
            call = client.get(Toy(title="kite"))
            await arrived.wait()
            os.kill(os.getpid(), signal.SIGTERM)
            assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
            assert (await call).title == "kite"
            watch.cancel()
    assert events == ["call ended", "background ended"]


async def test_failed_background_work_ends_the_server() -> None:
    settings = toy_settings()
    server = Server(settings, verify=Tokens(settings).verify)

    async def relay() -> None:
        raise KeyError("lost")

    with pytest.RaisesGroup(KeyError):
        await asyncio.wait_for(server.serve(relay()), 5)


async def test_a_used_port_is_said_clearly(world: ToyWorld) -> None:
    settings = toy_settings(listen=world.address)
    server = Server(settings, verify=Tokens(settings).verify)
    with pytest.raises(RuntimeError, match="bind"):
        await server.start()


async def test_a_caller_who_hangs_up_stops_the_handler(world: ToyWorld) -> None:
    arrived, undone = asyncio.Event(), asyncio.Event()

    async def act(_request: Any, _context: Any) -> Any:
        arrived.set()
        try:
            await asyncio.sleep(60)
        finally:
            undone.set()

    world.servicer.act = act
    async with world.client() as client:
        call = client.get(Toy())
        await arrived.wait()
        call.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await call
    await asyncio.wait_for(undone.wait(), 5)


async def test_an_expired_token_is_refused(world: ToyWorld) -> None:
    stale = world.tokens.issue(
        Principal(subject="s", roles=frozenset({Role.ADMIN})), lifetime=timedelta(minutes=-5)
    )
    async with world.client(None) as client:
        got = await refused(client.get(Toy(), metadata=(("authorization", f"Bearer {stale}"),)))
    assert got.code is grpc.StatusCode.UNAUTHENTICATED
