"""The project's files, as version control sees them: those tracked, and those new and not ignored."""

import functools
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@functools.cache
def files(*suffixes: str) -> tuple[Path, ...]:
    """All files whose names end with one of `suffixes`, in order, without generated code."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    paths = (ROOT / name for name in sorted(set(listed.split("\0"))) if name.endswith(suffixes))
    return tuple(
        path for path in paths if path.is_file() and "genproto" not in path.relative_to(ROOT).parts
    )


def module_of(path: Path) -> str:
    """The import name of a Python file."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
