"""The demonstration's plain values as messages of the contract."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from zhihui.common.v1 import common_pb2 as common
from zhihui.events.v1 import events_pb2 as events
from zhihui.experts.v1 import experts_pb2 as experts

from libs.geo.calendar import Period
from libs.geo.points import Point
from services.cli.demo.model import (
    Agreement,
    Expert,
    Form,
    Group,
    Level,
    NamedRule,
    Node,
    Pool,
    Request,
    Review,
    Role,
    Seat,
    Series,
    Talk,
    Venue,
)

WEIGHT_EACH = 10
"""The demonstration weighs 1 to 5; the contract's usual weight is 10, and 1000 the most."""
EMERGENCY_LEVEL = 2
CONTINUITY = 20
LEEWAY_DAYS = 2
"""A week's date may be on the day after; so two dates may be that much closer than the rule says."""


def role(value: Role) -> Any:
    """On the wire."""
    return common.Role.Value(f"ROLE_{value}")


def group(value: Group) -> Any:
    """On the wire."""
    return common.AudienceGroup.Value(f"AUDIENCE_GROUP_{value}")


def form(value: Form) -> Any:
    """On the wire."""
    return common.Form.Value(f"FORM_{value}")


def levels(values: Iterable[Level]) -> list[Any]:
    """On the wire."""
    return [common.LanguageLevel.Value(f"LANGUAGE_LEVEL_{value}") for value in values]


def point(value: Point | None) -> common.Point | None:
    """On the wire; WGS-84."""
    if value is None:
        return None
    return common.Point(latitude=value.lat, longitude=value.lon, datum=common.DATUM_WGS84)


def days(start: date, end: date | None) -> common.DatePeriod:
    """`[start, end)`; no end: for ever."""
    return common.DatePeriod(start_date=start.isoformat(), end_date=end.isoformat() if end else "")


def period(value: Period) -> common.Period:
    """On the wire."""
    made = common.Period()
    made.start_time.FromDatetime(value.start)
    made.end_time.FromDatetime(value.end)
    return made


def node(value: Node) -> events.Node:
    """On the wire."""
    return events.Node(
        kind=events.NodeKind.Value(f"NODE_KIND_{value.kind}"),
        display_name=value.name_zh,
        display_name_en=value.name_en,
        parent=f"nodes/{value.parent}" if value.parent else "",
        validity=days(value.valid_from, value.valid_until),
        adcode=value.adcode,
        population=value.population or 0,
        seat=point(value.point),
        mountain=value.mountain,
        links=[f"nodes/{host}" for host in value.hosts],
    )


def venue(value: Venue) -> events.Venue:
    """On the wire."""
    return events.Venue(
        display_name=value.name,
        node=f"nodes/{value.node}",
        point=point(value.point),
        last_mile_km=value.last_mile_km,
        capacity=value.capacity,
        facilities=[facility.lower() for facility in value.facilities],
        access_notes=value.access_notes,
        group=group(value.group),
        annual_cap=value.annual_cap,
        visits_before=value.visits_used,
    )


def pool(value: Pool) -> experts.Pool:
    """On the wire."""
    return experts.Pool(display_name=value.name, owner=f"nodes/{value.owner}")


def agreement(value: Agreement) -> experts.SharingAgreement:
    """On the wire."""
    return experts.SharingAgreement(
        node=f"nodes/{value.node}",
        quota=value.quota,
        term=days(value.valid_from, value.valid_until),
    )


def expert(value: Expert) -> experts.Expert:
    """On the wire, without talks and free windows: they have calls of their own."""
    limits = value.limits
    return experts.Expert(
        display_name=value.name,
        role=role(value.role),
        local_head=value.local_head,
        home_node=f"nodes/{value.home_town}",
        skills=[
            experts.Skill(topic=topic, proficiency=level) for topic, level in value.proficiency
        ],
        audiences=[group(one) for one in value.audiences],
        forms=[form(one) for one in value.forms],
        levels=levels(value.levels),
        limits=experts.Limits(
            per_day=limits.per_day,
            per_week=limits.per_week,
            per_round=limits.per_round,
            travel_min_per_day=limits.travel_min_per_day,
            nights_away=limits.nights_away,
            rest_days_per_week=limits.rest_days_per_week,
            earliest_min=limits.earliest_hour * 60,
            latest_min=limits.latest_hour * 60,
        ),
        clearances=[days(value.clearance.valid_from, value.clearance.valid_until)]
        if value.clearance
        else [],
        memberships=[
            experts.Membership(pool=f"pools/{one.pool}", term=days(one.start, one.end))
            for one in value.memberships
        ],
    )


def personal_data(value: Expert) -> experts.PersonalData:
    """Invented, and in a domain that reaches nobody."""
    return experts.PersonalData(email=f"{value.key}@example.org", home=point(value.home))


def talk(value: Talk) -> experts.Talk:
    """On the wire, without versions: they have calls of their own."""
    return experts.Talk(
        title=value.title,
        topic=value.topic,
        form=form(value.form),
        duration_min=value.duration_min,
        audiences=[group(one) for one in value.audiences],
        levels=levels(value.levels),
    )


def review(value: Review) -> experts.Review:
    """On the wire."""
    return experts.Review(
        kind=experts.ReviewKind.Value(f"REVIEW_KIND_{value.kind}"),
        reviewer=value.reviewer,
        passed=True,
        audiences=[group(one) for one in value.audiences],
        expire_date=value.expires.isoformat(),
    )


def seat(value: Seat) -> events.Seat:
    """On the wire."""
    return events.Seat(
        roles=[role(value.role)],
        topic=value.topic,
        proficiency=value.proficiency,
        optional=not value.required,
        count=value.count,
    )


def request(
    value: Request, *, owners: Mapping[str, str], programmes: Mapping[str, str]
) -> events.Request:
    """On the wire. `owners`: expert by talk; `programmes`: title by tour."""
    return events.Request(
        venue=f"venues/{value.venue}",
        title=value.title,
        group=group(value.group),
        level=levels([value.level])[0],
        audience_size=value.audience_size,
        form=form(value.form),
        topic=value.topic,
        talk=f"experts/{owners[value.talk]}/talks/{value.talk}" if value.talk else "",
        duration_min=value.duration_min,
        windows=[period(window) for window in value.windows],
        seats=[seat(one) for one in value.seats],
        named_expert=f"experts/{value.named}" if value.named else "",
        named_only=value.named_rule is NamedRule.ONLY,
        mode=common.Mode.Value(f"MODE_{value.mode}"),
        weight=value.weight * WEIGHT_EACH,
        emergency_level=EMERGENCY_LEVEL if value.emergency else 0,
        notes=value.notes,
        host="示例联系人",
        programme=programmes.get(value.tour, ""),
    )


def series(value: Series) -> events.Series:
    """On the wire."""
    return events.Series(
        title=value.title,
        venue=f"venues/{value.venue}",
        spacing_days=max(1, value.every_days - LEEWAY_DAYS),
        continuity=CONTINUITY,
    )
