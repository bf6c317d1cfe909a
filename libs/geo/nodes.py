"""The packaged node tree of a city: who lies under whom, and since when.

How many districts there are depends on the day: 38 until 2025-11-06, 37 since. Nothing may count
them otherwise than by asking the tree.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache

from libs.errors import NotFound
from libs.geo import data
from libs.geo.points import Point
from libs.geo.travel import mountain_districts

CITY = "500000"
KNOWN_FROM = date(2022, 1, 1)
"""The data's first vintage; it says nothing about earlier days."""
REFORM = date(2025, 11, 6)
"""江北区 and 渝北区 were abolished, 两江新区 was set up, ten towns moved."""


class Kind(StrEnum):
    """What an organisation of the packaged tree is."""

    CITY = "CITY"
    DISTRICT = "DISTRICT"
    FUNCTIONAL_ZONE = "FUNCTIONAL_ZONE"
    TOWN = "TOWN"
    VILLAGE = "VILLAGE"
    COMMUNITY = "COMMUNITY"


class NodeNotInForce(NotFound):
    """No node of this code on this day."""


@dataclass(frozen=True, slots=True)
class Node:
    """One vintage of a node: its place in the tree during `[valid_from, valid_until)`.

    `code` is GB/T 2260 for districts, 9 digits for towns, 12 for villages, `zone-…` for zones that
    have no code. `valid_until` is None while it lasts. `hosts` are free links: the districts a zone
    lies in. `point` is None where no coordinates exist openly (villages).
    """

    code: str
    kind: Kind
    name_zh: str
    name_en: str
    parent: str | None
    valid_from: date
    valid_until: date | None
    point: Point | None
    mountain: bool
    population: int | None = None
    hosts: tuple[str, ...] = ()

    def valid_on(self, day: date) -> bool:
        """Whether this vintage is in force on `day`."""
        return self.valid_from <= day and (self.valid_until is None or day < self.valid_until)


class NodeTree:
    """All vintages of all nodes, asked by day."""

    def __init__(self, vintages: Iterable[Node]) -> None:
        self.vintages: tuple[Node, ...] = tuple(vintages)
        self._by_code: dict[str, list[Node]] = {}
        self._by_parent: dict[str, list[Node]] = {}
        for node in self.vintages:
            self._by_code.setdefault(node.code, []).append(node)
            if node.parent is not None:
                self._by_parent.setdefault(node.parent, []).append(node)

    def on(self, day: date) -> Sequence[Node]:
        """The nodes in force on `day`, parents before children."""
        return [node for node in self.vintages if node.valid_on(day)]

    def node(self, code: str, *, on: date) -> Node:
        """The node `code` as it was on that day.

        Raises:
            NodeNotInForce: there is no such node, or it was not in force.
        """
        for node in self._by_code.get(code, ()):
            if node.valid_on(on):
                return node
        raise NodeNotInForce("no such node on that day", node=code, day=on.isoformat())

    def children(self, code: str, *, on: date, kind: Kind | None = None) -> Sequence[Node]:
        """The nodes directly under `code` on that day, of one `kind` if given."""
        return [
            node
            for node in self._by_parent.get(code, ())
            if node.valid_on(on) and kind in {None, node.kind}
        ]

    def districts(self, *, on: date) -> Sequence[Node]:
        """The county-level units of that day, by code."""
        return self.children(CITY, on=on, kind=Kind.DISTRICT)

    def district_of(self, code: str, *, on: date) -> Node | None:
        """The district that `code` lies in on that day; None for the city and the zones."""
        node: Node | None = self.node(code, on=on)
        while node is not None and node.kind is not Kind.DISTRICT:
            node = None if node.parent is None else self.node(node.parent, on=on)
        return node


@cache
def chongqing() -> NodeTree:
    """Chongqing's city, districts, zones, towns and villages in both vintages."""
    return NodeTree([*_city(), *_districts(), *_zones(), *_towns(), *_villages()])


def _city() -> Iterable[Node]:
    yield Node(
        code=CITY,
        kind=Kind.CITY,
        name_zh="重庆市",
        name_en="Chongqing",
        parent=None,
        valid_from=KNOWN_FROM,
        valid_until=None,
        point=_seat("500103"),
        mountain=False,
    )


def _districts() -> Iterable[Node]:
    before = {row["adcode"]: row for row in data.rows("districts_2022.csv")}
    now = {row["adcode"]: row for row in data.rows("districts_2025.csv")}
    for code in sorted(before.keys() | now.keys()):
        row = now.get(code) or before[code]
        population = row["population_2020"] or before.get(code, row)["population_2020"]
        yield Node(
            code=code,
            kind=Kind.DISTRICT,
            name_zh=row["name_zh"],
            name_en=row["name_en"],
            parent=CITY,
            valid_from=KNOWN_FROM if code in before else REFORM,
            valid_until=None if code in now else REFORM,
            point=_seat(code),
            mountain=code in mountain_districts(),
            population=int(population) if population else None,
        )


def _seat(code: str) -> Point:
    for vintage in ("districts_2025.csv", "districts_2022.csv"):
        for row in data.rows(vintage):
            if row["adcode"] == code:
                return Point(lat=float(row["seat_lat"]), lon=float(row["seat_lon"]))
    raise AssertionError(f"the tables of districts must know {code}, or the tree has a hole")


_ZONES_EN = {"liangjiang": "Liangjiang", "gaoxin": "High-tech Zone", "wansheng": "Wansheng"}


def _zones() -> Iterable[Node]:
    for zone in data.document("functional_zones.json")["zones"]:
        hosts = tuple(zone["hosts_2022"])
        became_district = str(zone["now"]).startswith("district")
        yield Node(
            code=f"zone-{zone['id']}",
            kind=Kind.FUNCTIONAL_ZONE,
            # The notes in brackets are for people who read the file.
            name_zh=str(zone["zh"]).split("（", maxsplit=1)[0],
            name_en=_ZONES_EN[zone["id"]],
            parent=CITY,
            valid_from=KNOWN_FROM,
            valid_until=REFORM if became_district else None,
            point=None,
            mountain=False,
            hosts=hosts,
        )


def _towns() -> Iterable[Node]:
    recoded = {row["code_2023"]: row["code_2026"] for row in data.rows("towns_changed_2025.csv")}
    for row in data.rows("towns.csv"):
        point = Point(lat=float(row["lat"]), lon=float(row["lon"]))
        moved = row["district"] != row["district_2025"]
        vintages = [(row["code"], row["district"], KNOWN_FROM, REFORM if moved else None)]
        if moved:
            # Five towns went to 北碚 and no new code of theirs is known: they keep the old one.
            code = recoded.get(row["code"]) or row["code"]
            vintages.append((code, row["district_2025"], REFORM, None))
        for code, district, valid_from, valid_until in vintages:
            yield Node(
                code=code,
                kind=Kind.TOWN,
                name_zh=row["name"],
                name_en=row["name"],
                parent=district,
                valid_from=valid_from,
                valid_until=valid_until,
                point=point,
                mountain=district in mountain_districts(),
            )


def _villages() -> Iterable[Node]:
    recoded = {
        row["code_2023"]: row["code_2026"]
        for row in data.rows("towns_changed_2025.csv")
        if row["code_2026"]
    }
    for row in data.rows("villages.csv"):
        # A village whose town changed its code keeps its own: no newer list is public.
        town_now = recoded.get(row["town"])
        vintages: list[tuple[str, date, date | None]] = [
            (row["town"], KNOWN_FROM, REFORM if town_now else None)
        ]
        if town_now:
            vintages.append((town_now, REFORM, None))
        for town, valid_from, valid_until in vintages:
            yield Node(
                code=row["code"],
                kind=Kind.COMMUNITY if "社区" in row["name"] else Kind.VILLAGE,
                name_zh=row["name"],
                name_en=row["name"],
                parent=town,
                valid_from=valid_from,
                valid_until=valid_until,
                point=None,
                mountain=row["district"] in mountain_districts(),
            )
