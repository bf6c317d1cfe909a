"""The bound's side of a solve: stage by stage the best proven bound, told whenever it gets better, with what proves it.

For NEED, first prices come from an incremental subgradient method (`ascent.py`), better ones from a stabilised column generation (Lübbecke and Desrosiers 2005, doi 10.1287/opre.1050.0234): the
restricted master's duals, mixed with the best prices so far (Wentges 1997, doi 10.1016/S0969-6016(97)00001-4), are priced exactly;
every such value is a proven bound, the best one is kept, and the day tours found go into the master. What is still between the
bound and the best plan is split by choices (`branching.py`). The stages before NEED are bounded in the same way, with a master each; for
those after it a few prices that are known beforehand are tried. Nothing here looks at a clock.
"""

import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from services.scheduling.optimizer import check
from services.scheduling.optimizer.ascent import Ascent
from services.scheduling.optimizer.branching import (
    PRICES_MAX,
    PROOFS_MAX,
    Improved,
    Whole,
    branched,
    most_divided,
)
from services.scheduling.optimizer.duals import Choice
from services.scheduling.optimizer.lagrange import Point, Relaxation, Shape, requests_with_shares
from services.scheduling.optimizer.master import WHOLE_LEFT_S, WHOLE_S, Master, Solved, Tour
from services.scheduling.optimizer.packed import Packed
from services.scheduling.optimizer.polish import plan_of_tours, polished
from services.scheduling.optimizer.pricing import Numbers, Prices, Rounds, tabulate
from services.scheduling.optimizer.problem import Plan, Problem, Stage
from services.scheduling.optimizer.proofs import Proof

SCALE = 1000
FLOOR_SCALE = 1_000_000
"""A share's weight in the FLOOR stage is a fraction of a permille per unit of need."""
FLOOR_COUNTED = 10**10
"""What a request may count there, and what is carried, in units of 1 / scale: a share whose target is little beside them has a smaller
scale, so that sums stay exact and every price can be written.
"""
MIXES = (0.0, 0.25, 0.5, 0.7, 0.85, 0.95)
"""How much of the best prices so far is in the prices that are tried after each master."""
WIDTH, ROOM, ROOM_EARLIER = 10.0, 0.1, 0.001
"""At first the duals are free within `WIDTH` of the best prices; beyond, each class may buy or sell `ROOM` visits. In stages before NEED
they are not free at all, but a visit hardly costs anything.
"""
LITTLE = 0.05
"""Prices that could take so little of what is missing to the best plan are not looked for: a choice takes more."""
WIDTH_CHOSEN = 1e3
"""How free they are after a choice."""
ROUNDING = 0.5
"""A bound this near, in units of the stage, is the program's value."""
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
FIRST_PLAN = (18.0, 12.0)
"""Of the tours at steps between these a first plan is made: far from the last prices, yet much better than what is found without any."""
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
MASTERS_PER_BRANCH = 6
"""Masters for the proof of one side of a choice."""
MASTERS_EARLIER, PROOFS_EARLIER, FLOORS = 12, 20, 8
"""Masters for a stage before NEED, proofs of it, and how often in a row the floor is raised, at most."""
GROWN = 1.05
"""By how much the pool has grown before a plan is made of it once more where the last one was no better."""
POLISH_EVERY = 10
"""Masters between two plans from the tours found."""
PREPARED_AFTER = 1
"""Masters before the stages after NEED are priced at what need is worth by then."""

Tell = Callable[[Stage, int, Sequence[Proof]], None]


@dataclasses.dataclass
class _Best:
    """A stage's best bound, times scale, with the prices that prove it."""

    bound: int
    point: Point
    told: int | None = None
    solved: Solved | None = None
    """The last master around these prices."""


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
        self._polished_with = 0
        """Tours of the pool when the last plan of them was no better."""
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
        proofs_max: int | None = None,
        left_s: Callable[[], float] = lambda: WHOLE_S,
    ) -> None:
        """Improve bounds until `until()`, or for `limits` masters, or until nothing is left to improve, with at most `proofs_max` proofs
        of need (by default as many as a certificate may have, and one with `limits`).

        `tell(stage, bound, proofs)` hears of every improvement. Bounds hold for plans that keep what `incumbent()` reaches in the stages
        before; for the stages after NEED it is asked when the rest is over. `offer` hears of plans (`polish.py`) and
        gives back the best that is known then; they are looked for as long as `left_s()` seconds are left.
        """
        relaxation = self._relaxed(Stage.NEED)
        need = self._improved(relaxation, until=until, tell=tell, masters=0)
        urgent = self._relaxed(Stage.EMERGENCY)
        emergency = self._improved(urgent, until=until, tell=tell, masters=0)
        lowest = self._floor(self._reachable())
        floor = self._improved(lowest, until=until, tell=tell, masters=0)
        if not until():
            # beforehand, so that nobody waits for it at the end
            self._unpriced = self._without_prices()
        if need is not None:
            pool = Master(relaxation)

            def polish() -> bool:
                return offer is not None and self._polished(
                    pool, incumbent(), offer, until=until, left_s=left_s
                )

            def whole(tours: Sequence[Tour]) -> None:
                if offer is not None:
                    offer(plan_of_tours(self._shape, tours))

            def reach() -> bool:
                return self._reached(relaxation, need, incumbent(), tell)

            if proofs_max is None:
                most = PRICES_MAX // max(1, self._shape.passes.classes)
                proofs_max = 1 if limits else max(1, min(PROOFS_MAX, most))

            def reached() -> int:
                return check.need_value(self._problem, incumbent())

            def earlier() -> None:
                if (
                    emergency is not None
                    and floor is not None
                    and (limits is None or proofs_max > 1)
                ):
                    self._prove_earlier(
                        urgent, emergency, floor, pool, offer, incumbent,
                        until=until, tell=tell, left_s=left_s,
                        proofs_max=min(PROOFS_EARLIER, proofs_max),
                    )  # fmt: skip

            self._ascend(
                relaxation, need, pool, polish, earlier, until=until, tell=tell, masters=limits
            )
            while not until():
                self._improved(
                    relaxation,
                    until=until,
                    tell=tell,
                    masters=limits,
                    best=need,
                    master=pool,
                    polish=polish,
                    reach=reach,
                    reached=reached if proofs_max > 1 else None,
                )
                polish()
                if not self._prepared:
                    self._prepare(need, until=until)
                self._branch(
                    relaxation, need, pool, whole, reached,
                    until=until, tell=tell, proofs_max=proofs_max,
                )  # fmt: skip
                if not reach():
                    break
        self._later(tell=tell, plan=incumbent())
        if need is not None:
            self._emergency(need, emergency, tell=tell, plan=incumbent())

    def _say(self, relaxation: Relaxation, best: _Best, tell: Tell) -> None:
        """Tell a bound that is better than what was told."""
        bound = best.bound // relaxation.scale
        if best.told is None or bound < best.told:
            best.told = bound
            tell(relaxation.stage, bound, [relaxation.proof(best.bound, best.point)])

    def _reached(self, relaxation: Relaxation, best: _Best, plan: Plan, tell: Tell) -> bool:
        """Have the bound be about plans that reach in the stages before what `plan` does; whether that is something else than before."""
        before = relaxation.least
        relaxation.reach(
            {
                Stage.EMERGENCY: check.emergency_value(self._problem, plan),
                Stage.FLOOR: check.floor_value(self._problem, plan),
            }
        )
        if np.array_equal(before, relaxation.least):
            return False
        best.bound += int(best.point.keeps @ (before - relaxation.least))
        self._say(relaxation, best, tell)
        return True

    def _branch(
        self,
        relaxation: Relaxation,
        best: _Best,
        pool: Master,
        whole: Callable[[Sequence[Tour]], None],
        reached: Callable[[], int],
        *,
        until: Callable[[], bool],
        tell: Tell,
        proofs_max: int,
    ) -> None:
        """Split the plans until the bound is what the best plan has `reached`; `whole` hears of tours that are a plan, but for rules that
        no price is about.
        """
        if best.solved is None:
            return

        def enough(tours: Whole) -> int:
            if tours is not None:
                whole(tours)
            return reached() * relaxation.scale

        def improve(within: Relaxation, point: Point) -> Improved | None:
            start = _scaled(within, point, 1.0)
            valued = within.value(start, until=until)
            if valued is None:
                return None
            better = _Best(valued.bound, start)
            done = (reached() + 1) * relaxation.scale
            self._improved(
                within,
                until=lambda: until() or better.bound < done,
                tell=_unheard,
                masters=MASTERS_PER_BRANCH,
                best=better,
                master=pool,
                reached=reached,
            )
            return None if until() else Improved(better.bound, better.point, better.solved)

        def falls(
            within: Relaxation, most: float
        ) -> tuple[Whole, Sequence[tuple[Choice, float, float]]]:
            pool.turn_to(within)
            divided = functools.partial(most_divided, within)
            return pool.falls(divided, most=most, until=until)

        def heard(bound: int, proofs: Sequence[Proof]) -> None:
            if best.told is None or bound // relaxation.scale < best.told:
                best.told = bound // relaxation.scale
                tell(relaxation.stage, best.told, proofs)

        branched(
            relaxation,
            Improved(best.bound, best.point, best.solved),
            improve=improve,
            falls=falls,
            enough=enough,
            until=until,
            tell=heard,
            proofs_max=proofs_max,
        )
        pool.turn_to(relaxation)

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
        if len(pool) < GROWN * self._polished_with:
            return False
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
        self._polished_with = 0 if reached > begun else len(pool)
        return reached > begun

    def _ascend(
        self,
        relaxation: Relaxation,
        best: _Best,
        pool: Master,
        polish: Callable[[], bool],
        between: Callable[[], None],
        *,
        until: Callable[[], bool],
        tell: Tell,
        masters: int | None,
    ) -> None:
        """First prices, until the step is small; `pool` takes the tours of all but the first steps. `between` the first steps and those
        that are slower from the start the best plan is a good one for the first time.
        """
        ascent = Ascent(relaxation, self._prices, seed=self._seed)
        left = None if masters is None else PASSES_PER_MASTER * masters
        for first, last, unhurried in CYCLES:
            step, done = first * SCALE, 0
            begins, ends = (mark * SCALE for mark in FIRST_PLAN)
            shrinks = min(unhurried, (last / first) ** (1 / left)) if left else unhurried
            while step > last * SCALE and left != 0:
                good = step < POOL_BELOW * SCALE or begins >= step > ends
                if not ascent.one(step, until=until, tell=pool.add if good else _nothing):
                    return
                if step < first * SCALE and any(
                    step * shrinks < mark * SCALE <= step for mark in POLISH_BELOW
                ):
                    polish()
                if begins >= step > ends >= step * shrinks:
                    polish()
                    pool.forget(np.zeros(len(pool)), idle=0)
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
            if first == CYCLES[0][0]:
                between()

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
        reach: Callable[[], object] = lambda: None,
        reached: Callable[[], int] | None = None,
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
        master = Master(relaxation) if master is None else master
        master.turn_to(relaxation)
        first = relaxation.value(best.point, until=until)
        if first is None:
            return best
        master.add(first.rounds)
        width, room = WIDTH, ROOM
        width_max = WIDTH_MAX
        if relaxation.choices:
            # whatever can be bought could stand for what the choices take away
            width = WIDTH_CHOSEN
        if relaxation.stage in {Stage.EMERGENCY, Stage.FLOOR}:
            # most seats are worth nothing here: prices that are free to be anything would be
            width, room, width_max = 0.0, ROOM_EARLIER, 0.0
        for done in _count(masters):
            reach()
            if done == PREPARED_AFTER and relaxation.stage is Stage.NEED and not relaxation.choices:
                self._prepare(best, until=until)
            solved = master.solve(best.point, width=width, room=room, until=until)
            if solved is None:
                break
            best.solved = solved
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
            new += solved.unwatched
            above = solved.value - (best.bound - relaxation.constant) / relaxation.scale
            missing = best.bound / relaxation.scale - reached() if reached else 0.0
            if abs(above) < max(ROUNDING, LITTLE * missing) and not solved.unwatched:
                # no prices are much better
                break
            if moved is None and above > 0 and master.split_by_rounds(solved):
                # people can do by parts of their tours what they cannot by parts of whole rounds
                continue
            if moved is None and new == 0:
                # the master knows all that matters between these prices; between any, there is nothing left to find
                if width >= width_max:
                    break
                width *= 10
            elif moved is None:
                width = width * 3 if new < FEW else max(width / 2, 0.1)
            elif moved <= 0.25 or new < FEW:
                width *= 3
            width = min(width, width_max)
        return best

    def _prove_earlier(
        self,
        urgent: Relaxation,
        emergency: _Best,
        floor: _Best,
        pool: Master,
        offer: Callable[[Plan], Plan] | None,
        incumbent: Callable[[], Plan],
        *,
        until: Callable[[], bool],
        tell: Tell,
        left_s: Callable[[], float],
        proofs_max: int,
    ) -> None:
        """Prove what the stages before NEED can reach, where the best plan does not reach what is known: few requests matter to them. What
        could be more is looked for with the tours found on the way, beside all others of the `pool`.
        """

        def emergencies() -> int:
            return check.emergency_value(self._problem, incumbent())

        def lowest() -> int:
            return check.floor_value(self._problem, incumbent())

        def more_of(stage: Stage) -> Callable[[Sequence[Tour]], None]:
            def whole(tours: Sequence[Tour]) -> None:
                if offer is None:
                    return
                for tour in tours:
                    pool.take(*tour)
                reach = {Stage.EMERGENCY: emergencies() + 1, Stage.FLOOR: 0}
                if stage is Stage.FLOOR:
                    reach = {Stage.EMERGENCY: emergencies(), Stage.FLOOR: lowest() + 1}
                found = polished(
                    self._shape, pool, incumbent(), until=until, left_s=left_s, reach=reach
                )
                if found is not None:
                    offer(found)

            return whole

        self._prove(
            urgent, emergency, more_of(Stage.EMERGENCY), emergencies, incumbent,
            until=until, tell=tell, proofs_max=proofs_max,
        )  # fmt: skip
        told = floor.told
        for _ in range(FLOORS):
            before = lowest()
            served = {one.request for one in incumbent().assignments}
            share = self._floor(np.isin(np.arange(self._packed.requests), list(served)))
            start = share.point(floor.point.reward)
            valued = share.value(start, until=until)
            if valued is None:
                return
            best = _Best(valued.bound, start, told=told)
            self._prove(
                share, best, more_of(Stage.FLOOR), lowest, incumbent,
                until=until, tell=tell, proofs_max=proofs_max,
            )  # fmt: skip
            told = best.told
            if lowest() <= before:
                return

    def _prove(
        self,
        relaxation: Relaxation,
        best: _Best,
        whole: Callable[[Sequence[Tour]], None],
        reached: Callable[[], int],
        incumbent: Callable[[], Plan],
        *,
        until: Callable[[], bool],
        tell: Tell,
        proofs_max: int,
    ) -> None:
        def done() -> bool:
            return until() or best.bound < (reached() + 1) * relaxation.scale

        if done():
            return
        pool = Master(relaxation)
        self._improved(
            relaxation,
            until=done,
            tell=tell,
            masters=MASTERS_EARLIER,
            best=best,
            master=pool,
            reach=lambda: self._reached(relaxation, best, incumbent(), tell),
        )
        if not done():
            self._branch(
                relaxation, best, pool, whole, reached,
                until=until, tell=tell, proofs_max=proofs_max,
            )  # fmt: skip

    def _reachable(self) -> NDArray[np.bool_]:
        """By request: whether anybody can serve it at all."""
        shape = self._shape
        lost = np.zeros(self._packed.requests, dtype=np.bool_)
        lost[shape.request_of[shape.hopeless & _stands(shape)]] = True
        lost[shape.team[_all_in_vain(shape)]] = True
        return ~lost

    def _floor(self, served: NDArray[np.bool_]) -> Relaxation:
        """The share that is worst when those requests are `served` bounds the floor."""
        problem = self._problem
        weights, scale = np.zeros(len(problem.shares), dtype=np.int64), FLOOR_SCALE
        if problem.shares:
            members = requests_with_shares(problem, self._packed)
            reach = [
                1000
                * (share.carried + int(self._packed.weight[own[served[own]]].sum()))
                / share.target
                for share, own in zip(problem.shares, members, strict=True)
            ]
            worst = int(np.argmin(reach))
            target, carried = problem.shares[worst].target, problem.shares[worst].carried
            most = max(1, carried, int(self._packed.weight[members[worst]].max(initial=0)))
            scale = max(1, min(FLOOR_SCALE, FLOOR_COUNTED * target // (1000 * most)))
            weights[worst] = -(-1000 * scale // target)
        return Relaxation(self._shape, self._prices, Stage.FLOOR, scale=scale, shares=weights)

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
                    relaxation.off = price * reached
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


def _unheard(_stage: Stage, _bound: int, _proofs: Sequence[Proof]) -> None:
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
        mix * center.dues + (1 - mix) * solved.dues,
        mix * center.keeps + (1 - mix) * solved.keeps,
    )


def _scaled(relaxation: Relaxation, point: Point, factor: float) -> Point:
    return relaxation.point(
        factor * point.reward,
        factor * point.caps,
        factor * point.budgets,
        factor * point.quotas,
        factor * point.spacings,
        factor * point.presences,
        factor * point.dues,
        factor * point.keeps if len(relaxation.keep) else None,
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
