"""A consumer of every fact, as somebody outside might write one: each effect is a row. `python -m tests.chaos.member`.

The table takes a second effect of the same fact without complaint: whether there is one is for the storm to see.
"""

import asyncio
import signal

from libs import telemetry
from libs.facts.messages import fact_types
from libs.messaging.consumer import Consumer, tombstone
from libs.messaging.kafka import Received
from libs.messaging.topics import topics
from libs.postgres.pool import Connection, create_pool
from libs.settings import ServiceSettings

GROUP = "storm"
TABLE = """
CREATE TABLE IF NOT EXISTS storm.effects (
    place bigint GENERATED ALWAYS AS IDENTITY, message_id uuid, topic text, key text, version bigint
);
GRANT SELECT, INSERT ON storm.effects TO storm;
"""


async def record(connection: Connection, fact: Received) -> None:
    await connection.execute(
        "INSERT INTO effects (message_id, topic, key, version) VALUES ($1, $2, $3, $4)",
        fact.message_id,
        fact.topic,
        fact.key,
        fact.version,
    )


async def main() -> None:
    settings = ServiceSettings()  # type: ignore[call-arg]  # from the environment
    telemetry.start(service="storm", log_level="WARNING", otel_endpoint="", metrics_listen="")
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    handlers = dict.fromkeys(fact_types(), record) | {tombstone(one): record for one in topics()}
    async with create_pool(settings) as pool:
        await Consumer(pool, settings, group=GROUP, topics=list(topics()), handlers=handlers).run(
            stop
        )


if __name__ == "__main__":
    asyncio.run(main())
