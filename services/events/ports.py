"""What the handlers need from outside: one transaction with everything in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from services.events.domain.event import Event
from services.events.domain.event import State as EventState
from services.events.domain.place import Group, Node, NodeKind, Venue
from services.events.domain.request import Change, Period, Request
from services.events.domain.request import State as RequestState
from services.events.domain.series import Series

Scope = list[str] | None
"""Nodes whose things may be seen, with all below; None: everything."""


@dataclass(frozen=True, slots=True)
class Host:
    """Who receives the team; personal data, never announced. `notes` are for the team."""

    host: str = ""
    host_phone: str = ""
    notes: str = ""


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One thing that happened to a request."""

    position: int
    time: datetime
    what: str
    by: str
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """What is added to a request's history."""

    request: str
    what: str
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Filed:
    """A new request with what is stored beside it; `by`: opaque id of who filed it."""

    request: Request
    host: Host
    by: str
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class NodeFilter:
    """Which nodes a list shows; None and '' choose all."""

    on: date
    parent: str = ""
    kind: NodeKind | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class RequestFilter:
    """Which requests a list shows; empty chooses all. Drafts are seen only by who filed them."""

    scope: Scope
    seen_by: str
    states: tuple[RequestState, ...] = ()
    node: str = ""
    venue: str = ""
    round: str = ""
    text: str = ""
    group: Group | None = None
    change_asked: bool = False


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events a list shows; empty chooses all. `own`: an expert who sees the events they serve."""

    scope: Scope
    own: str = ""
    period: Period | None = None
    node: str = ""
    round: str = ""
    expert: str = ""
    states: tuple[EventState, ...] = ()


class Nodes(Protocol):
    """The tree."""

    async def add(self, node: Node) -> None:
        """Store a new node.

        Raises:
            NodeExists: one of this name is there.
        """

    async def get(self, name: str, *, lock: bool = False) -> Node:
        """The node, locked until the transaction ends with `lock`.

        Raises:
            NodeNotFound: there is none of this name.
        """

    async def save(self, node: Node) -> None:
        """Replace a stored node."""

    async def along(self, path: Sequence[str]) -> Mapping[str, Node]:
        """The nodes of a path, by name."""

    async def has_children(self, name: str, *, on: date) -> bool:
        """Whether a node right below is in force on or after that day."""

    async def page(self, chosen: NodeFilter, *, after: str | None, size: int) -> Sequence[Node]:
        """Up to `size` nodes by name, after the name `after`."""


class Venues(Protocol):
    """Places."""

    async def add(self, venue: Venue) -> None:
        """Store a new venue.

        Raises:
            VenueExists: one of this name is there.
        """

    async def get(self, name: str, *, lock: bool = False) -> Venue:
        """The venue.

        Raises:
            VenueNotFound: there is none of this name.
        """

    async def find(self, names: Sequence[str]) -> Mapping[str, Venue]:
        """Those of `names` there are, by name."""

    async def save(self, venue: Venue) -> None:
        """Replace a stored venue."""

    async def page(
        self, *, scope: Scope, node: str, text: str, after: str | None, size: int
    ) -> Sequence[Venue]:
        """Up to `size` venues by name, after the name `after`."""


class Requests(Protocol):
    """Asks, with their hosts and history."""

    async def add(self, filed: Sequence[Filed], *, at: datetime) -> None:
        """Store new requests, each with its host and the beginning of its history.

        Raises:
            RequestExists: one of these names is there.
        """

    async def get(self, name: str, *, lock: bool = False) -> Request:
        """The request.

        Raises:
            RequestNotFound: there is none of this name.
        """

    async def find_for_update(self, names: Sequence[str]) -> Mapping[str, Request]:
        """Those of `names` there are, by name, locked in the order of their names."""

    async def in_round(self, round: str) -> Sequence[str]:
        """Names of the requests whose last round it is."""

    async def save(self, *requests: Request) -> None:
        """Replace stored requests."""

    async def filed_by(self, name: str) -> str:
        """Opaque id of who filed it."""

    async def host(self, name: str) -> Host:
        """Who receives the team."""

    async def set_host(self, name: str, host: Host) -> None:
        """Replace who receives the team."""

    async def note(self, *notes: Note, at: datetime, by: str) -> None:
        """Add to the histories of requests."""

    async def ask_change(self, change: Change, *, by: str) -> None:
        """Keep a change that waits for an answer, in the place of an earlier one."""

    async def changes(self, names: Sequence[str]) -> Mapping[str, Change]:
        """The changes that wait, of those of `names` that have one."""

    async def end_changes(self, names: Sequence[str]) -> None:
        """Forget the changes of these requests: they were answered, or the request has ended."""

    async def drafts_of(self, subject: str) -> Sequence[str]:
        """Names of the drafts that `subject` filed."""

    async def erase(self, subject: str, *, pseudonym: str) -> int:
        """Erase hosts, telephones, notes and remarks that `subject` wrote, and call them `pseudonym` everywhere; how many requests."""

    async def history(self, name: str, *, after: int, size: int) -> Sequence[HistoryEntry]:
        """Up to `size` entries, oldest first, after the position `after`."""

    async def page(
        self, chosen: RequestFilter, *, after: tuple[str, str] | None, size: int
    ) -> Sequence[Request]:
        """Up to `size` requests, latest first, after the (create time, name) `after`."""


class SeriesOfRequests(Protocol):
    """Series."""

    async def add(self, series: Series) -> None:
        """Store a new series.

        Raises:
            SeriesExists: one of this name is there.
        """

    async def get(self, name: str) -> Series:
        """The series.

        Raises:
            SeriesNotFound: there is none of this name.
        """

    async def page(
        self, *, scope: Scope, venue: str, after: str | None, size: int
    ) -> Sequence[Series]:
        """Up to `size` series by name, after the name `after`."""


class Events(Protocol):
    """What people attend."""

    async def get(self, name: str, *, lock: bool = False) -> Event:
        """The event.

        Raises:
            EventNotFound: there is none of this name.
        """

    async def find_for_update(self, names: Sequence[str]) -> Mapping[str, Event]:
        """Those of `names` there are, by name, locked."""

    async def of_expert_for_update(self, expert: str) -> Sequence[Event]:
        """All events whose team has `expert`, by name, locked."""

    async def add(self, events: Sequence[Event]) -> None:
        """Store new events, each with a check-in code of its own."""

    async def save(self, *events: Event) -> None:
        """Replace stored events."""

    async def code(self, name: str) -> str:
        """Its six digits."""

    async def serves(self, expert: str, venue: str) -> bool:
        """Whether `expert` is in the team of an event of `venue` that was not cancelled."""

    async def visits(
        self, venues: Sequence[str], *, start: datetime, end: datetime
    ) -> Mapping[str, int]:
        """By venue, of those that have some: events that begin in `[start, end)` and were not cancelled."""

    async def page(
        self, chosen: EventFilter, *, after: tuple[str, str] | None, size: int
    ) -> Sequence[Event]:
        """Up to `size` events by start, after the (start, name) `after`."""


@dataclass(frozen=True, slots=True)
class Staged:
    """A decision that waits for its round to be whole: the fact as it came."""

    request: str
    version: int
    fact: bytes


class Arrivals(Protocol):
    """Published rounds on their way to becoming visible."""

    async def stage(self, round: str, decisions: Sequence[Staged]) -> bool:
        """Keep decisions until their round is whole; False when it is shown already, and nothing was kept."""

    async def announce(self, round: str, *, decisions: int) -> None:
        """Remember how many decisions make the round whole."""

    async def whole(self, round: str) -> Sequence[bytes] | None:
        """All decisions of a round that is whole and not yet shown, which it is from now on; else None."""


class Facts(Protocol):
    """What is announced, in this transaction."""

    def node_changed(self, node: Node, *, at: datetime) -> None:
        """NodeChanged."""

    def venue_changed(self, venue: Venue, *, at: datetime) -> None:
        """VenueChanged."""

    def request(self, kind: str, request: Request, *, at: datetime) -> None:
        """`Request` + kind: Submitted, Endorsed, Changed, Withdrawn, Scheduled, Unserved, Cancelled."""

    def event(self, kind: str, event: Event, *, at: datetime) -> None:
        """`Event` + kind: Published, Changed, Cancelled, Delivered, Rated."""

    def shown(self, event: Event, *, venue: str, district: str, at: datetime) -> None:
        """PublicEventShown, with the names of venue and district."""

    def taken_down(self, event: Event, *, at: datetime) -> None:
        """A tombstone on the public topic."""

    def forget_events(self, names: Sequence[str]) -> None:
        """No replay brings back what was announced of these events before this transaction."""


class Transaction(Protocol):
    """One transaction: everything read and written in it is of one moment, and stays or goes together."""

    @property
    def nodes(self) -> Nodes:
        """The tree."""

    @property
    def venues(self) -> Venues:
        """Places."""

    @property
    def requests(self) -> Requests:
        """Asks."""

    @property
    def series(self) -> SeriesOfRequests:
        """Series."""

    @property
    def events(self) -> Events:
        """Events."""

    @property
    def arrivals(self) -> Arrivals:
        """Published rounds on their way."""

    @property
    def facts(self) -> Facts:
        """The outbox."""
