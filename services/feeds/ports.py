"""What the handlers need from outside: one transaction with everything in it, and receivers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from services.feeds.domain.calendar import Calendar, Entry
from services.feeds.domain.webhook import Answer, Delivery, Webhook, WebhookState


class Webhooks(Protocol):
    """Webhooks with their secrets and deliveries."""

    async def add(self, webhook: Webhook, *, secret: str) -> None:
        """Store a new webhook."""

    async def get(self, name: str) -> Webhook:
        """The webhook; locked until the transaction ends.

        Raises:
            WebhookNotFound: there is none of this name.
        """

    async def page(self, *, owner: str | None, after: str | None, size: int) -> Sequence[Webhook]:
        """Up to `size` by name; None: of all owners."""

    async def set_state(self, name: str, state: WebhookState, *, notice: str = "") -> None:
        """Let it stand so from now on."""

    async def set_secret(self, name: str, secret: str, *, now: datetime) -> None:
        """A new secret; the one before stays good for a day."""

    async def remove(self, name: str) -> None:
        """Forget it and its deliveries."""

    async def deliveries(
        self, name: str, *, state: str, before: int | None, size: int
    ) -> Sequence[tuple[int, Delivery]]:
        """Up to `size`, latest first, with their numbers; '' for every state."""

    async def replay(
        self, name: str, *, since: datetime | None, failed_only: bool, now: datetime
    ) -> int:
        """Let ended deliveries wait again; gives how many."""


class Calendars(Protocol):
    """Calendars, and the events they show."""

    async def add(self, calendar: Calendar, *, token_hash: bytes) -> None:
        """Store a new calendar."""

    async def get(self, name: str) -> Calendar:
        """The calendar.

        Raises:
            CalendarNotFound: there is none of this name.
        """

    async def page(self, *, owner: str, after: str | None, size: int) -> Sequence[Calendar]:
        """Up to `size` of the owner's, by name."""

    async def set_token(self, name: str, token_hash: bytes) -> None:
        """Only this token opens it from now on."""

    async def remove(self, name: str) -> None:
        """Forget it."""

    async def opened_by(self, token_hash: bytes) -> Calendar:
        """The calendar that the token opens.

        Raises:
            CalendarNotFound: none.
        """

    async def node_path(self, venue: str) -> list[str]:
        """The venue's node and all above it.

        Raises:
            SubjectNotFound: no such venue has been announced.
        """

    async def display_name(self, subject: str) -> str:
        """What people call an expert or venue; '' when unknown."""

    async def entries(self, subject: str, *, since: datetime) -> Sequence[Entry]:
        """What ends at or after `since`, by start."""


class Transaction(Protocol):
    """Everything in one transaction."""

    @property
    def webhooks(self) -> Webhooks:
        """Webhooks."""

    @property
    def calendars(self) -> Calendars:
        """Calendars."""


class Receiver(Protocol):
    """Whoever stands behind an address."""

    async def send(self, url: str, *, body: bytes, headers: dict[str, str]) -> Answer:
        """What came of one attempt; never raises for what a receiver can do."""
