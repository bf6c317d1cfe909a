"""docs/errors.md, written from the refusals themselves.

`python -m tests.architecture.errors_page` writes it again after a refusal came, went or changed.
"""

import importlib
from pathlib import Path

from libs.errors import KINDS, Refusal, kind_of
from libs.rpc.status import STATUS_BY_KIND
from tests.architecture.tree import ROOT, files, module_of

PAGE = ROOT / "docs" / "errors.md"

_NEXT = {
    "InvalidInput": "mend the request; `BadRequest` names the fields",
    "NotFound": "stop",
    "NotAllowed": "ask somebody else, or sign in as somebody else",
    "WrongState": "read the thing again, then decide",
    "Conflict": "start again from the beginning",
}

_HEAD = """# Errors

Every expected "no" is a refusal: one of five kinds, with a reason of its own. On the wire it is a gRPC status with
`google.rpc.ErrorInfo` (`reason`, `domain` = `zhihui`, every variable part of the sentence in `metadata`); an
`InvalidInput` may carry `google.rpc.BadRequest` with the paths of the fields. Reasons are a contract: they do not change.
The status is kept under 4 kB so that the trailers stay under 8 kB; violations that did not fit are counted in
`violations_left_out`. Everything else is a bug (`INTERNAL`, with nothing inside; the log has it) or an outage.

| kind | gRPC | the caller should |
|---|---|---|
{kinds}
| (not signed in) | UNAUTHENTICATED, `NOT_SIGNED_IN` | get a new token |
| (too many calls) | RESOURCE_EXHAUSTED, `TOO_MANY_CALLS` | wait as long as `RetryInfo` says |
| (outage) | UNAVAILABLE, `OUTAGE`; DEADLINE_EXCEEDED, `DEADLINE_PASSED` | retry with backoff; with a `request_id`, if it changes something |

In code: libs/errors.py (the kinds), libs/rpc/status.py (the table to gRPC and back). A refusal is defined beside the rule
that raises it; a broken constraint of the database becomes one by its name (libs/postgres/constraints.py).

## Reasons

Written by `python -m tests.architecture.errors_page`; a test fails when it is not up to date.

| reason | kind | meaning | defined in |
|---|---|---|---|
{reasons}
"""


def refusals() -> list[type[Refusal]]:
    """Every concrete refusal of services and libs, by reason and module."""
    for path in files(".py"):
        inside = path.relative_to(ROOT).parts
        if inside[0] in {"services", "libs"} and path.name != "__main__.py":
            importlib.import_module(module_of(path))
    found: set[type[Refusal]] = set()
    waiting: list[type[Refusal]] = list(KINDS)
    while waiting:
        for refusal in waiting.pop().__subclasses__():
            if refusal.__module__.startswith(("services.", "libs.")) and refusal not in found:
                found.add(refusal)
                waiting.append(refusal)
    return sorted(found, key=lambda refusal: (refusal.reason, refusal.__module__))


def page() -> str:
    """What docs/errors.md should say."""
    kinds = [
        f"| `{kind.__name__}` | {STATUS_BY_KIND[kind].name} | {_NEXT[kind.__name__]} |"
        for kind in KINDS
    ]
    reasons = [
        f"| `{refusal.reason}` | {kind_of(refusal).__name__} | {_meaning(refusal)} | {_file(refusal)} |"
        for refusal in refusals()
    ]
    return _HEAD.format(kinds="\n".join(kinds), reasons="\n".join(reasons))


def _meaning(refusal: type[Refusal]) -> str:
    return " ".join((refusal.__dict__.get("__doc__") or "").split("\n\n")[0].split()).replace(
        "|", "\\|"
    )


def _file(refusal: type[Refusal]) -> str:
    path = Path(importlib.import_module(refusal.__module__).__file__ or "")
    return path.relative_to(ROOT).as_posix()


if __name__ == "__main__":
    PAGE.write_text(page())
