"""Heartbeats, and the health of the app as heartbeats and rows show it."""

from __future__ import annotations

import os
import resource
import socket
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import redis
from flask import current_app
from sqlalchemy import Connection, Select, and_, bindparam
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from app import autoscale, broker
from app.db import BuiltStatement, db, from_now, rows_changed, spare_connection
from app.kinds import QUEUES, kinds_of
from app.models import (
    IN_FLIGHT,
    BackgroundTask,
    Broker,
    Delivery,
    Picture,
    PictureState,
    Worker,
    pause,
)
from app.states import State

STATM = Path("/proc/self/statm")
FRESH = timedelta(seconds=30)
OVERDUE = 60.0
UNTAKEN = 15.0
"""Seconds after which work that is due, and that no living worker takes, is worth a word."""
FORGET_AFTER = 3600.0
_NEWEST_HEARTBEAT = db.select(db.func.max(Worker.seen_at), from_now())


@dataclass(frozen=True, slots=True)
class Pulse:
    """When a worker was last seen, by the database's clock."""

    last_seen_at: datetime | None
    now: datetime

    @property
    def beats(self) -> bool:
        """True when a worker was seen within the last half minute."""
        return self.last_seen_at is not None and self.now - self.last_seen_at <= FRESH


def beat(name: str, queues: Iterable[str] = QUEUES) -> bool:
    """Write this worker's heartbeat, and forget workers that have been gone for an hour.

    :returns: whether an operator has asked it to stop.
    """
    facts = {
        "queues": ",".join(sorted(queues)),
        "threads": threading.active_count(),
        "memory_bytes": _memory_bytes(),
        "processed": broker.ended.processed,
        "failed": broker.ended.failed,
    }
    known = _beating().run_alone({"who": name, **{f"new_{key}": facts[key] for key in facts}})
    if not known:
        facts |= {"host": socket.gethostname(), "pid": os.getpid()}
        facts["version"] = current_app.config["VERSION"]
        db.session.execute(
            db.insert(Worker).values(
                name=name, started_at=from_now(), seen_at=from_now(), stopping=False, **facts
            )
        )
        db.session.execute(db.delete(Worker).where(Worker.seen_at < from_now(-FORGET_AFTER)))
        db.session.commit()
    return any(row.stopping for row in known)


@cache
def _beating() -> BuiltStatement:
    columns = Worker.__table__.columns
    told = ("queues", "threads", "memory_bytes", "processed", "failed")
    facts = {name: bindparam(f"new_{name}", type_=columns[name].type) for name in told}
    mine = db.update(Worker).where(Worker.name == bindparam("who", type_=columns["name"].type))
    return BuiltStatement(mine.values(seen_at=from_now(), **facts).returning(Worker.stopping))


def ask_to_stop(name: str) -> bool:
    """Let a worker process finish what it does and leave; False when there is none of this name.

    The caller commits.
    """
    return bool(rows_changed(db.update(Worker).where(Worker.name == name).values(stopping=True)))


def _memory_bytes() -> int:
    """Return what ``ps`` calls RSS; where the system does not tell, the most that it ever was."""
    try:
        pages = int(STATM.read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return pages * resource.getpagesize()


def remove_heartbeat(name: str) -> None:
    """Remove the heartbeat of a worker that stops normally."""
    db.session.execute(db.delete(Worker).where(Worker.name == name))
    db.session.commit()


def silence() -> Pulse | None:
    """Return the last heartbeat while nobody sends what is due; None while all is well.

    Without a worker all is well, too, while workers are started by need and nothing needs one.
    """
    pulse = Pulse(*_newest_heartbeat().run({})[0])
    if pulse.beats or autoscale.is_resting(db.session.connection()):
        return None
    return pulse


@cache
def _newest_heartbeat() -> BuiltStatement:
    return BuiltStatement(_NEWEST_HEARTBEAT)


def broker_has_forgotten(current: str) -> bool:
    """Compare the generation in Redis with the last one known; True for the first to notice."""
    changed = rows_changed(
        db.update(Broker).where(Broker.generation != current).values(generation=current)
    )
    if not changed and db.session.get(Broker, 1) is None:
        try:
            db.session.execute(db.insert(Broker).values(id=1, generation=current))
        except IntegrityError:
            db.session.rollback()
    db.session.commit()
    return bool(changed)


def problems() -> list[str]:
    """Return what is wrong now, a word each: database, redis, worker, queues, autoscale, overdue.

    It uses its own database connection, so it never waits for requests that wait for the pool.
    """
    try:
        with spare_connection() as connection:
            pulse = Pulse(*connection.execute(_NEWEST_HEARTBEAT).one())
            overdue = connection.scalar(_overdue()) is not None
            is_silent = not pulse.beats and not autoscale.is_resting(connection)
            cannot_scale = autoscale.is_failing(connection)
            untaken = pulse.beats and bool(untaken_queues(connection))
    except SQLAlchemyError:
        return ["database"] + ([] if _redis_answers() else ["redis"])
    found = [] if _redis_answers() else ["redis"]
    found += ["worker"] if is_silent else []
    found += ["queues"] if untaken else []
    found += ["autoscale"] if cannot_scale else []
    return found + (["overdue"] if overdue else [])


def untaken_queues(
    connection: Connection, seconds: float = UNTAKEN, fresh: float = FRESH.total_seconds()
) -> list[str]:
    """Return the queues in which something has waited for so long and that no living worker takes.

    Those that are paused are left out.

    :param fresh: seconds since its last heartbeat for which a worker counts as living.
    """
    paused = pause.queues_in(connection.execute(pause.lasting()).all())
    left = set(QUEUES) - _taken(connection, fresh) - paused
    return sorted(
        queue for queue in left if connection.scalar(_late_in(queue, seconds)) is not None
    )


def _overdue() -> Select[Any]:
    late = (Delivery.next_at <= from_now(-OVERDUE), Delivery.state == State.SCHEDULED)
    # In the order of the index: whatever the statistics say, no other rows are read.
    return db.select(Delivery.id).where(*late).order_by(Delivery.next_at).limit(1)


def _taken(connection: Connection, fresh: float) -> set[str]:
    """Return the queues that living workers take."""
    alive = Worker.seen_at >= from_now(-fresh)
    found = connection.scalars(db.select(Worker.queues).where(alive)).all()
    return {name for names in found for name in (QUEUES if names is None else names.split(","))}


def _late_in(queue: str, seconds: float) -> Select[Any]:
    """Return the query for something in a queue that should have been taken by now."""
    table, meant = work_in(queue)
    late = (table.next_at.is_not(None), table.next_at <= from_now(-seconds), meant)
    return db.select(table.id).where(*late).order_by(table.next_at).limit(1)


def work_in(queue: str) -> tuple[Any, Any]:
    """Return the class of the rows that a queue is about, and the condition for those to be begun.

    When each of them is due, its ``next_at`` says.
    """
    rows: dict[str, tuple[Any, Any]] = {
        "publish": (Delivery, Delivery.state == State.SCHEDULED),
        "lookup": (Delivery, and_(IN_FLIGHT, Delivery.state == State.UNCONFIRMED)),
        "pictures": (Picture, Picture.state == PictureState.PROCESSING),
    }
    its_kinds = kinds_of(frozenset({queue}))
    return rows.get(queue, (BackgroundTask, BackgroundTask.kind.in_(its_kinds)))


def _redis_answers() -> bool:
    client = broker.client(current_app.config, 1)
    try:
        return bool(client.ping())
    except (redis.RedisError, OSError):
        return False
    finally:
        client.close()
