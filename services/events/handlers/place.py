"""Nodes and venues."""

import dataclasses
from collections.abc import Callable
from datetime import date, datetime

from libs.errors import FieldViolation, InvalidInput
from services.events.domain.place import (
    BadValidity,
    Node,
    NodeEnded,
    NodeHasChildren,
    NodeNotFound,
    Venue,
    district_of,
)
from services.events.domain.request import LOCAL
from services.events.ports import Transaction


class ParentUnknown(InvalidInput):
    """The node above is not in the tree; add it first."""


class VenueNodeUnknown(InvalidInput):
    """The node a venue should belong to is not in the tree."""


async def create_node(node: Node, tx: Transaction, *, now: datetime) -> Node:
    """Add a node below its parent, and announce it."""
    end = node.validity.end_date
    if end is not None and end <= node.validity.start_date:
        raise BadValidity(
            "a node must end after it begins",
            violations=[FieldViolation("node.validity.end_date", "not after start_date")],
        )
    path: tuple[str, ...] = (node.name,)
    if node.parent:
        try:
            path += (await tx.nodes.get(node.parent)).path
        except NodeNotFound as refusal:
            raise ParentUnknown(
                "the node above is not in the tree",
                violations=[FieldViolation("node.parent", f"no node {node.parent}")],
            ) from refusal
    new = dataclasses.replace(node, path=path)
    await tx.nodes.add(new)
    tx.facts.node_changed(new, at=now)
    return new


async def end_node(name: str, *, end_date: date, tx: Transaction, now: datetime) -> Node:
    """End a node on a day, and announce it; a repeat announces nothing."""
    before = await tx.nodes.get(name, lock=True)
    after = before.ended(on=end_date)
    if after == before:
        return before
    if await tx.nodes.has_children(name, on=end_date):
        raise NodeHasChildren("nodes below it are still in force", node=name)
    await tx.nodes.save(after)
    tx.facts.node_changed(after, at=now)
    return after


async def _placed(venue: Venue, tx: Transaction, *, now: datetime) -> Venue:
    try:
        node = await tx.nodes.get(venue.node)
    except NodeNotFound as refusal:
        raise VenueNodeUnknown(
            "the venue's node is not in the tree",
            violations=[FieldViolation("venue.node", f"no node {venue.node}")],
        ) from refusal
    if not node.validity.holds_on(now.astimezone(LOCAL).date()):
        raise NodeEnded("the node is not in force today", node=node.name)
    along = await tx.nodes.along(node.path)
    district = district_of([along[name] for name in node.path if name in along])
    return dataclasses.replace(venue, node_path=node.path, district=district)


async def create_venue(venue: Venue, tx: Transaction, *, now: datetime) -> Venue:
    """Add a venue to its node, and announce it."""
    new = await _placed(venue, tx, now=now)
    await tx.venues.add(new)
    tx.facts.venue_changed(new, at=now)
    return new


async def update_venue(
    name: str, change: Callable[[Venue], Venue], tx: Transaction, *, now: datetime
) -> Venue:
    """Apply `change` to the venue, and announce it; nothing is announced when it changes nothing."""
    before = await tx.venues.get(name, lock=True)
    after = await _placed(change(before), tx, now=now)
    if after == before:
        return before
    saved = dataclasses.replace(after, version=before.version + 1)
    await tx.venues.save(saved)
    tx.facts.venue_changed(saved, at=now)
    return saved
