"""What the handlers need from outside: one transaction with everything in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from services.scheduling.domain import inputs
from services.scheduling.domain.assignment import Assignment
from services.scheduling.domain.assignment import State as AssignmentState
from services.scheduling.domain.coverage import Coverage, Key
from services.scheduling.domain.round import Round
from services.scheduling.domain.run import (
    PlanRecord,
    Progress,
    Run,
    StageResult,
    SupplySignal,
    Unserved,
)

Scope = list[str] | None
"""Nodes whose things may be seen, with all below; None: everything."""


@dataclass(frozen=True, slots=True)
class AssignmentFilter:
    """Which assignments a list shows; empty chooses all. `own`: an expert who sees their own."""

    scope: Scope
    own: str = ""
    round: str = ""
    expert: str = ""
    states: tuple[AssignmentState, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """A plan's numbers with plan.json and its certificate."""

    record: PlanRecord
    plan: bytes
    certificate: str


class World(Protocol):
    """What the other services have announced."""

    async def keep_expert(self, expert: inputs.Expert, *, version: int) -> None:
        """Replace what is known of an expert."""

    async def forget_expert(self, name: str) -> None:
        """Know nothing more of them."""

    async def keep_pool(self, pool: inputs.Pool, *, version: int) -> None:
        """Replace what is known of a pool."""

    async def keep_node(self, node: inputs.Node, *, version: int) -> None:
        """Replace what is known of a node."""

    async def keep_venue(self, venue: inputs.Venue, *, version: int) -> None:
        """Replace what is known of a venue."""

    async def keep_request(self, request: inputs.Request, *, version: int) -> None:
        """Replace what is known of a request."""

    async def experts(self) -> Sequence[inputs.Expert]:
        """Everybody."""

    async def expert_versions(self) -> Mapping[str, int]:
        """Everybody's version, by name."""

    async def experts_of(self, names: Sequence[str]) -> Sequence[inputs.Expert]:
        """Those of `names` there are."""

    async def waiting_versions(self) -> Mapping[str, int]:
        """Versions of the requests that wait for a round, by name."""

    async def pools(self) -> Mapping[str, inputs.Pool]:
        """By name."""

    async def nodes(self) -> Mapping[str, inputs.Node]:
        """By name."""

    async def venues(self, names: Sequence[str]) -> Mapping[str, inputs.Venue]:
        """Those of `names` there are, by name."""

    async def requests(self, names: Sequence[str]) -> Mapping[str, inputs.Request]:
        """Those of `names` there are, by name."""

    async def waiting(
        self, *, nodes: Sequence[str], programmes: Sequence[str]
    ) -> Sequence[inputs.Request]:
        """Requests that wait, in no running round and not served; of these nodes and below, and programmes, where given."""

    async def node_path(self, name: str) -> Sequence[str]:
        """The node and everything above; only itself where nothing is known."""

    async def submitted(self, *, nodes: Sequence[str]) -> Sequence[inputs.Request]:
        """Requests that wait for endorsement, at most 1,000."""


class Rounds(Protocol):
    """Rounds, which requests run in them, and what is owed between them."""

    async def add(self, round: Round, *, scope: Sequence[str]) -> None:
        """Store a new round; `scope` are its nodes with all above.

        Raises:
            RoundExists: one of this name is there.
        """

    async def get(self, name: str, *, scope: Scope, lock: bool = False) -> Round:
        """The round, locked until the transaction ends with `lock`.

        Raises:
            RoundNotFound: there is none of this name in that scope.
        """

    async def save(self, round: Round) -> None:
        """Replace a stored round."""

    async def page(
        self, *, scope: Scope, after: tuple[str, str] | None, size: int
    ) -> Sequence[Round]:
        """Up to `size` rounds, latest first, after the (create time, name) `after`."""

    async def next_open(self, node_path: Sequence[str], *, on: date) -> Round | None:
        """Of the open rounds that plan days after `on` for a place below `node_path`, the one whose days begin first."""

    async def claim(self, round: str, requests: Sequence[str]) -> None:
        """The requests run in this round now.

        Raises:
            RequestInAnotherRound: one of them runs in another.
        """

    async def requests(self, round: str) -> Sequence[str]:
        """What was frozen into it."""

    async def release(self, round: str) -> None:
        """Its requests run no more."""

    async def keep_snapshot(self, inputs_hash: str, problem: bytes, legend: bytes) -> None:
        """Store frozen inputs for ever; the same ones once."""

    async def snapshot(self, inputs_hash: str) -> tuple[bytes, bytes]:
        """Problem and legend."""

    async def debts(self) -> Mapping[Key, int]:
        """What is owed to each district × group; only what is above 0."""

    async def set_debts(self, debts: Mapping[Key, int]) -> None:
        """Replace what is owed to these."""

    async def keep_coverage(self, round: str, coverage: Sequence[Coverage]) -> None:
        """Replace a round's ledger."""

    async def coverage(
        self, round: str, *, after: tuple[str, str] | None, size: int
    ) -> Sequence[Coverage]:
        """Up to `size` lines by district and group."""


class Runs(Protocol):
    """Stored solves."""

    async def add(self, run: Run) -> None:
        """Store a new run.

        Raises:
            AnotherRunWorks: the round has one.
        """

    async def get(self, name: str, *, lock: bool = False) -> Run:
        """The run.

        Raises:
            RunNotFound: there is none of this name.
        """

    async def save(self, run: Run) -> None:
        """Replace a stored run; its lease ends with it."""

    async def keep(self, run: Run) -> None:
        """Replace a stored run, whoever has its lease."""

    async def hold(self, run: Run) -> None:
        """Lock the run for its worker, until the transaction ends.

        Raises:
            LeaseLost: another worker has it.
        """

    async def page(self, round: str, *, after: tuple[str, str] | None, size: int) -> Sequence[Run]:
        """Up to `size` runs, latest first."""

    async def lease(self, *, seconds: float) -> Run | None:
        """The oldest run that waits, or whose worker is silent, taken for so long; None: there is none."""

    async def beat(self, run: Run, *, seconds: float, incumbent: bytes | None) -> bool:
        """Keep the lease, and the best plan where given; True when somebody asked the run to stop.

        Raises:
            LeaseLost: another worker has it.
        """

    async def any_queued(self) -> bool:
        """Whether a run waits for a worker."""

    async def incumbent(self, name: str) -> bytes | None:
        """The best plan a worker has left."""

    async def report(self, run: str, progress: Sequence[Progress]) -> None:
        """Add what was reached."""

    async def progress(self, run: str, *, after: int, size: int = 500) -> Sequence[Progress]:
        """What was reached after that number."""


class Plans(Protocol):
    """Plans with their certificates and what they do not serve."""

    async def add(self, plan: StoredPlan, unserved: Sequence[Unserved]) -> None:
        """Store a new plan."""

    async def get(self, name: str) -> StoredPlan:
        """The plan.

        Raises:
            PlanNotFound: there is none of this name.
        """

    async def page(
        self, round: str, *, after: tuple[str, str] | None, size: int
    ) -> Sequence[PlanRecord]:
        """Up to `size` plans, latest first."""

    async def unserved(self, plan: str, *, after: int, size: int) -> Sequence[Unserved]:
        """Up to `size` of them, after that many."""

    async def unserved_one(self, plan: str, request: str) -> Unserved | None:
        """What is known of this one; None where the plan serves it."""

    async def keep_unserved(self, plan: str, unserved: Unserved) -> None:
        """Replace what is known of one, now that its repair was sought."""

    async def supply(self, plan: str) -> Sequence[SupplySignal] | None:
        """The verified supply signals; None where they were not looked for yet."""

    async def keep_supply(self, plan: str, signals: Sequence[SupplySignal]) -> None:
        """Store what was found; what is there already stays."""


class Assignments(Protocol):
    """Who is promised to whom."""

    async def add(self, assignments: Sequence[Assignment]) -> None:
        """Store new ones.

        Raises:
            ExpertAlreadyBooked: somebody would be in two places at one time.
        """

    async def save(self, *assignments: Assignment) -> None:
        """Replace stored ones.

        Raises:
            ExpertAlreadyBooked: somebody would be in two places at one time.
        """

    async def get(self, name: str, *, lock: bool = False) -> Assignment:
        """The assignment.

        Raises:
            AssignmentNotFound: there is none of this name.
        """

    async def of_round(self, round: str, *, lock: bool = False) -> Sequence[Assignment]:
        """All of a round, by name."""

    async def of_event(self, event: str) -> Sequence[Assignment]:
        """All of an event, locked."""

    async def of_expert(self, expert: str) -> Sequence[Assignment]:
        """All of an expert, locked."""

    async def engaged(self, *, since: datetime) -> Sequence[Assignment]:
        """Everybody's engagements that end after `since`, in whatever round."""

    async def busy(
        self, experts: Sequence[str], *, period: inputs.Period
    ) -> Sequence[tuple[str, inputs.Period]]:
        """When `experts` are engaged, as far as it touches `period`; by start."""

    async def page(
        self, chosen: AssignmentFilter, *, after: tuple[str, str] | None, size: int
    ) -> Sequence[Assignment]:
        """Up to `size` by start, after the (start, name) `after`."""

    async def next_decisions(self, requests: Sequence[str]) -> Mapping[str, int]:
        """Count one more decision about each; the new numbers."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a publication means for one request: `team` (the lead first) of one event, or `unserved`."""

    request: str
    version: int
    team: tuple[Assignment, ...] = ()
    unserved: Unserved | None = None


class Facts(Protocol):
    """What is announced, in this transaction."""

    def opened(self, round: Round, *, at: datetime) -> None:
        """RoundOpened."""

    def frozen(self, round: Round, *, requests: Sequence[str], at: datetime) -> None:
        """RoundFrozen."""

    def solved(self, round: Round, *, stages: Sequence[StageResult], at: datetime) -> None:
        """RoundSolved."""

    def published(self, round: Round, *, decisions: int, at: datetime) -> None:
        """RoundPublished, with the round's number of assignments and hash."""

    def certified(
        self, round: Round, *, stages: Sequence[StageResult], certificate: str, at: datetime
    ) -> None:
        """RoundCertified."""

    def closed(self, round: Round, *, at: datetime) -> None:
        """RoundClosed."""

    def abandoned(self, round: Round, *, requests: Sequence[str], at: datetime) -> None:
        """RoundAbandoned."""

    def decided(self, round: Round, decision: Decision, *, at: datetime) -> None:
        """RequestDecided."""

    def decision_forgotten(self, request: str, *, version: int, at: datetime) -> None:
        """A tombstone: the decision names somebody who has withdrawn. `version` counts on from the decision's."""

    def forget_assignment(self, name: str) -> None:
        """No replay brings back what was announced of it before this transaction."""

    def assignment(self, kind: str, assignment: Assignment, *, at: datetime) -> None:
        """`Assignment` + kind: Offered, Accepted, Declined, Published, Changed, Cancelled, Delivered."""


class Transaction(Protocol):
    """One transaction: everything read and written in it is of one moment, and stays or goes together."""

    @property
    def world(self) -> World:
        """What the other services have announced."""

    @property
    def rounds(self) -> Rounds:
        """Rounds."""

    @property
    def runs(self) -> Runs:
        """Stored solves."""

    @property
    def plans(self) -> Plans:
        """Plans."""

    @property
    def assignments(self) -> Assignments:
        """Promises."""

    @property
    def facts(self) -> Facts:
        """The outbox."""
