import itertools
from collections import Counter
from datetime import date, timedelta

import pytest

from libs.geo import calendar
from libs.geo.travel import ModelledTravel, Place
from services.cli.demo.generate import generate
from services.cli.demo.model import Cause, Demo, Expert, Form, Group, Request, Role

AS_OF = date(2026, 11, 23)


@pytest.fixture(scope="module")
def demo() -> Demo:
    return generate(as_of=AS_OF, seed=1)


def meant(demo: Demo, cause: Cause) -> list[Request]:
    return [request for request in demo.requests if request.impossible is cause]


def free_in(expert: Expert, request: Request) -> bool:
    """Whether the expert could stand in the room for some of the windows, travel left out."""
    duration = timedelta(minutes=request.duration_min)
    return any(
        min(free.end, window.end) - max(free.start, window.start) >= duration
        for free in expert.free
        for window in request.windows
    )


@pytest.mark.parametrize("size", [1, 5])
def test_counts_grow_with_the_size(size):
    demo = generate(as_of=AS_OF, seed=1, size=size)
    roles = Counter(expert.role for expert in demo.experts)
    assert len(demo.experts) == 211 * size
    assert roles[Role.ACADEMICIAN] == 6 * size
    assert roles[Role.LECTURER] == 90 * size
    assert sum(not request.tour for request in demo.requests) == 200 * size
    assert sum(bool(request.tour) for request in demo.requests) == 28


def test_the_same_arguments_make_the_same_demonstration(demo):
    assert generate(as_of=AS_OF, seed=1) == demo


def test_another_seed_makes_another_one(demo):
    other = generate(as_of=AS_OF, seed=2)
    assert other.experts != demo.experts
    assert other.requests != demo.requests


@pytest.mark.parametrize("size", [1, 5, 15])
def test_keys_are_unique(size):
    demo = generate(as_of=AS_OF, seed=3, size=size)
    for things in (
        demo.nodes,
        demo.venues,
        demo.pools,
        demo.agreements,
        demo.experts,
        demo.requests,
    ):
        keys = Counter(thing.key for thing in things)
        assert [key for key, count in keys.items() if count > 1] == []
    names = Counter(expert.name for expert in demo.experts)
    assert max(names.values()) == 1


def test_everybody_is_marked_as_an_example(demo):
    assert [e.name for e in demo.experts if not e.name.startswith("示例·")] == []
    assert [v.name for v in demo.venues if "示例" not in v.name] == []


def test_every_reference_has_its_target(demo):
    nodes = {node.key for node in demo.nodes}
    venues = {venue.key for venue in demo.venues}
    pools = {pool.key for pool in demo.pools}
    experts = {expert.key for expert in demo.experts}
    talks = {talk.key for expert in demo.experts for talk in expert.talks}
    assert {node.parent for node in demo.nodes} - nodes == {None}
    assert {host for node in demo.nodes for host in node.hosts} <= nodes
    assert {venue.node for venue in demo.venues} <= nodes
    assert {pool.owner for pool in demo.pools} <= nodes
    assert {a.pool for a in demo.agreements} <= pools
    assert {m.pool for expert in demo.experts for m in expert.memberships} <= pools
    assert {request.venue for request in demo.requests} <= venues
    assert {request.named for request in demo.requests} <= experts | {""}
    assert {request.talk for request in demo.requests} <= talks | {""}


def test_parents_come_before_their_children(demo):
    seen: set[str | None] = {None}
    for node in demo.nodes:
        assert node.parent in seen
        seen.add(node.key)


def test_the_tree_keeps_the_abolished_districts_with_their_last_day(demo):
    ended = {n.key: n.valid_until for n in demo.nodes if n.valid_until is not None}
    assert ended == {
        "district-500105": date(2025, 11, 6),
        "district-500112": date(2025, 11, 6),
    }
    assert sum(n.kind == "DISTRICT" and n.valid_until is None for n in demo.nodes) == 37


def test_the_horizon_is_four_weeks_from_a_monday_in_term(demo):
    assert demo.start.weekday() == 0
    assert demo.start >= AS_OF + timedelta(days=21)
    assert demo.end - demo.start == timedelta(weeks=4)


@pytest.mark.parametrize("as_of", [date(2026, 12, 20), date(2026, 6, 20)])
def test_a_horizon_that_would_fall_into_the_holidays_waits_for_the_term(as_of):
    demo = generate(as_of=as_of, seed=1)
    known = calendar.chongqing()
    open_days = [d for d in known.days(demo.start, demo.end) if known.school_day(d.day)]
    assert len(open_days) >= 15


def test_a_year_nobody_knows_still_makes_a_demonstration():
    demo = generate(as_of=date(2033, 3, 1), seed=1)
    assert len(demo.requests) == 228
    assert len(demo.tour.days) == 4


def test_all_groups_and_forms_ask(demo):
    assert {request.group for request in demo.requests} == set(Group)
    assert {request.form for request in demo.requests} == set(Form)
    assert Counter(r.group for r in demo.requests)[Group.OFFICIALS] >= 10


def test_windows_are_three_to_six_half_days_of_the_horizon_longer_than_the_visit(demo):
    for request in demo.requests:
        assert 3 <= len(request.windows) <= 6
        assert len(set(request.windows)) == len(request.windows)
        for window in request.windows:
            assert demo.start <= calendar.local_day(window.start) < demo.end
            assert window.end - window.start >= timedelta(minutes=request.duration_min)


def test_availability_never_overlaps_and_stays_in_the_horizon(demo):
    for expert in demo.experts:
        for earlier, later in itertools.pairwise(expert.free):
            assert earlier.end <= later.start
        for free in expert.free:
            assert demo.start <= calendar.local_day(free.start) < demo.end


def test_ordinary_requests_of_schools_are_on_school_days(demo):
    known = calendar.chongqing()
    for request in demo.requests:
        if request.group is Group.YOUTH and not request.impossible and not request.series:
            for window in request.windows:
                assert known.school_day(calendar.local_day(window.start))


def test_some_reviews_clearances_terms_and_agreements_are_flawed_on_purpose(demo):
    versions = [v for e in demo.experts for talk in e.talks for v in talk.versions]
    assert any(len(version.reviews) < 2 for version in versions)
    assert any(review.expires <= demo.start for v in versions for review in v.reviews)
    assert any(m.end <= demo.start for e in demo.experts for m in e.memberships)
    assert any(
        expert.clearance is not None and demo.start < expert.clearance.valid_until < demo.end
        for expert in demo.experts
    )
    assert any(agreement.valid_until <= demo.start for agreement in demo.agreements)


def test_a_version_is_reviewed_by_two_different_people(demo):
    for expert in demo.experts:
        for talk in expert.talks:
            for version in talk.versions:
                reviewers = [review.reviewer for review in version.reviews]
                assert len(set(reviewers)) == len(reviewers)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_there_are_three_requests_for_each_cause(seed):
    demo = generate(as_of=AS_OF, seed=seed)
    causes = Counter(r.impossible for r in demo.requests if r.impossible)
    assert causes == dict.fromkeys(Cause, 3)


def test_nobody_knows_the_topic_of_nobody(demo):
    for request in meant(demo, Cause.NOBODY_WITH_TOPIC):
        assert [e.key for e in demo.experts if e.knows(request.topic)] == []


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_who_knows_the_far_topic_lives_too_far(seed):
    demo = generate(as_of=AS_OF, seed=seed)
    venues = {venue.key: venue for venue in demo.venues}
    for request in meant(demo, Cause.TOO_FAR):
        able = [e for e in demo.experts if e.knows(request.topic) >= 1]
        assert able
        venue = venues[request.venue]
        for expert in able:
            minutes = ModelledTravel().minutes(
                [
                    Place(expert.home),
                    Place(venue.point, last_mile_km=venue.last_mile_km),
                ]
            )
            assert minutes[0, 1] + minutes[1, 0] > expert.limits.travel_min_per_day
            assert expert.limits.nights_away == 0


def test_nobody_is_free_on_the_days_off_asked_for(demo):
    for request in meant(demo, Cause.DAY_OFF):
        able = [e for e in demo.experts if e.knows(request.topic)]
        assert able
        assert [e.key for e in demo.experts if free_in(e, request)] == []


def test_the_named_academician_is_away(demo):
    experts = {expert.key: expert for expert in demo.experts}
    for request in meant(demo, Cause.NAMED_EXPERT_AWAY):
        named = experts[request.named]
        assert named.role is Role.ACADEMICIAN
        assert named.knows(request.topic) == 3
        assert not free_in(named, request)


def test_the_venue_has_had_its_visits(demo):
    venues = {venue.key: venue for venue in demo.venues}
    for request in meant(demo, Cause.VENUE_CAP_USED):
        venue = venues[request.venue]
        assert venue.annual_cap == venue.visits_used
    others = [venues[r.venue] for r in demo.requests if r.impossible is not Cause.VENUE_CAP_USED]
    assert [venue.key for venue in others if venue.annual_cap is not None] == []


def test_one_required_seat_can_be_filled_and_the_other_cannot(demo):
    for request in meant(demo, Cause.SEAT_UNFILLABLE):
        fillable = [
            any(
                e.role is seat.role and e.knows(seat.topic) >= seat.proficiency
                for e in demo.experts
            )
            for seat in request.seats
        ]
        assert fillable == [True, False]


def test_the_talk_asked_for_lacks_a_review(demo):
    talks = {talk.key: talk for expert in demo.experts for talk in expert.talks}
    for request in meant(demo, Cause.TALK_NOT_REVIEWED):
        versions = talks[request.talk].versions
        assert versions
        assert not any(v.approved(group=request.group, on=demo.start) for v in versions)
        assert request.group in talks[request.talk].audiences


def test_most_ordinary_requests_have_somebody_who_is_free(demo):
    ordinary = [r for r in demo.requests if r.impossible is None and not r.tour]
    hopeful = [
        request
        for request in ordinary
        if any(
            expert.role is request.seats[0].role
            and expert.knows(request.topic) >= request.seats[0].proficiency
            and request.form in expert.forms
            and free_in(expert, request)
            for expert in demo.experts
        )
    ]
    assert len(hopeful) > 0.9 * len(ordinary)


def test_the_tour_is_five_people_four_days_seven_places_and_28_schools(demo):
    tour = demo.tour
    assert (len(tour.experts), len(tour.days), len(tour.places), len(tour.requests)) == (
        5,
        4,
        7,
        28,
    )
    assert [b - a for a, b in itertools.pairwise(tour.days)] == [timedelta(days=1)] * 3
    asked = [request for request in demo.requests if request.tour]
    assert Counter(Counter(r.district for r in asked).values()) == {4: 7}
    assert all(calendar.local_day(w.start) in tour.days for r in asked for w in r.windows)


def test_people_of_the_tour_are_free_day_and_night_and_may_stay_away(demo):
    experts = {expert.key: expert for expert in demo.experts}
    for key in demo.tour.experts:
        expert = experts[key]
        whole = [f for f in expert.free if f.end - f.start == timedelta(days=1)]
        assert [calendar.local_day(f.start) for f in whole] == list(demo.tour.days)
        assert expert.limits.nights_away == 3


def test_a_course_is_held_every_week(demo):
    requests = {request.key: request for request in demo.requests}
    assert len(demo.series) == 6
    for series in demo.series:
        firsts = [requests[key].windows[0].start for key in series.requests]
        assert [b - a for a, b in itertools.pairwise(firsts)] == [timedelta(weeks=1)] * 3
