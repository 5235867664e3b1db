"""What may have been accepted: twins, echoes, late answers, and what the owner is asked."""

from __future__ import annotations

import signal
from datetime import timedelta
from typing import Any

import pytest

from app.db import db
from app.models import Attempt
from app.states import State
from tests.conftest import MakeWorld
from tests.support.freezing import end_lease, freeze_the_only_one
from tests.support.servers import Postgres
from tests.support.visitor import Visitor
from tests.support.waiting import wait_for
from tests.support.world import World

PATIENT = {"SEND_TIMEOUT": "20"}


def remote_ids(world: World) -> list[str]:
    """Return the ids of everything at the network, oldest first."""
    return [tweet["id"] for tweet in world.sandbox.accepted()]


def first_attempt(world: World, job: str) -> Attempt:
    """Return the oldest attempt of a job, detached."""
    with world.rows():
        found = db.select(Attempt).where(Attempt.delivery_id == job).order_by(Attempt.id).limit(1)
        attempt = db.session.scalars(found).one()
        db.session.expunge(attempt)
        return attempt


def signed_in(world: World) -> tuple[Visitor, Any]:
    """Return Ana in a browser, with web and worker running, and a function that posts for her."""
    world.start_worker()
    ana = Visitor(world.start_web())
    ana.sign_in("ana")
    return ana, lambda text: ana.post("/tweets", text=text).json()


def test_a_post_that_may_be_a_twins_is_not_absence(
    make_world: MakeWorld, database_url: str
) -> None:
    """While a tweet of equal text is in flight, what look-ups show is neither bound nor resent."""
    world = make_world(database_url, RECONCILE_DELAYS="3,4,5,6,7", **PATIENT)
    world.sandbox.settings(duplicate_window=0)
    ana = world.user("ana")
    world.start_worker()
    world.sandbox.fault("accept_then_drop")
    lost = world.tweet_later(ana, "Good morning")
    wait_for(lambda: world.states([lost])[lost] == State.UNCONFIRMED, what="the lost answer")
    world.sandbox.fault("slow", seconds=7)
    twin = world.tweet_later(ana, "Good morning")
    states = world.until_settled([lost, twin])
    assert states == {lost: State.PUBLISHED, twin: State.PUBLISHED}
    assert world.sandbox.calls() == 2
    assert [world.delivery(job).remote_id for job in (lost, twin)] == remote_ids(world)


def test_a_twins_post_is_not_taken(make_world: MakeWorld, sqlite_url: str) -> None:
    """A tweet that X never got does not pass for published because its twin's post is there."""
    world = make_world(sqlite_url, **PATIENT)
    world.sandbox.settings(duplicate_window=0)
    ana = world.user("ana")
    world.start_worker()
    world.sandbox.fault("drop")
    lost = world.tweet_later(ana, "Good night")
    wait_for(lambda: world.states([lost])[lost] == State.UNCONFIRMED, what="the lost call")
    world.sandbox.fault("accept_then_hang", seconds=6)
    twin = world.tweet_later(ana, "Good night")
    wait_for(lambda: len(remote_ids(world)) == 1, what="the twin's post")
    seen = set()

    def twin_is_out() -> bool:
        states = world.states([lost, twin])
        seen.add(states[lost])
        return states[twin] == State.PUBLISHED

    wait_for(twin_is_out, what="the twin's answer")
    assert seen == {State.UNCONFIRMED}
    world.until_state(lost, State.PUBLISHED)
    assert world.calls_begun(lost) == [2]
    assert world.delivery(twin).remote_id == remote_ids(world)[0]
    assert world.delivery(lost).remote_id == remote_ids(world)[1]


def test_an_echo_that_cannot_be_looked_up_asks_the_owner(
    make_world: MakeWorld, sqlite_url: str
) -> None:
    """The resend is refused as a duplicate and nothing can be read: review, never failed.

    Until then nobody is told to change the text, for the network has it.
    """
    world = make_world(sqlite_url, RECONCILE_GIVE_UP_AFTER="6")
    world.sandbox.settings(read_lag=300)
    world.sandbox.fault("accept_then_drop")
    ana = world.user("ana")
    world.start_worker()
    job = world.tweet_later(ana, "Is anybody there")
    wait_for(lambda: world.sandbox.calls() == 2, what="the resend")
    world.sandbox.fault("status", "timeline", count=None)
    wait_for(lambda: world.delivery(job).error_code == "echoed", what="the echo")
    states = world.until_settled([job])
    delivery = world.delivery(job)
    assert (states[job], delivery.error_code) == (State.REVIEW, "unreadable")
    assert world.calls_begun(job) == [2]
    assert world.sandbox.texts() == {"Is anybody there": 1}


def test_send_again_from_review_meets_the_first_one(small_world: World) -> None:
    """The owner says "send again", X says duplicate: it is the first one, looked up and bound."""
    world = small_world
    ana, post = signed_in(world)
    world.sandbox.fault("accept_then_drop")
    world.sandbox.fault("refuse", "timeline", count=None)
    made = post("Did it arrive")
    job, tweet = made["job_id"], f"/tweets/{made['tweet']['id']}"
    world.until_state(job, State.REVIEW)
    assert ana.post(tweet, verb="PATCH", text="Another text").status_code == 409
    assert ana.post(f"{tweet}/retry").status_code == 200
    assert set(world.until_settled([job]).values()) == {State.REVIEW}
    assert world.sandbox.calls() == 2
    world.sandbox.mend()
    assert ana.post(f"{tweet}/retry").status_code == 200
    assert ana.until_final(job)["status"] == "done"
    assert world.sandbox.texts() == {"Did it arrive": 1}
    assert world.delivery(job).remote_id == remote_ids(world)[0]


@pytest.mark.parametrize(
    ("meanwhile", "database_url"),
    [(State.REVIEW, "postgresql"), (State.CANCELLED, "sqlite")],
    indirect=["database_url"],
)
def test_a_late_answer_is_believed(
    make_world: MakeWorld, database_url: str, meanwhile: State
) -> None:
    """201 after the lease is gone: published, whether its owner was asked or had given it up."""
    world = make_world(database_url, **PATIENT)
    ana, post = signed_in(world)
    world.sandbox.fault("accept_then_hang", seconds=8)
    world.sandbox.fault("refuse", "timeline", count=None)
    made = post("Better late")
    job = made["job_id"]
    end_lease(world, job)
    world.until_state(job, State.REVIEW)
    if meanwhile == State.CANCELLED:
        assert ana.post(f"/tweets/{made['tweet']['id']}/cancel").status_code == 200
        assert ana.status(job)["status"] == "failed"
    published = world.until_state(job, State.PUBLISHED)
    assert [published.remote_id] == remote_ids(world)
    assert (published.next_at, published.error_code) == (None, None)
    assert first_attempt(world, job).http_status == 201


def test_a_late_answer_waits_for_the_call_under_way(make_world: MakeWorld, sqlite_url: str) -> None:
    """201 of an older claim changes nothing while another worker's call of the tweet is open."""
    world = make_world(sqlite_url, SEND_TIMEOUT="100", RECONCILE_DELAYS="0.5,1,1.5")
    world.sandbox.settings(read_lag=300)
    world.sandbox.fault("accept_then_hang", seconds=3)
    ana = world.user("ana")
    sleeper = world.start_worker()
    job = world.tweet_later(ana, "Twice on the line")
    wait_for(lambda: world.sandbox.calls() == 1, what="the first call")
    freeze_the_only_one(world, sleeper)
    world.sandbox.fault("slow", seconds=15)
    end_lease(world, job)
    world.start_worker()
    wait_for(lambda: world.sandbox.calls() == 2, what="the resend")
    world.kill(sleeper, signal.SIGCONT)
    wait_for(lambda: first_attempt(world, job).http_status == 201, what="the late answer")
    assert world.delivery(job).state == State.SENDING
    world.sandbox.settings(read_lag=0)
    published = world.until_state(job, State.PUBLISHED)
    assert [published.remote_id] == remote_ids(world)


def test_no_transaction_is_open_while_x_is_asked(
    make_world: MakeWorld, postgres: tuple[Postgres, str]
) -> None:
    """Refresh, create and look-up each take seconds; meanwhile no session holds a transaction."""
    server, template = postgres
    name = server.create(template)
    world = make_world(server.url(name), SEND_TIMEOUT="8")
    ana = world.user("ana")
    world.sandbox.control("revoke", handle="ana", what="access")
    for operation in ("token", "create", "timeline"):
        world.sandbox.fault("slow", operation, seconds=3, count=None)
    world.sandbox.fault("accept_then_drop")
    world.start_worker()
    job = world.tweet_later(ana, "Take your time", timedelta(seconds=1))
    open_for_long = []

    def is_out() -> bool:
        open_for_long.append(server.idle_in_transaction(name, seconds=1))
        return world.states([job])[job] == State.PUBLISHED

    wait_for(is_out, what="the slow tweet")
    assert max(open_for_long) == 0
    asked = [world.sandbox.calls(operation) for operation in ("token", "create", "timeline")]
    assert asked == [1, 2, 1]
