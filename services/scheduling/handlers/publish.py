"""From a plan to promises: experts are asked, and a round comes out whole, with its facts, or not at all."""

import dataclasses
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TypeVar

from libs.errors import FieldViolation, InvalidInput, WrongState
from libs.ids import new_id
from services.scheduling.domain.assignment import Assignment, State, published_hash
from services.scheduling.domain.coverage import Coverage, Key, coverage
from services.scheduling.domain.inputs import LOCAL
from services.scheduling.domain.policy import policy_of
from services.scheduling.domain.round import PlanNotChosen, Round
from services.scheduling.domain.run import Repair, Unserved
from services.scheduling.handlers.frozen import Frozen
from services.scheduling.optimizer.problem import Assignment as Planned
from services.scheduling.optimizer.problem import Plan
from services.scheduling.ports import Decision, StoredPlan, Transaction

UNSERVED_MAX = 1_000_000
Saying = TypeVar("Saying", Unserved, Repair)


class AnswersAwaited(WrongState):
    """Experts who were asked have not answered, and still may."""


class DeclinedSeats(WrongState):
    """Experts have said no or nothing; repair the plan, then publish."""


class TooSoonToAnswer(InvalidInput):
    """The time to answer by is over already."""


async def offer(
    before: Round,
    frozen: Frozen,
    plan: Plan,
    tx: Transaction,
    *,
    respond_by: datetime,
    now: datetime,
) -> Round:
    """Ask every expert of the plan.

    Raises:
        TooSoonToAnswer: `respond_by` is not after now.
        RoundInWrongState: there is no plan to ask about.
        ExpertAlreadyBooked: somebody has been promised elsewhere since.
    """
    if respond_by <= now:
        raise TooSoonToAnswer(
            "the time to answer by is over",
            violations=[FieldViolation("respond_by_time", "must be after now")],
        )
    after = before.offered()
    if after == before:
        return before
    asked = [
        dataclasses.replace(one, state=State.OFFERED, respond_by_time=respond_by)
        for one in named(before, frozen, plan.assignments)
    ]
    await tx.assignments.add(asked)
    await tx.rounds.save(after)
    for one in asked:
        tx.facts.assignment("Offered", one, at=now)
    return after


async def answer(
    name: str, tx: Transaction, *, accept: bool, reason: str, now: datetime
) -> Assignment:
    """The expert's yes or no; the same answer twice is one.

    Raises:
        AssignmentInWrongState: nobody is asking.
        AnswerTooLate: the answer was due.
    """
    before = await tx.assignments.get(name, lock=True)
    after = before.accepted(at=now) if accept else before.declined(reason=reason, at=now)
    if after != before:
        await tx.assignments.save(after)
        tx.facts.assignment("Accepted" if accept else "Declined", after, at=now)
    return after


async def publish(
    before: Round, stored: StoredPlan, frozen: Frozen, plan: Plan, tx: Transaction, *, now: datetime
) -> Round:
    """Every assignment, every decision and every fact of the round, in one transaction.

    Raises:
        PlanNotChosen: the round has no plan.
        RoundInWrongState: its policy wants another step first, or it is out already.
        SignatureMissing: its policy wants a signature.
        AnswersAwaited, DeclinedSeats: not everybody who was asked has said yes.
        ExpertAlreadyBooked: somebody has been promised elsewhere since; nothing is published.
    """
    if not before.plan:
        raise PlanNotChosen("the round has no plan", round=before.name)
    before.published(assignments=0, published_hash="", at=now)  # may it be published at all?
    if policy_of(before.policy).offers:
        out = [one.confirmed() for one in await _agreed(before, tx, now=now)]
        await tx.assignments.save(*out)
    else:
        out = [one.confirmed() for one in named(before, frozen, plan.assignments)]
        await tx.assignments.add(out)
    unserved = await tx.plans.unserved(before.plan, after=0, size=UNSERVED_MAX)
    after = before.published(assignments=len(out), published_hash=published_hash(out), at=now)
    decisions = await announce(after, out, unserved, frozen, tx, now=now)
    for one in out:
        tx.facts.assignment("Published", one, at=now)
    await keep_ledger(before, frozen, plan, unserved, tx)
    await tx.rounds.release(before.name)
    await tx.rounds.save(after)
    tx.facts.published(after, decisions=decisions, at=now)
    certified = dataclasses.replace(after, version=after.version + 1)
    await tx.rounds.save(certified)
    tx.facts.certified(
        certified, stages=stored.record.stages, certificate=stored.certificate, at=now
    )
    return certified


async def _agreed(before: Round, tx: Transaction, *, now: datetime) -> Sequence[Assignment]:
    """The round's assignments, when everybody who was asked has said yes."""
    asked = [
        one
        for one in await tx.assignments.of_round(before.name, lock=True)
        if one.state not in (State.CANCELLED, State.REPLACED)
    ]
    silent = [one for one in asked if one.state is State.OFFERED]
    if any(one.respond_by_time is not None and now < one.respond_by_time for one in silent):
        raise AnswersAwaited(
            f"{len(silent)} of {len(asked)} have not answered yet", round=before.name
        )
    lost = [one for one in asked if one.state is not State.ACCEPTED]
    if lost:
        raise DeclinedSeats(
            f"{len(lost)} of {len(asked)} have said no or nothing; repair the round without them",
            round=before.name,
            assignments=" ".join(one.name for one in lost[:20]),
        )
    return asked


async def announce(
    round: Round,
    out: Sequence[Assignment],
    unserved: Sequence[Unserved],
    frozen: Frozen,
    tx: Transaction,
    *,
    now: datetime,
) -> int:
    """A decision about each request that is served by `out` or `unserved`; how many.

    Why a request is not served is announced without names: who could not come is nothing for its venue to know, and what
    does not travel need not be forgotten.
    """
    teams: dict[str, list[Assignment]] = defaultdict(list)
    for one in out:
        teams[one.request].append(one)
    versions = await tx.assignments.next_decisions(
        sorted({*teams, *(one.request for one in unserved)})
    )
    for request, team in sorted(teams.items()):
        members = tuple(sorted(team, key=lambda member: member.seat))
        tx.facts.decided(round, Decision(request, versions[request], team=members), at=now)
    people = [one.display_name for one in frozen.legend.experts]
    for missed in without_names(unserved, people):
        decision = Decision(missed.request, versions[missed.request], unserved=missed)
        tx.facts.decided(round, decision, at=now)
    return len(versions)


def without_names(unserved: Iterable[Unserved], people: Iterable[str]) -> Iterator[Unserved]:
    """The same, with “an expert” in place of every name of `people` in its sentences."""
    longest_first = sorted(filter(None, people), key=len, reverse=True)
    anybody = re.compile("|".join(map(re.escape, longest_first)) or "(?!)")
    several = re.compile("一位专家(?:、一位专家)+|an expert(?:, an expert)+")

    def said(sentence: str, word: str, words: str) -> str:
        return several.sub(words, anybody.sub(word, sentence))

    def of(one: Saying) -> Saying:
        return dataclasses.replace(
            one,
            message=said(one.message, "一位专家", "几位专家"),
            message_en=said(one.message_en, "an expert", "several experts"),
        )

    for one in unserved:
        yield dataclasses.replace(of(one), repair=of(one.repair) if one.repair else None)


def named(
    round: Round,
    frozen: Frozen,
    planned: Sequence[Planned],
    *,
    events: dict[str, str] | None = None,
) -> list[Assignment]:
    """Assignments of planned ones; requests that have an event in `events` keep it, the others get new ones."""
    legend = frozen.legend
    known = {} if events is None else events
    made = []
    for one in planned:
        request, expert = legend.requests[one.request], legend.experts[one.expert]
        if request.name not in known:
            known[request.name] = f"events/{new_id('event')}"
        period = legend.period(one.request, one.start, frozen.problem)
        on = period.start_time.astimezone(LOCAL).date()
        leads = frozen.problem.requests[one.request].seats[one.seat].approved_talk
        talk = expert.talk_for(request, on=on) if leads else None
        made.append(
            Assignment(
                name=f"assignments/{new_id('asg')}",
                round=round.name,
                request=request.name,
                event=known[request.name],
                expert=expert.name,
                expert_display_name=expert.display_name,
                seat=one.seat,
                role=expert.role,
                venue=request.venue,
                period=period,
                remote=one.remote,
                state=State.PROPOSED,
                title=request.title,
                district=request.district,
                pool=expert.pool,
                node_path=request.node_path,
                talk=talk.name if talk else "",
                talk_version=talk.version if talk else 0,
                talk_title=talk.title if talk else "",
            )
        )
    return made


async def keep_ledger(
    round: Round, frozen: Frozen, plan: Plan, unserved: Sequence[Unserved], tx: Transaction
) -> None:
    """What each district × group asked for and got; in weight."""
    await tx.rounds.keep_coverage(round.name, await ledger(frozen, plan, unserved, tx))


async def ledger(
    frozen: Frozen, plan: Plan, unserved: Sequence[Unserved], tx: Transaction
) -> Sequence[Coverage]:
    """What each district × group asks for and would get by `plan`, with the debt it carries now."""
    asked: Counter[Key] = Counter()
    served: Counter[Key] = Counter()
    for index in {one.request for one in plan.assignments}:
        request = frozen.legend.requests[index]
        asked[request.district, request.group] += request.weight
        served[request.district, request.group] += request.weight
    for one in unserved:
        asked[one.district, one.group] += one.weight
    debts = await tx.rounds.debts()
    return coverage(asked, served, {key: debts.get(key, 0) for key in asked})
