"""The .proto texts as a consumer needs them: what facts are made of, with its comments, without the rules for callers.

The texts in protos/ also say what callers may send (validation, RPCs). None of it is on the wire of a fact, and it would
make a stranger look for files that are not ours. So: only messages and enums that facts reach, field options left out.
"""

import functools
import importlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FileDescriptor

from tests.architecture.tree import ROOT

SERVICES = ("experts", "events", "scheduling")
_HEAD = re.compile(r"^(message|enum|service) (\w+) \{", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """A top-level message or enum with the comments above it."""

    package: str
    name: str
    text: str

    @property
    def full_name(self) -> str:
        return f"{self.package}.{self.name}"


def fact_descriptors() -> Mapping[str, Descriptor]:
    """Every fact by full name: the messages of facts.proto files that say when they happened."""
    return {
        descriptor.full_name: descriptor
        for service in SERVICES
        for descriptor in importlib.import_module(
            f"zhihui.{service}.v1.facts_pb2"
        ).DESCRIPTOR.message_types_by_name.values()
        if "occurred_time" in descriptor.fields_by_name
    }


def reached(descriptor: Descriptor) -> set[str]:
    """Full names of the top-level messages and enums of ours in the tree below `descriptor`, itself among them."""
    found: set[str] = set()
    _walk(descriptor, found, set())
    return {name for name in found if name.startswith("zhihui.")}


def _walk(descriptor: Descriptor, found: set[str], seen: set[str]) -> None:
    if descriptor.full_name in seen:
        return
    seen.add(descriptor.full_name)
    found.add(_outermost(descriptor).full_name)
    for field in descriptor.fields:
        if field.enum_type is not None:
            found.add(_outermost(field.enum_type).full_name)
        if field.message_type is not None:
            _walk(field.message_type, found, seen)


def _outermost(descriptor: Descriptor | EnumDescriptor) -> Descriptor | EnumDescriptor:
    outer = descriptor
    while outer.containing_type is not None:
        outer = outer.containing_type
    return outer


@functools.cache
def blocks() -> Mapping[str, tuple[str, Block]]:
    """Every top-level message and enum of our protos by full name: the file's path, and the text."""
    found = {}
    for path in sorted((ROOT / "protos" / "zhihui").rglob("*.proto")):
        text = _without_options(path.read_text(encoding="utf-8"))
        package = re.search(r"^package ([\w.]+);", text, re.MULTILINE)
        assert package is not None, path
        for block in _blocks(text, package[1]):
            found[block.full_name] = (str(path.relative_to(ROOT / "protos")), block)
    return found


def _blocks(text: str, package: str) -> Iterator[Block]:
    for head in _HEAD.finditer(text):
        if head[1] == "service":
            continue
        end = _closing(text, head.end() - 1)
        above = text[: head.start()].rstrip("\n").split("\n")
        comments: list[str] = []
        while above and above[-1].startswith("//"):
            comments.insert(0, above.pop())
        yield Block(package, head[2], "\n".join([*comments, text[head.start() : end + 1]]))


def _closing(text: str, start: int) -> int:
    """Where the bracket at `start` is closed; strings and comments are passed over."""
    pairs = {"{": "}", "[": "]"}
    opens, closes = text[start], pairs[text[start]]
    depth, at = 0, start
    while True:
        if text[at] == '"':
            at = re.compile(r'"(?:[^"\\]|\\.)*"').match(text, at).end()  # type: ignore[union-attr]
            continue
        if text.startswith("//", at):
            at = text.index("\n", at)
            continue
        depth += (text[at] == opens) - (text[at] == closes)
        if depth == 0:
            return at
        at += 1


def _without_options(text: str) -> str:
    """Field options and message options left out."""
    while found := re.search(r"= \d+ \[", text):
        start = found.end() - 1
        text = text[: start - 1] + text[_closing(text, start) + 1 :]
    while found := re.search(r"^ +option [^{;]*(\{|;)[^\n]*\n", text, re.MULTILINE):
        if found[1] == ";":
            text = text[: found.start()] + text[found.end() :]
        else:
            end = _closing(text, found.start(1))
            text = text[: found.start()] + text[text.index("\n", end) + 1 :]
    return text


def consumer_protos() -> Mapping[str, str]:
    """Path to text of the files that `protoc` needs to make code for all facts; beside them only google/protobuf."""
    wanted: set[str] = set()
    for descriptor in fact_descriptors().values():
        wanted |= reached(descriptor)
    by_path: dict[str, list[Block]] = {}
    for full_name, (path, block) in blocks().items():
        if full_name in wanted:
            by_path.setdefault(path, []).append(block)
    return {path: _file(path, by_path) for path in sorted(by_path)}


def _file(path: str, by_path: Mapping[str, list[Block]]) -> str:
    body = "\n\n".join(block.text for block in by_path[path])
    package = by_path[path][0].package
    imports = ["google/protobuf/timestamp.proto"] if "google.protobuf.Timestamp" in body else []
    for other, others in by_path.items():
        names = [
            block.full_name if block.package != package else block.name
            for block in others
            if other != path
        ]
        if any(re.search(rf"(?<![\w.]){re.escape(name)} \w+ =", body) for name in names):
            imports.append(other)
    lines = [
        'syntax = "proto3";',
        f"package {package};",
        "\n".join(f'import "{name}";' for name in imports),
    ]
    return "\n\n".join(part for part in (*lines, body) if part) + "\n"


def payload_schema(descriptor: Descriptor) -> str:
    """One fact as one text that imports nothing of ours, as AsyncAPI wants a payload; names without their packages."""
    wanted = reached(descriptor)
    own = blocks()[descriptor.full_name][1]
    parts = [
        block.text
        for full_name, (_, block) in blocks().items()
        if full_name in wanted and full_name != descriptor.full_name
    ]
    text = "\n\n".join([_marked(own.text), *parts])
    text = re.sub(r"\bzhihui\.\w+\.v1\.(\w+)", r"\1", text)
    return f'syntax = "proto3";\n\nimport "google/protobuf/timestamp.proto";\n\n{text}\n'


def _marked(text: str) -> str:
    head, _, rest = text.partition("message ")
    return f"{head}// @RootNode\nmessage {rest}"


def descriptor_set() -> descriptor_pb2.FileDescriptorSet:
    """The same as a FileDescriptorSet: only what facts reach, without options; imports come before what imports them."""
    wanted: set[str] = set()
    for descriptor in fact_descriptors().values():
        wanted |= reached(descriptor)
    found = descriptor_pb2.FileDescriptorSet()
    seen: set[str] = set()
    for service in SERVICES:
        _add(
            importlib.import_module(f"zhihui.{service}.v1.facts_pb2").DESCRIPTOR,
            found,
            seen,
            wanted,
        )
    return found


def _add(
    file: FileDescriptor,
    found: descriptor_pb2.FileDescriptorSet,
    seen: set[str],
    wanted: set[str],
) -> None:
    if file.name in seen or not file.name.startswith(("zhihui/", "google/protobuf/timestamp")):
        return
    seen.add(file.name)
    for dependency in file.dependencies:
        _add(dependency, found, seen, wanted)
    whole = descriptor_pb2.FileDescriptorProto()
    file.CopyToProto(whole)
    if file.package.startswith("zhihui."):
        for kind in (whole.message_type, whole.enum_type):
            for at in reversed(range(len(kind))):
                if f"{file.package}.{kind[at].name}" not in wanted:
                    del kind[at]
        del whole.service[:]
        kept = [name for name in whole.dependency if name in seen]
        del whole.dependency[:]
        whole.dependency.extend(kept)
        _forget_options(whole)
    found.file.append(whole)


def _forget_options(
    part: descriptor_pb2.FileDescriptorProto | descriptor_pb2.DescriptorProto,
) -> None:
    part.ClearField("options")
    for message in (
        part.message_type
        if isinstance(part, descriptor_pb2.FileDescriptorProto)
        else part.nested_type
    ):
        _forget_options(message)
    if isinstance(part, descriptor_pb2.DescriptorProto):
        for field in part.field:
            if not field.options.packed and not field.options.deprecated:
                field.ClearField("options")
