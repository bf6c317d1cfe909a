"""Talks, their versions and reviews."""

from datetime import datetime

from libs.geo.topics import require_topics
from services.experts.domain.expert import LOCAL
from services.experts.domain.talk import Review, Talk
from services.experts.ports import Transaction

EXPIRED_BATCH = 100


async def create_talk(talk: Talk, *, abstract: str, tx: Transaction, now: datetime) -> Talk:
    """Add a talk with its first version to its expert's catalogue."""
    require_topics([("talk.topic", talk.topic)])
    expert = (await tx.experts.get_for_update(talk.expert)).changed(at=now)
    new = talk.with_version(abstract=abstract)
    await tx.talks.add(new)
    await tx.experts.save(expert)
    await tx.facts.changed(expert, at=now)
    return new


async def add_talk_version(name: str, *, abstract: str, tx: Transaction, now: datetime) -> Talk:
    """Add a version that still needs both reviews."""
    talk = await tx.talks.get(name)
    expert = (await tx.experts.get_for_update(talk.expert)).changed(at=now)
    after = (await tx.talks.get(name)).with_version(abstract=abstract)  # again, behind the lock
    await tx.talks.save(after)
    await tx.experts.save(expert)
    await tx.facts.changed(expert, at=now)
    return after


async def review_talk_version(
    name: str, *, number: int, review: Review, tx: Transaction, now: datetime
) -> Talk:
    """Record a review; the one that completes an approval, or ends it, is announced as such."""
    talk = await tx.talks.get(name)
    expert = await tx.experts.get_for_update(talk.expert)
    before = await tx.talks.get(name)
    today = now.astimezone(LOCAL).date()
    after = before.reviewed(number=number, review=review, on=today)
    if after == before:
        return before
    expert = expert.changed(at=now)
    await tx.talks.save(after)
    await tx.experts.save(expert)
    was = before.versions[number - 1].approved_at_all(on=today)
    is_now = after.versions[number - 1].approved_at_all(on=today)
    if is_now and not was:
        await tx.facts.talk_approved(expert, name, number, at=now)
    elif was and not is_now:
        await tx.facts.talk_expired(expert, name, number, at=now)
    else:
        await tx.facts.changed(expert, at=now)
    return after


async def announce_expired(tx: Transaction, *, now: datetime) -> int:
    """Announce approvals that ended by the passing of time; gives how many talks were looked at."""
    today = now.astimezone(LOCAL).date()
    talks = await tx.talks.expired(on=today, size=EXPIRED_BATCH)
    for talk, first_day in talks:
        expert = await tx.experts.get_for_update(talk.expert)
        for version in talk.versions:
            ends = version.ends()
            if ends is not None and first_day <= ends <= today:
                expert = expert.changed(at=now)
                await tx.facts.talk_expired(expert, talk.name, version.number, at=now)
        await tx.experts.save(expert)
        await tx.talks.save(talk, announced_until=today)
    return len(talks)
