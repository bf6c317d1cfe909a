"""The media adapter: `python -m examples.media migrate`, then `python -m examples.media`.

Environment: `ZHIHUI_KAFKA_BOOTSTRAP`, `ZHIHUI_DATABASE_DSN` (as the role `media`), `ZHIHUI_DATABASE_OWNER_DSN` for
migrate, and `MEDIA_FEED`, the file to keep (default `feed.json`).

Two steps, because a file cannot join a transaction: facts change the table `listings`, each once; and the file is written
from the table whenever it differs. Written twice it is the same file, and after a crash the next look mends it.
"""

import asyncio
import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any

from zhihui.events.v1.facts_pb2 import PublicEventShown

from libs import telemetry
from libs.facts.kit import Fact, Subscription, serve
from libs.messaging import MESSAGING_MIGRATIONS
from libs.postgres.migrate import migrate
from libs.postgres.outages import OUTAGES
from libs.postgres.pool import Connection, Pool, acquired
from libs.settings import ServiceSettings

TOPIC = "public.event.v1"
MIGRATIONS = [MESSAGING_MIGRATIONS, Path(__file__).parent / "migrations"]
LOOK_S = 1.0
"""How long the file may be behind the table."""

subscription = Subscription(group="media", topics=[TOPIC])


@subscription.on(PublicEventShown)
async def show(connection: Connection, fact: Fact[PublicEventShown]) -> None:
    """Show the event, or show it as it is now: every fact carries the whole state."""
    shown = fact.message
    await connection.execute(
        """
        INSERT INTO listings (event, title, start_at, end_at, venue, district, speakers, delivered)
        VALUES ($1, $2, to_timestamp($3), to_timestamp($4), $5, $6, $7, $8)
            ON CONFLICT ON CONSTRAINT listings_one
            DO UPDATE SET title = EXCLUDED.title, start_at = EXCLUDED.start_at, end_at = EXCLUDED.end_at
             , venue = EXCLUDED.venue, district = EXCLUDED.district, speakers = EXCLUDED.speakers
             , delivered = EXCLUDED.delivered
        """,
        fact.key,
        shown.title,
        shown.period.start_time.seconds,
        shown.period.end_time.seconds,
        shown.venue_display_name,
        shown.district_display_name,
        list(shown.speakers),
        shown.delivered,
    )


@subscription.on_tombstone(TOPIC)
async def take_down(connection: Connection, fact: Fact[None]) -> None:
    """Take the event off the page: it was cancelled, or is not public any more."""
    await connection.execute("DELETE FROM listings WHERE event = $1", fact.key)


async def feed(pool: Pool) -> list[dict[str, Any]]:
    """What the page shows, by start."""
    async with acquired(pool) as connection:
        rows = await connection.fetch(
            """
            SELECT event, title, start_at, end_at, venue, district, speakers, delivered
              FROM listings
             ORDER BY start_at, event
            """
        )
    return [
        {**row, "start_at": row["start_at"].isoformat(), "end_at": row["end_at"].isoformat()}
        for row in map(dict, rows)
    ]


def keep_file(path: Path) -> Any:
    """Work that keeps `path` as the table says, until told to stop."""

    async def keep(pool: Pool, stop: asyncio.Event) -> None:
        while not stop.is_set():
            with contextlib.suppress(
                *OUTAGES
            ):  # the file stays as it is until the database is back
                write_if_different(path, await feed(pool))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), LOOK_S)

    return keep


def write_if_different(path: Path, items: list[dict[str, Any]]) -> None:
    """Replace the file; readers see the old or the new, never half."""
    text = json.dumps({"events": items}, ensure_ascii=False, indent=1)
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    part = path.with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def main() -> None:
    """Migrate, or serve."""
    settings = ServiceSettings(service="media")
    if sys.argv[1:] == ["migrate"]:
        migrate(os.environ["ZHIHUI_DATABASE_OWNER_DSN"], MIGRATIONS, schema="media", role="media")
        return
    telemetry.start(
        service=settings.service,
        log_level=settings.log_level,
        otel_endpoint=settings.otel_endpoint,
        metrics_listen=settings.metrics_listen,
    )
    asyncio.run(
        serve(subscription, settings, keep_file(Path(os.environ.get("MEDIA_FEED", "feed.json"))))
    )


if __name__ == "__main__":
    main()
