"""What one account has on its way in a publisher.

Its first tweet goes alone: only when the network took it, the others follow side by side. So an
account that is limited or revoked costs one call, and not one for each tweet that waits.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from app.accounts import Access
from app.backoff import Backoff
from app.delivery.claims import Claim
from app.networks import Outcome, OutcomeKind

TRUST_SECONDS = 2.0
"""How long an account's credentials, and a network's yes to it, count as known."""
OPENING = {OutcomeKind.OK, OutcomeKind.REJECTED, OutcomeKind.AMBIGUOUS}
"""Endings of an account's first call after which its others may follow."""
MAX_REST_SECONDS = 30.0
"""How long an account rests at most when it could not reach its network. Without a rest that grows,
a network that is down would have everything that is due claimed and handed back again and again,
at the expense of the others."""


@dataclass
class AccountQueue:
    """The claims of one account that wait, and the number of those that are ready or under way."""

    access: Access | None = None
    preparing: bool = False
    waiting: list[Claim] = field(default_factory=list)
    going: int = 0
    calls: Backoff = field(default_factory=lambda: Backoff(MAX_REST_SECONDS))
    preparations: Backoff = field(default_factory=lambda: Backoff(MAX_REST_SECONDS))
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
    def is_quiet(self) -> bool:
        """True when nothing is lost by forgetting it."""
        remembers = self.is_known or self.calls.lasts or self.preparations.lasts
        return not (self.is_busy or remembers)

    @property
    def is_known(self) -> bool:
        """True when its credentials were read just now."""
        return self.access is not None and self._read_at > time.monotonic() - TRUST_SECONDS

    def learn(self, access: Access) -> None:
        """Use these credentials for the next two seconds."""
        self.access, self._read_at = access, time.monotonic()

    def note_outcome(self, outcome: Outcome) -> float | None:
        """Open the line after an answer, or close it.

        :return: None when the others may follow, else the seconds for which they have to rest.
        """
        if outcome.kind in OPENING and outcome.pause_for is None:
            self._opened_at = time.monotonic()
            self.calls.succeed()
            return None
        self.access, self._opened_at = None, 0.0
        return self.calls.fail() if outcome.code == "unreachable" else 0.0

    def next_claims(self) -> list[Claim]:
        """Take out what may be sent now: all when the line is open, else one at a time."""
        if self._opened_at > time.monotonic() - TRUST_SECONDS:
            count = len(self.waiting)
        else:
            count = 0 if self.going else 1
        chosen, self.waiting = self.waiting[:count], self.waiting[count:]
        self.going += len(chosen)
        return chosen

    def take_waiting(self, is_meant: Callable[[Claim], bool]) -> list[Claim]:
        """Take out those of the waiting ones that are meant."""
        meant = [claim for claim in self.waiting if is_meant(claim)]
        self.waiting = [claim for claim in self.waiting if not is_meant(claim)]
        return meant
