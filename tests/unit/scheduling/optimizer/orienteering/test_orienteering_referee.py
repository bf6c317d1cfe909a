import pytest

from services.scheduling.optimizer.orienteering import referee
from tests.unit.scheduling.optimizer.orienteering.instances import instance_of


@pytest.mark.parametrize(("last", "sound"), [(50, True), (49, False)])
def test_service_may_start_at_the_end_of_the_window_and_not_a_tick_later(last, sound):
    """The node is 5.0 units away: 50 ticks."""
    instance = instance_of(windows=((((0, 1_000),), ((0, last),)),))
    assert (referee.broken(instance, ((1,),)) == []) is sound


@pytest.mark.parametrize(("home", "sound"), [(110, True), (109, False)])
def test_a_tour_may_be_back_at_closing_and_not_a_tick_later(home, sound):
    """50 there, 10 of service, 50 back."""
    instance = instance_of(windows=((((0, home),), ((0, 50),)),))
    assert (referee.broken(instance, ((1,),)) == []) is sound


@pytest.mark.parametrize(("home", "sound"), [(260, True), (259, False)])
def test_who_comes_early_waits(home, sound):
    instance = instance_of(windows=((((0, home),), ((200, 300),)),))
    assert (referee.broken(instance, ((1,),)) == []) is sound


@pytest.mark.parametrize(("home", "sound"), [(360, True), (359, False)])
def test_between_two_windows_one_waits_for_the_second(home, sound):
    instance = instance_of(windows=((((0, home),), ((0, 49), (300, 400))),))
    assert (referee.broken(instance, ((1,),)) == []) is sound


def test_windows_are_those_of_the_tours_kind():
    never, always = ((0, 1),), ((0, 1_000),)
    instance = instance_of(windows=((always, never), (always, always)), tours=2)
    assert referee.broken(instance, ((), (1,))) == []
    assert referee.broken(instance, ((1,), ())) == [
        "tour 0: node 1 is reached at 50, after its last window"
    ]


@pytest.mark.parametrize(("capacity", "sound"), [(6, True), (5, False)])
def test_a_resource_may_be_used_up_and_no_more(capacity, sound):
    instance = instance_of(
        points=((0, 0), (1, 0), (2, 0)), needs=((0,), (2,), (4,)), capacities=(capacity,)
    )
    assert (referee.broken(instance, ((1, 2),)) == []) is sound


@pytest.mark.parametrize(
    ("tours", "fault"),
    [
        (((1,), (1,)), "node 1 is served 2 times"),
        (((1, 1),), "node 1 is served 2 times"),
        (((2,),), "there is no node 2 to serve"),
        (((0,),), "there is no node 0 to serve"),
        (((), (), (1,)), "3 tours, 2 allowed"),
    ],
)
def test_what_is_no_solution_is_named(tours, fault):
    assert referee.broken(instance_of(tours=2), tours) == [fault]


@pytest.mark.parametrize(("x", "ticks"), [(1, 14), (2, 22), (3, 31)])
def test_travel_is_rounded_down(x, ticks):
    """From (0, 0) to (x, 1): 1.41, 2.23, 3.16; the ways there and back, and no service."""
    points = ((0, 0), (x, 1))
    for home, sound in ((2 * ticks, True), (2 * ticks - 1, False)):
        instance = instance_of(
            points=points, service=(0, 0), windows=((((0, home),), ((0, 1_000),)),)
        )
        assert (referee.broken(instance, ((1,),)) == []) is sound
