"""Reasons and repairs in the words of a school teacher: who, how many, which limit; in Chinese and in English."""

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from services.scheduling.optimizer.explain import Reason, SeatWhy, WhyNot
from services.scheduling.optimizer.problem import Naming, Problem, Role, Seat
from services.scheduling.optimizer.relaxing import Repair, also_releases_named

NAMED_MAX = 3
"""So many people or events are named in a sentence; of the others their number is said."""
NOON = 12


class Names(Protocol):
    """What the indices of a problem are called."""

    def expert(self, index: int) -> str:
        """What people call the expert."""
        ...

    def request(self, index: int) -> str:
        """Venue and title of the request."""
        ...

    def place(self, index: int) -> str:
        """The venue of the request with that index."""
        ...

    def topic(self, index: int) -> tuple[str, str]:
        """The topic in Chinese and in English."""
        ...

    def start(self, minute: int) -> datetime:
        """The local time of a minute of the horizon."""
        ...


Both = tuple[str, str]
"""A sentence in Chinese and the same in English."""

_ROLES = {
    Role.ACADEMICIAN: ("院士", "academician"),
    Role.LECTURER: ("讲师", "lecturer"),
    Role.VOLUNTEER: ("志愿者", "volunteer"),
}
_WEEKDAYS = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")
_WEEKDAYS_EN = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS_EN = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip


def why_not_sentences(problem: Problem, why: WhyNot, names: Names) -> Both:
    """Why a request is not served: who comes nearest, what is missing, in numbers."""
    tell = {
        Reason.NOBODY_ELIGIBLE: _nobody_eligible,
        Reason.NOT_FREE: _not_free,
        Reason.TOO_FAR: _too_far,
        Reason.LIMITS_USED_UP: _limits_used_up,
        Reason.SEAT_MISSING: _seat_missing,
        Reason.DISPLACED: _displaced,
        Reason.RULED_OUT: _ruled_out,
    }[why.reason]
    return tell(problem, why, names)


def _nobody_eligible(problem: Problem, why: WhyNot, names: Names) -> Both:
    request = problem.requests[why.request]
    seat = request.seats[why.seat]
    left = why.counts[-2] if len(why.counts) > 1 else len(problem.experts)
    topic, topic_en = names.topic(request.topic)
    roles, roles_en = _roles(seat)
    nearest, nearest_en = _people(why.experts, names)
    best = max((problem.experts[one].skills[request.topic] for one in why.experts), default=0)
    wanted = seat.proficiency_min
    lacks = {
        "has_role": (f"没有一位是{roles}", f"none is {roles_en}"),
        "has_proficiency": (
            f"没有一位在“{topic}”上达到{wanted}级（最高的是{best}级）",
            f"none reaches level {wanted} in “{topic_en}” (the best has {best})",
        ),
        "speaks_to_audience": ("没有一位面向这一受众群体", "none speaks to this audience"),
        "does_form": ("没有一位做这种形式的活动", "none does this form of event"),
        "speaks_at_level": ("没有一位讲这个深浅的内容", "none speaks at this level"),
        "pool_in_term": (
            "所在队伍的任期都不含这些日子",
            "none belongs to a corps whose term covers these days",
        ),
        "pool_shared": (
            "所在队伍都没有与你们单位有效的共享协议",
            "none belongs to a corps that your organisation may use on these days",
        ),
        "cleared_for_minors": (
            "没有一位在这些日子有有效的未成年人工作审查",
            "none has a valid clearance for work with minors on these days",
        ),
        "talk_approved": (
            f"没有一位在“{topic}”上有面向这一群体、届时有效且两审通过的课",
            f"none has a talk on “{topic_en}” approved for this audience and valid on these days",
        ),
        "named_only_leads": ("没有一位是点名的人", "none is the named expert"),
    }[why.rule]
    if request.naming is Naming.ONLY and why.seat == 0:
        only = names.expert(request.named)
        said = {
            "has_role": (f"不是{roles}", f"is not {roles_en}"),
            "has_proficiency": (
                f"在“{topic}”上是{best}级，要求{wanted}级",
                f"has level {best} in “{topic_en}”, level {wanted} is asked for",
            ),
        }.get(why.rule, (f"不合条件：{lacks[0]}", f"does not qualify: {lacks[1]}"))
        return (
            f"只接受{only}主讲，而{only}{said[0]}。",
            f"Only {only} may lead, and {only} {said[1]}.",
        )
    whose, whose_en = _whose(problem, why)
    return (
        f"没有人符合条件：{whose}{left}位其他条件合适的人里，{lacks[0]}。最接近的是{nearest}。",
        f"Nobody is eligible: of {left} who otherwise fit{whose_en}, {lacks[1]}. Nearest: {nearest_en}.",
    )


def _not_free(problem: Problem, why: WhyNot, names: Names) -> Both:
    nearest, nearest_en = _people(why.experts, names)
    count = why.counts[-2]
    windows = problem.requests[why.request].windows
    whose, whose_en = _whose(problem, why)
    return (
        f"{whose}符合条件的有{count}人（{nearest}），但在你给的{len(windows)}个时段里都没有空。",
        f"{_many(count, 'person is', 'people are')} eligible{whose_en} ({nearest_en}), "
        f"but not free in any of the {_many(len(windows), 'window', 'windows')} you gave.",
    )


def _too_far(problem: Problem, why: WhyNot, names: Names) -> Both:
    request = problem.requests[why.request]
    nearest, nearest_en = _people(why.experts, names)
    first = problem.experts[why.experts[0]]
    out_min = problem.travel_min[first.home][request.place]
    back_min = problem.travel_min[request.place][first.home]
    who = names.expert(why.experts[0])
    allowed = first.limits.travel_min_per_day_max
    whose, whose_en = _whose(problem, why)
    limit, limit_en = {
        "travel_per_day": (
            f"本人每天路上最多{allowed}分钟",
            f"their limit is {allowed} minutes a day",
        ),
        "leaves_in_window": ("从家里出发赶不及开始", "they cannot be there for the start"),
        "home_in_window": ("结束后不能按时到家", "they cannot be home in time afterwards"),
    }[why.rule]
    return (
        f"{whose}有空的{why.counts[-2]}人都太远（{nearest}）。最近的{who}往返要{out_min + back_min}分钟，{limit}。",
        f"Too far for everybody who is free{whose_en} ({nearest_en}). The nearest, {who}, needs {out_min + back_min} "
        f"minutes there and back; {limit_en}.",
    )


def _limits_used_up(problem: Problem, why: WhyNot, names: Names) -> Both:
    nearest, nearest_en = _people(why.experts, names)
    first = problem.experts[why.experts[0]]
    limits = first.limits
    limit, limit_en = {
        "per_day": (f"每天{limits.per_day_max}场", f"{limits.per_day_max} a day"),
        "per_week": (f"每周{limits.per_week_max}场", f"{limits.per_week_max} a week"),
        "per_round": (f"本轮{limits.per_round_max}场", f"{limits.per_round_max} in this round"),
        "rest_days": (
            f"每周至少休息{limits.rest_days_per_week}天",
            f"at least {_many(limits.rest_days_per_week, 'rest day', 'rest days')} a week",
        ),
    }[why.rule]
    who = names.expert(why.experts[0])
    taken, taken_en = _events(why.requests, names)
    used = f"，已用于{taken}" if why.requests else "，本轮之前已经用完"
    used_en = f", used for {taken_en}" if why.requests else ", used up before this round"
    whose, whose_en = _whose(problem, why)
    return (
        f"{whose}能来的人（{nearest}）自己定的上限已满：如{who}，{limit}{used}。",
        f"Those who could come{whose_en} ({nearest_en}) have used up their own limits: {who}, {limit_en}{used_en}.",
    )


def _seat_missing(problem: Problem, why: WhyNot, names: Names) -> Both:
    nearest, nearest_en = _people(why.experts, names)
    seats = sum(seat.required for seat in problem.requests[why.request].seats)
    roles, roles_en = _roles(problem.requests[why.request].seats[why.seat])
    if why.rule == "team_together":
        return (
            f"要{seats}个人同时到场，但没有一个时间凑得齐；最难的是第{why.seat + 1}席（{roles}），只有{nearest}。",
            f"{seats} people must come together, and there is no time at which all seats can be filled; "
            f"hardest is seat {why.seat + 1} ({roles_en}): only {nearest_en}.",
        )
    return (
        f"要{seats}个不同的人，能来的人不够分；最缺的是第{why.seat + 1}席（{roles}），只有{nearest}。",
        f"{seats} different people are needed and there are not enough; hardest is seat {why.seat + 1} "
        f"({roles_en}): only {nearest_en}.",
    )


def _displaced(problem: Problem, why: WhyNot, names: Names) -> Both:
    nearest, nearest_en = _people(why.experts, names)
    if not why.rule:
        return (
            f"其实还排得下（{nearest}可以来），本次求解结束得早；再求解一次即可。",
            f"There is room after all ({nearest_en} could come); the solve ended early. Solve again.",
        )
    taken, taken_en = _events(why.requests, names)
    weight = problem.requests[why.request].weight
    heaviest = max((problem.requests[one].weight for one in why.requests), default=0)
    whose, whose_en = _whose(problem, why)
    more, more_en = (
        (
            f"其中最需要的权重为{heaviest}，这里是{weight}",
            f"the most needed of them weighs {heaviest}, this one {weight}",
        )
        if heaviest > weight
        else (
            f"权重{weight}，单独换下其中一场并不能让全局更好",
            f"it weighs {weight}, and giving up one of them for it would not have made the round better",
        )
    )
    return (
        f"{whose}能来的人（{nearest}）那几天已有安排：{taken}；{more}。",
        f"Those who could come{whose_en} ({nearest_en}) are taken on those days by {taken_en}; {more_en}.",
    )


def _ruled_out(problem: Problem, why: WhyNot, names: Names) -> Both:
    request = problem.requests[why.request]
    taken, taken_en = _events(why.requests, names)
    nearest, nearest_en = _people(why.experts, names)
    cap = min((one.served_max for one in problem.caps if why.request in one.requests), default=0)
    spacing = max(
        (one.spacing_days for one in problem.series if why.request in one.requests), default=0
    )
    ready = _when(names.start(request.ready_at))
    return {
        "lead_time": (
            f"审批需要时间，最早{ready[0]}才能举行，你给的时段都在此之前。",
            f"Approvals take time: the earliest is {ready[1]}, and the windows you gave are before it.",
        ),
        "in_request_window": (
            f"活动要{request.duration_min}分钟，你给的时段都放不下。",
            f"The event takes {request.duration_min} minutes; it fits into none of the windows you gave.",
        ),
        "caps_kept": (
            f"这里的场次上限是{cap}场，已用于{taken}。"
            if cap
            else "这里的场次已经用完，本轮不能再安排。",
            f"At most {_many(cap, 'event is', 'events are')} allowed here, used for {taken_en}."
            if cap
            else "The events allowed here are used up; this round can have none.",
        ),
        "series_spaced": (
            f"同一系列的活动至少间隔{spacing}天，离{taken}太近。",
            f"Events of a series are at least {_many(spacing, 'day', 'days')} apart; it is too near {taken_en}.",
        ),
        "quota_kept": (
            f"与外单位队伍约定的名额已经用完（{nearest}）"
            + (f"，用于{taken}。" if why.requests else "。"),
            f"The agreed share of another corps is used up ({nearest_en})"
            + (f", for {taken_en}." if why.requests else "."),
        ),
        "budgets_kept": (
            f"剩下的经费不够请{nearest}。",
            f"What is left of the budget does not pay for {nearest_en}.",
        ),
        "forbids_kept": (
            f"能来的人（{nearest}）被设为不参加这场，或不能同队。",
            f"Those who could come ({nearest_en}) are kept from this event, or from being in one team.",
        ),
    }[why.rule]


def repair_sentences(problem: Problem, request: int, repair: Repair, names: Names) -> Both:
    """The change that would serve `request`, as advice. `repair` was found for that request of that problem."""
    asked = problem.requests[request]
    when, when_en = ("", "") if repair.start is None else _when(names.start(repair.start))
    who, who_en = _people(repair.experts, names)
    away, away_en = _people(repair.overnight, names)
    if repair.overnight:
        who, who_en = f"{who}（{away}要在外过夜）", f"{who_en} (away overnight: {away_en})"
    by, by_en = (f"，由{who}来", f", by {who_en}") if repair.experts else ("", "")
    gone, gone_en = _events(repair.requests, names)
    seat = asked.seats[max(repair.seat, 0)]
    roles, roles_en = _roles(seat)
    topic, topic_en = names.topic(asked.topic)
    if (repair.requests or repair.price) and repair.code != "DISPLACE":
        change, change_en = repair_sentences(
            problem, request, dataclasses.replace(repair, requests=(), price=0), names
        )
        others, others_en = (
            (f"{gone}就办不成了", f"{gone_en} could not take place")
            if repair.requests
            else ("其他活动要挪动", "other events have to move")
        )
        return (
            f"{change.removesuffix('。')}；而且{others}（其他活动共少{repair.price}分需求）。",
            f"{change_en.removesuffix('.')}; and then {others_en} "
            f"(all others lose {repair.price} of need).",
        )
    if repair.code == "ONE_MORE_EXPERT":
        level = f"“{topic}”{seat.proficiency_min}级以上的" if seat.proficiency_min else ""
        level_en = (
            f" with level {seat.proficiency_min} in “{topic_en}”" if seat.proficiency_min else ""
        )
        together, together_en = (
            (f"，与{who}同去", f", with {who_en}") if repair.experts else ("", "")
        )
        anybody, anybody_en = (
            ("不限定点名的人，", "If another than the named expert is accepted, with")
            if also_releases_named(asked, repair)
            else ("", "With")
        )
        return (
            f"{anybody}在{names.place(request)}附近多一位{level}{roles}，{when}就可以办{together}。",
            f"{anybody_en} one more {roles_en}{level_en} near {names.place(request)} it could take place on {when_en}{together_en}.",
        )
    if repair.code == "DISPLACE" and not repair.requests:
        return (
            f"不用改任何条件：{when}{by}；再求解一次即可排入。",
            f"Nothing needs to change: {when_en}{by_en}. Solve again.",
        )
    return {
        "OTHER_WINDOW": (
            f"改到{when}就可以{by}。",
            f"Move it to {when_en}{by_en}.",
        ),
        "ACCEPT_REMOTE": (
            f"接受线上就可以：{when}{by}。",
            f"Accept that it is remote: {when_en}{by_en}.",
        ),
        "FEWER_SEATS": (
            f"不要第{repair.seat + 1}席（{roles}）就可以：{when}{by}。",
            f"Do without seat {repair.seat + 1} ({roles_en}): {when_en}{by_en}.",
        ),
        "LOWER_PROFICIENCY": (
            f"第{repair.seat + 1}席的“{topic}”要求降到{seat.proficiency_min - 1}级就可以：{when}{by}。",
            f"Ask for level {seat.proficiency_min - 1} in “{topic_en}” in seat {repair.seat + 1}: {when_en}{by_en}.",
        ),
        "RELEASE_NAMED": (
            f"不限定点名的人就可以：{when}{by}。",
            f"Accept another than the named expert: {when_en}{by_en}.",
        ),
        "DISPLACE": (
            f"可以排在{when}{by}，但{gone}就办不成了（其他活动共少{repair.price}分需求）。",
            f"It could be on {when_en}{by_en}, but then {gone_en} could not take place "
            f"(all others lose {repair.price} of need).",
        ),
    }[repair.code]


def seat_why_sentences(problem: Problem, request: int, why: SeatWhy, names: Names) -> Both:
    """Why somebody has a seat of a served request: proficiency, travel, who else could have come."""
    asked = problem.requests[request]
    who = names.expert(why.expert)
    topic, topic_en = names.topic(asked.topic)
    skill = problem.experts[why.expert].skills[asked.topic]
    others, others_en = _people(why.others, names)
    wished = asked.naming is not Naming.NONE and why.seat == 0 and asked.named == why.expert
    named, named_en = ("，是点名的专家", ", and is the named expert") if wished else ("", "")
    road, road_en = (
        (
            f"路上多{why.travel_min_added}分钟",
            f"the visit adds {why.travel_min_added} minutes of travel",
        )
        if why.travel_min_added > 0
        else ("不增加路程", "the visit adds no travel")
    )
    else_, else_en = (
        (f"同一时间也能来的还有{others}", f"{others_en} could also have come then")
        if why.others
        else ("同一时间没有别人能来", "nobody else could have come then")
    )
    return (
        f"{who}在“{topic}”上是{skill}级{named}；{road}；{else_}。",
        f"{who} has level {skill} in “{topic_en}”{named_en}; {road_en}; {else_en}.",
    )


# Words -----------------------------------------------------------------------------------------------------------------


def _when(at: datetime) -> Both:
    half = "上午" if at.hour < NOON else "下午"
    day = at.weekday()
    return (
        f"{at.month}月{at.day}日（{_WEEKDAYS[day]}）{half}{at:%H:%M}",
        f"{_WEEKDAYS_EN[day]} {at.day} {_MONTHS_EN[at.month - 1]}, {at:%H:%M}",
    )


def _roles(seat: Seat) -> Both:
    wanted = [_ROLES[role] for role in Role if seat.roles >> role & 1]
    return "或".join(zh for zh, _ in wanted), " or ".join(en for _, en in wanted)


def _whose(problem: Problem, why: WhyNot) -> Both:
    """Which seat is meant, where there are several."""
    if len(problem.requests[why.request].seats) < 2:
        return "", ""
    return f"第{why.seat + 1}席，", f" for seat {why.seat + 1}"


def _people(experts: Sequence[int], names: Names) -> Both:
    return _listed([names.expert(one) for one in experts], "人", ("person", "people"))


def _events(requests: Sequence[int], names: Names) -> Both:
    return _listed([names.request(one) for one in requests], "场", ("event", "events"))


def _listed(said: Sequence[str], unit: str, unit_en: tuple[str, str]) -> Both:
    if not said:
        return f"没有{unit}", f"no {unit_en[1]}"
    shown, more = said[:NAMED_MAX], len(said) - NAMED_MAX
    if more > 0:
        return (
            "、".join(shown) + f"等{len(said)}{unit}",
            ", ".join(shown) + f" and {more} more",
        )
    return "、".join(shown), ", ".join(shown)


def _many(count: int, one: str, several: str) -> str:
    return f"{count} {one if count == 1 else several}"
