"""From what is known to the problem: each rule of the translation, at its edge."""

import dataclasses
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest

from libs.geo.travel import ModelledTravel
from services.scheduling.domain import inputs
from services.scheduling.domain.assignment import Assignment, State
from services.scheduling.domain.inputs import DatePeriod, Form, Group, NodeKind, ReviewKind, Role
from services.scheduling.domain.round import Round
from services.scheduling.handlers.snapshot import Known, Snapshot, snapshot
from services.scheduling.optimizer.formats import canonical_bytes, problem_from
from services.scheduling.optimizer.problem import DAY_MIN, Mode, Naming, Window
from tests.support import world

ANN = world.expert("experts/ann")
ASKED = world.request("requests/r1", world.NEAR_HALL)
ROUND = Round("rounds/one", "示例", world.HORIZON, "", world.at(-7, 9))


def taken(
    experts: Sequence[inputs.Expert] = (ANN,),
    requests: Sequence[inputs.Request] = (ASKED,),
    **others: Any,
) -> Snapshot:
    known: dict[str, Any] = {
        "experts": experts,
        "pools": {world.POOL: inputs.Pool(world.POOL, "示例", world.CITY)},
        "nodes": {
            name: world.node(name, NodeKind.DISTRICT, world.CITY)
            for name in (world.NEAR, world.FAR)
        },
        "venues": {one.name: one for one in (world.NEAR_HALL, world.NEAR_SCHOOL, world.FAR_HALL)},
        "requests": requests,
        "engaged": (),
        "debts": {},
    }
    made = snapshot(ROUND, Known(**(known | others)), travel=ModelledTravel())
    assert problem_from(canonical_bytes(made.problem)) == made.problem
    return made


def codes(made: Snapshot) -> set[tuple[str, str]]:
    return {(one.code, one.subject) for one in made.findings}


def changed(thing: Any, **fields: Any) -> Any:
    return dataclasses.replace(thing, **fields)


def engagement(expert: str, day: int, hour: float, **fields: Any) -> Assignment:
    plain = Assignment(
        name="assignments/before",
        round="rounds/before",
        request="requests/before",
        event="events/before",
        expert=expert,
        expert_display_name="示例",
        seat=0,
        role=Role.LECTURER,
        venue=world.NEAR_HALL.name,
        period=world.period(day, hour, hour + 1),
        remote=True,
        state=State.CONFIRMED,
        title="示例",
        district=world.NEAR,
        pool=world.POOL,
        node_path=(world.NEAR, world.CITY),
    )
    made: Assignment = changed(plain, **fields)
    return made


class TestWindows:
    def test_availability_is_cut_at_midnight_and_at_the_horizon(self) -> None:
        around = inputs.Period(world.at(-1, 20), world.at(1, 2))
        made = taken([changed(ANN, availability=(around, world.period(13, 20, 30)))])
        assert made.problem.experts[0].windows == (
            Window(0, DAY_MIN),
            Window(DAY_MIN, DAY_MIN + 120),
            Window(13 * DAY_MIN + 20 * 60, 14 * DAY_MIN),
        )

    def test_overlapping_availability_is_joined(self) -> None:
        periods = (world.period(1, 9, 12), world.period(1, 11, 14), world.period(1, 14, 15))
        made = taken([changed(ANN, availability=periods)])
        assert made.problem.experts[0].windows == (Window(DAY_MIN + 9 * 60, DAY_MIN + 15 * 60),)

    def test_what_is_promised_elsewhere_is_cut_out(self) -> None:
        free = changed(ANN, availability=(world.period(1, 9, 17),))
        made = taken([free], engaged=[engagement(ANN.name, 1, 11)])
        assert made.problem.experts[0].windows == (
            Window(DAY_MIN + 9 * 60, DAY_MIN + 11 * 60),
            Window(DAY_MIN + 12 * 60, DAY_MIN + 17 * 60),
        )
        assert made.problem.experts[0].engaged_before == (1, 0)

    def test_the_way_to_another_promise_is_cut_out_too(self) -> None:
        free = changed(ANN, availability=(world.period(1, 0, 24),))
        there = engagement(ANN.name, 1, 11, remote=False, venue=world.FAR_HALL.name)
        before, after = taken([free], engaged=[there]).problem.experts[0].windows
        assert before.end < DAY_MIN + 8 * 60
        assert after.start > DAY_MIN + 15 * 60

    def test_a_promise_of_the_round_itself_is_not_in_its_own_way(self) -> None:
        own = engagement(ANN.name, 1, 11, round=ROUND.name)
        assert taken(engaged=[own]).problem == taken().problem

    def test_a_window_needs_room_after_the_lead_time(self) -> None:
        hour = world.period(1, 9, 10)
        fits = changed(ASKED, windows=(hour,), ready_time=world.at(1, 9))
        too_late = changed(fits, ready_time=world.at(1, 9) + timedelta(minutes=1))
        assert len(taken(requests=[fits]).problem.requests) == 1
        assert codes(taken(requests=[too_late])) == {("OUTSIDE_HORIZON", ASKED.name)}
        assert taken(requests=[too_late]).legend.ruled_out[0].request.name == ASKED.name

    def test_what_is_for_later_waits_for_the_next_round(self) -> None:
        later = changed(ASKED, windows=(world.period(14, 9, 12),))
        made = taken(requests=[later])
        assert codes(made) == {("LATER", ASKED.name)}
        assert not made.legend.ruled_out


class TestExperts:
    def test_who_is_in_no_pool_does_not_serve(self) -> None:
        over = DatePeriod(date(2026, 1, 1), world.FIRST_DAY)
        made = taken([changed(ANN, memberships=(inputs.Membership(world.POOL, over),))])
        assert not made.problem.experts
        assert ("POOL_TERM_EXPIRED", ANN.name) in codes(made)
        last_day = DatePeriod(date(2026, 1, 1), world.FIRST_DAY + timedelta(days=1))
        made = taken([changed(ANN, memberships=(inputs.Membership(world.POOL, last_day),))])
        assert (made.problem.pools[0].from_day, made.problem.pools[0].until_day) == (0, 1)

    def test_who_has_withdrawn_does_not_serve(self) -> None:
        gone = changed(ANN, state=inputs.ExpertState.WITHDRAWN)
        assert not taken([gone]).problem.experts

    def test_a_clearance_counts_until_its_first_gap(self) -> None:
        day = world.FIRST_DAY
        gap = (
            DatePeriod(day, day + timedelta(days=3)),
            DatePeriod(day + timedelta(days=4), None),
        )
        assert taken([changed(ANN, clearances=gap)]).problem.experts[0].clearance_until_day == 3
        whole = (gap[0], DatePeriod(day + timedelta(days=3), None))
        assert taken([changed(ANN, clearances=whole)]).problem.experts[0].clearance_until_day == 14
        made = taken([changed(ANN, clearances=())])
        assert ("CLEARANCE_EXPIRED", ANN.name) in codes(made)

    @pytest.mark.parametrize(
        "reviews",
        [
            [(ReviewKind.POLITICAL, "a", True), (ReviewKind.SCIENTIFIC, "a", True)],
            [(ReviewKind.POLITICAL, "a", True)],
            [(ReviewKind.POLITICAL, "a", True), (ReviewKind.SCIENTIFIC, "b", False)],
            [
                (ReviewKind.POLITICAL, "a", True),
                (ReviewKind.SCIENTIFIC, "b", True),
                (ReviewKind.SCIENTIFIC, "b", False),
            ],
        ],
        ids=["one person gave both", "one is missing", "one failed", "the last one failed"],
    )
    def test_a_talk_needs_both_reviews_by_two_people(
        self, reviews: list[tuple[ReviewKind, str, bool]]
    ) -> None:
        given = tuple(
            inputs.Review(kind, who, passed, tuple(Group), date(2028, 1, 1))
            for kind, who, passed in reviews
        )
        (talk,) = ANN.talks
        unreviewed = changed(talk, versions=(inputs.TalkVersion(1, given),))
        made = taken([changed(ANN, talks=(unreviewed,))])
        assert not made.problem.experts[0].approvals
        assert ("TALK_NOT_REVIEWED", ANN.name) in codes(made)

    def test_an_approval_ends_with_its_first_review(self) -> None:
        ends = world.FIRST_DAY + timedelta(days=5)
        made = taken([changed(ANN, talks=(world.talk(ANN.name, "space", until=ends),))])
        assert [one.until_day for one in made.problem.experts[0].approvals] == [5]


class TestRequests:
    def test_seats_are_counted_out_and_only_the_lead_speaks(self) -> None:
        seats = (
            inputs.Seat(roles=(Role.LECTURER,), count=2),
            inputs.Seat(roles=(Role.VOLUNTEER,), optional=True),
        )
        asked = changed(ASKED, seats=seats, mode=inputs.Mode.EITHER)
        lead, second, helper = taken(requests=[asked]).problem.requests[0].seats
        assert (lead.approved_talk, second.approved_talk, helper.approved_talk) == (
            True,
            False,
            False,
        )
        assert (lead.required, helper.required) == (True, False)
        assert helper.value > 0
        assert lead.mode is Mode.EITHER
        extension = changed(asked, form=Form.AGRICULTURAL_EXTENSION)
        assert not taken(requests=[extension]).problem.requests[0].seats[0].approved_talk

    def test_waiting_adds_to_need(self) -> None:
        waited = changed(ASKED, weight=7, times_unserved=2)
        assert taken(requests=[waited]).problem.requests[0].weight == 11

    @pytest.mark.parametrize(
        ("fields", "naming"),
        [
            ({}, Naming.NONE),
            ({"named_expert": ANN.name}, Naming.PREFERRED),
            ({"named_expert": ANN.name, "named_only": True}, Naming.ONLY),
            ({"talk": f"{ANN.name}/talks/space"}, Naming.ONLY),
            ({"named_expert": "experts/gone"}, Naming.NONE),
        ],
    )
    def test_a_name_is_a_wish_or_a_condition(self, fields: dict[str, Any], naming: Naming) -> None:
        assert taken(requests=[changed(ASKED, **fields)]).problem.requests[0].naming is naming

    def test_who_wants_only_somebody_gone_is_ruled_out(self) -> None:
        only = changed(ASKED, named_expert="experts/gone", named_only=True)
        made = taken(requests=[only])
        assert codes(made) == {("NAMED_EXPERT_GONE", ASKED.name)}
        assert made.legend.ruled_out[0].finding.message_en

    def test_duplicates_are_found_except_in_a_series(self) -> None:
        second = changed(ASKED, name="requests/r2")
        assert ("DUPLICATE_REQUEST", "requests/r2") in codes(taken(requests=[ASKED, second]))
        in_series = [
            changed(one, series="series/s", series_spacing_days=3, series_place=2 - place)
            for place, one in enumerate((ASKED, second))
        ]
        made = taken(requests=in_series)
        assert ("DUPLICATE_REQUEST", "requests/r2") not in codes(made)
        (series,) = made.problem.series
        assert (series.requests, series.spacing_days) == ((1, 0), 3)


class TestQuotas:
    def shared(
        self, quota: int, term: DatePeriod, node: str = world.NEAR
    ) -> dict[str, inputs.Pool]:
        agreement = inputs.Agreement(f"{world.POOL}/agreements/a", node, quota, term)
        return {world.POOL: inputs.Pool(world.POOL, "示例", "nodes/elsewhere", (agreement,))}

    def test_an_agreements_quota_is_split_and_never_exceeded(self) -> None:
        own = inputs.Pool("pools/school", "示例", "nodes/school")
        school = changed(world.NEAR_SCHOOL, node_path=("nodes/school", world.NEAR, world.CITY))
        there = world.request("requests/r2", school)
        year = DatePeriod(date(2026, 1, 1), date(2027, 1, 1))
        made = taken(
            requests=[ASKED, there],
            pools=self.shared(5, year) | {own.name: own},
            venues={one.name: one for one in (world.NEAR_HALL, school)},
        )
        (pool,) = made.problem.pools
        assert made.problem.nodes == 2
        assert sorted(one.quota for one in pool.agreements) == [2, 3]
        assert not pool.home_nodes

    def test_what_was_used_is_gone(self) -> None:
        year = DatePeriod(date(2026, 1, 1), date(2027, 1, 1))
        used = [engagement("experts/somebody", -20 - one, 9) for one in range(3)]
        made = taken(pools=self.shared(5, year), engaged=used)
        assert [one.quota for one in made.problem.pools[0].agreements] == [2]

    def test_an_agreement_that_begins_later_is_for_later(self) -> None:
        tomorrow = DatePeriod(world.FIRST_DAY + timedelta(days=1), None)
        made = taken(pools=self.shared(5, tomorrow))
        assert not made.problem.pools[0].agreements
        assert ("NOBODY_ELIGIBLE", ASKED.name) in codes(made)

    def test_a_venue_has_its_visits_of_the_school_year(self) -> None:
        second = changed(ASKED, name="requests/r2", topic="fish")
        capped = changed(world.NEAR_HALL, annual_cap=3, visits_before=1)
        venues = {capped.name: capped}
        in_september = (date(2026, 9, 1) - world.FIRST_DAY).days
        this_year = engagement("experts/x", in_september, 9)
        last_year = engagement("experts/x", in_september - 1, 9)
        requests = [ASKED, second]
        assert not taken(requests=requests, venues=venues).problem.caps
        assert not taken(requests=requests, venues=venues, engaged=[last_year]).problem.caps
        (cap,) = taken(requests=requests, venues=venues, engaged=[this_year]).problem.caps
        assert (cap.requests, cap.served_max) == (frozenset({0, 1}), 1)
        full = changed(capped, visits_before=3)
        made = taken(requests=requests, venues={full.name: full})
        assert ("CAP_REACHED", full.name) in codes(made)

    def test_a_nodes_rules_hold_for_those_below_without_their_own(self) -> None:
        policy = inputs.NodePolicy(annual_cap=1, round_quota=1)
        nodes = {world.NEAR: world.node(world.NEAR, NodeKind.DISTRICT, policy=policy)}
        second = world.request("requests/r2", world.NEAR_SCHOOL)
        third = changed(ASKED, name="requests/r3", topic="fish")
        made = taken(requests=[ASKED, second, third], nodes=nodes)
        assert {(cap.requests, cap.served_max) for cap in made.problem.caps} == {
            (frozenset({0, 2}), 1),  # the hall's visits
            (frozenset({0, 1, 2}), 1),  # the district's events
        }


def test_who_is_behind_has_the_larger_share() -> None:
    far = world.request("requests/r2", world.FAR_HALL)
    made = taken(requests=[ASKED, far], debts={(world.FAR, Group.YOUTH): 30})
    shares = {made.legend.districts[one.district]: one.target for one in made.problem.shares}
    # the far hall cannot be reached there and back in a day's limit without a night, which is allowed
    assert shares == {world.NEAR: 10, world.FAR: 40}


def test_a_share_of_what_nobody_can_serve_does_not_hold_the_floor_down() -> None:
    unknown = world.request("requests/r2", world.FAR_HALL, topic="fish")
    made = taken(requests=[ASKED, unknown])
    assert [made.legend.districts[one.district] for one in made.problem.shares] == [world.NEAR]
    assert ("NOBODY_ELIGIBLE", "requests/r2") in codes(made)


def test_the_order_of_what_is_known_makes_no_difference() -> None:
    people = [ANN, world.expert("experts/ben"), world.expert("experts/far", world.FAR_POINT)]
    asked = [ASKED, world.request("requests/r2", world.FAR_HALL)]
    assert taken(people, asked) == taken(people[::-1], asked[::-1])
