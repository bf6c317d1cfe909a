"""What benchmarks say of many measurements."""

from collections.abc import Sequence


def spread(took_ms: Sequence[float]) -> dict[str, float]:
    """Median (the upper one of two), 95th of a hundred and longest of at least one, to a tenth of a millisecond."""
    found = sorted(took_ms)
    return {
        "p50_ms": round(found[len(found) // 2], 1),
        "p95_ms": round(found[int(0.95 * len(found))], 1),
        "max_ms": round(found[-1], 1),
    }
