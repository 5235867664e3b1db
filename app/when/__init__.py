"""When a Tweet is due: words, ISO times and Python times become one moment in UTC."""

from __future__ import annotations

from app.when.days import (
    ONE_DAY,
    bounds,
    days_from,
    exists,
    first_in_hour,
    local_day,
    usual_week_start,
    week_of,
)
from app.when.moments import (
    MAX_AHEAD,
    Moment,
    as_shown,
    is_iso,
    moment_of,
    refuse_out_of_reach,
    understand,
    which_of_two,
    zone_named,
    zone_names,
)
from app.when.parser import MAX_WORDS, WhenProblem, is_now
from app.when.weekly import Coming, Slot, coming

__all__ = [
    "MAX_AHEAD",
    "MAX_WORDS",
    "ONE_DAY",
    "Coming",
    "Moment",
    "Slot",
    "WhenProblem",
    "as_shown",
    "bounds",
    "coming",
    "days_from",
    "exists",
    "first_in_hour",
    "is_iso",
    "is_now",
    "local_day",
    "moment_of",
    "refuse_out_of_reach",
    "understand",
    "usual_week_start",
    "week_of",
    "which_of_two",
    "zone_named",
    "zone_names",
]
