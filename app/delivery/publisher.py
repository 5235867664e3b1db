"""Publishes the deliveries of one network in one process: claim, store the intent, send, record.

One thread runs a publisher step by step, and only this thread uses the database. The calls to the
network run in parallel. Rows that are ready at the same time share one statement.
"""

from __future__ import annotations

import logging
import os
import socket
import time
import uuid
from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from flask import Flask, current_app

from app.accounts import Access, credentials
from app.delivery import preparation
from app.delivery.account_queue import AccountQueue
from app.delivery.claims import (
    Claim,
    by_destination,
    claim_deliveries,
    release_claims,
    store_intents,
)
from app.delivery.executor import SLOTS, Executors
from app.delivery.outcomes import SendCrashed, SendResult, record_results
from app.delivery.payload import Materials, Ready, composed
from app.delivery.preparation import Preparation, Preparer
from app.delivery.work_queue import WorkQueue
from app.networks import Destination, Network, OutcomeKind, http
from app.shutdown import stopping

log = logging.getLogger(__name__)

MAX_CLAIMED = 2 * SLOTS
"""Deliveries that one statement claims at most."""
CROWD = 4 * SLOTS
"""When this many ids wait, other workers should take the next ones."""
GROUPING_SECONDS = 0.02
"""How long to wait after an answer for others, to record them in the same statement."""


@dataclass(frozen=True)
class _Credentials:
    """The result of getting an account's credentials."""

    account_id: int
    result: Access | Exception


_Done = SendResult | Preparation | _Credentials | SendCrashed


class Publisher:
    """The deliveries of one network that this process publishes."""

    def __init__(self, network: Network, executors: Executors) -> None:
        self._app: Any = current_app._get_current_object()  # type: ignore[attr-defined]
        self._network = network
        self._executors = executors
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._work_queue: WorkQueue[_Done] = WorkQueue(stopping)
        self._preparer = Preparer(
            self._app, network, self._owner, executors.preparers, stopping, self._work_queue.finish
        )
        self._queues: dict[int, AccountQueue] = {}
        self._ready: deque[Ready] = deque()
        self._calls = 0

    # From any thread

    def put(self, job_ids: Iterable[str]) -> None:
        """Add ids to the queue; those that do not fit become due again later."""
        self._work_queue.put(job_ids)

    def wait_for_room(self, seconds: float) -> bool:
        """Wait until few ids wait, as long as the network answers; False if it stays full."""
        return self._work_queue.wait_for_room(CROWD, seconds)

    # From the one thread that runs it

    @property
    def is_idle(self) -> bool:
        """True when there is nothing to do and no call is running."""
        busy = any(queue.is_busy for queue in self._queues.values())
        return self._work_queue.is_empty and not busy

    def wait(self, seconds: float) -> None:
        """Wait until there is work, and then a moment longer for more of it."""
        self._work_queue.wait(self._has_work, seconds)
        if self._calls > 1:
            time.sleep(GROUPING_SECONDS)

    def step(self) -> None:
        """Do all that can be done without waiting for the network."""
        done = self._take_done()
        if stopping.is_set():
            self._settle(done)
            self._hand_back()
        else:
            self._send()  # first: a free slot should be used at once
            self._settle(done)
            self._claim()
            self._send()

    def forget(self) -> None:
        """After a failed step: drop claims that were not started; their leases will end."""
        for ready in self._ready:
            self._queues[ready.claim.account_id].going -= 1
        self._ready.clear()
        for queue in self._queues.values():
            queue.waiting = []

    def _has_work(self) -> bool:
        if self._work_queue.has_done:
            return True
        if stopping.is_set():
            waits = self._ready or any(queue.waiting for queue in self._queues.values())
            return bool(self._work_queue.has_ids or waits)
        return self._work_queue.has_ids and self._room() > 0

    def _room(self) -> int:
        return MAX_CLAIMED - sum(queue.size for queue in self._queues.values())

    def _take_done(self) -> list[_Done]:
        """Remove what has ended and return it; from now on it no longer counts as running."""
        done = self._work_queue.take_done()
        for item in done:
            if isinstance(item, _Credentials):
                self._queues[item.account_id].preparing = False
            else:
                self._queues[item.claim.account_id].going -= 1
            if isinstance(item, SendResult | SendCrashed):
                self._calls -= 1
        return done

    def _settle(self, done: Sequence[_Done]) -> None:
        """Record results; then send the accounts' other claims or hand them back."""
        self._record(
            [item for item in done if isinstance(item, SendResult)]
        )  # nobody else has heard
        for item in done:
            if isinstance(item, _Credentials):
                self._learn(item)
        failed = [self._prepared(item) for item in done if isinstance(item, Preparation)]
        self._record([result for result in failed if result])

    def _record(self, results: Sequence[SendResult]) -> None:
        if results:
            again = record_results(results)
            for result in results:
                self._follow(result)
            self.put(again)

    def _prepared(self, item: Preparation) -> SendResult | None:
        """Mark prepared claims ready, unless their account must wait; return the failed ones."""
        queue = self._queues[item.claim.account_id]
        if isinstance(item.result, SendResult):
            return item.result
        if isinstance(item.result, Materials):
            queue.preparations.succeed()
        if isinstance(item.result, Materials) and queue.access is not None:
            queue.going += 1
            self._ready.append(Ready(item.claim, queue.access, item.result))
        else:
            release_claims([item.claim], self._owner, preparation.ROOM_AGAIN)
            self._advance(item.claim.account_id)
        return None

    def _learn(self, item: _Credentials) -> None:
        if isinstance(item.result, Access):
            self._queues[item.account_id].learn(item.result)
            self._advance(item.account_id)
            return
        if not isinstance(item.result, credentials.NotNow | credentials.NoAccess):
            log.error("no credentials for account %s", item.account_id, exc_info=item.result)
        # After NoAccess, the next time they come due they are held.
        after = item.result.after if isinstance(item.result, credentials.NotNow) else 0
        self._withdraw(item.account_id, after)

    def _follow(self, result: SendResult) -> None:
        """Send the account's other claims after its first, unless the network says "not now"."""
        account_id, outcome = result.claim.account_id, result.outcome
        queue = self._queues[account_id]
        if outcome.kind == OutcomeKind.NOT_SENT and not result.was_prepared:
            alike = queue.take_waiting(self._preparer.is_needed)
            release_claims(alike, self._owner, queue.preparations.fail())
            self._advance(account_id)
        elif (rest := queue.note_outcome(outcome)) is None:
            self._advance(account_id)
        else:
            self._withdraw(account_id, rest)

    def _withdraw(self, account_id: int, after: float = 0) -> None:
        """Hand back the claims of this account that were not started."""
        queue = self._queues[account_id]
        ready = [one.claim for one in self._ready if one.claim.account_id == account_id]
        if ready:
            others = (one for one in self._ready if one.claim.account_id != account_id)
            self._ready = deque(others)
        claims, queue.waiting = [*ready, *queue.waiting], []
        queue.going -= len(ready)
        release_claims(claims, self._owner, after)

    def _hand_back(self) -> None:
        self._work_queue.clear()
        for account_id in list(self._queues):
            self._withdraw(account_id)

    def _claim(self) -> None:
        job_ids = self._work_queue.take_ids(self._room())
        if not job_ids:
            return
        self._forget_quiet_queues()
        claims = claim_deliveries(job_ids, self._owner)
        for claim in claims:
            self._queues.setdefault(claim.account_id, AccountQueue()).waiting.append(claim)
        account_ids = list(dict.fromkeys(claim.account_id for claim in claims))
        self._read_credentials(account_ids)
        for account_id in account_ids:
            self._advance(account_id)

    def _forget_quiet_queues(self) -> None:
        self._queues = {key: queue for key, queue in self._queues.items() if not queue.is_quiet}

    def _read_credentials(self, account_ids: Sequence[int]) -> None:
        unknown = [i for i in account_ids if not self._queues[i].is_known]
        for account_id, access in credentials.usable_accesses(self._network, unknown).items():
            self._queues[account_id].learn(access)

    def _advance(self, account_id: int) -> None:
        """Make ready what this account may send now."""
        queue = self._queues[account_id]
        if not queue.waiting or queue.preparing:
            return
        if queue.access is None or not queue.is_known:
            queue.preparing = True
            self._executors.refreshers.begin(self._look_up_access, account_id)
        else:
            self._begin(queue, queue.access)

    def _begin(self, queue: AccountQueue, access: Access) -> None:
        """Send what may be sent, or prepare it first; what has no room becomes due again."""
        crowded: list[Claim] = []
        while claims := queue.next_claims():
            for claim in claims:
                if not self._preparer.is_needed(claim):
                    self._ready.append(Ready(claim, access))
                elif not self._preparer.begin(claim, access):
                    crowded.append(claim)
                    queue.going -= 1
        release_claims(crowded, self._owner, preparation.ROOM_AGAIN)

    def _look_up_access(self, account_id: int) -> None:
        result: Access | Exception
        try:
            if stopping.is_set():
                raise credentials.NotNow(after=0)
            with self._app.app_context():
                result = credentials.access_to(account_id)
        except Exception as error:
            result = error
        self._work_queue.finish(_Credentials(account_id, result))

    def _send(self) -> None:
        """Store the intents of these calls, then make the calls."""
        count = min(SLOTS - self._calls, len(self._ready))
        chosen = [self._ready.popleft() for _ in range(count)]
        if not chosen:
            return
        start_by = http.boottime() + self._app.config["START_DEADLINE"]
        bodies = composed(chosen, self._network)
        going: set[tuple[str, int]] = set()
        try:
            sendable = [(one.claim, body) for one, body in bodies]
            intended = store_intents(sendable, self._owner) if sendable else []
            going = {claim.key for claim in intended}
        finally:
            for one in chosen:
                self._queues[one.claim.account_id].going -= one.claim.key not in going
        for one, body in bodies:
            if one.claim.key in going:
                self._calls += 1
                self._executors.callers.begin(self._call, one, body, start_by)

    def _call(self, ready: Ready, body: dict[str, Any], start_by: float) -> None:
        claim, access = ready.claim, ready.access
        try:
            outcome = self._network.create(access.credentials, body, start_by)
        except Exception:
            log.exception("the call for job %s raised", claim.job_id)
            self._work_queue.finish(SendCrashed(claim))
        else:
            self._work_queue.finish(SendResult(claim, self._network.name, access.version, outcome))


def publish_here(job_ids: Sequence[str]) -> None:
    """Publish those of these deliveries that are due and scheduled, each once.

    Other deliveries are ignored, so telling a worker too often does no harm. Blocks about as long
    as the slowest server takes; deliveries to other servers do not wait for it.
    """
    app: Any = current_app._get_current_object()  # type: ignore[attr-defined]
    groups = by_destination(job_ids)
    with ThreadPoolExecutor(max(1, len(groups))) as servers:
        list(servers.map(partial(_publish_at, app), groups, groups.values()))


def _publish_at(app: Flask, destination: Destination, job_ids: Sequence[str]) -> None:
    network = app.extensions["networks"][destination.network]
    with app.app_context(), Executors(network.name, len(job_ids)) as executors:
        publisher = Publisher(network, executors)
        publisher.put(job_ids)
        while not publisher.is_idle:
            publisher.step()
            publisher.wait(1)
