"""docs/asyncapi.yaml is what the table of topics and the protos say, and is sound by itself."""

import base64
import copy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from google.protobuf import json_format
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from libs.facts.messages import fact_types
from libs.facts.state import hash_of_assignments
from libs.messaging import topics as table
from libs.messaging.kafka import Envelope, headers_of
from tests.contract import document
from tests.contract.examples import PUBLISHED_HASH, examples


@pytest.fixture(scope="module")
def text() -> str:
    return document.DOCUMENT.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def read(text: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(text, Loader=yaml.CSafeLoader)
    return found


def refs(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for below in part.values():
            yield from refs(below)
    elif isinstance(part, list):
        for below in part:
            yield from refs(below)


def faults(read: dict[str, Any]) -> list[str]:
    """What is wrong with the document by itself."""
    found = []
    for ref in refs(read):
        at: Any = read
        for step in ref.removeprefix("#/").split("/"):
            at = at.get(step) if isinstance(at, dict) else None
        if at is None:
            found.append(f"{ref} leads nowhere")
    addresses = {channel["address"] for channel in read["channels"].values()}
    for name, channel in read["channels"].items():
        twin = channel.get("x-state-twin") or channel.get("x-log")
        if twin is not None and twin not in addresses:
            found.append(f"{name}: {twin} is no channel")
    told = {operation["channel"]["$ref"] for operation in read["operations"].values()}
    found += [
        f"{name}: nobody sends" for name in read["channels"] if f"#/channels/{name}" not in told
    ]
    pool = DescriptorPool()
    for file in FileDescriptorSet.FromString(base64.b64decode(read["x-file-descriptor-set"])).file:
        pool.Add(file)
    for name, message in read["components"]["messages"].items():
        for example in message.get("examples", []):
            for wrong in jsonschema.Draft202012Validator(message["headers"]).iter_errors(
                example["headers"]
            ):
                found.append(f"{name}: {wrong.message}")
            if "x-example-hex" in message:
                kind = GetMessageClass(pool.FindMessageTypeByName(message["name"]))
                value = kind.FromString(bytes.fromhex(message["x-example-hex"]))
                if json_format.ParseDict(example["payload"], kind()) != value:
                    found.append(f"{name}: JSON and bytes differ")
    return found


def test_the_document_is_of_today(text: str) -> None:
    """Comments of the protos may be a little older: `make protos` brings them."""
    assert bare(text) == bare(document.document_text()), "run: python -m tests.contract.document"
    page = document.PAGE.read_text(encoding="utf-8")
    assert bare(page) == bare(document.page_text()), "run: python -m tests.contract.document"


def bare(text: str) -> list[str]:
    return [
        line
        for line in text.splitlines()
        if not line.lstrip().startswith(("//", "summary:", "<details>"))
    ]


def test_the_document_is_sound(read: dict[str, Any]) -> None:
    assert faults(read) == []


def test_planted_faults_are_found(read: dict[str, Any]) -> None:
    broken = copy.deepcopy(read)
    messages = broken["components"]["messages"]
    del messages["zhihui.events.v1.EventRated"]
    shown = messages["zhihui.events.v1.PublicEventShown"]
    shown["examples"][0]["payload"]["title"] = "another"
    shown["examples"][0]["headers"]["ce_aggregateversion"] = "seven"
    del messages["zhihui.events.v1.NodeChanged"]["examples"][0]["headers"]["ce_id"]
    broken["channels"]["events.node.v1"]["x-state-twin"] = "nowhere"
    del broken["operations"]["announce events.venue.v1"]
    assert len(faults(broken)) == 7  # the missing message is missed by its log and its twin


def test_every_topic_and_every_fact_is_there(read: dict[str, Any]) -> None:
    assert set(read["channels"]) == {topic.name for topic in table.wanted()}
    for topic in table.wanted():
        kafka = read["channels"][topic.name]["bindings"]["kafka"]
        assert kafka["partitions"] == topic.partitions
        told = {
            name: ",".join(value) if isinstance(value, list) else str(value)
            for name, value in kafka["topicConfiguration"].items()
        }
        assert told == dict(topic.config)
    announced = [name for topic in table.topics().values() for name in topic.types]
    assert sorted(announced) == sorted(fact_types()), "each fact has one topic"
    assert set(announced) <= set(read["components"]["messages"])


def test_headers_are_those_that_are_sent(read: dict[str, Any]) -> None:
    from datetime import UTC, datetime

    from libs.ids import new_uuid

    sent = headers_of(
        Envelope(
            message_id=new_uuid(),
            source="events",
            type="zhihui.events.v1.EventRated",
            key="events/ev-1",
            version=4,
            occurred_at=datetime(2026, 11, 23, 8, 0, 0, 123456, tzinfo=UTC),
            traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        )
    )
    schema = read["components"]["messages"]["zhihui.events.v1.EventRated"]["headers"]
    values = {name: value.decode() for name, value in sent}
    jsonschema.Draft202012Validator(schema).validate(values)
    assert set(values) == set(schema["properties"])


def test_readers_are_explained(text: str) -> None:
    named = {reader for topic in table.topics().values() for reader in topic.readers}
    assert named == set(document.READERS)


def test_the_round_of_the_examples_has_its_hash() -> None:
    fact: Any = examples()["zhihui.scheduling.v1.AssignmentPublished"]
    assert hash_of_assignments([fact.assignment]) == PUBLISHED_HASH


def test_the_protos_in_the_document_make_the_same_messages(
    read: dict[str, Any], tmp_path: Path
) -> None:
    """Whoever runs protoc over them gets what the descriptor set says."""
    for name, proto in read["x-protos"].items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(proto)
    out = tmp_path / "set.binpb"
    protoc = [sys.executable, "-m", "grpc_tools.protoc", "-I", str(tmp_path), "--include_imports"]
    subprocess.run([*protoc, f"--descriptor_set_out={out}", *read["x-protos"]], check=True)
    made = {file.name: file for file in FileDescriptorSet.FromString(out.read_bytes()).file}
    given = FileDescriptorSet.FromString(base64.b64decode(read["x-file-descriptor-set"])).file
    for file in given:
        if file.name.startswith("zhihui/"):
            assert messages_of(file) == messages_of(made[file.name])


def messages_of(file: Any) -> dict[str, bytes]:
    whole = copy.deepcopy(file)
    for message in whole.message_type:
        for field in message.field:
            field.ClearField("json_name")
    parts = [*whole.message_type, *whole.enum_type]
    return {part.name: part.SerializeToString(deterministic=True) for part in parts}
