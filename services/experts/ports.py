"""What the handlers need from outside: one transaction with everything in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from services.experts.domain.expert import Expert, Group, PersonalData, Role, Window
from services.experts.domain.pool import Pool
from services.experts.domain.talk import Talk


@dataclass(frozen=True, slots=True)
class ServiceRecord:
    """One delivered engagement of an expert."""

    name: str
    assignment: str
    event: str
    period: Window
    minutes: int
    create_time: datetime


@dataclass(frozen=True, slots=True)
class ExpertFilter:
    """Which experts a list shows; None and '' choose all."""

    role: Role | None = None
    topic: str = ""
    pool: str = ""
    text: str = ""
    show_withdrawn: bool = False


class Experts(Protocol):
    """Experts with what belongs to them."""

    async def add(self, expert: Expert, personal: PersonalData) -> None:
        """Store a new expert.

        Raises:
            ExpertExists: one of this name is there.
        """

    async def get(self, name: str) -> Expert:
        """The expert.

        Raises:
            ExpertNotFound: there is none of this name.
        """

    async def get_for_update(self, name: str) -> Expert:
        """As `get`; locked until the transaction ends."""

    async def save(self, expert: Expert) -> None:
        """Replace a stored expert."""

    async def page(self, chosen: ExpertFilter, *, after: str | None, size: int) -> Sequence[Expert]:
        """Up to `size` experts by name, after the name `after`."""

    async def personal(self, name: str) -> PersonalData | None:
        """Contact and exact home; None once erased."""

    async def set_personal(self, name: str, personal: PersonalData | None) -> None:
        """Replace, or erase, contact and exact home."""

    async def windows(self, name: str, *, period: Window) -> Sequence[Window]:
        """Free windows that overlap `period`, by start."""

    async def replace_windows(
        self, name: str, *, period: Window, windows: Sequence[Window]
    ) -> None:
        """Put `windows` in the place of those that start in `period`."""

    async def is_in_team_for(self, name: str, *, nodes: Sequence[str]) -> bool:
        """Whether a live published event of one of `nodes`, or below, has the expert."""

    async def records(
        self, name: str, *, after: tuple[str, str] | None, size: int
    ) -> Sequence[ServiceRecord]:
        """Delivered engagements, latest first, after the (start, assignment) `after`."""

    async def node_path(self, node: str) -> list[str]:
        """The node and everything above it as far as is known here; at least the node."""


class Talks(Protocol):
    """Catalogues."""

    async def add(self, talk: Talk) -> None:
        """Store a new talk.

        Raises:
            TalkExists: one of this name is there.
        """

    async def get(self, name: str) -> Talk:
        """The talk.

        Raises:
            TalkNotFound: there is none of this name.
        """

    async def save(self, talk: Talk, *, announced_until: date | None = None) -> None:
        """Replace a stored talk; ends of approvals up to `announced_until` have been announced."""

    async def of(self, expert: str) -> Sequence[Talk]:
        """The expert's catalogue, by name."""

    async def page(
        self,
        *,
        expert: str | None,
        topic: str,
        approved_for: Group | None,
        on: date,
        after: str | None,
        size: int,
    ) -> Sequence[Talk]:
        """Up to `size` talks by name, after the name `after`."""

    async def expired(self, *, on: date, size: int) -> Sequence[tuple[Talk, date]]:
        """Up to `size` talks with an approval that ended on or before `on` and was not announced, and its day."""


class Pools(Protocol):
    """Pools with their agreements."""

    async def add(self, pool: Pool) -> None:
        """Store a new pool.

        Raises:
            PoolExists: one of this name is there.
        """

    async def get_for_update(self, name: str) -> Pool:
        """The pool, locked until the transaction ends.

        Raises:
            PoolNotFound: there is none of this name.
        """

    async def save(self, pool: Pool) -> None:
        """Replace a stored pool."""

    async def owners(self, names: Sequence[str]) -> Sequence[str]:
        """The nodes that own the pools of these names; unknown pools are passed over."""

    async def page(self, *, owner: str, after: str | None, size: int) -> Sequence[Pool]:
        """Up to `size` pools by name, after the name `after`."""


class Facts(Protocol):
    """What is announced, in this transaction."""

    async def registered(self, expert: Expert, *, at: datetime) -> None:
        """ExpertRegistered."""

    async def changed(self, expert: Expert, *, at: datetime) -> None:
        """ExpertChanged."""

    async def availability_changed(self, expert: Expert, *, at: datetime) -> None:
        """AvailabilityChanged."""

    async def talk_approved(self, expert: Expert, talk: str, number: int, *, at: datetime) -> None:
        """TalkApproved."""

    async def talk_expired(self, expert: Expert, talk: str, number: int, *, at: datetime) -> None:
        """TalkExpired."""

    async def withdrawn(self, expert: Expert, *, at: datetime) -> None:
        """A tombstone."""

    async def pool_changed(self, pool: Pool, *, at: datetime) -> None:
        """PoolChanged."""


class Transaction(Protocol):
    """One transaction: everything read and written in it is of one moment, and stays or goes together."""

    @property
    def experts(self) -> Experts:
        """Experts."""

    @property
    def talks(self) -> Talks:
        """Talks."""

    @property
    def pools(self) -> Pools:
        """Pools."""

    @property
    def facts(self) -> Facts:
        """The outbox."""


@dataclass(frozen=True, slots=True)
class Member:
    """One person of a published team."""

    assignment: str
    expert: str


class Projections(Protocol):
    """What facts of the events service leave here."""

    async def set_node_path(self, node: str, *, path: Sequence[str]) -> None:
        """Remember the node and everything above it."""

    async def replace_team(
        self, event: str, team: Sequence[Member], *, node_path: Sequence[str], live: bool
    ) -> None:
        """Remember who serves an event of the node `node_path` begins with; not `live` once cancelled."""

    async def record(
        self, event: str, team: Sequence[Member], *, period: Window, at: datetime
    ) -> None:
        """Write one service record per assignment; a corrected delivery takes the place of the earlier one."""
