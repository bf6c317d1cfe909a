"""What the experts service learns from the events service: the node tree, teams, and what was delivered."""

from collections.abc import Callable, Mapping
from datetime import UTC

from zhihui.events.v1 import events_pb2, facts_pb2

from libs.clock import Clock
from libs.messaging.consumer import Handler
from libs.messaging.kafka import Received
from libs.postgres.pool import Connection
from services.experts.domain.expert import Window
from services.experts.ports import Member, Projections

TOPICS = ("events.node.v1", "events.event.v1")
GROUP = "experts"


def handlers(
    projections: Callable[[Connection], Projections], *, clock: Clock
) -> Mapping[str, Handler]:
    """By the facts' types."""

    async def node_changed(connection: Connection, fact: Received) -> None:
        node = facts_pb2.NodeChanged.FromString(fact.payload or b"").node
        await projections(connection).set_node_path(node.name, path=list(node.path))

    async def event_changed(connection: Connection, fact: Received) -> None:
        event = facts_pb2.EventChanged.FromString(fact.payload or b"").event  # all have it so
        team = [Member(member.assignment, member.expert) for member in event.team]
        await projections(connection).replace_team(
            event.name,
            team,
            node_path=list(event.node_path),
            live=event.state != events_pb2.Event.STATE_CANCELLED,
        )
        if event.state == events_pb2.Event.STATE_DELIVERED:
            period = Window(
                event.period.start_time.ToDatetime(tzinfo=UTC),
                event.period.end_time.ToDatetime(tzinfo=UTC),
            )
            await projections(connection).record(event.name, team, period=period, at=clock())

    event_facts = ("EventPublished", "EventChanged", "EventCancelled", "EventDelivered")
    return {
        "zhihui.events.v1.NodeChanged": node_changed,
        **{f"zhihui.events.v1.{name}": event_changed for name in event_facts},
    }
