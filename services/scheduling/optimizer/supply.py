"""Whom to recruit next: what one more person of a role, topic, district and weekday would be worth to a round.

Every kind of person that could serve something is priced against what requests are worth at the margin: an unserved one its
weight, or, where the solve has left prices (`duals.py`), every request what is left of its weight above the price that
it keeps. The best ones are then verified: the round is solved again with such a person in it.
"""

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence

from services.scheduling.optimizer.check import need_value
from services.scheduling.optimizer.problem import (
    DAY_MIN,
    Approval,
    Expert,
    Limits,
    Mode,
    Plan,
    Pool,
    Problem,
    Request,
    Role,
    Window,
)
from services.scheduling.optimizer.solve import solve
from services.scheduling.optimizer.stop import Stop

VISITS_PER_DAY = 2
HOURS = (8 * 60, 18 * 60)
"""When the supposed person is free on their weekday, minutes of the day."""
TRAVEL_MIN_PER_DAY = 240
PROFICIENCY = 3
WEEKDAYS = 7


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Kind:
    """A person who may be recruited: lives in `district`, is free on `weekday` (0 is Monday) of every week."""

    role: int
    topic: int
    district: int
    weekday: int


@dataclasses.dataclass(frozen=True, slots=True)
class Signal:
    """What one person of `kind` is worth, in the unit of need.

    `worth` is an upper estimate: the best `VISITS_PER_DAY` requests a day, each once, travel from home and back within
    a day, but not between them; with prices it bounds what the linear relaxation gains. `gain` is what the round gained when it was
    solved again with the person beside the same search without; None where that was not tried. `requests` are those
    that this second plan serves by the person.
    """

    kind: Kind
    worth: int
    gain: int | None = None
    requests: tuple[int, ...] = ()


def supply_signals(
    problem: Problem,
    plan: Plan,
    *,
    seed: int,
    stop: Stop,
    kept: Sequence[int] | None = None,
    signals_max: int = 50,
    verified_max: int = 10,
    iterations: int = 300,
) -> tuple[Signal, ...]:
    """The kinds that are worth most, best first: verified ones by their gain, then the others by worth.

    `kept[r]` is what request `r` keeps of its weight at the margin, from the NEED stage's prices; without it an unserved
    request counts whole and a served one nothing. Of kinds that differ only in the weekday the best two are verified. `stop`
    ends the verifying early; what was not tried then has no gain.
    """
    rewards = _rewards(problem, plan, kept)
    found = sorted(
        (Signal(kind, worth) for kind, worth in _priced(problem, rewards)),
        key=lambda one: (-one.worth, one.kind),
    )[:signals_max]
    chosen: list[Signal] = []
    alike: dict[tuple[int, int, int], int] = {}
    for one in found:
        key = (one.kind.role, one.kind.topic, one.kind.district)
        alike[key] = alike.get(key, 0) + 1
        if alike[key] <= 2 and len(chosen) < verified_max:
            chosen.append(one)
    tried = dict(_verified(problem, plan, rewards, chosen, seed, stop, iterations))
    return tuple(
        sorted(
            (tried.get(one.kind, one) for one in found),
            key=lambda one: (one.gain is None, -(one.gain or 0), -one.worth, one.kind),
        )
    )


def _rewards(problem: Problem, plan: Plan, kept: Sequence[int] | None) -> Mapping[int, int]:
    """What serving a request adds at the margin; only those that add something."""
    if kept is not None:
        left = {index: one.weight - kept[index] for index, one in enumerate(problem.requests)}
    else:
        served = {assignment.request for assignment in plan.assignments}
        left = {
            index: one.weight for index, one in enumerate(problem.requests) if index not in served
        }
    return {index: reward for index, reward in left.items() if reward > 0}


def _priced(problem: Problem, rewards: Mapping[int, int]) -> Iterator[tuple[Kind, int]]:
    """Every kind of person that could serve something, with its worth."""
    by_topic: dict[int, list[int]] = {}
    for index in rewards:
        by_topic.setdefault(problem.requests[index].topic, []).append(index)
    for topic, wanted in sorted(by_topic.items()):
        districts = sorted({problem.requests[index].district for index in wanted} - {-1})
        for role, district in itertools.product(range(len(Role)), districts):
            home = _home(problem, rewards, topic, district)
            asked = [index for index in wanted if _may(problem.requests[index], role)]
            for weekday in range(WEEKDAYS):
                days = {
                    index: possible
                    for index in asked
                    if (possible := _days(problem, index, role, home, weekday))
                }
                worth = _best(rewards, days)
                if worth > 0:
                    yield Kind(role, topic, district, weekday), worth


def _home(problem: Problem, rewards: Mapping[int, int], topic: int, district: int) -> int:
    """Where most of the reward of a topic is in a district; the first such place."""
    at: dict[int, int] = {}
    for index, reward in rewards.items():
        request = problem.requests[index]
        if (request.topic, request.district) == (topic, district):
            at[request.place] = at.get(request.place, 0) + reward
    return max(sorted(at), key=lambda place: at[place])


def _may(request: Request, role: int) -> bool:
    return any(seat.required and seat.roles >> role & 1 for seat in request.seats)


def _days(problem: Problem, index: int, role: int, home: int, weekday: int) -> list[int]:
    """Days on which the person could be there and back in their hours."""
    request = problem.requests[index]
    remote = any(
        seat.required and seat.roles >> role & 1 and seat.mode is not Mode.ON_SITE
        for seat in request.seats
    )
    out_min = 0 if remote else problem.travel_min[home][request.place]
    back_min = 0 if remote else problem.travel_min[request.place][home]
    if out_min + back_min > TRAVEL_MIN_PER_DAY:
        return []
    found = set()
    for window in request.windows:
        day = window.start // DAY_MIN
        if (day + problem.first_weekday) % WEEKDAYS != weekday:
            continue
        low = max(window.start, request.ready_at, day * DAY_MIN + HOURS[0] + out_min)
        high = min(window.end, day * DAY_MIN + HOURS[1] - back_min) - request.duration_min
        if -(-low // problem.start_step_min) * problem.start_step_min <= high:
            found.add(day)
    return sorted(found)


def _best(rewards: Mapping[int, int], days: Mapping[int, Sequence[int]]) -> int:
    """The largest reward of requests that are each on one of their days, at most `VISITS_PER_DAY` on one.

    Sets that fit form a transversal matroid, so that taking the largest first and making room by moving others is exact
    (Edmonds & Fulkerson 1965).
    """
    on: dict[int, list[int]] = {}

    def placed(index: int, seen: set[int]) -> bool:
        for day in days[index]:
            if day in seen:
                continue
            seen.add(day)
            there = on.setdefault(day, [])
            if len(there) < VISITS_PER_DAY:
                there.append(index)
                return True
            for place, other in enumerate(there):
                if placed(other, seen):
                    there[place] = index
                    return True
        return False

    order = sorted(days, key=lambda index: (-rewards[index], index))
    return sum(rewards[index] for index in order if placed(index, set()))


def _verified(
    problem: Problem,
    plan: Plan,
    rewards: Mapping[int, int],
    chosen: Sequence[Signal],
    seed: int,
    stop: Stop,
    iterations: int,
) -> Iterator[tuple[Kind, Signal]]:
    if not chosen or stop.now(0):
        return
    bare = dataclasses.replace(plan, standbys=())

    def again(asked: Problem) -> Plan:
        return solve(
            asked,
            seed=seed,
            stop=Stop(iterations=iterations, asked=lambda: stop.now(0)),
            warm=bare,
        ).plan

    without = max(need_value(problem, plan), need_value(problem, again(problem)))
    newcomer = len(problem.experts)
    for one in chosen:
        if stop.now(0):
            return
        home = _home(problem, rewards, one.kind.topic, one.kind.district)
        more = _with_person(problem, one.kind, home)
        found = again(more)
        yield (
            one.kind,
            dataclasses.replace(
                one,
                gain=max(0, need_value(more, found) - without),
                requests=tuple(
                    sorted({a.request for a in found.assignments if a.expert == newcomer})
                ),
            ),
        )


def _with_person(problem: Problem, kind: Kind, home: int) -> Problem:
    """The round with one more person of that kind, as the last of its experts."""
    everything = (1 << 31) - 1
    weeks = problem.days // WEEKDAYS + 2
    person = Expert(
        home=home,
        role=Role(kind.role),
        pool=len(problem.pools),
        skills=tuple(PROFICIENCY if topic == kind.topic else 0 for topic in range(problem.topics)),
        audiences=everything,
        forms=everything,
        levels=everything,
        approvals=(Approval(kind.topic, everything, problem.days),),
        windows=tuple(
            Window(day * DAY_MIN + HOURS[0], day * DAY_MIN + HOURS[1])
            for day in range(problem.days)
            if (day + problem.first_weekday) % WEEKDAYS == kind.weekday
        ),
        limits=Limits(
            per_day_max=VISITS_PER_DAY,
            per_week_max=VISITS_PER_DAY,
            per_round_max=VISITS_PER_DAY * weeks,
            travel_min_per_day_max=TRAVEL_MIN_PER_DAY,
            nights_max=0,
            rest_days_per_week=0,
            earliest=0,
            latest=DAY_MIN,
        ),
        clearance_until_day=problem.days,
        engaged_before=(0,) * weeks,
    )
    pool = Pool(0, problem.days, frozenset(range(problem.nodes)), ())
    return dataclasses.replace(
        problem, experts=(*problem.experts, person), pools=(*problem.pools, pool)
    )
