"""What is compiled is of these sources: a rule that was changed in one file is not the old one in another."""

import importlib
import os
import pkgutil
from pathlib import Path
from typing import Any

import pytest
from numba.core import config

from services.scheduling import optimizer
from services.scheduling.optimizer import insertion, packed, pricing, state
from services.scheduling.optimizer.compiling import FOLDERS_KEPT, keep, kept_in
from services.scheduling.optimizer.orienteering import kernel


def test_another_rule_is_kept_elsewhere_and_another_word_is_not(tmp_path: Path) -> None:
    rule, words = tmp_path / "state.py", tmp_path / "words.py"
    rule.write_text("@compiled\ndef has_room(): return True\n")
    words.write_text("before = 1\n")
    first = kept_in(tmp_path, tmp_path)
    words.write_text("after = 1\n")
    assert kept_in(tmp_path, tmp_path) == first
    rule.write_text("@compiled\ndef has_room(): return False\n")
    assert kept_in(tmp_path, tmp_path) != first


def test_the_last_versions_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "CACHE_DIR", "")
    sources, base = tmp_path / "sources", tmp_path / "base"
    sources.mkdir()
    for version in range(FOLDERS_KEPT + 2):
        (sources / "state.py").write_text(f"@compiled  # {version}\n")
        keep(sources, base)
        now = kept_in(sources, base)
        assert str(now) == config.CACHE_DIR  # type: ignore[attr-defined]
        os.utime(now, (version, version))
    assert len(list(base.iterdir())) == FOLDERS_KEPT
    assert now.exists()


@pytest.mark.parametrize(
    "function",
    [state.has_room, insertion.insert, pricing._rounds, packed._candidates, kernel.anneal],
)
def test_everything_that_is_compiled_is_kept_there(function: object) -> None:
    sources = Path(state.__file__).parent
    folder = kept_in(sources, Path("anywhere")).name
    assert folder in str(function._cache.cache_path)  # type: ignore[attr-defined]


def _all_compiled() -> dict[str, Any]:
    """Every compiled function, by its name with its module."""
    found = {}
    for module in pkgutil.walk_packages(optimizer.__path__, f"{optimizer.__name__}."):
        if not module.name.endswith("__main__"):
            for name, one in vars(importlib.import_module(module.name)).items():
                if hasattr(one, "py_func") and one.py_func.__module__ == module.name:
                    found[f"{module.name}.{name}"] = one
    return found


def test_who_counts_no_references_is_given_no_new_arrays() -> None:
    """They would never be freed."""
    functions = _all_compiled()
    lean = {name: one for name, one in functions.items() if not one.targetoptions["_nrt"]}
    assert len(lean) > 60
    assert len(functions) - len(lean) > 20
    for name, one in lean.items():
        for called in one.py_func.__code__.co_names:
            other = one.py_func.__globals__.get(called)
            if hasattr(other, "py_func"):
                assert not other.targetoptions["_nrt"], f"{name} calls {called}"
