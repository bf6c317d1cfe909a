"""Put one request into a draft whoever it then asks for, compiled: beside everything else, or by having others give way.

`insertion.py` does the first for the search, from the candidates that a problem has. Here a request may ask for something else
than the problem says (`sifting.asks_of` of a changed one), every person is looked at, and a team is found where there is one.
"""

from typing import Any, Final

import numpy as np

from services.scheduling.optimizer.nearby import FIT_AS_MIN
from services.scheduling.optimizer.problem import DAY_MIN, Mode
from services.scheduling.optimizer.sifting import (
    AT_PLACE,
    DATED,
    MINUTES,
    MODE,
    NEEDED,
    PROFICIENCY,
    TOPIC,
    VALUE,
    Tables,
    may_come,
    periods,
)
from services.scheduling.optimizer.state import (
    CAP_AT,
    CLOSED,
    DAYS,
    FOR_SEAT,
    HOME,
    LOGGED,
    NAMED,
    NO,
    PREFER_NAMED,
    REQUEST,
    ROUND_LEFT,
    SEAT_AT,
    SERIES_AT,
    WEIGHT,
    Given,
    State,
    compiled,
    compiled_with_arrays,
    goes_with,
    has_room,
    hold_open,
    in_budget,
    in_quota,
    opens,
    placed,
    remove,
    seat_anybody,
    take_back,
)

NOT_HERE: Final = -1
"""In `NEEDED`: the seat is somebody else's business and stays empty."""
# Columns of a member of a team
WHO, FAR, AWAY = range(3)
# of somebody who could take a seat
_WHO, _FAR, _AWAY, _WORTH = range(4)
_ON_SITE, _REMOTE, _EITHER = int(Mode.ON_SITE), int(Mode.REMOTE), int(Mode.EITHER)
NOBODY: Final = -1
HEAVY: Final = 2**60


@compiled_with_arrays
def try_starts(
    given: Given,
    state: State,
    known: Tables,
    request: int,
    ask: Any,
    seats: Any,
    starts: Any,
    first: bool,
    fits: Any,
    team: Any,
) -> int:
    """The place in `starts` of the start with the best team beside everything in the draft, or with `first` of the first one
    with any; -1 where there is provably none. `team` (`seats × 3`) says who takes which seat, whether from home, and
    the nights that takes (as `placed` has them). `fits`: `(fit_proficiency, fit_on_site)` of the policy.

    The seat with the fewest people first, the best person first, going back where that leads nowhere; seats that are not
    `NEEDED` last. Nothing is changed.
    """
    people = len(given.people)
    able = np.empty((len(seats), people), dtype=np.int32)
    days = np.empty((len(seats), people, 2), dtype=np.int64)
    ables = np.zeros(len(seats), dtype=np.int64)
    for k in range(len(seats)):
        if seats[k, NEEDED] != NOT_HERE:
            ables[k] = _line_up(
                given, state, known, request, ask, seats[k], k == 0, able[k], days[k]
            )
            if seats[k, NEEDED] == 1 and ables[k] == 0:
                return -1
    found = np.empty((len(seats), 2 * people, 4), dtype=np.int64)
    count = np.zeros(len(seats), dtype=np.int64)
    order = np.empty(len(seats), dtype=np.int64)
    chosen = np.empty(len(seats), dtype=np.int64)
    members = np.empty(len(seats), dtype=np.int64)
    best, best_worth = -1, -HEAVY
    for i in range(len(starts)):
        start = np.int64(starts[i])
        if not opens(given, state, request, start // DAY_MIN):
            continue
        size, possible = 0, True
        for k in range(len(seats)):
            count[k] = 0
            if seats[k, NEEDED] != 1:
                continue
            count[k] = _who_can(
                given, state, known, request, ask, seats[k], k == 0, start, able[k], days[k], ables[k], fits,
                found[k],
            )  # fmt: skip
            if count[k] == 0:
                possible = False
                break
            at = size
            while at > 0 and count[order[at - 1]] > count[k]:
                order[at] = order[at - 1]
                at -= 1
            order[at] = k
            size += 1
        if not possible or not _complete(
            given, state, request, found, count, order, size, chosen, members
        ):
            continue
        worth: Any = np.int64(0)
        for place in range(size):
            worth += found[order[place], chosen[place], _WORTH]
        for k in range(len(seats)):
            if seats[k, NEEDED] == 0 and ables[k] > 0:
                count[k] = _who_can(
                    given, state, known, request, ask, seats[k], k == 0, start, able[k], days[k], ables[k],
                    fits, found[k],
                )  # fmt: skip
                for n in range(count[k]):
                    if _joins(given, state, request, members, size, found[k, n, _WHO]):
                        members[size], order[size], chosen[size] = found[k, n, _WHO], k, n
                        worth += found[k, n, _WORTH]
                        size += 1
                        break
        if worth > best_worth:
            best, best_worth = i, worth
            team[:, WHO] = NOBODY
            for place in range(size):
                for column in range(3):
                    team[order[place], column] = found[order[place], chosen[place], column]
            if first:
                break
    return best


@compiled
def seat_team(given: Given, state: State, request: int, start: int, team: Any) -> None:
    """Put a team that was found into the draft, which must have no candidates: nobody's fit is counted. The team may be empty:
    of somebody who is not there yet.
    """
    hold_open(given, state, request, start)
    for k in range(len(team)):
        if team[k, WHO] != NOBODY:
            seat = given.asks[request, SEAT_AT] + k
            seat_anybody(
                given, state, seat, team[k, WHO], start, team[k, FAR], 0, team[k, AWAY]
            )  # fmt: skip


@compiled_with_arrays
def force(
    given: Given,
    state: State,
    known: Tables,
    request: int,
    ask: Any,
    seats: Any,
    start: int,
    spared: Any,
    fits: Any,
) -> bool:
    """Serve the request at `start`, seat by seat where the least weight has to go; False, and to be taken back, where only
    `spared` requests are in the way. What gave way is not mended; seats that are not needed stay empty.
    """
    day = start // DAY_MIN
    while not opens(given, state, request, day):
        least = _closed_by(given, state, request, day, spared)
        if least < 0:
            return False
        remove(given, state, least)
    people = len(given.people)
    able = np.empty((len(seats), people), dtype=np.int32)
    days = np.empty((len(seats), people, 2), dtype=np.int64)
    ables = np.zeros(len(seats), dtype=np.int64)
    order = np.empty(len(seats), dtype=np.int64)
    members = np.empty(len(seats), dtype=np.int64)
    stopped = np.zeros(16, dtype=np.int64)
    size = 0
    for k in range(len(seats)):
        if seats[k, NEEDED] != 1:
            continue
        many = may_come(known, request, ask, seats[k], k == 0, stopped, able[k])
        periods(given, known, ask, seats[k], able[k], many, DATED, days[k])
        for m in range(many):
            if days[k, m, 0] <= day < days[k, m, 1]:
                able[k, ables[k]] = able[k, m]
                ables[k] += 1
        at = size
        while at > 0 and ables[order[at - 1]] > ables[k]:
            order[at] = order[at - 1]
            at -= 1
        order[at] = k
        size += 1
    for place in range(size):
        k = order[place]
        if not _force_seat(
            given, state, known, request, ask, seats, k, start, able[k], ables[k], members, place, spared, fits
        ):  # fmt: skip
            return False
    first = given.asks[request, SEAT_AT]
    for place in range(size):
        if state.who[first + order[place]] < 0:
            return False  # it hung on a night away with what went for a later seat
    hold_open(given, state, request, start)
    return not _spared_went(state, spared, 0)


@compiled_with_arrays
def _force_seat(
    given: Given,
    state: State,
    known: Tables,
    request: int,
    ask: Any,
    seats: Any,
    k: int,
    start: int,
    able: Any,
    ables: int,
    members: Any,
    size: int,
    spared: Any,
    fits: Any,
) -> bool:
    """Give seat `k` to the person for whom the least weight goes: nothing, one request, or two of that day or its neighbours."""
    best_weight: Any = np.int64(HEAVY)
    best_worth: Any = np.int64(0)
    best = np.full(4, -1, dtype=np.int64)
    minutes = ask[MINUTES]
    day, days = start // DAY_MIN, given.policy[DAYS]
    for m in range(ables):
        e = np.int64(able[m])
        # the draft has the team so far, and counts it
        paid = in_quota(given, state, request, members, 0, e) and in_budget(
            given, state, request, members, 0, e
        )
        if not paid or not goes_with(given, request, members, size, e):
            continue
        if not _in_window(given, e, start, minutes):
            continue
        for far in range(2):
            if seats[k, MODE] == (_REMOTE if not far else _ON_SITE):
                continue
            where = given.people[e, HOME] if far else ask[AT_PLACE]
            worth = _worth(given, known, request, ask, seats[k], k == 0, e, far, fits)
            cost, _ = _room(given, state, e, start, minutes, where)
            if cost != NO:
                if best_weight > 0 or worth > best_worth:
                    best_weight, best_worth = np.int64(0), worth
                    best[0], best[1], best[2], best[3] = e, far, -1, -1
                continue
            if best_weight == 0:
                continue
            freed = False
            for row in range(e * days, (e + 1) * days):
                for n in range(state.count[row]):
                    one = given.seats[state.stops[row, n, FOR_SEAT], REQUEST]
                    if spared[one] or one == request or given.asks[one, WEIGHT] > best_weight:
                        continue
                    weight = _weight_without(
                        given, state, e, start, minutes, where, one, -1, spared
                    )
                    freed = freed or weight < HEAVY
                    if weight < best_weight or (weight == best_weight and worth > best_worth):
                        best_weight, best_worth = weight, worth
                        best[0], best[1], best[2], best[3] = e, far, one, -1
            if freed:
                continue
            low, high = e * days + max(day - 1, 0), e * days + min(day + 1, days - 1)
            for row in range(low, high + 1):
                for n in range(state.count[row]):
                    one = given.seats[state.stops[row, n, FOR_SEAT], REQUEST]
                    for other_row in range(row, high + 1):
                        for o in range(n + 1 if other_row == row else 0, state.count[other_row]):
                            other = given.seats[state.stops[other_row, o, FOR_SEAT], REQUEST]
                            both = given.asks[one, WEIGHT] + given.asks[other, WEIGHT]
                            if (
                                spared[one]
                                or spared[other]
                                or request in (one, other)
                                or both >= best_weight
                            ):
                                continue
                            weight = _weight_without(
                                given, state, e, start, minutes, where, one, other, spared
                            )
                            if weight < best_weight:
                                best_weight, best_worth = weight, worth
                                best[0], best[1], best[2], best[3] = e, far, one, other
    if best_weight == HEAVY:
        return False
    for n in range(2, 4):
        if best[n] >= 0:
            remove(given, state, best[n])
    where = given.people[best[0], HOME] if best[1] else ask[AT_PLACE]
    cost, nights = _room(given, state, best[0], start, minutes, where)
    if cost == NO:
        return False
    seat = given.asks[request, SEAT_AT] + k
    seat_anybody(given, state, seat, best[0], start, best[1], 0, nights)
    members[size] = best[0]
    return True


@compiled
def _weight_without(
    given: Given,
    state: State,
    expert: int,
    start: int,
    minutes: int,
    where: int,
    one: int,
    other: int,
    spared: Any,
) -> Any:
    """The weight that goes with `one` and, where not negative, `other`, when that lets the person come; else `HEAVY`."""
    mark = state.own[LOGGED]
    remove(given, state, one)
    if other >= 0:
        remove(given, state, other)
    cost, _ = _room(given, state, expert, start, minutes, where)
    weight: Any = np.int64(HEAVY)
    if cost != NO and not _spared_went(state, spared, mark):
        weight = np.int64(0)
        for n in range(mark, state.own[LOGGED]):
            if state.log[n, 0] == CLOSED:
                weight += given.asks[state.log[n, 1], WEIGHT]
    take_back(given, state, mark)
    return weight


@compiled
def _spared_went(state: State, spared: Any, mark: int) -> bool:
    """Whether what was noted since has closed a request that must stay."""
    for n in range(mark, state.own[LOGGED]):
        if state.log[n, 0] == CLOSED and spared[state.log[n, 1]]:
            return True
    return False


@compiled
def _closed_by(given: Given, state: State, request: int, day: int, spared: Any) -> Any:
    """The least needed request that fills up a cap of this one, or is too near in its series; -1 where all are spared."""
    least: Any = np.int64(-1)
    weight: Any = np.int64(HEAVY)
    for i in range(given.asks[request, CAP_AT], given.asks[request + 1, CAP_AT]):
        cap = given.cap[i]
        if state.cap[cap] < given.cap_max[cap]:
            continue
        for one in range(len(state.start)):
            if state.start[one] < 0 or spared[one] or given.asks[one, WEIGHT] >= weight:
                continue
            for j in range(given.asks[one, CAP_AT], given.asks[one + 1, CAP_AT]):
                if given.cap[j] == cap:
                    least, weight = one, given.asks[one, WEIGHT]
    for i in range(given.asks[request, SERIES_AT], given.asks[request + 1, SERIES_AT]):
        series = given.series[i]
        for j in range(given.member_at[series], given.member_at[series + 1]):
            other = np.int64(given.member[j])
            if other != request and state.start[other] >= 0 and not spared[other]:
                apart = abs(state.start[other] // DAY_MIN - day)
                if apart < given.rules[series, 0] and given.asks[other, WEIGHT] < weight:
                    least, weight = other, given.asks[other, WEIGHT]
    return least


@compiled_with_arrays
def _line_up(
    given: Given,
    state: State,
    known: Tables,
    request: int,
    ask: Any,
    seat: Any,
    leads: bool,
    able: Any,
    days: Any,
) -> int:
    """Who may come on which days, and is paid for alone, with something of the round left to them; how many."""
    stopped = np.zeros(16, dtype=np.int64)
    alone = np.empty(0, dtype=np.int64)
    many = may_come(known, request, ask, seat, leads, stopped, able)
    periods(given, known, ask, seat, able, many, DATED, days)
    left = 0
    for m in range(many):
        e = np.int64(able[m])
        if (
            days[m, 0] < days[m, 1]
            and state.in_round[e] < given.people[e, ROUND_LEFT]
            and in_quota(given, state, request, alone, 0, e)
            and in_budget(given, state, request, alone, 0, e)
        ):
            able[left], days[left] = e, days[m]
            left += 1
    return left


@compiled_with_arrays
def _who_can(
    given: Given,
    state: State,
    known: Tables,
    request: int,
    ask: Any,
    seat: Any,
    leads: bool,
    start: int,
    able: Any,
    days: Any,
    ables: int,
    fits: Any,
    found: Any,
) -> int:
    """Who of `able` could take the seat at `start`, the best first, then by expert, on site first; how many."""
    count, minutes, day = 0, ask[MINUTES], start // DAY_MIN
    for m in range(ables):
        if not days[m, 0] <= day < days[m, 1]:
            continue
        e = np.int64(able[m])
        if not _in_window(given, e, start, minutes):
            continue
        for far in range(2):
            if seat[MODE] == (_REMOTE if not far else _ON_SITE):
                continue
            where = given.people[e, HOME] if far else ask[AT_PLACE]
            cost, nights = _room(given, state, e, start, minutes, where)
            if cost == NO:
                continue
            worth = _worth(given, known, request, ask, seat, leads, e, far, fits) - cost
            at = count
            while at > 0 and found[at - 1, _WORTH] < worth:
                found[at] = found[at - 1]
                at -= 1
            found[at, _WHO], found[at, _FAR] = e, far
            found[at, _AWAY], found[at, _WORTH] = nights, worth
            count += 1
    return count


@compiled
def _in_window(given: Given, expert: int, start: int, minutes: int) -> bool:
    row = expert * given.policy[DAYS] + start // DAY_MIN
    for window in range(given.window_at[row], given.window_at[row + 1]):
        if given.windows[window, 0] <= start and start + minutes <= given.windows[window, 1]:
            return True
    return False


@compiled
def _room(given: Given, state: State, expert: int, start: int, minutes: int, where: int) -> Any:
    """`placed`, and `NO` as well where a limit of the person leaves no room."""
    day = start // DAY_MIN
    if state.in_round[expert] >= given.people[expert, ROUND_LEFT] or not has_room(
        given, state, expert, day
    ):
        return NO, 0
    return placed(given, state, expert, day, start, start + minutes, where)


@compiled
def _worth(
    given: Given,
    known: Tables,
    request: int,
    ask: Any,
    seat: Any,
    leads: bool,
    expert: int,
    far: int,
    fits: Any,
) -> Any:
    """What somebody is worth before travel, in minutes."""
    fit = seat[VALUE] + fits[0] * (known.skills[expert, ask[TOPIC]] - seat[PROFICIENCY])
    if seat[MODE] == _EITHER and not far:
        fit += fits[1]
    if leads and given.asks[request, NAMED] == expert:
        fit += given.policy[PREFER_NAMED]
    return np.int64(FIT_AS_MIN * fit)


@compiled
def _joins(given: Given, state: State, request: int, team: Any, size: int, expert: int) -> bool:
    return bool(
        goes_with(given, request, team, size, expert)
        and in_quota(given, state, request, team, size, expert)
        and in_budget(given, state, request, team, size, expert)
    )


@compiled
def _complete(
    given: Given,
    state: State,
    request: int,
    found: Any,
    count: Any,
    order: Any,
    size: int,
    chosen: Any,
    members: Any,
) -> bool:
    """The first team of people who go together, in the order of the seats in `order`; False where there is none."""
    place = 0
    if size > 0:
        chosen[0] = -1
    while 0 <= place < size:
        k = order[place]
        chosen[place] += 1
        if chosen[place] >= count[k]:
            place -= 1
            continue
        person = found[k, chosen[place], _WHO]
        if _joins(given, state, request, members, place, person):
            members[place] = person
            place += 1
            if place < size:
                chosen[place] = -1
    return place == size
