"""docs/asyncapi.yaml pleases AsyncAPI's own parser and its parser of protobuf payloads."""

import subprocess
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT
from tests.contract.document import DOCUMENT

pytestmark = pytest.mark.node

CHECKER = ROOT / "tests" / "contract" / "asyncapi"


def checked(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["node", "check.mjs", str(path)], cwd=CHECKER, capture_output=True, text=True, check=False
    )


def test_asyncapis_own_parser_is_content(tmp_path: Path) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    if not (CHECKER / "node_modules").exists():
        subprocess.run(["npm", "ci", "--silent", "--ignore-scripts"], cwd=CHECKER, check=True)
    done = checked(DOCUMENT)
    assert done.returncode == 0, done.stdout[-2000:]
    channels, messages, properties = (int(part.split()[0]) for part in done.stdout.split(", "))
    assert (channels, messages) == (24, 40)
    assert properties > 70, "it has read the protobuf payloads"

    (tmp_path / "proto.yaml").write_text(text.replace("Round round = 2;", "Roond round = 2;"))
    assert "Roond" in checked(tmp_path / "proto.yaml").stdout
    (tmp_path / "document.yaml").write_text(text.replace("action: send", "action: shout", 1))
    assert checked(tmp_path / "document.yaml").returncode == 1
