"""The worker processes, as their heartbeats tell of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.db import db, from_now
from app.kinds import QUEUES
from app.models import Worker
from app.monitoring import ask_to_stop
from app.operations import audit

MOST = 500
ALIVE = timedelta(seconds=20)
"""Four heartbeats: whoever was killed is seen to be gone within half a minute."""


@dataclass(frozen=True, slots=True)
class WorkerProcess:
    """One process: where it runs, what it takes and has done, and when it was last seen."""

    id: str
    host: str
    pid: int
    started_at: datetime
    heartbeat_at: datetime
    alive: bool
    queues: list[str]
    threads: int
    memory_bytes: int
    version: str
    processed: int
    """Jobs that have ended in it, failed ones among them."""
    failed: int
    stopping: bool


def processes() -> list[WorkerProcess]:
    """Return the processes that were seen within the hour, those that were seen last first."""
    rows = db.session.execute(
        db.select(Worker, from_now()).order_by(Worker.seen_at.desc()).limit(MOST)
    )
    return [_process(worker, now) for worker, now in rows]


def stop(worker_id: str, by: int) -> bool:
    """Let a process finish what it does and leave; False when there is none of this name.

    :param by: the operator, for the record.
    """
    asked = ask_to_stop(worker_id)
    if asked:
        audit.note(by, "stop_worker", {"worker": worker_id})
    db.session.commit()
    return asked


def _process(worker: Worker, now: datetime) -> WorkerProcess:
    taken = QUEUES if worker.queues is None else worker.queues.split(",")
    return WorkerProcess(
        worker.name,
        worker.host,
        worker.pid,
        worker.started_at,
        worker.seen_at,
        now - worker.seen_at <= ALIVE,
        sorted(taken),
        worker.threads,
        worker.memory_bytes,
        worker.version,
        worker.processed,
        worker.failed,
        worker.stopping,
    )
