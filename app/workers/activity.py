"""Whether anybody is there. While nobody is, and nothing is published, upkeep comes less often."""

from __future__ import annotations

import time

QUIET_AFTER = 60.0
"""Seconds without activity, after which it is quiet."""
UPKEEP_SECONDS = 30.0
"""While it is quiet, what is done at shorter intervals is done at this one."""


class Activity:
    """What one process knows of it, by a mark in the broker that changes with all activity."""

    def __init__(self, quiet_after: float = QUIET_AFTER) -> None:
        """Begin as after an activity: what waited for a worker is found soon.

        :param quiet_after: seconds.
        """
        self._mark: str | None = None
        self._quiet_after = quiet_after
        self._quiet_from = time.monotonic() + quiet_after

    @property
    def is_quiet(self) -> bool:
        """Whether the last activity was long ago."""
        return time.monotonic() >= self._quiet_from

    def note(self, mark: str | None) -> bool:
        """Note the mark as the broker has it; return whether this has ended the quiet."""
        changed, self._mark = mark != self._mark, mark
        return changed and self._begin()

    def note_unknown(self) -> bool:
        """The broker does not tell, so there may be activity; return like ``note``."""
        return self._begin()

    def _begin(self) -> bool:
        was_quiet, self._quiet_from = self.is_quiet, time.monotonic() + self._quiet_after
        return was_quiet
