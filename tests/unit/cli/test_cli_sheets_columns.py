from datetime import UTC, datetime

import pytest
from zhihui.common.v1 import common_pb2 as common

from libs.sheets.cells import CellRefused
from libs.sheets.columns import days, days_text, instants, window_text
from libs.sheets.kinds import EXPERTS, KINDS, REQUESTS, VENUES
from libs.sheets.run import column_of, read_entries, sheet_of
from libs.sheets.tables import Row, plain, read_rows, write_rows


def column(kind, en):
    return next(one for one in kind.columns if one.en == en)


def read(kind, en, cell):
    message = kind.new()
    column(kind, en).read(message, cell)
    return message


@pytest.mark.parametrize(
    ("kind", "en", "cell", "shown"),
    [
        (REQUESTS, "seats", "讲师/院士 ai:2；志愿者 x2 可选；any", "讲师/院士 ai:2；志愿者 x2 可选；任意"),
        (REQUESTS, "seats", "LECTURER 人工智能与大数据 X12", "讲师 ai x12"),
        (REQUESTS, "windows", "2026-12-08 pm；2026-12-07 09:00-11:30", "2026-12-08 下午；2026-12-07 09:00-11:30"),
        (REQUESTS, "group", "youth", "青少年"),
        (REQUESTS, "venue", "hall", "venues/hall"),
        (REQUESTS, "audience_size", "100000", "100000"),
        (VENUES, "point", "29.5，106.5", "29.5, 106.5"),
        (VENUES, "annual_cap", "0", "0"),
        (EXPERTS, "clearances", "2026-01-01 至 2027-01-01；2028-01-01~", "2026-01-01~2027-01-01；2028-01-01~"),
        (EXPERTS, "memberships", "corps 2026-01-01~", "pools/corps 2026-01-01~"),
        (EXPERTS, "latest", "24:00", "24:00"),
        (EXPERTS, "skills", "ai:3; 航天与天文", "ai:3；space:2"),
    ],
)  # fmt: skip
def test_a_cell_is_shown_as_it_will_be_read_again(kind, en, cell, shown):
    message = read(kind, en, cell)
    assert column(kind, en).write(message) == shown
    assert read(kind, en, shown) == message


@pytest.mark.parametrize(
    ("kind", "en", "cell"),
    [
        (REQUESTS, "seats", "讲师 x13"),
        (REQUESTS, "seats", "讲师 ai:4"),
        (REQUESTS, "seats", "教授"),
        (REQUESTS, "audience_size", "0"),
        (REQUESTS, "audience_size", "100001"),
        (REQUESTS, "title", "长" * 121),
        (REQUESTS, "windows", "2026-12-08T04:00:00Z/2026-12-08T04:00:00Z"),
        (REQUESTS, "id", "A B"),
        (REQUESTS, "host_phone", "12-34"),
        (VENUES, "point", "106.5, 29.5"),
        (VENUES, "point", "29.5, 106.5 NAD27"),
        (VENUES, "point", "51.5, -0.1"),
        (EXPERTS, "latest", "24:60"),
        (EXPERTS, "memberships", "corps 2026-01-01~2026-01-01"),
        (EXPERTS, "memberships", "corps"),
    ],
)
def test_what_cannot_be_meant_is_refused(kind, en, cell):
    with pytest.raises(CellRefused):
        read(kind, en, cell)


def test_a_title_of_the_greatest_length_is_taken():
    assert read(REQUESTS, "title", "长" * 120).request.title == "长" * 120


def test_points_of_chinese_maps_are_converted():
    point = read(VENUES, "point", "29.5 106.5 GCJ-02").venue.point
    assert 0.001 < abs(point.longitude - 106.5) < 0.01
    assert point.datum == common.DATUM_WGS84


def test_windows_keep_every_instant():
    start = datetime(2026, 12, 7, 1, 0, 0, 5, tzinfo=UTC)
    window = common.Period()
    window.start_time.FromDatetime(start)
    window.end_time.FromDatetime(datetime(2026, 12, 8, 1, tzinfo=UTC))
    assert instants(window_text(window)) == (start, datetime(2026, 12, 8, 1, tzinfo=UTC))


def test_days_without_an_end_stay_so():
    assert days_text(days("2026-01-01~")) == "2026-01-01~"


def test_violations_find_their_columns():
    assert column_of(REQUESTS, "request.windows[2].end_time") == "时段 windows"
    assert column_of(EXPERTS, "expert.limits.per_day") == "每日次数 per_day"
    assert column_of(EXPERTS, "personal_data.home") == "家庭坐标 home"
    assert column_of(VENUES, "venue.shape") == "venue.shape"


def test_no_two_columns_of_a_kind_have_one_heading():
    for kind in KINDS.values():
        names = [name for one in kind.columns for name in (one.zh, one.en)]
        assert len(names) == len(set(names))


@pytest.mark.parametrize("heading", ["容量", "capacity", "CAPACITY", "容量 capacity"])
def test_headings_are_taken_in_either_language(heading):
    sheet = sheet_of(VENUES, [Row(2, {"id": "hall", heading: "3"})])
    entries, problems = read_entries(sheet)
    assert not problems
    assert entries[0].message.venue.capacity == 3


def test_an_id_made_from_a_row_depends_on_what_it_says_and_not_on_its_place():
    def ids(*names):
        headings = [one.en for one in VENUES.columns if one.required]
        cells = {"node": "city", "point": "29.5,106.5", "capacity": "3"}
        rows = [
            Row(n, {key: cells.get(key, name) for key in headings}) for n, name in enumerate(names)
        ]
        return {one.message.venue_id for one in read_entries(sheet_of(VENUES, rows))[0]}

    assert ids("a", "b") == ids("b", "a")
    assert len(ids("a", "b")) == 2


@pytest.mark.parametrize("text", ["=1+1", "+86", "-3", "@x", "'=x", "'quoted", "''", "plain"])
@pytest.mark.parametrize("name", ["out.csv", "out.xlsx"])
def test_what_looks_like_a_formula_comes_back_as_it_was(tmp_path, name, text):
    write_rows(tmp_path / name, ["a"], [[text]])
    (row,) = read_rows(tmp_path / name)
    assert row.cells["a"][:1] not in set("=+-@")
    assert plain(row.cells["a"]) == text
