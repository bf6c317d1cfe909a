"""One gRPC server as every service runs it: health, reflection, the steps around each call, drain on SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, Self, TypeVar

import grpc
import structlog
from google.protobuf.descriptor import FileDescriptor
from grpc import aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from libs.auth.principal import Principal
from libs.process import settle
from libs.rpc import steps
from libs.rpc.call import Step, with_steps
from libs.settings import ServiceSettings

Servicer = TypeVar("Servicer")

OPEN_SERVICES = (health.SERVICE_NAME, reflection.SERVICE_NAME)
"""Answered to anybody, without the steps: they tell nothing that is not in the repository."""

RUSH = 8
"""Unary calls in progress at once: more than people who look around make."""

_log = structlog.stdlib.get_logger(__name__)


class _Kit(aio.ServerInterceptor):
    """Puts the steps around every handler but the open ones."""

    def __init__(self, around: tuple[Step, ...]) -> None:
        self._around = around

    async def intercept_service(
        self,
        continuation: Callable[
            [grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]
        ],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None or method.split("/")[1] in OPEN_SERVICES:
            return handler
        return with_steps(handler, method=method, steps=self._around)


class Server:
    """A server for one service process.

    server = Server(settings, verify=Tokens(settings).verify)
    server.add(pb_grpc.add_ExpertsServiceServicer_to_server, ExpertsServicer(…), pb.DESCRIPTOR)
    await server.serve(relay.run(), consumer.run())
    """

    def __init__(self, settings: ServiceSettings, *, verify: Callable[[str], Principal]) -> None:
        self._settings = settings
        self._now = steps.InProgress()
        around = (
            steps.observed,
            steps.answered,
            steps.limited(
                self._now, calls_max=settings.calls_max, streams_max=settings.streams_max
            ),
            steps.timed(call_s=settings.call_deadline_s, stream_s=settings.stream_deadline_s),
            steps.signed_in(verify),
            steps.valid,
        )
        self._server = aio.server(
            interceptors=[_Kit(around)],
            options=[("grpc.so_reuseport", 0)],  # a used port is an error, not half of the calls
        )
        self._health = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        self._names: list[str] = []
        self._stop = asyncio.Event()
        self.port = 0
        """The port served, once started."""

    def rushed(self) -> bool:
        """Whether so many calls are in progress that what can wait should."""
        return self._now.calls >= RUSH

    def add(
        self,
        register: Callable[[Servicer, aio.Server], None],
        servicer: Servicer,
        file: FileDescriptor,
    ) -> None:
        """Serve `servicer` by the generated `register` function; `file` is its proto's DESCRIPTOR."""
        register(servicer, self._server)
        for name, service in file.services_by_name.items():
            self._names.append(service.full_name)
            assert not any(method.client_streaming for method in service.methods), (
                f"{name} streams requests, which the steps cannot check: send them one by one"
            )

    async def start(self) -> None:
        """Begin to answer.

        Raises:
            RuntimeError: the address cannot be bound.
        """
        reflection.enable_server_reflection([*self._names, *OPEN_SERVICES], self._server)
        credentials = self._credentials()
        try:
            if credentials is None:
                self.port = self._server.add_insecure_port(self._settings.listen)
            else:
                self.port = self._server.add_secure_port(self._settings.listen, credentials)
            await self._server.start()
        except BaseException:
            await self._server.stop(None)
            raise
        for name in self._names:
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        settle()
        _log.info("serving", port=self.port, services=self._names)

    def _credentials(self) -> grpc.ServerCredentials | None:
        settings = self._settings
        if not settings.tls_certificate_file:
            return None
        authority = Path(settings.tls_ca_file).read_bytes() if settings.tls_ca_file else None
        return grpc.ssl_server_credentials(
            [
                (
                    Path(settings.tls_key_file).read_bytes(),
                    Path(settings.tls_certificate_file).read_bytes(),
                )
            ],
            root_certificates=authority,
            require_client_auth=authority is not None,
        )

    async def drain(self) -> None:
        """Say NOT_SERVING, take no new calls, and let those in progress end within `drain_s`."""
        await self._health.enter_graceful_shutdown()
        await self._server.stop(self._settings.drain_s)
        _log.info("drained", port=self.port)

    def stop(self) -> None:
        """Make `serve` drain and return; what SIGTERM and SIGINT do."""
        self._stop.set()

    async def serve(self, *background: Coroutine[Any, Any, None]) -> None:
        """Serve until SIGTERM or SIGINT (or `stop`), then drain; `background` (relay, consumers) runs meanwhile.

        Background work is cancelled after the last call has ended, so that what calls wrote is still relayed if it can.

        Raises:
            ExceptionGroup: background work failed; the server has drained and the process should end, to be restarted.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(work) for work in background]
                async with self:
                    await self._stop.wait()
                for task in tasks:
                    task.cancel()
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_exception: object) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.shield(self.drain())
