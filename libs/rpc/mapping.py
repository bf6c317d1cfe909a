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
    hints = _types(typing.cast("type", cls))
    fields = message.DESCRIPTOR.fields_by_name
    values = {}
    for name, hint in hints.items():
        field = fields.get(name)
        if field is not None:
            values[name] = _from_field(hint, message, field, f"{path}.{name}" if path else name)
    return cls(**values)


def _from_field(hint: Any, message: Message, field: Any, path: str) -> Any:
    inner, optional = _optional(hint)
    value = getattr(message, field.name)
    if typing.get_origin(inner) is tuple:
        item = typing.get_args(inner)[0]
        return tuple(_from_value(item, one, field, f"{path}[{i}]") for i, one in enumerate(value))
    if optional:
        if field.has_presence and not message.HasField(field.name):
            return None
        if not field.has_presence and not value:
            return None
    return _from_value(inner, value, field, path)


def _from_value(hint: Any, value: Any, field: Any, path: str) -> Any:
    if hint is datetime:
        return value.ToDatetime(tzinfo=UTC)
    if hint is date:
        return day_from(value, path=path)
    if isinstance(hint, type) and issubclass(hint, enum.StrEnum):
        descriptor = field.enum_type
        known = descriptor.values_by_number.get(value)
        try:
            return hint[known.name.removeprefix(_prefix(descriptor))] if known else hint[str(value)]
        except KeyError as error:
            raise MalformedValue(
                "a value is not known here",
                violations=[FieldViolation(path, "not said, or not known to this version")],
            ) from error
    if dataclasses.is_dataclass(hint):
        return from_message(typing.cast("Callable[..., Any]", hint), value, path=path)
    return value


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
    fields = cls.DESCRIPTOR.fields_by_name
    for name in _types(value.__class__):
        field = fields.get(name)
        if field is not None:
            _to_field(getattr(value, name), message, field)
    return message


def _to_field(value: Any, message: Message, field: Any) -> None:
    if value is None:
        return
    if isinstance(value, tuple):
        target = getattr(message, field.name)
        for item in value:
            if field.message_type is not None:
                _fill(item, target.add())
            else:
                target.append(_scalar(item, field))
    elif field.message_type is not None:
        part = getattr(message, field.name)
        part.SetInParent()
        _fill(value, part)
    else:
        setattr(message, field.name, _scalar(value, field))


def _fill(value: Any, message: Any) -> None:
    if isinstance(value, datetime):
        message.FromDatetime(value)
    else:
        message.CopyFrom(to_message(value, type(message)))


def _scalar(value: Any, field: Any) -> Any:
    if isinstance(value, enum.StrEnum):
        descriptor = field.enum_type
        return descriptor.values_by_name[_prefix(descriptor) + value.name].number
    if isinstance(value, date):
        return value.isoformat()
    return value
