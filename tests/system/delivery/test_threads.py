"""Threads: strictly in order, each part on the one before, and only what is missing again."""

from __future__ import annotations

import signal

import pytest
import requests

from app.db import db
from app.models import Delivery, Tweet
from app.models.tweet import PartlyOut
from app.states import State
from tests.conftest import MakeWorld
from tests.support.threads import chains, write_thread
from tests.support.waiting import wait_for
from tests.support.world import World

PARTS = ["One", "Two", "Three"]


def thread_with_broken_second_call(
    world: World, user_id: int, kind: str, texts: list[str] = PARTS, network: str = "x"
) -> str:
    """Write a thread whose first part is accepted, and whose second call breaks."""
    played = world.sandbox.on(network)
    played.fault(kind, skip=1)
    job = write_thread(world, user_id, texts, network=network)
    wait_for(played.accepted, what="the first part")
    return job


def posted(world: World, job: str) -> list[str]:
    """Return the remote ids of the parts that are out."""
    return [part["remote_id"] for part in world.delivery(job).posted]


def retry(world: World, job: str) -> None:
    """Press Retry."""
    with world.rows():
        db.session.get_one(Delivery, job).tweet.retry()


def test_a_thread_goes_out_in_order(world: World) -> None:
    """Three parts, each answering the one before; the job is done with the last one's id kept."""
    ana = world.user("ana")
    world.start_worker()
    job = write_thread(world, ana, PARTS)
    assert world.until_settled([job]) == {job: State.PUBLISHED}
    sent = world.sandbox.accepted()
    assert chains(sent) == [PARTS]
    delivery = world.delivery(job)
    assert posted(world, job) == [tweet["id"] for tweet in sent]
    assert delivery.remote_id == sent[0]["id"]
    assert world.calls_begun(job) == [3]


def test_a_refused_part_stops_the_rest_and_retry_sends_what_is_missing(world: World) -> None:
    """Part two is refused: failed with one out. Retry sends two and three, on the first."""
    ana = world.user("ana")
    world.start_worker()
    job = thread_with_broken_second_call(world, ana, "refuse")
    assert world.until_settled([job]) == {job: State.FAILED}
    assert world.sandbox.calls() == 2
    assert posted(world, job) == [tweet["id"] for tweet in world.sandbox.accepted()]
    retry(world, job)
    assert world.until_settled([job]) == {job: State.PUBLISHED}
    assert chains(world.sandbox.accepted()) == [PARTS]
    assert world.sandbox.calls() == 4


def test_a_lost_answer_is_looked_up_before_the_next_part(world: World) -> None:
    """The answer to part two is lost: it is found, nothing is doubled, and part three follows."""
    ana = world.user("ana")
    world.start_worker()
    job = thread_with_broken_second_call(world, ana, "accept_then_drop")
    assert world.until_settled([job]) == {job: State.PUBLISHED}
    assert chains(world.sandbox.accepted()) == [PARTS]
    assert world.sandbox.calls() == 3
    assert world.sandbox.calls("timeline") > 0


@pytest.mark.parametrize("network", ["mastodon", "bluesky"])
@pytest.mark.parametrize("kind", ["accept_then_drop", "accept_then_status", "drop", "refuse"])
def test_other_networks_keep_the_order_too(small_world: World, network: str, kind: str) -> None:
    """The second part's call fails in some way: each part is there once, on the one before."""
    world = small_world
    ana = world.user("ana", network)
    world.start_worker()
    job = thread_with_broken_second_call(world, ana, kind, network=network)
    if world.until_settled([job])[job] == State.FAILED:
        retry(world, job)
    assert world.until_settled([job]) == {job: State.PUBLISHED}
    played = world.sandbox.on(network).accepted()
    assert chains(played) == [PARTS]
    assert posted(world, job) == [post["id"] for post in played]


def test_an_unconfirmed_part_stops_the_rest(small_world: World) -> None:
    """No look-up can be made: its owner is asked, and nothing goes out until they answer."""
    world = small_world
    ana = world.user("ana")
    world.start_worker()
    world.sandbox.fault("refuse", "timeline", count=None)
    job = thread_with_broken_second_call(world, ana, "accept_then_drop")
    assert world.until_settled([job]) == {job: State.REVIEW}
    assert world.sandbox.calls() == 2
    world.sandbox.mend()
    retry(world, job)
    assert world.until_settled([job]) == {job: State.PUBLISHED}
    assert chains(world.sandbox.accepted()) == [PARTS]


def test_its_owner_says_that_a_part_is_there(small_world: World) -> None:
    """Nobody can look: with "it is there", parts two and three count as out, one as the link."""
    world = small_world
    ana = world.user("ana")
    world.start_worker()
    world.sandbox.fault("refuse", "timeline", count=None)
    job = thread_with_broken_second_call(world, ana, "accept_then_drop")
    for calls in (2, 3):
        world.until_state(job, State.REVIEW)
        assert world.sandbox.calls() == calls
        if calls == 2:
            world.sandbox.fault("accept_then_drop")
        with world.rows():
            db.session.get_one(Delivery, job).tweet.confirm()
    first, second, third = world.sandbox.accepted()
    assert world.delivery(job).state == State.PUBLISHED
    assert world.delivery(job).remote_id == first["id"]
    assert posted(world, job) == [first["id"], None, None]
    assert (second["in_reply_to"], third["in_reply_to"]) == (first["id"], first["id"])


def test_equal_parts_are_told_apart_by_what_they_answer(small_world: World) -> None:
    """Three times the same text, one answer lost: each part is bound to its own post."""
    world = small_world
    world.sandbox.settings(duplicate_window=0)
    ana = world.user("ana")
    world.start_worker()
    job = thread_with_broken_second_call(world, ana, "accept_then_drop", ["Again"] * 3)
    assert world.until_settled([job]) == {job: State.PUBLISHED}
    assert chains(world.sandbox.accepted()) == [["Again"] * 3]
    assert posted(world, job) == [tweet["id"] for tweet in world.sandbox.accepted()]


def test_a_tweet_does_not_take_a_threads_part_for_its_own(small_world: World) -> None:
    """X never got a tweet whose text is also a part's: it is sent, not bound to that part."""
    world = small_world
    world.sandbox.settings(duplicate_window=0)
    ana = world.user("ana")
    world.start_worker()
    world.sandbox.fault("refuse", "timeline", count=None)  # until the thread is out
    world.sandbox.fault("drop")
    lost = world.tweet_later(ana, "Two")
    world.until_state(lost, State.UNCONFIRMED)
    thread = write_thread(world, ana, PARTS)
    assert world.until_settled([thread]) == {thread: State.PUBLISHED}
    world.sandbox.mend()
    world.until_settled([lost])
    assert world.sandbox.texts() == {"One": 1, "Two": 2, "Three": 1}
    assert world.delivery(lost).remote_id not in posted(world, thread)


def test_a_thread_can_be_taken_back_between_its_parts(small_world: World) -> None:
    """Part two has to wait: cancelling keeps it and part three from going out."""
    world = small_world
    ana = world.user("ana")
    world.start_worker()
    job = thread_with_broken_second_call(world, ana, "rate_limit")
    wait_for(lambda: world.sandbox.calls() == 2, what="the second call")
    world.until_state(job, State.SCHEDULED)
    with world.rows():
        db.session.get_one(Delivery, job).tweet.cancel()
    assert world.delivery(job).state == State.CANCELLED
    assert posted(world, job) == [tweet["id"] for tweet in world.sandbox.accepted()]


def test_an_edit_of_a_thread_that_began_is_refused(small_world: World) -> None:
    """One part is out: its text stays what it is, and the owner is told so."""
    world = small_world
    ana = world.user("ana")
    world.start_worker()
    job = thread_with_broken_second_call(world, ana, "refuse")
    world.until_settled([job])
    with world.rows():
        tweet = db.session.get_one(Delivery, job).tweet
        with pytest.raises(PartlyOut):
            tweet.edit("Something else")
        assert db.session.get_one(Tweet, tweet.id).text == "One"


def test_a_worker_dies_in_the_middle_of_threads(make_world: MakeWorld, database_url: str) -> None:
    """Fifty threads of three, the worker killed on the way: none lost, none doubled, in order."""
    world = make_world(database_url)
    world.sandbox.settings(duplicate_window=0)
    people = [world.user(f"writer{number}") for number in range(10)]
    world.sandbox.fault("slow", seconds=0.3, count=None)
    worker = world.start_worker()
    threads = {
        write_thread(world, people[n % 10], [f"{n}: {part}" for part in PARTS]): n
        for n in range(50)
    }
    wait_for(lambda: len(world.sandbox.accepted()) >= 40, what="the middle")
    world.kill(worker, signal.SIGKILL)
    world.start_worker()
    states = world.until_settled(list(threads))
    assert set(states.values()) == {State.PUBLISHED}
    wanted = sorted([f"{n}: {part}" for part in PARTS] for n in range(50))
    assert sorted(chains(world.sandbox.accepted())) == wanted


def test_a_server_that_stumbles_over_a_missing_parent(small_world: World) -> None:
    """It answers 500 when the part before was deleted: that is said, and nothing is sent again."""
    world, mastodon = small_world, small_world.sandbox.on("mastodon")
    mastodon.settings(software="gotosocial", stumbles_without_parent=True)
    ana = world.user("ana", "mastodon")
    world.start_worker()
    mastodon.fault("accept_then_hang", seconds=1)
    job = write_thread(world, ana, PARTS[:2], network="mastodon")
    (first,) = wait_for(mastodon.accepted, what="the first part")
    token = mastodon.token("ana")["access_token"]
    address = f"{mastodon.url}/api/v1/statuses/{first['id']}"
    requests.delete(address, headers={"Authorization": f"Bearer {token}"}, timeout=10)
    delivery = world.until_state(job, State.REVIEW, State.FAILED, State.PUBLISHED)
    assert (delivery.state, delivery.error_code) == (State.REVIEW, "parent_gone")
    assert [tweet["text"] for tweet in mastodon.accepted()] == PARTS[:1]
