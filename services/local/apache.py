"""Apache Kafka as one process of this machine, `python -m services.local.apache --data FOLDER --address-file PATH`.

A single node in KRaft mode that keeps its log: what `make up KAFKA=apache` and the tests marked `kafka` stand on. Its
jars come by Maven through deploy/kafka/pom.xml; it needs a JDK 17.
"""

import argparse
import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

from services.local.process import free_port, is_free

ROOT = Path(__file__).resolve().parents[2]
POM = ROOT / "deploy" / "kafka" / "pom.xml"
JARS = ROOT / ".kafka" / "jars"
FETCH_S = 600
JAVA = ["-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
"""A small machine: little memory, and a quick start before a fast peak."""


class ApacheRefused(Exception):
    """Apache Kafka cannot be started here; the message says what is missing."""


def fetch_jars() -> None:
    """Get the jars if they are not there yet, or older than the list of them.

    Raises:
        ApacheRefused: no JDK, no Maven, or Maven could not get them.
    """
    for tool in ("java", "mvn"):
        if shutil.which(tool) is None:
            raise ApacheRefused(
                f"找不到 {tool}：Apache Kafka 需要 JDK 17 和 Maven。\n"
                f"{tool} is not there: Apache Kafka needs a JDK 17 and Maven."
            )
    JARS.parent.mkdir(exist_ok=True)
    stamp = JARS.parent / "pom.xml"
    with (JARS.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_bytes() == POM.read_bytes():
            return
        shutil.rmtree(JARS, ignore_errors=True)
        found = subprocess.run(  # noqa: S603  # our own list
            ["mvn", "-B", "-q", "-f", str(POM), "package"],  # noqa: S607  # whichever is installed
            capture_output=True,
            text=True,
            timeout=FETCH_S,
            check=False,
        )
        if found.returncode:
            raise ApacheRefused(
                f"Maven 没有取到 Apache Kafka · Maven did not get Apache Kafka:\n{found.stdout[-2000:]}"
            )
        shutil.copy(POM, stamp)


def command(data: Path) -> tuple[list[str], str]:
    """How to start a node that keeps everything under `data`, and where it will answer.

    The folder is made ready at the first call; later ones find the same node, at the same port while that is free.

    Raises:
        ApacheRefused: the folder could not be made ready.
    """
    data.mkdir(parents=True, exist_ok=True)
    ports_file = data / "ports"
    if ports_file.exists():
        port, controller = (int(part) for part in ports_file.read_text().split())
    else:
        port = free_port()
        controller = free_port(port)
    if not is_free(port):
        port = free_port(controller)
    if not is_free(controller):
        controller = free_port(port)
    ports_file.write_text(f"{port} {controller}")
    properties = data / "server.properties"
    properties.write_text(
        "\n".join(
            [
                "process.roles=broker,controller",
                "node.id=1",
                f"controller.quorum.bootstrap.servers=127.0.0.1:{controller}",
                f"listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
                "controller.listener.names=CONTROLLER",
                "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
                f"log.dirs={data / 'log'}",
                "auto.create.topics.enable=false",
                "offsets.topic.num.partitions=4",
                "offsets.topic.replication.factor=1",
                "transaction.state.log.replication.factor=1",
                "transaction.state.log.min.isr=1",
                "share.coordinator.state.topic.replication.factor=1",
                "share.coordinator.state.topic.min.isr=1",
                "group.initial.rebalance.delay.ms=0",
                # a node that was killed is its own successor: no need to wait long for the dead one
                "broker.heartbeat.interval.ms=500",
                "broker.session.timeout.ms=2000",
                "",
            ]
        )
    )
    java = ["java", *JAVA, "-Dorg.apache.logging.log4j.level=WARN", "-cp", f"{JARS}/*"]
    if not (data / "log" / "meta.properties").exists():
        identity = _java([*java, "kafka.tools.StorageTool", "random-uuid"]).strip()
        tool = [*java, "kafka.tools.StorageTool", "format", "--standalone"]
        _java([*tool, "-t", identity, "-c", str(properties)])
    return [*java, "kafka.Kafka", str(properties)], f"127.0.0.1:{port}"


def _java(arguments: list[str]) -> str:
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603
    if done.returncode:
        raise ApacheRefused(
            f"Apache Kafka 的目录没有备好 · its folder could not be made ready:\n{done.stdout}{done.stderr}"
        )
    return done.stdout.splitlines()[-1] if done.stdout else ""


def main() -> None:
    """Say where it will answer, and become the broker."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fetch", action="store_true", help="get the jars, and no more")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--address-file", type=Path)
    arguments = parser.parse_args()
    if not (arguments.fetch or (arguments.data and arguments.address_file)):
        parser.error("say --data and --address-file, or --fetch")
    try:
        fetch_jars()
        if arguments.fetch:
            return
        java, address = command(arguments.data)
    except ApacheRefused as refused:
        sys.stderr.write(f"{refused}\n")
        raise SystemExit(1) from refused
    part = arguments.address_file.with_suffix(".part")
    part.write_text(address)
    part.replace(arguments.address_file)
    os.execvp(java[0], java)  # noqa: S606  # the same process, so that who ends us ends it


if __name__ == "__main__":
    main()
