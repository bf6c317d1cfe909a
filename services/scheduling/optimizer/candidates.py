"""Who could fill which seat at which start, looking at nobody else: the filters that do not depend on the rest of the plan."""

import dataclasses
from collections.abc import Iterator, Sequence

from services.scheduling.optimizer.problem import (
    DAY_MIN,
    Expert,
    Mode,
    Naming,
    Problem,
    Request,
    Seat,
    Window,
)

STARTS_PER_WINDOW = 6
"""Starts tried in one window of a request: enough for a half-day, spread evenly, first and last among them."""


@dataclasses.dataclass(frozen=True, slots=True)
class Candidate:
    """`expert` may fill the seat at `start`; `fit` is in the unit of need, `travel_min` there and back from home."""

    expert: int
    start: int
    remote: bool
    fit: int
    travel_min: int


def starts_of(
    problem: Problem, request: Request, *, per_window: int = STARTS_PER_WINDOW
) -> list[int]:
    """Starts on the grid that keep windows and lead time, ascending; at most `per_window` in each window."""
    step = problem.start_step_min
    found: set[int] = set()
    for window in request.windows:
        first = -(-max(window.start, request.ready_at) // step)
        last = (window.end - request.duration_min) // step
        count = last - first + 1
        if count <= 0:
            continue
        tried = min(count, per_window)
        found |= {(first + i * (count - 1) // max(1, tried - 1)) * step for i in range(tried)}
    return sorted(found)


def day_windows(expert: Expert, day: int) -> list[Window]:
    """Free windows of a day inside the person's hours."""
    low, high = day * DAY_MIN + expert.limits.earliest, day * DAY_MIN + expert.limits.latest
    return [
        Window(max(low, window.start), min(high, window.end))
        for window in expert.windows
        if window.start // DAY_MIN == day and max(low, window.start) < min(high, window.end)
    ]


class Eligibility:
    """The filters of a problem, each asked once per pair of expert and request."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._windows: dict[tuple[int, int], list[Window]] = {}
        self._barred = {(f.expert, f.request) for f in problem.forbids if f.other < 0}

    def windows(self, expert: int, day: int) -> list[Window]:
        """See `day_windows`."""
        key = (expert, day)
        if key not in self._windows:
            self._windows[key] = day_windows(self._problem.experts[expert], day)
        return self._windows[key]

    def fits(self, request_index: int, seat_index: int, expert_index: int) -> bool:
        """Whether the person passes every filter that holds on all days."""
        request = self._problem.requests[request_index]
        seat, expert = request.seats[seat_index], self._problem.experts[expert_index]
        return (
            bool(seat.roles >> expert.role & 1)
            and expert.skills[request.topic] >= seat.proficiency_min
            and bool(expert.audiences >> request.audience & 1)
            and bool(expert.forms >> request.form & 1)
            and bool(expert.levels >> request.level & 1)
            and not (
                request.naming is Naming.ONLY and seat_index == 0 and expert_index != request.named
            )
            and (expert_index, request_index) not in self._barred
            and (expert_index, -1) not in self._barred
        )

    def holds_on(self, request_index: int, seat: Seat, expert_index: int, day: int) -> bool:
        """Whether pool, agreement, clearance and approval hold on that day."""
        request, expert = self._problem.requests[request_index], self._problem.experts[expert_index]
        pool = self._problem.pools[expert.pool]
        if not pool.from_day <= day < pool.until_day:
            return False
        if request.node not in pool.home_nodes and not any(
            agreement.node == request.node and day < agreement.until_day
            for agreement in pool.agreements
        ):
            return False
        if request.minors and day >= expert.clearance_until_day:
            return False
        return not seat.approved_talk or any(
            approval.topic == request.topic
            and approval.audiences >> request.audience & 1
            and day < approval.until_day
            for approval in expert.approvals
        )

    def fit(self, request: Request, seat: Seat, expert: Expert, *, remote: bool) -> int:
        """What the person adds to need beyond the request's weight."""
        policy = self._problem.policy
        on_site = policy.fit_on_site if seat.mode is Mode.EITHER and not remote else 0
        return (
            seat.value
            + policy.fit_proficiency * (expert.skills[request.topic] - seat.proficiency_min)
            + on_site
        )

    def candidates(
        self,
        request_index: int,
        seat_index: int,
        *,
        every_start: bool = False,
        starts: Sequence[int] | None = None,
    ) -> Iterator[Candidate]:
        """Who could come, there and back on that day, at which of the starts: those of `starts_of`, with `every_start`
        all of the grid, or those given. A person who may spend nights away needs only one way to be possible.
        """
        problem, request = self._problem, self._problem.requests[request_index]
        seat = request.seats[seat_index]
        if starts is None:
            per_window = DAY_MIN if every_start else STARTS_PER_WINDOW
            starts = starts_of(problem, request, per_window=per_window)
        modes = {
            Mode.ON_SITE: (False,),
            Mode.REMOTE: (True,),
            Mode.EITHER: (False, True),
        }[seat.mode]
        for index, expert in enumerate(problem.experts):
            if not self.fits(request_index, seat_index, index):
                continue
            for remote in modes:
                place = expert.home if remote else request.place
                out_min = problem.travel_min[expert.home][place]
                back_min = problem.travel_min[place][expert.home]
                lodges = expert.limits.nights_max > 0 and not remote
                allowed = expert.limits.travel_min_per_day_max
                if (min if lodges else sum)((out_min, back_min)) > allowed:
                    continue
                fit = self.fit(request, seat, expert, remote=remote)
                for start in starts:
                    day, end = start // DAY_MIN, start + request.duration_min
                    for window in self.windows(index, day):
                        leaves = start - (0 if lodges else out_min) >= window.start
                        returns = end + (0 if lodges else back_min) <= window.end
                        inside = window.start <= start and end <= window.end
                        if (
                            inside
                            and leaves
                            and returns
                            and self.holds_on(request_index, seat, index, day)
                        ):
                            yield Candidate(index, start, remote, fit, out_min + back_min)
                            break
