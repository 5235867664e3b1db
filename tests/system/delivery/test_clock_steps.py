"""After the database's clock was set back, nothing in flight waits for an hour to come again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from app.db import database_now, db
from app.delivery import undo_clock_step
from app.models import Delivery
from app.states import State
from tests.support.world import World

HOUR, YEAR = timedelta(hours=1), timedelta(days=365)


def row(state: State, not_before: timedelta, next_at: timedelta, **more: Any) -> dict[str, Any]:
    """Return columns of a delivery, its moments from now."""
    return {"state": state, "not_before": not_before, "next_at": next_at, **more}


TOO_FAR = {
    "claimed before the step": row(State.CLAIMED, HOUR, HOUR, lease_until=HOUR),
    "claimed long after its time": row(State.CLAIMED, -HOUR, HOUR, lease_until=HOUR),
    "sending": row(State.SENDING, HOUR, HOUR, lease_until=HOUR),
    "unconfirmed": row(State.UNCONFIRMED, HOUR, 2 * HOUR),
    "workers were notified": row(State.SCHEDULED, -HOUR, HOUR, wake_ups=1),
    "the broker lost its data": row(State.SCHEDULED, -HOUR, HOUR),
}
AS_IT_SHOULD_BE = {
    "next year": row(State.SCHEDULED, YEAR, YEAR),
    "under its lease": row(
        State.SENDING, -HOUR, timedelta(seconds=5), lease_until=timedelta(seconds=5)
    ),
    "looked up soon": row(State.UNCONFIRMED, -HOUR, timedelta(seconds=300)),
    "notified just now": row(State.SCHEDULED, -HOUR, timedelta(seconds=20), wake_ups=2),
}


def undo_for(world: World, columns: dict[str, Any]) -> tuple[datetime | None, datetime, datetime]:
    """Return a row's next_at after and before, and the time in between."""
    job = world.tweet_later(world.user("ana"), "when will it be", "in one hour")
    with world.rows():
        now = database_now()
        moments = {name: now + v for name, v in columns.items() if isinstance(v, timedelta)}
        db.session.execute(db.update(Delivery).values({**columns, **moments}))
        db.session.commit()
        undo_clock_step()
        return db.session.get_one(Delivery, job).next_at, moments["next_at"], now


@pytest.mark.parametrize("columns", TOO_FAR.values(), ids=TOO_FAR)
def test_what_would_wait_too_long_is_due_now(world: World, columns: dict[str, Any]) -> None:
    """In every state in which a worker has had a hand in it."""
    after, _, now = undo_for(world, columns)
    assert after is not None
    assert abs(after - now) < timedelta(seconds=10)


@pytest.mark.parametrize("columns", AS_IT_SHOULD_BE.values(), ids=AS_IT_SHOULD_BE)
def test_what_waits_for_its_time_goes_on_waiting(world: World, columns: dict[str, Any]) -> None:
    """No clock has taken anything from it."""
    after, before, _ = undo_for(world, columns)
    assert after is not None
    assert abs(after - before) < timedelta(milliseconds=2)
