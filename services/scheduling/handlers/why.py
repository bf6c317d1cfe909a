"""Answers about a plan: why a request is not served and what would mend it, why somebody has a seat, what a move costs."""

import asyncio
import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.scheduling.domain.run import (
    Repair,
    RequestNotInPlan,
    Stage,
    StageResult,
    Unserved,
)
from services.scheduling.handlers.frozen import Frozen
from services.scheduling.handlers.legend import NotInRound
from services.scheduling.handlers.outcome import Names, PlannedEvent, planned_events
from services.scheduling.handlers.sentences import repair_sentences, seat_why_sentences
from services.scheduling.optimizer.certificate import verify
from services.scheduling.optimizer.check import values, violations
from services.scheduling.optimizer.explain import Explainer, cheapest_repair
from services.scheduling.optimizer.formats import input_hash
from services.scheduling.optimizer.problem import Pin, Plan
from services.scheduling.optimizer.problem import Stage as OptimizerStage
from services.scheduling.optimizer.stop import Stop
from services.scheduling.optimizer.whatif import price_move
from services.scheduling.ports import StoredPlan, Transaction

REPAIR_S = 6.0
PRICE_S = 0.4
"""A hand is on the mouse."""


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


@dataclass(frozen=True, slots=True)
class Price:
    """What a move would break, and by how much each stage would change."""

    violations: tuple[str, ...]
    differences: tuple[StageResult, ...]


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
            unserved = await asyncio.to_thread(_with_repair, unserved, frozen, plan)
            await tx.plans.keep_unserved(name, unserved)
        return Answer(unserved=unserved)
    try:
        index = frozen.legend.request_index(request)
    except NotInRound as error:
        raise RequestNotInPlan("the round did not have it", request=request) from error
    events = await asyncio.to_thread(planned_events, frozen, plan)
    (event,) = (one for one in events if one.request == request)
    return Answer(planned=event, seats=await asyncio.to_thread(_seats, index, frozen, plan))


def _with_repair(unserved: Unserved, frozen: Frozen, plan: Plan) -> Unserved:
    index = frozen.legend.request_index(unserved.request)
    found = cheapest_repair(frozen.problem, plan, index, seed=0, stop=Stop(seconds=REPAIR_S))
    repair = None
    if found is not None:
        message, message_en = repair_sentences(frozen.problem, index, found, Names(frozen))
        period = (
            None
            if found.start is None
            else frozen.legend.period(index, found.start, frozen.problem)
        )
        repair = Repair(found.code, message, message_en, found.price, period)
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
    return Price(
        violations=tuple(one.message for one in priced.violations),
        differences=_differences(priced.before, priced.after),
    )


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
