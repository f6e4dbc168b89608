"""The three clocks of CRPA R114-9-7, as dates.

* what was collected to inform people: twelve months at most from the day it was collected, a new run being a new collection;
* traces of the exchanges: thirty-six months;
* what is needed to respect an objection: twelve to twenty-four months, for that use alone.

A month that is too short for the day ends on its last day. A clock is over on its date, not the day after.
"""

from __future__ import annotations

import calendar
from datetime import date

from service.rule_sheet import Retention

__all__ = ["objections_end", "over", "plus_months", "results_end", "traces_end"]

_RESULTS = 12
_TRACES = 36
_OBJECTION = (12, 24)


def plus_months(day: date, months: int) -> date:
    """The same day some months later, or the last day of a shorter month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def results_end(collected: date, retention: Retention) -> date:
    """When results collected that day go: as the démarche says, and never after twelve months."""
    return plus_months(collected, min(retention.results, _RESULTS))


def traces_end(at: date) -> date:
    """When traces of that day go."""
    return plus_months(at, _TRACES)


def objections_end(at: date, retention: Retention) -> date:
    """When an objection of that day is forgotten: within the bounds of the law whatever the démarche says."""
    least, most = _OBJECTION
    return plus_months(at, min(max(retention.objection, least), most))


def over(until: date, today: date) -> bool:
    """Whether a clock has run out."""
    return today >= until
