"""Rows of xlsx and csv files, in and out, with the row numbers that a person sees in the sheet."""

import csv
import datetime as dt
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from openpyxl import Workbook
from python_calamine import CalamineError, CalamineWorkbook

CELL_LENGTH_MAX = 10_000
"""Longer than any field of the API: the rest of such a cell can only be a mistake."""


class TableUnreadable(Exception):
    """The file is not a table we can read; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row by column heading. `number` is as in the sheet: the heading is row 1."""

    number: int
    cells: Mapping[str, str]


def read_rows(path: Path) -> Sequence[Row]:
    """The rows under the heading, blank ones left out; cells are text without outer blanks.

    Raises:
        TableUnreadable: no such file, neither xlsx nor csv, no heading, or a heading twice.
    """
    if not path.exists():
        raise TableUnreadable(f"没有这个文件 (no such file): {path}")
    suffix = path.suffix.lower()
    if suffix == ".csv":
        lines = _csv_lines(path)
    elif suffix in {".xlsx", ".xls", ".ods"}:
        lines = _sheet_lines(path)
    else:
        raise TableUnreadable(f"只读 xlsx 和 csv (only xlsx and csv are read): {path.name}")
    return _rows(path, lines)


def write_rows(path: Path, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    """Write a table to xlsx or csv, by the file's ending; the number of rows written.

    The file appears whole or not at all.

    Raises:
        TableUnreadable: neither xlsx nor csv.
    """
    count = 0
    partial = path.with_name(f".{path.name}.partial")
    if path.suffix.lower() == ".csv":
        # With a byte order mark, else Excel shows Chinese as noise.
        with partial.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(headings)
            for row in rows:
                writer.writerow([_harmless(cell) for cell in row])
                count += 1
    elif path.suffix.lower() == ".xlsx":
        book = Workbook(write_only=True)
        sheet = book.create_sheet("data")
        sheet.append(list(headings))
        for row in rows:
            sheet.append([_harmless(cell) for cell in row])
            count += 1
        book.save(partial)
    else:
        raise TableUnreadable(f"只写 xlsx 和 csv (only xlsx and csv are written): {path.name}")
    partial.replace(path)
    return count


def plain(cell: str) -> str:
    """A cell's text without the quote that makes it harmless."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] in _MARKS else cell


_MARKS = ("=", "+", "-", "@", "\t", "\r", "'")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def _harmless(cell: object) -> object:
    """Text that a spreadsheet would take for a formula gets a quote: a venue's name is no program.

    Text that begins with a quote gets another, so that `plain` gives back what was there.
    """
    if not isinstance(cell, str):
        return cell
    text = _CONTROL.sub("", cell)  # no sheet can hold them
    return "'" + text if text.startswith(_MARKS) else text


def _csv_lines(path: Path) -> Iterator[Sequence[str]]:
    # Chinese Excel writes GB18030 unless told otherwise.
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = path.read_text(encoding=encoding)
        except UnicodeDecodeError:
            continue
        return iter(list(csv.reader(io.StringIO(text, newline=""))))
    raise TableUnreadable(
        f"编码既不是 UTF-8 也不是 GB18030 (neither UTF-8 nor GB18030): {path.name}"
    )


def _sheet_lines(path: Path) -> Iterator[Sequence[str]]:
    try:
        sheet = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0)
    except (CalamineError, OSError, IndexError) as error:
        raise TableUnreadable(f"打不开表格 (cannot be opened): {path.name}: {error}") from error
    return ([_text(cell) for cell in line] for line in sheet.to_python(skip_empty_area=False))


def _text(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, dt.datetime):
        return cell.strftime("%Y-%m-%d %H:%M")
    if isinstance(cell, dt.time):
        return cell.strftime("%H:%M")
    return str(cell)


def _rows(path: Path, lines: Iterator[Sequence[str]]) -> Sequence[Row]:
    headings = [heading.strip() for heading in next(lines, ())]
    if not any(headings):
        raise TableUnreadable(f"第一行应是列名 (the first row must name the columns): {path.name}")
    twice = {heading for heading in headings if heading and headings.count(heading) > 1}
    if twice:
        raise TableUnreadable(f"列名重复 (a column is named twice): {', '.join(sorted(twice))}")
    rows = []
    for number, line in enumerate(lines, start=2):
        cells = {
            heading: cell.strip()[:CELL_LENGTH_MAX]
            for heading, cell in zip(headings, line, strict=False)
            if heading
        }
        if any(cells.values()):
            rows.append(Row(number=number, cells=cells))
    return rows
