"""The command `zhihui round verify` over a scheduling service, and files of a plan that somebody has changed."""

import asyncio
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from libs.auth.principal import Principal, Role
from libs.auth.tokens import Tokens
from libs.settings import TokenSettings
from services.cli.audit import audited
from tests.support.serving import KEY


async def zhihui(address: str, home: Path, *arguments: str) -> tuple[int, Any]:
    """Exit code and the one JSON value of a run, as the city's coordinator."""
    token = Tokens(TokenSettings(auth_key=SecretStr(KEY))).issue(
        Principal(subject="city", roles=frozenset({Role.CITY_COORDINATOR})),
        lifetime=timedelta(hours=1),
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.cli", "--json", "--scheduling", address, *arguments),
        env={
            **os.environ,
            "PYTHONPATH": ".:libs/genproto",
            "ZHIHUI_HOME": str(home),
            "ZHIHUI_TOKEN": token,
        },
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    return process.returncode or 0, json.loads(out)


def held(desk: Sequence[Mapping[str, Any]]) -> dict[str, bool | None]:
    return {one["check"]: one["holds"] for one in desk}


def broken(folder: Path, inputs_hash: str) -> set[str]:
    """The checks that do not hold."""
    return {one.check for one in audited(folder, inputs_hash) if one.holds is False}


def tampered(folder: Path, file: str, change: Callable[[Any], None]) -> bytes:
    """Change one of the files; what it was."""
    path = folder / f"{file}.json"
    before = path.read_bytes()
    content = json.loads(before)
    change(content)
    path.write_text(json.dumps(content, ensure_ascii=False, sort_keys=True))
    return before
