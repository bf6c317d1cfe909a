"""Our rounds beside other solvers, in one run: `python -m tests.benchmarks.rounds_peers 200x211 --seconds 30 --peers pyvrp vroom ortools`.

Rounds without teams and nights away. A peer is asked in its own terms: each window of a person's day is a vehicle from home to
home, each request a job with its windows, its weight as the prize and the people who pass every filter for it; starts on the grid are had by
rounding travel up to it. What no peer can be told: limits per week and round, of travel per day, rest days, caps, quotas, spacing, days on
which an approval ends, and service from home (requests that want it are left out). So its answer is passed through our referee: visits, dearest
first, are kept as long as nothing is broken. Shown are the visits it claims, those that hold and their need, and how much of that need is of requests that peers
were asked, too: ours and first come, first served have all rules and all requests. With `taskset -c 0` before it everybody has one core.
"""

import argparse
import itertools
import sys
import time
from collections.abc import Sequence

import numpy as np

from services.scheduling.optimizer import check
from services.scheduling.optimizer.baseline import first_come
from services.scheduling.optimizer.candidates import Eligibility
from services.scheduling.optimizer.problem import DAY_MIN, Assignment, Mode, Plan, Problem, Stage
from services.scheduling.optimizer.solve import solve
from services.scheduling.optimizer.stop import Stop
from tests.benchmarks.peers import model
from tests.benchmarks.rounds import round_problem


def asked_of(problem: Problem) -> tuple[model.Question, list[int], list[int]]:
    """The question, the request of each job, and the person of each vehicle."""
    eligibility = Eligibility(problem)
    grid = problem.start_step_min
    vehicles, people = [], []
    for index, person in enumerate(problem.experts):
        for window in person.windows:
            day = window.start - window.start % DAY_MIN
            opens = max(window.start, day + person.limits.earliest)
            closes = min(window.end, day + person.limits.latest)
            opens += -opens % grid
            if opens < closes:
                people.append(index)
                vehicles.append(
                    model.Vehicle(
                        person.home,
                        person.home,
                        opens,
                        closes,
                        kind=index,
                        stops_max=person.limits.per_day_max,
                    )
                )
    jobs, requests = [], []
    homes = 1 + max(person.home for person in problem.experts)
    for index, request in enumerate(problem.requests):
        able = frozenset(one.expert for one in eligibility.candidates(index, 0) if not one.remote)
        windows = []
        for window in request.windows:
            first = max(window.start, request.ready_at)
            first += -first % grid
            if first <= window.end - request.duration_min:
                windows.append((first, window.end - request.duration_min))
        if able and windows and request.seats[0].mode is not Mode.REMOTE:
            requests.append(index)
            jobs.append(
                model.Job(
                    homes + len(jobs), request.duration_min, tuple(windows), request.weight, able
                )
            )
    # Who can do nothing in a window is of no use there, and peers are slow where there are many vehicles.
    useful = [
        any(
            vehicle.kind in job.kinds
            and any(a < vehicle.closes and vehicle.opens <= b for a, b in job.windows)
            for job in jobs
            if job.kinds is not None
        )
        for vehicle in vehicles
    ]
    vehicles = list(itertools.compress(vehicles, useful))
    people = list(itertools.compress(people, useful))
    places = [*range(homes), *(problem.requests[index].place for index in requests)]
    travel = np.array(problem.travel_min, np.int64)[np.ix_(places, places)]
    service = np.array([0] * homes + [job.service for job in jobs], np.int64)[:, None]
    # From a start to the next start is a multiple of the grid; the way home may be what it is.
    rounded = travel + service + -(travel + service) % grid - service
    rounded[:, :homes] = travel[:, :homes]
    np.fill_diagonal(rounded, 0)
    return model.Question(rounded, vehicles, jobs), requests, people


def plan_of(
    problem: Problem,
    question: model.Question,
    requests: Sequence[int],
    people: Sequence[int],
    routes: model.Routes,
) -> Plan:
    """What the routes mean as assignments."""
    found = []
    for vehicle, route in enumerate(routes):
        now, place = question.vehicles[vehicle].opens, question.vehicles[vehicle].start
        for one in route:
            job = question.jobs[one]
            now += int(question.travel[place, job.place])
            now = min((max(now, a) for a, b in job.windows if now <= b), default=now)
            now += -now % problem.start_step_min
            found.append(Assignment(requests[one], 0, people[vehicle], now))
            now, place = now + job.service, job.place
    return Plan(tuple(sorted(found)))


def held(problem: Problem, plan: Plan) -> Plan:
    """The part of `plan` that keeps all rules: visits by falling weight, in growing bites, as long as nothing is broken."""
    kept: list[Assignment] = []
    waiting = sorted(plan.assignments, key=lambda one: -problem.requests[one.request].weight)
    bite = len(waiting)
    while waiting:
        bite = min(bite, len(waiting))
        tried = [*kept, *waiting[:bite]]
        if not check.violations(problem, Plan(tuple(sorted(tried)))):
            kept, waiting = tried, waiting[bite:]
            bite *= 2
        elif bite == 1:
            waiting = waiting[1:]
        else:
            bite = bite // 2
    return Plan(tuple(sorted(kept)))


def need(problem: Problem, plan: Plan) -> int:
    return check.values(problem, plan)[Stage.NEED]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", default=["200x211"])
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--peers", nargs="*", default=["pyvrp", "vroom", "ortools"])
    asked = parser.parse_args()
    _say(
        "| requests × experts | solver | s | visits claimed | visits that hold | need that holds | of what all were asked |"
    )
    _say("|---|---|---|---|---|---|---|")
    for size in asked.sizes:
        requests, experts = map(int, size.split("x"))
        problem = round_problem(requests, experts, seed=asked.seed, teams=False, nights=False)
        question, of_job, people = asked_of(problem)
        asked_all = frozenset(of_job)
        began = time.monotonic()
        plan = solve(problem, seed=asked.seed, stop=Stop(seconds=asked.seconds)).plan
        _row(
            size,
            "zhihui",
            time.monotonic() - began,
            claimed=plan,
            sound=plan,
            problem=problem,
            asked_all=asked_all,
        )
        began = time.monotonic()
        queue = first_come(problem, range(requests))
        _row(
            size,
            "in order",
            time.monotonic() - began,
            claimed=queue,
            sound=queue,
            problem=problem,
            asked_all=asked_all,
        )
        for peer in asked.peers:
            began = time.monotonic()
            try:
                routes = model.solve(peer, question, seconds=asked.seconds, seed=asked.seed)
            except Exception as error:  # a peer's failure is a result, too
                _say(f"| {size} | {peer} | – | {type(error).__name__}: {error} | – | – | – |"[:300])
                continue
            took = time.monotonic() - began
            claimed = plan_of(problem, question, of_job, people, routes)
            _row(
                size,
                peer,
                took,
                claimed=claimed,
                sound=held(problem, claimed),
                problem=problem,
                asked_all=asked_all,
            )


def _row(
    size: str,
    solver: str,
    took: float,
    *,
    claimed: Plan,
    sound: Plan,
    problem: Problem,
    asked_all: frozenset[int],
) -> None:
    broken = check.violations(problem, sound)
    assert not broken, broken[0]
    of_all = Plan(tuple(one for one in sound.assignments if one.request in asked_all))
    _say(
        f"| {size} | {solver} | {took:.1f} | {len(claimed.assignments)} | {len(sound.assignments)} "
        f"| {need(problem, sound)} | {need(problem, of_all)} |"
    )


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
