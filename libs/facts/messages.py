"""Every message that can be a fact's payload, by the type its header names."""

import functools
import hashlib
from collections.abc import Mapping

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from zhihui.events.v1 import facts_pb2 as events
from zhihui.experts.v1 import facts_pb2 as experts
from zhihui.scheduling.v1 import facts_pb2 as scheduling

from libs.errors import InvalidInput
from libs.messaging.kafka import Received


class UnreadableFact(InvalidInput):
    """The bytes are no message of the type that the header names."""


@functools.cache
def fact_types() -> Mapping[str, type[Message]]:
    """The classes of facts by full name, as `ce_type` has it; what only lies inside facts is not among them."""
    return {
        descriptor.full_name: GetMessageClass(descriptor)
        for module in (experts, events, scheduling)
        for descriptor in module.DESCRIPTOR.message_types_by_name.values()
        if "occurred_time" in descriptor.fields_by_name
    }


@functools.cache
def contract_version() -> str:
    """The first 12 digits of the SHA-256 over the descriptions of all facts."""
    files = sorted(module.DESCRIPTOR.serialized_pb for module in (experts, events, scheduling))
    return hashlib.sha256(b"".join(files)).hexdigest()[:12]


def message_of(fact: Received) -> Message | None:
    """The payload; None for a tombstone and for a type that is newer than this code.

    Raises:
        google.protobuf.message.DecodeError: the bytes are none of that type.
    """
    kind = fact_types().get(fact.type)
    return None if kind is None or fact.payload is None else kind.FromString(fact.payload)
