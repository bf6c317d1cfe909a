"""problem.json and plan.json: what a round looks like at a desk, read strictly and written canonically.

Every dataclass of `problem.py` is an object with exactly its fields (those with a default may be left out), tuples and
sets are lists, enums are their names, everything else is an integer, a boolean or a string.
"""

import dataclasses
import enum
import hashlib
import json
import types
import typing
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from services.scheduling.optimizer.problem import (
    DAY_MIN,
    FORMAT,
    Agreement,
    Approval,
    Budget,
    Cap,
    Expert,
    Limits,
    Naming,
    Pin,
    Plan,
    Policy,
    Pool,
    Problem,
    Promise,
    Request,
    Seat,
    Series,
    Share,
    Window,
)

PLAN_FORMAT = "zhihui.plan/1"
INTEGER_MAX = 2**53
"""Beyond it other JSON readers lose digits."""


class BadProblem(ValueError):
    """What was read is no problem or plan: `path` says where, `message` why."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path
        self.message = message


def canonical_bytes(value: Problem | Plan) -> bytes:
    """The one JSON text of `value`: sorted keys, no spaces, sets in order."""
    return written(FORMAT if isinstance(value, Problem) else PLAN_FORMAT, value)


def written(name: str, value: Any) -> bytes:
    """The one JSON text of a dataclass of this folder, under the format's `name`."""
    document = {"format": name, **_plain(value)}
    return json.dumps(
        document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def input_hash(problem: Problem) -> str:
    """SHA-256 of the canonical bytes, hexadecimal."""
    return hashlib.sha256(canonical_bytes(problem)).hexdigest()


def problem_from(text: bytes) -> Problem:
    """The problem written in `text`.

    Raises:
        BadProblem: it is not JSON, has wrong types, unknown or missing fields, or refers to what does not exist.
    """
    problem: Problem = read(Problem, text, FORMAT)
    for path, message in _faults(problem):
        raise BadProblem(path, message)
    return problem


def plan_from(text: bytes) -> Plan:
    """The plan written in `text`, in order; whether it fits a problem is the referee's question.

    Raises:
        BadProblem: it is not JSON, has wrong types, or unknown or missing fields.
    """
    plan: Plan = read(Plan, text, PLAN_FORMAT)
    return Plan(
        tuple(sorted(plan.assignments)), tuple(sorted(plan.nights)), tuple(sorted(plan.standbys))
    )


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.name
    if isinstance(value, frozenset):
        return sorted(value)
    return [_plain(part) for part in value] if isinstance(value, tuple) else value


def read(kind: Any, text: bytes, name: str) -> Any:
    """The value of dataclass `kind` that `written` wrote under `name`.

    Raises:
        BadProblem: it is not JSON, has wrong types, or unknown or missing fields.
    """
    try:
        document = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise BadProblem("$", f"not JSON: {error}") from error
    if isinstance(document, _Twice):
        raise BadProblem(f"$.{document.name}", "is said twice")
    if not isinstance(document, dict) or document.pop("format", None) != name:
        raise BadProblem("$.format", f"must be {name}")
    return _typed(kind, document, "$")


class _Twice(dict[str, Any]):
    """An object of the text that says the field `name` twice: which of the two counts depends on who reads it."""

    name = ""


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    twice = _Twice(found)
    twice.name = next(
        name for name, count in Counter(name for name, _ in pairs).items() if count > 1
    )
    return twice


def _typed(kind: Any, value: Any, path: str) -> Any:
    origin = typing.get_origin(kind)
    if origin in {tuple, frozenset}:
        if not isinstance(value, list):
            raise BadProblem(path, "must be a list")
        inner = typing.get_args(kind)[0]
        return origin(_typed(inner, part, f"{path}[{i}]") for i, part in enumerate(value))
    if origin is types.UnionType:
        known = next(part for part in typing.get_args(kind) if part is not types.NoneType)
        return None if value is None else _typed(known, value, path)
    if dataclasses.is_dataclass(kind):
        return _object(kind, value, path)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        if not isinstance(value, str) or value not in kind.__members__:
            raise BadProblem(path, f"must be one of {', '.join(kind.__members__)}")
        return kind[value]
    # A boolean is an integer to Python, and not to us.
    if type(value) is not kind:
        raise BadProblem(path, f"must be of type {kind.__name__}")
    if kind is int and abs(value) > INTEGER_MAX:
        raise BadProblem(path, f"must be at most {INTEGER_MAX}")
    if kind is str and any("\ud800" <= letter <= "\udfff" for letter in value):
        raise BadProblem(path, "must be text: half a character is none")
    return value


def _object(kind: Any, value: Any, path: str) -> Any:
    if not isinstance(value, dict):
        raise BadProblem(path, "must be an object")
    if isinstance(value, _Twice):
        raise BadProblem(f"{path}.{value.name}", "is said twice")
    hints = typing.get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    for name in value:
        if name not in fields:
            raise BadProblem(f"{path}.{name}", "no such field")
    for name, field in fields.items():
        if name not in value and field.default is dataclasses.MISSING:
            raise BadProblem(f"{path}.{name}", "is missing")
    return kind(
        **{name: _typed(hints[name], part, f"{path}.{name}") for name, part in value.items()}
    )


INDEX_MAX = 30
"""Audiences, forms and levels are bits of masks."""
MASK_MAX = 2 ** (INDEX_MAX + 1) - 1
COUNT_MAX = 10**6
NUMBER_MAX = 10**6
"""Weights, costs and values: what a bound makes of them, some thousand million times as much, stays exact in 64 bits and can be written."""
DAYS_MAX = 56
_MASK, _INDEX, _COUNT, _NUMBER = (0, MASK_MAX), (0, INDEX_MAX), (0, COUNT_MAX), (0, NUMBER_MAX)
_DAY, _MINUTE = (-COUNT_MAX, COUNT_MAX), (0, DAYS_MAX * DAY_MIN)
RANGES: Mapping[type, Mapping[str, tuple[int, int]]] = {
    Problem: {
        "days": (1, DAYS_MAX),
        "first_weekday": (0, 6),
        "start_step_min": (1, DAY_MIN),
        "topics": _COUNT,
        "districts": _COUNT,
        "nodes": _COUNT,
    },
    Window: {"start": _MINUTE, "end": _MINUTE},
    Approval: {"topic": _COUNT, "audiences": _MASK, "until_day": _DAY},
    Limits: {
        "per_day_max": _COUNT,
        "per_week_max": _COUNT,
        "per_round_max": _COUNT,
        "travel_min_per_day_max": _COUNT,
        "nights_max": _COUNT,
        "rest_days_per_week": (0, 7),
        "earliest": (0, DAY_MIN),
        "latest": (0, DAY_MIN),
    },
    Expert: {
        "audiences": _MASK,
        "forms": _MASK,
        "levels": _MASK,
        "clearance_until_day": _DAY,
        "standby_max": _COUNT,
        "cost": _NUMBER,
        "engaged_before_round": _COUNT,
    },
    Agreement: {"node": _COUNT, "quota": _COUNT, "until_day": _DAY},
    Pool: {"from_day": _DAY, "until_day": _DAY},
    Seat: {"roles": _MASK, "proficiency_min": (0, 3), "value": _NUMBER},
    Request: {
        "audience": _INDEX,
        "form": _INDEX,
        "level": _INDEX,
        "weight": _NUMBER,
        "emergency": _COUNT,
        "duration_min": (1, DAY_MIN),
        "ready_at": (-COUNT_MAX, COUNT_MAX),
        "standbys": _COUNT,
    },
    Pin: {"start": (-1, DAYS_MAX * DAY_MIN)},
    Promise: {"cost_change": _NUMBER, "cost_drop": _NUMBER},
    Cap: {"served_max": _COUNT},
    Budget: {"cost_max": (0, INTEGER_MAX)},
    Series: {"spacing_days": _COUNT, "continuity": _NUMBER},
    Share: {"target": (1, INTEGER_MAX), "carried": (0, INTEGER_MAX // 1000)},
    Policy: {
        "fit_proficiency": _NUMBER,
        "fit_on_site": _NUMBER,
        "prefer_named": _NUMBER,
        "night_as_travel_min": _COUNT,
    },
}
"""Smallest and largest value of every integer that is no index of something else in the file."""


def _out_of_range(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """What lies outside of `RANGES`, anywhere in a dataclass of `problem.py`."""
    for name, (low, high) in RANGES.get(type(value), {}).items():
        if not low <= getattr(value, name) <= high:
            yield f"{path}.{name}", f"must be {low} to {high}"
    for field in dataclasses.fields(value):
        inner = getattr(value, field.name)
        if dataclasses.is_dataclass(inner):
            yield from _out_of_range(inner, f"{path}.{field.name}")
        elif isinstance(inner, tuple) and inner and dataclasses.is_dataclass(inner[0]):
            for i, part in enumerate(inner):
                yield from _out_of_range(part, f"{path}.{field.name}[{i}]")


def _faults(problem: Problem) -> Iterator[tuple[str, str]]:
    """What no type can say: ranges, sizes and references, in an order in which each may rely on those before."""
    yield from _out_of_range(problem, "$")
    yield from _places(problem)
    yield from _experts(problem)
    yield from _requests(problem)
    yield from _decisions(problem)


def _places(problem: Problem) -> Iterator[tuple[str, str]]:
    places = len(problem.travel_min)
    for a, row in enumerate(problem.travel_min):
        if len(row) != places or min(row) < 0 or max(row) > COUNT_MAX or row[a] != 0:
            yield (
                f"$.travel_min[{a}]",
                f"must have one minute count, 0 to {COUNT_MAX}, per place, 0 to itself",
            )
    for i, pool in enumerate(problem.pools):
        yield from _inside(f"$.pools[{i}].home_nodes", pool.home_nodes, problem.nodes)
        for k, agreement in enumerate(pool.agreements):
            yield from _inside(
                f"$.pools[{i}].agreements[{k}].node", [agreement.node], problem.nodes
            )


def _experts(problem: Problem) -> Iterator[tuple[str, str]]:
    weeks = (problem.days - 1 + problem.first_weekday) // 7 + 1
    horizon = problem.days * DAY_MIN
    for i, expert in enumerate(problem.experts):
        path = f"$.experts[{i}]"
        yield from _inside(f"{path}.home", [expert.home], len(problem.travel_min))
        yield from _inside(f"{path}.pool", [expert.pool], len(problem.pools))
        if len(expert.skills) != problem.topics or any(not 0 <= one <= 3 for one in expert.skills):
            yield f"{path}.skills", "must have one proficiency, 0 to 3, per topic"
        if len(expert.engaged_before) < weeks or any(
            not 0 <= one <= COUNT_MAX for one in expert.engaged_before
        ):
            yield f"{path}.engaged_before", f"must have at least {weeks} weeks, each 0 or more"
        for k, approval in enumerate(expert.approvals):
            yield from _inside(f"{path}.approvals[{k}].topic", [approval.topic], problem.topics)
        end = 0
        for window in expert.windows:
            if (
                not end <= window.start < window.end <= horizon
                or window.start // DAY_MIN != (window.end - 1) // DAY_MIN
            ):
                yield (
                    f"{path}.windows",
                    "must be ascending, disjoint, each inside one day of the horizon",
                )
            end = window.end


def _requests(problem: Problem) -> Iterator[tuple[str, str]]:
    for i, request in enumerate(problem.requests):
        path = f"$.requests[{i}]"
        yield from _inside(f"{path}.place", [request.place], len(problem.travel_min))
        yield from _inside(f"{path}.topic", [request.topic], problem.topics)
        yield from _inside(f"{path}.node", [request.node], problem.nodes)
        yield from _inside(f"{path}.district", [request.district], problem.districts)
        if request.named != -1 or request.naming is not Naming.NONE:
            yield from _inside(f"{path}.named", [request.named], len(problem.experts))
        if not any(seat.required for seat in request.seats):
            yield f"{path}.seats", "at least one must be required"
        for k, window in enumerate(request.windows):
            if window.start >= window.end:
                yield f"{path}.windows[{k}]", "must end after it starts"


def _decisions(problem: Problem) -> Iterator[tuple[str, str]]:
    """Pins, forbids, promises and groups: all about experts and requests that are known to be there."""
    experts, requests = len(problem.experts), len(problem.requests)
    pinned: dict[tuple[int, int], int] = {}
    starts: dict[int, int] = {}
    for i, pin in enumerate(problem.pins):
        path = f"$.pins[{i}]"
        yield from _inside(f"{path}.expert", [pin.expert], experts)
        yield from _inside(f"{path}.request", [pin.request], requests)
        yield from _inside(f"{path}.seat", [pin.seat], len(problem.requests[pin.request].seats))
        if pinned.setdefault((pin.request, pin.seat), pin.expert) != pin.expert:
            yield path, "contradicts another pin of the same seat"
        if pin.start >= 0 and starts.setdefault(pin.request, pin.start) != pin.start:
            yield path, "contradicts the start that another pin gives the same request"
    for i, forbid in enumerate(problem.forbids):
        yield from _inside(f"$.forbids[{i}].expert", [forbid.expert], experts)
        yield from _inside(f"$.forbids[{i}].request", [forbid.request], requests, lowest=-1)
        yield from _inside(f"$.forbids[{i}].other", [forbid.other], experts, lowest=-1)
    promised: set[tuple[int, int]] = set()
    for i, promise in enumerate(problem.promises):
        path = f"$.promises[{i}]"
        yield from _inside(f"{path}.request", [promise.request], requests)
        yield from _inside(f"{path}.expert", [promise.expert], experts)
        seats = len(problem.requests[promise.request].seats)
        yield from _inside(f"{path}.seat", [promise.seat], seats)
        yield from _inside(f"{path}.start", [promise.start], problem.days * DAY_MIN)
        if (promise.request, promise.seat) in promised:
            yield path, "is the second promise of that seat"
        promised.add((promise.request, promise.seat))
    for name in ("caps", "budgets", "series"):
        for i, group in enumerate(getattr(problem, name)):
            yield from _inside(f"$.{name}[{i}].requests", group.requests, requests)
    once: set[int] = set()
    for i, series in enumerate(problem.series):
        for request in series.requests:
            if request in once:
                yield f"$.series[{i}].requests", f"request {request} is in a series already"
            once.add(request)
    for i, share in enumerate(problem.shares):
        yield from _inside(f"$.shares[{i}].district", [share.district], problem.districts)
        yield from _inside(f"$.shares[{i}].audience", [share.audience], INDEX_MAX + 1, lowest=-1)


def _inside(
    path: str, indices: Iterable[int], size: int, *, lowest: int = 0
) -> Iterator[tuple[str, str]]:
    for index in indices:
        if not lowest <= index < size:
            yield path, f"{index} is not one of {size}"
