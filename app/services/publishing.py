"""Publishing: claim, store the intent, send, record; for one delivery or many at once.

An account's first tweet goes alone: only when the network took it, the account's others follow
side by side. So an account that is limited or revoked costs one call, and not one for each tweet
that waits; and a network that is slow for one account holds up nobody else.
"""

from __future__ import annotations

import os
import socket
import uuid
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from threading import Event
from typing import Any

from flask import current_app

from app.db import db
from app.models import Account
from app.networks import http
from app.networks.base import Kind, Network
from app.services import claiming, refreshing
from app.services.claiming import Claim
from app.services.ending import Ending
from app.services.recording import record
from app.services.refreshing import Access

CONCURRENT_CALLS = 32
ROUNDS = 3
GROUPING_SECONDS = 0.03
"""After an answer, how long to wait for others that can be recorded in the same statement."""
OPENING = {Kind.OK, Kind.REJECTED, Kind.AMBIGUOUS}
"""Endings of an account's first call after which its others may follow."""

stopping = Event()
"""Set when this process was asked to stop: what has not begun is handed back."""


def publish(job_ids: Sequence[str]) -> None:
    """Publish those of these deliveries that are due and scheduled, each once.

    Deliveries that are not are left alone, so that a bell may ring too often. Blocks for at most
    about two send timeouts.
    """
    owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
    wanted = list(job_ids)
    for _ in range(ROUNDS):
        claims = claiming.claim(wanted, owner)
        if not claims:
            return
        with _executor_for(claims) as executor:
            wanted = _Batch(claims, owner, executor).run()
        if not wanted:
            return


def _executor_for(claims: Sequence[Claim]) -> Executor:
    if len(claims) == 1:
        return _SameThread()
    return ThreadPoolExecutor(min(CONCURRENT_CALLS, len(claims)), thread_name_prefix="send")


class _SameThread(Executor):
    """An executor that has finished by the time it answers."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class _Batch:
    """One claim's worth of deliveries on their way."""

    def __init__(self, claims: Sequence[Claim], owner: str, executor: Executor) -> None:
        self._owner = owner
        self._executor = executor
        self._waiting: dict[int, list[Claim]] = defaultdict(list)
        for claim in claims:
            self._waiting[claim.account_id].append(claim)
        self._networks = _networks_of(self._waiting)
        self._access: dict[int, Access] = {}
        self._preparing: dict[Future[Access], int] = {}
        self._sending: set[Future[Ending]] = set()
        self._ready: list[Claim] = []
        self._again: list[str] = []

    def run(self) -> list[str]:
        """Send everything that may be sent; return the ids to claim again at once."""
        app = current_app._get_current_object()  # type: ignore[attr-defined]
        for account_id in self._waiting:
            future = self._executor.submit(_access_to, app, account_id)
            self._preparing[future] = account_id
        while self._preparing or self._sending or self._ready:
            self._start_ready()
            self._collect()
        left = [claim for waiting in self._waiting.values() for claim in waiting]
        claiming.give_back(left, self._owner)  # asked to stop before their first one went
        return self._again

    def _start_ready(self) -> None:
        if stopping.is_set():
            claiming.give_back(self._ready, self._owner)
            self._ready = []
        room = CONCURRENT_CALLS - len(self._sending)
        batch, self._ready = self._ready[:room], self._ready[room:]
        if not batch:
            return
        go = http.suspend_clock() + current_app.config["GO_DEADLINE"]
        bodies = [(claim, self._network_of(claim).body(claim.text)) for claim in batch]
        going = {claim.job_id for claim in claiming.intend(bodies, self._owner)}
        for claim, body in bodies:
            if claim.job_id in going:
                self._sending.add(self._executor.submit(self._send, claim, body, go))

    def _send(self, claim: Claim, body: dict[str, Any], go: float) -> Ending:
        network = self._network_of(claim)
        access = self._access[claim.account_id]
        outcome = network.create(access.credentials, body, go)
        return Ending(claim, network.name, access.version, outcome)

    def _collect(self) -> None:
        running: set[Future[Any]] = {*self._preparing, *self._sending}
        if not running:
            return
        done, others = wait(running, return_when=FIRST_COMPLETED)
        if others:
            done |= wait(others, timeout=GROUPING_SECONDS).done
        endings = []
        for future in done:
            if future in self._preparing:
                self._prepared(self._preparing.pop(future), future)
            else:
                self._sending.discard(future)
                endings.append(future.result())
        if endings:
            self._again += record(endings)
            for ending in endings:
                self._follow(ending)

    def _prepared(self, account_id: int, future: Future[Access]) -> None:
        """Let the account's first tweet go, or hand all of them back."""
        waiting = self._waiting[account_id]
        try:
            self._access[account_id] = future.result()
        except refreshing.NotNow as later:
            claiming.give_back(waiting, self._owner, later.after)
            waiting.clear()
        except refreshing.NoAccess:
            claiming.give_back(waiting, self._owner)  # the next look at them holds them
            waiting.clear()
        else:
            self._ready.append(waiting.pop(0))

    def _follow(self, ending: Ending) -> None:
        """Let the account's others go after its first, unless the network says not now."""
        waiting = self._waiting[ending.claim.account_id]
        if not waiting:
            return
        if ending.outcome.kind in OPENING and ending.outcome.pause_for is None:
            self._ready += waiting
        else:
            claiming.give_back(waiting, self._owner)
        waiting.clear()

    def _network_of(self, claim: Claim) -> Network:
        return self._networks[claim.account_id]


def _access_to(app: Any, account_id: int) -> Access:
    if stopping.is_set():
        raise refreshing.NotNow(after=0)
    with app.app_context():
        return refreshing.access_to(account_id)


def _networks_of(account_ids: Any) -> dict[int, Network]:
    rows = db.session.execute(
        db.select(Account.id, Account.network).where(Account.id.in_(list(account_ids)))
    ).all()
    db.session.commit()
    return {id_: current_app.extensions["networks"][network] for id_, network in rows}
