"""What the rows ask for, on both databases: which of them need a worker, and when."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app import background, monitoring
from app.autoscale.decision import Policy, workers_needed
from app.autoscale.demand import Demand, demand
from app.db import db, from_now
from app.kinds import LONG_TASK
from app.models import (
    Account,
    BackgroundTask,
    Delivery,
    NetworkBlock,
    Notice,
    Pause,
    Picture,
    PictureState,
    PushMessage,
    PushTarget,
    Worker,
)
from app.models.notice import NoticeSettings
from app.models.pause import Scope
from app.states import HoldReason, State
from tests.conftest import MakeWorld
from tests.support.world import World

POLICY = Policy(lead=30, idle=60, most=2, backlog=3)
DAY, HOUR = 86_400, 3_600


@pytest.fixture
def world(make_world: MakeWorld, database_url: str) -> World:
    """An installation in which workers are started by need, without any process."""
    return make_world(database_url, AUTOSCALE="local")


def asked(world: World) -> Demand:
    """Return what is needed now."""
    with world.rows():
        return demand(POLICY.lead, POLICY.rows_that_matter)


def needed(world: World) -> int:
    """Return how many workers the rows need now."""
    return workers_needed(asked(world), POLICY)


def seconds_until_next(world: World) -> float | None:
    """Return the seconds until a worker is needed."""
    found = asked(world)
    if found.next_wake_up is None:
        return None
    return (found.next_wake_up - found.now).total_seconds()


def store(world: World, *rows: Any) -> None:
    """Add rows."""
    with world.rows():
        db.session.add_all(rows)
        db.session.commit()


def put(world: World, model: Any, **values: Any) -> None:
    """Change all rows of a table."""
    with world.rows():
        db.session.execute(db.update(model).values(values))
        db.session.commit()


def test_deliveries(world: World) -> None:
    """Due soon, under way or unconfirmed ones need a worker; held ones and those in review none."""
    assert (needed(world), seconds_until_next(world)) == (0, None)
    ana = world.user("ana")
    world.tweet_later(ana, "for tomorrow", timedelta(hours=20))
    assert needed(world) == 0
    put(world, Account, connected=False)
    assert seconds_until_next(world) == pytest.approx(20 * HOUR, abs=60)
    put(world, Account, connected=True)
    put(world, Delivery, next_at=from_now(20), not_before=from_now(20))
    assert needed(world) == 1
    later = {"next_at": from_now(300), "not_before": from_now(-1)}
    for state in (State.SCHEDULED, State.CLAIMED, State.SENDING, State.UNCONFIRMED):
        put(world, Delivery, state=state, **later)
        assert needed(world) == 1, state
    for state in (State.HELD, State.REVIEW, State.PUBLISHED, State.FAILED):
        put(world, Delivery, state=state, next_at=None)
        assert (needed(world), seconds_until_next(world)) == (0, None), state


def test_checks_of_access(world: World) -> None:
    """A day and an hour before a tweet its account is asked; what was missed is made up for."""
    ana = world.user("ana")
    world.tweet_later(ana, "in three days", timedelta(days=3))
    assert (needed(world), seconds_until_next(world)) == (0, pytest.approx(2 * DAY, abs=60))
    soon = {"next_at": from_now(20 * HOUR), "not_before": from_now(20 * HOUR)}
    put(world, Delivery, **soon, created_at=from_now(-2 * DAY))
    put(world, Account, access_checked_at=from_now(-2 * DAY))
    assert needed(world) == 1  # nobody ran when it was due in a day
    put(world, Account, access_checked_at=from_now(-2 * HOUR))
    assert (needed(world), seconds_until_next(world)) == (0, pytest.approx(19 * HOUR, abs=60))
    put(world, Delivery, next_at=from_now(50 * 60), not_before=from_now(50 * 60))
    assert needed(world) == 1
    put(world, Account, access_checked_at=from_now(0))
    assert (needed(world), seconds_until_next(world)) == (0, pytest.approx(50 * 60, abs=60))
    put(world, Account, access_checked_at=from_now(-2 * HOUR))
    put(world, Delivery, created_at=from_now(-5 * 60))  # its writer has been here just now
    assert (needed(world), seconds_until_next(world)) == (0, pytest.approx(50 * 60, abs=60))


def test_what_people_are_to_be_told(world: World) -> None:
    """A mail about a notice, a digest and a message that is to be pushed need a worker, each."""
    ana = world.user("ana")
    told = {"user_id": ana, "kind": "failed", "key": "k", "topic": "t", "facts": {}, "bell": True}
    store(world, Notice(**told, at=from_now(0), mail_at=from_now(20)))
    assert needed(world) == 1
    put(world, Notice, mail_at=None)
    store(world, NoticeSettings(user_id=ana, chosen={}, digest_at=from_now(20)))
    assert needed(world) == 1
    put(world, NoticeSettings, digest_at=from_now(DAY))
    assert (needed(world), seconds_until_next(world)) == (0, pytest.approx(DAY, abs=60))
    target = PushTarget(user_id=ana, way="url", fingerprint="f", address={}, created_at=from_now(0))
    store(world, target)
    with world.rows():
        (target_id,) = db.session.scalars(db.select(PushTarget.id))
    message = {"target_id": target_id, "content": {}, "created_at": from_now(0)}
    store(world, PushMessage(**message, next_at=from_now(20)))
    assert needed(world) == 1


def test_many_deliveries(world: World) -> None:
    """Those that are due soon and those under way count together, each once."""
    ana = world.user("ana")
    for n in range(2):
        world.tweet_later(ana, f"now {n}")
    world.tweet_later(ana, "soon", timedelta(seconds=20))
    assert (asked(world).rows, needed(world)) == (3, 1)
    world.tweet_later(ana, "soon, too", timedelta(seconds=21))
    assert (asked(world).rows, needed(world)) == (4, 2)


def test_background_tasks(world: World) -> None:
    """Whatever somebody asked for; upkeep at intervals waits for a day."""
    with world.rows():
        background.keep_intervals()
    assert needed(world) == 0
    assert seconds_until_next(world) == pytest.approx(DAY, abs=60)
    put(world, BackgroundTask, next_at=from_now(-DAY))
    assert needed(world) == 1
    put(world, BackgroundTask, next_at=from_now(-1))
    assert needed(world) == 0
    with world.rows():
        background.ask_for(LONG_TASK)
    assert needed(world) == 1
    with world.rows():
        (run,) = background.claim([LONG_TASK], 1, "somebody")
    assert asked(world).under_way
    with world.rows():
        run.finish()
    assert needed(world) == 0


def test_pictures(world: World) -> None:
    """Those that are not made yet; to delete what nobody needs can wait for a day."""
    store(world, Picture(user_id=world.user("ana"), next_at=from_now(25)))
    assert needed(world) == 1
    put(world, Picture, state=PictureState.READY)
    assert needed(world) == 0
    assert seconds_until_next(world) == pytest.approx(DAY + 25, abs=10)


def test_a_network_that_refuses_us(world: World) -> None:
    """It is probed as long as something is held for it: only that releases it."""
    stop = {"network": "x", "reason": "refused", "probes": 1, "holds": True}
    store(world, NetworkBlock(**stop, probe_at=from_now(HOUR)))
    assert seconds_until_next(world) is None
    world.tweet_later(world.user("ana"), "held", timedelta(hours=20))
    held = {"state": State.HELD, "next_at": None}
    put(world, Delivery, **held, hold_reason=HoldReason.LATE)
    assert seconds_until_next(world) is None
    put(world, Delivery, **held, hold_reason=HoldReason.NETWORK)
    assert needed(world) == 0
    assert seconds_until_next(world) == pytest.approx(HOUR, abs=60)
    put(world, NetworkBlock, probe_at=from_now(1))
    assert needed(world) == 1


def test_pauses(world: World) -> None:
    """Nothing of a paused queue needs a worker; what a pause held does, as soon as it ends."""
    ana = world.user("ana")
    world.tweet_later(ana, "unconfirmed", timedelta(hours=20))
    unconfirmed = {"state": State.UNCONFIRMED, "next_at": from_now(5), "not_before": from_now(-9)}
    put(world, Delivery, **unconfirmed)
    with world.rows():
        background.ask_for(LONG_TASK)
    store(world, Picture(user_id=ana, next_at=from_now()))
    assert needed(world) == 1
    paused = {"user_id": ana, "at": from_now(-60), "undo_until": from_now(-50)}
    for queue in ("lookup", "pictures", "maintenance"):
        store(world, Pause(scope=Scope.QUEUE, value=queue, **paused))
    assert needed(world) == 0
    put(world, Delivery, state=State.HELD, next_at=None, hold_reason=HoldReason.PAUSED)
    put(world, Pause, ended_at=from_now(-1), settled_at=from_now(-1))
    put(world, BackgroundTask, next_at=None)
    put(world, Picture, state=PictureState.READY)
    assert needed(world) == 0
    put(world, Pause, settled_at=None)
    assert needed(world) == 1


def test_when_monitors_miss_a_worker(world: World) -> None:
    """Not while nothing is due, nor while one may be starting; a minute after it was needed."""
    world.tweet_later(world.user("ana"), "due", timedelta(hours=20))
    for seconds, problems in [(HOUR, []), (-30, []), (-70, ["worker", "overdue"])]:
        put(world, Delivery, next_at=from_now(seconds), not_before=from_now(seconds))
        with world.rows():
            assert monitoring.problems() == problems
            assert bool(monitoring.silence()) is bool(problems)
    store(world, Worker(name="w:1", started_at=from_now(), seen_at=from_now()))
    with world.rows():
        assert monitoring.problems() == ["overdue"]
        assert monitoring.silence() is None
