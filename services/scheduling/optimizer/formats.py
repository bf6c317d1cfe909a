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
from collections.abc import Iterable, Iterator
from typing import Any

from services.scheduling.optimizer.problem import DAY_MIN, FORMAT, Plan, Problem

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
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadProblem("$", f"not JSON: {error}") from error
    if not isinstance(document, dict) or document.pop("format", None) != name:
        raise BadProblem("$.format", f"must be {name}")
    return _typed(kind, document, "$")


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
    return value


def _object(kind: Any, value: Any, path: str) -> Any:
    if not isinstance(value, dict):
        raise BadProblem(path, "must be an object")
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


def _faults(problem: Problem) -> Iterator[tuple[str, str]]:
    """What no type can say: sizes, ranges and references."""
    sizes = types.SimpleNamespace(
        places=len(problem.travel_min),
        experts=len(problem.experts),
        requests=len(problem.requests),
        weeks=(problem.days - 1 + problem.first_weekday) // 7 + 1,
    )
    if not 1 <= problem.days <= 56:
        yield "$.days", "must be 1 to 56"
    if not 0 <= problem.first_weekday < 7:
        yield "$.first_weekday", "must be 0 to 6"
    if not 1 <= problem.start_step_min <= DAY_MIN:
        yield "$.start_step_min", f"must be 1 to {DAY_MIN}"
    for a, row in enumerate(problem.travel_min):
        if len(row) != sizes.places or min(row) < 0 or row[a] != 0:
            yield (
                f"$.travel_min[{a}]",
                "must have one minute count, 0 or more, per place, 0 to itself",
            )
    for i, expert in enumerate(problem.experts):
        path = f"$.experts[{i}]"
        yield from _inside(f"{path}.home", [expert.home], sizes.places)
        yield from _inside(f"{path}.pool", [expert.pool], len(problem.pools))
        if len(expert.skills) != problem.topics:
            yield f"{path}.skills", "must have one proficiency per topic"
        if len(expert.engaged_before) < sizes.weeks:
            yield f"{path}.engaged_before", f"must have at least {sizes.weeks} weeks"
        end = 0
        for window in expert.windows:
            if (
                not end <= window.start < window.end
                or window.start // DAY_MIN != (window.end - 1) // DAY_MIN
            ):
                yield f"{path}.windows", "must be ascending, disjoint, each inside one day"
            end = window.end
    for i, request in enumerate(problem.requests):
        path = f"$.requests[{i}]"
        yield from _inside(f"{path}.place", [request.place], sizes.places)
        yield from _inside(f"{path}.topic", [request.topic], problem.topics)
        yield from _inside(f"{path}.node", [request.node], problem.nodes)
        yield from _inside(f"{path}.district", [request.district], problem.districts)
        if request.named != -1 or request.naming.name != "NONE":
            yield from _inside(f"{path}.named", [request.named], sizes.experts)
        if request.duration_min <= 0:
            yield f"{path}.duration_min", "must be positive"
        if min(request.audience, request.form, request.level, request.weight) < 0:
            yield path, "audience, form, level and weight must not be negative"
        if not any(seat.required for seat in request.seats):
            yield f"{path}.seats", "at least one must be required"
        if any(window.start >= window.end for window in request.windows):
            yield f"{path}.windows", "must end after they start"
    pinned: dict[tuple[int, int], tuple[int, int]] = {}
    for i, pin in enumerate(problem.pins):
        yield from _inside(f"$.pins[{i}].expert", [pin.expert], sizes.experts)
        yield from _inside(f"$.pins[{i}].request", [pin.request], sizes.requests)
        seats = len(problem.requests[pin.request].seats)
        yield from _inside(f"$.pins[{i}].seat", [pin.seat], seats)
        if pinned.setdefault((pin.request, pin.seat), (pin.expert, pin.start))[0] != pin.expert:
            yield f"$.pins[{i}]", "contradicts another pin of the same seat"
    for i, forbid in enumerate(problem.forbids):
        yield from _inside(f"$.forbids[{i}].expert", [forbid.expert], sizes.experts)
        yield from _inside(f"$.forbids[{i}].request", [forbid.request], sizes.requests, lowest=-1)
        yield from _inside(f"$.forbids[{i}].other", [forbid.other], sizes.experts, lowest=-1)
    for i, promise in enumerate(problem.promises):
        yield from _inside(f"$.promises[{i}].request", [promise.request], sizes.requests)
    for name in ("caps", "budgets", "series"):
        for i, group in enumerate(getattr(problem, name)):
            yield from _inside(f"$.{name}[{i}].requests", group.requests, sizes.requests)
    for i, share in enumerate(problem.shares):
        if share.target <= 0:
            yield f"$.shares[{i}].target", "must be positive"
        if share.audience < -1:
            yield f"$.shares[{i}].audience", "must be an audience, or -1 for all of the district"


def _inside(
    path: str, indices: Iterable[int], size: int, *, lowest: int = 0
) -> Iterator[tuple[str, str]]:
    for index in indices:
        if not lowest <= index < size:
            yield path, f"{index} is not one of {size}"
