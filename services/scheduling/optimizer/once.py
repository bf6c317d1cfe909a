"""Which requests a person may serve once only in one tour of several days, as far as pricing needs to know.

A plan serves every request once, a person's best round by itself does not stop at that: where nobody can reach a request in a
day, a night between two visits to it would stand for the second request that such a tour needs. Pricing keeps apart only what is
listed here, and lists what it sees repeated (decremental state space relaxation: Righini and Salani 2008,
doi 10.1002/net.20212). Whatever is listed, what is left out is no part of any plan, so that every list proves a bound.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.scheduling.optimizer.compiling import lean

ONCE_MAX = 6
"""Requests listed of one person, at most: each may double the beds of a day."""


class Once:
    """Lists of all people; they only grow. `requests[e]` are those of person `e`, -1 where there are no more; bit `i` of
    `matter[e, day]` says whether having served `requests[e, i]` until that day matters to a tour that goes on after it.
    """

    def __init__(
        self, experts: int, days: int, nights_max: NDArray[Any], at: NDArray[Any], of: NDArray[Any]
    ) -> None:
        """The passes of person-day `i` are for requests `of[at[i] : at[i + 1]]`."""
        self.requests = np.full((experts, ONCE_MAX), -1, dtype=np.int32)
        self.matter = np.zeros((experts, days), dtype=np.int64)
        self._days, self._nights_max, self._at, self._of = days, nights_max, at, of

    def pairs(self) -> list[tuple[int, int]]:
        """All listed (person, request), in order."""
        who, where = np.nonzero(self.requests >= 0)
        return sorted((int(e), int(r)) for e, r in zip(who, self.requests[who, where], strict=True))

    def learn(
        self,
        tour_day: NDArray[Any],
        lodges: NDArray[np.bool_],
        tour_size: NDArray[Any],
        tour_pass: NDArray[Any],
        request: NDArray[Any],
    ) -> list[int]:
        """List what these day tours, in order of people and days, serve more than once before they are home, as they are not where
        somebody `lodges` after them; whose list has grown.
        """
        grown = []
        for e, r in _repeated(tour_day, lodges, tour_size, tour_pass, request, self._days):
            own = self.requests[e]
            if r not in own and own[-1] < 0:
                self._list(e, int(np.argmax(own < 0)), r)
                grown.append(e)
        return sorted(set(grown))

    def _list(self, e: int, place: int, r: int) -> None:
        self.requests[e, place] = r
        on = [
            day
            for day in range(self._days)
            if r in self._of[self._at[e * self._days + day] : self._at[e * self._days + day + 1]]
        ]
        for first in on:
            for last in on:
                if first < last <= first + int(self._nights_max[e]):
                    self.matter[e, first:last] |= 1 << place

    def seen(self, e: int, requests: NDArray[Any]) -> int:
        """The bits of what of `requests` is listed of the person."""
        return sum(1 << i for i in range(ONCE_MAX) if self.requests[e, i] in requests)


def _repeated(
    tour_day: NDArray[Any],
    lodges: NDArray[np.bool_],
    tour_size: NDArray[Any],
    tour_pass: NDArray[Any],
    request: NDArray[Any],
    days: int,
) -> list[tuple[int, int]]:
    """(person, request) of all that is served more than once from home to home."""
    found = []
    served: set[int] = set()
    for t in np.flatnonzero(lodges | np.roll(lodges, 1)).tolist():
        if t == 0 or not lodges[t - 1]:
            served = set()
        for one in request[tour_pass[t, : tour_size[t]]].tolist():
            if one in served:
                found.append((int(tour_day[t]) // days, one))
            served.add(one)
    return found


@lean
def folded(seen: int, matter: int) -> int:
    """Which of the subsets of `matter` the bits of `seen` in it are."""
    found, place = 0, 0
    while matter:
        low = matter & -matter
        if seen & low:
            found |= 1 << place
        place += 1
        matter ^= low
    return found


@lean
def unfolded(subset: int, matter: int) -> int:
    """The bits of that subset of `matter`: `folded` back again."""
    found = 0
    while matter:
        low = matter & -matter
        if subset & 1:
            found |= low
        subset >>= 1
        matter ^= low
    return found


@lean
def subsets(matter: int) -> int:
    """How many subsets `matter` has."""
    found = 1
    while matter:
        found *= 2
        matter &= matter - 1
    return found
