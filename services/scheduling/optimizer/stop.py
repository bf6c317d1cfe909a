"""When a solve ends: by iterations (then the same inputs and seed give the same plan), by seconds, or because somebody says so."""

import time
from collections.abc import Callable


class Stop:
    """Asked by the solver again and again; also its stopwatch."""

    def __init__(
        self,
        *,
        seconds: float | None = None,
        iterations: int | None = None,
        asked: Callable[[], bool] = lambda: False,
    ) -> None:
        """`seconds` of wall clock and `iterations` of search, whichever comes first; None: no such limit.

        Raises:
            ValueError: there is no limit at all.
        """
        if seconds is None and iterations is None:
            raise ValueError("say seconds or iterations")
        self._started_s = time.monotonic()
        self._seconds = seconds
        self._iterations = iterations
        self._asked = asked

    def elapsed_s(self) -> float:
        """Seconds since it was made."""
        return time.monotonic() - self._started_s

    def now(self, iteration: int, *, share: float = 1.0) -> bool:
        """Whether to end before `iteration` (from 0); with `share`, when that part of the limits is used up."""
        if self._asked():
            return True
        if self._iterations is not None and iteration >= self._iterations * share:
            return True
        return self._seconds is not None and self.elapsed_s() >= self._seconds * share
