"""A storm of the size that a gate has time for; by hand it rages for as long as asked (docs/reliability.md)."""

import json
import os
import subprocess
import sys

import pytest

from tests.architecture.tree import ROOT
from tests.chaos.faults import SHARES, plan
from tests.chaos.mutants import MUTANTS

COMMANDS, FAULTS = 2500, 40
"""Two to three minutes on two free cores; about the density of 300 faults over 20,000 commands."""


def test_the_same_seed_draws_the_same_faults() -> None:
    assert plan(seed=7, faults=300, commands=20_000) == plan(seed=7, faults=300, commands=20_000)
    assert plan(seed=8, faults=300, commands=20_000) != plan(seed=7, faults=300, commands=20_000)
    faults = plan(seed=7, faults=300, commands=20_000)
    assert len(faults) >= 300
    assert {fault.kind for fault in faults} == set(SHARES)
    assert all(0 < fault.at < 20_000 for fault in faults)


def test_every_mutant_still_finds_its_place() -> None:
    for mutant in MUTANTS:
        assert (ROOT / mutant.file).read_text().count(mutant.old) == 1, mutant.name


@pytest.mark.chaos
@pytest.mark.kafka
@pytest.mark.timeout(1800)
def test_everything_holds_after_a_storm() -> None:
    seed = os.environ.get("ZHIHUI_STORM_SEED", "7")
    done = subprocess.run(
        [
            *(sys.executable, "-W", "ignore", "-m", "tests.chaos"),
            *("--seed", seed, "--commands", str(COMMANDS), "--faults", str(FAULTS)),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'libs/genproto'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-4000:]
    _, _, result = done.stdout.splitlines()[-1].partition("{")
    had = json.loads("{" + result)
    assert had["rounds published"] >= 1
    assert min(had["bookings"], had["deliveries"], had["cancellations"]) >= 1
