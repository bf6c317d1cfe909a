"""Webhooks: who may have what sent to them, and the sending itself."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from libs.auth.principal import Principal, Role
from libs.errors import FieldViolation, InvalidInput, NotAllowed
from libs.messaging.topics import topics
from services.feeds.domain.webhook import (
    Webhook,
    WebhookNotFound,
    WebhookState,
)
from services.feeds.ports import Transaction

_PARTNERS = frozenset({Role.CONSUMER, Role.CITY_COORDINATOR})
_EVERYTHING = frozenset({Role.ADMIN, Role.SERVICE})

Check = Callable[[str], Awaitable[None]]


class UnknownFactTopic(InvalidInput):
    """A topic that is not in the contract."""


class TopicNotGranted(NotAllowed):
    """The caller may not read this topic, so it is not sent to them either."""


class TargetRefused(InvalidInput):
    """An address that facts are not sent to: not on the public network, or without TLS."""


def readable(principal: Principal) -> frozenset[str]:
    """Topics that `principal` may read: what is for anybody, what was granted to partners, or all."""
    groups = {"anybody"}
    if principal.roles & (_PARTNERS | _EVERYTHING):
        groups.add("partners")
    if principal.roles & _EVERYTHING:
        groups.add("internal")
    return frozenset(topic.name for topic in topics().values() if groups & set(topic.readers))


def require_readable(wanted: Sequence[str], principal: Principal) -> None:
    """Let `principal` have all of `wanted`.

    Raises:
        UnknownFactTopic: one is not in the contract.
        TopicNotGranted: one is not for this principal.
    """
    granted = readable(principal)
    for at, topic in enumerate(wanted):
        if topic not in topics():
            raise UnknownFactTopic(
                "there is no such topic; docs/facts.md lists them",
                violations=[FieldViolation(f"webhook.topics[{at}]", "no such topic")],
                topic=topic,
            )
        if topic not in granted:
            raise TopicNotGranted("you may not read this topic", topic=topic)


async def create(
    webhook: Webhook, principal: Principal, tx: Transaction, *, secret: str, check: Check
) -> Webhook:
    """Store it.

    Raises:
        UnknownFactTopic, TopicNotGranted: see `require_readable`.
        TargetRefused: see the receiver's check.
    """
    require_readable(webhook.topics, principal)
    await check(webhook.url)
    await tx.webhooks.add(webhook, secret=secret)
    return webhook


async def owned(name: str, principal: Principal, tx: Transaction) -> Webhook:
    """The webhook, if it is the caller's (an administrator's are all).

    Raises:
        WebhookNotFound: it is not.
    """
    webhook = await tx.webhooks.get(name)
    if webhook.owner != principal.subject and Role.ADMIN not in principal.roles:
        raise WebhookNotFound("no such webhook", webhook=name)
    return webhook


async def set_state(
    name: str, state: WebhookState, principal: Principal, tx: Transaction
) -> Webhook:
    """Pause or resume; doing it twice is doing it once.

    Raises:
        WebhookNotFound: see `owned`.
        TopicNotGranted: it is resumed by somebody who may not read one of its topics any more.
    """
    webhook = await owned(name, principal, tx)
    if state is WebhookState.ACTIVE:
        require_readable(webhook.topics, principal)
    if webhook.state is not state:
        await tx.webhooks.set_state(name, state)
    return await tx.webhooks.get(name)


async def replay(
    name: str,
    principal: Principal,
    tx: Transaction,
    *,
    since: datetime | None,
    failed_only: bool,
    now: datetime,
) -> int:
    """Let deliveries that have ended wait again; gives how many.

    Raises:
        WebhookNotFound: see `owned`.
    """
    await owned(name, principal, tx)
    return await tx.webhooks.replay(name, since=since, failed_only=failed_only, now=now)
