"""Somebody cannot come after all: the round is mended with the fewest changes, and what was promised is kept."""

import asyncio
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from libs.errors import FieldViolation, InvalidInput
from libs.ids import new_id
from services.scheduling.domain.assignment import (
    ENGAGED,
    Assignment,
    State,
    published_hash,
)
from services.scheduling.domain.round import Round
from services.scheduling.domain.round import State as RoundState
from services.scheduling.domain.run import PlanRecord, Unserved
from services.scheduling.handlers import frozen as inputs
from services.scheduling.handlers.frozen import Frozen
from services.scheduling.handlers.outcome import served_requests, unserved_of, values_of
from services.scheduling.handlers.publish import announce, keep_ledger, named
from services.scheduling.optimizer import check
from services.scheduling.optimizer import repair as nearest
from services.scheduling.optimizer.formats import canonical_bytes
from services.scheduling.optimizer.problem import Assignment as Planned
from services.scheduling.optimizer.problem import Pin, Plan, Problem
from services.scheduling.optimizer.stop import Stop
from services.scheduling.ports import StoredPlan, Transaction

SECONDS = 8.0
"""A repair is awaited by somebody on the telephone."""
ANSWER_WITHIN = timedelta(days=1)


class NotOfThisRound(InvalidInput):
    """An assignment that is said to be lost does not stand in this round."""


@dataclass(frozen=True, slots=True)
class Mended:
    """The round after it; `changed` assignments with their new states; requests that lose their event; whether it is proven
    that fewer changes are impossible (`nearest.Repaired`).
    """

    round: Round
    changed: Sequence[Assignment]
    unserved: Sequence[Unserved]
    least: bool


async def repair(
    before: Round,
    frozen: Frozen,
    plan: Plan,
    lost: Sequence[str],
    tx: Transaction,
    *,
    reason: str,
    validate_only: bool,
    now: datetime,
) -> Mended:
    """Take `lost` assignments away and mend the rest; with `validate_only` say what would change and change nothing.

    Raises:
        NotOfThisRound: one of them does not stand.
        RoundInWrongState: nothing is promised yet, or all is over.
    """
    before.repaired(plan=before.plan, assignments=0, published_hash="")  # may it be mended at all?
    standing = [
        one
        for one in await tx.assignments.of_round(before.name, lock=True)
        if one.state in (*ENGAGED, State.DECLINED, State.LAPSED)
    ]
    gone = _lost(standing, lost)
    index = _Index(frozen, plan)
    planned = [index.planned(one) for one in gone]
    minute = frozen.legend.minute(now)
    problem = _with_begun(frozen.problem, plan, planned, minute)
    mended = await asyncio.to_thread(
        nearest.repair,
        problem,
        plan,
        planned,
        seed=0,
        stop=Stop(seconds=SECONDS),
        not_before=max(0, minute),
    )
    after_inputs = dataclasses.replace(frozen, problem=nearest.without(problem, planned))
    unserved = await asyncio.to_thread(unserved_of, after_inputs, mended.plan)
    changes = _changes(before, after_inputs, standing, mended.plan, index, reason=reason, now=now)
    served_before = {one.request for one in standing}
    lost_event = [one for one in unserved if one.request in served_before]
    if validate_only:
        changed = [*changes.ended, *changes.moved, *changes.begun]
        return Mended(before, changed, lost_event, mended.least)

    stored = await _store(before, after_inputs, mended.plan, unserved, tx, now=now)
    await tx.assignments.save(*changes.ended, *changes.moved)
    await tx.assignments.add(changes.begun)
    current = [*changes.kept, *changes.moved, *changes.begun]
    after = before.repaired(
        plan=stored.name, assignments=len(current), published_hash=published_hash(current)
    )
    await tx.rounds.save(after)
    for one in changes.ended:
        tx.facts.assignment("Cancelled", one, at=now)
    for one in changes.moved:
        tx.facts.assignment("Changed", one, at=now)
    for one in changes.begun:
        tx.facts.assignment("Published" if one.state is State.CONFIRMED else "Offered", one, at=now)
    if before.state is RoundState.PUBLISHED:
        touched = {one.request for one in (*changes.ended, *changes.moved, *changes.begun)}
        still = [one for one in current if one.request in touched]
        await announce(after, still, lost_event, after_inputs, tx, now=now)
        await keep_ledger(after, after_inputs, mended.plan, unserved, tx)
    changed = [*changes.ended, *changes.moved, *changes.begun]
    return Mended(after, changed, lost_event, mended.least)


def _lost(standing: Sequence[Assignment], names: Sequence[str]) -> list[Assignment]:
    by_name = {one.name: one for one in standing}
    missing = [i for i, name in enumerate(names) if name not in by_name]
    if missing:
        raise NotOfThisRound(
            "these do not stand in this round",
            violations=[
                FieldViolation(f"lost[{i}]", "does not stand in this round") for i in missing
            ],
        )
    return [by_name[name] for name in dict.fromkeys(names)]


class _Index:
    """From assignments to the plan's, and back."""

    def __init__(self, frozen: Frozen, plan: Plan) -> None:
        self.legend = frozen.legend
        self._planned = {
            (frozen.legend.requests[one.request].name, one.seat): one for one in plan.assignments
        }

    def planned(self, assignment: Assignment) -> Planned:
        """The plan's assignment of a standing one."""
        return self._planned[assignment.request, assignment.seat]

    def key(self, planned: Planned) -> tuple[str, int]:
        """Request's name and seat."""
        return self.legend.requests[planned.request].name, planned.seat


def _with_begun(problem: Problem, plan: Plan, gone: Sequence[Planned], minute: int) -> Problem:
    """The problem in which what has begun stays as it is."""
    begun = [
        Pin(one.request, one.seat, one.expert, one.start)
        for one in plan.assignments
        if one.start <= minute and one not in gone
    ]
    open_seats = {(pin.request, pin.seat) for pin in begun}
    pins = [pin for pin in problem.pins if (pin.request, pin.seat) not in open_seats]
    return dataclasses.replace(problem, pins=(*pins, *begun))


@dataclass(frozen=True, slots=True)
class _Changes:
    kept: list[Assignment]
    ended: list[Assignment]
    moved: list[Assignment]
    begun: list[Assignment]


def _changes(
    round: Round,
    frozen: Frozen,
    standing: Sequence[Assignment],
    plan: Plan,
    index: _Index,
    *,
    reason: str,
    now: datetime,
) -> _Changes:
    """What becomes of each standing assignment, and which ones begin."""
    wanted = {index.key(one): one for one in plan.assignments}
    changes = _Changes([], [], [], [])
    for one in standing:
        new = wanted.get((one.request, one.seat))
        if new is None or frozen.legend.experts[new.expert].name != one.expert:
            changes.ended.append(one.cancelled(reason=reason, replaced=new is not None))
            continue
        del wanted[one.request, one.seat]
        period = frozen.legend.period(new.request, new.start, frozen.problem)
        after = one.moved(period, remote=new.remote)
        (changes.kept if after == one else changes.moved).append(after)
    events = {one.request: one.event for one in standing}
    published = round.state is RoundState.PUBLISHED
    for one in named(round, frozen, list(wanted.values()), events=events):
        begun = dataclasses.replace(
            one,
            state=State.CONFIRMED if published else State.OFFERED,
            respond_by_time=None if published else now + ANSWER_WITHIN,
        )
        changes.begun.append(begun)
    return changes


async def _store(
    round: Round,
    frozen: Frozen,
    plan: Plan,
    unserved: Sequence[Unserved],
    tx: Transaction,
    *,
    now: datetime,
) -> PlanRecord:
    """Keep the mended plan with its inputs, checked by the referee."""
    assert not check.violations(frozen.problem, plan), "a repair keeps every rule"
    kept = await inputs.store(frozen.problem, frozen.legend, tx)
    record = PlanRecord(
        name=f"{round.name}/plans/{new_id('plan')}",
        round=round.name,
        inputs_hash=kept.inputs_hash,
        stages=values_of(frozen, plan),
        served=len(served_requests(plan)),
        unserved=len(unserved),
        assignments=len(plan.assignments),
        create_time=now,
    )
    await tx.plans.add(StoredPlan(record, canonical_bytes(plan), ""), unserved)
    return record
