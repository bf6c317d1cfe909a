import dataclasses
import itertools

import numpy as np
import pytest

from services.scheduling.optimizer.orienteering import bounding, kernel, referee
from services.scheduling.optimizer.orienteering.bounding import bound
from services.scheduling.optimizer.orienteering.combining import Column, combined
from services.scheduling.optimizer.orienteering.packed import packed
from services.scheduling.optimizer.orienteering.search import Params, search
from tests.unit.scheduling.optimizer.orienteering.instances import by_dice, instance_of, optimum


@pytest.mark.parametrize("seed", range(30))
def test_tiny_instances_are_solved_to_their_optimum_and_the_bound_is_never_below(seed):
    instance = by_dice(seed)
    best = optimum(instance)
    found = search(instance, seed=1, iterations=3_000)
    assert referee.broken(instance, found.tours) == []
    assert found.profit == referee.profit(instance, found.tours) == best
    assert best <= found.bound
    for pricings in (0, 1, 4, 40, 400):
        assert bound(instance, pricings=pricings).value >= best


@pytest.mark.parametrize("seed", range(60, 68))
def test_whatever_the_search_finds_the_referee_passes_and_the_bound_exceeds(seed):
    instance = by_dice(seed, nodes=40)
    reported = []
    found = search(
        instance,
        seed=seed,
        iterations=2_000,
        observe=lambda profit, tours: reported.append((profit, tours)),
    )
    for profit, tours in [*reported, (found.profit, found.tours)]:
        assert referee.broken(instance, tours) == []
        assert referee.profit(instance, tours) == profit
    assert found.bound >= found.profit
    for pricings in (30, 300):
        assert bound(instance, pricings=pricings, known=found.tours).value >= found.profit


@pytest.mark.parametrize("seed", range(200))
def test_no_tour_earns_more_than_pricing_says(seed):
    """Whatever the rewards, the grid and what nodes remember. Long services let slots be wide, so that many starts share one."""
    dice = np.random.default_rng(seed)
    windows = []
    for _ in range(7):
        opens = int(dice.integers(0, 250))
        windows.append(((opens, opens + int(dice.integers(5, 250))),))
    instance = instance_of(
        points=tuple((int(x), int(y)) for x, y in dice.integers(0, 8, (7, 2))),
        service=(0, *(int(s) for s in dice.integers(40, 70, 6))),
        windows=((((0, 400),), *windows[1:]),),
    )
    pack = packed(instance)
    reward = dice.integers(1_000, 9_000, 7)
    reward[0] = 0
    real = max(
        (
            int(reward[list(nodes)].sum())
            for size in range(1, 7)
            for nodes in itertools.permutations(range(1, 7), size)
            if bounding._sound(pack, 0, nodes)
        ),
        default=0,
    )
    for slots, memory in ((4, 1), (4, 6), (30, 3), (10_000, 6)):
        zones = [[0], *(list(near[:memory]) for near in pack.near[1:].tolist())]
        level = bounding._Level(pack, 0, slots, zones)
        value, tours = level.best(pack, 0, reward, 0)
        assert value >= real
        assert value == max([0, *(int(reward[list(nodes)].sum()) for nodes in tours)])
    assert value == real  # the finest grid and all memory: nothing is relaxed


def test_what_a_tour_repeats_is_remembered():
    """Between the two visits to a node every other one keeps it in mind from then on."""
    pack = packed(by_dice(61, nodes=40))
    generation = bounding.Generation(pack)
    far = int(pack.near[1, -1])
    assert 1 not in generation._zones[0][far]
    assert generation._grow([(0, (1, far, 1, 2))])
    assert 1 in generation._zones[0][far]
    assert not generation._grow([(0, (1, far, 1, 2))])


def test_a_bound_is_what_profits_can_add_up_to():
    for seed in range(10):
        instance = by_dice(seed, nodes=12)
        tens = dataclasses.replace(instance, profit=tuple(10 * one for one in instance.profit))
        assert bound(tens, pricings=20).value % 10 == 0


def test_the_search_ends_with_a_proof():
    """Not everything can be had, so only the bound can end it."""
    instance = by_dice(60, nodes=12)
    found = search(instance, seed=1, iterations=10**9, params=Params(per_pricing=10**6))
    assert found.profit == found.bound < sum(instance.profit)


def test_times_that_are_mended_are_those_found_anew():
    for seed in range(30):
        pack = packed(by_dice(seed, nodes=12))
        tour = np.zeros((pack.tours, 14), np.int32)
        length = np.zeros(pack.tours, np.int64)
        start, latest = np.zeros((pack.tours, 14), np.int64), np.zeros((pack.tours, 14), np.int64)
        timing = (pack.hop, pack.opens, pack.closes, pack.kinds)
        dice = np.random.default_rng(seed)
        assert kernel.retime(*timing, 0, tour, length, start, latest)
        for node in dice.permutation(np.arange(1, 12)):
            at = int(dice.integers(1, length[0] + 2))
            tried, tried_length = tour.copy(), length.copy()
            tried[0, at + 1 :] = tour[0, at:-1]
            tried[0, at] = node
            tried_length[0] += 1
            anew, anew_latest = start.copy(), latest.copy()
            if kernel.retime(*timing, 0, tried, tried_length, anew, anew_latest):
                kernel._put(*timing, 0, at, node, tour, length, start, latest)
                end = length[0] + 2
                assert (tour[0, :end] == tried[0, :end]).all()
                assert (start[0, :end] == anew[0, :end]).all()
                assert (latest[0, :end] == anew_latest[0, :end]).all()


def test_the_same_seed_and_iterations_give_the_same_tours():
    instance = by_dice(7, nodes=60)
    first, again = (search(instance, seed=3, iterations=5_000) for _ in range(2))
    assert first == again
    others = [search(instance, seed=seed, iterations=500).tours for seed in range(4, 8)]
    assert any(other != first.tours for other in others)


def test_the_search_ends_when_everything_is_had():
    found = search(instance_of(), seed=1, iterations=10**9)
    assert found.profit == 5


def test_a_limit_must_be_said():
    with pytest.raises(ValueError, match="say seconds or iterations"):
        search(instance_of(), seed=1)
    with pytest.raises(ValueError, match="say seconds or iterations"):
        bound(instance_of())


def test_the_bound_of_what_nobody_can_reach_is_nothing():
    assert bound(instance_of(windows=((((0, 99),), ((0, 1_000),)),)), pricings=1).value == 0


def test_travel_of_the_search_is_that_of_the_referee():
    for seed in range(5):
        instance = by_dice(seed, nodes=15)
        hop = packed(instance).hop
        for a, b in itertools.permutations(range(instance.nodes), 2):
            assert hop[a, b] == instance.service[a] + referee.travel(instance, a, b)


def test_columns_are_combined_to_the_best_packing():
    pack = packed(
        instance_of(points=tuple((i, 0) for i in range(5)), profit=(0, 3, 4, 5, 6), tours=2)
    )
    columns = [Column(0, nodes) for nodes in ((1, 2), (3, 4), (2, 3), (1,), (4,))]
    tours = combined(pack, columns, above=10).tours
    assert sorted(tours) == [(1, 2), (3, 4)]
    assert combined(pack, columns, above=18).tours is None


def test_the_exact_bound_is_met_by_brute_force_on_average():
    """Not only valid: on tiny instances it is close."""
    gaps = []
    for seed in range(6):
        instance = by_dice(seed)
        best = optimum(instance)
        gaps.append((bound(instance, pricings=40, below=best).value - best) / max(best, 1))
    assert np.mean(gaps) < 0.05
