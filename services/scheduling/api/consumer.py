"""What the scheduling service learns from the others: experts, pools, nodes, venues, requests, and what was delivered."""

import dataclasses
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from zhihui.events.v1 import facts_pb2 as events_facts
from zhihui.experts.v1 import facts_pb2 as experts_facts

from libs.clock import Clock
from libs.messaging.consumer import Handler, tombstone
from libs.messaging.kafka import Received
from libs.postgres.pool import Connection
from libs.rpc.mapping import from_message
from services.scheduling.domain import inputs
from services.scheduling.handlers import event as events
from services.scheduling.ports import Transaction

EXPERT_TOPIC = "experts.expert.v1"
TOPICS = (
    EXPERT_TOPIC,
    "experts.pool.v1",
    "events.node.v1",
    "events.venue.v1",
    "events.request.v1",
    "events.event.v1",
)
GROUP = "scheduling"

Joined = Callable[[Connection], AbstractAsyncContextManager[Transaction]]


def handlers(joined: Joined, *, clock: Clock) -> Mapping[str, Handler]:
    """By the facts' types."""

    def expert(message_type: Any) -> Handler:
        async def keep(connection: Connection, fact: Received) -> None:
            state = message_type.FromString(fact.payload or b"").state
            async with joined(connection) as tx:
                await tx.world.keep_expert(expert_from(state), version=fact.version)

        return keep

    async def forget(connection: Connection, fact: Received) -> None:
        async with joined(connection) as tx:
            await events.forget_expert(fact.key, tx, now=clock())

    async def pool(connection: Connection, fact: Received) -> None:
        message = experts_facts.PoolChanged.FromString(fact.payload or b"")
        async with joined(connection) as tx:
            await tx.world.keep_pool(from_message(inputs.Pool, message.pool), version=fact.version)

    async def node(connection: Connection, fact: Received) -> None:
        message = events_facts.NodeChanged.FromString(fact.payload or b"")
        async with joined(connection) as tx:
            await tx.world.keep_node(from_message(inputs.Node, message.node), version=fact.version)

    async def venue(connection: Connection, fact: Received) -> None:
        message = events_facts.VenueChanged.FromString(fact.payload or b"")
        async with joined(connection) as tx:
            await tx.world.keep_venue(
                from_message(inputs.Venue, message.venue), version=fact.version
            )

    def request(message_type: Any) -> Handler:
        async def keep(connection: Connection, fact: Received) -> None:
            state = message_type.FromString(fact.payload or b"").state
            async with joined(connection) as tx:
                await tx.world.keep_request(request_from(state), version=fact.version)

        return keep

    async def delivered(connection: Connection, fact: Received) -> None:
        message = events_facts.EventDelivered.FromString(fact.payload or b"")
        async with joined(connection) as tx:
            await events.delivered(message.event.name, tx, now=clock())

    async def cancelled(connection: Connection, fact: Received) -> None:
        message = events_facts.EventCancelled.FromString(fact.payload or b"")
        async with joined(connection) as tx:
            await events.cancelled(message.event.name, tx, now=clock())

    experts, requests = "zhihui.experts.v1.", "zhihui.events.v1."
    return {
        **{
            f"{experts}{one.__name__}": expert(one)
            for one in (
                experts_facts.ExpertRegistered,
                experts_facts.ExpertChanged,
                experts_facts.AvailabilityChanged,
                experts_facts.TalkApproved,
                experts_facts.TalkExpired,
            )
        },
        tombstone(EXPERT_TOPIC): forget,
        f"{experts}PoolChanged": pool,
        f"{requests}NodeChanged": node,
        f"{requests}VenueChanged": venue,
        **{
            f"{requests}{one.__name__}": request(one)
            for one in (
                events_facts.RequestSubmitted,
                events_facts.RequestEndorsed,
                events_facts.RequestChanged,
                events_facts.RequestWithdrawn,
                events_facts.RequestScheduled,
                events_facts.RequestUnserved,
                events_facts.RequestCancelled,
            )
        },
        f"{requests}EventDelivered": delivered,
        f"{requests}EventCancelled": cancelled,
    }


def expert_from(state: experts_facts.ExpertState) -> inputs.Expert:
    """The expert with talks and availability, as their facts carry them."""
    return dataclasses.replace(
        from_message(inputs.Expert, state.expert),
        talks=tuple(from_message(inputs.Talk, talk) for talk in state.talks),
        availability=tuple(from_message(inputs.Period, one) for one in state.availability),
    )


def request_from(state: events_facts.RequestState) -> inputs.Request:
    """The request with its place in a series, as its facts carry them."""
    return dataclasses.replace(
        from_message(inputs.Request, state.request),
        series_spacing_days=state.series_spacing_days,
        series_continuity=state.series_continuity,
        series_place=state.series_place,
    )
