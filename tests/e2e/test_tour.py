"""The README's tour, run as it is written there, against the whole stack in a folder of its own."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT
from tests.e2e.privacy import nothing_personal_travels

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

UP_S = 480
"""A cold start with its solve takes a tenth of this on an idle machine."""
STAYS = "Ctrl-C"
"""The last line a stack says before it stays up."""


def tour() -> list[str]:
    """The lines of the tour."""
    section = (ROOT / "README.md").read_text().partition("## A five-minute tour")[2]
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)[0].splitlines()


class RunningStack:
    """A stack started as `make up` starts it."""

    def __init__(self, home: Path) -> None:
        self._log = home.parent / "up.log"
        self.environment = {
            **os.environ,
            "PYTHONPATH": f"{ROOT}:{ROOT / 'libs/genproto'}",
            "ZHIHUI_HOME": str(home),
        }
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "services.local", "up", "--home", str(home)],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait(self) -> str:
        """What it has said once it stays up."""
        ends_at = time.monotonic() + UP_S
        while time.monotonic() < ends_at:
            said = self._log.read_text()
            if STAYS in said:
                return said
            assert self._process.poll() is None, said
            time.sleep(0.5)
        raise AssertionError(f"not up after {UP_S} s:\n{self._log.read_text()}")

    def stop(self) -> None:
        """Ask it to end, and wait for that."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise

    def zhihui(self, *arguments: str) -> dict:
        """The last JSON value that the command gives."""
        done = subprocess.run(
            [sys.executable, "-m", "services.cli", "--json", *arguments],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            check=True,
        )
        return json.loads(done.stdout.splitlines()[-1])


def test_the_tour_works_as_written_and_a_second_start_finds_what_it_left(tmp_path):
    folder = tmp_path / "visitor"
    folder.mkdir()
    command = folder / "zhihui"  # the lines say ./zhihui, and write where they run
    command.write_text(f'#!/bin/sh\nexec "{ROOT}/zhihui" "$@"\n')
    command.chmod(0o755)
    stack = RunningStack(tmp_path / "home")
    try:
        said = stack.wait()
        assert "PUBLISHED" in said
        lines = tour()
        script = "".join(f'{line}\necho "EXIT $?"\n' for line in lines)
        done = subprocess.run(
            ["bash", "-s"],
            input=script,
            cwd=folder,
            env=stack.environment,
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )
        codes = [int(code) for code in re.findall(r"^EXIT (\d+)$", done.stdout, re.MULTILINE)]
        wanted = [2 if "# refused" in line else 0 for line in lines]
        assert codes == wanted, done.stdout + done.stderr
        mine = stack.zhihui("request", "show", "my-first")
        assert mine["state"] in {"STATE_SCHEDULED", "STATE_UNSERVED"}
        assert (folder / "requests.xlsx").stat().st_size > 10_000
        before = stack.zhihui("round", "show", "demo")
        nothing_personal_travels(tmp_path / "home")
    finally:
        stack.stop()
    again = RunningStack(tmp_path / "home")
    try:
        assert "PUBLISHED" in again.wait()
        assert again.zhihui("round", "show", "demo") == before
    finally:
        again.stop()
