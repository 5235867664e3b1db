"""The publisher of a worker process, on a thread of its own.

It is opened when there is something to publish, and closed after a while without work, so that an
idle worker keeps none of its threads and connections.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from app.db import rollback_quietly
from app.delivery import Executors, Publisher
from app.networks import Destination
from app.precedence import note_publishing
from app.shutdown import stopping

log = logging.getLogger(__name__)

ROOM_SECONDS = 5.0
"""Seconds that a job waits for room in the publisher; after that, workers are notified again."""
MAX_IDLE_WAIT_SECONDS = 0.5
IDLE_SECONDS = 60.0
"""Seconds without work after which the publisher is closed."""


class PublisherThread:
    """Publishes the ids that are added, until it is told to stop."""

    def __init__(self, app: Flask, idle_seconds: float = IDLE_SECONDS) -> None:
        self._app = app
        self._idle_seconds = idle_seconds
        self._publisher: Publisher | None = None
        self._threads: set[threading.Thread] = set()
        self._changing = threading.RLock()

    def put(self, job_ids: Sequence[str], servers: Mapping[str, Destination]) -> None:
        """Publish those of these deliveries that are due and scheduled, each once, soon.

        :param servers: the server of each id, as far as it is known.
        """
        with self._changing:
            if self._publisher is None:
                try:
                    self._publisher = self._open()
                except RuntimeError as error:  # no thread available: these become due again
                    log.error("no thread for the publisher: %s", error)
                    return
            self._publisher.put(job_ids, servers)
            note_publishing(True)

    def has_room(self, seconds: float = 0) -> bool:
        """Wait until few ids wait, as long as networks answer; False if it stays crowded."""
        publisher = self._publisher
        return publisher is None or publisher.wait_for_room(seconds)

    def put_with_room(self, job_ids: Sequence[str], servers: Mapping[str, Destination]) -> None:
        """Like ``put``, but wait for room; without it this is left to another worker."""
        if self.has_room(ROOM_SECONDS):
            self.put(job_ids, servers)

    def join(self, seconds: float) -> None:
        """After ``stopping`` was set: wait until the results of running calls are recorded."""
        ends = time.monotonic() + seconds
        for thread in list(self._threads):
            thread.join(max(0.0, ends - time.monotonic()))

    def _open(self) -> Publisher:
        executors = Executors()
        with self._app.app_context():
            publisher = Publisher(executors)

        def work() -> None:
            with executors:
                self._work(publisher)

        thread = threading.Thread(target=work, name="publisher", daemon=True)
        thread.start()
        self._threads.add(thread)
        return publisher

    def _work(self, publisher: Publisher) -> None:
        worked_at = time.monotonic()
        while not self._is_over(publisher, worked_at):
            if publisher.is_idle:
                note_publishing(False)
            else:
                worked_at = time.monotonic()
            with self._app.app_context():
                self._step_safely(publisher)
            publisher.wait(MAX_IDLE_WAIT_SECONDS)

    def _is_over(self, publisher: Publisher, worked_at: float) -> bool:
        """Close a publisher that is not needed; during the check, nothing can be added to it."""
        with self._changing:
            long_idle = time.monotonic() - worked_at > self._idle_seconds
            if not (publisher.is_idle and (long_idle or stopping.is_set())):
                return False
            self._publisher = None
            note_publishing(False)
            self._threads.discard(threading.current_thread())
            return True

    def _step_safely(self, publisher: Publisher) -> None:
        try:
            publisher.step()
        except Exception as error:
            # What was started is settled when its lease ends.
            unexpected = not isinstance(error, SQLAlchemyError)
            log.error("the publisher failed: %s", type(error).__name__, exc_info=unexpected)
            rollback_quietly()
            publisher.forget()
            time.sleep(1)
