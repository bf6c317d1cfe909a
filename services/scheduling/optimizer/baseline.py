"""First come, first served: what somebody with a telephone and a list would reach, for comparison.

Each request, in the order they came, gets its earliest possible start and, seat by seat, the nearest person who is free.
Nobody is moved afterwards. Every hard rule is kept; pins are not looked at.
"""

import dataclasses
from collections.abc import Sequence

from services.scheduling.optimizer.candidates import Candidate, Eligibility
from services.scheduling.optimizer.problem import Assignment, Plan, Problem
from services.scheduling.optimizer.tours import Draft, Stop


def first_come(problem: Problem, order: Sequence[int]) -> Plan:
    """The plan that serves requests in `order`, a permutation of their indices."""
    free = dataclasses.replace(problem, pins=())
    eligibility = Eligibility(free)
    draft = Draft(free, eligibility)
    for index in order:
        _serve(free, eligibility, draft, index)
    return draft.plan(())


def _serve(problem: Problem, eligibility: Eligibility, draft: Draft, index: int) -> None:
    request = problem.requests[index]
    by_seat = [
        sorted(
            eligibility.candidates(index, seat),
            key=lambda candidate: (candidate.start, candidate.travel_min, candidate.expert),
        )
        for seat in range(len(request.seats))
    ]
    for start in sorted({candidate.start for candidate in by_seat[0]}):
        if not draft.opens(index, start):
            continue
        team = _team(problem, draft, index, start, by_seat)
        if team is not None:
            for seat, candidate in team:
                stop = _stop(problem, index, seat, candidate)
                placed = draft.placed(candidate.expert, stop)
                assert placed is not None, "what was possible a moment ago still is"
                assignment = Assignment(index, seat, candidate.expert, start, candidate.remote)
                draft.add(assignment, stop, placed[1])
            return


def _team(
    problem: Problem,
    draft: Draft,
    index: int,
    start: int,
    by_seat: Sequence[Sequence[Candidate]],
) -> list[tuple[int, Candidate]] | None:
    """The first who can, seat by seat; None when a required seat stays empty."""
    team: list[tuple[int, Candidate]] = []
    cost = 0
    for seat, asked in enumerate(problem.requests[index].seats):
        taken = [candidate.expert for _, candidate in team]
        for candidate in by_seat[seat]:
            if (
                candidate.start == start
                and draft.may_join(index, taken, candidate.expert, cost)
                and draft.placed(candidate.expert, _stop(problem, index, seat, candidate))
            ):
                team.append((seat, candidate))
                cost += problem.experts[candidate.expert].cost
                break
        else:
            if asked.required:
                return None
    return team


def _stop(problem: Problem, index: int, seat: int, candidate: Candidate) -> Stop:
    request = problem.requests[index]
    home = problem.experts[candidate.expert].home
    place = home if candidate.remote else request.place
    return Stop(candidate.start, candidate.start + request.duration_min, place, index, seat)
