"""Background tasks: rows that say what is to be done, and when. docs/background-jobs.md.

Whoever wants something done writes a row, and a worker's runner does it (app/workers/runner.py).
"""

from __future__ import annotations

import logging
import random
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import BigInteger, delete
from sqlalchemy.exc import IntegrityError

from app import broker
from app.db import BuiltStatement, db, from_now, given_rows, retry_transient, rows_changed, utcnow
from app.kinds import KINDS
from app.models import BackgroundTask, TaskState, background_task
from app.shutdown import stopping

log = logging.getLogger(__name__)

MAX_LOST = 5
"""Workers that a task may lose, one after the other; then it is given up."""
FIRST_WITHIN = 5.0
"""Seconds over which the first runs of a new site are spread."""
KEPT_SECONDS = 7 * 86_400
"""How long a task that is done or failed stays to be looked at."""


class Stopped(Exception):
    """The worker stops, so the run ends here; another worker begins it anew."""


class Lost(Exception):
    """The run has lost its lease: another worker may be doing it."""


@dataclass
class Run:
    """One run of a task, as its service sees it."""

    id: str
    fence: int
    kind: str
    subject: str
    every_s: int | None
    late_s: float = 0.0
    """Seconds since it was due."""
    again_s: float | None = field(default=None, init=False)
    """Seconds until the next run, where the service knows better than the interval."""
    rest_s: float = field(default=0.0, init=False)
    """Seconds within which there is no other run, where the interval is shorter."""
    ended: bool = field(default=False, init=False)

    def advance(self, percent: int) -> None:
        """Note how far the run has come. Services that take long call this every few seconds.

        :raises Stopped: the worker stops.
        :raises Lost: the run is no longer ours.
        """
        if stopping.is_set():
            raise Stopped
        if not _run_built(background_task.advance(), {**self._meant, "told": percent}):
            raise Lost
        self._tell("PROGRESS", {"percent": percent})

    def rest(self, seconds: float) -> None:
        """Let the next run be no sooner, unless the service itself says when that must be."""
        self.rest_s = max(self.rest_s, seconds)

    def finish(self, result: str = "") -> bool:
        """Store that the run has ended well; False when it is no longer ours.

        Services need this only for what must happen once, after the end is stored.
        """
        return self._end(result, TaskState.DONE, broker.SUCCESS)

    def fail(self, reason: str) -> None:
        """Store that the run has ended badly; what is done at intervals is tried the next time."""
        self._end(reason, TaskState.FAILED, broker.FAILURE)

    def hand_back(self) -> None:
        """Let another worker begin it anew at once."""
        self.ended = True
        retry_transient(lambda: _run(background_task.hand_back(self.id, self.fence)))

    def _end(self, result: str, state: TaskState, told: str) -> bool:
        values: dict[str, Any] = {**self._meant, "told": result[:200]}
        again_s = self._again_s()
        if again_s is not None:
            values["again_ms"] = round(again_s * 1000)
        statement = background_task.finish(state, again_s is not None)
        is_ours = bool(retry_transient(lambda: _run_built(statement, values)))
        self.ended = True
        if is_ours:
            self._tell(told, result if state == TaskState.DONE else RuntimeError(result))
        return is_ours

    def _again_s(self) -> float | None:
        """Return the seconds until the next run, None for what the interval says."""
        if self.again_s is None and self.rest_s >= (self.every_s or 0) > 0:
            return self.rest_s
        return self.again_s

    @property
    def _meant(self) -> dict[str, Any]:
        return {"task_id": self.id, "run": self.fence}

    def _tell(self, state: str, result: Any) -> None:
        """Tell AsyncResult, of tasks that somebody has asked for."""
        if self.every_s is None:
            broker.store_results([(self.id, state, result)])


def ask_for(kind: str, task_id: str | None = None, subject: str = "") -> str:
    """Store a task to be done once, notify a worker, and return its id.

    The same id again changes nothing. Without Redis the workers find the row.
    """
    task_id = task_id or str(uuid.uuid4())
    now = {"due_at": from_now(), "next_at": from_now(), "created_at": from_now()}
    try:
        if db.session.get(BackgroundTask, task_id) is None:
            db.session.add(BackgroundTask(id=task_id, kind=kind, subject=subject, **now))
            db.session.commit()
            broker.notify([broker.WakeUp(kind, [task_id], task_id)])
    except IntegrityError:  # somebody else was quicker
        db.session.rollback()
    return task_id


def keep_intervals() -> bool:
    """Make sure that each kind of work at intervals has its row; the first runs are soon.

    :returns: False when another process did the same at this moment: look again.
    """
    wanted = {kind.name: kind.every_s for kind in KINDS.values() if kind.every_s}
    known = set(db.session.scalars(_periodic(wanted)))
    for name in sorted(wanted.keys() - known):
        first = from_now(random.uniform(0, min(FIRST_WITHIN, wanted[name])))
        row = BackgroundTask(id=str(uuid.uuid4()), kind=name, every_s=wanted[name])
        row.due_at = row.next_at = first
        row.created_at = from_now()
        db.session.add(row)
    try:
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        return False
    return True


def soon(kind: str, subject: str = "") -> bool:
    """Let work at intervals be done now, unless it is switched off; the caller commits.

    What is being done now may not see what is stored here, so it is done once more right after.

    :returns: False when it is switched off.
    """
    meant = (BackgroundTask.kind == kind, BackgroundTask.subject == subject)
    return bool(rows_changed(background_task.run_soon(*meant, BackgroundTask.enabled)))


def bring_forward() -> None:
    """Let work of the whole site be done now where it would rest for longer than its interval."""
    kinds = [kind.name for kind in KINDS.values() if kind.every_s]
    row, following = BackgroundTask, db.type_coerce(from_now(), BigInteger)
    usual = following + db.type_coerce(row.every_s, BigInteger) * 1000
    mine = (row.kind.in_(kinds), row.subject == "", row.state == TaskState.WAITING, row.enabled)
    late = db.type_coerce(row.next_at, BigInteger) > usual
    _run(background_task.run_soon(*mine, late))


def begin_intervals(kind: str, subject: str, every_s: float) -> None:
    """Let something be done now, and at intervals from then on; the caller commits.

    While it is being done, that is right after.
    The same again switches it on again.
    """
    if rows_changed(background_task.switch(kind, subject, enabled=True)):
        return
    row = BackgroundTask(id=str(uuid.uuid4()), kind=kind, subject=subject)
    row.every_s, row.due_at, row.next_at = max(1, round(every_s)), from_now(), from_now()
    row.created_at = from_now()
    try:
        with db.session.begin_nested():
            db.session.add(row)
    except IntegrityError:  # somebody else was quicker
        rows_changed(background_task.switch(kind, subject, enabled=True))


def end_intervals(kind: str, subject: str) -> None:
    """Let something be done no more; what is running ends. The caller commits."""
    rows_changed(background_task.switch(kind, subject, enabled=False))


def at_intervals(kind: str, subjects: Sequence[str]) -> dict[str, BackgroundTask]:
    """Return the rows of work at intervals about these subjects, by subject."""
    mine = (BackgroundTask.kind == kind, BackgroundTask.subject.in_(subjects))
    rows = db.session.scalars(
        db.select(BackgroundTask)
        .where(*mine, BackgroundTask.every_s.is_not(None))
        .execution_options(populate_existing=True)
    )
    return {row.subject: row for row in rows}


def is_under_way(task: BackgroundTask) -> bool:
    """Whether work is being done, or begins as soon as a worker is free."""
    if task.state == TaskState.RUNNING:
        return True
    return task.next_at is not None and task.next_at <= utcnow()


def upcoming(kinds: Sequence[str]) -> dict[str, float]:
    """Return the seconds until each of these kinds has something to do, without those that never
    have: the longest overdue first.
    """
    if not kinds:
        return {}
    wanted = given_rows([[kind] for kind in kinds])
    rows = background_task.milliseconds_until_next().read({"wanted": wanted})
    known = sorted((row.ms, row.kind) for row in rows if row.ms is not None)
    return {kind: max(0.0, ms / 1000) for ms, kind in known}


def claim(kinds: Sequence[str], count: int, owner: str) -> list[Run]:
    """Take up to so many tasks that are due, those of the first kinds first.

    Those that have lost too many workers are given up.
    """
    rows: list[Any] = []
    for kind in kinds:
        wanted = {"of_kind": kind, "count": count - len(rows), "worker": owner}
        rows += background_task.claim().run_alone(wanted) if len(rows) < count else ()
    runs = [(row, _run_of(row)) for row in rows]
    for row, run in runs:
        if row.lost > MAX_LOST:
            given_up = "%s[%s] has lost %s workers and is given up"
            log.error(given_up, run.kind, run.id, MAX_LOST, extra={"job_id": run.id})
            run.fail("lost")
    return [run for row, run in runs if not run.ended]


def renew(owner: str) -> None:
    """Tell that the runs of this process go on."""
    _run_built(background_task.renew(), {"worker": owner})


def forget_old() -> int:
    """Delete tasks that ended a week ago; return how many."""
    old = BackgroundTask.finished_at < from_now(-KEPT_SECONDS)
    count = rows_changed(delete(BackgroundTask).where(old))
    db.session.commit()
    return count


def _periodic(kinds: Iterable[str]) -> Any:
    mine = (BackgroundTask.kind.in_(list(kinds)), BackgroundTask.every_s.is_not(None))
    return db.select(BackgroundTask.kind).where(*mine, BackgroundTask.subject == "")


def _run_of(row: Any) -> Run:
    late_s = max(0.0, (row.last_run_at - row.due_at).total_seconds())
    return Run(row.id, row.fence, row.kind, row.subject, row.every_s, late_s)


def _run(statement: Any) -> int:
    changed = rows_changed(statement)
    db.session.commit()
    return changed


def _run_built(statement: BuiltStatement, values: Mapping[str, Any]) -> int:
    return len(statement.run_alone(values))
