"""What the benchmark programs compute beside the clock."""

import pytest

from services.scheduling.optimizer import check
from tests.benchmarks import growth, public, rounds_peers
from tests.benchmarks.peers import model
from tests.benchmarks.rounds import round_problem
from tests.unit.scheduling.optimizer.orienteering.instances import by_dice, instance_of


def test_the_exponent_is_that_of_the_power():
    points = [(n, 3.0 * n**1.5) for n in (200, 400, 1_000)]
    assert growth.exponent(points) == pytest.approx(1.5)
    assert growth.exponent(points[:1]) is None


def test_a_chart_draws_every_line():
    drawn = growth.svg(
        [growth.chart("t", [("a", [(1, 2), (3, 4)], False)], "x", "y", log=False, top=0)]
    )
    assert drawn.count("<polyline") == 1
    assert drawn.count("<circle") == 2


def test_only_what_holds_of_a_peers_answer_counts():
    """A route that serves everything with one vehicle claims all, and keeps what the rules allow."""
    problem = round_problem(60, 50, seed=1, teams=False, nights=False)
    question, requests, people = rounds_peers.asked_of(problem)
    routes = [list(range(len(question.jobs))), *([] for _ in question.vehicles[1:])]
    claimed = rounds_peers.plan_of(problem, question, requests, people, routes)
    assert len(claimed.assignments) == len(question.jobs)
    assert check.violations(problem, claimed)
    sound = rounds_peers.held(problem, claimed)
    assert check.violations(problem, sound) == []
    assert len(sound.assignments) < len(claimed.assignments)


def test_a_visit_that_a_peer_makes_alone_holds():
    problem = round_problem(60, 50, seed=1, teams=False, nights=False)
    question, requests, people = rounds_peers.asked_of(problem)
    for vehicle, one in enumerate(question.vehicles):
        for number, job in enumerate(question.jobs):
            if job.kinds is not None and one.kind in job.kinds:
                routes = [[] for _ in question.vehicles]
                routes[vehicle] = [number]
                plan = rounds_peers.plan_of(problem, question, requests, people, routes)
                if rounds_peers.held(problem, plan) == plan:
                    return
    pytest.fail("no visit holds")


def _row(solver: str, value: int, **more: object) -> dict[str, object]:
    return {
        "kind": "toptw", "instance": "r101", "m": 1, "solver": solver, "value": value, "best_known": 200,
    } | more  # fmt: skip


def test_the_summary_says_gaps_by_family_and_a_bound_that_contradicts_the_best_known():
    text = public.summary([_row("zhihui", 190), _row("pyvrp", 180), _row("bound", 210)])
    assert "| r1 | 1 | 5.00 % | 10.00 % | 9.52 % | 0 |" in text
    assert "below the best known" not in text
    text = public.summary([_row("zhihui", 190), _row("bound", 199)])
    assert "bound below the best known value: r101 m=1" in text


def test_what_is_proven_ends_the_others_too():
    """The bound that ours proves is told to the peers, and is the bound's row."""
    instance = by_dice(60, nodes=12)
    task = public.Task("toptw", instance, (public.OURS, public.BOUND), 30, 30, 1, None, True, ())
    ours, bounded = public._run(task)
    assert ours["value"] == ours["most"] == bounded["value"]
    assert bounded["elapsed_s"] < 1
    question = model.question_of(instance_of(tours=2), enough=7)
    assert question.enough == 7


def test_a_bound_of_a_run_before_still_holds():
    instance = by_dice(60, nodes=12)
    earlier = (_row("zhihui", 3, most=17),)
    task = public.Task("toptw", instance, (public.BOUND,), 30, 0.0, 1, None, True, earlier)
    (bounded,) = public._run(task)
    assert bounded["value"] == 17
