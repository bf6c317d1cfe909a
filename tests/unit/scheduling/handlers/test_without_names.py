"""Why a request is not served is announced without the names of those who could not come."""

from services.scheduling.domain.inputs import Group
from services.scheduling.domain.run import Repair, Unserved, WhyNot
from services.scheduling.handlers.publish import without_names


def unserved(message: str, message_en: str, *, repair: Repair | None = None) -> Unserved:
    return Unserved(
        request="requests/r",
        title="示例",
        why_not=WhyNot.TOO_FAR,
        message=message,
        message_en=message_en,
        district="",
        group=next(iter(Group)),
        weight=1,
        venue="venues/v",
        venue_display_name="示例小学",
        repair=repair,
    )


def test_people_become_anybody_in_every_sentence() -> None:
    mended = Repair("MORE_TRAVEL", "若示例 周多走10分钟", "If 示例 周 went 10 minutes further", 3)
    said = unserved("最近的示例 周老师太远", "The nearest, 示例 周老师, is too far", repair=mended)
    (told,) = without_names([said], ["示例 周", "示例 周老师", ""])
    assert told.message == "最近的一位专家太远"
    assert told.message_en == "The nearest, an expert, is too far"
    assert told.repair is not None
    assert told.repair.message == "若一位专家多走10分钟"
    assert told.repair.message_en == "If an expert went 10 minutes further"
    assert told.repair.price == 3


def test_several_are_said_once_and_the_venue_keeps_its_name() -> None:
    said = unserved("示例小学：甲、乙、丙等5人", "示例小学: A, B, C and 2 more")
    (told,) = without_names([said], ["甲", "乙", "丙", "A", "B", "C"])
    assert (told.message, told.message_en) == (
        "示例小学：几位专家等5人",
        "示例小学: several experts and 2 more",
    )


def test_without_people_nothing_changes() -> None:
    said = unserved("没有时间", "no time")
    assert list(without_names([said], [])) == [said]
