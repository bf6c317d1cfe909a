"""How long the call being handled may still take: known to the calls made on its behalf."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_ends_at: ContextVar[float | None] = ContextVar("ends_at", default=None)


def time_left_s() -> float | None:
    """Seconds the call being handled may still take, 0 or more; None outside of one."""
    ends_at = _ends_at.get()
    return None if ends_at is None else max(0.0, ends_at - time.monotonic())


@contextmanager
def ends_in(seconds: float) -> Iterator[None]:
    """Let the block, and calls made in it, take `seconds`; somebody else sees to it that they do not take more."""
    token = _ends_at.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _ends_at.reset(token)
