from datetime import UTC, datetime

import pytest

from libs.sheets import cells
from libs.sheets.cells import CellRefused


def test_words_are_taken_in_chinese_and_english():
    assert cells.choice("农技推广", cells.FORMS) == "AGRICULTURAL_EXTENSION"
    assert cells.choice("agricultural extension", cells.FORMS) == "AGRICULTURAL_EXTENSION"


def test_an_unknown_word_is_told_what_is_allowed():
    with pytest.raises(CellRefused, match="科普讲座") as refusal:
        cells.choice("演唱会", cells.FORMS)
    assert "REPORT" in str(refusal.value)


def test_a_half_day_is_city_time():
    period = cells.window("2026-12-14 下午")
    assert period.start == datetime(2026, 12, 14, 6, 0, tzinfo=UTC)
    assert period.end == datetime(2026, 12, 14, 10, 0, tzinfo=UTC)


def test_hours_are_city_time_and_24_is_the_next_midnight():
    assert cells.window("2026/12/14 14:00-16:30").end == datetime(2026, 12, 14, 8, 30, tzinfo=UTC)
    assert cells.window("2026-12-14 22：00至24：00").end == datetime(2026, 12, 14, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["2026-12-14", "2026-02-30 上午", "2026-12-14 16:00-14:00", "2026-12-14 25:00-26:00",
     "2026-12-14 14:00-14:00", "tomorrow am", ""],
)  # fmt: skip
def test_what_is_no_window_is_refused(text):
    with pytest.raises(CellRefused):
        cells.window(text)


def test_windows_come_in_order_and_at_least_one():
    first, second = cells.windows("2026-12-15 上午；2026-12-14 下午")
    assert first.start < second.start
    with pytest.raises(CellRefused):
        cells.windows(" ; ")


@pytest.mark.parametrize(
    ("text", "ok"), [("1", True), ("3", True), ("0", False), ("4", False), ("x", False)]
)
def test_whole_numbers_keep_their_range(text, ok):
    if ok:
        assert cells.whole(text, least=1, most=3) == int(text)
    else:
        with pytest.raises(CellRefused):
            cells.whole(text, least=1, most=3)


def test_topics_are_known_by_id_and_by_name():
    assert cells.topic("ai") == cells.topic("人工智能与大数据") == "ai"
    with pytest.raises(CellRefused, match="space"):
        cells.topic("航天")


def test_proficiencies_default_to_two():
    assert cells.proficiencies("ai：3；space") == {"ai": 3, "space": 2}
    with pytest.raises(CellRefused):
        cells.proficiencies("ai:4")


def test_times_are_shown_as_the_city_reads_them():
    assert cells.local(datetime(2026, 12, 13, 16, 30, tzinfo=UTC)) == "2026-12-14 周一 00:30"


def test_a_long_mistake_is_quoted_short():
    with pytest.raises(CellRefused) as refusal:
        cells.whole("9" * 10 + "x" * 5000, least=1, most=3)
    assert len(str(refusal.value)) < 100
