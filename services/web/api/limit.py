"""How often one session may call: a bucket that fills evenly, so that one page in a loop does not starve the others."""

from collections import OrderedDict
from collections.abc import Callable

SESSIONS_MAX = 10_000
"""Buckets kept; the longest unused one goes first."""


class RateLimit:
    """A bucket of tokens for each caller."""

    def __init__(self, *, per_minute: int, monotonic_s: Callable[[], float]) -> None:
        """Fill `per_minute` tokens evenly; a fifth of them may be taken at once."""
        self._per_s = per_minute / 60
        self._size = max(1.0, per_minute / 5)
        self._now_s = monotonic_s
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, caller: str) -> float:
        """0 and a token less where `caller` may go on; otherwise seconds until there is one."""
        now = self._now_s()
        left, since = self._buckets.pop(caller, (self._size, now))
        left = min(self._size, left + (now - since) * self._per_s)
        wait = 0.0 if left >= 1 else (1 - left) / self._per_s
        self._buckets[caller] = (left if wait else left - 1, now)
        if len(self._buckets) > SESSIONS_MAX:
            self._buckets.popitem(last=False)
        return wait
