"""The look at all facts: over a real broker and a real PostgreSQL, asked over gRPC, shown as the page shows it."""

from typing import Any

import pytest
from zhihui.feeds.v1 import feeds_pb2 as pb
from zhihui.feeds.v1 import feeds_pb2_grpc as pb_grpc

from libs.auth.principal import Role
from libs.messaging import MESSAGING_MIGRATIONS, kafka, operations
from libs.messaging.outbox import append_all
from libs.messaging.topics import dead_letter_topic
from libs.postgres.migrate import dsn_of, migrate
from libs.postgres.pool import create_pool, transaction
from libs.settings import ServiceSettings
from services.feeds.adapters.receiver import HttpReceiver
from services.feeds.adapters.status import StatusWatch
from services.web.adapters.plain import plain
from services.web.api.operations import page
from tests.integration.libs.test_messaging import a_fact
from tests.support.clock import FixedClock
from tests.support.services import feeds_service
from tests.support.serving import calling

pytestmark = pytest.mark.postgres


async def test_operators_see_what_waits_what_was_refused_and_who_holds_it_up(
    fresh_database: str, fresh_broker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(fresh_database, MESSAGING_MIGRATIONS, schema="events", role="events")
    settings = ServiceSettings(
        service="events",
        database_dsn=dsn_of(fresh_database, role="events"),
        database_connections_min=0,
        kafka_bootstrap=fresh_broker,
    )
    clock, receiver = FixedClock(), HttpReceiver(private=True, timeout_s=1)
    watch = StatusWatch(owner_dsn=fresh_database, bootstrap=fresh_broker, clock=clock)
    async with (
        create_pool(settings) as pool,
        feeds_service(fresh_database, clock, receiver=receiver, watch=watch) as (address, _),
        calling(address, pb_grpc.FeedsServiceStub, Role.AUDITOR) as stub,
    ):

        async def status() -> Any:
            await watch.look()
            answer = await stub.GetFactsStatus(pb.GetFactsStatusRequest())
            return answer.status

        before = await stub.GetFactsStatus(pb.GetFactsStatusRequest())
        assert not before.status.HasField("as_of_time")
        assert "正在查看" in page(plain(before.status), nonce="n")
        well = await status()
        assert not well.worry
        assert "正常" in page(plain(well), nonce="n")

        async with transaction(pool) as connection:
            await append_all(connection, [a_fact("requests/waits")])
        async with kafka.Producer(fresh_broker, client="test") as producer:
            topic = dead_letter_topic("events")
            await (await producer.send(topic, key="requests/bad", payload=b"", headers=[]))
        monkeypatch.setattr(operations, "LONG_S", 0)
        async with transaction(pool) as connection:
            await append_all(connection, [a_fact("requests/held")])
            await connection.fetchval("SELECT '<b>' AS stuck")
            told = await status()
        assert told.worry
        (outbox,) = (one for one in told.outboxes if one.service == "events")
        assert (outbox.waiting, outbox.published) == (1, 0)
        assert outbox.age_s > 60
        assert {one.service: one.count for one in told.dead_letters}["events"] == 1
        (held_by,) = told.long_transactions
        assert (held_by.application, held_by.state) == ("zhihui-events", "idle in transaction")
        shown = page(plain(told), nonce="n")
        assert "请处理" in shown
        assert "&lt;b&gt;" in shown
        assert "<b>" not in shown
        assert "zhihui-events" in shown
    await receiver.close()
