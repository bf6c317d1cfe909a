"""PyVRP: prize-collecting clients; several windows are copies of a client of which at most one is visited."""

import math
import time

import numpy as np
from pyvrp import Client, ClientGroup, Depot, Location, ProblemData, VehicleType
from pyvrp import solve as pyvrp_solve

from tests.benchmarks.peers.model import Question, Routes

PRIZE = 1_000
"""Travel units that one unit of prize is worth, where nothing says how much is enough: prizes first, yet the numbers stay in the range its
penalties are made for."""

MATRICES_MAX = 8e9
"""Bytes of travel tables, one for each person who may not do everything; more than these the machine might not have."""


class _Until:
    """Stops after so many seconds, of this process with `cpu`, and as soon as what is left costs less than `enough`."""

    def __init__(self, seconds: float, enough: float, *, cpu: bool) -> None:
        self._clock = time.process_time if cpu else time.monotonic
        self._until_s = self._clock() + seconds
        self._enough = enough

    def __call__(self, best_cost: float) -> bool:
        return best_cost < self._enough or self._clock() >= self._until_s


def solve(question: Question, seconds: float, seed: int, cpu: bool) -> Routes:
    prize, enough = PRIZE, -math.inf
    if question.enough is not None:
        # All travel there can be is worth less than one unit of prize: the cost then says whether enough is had.
        prize = sum(v.closes - v.opens for v in question.vehicles) + 1
        enough = prize * (sum(job.prize for job in question.jobs) - question.enough + 1)
    places = sorted({v.start for v in question.vehicles} | {v.end for v in question.vehicles})
    depot = {place: i for i, place in enumerate(places)}
    # Locations: the depots' places, then one for each job.
    clients, groups, of_client = [], [], []
    for index, job in enumerate(question.jobs):
        members = []
        for opens, closes in job.windows:
            members.append(len(clients))
            of_client.append(index)
            clients.append(
                Client(
                    location=len(places) + index,
                    service_duration=job.service,
                    tw_early=opens,
                    tw_late=closes,
                    prize=job.prize * prize,
                    required=False,
                    group=len(groups) if len(job.windows) > 1 else None,
                    delivery=[1],
                )
            )
        if len(members) > 1:
            groups.append(ClientGroup(members, required=False))
    where = places + [job.place for job in question.jobs]
    base = question.travel[np.ix_(where, where)].astype(np.int64)
    kinds = sorted({v.kind for v in question.vehicles})
    distances = []
    limited = any(job.kinds is not None for job in question.jobs)
    if limited and len(kinds) * base.nbytes > MATRICES_MAX:
        raise MemoryError(f"a matrix per person: {len(kinds) * base.nbytes / 1e9:.0f} GB")
    never = int(base.max()) * 10 + max(v.closes for v in question.vehicles)
    for kind in kinds if limited else kinds[:1]:
        table = base
        if limited:
            table = base.copy()
            for c, job in enumerate(question.jobs):
                allowed = job.kinds
                if allowed is not None and kind not in allowed:
                    table[:, len(places) + c] = never
            np.fill_diagonal(table, 0)
        distances.append(table)
    types = [
        VehicleType(
            num_available=1,
            capacity=[v.stops_max if v.stops_max is not None else len(clients)],
            start_depot=depot[v.start],
            end_depot=depot[v.end],
            tw_early=v.opens,
            tw_late=v.closes,
            profile=kinds.index(v.kind) if limited else 0,
            name=str(i),
        )
        for i, v in enumerate(question.vehicles)
    ]
    if len({(v.start, v.end, v.opens, v.closes, v.kind) for v in question.vehicles}) == 1:
        v = question.vehicles[0]
        types = [
            VehicleType(
                num_available=len(question.vehicles),
                capacity=[len(clients)],
                start_depot=depot[v.start],
                end_depot=depot[v.end],
                tw_early=v.opens,
                tw_late=v.closes,
            )
        ]
    data = ProblemData(
        clients=clients,
        locations=[Location(0, 0) for _ in where],
        depots=[Depot(location=i) for i in range(len(places))],
        vehicle_types=types,
        distance_matrices=distances,
        duration_matrices=distances,
        groups=groups,
    )
    result = pyvrp_solve(
        data,
        _Until(seconds, enough, cpu=cpu),
        seed=seed,
        display=False,
        collect_stats=False,
    )
    routes: Routes = [[] for _ in question.vehicles]
    if not result.best.is_feasible():
        return routes
    for i, route in enumerate(result.best.routes()):
        at = i if len(types) == 1 else route.vehicle_type()
        routes[at] = [of_client[one.idx] for one in route if one.is_client()]
    return routes
