"""Pictures and mentions: brought before the post, once, and at nobody else's expense."""

from __future__ import annotations

import signal
from datetime import timedelta
from typing import Any

import pytest

from app.db import db, utcnow
from app.models import Account, Attempt, Delivery, Upload, User
from app.states import State
from tests.conftest import MakeWorld
from tests.support.photos import moving
from tests.support.threads import chains, take_picture, write, write_thread
from tests.support.waiting import wait_for
from tests.support.world import World

EVERYWHERE = ("x", "mastodon", "bluesky", "facebook")


def alts_at(world: World, network: str) -> list[list[str]]:
    """Return the alternative texts of each post's pictures at a network."""
    posts: list[dict[str, Any]] = world.sandbox.on(network).accepted()
    return [[picture["alt"] for picture in post["pictures"]] for post in posts]


def uploads_of(world: World, job: str) -> int:
    """Return how many pictures of a delivery its network has."""
    with world.rows():
        wanted = db.select(db.func.count()).select_from(Upload).where(Upload.delivery_id == job)
        return db.session.scalar(wanted) or 0


@pytest.mark.parametrize("network", EVERYWHERE)
def test_pictures_reach_a_network_once(small_world: World, network: str) -> None:
    """Two pictures, in their order and with their alternative texts, each uploaded once."""
    world = small_world
    ana = world.user("ana", network)
    world.start_worker()
    job = write(world, ana, network, ["a dog", "a cat"])
    assert world.until_settled([job]) == {job: State.PUBLISHED}
    assert alts_at(world, network) == [["a dog", "a cat"]]
    assert world.sandbox.on(network).calls("upload") == 2


@pytest.mark.parametrize("network", ["x", "mastodon"])
def test_a_moving_picture_is_posted_once(small_world: World, network: str) -> None:
    """With its words, and found again when the answer to the post is lost."""
    world = small_world
    ana = world.user("ana", network)
    world.start_worker()
    world.sandbox.on(network).fault("accept_then_drop")
    gif = take_picture(world, ana, "a dog runs", moving(3))
    job = write_thread(world, ana, ["Look"], {0: [gif]}, network)
    assert world.until_settled([job]) == {job: State.PUBLISHED}
    assert alts_at(world, network) == [["a dog runs"]]
    assert world.sandbox.on(network).calls("create") == 1


@pytest.mark.parametrize("network", EVERYWHERE)
def test_a_lost_answer_is_found_with_its_pictures(small_world: World, network: str) -> None:
    """The answer to a post with a picture is lost: it is found, and not sent again."""
    world = small_world
    ana = world.user("ana", network)
    world.start_worker()
    world.sandbox.on(network).fault("accept_then_drop")
    job = write(world, ana, network, ["a dog"])
    assert world.until_settled([job]) == {job: State.PUBLISHED}
    assert alts_at(world, network) == [["a dog"]]
    assert world.sandbox.on(network).calls("create") == 1


def test_a_resend_whose_pictures_are_used_is_an_echo(small_world: World) -> None:
    """Mastodon forgot the key and shows nothing yet: that the picture is gone tells it is there."""
    world = small_world
    ana = world.user("ana", "mastodon")
    world.start_worker()
    server = world.sandbox.on("mastodon")
    server.settings(idempotency=False, read_lag=10)
    server.fault("accept_then_drop")
    job = write(world, ana, "mastodon", ["a dog"])
    assert world.until_settled([job]) == {job: State.PUBLISHED}
    assert alts_at(world, "mastodon") == [["a dog"]]
    assert server.calls("create") == 2


def test_a_refused_picture_fails_with_its_code(world: World) -> None:
    """The server does not take a picture: failed, nothing was sent, and the code says why."""
    ana = world.user("ana", "mastodon")
    world.start_worker()
    world.sandbox.on("mastodon").fault("refuse", "upload")
    job = write(world, ana, "mastodon", ["a dog"])
    assert world.until_settled([job]) == {job: State.FAILED}
    assert world.delivery(job).error_code == "picture_refused"
    assert world.sandbox.on("mastodon").calls("create") == 0


def test_an_upload_without_an_answer_is_tried_again(small_world: World) -> None:
    """The line breaks during an upload: nothing is out, so the tweet goes out a moment later."""
    world = small_world
    ana = world.user("ana", "mastodon")
    world.start_worker()
    world.sandbox.on("mastodon").fault("drop", "upload")
    job = write(world, ana, "mastodon", ["a dog"])
    assert world.until_settled([job]) == {job: State.PUBLISHED}
    assert alts_at(world, "mastodon") == [["a dog"]]


@pytest.mark.parametrize("network", ["bluesky", "facebook"])
def test_an_upload_that_must_wait_rests_the_account(small_world: World, network: str) -> None:
    """The network names a time before which it takes no picture: it is left alone until then."""
    world = small_world
    sandbox = world.sandbox.on(network)
    ana = world.user("ana", network)
    sandbox.fault("rate_limit", "upload", reset_in=600)
    world.start_worker()
    job = write(world, ana, network, ["a dog"])
    wait_for(lambda: world.delivery(job).error_code == "rate_limited", what="the wait")
    waiting = world.delivery(job)
    assert (waiting.state, waiting.attempts) == (State.SCHEDULED, 0)
    with world.rows():
        paused_until = db.session.scalars(db.select(Account.paused_until)).one()
    assert paused_until is not None
    assert timedelta(minutes=8) < paused_until - utcnow() < timedelta(minutes=11)
    assert sandbox.calls("upload") == 1


def test_a_worker_dies_between_upload_and_send(make_world: MakeWorld, database_url: str) -> None:
    """Killed during the second upload: the next worker keeps the first one, and posts once."""
    world = make_world(database_url)
    ana = world.user("ana", "mastodon")
    worker = world.start_worker()
    server = world.sandbox.on("mastodon")
    server.fault("accept_then_hang", "upload", seconds=0.1)
    server.fault("accept_then_hang", "upload", seconds=1.5)
    job = write(world, ana, "mastodon", ["a dog", "a cat"])
    wait_for(lambda: server.calls("upload") == 2, what="the second upload")
    world.kill(worker, signal.SIGKILL)
    assert (uploads_of(world, job), server.calls("create")) == (1, 0)
    world.start_worker()
    assert world.until_settled([job]) == {job: State.PUBLISHED}
    assert alts_at(world, "mastodon") == [["a dog", "a cat"]]
    assert server.calls("upload") == 3


def test_pictures_that_the_network_lost_are_uploaded_again(small_world: World) -> None:
    """A rate limit outlives an unused picture at the server: it is brought again, and posted."""
    world = small_world
    ana = world.user("ana", "bluesky")
    world.start_worker()
    server = world.sandbox.on("bluesky")
    server.settings(blob_seconds=1)
    server.fault("rate_limit", reset_in=3)
    job = write(world, ana, "bluesky", ["a dog"])
    assert world.until_settled([job]) == {job: State.PUBLISHED}
    assert alts_at(world, "bluesky") == [["a dog"]]
    assert server.calls("upload") == 2


def test_a_hanging_upload_holds_up_nobody_else(make_world: MakeWorld, sqlite_url: str) -> None:
    """While Ana's upload hangs, Bob's tweets and pictures go out on the same network."""
    world = make_world(sqlite_url, SEND_TIMEOUT="20")
    ana, bob = world.user("ana", "mastodon"), world.user("bob", "mastodon")
    world.start_worker()
    server = world.sandbox.on("mastodon")
    server.fault("accept_then_hang", "upload", handle="ana", seconds=18, count=None)
    slow = [write(world, ana, "mastodon", ["a dog"]) for _ in range(6)]
    wait_for(lambda: server.calls("upload") > 0, what="the hanging upload")
    quick = [write(world, bob, "mastodon", alts) for alts in ([], ["a cat"])]
    assert set(world.until_settled(quick, 15).values()) == {State.PUBLISHED}
    assert State.PUBLISHED not in world.states(slow).values()
    server.mend()


def test_many_accounts_of_one_person_hold_up_nobody_else(small_world: World) -> None:
    """33 accounts of Ana's hang with their uploads; Bob's picture goes out all the same."""
    world = small_world
    ana, bob = world.user("ana0", "mastodon"), world.user("bob", "mastodon")
    others = [f"ana{number}" for number in range(1, 33)]
    ids = [*world.accounts_of(ana), *(world.connect(ana, "mastodon", name) for name in others)]
    server = world.sandbox.on("mastodon")
    for name in ["ana0", *others]:
        server.fault("accept_then_hang", "upload", handle=name, seconds=18, count=None)
    picture = take_picture(world, ana, "a dog")
    with world.rows():
        db.session.get_one(User, ana).tweet_later("A dog", accounts=ids, pictures=[picture])

    def all_were_taken() -> bool:
        with world.rows():
            return db.session.scalar(db.select(db.func.min(Delivery.fence))) != 0

    world.start_worker(SEND_TIMEOUT="20")
    wait_for(all_were_taken, what="a place for as many as there is room for")
    quick = write(world, bob, "mastodon", ["a cat"])
    assert world.until_settled([quick], 15) == {quick: State.PUBLISHED}
    assert [post["handle"] for post in server.accepted()] == ["bob"]
    server.mend()


def test_a_thread_carries_pictures_in_any_part(world: World) -> None:
    """The second part has a picture; both parts are one thread."""
    ana = world.user("ana", "bluesky")
    world.start_worker()
    picture = take_picture(world, ana, "a dog")
    job = write_thread(world, ana, ["One", "Two", "Three"], {1: [picture]}, "bluesky")
    assert world.until_settled([job]) == {job: State.PUBLISHED}
    assert chains(world.sandbox.on("bluesky").accepted()) == [["One", "Two", "Three"]]
    assert alts_at(world, "bluesky") == [[], ["a dog"], []]


def test_a_network_without_threads_gets_one_post(small_world: World) -> None:
    """Facebook has no threads: all parts and pictures are one post."""
    world = small_world
    ana = world.user("ana", "facebook")
    world.start_worker()
    given = {0: [take_picture(world, ana, "a dog")], 1: [take_picture(world, ana, "a cat")]}
    job = write_thread(world, ana, ["One", "Two"], given, "facebook")
    assert world.until_settled([job]) == {job: State.PUBLISHED}
    assert list(world.sandbox.on("facebook").texts()) == ["One\n\nTwo"]
    assert alts_at(world, "facebook") == [["a dog", "a cat"]]


def test_a_mention_becomes_a_link(small_world: World) -> None:
    """A handle that is mentioned on Bluesky is looked up before the tweet is stored as sent."""
    world = small_world
    ana = world.user("ana", "bluesky")
    world.user("bob", "bluesky")
    world.start_worker()
    job = write_thread(world, ana, ["Hello @bob.test"], network="bluesky")
    assert world.until_settled([job]) == {job: State.PUBLISHED}
    with world.rows():
        body = db.session.scalars(db.select(Attempt.body).where(Attempt.delivery_id == job)).one()
    assert body["record"]["facets"][0]["features"][0]["did"].startswith("did:")
