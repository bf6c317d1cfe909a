"""A desk: who comes alone is served at once, who comes in a rush is served with the others, and nobody for another."""

import asyncio
from collections.abc import Sequence

import pytest

from libs.errors import Refusal, WrongState
from libs.rpc.desk import Desk


class NotThat(WrongState):
    """For the tests."""


class Counter:
    """Doubles numbers; refuses 13, fails for 66, finds everything away for 99."""

    def __init__(self) -> None:
        self.turns: list[list[int]] = []
        self.open = asyncio.Event()
        self.open.set()

    async def act(self, asked: Sequence[int]) -> Sequence[int | Refusal]:
        self.turns.append(list(asked))
        await self.open.wait()
        if 66 in asked:
            raise KeyError
        if 99 in asked:
            raise ConnectionResetError
        return [NotThat("no") if one == 13 else 2 * one for one in asked]


async def rush(desk: Desk[int, int], counter: Counter, *numbers: int) -> list[object]:
    """What each gets: the first is at the desk when the others come."""
    counter.open.clear()
    tasks = []
    async with asyncio.TaskGroup() as group:
        for one in numbers:
            asking = told(desk, one) if one in {13, 66, 99} else desk.ask(one)
            tasks.append(group.create_task(asking))
            if len(tasks) == 1:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.01)
        counter.open.set()
    return [task.result() for task in tasks]


async def told(desk: Desk[int, int], one: int) -> type[BaseException]:
    with pytest.raises((Refusal, KeyError, ConnectionResetError)) as caught:
        await desk.ask(one)
    return caught.type


async def test_the_first_does_not_wait_and_those_who_come_meanwhile_are_served_together() -> None:
    counter = Counter()
    desk = Desk(counter.act, most=3)
    assert await rush(desk, counter, 1, 2, 3, 4, 5) == [2, 4, 6, 8, 10]
    assert counter.turns == [[1], [2, 3, 4], [5]]
    assert await desk.ask(6) == 12


async def test_a_refusal_is_for_the_one_it_was_given_for() -> None:
    counter = Counter()
    assert await rush(Desk(counter.act, most=9), counter, 1, 13, 3) == [2, NotThat, 6]
    assert counter.turns == [[1], [13, 3]]


async def test_one_that_cannot_be_done_takes_no_other_with_it() -> None:
    counter = Counter()
    assert await rush(Desk(counter.act, most=9), counter, 1, 2, 66, 3) == [2, 4, KeyError, 6]
    assert counter.turns == [[1], [2, 66, 3], [2], [66], [3]]


async def test_when_something_is_away_nobody_is_tried_alone() -> None:
    counter = Counter()
    desk = Desk(counter.act, most=9)
    assert await rush(desk, counter, 99, 99, 99) == [ConnectionResetError] * 3
    assert counter.turns == [[99], [99, 99]]


async def test_who_leaves_the_line_is_not_served_and_who_leaves_the_desk_stops_nobody() -> None:
    counter = Counter()
    desk = Desk(counter.act, most=9)
    counter.open.clear()
    async with asyncio.TaskGroup() as group:
        first = group.create_task(desk.ask(1))
        await asyncio.sleep(0.01)
        second, third = (group.create_task(desk.ask(one)) for one in (2, 3))
        await asyncio.sleep(0.01)
        first.cancel()
        second.cancel()
        await asyncio.sleep(0.01)
        counter.open.set()
    assert third.result() == 6
    assert counter.turns == [[1], [3]]
