"""What one account has on its way in a lane.

Its first tweet goes alone: only when the network took it, the others follow side by side. So an
account that is limited or revoked costs one call, and not one for each tweet that waits.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from app.networks.base import Kind, Outcome
from app.services.claims import Claim
from app.services.refreshing import Access

TRUST_SECONDS = 2.0
"""How long an account's credentials, and a network's yes to it, count as known."""
OPENING = {Kind.OK, Kind.REJECTED, Kind.AMBIGUOUS}
"""Endings of an account's first call after which its others may follow."""


@dataclass
class Line:
    """The claims of one account that wait, and the number of those that are ready or under way."""

    access: Access | None = None
    preparing: bool = False
    waiting: list[Claim] = field(default_factory=list)
    going: int = 0
    _read_at: float = 0.0
    _opened_at: float = 0.0

    @property
    def size(self) -> int:
        """How many claims it has."""
        return len(self.waiting) + self.going

    @property
    def is_busy(self) -> bool:
        """True while it has any, or its credentials are being refreshed."""
        return bool(self.size or self.preparing)

    @property
    def is_known(self) -> bool:
        """True when its credentials were read just now."""
        return self.access is not None and self._read_at > time.monotonic() - TRUST_SECONDS

    def learn(self, access: Access) -> None:
        """Use these credentials for the next two seconds."""
        self.access, self._read_at = access, time.monotonic()

    def hear(self, outcome: Outcome) -> bool:
        """Open the line after an answer, or close it; return whether others may follow."""
        opens = outcome.kind in OPENING and outcome.pause_for is None
        if opens:
            self._opened_at = time.monotonic()
        else:
            self.access, self._opened_at = None, 0.0
        return opens

    def next_claims(self) -> list[Claim]:
        """Take out what may be sent now: all when the line is open, else one at a time."""
        if self._opened_at > time.monotonic() - TRUST_SECONDS:
            count = len(self.waiting)
        else:
            count = 0 if self.going else 1
        chosen, self.waiting = self.waiting[:count], self.waiting[count:]
        self.going += len(chosen)
        return chosen
