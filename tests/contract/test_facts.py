"""The contract with consumers: every fact is documented, its bytes stay what they were, and its topic is in the table."""

import importlib
import json
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from libs.messaging.topics import dead_letter_topic, state_twin_of, topics
from tests.architecture.tree import ROOT

GOLDEN = ROOT / "tests" / "contract" / "golden.json"
SERVICES = ("experts", "events", "scheduling")
NOT_FACTS = {"ExpertState", "RequestState", "Scheduled", "ScheduledMember"}
"""Parts of facts, in the same files."""


def fact_types() -> list[Descriptor]:
    modules = (importlib.import_module(f"zhihui.{name}.v1.facts_pb2") for name in SERVICES)
    return [
        descriptor
        for module in modules
        for name, descriptor in sorted(module.DESCRIPTOR.message_types_by_name.items())
        if name not in NOT_FACTS
    ]


def filled(message: Message, *, seed: int = 1, depth: int = 0) -> Message:
    """`message` with every field set to a value that depends on its number, so that a renumbered field changes the bytes."""
    for field in message.DESCRIPTOR.fields:
        if field.containing_oneof is not None and field.containing_oneof.fields[0] is not field:
            continue
        value = _value(field, seed)
        if field.message_type is not None:
            if depth > 3:
                continue
            part = getattr(message, field.name)
            filled(part.add() if field.is_repeated else part, seed=field.number, depth=depth + 1)
            if not field.is_repeated:
                part.SetInParent()
        elif field.is_repeated:
            getattr(message, field.name).append(value)
        else:
            setattr(message, field.name, value)
    return message


def _value(field: FieldDescriptor, seed: int) -> Any:
    number = field.number + seed
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        return (
            f"{field.name}-{number}".encode()
            if field.type == field.TYPE_BYTES
            else f"{field.name}-{number}"
        )
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return True
    if field.cpp_type == FieldDescriptor.CPPTYPE_ENUM:
        assert field.enum_type is not None
        return field.enum_type.values[-1].number
    if field.cpp_type in (FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT):
        return number + 0.5
    return number


def a_fact(descriptor: Descriptor) -> Message:
    module = importlib.import_module(
        descriptor.file.name.removesuffix(".proto").replace("/", ".") + "_pb2"
    )
    message: Message = getattr(module, descriptor.name)()
    return filled(message)


def golden_of(descriptor: Descriptor) -> str:
    return a_fact(descriptor).SerializeToString(deterministic=True).hex()


@pytest.mark.parametrize("descriptor", fact_types(), ids=lambda one: one.full_name)
def test_the_bytes_of_a_fact_are_what_they_were(descriptor: Descriptor) -> None:
    """New fields may come: what was announced before must still be read as it was."""
    golden = json.loads(GOLDEN.read_text())[descriptor.full_name]
    old = type(a_fact(descriptor)).FromString(bytes.fromhex(golden["bytes"]))
    assert json_format.MessageToDict(old) == golden["json"]


@pytest.mark.parametrize("descriptor", fact_types(), ids=lambda one: one.full_name)
def test_last_months_consumer_reads_todays_fact(descriptor: Descriptor) -> None:
    """An old reader sees the fields it knew, and passes over a new one."""
    old = type(a_fact(descriptor)).FromString(
        bytes.fromhex(golden_of(descriptor)) + b"\xfa\x3f\x03new"  # field 1023, length 3
    )
    old.DiscardUnknownFields()
    assert old == a_fact(descriptor)


@pytest.mark.parametrize("descriptor", fact_types(), ids=lambda one: one.full_name)
def test_every_fact_is_documented_and_says_when(descriptor: Descriptor) -> None:
    assert descriptor.name in (ROOT / "docs" / "facts.md").read_text()
    assert descriptor.fields_by_name["occurred_time"].number == 1


def test_no_golden_fact_is_gone() -> None:
    assert set(json.loads(GOLDEN.read_text())) == {one.full_name for one in fact_types()}


def test_every_topic_is_documented_with_its_key() -> None:
    page = (ROOT / "docs" / "facts.md").read_text()
    for topic in topics().values():
        stem = topic.key.partition("/")[0]
        assert f"| `{topic.name}` | `{stem}/…` |" in page
        assert state_twin_of(topic.name).count(".state.") == 1
    assert dead_letter_topic("events") == "events.dead.v1"


def test_no_fact_has_a_field_for_personal_data() -> None:
    """Not even a place for it: the words are not in the tree of any fact, but where the contract says they stay empty."""
    personal = ("phone", "email", "address", "contact", "birth", "identity", "guardian")
    empty = {
        "zhihui.events.v1.Request.host_phone"
    }  # RequestState: always empty there; the events service's test proves it
    found = set()
    for descriptor in fact_types():
        found |= {
            field.full_name
            for field in fields_below(descriptor)
            if any(word in field.name for word in personal)
        }
    assert found == empty


def fields_below(descriptor: Descriptor, seen: set[str] | None = None) -> list[FieldDescriptor]:
    seen = set() if seen is None else seen
    if descriptor.full_name in seen:
        return []
    seen.add(descriptor.full_name)
    below = list(descriptor.fields)
    for field in descriptor.fields:
        if field.message_type is not None:
            below += fields_below(field.message_type, seen)
    return below


def write_golden() -> None:
    """Add the bytes of new facts; those that are there stay: `python -m tests.contract.test_facts`."""
    known = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}
    for descriptor in fact_types():
        known.setdefault(
            descriptor.full_name,
            {
                "bytes": golden_of(descriptor),
                "json": json_format.MessageToDict(a_fact(descriptor)),
            },
        )
    GOLDEN.write_text(json.dumps(known, ensure_ascii=False, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    write_golden()
