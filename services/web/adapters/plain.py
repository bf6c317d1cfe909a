"""Messages as plain values and back: what JSON can say, with the enums' short names and instants as text."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from google.protobuf.descriptor import EnumDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

M = TypeVar("M", bound=Message)

_TIMESTAMP = "google.protobuf.Timestamp"


def plain(message: Message) -> dict[str, Any]:
    """`message` by its fields' names, every field: an unset message or `optional` field is None.

    Enums are their names without the type's prefix, `""` for not said; instants are RFC 3339 in UTC.
    """
    return {field.name: _value(message, field) for field in message.DESCRIPTOR.fields}


def _value(message: Message, field: Any) -> Any:
    if field.is_repeated:
        return [_one(item, field) for item in getattr(message, field.name)]
    if field.has_presence and not message.HasField(field.name):
        return None
    return _one(getattr(message, field.name), field)


def _one(value: Any, field: Any) -> Any:
    if field.message_type is not None:
        return instant(value) if field.message_type.full_name == _TIMESTAMP else plain(value)
    if field.enum_type is not None:
        return _short(field.enum_type, value)
    return value


def instant(timestamp: Timestamp) -> str:
    """RFC 3339 in UTC, to the millisecond where there is one."""
    at = timestamp.ToDatetime(tzinfo=UTC)
    spec = "milliseconds" if at.microsecond else "seconds"
    return at.isoformat(timespec=spec).replace("+00:00", "Z")


def _prefix(enum: EnumDescriptor) -> str:
    zero = enum.values_by_number[0].name
    return zero.removesuffix("UNSPECIFIED")


def _short(enum: EnumDescriptor, number: int) -> str:
    value = enum.values_by_number.get(number)
    if value is None or number == 0:
        return ""
    return value.name.removeprefix(_prefix(enum))


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
