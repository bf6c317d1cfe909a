"""The optimizer at a desk: `python -m services.scheduling.optimizer solve|check …` over the files of `formats.py`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from services.scheduling.optimizer import certificate, check, formats
from services.scheduling.optimizer.explain import Explainer
from services.scheduling.optimizer.problem import DAY_MIN, Plan, Request, Stage
from services.scheduling.optimizer.relaxing import Repair, Repairs, also_releases_named
from services.scheduling.optimizer.solve import Infeasible, Progress, replay, solve
from services.scheduling.optimizer.stop import Stop, seconds_of
from services.scheduling.optimizer.warming import compile_once, end_with_stdin


def main(arguments: Sequence[str]) -> int:
    """0: done, or sound. 1: rules or claims are broken, or there is no plan. 2: the command or a file cannot be read."""
    try:
        asked = _parser().parse_args(arguments)
    except SystemExit as ended:  # argparse has said what is wrong
        return int(ended.code or 0)
    try:
        code: int = asked.run(asked)
    except (OSError, formats.BadProblem) as error:
        return _say(f"无法读取 · cannot be read: {error}", 2)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m services.scheduling.optimizer")
    commands = parser.add_subparsers(required=True)
    solving = commands.add_parser("solve", help="求解 · find a plan and a proven bound")
    solving.add_argument("problem", type=Path)
    solving.add_argument(
        "--seconds", type=seconds_of, help="wall clock; 60 where --iterations is not given"
    )
    solving.add_argument(
        "--iterations", type=int, help="with these alone the same seed gives the same plan"
    )
    solving.add_argument("--seed", type=_seed, default=1)
    solving.add_argument("--warm", type=Path, help="a plan to start from")
    solving.add_argument("--out", type=_new_file, help="where plan.json goes")
    solving.add_argument("--certificate", type=_new_file, help="where the certificate goes")
    solving.set_defaults(run=_solve)
    checking = commands.add_parser("check", help="校验 · hold a plan against every rule")
    checking.add_argument("problem", type=Path)
    checking.add_argument("plan", type=Path)
    checking.add_argument(
        "--certificate", type=Path, help="hold its claims against problem and plan, too"
    )
    checking.set_defaults(run=_check)
    warming = commands.add_parser("warm-up", help="预先编译 · compile before anybody waits for it")
    warming.add_argument(
        "--end-with-stdin", action="store_true", help="end when standard input is closed"
    )
    warming.set_defaults(run=_warm_up)
    proving = commands.add_parser(
        "check-bound", help="验证上界 · prove a certificate's bounds again, in whole numbers"
    )
    proving.add_argument("problem", type=Path)
    proving.add_argument("certificate", type=Path)
    proving.set_defaults(run=_check_bound)
    again = commands.add_parser(
        "replay", help="重演 · find a certified plan again, by its seed and journal alone"
    )
    again.add_argument("problem", type=Path)
    again.add_argument("certificate", type=Path)
    again.add_argument("--out", type=_new_file, help="where plan.json goes")
    again.set_defaults(run=_replay)
    explaining = commands.add_parser(
        "explain", help="为什么 · why each request that a plan leaves out is not served"
    )
    explaining.add_argument("problem", type=Path)
    explaining.add_argument("plan", type=Path)
    explaining.add_argument(
        "--repair",
        action="store_true",
        help="seek the first change that works, too, in the order of docs/optimizer.md",
    )
    explaining.set_defaults(run=_explain)
    return parser


def _seed(text: str) -> int:
    """Dice are thrown from 0 or more.

    Raises:
        ValueError: it is no such number.
    """
    if int(text) < 0:
        raise ValueError(text)
    return int(text)


def _new_file(text: str) -> Path:
    """Where something can be written: it is asked before hours of work, not after them.

    Raises:
        ArgumentTypeError: there is no such folder, or nothing may be written there.
    """
    path = Path(text)
    new = not path.exists()
    try:
        path.open("ab").close()
    except OSError as error:
        raise argparse.ArgumentTypeError(f"写不进去 · cannot be written: {text}") from error
    if new:
        path.unlink()
    return path


def _explain(asked: argparse.Namespace) -> int:
    problem = formats.problem_from(asked.problem.read_bytes())
    plan = formats.plan_from(asked.plan.read_bytes())
    broken = [f"{one.rule}: {one.message}" for one in check.violations(problem, plan)]
    if broken:
        return _say("\n".join(broken), 1)
    served = {one.request for one in plan.assignments}
    left_out = [index for index in range(len(problem.requests)) if index not in served]
    repairs = Repairs(problem, plan) if asked.repair else None
    for code in Explainer(problem, plan).codes(left_out):
        line = f"{code.request} {code.reason.name} {code.rule or '–'} seat {code.seat} {list(code.counts)}"
        if repairs is not None:
            found = repairs.cheapest(code.request, seed=1, stop=Stop(seconds=REPAIR_S))
            asks = problem.requests[code.request]
            line += " → –" if found is None else f" → {' · '.join(repair_said(asks, found))}"
        _say(line, 0)
    return 0


def repair_said(request: Request, repair: Repair) -> tuple[str, str]:
    """The change in Chinese and in English; days, people, requests and seats by their index, from 0."""
    seat = repair.seat
    change, change_en = {
        "OTHER_WINDOW": ("改时段", "another window"),
        "ACCEPT_REMOTE": ("接受线上", "accept that it is remote"),
        "FEWER_SEATS": (f"不要席位{seat}", f"do without seat {seat}"),
        "LOWER_PROFICIENCY": (f"席位{seat}的水平要求降一级", f"a level less in seat {seat}"),
        "RELEASE_NAMED": ("不限定点名的人", "accept another than the named expert"),
        "ONE_MORE_EXPERT": (
            f"附近多一位能担任席位{seat}的人",
            f"one more person nearby who can take seat {seat}",
        ),
        "DISPLACE": ("申请不用改", "the request may stay as it is"),
    }[repair.code]
    if also_releases_named(request, repair):
        change = f"不限定点名的人，{change}"
        change_en = f"accept another than the named expert, {change_en}"
    if repair.start is not None:
        day, minute = divmod(repair.start, DAY_MIN)
        clock = f"{minute // 60:02}:{minute % 60:02}"
        change, change_en = f"{change}，第{day}日{clock}", f"{change_en}, day {day} at {clock}"
    if repair.experts:
        change += f"，由专家{'、'.join(map(str, repair.experts))}来"
        change_en += f", by {_counted('expert', repair.experts)}"
    if repair.overnight:
        change += f"（专家{'、'.join(map(str, repair.overnight))}要在外过夜）"
        change_en += f" (away overnight: {_counted('expert', repair.overnight)})"
    if repair.requests:
        change += f"；申请{'、'.join(map(str, repair.requests))}就办不成了"
        change_en += f"; then {_counted('request', repair.requests)} cannot take place"
    if repair.price:
        change += f"；其他活动共少{repair.price}分需求"
        change_en += f"; all others lose {repair.price} of need"
    return change, change_en


def _counted(what: str, which: Sequence[int]) -> str:
    return f"{what}{'s' if len(which) > 1 else ''} {', '.join(map(str, which))}"


def _replay(asked: argparse.Namespace) -> int:
    problem = formats.problem_from(asked.problem.read_bytes())
    claimed = certificate.certificate_from(asked.certificate.read_bytes())
    if claimed.input_sha256 != formats.input_hash(problem):
        return _say("input_sha256: the certificate is of another problem", 1)
    impossible = certificate.journal_faults(problem, claimed)
    if impossible:
        return _say("\n".join(impossible), 1)
    try:
        plan = replay(
            problem, seed=claimed.seed, journal=claimed.journal, iterations=claimed.iterations
        )
    except Infeasible as error:
        return _say(f"无解 · request {error.request}: {error}", 1)
    if asked.out is not None:
        asked.out.write_bytes(formats.canonical_bytes(plan))
    found = certificate.plan_hash(plan)
    if found != claimed.plan_sha256:
        return _say(f"plan_sha256: claims {claimed.plan_sha256}, the replay gives {found}", 1)
    return _say(f"重演一致 · the replay gives the same plan {found}", 0)


def _warm_up(asked: argparse.Namespace) -> int:
    if asked.end_with_stdin:
        end_with_stdin()
    compile_once()
    return 0


def _solve(asked: argparse.Namespace) -> int:
    problem = formats.problem_from(asked.problem.read_bytes())
    warm = None if asked.warm is None else formats.plan_from(asked.warm.read_bytes())
    seconds = 60.0 if asked.seconds is None and asked.iterations is None else asked.seconds
    stop = Stop(seconds=seconds, iterations=asked.iterations)
    try:
        result = solve(problem, seed=asked.seed, stop=stop, observe=_progress, warm=warm)
    except Infeasible as error:
        return _say(f"无解 · request {error.request}: {error}", 1)
    if warm is not None:
        kept = result.journal[0].plan
        count = 0 if kept is None else len(kept.assignments)
        sys.stderr.write(f"从 {count} / {len(warm.assignments)} 项安排开始 · assignments kept\n")
    if asked.out is not None:
        asked.out.write_bytes(formats.canonical_bytes(result.plan))
    if asked.certificate is not None:
        asked.certificate.write_bytes(certificate.certificate_of(problem, result))
    return _say(
        "\n".join(
            f"{one.stage.value} {one.value}"
            + ("" if one.gap is None else f" ≤ {one.bound} ({100 * one.gap:.3f} %)")
            for one in result.stages
        ),
        0,
    )


def _progress(now: Progress, _plan: Plan | None) -> None:
    bound = "—" if now.bound is None else now.bound
    sys.stderr.write(
        f"{now.elapsed_s:8.2f} s {now.iteration:9d} {now.phase:12s} "
        f"{now.stage.value} {now.incumbent} ≤ {bound} served {now.served}\n"
    )


def _check(asked: argparse.Namespace) -> int:
    problem = formats.problem_from(asked.problem.read_bytes())
    plan = formats.plan_from(asked.plan.read_bytes())
    broken = [f"{one.rule}: {one.message}" for one in check.violations(problem, plan)]
    if not broken and asked.certificate is not None:
        broken = certificate.verify(problem, plan, asked.certificate.read_bytes())
    if broken:
        return _say("\n".join(broken), 1)
    lines = [f"{stage.value} {value}" for stage, value in check.values(problem, plan).items()]
    return _say("\n".join([f"输入 · input {formats.input_hash(problem)}", *lines]), 0)


REPAIR_S = 6.0
"""How long a repair is sought for one request."""
PEOPLE_PER_LINE = 50
"""How often `check-bound` says how far it is."""


def _check_bound(asked: argparse.Namespace) -> int:
    problem = formats.problem_from(asked.problem.read_bytes())
    text = asked.certificate.read_bytes()

    def tell(stage: Stage, people: int) -> None:
        if people % PEOPLE_PER_LINE == 0 or people == len(problem.experts):
            sys.stderr.write(f"{stage.value} {people} / {len(problem.experts)}\n")

    faults = certificate.bound_faults(problem, text, tell=tell)
    if faults:
        return _say("\n".join(faults), 1)
    lines = [
        f"{one.stage.value} ≤ {one.bound}"
        for one in certificate.certificate_from(text).stages
        if one.bound is not None
    ]
    return _say("\n".join(["上界已证明 · the bounds are proven", *lines]), 0)


def _say(text: str, code: int) -> int:
    sys.stdout.write(text + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
