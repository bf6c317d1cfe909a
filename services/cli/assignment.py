"""`zhihui assignment`: one expert in one seat of one event."""

from typing import Annotated, Any

import typer
from zhihui.scheduling.v1 import scheduling_pb2 as scheduling

from services.cli import words
from services.cli.answer import REFUSED
from services.cli.round import call
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

app = typer.Typer(no_args_is_help=True, help="指派 · assignments")


@app.command("list")
def list_assignments(
    context: typer.Context,
    *,
    round: Annotated[str, typer.Option(help="轮次 · of this round")] = "",
    expert: Annotated[str, typer.Option(help="专家 · of this expert")] = "",
    state: Annotated[
        list[str] | None, typer.Option(help="状态，可多次：OFFERED … · only these states")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="最多 · at most")] = PAGE_SIZE,
) -> None:
    """Assignments by start."""
    session: Session = context.obj
    states = [_state(session, one) for one in state or []]

    async def act(stub: Any) -> Any:
        return await listed(
            lambda token: stub.ListAssignments(
                scheduling.ListAssignmentsRequest(
                    page_size=min(limit, 1000),
                    page_token=token,
                    round=full_name("rounds", round),
                    expert=full_name("experts", expert),
                    states=states,
                )
            ),
            field="assignments",
            at_most=limit,
        )

    found, more = call(session, act)
    rows = [
        (
            short_name(one.name),
            words.state(one),
            one.expert_display_name,
            words.when(one.period),
            one.title,
        )
        for one in found
    ]
    session.answer.value(
        scheduling.ListAssignmentsResponse(assignments=found),
        say=lambda: session.answer.table(
            f"指派 Assignments（{len(found)}{'+' if more else ''}）",
            ["编号 id", "状态 state", "专家 expert", "时间 when", "标题 title"],
            rows,
        ),
    )


def _state(session: Session, text: str) -> Any:
    states = scheduling.Assignment.State
    try:
        return states.Value(f"STATE_{text.upper()}")
    except ValueError as error:
        known = "、".join(name.removeprefix("STATE_") for name in states.keys()[1:])
        code = session.answer.failed(f"--state: {text}；可选 (one of) {known}", code=REFUSED)
        raise typer.Exit(code) from error


@app.command("show")
def show_assignment(context: typer.Context, name: Name) -> None:
    """One assignment."""
    ask = scheduling.GetAssignmentRequest(name=full_name("assignments", name))
    _tell(context.obj, call(context.obj, lambda stub: stub.GetAssignment(ask)).assignment)


@app.command("accept")
def accept_offer(context: typer.Context, name: Name, *, request_id: RequestId = "") -> None:
    """Say yes for the expert who was asked."""
    ask = scheduling.AcceptOfferRequest(
        assignment=full_name("assignments", name), request_id=call_id(request_id)
    )
    _tell(context.obj, call(context.obj, lambda stub: stub.AcceptOffer(ask)).assignment)


@app.command("decline")
def decline_offer(
    context: typer.Context,
    name: Name,
    *,
    reason: Annotated[str, typer.Option(help="为什么 · why; never announced")] = "",
    request_id: RequestId = "",
) -> None:
    """Say no for the expert who was asked."""
    ask = scheduling.DeclineOfferRequest(
        assignment=full_name("assignments", name), reason=reason, request_id=call_id(request_id)
    )
    _tell(context.obj, call(context.obj, lambda stub: stub.DeclineOffer(ask)).assignment)


def _tell(session: Session, assignment: scheduling.Assignment) -> None:
    session.answer.value(
        assignment,
        say=lambda: session.answer.fields(
            f"{assignment.title}  {words.state(assignment)}",
            [
                ("名称 name", assignment.name),
                ("专家 expert", f"{assignment.expert_display_name}（{assignment.expert}）"),
                ("席位 seat", f"{assignment.seat}（{words.said(assignment, 'role')}）"),
                ("时间 when", words.when(assignment.period)),
                ("场地 venue", assignment.venue),
                ("需求 request", assignment.request),
                ("活动 event", assignment.event),
                ("答复期限 due", words.at(assignment.respond_by_time)),
                ("原因 reason", assignment.reason),
            ],
        ),
    )
