"""After an illness or a closed road: the nearest plan in which those people do not serve those requests.

What has been promised comes before what could be better: nothing else moves as long as the requests that lost somebody
can be served again beside everything else; only then does the circle widen, one other request at a time.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from services.scheduling.optimizer.check import floor_value, values, violations
from services.scheduling.optimizer.loaded import Loaded
from services.scheduling.optimizer.nearby import Nearby, with_standbys
from services.scheduling.optimizer.problem import Assignment, Forbid, Plan, Problem, Stage
from services.scheduling.optimizer.state import SEAT_AT, START_AT
from services.scheduling.optimizer.stop import Stop
from services.scheduling.optimizer.tours import Draft
from services.scheduling.optimizer.trying import NOBODY, try_starts

COST_CHANGE = 1
COST_DROP = 3
"""What leaving an assignment costs that carries no promise of the problem's."""
SEARCH_MAX = 400
"""So many wider circles are tried, unless `stop` comes first."""


@dataclasses.dataclass(frozen=True, slots=True)
class Repaired:
    """A plan of `without(problem, lost)`. Requests by what became of them, ascending: `kept` as they were, `moved` to
    another time or other people, `dropped`, `added` (served now and not before). `stages` are the referee's values. `least`:
    proven that no plan that serves all that this one serves leaves more of the requests that lost nobody as they were. It is
    where all of them stay; and where one changes, so that the only request that lacked somebody can be served again, which
    provably it cannot be beside all others. Wider circles are searched, not exhausted: there it is False.
    """

    plan: Plan
    kept: tuple[int, ...]
    moved: tuple[int, ...]
    dropped: tuple[int, ...]
    added: tuple[int, ...]
    stages: dict[Stage, int]
    least: bool


def without(problem: Problem, lost: Iterable[Assignment]) -> Problem:
    """The problem in which the lost people must not serve those requests. Pins of those requests no longer bind."""
    lost = tuple(lost)
    forbids = {Forbid(one.expert, one.request) for one in lost} - set(problem.forbids)
    hit = {one.request for one in lost}
    return dataclasses.replace(
        problem,
        forbids=(*problem.forbids, *sorted(forbids, key=lambda one: (one.request, one.expert))),
        pins=tuple(pin for pin in problem.pins if pin.request not in hit),
    )


def repair(
    problem: Problem,
    plan: Plan,
    lost: Sequence[Assignment],
    *,
    seed: int,
    stop: Stop,
    observe: Callable[[Plan], None] = lambda _plan: None,
    not_before: int = 0,
) -> Repaired:
    """The plan, which broke no rule, changed as little as need be so that no `lost` person serves the request they lost.

    Guaranteed: no rule of `without(problem, lost)` is broken; pins of other requests hold; of one lost request by itself,
    when somebody can take the seat at the same time with everything else as it is, nothing else changes; when its team
    can be made up at another start beside everything else, no other request changes; else every other request of the people
    who could come is tried as the one that gives way (within `stop`), and then several are. A wider circle is taken only when
    it serves more, in the order of the stages down to the weight served; among equals the promises decide, then
    fit. Fit alone never breaks a promise. Every assignment of the plan counts as a promise; those without one in
    `problem.promises` cost `COST_CHANGE` and `COST_DROP`.

    `not_before`: nothing is put at a start before this minute of the horizon. `observe` hears every better plan.
    """
    changed = without(problem, lost)
    return _Mending(changed, plan, lost, not_before=not_before).run(
        seed=seed, stop=stop, observe=observe
    )


class _Mending:
    def __init__(
        self, problem: Problem, plan: Plan, lost: Sequence[Assignment], *, not_before: int
    ) -> None:
        self._problem = problem
        self._before = plan
        self._lost = {one.request for one in lost}
        self._nearby = Nearby(problem, not_before=not_before)
        self._not_before = not_before
        self._teams: dict[int, dict[int, Assignment]] = {}
        for assignment in plan.assignments:
            self._teams.setdefault(assignment.request, {})[assignment.seat] = assignment
        gone = {(one.request, one.expert) for one in lost}
        self._keep: dict[int, dict[int, int]] = {
            index: {
                seat: one.expert for seat, one in team.items() if (index, one.expert) not in gone
            }
            for index, team in self._teams.items()
        }
        promised = {(one.request, one.seat): one for one in problem.promises}
        self._costs: dict[tuple[int, int], tuple[int, int, int, int]] = {
            (a.request, a.seat): (a.expert, a.start, COST_CHANGE, COST_DROP)
            for a in plan.assignments
        }
        self._costs.update(
            {
                key: (one.expert, one.start, one.cost_change, one.cost_drop)
                for key, one in promised.items()
            }
        )

    def run(self, *, seed: int, stop: Stop, observe: Callable[[Plan], None]) -> Repaired:
        start = self._nearby.draft(self._before)
        whole = set(start.teams)
        for index in sorted(self._lost & whole):
            start.remove(index)
        # a visit that hung on a night away beside the lost one has gone with it, and comes back first
        missing = sorted(
            whole - start.teams.keys(), key=lambda one: (one in self._lost, *self._urgency(one))
        )
        bare = start.plan()
        best = self._beside(start, missing)
        key = self._key(best)
        observe(best.plan())
        dice = np.random.default_rng(seed)
        for wanted in sorted(whole - best.teams.keys(), key=self._urgency):
            for trial in self._one_gives_way(best, wanted, stop):
                trial_key = self._key(trial)
                if trial_key > key:
                    best, key = trial, trial_key
            observe(best.plan())
        for attempt in range(SEARCH_MAX):
            absent = whole - best.teams.keys()
            if not absent or stop.now(attempt):
                break
            trial = self._wider(best, absent, dice, attempt)
            trial_key = self._key(trial)
            if trial_key > key:
                best, key = trial, trial_key
                observe(best.plan())
        if whole - best.teams.keys() and not stop.now(0):
            idle = set(range(len(self._problem.requests))) - whole - best.teams.keys()
            self._nearby.refill(best, idle)
        return self._told(best, bare, missing)

    def _urgency(self, index: int) -> tuple[int, int, int]:
        request = self._problem.requests[index]
        return -request.emergency, -request.weight, index

    def _beside(self, draft: Draft, missing: Iterable[int]) -> Draft:
        """Serve again what can be, everything else as it is: at the same time if possible, by the same others if possible."""
        best = draft.copy()
        for index in missing:
            self._back(best, index)
        return best

    def _back(self, draft: Draft, index: int) -> bool:
        team = self._teams.get(index)
        keep = self._keep.get(index, {})
        if team:
            start = next(iter(team.values())).start
            if start >= self._not_before and self._nearby.insert(
                draft, index, starts=[start], keep=keep
            ):
                return True
        return self._nearby.insert(draft, index, keep=keep)

    def _one_gives_way(self, draft: Draft, wanted: int, stop: Stop) -> Iterator[Draft]:
        """The absent request back, and one other that had one of its people moved to another place, if there is one."""
        people = {
            candidate.expert
            for seat in self._nearby.required(wanted)
            for same in self._nearby.candidates(wanted, seat).values()
            for candidate in same
        }
        spared = self._spared(draft, wanted)
        near = [
            index
            for index, team in sorted(draft.teams.items())
            if index not in spared and any(one.expert in people for one in team.values())
        ]
        for attempt, other in enumerate(near):
            if stop.now(attempt):
                return
            trial = draft.copy()
            trial.remove(other)
            if self._back(trial, wanted):
                for gone in sorted(draft.teams.keys() - trial.teams.keys(), key=self._urgency):
                    self._back(trial, gone)
                yield trial

    def _spared(self, draft: Draft, wanted: int) -> set[int]:
        """What must not give way to the request: pinned, more urgent or past ones."""
        urgent = self._problem.requests[wanted].emergency
        return {*self._nearby.pinned} | {
            index
            for index in draft.teams
            if self._problem.requests[index].emergency > urgent
            or draft.start_of(index) < self._not_before
        }

    def _wider(
        self, draft: Draft, absent: Iterable[int], dice: np.random.Generator, attempt: int
    ) -> Draft:
        """Force one absent request in at some start, and let whatever gave way look for another place."""
        wanted = sorted(absent, key=self._urgency)[attempt % len(set(absent))]
        starts = self._nearby.starts(wanted)
        if not starts:
            return draft
        forced = self._nearby.forced(
            draft, wanted, int(dice.choice(starts)), spared=self._spared(draft, wanted)
        )
        if forced is None:
            return draft
        order = sorted(draft.teams.keys() - forced.teams.keys(), key=self._urgency)
        if attempt % 2:
            dice.shuffle(order)
        for index in order:
            self._back(forced, index)
        for index in sorted(set(absent) - forced.teams.keys(), key=self._urgency):
            self._back(forced, index)
        return forced

    def _key(self, draft: Draft) -> tuple[int, ...]:
        """Emergencies, the worst-off share, weight served, promises, fit: in that order."""
        requests = self._problem.requests
        served = draft.teams.keys()
        now = {(a.request, a.seat): a for a in draft.assignments()}
        cost = 0
        for key, (expert, start, cost_change, cost_drop) in self._costs.items():
            assignment = now.get(key)
            if assignment is None:
                cost += cost_drop
            elif (assignment.expert, assignment.start) != (expert, start):
                cost += cost_change
        fit = sum(
            self._nearby.eligibility.fit(
                requests[a.request],
                requests[a.request].seats[a.seat],
                self._problem.experts[a.expert],
                remote=a.remote,
            )
            for a in now.values()
        )
        return (
            sum(requests[index].weight for index in served if requests[index].emergency),
            floor_value(self._problem, draft.plan()),
            sum(requests[index].weight for index in served),
            -cost,
            fit,
            -draft.travel_total(),
        )

    def _told(self, draft: Draft, bare: Plan, missing: Sequence[int]) -> Repaired:
        before = self._teams
        after = draft.teams
        plan = with_standbys(self._problem, draft.plan(), self._before.standbys)
        assert not violations(self._problem, plan), "a repair keeps every rule"
        same = {index for index in before if after.get(index) == before[index]}
        others = before.keys() - same - self._lost
        return Repaired(
            plan=plan,
            kept=tuple(sorted(same)),
            moved=tuple(sorted((before.keys() & after.keys()) - same)),
            dropped=tuple(sorted(before.keys() - after.keys())),
            added=tuple(sorted(after.keys() - before.keys())),
            stages=values(self._problem, plan),
            least=not others
            or (
                len(others) == len(missing) == 1
                and missing[0] in after
                and not self._fits_in(bare, missing[0])
            ),
        )

    def _fits_in(self, bare: Plan, index: int) -> bool:
        """Whether anybody could serve the request beside all that `bare` has; False is proven."""
        loaded = Loaded(self._problem, bare)
        board = loaded.board
        first, last = board.given.asks[index, SEAT_AT], board.given.asks[index + 1, SEAT_AT]
        starts = board.given.starts[
            board.given.asks[index, START_AT] : board.given.asks[index + 1, START_AT]
        ]
        seats = board.seats[first:last]
        place = try_starts(
            board.given,
            loaded.state,
            board.known,
            index,
            board.asks[index],
            seats,
            starts[starts >= self._not_before],
            True,
            np.zeros(2, dtype=np.int64),
            np.full((len(seats), 3), NOBODY, dtype=np.int64),
        )
        return bool(place >= 0)
