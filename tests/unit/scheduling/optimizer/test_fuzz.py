"""A problem.json that somebody has damaged is refused with a path, or solved soundly: never a traceback, never a wrong plan."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from services.scheduling.optimizer import formats
from services.scheduling.optimizer.__main__ import main
from tests.support.rounds import random_problem

NASTY: tuple[Any, ...] = (
    -1, 0, 1, 2, 7, 1439, 1440, 10**6, 10**9, 2**31, 2**53, 2**63, -(2**31),
    None, True, "", "ON_SITE", "ONLY", [], {}, [[]], 1.5,
)  # fmt: skip


def damaged(document: Any, dice: random.Random) -> Any:
    """`document` with one to three of its values replaced, left out, doubled or swapped, anywhere."""
    for _ in range(dice.choice((1, 1, 2, 3))):
        parent, key = dice.choice(list(_places(document)))
        act = dice.randrange(6)
        if act == 0:
            del parent[key]
        elif act == 1 and isinstance(parent, list):
            parent.insert(key, parent[key])
        elif act == 2 and isinstance(parent, dict):
            parent[key] = parent[dice.choice(sorted(parent))]
        elif act == 3 and type(parent[key]) is int:
            parent[key] += dice.choice((-1, 1, -1440, 1440))
        else:
            parent[key] = dice.choice(NASTY)
    return document


def _places(value: Any) -> Any:
    """Every (container, key) below `value`."""
    inside = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in list(inside):
        yield value, key
        if isinstance(part, dict | list):
            yield from _places(part)


@pytest.mark.parametrize("seed", range(250))
def test_a_damaged_problem_is_refused_with_a_path_or_solved_soundly(
    seed: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dice = random.Random(seed)
    whole = json.loads(formats.canonical_bytes(random_problem(seed, 3, 4)))
    problem, plan = tmp_path / "problem.json", tmp_path / "plan.json"
    problem.write_text(json.dumps(damaged(whole, dice)))
    code = main(["solve", str(problem), "--iterations", "3", "--out", str(plan)])
    said = capsys.readouterr().out
    if code == 2:
        assert "cannot be read: $" in said
    elif code == 1:
        assert "无解 · request" in said
    else:
        assert code == 0
        assert main(["check", str(problem), str(plan)]) == 0, capsys.readouterr().out


def test_most_damage_is_seen() -> None:
    """Or the test above would show little."""
    paths = [_refused_at(seed) for seed in range(250)]
    assert all(path == "" or path.startswith("$") for path in paths)
    assert 100 < sum(path != "" for path in paths) < 245


def _refused_at(seed: int) -> str:
    whole = json.loads(formats.canonical_bytes(random_problem(seed, 3, 4)))
    try:
        formats.problem_from(json.dumps(damaged(whole, random.Random(seed))).encode())
    except formats.BadProblem as error:
        return error.path
    return ""
