import base64

import pytest

from libs.rpc.paging import BadPageToken, page_of
from tests.support.toy import Toy


def test_a_token_leads_to_the_row_after_it() -> None:
    first = page_of(Toy(title="kite", page_size=10))
    assert (first.size, first.after) == (10, None)
    token = first.token_after("2026-09-07", 17)
    second = page_of(Toy(title="kite", page_size=20, page_token=token))
    assert (second.size, second.after) == (20, ("2026-09-07", 17))


def test_sizes_have_a_default_and_a_limit() -> None:
    assert page_of(Toy(), size_default=7).size == 7
    assert page_of(Toy(page_size=5000), size_max=100).size == 100


def test_tokens_are_safe_in_a_url() -> None:
    assert page_of(Toy()).token_after("城口" * 9).replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize(
    "token",
    [
        page_of(Toy(title="kite")).token_after("a"),
        page_of(Toy()).token_after("a")[:-1],
        page_of(Toy()).token_after("a") + "A",
        "x",
        "城口",
        base64.urlsafe_b64encode(b"123456789[1.5]").decode(),
        base64.urlsafe_b64encode(b"123456789{}").decode(),
        base64.urlsafe_b64encode(b"123456789[\xff").decode(),
    ],
)
def test_a_token_of_another_query_or_nobody_is_refused(token: str) -> None:
    with pytest.raises(BadPageToken) as refused:
        page_of(Toy(page_token=token))
    assert [violation.path for violation in refused.value.violations] == ["page_token"]
