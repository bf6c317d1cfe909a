"""A run's life around the solve: asked for, stopped, ended with a plan that the referee has passed, or without one."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from libs.ids import new_id
from services.scheduling.domain.round import Round, State
from services.scheduling.domain.run import Baseline, PlanRecord, Progress, Run, Unserved
from services.scheduling.handlers import frozen
from services.scheduling.handlers.frozen import Frozen
from services.scheduling.handlers.outcome import (
    baseline_of,
    served_requests,
    stage_results,
    unserved_of,
)
from services.scheduling.optimizer import check
from services.scheduling.optimizer.certificate import certificate_of
from services.scheduling.optimizer.formats import canonical_bytes
from services.scheduling.optimizer.problem import Problem
from services.scheduling.optimizer.solve import Result
from services.scheduling.ports import StoredPlan, Transaction

CURVE_MAX = 500
"""Points of the live curve that are kept with a plan."""


class UnsoundPlan(Exception):
    """The referee found a broken rule in what the solver made: a bug, never proposed to anybody."""


@dataclass(frozen=True, slots=True)
class Solved:
    """All that a finished solve leaves, computed outside of any transaction."""

    frozen: Frozen
    result: Result
    certificate: str
    unserved: Sequence[Unserved]
    baseline: Baseline


def summed_up(problem: Problem, inputs: Frozen, result: Result) -> Solved:
    """Let the referee look at the plan, certify it, and say why of everything it leaves out.

    `problem` is what was solved: the frozen inputs held to pins and forbids.

    Raises:
        UnsoundPlan: the referee finds something.
    """
    broken = check.violations(problem, result.plan)
    if broken:
        raise UnsoundPlan("; ".join(f"{one.rule}: {one.message}" for one in broken[:5]))
    solved = dataclasses.replace(inputs, problem=problem)
    return Solved(
        frozen=solved,
        result=result,
        certificate=certificate_of(problem, result).decode(),
        unserved=unserved_of(solved, result.plan),
        baseline=baseline_of(solved),
    )


async def start(before: Round, run: Run, tx: Transaction) -> Run:
    """Store a run; a worker will take it.

    Raises:
        RoundInWrongState: there is nothing to solve.
        AnotherRunWorks: the round has one.
    """
    run = dataclasses.replace(run, pins=before.pins, forbids=before.forbids)
    if run.warm_plan:
        await tx.plans.get(run.warm_plan)
    await tx.runs.add(run)
    after = before.solving()
    if after != before:
        await tx.rounds.save(after)
    return run


async def stop(name: str, tx: Transaction) -> Run:
    """Ask a run to end soon with the best it has; itself where it has ended."""
    before = await tx.runs.get(name, lock=True)
    after = before.asked_to_stop()
    if after != before:
        await tx.runs.keep(after)
    return after


async def finish(
    run: Run, solved: Solved, curve: Sequence[Progress], tx: Transaction, *, now: datetime
) -> PlanRecord | None:
    """Store the plan, propose it, and announce it; all of it or nothing. None: the round was given up meanwhile.

    Raises:
        LeaseLost: another worker has the run.
    """
    round = await tx.rounds.get(run.round, scope=None, lock=True)
    await tx.runs.hold(run)
    if round.state is not State.SOLVING:
        await tx.runs.save(run.failed(f"the round is {round.state.value}", at=now))
        return None
    inputs = await frozen.store(solved.frozen.problem, solved.frozen.legend, tx)
    plan = solved.result.plan
    record = PlanRecord(
        name=f"{run.round}/plans/{new_id('plan')}",
        round=run.round,
        inputs_hash=inputs.inputs_hash,
        stages=stage_results(solved.result.stages),
        served=len(served_requests(plan)),
        unserved=len(solved.unserved),
        assignments=len(plan.assignments),
        create_time=now,
        run=run.name,
        baseline=solved.baseline,
        curve=thinned(curve),
    )
    stored = StoredPlan(record, canonical_bytes(plan), solved.certificate)
    await tx.plans.add(stored, solved.unserved)
    await tx.runs.save(run.done(record.name, at=now))
    after = round.solved(record.name)
    await tx.rounds.save(after)
    tx.facts.solved(after, stages=record.stages, at=now)
    return record


async def fail(run: Run, error: str, tx: Transaction, *, now: datetime) -> None:
    """The run ends without a plan; the round is as it was before it.

    Raises:
        LeaseLost: another worker has the run.
    """
    round = await tx.rounds.get(run.round, scope=None, lock=True)
    await tx.runs.hold(run)
    await tx.runs.save(run.failed(error, at=now))
    if round.state is State.SOLVING:
        await tx.rounds.save(round.solved(""))


def thinned(curve: Sequence[Progress]) -> tuple[Progress, ...]:
    """At most `CURVE_MAX` of the points, evenly, first and last among them."""
    if len(curve) <= CURVE_MAX:
        return tuple(curve)
    last = len(curve) - 1
    return tuple(curve[i * last // (CURVE_MAX - 1)] for i in range(CURVE_MAX))
