"""Nodes and venues of the demonstration: real towns, invented institutions."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from libs.geo import data, nodes
from libs.geo.points import Point
from services.cli.demo.draw import Setting, pick_weighted
from services.cli.demo.model import Group, Node, Venue

WANSHENG_TOWNS = ("万盛街道", "南桐镇", "青年镇", "丛林镇", "石林镇", "金桥镇", "黑山镇", "关坝镇")
"""The towns that the Wansheng zone administers; by code they belong to its host, 綦江."""

ZONE_HOST_WANSHENG = "500110"

TOUR_PLACES: Mapping[str, str] = {
    "沙坪坝": "500106",
    "万盛": ZONE_HOST_WANSHENG,
    "合川": "500117",
    "长寿": "500115",
    "梁平": "500155",
    "开州": "500154",
    "云阳": "500235",
}
"""The seven named places of the tour of May 2024, and the district each lies in."""

TOUR_SCHOOLS_EACH = 4

CAP_USED_EVERY = 20
"""Every so many schools, one has had its only visit of the school year."""

VENUES: Mapping[Group, int] = {
    Group.YOUTH: 60,
    Group.FARMERS: 26,
    Group.WORKERS: 14,
    Group.ELDERLY: 24,
    Group.OFFICIALS: 12,
}
"""How many venues each group has at size 1."""

_NAMES: Mapping[Group, Sequence[str]] = {
    Group.YOUTH: ("示例第{n}小学", "示例第{n}中学", "示例实验学校{n}部", "示例职业高中{n}校区"),
    Group.FARMERS: ("示例{n}村农技服务站", "示例{n}村文化礼堂"),
    Group.WORKERS: ("示例机械厂{n}车间", "示例电子厂{n}厂区", "示例材料厂{n}分厂"),
    Group.ELDERLY: ("示例老年科技大学{n}分校", "示例社区日间照料中心{n}"),
    Group.OFFICIALS: ("示例党校{n}校区",),
}

_NODE_KINDS: Mapping[Group, str] = {
    Group.YOUTH: "SCHOOL",
    Group.FARMERS: "VILLAGE",
    Group.WORKERS: "ENTERPRISE",
    Group.ELDERLY: "COMMUNITY",
    Group.OFFICIALS: "PARTY_SCHOOL",
}

_ACCESS = (
    "校门东侧停车，提前十分钟联系接待老师 (park east of the gate)",
    "导航到村委会，最后一段为村道 (village road at the end)",
    "三楼报告厅，有电梯 (third floor, lift)",
    "从北门进入，需登记 (north gate, sign in)",
)


@dataclass(frozen=True, slots=True)
class Places:
    """What `places` makes: all nodes, parents first, and venues by key."""

    tree: Sequence[Node]
    venues: Sequence[Venue]
    tour_venues: Mapping[str, Sequence[Venue]]
    towns: Mapping[str, Sequence[nodes.Node]]
    """Towns by district code."""


def town_key(code: str) -> str:
    return f"town-{code}"


def district_key(code: str) -> str:
    return f"district-{code}"


CITY_KEY = f"city-{nodes.CITY}"


def places(setting: Setting) -> Places:
    """The node tree as of the horizon's start, with the abolished districts, and the venues."""
    tree, day = nodes.chongqing(), setting.start
    towns = {
        district.code: tree.children(district.code, on=day, kind=nodes.Kind.TOWN)
        for district in tree.districts(on=day)
    }
    made = [_tree_node(node) for node in tree.vintages if _loaded(node, setting)]
    made += [
        Node(
            key=f"society-{number:02d}",
            kind="SOCIETY",
            name_zh=row["name"],
            name_en=f"Society {number}",
            parent=CITY_KEY,
            valid_from=nodes.KNOWN_FROM,
            valid_until=None,
        )
        for number, row in enumerate(data.rows("societies.csv"), start=1)
    ]
    dice = setting.dice("places")
    venues: list[Venue] = []
    codes = sorted(towns)
    # Towns stand for people: every district has towns, not every vintage has a census.
    weights = [float(len(towns[code])) for code in codes]
    for group, each in VENUES.items():
        for number in range(1, each * setting.size + 1):
            district = (
                codes[(number - 1) % len(codes)]  # everybody gets one, whatever the weights
                if number <= len(codes)
                else pick_weighted(dice, codes, weights)
            )
            town = dice.choice(towns[district])
            _add_venue(dice, made, venues, group=group, number=number, town=town, district=district)
    tour_venues: dict[str, Sequence[Venue]] = {}
    for place, district in TOUR_PLACES.items():
        first = len(venues)
        candidates = [
            town
            for town in towns[district]
            if district != ZONE_HOST_WANSHENG or town.name_zh in WANSHENG_TOWNS
        ]
        for town in dice.sample(candidates, TOUR_SCHOOLS_EACH):
            number = len(venues) + 1
            _add_venue(
                dice, made, venues, group=Group.YOUTH, number=number, town=town, district=district,
                prefix="tour-",
            )  # fmt: skip
        tour_venues[place] = tuple(venues[first:])
    return Places(tree=made, venues=venues, tour_venues=tour_venues, towns=towns)


def _loaded(node: nodes.Node, setting: Setting) -> bool:
    """Villages are too many to load; districts are kept after they end, for reports over the day."""
    if node.kind in {nodes.Kind.VILLAGE, nodes.Kind.COMMUNITY}:
        return False
    return node.valid_on(setting.start) or node.kind is nodes.Kind.DISTRICT


def _tree_node(node: nodes.Node) -> Node:
    return Node(
        key=_tree_key(node.kind, node.code),
        kind=node.kind.value,
        name_zh=node.name_zh,
        name_en=node.name_en,
        parent=None if node.parent is None else _parent_key(node),
        valid_from=node.valid_from,
        valid_until=node.valid_until,
        adcode="" if node.kind is nodes.Kind.FUNCTIONAL_ZONE else node.code,
        population=node.population,
        point=node.point,
        mountain=node.mountain,
        hosts=tuple(district_key(code) for code in node.hosts),
    )


def _tree_key(kind: nodes.Kind, code: str) -> str:
    return code if kind is nodes.Kind.FUNCTIONAL_ZONE else f"{kind.value.lower()}-{code}"


def _parent_key(node: nodes.Node) -> str:
    return CITY_KEY if node.parent == nodes.CITY else district_key(str(node.parent))


def _add_venue(
    dice: random.Random,
    made: list[Node],
    venues: list[Venue],
    *,
    group: Group,
    number: int,
    town: nodes.Node,
    district: str,
    prefix: str = "",
) -> None:
    kind = _NODE_KINDS[group]
    key = f"{prefix}{kind.lower().replace('_', '-')}-{number:04d}"
    name = f"{town.name_zh}{dice.choice(_NAMES[group]).format(n=number)}"
    assert town.point is not None, "towns have points, or nobody could travel to them"
    point = near(dice, town.point, km=1.5)
    used_up = group is Group.YOUTH and not prefix and number % CAP_USED_EVERY == 0
    made.append(
        Node(
            key=key,
            kind=kind,
            name_zh=name,
            name_en=f"Example {kind.lower().replace('_', ' ')} {number}, {town.name_en}",
            parent=town_key(town.code),
            valid_from=nodes.KNOWN_FROM,
            valid_until=None,
            point=point,
            mountain=town.mountain,
        )
    )
    venues.append(
        Venue(
            key=f"venue-{key}",
            node=key,
            district=district_key(district),
            name=name,
            group=group,
            point=point,
            last_mile_km=round(dice.uniform(0.5, 4.0), 1) if group is Group.FARMERS else 0.0,
            capacity=dice.choice((60, 120, 200, 320, 600)),
            facilities=tuple(
                f for f in ("PROJECTOR", "MICROPHONE", "NETWORK") if dice.random() < 0.8
            ),
            access_notes=dice.choice(_ACCESS),
            annual_cap=1 if used_up else None,
            visits_used=1 if used_up else 0,
        )
    )


def near(dice: random.Random, point: Point, *, km: float) -> Point:
    """A point at most about `km` away in each direction, to five decimals (one metre)."""
    degrees = km / 111.0
    return Point(
        lat=round(point.lat + dice.uniform(-degrees, degrees), 5),
        lon=round(point.lon + dice.uniform(-degrees, degrees), 5),
    )
