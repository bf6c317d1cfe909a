"""Whether prices prove a bound: the Lagrangian value recomputed in whole numbers, by its own slow and obvious pricing.

It shares nothing with the solver but the vocabulary. `docs/optimizer.md` derives why no plan can be worth more than `proven`.
"""

import dataclasses
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from services.scheduling.optimizer.duals import Choice, Duals
from services.scheduling.optimizer.problem import (
    DAY_MIN,
    Expert,
    Mode,
    Naming,
    Problem,
    Request,
    Seat,
    Stage,
    Window,
)

STEPS_MAX = 20_000_000
"""Chains looked at for one person's day before its worth is taken to be that of the dearest visits, whether they fit or not."""


CHOICES_MAX = 200
"""Choices of one proof, at most."""


class Unproven(ValueError):
    """The prices break a condition of the proof, so that they prove nothing; the message says which."""


@dataclasses.dataclass(frozen=True, slots=True)
class Visit:
    """One way to make one visit: it begins on the grid in `[first, last]`, at any of these worth the same."""

    request: int
    place: int
    first: int
    last: int
    window: int
    worth: int


@dataclasses.dataclass(frozen=True, slots=True)
class Weights:
    """What a stage counts, as multiples of 1 / scale: `request[r]` for serving it, `fit` per point of fit, `travel` per
    minute, `night` per night, `load` per square of a person's engagements; `constant` whatever is planned.
    """

    request: tuple[int, ...]
    fit: int
    travel: int
    night: int
    load: int
    constant: int


def proven_together(
    problem: Problem,
    proofs: Sequence[Duals],
    kept_values: Mapping[Stage, int],
    *,
    tell: Callable[[int], None] = lambda _people: None,
) -> int:
    """The bound that proofs of one stage give together: for each way in which their choices can come out there is one, and what holds
    for all plans of a kind holds for those of them that have made one more choice.

    `tell` hears how many people have been priced for the proof at hand.

    Raises:
        Unproven: a proof breaks a condition, or some plans have none.
    """
    bounds = [(one.choices, proven(problem, one, kept_values, tell=tell)) for one in proofs]
    return _covered(bounds, 0)


def _covered(bounds: Sequence[tuple[tuple[Choice, ...], int]], made: int) -> int:
    """The bound of all plans whose first `made` choices are those that all of `bounds` begin with."""
    here = [bound for choices, bound in bounds if len(choices) == made]
    further = [(choices, bound) for choices, bound in bounds if len(choices) > made]
    if len(here) > 1:
        raise Unproven("choices: two proofs make the same")
    if not further:
        if not here:
            raise Unproven("choices: some plans have no proof")
        return here[0]
    if len({dataclasses.replace(choices[made], holds=True) for choices, _ in further}) > 1:
        raise Unproven("choices: two proofs differ in what they choose about")
    sides = [
        _covered([one for one in further if one[0][made].holds is holds], made + 1)
        for holds in (True, False)
    ]
    return min([max(sides), *here])


def proven(
    problem: Problem,
    duals: Duals,
    kept_values: Mapping[Stage, int],
    *,
    tell: Callable[[int], None] = lambda _people: None,
) -> int:
    """The bound that `duals` prove for their stage, among plans that reach `kept_values` in the stages before it and in which their
    choices are so.

    `tell` hears how many people have been priced. 1,000 requests with 400 experts take minutes.

    Raises:
        Unproven: the prices break a condition.
    """
    _sane(problem, duals)
    weights = _weights(problem, duals, kept_values)
    rewards = _rewards(problem, duals, weights)
    total = weights.constant + sum(duals.kept) - sum(duals.dues)
    total += sum(p * cap.served_max for p, cap in zip(duals.caps, problem.caps, strict=True))
    total += sum(p * one.cost_max for p, one in zip(duals.budgets, problem.budgets, strict=True))
    total += sum(one.price for one in duals.spacings)
    quotas = {(one.pool, one.node): one.price for one in duals.quotas}
    for (pool, node), price in quotas.items():
        total += price * _quota(problem, pool, node)
    presences: defaultdict[int, dict[tuple[int, int], int]] = defaultdict(dict)
    for one in duals.presences:
        presences[one.expert][one.request, one.start] = one.price
    once: defaultdict[int, set[int]] = defaultdict(set)
    for pair in duals.once:
        once[pair.expert].add(pair.request)
    for index in range(len(problem.experts)):
        days = _visits(problem, duals, weights, rewards, quotas, presences[index], index)
        total += _best_round(problem, weights, index, days, frozenset(once[index]))
        tell(index + 1)
    return total // duals.scale


def _sane(problem: Problem, duals: Duals) -> None:
    """Sizes, signs and order."""
    if duals.scale <= 0:
        raise Unproven("scale: must be positive")
    _sane_choices(problem, duals)
    if len(duals.kept) != len(problem.requests):
        raise Unproven(f"kept: {len(duals.kept)} prices, there are {len(problem.requests)}")
    served = {one.request for one in duals.choices if one.holds and one.before < 0}
    if any(price < 0 and index not in served for index, price in enumerate(duals.kept)):
        raise Unproven("kept: a price is negative")
    for name, prices, size in (
        ("caps", duals.caps, len(problem.caps)),
        ("budgets", duals.budgets, len(problem.budgets)),
        ("shares", duals.shares, len(problem.shares) if duals.shares else 0),
        ("need", (duals.need,), 1),
        ("emergency", (duals.emergency,), 1),
        ("quotas", tuple(one.price for one in duals.quotas), len(duals.quotas)),
    ):
        if len(prices) != size:
            raise Unproven(f"{name}: {len(prices)} prices, there are {size}")
        if min(prices, default=0) < 0:
            raise Unproven(f"{name}: a price is negative")
    named = [(one.pool, one.node) for one in duals.quotas]
    if len(set(named)) < len(named):
        raise Unproven("quotas: one is priced twice")
    for pool, node in named:
        if not 0 <= pool < len(problem.pools) or node in problem.pools[pool].home_nodes:
            raise Unproven(f"quotas: pool {pool} has no quota for node {node}")
        if not any(agreed.node == node for agreed in problem.pools[pool].agreements):
            raise Unproven(f"quotas: pool {pool} has no agreement with node {node}")
    for span in duals.spacings:
        if not 0 <= span.series < len(problem.series):
            raise Unproven(f"spacings: there is no series {span.series}")
        if problem.series[span.series].spacing_days <= 0 or span.price < 0:
            raise Unproven(
                f"spacings: series {span.series} has nothing to price, or a negative price"
            )
        if not 0 <= span.day < problem.days:
            raise Unproven(f"spacings: day {span.day} is outside the horizon")
    places = [(one.request, one.start, one.expert) for one in duals.presences]
    if len(set(places)) < len(places):
        raise Unproven("presences: one is priced twice")
    if min((one.price for one in duals.presences), default=0) < 0:
        raise Unproven("presences: a price is negative")
    starts = [set(_starts(problem, request)) for request in problem.requests]
    for name, index, start in (
        *(("presences", one.request, one.start) for one in duals.presences),
        *(("splits", one.request, one.start) for one in duals.splits),
    ):
        if not 0 <= index < len(problem.requests):
            raise Unproven(f"{name}: there is no request {index}")
        if start not in starts[index]:
            raise Unproven(f"{name}: request {index} cannot start at {start}")
    for one in duals.presences:
        if not 0 <= one.expert < len(problem.experts):
            raise Unproven(f"presences: there is no expert {one.expert}")
    pairs = [(pair.expert, pair.request) for pair in duals.once]
    if len(set(pairs)) < len(pairs):
        raise Unproven("once: a pair is said twice")
    for expert, request in pairs:
        if not (0 <= expert < len(problem.experts) and 0 <= request < len(problem.requests)):
            raise Unproven(f"once: there is no expert {expert} or no request {request}")
    for split in duals.splits:
        if len(split.rewards) != len(problem.requests[split.request].seats):
            raise Unproven(f"splits: request {split.request} needs one reward per seat")
    keys = [(one.request, one.start) for one in duals.splits]
    if keys != sorted(set(keys)):
        raise Unproven("splits: not in order, or one said twice")


def _sane_choices(problem: Problem, duals: Duals) -> None:
    if len(duals.choices) > CHOICES_MAX:
        raise Unproven(f"choices: {len(duals.choices)}, more than {CHOICES_MAX}")
    for one in duals.choices:
        if not 0 <= one.request < len(problem.requests):
            raise Unproven(f"choices: there is no request {one.request}")
        if not -1 <= one.expert < len(problem.experts):
            raise Unproven(f"choices: there is no expert {one.expert}")
        if one.before >= 0 and one.expert >= 0:
            raise Unproven("choices: one is about an expert and a start at once")
    about = [dataclasses.replace(one, holds=True) for one in duals.choices]
    if len(set(about)) < len(about):
        raise Unproven("choices: one is made twice")
    if len(duals.dues) != len(duals.choices):
        raise Unproven(f"dues: {len(duals.dues)}, there are {len(duals.choices)} choices")
    for due, one in zip(duals.dues, duals.choices, strict=True):
        if due and (one.expert < 0 or not one.holds):
            raise Unproven("dues: only an expert who serves by choice is due something")


def _left_out(choices: Sequence[Choice], index: int, start: int) -> bool:
    """Whether by choice request `index` is not served at `start`."""
    return any(
        (start < one.before) is not one.holds if one.before >= 0 else not one.holds
        for one in choices
        if one.request == index and one.expert < 0
    )


def _quota(problem: Problem, pool: int, node: int) -> int:
    return min(one.quota for one in problem.pools[pool].agreements if one.node == node)


def _shares_of(problem: Problem, request: Request) -> list[int]:
    return [
        index
        for index, share in enumerate(problem.shares)
        if share.district == request.district and share.audience in {-1, request.audience}
    ]


def _weights(problem: Problem, duals: Duals, values: Mapping[Stage, int]) -> Weights:
    """The stage's own weights and the prices of the stages before it, which say: what they reached stays reached."""
    stage, scale = duals.stage, duals.scale
    shares = duals.shares or (0,) * len(problem.shares)
    emergency, need, constant = duals.emergency, duals.need, 0
    order = list(Stage)
    for name, price, own in (
        ("emergency", emergency, Stage.EMERGENCY),
        ("need", need, Stage.NEED),
    ):
        if price and order.index(stage) <= order.index(own):
            raise Unproven(f"{name}: priced in a stage that comes before it")
        constant -= price * values[own] if price else 0
    if stage is Stage.EMERGENCY:
        emergency = scale
        if any(shares):
            raise Unproven("shares: priced in a stage that comes before them")
    if stage is Stage.FLOOR:
        weighed = sum(p * share.target for p, share in zip(shares, problem.shares, strict=True))
        # without shares the floor is 0 by its definition
        if problem.shares and weighed < 1000 * scale:
            raise Unproven(f"shares: weigh {weighed}, at least {1000 * scale}")
        constant += sum(p * share.carried for p, share in zip(shares, problem.shares, strict=True))
    elif any(shares):
        floor = values[Stage.FLOOR]
        for price, share in zip(shares, problem.shares, strict=True):
            constant -= price * (-(-floor * share.target // 1000) - share.carried)
    if stage is Stage.NEED:
        need = scale
    if stage is Stage.PROMISES:
        constant -= scale * sum(one.cost_drop for one in problem.promises)
    counted = []
    for request in problem.requests:
        worth = need * request.weight
        worth += emergency * request.weight if request.emergency > 0 else 0
        worth += sum(shares[one] * request.weight for one in _shares_of(problem, request))
        worth += scale * request.standbys if stage is Stage.STANDBY else 0
        counted.append(worth)
    return Weights(
        request=tuple(counted),
        fit=need,
        travel=scale if stage is Stage.TRAVEL else 0,
        night=scale * problem.policy.night_as_travel_min if stage is Stage.TRAVEL else 0,
        load=scale if stage is Stage.LOAD else 0,
        constant=constant,
    )


def _starts(problem: Problem, request: Request) -> list[int]:
    """Every start of the grid that windows, lead time and horizon allow."""
    step = problem.start_step_min
    found = {
        start
        for window in request.windows
        for start in range(
            -(-max(window.start, request.ready_at, 0) // step) * step,
            window.end - request.duration_min + 1,
            step,
        )
        if start < problem.days * DAY_MIN
    }
    return sorted(found)


def _rewards(problem: Problem, duals: Duals, weights: Weights) -> list[dict[int, tuple[int, ...]]]:
    """By request and start, the reward of each seat; the inequality between what is kept and what is given holds for each."""
    cap_prices = [0] * len(problem.requests)
    for price, cap in zip(duals.caps, problem.caps, strict=True):
        for member in cap.requests:
            cap_prices[member] += price
    spans: defaultdict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for span in duals.spacings:
        series = problem.series[span.series]
        for member in sorted(set(series.requests)):
            spans[member].append((span.day, span.day + series.spacing_days, span.price))
    present: defaultdict[tuple[int, int], int] = defaultdict(int)
    for one in duals.presences:
        present[one.request, one.start] += one.price
    splits: defaultdict[int, list[tuple[int, tuple[int, ...]]]] = defaultdict(list)
    for split in duals.splits:
        splits[split.request].append((split.start, split.rewards))
    rewards = []
    for index, request in enumerate(problem.requests):
        lead = next(seat for seat, one in enumerate(request.seats) if one.required)
        by_start: dict[int, tuple[int, ...]] = {}
        for start in _starts(problem, request):
            day = start // DAY_MIN
            left = weights.request[index] - duals.kept[index] - cap_prices[index]
            left -= sum(price for first, end, price in spans[index] if first <= day < end)
            left += present[index, start]
            given = tuple(left if seat == lead else 0 for seat in range(len(request.seats)))
            for since, said in splits[index]:
                if since <= start:
                    given = said
            enough = sum(
                reward if seat.required else min(0, reward)
                for seat, reward in zip(request.seats, given, strict=True)
            )
            if enough < left and not _left_out(duals.choices, index, start):
                raise Unproven(
                    f"splits: request {index} at {start} gives {enough} to its seats, at least {left}"
                )
            by_start[start] = given
        rewards.append(by_start)
    return rewards


# Who could make which visit -------------------------------------------------------------------------------------------


def _may(problem: Problem, index: int, place: int, seat: Seat, person: int) -> bool:
    """The rules about one person in one seat that hold on all days."""
    request, expert = problem.requests[index], problem.experts[person]
    return (
        bool(seat.roles >> expert.role & 1)
        and expert.skills[request.topic] >= seat.proficiency_min
        and bool(expert.audiences >> request.audience & 1)
        and bool(expert.forms >> request.form & 1)
        and bool(expert.levels >> request.level & 1)
        and (request.naming is not Naming.ONLY or place != 0 or request.named == person)
        and not any(
            one.expert == person and one.request in {-1, index} and one.other in {-1, person}
            for one in problem.forbids
        )
        and not any(
            (pin.request, pin.seat) == (index, place) and pin.expert != person
            for pin in problem.pins
        )
    )


def _may_on(problem: Problem, request: Request, seat: Seat, expert: Expert, day: int) -> bool:
    """The rules about one person in one seat that look at the day."""
    pool = problem.pools[expert.pool]
    return (
        pool.from_day <= day < pool.until_day
        and (
            request.node in pool.home_nodes
            or any(one.node == request.node and day < one.until_day for one in pool.agreements)
        )
        and (not request.minors or day < expert.clearance_until_day)
        and (
            not seat.approved_talk
            or any(
                talk.topic == request.topic
                and talk.audiences >> request.audience & 1
                and day < talk.until_day
                for talk in expert.approvals
            )
        )
    )


def _windows(expert: Expert, day: int) -> list[Window]:
    cut = [
        Window(
            max(window.start, day * DAY_MIN + expert.limits.earliest),
            min(window.end, day * DAY_MIN + expert.limits.latest),
        )
        for window in expert.windows
        if window.start // DAY_MIN == day
    ]
    return [window for window in cut if window.start < window.end]


def _extra(problem: Problem, duals: Duals, index: int, place: int, person: int, start: int) -> int:
    """What the stage counts for this assignment besides fit; the value of a pair of leads is had by halves."""
    request = problem.requests[index]
    if duals.stage is Stage.PREFERENCE and place == 0:
        wish = request.naming is Naming.PREFERRED and request.named == person
        worth = duals.scale * problem.policy.prefer_named if wish else 0
        for series in problem.series:
            for pair in itertools.pairwise(series.requests):
                if index in pair:
                    worth += -(-duals.scale * max(0, series.continuity) // 2)
        return worth
    if duals.stage is Stage.PROMISES:
        return duals.scale * sum(
            one.cost_drop - (0 if (one.expert, one.start) == (person, start) else one.cost_change)
            for one in problem.promises
            if (one.request, one.seat) == (index, place)
        )
    return 0


def _visits(
    problem: Problem,
    duals: Duals,
    weights: Weights,
    rewards: Sequence[Mapping[int, tuple[int, ...]]],
    quotas: Mapping[tuple[int, int], int],
    presences: Mapping[tuple[int, int], int],
    person: int,
) -> dict[int, list[Visit]]:
    """By day, everything the person could do, dearest first; starts in a row that are worth the same are one visit.

    `presences` is what the person pays for being in a team, by request and start.
    """
    expert = problem.experts[person]
    windows = {day: _windows(expert, day) for day in range(problem.days)}
    found: defaultdict[int, list[Visit]] = defaultdict(list)
    for index, request in enumerate(problem.requests):
        paid = quotas.get((expert.pool, request.node), 0)
        paid += expert.cost * sum(
            price
            for price, budget in zip(duals.budgets, problem.budgets, strict=True)
            if index in budget.requests
        )
        pinned = {pin.start for pin in problem.pins if pin.request == index and pin.start >= 0}
        chosen = [
            (one, due)
            for one, due in zip(duals.choices, duals.dues, strict=True)
            if (one.request, one.expert) == (index, person)
        ]
        if any(not one.holds for one, _ in chosen):
            continue
        due = sum(due for _, due in chosen)
        for place, seat in enumerate(request.seats):
            if not _may(problem, index, place, seat, person):
                continue
            for remote in (False, True):
                if seat.mode is (Mode.ON_SITE if remote else Mode.REMOTE):
                    continue
                fit = seat.value + problem.policy.fit_proficiency * (
                    expert.skills[request.topic] - seat.proficiency_min
                )
                if seat.mode is Mode.EITHER and not remote:
                    fit += problem.policy.fit_on_site
                run: Visit | None = None
                for start, given in rewards[index].items():
                    day = start // DAY_MIN
                    around = [
                        number
                        for number, window in enumerate(windows[day])
                        if window.start <= start and start + request.duration_min <= window.end
                    ]
                    if not around or (pinned and pinned != {start}):
                        continue
                    if not _may_on(problem, request, seat, expert, day):
                        continue
                    if _left_out(duals.choices, index, start):
                        continue
                    worth = given[place] + weights.fit * fit - paid
                    worth -= presences.get((index, start), 0)
                    worth += due
                    worth += _extra(problem, duals, index, place, person, start)
                    visit = Visit(
                        index,
                        expert.home if remote else request.place,
                        start,
                        start,
                        around[0],
                        worth,
                    )
                    if run is not None and _continues(problem, run, visit):
                        found[day][-1] = run = dataclasses.replace(run, last=start)
                    else:
                        found[day].append(visit)
                        run = visit
    return {day: sorted(ways, key=lambda one: -one.worth) for day, ways in found.items()}


def _continues(problem: Problem, run: Visit, visit: Visit) -> bool:
    same = dataclasses.replace(visit, first=run.first, last=run.last) == run
    return (
        same
        and visit.first == run.last + problem.start_step_min
        and run.first // DAY_MIN == visit.first // DAY_MIN
    )


# The best day, and the best round -------------------------------------------------------------------------------------

Bed = tuple[int, frozenset[int]]
"""Where a night is spent, and what of the requests that are served once in a tour was served before it."""
HOME: Bed = (-1, frozenset())
ANYWHERE: Bed = (-2, frozenset())
"""Where a day begins or ends if not in a bed at some place: at home, or in a bed wherever that is best."""

Ways = dict[tuple[Bed, int], int]
"""By (where the day ends, number of visits): the most that the day can be worth."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Chain:
    """Visits so far: when and where they end, in which window, what they are worth, how long was travelled."""

    requests: tuple[int, ...]
    ends: int
    place: int
    window: int
    worth: int
    travel: int


def _best_days(
    problem: Problem,
    weights: Weights,
    expert: Expert,
    day: int,
    visits: Sequence[Visit],
    *,
    origin: Bed,
    once: frozenset[int],
    floor: Sequence[int | None],
    hope: int | None,
) -> Ways:
    """What a day that begins at `origin` can be worth, at most `len(floor) - 1` visits long. What was served before `origin` is not
    served again; of what is served, `once` is remembered in the bed.

    `floor[k]` is what at most `k` visits are worth anyway (None: nothing is known), `hope` the most that lodging after the day
    adds to that (None: nobody lodges). A chain that with all hope is worth no more than its floor is of no use.
    """
    windows = _windows(expert, day)
    travel, step = problem.travel_min, problem.start_step_min
    floors, most = list(floor), len(floor) - 1
    place, before = origin
    best: Ways = {}
    steps = 0

    def better(worth: int, count: int) -> bool:
        known = floors[count]
        return known is None or worth > known

    def hopeless(sure: int, count: int, after: int) -> bool:
        """No chain that goes on like this is of use: each visit that follows is worth `after` at most."""
        return not any(
            better(sure + max(0, hope or 0) + (total - count) * max(0, after), total)
            for total in range(count, most + 1)
        )

    def grow(chain: _Chain) -> Iterator[_Chain]:
        """Every chain with one visit more, dearest first, until there is no hope."""
        later = [one for one in visits if one.last >= chain.ends] if chain.requests else visits
        dearest = max((one.worth for one in later), default=0)
        for visit in later:
            if hopeless(chain.worth + visit.worth, len(chain.requests) + 1, dearest):
                return
            if visit.request in chain.requests or visit.window < chain.window:
                continue
            if visit.request in before:
                continue
            if origin != HOME and not chain.requests:
                if visit.window != 0:
                    continue
                leg = 0 if origin == ANYWHERE else travel[place][visit.place]
                arrives = windows[0].start + leg
            elif visit.window == chain.window:
                leg = travel[chain.place][visit.place]
                arrives = chain.ends + leg
            else:
                home_min = travel[chain.place][expert.home] if chain.requests else 0
                if chain.requests and chain.ends + home_min > windows[chain.window].end:
                    continue
                leg = home_min + travel[expert.home][visit.place]
                arrives = windows[visit.window].start + travel[expert.home][visit.place]
            starts = max(visit.first, -(-arrives // step) * step)
            if starts > visit.last or chain.travel + leg > expert.limits.travel_min_per_day_max:
                continue
            yield _Chain(
                requests=(*chain.requests, visit.request),
                ends=starts + problem.requests[visit.request].duration_min,
                place=visit.place,
                window=visit.window,
                worth=chain.worth + visit.worth - weights.travel * leg,
                travel=chain.travel + leg,
            )

    open_chains = [grow(_Chain((), 0, expert.home, -1, 0, 0))]
    while open_chains:
        chain = next(open_chains[-1], None)
        if chain is None:
            open_chains.pop()
            continue
        steps += 1
        if steps > STEPS_MAX:
            return _dearest(visits, most, lodges=hope is not None)
        count = len(chain.requests)
        home_min = travel[chain.place][expert.home]
        if (
            chain.ends + home_min <= windows[chain.window].end
            and chain.travel + home_min <= expert.limits.travel_min_per_day_max
        ):
            worth = chain.worth - weights.travel * home_min
            if better(worth, count):
                best[HOME, count] = worth
                for total in range(count, most + 1):
                    if better(worth, total):
                        floors[total] = worth
        if hope is not None and chain.window == len(windows) - 1:
            bed = chain.place, once & (before | set(chain.requests))
            known = best.get((bed, count))
            if (known is None or chain.worth > known) and better(chain.worth + hope, count):
                best[bed, count] = chain.worth
        if count < most:
            open_chains.append(grow(chain))
    return best


def _dearest(visits: Sequence[Visit], most: int, *, lodges: bool) -> Ways:
    """The dearest visits to different requests, as if they always fitted, the day could end at all of their places, and nothing had
    been served before.
    """
    worths: dict[int, int] = {}
    for visit in visits:
        worths.setdefault(visit.request, visit.worth)
    ends: set[Bed] = {HOME} | (
        {(visit.place, frozenset()) for visit in visits} if lodges else set()
    )
    return {
        (end, count): total
        for count, total in enumerate(itertools.accumulate(list(worths.values())[:most]), start=1)
        for end in ends
    }


State = tuple[int, int, int, int, Bed]
"""Engagements and days with visits of this week, engagements of the round, nights, and where one sleeps."""


def _best_round(
    problem: Problem,
    weights: Weights,
    person: int,
    days: Mapping[int, Sequence[Visit]],
    once: frozenset[int],
) -> int:
    """The most that one person's whole round is worth, inside limits per week and round, rest days and nights away, no request of
    `once` served twice before being home again.

    Nights in a row are left out where each of their days could as well be spent from home to home, with no more visits.
    """
    expert = problem.experts[person]
    limits = expert.limits
    left_of_round = limits.per_round_max - expert.engaged_before_round
    left_of_week = []
    for day in range(problem.days):
        week = (day + problem.first_weekday) // 7
        before = expert.engaged_before[week] if week < len(expert.engaged_before) else 0
        left_of_week.append(limits.per_week_max - before)
    most = [
        max(0, min(limits.per_day_max, left_of_week[day], left_of_round, len(days.get(day, ()))))
        for day in range(problem.days)
    ]

    def ways(
        day: int, origin: Bed, floor: Sequence[int | None], hope: int | None, visits_max: int
    ) -> Ways:
        if not visits_max:
            return {}
        # what nothing could serve again tells no beds apart
        later = {
            visit.request for after in range(day + 1, problem.days) for visit in days.get(after, ())
        }
        return _best_days(
            problem,
            weights,
            expert,
            day,
            days[day],
            origin=origin,
            once=frozenset() if origin == ANYWHERE else once & later,
            floor=floor,
            hope=hope,
        )

    at_home = [
        ways(day, HOME, [0] * (most[day] + 1), None, most[day]) for day in range(problem.days)
    ]
    floors = [
        list(
            itertools.accumulate(
                (at_home[day].get((HOME, k), 0) for k in range(most[day] + 1)), max
            )
        )
        for day in range(problem.days)
    ]
    hopes: list[int | None] = [None] * (problem.days + 1)
    for day in range(problem.days - 1, 0, -1) if limits.nights_max > 0 else ():
        if not most[day - 1]:
            continue
        unknown: list[int | None] = [None] * (most[day] + 1)
        later = hopes[day + 1]
        gains = [
            worth - floors[day][count] - weights.night + (0 if end == HOME else later or 0)
            for (end, count), worth in ways(day, ANYWHERE, unknown, later, most[day]).items()
        ]
        hopes[day] = max(gains, default=None)
    states: dict[State, int] = {(0, 0, 0, 0, HOME): 0}
    gained: dict[Bed, int] = {}
    for day in range(problem.days):
        if (day + problem.first_weekday) % 7 == 0:
            states = _best_of(
                ((0, 0, done, nights, bed), worth)
                for (_, _, done, nights, bed), worth in states.items()
            )
        chains = {HOME: at_home[day]}
        hope = hopes[day + 1]
        if hope is not None:
            chains[HOME] = at_home[day] | {
                way: worth
                for way, worth in ways(day, HOME, floors[day], hope, most[day]).items()
                if way[0] != HOME
            }
        for bed, gain in gained.items():
            floor: list[int | None] = [known - gain + weights.night for known in floors[day]]
            chains[bed] = ways(day, bed, floor, hope, most[day])
        reached: dict[Bed, int] = {}
        for bed, found in chains.items():
            so_far = 0 if bed == HOME else gained[bed] - weights.night
            for (end, count), worth in found.items():
                if end != HOME:
                    gain = so_far + worth - floors[day][count]
                    reached[end] = max(gain, reached.get(end, gain))
        gained = reached
        grown: list[tuple[State, int]] = []
        for (engaged, worked, done, nights, bed), so_far in states.items():
            if bed == HOME:
                grown.append(((engaged, worked, done, nights, HOME), so_far))
            for (end, count), worth in chains.get(bed, {}).items():
                lodges = end != HOME
                if (
                    engaged + count <= left_of_week[day]
                    and done + count <= left_of_round
                    and worked + 1 <= 7 - limits.rest_days_per_week
                    and nights + lodges <= limits.nights_max
                ):
                    state = engaged + count, worked + 1, done + count, nights + lodges, end
                    grown.append((state, so_far + worth - weights.night * lodges))
        states = _best_of(iter(grown))
    return max(
        worth - weights.load * done * done
        for (_, _, done, _, bed), worth in states.items()
        if bed == HOME
    )


def _best_of(ways: Iterator[tuple[State, int]]) -> dict[State, int]:
    best: dict[State, int] = {}
    for state, worth in ways:
        if state not in best or worth > best[state]:
            best[state] = worth
    return best
