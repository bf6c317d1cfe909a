"""What takes the solver's rules out one by one does take them out, and can fail: a mutant that could not be loaded passed for a noticed one."""

from pathlib import Path

import pytest

from tests.architecture.tree import ROOT
from tests.mutation.solver import ALL, NOTICED, noticed_in_a_process

SOLVER = ROOT / "services/scheduling/optimizer"


def test_what_a_mutant_leaves_out_is_there_just_once() -> None:
    texts = {path.stem: path.read_text(encoding="utf-8") for path in Path(SOLVER).glob("*.py")}
    changes = [change for _, mutant in ALL for change in mutant.changes]
    assert [one for one in changes if texts[one[0]].count(one[1]) != 1] == []


def test_the_solver_without_a_rule_is_noticed() -> None:
    assert noticed_in_a_process(0)


def test_what_goes_wrong_otherwise_is_not_taken_for_noticed() -> None:
    assert NOTICED != 1
    with pytest.raises(RuntimeError, match="IndexError"):
        noticed_in_a_process(len(ALL))
