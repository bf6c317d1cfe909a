"""The cheapest change under which a request would be served: changes of the problem, tried for real in a fixed order."""

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from services.scheduling.optimizer.candidates import starts_of
from services.scheduling.optimizer.check import need_value, violations
from services.scheduling.optimizer.nearby import Nearby
from services.scheduling.optimizer.problem import (
    DAY_MIN,
    Approval,
    Expert,
    Limits,
    Mode,
    Naming,
    Plan,
    Pool,
    Problem,
    Request,
    Role,
    Window,
)
from services.scheduling.optimizer.stop import Stop
from services.scheduling.optimizer.tours import Draft

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
    come, seat by seat (without the new one of ONE_MORE_EXPERT). `seat` is the seat that changes, -1 for none; `requests`
    are those that would no longer be served. The codes, in the order in which they are tried:

    OTHER_WINDOW: at `start`, outside the windows it gave. ACCEPT_REMOTE: not everybody on site. FEWER_SEATS: without
    `seat`. LOWER_PROFICIENCY: a level less in `seat`. RELEASE_NAMED: another than the named expert. ONE_MORE_EXPERT: one
    more person who may do all that `seat` asks for and lives near. DISPLACE: no change of the request; others give way
    (none where the search had ended early).
    """

    code: str
    price: int
    start: int | None
    experts: tuple[int, ...]
    seat: int = -1
    requests: tuple[int, ...] = ()


def cheapest_repair(
    problem: Problem, plan: Plan, request: int, *, seed: int, stop: Stop
) -> Repair | None:
    """The first change, in the order of `Repair`'s codes, under which `request` is served beside the plan; None when none is.

    Changes of the request are only proposed where everything else in the plan stays as it is, so their price is 0. When
    there is none, others give way: those of the least weight, who look for another place at once. Every repair was done
    for real and its plan found sound by the referee of the changed problem.

    Raises:
        ValueError: the plan does serve it.
    """
    done = repaired(problem, plan, request, seed=seed, stop=stop)
    return None if done is None else done.repair


@dataclasses.dataclass(frozen=True, slots=True)
class Repaired:
    """A repair that was done: the `problem` as changed, and the sound `plan` of it that serves the request."""

    repair: Repair
    problem: Problem
    plan: Plan


def repaired(
    problem: Problem, plan: Plan, request: int, *, seed: int, stop: Stop
) -> Repaired | None:
    """As `cheapest_repair`, with what it makes of problem and plan.

    Raises:
        ValueError: the plan does serve it.
    """
    if any(assignment.request == request for assignment in plan.assignments):
        raise ValueError(f"the plan serves request {request}")
    bare = dataclasses.replace(plan, standbys=())
    for change in _changes(problem, request):
        if stop.now(0):
            return None
        found = _beside(change, bare, request)
        if found is not None:
            return found
    return _displacing(problem, bare, request, seed=seed, stop=stop)


@dataclasses.dataclass(frozen=True, slots=True)
class _Change:
    """A problem that asks for less, or has more; `starts` in the order in which they are tried, None for all at once."""

    code: str
    problem: Problem
    seat: int = -1
    starts: tuple[int, ...] | None = None


def _changes(problem: Problem, index: int) -> Iterator[_Change]:
    request = problem.requests[index]
    yield _Change("DISPLACE", problem)  # nothing at all: a search that ended early
    windows = _other_windows(problem, request)
    if windows:
        elsewhere = dataclasses.replace(request, windows=windows)
        starts = starts_of(problem, elsewhere, per_window=DAY_MIN)
        order = {
            start: place
            for place, window in enumerate(windows)
            for start in starts
            if window.start <= start and start + request.duration_min <= window.end
        }
        yield _Change(
            "OTHER_WINDOW",
            _with_request(problem, index, elsewhere),
            starts=tuple(sorted(order, key=lambda start: (order[start], start))),
        )
    seats = request.seats
    on_site = [seat for seat, one in enumerate(seats) if one.mode is Mode.ON_SITE]
    if on_site:
        remote = tuple(
            dataclasses.replace(one, mode=Mode.EITHER) if one.mode is Mode.ON_SITE else one
            for one in seats
        )
        yield _Change(
            "ACCEPT_REMOTE",
            _with_request(problem, index, dataclasses.replace(request, seats=remote)),
        )
    for seat in range(len(seats) - 1, 0, -1):
        if seats[seat].required:
            fewer = _with_seat(request, seat, required=False)
            yield _Change("FEWER_SEATS", _with_request(problem, index, fewer), seat)
    for seat, one in enumerate(seats):
        if one.required and one.proficiency_min > 0:
            lower = _with_seat(request, seat, proficiency_min=one.proficiency_min - 1)
            yield _Change("LOWER_PROFICIENCY", _with_request(problem, index, lower), seat)
    if request.naming is Naming.ONLY:
        released = dataclasses.replace(request, naming=Naming.NONE, named=-1)
        yield _Change("RELEASE_NAMED", _with_request(problem, index, released), 0)
    anybody = dataclasses.replace(request, naming=Naming.NONE, named=-1)
    for seat, one in enumerate(seats):
        if one.required:
            more = problem
            if seat == 0 and request.naming is Naming.ONLY:
                more = _with_request(problem, index, anybody)
            yield _Change("ONE_MORE_EXPERT", _with_expert(more, index, seat), seat)


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


def _beside(change: _Change, plan: Plan, index: int) -> Repaired | None:
    """The repair when the request goes in under the change and nothing else moves."""
    nearby = Nearby(change.problem)
    draft = nearby.draft(plan)
    if change.starts is None:
        done = nearby.insert(draft, index)
    else:
        done = any(nearby.insert(draft, index, starts=[start]) for start in change.starts)
    if not done:
        return None
    return _verified(change, draft, index, plan)


def _verified(change: _Change, draft: Draft, index: int, before: Plan) -> Repaired | None:
    """The repair that made `draft` of the plan `before`, when the referee finds nothing."""
    code, problem = change.code, change.problem
    after = draft.plan()
    if index not in draft.teams or violations(problem, after):
        return None
    team = [draft.teams[index][one] for one in sorted(draft.teams[index])]
    others = Plan(tuple(a for a in after.assignments if a.request != index))
    repair = Repair(
        code=code,
        price=need_value(problem, before) - need_value(problem, others),
        start=team[0].start,
        experts=tuple(
            one.expert
            for one in team
            if code != "ONE_MORE_EXPERT" or one.expert < len(problem.experts) - 1
        ),
        seat=change.seat,
        requests=tuple(sorted({a.request for a in before.assignments} - draft.teams.keys())),
    )
    return Repaired(repair, problem, after)


def _displacing(
    problem: Problem, plan: Plan, index: int, *, seed: int, stop: Stop
) -> Repaired | None:
    """Force the request in where the least weight gives way, and let that look for another place."""
    nearby = Nearby(problem)
    draft = nearby.draft(plan)
    urgent = problem.requests[index].emergency
    spared = {*nearby.pinned} | {
        one for one in draft.teams if problem.requests[one].emergency > urgent
    }
    options: list[tuple[int, int, Draft]] = []
    for start in nearby.starts(index):
        if stop.now(len(options)):
            break
        forced = nearby.forced(draft, index, start, spared=spared)
        if forced is not None:
            gone = draft.teams.keys() - forced.teams.keys()
            options.append((sum(problem.requests[r].weight for r in gone), start, forced))
    best: Repaired | None = None
    dice = np.random.default_rng(seed)
    options.sort(key=lambda option: option[:2])
    for place, (_, _, forced) in enumerate(options[:DISPLACING_MAX]):
        missing = draft.teams.keys() - forced.teams.keys()
        for attempt in range(MENDING if missing else 1):
            trial = forced.copy()
            nearby.refill(trial, missing, None if attempt == 0 else dice)
            found = _verified(_Change("DISPLACE", problem), trial, index, plan)
            if found is not None and (best is None or found.repair.price < best.repair.price):
                best = found
            if stop.now(place * MENDING + attempt) or len(missing) < 2:
                break
        if stop.now(place * MENDING) or (best is not None and best.repair.price <= 0):
            break
    return best
