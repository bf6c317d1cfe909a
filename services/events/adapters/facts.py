"""What the events service announces: collected in the transaction, written to the outbox at its end."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from google.protobuf.message import Message
from zhihui.events.v1 import events_pb2 as pb
from zhihui.events.v1 import facts_pb2

from libs.ids import new_uuid
from libs.messaging.outbox import OutgoingMessage
from libs.rpc.mapping import to_message
from services.events.domain.event import Event, State
from services.events.domain.place import Node, Venue
from services.events.domain.request import Request

NODE_TOPIC = "events.node.v1"
VENUE_TOPIC = "events.venue.v1"
REQUEST_TOPIC = "events.request.v1"
EVENT_TOPIC = "events.event.v1"
PUBLIC_TOPIC = "public.event.v1"

_REQUEST: dict[str, Any] = {
    "Submitted": facts_pb2.RequestSubmitted,
    "Endorsed": facts_pb2.RequestEndorsed,
    "Changed": facts_pb2.RequestChanged,
    "Withdrawn": facts_pb2.RequestWithdrawn,
    "Scheduled": facts_pb2.RequestScheduled,
    "Unserved": facts_pb2.RequestUnserved,
    "Cancelled": facts_pb2.RequestCancelled,
}
_EVENT: dict[str, Any] = {
    "Published": facts_pb2.EventPublished,
    "Changed": facts_pb2.EventChanged,
    "Cancelled": facts_pb2.EventCancelled,
    "Delivered": facts_pb2.EventDelivered,
    "Rated": facts_pb2.EventRated,
}


class CollectedFacts:
    """`ports.Facts`; `messages` are what the transaction appends before it commits."""

    def __init__(self) -> None:
        self.messages: list[OutgoingMessage] = []
        self.forgotten: list[str] = []
        """Events of which earlier facts must not be replayed."""

    def node_changed(self, node: Node, *, at: datetime) -> None:
        fact = facts_pb2.NodeChanged(node=to_message(node, pb.Node))
        fact.occurred_time.FromDatetime(at)
        self._add(fact, topic=NODE_TOPIC, key=node.name, version=node.version, at=at)

    def venue_changed(self, venue: Venue, *, at: datetime) -> None:
        fact = facts_pb2.VenueChanged(venue=to_message(venue, pb.Venue))
        fact.occurred_time.FromDatetime(at)
        self._add(fact, topic=VENUE_TOPIC, key=venue.name, version=venue.version, at=at)

    def request(self, kind: str, request: Request, *, at: datetime) -> None:
        fact = _REQUEST[kind](
            state=facts_pb2.RequestState(
                request=to_message(request, pb.Request),
                series_spacing_days=request.series_spacing_days,
                series_continuity=request.series_continuity,
                series_place=request.series_place,
            )
        )
        fact.occurred_time.FromDatetime(at)
        self._add(fact, topic=REQUEST_TOPIC, key=request.name, version=request.version, at=at)

    def event(self, kind: str, event: Event, *, at: datetime) -> None:
        message = to_message(event, pb.Event)
        if message.HasField("rating"):
            message.rating.comment = ""
        fact = _EVENT[kind](event=message)
        fact.occurred_time.FromDatetime(at)
        self._add(fact, topic=EVENT_TOPIC, key=event.name, version=event.version, at=at)

    def shown(self, event: Event, *, venue: str, district: str, at: datetime) -> None:
        message = to_message(event, pb.Event)
        fact = facts_pb2.PublicEventShown(
            event=event.name,
            title=event.title,
            group=message.group,
            form=message.form,
            topic=event.topic,
            period=message.period,
            venue_display_name=venue,
            district_display_name=district,
            speakers=[
                member.display_name
                for member in event.team
                if member.display_name and (member.talk or not member.seat)
            ],
            delivered=event.state is State.DELIVERED,
        )
        fact.occurred_time.FromDatetime(at)
        self._add(fact, topic=PUBLIC_TOPIC, key=event.name, version=event.version, at=at)

    def taken_down(self, event: Event, *, at: datetime) -> None:
        self.messages.append(
            OutgoingMessage(
                message_id=new_uuid(),
                topic=PUBLIC_TOPIC,
                key=event.name,
                type="tombstone",
                version=event.version,
                occurred_at=at,
                payload=None,
            )
        )

    def forget_events(self, names: Sequence[str]) -> None:
        self.forgotten += names

    def _add(self, fact: Message, *, topic: str, key: str, version: int, at: datetime) -> None:
        self.messages.append(
            OutgoingMessage(
                message_id=new_uuid(),
                topic=topic,
                key=key,
                type=fact.DESCRIPTOR.full_name,
                version=version,
                occurred_at=at,
                payload=fact.SerializeToString(deterministic=True),
            )
        )
