"""The recorder of hours served: `python -m examples.hours migrate|serve|export EXPERT|verify FILE KEY`.

Environment: `ZHIHUI_KAFKA_BOOTSTRAP`, `ZHIHUI_DATABASE_DSN` (as the role `hours`), `ZHIHUI_DATABASE_OWNER_DSN` for
migrate, and `HOURS_KEY` for export: a file with an Ed25519 private key in PEM. `verify` needs neither network nor
database: the record, and the public key in PEM.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from zhihui.scheduling.v1.facts_pb2 import (
    AssignmentCancelled,
    AssignmentChanged,
    AssignmentDelivered,
)
from zhihui.scheduling.v1.scheduling_pb2 import Assignment

from libs import telemetry
from libs.clock import system_clock
from libs.facts.kit import Fact, Subscription, serve
from libs.messaging import MESSAGING_MIGRATIONS
from libs.postgres.migrate import migrate
from libs.postgres.pool import Connection, Pool, create_pool
from libs.settings import ServiceSettings

MIGRATIONS = [MESSAGING_MIGRATIONS, Path(__file__).parent / "migrations"]
ALGORITHM = "Ed25519"

subscription = Subscription(group="hours", topics=["scheduling.assignment.v1"])


class NotGenuine(Exception):
    """A record that was not signed by this key, or was changed since."""


@subscription.on(AssignmentDelivered)
async def record(connection: Connection, fact: Fact[AssignmentDelivered]) -> None:
    """Hours count from `delivered` on, and not before."""
    served = fact.message.assignment
    minutes = (served.period.end_time.seconds - served.period.start_time.seconds) // 60
    await _write(connection, served, minutes, fact.occurred_at)


@subscription.on(AssignmentChanged)
async def correct(connection: Connection, fact: Fact[AssignmentChanged]) -> None:
    """Another time counts only for what has been recorded already."""
    served = fact.message.assignment
    if await _current(connection, served.name) is not None:
        minutes = (served.period.end_time.seconds - served.period.start_time.seconds) // 60
        await _write(connection, served, minutes, fact.occurred_at)


@subscription.on(AssignmentCancelled)
async def take_back(connection: Connection, fact: Fact[AssignmentCancelled]) -> None:
    """What turns out not to have taken place counts nothing."""
    if await _current(connection, fact.key) is not None:
        await _write(connection, fact.message.assignment, 0, fact.occurred_at)


async def _current(connection: Connection, assignment: str) -> Any:
    return await connection.fetchrow(
        "SELECT number, start_at, minutes FROM hours WHERE assignment = $1 AND superseded_at IS NULL",
        assignment,
    )


async def _write(connection: Connection, served: Assignment, minutes: int, at: datetime) -> None:
    before = await _current(connection, served.name)
    start = served.period.start_time.seconds
    if before is not None:
        if (before["minutes"], before["start_at"].timestamp()) == (minutes, start):
            return  # nothing that counts is different
        await connection.execute(
            "UPDATE hours SET superseded_at = $2 WHERE number = $1", before["number"], at
        )
    await connection.execute(
        """
        INSERT INTO hours (assignment, expert, event, district, start_at, minutes, version, supersedes)
        VALUES ($1, $2, $3, $4, to_timestamp($5), $6, $7, $8)
        """,
        served.name,
        served.expert,
        served.event,
        served.district,
        start,
        minutes,
        served.version,
        None if before is None else before["number"],
    )


async def entries(pool: Pool, expert: str) -> list[dict[str, Any]]:
    """The expert's hours as they stand, by start; corrections name what they supersede."""
    rows = await pool.fetch(
        """
        SELECT number, assignment, event, district, start_at, minutes, supersedes
          FROM hours
         WHERE expert = $1 AND superseded_at IS NULL
         ORDER BY start_at, number
        """,
        expert,
    )
    return [{**row, "start_at": row["start_at"].isoformat()} for row in map(dict, rows)]


def signed(expert: str, served: Sequence[dict[str, Any]], *, key: str, at: datetime) -> str:
    """A record of `served` as a compact JWS, signed with the Ed25519 private `key` (PEM)."""
    content = {
        "expert": expert,
        "entries": list(served),
        "minutes": sum(entry["minutes"] for entry in served),
        "issued_at": at.isoformat(),
    }
    payload = json.dumps(content, ensure_ascii=False).encode()
    return jws.serialize_compact(
        {"alg": ALGORITHM}, payload, OKPKey.import_key(key), algorithms=[ALGORITHM]
    )


def verified(record: str, *, key: str) -> dict[str, Any]:
    """What a record says, once the public `key` (PEM) has shown it to be genuine; offline.

    Raises:
        NotGenuine: signed by another key, changed, or no record at all.
    """
    try:
        found = jws.deserialize_compact(
            record.strip(), OKPKey.import_key(key), algorithms=[ALGORITHM]
        )
        content: dict[str, Any] = json.loads(found.payload)
    except (JoseError, ValueError) as error:
        raise NotGenuine(f"the record is not genuine: {error}") from error
    return content


async def _entries(settings: ServiceSettings, expert: str) -> list[dict[str, Any]]:
    async with create_pool(settings) as pool:
        return await entries(pool, expert)


def main() -> None:
    """Do as asked."""
    parser = argparse.ArgumentParser(prog="python -m examples.hours", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("migrate")
    commands.add_parser("serve")
    commands.add_parser("export").add_argument("expert")
    verify = commands.add_parser("verify")
    verify.add_argument("record", type=Path)
    verify.add_argument("key", type=Path)
    arguments = parser.parse_args()
    if arguments.command == "verify":
        try:
            content = verified(arguments.record.read_text(), key=arguments.key.read_text())
        except NotGenuine as error:
            parser.exit(1, f"{error}\n")
        sys.stdout.write(json.dumps(content, ensure_ascii=False, indent=1) + "\n")
        return
    if arguments.command == "migrate":
        migrate(os.environ["ZHIHUI_DATABASE_OWNER_DSN"], MIGRATIONS, schema="hours", role="hours")
        return
    settings = ServiceSettings(service="hours")
    if arguments.command == "export":
        key = Path(os.environ["HOURS_KEY"]).read_text(encoding="utf-8")
        served = asyncio.run(_entries(settings, arguments.expert))
        sys.stdout.write(signed(arguments.expert, served, key=key, at=system_clock()) + "\n")
        return
    telemetry.start(
        service=settings.service,
        log_level=settings.log_level,
        otel_endpoint=settings.otel_endpoint,
        metrics_listen=settings.metrics_listen,
    )
    asyncio.run(serve(subscription, settings))


if __name__ == "__main__":
    main()
