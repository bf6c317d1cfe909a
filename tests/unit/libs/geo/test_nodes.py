from datetime import timedelta

import pytest

from libs.geo import data
from libs.geo.nodes import CITY, REFORM, Kind, NodeNotInForce, chongqing

BEFORE = REFORM - timedelta(days=1)


def test_the_city_has_38_districts_the_day_before_the_reform_and_37_on_the_day():
    tree = chongqing()
    assert [len(tree.districts(on=day)) for day in (BEFORE, REFORM)] == [38, 37]


def test_the_abolished_districts_are_known_until_the_reform():
    tree = chongqing()
    for code in ("500105", "500112"):
        assert tree.node(code, on=BEFORE).valid_until == REFORM
        with pytest.raises(NodeNotInForce):
            tree.node(code, on=REFORM)


def test_the_new_district_is_not_known_before_the_reform():
    with pytest.raises(NodeNotInForce):
        chongqing().node("500157", on=BEFORE)
    assert chongqing().node("500157", on=REFORM).name_zh == "两江新区"


@pytest.mark.parametrize("day", [BEFORE, REFORM])
def test_every_town_and_village_adds_up_on_either_day(day):
    tree = chongqing()
    nodes = tree.on(day)
    assert sum(node.kind is Kind.TOWN for node in nodes) == 1031
    assert sum(node.kind in {Kind.VILLAGE, Kind.COMMUNITY} for node in nodes) == 11_270


@pytest.mark.parametrize("day", [BEFORE, REFORM])
def test_every_node_has_a_parent_in_force_on_its_day(day):
    tree = chongqing()
    nodes = tree.on(day)
    codes = {node.code for node in nodes}
    assert len(codes) == len(nodes)
    assert [node.code for node in nodes if node.parent not in codes] == [CITY]


@pytest.mark.parametrize(
    "vintage", [("districts_2022.csv", BEFORE), ("districts_2025.csv", REFORM)]
)
def test_districts_have_as_many_towns_as_the_table_says(vintage):
    name, day = vintage
    tree = chongqing()
    wrong = {
        row["name_zh"]: (len(tree.children(row["adcode"], on=day, kind=Kind.TOWN)), row["towns"])
        for row in data.rows(name)
        if len(tree.children(row["adcode"], on=day, kind=Kind.TOWN)) != int(row["towns"])
    }
    assert wrong == {}


def test_a_town_that_kept_its_code_changed_its_parent():
    tree = chongqing()
    assert [tree.node("500112133", on=day).parent for day in (BEFORE, REFORM)] == [
        "500112",
        "500109",
    ]


def test_a_village_follows_its_town_into_the_new_district():
    tree = chongqing()
    village = next(row["code"] for row in data.rows("villages.csv") if row["town"] == "500105006")
    assert tree.district_of(village, on=BEFORE).code == "500105"
    assert tree.district_of(village, on=REFORM).code == "500157"


def test_zones_hang_from_the_city_and_name_their_hosts():
    tree = chongqing()
    zones = tree.children(CITY, on=REFORM, kind=Kind.FUNCTIONAL_ZONE)
    assert {zone.code for zone in zones} == {"zone-gaoxin", "zone-wansheng"}
    assert tree.node("zone-wansheng", on=REFORM).hosts == ("500110",)
    assert tree.node("zone-liangjiang", on=BEFORE).valid_until == REFORM


def test_mountain_districts_are_those_of_the_northeast_and_southeast():
    tree = chongqing()
    assert tree.node("500229", on=REFORM).mountain
    assert not tree.node("500103", on=REFORM).mountain
