"""Stopping workers the way a machine that sleeps does, and ending the leases that they slept on."""

from __future__ import annotations

import signal
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from app.db import db, utcnow
from app.models import Delivery, Worker
from app.states import State
from tests.support.waiting import wait_for
from tests.support.world import Process, World

LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)


def freeze(world: World, worker: Process) -> None:
    """Stop a worker with SIGSTOP, at a moment at which it does not hold SQLite's only lock."""

    def stopped() -> bool:
        signal_all(world, [worker], signal.SIGSTOP)
        if not holds_sqlite(world):
            return True
        signal_all(world, [worker], signal.SIGCONT)
        return False

    wait_for(stopped, what="a moment without a lock")


def freeze_the_only_one(world: World, worker: Process) -> None:
    """Freeze a worker beside which there is none; return when no message can go to it any more.

    What the broker still gave to one that sleeps would lie there until its lease has ended.
    """
    freeze(world, worker)
    wait_for(lambda: _listening(world) == 0, what="the end of its last question to the broker")


def _listening(world: World) -> int:
    told = world.valkey.command("INFO", "clients")
    assert isinstance(told, dict)
    return int(told["blocked_clients"])


def wake(world: World, worker: Process) -> None:
    """Let a stopped worker go on; return when its scheduler has looked around."""
    woken_at = utcnow()
    world.kill(worker, signal.SIGCONT)
    wait_for(lambda: _last_beat(world, worker) > woken_at, what="the worker being awake")


def _last_beat(world: World, worker: Process) -> datetime:
    with world.rows():
        wanted = db.select(Worker.seen_at).where(Worker.name.endswith(f":{worker.pid}"))
        return db.session.scalars(wanted).one()


def end_lease(world: World, job: str, state: State = State.SENDING) -> None:
    """Let what is under way outlast its lease."""
    wait_for(lambda: world.states([job])[job] == state, what=state)
    with world.rows():
        its = db.update(Delivery).where(Delivery.id == job)
        db.session.execute(its.values(lease_until=LONG_AGO, next_at=LONG_AGO))
        db.session.commit()


def signal_all(world: World, workers: list[Process], which: signal.Signals) -> None:
    """Send a signal to each of these workers; return when those to be stopped have stopped."""
    for worker in workers:
        world.kill(worker, which)
    if which == signal.SIGSTOP:
        for worker in workers:
            wait_for(partial(_has_stopped, worker.pid), what="a process that stands still")


def _has_stopped(pid: int) -> bool:
    """Whether all threads of a process stand still."""
    states = (path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/stat"))
    return all(state.rpartition(")")[2].split()[0] in "Tt" for state in states)


def holds_sqlite(world: World) -> bool:
    """True when nobody can write to the SQLite file; PostgreSQL has no such lock."""
    scheme, _, path = world.environ["DATABASE_URL"].partition(":///")
    if scheme != "sqlite":
        return False
    with closing(sqlite3.connect(path, timeout=0.05)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        connection.rollback()
        return False
