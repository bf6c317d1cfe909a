"""A worker: takes a stored run, solves it in a thread, tells how it goes, and leaves a plan that the referee has passed.

While it works it keeps a lease. When it dies, another takes the run over from the best plan that was left; whatever the
dead one might still say is void, because every word of a worker names its attempt.
"""

import asyncio
import dataclasses
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager

import structlog

from libs.clock import Clock
from libs.errors import Refusal
from libs.postgres.outages import OUTAGES
from services.scheduling.domain.run import (
    ATTEMPTS_MAX,
    LeaseLost,
    Progress,
    Run,
    Stage,
    SupplySignal,
    Unserved,
)
from services.scheduling.handlers import run as runs
from services.scheduling.handlers import supply, why
from services.scheduling.handlers.frozen import Frozen, Inputs
from services.scheduling.handlers.run import Solved, UnsoundPlan
from services.scheduling.optimizer import solve as optimizer
from services.scheduling.optimizer.formats import canonical_bytes, plan_from
from services.scheduling.optimizer.problem import Plan, Problem
from services.scheduling.optimizer.solve import Infeasible
from services.scheduling.optimizer.stop import Stop
from services.scheduling.ports import Transaction

Transactions = Callable[[], AbstractAsyncContextManager[Transaction]]

LOOK_EVERY_S = 0.5
BEAT_EVERY_S = 0.5
INCUMBENT_EVERY = 6
"""Every so many beats the best plan so far is kept."""

_log = structlog.stdlib.get_logger(__name__)


class Worker:
    """Solves runs one after the other; `run` it beside nothing else, because a solve takes a whole core."""

    def __init__(
        self, transaction: Transactions, *, clock: Clock, inputs: Inputs, lease_s: float
    ) -> None:
        self._transaction = transaction
        self._clock = clock
        self._inputs = inputs
        self._lease_s = lease_s

    async def run(self) -> None:
        """Work for ever; outages of the database are waited out."""
        while True:
            try:
                async with self._transaction() as tx:
                    run = await tx.runs.lease(seconds=self._lease_s)
                if run is None:
                    await asyncio.sleep(LOOK_EVERY_S)
                else:
                    await self.work(run)
            except LeaseLost as lost:
                _log.warning("lease lost", run=str(lost))
            except OUTAGES as outage:
                _log.warning("database away", error=repr(outage))
                await asyncio.sleep(LOOK_EVERY_S)

    async def work(self, run: Run) -> None:
        """Bring a leased run to its end.

        Raises:
            LeaseLost: another worker has it now.
        """
        _log.info("solving", run=run.name, attempt=run.attempts)
        try:
            proposed = await self._solve(run)
        except (Refusal, Infeasible, UnsoundPlan, MemoryError) as error:
            _log.warning("not solved", run=run.name, error=str(error))
            async with self._transaction() as tx:
                await runs.fail(run, _sentence(error), tx, now=self._clock())
        else:
            if proposed is not None:
                await self._look_for_repairs(*proposed)
                await self._look_for_supply(*proposed)

    async def _look_for_repairs(self, plan: str, solved: Solved) -> None:
        """Say what would serve whom the proposed plan leaves out, the most needed first, and keep it as it is found; whoever
        waits to be solved comes first.
        """
        found: deque[Unserved] = deque()

        def look(asked: Callable[[], bool]) -> None:
            made, left_out = solved.result.plan, solved.unserved
            why.repairs_of(solved.frozen, made, left_out, tell=found.append, asked=asked)

        async def keep(tx: Transaction) -> None:
            while found:
                await tx.plans.keep_unserved(plan, found.popleft())

        await self._look(look, keep)

    async def _look_for_supply(self, plan: str, solved: Solved) -> None:
        """Say whom to recruit next, beside a plan that is proposed already; whoever waits to be solved comes first."""
        found: deque[Sequence[SupplySignal]] = deque()

        def look(asked: Callable[[], bool]) -> None:
            result = solved.result
            found.append(supply.verified(solved.frozen, result.plan, result.duals, asked=asked))

        async def keep(tx: Transaction) -> None:
            while found:
                await tx.plans.keep_supply(plan, found.popleft())

        await self._look(look, keep)

    async def _look(
        self,
        look: Callable[[Callable[[], bool]], None],
        keep: Callable[[Transaction], Awaitable[None]],
    ) -> None:
        """Let `look` work in a thread, and `keep` what it has found now and then, and at its end. It is asked to end when a run
        waits.
        """
        ending = threading.Event()
        try:
            async with asyncio.TaskGroup() as group:
                looking = group.create_task(asyncio.to_thread(look, ending.is_set))
                while not looking.done():
                    await asyncio.wait({looking}, timeout=LOOK_EVERY_S)
                    async with self._transaction() as tx:
                        await keep(tx)
                        if await tx.runs.any_queued():
                            ending.set()
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from errors
        finally:
            ending.set()
        async with self._transaction() as tx:
            await keep(tx)

    async def _solve(self, run: Run) -> tuple[str, Solved] | None:
        if run.attempts > ATTEMPTS_MAX:
            raise UnsoundPlan(f"{ATTEMPTS_MAX} workers have died of it")
        async with self._transaction() as tx:
            round = await tx.rounds.get(run.round, scope=None)
            frozen = await self._inputs.get(round.inputs_hash, tx)
            known = await tx.runs.progress(run.name, after=0, size=1_000_000)
            warm = await tx.runs.incumbent(run.name)
            if warm is None and run.warm_plan:
                warm = (await tx.plans.get(run.warm_plan)).plan
        problem = frozen.legend.held(frozen.problem, run.pins, run.forbids)
        told = _Told(known)
        solving = _Solving(problem, frozen, run, told, plan_from(warm) if warm else None)
        try:
            async with asyncio.TaskGroup() as group:
                solved = group.create_task(asyncio.to_thread(solving))
                group.create_task(self._beating(run, told, solved))
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from errors
        finally:
            told.stop.set()
        await self._beat(run, told, keep=False)
        async with self._transaction() as tx:
            record = await runs.finish(run, solved.result(), told.curve, tx, now=self._clock())
        _log.info("solved", run=run.name)
        return None if record is None else (record.name, solved.result())

    async def _beating(self, run: Run, told: "_Told", solved: "asyncio.Task[Solved]") -> None:
        """Keep the lease until the thread is done; a database that is away for a moment is no reason to stop."""
        beats = 0
        while not solved.done():
            await asyncio.wait({solved}, timeout=BEAT_EVERY_S)
            beats += 1
            try:
                await self._beat(run, told, keep=beats % INCUMBENT_EVERY == 0)
            except OUTAGES as outage:
                _log.warning("database away", error=repr(outage))
            except LeaseLost:
                told.stop.set()
                raise

    async def _beat(self, run: Run, told: "_Told", *, keep: bool) -> None:
        """Keep the lease, pass on what the solve has said, hear whether to stop."""
        news = told.news()
        plan = told.plan if keep else None
        async with self._transaction() as tx:
            stopping = await tx.runs.beat(
                run, seconds=self._lease_s, incumbent=canonical_bytes(plan) if plan else None
            )
            await tx.runs.report(run.name, news)
        told.stored(news)
        if stopping:
            told.stop.set()


class _Told:
    """What the solving thread has said, and whether it should stop; the only thing the two threads share."""

    def __init__(self, curve: Sequence[Progress]) -> None:
        self.curve = list(curve)
        """What was said and stored, by this attempt and those before it."""
        self.plan: Plan | None = None
        self.stop = threading.Event()
        self._number = curve[-1].number if curve else 0
        self._said: deque[Progress] = deque()
        self._unstored: list[Progress] = []

    def observe(self, said: optimizer.Progress, plan: Plan | None) -> None:
        """Called by the solver."""
        self._number += 1
        self._said.append(
            Progress(
                number=self._number,
                elapsed_s=round(said.elapsed_s, 3),
                stage=Stage[said.stage.name],
                incumbent=said.incumbent,
                served=said.served,
                phase=said.phase,
                bound=said.bound,
                gap=_gap(said.incumbent, said.bound),
            )
        )
        if plan is not None:
            self.plan = plan

    def news(self) -> Sequence[Progress]:
        """What was said and is not stored yet; called by the worker's loop."""
        while self._said:
            self._unstored.append(self._said.popleft())
        return list(self._unstored)

    def stored(self, news: Sequence[Progress]) -> None:
        """`news` is stored."""
        self.curve += news
        del self._unstored[: len(news)]


@dataclasses.dataclass(frozen=True, slots=True)
class _Solving:
    """One solve and all that is said about its plan, in a thread of its own."""

    problem: Problem
    frozen: Frozen
    run: Run
    told: _Told
    warm: Plan | None

    def __call__(self) -> Solved:
        run = self.run
        result = optimizer.solve(
            self.problem,
            seed=run.seed,
            stop=Stop(
                seconds=run.seconds or None,
                iterations=run.iterations or None,
                asked=self.told.stop.is_set,
            ),
            observe=self.told.observe,
            warm=self.warm,
        )
        return runs.summed_up(self.problem, self.frozen, result)


def _gap(incumbent: int, bound: int | None) -> float | None:
    return None if bound is None else max(0.0, (bound - incumbent) / max(1, abs(bound)))


def _sentence(error: BaseException) -> str:
    return error.sentence if isinstance(error, Refusal) else str(error) or type(error).__name__
