"""A clock that goes only when told."""

from datetime import UTC, datetime, timedelta


class FixedClock:
    """Gives the same instant until it is moved; a `libs.clock.Clock`."""

    def __init__(self, at: datetime = datetime(2026, 9, 7, 1, 0, tzinfo=UTC)) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def advance(self, by: timedelta) -> None:
        self.at += by
