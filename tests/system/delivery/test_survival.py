"""Real processes are killed, flushed and cut off: nothing is lost, doubled or early."""

from __future__ import annotations

import random
import signal
import time
from datetime import datetime, timedelta

from app.db import db
from app.states import State
from tests.support.crowd import until_posts_arrive
from tests.support.freezing import freeze_the_only_one
from tests.support.waiting import wait_for
from tests.support.world import World


def schedule_many(world: World, count: int, within: float, people: int = 5) -> dict[str, str]:
    """Schedule tweets of several people; return job ids by text."""
    users = [world.user(f"person{n}") for n in range(people)]
    return {
        f"tweet {n} of {count}": world.tweet_later(
            users[n % people],
            f"tweet {n} of {count}",
            timedelta(seconds=2 + within * random.random()),
        )
        for n in range(count)
    }


def assert_each_once_and_not_early(world: World, jobs: dict[str, str]) -> None:
    """Every tweet is at the network exactly once, was not early, and its row says so."""
    states = world.until_settled(list(jobs.values()))
    accepted = world.sandbox.accepted()
    texts = [tweet["text"] for tweet in accepted]
    assert sorted(texts) == sorted(jobs)
    assert set(states.values()) == {State.PUBLISHED}
    for text, job_id in jobs.items():
        delivery = world.delivery(job_id)
        assert delivery.lateness_ms is not None
        assert delivery.lateness_ms >= 0, text
        tweet = next(tweet for tweet in accepted if tweet["text"] == text)
        assert delivery.remote_id == tweet["id"]
        assert datetime.fromisoformat(tweet["created_at"]) >= delivery.due_at, text


def test_killing_the_worker_in_the_middle_of_posts(small_world: World) -> None:
    """SIGKILL while posts are on their way: each is out once, and its row says so."""
    world = small_world
    world.sandbox.fault("slow", seconds=0.3, count=None)
    worker = world.start_worker()
    jobs = schedule_many(world, 100, within=10)
    kills = 0
    while kills < 5 and world.sandbox.calls() < 90:
        until_posts_arrive(world, jobs.values(), least=3)
        world.kill(worker)
        kills += 1
        worker = world.start_worker()
    assert kills >= 2
    assert_each_once_and_not_early(world, jobs)


def test_flushall_with_tweets_scheduled_and_queued(world: World) -> None:
    """The broker's memory may vanish at any moment; the rows are the schedule."""
    world.start_worker()
    jobs = schedule_many(world, 40, within=5)
    for _ in range(15):
        world.valkey.flush()
        time.sleep(0.3)  # the pace of the fault, not a wait for anything
    assert_each_once_and_not_early(world, jobs)


def test_two_workers_at_once(world: World) -> None:
    """Two workers with a scheduler each share the work without doubling any."""
    world.start_worker()
    world.start_worker()
    assert_each_once_and_not_early(world, schedule_many(world, 60, within=3))


def test_accepted_and_then_the_line_drops(world: World) -> None:
    """A tweet that X took without an answer is looked up and never sent again."""
    world.sandbox.fault("accept_then_drop", count=5)
    world.start_worker()
    jobs = schedule_many(world, 20, within=1)
    assert_each_once_and_not_early(world, jobs)
    assert world.sandbox.calls("create") == 20


def test_dropped_before_accepting_is_resent_once_after_looking(small_world: World) -> None:
    """A tweet that X never got is sent again, but only when every look-up came back empty."""
    world = small_world
    world.sandbox.fault("drop", count=1)
    world.start_worker()
    job_id = world.tweet_later(world.user("ana"), "please arrive")
    world.until_state(job_id, State.PUBLISHED)
    assert world.calls_begun(job_id) == [2]
    assert world.sandbox.texts() == {"please arrive": 1}
    assert world.sandbox.calls("timeline") >= 3


def test_redis_down_all_the_time(small_world: World) -> None:
    """Without Redis tweets still go out, on time, by the worker's own publisher."""
    world = small_world
    world.start_worker()
    world.valkey.stop()
    try:
        jobs = schedule_many(world, 10, within=2)
        assert_each_once_and_not_early(world, jobs)
        lateness = [world.delivery(job_id).lateness_ms or 0 for job_id in jobs.values()]
        assert max(lateness) < 10_000
    finally:
        world.valkey.start()


def test_sigterm_lets_posts_finish_and_hands_the_rest_back(small_world: World) -> None:
    """A deploy ends within 25 s with nothing half done; the next worker does the rest."""
    world = small_world
    world.sandbox.fault("slow", seconds=1, count=None)
    worker = world.start_worker()
    jobs = schedule_many(world, 30, within=0.5)
    wait_for(lambda: world.sandbox.calls() > 0, what="the first post")
    started = time.monotonic()
    world.kill(worker, signal.SIGTERM)
    assert time.monotonic() - started < 25
    unfinished = {State.CLAIMED, State.SENDING, State.UNCONFIRMED}
    assert not unfinished & set(world.states(list(jobs.values())).values())
    world.sandbox.mend()
    world.start_worker()
    assert_each_once_and_not_early(world, jobs)


def test_a_worker_that_sleeps_through_its_lease(small_world: World) -> None:
    """SIGSTOP for longer than a lease, then SIGCONT: it neither sends nor overwrites."""
    world = small_world
    world.sandbox.fault("slow", seconds=0.5, count=None)
    sleeper = world.start_worker()
    jobs = schedule_many(world, 30, within=2)
    wait_for(lambda: world.sandbox.calls() > 3, what="posts under way")
    freeze_the_only_one(world, sleeper)
    world.start_worker()
    time.sleep(6)  # longer than the lease of these settings
    world.kill(sleeper, signal.SIGCONT)
    assert_each_once_and_not_early(world, jobs)


def test_a_chore_that_always_fails(small_world: World) -> None:
    """A table that only the worker's chores need is gone: tweets go out all the same."""
    world = small_world
    world.start_worker()
    ana = world.user("ana")
    with world.rows():
        db.session.execute(db.text("DROP TABLE workers"))
        db.session.commit()
    job = world.tweet_later(ana, "After the first of its failures", timedelta(seconds=6))
    world.until_state(job, State.PUBLISHED)
