"""Timefold, by its last edition for Python (1.24, Apache-2.0; needs a JDK 17): a list variable per vehicle that may leave jobs out."""

from dataclasses import dataclass, field
from typing import Annotated

from timefold.solver import SolverFactory
from timefold.solver.config import (
    Duration,
    EnvironmentMode,
    ScoreDirectorFactoryConfig,
    SolverConfig,
    TerminationConfig,
)
from timefold.solver.domain import (
    CascadingUpdateShadowVariable,
    InverseRelationShadowVariable,
    PlanningEntityCollectionProperty,
    PlanningId,
    PlanningListVariable,
    PlanningScore,
    PreviousElementShadowVariable,
    ValueRangeProvider,
    planning_entity,
    planning_solution,
)
from timefold.solver.score import (
    Constraint,
    ConstraintFactory,
    HardMediumSoftScore,
    constraint_provider,
)

from tests.benchmarks.peers.model import Question, Routes

NEVER = 1 << 40


@planning_entity
@dataclass
class Visit:
    """A job; `hops[place]` is the way from here. Its start, and by how much that is too late, follow from what is before it."""

    id: Annotated[int, PlanningId]
    place: int
    service: int
    opens: list[int]
    closes: list[int]
    prize: int
    kinds: list[int]
    hops: list[int]
    vehicle: Annotated[
        "Vehicle | None", InverseRelationShadowVariable(source_variable_name="visits")
    ] = None
    previous: Annotated[
        "Visit | None", PreviousElementShadowVariable(source_variable_name="visits")
    ] = None
    start: Annotated[int | None, CascadingUpdateShadowVariable(target_method_name="retime")] = None

    def retime(self) -> None:
        if self.vehicle is None:
            self.start = None
            return
        if self.previous is None:
            arrives = self.vehicle.opens + self.vehicle.hops[self.place]
        elif self.previous.start is None:
            self.start = None
            return
        else:
            arrives = self.previous.start + self.previous.service + self.previous.hops[self.place]
        begins = arrives
        for i in range(len(self.opens)):
            if arrives <= self.closes[i]:
                begins = max(arrives, self.opens[i])
                break
        self.start = begins

    def late(self) -> int:
        if self.start is None:
            return 0
        return max(0, self.start - self.closes[len(self.closes) - 1])

    def wrong(self) -> bool:
        return (
            self.vehicle is not None and len(self.kinds) > 0 and self.vehicle.kind not in self.kinds
        )


@planning_entity
@dataclass
class Vehicle:
    """`hops[place]` is the way from its start, `ends[id]` from a job to its end."""

    id: Annotated[int, PlanningId]
    kind: int
    opens: int
    closes: int
    stops_max: int
    hops: list[int]
    end: int
    visits: Annotated[list[Visit], PlanningListVariable(allows_unassigned_values=True)] = field(
        default_factory=list
    )

    def late(self) -> int:
        if len(self.visits) == 0:
            return 0
        last = self.visits[len(self.visits) - 1]
        if last.start is None:
            return 0
        return max(0, last.start + last.service + last.hops[self.end] - self.closes)

    def too_many(self) -> int:
        return max(0, len(self.visits) - self.stops_max)

    def travels(self) -> int:
        if len(self.visits) == 0:
            return 0
        last = self.visits[len(self.visits) - 1]
        way = self.hops[self.visits[0].place] + last.hops[self.end]
        for i in range(1, len(self.visits)):
            way += self.visits[i - 1].hops[self.visits[i].place]
        return way


@planning_solution
@dataclass
class Tours:
    """All of it."""

    vehicles: Annotated[list[Vehicle], PlanningEntityCollectionProperty]
    visits: Annotated[list[Visit], PlanningEntityCollectionProperty, ValueRangeProvider]
    score: Annotated[HardMediumSoftScore | None, PlanningScore] = field(default=None)


@constraint_provider
def _constraints(factory: ConstraintFactory) -> list[Constraint]:
    return [
        factory.for_each(Visit)
        .filter(lambda visit: visit.late() > 0)
        .penalize(HardMediumSoftScore.ONE_HARD, lambda visit: visit.late())
        .as_constraint("a visit is in a window"),
        factory.for_each(Visit)
        .filter(lambda visit: visit.wrong())
        .penalize(HardMediumSoftScore.ONE_HARD)
        .as_constraint("a visit is by a vehicle that may"),
        factory.for_each(Vehicle)
        .filter(lambda vehicle: vehicle.late() > 0)
        .penalize(HardMediumSoftScore.ONE_HARD, lambda vehicle: vehicle.late())
        .as_constraint("home in time"),
        factory.for_each(Vehicle)
        .filter(lambda vehicle: vehicle.too_many() > 0)
        .penalize(HardMediumSoftScore.ONE_HARD, lambda vehicle: vehicle.too_many())
        .as_constraint("only so many stops"),
        factory.for_each(Visit)
        .filter(lambda visit: visit.vehicle is not None)
        .reward(HardMediumSoftScore.ONE_MEDIUM, lambda visit: visit.prize)
        .as_constraint("prizes"),
        factory.for_each(Vehicle)
        .filter(lambda vehicle: len(vehicle.visits) > 0)
        .penalize(HardMediumSoftScore.ONE_SOFT, lambda vehicle: vehicle.travels())
        .as_constraint("travel"),
    ]


def solve(question: Question, seconds: float, seed: int, cpu: bool) -> Routes:
    del cpu  # its clock is the wall's
    travel = [[int(hop) for hop in row] for row in question.travel]
    visits = [
        Visit(
            id=j,
            place=job.place,
            service=job.service,
            opens=[int(opens) for opens, _ in job.windows],
            closes=[int(closes) for _, closes in job.windows],
            prize=job.prize,
            kinds=sorted(job.kinds or ()),
            hops=travel[job.place],
        )
        for j, job in enumerate(question.jobs)
    ]
    vehicles = [
        Vehicle(
            id=i,
            kind=vehicle.kind,
            opens=vehicle.opens,
            closes=vehicle.closes,
            stops_max=len(visits) if vehicle.stops_max is None else vehicle.stops_max,
            hops=travel[vehicle.start],
            end=vehicle.end,
        )
        for i, vehicle in enumerate(question.vehicles)
    ]
    asked = SolverConfig(
        solution_class=Tours,
        entity_class_list=[Vehicle, Visit],
        score_director_factory_config=ScoreDirectorFactoryConfig(
            constraint_provider_function=_constraints
        ),
        environment_mode=EnvironmentMode.NO_ASSERT,
        random_seed=seed,
        termination_config=TerminationConfig(
            spent_limit=Duration(milliseconds=int(1000 * seconds))
        ),
    )
    answer = SolverFactory.create(asked).build_solver().solve(Tours(vehicles, visits))
    return [[visit.id for visit in vehicle.visits] for vehicle in answer.vehicles]
