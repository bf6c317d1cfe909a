"""The cheapest change under which a request would be served: changes of the problem, tried for real in a fixed order."""

import dataclasses
import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from services.scheduling.optimizer.check import need_value, violations
from services.scheduling.optimizer.loaded import Loaded
from services.scheduling.optimizer.problem import (
    DAY_MIN,
    Approval,
    Assignment,
    Expert,
    Limits,
    Mode,
    Naming,
    NightAway,
    Plan,
    Pool,
    Problem,
    Request,
    Role,
    Window,
)
from services.scheduling.optimizer.rechecking import Recheck
from services.scheduling.optimizer.sifting import NEEDED, asks_of
from services.scheduling.optimizer.state import (
    CLOSED,
    LOGGED,
    NIGHT,
    PUT,
    SEAT_AT,
    START_AT,
    TAKEN,
    WAY,
    take_back,
)
from services.scheduling.optimizer.stop import Stop
from services.scheduling.optimizer.trying import NOBODY, NOT_HERE, force, seat_team, try_starts

HALF_DAYS: Sequence[tuple[int, int]] = ((8 * 60 + 30, 12 * 60), (14 * 60, 17 * 60 + 30))
"""Half-days that are proposed besides the hours the request itself gave, minutes of the day."""
SATURDAY = 5
DISPLACING_MAX = 12
"""So many starts are tried in full when others have to give way."""
MENDING = 8
"""So many orders are tried in which those who gave way look for another place."""


@dataclasses.dataclass(frozen=True, slots=True)
class Repair:
    """A change under which the request is served, found by doing it; the plan it gives breaks no other rule.

    `price` is what all other requests lose in the unit of need, `start` when it would take place, `experts` who would
    come, seat by seat (without the new one of ONE_MORE_EXPERT); `overnight` are those of them who would be away for more nights than
    now. `seat` is the seat that changes, -1 for none; `requests` are those that would no longer be served. The codes, in the order in which they are tried:

    OTHER_WINDOW: at `start`, outside the windows it gave. ACCEPT_REMOTE: not everybody on site. FEWER_SEATS: without
    `seat`. LOWER_PROFICIENCY: a level less in `seat`. RELEASE_NAMED: another than the named expert. ONE_MORE_EXPERT: one
    more person who may do all that `seat` asks for and lives near, and leads instead of the only one who may where there is
    such a one (`also_releases_named`). DISPLACE: no change of the request; others give way (none where the search had ended
    early). The other codes have `requests` where one change alone was not enough.
    """

    code: str
    price: int
    start: int | None
    experts: tuple[int, ...]
    seat: int = -1
    requests: tuple[int, ...] = ()
    overnight: tuple[int, ...] = ()


def cheapest_repair(
    problem: Problem, plan: Plan, request: int, *, seed: int, stop: Stop
) -> Repair | None:
    """The first change, in the order of `Repair`'s codes, under which `request` is served beside the plan; None when none is.
    For many requests of one plan use `Repairs`.

    Raises:
        ValueError: the plan does serve it.
    """
    return Repairs(problem, plan).cheapest(request, seed=seed, stop=stop)


def also_releases_named(request: Request, repair: Repair) -> bool:
    """Whether a newcomer is to lead although `request` lets only the one whom it names: that has to be given up, too."""
    return repair.code == "ONE_MORE_EXPERT" and _names_only(request, repair.seat)


def _names_only(request: Request, seat: int) -> bool:
    return seat == 0 and request.naming is Naming.ONLY


@dataclasses.dataclass(frozen=True, slots=True)
class Repaired:
    """A repair that was done: the `problem` as changed, and the sound `plan` of it that serves the request."""

    repair: Repair
    problem: Problem
    plan: Plan


def repaired(
    problem: Problem, plan: Plan, request: int, *, seed: int, stop: Stop
) -> Repaired | None:
    """As `cheapest_repair`, with what it makes of problem and plan, which the referee has looked at whole.

    Raises:
        ValueError: the plan does serve it.
    """
    return Repairs(problem, plan).done(request, seed=seed, stop=stop)


@dataclasses.dataclass(frozen=True, slots=True)
class _Change:
    """What the request asks for instead; `windows`, in their order, where these are tried one by one and not its own; and
    whether somebody new takes `seat`.
    """

    code: str
    request: Request
    seat: int = -1
    windows: tuple[Window, ...] | None = None
    newcomer: bool = False

    def problem(self, before: Problem, index: int) -> Problem:
        """The problem under the change; the newcomer is the last expert."""
        after = before
        if self.request is not before.requests[index]:
            after = _with_request(before, index, self.request)
        return _with_expert(after, index, self.seat) if self.newcomer else after


@dataclasses.dataclass(frozen=True, slots=True)
class _Found:
    """A repair with the teams of all requests that it changed (empty: no longer served) and nights of all people in them."""

    repair: Repair
    problem: Problem
    teams: Mapping[int, Sequence[Assignment]]
    nights: Mapping[int, Sequence[NightAway]]


class Repairs:
    """Repairs of one plan, which breaks no rule; each by itself: nothing of one is kept for the next.

    First a change of the request where everything else in the plan stays as it is, so that its price is 0. When there is none,
    others give way: those of the least weight, who look for another place at once; and when that alone is not enough, others
    give way beside a change. Every repair was done for real, and the referee has passed all that it touches (`rechecking.py`).
    """

    def __init__(self, problem: Problem, plan: Plan) -> None:
        self._problem = problem
        self._plan = dataclasses.replace(plan, standbys=())
        self._loaded = Loaded(problem, plan)
        self._sound = Recheck(problem, self._plan)
        policy = problem.policy
        self._fits = np.array([policy.fit_proficiency, policy.fit_on_site], dtype=np.int64)
        self._pinned = {pin.request for pin in problem.pins}

    def cheapest(self, request: int, *, seed: int, stop: Stop) -> Repair | None:
        """The first change, in the order of `Repair`'s codes, under which the request is served; None when none is, or none was
        found until `stop`. Some milliseconds for 3,000 requests and 1,000 experts.

        Raises:
            ValueError: the plan does serve it.
        """
        found = self._found(request, seed=seed, stop=stop)
        return None if found is None else found.repair

    def done(self, request: int, *, seed: int, stop: Stop) -> Repaired | None:
        """As `cheapest`, with the problem and the plan that the repair gives, which the referee has looked at whole.

        Raises:
            ValueError: the plan does serve it.
        """
        found = self._found(request, seed=seed, stop=stop)
        if found is None:
            return None
        kept = [one for one in self._plan.assignments if one.request not in found.teams]
        moved = [one for team in found.teams.values() for one in team]
        stayed = [one for one in self._plan.nights if one.expert not in found.nights]
        away = [one for nights in found.nights.values() for one in nights]
        after = Plan(tuple(sorted([*kept, *moved])), tuple(sorted([*stayed, *away])))
        assert not violations(found.problem, after), "what a repair touches is all it can break"
        return Repaired(found.repair, found.problem, after)

    def _found(self, index: int, *, seed: int, stop: Stop) -> _Found | None:
        if index in self._sound.teams:
            raise ValueError(f"the plan serves request {index}")
        for change in _changes(self._problem, index):
            if stop.now(0):
                return None
            found = self._beside(index, change)
            if found is not None:
                return found
        for change in _changes(self._problem, index):
            found = self._displacing(index, change, seed=seed, stop=stop)
            if found is not None or stop.now(0):
                return found
        return None

    # nothing else moves

    def _beside(self, index: int, change: _Change) -> _Found | None:
        """The repair when the request goes in under the change and nothing else moves."""
        ask, seats = _asked(change)
        for starts in self._starts(index, change):
            start = self._insert(index, ask, seats, starts, first=change.windows is not None)
            if start is not None:
                found = self._verified(index, change, start)
                self._back_to(0)
                return found
        return None

    def _starts(self, index: int, change: _Change) -> Iterator[Any]:
        """Starts that are tried together, those that are preferred first."""
        if change.windows is None:
            yield self._own_starts(index)
            return
        step, request = self._problem.start_step_min, change.request
        for window in change.windows:
            first = -(-max(window.start, request.ready_at) // step) * step
            yield np.arange(first, window.end - request.duration_min + 1, step, dtype=np.int32)

    def _own_starts(self, index: int) -> Any:
        given = self._loaded.board.given
        return given.starts[given.asks[index, START_AT] : given.asks[index + 1, START_AT]]

    def _insert(
        self, index: int, ask: Any, seats: Any, starts: Any, *, first: bool = False
    ) -> int | None:
        """Seat the best team at the best of the starts (with `first` at the first possible one); when, None where nobody can."""
        board, state = self._loaded.board, self._loaded.state
        team = np.full((len(seats), 3), NOBODY, dtype=np.int64)
        place = try_starts(
            board.given, state, board.known, index, ask, seats, starts, first, self._fits, team
        )
        if place < 0:
            return None
        seat_team(board.given, state, index, int(starts[place]), team)
        return int(starts[place])

    def _back_to(self, mark: int) -> None:
        take_back(self._loaded.board.given, self._loaded.state, mark)

    def _mark(self) -> int:
        return int(self._loaded.state.own[LOGGED])

    def _verified(
        self, index: int, change: _Change, start: int, *, below: int | None = None
    ) -> _Found | None:
        """What has been done to the draft as a repair, when its price is `below` (None: any) and the referee finds nothing."""
        before = self._sound.teams
        teams, nights = self._touched(index)
        problem = change.problem(self._problem, index)
        if change.newcomer:
            remote = change.request.seats[change.seat].mode is Mode.REMOTE
            newcomer = len(problem.experts) - 1
            teams[index] = (
                *teams[index],
                Assignment(index, change.seat, newcomer, start, remote=remote),
            )
        others = teams.keys() - {index}
        price = self._need(before.get(one, ()) for one in others)
        price -= self._need(teams[one] for one in others)
        if below is not None and price >= below:
            return None
        if self._sound.violations(problem, teams, nights):
            return None
        experts = tuple(
            one.expert
            for one in sorted(teams[index], key=lambda one: one.seat)
            if one.expert < len(self._problem.experts)
        )
        repair = Repair(
            code=change.code,
            price=price,
            start=start,
            experts=experts,
            overnight=tuple(
                one for one in experts if len(nights[one]) > len(self._sound.nights.get(one, ()))
            ),
            seat=change.seat,
            requests=tuple(sorted(one for one in others if before.get(one) and not teams[one])),
        )
        return _Found(repair, problem, teams, nights)

    def _need(self, teams: Iterable[Sequence[Assignment]]) -> int:
        assigned = sorted(one for team in teams for one in team)
        return need_value(self._problem, Plan(tuple(assigned)))

    def _touched(
        self, index: int
    ) -> tuple[dict[int, tuple[Assignment, ...]], dict[int, tuple[NightAway, ...]]]:
        """Teams and nights as they are now, of what was changed since the plan was loaded."""
        packed, state = self._loaded.board.packed, self._loaded.state
        requests, people = {index}, set()
        for kind, what, who, *_ in state.log[: self._mark()].tolist():
            if kind in {PUT, TAKEN}:
                requests.add(int(packed.seat_request[what]))
                people.add(who)
            elif kind in {NIGHT, WAY}:
                people.add(what // packed.days)
        teams = {}
        for request in sorted(requests):
            first, last = int(packed.seat_at[request]), int(packed.seat_at[request + 1])
            start = int(state.start[request])
            teams[request] = tuple(
                Assignment(request, seat, who, start, remote=bool(far))
                for seat, (who, far) in enumerate(
                    zip(
                        state.who[first:last].tolist(),
                        state.remote[first:last].tolist(),
                        strict=True,
                    )
                )
                if who >= 0
            )
        nights = {
            one: tuple(
                NightAway(one, day)
                for day in np.flatnonzero(
                    state.night[one * packed.days : (one + 1) * packed.days]
                ).tolist()
            )
            for one in sorted(people)
        }
        return teams, nights

    # others give way

    def _displacing(self, index: int, change: _Change, *, seed: int, stop: Stop) -> _Found | None:
        """Force the request in where the least weight gives way, and let that look for another place."""
        requests = self._problem.requests
        ask, seats = _asked(change)
        spared = np.array([one.emergency > requests[index].emergency for one in requests])
        spared[list(self._pinned)] = True
        options: list[tuple[int, int]] = []
        for start in itertools.chain(*self._starts(index, change)):
            if stop.now(len(options)):
                break
            if self._force(index, ask, seats, int(start), spared):
                options.append((self._weight(self._gone()), int(start)))
            self._back_to(0)
            if options and change.windows is not None:
                break
        best: _Found | None = None
        dice = np.random.default_rng(seed)
        for place, (_, start) in enumerate(sorted(options)[:DISPLACING_MAX]):
            self._force(index, ask, seats, start, spared)
            missing, mark = self._gone(), self._mark()
            for attempt in range(MENDING if missing else 1):
                self._refill(missing, None if attempt == 0 else dice)
                below = None if best is None else best.repair.price
                best = self._verified(index, change, start, below=below) or best
                self._back_to(mark)
                if stop.now(place * MENDING + attempt) or len(missing) < 2:
                    break
            self._back_to(0)
            if stop.now(place * MENDING) or (best is not None and best.repair.price <= 0):
                break
        return best

    def _weight(self, requests: Iterable[int]) -> int:
        return sum(self._problem.requests[one].weight for one in requests)

    def _force(self, index: int, ask: Any, seats: Any, start: int, spared: Any) -> bool:
        board, state = self._loaded.board, self._loaded.state
        forced: bool = force(
            board.given, state, board.known, index, ask, seats, start, spared, self._fits
        )
        return forced

    def _gone(self) -> set[int]:
        """What the plan serves and the draft does not."""
        state = self._loaded.state
        closed = {what for kind, what, *_ in state.log[: self._mark()].tolist() if kind == CLOSED}
        return {one for one in closed if state.start[one] < 0}

    def _refill(self, missing: Collection[int], dice: np.random.Generator | None) -> None:
        """Put requests back beside everything in the draft, the most needed first; with `dice` in a shuffled order."""
        board, requests = self._loaded.board, self._problem.requests

        def urgency(index: int) -> tuple[int, float, int]:
            noise = 1.0 if dice is None else 1.0 + 0.6 * (float(dice.random()) - 0.5)
            return -requests[index].emergency, -requests[index].weight * noise, index

        for index in sorted(sorted(missing), key=urgency):
            if self._loaded.state.start[index] < 0:
                first, last = board.given.asks[index, SEAT_AT], board.given.asks[index + 1, SEAT_AT]
                self._insert(
                    index, board.asks[index], board.seats[first:last], self._own_starts(index)
                )


def _asked(change: _Change) -> tuple[Any, Any]:
    """What the change asks for of those who are there already."""
    ask, seats = asks_of(change.request)
    if change.newcomer:
        seats[change.seat, NEEDED] = NOT_HERE
    return ask, seats


def _changes(problem: Problem, index: int) -> Iterator[_Change]:
    request = problem.requests[index]
    yield _Change("DISPLACE", request)  # nothing at all: a search that ended early
    windows = _other_windows(problem, request)
    if windows:
        elsewhere = dataclasses.replace(request, windows=windows)
        yield _Change("OTHER_WINDOW", elsewhere, windows=windows)
    seats = request.seats
    if any(one.mode is Mode.ON_SITE for one in seats):
        remote = tuple(
            dataclasses.replace(one, mode=Mode.EITHER) if one.mode is Mode.ON_SITE else one
            for one in seats
        )
        yield _Change("ACCEPT_REMOTE", dataclasses.replace(request, seats=remote))
    for seat in range(len(seats) - 1, 0, -1):
        if seats[seat].required:
            yield _Change("FEWER_SEATS", _with_seat(request, seat, required=False), seat)
    for seat, one in enumerate(seats):
        if one.required and one.proficiency_min > 0:
            lower = _with_seat(request, seat, proficiency_min=one.proficiency_min - 1)
            yield _Change("LOWER_PROFICIENCY", lower, seat)
    anybody = dataclasses.replace(request, naming=Naming.NONE, named=-1)
    if request.naming is Naming.ONLY:
        yield _Change("RELEASE_NAMED", anybody, 0)
    for seat, one in enumerate(seats):
        if one.required:
            asked = anybody if _names_only(request, seat) else request
            yield _Change("ONE_MORE_EXPERT", asked, seat, newcomer=True)


def _with_seat(request: Request, seat: int, **changes: object) -> Request:
    seats = list(request.seats)
    seats[seat] = dataclasses.replace(seats[seat], **changes)  # type: ignore[arg-type]
    return dataclasses.replace(request, seats=tuple(seats))


def _with_request(problem: Problem, index: int, request: Request) -> Problem:
    requests = list(problem.requests)
    requests[index] = request
    return dataclasses.replace(problem, requests=tuple(requests))


def _other_windows(problem: Problem, request: Request) -> tuple[Window, ...]:
    """Half-days of the horizon that the request did not offer, the nearest to one it did first."""
    own = {(w.start % DAY_MIN, w.start % DAY_MIN + w.end - w.start) for w in request.windows}
    hours = sorted({h for h in {*own, *HALF_DAYS} if h[1] - h[0] >= request.duration_min})
    offered = [window.start // DAY_MIN for window in request.windows]
    weekend = any((day + problem.first_weekday) % 7 >= SATURDAY for day in offered)

    def distance(window: Window) -> tuple[int, bool, int]:
        day = window.start // DAY_MIN
        same = (window.start % DAY_MIN, window.start % DAY_MIN + window.end - window.start) in own
        return min((abs(day - other) for other in offered), default=day), not same, window.start

    found = [
        Window(day * DAY_MIN + start, day * DAY_MIN + end)
        for day in range(problem.days)
        if weekend or (day + problem.first_weekday) % 7 < SATURDAY
        for start, end in hours
        if end <= DAY_MIN
    ]
    return tuple(sorted((one for one in found if one not in request.windows), key=distance))


def _with_expert(problem: Problem, index: int, seat: int) -> Problem:
    """The problem with one more person who may do what the seat asks for, at home where the request is, and free."""
    request = problem.requests[index]
    asked = request.seats[seat]
    limits = Limits(
        per_day_max=1,
        per_week_max=1,
        per_round_max=1,
        travel_min_per_day_max=DAY_MIN,
        nights_max=0,
        rest_days_per_week=0,
        earliest=0,
        latest=DAY_MIN,
    )
    person = Expert(
        home=request.place,
        role=next((role for role in reversed(Role) if asked.roles >> role & 1), Role.VOLUNTEER),
        pool=len(problem.pools),
        skills=tuple(
            asked.proficiency_min if topic == request.topic else 0
            for topic in range(problem.topics)
        ),
        audiences=1 << request.audience,
        forms=1 << request.form,
        levels=1 << request.level,
        approvals=(Approval(request.topic, 1 << request.audience, problem.days),),
        windows=tuple(Window(day * DAY_MIN, (day + 1) * DAY_MIN) for day in range(problem.days)),
        limits=limits,
        clearance_until_day=problem.days,
        engaged_before=tuple(0 for _ in range(problem.days // 7 + 2)),
    )
    pool = Pool(0, problem.days, frozenset({request.node}), ())
    return dataclasses.replace(
        problem, experts=(*problem.experts, person), pools=(*problem.pools, pool)
    )
