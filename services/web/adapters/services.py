"""Calls to the services, told and answered as plain values."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import grpc
from zhihui.events.v1 import events_pb2, events_pb2_grpc
from zhihui.experts.v1 import experts_pb2, experts_pb2_grpc
from zhihui.feeds.v1 import feeds_pb2, feeds_pb2_grpc
from zhihui.scheduling.v1 import scheduling_pb2, scheduling_pb2_grpc

from libs.rpc.client import channel
from libs.rpc.status import refusal_from
from services.web.adapters.plain import filled, plain
from services.web.settings import Settings

LONG_S = 90.0
LONG = frozenset(
    {
        "AdoptRepair",
        "ComparePlans",
        "ExplainRequest",
        "FreezeRound",
        "OfferRound",
        "PriceMove",
        "PublishRound",
        "RepairRound",
        "ValidateRound",
        "VerifyPlan",
    }
)
"""Those that look at a whole round: with thousands of requests on a busy machine they need more than a call usually has."""


class Refused(Exception):
    """A service said no, or did not answer; `code` is gRPC's name for it, `reason` the project's."""

    def __init__(self, error: grpc.RpcError) -> None:
        """Read what the service said."""
        refusal = refusal_from(error)
        self.code = refusal.code.name
        self.reason = refusal.reason
        self.sentence = refusal.sentence
        self.details = dict(refusal.details)
        self.violations = [(one.path, one.description) for one in refusal.violations]
        self.retry_after_s = refusal.retry_after_s
        super().__init__(f"{self.code} {self.reason}: {self.sentence}")


class Busy(Exception):
    """So many calls wait for a service that this one would not have been answered in time."""


class Services:
    """The services behind the edge; open it inside a running loop.

    A service does so many calls at once and refuses more (`calls_max`): a rush waits here instead, where waiting costs
    nothing, each call for as long as its deadline allows.
    """

    def __init__(self, settings: Settings) -> None:
        """Make the channels; nothing is sent yet."""
        self._channels = [
            channel(
                address,
                tls_ca_file=settings.tls_ca_file,
                tls_certificate_file=settings.tls_certificate_file,
                tls_key_file=settings.tls_key_file,
            )
            for address in (
                settings.experts_address,
                settings.events_address,
                settings.scheduling_address,
                settings.feeds_address,
            )
        ]
        stubs: list[tuple[Any, Any]] = [
            (experts_pb2, experts_pb2_grpc.ExpertsServiceStub(self._channels[0])),
            (events_pb2, events_pb2_grpc.EventsServiceStub(self._channels[1])),
            (scheduling_pb2, scheduling_pb2_grpc.SchedulingServiceStub(self._channels[2])),
            (feeds_pb2, feeds_pb2_grpc.FeedsServiceStub(self._channels[3])),
        ]
        rooms = [asyncio.Semaphore(settings.calls_at_once) for _ in stubs]
        self._wait_s = settings.call_wait_s
        self._calls: dict[str, tuple[Any, Any, asyncio.Semaphore]] = {
            method.name: (
                getattr(stub, method.name),
                getattr(module, f"{method.name}Request"),
                room,
            )
            for (module, stub), room in zip(stubs, rooms, strict=True)
            for service in module.DESCRIPTOR.services_by_name.values()
            for method in service.methods
        }

    async def close(self) -> None:
        """Let the channels go."""
        for one in self._channels:
            await one.close()

    async def call(self, token: str, method: str, **values: Any) -> dict[str, Any]:
        """What `method` answers; `values` are the fields of its request, and None leaves one out.

        Raises:
            Refused: the service said no, or is away.
            Busy: too many wait for it.
        """
        rpc, request, room = self._calls[method]
        message = filled(request(), values)
        try:
            async with asyncio.timeout(self._wait_s):
                await room.acquire()
        except TimeoutError:
            raise Busy from None
        try:
            return plain(
                await rpc(
                    message,
                    metadata=_bearer(token),
                    timeout=LONG_S if method in LONG else None,
                )
            )
        except grpc.RpcError as error:
            raise Refused(error) from error
        finally:
            room.release()

    def stub(self, token: str) -> Any:
        """Something that is called as the services' stubs are, by whoever holds `token`; `grpc.RpcError` goes through."""
        return _Signed(self._calls, token)

    async def stream(self, token: str, method: str, **values: Any) -> AsyncIterator[dict[str, Any]]:
        """What the streaming `method` answers, one after the other.

        Raises:
            Refused: the service said no, went away, or ended the stream with an error.
        """
        rpc, request, _ = self._calls[method]
        answers = rpc(filled(request(), values), metadata=_bearer(token))
        try:
            async for answer in answers:
                yield plain(answer)
        except grpc.RpcError as error:
            raise Refused(error) from error
        finally:
            answers.cancel()


class _Signed:
    """Every RPC by its name, with the caller's token."""

    def __init__(self, calls: Mapping[str, tuple[Any, Any, asyncio.Semaphore]], token: str) -> None:
        self._calls = calls
        self._metadata = _bearer(token)

    def __getattr__(self, method: str) -> Any:
        rpc, _, _ = self._calls[method]
        return lambda request: rpc(request, metadata=self._metadata)


def _bearer(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)
