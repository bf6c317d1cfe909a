"""What is written is read again as it was; what is wrong is refused with its path."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from services.scheduling.optimizer import __main__ as command
from services.scheduling.optimizer import formats
from services.scheduling.optimizer import problem as words
from services.scheduling.optimizer.__main__ import main, repair_said
from services.scheduling.optimizer.problem import Naming, Plan
from services.scheduling.optimizer.relaxing import Repair
from tests.support.rounds import a_problem, a_request, assigned, random_problem, window


@pytest.mark.parametrize("seed", range(40))
def test_a_problem_is_read_as_it_was_written(seed: int) -> None:
    problem = random_problem(seed, 3, 4)
    text = formats.canonical_bytes(problem)
    assert formats.problem_from(text) == problem
    assert formats.canonical_bytes(formats.problem_from(text)) == text


@pytest.mark.parametrize(
    ("keys", "value", "path"),
    [
        (("requests", 0, "place"), 99, "$.requests[0].place"),
        (("requests", 0, "duration_min"), -1, "$.requests[0].duration_min"),
        (("requests", 0, "weight"), 10**6 + 1, "$.requests[0].weight"),
        (("requests", 0, "seats"), [], "$.requests[0].seats"),
        (("experts", 0, "pool"), True, "$.experts[0].pool"),
        (("experts", 0, "role"), "KING", "$.experts[0].role"),
        (("days",), float("nan"), "$.days"),
        (("colour",), 1, "$.colour"),
        (("format",), "other", "$.format"),
        (("series",), [{"requests": [7], "spacing_days": 1, "continuity": 0}], "$.series[0].requests"),
    ],
)  # fmt: skip
def test_a_fault_is_refused_with_its_path(
    keys: tuple[str | int, ...], value: Any, path: str
) -> None:
    document: Any = json.loads(formats.canonical_bytes(a_problem()))
    part = document
    for key in keys[:-1]:
        part = part[key]
    part[keys[-1]] = value
    with pytest.raises(formats.BadProblem) as refused:
        formats.problem_from(json.dumps(document).encode())
    assert refused.value.path == path


REFERENCES = {
    "home", "pool", "topic", "node", "place", "district", "audience", "named", "request", "seat", "expert", "other", "start",
    "version",
}  # fmt: skip
"""Fields that say which one, not how much, and are looked at as such; a promise's start by the horizon, a version not at all."""


def test_every_number_of_a_problem_has_a_range_or_is_a_reference() -> None:
    kinds = [one for one in vars(words).values() if dataclasses.is_dataclass(one)]
    numbers = {
        (kind.__name__, field.name)  # type: ignore[union-attr]
        for kind in kinds
        for field in dataclasses.fields(kind)
        if field.type is int
        and kind not in {Plan, words.Assignment, words.NightAway, words.Standby}
    }
    known = {(kind.__name__, name) for kind, ranges in formats.RANGES.items() for name in ranges}
    assert known <= numbers
    assert {one for one in numbers - known if one[1] not in REFERENCES} == set()


def test_the_hash_changes_with_the_input() -> None:
    hashes = {formats.input_hash(random_problem(seed)) for seed in range(20)}
    assert len(hashes) == 20


def test_the_command_checks_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    problem, plan = tmp_path / "problem.json", tmp_path / "plan.json"
    problem.write_bytes(formats.canonical_bytes(a_problem()))
    plan.write_bytes(formats.canonical_bytes(Plan((assigned(),))))
    assert main(["check", str(problem), str(plan)]) == 0
    assert "need 102" in capsys.readouterr().out
    plan.write_bytes(formats.canonical_bytes(Plan((assigned(start=0),))))
    assert main(["check", str(problem), str(plan)]) == 1
    assert "in_request_window" in capsys.readouterr().out
    plan.write_text("{")
    assert main(["check", str(problem), str(plan)]) == main(["check"]) == 2


@pytest.mark.parametrize("seconds", ["nan", "inf", "-inf", "ten"])
def test_a_solve_that_would_not_end_is_not_begun(
    seconds: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["solve", str(tmp_path / "problem.json"), f"--seconds={seconds}"]) == 2
    assert "--seconds" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--out", "--certificate"])
def test_where_nothing_can_be_written_is_said_before_the_solve(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    problem = tmp_path / "problem.json"
    problem.write_bytes(formats.canonical_bytes(a_problem()))
    for nowhere in (tmp_path / "no folder" / "x.json", tmp_path):
        assert main(["solve", str(problem), "--iterations", "9", option, str(nowhere)]) == 2
        assert str(nowhere) in (told := capsys.readouterr()).err
        assert told.out == ""


def test_what_a_solve_keeps_of_the_plan_it_starts_from_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    problem, plan = tmp_path / "problem.json", tmp_path / "plan.json"
    problem.write_bytes(formats.canonical_bytes(a_problem()))
    for start, said in ((540, "1 / 1"), (60, "0 / 1")):
        plan.write_bytes(formats.canonical_bytes(Plan((assigned(start=start),))))
        assert main(["solve", str(problem), "--iterations", "9", "--warm", str(plan)]) == 0
        assert f"从 {said} 项安排开始" in capsys.readouterr().err


def test_the_command_says_what_would_help_in_both_languages(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "REPAIR_S", 600.0)  # it may have to be compiled first
    problem, plan = tmp_path / "problem.json", tmp_path / "plan.json"
    ask = a_request(windows=(window(0, 19, 21),))
    problem.write_bytes(formats.canonical_bytes(a_problem(requests=[ask])))
    plan.write_bytes(formats.canonical_bytes(Plan(())))
    assert main(["explain", str(problem), str(plan), "--repair"]) == 0
    said = capsys.readouterr().out
    assert said.endswith(
        " → 改时段，第0日08:30，由专家0来 · another window, day 0 at 08:30, by expert 0\n"
    )


@pytest.mark.parametrize("code", [
    "OTHER_WINDOW", "ACCEPT_REMOTE", "FEWER_SEATS", "LOWER_PROFICIENCY", "RELEASE_NAMED", "ONE_MORE_EXPERT", "DISPLACE",
])  # fmt: skip
def test_every_repair_is_a_sentence_with_its_price(code: str) -> None:
    assert code in (Repair.__doc__ or "")
    zh, en = repair_said(a_request(), Repair(code, 7, 1440 + 570, (3, 4), 1, (2, 5)))
    assert zh.endswith("，第1日09:30，由专家3、4来；申请2、5就办不成了；其他活动共少7分需求")
    assert en.endswith(
        ", day 1 at 09:30, by experts 3, 4; then requests 2, 5 cannot take place; all others lose 7 of need"
    )
    zh, en = repair_said(a_request(), Repair(code, 0, 570, (3, 4), 1, overnight=(4,)))
    assert zh.endswith("，由专家3、4来（专家4要在外过夜）")
    assert en.endswith(", by experts 3, 4 (away overnight: expert 4)")


def test_one_more_person_cannot_lead_where_only_the_named_one_may() -> None:
    more = Repair("ONE_MORE_EXPERT", 0, 570, (), 0)
    asked = a_request(naming=Naming.ONLY, named=0)
    assert repair_said(asked, more) == (
        "不限定点名的人，附近多一位能担任席位0的人，第0日09:30",
        "accept another than the named expert, one more person nearby who can take seat 0, day 0 at 09:30",
    )
    beside = dataclasses.replace(more, seat=1)
    assert "named" not in repair_said(asked, beside)[1]
    assert "named" not in repair_said(a_request(), more)[1]


def test_the_command_finds_a_certified_plan_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    problem, plan, claims = (tmp_path / name for name in ("problem.json", "plan.json", "claims"))
    problem.write_bytes(formats.canonical_bytes(random_problem(5, 4, 6)))
    solving = ["solve", str(problem), "--seconds", "1", "--out", str(plan)]
    assert main([*solving, "--certificate", str(claims)]) == 0
    again = tmp_path / "again.json"
    assert main(["replay", str(problem), str(claims), "--out", str(again)]) == 0
    assert again.read_bytes() == plan.read_bytes()
    document = json.loads(claims.read_text())
    document["plan_sha256"] = "0" * 64
    claims.write_text(json.dumps(document))
    assert main(["replay", str(problem), str(claims)]) == 1
    assert "plan_sha256: claims 000" in capsys.readouterr().out
