import itertools

import numpy as np
import pytest

from services.scheduling.optimizer.orienteering import referee
from services.scheduling.optimizer.orienteering.bounding import bound
from services.scheduling.optimizer.orienteering.combining import Column, combined
from services.scheduling.optimizer.orienteering.packed import packed
from services.scheduling.optimizer.orienteering.search import search
from tests.unit.scheduling.optimizer.orienteering.instances import by_dice, instance_of, optimum


@pytest.mark.parametrize("seed", range(30))
def test_tiny_instances_are_solved_to_their_optimum_and_the_bound_is_never_below(seed):
    instance = by_dice(seed)
    best = optimum(instance)
    found = search(instance, seed=1, iterations=3_000)
    assert referee.broken(instance, found.tours) == []
    assert found.profit == referee.profit(instance, found.tours) == best
    for pricings in (0, 1, 4, 40):
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
    assert bound(instance, pricings=30, known=found.tours).value >= found.profit


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
            assert hop[a, b] == instance.service[a] + referee._travel(instance, a, b)


def test_columns_are_combined_to_the_best_packing():
    pack = packed(
        instance_of(points=tuple((i, 0) for i in range(5)), profit=(0, 3, 4, 5, 6), tours=2)
    )
    columns = [Column(0, nodes) for nodes in ((1, 2), (3, 4), (2, 3), (1,), (4,))]
    tours, _ = combined(pack, columns, above=10)
    assert sorted(tours) == [(1, 2), (3, 4)]
    assert combined(pack, columns, above=18)[0] is None


def test_the_exact_bound_is_met_by_brute_force_on_average():
    """Not only valid: on tiny instances it is close."""
    gaps = []
    for seed in range(6):
        instance = by_dice(seed)
        best = optimum(instance)
        gaps.append((bound(instance, pricings=40, below=best).value - best) / max(best, 1))
    assert np.mean(gaps) < 0.05
