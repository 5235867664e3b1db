"""Limits how many things run in parallel, in total and per party. Imports nothing of ours."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Hashable


class ConcurrencyLimiter:
    """A total limit and a lower one per party; safe to use from any thread, never blocks."""

    def __init__(self, total: int, each: int) -> None:
        self._total = total
        self._each = each
        self._taken: Counter[Hashable] = Counter()
        self._turn = threading.Lock()

    @property
    def is_busy(self) -> bool:
        """True while any place is taken."""
        return bool(self._taken)

    def take(self, party: Hashable) -> bool:
        """Take a place for a party; False when there is none."""
        with self._turn:
            if self._taken.total() >= self._total or self._taken[party] >= self._each:
                return False
            self._taken[party] += 1
            return True

    def leave(self, party: Hashable) -> None:
        """Give back a place that was taken."""
        with self._turn:
            self._taken[party] -= 1
            self._taken += Counter()  # forgets those who have none
