"""The lanes of a worker process: one for each server, each worked by a thread of its own.

A server that is slow or silent fills its own lane and holds up no other, of its network or not.
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

PATIENCE = 5.0
"""Seconds that a job waits for room in a lane; without any, its bell rings again."""
LONGEST_WAIT = 0.5
IDLE_SECONDS = 60.0
"""A lane that had nothing to do for so long is closed."""


class PublisherPool:
    """Publishes what is put in, until it is told to stop."""

    def __init__(self, app: Flask, idle_seconds: float = IDLE_SECONDS) -> None:
        self._app = app
        self._idle_seconds = idle_seconds
        self._lanes: dict[Destination, Publisher] = {}
        self._threads: set[threading.Thread] = set()
        self._changing = threading.RLock()

    def put(self, job_ids: Sequence[str], patience: float | None = None) -> None:
        """Publish those of these deliveries that are due and scheduled, each once, soon.

        :param patience: seconds to wait for room, in all; what finds none comes due again.
        """
        ends = time.monotonic() + (patience or 0)
        crowded = []
        for destination, its_ids in by_destination(job_ids).items():
            if patience is None or self._has_room(destination, 0):
                self._put(destination, its_ids)
            else:
                crowded.append((destination, its_ids))
        for destination, its_ids in crowded:
            if self._has_room(destination, ends - time.monotonic()):
                self._put(destination, its_ids)

    def put_patiently(self, job_ids: Sequence[str]) -> None:
        """The same, but wait for room, and leave what finds none to another bell or worker."""
        self.put(job_ids, PATIENCE)

    def join(self, seconds: float) -> None:
        """After ``stopping`` was set: wait until what was being sent is recorded."""
        ends = time.monotonic() + seconds
        for thread in list(self._threads):
            thread.join(max(0.0, ends - time.monotonic()))

    def _has_room(self, destination: Destination, patience: float) -> bool:
        lane = self._lanes.get(destination)
        return lane is None or lane.wait_for_room(patience)

    def _put(self, destination: Destination, job_ids: Sequence[str]) -> None:
        with self._changing:
            if destination not in self._lanes:
                try:
                    self._lanes[destination] = self._open(destination)
                except RuntimeError as error:  # no thread for it: these come due again
                    log.error("no lane for %s: %s", destination.network, error)
                    return
            self._lanes[destination].put(job_ids)

    def _open(self, destination: Destination) -> Publisher:
        name = destination.network
        crews = Executors(name)
        with self._app.app_context():
            lane = Publisher(self._app.extensions["networks"][name], crews)

        def work() -> None:
            with crews:
                self._work(lane, destination)

        thread = threading.Thread(target=work, name=f"{name}-lane", daemon=True)
        thread.start()
        self._threads.add(thread)
        return lane

    def _work(self, lane: Publisher, destination: Destination) -> None:
        worked_at = time.monotonic()
        while not self._is_over(lane, destination, worked_at):
            if not lane.is_idle:
                worked_at = time.monotonic()
            with self._app.app_context():
                self._step_safely(lane)
            lane.wait(LONGEST_WAIT)

    def _is_over(self, lane: Publisher, destination: Destination, worked_at: float) -> bool:
        """Close a lane that is not needed; while it is looked at, nothing is put into it."""
        with self._changing:
            long_idle = time.monotonic() - worked_at > self._idle_seconds
            if not (lane.is_idle and (long_idle or stopping.is_set())):
                return False
            del self._lanes[destination]
            self._threads.discard(threading.current_thread())
            return True

    def _step_safely(self, lane: Publisher) -> None:
        try:
            lane.step()
        except Exception as error:
            # Whatever was begun is settled by its lease.
            unexpected = not isinstance(error, SQLAlchemyError)
            log.error("a lane stumbled: %s", type(error).__name__, exc_info=unexpected)
            rollback_quietly()
            lane.forget()
            time.sleep(1)
