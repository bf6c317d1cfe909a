"""Imports point inward, and the gate that says so can fail: each contract is broken on purpose in a copy of the tree."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT

_NAMED = (
    "libs/genproto/zhihui",
    "libs/messaging/kafka",
    "services/local",
    "services/scheduling/optimizer",
    *(
        f"services/{service}/{layer}"
        for service in ("experts", "events", "scheduling")
        for layer in ("api", "adapters", "handlers", "ports", "domain")
    ),
)
"""Packages the contracts or the intrusions name: a copy has them even where the tree does not need them yet."""

INTRUSIONS = [
    ("Services know each other only through protos and facts", "services/events/adapters/x.py", "import services.experts.domain"),
    ("Services know each other only through protos and facts", "services/cli/x.py", "import services.scheduling.domain"),
    ("libs never import services", "libs/x.py", "import services.experts.domain"),
    ("libs never import services", "libs/genproto/zhihui/x.py", "import libs.errors"),
    ("Every service has the same inside, and imports point inward", "services/events/domain/x.py", "import services.events.handlers"),
    ("Every service has the same inside, and imports point inward", "services/experts/handlers/x.py", "import services.experts.adapters"),
    ("Every service has the same inside, and imports point inward", "services/experts/api/x.py", "import services.experts.adapters"),
    ("Every service has the same inside, and imports point inward", "services/scheduling/helpers.py", ""),
    ("The domain does no I/O and sees no wire types", "services/events/domain/x.py", "import asyncpg"),
    ("The domain does no I/O and sees no wire types", "services/events/domain/x.py", "import time"),
    ("The domain does no I/O and sees no wire types", "services/experts/domain/x.py", "from libs.rpc import etag"),
    ("The optimizer knows integers and OR-Tools, nothing else", "services/scheduling/optimizer/x.py", "import random"),
    ("The optimizer knows integers and OR-Tools, nothing else", "services/scheduling/optimizer/x.py", "from libs import errors"),
    ("Only the optimizer imports OR-Tools", "services/scheduling/handlers/x.py", "from ortools.sat.python import cp_model"),
    ("Only adapters speak to PostgreSQL", "services/experts/handlers/x.py", "import asyncpg"),
    ("Only adapters speak to PostgreSQL", "libs/rpc/x.py", "import psycopg"),
    ("The wire is seen only at the edge of a service", "services/experts/handlers/x.py", "import zhihui"),
    ("One module knows the Kafka client", "services/events/adapters/x.py", "import aiokafka"),
    ("No cycles between siblings", "libs/postgres/x.py", "import libs.rpc.etag"),
]  # fmt: skip


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The Python sources alone, with the packages the contracts name."""
    for name in ("services", "libs"):
        shutil.copytree(
            ROOT / name,
            tmp_path / name,
            ignore=lambda folder, names: [
                entry
                for entry in names
                if ((Path(folder) / entry).is_file() and not entry.endswith(".py"))
                or entry in {"__pycache__", "node_modules"}
            ],
        )
    for package in _NAMED:
        if not (tmp_path / package).with_suffix(".py").exists():
            make_package(tmp_path, package)
    # A contract about a library nobody imports is an error, not a promise kept.
    (tmp_path / "services/scheduling/optimizer/imports.py").write_text("import ortools\n")
    (tmp_path / "services/local/imports.py").write_text("import aiokafka, confluent_kafka\n")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def make_package(tree: Path, package: str) -> None:
    """Make the folder `package` and those above it importable."""
    folder = tree / package
    folder.mkdir(parents=True, exist_ok=True)
    while folder != tree and folder.name != "genproto":
        (folder / "__init__.py").touch()
        folder = folder.parent


def broken_contracts(tree: Path) -> tuple[set[str], str]:
    """Names of the contracts `lint-imports` calls broken in `tree`, and all it said."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command; lint_imports_command()",
            "--no-cache",
        ],
        cwd=tree,
        env={"PYTHONPATH": f"{tree}:{tree / 'libs/genproto'}", "PATH": "", "COLUMNS": "300"},
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    broken = {name.strip() for name in re.findall(r"^(.+) BROKEN", said, re.MULTILINE)}
    assert done.returncode == (1 if broken else 0), said
    return broken, said


def test_imports_point_inward(copy: Path) -> None:
    broken, said = broken_contracts(copy)
    assert not broken, said


@pytest.mark.parametrize(("contract", "file", "line"), INTRUSIONS)
def test_an_intrusion_is_seen(copy: Path, contract: str, file: str, line: str) -> None:
    (copy / file).write_text(line + "\n")
    broken, said = broken_contracts(copy)
    assert contract in broken, said
