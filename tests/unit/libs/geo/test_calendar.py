from datetime import UTC, date, datetime, timedelta

import pytest

from libs.geo.calendar import (
    DayKind,
    Half,
    Stage,
    Status,
    chongqing,
    half_day,
    local_day,
)


@pytest.mark.parametrize(
    ("day", "kind"),
    [
        (date(2026, 10, 1), DayKind.DAY_OFF),
        (date(2026, 9, 20), DayKind.MAKE_UP_WORKDAY),  # a Sunday
        (date(2026, 10, 10), DayKind.MAKE_UP_WORKDAY),  # a Saturday
        (date(2026, 9, 19), DayKind.WEEKEND),
        (date(2026, 9, 21), DayKind.WORKDAY),
    ],
)
def test_days_of_an_announced_year(day, kind):
    found = chongqing().day(day)
    assert (found.kind, found.status) == (kind, Status.OFFICIAL)


def test_a_working_saturday_works_and_a_plain_one_does_not():
    calendar = chongqing()
    assert calendar.day(date(2026, 10, 10)).works
    assert not calendar.day(date(2026, 10, 17)).works


def test_a_year_whose_swaps_are_not_announced_says_so():
    calendar = chongqing()
    assert calendar.day(date(2027, 1, 1)).kind is DayKind.DAY_OFF
    assert calendar.day(date(2027, 3, 1)).status is Status.PROVISIONAL


def test_a_year_without_data_is_unknown_and_never_a_failure():
    day = chongqing().day(date(2031, 10, 1))
    assert (day.kind, day.status) == (DayKind.WORKDAY, Status.UNKNOWN)


@pytest.mark.parametrize(
    ("day", "stage", "open_"),
    [
        (date(2026, 7, 1), Stage.COMPULSORY, True),
        (date(2026, 7, 2), Stage.COMPULSORY, False),
        (date(2026, 7, 2), Stage.SENIOR, True),
        (date(2026, 7, 8), Stage.SENIOR, True),
        (date(2026, 7, 9), Stage.SENIOR, False),
        (date(2026, 3, 4), Stage.COMPULSORY, False),
        (date(2026, 3, 5), Stage.COMPULSORY, True),
    ],
)
def test_terms_end_with_their_last_day(day, stage, open_):
    assert chongqing().school_day(day, stage=stage) is open_


def test_a_working_sunday_in_term_is_a_school_day():
    assert chongqing().school_day(date(2026, 9, 20))


def test_an_assumed_term_says_so():
    term = chongqing().term(date(2026, 12, 14))
    assert term is not None
    assert term.status is Status.PROVISIONAL


@pytest.mark.parametrize(
    ("day", "stage", "name"),
    [
        (date(2027, 1, 13), Stage.COMPULSORY, None),
        (date(2027, 1, 14), Stage.COMPULSORY, "期末考试"),
        (date(2027, 1, 21), Stage.SENIOR, "期末考试"),
        (date(2027, 1, 22), Stage.SENIOR, None),
        (date(2027, 6, 7), Stage.SENIOR, "高考"),
        (date(2027, 6, 7), Stage.COMPULSORY, None),
    ],
)
def test_exams_are_of_some_schools_and_assumed(day, stage, name):
    exam = chongqing().exam(day, stage=stage)
    assert (exam and exam.name) == name
    assert exam is None or exam.status is Status.PROVISIONAL


def test_no_term_is_known_far_ahead():
    assert chongqing().term(date(2031, 10, 8)) is None


def test_halves_are_instants_in_utc_and_do_not_touch():
    morning, afternoon = (half_day(date(2026, 12, 14), half) for half in Half)
    assert morning.start == datetime(2026, 12, 14, 0, 0, tzinfo=UTC)
    assert morning.end == datetime(2026, 12, 14, 4, 0, tzinfo=UTC)
    assert afternoon.start - morning.end == timedelta(hours=2)
    assert afternoon.end == datetime(2026, 12, 14, 10, 0, tzinfo=UTC)


def test_a_day_in_the_city_begins_eight_hours_before_utc():
    assert local_day(datetime(2026, 12, 13, 16, 0, tzinfo=UTC)) == date(2026, 12, 14)
    assert local_day(datetime(2026, 12, 13, 15, 59, tzinfo=UTC)) == date(2026, 12, 13)
