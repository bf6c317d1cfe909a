"""After a storm somebody withdraws who was announced in it: no outbox and no state twin may know their name then."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import asyncpg
from zhihui.experts.v1 import experts_pb2 as experts
from zhihui.experts.v1 import experts_pb2_grpc as experts_grpc

from libs.facts.messages import fact_types
from libs.messaging.topics import topics
from libs.rpc.client import channel
from tests.chaos.checks import Check, read_all, settled
from tests.chaos.stack import SERVICES, Stack

SAYS = "the name of somebody who withdrew is in no outbox and in no state twin"
PEOPLE = "experts.expert.v1"


async def check_erasure(stack: Stack, *, settle_s: float) -> Check:
    """Withdraws whoever has most assignments under a name that nobody else ever had."""
    connection = await asyncpg.connect(stack.owner)
    try:
        return await _erased(stack, connection, settle_s)
    finally:
        await connection.close()


async def _erased(stack: Stack, connection: Any, settle_s: float) -> Check:
    chosen = await _somebody(connection)
    if chosen is None:
        return Check(SAYS, 0, ["nobody has an assignment under a name of their own"])
    expert, names = chosen
    before = {service: len(await _naming(connection, service, names)) for service in SERVICES}
    if not before["scheduling"] or not before["events"]:
        return Check(SAYS, 0, [f"{expert} was announced by experts only: {before}"])
    async with channel(stack.addresses["experts"], token=lambda: stack.token) as there:
        await experts_grpc.ExpertsServiceStub(there).WithdrawExpert(
            experts.WithdrawExpertRequest(name=expert, request_id="storm-withdraw"), timeout=60
        )
    stuck = await settled(stack, connection, settle_s)
    if stuck:
        return Check(SAYS, sum(before.values()), [stuck])
    broken = [
        f"outbox of {service}, {where}"
        for service in SERVICES
        for where in await _naming(connection, service, names)
    ]
    ledger = await read_all(stack, connection)
    broken += [
        f"{topic} {key}, version {fact.version}"
        for (topic, key), fact in ledger.twins.items()
        if _has(fact.payload, names)
    ]
    gone = ledger.twins.get((topics()[PEOPLE].state_twin, expert))
    if gone is None or gone.payload is not None:
        broken.append(f"{expert} has no tombstone")
    return Check(SAYS, sum(before.values()), broken)


async def _somebody(connection: Any) -> tuple[str, set[bytes]] | None:
    """An expert, and every name of theirs that was announced."""
    types = fact_types()
    named: dict[str, set[str]] = defaultdict(set)
    for row in await connection.fetch(
        "SELECT key, type, payload FROM experts.outbox WHERE topic = $1 AND payload IS NOT NULL",
        PEOPLE,
    ):
        message = types[row["type"]].FromString(row["payload"])
        named[row["key"]].add(message.state.expert.display_name)
    for row in await connection.fetch(
        "SELECT expert FROM scheduling.assignments GROUP BY expert ORDER BY count(*) DESC, expert"
    ):
        mine = named.get(row["expert"], set())
        others = {name for key, names in named.items() if key != row["expert"] for name in names}
        if mine and not any(name in other for name in mine for other in others):
            return row["expert"], {name.encode() for name in mine}
    return None


async def _naming(connection: Any, service: str, names: set[bytes]) -> list[str]:
    rows = await connection.fetch(
        f"SELECT topic, key, version, payload FROM {service}.outbox WHERE payload IS NOT NULL"
    )
    return [
        f"{row['topic']} {row['key']}, version {row['version']}"
        for row in rows
        if _has(row["payload"], names)
    ]


def _has(payload: bytes | None, names: set[bytes]) -> bool:
    return any(name in (payload or b"") for name in names)
