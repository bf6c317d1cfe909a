"""Every RPC has a row in the table of roles, and every row is an RPC: nothing is allowed, or forbidden, by accident."""

import collections
import importlib

from libs.auth.table import ALLOWED, Action
from tests.architecture.tree import ROOT

_GENPROTO = ROOT / "libs" / "genproto"


def rpcs() -> list[str]:
    """Method names of every service in our protos."""
    names = []
    for path in sorted((_GENPROTO / "zhihui").rglob("*_pb2.py")):
        module = importlib.import_module(
            ".".join(path.relative_to(_GENPROTO).with_suffix("").parts)
        )
        for service in module.DESCRIPTOR.services_by_name.values():
            names += [method.name for method in service.methods]
    return names


def test_every_rpc_has_a_row_and_every_row_is_an_rpc() -> None:
    assert sorted({action.value for action in Action} ^ set(rpcs())) == []


def test_every_action_says_who_may() -> None:
    assert [action.name for action in Action if not ALLOWED.get(action)] == []


def test_a_method_name_belongs_to_one_service() -> None:
    assert [name for name, times in collections.Counter(rpcs()).items() if times > 1] == []
