"""Messages as plain values and back: what JSON can say, with the enums' short names and instants as text."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import Any, TypeVar

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

M = TypeVar("M", bound=Message)

_TIMESTAMP = "google.protobuf.Timestamp"


def plain(message: Message) -> dict[str, Any]:
    """`message` by its fields' names, every field: an unset message or `optional` field is None.

    Enums are their names without the type's prefix, `""` for not said; instants are RFC 3339 in UTC.
    """
    return {
        name: [how(one) for one in getattr(message, name)]
        if repeated
        else None
        if present and not message.HasField(name)
        else how(getattr(message, name))
        for name, repeated, present, how in _read(message.DESCRIPTOR)
    }


@cache
def _read(message: Descriptor) -> tuple[tuple[str, bool, bool, Callable[[Any], Any]], ...]:
    """For each field: its name, whether it is repeated, whether it can be missing, and how one value is told."""
    return tuple(
        (field.name, field.is_repeated, field.has_presence, _told(field))
        for field in message.fields
    )


def _told(field: FieldDescriptor) -> Callable[[Any], Any]:
    if field.message_type is not None:
        return instant if field.message_type.full_name == _TIMESTAMP else plain
    if field.enum_type is None:
        return lambda value: value
    prefix = _prefix(field.enum_type)
    names = {one.number: one.name.removeprefix(prefix) for one in field.enum_type.values}
    return lambda number: names.get(number, "") if number else ""


def instant(timestamp: Timestamp) -> str:
    """RFC 3339 in UTC, to the millisecond where there is one."""
    return _instant(timestamp.seconds, timestamp.nanos)


@lru_cache(maxsize=10_000)  # the same half-days are asked for again and again
def _instant(seconds: int, nanos: int) -> str:
    at = datetime.fromtimestamp(seconds, UTC) + timedelta(microseconds=nanos // 1000)
    spec = "milliseconds" if at.microsecond else "seconds"
    return at.isoformat(timespec=spec).replace("+00:00", "Z")


@cache
def _prefix(enum: EnumDescriptor) -> str:
    zero = enum.values_by_number[0].name
    return zero.removesuffix("UNSPECIFIED")


def filled(message: M, values: Mapping[str, Any]) -> M:
    """`message` with `values` in it, as `plain` gives them; None leaves a field unset.

    The keys are fields of the message: views are typed, so another one is a bug (KeyError), and so is an unknown enum name.
    """
    for name, value in values.items():
        if value is None:
            continue
        field = message.DESCRIPTOR.fields_by_name[name]
        if field.is_repeated:
            into = getattr(message, name)
            for item in value:
                if field.message_type is not None:
                    filled(into.add(), item)
                else:
                    into.append(_scalar(item, field))
        elif field.message_type is not None:
            part = getattr(message, name)
            if isinstance(part, Timestamp):
                part.FromDatetime(value if isinstance(value, datetime) else _parsed(value))
            else:
                part.SetInParent()
                filled(part, value)
        else:
            setattr(message, name, _scalar(value, field))
    return message


def _parsed(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _scalar(value: Any, field: Any) -> Any:
    if field.enum_type is None:
        return value
    if not value:
        return 0
    return field.enum_type.values_by_name[f"{_prefix(field.enum_type)}{value}"].number
