"""A problem as contiguous integer arrays: what the compiled loops of search and bound read, made once per solve.

Ragged lists are two arrays: `x_at` with one more entry than there are owners, and `x`; owner `i` has
`x[x_at[i]:x_at[i + 1]]`. Seats are numbered through all requests: seat `k` of request `r` is `seat_at[r] + k`.
Minutes, days and indices are those of `problem.py`. Numbers no plan could use up are clipped to `PLENTY`, travel to
`FAR_MIN`: nobody travels for longer than a day.
"""

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.scheduling.optimizer.compiling import njit
from services.scheduling.optimizer.problem import DAY_MIN, Mode, Naming, Problem

PLENTY = 2**30
FAR_MIN = 30_000
NO_QUOTA = PLENTY
"""`quota[pool, node]` of a node at home in the pool: no limit."""

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Shorts = NDArray[np.int16]
Bytes = NDArray[np.int8]
Masks = NDArray[np.uint64]


@dataclasses.dataclass(frozen=True, slots=True)
class Packed:
    """The arrays of one problem with `E` experts, `D` days, `W` weeks, `R` requests, `S` seats, `P` places.

    A candidate `c` of seat `s` (`candidate_at`, `S + 1`) is one way in which somebody could fill it, nothing else planned:
    `candidate_expert`, `candidate_remote` (0 or 1), `candidate_fit` in the unit of need (seat value included), and a bit
    mask over the request's starts, bit `i % 64` of word `candidate_mask[candidate_mask_at[c] + i // 64]` for the start
    `starts[start_at[r] + i]`. Every pass of a plan over the seat is among them: pins are not looked at, forbids of one
    person are; whoever may spend nights away needs no way home. Candidates of a seat are by expert, on site first.
    `of_expert_at` (`E + 1`) and `of_expert` list each person's candidates, ascending; `candidate_seat` leads back.

    `starts` are all starts of the grid that keep windows, lead time and horizon, ascending. `pin_expert` (`S`) and
    `pin_start` (`R`) are -1 where nothing is pinned; -2 is a contradiction. `window_at` (`E * D + 1`) has the free windows
    `[window_from, window_to)` of person-day `e * D + d`, cut by the person's hours, ascending.
    `week_left` (`E × W`) and `round_left` (`E`) are engagements that limits still allow. `quota` (pools × nodes): how many
    assignments; 0 without an agreement, `NO_QUOTA` at home.
    """

    days: int
    weeks: int
    step_min: int
    travel: Shorts
    """`P × P`, minutes from row to column."""
    week_of_day: Ints

    home: Ints
    pool: Ints
    cost: Longs
    per_day_max: Ints
    round_left: Ints
    week_left: Ints
    travel_max: Ints
    nights_max: Ints
    work_days_max: Ints
    """Days of a week with a visit, at most."""
    standby_max: Ints
    window_at: Ints
    window_from: Ints
    window_to: Ints

    place: Ints
    node: Ints
    weight: Longs
    emergency: Bytes
    duration: Ints
    named: Ints
    """The preferred expert (`Naming.PREFERRED`), else -1."""
    seat_at: Ints
    start_at: Longs
    starts: Ints
    pin_start: Ints

    seat_request: Ints
    seat_required: Bytes
    """1 where the seat is required or pinned: without it the request is not served."""
    pin_expert: Ints

    candidate_at: Longs
    candidate_seat: Ints
    candidate_expert: Ints
    candidate_remote: Bytes
    candidate_fit: Ints
    candidate_mask_at: Longs
    candidate_mask: Masks
    of_expert_at: Longs
    of_expert: Ints

    quota: Ints
    pair: Ints
    """`F × 3`: `(a, b, request or -1)`, not both in one team."""
    cap_at: Ints
    """By request: the caps it counts under."""
    cap: Ints
    cap_max: Ints
    budget_at: Ints
    budget: Ints
    budget_max: Longs
    series_at: Ints
    """By request: the series it is in."""
    series: Ints
    member_at: Ints
    """By series: its requests, in order."""
    member: Ints
    spacing: Ints
    continuity: Longs
    share_at: Ints
    """By request: the shares it counts for."""
    share: Ints
    share_target: Longs
    share_carried: Longs
    promise: Longs
    """By promise: `(seat, expert, start, cost_change, cost_drop)`."""
    promise_at: Ints
    """By seat: its promises, rows of `promise`, which are in that order."""

    prefer_named: int
    night_as_travel_min: int

    @property
    def experts(self) -> int:
        """`E`."""
        return len(self.home)

    @property
    def requests(self) -> int:
        """`R`."""
        return len(self.place)

    @property
    def seats(self) -> int:
        """`S`."""
        return len(self.seat_request)


def pack(problem: Problem, *, candidates: bool = True) -> Packed:
    """The arrays of `problem`, which `formats.py` would accept. 3,000 requests with 1,000 experts take about 2 s and 100 MB.

    Without `candidates` nobody could fill any seat: enough for a draft that is only looked at, in a quarter of the time.
    """
    experts, requests = problem.experts, problem.requests
    seats = [(r, k, seat) for r, one in enumerate(requests) for k, seat in enumerate(one.seats)]
    weeks = max(1, (problem.days - 1 + problem.first_weekday) // 7 + 1)
    travel = np.minimum(np.asarray(problem.travel_min, dtype=np.int64), FAR_MIN).astype(np.int16)
    travel = np.ascontiguousarray(travel.reshape(len(problem.travel_min), -1))
    seat_at = _offsets([len(one.seats) for one in requests])
    windows = _windows(problem)
    starts_at, starts = _starts(problem)
    pins = _pins(problem, seat_at, len(seats))
    home, place = _ints(one.home for one in experts), _ints(one.place for one in requests)
    required = np.array([seat.required for _, _, seat in seats], dtype=np.int8)
    required[pins[0] >= 0] = 1
    nights_max = _ints(one.limits.nights_max for one in experts)
    travel_max = _ints(one.limits.travel_min_per_day_max for one in experts)
    able = _candidates(
        _who_may(problem),
        _request_table(problem),
        _seat_table(problem)[: None if candidates else 0],
        _approvals(problem),
        _shared_until(problem),
        starts_at,
        starts,
        *windows,
        _shortest(travel if candidates else travel[:0, :0]),
        home,
        nights_max,
        travel_max,
        _barred(problem),
        problem.days,
    )
    candidate_at, candidate_seat, candidate_expert = able[:3]
    if not candidates:
        candidate_at = np.zeros(len(seats) + 1, dtype=np.int64)
    order = np.argsort(candidate_expert, kind="stable").astype(np.int32)
    counts = np.bincount(candidate_expert, minlength=len(experts))
    member_at, member = _ragged([one.requests for one in problem.series])
    promises = sorted(
        (seat_at[one.request] + one.seat, i) for i, one in enumerate(problem.promises)
    )
    rows = [
        (
            seat,
            problem.promises[i].expert,
            problem.promises[i].start,
            problem.promises[i].cost_change,
            problem.promises[i].cost_drop,
        )
        for seat, i in promises
        if problem.promises[i].seat < len(requests[problem.promises[i].request].seats)
    ]
    cap_at, cap = _by_request([one.requests for one in problem.caps], len(requests))
    budget_at, budget = _by_request([one.requests for one in problem.budgets], len(requests))
    series_at, series = _by_request([one.requests for one in problem.series], len(requests))
    share_at, share = _shares(problem)
    return Packed(
        days=problem.days,
        weeks=weeks,
        step_min=problem.start_step_min,
        travel=travel,
        week_of_day=_ints((day + problem.first_weekday) // 7 for day in range(problem.days)),
        home=home,
        pool=_ints(one.pool for one in experts),
        cost=_longs(one.cost for one in experts),
        per_day_max=_ints(one.limits.per_day_max for one in experts),
        round_left=_ints(one.limits.per_round_max - one.engaged_before_round for one in experts),
        week_left=_ints(
            one.limits.per_week_max
            - (one.engaged_before[week] if week < len(one.engaged_before) else 0)
            for one in experts
            for week in range(weeks)
        ).reshape(len(experts), weeks),
        travel_max=travel_max,
        nights_max=nights_max,
        work_days_max=_ints(7 - one.limits.rest_days_per_week for one in experts),
        standby_max=_ints(one.standby_max for one in experts),
        window_at=windows[0],
        window_from=windows[1],
        window_to=windows[2],
        place=place,
        node=_ints(one.node for one in requests),
        weight=_longs(one.weight for one in requests),
        emergency=np.array([one.emergency > 0 for one in requests], dtype=np.int8),
        duration=_ints(one.duration_min for one in requests),
        named=_ints(one.named if one.naming is Naming.PREFERRED else -1 for one in requests),
        seat_at=seat_at,
        start_at=starts_at,
        starts=starts,
        pin_start=pins[1],
        seat_request=_ints(r for r, _, _ in seats),
        seat_required=required,
        pin_expert=pins[0],
        candidate_at=candidate_at,
        candidate_seat=candidate_seat,
        candidate_expert=candidate_expert,
        candidate_remote=able[3],
        candidate_fit=able[4],
        candidate_mask_at=able[5],
        candidate_mask=able[6],
        of_expert_at=np.concatenate(([0], np.cumsum(counts))).astype(np.int64),
        of_expert=order,
        quota=_quotas(problem),
        pair=np.array(
            [(f.expert, f.other, f.request) for f in problem.forbids if f.other >= 0],
            dtype=np.int32,
        ).reshape(-1, 3),
        cap_at=cap_at,
        cap=cap,
        cap_max=_ints(one.served_max for one in problem.caps),
        budget_at=budget_at,
        budget=budget,
        budget_max=_longs(one.cost_max for one in problem.budgets),
        series_at=series_at,
        series=series,
        member_at=member_at,
        member=member,
        spacing=_ints(one.spacing_days for one in problem.series),
        continuity=_longs(one.continuity for one in problem.series),
        share_at=share_at,
        share=share,
        share_target=_longs(one.target for one in problem.shares),
        share_carried=_longs(one.carried for one in problem.shares),
        promise=np.array(rows, dtype=np.int64).reshape(-1, 5),
        promise_at=_offsets(
            np.bincount([row[0] for row in rows], minlength=len(seats)) if seats else []
        ),
        prefer_named=problem.policy.prefer_named,
        night_as_travel_min=problem.policy.night_as_travel_min,
    )


# Small parts ---------------------------------------------------------------------------------------------------------


def _ints(values: Any) -> Ints:
    return np.clip(np.array(list(values), dtype=np.int64), -PLENTY, PLENTY).astype(np.int32)


def _longs(values: Any) -> Longs:
    return np.array(list(values), dtype=np.int64)


def _offsets(counts: Any) -> Ints:
    return np.concatenate(([0], np.cumsum(np.asarray(counts, dtype=np.int64)))).astype(np.int32)


def _ragged(lists: Any) -> tuple[Ints, Ints]:
    lists = list(lists)
    return _offsets([len(one) for one in lists]), _ints(x for one in lists for x in one)


def _by_request(groups: Any, requests: int) -> tuple[Ints, Ints]:
    """For each request the groups that have it."""
    found: list[list[int]] = [[] for _ in range(requests)]
    for index, group in enumerate(groups):
        for request in sorted(set(group)):
            found[request].append(index)
    return _ragged(found)


def _shares(problem: Problem) -> tuple[Ints, Ints]:
    found: dict[tuple[int, int], list[int]] = {}
    for index, share in enumerate(problem.shares):
        found.setdefault((share.district, share.audience), []).append(index)
    return _ragged(
        [
            found.get((one.district, one.audience), []) + found.get((one.district, -1), [])
            for one in problem.requests
        ]
    )


def _windows(problem: Problem) -> tuple[Ints, Ints, Ints]:
    """Free windows by person-day, cut by the person's hours; what is cut to nothing does not count."""
    days = problem.days
    counts = np.zeros(len(problem.experts) * days, dtype=np.int64)
    opens, closes = [], []
    for index, expert in enumerate(problem.experts):
        earliest, latest = expert.limits.earliest, expert.limits.latest
        for window in expert.windows:
            day = window.start // DAY_MIN
            low, high = (
                max(window.start, day * DAY_MIN + earliest),
                min(window.end, day * DAY_MIN + latest),
            )
            if 0 <= day < days and low < high:
                counts[index * days + day] += 1
                opens.append(low)
                closes.append(high)
    return _offsets(counts), _ints(opens), _ints(closes)


def _starts(problem: Problem) -> tuple[Longs, Ints]:
    """All starts of the grid by request, ascending, each once."""
    step, horizon = problem.start_step_min, problem.days * DAY_MIN
    at, found = [0], []
    for request in problem.requests:
        parts = []
        for window in request.windows:
            first = -(-max(window.start, request.ready_at, 0) // step) * step
            last = min(window.end - request.duration_min, horizon - 1)
            if first <= last:
                parts.append(np.arange(first, last + 1, step, dtype=np.int32))
        own = np.unique(np.concatenate(parts)) if parts else np.zeros(0, dtype=np.int32)
        found.append(own)
        at.append(at[-1] + len(own))
    starts = np.concatenate(found) if found else np.zeros(0, dtype=np.int32)
    return np.array(at, dtype=np.int64), starts.astype(np.int32)


def _pins(problem: Problem, seat_at: Ints, seats: int) -> tuple[Ints, Ints]:
    experts = np.full(seats, -1, dtype=np.int32)
    starts = np.full(len(problem.requests), -1, dtype=np.int32)
    for pin in problem.pins:
        seat = seat_at[pin.request] + pin.seat
        experts[seat] = pin.expert if experts[seat] in (-1, pin.expert) else -2
        if pin.start >= 0:
            known = starts[pin.request]
            starts[pin.request] = pin.start if known in (-1, pin.start) else -2
    return experts, starts


def _barred(problem: Problem) -> NDArray[np.bool_]:
    """`R × E`: who must not serve what, whoever else does."""
    barred = np.zeros((len(problem.requests), len(problem.experts)), dtype=np.bool_)
    for forbid in problem.forbids:
        if forbid.other in (-1, forbid.expert):
            if forbid.request < 0:
                barred[:, forbid.expert] = True
            else:
                barred[forbid.request, forbid.expert] = True
    return barred


def _quotas(problem: Problem) -> Ints:
    quota = np.zeros((len(problem.pools), problem.nodes), dtype=np.int32)
    for index, pool in enumerate(problem.pools):
        for node in range(problem.nodes):
            agreed = [a.quota for a in pool.agreements if a.node == node]
            quota[index, node] = min(agreed, default=0)
        for node in pool.home_nodes:
            if node < problem.nodes:
                quota[index, node] = NO_QUOTA
    return quota


def _shared_until(problem: Problem) -> Ints:
    """`pools × nodes × 2`: the days `[from, until)` on which the node may use the pool."""
    days = np.zeros((len(problem.pools), problem.nodes, 2), dtype=np.int32)
    for index, pool in enumerate(problem.pools):
        days[index, :, 0] = max(0, pool.from_day)
        for agreement in pool.agreements:
            until = min(agreement.until_day, pool.until_day)
            known = days[index, agreement.node, 1]
            days[index, agreement.node, 1] = max(known, until)
        for node in pool.home_nodes:
            if node < problem.nodes:
                days[index, node, 1] = pool.until_day
    return days


def _approvals(problem: Problem) -> Ints:
    """`E × topics × audiences`: the day until which a talk is approved, 0 for none."""
    audiences = 1 + max((one.audience for one in problem.requests), default=0)
    until = np.zeros((len(problem.experts), problem.topics, audiences), dtype=np.int32)
    for index, expert in enumerate(problem.experts):
        for talk in expert.approvals:
            if 0 <= talk.topic < problem.topics:
                for audience in range(audiences):
                    if talk.audiences >> audience & 1:
                        known = until[index, talk.topic, audience]
                        until[index, talk.topic, audience] = max(known, talk.until_day)
    return until


def _who_may(problem: Problem) -> tuple[Ints, Ints, Ints, Ints]:
    """`E`-tables: role, pool, clearance · proficiencies by topic · flags for audience, form, level of each request kind."""
    people = _ints(
        value for one in problem.experts for value in (one.role, one.pool, one.clearance_until_day)
    ).reshape(-1, 3)
    skills = _ints(skill for one in problem.experts for skill in one.skills)
    kinds = {
        name: 1 + max((getattr(one, name) for one in problem.requests), default=0)
        for name in ("audience", "form", "level")
    }
    flags = np.array(
        [
            [
                mask >> bit & 1
                for mask, name in (
                    (one.audiences, "audience"),
                    (one.forms, "form"),
                    (one.levels, "level"),
                )
                for bit in range(kinds[name])
            ]
            for one in problem.experts
        ],
        dtype=np.int32,
    ).reshape(len(problem.experts), sum(kinds.values()))
    begins = np.array([0, kinds["audience"], kinds["audience"] + kinds["form"]], dtype=np.int32)
    return people, skills.reshape(len(problem.experts), problem.topics), flags, begins


def _request_table(problem: Problem) -> Ints:
    return _ints(
        value
        for one in problem.requests
        for value in (
            one.place,
            one.node,
            one.audience,
            one.form,
            one.level,
            one.topic,
            one.minors,
            one.duration_min,
            one.named if one.naming is Naming.ONLY else -1,
            one.naming is Naming.ONLY,
        )
    ).reshape(-1, 10)


def _seat_table(problem: Problem) -> Ints:
    policy = problem.policy
    return _ints(
        value
        for r, one in enumerate(problem.requests)
        for k, seat in enumerate(one.seats)
        for value in (
            r,
            k,
            seat.roles & 0b111,
            seat.proficiency_min,
            seat.mode,
            seat.approved_talk,
            seat.value,
            policy.fit_proficiency,
            policy.fit_on_site,
        )
    ).reshape(-1, 9)


def _shortest(travel: Shorts) -> NDArray[np.float32]:
    """Shortest ways over any places: no chain of visits gets there sooner. Exact: small whole numbers."""
    ways = np.ascontiguousarray(travel.astype(np.float32))
    _close(ways)
    return ways


@njit()
def _close(ways: NDArray[np.float32]) -> None:
    places = ways.shape[0]
    for k in range(places):
        through = ways[k].copy()
        for i in range(places):
            first = ways[i, k]
            row = ways[i]
            for j in range(places):
                way = first + through[j]
                row[j] = min(row[j], way)


_ON_SITE, _REMOTE = int(Mode.ON_SITE), int(Mode.REMOTE)


@njit()
def _candidates(
    who_may: Any,
    asks: Ints,
    seats: Ints,
    approved_until: Ints,
    shared: Ints,
    start_at: Longs,
    starts: Ints,
    window_at: Ints,
    window_from: Ints,
    window_to: Ints,
    ways: NDArray[np.float32],
    home: Ints,
    nights_max: Ints,
    travel_max: Ints,
    barred: NDArray[np.bool_],
    days: int,
) -> Any:
    """Who could fill which seat, with the starts as masks; see `Packed`."""
    people, skills, flags, begins = who_may
    experts = len(home)
    room = 1024
    count = 0
    seat_of = np.empty(room, dtype=np.int32)
    expert_of = np.empty(room, dtype=np.int32)
    remote_of = np.empty(room, dtype=np.int8)
    fit_of = np.empty(room, dtype=np.int32)
    mask_at = np.empty(room + 1, dtype=np.int64)
    mask_room, mask_count = 1024, 0
    masks = np.zeros(mask_room, dtype=np.uint64)
    mask_at[0] = 0
    at = np.zeros(len(seats) + 1, dtype=np.int64)
    for s in range(len(seats)):
        r, seat, roles = seats[s, 0], seats[s, 1], seats[s, 2]
        proficiency_min, mode, talk = seats[s, 3], seats[s, 4], seats[s, 5]
        place, node, audience, form = asks[r, 0], asks[r, 1], asks[r, 2], asks[r, 3]
        level, topic, minors = asks[r, 4], asks[r, 5], asks[r, 6]
        duration, named, only = asks[r, 7], asks[r, 8], asks[r, 9]
        first, last = start_at[r], start_at[r + 1]
        words = (last - first + 63) // 64
        for e in range(experts):
            if (
                not roles >> people[e, 0] & 1
                or skills[e, topic] < proficiency_min
                or not flags[e, begins[0] + audience]
                or not flags[e, begins[1] + form]
                or not flags[e, begins[2] + level]
                or (only and seat == 0 and e != named)
                or barred[r, e]
            ):
                continue
            pool = people[e, 1]
            from_day, until_day = shared[pool, node, 0], shared[pool, node, 1]
            if minors:
                until_day = min(until_day, people[e, 2])
            if talk:
                until_day = min(until_day, approved_until[e, topic, audience])
            if from_day >= until_day:
                continue
            for remote in range(2):
                if (remote and mode == _ON_SITE) or (not remote and mode == _REMOTE):
                    continue
                lodges = not remote and nights_max[e] > 0
                out, back = np.int64(0), np.int64(0)
                if not remote:
                    out = np.int64(ways[home[e], place])
                    back = np.int64(ways[place, home[e]])
                    least = out + back
                    if nights_max[e] > 1:
                        least = np.int64(0)
                    elif nights_max[e] == 1:
                        least = min(out, back)
                    if least > travel_max[e]:
                        continue
                if lodges:
                    out, back = np.int64(0), np.int64(0)
                if mask_count + words > mask_room:
                    mask_room = 2 * mask_room + words
                    more = np.zeros(mask_room, dtype=np.uint64)
                    more[:mask_count] = masks[:mask_count]
                    masks = more
                any_start = False
                for i in range(first, last):
                    start = starts[i]
                    day = start // DAY_MIN
                    if day < from_day or day >= until_day:
                        continue
                    for w in range(window_at[e * days + day], window_at[e * days + day + 1]):
                        if (
                            window_from[w] <= start - out
                            and start + duration + back <= window_to[w]
                        ):
                            word = mask_count + (i - first) // 64
                            masks[word] |= np.uint64(1) << np.uint64((i - first) % 64)
                            any_start = True
                            break
                if not any_start:
                    continue
                if count == room:
                    room *= 2
                    seat_of = _grown(seat_of, room)
                    expert_of = _grown(expert_of, room)
                    remote_of = _grown(remote_of, room)
                    fit_of = _grown(fit_of, room)
                    mask_at = _grown(mask_at, room + 1)
                seat_of[count] = s
                expert_of[count] = e
                remote_of[count] = remote
                fit = seats[s, 6] + seats[s, 7] * (skills[e, topic] - proficiency_min)
                if mode not in (_ON_SITE, _REMOTE) and not remote:
                    fit += seats[s, 8]
                fit_of[count] = fit
                mask_count += words
                count += 1
                mask_at[count] = mask_count
        at[s + 1] = count
    return (
        at,
        seat_of[:count].copy(),
        expert_of[:count].copy(),
        remote_of[:count].copy(),
        fit_of[:count].copy(),
        mask_at[: count + 1].copy(),
        masks[:mask_count].copy(),
    )


@njit()
def _grown(values: Any, room: int) -> Any:
    more = np.empty(room, dtype=values.dtype)
    more[: len(values)] = values
    return more
