"""The look-ups of a worker process: a few per server in parallel, on separate threads.

So a server that hangs delays neither the look-ups of other servers nor the worker's tasks.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from app.concurrency import ConcurrencyLimiter
from app.delivery import destinations_of, reconciler
from app.networks import Destination

log = logging.getLogger(__name__)

OF_A_SERVER = 3
MAX_WAITING = 5
"""Groups of ids of one server that wait for its running look-ups."""
TURN_SECONDS = 1.0
"""Seconds that ids wait for room; after that they are left to come due again."""


class LookUpPool:
    """Runs look-ups for the ids that are added."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        # Each on a thread of its own.
        self._places = ConcurrencyLimiter(app.config["QUEUE_CONCURRENCY"]["lookup"], OF_A_SERVER)
        self._waiting: dict[Destination, deque[tuple[float, Sequence[str]]]] = {}
        self._threads: set[threading.Thread] = set()
        self._changing = threading.Lock()

    def put(self, job_ids: Sequence[str], servers: Mapping[str, Destination]) -> None:
        """Look up soon those of these deliveries that are unconfirmed.

        :param servers: the server of each id, as far as it is known.
        """
        unknown = [job_id for job_id in job_ids if job_id not in servers]
        known = {**servers, **destinations_of(unknown)}
        groups: dict[Destination, list[str]] = defaultdict(list)
        for job_id in job_ids:
            if job_id in known:
                groups[known[job_id]].append(job_id)
        for destination, its_ids in groups.items():
            if self._places.take(destination):
                self._begin(destination, its_ids)
            else:
                self._wait(destination, its_ids)

    def join(self, seconds: float) -> None:
        """Wait until the running look-ups have ended."""
        ends = time.monotonic() + seconds
        for thread in list(self._threads):
            thread.join(max(0.0, ends - time.monotonic()))

    def _wait(self, destination: Destination, job_ids: Sequence[str]) -> None:
        with self._changing:
            waiting = self._waiting.setdefault(destination, deque(maxlen=MAX_WAITING))
            waiting.append((time.monotonic() + TURN_SECONDS, job_ids))

    def _next(self, destination: Destination) -> Sequence[str] | None:
        """Return the ids of this server that have waited longest, None when none may wait on."""
        with self._changing:
            waiting = self._waiting.pop(destination, None)
            while waiting:
                until, job_ids = waiting.popleft()
                if waiting:
                    self._waiting[destination] = waiting
                if until > time.monotonic():
                    return job_ids
        return None

    def _begin(self, destination: Destination, job_ids: Sequence[str]) -> None:
        def work() -> None:
            ids: Sequence[str] | None = job_ids
            try:
                while ids:
                    self._look_up(ids)
                    ids = self._next(destination)
            finally:
                self._places.leave(destination)
                with self._changing:
                    self._threads.discard(threading.current_thread())

        thread = threading.Thread(target=work, name=f"{destination.network}-look", daemon=True)
        with self._changing:
            try:
                thread.start()
            except RuntimeError:  # too many threads: these ids become due again
                self._places.leave(destination)
            else:
                self._threads.add(thread)

    def _look_up(self, job_ids: Sequence[str]) -> None:
        with self._app.app_context():
            try:
                reconciler.reconcile(job_ids)
            except Exception as error:
                unexpected = not isinstance(error, SQLAlchemyError)
                log.error("a look-up failed: %s", type(error).__name__, exc_info=unexpected)
