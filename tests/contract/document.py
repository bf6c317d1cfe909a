"""Makes docs/asyncapi.yaml, and the table of topics in docs/facts.md, from the table of topics and the protos.

`python -m tests.contract.document` writes them; a contract test says when they are old.
"""

import base64
import functools
import json
import re
import sys
import textwrap
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import yaml

from libs.messaging.grants import Role, commands
from libs.messaging.topics import (
    DEAD_LETTER_DAYS,
    TOMBSTONE_DAYS,
    Topic,
    dead_letter_services,
    dead_letter_topic,
    topics,
)
from tests.architecture.tree import ROOT
from tests.contract import protos
from tests.contract.examples import AT, as_json, examples, key_of, version_of

DOCUMENT = ROOT / "docs" / "asyncapi.yaml"
PAGE = ROOT / "docs" / "facts.md"
BEGIN, END = "<!-- topics: made by tests/contract/document.py -->", "<!-- end of topics -->"

GRANTS_BEGIN = "<!-- grants: made by tests/contract/document.py -->"
GRANTS_END = "<!-- end of grants -->"

DAY_MS = 86_400_000
KAFKA_BINDING = "0.5.0"
PROTOBUF = "application/vnd.google.protobuf;version=3"
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

READERS = {
    "internal": "Zhihui's own services",
    "partners": "bodies with an agreement, under their own credentials",
    "anybody": "whoever has credentials of the broker",
}

GUIDE = """
Zhihui (智惠) matches academicians, lecturers and volunteers with the schools, villages and communities that ask for
them. What happens is announced on Kafka as **facts**: one record per thing that happened, with the whole state of the
thing after it. This document is all you need to consume them. "Event" is always what people attend.

## A record

* **Key**: the resource name of the thing, UTF-8, such as `requests/req-0007`. All facts of one thing lie in one
  partition (Kafka's default partitioner, murmur2 over the key).
* **Value**: one protobuf message, without any prefix (no schema registry, no magic byte). A record **without a value**
  (null, not empty) is a tombstone: forget this thing.
* **Headers**: CloudEvents 1.0 in Kafka's binary mode; every value is UTF-8 text. `ce_type` is the full name of the
  value's message and says how to read it; for a tombstone it is `tombstone`.
* The **messages** are under `x-protos` in this document: write each entry to the path it is called by, and run
  `protoc -I. --<your language>_out=. $(find zhihui -name '*.proto')`. Or take `x-file-descriptor-set`: the same as a
  serialized google.protobuf.FileDescriptorSet in base64, for languages that make messages at run time. The payload
  schemas under `components.messages` are these same texts, one self-contained text per message (names without packages);
  the bytes are the same.
* Examples have the JSON form of protobuf; under `x-example-hex` are the same messages as bytes.

## What you may rely on

1. **Nothing is lost.** A fact is committed with its cause, and published after it: **at least once**.
2. **Nothing is invented.** What was rolled back is never announced.
3. **Order per key.** Facts of one key arrive in the order of their versions. Between keys, partitions and topics there is
   no order: an event's fact may arrive before the fact of its assignment. A replay by an operator repeats older records,
   with the same ids, behind newer ones; in the log only: of a key in a state twin, the last record is the newest fact.
4. **Whole state.** The newest fact of a key is all you need of it.
5. **New types and fields will come** within `v1`: pass over a `ce_type` you do not know, and let your protobuf library keep
   or skip unknown fields and enum numbers. Nothing in use is renamed, retyped, renumbered or removed.
6. **No personal data.** No phone number, exact home, identity number, host's or child's name is ever in a fact.

## The rule that makes at-least-once an effect once

In the transaction of your effect keep the `ce_id`s you have seen, and per `(topic, key)` the newest `ce_aggregateversion`.

* Seen this `ce_id` before: no effect.
* The version is **lower** than the newest of this key: no effect. (The **same** version under a new id is news: some
  things are announced in more than one way at one version.)
* Else: remember both, have your effect, commit; **then** commit the Kafka offset.

A topic and its twin count as one topic here. What you cannot handle goes aside with its headers; do not stop for it.

## Beginning from zero

* **From the log** (`auto.offset.reset=earliest`): all facts of the retention time, in order.
* **From the state twin** (`….state.v1`, compacted): at least the newest fact of every key, however old. Begin there when
  you come late, and go on with the log:
  1. Remember T = now − 10 minutes.
  2. Read the twin from its beginning to the end offsets that it had when you began; apply the rule above.
  3. In the log seek, per partition, to the first offset at or after T (`offsetsForTimes`; the end where there is none),
     and go on from there with the rule above: what you have seen twice has no effect twice. (A server with
     `x-finds-offsets-by-time: false` cannot say: go on from the log's beginning.)
* Tombstones stay in the twin for {tombstone_days} days. Whoever was away for longer forgets everything and begins again.
* Take the number of partitions from the broker's metadata; `partitions` below is how topics are made.

## A round is whole when its numbers say so

A round is published in one transaction, and its facts arrive one by one, in any order between keys. `RoundPublished`
(topic `scheduling.round.v1`) has `decisions`, `assignments` and `hash`. You have the whole of round R once you hold that
many `RequestDecided` and that many `AssignmentPublished` with R as their round **and the same `occurred_time` as
RoundPublished** (facts of later repairs have later times). Before that, show nothing of it, or show that it is incomplete.

`hash` is the SHA-256, lower-case hexadecimal, over the lines of these AssignmentPublished facts, each
`<name> <request> <event> <expert> <seat> <start> <end> <remote>` and a line feed, sorted as bytes, UTF-8: names as in the
fact's assignment, seat in decimal, start and end as Unix seconds in decimal, remote `0` or `1`, one space between. (In the
twin an AssignmentPublished may have been compacted away by a later fact of its key: this hash is for readers of the log.)

## State hashes

Services tell, on demand (an operator asks: `zhihui --json facts verify`), the hash of what they hold now; whoever rebuilt the same state gets the same hash. All are SHA-256,
lower-case hexadecimal, over lines that end in a line feed and are sorted as bytes:

* **requests**: of the newest fact of each key of `events.request.v1`, without those in STATE_DRAFT:
  `<name> <version> <state>`, state as the enum's number.
* **events**: the same of `events.event.v1`, all of them.
* **assignments of a round**: of the newest fact of each key of `scheduling.assignment.v1` with that round, in state
  STATE_CONFIRMED, STATE_DELIVERED or STATE_NO_SHOW: the lines of the round's hash above.

## Who may read

`x-readers` of a channel: {readers}.
You sign in with SASL/SCRAM-SHA-512 (`sasl.mechanism`), a user name and password of your own. Without a grant the broker
answers TOPIC_AUTHORIZATION_FAILED. Consumer group ids begin with your user name; others are answered
GROUP_AUTHORIZATION_FAILED.
""".strip()


class _Dumper(yaml.CSafeDumper):
    """Long texts as blocks; no anchors, so that a reader sees each thing where it is."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: Any, text: str) -> yaml.Node:
    return dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style="|" if "\n" in text else None
    )


_Dumper.add_representer(str, _text)


def _schema_of_headers(type_pattern: str, key: str) -> dict[str, Any]:
    stem = key.partition("/")[0]

    def text(description: str, **others: Any) -> dict[str, Any]:
        return {"type": "string", "description": description, **others}

    return {
        "type": "object",
        "required": [
            "ce_specversion",
            "ce_id",
            "ce_source",
            "ce_type",
            "ce_subject",
            "ce_time",
            "ce_aggregateversion",
            "content-type",
        ],
        "properties": {
            "ce_specversion": text("Always 1.0.", const="1.0"),
            "ce_id": text(
                "Id of the fact, a UUID: set once, the same in every repeat.", format="uuid"
            ),
            "ce_source": text(
                "Who announces: /zhihui/ and the service.", pattern="^/zhihui/[a-z]+$"
            ),
            "ce_type": text("Full name of the value's message.", const=type_pattern),
            "ce_subject": text("The same as the record's key.", pattern=f"^{stem}/.+$"),
            "ce_time": text("When it happened, RFC 3339, UTC.", format="date-time"),
            "ce_aggregateversion": text(
                "Version of the thing after it, in decimal; grows with every change.",
                pattern="^[0-9]+$",
            ),
            "content-type": text("Always application/protobuf.", const="application/protobuf"),
            "traceparent": text("W3C trace context of the cause; may be missing."),
        },
    }


def _key_schema(topic: Topic) -> dict[str, Any]:
    stem = topic.key.partition("/")[0]
    return {"type": "string", "pattern": f"^{stem}/.+$", "description": f"`{topic.key}`"}


def _example_headers(
    *, type: str, key: str, version: int, source: str, number: int
) -> dict[str, str]:
    return {
        "ce_specversion": "1.0",
        "ce_id": str(UUID(int=0x0199_AF00_0000_7000_8000_0000_0000_0000 + number)),
        "ce_source": f"/zhihui/{source}",
        "ce_type": type,
        "ce_subject": key,
        "ce_time": AT,
        "ce_aggregateversion": str(version),
        "content-type": "application/protobuf",
        "traceparent": TRACEPARENT,
    }


def _sentence(full_name: str) -> str:
    """The first sentence of the message's comment."""
    text = protos.blocks()[full_name][1].text
    comment = " ".join(
        line.removeprefix("//").strip() for line in text.splitlines() if line.startswith("//")
    )
    return re.split(r"(?<=\.) ", comment)[0]


def _messages() -> dict[str, Any]:
    found: dict[str, Any] = {}
    shown = examples()
    number = 0
    for topic in topics().values():
        for full_name in topic.types:
            number += 1
            example = shown[full_name]
            found[full_name] = {
                "name": full_name,
                "title": full_name.rpartition(".")[2],
                "summary": _sentence(full_name),
                "contentType": "application/protobuf",
                "headers": _schema_of_headers(full_name, topic.key),
                "payload": {
                    "schemaFormat": PROTOBUF,
                    "schema": protos.payload_schema(protos.fact_descriptors()[full_name]),
                },
                "bindings": {"kafka": {"key": _key_schema(topic), "bindingVersion": KAFKA_BINDING}},
                "examples": [
                    {
                        "name": full_name.rpartition(".")[2],
                        "summary": f"Key {key_of(example)}; the value as JSON.",
                        "headers": _example_headers(
                            type=full_name,
                            key=key_of(example),
                            version=version_of(example),
                            source=topic.owner,
                            number=number,
                        ),
                        "payload": as_json(example),
                    }
                ],
                "x-proto-file": protos.blocks()[full_name][0],
                "x-example-hex": example.SerializeToString(deterministic=True).hex(),
            }
        if topic.tombstone:
            number += 1
            key = key_of(shown[topic.types[0]])
            found[f"{topic.name}.tombstone"] = {
                "name": "tombstone",
                "title": f"Tombstone of {topic.name}",
                "summary": f"No value: forget this thing. Sent when {topic.tombstone}.",
                "contentType": "application/protobuf",
                "headers": _schema_of_headers("tombstone", topic.key),
                "payload": {"type": "null"},
                "bindings": {"kafka": {"key": _key_schema(topic), "bindingVersion": KAFKA_BINDING}},
                "examples": [
                    {
                        "name": "tombstone",
                        "summary": f"Key {key}; no value.",
                        "headers": _example_headers(
                            type="tombstone",
                            key=key,
                            version=9,
                            source=topic.owner,
                            number=number,
                        ),
                    }
                ],
            }
    found["deadLetter"] = _dead_letter()
    return found


def _dead_letter() -> dict[str, Any]:
    def text(description: str) -> dict[str, Any]:
        return {"type": "string", "description": description}

    return {
        "name": "deadLetter",
        "title": "A fact that its consumer had to refuse",
        "summary": "The refused record with its own key, value and headers; those below are added.",
        "contentType": "application/protobuf",
        "headers": {
            "type": "object",
            "required": [
                "dead_reason",
                "dead_sentence",
                "dead_topic",
                "dead_handler",
                "dead_attempt",
            ],
            "properties": {
                "dead_reason": text(
                    "Stable code, such as NOT_SCHEDULED; BAD_ENVELOPE without proper headers."
                ),
                "dead_sentence": text("What was wrong, for people."),
                "dead_topic": text("Where it came from, and is sent again."),
                "dead_handler": text("The consumer group that refused it."),
                "dead_attempt": text("Which attempt was the last, from 1, in decimal."),
            },
        },
        "payload": {"description": "The value as it was; see ce_type."},
    }


def _channel(topic: Topic, *, twin: bool) -> dict[str, Any]:
    name = topic.state_twin if twin else topic.name
    kept = (
        {"cleanup.policy": ["compact"], "delete.retention.ms": TOMBSTONE_DAYS * DAY_MS}
        if twin
        else {"cleanup.policy": ["delete"], "retention.ms": topic.retention_days * DAY_MS}
    )
    messages = [*topic.types, *([f"{topic.name}.tombstone"] if topic.tombstone else [])]
    order = f"Facts of one `{topic.key}` are in the order of their versions; between keys there is no order."
    kind = (
        f"The compacted twin of `{topic.name}`: the same records; at least the newest of each key stays for ever, "
        f"tombstones for {TOMBSTONE_DAYS} days. For those who come late."
        if twin
        else f"{topic.about} The log: kept for {topic.retention_days} days."
    )
    forget = (
        f" A tombstone comes when {topic.tombstone}."
        if topic.tombstone
        else " There are no tombstones."
    )
    return {
        "address": name,
        "title": name,
        "summary": topic.about,
        "description": f"{kind} {order}{forget}",
        "messages": {
            message.rpartition(".")[2]: {"$ref": f"#/components/messages/{message}"}
            for message in messages
        },
        "bindings": {
            "kafka": {
                "topic": name,
                "partitions": topic.partitions,
                "topicConfiguration": kept,
                "bindingVersion": KAFKA_BINDING,
            }
        },
        "x-key": topic.key,
        "x-order": "per key",
        "x-readers": list(topic.readers),
        "x-owner": topic.owner,
        ("x-log" if twin else "x-state-twin"): topic.name if twin else topic.state_twin,
    }


def _dead_channel(service: str) -> dict[str, Any]:
    name = dead_letter_topic(service)
    return {
        "address": name,
        "title": name,
        "summary": f"What the {service} service had to refuse; for its operators.",
        "messages": {"deadLetter": {"$ref": "#/components/messages/deadLetter"}},
        "bindings": {
            "kafka": {
                "topic": name,
                "partitions": 1,
                "topicConfiguration": {
                    "cleanup.policy": ["delete"],
                    "retention.ms": DEAD_LETTER_DAYS * DAY_MS,
                },
                "bindingVersion": KAFKA_BINDING,
            }
        },
        "x-readers": ["internal"],
        "x-owner": service,
    }


@functools.cache
def document() -> Mapping[str, Any]:
    """The AsyncAPI document."""
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    for topic in topics().values():
        channels[topic.name] = _channel(topic, twin=False)
        channels[topic.state_twin] = _channel(topic, twin=True)
        operations[f"announce {topic.name}"] = {
            "action": "send",
            "channel": {"$ref": f"#/channels/{topic.name}"},
            "summary": topic.about,
        }
        operations[f"announce {topic.state_twin}"] = {
            "action": "send",
            "channel": {"$ref": f"#/channels/{topic.state_twin}"},
            "summary": f"{topic.about} For those who come late.",
        }
    for service in dead_letter_services():
        channels[dead_letter_topic(service)] = _dead_channel(service)
        operations[f"put aside {dead_letter_topic(service)}"] = {
            "action": "send",
            "channel": {"$ref": f"#/channels/{dead_letter_topic(service)}"},
            "summary": "A refused fact.",
        }
    readers = "; ".join(f"**{name}**, {who}" for name, who in READERS.items())
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "智惠 Zhihui facts",
            "version": "1.0.0",
            "description": GUIDE.format(tombstone_days=TOMBSTONE_DAYS, readers=readers) + "\n",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/protobuf",
        "servers": {
            "embedded": {
                "host": "127.0.0.1:{port}",
                "protocol": "kafka",
                "description": "The broker of `make up`, for trying out: in memory, plain text, nobody signs in.",
                "variables": {"port": {"description": "As `.zhihui/stack.json` says."}},
                "x-finds-offsets-by-time": False,
                "bindings": {"kafka": {"bindingVersion": KAFKA_BINDING}},
            },
            "production": {
                "host": "{host}:9093",
                "protocol": "kafka-secure",
                "description": "Apache Kafka 4 with SASL_SSL; credentials and grants come from the operator.",
                "variables": {"host": {"description": "From the operator."}},
                "security": [{"$ref": "#/components/securitySchemes/scram"}],
                "x-finds-offsets-by-time": True,
                "bindings": {"kafka": {"bindingVersion": KAFKA_BINDING}},
            },
        },
        "channels": channels,
        "operations": operations,
        "components": {
            "securitySchemes": {
                "scram": {
                    "type": "scramSha512",
                    "description": "SASL/SCRAM-SHA-512 over TLS, a user name and password of your own.",
                }
            },
            "messages": _messages(),
        },
        "x-protos": dict(protos.consumer_protos()),
        "x-file-descriptor-set": base64.b64encode(
            protos.descriptor_set().SerializeToString(deterministic=True)
        ).decode(),
    }


def document_text() -> str:
    """The document as it is written."""
    head = "# Made by tests/contract/document.py from libs/messaging/topics.yaml and protos/: do not edit.\n"
    return head + yaml.dump(
        json.loads(json.dumps(document())),
        Dumper=_Dumper,
        allow_unicode=True,
        sort_keys=False,
        width=120,
    )


def page_text() -> str:
    """docs/facts.md with its part about topics made anew."""
    text = PAGE.read_text(encoding="utf-8")
    text = _with_part(text, BEGIN, _topics_part(), END)
    return _with_part(text, GRANTS_BEGIN, _grants_part(), GRANTS_END)


def _with_part(text: str, begin: str, part: str, end: str) -> str:
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n{part}\n{end}{after}"


def _grants_part() -> str:
    parts = []
    for role, name, who in (
        (Role.PUBLIC, "media", "Anybody with credentials, here `media`"),
        (Role.PARTNER, "body", "A body with an agreement, here `body`"),
        (Role.SERVICE, "events", "A service of our own, here `events`"),
        (Role.OPERATOR, "ops", "An operator, here `ops`"),
    ):
        shown = "\n".join(commands(role, name))
        parts.append(
            f"<details><summary>{who}: <code>zhihui facts grants {role} {name}</code></summary>\n\n"
            f"```sh\n{shown}\n```\n\n</details>"
        )
    return "\n\n".join(parts)


def _topics_part() -> str:
    rows = [
        "| topic | key | order | partitions | log kept | twin | readers | facts |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for topic in topics().values():
        facts = ", ".join(topic.facts) + ("; tombstone" if topic.tombstone else "")
        stem = topic.key.partition("/")[0]
        rows.append(
            f"| `{topic.name}` | `{stem}/…` | per key | {topic.partitions} | {topic.retention_days} days "
            f"| `{topic.state_twin}`, compacted | {', '.join(topic.readers)} | {facts} |"
        )
    parts = ["\n".join(rows)]
    shown = examples()
    for topic in topics().values():
        forget = f" Tombstone: {topic.tombstone}." if topic.tombstone else " No tombstones."
        parts.append(f"### `{topic.name}`\n\n{topic.about}{forget}")
        for full_name in topic.types:
            example = shown[full_name]
            payload = json.dumps(as_json(example), ensure_ascii=False, indent=2)
            parts.append(
                "\n".join(
                    [
                        f"<details><summary><code>{full_name.rpartition('.')[2]}</code>: "
                        f"{_sentence(full_name)}</summary>",
                        "",
                        f"Key `{key_of(example)}`, `ce_type` `{full_name}`, `ce_aggregateversion` "
                        f"`{version_of(example)}`; `{protos.blocks()[full_name][0]}`.",
                        "",
                        f"```json\n{payload}\n```",
                        "",
                        "</details>",
                    ]
                )
            )
    return "\n\n".join(parts)


def main() -> None:
    """Write both."""
    DOCUMENT.write_text(document_text(), encoding="utf-8")
    PAGE.write_text(page_text(), encoding="utf-8")
    sys.stdout.write(textwrap.dedent(f"wrote {DOCUMENT.name} and {PAGE.name}\n"))


if __name__ == "__main__":
    main()
