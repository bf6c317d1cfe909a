"""A certificate holds for its own problem and plan, and for nothing that was tampered with."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.scheduling.optimizer import certificate, formats
from services.scheduling.optimizer.__main__ import main
from services.scheduling.optimizer.problem import Plan, Problem, Share
from services.scheduling.optimizer.solve import solve
from services.scheduling.optimizer.stop import Stop
from tests.benchmarks.rounds import round_problem
from tests.support.rounds import a_problem, a_request, window

Change = Callable[[Any], None]


def a_round() -> Problem:
    return a_problem(
        requests=(a_request(), a_request(windows=(window(1),)), a_request(windows=(window(2),)))
    )


def solved(problem: Problem) -> tuple[Plan, bytes]:
    result = solve(problem, seed=1, stop=Stop(iterations=5))
    return result.plan, certificate.certificate_of(problem, result)


def test_it_holds_for_its_own_problem_and_plan_and_is_the_same_again() -> None:
    problem = a_round()
    plan, text = solved(problem)
    assert plan.assignments
    assert certificate.verify(problem, plan, text) == []
    assert solved(problem) == (plan, text)


HEAVY = formats.NUMBER_MAX
CARRIED = formats.RANGES[Share]["carried"][1]


@pytest.mark.parametrize(
    ("weight", "value", "target", "carried"),
    [
        (HEAVY, 0, 500, 0),
        (HEAVY, HEAVY, 1, 0),
        (1, HEAVY, 1, 0),
        (100, 15, 500, CARRIED),
        (HEAVY, HEAVY, 1, CARRIED),
        (HEAVY, HEAVY, formats.INTEGER_MAX, CARRIED),
    ],
)
def test_it_can_be_read_and_proven_whatever_the_numbers(
    weight: int, value: int, target: int, carried: int
) -> None:
    drawn = round_problem(24, 18, seed=21)
    asks = tuple(
        dataclasses.replace(
            ask,
            weight=weight,
            seats=tuple(dataclasses.replace(seat, value=value) for seat in ask.seats),
        )
        for ask in drawn.requests
    )
    shares = tuple(dataclasses.replace(one, target=target, carried=carried) for one in drawn.shares)
    problem = dataclasses.replace(drawn, requests=asks, shares=shares)
    assert formats.problem_from(formats.canonical_bytes(problem)) == problem
    plan, text = solved(problem)
    assert all(one.bound is not None for one in certificate.certificate_from(text).stages)
    assert certificate.verify(problem, plan, text) == []
    assert certificate.bound_faults(problem, text) == []


def test_another_plan_is_noticed() -> None:
    problem = a_round()
    plan, text = solved(problem)
    fewer = dataclasses.replace(plan, assignments=plan.assignments[1:])
    faults = certificate.verify(problem, fewer, text)
    assert any(fault.startswith("plan_sha256") for fault in faults)
    assert any(fault.startswith("need") for fault in faults)


def test_another_input_is_noticed() -> None:
    problem = a_round()
    plan, text = solved(problem)
    heavier = dataclasses.replace(problem.requests[0], weight=999)
    other = dataclasses.replace(problem, requests=(heavier, *problem.requests[1:]))
    assert any(fault.startswith("input_sha256") for fault in certificate.verify(other, plan, text))


def _set(stage: int, field: str, value: Any) -> Change:
    def change(document: Any) -> None:
        document["stages"][stage][field] = value

    return change


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (_set(2, "value", 1), "need"),
        (_set(2, "bound", 1), "need: the bound"),
        (_set(2, "gap_ppm", 77), "need: claims a gap"),
        (_set(4, "status", "FEASIBLE"), "travel: claims to be FEASIBLE"),
        (lambda document: document["stages"].pop(), "stages"),
        (lambda document: document.update(plan_sha256="0" * 64), "plan_sha256"),
        (lambda document: document.update(input_sha256="0" * 64), "input_sha256"),
    ],
)
def test_another_claim_is_noticed(change: Change, fault: str) -> None:
    problem = a_round()
    plan, text = solved(problem)
    document = json.loads(text)
    change(document)
    faults = certificate.verify(problem, plan, json.dumps(document).encode())
    assert any(found.startswith(fault) for found in faults), faults


def test_what_is_no_certificate_is_refused_with_its_path() -> None:
    problem = a_round()
    plan, text = solved(problem)
    document = json.loads(text)
    document["stages"][0]["bound"] = "much"
    with pytest.raises(formats.BadProblem) as refused:
        certificate.verify(problem, plan, json.dumps(document).encode())
    assert refused.value.path == "$.stages[0].bound"


def test_the_command_solves_certifies_and_checks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    problem, plan, proof = (tmp_path / name for name in ("problem", "plan", "certificate"))
    problem.write_bytes(formats.canonical_bytes(a_round()))
    files = ["--out", str(plan), "--certificate", str(proof)]
    assert main(["solve", str(problem), "--iterations", "5", *files]) == 0
    assert "constructing" in capsys.readouterr().err
    checking = ["check", str(problem), str(plan), "--certificate", str(proof)]
    assert main(checking) == 0
    proof.write_bytes(proof.read_bytes().replace(b'"bound":0', b'"bound":7'))
    assert main(checking) == 1
    assert main(["check", str(problem)]) == 2
