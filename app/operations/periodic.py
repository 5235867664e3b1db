"""Work at intervals: what it is, when it was done, and when it will be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.db import db, rows_changed
from app.models import BackgroundTask, background_task
from app.operations import audit

MOST = 500


def listed() -> Sequence[BackgroundTask]:
    """Return the rows, those of a kind together."""
    wanted = db.select(BackgroundTask).where(BackgroundTask.every_s.is_not(None))
    first = wanted.order_by(BackgroundTask.kind, BackgroundTask.subject).limit(MOST)
    return db.session.scalars(first).all()


def find(task_id: str) -> BackgroundTask | None:
    """Return one row; None when it does not exist, or is not done at intervals."""
    found = db.session.get(BackgroundTask, task_id, populate_existing=True)
    return found if found is not None and found.every_s is not None else None


def change(task: BackgroundTask, every_s: int | None, enabled: bool | None, by: int) -> None:
    """Give it another interval, or switch it on or off; None keeps what is.

    :param by: the operator, for the record.
    """
    interval = task.every_s if every_s is None else every_s
    switched = task.enabled if enabled is None else enabled
    statement = background_task.change(task.id, interval or 1, switched)
    _run(statement, by, "change_periodic", {**_named(task), "every_s": interval, "on": switched})


def run_now(task: BackgroundTask, by: int) -> None:
    """Let it be done as soon as a worker is free; what is running is done once more after it.

    :param by: the operator, for the record.
    """
    _run(background_task.run_soon(BackgroundTask.id == task.id), by, "run_periodic", _named(task))


def _named(task: BackgroundTask) -> dict[str, Any]:
    return {"kind": task.kind} | ({"subject": task.subject} if task.subject else {})


def _run(statement: Any, by: int, action: str, chosen: dict[str, Any]) -> None:
    audit.note(by, action, chosen, bool(rows_changed(statement)))
    db.session.commit()
    db.session.expire_all()
