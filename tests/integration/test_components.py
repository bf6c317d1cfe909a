"""The clients' logic keeps its promises: vitest's tests of `services/web/client/tests`, run by Node."""

import subprocess

import pytest

from tests.support.openapi import CLIENT

pytestmark = pytest.mark.node


def test_the_logic_of_the_clients_holds() -> None:
    if not (CLIENT / "node_modules/vitest").exists():
        subprocess.run(["npm", "ci", "--silent", "--ignore-scripts"], cwd=CLIENT, check=True)
    done = subprocess.run(
        ["npm", "test", "--silent"], cwd=CLIENT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
