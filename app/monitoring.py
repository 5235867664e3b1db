"""Heartbeats, and the health of the app as heartbeats and rows show it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import redis
from flask import current_app
from sqlalchemy import Select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from app import broker
from app.db import db, from_now, rows_changed, spare_connection
from app.models import Broker, Delivery, Worker
from app.states import State

FRESH = timedelta(seconds=30)
OVERDUE = 60.0
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


def beat(name: str) -> None:
    """Write this worker's heartbeat, and forget workers that have been gone for an hour."""
    beating = db.update(Worker).where(Worker.name == name).values(seen_at=from_now())
    if not rows_changed(beating):
        db.session.execute(
            db.insert(Worker).values(name=name, started_at=from_now(), seen_at=from_now())
        )
        db.session.execute(db.delete(Worker).where(Worker.seen_at < from_now(-FORGET_AFTER)))
    db.session.commit()


def remove_heartbeat(name: str) -> None:
    """Remove the heartbeat of a worker that stops normally."""
    db.session.execute(db.delete(Worker).where(Worker.name == name))
    db.session.commit()


def pulse() -> Pulse:
    """Return the newest heartbeat."""
    return Pulse(*db.session.execute(_NEWEST_HEARTBEAT).one())


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
    """Return what is wrong now, one word each: database, redis, worker, overdue.

    It uses its own database connection, so it never waits for requests that wait for the pool.
    """
    try:
        with spare_connection() as connection:
            pulse = Pulse(*connection.execute(_NEWEST_HEARTBEAT).one())
            overdue = connection.scalar(_overdue()) is not None
    except SQLAlchemyError:
        return ["database"] + ([] if _redis_answers() else ["redis"])
    found = [] if _redis_answers() else ["redis"]
    found += [] if pulse.beats else ["worker"]
    return found + (["overdue"] if overdue else [])


def _overdue() -> Select[Any]:
    late = (Delivery.next_at <= from_now(-OVERDUE), Delivery.state == State.SCHEDULED)
    # In the order of the index: whatever the statistics say, no other rows are read.
    return db.select(Delivery.id).where(*late).order_by(Delivery.next_at).limit(1)


def _redis_answers() -> bool:
    config = current_app.config
    client = redis.Redis.from_url(config["REDIS_URL"], **broker.hasty_redis_options(config, 1))
    try:
        return bool(client.ping())
    except (redis.RedisError, OSError):
        return False
    finally:
        client.close()
