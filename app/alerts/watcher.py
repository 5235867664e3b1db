"""The thread of each web process that watches and tells, while it has the lease."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from flask import Flask
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from app.alerts import conditions, episodes, targets
from app.db import db, rollback_quietly, rows_changed
from app.models import AlertWatch, alert

log = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
STANDBY_SECONDS = 5.0
"""Between two looks whether the lease of another process has ended."""
LEASE_SECONDS = 15.0
LEAVE_SECONDS = 3.0
"""For a look to end when the process stops; a message that is being sent is tried again."""


class Watcher:
    """Watches, and has operators told, until its process stops."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._name = ""
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._watches = False
        self._sender = targets.Sender(app)

    def start(self, goes_on: Callable[[], bool] = lambda: True) -> None:
        """Start the thread: once, after the processes were divided.

        :param goes_on: False when this process has been told to stop.
        """
        self._name = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        run = threading.Thread(target=self._run, args=[goes_on], name="alerts", daemon=True)
        run.start()
        self._thread = run

    def stop(self) -> None:
        """Give up the lease, so that another process watches at once."""
        self._stopping.set()
        ends = time.monotonic() + LEAVE_SECONDS
        if self._thread is not None:
            self._thread.join(LEAVE_SECONDS)
        self._sender.join(max(0.0, ends - time.monotonic()))

    def _run(self, goes_on: Callable[[], bool]) -> None:
        while goes_on() and not self._stopping.is_set():
            with self._app.app_context():
                pause = self._look_safely()
            self._stopping.wait(pause)
        with self._app.app_context():
            self._leave()

    def _look_safely(self) -> float:
        try:
            return self._look()
        except Exception as error:
            unexpected = not isinstance(error, SQLAlchemyError)
            log.error("watching failed: %s", type(error).__name__, exc_info=unexpected)
            rollback_quietly()
            return STANDBY_SECONDS

    def _look(self) -> float:
        """Look, keep what was seen, and begin to send what is due; return the pause."""
        if not self._watches and not self._hold(LEASE_SECONDS):
            return STANDBY_SECONDS
        open_now = set(episodes.lasting())
        db.session.commit()
        seen = conditions.look(open_now)
        self._watches = self._renew(LEASE_SECONDS, seen.worker_at)
        if not self._watches:  # it took long, as when this process was frozen
            db.session.rollback()
            return STANDBY_SECONDS
        episodes.keep(seen, [*targets.fingerprints()])
        db.session.commit()  # with the lease: only its holder keeps anything
        self._sender.send_due(self._may_send)
        return LOOK_SECONDS

    def _may_send(self) -> bool:
        return not self._stopping.is_set() and self._hold(LEASE_SECONDS)

    def _hold(self, seconds: float) -> bool:
        """Take the lease if it is free, and renew it; False while another process has it."""
        watches = self._renew(seconds)
        db.session.commit()
        if not watches and db.session.get(AlertWatch, 1) is None:
            db.session.add(AlertWatch(id=1))
            with suppress(IntegrityError):  # another process was quicker
                db.session.commit()
            db.session.rollback()
            return self._hold(seconds)
        if watches and not self._watches:
            log.info("this web process watches, and tells ALERT_URLS what is wrong")
        self._watches = watches
        return watches

    def _renew(self, seconds: float, worker_at: datetime | None = None) -> bool:
        """Renew the lease in the session's transaction."""
        return bool(rows_changed(alert.take_watch(self._name, seconds, worker_at)))

    def _leave(self) -> None:
        try:
            rows_changed(alert.leave_watch(self._name))
            db.session.commit()
        except SQLAlchemyError:
            log.warning("the lease of alerts could not be given up: it ends by itself")
            rollback_quietly()
