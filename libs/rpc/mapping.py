"""Domain values to and from messages, by the names of their fields: so that translation has no line that can be wrong alone.

A domain value is a frozen dataclass whose fields are named as the message's. What is missing on either side is passed
over (a dataclass field then needs a default). By the dataclass's types:

    str, int, float, bool    as they are; with `| None`: the field's presence
    StrEnum                  the enum value without its prefix: ROLE_LECTURER; with `| None`, unspecified is None
    datetime                 Timestamp, aware, UTC
    date                     an ISO 8601 string; with `| None`, '' is None
    tuple[X, ...]            repeated
    dataclass                message; with `| None`: the field's presence
"""

import dataclasses
import enum
import functools
import types
import typing
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any, TypeVar

from google.protobuf.message import Message

from libs.errors import FieldViolation, InvalidInput

Value = TypeVar("Value")
Wire = TypeVar("Wire", bound=Message)


class MalformedValue(InvalidInput):
    """A field's text is not of the form its rule promises, such as the 31st of a short month."""


@functools.cache
def _types(cls: type) -> Mapping[str, Any]:
    return typing.get_type_hints(cls)


@functools.cache
def _prefix(descriptor: Any) -> str:
    """`STATE_` of STATE_UNSPECIFIED."""
    name: str = descriptor.values_by_number[0].name
    return name.removesuffix("UNSPECIFIED")


def _optional(hint: Any) -> tuple[Any, bool]:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        (inner,) = (arg for arg in typing.get_args(hint) if arg is not type(None))
        return inner, True
    return hint, False


def from_message(cls: Callable[..., Value], message: Message, *, path: str = "") -> Value:
    """The `cls` that `message` speaks of. `path` is where it stands, for refusals: `expert`.

    Raises:
        MalformedValue: a date that is none, an enum value this version does not know.
    """
    values: dict[str, Any] = {}
    for name, shape, presence, read in _readers(typing.cast("type", cls), message.DESCRIPTOR):
        value = getattr(message, name)
        here = f"{path}.{name}" if path else name
        if shape is _Shape.MANY:
            values[name] = tuple(read(one, f"{here}[{i}]") for i, one in enumerate(value))
        elif shape is _Shape.OPTIONAL and not (message.HasField(name) if presence else value):
            values[name] = None
        else:
            values[name] = read(value, here)
    return cls(**values)


class _Shape(enum.Enum):
    ONE = enum.auto()
    OPTIONAL = enum.auto()
    MANY = enum.auto()


@functools.cache
def _readers(
    cls: type, message: Any
) -> tuple[tuple[str, _Shape, bool, Callable[[Any, str], Any]], ...]:
    """For each field that both have: its name, its shape, whether it can be missing, and how one value is read."""
    found = []
    for name, hint in _types(cls).items():
        field = message.fields_by_name.get(name)
        if field is None:
            continue
        inner, optional = _optional(hint)
        many = typing.get_origin(inner) is tuple
        item = typing.get_args(inner)[0] if many else inner
        shape = _Shape.MANY if many else _Shape.OPTIONAL if optional else _Shape.ONE
        found.append((name, shape, bool(field.has_presence), _reader(item, field)))
    return tuple(found)


def _reader(hint: Any, field: Any) -> Callable[[Any, str], Any]:
    if hint is datetime:
        return lambda value, _path: value.ToDatetime(tzinfo=UTC)
    if hint is date:
        return lambda value, path: day_from(value, path=path)
    if isinstance(hint, type) and issubclass(hint, enum.StrEnum):
        prefix = _prefix(field.enum_type)
        known = {
            one.number: hint[one.name.removeprefix(prefix)]
            for one in field.enum_type.values
            if one.name.removeprefix(prefix) in hint.__members__
        }
        return lambda value, path: _member(known, value, path=path)
    if dataclasses.is_dataclass(hint):
        part = typing.cast("Callable[..., Any]", hint)
        return lambda value, path: from_message(part, value, path=path)
    return lambda value, _path: value


def _member(known: Mapping[int, enum.StrEnum], value: int, *, path: str) -> enum.StrEnum:
    try:
        return known[value]
    except KeyError as error:
        raise MalformedValue(
            "a value is not known here",
            violations=[FieldViolation(path, "not said, or not known to this version")],
        ) from error


def day_from(text: str, *, path: str) -> date:
    """The day of an ISO 8601 string.

    Raises:
        MalformedValue: it is none, such as the 31st of a short month.
    """
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise MalformedValue(
            "this day does not exist", violations=[FieldViolation(path, f"{text!r} is no day")]
        ) from error


def to_message(value: Any, cls: type[Wire]) -> Wire:
    """The `cls` that says what the dataclass `value` says."""
    message = cls()
    _write(value, message)
    return message


def _write(value: Any, message: Any) -> None:
    for name, field, scalar in _writers(value.__class__, message.DESCRIPTOR):
        part = getattr(value, name)
        if part is None:
            continue
        if isinstance(part, tuple):
            target = getattr(message, name)
            for item in part:
                if field.message_type is not None:
                    _fill(item, target.add())
                else:
                    target.append(scalar(item))
        elif field.message_type is not None:
            inner = getattr(message, name)
            inner.SetInParent()
            _fill(part, inner)
        else:
            setattr(message, name, scalar(part))


def _fill(value: Any, message: Any) -> None:
    if isinstance(value, datetime):
        message.FromDatetime(value)
    else:
        _write(value, message)


@functools.cache
def _writers(cls: type, message: Any) -> tuple[tuple[str, Any, Callable[[Any], Any]], ...]:
    """For each field that both have: its name, the field, and how one scalar is written."""
    fields = message.fields_by_name
    return tuple(
        (name, fields[name], _scalar(fields[name])) for name in _types(cls) if name in fields
    )


def _scalar(field: Any) -> Callable[[Any], Any]:
    if field.enum_type is not None:
        prefix, numbers = _prefix(field.enum_type), field.enum_type.values_by_name
        return lambda value: (
            numbers[prefix + value.name].number if isinstance(value, enum.StrEnum) else value
        )
    return lambda value: value.isoformat() if isinstance(value, date) else value
