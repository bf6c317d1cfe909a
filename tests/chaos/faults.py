"""The faults of a storm, drawn from its seed: which, when (by commands answered), and where."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from libs.messaging import operations
from libs.messaging.kafka import OUTAGES as KAFKA_OUTAGES
from libs.messaging.topics import topics
from libs.postgres.outages import OUTAGES as DATABASE_OUTAGES
from services.events.api.consumer import TOPICS as EVENTS
from services.local.health import serves_grpc
from services.scheduling.api.consumer import TOPICS as SCHEDULING
from tests.architecture.tree import ROOT
from tests.chaos.stack import MEMBERS, SERVICES, Stack

SHARES = {
    "cut_postgres": 17,
    "cut_kafka": 13,
    "kill": 10,
    "kill_at": 12,
    "slow_kafka": 12,
    "slow_postgres": 5,
    "repeat": 12,
    "clock": 6,
    "months_ahead": 2,
    "kill_member": 3,
    "kill_taking": 3,
    "rewind": 1.5,
    "stand_still": 1.3,
    "zombie": 1.3,
    "kill_postgres": 1.6,
    "kill_broker": 1,
    "disk_full": 0.4,
}
"""Per hundred, about: the dear ones (a JVM or five services start again) are fewer."""
SAYS = {
    "cut_postgres": "every connection to PostgreSQL is reset",
    "cut_kafka": "every connection to the broker is reset",
    "kill": "kill -9 of a service, its relay and consumer with it, or of a solver",
    "kill_at": "kill -9 between two given statements, two given produces or around the commit of an offset",
    "slow_kafka": "the network to the broker is slow",
    "slow_postgres": "the network to PostgreSQL is slow",
    "repeat": "old facts are published again: duplicates, and old after new",
    "clock": "the services' clocks step, forth and back",
    "months_ahead": "the services' clocks are two months ahead until some events were delivered",
    "kill_member": "a consumer dies or leaves in mid-batch: rebalance",
    "kill_taking": "kill -9 of a consumer between the commit of its effects and that of its offsets",
    "rewind": "a group's offsets go back: everything is delivered again",
    "stand_still": "a relay stands still between reading and sending; a second process of its service, which has joined "
    "its groups, waits for the lock, and is killed",
    "zombie": "the same, and the relay's connection to PostgreSQL is cut: the second one goes on, then the first one sends",
    "kill_postgres": "PostgreSQL and all its processes are killed, and start again",
    "kill_broker": "the broker is killed and starts again",
    "disk_full": "the broker's disk is full",
}
CLOCK_AHEAD_S = 60 * 86_400
"""Beyond the horizon of the rounds: deliveries can be recorded then."""
SHOWN_S, DELIVERED_S, DELIVERIES = 60, 20, 5
"""How long `months_ahead` waits for the first round, then for deliveries, and how many of them are enough."""

APART = 5
"""Things that only a fault changes, so that nothing mends what it has done."""
STILL_S, ZOMBIE_S = 2, 10
"""How long a relay stands still; at most, until the second one has published in its place."""
HELD_S, HELD_FRESH_S = 15, 1
"""How long a relay may take to have something in hand, and how old its last word of it may be."""
UNDISTURBED = ("stand_still", "zombie")
"""What other faults can be in the way of: each strikes once more when they are through, until it has had its effect."""

# Of how many of these things the newest fact is published: older ones may still be on their way to being marked.
_NEWEST_OUT = """
    SELECT count(*)
      FROM (SELECT DISTINCT ON (key) position
              FROM events.outbox
             WHERE key = ANY($1)
             ORDER BY key, position DESC) AS newest
     WHERE position NOT IN (SELECT position FROM events.outbox_waiting)
"""

OUTAGES = (*DATABASE_OUTAGES, *KAFKA_OUTAGES)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault; it strikes when `at` commands have been answered."""

    at: int
    kind: str
    seed: int


def plan(*, seed: int, faults: int, commands: int) -> list[Fault]:
    """The same for the same numbers. Each kind comes at least once where there is room for all."""
    dice = random.Random(seed)
    counts = {kind: max(1, round(share * faults / 100)) for kind, share in SHARES.items()}
    kinds = [kind for kind, count in counts.items() for _ in range(count)]
    while len(kinds) < faults:
        kinds.append(dice.choice(["cut_postgres", "cut_kafka", "kill"]))
    dice.shuffle(kinds)
    first = commands // 50  # a few commands, so that there is something to lose
    moments = sorted(dice.randrange(first, commands) for _ in kinds)
    return [Fault(at, kind, dice.randrange(2**31)) for at, kind in zip(moments, kinds, strict=True)]


class Faults:
    """Brings faults about."""

    def __init__(self, stack: Stack, say: Callable[[str], None]) -> None:
        self._stack = stack
        self._say = say
        self.done: Counter[str] = Counter()
        self.loaded = False
        self.shown = asyncio.Event()
        """Set once somebody has seen events of a round."""
        self.deliveries = 0
        """Recorded so far."""
        self.change: Callable[[Sequence[str], str], Awaitable[Sequence[str]]]
        """Changes each of some requests that no caller knows of, and files them if there are none yet; gives their names."""
        self.stood_still = 0
        self.zombies = 0
        """Relays that had lost their lock and still had facts in hand when newer ones were out."""
        self.two_relays: list[str] = []
        """What was published while the relay that had the lock stood still."""
        self._numbers = itertools.count(1)
        self._one_replica = asyncio.Lock()
        self._one_at_a_time = asyncio.Lock()
        self._one_clock = asyncio.Lock()
        self._clock_file = stack.chaos / "clock"
        self._ballast = stack.broker.disk / "ballast"

    async def strike(self, fault: Fault) -> None:
        dice = random.Random(fault.seed)
        while True:
            try:
                told = await getattr(self, f"_{fault.kind}")(dice)
                break
            except OUTAGES:  # another fault has taken away what this one needs
                await asyncio.sleep(0.5)
        self.done[fault.kind] += 1
        self._say(f"{fault.at:6} {fault.kind:14} {told or ''}")

    @property
    def effects(self) -> dict[str, int]:
        """Of those in `UNDISTURBED`, how often each had its effect."""
        return {
            "stand_still": self.stood_still + len(self.two_relays),
            "zombie": self.zombies,
        }

    async def _cut_postgres(self, _dice: random.Random) -> str:
        return f"{self._stack.to_postgres.cut()} ends"

    async def _cut_kafka(self, _dice: random.Random) -> str:
        return f"{self._stack.to_kafka.cut()} ends"

    async def _kill(self, dice: random.Random) -> str:
        name = dice.choice((*SERVICES, *SERVICES, "worker"))
        await asyncio.sleep(dice.random() / 4)
        await self._killed(name)
        return name

    async def _killed(self, name: str) -> None:
        ends_at = time.monotonic() + 60
        while not self._stack.kill(name) and time.monotonic() < ends_at:
            await asyncio.sleep(0.1)  # it is only just being started again

    async def _kill_at(self, dice: random.Random) -> str:
        name = dice.choice((*SERVICES, *MEMBERS, "scheduling", "worker"))
        what = dice.choice(("sql", "sql", "sql", "produce", "commit"))
        if name in MEMBERS and what == "produce":
            what = "commit"
        if name == "worker":
            what = "sql"
        count, when = dice.randint(1, 40 if what == "sql" else 6), dice.choice(("before", "after"))
        return await self._killed_at(name, what, count, when)

    async def _kill_taking(self, dice: random.Random) -> str:
        return await self._killed_at(dice.choice(MEMBERS), "commit", dice.randint(1, 3), "before")

    async def _killed_at(self, name: str, what: str, count: int, when: str) -> str:
        child = self._stack.children[name]
        starts = child.starts
        part = self._stack.chaos / f"{name}.part"
        part.write_text(f"{what} {count} {when}")
        os.replace(part, self._stack.chaos / f"{name}.arm")
        ends_at = time.monotonic() + 8
        while child.starts == starts and time.monotonic() < ends_at:
            await asyncio.sleep(0.05)
        if child.starts != starts:
            return f"{name} {when} {what} {count}"
        with contextlib.suppress(FileNotFoundError):
            (self._stack.chaos / f"{name}.arm").unlink()
        await self._killed(name)
        return f"{name} was too quiet for {what} {count}: killed where it was"

    async def _slow_kafka(self, dice: random.Random) -> str:
        delay_s = dice.uniform(0.02, 0.3)
        self._stack.to_kafka.delay_s = delay_s
        await asyncio.sleep(dice.uniform(0.5, 1.5))
        self._stack.to_kafka.delay_s = 0
        return f"{delay_s * 1000:.0f} ms"

    async def _slow_postgres(self, dice: random.Random) -> str:
        delay_s = dice.uniform(0.005, 0.05)
        self._stack.to_postgres.delay_s = delay_s
        await asyncio.sleep(dice.uniform(0.3, 1))
        self._stack.to_postgres.delay_s = 0
        return f"{delay_s * 1000:.0f} ms"

    async def _repeat(self, dice: random.Random) -> str:
        salt, key = str(dice.random()), None
        while key is None:
            service = dice.choice(SERVICES)
            async with operations.connected(self._stack.owner, service=service) as connection:
                key = await connection.fetchval(
                    "SELECT key FROM outbox WHERE position NOT IN (SELECT position FROM outbox_waiting) ORDER BY hashtext(key || $1) LIMIT 1",
                    salt,
                )
            await asyncio.sleep(0.05)
        count = await operations.replay(
            self._stack.owner, self._stack.bootstrap, service=service, key=key
        )
        return f"{count} facts of {key}"

    async def _clock(self, dice: random.Random) -> str:
        ahead_s = dice.choice((CLOCK_AHEAD_S, -3600, 30, -30))
        if not self.loaded:  # terms of the demonstration would be over before they are stored
            ahead_s = min(ahead_s, 30)
        async with self._one_clock:
            self._clock_file.write_text(str(ahead_s))
            await asyncio.sleep(dice.uniform(1, 3))
            self._clock_file.write_text("0")
        return f"{ahead_s} s"

    async def _months_ahead(self, dice: random.Random) -> str:
        try:
            await asyncio.wait_for(self.shown.wait(), SHOWN_S)
        except TimeoutError:
            return "no round yet"
        before = self.deliveries
        async with self._one_clock:
            self._clock_file.write_text(str(CLOCK_AHEAD_S))
            await asyncio.sleep(dice.uniform(1, 3))
            ends_at = time.monotonic() + DELIVERED_S
            while self.deliveries - before < DELIVERIES and time.monotonic() < ends_at:
                await asyncio.sleep(0.1)
            self._clock_file.write_text("0")
        return f"{self.deliveries - before} deliveries"

    async def _kill_member(self, dice: random.Random) -> str:
        name = dice.choice(MEMBERS)
        if dice.random() < 0.5:
            await self._killed(name)
            return f"{name} killed"
        self._stack.children[name].stop()
        return f"{name} left"

    async def _rewind(self, _dice: random.Random) -> str:
        groups = [
            ("storm", MEMBERS, tuple(topics())),
            ("events", ("events",), EVENTS),
            ("scheduling", ("scheduling",), SCHEDULING),
        ]
        group, names, mine = groups[self.done["rewind"] % len(groups)]
        self._stack.resting |= set(names)
        try:
            for name in names:
                child = self._stack.children[name]
                child.stop()
                await asyncio.to_thread(child.wait, until=time.monotonic() + 20)
            return await asyncio.to_thread(self._reset, group, mine)
        finally:
            self._stack.resting -= set(names)

    def _reset(self, group: str, mine: Sequence[str]) -> str:
        ends_at = time.monotonic() + 30
        while time.monotonic() < ends_at:
            done = subprocess.run(
                [
                    *(sys.executable, "-m", "tests.chaos.rewind"),
                    *(self._stack.bootstrap, group, *mine),
                ],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'libs/genproto'}"},
                capture_output=True,
                check=False,
            )
            if done.returncode == 0:
                return f"{group} to the start"
            time.sleep(1)
        return f"{group} only stopped and started: its group was not empty in time"

    async def _stand_still(self, _dice: random.Random) -> str:
        async with self._apart() as (id, names, had, database):
            await self.change(names, f"{id}-later")
            ends_at = time.monotonic() + STILL_S
            while time.monotonic() < ends_at:
                if (has := await self._relaying(database)) != had:
                    return f"in vain: session {had} had the lock, {has} has it"
                await asyncio.sleep(0.05)
            count = await database.fetchval(_NEWEST_OUT, list(names))
            if await self._relaying(database) != had or not self._holds:
                return "in vain: it stands still no more"
            if count:
                self.two_relays.append(f"{count} facts while earlier ones of {names} were in hand")
            else:
                self.stood_still += 1
            return f"session {had} has the lock; {count} published"

    async def _zombie(self, _dice: random.Random) -> str:
        async with self._apart() as (id, names, had, database):
            if had is None or await self._relaying(database) != had:
                return "in vain: the lock had gone to another session"
            await database.execute("SELECT pg_terminate_backend($1)", had)
            await self.change(names, f"{id}-later")
            waiting = "SELECT count(*) FROM events.outbox JOIN events.outbox_waiting USING (position) WHERE key = ANY($1)"
            ends_at = time.monotonic() + ZOMBIE_S
            while left := await database.fetchval(waiting, list(names)):
                if time.monotonic() > ends_at:
                    return f"in vain: {left} facts were not published in time"
                await asyncio.sleep(0.05)
            if not self._holds:
                return "in vain: it has nothing in hand any more"
            self.zombies += 1
            return "what it has in hand goes out when newer facts are there"

    @contextlib.asynccontextmanager
    async def _apart(self) -> AsyncIterator[tuple[str, Sequence[str], int | None, Any]]:
        """A second process, facts in the hands of the first one's relay (an id, of what, and its session), and the database.

        No clock steps meanwhile: two months ahead, a request's days would be over, and it could not be changed.
        """
        async with (
            self._one_clock,
            self._two_processes(),
            self._asking() as database,
            self._held(database) as (id, names, had),
        ):
            yield id, names, had, database

    @contextlib.asynccontextmanager
    async def _two_processes(self) -> AsyncIterator[None]:
        """A second events service in its groups, its relay waiting for the lock; killed in the end."""
        async with self._one_replica:
            while not self.loaded:  # before that there is no venue to file a request of
                await asyncio.sleep(0.2)
            if "replica" in self._stack.children:
                self._stack.resting.discard("replica")
            else:
                self._stack.add("replica", ["services.events"])
            try:
                ends_at = time.monotonic() + 20
                while time.monotonic() < ends_at and not await asyncio.to_thread(
                    serves_grpc, self._stack.addresses["replica"]
                ):
                    await asyncio.sleep(0.1)
                yield
            finally:
                self._stack.resting.add("replica")
                self._stack.kill("replica")

    @contextlib.asynccontextmanager
    async def _held(self, database: Any) -> AsyncIterator[tuple[str, Sequence[str], int | None]]:
        """The first events service's relay has read facts of the things named, and does not send them; gives an id, too.

        And the session that had the lock before it read them. Whoever has something in hand read it with the lock: so as
        long as that session has it, it is that relay's, and not the one of the second process, which may publish.
        """
        hold = self._stack.chaos / "events.hold"
        id = f"apart-{next(self._numbers)}"
        names = await self.change([], id)
        had = await self._relaying(database)
        hold.touch()
        try:
            await self.change(names, f"{id}-in-hand")
            ends_at = time.monotonic() + HELD_S
            while not self._holds and time.monotonic() < ends_at:
                await asyncio.sleep(0.02)
            yield id, names, had
        finally:
            hold.unlink()

    @property
    def _holds(self) -> bool:
        """Whether something waits behind the hold now: it says so every 20 ms."""
        held = self._stack.chaos / "events.held"
        return held.exists() and time.time() - held.stat().st_mtime < HELD_FRESH_S

    @contextlib.asynccontextmanager
    async def _asking(self) -> AsyncIterator[Any]:
        async with operations.connected(self._stack.owner, service="events") as connection:
            yield connection

    async def _relaying(self, database: Any) -> int | None:
        """The session that has the lock."""
        session: int | None = await database.fetchval(
            """
            SELECT pid
              FROM pg_locks
             WHERE locktype = 'advisory' AND objid = hashtext('events')::oid AND granted
            """
        )
        return session

    async def _kill_postgres(self, _dice: random.Random) -> str:
        async with self._one_at_a_time:
            await asyncio.to_thread(self._stack.postgres.kill)
            await asyncio.to_thread(self._stack.postgres.start)
        return ""

    async def _kill_broker(self, _dice: random.Random) -> str:
        async with self._one_at_a_time:
            await asyncio.to_thread(self._stack.broker.kill)
            await asyncio.to_thread(self._stack.broker.start)
        return ""

    async def _disk_full(self, _dice: random.Random) -> str:
        if not self._stack.broker.has_disk:
            await self._kill_broker(_dice)
            return "no disk of its own (mount is not permitted): killed instead"
        async with self._one_at_a_time:
            await asyncio.to_thread(self._fill)
            ended = await asyncio.to_thread(self._stack.broker.ended, within_s=15)
            self._ballast.unlink()
            if ended:
                await asyncio.to_thread(self._stack.broker.start)
        return (
            "the broker ended of it, and started again with room"
            if ended
            else "it lived through it"
        )

    def _fill(self) -> None:
        with self._ballast.open("wb", buffering=0) as file:
            for size in (1 << 20, 1 << 12):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(b"\0" * size)
