"""OR-Tools routing: disjunctions with prizes as penalties, guided local search."""

from ortools.constraint_solver import pywrapcp, routing_enums_pb2

from tests.benchmarks.peers.model import Question, Routes

PRIZE = 10_000
"""As in PyVRP's model: prizes first."""


def solve(question: Question, seconds: float, seed: int, cpu: bool) -> Routes:
    del seed, cpu  # it has neither
    vehicles, jobs = question.vehicles, question.jobs
    # One start and one end node per vehicle, then the jobs.
    where = [v.start for v in vehicles] + [v.end for v in vehicles] + [job.place for job in jobs]
    first = 2 * len(vehicles)
    manager = pywrapcp.RoutingIndexManager(
        len(where), len(vehicles), list(range(len(vehicles))), list(range(len(vehicles), first))
    )
    routing = pywrapcp.RoutingModel(manager)
    travel = question.travel.tolist()
    service = [0] * first + [job.service for job in jobs]

    def cost(a: int, b: int) -> int:
        return travel[where[manager.IndexToNode(a)]][where[manager.IndexToNode(b)]]

    def hop(a: int, b: int) -> int:
        node = manager.IndexToNode(a)
        return service[node] + travel[where[node]][where[manager.IndexToNode(b)]]

    routing.SetArcCostEvaluatorOfAllVehicles(routing.RegisterTransitCallback(cost))
    horizon = max(v.closes for v in vehicles)
    routing.AddDimension(routing.RegisterTransitCallback(hop), horizon, horizon, False, "time")
    time = routing.GetDimensionOrDie("time")
    for i, v in enumerate(vehicles):
        time.CumulVar(routing.Start(i)).SetRange(v.opens, v.closes)
        time.CumulVar(routing.End(i)).SetRange(v.opens, v.closes)
    if any(v.stops_max is not None for v in vehicles):
        one = routing.RegisterUnaryTransitCallback(lambda a: int(manager.IndexToNode(a) >= first))
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
