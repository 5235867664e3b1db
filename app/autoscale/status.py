"""What pages and monitors see of autoscaling."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import current_app
from sqlalchemy import Connection

from app.autoscale.decision import Policy
from app.autoscale.demand import Demand, demand_on
from app.db import db
from app.models import Autoscaling

MAY_TAKE = 60.0
"""Seconds after which a worker that is needed should be there: a dyno takes half of that."""
MAX_FAILURES = 3
"""Calls of the driver that fail one after the other, from which on monitors hear of it."""


@dataclass(frozen=True, slots=True)
class Status:
    """How many workers there are to be, and why."""

    driver: str
    wanted: int
    running: int
    next_wake_up: datetime | None
    """When the next row needs a worker, or has needed it since; None for never."""
    is_resting: bool
    """It is right that there is no worker."""
    last_error: str | None
    """Why the last call of the driver failed; None when it did not."""


def status(connection: Connection) -> Status | None:
    """Return what is known; None where workers are not started and stopped by need."""
    driver = current_app.config["AUTOSCALE"]
    if not driver:
        return None
    noted = (Autoscaling.wanted, Autoscaling.running, Autoscaling.last_error)
    row = connection.execute(db.select(*noted).where(Autoscaling.driver == driver)).first()
    wanted, running, last_error = (0, 0, None) if row is None else row
    now = _demand(connection)
    resting = not now.is_due_within(-MAY_TAKE)
    return Status(driver, wanted, running or 0, now.next_wake_up, resting, last_error)


def is_resting(connection: Connection, may_take: float = MAY_TAKE) -> bool:
    """Return whether it is right that there is no worker: nothing has needed one for long.

    :param may_take: seconds after which a worker that is needed should be there.
    """
    if not current_app.config["AUTOSCALE"]:
        return False
    return not _demand(connection).is_due_within(-may_take)


def is_failing(connection: Connection) -> bool:
    """Return whether workers cannot be started or stopped, time after time."""
    if not current_app.config["AUTOSCALE"]:
        return False
    failures = connection.scalar(db.select(Autoscaling.failures))
    return failures is not None and failures >= MAX_FAILURES


def _demand(connection: Connection) -> Demand:
    policy = Policy.of(current_app.config)
    return demand_on(connection, policy.lead, policy.rows_that_matter)
