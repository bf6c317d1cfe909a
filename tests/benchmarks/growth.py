"""How time and memory grow with a round's size: `python -m tests.benchmarks.growth 200x211 400x150 1000x400 3000x1000 --seconds 180`.

Each size is solved in a process of its own until the proven gap of need is 1 % or the seconds are over. Prints time to 1 %, last gap, peak
memory and the fitted exponent of time over requests; writes growth.svg (time and memory) and curves.svg (incumbent and bound as they
move) into `--folder`.
"""

import argparse
import math
import multiprocessing
import resource
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from services.scheduling.optimizer.problem import Stage
from services.scheduling.optimizer.solve import solve
from services.scheduling.optimizer.stop import Stop
from tests.benchmarks.rounds import round_problem

GAP = 0.01
WIDTH, HEIGHT, EDGE = 640, 320, 56
COLOURS = ("#0b6e4f", "#c2410c", "#1d4ed8", "#7e22ce", "#525252")


def measured(requests: int, experts: int, seconds: float, seed: int) -> dict[str, Any]:
    """`curve` of (seconds, incumbent, bound), `reached_s` or None, `gap`, peak `memory_mb`."""
    problem = round_problem(requests, experts, seed=seed)
    curve: list[tuple[float, int, int | None]] = []

    def observe(now: Any, _plan: Any) -> None:
        if now.stage is Stage.NEED:
            curve.append((now.elapsed_s, now.incumbent, now.bound))

    def close() -> bool:
        return bool(curve) and gap_of(curve[-1]) <= GAP

    result = solve(problem, seed=seed, stop=Stop(seconds=seconds, asked=close), observe=observe)
    need = next(stage for stage in result.stages if stage.stage is Stage.NEED)
    reached = next((point[0] for point in curve if gap_of(point) <= GAP), None)
    return {
        "requests": requests,
        "experts": experts,
        "curve": curve,
        "reached_s": reached,
        "gap": need.gap,
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def gap_of(point: tuple[float, int, int | None]) -> float:
    _, incumbent, bound = point
    return 1.0 if not bound else (bound - incumbent) / bound


def said(value: float) -> str:
    """A number beside an axis."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def exponent(points: Sequence[tuple[float, float]]) -> float | None:
    """Slope of the least squares line through the logarithms; None for fewer than two points."""
    if len(points) < 2:
        return None
    xs, ys = [math.log(x) for x, _ in points], [math.log(y) for _, y in points]
    mx, my = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((x - mx) * (y - my) for x, y in zip(xs, ys, strict=True)) / sum(
        (x - mx) ** 2 for x in xs
    )


def chart(
    title: str,
    lines: Sequence[tuple[str, Sequence[tuple[float, float]], bool]],
    x_name: str,
    y_name: str,
    *,
    log: bool,
    top: int,
) -> str:
    """One panel at height `top`: lines of (name, points, dashed)."""
    points = [point for _, line, _ in lines for point in line]
    if not points:
        return f'<text x="{EDGE}" y="{top + 30}">{title}: –</text>'
    scale = math.log10 if log else float
    xs, ys = [scale(x) for x, _ in points], [scale(y) for _, y in points]
    x_low, x_high, y_low, y_high = min(xs), max(xs), min(ys), max(ys)
    x_span, y_span = x_high - x_low or 1.0, y_high - y_low or 1.0

    def at(x: float, y: float) -> str:
        px = EDGE + (scale(x) - x_low) / x_span * (WIDTH - 2 * EDGE)
        py = top + HEIGHT - EDGE - (scale(y) - y_low) / y_span * (HEIGHT - 2 * EDGE)
        return f"{px:.1f},{py:.1f}"

    bottom, right = top + HEIGHT - EDGE, WIDTH - EDGE
    parts = [
        f'<text x="{EDGE}" y="{top + 24}" font-weight="bold">{title}</text>',
        f'<path d="M{EDGE},{top + EDGE}V{bottom}H{right}" fill="none" stroke="#999"/>',
        f'<text x="{right}" y="{bottom + 34}" text-anchor="end">{x_name}</text>',
        f'<text x="{EDGE}" y="{top + 44}">{y_name}</text>',
        f'<text x="{EDGE}" y="{bottom + 16}">{min(x for x, _ in points):g}</text>',
        f'<text x="{right}" y="{bottom + 16}" text-anchor="end">{max(x for x, _ in points):g}</text>',
        f'<text x="{EDGE - 6}" y="{bottom}" text-anchor="end">{said(min(y for _, y in points))}</text>',
        f'<text x="{EDGE - 6}" y="{top + EDGE + 10}" text-anchor="end">{said(max(y for _, y in points))}</text>',
    ]
    for number, (name, line, dashed) in enumerate(lines):
        colour = COLOURS[number % len(COLOURS)]
        dash = ' stroke-dasharray="5 3"' if dashed else ""
        path = " ".join(at(x, y) for x, y in line)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}"{dash}/>')
        parts += [
            f'<circle cx="{p.partition(",")[0]}" cy="{p.partition(",")[2]}" r="2" fill="{colour}"/>'
            for p in path.split()
        ]
        parts.append(
            f'<text x="{right}" y="{top + EDGE + 16 * number}" text-anchor="end" fill="{colour}">{name}</text>'
        )
    return "\n".join(parts)


def svg(panels: Sequence[str]) -> str:
    height = HEIGHT * len(panels)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="12">\n'
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>\n'
        + "\n".join(panels)
        + "\n</svg>\n"
    )


def main() -> None:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", default=["200x211", "400x150", "1000x400"])
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path("docs"))
    asked = parser.parse_args()
    results = []
    sys.stdout.write(
        "| requests × experts | 1 % after s | gap at the end | peak MB |\n|---|---|---|---|\n"
    )
    for size in asked.sizes:
        requests, experts = map(int, size.split("x"))
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            one = pool.apply(measured, (requests, experts, asked.seconds, asked.seed))
        results.append(one)
        reached = "not reached" if one["reached_s"] is None else f"{one['reached_s']:.1f}"
        gap = "–" if one["gap"] is None else f"{one['gap']:.2%}"
        sys.stdout.write(
            f"| {requests} × {experts} | {reached} | {gap} | {one['memory_mb']:.0f} |\n"
        )
        sys.stdout.flush()
    times = [
        (r["requests"], max(r["reached_s"], 0.01)) for r in results if r["reached_s"] is not None
    ]
    fitted = exponent(times)
    sys.stdout.write(
        "exponent of time to 1 %: "
        + ("too few points" if fitted is None else f"{fitted:.2f}")
        + "\n"
    )
    memory = [(r["requests"], r["memory_mb"]) for r in results]
    (asked.folder / "growth.svg").write_text(
        svg(
            [
                chart("Time to 1 % gap", [("s", times, False)], "requests", "s", log=True, top=0),
                chart(
                    "Peak memory", [("MB", memory, False)], "requests", "MB", log=True, top=HEIGHT
                ),
            ]
        )
    )
    (asked.folder / "curves.svg").write_text(
        svg(
            [
                chart(
                    f"{r['requests']} × {r['experts']}: need",
                    [
                        ("plan", [(t, v) for t, v, _ in r["curve"]], False),
                        ("bound", [(t, b) for t, _, b in r["curve"] if b], True),
                    ],
                    "s",
                    "need",
                    log=False,
                    top=HEIGHT * i,
                )
                for i, r in enumerate(results)
            ]
        )
    )


if __name__ == "__main__":
    main()
