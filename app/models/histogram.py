"""Durations as a histogram: how many lie in each of some ranges, so that hours add up to days.

Percentiles of hours cannot be added or averaged; histograms can. A range is a twentieth to a
two-hundredth of what lies in it, so what is read from a histogram is at most 2.5 % wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, case

STEPS = ((100, 1), (1_000, 5), (10_000, 50), (100_000, 500), (1_000_000, 5_000))
"""Up to how many milliseconds a range is how wide."""
WIDEST = 50_000
HALF, MOST = 0.5, 0.95


def range_of(milliseconds: ColumnElement[Any]) -> ColumnElement[int]:
    """Return, in SQL, the lower end of the range that a duration lies in; what is early is 0."""
    ranges = [(milliseconds < end, milliseconds // step * step) for end, step in STEPS]
    return case((milliseconds < 0, 0), *ranges, else_=milliseconds // WIDEST * WIDEST)


@dataclass
class Histogram:
    """How many durations lie in each range, by its lower end, and the longest of them."""

    counts: Counter[int] = field(default_factory=Counter)
    max_ms: int | None = None

    def add(self, lower_end: int, count: int, longest_ms: int) -> None:
        """Add durations of one range."""
        self.counts[lower_end] += count
        self.max_ms = max(longest_ms, self.max_ms or 0)

    def merge(self, other: Histogram) -> None:
        """Add all of another one's."""
        self.counts.update(other.counts)
        if other.max_ms is not None:
            self.max_ms = max(other.max_ms, self.max_ms or 0)

    def percentile(self, share: float) -> int | None:
        """Return the duration that this share does not exceed, in milliseconds; None of nothing."""
        rank, seen = share * self.counts.total(), 0
        for lower_end in sorted(self.counts):
            seen += self.counts[lower_end]
            if seen >= rank:
                return min(lower_end + _width(lower_end) // 2, self.max_ms or 0)
        return None

    def summary(self) -> dict[str, int | None]:
        """Return what people look at: the middle, what nearly all stay below, and the longest."""
        return {"p50": self.percentile(HALF), "p95": self.percentile(MOST), "max": self.max_ms}

    def stored(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {"max_ms": self.max_ms, "counts": {str(end): n for end, n in self.counts.items()}}

    @classmethod
    def from_stored(cls, stored: Mapping[str, Any]) -> Histogram:
        """Return what was stored."""
        counts = Counter({int(end): count for end, count in stored["counts"].items()})
        return cls(counts, stored["max_ms"])


def _width(lower_end: int) -> int:
    return next((step for end, step in STEPS if lower_end < end), WIDEST)
