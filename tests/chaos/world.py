"""The part of the demonstration that a storm plays with: a few dozen people and requests, and all they refer to."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from datetime import date

from services.cli.demo.generate import generate
from services.cli.demo.model import Demo, Node

EXPERTS = 60
REQUESTS = 60


def part_of_the_demonstration(*, as_of: date) -> Demo:
    """The same for the same day."""
    demo = generate(as_of=as_of, seed=1, size=1)
    experts = [one for one in demo.experts if one.role.name != "ACADEMICIAN"][:EXPERTS]
    requests = [
        dataclasses.replace(one, tour="")
        for one in demo.requests
        if not (one.series or one.named or one.talk or one.impossible)
    ][:REQUESTS]
    venues = [one for one in demo.venues if one.key in {request.venue for request in requests}]
    named = {membership.pool for expert in experts for membership in expert.memberships}
    pools = [pool for pool in demo.pools if pool.key in named]
    agreements = [one for one in demo.agreements if one.pool in named]
    nodes = _with_parents(
        demo.nodes,
        [
            *(venue.node for venue in venues),
            *(expert.home_town for expert in experts),
            *(pool.owner for pool in pools),
            *(agreement.node for agreement in agreements),
        ],
    )
    return dataclasses.replace(
        demo,
        nodes=nodes,
        venues=venues,
        pools=pools,
        agreements=agreements,
        experts=experts,
        requests=requests,
        series=(),
    )


def _with_parents(nodes: Iterable[Node], wanted: Iterable[str]) -> list[Node]:
    by_key = {node.key: node for node in nodes}
    keep: set[str] = set()
    left = list(wanted)
    while left:
        key = left.pop()
        if key and key not in keep:
            keep.add(key)
            left += [by_key[key].parent, *by_key[key].hosts]
    return [node for node in by_key.values() if node.key in keep]
