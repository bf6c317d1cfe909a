"""Pools and sharing agreements."""

from datetime import date, datetime

from services.experts.domain.expert import LOCAL, require_current, require_order
from services.experts.domain.pool import Pool, SharingAgreement
from services.experts.ports import Transaction


async def create_pool(pool: Pool, tx: Transaction, *, now: datetime) -> Pool:
    """Store a new pool, and announce it."""
    await tx.pools.add(pool)
    await tx.facts.pool_changed(pool, at=now)
    return pool


async def create_sharing_agreement(
    pool: str, agreement: SharingAgreement, tx: Transaction, *, now: datetime
) -> Pool:
    """Add an agreement to a pool, and announce it."""
    require_order(agreement.term, path="agreement.term")
    today = now.astimezone(LOCAL).date()
    require_current([("agreement.term", agreement.term)], on=today)
    after = (await tx.pools.get_for_update(pool)).with_agreement(agreement)
    await tx.pools.save(after)
    await tx.facts.pool_changed(after, at=now)
    return after


async def end_sharing_agreement(
    pool: str, *, agreement: str, end_date: date, tx: Transaction, now: datetime
) -> Pool:
    """Move an agreement's end, and announce it; a repeat announces nothing."""
    before = await tx.pools.get_for_update(pool)
    after = before.with_end(agreement=agreement, end_date=end_date)
    if after == before:
        return before
    await tx.pools.save(after)
    await tx.facts.pool_changed(after, at=now)
    return after
