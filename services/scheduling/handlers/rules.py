"""What the referee's rules are called, for people who move a visit by hand: whom and what it is about, in both languages."""

from collections.abc import Mapping
from typing import Final

from services.scheduling.handlers.sentences import Both, Names
from services.scheduling.optimizer.check import Violation

RULES: Final[Mapping[str, Both]] = {
    "seat_once": ("一个席位只能由一人担任", "one seat is for one person"),
    "person_once": (
        "同一人不能在一个团队里占两个席位",
        "one person cannot take two seats of a team",
    ),
    "team_together": ("团队要在同一时间到场", "the team must come at one time"),
    "team_whole": ("有必需的席位空着", "a required seat is left empty"),
    "on_grid": ("开始时间要在一刻钟上", "events start on the quarter of an hour"),
    "in_request_window": ("不在申请给出的时段里", "outside the windows the request gave"),
    "lead_time": ("提前量不够，来不及办手续", "too soon: approvals need more notice"),
    "has_role": ("身份不符合席位要求", "not in a role the seat asks for"),
    "has_proficiency": ("在这一主题上的水平不够", "not proficient enough in the topic"),
    "speaks_to_audience": ("不面向这一受众群体", "does not speak to this audience"),
    "does_form": ("不做这种形式的活动", "does not do this form of event"),
    "speaks_at_level": ("不讲这个深浅的内容", "does not speak at this level"),
    "pool_in_term": ("所在队伍的任期不含这一天", "the corps' term does not cover the day"),
    "pool_shared": (
        "所在队伍与申请单位没有有效的共享协议",
        "the corps is not shared with the organisation",
    ),
    "cleared_for_minors": (
        "这一天没有有效的未成年人工作核查",
        "no valid clearance for work with minors that day",
    ),
    "talk_approved": ("没有两审通过、届时有效的讲题", "no talk with both reviews valid that day"),
    "named_only_leads": ("申请只接受点名的人主讲", "only the named expert may lead"),
    "quota_kept": ("共享名额已经用完", "the quota of the sharing agreement is used up"),
    "in_mode": ("方式不符：申请要求到现场", "the request asks to be served in the room"),
    "in_availability": ("本人这段时间没有空", "not available at that time"),
    "one_place_at_a_time": ("与本人的另一场活动重叠", "overlaps with another of their visits"),
    "travels_in_time": ("从上一场赶不过来", "cannot travel there in time from the visit before"),
    "leaves_in_window": ("从家里出发赶不及开始", "cannot leave home in time"),
    "home_in_window": ("结束后不能按时到家", "cannot be home in time"),
    "travel_per_day": ("超过本人每天路程的上限", "more travel in a day than they allow"),
    "per_day": ("超过本人每天次数的上限", "more engagements a day than they allow"),
    "per_week": ("超过本人每周次数的上限", "more engagements a week than they allow"),
    "per_round": ("超过本人每轮次数的上限", "more engagements in the round than they allow"),
    "rest_days": ("本人每周的休息日不够", "too few rest days in the week"),
    "nights_allowed": ("超过本人在外过夜的上限", "more nights away than they allow"),
    "night_between_visits": (
        "在外过夜的前后没有安排",
        "a night away without a visit before or after",
    ),
    "pins_kept": ("与另一项固定的安排冲突", "contradicts another pin"),
    "forbids_kept": ("与一项禁止冲突", "contradicts a forbid"),
    "caps_kept": ("这个场地的次数已经用完", "the venue's visits are used up"),
    "budgets_kept": ("超出经费", "over the budget"),
    "series_spaced": ("与同一系列的另一次隔得太近", "too near another one of its series"),
    "standby_wanted": ("这一场不需要候补", "no standby is wanted there"),
    "standby_consented": ("候补未同意", "the standby has not consented"),
    "standby_able": ("候补不能胜任", "the standby could not step in"),
    "references": ("引用了不存在的内容", "refers to what does not exist"),
}
"""Every rule of the referee; tests/unit/scheduling holds it against `check.RULES`."""


def rule_sentences(violation: Violation, names: Names) -> Both:
    """What is broken, with whom and which event it is about."""
    zh, en = RULES[violation.rule]
    who = names.expert(violation.expert) if violation.expert >= 0 else ""
    what = names.request(violation.request) if violation.request >= 0 else ""
    about = "、".join(part for part in (who, what) if part)
    about_en = ", ".join(part for part in (who, what) if part)
    return (f"{about}：{zh}" if about else zh, f"{about_en}: {en}" if about_en else en)
