"""The lanes of a worker process: one for each network, each worked by a thread of its own.

A network that is slow or silent fills its own lane and holds up no other.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from app.db import abandon
from app.services import claiming
from app.services.lane import PREPARING, SLOTS, Lane, stopping

log = logging.getLogger(__name__)

PATIENCE = 5.0
"""Seconds that a job waits for room in a lane; without any, its bell rings again."""
LONGEST_WAIT = 0.5


class Lanes:
    """Publishes what is put in, until it is told to stop."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._lanes: dict[str, Lane] = {}
        self._threads: list[threading.Thread] = []
        self._opening = threading.Lock()

    def put(self, job_ids: Sequence[str]) -> None:
        """Publish those of these deliveries that are due and scheduled, each once, soon."""
        for network, its_ids in claiming.by_network(job_ids).items():
            self._lane_of(network).put(its_ids)

    def put_patiently(self, job_ids: Sequence[str]) -> None:
        """The same, but wait for room, and leave what finds none to another bell or worker."""
        for network, its_ids in claiming.by_network(job_ids).items():
            lane = self._lane_of(network)
            if lane.wait_for_room(PATIENCE):
                lane.put(its_ids)

    def join(self, seconds: float) -> None:
        """After ``stopping`` was set: wait until what was being sent is recorded."""
        ends = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, ends - time.monotonic()))

    def _lane_of(self, name: str) -> Lane:
        with self._opening:
            if name not in self._lanes:
                self._lanes[name] = self._open(name)
            return self._lanes[name]

    def _open(self, name: str) -> Lane:
        callers = ThreadPoolExecutor(SLOTS, thread_name_prefix=f"{name}-call")
        preparers = ThreadPoolExecutor(PREPARING, thread_name_prefix=f"{name}-access")
        with self._app.app_context():
            lane = Lane(self._app.extensions["networks"][name], callers, preparers)
        thread = threading.Thread(target=self._work, args=(lane,), name=f"{name}-lane", daemon=True)
        self._threads.append(thread)
        thread.start()
        return lane

    def _work(self, lane: Lane) -> None:
        while not (stopping.is_set() and lane.is_idle):
            with self._app.app_context():
                self._step_safely(lane)
            lane.wait(LONGEST_WAIT)

    def _step_safely(self, lane: Lane) -> None:
        try:
            lane.step()
        except Exception as error:
            # Whatever was begun is settled by its lease.
            unexpected = not isinstance(error, SQLAlchemyError)
            log.error("a lane stumbled: %s", type(error).__name__, exc_info=unexpected)
            abandon()
            lane.forget()
            time.sleep(1)
