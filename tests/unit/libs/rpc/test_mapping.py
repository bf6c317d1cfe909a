"""Values to messages and back: nothing is lost, and what makes no sense is refused with its path."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum

import pytest
from zhihui.common.v1 import common_pb2 as common
from zhihui.events.v1 import events_pb2 as pb

from libs.rpc.mapping import MalformedValue, from_message, to_message


class Role(StrEnum):
    ACADEMICIAN = "ACADEMICIAN"
    LECTURER = "LECTURER"


class Kind(StrEnum):
    DISTRICT = "DISTRICT"


@dataclass(frozen=True)
class Seat:
    roles: tuple[Role, ...]
    topic: str
    count: int
    optional: bool = False


@dataclass(frozen=True)
class Period:
    start_time: datetime
    end_time: datetime


@dataclass(frozen=True)
class Policy:
    endorse_automatically: bool | None = None
    lead_days: int | None = None


@dataclass(frozen=True)
class Days:
    start_date: date
    end_date: date | None = None


@dataclass(frozen=True)
class Node:
    name: str
    kind: Kind | None
    validity: Days
    policy: Policy | None = None
    unknown_to_the_wire: int = 7


AT = datetime(2026, 11, 23, 8, 30, 0, 5000, tzinfo=UTC)


def test_there_and_back_is_the_same() -> None:
    seat = Seat((Role.LECTURER, Role.ACADEMICIAN), "ai", 3, optional=True)
    message = to_message(seat, pb.Seat)
    assert message == pb.Seat(roles=[2, 1], topic="ai", count=3, optional=True)
    assert from_message(Seat, message) == seat
    period = Period(AT, AT.replace(hour=9))
    assert from_message(Period, to_message(period, common.Period)) == period


def test_not_said_is_not_the_same_as_zero() -> None:
    for policy in (Policy(), Policy(False, 0), Policy(True, 3)):
        node = Node("nodes/a", Kind.DISTRICT, Days(date(2026, 1, 1)), policy)
        message = to_message(node, pb.Node)
        assert message.policy.HasField("lead_days") == (policy.lead_days is not None)
        assert from_message(Node, message) == node
    bare = pb.Node(name="nodes/a", validity=common.DatePeriod(start_date="2026-01-01"))
    assert from_message(Node, bare) == Node("nodes/a", None, Days(date(2026, 1, 1), None), None)


@pytest.mark.parametrize(
    ("message", "path"),
    [
        (pb.Node(validity=common.DatePeriod(start_date="2026-02-30")), "node.validity.start_date"),
        (
            pb.Node(validity=common.DatePeriod(start_date="2026-02-01"), kind=pb.NODE_KIND_CITY),
            "node.kind",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_path(message: pb.Node, path: str) -> None:
    with pytest.raises(MalformedValue) as raised:
        from_message(Node, message, path="node")
    assert [violation.path for violation in raised.value.violations] == [path]


def test_a_repeated_one_is_named_by_its_place() -> None:
    with pytest.raises(MalformedValue) as raised:
        from_message(Seat, pb.Seat(roles=[1, common.ROLE_VOLUNTEER]), path="seat")
    assert raised.value.violations[0].path == "seat.roles[1]"
