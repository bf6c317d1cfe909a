"""Promises over the whole tree that no linter keeps: each check has a planted fault that it must find."""

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, files, module_of

_SELF = Path(__file__)

BANNED = {
    # Written apart, so that this table does not find itself.
    "TO" + "DO": "do it, or open an issue",
    "FIX" + "ME": "fix it, or open an issue",
    "XX" + "X:": "say what is wrong, in a sentence",
    "NotImplemented" + "Error": "build it, or leave it out",
    "break" + "point()": "take it out",
    "DO NOT " + "COMMIT": "take it out",
    "/root" + "/": "no machine's paths",
    "/home" + "/": "no machine's paths",
    "/work" + "/main": "no machine's paths",
    "/work" + "/shared": "no machine's paths",
}
_TEXT = (
    ".py",
    ".md",
    ".sql",
    ".proto",
    ".yaml",
    ".yml",
    ".toml",
    ".ts",
    ".tsx",
    ".sh",
    "Makefile",
    "Dockerfile",
    ".ci/run",
)


def banned_words(text: str) -> list[str]:
    return [f"{word}: {instead}" for word, instead in BANNED.items() if word in text]


def stars_selected(text: str) -> list[str]:
    return re.findall(r"\bSELECT\s+(?:DISTINCT\s+)?(?:\w+\.)?\*", text, re.IGNORECASE)


def without_fences(markdown: str) -> str:
    return re.sub(r"^(```|~~~).*?^\1[^\n]*$", "", markdown, flags=re.MULTILINE | re.DOTALL)


def title_count_faults(markdown: str) -> list[str]:
    titles = re.findall(r"^# .+$", without_fences(markdown), re.MULTILINE)
    return [] if len(titles) == 1 else [f"{len(titles)} titles: {titles}"]


def anchors_of(markdown: str) -> set[str]:
    """The fragments GitHub gives the headings."""
    headings = re.findall(r"^#+ (.+)$", without_fences(markdown), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings
    }


_TOP = ("services/", "libs/", "protos/", "deploy/", "docs/", "tests/", ".ci/")


def broken_links(markdown: str, folder: Path) -> list[str]:
    """Links to files or headings that are not there, and mentioned paths of ours that do not exist."""
    faults = []
    prose = without_fences(markdown)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = folder / name if name else None
        there = path is None or path.exists()
        if there and anchor:
            there = anchor in anchors_of(path.read_text() if path else markdown)
        if not there:
            faults.append(target)
    mentions = re.findall(r"(?<![\w/.(-])(?:\./)?([\w.-]+/[\w./-]*\w/?)(?![\w<{*(])", prose)
    faults += [name for name in mentions if name.startswith(_TOP) and not (ROOT / name).exists()]
    return faults


def imported_by(source: str) -> Iterator[str]:
    """Dotted names a Python source imports, or names in a string (a module run by its name)."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from re.findall(r"\b(?:services|libs)(?:\.\w+)+", node.value)


AWAITING_CALLERS = {
    "services.scheduling.domain.round",
    "services.scheduling.handlers.sentences",
    "services.scheduling.optimizer.explain",
    "services.scheduling.optimizer.repair",
    "services.scheduling.optimizer.whatif",
}
"""Parts whose services are not in the tree yet; to be emptied as they arrive."""


def dead_modules(sources: dict[str, str]) -> list[str]:
    """Of `sources` by module name, those that no other one imports and that are no entry."""
    used = {
        name for module, text in sources.items() for name in imported_by(text) if name != module
    }
    return sorted(
        module
        for module in sources
        if module not in used
        and not module.endswith("__main__")
        and not any(other.startswith(f"{module}.") for other in sources)
    )


def faults(paths: Iterable[Path], check: Callable[[str], list[str]]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}: {fault}"
        for path in paths
        if path != _SELF
        for fault in check(path.read_text())
    ]


def test_no_banned_word_is_left() -> None:
    assert faults(files(*_TEXT), banned_words) == []


def test_every_column_is_named() -> None:
    assert faults(files(".py", ".sql"), stars_selected) == []


def test_every_page_has_one_title() -> None:
    assert faults(files(".md"), title_count_faults) == []


@pytest.mark.parametrize("page", files(".md"), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_docs_point_at_files_that_exist(page: Path) -> None:
    assert broken_links(page.read_text(), page.parent) == []


def test_no_module_is_dead() -> None:
    sources = {
        module_of(path): path.read_text()
        for path in files(".py")
        if path.relative_to(ROOT).parts[0] in {"services", "libs", "examples"}
    }
    assert [name for name in dead_modules(sources) if name not in AWAITING_CALLERS] == []


def test_versions_are_locked_as_tried() -> None:
    import ortools

    assert tuple(int(part) for part in ortools.__version__.split(".")[:2]) >= (9, 15)


@pytest.mark.parametrize("word", BANNED)
def test_a_planted_word_is_found(word: str) -> None:
    assert banned_words(f"# see {word} here") == [f"{word}: {BANNED[word]}"]


@pytest.mark.parametrize("sql", ["select * from a", "SELECT DISTINCT *", "SELECT\n  a.* FROM a"])
def test_a_planted_star_is_found(sql: str) -> None:
    assert stars_selected(sql)
    assert not stars_selected("SELECT count(*), a * b FROM a")


@pytest.mark.parametrize("text", ["no title", "# One\n\n# Two\n"])
def test_a_planted_title_is_found(text: str) -> None:
    assert title_count_faults(text)
    assert not title_count_faults("# One\n\n```sh\n# a comment\n```\n\n## Two\n")


def test_a_planted_dead_link_is_found(tmp_path: Path) -> None:
    (tmp_path / "there.md").write_text("# There\n\n## The second part\n")
    good = "[a](there.md) [b](there.md#the-second-part) [c](https://example.org) libs/errors.py `tests/`"
    assert broken_links(good, tmp_path) == []
    bad = "[a](gone.md) [b](there.md#third) libs/gone.py `docs/gone.md`."
    assert broken_links(bad, tmp_path) == [
        "gone.md",
        "there.md#third",
        "libs/gone.py",
        "docs/gone.md",
    ]


def test_a_planted_dead_module_is_found() -> None:
    sources = {
        "libs": "",
        "libs.used": "",
        "libs.run": "",
        "libs.dead": "import libs.dead",
        "services": "",
        "services.a": "",
        "services.a.__main__": "from libs import used\nRUN = 'python -m libs.run'",
    }
    assert dead_modules(sources) == ["libs.dead"]
