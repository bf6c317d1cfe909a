"""Sheets in and out of real services: what is refused says where, nothing is done twice, a round trip changes nothing."""

import asyncio
import csv
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from zhihui.common.v1 import common_pb2 as common
from zhihui.events.v1 import events_pb2 as pb
from zhihui.events.v1 import events_pb2_grpc as pb_grpc
from zhihui.experts.v1 import experts_pb2_grpc as experts_grpc

from libs.auth.principal import Principal, Role
from libs.auth.tokens import Tokens
from libs.postgres.pool import Pool
from libs.settings import TokenSettings
from libs.sheets.kinds import KINDS, Chosen, KindName
from libs.sheets.run import Report, rows_of, run_sheet, sheet_of
from libs.sheets.tables import TableUnreadable, read_rows, write_rows
from tests.support.clock import FixedClock
from tests.support.services import events_service, experts_service
from tests.support.serving import KEY, calling

pytestmark = pytest.mark.postgres
AT = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
REQUESTS = ["标题", "场地", "群体", "程度", "人数", "形式", "主题", "时长", "时段", "席位"]
EXPERT = {
    "编号": "wang",
    "姓名": "示例 王教授",
    "角色": "讲师",
    "住地": "500229",
    "专长": "ai:3；航天与天文",
    "群体": "青少年、农民",
    "形式": "科普讲座",
    "程度": "初中、高中",
    "每日次数": "2",
    "每周次数": "5",
    "每轮次数": "10",
    "每日行程分钟": "240",
    "连续外宿": "1",
    "每周休息日": "1",
    "最早出门": "07:30",
    "最晚到家": "20:00",
    "未成年人工作资质": "2026-01-01~2027-01-01",
    "任期": "corps 2026-01-01~2028-01-01",
    "电话": "+8613800000000",
    "家庭坐标": "31.95, 108.66 GCJ02",
}


async def taken(path: Path, kind: str, stub: Any, *, dry_run: bool = False) -> Report:
    return await run_sheet(sheet_of(KINDS[KindName(kind)], read_rows(path)), stub, dry_run=dry_run)


def counts(report: Report) -> dict[str, int]:
    return {one.value: count for one, count in report.counts.items() if count}


async def written(path: Path, kind: str, stub: Any) -> int:
    chosen = Chosen(node="", first=date(2026, 11, 20), last=date(2027, 1, 1))
    columns = [column for column in KINDS[KindName(kind)].columns if not column.private]
    rows = await rows_of(KINDS[KindName(kind)], stub, chosen)
    return write_rows(path, [column.heading for column in columns], rows)


@pytest.fixture
async def events(fresh_database: str) -> AsyncIterator[tuple[Any, Pool, str]]:
    async with events_service(fresh_database, FixedClock(AT)) as (address, pool):
        async with calling(address, pb_grpc.EventsServiceStub, Role.CITY_COORDINATOR) as stub:
            node = pb.Node(
                kind=pb.NODE_KIND_CITY,
                display_name="示例市",
                validity=common.DatePeriod(start_date="2025-11-06"),
            )
            await stub.CreateNode(pb.CreateNodeRequest(node_id="city", node=node))
            venue = pb.Venue(
                display_name="=示例礼堂",
                node="nodes/city",
                point=common.Point(latitude=29.5, longitude=106.5),
                capacity=300,
                access_notes="'引号\r\n第二行\x07",
            )
            await stub.CreateVenue(pb.CreateVenueRequest(venue_id="hall", venue=venue))
            yield stub, pool, address


def asked(title: str, **others: str) -> list[str]:
    row = dict(
        zip(
            REQUESTS,
            [title, "hall", "青少年", "初中", "200", "科普讲座", "ai", "60", "2026-12-07 上午", "讲师 ai:2；志愿者 x2 可选"],
            strict=True,
        )
    )  # fmt: skip
    return list({**row, **others}.values())


def sheet(path: Path, rows: Sequence[Sequence[object]], headings: Sequence[str] = REQUESTS) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([headings, *rows])
    return path


async def test_each_refused_row_says_where_and_why_and_the_others_are_taken(events, tmp_path):
    stub, pool, _ = events
    path = sheet(
        tmp_path / "a.csv",
        [
            asked("好的"),
            asked("人数不对", 人数="十", 主题="占星"),
            asked("没有此场地", 场地="nowhere"),
            asked("时段太短", 时段="2026-12-08 上午；2026-12-07 09:00-09:30"),
            asked("好的"),
            asked("也好", 时段="2026-12-09 14:00-16:00"),
        ],
    )
    wrong = [
        (3, "人数 audience_size"),
        (3, "主题 topic"),
        (4, "场地 venue"),
        (5, "时段 windows"),
        (6, "编号 id"),
    ]
    tried = await taken(path, "requests", stub, dry_run=True)
    assert counts(tried) == {"added": 2, "refused": 4}
    assert [(one.row, one.column) for one in tried.problems] == wrong
    assert await pool.fetchval("SELECT count(*) FROM requests") == 0
    done = await taken(path, "requests", stub)
    assert counts(done) == {"added": 2, "refused": 4}
    assert [(one.row, one.column) for one in done.problems] == wrong
    assert all(one.sentence and one.reason for one in done.problems)
    assert await pool.fetchval("SELECT count(*) FROM requests") == 2


async def test_a_repeated_import_does_nothing_and_a_mended_sheet_adds_what_was_mended(
    events, tmp_path
):
    stub, pool, _ = events
    path = sheet(tmp_path / "a.csv", [asked("甲"), asked("乙", 人数="0")])
    await taken(path, "requests", stub)
    facts = await pool.fetchval("SELECT count(*) FROM outbox")
    assert counts(await taken(path, "requests", stub)) == {"unchanged": 1, "refused": 1}
    assert await pool.fetchval("SELECT count(*) FROM outbox") == facts
    mended = sheet(tmp_path / "a.csv", [asked("乙", 人数="30"), asked("甲")])
    assert counts(await taken(mended, "requests", stub)) == {"added": 1, "unchanged": 1}


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
async def test_a_round_trip_of_requests_and_venues_changes_nothing(events, tmp_path, ending):
    stub, pool, _ = events
    asks = [
        asked("=甲", 时段="2026-12-07 00:00-24:00"),
        asked(
            "-乙", 席位="任意", 时段="2026-12-08T00:00:30Z/2026-12-09T04:00:00Z；2026-12-07 下午"
        ),
    ]
    assert counts(await taken(sheet(tmp_path / "a.csv", asks), "requests", stub)) == {"added": 2}
    versions = "SELECT name, version FROM requests UNION SELECT name, version FROM venues"
    before = set(await pool.fetch(versions))
    for kind, count in (("requests", 2), ("venues", 1)):
        out = tmp_path / f"{kind}.{ending}"
        assert await written(out, kind, stub) == count
        cells = [cell for row in read_rows(out) for cell in row.cells.values()]
        assert not [cell for cell in cells if cell[:1] in set("=+-@")]
        assert counts(await taken(out, kind, stub)) == {"unchanged": count}
    assert set(await pool.fetch(versions)) == before
    assert await pool.fetchval("SELECT count(*) FROM requests WHERE title = '=甲'") == 1


async def test_an_edited_export_changes_only_what_was_edited(events, tmp_path):
    stub, pool, _ = events
    out = tmp_path / "venues.csv"
    await written(out, "venues", stub)
    (row,) = read_rows(out)
    write_rows(out, ["编号", "容量"], [[row.cells["编号 id"], 250]])
    assert counts(await taken(out, "venues", stub)) == {"changed": 1}
    body = json.loads(await pool.fetchval("SELECT body FROM venues"))
    assert (body["capacity"], body["display_name"], body["version"]) == (250, "=示例礼堂", 2)
    write_rows(out, ["编号", "容量"], [["hall", 0], ["new", 3]])
    done = await taken(out, "venues", stub)
    assert [(one.row, one.column) for one in done.problems][:2] == [
        (2, "容量 capacity"),
        (3, "名称 display_name"),
    ]
    assert await pool.fetchval("SELECT count(*) FROM venues") == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [("标题,价格\n甲,3\n", "价格"), ("标题\n甲\n", "场地 venue"), ("标题,title\n甲,乙\n", "title")],
)
async def test_a_sheet_with_wrong_headings_is_refused_whole(tmp_path, content, said):
    (tmp_path / "a.csv").write_text(content, encoding="utf-8")
    with pytest.raises(TableUnreadable, match=said):
        sheet_of(KINDS[KindName.REQUESTS], read_rows(tmp_path / "a.csv"))


async def test_a_service_that_is_away_is_an_outage_and_not_a_refusal(tmp_path):
    path = sheet(tmp_path / "a.csv", [asked("甲"), asked("乙")])
    async with calling("127.0.0.1:1", pb_grpc.EventsServiceStub, Role.CITY_COORDINATOR) as stub:
        done = await taken(path, "requests", stub)
    assert counts(done) == {"not_tried": 2}
    assert done.outage is not None


async def test_ten_thousand_rows_most_of_them_wrong_by_the_command(events, tmp_path):
    _, pool, address = events
    rows = [
        asked(f"第 {n} 场") if n % 25 == 0 else asked(f"第 {n} 场", 人数="很多", 主题="占星")
        for n in range(10_000)
    ]
    path = sheet(tmp_path / "a.csv", rows)
    principal = Principal(subject="city", roles=frozenset({Role.CITY_COORDINATOR}))
    tokens = Tokens(TokenSettings(auth_key=SecretStr(KEY)))
    environment = {
        **os.environ,
        "PYTHONPATH": ".:libs/genproto",
        "ZHIHUI_HOME": str(tmp_path),
        "ZHIHUI_TOKEN": tokens.issue(principal, lifetime=timedelta(hours=1)),
    }
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.cli", "--json", "--events", address),
        *("import", str(path), "--kind", "requests", "--report", str(tmp_path / "report.xlsx")),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert time.monotonic() - began < 30
    lines = [json.loads(line) for line in out.splitlines()]
    assert (process.returncode, lines[-1]["added"], lines[-1]["refused"]) == (2, 400, 9_600)
    assert {line["row"] for line in lines[:-1]} == {n + 2 for n in range(10_000) if n % 25}
    assert len(read_rows(tmp_path / "report.xlsx")) == len(lines) - 1 == 2 * 9_600
    assert await pool.fetchval("SELECT count(*) FROM requests") == 400


async def test_experts_and_their_availability_come_in_and_go_out(fresh_database, tmp_path):
    async with (
        experts_service(fresh_database, FixedClock(AT)) as (address, pool),
        calling(address, experts_grpc.ExpertsServiceStub, Role.CITY_COORDINATOR) as stub,
    ):
        path = tmp_path / "experts.xlsx"
        write_rows(path, list(EXPERT), [list(EXPERT.values())])
        for outcome in ("added", "unchanged"):
            assert counts(await taken(path, "experts", stub)) == {outcome: 1}
        free = [
            ["wang", "2026-12-01~2026-12-08", "2026-12-03 下午；2026-12-02 08:30-11:00"],
            ["wang", "2026-12-08~2026-12-15", "2026-12-09 上午；2026-12-09 10:00-13:00"],
            ["wang", "2026-12-07~2026-12-09", ""],
        ]
        path = sheet(tmp_path / "free.csv", free, ["专家", "日期", "可用时段"])
        done = await taken(path, "availability", stub)
        assert [(one.row, one.column, one.reason) for one in done.problems] == [
            (3, "可用时段 windows", "WINDOWS_OVERLAP"),
            (4, "日期 days", "ROW_REPEATED"),
        ]
        assert await pool.fetchval("SELECT version FROM experts") == 2
        for kind, rows in (("experts", 1), ("availability", 2)):
            out = tmp_path / f"{kind}.csv"
            assert await written(out, kind, stub) == rows
            assert "13800000000" not in out.read_text()
            assert counts(await taken(out, kind, stub)) == {"unchanged": rows}
        assert await pool.fetchval("SELECT version FROM experts") == 2
        write_rows(path, ["编号", "电话", "每日次数"], [["wang", "13900000000", 1]])
        (problem,) = (await taken(path, "experts", stub)).problems
        assert problem.reason == "PERSONAL_DATA_NOT_CHANGED"
        assert await pool.fetchval("SELECT version FROM experts") == 2
