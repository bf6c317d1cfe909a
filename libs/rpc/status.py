"""The one table from what was raised to what the caller is told (google.rpc.Status, AIP-193), and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from libs.errors import (
    Conflict,
    FieldViolation,
    InvalidInput,
    NotAllowed,
    NotFound,
    Refusal,
    WrongState,
    kind_of,
)

DOMAIN = "zhihui"
"""ErrorInfo.domain: whose reasons these are."""

STATUS_BY_KIND: Mapping[type[Refusal], grpc.StatusCode] = {
    InvalidInput: grpc.StatusCode.INVALID_ARGUMENT,
    NotFound: grpc.StatusCode.NOT_FOUND,
    NotAllowed: grpc.StatusCode.PERMISSION_DENIED,
    WrongState: grpc.StatusCode.FAILED_PRECONDITION,
    Conflict: grpc.StatusCode.ABORTED,
}
_KIND_BY_STATUS = {code: kind for kind, code in STATUS_BY_KIND.items()}
_CODE_BY_NUMBER = {code.value[0]: code for code in grpc.StatusCode}
_DETAILS_KEY = "grpc-status-details-bin"

# Trailers over 8 kB are thrown away by proxies and by gRPC itself. The sentence travels twice: percent-encoded, where a
# Chinese character takes nine bytes, and inside the details, which base64 makes a third longer.
SENTENCE_LENGTH_MAX = 200
_VALUE_LENGTH_MAX = 200
STATUS_BYTES_MAX = 4000


def _cut(text: str, length_max: int) -> str:
    return text if len(text) <= length_max else text[: length_max - 1] + "…"


def _packed(message: Message) -> AnyMessage:
    packed = AnyMessage()
    packed.Pack(message)
    return packed


def status_of(
    code: grpc.StatusCode,
    sentence: str,
    *,
    reason: str,
    details: Mapping[str, str | int] | None = None,
    violations: Sequence[FieldViolation] = (),
    retry_after_s: float | None = None,
) -> status_pb2.Status:
    """The rich status, small enough for trailers; what had to be left out is counted in `violations_left_out`."""
    info = error_details_pb2.ErrorInfo(reason=reason, domain=DOMAIN)
    for key, value in (details or {}).items():
        info.metadata[key] = _cut(str(value), _VALUE_LENGTH_MAX)
        if info.ByteSize() > STATUS_BYTES_MAX // 2:
            del info.metadata[key]
            break
    status = status_pb2.Status(code=code.value[0], message=_cut(sentence, SENTENCE_LENGTH_MAX))
    if retry_after_s is not None:
        delay = Duration()
        delay.FromNanoseconds(int(retry_after_s * 1e9))
        status.details.append(_packed(error_details_pb2.RetryInfo(retry_delay=delay)))
    if violations:
        bad = error_details_pb2.BadRequest()
        room = STATUS_BYTES_MAX - status.ByteSize() - info.ByteSize() - 200
        for violation in violations:
            bad.field_violations.add(
                field=_cut(violation.path, _VALUE_LENGTH_MAX),
                description=_cut(violation.description, _VALUE_LENGTH_MAX),
            )
            if bad.ByteSize() > room:
                del bad.field_violations[-1]
                left_out = len(violations) - len(bad.field_violations)
                info.metadata["violations_left_out"] = str(left_out)
                break
        status.details.append(_packed(bad))
    status.details.insert(0, _packed(info))
    return status


def status_of_refusal(refusal: Refusal) -> status_pb2.Status:
    """What the caller of a refused call is told."""
    return status_of(
        STATUS_BY_KIND[kind_of(refusal)],
        refusal.sentence,
        reason=refusal.reason,
        details=refusal.details,
        violations=refusal.violations if isinstance(refusal, InvalidInput) else (),
    )


def trailers_of(status: status_pb2.Status) -> tuple[tuple[str, bytes], ...]:
    """The trailing metadata that carries `status`."""
    return ((_DETAILS_KEY, status.SerializeToString()),)


def code_of(status: status_pb2.Status) -> grpc.StatusCode:
    """The gRPC code `status` holds as a number."""
    return _CODE_BY_NUMBER[status.code]


@dataclass(frozen=True, slots=True)
class RemoteRefusal:
    """What a service answered instead of a result."""

    code: grpc.StatusCode
    kind: type[Refusal] | None
    """One of libs.errors.KINDS; None when the caller is not signed in, or the service is overloaded, late or away."""
    reason: str
    """UPPER_SNAKE; empty when the answer came from something that is not of ours (a proxy, gRPC itself)."""
    sentence: str
    details: Mapping[str, str]
    violations: tuple[FieldViolation, ...] = ()
    retry_after_s: float | None = None


def refusal_from(error: grpc.RpcError) -> RemoteRefusal:
    """Kind, reason, details and violations of a failed call; works for grpc.aio and for synchronous errors."""
    failed: Any = error
    code: grpc.StatusCode = failed.code()
    sentence: str = failed.details() or ""
    info = error_details_pb2.ErrorInfo()
    bad = error_details_pb2.BadRequest()
    retry_after_s: float | None = None
    for key, value in failed.trailing_metadata() or ():
        if key != _DETAILS_KEY:
            continue
        status = status_pb2.Status.FromString(value)
        sentence = status.message
        for detail in status.details:
            retry = error_details_pb2.RetryInfo()
            detail.Unpack(info)
            detail.Unpack(bad)
            if detail.Unpack(retry):
                retry_after_s = retry.retry_delay.ToNanoseconds() / 1e9
    return RemoteRefusal(
        code=code,
        kind=_KIND_BY_STATUS.get(code) if info.reason else None,
        reason=info.reason,
        sentence=sentence,
        details=dict(info.metadata),
        violations=tuple(
            FieldViolation(path=item.field, description=item.description)
            for item in bad.field_violations
        ),
        retry_after_s=retry_after_s,
    )
