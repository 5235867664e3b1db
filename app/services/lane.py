"""One network's deliveries on their way, in one process: claim, store the intent, send, record.

One thread works a lane, step by step, and alone touches the database; the calls themselves run
side by side. Whatever is ready at the same time travels in the same statement.
"""

from __future__ import annotations

import logging
import os
import socket
import time
import uuid
from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from threading import Condition, Event
from typing import Any

from flask import current_app

from app.networks import http
from app.networks.base import Network
from app.services import claiming, refreshing
from app.services.claims import Claim
from app.services.composing import body_of
from app.services.ending import Ending
from app.services.line import Line
from app.services.recording import record
from app.services.refreshing import Access

log = logging.getLogger(__name__)

SLOTS = 192
"""Calls of one network under way at a time."""
IN_HAND = 2 * SLOTS
"""Deliveries claimed at a time."""
CROWD = 4 * SLOTS
"""With so many ids waiting, other workers had better take the next."""
MOST_WAITING = 20_000
GROUPING_SECONDS = 0.02
"""After an answer, how long to wait for others that can be recorded in the same statement."""
STUCK_SECONDS = 1.0
"""A network that answers nobody for so long makes nobody wait for room."""
PREPARING = 16
"""Accounts whose credentials are refreshed at a time."""
stopping = Event()
"""Set when this process was asked to stop: what has not begun is handed back."""


@dataclass(frozen=True)
class _Prepared:
    """How looking for an account's credentials ended."""

    account_id: int
    result: Access | Exception


@dataclass(frozen=True)
class _Broken:
    """A call that raised, which none may: its row is left to its lease."""

    claim: Claim


_Done = Ending | _Prepared | _Broken


class Lane:
    """The deliveries of one network on their way."""

    def __init__(self, network: Network, callers: Executor, preparers: Executor) -> None:
        self._app: Any = current_app._get_current_object()  # type: ignore[attr-defined]
        self._network = network
        self._callers = callers
        self._preparers = preparers
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._news = Condition()
        self._queue: dict[str, None] = {}
        self._done: deque[_Done] = deque()
        self._lines: dict[int, Line] = {}
        self._ready: deque[tuple[Claim, Access]] = deque()
        self._calls = 0
        self._moved_at = time.monotonic()

    # From any thread

    def put(self, job_ids: Iterable[str]) -> None:
        """Let these wait for their turn; what is too much comes due again."""
        with self._news:
            if not self._queue:
                self._moved_at = time.monotonic()  # it rested until now and is not stuck
            if len(self._queue) < MOST_WAITING:
                self._queue.update(dict.fromkeys(job_ids))
                self._news.notify_all()

    def wait_for_room(self, seconds: float) -> bool:
        """Wait until few are waiting, while the network answers at all; False if it stays full."""
        ends = time.monotonic() + seconds
        with self._news:
            while len(self._queue) >= CROWD:
                left = min(ends, self._moved_at + STUCK_SECONDS) - time.monotonic()
                if left <= 0 or stopping.is_set():
                    return False
                self._news.wait(left)
        return True

    def _finish(self, item: _Done) -> None:
        with self._news:
            self._done.append(item)
            self._moved_at = time.monotonic()
            self._news.notify_all()

    # From the one thread that works it

    @property
    def is_idle(self) -> bool:
        """True when there is nothing to do and nothing under way."""
        busy = any(line.is_busy for line in self._lines.values())
        return not (self._queue or self._done or busy)

    def wait(self, seconds: float) -> None:
        """Wait until there is something to do, and a moment for more of it."""
        with self._news:
            self._news.wait_for(self._has_work, seconds)
        if self._calls > 1:
            time.sleep(GROUPING_SECONDS)

    def step(self) -> None:
        """Do all that can be done without waiting for the network."""
        done = self._take_done()
        if stopping.is_set():
            self._settle(done)
            self._hand_back()
        else:
            self._send()  # first of all: a slot that is free is time lost
            self._settle(done)
            self._claim()
            self._send()

    def forget(self) -> None:
        """After a step that failed: leave what was claimed and not begun to its lease."""
        for claim, _ in self._ready:
            self._lines[claim.account_id].going -= 1
        self._ready.clear()
        for line in self._lines.values():
            line.waiting = []

    def _has_work(self) -> bool:
        if self._done:
            return True
        if stopping.is_set():
            return bool(self._queue or self._ready or any(x.waiting for x in self._lines.values()))
        return bool(self._queue) and self._room() > 0

    def _room(self) -> int:
        return IN_HAND - sum(line.size for line in self._lines.values())

    def _take_done(self) -> list[_Done]:
        """Take out what ended; its slots are free from now on."""
        with self._news:
            done, self._done = list(self._done), deque()
        for item in done:
            if not isinstance(item, _Prepared):
                self._calls -= 1
                self._lines[item.claim.account_id].going -= 1
        return done

    def _settle(self, done: Sequence[_Done]) -> None:
        """Record what ended, and let the accounts' others follow or go back."""
        for item in done:
            if isinstance(item, _Prepared):
                self._prepared(item)
        endings = [item for item in done if isinstance(item, Ending)]
        if endings:
            again = record(endings)
            for ending in endings:
                self._follow(ending)
            self.put(again)

    def _prepared(self, item: _Prepared) -> None:
        line = self._lines[item.account_id]
        line.preparing = False
        if isinstance(item.result, Access):
            line.learn(item.result)
            self._advance(item.account_id)
            return
        if not isinstance(item.result, refreshing.NotNow | refreshing.NoAccess):
            log.error("no credentials for account %s", item.account_id, exc_info=item.result)
        # After NoAccess the next look at them holds them.
        after = item.result.after if isinstance(item.result, refreshing.NotNow) else 0
        self._withdraw(item.account_id, after)

    def _follow(self, ending: Ending) -> None:
        """Let the account's others go after its first, unless the network says not now."""
        account_id = ending.claim.account_id
        if self._lines[account_id].hear(ending.outcome):
            self._advance(account_id)
        else:
            self._withdraw(account_id)

    def _withdraw(self, account_id: int, after: float = 0) -> None:
        """Hand back what this account has claimed and not begun."""
        line = self._lines[account_id]
        ready = [claim for claim, _ in self._ready if claim.account_id == account_id]
        if ready:
            others = (pair for pair in self._ready if pair[0].account_id != account_id)
            self._ready = deque(others)
        claims, line.waiting = [*ready, *line.waiting], []
        line.going -= len(ready)
        claiming.give_back(claims, self._owner, after)

    def _hand_back(self) -> None:
        with self._news:
            self._queue.clear()
            self._news.notify_all()
        for account_id in list(self._lines):
            self._withdraw(account_id)

    def _claim(self) -> None:
        with self._news:
            job_ids = list(self._queue)[: max(0, self._room())]
            for job_id in job_ids:
                del self._queue[job_id]
                self._moved_at = time.monotonic()
            self._news.notify_all()
        if not job_ids:
            return
        self._forget_quiet_lines()
        claims = claiming.claim(job_ids, self._owner)
        for claim in claims:
            self._lines.setdefault(claim.account_id, Line()).waiting.append(claim)
        account_ids = list(dict.fromkeys(claim.account_id for claim in claims))
        self._read_credentials(account_ids)
        for account_id in account_ids:
            self._advance(account_id)

    def _forget_quiet_lines(self) -> None:
        kept = {key: line for key, line in self._lines.items() if line.is_busy or line.is_known}
        self._lines = kept

    def _read_credentials(self, account_ids: Sequence[int]) -> None:
        unknown = [i for i in account_ids if not self._lines[i].is_known]
        for account_id, access in refreshing.usable_accesses(self._network, unknown).items():
            self._lines[account_id].learn(access)

    def _advance(self, account_id: int) -> None:
        """Make ready what this account may send now."""
        line = self._lines[account_id]
        if not line.waiting or line.preparing:
            return
        if line.access is None or not line.is_known:
            line.preparing = True
            self._preparers.submit(self._prepare, account_id)
        else:
            self._ready += [(claim, line.access) for claim in line.next_claims()]

    def _prepare(self, account_id: int) -> None:
        result: Access | Exception
        try:
            if stopping.is_set():
                raise refreshing.NotNow(after=0)
            with self._app.app_context():
                result = refreshing.access_to(account_id)
        except Exception as error:
            result = error
        self._finish(_Prepared(account_id, result))

    def _send(self) -> None:
        """Store that these calls are about to be made, then make them."""
        count = min(SLOTS - self._calls, len(self._ready))
        chosen = [self._ready.popleft() for _ in range(count)]
        if not chosen:
            return
        go = http.suspend_clock() + self._app.config["GO_DEADLINE"]
        bodies = [(claim, body_of(claim, self._network)) for claim, _ in chosen]
        going: set[tuple[str, int]] = set()
        try:
            intended = claiming.intend(bodies, self._owner)
            going = {(claim.job_id, claim.fence) for claim in intended}
        finally:
            for claim, _ in chosen:
                self._lines[claim.account_id].going -= (claim.job_id, claim.fence) not in going
        for (claim, access), (_, body) in zip(chosen, bodies, strict=True):
            if (claim.job_id, claim.fence) in going:
                self._calls += 1
                self._callers.submit(self._call, claim, access, body, go)

    def _call(self, claim: Claim, access: Access, body: dict[str, Any], go: float) -> None:
        try:
            outcome = self._network.create(access.credentials, body, go)
        except Exception:
            log.exception("the call for job %s raised", claim.job_id)
            self._finish(_Broken(claim))
        else:
            self._finish(Ending(claim, self._network.name, access.version, outcome))
