"""Requests of the demonstration: five groups, four forms, courses, a tour, and the impossible."""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from libs.geo import calendar
from libs.geo.calendar import Half, Period
from services.cli.demo.draw import Setting, topic_names, topics_by_group
from services.cli.demo.model import (
    Cause,
    Expert,
    Form,
    Group,
    Level,
    Mode,
    NamedRule,
    Request,
    Role,
    Seat,
    Series,
    Talk,
    Tour,
    Venue,
)
from services.cli.demo.people import (
    TOPIC_OF_NOBODY,
    TOPIC_OF_THE_FAR,
    TOPIC_UNREVIEWED,
    TOUR_TOPICS,
    People,
)
from services.cli.demo.places import Places, district_key

REQUESTS = 200
"""At size 1, the impossible included, the tour not."""
IMPOSSIBLE_EACH = 3
"""At size 1, of each cause."""
SERIES = 6
SERIES_WEEKS = 4
TOUR_WINDOWS = 6

SHARES: Mapping[Group, float] = {
    Group.YOUTH: 0.44,
    Group.FARMERS: 0.18,
    Group.WORKERS: 0.10,
    Group.ELDERLY: 0.18,
    Group.OFFICIALS: 0.10,
}

FAR_DISTRICTS = ("500229", "500238", "500237", "500241")
"""城口, 巫溪, 巫山, 秀山: more than 150 minutes from everybody who knows tea and silk."""

_FORMS: Mapping[Group, tuple[Sequence[Form], Sequence[float]]] = {
    Group.YOUTH: ((Form.LECTURE, Form.REPORT), (0.85, 0.15)),
    Group.FARMERS: (
        (Form.AGRICULTURAL_EXTENSION, Form.CONSULTATION, Form.LECTURE),
        (0.55, 0.25, 0.2),
    ),
    Group.WORKERS: ((Form.LECTURE, Form.CONSULTATION), (0.6, 0.4)),
    Group.ELDERLY: ((Form.LECTURE, Form.CONSULTATION), (0.6, 0.4)),
    Group.OFFICIALS: ((Form.REPORT, Form.LECTURE), (0.6, 0.4)),
}

_MINUTES: Mapping[Form, Sequence[int]] = {
    Form.LECTURE: (45, 60, 90),
    Form.REPORT: (60, 90, 120),
    Form.CONSULTATION: (60, 90, 120),
    Form.AGRICULTURAL_EXTENSION: (90, 120, 180),
}

_FORM_NAMES: Mapping[Form, str] = {
    Form.LECTURE: "科普讲座",
    Form.REPORT: "科普报告",
    Form.CONSULTATION: "科技咨询",
    Form.AGRICULTURAL_EXTENSION: "农技推广",
}


@dataclass(frozen=True, slots=True)
class Asks:
    """What `asks` makes."""

    requests: Sequence[Request]
    series: Sequence[Series]
    tour: Tour


def asks(setting: Setting, places: Places, people: People) -> Asks:
    """200 x size requests, the impossible among them tagged with their cause, and the tour."""
    maker = _Maker(setting=setting, people=people, dice=setting.dice("asks"))
    open_venues = [
        venue
        for venue in places.venues
        if venue.annual_cap is None and not venue.key.startswith("venue-tour-")
    ]
    by_group = {g: [v for v in open_venues if v.group is g] for g in Group}
    used_up = [venue for venue in places.venues if venue.visits_used]
    requests = [
        maker.impossible(cause, turn, by_group, used_up)
        for cause in Cause
        for turn in range(IMPOSSIBLE_EACH * setting.size)
    ]
    series: list[Series] = []
    for number in range(1, SERIES * setting.size + 1):
        dated, course = maker.course(number, by_group)
        requests += dated
        series.append(course)
    left = REQUESTS * setting.size - len(requests)
    for group in _spread(left):
        requests.append(maker.ordinary(maker.dice.choice(by_group[group])))
    tour_requests, tour = maker.tour(places)
    return Asks(requests=[*requests, *tour_requests], series=series, tour=tour)


def _spread(count: int) -> Iterable[Group]:
    """`count` groups in the shares wanted; the rounding goes to the first group."""
    rest = [g for g in Group if g is not Group.YOUTH for _ in range(round(SHARES[g] * count))]
    return [Group.YOUTH] * (count - len(rest)) + rest


@dataclass(slots=True)
class _Maker:
    """Makes requests one by one and numbers them."""

    setting: Setting
    people: People
    dice: random.Random
    made: int = 0
    _topics: dict[Group, list[str]] = field(default_factory=dict)

    def ordinary(self, venue: Venue) -> Request:
        """What a venue of this group would usually ask."""
        dice, group = self.dice, venue.group
        forms, weights = _FORMS[group]
        form = dice.choices(forms, weights=weights)[0]
        topic = dice.choice(self._topics_for(venue.group, form))
        named, rule = "", NamedRule.NONE
        lead = (
            Role.ACADEMICIAN
            if form is Form.REPORT and group is Group.OFFICIALS and dice.random() < 0.25
            else Role.LECTURER
        )
        if dice.random() < (0.4 if group is Group.OFFICIALS else 0.1):
            named, rule = self._somebody(topic, lead), NamedRule.PREFERRED
        seats = [Seat(role=lead, topic=topic, proficiency=dice.choice((1, 2, 2, 3)), required=True)]
        if group is Group.ELDERLY:
            # One helper to many phones is no help: the course wants two.
            seats.append(Seat(Role.VOLUNTEER, "", 0, required=dice.random() < 0.5, count=2))
        elif dice.random() < 0.3:
            seats.append(Seat(Role.VOLUNTEER, "", 0, required=dice.random() < 0.5))
        return self._request(
            venue,
            form=form,
            topic=topic,
            seats=seats,
            named=named if named else "",
            named_rule=rule if named else NamedRule.NONE,
            mode=dice.choices(tuple(Mode), weights=(0.8, 0.05, 0.15))[0],
            emergency=topic == "geo_hazard" and dice.random() < 0.2,
        )

    def impossible(
        self,
        cause: Cause,
        turn: int,
        by_group: Mapping[Group, Sequence[Venue]],
        used_up: Sequence[Venue],
    ) -> Request:
        """A request that cannot be served, for `cause` and nothing else."""
        dice = self.dice
        farm, school = dice.choice(by_group[Group.FARMERS]), dice.choice(by_group[Group.YOUTH])
        extension, lecturer = Form.AGRICULTURAL_EXTENSION, Role.LECTURER
        match cause:
            case Cause.NOBODY_WITH_TOPIC:
                seat = Seat(lecturer, TOPIC_OF_NOBODY, 1, required=True)
                return self._request(
                    farm, form=extension, topic=seat.topic, seats=[seat], impossible=cause
                )
            case Cause.TOO_FAR:
                far = {district_key(code) for code in FAR_DISTRICTS}
                venue = dice.choice([v for v in by_group[Group.FARMERS] if v.district in far])
                seat = Seat(lecturer, TOPIC_OF_THE_FAR, 2, required=True)
                return self._request(
                    venue, form=extension, topic=seat.topic, seats=[seat], impossible=cause
                )
            case Cause.DAY_OFF:
                topic = dice.choice(("physics_fun", "space", "ai"))
                closed = [day.day for day in self.setting.days if self._closed(day)]
                return self._request(
                    school,
                    form=Form.LECTURE,
                    topic=topic,
                    seats=[Seat(lecturer, topic, 1, required=True)],
                    windows=self._windows(closed, at_most=4),
                    notes="只有休息日有空 (only days off suit us)",
                    impossible=cause,
                )
            case Cause.NAMED_EXPERT_AWAY:
                venue = dice.choice(by_group[Group.OFFICIALS])
                away = self.people.away
                topic = away.proficiency[turn % len(away.proficiency)][0]
                return self._request(
                    venue,
                    form=Form.REPORT,
                    topic=topic,
                    seats=[Seat(Role.ACADEMICIAN, topic, 3, required=True)],
                    named=away.key,
                    named_rule=NamedRule.ONLY,
                    impossible=cause,
                )
            case Cause.VENUE_CAP_USED:
                topic = dice.choice(("first_aid", "space", "chem_life"))
                return self._request(
                    used_up[turn % len(used_up)],
                    form=Form.LECTURE,
                    topic=topic,
                    seats=[Seat(lecturer, topic, 1, required=True)],
                    impossible=cause,
                )
            case Cause.SEAT_UNFILLABLE:
                return self._request(
                    farm,
                    form=Form.CONSULTATION,
                    topic="citrus",
                    seats=[
                        Seat(lecturer, "citrus", 1, required=True),
                        Seat(Role.ACADEMICIAN, "citrus", 3, required=True),
                    ],
                    impossible=cause,
                )
            case Cause.TALK_NOT_REVIEWED:
                owner, talk = self._unreviewed(turn)
                venue = dice.choice(by_group[Group.ELDERLY])
                return self._request(
                    venue,
                    form=Form.LECTURE,
                    topic=talk.topic,
                    talk=talk.key,
                    duration_min=talk.duration_min,
                    seats=[Seat(owner.role, talk.topic, 1, required=True)],
                    impossible=cause,
                )

    def course(
        self, number: int, by_group: Mapping[Group, Sequence[Venue]]
    ) -> tuple[Sequence[Request], Series]:
        """A weekly course: the same weekday four times, or the morning after."""
        elderly = number % 2 == 1
        venue = self.dice.choice(by_group[Group.ELDERLY if elderly else Group.YOUTH])
        topic = "digital_elder" if elderly else self.dice.choice(("ai", "physics_fun", "bio"))
        key, weekday = f"series-{number:02d}", self.dice.randrange(4)
        seats = [Seat(Role.LECTURER, topic, 1, required=True)]
        if elderly:
            seats.append(Seat(Role.VOLUNTEER, "digital_elder", 1, required=False, count=2))
        dated = []
        for week in range(SERIES_WEEKS):
            first = self.setting.start + timedelta(weeks=week, days=weekday)
            windows = [
                calendar.half_day(first, Half.MORNING),
                calendar.half_day(first, Half.AFTERNOON),
                calendar.half_day(first + timedelta(days=1), Half.MORNING),
            ]
            dated.append(
                self._request(
                    venue,
                    form=Form.LECTURE,
                    topic=topic,
                    seats=seats,
                    windows=windows,
                    duration_min=60,
                    series=key,
                )
            )
        title = f"{venue.name}每周课程：{topic_names()[topic]}"
        return dated, Series(
            key=key,
            venue=venue.key,
            title=title,
            every_days=7,
            requests=tuple(request.key for request in dated),
        )

    def tour(self, places: Places) -> tuple[Sequence[Request], Tour]:
        """28 schools of seven places, four days, five people."""
        days = self.people.tour_days
        halves = [calendar.half_day(day, half) for day in days for half in Half]
        requests = []
        for place, venues in places.tour_venues.items():
            for venue in venues:
                topic = self.dice.choice(TOUR_TOPICS)
                requests.append(
                    self._request(
                        venue,
                        form=Form.LECTURE,
                        topic=topic,
                        seats=[Seat(Role.LECTURER, topic, 2, required=True)],
                        windows=sorted(
                            self.dice.sample(halves, TOUR_WINDOWS), key=lambda p: p.start
                        ),
                        duration_min=60,
                        weight=4,
                        tour="tour-01",
                        notes=f"院士专家科普校园行·{place}",
                    )
                )
        return requests, Tour(
            key="tour-01",
            title="院士专家科普校园行（示例）",
            days=tuple(days),
            experts=tuple(expert.key for expert in self.people.tour_experts),
            places=tuple(places.tour_venues),
            requests=tuple(request.key for request in requests),
        )

    def _request(
        self,
        venue: Venue,
        *,
        form: Form,
        topic: str,
        seats: Sequence[Seat],
        talk: str = "",
        windows: Sequence[Period] | None = None,
        duration_min: int | None = None,
        named: str = "",
        named_rule: NamedRule = NamedRule.NONE,
        mode: Mode = Mode.ON_SITE,
        weight: int | None = None,
        emergency: bool = False,
        series: str = "",
        tour: str = "",
        notes: str = "",
        impossible: Cause | None = None,
    ) -> Request:
        dice = self.dice
        self.made += 1
        level = (
            dice.choice((Level.PRIMARY, Level.JUNIOR, Level.SENIOR))
            if venue.group is Group.YOUTH
            else Level.ADULT
        )
        if windows is None:
            windows = self._windows(self._days_for(venue.group), at_most=6)
        return Request(
            key=f"request-{self.made:05d}",
            venue=venue.key,
            node=venue.node,
            district=venue.district,
            group=venue.group,
            level=level,
            audience_size=min(venue.capacity, dice.choice((40, 60, 120, 240, 320))),
            form=form,
            topic=topic,
            talk=talk,
            title=f"{_FORM_NAMES[form]}：{topic_names()[topic]}",
            duration_min=duration_min or dice.choice(_MINUTES[form]),
            windows=tuple(windows),
            seats=tuple(seats),
            named=named,
            named_rule=named_rule,
            mode=mode,
            weight=weight or dice.choice((1, 2, 2, 3, 3, 4, 5)),
            lead_days=dice.choice((3, 5, 7)),
            emergency=emergency,
            series=series,
            tour=tour,
            notes=notes,
            impossible=impossible,
        )

    def _windows(self, days: Sequence[date], *, at_most: int) -> Sequence[Period]:
        """3 to `at_most` different half-days of `days`, by start."""
        halves = [calendar.half_day(day, half) for day in days for half in Half]
        count = min(len(halves), self.dice.randint(3, at_most))
        return sorted(self.dice.sample(halves, count), key=lambda period: period.start)

    def _days_for(self, group: Group) -> Sequence[date]:
        if group is Group.YOUTH and self.setting.school_days:
            return self.setting.school_days
        return [day.day for day in self.setting.days if day.works]

    def _closed(self, day: calendar.Day) -> bool:
        """Days on which nobody serves: days off, and Sundays that are not swapped."""
        return day.kind is calendar.DayKind.DAY_OFF or (
            day.kind is calendar.DayKind.WEEKEND and day.day.weekday() == 6
        )

    def _topics_for(self, group: Group, form: Form) -> Sequence[str]:
        """Topics that suit the group, and that somebody could lead."""
        if group not in self._topics:
            led = {
                topic
                for expert in self.people.experts
                if expert.role is Role.LECTURER
                for topic, _ in expert.proficiency
            }
            reserved = {TOPIC_OF_NOBODY, TOPIC_OF_THE_FAR, TOPIC_UNREVIEWED}
            self._topics[group] = [
                topic
                for topic in topics_by_group()[group.value]
                if topic in led and topic not in reserved
            ]
        topics = self._topics[group]
        if form is Form.AGRICULTURAL_EXTENSION:
            farm = {"citrus", "pickle", "pig", "herb", "forest"}
            return [topic for topic in topics if topic in farm]
        return topics

    def _somebody(self, topic: str, role: Role) -> str:
        """An expert who could lead this; '' if there is none."""
        able = [e.key for e in self.people.experts if e.role is role and e.knows(topic) >= 2]
        return self.dice.choice(able) if able else ""

    def _unreviewed(self, turn: int) -> tuple[Expert, Talk]:
        found = [
            (expert, talk)
            for expert in self.people.experts
            if expert.role is Role.LECTURER
            for talk in expert.talks
            if talk.topic == TOPIC_UNREVIEWED
        ]
        return found[turn % len(found)]
