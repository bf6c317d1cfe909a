"""A TCP proxy that can be slow and can cut every connection at once; between services and what they stand on."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from typing import Any


class _End(asyncio.Protocol):
    """One side of a connection; what it hears, the other side is told, `delay_s` later."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self.other: _End | None = None
        self.transport: Any = None
        self._late: deque[bytes] = deque()
        self._early: list[bytes] = []
        self._last_at = 0.0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self._proxy.ends.add(self)

    def data_received(self, data: bytes) -> None:
        if self.other is None:
            self._early.append(data)
            return
        loop = asyncio.get_running_loop()
        at = max(self._last_at, loop.time() + self._proxy.delay_s)
        if not self._late and at <= loop.time():
            self.other.transport.write(data)
            return
        self._last_at = at
        self._late.append(data)
        loop.call_at(at, self._pass_on)

    def _pass_on(self) -> None:
        assert self.other is not None
        self.other.transport.write(self._late.popleft())

    def joined(self, other: _End) -> None:
        self.other = other
        for data in self._early:
            self.data_received(data)
        self._early.clear()

    def pause_writing(self) -> None:
        if self.other is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other is not None:
            self.other.transport.resume_reading()

    def connection_lost(self, _error: Exception | None) -> None:
        self._proxy.ends.discard(self)
        if self.other is not None:
            self.other.transport.close()

    def cut(self) -> None:
        """As a router that forgot the connection: a reset, and what was on its way is lost."""
        raw = self.transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


class _Front(_End):
    """The side of whoever called us."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._proxy.tasks.create_task(self._dial())

    async def _dial(self) -> None:
        try:
            _, back = await asyncio.get_running_loop().create_connection(
                lambda: _End(self._proxy), "127.0.0.1", self._proxy.target
            )
        except OSError:
            self.transport.abort()
            return
        back.joined(self)
        self.joined(back)
        if self.transport.is_closing():
            back.transport.close()


class Proxy:
    """Listens on `port` and speaks with `target`, both of the loopback address."""

    def __init__(self, *, port: int, target: int, tasks: asyncio.TaskGroup) -> None:
        self.port = port
        self.target = target
        self.tasks = tasks
        self.delay_s = 0.0
        """Of every piece of data, each way."""
        self.ends: set[_End] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.get_running_loop().create_server(
            lambda: _Front(self), "127.0.0.1", self.port
        )

    def cut(self) -> int:
        """Reset every connection; gives how many ends there were."""
        ends = list(self.ends)
        for end in ends:
            end.cut()
        return len(ends)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        self.cut()
