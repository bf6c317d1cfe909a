"""The words of the contract's enums as people in the city say them, and times as they read them."""

from collections.abc import Mapping
from datetime import UTC

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from zhihui.common.v1 import common_pb2 as common

from libs.geo import data
from libs.sheets import cells
from services.cli.session import word

STATES: Mapping[str, str] = {
    "DRAFT": "草稿",
    "SUBMITTED": "已提交",
    "ENDORSED": "已推荐",
    "IN_ROUND": "在本轮中",
    "SCHEDULED": "已安排",
    "UNSERVED": "未安排",
    "WITHDRAWN": "已撤回",
    "CANCELLED": "已取消",
    "OPEN": "征集中",
    "FROZEN": "已冻结",
    "SOLVING": "求解中",
    "PROPOSED": "已有方案",
    "OFFERED": "征询中",
    "PUBLISHED": "已发布",
    "CLOSED": "已结束",
    "ABANDONED": "已放弃",
    "QUEUED": "排队",
    "WORKING": "求解中",
    "DONE": "完成",
    "FAILED": "失败",
    "ACCEPTED": "已接受",
    "DECLINED": "已谢绝",
    "LAPSED": "逾期未答",
    "CONFIRMED": "已确认",
    "DELIVERED": "已完成",
    "NO_SHOW": "未到场",
    "REPLACED": "已替换",
    "ACTIVE": "在册",
}

STAGES: Mapping[str, tuple[str, str]] = {
    "EMERGENCY": ("应急", "emergency"),
    "FLOOR": ("最弱区县", "worst-off district"),
    "NEED": ("需求", "need served"),
    "PROMISES": ("承诺", "promises kept"),
    "TRAVEL": ("路程", "travel"),
    "PREFERENCE": ("意愿", "preferences"),
    "LOAD": ("均衡", "even load"),
    "STANDBY": ("候补", "standby"),
}

WHY_NOT: Mapping[str, tuple[str, str]] = {
    "NOBODY_ELIGIBLE": ("无人符合条件", "nobody is eligible"),
    "NOT_FREE": ("符合的人没有空", "those eligible are not free"),
    "TOO_FAR": ("太远", "too far"),
    "LIMITS_USED_UP": ("个人限额用完", "limits used up"),
    "SEAT_MISSING": ("必需席位缺人", "a required seat is missing"),
    "DISPLACED": ("让位于更急的需求", "displaced by more urgent need"),
    "RULED_OUT": ("规则不允许", "ruled out"),
}

_BY_ENGLISH: Mapping[str, str] = {
    english: chinese
    for words in (cells.GROUPS, cells.FORMS, cells.MODES, cells.ROLES, cells.LEVELS)
    for chinese, english in words.items()
}

ROLES: Mapping[int, str] = {
    common.Role.Value(f"ROLE_{english}"): chinese for chinese, english in cells.ROLES.items()
}


def said(message: Message, field: str) -> str:
    """An enum field as people say it: 青少年."""
    english = word(message, field)
    return _BY_ENGLISH.get(english, "" if english == "UNSPECIFIED" else english)


def topic(name: str) -> str:
    """A topic's Chinese name for its id; the id itself where the vocabulary has none."""
    topics = data.document("topics.json")["topics"]
    return next((str(one["zh"]) for one in topics if one["id"] == name), name)


def state(message: Message) -> str:
    """A thing's state in both languages: 已提交 SUBMITTED."""
    english = word(message, "state")
    return f"{STATES.get(english, '')} {english}".strip()


def at(time: Timestamp) -> str:
    """An instant as people in the city read it; '' for none."""
    return cells.local(time.ToDatetime(tzinfo=UTC)) if time.seconds else ""


def when(period: common.Period) -> str:
    """A period as people read it: 2026-12-14 周一 14:00-16:00; '' for none."""
    if not period.start_time.seconds:
        return ""
    return cells.local_period(
        period.start_time.ToDatetime(tzinfo=UTC), period.end_time.ToDatetime(tzinfo=UTC)
    )
