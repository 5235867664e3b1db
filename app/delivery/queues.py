"""The queues of a publisher: one for each server and for each account that it has claims of."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator

from app.delivery.account_queue import AccountQueue
from app.delivery.claims import Claim
from app.delivery.payload import Ready
from app.delivery.server_queue import ServerQueue
from app.networks import Destination

FORGET_EVERY = 1.0
"""Seconds between two looks for queues that nobody needs any more."""


class Queues:
    """Every server and account of which a publisher holds claims, or knows something still."""

    def __init__(self) -> None:
        self._servers: dict[Destination, ServerQueue] = {}
        self._accounts: dict[int, AccountQueue] = {}
        self._forget_at = 0.0

    def __getitem__(self, account_id: int) -> AccountQueue:
        """Return the queue of an account that is known here."""
        return self._accounts[account_id]

    def __iter__(self) -> Iterator[int]:
        """Return the ids of all accounts that are known here."""
        return iter(self._accounts)

    @property
    def held(self) -> int:
        """The number of claims."""
        return sum(server.claims for server in self._servers.values())

    @property
    def has_unstarted(self) -> bool:
        """True when there are claims for which nothing was begun."""
        ready = any(server.ready for server in self._servers.values())
        return ready or any(queue.waiting for queue in self._accounts.values())

    def room_of(self, destination: Destination) -> int:
        """Return how many more deliveries of a server should be claimed."""
        return self._server(destination).room

    def add(self, claim: Claim) -> None:
        """Add a new claim to its account's queue."""
        self.queue_of(claim).add(claim)

    def queue_of(self, claim: Claim) -> AccountQueue:
        """Return the queue of a claim's account, which may have moved to another server."""
        server = self._server(claim.destination)
        queue = self._accounts.get(claim.account_id)
        if queue is None or (queue.server is not server and not queue.is_busy):
            queue = self._accounts[claim.account_id] = AccountQueue(claim.account_id, server)
        return queue

    def sendable(self, claims: Iterable[Claim], slots: int) -> list[Ready]:
        """Return those of these new claims that may be sent at once. This changes nothing.

        :param slots: how many at most.
        """
        chosen: list[Ready] = []
        of_accounts: Counter[int] = Counter()
        of_servers: Counter[Destination] = Counter()
        for claim in claims:
            queue = self.queue_of(claim)
            server = queue.server
            has_call = len(chosen) < slots and of_servers[server.destination] < server.open_calls
            if has_call and queue.may_go(of_accounts[claim.account_id]) and queue.access:
                chosen.append(Ready(claim, queue.access))
                of_accounts[claim.account_id] += 1
                of_servers[server.destination] += 1
        return chosen

    def next_to_send(self, slots: int) -> list[Ready]:
        """Remove and return what may be sent now; each server has no more than its share.

        :param slots: how many at most; servers with the fewest calls come first.
        """
        chosen: list[Ready] = []
        waiting = [server for server in self._servers.values() if server.ready]
        for server in sorted(waiting, key=lambda one: one.calls):
            count = min(slots - len(chosen), server.free_calls, len(server.ready))
            chosen += [server.ready.popleft() for _ in range(count)]
        return chosen

    def drop_unstarted(self) -> None:
        """Forget claims for which nothing was begun; their leases will end."""
        for queue in self._accounts.values():
            queue.take_unstarted()

    def forget_quiet(self) -> None:
        """Now and then, forget the queues that hold nothing and know nothing that is still true."""
        now = time.monotonic()
        if now < self._forget_at:
            return
        self._forget_at = now + FORGET_EVERY
        kept = {key: queue for key, queue in self._accounts.items() if not queue.is_quiet}
        self._accounts = kept
        needed = {queue.server.destination for queue in kept.values()}
        self._servers = {
            key: server
            for key, server in self._servers.items()
            if key in needed or not server.is_forgotten
        }

    def _server(self, destination: Destination) -> ServerQueue:
        if destination not in self._servers:
            self._servers[destination] = ServerQueue(destination)
        return self._servers[destination]
