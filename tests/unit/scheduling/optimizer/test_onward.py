"""What days after a night rest on: ways over a third place, and what a bed can still reach."""

import numpy as np
import pytest

from services.scheduling.optimizer.onward import CHAIN, LATEST, LEGS, MARKS, detours, spared, way_to


def line(*at: int) -> np.ndarray[tuple[int, int], np.dtype[np.int16]]:
    """Minutes between points of a line."""
    spots = np.array(at)
    return np.abs(spots[:, None] - spots[None, :]).astype(np.int16)


def test_the_longest_detour_that_is_shorter_is_known() -> None:
    travel = line(0, 10, 30)
    assert detours(travel, 60) == 0
    travel[0, 2] = 37  # over the second place it is 30
    assert detours(travel, 60) == 7
    assert detours(travel, 7) == 7
    assert detours(travel, 6) == -1


def test_a_visit_is_spared_for_no_more_than_the_travel_it_may_cost() -> None:
    assert spared(3, 100) == (-300, 3)
    least, minutes = spared(-1, 100)
    assert least < -(2**50)
    assert minutes == 0


@pytest.mark.parametrize(
    ("latest", "legs", "minutes"),
    [(60, 30, 20), (30, 30, 20), (29, 30, -1), (60, 80, 20), (60, 81, -1)],
)
def test_a_bed_reaches_a_chain_until_its_latest_start_and_within_the_travel_of_the_day(
    latest: int, legs: int, minutes: int
) -> None:
    row = np.zeros(CHAIN + 1, dtype=np.int64)
    row[LATEST], row[LEGS] = latest, legs
    place, first = np.array([1], dtype=np.int32), np.array([0], dtype=np.int32)
    # 20 minutes away, the day opens at 5: there at 25, on the grid at 30
    assert way_to(row, 0, 0, 5, 30, line(0, 20), place, first, 100) == minutes
    row[MARKS] = 0b10
    assert way_to(row, 0, 0b01, 5, 30, line(0, 20), place, first, 100) == minutes
    assert way_to(row, 0, 0b11, 5, 30, line(0, 20), place, first, 100) == -1
