"""Mastodon's rate limits: fixed windows for each account, and headers of the tightest."""

import math
from datetime import UTC, datetime
from email.utils import format_datetime

from sandbox.core import Clock, Windows
from sandbox.mastodon.settings import WINDOWS, MastodonSettings


class MastodonLimits:
    """Counts calls against the limits of the settings. The caller holds the state's lock."""

    def __init__(self, clock: Clock, settings: MastodonSettings) -> None:
        self._clock = clock
        self._settings = settings
        self._windows = Windows(clock)

    def spend(self, operation: str, person_id: str) -> tuple[bool, dict[str, str]]:
        """Whether the call fits into every window, and the headers of the tightest.

        A call that does not fit uses nothing up.
        """
        names = [name for name in ("calls", operation) if name in WINDOWS]
        due = [
            (self._settings.limits[name], self._windows.find(name, person_id, WINDOWS[name]))
            for name in names
        ]
        fits = all(window.used < limit for limit, window in due)
        for _, window in due:
            window.used += fits
        limit, window = min(due, key=lambda one: one[0] - one[1].used)
        return fits, self.headers(limit, limit - window.used, window.ends_at)

    def headers(self, limit: int, remaining: int, ends_at: float) -> dict[str, str]:
        """One group; ``ends_at`` on the sandbox's clock, told as a real moment."""
        told = {"X-RateLimit-Limit": str(limit), "X-RateLimit-Remaining": str(max(0, remaining))}
        reset = self._reset(ends_at)
        return told | ({"X-RateLimit-Reset": reset} if reset else {})

    def clear(self) -> None:
        """Forget what was used."""
        self._windows.clear()

    def _reset(self, ends_at: float) -> str:
        """Mastodon tells a moment in ISO 8601; its imitators tell what they like."""
        form, real = self._settings.reset_form, self._clock.to_real(ends_at)
        moment = datetime.fromtimestamp(real, UTC)
        return {
            "iso": moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "epoch": str(math.ceil(real)),
            "seconds": str(max(1, math.ceil(ends_at - self._clock.now()))),
            "date": format_datetime(moment, usegmt=True),
            "none": "",
        }[form]
