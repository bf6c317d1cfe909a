"""One request into a draft: the best team at the best start beside everything else, or none.

Whole teams only: every required seat has somebody at one start, or nothing is changed.
"""

from typing import Any, Final, NamedTuple

import numpy as np

from services.scheduling.optimizer.packed import Packed
from services.scheduling.optimizer.problem import DAY_MIN
from services.scheduling.optimizer.state import (
    CANDIDATE_AT,
    DURATION,
    EXPERT,
    FIT,
    HOME,
    MASK_AT,
    NO,
    PIN,
    PIN_START,
    PLACE,
    REMOTE,
    REQUIRED,
    ROUND_LEFT,
    SEAT_AT,
    START_AT,
    Given,
    State,
    compiled,
    has_room,
    may_join,
    opens,
    placed,
    preference_of,
    promise_of,
    seat_person,
)

TOP: Final = 6
"""So many people are kept for each seat at each start; a team is made of these."""
# Columns of a taste: what a point of fit, of promises, of preference and of load is worth in minutes of travel; how often a
# person, a start, a nice-to-have seat is passed over (after Christiaens & Vanden Berghe 2020, doi 10.1287/trsc.2019.0914)
FIT_MIN, PROMISE_MIN, PREFERENCE_MIN, LOAD_MIN, BLINK, START_BLINK, OPTIONAL_BLINK = range(7)


class Scratch(NamedTuple):
    """Room to work in. `score`, `candidate` and `nights` are `seats × starts × TOP`, best first, `found` of each; `tasted` is
    the taste in force; `touched[e]` is the tick at which the person's days last changed, `marked[r]` the tick at which the
    request was last listed in `todo`.
    """

    score: Any
    candidate: Any
    nights: Any
    found: Any
    alive: Any
    line: Any
    chosen: Any
    team: Any
    best: Any
    tasted: Any
    touched: Any
    marked: Any
    todo: Any
    key: Any
    before: Any


def scratch(packed: Packed) -> Scratch:
    """Room for a problem of that size."""
    seats = max(1, int(np.diff(packed.seat_at).max(initial=1)))
    starts = max(1, int(np.diff(packed.start_at).max(initial=1)))
    return Scratch(
        score=np.zeros((seats, starts, TOP)),
        candidate=np.zeros((seats, starts, TOP), dtype=np.int64),
        nights=np.zeros((seats, starts, TOP), dtype=np.int64),
        found=np.zeros((seats, starts), dtype=np.int64),
        alive=np.zeros(starts, dtype=np.int64),
        line=np.zeros(seats, dtype=np.int64),
        chosen=np.zeros(seats, dtype=np.int64),
        team=np.zeros(seats, dtype=np.int64),
        best=np.zeros((seats, 2), dtype=np.int64),
        tasted=np.zeros(7),
        touched=np.zeros(packed.experts, dtype=np.int64),
        marked=np.zeros(packed.requests, dtype=np.int64),
        todo=np.zeros(packed.requests + 1, dtype=np.int64),
        key=np.zeros(packed.requests + 1),
        before=np.zeros(8, dtype=np.int64),
    )


@compiled
def roll(dice: Any) -> float:
    """The next number in [0, 1): xorshift64* (Vigna 2016, doi 10.1145/2845077)."""
    x = dice[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    dice[0] = x
    mixed = x * np.uint64(0x2545F4914F6CDD1D)
    return np.float64(mixed >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@compiled
def pick(dice: Any, count: int) -> int:
    """One of `0 … count - 1`."""
    return min(np.int64(roll(dice) * count), count - 1)


@compiled
def insert(given: Given, state: State, room: Scratch, request: int, tick: int) -> bool:
    """Serve the request, if anybody can; with `tick`, one seat is only looked at for people touched at that tick."""
    asks = given.asks
    first, starts = asks[request, START_AT], asks[request + 1, START_AT] - asks[request, START_AT]
    seat_at, seats = asks[request, SEAT_AT], asks[request + 1, SEAT_AT] - asks[request, SEAT_AT]
    fixed, blink = asks[request, PIN_START], room.tasted[START_BLINK]
    any_start = False
    last_day, last_opens = -1, False
    for i in range(starts):
        start = np.int64(given.starts[first + i])
        day = start // DAY_MIN
        if day != last_day:
            last_day, last_opens = day, opens(given, state, request, day)
        room.alive[i] = (
            last_opens
            and fixed in (-1, start)
            and not (blink > 0 and starts > 1 and roll(state.dice) < blink)
        )
        any_start = any_start or room.alive[i] != 0
    if not any_start:
        return False
    required = _line_up(given, room, seat_at, seats)
    for place in range(seats):
        seat = room.line[place]
        if place >= required and given.seats[seat, PIN] < 0:
            optional = room.tasted[OPTIONAL_BLINK]
            if optional > 0 and roll(state.dice) < optional:
                for i in range(starts):
                    room.found[place, i] = 0
                continue
        if not _scan(given, state, room, request, seat, place, starts, tick if seats == 1 else 0):
            if place < required:
                return False
            continue
        if place < required:
            for i in range(starts):
                if room.found[place, i] == 0:
                    room.alive[i] = 0
    best, best_start = -1e300, -1
    for i in range(starts):
        if room.alive[i]:
            bound = 0.0
            for place in range(seats):
                if room.found[place, i] > 0:
                    bound += (
                        max(0.0, room.score[place, i, 0])
                        if place >= required
                        else room.score[place, i, 0]
                    )
            if bound > best:
                value = _complete(given, state, room, request, i, required, seats)
                if value > best:
                    best, best_start = value, i
                    for place in range(seats):
                        chosen = room.chosen[place]
                        room.best[place, 0] = -1
                        if chosen >= 0:
                            room.best[place, 0] = room.candidate[place, i, chosen]
                            room.best[place, 1] = room.nights[place, i, chosen]
    if best_start < 0:
        return False
    start = np.int64(given.starts[first + best_start])
    for place in range(seats):
        if room.best[place, 0] >= 0:
            seat_person(given, state, room.best[place, 0], start, room.best[place, 1])
    return True


@compiled
def _line_up(given: Given, room: Scratch, seat_at: int, seats: int) -> int:
    """Put the seats in line, required ones first, and the one with the fewest candidates before others; how many are required."""
    required = 0
    for k in range(seats):
        seat = seat_at + k
        needed = given.seats[seat, REQUIRED]
        required += needed
        count = given.seats[seat + 1, CANDIDATE_AT] - given.seats[seat, CANDIDATE_AT]
        at = k
        while at > 0:
            other = room.line[at - 1]
            others = given.seats[other + 1, CANDIDATE_AT] - given.seats[other, CANDIDATE_AT]
            before = given.seats[other, REQUIRED]
            if before > needed or (before == needed and others <= count):
                break
            room.line[at] = other
            at -= 1
        room.line[at] = seat
    return required


@compiled
def _scan(
    given: Given,
    state: State,
    room: Scratch,
    request: int,
    seat: int,
    place: int,
    starts: int,
    tick: int,
) -> bool:
    """The best people for the seat at each start that is alive; False when there is nobody."""
    asks, tasted = given.asks, room.tasted
    first, duration = asks[request, START_AT], asks[request, DURATION]
    pin, blink = given.seats[seat, PIN], tasted[BLINK]
    leads = seat == asks[request, SEAT_AT]
    anybody = False
    for i in range(starts):
        room.found[place, i] = 0
    for c in range(given.seats[seat, CANDIDATE_AT], given.seats[seat + 1, CANDIDATE_AT]):
        expert = np.int64(given.candidates[c, EXPERT])
        if (
            (tick > 0 and room.touched[expert] != tick)
            or state.in_round[expert] >= given.people[expert, ROUND_LEFT]
            or (pin not in (-1, expert))
            or (blink > 0 and pin == -1 and roll(state.dice) < blink)
            or not may_join(given, state, request, room.team, 0, expert, False)
        ):
            continue
        where = given.people[expert, HOME] if given.candidates[c, REMOTE] else asks[request, PLACE]
        base = tasted[FIT_MIN] * given.candidates[c, FIT]
        base -= tasted[LOAD_MIN] * (2 * state.in_round[expert] + 1)
        if leads:
            base += tasted[PREFERENCE_MIN] * preference_of(given, state, seat, expert)
        mask_at = np.int64(given.candidates[c, MASK_AT])
        last_day, can = -1, False
        for i in range(starts):
            if not room.alive[i]:
                continue
            word = given.masks[mask_at + i // 64]
            if not (word >> np.uint64(i % 64)) & np.uint64(1):
                continue
            start = np.int64(given.starts[first + i])
            day = start // DAY_MIN
            if day != last_day:
                last_day, can = day, has_room(given, state, expert, day)
            if not can:
                continue
            cost, nights = placed(given, state, expert, day, start, start + duration, where)
            if cost == NO:
                continue
            score = base - cost + tasted[PROMISE_MIN] * promise_of(given, seat, expert, start)
            anybody = True
            count = room.found[place, i]
            at = min(count, TOP - 1)
            if count == TOP and room.score[place, i, at] >= score:
                continue
            while at > 0 and room.score[place, i, at - 1] < score:
                room.score[place, i, at] = room.score[place, i, at - 1]
                room.candidate[place, i, at] = room.candidate[place, i, at - 1]
                room.nights[place, i, at] = room.nights[place, i, at - 1]
                at -= 1
            room.score[place, i, at] = score
            room.candidate[place, i, at] = c
            room.nights[place, i, at] = nights
            room.found[place, i] = min(count + 1, TOP)
    return anybody


@compiled
def _complete(
    given: Given, state: State, room: Scratch, request: int, i: int, required: int, seats: int
) -> float:
    """The worth of a team at start `i`, the best first and going back where that leads nowhere; `room.chosen` says who."""
    chosen, team = room.chosen, room.team
    place, size = 0, 0
    chosen[0] = -1
    while place < required:
        chosen[place] += 1
        if chosen[place] >= room.found[place, i]:
            if place == 0:
                return -1e300
            place -= 1
            size -= 1
            continue
        expert = np.int64(given.candidates[room.candidate[place, i, chosen[place]], EXPERT])
        if may_join(given, state, request, team, size, expert, False):
            team[size] = expert
            size += 1
            place += 1
            if place < required:
                chosen[place] = -1
    worth = 0.0
    for place in range(required):
        worth += room.score[place, i, chosen[place]]
    for place in range(required, seats):
        chosen[place] = -1
        for n in range(room.found[place, i]):
            expert = np.int64(given.candidates[room.candidate[place, i, n], EXPERT])
            if may_join(given, state, request, team, size, expert, False):
                team[size] = expert
                size += 1
                chosen[place] = n
                worth += room.score[place, i, n]
                break
    return worth
