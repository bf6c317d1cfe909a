"""The embedded broker, `python -m services.local.broker --address-file PATH`: real sockets, in memory, for trying out.

It is a part of librdkafka: topics are made by asking for them (4 partitions), about 5 MB of each partition are kept,
nothing is compacted, and everything is gone when it ends. The relays publish again from their outboxes when they start.
"""

import argparse
import signal
import sys
import threading
from pathlib import Path

from confluent_kafka import Producer

READY_S = 10


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address-file", type=Path, required=True)
    arguments = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    # the client that brings the brokers along
    client = Producer({"bootstrap.servers": "unused:9", "test.mock.num.brokers": 1})
    brokers = client.list_topics(timeout=READY_S).brokers.values()
    address = ",".join(f"{broker.host}:{broker.port}" for broker in brokers)
    part = arguments.address_file.with_suffix(".part")
    part.write_text(address)
    part.replace(arguments.address_file)
    sys.stderr.write(
        f"内置 broker 在 {address}：只在内存里，仅供试用 · embedded broker at {address}: in memory, for trying out only\n"
    )
    sys.stderr.flush()
    stop.wait()


if __name__ == "__main__":
    main()
