"""The one place that makes ids: sortable by the time they were made, so that indexes stay dense and logs readable."""

import secrets
import threading
import time
import uuid

_BASE32 = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's, in lower case: no i, l, o, u to misread
_last_lock = threading.Lock()
_last_at = 0


def new_uuid() -> uuid.UUID:
    """A UUID of version 7 (RFC 9562): milliseconds since 1970, then 12 bits of sub-millisecond order, then chance.

    Ids made by one process sort in the order they were made, even when the clock steps back.
    """
    global _last_at
    at = (
        time.time_ns() << 12
    ) // 1_000_000  # milliseconds in the high bits, 1/4096 ms in the low twelve
    with _last_lock:
        at = _last_at = max(at, _last_at + 1)
    value = (at >> 12) << 80 | 0x7 << 76 | (at & 0xFFF) << 64 | 0b10 << 62 | secrets.randbits(62)
    return uuid.UUID(int=value)


def new_id(prefix: str) -> str:
    """A new id such as `exp-01k9…`: `prefix`, a hyphen and 26 characters that sort by time; a valid resource id (AIP-122)."""
    value = new_uuid().int
    return f"{prefix}-" + "".join(_BASE32[value >> shift & 31] for shift in range(125, -1, -5))
