"""Plans from the bound's side: of the day tours that people took at good prices, those that are worth most together.

The tours are a pool (`master.py`); which of them fit together is a program in whole numbers, solved by OR-Tools within a time limit. Its
relaxation is tight, so that this takes seconds where a search would go from plan to plan. Where there are very many tours, a part of the
people is free at a time. What comes out is offered to the search.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby

import numpy as np

from services.scheduling.optimizer import check
from services.scheduling.optimizer.lagrange import Shape
from services.scheduling.optimizer.master import WHOLE_S, Master, Tour
from services.scheduling.optimizer.pricing import HOME, Numbers
from services.scheduling.optimizer.problem import DAY_MIN, Assignment, NightAway, Plan, Stage
from services.scheduling.optimizer.proofs import kept


def polished(
    shape: Shape,
    pool: Master,
    incumbent: Plan,
    *,
    until: Callable[[], bool],
    part: Numbers | None = None,
    reach: Mapping[Stage, int] | None = None,
    left_s: Callable[[], float] = lambda: WHOLE_S,
) -> Plan | None:
    """A plan of the most need from tours of the pool and of the incumbent, which has of EMERGENCY and FLOOR what is to be `reach`ed, by
    default what the incumbent has; None when none was found. With `part`, flags by person, the others do what they do in the incumbent. It may break rules about pairs of
    people; whoever takes it has it checked.
    """
    problem, packed = shape.problem, shape.packed
    own = list(_tours_of(shape, incumbent))
    for tour in own:
        pool.take(*tour)
    fixed = [] if part is None else [tour for tour in own if not part[tour[0] // packed.days]]
    values = check.values(problem, incumbent) if reach is None else reach
    tours = pool.whole(kept(problem, values), until=until, fixed=fixed, left_s=left_s)
    return None if tours is None else plan_of_tours(shape, tours)


def _tours_of(shape: Shape, plan: Plan) -> Iterator[Tour]:
    """The plan's person-days."""
    packed, passes = shape.packed, shape.passes
    nights = {(one.expert, one.day) for one in plan.nights}
    ends: dict[tuple[int, int], int] = {}
    visits = sorted(plan.assignments, key=lambda one: (one.expert, one.start))
    for (expert, day), group in groupby(visits, key=lambda one: (one.expert, one.start // DAY_MIN)):
        person_day = expert * packed.days + day
        own = np.arange(passes.at[person_day], passes.at[person_day + 1])
        found = []
        for one in group:
            seat = packed.seat_at[one.request] + one.seat
            here = own[
                (packed.candidate_seat[passes.candidate[own]] == seat)
                & (packed.candidate_remote[passes.candidate[own]] == one.remote)
                & (passes.first[own] <= one.start)
                & (one.start <= passes.last[own])
            ]
            found.append(int(here[0]))
        ends[expert, day] = int(passes.place[found[-1]])
        origin = ends[expert, day - 1] if (expert, day - 1) in nights else HOME
        end = ends[expert, day] if (expert, day) in nights else HOME
        yield person_day, origin, end, np.array(found, dtype=np.int64)


def plan_of_tours(shape: Shape, tours: Iterable[Tour]) -> Plan:
    """The plan in which everybody makes each visit of their tours as early as they can."""
    packed, passes = shape.packed, shape.passes
    assignments, nights = [], []
    for person_day, origin, end, own in tours:
        expert, day = divmod(person_day, packed.days)
        home = int(packed.home[expert])
        here, window, ends = (home if origin == HOME else origin), -1, 0
        for one in own.tolist():
            place, inside = int(passes.place[one]), int(passes.window[one])
            if inside != window:
                away = window < 0 and origin != HOME
                here = here if away else home
                ends = int(packed.window_from[inside])
            arrives = ends + int(packed.travel[here, place])
            step = packed.step_min
            start = max(int(passes.first[one]), -(-arrives // step) * step)
            candidate = int(passes.candidate[one])
            seat = int(packed.candidate_seat[candidate])
            request = int(packed.seat_request[seat])
            assignments.append(
                Assignment(
                    request,
                    seat - int(packed.seat_at[request]),
                    expert,
                    start,
                    bool(packed.candidate_remote[candidate]),
                )
            )
            here, window, ends = place, inside, start + int(packed.duration[request])
        if end != HOME:
            nights.append(NightAway(expert, day))
    return Plan(tuple(sorted(assignments)), tuple(sorted(nights)))
