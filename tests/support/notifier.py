"""Wake-ups sent by hand, to find out whether a worker receives what the broker brings."""

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
"""Seconds for which no scheduler looks at a row that was notified by hand."""


def notify_by_hand(world: World, user: int, text: str) -> str:
    """Wake workers once for a due tweet that is only found that way; return its job id."""
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
    """Notify until a worker receives it; return the seconds that took, and job ids by text."""
    user = world.user("notified")
    started = time.monotonic()
    notified: dict[str, str] = {}

    def somebody_hears() -> bool:
        text = f"{name} {len(notified)}"
        notified[text] = notify_by_hand(world, user, text)
        time.sleep(0.3)  # the pace of the notifier
        return State.PUBLISHED in world.states(list(notified.values())).values()

    wait_for(somebody_hears, LEFT_ALONE - 10, "a task from the broker")
    return time.monotonic() - started, notified


def knows_the_new_redis(world: World) -> bool:
    """True when a worker has seen that this is not the Redis it knew."""
    current = world.valkey.command("GET", broker.GENERATION_KEY)
    with world.rows():
        known = db.session.scalar(db.select(Broker.generation))
        return current is not None and current == known
