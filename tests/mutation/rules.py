"""Takes each rule out of the referee in turn and shows that a test notices: `python -m tests.mutation.rules`.

Ends with the number of rules whose absence nobody noticed.
"""

import subprocess
import sys

from services.scheduling.optimizer import check

_WITHOUT = """
import sys, pytest
from services.scheduling.optimizer import check
check.RULES = tuple(rule for rule in check.RULES if rule.__name__ != sys.argv[1])
sys.exit(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "tests/unit/scheduling/optimizer/test_check.py"]))
"""


def unnoticed() -> list[str]:
    """The rules without which all tests of the referee still pass."""
    return [
        rule.__name__
        for rule in check.RULES
        if subprocess.run(
            [sys.executable, "-c", _WITHOUT, rule.__name__], check=False, capture_output=True
        ).returncode
        != 1
    ]


if __name__ == "__main__":
    survivors = unnoticed()
    sys.stdout.write(f"{len(check.RULES)} rules, unnoticed: {survivors}\n")
    sys.exit(len(survivors))
