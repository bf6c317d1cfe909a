"""What the experts service announces: facts with the whole state, in the outbox of the same transaction."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from google.protobuf.message import Message
from zhihui.common.v1 import common_pb2
from zhihui.experts.v1 import experts_pb2 as pb
from zhihui.experts.v1 import facts_pb2

from libs.ids import new_uuid
from libs.messaging.outbox import OutgoingMessage, append
from libs.postgres.pool import Connection
from libs.rpc.mapping import to_message
from services.experts.domain.expert import Expert, Window
from services.experts.domain.pool import Pool

if TYPE_CHECKING:
    from services.experts.ports import Experts, Talks

EXPERT_TOPIC = "experts.expert.v1"
POOL_TOPIC = "experts.pool.v1"
AHEAD = timedelta(days=400)


class OutboxFacts:
    """`ports.Facts`."""

    def __init__(self, connection: Connection, *, experts: Experts, talks: Talks) -> None:
        self._connection = connection
        self._experts = experts
        self._talks = talks

    async def registered(self, expert: Expert, *, at: datetime) -> None:
        await self._expert(facts_pb2.ExpertRegistered(), expert, at=at)

    async def changed(self, expert: Expert, *, at: datetime) -> None:
        await self._expert(facts_pb2.ExpertChanged(), expert, at=at)

    async def availability_changed(self, expert: Expert, *, at: datetime) -> None:
        await self._expert(facts_pb2.AvailabilityChanged(), expert, at=at)

    async def talk_approved(self, expert: Expert, talk: str, number: int, *, at: datetime) -> None:
        await self._expert(facts_pb2.TalkApproved(talk=talk, number=number), expert, at=at)

    async def talk_expired(self, expert: Expert, talk: str, number: int, *, at: datetime) -> None:
        await self._expert(facts_pb2.TalkExpired(talk=talk, number=number), expert, at=at)

    async def withdrawn(self, expert: Expert, *, at: datetime) -> None:
        await append(
            self._connection,
            OutgoingMessage(
                message_id=new_uuid(),
                topic=EXPERT_TOPIC,
                key=expert.name,
                type="tombstone",
                version=expert.version,
                occurred_at=at,
                payload=None,
            ),
        )

    async def pool_changed(self, pool: Pool, *, at: datetime) -> None:
        fact = facts_pb2.PoolChanged(pool=to_message(pool, pb.Pool))
        fact.occurred_time.FromDatetime(at)
        await self._append(fact, topic=POOL_TOPIC, key=pool.name, version=pool.version, at=at)

    async def _expert(
        self,
        fact: facts_pb2.ExpertRegistered
        | facts_pb2.ExpertChanged
        | facts_pb2.AvailabilityChanged
        | facts_pb2.TalkApproved
        | facts_pb2.TalkExpired,
        expert: Expert,
        *,
        at: datetime,
    ) -> None:
        period = Window(at - timedelta(days=1), at + AHEAD)
        state = facts_pb2.ExpertState(
            expert=to_message(expert, pb.Expert),
            talks=[to_message(talk, pb.Talk) for talk in await self._talks.of(expert.name)],
            availability=[
                to_message(window, common_pb2.Period)
                for window in await self._experts.windows(expert.name, period=period)
            ],
        )
        fact.state.CopyFrom(state)
        fact.occurred_time.FromDatetime(at)
        await self._append(fact, topic=EXPERT_TOPIC, key=expert.name, version=expert.version, at=at)

    async def _append(
        self, fact: Message, *, topic: str, key: str, version: int, at: datetime
    ) -> None:
        await append(
            self._connection,
            OutgoingMessage(
                message_id=new_uuid(),
                topic=topic,
                key=key,
                type=fact.DESCRIPTOR.full_name,
                version=version,
                occurred_at=at,
                payload=fact.SerializeToString(deterministic=True),
            ),
        )
