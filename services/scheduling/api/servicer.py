"""`zhihui.scheduling.v1.SchedulingService`: decode, call one handler, encode. Rounds and plans have parts of their own."""

from datetime import UTC

from zhihui.scheduling.v1 import scheduling_pb2 as pb
from zhihui.scheduling.v1 import scheduling_pb2_grpc as pb_grpc

from libs.auth.principal import OutsideOfScope, Role, current_principal, node_scope, require_scope
from libs.rpc.mapping import to_message
from libs.rpc.paging import page_of
from services.scheduling.api.calls import (
    Context,
    StoredTransaction,
    assignment_to,
    round_to,
    two_keys,
)
from services.scheduling.api.plans import PlanCalls
from services.scheduling.api.rounds import RoundCalls
from services.scheduling.domain.assignment import Assignment, AssignmentNotFound, State
from services.scheduling.domain.round import PlanNotChosen
from services.scheduling.handlers import publish, repair
from services.scheduling.ports import AssignmentFilter, Transaction


class SchedulingServicer(RoundCalls, PlanCalls, pb_grpc.SchedulingServiceServicer):
    """Offers, publication, assignments and repair, beside what its bases have."""

    async def OfferRound(
        self, request: pb.OfferRoundRequest, context: Context
    ) -> pb.OfferRoundResponse:
        async def act(tx: StoredTransaction) -> pb.OfferRoundResponse:
            before = await self._mine(request.name, tx, etag=request.etag)
            if not before.plan:
                raise PlanNotChosen("the round has no plan to ask about", round=before.name)
            read = await self._plan(before.plan, tx)
            stored = await publish.offer(
                before,
                read.frozen,
                read.plan,
                tx,
                respond_by=request.respond_by_time.ToDatetime(tzinfo=UTC),
                now=self._clock(),
            )
            return pb.OfferRoundResponse(round=round_to(stored))

        return await self._once(request, pb.OfferRoundResponse, act)

    async def AcceptOffer(
        self, request: pb.AcceptOfferRequest, context: Context
    ) -> pb.AcceptOfferResponse:
        async def act(tx: StoredTransaction) -> pb.AcceptOfferResponse:
            await self._answerable(request.assignment, tx)
            stored = await publish.answer(
                request.assignment, tx, accept=True, reason="", now=self._clock()
            )
            return pb.AcceptOfferResponse(assignment=assignment_to(stored))

        return await self._once(request, pb.AcceptOfferResponse, act)

    async def DeclineOffer(
        self, request: pb.DeclineOfferRequest, context: Context
    ) -> pb.DeclineOfferResponse:
        async def act(tx: StoredTransaction) -> pb.DeclineOfferResponse:
            await self._answerable(request.assignment, tx)
            stored = await publish.answer(
                request.assignment, tx, accept=False, reason=request.reason, now=self._clock()
            )
            return pb.DeclineOfferResponse(assignment=assignment_to(stored))

        return await self._once(request, pb.DeclineOfferResponse, act)

    async def PublishRound(
        self, request: pb.PublishRoundRequest, context: Context
    ) -> pb.PublishRoundResponse:
        async def act(tx: StoredTransaction) -> pb.PublishRoundResponse:
            before = await self._mine(request.name, tx, etag=request.etag)
            if not before.plan:
                raise PlanNotChosen("the round has no plan to publish", round=before.name)
            read = await self._plan(before.plan, tx)
            stored = await publish.publish(
                before, read.stored, read.frozen, read.plan, tx, now=self._clock()
            )
            return pb.PublishRoundResponse(round=round_to(stored))

        return await self._once(request, pb.PublishRoundResponse, act)

    async def RepairRound(
        self, request: pb.RepairRoundRequest, context: Context
    ) -> pb.RepairRoundResponse:
        async def act(tx: StoredTransaction) -> pb.RepairRoundResponse:
            before = await self._mine(request.name, tx, etag=request.etag)
            if not before.plan:
                raise PlanNotChosen("the round has no plan to mend", round=before.name)
            read = await self._plan(before.plan, tx)
            mended = await repair.repair(
                before,
                read.frozen,
                read.plan,
                list(request.lost),
                tx,
                reason=request.reason,
                validate_only=request.validate_only,
                now=self._clock(),
            )
            return pb.RepairRoundResponse(
                round=round_to(mended.round),
                changed=[assignment_to(one) for one in mended.changed],
                unserved=[to_message(one, pb.Unserved) for one in mended.unserved],
                least=mended.least,
            )

        return await self._once(request, pb.RepairRoundResponse, act)

    async def GetAssignment(
        self, request: pb.GetAssignmentRequest, context: Context
    ) -> pb.GetAssignmentResponse:
        async with self._transaction() as tx:
            assignment = await tx.assignments.get(request.name)
        if assignment.expert != _own_expert():
            try:
                require_scope(current_principal(), node_path=list(assignment.node_path))
            except OutsideOfScope as error:
                raise AssignmentNotFound("no such assignment", assignment=request.name) from error
        return pb.GetAssignmentResponse(assignment=assignment_to(assignment))

    async def ListAssignments(
        self, request: pb.ListAssignmentsRequest, context: Context
    ) -> pb.ListAssignmentsResponse:
        page = page_of(request)
        chosen = AssignmentFilter(
            scope=node_scope(current_principal()),
            own=_own_expert(),
            round=request.round,
            expert=request.expert,
            states=tuple(
                State[pb.Assignment.State.Name(state).removeprefix("STATE_")]
                for state in request.states
                if state
            ),
        )
        async with self._transaction() as tx:
            found = await tx.assignments.page(
                chosen, after=two_keys(page.after), size=page.size + 1
            )
        response = pb.ListAssignmentsResponse(
            assignments=[assignment_to(one) for one in found[: page.size]]
        )
        if len(found) > page.size:
            last = found[page.size - 1]
            response.next_page_token = page.token_after(
                last.period.start_time.isoformat(), last.name
            )
        return response

    async def _answerable(self, name: str, tx: Transaction) -> Assignment:
        """The assignment, when the caller is its expert or coordinates where it is.

        Raises:
            AssignmentNotFound: it is not there, or not theirs.
        """
        assignment = await tx.assignments.get(name)
        principal = current_principal()
        if assignment.expert == _own_expert():
            return assignment
        if Role.EXPERT in principal.roles and len(principal.roles) == 1:
            raise AssignmentNotFound("no such assignment", assignment=name)
        require_scope(principal, node_path=list(assignment.node_path))
        return assignment


def _own_expert() -> str:
    own = current_principal().expert_id
    return f"experts/{own}" if own else ""
