"""Compile the search's loops before anybody waits for them: `python -m services.scheduling.optimizer warm-up`.

numba keeps what it has compiled beside the sources, or in `NUMBA_CACHE_DIR`; the next process only reads it. A mark beside it
says that all of it is there for these sources, this processor and this numba, and a lock keeps others from compiling the same.
"""

import dataclasses
import fcntl
import hashlib
import signal
import sys
import threading
from pathlib import Path

import numba
from numba.core import config
from numba.core.registry import cpu_target

from services.scheduling.optimizer.explain import Explainer
from services.scheduling.optimizer.problem import (
    DAY_MIN,
    Cap,
    Expert,
    Limits,
    Mode,
    Plan,
    Policy,
    Pool,
    Problem,
    Request,
    Role,
    Seat,
    Window,
)
from services.scheduling.optimizer.relaxing import Repairs
from services.scheduling.optimizer.solve import LEVELS, solve
from services.scheduling.optimizer.stop import Stop

_SOURCES = Path(__file__).parent


def is_compiled() -> bool:
    """Whether a process before this one has compiled everything there is."""
    return _mark().exists()


def compile_once() -> bool:
    """Let everything be compiled that is not; one process at a time does it, the others wait for it.

    Gives whether this process was the one. Where the cache cannot be written, each compiles for itself.
    """
    mark = _mark()
    try:
        mark.parent.mkdir(parents=True, exist_ok=True)
        lock = (mark.parent / "warming.lock").open("w")
    except OSError:
        warm_up()
        return True
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the kernel gives it back, also when we are killed
        if mark.exists():
            return False
        warm_up()
        mark.touch()
    return True


def end_with_stdin() -> None:
    """End this process when its standard input is closed: whoever holds the other end has gone, however it went."""

    def watch() -> None:
        while sys.stdin.buffer.read(1):
            pass
        signal.raise_signal(signal.SIGTERM)

    threading.Thread(target=watch, name="end-with-stdin", daemon=True).start()


def _mark() -> Path:
    """Named after all that numba asks for before it takes what is in its cache."""
    known = hashlib.sha256(repr((sys.version, numba.__version__, str(_SOURCES))).encode())
    known.update(repr(cpu_target.target_context.codegen().magic_tuple()).encode())
    for path in sorted(_SOURCES.rglob("*.py")):
        there = path.stat()
        known.update(f"{path} {there.st_mtime_ns} {there.st_size}".encode())
    folder = Path(config.CACHE_DIR or _SOURCES / "__pycache__")  # type: ignore[attr-defined]  # made from the environment
    return folder / f"compiled-{known.hexdigest()[:16]}"


def warm_up() -> None:
    """Go once through everything that is compiled, on the smallest round there is."""
    problem = _smallest()
    first = solve(problem, seed=1, stop=Stop(iterations=1)).plan
    solve(problem, seed=1, stop=Stop(iterations=LEVELS), warm=first)
    Explainer(problem, Plan(())).codes([0])
    closed = dataclasses.replace(problem, caps=(Cap(frozenset({0}), 0),))
    Repairs(closed, Plan(())).cheapest(0, seed=1, stop=Stop(iterations=1))


def _smallest() -> Problem:
    """One person, one visit, one day."""
    person = Expert(
        home=0,
        role=Role.LECTURER,
        pool=0,
        skills=(1,),
        audiences=1,
        forms=1,
        levels=1,
        approvals=(),
        windows=(Window(0, DAY_MIN),),
        limits=Limits(
            per_day_max=1,
            per_week_max=1,
            per_round_max=1,
            travel_min_per_day_max=DAY_MIN,
            nights_max=0,
            rest_days_per_week=0,
            earliest=0,
            latest=DAY_MIN,
        ),
        clearance_until_day=0,
        engaged_before=(0,),
    )
    seat = Seat(
        roles=0b111, proficiency_min=0, required=True, mode=Mode.ON_SITE, approved_talk=False
    )
    ask = Request(
        place=1,
        node=0,
        district=0,
        audience=0,
        form=0,
        level=0,
        topic=0,
        minors=False,
        weight=1,
        emergency=0,
        duration_min=60,
        ready_at=0,
        windows=(Window(8 * 60, 12 * 60),),
        seats=(seat,),
    )
    return Problem(
        days=1,
        first_weekday=0,
        start_step_min=30,
        travel_min=((0, 30), (30, 0)),
        topics=1,
        districts=1,
        nodes=1,
        pools=(Pool(0, 1, frozenset({0}), ()),),
        experts=(person,),
        requests=(ask,),
        pins=(),
        forbids=(),
        promises=(),
        caps=(),
        budgets=(),
        series=(),
        shares=(),
        policy=Policy(name="smallest", version=1),
    )
