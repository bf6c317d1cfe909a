"""Field masks of updates (AIP-134, AIP-161): exactly the named fields change, and only those a caller may change."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from google.api import field_behavior_pb2  # type: ignore[import-untyped]  # ships no stubs
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from libs.errors import FieldViolation, InvalidInput

Resource = TypeVar("Resource", bound=Message)

_FIXED = frozenset(
    {
        field_behavior_pb2.OUTPUT_ONLY,
        field_behavior_pb2.IMMUTABLE,
        field_behavior_pb2.IDENTIFIER,
    }
)


class BadUpdateMask(InvalidInput):
    """The mask names a field that is not there, or not the caller's to change."""


def apply_mask(message: Resource, patch: Resource, mask: FieldMask) -> Resource:
    """`message` with the fields that `mask` names taken from `patch`; neither argument changes.

    A field named and unset in `patch` is cleared; lists and maps are replaced whole. An empty mask means the fields set
    in `patch`; `*` means all. Fields the proto calls output only, immutable or identifier are refused when named and
    passed over otherwise.

    Raises:
        BadUpdateMask: with a violation for each path.
    """
    paths = list(mask.paths)
    if not paths:
        paths = list(_writable(message.DESCRIPTOR, [field.name for field, _ in patch.ListFields()]))
    elif paths == ["*"]:
        paths = list(_writable(message.DESCRIPTOR, message.DESCRIPTOR.fields_by_name))
    violations = [
        FieldViolation(f"update_mask.{path}", problem)
        for path in paths
        if (problem := _problem(message.DESCRIPTOR, path.split(".")))
    ]
    if violations:
        raise BadUpdateMask("the update mask cannot be followed", violations=violations)
    result = type(message)()
    result.CopyFrom(message)
    for path in paths:
        _copy(result, patch, path.split("."))
    return result


def _is_fixed(field: Any) -> bool:
    behaviors = field.GetOptions().Extensions[field_behavior_pb2.field_behavior]
    return not _FIXED.isdisjoint(behaviors)


def _writable(descriptor: Any, names: Iterable[str]) -> Iterator[str]:
    return (name for name in names if not _is_fixed(descriptor.fields_by_name[name]))


def _problem(descriptor: Any, names: Sequence[str]) -> str:
    """What is wrong with a path; empty when nothing is."""
    here = descriptor
    for depth, name in enumerate(names):
        if here is None:
            return "goes into a field that has no fields"
        field = here.fields_by_name.get(name)
        if field is None:
            return "no such field"
        if _is_fixed(field):
            return "not yours to change"
        if depth < len(names) - 1 and field.is_repeated:
            return "goes into a list, which is replaced whole"
        here = field.message_type
    return ""


def _copy(target: Message, source: Message, names: Sequence[str]) -> None:
    name, *rest = names
    if rest:
        if source.HasField(name) or target.HasField(name):
            _copy(getattr(target, name), getattr(source, name), rest)
        return
    field = target.DESCRIPTOR.fields_by_name[name]
    target.ClearField(name)
    if field.has_presence and not source.HasField(name):
        return
    value = getattr(source, name)
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        getattr(target, name).MergeFrom(value)
    elif field.is_repeated:
        getattr(target, name).extend(value)
    elif field.message_type is not None:
        getattr(target, name).CopyFrom(value)
    else:
        setattr(target, name, value)
