"""Signing in with a real browser against the real stack: one tap, deep links, both languages, phone and desk, signing out."""

from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.support.browser import PageOf, shot

pytestmark = [pytest.mark.e2e, pytest.mark.browser, pytest.mark.timeout(600)]


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize(
    ("language", "tap"), [("zh", "全市统筹（示例）"), ("en", "City coordinator (sample)")]
)
def test_a_stranger_comes_to_the_link_they_were_sent_with_one_tap(
    page_of: PageOf, language: str, tap: str, width: int
) -> None:
    page = page_of(None, "/console/rounds/demo", language=language, width=width)
    page.wait_for_url(f"**/?next={quote('/console/rounds/demo', safe='')}")
    expect(page.get_by_role("link", name=tap)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]})
    assert found.violations_count == 0, found.generate_report()
    shot(page, f"sign-in-{language}-{width}")
    page.get_by_role("link", name=tap).click()
    page.wait_for_url("**/console/rounds/demo")
    assert page.evaluate("fetch('/api/session').then((answer) => answer.json())")["id"] == "city"


def test_the_keyboard_alone_signs_in(page_of: PageOf) -> None:
    page = page_of(None, "/", language="en")
    expect(page.get_by_role("link")).to_have_count(7)
    page.get_by_role("button").last.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/app")


def test_scripts_do_not_see_the_session_and_signing_out_ends_it(page_of: PageOf) -> None:
    page = page_of("city", "/console")
    assert "zhihui" not in page.evaluate("document.cookie")
    gone = page.evaluate(
        """async () => {
            const csrf = (await (await fetch('/api/session')).json()).csrf;
            await fetch('/api/session', {method: 'DELETE', headers: {'X-CSRF-Token': csrf}});
            return (await fetch('/api/session')).status;
        }"""
    )
    assert gone == 401
    page.reload()
    page.wait_for_url("**/?next=*")


def test_a_problem_on_the_way_back_is_said_and_can_be_tried_again(page_of: PageOf) -> None:
    page = page_of(None, "/auth/back?state=x&code=y", language="en")
    expect(page.get_by_role("alert")).to_contain_text("sign in again")
    page.get_by_role("link", name="Lecturer").click()
    page.wait_for_url("**/app")
