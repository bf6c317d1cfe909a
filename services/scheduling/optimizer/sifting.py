"""The filters of a why-not, compiled: which one leaves nobody, for every unserved request of a plan in a few milliseconds.

`explain.py` says the same with names and sentences, one request at a time, and is what these answers are held against in the
tests. Here everybody is a row of `Tables`, the plan a `State`, and what a request asks for is two small arrays (`asks_of`), so
that `trying.py` can ask for something else than the problem does without a problem of its own.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from services.scheduling.optimizer.filters import DAILY, FILTERS, FOREVER, LIMITS, NEVER
from services.scheduling.optimizer.packed import Packed
from services.scheduling.optimizer.problem import DAY_MIN, Mode, Naming, Problem, Request
from services.scheduling.optimizer.state import (
    CAP_AT,
    DAYS,
    HOME,
    NIGHTS_MAX,
    NO,
    PER_DAY,
    PIN_START,
    POOL,
    ROUND_LEFT,
    SEAT_AT,
    SERIES_AT,
    START_AT,
    TRAVEL_MAX,
    WORK_DAYS,
    Given,
    State,
    compiled,
    compiled_with_arrays,
    goes_with,
    in_budget,
    in_quota,
    opens,
    placed,
)

# Columns of `Tables.people`
ROLE, CLEARED_UNTIL, AUDIENCES, FORMS, LEVELS = range(5)
# of what is asked
(
    AT_PLACE,
    OF_NODE,
    AUDIENCE,
    FORM,
    LEVEL,
    TOPIC,
    MINORS,
    MINUTES,
    ONLY,
) = range(9)
# of a seat that is asked for; `NEEDED`: required or pinned
ROLES, PROFICIENCY, MODE, TALK, NEEDED, VALUE = range(6)
# of an answer; the counts follow
REASON, RULE, SEAT_ASKED, COUNTED, COUNTS = range(5)
ANYBODY: Final = -2
"""Instead of the one who only may lead."""
UNTOLD: Final = -1
"""Instead of a rule: somebody's day is taken, and only `explain.why_not` looks at what exactly would break."""

NOTHING_YET: Final = 0
NOBODY_ELIGIBLE, NOT_FREE, TOO_FAR, LIMITS_USED_UP, SEAT_MISSING, DISPLACED, RULED_OUT = range(1, 8)
RULES: Final[Sequence[str]] = (
    *FILTERS,
    "",
    "in_request_window",
    "caps_kept",
    "series_spaced",
    "home_in_window",
    "leaves_in_window",
    "team_together",
    "person_once",
)
"""What `RULE` means."""
_RULE = {name: place for place, name in enumerate(RULES)}
NOTHING, NO_START, CAPPED, TOO_NEAR = (
    _RULE[name] for name in ("", "in_request_window", "caps_kept", "series_spaced")
)
NAMED_ONLY, BARRED, IN_TERM, AVAILABLE, TRAVEL = (
    _RULE[name]
    for name in (
        "named_only_leads",
        "forbids_kept",
        "pool_in_term",
        "in_availability",
        "travel_per_day",
    )
)
HOME_LATE, LEAVES_EARLY, NO_TIME, NO_OTHER = (
    _RULE[name] for name in ("home_in_window", "leaves_in_window", "team_together", "person_once")
)
PER_ROUND, QUOTA, BUDGET = (_RULE[name] for name in ("per_round", "quota_kept", "budgets_kept"))
FILTERED: Final = len(FILTERS)
DATED: Final = len(DAILY)
"""Filters of days, all of which hold for whoever may come on a day."""
LIMITED: Final = len(LIMITS)
"""Limits are looked at one after the other, from `PER_ROUND`."""
LAST: Final = FILTERED - 1
"""How many pass every filter is counted after this one."""
_ON_SITE, _REMOTE, _EITHER = int(Mode.ON_SITE), int(Mode.REMOTE), int(Mode.EITHER)


class Tables(NamedTuple):
    """Who people are: `people` (`E × 5`), `skills` (`E × topics`), `approved` (`E × topics × audiences`, the day before
    which a talk is), `term` (pools × 2, days), `shared` (pools × nodes, the day before which), `barred` (`R × E`).
    """

    people: Any
    skills: Any
    approved: Any
    term: Any
    shared: Any
    barred: Any


def tables(problem: Problem) -> Tables:
    """The tables of a problem; some 50 ms for 3,000 requests and 1,000 experts."""
    experts, requests = problem.experts, problem.requests
    audiences = 1 + max((one.audience for one in requests), default=0)
    approved = np.full((len(experts), problem.topics, audiences), NEVER, dtype=np.int64)
    for index, one in enumerate(experts):
        for talk in one.approvals:
            said = [group for group in range(audiences) if talk.audiences >> group & 1]
            row = approved[index, talk.topic]
            row[said] = np.maximum(row[said], talk.until_day)
    shared = np.full((len(problem.pools), problem.nodes), NEVER, dtype=np.int64)
    for index, pool in enumerate(problem.pools):
        for agreement in pool.agreements:
            known = shared[index, agreement.node]
            shared[index, agreement.node] = max(known, agreement.until_day)
        shared[index, [node for node in pool.home_nodes if node < problem.nodes]] = FOREVER
    barred = np.zeros((len(requests), len(experts)), dtype=np.bool_)
    for forbid in problem.forbids:
        if forbid.other < 0:
            barred[slice(None) if forbid.request < 0 else forbid.request, forbid.expert] = True
    return Tables(
        people=_longs(
            [
                (one.role, one.clearance_until_day, one.audiences, one.forms, one.levels)
                for one in experts
            ],
            5,
        ),
        skills=_longs([one.skills for one in experts], problem.topics),
        approved=approved,
        term=_longs([(one.from_day, one.until_day) for one in problem.pools], 2),
        shared=shared,
        barred=barred,
    )


def _longs(rows: Sequence[Sequence[int]], columns: int) -> Any:
    return np.array(rows, dtype=np.int64).reshape(len(rows), columns)


def asks_of(request: Request) -> tuple[Any, Any]:
    """What a request asks for: of whoever comes, and of each seat."""
    only = request.named if request.naming is Naming.ONLY else ANYBODY
    ask = (
        request.place,
        request.node,
        request.audience,
        request.form,
        request.level,
        request.topic,
        request.minors,
        request.duration_min,
        only,
    )
    seats = [
        (
            seat.roles,
            seat.proficiency_min,
            seat.mode,
            seat.approved_talk,
            seat.required,
            seat.value,
        )
        for seat in request.seats
    ]
    return np.array(ask, dtype=np.int64), _longs(seats, 6)


def all_asks(problem: Problem, packed: Packed) -> tuple[Any, Any]:
    """What every request asks for, one row each; seats through all requests, pinned ones being needed."""
    asks = [asks_of(one) for one in problem.requests]
    rows = np.array([ask for ask, _ in asks], dtype=np.int64).reshape(len(asks), 9)
    seats = np.concatenate([seats for _, seats in asks]) if asks else _longs([], 6)
    seats[:, NEEDED] = packed.seat_required
    return rows, seats


@compiled_with_arrays
def sift_all(
    given: Given, state: State, known: Tables, asks: Any, seats: Any, requests: Any, found: Any
) -> None:
    """For each of the unserved `requests` a row of `found`: reason, rule, seat, how many counts, and those."""
    for n in range(len(requests)):
        request = np.int64(requests[n])
        first, last = given.asks[request, SEAT_AT], given.asks[request + 1, SEAT_AT]
        sift(given, state, known, request, asks[request], seats[first:last], found[n])


@compiled_with_arrays
def sift(
    given: Given, state: State, known: Tables, request: int, ask: Any, seats: Any, found: Any
) -> None:
    """The first filter that leaves nobody, with everything else in the plan as it is."""
    found[REASON], found[SEAT_ASKED], found[COUNTED] = RULED_OUT, -1, 0
    starts = given.starts[given.asks[request, START_AT] : given.asks[request + 1, START_AT]]
    fixed = given.asks[request, PIN_START]
    if fixed != -1:
        starts = starts[starts == fixed]
    if len(starts) == 0:
        found[RULE] = NO_START
        return
    for i in range(given.asks[request, CAP_AT], given.asks[request + 1, CAP_AT]):
        if state.cap[given.cap[i]] >= given.cap_max[given.cap[i]]:
            found[RULE] = CAPPED
            return
    if given.asks[request, SERIES_AT] < given.asks[request + 1, SERIES_AT]:
        open_ = np.zeros(len(starts), dtype=np.bool_)
        for i in range(len(starts)):
            open_[i] = opens(given, state, request, np.int64(starts[i]) // DAY_MIN)
        starts = starts[open_]
        if len(starts) == 0:
            found[RULE] = TOO_NEAR
            return
    counts = np.zeros((len(seats), FILTERED), dtype=np.int64)
    left = _eligible_visits(given, known, request, ask, seats, starts, counts, found)
    if found[REASON] != NOTHING_YET:
        return
    _beside_the_rest(given, state, request, ask, seats, starts, counts, left, found)


class Visits(NamedTuple):
    """Ways to fill seats that are still possible: seat `k` has those from `at[k]` to `at[k + 1]`, by expert, start, on site
    first. `start` is an index into the starts; `window` the row of the window that holds the visit; `alive`: not sifted out.
    """

    at: Any
    expert: Any
    start: Any
    remote: Any
    window: Any
    alive: Any


@compiled_with_arrays
def _no_visits(seats: int) -> Visits:
    nobody = np.empty(0, dtype=np.int32)
    return Visits(np.zeros(seats + 1, dtype=np.int64), nobody, nobody, nobody, nobody, nobody)


@compiled
def may_come(
    known: Tables, request: int, ask: Any, seat: Any, leads: bool, stopped: Any, able: Any
) -> int:
    """List in `able` whom no filter stops that holds on all days, and return how many; `stopped` counts, filter by filter in
    their order, whom it is the first to stop. One loop with everything in it: a call would copy all tables for each person.
    """
    only, topic, asked_min = ask[ONLY], ask[TOPIC], seat[PROFICIENCY]
    audience, form, level = ask[AUDIENCE], ask[FORM], ask[LEVEL]
    people, skills, roles = known.people, known.skills, seat[ROLES]
    barred = known.barred[request]
    many = 0
    for e in range(len(people)):
        if leads and only not in (ANYBODY, e):
            stopped[0] += 1
        elif not (roles >> people[e, ROLE]) & 1:
            stopped[1] += 1
        elif skills[e, topic] < asked_min:
            stopped[2] += 1
        elif not (people[e, AUDIENCES] >> audience) & 1:
            stopped[3] += 1
        elif not (people[e, FORMS] >> form) & 1:
            stopped[4] += 1
        elif not (people[e, LEVELS] >> level) & 1:
            stopped[5] += 1
        elif barred[e]:
            stopped[BARRED] += 1
        else:
            able[many] = e
            many += 1
    return many


@compiled
def periods(
    given: Given, known: Tables, ask: Any, seat: Any, able: Any, many: int, filtered: int, days: Any
) -> None:
    """The days `[from, until)` that the first `filtered` of the daily filters leave the first `many` of `able`, row by row."""
    node, minors, talk = ask[OF_NODE], ask[MINORS], seat[TALK]
    topic, audience = ask[TOPIC], ask[AUDIENCE]
    people, pools = known.people, given.people
    for m in range(many):
        e = np.int64(able[m])
        pool = pools[e, POOL]
        until = known.term[pool, 1]
        if filtered > 1:
            until = min(until, known.shared[pool, node])
        if filtered > 2 and minors:
            until = min(until, people[e, CLEARED_UNTIL])
        if filtered > 3 and talk:
            until = min(until, known.approved[e, topic, audience])
        days[m, 0], days[m, 1] = known.term[pool, 0], until


@compiled
def _within_windows(given: Given, left: Visits, starts: Any, k: int, minutes: int) -> None:
    """Sift out visits that lie in no window of the person; note the window of the others."""
    days, window_at, windows = given.policy[DAYS], given.window_at, given.windows
    for v in range(left.at[k], left.at[k + 1]):
        start = np.int64(starts[left.start[v]])
        row = left.expert[v] * days + start // DAY_MIN
        left.alive[v] = 0
        for window in range(window_at[row], window_at[row + 1]):
            if windows[window, 0] <= start and start + minutes <= windows[window, 1]:
                left.window[v], left.alive[v] = window, 1
                break


@compiled
def _within_limit(
    given: Given, state: State, left: Visits, starts: Any, k: int, limit: int
) -> None:
    """Sift out visits for which the nth limit of `filters.LIMITS` leaves no room."""
    days, people = given.policy[DAYS], given.people
    for v in range(left.at[k], left.at[k + 1]):
        if not left.alive[v]:
            continue
        e, day = np.int64(left.expert[v]), np.int64(starts[left.start[v]]) // DAY_MIN
        week = given.week_of_day[day]
        if limit == 0:
            room = state.in_round[e] < people[e, ROUND_LEFT]
        elif limit == 1:
            room = state.in_week[e, week] < given.week_left[e, week]
        elif limit == 2:
            room = state.count[e * days + day] < people[e, PER_DAY]
        else:
            room = (
                state.count[e * days + day] > 0
                or state.days_in_week[e, week] < people[e, WORK_DAYS]
            )
        left.alive[v] = room


@compiled_with_arrays
def _eligible_visits(
    given: Given,
    known: Tables,
    request: int,
    ask: Any,
    seats: Any,
    starts: Any,
    counts: Any,
    found: Any,
) -> Any:
    """`Visits` of everybody who may come, seat after seat, at the starts on whose days they may; none, and `found` says
    why, where nobody may.
    """
    people = len(given.people)
    able = np.empty((len(seats), people), dtype=np.int32)
    ables = np.zeros(len(seats), dtype=np.int64)
    stopped = np.empty(IN_TERM, dtype=np.int64)
    days = np.empty((len(seats), people, 2), dtype=np.int64)
    size = 0
    for k in range(len(seats)):
        if not seats[k, NEEDED]:
            continue
        stopped[:] = 0
        many = may_come(known, request, ask, seats[k], k == 0, stopped, able[k])
        still = people
        for n in range(IN_TERM):
            still -= stopped[n]
            counts[k, n] = still
            if still == 0:
                _say(found, NOBODY_ELIGIBLE if n != BARRED else RULED_OUT, n, k, counts, n + 1)
                return _no_visits(len(seats))
        for n in range(1, DATED + 1):
            periods(given, known, ask, seats[k], able[k], many, n, days[k])
            before, many = many, 0
            for m in range(before):
                for i in range(len(starts)):
                    if days[k, m, 0] <= starts[i] // DAY_MIN < days[k, m, 1]:
                        able[k, many], days[k, many] = able[k, m], days[k, m]
                        many += 1
                        break
            counts[k, IN_TERM + n - 1] = many
            if many == 0:
                _say(found, NOBODY_ELIGIBLE, IN_TERM + n - 1, k, counts, IN_TERM + n)
                return _no_visits(len(seats))
        ables[k] = many
        size += len(starts) * many * (1 if seats[k, MODE] < _EITHER else 2)
    found[REASON] = NOTHING_YET
    at = np.zeros(len(seats) + 1, dtype=np.int64)
    expert = np.empty(size, dtype=np.int32)
    start = np.empty(size, dtype=np.int32)
    remote = np.empty(size, dtype=np.int32)
    n = 0
    for k in range(len(seats)):
        at[k] = n
        for m in range(ables[k]):
            for i in range(len(starts)):
                if not days[k, m, 0] <= starts[i] // DAY_MIN < days[k, m, 1]:
                    continue
                for far in range(2):
                    if seats[k, MODE] != (_REMOTE if not far else _ON_SITE):
                        expert[n], start[n], remote[n] = able[k, m], i, far
                        n += 1
    at[len(seats)] = n
    return Visits(
        at,
        expert[:n],
        start[:n],
        remote[:n],
        np.full(n, -1, dtype=np.int32),
        np.ones(n, dtype=np.int32),
    )


@compiled_with_arrays
def _beside_the_rest(
    given: Given,
    state: State,
    request: int,
    ask: Any,
    seats: Any,
    starts: Any,
    counts: Any,
    left: Visits,
    found: Any,
) -> None:
    """The filters that look at the day and the plan, each for all seats before the next."""
    for k in range(len(seats)):
        if seats[k, NEEDED]:
            _within_windows(given, left, starts, k, ask[MINUTES])
            if _nobody(left, k, counts, AVAILABLE):
                _say(found, NOT_FREE, AVAILABLE, k, counts, AVAILABLE + 1)
                return
    for k in range(len(seats)):
        if seats[k, NEEDED]:
            rule = _near(given, state, ask, starts, left, k)
            if _nobody(left, k, counts, TRAVEL):
                _say(found, TOO_FAR, rule, k, counts, TRAVEL + 1)
                return
    for k in range(len(seats)):
        if seats[k, NEEDED]:
            for limit in range(LIMITED):
                _within_limit(given, state, left, starts, k, limit)
                if _nobody(left, k, counts, PER_ROUND + limit):
                    rule = PER_ROUND + limit
                    _say(found, LIMITS_USED_UP, rule, k, counts, rule + 1)
                    return
    alone = np.empty(0, dtype=np.int64)
    for k in range(len(seats)):
        if seats[k, NEEDED]:
            for rule in range(QUOTA, BUDGET + 1):
                for v in range(left.at[k], left.at[k + 1]):
                    if not left.alive[v]:
                        continue
                    expert = np.int64(left.expert[v])
                    if rule == QUOTA:
                        paid = in_quota(given, state, request, alone, 0, expert)
                    else:
                        paid = in_budget(given, state, request, alone, 0, expert)
                    left.alive[v] = paid
                if _nobody(left, k, counts, rule):
                    _say(found, RULED_OUT, rule, k, counts, rule + 1)
                    return
    _as_a_team(given, state, request, ask, seats, starts, counts, left, found)


@compiled
def _near(given: Given, state: State, ask: Any, starts: Any, left: Visits, k: int) -> int:
    """Sift out who cannot be there and back on one day, nor on a tour beside their other visits; which rule stops most."""
    days, minutes = given.policy[DAYS], ask[MINUTES]
    early, late, far = 0, 0, 0
    for v in range(left.at[k], left.at[k + 1]):
        if not left.alive[v]:
            continue
        expert, start = np.int64(left.expert[v]), np.int64(starts[left.start[v]])
        home, window = given.people[expert, HOME], np.int64(left.window[v])
        out, back = np.int64(0), np.int64(0)
        if not left.remote[v]:
            out = np.int64(given.travel[home, ask[AT_PLACE]])
            back = np.int64(given.travel[ask[AT_PLACE], home])
        within = out + back <= given.people[expert, TRAVEL_MAX]
        off = start - out >= given.windows[window, 0]
        if within and off and start + minutes + back <= given.windows[window, 1]:
            continue
        if not left.remote[v] and given.people[expert, NIGHTS_MAX] > 0:
            day = start // DAY_MIN
            row = expert * days + day
            others = state.count[row]
            if day > 0:
                others += state.count[row - 1]
            if day + 1 < days:
                others += state.count[row + 1]
            if others > 0:
                cost, _ = placed(given, state, expert, day, start, start + minutes, ask[AT_PLACE])
                if cost != NO:
                    continue
        left.alive[v] = 0
        if not within:
            far += 1
        elif off:
            late += 1
        else:
            early += 1
    # among equals the name that is last in the alphabet, as `explain` has it
    if far >= max(early, late):
        return TRAVEL
    return LEAVES_EARLY if early >= late else HOME_LATE


@compiled_with_arrays
def _as_a_team(
    given: Given,
    state: State,
    request: int,
    ask: Any,
    seats: Any,
    starts: Any,
    counts: Any,
    left: Visits,
    found: Any,
) -> None:
    """Whether there is a start at which all seats have somebody of their own, whose days have room, and who go together."""
    needed = 0
    fewest, tight, first_few = -1, -1, -1
    for k in range(len(seats)):
        if seats[k, NEEDED]:
            needed += 1
            if fewest < 0 or counts[k, LAST] <= counts[fewest, LAST]:
                fewest = k
            if first_few < 0 or counts[k, LAST] < counts[first_few, LAST]:
                first_few = k
    if needed > 1:
        at, who = _by_start(left, len(seats), len(starts))
        common, different = _different(seats, at, who, len(starts), needed)
        if not different:
            _say(
                found,
                SEAT_MISSING,
                NO_OTHER if common else NO_TIME,
                fewest,
                counts,
                FILTERED,
            )
            return
    minutes = ask[MINUTES]
    for v in range(len(left.alive)):
        if left.alive[v]:
            expert, start = np.int64(left.expert[v]), np.int64(starts[left.start[v]])
            where = given.people[expert, HOME] if left.remote[v] else ask[AT_PLACE]
            cost, _ = placed(given, state, expert, start // DAY_MIN, start, start + minutes, where)
            left.alive[v] = cost != NO
    at, who = _by_start(left, len(seats), len(starts))
    _, different = _different(seats, at, who, len(starts), needed)
    if not different:
        least = 0
        for k in range(len(seats)):
            if seats[k, NEEDED]:
                room = at[k, len(starts)] - at[k, 0]
                if tight < 0 or room < least:
                    tight, least = k, room
        _say(found, DISPLACED, UNTOLD, tight, counts, FILTERED)
        return
    if _any_team(given, state, request, seats, at, who, len(starts), True, True):
        found[REASON], found[RULE], found[SEAT_ASKED], found[COUNTED] = DISPLACED, NOTHING, -1, 0
        return
    rule = QUOTA
    if _any_team(given, state, request, seats, at, who, len(starts), False, True):
        rule = BARRED
    elif _any_team(given, state, request, seats, at, who, len(starts), True, False):
        rule = BUDGET
    _say(found, RULED_OUT, rule, first_few, counts, FILTERED)


@compiled_with_arrays
def _by_start(left: Visits, seats: int, starts: int) -> Any:
    """Who is left for each seat at each start, each once: `who[at[k, i]:at[k, i + 1]]`."""
    at = np.zeros((seats, starts + 1), dtype=np.int64)
    who = np.empty(len(left.alive), dtype=np.int64)
    n = 0
    for k in range(seats):
        for v in range(left.at[k], left.at[k + 1]):
            if left.alive[v] and not _said(left, k, v):
                at[k, left.start[v] + 1] += 1
        at[k, 0] = n
        for i in range(starts):
            at[k, i + 1] += at[k, i]
        n = at[k, starts]
        filled = at[k, :starts].copy()
        for v in range(left.at[k], left.at[k + 1]):
            if left.alive[v] and not _said(left, k, v):
                i = left.start[v]
                who[filled[i]] = left.expert[v]
                filled[i] += 1
    return at, who


@compiled
def _said(left: Visits, k: int, v: int) -> bool:
    """Whether the visit before is the same, only on site."""
    return bool(
        v > left.at[k]
        and left.alive[v - 1]
        and left.expert[v - 1] == left.expert[v]
        and left.start[v - 1] == left.start[v]
    )


@compiled_with_arrays
def _different(seats: Any, at: Any, who: Any, starts: int, needed: int) -> Any:
    """Whether there is a start at which every needed seat has somebody, and one at which each has somebody of its own.

    A seat for which there are as many people as seats always gets one of its own, so only the others are looked at.
    """
    common = False
    line = np.empty(len(seats), dtype=np.int64)
    chosen = np.empty(len(seats), dtype=np.int64)
    for i in range(starts):
        some, few = True, 0
        for k in range(len(seats)):
            if seats[k, NEEDED]:
                size = at[k, i + 1] - at[k, i]
                some = some and size > 0
                if size < needed:
                    line[few] = k
                    few += 1
        if not some:
            continue
        common = True
        place = 0
        if few > 0:
            chosen[0] = -1
        while 0 <= place < few:
            k = line[place]
            chosen[place] += 1
            if chosen[place] >= at[k, i + 1] - at[k, i]:
                place -= 1
                continue
            person = who[at[k, i] + chosen[place]]
            taken = False
            for other in range(place):
                taken = taken or who[at[line[other], i] + chosen[other]] == person
            if not taken:
                place += 1
                if place < few:
                    chosen[place] = -1
        if place == few:
            return True, True
    return common, False


@compiled_with_arrays
def _any_team(
    given: Given,
    state: State,
    request: int,
    seats: Any,
    at: Any,
    who: Any,
    starts: int,
    pairs: bool,
    budgets: bool,
) -> bool:
    """Whether a team can be made at any start, of people who go together and are paid for; without `pairs` or `budgets` those
    rules are not asked.
    """
    line = np.empty(len(seats), dtype=np.int64)
    chosen = np.empty(len(seats), dtype=np.int64)
    team = np.empty(len(seats), dtype=np.int64)
    size = 0
    for k in range(len(seats)):
        if seats[k, NEEDED]:
            line[size] = k
            size += 1
    for i in range(starts):
        place = 0
        if size > 0:
            chosen[0] = -1
        while 0 <= place < size:
            k = line[place]
            chosen[place] += 1
            if chosen[place] >= at[k, i + 1] - at[k, i]:
                place -= 1
                continue
            person = who[at[k, i] + chosen[place]]
            joins = True
            for other in range(place):
                joins = joins and team[other] != person
            if (
                joins
                and (not pairs or goes_with(given, request, team, place, person))
                and in_quota(given, state, request, team, place, person)
                and (not budgets or in_budget(given, state, request, team, place, person))
            ):
                team[place] = person
                place += 1
                if place < size:
                    chosen[place] = -1
        if place == size:
            return True
    return False


@compiled
def _nobody(left: Visits, k: int, counts: Any, rule: int) -> bool:
    """Count who is left for the seat after the filter."""
    count, before = 0, -1
    for v in range(left.at[k], left.at[k + 1]):
        if left.alive[v] and left.expert[v] != before:
            before = left.expert[v]
            count += 1
    counts[k, rule] = count
    return count == 0


@compiled
def _say(found: Any, reason: int, rule: int, seat: int, counts: Any, counted: int) -> None:
    found[REASON], found[RULE], found[SEAT_ASKED], found[COUNTED] = reason, rule, seat, counted
    for n in range(counted):
        found[COUNTS + n] = counts[seat, n]
