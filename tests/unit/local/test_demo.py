"""The demonstration goes on where a service was away, and ends where it is refused."""

import threading
from pathlib import Path
from typing import Any

import pytest

from services.local import __main__ as local
from services.local.home import Home, StackRefused


class Kept:
    """A stack that is only kept up."""

    turns = 0

    def keep(self) -> None:
        self.turns += 1


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The exit codes that the demonstration will have, one after the other; what is left was not asked for."""
    codes: list[int] = []
    monkeypatch.setattr(local, "DEMO_PAUSE_S", 0)
    monkeypatch.setattr(local, "_demo_once", lambda *_, **__: codes.pop(0))
    return codes


def run(stack: Any, tmp_path: Path, asked: threading.Event | None = None) -> None:
    local._demo(stack, asked or threading.Event(), size=1, home=Home(tmp_path))


def test_it_goes_on_after_outages(ends: list[int], tmp_path: Path) -> None:
    stack = Kept()
    ends += [1, 1, 0, 0]
    run(stack, tmp_path)
    assert (ends, stack.turns) == ([0], 2)


@pytest.mark.parametrize("codes", [[2, 0], [1] * local.DEMO_TRIES + [0]])
def test_it_ends_at_a_refusal_and_after_so_many_outages(
    ends: list[int], tmp_path: Path, codes: list[int]
) -> None:
    ends += codes
    with pytest.raises(StackRefused):
        run(Kept(), tmp_path)
    assert ends == [0]


def test_it_does_not_go_on_when_it_is_told_to_stop(ends: list[int], tmp_path: Path) -> None:
    asked = threading.Event()
    asked.set()
    ends += [1, 0]
    run(Kept(), tmp_path, asked)
    assert ends == [0]
