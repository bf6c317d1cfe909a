"""Who may come, one rule after the other: the order in which a why-not asks, with the referee's names of the rules."""

from collections.abc import Callable, Sequence

from services.scheduling.optimizer.problem import Naming, Problem


def _in_term(problem: Problem, expert: int, day: int) -> bool:
    pool = problem.pools[problem.experts[expert].pool]
    return pool.from_day <= day < pool.until_day


def _shared(problem: Problem, request: int, expert: int, day: int) -> bool:
    pool, node = problem.pools[problem.experts[expert].pool], problem.requests[request].node
    return node in pool.home_nodes or any(
        agreement.node == node and day < agreement.until_day for agreement in pool.agreements
    )


def _approved(problem: Problem, request: int, seat: int, expert: int, day: int) -> bool:
    asked = problem.requests[request]
    return not asked.seats[seat].approved_talk or any(
        talk.topic == asked.topic and talk.audiences >> asked.audience & 1 and day < talk.until_day
        for talk in problem.experts[expert].approvals
    )


ALWAYS: Sequence[tuple[str, Callable[[Problem, int, int, int], bool]]] = (
    (
        "named_only_leads",
        lambda problem, request, seat, expert: (
            problem.requests[request].naming is not Naming.ONLY
            or seat != 0
            or expert == problem.requests[request].named
        ),
    ),
    (
        "has_role",
        lambda problem, request, seat, expert: bool(
            problem.requests[request].seats[seat].roles >> problem.experts[expert].role & 1
        ),
    ),
    (
        "has_proficiency",
        lambda problem, request, seat, expert: (
            problem.experts[expert].skills[problem.requests[request].topic]
            >= problem.requests[request].seats[seat].proficiency_min
        ),
    ),
    (
        "speaks_to_audience",
        lambda problem, request, _, expert: bool(
            problem.experts[expert].audiences >> problem.requests[request].audience & 1
        ),
    ),
    (
        "does_form",
        lambda problem, request, _, expert: bool(
            problem.experts[expert].forms >> problem.requests[request].form & 1
        ),
    ),
    (
        "speaks_at_level",
        lambda problem, request, _, expert: bool(
            problem.experts[expert].levels >> problem.requests[request].level & 1
        ),
    ),
    (
        "forbids_kept",
        lambda problem, request, _, expert: (
            not any(
                forbid.expert == expert and forbid.other < 0 and forbid.request in {-1, request}
                for forbid in problem.forbids
            )
        ),
    ),
)
"""Who may come at all, by (problem, request, seat, expert)."""

DAILY: Sequence[tuple[str, Callable[[Problem, int, int, int, int], bool]]] = (
    ("pool_in_term", lambda problem, _, __, expert, day: _in_term(problem, expert, day)),
    (
        "pool_shared",
        lambda problem, request, _, expert, day: _shared(problem, request, expert, day),
    ),
    (
        "cleared_for_minors",
        lambda problem, request, _, expert, day: (
            not problem.requests[request].minors
            or day < problem.experts[expert].clearance_until_day
        ),
    ),
    (
        "talk_approved",
        _approved,
    ),
)
"""Who may come on a day, by (problem, request, seat, expert, day)."""

LIMITS: Sequence[str] = ("per_round", "per_week", "per_day", "rest_days")

FILTERS: Sequence[str] = (
    *(name for name, _ in ALWAYS),
    *(name for name, _ in DAILY),
    "in_availability",
    "travel_per_day",
    *LIMITS,
    "quota_kept",
    "budgets_kept",
)
"""What `WhyNot.counts` counts after, in order; `travel_per_day` stands for all three rules of TOO_FAR."""
