"""What happens when a folder is taken, full, unwritable, or was left by a killed run."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from services.local.home import MARK, Home, StackRefused, end_processes


def a_home(folder: Path) -> Home:
    home = Home(folder / "stack")
    home.prepare()
    return home


def test_a_second_run_of_the_same_folder_is_told_who_is_there(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    home.write({"supervisor": 4711, "web": "127.0.0.1:7400"})
    with (
        home.locked(),
        pytest.raises(StackRefused, match=r"4711.*127\.0\.0\.1:7400"),
        home.locked(),
    ):
        pass
    with home.locked():  # once the first has ended, the folder is free
        pass


def test_a_nearly_full_disk_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.local.home.FREE_MIN_BYTES", 1 << 62)
    with pytest.raises(StackRefused, match="too full"):
        a_home(tmp_path)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "stack").write_text("a file is in the way")
    with pytest.raises(StackRefused, match="cannot be written"):
        a_home(tmp_path)


def test_the_secret_is_made_once_and_kept_from_others(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    assert home.secret() == home.secret()
    assert stat.S_IMODE((home.path / "secret").stat().st_mode) == 0o600


def test_what_cannot_be_read_counts_as_nothing(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    for text in ("", "[]", "{"):
        home.state.write_text(text)
        assert home.read() == {}


def test_only_processes_of_this_folder_are_ended(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
    ours = subprocess.Popen(sleep, env={**os.environ, MARK: str(home.path)})
    strangers = subprocess.Popen(sleep, env={**os.environ, MARK: "/another"})
    try:
        for process in (ours, strangers):  # until the new program's environment is in place
            while MARK not in psutil.Process(process.pid).environ():
                pass
        home.write({"pids": {"ours": ours.pid, "stranger": strangers.pid, "gone": 2**22 - 1}})
        assert [process.pid for process in home.leftovers()] == [ours.pid]
        end_processes(home.leftovers(), wait_s=5)
        assert not psutil.pid_exists(ours.pid)
        assert strangers.poll() is None
    finally:
        ours.kill()
        strangers.kill()
        ours.wait()
        strangers.wait()
