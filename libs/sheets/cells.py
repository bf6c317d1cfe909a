"""What people write in one cell or one option, read strictly: Chinese words and English ones alike."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta

from libs.geo import calendar, data
from libs.geo.calendar import Half, Period

GROUPS: Mapping[str, str] = {
    "青少年": "YOUTH",
    "农民": "FARMERS",
    "产业工人": "WORKERS",
    "老年人": "ELDERLY",
    "领导干部和公务员": "OFFICIALS",
}
FORMS: Mapping[str, str] = {
    "科普讲座": "LECTURE",
    "科普报告": "REPORT",
    "科技咨询": "CONSULTATION",
    "农技推广": "AGRICULTURAL_EXTENSION",
}
MODES: Mapping[str, str] = {"现场": "ON_SITE", "线上": "REMOTE", "均可": "EITHER"}
ROLES: Mapping[str, str] = {"院士": "ACADEMICIAN", "讲师": "LECTURER", "志愿者": "VOLUNTEER"}
LEVELS: Mapping[str, str] = {
    "小学": "PRIMARY",
    "初中": "JUNIOR",
    "高中": "SENIOR",
    "成人": "ADULT",
}
NAMED_RULES: Mapping[str, str] = {"仅限": "ONLY", "优先": "PREFERRED"}
_HALVES: Mapping[str, Half] = {
    "上午": Half.MORNING,
    "AM": Half.MORNING,
    "MORNING": Half.MORNING,
    "下午": Half.AFTERNOON,
    "PM": Half.AFTERNOON,
    "AFTERNOON": Half.AFTERNOON,
}

_SEPARATOR = re.compile(r"[;；、\n]+")
_CLOCK = re.compile(r"^(\d{1,2})[:：](\d{2})\s*[-–~至]\s*(\d{1,2})[:：](\d{2})$")


class CellRefused(Exception):
    """One cell or option cannot be taken; the message says why, in both languages."""


def parts(text: str) -> Sequence[str]:
    """The parts of a list in one cell, separated by ; ； 、 or line ends."""
    return [part.strip() for part in _SEPARATOR.split(text) if part.strip()]


def choice(text: str, choices: Mapping[str, str]) -> str:
    """The English word for `text`, which may be Chinese or English in any case.

    Raises:
        CellRefused: neither; the message lists what is allowed.
    """
    word = text.strip()
    upper = word.upper().replace("-", "_").replace(" ", "_")
    if word in choices:
        return choices[word]
    if upper in choices.values():
        return upper
    allowed = "、".join(f"{zh}({en})" for zh, en in choices.items())
    raise CellRefused(f"“{_short(word)}”不在可选范围 (not one of): {allowed}")


def whole(text: str, *, least: int, most: int) -> int:
    """A whole number in `[least, most]`.

    Raises:
        CellRefused: not a number, or out of range.
    """
    try:
        number = int(text)
    except ValueError:
        raise CellRefused(f"“{_short(text)}”不是整数 (not a whole number)") from None
    if not least <= number <= most:
        raise CellRefused(f"{number} 应在 {least} 到 {most} 之间 (must be {least} to {most})")
    return number


def decimal(text: str) -> float:
    """A number with decimals.

    Raises:
        CellRefused: not a number.
    """
    try:
        return float(text)
    except ValueError:
        raise CellRefused(f"“{_short(text)}”不是数字 (not a number)") from None


def day(text: str) -> date:
    """A day such as 2026-12-14 or 2026/12/14.

    Raises:
        CellRefused: not a day.
    """
    try:
        return date.fromisoformat(text.strip().replace("/", "-"))
    except ValueError:
        raise CellRefused(f"“{_short(text)}”不是日期，应如 2026-12-14 (not a day)") from None


def window(text: str) -> Period:
    """A half-day (`2026-12-14 上午`, `2026-12-14 pm`) or hours (`2026-12-14 14:00-16:30`), city time.

    Raises:
        CellRefused: neither, or it ends before it starts.
    """
    first, _, rest = text.strip().partition(" ")
    on, rest = day(first), rest.strip()
    half = _HALVES.get(rest.upper())
    if half is not None:
        return calendar.half_day(on, half)
    hours = _CLOCK.match(rest)
    if hours is None:
        raise CellRefused(
            f"“{_short(text)}”应如“2026-12-14 上午”或“2026-12-14 14:00-16:30” (a half-day or hours)"
        )
    start_hour, start_min, end_hour, end_min = (int(number) for number in hours.groups())
    start = _instant(on, start_hour, start_min, text)
    end = _instant(on, end_hour, end_min, text)
    if end <= start:
        raise CellRefused(f"“{_short(text)}”的结束早于开始 (ends before it starts)")
    return Period(start, end)


def windows(text: str) -> Sequence[Period]:
    """The windows in one cell, at least one, by start.

    Raises:
        CellRefused: none, or one of them is no window.
    """
    found = sorted((window(part) for part in parts(text)), key=lambda period: period.start)
    if not found:
        raise CellRefused("至少给一个时间段 (at least one window)")
    return found


def topic(text: str) -> str:
    """The topic id for an id or a Chinese name of the packaged vocabulary.

    Raises:
        CellRefused: there is no such topic.
    """
    topics = data.document("topics.json")["topics"]
    for known in topics:
        if text.strip() in {known["id"], known["zh"]}:
            return str(known["id"])
    near = "、".join(known["id"] for known in topics if text[:2] and text[:2] in known["zh"])
    hint = f"；是否想写 (did you mean) {near}?" if near else ""
    raise CellRefused(f"没有主题“{_short(text)}” (no such topic){hint}")


def proficiencies(text: str) -> Mapping[str, int]:
    """Topics with a level of 1 to 3: `ai:3; 航天与天文:2`; without a number, 2.

    Raises:
        CellRefused: no topic, an unknown one, or a level out of range.
    """
    found: dict[str, int] = {}
    for part in parts(text):
        name, _, level = part.replace("：", ":").partition(":")
        found[topic(name.strip())] = whole(level, least=1, most=3) if level.strip() else 2
    if not found:
        raise CellRefused("至少给一个主题 (at least one topic)")
    return found


def yes(text: str) -> bool:
    """是/否, yes/no, true/false, 1/0; blank is no.

    Raises:
        CellRefused: none of them.
    """
    word = text.strip().lower()
    if word in {"是", "yes", "y", "true", "1"}:
        return True
    if word in {"", "否", "no", "n", "false", "0"}:
        return False
    raise CellRefused(f"“{_short(text)}”应为是或否 (yes or no)")


def local(at: datetime) -> str:
    """An instant as people in the city read it: 2026-12-14 周一 14:00."""
    there = at.astimezone(calendar.CITY_ZONE)
    return f"{there:%Y-%m-%d} 周{'一二三四五六日'[there.weekday()]} {there:%H:%M}"


def local_period(start: datetime, end: datetime) -> str:
    """A period within one day as people read it: 2026-12-14 周一 14:00-16:00."""
    return f"{local(start)}-{end.astimezone(calendar.CITY_ZONE):%H:%M}"


def _instant(on: date, hour: int, minute: int, text: str) -> datetime:
    if (hour, minute) == (24, 0):
        return calendar.instant(on + timedelta(days=1), time(0))
    try:
        return calendar.instant(on, time(hour, minute))
    except ValueError:
        raise CellRefused(f"“{_short(text)}”里没有这样的钟点 (no such hour)") from None


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:40] + "…"
