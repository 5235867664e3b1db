"""When a Tweet is due: words, ISO times and Python times become one moment in UTC."""

from __future__ import annotations

from app.when.moments import (
    MAX_WORDS,
    Moment,
    WhenProblem,
    as_shown,
    is_now,
    local,
    understand,
    which_of_two,
    zone_named,
    zone_names,
)

__all__ = [
    "MAX_WORDS",
    "Moment",
    "WhenProblem",
    "as_shown",
    "is_now",
    "local",
    "understand",
    "which_of_two",
    "zone_named",
    "zone_names",
]
