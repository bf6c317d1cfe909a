"""HTTP to receivers: nowhere but the public network, no redirects, an end to every answer."""

import asyncio
import ipaddress
import socket
from collections.abc import Callable
from typing import Any

import httpx

from services.feeds.domain.webhook import Answer
from services.feeds.handlers.webhook import TargetRefused

ANSWER_BYTES = 64 * 1024
"""Of an answer's body this much is read and thrown away; the rest is not waited for."""

_FORBIDDEN = "the address is not on the public network"
_PLAIN = "https is needed"


class HttpReceiver:
    """`ports.Receiver`. `private`: whether loopback and private addresses, and plain http, are allowed."""

    def __init__(self, *, private: bool, timeout_s: float) -> None:
        self._private = private
        self._timeout_s = timeout_s
        self._client = httpx.AsyncClient(
            follow_redirects=False,
            timeout=timeout_s,
            trust_env=False,
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    async def close(self) -> None:
        """Let the connections go."""
        await self._client.aclose()

    async def check(self, url: str) -> None:
        """Whether facts may be sent there.

        Raises:
            TargetRefused: they may not, or the name leads nowhere.
        """
        try:
            await self._address(httpx.URL(url))
        except (_Refused, httpx.InvalidURL, OSError) as error:
            raise TargetRefused(f"facts are not sent there: {error}", url=url[:200]) from error

    async def _address(self, url: httpx.URL) -> str:
        """An address that the host stands for; every one of them must be allowed."""
        if url.scheme != "https" and not self._private:
            raise _Refused(_PLAIN)
        if url.userinfo:
            raise _Refused("no user name or password in the address")
        found = await asyncio.get_running_loop().getaddrinfo(
            url.host, url.port or (443 if url.scheme == "https" else 80), type=socket.SOCK_STREAM
        )
        addresses = [str(one[4][0]) for one in found]
        if not self._private and not all(is_public(address) for address in addresses):
            raise _Refused(_FORBIDDEN)
        return addresses[0]

    async def send(self, url: str, *, body: bytes, headers: dict[str, str]) -> Answer:
        """What came of it. The name is looked up once: what was checked is what is called."""
        try:
            async with asyncio.timeout(self._timeout_s):
                target = httpx.URL(url)
                address = await self._address(target)
                request = self._client.build_request(
                    "POST",
                    target.copy_with(host=address),
                    content=body,
                    headers={**headers, "host": target.netloc.decode()},
                    extensions={"sni_hostname": target.host},
                )
                response = await self._client.send(request, stream=True)
                try:
                    await _read_some(response)
                finally:
                    await response.aclose()
        except TimeoutError:
            return Answer(0, f"no whole answer within {self._timeout_s:g} s")
        except (_Refused, httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            return Answer(0, f"{type(error).__name__}: {error}"[:200].removeprefix("_Refused: "))
        return _answer_of(response.status_code)


def _answer_of(status: int) -> Answer:
    if 200 <= status < 300:
        return Answer(status)
    if 300 <= status < 400:
        return Answer(status, f"HTTP {status}: redirects are not followed")
    return Answer(status, f"HTTP {status}")


async def _read_some(response: Any) -> None:
    count = 0
    async for chunk in response.aiter_raw():
        count += len(chunk)
        if count >= ANSWER_BYTES:
            return


class _Refused(Exception):
    """Facts are not sent there."""


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public network; one inside another (mapped, 6to4) counts as the inner one."""
    found: Any = ipaddress.ip_address(address.partition("%")[0])
    inner: Callable[[str], Any] = lambda name: getattr(found, name, None)  # noqa: E731
    for embedded in (inner("ipv4_mapped"), inner("sixtofour"), *(inner("teredo") or ())):
        if embedded is not None and not is_public(str(embedded)):
            return False
    return bool(found.is_global and not found.is_multicast)
