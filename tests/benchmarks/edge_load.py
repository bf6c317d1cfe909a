"""Venues that file at once, through the edge: the real stack, a session and an idempotency key each.

    make up                                                             # in another terminal
    PYTHONPATH=.:libs/genproto python -m tests.benchmarks.edge_load --venues 500 [--home .zhihui] [--spread 0]

Each venue has signed in before (signing in is not what is measured), then all file one request, beginning together
(`--spread` 0) or spread evenly over so many seconds. A tenth send theirs a second time with the same key, as phones on a
weak network do, and must get the same request. Loopback only.

Against the stack of this folder; the calls of this script cost processor time of the same machine, and are in the numbers.
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


class Phone:
    """One keep-alive connection that sends and reads: no client library, whose own cost would be in the numbers."""

    def __init__(self, base: str) -> None:
        parts = urlsplit(base)
        assert parts.hostname in LOOPBACK, "a load is for one's own machine"
        self._host, self._port = parts.hostname, parts.port

    async def connect(self) -> None:
        """Open the connection."""
        self._reader, self._writer = await asyncio.open_connection(self._host, self._port)

    async def post(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        """Status and body of the answer."""
        lines = [
            f"POST {path} HTTP/1.1",
            f"Host: {self._host}:{self._port}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        self._writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        return int(head.split(" ", 2)[1]), await self._reader.readexactly(length)

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


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
    base: str, *, venues: int, spread_s: float, found: list[dict[str, Any]], people: list[Any]
) -> dict[str, Any]:
    """File, and what came of it; milliseconds from the first byte sent to the last one read."""
    first = system_clock().replace(hour=0, minute=0, second=0, microsecond=0)
    windows = half_days(first=first + timedelta(days=28), days=3)
    gate = asyncio.Event()
    phones = [Phone(base) for _ in range(venues)]
    # connections are open before the start, as a phone's is that has shown the form
    await asyncio.gather(*(phone.connect() for phone in phones))

    async def file(number: int) -> list[tuple[int, float, str]]:
        venue = found[number % len(found)]
        headers = {**people[number % len(people)], "Idempotency-Key": new_id("load")}
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
        await gate.wait()
        await asyncio.sleep(spread_s * number / venues)
        results = []
        for _ in range(2 if number % REPEATS_OF == 0 else 1):
            began = time.perf_counter()
            status, answer = await phones[number].post("/api/requests", body, headers)
            took_ms = 1000 * (time.perf_counter() - began)
            said = json.loads(answer)
            told = said["request"]["name"] if status == 200 else str(said)
            results.append((status, took_ms, told))
        return results

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(file(number)) for number in range(venues)]
        await asyncio.sleep(0)
        began = time.perf_counter()
        gate.set()
    took_s = time.perf_counter() - began
    for phone in phones:
        phone.close()
    results = [task.result() for task in tasks]
    calls = [call for calls in results for call in calls]
    errors = Counter(told for status, _, told in calls if status != 200)
    names = [calls[0][2] for calls in results if calls[0][0] == 200]
    return {
        "venues": venues,
        "spread_s": spread_s,
        "calls": len(calls),
        "requests_made": len(set(names)),
        "twice_the_same": all(len({told for _, _, told in calls}) == 1 for calls in results),
        "errors": dict(errors.most_common(5)),
        "took_s": round(took_s, 2),
        "calls_per_s": round(len(calls) / took_s, 1),
        **spread([took_ms for _, took_ms, _ in calls]),
        "limit_p95_ms": P95_MS_MAX,
    }


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
    """Prepare, measure, and say what it cost."""
    there, people = await prepared(stack.base, venues=venues)
    before = cpu_s(stack)
    found = await measure(stack.base, venues=venues, spread_s=spread_s, found=there, people=people)
    spent = {name: after - before.get(name, 0) for name, after in cpu_s(stack).items()}
    found["cpu_ms_per_call"] = {
        name: round(1000 * seconds / found["calls"], 2)
        for name, seconds in sorted(spent.items(), key=lambda one: -one[1])
        if seconds > 0.05
    }
    return found


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
