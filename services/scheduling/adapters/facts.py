"""What the scheduling service announces: collected in the transaction, written to the outbox at its end."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from google.protobuf.message import Message
from zhihui.scheduling.v1 import facts_pb2
from zhihui.scheduling.v1 import scheduling_pb2 as pb

from libs.ids import new_uuid
from libs.messaging.outbox import OutgoingMessage
from libs.rpc.mapping import to_message
from services.scheduling.domain.assignment import Assignment
from services.scheduling.domain.round import Round
from services.scheduling.domain.run import StageResult
from services.scheduling.ports import Decision

ROUND_TOPIC = "scheduling.round.v1"
DECISION_TOPIC = "scheduling.decision.v1"
ASSIGNMENT_TOPIC = "scheduling.assignment.v1"

_ASSIGNMENT: dict[str, Any] = {
    "Offered": facts_pb2.AssignmentOffered,
    "Accepted": facts_pb2.AssignmentAccepted,
    "Declined": facts_pb2.AssignmentDeclined,
    "Published": facts_pb2.AssignmentPublished,
    "Changed": facts_pb2.AssignmentChanged,
    "Cancelled": facts_pb2.AssignmentCancelled,
    "Delivered": facts_pb2.AssignmentDelivered,
}


class CollectedFacts:
    """`ports.Facts`; `messages` are what the transaction appends before it commits."""

    def __init__(self) -> None:
        self.messages: list[OutgoingMessage] = []
        self.forgotten: list[str] = []
        """Assignments of which earlier facts must not be replayed."""

    def opened(self, round: Round, *, at: datetime) -> None:
        self._round(facts_pb2.RoundOpened(round=to_message(round, pb.Round)), round, at)

    def frozen(self, round: Round, *, requests: Sequence[str], at: datetime) -> None:
        self._round(
            facts_pb2.RoundFrozen(round=to_message(round, pb.Round), requests=requests), round, at
        )

    def solved(self, round: Round, *, stages: Sequence[StageResult], at: datetime) -> None:
        fact = facts_pb2.RoundSolved(round=to_message(round, pb.Round), stages=_stages(stages))
        self._round(fact, round, at)

    def published(self, round: Round, *, decisions: int, at: datetime) -> None:
        fact = facts_pb2.RoundPublished(
            round=to_message(round, pb.Round),
            decisions=decisions,
            assignments=round.assignments_count,
            hash=round.published_hash,
        )
        self._round(fact, round, at)

    def certified(
        self, round: Round, *, stages: Sequence[StageResult], certificate: str, at: datetime
    ) -> None:
        fact = facts_pb2.RoundCertified(
            round=to_message(round, pb.Round),
            stages=_stages(stages),
            certificate_hash=hashlib.sha256(certificate.encode()).hexdigest(),
        )
        self._round(fact, round, at)

    def closed(self, round: Round, *, at: datetime) -> None:
        self._round(facts_pb2.RoundClosed(round=to_message(round, pb.Round)), round, at)

    def abandoned(self, round: Round, *, requests: Sequence[str], at: datetime) -> None:
        self._round(
            facts_pb2.RoundAbandoned(round=to_message(round, pb.Round), requests=requests),
            round,
            at,
        )

    def decided(self, round: Round, decision: Decision, *, at: datetime) -> None:
        fact = facts_pb2.RequestDecided(
            request=decision.request, round=round.name, version=decision.version
        )
        if decision.unserved is not None:
            fact.unserved.CopyFrom(to_message(decision.unserved, pb.Unserved))
        else:
            lead = decision.team[0]
            fact.scheduled.event = lead.event
            fact.scheduled.period.start_time.FromDatetime(lead.period.start_time)
            fact.scheduled.period.end_time.FromDatetime(lead.period.end_time)
            for one in decision.team:
                member = to_message(one, facts_pb2.ScheduledMember)
                member.assignment = one.name
                member.display_name = one.expert_display_name
                fact.scheduled.team.append(member)
        self._add(fact, topic=DECISION_TOPIC, key=decision.request, version=decision.version, at=at)

    def decision_forgotten(self, request: str, *, version: int, at: datetime) -> None:
        self.messages.append(
            OutgoingMessage(
                message_id=new_uuid(),
                topic=DECISION_TOPIC,
                key=request,
                type="tombstone",
                version=version,
                occurred_at=at,
                payload=None,
            )
        )

    def forget_assignment(self, name: str) -> None:
        self.forgotten.append(name)

    def assignment(self, kind: str, assignment: Assignment, *, at: datetime) -> None:
        message = to_message(assignment, pb.Assignment)
        message.reason = ""  # what somebody said of themselves stays here
        fact = _ASSIGNMENT[kind](assignment=message)
        self._add(
            fact,
            topic=ASSIGNMENT_TOPIC,
            key=assignment.name,
            version=assignment.version,
            at=at,
        )

    def _round(self, fact: Message, round: Round, at: datetime) -> None:
        self._add(fact, topic=ROUND_TOPIC, key=round.name, version=round.version, at=at)

    def _add(self, fact: Any, *, topic: str, key: str, version: int, at: datetime) -> None:
        fact.occurred_time.FromDatetime(at)
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


def _stages(stages: Sequence[StageResult]) -> list[pb.StageResult]:
    return [to_message(stage, pb.StageResult) for stage in stages]
