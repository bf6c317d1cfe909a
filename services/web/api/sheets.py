"""Sheets through the browser: what is there as xlsx, and a sheet taken in row by row, as `zhihui import` does."""

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import grpc
from fastapi import APIRouter, Request, Response

from libs.clock import system_clock
from libs.geo import calendar
from libs.sheets.kinds import KINDS, Chosen, KindName
from libs.sheets.run import Outcome, Report, rows_of, run_sheet, sheet_of
from libs.sheets.tables import Row, TableUnreadable, read_rows, write_rows
from services.web.adapters.services import Refused
from services.web.api import views
from services.web.api.calls import Name, Reader, Writer
from services.web.api.problems import DOCUMENTED, problem

router = APIRouter(prefix="/api", responses=DOCUMENTED)

SHEET_BYTES_MAX = 5_000_000
EXPORT_DAYS = 60
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@router.get("/sheets/{kind}", response_class=Response)
async def export_sheet(kind: KindName, who: Reader, node: Name = "") -> Any:
    """All that is in the caller's scope, without contacts; of availability, the next 60 days."""
    chosen = KINDS[kind]
    first = calendar.local_day(system_clock())
    asked = Chosen(node=node, first=first, last=first + timedelta(days=EXPORT_DAYS))
    try:
        rows = await rows_of(chosen, who.services.stub(who.token), asked)
    except grpc.RpcError as error:
        raise Refused(error) from error
    headings = [column.heading for column in chosen.columns if not column.private]
    return Response(
        await asyncio.to_thread(_written, headings, rows),
        media_type=XLSX,
        headers={"Content-Disposition": f'attachment; filename="{kind}.xlsx"'},
    )


@router.post(
    "/sheets/{kind}:import",
    response_model=views.SheetReport,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
            },
        }
    },
)
async def import_sheet(
    kind: KindName,
    request: Request,
    who: Writer,
    *,
    dry_run: bool = True,
    format: Literal["xlsx", "csv"] = "xlsx",
) -> Any:
    """The body is the file, at most 5 MB; a row is taken in whole or not at all."""
    content = bytearray()
    async for piece in request.stream():
        content += piece
        if len(content) > SHEET_BYTES_MAX:
            return problem(request, 422, "SHEET_TOO_LARGE")
    try:
        rows = await asyncio.to_thread(_read, bytes(content), f".{format}")
        sheet = sheet_of(KINDS[kind], rows)
    except TableUnreadable as unreadable:
        return problem(
            request,
            422,
            "SHEET_UNREADABLE",
            sentence=str(unreadable),
            violations=[("body", str(unreadable))],
        )
    report = await run_sheet(sheet, who.services.stub(who.token), dry_run=dry_run)
    return shown(report)


def shown(report: Report) -> dict[str, Any]:
    """The report as a view's fields."""
    counts = {one.value: count for one, count in report.counts.items()}
    return {
        "rows": report.rows,
        **{one.value: counts.get(one.value, 0) for one in Outcome},
        "problems": [asdict(one) for one in report.problems],
        "outage": report.outage.sentence if report.outage else "",
    }


def _read(content: bytes, suffix: str) -> Sequence[Row]:
    """The rows of a file that came as bytes; the readers want a path."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"sheet{suffix}"
        path.write_bytes(content)
        return read_rows(path)


def _written(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sheet.xlsx"
        write_rows(path, headings, rows)
        return path.read_bytes()
