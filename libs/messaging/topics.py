"""The table of topics, and the command that makes them: `python -m libs.messaging.topics apply --bootstrap HOST:PORT`."""

import argparse
import asyncio
import functools
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from libs.messaging import kafka

_DAY_MS = 86_400_000
TOMBSTONE_DAYS = 7
"""How long a compacted twin keeps a tombstone: whoever was away for less learns that a thing is to be forgotten."""
DEAD_LETTER_DAYS = 365


@dataclass(frozen=True, slots=True)
class Topic:
    """A log of facts; `state_twin` is the compacted topic that gets the same messages, '' where there is none."""

    name: str
    owner: str
    partitions: int
    retention_days: int
    key: str = ""
    readers: tuple[str, ...] = ()
    state_twin: str = ""
    about: str = ""
    """A sentence."""
    facts: tuple[str, ...] = ()
    """Names of the messages, without their package."""
    tombstone: str = ""
    """When a record without a value comes; '' for never."""

    @property
    def types(self) -> tuple[str, ...]:
        """Full names of the messages, as the header `ce_type` has them."""
        return tuple(f"zhihui.{self.owner}.v1.{name}" for name in self.facts)


@functools.cache
def topics() -> Mapping[str, Topic]:
    """The topics of facts by name."""
    table = _table()
    return {
        row["name"]: Topic(
            **(row | {"readers": tuple(row["readers"]), "facts": tuple(row["facts"])}),
            state_twin=_twin(row["name"]),
        )
        for row in table["topics"]
    }


def _table() -> dict[str, list[dict[str, Any]]]:
    text = (Path(__file__).parent / "topics.yaml").read_text(encoding="utf-8")
    table: dict[str, list[dict[str, Any]]] = yaml.safe_load(text)
    return table


def _twin(name: str) -> str:
    stem, _, version = name.rpartition(".")
    return f"{stem}.state.{version}"


def state_twin_of(topic: str) -> str:
    """The compacted topic that gets what `topic` gets.

    Raises:
        KeyError: not a topic of the table.
    """
    return topics()[topic].state_twin


def fence_of(service: str) -> str:
    """The fence of whoever publishes from the service's outbox, relay or replay; the broker calls it a transactional id."""
    return f"zhihui-{service}-outbox"


def dead_letter_topic(service: str) -> str:
    """Where `service` puts what it had to refuse."""
    return f"{service}.dead.v1"


def dead_letter_services() -> tuple[str, ...]:
    """Services with dead letters in the table."""
    return tuple(row["owner"] for row in _table()["dead_letters"])


def dead_letters_of(service: str) -> kafka.TopicSettings:
    """The dead-letter topic of a consumer that is not in the table, as it should be."""
    return kafka.TopicSettings(
        dead_letter_topic(service),
        1,
        {"cleanup.policy": "delete", "retention.ms": str(DEAD_LETTER_DAYS * _DAY_MS)},
    )


def wanted() -> Sequence[kafka.TopicSettings]:
    """Everything a broker must have: logs, state twins, dead letters."""
    result = []
    for topic in topics().values():
        kept_ms = topic.retention_days * _DAY_MS
        result.append(
            kafka.TopicSettings(
                topic.name,
                topic.partitions,
                {"cleanup.policy": "delete", "retention.ms": str(kept_ms)},
            )
        )
        result.append(
            kafka.TopicSettings(
                topic.state_twin,
                topic.partitions,
                {"cleanup.policy": "compact", "delete.retention.ms": str(TOMBSTONE_DAYS * _DAY_MS)},
            )
        )
    for row in _table()["dead_letters"]:
        kept_ms = int(row["retention_days"]) * _DAY_MS
        result.append(
            kafka.TopicSettings(
                row["name"],
                int(row["partitions"]),
                {"cleanup.policy": "delete", "retention.ms": str(kept_ms)},
            )
        )
    return result


def main() -> None:
    """Make what is missing; says what it did."""
    parser = argparse.ArgumentParser(prog="python -m libs.messaging.topics", description=__doc__)
    parser.add_argument("command", choices=["apply"])
    parser.add_argument("--bootstrap", default=os.environ.get("ZHIHUI_KAFKA_BOOTSTRAP", ""))
    parser.add_argument("--replicas", type=int, default=1)
    arguments = parser.parse_args()
    if not arguments.bootstrap:
        parser.error("say --bootstrap HOST:PORT, or set ZHIHUI_KAFKA_BOOTSTRAP")
    made = asyncio.run(
        kafka.apply_topics(arguments.bootstrap, wanted(), replicas=arguments.replicas)
    )
    for name in made:
        sys.stdout.write(f"made {name}\n")
    sys.stdout.write(f"{len(wanted()) - len(made)} were there\n")


if __name__ == "__main__":
    main()
