"""A sheet, row by row: read, compared with what is there, added or changed; every refusal with its row and column."""

import asyncio
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import grpc
from zhihui.events.v1 import events_pb2 as events

from libs.errors import FieldViolation, InvalidInput
from libs.rpc.status import RemoteRefusal, refusal_from
from libs.rpc.validation import require_valid
from libs.sheets.cells import CellRefused
from libs.sheets.columns import Column, clear, value
from libs.sheets.kinds import Chosen, Kind, KindName
from libs.sheets.tables import Row, TableUnreadable, plain

CALLS_AT_ONCE = 16
"""Rows on their way at the same time: enough to keep a service busy, few enough to leave room for people."""
ATTEMPTS_MAX = 6
BACKOFF_S = 0.2
_LATER = frozenset({grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.DEADLINE_EXCEEDED})
"""Worth another try in a moment; UNAVAILABLE the channel has tried again itself."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


class Outcome(StrEnum):
    """What became of a row; with a dry run, what would."""

    ADDED = "added"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    NOT_TRIED = "not_tried"


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a row was refused: `row` as in the sheet, `column` by its heading, '' for the row as a whole."""

    row: int
    column: str
    sentence: str
    reason: str


@dataclass(slots=True)
class Report:
    """What became of the rows. `outage`: the service went away before all were tried."""

    rows: int
    counts: dict[Outcome, int] = field(default_factory=lambda: dict.fromkeys(Outcome, 0))
    problems: list[Problem] = field(default_factory=list)
    outage: RemoteRefusal | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A row that could be read. `cells` holds what people wrote, by column."""

    number: int
    cells: Mapping[str, str]
    message: Any
    made_id: bool
    """Whether its id was made from its content, because it has none."""


class RowRefused(Exception):
    """The row cannot be taken."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rows of a file with the columns its headings mean; `headings` by column's English name."""

    kind: Kind
    columns: Sequence[Column]
    headings: Mapping[str, str]
    rows: Sequence[Row]


def sheet_of(kind: Kind, rows: Sequence[Row]) -> Sheet:
    """Match the headings of `rows` with the kind's columns.

    Raises:
        TableUnreadable: a heading that is no column, a column twice, or one that is needed and missing.
    """
    found: dict[str, str] = {}
    unknown = []
    for heading in dict.fromkeys(heading for row in rows for heading in row.cells):
        column = next((one for one in kind.columns if one.is_headed(heading)), None)
        if column is None:
            unknown.append(heading)
        elif column.en in found:
            raise TableUnreadable(
                f"“{found[column.en]}”和“{heading}”是同一列 (the same column twice)"
            )
        else:
            found[column.en] = heading
    if unknown:
        known = "、".join(one.heading for one in kind.columns)
        raise TableUnreadable(
            f"不认识的列 (unknown columns): {'、'.join(unknown)}。可用的列 (known): {known}"
        )
    missing = [
        one.heading
        for one in kind.columns
        if one.required and one.en not in found and (kind.key.en not in found or not kind.id_prefix)
    ]
    if rows and missing:
        raise TableUnreadable(f"缺少列 (missing columns): {'、'.join(missing)}")
    columns = [one for one in kind.columns if one.en in found]
    return Sheet(kind, columns, found, rows)


def read_entry(sheet: Sheet, row: Row) -> Entry:
    """What a row says.

    Raises:
        RowRefused: with every cell that cannot be taken.
    """
    kind = sheet.kind
    message = kind.new()
    cells: dict[str, str] = {}
    problems = []
    for column in sheet.columns:
        if column.told:
            continue
        heading = sheet.headings[column.en]
        cell = cells[column.en] = plain(row.cells.get(heading, ""))
        try:
            _read(column, message, cell)
        except CellRefused as refusal:
            problems.append(Problem(row.number, column.heading, str(refusal), "CELL_REFUSED"))
    if problems:
        raise RowRefused(problems)
    made_id = bool(kind.id_prefix) and not value(message, kind.key.fields[0])
    if made_id:
        # From what the row says and not where it stands: a mended sheet may be imported again, and repeats nothing.
        setattr(message, kind.key.fields[0], f"{kind.id_prefix}-{_digest(kind.name, cells)[:26]}")
    return Entry(row.number, cells, message, made_id)


def _read(column: Column, message: Any, cell: str) -> None:
    if cell:
        column.read(message, cell)
    elif column.required:
        raise CellRefused("不能为空 (must not be blank)")


def read_entries(sheet: Sheet) -> tuple[Sequence[Entry], Sequence[Problem]]:
    """All rows that can be read, and what is wrong with the others; of rows that speak of one thing the first counts."""
    entries: list[Entry] = []
    problems: list[Problem] = []
    seen: dict[str, list[Entry]] = {}
    for row in sheet.rows:
        try:
            entry = read_entry(sheet, row)
        except RowRefused as refused:
            problems.extend(refused.problems)
            continue
        key = sheet.kind.id_of(entry.message) or entry.message.expert
        before = next((one for one in seen.get(key, ()) if _same(sheet.kind, one, entry)), None)
        if before is not None:
            problems.append(
                Problem(
                    entry.number,
                    sheet.kind.key.heading,
                    f"与第 {before.number} 行说的是同一件事 (speaks of the same as row {before.number})",
                    "ROW_REPEATED",
                )
            )
            continue
        seen.setdefault(key, []).append(entry)
        entries.append(entry)
    return entries, problems


def _same(kind: Kind, one: Entry, other: Entry) -> bool:
    if kind.name is not KindName.AVAILABILITY:
        return True
    first, second = one.message.period, other.message.period
    return bool(
        first.start_time.ToDatetime() < second.end_time.ToDatetime()
        and second.start_time.ToDatetime() < first.end_time.ToDatetime()
    )


async def run_sheet(
    sheet: Sheet,
    stub: Any,
    *,
    dry_run: bool,
    advance: Callable[[], None] = lambda: None,
) -> Report:
    """Take in all rows, `CALLS_AT_ONCE` at a time. A row is one call: it is done whole or not at all.

    A service that stays away ends the run: what is done is done, and the next run finds it done.
    """
    entries, problems = read_entries(sheet)
    report = Report(rows=len(sheet.rows), problems=list(problems))
    for _ in range(len(sheet.rows) - len(entries)):
        report.counts[Outcome.REFUSED] += 1
        advance()
    waiting = iter(entries)

    async def work() -> None:
        for entry in waiting:
            if report.outage is not None:
                report.counts[Outcome.NOT_TRIED] += 1
                continue
            report.counts[await _taken(sheet, stub, entry, report, dry_run=dry_run)] += 1
            advance()

    await asyncio.gather(*(work() for _ in range(CALLS_AT_ONCE)))
    report.problems.sort(key=lambda problem: problem.row)
    return report


async def _taken(
    sheet: Sheet, stub: Any, entry: Entry, report: Report, *, dry_run: bool
) -> Outcome:
    for attempt in range(1, ATTEMPTS_MAX + 1):
        try:
            return await _take(sheet, stub, entry, dry_run=dry_run)
        except RowRefused as refused:
            report.problems.extend(refused.problems)
            return Outcome.REFUSED
        except InvalidInput as refusal:
            report.problems.extend(
                _problems(sheet, entry, refusal.violations, refusal.sentence, refusal.reason)
            )
            return Outcome.REFUSED
        except grpc.RpcError as error:
            answer = refusal_from(error)
            if answer.kind is not None:
                report.problems.extend(
                    _problems(sheet, entry, answer.violations, answer.sentence, answer.reason)
                )
                return Outcome.REFUSED
            if answer.code not in _LATER or attempt == ATTEMPTS_MAX:
                report.outage = answer
                return Outcome.NOT_TRIED
            await asyncio.sleep(answer.retry_after_s or BACKOFF_S * 2**attempt)
    raise AssertionError("the last attempt returns")


async def _take(sheet: Sheet, stub: Any, entry: Entry, *, dry_run: bool) -> Outcome:
    kind = sheet.kind
    there = await kind.find(stub, entry.message)
    if there is None:
        _require_columns(sheet, entry)
        message = entry.message
        require_valid(message)
        message.request_id = _request_id(sheet, entry)
        if not dry_run:
            await kind.add(stub, message)
        elif kind.name is KindName.REQUESTS:
            await _check_request(sheet, stub, entry)
        return Outcome.ADDED
    if entry.made_id:
        return Outcome.UNCHANGED  # it was imported before; what became of it since is not undone
    changed = [
        column
        for column in sheet.columns
        if column.fields
        and column is not kind.key
        and _plain(column.write(there)) != _plain(column.write(entry.message))
    ]
    if not changed:
        return Outcome.UNCHANGED
    _require_public(entry, changed)
    message = type(there)()
    message.CopyFrom(there)
    for column in changed:
        clear(message, column.fields)
        _read(column, message, entry.cells[column.en])
    paths = [path for column in changed for path in column.fields]
    part = paths[0].partition(".")[0]
    if "." in paths[0]:
        require_valid(getattr(message, part), path=part)
    message.request_id = _request_id(sheet, entry, there)
    if not dry_run:
        await kind.change(stub, message, paths)
    return Outcome.CHANGED


def _require_columns(sheet: Sheet, entry: Entry) -> None:
    missing = [
        Problem(
            entry.number, one.heading, "新的一行需要此列 (a new one needs it)", "COLUMN_MISSING"
        )
        for one in sheet.kind.columns
        if one.required and not entry.cells.get(one.en)
    ]
    if missing:
        raise RowRefused(missing)


def _require_public(entry: Entry, changed: Sequence[Column]) -> None:
    private = [
        column
        for column in changed
        if column.private and column.fields[0].startswith("personal_data")
    ]
    if private:
        raise RowRefused(
            [
                Problem(
                    entry.number,
                    column.heading,
                    "已登记专家的联系方式和住址不由表格修改 "
                    "(contact and home of a registered expert are not changed by a sheet)",
                    "PERSONAL_DATA_NOT_CHANGED",
                )
                for column in private
            ]
        )  # fmt: skip


async def _check_request(sheet: Sheet, stub: Any, entry: Entry) -> None:
    answer = await stub.CheckRequest(events.CheckRequestRequest(request=entry.message.request))
    problems = [
        Problem(
            entry.number,
            column_of(sheet.kind, f"request.{one.field}"),
            f"{one.message} {one.message_en}",
            one.code,
        )
        for one in answer.findings
        if one.severity == events.Finding.SEVERITY_REFUSED
    ]
    if problems:
        raise RowRefused(problems)


def _problems(
    sheet: Sheet,
    entry: Entry,
    violations: Sequence[FieldViolation],
    sentence: str,
    reason: str,
) -> Iterator[Problem]:
    for violation in violations:
        yield Problem(
            entry.number, column_of(sheet.kind, violation.path), violation.description, reason
        )
    if not violations:
        yield Problem(entry.number, "", sentence, reason)


def column_of(kind: Kind, path: str) -> str:
    """The heading of the column that sets the field at `path`; the path itself where none does."""
    way = re.sub(r"\[\d+\]", "", path)
    fits = [
        (len(own), column.heading)
        for column in kind.columns
        for own in column.fields
        if way == own or way.startswith(f"{own}.") or own.startswith(f"{way}.")
    ]
    return max(fits)[1] if fits else path


def _request_id(sheet: Sheet, entry: Entry, there: Any = None) -> str:
    """The same for the same row in the same situation: a lost answer is asked for again, and nothing is done twice."""
    before = there.SerializeToString(deterministic=True).hex() if there is not None else ""
    return f"sheet-{_digest(sheet.kind.name, entry.cells, before)[:48]}"


def _digest(*parts: object) -> str:
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(text: str) -> str:
    """What of a text survives a spreadsheet."""
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


async def rows_of(kind: Kind, stub: Any, chosen: Chosen) -> Sequence[Sequence[str]]:
    """What there is of a kind, by the columns that are not private."""
    columns = [column for column in kind.columns if not column.private]
    rows: list[Sequence[str]] = []
    async for page in kind.pages(stub, chosen):
        rows.extend([column.write(message) for column in columns] for message in page)
    return rows
