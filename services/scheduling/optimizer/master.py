"""The restricted master: the linear program over the day tours found so far, whose duals are the next prices.

Columns are day tours `x` and, by request with one seat or by team and start, `z`: how much of the request is served. Rows
link seats (`sum of x = z`, at most for a nice-to-have seat), bound requests, caps, budgets and quotas, and give each person
one tour a day, their limits per week and round, and nights that end where the next day begins. Nobody is in more of a team at
a start than there is of that team, which has rows for those who have been. Two columns per priced class buy and sell visits
at prices around the best ones known, a little of each for nothing worse: the duals cannot run away
(du Merle et al. 1999, doi 10.1016/S0012-365X(98)00213-1).
"""

import contextlib
import dataclasses
import datetime
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from ortools.math_opt import model_pb2
from ortools.math_opt.python import mathopt as untyped
from ortools.util.python.solve_interrupter import SolveInterrupter

from services.scheduling.optimizer.lagrange import Point, Relaxation
from services.scheduling.optimizer.once import ONCE_MAX, subsets, unfolded
from services.scheduling.optimizer.pricing import HOME, Numbers, Rounds

mathopt: Any = untyped


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
    tours: Numbers
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
        present = shape.presence_of[single]
        paid = np.append(solved.presences, 0.0)
        gain = gain - solved.pass_price[single] - paid[present]
        gain[self._single_known[single]] = -1
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
        for day, origin, end, size, chain in zip(
            rounds.tour_day.tolist(),
            rounds.tour_from.tolist(),
            rounds.tour_to.tolist(),
            rounds.tour_size.tolist(),
            rounds.tour_pass,
            strict=True,
        ):
            if origin == end == HOME or self._can_travel(day, origin, end, chain[:size]):
                self.take(day, origin, end, chain[:size].astype(np.int64))
        return len(self._days) - before

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

    def solve(
        self, center: Point, *, width: float, room: float, until: Callable[[], bool]
    ) -> Solved | None:
        """The program with prices held within `width` of `center`, beyond it for `room` visits each; None when not solved."""
        relaxation, shape = self._relaxation, self._relaxation.shape
        scale = float(relaxation.scale)
        live = np.flatnonzero((shape.count > 0) & ~shape.in_vain)
        self._present |= center.presences > 0
        program = self._program()
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

        presences = np.zeros(len(self._present))
        presences[self._present] = np.maximum(0, prices(PRESENCES)) * scale
        self._watch(program, primal)
        return Solved(
            value=value,
            reward=rewards,
            caps=np.maximum(0, prices(CAPS)) * scale,
            budgets=np.maximum(0, prices(BUDGETS)) * scale,
            quotas=np.maximum(0, prices(QUOTAS)) * scale,
            spacings=np.maximum(0, prices(SPANS)) * scale,
            presences=presences,
            tours=np.bincount(program.tour, primal[: len(program.tour)], minlength=len(self._days)),
            pass_price=self._pass_prices(
                prices(PERSON_DAYS), prices(WEEKS), prices(RESTS), prices(ROUNDS)
            )
            * scale,
        )

    def whole(
        self,
        kept: Sequence[tuple[Numbers, int]],
        *,
        until: Callable[[], bool],
        fixed: Sequence[tuple[int, int, int, Numbers]] = (),
        left_s: Callable[[], float] = lambda: WHOLE_S,
    ) -> list[tuple[int, int, int, Numbers]] | None:
        """Tours that together are a plan of the most need: (person-day, where from, where to, passes); None when none was found
        in what is left of the time. Whoever has tours that are `fixed` and known has these and no others.

        For each `(weights, least)` of `kept` what is served weighs at least that much, by request. Pairs of people who must not
        meet are not looked at.
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
        program = self._program(some)
        count, alone = len(program.tour), len(shape.alone)
        given = np.full(len(self._days), -1, dtype=np.int64)
        given[own] = program.rows.take(len(own), 1.0, 1.0) + np.arange(len(own))
        given = given[program.tour]
        program.rows.put(given[given >= 0], np.flatnonzero(given >= 0), 1.0)
        least = program.rows.take(len(kept), -np.inf, np.inf)
        for row, (weights, much) in enumerate(kept):
            program.rows.lower[least + row] = much
            by_column = np.concatenate((weights[shape.alone], weights[shape.slot_request]))
            columns = np.flatnonzero(by_column)
            program.rows.put(
                np.full(len(columns), least + row), count + columns, by_column[columns]
            )
        result = _solve(
            program.rows,
            program.gain,
            np.ones(count + alone + len(shape.slots)),
            until=until,
            whole_s=min(WHOLE_S, left_s()),
        )
        if result is None:
            return None
        chosen = program.tour[result[1][:count] > 0.5].tolist()
        return [(self._days[t], self._from[t], self._to[t], self._passes[t]) for t in chosen]

    def _program(self, some: Numbers | None = None) -> "_Program":
        """Rows and columns: tours, of which only `some`, flags by tour, then what is served (single requests, then slots)."""
        relaxation, shape = self._relaxation, self._relaxation.shape
        packed, passes = shape.packed, shape.passes
        experts, days, weeks = packed.experts, packed.days, packed.weeks
        scale = float(relaxation.scale)
        tour, seen_before, seen_after = self._ways()
        if some is not None:
            inside = some[tour]
            tour, seen_before, seen_after = tour[inside], seen_before[inside], seen_after[inside]
        count = len(tour)
        sizes = np.array([len(own) for own in self._passes], dtype=np.int64)[tour]
        chosen = (
            np.concatenate([self._passes[t] for t in tour.tolist()])
            if count
            else np.zeros(0, dtype=np.int64)
        )
        owner = np.repeat(np.arange(count), sizes)
        own = (relaxation.own_worth[chosen]) / scale
        day = np.array(self._days, dtype=np.int64)[tour]
        origin = np.array(self._from, dtype=np.int64)[tour]
        end = np.array(self._to, dtype=np.int64)[tour]
        expert, date = day // days, day % days
        week = packed.week_of_day[date].astype(np.int64)
        first_served = count
        columns = count + len(shape.alone) + len(shape.slots)
        gain = np.zeros(columns)
        np.add.at(gain, owner, own)
        counted = relaxation.counted / scale
        gain[first_served : first_served + len(shape.alone)] = counted[shape.alone]
        gain[first_served + len(shape.alone) :] = counted[shape.slot_request]
        upper = np.full(columns, np.inf)
        upper[first_served : first_served + len(shape.alone)] = 1.0
        # rows: classes · teams · caps · budgets · quotas · person-days · weeks · rests · rounds · nights · beds
        rows = _Rows()
        classes = rows.take(passes.classes, -np.inf, 0.0)
        rows.lower[classes : classes + passes.classes][~shape.optional] = 0.0
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
            beds,
        )
        return _Program(rows, gain, upper, begins, tour, chosen, owner)

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

    def _watch(self, program: "_Program", primal: Numbers) -> None:
        """Have rows from now on for whoever the program has in more of a team at a start than it has of that team."""
        shape = self._relaxation.shape
        count = len(program.tour)
        present = shape.presence_of[program.chosen]
        there = present >= 0
        much = np.bincount(
            present[there], weights=primal[program.owner[there]], minlength=len(self._present)
        )
        team = primal[count + len(shape.alone) :][shape.presence_slot]
        self._present |= much > team + 1e-6

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
) = range(12)
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

    @property
    def classes(self) -> int:
        """The first row of classes."""
        return self.begins[CLASSES]


WHOLE_S = 20.0
"""Seconds for a whole plan, at most."""
WHOLE_LEFT_S = 0.5
"""With less time than this nothing whole is begun: it would be too late for the search."""
LOOK_S = 0.05
"""Seconds between two looks at whether a program should be given up."""


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
    at = np.concatenate([part[0] for part in rows.parts]).astype(np.int64)
    column = np.concatenate([part[1] for part in rows.parts]).astype(np.int64)
    value = np.concatenate([part[2] for part in rows.parts])
    # one number per place, places in order
    place = at * len(gain) + column
    places, where = np.unique(place, return_inverse=True)
    value = np.bincount(where, weights=value, minlength=len(places))
    # rows without coefficients say nothing
    used, at = np.unique(places // len(gain), return_inverse=True)
    proto = model_pb2.ModelProto()
    proto.variables.ids.extend(range(len(gain)))
    proto.variables.lower_bounds.extend([0.0] * len(gain))
    proto.variables.upper_bounds.extend(upper.tolist())
    proto.variables.integers.extend([whole_s > 0] * len(gain))
    proto.objective.maximize = True
    proto.objective.linear_coefficients.ids.extend(np.flatnonzero(gain).tolist())
    proto.objective.linear_coefficients.values.extend(gain[gain != 0].tolist())
    proto.linear_constraints.ids.extend(range(len(used)))
    proto.linear_constraints.lower_bounds.extend(rows.lower[used].tolist())
    proto.linear_constraints.upper_bounds.extend(rows.upper[used].tolist())
    proto.linear_constraint_matrix.row_ids.extend(at.tolist())
    proto.linear_constraint_matrix.column_ids.extend((places % len(gain)).tolist())
    proto.linear_constraint_matrix.coefficients.extend(value.tolist())
    model = mathopt.Model.from_model_proto(proto)
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
