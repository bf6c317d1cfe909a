"""Answers about a plan: why a request is not served and what would mend it, why somebody has a seat, what a move costs."""

import asyncio
import dataclasses
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from libs.errors import Conflict
from libs.ids import new_id
from services.scheduling.domain.round import Round
from services.scheduling.domain.run import (
    PlanRecord,
    Repair,
    RequestNotInPlan,
    Stage,
    StageResult,
    Unserved,
    WhyNot,
)
from services.scheduling.handlers import frozen as inputs
from services.scheduling.handlers.frozen import Frozen
from services.scheduling.handlers.legend import NotInRound
from services.scheduling.handlers.outcome import (
    Names,
    PlannedEvent,
    planned_events,
    served_requests,
    unserved_of,
    values_of,
)
from services.scheduling.handlers.publish import UNSERVED_MAX
from services.scheduling.handlers.rules import rule_sentences
from services.scheduling.handlers.sentences import repair_sentences, seat_why_sentences
from services.scheduling.optimizer.certificate import verify
from services.scheduling.optimizer.check import values, violations
from services.scheduling.optimizer.explain import Explainer
from services.scheduling.optimizer.formats import canonical_bytes, input_hash
from services.scheduling.optimizer.problem import Pin, Plan
from services.scheduling.optimizer.problem import Stage as OptimizerStage
from services.scheduling.optimizer.relaxing import Repairs, repaired
from services.scheduling.optimizer.stop import Stop
from services.scheduling.optimizer.whatif import Compared, compare, price_move
from services.scheduling.ports import StoredPlan, Transaction

REPAIR_S = 6.0
REPAIRS_S = 60.0
"""How long repairs are sought after a run; some 20 ms each at 3,000 requests."""
PRICE_S = 0.4
"""A hand is on the mouse."""
DISPLACED_LOOKED_AT = 60
"""So many of the displaced are looked at, some 10 ms each: somebody waits for the answer."""
DISPLACED_MAX = 10


class RepairChanged(Conflict):
    """What would serve the request now is not the repair that was read, or it needs a person there is not."""


@dataclass(frozen=True, slots=True)
class SeatWhy:
    """Why somebody has a seat; `others` could have come at that time."""

    seat: int
    fit: int
    travel_min_added: int
    others: tuple[str, ...]
    message: str
    message_en: str


@dataclass(frozen=True, slots=True)
class Answer:
    """`unserved`, or `planned` with `seats`."""

    unserved: Unserved | None = None
    planned: PlannedEvent | None = None
    seats: tuple[SeatWhy, ...] = ()
    displaced: tuple[Unserved, ...] = ()


@dataclass(frozen=True, slots=True)
class BrokenRule:
    """A rule that a move would break, and in which words to say so."""

    rule: str
    message: str
    message_en: str


@dataclass(frozen=True, slots=True)
class Price:
    """What a move would break, and by how much each stage would change.

    `feasible`: a near plan keeps the move and every rule; it serves `changed` requests otherwise and `dropped` no more.
    """

    broken: tuple[BrokenRule, ...]
    differences: tuple[StageResult, ...]
    feasible: bool
    changed: tuple[str, ...]
    dropped: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What referee and certificate say of a plan, computed again."""

    violations: tuple[str, ...]
    inputs_hash: str
    stages: tuple[StageResult, ...]


async def explain(name: str, request: str, frozen: Frozen, plan: Plan, tx: Transaction) -> Answer:
    """Why the request is served so, or is not; the repair of an unserved one is sought once and kept.

    Raises:
        RequestNotInPlan: the round did not have it.
    """
    unserved = await tx.plans.unserved_one(name, request)
    if unserved is not None:
        if not unserved.repair_sought:
            unserved = await asyncio.to_thread(_repair_of, unserved, frozen, plan)
            await tx.plans.keep_unserved(name, unserved)
        return Answer(unserved=unserved)
    try:
        index = frozen.legend.request_index(request)
    except NotInRound as error:
        raise RequestNotInPlan("the round did not have it", request=request) from error
    events = await asyncio.to_thread(planned_events, frozen, plan)
    (event,) = (one for one in events if one.request == request)
    left_out = await tx.plans.unserved(name, after=0, size=UNSERVED_MAX)
    return Answer(
        planned=event,
        seats=await asyncio.to_thread(_seats, index, frozen, plan),
        displaced=await asyncio.to_thread(_displaced, index, left_out, frozen, plan),
    )


def _displaced(
    index: int, left_out: Sequence[Unserved], frozen: Frozen, plan: Plan
) -> tuple[Unserved, ...]:
    """Who is not served because somebody's day goes to this request; `left_out` is heaviest first."""
    explainer = Explainer(frozen.problem, plan)
    waiting = (one for one in left_out if one.why_not is WhyNot.DISPLACED)
    found = [
        one
        for one in itertools.islice(waiting, DISPLACED_LOOKED_AT)
        if index in explainer.why_not(frozen.legend.request_index(one.request)).requests
    ]
    return tuple(found[:DISPLACED_MAX])


def repairs_of(
    frozen: Frozen,
    plan: Plan,
    left_out: Sequence[Unserved],
    *,
    tell: Callable[[Unserved], None],
    asked: Callable[[], bool],
) -> None:
    """Seek the repair of each that is left out and tell it at once, in their order: the most needed first. Ends after `REPAIRS_S`,
    or when `asked` says so; who was not reached by then is looked at when somebody asks.
    """
    stop = Stop(seconds=REPAIRS_S, asked=asked)
    repairs = Repairs(frozen.problem, plan)
    for one in left_out:
        if stop.now(0):
            return
        if not one.repair_sought:
            tell(_with_repair(one, frozen, repairs))


def _repair_of(unserved: Unserved, frozen: Frozen, plan: Plan) -> Unserved:
    return _with_repair(unserved, frozen, Repairs(frozen.problem, plan))


def _with_repair(unserved: Unserved, frozen: Frozen, repairs: Repairs) -> Unserved:
    index = frozen.legend.request_index(unserved.request)
    found = repairs.cheapest(index, seed=0, stop=Stop(seconds=REPAIR_S))
    repair = None
    if found is not None:
        message, message_en = repair_sentences(frozen.problem, index, found, Names(frozen))
        period = (
            None
            if found.start is None
            else frozen.legend.period(index, found.start, frozen.problem)
        )
        repair = Repair(found.code, message, message_en, found.price, period, found.seat)
    return dataclasses.replace(unserved, repair=repair, repair_sought=True)


def _seats(index: int, frozen: Frozen, plan: Plan) -> tuple[SeatWhy, ...]:
    names = Names(frozen)
    return tuple(
        SeatWhy(
            one.seat,
            one.fit,
            one.travel_min_added,
            tuple(frozen.legend.experts[other].name for other in one.others),
            *seat_why_sentences(frozen.problem, index, one, names),
        )
        for one in Explainer(frozen.problem, plan).why(index)
    )


async def price(frozen: Frozen, plan: Plan, move: Pin) -> Price:
    """What holding the plan to `move` would break and cost; changes nothing."""
    priced = await asyncio.to_thread(
        price_move, frozen.problem, plan, move, seed=0, stop=Stop(seconds=PRICE_S)
    )
    names = Names(frozen)
    legend = frozen.legend.requests
    compared = Compared((), (), ()) if priced.plan is None else compare(plan, priced.plan)
    return Price(
        broken=tuple(
            BrokenRule(one.rule, *rule_sentences(one, names)) for one in priced.violations
        ),
        differences=_differences(priced.before, priced.after),
        feasible=priced.plan is not None,
        changed=tuple(legend[one].name for one in compared.changed if one != move.request),
        dropped=tuple(legend[one].name for one in compared.only_first),
    )


async def adopt(
    before: Round,
    stored: StoredPlan,
    frozen: Frozen,
    plan: Plan,
    tx: Transaction,
    *,
    request: str,
    code: str,
    now: datetime,
) -> tuple[Round, PlanRecord]:
    """Do the repair of a request that its venue has agreed to, in a plan of its own, and choose that.

    Raises:
        RequestNotInPlan: the plan's round did not have it, or it is served.
        RepairChanged: the repair that works now is another one, or none, or needs a person there is not.
        RoundInWrongState: the round has no plan to choose, or it is out.
    """
    before.chosen(before.plan)  # may another plan be chosen at all?
    left_out = await tx.plans.unserved_one(stored.record.name, request)
    if left_out is None:
        raise RequestNotInPlan("the plan does not leave it out", request=request)
    index = frozen.legend.request_index(request)
    done = await asyncio.to_thread(
        repaired, frozen.problem, plan, index, seed=0, stop=Stop(seconds=REPAIR_S)
    )
    if done is None or done.repair.code != code or code == "ONE_MORE_EXPERT":
        raise RepairChanged("what would work now is not what was read", request=request, code=code)
    changed = dataclasses.replace(frozen, problem=done.problem)
    kept = await inputs.store(done.problem, frozen.legend, tx)
    unserved = await asyncio.to_thread(unserved_of, changed, done.plan)
    record = PlanRecord(
        name=f"{before.name}/plans/{new_id('plan')}",
        round=before.name,
        inputs_hash=kept.inputs_hash,
        stages=await asyncio.to_thread(values_of, changed, done.plan),
        served=len(served_requests(done.plan)),
        unserved=len(unserved),
        assignments=len(done.plan.assignments),
        create_time=now,
        baseline=stored.record.baseline,
    )
    await tx.plans.add(StoredPlan(record, canonical_bytes(done.plan), ""), unserved)
    after = before.chosen(record.name)
    await tx.rounds.save(after)
    return after, record


def _differences(
    before: Mapping[OptimizerStage, int], after: Mapping[OptimizerStage, int]
) -> tuple[StageResult, ...]:
    return tuple(
        StageResult(Stage[stage.name], after[stage] - value) for stage, value in before.items()
    )


async def verified(stored: StoredPlan, frozen: Frozen, plan: Plan) -> Verdict:
    """Check a stored plan again from its stored inputs: rules, hash, values, and what the certificate claims."""
    faults: Sequence[str] = [
        one.message for one in await asyncio.to_thread(violations, frozen.problem, plan)
    ]
    if stored.certificate and not faults:
        faults = await asyncio.to_thread(verify, frozen.problem, plan, stored.certificate.encode())
    again = await asyncio.to_thread(input_hash, frozen.problem)
    if again != stored.record.inputs_hash:
        faults = [*faults, f"the stored inputs have the hash {again}, the plan names another"]
    exact = await asyncio.to_thread(values, frozen.problem, plan) if not faults else {}
    return Verdict(
        tuple(faults),
        again,
        tuple(StageResult(Stage[stage.name], value) for stage, value in exact.items()),
    )
