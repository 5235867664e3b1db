"""A network that reports errors for a while, and an account that is told to rest."""

from __future__ import annotations

from datetime import timedelta

from app.db import db, utcnow
from app.models import Account
from app.states import State
from tests.support.waiting import wait_for
from tests.support.world import World


def test_a_network_that_is_read_exactly_is_tried_until_it_works(small_world: World) -> None:
    """Many errors in a row, each followed by a look that shows nothing: in the end one post."""
    world = small_world
    bluesky = world.sandbox.on("bluesky")
    ana = world.user("ana", "bluesky")
    bluesky.fault("status", status=503, count=3)
    world.start_worker()
    job = world.tweet_later(ana, "Is it up again")
    delivery = world.until_state(job, State.PUBLISHED, State.REVIEW)
    assert delivery.state == State.PUBLISHED
    assert world.calls_begun(job) == [4]
    assert bluesky.texts() == {"Is it up again": 1}


def test_a_blocked_page_rests(small_world: World) -> None:
    """Facebook blocks a Page: this post fails, and the next one is not tried for a while."""
    world = small_world
    facebook = world.sandbox.on("facebook")
    ana = world.user("ana", "facebook")
    facebook.fault("credits")
    world.start_worker()
    refused = world.tweet_later(ana, "Too much of it")
    assert world.until_state(refused, State.FAILED).error_code == "blocked"
    with world.rows():
        paused_until = db.session.scalars(db.select(Account.paused_until)).one()
    assert paused_until is not None
    assert paused_until > utcnow() + timedelta(minutes=50)


def test_a_session_that_cannot_be_renewed_now_says_so(small_world: World) -> None:
    """The server is away when a new access token is needed: the tweet waits, and tells why."""
    world = small_world
    bluesky = world.sandbox.on("bluesky")
    ana = world.user("ana", "bluesky")
    bluesky.control("revoke", handle="ana", what="access")
    bluesky.fault("status", "token", status=503, count=None)
    world.start_worker()
    job = world.tweet_later(ana, "Soon")
    wait_for(lambda: world.delivery(job).error_code == "unreachable", what="the reason")
    assert world.delivery(job).state in {State.SCHEDULED, State.CLAIMED}
    bluesky.mend()
    assert world.until_state(job, State.PUBLISHED).error_code is None
    assert bluesky.texts() == {"Soon": 1}
