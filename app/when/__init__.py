"""When a Tweet is due: words, ISO times and Python times become one moment in UTC."""

from __future__ import annotations

from app.when.moments import (
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
from app.when.weekly import Coming, Slot, coming, on_clocks

__all__ = [
    "MAX_WORDS",
    "Coming",
    "Moment",
    "Slot",
    "WhenProblem",
    "as_shown",
    "coming",
    "is_iso",
    "is_now",
    "moment_of",
    "on_clocks",
    "refuse_out_of_reach",
    "understand",
    "which_of_two",
    "zone_named",
    "zone_names",
]
