"""What those who ask and those who serve live through, step by step, on a phone against the whole stack, in both languages.

Texts are named by their keys (`said`); pictures are kept as `venue-STEP-LANGUAGE` and `expert-STEP-LANGUAGE`. Waiting four weeks for an event is not possible: `brought_forward` moves a published event into the last hour, in the
database. Nothing else is arranged behind the product's back.
"""

import asyncio
import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from secrets import token_hex
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import asyncpg
import httpx
import pytest
from playwright.sync_api import Locator, Page, Route, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from libs.clock import system_clock
from tests.support.browser import PageOf, shot
from tests.support.days import demo_day, next_term_starts
from tests.support.embedded import EmbeddedStack
from tests.support.words import LANGUAGES, Words

pytestmark = [pytest.mark.browser, pytest.mark.e2e, pytest.mark.timeout(600)]
CHENGKOU = "nodes/district-500229"
PHONE = 390
SETTLED_MS = 30_000
"""Facts travel from service to service; on a busy machine that takes its time."""


class Desk:
    """Somebody at a desk, who uses the same edge as the phone."""

    def __init__(self, stack: EmbeddedStack, person: str) -> None:
        self._http = httpx.Client(base_url=stack.base, timeout=60, follow_redirects=True)
        self._http.get("/auth/start", params={"person": person, "next": "/healthz"})
        self._csrf = self.get("session")["csrf"]
        self._calls = 0

    def get(self, path: str, **query: Any) -> Any:
        answer = self._http.get(f"/api/{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def send(self, path: str, body: Any, *, method: str = "POST") -> Any:
        self._calls += 1
        headers = {"X-CSRF-Token": self._csrf, "Idempotency-Key": f"desk-{id(self)}-{self._calls}"}
        answer = self._http.request(method, f"/api/{path}", json=body, headers=headers)
        assert answer.status_code == 200, (path, answer.text)
        return answer.json()

    def close(self) -> None:
        self._http.close()


def until(what: Any, *, seconds: float = 60) -> Any:
    """The first true answer of `what`, which is asked again and again."""
    ends_at = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < ends_at, "it did not become true"
        time.sleep(0.25)
    return found


@pytest.fixture(params=LANGUAGES)
def said(request: pytest.FixtureRequest) -> Words:
    """The reader's language: every journey goes in both."""
    return Words(str(request.param))


@pytest.fixture(scope="module")
def topics(city: Desk) -> dict[str, dict[str, str]]:
    """Names of topics in both languages, by id."""
    return {one["id"]: one for one in city.get("reference")["topics"]}


@pytest.fixture(scope="module")
def city(stack: EmbeddedStack) -> Iterator[Desk]:
    desk = Desk(stack, "city")
    yield desk
    desk.close()


def waiting_in(city: Desk, node: str = CHENGKOU) -> int:
    rows = city.get("requests", node=node, state=["ENDORSED", "UNSERVED"], page_size=500)
    return len(rows["requests"])


def frozen(city: Desk, name: str) -> None:
    """Open a round over 城口 and freeze it, once scheduling has heard of everything that waits there."""
    horizon = {"start_date": f"{demo_day(-1)}", "end_date": f"{demo_day(31)}"}
    body = {"round_id": name, "title": f"示例 {name}", "horizon": horizon, "nodes": [CHENGKOU]}
    city.send("rounds", body)
    until(lambda: city.get(f"rounds/{name}/findings")["requests_count"] >= waiting_in(city))
    city.send(f"rounds/{name}:freeze", {})
    until(lambda: not waiting_in(city))


def solved(city: Desk, name: str, *, seconds: int = 4) -> str:
    """The plan of a solve."""
    run = city.send(f"rounds/{name}/runs", {"seconds": seconds})["run"]["name"]

    def over() -> Any:
        found = city.get(run)["run"]
        assert found["state"] != "FAILED", found
        return found["plan"] if found["state"] == "DONE" else None

    return str(until(over))


def published(city: Desk, name: str) -> None:
    until(lambda: city.get(f"rounds/{name}")["round"]["state"] in ("PROPOSED", "OFFERED"))
    city.send(f"rounds/{name}:publish", {})


async def _brought_forward(database: str, event: str) -> None:
    connection = await asyncpg.connect(database)
    try:
        changed = await connection.execute(
            """
            UPDATE events.events
               SET start_time = now() - interval '1 hour', end_time = now() + interval '1 hour',
                   body = jsonb_set(body, '{period}', jsonb_build_object(
                       'start_time', to_char(now() AT TIME ZONE 'UTC' - interval '1 hour', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
                       'end_time', to_char(now() AT TIME ZONE 'UTC' + interval '1 hour', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')))
             WHERE name = $1
            """,
            event,
        )
    finally:
        await connection.close()
    assert changed == "UPDATE 1"


def brought_forward(stack: EmbeddedStack, event: str) -> None:
    """Move an event into the hour that is now."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(
            lambda: asyncio.run(_brought_forward(stack.state["database"], event))
        ).result()


def choose_topic(page: Page, said: Words, topic: dict[str, str]) -> None:
    page.get_by_role("button", name=said("file.topic")).click()
    named = page.get_by_role("dialog").get_by_role("button", name=said.either(topic), exact=True)
    named.click()


def tap_half_days(page: Page, said: Words, count: int = 4) -> None:
    """Tap the first half-days in which somebody is free, four weeks after four weeks."""
    later = page.get_by_role("button", name=said.like("half.first"))
    free = page.locator(".half.heat1, .half.heat2, .half.heat3, .half.heat4")
    expect(later.or_(free).first).to_be_visible(timeout=SETTLED_MS)
    if later.is_visible():
        later.click()
    tapped = 0
    while True:
        expect(free.first).to_be_visible()
        here = min(count - tapped, free.count())
        for index in range(here):
            free.nth(index).click()
        tapped += here
        if tapped == count:
            break
        page.get_by_role("button", name=said("half.month.after")).click()
    expect(page.get_by_text(said("file.windows.count", count=count))).to_be_visible()


def filled(page: Page, said: Words, topic: dict[str, str], *, halves: int = 4) -> None:
    choose_topic(page, said, topic)
    page.get_by_text(said("mode.EITHER"), exact=True).click()
    tap_half_days(page, said, halves)


def sent(page: Page, said: Words) -> str:
    """Submit what is filled in; the name of the request."""
    page.get_by_role("button", name=said("file.submit")).click()
    page.wait_for_url(re.compile(r"/app/requests/[a-z0-9-]+$"))
    return page.url.rpartition("/app/")[2]


def requests_about(desk: Desk, topic: dict[str, str]) -> list[dict[str, Any]]:
    found = desk.get("requests", node=CHENGKOU, text=topic["zh"], page_size=200)["requests"]
    return [one for one in found if one["title"].endswith(topic["zh"])]


def test_1_a_teacher_files_on_a_weak_network_and_a_retry_makes_no_second_request(
    page_of: PageOf, city: Desk, topics: dict[str, Any], said: Words
) -> None:
    page = page_of("teacher", "/app/new", language=said.language, width=PHONE)
    filled(page, said, topics["space"])
    before = len(requests_about(city, topics["space"]))
    lost: list[str] = []

    def lose_the_answer(route: Route) -> None:
        if route.request.method == "POST" and not lost:
            lost.append(route.fetch().text())  # it arrived; the answer did not come back
            route.abort()
        else:
            route.continue_()

    page.route("**/api/requests", lose_the_answer)
    name = sent(page, said)
    assert json.loads(lost[0])["request"]["name"] == name
    assert len(requests_about(city, topics["space"])) == before + 1
    shot(page, f"venue-1-filed-{said.language}")


def test_1_a_teacher_without_a_network_sees_it_wait_and_it_goes_out_by_itself(
    page_of: PageOf, city: Desk, topics: dict[str, Any], said: Words
) -> None:
    page = page_of("teacher", "/app/new", language=said.language, width=PHONE)
    filled(page, said, topics["brain"])
    before = len(requests_about(city, topics["brain"]))
    page.context.set_offline(True)
    page.get_by_role("button", name=said("file.submit")).click()
    waiting = page.get_by_role("region", name=said("outbox.title"))
    expect(waiting).to_contain_text(said.either(topics["brain"]), timeout=SETTLED_MS)
    unfinished = page.get_by_text(said("home.draft"))
    expect(unfinished).to_be_hidden()  # it is not a draft any more
    shot(page, f"venue-1-waiting-{said.language}")
    page.context.set_offline(False)
    expect(waiting).to_be_hidden(timeout=SETTLED_MS)
    assert len(requests_about(city, topics["brain"])) == before + 1
    page.goto("/app")
    expect(page.locator("a.row").first).to_be_visible()
    expect(unfinished).to_be_hidden()


def test_1_two_tabs_with_one_draft_write_the_same_one_and_know_when_it_is_sent(
    page_of: PageOf, city: Desk, topics: dict[str, Any], said: Words
) -> None:
    page = page_of("teacher", "/app/new", language=said.language, width=PHONE)
    choose_topic(page, said, topics["space"])
    page.wait_for_url(re.compile(r"draft="))
    other = page.context.new_page()
    other.goto(page.url)
    named = {"name": said("file.topic")}
    expect(other.get_by_text(said.either(topics["space"])).first).to_be_visible()
    filled(other, said, topics["first_aid"])
    expect(page.get_by_text(said.either(topics["first_aid"])).first).to_be_visible()
    expect(page.get_by_text(said("file.windows.count", count=4))).to_be_visible()
    assert (
        page.get_by_role("button", **named).count() == other.get_by_role("button", **named).count()
    )
    before = len(requests_about(city, topics["first_aid"]))
    sent(other, said)
    page.wait_for_url(re.compile(r"/app$"))
    assert len(requests_about(city, topics["first_aid"])) == before + 1


@pytest.mark.parametrize("days", [-1, 1])
def test_3_a_phone_whose_clock_is_wrong_by_a_day_asks_about_the_right_days(
    page_of: PageOf, days: int
) -> None:
    page = page_of("teacher", "/app", width=PHONE)
    page.clock.set_system_time(time.time() + days * 86_400)
    with page.expect_request(re.compile(r"/api/calendar\?")) as asked:
        page.goto(page.url + "/new")
    today = system_clock().astimezone(ZoneInfo("Asia/Shanghai")).date().isoformat()
    assert f"start={today}" in asked.value.url


def test_1_a_session_that_ends_while_a_teacher_writes_loses_nothing(
    page_of: PageOf, city: Desk, topics: dict[str, Any], said: Words
) -> None:
    page = page_of("teacher", "/app/new", language=said.language, width=PHONE)
    filled(page, said, topics["first_aid"])
    before = len(requests_about(city, topics["first_aid"]))
    page.context.clear_cookies()
    page.get_by_role("button", name=said("file.submit")).click()
    page.wait_for_url(re.compile(r"/app$"))
    waiting = page.get_by_role("region", name=said("outbox.title"))
    expect(waiting).to_contain_text(said.either(topics["first_aid"]))
    page.goto(f"/auth/start?{urlencode({'person': 'teacher', 'next': '/app'})}")
    until(lambda: len(requests_about(city, topics["first_aid"])) > before)
    expect(waiting).to_be_hidden(timeout=SETTLED_MS)
    assert len(requests_about(city, topics["first_aid"])) == before + 1


def test_1_a_double_tap_on_send_files_once(
    page_of: PageOf, city: Desk, topics: dict[str, Any], said: Words
) -> None:
    page = page_of("teacher", "/app/new", language=said.language, width=PHONE)
    filled(page, said, topics["first_aid"])
    before = len(requests_about(city, topics["first_aid"]))
    page.get_by_role("button", name=said("file.submit")).dblclick()
    page.wait_for_url(re.compile(r"/app/requests/[a-z0-9-]+$"))
    assert len(requests_about(city, topics["first_aid"])) == before + 1


def test_2_a_teacher_picks_a_talk_of_the_catalogue_or_a_named_expert(
    page_of: PageOf, topics: dict[str, Any], said: Words
) -> None:
    page = page_of("teacher", "/app/new", language=said.language, width=PHONE)
    choose_topic(page, said, topics["ai"])
    page.get_by_text(said("band.JUNIOR")).click()
    people = page.get_by_label(said("file.size"))
    people.fill("320")
    page.get_by_role("button", name=said("file.talk")).click()
    talks = page.get_by_role("dialog").get_by_role("button")
    talk = talks.filter(has_text=said("file.talk.approved")).first
    title = talk.locator("b").inner_text()
    talk.click()
    expect(page.get_by_role("button", name=said("file.talk"))).to_contain_text(title)
    page.get_by_role("button", name=said("file.expert")).click()
    chosen = page.get_by_role("dialog").get_by_role("button").filter(has_text="示例·").first
    name = chosen.locator("b").inner_text()
    chosen.click()
    expect(page.get_by_role("button", name=said("file.expert"))).to_contain_text(name)
    page.get_by_label(said("file.expert.only")).check()
    shot(page, f"venue-2-named-{said.language}")
    page.reload()  # a draft outlives the page, and the address leads back to it
    expect(page.get_by_label(said("file.size"))).to_have_value("320")
    page.goto("/app")
    page.get_by_role("link", name=said.either(topics["ai"])).click()
    expect(page.get_by_label(said("file.size"))).to_have_value("320")
    expect(page.get_by_role("button", name=said("file.expert"))).to_contain_text(name)
    expect(page.get_by_label(said("file.expert.only"))).to_be_checked()
    page.get_by_role("button", name=said("file.discard")).click()
    page.get_by_role("dialog").get_by_role("button", name=said("file.discard")).click()


def test_3_and_4_a_teacher_sees_what_days_are_and_the_answer_while_she_writes(
    page_of: PageOf, city: Desk, topics: dict[str, Any], said: Words
) -> None:
    coming = f"coming-{token_hex(3)}"
    horizon = {"start_date": f"{demo_day(-1)}", "end_date": f"{demo_day(31)}"}
    body = {"round_id": coming, "title": f"示例 {coming}", "horizon": horizon, "nodes": [CHENGKOU]}
    city.send("rounds", body)
    page = page_of("teacher", "/app/new", language=said.language, width=PHONE)
    choose_topic(page, said, topics["ai"])
    expect(page.get_by_text(said.like("half.skipped"))).to_be_visible(timeout=SETTLED_MS)
    page.get_by_role(
        "button", name=said("half.month.before")
    ).click()  # it opened where somebody is free
    early = page.get_by_role("button", name=said("half.early")).first
    expect(early).to_be_disabled()
    tap_half_days(page, said)
    expect(page.locator(".now-bar .chance").first).to_contain_text(said.like("answer.chance"))
    expect(page.locator(".legend.coming")).to_contain_text(coming)
    page.locator(".now-more").click()
    answer = page.get_by_role("dialog")
    for key in ("answer.people", "answer.lead"):
        expect(answer).to_contain_text(said.like(key))
    expect(answer).to_contain_text(coming)
    shot(page, f"venue-4-answer-{said.language}")
    page.keyboard.press("Escape")
    for mark in (said("half.off"), said("half.exam")):  # 1 January is off; finals are in January
        for _ in range(2):
            if page.locator(".mark", has_text=mark).count():
                break
            page.get_by_role("button", name=said("half.month.after")).click()
        expect(page.locator(".mark", has_text=mark).first).to_be_visible()
    expect(page.get_by_text(said("half.exam.note"))).to_be_visible()
    shot(page, f"venue-3-calendar-{said.language}")
    city.send(f"rounds/{coming}:abandon", {})
    page.get_by_role("button", name=said("file.discard")).click()
    page.get_by_role("dialog").get_by_role("button", name=said("file.discard")).click()


def test_5_a_local_head_returns_with_a_reason_the_teacher_mends_and_he_endorses(
    page_of: PageOf, topics: dict[str, Any], said: Words
) -> None:
    teacher = page_of("teacher", "/app/new", language=said.language, width=PHONE)
    filled(teacher, said, topics["materials"])
    name = sent(teacher, said)
    expect(teacher.locator(".steps")).to_contain_text(said("say.SUBMITTED"))
    head = page_of("head", f"/app/{name}", language=said.language, width=PHONE)
    head.get_by_role("button", name=said("head.return")).click()
    head.get_by_role("dialog").get_by_label(said("head.return.why")).fill("请写明哪个教室")
    shot(head, f"venue-5-return-{said.language}")
    head.get_by_role("dialog").get_by_role("button", name=said("head.return")).click()
    head.wait_for_url("**/app")
    teacher.goto("/app")
    returned = teacher.locator(f'a.need[href="/app/{name}"]')
    expect(returned).to_contain_text(said("need.returned"), timeout=SETTLED_MS)
    returned.click()
    expect(teacher.locator(".card.alert")).to_contain_text("请写明哪个教室")
    teacher.get_by_role("link", name=said("request.change"), exact=True).click()
    teacher.get_by_label(said("file.room")).fill("教学楼三楼阶梯教室")
    teacher.get_by_role("button", name=said("file.submit")).click()
    teacher.wait_for_url(f"**/app/{name}")
    head.goto(f"/app/{name}")
    expect(head.get_by_text("教学楼三楼阶梯教室")).to_have_count(0)  # the place is for the team
    head.get_by_role("button", name=said("head.endorse")).click()
    expect(head.locator(".top .state")).to_have_text(said("request.ENDORSED"))
    teacher.reload()
    expect(teacher.locator(".top .state")).to_have_text(said("request.ENDORSED"))
    expect(teacher.get_by_text("教学楼三楼阶梯教室")).to_be_visible()
    shot(teacher, f"venue-5-endorsed-{said.language}")
    teacher.get_by_role("button", name=said("request.withdraw")).click()
    teacher.get_by_role("dialog").get_by_role("button", name=said("request.withdraw")).click()
    expect(teacher.locator(".top .state")).to_have_text(said("request.WITHDRAWN"))


def test_7_a_teacher_reads_an_honest_why_not_and_takes_its_repair_in_one_tap(
    page_of: PageOf, city: Desk, said: Words
) -> None:
    theirs = {"ONE_MORE_EXPERT", "DISPLACE"}  # what a venue cannot do itself
    unserved = city.get("requests", node=CHENGKOU, state=["UNSERVED"])["requests"]
    mendable = [
        one
        for one in unserved
        if (repair := city.get(f"{one['name']}/outcome")["unserved"]["repair"])
        and repair["code"] not in theirs
    ]
    page = page_of("teacher", "/app", language=said.language, width=PHONE)
    expect(page.get_by_role("heading", name=said("home.now"))).to_be_visible()
    more = page.get_by_role("button", name=said.like("home.needs.all"))
    needs = page.get_by_role("link", name=said("need.unserved")).first
    expect(needs.or_(more).first).to_be_visible()
    if not needs.is_visible():  # what else there is to do may come first
        more.click()
    expect(needs).to_be_visible()
    accept = page.get_by_role("button", name=said("why.accept"))
    accepted = page.locator(".fine", has_text=said("why.accepted"))
    for before in mendable:  # one of them may be accepted already
        page.goto(f"/app/{before['name']}")
        expect(page.get_by_text(said("why.verified"))).to_be_visible(timeout=SETTLED_MS)
        if not accepted.is_visible():
            break
    expect(accept).to_be_visible()
    why = page.locator(".card", has_text=said("why.title"))
    expect(why).to_contain_text(re.compile(r"[0-9]"))
    expect(page.get_by_text(said.like("queue.place"))).to_be_visible()
    shot(page, f"venue-7-why-not-{said.language}")
    accept.click()
    expect(accepted).to_be_visible()
    after = city.get(before["name"])["request"]
    differs = {
        key for key in ("windows", "mode", "seats", "named_only") if after[key] != before[key]
    }
    assert differs, "the repair changed nothing"


def test_6_to_12_a_teacher_from_the_freeze_to_next_term(
    page_of: PageOf, city: Desk, stack: EmbeddedStack, topics: dict[str, Any], said: Words
) -> None:
    """One request all the way: changed after the freeze, published, confirmed, repaired, checked in offline, rated, again."""
    round = f"journey-{token_hex(3)}"  # a stack may be used more than once
    topic = topics["physics_fun"]
    page = page_of("teacher", "/app/new", language=said.language, width=PHONE)
    filled(page, said, topic, halves=5)
    page.get_by_label(said("file.host")).fill("示例 李老师")
    page.get_by_label(said("file.phone")).fill("13900000000")
    name = sent(page, said)
    city.send(f"{name}:endorse", {})
    page.reload()
    page.get_by_role("link", name=said("request.change"), exact=True).click()  # until the freeze
    page.get_by_label(said("file.size")).fill("55")
    page.get_by_role("button", name=said("file.save")).click()
    page.wait_for_url(f"**/app/{name}")
    frozen(city, round)
    page.reload()
    expect(page.locator(".top .state")).to_have_text(said("request.IN_ROUND"))
    page.get_by_role("link", name=said("request.ask.change")).click()  # afterwards it is asked for
    page.get_by_label(said("file.size")).fill("58")
    page.get_by_label(said("file.reason")).fill("转来三名学生")
    page.get_by_role("button", name=said("file.send.change")).click()
    page.wait_for_url(f"**/app/{name}")
    expect(page.locator(".card .fine", has_text=said("change.waiting"))).to_be_visible()
    assert city.get(name)["request"]["audience_size"] == 55, "the plan was edited silently"
    desk = page_of("city", "/console/requests?state=CHANGES", language=said.language)
    desk.locator(f'a[href^="/console/{name}?"]').click()
    change = desk.locator(".change")
    expect(change).to_contain_text("转来三名学生")
    expect(change.locator("tbody tr")).to_have_count(1)
    expect(change.locator("tbody tr")).to_contain_text(said("people", count=58))
    expect(change.get_by_role("button", name=said("change.make"))).to_be_disabled()
    expect(change.get_by_role("button", name=said("change.keep"))).to_be_disabled()
    change.get_by_label(said("change.why")).fill("人数相差不大，不必改")
    shot(desk, f"console-change-{said.language}")
    change.get_by_role("button", name=said("change.keep")).click()
    expect(change).to_have_count(0)
    page.reload()
    expect(page.locator(".log")).to_contain_text(said("what.CHANGE_REFUSED"))

    solved(city, round)
    assert not city.get(name)["request"]["event"], "a venue learns nothing before publication"
    published(city, round)
    until(lambda: city.get(name)["request"]["state"] == "SCHEDULED")
    event = city.get(name)["request"]["event"]
    page.goto(f"/app/{name}")
    team = page.locator(".team li").first
    expect(team).to_contain_text("示例·", timeout=SETTLED_MS)
    expect(team).to_contain_text(said.like("team.talk"))
    until(lambda: _contact(page, said, team))
    shot(page, f"venue-7-team-{said.language}")
    with page.expect_download() as calendar:
        page.get_by_role("link", name=said("event.calendar")).click()
    entry = calendar.value.path().read_text()
    assert "BEGIN:VEVENT" in entry
    assert "TRIGGER:-P2D" in entry  # the reminder two days before
    with page.expect_download() as sheet:
        page.get_by_role("link", name=said("event.sheet")).click()
    assert sheet.value.path().read_bytes().startswith(b"%PDF")
    assert topic["zh"] in sheet.value.suggested_filename  # it is found again among one's files
    page.get_by_role("button", name=said("event.confirm")).click()
    confirmed = page.locator(".card .state", has_text=said("event.confirmed"))
    expect(confirmed).to_be_visible()
    page.goto("/app")
    expect(page.locator(".next")).to_contain_text("示例·")
    shot(page, f"venue-8-home-{said.language}")

    lost = city.get(event)["event"]["team"][0]["assignment"]  # 07:10: the lecturer is ill
    city.send(f"rounds/{round}:repair", {"lost": [lost], "reason": "讲师生病"})
    until(lambda: not city.get(event)["event"]["confirmed"])
    page.goto(f"/app/{name}")
    expect(page.get_by_text(said("event.changed"))).to_be_visible(timeout=SETTLED_MS)
    page.get_by_role("button", name=said("event.cannot")).click()
    expect(page.get_by_role("dialog")).to_contain_text(said("event.choice.new"))
    shot(page, f"venue-10-choice-{said.language}")
    page.get_by_role("dialog").get_by_role("button", name=said("app.close")).click()
    page.get_by_role("button", name=said("event.confirm")).click()
    until(lambda: city.get(event)["event"]["confirmed"])

    brought_forward(stack, event)
    page.goto(f"/app/{name}")
    code = page.get_by_label(said("checkin.code"))
    expect(code).to_be_visible(timeout=SETTLED_MS)
    page.context.set_offline(True)
    code.fill(city.get(event)["event"]["check_in_code"])
    page.get_by_label(said("checkin.count")).fill("57")
    page.get_by_role("button", name=said("checkin.send")).click()
    waiting = page.get_by_role("region", name=said("outbox.title"))
    expect(waiting).to_contain_text(said.like("outbox.deliver"), timeout=SETTLED_MS)
    shot(page, f"venue-11-offline-{said.language}")
    page.context.set_offline(False)
    until(lambda: city.get(event)["event"]["state"] == "DELIVERED")
    assert city.get(event)["event"]["audience_counted"] == 57

    page.goto(f"/app/{name}")
    expect(page.locator("article.request")).to_have_attribute("aria-busy", "false")
    for question in ("rate.content", "rate.clarity", "rate.organisation"):
        stars = page.get_by_role("group", name=said(question))
        stars.get_by_label(said("rate.stars", count=5)).check(force=True)
    shot(page, f"venue-12-rating-{said.language}")
    page.get_by_role("button", name=said("rate.send")).click()
    expect(page.get_by_text(said("rate.done")).first).to_be_visible()
    page.get_by_role("button", name=said("request.again")).click()
    page.wait_for_url("**/app/new?draft=*")
    expect(page.get_by_role("button", name=said("file.topic"))).to_contain_text(said.either(topic))
    expect(page.get_by_text(said("file.windows.count", count=5))).to_be_visible()
    months = {(next_term_starts() + timedelta(weeks=week)).month for week in range(8)}
    numbers = [
        int(one) for one in re.findall(r"\d+", page.locator(".chosen li").first.inner_text())
    ]
    assert numbers[0 if said.language == "zh" else 1] in months


def _contact(page: Page, said: Words, team: Locator) -> bool:
    """Ask for the contact until experts has heard of the publication."""
    ask = team.get_by_role("button", name=said("team.contact"))
    if ask.is_visible():
        ask.click()
    try:
        team.get_by_text("@example.org").wait_for(timeout=2000)  # invented people have no telephone
    except PlaywrightTimeout:
        return False
    return True


def test_13_a_village_worker_files_for_somebody_without_a_phone_and_the_record_says_so(
    page_of: PageOf, topics: dict[str, Any], said: Words
) -> None:
    page = page_of("village", "/app/new", language=said.language, width=PHONE)
    page.get_by_text(said("group.ELDERLY"), exact=True).click()
    choose_topic(page, said, topics["chronic"])
    page.get_by_text(said("mode.EITHER"), exact=True).click()
    tap_half_days(page, said, 3)
    page.get_by_label(said("file.proxy")).check()
    page.get_by_label(said("file.proxy.who")).fill("三组王大爷（示例）")
    sent(page, said)
    expect(page.get_by_text(said("proxy.yes"))).to_be_visible()
    expect(page.locator(".log")).to_contain_text(said("log.proxy"))
    expect(page.locator("dl")).to_contain_text("三组王大爷（示例）")
    shot(page, f"venue-13-proxy-{said.language}")


def test_14_a_village_workers_account_is_deleted_and_the_statistics_stay(
    page_of: PageOf, stack: EmbeddedStack, city: Desk, topics: dict[str, Any], said: Words
) -> None:
    page = page_of("village", "/app/new", language=said.language, width=PHONE)
    filled(page, said, topics["nutrition"])
    page.get_by_label(said("file.host")).fill("示例 张干部")
    page.get_by_label(said("file.phone")).fill("13900000001")
    name = sent(page, said)
    assert city.get(name)["request"]["host_phone"] == "13900000001"
    page.goto("/app/me")
    page.get_by_role("button", name=said("me.delete")).click()
    shot(page, f"venue-14-delete-{said.language}")
    page.get_by_role("dialog").get_by_role("button", name=said("me.delete.yes")).click()
    page.wait_for_url(lambda url: not url.endswith("/app/me"))
    gone = city.get(name)["request"]
    assert (gone["host"], gone["host_phone"], gone["notes"]) == ("", "", "")
    assert gone["audience_size"] == 60
    assert "sample-village" not in json.dumps(city.get(f"{name}/history"))
    kept = page.evaluate("Object.keys(localStorage).filter((one) => one.startsWith('zhihui.kept'))")
    assert kept == []


EXPERT = "experts/expert-0042"
NEAR = "nodes/district-500106"
"""Where the ready-made expert lives."""


def asked_of_the_expert(city: Desk, round: str, count: int) -> list[str]:
    """Requests of schools nearby that only the expert may serve, endorsed and asked of them in a round."""
    skills = [one["topic"] for one in city.get(EXPERT)["expert"]["skills"]]
    venues = city.get("venues", node=NEAR, page_size=200)["venues"]
    schools = [one for one in venues if one["group"] == "YOUTH"]
    days = (14, 15, 16, 17, 18, 21, 22, 23, 24, 25)
    halves = [
        {
            "start_time": f"{demo_day(day)}T08:00:00+08:00",
            "end_time": f"{demo_day(day)}T12:00:00+08:00",
        }
        for day in days
    ]
    names = []
    for index, school in enumerate(schools[:count]):
        request = {
            "venue": school["name"],
            "title": f"示例：{round} 第 {index + 1} 场",
            "group": "YOUTH",
            "level": "SENIOR",
            "audience_size": 40,
            "form": "LECTURE",
            "topic": skills[0],
            "duration_min": 60,
            "windows": halves,
            "seats": [{"roles": ["LECTURER"], "topic": skills[0], "count": 1}],
            "named_expert": EXPERT,
            "named_only": True,
            "mode": "EITHER",
        }
        filed = city.send("requests", {"request": request, "submit": True})["request"]
        if filed["state"] == "SUBMITTED":
            city.send(f"{filed['name']}:endorse", {})
        names.append(filed["name"])
    horizon = {"start_date": f"{demo_day(14)}", "end_date": f"{demo_day(26)}"}
    body = {
        "round_id": round,
        "title": f"示例 {round}",
        "horizon": horizon,
        "nodes": [NEAR],
        "policy": "policies/campus-autumn",
    }
    city.send("rounds", body)
    until(lambda: city.get(f"rounds/{round}/findings")["requests_count"] >= waiting_in(city, NEAR))
    city.send(f"rounds/{round}:freeze", {})
    for name in names:  # others wait for the same person, and some of them have waited longer
        pin = {"request": name, "seat": 0, "expert": EXPERT}
        city.send(f"rounds/{round}/pins:add", {"pin": pin})
    solved(city, round)
    until(lambda: city.get(f"rounds/{round}")["round"]["state"] == "PROPOSED")
    city.send(f"rounds/{round}:offer", {"respond_by_time": f"{demo_day(13)}T00:00:00Z"})
    return names


def test_an_expert_accepts_one_offer_declines_another_with_a_reason_and_finds_the_day_in_the_record(
    page_of: PageOf, city: Desk, stack: EmbeddedStack, said: Words
) -> None:
    round = f"offers-{token_hex(3)}"
    names = asked_of_the_expert(city, round, 2)
    page = page_of("expert", "/app", language=said.language, width=PHONE)
    card = page.locator(".card", has_text=said("offer.title"))
    offers = card.locator("li.offer", has_text=round)  # others may ask, too
    expect(offers).to_have_count(2, timeout=SETTLED_MS)
    expect(offers.first).to_contain_text(said.like("offer.by"))
    shot(page, f"expert-1-offers-{said.language}")
    second = offers.nth(1)
    declined = second.locator("b").first.inner_text()
    second.get_by_role("button", name=said("offer.decline")).click()
    sheet = page.get_by_role("dialog")
    expect(sheet.get_by_role("button", name=said("offer.decline"))).to_be_disabled()
    sheet.get_by_role("button", name=said("offer.why.health")).click()
    shot(page, f"expert-2-decline-{said.language}")
    sheet.get_by_role("button", name=said("offer.decline")).click()
    expect(offers).to_have_count(1)
    offers.first.get_by_role("button", name=said("offer.accept")).click()
    expect(offers).to_have_count(0)
    asked = city.get("assignments", round=f"rounds/{round}", page_size=100)["assignments"]
    mine = {one["title"]: one for one in asked if one["request"] in names}
    assert mine[declined]["reason"] == said("offer.why.health")
    assert sorted(one["state"] for one in mine.values()) == ["ACCEPTED", "DECLINED"]

    lost = [one["name"] for one in asked if one["state"] == "DECLINED"]
    city.send(f"rounds/{round}:repair", {"lost": lost, "reason": "谢绝"})
    for one in city.get("assignments", round=f"rounds/{round}", state=["OFFERED"])["assignments"]:
        city.send(f"{one['name']}:accept", {})
    leader = Desk(stack, "leader")
    leader.send(f"rounds/{round}:sign", {"plan": city.get(f"rounds/{round}")["round"]["plan"]})
    leader.close()
    city.send(f"rounds/{round}:publish", {})
    accepted = next(one for one in mine.values() if one["state"] == "ACCEPTED")
    event = str(until(lambda: city.get(accepted["request"])["request"]["event"]))
    page.reload()
    title = accepted["title"]
    coming = page.locator(".card", has_text=said("mine.title")).locator("li", has_text=title)
    expect(coming).to_be_visible(timeout=SETTLED_MS)
    coming.get_by_role("button", name=said("mine.code")).click()
    expect(coming.locator("output")).to_have_text(city.get(event)["event"]["check_in_code"])
    with page.expect_download() as calendar:
        coming.get_by_role("link", name=said("event.calendar")).click()
    assert "BEGIN:VEVENT" in calendar.value.path().read_text()
    shot(page, f"expert-3-calendar-{said.language}")

    page.get_by_role("link", name=said("app.record")).click()
    page.wait_for_url("**/app/record")
    before = _reloaded(page).locator(".rows .row").count()
    brought_forward(stack, event)
    shown = city.get(event)["event"]
    body = {"check_in_code": shown["check_in_code"], "audience_counted": 41}
    city.send(f"{event}:deliver", body)
    until(lambda: _reloaded(page).locator(".rows .row").count() == before + 1)
    expect(page.locator(".hero")).to_contain_text(said.like("record.total"))
    shot(page, f"expert-5-record-{said.language}")


def _reloaded(page: Page) -> Page:
    page.reload()
    page.locator(".rows .row, .empty").first.wait_for()
    return page


def test_an_expert_sets_free_half_days_and_limits(page_of: PageOf, city: Desk, said: Words) -> None:
    page = page_of("expert", "/app/limits", language=said.language, width=PHONE)
    per_week = page.get_by_label(said("limit.week"), exact=True)
    expect(per_week).to_be_visible(timeout=SETTLED_MS)
    before = int(per_week.input_value())
    page.get_by_role("button", name=f"{said('limit.week')} +").click()
    page.get_by_role("button", name=said("limits.save")).last.click()
    expect(page.get_by_text(said("limits.saved"))).to_be_visible()
    mine = city.get(EXPERT)["expert"]
    assert mine["limits"]["per_week"] == before + 1
    half = page.locator(".half").nth(8)
    free = half.get_attribute("aria-pressed")
    half.click()
    page.get_by_role("button", name=said("limits.save")).first.click()
    expect(page.get_by_text(said("free.unsaved"))).to_be_hidden()
    page.reload()
    expect(page.locator(".half").nth(8)).to_have_attribute(
        "aria-pressed", "false" if free == "true" else "true", timeout=SETTLED_MS
    )
    shot(page, f"expert-4-limits-{said.language}")
