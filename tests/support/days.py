"""Days of the demonstration that a stack loads, counted from its first Monday: no test knows what year it is."""

from datetime import date, timedelta

from libs.clock import system_clock
from libs.geo import calendar
from libs.geo.calendar import CITY_ZONE
from services.cli.demo.draw import setting

_HORIZON = setting(as_of=system_clock().astimezone(CITY_ZONE).date(), seed=1, size=1)


def demo_day(number: int) -> date:
    """Day 0 is the horizon's first day, a Monday; 28 the first after it; negative ones are before it."""
    return _HORIZON.start + timedelta(days=number)


def next_term_starts() -> date:
    """The first day of the school term after the one in which the horizon begins."""
    known = calendar.chongqing()
    now = known.term(_HORIZON.start)
    day = _HORIZON.start
    while (term := known.term(day)) is None or term == now:
        day += timedelta(days=1)
    return day
