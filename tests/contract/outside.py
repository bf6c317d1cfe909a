"""A consumer by somebody who has only docs/asyncapi.yaml, in another client library: python outside.py DOCUMENT BOOTSTRAP.

It imports nothing of Zhihui. Topics, keys, header names, message types and their classes come out of the document; the
rules are those of its description. It rebuilds the state from the logs' beginning, or with `--late` from the state twins
with the handover to the logs, up to what is there, and prints the state's hashes as JSON.
"""

import argparse
import base64
import hashlib
import json
import re
import time
from pathlib import Path
from typing import Any

import yaml
from confluent_kafka import Consumer, KafkaError, TopicPartition
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

MARGIN_S = 600


class Contract:
    """What the document says."""

    def __init__(self, path: Path) -> None:
        self._document = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        self._pool = DescriptorPool()
        files = FileDescriptorSet.FromString(
            base64.b64decode(self._document["x-file-descriptor-set"])
        )
        for file in files.file:
            self._pool.Add(file)
        self.types = {
            message["name"]: message["headers"]
            for message in self._document["components"]["messages"].values()
            if "schemaFormat" in message["payload"]
        }

    def logs(self) -> dict[str, dict[str, Any]]:
        """Channels of logs of facts, by address."""
        return {
            channel["address"]: channel
            for channel in self._document["channels"].values()
            if "x-state-twin" in channel
        }

    def read(self, kind: str, value: bytes) -> Any:
        return GetMessageClass(self._pool.FindMessageTypeByName(kind)).FromString(value)

    def number(self, enum: str, word: str) -> int:
        found: int = self._pool.FindEnumTypeByName(enum).values_by_name[word].number
        return found

    def finds_offsets_by_time(self, server: str) -> bool:
        return bool(self._document["servers"][server]["x-finds-offsets-by-time"])

    def check(self, kind: str, headers: dict[str, str]) -> None:
        """The headers are as the document says."""
        schema = self.types[kind]
        for name in schema["required"]:
            assert name in headers, f"{name} is missing"
        for name, rule in schema["properties"].items():
            if name in headers:
                assert rule.get("const", headers[name]) == headers[name], (name, headers[name])
                assert re.search(rule.get("pattern", ""), headers[name]), (name, headers[name])


class State:
    """The newest fact of every key, by the rule of the document."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._seen: set[str] = set()
        self._versions: dict[tuple[str, str], int] = {}
        self.things: dict[str, dict[str, Any]] = {}
        self.published: dict[str, Any] = {}
        self.decided: list[Any] = []
        self.rounds: dict[str, Any] = {}
        self.counts = {"records": 0, "repeats": 0, "old": 0, "unknown": 0, "forgotten": 0}

    def take(self, log: str, record: Any) -> None:
        self.counts["records"] += 1
        headers = {name: value.decode() for name, value in record.headers()}
        kind, key = headers["ce_type"], record.key().decode()
        assert headers["ce_subject"] == key
        if headers["ce_id"] in self._seen:
            self.counts["repeats"] += 1
            return
        self._seen.add(headers["ce_id"])
        version = int(headers["ce_aggregateversion"])
        if version < self._versions.get((log, key), 0):
            self.counts["old"] += 1
            return
        self._versions[log, key] = version
        shelf = self.things.setdefault(log, {})
        if record.value() is None:
            self.counts["forgotten"] += 1
            shelf.pop(key, None)
            return
        if kind not in self._contract.types:
            self.counts["unknown"] += 1
            return
        self._contract.check(kind, headers)
        fact = self._contract.read(kind, record.value())
        shelf[key] = fact
        name = kind.rpartition(".")[2]
        if name == "AssignmentPublished":
            self.published.setdefault(key, fact)
        elif name == "RequestDecided":
            self.decided.append(fact)
        elif name == "RoundPublished":
            self.rounds[key] = fact

    def told(self) -> dict[str, Any]:
        """Counts, and the hashes that the document defines."""
        requests = [
            fact.state.request for fact in self.things.get("events.request.v1", {}).values()
        ]
        draft = self._contract.number("zhihui.events.v1.Request.State", "STATE_DRAFT")
        events = [fact.event for fact in self.things.get("events.event.v1", {}).values()]
        counted = {
            self._contract.number("zhihui.scheduling.v1.Assignment.State", word)
            for word in ("STATE_CONFIRMED", "STATE_DELIVERED", "STATE_NO_SHOW")
        }
        now = [fact.assignment for fact in self.things.get("scheduling.assignment.v1", {}).values()]
        rounds = {}
        for name, fact in self.rounds.items():
            at = fact.occurred_time
            decisions = [
                one for one in self.decided if (one.round, one.occurred_time) == (name, at)
            ]
            mine = [
                one.assignment
                for one in self.published.values()
                if (one.assignment.round, one.occurred_time) == (name, at)
            ]
            rounds[name] = {
                "whole": (len(decisions), len(mine)) == (fact.decisions, fact.assignments),
                "hash": hash_of(lines_of(mine)),
                "announced": fact.hash,
                "now": hash_of(
                    lines_of(one for one in now if one.round == name and one.state in counted)
                ),
            }
        return {
            "counts": self.counts,
            "requests": hash_of(
                f"{one.name} {one.version} {one.state}" for one in requests if one.state != draft
            ),
            "events": hash_of(f"{one.name} {one.version} {one.state}" for one in events),
            "rounds": rounds,
            "shown": sorted(self.things.get("public.event.v1", {})),
        }


def lines_of(assignments: Any) -> Any:
    """`<name> <request> <event> <expert> <seat> <start> <end> <remote>`."""
    for one in assignments:
        start, end = one.period.start_time.seconds, one.period.end_time.seconds
        yield (
            f"{one.name} {one.request} {one.event} {one.expert} {one.seat} {start} {end} "
            f"{int(one.remote)}"
        )


def hash_of(lines: Any) -> str:
    return hashlib.sha256(b"".join(sorted(f"{line}\n".encode() for line in lines))).hexdigest()


def partitions_of(consumer: Any, topic: str) -> list[Any]:
    found = consumer.list_topics(topic, timeout=20).topics[topic].partitions
    return [TopicPartition(topic, number) for number in sorted(found)]


def until_the_end(consumer: Any, starts: list[Any], logs: dict[str, str], state: State) -> None:
    """Read from `starts` to the ends that are there now."""
    consumer.unassign()  # a fetch that waits would hold up the questions behind it
    ends = {}
    for at in starts:
        low, high = consumer.get_watermark_offsets(at, timeout=20)
        if at.offset < 0:
            at.offset = low if at.offset == -2 else high  # -2: the beginning
        if at.offset < high and low < high:
            ends[at.topic, at.partition] = high
    consumer.assign(starts)
    left = dict(ends)
    while left:
        for record in consumer.consume(500, timeout=1.0):
            if record.error() is None:
                state.take(logs[record.topic()], record)
            elif record.error().code() != KafkaError._PARTITION_EOF:
                raise SystemExit(str(record.error()))
            place = record.topic(), record.partition()
            if record.offset() + (record.error() is None) >= left.get(place, 1 << 62):
                del left[place]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("document", type=Path)
    parser.add_argument("bootstrap")
    parser.add_argument("--late", action="store_true", help="from the twins, and on with the logs")
    parser.add_argument("--server", default="production", help="which of the document's servers")
    arguments = parser.parse_args()
    contract = Contract(arguments.document)
    state = State(contract)
    consumer = Consumer(
        {
            "bootstrap.servers": arguments.bootstrap,
            "group.id": "outside-state",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "enable.partition.eof": True,
        }
    )
    begun_s = time.time()
    logs = contract.logs()
    if arguments.late:
        twins = {channel["x-state-twin"]: log for log, channel in logs.items()}
        starts = [at for twin in twins for at in partitions_of(consumer, twin)]
        for at in starts:
            at.offset = -2
        until_the_end(consumer, starts, twins, state)
    starts = [at for log in logs for at in partitions_of(consumer, log)]
    by_time = arguments.late and contract.finds_offsets_by_time(arguments.server)
    for at in starts:
        at.offset = int((begun_s - MARGIN_S) * 1000) if by_time else -2
    if by_time:
        starts = consumer.offsets_for_times(starts, timeout=20)
    until_the_end(consumer, starts, {log: log for log in logs}, state)
    consumer.close()
    print(json.dumps(state.told()))


if __name__ == "__main__":
    main()
