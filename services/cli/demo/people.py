"""Experts of the demonstration: a few academicians, lecturers of societies, volunteers near home."""

import dataclasses
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from libs.geo import calendar, data, nodes
from libs.geo.calendar import Period
from services.cli.demo.draw import Setting, pick_weighted, topic_names, topics_by_group
from services.cli.demo.model import (
    Agreement,
    Clearance,
    Expert,
    Form,
    Group,
    Level,
    Limits,
    Membership,
    Pool,
    Review,
    ReviewKind,
    Role,
    Talk,
    TalkVersion,
)
from services.cli.demo.places import CITY_KEY, Places, district_key, near, town_key

EXPERTS = 211
"""The size of the first lecturers' corps of 2019."""
ACADEMICIANS, LECTURERS = 6, 90
TOUR_EXPERTS = 5
TOUR_DAYS = 4

TOPIC_OF_NOBODY = "fish"
"""Asked for by villages, known by nobody in the demonstration."""
TOPIC_OF_THE_FAR = "tea_silk"
"""Known only by people at the western edge who travel little; asked for in the far northeast."""
TOPIC_UNREVIEWED = "anti_pseudo"
"""All its talks lack a review."""

TOUR_TOPICS = ("space", "ai", "physics_fun", "eco", "scientist_spirit")
FARM_TOPICS = ("citrus", "pickle", "pig", "herb", "forest")

CENTRE = ("500103", "500106", "500107", "500108", "500109", "500104", "500113")
REGIONAL = ("500101", "500102", "500114", "500118", "500117", "500154", "500116", "500235")
FAR_WEST = "500153"

CORPS, PANEL = "pool-corps", "pool-panel"

# By the order of societies.csv: what their people talk about.
_SOCIETY_TOPICS: Sequence[tuple[str, ...]] = (
    ("pickle", "herb", "citrus"),
    ("nutrition", "chem_life", "chronic"),
    ("chronic", "first_aid", "tcm", "eyes"),
    ("nutrition", "mental", "eyes", "first_aid"),
    ("water", "bridge", "manufacturing", "fire_safety"),
    ("meteo", "geo_hazard", "forest"),
    ("eco", "carbon", "water"),
    ("bio", "brain", "pig"),
    ("space", "physics_fun", "scientist_spirit"),
    ("chem_life", "materials", "nutrition"),
    ("geo_hazard", "fire_safety", "carbon"),
    ("manufacturing", "ev", "materials"),
    ("ai", "space", "physics_fun", "scientist_spirit"),
    ("chips", "ev", "ai", "carbon"),
    ("mental", "brain", "bio"),
    ("ai", "chips", "digital_elder"),
    ("eco", "bridge", "forest", "pig"),
)


@dataclass(frozen=True, slots=True)
class People:
    """What `people` makes. The named few carry the impossible and the tour requests."""

    experts: Sequence[Expert]
    pools: Sequence[Pool]
    agreements: Sequence[Agreement]
    reviewers: Sequence[str]
    tour_experts: Sequence[Expert]
    away: Expert
    tour_days: Sequence[date]


def people(setting: Setting, places: Places) -> People:
    """211 x size experts with their pools; see `model.Expert`."""
    dice = setting.dice("people")
    reviewers = tuple(f"reviewer-{number:02d}" for number in range(1, 9))
    names = _names(setting)
    maker = _Maker(setting=setting, places=places, dice=dice, reviewers=reviewers)
    total, academicians = EXPERTS * setting.size, ACADEMICIANS * setting.size
    lecturers = LECTURERS * setting.size
    tour_days = _tour_days(setting)
    experts: list[Expert] = []
    for number in range(1, total + 1):
        key, name = f"expert-{number:04d}", names[number - 1]
        if number <= academicians:
            # The first one is away for the whole round; people ask for them all the same.
            made = maker.academician(key, name, away=number == 1)
        elif number <= academicians + TOUR_EXPERTS:
            made = maker.tour_expert(
                key, name, TOUR_TOPICS[number - academicians - 1], tour_days=tour_days
            )
        elif number <= academicians + lecturers:
            made = maker.lecturer(key, name, number)
        else:
            made = maker.volunteer(key, name, number)
        experts.append(made)
    return People(
        experts=experts,
        pools=_pools(places),
        agreements=_agreements(setting),
        reviewers=reviewers,
        tour_experts=experts[academicians : academicians + TOUR_EXPERTS],
        away=experts[0],
        tour_days=tour_days,
    )


def _tour_days(setting: Setting) -> Sequence[date]:
    """Four school days in a row, in the second week if it has them."""
    school_days = set(setting.school_days)
    for week in (1, 0, 2, 3):
        for weekday in (0, 1):
            first = setting.start + timedelta(weeks=week, days=weekday)
            days = [first + timedelta(days=offset) for offset in range(TOUR_DAYS)]
            if school_days.issuperset(days):
                return days
    return [setting.start + timedelta(weeks=1, days=offset) for offset in range(TOUR_DAYS)]


def _names(setting: Setting) -> Sequence[str]:
    """Different names, each marked 示例."""
    dice = setting.dice("names")
    surnames = data.rows("surnames.csv")[:120]
    weights = [float(row["weight"]) for row in surnames]
    given = [row["given"] for row in data.rows("given_names.csv")]
    names: dict[str, None] = {}
    while len(names) < EXPERTS * setting.size:
        surname = pick_weighted(dice, [row["surname"] for row in surnames], weights)
        names[f"示例·{surname}{dice.choice(given)}"] = None
    return tuple(names)


def _pools(places: Places) -> Sequence[Pool]:
    society_pools = [
        Pool(key=f"pool-{node.key}", owner=node.key, name=f"{node.name_zh}科技志愿服务队")
        for node in places.tree
        if node.kind == "SOCIETY"
    ]
    district_pools = [
        Pool(
            key=f"pool-{district_key(code)}",
            owner=district_key(code),
            name=f"“智惠行动”科技志愿服务支队（{code}）",
        )
        for code in sorted(places.towns)
    ]
    return [
        Pool(key=CORPS, owner=CITY_KEY, name="重庆市院士专家科普讲师团"),
        Pool(key=PANEL, owner=CITY_KEY, name="重庆市科学传播专家团"),
        *society_pools,
        *district_pools,
    ]


def _agreements(setting: Setting) -> Sequence[Agreement]:
    """The whole city may use the corps, the panel and the societies; one agreement has run out."""
    year_start, year_end = date(setting.start.year, 1, 1), date(setting.start.year + 2, 1, 1)
    made = []
    pools = [CORPS, PANEL, *(f"pool-society-{n:02d}" for n in range(1, len(_SOCIETY_TOPICS) + 1))]
    for number, pool in enumerate(pools, start=1):
        quota = {CORPS: 400, PANEL: 40}.get(pool, 60) * setting.size
        expired = number == len(pools)
        made.append(
            Agreement(
                key=f"agreement-{number:02d}",
                pool=pool,
                node=CITY_KEY,
                quota=3 * setting.size if number == len(pools) - 1 else quota,
                valid_from=year_start,
                valid_until=setting.start - timedelta(days=1) if expired else year_end,
            )
        )
    return made


@dataclass(slots=True)
class _Maker:
    """Makes people of each kind; keeps the dice and the number of the last talk."""

    setting: Setting
    places: Places
    dice: random.Random
    reviewers: Sequence[str]
    talks: int = 0

    def academician(self, key: str, name: str, *, away: bool) -> Expert:
        topics = self.dice.sample(
            ("space", "ai", "carbon", "brain", "chips", "eco", "materials"), 2
        )
        levels = dict.fromkeys((*topics, "scientist_spirit"), 3)
        return self._person(
            key,
            name,
            role=Role.ACADEMICIAN,
            district=self.dice.choice(CENTRE),
            proficiency=levels,
            audiences=(Group.YOUTH, Group.OFFICIALS),
            forms=(Form.LECTURE, Form.REPORT),
            levels=(Level.JUNIOR, Level.SENIOR, Level.ADULT),
            limits=Limits(
                per_day=1,
                per_week=1,
                per_round=2,
                travel_min_per_day=self.dice.choice((120, 150, 180)),
                nights_away=0,
                rest_days_per_week=5,
                earliest_hour=9,
                latest_hour=17,
            ),
            memberships=[self._term(PANEL)],
            birth_year=self.setting.start.year - self.dice.randint(66, 79),
            free=() if away else self._free(day_share=0.3, whole_share=0.5, hours=(9, 17)),
        )

    def tour_expert(self, key: str, name: str, topic: str, *, tour_days: Sequence[date]) -> Expert:
        """A lecturer of the corps who is free day and night on the tour's days and travels far."""
        others = tuple(t for t in TOUR_TOPICS if t != topic)
        made = self._person(
            key,
            name,
            role=Role.LECTURER,
            district=self.dice.choice(CENTRE),
            proficiency={topic: 3, **dict.fromkeys(self.dice.sample(others, 2), 2)},
            audiences=(Group.YOUTH, Group.OFFICIALS),
            forms=(Form.LECTURE, Form.REPORT),
            levels=tuple(Level),
            limits=Limits(
                per_day=3,
                per_week=8,
                per_round=12,
                travel_min_per_day=600,
                nights_away=3,
                rest_days_per_week=1,
                earliest_hour=6,
                latest_hour=22,
            ),
            memberships=[self._term(CORPS)],
            birth_year=self.setting.start.year - self.dice.randint(58, 68),
            free=(),
        )
        whole_days = [
            Period(
                calendar.instant(day, time(0)), calendar.instant(day + timedelta(days=1), time(0))
            )
            for day in tour_days
        ]
        week = {day.isocalendar().week for day in tour_days}
        others_free = [
            period
            for period in self._free(day_share=0.3, whole_share=0.5, hours=(7, 19))
            if calendar.local_day(period.start).isocalendar().week not in week
        ]
        return dataclasses.replace(
            made, free=tuple(sorted([*whole_days, *others_free], key=lambda p: p.start))
        )

    def lecturer(self, key: str, name: str, number: int) -> Expert:
        society = number % len(_SOCIETY_TOPICS)
        # Every thirtieth knows tea and silk, lives at the western edge and stays near it.
        silk = number % 30 == 17
        unreviewed = number % 45 == 12
        own = _SOCIETY_TOPICS[society]
        topics = [TOPIC_OF_THE_FAR] if silk else self.dice.sample(own, min(len(own), 3))
        if unreviewed:
            topics = [TOPIC_UNREVIEWED, *topics[:1]]
        dice = self.dice
        district = (
            FAR_WEST
            if silk
            else dice.choice(CENTRE)
            if dice.random() < 0.7
            else dice.choice(REGIONAL)
        )
        farmer = any(topic in FARM_TOPICS for topic in topics)
        far = dice.random() < 0.45
        memberships = [self._term(CORPS), self._term(f"pool-society-{society + 1:02d}")]
        return self._person(
            key,
            name,
            role=Role.LECTURER,
            district=district,
            proficiency={topic: dice.choice((2, 2, 3, 3)) for topic in topics},
            audiences=self._audiences(topics),
            forms=(
                Form.LECTURE,
                *((Form.REPORT,) if dice.random() < 0.6 else ()),
                Form.CONSULTATION,
                *((Form.AGRICULTURAL_EXTENSION,) if farmer or silk else ()),
            ),
            levels=tuple(Level) if dice.random() < 0.6 else (Level.JUNIOR, Level.SENIOR, Level.ADULT),
            limits=Limits(
                per_day=2,
                per_week=dice.choice((2, 3, 4)),
                per_round=dice.choice((5, 6, 8)),
                travel_min_per_day=150 if silk else dice.choice((480, 600)) if far else dice.choice((180, 240, 300)),
                nights_away=0 if silk else dice.choice((1, 2, 3)) if far else 0,
                rest_days_per_week=dice.choice((1, 2, 2, 3)),
                earliest_hour=7,
                latest_hour=20,
            ),
            memberships=memberships,
            birth_year=self.setting.start.year - dice.randint(32, 64),
            free=self._free(day_share=0.5, whole_share=0.6, hours=(7, 20)),
        )  # fmt: skip

    def volunteer(self, key: str, name: str, number: int) -> Expert:
        dice = self.dice
        codes = sorted(self.places.towns)
        district = codes[number % len(codes)] if number % 3 else dice.choice(codes)
        farmer = dice.random() < 0.3
        pool = list(FARM_TOPICS) if farmer else sorted(self._volunteer_topics())
        topics = dice.sample(pool, 3)
        return self._person(
            key,
            name,
            role=Role.VOLUNTEER,
            district=district,
            proficiency={topic: dice.choice((1, 1, 2)) for topic in topics},
            audiences=self._audiences(topics),
            forms=(
                Form.LECTURE,
                Form.CONSULTATION,
                *((Form.AGRICULTURAL_EXTENSION,) if farmer else ()),
            ),
            levels=tuple(Level),
            limits=Limits(
                per_day=2,
                per_week=dice.choice((2, 3)),
                per_round=dice.choice((4, 6, 8)),
                travel_min_per_day=dice.choice((90, 120, 180)),
                nights_away=0,
                rest_days_per_week=dice.choice((2, 3)),
                earliest_hour=8,
                latest_hour=20,
            ),
            memberships=[self._term(f"pool-{district_key(district)}")],
            birth_year=self.setting.start.year - dice.randint(20, 60),
            free=self._free(day_share=0.4, whole_share=0.5, hours=(8, 20), saturdays=True),
            local_head=dice.random() < 0.12,
        )

    def _person(
        self,
        key: str,
        name: str,
        *,
        role: Role,
        district: str,
        proficiency: Mapping[str, int],
        audiences: tuple[Group, ...],
        forms: tuple[Form, ...],
        levels: tuple[Level, ...],
        limits: Limits,
        memberships: Sequence[Membership],
        birth_year: int,
        free: tuple[Period, ...],
        local_head: bool = False,
    ) -> Expert:
        town: nodes.Node = self.dice.choice(self.places.towns[district])
        assert town.point is not None, "towns have points, or nobody could live in them"
        return Expert(
            key=key,
            name=name,
            role=role,
            local_head=local_head,
            home=near(self.dice, town.point, km=1.0),
            home_town=town_key(town.code),
            home_district=district_key(district),
            mountain=town.mountain,
            proficiency=tuple(sorted(proficiency.items())),
            audiences=audiences,
            forms=forms,
            levels=levels,
            limits=limits,
            clearance=self._clearance(role) if Group.YOUTH in audiences else None,
            memberships=tuple(memberships),
            talks=tuple(
                self._talk(topic, audiences=audiences, levels=levels)
                for topic in proficiency
                if role is not Role.VOLUNTEER or self.dice.random() < 0.4
            ),
            free=free,
            birth_year=birth_year,
        )

    def _term(self, pool: str) -> Membership:
        """A membership of three years; one in 25 ended last month."""
        start, dice = self.setting.start, self.dice
        if dice.random() < 0.04:
            return Membership(pool, start - timedelta(days=1100), start - timedelta(days=20))
        begin = start - timedelta(days=dice.randint(60, 700))
        return Membership(pool, begin, begin + timedelta(days=1095))

    def _clearance(self, role: Role) -> Clearance | None:
        """Mostly good for two years; some run out in the middle of the round, some never were."""
        draw, start = self.dice.random(), self.setting.start
        if draw < (0.15 if role is Role.VOLUNTEER else 0.03):
            return None
        if draw < 0.22 and role is Role.VOLUNTEER:
            return Clearance(start - timedelta(days=720), start + timedelta(days=10))
        begin = start - timedelta(days=self.dice.randint(30, 500))
        return Clearance(begin, begin + timedelta(days=730))

    def _audiences(self, topics: Sequence[str]) -> tuple[Group, ...]:
        """The groups these topics are for, in the order of the notice."""
        by_group = topics_by_group()
        return tuple(g for g in Group if any(t in by_group.get(g.value, ()) for t in topics))

    def _volunteer_topics(self) -> set[str]:
        reserved = {TOPIC_OF_NOBODY, TOPIC_OF_THE_FAR, TOPIC_UNREVIEWED, *FARM_TOPICS}
        return set(topic_names()) - reserved

    def _talk(self, topic: str, *, audiences: tuple[Group, ...], levels: tuple[Level, ...]) -> Talk:
        self.talks += 1
        dice, by_group = self.dice, topics_by_group()
        scope = tuple(
            g for g in audiences if topic in by_group.get(g.value, ()) or g is Group.OFFICIALS
        )
        form = dice.choice((Form.LECTURE, Form.LECTURE, Form.REPORT))
        flawed = topic == TOPIC_UNREVIEWED
        versions = [self._version(1, topic, scope, flawed=flawed or dice.random() < 0.06)]
        if dice.random() < 0.25:
            versions.append(self._version(2, topic, scope, flawed=flawed or dice.random() < 0.3))
        return Talk(
            key=f"talk-{self.talks:04d}",
            topic=topic,
            title=f"示例讲座：{topic_names()[topic]}（{self.talks}）",
            form=form,
            duration_min=dice.choice((45, 60, 90)),
            audiences=scope,
            levels=levels,
            versions=tuple(versions),
        )  # fmt: skip

    def _version(
        self, number: int, topic: str, scope: tuple[Group, ...], *, flawed: bool
    ) -> TalkVersion:
        """A version with two reviews by two people; a flawed one lacks one or has one run out."""
        start, dice = self.setting.start, self.dice
        political, scientific = dice.sample(self.reviewers, 2)
        good_until = start + timedelta(days=dice.randint(60, 700))
        reviews = [
            Review(ReviewKind.POLITICAL, political, scope, good_until),
            Review(ReviewKind.SCIENTIFIC, scientific, scope, good_until),
        ]
        if flawed and (topic == TOPIC_UNREVIEWED or dice.random() < 0.5):
            reviews.pop(0)
        elif flawed:
            reviews[0] = dataclasses.replace(reviews[0], expires=start - timedelta(days=5))
        return TalkVersion(
            number=number,
            abstract=f"示例内容：{topic_names()[topic]}，第 {number} 版。",
            reviews=tuple(reviews),
        )

    def _free(
        self,
        *,
        day_share: float,
        whole_share: float,
        hours: tuple[int, int],
        saturdays: bool = False,
    ) -> tuple[Period, ...]:
        """Door-to-door windows, at most one a day; nobody is free on days off or Sundays."""
        dice, free = self.dice, list[Period]()
        for day in self.setting.days:
            saturday = day.kind is calendar.DayKind.WEEKEND and day.day.weekday() == 5
            if not (day.works or (saturday and saturdays)):
                continue
            if dice.random() >= day_share:
                continue
            first, last = hours
            draw = dice.random()
            if draw < whole_share:
                window = first, last
            elif draw < (1 + whole_share) / 2:
                window = first, 13
            else:
                window = 13, last
            free.append(_window(day.day, *window))
        return tuple(free)


def _window(day: date, first_hour: int, last_hour: int) -> Period:
    def at(hour: int) -> datetime:
        return calendar.instant(day, time(hour))

    return Period(at(first_hour), at(last_hour))
