"""Put on a service's PYTHONPATH by the storm: lets it die between any two statements, and its clock step. No product code.

`ZHIHUI_CHAOS` is a folder, `ZHIHUI_CHAOS_NAME` this process's name in it. `NAME.arm` holds `sql 17 before`: this process
kills itself (SIGKILL) before its seventeenth statement from then on; `produce` counts what is handed to the broker,
`commit` the commits of consumer offsets. While there is a `NAME.hold`, nothing that has been read for the broker is handed to
it; `NAME.held` says that something waits there, while all else of the process goes on. `clock` holds seconds that every service's clock is ahead.
"""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

_FOLDER = Path(os.environ["ZHIHUI_CHAOS"])
_ARM = str(_FOLDER / f"{os.environ['ZHIHUI_CHAOS_NAME']}.arm")
_HOLD = str(_FOLDER / f"{os.environ['ZHIHUI_CHAOS_NAME']}.hold")
_HELD = _FOLDER / f"{os.environ['ZHIHUI_CHAOS_NAME']}.held"
_CLOCK = str(_FOLDER / "clock")
_armed: dict[str, Any] = {"what": "", "left": 0, "when": ""}


def _passes(what: str, when: str) -> None:
    if not _armed["what"]:
        try:
            with open(_ARM) as file:
                kind, count, moment = file.read().split()
        except (OSError, ValueError):
            return
        os.unlink(_ARM)
        _armed.update(what=kind, left=int(count), when=moment)
    if (_armed["what"], _armed["when"]) == (what, when):
        _armed["left"] -= 1
        if _armed["left"] <= 0:
            os.kill(os.getpid(), signal.SIGKILL)


def _wrap(owner: Any, name: str, what: str) -> None:
    original = getattr(owner, name)

    async def wrapped(self: Any, *arguments: Any, **named: Any) -> Any:
        _passes(what, "before")
        while what == "produce" and os.path.exists(_HOLD):
            _HELD.touch()
            await asyncio.sleep(0.02)
        answer = await original(self, *arguments, **named)
        _passes(what, "after")
        return answer

    setattr(owner, name, wrapped)


def _step_clock() -> None:
    import datetime

    import libs.clock

    real = libs.clock.system_clock

    def stepped() -> datetime.datetime:
        try:
            with open(_CLOCK) as file:
                ahead_s = float(file.read() or 0)
        except (OSError, ValueError):
            ahead_s = 0.0
        return real() + datetime.timedelta(seconds=ahead_s)

    libs.clock.system_clock = stepped


def _install() -> None:
    import asyncpg
    from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

    _wrap(asyncpg.Connection, "_execute", "sql")
    _wrap(asyncpg.Connection, "_executemany", "sql")
    execute = asyncpg.Connection.execute

    async def counted(self: Any, query: str, *arguments: Any, **named: Any) -> Any:
        if arguments:  # goes through _execute
            return await execute(self, query, *arguments, **named)
        _passes("sql", "before")
        answer = await execute(self, query, **named)
        _passes("sql", "after")
        return answer

    asyncpg.Connection.execute = counted  # type: ignore[method-assign]
    _wrap(AIOKafkaProducer, "send_batch", "produce")
    _wrap(AIOKafkaProducer, "send", "produce")
    _wrap(AIOKafkaConsumer, "commit", "commit")
    _step_clock()


_install()
