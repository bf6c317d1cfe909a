"""What the feeds service learns from facts: everything goes to webhooks, events and names into calendars."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError
from zhihui.events.v1 import events_pb2

from libs.clock import Clock
from libs.facts.messages import UnreadableFact, fact_types, message_of
from libs.messaging.consumer import Handler, tombstone
from libs.messaging.kafka import Received
from libs.messaging.topics import topics
from libs.postgres.pool import Connection
from services.feeds.domain.calendar import Entry

GROUP = "feeds"
TOPICS = tuple(topics())


class Arrivals(Protocol):
    """What facts leave behind."""

    async def enqueue(
        self, *, message_id: UUID, type: str, topic: str, key: str, body: bytes, now: datetime
    ) -> None:
        """Deliveries for all webhooks of the topic."""

    async def show(self, entry: Entry, *, venue: str, experts: Sequence[str]) -> None:
        """An event as it is now."""

    async def name(self, subject: str, *, display_name: str, node_path: Sequence[str]) -> None:
        """What people call an expert or a venue."""

    async def forget(self, subject: str) -> None:
        """An expert whose data was erased."""


def body_of(fact: Received, message: Any) -> bytes:
    """What a webhook's receiver gets: the envelope's words, and the fact in the JSON of protobuf; no value for a tombstone."""
    return json.dumps(
        {
            "type": fact.type,
            "timestamp": fact.occurred_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "data": {
                "topic": fact.topic,
                "key": fact.key,
                "version": fact.version,
                "fact": None if message is None else MessageToDict(message),
            },
        },
        ensure_ascii=False,
    ).encode()


def handlers(arrivals: Callable[[Connection], Arrivals], *, clock: Clock) -> Mapping[str, Handler]:
    """By the facts' types."""

    async def take(connection: Connection, fact: Received) -> None:
        try:
            message: Any = message_of(fact)
        except DecodeError as error:
            raise UnreadableFact("the bytes are no message of this type", type=fact.type) from error
        left = arrivals(connection)
        await left.enqueue(
            message_id=fact.message_id,
            type=fact.type if message is not None else "tombstone",
            topic=fact.topic,
            key=fact.key,
            body=body_of(fact, message),
            now=clock(),
        )
        if fact.topic == "events.event.v1":
            await _show(left, fact, message.event)
        elif fact.topic == "events.venue.v1":
            venue = message.venue
            await left.name(
                venue.name, display_name=venue.display_name, node_path=list(venue.node_path)
            )
        elif fact.topic == "experts.expert.v1":
            if message is None:
                await left.forget(fact.key)
            else:
                expert = message.state.expert
                await left.name(expert.name, display_name=expert.display_name, node_path=[])

    names = [
        *fact_types(),
        *(tombstone(name) for name, topic in topics().items() if topic.tombstone),
    ]
    return dict.fromkeys(names, take)


async def _show(left: Arrivals, fact: Received, event: Any) -> None:
    entry = Entry(
        event=event.name,
        sequence=fact.version,
        cancelled=event.state == events_pb2.Event.STATE_CANCELLED,
        title=event.title,
        start=event.period.start_time.ToDatetime(UTC),
        end=event.period.end_time.ToDatetime(UTC),
        place="",
        team=tuple(member.display_name for member in event.team if member.display_name),
        changed_at=fact.occurred_at,
    )
    await left.show(entry, venue=event.venue, experts=[member.expert for member in event.team])
