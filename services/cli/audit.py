"""What an auditor does with a plan: fetch its inputs, itself and its certificate, and hold them against each other.

By the optimizer's own commands on files, as anybody can at a desk: nothing here trusts the service that gave the files.
"""

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zhihui.scheduling.v1 import scheduling_pb2 as scheduling

_OPTIMIZER = (sys.executable, "-m", "services.scheduling.optimizer")


@dataclass(frozen=True, slots=True)
class Finding:
    """One check and whether it `holds`; None: there is nothing to check. `said` are the command's own lines."""

    check: str
    holds: bool | None
    zh: str
    en: str
    said: tuple[str, ...] = ()


async def fetch(stub: Any, plan: str, folder: Path) -> None:
    """Write problem.json, plan.json and, where there is one, certificate.json of the plan into `folder`."""
    with ExitStack() as files:
        into: dict[str, Any] = {}
        async for answer in stub.DownloadPlan(scheduling.DownloadPlanRequest(name=plan)):
            part = answer.WhichOneof("piece")
            if part not in into:
                into[part] = files.enter_context((folder / f"{part}.json").open("wb"))
            into[part].write(getattr(answer, part))


def audited(folder: Path, inputs_hash: str) -> Iterator[Finding]:
    """What holds of the files in `folder`, check by check; `inputs_hash` is what the plan says it was made from.

    Proving the bounds again is slow on purpose: minutes for a large round. Progress is told on stderr.
    """
    problem, plan = folder / "problem.json", folder / "plan.json"
    certificate = folder / "certificate.json"
    found = hashlib.sha256(problem.read_bytes()).hexdigest()
    yield Finding(
        "inputs",
        found == inputs_hash,
        "下载的输入就是方案的输入",
        "the downloaded inputs are those the plan was made from",
        (f"{found}" if found == inputs_hash else f"{found}, the plan names {inputs_hash}",),
    )
    claims = ("--certificate", str(certificate)) if certificate.exists() else ()
    yield _ran(
        "check",
        "裁判重算：规则全部遵守，各阶段数值与证书一致",
        "the referee finds every rule kept, and the values that are claimed",
        *("check", str(problem), str(plan), *claims),
    )
    if not claims:
        yield Finding(
            "certificate",
            None,
            "没有证书（手工采纳的改动或修复）：没有上界可验，也不能重演",
            "no certificate (a repair): no bound to prove, nothing to replay",
        )
        return
    yield _ran(
        "check-bound",
        "上界由证书中的对偶价逐项证明",
        "the bounds follow from the certificate's prices",
        *("check-bound", str(problem), str(certificate)),
    )
    yield _ran(
        "replay",
        "按种子和日志重演，得到同一方案",
        "a replay by seed and journal gives the same plan and so the same certificate",
        *("replay", str(problem), str(certificate)),
    )


def _ran(check: str, zh: str, en: str, *command: str) -> Finding:
    done = subprocess.run(  # noqa: S603  # our own module
        (*_OPTIMIZER, *command), check=False, stdout=subprocess.PIPE, encoding="utf-8"
    )
    return Finding(check, done.returncode == 0, zh, en, tuple(done.stdout.splitlines()))
