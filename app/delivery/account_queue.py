"""The claims of one account that a publisher holds.

The first tweet of an account is sent alone. The others follow in parallel once the network has
accepted it. So an account that is rate limited or revoked costs one call, not one per tweet.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from app.accounts import Access
from app.backoff import Backoff
from app.delivery.claims import Claim
from app.delivery.payload import NOTHING, Materials, Ready
from app.delivery.server_queue import ServerQueue
from app.networks import Outcome, OutcomeKind

TRUST_SECONDS = 2.0
"""Seconds for which credentials, and a first call that let the others follow, stay valid."""
LETS_OTHERS_FOLLOW = {OutcomeKind.OK, OutcomeKind.REJECTED, OutcomeKind.AMBIGUOUS}
"""Outcomes of an account's first call after which its other claims may be sent."""
MAX_REST_SECONDS = 30.0
"""The longest wait of an account that could not reach its network; it grows with each failure.
Otherwise, while a network is down, everything due would be claimed and handed back again and again,
and other accounts would have to wait."""


@dataclass
class AccountQueue:
    """The waiting claims of one account, and how many of its claims are ready or being sent."""

    account_id: int
    server: ServerQueue
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
        """The number of claims it has."""
        return len(self.waiting) + self.going

    @property
    def is_busy(self) -> bool:
        """True while it has any, or its credentials are being refreshed."""
        return bool(self.size or self.preparing)

    @property
    def is_quiet(self) -> bool:
        """True when this object holds nothing that is still needed."""
        remembers = self.is_known or self.calls.lasts or self.preparations.lasts
        return not (self.is_busy or remembers)

    @property
    def is_known(self) -> bool:
        """True while the credentials read last may still be used."""
        return self.access is not None and self._read_at > time.monotonic() - TRUST_SECONDS

    def add(self, claim: Claim) -> None:
        """Add a new claim."""
        self.waiting.append(claim)
        self.server.claims += 1

    def end(self) -> None:
        """Count a claim that was ready or being sent, and is no longer held here."""
        self.going -= 1
        self.server.claims -= 1

    def make_ready(self, claim: Claim, access: Access, materials: Materials = NOTHING) -> None:
        """Let a claim that is going be sent as soon as its server has a call for it."""
        self.server.ready.append(Ready(claim, access, materials))

    def take_unstarted(self) -> list[Claim]:
        """Remove and return the claims that no call and no preparation was begun for."""
        mine = [one.claim for one in self.server.ready if one.claim.account_id == self.account_id]
        if mine:
            others = (one for one in self.server.ready if one.claim.account_id != self.account_id)
            self.server.ready = deque(others)
        self.going -= len(mine)
        self.server.claims -= len(mine)
        return [*mine, *self.take_waiting(lambda _: True)]

    def learn(self, access: Access) -> None:
        """Use these credentials for the next two seconds."""
        self.access, self._read_at = access, time.monotonic()

    def note_outcome(self, outcome: Outcome) -> float | None:
        """Allow the other claims to be sent after an answer, or stop them.

        :return: None when the others may be sent, else the seconds that they have to wait.
        """
        if outcome.kind in LETS_OTHERS_FOLLOW and outcome.pause_for is None:
            self._opened_at = time.monotonic()
            self.calls.succeed()
            return None
        self.access, self._opened_at = None, 0.0
        return self.calls.fail() if outcome.code == "unreachable" else 0.0

    def may_go(self, others: int) -> bool:
        """True when a new claim may be sent at once.

        :param others: how many more of its new claims are about to be sent.
        """
        if self.waiting or self.preparing or not self.is_known:
            return False
        return self._is_open or not (self.going or others)

    @property
    def _is_open(self) -> bool:
        return self._opened_at > time.monotonic() - TRUST_SECONDS

    def go(self) -> None:
        """Count a claim that is being sent from now on, or came back from its preparation."""
        self.going += 1
        self.server.claims += 1

    def next_claims(self) -> list[Claim]:
        """Return what may be sent now, counted as going: all claims, or one at a time."""
        alone = 0 if self.going else 1
        count = len(self.waiting) if self._is_open else alone
        chosen, self.waiting = self.waiting[:count], self.waiting[count:]
        self.going += len(chosen)
        return chosen

    def take_waiting(self, is_meant: Callable[[Claim], bool]) -> list[Claim]:
        """Remove the given claims from those that wait, and return them."""
        meant = [claim for claim in self.waiting if is_meant(claim)]
        self.waiting = [claim for claim in self.waiting if not is_meant(claim)]
        self.server.claims -= len(meant)
        return meant
