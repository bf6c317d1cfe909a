"""What happens around every call, always in the same order.

The first is outermost: observed → answered → limited → timed → signed_in → valid → the handler.

`answered` stands outside of the steps that refuse, so that one table (status.py) says what the caller is told whoever
refused; and inside of `observed`, so that its code is counted and logged.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import grpc
import structlog
from grpc import aio
from opentelemetry import trace
from prometheus_client import Counter, Gauge, Histogram

from libs import telemetry
from libs.auth.principal import NotSignedIn, Principal, acting_as
from libs.auth.table import authorize
from libs.errors import Refusal
from libs.postgres.outages import OUTAGES
from libs.rpc.call import Call, Step
from libs.rpc.deadline import ends_in
from libs.rpc.status import code_of, status_of, status_of_refusal, trailers_of
from libs.rpc.validation import require_valid

HANDLED = Counter("rpc_handled_total", "Calls that ended", ["method", "code"])
SECONDS = Histogram(
    "rpc_seconds",
    "Time from the call's arrival to its end, in seconds",
    ["method"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
IN_PROGRESS = Gauge("rpc_in_progress", "Calls not yet ended", ["method"])

DEADLINE_MARGIN_S = 0.02
"""The callee stops this much before its caller does, so that it can say itself that time ran out."""
RETRY_AFTER_S = 1.0

_log = structlog.stdlib.get_logger(__name__)


class TooManyCalls(Exception):
    """The service has as many calls in progress as it can bear."""


class DeadlinePassed(Exception):
    """The caller's time (or the default) ran out before the handler was done."""


@asynccontextmanager
async def observed(call: Call) -> AsyncIterator[None]:
    """Count, time, trace and log the call, whatever becomes of it."""
    IN_PROGRESS.labels(call.method).inc()
    began = time.perf_counter()
    tracer = trace.get_tracer("zhihui")
    with (
        telemetry.with_traceparent(call.metadata("traceparent")),
        tracer.start_as_current_span(
            call.method.removeprefix("/"), kind=trace.SpanKind.SERVER, record_exception=False
        ) as span,
    ):
        try:
            yield
        except asyncio.CancelledError:
            call.code = grpc.StatusCode.CANCELLED
            raise
        finally:
            elapsed_s = time.perf_counter() - began
            IN_PROGRESS.labels(call.method).dec()
            SECONDS.labels(call.method).observe(elapsed_s)
            HANDLED.labels(call.method, call.code.name).inc()
            span.set_attribute("rpc.grpc.status_code", call.code.value[0])
            _log.info(
                "rpc",
                method=call.method,
                code=call.code.name,
                reason=call.reason or None,
                subject=call.principal.subject if call.principal else None,
                elapsed_ms=round(elapsed_s * 1000, 1),
            )


@asynccontextmanager
async def answered(call: Call) -> AsyncIterator[None]:
    """Turn what was raised into what the caller is told; a bug is logged with its traceback and told as nothing."""
    try:
        yield
    except Refusal as refusal:
        status = status_of_refusal(refusal)
        call.reason = refusal.reason
    except NotSignedIn:
        call.reason = "NOT_SIGNED_IN"
        status = status_of(
            grpc.StatusCode.UNAUTHENTICATED, "a valid token is needed", reason=call.reason
        )
    except TooManyCalls:
        call.reason = "TOO_MANY_CALLS"
        status = status_of(
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "too many calls at once; try again shortly",
            reason=call.reason,
            retry_after_s=RETRY_AFTER_S,
        )
    except DeadlinePassed:
        call.reason = "DEADLINE_PASSED"
        status = status_of(
            grpc.StatusCode.DEADLINE_EXCEEDED, "there was not enough time", reason=call.reason
        )
    except OUTAGES as outage:
        call.reason = "OUTAGE"
        _log.warning("outage", method=call.method, error=type(outage).__name__, exc_info=outage)
        status = status_of(
            grpc.StatusCode.UNAVAILABLE,
            "something this service needs is away; try again shortly",
            reason=call.reason,
        )
    except aio.AbortError:
        call.code = call.context.code()
        raise
    except Exception:
        _log.exception("bug", method=call.method)
        call.code = grpc.StatusCode.INTERNAL
        await call.context.abort(call.code, "internal error")
    else:
        return
    call.code = code_of(status)
    await call.context.abort(call.code, status.message, trailers_of(status))


@dataclass(slots=True)
class InProgress:
    """How many calls a server has begun and not ended; streams, which mostly wait, are counted apart."""

    calls: int = 0
    streams: int = 0


def limited(now: InProgress, *, calls_max: int, streams_max: int) -> Step:
    """Refuse calls over the limit at once, before anything is spent on them; keeps `now` true."""

    @asynccontextmanager
    async def step(call: Call) -> AsyncIterator[None]:
        kind, limit = ("streams", streams_max) if call.streaming else ("calls", calls_max)
        if getattr(now, kind) >= limit:
            raise TooManyCalls
        setattr(now, kind, getattr(now, kind) + 1)
        try:
            yield
        finally:
            setattr(now, kind, getattr(now, kind) - 1)

    return step


def timed(*, call_s: float, stream_s: float) -> Step:
    """Give every call an end: the caller's deadline less a margin, or the default when the caller set none."""

    @asynccontextmanager
    async def step(call: Call) -> AsyncIterator[None]:
        asked_s = call.context.time_remaining()
        left_s = (
            (stream_s if call.streaming else call_s)
            if asked_s is None
            else asked_s - DEADLINE_MARGIN_S
        )
        if left_s <= 0:
            raise DeadlinePassed
        try:
            async with asyncio.timeout(left_s) as limit:
                with ends_in(left_s):
                    yield
        except TimeoutError as error:
            if limit.expired():
                raise DeadlinePassed from error
            raise

    return step


def signed_in(verify: Callable[[str], Principal]) -> Step:
    """Find out who calls, and whether one of their roles may do this; deny otherwise."""

    @asynccontextmanager
    async def step(call: Call) -> AsyncIterator[None]:
        scheme, _, token = (call.metadata("authorization") or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise NotSignedIn("no token")
        call.principal = verify(token.strip())
        authorize(call.action, call.principal)
        with acting_as(call.principal):
            yield

    return step


@asynccontextmanager
async def valid(call: Call) -> AsyncIterator[None]:
    """Let only requests through that keep the rules written in the protos."""
    require_valid(call.request)
    yield
