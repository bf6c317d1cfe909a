"""Bounds are sound on tiny rounds of all kinds and proven again from their prices; whatever is tampered with proves nothing."""

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from services.scheduling.optimizer import certificate, check, check_bound, formats
from services.scheduling.optimizer.__main__ import main
from services.scheduling.optimizer.ascent import Ascent
from services.scheduling.optimizer.check_bound import Unproven, proven, proven_together
from services.scheduling.optimizer.duals import (
    Choice,
    Duals,
    PresencePrice,
    QuotaPrice,
    ServedOnce,
    SpacingPrice,
    Split,
)
from services.scheduling.optimizer.lagrange import Relaxation, Shape, Valued
from services.scheduling.optimizer.packed import pack
from services.scheduling.optimizer.pricing import HOME, Prices, tabulate
from services.scheduling.optimizer.problem import (
    Agreement,
    Cap,
    NightAway,
    Plan,
    Problem,
    Role,
    Series,
    Stage,
)
from services.scheduling.optimizer.solve import Result, StageResult
from tests.benchmarks.rounds import round_problem
from tests.support.bounds import a_problem_of, bounds_of, faults
from tests.support.brute_force import key_of, sound_plans
from tests.support.rounds import (
    a_pool,
    a_problem,
    a_request,
    a_seat,
    an_expert,
    assigned,
    far_problem,
    window,
)

SEEDS = 60
"""Tiny problems tried here; `tests.support.bounds` tries any number of others."""


@pytest.mark.parametrize("first", range(0, SEEDS, 20))
def test_no_plan_of_a_tiny_round_is_better_than_its_bounds_and_all_are_proven(first: int) -> None:
    found = {
        seed: wrong for seed in range(first, first + 20) if (wrong := faults(a_problem_of(seed)))
    }
    assert not found


def test_no_plan_of_tours_of_several_days_is_better_than_its_bounds_and_all_are_proven() -> None:
    found = {
        seed: wrong
        for seed in range(24)
        if (wrong := faults(far_problem(seed, experts=1, requests=3 + seed % 2)))
    }
    assert not found


def a_proof(problem: Problem, plan: Plan, stage: Stage) -> tuple[int, Duals]:
    """A stage's bound where one proof is all there is, and what proves it."""
    bound, (proof,) = bounds_of(problem, plan, masters=8, proofs=1)[stage]
    return bound, proof.duals


def one_at_a_time() -> Problem:
    """Three requests an hour long of one morning, at three places; one person can make two of them, and their ways."""
    return a_problem(
        requests=[
            a_request(place=place, weight=weight, windows=(window(0, 9, 12),))
            for place, weight in ((1, 100), (2, 90), (3, 70))
        ]
    )


def a_team() -> Problem:
    """Two seats, two people, one of whom could serve alone elsewhere at the same time."""
    return a_problem(
        experts=[an_expert(), an_expert(limits={"per_round_max": 1})],
        requests=[
            a_request(seats=(a_seat(), a_seat()), weight=130, windows=(window(0, 9, 10),)),
            a_request(place=2, weight=60, windows=(window(0, 9, 10),)),
        ],
    )


def a_certificate(problem: Problem, plan: Plan) -> dict[str, Any]:
    """A certificate of the plan with everything the bound's side finds."""
    told = bounds_of(problem, plan, masters=8)
    values = check.values(problem, plan)
    result = Result(
        plan=plan,
        stages=tuple(StageResult(stage, values[stage], told[stage][0]) for stage in Stage),
        seed=1,
        iterations=0,
        elapsed_s=0,
        versions={},
        duals=tuple(one.duals for stage in Stage for one in told[stage][1]),
    )
    document: dict[str, Any] = json.loads(certificate.certificate_of(problem, result))
    return document


def test_the_order_of_visits_is_known() -> None:
    """Three hours with half an hour of way between them take four; a morning has three, so that one stays unserved."""
    problem = one_at_a_time()
    bound, duals = a_proof(problem, Plan(()), Stage.NEED)
    fit = 2 * 2
    assert bound == 100 + 90 + fit
    assert proven(problem, duals, {}) == bound


def test_a_team_and_what_it_displaces_are_known() -> None:
    problem = a_team()
    bound, _ = bounds_of(problem, Plan(()), masters=8)[Stage.NEED]
    assert bound == 130 + 2 * 2


def alone_in_a_team() -> Problem:
    """Two seats, and one person who could take either of them."""
    return a_problem(
        requests=[a_request(seats=(a_seat(), a_seat()), weight=130, windows=(window(0, 9, 10),))]
    )


def test_nobody_is_half_in_one_seat_and_half_in_another() -> None:
    """One person in both seats by halves would serve half of the request."""
    problem = alone_in_a_team()
    bound, duals = a_proof(problem, Plan(()), Stage.NEED)
    assert bound == 0
    assert duals.presences
    assert proven(problem, duals, {}) == 0
    free = tuple(dataclasses.replace(one, price=0) for one in duals.presences)
    assert proven(problem, dataclasses.replace(duals, presences=free), {}) > 130
    dearer = tuple(dataclasses.replace(one, price=2 * one.price) for one in duals.presences)
    with pytest.raises(Unproven, match="splits: request 0"):
        proven(problem, dataclasses.replace(duals, presences=dearer), {})


def test_a_series_is_kept_apart() -> None:
    """Two requests of one series on neighbouring days, a week to keep between them."""
    asks = [a_request(windows=(window(day, 9, 12),), weight=50 + day) for day in (0, 1)]
    problem = a_problem(requests=asks, series=(Series((0, 1), 7, 0),))
    bound, duals = a_proof(problem, Plan(()), Stage.NEED)
    assert bound == 51 + 2
    assert duals.spacings


def test_a_cap_and_a_quota_are_known() -> None:
    guests = a_pool(home_nodes=frozenset(), agreements=(Agreement(0, 1, 99),))
    asks = [a_request(windows=(window(day, 9, 12),), weight=50 + day) for day in range(3)]
    capped = a_problem(requests=asks, caps=(Cap(frozenset((0, 1, 2)), 2),))
    assert bounds_of(capped, Plan(()), masters=8)[Stage.NEED][0] == 51 + 52 + 2 * 2
    shared = a_problem(requests=asks, pools=(guests,))
    assert bounds_of(shared, Plan(()), masters=8)[Stage.NEED][0] == 52 + 2


def test_a_night_away_is_possible_in_the_proof() -> None:
    """Two venues too far from home to be back: only with a night between them can the two be served."""
    far = tuple(
        tuple(0 if a == b else 30 if {a, b} <= {1, 2} else 170 for b in range(4)) for a in range(4)
    )
    problem = a_problem(
        travel_min=far,
        experts=[
            an_expert(
                windows=(window(0, 8, 12), window(1, 8, 13)),
                limits={"nights_max": 1, "travel_min_per_day_max": 200},
            )
        ],
        requests=[
            a_request(place=1, windows=(window(0, 10, 12),)),
            a_request(place=2, windows=(window(1, 8, 10),)),
        ],
    )
    plan = Plan(
        (assigned(request=0, start=11 * 60), assigned(request=1, start=1440 + 8 * 60 + 30)),
        (NightAway(0, 0),),
    )
    assert check.violations(problem, plan) == []
    value = check.values(problem, plan)[Stage.NEED]
    told = bounds_of(problem, plan, masters=8)
    assert told[Stage.NEED][0] == value
    home = dataclasses.replace(
        problem,
        experts=(
            an_expert(
                windows=problem.experts[0].windows,
                limits={"nights_max": 0, "travel_min_per_day_max": 200},
            ),
        ),
    )
    assert bounds_of(home, Plan(()), masters=8)[Stage.NEED][0] == 0


def test_a_bed_is_where_the_day_ended() -> None:
    """Lodging near home brings nobody closer to a venue that is too far away; lodging there, after another visit there, does."""
    far = tuple(
        tuple(
            0 if a == b else 20 if {a, b} <= {0, 1} else 20 if {a, b} <= {2, 3} else 170
            for b in range(4)
        )
        for a in range(4)
    )
    person = an_expert(
        windows=(window(0, 8, 18), window(1, 8, 18)),
        limits={"nights_max": 1, "travel_min_per_day_max": 200},
    )
    evening, morning = (window(0, 15, 18),), (window(1, 8, 10),)
    near = a_problem(
        travel_min=far,
        experts=[person],
        requests=[
            a_request(place=1, windows=evening, weight=50),
            a_request(place=2, windows=morning, weight=90),
        ],
    )
    there = dataclasses.replace(
        near, requests=(a_request(place=3, windows=evening, weight=50), near.requests[1])
    )
    for problem, need in ((near, 50 + 2), (there, 50 + 90 + 2 * 2)):
        bound, duals = a_proof(problem, Plan(()), Stage.NEED)
        assert bound == need
        assert proven(problem, duals, {}) == bound


def alone_and_far(*, days: Sequence[int]) -> Problem:
    """Requests at one place too far for a day trip, each on all of these days; one person, who may stay overnight."""
    far = tuple(
        tuple(0 if a == b else 170 if 0 in (a, b) else 15 for b in range(4)) for a in range(4)
    )
    return a_problem(
        travel_min=far,
        experts=[an_expert(limits={"nights_max": 2, "travel_min_per_day_max": 200})],
        requests=[a_request(windows=tuple(window(day, 9, 18) for day in days))],
    )


def test_a_night_between_two_visits_to_the_same_request_is_of_no_use() -> None:
    """A tour needs another request for its other day; to serve half of the same one on each would make it worth while."""
    problem = alone_and_far(days=(0, 1))
    bound, duals = a_proof(problem, Plan(()), Stage.NEED)
    assert bound == 0
    assert duals.once == (ServedOnce(0, 0),)
    assert proven(problem, duals, {}) == 0
    assert proven(problem, dataclasses.replace(duals, once=()), {}) > 0


def test_nor_is_it_when_another_visit_lies_between() -> None:
    """Three days away, of which the first and the last would be for the same request."""
    lone = alone_and_far(days=(0, 2))
    between = a_request(place=2, weight=30, windows=(window(1, 9, 18),))
    problem = dataclasses.replace(lone, requests=(*lone.requests, between))
    bound, duals = a_proof(problem, Plan(()), Stage.NEED)
    assert bound == 100 + 30 + 2 * 2
    assert duals.once == (ServedOnce(0, 0),)
    assert proven(problem, duals, {}) == bound
    assert proven(problem, dataclasses.replace(duals, once=()), {}) > bound


def touring(requests: int, experts: int, *, seed: int, travel_min: int) -> Problem:
    """A round whose people are there every day, travel so long a day and spend nights away, each with other limits."""
    made = round_problem(requests, experts, seed=seed)
    people = tuple(
        dataclasses.replace(
            one,
            limits=dataclasses.replace(
                one.limits,
                nights_max=1 + index % 3,
                per_day_max=1 + index % 3,
                travel_min_per_day_max=travel_min,
            ),
            windows=tuple(window(day, 7, 19) for day in range(made.days)),
        )
        for index, one in enumerate(made.experts)
    )
    return dataclasses.replace(made, experts=people)


def priced(problem: Problem, stage: Stage, need: int) -> tuple[Relaxation, Valued, Duals]:
    """The bound at prices far from any good ones."""
    packed = pack(problem)
    passes = tabulate(packed)
    prices = Prices(packed, passes)
    relaxation = Relaxation(Shape(problem, packed, passes), prices, stage, need=need)
    point = relaxation.start(1.0)
    valued = relaxation.value(point)
    assert valued is not None
    return relaxation, valued, relaxation.proof(valued.bound, point).duals


@pytest.mark.parametrize("seed", range(3))
def test_both_ways_to_price_agree_where_many_nights_are_worth_it(seed: int) -> None:
    problem = touring(50, 25, seed=seed, travel_min=180)
    nights = 0
    for stage, need in ((Stage.NEED, 0), (Stage.TRAVEL, 2000)):
        relaxation, valued, duals = priced(problem, stage, need)
        nights += int((valued.rounds.tour_to != HOME).sum())
        assert proven(problem, duals, {Stage.NEED: 0}) == valued.bound // relaxation.scale
    assert nights > 3


@pytest.mark.parametrize("travel_min", [60, 150])
def test_both_ways_to_price_agree_where_there_are_very_many_beds(travel_min: int) -> None:
    problem = touring(1200, 8, seed=1, travel_min=travel_min)
    relaxation, valued, duals = priced(problem, Stage.NEED, 0)
    assert (valued.rounds.tour_to != HOME).any()
    assert proven(problem, duals, {}) == valued.bound // relaxation.scale


def test_the_first_prices_tell_the_starts_of_a_team_apart() -> None:
    """A team of two, morning or afternoon: the lecturer of the morning and the volunteer of the afternoon have something better
    to do, the others have not. Priced alike at both starts nobody's time is scarce, and the bound is a hundred too high.
    """
    morning, afternoon = window(0, 9, 10), window(0, 14, 15)
    lecturer, volunteer = 0b010, 0b100
    once = {"per_round_max": 1}
    people = [
        an_expert(role=role, windows=(window(0, first, first + 4),), limits=once)
        for role in (Role.LECTURER, Role.VOLUNTEER)
        for first in (7, 12)
    ]
    problem = a_problem(
        experts=people,
        requests=[
            a_request(
                seats=(a_seat(roles=lecturer), a_seat(roles=volunteer)),
                weight=150,
                windows=(morning, afternoon),
            ),
            a_request(seats=(a_seat(roles=lecturer),), weight=100, windows=(morning,)),
            a_request(seats=(a_seat(roles=volunteer),), weight=100, windows=(afternoon,)),
        ],
    )
    packed = pack(problem)
    passes = tabulate(packed)
    prices = Prices(packed, passes)
    relaxation = Relaxation(Shape(problem, packed, passes), prices, Stage.NEED)
    ascent = Ascent(relaxation, prices, seed=1)
    step = 10_000.0
    while step > 20:
        assert ascent.one(step, until=lambda: False)
        step *= 0.97
    valued = relaxation.value(ascent.point())
    assert valued is not None
    best, fit = 100 + 150, 3 * 2
    assert best + fit <= valued.bound / relaxation.scale < best + fit + 3


def test_emergencies_that_cannot_all_be_served_are_bounded_by_the_prices_of_need() -> None:
    calm = one_at_a_time()
    problem = dataclasses.replace(
        calm, requests=tuple(dataclasses.replace(one, emergency=1) for one in calm.requests)
    )
    assert sum(one.weight for one in problem.requests) == 260
    assert bounds_of(problem, Plan(()), masters=8)[Stage.EMERGENCY][0] == 190


def test_travel_is_bounded_by_what_the_need_is_worth() -> None:
    """Whoever keeps the need of serving the request cannot stay at home."""
    problem = a_problem()
    plan = Plan((assigned(),))
    bound, duals = a_proof(problem, plan, Stage.TRAVEL)
    assert bound == check.values(problem, plan)[Stage.TRAVEL]
    assert duals.need > 0


# Tampering -------------------------------------------------------------------------------------------------------------

Change = Callable[[Any], None]


def _duals(stage: int, field: str, value: Any) -> Change:
    def change(document: Any) -> None:
        document["duals"][stage][field] = value

    return change


def _kept(request: int, by: int) -> Change:
    def change(document: Any) -> None:
        document["duals"][2]["kept"][request] += by

    return change


def _split(by: int) -> Change:
    def change(document: Any) -> None:
        document["duals"][2]["splits"][0]["rewards"][0] += by

    return change


def _bound(stage: int, by: int) -> Change:
    def change(document: Any) -> None:
        document["stages"][stage]["bound"] += by

    return change


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (_bound(2, -1), "need: claims the bound"),
        (_bound(0, -1), "emergency: claims the bound"),
        (_bound(3, -1), "promises: claims the bound"),
        (_kept(0, -5000), "need: "),
        (_kept(1, 5000), "need: claims the bound"),
        (_split(-2000), "need: splits: request 0"),
        (_split(3000), "need: claims the bound"),
        (_duals(2, "kept", [0]), "need: kept: 1 prices"),
        (_duals(2, "scale", 0), "need: scale"),
        (_duals(2, "scale", 500), "need: "),
        (_duals(2, "caps", [1]), "need: caps: 1 prices"),
        (_duals(2, "need", 1), "need: need: priced in a stage that comes before it"),
        (_duals(2, "quotas", [{"pool": 0, "node": 0, "price": 5}]), "need: quotas"),
        (_duals(2, "spacings", [{"series": 0, "day": 0, "price": 5}]), "need: spacings"),
        (_duals(2, "stage", "TRAVEL"), "need: no duals"),
        (
            lambda document: document["duals"].append(document["duals"][2]),
            "need: choices: two proofs make the same",
        ),
        (lambda document: document["duals"].pop(2), "need: no duals"),
        (lambda document: document["stages"].pop(), "stages"),
        (lambda document: document.update(input_sha256="0" * 64), "input_sha256"),
    ],
)
def test_a_tampered_proof_proves_nothing(change: Change, fault: str) -> None:
    problem = a_team()
    document = a_certificate(problem, Plan(()))
    assert certificate.bound_faults(problem, json.dumps(document).encode()) == []
    change(document)
    found = certificate.bound_faults(problem, json.dumps(document).encode())
    assert any(one.startswith(fault) for one in found), found


def test_another_problem_is_not_proven_by_the_same_prices() -> None:
    """With more time for everybody the bound of the tight round is wrong, and the check says so."""
    problem = one_at_a_time()
    document = a_certificate(problem, Plan(()))
    longer = tuple(
        dataclasses.replace(one, windows=(window(0, 8, 18),)) for one in problem.requests
    )
    other = dataclasses.replace(problem, requests=longer)
    document["input_sha256"] = formats.input_hash(other)
    found = certificate.bound_faults(other, json.dumps(document).encode())
    assert any(one.startswith("need: claims the bound") for one in found)


def test_prices_of_nothing_are_refused() -> None:
    problem = a_team()
    _, duals = a_proof(problem, Plan(()), Stage.NEED)
    for changed, sentence in (
        (dataclasses.replace(duals, kept=(-1, 0)), "negative"),
        (dataclasses.replace(duals, shares=(1,)), "shares"),
        (dataclasses.replace(duals, splits=(Split(7, 0, (1,)),)), "no request 7"),
        (dataclasses.replace(duals, splits=(Split(0, 540, (1,)),)), "one reward per seat"),
        (dataclasses.replace(duals, splits=(*duals.splits, *duals.splits)), "order"),
        (dataclasses.replace(duals, quotas=(QuotaPrice(9, 0, 1),)), "pool 9"),
        (dataclasses.replace(duals, spacings=(SpacingPrice(3, 0, 1),)), "no series 3"),
        (dataclasses.replace(duals, presences=(PresencePrice(0, 540, 0, -1),)), "negative"),
        (dataclasses.replace(duals, once=(ServedOnce(9, 0),)), "no expert 9"),
        (dataclasses.replace(duals, once=(ServedOnce(0, -1),)), "no request -1"),
        (dataclasses.replace(duals, once=2 * (ServedOnce(0, 0),)), "twice"),
        (dataclasses.replace(duals, presences=2 * (PresencePrice(0, 540, 0, 1),)), "twice"),
    ):
        with pytest.raises(Unproven, match=sentence):
            proven(problem, changed, {})


# Several proofs ---------------------------------------------------------------------------------------------------------


def divided() -> tuple[Problem, Plan, int, list[Duals]]:
    """A tiny problem of which one proof of need is not enough, its best plan, the bound, and what proves it together."""
    problem = a_problem_of(25)
    best = max(sound_plans(problem), key=lambda plan: key_of(problem, plan))
    bound, proofs = bounds_of(problem, best)[Stage.NEED]
    return problem, best, bound, [one.duals for one in proofs]


def test_where_the_linear_program_is_between_plans_proofs_of_both_sides_close_the_gap() -> None:
    problem, best, bound, proofs = divided()
    values = check.values(problem, best)
    alone, _ = a_proof(problem, best, Stage.NEED)
    assert values[Stage.NEED] == bound < alone
    assert len(proofs) > 2
    assert proven_together(problem, proofs, values) == bound
    assert [one.choices for one in proofs if not one.choices] == [()]


def test_a_side_that_nobody_has_proven_is_missed() -> None:
    problem, best, bound, proofs = divided()
    values = check.values(problem, best)
    for index, one in enumerate(proofs):
        others = proofs[:index] + proofs[index + 1 :]
        if one.choices:
            with pytest.raises(Unproven, match="some plans have no proof"):
                proven_together(problem, others, values)
        else:
            # what the sides prove needs no proof of all plans beside
            assert proven_together(problem, others, values) == bound


def test_what_is_proven_of_one_side_is_not_of_the_other() -> None:
    """A proof that claims to be about other plans than it was made for proves less, or is refused."""
    problem, best, bound, proofs = divided()
    values = check.values(problem, best)
    for index, one in enumerate(proofs):
        for place, choice in enumerate(one.choices):
            turned = dataclasses.replace(choice, holds=not choice.holds)
            choices = (*one.choices[:place], turned, *one.choices[place + 1 :])
            changed = dataclasses.replace(one, choices=choices)
            with pytest.raises(Unproven, match=r"choices|kept|dues|splits"):
                proven_together(problem, [*proofs[:index], changed, *proofs[index + 1 :]], values)
    sides = [dataclasses.replace(one, choices=(), dues=()) for one in proofs if one.choices]
    for one in sides:
        try:
            assert proven(problem, one, values) >= bound
        except Unproven:
            continue


@pytest.mark.parametrize(
    ("choices", "dues", "sentence"),
    [
        ((Choice(9),), (0,), "no request 9"),
        ((Choice(-1),), (0,), "no request -1"),
        ((Choice(0, expert=99),), (0,), "no expert 99"),
        ((Choice(0, expert=0, before=600),), (0,), "at once"),
        ((Choice(0), Choice(0, holds=False)), (0, 0), "made twice"),
        ((Choice(0),), (), "dues: 0, there are 1"),
        ((Choice(0),), (5,), "only an expert"),
        ((Choice(0, expert=0, holds=False),), (5,), "only an expert"),
        (tuple(Choice(0, before=start) for start in range(300)), (0,) * 300, "more than"),
    ],
)
def test_choices_about_nothing_are_refused(
    choices: tuple[Choice, ...], dues: tuple[int, ...], sentence: str
) -> None:
    problem = a_team()
    _, duals = a_proof(problem, Plan(()), Stage.NEED)
    with pytest.raises(Unproven, match=sentence):
        proven(problem, dataclasses.replace(duals, choices=choices, dues=dues), {})


def test_what_an_expert_is_due_is_given_back() -> None:
    """Whoever serves by choice may earn anything besides: it is taken off again, so that the bound of these plans stays."""
    problem = a_problem()
    plan = Plan((assigned(),))
    need = check.values(problem, plan)[Stage.NEED]
    _, duals = a_proof(problem, plan, Stage.NEED)
    for due in (-1_000_000, 0, 1_000_000):
        chosen = dataclasses.replace(duals, choices=(Choice(0, expert=0),), dues=(due,))
        assert proven(problem, chosen, check.values(problem, plan)) >= need


def test_the_floor_needs_weights_that_add_up() -> None:
    seeded = next(one for one in map(a_problem_of, range(50)) if one.shares)
    _, duals = a_proof(seeded, Plan(()), Stage.FLOOR)
    lighter = dataclasses.replace(duals, shares=tuple(max(0, one - 1) for one in duals.shares))
    with pytest.raises(Unproven, match="shares: weigh"):
        proven(seeded, lighter, {})


def test_the_command_proves_and_notices(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    problem, proof = tmp_path / "problem.json", tmp_path / "certificate.json"
    problem.write_bytes(formats.canonical_bytes(a_team()))
    document = a_certificate(a_team(), Plan(()))
    proof.write_text(json.dumps(document))
    command = ["check-bound", str(problem), str(proof)]
    assert main(command) == 0
    assert "need ≤ 134" in capsys.readouterr().out
    _bound(2, -1)(document)
    proof.write_text(json.dumps(document))
    assert main(command) == 1
    assert "need: claims the bound 133, its duals prove 134" in capsys.readouterr().out


def test_the_dearest_visits_bound_a_day_that_is_too_long_to_look_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    problem = one_at_a_time()
    _, duals = a_proof(problem, Plan(()), Stage.NEED)
    exact = proven(problem, duals, {})
    monkeypatch.setattr(check_bound, "STEPS_MAX", 0)
    assert proven(problem, duals, {}) >= exact
