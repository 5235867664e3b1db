"""Does background tasks in a worker process: each queue has threads of its own.

So a task that takes long delays none of another queue, and nothing here delays a tweet.
"""

from __future__ import annotations

import logging
import os
import re
import socket
import threading
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from celery.utils.imports import symbol_by_name
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from app import background, logs
from app.background import Lost, Run, Stopped
from app.db import rollback_quietly
from app.kinds import KINDS, QUEUES, kinds_of
from app.workers.activity import UPKEEP_SECONDS, Activity

log = logging.getLogger(__name__)

QUIET_LOOK_SECONDS = 5.0
"""Seconds between two looks while nobody is there, nothing runs, and nothing is known to be due."""


class _Pool:
    """The threads of one queue."""

    def __init__(self, queue: str, count: int) -> None:
        self.kinds = kinds_of(frozenset({queue}))
        self.executor = ThreadPoolExecutor(count, thread_name_prefix=queue)
        self.count = self.free = count


class Runner:
    """Runs the tasks of some queues that are due, as long as threads are free."""

    def __init__(self, app: Flask, queues: frozenset[str], activity: Activity) -> None:
        self._app = app
        self._activity = activity
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._pools = {
            queue: _Pool(queue, app.config["QUEUE_CONCURRENCY"][queue])
            for queue in QUEUES
            if queue in queues and kinds_of(frozenset({queue}))
        }
        self._changing = threading.Condition()
        self.kinds = kinds_of(queues)
        self._look_at = 0.0

    def look(self, paused: frozenset[str] = frozenset()) -> float | None:
        """Begin what is due; return the seconds until something else is, None for never.

        :param paused: queues from which nothing is taken.
        """
        now = time.monotonic()
        if now < self._look_at and self._activity.is_quiet and not self._is_busy:
            return self._look_at - now
        free = [pool for queue, pool in self._pools.items() if pool.free and queue not in paused]
        upcoming = background.upcoming([kind for pool in free for kind in pool.kinds])
        due = [kind for kind, seconds in upcoming.items() if not seconds]
        # Chores first: they are short, and would wait for all that came before them.
        due.sort(key=lambda kind: not KINDS[kind].every_s)
        for pool in free:
            if kinds := [kind for kind in due if kind in pool.kinds]:
                self._take(pool, kinds)
        earliest = min(upcoming.values(), default=None)
        known = QUIET_LOOK_SECONDS if earliest is None else earliest
        self._look_at = now + min(QUIET_LOOK_SECONDS, known)
        return earliest

    def _take(self, pool: _Pool, kinds: Sequence[str]) -> None:
        for kind in kinds:  # one after the other: what was claimed begins, whatever fails then
            if pool.free:
                for run in background.claim([kind], pool.free, self._owner):
                    self._begin(pool, run)

    def beat(self) -> None:
        """Renew the leases of all runs; call it every few seconds."""
        if self._is_busy:
            background.renew(self._owner)

    def join(self, seconds: float) -> None:
        """After ``stopping`` was set: wait until what is running has ended or was handed back."""
        ends = time.monotonic() + seconds
        for pool in self._pools.values():
            pool.executor.shutdown(wait=False, cancel_futures=True)
        with self._changing:
            self._changing.wait_for(lambda: not self._is_busy, ends - time.monotonic())

    @property
    def _is_busy(self) -> bool:
        return any(pool.free < pool.count for pool in self._pools.values())

    def _begin(self, pool: _Pool, run: Run) -> None:
        with self._changing:
            pool.free -= 1
        try:
            pool.executor.submit(self._do, pool, run)
        except RuntimeError:  # this process ends: another worker does it when the lease is over
            with self._changing:
                pool.free += 1

    def _do(self, pool: _Pool, run: Run) -> None:
        try:
            with self._app.app_context(), logs.about(run.id):
                self._run(run)
        finally:
            with self._changing:
                pool.free += 1
                self._changing.notify_all()

    def _run(self, run: Run) -> None:
        try:
            result = symbol_by_name(KINDS[run.kind].service)(run)
            if not run.ended:
                if KINDS[run.kind].every_s and self._activity.is_quiet and _was_idle(result or ""):
                    run.rest(UPKEEP_SECONDS)
                run.finish(result or "")
        except Stopped:
            run.hand_back()
        except Lost:
            log.warning("%s[%s] went on elsewhere", run.kind, run.id)
        except Exception as error:
            unexpected = not isinstance(error, SQLAlchemyError)
            log.error(
                "%s[%s] failed: %s", run.kind, run.id, type(error).__name__, exc_info=unexpected
            )
            rollback_quietly()
            run.fail(type(error).__name__)


def _was_idle(result: str) -> bool:
    """Whether a run has found nothing to do: its result counts nothing."""
    return re.search("[1-9]", result) is None
