"""The restricted master: the linear program over the day tours found so far, whose duals are the next prices.

Columns are day tours `x` and, by request with one seat or by team and start, `z`: how much of the request is served. Rows
link seats (`sum of x = z`, at most for a nice-to-have seat), bound requests, caps, budgets and quotas, and give each person
one tour a day, their limits per week and round, and nights that end where the next day begins. Nobody is in more of a team at
a start than there is of that team, which has rows for those who have been. Of some people there are whole rounds instead of tours, one
at most; emergencies and shares keep what is reached of them; and what is so by choice has rows or leaves columns out. Two columns per priced class buy and sell visits
at prices around the best ones known, a little of each for nothing worse: the duals cannot run away
(du Merle et al. 1999, doi 10.1016/S0012-365X(98)00213-1).
"""

import contextlib
import dataclasses
import datetime
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from ortools.linear_solver import pywraplp
from ortools.math_opt import model_pb2
from ortools.math_opt.python import mathopt as untyped
from ortools.util.python.solve_interrupter import SolveInterrupter

from services.scheduling.optimizer.duals import Choice
from services.scheduling.optimizer.lagrange import Point, Relaxation
from services.scheduling.optimizer.once import ONCE_MAX, subsets, unfolded
from services.scheduling.optimizer.pricing import HOME, Numbers, Rounds

mathopt: Any = untyped

Tour = tuple[int, int, int, Numbers]
"""Person-day, where from and where to (the place of a bed, or `HOME`), passes in their order."""


@dataclasses.dataclass(frozen=True, slots=True)
class Solved:
    """The program's value and its duals as prices (not yet whole), and how much of each tour it takes."""

    value: float
    reward: Numbers
    caps: Numbers
    budgets: Numbers
    quotas: Numbers
    spacings: Numbers
    presences: Numbers
    dues: Numbers
    keeps: Numbers
    tours: Numbers
    slots: Numbers
    """By slot: how much of the team meets at it."""
    passes: Numbers
    """By pass: how much of it is in the tours."""
    whole: list[Tour] | None
    """The tours taken, where nothing is taken in parts."""
    unwatched: int
    """How many people it has in more of a team than there is of it: the next program will not."""
    pass_price: Numbers
    """By pass: the price of a day with that one visit, of that person on that day."""


class Master:
    """Day tours of all kinds, each once, and the program over them."""

    def __init__(self, relaxation: Relaxation) -> None:
        self._relaxation = relaxation
        self._known: dict[bytes, int] = {}
        """Which tour is which."""
        self._days: list[int] = []
        self._from: list[int] = []
        self._to: list[int] = []
        self._passes: list[Numbers] = []
        self._age: list[int] = []
        self._rounds: defaultdict[int, dict[bytes, tuple[Tour, ...]]] = defaultdict(dict)
        """By person: the last rounds that were priced, as tours."""
        self._as_rounds: set[int] = set()
        """People of whom the program has whole rounds instead of tours."""
        shape = relaxation.shape
        packed, passes = shape.packed, shape.passes
        home = packed.home[shape.person]
        out = packed.travel[home, passes.place].astype(np.int64)
        back = packed.travel[passes.place, home].astype(np.int64)
        step = packed.step_min
        from_home = np.maximum(
            passes.first, -(-(packed.window_from[passes.window] + out) // step) * step
        )
        self._pass_day = np.repeat(np.arange(len(passes.at) - 1), np.diff(passes.at))
        fine = (from_home <= passes.last) & (out + back <= packed.travel_max[shape.person])
        ends = from_home + packed.duration[passes.request] + back
        fine &= (ends <= packed.window_to[passes.window]) & ~shape.in_vain[passes.group]
        self._single = np.flatnonzero(fine)
        """Passes that are a day tour by themselves."""
        self._single_known = np.zeros(len(passes.group), dtype=np.bool_)
        self._present = np.zeros(len(shape.presence_slot), dtype=np.bool_)
        """Which of `Shape.presences` have rows: whoever was seen in more of a team than there was."""

    def __len__(self) -> int:
        """Tours known."""
        return len(self._days)

    def add_single(self, solved: Solved, *, most: int) -> int:
        """Take the tours of one visit that would improve the program, at most so many, the most promising first."""
        relaxation, single = self._relaxation, self._single
        shape = relaxation.shape
        gain = relaxation.own_worth[single] + solved.reward[shape.passes.group[single]]
        gain = gain + np.append(solved.dues, 0.0)[relaxation.due_of[single]]
        present = shape.presence_of[single]
        paid = np.append(solved.presences, 0.0)
        gain = gain - solved.pass_price[single] - paid[present]
        gain[self._single_known[single] | relaxation.barred[single]] = -1
        found = np.flatnonzero(gain > 0.001 * relaxation.scale)
        if len(found) > most:
            found = found[np.argsort(-gain[found], kind="stable")[:most]]
        count = 0
        for one in single[found].tolist():
            own = np.array([one], dtype=np.int64)
            count += self.take(int(self._pass_day[one]), HOME, HOME, own)
        return count

    def take(self, day: int, origin: int, end: int, own: Numbers) -> bool:
        """Take one tour; whether it is new."""
        key = _key(origin, end, own)
        if key in self._known:
            return False
        self._known[key] = len(self._days)
        self._days.append(day)
        self._from.append(origin)
        self._to.append(end)
        self._passes.append(own)
        self._age.append(0)
        if len(own) == 1 and origin == end == HOME:
            self._single_known[own[0]] = True
        return True

    def add(self, rounds: Rounds) -> int:
        """Take what is new of some rounds' day tours; how many those were."""
        before = len(self._days)
        rounds_of: defaultdict[int, list[Tour]] = defaultdict(list)
        days = self._relaxation.shape.packed.days
        new = 0
        for day, origin, end, size, chain in zip(
            rounds.tour_day.tolist(),
            rounds.tour_from.tolist(),
            rounds.tour_to.tolist(),
            rounds.tour_size.tolist(),
            rounds.tour_pass,
            strict=True,
        ):
            if origin == end == HOME or self._can_travel(day, origin, end, chain[:size]):
                own = chain[:size].astype(np.int64)
                self.take(day, origin, end, own)
                rounds_of[day // days].append((day, origin, end, own))
        for expert, tours in rounds_of.items():
            known = self._rounds[expert]
            key = b"".join(_key(origin, end, own) for _, origin, end, own in tours)
            new += expert in self._as_rounds and key not in known
            known[key] = tuple(tours)
            if len(known) > ROUNDS_MAX:
                del known[next(iter(known))]
        return len(self._days) - before + new

    def split_by_rounds(self, solved: Solved) -> bool:
        """From now on have whole rounds of those whose tours are taken in parts; whether there is anybody new."""
        days = self._relaxation.shape.packed.days
        parts = np.abs(solved.tours - np.rint(solved.tours)) > WHOLE_WITHIN
        found = {self._days[t] // days for t in np.flatnonzero(parts).tolist()} - self._as_rounds
        self._as_rounds |= found
        return bool(found)

    def _can_travel(self, day: int, origin: int, end: int, own: Numbers) -> bool:
        """Whether a tour with a night keeps to the travel of its day, of which pricing allows a little more (`onward.py`)."""
        packed, passes = self._relaxation.shape.packed, self._relaxation.shape.passes
        expert = day // packed.days
        home = int(packed.home[expert])
        here, inside, minutes = home if origin == HOME else origin, -1, 0
        for one in own.tolist():
            place, window = int(passes.place[one]), int(passes.window[one])
            if inside not in (-1, window):
                minutes += int(packed.travel[here, home])
                here = home
            minutes += int(packed.travel[here, place])
            here, inside = place, window
        if end == HOME:
            minutes += int(packed.travel[here, home])
        return minutes <= int(packed.travel_max[expert])

    def forget(self, tours: Numbers, *, idle: int) -> None:
        """Drop tours that the program has not taken for `idle` times."""
        self._age = [
            0 if taken > 1e-7 else age + 1
            for taken, age in zip(tours.tolist(), self._age, strict=False)
        ] + self._age[len(tours) :]
        if max(self._age, default=0) <= idle:
            return
        stay = [i for i, age in enumerate(self._age) if age <= idle]
        self._days = [self._days[i] for i in stay]
        self._from = [self._from[i] for i in stay]
        self._to = [self._to[i] for i in stay]
        self._passes = [self._passes[i] for i in stay]
        self._age = [self._age[i] for i in stay]
        keys = (_key(*tour) for tour in zip(self._from, self._to, self._passes, strict=True))
        self._known = {key: tour for tour, key in enumerate(keys)}
        self._single_known[:] = False
        for origin, end, own in zip(self._from, self._to, self._passes, strict=True):
            if len(own) == 1 and origin == end == HOME:
                self._single_known[own[0]] = True

    def turn_to(self, relaxation: Relaxation) -> None:
        """From now on the program is that of `relaxation`, of the same shape; the tours stay."""
        self._relaxation = relaxation

    def solve(
        self, center: Point, *, width: float, room: float, until: Callable[[], bool]
    ) -> Solved | None:
        """The program with prices held within `width` of `center`, beyond it for `room` visits each; None when not solved."""
        relaxation, shape = self._relaxation, self._relaxation.shape
        scale = float(relaxation.scale)
        possible = np.bincount(shape.passes.group, ~relaxation.barred, minlength=len(shape.count))
        live = np.flatnonzero((possible > 0) & ~shape.in_vain & ~relaxation.idle)
        self._present |= center.presences > 0
        program, rounds = self._split_program()
        rows, classes = program.rows, program.classes
        # two columns more for each class: bought and sold
        middle = center.reward[live] / scale
        first = len(program.gain)
        gain = np.concatenate((program.gain, -(middle + width), middle - width))
        upper = np.concatenate((program.upper, np.full(2 * len(live), room)))
        rows.put(classes + live, first + np.arange(len(live)), 1.0)
        rows.put(classes + live, first + len(live) + np.arange(len(live)), -1.0)
        result = _solve(rows, gain, upper, until=until)
        if result is None:
            return None
        value, primal, dual = result
        rewards = center.reward.astype(np.float64)
        rewards[live] = -dual[classes + live] * scale

        def prices(which: int) -> Numbers:
            return dual[program.begins[which] : program.begins[which + 1]]

        dues = np.zeros(len(relaxation.choices))
        due = np.unique(relaxation.due_of[relaxation.due_of >= 0])
        dues[due] = -prices(DUES)[due] * scale
        presences = np.zeros(len(self._present))
        presences[self._present] = np.maximum(0, prices(PRESENCES)) * scale
        unwatched = self._watch(program, primal)
        tours = np.bincount(program.tour, primal[: len(program.tour)], minlength=len(self._days))
        return Solved(
            value=value,
            reward=rewards,
            caps=np.maximum(0, prices(CAPS)) * scale,
            budgets=np.maximum(0, prices(BUDGETS)) * scale,
            quotas=np.maximum(0, prices(QUOTAS)) * scale,
            spacings=np.maximum(0, prices(SPANS)) * scale,
            presences=presences,
            dues=dues,
            keeps=np.maximum(0, -prices(KEEPS)) * scale,
            passes=np.bincount(
                program.chosen, primal[program.owner], minlength=len(shape.passes.group)
            ),
            unwatched=unwatched,
            slots=primal[program.slots : program.slots + len(shape.slots)],
            tours=tours,
            whole=self._taken(tours, rounds, primal[len(program.tour) :][: len(rounds)]),
            pass_price=self._pass_prices(
                prices(PERSON_DAYS), prices(WEEKS), prices(RESTS), prices(ROUNDS)
            )
            * scale,
        )

    def falls(
        self,
        divided: Callable[[Numbers, Numbers], Sequence[Choice]],
        *,
        most: float,
        until: Callable[[], bool],
    ) -> tuple[list[Tour] | None, list[tuple[Choice, float, float]]]:
        """The tours that the program takes, where it takes nothing in parts; and by how much it falls, at most `most`, where a choice
        holds, and where it does not, with the tours that are known.

        The choices are those that `divided` names when it hears how much of each pass and of each slot is taken; not all of them
        when `until` said to end.
        """
        shape = self._relaxation.shape
        program, rounds = self._split_program()
        lp = _Again(program)
        begun = lp.value()
        if not np.isfinite(begun):
            return None, []
        taken = lp.taken()
        count = len(program.tour)
        tours = np.bincount(program.tour, taken[:count], minlength=len(self._days))
        whole = self._taken(tours, rounds, taken[count:][: len(rounds)])
        passes = np.bincount(
            program.chosen, taken[program.owner], minlength=len(shape.passes.group)
        )
        slots = taken[program.slots : program.slots + len(shape.slots)]
        found = []
        for choice in divided(passes, slots):
            if until():
                break
            held, own = self._sides(program, choice)
            fall = [lp.without(held) if choice.before >= 0 else lp.with_some(own), lp.without(own)]
            holds, otherwise = (min(most, begun - one) for one in fall)
            found.append((choice, holds, otherwise))
        return whole, found

    def _sides(self, program: "_Program", choice: Choice) -> tuple[Numbers, Numbers]:
        """The columns that are out where the choice holds, as far as that is all, and those that are out where it does not."""
        shape = self._relaxation.shape
        if choice.before >= 0:
            slots = np.flatnonzero(shape.slot_request == choice.request)
            early = shape.slot_start[slots] < choice.before
            return program.slots + slots[~early], program.slots + slots[early]
        if choice.expert >= 0:
            own = shape.passes.request[program.chosen] == choice.request
            own &= shape.person[program.chosen] == choice.expert
            return np.zeros(0, dtype=np.int64), np.unique(program.owner[own])
        served = np.concatenate((shape.alone, shape.slot_request))
        first = program.slots - len(shape.alone)
        return np.zeros(0, dtype=np.int64), first + np.flatnonzero(served == choice.request)

    def _split_program(self) -> tuple["_Program", list[tuple[Tour, ...]]]:
        """The program with tours of some people and rounds of the others, and these rounds."""
        relaxation, packed = self._relaxation, self._relaxation.shape.packed
        rounds = [
            tours
            for expert in sorted(self._as_rounds)
            for tours in self._rounds[expert].values()
            if not any(relaxation.barred[own].any() for *_, own in tours)
        ]
        apart = np.zeros(packed.experts, dtype=np.bool_)
        apart[list(self._as_rounds)] = True
        some = ~apart[np.array(self._days, dtype=np.int64) // packed.days]
        return self._program(some, rounds), rounds

    def _taken(
        self, parts: Numbers, rounds: Sequence[tuple[Tour, ...]], of_rounds: Numbers
    ) -> list[Tour] | None:
        every = np.concatenate((parts, of_rounds))
        if np.abs(every - np.rint(every)).max(initial=0.0) > WHOLE_WITHIN:
            return None
        chosen = [tour for i in np.flatnonzero(of_rounds > 0.5).tolist() for tour in rounds[i]]
        return chosen + [
            (self._days[t], self._from[t], self._to[t], self._passes[t])
            for t in np.flatnonzero(parts > 0.5).tolist()
        ]

    def whole(
        self,
        least: Sequence[int],
        *,
        until: Callable[[], bool],
        fixed: Sequence[Tour] = (),
        left_s: Callable[[], float] = lambda: WHOLE_S,
    ) -> list[Tour] | None:
        """Tours that together are a plan of the most need; None when none was found in what is left of the time. Whoever has tours that
        are `fixed` and known has these and no others.

        What is served of each kind of `Relaxation.keep` weighs at least what `least` says. Pairs of people who must not meet are not looked
        at.
        """
        if left_s() < WHOLE_LEFT_S:
            return None
        shape = self._relaxation.shape
        days = shape.packed.days
        settled = np.zeros(shape.packed.experts, dtype=np.bool_)
        settled[[day // days for day, *_ in fixed]] = True
        some = ~settled[np.array(self._days, dtype=np.int64) // days]
        own = [self._known[_key(origin, end, passes)] for _, origin, end, passes in fixed]
        some[own] = True
        program = self._program(some, least=np.array(least, dtype=np.int64))
        count, alone = len(program.tour), len(shape.alone)
        given = np.full(len(self._days), -1, dtype=np.int64)
        given[own] = program.rows.take(len(own), 1.0, 1.0) + np.arange(len(own))
        given = given[program.tour]
        program.rows.put(given[given >= 0], np.flatnonzero(given >= 0), 1.0)
        result = _solve(
            program.rows,
            program.gain,
            np.append(
                np.ones(count + alone + len(shape.slots)),
                np.zeros(len(program.gain) - count - alone - len(shape.slots)),
            ),
            until=until,
            whole_s=min(WHOLE_S, left_s()),
        )
        if result is None:
            return None
        chosen = program.tour[result[1][:count] > 0.5].tolist()
        return [(self._days[t], self._from[t], self._to[t], self._passes[t]) for t in chosen]

    def _program(
        self,
        some: Numbers,
        rounds: Sequence[tuple[Tour, ...]] = (),
        *,
        least: Numbers | None = None,
    ) -> "_Program":
        """Rows and columns: tours, of which only `some`, flags by tour, then `rounds`, then what is served (single requests, then slots),
        then what is amiss of choices and missing of what is kept, which is `least` (by default the relaxation's).
        """
        relaxation, shape = self._relaxation, self._relaxation.shape
        packed, passes = shape.packed, shape.passes
        experts, days, weeks = packed.experts, packed.days, packed.weeks
        scale = float(relaxation.scale)
        tour, seen_before, seen_after = self._ways()
        if relaxation.choices:
            sizes = np.array([len(own) for own in self._passes], dtype=np.int64)
            barred = relaxation.barred[np.concatenate(self._passes)] if len(sizes) else sizes > 0
            owner = np.repeat(np.arange(len(sizes)), sizes)
            some = some & (np.bincount(owner, barred, minlength=len(sizes)) == 0)
        inside = some[tour]
        tour, seen_before, seen_after = tour[inside], seen_before[inside], seen_after[inside]
        count = len(tour)
        sizes = np.array([len(own) for own in self._passes], dtype=np.int64)[tour]
        of_round = [np.concatenate([own for *_, own in tours]) for tours in rounds]
        nothing = np.zeros(0, dtype=np.int64)
        chosen = np.concatenate([nothing, *(self._passes[t] for t in tour.tolist()), *of_round])
        every_size = np.append(sizes, [len(own) for own in of_round]).astype(np.int64)
        owner = np.repeat(np.arange(count + len(rounds)), every_size)
        own = (relaxation.own_worth[chosen]) / scale
        day = np.array(self._days, dtype=np.int64)[tour]
        origin = np.array(self._from, dtype=np.int64)[tour]
        end = np.array(self._to, dtype=np.int64)[tour]
        expert, date = day // days, day % days
        week = packed.week_of_day[date].astype(np.int64)
        first_served = count + len(rounds)
        columns = first_served + len(shape.alone) + len(shape.slots)
        must = np.flatnonzero(relaxation.must)
        # choices that cannot come true cost more than all else is worth, and so does what is missing of what is kept
        amiss = columns + np.arange(len(must) + len(relaxation.choices))
        missing = columns + len(amiss) + np.arange(len(relaxation.keep))
        counted = relaxation.counted / scale
        gain = np.zeros(columns + len(amiss) + len(missing))
        gain[columns:] = -AMISS * max(1.0, float(counted.max(initial=0.0)))
        np.add.at(gain, owner, own)
        gain[first_served : first_served + len(shape.alone)] = counted[shape.alone]
        gain[first_served + len(shape.alone) : columns] = counted[shape.slot_request]
        upper = np.full(len(gain), np.inf)
        upper[first_served + len(shape.alone) : columns][relaxation.shut] = 0.0
        upper[first_served : first_served + len(shape.alone)] = ~relaxation.gone[shape.alone]
        # rows: see `CLASSES` and the kinds after it
        rows = _Rows()
        classes = rows.take(passes.classes, -np.inf, 0.0)
        rows.lower[classes : classes + passes.classes][~shape.optional & ~relaxation.idle] = 0.0
        rows.upper[classes : classes + passes.classes][relaxation.idle] = np.inf
        teams = rows.take(len(shape.team), -np.inf, 1.0)
        caps = rows.take(len(packed.cap_max), -np.inf, packed.cap_max)
        budgets = rows.take(len(packed.budget_max), -np.inf, packed.budget_max)
        quotas = rows.take(len(shape.quota_max), -np.inf, shape.quota_max)
        spans = rows.take(len(shape.spans), -np.inf, 1.0)
        person_days = rows.take(experts * days, -np.inf, 1.0)
        per_week = rows.take(experts * weeks, -np.inf, packed.week_left.reshape(-1))
        rests = rows.take(
            experts * weeks, -np.inf, np.repeat(np.maximum(packed.work_days_max, 0), weeks)
        )
        per_round = rows.take(experts, -np.inf, packed.round_left)
        nights = rows.take(experts, -np.inf, packed.nights_max)
        watched = np.flatnonzero(self._present)
        presences = rows.take(len(watched), -np.inf, 0.0)
        musts = rows.take(len(must), 1.0, np.inf)
        dues = rows.take(len(relaxation.choices), -np.inf, 1.0)
        keeps = rows.take(len(missing), -np.inf, np.inf)
        people = rows.take(experts, -np.inf, 1.0)
        whose = np.array([tours[0][0] // days for tours in rounds], dtype=np.int64)
        rows.put(people + whose, count + np.arange(len(rounds)), 1.0)
        # a bed is of a person-day, a place, and what was served before
        lodging, coming = end != HOME, origin != HOME
        places, sets = len(packed.travel), 1 << ONCE_MAX
        known, bed = np.unique(
            np.concatenate(
                (
                    (day[lodging] * places + end[lodging]) * sets + seen_after[lodging],
                    ((day[coming] - 1) * places + origin[coming]) * sets + seen_before[coming],
                )
            ),
            return_inverse=True,
        )
        beds = rows.take(len(known), 0.0, 0.0)
        put = rows.put
        put(classes + passes.group[chosen], owner, 1.0)
        put(
            classes + shape.alone_class,
            first_served + np.arange(len(shape.alone)),
            -1.0,
        )
        slot_columns = first_served + len(shape.alone) + np.arange(len(shape.slots))
        for seat in range(shape.slots.shape[1]):
            there = shape.slots[:, seat] >= 0
            put(classes + shape.slots[there, seat], slot_columns[there], -1.0)
        put(teams + np.repeat(np.arange(len(shape.team)), shape.slot_count), slot_columns, 1.0)
        if len(packed.cap_max):
            of_request = [
                packed.cap[packed.cap_at[r] : packed.cap_at[r + 1]] for r in range(packed.requests)
            ]
            for column, request in zip(
                range(first_served, columns),
                [*shape.alone.tolist(), *shape.slot_request.tolist()],
                strict=True,
            ):
                for cap in of_request[request]:
                    put(np.array([caps + cap]), np.array([column]), 1.0)
        if len(packed.budget_max):
            request = passes.request[chosen]
            for budget in range(len(packed.budget_max)):
                members = np.zeros(packed.requests, dtype=np.bool_)
                members[shape.budgets_of[packed.budget == budget]] = True
                inside = members[request]
                put(
                    np.full(int(inside.sum()), budgets + budget),
                    owner[inside],
                    shape.cost[chosen[inside]],
                )
        put(spans + shape.span_of, slot_columns[shape.span_slot], 1.0)
        row_of = np.full(len(self._present) + 1, -1, dtype=np.int64)
        row_of[watched] = presences + np.arange(len(watched))
        present = row_of[shape.presence_of[chosen]]
        put(present[present >= 0], owner[present >= 0], 1.0)
        put(row_of[watched], slot_columns[shape.presence_slot[watched]], -1.0)
        pair = shape.quota_of[chosen]
        put(quotas + pair[pair >= 0], owner[pair >= 0], 1.0)
        every = np.arange(count)
        put(person_days + day, every, 1.0)
        put(per_week + expert * weeks + week, every, sizes)
        put(rests + expert * weeks + week, every, 1.0)
        put(per_round + expert, every, sizes)
        put(nights + expert[lodging], every[lodging], 1.0)
        slept = int(lodging.sum())
        put(beds + bed[:slept], every[lodging], 1.0)
        put(beds + bed[slept:], every[coming], -1.0)
        row_of_must = np.full(packed.requests, -1, dtype=np.int64)
        row_of_must[must] = musts + np.arange(len(must))
        own_must = row_of_must[np.concatenate((shape.alone, shape.slot_request))]
        put(own_must[own_must >= 0], first_served + np.flatnonzero(own_must >= 0), 1.0)
        due = relaxation.due_of[chosen]
        put(dues + due[due >= 0], owner[due >= 0], 1.0)
        rows.lower[dues + relaxation.due_of[relaxation.due_of >= 0]] = 1.0
        put(musts + np.arange(len(amiss)), amiss, 1.0)
        least = relaxation.least if least is None else least
        for kind in np.flatnonzero(least > 0).tolist():
            rows.lower[keeps + kind] = least[kind]
            weights = relaxation.keep[kind, np.concatenate((shape.alone, shape.slot_request))]
            own = np.flatnonzero(weights)
            put(np.full(len(own), keeps + kind), first_served + own, weights[own])
            put(np.array([keeps + kind]), missing[[kind]], 1.0)
        begins = (
            classes,
            teams,
            caps,
            budgets,
            quotas,
            spans,
            person_days,
            per_week,
            rests,
            per_round,
            nights,
            presences,
            musts,
            dues,
            keeps,
            people,
            beds,
        )
        return _Program(
            rows, gain, upper, begins, tour, chosen, owner, first_served + len(shape.alone)
        )

    def _ways(self) -> tuple[Numbers, Numbers, Numbers]:
        """Columns of tours: which tour, and what was seen of `Once` on the way before and after it. A tour from a bed has a column for
        everything that can have been served before it and is not served again.
        """
        once = self._relaxation.once
        days = self._relaxation.shape.packed.days
        request = self._relaxation.shape.passes.request
        day = np.array(self._days, dtype=np.int64)
        away = (np.array(self._from) != HOME) | (np.array(self._to) != HOME)
        apart = away & (once.requests[day // days, 0] >= 0)
        tour, before, after = [], [], []
        for t in np.flatnonzero(apart).tolist():
            e, d = divmod(self._days[t], days)
            own = once.seen(e, request[self._passes[t]])
            matter = int(once.matter[e, d - 1]) if self._from[t] != HOME else 0
            kept = int(once.matter[e, d]) if self._to[t] != HOME else 0
            for subset in range(subsets(matter)):
                seen = unfolded(subset, matter)
                if not seen & own:
                    tour.append(t)
                    before.append(seen)
                    after.append((seen | own) & kept)
        plain = np.flatnonzero(~apart)
        nothing = np.zeros(len(plain), dtype=np.int64)
        return (
            np.concatenate((plain, np.array(tour, dtype=np.int64))),
            np.concatenate((nothing, np.array(before, dtype=np.int64))),
            np.concatenate((nothing, np.array(after, dtype=np.int64))),
        )

    def _watch(self, program: "_Program", primal: Numbers) -> int:
        """Have rows from now on for whoever the program has in more of a team at a start than it has of that team; how many are
        new.
        """
        shape = self._relaxation.shape
        present = shape.presence_of[program.chosen]
        there = present >= 0
        much = np.bincount(
            present[there], weights=primal[program.owner[there]], minlength=len(self._present)
        )
        team = primal[program.slots :][shape.presence_slot]
        known = int(self._present.sum())
        self._present |= much > team + 1e-6
        return int(self._present.sum()) - known

    def _pass_prices(
        self, day: Numbers, of_week: Numbers, of_rest: Numbers, of_round: Numbers
    ) -> Numbers:
        packed = self._relaxation.shape.packed
        week = packed.week_of_day[self._pass_day % packed.days]
        expert = self._pass_day // packed.days
        weekly = expert * packed.weeks + week
        prices: Numbers = day[self._pass_day] + of_week[weekly] + of_rest[weekly] + of_round[expert]
        return prices


def _key(origin: int, end: int, own: Numbers) -> bytes:
    """What tells a tour from others; the order of its visits does not."""
    return np.append(np.sort(own), (origin, end)).tobytes()


(
    CLASSES,
    TEAMS,
    CAPS,
    BUDGETS,
    QUOTAS,
    SPANS,
    PERSON_DAYS,
    WEEKS,
    RESTS,
    ROUNDS,
    NIGHTS,
    PRESENCES,
    MUSTS,
    DUES,
    KEEPS,
    PEOPLE,
) = range(16)
"""Kinds of rows, in their order."""


class _Rows:
    """Rows and coefficients of a program under construction."""

    def __init__(self) -> None:
        self.lower = np.zeros(0)
        self.upper = np.zeros(0)
        self.parts: list[tuple[Numbers, Numbers, Numbers]] = []

    def take(self, size: int, lower: float, upper: float | Numbers) -> int:
        """New rows; the index of the first."""
        first = len(self.lower)
        self.lower = np.concatenate((self.lower, np.full(size, lower)))
        self.upper = np.concatenate((self.upper, np.zeros(size) + np.maximum(upper, 0)))
        return first

    def put(self, rows: Numbers, columns: Numbers, values: float | Numbers | Numbers) -> None:
        """Coefficients."""
        self.parts.append((rows, columns, np.zeros(len(rows)) + values))


@dataclasses.dataclass(frozen=True, slots=True)
class _Program:
    """Rows of kind `i` are `begins[i]` to `begins[i + 1]`; what each column gains, and its upper bound; which `tour` the first columns
    take; the passes of these columns in a row, `chosen`, and in which column each is, `owner`.
    """

    rows: _Rows
    gain: Numbers
    upper: Numbers
    begins: tuple[int, ...]
    tour: Numbers
    chosen: Numbers
    owner: Numbers
    slots: int
    """The first column of slots."""

    @property
    def classes(self) -> int:
        """The first row of classes."""
        return self.begins[CLASSES]


WHOLE_WITHIN = 1e-5
"""How far from whole numbers the program's may be, when they are meant to be whole."""
ROUNDS_MAX = 300
"""Rounds of one person that are remembered."""
AMISS = 10.0
"""What it costs to go against a choice, or to miss a unit of weight that is to be kept, as a multiple of the most that a request counts."""
WHOLE_S = 20.0
"""Seconds for a whole plan, at most."""
WHOLE_LEFT_S = 0.5
"""With less time than this nothing whole is begun: it would be too late for the search."""
LOOK_S = 0.05
"""Seconds between two looks at whether a program should be given up."""


class _Again:
    """A program that is solved again and again with a few bounds changed, each time from where it was: by the older interface, which can do
    so without losing the basis.
    """

    def __init__(self, program: _Program) -> None:
        self._lp: Any = pywraplp.Solver.CreateSolver("GLOP")  # type: ignore[no-untyped-call]
        self._lp.SetSolverSpecificParametersAsString(
            "use_dual_simplex:true use_preprocessing:false"
        )
        rows = program.rows
        infinite = self._lp.infinity()
        self._columns = [
            self._lp.NumVar(0.0, infinite if most == np.inf else most, "")
            for most in program.upper.tolist()
        ]
        self._upper = program.upper
        in_rows = [
            self._lp.Constraint(
                -infinite if low == -np.inf else low, infinite if high == np.inf else high
            )
            for low, high in zip(rows.lower.tolist(), rows.upper.tolist(), strict=True)
        ]
        at, column, much = _coefficients(rows, len(program.gain))
        for row, place, coefficient in zip(
            at.tolist(), column.tolist(), much.tolist(), strict=True
        ):
            in_rows[row].SetCoefficient(self._columns[place], coefficient)
        self._objective = self._lp.Objective()
        self._objective.SetMaximization()
        for variable, gain in zip(self._columns, program.gain.tolist(), strict=True):
            self._objective.SetCoefficient(variable, gain)

    def value(self) -> float:
        """The value; infinite where it is not found, and minus that where there is nothing that the bounds allow."""
        status = self._lp.Solve()
        if status == pywraplp.Solver.OPTIMAL:
            return float(self._objective.Value())
        return -np.inf if status == pywraplp.Solver.INFEASIBLE else np.inf

    def without(self, columns: Numbers) -> float:
        """The value with these columns at 0."""
        for column in columns.tolist():
            self._columns[column].SetUb(0.0)
        found = self.value()
        for column in columns.tolist():
            most = self._upper[column]
            self._columns[column].SetUb(self._lp.infinity() if most == np.inf else float(most))
        return found

    def with_some(self, columns: Numbers) -> float:
        """The value with at least 1 of these columns together."""
        row = self._lp.Constraint(1.0, self._lp.infinity())
        for column in columns.tolist():
            row.SetCoefficient(self._columns[column], 1.0)
        found = self.value()
        row.SetLb(-self._lp.infinity())
        return found

    def taken(self) -> Numbers:
        """How much of each column was taken last."""
        return np.array([column.solution_value() for column in self._columns])


@contextlib.contextmanager
def _interrupted(until: Callable[[], bool]) -> Iterator[SolveInterrupter]:
    """An interrupter that is pulled as soon as `until` says so."""
    interrupter, done = SolveInterrupter(), threading.Event()

    def watch() -> None:
        while not done.wait(LOOK_S):
            if until():
                interrupter.interrupt()
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield interrupter
    finally:
        done.set()
        watcher.join()


def _solve(
    rows: _Rows,
    gain: Numbers,
    upper: Numbers,
    *,
    until: Callable[[], bool],
    whole_s: float = 0.0,
) -> tuple[float, Numbers, Numbers] | None:
    """Value, columns and duals of the program; with `whole_s` the best found in whole numbers in so many seconds, without duals."""
    model, used = _model(rows, gain, upper, whole=whole_s > 0)
    if whole_s > 0:
        return _in_whole_numbers(model, whole_s, until=until)
    with _interrupted(until) as interrupter:
        result = mathopt.solve(
            model,
            mathopt.SolverType.GLOP,
            params=mathopt.SolveParameters(threads=1),
            interrupter=interrupter,
        )
    if result.termination.reason != mathopt.TerminationReason.OPTIMAL:
        return None
    if not result.solutions or result.solutions[0].dual_solution is None:
        return None
    best = result.solutions[0]
    if best.primal_solution is None or best.dual_solution is None:
        return None
    primal = np.array([best.primal_solution.variable_values[v] for v in model.variables()])
    dual = np.zeros(len(rows.lower))
    dual[used] = [best.dual_solution.dual_values[c] for c in model.linear_constraints()]
    return best.primal_solution.objective_value, primal, dual


def _model(
    rows: _Rows, gain: Numbers, upper: Numbers, *, whole: bool = False
) -> tuple[Any, Numbers]:
    """The program as OR-Tools knows it, and which of the rows are in it: those that say something."""
    at, column, value = _coefficients(rows, len(gain))
    # rows without coefficients say nothing
    used, at = np.unique(at, return_inverse=True)
    proto = model_pb2.ModelProto()
    proto.variables.ids.extend(range(len(gain)))
    proto.variables.lower_bounds.extend([0.0] * len(gain))
    proto.variables.upper_bounds.extend(upper.tolist())
    proto.variables.integers.extend([whole] * len(gain))
    proto.objective.maximize = True
    proto.objective.linear_coefficients.ids.extend(np.flatnonzero(gain).tolist())
    proto.objective.linear_coefficients.values.extend(gain[gain != 0].tolist())
    proto.linear_constraints.ids.extend(range(len(used)))
    proto.linear_constraints.lower_bounds.extend(rows.lower[used].tolist())
    proto.linear_constraints.upper_bounds.extend(rows.upper[used].tolist())
    proto.linear_constraint_matrix.row_ids.extend(at.tolist())
    proto.linear_constraint_matrix.column_ids.extend(column.tolist())
    proto.linear_constraint_matrix.coefficients.extend(value.tolist())
    return mathopt.Model.from_model_proto(proto), used


def _coefficients(rows: _Rows, columns: int) -> tuple[Numbers, Numbers, Numbers]:
    """Rows, columns and values, one for each place, places in order."""
    at = np.concatenate([part[0] for part in rows.parts]).astype(np.int64)
    column = np.concatenate([part[1] for part in rows.parts]).astype(np.int64)
    value = np.concatenate([part[2] for part in rows.parts])
    places, where = np.unique(at * columns + column, return_inverse=True)
    return (
        places // columns,
        places % columns,
        np.bincount(where, weights=value, minlength=len(places)),
    )


def _in_whole_numbers(
    model: Any, seconds: float, *, until: Callable[[], bool]
) -> tuple[float, Numbers, Numbers] | None:
    """The best found in `seconds`. That solver cannot be interrupted: it is left alone when `until` says so, and no process can end
    before it has ended as well.
    """
    found: list[tuple[float, Numbers, Numbers]] = []

    def work() -> None:
        result = mathopt.solve(
            model,
            mathopt.SolverType.HIGHS,
            params=mathopt.SolveParameters(time_limit=datetime.timedelta(seconds=seconds)),
        )
        if result.has_primal_feasible_solution():
            values = result.variable_values(list(model.variables()))
            found.append((result.objective_value(), np.array(values), np.zeros(0)))

    # no daemon: what ends while native code still runs is aborted
    worker = threading.Thread(target=work, daemon=False)
    worker.start()
    while worker.is_alive() and not until():
        worker.join(LOOK_S)
    return found[0] if found else None
