import re
from datetime import UTC, datetime, timedelta

import pytest

from libs import ids
from libs.clock import system_clock


def test_ids_sort_in_the_order_they_were_made() -> None:
    made = [ids.new_id("exp") for _ in range(5000)]
    assert made == sorted(set(made))


def test_ids_sort_even_when_the_clock_steps_back(monkeypatch: pytest.MonkeyPatch) -> None:
    before = ids.new_id("x")
    monkeypatch.setattr("libs.ids.time.time_ns", lambda: 0)
    assert ids.new_id("x") > before


def test_an_id_is_a_resource_id() -> None:
    assert re.fullmatch(r"exp-[0-9a-z]{26}", ids.new_id("exp"))


def test_a_uuid_is_of_version_7_and_knows_its_time() -> None:
    value = ids.new_uuid()
    at = datetime.fromtimestamp((value.int >> 80) / 1000, UTC)
    assert (value.version, value.variant) == (7, "specified in RFC 4122")
    assert abs(at - system_clock()) < timedelta(minutes=1)
