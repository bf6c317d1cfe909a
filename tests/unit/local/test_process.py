"""One process of the stack: its log, its end, its port."""

import socket
import time
from pathlib import Path

from services.local.process import Child, free_port, is_free


def a_child(code: str, folder: Path) -> Child:
    return Child("child", ["-c", code], environment={"GREETING": "你好"}, log=folder / "child.log")


def test_the_end_of_its_log_says_why_it_ended(tmp_path: Path) -> None:
    child = a_child("import os; print(os.environ['GREETING']); raise SystemExit(3)", tmp_path)
    child.start()
    child.wait(until=time.monotonic() + 10)
    assert (child.exit_code(), child.last_lines()) == (3, "你好")


def test_one_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    child = a_child(
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)",
        tmp_path,
    )
    child.start()
    while "ready" not in child.last_lines():
        time.sleep(0.01)
    child.stop()
    child.wait(until=time.monotonic() + 0.2)
    assert child.exit_code() == -9


def test_a_used_port_is_not_free(tmp_path: Path) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        assert not is_free(server.getsockname()[1])
    assert is_free(free_port())
