"""The referee: does a plan keep every hard rule, and what is it worth? Plain arithmetic over `problem.py`'s sentences.

It shares no helper with the solver, imports nothing but the vocabulary, and prefers the slow and obvious to the quick.
Each rule is one small function of (problem, plan) that yields what breaks it; `RULES` lists them in the order in which
they are reported. Broken references (an expert who does not exist) are found first, because no rule can speak about them.
"""

import dataclasses
import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping

from services.scheduling.optimizer.problem import (
    DAY_MIN,
    Assignment,
    Expert,
    Mode,
    Naming,
    NightAway,
    Plan,
    Problem,
    Request,
    Seat,
    Stage,
    Window,
)


@dataclasses.dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule: its name, a sentence with the numbers, and what it is about (-1: nothing of that kind)."""

    rule: str
    message: str
    request: int = -1
    seat: int = -1
    expert: int = -1
    day: int = -1


Rule = Callable[[Problem, Plan], Iterator[Violation]]


class BrokenPlan(ValueError):
    """The plan refers to what does not exist or says one thing twice, so that it has no values."""


def violations(problem: Problem, plan: Plan) -> list[Violation]:
    """Everything in `plan` that breaks a hard rule of `problem`, in the order of `RULES`; empty for a sound plan."""
    broken = list(references(problem, plan))
    if broken:
        return broken
    return [violation for rule in RULES for violation in rule(problem, plan)]


def values(problem: Problem, plan: Plan) -> dict[Stage, int]:
    """The exact value of each stage, in the stages' order.

    Raises:
        BrokenPlan: `references` finds something.
    """
    for violation in references(problem, plan):
        raise BrokenPlan(violation.message)
    return {
        Stage.EMERGENCY: emergency_value(problem, plan),
        Stage.FLOOR: floor_value(problem, plan),
        Stage.NEED: need_value(problem, plan),
        Stage.PROMISES: promises_value(problem, plan),
        Stage.TRAVEL: travel_value(problem, plan),
        Stage.PREFERENCE: preference_value(problem, plan),
        Stage.LOAD: load_value(plan),
        Stage.STANDBY: len(plan.standbys),
    }


# What a person does in a day ----------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class Visit:
    """One engagement as the person lives it: `[start, end)` at `place`, which is their home when remote."""

    request: int
    seat: int
    start: int
    end: int
    place: int


@dataclasses.dataclass(frozen=True, slots=True)
class Trip:
    """What happens inside one availability window: from `origin` through `visits` to `goal`.

    `window` is None for visits that lie in no window. `goal` is None where the person lodges at the last place.
    """

    window: Window | None
    origin: int
    visits: tuple[Visit, ...]
    goal: int | None


def windows_of_day(expert: Expert, day: int) -> list[Window]:
    """The windows of `day`, cut by the earliest and latest hour; those that are cut to nothing do not count."""
    opens = day * DAY_MIN + expert.limits.earliest
    closes = day * DAY_MIN + expert.limits.latest
    cut = [
        Window(max(window.start, opens), min(window.end, closes))
        for window in expert.windows
        if window.start // DAY_MIN == day
    ]
    return [window for window in cut if window.start < window.end]


def days_of(problem: Problem, plan: Plan) -> dict[tuple[int, int], list[Visit]]:
    """The visits of each (expert, day) that has any, by start."""
    book: defaultdict[tuple[int, int], list[Visit]] = defaultdict(list)
    for assignment in plan.assignments:
        book[assignment.expert, assignment.start // DAY_MIN].append(visit_of(problem, assignment))
    return {
        key: sorted(book[key], key=lambda visit: (visit.start, visit.request))
        for key in sorted(book)
    }


def visit_of(problem: Problem, assignment: Assignment) -> Visit:
    request = problem.requests[assignment.request]
    home = problem.experts[assignment.expert].home
    return Visit(
        request=assignment.request,
        seat=assignment.seat,
        start=assignment.start,
        end=assignment.start + request.duration_min,
        place=home if assignment.remote else request.place,
    )


def trips_of(
    problem: Problem, book: Mapping[tuple[int, int], list[Visit]], nights: set[NightAway]
) -> dict[tuple[int, int], list[Trip]]:
    """The trips of each (expert, day) of `book`, by start; a night away joins the last of a day to the next day's first."""
    trips: dict[tuple[int, int], list[Trip]] = {}
    for (expert, day), visits in book.items():
        home = problem.experts[expert].home
        by_window: dict[Window | None, list[Visit]] = {}
        windows = windows_of_day(problem.experts[expert], day)
        for visit in visits:
            around = [w for w in windows if w.start <= visit.start and visit.end <= w.end]
            by_window.setdefault(around[0] if around else None, []).append(visit)
        before = book.get((expert, day - 1))
        came_from = before[-1].place if before and NightAway(expert, day - 1) in nights else home
        lodges = NightAway(expert, day) in nights and (expert, day + 1) in book
        last = len(by_window) - 1
        trips[expert, day] = [
            Trip(
                window=window,
                origin=came_from if index == 0 else home,
                visits=tuple(inside),
                goal=None if lodges and index == last else home,
            )
            for index, (window, inside) in enumerate(by_window.items())
        ]
    return trips


def legs_of(problem: Problem, trip: Trip) -> list[int]:
    """The minutes of each leg of `trip`: one before every visit, and one home unless the person lodges."""
    places = [trip.origin, *(visit.place for visit in trip.visits)]
    if trip.goal is not None:
        places.append(trip.goal)
    return [problem.travel_min[a][b] for a, b in itertools.pairwise(places)]


_Trips = Mapping[tuple[int, int], list[Trip]]
_looked_at: list[tuple[Problem, Plan, _Trips]] = []


def all_trips(problem: Problem, plan: Plan) -> _Trips:
    """The trips of the whole plan. Eight rules read them one after the other, so those of the plan that was looked at last
    are kept: problem and plan never change, and are told apart by being the very same objects.
    """
    for known, looked, trips in _looked_at:
        if known is problem and looked is plan:
            return trips
    found = trips_of(problem, days_of(problem, plan), set(plan.nights))
    _looked_at[:] = [(problem, plan, found)]
    return found


def week_of(problem: Problem, day: int) -> int:
    return (day + problem.first_weekday) // 7


def served_starts(plan: Plan) -> dict[int, int]:
    """The served requests, in order, with the start of their first assignment."""
    starts: dict[int, int] = {}
    for assignment in plan.assignments:
        starts.setdefault(assignment.request, assignment.start)
    return dict(sorted(starts.items()))


def seated(problem: Problem, plan: Plan) -> Iterator[tuple[Assignment, Request, Seat, Expert]]:
    for assignment in plan.assignments:
        request = problem.requests[assignment.request]
        yield (
            assignment,
            request,
            request.seats[assignment.seat],
            problem.experts[assignment.expert],
        )


def about(rule: str, assignment: Assignment, message: str) -> Violation:
    return Violation(
        rule=rule,
        message=message,
        request=assignment.request,
        seat=assignment.seat,
        expert=assignment.expert,
        day=assignment.start // DAY_MIN,
    )


# What the plan refers to --------------------------------------------------------------------------------------------


def references(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """Everything referred to exists, inside the horizon; nothing is said twice; all is sorted."""
    rule = "references"
    for assignment in plan.assignments:
        if not 0 <= assignment.request < len(problem.requests):
            yield Violation(rule, f"there is no request {assignment.request}")
        elif not 0 <= assignment.seat < len(problem.requests[assignment.request].seats):
            yield Violation(
                rule,
                f"request {assignment.request} has no seat {assignment.seat}",
                request=assignment.request,
            )
        if not 0 <= assignment.expert < len(problem.experts):
            yield Violation(rule, f"there is no expert {assignment.expert}")
        if not 0 <= assignment.start < problem.days * DAY_MIN:
            yield Violation(rule, f"start {assignment.start} is outside the horizon")
    for night in plan.nights:
        if not 0 <= night.expert < len(problem.experts):
            yield Violation(rule, f"there is no expert {night.expert}")
        if not 0 <= night.day < problem.days:
            yield Violation(rule, f"the night of day {night.day} is outside the horizon")
    for standby in plan.standbys:
        if not 0 <= standby.request < len(problem.requests):
            yield Violation(rule, f"there is no request {standby.request}")
        if not 0 <= standby.expert < len(problem.experts):
            yield Violation(rule, f"there is no expert {standby.expert}")
    for name, in_order in (
        ("assignments", list(plan.assignments) == sorted(set(plan.assignments))),
        ("nights", list(plan.nights) == sorted(set(plan.nights))),
        ("standbys", list(plan.standbys) == sorted(set(plan.standbys))),
    ):
        if not in_order:
            yield Violation(rule, f"{name} are not in order, or say something twice")


# One team, one time -------------------------------------------------------------------------------------------------


def seat_once(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """A seat is filled by one person."""
    for (request, seat), count in Counter((a.request, a.seat) for a in plan.assignments).items():
        if count > 1:
            yield Violation("seat_once", f"{count} people in one seat", request=request, seat=seat)


def person_once(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """A person takes one seat of a team."""
    for (request, expert), count in Counter(
        (a.request, a.expert) for a in plan.assignments
    ).items():
        if count > 1:
            yield Violation(
                "person_once", f"one person in {count} seats", request=request, expert=expert
            )


def team_together(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """A team starts at one time."""
    starts = served_starts(plan)
    for assignment in plan.assignments:
        if assignment.start != starts[assignment.request]:
            yield about(
                "team_together",
                assignment,
                f"starts at {assignment.start}, the team at {starts[assignment.request]}",
            )


def team_whole(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """Every required seat of a served request is filled."""
    filled = {(a.request, a.seat) for a in plan.assignments}
    for request in served_starts(plan):
        for seat, wanted in enumerate(problem.requests[request].seats):
            if wanted.required and (request, seat) not in filled:
                yield Violation(
                    "team_whole", "a required seat is empty", request=request, seat=seat
                )


# When the request can be ---------------------------------------------------------------------------------------------


def on_grid(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """Starts are multiples of the step."""
    for assignment in plan.assignments:
        if assignment.start % problem.start_step_min:
            yield about(
                "on_grid",
                assignment,
                f"start {assignment.start} is no multiple of {problem.start_step_min}",
            )


def in_request_window(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """The whole event lies in one of the request's windows."""
    for assignment, request, _, _ in seated(problem, plan):
        end = assignment.start + request.duration_min
        if not any(w.start <= assignment.start and end <= w.end for w in request.windows):
            yield about(
                "in_request_window",
                assignment,
                f"[{assignment.start}, {end}) lies in no window of the request",
            )


def lead_time(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """Nothing starts before approvals can be had."""
    for assignment, request, _, _ in seated(problem, plan):
        if assignment.start < request.ready_at:
            yield about(
                "lead_time",
                assignment,
                f"starts at {assignment.start}, ready at {request.ready_at}",
            )


# Who may come --------------------------------------------------------------------------------------------------------


def has_role(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """The seat takes people of the expert's role."""
    for assignment, _, seat, expert in seated(problem, plan):
        if not seat.roles >> expert.role & 1:
            yield about("has_role", assignment, f"the seat takes no {expert.role.name}")


def has_proficiency(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """The expert is proficient enough in the request's topic."""
    for assignment, request, seat, expert in seated(problem, plan):
        if expert.skills[request.topic] < seat.proficiency_min:
            yield about(
                "has_proficiency",
                assignment,
                f"proficiency {expert.skills[request.topic]} in topic {request.topic}, "
                f"asked for {seat.proficiency_min}",
            )


def speaks_to_audience(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """The expert serves that audience group."""
    for assignment, request, _, expert in seated(problem, plan):
        if not expert.audiences >> request.audience & 1:
            yield about("speaks_to_audience", assignment, f"not for audience {request.audience}")


def does_form(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """The expert serves in that form."""
    for assignment, request, _, expert in seated(problem, plan):
        if not expert.forms >> request.form & 1:
            yield about("does_form", assignment, f"not in form {request.form}")


def speaks_at_level(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """The expert speaks at that level."""
    for assignment, request, _, expert in seated(problem, plan):
        if not expert.levels >> request.level & 1:
            yield about("speaks_at_level", assignment, f"not at level {request.level}")


def talk_approved(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """Where the seat asks for it, the expert has a talk approved for topic and audience, valid on the day."""
    for assignment, request, seat, expert in seated(problem, plan):
        day = assignment.start // DAY_MIN
        if seat.approved_talk and not any(
            talk.topic == request.topic
            and talk.audiences >> request.audience & 1
            and day < talk.until_day
            for talk in expert.approvals
        ):
            yield about(
                "talk_approved",
                assignment,
                f"no approved talk on topic {request.topic} for audience {request.audience} on day {day}",
            )


def cleared_for_minors(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """Work with minors needs a clearance valid on the day."""
    for assignment, request, _, expert in seated(problem, plan):
        if request.minors and assignment.start // DAY_MIN >= expert.clearance_until_day:
            yield about(
                "cleared_for_minors",
                assignment,
                f"clearance ends before day {expert.clearance_until_day}",
            )


def pool_in_term(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """The day lies in the term of the expert's pool."""
    for assignment, _, _, expert in seated(problem, plan):
        pool = problem.pools[expert.pool]
        if not pool.from_day <= assignment.start // DAY_MIN < pool.until_day:
            yield about(
                "pool_in_term",
                assignment,
                f"the pool's term is days [{pool.from_day}, {pool.until_day})",
            )


def pool_shared(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """The request's node is a home of the pool, or has an agreement valid on the day."""
    for assignment, request, _, expert in seated(problem, plan):
        pool = problem.pools[expert.pool]
        if request.node not in pool.home_nodes and not any(
            agreement.node == request.node and assignment.start // DAY_MIN < agreement.until_day
            for agreement in pool.agreements
        ):
            yield about(
                "pool_shared",
                assignment,
                f"node {request.node} may not use pool {expert.pool} on that day",
            )


def quota_kept(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """A node uses another's pool for at most as many assignments as agreed."""
    used = Counter((expert.pool, request.node) for _, request, _, expert in seated(problem, plan))
    for index, pool in enumerate(problem.pools):
        for agreement in pool.agreements:
            count = used[index, agreement.node]
            if agreement.node not in pool.home_nodes and count > agreement.quota:
                yield Violation(
                    "quota_kept",
                    f"node {agreement.node} uses pool {index} {count} times, agreed are {agreement.quota}",
                )


def in_mode(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """The seat may be filled remotely, or on site, as it is."""
    for assignment, _, seat, _ in seated(problem, plan):
        if seat.mode is (Mode.ON_SITE if assignment.remote else Mode.REMOTE):
            way = "remotely" if assignment.remote else "on site"
            yield about("in_mode", assignment, f"the seat may not be filled {way}")


def named_only_leads(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """Where only the named expert will do, nobody else is in seat 0."""
    for assignment, request, _, _ in seated(problem, plan):
        if (
            request.naming is Naming.ONLY
            and assignment.seat == 0
            and assignment.expert != request.named
        ):
            yield about("named_only_leads", assignment, f"only expert {request.named} may lead")


# A person's day ------------------------------------------------------------------------------------------------------


def in_availability(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """Every visit lies inside one window of the person, cut by earliest and latest hour."""
    for (expert, day), trips in all_trips(problem, plan).items():
        for trip in trips:
            if trip.window is None:
                for visit in trip.visits:
                    yield Violation(
                        "in_availability",
                        f"[{visit.start}, {visit.end}) lies in no window of the expert",
                        visit.request,
                        visit.seat,
                        expert,
                        day,
                    )


def one_place_at_a_time(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """No two visits of a person overlap, whichever the day."""
    by_expert: defaultdict[int, list[Visit]] = defaultdict(list)
    for (expert, _), visits in days_of(problem, plan).items():
        by_expert[expert] += visits
    for expert, visits in by_expert.items():
        for first, second in itertools.pairwise(visits):
            if second.start < first.end:
                yield Violation(
                    "one_place_at_a_time",
                    f"requests {first.request} and {second.request} overlap",
                    second.request,
                    second.seat,
                    expert,
                    second.start // DAY_MIN,
                )


def leaves_in_window(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """From home, or the night's lodging, to the first visit: no departure before the window starts."""
    for (expert, day), trips in all_trips(problem, plan).items():
        for trip in trips:
            first = trip.visits[0]
            if trip.window is not None:
                departure = first.start - problem.travel_min[trip.origin][first.place]
                if departure < trip.window.start:
                    yield Violation(
                        "leaves_in_window",
                        f"must leave at {departure}, the window starts at {trip.window.start}",
                        first.request,
                        first.seat,
                        expert,
                        day,
                    )


def travels_in_time(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """Between two visits of a window there is time for the way."""
    for (expert, day), trips in all_trips(problem, plan).items():
        for trip in trips:
            for first, second in zip(trip.visits, trip.visits[1:], strict=False):
                arrival = first.end + problem.travel_min[first.place][second.place]
                if arrival > second.start:
                    yield Violation(
                        "travels_in_time",
                        f"arrives from request {first.request} at {arrival}, starts at {second.start}",
                        second.request,
                        second.seat,
                        expert,
                        day,
                    )


def home_in_window(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """Home again before the window ends, unless the person lodges."""
    for (expert, day), trips in all_trips(problem, plan).items():
        for trip in trips:
            last = trip.visits[-1]
            if trip.window is not None and trip.goal is not None:
                arrival = last.end + problem.travel_min[last.place][trip.goal]
                if arrival > trip.window.end:
                    yield Violation(
                        "home_in_window",
                        f"is home at {arrival}, the window ends at {trip.window.end}",
                        last.request,
                        last.seat,
                        expert,
                        day,
                    )


def night_between_visits(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """A night away follows a day with visits and precedes one, from last window to first window."""
    book = days_of(problem, plan)
    trips = all_trips(problem, plan)
    for night in plan.nights:
        before, after = (night.expert, night.day), (night.expert, night.day + 1)
        person = problem.experts[night.expert]
        if before not in book or after not in book:
            yield Violation(
                "night_between_visits",
                "both days of a night away need a visit",
                expert=night.expert,
                day=night.day,
            )
            continue
        if trips[before][-1].window not in windows_of_day(person, night.day)[-1:]:
            yield Violation(
                "night_between_visits",
                "the last visit before the night is not in the day's last window",
                expert=night.expert,
                day=night.day,
            )
        if trips[after][0].window not in windows_of_day(person, night.day + 1)[:1]:
            yield Violation(
                "night_between_visits",
                "the first visit after the night is not in the day's first window",
                expert=night.expert,
                day=night.day + 1,
            )


# A person's limits ---------------------------------------------------------------------------------------------------


def per_day(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """Engagements of a day."""
    for (expert, day), visits in days_of(problem, plan).items():
        allowed = problem.experts[expert].limits.per_day_max
        if len(visits) > allowed:
            yield Violation(
                "per_day", f"{len(visits)} engagements, at most {allowed}", expert=expert, day=day
            )


def per_week(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """Engagements of a week, with those fixed elsewhere."""
    counts = Counter((a.expert, week_of(problem, a.start // DAY_MIN)) for a in plan.assignments)
    for (expert, week), count in sorted(counts.items()):
        person = problem.experts[expert]
        total = count + person.engaged_before[week]
        if total > person.limits.per_week_max:
            yield Violation(
                "per_week",
                f"{total} engagements in week {week}, at most {person.limits.per_week_max}",
                expert=expert,
            )


def per_round(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """Engagements of the round, with those fixed elsewhere."""
    for expert, count in sorted(Counter(a.expert for a in plan.assignments).items()):
        person = problem.experts[expert]
        total = count + person.engaged_before_round
        if total > person.limits.per_round_max:
            yield Violation(
                "per_round",
                f"{total} engagements in the round, at most {person.limits.per_round_max}",
                expert=expert,
            )


def travel_per_day(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """Minutes on the way of a day."""
    for (expert, day), trips in all_trips(problem, plan).items():
        total = sum(sum(legs_of(problem, trip)) for trip in trips)
        allowed = problem.experts[expert].limits.travel_min_per_day_max
        if total > allowed:
            yield Violation(
                "travel_per_day",
                f"{total} minutes of travel, at most {allowed}",
                expert=expert,
                day=day,
            )


def nights_allowed(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """Nights away of the round."""
    for expert, count in sorted(Counter(night.expert for night in plan.nights).items()):
        allowed = problem.experts[expert].limits.nights_max
        if count > allowed:
            yield Violation(
                "nights_allowed", f"{count} nights away, at most {allowed}", expert=expert
            )


def rest_days(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """Days of a week without any visit."""
    days = {(a.expert, a.start // DAY_MIN) for a in plan.assignments}
    counts = Counter((expert, week_of(problem, day)) for expert, day in days)
    for (expert, week), count in sorted(counts.items()):
        wanted = problem.experts[expert].limits.rest_days_per_week
        if 7 - count < wanted:
            yield Violation(
                "rest_days",
                f"{7 - count} rest days in week {week}, at least {wanted}",
                expert=expert,
            )


# Decisions and sums ----------------------------------------------------------------------------------------------------


def pins_kept(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """What a coordinator pinned is as pinned."""
    found = {(a.request, a.seat, a.expert): a.start for a in plan.assignments}
    for pin in problem.pins:
        start = found.get((pin.request, pin.seat, pin.expert), -1)
        if start < 0 or (pin.start >= 0 and start != pin.start):
            when = "" if pin.start < 0 else f" at {pin.start}"
            yield Violation(
                "pins_kept",
                f"expert {pin.expert} is pinned to seat {pin.seat} of request {pin.request}{when}",
                pin.request,
                pin.seat,
                pin.expert,
            )


def forbids_kept(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """Nobody serves what they must not, or beside whom they must not."""
    teams: defaultdict[int, set[int]] = defaultdict(set)
    for assignment in plan.assignments:
        teams[assignment.request].add(assignment.expert)
    for forbid in problem.forbids:
        for request, team in sorted(teams.items()):
            if (
                forbid.request in {-1, request}
                and forbid.expert in team
                and (forbid.other == -1 or forbid.other in team)
            ):
                beside = "" if forbid.other == -1 else f" together with {forbid.other}"
                yield Violation(
                    "forbids_kept",
                    f"expert {forbid.expert} must not serve it{beside}",
                    request=request,
                    expert=forbid.expert,
                )


def caps_kept(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """No more requests of a group are served than its cap."""
    served = served_starts(plan)
    for index, cap in enumerate(problem.caps):
        count = len(cap.requests & served.keys())
        if count > cap.served_max:
            yield Violation("caps_kept", f"cap {index}: {count} served, at most {cap.served_max}")


def budgets_kept(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """No more yuan are spent on a group of requests than its budget."""
    for index, budget in enumerate(problem.budgets):
        total = sum(
            problem.experts[a.expert].cost for a in plan.assignments if a.request in budget.requests
        )
        if total > budget.cost_max:
            yield Violation(
                "budgets_kept", f"budget {index}: {total} yuan, at most {budget.cost_max}"
            )


def series_spaced(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """Served requests of a series are far enough apart."""
    starts = served_starts(plan)
    for series in problem.series:
        days = sorted((starts[r] // DAY_MIN, r) for r in series.requests if r in starts)
        for (day, first), (next_day, second) in itertools.pairwise(days):
            if next_day - day < series.spacing_days:
                yield Violation(
                    "series_spaced",
                    f"{next_day - day} days after request {first}, at least {series.spacing_days}",
                    request=second,
                    day=next_day,
                )


# Standby ---------------------------------------------------------------------------------------------------------------


def standby_wanted(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """People stand by for served requests, outside the team, at most as many as are wanted."""
    served = served_starts(plan)
    team = {(a.request, a.expert) for a in plan.assignments}
    for request, count in sorted(Counter(s.request for s in plan.standbys).items()):
        wanted = problem.requests[request].standbys if request in served else 0
        if count > wanted:
            yield Violation(
                "standby_wanted", f"{count} people stand by, {wanted} wanted", request=request
            )
    for standby in plan.standbys:
        if (standby.request, standby.expert) in team:
            yield Violation(
                "standby_wanted",
                "stands by for their own event",
                request=standby.request,
                expert=standby.expert,
            )


def standby_consented(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """Nobody stands by for more events of a day than they consent to."""
    starts = served_starts(plan)
    counts = Counter(
        (s.expert, starts[s.request] // DAY_MIN) for s in plan.standbys if s.request in starts
    )
    for (expert, day), count in sorted(counts.items()):
        consented = problem.experts[expert].standby_max
        if count > consented:
            yield Violation(
                "standby_consented",
                f"stands by for {count} events, consents to {consented}",
                expert=expert,
                day=day,
            )


def standby_able(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """Who stands by could lead: eligible, and with that visit added inside their own windows and limits."""
    starts = served_starts(plan)
    for standby in plan.standbys:
        if standby.request not in starts:
            continue
        seats = problem.requests[standby.request].seats
        stepping_in = Assignment(
            request=standby.request,
            seat=0,
            expert=standby.expert,
            start=starts[standby.request],
            remote=seats[0].mode is Mode.REMOTE,
        )
        own = [a for a in plan.assignments if a.expert == standby.expert]
        nights = tuple(night for night in plan.nights if night.expert == standby.expert)
        if any(a.request == standby.request for a in own):
            continue
        alone = Plan(assignments=(stepping_in,))
        their_days = Plan(assignments=tuple(sorted([*own, stepping_in])), nights=nights)
        beside = [a for a in plan.assignments if a.request == standby.request and a.seat != 0]
        team = Plan(assignments=tuple(sorted([*beside, stepping_in])))
        for rules, imagined in (
            (_ELIGIBILITY, alone),
            (_PERSONAL, their_days),
            ((forbids_kept,), team),
        ):
            for violation in _first(rules, problem, imagined):
                yield Violation(
                    "standby_able",
                    f"could not step in: {violation.rule}: {violation.message}",
                    request=standby.request,
                    expert=standby.expert,
                )


def _first(rules: Iterable[Rule], problem: Problem, plan: Plan) -> list[Violation]:
    return [violation for rule in rules for violation in rule(problem, plan)][:1]


_ELIGIBILITY: tuple[Rule, ...] = (
    has_role,
    has_proficiency,
    speaks_to_audience,
    does_form,
    speaks_at_level,
    talk_approved,
    cleared_for_minors,
    pool_in_term,
    pool_shared,
    named_only_leads,
)

_PERSONAL: tuple[Rule, ...] = (
    in_availability,
    one_place_at_a_time,
    leaves_in_window,
    travels_in_time,
    home_in_window,
    night_between_visits,
    per_day,
    per_week,
    per_round,
    travel_per_day,
    nights_allowed,
    rest_days,
)

RULES: tuple[Rule, ...] = (
    seat_once,
    person_once,
    team_together,
    team_whole,
    on_grid,
    in_request_window,
    lead_time,
    *_ELIGIBILITY,
    quota_kept,
    in_mode,
    *_PERSONAL,
    pins_kept,
    forbids_kept,
    caps_kept,
    budgets_kept,
    series_spaced,
    standby_wanted,
    standby_consented,
    standby_able,
)


# Values ----------------------------------------------------------------------------------------------------------------


def emergency_value(problem: Problem, plan: Plan) -> int:
    return sum(
        problem.requests[r].weight for r in served_starts(plan) if problem.requests[r].emergency > 0
    )


def floor_value(problem: Problem, plan: Plan) -> int:
    """The smallest coverage, permille; 0 where there are no shares."""
    weights: Counter[tuple[int, int]] = Counter()
    for index in served_starts(plan):
        request = problem.requests[index]
        weights[request.district, request.audience] += request.weight
        weights[request.district, -1] += request.weight
    return min(
        (
            1000 * (share.carried + weights[share.district, share.audience]) // share.target
            for share in problem.shares
        ),
        default=0,
    )


def need_value(problem: Problem, plan: Plan) -> int:
    total = sum(problem.requests[r].weight for r in served_starts(plan))
    for assignment, request, seat, expert in seated(problem, plan):
        total += seat.value
        surplus = expert.skills[request.topic] - seat.proficiency_min
        total += problem.policy.fit_proficiency * surplus
        if seat.mode is Mode.EITHER and not assignment.remote:
            total += problem.policy.fit_on_site
    return total


def promises_value(problem: Problem, plan: Plan) -> int:
    found = {(a.request, a.seat): a for a in plan.assignments}
    cost = 0
    for promise in problem.promises:
        now = found.get((promise.request, promise.seat))
        if now is None:
            cost += promise.cost_drop
        elif (now.expert, now.start) != (promise.expert, promise.start):
            cost += promise.cost_change
    return -cost


def travel_value(problem: Problem, plan: Plan) -> int:
    on_the_way = sum(
        sum(legs_of(problem, trip)) for trips in all_trips(problem, plan).values() for trip in trips
    )
    return -on_the_way - problem.policy.night_as_travel_min * len(plan.nights)


def preference_value(problem: Problem, plan: Plan) -> int:
    leads = {a.request: a.expert for a in plan.assignments if a.seat == 0}
    wishes = sum(
        problem.requests[r].naming is Naming.PREFERRED and problem.requests[r].named == lead
        for r, lead in leads.items()
    )
    continued = sum(
        series.continuity
        for series in problem.series
        for first, second in zip(series.requests, series.requests[1:], strict=False)
        if first in leads and leads[first] == leads.get(second)
    )
    return problem.policy.prefer_named * wishes + continued


def load_value(plan: Plan) -> int:
    return -sum(count * count for count in Counter(a.expert for a in plan.assignments).values())
