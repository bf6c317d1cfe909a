"""Who may do what on the broker, from the one table of topics: `zhihui facts grants ROLE NAME` says it in commands."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from libs.messaging.topics import dead_letter_services, dead_letter_topic, fence_of, topics


class Role(StrEnum):
    """For whom the broker has credentials."""

    SERVICE = "service"
    """One of our own; its name is the service's."""
    OPERATOR = "operator"
    """Makes topics, looks at groups, replays, reads dead letters and sends them again."""
    PARTNER = "partner"
    """A body with an agreement."""
    PUBLIC = "public"
    """Anybody else who has asked for credentials."""


SERVICES = ("experts", "events", "scheduling", "feeds")
"""Names that the role `service` can have."""
_READERS = {
    Role.SERVICE: {"internal", "partners", "anybody"},
    Role.PARTNER: {"partners", "anybody"},
    Role.PUBLIC: {"anybody"},
}
_AS_READER = ("Read", "Describe")
_AS_OWNER = ("Read", "Write", "Describe")
Kind = Literal["topic", "group", "cluster", "transactional-id"]


@dataclass(frozen=True, slots=True)
class Grant:
    """What `User:name` may do with one thing, or with all whose names begin like it."""

    name: str
    kind: Kind
    resource: str
    """Name of the topic, group or fence (the broker's transactional id); `kafka-cluster` for the cluster; `*` for all."""
    operations: tuple[str, ...]
    prefixed: bool = False


def grants(role: Role, name: str) -> Sequence[Grant]:
    """Everything that `name` needs in its `role`; what is not here the broker refuses.

    Raises:
        ValueError: the role is `service`, and there is no service of this name.
    """
    if role is Role.OPERATOR:
        return [
            Grant(name, "topic", "*", ("Read", "Write", "Create", "Describe", "DescribeConfigs")),
            Grant(name, "group", "*", ("Read", "Describe")),
            Grant(name, "cluster", "kafka-cluster", ("Create", "Describe", "IdempotentWrite")),
            *(_fence(name, owner) for owner in sorted(_owners())),
        ]
    if role is Role.SERVICE and name not in SERVICES:
        raise ValueError(f"{name} is none of {', '.join(SERVICES)}")
    owns = name if role is Role.SERVICE else ""
    found = [
        Grant(name, "topic", topic, _AS_OWNER if one.owner == owns else _AS_READER)
        for one in topics().values()
        if _READERS[role] & set(one.readers)
        for topic in (one.name, one.state_twin)
    ]
    found.append(Grant(name, "group", name, _AS_READER, prefixed=True))
    if owns in _owners():
        found.append(_fence(name, owns))
    if owns in dead_letter_services():
        found.append(Grant(name, "topic", dead_letter_topic(owns), ("Write", "Describe")))
    if role is Role.PARTNER:  # the kit makes the topic of its dead letters itself
        found.append(
            Grant(name, "topic", dead_letter_topic(name), ("Create", "Read", "Write", "Describe"))
        )
    return found


def _owners() -> set[str]:
    return {one.owner for one in topics().values()}


def _fence(name: str, service: str) -> Grant:
    return Grant(name, "transactional-id", fence_of(service), ("Write", "Describe"))


def commands(role: Role, name: str) -> list[str]:
    """The same for a shell, with the `kafka-acls.sh` of Apache Kafka."""
    return [
        shlex.join(
            [
                *("kafka-acls.sh", "--bootstrap-server"),
                "$BROKER",
                *("--command-config", "admin.properties", "--add"),
                *("--allow-principal", f"User:{one.name}"),
                *(part for operation in one.operations for part in ("--operation", operation)),
                *(("--cluster",) if one.kind == "cluster" else (f"--{one.kind}", one.resource)),
                *(("--resource-pattern-type", "prefixed") if one.prefixed else ()),
            ]
        ).replace("'$BROKER'", '"$BROKER"')
        for one in grants(role, name)
    ]
