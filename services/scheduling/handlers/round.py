"""A round's steps up to its plan: open, look through, freeze, hold, choose, sign, close, give up."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from libs.errors import FieldViolation, InvalidInput, WrongState
from libs.geo.travel import TravelProvider
from services.scheduling.domain.assignment import State as AssignmentState
from services.scheduling.domain.finding import Finding
from services.scheduling.domain.inputs import LOCAL
from services.scheduling.domain.round import Round
from services.scheduling.handlers import frozen
from services.scheduling.handlers.snapshot import Known, Snapshot, snapshot
from services.scheduling.ports import Transaction

LOOK_BACK = timedelta(days=400)
"""Engagements that can matter to a round: those of its school year, and of agreements' terms."""
FINDINGS_MAX = 1000


class NothingToFreeze(WrongState):
    """No request waits in the round's horizon and scope."""


class HorizonPassed(InvalidInput):
    """The horizon has ended already."""


class RoundNodeUnknown(InvalidInput):
    """A node whose requests the round should take is not in the tree."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What freezing now would take in, and what is wrong with it."""

    requests_count: int
    experts_count: int
    findings: Sequence[Finding]


async def open_round(round: Round, tx: Transaction, *, now: datetime) -> Round:
    """Store a new round and announce it.

    Raises:
        HorizonPassed: its last day is over.
        RoundNodeUnknown: it names a node that is not in the tree.
        RoundExists: one of this name is there.
    """
    end = round.horizon.end_date
    if end is not None and end <= now.astimezone(LOCAL).date():
        raise HorizonPassed(
            "the horizon has ended already",
            violations=[FieldViolation("round.horizon.end_date", "must be after today")],
        )
    known = await tx.world.nodes() if round.nodes else {}
    unknown = [
        FieldViolation(f"round.nodes[{index}]", f"no node {node!r}")
        for index, node in enumerate(round.nodes)
        if node not in known
    ]
    if unknown:
        raise RoundNodeUnknown("a node of the round is not in the tree", violations=unknown)
    scope = {above for node in round.nodes for above in known[node].path}
    await tx.rounds.add(round, scope=sorted(scope))
    tx.facts.opened(round, at=now)
    return round


async def preview(round: Round, tx: Transaction, *, travel: TravelProvider) -> Preview:
    """Look through what freezing now would take in; changes nothing."""
    taken, _ = await _take(round, tx, travel=travel)
    waiting = [
        Finding(
            "NOT_ENDORSED",
            one.name,
            "已提交，等待区县或三长推荐",
            "Submitted; waits for endorsement by the district or a local head",
        )
        for one in await tx.world.submitted(nodes=round.nodes)
    ]
    findings = sorted([*taken.findings, *waiting], key=lambda one: (one.code, one.subject))
    return Preview(len(taken.legend.requests), len(taken.legend.experts), findings[:FINDINGS_MAX])


async def freeze(round: Round, tx: Transaction, *, travel: TravelProvider, now: datetime) -> Round:
    """Take in what waits, store it with its hash, and announce it.

    Raises:
        NothingToFreeze: nothing waits.
        RoundInWrongState: it is not open.
    """
    taken, requests = await _take(round, tx, travel=travel)
    if not requests:
        raise NothingToFreeze(
            "no endorsed request waits in this horizon and scope", round=round.name
        )
    inputs = await frozen.store(taken.problem, taken.legend, tx)
    after = round.frozen(
        inputs_hash=inputs.inputs_hash,
        requests=len(requests),
        experts=len(taken.legend.experts),
        at=now,
    )
    await tx.rounds.claim(round.name, requests)
    await tx.rounds.save(after)
    tx.facts.frozen(after, requests=requests, at=now)
    return after


async def _take(
    round: Round, tx: Transaction, *, travel: TravelProvider
) -> tuple[Snapshot, Sequence[str]]:
    """The snapshot as of now, and the requests in it, those that are ruled out among them."""
    requests = await tx.world.waiting(nodes=round.nodes, programmes=round.programmes)
    start = datetime.combine(round.horizon.start_date, datetime.min.time(), LOCAL)
    engaged = await tx.assignments.engaged(since=start - LOOK_BACK)
    venues = {one.venue for one in requests} | {one.venue for one in engaged}
    known = Known(
        experts=await tx.world.experts(),
        pools=await tx.world.pools(),
        nodes=await tx.world.nodes(),
        venues=await tx.world.venues(sorted(venues)),
        requests=requests,
        engaged=engaged,
        debts=await tx.rounds.debts(),
    )
    taken = await asyncio.to_thread(snapshot, round, known, travel=travel)
    names = [one.name for one in taken.legend.requests]
    return taken, sorted([*names, *(one.request.name for one in taken.legend.ruled_out)])


async def change(before: Round, step: Callable[[Round], Round], tx: Transaction) -> Round:
    """Take a step that nobody but the round's readers hears of: pins, forbids, another plan, a signature."""
    after = step(before)
    if after != before:
        await tx.rounds.save(after)
    return after


async def choose(before: Round, plan: str, tx: Transaction) -> Round:
    """Make one of its plans the one it would publish.

    Raises:
        PlanNotFound: the plan is of another round, or of none.
    """
    await tx.plans.get(plan)
    return await change(before, lambda round: round.chosen(plan), tx)


async def close(before: Round, tx: Transaction, *, now: datetime) -> Round:
    """The round is over: what its districts and groups are owed is carried on."""
    after = before.closed()
    if after == before:
        return before
    lines = await tx.rounds.coverage(before.name, after=None, size=100_000)
    await tx.rounds.set_debts({(line.district, line.group): line.debt for line in lines})
    await tx.rounds.save(after)
    tx.facts.closed(after, at=now)
    return after


async def abandon(before: Round, tx: Transaction, *, now: datetime) -> Round:
    """The round is given up: whoever was asked is told, and its requests wait again."""
    after = before.abandoned()
    if after == before:
        return before
    requests = await tx.rounds.requests(before.name)
    await tx.rounds.release(before.name)
    for assignment in await tx.assignments.of_round(before.name, lock=True):
        if assignment.state in (AssignmentState.OFFERED, AssignmentState.ACCEPTED):
            cancelled = assignment.cancelled(reason="round abandoned")
            await tx.assignments.save(cancelled)
            tx.facts.assignment("Cancelled", cancelled, at=now)
    await tx.rounds.save(after)
    tx.facts.abandoned(after, requests=requests, at=now)
    return after
