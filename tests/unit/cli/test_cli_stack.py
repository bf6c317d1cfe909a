import json

import pytest

from services.cli.stack import StackUnknown, find_stack


@pytest.fixture
def home(tmp_path):
    (tmp_path / "stack.json").write_text(
        json.dumps({"experts": "file:1", "events": "file:2", "token": "file"}), encoding="utf-8"
    )
    return {"ZHIHUI_HOME": str(tmp_path)}


def test_flags_go_before_environment_and_environment_before_the_file(home):
    stack = find_stack(
        flags={"experts": "flag:1"},
        environment={**home, "ZHIHUI_EXPERTS": "env:1", "ZHIHUI_EVENTS": "env:2"},
    )
    assert (stack.experts, stack.events, stack.token) == ("flag:1", "env:2", "file")


def test_a_service_nobody_named_is_asked_for(home):
    with pytest.raises(StackUnknown, match="make up"):
        find_stack(flags={}, environment=home).address("scheduling")


def test_without_a_file_there_is_only_what_was_given(tmp_path):
    assert find_stack(flags={}, environment={"ZHIHUI_HOME": str(tmp_path)}).experts == ""


@pytest.mark.parametrize("content", ["{", "[]"])
def test_a_broken_state_file_is_named(tmp_path, content):
    (tmp_path / "stack.json").write_text(content, encoding="utf-8")
    with pytest.raises(StackUnknown, match=r"stack\.json"):
        find_stack(flags={}, environment={"ZHIHUI_HOME": str(tmp_path)})
