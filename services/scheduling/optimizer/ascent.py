"""First prices: an incremental subgradient method, which moves prices after every person (Nedić and Bertsekas 2001,
doi 10.1137/S1052623499362111).

Each person in turn takes their best round at the prices of the moment; what they take becomes cheaper at once: the request keeps
more of what it counts, and at that start the seat gets less of the rest and the other seats of the team more. Those whose best
round is dear to find, because they may spend nights away, choose anew in one pass of `TURNS` and in the others take what they had
chosen: they are a fifth of the people and nineteen twentieths of the work. After each block
of people every request that still keeps something gives a little of it back, as much in a whole pass as one full team takes.
Prices of caps, quotas and spans move once a pass. The prices that are offered for a proof are also averaged over the passes,
which takes out much of their to and fro.
"""

from collections.abc import Callable

import numpy as np

from services.scheduling.optimizer.lagrange import Point, Relaxation
from services.scheduling.optimizer.pricing import Numbers, Prices, Rounds

BLOCKS = 20
"""How often in a pass what is wanted grows dearer."""
EVERYWHERE = 0.4
"""How much of what a seat loses at one start it loses at all starts."""
TURNS = 4
"""Passes in which those who may spend nights away choose once."""
REMEMBERED = 0.9
"""How much of the averaged prices is left after a pass."""


class Ascent:
    """Prices by class of a stage without fixed charges, as real numbers."""

    def __init__(self, relaxation: Relaxation, prices: Prices, *, seed: int) -> None:
        """People come in an order that `seed` decides."""
        self._relaxation, self._prices = relaxation, prices
        shape = relaxation.shape
        packed, passes = shape.packed, shape.passes
        self._dice = np.random.default_rng(seed)
        problem = shape.problem
        flags = [one.required for request in problem.requests for one in request.seats]
        self._required = np.array(flags, dtype=np.bool_)
        needed = np.bincount(packed.seat_request[self._required], minlength=packed.requests)
        self._needed = np.maximum(1, needed).astype(np.float64)
        sizes = np.diff(np.append(passes.seat_class_at, passes.classes))
        self._seat_of_class = np.repeat(np.arange(packed.seats), sizes)
        self._starts = sizes
        self.kept = 0.5 * relaxation.counted
        of_class = shape.request_of
        self.reward = (relaxation.counted - self.kept)[of_class] / self._needed[of_class]
        self.reward[shape.optional] = 0.0
        vain = np.where(
            shape.in_vain[passes.group], 2 * relaxation.counted[passes.request], 0
        ).astype(np.int64)
        self._own = relaxation.own_worth - vain
        self._caps = np.zeros(len(packed.cap_max))
        self._quotas = np.zeros(len(shape.quota_max))
        self._spans = np.zeros(len(shape.spans))
        self._presences = np.zeros(len(shape.presence_slot))
        self._share = (~shape.optional) / self._needed[of_class]
        busy = np.diff(passes.at).reshape(packed.experts, packed.days).any(axis=1)
        self._people = np.flatnonzero(busy)
        away = packed.nights_max > 0
        self._turn = np.where(away, np.cumsum(away) % TURNS, -1)
        """In which pass of `TURNS` a person chooses, -1: in each."""
        self._done = 0
        weekly = np.minimum(packed.week_left.sum(axis=1), packed.days * packed.per_day_max)
        most = max(0, int(np.minimum(packed.round_left, weekly).max(initial=0)))
        self._chosen = np.zeros((packed.experts, most), dtype=np.int64)
        self._chosen_size = np.zeros(packed.experts, dtype=np.int64)
        self._mean: tuple[Numbers, ...] | None = None
        # the classes of each slot's required seats, for what spans take from them
        self._slot_classes = np.where(shape.slots >= 0, shape.slots, 0)
        self._slot_shares = np.where(shape.slots >= 0, self._share[self._slot_classes], 0.0)

    def point(self) -> Point:
        """The prices of the last passes, averaged."""
        reward, caps, quotas, spans, presences = self._mean or self._now()
        return self._relaxation.point(
            reward, caps=caps, quotas=quotas, spacings=spans, presences=presences
        )

    def _now(self) -> tuple[Numbers, ...]:
        return self.reward, self._caps, self._quotas, self._spans, self._presences

    def one(
        self,
        step: float,
        *,
        until: Callable[[], bool],
        tell: Callable[[Rounds], object] = lambda _tours: None,
    ) -> bool:
        """A pass over everybody, `step` in scaled units; `tell` hears of the tours they choose. False when `until` said to end."""
        shape = self._relaxation.shape
        passes = shape.passes
        order = self._dice.permutation(self._people)
        block = max(1, len(order) // BLOCKS)
        visits = np.zeros(passes.classes)
        used = np.zeros(len(self._quotas) + 1)
        choosing = (self._turn == -1) | (self._turn == self._done % TURNS) | (self._done == 0)
        for first in range(0, len(order), block):
            some = order[first : first + block]
            tours = self._prices.bid(
                some, self._own, shape.quota_of, self._quotas, self._relaxation.terms,
                self.reward, self.kept, visits, used, self._seat_of_class, self._starts,
                self._required, self._needed, step, EVERYWHERE,
                shape.presence_of, shape.presence_at, shape.slot_of_class, self._presences,
                choosing, self._chosen, self._chosen_size,
            )  # fmt: skip
            if until():
                return False
            tell(tours)
            self._give(step * len(some) / len(order))
        self._charge(step, visits, used[:-1])
        self._done += 1
        now = self._now()
        self._mean = tuple(
            REMEMBERED * before + (1 - REMEMBERED) * one
            for before, one in zip(self._mean or now, now, strict=True)
        )
        return True

    def _give(self, much: float) -> None:
        """Requests that keep something give up to `much` of it to their seats."""
        given = np.minimum(much, np.maximum(0.0, self.kept))
        self.kept -= given
        shape = self._relaxation.shape
        self.reward += self._share * given[shape.request_of]

    def _charge(self, step: float, visits: Numbers, used: Numbers) -> None:
        """Move the prices of caps, quotas and spans."""
        shape = self._relaxation.shape
        packed = shape.packed
        shared = visits * self._share
        if len(self._caps):
            served = np.bincount(shape.request_of, weights=shared, minlength=packed.requests)
            taken = np.bincount(
                packed.cap, weights=served[shape.caps_of], minlength=len(self._caps)
            )
            before = self._caps
            self._caps = np.maximum(0, before + 0.5 * step * (taken - packed.cap_max))
            dearer = np.zeros(packed.requests)
            np.add.at(dearer, shape.caps_of, (self._caps - before)[packed.cap])
            self.reward -= self._share * dearer[shape.request_of]
        if len(self._spans):
            slots = (shared[self._slot_classes] * (self._slot_shares > 0)).sum(axis=1)
            taken = np.bincount(
                shape.span_of, weights=slots[shape.span_slot], minlength=len(self._spans)
            )
            before = self._spans
            self._spans = np.maximum(0, before + _pace(step, taken - 1))
            dearer = np.zeros(len(shape.slots))
            np.add.at(dearer, shape.span_slot, (self._spans - before)[shape.span_of])
            np.subtract.at(self.reward, self._slot_classes, self._slot_shares * dearer[:, None])
        if len(self._quotas):
            self._quotas = np.maximum(0, self._quotas + _pace(step, used - shape.quota_max))


def _pace(step: float, over: Numbers) -> Numbers:
    """By how much the price of a quota or span moves for so much too much; people who all run after the same count as one."""
    pace: Numbers = 0.5 * step * np.clip(over, -1.0, 1.0)
    return pace
