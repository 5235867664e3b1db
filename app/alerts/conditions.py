"""What is wrong at the moment, from the rows, the disk and Redis."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import redis
from flask import current_app
from sqlalchemy import Connection, make_url

from app import autoscale, broker, monitoring
from app.db import db, from_now, read
from app.models import (
    IN_FLIGHT,
    AlertWatch,
    BackgroundTask,
    Condition,
    Delivery,
    Worker,
    background_task,
)
from app.states import State

Key = tuple[Condition, str]

MOST = 1000
"""Counting ends there: that many are bad enough."""
NOTICED_SECONDS = 12.0
"""After which a heartbeat, which comes every five seconds, has been missed twice, and after which
a tweet that waits is late, however long it takes until somebody is told."""
NOTICED_LATE = {
    Condition.OVERDUE,
    Condition.UNCONFIRMED,
    Condition.NO_WORKER,
    Condition.QUEUE,
}
"""What may be so again for NOTICED_SECONDS until it is seen, while its alert is not over."""
SLACK = 5.0
"""What is full has to fall by so many points until it is not: it would come and go otherwise."""


@dataclass(slots=True)
class Seen:
    """What is wrong at one moment."""

    facts: dict[Key, Mapping[str, Any]] = field(default_factory=dict)
    """The numbers of what is wrong, by condition and subject."""
    unknown: set[Condition] = field(default_factory=set)
    """What nobody can tell at the moment: what was said of it stays."""
    worker_at: datetime | None = None
    """The newest heartbeat so far."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What the row of the watch says."""

    now: datetime
    since: datetime
    worker_at: datetime | None
    """The newest heartbeat so far."""
    has_worker: bool
    """One is alive. One that stops normally takes its heartbeat along."""

    def no_worker_for(self, seconds: float) -> bool:
        """Whether there was no worker for so long."""
        last = max(self.since, self.worker_at or self.since)
        return not self.has_worker and self.now - last >= timedelta(seconds=seconds)

    def for_seconds(self, seconds: float) -> bool:
        """Whether somebody has watched for so long. Before, workers may still be starting."""
        return self.now - self.since >= timedelta(seconds=seconds)


def look(open_now: set[Key]) -> Seen:
    """Return what is wrong. No transaction is open while Redis is asked.

    :param open_now: what was told and is not over: it counts without the delay with which it
        begins, or it could be so again, unseen, when its end is told.
    :raises SQLAlchemyError: the database does not say.
    """
    watched = _watched()
    seen = Seen(worker_at=watched.worker_at)
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        _look_at_deliveries(seen, connection, watched, open_now)
        _look_at_workers(seen, connection, watched, open_now)
        for kind, count in connection.execute(_failing()):
            seen.facts[Condition.PERIODIC, kind] = {"count": count}
    for condition, percent in _levels():
        if percent is None:
            seen.unknown.add(condition)
        elif percent >= _full_at((condition, "") in open_now):
            seen.facts[condition, ""] = {"percent": round(percent)}
    return seen


def _watched() -> Watched:
    row = AlertWatch
    newest = db.select(db.func.max(Worker.seen_at)).scalar_subquery()
    asked = db.select(from_now(), row.since, row.worker_seen_at, newest).where(row.id == 1)
    found: Any = read(asked, {})[0]
    now, since, known, heartbeat = found
    newest_ever = max((at for at in (known, heartbeat) if at is not None), default=None)
    has_worker = heartbeat is not None and now - heartbeat < timedelta(seconds=NOTICED_SECONDS)
    return Watched(now, since, newest_ever, has_worker)


def _look_at_deliveries(
    seen: Seen, connection: Connection, watched: Watched, open_now: set[Key]
) -> None:
    def delay(condition: Condition) -> float:
        seconds: float = current_app.config[f"ALERT_{condition.name}"]
        return min(seconds, NOTICED_SECONDS) if (condition, "") in open_now else seconds

    seconds = delay(Condition.OVERDUE)
    if not watched.for_seconds(seconds):
        seen.unknown.add(Condition.OVERDUE)
    elif count := _overdue(connection, seconds):
        seen.facts[Condition.OVERDUE, ""] = {"count": count, "seconds": seconds}
    seconds = delay(Condition.UNCONFIRMED)
    if count := _unconfirmed(connection, seconds):
        seen.facts[Condition.UNCONFIRMED, ""] = {"count": count, "seconds": seconds}


def _look_at_workers(
    seen: Seen, connection: Connection, watched: Watched, open_now: set[Key]
) -> None:
    """Look whether there is a worker, and one for each queue in which something waits."""
    seconds = current_app.config["ALERT_NO_WORKER"]
    delay = 0.0 if (Condition.NO_WORKER, "") in open_now else seconds
    if not watched.for_seconds(delay):
        seen.unknown.add(Condition.NO_WORKER)
    elif watched.no_worker_for(delay) and not autoscale.is_resting(connection, delay):
        seen.facts[Condition.NO_WORKER, ""] = {"seconds": seconds}
    if not watched.has_worker or not watched.for_seconds(seconds):
        seen.unknown.add(Condition.QUEUE)  # without any worker, that is all that there is to say
        return
    known = {subject for condition, subject in open_now if condition == Condition.QUEUE}
    untaken = set(monitoring.untaken_queues(connection, seconds, NOTICED_SECONDS))
    if known:
        untaken |= known & set(monitoring.untaken_queues(connection, 0, NOTICED_SECONDS))
    for queue in sorted(untaken):
        seen.facts[Condition.QUEUE, queue] = {"seconds": seconds}


def _overdue(connection: Connection, seconds: float) -> int:
    """Count those that wait, and those that workers were told of: they are looked at later."""
    late, is_scheduled = from_now(-seconds), Delivery.state == State.SCHEDULED
    waiting = _number(is_scheduled, Delivery.next_at.is_not(None), Delivery.next_at <= late)
    is_told = (Delivery.next_at > late, Delivery.not_before <= late)
    told = _number(IN_FLIGHT, is_scheduled, *is_told, index="deliveries_in_flight")
    return sum(connection.execute(db.select(waiting, told)).one())


def _unconfirmed(connection: Connection, seconds: float) -> int:
    is_late = (Delivery.state == State.UNCONFIRMED, Delivery.unconfirmed_at <= from_now(-seconds))
    number = _number(IN_FLIGHT, *is_late, index="deliveries_in_flight")
    return connection.execute(db.select(number)).scalar_one()


def _number(*where: Any, index: str | None = None) -> Any:
    """Count deliveries in the order of an index, whatever the statistics say."""
    some = db.select(db.literal_column("1")).select_from(Delivery).where(*where)
    some = some.order_by(Delivery.next_at).limit(MOST)
    some = some.with_hint(Delivery, f"INDEXED BY {index}", "sqlite") if index else some
    return db.select(db.func.count()).select_from(some.subquery()).scalar_subquery()


def _failing() -> Any:
    row = BackgroundTask
    failing = (background_task.FAILING, row.every_s.is_not(None), row.enabled)
    return db.select(row.kind, db.func.count()).where(*failing).group_by(row.kind)


def _full_at(was_full: bool) -> float:
    full: float = current_app.config["ALERT_FULL"]
    return max(full - SLACK, full / 2) if was_full else full


def _levels() -> Iterator[tuple[Condition, float | None]]:
    """Return how full the disk and Redis are, in percent; None when nobody knows."""
    yield Condition.DISK, _disk_percent()
    yield Condition.REDIS, _redis_percent()


def _disk_percent() -> float | None:
    """Return how full the disk is that has the database's file, or the folder of the instance."""
    database = make_url(current_app.config["SQLALCHEMY_DATABASE_URI"])
    folder = Path(current_app.instance_path)
    if database.get_backend_name() == "sqlite" and database.database:
        folder = (folder / database.database).parent
    try:
        usage = shutil.disk_usage(folder if folder.exists() else folder.parent)
    except OSError:
        return None
    return 100 * usage.used / (usage.used + usage.free) if usage.total else None


def _redis_percent() -> float | None:
    """Return how much of its memory Redis uses; 0 where it has no limit."""
    try:
        with broker.client(current_app.config, 1) as client:
            told: Any = client.info("memory")
        most = told.get("maxmemory") or 0
        return 100 * told["used_memory"] / most if most else 0.0
    except (redis.RedisError, OSError, KeyError):
        return None
