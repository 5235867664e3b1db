"""Ringing by hand, to find out whether a worker hears what the broker brings."""

from __future__ import annotations

import time
from datetime import timedelta

from app import broker
from app.db import db, from_now
from app.models import Broker, Delivery
from app.states import State
from tests.support.waiting import wait_for
from tests.support.world import World

LEFT_ALONE = 90.0
"""Seconds for which no ticker looks at a row that was rung for by hand."""


def ring_by_hand(world: World, user: int, text: str) -> str:
    """Ring once for a due tweet that only somebody who hears the bell will publish; its job id."""
    job_id = world.tweet_later(user, text, timedelta(hours=1))
    with world.rows():
        db.session.execute(
            db.update(Delivery)
            .where(Delivery.id == job_id)
            .values(
                due_at=from_now(), not_before=from_now(), wake_ups=1, next_at=from_now(LEFT_ALONE)
            )
        )
        db.session.commit()
        broker.notify_jobs([job_id])
    return job_id


def until_heard(world: World, name: str) -> tuple[float, dict[str, str]]:
    """Ring until a worker hears it; return the seconds that took, and job ids by text."""
    user = world.user("bell")
    started = time.monotonic()
    rung: dict[str, str] = {}

    def somebody_hears() -> bool:
        text = f"{name} {len(rung)}"
        rung[text] = ring_by_hand(world, user, text)
        time.sleep(0.3)  # the pace of the bell
        return State.PUBLISHED in world.states(list(rung.values())).values()

    wait_for(somebody_hears, LEFT_ALONE - 10, "a task from the broker")
    return time.monotonic() - started, rung


def knows_the_new_redis(world: World) -> bool:
    """True when a worker has seen that this is not the Redis it knew."""
    current = world.valkey.command("GET", broker.GENERATION_KEY)
    with world.rows():
        known = db.session.scalar(db.select(Broker.generation))
        return current is not None and current == known
