"""Papers for one event: an entry for anybody's calendar, and the approval sheet that a school files."""

import html
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import typst
from icalendar import Alarm, Calendar, Event

LOCAL = ZoneInfo("Asia/Shanghai")
REMINDERS = (timedelta(days=-2), timedelta(hours=-2))
"""Before the start, both sides."""
FONTS = (
    "Noto Serif CJK SC",
    "Source Han Serif SC",
    "Noto Sans CJK SC",
    "Source Han Sans SC",
    "PingFang SC",
    "Microsoft YaHei",
    "SimSun",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
)
"""Faces with Chinese in them, the best first; whichever the machine has is used."""
_WEEKDAYS = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")
_WEEKDAYS_EN = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True, slots=True)
class Paper:
    """What the papers of one event say; instants aware, `team` as (name, role, part in the team, talk)."""

    event: str
    title: str
    venue: str
    start: datetime
    end: datetime
    team: Sequence[tuple[str, str, str, str]]
    audience: str
    host: str
    version: int
    cancelled: bool
    english: bool


def entry(paper: Paper, *, now: datetime) -> bytes:
    """An iCalendar file; a later one of the same event replaces it, and a cancelled one takes it away."""
    calendar = Calendar()
    calendar.add("prodid", "-//Zhihui//zhihui//ZH")
    calendar.add("version", "2.0")
    calendar.add("method", "CANCEL" if paper.cancelled else "PUBLISH")
    event = Event()
    event.add("uid", f"{paper.event.replace('/', '-')}@zhihui")
    event.add("dtstamp", now.astimezone(UTC))
    event.add("dtstart", paper.start.astimezone(UTC))
    event.add("dtend", paper.end.astimezone(UTC))
    event.add("sequence", paper.version)
    event.add("summary", paper.title)
    event.add("location", paper.venue)
    event.add(
        "description",
        "\n".join(f"{part} {name} {talk}".strip() for name, _, part, talk in paper.team),
    )
    event.add("status", "CANCELLED" if paper.cancelled else "CONFIRMED")
    for before in () if paper.cancelled else REMINDERS:
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", paper.title)
        alarm.add("trigger", before)
        event.add_component(alarm)
    calendar.add_component(event)
    return bytes(calendar.to_ical())


@cache
def chinese_font() -> str:
    """The best face with Chinese that this machine has; empty where it has none."""
    there = set(typst.Fonts().families())
    return next((name for name in FONTS if name in there), "")


def sheet(paper: Paper) -> bytes | None:
    """The approval sheet as PDF, A4; None on a machine without a Chinese face: boxes would be no sheet."""
    font = chinese_font()
    if not font:
        return None
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "sheet.typ"
        source.write_text(_SHEET, encoding="utf-8")
        inputs = {"font": font, **_texts(paper)}
        return bytes(typst.compile(str(source), format="pdf", sys_inputs=inputs))


def page(paper: Paper) -> str:
    """The same as a page to print from the browser, which has the faces that this machine lacks."""
    said = {name: html.escape(text) for name, text in _texts(paper).items()}
    rows = "".join(
        f"<tr><th>{label}</th><td>{value}</td></tr>"
        for label, value in zip(said["labels"].split("\t"), said["values"].split("\t"), strict=True)
    )
    signs = "".join(
        f"<p>{one}</p><p style='margin:12mm 0'>{said['seal']}</p>"
        for one in said["signs"].split("\t")
    )
    return (
        f'<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>{said["heading"]}</title>'
        f"<h1>{said['heading']}</h1><table>{rows}</table>{signs}<p>{said['foot']}</p></html>"
    )


def _texts(paper: Paper) -> Mapping[str, str]:
    words = _ENGLISH if paper.english else _CHINESE
    start, end = paper.start.astimezone(LOCAL), paper.end.astimezone(LOCAL)
    weekday = (_WEEKDAYS_EN if paper.english else _WEEKDAYS)[start.weekday()]
    when = f"{start:%Y-%m-%d} {weekday} {start:%H:%M}–{end:%H:%M}"
    shape, between = ("{} {} ({})", "; ") if paper.english else ("{} {}（{}）", "；")
    people = between.join(shape.format(part, name, role) for name, role, part, _ in paper.team)
    talks = between.join(talk for *_, talk in paper.team if talk)
    values = (
        paper.title,
        when,
        paper.venue,
        paper.audience,
        people,
        talks,
        paper.host,
        paper.event,
    )
    return {
        "heading": str(words["heading"]),
        "labels": "\t".join(words["labels"]),
        "values": "\t".join(text.replace("\t", " ") or "—" for text in values),
        "signs": "\t".join(words["signs"]),
        "seal": str(words["seal"]),
        "foot": str(words["foot"]),
    }


_CHINESE: Mapping[str, Sequence[str] | str] = {
    "heading": "科普活动审批表",
    "labels": (
        "活动",
        "时间",
        "地点",
        "听众",
        "专家团队",
        "讲题（已审核版本）",
        "接待人",
        "活动编号",
    ),
    "signs": ("学校（单位）意见：", "主管部门意见："),
    "seal": "负责人签字：________________　　（盖章）　　　　　　年　　月　　日",
    "foot": "由智惠系统根据已发布的安排生成；人员为示例时姓名前有“示例”。",
}
_ENGLISH: Mapping[str, Sequence[str] | str] = {
    "heading": "Approval sheet for a science event 科普活动审批表",
    "labels": (
        "Event",
        "When",
        "Where",
        "Audience",
        "Team",
        "Talk (approved version)",
        "Received by",
        "Number",
    ),
    "signs": ("School or organisation:", "Authority:"),
    "seal": "Signature: ________________   (seal 盖章)   Date: ______ - ____ - ____",
    "foot": "Made by Zhihui from what was published; invented people are marked 示例.",
}
_SHEET = """
#let said = sys.inputs
#set page(paper: "a4", margin: (x: 22mm, y: 24mm))
#set text(font: said.font, size: 11pt, lang: "zh")
#align(center, text(size: 20pt, weight: "bold", said.heading))
#v(8mm)
#let labels = said.labels.split("\\t")
#let values = said.values.split("\\t")
#table(
  columns: (34mm, 1fr),
  inset: 9pt,
  stroke: 0.6pt + luma(120),
  ..labels.zip(values).map(((label, value)) => (table.cell(fill: luma(240), strong(label)), value)).flatten(),
)
#v(6mm)
#for one in said.signs.split("\\t") [
  #block(width: 100%, height: 34mm, stroke: 0.6pt + luma(120), inset: 9pt)[
    #one
    #v(1fr)
    #align(right, said.seal)
  ]
]
#v(1fr)
#text(size: 8.5pt, fill: luma(90), said.foot)
"""
