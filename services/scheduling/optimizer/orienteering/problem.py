"""What a public orienteering instance asks, as exact integers.

Time is in ticks, `10 ** time_digits` to the unit of the file; coordinates are in steps, `10 ** point_digits` to the unit.
Travel between two nodes is their Euclidean distance rounded down to `travel_digits` decimals. Node 0 is the depot.

The rules, which the search keeps and the referee states a second time:

* There are at most `tours` tours; each starts at the depot at its opening and is back by its closing.
* Every other node is served at most once; its whole profit is collected once.
* Service starts in one of the node's windows, both ends included, which are those of the tour's kind: tour `t` (from 0) is of kind
  `t % kinds`. Who comes early waits. Only the start has to lie in the window.
* For each resource, the needs of all served nodes sum to at most its capacity.
"""

import dataclasses

Window = tuple[int, int]
"""First and last tick at which service may start, both included."""

Tours = tuple[tuple[int, ...], ...]
"""A solution: per tour its nodes in order, without the depot."""


@dataclasses.dataclass(frozen=True, slots=True)
class Instance:
    """One problem; `windows[kind][node]` are ascending and disjoint but for their ends, `needs[node][resource]` >= 0."""

    name: str
    tours: int
    kinds: int
    time_digits: int
    travel_digits: int
    point_digits: int
    points: tuple[tuple[int, int], ...]
    service: tuple[int, ...]
    profit: tuple[int, ...]
    windows: tuple[tuple[tuple[Window, ...], ...], ...]
    needs: tuple[tuple[int, ...], ...] = ()
    capacities: tuple[int, ...] = ()

    @property
    def nodes(self) -> int:
        """How many, with the depot."""
        return len(self.points)

    def collected(self, tours: Tours) -> int:
        """The profit of `tours`."""
        return sum(self.profit[node] for tour in tours for node in tour)
