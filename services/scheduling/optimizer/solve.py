"""The only door: `solve` turns a problem into the best plan it finds, with a proven bound where one is known.

Two sides: a plan is built by insertion and improved by ruin and recreate (`search.py`, compiled), compared by all stages in
their order; a relaxation bounds the stages (`bounding.py`). Both report as they go. By seed and iterations alone the same inputs
give the same plan; where a clock decides, the journal says what the clock has decided, so that `replay` gives it again.
"""

import dataclasses
import importlib.metadata
import threading
from collections import Counter
from collections.abc import Callable, Container, Mapping, Sequence

import numpy as np

from services.scheduling.optimizer import check
from services.scheduling.optimizer.bounding import Bounder
from services.scheduling.optimizer.duals import Duals
from services.scheduling.optimizer.insertion import scratch
from services.scheduling.optimizer.nearby import Nearby
from services.scheduling.optimizer.overnight import two_day_tours
from services.scheduling.optimizer.packed import Packed, pack
from services.scheduling.optimizer.problem import (
    DAY_MIN,
    Mode,
    Plan,
    Problem,
    Stage,
    Standby,
)
from services.scheduling.optimizer.proofs import Proof, bound_of, is_plain
from services.scheduling.optimizer.search import (
    WORTH,
    Best,
    back_to,
    compared,
    improve,
    keep,
    nothing,
    wanted_first,
)
from services.scheduling.optimizer.state import (
    PINNED,
    V_EMERGENCY,
    V_FLOOR,
    V_NEED,
    V_PINS,
    empty,
    given,
    load_plan,
    plan_of,
)
from services.scheduling.optimizer.stop import Stop
from services.scheduling.optimizer.touring import Tours

STAGES: Sequence[Stage] = tuple(Stage)
REPORT_EVERY_S = 0.25
CHUNK_S = 0.1
"""The search is asked so often whether to go on."""
CHUNK_MAX = 20_000
MASTERS = 2
"""Masters solved for the bound where iterations rule, so that it is the same again."""
NEAR = 60
"""Neighbours known of each request."""
HOT, COLD = 0.1, 0.006
"""First and last heat, as parts of the mean weight of a request; the last of `LEVELS` is 0: nothing worse is kept."""
LEVELS = 64
BOUND_GRACE_S = 10.0
"""The bounds of the stages after NEED are waited for so long; they are found when the plan is known."""
PIN_TRIES = 4_000
"""So many iterations are spent on pins that greedy insertion could not keep together."""


class Infeasible(ValueError):
    """The pins cannot be kept together with the other rules; `request` is the first that could not."""

    def __init__(self, request: int, message: str) -> None:
        super().__init__(message)
        self.request = request


@dataclasses.dataclass(frozen=True, slots=True)
class Progress:
    """What has been reached; `incumbent` and `bound` are of `stage`."""

    elapsed_s: float
    iteration: int
    phase: str
    stage: Stage
    incumbent: int
    bound: int | None
    served: int


@dataclasses.dataclass(frozen=True, slots=True)
class StageResult:
    """A stage's value and, where known, the proven bound."""

    stage: Stage
    value: int
    bound: int | None

    @property
    def gap(self) -> float | None:
        """(bound - value) / max(1, |bound|), at least 0; None without a bound."""
        if self.bound is None:
            return None
        return max(0.0, (self.bound - self.value) / max(1, abs(self.bound)))

    @property
    def status(self) -> str:
        """OPTIMAL: the bound is reached; BOUNDED: there is one; FEASIBLE: there is none."""
        if self.bound is None:
            return "FEASIBLE"
        return "OPTIMAL" if self.value >= self.bound else "BOUNDED"


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """What entered the search before `iteration` and was not decided by it: from there on the heat is that of `level`
    (0 … `LEVELS`, -1: as before), and the draft is `plan` where there is one.
    """

    iteration: int
    level: int = -1
    plan: Plan | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Result:
    """A plan with its stages in order; `versions` are those of the solver's parts, `duals` prove bounds, `journal` with seed
    and iterations is all that `replay` needs.
    """

    plan: Plan
    stages: tuple[StageResult, ...]
    seed: int
    iterations: int
    elapsed_s: float
    versions: dict[str, str]
    duals: tuple[Duals, ...] = ()
    journal: tuple[Entry, ...] = ()


def solve(
    problem: Problem,
    *,
    seed: int,
    stop: Stop,
    observe: Callable[[Progress, Plan | None], None] = lambda _progress, _plan: None,
    warm: Plan | None = None,
) -> Result:
    """The best plan found until `stop`; it breaks no rule at any moment.

    `observe` hears of progress a few times a second; with the plan whenever that is better than the last one it heard of.
    `warm` is a plan to start from: what of it is still possible is kept.

    Raises:
        Infeasible: the pins cannot be kept.
    """
    return _Search(problem, seed=seed).run(stop=stop, observe=observe, warm=warm)


def replay(problem: Problem, *, seed: int, journal: Sequence[Entry], iterations: int) -> Plan:
    """The plan that a solve with that seed, journal and number of iterations gave, found again without any clock.

    Raises:
        Infeasible: the pins cannot be kept.
    """
    search = _Search(problem, seed=seed)
    warm = next((one.plan for one in journal if one.iteration == 0 and one.plan is not None), None)
    search.begin(warm)
    marks = [one for one in journal if one.iteration > 0 or one.plan is None]
    done = 0
    for one in [*marks, Entry(iterations)]:
        search.search(one.iteration - done)
        done = one.iteration
        search.enter(one)
    return search.ended()


class _Search:
    def __init__(self, problem: Problem, *, seed: int) -> None:
        self._problem = problem
        self._seed = seed
        self._packed: Packed = pack(problem)
        self._given = given(self._packed, near=NEAR)
        self._tours = Tours(*two_day_tours(self._packed))
        self._state = empty(self._packed, seed)
        self._room = scratch(self._packed)
        self._best = nothing(self._packed, self._state)
        self._shown = nothing(self._packed, self._state)
        """The best of when a piece of work ended: while one is done, nobody else may look at it."""
        self._nobody = np.zeros(0, dtype=np.int64)
        self._heat = 0.0
        self._pins = int(self._given.asks[:-1, PINNED].sum())
        self._proofs: dict[Stage, Sequence[Proof]] = {}
        self._plain: dict[Stage, Sequence[Proof]] = {}
        """The last ones that price nothing of what earlier stages reached: they hold whatever the plan reaches."""
        self._offered: Plan | None = None
        self._lock = threading.Lock()

    def run(
        self,
        *,
        stop: Stop,
        observe: Callable[[Progress, Plan | None], None],
        warm: Plan | None,
    ) -> Result:
        telling = _Telling(self, stop, observe)
        kept = self.begin(warm)
        self._show()
        journal = [] if kept is None else [Entry(0, plan=kept)]
        telling.tell("constructing", 0, better=True)
        ended = threading.Event()
        bounding = threading.Thread(
            target=self._bound, args=(ended.is_set, None, stop.left_s), daemon=True
        )
        if stop.by_clock:
            bounding.start()
        iteration, chunk, level = 0, stop.chunk(LEVELS, CHUNK_MAX), -1
        while not stop.now(iteration):
            now = min(LEVELS, int(stop.used(iteration) * (LEVELS + 1)))
            if now != level:
                level = now
                journal.append(Entry(iteration, level=level))
                self.enter(journal[-1])
            offered = self._taken() if iteration else None
            if offered is not None:
                journal.append(Entry(iteration, plan=offered))
                self.enter(journal[-1])
            began_s = stop.elapsed_s()
            count = stop.left(iteration, chunk)
            better = self.search(count)
            self._show()
            iteration += count
            telling.tell("improving", iteration, better=better)
            if stop.by_clock:
                took_s = max(1e-6, stop.elapsed_s() - began_s)
                chunk = max(1, min(CHUNK_MAX, 2 * chunk, int(chunk * CHUNK_S / took_s)))
        ended.set()
        if stop.by_clock:
            bounding.join(timeout=BOUND_GRACE_S)
        else:
            self._bound(lambda: stop.now(-1), MASTERS, stop.left_s)
        plan = self.ended()
        values = check.values(self._problem, plan)
        telling.tell("done", iteration, better=True, force=True)
        proven = {stage: self._proven(stage, values) for stage in STAGES}
        return Result(
            plan=plan,
            stages=tuple(StageResult(s, values[s], proven[s][0]) for s in STAGES),
            seed=self._seed,
            iterations=iteration,
            elapsed_s=stop.elapsed_s(),
            versions={
                "numba": importlib.metadata.version("numba"),
                "ortools": importlib.metadata.version("ortools"),
                "solver": "2",
            },
            duals=tuple(one.duals for stage in STAGES for one in proven[stage][1]),
            journal=tuple(journal),
        )

    # the steps of a search, the same in a replay

    def begin(self, warm: Plan | None) -> Plan | None:
        """A first plan; what was kept of `warm`.

        Raises:
            Infeasible: the pins cannot be kept.
        """
        kept = None
        if warm is not None:
            kept = sound_part(self._problem, warm)
            load_plan(self._packed, self._given, self._state, kept)
        self._fill(pinned_only=True)
        tries = 0
        while self._state.values[V_PINS] < self._pins and tries < PIN_TRIES:
            self._heat = HOT * self._mean_weight()
            self.search(PIN_TRIES // 8)
            tries += PIN_TRIES // 8
            back_to(self._given, self._state, self._best)
        if self._state.values[V_PINS] < self._pins:
            asks = self._given.asks[:-1]
            request = int(np.flatnonzero((asks[:, PINNED] > 0) & (self._state.start < 0))[0])
            raise Infeasible(request, f"the pins of request {request} cannot be kept")
        self._fill(pinned_only=False)
        keep(self._state, self._best)
        return kept

    def enter(self, entry: Entry) -> None:
        """Let something into the search that it has not found itself."""
        if entry.plan is not None:
            load_plan(self._packed, self._given, self._state, entry.plan)
            if compared(self._state.values, self._best.values) > 0:
                keep(self._state, self._best)
        if entry.level >= LEVELS:
            back_to(self._given, self._state, self._best)
            self._heat = 0.0
        elif entry.level >= 0:
            part = HOT * (COLD / HOT) ** (entry.level / LEVELS)
            self._heat = part * self._mean_weight()

    def search(self, iterations: int) -> bool:
        """Whether so many iterations have found a better plan."""
        return self._improved(self._nobody, iterations)

    def ended(self) -> Plan:
        """The best plan, with people standing by."""
        best = self._best
        plan = plan_of(self._packed, best.start, best.who, best.remote, best.night)
        return dataclasses.replace(plan, standbys=tuple(_standbys(self._problem, plan)))

    def so_far(self) -> Plan:
        """The best plan, nobody standing by."""
        best = self._best
        return plan_of(self._packed, best.start, best.who, best.remote, best.night)

    def reached(self) -> tuple[int, int | None, int]:
        """Need of the best plan, its bound, and how many are served."""
        best = self._best.values
        values = {Stage.EMERGENCY: int(best[V_EMERGENCY]), Stage.FLOOR: int(best[V_FLOOR])}
        bound, _ = self._proven(Stage.NEED, values)
        return int(best[V_NEED]), bound, int(np.count_nonzero(self._best.start >= 0))

    def _proven(
        self, stage: Stage, values: Mapping[Stage, int]
    ) -> tuple[int | None, Sequence[Proof]]:
        """The best bound of a stage for plans that reach `values` before it, and what proves it."""
        with self._lock:
            known = [told[stage] for told in (self._proofs, self._plain) if stage in told]
        bounds = [(bound_of(self._problem, proofs, values), proofs) for proofs in known]
        return min(bounds, key=lambda one: one[0], default=(None, ()))

    def _fill(self, *, pinned_only: bool) -> None:
        wanted = wanted_first(self._given, self._state, pinned_only=pinned_only)
        self._improved(wanted, 0)

    def _improved(self, wanted: "np.ndarray[tuple[int], np.dtype[np.int64]]", count: int) -> bool:
        found = improve(
            self._given,
            self._tours,
            self._state,
            self._room,
            self._best,
            WORTH,
            self._heat,
            wanted,
            count,
        )
        return bool(found > 0)

    def _mean_weight(self) -> float:
        return float(self._packed.weight.mean()) if self._packed.requests else 1.0

    # the other side

    def _bound(
        self, until: Callable[[], bool], limits: int | None, left_s: Callable[[], float]
    ) -> None:
        def tell(stage: Stage, _bound: int, proofs: Sequence[Proof]) -> None:
            with self._lock:
                self._proofs[stage] = proofs
                if is_plain(proofs):
                    self._plain[stage] = proofs

        Bounder(self._problem, self._packed, seed=self._seed).run(
            until=until,
            tell=tell,
            incumbent=self._incumbent,
            offer=self._offer if limits is None else None,
            limits=limits,
            left_s=left_s,
        )

    def _offer(self, plan: Plan) -> Plan:
        """Leave what is sound of a plan for the search, if it is better than the best one; the better of the two."""
        sound, best = sound_part(self._problem, plan), self._incumbent()
        if _key(self._problem, sound) <= _key(self._problem, best):
            return best
        with self._lock:
            self._offered = sound
        return sound

    def _show(self) -> None:
        """Let the other side see the best plan."""
        with self._lock:
            for shown, best in zip(self._shown, self._best, strict=True):
                shown[:] = best

    def _incumbent(self) -> Plan:
        """The best plan, as the other side may see it."""
        with self._lock:
            if self._offered is not None:
                return self._offered
            best = Best(*(shown.copy() for shown in self._shown))
        return plan_of(self._packed, best.start, best.who, best.remote, best.night)

    def _taken(self) -> Plan | None:
        with self._lock:
            plan, self._offered = self._offered, None
        return plan


class _Telling:
    """What `observe` hears, at most a few times a second; a better plan at once."""

    def __init__(
        self, search: _Search, stop: Stop, observe: Callable[[Progress, Plan | None], None]
    ) -> None:
        self._search = search
        self._stop = stop
        self._observe = observe
        self._told_s = -1.0
        self._unheard = False

    def tell(self, phase: str, iteration: int, *, better: bool, force: bool = False) -> None:
        elapsed_s = self._stop.elapsed_s()
        self._unheard = self._unheard or better
        if not force and iteration > 0 and elapsed_s - self._told_s < REPORT_EVERY_S:
            return
        self._told_s = elapsed_s
        incumbent, bound, served = self._search.reached()
        progress = Progress(elapsed_s, iteration, phase, Stage.NEED, incumbent, bound, served)
        self._observe(progress, self._search.so_far() if self._unheard else None)
        self._unheard = False


def _key(problem: Problem, plan: Plan) -> tuple[int, ...]:
    """By what plans are compared, but for people standing by."""
    values = check.values(problem, plan)
    return tuple(values[stage] for stage in STAGES if stage is not Stage.STANDBY)


def sound_part(problem: Problem, plan: Plan) -> Plan:
    """What of a plan keeps every rule, pins of other requests apart: whole requests are left out, the least needed where
    the choice is free.
    """
    kept = dataclasses.replace(plan, standbys=())
    if any(True for _ in check.references(problem, kept)):
        return Plan(())
    unkept = {one.request for one in check.pins_kept(problem, kept)}
    kept = _left(kept, unkept, set())
    bare = dataclasses.replace(problem, pins=())
    while broken := check.violations(bare, kept):
        nights = {
            (one.expert, one.day - back)
            for one in broken
            if one.rule in {"night_between_visits", "nights_allowed"}
            for back in ((0, 1) if one.day >= 0 else range(1 - problem.days, 2))
        }
        left = _left(kept, set(), nights)
        if left == kept:
            left = _left(kept, _guilty(problem, kept, broken), set())
        kept = left
    return kept


def _guilty(problem: Problem, plan: Plan, broken: Sequence[check.Violation]) -> set[int]:
    """Requests without which less is broken."""
    gone = {one.request for one in broken if one.request >= 0}
    if gone:
        return gone
    concerned = [
        a.request
        for one in broken
        for a in plan.assignments
        if one.expert in {-1, a.expert} and one.day in {-1, a.start // DAY_MIN}
    ]
    return {min(concerned, key=lambda index: (problem.requests[index].weight, index))}


def _left(plan: Plan, requests: Container[int], nights: Container[tuple[int, int]]) -> Plan:
    return Plan(
        tuple(one for one in plan.assignments if one.request not in requests),
        tuple(one for one in plan.nights if (one.expert, one.day) not in nights),
    )


def _standbys(problem: Problem, plan: Plan) -> list[Standby]:
    """Cover wanted standby places from who has consented, each looked at alone."""
    wished = [
        r for r in sorted({a.request for a in plan.assignments}) if problem.requests[r].standbys
    ]
    if not wished:
        return []
    nearby = Nearby(problem)
    draft = nearby.draft(plan)
    found: list[Standby] = []
    used: Counter[tuple[int, int]] = Counter()
    for index in wished:
        request, start = problem.requests[index], draft.start_of(index)
        team = sorted(assignment.expert for assignment in draft.teams[index].values())
        wanted = request.standbys
        able = sorted(
            nearby.eligibility.candidates(index, 0, starts=[start]),
            key=lambda one: (-one.fit, one.travel_min, one.expert, one.remote),
        )
        for candidate in able:
            key = candidate.expert, start // DAY_MIN
            if not wanted:
                break
            if (
                candidate.expert in team
                or used[key] >= problem.experts[candidate.expert].standby_max
                or candidate.remote != (request.seats[0].mode is Mode.REMOTE)
            ):
                continue
            placed = draft.placed(
                candidate.expert, nearby.visit(nearby.seated(index, 0, candidate))
            )
            if placed is None or placed[1] or not draft.may_join(index, team, candidate.expert, 0):
                continue
            used[key] += 1
            found.append(Standby(index, candidate.expert))
            wanted -= 1
    return sorted(found)
