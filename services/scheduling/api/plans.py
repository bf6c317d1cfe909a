"""Calls about plans: what they send where, what they leave out, why, at what price, and whether they are sound."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from zhihui.scheduling.v1 import scheduling_pb2 as pb

from libs.auth.principal import current_principal, node_scope
from libs.rpc.mapping import from_message, to_message
from libs.rpc.paging import page_of
from services.scheduling.api.calls import (
    Calls,
    Context,
    StoredTransaction,
    one_key,
    round_to,
    two_keys,
)
from services.scheduling.domain.inputs import LOCAL, Form, Group, Level, Mode, Period, Role
from services.scheduling.domain.round import Pin, RoundInWrongState
from services.scheduling.domain.run import PlanNotFound, PlanRecord, RequestNotAnnounced
from services.scheduling.handlers import queue, supply, why, windows
from services.scheduling.handlers.outcome import planned_events
from services.scheduling.optimizer.formats import canonical_bytes, plan_from
from services.scheduling.optimizer.problem import Pin as PlannedPin
from services.scheduling.optimizer.whatif import compare
from services.scheduling.ports import StoredPlan

PIECE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a RankWindowsRequest says."""

    group: Group
    level: Level
    form: Form
    topic: str
    duration_min: int
    windows: tuple[Period, ...]
    mode: Mode | None
    roles: tuple[Role, ...]
    named_expert: str
    look: tuple[Period, ...]


class PlanCalls(Calls):
    """Everything about plans."""

    async def GetPlan(self, request: pb.GetPlanRequest, context: Context) -> pb.GetPlanResponse:
        async with self._transaction() as tx:
            await self._seen(request.name, tx)
            return pb.GetPlanResponse(plan=plan_to(await tx.plans.get(request.name)))

    async def ListPlans(
        self, request: pb.ListPlansRequest, context: Context
    ) -> pb.ListPlansResponse:
        page = page_of(request)
        async with self._transaction() as tx:
            await self._seen(request.parent, tx)
            found = await tx.plans.page(
                request.parent, after=two_keys(page.after), size=page.size + 1
            )
        response = pb.ListPlansResponse(plans=[_short(one) for one in found[: page.size]])
        if len(found) > page.size:
            last = found[page.size - 1]
            response.next_page_token = page.token_after(last.create_time.isoformat(), last.name)
        return response

    async def ListPlannedEvents(
        self, request: pb.ListPlannedEventsRequest, context: Context
    ) -> pb.ListPlannedEventsResponse:
        page = page_of(request)
        async with self._transaction() as tx:
            read = await self._plan(request.parent, tx)
        events = planned_events(
            read.frozen, read.plan, expert=request.expert, district=request.district
        )
        start = one_key(page.after)
        response = pb.ListPlannedEventsResponse(
            events=[to_message(one, pb.PlannedEvent) for one in events[start : start + page.size]]
        )
        if len(events) > start + page.size:
            response.next_page_token = page.token_after(start + page.size)
        return response

    async def ListUnserved(
        self, request: pb.ListUnservedRequest, context: Context
    ) -> pb.ListUnservedResponse:
        page = page_of(request)
        start = one_key(page.after)
        async with self._transaction() as tx:
            await self._seen(request.parent, tx)
            found = await tx.plans.unserved(request.parent, after=start, size=page.size + 1)
        response = pb.ListUnservedResponse(
            unserved=[to_message(one, pb.Unserved) for one in found[: page.size]]
        )
        if len(found) > page.size:
            response.next_page_token = page.token_after(start + page.size)
        return response

    async def ListSupplySignals(
        self, request: pb.ListSupplySignalsRequest, context: Context
    ) -> pb.ListSupplySignalsResponse:
        page = page_of(request)
        start = one_key(page.after)
        async with self._transaction() as tx:
            read = await self._plan(request.parent, tx)
            kept = await tx.plans.supply(request.parent)
        found = kept
        if found is None:
            found = await asyncio.to_thread(supply.estimated, read.frozen, read.plan)
        response = pb.ListSupplySignalsResponse(
            signals=[to_message(one, pb.SupplySignal) for one in found[start : start + page.size]],
            verified=kept is not None,
        )
        if len(found) > start + page.size:
            response.next_page_token = page.token_after(start + page.size)
        return response

    async def ExplainRequest(
        self, request: pb.ExplainRequestRequest, context: Context
    ) -> pb.ExplainRequestResponse:
        async with self._transaction() as tx:
            read = await self._plan(request.plan, tx)
            answer = await why.explain(request.plan, request.request, read.frozen, read.plan, tx)
        response = pb.ExplainRequestResponse(
            seats=[to_message(seat, pb.SeatWhy) for seat in answer.seats],
            displaced=[to_message(one, pb.Unserved) for one in answer.displaced],
        )
        if answer.unserved is not None:
            response.unserved.CopyFrom(to_message(answer.unserved, pb.Unserved))
        if answer.planned is not None:
            response.planned.CopyFrom(to_message(answer.planned, pb.PlannedEvent))
        return response

    async def PriceMove(
        self, request: pb.PriceMoveRequest, context: Context
    ) -> pb.PriceMoveResponse:
        move = from_message(Pin, request.move, path="move")
        async with self._transaction() as tx:
            read = await self._plan(request.plan, tx)
        legend = read.frozen.legend
        pin = PlannedPin(
            legend.request_index(move.request),
            move.seat,
            legend.expert_index(move.expert),
            -1 if move.start_time is None else legend.minute(move.start_time),
        )
        price = await why.price(read.frozen, read.plan, pin)
        return pb.PriceMoveResponse(
            violations=[one.message for one in price.broken],
            broken=[to_message(one, pb.BrokenRule) for one in price.broken],
            differences=[to_message(one, pb.StageResult) for one in price.differences],
            feasible=price.feasible,
            changed=price.changed,
            dropped=price.dropped,
        )

    async def AdoptRepair(
        self, request: pb.AdoptRepairRequest, context: Context
    ) -> pb.AdoptRepairResponse:
        async def act(tx: StoredTransaction) -> pb.AdoptRepairResponse:
            before = await self._mine(request.plan, tx, etag=request.etag)
            read = await self._plan(request.plan, tx)
            round, record = await why.adopt(
                before,
                read.stored,
                read.frozen,
                read.plan,
                tx,
                request=request.request,
                code=request.code,
                now=self._clock(),
            )
            return pb.AdoptRepairResponse(round=round_to(round), plan=_short(record))

        return await self._once(request, pb.AdoptRepairResponse, act)

    async def ComparePlans(
        self, request: pb.ComparePlansRequest, context: Context
    ) -> pb.ComparePlansResponse:
        async with self._transaction() as tx:
            first = await self._plan(request.first, tx)
            second = await self._plan(request.second, tx)
        if first.frozen.legend != second.frozen.legend:
            raise PlanNotFound("these two plans are not of the same inputs", plan=request.second)
        names = [one.name for one in first.frozen.legend.requests]
        compared = compare(first.plan, second.plan)
        return pb.ComparePlansResponse(
            plans=[_short(first.stored.record), _short(second.stored.record)],
            only_first=[names[index] for index in compared.only_first],
            only_second=[names[index] for index in compared.only_second],
            changed=[names[index] for index in compared.changed],
        )

    async def VerifyPlan(
        self, request: pb.VerifyPlanRequest, context: Context
    ) -> pb.VerifyPlanResponse:
        async with self._transaction() as tx:
            read = await self._plan(request.name, tx)
        verdict = await why.verified(read.stored, read.frozen, read.plan)
        return pb.VerifyPlanResponse(
            sound=not verdict.violations,
            violations=verdict.violations,
            inputs_hash=verdict.inputs_hash,
            stages=[to_message(stage, pb.StageResult) for stage in verdict.stages],
        )

    async def DownloadInputs(
        self, request: pb.DownloadInputsRequest, context: Context
    ) -> AsyncIterator[pb.DownloadInputsResponse]:
        async with self._transaction() as tx:
            round = await self._seen(request.round, tx)
            if not round.inputs_hash:
                raise RoundInWrongState("freeze the round first", round=round.name)
            frozen = await self._inputs.get(round.inputs_hash, tx)
        text = canonical_bytes(frozen.problem)
        for start in range(0, len(text), PIECE_BYTES):
            yield pb.DownloadInputsResponse(piece=text[start : start + PIECE_BYTES])

    async def DownloadPlan(
        self, request: pb.DownloadPlanRequest, context: Context
    ) -> AsyncIterator[pb.DownloadPlanResponse]:
        async with self._transaction() as tx:
            read = await self._plan(request.name, tx)
        for field, text in (
            ("problem", canonical_bytes(read.frozen.problem)),
            ("plan", read.stored.plan),
            ("certificate", read.stored.certificate.encode()),
        ):
            for start in range(0, len(text), PIECE_BYTES):
                yield pb.DownloadPlanResponse(**{field: text[start : start + PIECE_BYTES]})

    async def GetOutcome(
        self, request: pb.GetOutcomeRequest, context: Context
    ) -> pb.GetOutcomeResponse:
        scope = node_scope(current_principal())
        async with self._transaction() as tx:
            asked = (await tx.world.requests([request.request])).get(request.request)
            if asked is None or (scope is not None and not set(scope) & set(asked.node_path)):
                raise RequestNotAnnounced("no such request", request=request.request)
            place = await queue.place_of(asked, tx)
            response = pb.GetOutcomeResponse(
                place=place.place, waiting=place.waiting, debt=place.debt
            )
            round = await queue.last_round(asked, tx)
            if round is None:
                return response
            response.round = round.name
            unserved = await queue.unserved_in(round, asked, tx)
            if unserved is not None and not unserved.repair_sought:
                stored = await tx.plans.get(round.plan)
                frozen = await self._inputs.get(stored.record.inputs_hash, tx)
                plan = plan_from(stored.plan)
                unserved = (await why.explain(round.plan, asked.name, frozen, plan, tx)).unserved
            if unserved is not None:
                response.unserved.CopyFrom(to_message(unserved, pb.Unserved))
        return response

    async def RankWindows(
        self, request: pb.RankWindowsRequest, context: Context
    ) -> pb.RankWindowsResponse:
        wanted = from_message(_Wanted, request)
        async with self._transaction() as tx:
            venues = await tx.world.venues([request.venue])
            if request.venue not in venues:
                raise windows.VenueNotAnnounced("no such venue", venue=request.venue)
            asked = windows.Asked(
                venue=venues[request.venue],
                group=wanted.group,
                level=wanted.level,
                form=wanted.form,
                topic=wanted.topic,
                duration_min=wanted.duration_min,
                windows=wanted.windows,
                mode=wanted.mode,
                roles=wanted.roles,
                named_expert=wanted.named_expert,
                look=wanted.look,
            )
            ranked = await self._feasible.rank(asked, tx)
            today = self._clock().astimezone(LOCAL).date()
            following = await tx.rounds.next_open(asked.venue.node_path, on=today)
        return pb.RankWindowsResponse(
            next_round=None if following is None else to_message(following, pb.NextRound),
            windows=[to_message(one, pb.RankedWindow) for one in ranked.windows],
            looked=[to_message(one, pb.RankedWindow) for one in ranked.looked],
            eligible=ranked.eligible,
            chance=ranked.chance,
        )


def plan_to(stored: StoredPlan) -> pb.Plan:
    """The plan with certificate and curve."""
    message = to_message(stored.record, pb.Plan)
    message.certificate = stored.certificate
    return message


def _short(record: PlanRecord) -> pb.Plan:
    """The plan without its curve, as lists have it."""
    message = to_message(record, pb.Plan)
    message.ClearField("curve")
    return message
