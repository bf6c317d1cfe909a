import io
import json
import logging
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog
from opentelemetry import trace

from libs import telemetry


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("打 13800138000 找她", "打 [phone] 找她"),
        ("+86 138-0013-8000", "[phone]"),
        ("座机 023-63658888", "座机 [phone]"),
        ("证件 50010119900307123X。", "证件 [identity]。"),
        ("to li.si@example.org now", "to [email] now"),
        ("round rnd-01k9z3138001380001x", "round rnd-01k9z3138001380001x"),
        ("code 500101, 1380013800 ms", "code 500101, 1380013800 ms"),
        ("2026-11-23T22:34:25", "2026-11-23T22:34:25"),
    ],
)
def test_numbers_of_people_are_replaced_and_others_kept(text: str, redacted: str) -> None:
    assert telemetry.redact(text) == redacted


@pytest.fixture
def log_lines() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    root, stream = logging.getLogger(), io.StringIO()
    kept, level = list(root.handlers), root.level
    telemetry.start_logs(service="toy", level="INFO", stream=stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers, root.level = kept, level
    structlog.reset_defaults()


def test_a_line_is_one_json_object_without_personal_data(log_lines) -> None:
    structlog.stdlib.get_logger("here").info(
        "filed",
        request="req-1",
        phone="13800138000",
        venue={"address": "某路 1 号", "note": "call 13800138000"},
    )
    (line,) = log_lines()
    assert line.pop("at").endswith("Z")
    assert line == {
        "event": "filed",
        "level": "info",
        "logger": "here",
        "request": "req-1",
        "service": "toy",
        "venue": {"note": "call [phone]"},
    }


def test_libraries_and_tracebacks_are_redacted_too(log_lines) -> None:
    try:
        int("call 13800138000")
    except ValueError:
        logging.getLogger("library").exception("lost %s", "li.si@example.org")
    (line,) = log_lines()
    assert line["event"] == "lost [email]"
    assert "ValueError: invalid literal" in line["exception"]
    assert "13800138000" not in line["exception"]


def test_a_line_tells_its_trace(log_lines) -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with telemetry.with_traceparent(parent):
        structlog.stdlib.get_logger("here").info("inside")
    structlog.stdlib.get_logger("here").info("outside")
    inside, outside = log_lines()
    assert inside["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert "trace_id" not in outside


def test_a_traceparent_survives_being_kept() -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with telemetry.with_traceparent(parent):
        assert telemetry.current_traceparent() == parent
    assert telemetry.current_traceparent() is None


@pytest.mark.parametrize("nonsense", [None, "", "00-xyz", "ff" * 40])
def test_nonsense_starts_a_new_trace(nonsense: str | None) -> None:
    with telemetry.with_traceparent(nonsense):
        assert not trace.get_current_span().get_span_context().is_valid


def test_a_span_is_the_child_of_the_one_told() -> None:
    telemetry.start_traces(service="toy")
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with telemetry.span("relay", traceparent=parent, topic="t"):
        now = telemetry.current_traceparent()
    assert now is not None
    assert now.split("-")[1] == parent.split("-")[1]
    assert now.split("-")[2] != parent.split("-")[2]


def test_metrics_are_served() -> None:
    port = telemetry.start_metrics("127.0.0.1:0")
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as page:
        assert b"python_info" in page.read()
