"""`zhihui webhook`: have facts sent to an address, for those without Kafka."""

from datetime import UTC
from typing import Annotated, Any

import typer
from rich.markup import escape
from zhihui.feeds.v1 import feeds_pb2 as pb
from zhihui.feeds.v1 import feeds_pb2_grpc as pb_grpc

from libs.clock import system_clock
from libs.sheets import cells
from services.cli.session import Name, Session, call_id, full_name, listed, word
from services.cli.watch import since_of

app = typer.Typer(no_args_is_help=True, help="网络钩子 · webhooks")


def _call(session: Session, act: Any) -> Any:
    return session.call("feeds", pb_grpc.FeedsServiceStub, act)


def _tell(session: Session, webhook: pb.Webhook, *, secret: str = "") -> None:
    def say() -> None:
        session.answer.say(
            escape(
                f"{webhook.name}  {word(webhook, 'state')}  {webhook.url}  {', '.join(webhook.topics)}  "
                f"等待 waiting {webhook.waiting}  失败 failed {webhook.failed}"
            )
        )
        if webhook.notice:
            session.answer.say(escape(webhook.notice), style="yellow")
        if secret:
            session.answer.say(
                f"密钥（只显示这一次）· secret, shown this once: {secret}", style="bold"
            )

    if session.answer.as_json and secret:
        session.answer.line({"name": webhook.name, "secret": secret})
        return
    session.answer.value(webhook, say=say)


@app.command("create")
def create(
    context: typer.Context,
    url: Annotated[str, typer.Argument(help="https://…")],
    topic: Annotated[list[str], typer.Argument(help="主题，见 docs/facts.md · topics")],
) -> None:
    """Have the facts of topics sent to an address; shows the secret that signs them."""
    ask = pb.CreateWebhookRequest(webhook=pb.Webhook(url=url, topics=topic))
    made = _call(context.obj, lambda stub: stub.CreateWebhook(ask))
    _tell(context.obj, made.webhook, secret=made.secret)


@app.command("list")
def list_webhooks(context: typer.Context) -> None:
    """Your webhooks, with what waits and what failed."""

    async def act(stub: Any) -> Any:
        found, _ = await listed(
            lambda token: stub.ListWebhooks(pb.ListWebhooksRequest(page_token=token)),
            field="webhooks",
            at_most=1000,
        )
        return found

    for one in _call(context.obj, act):
        _tell(context.obj, one)


@app.command("pause")
def pause(context: typer.Context, name: Name) -> None:
    """Send nothing until it is resumed; what comes meanwhile is kept."""
    ask = pb.PauseWebhookRequest(name=full_name("webhooks", name), request_id=call_id())
    _tell(context.obj, _call(context.obj, lambda stub: stub.PauseWebhook(ask)).webhook)


@app.command("resume")
def resume(context: typer.Context, name: Name) -> None:
    """Send again, also after it was disabled."""
    ask = pb.ResumeWebhookRequest(name=full_name("webhooks", name), request_id=call_id())
    _tell(context.obj, _call(context.obj, lambda stub: stub.ResumeWebhook(ask)).webhook)


@app.command("rotate")
def rotate(context: typer.Context, name: Name) -> None:
    """A new secret; the old one is good for another day."""
    ask = pb.RotateWebhookSecretRequest(name=full_name("webhooks", name))
    made = _call(context.obj, lambda stub: stub.RotateWebhookSecret(ask))
    _tell(context.obj, made.webhook, secret=made.secret)


@app.command("delete")
def delete(context: typer.Context, name: Name) -> None:
    """End it, and forget its deliveries."""
    ask = pb.DeleteWebhookRequest(name=full_name("webhooks", name), request_id=call_id())
    session: Session = context.obj
    answer = _call(session, lambda stub: stub.DeleteWebhook(ask))
    session.answer.value(answer, say=lambda: session.answer.say("已删除 · deleted"))


@app.command("deliveries")
def deliveries(
    context: typer.Context,
    name: Name,
    *,
    failed: Annotated[bool, typer.Option(help="只看失败的 · only those given up")] = False,
    limit: Annotated[int, typer.Option(min=1, help="最多 · at most")] = 50,
) -> None:
    """What was sent, latest first, with the last answer."""
    session: Session = context.obj
    state = pb.Delivery.STATE_FAILED if failed else pb.Delivery.STATE_UNSPECIFIED

    async def act(stub: Any) -> Any:
        return await listed(
            lambda token: stub.ListDeliveries(
                pb.ListDeliveriesRequest(
                    webhook=full_name("webhooks", name), state=state, page_token=token
                )
            ),
            field="deliveries",
            at_most=limit,
        )

    found, _ = _call(session, act)
    for one in found:
        at = cells.local(one.create_time.ToDatetime(UTC))

        def say(one: pb.Delivery = one, at: str = at) -> None:
            session.answer.say(
                escape(
                    f"{at}  {word(one, 'state')}  {one.type}  {one.key}  {one.message_id}  "
                    f"第 {one.attempts} 次 attempts  {one.last_status or ''} {one.last_error}".rstrip()
                )
            )

        session.answer.value(one, say=say)


@app.command("replay")
def replay(
    context: typer.Context,
    name: Name,
    *,
    since: Annotated[
        str, typer.Option(help="start、2h 或时刻 · start, 2h or an instant")
    ] = "start",
    failed: Annotated[bool, typer.Option(help="只重放失败的 · only those given up")] = False,
) -> None:
    """Send deliveries again, with the same message ids."""
    session: Session = context.obj
    _, moment = session.read("since", lambda: since_of(since, now=system_clock()))
    ask = pb.ReplayDeliveriesRequest(
        webhook=full_name("webhooks", name), failed_only=failed, request_id=call_id()
    )
    if moment is not None:
        ask.since.FromDatetime(moment)
    answer = _call(session, lambda stub: stub.ReplayDeliveries(ask))
    session.answer.value(
        answer, say=lambda: session.answer.say(f"{answer.count} 条等待重发 · wait to be sent again")
    )
