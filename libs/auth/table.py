"""Who may do what: one table of roles by action. What is not in it is denied.

An action is an RPC by its method name, unique over the services. To add an RPC: a member of `Action`, a row of
`ALLOWED`; tests/architecture fails until both are there. Whose things (the node scope) is another question:
libs/auth/principal.py.
"""

from collections.abc import Mapping
from enum import StrEnum

from libs.auth.principal import Principal, Role, current_principal
from libs.errors import NotAllowed


class RoleNotSufficient(NotAllowed):
    """None of the caller's roles may do this."""


class Action(StrEnum):
    """Every RPC, by its method name."""

    # experts
    GET_EXPERT = "GetExpert"
    LIST_EXPERTS = "ListExperts"
    REGISTER_EXPERT = "RegisterExpert"
    UPDATE_EXPERT = "UpdateExpert"
    # scheduling
    WATCH_RUN = "WatchRun"


SIGNED_IN = frozenset(Role)
"""What anybody with a token may know: nodes, topics, what is public."""
COORDINATORS = frozenset(
    {Role.DISTRICT_COORDINATOR, Role.CITY_COORDINATOR, Role.ADMIN, Role.SERVICE}
)
"""Keep experts, pools and venues, endorse requests, run rounds."""
READERS = COORDINATORS | {Role.LEADER, Role.AUDITOR}
"""Look and change nothing, beside those who do change."""
FILERS = COORDINATORS | {Role.VENUE_STAFF, Role.LOCAL_HEAD}
"""File and follow requests, confirm delivery, rate."""
ENDORSERS = COORDINATORS | {Role.LOCAL_HEAD}
EXPERTS = frozenset({Role.EXPERT})
"""Own profile, limits, availability and offers: the handler checks that it is their own."""
SIGNERS = frozenset({Role.LEADER, Role.ADMIN})
"""Sign a round before it is published."""

ALLOWED: Mapping[Action, frozenset[Role]] = {
    Action.GET_EXPERT: READERS | EXPERTS,
    Action.LIST_EXPERTS: READERS,
    Action.REGISTER_EXPERT: COORDINATORS,
    Action.UPDATE_EXPERT: COORDINATORS | EXPERTS,
    Action.WATCH_RUN: READERS,
}


def authorize(action: str, principal: Principal | None = None) -> None:
    """Let `principal` (or the current one) do `action`.

    Raises:
        RoleNotSufficient: none of its roles may, or nobody has said who may.
        NotSignedIn: there is no principal.
    """
    principal = principal or current_principal()
    try:
        allowed = ALLOWED.get(Action(action), frozenset())
    except ValueError:
        allowed = frozenset()
    if not principal.roles & allowed:
        raise RoleNotSufficient("none of your roles may do this", action=str(action))
