"""The look-ups of a worker process: a few per server in parallel, on separate threads.

So a server that hangs delays neither the look-ups of other servers nor the worker's tasks.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Sequence

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from app.concurrency import ConcurrencyLimiter
from app.delivery import by_destination, reconciler
from app.networks import Destination

log = logging.getLogger(__name__)

OF_A_SERVER = 3
"""Look-ups that run in parallel."""
WAITING = 8
"""Running and waiting look-ups together."""
IN_ALL = 256
TURN_SECONDS = 1.0
"""Seconds to wait for room; ids without room become due again."""


class LookUpPool:
    """Runs look-ups for the ids that are added."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._places = ConcurrencyLimiter(IN_ALL, WAITING)
        self._turns: dict[Destination, threading.BoundedSemaphore] = defaultdict(
            lambda: threading.BoundedSemaphore(OF_A_SERVER)
        )
        self._threads: set[threading.Thread] = set()
        self._changing = threading.Lock()

    def put(self, job_ids: Sequence[str]) -> None:
        """Look up soon those of these deliveries that are unconfirmed."""
        for destination, its_ids in by_destination(job_ids).items():
            if self._places.take(destination):
                self._begin(destination, its_ids)

    def join(self, seconds: float) -> None:
        """Wait until the running look-ups have ended."""
        ends = time.monotonic() + seconds
        for thread in list(self._threads):
            thread.join(max(0.0, ends - time.monotonic()))

    def _begin(self, destination: Destination, job_ids: Sequence[str]) -> None:
        turn = self._turns[destination]

        def work() -> None:
            try:
                if turn.acquire(timeout=TURN_SECONDS):
                    try:
                        self._look_up(job_ids)
                    finally:
                        turn.release()
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
