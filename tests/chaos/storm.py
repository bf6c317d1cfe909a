"""Clients that command all services through the storm, with retries as callers are told to make them, and a reader."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from datetime import time as clock_time
from typing import Any

import grpc
from google.protobuf.field_mask_pb2 import FieldMask
from grpc import aio
from zhihui.common.v1 import common_pb2 as common
from zhihui.events.v1 import events_pb2 as events
from zhihui.events.v1 import events_pb2_grpc as events_grpc
from zhihui.experts.v1 import experts_pb2 as experts
from zhihui.experts.v1 import experts_pb2_grpc as experts_grpc
from zhihui.scheduling.v1 import scheduling_pb2 as scheduling
from zhihui.scheduling.v1 import scheduling_pb2_grpc as scheduling_grpc

from libs.geo import calendar
from libs.geo.calendar import Period
from libs.rpc.client import channel
from services.cli.demo import wire
from services.cli.demo.load import Loader
from services.cli.demo.model import Demo
from tests.chaos.faults import APART, UNDISTURBED, Fault, Faults
from tests.chaos.stack import Stack

CLIENTS = 16
HOT = 12
"""Experts whom every other change of an expert is about: callers meet at their rows."""
AT_ONCE = 3
"""Faults in progress at the same time."""
ANSWER_S = 20
PATIENCE_S = 300
"""A command without an answer for so long, with all its retries, is a failure of the storm."""
LONGER_S = 150
"""How long the storm goes on after its last fault until it has had a round, deliveries and cancellations."""
HEALTHY_S = 120
"""How long services may take to answer again once the last fault is through."""
TRIES = 5
"""At a relay that stands still with nobody in the way, until it had facts in hand all the time."""
HANG_UP = 0.03
"""Share of calls whose caller dies between sending and the answer; the same command is then sent again."""
AGAIN = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.ABORTED,
}
BUGS = {grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL}
STUBS = {
    "experts": experts_grpc.ExpertsServiceStub,
    "events": events_grpc.EventsServiceStub,
    "scheduling": scheduling_grpc.SchedulingServiceStub,
}
_READS = re.compile("^(Get|List|Validate)")


class Unanswered(Exception):
    """A command had no answer for `PATIENCE_S`, however often it was sent."""


class Calls:
    """A stub whose calls are made again until they are answered, by the same request id."""

    def __init__(self, storm: Storm, stub: Any) -> None:
        self._storm = storm
        self._stub = stub

    def __getattr__(self, method: str) -> Callable[..., Any]:
        async def call(message: Any, *, timeout: float = ANSWER_S) -> Any:
            return await self._storm.answered(self._stub, method, message, timeout_s=timeout)

        return call


class Storm:
    """One run: `rage` until the commands and the faults are through."""

    def __init__(
        self,
        stack: Stack,
        *,
        demo: Demo,
        seed: int,
        commands: int,
        rounds: int,
        say: Callable[[str], None],
    ) -> None:
        self._stack = stack
        self._demo = demo
        self._dice = random.Random(seed)
        self._wanted = commands
        self._rounds_wanted = rounds
        self._say = say
        self.commands = 0
        self.answers: Counter[str] = Counter()
        self.did: Counter[str] = Counter()
        """Commands that were done, by method."""
        self.resent = 0
        self.hung_up = 0
        self.bugs: list[str] = []
        self.filed: list[str] = []
        self.filed_titles: dict[str, str] = {}
        self.events: list[str] = []
        self.rounds: list[str] = []
        self.booked = 0
        """Assignments that were published."""
        self.watched: list[str] = []
        self.seen: dict[str, set[int]] = defaultdict(set)
        """By round: how many events the reader has seen, other than none."""
        self.looks = 0
        self._faulting = True
        self._struck = asyncio.Event()

    async def answered(self, stub: Any, method: str, message: Any, *, timeout_s: float) -> Any:
        """The answer to a call, made as often as it takes.

        Raises:
            grpc.aio.AioRpcError: a refusal.
            Unanswered: there is none.
        """
        is_read = bool(_READS.match(method))
        ends_at = time.monotonic() + PATIENCE_S
        pause_s = 0.05
        while True:
            try:
                call = getattr(stub, method)(message, timeout=timeout_s)
                if not is_read and self._dice.random() < HANG_UP:
                    await asyncio.sleep(self._dice.random() * 0.03)
                    if not call.done():
                        call.cancel()
                        self.hung_up += 1
                answer = await call
            except asyncio.CancelledError:
                current = asyncio.current_task()
                if current is not None and current.cancelling():
                    raise
                self.resent += 1
            except aio.AioRpcError as error:
                code = error.code()
                if code in BUGS:
                    self.bugs.append(f"{method}: {code.name} {error.details()}")
                elif code not in AGAIN:
                    if not is_read:
                        self._count(f"refused {code.name}")
                    raise
                self.resent += 1
                if time.monotonic() > ends_at:
                    raise Unanswered(f"{method}: {code.name} {error.details()}") from error
                await asyncio.sleep(pause_s * self._dice.uniform(0.5, 1))
                pause_s = min(2 * pause_s, 1)
            else:
                if not is_read:
                    self._count("done")
                    self.did[method] += 1
                return answer

    def _count(self, what: str) -> None:
        self.answers[what] += 1
        self.commands += 1
        self._struck.set()

    async def rage(self, plan: Sequence[Fault], faults: Faults) -> None:
        """Load the demonstration and command on, while the faults of `plan` strike."""
        async with AsyncExitStack() as stack:
            to = {}
            for name, stub in STUBS.items():
                there = await stack.enter_async_context(
                    channel(self._stack.addresses[name], token=lambda: self._stack.token)
                )
                to[name] = Calls(self, stub(there))
            self._to = to
            async with asyncio.TaskGroup() as tasks:
                self.faults = faults
                faults.change = self._apart
                strikes = tasks.create_task(self._strike(plan, faults))
                reader = tasks.create_task(self._read())
                loader = Loader(to["events"], to["experts"], seed=self._demo.seed, size=1)
                await loader.load(self._demo, step=lambda _: None)
                self._say(f"{self.commands:6} the demonstration is loaded")
                faults.loaded = True
                self.filed += [f"requests/{one.key}" for one in self._demo.requests]
                async with asyncio.TaskGroup() as clients:
                    for number in range(CLIENTS):
                        clients.create_task(self._client(number))
                    clients.create_task(self._rounds())
                await strikes
                reader.cancel()

    async def _strike(self, plan: Sequence[Fault], faults: Faults) -> None:
        waiting = iter(plan)

        async def work() -> None:
            for fault in waiting:
                while self.commands < fault.at:
                    self._struck.clear()
                    await self._struck.wait()
                await faults.strike(fault)

        async with asyncio.TaskGroup() as tasks:
            for _ in range(AT_ONCE):
                tasks.create_task(work())
        await self._stack.healthy(HEALTHY_S)
        for kind in UNDISTURBED:
            before = faults.effects[kind]
            for _ in range(TRIES):
                if faults.effects[kind] == before:
                    await faults.strike(Fault(self.commands, kind, self._dice.randrange(2**31)))
        self._ends_at = time.monotonic() + LONGER_S
        self._faulting = False
        while not self.did["RecordDelivery"] and self._goes_on:
            await faults.strike(Fault(self.commands, "months_ahead", self._dice.randrange(2**31)))

    @property
    def _goes_on(self) -> bool:
        if self.commands < self._wanted or self._faulting:
            return True
        return bool(self.missing) and time.monotonic() < self._ends_at

    @property
    def missing(self) -> list[str]:
        """What the storm has not had, and can say nothing about."""
        there = {
            "published rounds": (len(self.rounds), self._rounds_wanted),
            "bookings": (self.booked, 1),
            "deliveries": (self.did["RecordDelivery"], 1),
            "cancellations": (self.did["CancelEvent"], 1),
            "relays that stood still with their lock": (self.faults.effects["stand_still"], 1),
            "relays that stood still without it": (self.faults.effects["zombie"], 1),
        }
        return [f"{what}: {count} of {few}" for what, (count, few) in there.items() if count < few]

    async def _client(self, number: int) -> None:
        dice = random.Random(self._dice.randrange(2**31))
        acts: dict[Callable[..., Any], int] = {
            self._availability: 20,
            self._limits: 18,
            self._file: 22,
            self._endorse: 16,
            self._change: 8,
            self._withdraw: 4,
            self._confirm: 5,
            self._cancel: 2,
            self._deliver: 5,
        }
        done = 0
        while self._goes_on:
            act = dice.choices(list(acts), weights=list(acts.values()))[0]
            done += 1
            try:
                await act(dice, f"storm-{number}-{done}")
            except aio.AioRpcError:
                continue  # refused, and counted

    def _expert(self, dice: random.Random) -> Any:
        few = self._demo.experts[:HOT] if dice.random() < 0.5 else self._demo.experts
        return dice.choice(few)

    async def _availability(self, dice: random.Random, id: str) -> None:
        expert = self._expert(dice)
        whole = Period(
            calendar.instant(self._demo.start, clock_time()),
            calendar.instant(self._demo.end, clock_time()),
        )
        windows = [one for one in expert.free if dice.random() < 0.9]
        await self._to["experts"].SetAvailability(
            experts.SetAvailabilityRequest(
                expert=f"experts/{expert.key}",
                period=wire.period(whole),
                windows=[wire.period(one) for one in windows],
                request_id=id,
            )
        )

    async def _limits(self, dice: random.Random, id: str) -> None:
        changed = experts.Expert(name=f"experts/{self._expert(dice).key}")
        changed.display_name = f"示例·{dice.randrange(1_000_000)}"
        await self._to["experts"].UpdateExpert(
            experts.UpdateExpertRequest(
                expert=changed, update_mask=FieldMask(paths=["display_name"]), request_id=id
            )
        )

    async def _file(self, dice: random.Random, id: str) -> None:
        asked = wire.request(dice.choice(self._demo.requests), owners=self._owners(), programmes={})
        asked.title = f"示例 {id}"
        answer = await self._to["events"].FileRequest(
            events.FileRequestRequest(request=asked, submit=True, request_id=id)
        )
        self.filed.append(answer.request.name)
        self.filed_titles[asked.title] = answer.request.name

    def _owners(self) -> dict[str, str]:
        return {talk.key: one.key for one in self._demo.experts for talk in one.talks}

    def _some_request(self, dice: random.Random) -> str:
        recent = self.filed[-200:] if dice.random() < 0.8 else self.filed
        return dice.choice(recent)

    async def _endorse(self, dice: random.Random, id: str) -> None:
        name = self._some_request(dice)
        await self._to["events"].EndorseRequest(
            events.EndorseRequestRequest(name=name, request_id=id)
        )

    async def _change(self, dice: random.Random, id: str) -> None:
        changed = events.Request(name=self._some_request(dice), audience_size=dice.randint(20, 90))
        await self._to["events"].UpdateRequest(
            events.UpdateRequestRequest(
                request=changed, update_mask=FieldMask(paths=["audience_size"]), request_id=id
            )
        )

    async def _withdraw(self, dice: random.Random, id: str) -> None:
        name = self._some_request(dice)
        await self._to["events"].WithdrawRequest(
            events.WithdrawRequestRequest(name=name, reason="示例", request_id=id)
        )

    async def _apart(self, names: Sequence[str], id: str) -> list[str]:
        """File requests that no caller knows of, or change each of `names`; gives their names."""
        if not names:
            asked = wire.request(self._demo.requests[0], owners=self._owners(), programmes={})
            filing = [
                events.FileRequestRequest(request=asked, submit=True, request_id=f"{id}-{n}")
                for n in range(APART)
            ]
            return [(await self._to["events"].FileRequest(one)).request.name for one in filing]
        for n, name in enumerate(names):
            changed = events.Request(name=name, audience_size=self._dice.randint(20, 90))
            await self._to["events"].UpdateRequest(
                events.UpdateRequestRequest(
                    request=changed,
                    update_mask=FieldMask(paths=["audience_size"]),
                    request_id=f"{id}-{n}",
                )
            )
        return list(names)

    def _some_event(self, dice: random.Random) -> str:
        return dice.choice(self.events) if self.events else "events/none-yet"

    async def _confirm(self, dice: random.Random, id: str) -> None:
        await self._to["events"].ConfirmEvent(
            events.ConfirmEventRequest(name=self._some_event(dice), request_id=id)
        )

    async def _cancel(self, dice: random.Random, id: str) -> None:
        await self._to["events"].CancelEvent(
            events.CancelEventRequest(name=self._some_event(dice), reason="示例", request_id=id)
        )

    async def _deliver(self, dice: random.Random, id: str) -> None:
        name = self._some_event(dice)
        code = "000000"
        if self.events:
            found = await self._to["events"].GetEvent(events.GetEventRequest(name=name))
            code = found.event.check_in_code or code
        await self._to["events"].RecordDelivery(
            events.RecordDeliveryRequest(
                name=name, check_in_code=code, audience_counted=dice.randint(1, 90), request_id=id
            )
        )
        self.faults.deliveries += 1

    async def _rounds(self) -> None:
        """Round after round, from opening to publication."""
        number = 0
        while self._goes_on:
            number += 1
            try:
                await self._round(number)
            except aio.AioRpcError as error:
                self._say(f"{self.commands:6} rounds/storm-{number}: {error.details()}")
                await asyncio.sleep(0.5)

    async def _round(self, number: int) -> None:
        to, id = self._to["scheduling"], f"storm-{number}"
        name = f"rounds/{id}"
        horizon = common.DatePeriod(
            start_date=self._demo.start.isoformat(), end_date=self._demo.end.isoformat()
        )
        await to.OpenRound(
            scheduling.OpenRoundRequest(
                round_id=id,
                round=scheduling.Round(title="示例", horizon=horizon),
                request_id=f"{id}-open",
            )
        )
        while True:  # until there is something to decide about
            ask = scheduling.ValidateRoundRequest(name=name)
            found = await to.ValidateRound(ask, timeout=60)
            if found.requests_count >= 20:
                break
            if not self._goes_on:
                return
            await asyncio.sleep(0.5)
        await to.FreezeRound(
            scheduling.FreezeRoundRequest(name=name, request_id=f"{id}-freeze"), timeout=120
        )
        attempt = 0
        while True:
            attempt += 1
            run = (
                await to.StartRun(
                    scheduling.StartRunRequest(
                        round=name, seconds=2, seed=number, request_id=f"{id}-run-{attempt}"
                    )
                )
            ).run
            while run.state not in (scheduling.Run.STATE_DONE, scheduling.Run.STATE_FAILED):
                await asyncio.sleep(0.3)
                run = (await to.GetRun(scheduling.GetRunRequest(name=run.name))).run
            if run.state == scheduling.Run.STATE_DONE:
                break
        self.watched.append(name)
        published = await to.PublishRound(
            scheduling.PublishRoundRequest(name=name, request_id=f"{id}-publish"), timeout=120
        )
        self.rounds.append(name)
        self.booked += published.round.assignments_count
        self._say(
            f"{self.commands:6} {name} is published: {published.round.assignments_count} assignments"
        )

    async def _read(self) -> None:
        """Look at the rounds' events all the time, as venues do: none, or all."""
        while True:
            for name in self.watched[-3:] or ["rounds/storm-1"]:
                try:
                    found = await self._to["events"].ListEvents(
                        events.ListEventsRequest(round=name, page_size=1000), timeout=5
                    )
                except aio.AioRpcError:
                    continue
                self.looks += 1
                if found.events:
                    self.faults.shown.set()
                    self.seen[name].add(len(found.events))
                    self.events += [one.name for one in found.events if one.name not in self.events]
            await asyncio.sleep(0.1)
