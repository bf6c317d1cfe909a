"""Webhooks over the real service, a real PostgreSQL, and receivers that are real HTTP servers and behave as badly as can be."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import grpc
import pytest
from google.protobuf.json_format import MessageToDict
from standardwebhooks import Webhook as Signature
from standardwebhooks.webhooks import WebhookVerificationError
from zhihui.feeds.v1 import feeds_pb2 as pb
from zhihui.feeds.v1 import feeds_pb2_grpc as pb_grpc

from libs.auth.principal import Role
from libs.clock import system_clock
from libs.ids import new_uuid
from libs.messaging.kafka import Received
from libs.messaging.topics import topics
from libs.postgres.pool import Pool, transaction
from libs.rpc.status import refusal_from
from services.feeds.adapters.postgres import PostgresArrivals, PostgresDue
from services.feeds.adapters.receiver import HttpReceiver, is_public
from services.feeds.adapters.sender import Sender
from services.feeds.api import consumer
from services.feeds.domain.webhook import WAITS_S
from tests.contract.examples import examples, key_of, version_of
from tests.integration.libs.test_messaging import running, until
from tests.support.clock import FixedClock
from tests.support.services import feeds_service
from tests.support.serving import calling

pytestmark = pytest.mark.postgres

PUBLIC = "public.event.v1"
TIMEOUT_S = 1.0


class Target:
    """An HTTP server that keeps what it got and answers as told."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.answer: Callable[[asyncio.StreamWriter], Any] = answers(204)
        self.url = ""
        self.connected = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connected += 1
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            headers = {
                name.lower(): value
                for name, _, value in (
                    line.partition(": ") for line in head.split("\r\n")[1:] if line
                )
            }
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            self.got.append((headers, body))
            await self.answer(writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


def answers(status: int, *, head: str = "", body: bytes = b"") -> Callable[..., Any]:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {status} X\r\n{head}content-length: {len(body)}\r\n\r\n".encode())
        writer.write(body)
        await writer.drain()

    return answer


async def never(writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def without_end(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
        await writer.drain()


@contextlib.asynccontextmanager
async def a_target() -> AsyncIterator[Target]:
    target = Target()
    server = await asyncio.start_server(target.serve, "127.0.0.1", 0)
    target.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    try:
        yield target
    finally:
        server.close()


@pytest.fixture
async def target() -> AsyncIterator[Target]:
    async with a_target() as target:
        yield target


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(system_clock().replace(microsecond=0))


@pytest.fixture
async def receiver() -> AsyncIterator[HttpReceiver]:
    receiver = HttpReceiver(private=True, timeout_s=TIMEOUT_S)
    yield receiver
    await receiver.close()


@pytest.fixture
async def service(
    fresh_database: str, clock: FixedClock, receiver: HttpReceiver
) -> AsyncIterator[tuple[str, Pool]]:
    async with feeds_service(fresh_database, clock, receiver=receiver) as found:
        yield found


@pytest.fixture
async def stub(service: tuple[str, Pool]) -> AsyncIterator[Any]:
    async with calling(service[0], pb_grpc.FeedsServiceStub, Role.CONSUMER, subject="media") as it:
        yield it


@pytest.fixture
async def sending(
    service: tuple[str, Pool], clock: FixedClock, receiver: HttpReceiver
) -> AsyncIterator[None]:
    sender = Sender(PostgresDue(service[1]), receiver, clock=clock, at_once=5, timeout_s=TIMEOUT_S)
    async with running(sender.run()):
        yield


async def create(stub: Any, url: str, *topics: str) -> Any:
    webhook = pb.Webhook(url=url, topics=topics or [PUBLIC])
    return await stub.CreateWebhook(pb.CreateWebhookRequest(webhook=webhook))


def received(name: str, *, key: str = "", gone: bool = False, id: UUID | None = None) -> Received:
    """A fact as the consumer gets it."""
    fact: Any = next(one for full, one in examples().items() if full.endswith(f".{name}"))
    (topic,) = (one.name for one in topics().values() if fact.DESCRIPTOR.full_name in one.types)
    return Received(
        topic=topic,
        partition=0,
        offset=0,
        message_id=id or new_uuid(),
        source="events",
        type="tombstone" if gone else fact.DESCRIPTOR.full_name,
        key=key or key_of(fact),
        version=version_of(fact),
        occurred_at=datetime(2026, 11, 23, 8, 0, tzinfo=UTC),
        traceparent=None,
        payload=None if gone else fact.SerializeToString(),
    )


async def arrive(pool: Pool, clock: FixedClock, *facts: Received) -> None:
    table = consumer.handlers(PostgresArrivals, clock=clock)
    async with transaction(pool) as connection:
        for fact in facts:
            kind = f"tombstone:{fact.topic}" if fact.payload is None else fact.type
            await table[kind](connection, fact)


async def deliveries(stub: Any, webhook: str) -> list[pb.Delivery]:
    answer = await stub.ListDeliveries(pb.ListDeliveriesRequest(webhook=webhook))
    return list(answer.deliveries)


async def only(stub: Any, webhook: str) -> pb.Delivery:
    (one,) = await deliveries(stub, webhook)
    return one


async def attempted(stub: Any, webhook: str, attempts: int) -> bool:
    """The last attempt has been noted, too."""
    one = await only(stub, webhook)
    return one.attempts == attempts and bool(one.last_status or one.last_error)


async def test_a_fact_arrives_signed_and_once(
    stub: Any, service: tuple[str, Pool], clock: FixedClock, target: Target, sending: None
) -> None:
    made = await create(stub, target.url)
    fact = received("PublicEventShown")
    await arrive(service[1], clock, fact, received("AssignmentPublished"))
    await arrive(service[1], clock, fact)  # again
    await until(lambda: attempted(stub, made.webhook.name, 1))
    ((headers, body),) = target.got
    content = Signature(made.secret).verify(body, headers)
    assert headers["webhook-id"] == str(fact.message_id)
    assert content["type"] == fact.type
    assert content["data"]["fact"] == MessageToDict(examples()[fact.type])
    assert (content["data"]["topic"], content["data"]["key"]) == (PUBLIC, fact.key)
    with pytest.raises(WebhookVerificationError):
        Signature(made.secret).verify(body + b" ", headers)

    await arrive(service[1], clock, received("PublicEventShown", gone=True))
    await until(lambda: len(target.got) == 2)
    gone = json.loads(target.got[1][1])
    assert (gone["type"], gone["data"]["fact"]) == ("tombstone", None)
    left = await deliveries(stub, made.webhook.name)
    assert [one.type for one in left] == ["tombstone"], "what is to be forgotten is not kept here"


@pytest.mark.parametrize(
    ("behaves", "says"),
    [
        (answers(500), "HTTP 500"),
        (answers(302, head="location: http://127.0.0.1:1/\r\n"), "redirects are not followed"),
        (never, "no whole answer within 1 s"),
        (None, "ConnectError"),
    ],
    ids=["error", "redirect", "slow", "dead"],
)
async def test_what_fails_is_tried_for_three_days_then_given_up_with_notice(
    *,
    stub: Any,
    service: tuple[str, Pool],
    clock: FixedClock,
    target: Target,
    sending: None,
    behaves: Any,
    says: str,
) -> None:
    url = target.url if behaves else "http://127.0.0.1:1/hook"
    target.answer = behaves or target.answer
    made = await create(stub, url)
    await arrive(service[1], clock, received("PublicEventShown"))
    began = clock.at
    for attempts, wait_s in enumerate(WAITS_S, start=1):
        await until(lambda attempts=attempts: attempted(stub, made.webhook.name, attempts))  # type: ignore[misc]
        delivery = await only(stub, made.webhook.name)
        assert says in delivery.last_error
        assert delivery.next_time.ToDatetime(UTC) == clock.at + timedelta(seconds=wait_s)
        clock.advance(timedelta(seconds=wait_s))
        if says != "HTTP 500" and attempts == 1:
            return  # the others differ in their first answer only
    assert clock.at - began > timedelta(days=3)
    await until(lambda: attempted(stub, made.webhook.name, len(WAITS_S) + 1))
    assert (await only(stub, made.webhook.name)).state == pb.Delivery.STATE_FAILED
    (after,) = (await stub.ListWebhooks(pb.ListWebhooksRequest())).webhooks
    assert (after.state, after.failed) == (pb.Webhook.STATE_DISABLED, 1)
    assert "三天" in after.notice
    assert "HTTP 500" in after.notice
    ids = {headers["webhook-id"] for headers, _ in target.got}
    assert len(ids) == 1, "each attempt has the fact's id"

    # what comes meanwhile waits; mended, resumed and replayed, everything arrives
    await arrive(service[1], clock, received("PublicEventShown", key="events/ev-2"))
    target.answer, target.got = answers(200), []
    await stub.ResumeWebhook(pb.ResumeWebhookRequest(name=after.name, request_id="resume-1"))
    again = await stub.ReplayDeliveries(
        pb.ReplayDeliveriesRequest(webhook=after.name, failed_only=True, request_id="replay-1")
    )
    assert again.count == 1
    await until(lambda: len(target.got) == 2)
    assert ids < {headers["webhook-id"] for headers, _ in target.got}


async def test_gone_is_gone_at_once(
    stub: Any, service: tuple[str, Pool], clock: FixedClock, target: Target, sending: None
) -> None:
    target.answer = answers(410)
    made = await create(stub, target.url)
    await arrive(service[1], clock, received("PublicEventShown"))
    await until(lambda: attempted(stub, made.webhook.name, 1))
    (after,) = (await stub.ListWebhooks(pb.ListWebhooksRequest())).webhooks
    assert after.state == pb.Webhook.STATE_DISABLED
    assert "410" in after.notice


async def test_an_answer_without_end_is_not_waited_for(
    stub: Any, service: tuple[str, Pool], clock: FixedClock, target: Target, sending: None
) -> None:
    target.answer = without_end
    made = await create(stub, target.url)
    await arrive(service[1], clock, received("PublicEventShown"))
    await until(lambda: attempted(stub, made.webhook.name, 1))
    assert (await only(stub, made.webhook.name)).state == pb.Delivery.STATE_DELIVERED


async def test_a_slow_receiver_holds_up_nobody_else(
    stub: Any, service: tuple[str, Pool], clock: FixedClock, target: Target, sending: None
) -> None:
    async with a_target() as slow:
        slow.answer = never
        await create(stub, slow.url)
        await create(stub, target.url)
        facts = [received("PublicEventShown", key=f"events/ev-{number}") for number in range(15)]
        await arrive(service[1], clock, *facts)
        await until(lambda: len(target.got) == len(facts))
        assert len(slow.got) < len(facts)
    order = [headers["webhook-id"] for headers, _ in target.got]
    assert order == [str(fact.message_id) for fact in facts]


async def test_paused_means_kept(
    stub: Any, service: tuple[str, Pool], clock: FixedClock, target: Target, sending: None
) -> None:
    made = await create(stub, target.url)
    await stub.PauseWebhook(pb.PauseWebhookRequest(name=made.webhook.name, request_id="pause-1"))
    async with a_target() as other:
        await create(stub, other.url)
        await arrive(service[1], clock, received("PublicEventShown"))
        await until(lambda: len(other.got) == 1)  # the sender has been by
    assert target.got == []
    await stub.ResumeWebhook(pb.ResumeWebhookRequest(name=made.webhook.name, request_id="resume-1"))
    await until(lambda: len(target.got) == 1)


async def test_after_a_rotation_both_secrets_are_good_for_a_day(
    stub: Any, service: tuple[str, Pool], clock: FixedClock, target: Target, sending: None
) -> None:
    made = await create(stub, target.url)
    name = made.webhook.name
    new = await stub.RotateWebhookSecret(pb.RotateWebhookSecretRequest(name=name))
    assert new.secret != made.secret
    await arrive(service[1], clock, received("PublicEventShown"))
    await until(lambda: len(target.got) == 1)
    headers, body = target.got[0]
    for secret in (made.secret, new.secret):
        Signature(secret).verify(body, headers)
    clock.advance(timedelta(days=1, seconds=1))
    await arrive(service[1], clock, received("PublicEventShown", key="events/ev-2"))
    await until(lambda: len(target.got) == 2)
    headers = target.got[1][0]
    assert len(headers["webhook-signature"].split()) == 1


async def refused(call: Any) -> str:
    with pytest.raises(grpc.RpcError) as error:
        await call
    return refusal_from(error.value).reason


async def test_only_what_the_owner_may_read(
    stub: Any, service: tuple[str, Pool], target: Target
) -> None:
    assert (await create(stub, target.url, "events.event.v1")).secret
    assert await refused(create(stub, target.url, "experts.expert.v1")) == "TOPIC_NOT_GRANTED"
    assert await refused(create(stub, target.url, "events.none.v1")) == "UNKNOWN_FACT_TOPIC"
    async with calling(
        service[0], pb_grpc.FeedsServiceStub, Role.DISTRICT_COORDINATOR, subject="district"
    ) as district:
        assert await refused(create(district, target.url, "events.event.v1")) == "TOPIC_NOT_GRANTED"
        (mine,) = (await stub.ListWebhooks(pb.ListWebhooksRequest())).webhooks
        assert not (await district.ListWebhooks(pb.ListWebhooksRequest())).webhooks
        ask = pb.ListDeliveriesRequest(webhook=mine.name)
        assert await refused(district.ListDeliveries(ask)) == "WEBHOOK_NOT_FOUND"
        delete = pb.DeleteWebhookRequest(name=mine.name)
        assert await refused(district.DeleteWebhook(delete)) == "WEBHOOK_NOT_FOUND"
    async with calling(service[0], pb_grpc.FeedsServiceStub, Role.EXPERT, subject="ex") as expert:
        assert await refused(create(expert, target.url)) == "ROLE_NOT_SUFFICIENT"
    await stub.DeleteWebhook(pb.DeleteWebhookRequest(name=mine.name, request_id="delete-1"))
    assert not (await stub.ListWebhooks(pb.ListWebhooksRequest())).webhooks


INSIDE = (
    "https://127.0.0.1/",
    "https://localhost/",
    "https://[::1]/",
    "https://[::ffff:10.0.0.1]/",
    "https://10.1.2.3/",
    "https://169.254.169.254/latest/meta-data",
    "https://0.0.0.0/",
    "https://2130706433/",
    "http://1.1.1.1/",
    "https://user:word@1.1.1.1/",
)


async def test_nothing_is_sent_into_the_house(fresh_database: str) -> None:
    """Refused when it is made, and again at each attempt: a name may lead elsewhere by then."""
    receiver = HttpReceiver(private=False, timeout_s=TIMEOUT_S)
    async with (
        feeds_service(fresh_database, FixedClock(), receiver=receiver) as (address, _),
        calling(address, pb_grpc.FeedsServiceStub, Role.CONSUMER) as stub,
    ):
        for url in INSIDE:
            answer = await receiver.send(url, body=b"{}", headers={})
            assert answer.status == 0
            assert answer.error in {
                "the address is not on the public network",
                "https is needed",
                "no user name or password in the address",
            }, url
            assert await refused(create(stub, url)) == "TARGET_REFUSED"
    await receiver.close()


def test_public_addresses_are_public() -> None:
    assert is_public("1.1.1.1")
    assert is_public("2606:4700:4700::1111")
    for inside in (
        "100.64.0.1",
        "192.168.1.1",
        "fc00::1",
        "fe80::1%eth0",
        "224.0.0.1",
        "2002:7f00:1::",
    ):
        assert not is_public(inside), inside
