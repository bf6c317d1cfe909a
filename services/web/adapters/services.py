"""Calls to the events and scheduling services, answered as plain values."""

from typing import Any

from google.protobuf.json_format import MessageToDict
from zhihui.events.v1 import events_pb2 as events
from zhihui.events.v1 import events_pb2_grpc as events_grpc
from zhihui.scheduling.v1 import scheduling_pb2 as scheduling
from zhihui.scheduling.v1 import scheduling_pb2_grpc as scheduling_grpc

from libs.rpc.client import channel
from services.web.settings import Settings

PAGE_SIZE = 100


class Services:
    """The services behind the edge; open it inside a running loop."""

    def __init__(self, settings: Settings) -> None:
        """Make the channels; nothing is sent yet."""
        self._channels = [
            channel(
                address,
                tls_ca_file=settings.tls_ca_file,
                tls_certificate_file=settings.tls_certificate_file,
                tls_key_file=settings.tls_key_file,
            )
            for address in (settings.events_address, settings.scheduling_address)
        ]
        self._events: Any = events_grpc.EventsServiceStub(self._channels[0])
        self._scheduling: Any = scheduling_grpc.SchedulingServiceStub(self._channels[1])

    async def close(self) -> None:
        """Let the channels go."""
        for one in self._channels:
            await one.close()

    async def requests(self, token: str, page_token: str) -> dict[str, Any]:
        """A page of the requests the caller may see, latest first."""
        ask = events.ListRequestsRequest(page_size=PAGE_SIZE, page_token=page_token)
        return _plain(await self._events.ListRequests(ask, metadata=_bearer(token)))

    async def endorse(self, token: str, name: str, request_id: str) -> dict[str, Any]:
        """Endorse the request `name`."""
        ask = events.EndorseRequestRequest(name=name, request_id=request_id)
        return _plain(await self._events.EndorseRequest(ask, metadata=_bearer(token)))

    async def rounds(self, token: str, page_token: str) -> dict[str, Any]:
        """A page of rounds, latest first."""
        ask = scheduling.ListRoundsRequest(page_size=PAGE_SIZE, page_token=page_token)
        return _plain(await self._scheduling.ListRounds(ask, metadata=_bearer(token)))


def _bearer(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)


def _plain(message: Any) -> dict[str, Any]:
    return MessageToDict(message, preserving_proto_field_name=True)
