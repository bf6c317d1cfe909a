"""That no bound is below what can be had, where many ways lead to the same node: a fault in the dominance shows only there."""

import dataclasses

import numpy as np
import pytest

from services.scheduling.optimizer.orienteering import bounding, referee
from services.scheduling.optimizer.orienteering.bounding import bound
from services.scheduling.optimizer.orienteering.packed import packed, quickest
from services.scheduling.optimizer.stop import Stop
from tests.unit.scheduling.optimizer.orienteering import check_bound
from tests.unit.scheduling.optimizer.orienteering.instances import (
    crowded,
    instance_of,
    packing,
    servable,
)


def _rewards(dice, instance):
    """Some below zero, some alike, some alike but for a millesimal."""
    n = instance.nodes
    steps = dice.choice([-2_000, 2, 500, 2_000, 2_000, 4_000, 4_000, 6_000], n)
    reward = steps + dice.integers(0, 2, n)
    reward[0] = 0
    return reward.astype(np.int64)


@pytest.mark.parametrize("seed", range(200))
def test_pricing_is_between_the_exact_times_and_the_beginnings_of_slots(seed):
    """On the finest grid both are the same. Several prices one after the other, because the room for labels is used again."""
    dice = np.random.default_rng(seed)
    instance = crowded(seed)
    pack = packed(instance)
    kind = seed % instance.kinds
    for slots, memory in ((10_000, 1), (10_000, 4), (10_000, 11), (40, 3), (10, 11), (5, 2)):
        zones = [[0], *(list(near[:memory]) for near in pack.near[1:].tolist())]
        level = bounding._Level(pack, kind, slots, zones)
        for _ in range(2):
            # Who serves what is worth nothing could forget more than the pricing lets them.
            reward = np.abs(_rewards(dice, instance))
            least = check_bound.best_tour(instance, kind, reward.tolist(), zones=zones)
            most = least
            if level.shift:
                most = check_bound.best_tour(
                    instance, kind, reward.tolist(), zones=zones, width=1 << level.shift
                )
            for cut in (0, least // 2, max(0, least - 1), least, least + 1):
                value, tours = level.best(pack, kind, reward, cut)
                assert max(least, cut) <= value <= max(most, cut)
                assert value == max([cut, *(int(reward[list(nodes)].sum()) for nodes in tours)])


@pytest.mark.parametrize("seed", range(200))
def test_no_set_of_nodes_earns_more_than_pricing_says(seed):
    """Whatever is remembered, a tour without repeats is among those that pricing looks at."""
    dice = np.random.default_rng(seed)
    instance = crowded(1_000 + seed)
    pack = packed(instance)
    for kind in range(instance.kinds):
        sets = np.array(servable(instance, kind))
        served = sets[:, None] >> np.arange(instance.nodes) & 1
        for slots, memory in ((10_000, 11), (60, 6), (20, 4), (8, 11), (5, 1)):
            zones = [[0], *(list(near[:memory]) for near in pack.near[1:].tolist())]
            level = bounding._Level(pack, kind, slots, zones)
            for _ in range(4):
                reward = _rewards(dice, instance)
                real = int((served @ reward).max())
                for cut in (0, real - real // 4):
                    value, _tours = level.best(pack, kind, reward, cut)
                    assert value >= real
                    assert value == real or level.shift or memory < 11


@pytest.mark.parametrize("seed", range(80))
def test_what_prices_prove_is_found_again_without_the_pricing(seed):
    """On the finest grid, where all is remembered, to the millesimal; and no prices prove less than what can be had."""
    dice = np.random.default_rng(seed)
    instance = crowded(2_000 + seed)
    pack = packed(instance)
    generation = bounding.Generation(pack)
    everyone = [[0], *(list(near) for near in pack.near[1:].tolist())]
    levels = [bounding._Level(pack, k, 10_000, everyone) for k in range(pack.kinds)]
    best = packing(instance)
    assert generation.best.value >= best
    for _ in range(3):
        prices = dice.choice([0, 333, 2_000, 5_001, 14_000], instance.nodes).astype(np.int64)
        prices[0] = 0
        rates = dice.choice([0, 77, 1_500], len(instance.capacities)).astype(np.int64)
        exact, *_ = generation._price(levels, prices, rates)
        assert exact == check_bound.lagrangian(instance, prices.tolist(), rates.tolist())
        assert exact >= best * 1_000
        assert generation.best.value >= best


@pytest.mark.parametrize("seed", range(60))
def test_a_bound_is_not_below_the_optimum_nor_below_what_its_prices_prove(seed):
    instance = crowded(3_000 + seed)
    best = packing(instance)
    for pricings in (0, 1, 5, 25, 150):
        found = bound(instance, pricings=pricings)
        assert found.value >= best
        if found.prices:
            proven = check_bound.lagrangian(instance, found.prices, found.rates)
            assert proven >= best * 1_000
            # Multiples of more than 1 are tried by themselves.
            assert (
                found.settled
                or found.value >= proven // 1_000
                or np.gcd.reduce(instance.profit) > 1
            )
        assert not found.settled or found.value == best


@pytest.mark.parametrize("seed", range(200))
def test_every_tour_that_earns_enough_is_listed_and_no_other(seed):
    """Whatever the grid and what is remembered: they only say how many parts of tours are looked at."""
    dice = np.random.default_rng(seed)
    instance = crowded(4_000 + seed)
    pack = packed(instance)
    relaxed = dataclasses.replace(pack, hop=quickest(pack.hop))
    kind = seed % instance.kinds
    sets = np.array(servable(instance, kind))
    served = sets[:, None] >> np.arange(instance.nodes) & 1
    for slots, memory in ((10_000, 1), (10_000, 4), (10_000, 11), (40, 3), (10, 11), (5, 2)):
        zones = [[0], *(list(near[:memory]) for near in pack.near[1:].tolist())]
        level = bounding._Level(relaxed, kind, slots, zones)
        for _ in range(2):
            reward = np.maximum(1, _rewards(dice, instance))
            reward[0] = 0
            worth = served @ reward
            for cut in {0, *dice.choice(worth, 3).tolist(), int(worth.max()) - 1, int(worth.max())}:
                listed = level.every(pack, relaxed, kind, reward, cut)
                assert {column.kind for column in listed} <= {kind}
                assert all(bounding._sound(pack, *column) for column in listed)
                assert sorted(sum(1 << node for node in column.nodes) for column in listed) == (
                    sorted(sets[worth > cut].tolist())
                )


def test_too_many_tours_to_look_at_settle_nothing(monkeypatch):
    instance = crowded(4_003)
    pack = packed(instance)
    zones = [[0], *(list(near[:6]) for near in pack.near[1:].tolist())]
    level = bounding._Level(pack, 0, 1_000, zones)
    reward = pack.profit * 1_000
    many = len(level.every(pack, pack, 0, reward, 0))
    assert many > 3
    monkeypatch.setattr(bounding, "LISTED_MAX", many - 1)
    assert level.every(pack, pack, 0, reward, 0) is None
    monkeypatch.setattr(bounding, "LISTED_MAX", many)
    monkeypatch.setattr(bounding, "STATES_LISTED_MAX", many - 1)
    assert level.every(pack, pack, 0, reward, 0) is None
    assert not bound(instance, pricings=40).settled


@pytest.mark.parametrize("seed", range(60))
def test_what_is_settled_is_the_optimum_and_found(seed):
    """However much is known to be reached; and where nothing is said, tours are given for it."""
    instance = crowded(5_000 + seed)
    best = packing(instance)
    for below in (0, best // 2, best - 1, best):
        generation = bounding.Generation(packed(instance), below)
        generation.run(Stop(seconds=None, iterations=400))
        assert generation.best.value >= best
        assert below <= generation.reached <= best
        if generation.found:
            assert not referee.broken(instance, generation.found)
            assert instance.collected(generation.found) == generation.reached
        if generation.best.settled:
            assert generation.best.value == best == generation.reached


def test_what_a_detour_reaches_sooner_counts():
    """Rounded down, 31 + 31 ticks lead to the second node, and 63 straight: it cannot be served alone, and only so with the first."""
    points = ((0, 0), (1, 3), (2, 6))
    there = instance_of(
        points=points, service=(0, 0, 9), windows=((((0, 400),), ((0, 62),), ((0, 62),)),)
    )
    back = instance_of(
        points=points, service=(0, 0, 9), windows=((((0, 300),), ((0, 300),), ((229, 300),)),)
    )
    for instance in (there, back):
        assert packing(instance) == 10
        for pricings in (0, 1, 20):
            assert bound(instance, pricings=pricings).value >= 10
        # Listed are tours as they are, though the pricing takes every detour for the way.
        pack = packed(instance)
        relaxed = dataclasses.replace(pack, hop=quickest(pack.hop))
        assert bound(instance, pricings=400).value == 10
        level = bounding._Level(relaxed, 0, 1_000, [[0], [1, 2], [2, 1]])
        listed = level.every(pack, relaxed, 0, np.array([0, 1, 1]), 0)
        assert {frozenset(column.nodes) for column in listed} == {frozenset({1}), frozenset({1, 2})}


@pytest.mark.parametrize("below", [0, 5, 14, 15, 16, 19, 20])
def test_who_is_told_what_no_profits_add_up_to_still_finds_the_best(below):
    """Three nodes of 10 each can be had two at a time."""
    near = ((0, 0), (3, 4), (3, 4), (3, 4))
    instance = instance_of(
        points=near, profit=(0, 10, 10, 10), windows=(tuple(((0, 125),) for _ in near),)
    )
    assert packing(instance) == 20
    assert bound(instance, pricings=200, below=below).value == 20


def test_bound_and_best_meet_where_tours_are_few():
    settled = [bound(crowded(6_000 + seed), pricings=400).settled for seed in range(20)]
    assert sum(settled) >= 10


def test_negative_prices_prove_nothing():
    with pytest.raises(ValueError, match="negative"):
        check_bound.lagrangian(instance_of(), (0, -1), ())


def test_the_recheck_knows_a_tour_by_hand():
    """50 ticks there, 10 of service, 50 back; a price of 2 and a rate of 1 for each of 3 needed leave nothing of a profit of 5."""
    instance = instance_of(needs=((0,), (3,)), capacities=(4,), tours=2)
    assert check_bound.lagrangian(instance, (0, 0), (0,)) == 2 * 5_000
    assert check_bound.lagrangian(instance, (0, 2_000), (0,)) == 2_000 + 2 * 3_000
    assert check_bound.lagrangian(instance, (0, 2_000), (1_000,)) == 2_000 + 4_000


@pytest.mark.parametrize(("home", "most"), [(110, 5), (109, 0)])
def test_who_is_back_just_at_closing_counts(home, most):
    """50 ticks there, 10 of service, 50 back, and nobody else: only the pricing of first stops decides."""
    instance = instance_of(windows=((((0, home),), ((0, 50),)),))
    assert bound(instance, pricings=30).value == most
