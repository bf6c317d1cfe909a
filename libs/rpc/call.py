"""One call as the steps of the kit see it, and how steps are put around a handler, unary or streaming alike."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing
from dataclasses import dataclass
from typing import Any, TypeAlias

import grpc
from google.protobuf.message import Message
from grpc import aio

from libs.auth.principal import Principal


@dataclass(slots=True)
class Call:
    """One call in progress; the steps write down what became of it."""

    method: str
    """`/zhihui.experts.v1.ExpertsService/GetExpert`."""
    request: Message
    context: aio.ServicerContext[Any, Any]
    streaming: bool
    principal: Principal | None = None
    code: grpc.StatusCode = grpc.StatusCode.OK
    reason: str = ""

    @property
    def action(self) -> str:
        """The method's own name."""
        return self.method.rpartition("/")[2]

    def metadata(self, key: str) -> str | None:
        """The first text the caller sent under `key` (lower case)."""
        for name, value in self.context.invocation_metadata() or ():
            if name == key and isinstance(value, str):
                return value
        return None


Step: TypeAlias = Callable[[Call], AbstractAsyncContextManager[None]]
"""What is done around a call: before, after, and with its exceptions."""


def with_steps(
    handler: grpc.RpcMethodHandler[Any, Any], *, method: str, steps: Sequence[Step]
) -> grpc.RpcMethodHandler[Any, Any] | None:
    """`handler` with `steps` around it, the first outermost; None (unimplemented) for streams of requests."""
    if handler.request_streaming:
        return None

    async def unary(request: Message, context: aio.ServicerContext[Any, Any]) -> Any:
        call = Call(method=method, request=request, context=context, streaming=False)
        async with AsyncExitStack() as stack:
            for step in steps:
                await stack.enter_async_context(step(call))
            inner: Any = handler.unary_unary
            return await inner(request, context)

    # A coroutine that writes, not a generator that yields: its steps begin and end in one task and one context.
    async def stream(request: Message, context: aio.ServicerContext[Any, Any]) -> None:
        call = Call(method=method, request=request, context=context, streaming=True)
        async with AsyncExitStack() as stack:
            for step in steps:
                await stack.enter_async_context(step(call))
            inner: Any = handler.unary_stream
            answers = inner(request, context)
            if not inspect.isasyncgen(answers):
                await answers
                return
            async with aclosing(answers):
                async for answer in answers:
                    await context.write(answer)

    if handler.response_streaming:
        return grpc.unary_stream_rpc_method_handler(
            stream,
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )
    return grpc.unary_unary_rpc_method_handler(
        unary,
        request_deserializer=handler.request_deserializer,
        response_serializer=handler.response_serializer,
    )
