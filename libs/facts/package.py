"""Puts the consumer kit into a folder of its own, to be installed where the rest of Zhihui is not: `zhihui facts kit OUT`.

`pip install OUT` then gives `libs.facts.kit` with everything it imports, the tables of its inbox, and the messages. What
goes in is found by following imports, so that the folder has all that is needed and nothing else.
"""

import ast
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BEGIN = ("libs.facts.kit", "libs.facts.state", "libs.postgres.migrate")
_DISTRIBUTIONS = {
    "google": "protobuf",
    "opentelemetry": "opentelemetry",
    "prometheus_client": "prometheus-client",
    "yoyo": "yoyo-migrations",
    "yaml": "pyyaml",
    "pydantic_settings": "pydantic-settings",
}


def modules() -> dict[str, Path]:
    """Modules of ours that the kit reaches, with their files."""
    found: dict[str, Path] = {}
    left = list(BEGIN)
    while left:
        name = left.pop()
        path = _file(name)
        if path is None or name in found:
            continue
        found[name] = path
        parent = name.rpartition(".")[0]
        left += [parent, *_imported(path)] if parent else list(_imported(path))
    return found


def _file(name: str) -> Path | None:
    stem = ROOT.joinpath(*name.split("."))
    for path in (stem.with_suffix(".py"), stem / "__init__.py"):
        if path.exists() and name.startswith("libs"):
            return path
    return None


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def requirements() -> list[str]:
    """The lines of the project's requirements that the kit's modules import."""
    roots = {
        name.partition(".")[0] for path in modules().values() for name in _imported(path)
    } - set(sys.stdlib_module_names)
    names = {_DISTRIBUTIONS.get(root, root) for root in roots} - {"libs", "zhihui"}
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    listed = re.findall(r'^    "([^"]+)",$', text.partition("\n]\n")[0], re.MULTILINE)
    return [
        line
        for line in listed
        if any(
            line == name or line.startswith((f"{name}>", f"{name}[", f"{name}-")) for name in names
        )
    ]


def write(out: Path) -> int:
    """Fill `out`, which must not be there yet; gives the number of files.

    Raises:
        FileExistsError: it is there.
    """
    out.mkdir(parents=True)
    for path in modules().values():
        _copy(path, out)
    for folder in {path.parent for path in modules().values()}:
        for pattern in ("*.yaml", "migrations/*.sql"):
            for path in folder.glob(pattern):
                _copy(path, out)
    for package in ("zhihui", "buf"):
        shutil.copytree(
            ROOT / "libs" / "genproto" / package,
            out / package,
            ignore=shutil.ignore_patterns("__pycache__", "*_grpc.*"),
        )
    lines = "".join(f'    "{line}",\n' for line in requirements())
    (out / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["setuptools>=77"]\nbuild-backend = "setuptools.build_meta"\n\n'
        '[project]\nname = "zhihui-facts"\nversion = "0.1.0"\n'
        'description = "The consumer kit for the facts of Zhihui."\nrequires-python = ">=3.11"\n'
        f"dependencies = [\n{lines}]\n\n"
        '[tool.setuptools.packages.find]\ninclude = ["libs*", "zhihui*", "buf*"]\n\n'
        '[tool.setuptools.package-data]\n"*" = ["*.sql", "*.yaml", "*.pyi"]\n',
        encoding="utf-8",
    )
    return sum(path.is_file() for path in out.rglob("*"))


def _copy(path: Path, out: Path) -> None:
    target = out / path.relative_to(ROOT)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, target)
