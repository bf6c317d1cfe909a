"""Ready-made people for trying the product out on one machine; every one is invented and marked 示例."""

from collections.abc import Mapping
from dataclasses import dataclass

from libs.auth.principal import Role


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody to be while trying out."""

    id: str
    """What the sign-in page and tests call them."""
    zh: str
    en: str
    role: Role
    nodes: tuple[str, ...] = ()
    expert: str = ""
    """Their id as an expert, when they are one."""

    @property
    def subject(self) -> str:
        """As the provider names them; opaque."""
        return f"sample-{self.id}"

    @property
    def claims(self) -> Mapping[str, object]:
        """What the provider says of them beside the subject."""
        return {
            "name": f"{self.zh}（示例）",
            "zhihui_name_en": f"{self.en} (sample)",
            "zhihui_roles": [str(self.role)],
            "zhihui_nodes": list(self.nodes),
            "zhihui_expert": self.expert,
        }


PEOPLE = (
    Person(
        "teacher", "城口教师", "Teacher in Chengkou", Role.VENUE_STAFF, ("nodes/district-500229",)
    ),
    Person(
        "village",
        "巫溪村干部",
        "Village worker in Wuxi",
        Role.VENUE_STAFF,
        ("nodes/district-500238",),
    ),
    Person(
        "head", "城口三长", "Local head in Chengkou", Role.LOCAL_HEAD, ("nodes/district-500229",)
    ),
    Person(
        "district",
        "城口统筹",
        "District coordinator",
        Role.DISTRICT_COORDINATOR,
        ("nodes/district-500229",),
    ),
    Person("city", "全市统筹", "City coordinator", Role.CITY_COORDINATOR),
    Person("leader", "签发领导", "Leader who signs", Role.LEADER),
    Person("expert", "讲师", "Lecturer", Role.EXPERT, expert="expert-0042"),
)
