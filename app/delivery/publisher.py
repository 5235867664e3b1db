"""Publishes deliveries in one process: claim, store the intent, send, record.

One thread runs the publisher step by step, and only this thread uses the database. The calls to the
networks run in parallel on an event loop. Rows that are ready at the same time share one statement,
whatever their network.
"""

from __future__ import annotations

import logging
import os
import socket
import time
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from flask import current_app

from app.accounts import Access, credentials
from app.concurrency import ConcurrencyLimiter
from app.delivery import preparation
from app.delivery.account_queue import AccountQueue
from app.delivery.claims import (
    Claim,
    Claims,
    Intents,
    claim_and_start,
    destinations_of,
    release_claims,
    store_intents,
)
from app.delivery.executor import REFRESHES, Executors
from app.delivery.outcomes import SendCrashed, SendResult, record_results
from app.delivery.payload import Materials, Ready, composed
from app.delivery.preparation import Preparation, Preparer
from app.delivery.queues import Queues
from app.delivery.server_queue import MAX_OF_A_SERVER
from app.delivery.work_queue import WorkQueue
from app.networks import Body, Destination, Network, OutcomeKind, http
from app.shutdown import stopping

log = logging.getLogger(__name__)

CROWD = 4 * MAX_OF_A_SERVER
"""When this many ids wait, other workers should take the next ones."""
REFRESHES_OF_A_SERVER = 4
"""Accounts of one server whose credentials are refreshed in parallel."""
GROUPING_SECONDS = 0.02
"""How long to wait after an answer for others, to record them in the same statement."""


@dataclass(frozen=True)
class _Credentials:
    """The result of getting an account's credentials."""

    account_id: int
    result: Access | Exception


_Call = tuple[Ready, Body, float]
"""What is sent, and the last moment at which it may begin."""
_Done = SendResult | Preparation | _Credentials | SendCrashed


def _read_credentials(claims: Claims, queues: Queues, networks: Mapping[str, Network]) -> None:
    """Learn the credentials of these claims' accounts, as far as they need no refresh."""
    unknown: dict[str, set[int]] = defaultdict(set)
    for claim in claims:
        if not queues.queue_of(claim).is_known:
            unknown[claim.destination.network].add(claim.account_id)
    for name, account_ids in unknown.items():
        found = credentials.usable_accesses(networks[name], list(account_ids))
        for account_id, access in found.items():
            queues[account_id].learn(access)


class Publisher:
    """The deliveries that this process publishes, of all networks."""

    def __init__(self, executors: Executors) -> None:
        self._app: Any = current_app._get_current_object()  # type: ignore[attr-defined]
        self._networks: Mapping[str, Network] = self._app.extensions["networks"]
        self._executors = executors
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._work_queue: WorkQueue[_Done] = WorkQueue(stopping)
        self._preparer = Preparer(
            self._app, self._owner, executors.preparers, stopping, self._work_queue.finish
        )
        self._queues = Queues()
        self._refreshes = ConcurrencyLimiter(REFRESHES, REFRESHES_OF_A_SERVER)
        self._start_deadline: float = self._app.config["START_DEADLINE"]
        self._slots: int = self._app.config["QUEUE_CONCURRENCY"]["publish"]
        self._calls = 0

    # From any thread

    def put(self, job_ids: Iterable[str], servers: Mapping[str, Destination]) -> None:
        """Add ids to the queue; those that do not fit become due again later.

        :param servers: the server of each id, as far as it is known.
        """
        self._work_queue.put(job_ids, servers)

    def wait_for_room(self, seconds: float) -> bool:
        """Wait until few ids wait, as long as networks answer; False if it stays crowded."""
        return self._work_queue.wait_for_room(CROWD, seconds)

    # From the one thread that runs it

    @property
    def is_idle(self) -> bool:
        """True when there is nothing to do and no call is running."""
        return self._work_queue.is_empty and not self._queues.held and not self._refreshes.is_busy

    def wait(self, seconds: float) -> None:
        """Wait until there is work, and then a moment longer for more of it."""
        self._work_queue.wait(self._has_work, seconds)
        if self._calls > 1:
            time.sleep(GROUPING_SECONDS)

    def step(self) -> None:
        """Do all that can be done without waiting for a network."""
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
        self._queues.drop_unstarted()

    def _has_work(self) -> bool:
        if not stopping.is_set() or self._work_queue.has_done:
            return self._work_queue.has_work
        return self._work_queue.has_ids or self._queues.has_unstarted

    def _take_done(self) -> list[_Done]:
        """Remove what has ended and return it; from now on it no longer counts as running."""
        done = self._work_queue.take_done()
        for item in done:
            if isinstance(item, _Credentials):
                queue = self._queues[item.account_id]
                queue.preparing = False
                self._refreshes.leave(queue.server.destination)
                continue
            queue = self._queues[item.claim.account_id]
            queue.end()
            if isinstance(item, SendResult | SendCrashed):
                self._calls -= 1
                queue.server.end_call(item.outcome if isinstance(item, SendResult) else None)
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
            self.put(again, {r.claim.job_id: r.claim.destination for r in results})

    def _prepared(self, item: Preparation) -> SendResult | None:
        """Mark prepared claims ready, unless their account must wait; return the failed ones."""
        queue = self._queues[item.claim.account_id]
        if isinstance(item.result, SendResult):
            return item.result
        if isinstance(item.result, Materials):
            queue.preparations.succeed()
        if isinstance(item.result, Materials) and queue.access is not None:
            queue.go()
            queue.make_ready(item.claim, queue.access, item.result)
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
        self._withdraw([item.account_id], after)

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
            self._withdraw([account_id], rest)

    def _withdraw(self, account_ids: Iterable[int], after: float = 0) -> None:
        """Hand back the claims of these accounts that were not started."""
        claims = chain.from_iterable(self._queues[i].take_unstarted() for i in account_ids)
        release_claims(list(claims), self._owner, after)

    def _hand_back(self) -> None:
        self._work_queue.clear()
        self._withdraw(self._queues)

    def _claim(self) -> None:
        self._queues.forget_quiet()
        unknown = self._work_queue.take_unknown()
        self.put(unknown, destinations_of(unknown))
        room = min(self._slots - self._calls, 2 * self._slots - self._queues.held)
        job_ids = self._work_queue.take_ids(room, self._queues.room_of)
        if not job_ids:
            return
        start_by = http.boottime() + self._start_deadline  # the leases begin after this moment
        intents, waiting = claim_and_start(job_ids, self._owner, self._choose)
        calls: list[_Call] = []
        for claim, body in intents:
            queue = self._queues[claim.account_id]
            assert queue.access is not None  # it was chosen for that
            queue.go()
            calls.append((Ready(claim, queue.access), body, start_by))
        self._make_calls(calls)
        for claim in waiting:
            self._queues.add(claim)
        for account_id in dict.fromkeys(claim.account_id for claim in waiting):
            self._advance(account_id)

    def _choose(self, claims: Claims) -> Intents:
        """Return which of these new claims are sent at once, with their bodies."""
        _read_credentials(claims, self._queues, self._networks)
        unprepared = [claim for claim in claims if not self._preparer.is_needed(claim)]
        chosen = self._queues.sendable(unprepared, self._slots - self._calls)
        return [(one.claim, body) for one, body in composed(chosen, self._networks)]

    def _advance(self, account_id: int) -> None:
        """Make ready what this account may send now."""
        queue = self._queues[account_id]
        if not queue.waiting or queue.preparing:
            return
        if queue.access is not None and queue.is_known:
            self._begin(queue, queue.access)
        elif self._refreshes.take(queue.server.destination):
            queue.preparing = True
            self._executors.refreshers.begin(self._look_up_access, account_id)
        else:
            self._withdraw([account_id], preparation.ROOM_AGAIN)

    def _begin(self, queue: AccountQueue, access: Access) -> None:
        """Send what may be sent, or prepare it first; what has no room becomes due again."""
        crowded: list[Claim] = []
        while claims := queue.next_claims():
            for claim in claims:
                if not self._preparer.is_needed(claim):
                    queue.make_ready(claim, access)
                elif not self._preparer.begin(claim, access):
                    crowded.append(claim)
                    queue.end()
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
        """Send whatever may be sent now."""
        while chosen := self._queues.next_to_send(self._slots - self._calls):
            self._send_these(chosen)

    def _send_these(self, chosen: Sequence[Ready]) -> None:
        """Store the intents of these calls, then make the calls."""
        start_by = http.boottime() + self._start_deadline
        bodies = composed(chosen, self._networks)
        sendable = [(one.claim, body) for one, body in bodies]
        going: set[tuple[str, int]] = set()
        try:
            intended = store_intents(sendable, self._owner) if sendable else []
            going = {claim.key for claim in intended}
        finally:
            stopped = [one.claim.account_id for one in chosen if one.claim.key not in going]
            for account_id in stopped:
                self._queues[account_id].end()
        self._make_calls([(one, body, start_by) for one, body in bodies if one.claim.key in going])
        # Paused meanwhile: schedulers hold them. What cannot be composed waits for its lease.
        release_claims([one for one, _ in sendable if one.key not in going], self._owner)
        for account_id in dict.fromkeys(stopped):  # no answer will let its others follow
            self._advance(account_id)

    def _make_calls(self, calls: Sequence[_Call]) -> None:
        self._calls += len(calls)
        for one, _, _ in calls:
            self._queues[one.claim.account_id].server.begin_call()
        self._executors.callers.begin(self._call, calls)

    async def _call(self, ready: Ready, body: dict[str, Any], start_by: float) -> None:
        claim, access = ready.claim, ready.access
        network = self._networks[claim.destination.network]
        try:
            outcome = await network.create(access.credentials, body, start_by)
        except Exception:
            log.exception(
                "the call for job %s raised", claim.job_id, extra={"job_id": claim.job_id}
            )
            self._work_queue.finish(SendCrashed(claim))
        else:
            self._work_queue.finish(SendResult(claim, network.name, access.version, outcome))


def publish_here(job_ids: Sequence[str], servers: Mapping[str, Destination] | None = None) -> None:
    """Publish those of these deliveries that are due and scheduled, each once.

    Other deliveries are ignored, so telling a worker too often does no harm. Blocks about as long
    as the slowest server takes; deliveries to other servers do not wait for it.
    """
    with Executors() as executors:
        publisher = Publisher(executors)
        publisher.put(job_ids, servers or {})
        while not publisher.is_idle:
            publisher.step()
            publisher.wait(1)
