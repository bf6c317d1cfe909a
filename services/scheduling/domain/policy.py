"""The policies a round may name: numbers with a name and a version, so that a coordinator picks no numbers."""

import dataclasses
from collections.abc import Mapping
from typing import Final

from libs.errors import NotFound


class PolicyNotFound(NotFound):
    """There is no policy of this name."""


@dataclasses.dataclass(frozen=True, slots=True)
class Policy:
    """A choice of numbers; a change of any of them is a new version.

    `offers`: experts are asked before publication. `signature`: a leader signs before it. Fit, wishes and nights are in
    the units of `services.scheduling.optimizer.problem.Policy`.
    """

    name: str
    version: int
    display_name: str
    display_name_en: str
    offers: bool = False
    signature: bool = False
    fit_proficiency: int = 2
    fit_on_site: int = 3
    prefer_named: int = 10
    night_as_travel_min: int = 240


DEFAULT: Final = "policies/default"

POLICIES: Mapping[str, Policy] = {
    policy.name: policy
    for policy in (
        Policy(DEFAULT, 1, "常规", "Ordinary"),
        Policy(
            "policies/campus-autumn",
            1,
            "秋季校园行",
            "Campus tour, autumn",
            offers=True,
            signature=True,
            prefer_named=20,
        ),
        # in an emergency nobody waits for answers, and remote is as good as being there
        Policy("policies/emergency", 1, "应急科普", "Emergency", fit_on_site=0),
    )
}
"""By name; the default first."""


def policy_of(name: str) -> Policy:
    """The policy of this name, the default where it is empty.

    Raises:
        PolicyNotFound: there is none.
    """
    policy = POLICIES.get(name or DEFAULT)
    if policy is None:
        raise PolicyNotFound("no such policy", policy=name)
    return policy
