"""The folder a stack lives in: who runs here, what an earlier run left behind, where everything is."""

import contextlib
import errno
import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

FREE_MIN_BYTES = 1 << 30
"""A fresh database with the demonstration needs about a fifth of this; the rest is room to work."""
MARK = "ZHIHUI_STACK"
"""In the environment of every process of a stack: its folder. Tells our processes from others with the same id."""


class StackRefused(Exception):
    """The stack cannot start or stop here; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Home:
    """The stack's folder and what is where in it."""

    path: Path

    @property
    def logs(self) -> Path:
        """One file per process."""
        return self.path / "logs"

    @property
    def postgres(self) -> Path:
        """The database's own folder."""
        return self.path / "postgres"

    @property
    def state(self) -> Path:
        """Addresses, token and process ids, for the command and for the next run."""
        return self.path / "stack.json"

    def prepare(self) -> None:
        """Make the folders.

        Raises:
            StackRefused: the disk is too full, or the folder cannot be written.
        """
        try:
            self.logs.mkdir(parents=True, exist_ok=True)
            self.path.chmod(0o700)  # tokens are in it, and PostgreSQL's socket
            free = shutil.disk_usage(self.path).free
        except OSError as error:
            raise _unwritable(self.path, error) from error
        if free < FREE_MIN_BYTES:
            raise StackRefused(
                f"磁盘空间不足：{self.path} 只剩 {free >> 20} MB，至少需要 {FREE_MIN_BYTES >> 20} MB。请先腾出空间。\n"
                f"The disk is too full: {free >> 20} MB left for {self.path}, {FREE_MIN_BYTES >> 20} MB needed. "
                "Make room and try again."
            )

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only run of this folder inside the block; the lock dies with the process.

        Raises:
            StackRefused: another run has it.
        """
        with (self.path / "lock").open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                state = self.read()
                raise StackRefused(
                    f"这里已经有一套在运行（进程 {state.get('supervisor', '?')}，控制台 {state.get('web', '?')}）。"
                    "用 make down 停止它。\n"
                    f"A stack is running here already (process {state.get('supervisor', '?')}, "
                    f"console {state.get('web', '?')}). `make down` stops it."
                ) from None
            yield

    def secret(self) -> str:
        """The key that signs tokens; made once, readable by its owner only."""
        path = self.path / "secret"
        if not path.exists():
            with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(48))
        return path.read_text()

    def read(self) -> dict[str, Any]:
        """What the last run wrote; empty when nothing, or nothing readable."""
        try:
            content = json.loads(self.state.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def write(self, content: Mapping[str, Any]) -> None:
        """Replace what was written; readers see the old or the new, never half."""
        half = self.state.with_suffix(".part")
        with os.fdopen(os.open(half, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
            json.dump(content, file, ensure_ascii=False, indent=2)
        half.replace(self.state)

    def leftovers(self) -> Sequence[psutil.Process]:
        """Processes of an earlier run of this folder that are still there."""
        found = []
        for pid in self.read().get("pids", {}).values():
            with contextlib.suppress(psutil.Error):
                process = psutil.Process(int(pid))
                if process.environ().get(MARK) == str(self.path):
                    found.append(process)
        return found


def end_processes(processes: Sequence[psutil.Process], *, wait_s: float) -> None:
    """Ask `processes` to end, and end those that have not after `wait_s`."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    _, alive = psutil.wait_procs(processes, timeout=wait_s)
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=wait_s)


def _unwritable(path: Path, error: OSError) -> StackRefused:
    if error.errno == errno.ENOSPC:
        return StackRefused(
            f"磁盘已满，写不了 {path}。\nThe disk is full: {path} cannot be written."
        )
    return StackRefused(
        f"写不了 {path}：{error.strerror}。\n{path} cannot be written: {error.strerror}."
    )
