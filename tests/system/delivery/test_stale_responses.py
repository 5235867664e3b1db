"""A worker sleeps through the answer to its call, and wakes when others have gone on."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from app import broker
from app.accounts import holds
from app.db import db, utcnow
from app.models import Attempt, NetworkBlock, Upload
from app.states import State
from tests.conftest import MakeWorld
from tests.support.crowd import account_of
from tests.support.freezing import end_lease, freeze_the_only_one, wake
from tests.support.threads import write
from tests.support.waiting import wait_for
from tests.support.world import World

NOES = {
    "rate limit": {"kind": "rate_limit", "group": "none"},
    "app refused": {"kind": "credits"},
    "text refused": {"kind": "refuse"},
}


@pytest.fixture
def world(make_world: MakeWorld, sqlite_url: str) -> World:
    """An installation that waits for answers for so long that there is time to stop it."""
    return make_world(sqlite_url, SEND_TIMEOUT="100", RECONCILE_DELAYS="0.5,1,1.5")


@pytest.mark.parametrize("no", NOES.values(), ids=NOES)
def test_a_no_from_long_ago_changes_nothing(world: World, no: dict[str, Any]) -> None:
    """Another worker has published the tweet since: nobody is paused or stopped, no job failed."""
    ana = world.user("ana")
    world.sandbox.fault("slow", seconds=3)
    world.sandbox.fault(**no)
    sleeper = world.start_worker()
    job = world.tweet_later(ana, "Good morning")
    wait_for(lambda: world.sandbox.calls() == 1, what="the call")
    freeze_the_only_one(world, sleeper)
    wait_for(lambda: not world.sandbox.faults(), what="the answer")
    end_lease(world, job)
    world.start_worker()
    world.until_state(job, State.PUBLISHED)

    world.kill(sleeper, signal.SIGCONT)
    wait_for(lambda: first_outcome(world, job), what="the sleeper's word")
    with world.rows():
        assert db.session.scalars(db.select(NetworkBlock)).all() == []
        wait_for(lambda: broker.celery_states([job]) == {job: broker.SUCCESS}, what="the result")
    assert account_of(world, "ana").paused_until is None
    last = world.tweet_later(ana, "Good evening")
    world.until_state(last, State.PUBLISHED)
    with world.rows():
        assert broker.celery_states([job]) == {job: broker.SUCCESS}


def test_an_upload_that_ended_late_is_forgotten(world: World) -> None:
    """Another worker has brought the picture again: what is kept is what the tweet shows."""
    ana = world.user("ana")
    world.sandbox.fault("slow", operation="upload", seconds=3)
    sleeper = world.start_worker()
    job = write(world, ana, "x", ["a dog"])
    wait_for(lambda: world.sandbox.calls("upload") == 1, what="the upload")
    freeze_the_only_one(world, sleeper)
    end_lease(world, job, State.CLAIMED)
    world.start_worker()
    world.until_state(job, State.PUBLISHED)

    wake(world, sleeper)
    with world.rows():
        (upload,) = db.session.scalars(db.select(Upload))
        (sent,) = db.session.scalars(db.select(Attempt.body))
        assert sent["media"]["media_ids"] == [upload.reference["id"]]


def test_a_probe_from_long_ago_frees_nothing(world: World) -> None:
    """X answered the sleeper, and has refused the app again since."""
    ana = world.user("ana")
    job = world.tweet_later(ana, "Good morning")
    stop(world)
    world.sandbox.fault("slow", operation="me", seconds=3)
    sleeper = world.start_worker()
    world.until_state(job, State.HELD)
    with world.rows():
        db.session.execute(db.update(NetworkBlock).values(probe_at=utcnow()))
        db.session.commit()
    wait_for(lambda: world.sandbox.calls("me") == 1, what="the probe")
    freeze_the_only_one(world, sleeper)
    stop(world)
    wake(world, sleeper)
    assert world.delivery(job).state == State.HELD


def test_a_look_up_that_was_refused_long_ago_asks_nobody(
    make_world: MakeWorld, sqlite_url: str
) -> None:
    """Another worker has read the timeline since: look-ups go on, the owner is left alone."""
    world = make_world(sqlite_url, SEND_TIMEOUT="100", RECONCILE_DELAYS="1,2,120")
    ana = world.user("ana")
    world.sandbox.fault("drop")
    world.sandbox.fault("slow", operation="timeline", seconds=3)
    world.sandbox.fault("status", operation="timeline", status=403)
    sleeper = world.start_worker()
    job = world.tweet_later(ana, "Good morning")
    wait_for(lambda: world.sandbox.calls("timeline") == 1, what="the look-up")
    freeze_the_only_one(world, sleeper)
    wait_for(lambda: not world.sandbox.faults(), what="the answer")
    end_lease(world, job, State.UNCONFIRMED)
    world.start_worker()
    wait_for(lambda: world.delivery(job).lookups == 2, what="two look-ups")

    wake(world, sleeper)
    assert world.delivery(job).state == State.UNCONFIRMED


def stop(world: World) -> None:
    """Let X refuse the app."""
    with world.rows():
        holds.stop_network("x", "no_credits", None)
        db.session.commit()


def first_outcome(world: World, job: str) -> str | None:
    """Return how the first call for a job ended, as its worker says."""
    with world.rows():
        first = db.select(Attempt.outcome).filter_by(delivery_id=job, fence=1)
        return db.session.scalar(first)
