"""The state that a log of facts adds up to, and the hashes that say whether two states are the same (docs/facts.md)."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from zhihui.events.v1 import events_pb2 as pb
from zhihui.events.v1 import facts_pb2 as event_facts
from zhihui.scheduling.v1 import facts_pb2 as facts
from zhihui.scheduling.v1 import scheduling_pb2 as scheduling

from libs.facts.messages import message_of
from libs.messaging.kafka import Received

TOPICS = (
    "events.request.v1",
    "events.event.v1",
    "scheduling.round.v1",
    "scheduling.assignment.v1",
)
"""What `State` is rebuilt from."""

COUNTED = frozenset(
    {
        scheduling.Assignment.STATE_CONFIRMED,
        scheduling.Assignment.STATE_DELIVERED,
        scheduling.Assignment.STATE_NO_SHOW,
    }
)
"""Assignments that a published round consists of."""


@dataclass(slots=True)
class State:
    """The newest of every thing by name, and each round as it was published."""

    requests: dict[str, pb.Request] = field(default_factory=dict)
    events: dict[str, pb.Event] = field(default_factory=dict)
    rounds: dict[str, scheduling.Round] = field(default_factory=dict)
    assignments: dict[str, scheduling.Assignment] = field(default_factory=dict)
    publications: dict[str, facts.RoundPublished] = field(default_factory=dict)
    published: dict[str, facts.AssignmentPublished] = field(default_factory=dict)
    facts_count: int = 0
    _seen: set[Any] = field(default_factory=set)

    def take(self, fact: Received) -> None:
        """Let `fact` have its effect: a repeat has none, and neither has an older version than the one known."""
        if fact.message_id in self._seen:
            return
        self._seen.add(fact.message_id)
        self.facts_count += 1
        message: Any = message_of(fact)
        if message is None:
            return
        if isinstance(message, facts.RoundPublished):
            self.publications[message.round.name] = message
        if isinstance(message, facts.AssignmentPublished):
            self.published.setdefault(message.assignment.name, message)
        thing = _thing(message)
        known = self._shelf(thing)
        if known is not None and (
            thing.name not in known or known[thing.name].version <= thing.version
        ):
            known[thing.name] = thing

    def _shelf(self, thing: Any) -> dict[str, Any] | None:
        shelves: dict[type, dict[str, Any]] = {
            pb.Request: self.requests,
            pb.Event: self.events,
            scheduling.Round: self.rounds,
            scheduling.Assignment: self.assignments,
        }
        return shelves.get(type(thing))

    def as_published(self, round: str) -> list[scheduling.Assignment]:
        """The assignments that came out with `round`: announced as published at the moment the round was."""
        at = self.publications[round].occurred_time
        return [
            fact.assignment
            for fact in self.published.values()
            if fact.assignment.round == round and fact.occurred_time == at
        ]

    def current(self, round: str) -> list[scheduling.Assignment]:
        """What `round` consists of after everything that has happened since."""
        return [
            one for one in self.assignments.values() if one.round == round and one.state in COUNTED
        ]


def _thing(message: Any) -> Any:
    if isinstance(message, event_facts.PublicEventShown):
        return None
    for name in ("assignment", "round", "event"):
        if name in message.DESCRIPTOR.fields_by_name:
            return getattr(message, name)
    return getattr(getattr(message, "state", None), "request", None)


def hash_of_assignments(assignments: Iterable[scheduling.Assignment]) -> str:
    """SHA-256, hexadecimal, over the lines that docs/facts.md defines for a round."""
    return _hash(
        f"{one.name} {one.request} {one.event} {one.expert} {one.seat} {one.period.start_time.seconds} "
        f"{one.period.end_time.seconds} {int(one.remote)}\n"
        for one in assignments
    )


def hash_of_things(things: Iterable[pb.Request | pb.Event]) -> str:
    """SHA-256, hexadecimal, over lines `<name> <version> <state>`, sorted; `state` is the enum's number."""
    return _hash(f"{one.name} {one.version} {one.state}\n" for one in things)


def _hash(lines: Iterable[str]) -> str:
    return hashlib.sha256(b"".join(sorted(line.encode() for line in lines))).hexdigest()
