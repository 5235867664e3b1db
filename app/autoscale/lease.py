"""Which web process decides: a lease in the database, on the database's clock.

Redis may be flushed, and a process may be stopped for an hour at any point: whoever decides renews
the lease, and the end of it lets another process decide.
"""

from __future__ import annotations

import logging
import os
import socket
import time
import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from app.db import db, from_now, rollback_quietly, rows_changed
from app.models import Autoscaling, autoscaling

log = logging.getLogger(__name__)

SECONDS = 10.0
CALL_SECONDS = 20.0
"""Longer than any call of a driver: nobody else decides while one is made."""
RENEW_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Known:
    """What the last holder knew."""

    driver: str | None
    running: int | None
    failures: int
    idle: float
    """Seconds since as many as ran were needed."""


class Lease:
    """This process's share in the one lease."""

    def __init__(self) -> None:
        self._name = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._renew_at = 0.0
        self.is_mine = False

    def hold(self, *, for_a_call: bool = False) -> bool:
        """Take the lease if it is free, renew it now and then; False while another process has it.

        :param for_a_call: for longer, because what follows takes a while.
        """
        if self.is_mine and not for_a_call and time.monotonic() < self._renew_at:
            return True
        seconds = CALL_SECONDS if for_a_call else SECONDS
        self.is_mine = bool(rows_changed(autoscaling.take(self._name, seconds)))
        db.session.commit()
        self._renew_at = time.monotonic() + RENEW_SECONDS
        return self.is_mine

    def known(self) -> Known:
        """Return what is known from before; writes the row when there is none yet."""
        found = db.session.execute(db.select(Autoscaling, from_now())).first()
        if found is None:
            db.session.add(Autoscaling(id=1, needed_at=from_now()))
            try:
                db.session.commit()
            except IntegrityError:  # another process was quicker
                db.session.rollback()
            found = db.session.execute(db.select(Autoscaling, from_now())).one()
        row, now = found
        idle = (now - row.needed_at).total_seconds()
        return Known(row.driver, row.running, row.failures, idle)

    def note(self, **values: Any) -> None:
        """Write down what is known, as long as the lease is ours."""
        rows_changed(autoscaling.note(self._name, **values))
        db.session.commit()

    def leave(self) -> None:
        """Let another process decide at once."""
        self.is_mine = False
        try:
            rows_changed(autoscaling.leave(self._name))
            db.session.commit()
        except SQLAlchemyError:
            log.warning("the lease of autoscaling could not be given up: it ends by itself")
            rollback_quietly()
