"""The only door: `solve` turns a problem into the best plan it finds, with a proven bound where one is known.

Two sides: a plan is built by insertion and improved by ruin and recreate (Schrimpf et al. 2000, doi 10.1006/jcph.1999.6413),
compared by all stages in their order; a linear relaxation bounds the first three (`bound.py`). Both report as they go. By
seed and iterations alone the same inputs give the same plan.
"""

import dataclasses
import importlib.metadata
from collections.abc import Callable, Sequence

import numpy as np

from services.scheduling.optimizer.bound import upper_bounds
from services.scheduling.optimizer.candidates import Candidate, Eligibility
from services.scheduling.optimizer.duals import Duals
from services.scheduling.optimizer.problem import (
    DAY_MIN,
    Assignment,
    Naming,
    Plan,
    Problem,
    Stage,
    Standby,
)
from services.scheduling.optimizer.stop import Stop
from services.scheduling.optimizer.tours import Draft
from services.scheduling.optimizer.tours import Stop as Visit

STAGES: Sequence[Stage] = tuple(Stage)
REPORT_EVERY_S = 0.25
BOUND_S = 60.0
"""The relaxation takes a fraction of this at 1,000 requests; beyond it there is no bound rather than no plan."""
FIT_AS_MIN = (30, 1000)
"""A point of fit is worth so many minutes of travel where people are chosen one by one: one or the other, by turns."""
BLINK, START_BLINK, OPTIONAL_BLINK = 0.1, 0.2, 0.25
"""How often a person, a start, a nice-to-have seat is passed over (after Christiaens & Vanden Berghe 2020)."""
LAPSE = 40
"""Without a better plan for so many iterations, ruins grow."""


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
class Result:
    """A plan with its stages in order; `versions` are those of the solver's parts, `duals` prove bounds."""

    plan: Plan
    stages: tuple[StageResult, ...]
    seed: int
    iterations: int
    elapsed_s: float
    versions: dict[str, str]
    duals: tuple[Duals, ...] = ()


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
        Infeasible: the pins contradict the rules or each other.
    """
    return _Search(problem, seed=seed, stop=stop, observe=observe).run(warm)


class _Search:
    def __init__(
        self,
        problem: Problem,
        *,
        seed: int,
        stop: Stop,
        observe: Callable[[Progress, Plan | None], None],
    ) -> None:
        self._problem = problem
        self._seed = seed
        self._dice = np.random.default_rng(seed)
        self._stop = stop
        self._observe = observe
        self._reported_s = -1.0
        self._bounds: dict[Stage, int] = {Stage.PROMISES: 0}
        eligibility = Eligibility(problem)
        self._pool: dict[tuple[int, int], list[Candidate]] = {
            (index, seat): list(eligibility.candidates(index, seat))
            for index, request in enumerate(problem.requests)
            for seat in range(len(request.seats))
        }
        self._by_start = {key: _by_start(candidates) for key, candidates in self._pool.items()}
        self._eligibility = eligibility
        self._pinned = {pin.request for pin in problem.pins}
        self._pins = {(pin.request, pin.seat): pin for pin in problem.pins}
        self._promises = {(p.request, p.seat): p for p in problem.promises}
        self._fit_as_min = max(FIT_AS_MIN)
        self._blinking = False
        self._near = self._neighbourhoods()

    def run(self, warm: Plan | None) -> Result:
        best = Draft(self._problem, self._eligibility)
        self._place_pins(best)
        if warm is not None:
            self._keep(best, warm)
        self._fill(best, self._order())
        key = self._key(best)
        self._report("constructing", 0, best, key, better=True)
        self._bound()
        self._report("bounded", 0, best, key, better=True)
        current, current_key, iteration, idle = best, key, 0, 0
        self._blinking = True
        while not self._stop.now(iteration):
            trial = current.copy()
            self._ruin(trial, grown=idle > LAPSE)
            self._fill(trial, self._order(missing_from=trial))
            trial_key = self._key(trial)
            iteration += 1
            idle += 1
            if trial_key >= current_key:
                current, current_key = trial, trial_key
            if trial_key > key:
                best, key, idle = trial, trial_key, 0
                self._report("improving", iteration, best, key, better=True)
            elif idle % (4 * LAPSE) == 0:
                current, current_key = best, key
            self._report("improving", iteration, best, key, better=False)
        standbys = self._standbys(best)
        plan = best.plan(standbys)
        values = self._values(best)
        values[Stage.STANDBY] = len(standbys)
        self._report("done", iteration, best, key, better=True, force=True)
        return Result(
            plan=plan,
            stages=tuple(StageResult(s, values[s], self._bounds.get(s)) for s in STAGES),
            seed=self._seed,
            iterations=iteration,
            elapsed_s=self._stop.elapsed_s(),
            versions={"ortools": importlib.metadata.version("ortools"), "solver": "1"},
        )

    # construction

    def _order(self, missing_from: Draft | None = None) -> list[int]:
        """Requests not yet served: emergencies, then the most needed, a little shuffled."""
        requests = self._problem.requests
        left = [
            index
            for index in range(len(requests))
            if missing_from is None or index not in missing_from.teams
        ]
        noise = 0.0 if missing_from is None else float(self._dice.choice((0.6, 0.6, 4.0)))
        return sorted(
            left,
            key=lambda index: (
                -requests[index].emergency,
                -requests[index].weight * (1 + noise * (self._dice.random() - 0.5)),
                index,
            ),
        )

    def _fill(self, draft: Draft, order: Sequence[int]) -> None:
        self._fit_as_min = int(self._dice.choice(FIT_AS_MIN))
        for index in order:
            if index not in draft.teams and not self._stop.now(0):
                self._insert(draft, index)

    def _insert(self, draft: Draft, index: int, *, only_start: int = -1) -> bool:
        """Serve a request at its best start by its best team, if anybody can."""
        lead = self._by_start[index, 0]
        starts = [only_start] if only_start >= 0 else list(lead)
        if len(starts) > 1:
            self._dice.shuffle(starts)
        best: tuple[int, int, list[tuple[int, Candidate]]] | None = None
        for start in starts:
            if not draft.opens(index, start) or (only_start < 0 and self._blinks(START_BLINK)):
                continue
            team = self._team(draft, index, start)
            if team is None:
                continue
            value, members = team
            if best is None or value > best[0]:
                best = value, start, members
        if best is None:
            return False
        for seat, candidate in best[2]:
            stop = self._visit(index, seat, candidate)
            placed = draft.placed(candidate.expert, stop)
            assert placed is not None, "what was possible a moment ago no longer is"
            draft.add(
                Assignment(index, seat, candidate.expert, candidate.start, candidate.remote),
                stop,
                placed[1],
            )
        return True

    def _team(
        self, draft: Draft, index: int, start: int
    ) -> tuple[int, list[tuple[int, Candidate]]] | None:
        """The best team seat by seat, the hardest first; its value is fit and promises against travel."""
        request = self._problem.requests[index]
        seats = sorted(
            range(len(request.seats)),
            key=lambda seat: (
                not request.seats[seat].required,
                len(self._by_start[index, seat].get(start, ())),
            ),
        )
        members: list[tuple[int, Candidate]] = []
        value, cost = 0, 0
        for seat in seats:
            found: tuple[int, Candidate] | None = None
            taken = [candidate.expert for _, candidate in members]
            pin = self._pins.get((index, seat))
            if not request.seats[seat].required and pin is None and self._blinks(OPTIONAL_BLINK):
                continue
            for candidate in self._by_start[index, seat].get(start, ()):
                if pin is not None and candidate.expert != pin.expert:
                    continue
                if pin is None and self._blinks(BLINK):
                    continue
                worth = self._worth(index, seat, candidate)
                if found is not None and worth <= found[0]:
                    continue
                if not draft.may_join(index, taken, candidate.expert, cost):
                    continue
                placed = draft.placed(candidate.expert, self._visit(index, seat, candidate))
                if placed is None:
                    continue
                worth -= placed[0] + self._problem.policy.night_as_travel_min * len(placed[1])
                if found is None or worth > found[0]:
                    found = worth, candidate
            if found is None:
                if request.seats[seat].required:
                    return None
                continue
            value += found[0]
            members.append((seat, found[1]))
            cost += self._problem.experts[found[1].expert].cost
        return value, members

    def _blinks(self, share: float) -> bool:
        """Now and then what looks best is passed over, so that what it hides is found."""
        return self._blinking and float(self._dice.random()) < share

    def _worth(self, index: int, seat: int, candidate: Candidate) -> int:
        """What the candidate is worth before travel, in minutes."""
        worth = self._fit_as_min * candidate.fit
        request = self._problem.requests[index]
        if seat == 0 and request.naming is Naming.PREFERRED and candidate.expert == request.named:
            worth += self._fit_as_min * self._problem.policy.prefer_named
        promise = self._promises.get((index, seat))
        if promise is not None and (promise.expert, promise.start) == (
            candidate.expert,
            candidate.start,
        ):
            worth += 1000 * max(1, promise.cost_change)
        return worth

    def _visit(self, index: int, seat: int, candidate: Candidate) -> Visit:
        request = self._problem.requests[index]
        home = self._problem.experts[candidate.expert].home
        place = home if candidate.remote else request.place
        return Visit(candidate.start, candidate.start + request.duration_min, place, index, seat)

    def _place_pins(self, draft: Draft) -> None:
        for index in sorted(self._pinned):
            starts = {p.start for p in self._problem.pins if p.request == index and p.start >= 0}
            if len(starts) > 1:
                raise Infeasible(index, f"pins give request {index} more than one start")
            start = starts.pop() if starts else -1
            if start >= 0:
                self._offer_start(index, start)
            if not self._insert(draft, index, only_start=start) or any(
                pin.seat not in draft.teams[index]
                for pin in self._problem.pins
                if pin.request == index
            ):
                raise Infeasible(index, f"the pins of request {index} cannot be kept")

    def _offer_start(self, index: int, start: int) -> None:
        """Make sure that a start which was fixed by hand is among those that are tried."""
        for seat in range(len(self._problem.requests[index].seats)):
            if start not in self._by_start[index, seat]:
                self._by_start[index, seat][start] = [
                    one
                    for one in self._eligibility.candidates(index, seat, starts=[start])
                    if one.start == start
                ]

    def _keep(self, draft: Draft, warm: Plan) -> None:
        """Put what is still possible of a known plan into the draft."""
        # nights away are found again where a visit needs them
        teams: dict[int, list[Assignment]] = {}
        for assignment in sorted(warm.assignments, key=lambda one: one.start):
            teams.setdefault(assignment.request, []).append(assignment)
        for index, team in teams.items():
            if index in draft.teams or not draft.opens(index, team[0].start):
                continue
            self._offer_start(index, team[0].start)
            trial = draft.copy()
            if self._seat_all(trial, index, team):
                draft.__dict__.update(trial.__dict__)

    def _seat_all(self, draft: Draft, index: int, team: Sequence[Assignment]) -> bool:
        cost = 0
        required = {
            s for s, seat in enumerate(self._problem.requests[index].seats) if seat.required
        }
        if required - {assignment.seat for assignment in team}:
            return False
        for place, assignment in enumerate(team):
            candidate = next(
                (
                    one
                    for one in self._by_start[index, assignment.seat].get(assignment.start, ())
                    if (one.expert, one.remote) == (assignment.expert, assignment.remote)
                ),
                None,
            )
            taken = [other.expert for other in team[:place]]
            if candidate is None or not draft.may_join(index, taken, candidate.expert, cost):
                return False
            stop = self._visit(index, assignment.seat, candidate)
            placed = draft.placed(candidate.expert, stop)
            if placed is None:
                return False
            draft.add(assignment, stop, placed[1])
            cost += self._problem.experts[candidate.expert].cost
        return True

    # improvement

    def _neighbourhoods(self) -> list[list[int]]:
        """For each request, the others by nearness of place, then of time."""
        requests = self._problem.requests
        travel = self._problem.travel_min

        def distance(a: int, b: int) -> tuple[int, int]:
            first, second = requests[a], requests[b]
            days = min(
                (
                    abs(one.start - other.start) // DAY_MIN
                    for one in first.windows
                    for other in second.windows
                ),
                default=0,
            )
            return travel[first.place][second.place] + 30 * days, b

        count = len(requests)
        if count > 1500:  # then chance does as well, and the table would not pay
            return [[] for _ in range(count)]
        return [
            sorted((b for b in range(count) if b != a), key=lambda b: distance(a, b))[:30]
            for a in range(count)
        ]

    def _ruin(self, draft: Draft, *, grown: bool) -> None:
        """Take some requests out: near each other, of one person, or at random; pinned ones stay."""
        served = [index for index in draft.teams if index not in self._pinned]
        if not served:
            return
        size = int(self._dice.integers(1, 13 if grown else 7))
        kind = float(self._dice.random())
        missing = [i for i in range(len(self._problem.requests)) if i not in draft.teams]
        if kind < 0.45:
            centre = int(self._dice.choice(missing or served))
            chosen = [near for near in self._near[centre] if near in draft.teams][:size]
        elif kind < 0.75 and missing:
            wanted = int(self._dice.choice(missing))
            people = {one.expert for one in self._pool[wanted, 0]}
            chosen = [
                index
                for index in served
                if any(a.expert in people for a in draft.teams[index].values())
            ]
            self._dice.shuffle(chosen)
            chosen = chosen[:size]
        else:
            chosen = [
                int(one) for one in self._dice.choice(served, min(size, len(served)), replace=False)
            ]
        for index in chosen:
            if index not in self._pinned:
                draft.remove(index)

    # values

    def _values(self, draft: Draft) -> dict[Stage, int]:
        problem = self._problem
        emergency = need = 0
        covered: dict[tuple[int, int], int] = {}
        for index, team in draft.teams.items():
            request = problem.requests[index]
            need += request.weight
            if request.emergency > 0:
                emergency += request.weight
            for share in ((request.district, request.audience), (request.district, -1)):
                covered[share] = covered.get(share, 0) + request.weight
            for assignment in team.values():
                need += self._eligibility.fit(
                    request,
                    request.seats[assignment.seat],
                    problem.experts[assignment.expert],
                    remote=assignment.remote,
                )
        floor = min(
            (
                1000 * (s.carried + covered.get((s.district, s.audience), 0)) // s.target
                for s in problem.shares
            ),
            default=0,
        )
        promises = 0
        for promise in problem.promises:
            kept = draft.teams.get(promise.request, {}).get(promise.seat)
            if kept is None:
                promises -= promise.cost_drop
            elif (kept.expert, kept.start) != (promise.expert, promise.start):
                promises -= promise.cost_change
        travel = -draft.travel_total() - len(draft.nights) * problem.policy.night_as_travel_min
        load: dict[int, int] = {}
        for assignment in draft.assignments():
            load[assignment.expert] = load.get(assignment.expert, 0) + 1
        return {
            Stage.EMERGENCY: emergency,
            Stage.FLOOR: floor,
            Stage.NEED: need,
            Stage.PROMISES: promises,
            Stage.TRAVEL: travel,
            Stage.PREFERENCE: self._preference(draft),
            Stage.LOAD: -sum(count * count for count in load.values()),
            Stage.STANDBY: 0,
        }

    def _preference(self, draft: Draft) -> int:
        total = 0
        for index, team in draft.teams.items():
            request = self._problem.requests[index]
            lead = team.get(0)
            if (
                request.naming is Naming.PREFERRED
                and lead is not None
                and lead.expert == request.named
            ):
                total += self._problem.policy.prefer_named
        for series in self._problem.series:
            for first, second in zip(series.requests, series.requests[1:], strict=False):
                leads = [draft.teams.get(index, {}).get(0) for index in (first, second)]
                if (
                    leads[0] is not None
                    and leads[1] is not None
                    and leads[0].expert == leads[1].expert
                ):
                    total += series.continuity
        return total

    def _key(self, draft: Draft) -> tuple[int, ...]:
        values = self._values(draft)
        return tuple(values[stage] for stage in STAGES)

    def _bound(self) -> None:
        self._bounds |= upper_bounds(self._problem, self._pool_of_bound(), seconds=BOUND_S)

    def _pool_of_bound(self) -> dict[tuple[int, int], list[Candidate]]:
        """Everybody who could come at any start of the grid, not only at those that are tried."""
        return {
            (index, seat): list(self._eligibility.candidates(index, seat, every_start=True))
            for index, request in enumerate(self._problem.requests)
            for seat in range(len(request.seats))
        }

    def _standbys(self, draft: Draft) -> list[Standby]:
        """Cover wanted standby places from who has consented, each looked at alone."""
        found: list[Standby] = []
        used: dict[tuple[int, int], int] = {}
        for index in sorted(draft.teams):
            request = self._problem.requests[index]
            start = draft.start_of(index)
            team = {assignment.expert for assignment in draft.teams[index].values()}
            wanted = request.standbys
            for candidate in self._by_start[index, 0].get(start, ()):
                if not wanted:
                    break
                who = self._problem.experts[candidate.expert]
                key = candidate.expert, start // DAY_MIN
                if candidate.expert in team or used.get(key, 0) >= who.standby_max:
                    continue
                if candidate.remote and request.seats[0].mode.name != "REMOTE":
                    continue
                placed = draft.placed(candidate.expert, self._visit(index, 0, candidate))
                others = sorted(team)
                if (
                    placed is None
                    or placed[1]
                    or not draft.may_join(index, others, candidate.expert, 0)
                ):
                    continue
                used[key] = used.get(key, 0) + 1
                found.append(Standby(index, candidate.expert))
                wanted -= 1
        return found

    # telling

    def _report(
        self,
        phase: str,
        iteration: int,
        draft: Draft,
        key: tuple[int, ...],
        *,
        better: bool,
        force: bool = False,
    ) -> None:
        elapsed_s = self._stop.elapsed_s()
        if not (better or force) and elapsed_s - self._reported_s < REPORT_EVERY_S:
            return
        self._reported_s = elapsed_s
        place = STAGES.index(Stage.NEED)
        self._observe(
            Progress(
                elapsed_s=elapsed_s,
                iteration=iteration,
                phase=phase,
                stage=Stage.NEED,
                incumbent=key[place],
                bound=self._bounds.get(Stage.NEED),
                served=len(draft.teams),
            ),
            draft.plan() if better else None,
        )


def _by_start(candidates: Sequence[Candidate]) -> dict[int, list[Candidate]]:
    found: dict[int, list[Candidate]] = {}
    for candidate in candidates:
        found.setdefault(candidate.start, []).append(candidate)
    for same in found.values():
        same.sort(key=lambda one: (-one.fit, one.travel_min, one.expert, one.remote))
    return found
