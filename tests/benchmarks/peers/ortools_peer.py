"""OR-Tools routing: disjunctions with prizes as penalties, guided local search."""

import numpy as np
from ortools.constraint_solver import pywrapcp, routing_enums_pb2

from tests.benchmarks.peers.model import Question, Routes

PRIZE = 1_000
"""Ticks of travel that a unit of a prize is worth: of 3, 10, 100, 1,000 and 10,000 the best on three TOPTW instances."""


def solve(question: Question, seconds: float, seed: int, cpu: bool) -> Routes:
    del seed, cpu  # it has neither
    vehicles, jobs = question.vehicles, question.jobs
    # A node per place where vehicles start or end, then the jobs.
    depots = sorted({place for v in vehicles for place in (v.start, v.end)})
    first, node = len(depots), {place: i for i, place in enumerate(depots)}
    manager = pywrapcp.RoutingIndexManager(
        first + len(jobs),
        len(vehicles),
        [node[v.start] for v in vehicles],
        [node[v.end] for v in vehicles],
    )
    routing = pywrapcp.RoutingModel(manager)
    # Tables, not functions: those of Python take most of its time.
    where = [*depots, *(job.place for job in jobs)]
    cost = question.travel[np.ix_(where, where)]
    hop = cost + np.array([0] * first + [job.service for job in jobs])[:, None]
    routing.SetArcCostEvaluatorOfAllVehicles(routing.RegisterTransitMatrix(cost.tolist()))
    horizon = max(v.closes for v in vehicles)
    routing.AddDimension(
        routing.RegisterTransitMatrix(hop.tolist()), horizon, horizon, False, "time"
    )
    time = routing.GetDimensionOrDie("time")
    for i, v in enumerate(vehicles):
        time.CumulVar(routing.Start(i)).SetRange(v.opens, v.closes)
        time.CumulVar(routing.End(i)).SetRange(v.opens, v.closes)
    if any(v.stops_max is not None for v in vehicles):
        one = routing.RegisterUnaryTransitVector([0] * first + [1] * len(jobs))
        limits = [len(jobs) if v.stops_max is None else v.stops_max for v in vehicles]
        routing.AddDimensionWithVehicleCapacity(one, 0, limits, True, "stops")
    for j, job in enumerate(jobs):
        index = manager.NodeToIndex(first + j)
        routing.AddDisjunction([index], job.prize * PRIZE)
        at = time.CumulVar(index)
        at.SetRange(job.windows[0][0], job.windows[-1][1])
        for (_, closes), (opens, _) in zip(job.windows[:-1], job.windows[1:], strict=True):
            if closes + 1 < opens:
                at.RemoveInterval(closes + 1, opens - 1)
        if job.kinds is not None:
            able = [i for i, v in enumerate(vehicles) if v.kind in job.kinds]
            routing.VehicleVar(index).SetValues([-1, *able])
    asked = pywrapcp.DefaultRoutingSearchParameters()
    asked.first_solution_strategy = (
        routing_enums_pb2.FirstSolutionStrategy.PARALLEL_CHEAPEST_INSERTION
    )
    asked.local_search_metaheuristic = (
        routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    )
    asked.time_limit.FromMilliseconds(int(1000 * seconds))
    answer = routing.SolveWithParameters(asked)
    routes: Routes = [[] for _ in vehicles]
    if answer is None:
        return routes
    for i in range(len(vehicles)):
        at = answer.Value(routing.NextVar(routing.Start(i)))
        while not routing.IsEnd(at):
            routes[i].append(manager.IndexToNode(at) - first)
            at = answer.Value(routing.NextVar(at))
    return routes
