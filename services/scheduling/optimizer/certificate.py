"""What a solve claims, in a file that anybody can hold against problem and plan: values, bounds, and what reproduces it.

`verify` recomputes both hashes and, with the referee, every value. The bounds are claims of the solver until `bound_faults`
has them proven by `check_bound.py` from the prices in `duals`.
"""

import dataclasses
import hashlib
from collections import defaultdict
from collections.abc import Callable

from services.scheduling.optimizer import check, check_bound, formats
from services.scheduling.optimizer.duals import Duals
from services.scheduling.optimizer.problem import Plan, Problem, Stage
from services.scheduling.optimizer.solve import LEVELS, Entry, Result

CERTIFICATE_FORMAT = "zhihui.certificate/1"
PARTS_PER_MILLION = 1_000_000


@dataclasses.dataclass(frozen=True, slots=True)
class Claim:
    """One stage: its value, and where known a bound; `gap_ppm` is (bound - value) / max(1, |bound|), rounded up."""

    stage: Stage
    value: int
    bound: int | None
    gap_ppm: int | None
    status: str


@dataclasses.dataclass(frozen=True, slots=True)
class Version:
    """A part of the solver and its version."""

    part: str
    version: str


@dataclasses.dataclass(frozen=True, slots=True)
class Certificate:
    """`input_sha256` and `plan_sha256` are of the canonical bytes of `formats.py`; `stages` in their order. `journal`, with seed
    and iterations, is what `solve.replay` needs to find the same plan again.
    """

    input_sha256: str
    plan_sha256: str
    stages: tuple[Claim, ...]
    seed: int
    iterations: int
    versions: tuple[Version, ...]
    duals: tuple[Duals, ...]
    journal: tuple[Entry, ...] = ()


def certificate_of(problem: Problem, result: Result) -> bytes:
    """The certificate of a result, as canonical JSON; times are left out, so that a replay gives the same bytes."""
    return formats.written(
        CERTIFICATE_FORMAT,
        Certificate(
            input_sha256=formats.input_hash(problem),
            plan_sha256=plan_hash(result.plan),
            stages=tuple(
                Claim(
                    one.stage,
                    one.value,
                    one.bound,
                    None if one.bound is None else gap_ppm(one.value, one.bound),
                    one.status,
                )
                for one in result.stages
            ),
            seed=result.seed,
            iterations=result.iterations,
            versions=tuple(Version(part, text) for part, text in sorted(result.versions.items())),
            duals=result.duals,
            journal=result.journal,
        ),
    )


def certificate_from(text: bytes) -> Certificate:
    """The certificate written in `text`.

    Raises:
        BadProblem: it is not JSON, has wrong types, or unknown or missing fields.
    """
    found: Certificate = formats.read(Certificate, text, CERTIFICATE_FORMAT)
    return found


def gap_ppm(value: int, bound: int) -> int:
    """(bound - value) / max(1, |bound|) in millionths, rounded up; 0 where the bound is reached."""
    return max(0, -(-(bound - value) * PARTS_PER_MILLION // max(1, abs(bound))))


def verify(problem: Problem, plan: Plan, certificate: bytes) -> list[str]:
    """What is wrong with the claims, one sentence each; empty when plan and values are as certified.

    Raises:
        BadProblem: the certificate cannot be read.
    """
    claimed = certificate_from(certificate)
    faults = []
    if claimed.input_sha256 != formats.input_hash(problem):
        faults.append("input_sha256: the certificate is of another problem")
    if claimed.plan_sha256 != plan_hash(plan):
        faults.append("plan_sha256: the certificate is of another plan")
    broken = check.violations(problem, plan)
    if broken:
        return [*faults, *(f"{one.rule}: {one.message}" for one in broken)]
    if [one.stage for one in claimed.stages] != list(Stage):
        return [*faults, "stages: not every stage once, in order"]
    exact = check.values(problem, plan)
    for one in claimed.stages:
        name = one.stage.value
        if one.value != exact[one.stage]:
            faults.append(f"{name}: claims {one.value}, the plan is worth {exact[one.stage]}")
        faults += _contradictions(one, exact[one.stage])
    return [*faults, *journal_faults(problem, claimed)]


def _contradictions(claim: Claim, value: int) -> list[str]:
    """What a claim says of a stage that is worth `value` and cannot be so, whatever its bound is proven by."""
    name, faults = claim.stage.value, []
    if claim.bound is not None and claim.bound < value:
        faults.append(f"{name}: the bound {claim.bound} is below the value {value}")
    gap = None if claim.bound is None else gap_ppm(value, claim.bound)
    if claim.gap_ppm != gap:
        faults.append(f"{name}: claims a gap of {claim.gap_ppm} ppm, it is {gap}")
    if claim.status != _status(gap):
        faults.append(f"{name}: claims to be {claim.status}, it is {_status(gap)}")
    return faults


def journal_faults(problem: Problem, claimed: Certificate) -> list[str]:
    """What of seed and journal cannot be of a solve of `problem`, one sentence each; without any, it can be replayed."""
    told = {"seed": claimed.seed, "iterations": claimed.iterations}
    faults = [f"{name}: must be 0 or more" for name, one in told.items() if one < 0]
    before = 0
    # A plan that comes in keeps every rule but pins of requests that it leaves out.
    bare = dataclasses.replace(problem, pins=())
    for index, entry in enumerate(claimed.journal):
        path = f"journal[{index}]"
        if not before <= entry.iteration <= claimed.iterations:
            faults.append(
                f"{path}: iteration {entry.iteration} is not from {before} to {claimed.iterations}"
            )
        before = max(before, entry.iteration)
        if not -1 <= entry.level <= LEVELS:
            faults.append(f"{path}: there is no level {entry.level}")
        if entry.plan is not None:
            broken = check.violations(bare, entry.plan)
            faults += [f"{path}.plan: {one.rule}: {one.message}" for one in broken[:1]]
    return faults


def bound_faults(
    problem: Problem,
    certificate: bytes,
    *,
    tell: Callable[[Stage, int], None] = lambda _stage, _people: None,
) -> list[str]:
    """What is wrong with the bounds, one sentence each; empty when every one of them is proven by its duals.

    A later stage's bound is about plans that keep the values the certificate claims for the stages before it; `verify` says
    whether the plan has these. `tell` hears how many people have been priced for a stage.

    Raises:
        BadProblem: the certificate cannot be read.
    """
    claimed = certificate_from(certificate)
    faults = []
    if claimed.input_sha256 != formats.input_hash(problem):
        faults.append("input_sha256: the certificate is of another problem")
    values = {one.stage: one.value for one in claimed.stages}
    if list(values) != list(Stage):
        return [*faults, "stages: not every stage once, in order"]
    duals: defaultdict[Stage, list[Duals]] = defaultdict(list)
    for one in claimed.duals:
        duals[one.stage].append(one)
    for claim in claimed.stages:
        name = claim.stage.value
        faults += _contradictions(claim, claim.value)
        if claim.bound is None:
            if claim.stage in duals:
                faults.append(f"{name}: there are duals, and no bound that they prove")
            continue
        if claim.stage not in duals:
            faults.append(f"{name}: no duals prove the bound {claim.bound}")
            continue
        try:
            proven = check_bound.proven_together(
                problem,
                duals[claim.stage],
                values,
                tell=lambda people, stage=claim.stage: tell(stage, people),  # type: ignore[misc]
            )
        except check_bound.Unproven as error:
            faults.append(f"{name}: {error}")
            continue
        if proven > claim.bound:
            faults.append(f"{name}: claims the bound {claim.bound}, its duals prove {proven}")
    return faults


def _status(gap: int | None) -> str:
    if gap is None:
        return "FEASIBLE"
    return "OPTIMAL" if gap == 0 else "BOUNDED"


def plan_hash(plan: Plan) -> str:
    """SHA-256 of the canonical bytes, hexadecimal."""
    return hashlib.sha256(formats.canonical_bytes(plan)).hexdigest()
