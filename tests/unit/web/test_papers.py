"""The papers of an event: an entry for a calendar, and the approval sheet as PDF or as a page to print."""

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from icalendar import Calendar, Event

from libs.geo.topics import Topic
from services.web.adapters import papers
from services.web.api.venue import titled

AT = datetime(2026, 12, 9, 1, 30, tzinfo=UTC)
PAPER = papers.Paper(
    event="events/ev-1",
    title="示例 星空讲座",
    venue="示例小学",
    start=AT,
    end=AT + timedelta(minutes=90),
    team=[
        ("示例·甲", "讲师", "主讲", "《星空》 v2"),
        ("示例·乙", "志愿者", "助手", ""),
    ],
    audience="青少年 120",
    host="示例 老师 123",
    version=3,
    cancelled=False,
    english=False,
)


def entry_of(paper: papers.Paper) -> tuple[Calendar, Event]:
    calendar = Calendar.from_ical(papers.entry(paper, now=AT))
    (event,) = calendar.walk("VEVENT")
    return calendar, event


def test_an_entry_says_when_and_where_and_reminds_twice() -> None:
    calendar, event = entry_of(PAPER)
    assert calendar["method"] == "PUBLISH"
    assert (event.start, event.end) == (PAPER.start, PAPER.end)
    assert (event["summary"], event["location"]) == (PAPER.title, PAPER.venue)
    assert event["description"] == "主讲 示例·甲 《星空》 v2\n助手 示例·乙"
    triggers = [alarm["trigger"].dt for alarm in event.walk("VALARM")]
    assert triggers == [timedelta(days=-2), timedelta(hours=-2)]


def test_a_later_version_replaces_the_entry_and_a_cancellation_takes_it_away() -> None:
    _, before = entry_of(PAPER)
    calendar, after = entry_of(dataclasses.replace(PAPER, version=4, cancelled=True))
    assert before["uid"] == after["uid"]
    assert (before["sequence"], after["sequence"]) == (3, 4)
    assert (before["status"], after["status"]) == ("CONFIRMED", "CANCELLED")
    assert calendar["method"] == "CANCEL"
    assert not after.walk("VALARM")


@pytest.mark.parametrize("english", [False, True])
def test_a_page_has_all_of_it_in_local_time_and_no_markup_of_anybody(english: bool) -> None:
    made = papers.page(dataclasses.replace(PAPER, title="<b>甲</b>", english=english))
    assert "&lt;b&gt;甲&lt;/b&gt;" in made
    assert "<b>" not in made
    weekday = "Wed" if english else "周三"
    assert f"2026-12-09 {weekday} 09:30–11:00" in made
    lead = "主讲 示例·甲 (讲师)" if english else "主讲 示例·甲（讲师）"
    for said in ("示例小学", "青少年 120", lead, "《星空》 v2", "events/ev-1"):
        assert said in made


@pytest.mark.parametrize(
    ("english", "words"), [(False, ("盖章", "年", "月", "日")), (True, ("seal", "Date"))]
)
def test_each_who_agrees_has_a_line_for_name_seal_and_day(
    english: bool, words: tuple[str, ...]
) -> None:
    made = papers.page(dataclasses.replace(PAPER, english=english)).partition("</table>")[2]
    assert all(made.count(word) >= 2 for word in words)


@pytest.mark.parametrize(
    ("title", "english", "said"),
    [
        ("示例 星空讲座", False, "示例 星空讲座"),
        ("", False, "急救与避险"),
        ("示例 星空讲座", True, "First aid (示例 星空讲座)"),
        ("first AID", True, "First aid"),
        ("", True, "First aid"),
    ],
)
def test_in_english_a_title_has_its_topic_in_english(title: str, english: bool, said: str) -> None:
    topic = Topic("first_aid", "急救与避险", "First aid", ())
    assert titled(title, topic, english=english) == said
    assert titled(title, None, english=english) == title


@pytest.mark.parametrize("english", [False, True])
def test_a_sheet_is_a_pdf_where_there_is_a_chinese_face_and_none_elsewhere(
    english: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    paper = dataclasses.replace(PAPER, title='#import "x"; *甲* $', english=english)
    made = papers.sheet(paper)
    if papers.chinese_font():
        assert made is not None
        assert made.startswith(b"%PDF-")
        assert papers.sheet(dataclasses.replace(paper, venue="别处")) != made
    else:
        assert made is None
    monkeypatch.setattr(papers, "chinese_font", lambda: "")
    assert papers.sheet(paper) is None
