"""What the events service learns: rounds that froze, were given up or published, every decision, and who is to be forgotten."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from itertools import groupby

from zhihui.scheduling.v1 import facts_pb2

from libs.clock import Clock
from libs.messaging.consumer import Handler, Together, tombstone
from libs.messaging.kafka import Received
from libs.postgres.pool import Connection
from libs.rpc.mapping import from_message
from services.events.domain.event import TeamMember
from services.events.domain.request import Period
from services.events.handlers import event as events
from services.events.handlers import round as rounds
from services.events.handlers.round import Decision
from services.events.ports import Staged, Transaction

EXPERT_TOPIC = "experts.expert.v1"
TOPICS = ("scheduling.round.v1", "scheduling.decision.v1", EXPERT_TOPIC)
GROUP = "events"

Joined = Callable[[Connection], AbstractAsyncContextManager[Transaction]]


def handlers(joined: Joined, *, clock: Clock) -> Mapping[str, Handler]:
    """By the facts' types."""

    async def frozen(connection: Connection, fact: Received) -> None:
        message = facts_pb2.RoundFrozen.FromString(fact.payload or b"")
        async with joined(connection) as tx:
            await rounds.freeze(message.round.name, list(message.requests), tx, now=clock())

    async def abandoned(connection: Connection, fact: Received) -> None:
        message = facts_pb2.RoundAbandoned.FromString(fact.payload or b"")
        async with joined(connection) as tx:
            await rounds.release(message.round.name, tx, now=clock())

    async def decided(connection: Connection, facts: Sequence[Received]) -> None:
        payloads = [fact.payload or b"" for fact in facts]
        decisions = [(facts_pb2.RequestDecided.FromString(one), one) for one in payloads]
        async with joined(connection) as tx:
            for round, alike in groupby(decisions, key=lambda one: one[0].round):
                mine = [*alike]
                staged = await tx.arrivals.stage(
                    round, [Staged(one.request, one.version, payload) for one, payload in mine]
                )
                if staged:
                    await show_when_whole(round, tx)
                else:  # a repair of a round that is shown already
                    await rounds.apply([decision_from(one) for one, _ in mine], tx, now=clock())

    async def published(connection: Connection, fact: Received) -> None:
        message = facts_pb2.RoundPublished.FromString(fact.payload or b"")
        async with joined(connection) as tx:
            await tx.arrivals.announce(message.round.name, decisions=message.decisions)
            await show_when_whole(message.round.name, tx)

    async def show_when_whole(round: str, tx: Transaction) -> None:
        facts = await tx.arrivals.whole(round)
        if facts is not None:
            decisions = [decision_from(facts_pb2.RequestDecided.FromString(one)) for one in facts]
            await rounds.apply(decisions, tx, now=clock())

    async def forget(connection: Connection, fact: Received) -> None:
        async with joined(connection) as tx:
            await events.forget_expert(fact.key, tx, now=clock())

    prefix = "zhihui.scheduling.v1."
    return {
        f"{prefix}RoundFrozen": frozen,
        f"{prefix}RoundAbandoned": abandoned,
        f"{prefix}RequestDecided": Together(decided),
        f"{prefix}RoundPublished": published,
        tombstone(EXPERT_TOPIC): forget,
    }


def decision_from(message: facts_pb2.RequestDecided) -> Decision:
    """What a fact says about one request."""
    if message.WhichOneof("decision") != "scheduled":
        return Decision(message.request, message.round, reason=message.unserved.message)
    scheduled = message.scheduled
    return Decision(
        message.request,
        message.round,
        event=scheduled.event,
        period=from_message(Period, scheduled.period),
        team=tuple(from_message(TeamMember, member) for member in scheduled.team),
    )
