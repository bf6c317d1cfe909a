"""From the outbox to the effect, over a real PostgreSQL and real sockets: nothing lost, nothing invented, effects once."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer

from libs.errors import WrongState
from libs.ids import new_id, new_uuid
from libs.messaging import MESSAGING_MIGRATIONS, kafka
from libs.messaging.consumer import Consumer, Together, tombstone
from libs.messaging.kafka import Received
from libs.messaging.outbox import OutgoingMessage, append, append_all
from libs.messaging.relay import BATCH, REPLAY_BATCHES, YIELD_S, Relay, Source, republish
from libs.messaging.topics import fence_of
from libs.postgres.migrate import dsn_of, migrate
from libs.postgres.pool import Connection, Pool, create_pool, transaction
from libs.settings import ServiceSettings

pytestmark = [pytest.mark.postgres]

AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
TOPIC = "events.request.v1"
TYPE = "zhihui.events.v1.RequestSubmitted"


class NotLiked(WrongState):
    """This fact is refused by the test's handler."""


def a_fact(key: str, version: int = 1, **others: Any) -> OutgoingMessage:
    values = {
        "message_id": new_uuid(),
        "topic": TOPIC,
        "key": key,
        "type": TYPE,
        "version": version,
        "occurred_at": AT,
        "payload": f"{key} {version}".encode(),
    }
    return OutgoingMessage(**(values | others))


@pytest.fixture
def settings(fresh_database: str, any_broker: str) -> ServiceSettings:
    migrate(fresh_database, MESSAGING_MIGRATIONS, schema="events", role="events")
    return ServiceSettings(
        service="events",
        database_dsn=dsn_of(fresh_database, role="events"),
        database_connections_min=0,
        kafka_bootstrap=any_broker,
    )


@pytest.fixture
async def pool(settings: ServiceSettings) -> AsyncIterator[Pool]:
    async with create_pool(settings) as pool:
        await pool.execute("SELECT 1")
        yield pool


@contextlib.asynccontextmanager
async def running(*work: Awaitable[None]) -> AsyncIterator[None]:
    """`work` goes on inside the block and is cancelled after it."""
    tasks = [asyncio.ensure_future(one) for one in work]  # noqa: TID251  # cancelled right here
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until(condition: Callable[[], Awaitable[bool] | bool], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while True:
            answer = condition()
            if (await answer) if isinstance(answer, Awaitable) else answer:
                return
            await asyncio.sleep(0.02)


async def published(settings: ServiceSettings, topic: str = TOPIC) -> list[Received]:
    return [fact async for fact in kafka.read(settings.kafka_bootstrap, [topic], follow=False)]


async def all_published(pool: Pool) -> bool:
    return not await pool.fetchval("SELECT count(*) FROM outbox_waiting")


async def publish(pool: Pool, settings: ServiceSettings, *facts: OutgoingMessage) -> None:
    async with transaction(pool) as connection:
        await append_all(connection, facts)
    async with running(Relay(pool, settings).run()):
        await until(lambda: all_published(pool))


class Seen:
    """A handler that keeps what it got, and does as it is told."""

    def __init__(self) -> None:
        self.facts: list[tuple[str, int]] = []
        self.fail: Callable[[Received], Exception | None] = lambda _fact: None

    async def __call__(self, connection: Connection, fact: Received) -> None:
        error = self.fail(fact)
        if error is not None:
            raise error
        self.facts.append((fact.key, fact.version))


def a_consumer(pool: Pool, settings: ServiceSettings, seen: Seen, **others: Any) -> Consumer:
    handlers = {TYPE: seen, tombstone(TOPIC): seen}
    return Consumer(
        pool, settings, group=others.get("group", "test"), topics=[TOPIC], handlers=handlers
    )


async def test_a_fact_dies_with_its_transaction(pool: Pool, settings: ServiceSettings) -> None:
    with pytest.raises(ZeroDivisionError):
        async with transaction(pool) as connection:
            await append(connection, a_fact("requests/undone"))
            raise ZeroDivisionError
    await publish(pool, settings, a_fact("requests/done"))
    assert [fact.key for fact in await published(settings)] == ["requests/done"]


async def test_a_message_id_is_appended_once(pool: Pool) -> None:
    fact = a_fact("requests/a")
    async with transaction(pool) as connection:
        await append(connection, fact)
    with pytest.raises(asyncpg.UniqueViolationError):
        async with transaction(pool) as connection:
            await append(connection, fact)


async def test_what_arrives_is_what_was_announced(pool: Pool, settings: ServiceSettings) -> None:
    fact = a_fact("requests/a", 7)
    await publish(pool, settings, fact)
    for topic in (TOPIC, "events.request.state.v1"):
        (got,) = await published(settings, topic)
        assert (got.message_id, got.type, got.key, got.version, got.occurred_at, got.payload) == (
            fact.message_id,
            TYPE,
            "requests/a",
            7,
            AT,
            b"requests/a 7",
        )
        assert got.source == "events"


async def test_facts_of_a_key_stay_in_order(pool: Pool, settings: ServiceSettings) -> None:
    facts = [a_fact(f"requests/{n % 5}", n // 5 + 1) for n in range(1000)]
    await publish(pool, settings, *facts)
    got = await published(settings)
    assert len(got) == 1000
    for key in {fact.key for fact in got}:
        assert [fact.version for fact in got if fact.key == key] == list(range(1, 201))


async def test_a_slow_transaction_holds_nobody_up_and_is_not_forgotten(
    pool: Pool, settings: ServiceSettings
) -> None:
    async with running(Relay(pool, settings).run()):
        async with transaction(pool) as slow:
            await append(slow, a_fact("requests/slow"))
            async with transaction(pool) as quick:
                await append(quick, a_fact("requests/quick"))
            await until(lambda: all_published(pool))
        await until(lambda: all_published(pool))
        await until(lambda: _keys(settings, {"requests/slow", "requests/quick"}))


async def _keys(settings: ServiceSettings, wanted: set[str]) -> bool:
    return {fact.key for fact in await published(settings)} == wanted


async def test_a_key_keeps_its_order_however_transactions_are_numbered(
    pool: Pool, settings: ServiceSettings
) -> None:
    """The later change's transaction is the older one, and one between them is still open (docs/adr/0030)."""
    number = "SELECT pg_current_xact_id()"
    async with transaction(pool) as second:
        await second.execute(number)
        async with transaction(pool) as open_still:
            await open_still.execute(number)
            async with transaction(pool) as first:
                await append(first, a_fact("requests/a", 1))
            await append(second, a_fact("requests/a", 2))
            await second.execute("COMMIT")
            await second.execute("BEGIN")  # what the block's end commits
            async with running(Relay(pool, settings).run()):
                await until(lambda: all_published(pool))
                await open_still.execute("SELECT 1")
    assert [fact.version for fact in await published(settings)] == [1, 2]


async def test_new_facts_pass_a_backlog_and_keep_the_order_of_their_key(
    pool: Pool, settings: ServiceSettings
) -> None:
    old = [a_fact(f"requests/old{n}") for n in range(40 * BATCH)]
    async with transaction(pool) as connection:
        await append_all(connection, [*old, a_fact("requests/both", 1)])
    new = [a_fact("requests/new", 1), a_fact("requests/both", 2), a_fact("requests/new", 2)]
    async with running(Relay(pool, settings).run()):
        await until(lambda: some_published(pool))
        async with transaction(pool) as connection:
            await append_all(connection, new)
        await until(lambda: _out(pool, "requests/new"))
        assert await pool.fetchval("SELECT count(*) FROM outbox_waiting") > BATCH, "old ones wait"
        await until(lambda: all_published(pool), seconds=60)
    facts = await published(settings)
    for key in ("requests/new", "requests/both"):
        assert [fact.version for fact in facts if fact.key == key] == [1, 2]


async def test_a_new_fact_does_not_pass_one_that_was_committed_between_two_looks(
    pool: Pool,
) -> None:
    """An older fact of the key, at a position before all that waited at the first look, is seen by the second one only."""
    async with transaction(pool) as slow, pool.acquire() as connection:
        await append(slow, a_fact("requests/both", 1))
        async with transaction(pool) as quick:
            await append_all(quick, [a_fact(f"requests/old{n % BATCH}") for n in range(6 * BATCH)])

        class Between:
            """The relay's connection, on which time passes after its first look."""

            def __init__(self) -> None:
                self.looks = 0

            async def fetch(self, *arguments: Any) -> Any:
                found = await connection.fetch(*arguments)
                self.looks += 1
                if self.looks == 3:  # the second batch's first one
                    await slow.execute("COMMIT")
                    await slow.execute("BEGIN")  # what the block's end commits
                    async with transaction(pool) as later:
                        await append_all(
                            later, [a_fact("requests/both", 2), a_fact("requests/new")]
                        )
                return found

            async def fetchval(self, *arguments: Any) -> Any:
                return await connection.fetchval(*arguments)

        source = Source(Between())
        first = await source.next(gone=[])
        assert {row["key"] for row in first} == {f"requests/old{n}" for n in range(BATCH)}
        second = await source.next(gone=[row["position"] for row in first])
        keys = [row["key"] for row in second]
        assert "requests/new" in keys
        assert "requests/both" not in keys


async def test_what_waits_is_carried_over_and_whoever_writes_a_fact_has_it_wait(
    fresh_database: str, any_broker: str, tmp_path: Path
) -> None:
    """The outbox as it was before it had a table of what waits; facts are also written by a program of that time."""
    for path in MESSAGING_MIGRATIONS.glob("0000.*"):
        shutil.copy(path, tmp_path)
    migrate(fresh_database, tmp_path, schema="events", role="events")
    write = """
        INSERT INTO events.outbox (message_id, topic, key, type, version, occurred_at, payload)
        VALUES (gen_random_uuid(), 'events.request.v1', $1, 'zhihui.events.v1.RequestChanged', 1, now(), '')
    """
    owner = await asyncpg.connect(fresh_database)
    try:
        for key in ("requests/out", "requests/waits"):
            await owner.execute(write, key)
        await owner.execute(
            "UPDATE events.outbox SET published_at = now() WHERE key = 'requests/out'"
        )
        migrate(fresh_database, MESSAGING_MIGRATIONS, schema="events", role="events")
        await owner.execute(write, "requests/later")
    finally:
        await owner.close()
    settings = ServiceSettings(
        service="events",
        database_dsn=dsn_of(fresh_database, role="events"),
        database_connections_min=0,
        kafka_bootstrap=any_broker,
    )
    async with create_pool(settings) as pool:
        await publish(pool, settings, a_fact("requests/now"))
    assert {fact.key for fact in await published(settings)} == {
        "requests/waits",
        "requests/later",
        "requests/now",
    }


async def _out(pool: Pool, key: str) -> bool:
    waiting = "SELECT count(*) FROM outbox_waiting JOIN outbox USING (position) WHERE key = $1"
    return not await pool.fetchval(waiting, key)


async def test_facts_wait_for_a_rush_of_calls_and_for_a_second_at_most(
    pool: Pool, settings: ServiceSettings
) -> None:
    rush = [True]
    async with running(Relay(pool, settings, rushed=lambda: rush[0]).run()):
        for over in (True, False):
            await asyncio.sleep(0.3)  # the relay has looked, and waits for news
            async with transaction(pool) as connection:
                await append(connection, a_fact(f"requests/{over}"))
            await asyncio.sleep(YIELD_S / 2)
            assert not await all_published(pool)
            rush[0] = not over
            await until(lambda: all_published(pool), seconds=5)
            rush[0] = True


async def _inbox(pool: Pool, count: int) -> bool:
    there: int = await pool.fetchval("SELECT count(*) FROM inbox")
    return there == count


async def some_published(pool: Pool) -> bool:
    count: int = await pool.fetchval(
        "SELECT count(*) FROM outbox WHERE position NOT IN (SELECT position FROM outbox_waiting)"
    )
    return count > 0


async def test_only_one_relay_works(pool: Pool, settings: ServiceSettings) -> None:
    async with running(Relay(pool, settings).run(), Relay(pool, settings).run()):
        for n in range(20):
            async with transaction(pool) as connection:
                await append(connection, a_fact(f"requests/{n}"))
        await until(lambda: all_published(pool))
    assert len(await published(settings)) == 20


async def test_a_replay_does_not_leave_an_old_fact_as_the_newest(
    pool: Pool, settings: ServiceSettings
) -> None:
    """A fact that comes while older ones of its key are replayed waits for them: the state twin keeps the newest."""
    await publish(pool, settings, a_fact("requests/a", 1))

    versions = iter([2])

    class Slow(kafka.Producer):
        async def send_all(self, records: Any) -> Any:
            for version in versions:  # with the first batch
                async with transaction(pool) as connection:
                    earlier = AT - timedelta(
                        seconds=1
                    )  # a clock that stepped: not among what is replayed
                    await append(connection, a_fact("requests/a", version, occurred_at=earlier))
                with contextlib.suppress(TimeoutError):  # the relay had all the time to go first
                    await until(lambda: all_published(pool), seconds=1)
            return await super().send_all(records)

    def slow() -> kafka.Producer:
        return Slow(settings.kafka_bootstrap, client="replay", fence=fence_of("events"))

    async with running(Relay(pool, settings).run()):
        async with pool.acquire() as connection:
            await republish(connection, slow, service="events", since=AT)
        await until(lambda: all_published(pool))
    newest = (await published(settings, "events.request.state.v1"))[-1]
    assert newest.version == 2


async def replay(pool: Pool, settings: ServiceSettings, **others: Any) -> int:
    async with pool.acquire() as connection:
        return await republish(
            connection,
            lambda: kafka.Producer(
                settings.kafka_bootstrap, client="replay", fence=fence_of("events")
            ),
            service="events",
            **others,
        )


async def test_a_replay_that_ends_half_way_leaves_the_newest_as_the_newest(
    pool: Pool, settings: ServiceSettings
) -> None:
    versions = range(1, BATCH + 2)
    await publish(pool, settings, *(a_fact("requests/a", version) for version in versions))
    assert await replay(pool, settings, there=lambda _position: False) == BATCH
    assert (await published(settings))[-1].version == BATCH
    assert (await published(settings, "events.request.state.v1"))[-1].version == BATCH + 1


async def test_a_long_replay_lets_new_facts_through(pool: Pool, settings: ServiceSettings) -> None:
    old = [a_fact(f"requests/old{n}") for n in range(3 * REPLAY_BATCHES * BATCH)]
    await publish(pool, settings, *old)
    async with running(Relay(pool, settings).run()):
        left = [REPLAY_BATCHES + 1]

        def there(_position: int) -> bool:
            left[0] -= 1
            return True

        async def meanwhile() -> None:
            await until(lambda: left[0] <= 0)
            async with transaction(pool) as connection:
                await append(connection, a_fact("requests/new"))
            await until(lambda: all_published(pool))
            assert not replaying.done(), "it waited until the replay was over"

        async with asyncio.TaskGroup() as tasks:
            replaying = tasks.create_task(replay(pool, settings, there=there))
            tasks.create_task(meanwhile())
        assert replaying.result() == len(old) + 1  # it is published by then, and goes out again


async def test_a_repeat_has_no_effect(pool: Pool, settings: ServiceSettings) -> None:
    await publish(pool, settings, a_fact("requests/a"), a_fact("requests/b"))
    assert await replay(pool, settings) == 2
    seen = Seen()
    async with running(a_consumer(pool, settings, seen).run()):
        await until(lambda: len(seen.facts) >= 2)
        await publish(pool, settings, a_fact("requests/last"))
        await until(lambda: ("requests/last", 1) in seen.facts)
    assert sorted(seen.facts) == [("requests/a", 1), ("requests/b", 1), ("requests/last", 1)]
    assert len(await published(settings)) == 5


async def test_an_older_version_comes_too_late(pool: Pool, settings: ServiceSettings) -> None:
    await publish(pool, settings, a_fact("requests/a", 2), a_fact("requests/a", 1))
    await publish(pool, settings, a_fact("requests/a", 3))
    seen = Seen()
    async with running(a_consumer(pool, settings, seen).run()):
        await until(lambda: ("requests/a", 3) in seen.facts)
    assert seen.facts == [("requests/a", 2), ("requests/a", 3)]


async def test_a_tombstone_has_a_handler_of_its_own(pool: Pool, settings: ServiceSettings) -> None:
    gone = a_fact("requests/a", 2, payload=None, type="tombstone")
    await publish(pool, settings, a_fact("requests/a"), gone)
    seen = Seen()
    async with running(a_consumer(pool, settings, seen).run()):
        await until(lambda: len(seen.facts) == 2)
    assert seen.facts == [("requests/a", 1), ("requests/a", 2)]


async def test_a_refused_fact_is_put_aside_and_the_others_go_on(
    pool: Pool, settings: ServiceSettings
) -> None:
    await publish(pool, settings, *(a_fact(f"requests/{n}") for n in range(5)))
    seen = Seen()
    seen.fail = lambda fact: NotLiked("not liked") if fact.key == "requests/2" else None
    async with running(a_consumer(pool, settings, seen).run()):
        await until(
            lambda: {key for key, _ in seen.facts} >= {f"requests/{n}" for n in (0, 1, 3, 4)}
        )
        await until_dead(settings)
    (dead,) = await dead_letters(settings)
    assert dead == {
        "ce_subject": "requests/2",
        "dead_reason": "NOT_LIKED",
        "dead_topic": TOPIC,
        "dead_handler": "test",
        "dead_attempt": "1",
    }


async def test_facts_of_one_kind_come_together_in_order_and_a_refused_one_alone(
    pool: Pool, settings: ServiceSettings
) -> None:
    facts = [a_fact(f"requests/{n % 8}", n // 8 + 1) for n in range(40)]
    gone = a_fact("requests/0", 6, payload=None, type="tombstone")
    await publish(pool, settings, *facts, gone)
    wanted = {fact.message_id for fact in facts if (fact.key, fact.version) != ("requests/3", 2)}
    pages: list[list[Received]] = []

    async def handle(_connection: Connection, page: Any) -> None:
        if any((fact.key, fact.version) == ("requests/3", 2) for fact in page):
            raise NotLiked("not liked")
        pages.append([*page])

    seen = Seen()
    consumer = Consumer(
        pool,
        settings,
        group="test",
        topics=[TOPIC],
        handlers={TYPE: Together(handle), tombstone(TOPIC): seen},
    )
    async with running(consumer.run()):
        await until(lambda: {fact.message_id for page in pages for fact in page} >= wanted)
        await until_dead(settings)
        await until(lambda: bool(seen.facts))
    assert seen.facts[-1] == ("requests/0", 6)
    assert max(len(page) for page in pages) > 1
    for n in range(8):
        mine = [fact.version for page in pages for fact in page if fact.key == f"requests/{n}"]
        assert mine[-5:] == ([1, 3, 4, 5] if n == 3 else [1, 2, 3, 4, 5])[-5:]


async def dead_letters(settings: ServiceSettings) -> list[dict[str, str]]:
    wanted = ("ce_subject", "dead_reason", "dead_topic", "dead_handler", "dead_attempt")
    found = []
    async for fact in kafka.read_records(settings.kafka_bootstrap, ["events.dead.v1"]):
        headers = dict(fact.headers)
        found.append({name: headers[name].decode() for name in wanted})
    return found


async def until_dead(settings: ServiceSettings) -> None:
    async with asyncio.timeout(20):
        while not await dead_letters(settings):
            await asyncio.sleep(0.1)


async def test_an_outage_is_waited_out(pool: Pool, settings: ServiceSettings) -> None:
    await publish(pool, settings, a_fact("requests/a"))
    seen, left = Seen(), [2]

    def away(_fact: Received) -> Exception | None:
        left[0] -= 1
        return ConnectionResetError("away") if left[0] >= 0 else None

    seen.fail = away
    async with running(a_consumer(pool, settings, seen).run()):
        await until(lambda: _inbox(pool, 1))
    assert seen.facts == [("requests/a", 1)]


async def test_a_dead_letter_waits_for_its_broker(fresh_database: str, tmp_path: Path) -> None:
    """A broker that goes away while a refused fact is put aside is an outage: the partition is not stopped for it."""
    from tests.support.broker import start_broker

    migrate(fresh_database, MESSAGING_MIGRATIONS, schema="events", role="events")
    process, address = start_broker(tmp_path)
    settings = ServiceSettings(
        service="events",
        database_dsn=dsn_of(fresh_database, role="events"),
        database_connections_min=0,
        kafka_bootstrap=address,
    )
    try:
        async with create_pool(settings) as pool:
            await publish(pool, settings, a_fact("requests/a"))
            refused = asyncio.Event()

            class Away(kafka.Producer):
                async def send(self, *_: Any, **__: Any) -> Any:
                    refused.set()
                    raise ConnectionResetError("away")

            seen = Seen()
            seen.fail = lambda _fact: NotLiked("not liked")
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(kafka, "Producer", Away)
                consumer = a_consumer(pool, settings, seen)
                async with running(consumer.run()):
                    await until(refused.is_set)
                    patch.undo()
                    await until_dead(settings)
    finally:
        process.kill()
        process.wait()


async def test_a_partition_that_has_gone_to_another_member_has_no_lag_here(
    settings: ServiceSettings,
) -> None:
    async with kafka.Group(settings.kafka_bootstrap, group="test", topics=[TOPIC]) as members:
        assert members.lag(topic="events.event.v1", partition=0, offset=0) == 0


async def test_a_client_that_ends_badly_does_not_end_its_process(
    settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client raises the cancellation of its own fetch when the broker goes away at the wrong moment."""
    end = AIOKafkaConsumer.stop

    async def stop(self: Any) -> None:
        await end(self)
        raise asyncio.CancelledError

    monkeypatch.setattr(AIOKafkaConsumer, "stop", stop)
    async with kafka.Group(settings.kafka_bootstrap, group="test", topics=[TOPIC]):
        pass
    monkeypatch.undo()


async def test_a_bug_stops_its_partition_and_loses_nothing(
    pool: Pool, settings: ServiceSettings
) -> None:
    await publish(pool, settings, *(a_fact(f"requests/{n}") for n in range(12)))
    seen = Seen()
    seen.fail = lambda fact: ZeroDivisionError() if fact.key == "requests/3" else None
    partitions = {fact.key: fact.partition for fact in await published(settings)}
    others = {key for key in partitions if partitions[key] != partitions["requests/3"]}
    async with running(a_consumer(pool, settings, seen).run()):
        await until(lambda: {key for key, _ in seen.facts} >= others)
    seen.fail = lambda _fact: None
    async with running(a_consumer(pool, settings, seen).run()):  # after the fix
        await until(lambda: {key for key, _ in seen.facts} == set(partitions))
        await until(lambda: _inbox(pool, 12))


async def test_an_unknown_type_is_passed_over(pool: Pool, settings: ServiceSettings) -> None:
    await publish(
        pool, settings, a_fact("requests/a", type="zhihui.events.v9.New"), a_fact("requests/b")
    )
    seen = Seen()
    async with running(a_consumer(pool, settings, seen).run()):
        await until(lambda: bool(seen.facts))
    assert seen.facts == [("requests/b", 1)]


async def test_two_groups_each_get_everything(pool: Pool, settings: ServiceSettings) -> None:
    await publish(pool, settings, a_fact("requests/a"))
    first, second = Seen(), Seen()
    async with running(
        a_consumer(pool, settings, first, group="first").run(),
        a_consumer(pool, settings, second, group="second").run(),
    ):
        await until(lambda: bool(first.facts and second.facts))


async def test_a_broker_that_comes_late_is_waited_for(fresh_database: str, tmp_path: Path) -> None:
    """The relay retries until the broker is there, and nothing is published twice or lost for it."""
    from tests.support.broker import start_broker

    migrate(fresh_database, MESSAGING_MIGRATIONS, schema="events", role="events")
    process, address = start_broker(tmp_path)
    process.kill()
    process.wait()
    settings = ServiceSettings(
        service="events",
        database_dsn=dsn_of(fresh_database, role="events"),
        database_connections_min=0,
        kafka_bootstrap=address,
    )
    async with create_pool(settings) as pool:
        async with transaction(pool) as connection:
            await append(connection, a_fact(f"requests/{new_id('x')}"))
        async with running(Relay(pool, settings).run()):
            await asyncio.sleep(1)
            assert not await all_published(pool)
        process, address = start_broker(tmp_path)
        try:
            settings = settings.model_copy(update={"kafka_bootstrap": address})
            async with running(Relay(pool, settings).run()):
                await until(lambda: all_published(pool))
        finally:
            process.kill()
            process.wait()


def test_every_header_is_needed() -> None:
    envelope = kafka.Envelope(
        message_id=UUID(int=1),
        source="events",
        type=TYPE,
        key="requests/a",
        version=1,
        occurred_at=AT,
    )
    headers = kafka.headers_of(envelope)
    whole = kafka.received_from(topic=TOPIC, partition=0, offset=0, headers=headers, payload=b"")
    assert (whole.message_id, whole.occurred_at) == (UUID(int=1), AT)
    for name in ("ce_id", "ce_source", "ce_type", "ce_subject", "ce_aggregateversion", "ce_time"):
        fewer = [header for header in headers if header[0] != name]
        with pytest.raises(kafka.BadEnvelope):
            kafka.received_from(topic=TOPIC, partition=0, offset=0, headers=fewer, payload=b"")
