"""Venues that file at once, through the edge: the real stack, a session and an idempotency key each.

    make up                                                             # in another terminal
    PYTHONPATH=.:libs/genproto python -m tests.benchmarks.edge_load --venues 500 [--home .zhihui] [--spread 0]

Each venue has signed in before (signing in is not what is measured), then all file one request, beginning together
(`--spread` 0) or spread evenly over so many seconds. A tenth send theirs a second time with the same key, as phones on a
weak network do, and must get the same request. Loopback only.

Against the stack of this folder; the calls of this script cost processor time of the same machine and are in the numbers,
so they are made before and read after.
"""

import argparse
import asyncio
import json
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil

from libs.clock import system_clock
from libs.ids import new_id
from services.web.settings import LOOPBACK
from tests.benchmarks.instant_answer import half_days
from tests.benchmarks.spread import spread
from tests.support.embedded import EmbeddedStack
from tests.support.signing_in import sign_in

P95_MS_MAX = 1000
REPEATS_OF = 10
"""One of so many sends its request twice."""
SIGNING_IN_AT_ONCE = 8
PEOPLE = 50
"""Sessions the venues share."""


class Phone(asyncio.Protocol):
    """One keep-alive connection that sends bytes made before and keeps what comes back: its own cost is next to nothing."""

    def __init__(self) -> None:
        self._got = bytearray()
        self._whole = 0
        self._answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    async def send(self, call: bytes) -> bytes:
        """The whole answer, head and body."""
        self._got, self._whole = bytearray(), 0
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(call)
        return await self._answer

    def data_received(self, data: bytes) -> None:
        self._got += data
        if not self._whole and b"\r\n\r\n" in self._got:
            head = bytes(self._got[: self._got.index(b"\r\n\r\n")]).lower()
            length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
            self._whole = len(head) + 4 + length
        if self._whole and len(self._got) >= self._whole and not self._answer.done():
            self._answer.set_result(bytes(self._got))

    def connection_lost(self, error: Exception | None) -> None:
        if not self._answer.done():
            self._answer.set_exception(error or ConnectionResetError("the edge hung up"))

    def close(self) -> None:
        """Hang up."""
        self._transport.close()


def call_of(host: str, path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """A POST as it goes over the wire."""
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: {host}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def prepared(base: str, *, venues: int) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """Venues there are, and headers of people who are signed in."""
    async with httpx.AsyncClient(base_url=base, timeout=60) as client:
        await sign_in(client, "city")
        found: list[dict[str, Any]] = []
        token = ""
        while len(found) < venues:
            query = {"page_size": 1000, "page_token": token}
            page = (await client.get("/api/venues", params=query)).json()
            found += page["venues"]
            token = page["next_page_token"]
            if not token:
                break
    return found, await _people(base, count=min(venues, PEOPLE))


async def measure(
    stack: EmbeddedStack,
    *,
    venues: int,
    spread_s: float,
    found: list[dict[str, Any]],
    people: list[Any],
) -> dict[str, Any]:
    """File, and what came of it; milliseconds from the first byte sent to the last one read."""
    first = system_clock().replace(hour=0, minute=0, second=0, microsecond=0)
    windows = half_days(first=first + timedelta(days=28), days=3)
    gate = asyncio.Event()
    at = urlsplit(stack.base)
    assert at.hostname in LOOPBACK, "a load is for one's own machine"
    loop = asyncio.get_running_loop()
    # connections are open before the start, as a phone's is that has shown the form
    phones = [(await loop.create_connection(Phone, at.hostname, at.port))[1] for _ in range(venues)]

    def call(number: int) -> bytes:
        venue = found[number % len(found)]
        asked = {
            "venue": venue["name"],
            "title": f"示例讲座 {number}",
            "group": venue["group"] or "YOUTH",
            "level": "ADULT",
            "form": "CONSULTATION",
            "topic": "first_aid",
            "duration_min": 60,
            "audience_size": 40,
            "mode": "EITHER",
            "windows": windows,
            "seats": [{"roles": ["LECTURER"], "count": 1}],
        }
        body = json.dumps({"request": asked, "submit": True}).encode()
        headers = {**people[number % len(people)], "Idempotency-Key": new_id("load")}
        return call_of(at.netloc, "/api/requests", body, headers)

    async def file(number: int, call: bytes) -> list[tuple[float, bytes]]:
        await gate.wait()
        await asyncio.sleep(spread_s * number / venues)
        answers = []
        for _ in range(2 if number % REPEATS_OF == 0 else 1):
            began = time.perf_counter()
            answer = await phones[number].send(call)
            answers.append((1000 * (time.perf_counter() - began), answer))
        return answers

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(file(number, call(number))) for number in range(venues)]
        await asyncio.sleep(0)
        before, began = cpu_s(stack), time.perf_counter()
        gate.set()
    took_s, after = time.perf_counter() - began, cpu_s(stack)
    for phone in phones:
        phone.close()
    results = [[(*read(answer), ms) for ms, answer in task.result()] for task in tasks]
    calls = [call for calls in results for call in calls]
    errors = Counter(told for status, told, _ in calls if status != 200)
    names = [calls[0][1] for calls in results if calls[0][0] == 200]
    return {
        "venues": venues,
        "spread_s": spread_s,
        "calls": len(calls),
        "requests_made": len(set(names)),
        "twice_the_same": all(len({told for _, told, _ in calls}) == 1 for calls in results),
        "errors": dict(errors.most_common(5)),
        "took_s": round(took_s, 2),
        "calls_per_s": round(len(calls) / took_s, 1),
        **spread([took_ms for _, _, took_ms in calls]),
        "limit_p95_ms": P95_MS_MAX,
        "cpu_ms_per_call": {
            name: round(1000 * (spent_s - before.get(name, 0)) / len(calls), 2)
            for name, spent_s in sorted(
                after.items(), key=lambda one: before.get(one[0], 0) - one[1]
            )
            if spent_s - before.get(name, 0) > 0.05
        },
    }


def read(answer: bytes) -> tuple[int, str]:
    """Status of an answer, and the request's name or what was wrong."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status, said = int(head.split(b" ", 2)[1]), json.loads(body)
    return status, said["request"]["name"] if status == 200 else str(said)


async def _people(base: str, *, count: int) -> list[dict[str, str]]:
    """Headers of `count` sessions: cookie and token."""
    room = asyncio.Semaphore(SIGNING_IN_AT_ONCE)

    async def one() -> dict[str, str]:
        async with room, httpx.AsyncClient(base_url=base, timeout=60) as visitor:
            shown = await sign_in(visitor, "city")
            return {**shown, "Cookie": f"zhihui_session={visitor.cookies['zhihui_session']}"}

    return list(await asyncio.gather(*(one() for _ in range(count))))


def cpu_s(stack: EmbeddedStack) -> dict[str, float]:
    """Processor seconds so far, by process of the stack; `postgres` is all of its processes, `this` the load itself."""
    pids = stack.state["pids"]
    spent = {name: _spent_s(psutil.Process(pid)) for name, pid in pids.items()}
    postmaster = int((stack.home / "postgres" / "postmaster.pid").read_text().splitlines()[0])
    parts = [psutil.Process(postmaster), *psutil.Process(postmaster).children()]
    return {**spent, "postgres": sum(_spent_s(one) for one in parts), "this": time.process_time()}


def _spent_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


async def run(stack: EmbeddedStack, *, venues: int, spread_s: float) -> dict[str, Any]:
    """Prepare and measure."""
    there, people = await prepared(stack.base, venues=venues)
    return await measure(stack, venues=venues, spread_s=spread_s, found=there, people=people)


def main() -> None:
    """Measure, print, and end with 1 where there was an error or p95 is over the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--venues", type=int, default=500)
    parser.add_argument("--spread", type=float, default=0.0)
    parser.add_argument("--home", type=Path, default=Path(".zhihui"))
    given = parser.parse_args()
    assert 1 <= given.venues <= 5000
    stack = EmbeddedStack(given.home)
    found = asyncio.run(run(stack, venues=given.venues, spread_s=given.spread))
    print(json.dumps(found, indent=2, ensure_ascii=False))
    wrong = (
        found["errors"]
        or not found["twice_the_same"]
        or found["requests_made"] != given.venues
        or found["p95_ms"] > P95_MS_MAX
    )
    raise SystemExit(bool(wrong))


if __name__ == "__main__":
    main()
