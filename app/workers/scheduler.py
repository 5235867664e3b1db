"""The scheduler: a thread of idempotent SQL that finds due rows and notifies workers.

Every worker has one; more than one does no harm. If the broker does not take a message, or no
worker claims a row in time, the scheduler publishes it in its own process. So Redis affects the
throughput, but never whether a tweet is on time.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import redis
from celery import current_app as current_celery
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from app import broker, monitoring
from app.accounts import (
    audit,
    avatars,
    disconnections,
    holds,
    limits,
    pending,
    probes,
    sampling,
    sessions,
)
from app.concurrency import ConcurrencyLimiter
from app.db import rollback_quietly
from app.delivery import dispatcher, expire_leases, retention, undo_clock_step
from app.networks import Destination
from app.shutdown import SCHEDULER_SECONDS, SENDING_SECONDS, stopping
from app.workers import pictures
from app.workers.lookups import LookUpPool
from app.workers.publisher_thread import PublisherThread

log = logging.getLogger(__name__)

MAX_SLEEP_SECONDS = 0.5
SHORTEST_SLEEP = 0.02
BEAT_EVERY = 5.0
BROKER_EVERY = 1.0
LEASES_EVERY = 0.25
SWEEP_EVERY = 600.0
HELPERS = 24
"""Calls other than tweets, such as probes, that one scheduler makes in parallel."""
OF_A_SERVER = 3
"""Limit of these calls for one server, because it may not answer."""


class Scheduler:
    """Finds due rows until it is told to stop."""

    def __init__(self) -> None:
        self._app: Flask = current_celery.flask_app
        self._name = f"{socket.gethostname()}:{os.getpid()}"
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scheduler", daemon=True)
        self._publisher = PublisherThread(self._app)
        self._app.extensions["publisher"] = self._publisher
        self._look_ups = LookUpPool(self._app)
        self._app.extensions["look_ups"] = self._look_ups
        self._helpers = ThreadPoolExecutor(HELPERS, thread_name_prefix="helper")
        self._helping = ConcurrencyLimiter(HELPERS, OF_A_SERVER)
        self._retention = retention.Retention()
        self._next_beat = 0.0
        self._next_broker_check = 0.0
        self._next_lease_check = 0.0
        self._next_sweep = 0.0
        self._held_after = 0
        self._known_generation: str | None = None
        self._redis = _client(self._app)

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
        for part in (self._publisher, self._look_ups):
            part.join(leaves_at - time.monotonic())
        self._helpers.shutdown(wait=True, cancel_futures=True)
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
        if now >= self._next_sweep:
            self._next_sweep = now + SWEEP_EVERY
            self._helpers.submit(self._in_context, _sweep_sessions, None)
        if now >= self._next_broker_check:
            self._next_broker_check = now + self._check_broker()
        upcoming = dispatcher.seconds_until_next()
        if upcoming == 0:
            return self._do_what_is_due(now)
        return _pause(upcoming)

    def _run_chores(self) -> None:
        monitoring.beat(self._name)
        undo_clock_step()
        self._held_after = holds.release_forgotten(self._held_after)
        self._care_for_accounts()
        pictures.sweep(self._app)
        self._helpers.submit(self._in_context, self._delete_old, None)

    def _do_what_is_due(self, now: float) -> float:
        """Settle what lost workers held, notify workers of what is due; return the pause."""
        if now >= self._next_lease_check:
            self._next_lease_check = now + LEASES_EVERY
            expire_leases()
        found = dispatcher.dispatch()
        self._notify(found)
        if found.wake_ups or found.look_ups:
            return SHORTEST_SLEEP
        return _pause(dispatcher.seconds_until_next())

    def _notify(self, found: dispatcher.DueWork) -> None:
        messages = [*found.wake_ups, *found.look_ups]
        if messages and not broker.notify(messages):
            self._look_ups.put([i for one in found.look_ups for i in one.job_ids], found.servers)
            found.unclaimed += found.job_ids
        if found.unclaimed:
            self._publisher.put(found.unclaimed, found.servers)

    def _do_here(
        self, service: Callable[[Any], None], subject: str | int, server: Destination
    ) -> None:
        """Do the work in this process if there is room; the rest becomes due again soon."""
        if self._helping.take(server):
            self._helpers.submit(self._help, service, subject, server)

    def _help(
        self, service: Callable[[Any], None], subject: str | int, server: Destination
    ) -> None:
        try:
            self._in_context(service, [subject])
        finally:
            self._helping.leave(server)

    def _in_context(self, service: Callable[[Any], None], argument: Any) -> None:
        with self._app.app_context():
            try:
                service(argument)
            except Exception as error:
                # What was started is settled when its lease ends.
                log.error(
                    "a call beside tweets failed: %s",
                    type(error).__name__,
                    exc_info=_unexpected(error),
                )

    def _delete_old(self, _: None) -> None:
        self._retention.sweep()

    def _care_for_accounts(self) -> None:
        """Chores that may call a network: probes, ended access, old limits and avatars."""
        for name in probes.due_probes():
            self._do_here(probes.probe, name, Destination(name, ""))
        for wanted, service in (
            (disconnections.leaving, disconnections.finish),
            (limits.outdated, limits.measure),
            (avatars.outdated, avatars.fetch),
        ):
            for account_id in wanted():
                self._do_here(service, account_id, sampling.server_of(account_id))
        for pending_id, server in pending.expired():
            self._do_here(pending.sweep, pending_id, server)

    def _check_broker(self) -> float:
        """Notice a flushed or restarted broker; return seconds until the next check."""
        try:
            current = self._generation()
        except (redis.RedisError, OSError):
            return 3 * BROKER_EVERY
        if current != self._known_generation:
            if monitoring.broker_has_forgotten(current):
                log.warning("the broker lost its data: notifying workers of everything due again")
                dispatcher.forget_wake_ups()
            self._known_generation = current  # only now: if the database fails, it is asked again
        return BROKER_EVERY

    def _generation(self) -> str:
        """Return the broker's generation; a broker that has none gets a new one."""
        current = self._redis.get(broker.GENERATION_KEY)
        if current is None:
            self._redis.set(broker.GENERATION_KEY, uuid.uuid4().hex, nx=True)
            current = self._redis.get(broker.GENERATION_KEY)
        return str(current)


def _pause(upcoming: float | None) -> float:
    """Return the seconds to sleep: until the next wake-up that is known, at most half a second.

    Others store rows at any time that are due sooner, and notify only workers of what is due now.
    """
    if upcoming is None:
        return MAX_SLEEP_SECONDS
    return min(MAX_SLEEP_SECONDS, upcoming + SHORTEST_SLEEP)


def _sweep_sessions(_nothing: None) -> None:
    """Sessions that nobody uses any more, and old entries of the audit log."""
    sessions.sweep()
    audit.sweep()


def _client(app: Flask) -> redis.Redis:
    options = broker.hasty_redis_options(app.config, app.config["BROKER_TIMEOUT"])
    return redis.Redis.from_url(app.config["REDIS_URL"], decode_responses=True, **options)


def _unexpected(error: Exception) -> bool:
    """True if the log needs a traceback: for all errors but an unreachable database."""
    return not isinstance(error, SQLAlchemyError)
