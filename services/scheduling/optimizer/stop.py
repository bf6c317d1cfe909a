"""When a solve ends: by iterations (then the same inputs and seed give the same plan), by seconds, or because somebody says so."""

import math
import time
from collections.abc import Callable


def seconds_of(text: str) -> float:
    """Seconds that somebody has typed, and that end: NaN and infinity never come.

    Raises:
        ValueError: it is no such number.
    """
    seconds = float(text)
    if not math.isfinite(seconds):
        raise ValueError(text)
    return seconds


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

    def left_s(self) -> float:
        """Seconds of the wall clock that are left; without end where it does not limit."""
        return math.inf if self._seconds is None else self._seconds - self.elapsed_s()

    @property
    def by_clock(self) -> bool:
        """Whether seconds limit it: then two runs may end differently."""
        return self._seconds is not None

    def used(self, iteration: int) -> float:
        """The part of the limits that is used up before `iteration`, 0 to 1."""
        parts = [0.0]
        if self._iterations is not None:
            parts.append(iteration / max(1, self._iterations))
        if self._seconds is not None:
            parts.append(self.elapsed_s() / max(1e-9, self._seconds))
        return min(1.0, max(parts))

    def left(self, iteration: int, most: int) -> int:
        """How many iterations to go on for before asking again, at most `most`."""
        return most if self._iterations is None else min(most, self._iterations - iteration)

    def chunk(self, parts: int, most: int) -> int:
        """Iterations to begin with; without a clock always so many, a `parts`-th of them all."""
        if self._seconds is not None or self._iterations is None:
            return min(50, most)
        return max(1, min(most, self._iterations // parts))
