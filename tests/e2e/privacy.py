"""Looks through everything that travels and everything that is logged for what must be in neither.

Two kinds of look: for canaries, put into personal data on purpose, and for all homes and e-mails that the stack knows; and
for the forms of phone and identity numbers, whoever they belong to.
"""

import asyncio
import dataclasses
import re
import struct
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
from zhihui.common.v1 import common_pb2 as common
from zhihui.events.v1 import events_pb2 as events
from zhihui.events.v1 import events_pb2_grpc as events_grpc
from zhihui.experts.v1 import experts_pb2 as experts
from zhihui.experts.v1 import experts_pb2_grpc as experts_grpc

from libs.messaging import kafka
from libs.messaging.topics import wanted
from libs.rpc.client import channel
from tests.support.embedded import EmbeddedStack

# Of a thousand random hexadecimal ids one or two begin with eleven digits that could be a number: what goes on with one is no number.
PHONE = re.compile(rb"(?<![\dA-Za-z.])(?:\+?86)?1[3-9]\d{9}(?![\da-f])")
IDENTITY = re.compile(
    rb"(?<![\dA-Za-z.])[1-9]\d{5}(?:19|20)\d{2}[01]\d[0-3]\d{4}[\dX](?![\dA-Za-z])"
)
DECIMAL = re.compile(rb"\d+\.\d+")

CANARY_PHONE = "13912345678"
CANARY_EMAIL = "canary@example.org"
CANARY_HOST = "示例 胡老师"
CANARY_HOST_PHONE = "13887654321"
CANARY_CHILD = "示例 小明明"
CANARY_IDENTITY = "500101201512240027"
CANARY_COMMENT = f"学生{CANARY_CHILD}（{CANARY_IDENTITY}）坐轮椅"
CANARY_HOME = (29.5312345678, 106.5787654321)
CANARY_EXPERT = "experts/canary"


@dataclasses.dataclass(frozen=True, slots=True)
class Secrets:
    """What must be found nowhere; a home is found where its latitude and its longitude are."""

    texts: frozenset[bytes]
    homes: tuple[tuple[tuple[bytes, bytes], ...], ...]
    """Latitude and longitude of each, as a fact would carry them and as a log would print them."""

    def found_in(self, where: str, content: bytes) -> Iterator[str]:
        for text in self.texts:
            if text in content:
                yield f"{where}: {text!r}"
        parts = {content[at : at + 8] for at in range(len(content) - 7)}
        parts |= set(DECIMAL.findall(content))
        for home in self.homes:
            if any(set(written) <= parts for written in home):
                yield f"{where}: a home, {home}"
        for kind, pattern in (("a phone number", PHONE), ("an identity number", IDENTITY)):
            for match in pattern.finditer(content):
                yield f"{where}: {kind}, {match[0]!r}"


def ways_to_write(latitude: float, longitude: float) -> tuple[tuple[bytes, bytes], ...]:
    """A point in the bytes of a message, and in digits."""
    return (
        (struct.pack("<d", latitude), struct.pack("<d", longitude)),
        (repr(latitude).encode(), repr(longitude).encode()),
    )


def seeded(stack: Mapping[str, str]) -> None:
    """Put canaries into every place for personal data, then let all of it be announced, changed, and the expert erased."""
    asyncio.run(_seeded(stack))


async def _seeded(stack: Mapping[str, str]) -> None:
    async with (
        channel(stack["experts"], token=lambda: stack["token"]) as to_experts,
        channel(stack["events"], token=lambda: stack["token"]) as to_events,
    ):
        people = experts_grpc.ExpertsServiceStub(to_experts)
        listed = await people.ListExperts(experts.ListExpertsRequest(page_size=1))
        like = listed.experts[0]
        expert = experts.Expert(
            display_name="示例 金丝雀",
            role=like.role,
            home_node=like.home_node,
            skills=like.skills,
            audiences=like.audiences,
            forms=like.forms,
            levels=like.levels,
            limits=like.limits,
            memberships=like.memberships,
        )
        home = common.Point(latitude=CANARY_HOME[0], longitude=CANARY_HOME[1])
        await people.RegisterExpert(
            experts.RegisterExpertRequest(
                expert_id=CANARY_EXPERT.partition("/")[2],
                expert=expert,
                personal_data=experts.PersonalData(
                    phone=CANARY_PHONE, email=CANARY_EMAIL, home=home
                ),
                request_id="canary-1",
            )
        )
        asks = events_grpc.EventsServiceStub(to_events)
        found = await asks.ListRequests(events.ListRequestsRequest(page_size=1))
        request = events.Request()
        request.CopyFrom(found.requests[0])
        for field in ("name", "state", "version", "etag", "round", "event", "reason", "series"):
            request.ClearField(field)
        request.host, request.host_phone = CANARY_HOST, CANARY_HOST_PHONE
        request.notes = CANARY_COMMENT
        filed = await asks.FileRequest(
            events.FileRequestRequest(request_id="canary-2", request=request)
        )
        await asks.SubmitRequest(
            events.SubmitRequestRequest(name=filed.request.name, request_id="canary-3")
        )
        kept = await asks.GetRequest(events.GetRequestRequest(name=filed.request.name))
        assert (kept.request.host_phone, kept.request.notes) == (CANARY_HOST_PHONE, CANARY_COMMENT)
        await people.WithdrawExpert(
            experts.WithdrawExpertRequest(name=CANARY_EXPERT, request_id="canary-4")
        )


def secrets_of(owner_dsn: str) -> Secrets:
    """The canaries, and the homes and e-mails of everybody."""
    with psycopg.connect(owner_dsn) as connection:
        rows = connection.execute(
            "SELECT email, latitude, longitude FROM experts.personal_data"
        ).fetchall()
    canaries = (
        CANARY_PHONE,
        CANARY_EMAIL,
        CANARY_HOST,
        CANARY_HOST_PHONE,
        CANARY_CHILD,
        CANARY_IDENTITY,
    )
    texts = {text.encode() for text in (*canaries, *(email for email, *_ in rows))}
    homes = [(latitude, longitude) for _, latitude, longitude in rows]
    return Secrets(
        frozenset(texts - {b""}), tuple(ways_to_write(*home) for home in [*homes, CANARY_HOME])
    )


def in_topics(bootstrap: str, secrets: Secrets) -> tuple[list[str], list[Any]]:
    """What was found in any record of any topic, twin or dead letter; and all records."""

    async def walk() -> list[Any]:
        names = [topic.name for topic in wanted()]
        return [record async for record in kafka.read_records(bootstrap, names)]

    records = asyncio.run(walk())
    found: list[str] = []
    for record in records:
        where = f"{record.topic}:{record.partition}:{record.offset}"
        # a message id may look like a number of anything
        headers = [value for name, value in record.headers if name not in {"ce_id", "traceparent"}]
        content = b"\0".join([record.key or b"", record.value or b"", *headers])
        found += secrets.found_in(where, content)
    return found, records


def in_logs(folder: Path, secrets: Secrets) -> tuple[list[str], int]:
    """What was found in any line of any log; and how many lines there are."""
    found: list[str] = []
    count = 0
    for path in sorted(folder.glob("*.log")):
        for number, line in enumerate(path.read_bytes().splitlines(), start=1):
            count += 1
            found += secrets.found_in(f"{path.name}:{number}", line)
    return found, count


def unread(records: Iterable[Any]) -> set[str]:
    """Types among `records` that the contract does not know."""
    from libs.facts.messages import fact_types

    kinds = {
        value.decode() for record in records for name, value in record.headers if name == "ce_type"
    }
    return kinds - set(fact_types()) - {"tombstone"}


def nothing_personal_travels(home: Path) -> None:
    """Fail with what was found; and, when nothing was, with what was planted and not found."""
    stack = EmbeddedStack(home).state
    seeded(stack)
    secrets = secrets_of(stack["database"])
    assert len(secrets.homes) > 200
    found, records = in_topics(stack["kafka"], secrets)
    logged, lines = in_logs(home / "logs", secrets)
    assert not found + logged, found + logged
    assert (len(records) > 5000, lines > 1000, unread(records)) == (True, True, set())
    erased = [one for one in records if one.key == CANARY_EXPERT.encode() and one.value is None]
    assert {one.topic for one in erased} == {"experts.expert.v1", "experts.expert.state.v1"}

    planted = "canary: " + CANARY_HOST_PHONE
    with (home / "logs" / "events.log").open("a") as log:
        log.write(planted + "\n")
    asyncio.run(_plant(stack["kafka"]))
    found, _ = in_topics(stack["kafka"], secrets)
    logged, _ = in_logs(home / "logs", secrets)
    assert len(logged) == 2, "the canary, and the form of a phone number"
    there = [one for one in found if one.startswith("events.request.v1")]
    assert len(there) == 3, "a child's name, an identity number, and a home"


async def _plant(bootstrap: str) -> None:
    point = common.Point(latitude=CANARY_HOME[0], longitude=CANARY_HOME[1])
    async with kafka.Producer(bootstrap, client="planted") as producer:
        for payload in (
            events.Request(notes=CANARY_CHILD).SerializeToString(),
            events.Request(notes="110101199003074514").SerializeToString(),
            experts.PersonalData(home=point).SerializeToString(),
        ):
            sent = await producer.send(
                "events.request.v1", key="requests/planted", payload=payload, headers=[]
            )
            await sent
