"""`zhihui pool`: the corps that own experts, and the agreements by which others may use them."""

from typing import Annotated, Any

import typer
from zhihui.common.v1 import common_pb2 as common
from zhihui.experts.v1 import experts_pb2 as experts
from zhihui.experts.v1 import experts_pb2_grpc as experts_grpc

from libs.sheets import cells
from services.cli.session import (
    PAGE_SIZE,
    Name,
    RequestId,
    Session,
    call_id,
    full_name,
    listed,
    short_name,
)

app = typer.Typer(no_args_is_help=True, help="队伍 · pools")


def _call(session: Session, act: Any) -> Any:
    return session.call("experts", experts_grpc.ExpertsServiceStub, act)


@app.command("add")
def add_pool(
    context: typer.Context,
    name: Name,
    *,
    called: Annotated[str, typer.Option("--title", help="名称 · name")],
    owner: Annotated[str, typer.Option(help="所属节点 · node it belongs to")],
    request_id: RequestId = "",
) -> None:
    """Add a pool."""
    ask = experts.CreatePoolRequest(
        pool_id=short_name(name),
        pool=experts.Pool(display_name=called, owner=full_name("nodes", owner)),
        request_id=call_id(request_id),
    )
    _tell(context.obj, _call(context.obj, lambda stub: stub.CreatePool(ask)).pool)


@app.command("list")
def list_pools(
    context: typer.Context,
    *,
    owner: Annotated[str, typer.Option(help="所属节点 · of this node")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, help="最多 · at most")] = PAGE_SIZE,
) -> None:
    """Pools by name."""
    session: Session = context.obj

    async def act(stub: Any) -> Any:
        return await listed(
            lambda token: stub.ListPools(
                experts.ListPoolsRequest(
                    page_size=min(limit, 1000), page_token=token, owner=full_name("nodes", owner)
                )
            ),
            field="pools",
            at_most=limit,
        )

    found, more = _call(session, act)
    rows = [
        (short_name(one.name), one.display_name, one.owner, len(one.agreements)) for one in found
    ]
    session.answer.value(
        experts.ListPoolsResponse(pools=found),
        say=lambda: session.answer.table(
            f"队伍 Pools（{len(found)}{'+' if more else ''}）",
            ["编号 id", "队伍 pool", "所属 owner", "共享 shared"],
            rows,
        ),
    )


@app.command("show")
def show_pool(context: typer.Context, name: Name) -> None:
    """One pool with its agreements."""
    ask = experts.GetPoolRequest(name=full_name("pools", name))
    _tell(context.obj, _call(context.obj, lambda stub: stub.GetPool(ask)).pool)


@app.command("share")
def share_pool(
    context: typer.Context,
    name: Name,
    *,
    node: Annotated[str, typer.Option(help="谁可以用 · who may use it")],
    quota: Annotated[int, typer.Option(min=1, max=10000, help="次数 · engagements in the term")],
    since: Annotated[str, typer.Option(help="从哪天起 · from this day")],
    until: Annotated[str, typer.Option(help="到哪天止（不含） · before this day")] = "",
    agreement_id: Annotated[str, typer.Option("--id", help="编号 · id to use")] = "",
    request_id: RequestId = "",
) -> None:
    """Let a node, and all below it, use a pool that is not its own."""
    session: Session = context.obj
    term = common.DatePeriod(
        start_date=session.read("since", lambda: cells.day(since)).isoformat(),
        end_date=session.read("until", lambda: cells.day(until)).isoformat() if until else "",
    )
    ask = experts.CreateSharingAgreementRequest(
        parent=full_name("pools", name),
        agreement_id=agreement_id,
        agreement=experts.SharingAgreement(node=full_name("nodes", node), quota=quota, term=term),
        request_id=call_id(request_id),
    )
    _tell(session, _call(session, lambda stub: stub.CreateSharingAgreement(ask)).pool)


@app.command("end-share")
def end_share(
    context: typer.Context,
    agreement: Annotated[str, typer.Argument(help="pools/…/agreements/…")],
    *,
    on: Annotated[str, typer.Option(help="不再有效的第一天 · first day it no longer holds")],
    request_id: RequestId = "",
) -> None:
    """End a sharing agreement on a day."""
    session: Session = context.obj
    last = session.read("on", lambda: cells.day(on))
    ask = experts.EndSharingAgreementRequest(
        name=agreement, end_date=last.isoformat(), request_id=call_id(request_id)
    )
    _tell(session, _call(session, lambda stub: stub.EndSharingAgreement(ask)).pool)


def _tell(session: Session, pool: experts.Pool) -> None:
    shared = [
        f"{short_name(one.name)}：{one.node} {one.quota} 次 {one.term.start_date}~{one.term.end_date}"
        for one in pool.agreements
    ]
    session.answer.value(
        pool,
        say=lambda: session.answer.fields(
            pool.display_name,
            [
                ("名称 name", pool.name),
                ("所属 owner", pool.owner),
                ("共享 shared", "\n".join(shared)),
            ],
        ),
    )
