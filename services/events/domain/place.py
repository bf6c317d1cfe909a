"""Nodes with their rules, and venues."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from libs.errors import FieldViolation, InvalidInput, NotFound, WrongState


class NodeKind(StrEnum):
    """What an organisation is."""

    CITY = "CITY"
    DISTRICT = "DISTRICT"
    FUNCTIONAL_ZONE = "FUNCTIONAL_ZONE"
    SOCIETY = "SOCIETY"
    INSTITUTION = "INSTITUTION"
    TOWN = "TOWN"
    VILLAGE = "VILLAGE"
    COMMUNITY = "COMMUNITY"
    SCHOOL = "SCHOOL"
    ENTERPRISE = "ENTERPRISE"
    PARTY_SCHOOL = "PARTY_SCHOOL"
    BASE = "BASE"


DISTRICT_KINDS = frozenset({NodeKind.DISTRICT, NodeKind.FUNCTIONAL_ZONE})
"""What coverage is counted by: since the reform of 2025 a functional zone may stand where a district stood."""


class Group(StrEnum):
    """The five key audience groups."""

    YOUTH = "YOUTH"
    FARMERS = "FARMERS"
    WORKERS = "WORKERS"
    ELDERLY = "ELDERLY"
    OFFICIALS = "OFFICIALS"


class NodeNotFound(NotFound):
    """No node of this name."""


class VenueNotFound(NotFound):
    """No venue of this name, or not for this caller."""


class NodeEnded(WrongState):
    """The node is no longer in force: nothing new can belong to it."""


class NodeHasChildren(WrongState):
    """Nodes below it are still in force on that day; end them first."""


class BadValidity(InvalidInput):
    """The node would end before, or on the day, it begins."""


@dataclass(frozen=True, slots=True)
class Point:
    """WGS-84 degrees."""

    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class DatePeriod:
    """Local days `[start_date, end_date)`; no end: for ever."""

    start_date: date
    end_date: date | None = None

    def holds_on(self, day: date) -> bool:
        """Whether `day` is inside."""
        return self.start_date <= day and (self.end_date is None or day < self.end_date)


@dataclass(frozen=True, slots=True)
class NodePolicy:
    """Rules for requests; None: what the node above says."""

    endorse_automatically: bool | None = None
    lead_days: int | None = None
    annual_cap: int | None = None
    round_quota: int | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules that hold for one venue; a cap of 0 is none."""

    endorse_automatically: bool
    lead_days: int
    annual_cap: int


DEFAULT_RULES = Rules(endorse_automatically=False, lead_days=3, annual_cap=0)
"""Where no node says otherwise."""


@dataclass(frozen=True, slots=True)
class Node:
    """An organisation in the tree; `path` is itself and everything above, nearest first."""

    name: str
    kind: NodeKind
    display_name: str
    validity: DatePeriod
    display_name_en: str = ""
    parent: str = ""
    adcode: str = ""
    population: int = 0
    seat: Point | None = None
    mountain: bool = False
    links: tuple[str, ...] = ()
    policy: NodePolicy | None = None
    path: tuple[str, ...] = ()
    version: int = 1

    def ended(self, *, on: date) -> "Node":
        """The node with its end moved to `on`; itself when it ends then already.

        Raises:
            BadValidity: `on` is not after its first day.
        """
        if on <= self.validity.start_date:
            raise BadValidity(
                "a node must end after it begins",
                violations=[FieldViolation("end_date", "not after the first day")],
            )
        if self.validity.end_date == on:
            return self
        validity = dataclasses.replace(self.validity, end_date=on)
        return dataclasses.replace(self, validity=validity, version=self.version + 1)


@dataclass(frozen=True, slots=True)
class Venue:
    """A place of a node where an event can happen."""

    name: str
    display_name: str
    node: str
    point: Point
    capacity: int
    last_mile_km: float = 0.0
    facilities: tuple[str, ...] = ()
    access_notes: str = ""
    group: Group | None = None
    annual_cap: int | None = None
    visits_before: int = 0
    district: str = ""
    node_path: tuple[str, ...] = ()
    version: int = 1


def district_of(path: Sequence[Node]) -> str:
    """The nearest district or functional zone of a path, nearest first; '' for none."""
    return next((node.name for node in path if node.kind in DISTRICT_KINDS), "")


def rules_for(venue: Venue, nodes: Mapping[str, Node]) -> Rules:
    """The rules of `venue`: its own cap, then the nearest node that says something, then the default."""

    def first(name: str) -> object:
        for above in venue.node_path:
            node = nodes.get(above)
            value = getattr(node.policy, name) if node and node.policy else None
            if value is not None:
                return value
        return getattr(DEFAULT_RULES, name)

    cap = venue.annual_cap if venue.annual_cap is not None else first("annual_cap")
    return Rules(
        endorse_automatically=bool(first("endorse_automatically")),
        lead_days=int(str(first("lead_days"))),
        annual_cap=int(str(cap)),
    )
