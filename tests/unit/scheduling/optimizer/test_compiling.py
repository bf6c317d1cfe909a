"""What is compiled is of these sources: a rule that was changed in one file is not the old one in another."""

import os
from pathlib import Path

import pytest
from numba.core import config

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
