"""The committed bundle is what the sources make, and the sources keep their promises."""

import hashlib
import json
import re
from pathlib import Path

import pytest

from tests.support.openapi import CLIENT, document
from tests.support.words import GAP, PAIRS, TEXT

STATIC = CLIENT.parent / "static"
FIRST_LOAD_BYTES_MAX = 250_000
CJK = re.compile(r"[\u4e00-\u9fff]")


def hashes(root: Path, names: list[str]) -> dict[str, str]:
    return {name: hashlib.sha256((root / name).read_bytes()).hexdigest() for name in names}


def test_the_bundle_was_built_from_these_sources() -> None:
    manifest = json.loads((STATIC / "sources.json").read_text())
    folders = [
        path.relative_to(CLIENT).as_posix()
        for folder in ("src", "public")
        for path in (CLIENT / folder).rglob("*")
        if path.is_file()
    ]
    loose = [name for name in manifest["sources"] if "/" not in name]
    stale = "run `npm ci && npm run build` in services/web/client"
    assert hashes(CLIENT, sorted(folders + loose)) == manifest["sources"], stale


def test_nothing_but_the_build_has_touched_the_bundle() -> None:
    manifest = json.loads((STATIC / "sources.json").read_text())
    there = [
        path.relative_to(STATIC).as_posix()
        for path in STATIC.rglob("*")
        if path.is_file() and path.name != "sources.json"
    ]
    assert hashes(STATIC, sorted(there)) == manifest["built"]


def test_the_types_of_the_clients_are_those_of_the_edge() -> None:
    stale = "run `python -m tests.support.openapi`, then build the clients"
    assert (CLIENT / "openapi.json").read_text(encoding="utf-8") == document(), stale


def test_the_lockfile_names_no_registry() -> None:
    lock = json.loads((CLIENT / "package-lock.json").read_text())
    assert [name for name, one in lock["packages"].items() if "resolved" in one] == []
    assert all("integrity" in one for name, one in lock["packages"].items() if name)


def test_every_word_is_in_both_languages() -> None:
    lines = [line for line in TEXT.splitlines() if re.match(r'^ {2}"?[\w.]+"?:', line)]
    assert len(PAIRS) == len(lines), "a pair is not on one line, or lacks a half"
    own_name = "language.other"  # each language is offered in its own words
    assert [key for key, zh, en in PAIRS if not zh.strip() or not en.strip()] == []
    assert [key for key, _, en in PAIRS if CJK.search(en) and key != own_name] == []
    assert [key for key, zh, _ in PAIRS if not CJK.search(zh) and key != own_name] == []


def test_both_languages_leave_the_same_gaps() -> None:
    def gaps(text: str) -> list[str]:
        return sorted(GAP.findall(text))

    assert [key for key, zh, en in PAIRS if gaps(zh) != gaps(en)] == []


def test_no_word_stands_outside_of_the_table() -> None:
    """Chinese in a source other than the table would never be translated; comments and split names may have it."""
    allowed = {"words.ts", "api.ts", "places.ts"}
    sources = [path for path in (CLIENT / "src").rglob("*.ts*") if path.name not in allowed]
    said = [
        f"{path.name}: {line.strip()}"
        for path in sources
        for line in path.read_text(encoding="utf-8").splitlines()
        if CJK.search(re.sub(r"^\s*(//|/\*\*|\*).*$", "", line))
    ]
    assert said == []


@pytest.mark.parametrize(("page", "bytes_max"), [("app.html", FIRST_LOAD_BYTES_MAX)])
def test_the_first_load_on_a_phone_is_small(page: str, bytes_max: int) -> None:
    import gzip

    html = (STATIC / page).read_text(encoding="utf-8")
    files = re.findall(r'(?:src|href)="/static/(assets/[^"]+)"', html)
    assert files
    assert not [name for name in files if re.search(r"antd|charts", name)]
    assert sum(len(gzip.compress((STATIC / name).read_bytes())) for name in files) < bytes_max
