"""Refuses requests that break the rules written in the protos, or that say things we would silently ignore."""

from collections.abc import Iterator

import protovalidate
from google.protobuf.message import Message
from google.protobuf.unknown_fields import UnknownFieldSet

from libs.errors import FieldViolation, InvalidInput


class InvalidRequest(InvalidInput):
    """A field breaks its rule in the proto."""


class UnknownField(InvalidInput):
    """The request has a field this version of the service does not know, and would have to ignore."""


def require_valid(request: Message, *, path: str = "") -> None:
    """Check `request` whole: all violations are reported, not the first. `path`: where it stands, for a part.

    Raises:
        UnknownField: some part of it has fields our protos do not know.
        InvalidRequest: a rule of buf.validate is broken.
    """
    unknown = tuple(unknown_fields(request, path=path))
    if unknown:
        raise UnknownField(
            "the request has fields this service does not know",
            violations=[
                FieldViolation(
                    path, "not a field of this message; is your client newer than the service?"
                )
                for path in unknown
            ],
        )
    violations = [_violation(item, path) for item in protovalidate.collect_violations(request)]
    violations += [
        FieldViolation(here, "must not contain the character NUL, which cannot be stored")
        for here, text in _strings(request, path=path)
        if "\0" in text
    ]
    if violations:
        raise InvalidRequest("the request breaks the rules of its fields", violations=violations)


def _violation(broken: protovalidate.Violation, path: str) -> FieldViolation:
    rule = broken.proto
    steps = [path] if path else []
    for element in rule.field.elements if rule.field else ():
        index = element.subscript
        steps.append(element.field_name + (f"[{index.value}]" if index else ""))
    return FieldViolation(".".join(steps), rule.message or rule.rule_id or "not valid")


def _strings(message: Message, *, path: str) -> Iterator[tuple[str, str]]:
    """Every string with its path, at any depth; map entries are left out."""
    prefix = f"{path}." if path else ""
    for field, value in message.ListFields():
        here = f"{prefix}{field.name}"
        is_text = field.type == field.TYPE_STRING
        if not is_text and (
            field.message_type is None or field.message_type.GetOptions().map_entry
        ):
            continue
        items = (
            [(f"{here}[{index}]", item) for index, item in enumerate(value)]
            if field.is_repeated
            else [(here, value)]
        )
        for where, item in items:
            if is_text:
                yield where, item
            else:
                yield from _strings(item, path=where)


def unknown_fields(message: Message, *, path: str = "") -> Iterator[str]:
    """Paths of the fields our protos do not know, by number, at any depth: `expert.home.17`."""
    prefix = f"{path}." if path else ""
    unknown = UnknownFieldSet(message)
    for index in range(len(unknown)):
        yield f"{prefix}{unknown[index].field_number}"
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        here = f"{prefix}{field.name}"
        if not field.is_repeated:
            yield from unknown_fields(value, path=here)
        elif not field.message_type.GetOptions().map_entry:
            for index, item in enumerate(value):
                yield from unknown_fields(item, path=f"{here}[{index}]")
        elif field.message_type.fields_by_name["value"].message_type is not None:
            for key in value:
                yield from unknown_fields(value[key], path=f"{here}[{key}]")
