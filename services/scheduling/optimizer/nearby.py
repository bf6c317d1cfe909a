"""Small changes to a known plan: put one request in, make room for it, mend what gave way.

Explanations, repair and what-if ask for little changes and want answers in milliseconds. They share this: a plan as a draft,
every start of the grid, the best team for one request, and what has to go so that a request gets in.
"""

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import numpy as np

from services.scheduling.optimizer import check
from services.scheduling.optimizer.candidates import Candidate, Eligibility, starts_of
from services.scheduling.optimizer.problem import (
    DAY_MIN,
    Assignment,
    Naming,
    Pin,
    Plan,
    Problem,
    Standby,
)
from services.scheduling.optimizer.tours import Draft
from services.scheduling.optimizer.tours import Stop as Visit

FIT_AS_MIN = 30
"""A point of fit is worth so many minutes of travel where people are chosen one by one."""
KEPT_AS_MIN = 100_000
"""Keeping somebody in their seat is worth more than any fit or travel."""


@dataclasses.dataclass(frozen=True, slots=True)
class Joining:
    """`candidate` takes `seat`, with the nights away `(expert, day)` that it needs; `worth` is in minutes."""

    seat: int
    candidate: Candidate
    nights: tuple[tuple[int, int], ...]
    worth: int


class Nearby:
    """A problem, with what is asked of it again and again kept once."""

    def __init__(
        self, problem: Problem, *, not_before: int = 0, eligibility: Eligibility | None = None
    ) -> None:
        """`not_before`: no request is given a start before this minute."""
        self.problem = problem
        self.eligibility = eligibility or Eligibility(problem)
        self._not_before = not_before
        self._pools: dict[int, list[dict[int, list[Candidate]]]] = {}
        self._pins: dict[int, dict[int, Pin]] = {}
        for pin in problem.pins:
            self._pins.setdefault(pin.request, {})[pin.seat] = pin

    @property
    def pinned(self) -> Collection[int]:
        """Requests with a pin: they stay where they are."""
        return self._pins.keys()

    def draft(self, plan: Plan) -> Draft:
        """The plan, which breaks no rule, as a draft."""
        draft = Draft(self.problem, self.eligibility)
        for assignment in plan.assignments:
            draft.add(assignment, self.visit(assignment))
        draft.nights.update((night.expert, night.day) for night in plan.nights)
        return draft

    def visit(self, assignment: Assignment) -> Visit:
        """The assignment as the person lives it."""
        request = self.problem.requests[assignment.request]
        home = self.problem.experts[assignment.expert].home
        return Visit(
            assignment.start,
            assignment.start + request.duration_min,
            home if assignment.remote else request.place,
            assignment.request,
            assignment.seat,
        )

    def seated(self, index: int, seat: int, candidate: Candidate) -> Assignment:
        return Assignment(index, seat, candidate.expert, candidate.start, candidate.remote)

    # who could come

    def starts(self, index: int) -> list[int]:
        """Every start the request allows, and its pins."""
        fixed = {pin.start for pin in self._pins.get(index, {}).values() if pin.start >= 0}
        return [
            start
            for start in starts_of(self.problem, self.problem.requests[index], per_window=DAY_MIN)
            if start >= self._not_before and fixed <= {start}
        ]

    def candidates(self, index: int, seat: int) -> Mapping[int, Sequence[Candidate]]:
        """Who could take the seat, by start, were nothing else planned; pins kept."""
        if index not in self._pools:
            starts = self.starts(index)
            pools: list[dict[int, list[Candidate]]] = []
            for place in range(len(self.problem.requests[index].seats)):
                pin = self._pins.get(index, {}).get(place)
                by_start: dict[int, list[Candidate]] = {}
                for one in self.eligibility.candidates(index, place, starts=starts):
                    if pin is None or one.expert == pin.expert:
                        by_start.setdefault(one.start, []).append(one)
                pools.append(by_start)
            self._pools[index] = pools
        return self._pools[index][seat]

    def required(self, index: int) -> list[int]:
        """Seats without which the request is not served: the required and the pinned ones."""
        seats = self.problem.requests[index].seats
        pinned = self._pins.get(index, {})
        return [seat for seat, one in enumerate(seats) if one.required or seat in pinned]

    # putting in

    def team(
        self,
        draft: Draft,
        index: int,
        start: int,
        *,
        keep: Mapping[int, int] | None = None,
    ) -> list[Joining] | None:
        """A team for the request at `start`, beside everything in `draft`; None when there is provably none.

        Seat by seat, the hardest first, the best person first, going back where that leads nowhere; nice-to-have seats
        last. `keep` says who should stay in which seat if they can.
        """
        if index in draft.teams or not draft.opens(index, start):
            return None
        required = self.required(index)
        able: dict[int, list[Joining]] = {}
        for seat in required:
            able[seat] = self._able(draft, index, seat, start, keep or {})
            if not able[seat]:
                return None
        order = sorted(required, key=lambda seat: len(able[seat]))
        team = self._complete(draft, index, [able[seat] for seat in order], [])
        if team is None:
            return None
        for seat in range(len(self.problem.requests[index].seats)):
            if seat not in able:
                extra = self._complete(
                    draft, index, [self._able(draft, index, seat, start, keep or {})], team
                )
                team = extra or team
        return team

    def _able(
        self, draft: Draft, index: int, seat: int, start: int, keep: Mapping[int, int]
    ) -> list[Joining]:
        found = []
        for candidate in self.candidates(index, seat).get(start, ()):
            placed = draft.placed(candidate.expert, self.visit(self.seated(index, seat, candidate)))
            if placed is not None:
                travel_min, nights = placed
                worth = self.worth(index, seat, candidate) - travel_min
                worth -= self.problem.policy.night_as_travel_min * len(nights)
                if keep.get(seat) == candidate.expert:
                    worth += KEPT_AS_MIN
                found.append(Joining(seat, candidate, nights, worth))
        found.sort(key=lambda one: (-one.worth, one.candidate.expert, one.candidate.remote))
        return found

    def _complete(
        self, draft: Draft, index: int, able: Sequence[Sequence[Joining]], team: list[Joining]
    ) -> list[Joining] | None:
        if not able:
            return team
        people = [one.candidate.expert for one in team]
        cost = sum(self.problem.experts[expert].cost for expert in people)
        for one in able[0]:
            if draft.may_join(index, people, one.candidate.expert, cost):
                whole = self._complete(draft, index, able[1:], [*team, one])
                if whole is not None:
                    return whole
        return None

    def worth(self, index: int, seat: int, candidate: Candidate) -> int:
        """What somebody is worth before travel, in minutes."""
        request = self.problem.requests[index]
        wished = (
            request.naming is Naming.PREFERRED and seat == 0 and candidate.expert == request.named
        )
        return FIT_AS_MIN * (candidate.fit + (self.problem.policy.prefer_named if wished else 0))

    def join(self, draft: Draft, index: int, team: Iterable[Joining]) -> None:
        """Put a team that was found into the draft."""
        for one in team:
            assignment = self.seated(index, one.seat, one.candidate)
            draft.add(assignment, self.visit(assignment), one.nights)

    def insert(
        self,
        draft: Draft,
        index: int,
        *,
        starts: Iterable[int] | None = None,
        keep: Mapping[int, int] | None = None,
    ) -> bool:
        """Serve the request beside everything in the draft, at the start with the best team; False when that is impossible."""
        teams = [
            team
            for start in (self.starts(index) if starts is None else starts)
            if (team := self.team(draft, index, start, keep=keep)) is not None
        ]
        if not teams:
            return False
        self.join(draft, index, max(teams, key=lambda team: sum(one.worth for one in team)))
        return True

    # making room

    def blockers(
        self, draft: Draft, index: int, seat: int, candidate: Candidate, spared: Collection[int]
    ) -> list[tuple[int, ...]]:
        """Smallest sets of requests whose going would let the candidate come, none of them `spared`: () when they can
        already, else single requests, else pairs of one day.
        """
        visit = self.visit(self.seated(index, seat, candidate))
        if draft.placed(candidate.expert, visit) is not None:
            return [()]
        theirs = [
            stop
            for day in range(self.problem.days)
            for stop in draft.days.get((candidate.expert, day), ())
            if stop.request not in spared
        ]
        day = candidate.start // DAY_MIN
        same_day = [stop.request for stop in theirs if abs(stop.start // DAY_MIN - day) <= 1]
        singles: list[tuple[int, ...]] = [(stop.request,) for stop in theirs]
        pairs: list[tuple[int, ...]] = [
            (a, b) for place, a in enumerate(same_day) for b in same_day[place + 1 :]
        ]
        for sets in (singles, pairs):
            found = [
                gone
                for gone in sets
                if (left := draft.alone(candidate.expert, gone)) is not None
                and left.placed(candidate.expert, visit) is not None
            ]
            if found:
                return found
        return []

    def forced(
        self, draft: Draft, index: int, start: int, *, spared: Collection[int]
    ) -> Draft | None:
        """A copy of the draft in which the request is served at `start`, and whatever stood in its way, seat by seat the
        least weight, is not; None where only `spared` requests stand in the way. What gave way is not yet mended.
        """
        trial = draft.copy()
        while not trial.opens(index, start):
            least = self._least(self._closed_by(trial, index, start), spared)
            if least is None:
                return None
            trial.remove(least)
        team: list[int] = []
        seats = sorted(
            self.required(index), key=lambda seat: len(self.candidates(index, seat).get(start, ()))
        )
        for seat in seats:
            choices = [
                (self._weight(gone), -self.worth(index, seat, candidate), order, candidate, gone)
                for order, candidate in enumerate(self.candidates(index, seat).get(start, ()))
                if trial.goes_with(index, team, candidate.expert)
                # the draft has the team so far, and counts it
                and trial.is_paid_for(index, (), candidate.expert, 0)
                for gone in self.blockers(trial, index, seat, candidate, {*spared, index})
            ]
            if not choices:
                return None
            *_, candidate, gone = min(choices)
            for request in gone:
                trial.remove(request)
            assignment = self.seated(index, seat, candidate)
            placed = trial.placed(candidate.expert, self.visit(assignment))
            if placed is None:
                return None
            trial.add(assignment, self.visit(assignment), placed[1])
            team.append(candidate.expert)
        served = trial.teams.keys()
        kept = all(one in served for one in spared if one in draft.teams)
        return trial if kept and len(trial.teams.get(index, ())) == len(seats) else None

    def _weight(self, requests: Iterable[int]) -> int:
        return sum(self.problem.requests[one].weight for one in requests)

    def _least(self, requests: Iterable[int], spared: Collection[int]) -> int | None:
        able = [one for one in requests if one not in spared]
        return min(able, key=lambda one: (self.problem.requests[one].weight, one), default=None)

    def _closed_by(self, draft: Draft, index: int, start: int) -> Iterator[int]:
        """Served requests that leave no place under a cap, or are too near in a series."""
        for cap in self.problem.caps:
            if index in cap.requests:
                served = cap.requests & draft.teams.keys()
                if len(served) >= cap.served_max:
                    yield from served
        for series in self.problem.series:
            if index in series.requests:
                yield from (
                    other
                    for other in series.requests
                    if other in draft.teams
                    and abs(draft.start_of(other) // DAY_MIN - start // DAY_MIN)
                    < series.spacing_days
                )

    # mending

    def refill(
        self, draft: Draft, missing: Iterable[int], dice: np.random.Generator | None = None
    ) -> None:
        """Put requests back beside everything in the draft, the most needed first; with `dice` in a shuffled order."""
        requests = self.problem.requests

        def urgency(index: int) -> tuple[int, float, int]:
            noise = 1.0 if dice is None else 1.0 + 0.6 * (float(dice.random()) - 0.5)
            return -requests[index].emergency, -requests[index].weight * noise, index

        for index in sorted(missing, key=urgency):
            if index not in draft.teams:
                self.insert(draft, index)


def with_standbys(problem: Problem, plan: Plan, wanted: Iterable[Standby]) -> Plan:
    """`plan` with those of the wanted standbys that still hold."""
    kept = tuple(sorted(wanted))
    rules = (check.standby_wanted, check.standby_consented, check.standby_able)
    while True:
        trial = dataclasses.replace(plan, standbys=kept)
        broken = [violation for rule in rules for violation in rule(problem, trial)]
        if not broken:
            return trial
        served = {a.request: a.start // DAY_MIN for a in plan.assignments}
        kept = tuple(
            standby
            for standby in kept
            if standby.request in served
            and not any(
                violation.request in {-1, standby.request}
                and violation.expert in {-1, standby.expert}
                and violation.day in {-1, served[standby.request]}
                for violation in broken
            )
        )
