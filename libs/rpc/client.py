"""How one process calls another: signed in, with a deadline, traced, and retried only where a repeat does no harm."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
from grpc import aio

from libs.rpc.deadline import time_left_s
from libs.telemetry import current_traceparent

ATTEMPTS_MAX = 4
BACKOFF_S = 0.1
"""Before the second attempt; doubled for each further one, with up to half of it by chance."""
_READS = ("Get", "List", "Watch", "Search", "BatchGet", "Lookup")


def is_repeatable(method: str, request: Any) -> bool:
    """Whether sending `request` twice does the same as once: it reads, or it carries a request id."""
    return method.rpartition("/")[2].startswith(_READS) or bool(getattr(request, "request_id", ""))


class _Common:
    """What both shapes of call need: details filled in."""

    def __init__(self, token: Callable[[], str] | None, deadline_s: float) -> None:
        self._token = token
        self._deadline_s = deadline_s

    def _filled(self, details: grpc.aio.ClientCallDetails, *, default_s: float | None) -> Any:
        metadata = aio.Metadata(*(details.metadata or ()))
        if self._token is not None and metadata.get("authorization") is None:
            metadata.add("authorization", f"Bearer {self._token()}")
        traceparent = current_traceparent()
        if traceparent is not None and metadata.get("traceparent") is None:
            metadata.add("traceparent", traceparent)
        limits = [
            limit for limit in (details.timeout or default_s, time_left_s()) if limit is not None
        ]
        return details._replace(  # type: ignore[attr-defined]  # a named tuple at run time
            metadata=metadata, timeout=min(limits, default=None)
        )


class _UnaryCalls(_Common, aio.UnaryUnaryClientInterceptor):
    async def intercept_unary_unary(
        self,
        continuation: Callable[
            [grpc.aio.ClientCallDetails, Any], Awaitable[aio.UnaryUnaryCall[Any, Any]]
        ],
        client_call_details: grpc.aio.ClientCallDetails,
        request: Any,
    ) -> aio.UnaryUnaryCall[Any, Any]:
        loop = asyncio.get_running_loop()
        details = self._filled(client_call_details, default_s=self._deadline_s)
        ends_at = loop.time() + details.timeout
        method = details.method if isinstance(details.method, str) else details.method.decode()
        attempts_max = ATTEMPTS_MAX if is_repeatable(method, request) else 1
        attempt = 1
        while True:
            call = await continuation(details, request)
            if attempt == attempts_max or await call.code() is not grpc.StatusCode.UNAVAILABLE:
                return call
            pause_s = BACKOFF_S * 2 ** (attempt - 1) * random.uniform(1, 1.5)  # noqa: S311  # not for secrets
            left_s = ends_at - loop.time() - pause_s
            if left_s <= 0:
                return call
            await asyncio.sleep(pause_s)
            details = details._replace(timeout=left_s)
            attempt += 1


class _StreamCalls(_Common, aio.UnaryStreamClientInterceptor):
    async def intercept_unary_stream(
        self,
        continuation: Callable[
            [grpc.aio.ClientCallDetails, Any], Awaitable[aio.UnaryStreamCall[Any, Any]]
        ],
        client_call_details: grpc.aio.ClientCallDetails,
        request: Any,
    ) -> AsyncIterator[Any] | aio.UnaryStreamCall[Any, Any]:
        return await continuation(self._filled(client_call_details, default_s=None), request)


def channel(
    address: str,
    *,
    token: Callable[[], str] | None = None,
    deadline_s: float = 10,
    tls_ca_file: str = "",
    tls_certificate_file: str = "",
    tls_key_file: str = "",
) -> aio.Channel:
    """A channel to `address` (`host:port`); close it, or use it with `async with`.

    `token` gives the bearer token at each call. A unary call without a timeout gets `deadline_s`; a stream has none of
    its own. Calls made while handling a call end when that one must. UNAVAILABLE is tried again up to three times
    within the deadline where `is_repeatable`; everything else fails at once: see `libs.rpc.status.refusal_from`.
    """
    interceptors: list[aio.ClientInterceptor] = [
        _UnaryCalls(token, deadline_s),
        _StreamCalls(token, deadline_s),
    ]
    options = [("grpc.enable_retries", 0)]  # retried above, where it is known which calls may be
    if not tls_ca_file:
        return aio.insecure_channel(address, interceptors=interceptors, options=options)
    credentials = grpc.ssl_channel_credentials(
        Path(tls_ca_file).read_bytes(),
        Path(tls_key_file).read_bytes() if tls_key_file else None,
        Path(tls_certificate_file).read_bytes() if tls_certificate_file else None,
    )
    return aio.secure_channel(address, credentials, interceptors=interceptors, options=options)
