"""Keeps what quick answers need ready, so that nobody waits for it."""

import asyncio

import structlog

from libs.postgres.outages import OUTAGES
from services.scheduling.api.calls import Transactions
from services.scheduling.handlers.windows import Feasible

AGAIN_S = 5.0
"""After an outage."""

_log = structlog.stdlib.get_logger(__name__)


async def keep_ready(feasible: Feasible, transaction: Transactions, *, every_s: float) -> None:
    """Look for changes every `every_s` seconds, for ever; outages are waited out."""
    while True:
        try:
            async with transaction() as tx:
                await feasible.refresh(tx)
            await asyncio.sleep(every_s)
        except OUTAGES as error:
            _log.warning("not_ready", error=repr(error), again_in_s=AGAIN_S)
            await asyncio.sleep(AGAIN_S)
