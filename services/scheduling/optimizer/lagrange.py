"""The Lagrangian relaxation of a stage: for any prices a proven bound, in whole numbers, and which way the prices should go.

Requests buy their seats from people. Seat class `c` (`pricing.Passes.group`) pays `reward[c]` to whoever makes the visit;
request `r` keeps `max(0, counted[r] - prices of its caps and spans - rewards of its seats)` at the start where that is most. With
prices for caps, budgets, quotas and spans of series the bound is

    constant + sum kept[r] + sum caps[c] * served_max[c] + sum budgets[b] * cost_max[b] + sum quotas[q] * quota[q]
             + sum spacings[s] + sum over people of the worth of their best round at these rewards and prices

(Geoffrion 1974, doi 10.1007/BFb0120690). Everything is an integer in units of 1 / scale of the stage's value.
"""

import copy
import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from services.scheduling.optimizer.duals import (
    Choice,
    Duals,
    PresencePrice,
    QuotaPrice,
    ServedOnce,
    SpacingPrice,
    Split,
)
from services.scheduling.optimizer.packed import NO_QUOTA, Packed
from services.scheduling.optimizer.pricing import (
    Numbers,
    Passes,
    Prices,
    Rounds,
    Terms,
    stands_alone,
)
from services.scheduling.optimizer.problem import DAY_MIN, Problem, Stage
from services.scheduling.optimizer.proofs import Proof, kept


@dataclasses.dataclass(frozen=True, slots=True)
class Point:
    """Prices: rewards by class, of caps, of budgets, of the quotas of `Shape.quota_pairs`, of `Shape.spans`, of `Shape.presences`,
    what the expert of each choice of the relaxation earns besides, and of keeping what is served of `Relaxation.keep`.
    """

    reward: Numbers
    caps: Numbers
    budgets: Numbers
    quotas: Numbers
    spacings: Numbers
    presences: Numbers
    dues: Numbers
    keeps: Numbers


@dataclasses.dataclass(frozen=True, slots=True)
class Valued:
    """A point's bound times scale, what requests keep, and everybody's best rounds."""

    bound: int
    kept: Numbers
    rounds: Rounds


class Shape:
    """What requests and classes are to one another; the same for all stages."""

    def __init__(self, problem: Problem, packed: Packed, passes: Passes) -> None:
        self.problem, self.packed, self.passes = problem, packed, passes
        sizes = np.diff(packed.seat_at)
        alone = stands_alone(packed)
        self.alone = np.flatnonzero(alone).astype(np.int64)
        self.alone_class = passes.seat_class_at[packed.seat_at[self.alone]]
        most = int(sizes.max()) if len(sizes) else 1
        rows, owner, begins = [], [], []
        for request in np.flatnonzero(~alone):
            starts = int(packed.start_at[request + 1] - packed.start_at[request])
            seats = passes.seat_class_at[packed.seat_at[request] : packed.seat_at[request + 1]]
            for i in range(starts):
                rows.append([*(seats + i), *[-1] * (most - len(seats))])
                owner.append(request)
                begins.append(packed.starts[packed.start_at[request] + i])
        self.slots = np.array(rows, dtype=np.int64).reshape(-1, most)
        """By team and start: the classes of its seats, -1 where there are fewer."""
        self.slot_request = np.array(owner, dtype=np.int64)
        self.slot_start = np.array(begins, dtype=np.int64)
        self.heads = np.flatnonzero(np.diff(self.slot_request, prepend=-1)).astype(np.int64)
        self.slot_count = np.diff(self.heads, append=len(self.slot_request))
        self.team = self.slot_request[self.heads] if len(self.heads) else self.heads
        self.request_of = np.zeros(passes.classes, dtype=np.int64)
        self.optional = np.zeros(passes.classes, dtype=np.bool_)
        self.request_of[self.alone_class] = self.alone
        for seat in range(most):
            there = self.slots[:, seat] >= 0
            classes, requests = self.slots[there, seat], self.slot_request[there]
            self.request_of[classes] = requests
            self.optional[classes] = [
                not problem.requests[request].seats[seat].required for request in requests
            ]
        self.count = np.bincount(passes.group, minlength=passes.classes)
        """By class: its passes."""
        self.hopeless = (self.count == 0) & ~self.optional
        """Required classes that nobody can serve; their reward costs nothing."""
        self.in_vain = np.zeros(passes.classes, dtype=np.bool_)
        """Classes whose team cannot be whole at that start."""
        padded = np.maximum(self.slots, 0)
        broken = (self.hopeless[padded] & (self.slots >= 0)).any(axis=1)
        vain = self.slots[broken]
        self.in_vain[vain[vain >= 0]] = True
        self.slot_of_class = np.full(passes.classes, -1, dtype=np.int64)
        """By class: its slot; -1 for requests that stand alone."""
        rows_there, seats_there = np.nonzero(self.slots >= 0)
        self.slot_of_class[self.slots[rows_there, seats_there]] = rows_there
        self.seats_of = sizes[self.request_of].astype(np.int64)
        self.fit = packed.candidate_fit[passes.candidate].astype(np.int64)
        self.person = packed.candidate_expert[passes.candidate]
        self.quota_pairs = np.argwhere((packed.quota > 0) & (packed.quota < NO_QUOTA)).astype(
            np.int64
        )
        index = np.full(packed.quota.shape, -1, dtype=np.int64)
        index[tuple(self.quota_pairs.T)] = np.arange(len(self.quota_pairs))
        self.quota_of = index[packed.pool[self.person], packed.node[passes.request]]
        """By pass: its quota pair, or -1."""
        self.quota_max = packed.quota[tuple(self.quota_pairs.T)].astype(np.int64)
        self.cost = packed.cost[self.person]
        everyone = np.arange(packed.requests)
        self.spans, self.span_of, self.span_slot = self._spans()
        self.presence_of, self.presence_slot, self.presence_person = self._presences()
        self.presence_at = np.searchsorted(self.presence_slot, np.arange(len(self.slots) + 1))
        self.caps_of = np.repeat(everyone, np.diff(packed.cap_at))
        self.budgets_of = np.repeat(everyone, np.diff(packed.budget_at))

    def _spans(self) -> tuple[Numbers, Numbers, Numbers]:
        """The spans of days in which a series has one event at most, as (series, first day), and which slots lie in which."""
        packed = self.packed
        spans: list[tuple[int, int]] = []
        span_of: list[int] = []
        span_slot: list[int] = []
        days = self.slot_start // DAY_MIN
        for series in range(len(packed.spacing)):
            length = int(packed.spacing[series])
            members = packed.member[packed.member_at[series] : packed.member_at[series + 1]]
            if length <= 0 or len(set(members.tolist())) < 2:
                continue
            slots = np.flatnonzero(np.isin(self.slot_request, members))
            for first in sorted(set(days[slots].tolist())):
                inside = slots[(days[slots] >= first) & (days[slots] < first + length)]
                if len(set(self.slot_request[inside].tolist())) > 1:
                    span_of += [len(spans)] * len(inside)
                    span_slot += inside.tolist()
                    spans.append((series, first))
        return (
            np.array(spans, dtype=np.int64).reshape(-1, 2),
            np.array(span_of, dtype=np.int64),
            np.array(span_slot, dtype=np.int64),
        )

    def _presences(self) -> tuple[Numbers, Numbers, Numbers]:
        """Whoever could take more than one seat of a team at one start: by pass which of them, or -1; by each, slot and person, slot by slot."""
        passes = self.passes
        slot = self.slot_of_class[passes.group]
        ways = np.flatnonzero((slot >= 0) & ~self.in_vain[passes.group])
        people = self.packed.experts
        key = slot[ways] * people + self.person[ways]
        # a seat that can be taken remotely or on site is one seat
        seats = np.unique(key * passes.classes + passes.group[ways]) // passes.classes
        present, count = np.unique(seats, return_counts=True)
        present = present[count > 1]
        of_pass = np.full(len(passes.group), -1, dtype=np.int64)
        where = np.searchsorted(present, key)
        found = where < len(present)
        found[found] = present[where[found]] == key[found]
        of_pass[ways[found]] = where[found]
        return of_pass, present // people, present % people


VAIN = 1_000
"""What it costs to be in a team that cannot be whole, as a multiple of the most that a request counts."""
NEVER = -(1 << 40)
"""What is worth this much is in no best round, and what keeps it is no bound."""


class Relaxation:
    """A stage's bound as a function of prices, for the plans in which `choices` are so."""

    def __init__(
        self,
        shape: Shape,
        prices: Prices,
        stage: Stage,
        *,
        scale: int = 1000,
        need: int = 0,
        shares: Numbers | None = None,
        choices: Sequence[Choice] = (),
    ) -> None:
        """`need` is the price of keeping the need reached, which is to be taken off the bound as often; `shares` weigh the
        shares in the FLOOR stage.

        Raises:
            ValueError: a choice is about the start of a request with one seat.
        """
        self.shape, self.stage, self.scale = shape, stage, scale
        self.once = prices.once
        self._choose(choices)
        self._prices, self._need = prices, need
        problem, packed = shape.problem, shape.packed
        share_prices = np.zeros(len(problem.shares), dtype=np.int64) if shares is None else shares
        self._shares = share_prices
        self.constant = 0
        counted = need * packed.weight
        if stage is Stage.EMERGENCY:
            counted = counted + scale * packed.weight * packed.emergency
        if stage is Stage.FLOOR:
            self.constant += int((share_prices * packed.share_carried).sum())
            owners = np.repeat(np.arange(packed.requests), np.diff(packed.share_at))
            counted = counted.copy()
            np.add.at(counted, owners, share_prices[packed.share] * packed.weight[owners])
        fit = need
        if stage is Stage.NEED:
            fit = scale
            counted = counted + scale * packed.weight
        if stage is Stage.STANDBY:
            counted = counted + scale * np.array(
                [one.standbys for one in problem.requests], dtype=np.int64
            )
        self.counted: Numbers = counted
        kinds = {Stage.FLOOR: 1, Stage.NEED: 1 + len(problem.shares)}.get(stage, 0)
        self.keep = kept_weights(shape)[:kinds]
        """What plans keep serving: of each kind (emergencies, then the shares) what each request weighs."""
        self.idle = np.zeros(shape.passes.classes, dtype=np.bool_)
        """Classes of requests with one seat that an early stage does not count: they pay nothing."""
        if stage in {Stage.EMERGENCY, Stage.FLOOR}:
            idle = (self.counted == 0) & ~self.keep.any(axis=0)
            self.idle[shape.alone_class] = idle[shape.alone]
        self.least = np.zeros(len(self.keep), dtype=np.int64)
        """How much of each kind that is; 0 where it is nothing in particular."""
        self.off = 0
        """What is taken off the bound for the need reached."""
        self.own_worth: Numbers = fit * shape.fit
        if stage is Stage.PROMISES:
            self.constant -= scale * sum(one.cost_drop for one in problem.promises)
        if stage in {Stage.PROMISES, Stage.PREFERENCE}:
            self.own_worth = self.own_worth + _extras(shape, stage, scale)
        self.terms = Terms(
            travel=scale if stage is Stage.TRAVEL else 0,
            night=scale * problem.policy.night_as_travel_min if stage is Stage.TRAVEL else 0,
            load=scale if stage is Stage.LOAD else 0,
        )
        self.fit = fit

    def _choose(self, choices: Sequence[Choice]) -> None:
        """What `choices` leave out and ask for."""
        self.choices = tuple(choices)
        shape = self.shape
        request = shape.passes.request
        self.barred = np.zeros(len(request), dtype=np.bool_)
        """By pass: whether it is in no plan of these."""
        self.shut = np.zeros(len(shape.slots), dtype=np.bool_)
        """By slot: whether its team meets in no plan of these."""
        self.must = np.zeros(shape.packed.requests, dtype=np.bool_)
        """By request: whether every plan of these serves it."""
        self.gone = np.zeros(shape.packed.requests, dtype=np.bool_)
        """By request: whether none does."""
        self.due_of = np.full(len(request), -1, dtype=np.int64)
        """By pass: the choice that its person serves this request."""
        for index, choice in enumerate(self.choices):
            own = request == choice.request
            if choice.expert >= 0:
                own &= shape.person == choice.expert
                if choice.holds:
                    self.due_of[own] = index
                    self.must[choice.request] = True
                else:
                    self.barred |= own
            elif choice.before >= 0:
                slots = shape.slot_request == choice.request
                if not slots.any():
                    raise ValueError(f"request {choice.request} has one seat")
                shut = slots & ((shape.slot_start < choice.before) != choice.holds)
                self.shut |= shut
                slot = shape.slot_of_class[shape.passes.group]
                self.barred |= own & np.append(shut, False)[slot]
            elif choice.holds:
                self.must[choice.request] = True
            else:
                self.gone[choice.request] = True
                self.barred |= own
                self.shut |= shape.slot_request == choice.request

    def reach(self, values: Mapping[Stage, int]) -> None:
        """From now on the bound is of plans that reach `values` in the stages before."""
        if len(self.keep):
            least = kept(self.shape.problem, values)
            self.least = np.array(least[: len(self.keep)], dtype=np.int64)

    def within(self, *more: Choice) -> "Relaxation":
        """The same for the plans in which `more` is so as well."""
        found = copy.copy(self)
        Relaxation._choose(found, (*self.choices, *more))
        return found

    def start(self, share: float) -> Point:
        """Rewards that give `share` of what is counted to the required seats, equally."""
        shape = self.shape
        sizes = np.ones(shape.packed.requests)
        for request in shape.team:
            seats = shape.problem.requests[request].seats
            sizes[request] = sum(seat.required for seat in seats)
        reward = share * (self.counted / sizes)[shape.request_of]
        reward[shape.optional] = 0
        return self.point(reward)

    def point(
        self,
        reward: Numbers,
        caps: Numbers | None = None,
        budgets: Numbers | None = None,
        quotas: Numbers | None = None,
        spacings: Numbers | None = None,
        presences: Numbers | None = None,
        dues: Numbers | None = None,
        keeps: Numbers | None = None,
    ) -> Point:
        """The nearest whole prices that the proof allows."""
        shape, packed = self.shape, self.shape.packed
        whole = np.rint(reward).astype(np.int64)
        prices = _whole(keeps, len(self.keep))
        counted = self.counted + prices @ self.keep
        alone = shape.alone_class
        free = self.must[shape.alone]
        whole[alone[~free]] = np.minimum(whole[alone], counted[shape.alone])[~free]
        whole[shape.optional] = np.minimum(whole[shape.optional], 0)
        whole[self.idle] = 0
        # a start at which nobody can take a seat may promise that seat as much as one likes, which the others pay: more than
        # whatever a night could bring that is spent on the way to them
        everything = VAIN * max(self.scale, int(counted.max(initial=0)))
        whole[shape.in_vain] = -everything
        whole[shape.hopeless] = (shape.seats_of * everything)[shape.hopeless]
        return Point(
            whole,
            _whole(caps, len(packed.cap_max)),
            _whole(budgets, len(packed.budget_max)),
            _whole(quotas, len(shape.quota_max)),
            _whole(spacings, len(shape.spans)),
            _whole(presences, len(shape.presence_slot)),
            self._dues(dues),
            prices,
        )

    def _dues(self, dues: Numbers | None) -> Numbers:
        """The nearest whole numbers, one per choice; a choice that was made since costs nothing."""
        found = np.zeros(len(self.choices), dtype=np.int64)
        if dues is not None:
            found[: len(dues)] = np.rint(dues)
        return found

    def without_rewards(self) -> Point:
        """Prices at which nobody earns anything: a seat costs what the stage counts for its best pass, if it counts anything."""
        shape, passes = self.shape, self.shape.passes
        seat = shape.packed.candidate_seat[passes.candidate]
        most = np.zeros(shape.packed.seats, dtype=np.int64)
        np.maximum.at(most, seat, self.own_worth)
        reward = np.zeros(passes.classes, dtype=np.int64)
        reward[passes.group] = -most[seat]
        return self.point(reward.astype(np.float64))

    def kept(self, alone: Numbers, slots: Numbers) -> Numbers:
        """What requests keep, of `left`."""
        shape = self.shape
        kept = np.zeros(shape.packed.requests, dtype=np.int64)
        kept[shape.alone] = alone
        if len(shape.heads):
            kept[shape.team] = np.maximum.reduceat(slots, shape.heads)
        kept[~self.must] = np.maximum(0, kept[~self.must])
        return kept

    def worths(self, point: Point) -> Numbers:
        """What each pass earns its person."""
        shape, packed = self.shape, self.shape.packed
        worth: Numbers = point.reward[shape.passes.group] + self.own_worth
        if point.quotas.any():
            worth = worth - np.where(shape.quota_of >= 0, point.quotas[shape.quota_of], 0)
        if point.presences.any():
            worth = worth - np.where(shape.presence_of >= 0, point.presences[shape.presence_of], 0)
        if point.budgets.any():
            paid = np.zeros(packed.requests, dtype=np.int64)
            np.add.at(paid, shape.budgets_of, point.budgets[packed.budget])
            worth = worth - paid[shape.passes.request] * shape.cost
        if self.choices:
            worth = worth + np.append(point.dues, 0)[self.due_of]
            worth[self.barred] = NEVER
        return worth

    def left(self, point: Point) -> tuple[Numbers, Numbers]:
        """What requests that stand alone, and others by slot, would keep if it may be negative."""
        shape, packed = self.shape, self.shape.packed
        counted = self.counted + point.keeps @ self.keep
        if point.caps.any():
            np.subtract.at(counted, shape.caps_of, point.caps[packed.cap])
        alone = counted[shape.alone] - point.reward[shape.alone_class]
        given = np.where(shape.slots >= 0, point.reward[np.maximum(shape.slots, 0)], 0).sum(axis=1)
        slots = counted[shape.slot_request] - given
        np.subtract.at(slots, shape.span_slot, point.spacings[shape.span_of])
        np.add.at(slots, shape.presence_slot, point.presences)
        alone[self.gone[shape.alone]] = NEVER
        slots[self.shut] = NEVER
        return alone, slots

    def value(self, point: Point, *, until: Callable[[], bool] = lambda: False) -> Valued | None:
        """The bound at `point`, None when `until` said to end before it was known."""
        rounds = self._prices.best(self.worths(point), self.terms, until=until)
        if rounds is None:
            return None
        shape, packed = self.shape, self.shape.packed
        kept = self.kept(*self.left(point))
        bound = (
            self.constant
            + int(kept.sum())
            + int((point.caps * packed.cap_max).sum())
            + int((point.budgets * packed.budget_max).sum())
            + int((point.quotas * shape.quota_max).sum())
            + int(point.spacings.sum())
            - int(point.dues.sum())
            - int(point.keeps @ self.least)
            + rounds.total
        )
        return Valued(bound, kept, rounds)

    def proof(self, bound: int, point: Point) -> Proof:
        """What proves that `bound`, times scale, of `point`."""
        duals = self._duals(point, self.kept(*self.left(point)))
        return Proof(duals, bound + int(point.keeps @ self.least) + self.off)

    def _duals(self, point: Point, kept: Numbers) -> Duals:
        shape = self.shape
        kept_shares = point.keeps[1:].tolist()
        splits = []
        before: tuple[int, tuple[int, ...]] = (-1, ())
        for slot, request, start in zip(
            shape.slots, shape.slot_request, shape.slot_start, strict=True
        ):
            rewards = tuple(int(point.reward[c]) for c in slot if c >= 0)
            if (int(request), rewards) != before:
                splits.append(Split(int(request), int(start), rewards))
                before = int(request), rewards
        return Duals(
            stage=self.stage,
            scale=self.scale,
            kept=tuple(kept.tolist()),
            splits=tuple(splits),
            caps=tuple(point.caps.tolist()),
            budgets=tuple(point.budgets.tolist()),
            quotas=tuple(
                QuotaPrice(int(pool), int(node), int(price))
                for (pool, node), price in zip(shape.quota_pairs, point.quotas, strict=True)
                if price
            ),
            spacings=tuple(
                SpacingPrice(int(series), int(day), int(price))
                for (series, day), price in zip(shape.spans, point.spacings, strict=True)
                if price
            ),
            presences=tuple(
                PresencePrice(
                    int(shape.slot_request[shape.presence_slot[one]]),
                    int(shape.slot_start[shape.presence_slot[one]]),
                    int(shape.presence_person[one]),
                    int(point.presences[one]),
                )
                for one in np.flatnonzero(point.presences)
            ),
            once=tuple(ServedOnce(expert, request) for expert, request in self.once.pairs()),
            emergency=int(point.keeps[:1].sum()),
            need=self._need,
            shares=tuple(kept_shares if any(kept_shares) else self._shares.tolist())
            if any(kept_shares) or self._shares.any()
            else (),
            choices=self.choices,
            dues=tuple(point.dues.tolist()),
        )


def kept_weights(shape: Shape) -> Numbers:
    """By emergencies and every share, what each request weighs for it."""
    packed = shape.packed
    found = np.zeros((1 + len(shape.problem.shares), packed.requests), dtype=np.int64)
    found[0] = packed.weight * (packed.emergency > 0)
    for row, members in enumerate(requests_with_shares(shape.problem, packed), start=1):
        found[row, members] = packed.weight[members]
    return found


def _whole(prices: Numbers | None, size: int) -> Numbers:
    """The nearest whole prices that are not negative; nothing for `None`."""
    if prices is None:
        return np.zeros(size, dtype=np.int64)
    return np.maximum(0, np.rint(prices)).astype(np.int64)


def _extras(shape: Shape, stage: Stage, scale: int) -> Numbers:
    """By pass: what the stage counts for it besides fit. A start is the same for a whole pass only where that matters not."""
    problem, packed, passes = shape.problem, shape.packed, shape.passes
    seat = packed.candidate_seat[passes.candidate]
    extra = np.zeros(len(passes.group), dtype=np.int64)
    if stage is Stage.PREFERENCE:
        lead = packed.seat_at[passes.request] == seat
        wish = lead & (packed.named[passes.request] == shape.person)
        extra[wish] += scale * problem.policy.prefer_named
        halves = np.zeros(packed.requests, dtype=np.int64)
        for series in problem.series:
            for first, second in zip(series.requests, series.requests[1:], strict=False):
                for one in {first, second}:
                    halves[one] += -(-scale * max(0, series.continuity) // 2)
        return extra + np.where(lead, halves[passes.request], 0)
    for promise in problem.promises:
        if promise.seat >= len(problem.requests[promise.request].seats):
            continue
        there = seat == packed.seat_at[promise.request] + promise.seat
        exact = (
            there
            & (shape.person == promise.expert)
            & (passes.first <= promise.start)
            & (promise.start <= passes.last)
        )
        # a run of starts that holds the promised one is worth the better of keeping and changing
        change = promise.cost_drop - promise.cost_change
        extra[there] += scale * change
        extra[exact] += scale * (max(promise.cost_drop, change) - change)
    return extra


def requests_with_shares(problem: Problem, packed: Packed) -> list[Numbers]:
    """By share: the requests that count for it."""
    owners = np.repeat(np.arange(packed.requests, dtype=np.int32), np.diff(packed.share_at))
    return [owners[packed.share == share] for share in range(len(problem.shares))]
