"""Bluesky's rate limits: points in fixed windows, and the headers that tell of the tightest."""

import math

from sandbox.bluesky.records import Allowance
from sandbox.bluesky.settings import WINDOWS, BlueskySettings
from sandbox.core import Clock

Spending = tuple[str, str, int]
"""A limit's name, whose it is, and how many points a call takes."""


class BlueskyLimits:
    """Counts points against the limits of the settings. The caller holds the state's lock."""

    def __init__(self, clock: Clock, settings: BlueskySettings) -> None:
        self._clock = clock
        self._settings = settings
        self._allowances: dict[tuple[str, str], Allowance] = {}

    def spend(self, spendings: list[Spending]) -> tuple[bool, dict[str, str]]:
        """Whether the call fits into every limit, and the headers of the tightest.

        A call that does not fit uses nothing up.
        """
        due = [(self._allowance(name, owner), points) for name, owner, points in spendings]
        short = [one for one, points in due if one.used + points > one.limit]
        for one, points in due:
            one.used += 0 if short else points
        tightest = min(short or [one for one, _ in due], key=lambda one: one.limit - one.used)
        headers = self.headers(
            tightest.limit, tightest.limit - tightest.used, tightest.ends_at, tightest.window
        )
        if short:
            ends_at = max(one.ends_at for one in short)
            headers["Retry-After"] = str(max(1, math.ceil(ends_at - self._clock.now())))
        return not short, headers

    def headers(self, limit: int, remaining: int, ends_at: float, window: float) -> dict[str, str]:
        """One group; ``ends_at`` on the sandbox's clock, told as a real epoch second."""
        return {
            "RateLimit-Limit": str(limit),
            "RateLimit-Remaining": str(max(0, remaining)),
            "RateLimit-Reset": str(math.ceil(self._clock.to_real(ends_at))),
            "RateLimit-Policy": f"{limit};w={window:.0f}",
        }

    def clear(self) -> None:
        """Forget what was used."""
        self._allowances.clear()

    def _allowance(self, name: str, owner: str) -> Allowance:
        now, window = self._clock.now(), WINDOWS[name]
        one = self._allowances.get((name, owner))
        if one is None or one.ends_at <= now:
            one = self._allowances[name, owner] = Allowance(0, window, now + window)
        one.limit = self._settings.limits[name]
        return one
