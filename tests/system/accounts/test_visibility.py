"""Who sees a post on Mastodon: what the account's owner chose, at every try and for every part."""

from __future__ import annotations

import pytest

from app.accounts import visibility as showing
from app.db import db
from app.models import Account, Delivery
from app.states import State
from tests.support.threads import chains, write_thread
from tests.support.world import World

PARTS = ["One", "Two", "Three"]


@pytest.fixture
def ana(world: World) -> int:
    """Somebody with an account on Mastodon."""
    return world.user("ana", "mastodon")


def choose(world: World, user_id: int, visibility: str) -> None:
    """Choose for somebody's only account."""
    (account_id,) = world.accounts_of(user_id)
    with world.rows():
        showing.choose(account_id, visibility)


def seen_by(world: World) -> list[tuple[str, str]]:
    """Return what the server has, and who sees it."""
    posts = world.sandbox.on("mastodon").accepted()
    return [(post["text"], post["visibility"]) for post in posts]


@pytest.mark.parametrize("chosen", ["", "public", "unlisted", "private"])
def test_every_part_is_seen_by_whom_its_owner_chose(world: World, ana: int, chosen: str) -> None:
    """Where nothing was chosen, the account's own default holds."""
    mastodon = world.sandbox.on("mastodon")
    mastodon.settings(privacy="unlisted" if chosen != "unlisted" else "public")
    choose(world, ana, chosen)
    job = write_thread(world, ana, PARTS, network="mastodon")
    world.start_worker()
    assert world.until_settled([job]) == {job: State.PUBLISHED}
    assert seen_by(world) == [(part, chosen or "unlisted") for part in PARTS]
    with world.rows():
        bodies = [attempt.body for attempt in db.session.get_one(Delivery, job).history]
    assert all(("visibility" in body) == bool(chosen) for body in bodies)
    mastodon.settings(privacy="public")


@pytest.mark.parametrize("trouble", ["accept_then_drop", "drop"])
def test_a_lost_answer_to_a_private_post_is_found_out(world: World, ana: int, trouble: str) -> None:
    """Its own account sees it, so the look-up does: it is out once, among its private siblings."""
    mastodon = world.sandbox.on("mastodon")
    choose(world, ana, "private")
    mastodon.fault("accept_then_hang", seconds=0.1)
    mastodon.fault(trouble)
    job = write_thread(world, ana, PARTS, network="mastodon")
    world.start_worker()
    assert world.until_settled([job]) == {job: State.PUBLISHED}
    assert seen_by(world) == [(part, "private") for part in PARTS]
    assert chains(mastodon.accepted()) == [PARTS]


def test_a_retry_follows_the_choice_of_today(world: World, ana: int) -> None:
    """Refused in public, then its owner has second thoughts: the key stays what it was."""
    mastodon = world.sandbox.on("mastodon")
    choose(world, ana, "public")
    mastodon.fault("refuse")
    job = world.tweet_later(ana, "Not for everybody")
    world.start_worker()
    world.until_state(job, State.FAILED)
    choose(world, ana, "private")
    with world.rows():
        db.session.get_one(Delivery, job).tweet.retry()
    assert world.until_settled([job]) == {job: State.PUBLISHED}
    assert seen_by(world) == [("Not for everybody", "private")]
    with world.rows():
        first, second = [attempt.body for attempt in db.session.get_one(Delivery, job).history]
    assert first["idempotency_key"] == second["idempotency_key"]
    assert (first["visibility"], second["visibility"]) == ("public", "private")


def test_what_is_sent_again_follows_it_too(world: World, ana: int) -> None:
    """A call that never arrived was public; by the time of the next one its owner says private."""
    mastodon = world.sandbox.on("mastodon")
    choose(world, ana, "public")
    mastodon.fault("refuse", "timeline", count=None)  # until its owner has chosen
    mastodon.fault("drop")
    job = world.tweet_later(ana, "Lost on the way")
    world.start_worker()
    world.until_state(job, State.UNCONFIRMED)
    choose(world, ana, "private")
    mastodon.mend()
    assert world.until_settled([job]) == {job: State.PUBLISHED}
    assert seen_by(world) == [("Lost on the way", "private")]


def test_the_choice_outlives_a_new_connection(world: World, ana: int) -> None:
    """Connecting the account again changes nothing about it."""
    choose(world, ana, "private")
    account_id = world.connect(ana, "mastodon", "ana")
    with world.rows():
        assert db.session.get_one(Account, account_id).visibility == "private"
