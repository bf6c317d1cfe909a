"""What was promised stays: an incompatible change is found, a new field is welcome, and generated code is of these protos."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT

BUF = Path(sys.executable).parent / "buf"
GENERATED = ROOT / "libs" / "genproto"

BROKEN = {
    "a field has another type": ("int32 assignments = 4;", "int64 assignments = 4;"),
    "a field has another name": ("string hash = 5;", "string digest = 5;"),
    "a field has another number": ("string hash = 5;", "string hash = 6;"),
    "a field is gone": ("  string hash = 5;", ""),
    "a message is gone": ("message RoundAbandoned", "message RoundGivenUp"),
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "protos", tmp_path / "protos")
    return tmp_path / "protos"


def breaks(protos: Path) -> str:
    """What `make check` asks: '' for a change that consumers do not notice."""
    built = subprocess.run([BUF, "build", protos, "-o", "-"], capture_output=True, check=True)
    found = subprocess.run(
        [BUF, "breaking", "-", "--against", ROOT / "protos" / "contract.binpb"],
        input=built.stdout,
        capture_output=True,
        check=False,
    )
    return found.stdout.decode()


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_promise_is_found(copy: Path, fault: str) -> None:
    path = copy / "zhihui" / "scheduling" / "v1" / "facts.proto"
    before, after = BROKEN[fault]
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))
    assert "facts.proto" in breaks(copy)


def test_a_new_field_breaks_nothing(copy: Path) -> None:
    path = copy / "zhihui" / "scheduling" / "v1" / "facts.proto"
    path.write_text(
        path.read_text().replace(
            "string hash = 5;", "string hash = 5;\n  // New.\n  string more = 6;"
        )
    )
    assert breaks(copy) == ""


def test_generated_code_is_of_these_protos(tmp_path: Path) -> None:
    """`make protos` would change nothing."""
    protos = sorted(
        str(path.relative_to(ROOT / "protos"))
        for path in (ROOT / "protos" / "zhihui").rglob("*.proto")
    )
    protoc = [sys.executable, "-m", "grpc_tools.protoc", "-I", "protos", "-I", "protos/vendor"]
    output = [f"--python_out={tmp_path}", f"--mypy_out=quiet:{tmp_path}"]
    subprocess.run(
        [*protoc, *output, *protos, "buf/validate/validate.proto"],
        cwd=ROOT,
        env={**os.environ, "PATH": f"{BUF.parent}:{os.environ['PATH']}"},
        check=True,
    )
    fresh = {
        path.relative_to(tmp_path): path.read_bytes()
        for path in tmp_path.rglob("*")
        if path.is_file()
    }
    kept = {
        path.relative_to(GENERATED): path.read_bytes()
        for pattern in ("*_pb2.py", "*_pb2.pyi")
        for path in GENERATED.rglob(pattern)
    }
    assert set(kept) == set(fresh), "a proto was added or removed: `make protos`"
    assert [name for name in fresh if fresh[name] != kept[name]] == []
