"""`zhihui node` and `zhihui venue`: the tree of organisations, and the places of its nodes."""

from typing import Annotated, Any

import typer
from zhihui.common.v1 import common_pb2 as common
from zhihui.events.v1 import events_pb2 as events
from zhihui.events.v1 import events_pb2_grpc as events_grpc

from libs.sheets import cells
from libs.sheets.kinds import KindName
from services.cli import words
from services.cli.fill import filled
from services.cli.session import (
    PAGE_SIZE,
    Name,
    RequestId,
    Session,
    call_id,
    full_name,
    listed,
    short_name,
    word,
)

app = typer.Typer(no_args_is_help=True, help="节点 · nodes")
venue_app = typer.Typer(no_args_is_help=True, help="场地 · venues")

KINDS = {
    "市": "CITY",
    "区县": "DISTRICT",
    "功能区": "FUNCTIONAL_ZONE",
    "学会": "SOCIETY",
    "机构": "INSTITUTION",
    "乡镇街道": "TOWN",
    "村": "VILLAGE",
    "社区": "COMMUNITY",
    "学校": "SCHOOL",
    "企业": "ENTERPRISE",
    "党校": "PARTY_SCHOOL",
    "科普基地": "BASE",
}
Limit = Annotated[int, typer.Option("--limit", min=1, help="最多 · at most")]


def _call(session: Session, act: Any) -> Any:
    return session.call("events", events_grpc.EventsServiceStub, act)


def _kind(session: Session, text: str) -> Any:
    word_ = session.read("kind", lambda: cells.choice(text, KINDS))
    return events.NodeKind.Value(f"NODE_KIND_{word_}")


@app.command("add")
def add_node(
    context: typer.Context,
    name: Name,
    *,
    kind: Annotated[str, typer.Option(help="如 学校、村 · such as SCHOOL, VILLAGE")],
    called: Annotated[str, typer.Option("--title", help="名称 · Chinese name")],
    parent: Annotated[str, typer.Option(help="上级 · the node above")],
    since: Annotated[str, typer.Option(help="从哪天起 · first day")],
    english: Annotated[str, typer.Option(help="英文名 · English name")] = "",
    adcode: Annotated[str, typer.Option(help="行政区划代码 · administrative code")] = "",
    request_id: RequestId = "",
) -> None:
    """Add a node below another."""
    session: Session = context.obj
    first = session.read("since", lambda: cells.day(since))
    ask = events.CreateNodeRequest(
        node_id=name.removeprefix("nodes/"),
        node=events.Node(
            kind=_kind(session, kind),
            display_name=called,
            display_name_en=english,
            parent=full_name("nodes", parent),
            validity=common.DatePeriod(start_date=first.isoformat()),
            adcode=adcode,
        ),
        request_id=call_id(request_id),
    )
    _tell(session, _call(session, lambda stub: stub.CreateNode(ask)).node)


@app.command("end")
def end_node(
    context: typer.Context,
    name: Name,
    *,
    on: Annotated[str, typer.Option(help="不再有效的第一天 · first day it is no longer in force")],
    request_id: RequestId = "",
) -> None:
    """End a node on a day; what is below it must have ended."""
    session: Session = context.obj
    last = session.read("on", lambda: cells.day(on))
    ask = events.EndNodeRequest(
        name=full_name("nodes", name), end_date=last.isoformat(), request_id=call_id(request_id)
    )
    _tell(session, _call(session, lambda stub: stub.EndNode(ask)).node)


@app.command("show")
def show_node(context: typer.Context, name: Name) -> None:
    """One node."""
    ask = events.GetNodeRequest(name=full_name("nodes", name))
    _tell(context.obj, _call(context.obj, lambda stub: stub.GetNode(ask)).node)


@app.command("list")
def list_nodes(
    context: typer.Context,
    *,
    parent: Annotated[str, typer.Option(help="上级 · children of")] = "",
    kind: Annotated[str, typer.Option(help="如 区县 · such as DISTRICT")] = "",
    on: Annotated[str, typer.Option(help="哪一天有效；空为今天 · in force on this day")] = "",
    text: Annotated[str, typer.Option(help="名称含 · name contains")] = "",
    limit: Limit = PAGE_SIZE,
) -> None:
    """Nodes in force on a day."""
    session: Session = context.obj
    wanted = _kind(session, kind) if kind else events.NODE_KIND_UNSPECIFIED
    day = session.read("on", lambda: cells.day(on)).isoformat() if on else ""

    async def act(stub: Any) -> Any:
        return await listed(
            lambda token: stub.ListNodes(
                events.ListNodesRequest(
                    page_size=min(limit, 1000),
                    page_token=token,
                    parent=full_name("nodes", parent),
                    kind=wanted,
                    on_date=day,
                    text=text,
                )
            ),
            field="nodes",
            at_most=limit,
        )

    found, more = _call(session, act)
    rows = [(short_name(one.name), one.display_name, _kind_of(one), one.parent) for one in found]
    session.answer.value(
        events.ListNodesResponse(nodes=found),
        say=lambda: session.answer.table(
            f"节点 Nodes（{len(found)}{'+' if more else ''}）",
            ["编号 id", "节点 node", "类别 kind", "上级 parent"],
            rows,
        ),
    )


def _kind_of(node: events.Node) -> str:
    english = word(node, "kind")
    return next((zh for zh, en in KINDS.items() if en == english), english)


def _tell(session: Session, node: events.Node) -> None:
    session.answer.value(
        node,
        say=lambda: session.answer.fields(
            f"{node.display_name} {node.display_name_en}",
            [
                ("名称 name", node.name),
                ("类别 kind", _kind_of(node)),
                ("上级 above", " ‹ ".join(node.path[1:])),
                ("有效 in force", f"{node.validity.start_date} ~ {node.validity.end_date}"),
                ("代码 code", node.adcode),
                ("人口 population", node.population or ""),
                ("协作 links", "、".join(node.links)),
            ],
        ),
    )


@venue_app.command("add")
def add_venue(
    context: typer.Context,
    name: Name,
    *,
    called: Annotated[str, typer.Option("--title", help="名称 · name")],
    node: Annotated[str, typer.Option(help="所属节点 · its node")],
    point: Annotated[str, typer.Option(help="“29.56, 106.55”，高德坐标加 GCJ02 · where")],
    capacity: Annotated[str, typer.Option(help="容纳人数 · people it holds")],
    group: Annotated[str | None, typer.Option(help="主要服务群体 · the group it serves")] = None,
    facilities: Annotated[str | None, typer.Option(help="设施 · what is there")] = None,
    access: Annotated[str | None, typer.Option(help="如何进入 · how to get in")] = None,
    annual_cap: Annotated[str | None, typer.Option(help="每学年次数 · visits a year")] = None,
    request_id: RequestId = "",
) -> None:
    """Add a venue to a node."""
    session: Session = context.obj
    ask = events.CreateVenueRequest(request_id=call_id(request_id))
    filled(
        session,
        KindName.VENUES,
        ask,
        {
            "id": name.removeprefix("venues/"),
            "display_name": called,
            "node": node,
            "point": point,
            "capacity": capacity,
            "group": group,
            "facilities": facilities,
            "access_notes": access,
            "annual_cap": annual_cap,
        },
    )
    _tell_venue(session, _call(session, lambda stub: stub.CreateVenue(ask)).venue)


@venue_app.command("show")
def show_venue(context: typer.Context, name: Name) -> None:
    """One venue."""
    ask = events.GetVenueRequest(name=full_name("venues", name))
    _tell_venue(context.obj, _call(context.obj, lambda stub: stub.GetVenue(ask)).venue)


@venue_app.command("list")
def list_venues(
    context: typer.Context,
    *,
    text: Annotated[str, typer.Option(help="名称含 · name contains")] = "",
    node: Annotated[str, typer.Option(help="节点及以下 · of this node and below")] = "",
    limit: Limit = PAGE_SIZE,
) -> None:
    """Venues by name."""
    session: Session = context.obj

    async def act(stub: Any) -> Any:
        return await listed(
            lambda token: stub.ListVenues(
                events.ListVenuesRequest(
                    page_size=min(limit, 1000),
                    page_token=token,
                    text=text,
                    node=full_name("nodes", node),
                )
            ),
            field="venues",
            at_most=limit,
        )

    found, more = _call(session, act)
    rows = [
        (short_name(one.name), one.display_name, words.said(one, "group"), one.capacity)
        for one in found
    ]
    session.answer.value(
        events.ListVenuesResponse(venues=found),
        say=lambda: session.answer.table(
            f"场地 Venues（{len(found)}{'+' if more else ''}）",
            ["编号 id", "场地 venue", "群体 group", "容量 holds"],
            rows,
        ),
    )


def _tell_venue(session: Session, venue: events.Venue) -> None:
    session.answer.value(
        venue,
        say=lambda: session.answer.fields(
            venue.display_name,
            [
                ("名称 name", venue.name),
                ("节点 node", " ‹ ".join(venue.node_path) or venue.node),
                ("坐标 point", f"{venue.point.latitude}, {venue.point.longitude}"),
                ("容量 holds", venue.capacity),
                ("群体 group", words.said(venue, "group")),
                ("设施 facilities", "、".join(venue.facilities)),
                ("进入 access", venue.access_notes),
                ("每学年 a year", venue.annual_cap if venue.HasField("annual_cap") else ""),
            ],
        ),
    )
