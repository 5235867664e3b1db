"""The publishers of a worker process: one for each server, each with its own thread.

This is a bulkhead: a slow or silent server fills its own publisher and delays no other one.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from app.db import rollback_quietly
from app.delivery import Executors, Publisher, by_destination
from app.networks import Destination
from app.shutdown import stopping

log = logging.getLogger(__name__)

ROOM_SECONDS = 5.0
"""Seconds that a job waits for room in a publisher; after that, workers are notified again."""
MAX_IDLE_WAIT_SECONDS = 0.5
IDLE_SECONDS = 60.0
"""Seconds without work after which a publisher is closed."""


class PublisherPool:
    """Publishes the ids that are added, until it is told to stop."""

    def __init__(self, app: Flask, idle_seconds: float = IDLE_SECONDS) -> None:
        self._app = app
        self._idle_seconds = idle_seconds
        self._publishers: dict[Destination, Publisher] = {}
        self._threads: set[threading.Thread] = set()
        self._changing = threading.RLock()

    def put(self, job_ids: Sequence[str], room_seconds: float | None = None) -> None:
        """Publish those of these deliveries that are due and scheduled, each once, soon.

        :param room_seconds: seconds to wait for room, in total; ids without room become due again.
        """
        ends = time.monotonic() + (room_seconds or 0)
        crowded = []
        for destination, its_ids in by_destination(job_ids).items():
            if room_seconds is None or self._has_room(destination, 0):
                self._put(destination, its_ids)
            else:
                crowded.append((destination, its_ids))
        for destination, its_ids in crowded:
            if self._has_room(destination, ends - time.monotonic()):
                self._put(destination, its_ids)

    def put_with_room(self, job_ids: Sequence[str]) -> None:
        """Like ``put``, but wait for room; the rest is left to another wake-up or worker."""
        self.put(job_ids, ROOM_SECONDS)

    def join(self, seconds: float) -> None:
        """After ``stopping`` was set: wait until the results of running calls are recorded."""
        ends = time.monotonic() + seconds
        for thread in list(self._threads):
            thread.join(max(0.0, ends - time.monotonic()))

    def _has_room(self, destination: Destination, room_seconds: float) -> bool:
        publisher = self._publishers.get(destination)
        return publisher is None or publisher.wait_for_room(room_seconds)

    def _put(self, destination: Destination, job_ids: Sequence[str]) -> None:
        with self._changing:
            if destination not in self._publishers:
                try:
                    self._publishers[destination] = self._open(destination)
                except RuntimeError as error:  # no thread available: these become due again
                    log.error("no publisher for %s: %s", destination.network, error)
                    return
            self._publishers[destination].put(job_ids)

    def _open(self, destination: Destination) -> Publisher:
        name = destination.network
        executors = Executors(name)
        with self._app.app_context():
            publisher = Publisher(self._app.extensions["networks"][name], executors)

        def work() -> None:
            with executors:
                self._work(publisher, destination)

        thread = threading.Thread(target=work, name=f"{name}-publisher", daemon=True)
        thread.start()
        self._threads.add(thread)
        return publisher

    def _work(self, publisher: Publisher, destination: Destination) -> None:
        worked_at = time.monotonic()
        while not self._is_over(publisher, destination, worked_at):
            if not publisher.is_idle:
                worked_at = time.monotonic()
            with self._app.app_context():
                self._step_safely(publisher)
            publisher.wait(MAX_IDLE_WAIT_SECONDS)

    def _is_over(self, publisher: Publisher, destination: Destination, worked_at: float) -> bool:
        """Close a publisher that is not needed; during the check, nothing can be added to it."""
        with self._changing:
            long_idle = time.monotonic() - worked_at > self._idle_seconds
            if not (publisher.is_idle and (long_idle or stopping.is_set())):
                return False
            del self._publishers[destination]
            self._threads.discard(threading.current_thread())
            return True

    def _step_safely(self, publisher: Publisher) -> None:
        try:
            publisher.step()
        except Exception as error:
            # What was started is settled when its lease ends.
            unexpected = not isinstance(error, SQLAlchemyError)
            log.error("a publisher failed: %s", type(error).__name__, exc_info=unexpected)
            rollback_quietly()
            publisher.forget()
            time.sleep(1)
