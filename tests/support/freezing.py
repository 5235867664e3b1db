"""Stopping workers the way a machine that sleeps does, and ending the leases that they slept on."""

from __future__ import annotations

import os
import signal
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from subprocess import Popen

from app.db import db, utcnow
from app.models import Delivery, Worker
from app.states import State
from tests.support.waiting import wait_for
from tests.support.world import World

LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)


def freeze(world: World, worker: Popen[bytes]) -> None:
    """Stop a worker with SIGSTOP, at a moment at which it does not hold SQLite's only lock."""

    def stopped() -> bool:
        signal_all(world, [worker], signal.SIGSTOP)
        if not holds_sqlite(world):
            return True
        signal_all(world, [worker], signal.SIGCONT)
        return False

    wait_for(stopped, what="a moment without a lock")


def wake(world: World, worker: Popen[bytes]) -> None:
    """Let a stopped worker go on; return when its scheduler has looked around."""
    woken_at = utcnow()
    world.kill(worker, signal.SIGCONT)
    wait_for(lambda: _last_beat(world, worker) > woken_at, what="the worker being awake")


def _last_beat(world: World, worker: Popen[bytes]) -> datetime:
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


def signal_all(world: World, workers: list[Popen[bytes]], which: signal.Signals) -> None:
    """Send a signal to each of these workers; return when those to be stopped have stopped."""
    for worker in workers:
        world.kill(worker, which)
    if which == signal.SIGSTOP:
        for worker in workers:
            os.waitpid(worker.pid, os.WUNTRACED)  # all of its threads


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
