"""Does together what waits together: a rush costs one transaction for many calls, and who comes alone waits for nobody."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from typing import Generic, TypeVar

from libs.errors import Refusal
from libs.postgres.outages import OUTAGES

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


class Desk(Generic[Asked, Answer]):
    """A line of calls before `act`, which takes as many as have come while it was busy, in their order.

    `act` gives an answer or a refusal for each, in the same order, once all of them are committed. When it fails as a whole,
    each is done alone, so that one call that cannot be done takes no other with it; when something is away, all fail.
    """

    def __init__(
        self, act: Callable[[Sequence[Asked]], Awaitable[Sequence[Answer | Refusal]]], *, most: int
    ) -> None:
        """`most`: how many at once at most."""
        self._act = act
        self._most = most
        self._line: deque[tuple[Asked, asyncio.Future[Answer]]] = deque()
        self._work: asyncio.Task[None] | None = None

    async def ask(self, asked: Asked) -> Answer:
        """What is answered. A caller that gives up in the line is not served; one that gives up later may have been.

        Raises:
            Refusal: what `act` gave for it.
            Exception: what `act` raised.
        """
        told: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._line.append((asked, told))
        if self._work is None:
            # A task of nobody's call, in nobody's context: who leaves must not undo what is done for the others.
            self._work = asyncio.get_running_loop().create_task(self._serve(), context=Context())
        return await told

    async def _serve(self) -> None:
        try:
            while self._line:
                here = [self._line.popleft() for _ in range(min(self._most, len(self._line)))]
                waiting = [one for one in here if not one[1].done()]
                if waiting:
                    await self._together(waiting)
        finally:
            self._work = None

    async def _together(self, waiting: Sequence[tuple[Asked, asyncio.Future[Answer]]]) -> None:
        try:
            answers = await self._act([asked for asked, _ in waiting])
        except Exception as error:
            if len(waiting) > 1 and not isinstance(error, OUTAGES):
                for one in waiting:
                    await self._together([one])
                return
            for _, told in waiting:
                if not told.done():
                    told.set_exception(error)
            return
        for (_, told), answer in zip(waiting, answers, strict=True):
            if told.done():
                continue
            if isinstance(answer, Refusal):
                told.set_exception(answer)
            else:
                told.set_result(answer)
