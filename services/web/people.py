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


def _person(id: str, zh: str, en: str, role: Role, *nodes: str) -> Person:
    principal = Principal(subject=f"sample-{id}", roles=frozenset({role}), nodes=nodes)
    return Person(id, f"{zh}（示例）", f"{en} (sample)", principal)


PEOPLE = (
    _person("teacher", "城口教师", "Teacher in Chengkou", Role.VENUE_STAFF, "nodes/500229"),
    _person(
        "district", "城口统筹", "District coordinator", Role.DISTRICT_COORDINATOR, "nodes/500229"
    ),
    _person("city", "全市统筹", "City coordinator", Role.CITY_COORDINATOR),
    _person("leader", "签发领导", "Leader who signs", Role.LEADER),
)
PERSON_BY_ID = {person.id: person for person in PEOPLE}
