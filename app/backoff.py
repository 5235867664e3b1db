"""Back-off: how long to wait after failures, each time twice as long; a leaf.

The longest wait is the caller's: ``grep backoff_seconds`` finds them.
"""

from __future__ import annotations

import time
from dataclasses import dataclass


def backoff_seconds(failures: int, at_most: float, first: float = 1.0) -> float:
    """Return the seconds to wait after so many failures before this one: first, then doubling."""
    return min(at_most, first * 2.0 ** min(failures, 62))


@dataclass
class Backoff:
    """Counts failures in a row of one thing, and says how long to leave it alone.

    Failures that lie longer back than twice the longest wait are forgotten.
    """

    at_most: float
    """Seconds."""
    _failures: int = 0
    _failed_at: float = 0.0

    @property
    def lasts(self) -> bool:
        """True while the failures so far count."""
        return bool(self._failures) and self._failed_at > time.monotonic() - 2 * self.at_most

    def fail(self) -> float:
        """Count a failure; return for how many seconds to wait."""
        self._failures = self._failures + 1 if self.lasts else 1
        self._failed_at = time.monotonic()
        return backoff_seconds(self._failures - 1, self.at_most)

    def succeed(self) -> None:
        """Forget the failures: something came through."""
        self._failures = 0
