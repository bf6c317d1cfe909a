"""Messages become plain values and come back the same."""

import pytest
from zhihui.events.v1 import events_pb2
from zhihui.scheduling.v1 import scheduling_pb2 as pb

from services.web.adapters.plain import filled, plain

WINDOW = {"start_time": "2026-11-24T01:00:00Z", "end_time": "2026-11-24T03:30:00.250Z"}


def test_what_goes_in_comes_out_again() -> None:
    values = plain(pb.Round())
    values |= {"title": "十二月", "state": "SOLVING", "nodes": ["nodes/500229"]}
    values |= {"horizon": {"start_date": "2026-12-01", "end_date": "2026-12-08"}}
    assert plain(filled(pb.Round(), values)) == values


def test_instants_are_text_in_utc() -> None:
    request = filled(events_pb2.Request(), {"windows": [WINDOW]})
    assert plain(request)["windows"] == [WINDOW]


def test_an_enum_is_its_short_name_and_nothing_said_is_empty() -> None:
    assert plain(events_pb2.Seat(roles=[1, 3]))["roles"] == ["ACADEMICIAN", "VOLUNTEER"]
    assert plain(events_pb2.Request())["state"] == ""


def test_zero_and_missing_stay_apart() -> None:
    assert plain(pb.Progress())["bound"] is None
    assert plain(pb.Progress(bound=0))["bound"] == 0
    assert not filled(pb.Progress(), {"bound": None}).HasField("bound")


def test_a_message_without_content_is_there_all_the_same() -> None:
    assert filled(pb.PriceMoveRequest(), {"move": {}}).HasField("move")


def test_a_field_that_is_not_there_is_a_bug() -> None:
    with pytest.raises(KeyError):
        filled(pb.Round(), {"no_such_field": 1})
