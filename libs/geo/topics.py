"""The vocabulary of topics that requests and experts share."""

import difflib
import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from libs.errors import FieldViolation, InvalidInput
from libs.geo import data


class UnknownTopic(InvalidInput):
    """The topic is not in the vocabulary."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic with its names; `groups` are those it was made for, in lower case."""

    id: str
    zh: str
    en: str
    groups: tuple[str, ...]


@functools.cache
def topics() -> Mapping[str, Topic]:
    """The vocabulary by id."""
    return {
        row["id"]: Topic(row["id"], row["zh"], row["en"], tuple(row["groups"]))
        for row in data.document("topics.json")["topics"]
    }


def require_topics(named: Iterable[tuple[str, str]]) -> None:
    """Refuse unknown ones of `(path, topic)`, naming the nearest that exist.

    Raises:
        UnknownTopic: with a violation for each.
    """
    violations = []
    for path, topic in named:
        if topic and topic not in topics():
            near = difflib.get_close_matches(topic, topics(), n=3, cutoff=0.5)
            hint = f"; did you mean {', '.join(near)}?" if near else ""
            violations.append(FieldViolation(path, f"no topic {topic!r} in the vocabulary{hint}"))
    if violations:
        raise UnknownTopic("a topic is not in the vocabulary", violations=violations)
