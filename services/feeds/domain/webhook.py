"""Webhooks and their deliveries: where they stand, and when the next attempt is due."""

import dataclasses
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from libs.errors import NotFound

WAITS_S = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""After attempt 1, 2, …: three days in all, as Standard Webhooks advises. Then the delivery is given up."""
OLD_SECRET = timedelta(days=1)
"""How long deliveries are signed with the secret before the newest, too."""
DELIVERIES_KEPT = timedelta(days=30)
"""After this a delivery that has ended is forgotten."""


class WebhookState(StrEnum):
    """Where a webhook stands."""

    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    DISABLED = "DISABLED"


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    WAITING = "WAITING"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"


class WebhookNotFound(NotFound):
    """There is no such webhook, or it is somebody else's."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """An address that facts are carried to."""

    name: str
    url: str
    topics: tuple[str, ...]
    owner: str
    state: WebhookState
    create_time: datetime
    notice: str = ""
    waiting: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Delivery:
    """One fact on its way to one webhook."""

    name: str
    message_id: str
    type: str
    topic: str
    key: str
    state: DeliveryState
    attempts: int
    create_time: datetime
    last_status: int = 0
    last_error: str = ""
    next_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one attempt."""

    status: int
    """HTTP status; 0 without an answer."""
    error: str = ""
    """What went wrong, for the owner; empty when the receiver has taken it."""

    @property
    def taken(self) -> bool:
        """Whether the receiver has it."""
        return not self.error

    @property
    def gone(self) -> bool:
        """Whether the receiver says that it will never want anything again."""
        return self.status == 410


def after_attempt(delivery: Delivery, answer: Answer, *, now: datetime) -> Delivery:
    """The delivery after its next attempt ended with `answer`: taken, due again later, or given up."""
    attempts = delivery.attempts + 1
    if answer.taken:
        state, due = DeliveryState.DELIVERED, None
    elif answer.gone or attempts > len(WAITS_S):
        state, due = DeliveryState.FAILED, None
    else:
        state, due = DeliveryState.WAITING, now + timedelta(seconds=WAITS_S[attempts - 1])
    return dataclasses.replace(
        delivery,
        state=state,
        attempts=attempts,
        last_status=answer.status,
        last_error=answer.error,
        next_time=due,
    )


def notice_of(answer: Answer) -> str:
    """Why a webhook is disabled, in both languages."""
    if answer.gone:
        return "接收方回答 410，不再接收；修好后请恢复。 · The receiver answered 410 Gone; resume the webhook once it is back."
    return (
        f"三天内多次投递失败，已停用；最后一次：{answer.error}。修好后请恢复并重放。 · "
        f"Deliveries failed for three days, the last with: {answer.error}. Mend it, resume, and replay."
    )
