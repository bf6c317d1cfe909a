"""Nodes and their rules: days of validity, districts, and whose rule holds."""

import dataclasses
from datetime import date, timedelta

import pytest

from services.events.domain.place import (
    DEFAULT_RULES,
    BadValidity,
    DatePeriod,
    Node,
    NodeKind,
    NodePolicy,
    Point,
    Venue,
    district_of,
    rules_for,
)

DAY = date(2025, 11, 6)


def a_node(
    name: str,
    kind: NodeKind = NodeKind.TOWN,
    policy: NodePolicy | None = None,
    end: date | None = None,
) -> Node:
    return Node(f"nodes/{name}", kind, "示例", DatePeriod(DAY, end), policy=policy)


@pytest.mark.parametrize(("days", "holds"), [(-1, False), (0, True), (9, True), (10, False)])
def test_days_are_half_open(days, holds):
    assert DatePeriod(DAY, DAY + timedelta(days=10)).holds_on(DAY + timedelta(days=days)) is holds


def test_without_an_end_it_holds_for_ever():
    assert DatePeriod(DAY).holds_on(date(2099, 1, 1))


def test_a_node_ends_after_its_first_day():
    node = a_node("town")
    with pytest.raises(BadValidity):
        node.ended(on=DAY)
    ended = node.ended(on=DAY + timedelta(days=1))
    assert (ended.version, ended.validity.end_date) == (2, DAY + timedelta(days=1))
    assert ended.ended(on=DAY + timedelta(days=1)) is ended
    assert ended.ended(on=DAY + timedelta(days=2)).version == 3


def test_the_nearest_district_or_zone_counts():
    path = [
        a_node("school", NodeKind.SCHOOL),
        a_node("zone", NodeKind.FUNCTIONAL_ZONE),
        a_node("500112", NodeKind.DISTRICT),
        a_node("city", NodeKind.CITY),
    ]
    assert district_of(path) == "nodes/zone"
    assert district_of(path[2:]) == "nodes/500112"
    assert district_of(path[3:]) == ""


def rules(*nodes: Node, annual_cap: int | None = None):
    path = tuple(node.name for node in nodes)
    venue = Venue("venues/v", "示例", "nodes/a", Point(29.5, 106.5), 10, node_path=path)
    venue = dataclasses.replace(venue, annual_cap=annual_cap)
    return rules_for(venue, {node.name: node for node in nodes})


def test_where_no_node_says_anything_the_default_holds():
    assert rules(a_node("a"), a_node("b")) == DEFAULT_RULES


def test_each_rule_comes_from_the_nearest_node_that_states_it():
    near = a_node("a", policy=NodePolicy(lead_days=0))
    far = a_node("b", policy=NodePolicy(lead_days=9, annual_cap=2, endorse_automatically=True))
    found = rules(near, far)
    assert (found.lead_days, found.annual_cap, found.endorse_automatically) == (0, 2, True)
    assert rules(near, far, annual_cap=0).annual_cap == 0
    assert rules(near, far, annual_cap=5).annual_cap == 5


def test_a_rule_that_is_stated_as_no_is_stated():
    near = a_node("a", policy=NodePolicy(endorse_automatically=False, annual_cap=0))
    far = a_node("b", policy=NodePolicy(endorse_automatically=True, annual_cap=3))
    found = rules(near, far)
    assert (found.endorse_automatically, found.annual_cap) == (False, 0)
