"""`python -m services.scheduling.optimizer check problem.json plan.json`: the referee at a desk."""

import sys
from pathlib import Path

from services.scheduling.optimizer import check, formats


def main(arguments: list[str]) -> int:
    """0: sound, with the values by stage. 1: rules are broken. 2: the command or a file cannot be read."""
    if len(arguments) != 3 or arguments[0] != "check":
        return _say("用法 · usage: check problem.json plan.json", 2)
    try:
        problem = formats.problem_from(Path(arguments[1]).read_bytes())
        plan = formats.plan_from(Path(arguments[2]).read_bytes())
    except (OSError, formats.BadProblem) as error:
        return _say(f"无法读取 · cannot be read: {error}", 2)
    broken = check.violations(problem, plan)
    if broken:
        return _say("\n".join(f"{v.rule}: {v.message}" for v in broken), 1)
    lines = [f"{stage.value} {value}" for stage, value in check.values(problem, plan).items()]
    return _say("\n".join([f"输入 · input {formats.input_hash(problem)}", *lines]), 0)


def _say(text: str, code: int) -> int:
    sys.stdout.write(text + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
