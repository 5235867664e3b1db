"""What waits in each queue, for how long, and who takes it: from the rows, which are the truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, and_, or_

from app.db import db, from_now
from app.kinds import QUEUES
from app.models import IN_FLIGHT, BackgroundTask, Delivery, Picture, pause
from app.monitoring import work_in
from app.operations.workers import WorkerProcess

MOST = 100_000
"""Counting ends there."""
MINUTE = 60


@dataclass(frozen=True, slots=True)
class Queue:
    """One queue as it is now."""

    name: str
    size: int
    """What is due and nobody has begun, at most MOST."""
    oldest_s: float | None
    """Seconds since the first of it was due; None when nothing waits."""
    per_minute: int | None
    """What ended within the last minute; None where that is not counted."""
    paused: bool
    workers: list[str]
    """The ids of living processes that take it."""


def queues(processes: list[WorkerProcess]) -> list[Queue]:
    """Return all queues in the order of app/kinds.py."""
    paused = pause.paused_queues()
    return [_queue(name, name in paused, processes) for name in QUEUES]


def _queue(name: str, is_paused: bool, processes: list[WorkerProcess]) -> Queue:
    due_at, waiting, ended = _rows(name)
    some = db.select(due_at.label("due_at")).where(*waiting).limit(MOST).subquery()
    now = db.type_coerce(from_now(), BigInteger)
    oldest = now - db.type_coerce(db.func.min(some.c.due_at), BigInteger)
    size, oldest_ms = db.session.execute(db.select(db.func.count(), oldest)).one()
    lately = None if ended is None else db.session.scalar(ended)
    takers = [one.id for one in processes if one.alive and name in one.queues]
    seconds = None if oldest_ms is None else max(0.0, oldest_ms / 1000)
    return Queue(name, size, seconds, lately, is_paused, takers)


def _rows(name: str) -> tuple[Any, tuple[Any, ...], Any]:
    """Return the column that says since when, the conditions for waiting, the query of the rate."""
    now, minute = from_now(), from_now(-MINUTE)
    table, meant = work_in(name)
    if name == "publish":
        told = and_(IN_FLIGHT, Delivery.not_before <= now)  # looked at later than it is due
        waiting = (meant, or_(Delivery.next_at <= now, told))
        ended = db.select(db.func.count()).where(Delivery.finished_at >= minute)
        return Delivery.not_before, waiting, ended
    if name == "pictures":
        return Picture.created_at, (meant,), None
    waiting = (meant, table.next_at <= now)
    if name == "lookup":
        return table.next_at, waiting, None
    ended = db.select(db.func.count()).where(BackgroundTask.last_run_at >= minute, meant)
    return table.next_at, waiting, ended
