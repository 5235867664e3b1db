"""The thread of each web process that decides how many workers there are, while it has the lease.

It decides from the rows alone, and from what its driver says. So nothing is forgotten when a web
process is restarted or killed.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from app.autoscale.decision import Policy, workers_needed, workers_wanted
from app.autoscale.demand import Demand, demand
from app.autoscale.driver import Driver, ScalingFailed
from app.autoscale.lease import RENEW_SECONDS, Known, Lease
from app.backoff import backoff_seconds
from app.db import from_now, rollback_quietly

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
"""Between two looks at what is needed: so long, and for the start of a worker, waits what is due
at once."""
STANDBY_SECONDS = 1.0
"""Between two looks whether the lease of another process has ended."""
CALLS_APART = 2.0
"""Seconds between two calls to somebody else, at least: Heroku allows 4,500 in an hour."""
MAX_WAIT = 60.0
"""Seconds between two tries at most, while calls fail."""
DOUBT_SECONDS = 60.0
"""Seconds for which heartbeats may say something else than the driver, because a worker takes time
to start and to stop. Then the driver asks how many there really are."""
LEAVE_SECONDS = 15.0
"""For this process's own workers to end when it stops."""


class Autoscaler:
    """Decides, and has it done, until its process stops."""

    def __init__(self, app: Flask, driver: Driver, policy: Policy) -> None:
        self._app, self._driver, self._policy = app, driver, policy
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._lease = Lease()
        self._decided = False
        self._running: int | None = None
        """As far as is known; None at first."""
        self._is_unsure = False
        """A call has failed that may have been done nevertheless."""
        self._sure_at = 0.0
        """When heartbeats last agreed, or the driver was asked."""
        self._needed_at = 0.0
        """When as many as run were needed last."""
        self._failures = 0
        self._last_error: str | None = None
        self._try_at = 0.0
        self._noted: tuple[object, ...] = ()
        self._noted_at = 0.0

    def start(self, goes_on: Callable[[], bool] = lambda: True) -> None:
        """Start the thread: once, after the processes were divided.

        :param goes_on: False when this process has been told to stop.
        """
        self._lease = Lease()  # under a name of this process
        run = threading.Thread(target=self._run, args=[goes_on], name="autoscaler", daemon=True)
        run.start()
        self._thread = run

    def stop(self) -> None:
        """Give up the lease, and wait a while for the workers of this process to end."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(LEAVE_SECONDS + RENEW_SECONDS)

    def _run(self, goes_on: Callable[[], bool]) -> None:
        while goes_on() and not self._stopping.is_set():
            with self._app.app_context():
                pause = self._look_safely()
            self._stopping.wait(pause)
        self._driver.let_go()
        with self._app.app_context():
            self._lease.leave()
        self._driver.join(LEAVE_SECONDS)

    def _look_safely(self) -> float:
        try:
            return self._look()
        except Exception as error:
            # What runs goes on running: nobody can say that it is not needed.
            unexpected = not isinstance(error, SQLAlchemyError)
            log.error("autoscaling failed: %s", type(error).__name__, exc_info=unexpected)
            rollback_quietly()
            return STANDBY_SECONDS

    def _look(self) -> float:
        """Decide, and have it done if it is another number than before; return the pause."""
        if not self._decides():
            return STANDBY_SECONDS
        now = demand(self._policy.lead, self._policy.rows_that_matter)
        running = self._count(now)
        if workers_needed(now, self._policy) >= running:
            self._needed_at = time.monotonic()
        idle = time.monotonic() - self._needed_at
        wanted = workers_wanted(now, self._policy, running, idle)
        if wanted != running or self._is_unsure:
            if time.monotonic() >= self._try_at and self._lease.hold(for_a_call=True):
                self._scale(running, wanted)
        elif self._has_settled(now):
            self._failures, self._last_error = 0, None
        self._note(wanted, idle)
        return LOOK_SECONDS

    def _decides(self) -> bool:
        """Return whether this process is the one that decides; begin or end that."""
        known = None if self._decided else self._lease.known()
        decides = self._lease.hold()
        if decides and known is not None:
            self._begin(known)
        elif self._decided and not decides:
            log.warning("another web process decides about workers now")
            self._driver.let_go()
        self._decided = decides
        return decides

    def _begin(self, known: Known) -> None:
        """Go on where the last process that decided has ended."""
        log.info("this web process decides about workers (%s)", self._driver.name)
        now = time.monotonic()
        self._running = known.running if known.driver == self._driver.name else None
        self._failures, self._is_unsure = known.failures, False
        self._sure_at, self._needed_at, self._try_at = now, now - known.idle, now
        self._noted = ()

    def _count(self, now: Demand) -> int:
        """Return how many workers there are, as far as that is known."""
        if self._running is None:
            self._running = int(now.has_workers)
        if self._driver.owns_workers or self._is_in_doubt(now):
            self._ask()
        return self._running

    def _is_in_doubt(self, now: Demand) -> bool:
        if self._is_unsure:
            return time.monotonic() >= self._try_at
        if bool(self._running) == now.has_workers:
            self._sure_at = time.monotonic()
        return time.monotonic() - self._sure_at >= DOUBT_SECONDS

    def _ask(self) -> None:
        """Find out how many there really are; without an answer, what was known counts."""
        self._sure_at = time.monotonic()
        told: int | None = None
        try:
            told = self._driver.count()
        except ScalingFailed as error:
            if self._driver.owns_workers:  # one of them has failed; the next question counts
                self._fail(error)
                told = self._driver.count()
            else:
                log.warning("nobody says how many workers there are: %s", error)
        if told is not None:
            self._running, self._is_unsure = told, False

    def _scale(self, running: int, wanted: int) -> None:
        log.info("workers: %s instead of %s (%s)", wanted, running, self._driver.name)
        try:
            self._driver.scale(wanted)
        except ScalingFailed as error:
            self._fail(error)
            self._is_unsure = not error.outcome_is_known
            return
        self._running, self._is_unsure, self._sure_at = wanted, False, time.monotonic()
        if not self._driver.owns_workers:
            self._try_at = time.monotonic() + CALLS_APART

    def _fail(self, error: ScalingFailed) -> None:
        wait = max(error.retry_after, backoff_seconds(self._failures, MAX_WAIT))
        self._failures, self._last_error = self._failures + 1, str(error)
        self._try_at = time.monotonic() + wait
        log.error("autoscaling (%s): %s; again in %.0f s", self._driver.name, error, wait)

    def _has_settled(self, now: Demand) -> bool:
        """Return whether there is what was wanted. A worker of our own that fails does so soon."""
        return not (self._driver.owns_workers and self._running and not now.has_workers)

    def _note(self, wanted: int, idle: float) -> None:
        """Let pages, and the next process that decides, know; only what has changed."""
        told = (wanted, self._running, self._failures, self._last_error)
        is_old = self._running and time.monotonic() - self._noted_at >= RENEW_SECONDS
        if told == self._noted and not is_old:
            return
        self._lease.note(
            driver=self._driver.name,
            wanted=wanted,
            running=self._running,
            needed_at=from_now(-idle),
            failures=self._failures,
            last_error=self._last_error,
        )
        self._noted, self._noted_at = told, time.monotonic()
