import io
import json

import grpc
import pytest
from rich.console import Console

from libs.errors import FieldViolation, InvalidInput, NotFound
from libs.rpc.status import RemoteRefusal
from services.cli.answer import OUTAGE, REFUSED, Answer


def a_refusal(**changes) -> RemoteRefusal:
    values = {
        "code": grpc.StatusCode.INVALID_ARGUMENT,
        "kind": InvalidInput,
        "reason": "WINDOW_TOO_SHORT",
        "sentence": "a window is shorter than the event",
        "details": {"duration_min": "90"},
        "violations": (FieldViolation("request.windows[1]", "60 minutes are fewer than 90"),),
    }
    return RemoteRefusal(**{**values, **changes})


def test_a_refusal_names_the_field_and_what_to_do(capsys):
    assert Answer().refused(a_refusal()) == REFUSED
    said = capsys.readouterr().err
    assert "request.windows[1]" in said
    assert "60 minutes are fewer than 90" in said
    assert "mend these fields" in said
    assert "WINDOW_TOO_SHORT" in said


def test_a_refusal_is_one_json_line_with_json(capsys):
    assert Answer(as_json=True).refused(a_refusal()) == REFUSED
    captured = capsys.readouterr()
    error = json.loads(captured.out)["error"]
    assert error["reason"] == "WINDOW_TOO_SHORT"
    assert error["violations"] == [
        {"field": "request.windows[1]", "description": "60 minutes are fewer than 90"}
    ]
    assert captured.err == ""


def test_a_missing_thing_is_a_refusal_with_its_own_advice(capsys):
    refusal = a_refusal(code=grpc.StatusCode.NOT_FOUND, kind=NotFound, violations=())
    assert Answer().refused(refusal) == REFUSED
    assert "check the name" in capsys.readouterr().err


@pytest.mark.parametrize(
    "code",
    [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.INTERNAL],
)  # fmt: skip
def test_what_is_no_refusal_is_an_outage(capsys, code):
    refusal = a_refusal(code=code, kind=None, reason="", violations=(), retry_after_s=3.0)
    assert Answer().refused(refusal) == OUTAGE
    assert code.name in capsys.readouterr().err


def test_nobody_signed_in_is_told_how_to(capsys):
    refusal = a_refusal(code=grpc.StatusCode.UNAUTHENTICATED, kind=None, violations=())
    assert Answer().refused(refusal) == REFUSED
    assert "ZHIHUI_TOKEN" in capsys.readouterr().err


def test_markup_in_a_sentence_is_text(capsys):
    Answer().refused(a_refusal(sentence="[red]not a colour[/red]", violations=()))
    assert "[red]not a colour[/red]" in capsys.readouterr().err


def test_tables_say_nothing_with_json(capsys):
    Answer(as_json=True).table("t", ["a"], [["b"]])
    assert capsys.readouterr().out == ""


def test_tables_show_markup_as_text():
    out = io.StringIO()
    Answer(console=Console(file=out, width=80)).table("t", ["a"], [["[bold]x[/bold]"]])
    assert "[bold]x[/bold]" in out.getvalue()
