"""X's rate limits: fixed windows per account, daily allowances, and their headers."""

import math

from sandbox.core import Clock, Window, Windows
from sandbox.x.settings import XSettings

DAY = 86_400.0
USER_DAY = "x-user-limit-24hour"
APP_DAY = "x-app-limit-24hour"
SHORT = "x-rate-limit"
EVERYBODY = ""


class XLimits:
    """Counts calls against the limits of the settings. The caller holds the state's lock."""

    def __init__(self, clock: Clock, settings: XSettings) -> None:
        self._clock = clock
        self._settings = settings
        self._windows = Windows(clock)

    def spend(self, operation: str, person_id: str) -> tuple[bool, dict[str, str]]:
        """Whether the call fits into every window, and the headers that say so.

        A call that does not fit uses nothing up.
        """
        windows = self._due(operation, person_id)
        fits = all(window.used < limit for _, limit, window in windows)
        headers: dict[str, str] = {}
        for prefix, limit, window in windows:
            window.used += fits
            headers |= self.headers(prefix, limit, limit - window.used, window.ends_at)
        return fits, headers

    def headers(self, prefix: str, limit: int, remaining: int, ends_at: float) -> dict[str, str]:
        """One header group; ``ends_at`` on the sandbox's clock, told as a real epoch second."""
        return {
            f"{prefix}-limit": str(limit),
            f"{prefix}-remaining": str(max(0, remaining)),
            f"{prefix}-reset": str(math.ceil(self._clock.to_real(ends_at))),
        }

    def clear(self) -> None:
        """Forget what was used."""
        self._windows.clear()

    def _due(self, operation: str, person_id: str) -> list[tuple[str, int, Window]]:
        settings, find = self._settings, self._windows.find
        short = find(operation, person_id, settings.limit_window)
        due = [(SHORT, settings.limits[operation], short)]
        if operation == "create" and settings.user_day_limit is not None:
            due.append((USER_DAY, settings.user_day_limit, find(USER_DAY, person_id, DAY)))
        if operation == "create" and settings.app_day_limit is not None:
            due.append((APP_DAY, settings.app_day_limit, find(APP_DAY, EVERYBODY, DAY)))
        return due
