"""`zhihui import` and `zhihui export`: sheets of requests, experts, availability and venues, in and out."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from libs.clock import system_clock
from libs.geo import calendar
from libs.sheets import cells
from libs.sheets.kinds import KINDS, Chosen, KindName
from libs.sheets.run import Outcome, Problem, Report, Sheet, rows_of, run_sheet, sheet_of
from libs.sheets.tables import TableUnreadable, read_rows, write_rows
from services.cli.answer import DONE, REFUSED, Answer

app = typer.Typer()

PROBLEMS_SHOWN = 40
EXPORT_DAYS = 60
_WORDS = {
    Outcome.ADDED: "新增 added",
    Outcome.CHANGED: "修改 changed",
    Outcome.UNCHANGED: "未变 unchanged",
    Outcome.REFUSED: "拒绝 refused",
    Outcome.NOT_TRIED: "未处理 not tried",
}
_PROBLEM_HEADINGS = ["行 row", "列 column", "原因 why", "代码 reason"]

KindOption = Annotated[KindName, typer.Option(help="表格内容 · what the sheet holds")]


@app.command("import")
def import_sheet(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="xlsx 或 csv 文件 · an xlsx or csv file")],
    *,
    kind: KindOption,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="只检查，不写入 · check, change nothing")
    ] = False,
    report: Annotated[
        Path | None,
        typer.Option(help="把被拒绝的行写到此文件 · write all refused rows to this file"),
    ] = None,
) -> None:
    """导入表格：逐行报告；重复导入不会重复办理 · Take in a sheet, row by row; a repeated import repeats nothing."""
    session: Any = context.obj
    answer: Answer = session.answer
    chosen = KINDS[kind]
    try:
        sheet = sheet_of(chosen, read_rows(file))
    except TableUnreadable as unreadable:
        raise typer.Exit(answer.failed(str(unreadable), code=REFUSED)) from unreadable
    done: Report = session.call(
        chosen.service, chosen.stub, lambda stub: _with_progress(sheet, stub, answer, dry_run)
    )
    if report is not None:
        _written(answer, report, done.problems)
    _tell(answer, done, kind=kind, dry_run=dry_run)
    if done.outage is not None:
        raise typer.Exit(answer.refused(done.outage))
    raise typer.Exit(REFUSED if done.counts[Outcome.REFUSED] else DONE)


@app.command("export")
def export_sheet(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="xlsx 或 csv 文件 · an xlsx or csv file")],
    *,
    kind: KindOption,
    node: Annotated[str, typer.Option(help="只要此节点以下 · only of this node and below")] = "",
    first: Annotated[
        str,
        typer.Option("--from", help="可用时段起始日 · first day of availability, e.g. 2026-12-01"),
    ] = "",
    last: Annotated[
        str, typer.Option("--to", help="到此日为止（不含） · until this day, not included")
    ] = "",
) -> None:
    """导出表格，不含联系方式；改后可再导入 · Write a sheet, without contacts; it can be imported again."""
    session: Any = context.obj
    answer: Answer = session.answer
    chosen = KINDS[kind]
    if node and chosen.service == "experts":
        sentence = "--node 只用于 requests 和 venues (only for requests and venues)"
        raise typer.Exit(answer.failed(sentence, code=REFUSED))
    try:
        begin = cells.day(first) if first else calendar.local_day(system_clock())
        end = cells.day(last) if last else begin + timedelta(days=EXPORT_DAYS)
        range_chosen = Chosen(node=_node(node), first=begin, last=end)
        rows = session.call(
            chosen.service, chosen.stub, lambda stub: rows_of(chosen, stub, range_chosen)
        )
        columns = [column for column in chosen.columns if not column.private]
        written = write_rows(file, [column.heading for column in columns], rows)
    except (cells.CellRefused, TableUnreadable) as refused:
        raise typer.Exit(answer.failed(str(refused), code=REFUSED)) from refused
    except OSError as error:
        raise typer.Exit(
            answer.failed(f"写不了文件 (cannot be written): {error}", code=REFUSED)
        ) from error
    answer.value(
        {"kind": kind, "rows": written, "file": str(file)},
        say=lambda: answer.say(f"已写 {written} 行到 {file} ({written} rows written)"),
    )


def _node(name: str) -> str:
    return name if not name or "/" in name else f"nodes/{name}"


async def _with_progress(sheet: Sheet, stub: Any, answer: Answer, dry_run: bool) -> Report:
    if answer.as_json:
        return await run_sheet(sheet, stub, dry_run=dry_run)
    console = Console(stderr=True)
    with Progress(
        *(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    ) as progress:
        task = progress.add_task(
            "检查 checking" if dry_run else "导入 importing", total=len(sheet.rows)
        )
        return await run_sheet(sheet, stub, dry_run=dry_run, advance=lambda: progress.advance(task))


def _tell(answer: Answer, done: Report, *, kind: KindName, dry_run: bool) -> None:
    for problem in done.problems if answer.as_json else ():
        answer.line(
            {
                "row": problem.row,
                "column": problem.column,
                "sentence": problem.sentence,
                "reason": problem.reason,
            }
        )
    if done.problems:
        answer.table("被拒绝 Refused", _PROBLEM_HEADINGS, _cells(done.problems[:PROBLEMS_SHOWN]))
    left_out = len(done.problems) - PROBLEMS_SHOWN
    if left_out > 0:
        answer.say(
            f"……还有 {left_out} 条；用 --report 写到文件 (and {left_out} more: use --report)"
        )
    said = "，".join(f"{_WORDS[one]} {count}" for one, count in done.counts.items() if count)
    summary = {"kind": kind, "dry_run": dry_run, "rows": done.rows}
    answer.value(
        {**summary, **{one.value: count for one, count in done.counts.items()}},
        say=lambda: answer.say(
            f"{'只检查，未写入 (dry run)。' if dry_run else ''}共 {done.rows} 行 rows：{said or '0'}"
        ),
    )


def _written(answer: Answer, path: Path, problems: Sequence[Problem]) -> None:
    try:
        write_rows(path, _PROBLEM_HEADINGS, _cells(problems))
    except (OSError, TableUnreadable) as error:
        answer.failed(f"写不了报告 (the report cannot be written): {error}", code=REFUSED)


def _cells(problems: Sequence[Problem]) -> Sequence[Sequence[object]]:
    return [(one.row, one.column, one.sentence, one.reason) for one in problems]
