"""What must hold after a storm, each as a question to PostgreSQL and to Kafka from its first offset."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import asyncpg

from libs.messaging import kafka
from libs.messaging.topics import topics
from tests.chaos.stack import SERVICES, Stack, verify
from tests.chaos.storm import Storm

SHOWN = 5
"""Examples that a failed check tells."""
SUBJECTS = "rounds were published in the storm, events delivered and cancelled"
"""Says nothing about what holds: without them the other checks would have less to look at."""


@dataclass(frozen=True, slots=True)
class Check:
    """One invariant: what it says, over how many things, and what broke it."""

    says: str
    count: int
    broken: Sequence[str]


class Ledger:
    """What the outboxes hold and what the topics hold."""

    def __init__(self) -> None:
        self.outbox: dict[str, list[asyncpg.Record]] = {}
        self.log: dict[tuple[str, str], list[kafka.Received]] = defaultdict(list)
        """First arrivals by topic and key."""
        self.repeats = 0
        self.twins: dict[tuple[str, str], kafka.Received] = {}
        """Newest record by topic and key of the state twins, as compaction leaves it."""


async def settled(stack: Stack, connection: Any, settle_s: float) -> str:
    """Wait until the outboxes are empty and the groups have nothing left; '' or what is stuck."""
    ends_at = time.monotonic() + settle_s
    still = 0
    while True:
        waiting = {
            name: await connection.fetchval(f"SELECT count(*) FROM {name}.outbox_waiting")
            for name in SERVICES
        }
        left = [
            f"{one.group} {one.topic} {one.waiting}"
            for one in await kafka.lags(stack.bootstrap, ())
            if one.waiting
        ]
        if not any(waiting.values()) and not left:
            still += 1
            if still == 3:
                return ""
        else:
            still = 0
        if time.monotonic() > ends_at:
            return f"after {settle_s} s: outboxes {waiting}, groups {left[:SHOWN]}"
        await asyncio.sleep(1)


async def read_all(stack: Stack, connection: Any) -> Ledger:
    ledger = Ledger()
    for name in SERVICES:
        ledger.outbox[name] = await connection.fetch(
            f"SELECT position, message_id, topic, key, version FROM {name}.outbox ORDER BY position"
        )
    seen = set()
    async for fact in kafka.read(stack.bootstrap, list(topics()), follow=False):
        if fact.message_id in seen:
            ledger.repeats += 1
            continue
        seen.add(fact.message_id)
        ledger.log[fact.topic, fact.key].append(fact)
    twins = [one.state_twin for one in topics().values()]
    async for fact in kafka.read(stack.bootstrap, twins, follow=False):
        ledger.twins[fact.topic, fact.key] = fact
    return ledger


async def check(stack: Stack, storm: Storm, *, settle_s: float) -> list[Check]:
    """Every invariant, broken or not."""
    connection = await asyncpg.connect(stack.owner)
    try:
        stuck = await settled(stack, connection, settle_s)
        ledger = await read_all(stack, connection)
        found = [Check("everything is published and taken in the end", 1, [stuck] if stuck else [])]
        found += facts_and_log(ledger)
        for ask in CHECKS:
            found.append(await ask(connection, ledger, storm))
    finally:
        await connection.close()
    equal, said = await asyncio.to_thread(verify, stack)
    found.append(
        Check(
            "state rebuilt from Kafka from zero has the services' hashes (zhihui facts verify)",
            said.count('"what"'),
            [] if equal else [said],
        )
    )
    faults = storm.faults
    found.append(
        Check(
            "while the relay that has the lock stands still, nobody else publishes",
            faults.stood_still + len(faults.two_relays),
            faults.two_relays,
        )
    )
    found.append(Check("no process ends by itself", len(stack.children), stack.ended_alone))
    bugs = stack.bugs()
    found.append(
        Check("no call is answered with an internal error", storm.commands, storm.bugs + bugs)
    )
    found.append(Check(SUBJECTS, len(storm.rounds), storm.missing))
    return found


def facts_and_log(ledger: Ledger) -> list[Check]:
    """Outbox rows are committed with their changes: the log must have exactly them, in their order per key."""
    rows = [row for name in SERVICES for row in ledger.outbox[name]]
    by_key: dict[tuple[str, str], list[asyncpg.Record]] = defaultdict(list)
    for row in rows:
        by_key[row["topic"], row["key"]].append(row)
    written = {row["message_id"] for row in rows}
    there = {fact.message_id for facts in ledger.log.values() for fact in facts}
    order, versions = [], []
    for thing, mine in by_key.items():
        expected = [row["message_id"] for row in mine]
        got = [fact.message_id for fact in ledger.log.get(thing, []) if fact.message_id in written]
        if [one for one in expected if one in there] != got:
            order.append(f"{thing}: {[fact.version for fact in ledger.log[thing]]}")
        numbers = [row["version"] for row in mine]
        if any(after < before for before, after in pairwise(numbers)):
            versions.append(f"{thing}: {numbers}")
    stale = [
        f"{topic} {key}: {newest and newest.version}, not {mine[-1]['version']}"
        for (topic, key), mine in by_key.items()
        if (newest := ledger.twins.get((topics()[topic].state_twin, key))) is None
        or newest.version != mine[-1]["version"]
    ]
    return [
        Check("every committed fact is in its log", len(written), _ids(written - there)),
        Check("no fact without a committed change", len(there), _ids(there - written)),
        Check("facts of a key are in the order of its changes", len(by_key), order),
        Check("versions of a key never go back in the outbox", len(by_key), versions),
        Check(
            "the newest record of a key in the state twin is its newest fact", len(by_key), stale
        ),
    ]


def _ids(ids: set[Any]) -> list[str]:
    return [str(one) for one in sorted(ids)]


async def _versions(connection: Any, ledger: Ledger, _storm: Storm) -> Check:
    """A thing's version counts its changes; each change has its fact."""
    broken, count = [], 0
    unannounced = dict(  # that a run begins, or fails, is a round's own affair: a version without a fact, by contract
        await connection.fetch("SELECT round, count(*) FROM scheduling.runs GROUP BY round")
    )
    tables = [
        ("events", "requests", "events.request.v1"),
        ("events", "events", "events.event.v1"),
        ("experts", "experts", "experts.expert.v1"),
        ("scheduling", "rounds", "scheduling.round.v1"),
        ("scheduling", "assignments", "scheduling.assignment.v1"),
    ]
    for service, table, topic in tables:
        facts: dict[str, list[int]] = defaultdict(list)
        for row in ledger.outbox[service]:
            if row["topic"] == topic:
                facts[row["key"]].append(row["version"])
        for row in await connection.fetch(f"SELECT name, version FROM {service}.{table}"):
            count += 1
            mine = facts.pop(row["name"], [])
            if not mine or mine[-1] != row["version"]:
                broken.append(
                    f"{row['name']} is at version {row['version']}, its facts {mine[-5:]}"
                )
            elif mine[-1] - mine[0] + 1 - len(set(mine)) > 2 * unannounced.get(row["name"], 0):
                broken.append(f"{row['name']} has facts {mine}")
            elif len(set(mine)) != len(mine):
                broken.append(f"{row['name']} has two facts of one version: {mine}")
        broken += [f"{key} is announced and does not exist" for key in facts]
    return Check("every committed change has its fact, and each fact its change", count, broken)


async def _effects(connection: Any, ledger: Ledger, _storm: Storm) -> Check:
    rows = await connection.fetch(
        "SELECT message_id, topic, key, version FROM storm.effects ORDER BY place"
    )
    times = Counter(row["message_id"] for row in rows)
    names = {row["message_id"]: f"{row['key']} {row['version']}" for row in rows}
    broken = [
        f"{names[one]} had its effect {many} times" for one, many in times.items() if many > 1
    ]
    written = {row["message_id"] for name in SERVICES for row in ledger.outbox[name]}
    broken += [f"{one} never had its effect" for one in _ids(written - set(times))]
    newest: dict[tuple[str, str], int] = {}
    for row in rows:
        thing = row["topic"], row["key"]
        if row["version"] < newest.get(thing, 0):
            broken.append(
                f"{row['key']}: version {row['version']} had its effect after {newest[thing]}"
            )
        newest[thing] = max(row["version"], newest.get(thing, 0))
    return Check("every fact has its effect once, in order per key", len(rows), broken)


async def _commands_once(connection: Any, _ledger: Ledger, storm: Storm) -> Check:
    rows = await connection.fetch(
        "SELECT title, array_agg(name) AS names FROM events.requests WHERE title LIKE '示例 storm-%' GROUP BY title"
    )
    broken = [
        f"{row['title']} was filed as {row['names']}" for row in rows if len(row["names"]) > 1
    ]
    there = {row["title"]: row["names"][0] for row in rows}
    broken += [
        f"{title} was answered with {name} and is {there.get(title)}"
        for title, name in storm.filed_titles.items()
        if there.get(title) != name
    ]
    return Check(
        "a command sent again is done once, and what was answered stays", len(rows), broken
    )


async def _bookings(connection: Any, _ledger: Ledger, _storm: Storm) -> Check:
    active = "state IN ('OFFERED', 'ACCEPTED', 'CONFIRMED', 'DELIVERED')"
    rows = await connection.fetch(
        f"""
        SELECT one.name AS one, other.name AS other
          FROM scheduling.assignments one
          JOIN scheduling.assignments other
            ON one.expert = other.expert AND one.name < other.name
           AND tstzrange(one.start_time, one.end_time) && tstzrange(other.start_time, other.end_time)
         WHERE one.{active} AND other.{active}
        """
    )
    count = await connection.fetchval("SELECT count(*) FROM scheduling.assignments")
    return Check("nobody is booked twice", count, [f"{row['one']} {row['other']}" for row in rows])


async def _read_models(connection: Any, _ledger: Ledger, _storm: Storm) -> Check:
    """What scheduling and experts know of others is what the others hold."""
    broken, count = [], 0
    for mine, theirs in (
        ("scheduling.requests", "events.requests"),
        ("scheduling.experts", "experts.experts"),
        ("scheduling.venues", "events.venues"),
        ("scheduling.nodes", "events.nodes"),
        ("scheduling.pools", "experts.pools"),
    ):
        rows = await connection.fetch(
            f"""
            SELECT COALESCE(mine.name, theirs.name) AS name, mine.version AS known, theirs.version AS version
              FROM {mine} mine
              FULL JOIN {theirs} theirs ON theirs.name = mine.name
            """
        )
        count += len(rows)
        broken += [
            f"{mine} has {row['name']} at {row['known']}, {theirs} at {row['version']}"
            for row in rows
            if row["known"] != row["version"]
        ]
    return Check("consumers' own state is the owners' state", count, broken)


async def _teams(connection: Any, _ledger: Ledger, _storm: Storm) -> Check:
    delivered = await connection.fetch(
        "SELECT name, jsonb_array_length(body->'team') AS team FROM events.events WHERE state = 'DELIVERED'"
    )
    records = dict(
        await connection.fetch("SELECT event, count(*) FROM experts.service_records GROUP BY event")
    )
    broken = [
        f"{row['name']} was delivered by {row['team']}, records {records.get(row['name'], 0)}"
        for row in delivered
        if records.get(row["name"], 0) != row["team"]
    ]
    late = await connection.fetch(
        """
        SELECT assignments.name, assignments.state AS promised, events.state AS held
          FROM scheduling.assignments assignments JOIN events.events events ON events.name = assignments.event
         WHERE (events.state = 'DELIVERED' AND assignments.state <> 'DELIVERED')
            OR (events.state = 'CANCELLED' AND assignments.state <> 'CANCELLED')
        """
    )
    broken += [f"{row['name']} is {row['promised']}, its event {row['held']}" for row in late]
    return Check(
        "deliveries and cancellations have their effect with experts and scheduling",
        len(delivered),
        broken,
    )


async def _rounds(connection: Any, _ledger: Ledger, storm: Storm) -> Check:
    whole = dict(await connection.fetch("SELECT round, count(*) FROM events.events GROUP BY round"))
    broken = [
        f"{name} was seen with {sorted(counts)} events; it has {whole.get(name, 0)}"
        for name, counts in storm.seen.items()
        if counts != {whole.get(name, 0)}
    ]
    served = dict(
        await connection.fetch(
            "SELECT round, count(DISTINCT event) FROM scheduling.assignments GROUP BY round"
        )
    )
    broken += [
        f"{name}: {served.get(name, 0)} events in scheduling, {whole.get(name, 0)} in events"
        for name in storm.rounds
        if served.get(name, 0) != whole.get(name, 0)
    ]
    return Check(f"no round is ever seen in part ({storm.looks} looks)", len(storm.rounds), broken)


CHECKS: Sequence[Callable[[Any, Ledger, Storm], Awaitable[Check]]] = (
    _versions,
    _effects,
    _commands_once,
    _bookings,
    _read_models,
    _teams,
    _rounds,
)
