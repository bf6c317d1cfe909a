"""Who is calling: the value every decision about permission starts from."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum

from libs.errors import NotAllowed


class Role(StrEnum):
    """What a principal acts as; one may have several."""

    VENUE_STAFF = "VENUE_STAFF"
    """Files and follows the requests of their own nodes."""
    LOCAL_HEAD = "LOCAL_HEAD"
    """三长: files, endorses and confirms delivery for their own nodes."""
    DISTRICT_COORDINATOR = "DISTRICT_COORDINATOR"
    CITY_COORDINATOR = "CITY_COORDINATOR"
    LEADER = "LEADER"
    """Signs rounds; reads everything."""
    EXPERT = "EXPERT"
    """Sees and answers what is their own."""
    CONSUMER = "CONSUMER"
    """Another system: reads what is public or granted."""
    SERVICE = "SERVICE"
    """One of our own processes."""
    AUDITOR = "AUDITOR"
    """Reads and replays everything, changes nothing."""
    ADMIN = "ADMIN"


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller as its token says."""

    subject: str
    """Stable and opaque, never a name or phone number; safe to log."""
    roles: frozenset[Role]
    nodes: tuple[str, ...] = ()
    """Names of the nodes it acts for, `nodes/…`; their descendants are meant too."""
    expert_id: str | None = None
    """The expert it is, when it is one."""
    name: str = field(default="", repr=False)
    """What people call them, for what they sign; empty for processes. Never logged."""


class NotSignedIn(Exception):
    """No valid token came with the call. Not a refusal of the domain: the kit answers UNAUTHENTICATED."""


class OutsideOfScope(NotAllowed):
    """The thing belongs to a node the caller does not act for."""


_current: ContextVar[Principal] = ContextVar("principal")


def current_principal() -> Principal:
    """Whoever makes the call being handled.

    Raises:
        NotSignedIn: outside of a call, or in one that needs no token.
    """
    try:
        return _current.get()
    except LookupError:
        raise NotSignedIn("nobody is signed in here") from None


@contextmanager
def acting_as(principal: Principal) -> Iterator[None]:
    """Make `principal` the current one inside the block; for the kit, consumers, workers and tests."""
    token = _current.set(principal)
    try:
        yield
    finally:
        _current.reset(token)


_SEE_EVERYTHING = frozenset(
    {Role.CITY_COORDINATOR, Role.LEADER, Role.SERVICE, Role.AUDITOR, Role.ADMIN}
)


def node_scope(principal: Principal) -> list[str] | None:
    """The nodes whose things `principal` may see, with all their descendants; None for everything.

    Made to be a parameter of the query itself, where `node_path` holds a row's node and all its ancestors:

        WHERE ($1::text[] IS NULL OR node_path && $1)

    An empty list matches nothing: who acts for no node sees nothing by scope.
    """
    if principal.roles & _SEE_EVERYTHING:
        return None
    return list(principal.nodes)


def require_scope(principal: Principal, *, node_path: list[str]) -> None:
    """Let `principal` change a thing whose node and ancestors are `node_path`.

    Raises:
        OutsideOfScope: none of them is in its scope.
    """
    scope = node_scope(principal)
    if scope is not None and not set(scope) & set(node_path):
        raise OutsideOfScope(
            "this belongs to a node you do not act for", node=node_path[0] if node_path else ""
        )
