import pytest

from libs.auth.principal import (
    NotSignedIn,
    OutsideOfScope,
    Principal,
    Role,
    acting_as,
    current_principal,
    node_scope,
    require_scope,
)
from libs.auth.table import ALLOWED, Action, RoleNotSufficient, authorize

DISTRICT = Principal(
    subject="d", roles=frozenset({Role.DISTRICT_COORDINATOR}), nodes=("nodes/500101",)
)


def test_there_is_a_principal_only_inside_of_a_call() -> None:
    with pytest.raises(NotSignedIn):
        current_principal()
    with acting_as(DISTRICT):
        assert current_principal() is DISTRICT
    with pytest.raises(NotSignedIn):
        current_principal()


@pytest.mark.parametrize("role", Role)
def test_the_city_sees_everything_and_others_their_nodes(role: Role) -> None:
    principal = Principal(subject="p", roles=frozenset({role}), nodes=("nodes/1",))
    sees_everything = {Role.CITY_COORDINATOR, Role.LEADER, Role.SERVICE, Role.AUDITOR, Role.ADMIN}
    assert node_scope(principal) == (None if role in sees_everything else ["nodes/1"])


def test_who_acts_for_no_node_sees_nothing_by_scope() -> None:
    assert node_scope(Principal(subject="e", roles=frozenset({Role.EXPERT}))) == []


def test_a_descendant_is_in_scope_and_a_neighbour_is_not() -> None:
    require_scope(DISTRICT, node_path=["nodes/500101007", "nodes/500101", "nodes/500000"])
    with pytest.raises(OutsideOfScope) as refused:
        require_scope(DISTRICT, node_path=["nodes/500102", "nodes/500000"])
    assert refused.value.details == {"node": "nodes/500102"}


def test_what_is_not_in_the_table_is_denied_to_all() -> None:
    everybody = Principal(subject="x", roles=frozenset(Role))
    with pytest.raises(RoleNotSufficient):
        authorize("DropEverything", everybody)


def test_any_one_of_the_roles_is_enough() -> None:
    authorize(
        Action.REGISTER_EXPERT,
        Principal(subject="x", roles=frozenset({Role.EXPERT, Role.ADMIN})),
    )
    with pytest.raises(RoleNotSufficient):
        authorize(Action.REGISTER_EXPERT, Principal(subject="x", roles=frozenset({Role.EXPERT})))


def test_auditors_and_consumers_change_nothing() -> None:
    reads = (
        "Get",
        "List",
        "Watch",
        "Search",
        "BatchGet",
        "Export",
        "Validate",
        "Explain",
        "Compare",
        "Replay",
        "Price",
        "Verify",
        "Download",
        "Rank",
    )
    for action, roles in ALLOWED.items():
        # a consumer says where facts are sent to: about itself, and nothing that anybody else reads
        own = {Role.CONSUMER} if "Webhook" in action.value else set()
        if not action.value.startswith(reads):
            assert not roles & ({Role.AUDITOR, Role.CONSUMER} - own), action
