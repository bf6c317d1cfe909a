"""What a column of a sheet is: two headings, the fields it stands for, and its words in and out."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from buf.validate import validate_pb2
from google.protobuf.message import Message
from zhihui.common.v1 import common_pb2 as common
from zhihui.events.v1 import events_pb2 as events

from libs.errors import InvalidInput
from libs.geo import calendar
from libs.geo.calendar import Half
from libs.geo.points import Datum, point_from_edge
from libs.sheets import cells
from libs.sheets.cells import CellRefused

INT32_MAX = 2**31 - 1
_INSTANTS = re.compile(r"^(\S+Z)/(\S+Z)$")
_COUNT = re.compile(r"^[x×]([1-9]\d?)$", re.IGNORECASE)
_OPTIONAL = {"可选", "optional"}
_ANY_ROLE = {"任意", "any"}


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `fields` are paths in the kind's creating message: what it sets, and whose refusals are its own."""

    zh: str
    en: str
    fields: tuple[str, ...]
    read: Callable[[Any, str], None]
    """Puts the words of a cell, never blank, into a message whose `fields` were cleared."""
    write: Callable[[Any], str]
    required: bool = False
    told: bool = False
    """Shown in an export, and passed over in an import."""
    private: bool = False
    """Personal data: read from a sheet, never written to one."""

    @property
    def heading(self) -> str:
        """As exports name it."""
        return f"{self.zh} {self.en}"

    def is_headed(self, heading: str) -> bool:
        """Whether people may mean it by `heading`: both names, or either, in any case."""
        return heading.casefold() in {
            one.casefold() for one in (self.heading, self.zh, self.en, self.en.replace("_", " "))
        }


def at(message: Any, path: str) -> tuple[Any, str]:
    """The message that holds the field at the end of a dotted path, and the field's name."""
    *way, name = path.split(".")
    for step in way:
        message = getattr(message, step)
    return message, name


def clear(message: Any, paths: Sequence[str]) -> None:
    """Clear the fields at `paths`."""
    for path in paths:
        holder, name = at(message, path)
        holder.ClearField(name)


def value(message: Any, path: str) -> Any:
    """What the field at `path` holds."""
    holder, name = at(message, path)
    return getattr(holder, name)


def _put(message: Any, path: str, content: object) -> None:
    holder, name = at(message, path)
    setattr(holder, name, content)


def _rules(message: Any, path: str) -> Any:
    """The rules the proto states for the field at `path`."""
    holder, name = at(message, path)
    field = holder.DESCRIPTOR.fields_by_name[name]
    return field.GetOptions().Extensions[validate_pb2.field]


def text(zh: str, en: str, path: str, *, required: bool = False, private: bool = False) -> Column:
    """Free text, as long as the proto allows."""

    def read(message: Message, cell: str) -> None:
        rules = _rules(message, path).string
        if rules.HasField("max_len") and len(cell) > rules.max_len:
            raise CellRefused(
                f"最多 {rules.max_len} 个字，现在 {len(cell)} 个 (at most {rules.max_len} characters)"
            )
        _require_form(rules.pattern, cell)
        _put(message, path, cell)

    return Column(
        zh, en, (path,), read, lambda m: str(value(m, path)), required=required, private=private
    )


def _require_form(pattern: str, cell: str) -> None:
    if pattern and not re.search(pattern, cell):
        raise CellRefused(f"“{cell[:40]}”的格式不对 (does not have the form {pattern})")


def name(zh: str, en: str, path: str, collection: str, *, required: bool = False) -> Column:
    """A thing of another list, by id or full name."""

    def read(message: Message, cell: str) -> None:
        full = cell if "/" in cell else f"{collection}/{cell}"
        _require_form(_rules(message, path).string.pattern, full)
        _put(message, path, full)

    return Column(zh, en, (path,), read, lambda m: str(value(m, path)), required=required)


def number(zh: str, en: str, path: str, *, required: bool = False) -> Column:
    """A whole number within what the proto allows."""

    def read(message: Message, cell: str) -> None:
        rules = _rules(message, path).int32
        least = rules.gte if rules.HasField("gte") else -INT32_MAX
        most = rules.lte if rules.HasField("lte") else INT32_MAX
        _put(message, path, cells.whole(cell, least=least, most=most))

    def write(message: Message) -> str:
        holder, last = at(message, path)
        field = holder.DESCRIPTOR.fields_by_name[last]
        if field.has_presence and not holder.HasField(last):
            return ""
        return str(value(message, path))

    return Column(zh, en, (path,), read, write, required=required)


def decimal(zh: str, en: str, path: str) -> Column:
    """A number with decimals."""

    def read(message: Message, cell: str) -> None:
        _put(message, path, cells.decimal(cell))

    return Column(zh, en, (path,), read, lambda m: repr(value(m, path)))


def flag(zh: str, en: str, path: str) -> Column:
    """Yes or no; blank is no."""

    def read(message: Message, cell: str) -> None:
        _put(message, path, cells.yes(cell))

    return Column(zh, en, (path,), read, lambda m: "是" if value(m, path) else "否")


def _word(choices: Mapping[str, str], enum: Any, number: int) -> str:
    label = enum.values_by_number[number].name if number in enum.values_by_number else ""
    return next((zh for zh, en in choices.items() if label.endswith(f"_{en}")), "")


def _number(choices: Mapping[str, str], enum: Any, cell: str) -> int:
    word = cells.choice(cell, choices)
    return next(int(one.number) for one in enum.values if one.name.endswith(f"_{word}"))


def choice(
    zh: str, en: str, path: str, choices: Mapping[str, str], enum: Any, *, required: bool = False
) -> Column:
    """One of `choices`, values of the enum."""
    descriptor = enum.DESCRIPTOR

    def read(message: Message, cell: str) -> None:
        _put(message, path, _number(choices, descriptor, cell))

    def write(message: Message) -> str:
        return _word(choices, descriptor, value(message, path))

    return Column(zh, en, (path,), read, write, required=required)


def choices(zh: str, en: str, path: str, allowed: Mapping[str, str], enum: Any) -> Column:
    """Some of `allowed`, at least one."""
    descriptor = enum.DESCRIPTOR

    def read(message: Message, cell: str) -> None:
        value(message, path).extend(_number(allowed, descriptor, one) for one in cells.parts(cell))

    def write(message: Message) -> str:
        return "、".join(_word(allowed, descriptor, one) for one in value(message, path))

    return Column(zh, en, (path,), read, write, required=True)


def words(zh: str, en: str, path: str) -> Column:
    """A list of words."""

    def read(message: Message, cell: str) -> None:
        value(message, path).extend(cells.parts(cell))

    return Column(zh, en, (path,), read, lambda m: "、".join(value(m, path)))


def topic(zh: str, en: str, path: str) -> Column:
    """A topic of the vocabulary."""

    def read(message: Message, cell: str) -> None:
        _put(message, path, cells.topic(cell))

    return Column(zh, en, (path,), read, lambda m: str(value(m, path)), required=True)


def skills(zh: str, en: str, path: str) -> Column:
    """Topics with how well they are known: `ai:3；航天与天文:2`."""

    def read(message: Message, cell: str) -> None:
        for known, level in cells.proficiencies(cell).items():
            value(message, path).add(topic=known, proficiency=level)

    def write(message: Message) -> str:
        return "；".join(f"{one.topic}:{one.proficiency}" for one in value(message, path))

    return Column(zh, en, (path,), read, write, required=True)


def told(zh: str, en: str, write: Callable[[Any], str]) -> Column:
    """What a person may want to see and an import passes over."""
    return Column(zh, en, (), lambda message, cell: None, write, told=True)


def minute_of_day(zh: str, en: str, path: str) -> Column:
    """A time of day, `08:30` up to `24:00`, kept as minutes."""

    def read(message: Message, cell: str) -> None:
        hours = re.match(r"^(\d{1,2})[:：](\d{2})(?:[:：]00)?$", cell)
        if hours is None or int(hours[2]) >= 60:
            raise CellRefused(f"“{cell[:40]}”应如 08:30 (a time of day)")
        _put(message, path, int(hours[1]) * 60 + int(hours[2]))

    def write(message: Message) -> str:
        minutes = value(message, path)
        return f"{minutes // 60:02}:{minutes % 60:02}"

    return Column(zh, en, (path,), read, write, required=True)


def point(zh: str, en: str, path: str, *, private: bool = False) -> Column:
    """`29.56, 106.55`, with `GCJ02` or `BD09` behind it when read off a Chinese map: converted here, at the edge."""

    def read(message: Message, cell: str) -> None:
        found = re.split(r"[\s,，]+", cell)
        if len(found) not in {2, 3}:
            raise CellRefused(
                f"“{cell[:40]}”应如“29.56, 106.55”或“29.56, 106.55 GCJ02” (latitude, longitude, datum)"
            )
        datum = found[2].upper().replace("-", "") if len(found) == 3 else Datum.WGS84
        try:
            here = point_from_edge(
                lat=cells.decimal(found[0]), lon=cells.decimal(found[1]), datum=datum
            )
        except InvalidInput as refusal:
            raise CellRefused(f"坐标不可用 ({refusal.sentence}): {cell[:40]}") from refusal
        holder, last = at(message, path)
        getattr(holder, last).CopyFrom(
            common.Point(latitude=here.lat, longitude=here.lon, datum=common.DATUM_WGS84)
        )

    def write(message: Message) -> str:
        here = value(message, path)
        return f"{here.latitude!r}, {here.longitude!r}"

    return Column(zh, en, (path,), read, write, required=True, private=private)


def windows(zh: str, en: str, path: str, *, required: bool, by_start: bool = False) -> Column:
    """Half-days, hours of one day, or two instants `2026-12-14T06:00:00Z/…Z`; as written, or shown `by_start`."""

    def read(message: Message, cell: str) -> None:
        for index, part in enumerate(cells.parts(cell), start=1):
            try:
                start, end = instants(part)
            except CellRefused as refusal:
                raise CellRefused(f"第 {index} 段 (window {index}): {refusal}") from refusal
            window = value(message, path).add()
            window.start_time.FromDatetime(start)
            window.end_time.FromDatetime(end)

    def write(message: Message) -> str:
        found = list(value(message, path))
        if by_start:
            found.sort(key=lambda window: window.start_time.ToNanoseconds())
        return "；".join(window_text(window) for window in found)

    return Column(zh, en, (path,), read, write, required=required)


def instants(part: str) -> tuple[datetime, datetime]:
    """Start and end of one window, UTC.

    Raises:
        CellRefused: it is none.
    """
    exact = _INSTANTS.match(part)
    if exact is None:
        window = cells.window(part)
        return window.start, window.end
    try:
        start, end = (datetime.fromisoformat(one).astimezone(UTC) for one in exact.groups())
    except ValueError:
        raise CellRefused(f"“{part[:40]}”不是两个时刻 (not two instants)") from None
    if end <= start:
        raise CellRefused(f"“{part[:40]}”的结束早于开始 (ends before it starts)")
    return start, end


def window_text(window: common.Period) -> str:
    """A window as `instants` reads it back, to the microsecond."""
    start, end = (
        one.ToDatetime(tzinfo=UTC).astimezone(calendar.CITY_ZONE)
        for one in (window.start_time, window.end_time)
    )
    on = start.date()
    for half, zh in ((Half.MORNING, "上午"), (Half.AFTERNOON, "下午")):
        period = calendar.half_day(on, half)
        if (period.start, period.end) == (start, end):
            return f"{on.isoformat()} {zh}"
    whole = not (start.second or start.microsecond or end.second or end.microsecond)
    if whole and end.date() == on:
        return f"{on.isoformat()} {start:%H:%M}-{end:%H:%M}"
    return "/".join(
        one.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z" for one in (start, end)
    )


def seats(zh: str, en: str, path: str) -> Column:
    """`讲师/院士 ai:2；志愿者 x2 可选；任意`: roles, topic with proficiency, count, whether it is optional."""

    def read(message: Message, cell: str) -> None:
        for index, part in enumerate(cells.parts(cell), start=1):
            try:
                value(message, path).append(_seat(part))
            except CellRefused as refusal:
                raise CellRefused(f"第 {index} 席 (seat {index}): {refusal}") from refusal

    return Column(
        zh,
        en,
        (path,),
        read,
        lambda m: "；".join(_seat_text(seat) for seat in value(m, path)),
        required=True,
    )


def _seat(part: str) -> events.Seat:
    roles, *others = part.split()
    seat = events.Seat()
    if roles.casefold() not in _ANY_ROLE:
        for role in re.split(r"[/|]", roles):
            seat.roles.append(common.Role.Value(f"ROLE_{cells.choice(role, cells.ROLES)}"))
    for other in others:
        count = _COUNT.match(other)
        if count is not None:
            seat.count = cells.whole(count[1], least=1, most=12)
        elif other.casefold() in _OPTIONAL:
            seat.optional = True
        else:
            known, _, level = other.replace("：", ":").partition(":")
            seat.topic = cells.topic(known) if known else ""
            seat.proficiency = cells.whole(level, least=0, most=3) if level else 0
    return seat


def _seat_text(seat: events.Seat) -> str:
    roles = "/".join(_word(cells.ROLES, common.Role.DESCRIPTOR, role) for role in seat.roles)
    known = seat.topic + (f":{seat.proficiency}" if seat.proficiency else "")
    count = f"x{seat.count}" if seat.count else ""
    optional = "可选" if seat.optional else ""
    return " ".join(one for one in (roles or "任意", known, count, optional) if one)


def days(text: str) -> common.DatePeriod:
    """`2026-01-01~2028-01-01`, or with no end `2026-01-01~`.

    Raises:
        CellRefused: it is no such period.
    """
    first, separator, last = re.sub(r"\s*(?:~|至|～)\s*", "~", text.strip()).partition("~")
    if not separator:
        raise CellRefused(f"“{text[:40]}”应如 2026-01-01~2028-01-01 (from, to)")
    end = cells.day(last).isoformat() if last else ""
    if end and end <= cells.day(first).isoformat():
        raise CellRefused(f"“{text[:40]}”的结束早于开始 (ends before it starts)")
    return common.DatePeriod(start_date=cells.day(first).isoformat(), end_date=end)


def days_text(period: common.DatePeriod) -> str:
    """As `days` reads it back."""
    return f"{period.start_date}~{period.end_date}"


def periods(zh: str, en: str, path: str) -> Column:
    """Periods of days."""

    def read(message: Message, cell: str) -> None:
        value(message, path).extend(days(one) for one in cells.parts(cell))

    return Column(
        zh, en, (path,), read, lambda m: "；".join(days_text(one) for one in value(m, path))
    )


def memberships(zh: str, en: str, path: str) -> Column:
    """Terms in pools: `lecturers 2026-01-01~2028-01-01`."""

    def read(message: Message, cell: str) -> None:
        for part in cells.parts(cell):
            pool, _, term = part.partition(" ")
            pool = pool if "/" in pool else f"pools/{pool}"
            value(message, path).add(pool=pool, term=days(term))

    def write(message: Message) -> str:
        return "；".join(f"{one.pool} {days_text(one.term)}" for one in value(message, path))

    return Column(zh, en, (path,), read, write, required=True)
