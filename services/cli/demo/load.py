"""Loads the demonstration through the API: in order, many calls at once, and any number of times.

Each call carries a request id made of the thing's own key, so that a load which was interrupted goes on where it
stopped, and one that was complete changes nothing. A node of its own remembers since when the demonstration plays.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import Any

import grpc
from google.protobuf.message import Message
from zhihui.events.v1 import events_pb2 as events
from zhihui.experts.v1 import experts_pb2 as experts

from libs.geo import calendar
from libs.geo.calendar import Period
from libs.rpc.status import refusal_from
from services.cli.demo import wire
from services.cli.demo.generate import generate
from services.cli.demo.model import Demo, Expert, Node
from services.cli.demo.places import CITY_KEY

AT_ONCE = 8
"""Calls in progress at each of the two services."""
MARK = "example"
"""The node that remembers `as_of`, seed and size."""
_MARK_WORDS = re.compile(r"^Example data, seed (\d+), size (\d+)$")
_ALREADY = re.compile(r"_EXISTS$")

Step = Callable[[int], None]
"""Told of each call that was done: how many."""


class OtherDemo(Exception):
    """Here is a demonstration of another size or seed; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load has brought about; `calls` is how many it took."""

    demo: Demo
    calls: int


class Loader:
    """Loads one demonstration over two stubs."""

    def __init__(self, events_stub: Any, experts_stub: Any, *, seed: int, size: int) -> None:
        self._events = _Calls(events_stub)
        self._experts = _Calls(experts_stub)
        self._seed = seed
        self._size = size

    async def demo(self, *, today: date) -> Demo:
        """The demonstration of this stack: as it was begun before, or as of `today`.

        Raises:
            OtherDemo: one of another size or seed was begun here.
        """
        as_of = await self._began(today)
        return await asyncio.to_thread(generate, as_of=as_of, seed=self._seed, size=self._size)

    async def _began(self, today: date) -> date:
        name = f"nodes/{MARK}"
        try:
            found = await self._events.stub.GetNode(events.GetNodeRequest(name=name))
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.NOT_FOUND:
                raise
            return today
        words = _MARK_WORDS.match(found.node.display_name_en)
        if words is None or (int(words[1]), int(words[2])) != (self._seed, self._size):
            raise OtherDemo(
                f"这里已有另一份演示数据（{found.node.display_name_en}）。换一个数据目录，或先删除它。"
                f"Another demonstration is here ({found.node.display_name_en}): use another folder, or delete this one."
            )
        return date.fromisoformat(found.node.validity.start_date)

    def total(self, demo: Demo) -> int:
        """Calls that `load` makes for `demo`."""
        talks = [talk for expert in demo.experts for talk in expert.talks]
        versions = [version for talk in talks for version in talk.versions]
        dated = sum(len(series.requests) for series in demo.series)
        return (
            1
            + len(demo.nodes)
            + len(demo.venues)
            + len(demo.pools)
            + len(demo.agreements)
            + 2 * len(demo.experts)
            + len(versions)
            + sum(len(version.reviews) for version in versions)
            + len(demo.series)
            + 2 * len(demo.requests)
            - dated
        )

    async def load(self, demo: Demo, *, step: Step) -> None:
        """Bring all of `demo` about; what is there already stays as it is."""
        self._events.step = self._experts.step = step
        async with asyncio.TaskGroup() as group:
            group.create_task(self._load_events(demo))
            group.create_task(self._load_experts(demo))

    async def _load_events(self, demo: Demo) -> None:
        city, *levels = _levels(demo.nodes)
        assert [node.key for node in city] == [CITY_KEY], "one city is above everything"
        for level in [city, [_mark(demo)], *levels]:
            await self._events.each(level, self._node)
        await self._events.each(demo.venues, self._venue)
        owners = {talk.key: expert.key for expert in demo.experts for talk in expert.talks}
        programmes = {demo.tour.key: demo.tour.title}
        asked = {
            request.key: wire.request(request, owners=owners, programmes=programmes)
            for request in demo.requests
        }
        in_series = {key for series in demo.series for key in series.requests}

        async def file(key: str) -> None:
            await self._events.call(
                "FileRequest",
                events.FileRequestRequest(id=key, request=asked[key], submit=True),
                key=f"{key}-file",
            )

        async def endorse(key: str) -> None:
            name = f"requests/{key}"
            message = events.EndorseRequestRequest(name=name)
            await self._events.call("EndorseRequest", message, key=f"{key}-endorse")

        async def start(series: Any) -> None:
            message = events.CreateSeriesRequest(
                series_id=series.key,
                series=wire.series(series),
                requests=[asked[key] for key in series.requests],
                ids=series.requests,
            )
            await self._events.call("CreateSeries", message, key=series.key)

        await self._events.each([key for key in asked if key not in in_series], file)
        await self._events.each(demo.series, start)
        await self._events.each(list(asked), endorse)

    async def _node(self, node: Node) -> None:
        message = events.CreateNodeRequest(node_id=node.key, node=wire.node(node))
        await self._events.call("CreateNode", message, key=node.key)

    async def _venue(self, venue: Any) -> None:
        message = events.CreateVenueRequest(venue_id=venue.key, venue=wire.venue(venue))
        await self._events.call("CreateVenue", message, key=venue.key)

    async def _load_experts(self, demo: Demo) -> None:
        async def pool(value: Any) -> None:
            message = experts.CreatePoolRequest(pool_id=value.key, pool=wire.pool(value))
            await self._experts.call("CreatePool", message, key=value.key)

        async def share(value: Any) -> None:
            message = experts.CreateSharingAgreementRequest(
                parent=f"pools/{value.pool}",
                agreement_id=value.key,
                agreement=wire.agreement(value),
            )
            await self._experts.call("CreateSharingAgreement", message, key=value.key)

        whole = Period(
            calendar.instant(demo.start, time()),
            calendar.instant(demo.end, time()),
        )
        await self._experts.each(demo.pools, pool)
        # one after the other: agreements of one pool would only wait for each other
        for agreement in demo.agreements:
            await share(agreement)
        await self._experts.each(demo.experts, lambda expert: self._expert(expert, whole))

    async def _expert(self, expert: Expert, whole: Period) -> None:
        """One person's calls, in order: they would only wait for each other."""
        call, name = self._experts.call, f"experts/{expert.key}"
        await call(
            "RegisterExpert",
            experts.RegisterExpertRequest(
                expert_id=expert.key,
                expert=wire.expert(expert),
                personal_data=wire.personal_data(expert),
            ),
            key=expert.key,
        )
        await call(
            "SetAvailability",
            experts.SetAvailabilityRequest(
                expert=name,
                period=wire.period(whole),
                windows=[wire.period(window) for window in expert.free],
            ),
            key=f"{expert.key}-free",
        )
        for talk in expert.talks:
            first, *later = talk.versions
            await call(
                "CreateTalk",
                experts.CreateTalkRequest(
                    parent=name, talk_id=talk.key, talk=wire.talk(talk), abstract=first.abstract
                ),
                key=talk.key,
            )
            for version in later:
                await call(
                    "AddTalkVersion",
                    experts.AddTalkVersionRequest(
                        talk=f"{name}/talks/{talk.key}", abstract=version.abstract
                    ),
                    key=f"{talk.key}-v{version.number}",
                )
            for version in talk.versions:
                for review in version.reviews:
                    await call(
                        "ReviewTalkVersion",
                        experts.ReviewTalkVersionRequest(
                            talk=f"{name}/talks/{talk.key}",
                            number=version.number,
                            review=wire.review(review),
                        ),
                        key=f"{talk.key}-v{version.number}-{review.kind.lower()}",
                    )


class _Calls:
    """Calls of one service, a few at once."""

    def __init__(self, stub: Any) -> None:
        self.stub = stub
        self.step: Step = lambda _: None

    async def call(self, method: str, message: Message, *, key: str) -> None:
        """Make one call under `key`'s own request id; what exists already is as good as made."""
        message.request_id = f"demo-{key}"  # type: ignore[attr-defined]  # every write has one
        try:
            await getattr(self.stub, method)(message, timeout=30)
        except grpc.aio.AioRpcError as error:
            if not _ALREADY.search(refusal_from(error).reason):
                raise
        self.step(1)

    async def each(self, things: Iterable[Any], act: Callable[[Any], Awaitable[None]]) -> None:
        """Do `act` with every one of `things`, `AT_ONCE` at a time; the first refusal ends it."""
        waiting = iter(things)

        async def work() -> None:
            for thing in waiting:
                await act(thing)

        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(work())


def _levels(nodes: Sequence[Node]) -> list[list[Node]]:
    """The nodes by how far below the city they are."""
    depth: dict[str, int] = {}
    levels: list[list[Node]] = []
    for node in nodes:  # parents come first
        depth[node.key] = depth[node.parent] + 1 if node.parent else 0
        if depth[node.key] == len(levels):
            levels.append([])
        levels[depth[node.key]].append(node)
    return levels


def _mark(demo: Demo) -> Node:
    return Node(
        key=MARK,
        kind="BASE",
        name_zh="示例数据",
        name_en=f"Example data, seed {demo.seed}, size {demo.size}",
        parent=CITY_KEY,
        valid_from=demo.as_of,
        valid_until=None,
    )
