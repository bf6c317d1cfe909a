"""The bound's side of a solve: stage by stage the best proven bound, told whenever it gets better, with what proves it.

For NEED, first prices come from an incremental subgradient method (`ascent.py`), better ones from a stabilised column generation (Lübbecke and Desrosiers 2005, doi 10.1287/opre.1050.0234): the
restricted master's duals, mixed with the best prices so far (Wentges 1997, doi 10.1016/S0969-6016(97)00001-4), are priced exactly;
every such value is a proven bound, the best one is kept, and the day tours found go into the master. For the other stages a
few prices that are known beforehand are tried. Nothing here looks at a clock.
"""

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np

from services.scheduling.optimizer import check
from services.scheduling.optimizer.ascent import Ascent
from services.scheduling.optimizer.duals import Duals
from services.scheduling.optimizer.lagrange import Point, Relaxation, Shape, requests_with_shares
from services.scheduling.optimizer.master import WHOLE_LEFT_S, WHOLE_S, Master, Solved
from services.scheduling.optimizer.packed import Packed
from services.scheduling.optimizer.polish import polished
from services.scheduling.optimizer.pricing import Numbers, Prices, Rounds, tabulate
from services.scheduling.optimizer.problem import Plan, Problem, Stage

SCALE = 1000
FLOOR_SCALE = 1_000_000
"""A share's weight in the FLOOR stage is a fraction of a permille per unit of need."""
MIXES = (0.0, 0.25, 0.5, 0.7, 0.85, 0.95)
"""How much of the best prices so far is in the prices that are tried after each master."""
WIDTH, ROOM = 10.0, 0.1
"""At first the duals are free within `WIDTH` of the best prices; beyond, each class may buy or sell `ROOM` visits."""
WIDTH_MAX = 1e5
"""Prices this far from the best ones are free for all that matters."""
FEW = 20
"""With fewer new tours than this the master knows nearly all that matters, and the prices may move further."""
SINGLES_MAX = 30_000
"""Tours of one visit taken into the master at once."""
IDLE, FORGET_ABOVE = 12, 20_000
"""Drop a tour that the master has not used for so many times, once it knows so many: what is dropped too soon is found again and again,
and prices no longer get better.
"""
NEED_PRICES = {Stage.TRAVEL: (2000, 10_000, 50_000), Stage.LOAD: (5, 20, 100)}
"""Prices of a unit of need, as multiples of 1 / SCALE of the stage's unit, that are tried."""

CYCLES = ((40.0, 0.1, 0.975), (1.0, 0.05, 0.99))
"""First and last step of the first prices, in units of need, and what is left of it after a pass; once, then again more slowly. What a
slow descent from far above has found in 237 passes, several quick ones have not in 1,300.
"""
POOL_BELOW = 4.0
"""Step below which the tours that people take are kept."""
POLISH_BELOW = (3.0, 1.0)
"""Steps below which plans are made of them; the first, of a dozen passes, is within 1 % of the last."""
LOOK_EVERY = 10
"""Passes between two looks at what the first prices prove."""
PASSES_PER_MASTER = 15
"""Passes for the first prices where the number of masters is limited."""
PART_TOURS = 30_000
"""Tours of the people who are free at a time when a plan is made of tours."""
PARTS, PARTS_IDLE = 5, 4
"""Parts of the people looked at in a row, and how many in a row may bring nothing."""
POLISH_EVERY = 10
"""Masters between two plans from the tours found."""
PREPARED_AFTER = 1
"""Masters before the stages after NEED are priced at what need is worth by then."""

Tell = Callable[[Stage, int, Duals], None]


@dataclasses.dataclass
class _Best:
    """A stage's best bound, times scale, with the prices that prove it."""

    bound: int
    point: Point
    told: int | None = None


class Bounder:
    """Bounds of one problem. One thread at a time."""

    def __init__(self, problem: Problem, packed: Packed, *, seed: int = 0) -> None:
        """`seed` decides in which order people come."""
        self._seed = seed
        self._dice = np.random.default_rng(seed)
        self._problem, self._packed = problem, packed
        passes = tabulate(packed)
        self._shape = Shape(problem, packed, passes)
        self._prices = Prices(packed, passes)
        self._prepared: list[tuple[Stage, int, _Best]] = []
        self._unpriced: list[tuple[Relaxation, _Best]] = []

    def run(
        self,
        *,
        until: Callable[[], bool],
        tell: Tell,
        incumbent: Callable[[], Plan],
        offer: Callable[[Plan], Plan] | None = None,
        limits: int | None = None,
        left_s: Callable[[], float] = lambda: WHOLE_S,
    ) -> None:
        """Improve bounds until `until()`, or for `limits` masters, or until nothing is left to improve.

        `tell(stage, bound, duals)` hears of every improvement. The bounds of the stages after NEED hold for plans that keep
        what `incumbent()` reaches in the stages before; it is asked when the rest is over. `offer` hears of plans (`polish.py`) and
        gives back the best that is known then; they are looked for as long as `left_s()` seconds are left.
        """
        relaxation = self._relaxed(Stage.NEED)
        need = self._improved(relaxation, until=until, tell=tell, masters=0)
        emergency = self._improved(
            self._relaxed(Stage.EMERGENCY), until=until, tell=tell, masters=0
        )
        self._floor(until=until, tell=tell)
        if not until():
            # beforehand, so that nobody waits for it at the end
            self._unpriced = self._without_prices()
        if need is not None:
            pool = Master(relaxation)

            def polish() -> bool:
                return offer is not None and self._polished(
                    pool, incumbent(), offer, until=until, left_s=left_s
                )

            self._ascend(relaxation, need, pool, polish, until=until, tell=tell, masters=limits)
            self._improved(
                relaxation,
                until=until,
                tell=tell,
                masters=limits,
                best=need,
                master=pool,
                polish=polish,
            )
            polish()
        self._later(tell=tell, plan=incumbent())
        if need is not None:
            self._emergency(need, emergency, tell=tell, plan=incumbent())

    def _say(self, relaxation: Relaxation, best: _Best, tell: Tell) -> None:
        """Tell a bound that is better than what was told."""
        bound = best.bound // relaxation.scale
        if best.told is None or bound < best.told:
            best.told = bound
            alone, slots = relaxation.left(best.point)
            tell(
                relaxation.stage, bound, relaxation.duals(best.point, relaxation.kept(alone, slots))
            )

    def _polished(
        self,
        pool: Master,
        plan: Plan,
        offer: Callable[[Plan], Plan],
        *,
        until: Callable[[], bool],
        left_s: Callable[[], float],
    ) -> bool:
        """Offer plans from the pool that are better than `plan`; where it is large, some parts of the people after each other, by chance.
        Whether there was one.
        """

        def need(plan: Plan) -> int:
            return check.values(self._problem, plan)[Stage.NEED]

        begun = reached = need(plan)
        share, idle = PART_TOURS / max(1, len(pool)), 0
        for _ in range(PARTS if share < 1 else 1):
            if until() or left_s() < WHOLE_LEFT_S or idle == PARTS_IDLE:
                break
            part = self._dice.random(self._packed.experts) < share
            found = polished(
                self._shape, pool, plan, until=until, left_s=left_s,
                part=part if share < 1 else None,
            )  # fmt: skip
            before = reached
            if found is not None:
                plan = offer(found)
                reached = need(plan)
            idle = 0 if reached > before else idle + 1
        return reached > begun

    def _ascend(
        self,
        relaxation: Relaxation,
        best: _Best,
        pool: Master,
        polish: Callable[[], bool],
        *,
        until: Callable[[], bool],
        tell: Tell,
        masters: int | None,
    ) -> None:
        """First prices, until the step is small; `pool` takes the tours of all but the first steps."""
        ascent = Ascent(relaxation, self._prices, seed=self._seed)
        left = None if masters is None else PASSES_PER_MASTER * masters
        for first, last, unhurried in CYCLES:
            step, done = first * SCALE, 0
            shrinks = min(unhurried, (last / first) ** (1 / left)) if left else unhurried
            while step > last * SCALE and left != 0:
                good = step < POOL_BELOW * SCALE
                if not ascent.one(step, until=until, tell=pool.add if good else _nothing):
                    return
                if step < first * SCALE and any(
                    step * shrinks < mark * SCALE <= step for mark in POLISH_BELOW
                ):
                    polish()
                step *= shrinks
                done += 1
                left = None if left is None else left - 1
                if done % LOOK_EVERY == 0 or step <= last * SCALE or left == 0:
                    point = ascent.point()
                    valued = relaxation.value(point, until=until)
                    if valued is None:
                        return
                    if valued.bound < best.bound:
                        best.bound, best.point = valued.bound, point
                        self._say(relaxation, best, tell)
            # where there are very many tours, plans have more to gain than prices now
            while polish() and len(pool) > PART_TOURS:
                pass

    def _improved(
        self,
        relaxation: Relaxation,
        *,
        until: Callable[[], bool],
        tell: Tell,
        masters: int | None,
        best: _Best | None = None,
        master: Master | None = None,
        polish: Callable[[], object] = lambda: None,
    ) -> _Best | None:
        """The best prices after so many masters (None: until nothing changes); None when there was no time for any."""
        if best is None:
            point = relaxation.start(0.0)
            valued = relaxation.value(point, until=until)
            if valued is None:
                return None
            best = _Best(valued.bound, point)
            self._say(relaxation, best, tell)
        if masters == 0:
            return best
        master = master or Master(relaxation)
        first = relaxation.value(best.point, until=until)
        if first is None:
            return best
        master.add(first.rounds)
        width, room = WIDTH, ROOM
        for done in _count(masters):
            if done == PREPARED_AFTER:
                self._prepare(best, until=until)
            solved = master.solve(best.point, width=width, room=room, until=until)
            if solved is None:
                break
            new = master.add_single(solved, most=SINGLES_MAX)
            center, moved = best.point, None
            for mix in MIXES:
                point = _mixed(relaxation, center, solved, mix)
                valued = relaxation.value(point, until=until)
                if valued is None:
                    return best
                new += master.add(valued.rounds)
                if valued.bound < best.bound:
                    best.bound, best.point, moved = valued.bound, point, mix
                    self._say(relaxation, best, tell)
            if len(master) > FORGET_ABOVE:
                master.forget(solved.tours, idle=IDLE)
            if done % POLISH_EVERY == POLISH_EVERY - 1:
                polish()
            if moved is None and new == 0:
                # the master knows all that matters between these prices; between any, there is nothing left to find
                if width >= WIDTH_MAX:
                    break
                width *= 10
            elif moved is None:
                width = width * 3 if new < FEW else max(width / 2, 0.1)
            elif moved <= 0.25 or new < FEW:
                width *= 3
            width = min(width, WIDTH_MAX)
        return best

    def _floor(self, *, until: Callable[[], bool], tell: Tell) -> None:
        """The share that is worst even when all that can be served of it is served bounds the floor."""
        problem, shape, prices = self._problem, self._shape, self._prices
        weights = np.zeros(len(problem.shares), dtype=np.int64)
        if problem.shares:
            lost = np.zeros(self._packed.requests, dtype=np.bool_)
            lost[shape.request_of[shape.hopeless & _stands(shape)]] = True
            for request in shape.team[_all_in_vain(shape)]:
                lost[request] = True
            reach = [
                1000
                * (share.carried + int(self._packed.weight[own[~lost[own]]].sum()))
                / share.target
                for share, own in zip(
                    problem.shares, requests_with_shares(problem, self._packed), strict=True
                )
            ]
            worst = int(np.argmin(reach))
            weights[worst] = -(-1000 * FLOOR_SCALE // problem.shares[worst].target)
        relaxation = Relaxation(shape, prices, Stage.FLOOR, scale=FLOOR_SCALE, shares=weights)
        self._improved(relaxation, until=until, tell=tell, masters=0)

    def _emergency(self, need: _Best, best: _Best | None, *, tell: Tell, plan: Plan) -> None:
        """Where not all emergencies are served, what they fetch at the prices of need may bound them better than each by itself."""
        relaxation = self._relaxed(Stage.EMERGENCY)
        reached = check.values(self._problem, plan)[Stage.EMERGENCY]
        if best is None or best.bound // relaxation.scale <= reached:
            return
        point = _scaled(relaxation, need.point, 1.0)
        valued = relaxation.value(point)
        if valued is not None and valued.bound < best.bound:
            best.bound, best.point = valued.bound, point
            self._say(relaxation, best, tell)

    def _prepare(self, need: _Best, *, until: Callable[[], bool]) -> None:
        """Price TRAVEL and LOAD with need at several prices; the plan whose need is kept is not known yet."""
        self._prepared = []
        for stage, prices in NEED_PRICES.items():
            for price in prices:
                relaxation = self._relaxed(stage, need=price)
                point = _scaled(relaxation, need.point, price / SCALE)
                valued = relaxation.value(point, until=until)
                if valued is None:
                    return
                self._prepared.append((stage, price, _Best(valued.bound, point)))

    def _later(self, *, tell: Tell, plan: Plan) -> None:
        """Bounds of the stages after NEED for plans that keep what `plan` reaches before."""
        reached = check.values(self._problem, plan)[Stage.NEED]
        for unpriced, plain in self._unpriced or self._without_prices():
            relaxation, best = unpriced, plain
            for stage, price, known in self._prepared:
                bound = known.bound - price * reached
                if stage is unpriced.stage and bound < best.bound:
                    relaxation = self._relaxed(stage, need=price)
                    best = _Best(bound, known.point)
            self._say(relaxation, best, tell)

    def _without_prices(self) -> list[tuple[Relaxation, _Best]]:
        """Bounds of the stages after NEED when nothing else has a price."""
        found = []
        for stage in (Stage.PROMISES, Stage.TRAVEL, Stage.PREFERENCE, Stage.LOAD, Stage.STANDBY):
            relaxation = self._relaxed(stage)
            point = relaxation.without_rewards()
            valued = relaxation.value(point)
            assert valued is not None, "nobody said to end"
            found.append((relaxation, _Best(valued.bound, point)))
        return found

    def _relaxed(self, stage: Stage, *, need: int = 0) -> Relaxation:
        return Relaxation(self._shape, self._prices, stage, scale=SCALE, need=need)


def _nothing(_tours: Rounds) -> None:
    """Nobody listens."""


def _count(limit: int | None) -> Iterator[int]:
    done = 0
    while limit is None or done < limit:
        yield done
        done += 1


def _mixed(relaxation: Relaxation, center: Point, solved: Solved, mix: float) -> Point:
    """Prices between the best so far and the master's."""
    return relaxation.point(
        mix * center.reward + (1 - mix) * solved.reward,
        mix * center.caps + (1 - mix) * solved.caps,
        mix * center.budgets + (1 - mix) * solved.budgets,
        mix * center.quotas + (1 - mix) * solved.quotas,
        mix * center.spacings + (1 - mix) * solved.spacings,
        mix * center.presences + (1 - mix) * solved.presences,
    )


def _scaled(relaxation: Relaxation, point: Point, factor: float) -> Point:
    return relaxation.point(
        factor * point.reward,
        factor * point.caps,
        factor * point.budgets,
        factor * point.quotas,
        factor * point.spacings,
        factor * point.presences,
    )


def _stands(shape: Shape) -> Numbers:
    """Classes of requests that stand alone."""
    stands = np.zeros(shape.passes.classes, dtype=np.bool_)
    stands[shape.alone_class] = True
    return stands


def _all_in_vain(shape: Shape) -> Numbers:
    """By team: whether it can be whole at no start."""
    if not len(shape.team):
        return np.zeros(0, dtype=np.bool_)
    first = shape.in_vain[shape.slots[:, 0]]
    return np.minimum.reduceat(first, shape.heads)
