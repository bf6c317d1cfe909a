"""The consumer kit: say what to do with each type of fact; the effect happens once, in your own transaction.

    subscription = Subscription(group="media", topics=["public.event.v1"])

    @subscription.on(PublicEventShown)
    async def show(connection: Connection, fact: Fact[PublicEventShown]) -> None:
        await connection.execute("INSERT …", fact.message.title)

    @subscription.on_tombstone("public.event.v1")
    async def take_down(connection: Connection, fact: Fact[None]) -> None:
        await connection.execute("DELETE …", fact.key)

    asyncio.run(serve(subscription, settings))

What the handler writes with `connection` is committed together with the inbox, or not at all. What happens to a fact:

* seen before, or older than one seen of the same key: no effect;
* of a type nobody handles: passed over;
* the handler raises a `libs.errors.Refusal`, or the bytes cannot be read: a dead letter with the reason; the others go on;
* the database or the broker is away: it waits, with backoff, and tries again;
* anything else is a bug: its partition stops until the process starts again; nothing is lost;
* SIGTERM: what is in hand is finished and committed.

`libs/facts/package.py` puts it into a folder that `pip install` takes where the rest of Zhihui is not; docs/consumers.md
goes through two whole consumers. The schema needs the tables of `libs.messaging.MESSAGING_MIGRATIONS`. Metrics: `zhihui_consumer_facts_total`,
`zhihui_consumer_lag`, `zhihui_consumer_stopped`.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

import structlog
from google.protobuf.message import DecodeError, Message

from libs.facts.messages import UnreadableFact, fact_types, message_of
from libs.messaging import kafka
from libs.messaging.consumer import Consumer, Handler, tombstone
from libs.messaging.kafka import Received
from libs.messaging.topics import dead_letters_of
from libs.postgres.pool import Connection, Pool, create_pool
from libs.settings import ServiceSettings

Payload = TypeVar("Payload", bound="Message | None")
Kind = TypeVar("Kind", bound=Message)

_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Fact(Generic[Payload]):
    """A fact with its payload read; `message` is None for a tombstone."""

    message: Payload
    topic: str
    key: str
    """Resource name of the thing."""
    version: int
    """Of the thing, after it."""
    message_id: UUID
    occurred_at: datetime


class Subscription:
    """Handlers by type of fact for one consumer group."""

    def __init__(self, *, group: str, topics: Sequence[str]) -> None:
        self.group = group
        self.topics = tuple(topics)
        self._handlers: dict[str, Handler] = {}

    def on(
        self, kind: type[Kind]
    ) -> Callable[
        [Callable[[Connection, Fact[Kind]], Awaitable[None]]],
        Callable[[Connection, Fact[Kind]], Awaitable[None]],
    ]:
        """Let the decorated function handle facts of `kind`."""
        name = kind.DESCRIPTOR.full_name
        assert name in fact_types(), f"{name} is no fact"

        def register(
            handle: Callable[[Connection, Fact[Kind]], Awaitable[None]],
        ) -> Callable[[Connection, Fact[Kind]], Awaitable[None]]:
            self._add(name, handle)
            return handle

        return register

    def on_tombstone(
        self, topic: str
    ) -> Callable[
        [Callable[[Connection, Fact[None]], Awaitable[None]]],
        Callable[[Connection, Fact[None]], Awaitable[None]],
    ]:
        """Let the decorated function handle what `topic` says is to be forgotten."""
        assert topic in self.topics, f"{topic} is not subscribed"

        def register(
            handle: Callable[[Connection, Fact[None]], Awaitable[None]],
        ) -> Callable[[Connection, Fact[None]], Awaitable[None]]:
            self._add(tombstone(topic), handle)
            return handle

        return register

    def _add(self, name: str, handle: Callable[[Connection, Fact[Any]], Awaitable[None]]) -> None:
        assert name not in self._handlers, f"{name} has two handlers"

        async def read_and_handle(connection: Connection, fact: Received) -> None:
            await handle(connection, _read(fact))

        self._handlers[name] = read_and_handle

    async def run(
        self, pool: Pool, settings: ServiceSettings, *, stop: asyncio.Event | None = None
    ) -> None:
        """Consume until `stop` is set; outages are waited out."""
        backoff_s = 0.1
        while True:
            try:
                dead_letters = dead_letters_of(settings.service)
                await kafka.apply_topics(settings.kafka_bootstrap, [dead_letters], replicas=1)
                break
            except kafka.OUTAGES as error:
                _log.warning("consumer_outage", error=repr(error), again_in_s=backoff_s)
                await asyncio.sleep(backoff_s)
                backoff_s = min(2 * backoff_s, 10)
        consumer = Consumer(
            pool, settings, group=self.group, topics=self.topics, handlers=self._handlers
        )
        await consumer.run(stop)


def _read(fact: Received) -> Fact[Any]:
    try:
        message = message_of(fact)
    except DecodeError as error:
        raise UnreadableFact("the bytes are no message of this type", type=fact.type) from error
    return Fact(message, fact.topic, fact.key, fact.version, fact.message_id, fact.occurred_at)


async def serve(
    subscription: Subscription,
    settings: ServiceSettings,
    *beside: Callable[[Pool, asyncio.Event], Awaitable[None]],
) -> None:
    """Run `subscription`, and what goes on `beside` it, until SIGTERM or SIGINT; then finish what is in hand."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with create_pool(settings) as pool, asyncio.TaskGroup() as tasks:
        tasks.create_task(subscription.run(pool, settings, stop=stop))
        for work in beside:
            tasks.create_task(_as_coroutine(work(pool, stop)))


async def _as_coroutine(work: Awaitable[None]) -> None:
    await work
