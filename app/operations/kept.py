"""What was found is kept for a moment, so that many viewers cost no more than one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Found = TypeVar("Found")

KEPT_SECONDS = 1.5
KEPT_TIMES = 4
"""What took long to find is kept for so many times as long."""


class Kept(Generic[Found]):
    """What was found last; one thread looks, and the others wait for what it finds."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._found: Found | None = None
        self._until = 0.0

    def get(self, look: Callable[[], Found]) -> Found:
        """Return what was found, or look again."""
        with self._turn:
            if self._found is None or time.monotonic() >= self._until:
                began = time.monotonic()
                self._found = look()
                took = time.monotonic() - began
                self._until = time.monotonic() + max(KEPT_SECONDS, KEPT_TIMES * took)
            return self._found

    def forget(self) -> None:
        """Let the next question look again."""
        self._until = 0.0
