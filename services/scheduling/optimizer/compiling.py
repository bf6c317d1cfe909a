"""Where what is compiled is kept from one process to the next: in a folder that is named after everything that is compiled.

numba looks only at the file that a function is in. It would go on using what was compiled with an earlier version of another file: a rule
that has changed in `state.py` would be the old one in `insertion.py`. Whoever compiles takes `njit` from here, or imports who does, before.
"""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba.core import config

_NAMED = "compiled-"
FOLDERS_KEPT = 4
"""Of earlier versions, some stay, for those who go back and forth between them."""


def kept_in(sources: Path, base: Path) -> Path:
    """The folder below `base` for what is compiled of `sources`."""
    known = hashlib.sha256()
    for path in sorted(sources.rglob("*.py")):
        text = path.read_bytes()
        if any(mark in text for mark in (b"@njit", b"@lean", b"@compiled")):
            known.update(text)
    return base / f"{_NAMED}{known.hexdigest()[:16]}"


def keep(sources: Path, base: Path) -> None:
    """Have numba keep it there, and forget what is older than the last few; where nothing can be written it finds another place."""
    folder = kept_in(sources, base)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.touch()
    except OSError:
        return
    config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]  # made from the environment
    there = sorted(base.glob(f"{_NAMED}*/"), key=lambda one: one.stat().st_mtime)
    for earlier in there[:-FOLDERS_KEPT]:
        shutil.rmtree(earlier, ignore_errors=True)


_SOURCES = Path(__file__).parent
keep(_SOURCES, Path(config.CACHE_DIR or _SOURCES / "__pycache__"))  # type: ignore[attr-defined]

Function = TypeVar("Function", bound=Callable[..., Any])


def njit(*, makes_arrays: bool = True, **options: Any) -> Callable[[Function], Function]:
    """Numba's decorator, for functions that are kept and do not hold the interpreter's lock.

    Where a function does not make arrays, nor is given a new one by whom it calls, references to arrays need not be counted: numba would
    count every array at every call, and each column of a table is one, which takes most of the time of small functions.
    """
    options["_nrt"] = makes_arrays  # said either way: who is called would else do as its caller
    decorator: Callable[[Function], Function] = numba.njit(cache=True, nogil=True, **options)
    return decorator


lean = njit(makes_arrays=False)
