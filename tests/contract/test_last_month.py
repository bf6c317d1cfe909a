"""Last month's consumer reads today's facts, today's reads last month's; and the same with what may come next month.

`2026-11.binpb` is a descriptor set as a consumer compiled it then. It is never written again: another month gets another
file. What may come is made here from today's: a field more in every message, a word more in every enum, a fact more.
"""

from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from libs.facts.messages import fact_types
from tests.architecture.tree import ROOT
from tests.contract import protos
from tests.contract.examples import examples
from tests.contract.test_facts import filled

MONTHS = sorted((ROOT / "tests" / "contract").glob("20*.binpb"))


def classes(files: FileDescriptorSet) -> dict[str, type[Message]]:
    """Classes of facts by full name, as a consumer with these descriptors has them."""
    pool = DescriptorPool()
    for file in files.file:
        pool.Add(file)
    return {
        message.full_name: GetMessageClass(message)
        for file in files.file
        if file.name.endswith("/facts.proto")
        for message in pool.FindFileByName(file.name).message_types_by_name.values()
        if "occurred_time" in message.fields_by_name
    }


def of_month(path: Path) -> FileDescriptorSet:
    return FileDescriptorSet.FromString(path.read_bytes())


def of_today() -> FileDescriptorSet:
    return protos.descriptor_set()


def of_next_month() -> FileDescriptorSet:
    """Today's, with everything that is allowed to come."""
    files = of_today()
    for file in files.file:
        if file.name.startswith("zhihui/"):
            for message in file.message_type:
                _grow(message)
            for enum in file.enum_type:
                enum.value.add(name=f"{enum.name.upper()}_OF_NEXT_MONTH", number=900)
    return files


def _grow(message: Any) -> None:
    message.field.add(
        name="of_next_month",
        number=900,
        type=FieldDescriptorProto.TYPE_STRING,
        label=FieldDescriptorProto.LABEL_OPTIONAL,
    )
    for nested in message.nested_type:
        _grow(nested)
    for enum in message.enum_type:
        enum.value.add(name="STATE_OF_NEXT_MONTH", number=900)


def understood(writer: type[Message], reader: type[Message]) -> list[str]:
    """Where `reader` does not find what `writer` wrote; fields that it does not know are none of its business."""
    written = filled(writer())
    read = reader.FromString(written.SerializeToString())
    return list(_different(written, read, ""))


def _different(written: Any, read: Any, path: str) -> Any:
    for field in read.DESCRIPTOR.fields:
        theirs = written.DESCRIPTOR.fields_by_name.get(field.name)
        here = f"{path}.{field.name}"
        if theirs is None:
            continue  # the writer is older: nothing was written
        ours_value, theirs_value = getattr(read, field.name), getattr(written, field.name)
        if field.is_repeated:
            if len(ours_value) != len(theirs_value):
                yield here
                continue
            pairs = zip(theirs_value, ours_value, strict=True)
        else:
            pairs = iter([(theirs_value, ours_value)])
        for one, other in pairs:
            if isinstance(one, Message) and isinstance(other, Message):
                yield from _different(one, other, here)
            elif one != other:
                yield here


@pytest.mark.parametrize("path", MONTHS, ids=lambda path: path.stem)
def test_that_months_consumer_reads_todays_facts(path: Path) -> None:
    old, new = classes(of_month(path)), classes(of_today())
    assert set(old) <= set(new), "a fact is gone"
    assert {name: understood(new[name], old[name]) for name in old} == {name: [] for name in old}
    for name, example in examples().items():
        if name in old:  # and as JSON shows it
            read = old[name].FromString(example.SerializeToString())
            assert json_format.MessageToDict(read) == json_format.MessageToDict(example)


@pytest.mark.parametrize("path", MONTHS, ids=lambda path: path.stem)
def test_todays_consumer_reads_that_months_facts(path: Path) -> None:
    old, new = classes(of_month(path)), dict(fact_types())
    assert {name: understood(old[name], new[name]) for name in old} == {name: [] for name in old}


@pytest.mark.parametrize("path", MONTHS, ids=lambda path: path.stem)
def test_what_comes_next_month_is_passed_over_and_kept(path: Path) -> None:
    old, coming = classes(of_month(path)), classes(of_next_month())
    assert {name: understood(coming[name], old[name]) for name in old} == {name: [] for name in old}
    for name, kind in old.items():
        written = filled(coming[name]())
        through = kind.FromString(written.SerializeToString()).SerializeToString()
        assert coming[name].FromString(through) == written, "what it does not know goes through it"


def test_a_change_that_breaks_is_seen() -> None:
    """The comparison itself: another type, another number, a word less."""
    files = of_today()
    (facts,) = (one for one in files.file if one.name == "zhihui/scheduling/v1/facts.proto")
    (published,) = (one for one in facts.message_type if one.name == "RoundPublished")
    by_name = {field.name: field for field in published.field}
    by_name["hash"].number = 55
    by_name["assignments"].type = FieldDescriptorProto.TYPE_SINT32
    name = "zhihui.scheduling.v1.RoundPublished"
    broken, old = classes(files)[name], classes(of_month(MONTHS[0]))[name]
    assert understood(broken, old) == [".assignments", ".hash"]
    assert understood(old, broken) == [".assignments", ".hash"]
