"""What a venue lives through, step by step, in a real browser against the whole stack; one phone, 390 points wide.

Waiting four weeks for an event is not possible: `brought_forward` moves a published event into the last hour, in the
database. Nothing else is arranged behind the product's back.
"""

import asyncio
import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from secrets import token_hex
from typing import Any

import asyncpg
import httpx
import pytest
from playwright.sync_api import Locator, Page, Route, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.support.browser import EmbeddedStack, PageOf, shot

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
    horizon = {"start_date": "2026-12-20", "end_date": "2027-01-21"}
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


def choose_topic(page: Page, name: str) -> None:
    page.get_by_role("button", name="主题").click()
    page.get_by_role("dialog").get_by_role("button", name=name, exact=True).click()


def tap_half_days(page: Page, count: int = 4) -> None:
    """Tap the first half-days in which somebody is free, four weeks after four weeks."""
    later = page.get_by_role("button", name="这四周没有专家有空")
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
        page.get_by_role("button", name="后四周").click()
    expect(page.get_by_text(f"已选 {count} 个半天")).to_be_visible()


def filled(page: Page, topic: str, *, mode: str = "现场或线上均可", halves: int = 4) -> None:
    choose_topic(page, topic)
    page.get_by_text(mode, exact=True).click()
    tap_half_days(page, halves)


def sent(page: Page) -> str:
    """Submit what is filled in; the name of the request."""
    page.get_by_role("button", name="提交申请").click()
    page.wait_for_url(re.compile(r"/app/requests/[a-z0-9-]+$"))
    return page.url.rpartition("/app/")[2]


def requests_about(desk: Desk, title: str) -> list[dict[str, Any]]:
    found = desk.get("requests", node=CHENGKOU, text=title, page_size=200)["requests"]
    return [one for one in found if one["title"].endswith(title)]


def test_1_a_teacher_files_on_a_weak_network_and_a_retry_makes_no_second_request(
    page_of: PageOf, city: Desk
) -> None:
    page = page_of("teacher", "/app/new", width=PHONE)
    filled(page, "航天与天文")
    before = len(requests_about(city, "航天与天文"))
    lost: list[str] = []

    def lose_the_answer(route: Route) -> None:
        if route.request.method == "POST" and not lost:
            lost.append(route.fetch().text())  # it arrived; the answer did not come back
            route.abort()
        else:
            route.continue_()

    page.route("**/api/requests", lose_the_answer)
    name = sent(page)
    assert json.loads(lost[0])["request"]["name"] == name
    assert len(requests_about(city, "航天与天文")) == before + 1
    shot(page, "venue-1-filed")


def test_1_without_a_network_it_waits_in_plain_sight_and_goes_out_by_itself(
    page_of: PageOf, city: Desk
) -> None:
    page = page_of("teacher", "/app/new", width=PHONE)
    filled(page, "脑科学与生命科学")
    before = len(requests_about(city, "脑科学与生命科学"))
    page.context.set_offline(True)
    page.get_by_role("button", name="提交申请").click()
    waiting = page.get_by_role("region", name="等待发送")
    expect(waiting).to_contain_text("脑科学与生命科学", timeout=SETTLED_MS)
    shot(page, "venue-1-waiting")
    page.context.set_offline(False)
    expect(waiting).to_be_hidden(timeout=SETTLED_MS)
    assert len(requests_about(city, "脑科学与生命科学")) == before + 1


def test_2_she_picks_a_talk_of_the_catalogue_or_a_named_expert(page_of: PageOf) -> None:
    page = page_of("teacher", "/app/new", width=PHONE)
    choose_topic(page, "人工智能与大数据")
    page.get_by_text("初中 7–9 年级").click()
    people = page.get_by_label("大约多少人")
    people.fill("320")
    page.get_by_role("button", name="目录里的讲题").click()
    talk = page.get_by_role("dialog").get_by_role("button").filter(has_text="已通过审核").first
    title = talk.locator("b").inner_text()
    talk.click()
    expect(page.get_by_role("button", name="目录里的讲题")).to_contain_text(title)
    page.get_by_role("button", name="指定专家").click()
    chosen = page.get_by_role("dialog").get_by_role("button").filter(has_text="示例·").first
    name = chosen.locator("b").inner_text()
    chosen.click()
    expect(page.get_by_role("button", name="指定专家")).to_contain_text(name)
    page.get_by_text("只要这位专家，换人就不办").click()
    page.reload()  # a draft outlives the page
    page.goto("/app")
    page.get_by_role("link", name="人工智能与大数据").click()
    expect(page.get_by_label("大约多少人")).to_have_value("320")
    expect(page.get_by_role("button", name="指定专家")).to_contain_text(name)
    expect(page.get_by_label("只要这位专家，换人就不办")).to_be_checked()
    page.get_by_role("button", name="删除草稿").click()
    page.get_by_role("dialog").get_by_role("button", name="删除草稿").click()


@pytest.mark.parametrize(("language", "likely"), [("zh", "把握约"), ("en", "about")])
def test_3_and_4_half_days_know_the_calendar_and_the_answer_is_there_while_she_writes(
    page_of: PageOf, language: str, likely: str
) -> None:
    page = page_of("teacher", "/app/new", width=PHONE, language=language)
    if language == "zh":
        choose_topic(page, "人工智能与大数据")
        tap_half_days(page)
    else:
        page.get_by_role("button", name="Topic").click()
        page.get_by_role("dialog").locator(".pills button").first.click()
        later = page.get_by_role("button", name="Nobody is free in these weeks")
        later.click()
        for index in range(4):
            page.locator(".half.heat1, .half.heat2, .half.heat3, .half.heat4").nth(index).click()
    new_year = page.locator(".day", has=page.locator(".mark"))
    expect(new_year.first).to_be_visible()  # 1 January is off
    expect(page.locator(".now-bar .chance").first).to_contain_text(likely)
    page.locator(".now-more").click()
    answer = page.get_by_role("dialog")
    expect(answer).to_contain_text("位专家符合条件" if language == "zh" else "experts qualify")
    expect(answer).to_contain_text("审批后最早" if language == "zh" else "After approval")
    shot(page, f"venue-4-answer-{language}")


def test_4_a_half_day_too_early_for_approval_cannot_be_tapped(page_of: PageOf) -> None:
    page = page_of("teacher", "/app/new", width=PHONE)
    choose_topic(page, "人工智能与大数据")
    early = page.get_by_role("button", name="来不及审批").first
    expect(early).to_be_disabled(timeout=SETTLED_MS)


def test_5_a_local_head_returns_with_a_reason_she_mends_and_he_endorses(page_of: PageOf) -> None:
    teacher = page_of("teacher", "/app/new", width=PHONE)
    filled(teacher, "新材料")
    name = sent(teacher)
    expect(teacher.locator(".steps")).to_contain_text("等区县或三长核实")
    head = page_of("head", f"/app/{name}", width=PHONE)
    head.get_by_role("button", name="退回").click()
    head.get_by_role("dialog").get_by_label("要改什么").fill("请写明哪个教室")
    head.get_by_role("dialog").get_by_role("button", name="退回").click()
    head.wait_for_url("**/app")
    teacher.goto("/app")
    returned = teacher.locator(f'a.need[href="/app/{name}"]')
    expect(returned).to_contain_text("被退回，请修改", timeout=SETTLED_MS)
    returned.click()
    expect(teacher.locator(".card.alert")).to_contain_text("请写明哪个教室")
    teacher.get_by_role("link", name="修改").click()
    teacher.get_by_label("哪个房间").fill("教学楼三楼阶梯教室")
    teacher.get_by_role("button", name="提交申请").click()
    teacher.wait_for_url(f"**/app/{name}")
    head.goto(f"/app/{name}")
    expect(head.get_by_text("教学楼三楼阶梯教室")).to_have_count(0)  # the place is for the team
    head.get_by_role("button", name="推荐").click()
    expect(head.locator(".top .state")).to_have_text("待排程")
    teacher.reload()
    expect(teacher.locator(".top .state")).to_have_text("待排程")
    expect(teacher.get_by_text("教学楼三楼阶梯教室")).to_be_visible()
    teacher.get_by_role("button", name="撤回").click()
    teacher.get_by_role("dialog").get_by_role("button", name="撤回").click()
    expect(teacher.locator(".top .state")).to_have_text("已撤回")


def test_7_an_honest_why_not_and_its_repair_in_one_tap(page_of: PageOf, city: Desk) -> None:
    theirs = {"ONE_MORE_EXPERT", "DISPLACE"}  # what a venue cannot do itself
    unserved = city.get("requests", node=CHENGKOU, state=["UNSERVED"])["requests"]
    before = next(
        one
        for one in unserved
        if (repair := city.get(f"{one['name']}/outcome")["unserved"]["repair"])
        and repair["code"] not in theirs
    )
    name = before["name"]
    page = page_of("teacher", "/app", width=PHONE)
    expect(page.get_by_role("link", name="这轮没排上，有办法").first).to_be_visible()
    page.goto(f"/app/{name}")
    expect(page.get_by_text("已重新计算验证过")).to_be_visible(timeout=SETTLED_MS)
    expect(page.locator(".card", has_text="为什么没排上")).to_contain_text(re.compile(r"[0-9]"))
    expect(page.get_by_text("共")).to_contain_text(re.compile("第 [0-9]+"))
    shot(page, "venue-7-why-not")
    page.get_by_role("button", name="接受这个办法").click()
    after = until(
        lambda: (one := city.get(name)["request"])["etag"] != before["etag"] and one, seconds=20
    )
    differs = {
        key for key in ("windows", "mode", "seats", "named_only") if after[key] != before[key]
    }
    assert differs, "the repair changed nothing"


def test_6_to_12_from_the_freeze_to_next_term(
    page_of: PageOf, city: Desk, stack: EmbeddedStack
) -> None:
    """One request all the way: changed after the freeze, published, confirmed, repaired, checked in offline, rated, again."""
    round = f"journey-{token_hex(3)}"  # a stack may be used more than once
    page = page_of("teacher", "/app/new", width=PHONE)
    filled(page, "身边的物理与光", halves=5)
    page.get_by_label("陪同老师或联系人").fill("示例 李老师")
    page.get_by_label("联系电话").fill("13900000000")
    name = sent(page)
    city.send(f"{name}:endorse", {})
    page.reload()
    page.get_by_role("link", name="修改").click()  # until the freeze she edits
    page.get_by_label("大约多少人").fill("55")
    page.get_by_role("button", name="保存修改").click()
    page.wait_for_url(f"**/app/{name}")
    frozen(city, round)
    page.reload()
    expect(page.locator(".top .state")).to_have_text("排程中")
    page.get_by_role("link", name="申请变更").click()  # afterwards a change is asked for
    page.get_by_label("大约多少人").fill("58")
    page.get_by_label("为什么要变更").fill("转来三名学生")
    page.get_by_role("button", name="提交变更").click()
    page.wait_for_url(f"**/app/{name}")
    expect(page.locator(".card .fine", has_text="等统筹人员处理")).to_be_visible()
    assert city.get(name)["request"]["audience_size"] == 55, "the plan was edited silently"
    city.send(f"{name}:answerChange", {"accept": False, "reason": "人数相差不大，不必改"})

    solved(city, round)
    assert not city.get(name)["request"]["event"], "a venue learns nothing before publication"
    published(city, round)
    until(lambda: city.get(name)["request"]["state"] == "SCHEDULED")
    event = city.get(name)["request"]["event"]
    page.goto(f"/app/{name}")
    team = page.locator(".team li").first
    expect(team).to_contain_text("示例·", timeout=SETTLED_MS)
    expect(team).to_contain_text("两项审核均已通过")
    until(lambda: _contact(page, team))
    shot(page, "venue-7-team")
    with page.expect_download() as calendar:
        page.get_by_role("link", name="加入日历").click()
    entry = calendar.value.path().read_text()
    assert "BEGIN:VEVENT" in entry
    assert "TRIGGER:-P2D" in entry  # the reminder two days before
    with page.expect_download() as sheet:
        page.get_by_role("link", name="审批表 PDF").click()
    assert sheet.value.path().read_bytes().startswith(b"%PDF")
    page.get_by_role("button", name="确认，我们会准备好").click()
    expect(page.locator(".card .state", has_text="已确认")).to_be_visible()
    page.goto("/app")
    expect(page.locator(".next")).to_contain_text("身边的物理与光")

    lost = city.get(event)["event"]["team"][0]["assignment"]  # 07:10: the lecturer is ill
    city.send(f"rounds/{round}:repair", {"lost": [lost], "reason": "讲师生病"})
    until(lambda: not city.get(event)["event"]["confirmed"])
    page.goto(f"/app/{name}")
    expect(page.get_by_text("安排有变，请看新的时间和人员")).to_be_visible(timeout=SETTLED_MS)
    page.get_by_role("button", name="这个时间不行").click()
    expect(page.get_by_role("dialog")).to_contain_text("换一个时间")
    shot(page, "venue-10-choice")
    page.get_by_role("dialog").get_by_role("button", name="关闭").click()
    page.get_by_role("button", name="确认，我们会准备好").click()
    until(lambda: city.get(event)["event"]["confirmed"])

    brought_forward(stack, event)
    page.goto(f"/app/{name}")
    code = page.get_by_label("签到码")
    expect(code).to_be_visible(timeout=SETTLED_MS)
    page.context.set_offline(True)
    code.fill(city.get(event)["event"]["check_in_code"])
    page.get_by_label("到场人数").fill("57")
    page.get_by_role("button", name="完成签到").click()
    expect(page.get_by_role("region", name="等待发送")).to_contain_text("签到", timeout=SETTLED_MS)
    shot(page, "venue-11-offline")
    page.context.set_offline(False)
    until(lambda: city.get(event)["event"]["state"] == "DELIVERED")
    assert city.get(event)["event"]["audience_counted"] == 57

    page.goto(f"/app/{name}")
    for question in ("内容值得听吗", "大家听懂了吗", "组织顺利吗"):
        page.get_by_role("group", name=question).get_by_label("5 分").check(force=True)
    shot(page, "venue-12-rating")
    page.get_by_role("button", name="提交评价").click()
    expect(page.get_by_text("谢谢您的评价").first).to_be_visible()
    page.get_by_role("button", name="下学期再来一次").click()
    page.wait_for_url("**/app/new?draft=*")
    expect(page.get_by_role("button", name="主题")).to_contain_text("身边的物理与光")
    expect(page.get_by_text("已选 5 个半天")).to_be_visible()
    expect(page.locator(".chosen li").first).to_contain_text(
        "3/"
    )  # in March, when the spring term runs


def _contact(page: Page, team: Locator) -> bool:
    """Ask for the contact until experts has heard of the publication."""
    ask = team.get_by_role("button", name="看联系方式")
    if ask.is_visible():
        ask.click()
    try:
        team.get_by_text("@example.org").wait_for(timeout=2000)  # invented people have no telephone
    except PlaywrightTimeout:
        return False
    return True


def test_13_a_village_worker_files_for_somebody_without_a_phone_and_the_record_says_so(
    page_of: PageOf,
) -> None:
    page = page_of("village", "/app/new", width=PHONE)
    page.get_by_text("老年人", exact=True).click()
    choose_topic(page, "慢性病防治")
    page.get_by_text("现场或线上均可", exact=True).click()
    tap_half_days(page, 3)
    page.get_by_label("替别人代填").check()
    page.get_by_label("替谁填").fill("三组王大爷（示例）")
    sent(page)
    expect(page.get_by_text("由工作人员代填")).to_be_visible()
    expect(page.locator(".log")).to_contain_text("代填")
    expect(page.locator("dl")).to_contain_text("三组王大爷（示例）")
    shot(page, "venue-13-proxy")


def test_14_an_account_is_deleted_its_personal_data_gone_and_the_statistics_stay(
    page_of: PageOf, stack: EmbeddedStack, city: Desk
) -> None:
    page = page_of("village", "/app/new", width=PHONE)
    filled(page, "营养与食品安全")
    page.get_by_label("陪同老师或联系人").fill("示例 张干部")
    page.get_by_label("联系电话").fill("13900000001")
    name = sent(page)
    assert city.get(name)["request"]["host_phone"] == "13900000001"
    page.goto("/app/me")
    page.get_by_role("button", name="注销账号").click()
    page.get_by_role("dialog").get_by_role("button", name="确认注销").click()
    page.wait_for_url(lambda url: not url.endswith("/app/me"))
    gone = city.get(name)["request"]
    assert (gone["host"], gone["host_phone"], gone["notes"]) == ("", "", "")
    assert gone["audience_size"] == 60
    assert "sample-village" not in json.dumps(city.get(f"{name}/history"))
    kept = page.evaluate("Object.keys(localStorage).filter((one) => one.startsWith('zhihui.kept'))")
    assert kept == []


def test_an_expert_answers_offers_sets_limits_and_shows_the_code(
    page_of: PageOf, city: Desk
) -> None:
    page = page_of("expert", "/app/limits", width=PHONE)
    per_week = page.get_by_label("每周次数", exact=True)
    expect(per_week).to_be_visible(timeout=SETTLED_MS)
    before = int(per_week.input_value())
    page.get_by_role("button", name="每周次数 +").click()
    page.get_by_role("button", name="保存").last.click()
    expect(page.get_by_text("已保存")).to_be_visible()
    mine = city.get("experts/expert-0042")["expert"]
    assert mine["limits"]["per_week"] == before + 1
    half = page.locator(".half").nth(8)
    free = half.get_attribute("aria-pressed")
    half.click()
    page.get_by_role("button", name="保存").first.click()
    expect(page.get_by_text("还没保存")).to_be_hidden()
    page.reload()
    expect(page.locator(".half").nth(8)).to_have_attribute(
        "aria-pressed", "false" if free == "true" else "true", timeout=SETTLED_MS
    )
    shot(page, "expert-limits")
    page.get_by_role("link", name="服务记录").click()
    expect(page.get_by_role("heading", name="服务记录")).to_be_visible()
