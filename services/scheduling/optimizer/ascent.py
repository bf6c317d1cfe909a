"""First prices: an incremental subgradient method, which moves prices after every person (Nedić and Bertsekas 2001,
doi 10.1137/S1052623499362111).

Each person in turn takes their best round at the prices of the moment; what they take becomes `step` cheaper at once. After
each block of people every request that still keeps something offers its seats a little more, as much in a whole pass as one
visit takes away. The seats of a team get the same at all starts: single starts are the master's business.
"""

from collections.abc import Callable

import numpy as np

from services.scheduling.optimizer.lagrange import Point, Relaxation
from services.scheduling.optimizer.pricing import Numbers, Prices

BLOCKS = 20
"""How often in a pass what is wanted grows dearer."""


class Ascent:
    """Prices by seat of a stage without fixed charges, as real numbers."""

    def __init__(self, relaxation: Relaxation, prices: Prices, *, step: float, seed: int) -> None:
        """`step` in scaled units; people come in an order that `seed` decides."""
        self._relaxation, self._prices = relaxation, prices
        shape = relaxation.shape
        packed, passes = shape.packed, shape.passes
        self.step = step
        self._dice = np.random.default_rng(seed)
        # classes of one seat move together
        seat = packed.candidate_seat[passes.candidate]
        self._pass_seat = seat.astype(np.int64)
        sizes = np.diff(np.append(passes.seat_class_at, passes.classes))
        self._seat_of_class = np.repeat(np.arange(packed.seats), sizes)
        problem = shape.problem
        flags = [one.required for request in problem.requests for one in request.seats]
        self._required = np.array(flags, dtype=np.bool_)
        self._request = packed.seat_request.astype(np.int64)
        needed = np.bincount(self._request[self._required], minlength=packed.requests)
        self._needed = np.maximum(1, needed)
        self._most = relaxation.counted.astype(np.float64)
        self.reward = np.where(
            self._required, 0.5 * (self._most / self._needed)[self._request], 0.0
        )
        vain = shape.in_vain[passes.group]
        self._worth = relaxation.own_worth - np.where(
            vain, 2 * self._most[passes.request], 0
        ).astype(np.int64)
        vain = shape.in_vain[passes.group]
        nothing = np.where(vain, 2 * relaxation.counted[passes.request], 0)
        self._own = relaxation.own_worth - nothing
        self._caps = np.zeros(len(packed.cap_max))
        busy = np.diff(passes.at).reshape(packed.experts, packed.days).any(axis=1)
        self._people = np.flatnonzero(busy)

    def point(self) -> Point:
        """The prices as they are."""
        return self._relaxation.point(self.reward[self._seat_of_class], caps=self._caps)

    def one(self, *, until: Callable[[], bool]) -> bool:
        """A pass over everybody; False when `until` said to end."""
        shape = self._relaxation.shape
        packed, passes = shape.packed, shape.passes
        order = self._dice.permutation(self._people)
        block = max(1, len(order) // BLOCKS)
        worth = self._own
        taken = np.zeros(packed.requests)
        for index, expert in enumerate(order.tolist()):
            low = int(passes.at[expert * packed.days])
            high = int(passes.at[(expert + 1) * packed.days])
            own = np.rint(self.reward[self._pass_seat[low:high]]).astype(np.int64) + worth[low:high]
            visits = self._prices.best_of(expert, low, own, self._relaxation.terms)
            seats = self._pass_seat[visits]
            # somebody may take a seat on several days, and makes it so much cheaper
            np.subtract.at(self.reward, seats, self.step)
            np.add.at(taken, self._request[seats[self._required[seats]]], 1.0)
            if (index + 1) % block == 0 or index + 1 == len(order):
                if until():
                    return False
                done = block if (index + 1) % block == 0 else (index + 1) % block
                self._offer(self.step * done / max(1, len(order)))
        if len(self._caps):
            served = taken / self._needed
            used = np.bincount(packed.cap, weights=served[shape.caps_of], minlength=len(self._caps))
            self._caps = np.maximum(0, self._caps + 0.5 * self.step * (used - packed.cap_max))
        return True

    def _left(self) -> Numbers:
        """By request: what it keeps if that may be negative."""
        given = np.bincount(self._request, weights=self.reward, minlength=len(self._most))
        caps = np.zeros(len(self._most))
        packed = self._relaxation.shape.packed
        if len(self._caps):
            np.add.at(caps, self._relaxation.shape.caps_of, self._caps[packed.cap])
        left: Numbers = self._most - caps - given
        return left

    def _offer(self, much: float) -> None:
        """Requests that keep something offer up to `much` to each of their seats."""
        left = np.minimum(much * self._needed, np.maximum(0.0, self._left()))
        self.reward += np.where(self._required, (left / self._needed)[self._request], 0.0)
        optional = ~self._required
        rising = np.minimum(self.reward + much, 0.0)
        self.reward[optional] = rising[optional]
