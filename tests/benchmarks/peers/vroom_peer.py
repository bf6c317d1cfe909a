"""VROOM: optional jobs with priorities (0 to 100), several windows, skills; it stops by itself, often long before the time is over."""

import numpy as np
import vroom

from tests.benchmarks.peers.model import Question, Routes


def solve(question: Question, seconds: float, seed: int, cpu: bool) -> Routes:
    del seed, cpu  # it has neither
    top = max(job.prize for job in question.jobs)
    # Its times are 32 bit.
    table = question.travel.astype(np.uint32)
    asked = vroom.Input()
    asked.set_durations_matrix("car", table)
    for i, v in enumerate(question.vehicles):
        skills = {j for j, job in enumerate(question.jobs) if job.kinds and v.kind in job.kinds}
        asked.add_vehicle(
            vroom.Vehicle(
                id=i + 1,
                start=v.start,
                end=v.end,
                time_window=vroom.TimeWindow(v.opens, v.closes),
                skills=skills,
                max_tasks=v.stops_max,
            )
        )
    for i, job in enumerate(question.jobs):
        asked.add_job(
            vroom.Job(
                id=i + 1,
                location=job.place,
                default_service=job.service,
                priority=job.prize if top <= 100 else round(100 * job.prize / top),
                skills=set() if job.kinds is None else {i},
                time_windows=[vroom.TimeWindow(a, b) for a, b in job.windows],
            )
        )
    answer = asked.solve(exploration_level=5, nb_threads=1, timeout=_timeout(seconds))
    routes: Routes = [[] for _ in question.vehicles]
    table = answer.routes
    jobs = table[table["type"] == "job"]
    for vehicle, job in zip(jobs["vehicle_id"], jobs["id"], strict=True):
        routes[int(vehicle) - 1].append(int(job) - 1)
    return routes


def _timeout(seconds: float):
    import datetime

    return datetime.timedelta(seconds=seconds)
