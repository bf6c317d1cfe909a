"""A broker that asks who one is: services work with their grants, and others read what they were granted and nothing else."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError
from confluent_kafka import Consumer as OutsideConsumer
from confluent_kafka import KafkaError as OutsideError
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from libs.ids import new_uuid
from libs.messaging import MESSAGING_MIGRATIONS, kafka
from libs.messaging.consumer import Consumer
from libs.messaging.grants import Grant, Role, grants
from libs.messaging.outbox import OutgoingMessage, append
from libs.messaging.relay import Relay
from libs.messaging.topics import wanted
from libs.postgres.migrate import dsn_of, migrate
from libs.postgres.pool import Connection, Pool, create_pool, transaction
from libs.settings import ServiceSettings
from services.local.process import free_port
from tests.integration.libs.test_messaging import all_published, running, until
from tests.support.kafka import ApacheKafka

pytestmark = [pytest.mark.postgres, pytest.mark.kafka]

PUBLIC, INTERNAL, OTHERS = "public.event.v1", "events.request.v1", "scheduling.round.v1"
USERS = {
    "events": Role.SERVICE,
    "ops": Role.OPERATOR,
    "body": Role.PARTNER,
    "media": Role.PUBLIC,
}
_SECURED = """
listeners=PLAINTEXT://127.0.0.1:{own},CONTROLLER://127.0.0.1:{controller},SASL_PLAINTEXT://127.0.0.1:{asks}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=false
super.users=User:ANONYMOUS
"""
"""Only the listener that we administer it by knows nobody's name; all others come by the one that asks."""


class SecuredKafka(ApacheKafka):
    """A node whose listener `address` asks who one is, and grants what it was told to."""

    address = ""

    def start(self) -> None:
        self._asks = free_port()
        super().start()
        self.address = f"127.0.0.1:{self._asks}"

    def _prepared(self, java: list[str]) -> list[str]:
        own, controller = (self.data / "ports").read_text().split()
        with (self.data / "server.properties").open("a") as file:
            file.write(_SECURED.format(own=own, controller=controller, asks=self._asks))
        return java

    def admit(self, name: str, role: Role) -> None:
        """Give `name` credentials, and what its `role` is granted."""
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        user = UserScramCredentialUpsertion(
            name,
            ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096),
            _password(name).encode(),
        )
        for done in admin.alter_user_scram_credentials([user]).values():
            done.result(20)
        bindings = [binding for one in grants(role, name) for binding in _bindings(one)]
        for done in admin.create_acls(bindings).values():
            done.result(20)


def _password(name: str) -> str:
    return f"{name}-secret"


def _bindings(grant: Grant) -> Iterator[AclBinding]:
    kinds = {
        "topic": ResourceType.TOPIC,
        "group": ResourceType.GROUP,
        "cluster": ResourceType.BROKER,
        "transactional-id": ResourceType.TRANSACTIONAL_ID,
    }
    pattern = ResourcePatternType.PREFIXED if grant.prefixed else ResourcePatternType.LITERAL
    for operation in grant.operations:
        name = "".join(f"_{one}" if one.isupper() else one.upper() for one in operation).lstrip("_")
        yield AclBinding(
            *(kinds[grant.kind], grant.resource, pattern, f"User:{grant.name}", "*"),
            *(AclOperation[name], AclPermissionType.ALLOW),
        )


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    node = SecuredKafka(tmp_path_factory.mktemp("secured"))
    try:
        node.start()
        asyncio.run(kafka.apply_topics(node.bootstrap, wanted(), replicas=1))
        for name, role in USERS.items():
            node.admit(name, role)
        yield node
    finally:
        node.kill()


def signed_in(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Our own clients, as `name`."""
    monkeypatch.setenv("ZHIHUI_KAFKA_USER", name)
    monkeypatch.setenv("ZHIHUI_KAFKA_PASSWORD", _password(name))


@pytest.fixture
def settings(fresh_database: str, node: SecuredKafka) -> ServiceSettings:
    migrate(fresh_database, MESSAGING_MIGRATIONS, schema="events", role="events")
    return ServiceSettings(
        service="events",
        database_dsn=dsn_of(fresh_database, role="events"),
        database_connections_min=0,
        kafka_bootstrap=node.address,
    )


@pytest.fixture
async def pool(settings: ServiceSettings) -> AsyncIterator[Pool]:
    async with create_pool(settings) as pool:
        yield pool


def a_fact(topic: str, key: str) -> OutgoingMessage:
    return OutgoingMessage(
        message_id=new_uuid(),
        topic=topic,
        key=key,
        type="zhihui.toy.v1.Happened",
        version=1,
        occurred_at=datetime(2026, 11, 1, tzinfo=UTC),
        payload=b"",
    )


async def announce(pool: Pool, settings: ServiceSettings, *facts: OutgoingMessage) -> None:
    """As the service does: outbox, relay, topic and twin."""
    async with transaction(pool) as connection:
        for fact in facts:
            await append(connection, fact)
    async with running(Relay(pool, settings).run()):
        await until(lambda: all_published(pool))


def outside(node: SecuredKafka, name: str, *, group: str, password: str = "") -> OutsideConsumer:
    """Somebody with another client library."""
    return OutsideConsumer(
        {
            "bootstrap.servers": node.address,
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": name,
            "sasl.password": password or _password(name),
            "group.id": group,
            "auto.offset.reset": "earliest",
            "log_level": 0,
        }
    )


def first_answer(consumer: OutsideConsumer, topic: str) -> Any:
    """The first record of `topic`, or the error that comes in its place."""
    errors: list[Any] = []
    consumer.subscribe([topic])
    try:
        for _ in range(60):
            answer = consumer.poll(0.5)
            if answer is not None:
                return answer.error() or answer
    finally:
        consumer.close()
    raise AssertionError(f"no answer about {topic} {errors}")


async def test_a_service_writes_its_own_topics_and_reads_all(
    node: SecuredKafka, pool: Pool, settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed_in(monkeypatch, "events")
    await announce(pool, settings, a_fact(INTERNAL, "requests/1"), a_fact(PUBLIC, "events/1"))
    heard: list[str] = []

    async def hear(_connection: Connection, fact: kafka.Received) -> None:
        heard.append(fact.key)

    consumer = Consumer(
        pool,
        settings,
        group="events",
        topics=[INTERNAL, OTHERS],
        handlers={"zhihui.toy.v1.Happened": hear},
    )
    async with running(consumer.run()):
        await until(lambda: _there(heard))
    assert heard == ["requests/1"]
    async with kafka.Producer(node.address, client="events") as producer:
        with pytest.raises(TopicAuthorizationFailedError):
            await (await producer.send(OTHERS, key="rounds/1", payload=b"", headers=[]))


async def _there(heard: list[str]) -> bool:
    return bool(heard)


async def test_an_operator_sees_every_group_and_count(
    node: SecuredKafka, pool: Pool, settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed_in(monkeypatch, "events")
    await announce(pool, settings, a_fact(INTERNAL, "requests/2"))
    signed_in(monkeypatch, "ops")
    assert await kafka.apply_topics(node.address, wanted(), replicas=1) == []
    assert (await kafka.counts(node.address, [INTERNAL]))[INTERNAL] >= 1
    await kafka.lags(node.address, ["events"])


async def test_an_outside_consumer_sees_only_what_is_granted(
    node: SecuredKafka, pool: Pool, settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed_in(monkeypatch, "events")
    await announce(pool, settings, a_fact(INTERNAL, "requests/3"), a_fact(PUBLIC, "events/3"))

    def ask(name: str, topic: str, group: str = "") -> Any:
        return first_answer(outside(node, name, group=group or f"{name}-page"), topic)

    for topic in (PUBLIC, "public.event.state.v1"):
        assert (await asyncio.to_thread(ask, "media", topic)).topic() == topic
    for name, topic in (("media", INTERNAL), ("media", "events.event.v1"), ("body", INTERNAL)):
        refused = await asyncio.to_thread(ask, name, topic)
        assert refused.code() == OutsideError.TOPIC_AUTHORIZATION_FAILED, (name, topic)
    refused = await asyncio.to_thread(ask, "media", PUBLIC, "events")
    assert refused.code() == OutsideError.GROUP_AUTHORIZATION_FAILED, "another's group"


async def test_nobody_comes_in_without_a_password(
    node: SecuredKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZHIHUI_KAFKA_USER", "media")
    monkeypatch.setenv("ZHIHUI_KAFKA_PASSWORD", "guessed")
    with pytest.raises(KafkaError):
        await kafka.counts(node.address, [PUBLIC])
