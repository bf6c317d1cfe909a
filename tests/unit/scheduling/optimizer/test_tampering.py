"""Whatever is changed in a problem, its plan or its certificate by another hand is refused, by a sentence that says where.

One round with teams, series, a cap and a budget is solved; each test changes one thing in a copy of its three files and asks the
commands of the desk, as an auditor would.
"""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.scheduling.optimizer import certificate, formats
from services.scheduling.optimizer.__main__ import main
from services.scheduling.optimizer.problem import Budget, Cap
from services.scheduling.optimizer.solve import solve
from services.scheduling.optimizer.stop import Stop
from tests.benchmarks.rounds import round_problem

Files = dict[str, Any]
"""`problem`, `plan` and `certificate` as JSON documents."""
Change = Callable[[Files], None]

NEED = 2
"""The stage of need among stages, and its proof among duals."""


@pytest.fixture(scope="module")
def solved() -> dict[str, str]:
    """The three files as they should be."""
    drawn = round_problem(40, 30, seed=4)
    problem = dataclasses.replace(
        drawn,
        caps=(Cap(frozenset(range(10)), 2),),
        budgets=(Budget(frozenset(range(20)), 600),),
    )
    result = solve(problem, seed=1, stop=Stop(iterations=400))
    texts = {
        "problem": formats.canonical_bytes(problem),
        "plan": formats.canonical_bytes(result.plan),
        "certificate": certificate.certificate_of(problem, result),
    }
    return {name: text.decode() for name, text in texts.items()}


@dataclasses.dataclass(frozen=True)
class Desk:
    """A folder with the three files, and what the commands say of them."""

    folder: Path
    said: Callable[[], str]

    def write(self, name: str, text: str) -> None:
        (self.folder / f"{name}.json").write_text(text)

    def check(self) -> tuple[int, str]:
        paths = [str(self.folder / f"{name}.json") for name in ("problem", "plan")]
        claims = str(self.folder / "certificate.json")
        return main(["check", *paths, "--certificate", claims]), self.said()

    def check_bound(self) -> tuple[int, str]:
        paths = [str(self.folder / f"{name}.json") for name in ("problem", "certificate")]
        return main(["check-bound", *paths]), self.said()


@pytest.fixture
def desk(tmp_path: Path, solved: dict[str, str], capsys: pytest.CaptureFixture[str]) -> Desk:
    one = Desk(tmp_path, lambda: capsys.readouterr().out)
    for name, text in solved.items():
        one.write(name, text)
    return one


def test_untouched_files_pass(desk: Desk) -> None:
    assert desk.check()[0] == desk.check_bound()[0] == 0


# Changes ---------------------------------------------------------------------------------------------------------------


def put(value: Any, *path: Any) -> Change:
    """`value` in place of what is at `path` (file, then keys); what was there if `value` is a function of it."""

    def change(files: Files) -> None:
        parent: Any = files
        for key in path[:-1]:
            parent = parent[key]
        parent[path[-1]] = value(parent[path[-1]]) if callable(value) else value

    return change


def more(by: int, *path: Any) -> Change:
    return put(lambda old: old + by, *path)


def taken(*path: Any) -> Change:
    """Without what is at `path`."""

    def change(files: Files) -> None:
        parent: Any = files
        for key in path[:-1]:
            parent = parent[key]
        del parent[path[-1]]

    return change


def added(row: Any, *path: Any) -> Change:
    return put(lambda old: [*old, row], *path)


def swapped(one: int, other: int, key: str, *path: Any) -> Change:
    def change(rows: Any) -> Any:
        rows[one][key], rows[other][key] = rows[other][key], rows[one][key]
        return rows

    return put(change, *path)


PROOF = ("certificate", "duals", NEED)
CLAIM = ("certificate", "stages", NEED)


def presence(**changes: Any) -> Change:
    """One more price of presence, at a start of the first split, but for `changes`."""

    def change(files: Files) -> None:
        proof = files["certificate"]["duals"][NEED]
        split = proof["splits"][0]
        row = {"request": split["request"], "start": split["start"], "expert": 0, "price": 1}
        proof["presences"].append(row | changes)

    return change


def chosen(**choice: Any) -> Change:
    """The proof of need takes `choice` for granted."""

    def change(files: Files) -> None:
        proof = files["certificate"]["duals"][NEED]
        proof["choices"], proof["dues"] = [choice], [0]

    return change


PLAN: dict[str, tuple[Change, str]] = {
    "a minute later": (more(1, "plan", "assignments", 0, "start"), "on_grid"),
    "half an hour later": (more(30, "plan", "assignments", 0, "start"), "plan_sha256"),
    "a week later": (more(7 * 1440, "plan", "assignments", 0, "start"), "in_request_window"),
    "another expert": (more(1, "plan", "assignments", 0, "expert"), "has_role: "),
    "two experts exchanged": (swapped(0, 1, "expert", "plan", "assignments"), "in_availability: "),
    "an expert who is not there": (put(10**6, "plan", "assignments", 0, "expert"), "there is no expert 1000000"),
    "a seat that is not there": (put(9, "plan", "assignments", 0, "seat"), "has no seat 9"),
    "a request that is not there": (put(-1, "plan", "assignments", 0, "request"), "there is no request -1"),
    "a visit said twice": (put(lambda rows: [*rows, rows[0]], "plan", "assignments"), "say something twice"),
    "a visit left out": (taken("plan", "assignments", 0), "plan_sha256"),
    "served from home": (put(True, "plan", "assignments", 0, "remote"), "in_mode"),
    "nothing planned": (put([], "plan", "assignments"), "plan_sha256"),
    "a night of nobody": (put([{"expert": 0, "day": 0}], "plan", "nights"), "night_between_visits"),
    "a night beyond the end": (put([{"expert": 0, "day": 28}], "plan", "nights"), "outside the horizon"),
    "a standby whom nobody wants": (put([{"request": 0, "expert": 0}], "plan", "standbys"), "standby_wanted"),
    "a start of 10^12": (put(10**12, "plan", "assignments", 0, "start"), "outside the horizon"),
    "a start of 2^64": (put(2**64, "plan", "assignments", 0, "start"), "$.assignments[0].start"),
    "a start in words": (put("nine", "plan", "assignments", 0, "start"), "$.assignments[0].start"),
    "a start of 540.0": (put(540.0, "plan", "assignments", 0, "start"), "$.assignments[0].start"),
    "an unknown field": (put(1, "plan", "assignments", 0, "note"), "$.assignments[0].note"),
    "no experts said": (taken("plan", "assignments", 0, "expert"), "$.assignments[0].expert"),
    "another format": (put("zhihui.plan/2", "plan", "format"), "$.format"),
}  # fmt: skip

CLAIMS: dict[str, tuple[Change, str]] = {
    "another plan's hash": (put("0" * 64, "certificate", "plan_sha256"), "plan_sha256"),
    "another input's hash": (put("0" * 64, "certificate", "input_sha256"), "input_sha256"),
    "one point more": (more(1, *CLAIM, "value"), "need: claims"),
    "values exchanged": (swapped(NEED, 4, "value", "certificate", "stages"), "need: claims"),
    "stages exchanged": (put(lambda rows: [rows[1], rows[0], *rows[2:]], "certificate", "stages"), "stages"),
    "claimed optimal": (put("OPTIMAL", *CLAIM, "status"), "need: claims to be OPTIMAL"),
    "claimed without a gap": (put(0, *CLAIM, "gap_ppm"), "need: claims a gap of 0 ppm"),
    "optimal throughout": (
        lambda files: files["certificate"]["stages"][NEED].update(
            bound=files["certificate"]["stages"][NEED]["value"], gap_ppm=0, status="OPTIMAL"
        ),
        "",
    ),
    "a stage left out": (taken("certificate", "stages", 7), "stages"),
}  # fmt: skip

PROOFS: dict[str, tuple[Change, str]] = {
    "a bound one lower": (more(-1, *CLAIM, "bound"), "need: claims the bound"),
    "a bound below the value": (put(1, *CLAIM, "bound"), "need: claims the bound"),
    "bounds exchanged": (swapped(NEED, 4, "bound", "certificate", "stages"), "claims the bound"),
    "claimed optimal": (put("OPTIMAL", *CLAIM, "status"), "need: claims to be OPTIMAL"),
    "claimed without a gap": (put(0, *CLAIM, "gap_ppm"), "need: claims a gap of 0 ppm"),
    "a value above the bound": (put(10**6, *CLAIM, "value"), "need: the bound"),
    "optimal throughout": (CLAIMS["optimal throughout"][0], "need: claims the bound"),
    "another input's hash": (put("0" * 64, "certificate", "input_sha256"), "input_sha256"),
    "a negative kept": (put(-1, *PROOF, "kept", 0), "need: kept: a price is negative"),
    "a negative cap": (put(-1, *PROOF, "caps", 0), "need: caps: a price is negative"),
    "a negative budget": (put(-1, *PROOF, "budgets", 0), "need: budgets: a price is negative"),
    "a negative span": (added({"series": 0, "day": 0, "price": -1}, *PROOF, "spacings"), "need: spacings"),
    "a negative presence": (presence(expert=29, price=-1), "need: presences: a price is negative"),
    "less kept": (put(lambda old: [0] * len(old), *PROOF, "kept"), "need: "),
    "one unit less of a split": (put(lambda old: [one | {"rewards": [part - 1 for part in one["rewards"]]} for one in old], *PROOF, "splits"), "need: splits: request"),
    "a split of no request": (put(99, *PROOF, "splits", 0, "request"), "need: splits: there is no request 99"),
    "a split at no start": (put(-7, *PROOF, "splits", 0, "start"), "need: splits: "),
    "a presence of no request": (presence(request=40), "need: presences: "),
    "a presence of nobody": (presence(expert=30), "need: presences: "),
    "a presence at no start": (presence(start=1), "need: presences: "),
    "served once by nobody": (put([{"expert": 99, "request": 0}], *PROOF, "once"), "need: once: there is no expert 99"),
    "a quota of nobody": (added({"pool": 77, "node": 0, "price": 1}, *PROOF, "quotas"), "need: quotas: pool 77"),
    "a span of no series": (added({"series": 9, "day": 0, "price": 1}, *PROOF, "spacings"), "need: spacings: there is no series 9"),
    "a span before all days": (added({"series": 0, "day": -99, "price": 1}, *PROOF, "spacings"), "need: spacings"),
    "a price for a cap that is not there": (added(0, *PROOF, "caps"), "need: caps: 2 prices, there are 1"),
    "another scale": (more(-1, *PROOF, "scale"), "need: "),
    "a scale of nothing": (put(0, *PROOF, "scale"), "need: scale"),
    "a later stage priced": (put(1, *PROOF, "need"), "need: need: priced in a stage"),
    "proofs exchanged": (swapped(NEED, 4, "stage", "certificate", "duals"), "claims the bound"),
    "no proof": (taken("certificate", "duals", NEED), "need: no duals prove"),
    "a proof of some plans only": (chosen(request=0, expert=-1, before=-1, holds=False), "some plans have no proof"),
    "a choice about nobody": (chosen(request=0, expert=10**6, before=-1, holds=True), "there is no expert 1000000"),
    "a choice without what it is due": (put([{"request": 0, "expert": 0, "before": -1, "holds": True}], *PROOF, "choices"), "dues: 0, there are 1"),
    "a proof twice": (put(lambda old: [*old, old[0]], "certificate", "duals"), "choices: two proofs make the same"),
    "a proof of no claim": (
        lambda files: files["certificate"]["stages"][7].update(bound=None, gap_ppm=None, status="FEASIBLE"),
        "standby: there are duals, and no bound"),
    "a price of 2^60": (put(2**60, *PROOF, "kept", 0), "$.duals[2].kept[0]"),
    "a price in words": (put("1", *PROOF, "kept", 0), "$.duals[2].kept[0]"),
    "an unknown stage": (put("JOY", *PROOF, "stage"), "$.duals[2].stage"),
    "no prices at all": (taken(*PROOF, "kept"), "$.duals[2].kept"),
    "no duals": (taken("certificate", "duals"), "$.duals"),
    "another format": (put("zhihui.certificate/2", "certificate", "format"), "$.format"),
    "a heavier request": (more(1, "problem", "requests", 0, "weight"), "input_sha256"),
    "a longer day": (put(1439, "problem", "experts", 0, "limits", "latest"), "input_sha256"),
    "an expert less": (taken("problem", "experts", 29), "input_sha256"),
    "one more served by a cap": (more(1, "problem", "caps", 0, "served_max"), "input_sha256"),
}  # fmt: skip


def tampered(solved: dict[str, str], desk: Desk, change: Change) -> None:
    files = {name: json.loads(text) for name, text in solved.items()}
    change(files)
    changed = {name: json.dumps(document) for name, document in files.items()}
    assert files != {name: json.loads(text) for name, text in solved.items()}
    for name, text in changed.items():
        desk.write(name, text)


@pytest.mark.parametrize("name", [*PLAN, *CLAIMS])
def test_check_refuses(name: str, solved: dict[str, str], desk: Desk) -> None:
    change, fault = (PLAN | CLAIMS)[name]
    tampered(solved, desk, change)
    code, said = desk.check()
    if name == "optimal throughout":  # what only the proof can tell
        assert code == 0
        return
    assert code > 0
    assert fault in said


@pytest.mark.parametrize("name", PROOFS)
def test_check_bound_refuses(name: str, solved: dict[str, str], desk: Desk) -> None:
    change, fault = PROOFS[name]
    tampered(solved, desk, change)
    code, said = desk.check_bound()
    assert code > 0
    assert fault in said


# Texts that no JSON document can be --------------------------------------------------------------------------------------


def replaced(old: str, new: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return change


TEXTS: dict[str, tuple[str, Callable[[str], str], str]] = {
    "a start said twice": ("plan", replaced('"start":', '"start":0,"start":'), "$.assignments[0].start: is said twice"),
    "a weight said twice": ("problem", replaced('"weight":', '"weight":1,"weight":'), "$.requests[0].weight: is said twice"),
    "a bound said twice": ("certificate", replaced('"bound":', '"bound":1,"bound":'), "$.stages[0].bound: is said twice"),
    "a list said twice": ("plan", replaced("{", '{"nights":[],'), "$.nights: is said twice"),
    "a format said twice": ("plan", replaced("{", '{"format":"zhihui.plan/1",'), "$.format: is said twice"),
    "not a number": ("certificate", replaced('"scale":1000', '"scale":NaN'), "scale: must be of type int"),
    "without end": ("certificate", replaced('"scale":1000', '"scale":-Infinity'), "scale: must be of type int"),
    "five thousand digits": ("plan", replaced('"expert":', f'"expert":{"9" * 5000}'), "$: not JSON"),
    "half a file": ("certificate", lambda text: text[: len(text) // 2], "$: not JSON"),
    "nothing": ("plan", lambda _text: "", "$: not JSON"),
    "a list": ("plan", lambda text: f"[{text}]", "$.format"),
    "a hundred thousand brackets": ("problem", lambda _text: "[" * 10**5, "$: not JSON"),
    "half a character": ("problem", replaced('"name":"', '"name":"\\ud83d'), "$.policy.name: must be text"),
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_that_is_read_differently_by_others_is_refused(
    name: str, solved: dict[str, str], desk: Desk
) -> None:
    file, change, fault = TEXTS[name]
    desk.write(file, change(solved[file]))
    code, said = desk.check()
    assert code == 2
    assert fault in said


# The journal -------------------------------------------------------------------------------------------------------------

JOURNAL = ("certificate", "journal")

JOURNALS: dict[str, tuple[Change, str]] = {
    "an iteration of long ago": (put(-5, *JOURNAL, 1, "iteration"), "journal[1]: iteration -5 is not from 0 to 400"),
    "an iteration after the end": (put(401, *JOURNAL, -1, "iteration"), "iteration 401 is not from"),
    "less than no iterations": (put(-1, "certificate", "iterations"), "iterations: must be 0 or more"),
    "a level that is not there": (put(65, *JOURNAL, 0, "level"), "journal[0]: there is no level 65"),
    "a plan that cannot be": (
        put({"assignments": [{"request": 0, "seat": 0, "expert": 10**6, "start": 0}]}, *JOURNAL, 0, "plan"),
        "journal[0].plan: references: there is no expert 1000000"),
    "a plan that breaks a rule": (
        put({"assignments": [{"request": 0, "seat": 0, "expert": 0, "start": 0}]}, *JOURNAL, 0, "plan"),
        "journal[0].plan: in_request_window"),
    "other dice": (more(1, "certificate", "seed"), "plan_sha256: claims"),
    "another plan": (put("0" * 64, "certificate", "plan_sha256"), "plan_sha256: claims 000"),
    "another input": (put("0" * 64, "certificate", "input_sha256"), "input_sha256"),
    "dice below nothing": (put(-1, "certificate", "seed"), "seed: must be 0 or more"),
    "dice beyond all digits": (put(2**60, "certificate", "seed"), "$.seed"),
}  # fmt: skip


@pytest.mark.parametrize("name", JOURNALS)
def test_a_replay_of_what_cannot_have_been_is_refused(
    name: str, solved: dict[str, str], desk: Desk
) -> None:
    change, fault = JOURNALS[name]
    tampered(solved, desk, change)
    paths = [str(desk.folder / f"{file}.json") for file in ("problem", "certificate")]
    assert main(["replay", *paths]) > 0
    assert fault in desk.said()
    if fault.startswith(("journal", "iterations")):  # whoever does not replay is told as well
        assert desk.check()[0] == 1
