"""What a publisher holds of one server, and how many calls that server may have at a time.

This is a bulkhead: a slow or silent server keeps few calls and claims, and delays no other one.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field

from app.delivery.payload import Ready
from app.networks import Destination, Outcome, OutcomeKind

MAX_OF_A_SERVER = 192
"""Calls to one server in parallel, however well it answers."""
FIRST_CALLS = 8
"""Calls to a server of which nothing is known yet."""
GROWTH = 2
"""Calls more after each answer."""
SILENT_SECONDS = 3.0
"""Seconds without any answer to a server's calls after which it may have half as many."""
REMEMBERED_SECONDS = 600.0
"""Seconds without a call after which a server counts as unknown again."""


@dataclass
class ServerQueue:
    """The ready claims and running calls of one server, and its share of all calls."""

    destination: Destination
    ready: deque[Ready] = field(default_factory=deque)
    claims: int = 0
    """Claims that are held for it: waiting, prepared, ready or being sent."""
    calls: int = 0
    limit: int = FIRST_CALLS
    _heard_at: float = field(default_factory=time.monotonic)

    @property
    def room(self) -> int:
        """How many more of its deliveries should be claimed: those that may be sent at once.

        There may be two claims for each call, because some have to be prepared, or wait for
        another one of their account.
        """
        return max(0, min(2 * self._current_limit() - self.claims, self.open_calls))

    @property
    def open_calls(self) -> int:
        """How many more calls it may have now, beside those that are ready."""
        return max(0, self.free_calls - len(self.ready))

    @property
    def free_calls(self) -> int:
        """How many more calls it may have now."""
        return max(0, self._current_limit() - self.calls)

    @property
    def is_forgotten(self) -> bool:
        """True when nothing is held for it, and what is known of it is old."""
        return not self.claims and self._heard_at < time.monotonic() - REMEMBERED_SECONDS

    def begin_call(self) -> None:
        """Count a call that begins."""
        if not self.calls:
            self._heard_at = time.monotonic()
        self.calls += 1

    def end_call(self, outcome: Outcome | None) -> None:
        """Count a call that ended, with None when it crashed."""
        self.calls -= 1
        if outcome is None or is_silence(outcome):
            self.limit = max(1, self.limit // 2)
        elif was_sent(outcome):
            self.limit = min(MAX_OF_A_SERVER, self.limit + GROWTH)
        self._heard_at = time.monotonic()

    def _current_limit(self) -> int:
        now = time.monotonic()
        if self.calls and now - self._heard_at > SILENT_SECONDS:
            self.limit, self._heard_at = max(1, self.limit // 2), now
        return self.limit


def was_sent(outcome: Outcome) -> bool:
    """True unless the call was not begun because this machine was too slow."""
    return not (outcome.kind == OutcomeKind.NOT_SENT and outcome.code is None)


def is_silence(outcome: Outcome) -> bool:
    """True when the server could not be reached, or did not answer."""
    return was_sent(outcome) and outcome.http_status is None and outcome.kind != OutcomeKind.OK
