"""Ready-made people for trying the product out on one machine; every one is invented and marked 示例."""

from dataclasses import dataclass

from libs.auth.principal import Principal, Role


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody to be while trying out."""

    id: str
    display_name: str
    display_name_en: str
    principal: Principal


def _person(
    id: str, zh: str, en: str, role: Role, *nodes: str, expert: str | None = None
) -> Person:
    principal = Principal(
        subject=f"sample-{id}", roles=frozenset({role}), nodes=nodes, expert_id=expert
    )
    return Person(id, f"{zh}（示例）", f"{en} (sample)", principal)


PEOPLE = (
    _person(
        "teacher", "城口教师", "Teacher in Chengkou", Role.VENUE_STAFF, "nodes/district-500229"
    ),
    _person(
        "village", "巫溪村干部", "Village worker in Wuxi", Role.VENUE_STAFF, "nodes/district-500238"
    ),
    _person("head", "城口三长", "Local head in Chengkou", Role.LOCAL_HEAD, "nodes/district-500229"),
    _person(
        "district",
        "城口统筹",
        "District coordinator",
        Role.DISTRICT_COORDINATOR,
        "nodes/district-500229",
    ),
    _person("city", "全市统筹", "City coordinator", Role.CITY_COORDINATOR),
    _person("leader", "签发领导", "Leader who signs", Role.LEADER),
    _person("expert", "讲师", "Lecturer", Role.EXPERT, expert="expert-0042"),
)
PERSON_BY_ID = {person.id: person for person in PEOPLE}
