"""Apache Kafka as a real process: one node for the session, or one of a test's own that it may kill."""

import asyncio
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from libs.messaging import kafka
from libs.messaging.topics import wanted
from services.local.apache import command, fetch_jars

READY_S = 120


class ApacheKafka:
    """A node with a folder of its own; what was acknowledged survives `kill` and `start`."""

    def __init__(self, data: Path) -> None:
        fetch_jars()
        self._data = self.data = data
        self._process: subprocess.Popen[bytes] | None = None
        self.bootstrap = ""

    def start(self) -> None:
        """Start it, and wait until it answers; the address stays the same from start to start."""
        java, self.bootstrap = command(self._data)
        with (self._data / "out.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._prepared(java), stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
            )
        ends_at = time.monotonic() + READY_S
        while time.monotonic() < ends_at:
            assert self._process.poll() is None, (self._data / "out.log").read_text()[-4000:]
            if self._answers():
                return
            time.sleep(0.1)
        raise AssertionError(f"no answer: {(self._data / 'out.log').read_text()[-4000:]}")

    def _prepared(self, java: list[str]) -> list[str]:
        """The command, once the node's folder is as it should be; for nodes with settings of their own."""
        return java

    def _answers(self) -> bool:
        # a silent client: refused connections are what we wait through
        client = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})
        try:
            return bool(client.list_topics(timeout=1).brokers)
        except KafkaException:
            return False

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it in order."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(how)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(20)

    @staticmethod
    def _topics(admin: AdminClient) -> list[str]:
        return [name for name in admin.list_topics(timeout=10).topics if not name.startswith("__")]

    def clear(self) -> None:
        """Forget every group and topic, and make the topics anew."""
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        groups = [one.group_id for one in admin.list_consumer_groups().result().valid]
        there = self._topics(admin)
        if groups:
            for gone in admin.delete_consumer_groups(groups).values():
                gone.result()
        if there:
            for gone in admin.delete_topics(there).values():
                gone.result()
        while self._topics(admin):  # a broker hears a little later of what its controller did
            time.sleep(0.02)
        asyncio.run(kafka.apply_topics(self.bootstrap, wanted(), replicas=1))
        while len(self._topics(admin)) < len(wanted()):
            time.sleep(0.02)


@pytest.fixture(scope="session")
def apache_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApacheKafka]:
    """A node shared by the session, without topics: make what you need; leave it running."""
    node = ApacheKafka(tmp_path_factory.mktemp("kafka"))
    try:
        node.start()
        yield node
    finally:
        node.kill()


@pytest.fixture
def apache_kafka(apache_node: ApacheKafka) -> ApacheKafka:
    """The session's node with all topics of the table, and nothing in them."""
    apache_node.clear()
    return apache_node


@pytest.fixture(params=["embedded", pytest.param("apache", marks=pytest.mark.kafka)])
def any_broker(request: pytest.FixtureRequest) -> str:
    """Bootstrap address of an empty broker: the test runs on the embedded one, and on Apache Kafka."""
    if request.param == "embedded":
        address: str = request.getfixturevalue("fresh_broker")
        return address
    node: ApacheKafka = request.getfixturevalue("apache_kafka")
    return node.bootstrap
