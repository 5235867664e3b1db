"""Notice when this process stood still: what a test then says about seconds is not true."""

from __future__ import annotations

import threading
from time import monotonic, sleep  # themselves: a test may put something else in their place

PULSE = 0.05
"""Seconds between two looks at the clock."""
STALL = 0.3
"""Seconds of nothing: more than other tests beside this one take away."""


class Pulse:
    """A thread that wakes up all the time and remembers its longest sleep."""

    def __init__(self) -> None:
        self._longest = 0.0
        threading.Thread(target=self._beat, name="pulse", daemon=True).start()

    def begin(self) -> None:
        """Forget what was: a test begins."""
        self._longest = 0.0

    def stood_still(self) -> bool:
        """True when this process stood still since the test began."""
        return self._longest >= STALL

    def _beat(self) -> None:
        last = monotonic()
        while True:
            sleep(PULSE)
            now = monotonic()
            self._longest = max(self._longest, now - last)
            last = now
