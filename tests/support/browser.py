"""A real browser against the real embedded stack: `stack`, and `page_of(person, path)`, a page where they are signed in.

    def test_a_teacher_sees_her_requests(page_of):
        page = page_of("teacher", "/app", width=390)
        expect(page.get_by_role("heading")).to_have_text("我的申请")

Every page is watched: an uncaught error, or anything the Content-Security-Policy has stopped, fails the test when it ends.
`ZHIHUI_TEST_STACK_HOME` names the folder of a stack that runs already (`make up`) and takes the place of a new one;
`ZHIHUI_SCREENSHOTS` is where `shot(page, name)` keeps pictures, `.screenshots` when it is not set.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.architecture.tree import ROOT
from tests.support.embedded import EmbeddedStack

UP_S = 480
STAYS = "Ctrl-C"
"""The last line a stack says before it stays up."""
LANGUAGES = {"zh": "zh-CN", "en": "en-GB"}


@pytest.fixture(scope="session")
def stack() -> Iterator[EmbeddedStack]:
    """The whole embedded stack with the demonstration, once for all tests that ask."""
    given = os.environ.get("ZHIHUI_TEST_STACK_HOME")
    if given:
        yield EmbeddedStack(Path(given))
        return
    home = Path(tempfile.mkdtemp(prefix="zhihui-stack-"))
    said = home.parent / f"{home.name}.log"
    environment = {
        **os.environ,
        "PYTHONPATH": f"{ROOT}:{ROOT / 'libs/genproto'}",
        "ZHIHUI_CALLS_PER_MINUTE": "100000",  # tests are in a hurry
    }
    command = [sys.executable, "-m", "services.local", "up", "--home", str(home)]
    with said.open("w") as log:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        ends_at = time.monotonic() + UP_S
        while STAYS not in said.read_text():
            assert process.poll() is None, said.read_text()
            assert time.monotonic() < ends_at, f"not up after {UP_S} s:\n{said.read_text()}"
            time.sleep(0.3)
        yield EmbeddedStack(home)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        shutil.rmtree(home, ignore_errors=True)
        said.unlink()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's chromium, headless."""
    path = shutil.which("chromium")
    assert path is not None, "browser tests need chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


PageOf = Callable[..., Page]


@pytest.fixture
def page_of(stack: EmbeddedStack, chromium: Browser) -> Iterator[PageOf]:
    """Pages of signed-in people: `page_of(person, path, language=, width=, height=, dark=)`; no person: a stranger."""
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def opened(
        person: str | None,
        path: str = "/",
        *,
        language: str = "zh",
        width: int = 1440,
        height: int = 0,
        dark: bool = False,
        phone: bool | None = None,
    ) -> Page:
        context = chromium.new_context(
            base_url=stack.base,
            locale=LANGUAGES[language],
            timezone_id="Asia/Shanghai",
            viewport={"width": width, "height": height or (844 if width < 600 else 900)},
            color_scheme="dark" if dark else "light",
            has_touch=width < 600 if phone is None else phone,
        )
        contexts.append(context)
        context.add_init_script(
            f"localStorage.getItem('zhihui.language') ?? localStorage.setItem('zhihui.language', '{language}');"
            "addEventListener('securitypolicyviolation', (event) =>"
            " console.error('CSP', event.effectiveDirective, event.blockedURI, event.sample));"
        )
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(f"{page.url}: {error}"))
        page.on(
            "console",
            lambda message: (
                wrong.append(f"{page.url}: {message.text}")
                if message.type == "error" and "CSP" in message.text
                else None
            ),
        )
        if person is None:
            page.goto(path)
        else:
            page.goto(f"/auth/start?person={person}&next={path.replace('&', '%26')}")
            page.wait_for_url(lambda url: "/auth/" not in url)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert wrong == []


def shot(page: Page, name: str) -> None:
    """Keep a picture of the whole page as `name`.png."""
    folder = Path(os.environ.get("ZHIHUI_SCREENSHOTS", ROOT / ".screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"{name}.png", full_page=True)
