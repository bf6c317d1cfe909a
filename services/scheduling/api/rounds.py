"""Calls about rounds and their runs."""

import asyncio
from collections.abc import AsyncIterator, Callable

from zhihui.scheduling.v1 import scheduling_pb2 as pb

from libs.auth.principal import current_principal, node_scope
from libs.ids import new_id
from libs.rpc.mapping import from_message, to_message
from libs.rpc.paging import page_of
from services.scheduling.api.calls import (
    Calls,
    Context,
    StoredTransaction,
    round_name,
    round_to,
    two_keys,
)
from services.scheduling.domain.inputs import DatePeriod
from services.scheduling.domain.policy import DEFAULT, POLICIES
from services.scheduling.domain.round import Forbid, Pin, Round
from services.scheduling.domain.run import PlanNotFound, Run
from services.scheduling.handlers import round as rounds
from services.scheduling.handlers import run as runs
from services.scheduling.handlers.publish import UNSERVED_MAX, ledger

SECONDS = 60
"""A run's budget where none is said."""
LOOK_EVERY_S = 0.25


class RoundCalls(Calls):
    """Rounds from opening to closing, and runs."""

    async def ListPolicies(
        self, request: pb.ListPoliciesRequest, context: Context
    ) -> pb.ListPoliciesResponse:
        page = page_of(request)
        after = str(page.after[0]) if page.after else ""
        names = list(POLICIES)
        rest = names[names.index(after) + 1 if after in names else 0 :]
        response = pb.ListPoliciesResponse(
            policies=[to_message(POLICIES[name], pb.Policy) for name in rest[: page.size]]
        )
        if len(rest) > page.size:
            response.next_page_token = page.token_after(rest[page.size - 1])
        return response

    async def OpenRound(
        self, request: pb.OpenRoundRequest, context: Context
    ) -> pb.OpenRoundResponse:
        scope = node_scope(current_principal())
        asked = request.round
        round = Round(
            name=f"rounds/{request.round_id or new_id('round')}",
            title=asked.title,
            horizon=from_message(DatePeriod, asked.horizon, path="round.horizon"),
            nodes=tuple(asked.nodes) or tuple(scope or ()),
            programmes=tuple(asked.programmes),
            policy=asked.policy or DEFAULT,
            create_time=self._clock(),
        )

        async def act(tx: StoredTransaction) -> pb.OpenRoundResponse:
            await self._require_within(round.nodes, tx)
            stored = await rounds.open_round(round, tx, now=self._clock())
            return pb.OpenRoundResponse(round=round_to(stored))

        return await self._once(request, pb.OpenRoundResponse, act)

    async def GetRound(self, request: pb.GetRoundRequest, context: Context) -> pb.GetRoundResponse:
        async with self._transaction() as tx:
            return pb.GetRoundResponse(round=round_to(await self._seen(request.name, tx)))

    async def ListRounds(
        self, request: pb.ListRoundsRequest, context: Context
    ) -> pb.ListRoundsResponse:
        page = page_of(request)
        async with self._transaction() as tx:
            found = await tx.rounds.page(
                scope=node_scope(current_principal()),
                after=two_keys(page.after),
                size=page.size + 1,
            )
        response = pb.ListRoundsResponse(rounds=[round_to(one) for one in found[: page.size]])
        if len(found) > page.size:
            last = found[page.size - 1]
            response.next_page_token = page.token_after(last.create_time.isoformat(), last.name)
        return response

    async def ValidateRound(
        self, request: pb.ValidateRoundRequest, context: Context
    ) -> pb.ValidateRoundResponse:
        async with self._transaction() as tx:
            round = await self._seen(request.name, tx)
            preview = await rounds.preview(round, tx, travel=self._travel)
        return pb.ValidateRoundResponse(
            requests_count=preview.requests_count,
            experts_count=preview.experts_count,
            findings=[to_message(finding, pb.RoundFinding) for finding in preview.findings],
        )

    async def FreezeRound(
        self, request: pb.FreezeRoundRequest, context: Context
    ) -> pb.FreezeRoundResponse:
        async def act(tx: StoredTransaction) -> pb.FreezeRoundResponse:
            before = await self._mine(request.name, tx, etag=request.etag)
            stored = await rounds.freeze(before, tx, travel=self._travel, now=self._clock())
            return pb.FreezeRoundResponse(round=round_to(stored))

        return await self._once(request, pb.FreezeRoundResponse, act)

    # pins and forbids

    async def AddPin(self, request: pb.AddPinRequest, context: Context) -> pb.AddPinResponse:
        pin = from_message(Pin, request.pin, path="pin")

        async def act(tx: StoredTransaction) -> pb.AddPinResponse:
            return pb.AddPinResponse(
                round=await self._step(
                    request.round, request.etag, lambda round: round.with_pin(pin), tx
                )
            )

        return await self._once(request, pb.AddPinResponse, act)

    async def RemovePin(
        self, request: pb.RemovePinRequest, context: Context
    ) -> pb.RemovePinResponse:
        pin = from_message(Pin, request.pin, path="pin")

        async def act(tx: StoredTransaction) -> pb.RemovePinResponse:
            return pb.RemovePinResponse(
                round=await self._step(
                    request.round, request.etag, lambda round: round.without_pin(pin), tx
                )
            )

        return await self._once(request, pb.RemovePinResponse, act)

    async def AddForbid(
        self, request: pb.AddForbidRequest, context: Context
    ) -> pb.AddForbidResponse:
        forbid = from_message(Forbid, request.forbid, path="forbid")

        async def act(tx: StoredTransaction) -> pb.AddForbidResponse:
            return pb.AddForbidResponse(
                round=await self._step(
                    request.round, request.etag, lambda round: round.with_forbid(forbid), tx
                )
            )

        return await self._once(request, pb.AddForbidResponse, act)

    async def RemoveForbid(
        self, request: pb.RemoveForbidRequest, context: Context
    ) -> pb.RemoveForbidResponse:
        forbid = from_message(Forbid, request.forbid, path="forbid")

        async def act(tx: StoredTransaction) -> pb.RemoveForbidResponse:
            return pb.RemoveForbidResponse(
                round=await self._step(
                    request.round, request.etag, lambda round: round.without_forbid(forbid), tx
                )
            )

        return await self._once(request, pb.RemoveForbidResponse, act)

    async def _step(
        self, name: str, etag: str, step: Callable[[Round], Round], tx: StoredTransaction
    ) -> pb.Round:
        before = await self._mine(name, tx, etag=etag)
        return round_to(await rounds.change(before, step, tx))

    # runs

    async def StartRun(self, request: pb.StartRunRequest, context: Context) -> pb.StartRunResponse:
        async def act(tx: StoredTransaction) -> pb.StartRunResponse:
            before = await self._mine(request.round, tx)
            run = Run(
                name=f"{before.name}/runs/{new_id('run')}",
                round=before.name,
                seconds=request.seconds or (0 if request.iterations else SECONDS),
                iterations=request.iterations,
                seed=request.seed,
                warm_plan=request.warm_plan,
                create_time=self._clock(),
            )
            return pb.StartRunResponse(run=to_message(await runs.start(before, run, tx), pb.Run))

        return await self._once(request, pb.StartRunResponse, act)

    async def GetRun(self, request: pb.GetRunRequest, context: Context) -> pb.GetRunResponse:
        async with self._transaction() as tx:
            await self._seen(request.name, tx)
            return pb.GetRunResponse(run=to_message(await tx.runs.get(request.name), pb.Run))

    async def ListRuns(self, request: pb.ListRunsRequest, context: Context) -> pb.ListRunsResponse:
        page = page_of(request)
        async with self._transaction() as tx:
            await self._seen(request.parent, tx)
            found = await tx.runs.page(
                request.parent, after=two_keys(page.after), size=page.size + 1
            )
        response = pb.ListRunsResponse(runs=[to_message(one, pb.Run) for one in found[: page.size]])
        if len(found) > page.size:
            last = found[page.size - 1]
            response.next_page_token = page.token_after(last.create_time.isoformat(), last.name)
        return response

    async def WatchRun(
        self, request: pb.WatchRunRequest, context: Context
    ) -> AsyncIterator[pb.WatchRunResponse]:
        after = request.after_number
        async with self._transaction() as tx:
            await self._seen(request.name, tx)
        while True:
            async with self._transaction() as tx:
                # the run is read first: whatever it ended with was reported before
                run = await tx.runs.get(request.name)
                steps = await tx.runs.progress(request.name, after=after)
            for step in steps:
                after = step.number
                yield pb.WatchRunResponse(progress=to_message(step, pb.Progress))
            if run.ended and not steps:
                yield pb.WatchRunResponse(run=to_message(run, pb.Run))
                return
            if not steps:
                await asyncio.sleep(LOOK_EVERY_S)

    async def StopRun(self, request: pb.StopRunRequest, context: Context) -> pb.StopRunResponse:
        async def act(tx: StoredTransaction) -> pb.StopRunResponse:
            await self._mine(request.name, tx)
            return pb.StopRunResponse(run=to_message(await runs.stop(request.name, tx), pb.Run))

        return await self._once(request, pb.StopRunResponse, act)

    # towards publication

    async def ChoosePlan(
        self, request: pb.ChoosePlanRequest, context: Context
    ) -> pb.ChoosePlanResponse:
        async def act(tx: StoredTransaction) -> pb.ChoosePlanResponse:
            before = await self._mine(round_name(request.name), tx, etag=request.etag)
            stored = await rounds.choose(before, request.name, tx)
            return pb.ChoosePlanResponse(round=round_to(stored))

        return await self._once(request, pb.ChoosePlanResponse, act)

    async def SignRound(
        self, request: pb.SignRoundRequest, context: Context
    ) -> pb.SignRoundResponse:
        who, now = current_principal(), self._clock()

        async def act(tx: StoredTransaction) -> pb.SignRoundResponse:
            before = await self._mine(request.name, tx)
            stored = await rounds.change(
                before,
                lambda round: round.signed(
                    plan=request.plan, by=who.subject, name=who.name, at=now
                ),
                tx,
            )
            return pb.SignRoundResponse(round=round_to(stored))

        return await self._once(request, pb.SignRoundResponse, act)

    async def CloseRound(
        self, request: pb.CloseRoundRequest, context: Context
    ) -> pb.CloseRoundResponse:
        async def act(tx: StoredTransaction) -> pb.CloseRoundResponse:
            before = await self._mine(request.name, tx)
            stored = await rounds.close(before, tx, now=self._clock())
            return pb.CloseRoundResponse(round=round_to(stored))

        return await self._once(request, pb.CloseRoundResponse, act)

    async def AbandonRound(
        self, request: pb.AbandonRoundRequest, context: Context
    ) -> pb.AbandonRoundResponse:
        async def act(tx: StoredTransaction) -> pb.AbandonRoundResponse:
            before = await self._mine(request.name, tx)
            stored = await rounds.abandon(before, tx, now=self._clock())
            return pb.AbandonRoundResponse(round=round_to(stored))

        return await self._once(request, pb.AbandonRoundResponse, act)

    async def ListCoverage(
        self, request: pb.ListCoverageRequest, context: Context
    ) -> pb.ListCoverageResponse:
        page = page_of(request)
        after = two_keys(page.after)
        async with self._transaction() as tx:
            await self._seen(request.round, tx)
            if request.plan and round_name(request.plan) == request.round:
                read = await self._plan(request.plan, tx)
                unserved = await tx.plans.unserved(request.plan, after=0, size=UNSERVED_MAX)
                lines = await ledger(read.frozen, read.plan, unserved, tx)
                rest = [one for one in lines if not after or (one.district, one.group) > after]
                found = rest[: page.size + 1]
            elif request.plan:
                raise PlanNotFound("the plan is of another round", plan=request.plan)
            else:
                found = list(
                    await tx.rounds.coverage(request.round, after=after, size=page.size + 1)
                )
        response = pb.ListCoverageResponse()
        for line in found[: page.size]:
            message = to_message(line, pb.Coverage)
            message.debt = line.debt
            response.coverage.append(message)
        if len(found) > page.size:
            last = found[page.size - 1]
            response.next_page_token = page.token_after(last.district, last.group.value)
        return response
