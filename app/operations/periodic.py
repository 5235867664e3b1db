"""Work at intervals: what it is, when it was done, and when it will be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import literal, tuple_

from app.db import db, rows_changed
from app.models import BackgroundTask, background_task
from app.operations import audit

PAGE = 500


class Listed(NamedTuple):
    """Rows, and where to go on; None after the last one."""

    tasks: Sequence[BackgroundTask]
    next: str | None


def listed(after: str | None = None) -> Listed:
    """Return the rows, those of a kind together.

    :param after: the ``next`` of the rows before.
    """
    order = (BackgroundTask.kind, BackgroundTask.subject)
    wanted = db.select(BackgroundTask).where(BackgroundTask.every_s.is_not(None)).order_by(*order)
    if after:
        kind, _space, subject = after.partition(" ")
        wanted = wanted.where(tuple_(*order) > tuple_(literal(kind), literal(subject)))
    found = db.session.scalars(wanted.limit(PAGE + 1)).all()
    last = found[PAGE - 1] if len(found) > PAGE else None
    return Listed(found[:PAGE], f"{last.kind} {last.subject}" if last else None)


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
