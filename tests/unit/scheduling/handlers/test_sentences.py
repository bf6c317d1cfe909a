"""Every reason and repair has a sentence in both languages, with the names and numbers that matter."""

import dataclasses
import re
from datetime import datetime, timedelta

import pytest

from services.scheduling.handlers.sentences import (
    repair_sentences,
    seat_why_sentences,
    why_not_sentences,
)
from services.scheduling.optimizer.explain import SeatWhy, why_not
from services.scheduling.optimizer.problem import Cap, Naming, Plan, Problem, Series
from services.scheduling.optimizer.relaxing import Repair, cheapest_repair
from services.scheduling.optimizer.solve import Infeasible, solve
from services.scheduling.optimizer.stop import Stop
from tests.support.rounds import (
    AT_NINE,
    a_problem,
    a_request,
    a_seat,
    an_expert,
    assigned,
    random_problem,
    window,
)


class Named:
    """Names as a round has them."""

    def expert(self, index: int) -> str:
        return f"甲{index}老师"

    def request(self, index: int) -> str:
        return f"城口中学“第{index}讲”"

    def place(self, index: int) -> str:
        return "城口中学"

    def topic(self, index: int) -> tuple[str, str]:
        return f"天文{index}", f"astronomy {index}"

    def start(self, minute: int) -> datetime:
        return datetime(2026, 3, 2) + timedelta(minutes=minute)  # noqa: DTZ001


NOBODY = Plan(())


def said(problem: Problem, plan: Plan = NOBODY, request: int = 0) -> tuple[str, str]:
    return why_not_sentences(problem, why_not(problem, plan, request), Named())


def test_who_is_nearest_and_what_is_missing() -> None:
    problem = a_problem(requests=[a_request(seats=(a_seat(proficiency_min=3),))])
    chinese, english = said(problem)
    assert chinese == (
        "没有人符合条件：1位其他条件合适的人里，没有一位在“天文0”上达到3级（最高的是1级）。最接近的是甲0老师。"
    )
    assert "none reaches level 3" in english


def test_the_named_one_and_what_they_lack() -> None:
    asks = a_request(naming=Naming.ONLY, named=1, audience=1)
    problem = a_problem(experts=[an_expert(), an_expert(audiences=1)], requests=[asks])
    assert said(problem)[0].startswith("只接受甲1老师主讲，而甲1老师不合条件")


def test_how_far_and_which_limit() -> None:
    person = an_expert(limits={"travel_min_per_day_max": 59, "nights_max": 0})
    chinese, english = said(a_problem(experts=[person]))
    assert "往返要60分钟，本人每天路上最多59分钟" in chinese
    assert "needs 60 minutes there and back; their limit is 59 minutes a day" in english


def test_what_used_the_limit_up() -> None:
    problem = a_problem(
        experts=[an_expert(limits={"per_day_max": 1})],
        requests=[a_request(), a_request(windows=(window(0, 14, 16),))],
    )
    chinese, english = said(problem, Plan((assigned(),)), 1)
    assert "每天1场，已用于城口中学“第0讲”" in chinese
    assert "1 a day, used for" in english


def test_who_has_taken_the_time() -> None:
    asks = [a_request(place=2, duration_min=120), a_request(duration_min=120, weight=50)]
    chinese, _ = said(a_problem(requests=asks), Plan((assigned(),)), 1)
    assert "城口中学“第0讲”" in chinese
    assert "权重为100，这里是50" in chinese


def test_caps_and_series_say_their_numbers() -> None:
    asks = [a_request(), a_request(windows=(window(1, 9, 12),))]
    plan = Plan((assigned(),))
    capped = a_problem(requests=asks, caps=(Cap(frozenset({0, 1}), 1),))
    assert "上限是1场" in said(capped, plan, 1)[0]
    spaced = a_problem(requests=asks, series=(Series((0, 1), 2, 0),))
    assert "至少间隔2天" in said(spaced, plan, 1)[0]
    late = a_problem(requests=[a_request(ready_at=AT_NINE + 121)])
    assert "最早3月2日（周一）上午11:01" in said(late)[0]


def test_a_repair_is_advice() -> None:
    problem = a_problem(requests=[a_request(seats=(a_seat(proficiency_min=2), a_seat(roles=4)))])
    found = Repair("OTHER_WINDOW", 0, 14 * 60, (0,))
    assert repair_sentences(problem, 0, found, Named()) == (
        "改到3月2日（周一）下午14:00就可以，由甲0老师来。",
        "Move it to Mon 2 Mar, 14:00, by 甲0老师.",
    )
    away = dataclasses.replace(found, overnight=(0,))
    assert repair_sentences(problem, 0, away, Named()) == (
        "改到3月2日（周一）下午14:00就可以，由甲0老师（甲0老师要在外过夜）来。",
        "Move it to Mon 2 Mar, 14:00, by 甲0老师 (away overnight: 甲0老师).",
    )
    more = dataclasses.replace(found, code="ONE_MORE_EXPERT", seat=0, experts=())
    assert "在城口中学附近多一位“天文0”2级以上的" in repair_sentences(problem, 0, more, Named())[0]
    only = a_problem(requests=[a_request(seats=(a_seat(roles=4),), naming=Naming.ONLY, named=0)])
    assert repair_sentences(only, 0, more, Named()) == (
        "不限定点名的人，在城口中学附近多一位志愿者，3月2日（周一）下午14:00就可以办。",
        "If another than the named expert is accepted, with one more volunteer "
        "near 城口中学 it could take place on Mon 2 Mar, 14:00.",
    )
    lower = dataclasses.replace(found, code="LOWER_PROFICIENCY", seat=0)
    assert "降到1级" in repair_sentences(problem, 0, lower, Named())[0]
    fewer = dataclasses.replace(found, code="FEWER_SEATS", seat=1)
    assert "不要第2席（志愿者）" in repair_sentences(problem, 0, fewer, Named())[0]
    gone = dataclasses.replace(found, code="DISPLACE", requests=(0,), price=70)
    assert "其他活动共少70分需求" in repair_sentences(problem, 0, gone, Named())[0]
    both = dataclasses.replace(lower, requests=(0,), price=70)
    assert "降到1级就可以" in repair_sentences(problem, 0, both, Named())[0]
    assert "而且" in repair_sentences(problem, 0, both, Named())[0]
    assert "（其他活动共少70分需求）。" in repair_sentences(problem, 0, both, Named())[0]
    moved = dataclasses.replace(lower, price=3)
    assert "other events have to move" in repair_sentences(problem, 0, moved, Named())[1]
    free = dataclasses.replace(found, code="DISPLACE")
    assert "不用改任何条件" in repair_sentences(problem, 0, free, Named())[0]


def test_why_somebody_has_a_seat() -> None:
    problem = a_problem(requests=[a_request(naming=Naming.PREFERRED, named=0)])
    chinese, english = seat_why_sentences(problem, 0, SeatWhy(0, 0, 2, 60, (1, 2, 3, 4)), Named())
    assert chinese == (
        "甲0老师在“天文0”上是1级，是点名的专家；路上多60分钟；同一时间也能来的还有甲1老师、甲2老师、甲3老师等4人。"
    )
    assert "and 1 more could also have come" in english


@pytest.mark.parametrize("seed", range(40))
def test_every_reason_that_comes_up_has_its_sentences(seed: int) -> None:
    problem = random_problem(seed, experts=4, requests=9, days=3, step_min=30)
    try:
        plan = solve(problem, seed=1, stop=Stop(iterations=2)).plan
    except Infeasible:
        return
    for request in set(range(9)) - {a.request for a in plan.assignments}:
        both = [said(problem, plan, request)]
        repair = cheapest_repair(problem, plan, request, seed=1, stop=Stop(iterations=20))
        if repair is not None:
            both.append(repair_sentences(problem, request, repair, Named()))
        for chinese, english in both:
            assert chinese.endswith("。")
            assert english.endswith(".")
            assert not re.search(r"None|\{|没有人、|no people,", chinese + english)
            assert "没有人）" not in chinese
