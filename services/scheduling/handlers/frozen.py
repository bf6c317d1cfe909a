"""Frozen inputs as stored, and read again; the same ones are parsed once per process."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass

from pydantic import TypeAdapter

from services.scheduling.handlers.legend import Legend
from services.scheduling.optimizer.formats import canonical_bytes, input_hash, problem_from
from services.scheduling.optimizer.problem import Problem
from services.scheduling.ports import Transaction

_LEGEND = TypeAdapter(Legend)
KEPT = 4
"""Parsed inputs kept; a round of 3,000 requests takes some 300 MB."""


@dataclass(frozen=True, slots=True)
class Frozen:
    """A problem with its names. `inputs_hash` is the SHA-256 of the problem's canonical bytes."""

    inputs_hash: str
    problem: Problem
    legend: Legend


async def store(problem: Problem, legend: Legend, tx: Transaction) -> Frozen:
    """Keep inputs for ever."""
    text = await asyncio.to_thread(canonical_bytes, problem)
    frozen = Frozen(await asyncio.to_thread(input_hash, problem), problem, legend)
    await tx.rounds.keep_snapshot(frozen.inputs_hash, text, _LEGEND.dump_json(legend))
    return frozen


class Inputs:
    """Reads stored inputs; immutable, so that what was parsed may be kept."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Frozen] = OrderedDict()

    async def get(self, inputs_hash: str, tx: Transaction) -> Frozen:
        """The inputs of that hash."""
        if inputs_hash not in self._kept:
            text, names = await tx.rounds.snapshot(inputs_hash)
            problem = await asyncio.to_thread(problem_from, text)
            self._kept[inputs_hash] = Frozen(inputs_hash, problem, _LEGEND.validate_json(names))
        self._kept.move_to_end(inputs_hash)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return self._kept[inputs_hash]
