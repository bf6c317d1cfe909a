import json

from typer.testing import CliRunner

from services.cli.__main__ import app
from services.cli.answer import OUTAGE
from services.cli.session import full_name


def test_an_id_and_a_full_name_mean_the_same():
    assert full_name("experts", "e-1") == full_name("experts", "experts/e-1") == "experts/e-1"


def test_an_unknown_stack_is_said_and_told_by_the_exit_code(tmp_path):
    result = CliRunner().invoke(
        app, ["--json", "request", "show", "r-1"], env={"ZHIHUI_HOME": str(tmp_path)}
    )
    assert result.exit_code == OUTAGE
    assert "make up" in json.loads(result.stdout)["error"]["sentence"]


def test_a_service_that_is_away_is_an_outage(tmp_path):
    result = CliRunner().invoke(
        app,
        ["--json", "--events", "127.0.0.1:1", "request", "endorse", "r-1"],
        env={"ZHIHUI_HOME": str(tmp_path)},
    )
    assert result.exit_code == OUTAGE
    assert json.loads(result.stdout)["error"]["code"] == "UNAVAILABLE"


def test_returning_needs_a_reason(tmp_path):
    result = CliRunner().invoke(
        app, ["request", "return", "r-1"], env={"ZHIHUI_HOME": str(tmp_path)}
    )
    assert result.exit_code == 2
