"""Who may come, one rule after the other: the order in which a why-not asks, with the referee's names of the rules.

A filter looks at everybody at once: `People` has one entry per expert in each of its arrays.
"""

import functools
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from services.scheduling.optimizer.problem import Naming, Problem

Mask = NDArray[np.bool_]
Ints = NDArray[np.int64]
NEVER, FOREVER = -(2**40), 2**40


class People:
    """The experts of a problem as arrays, each by expert's index."""

    def __init__(self, problem: Problem) -> None:
        experts = problem.experts
        self.problem = problem
        self.role = _ints([one.role for one in experts])
        self.skills = _ints([one.skills for one in experts]).reshape(len(experts), problem.topics)
        self.audiences = _ints([one.audiences for one in experts])
        self.forms = _ints([one.forms for one in experts])
        self.levels = _ints([one.levels for one in experts])
        self.clearance_until_day = _ints([one.clearance_until_day for one in experts])
        self.pool = _ints([one.pool for one in experts])
        self.from_day = _ints([problem.pools[one.pool].from_day for one in experts])
        self.until_day = _ints([problem.pools[one.pool].until_day for one in experts])

    @functools.cached_property
    def barred(self) -> frozenset[tuple[int, int]]:
        """(expert, request) of forbids about one person; request -1 means all."""
        return frozenset((f.expert, f.request) for f in self.problem.forbids if f.other < 0)

    @functools.cache  # noqa: B019 - lives as long as the explainer that asks
    def shared_until(self, node: int) -> Ints:
        """The day before which each person's pool serves the node."""
        by_pool = _ints(
            [
                FOREVER
                if node in pool.home_nodes
                else max((a.until_day for a in pool.agreements if a.node == node), default=NEVER)
                for pool in self.problem.pools
            ]
        )
        return by_pool[self.pool]

    @functools.cache  # noqa: B019
    def approved_until(self, topic: int, audience: int) -> Ints:
        """The day before which each person has an approved talk on the topic for the audience."""
        return _ints(
            [
                max(
                    (
                        talk.until_day
                        for talk in one.approvals
                        if talk.topic == topic and talk.audiences >> audience & 1
                    ),
                    default=NEVER,
                )
                for one in self.problem.experts
            ]
        )


def _ints(values: Sequence[object]) -> Ints:
    return np.array(values, dtype=np.int64)


def _named(people: People, request: int, seat: int) -> Mask:
    asked = people.problem.requests[request]
    if asked.naming is not Naming.ONLY or seat != 0:
        return np.ones(len(people.role), dtype=np.bool_)
    only: Mask = np.arange(len(people.role)) == asked.named
    return only


def _bit(masks: Ints, index: int) -> Mask:
    return (masks >> index & 1).astype(np.bool_)


def _not_barred(people: People, request: int, _: int) -> Mask:
    free = np.ones(len(people.role), dtype=np.bool_)
    for expert, about in people.barred:
        if about in {-1, request}:
            free[expert] = False
    return free


ALWAYS: Sequence[tuple[str, Callable[[People, int, int], Mask]]] = (
    ("named_only_leads", _named),
    (
        "has_role",
        lambda people, request, seat: (
            people.problem.requests[request].seats[seat].roles >> people.role & 1
        ).astype(np.bool_),
    ),
    (
        "has_proficiency",
        lambda people, request, seat: (
            people.skills[:, people.problem.requests[request].topic]
            >= people.problem.requests[request].seats[seat].proficiency_min
        ),
    ),
    (
        "speaks_to_audience",
        lambda people, request, _: _bit(
            people.audiences, people.problem.requests[request].audience
        ),
    ),
    (
        "does_form",
        lambda people, request, _: _bit(people.forms, people.problem.requests[request].form),
    ),
    (
        "speaks_at_level",
        lambda people, request, _: _bit(people.levels, people.problem.requests[request].level),
    ),
    ("forbids_kept", _not_barred),
)
"""Who may come at all, by (people, request, seat): one answer per expert."""


def _approved(people: People, request: int, seat: int) -> Ints:
    asked = people.problem.requests[request]
    if not asked.seats[seat].approved_talk:
        return np.full(len(people.role), FOREVER)
    return people.approved_until(asked.topic, asked.audience)


DAILY: Sequence[tuple[str, Callable[[People, int, int], tuple[Ints | int, Ints]]]] = (
    ("pool_in_term", lambda people, _, __: (people.from_day, people.until_day)),
    (
        "pool_shared",
        lambda people, request, _: (
            NEVER,
            people.shared_until(people.problem.requests[request].node),
        ),
    ),
    (
        "cleared_for_minors",
        lambda people, request, _: (
            NEVER,
            people.clearance_until_day
            if people.problem.requests[request].minors
            else np.full(len(people.role), FOREVER),
        ),
    ),
    ("talk_approved", lambda people, request, seat: (NEVER, _approved(people, request, seat))),
)
"""On which days people may come, by (people, request, seat): per expert, days `[from, until)`."""

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
