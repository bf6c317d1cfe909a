"""What every call of the scheduling service shares: transactions, repeated calls, and who may see which round."""

import dataclasses
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeVar

from google.protobuf.message import Message
from grpc import aio
from zhihui.scheduling.v1 import scheduling_pb2 as pb

from libs.auth.principal import OutsideOfScope, current_principal, node_scope
from libs.clock import Clock
from libs.geo.travel import TravelProvider
from libs.postgres.pool import Connection
from libs.rpc.etag import etag_of, require_etag
from libs.rpc.mapping import to_message
from libs.rpc.repeat import once
from services.scheduling.domain.assignment import Assignment
from services.scheduling.domain.round import Round
from services.scheduling.handlers.frozen import Frozen, Inputs
from services.scheduling.handlers.windows import Feasible
from services.scheduling.optimizer.formats import plan_from
from services.scheduling.optimizer.problem import Plan
from services.scheduling.ports import StoredPlan, Transaction

Context = aio.ServicerContext[Any, Any]
Response = TypeVar("Response", bound=Message)


class StoredTransaction(Transaction, Protocol):
    """A transaction of ours over a connection, which the kit needs for repeated calls."""

    @property
    def connection(self) -> Connection:
        """The connection, with the transaction open."""


Transactions = Callable[[], AbstractAsyncContextManager[StoredTransaction]]


@dataclasses.dataclass(frozen=True, slots=True)
class ReadPlan:
    """A stored plan with the inputs it was made from."""

    stored: StoredPlan
    frozen: Frozen
    plan: Plan


class Calls:
    """The base of the servicer's parts."""

    def __init__(
        self,
        *,
        transaction: Transactions,
        clock: Clock,
        travel: TravelProvider,
        inputs: Inputs,
        feasible: Feasible,
    ) -> None:
        self._transaction = transaction
        self._clock = clock
        self._travel = travel
        self._inputs = inputs
        self._feasible = feasible

    async def _once(
        self,
        request: Message,
        response_type: type[Response],
        act: Callable[[StoredTransaction], Awaitable[Response]],
    ) -> Response:
        async with self._transaction() as tx:
            return await once(tx.connection, request, response_type, lambda: act(tx))

    async def _seen(self, name: str, tx: Transaction) -> Round:
        """The round of that name (or of a plan's or run's name) that the caller may read."""
        return await tx.rounds.get(round_name(name), scope=node_scope(current_principal()))

    async def _mine(self, name: str, tx: Transaction, *, etag: str = "") -> Round:
        """The round, locked, that the caller may change and has read in this version.

        Raises:
            OutsideOfScope: it reaches beyond the caller's nodes.
            EtagMismatch: it was changed since.
        """
        scope = node_scope(current_principal())
        round = await tx.rounds.get(round_name(name), scope=scope, lock=True)
        await self._require_within(round.nodes, tx)
        require_etag(etag, name=round.name, version=round.version)
        return round

    async def _require_within(self, nodes: Sequence[str], tx: Transaction) -> None:
        """Every one of `nodes` lies in a node the caller acts for."""
        scope = node_scope(current_principal())
        for node in nodes if scope is not None else ():
            if not set(scope or ()) & set(await tx.world.node_path(node)):
                raise OutsideOfScope("this belongs to a node you do not act for", node=node)

    async def _plan(self, name: str, tx: Transaction) -> ReadPlan:
        """The plan of that name, with its inputs; its round must be the caller's to read."""
        await self._seen(name, tx)
        stored = await tx.plans.get(name)
        frozen = await self._inputs.get(stored.record.inputs_hash, tx)
        return ReadPlan(stored, frozen, plan_from(stored.plan))


def round_name(name: str) -> str:
    """`rounds/{round}` of whatever lies below it."""
    return "/".join(name.split("/")[:2])


def round_to(round: Round) -> pb.Round:
    """The round as callers read it."""
    message = to_message(round, pb.Round)
    message.etag = etag_of(round.name, round.version)
    return message


def assignment_to(assignment: Assignment) -> pb.Assignment:
    """The assignment as callers read it."""
    message = to_message(assignment, pb.Assignment)
    message.etag = etag_of(assignment.name, assignment.version)
    return message


def one_key(after: Sequence[str | int] | None) -> int:
    """How many rows the pages before had."""
    return int(after[0]) if after else 0


def two_keys(after: Sequence[str | int] | None) -> tuple[str, str] | None:
    """The sort key of the last row of the page before."""
    return (str(after[0]), str(after[1])) if after else None
