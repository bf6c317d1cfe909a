"""Coverage of district × group, and the debt that is carried from round to round."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.scheduling.domain.inputs import Group

Key = tuple[str, Group]
"""District and group."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """How one district × group fared in a round; everything in weight of requests.

    `target` is the fair share: what it would have got, had every district and group been served in the same proportion
    of what it asked for. `carried` is the debt it came with, `debt` the one it leaves with.
    """

    district: str
    group: Group
    target: int
    served: int
    carried: int

    @property
    def debt(self) -> int:
        """What is still owed after the round, at least 0."""
        return max(0, self.carried + self.target - self.served)


def coverage(
    asked: Mapping[Key, int], served: Mapping[Key, int], carried: Mapping[Key, int]
) -> Sequence[Coverage]:
    """By district, then group: what each asked for, got, and is owed; districts that asked for nothing keep their debt."""
    total_asked, total_served = sum(asked.values()), sum(served.values())
    return [
        Coverage(
            district=district,
            group=group,
            # rounded down, so that nobody owes a fraction to anybody
            target=asked.get((district, group), 0) * total_served // max(1, total_asked),
            served=served.get((district, group), 0),
            carried=carried.get((district, group), 0),
        )
        for district, group in sorted(set(asked) | set(served) | set(carried))
    ]
