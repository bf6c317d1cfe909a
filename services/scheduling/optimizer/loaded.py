"""A problem as the arrays that quick answers are read from, made once and kept; a plan of it is loaded in milliseconds."""

from typing import Any

import numpy as np

from services.scheduling.optimizer.packed import Packed, pack
from services.scheduling.optimizer.problem import Plan, Problem
from services.scheduling.optimizer.sifting import (
    COUNTS,
    FILTERED,
    Tables,
    all_asks,
    sift_all,
    tables,
)
from services.scheduling.optimizer.state import Given, State, empty, given, load_plan

KEPT = 2
"""Problems whose arrays are kept; 3,000 requests with 1,000 experts take some 30 MB."""


class Board:
    """What of a problem no plan changes; `board_of` makes and keeps it."""

    def __init__(self, problem: Problem) -> None:
        self.packed: Packed = pack(problem, candidates=False)
        self.given: Given = given(self.packed, near=0)
        self.known: Tables = tables(problem)
        self.asks, self.seats = all_asks(problem, self.packed)


_boards: list[tuple[Problem, Board]] = []


def board_of(problem: Problem) -> Board:
    """The arrays of the problem; told apart by being the very same object, because problems never change."""
    for known, board in _boards:
        if known is problem:
            return board
    board = Board(problem)
    _boards[:] = [(problem, board), *_boards[: KEPT - 1]]
    return board


class Loaded:
    """A plan, which breaks no rule, as a `State` on the board of its problem; standbys are left out."""

    def __init__(self, problem: Problem, plan: Plan) -> None:
        self.board = board_of(problem)
        self.state: State = empty(self.board.packed, 0)
        sound = load_plan(self.board.packed, self.board.given, self.state, plan)
        assert sound, "answers are given about plans that break no rule"

    def sifted(self, requests: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> Any:
        """A row for each of the unserved requests, as `sifting.sift_all` has it."""
        board = self.board
        found = np.zeros((len(requests), COUNTS + FILTERED), dtype=np.int64)
        sift_all(board.given, self.state, board.known, board.asks, board.seats, requests, found)
        return found
