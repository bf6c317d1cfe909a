"""Reasons are a contract: each refusal has one kind and one reason, and the page of errors lists them all."""

import collections
import re

from libs.errors import KINDS
from libs.rpc.status import STATUS_BY_KIND
from tests.architecture.errors_page import PAGE, page, refusals


def test_every_refusal_has_exactly_one_kind() -> None:
    assert refusals()
    for refusal in refusals():
        assert sum(issubclass(refusal, kind) for kind in KINDS) == 1, refusal


def test_every_reason_is_of_aip_193_form_and_unique() -> None:
    reasons = [refusal.reason for refusal in refusals()]
    assert [
        reason for reason in reasons if not re.fullmatch(r"[A-Z][A-Z0-9_]{1,61}[A-Z0-9]", reason)
    ] == []
    assert [reason for reason, times in collections.Counter(reasons).items() if times > 1] == []


def test_every_refusal_says_what_it_means() -> None:
    assert [refusal.__name__ for refusal in refusals() if not refusal.__dict__.get("__doc__")] == []


def test_every_kind_has_a_status_of_its_own() -> None:
    assert set(STATUS_BY_KIND) == set(KINDS)
    assert len(set(STATUS_BY_KIND.values())) == len(KINDS)


def test_the_page_of_errors_is_up_to_date() -> None:
    assert PAGE.read_text() == page(), "run: python -m tests.architecture.errors_page"
