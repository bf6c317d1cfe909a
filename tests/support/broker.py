"""An embedded broker for a test session: its own process, as in the embedded stack."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT


def start_broker(folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    """A broker's process and its bootstrap address."""
    address_file = folder / "broker.address"
    address_file.unlink(missing_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "services.local.broker", "--address-file", str(address_file)],
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'libs/genproto'}"},
        stderr=subprocess.DEVNULL,
    )
    for _ in range(200):
        if address_file.exists():
            return process, address_file.read_text()
        assert process.poll() is None, "the broker ended at once"
        time.sleep(0.05)
    raise AssertionError("the broker did not start")


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Bootstrap address of an embedded broker, shared by the session: use topics' keys of your own."""
    process, address = start_broker(tmp_path_factory.mktemp("broker"))
    yield address
    process.terminate()
    process.wait(10)


@pytest.fixture
def fresh_broker(tmp_path: Path) -> Iterator[str]:
    """Bootstrap address of an embedded broker of this test's own."""
    process, address = start_broker(tmp_path)
    yield address
    process.terminate()
    process.wait(10)
