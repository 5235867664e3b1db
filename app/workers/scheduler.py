"""The scheduler: a thread of idempotent SQL that finds due rows and notifies workers.

Every worker has one; more than one does no harm. If the broker does not take a message, or no
worker claims a row in time, the scheduler publishes it in its own process. So Redis affects the
throughput, but never whether a tweet is on time.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import redis
from celery import current_app as current_celery
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from app import background, broker, monitoring
from app.accounts import holds, probes
from app.concurrency import ConcurrencyLimiter
from app.db import rollback_quietly
from app.delivery import dispatcher, expire_leases, pauses, undo_clock_step
from app.kinds import QUEUES
from app.models import pause
from app.shutdown import SCHEDULER_SECONDS, SENDING_SECONDS, stopping
from app.workers import pictures
from app.workers.activity import UPKEEP_SECONDS, Activity
from app.workers.lookups import LookUpPool
from app.workers.publisher_thread import PublisherThread
from app.workers.runner import Runner

log = logging.getLogger(__name__)

MAX_SLEEP_SECONDS = 0.5
SHORTEST_SLEEP = 0.02
BEAT_EVERY = 5.0
BROKER_EVERY = 1.0
LEASES_EVERY = 0.25
PROBES = 4
"""Networks that one scheduler asks in parallel whether they answer again."""


class Scheduler:
    """Finds due rows until it is told to stop."""

    def __init__(self, queues: frozenset[str] = frozenset(QUEUES)) -> None:
        """Find what is in these queues and leave the rest to other workers."""
        self._queues = queues
        self._app: Flask = current_celery.flask_app
        self._name = f"{socket.gethostname()}:{os.getpid()}"
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scheduler", daemon=True)
        self._publisher = PublisherThread(self._app)
        self._app.extensions["publisher"] = self._publisher
        self._look_ups = LookUpPool(self._app)
        self._app.extensions["look_ups"] = self._look_ups
        self._activity = Activity()
        self._runner = Runner(self._app, queues, self._activity)
        self._probes = ThreadPoolExecutor(PROBES, thread_name_prefix="probe")
        self._probing = ConcurrencyLimiter(PROBES, 1)
        self._next_beat = 0.0
        self._next_tidying = 0.0
        self._next_broker_check = 0.0
        self._next_lease_check = 0.0
        self._paused: frozenset[str] = frozenset()
        self._held_after = 0
        self._keeps_intervals = False
        self._known_generation: str | None = None
        self._redis = broker.client(self._app.config, self._app.config["BROKER_TIMEOUT"])

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop_beginning(self, **_: object) -> None:
        """SIGTERM: stop notifying workers, finish running calls, hand back the other claims."""
        stopping.set()
        self._stopping.set()

    def stop_completely(self, **_: object) -> None:
        """After the worker's tasks have ended: finish running calls too, then stop."""
        self.stop_beginning()
        self._thread.join(timeout=SCHEDULER_SECONDS)
        leaves_at = time.monotonic() + SENDING_SECONDS
        for part in (self._publisher, self._look_ups, self._runner):
            part.join(leaves_at - time.monotonic())
        self._probes.shutdown(wait=True, cancel_futures=True)
        with self._app.app_context():
            try:
                monitoring.remove_heartbeat(self._name)
            except SQLAlchemyError:
                log.warning("the heartbeat could not be removed")

    def _run(self) -> None:
        while not self._stopping.is_set():
            with self._app.app_context():
                pause = self._work_safely()
            self._stopping.wait(pause)

    def _work_safely(self) -> float:
        try:
            return self._work_once()
        except Exception as error:
            # The database is unreachable, or a row is faulty: the next round tries again.
            log.error("the scheduler failed: %s", type(error).__name__, exc_info=_unexpected(error))
            rollback_quietly()
            return 1.0

    def _work_once(self) -> float:
        now = time.monotonic()
        if now >= self._next_beat:
            self._next_beat = now + BEAT_EVERY  # first: what fails here delays no tweet for long
            self._run_chores()
        if now >= self._next_broker_check:
            self._next_broker_check = now + self._check_broker()
        queues = self._queues - self._paused
        upcoming = [self._runner.look(self._paused), dispatcher.seconds_until_next(queues)]
        if upcoming[1] == 0:
            return self._do_what_is_due(now, queues)
        return min(map(_pause, upcoming))

    def _run_chores(self) -> None:
        if monitoring.beat(self._name, self._queues):
            os.kill(os.getpid(), signal.SIGTERM)  # Celery then ends it as at any other time
        self._runner.beat()
        # Due deliveries must be held, so the dispatcher goes on with those of "publish".
        self._paused = pause.paused_queues() - {"publish"}
        if self._queues & dispatcher.BOTH:
            undo_clock_step()
        if "publish" in self._queues:
            for name in probes.due_probes():
                self._probe(name)
        if self._runner.kinds and not self._keeps_intervals:
            self._keeps_intervals = background.keep_intervals()
        now = time.monotonic()
        if now >= self._next_tidying or not self._activity.is_quiet:
            self._next_tidying = now + UPKEEP_SECONDS
            self._tidy_up()

    def _tidy_up(self) -> None:
        """Do what somebody's doing leaves behind, now and then."""
        if "pictures" in self._queues - self._paused:
            pictures.sweep(self._app)
        if "publish" in self._queues:
            if pauses.settle():
                self._next_beat = self._next_tidying = 0.0  # the rest at the next look
            self._held_after = holds.release_forgotten(self._held_after)

    def _do_what_is_due(self, now: float, queues: frozenset[str]) -> float:
        """Settle what lost workers held, notify workers of what is due; return the pause."""
        if now >= self._next_lease_check:
            self._next_lease_check = now + LEASES_EVERY
            expire_leases()
        found = dispatcher.dispatch(queues)
        self._notify(found)
        if found.wake_ups or found.look_ups:
            return SHORTEST_SLEEP
        return _pause(dispatcher.seconds_until_next(queues))

    def _notify(self, found: dispatcher.DueWork) -> None:
        messages = [*found.wake_ups, *found.look_ups]
        if messages and not broker.notify(messages):
            self._look_ups.put([i for one in found.look_ups for i in one.job_ids], found.servers)
            found.unclaimed += found.job_ids
        if found.unclaimed:
            self._publisher.put(found.unclaimed, found.servers)

    def _probe(self, network: str) -> None:
        if self._probing.take(network):
            self._probes.submit(self._probe_safely, network)

    def _probe_safely(self, network: str) -> None:
        with self._app.app_context():
            try:
                probes.probe([network])
            except Exception as error:
                # What was started is settled when its lease ends.
                log.error("a probe failed: %s", type(error).__name__, exc_info=_unexpected(error))
            finally:
                self._probing.leave(network)

    def _check_broker(self) -> float:
        """Notice activity, and a flushed or restarted broker; return seconds until the next check.

        While the broker does not answer, there may be activity that nobody could tell.
        """
        try:
            current, mark = self._told_by_broker()
        except (redis.RedisError, OSError):
            has_begun, pause = self._activity.note_unknown(), 3 * BROKER_EVERY
        else:
            has_begun, pause = self._activity.note(mark), BROKER_EVERY
            self._compare(current)
        if has_begun:
            background.bring_forward()
        return pause

    def _compare(self, current: str) -> None:
        """Notify workers anew if this is another generation of the broker's data."""
        if current != self._known_generation:
            if monitoring.broker_has_forgotten(current):
                log.warning("the broker lost its data: notifying workers of everything due again")
                dispatcher.forget_wake_ups()
            self._known_generation = current  # only now: if the database fails, it is asked again

    def _told_by_broker(self) -> tuple[str, str | None]:
        """Return the broker's generation and the mark of activity.

        A broker without a generation gets a new one.
        """
        keys = (broker.GENERATION_KEY, broker.ACTIVITY_KEY)
        current, mark = self._redis.mget(*keys)
        if current is None:
            self._redis.set(broker.GENERATION_KEY, uuid.uuid4().hex, nx=True)
            current = self._redis.get(broker.GENERATION_KEY)
        return str(current), None if mark is None else str(mark)


def _pause(upcoming: float | None) -> float:
    """Return the seconds to sleep: until the next wake-up that is known, at most half a second.

    Others store rows at any time that are due sooner, and notify only workers of what is due now.
    """
    if upcoming is None:
        return MAX_SLEEP_SECONDS
    return min(MAX_SLEEP_SECONDS, upcoming + SHORTEST_SLEEP)


def _unexpected(error: Exception) -> bool:
    """True if the log needs a traceback: for all errors but an unreachable database."""
    return not isinstance(error, SQLAlchemyError)
