"""Background work that is not about one tweet: asked for once, or done at intervals.

Each UPDATE that moves a row is a function here. A run holds a lease, as a delivery's claim does:
when its worker is lost the lease ends, and the row is due again. The fence counts runs, so a worker
that slept through its lease changes nothing.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, String, Update, bindparam, false, text, update
from sqlalchemy.orm import Mapped, mapped_column

from app.db import BuiltStatement, UTCDateTime, db, from_now, table_given
from app.models.indexes import partial_index

LEASE_SECONDS = 15.0
"""How long a run belongs to a worker that says nothing more; it says so every five seconds."""

FAILING = text("failures >= 3")
"""The condition that a task has failed three times in a row, word for word as in its index."""


class TaskState(StrEnum):
    """Where a background task is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class BackgroundTask(db.Model):  # type: ignore[name-defined,misc]
    """One task; with ``every_s`` it is done again and again."""

    __tablename__ = "background_tasks"
    __table_args__ = (
        partial_index("background_tasks_next_at", "next_at", where="next_at IS NOT NULL"),
        partial_index(
            "background_tasks_of_kind", *("kind", "next_at"), where="next_at IS NOT NULL"
        ),
        partial_index(
            "background_tasks_periodic",
            *("kind", "subject"),
            where="every_s IS NOT NULL",
            unique=True,
        ),
        partial_index("background_tasks_finished", "finished_at", where="finished_at IS NOT NULL"),
        partial_index("background_tasks_failing", "kind", where=FAILING),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    """Celery's id, for one that was asked for."""
    kind: Mapped[str]
    subject: Mapped[str] = mapped_column(default="")
    """What it is about, such as an account's id; "" for the whole site."""
    every_s: Mapped[int | None]
    """Seconds from one run to the next; null for a task that is done once."""
    enabled: Mapped[bool] = mapped_column(default=True)
    state: Mapped[str] = mapped_column(default=TaskState.WAITING)
    due_at: Mapped[datetime] = mapped_column(UTCDateTime)
    """When the run that is next, or under way, should begin."""
    next_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """When a worker must look at this row again; null when no run is wanted."""
    owner: Mapped[str | None]
    fence: Mapped[int] = mapped_column(default=0)
    lost: Mapped[int] = mapped_column(default=0)
    """Runs in a row whose worker was lost."""
    failures: Mapped[int] = mapped_column(default=0, server_default="0")
    """Runs in a row that ended badly."""
    percent: Mapped[int] = mapped_column(default=0)
    again: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Wanted once more since the run began: what it looks at may have changed after it looked."""
    last_run_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """When the last run began."""
    last_result: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


_Row = BackgroundTask


@cache
def claim() -> BuiltStatement:
    """waiting and due, or running without a lease -> running; returns what a run must know.

    Its parameters are ``of_kind``, ``count`` and ``worker``.
    """
    due = db.select(_Row.id).where(_Row.kind == bindparam("of_kind"), _Row.next_at <= from_now())
    first = due.order_by(_Row.next_at).limit(bindparam("count")).scalar_subquery()
    return BuiltStatement(
        update(_Row)
        .where(_Row.id.in_(first), _Row.next_at <= from_now())
        .values(
            state=TaskState.RUNNING,
            owner=bindparam("worker"),
            fence=_Row.fence + 1,
            lost=_Row.lost + 1,
            percent=0,
            again=False,
            next_at=from_now(LEASE_SECONDS),
            last_run_at=from_now(),
        )
        .returning(
            *(_Row.id, _Row.fence, _Row.kind, _Row.subject, _Row.every_s, _Row.lost),
            *(_Row.due_at, _Row.last_run_at),
        )
    )


@cache
def renew() -> BuiltStatement:
    """running, stays: this process, ``worker``, is still there, and so are all of its runs.

    A row that somebody wants to be done again is locked until they commit: the next time renews it.
    """
    is_mine = _Row.owner == bindparam("worker")
    mine = (_Row.state == TaskState.RUNNING, is_mine, _Row.next_at.is_not(None))
    free = db.select(_Row.id).where(*mine).with_for_update(skip_locked=True)
    longer = update(_Row).where(_Row.id.in_(free), *mine).values(next_at=from_now(LEASE_SECONDS))
    return BuiltStatement(longer.returning(_Row.id))


@cache
def advance() -> BuiltStatement:
    """running, stays: the run has come so far. Returns the row if the run is still ours.

    Its parameters are ``task_id``, ``run``, which is the fence, and ``told``.
    """
    further = update(_Row).where(*_run(bindparam("task_id"), bindparam("run")))
    return BuiltStatement(further.values(percent=bindparam("told")).returning(_Row.id))


@cache
def finish(state: TaskState, knows_better: bool = False) -> BuiltStatement:
    """running -> done, or failed; at intervals -> waiting for its next time.

    That is now, when it was wanted again since this run began. Its parameters are ``task_id``,
    ``run``, which is the fence, and ``told``, the result. Returns the row if the run was ours.

    :param knows_better: the run itself knows when that time is: in ``again_ms`` milliseconds.
    """
    now = db.type_coerce(from_now(), BigInteger)
    every = db.type_coerce(_Row.every_s, BigInteger) * 1000
    # In the steps of its interval: what was missed in an outage is caught up once, not in a burst.
    due = db.type_coerce(_Row.due_at, BigInteger)
    following = due + every * ((now - due) // every + 1)
    if knows_better:
        following = now + bindparam("again_ms", type_=BigInteger)
    following = db.case((_Row.again, now), else_=following)
    once, is_off = _Row.every_s.is_(None), ~_Row.enabled & ~_Row.again
    return BuiltStatement(
        update(_Row)
        .where(*_run(bindparam("task_id"), bindparam("run")))
        .values(
            state=db.case((once, state), else_=TaskState.WAITING),
            due_at=db.case((once, _Row.due_at), else_=following),
            next_at=db.case((once | is_off, None), else_=following),
            finished_at=db.case((once, from_now())),
            owner=None,
            again=False,
            lost=0,
            failures=_Row.failures + 1 if state == TaskState.FAILED else 0,
            percent=100,
            last_result=bindparam("told"),
        )
        .returning(_Row.id)
    )


def hand_back(task_id: str, fence: int) -> Update:
    """running -> waiting, due at once: this worker stops."""
    values = {"state": TaskState.WAITING, "owner": None, "lost": 0, "next_at": from_now()}
    return update(_Row).where(*_run(task_id, fence)).values(**values)


def run_soon(*where: Any) -> Update:
    """waiting at intervals -> due now; running, stays: it is done once more right after."""
    is_running = _Row.state == TaskState.RUNNING
    return (
        update(_Row)
        .where(_Row.every_s.is_not(None), *where)
        .values(
            again=is_running,
            due_at=db.case((is_running, _Row.due_at), else_=from_now()),
            next_at=db.case((is_running, _Row.next_at), else_=from_now()),
        )
    )


def switch(kind: str, subject: str, enabled: bool) -> Update:
    """at intervals, stays: switched on it is due now, or right after the run that is under way.

    Switched off it has no next time.
    """
    is_running = _Row.state == TaskState.RUNNING
    waiting = from_now() if enabled else None
    return (
        update(_Row)
        .where(_Row.kind == kind, _Row.subject == subject, _Row.every_s.is_not(None))
        .values(
            enabled=enabled,
            again=is_running if enabled else False,
            due_at=db.case((is_running, _Row.due_at), else_=from_now()),
            next_at=db.case((is_running, _Row.next_at), else_=waiting),
        )
    )


def change(task_id: str, every_s: int, enabled: bool) -> Update:
    """at intervals, stays: another interval counts from now; switched off it has no next time."""
    following = from_now(every_s)
    is_running = _Row.state == TaskState.RUNNING
    waiting = following if enabled else None
    return (
        update(_Row)
        .where(_Row.id == task_id, _Row.every_s.is_not(None))
        .values(
            every_s=every_s,
            enabled=enabled,
            again=_Row.again if enabled else False,
            due_at=db.case((is_running, _Row.due_at), else_=following),
            next_at=db.case((is_running, _Row.next_at), else_=waiting),
        )
    )


@cache
def milliseconds_until_next() -> BuiltStatement:
    """Return the query for when the first of each of these kinds needs a worker: kind and ms.

    Its parameter is ``wanted``, the kinds as rows of their own. For each that is one look into an
    index, however many of another kind wait.
    """
    wanted = table_given("wanted", {"kind": String()})
    earliest = db.type_coerce(db.func.min(_Row.next_at), BigInteger)
    first = db.select(earliest).where(_Row.next_at.is_not(None), _Row.kind == wanted.c.kind)
    left = first.scalar_subquery() - db.type_coerce(from_now(), BigInteger)
    return BuiltStatement(db.select(wanted.c.kind, left.label("ms")))


def _run(task_id: Any, fence: Any) -> tuple[Any, ...]:
    return _Row.id == task_id, _Row.fence == fence, _Row.state == TaskState.RUNNING
