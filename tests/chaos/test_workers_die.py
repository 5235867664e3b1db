"""Workers are killed, replaced and frozen at random moments while X takes 200 ms for a tweet."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import inspect

from app.models import Delivery
from app.states import State
from tests.support.crowd import rows_of, seeded, until_posts_arrive, write_tweets
from tests.support.figures import promise_kept, sized
from tests.support.freezing import holds_sqlite, signal_all
from tests.support.gate import Gate
from tests.support.waiting import wait_for
from tests.support.world import Process, World

PEOPLE = [f"person{n}" for n in range(5)]
ROUNDS = sized(2, 10)
"""How often a worker ends."""
WAVE = sized(30, 50)
"""Tweets that come due around each end of a worker."""
GRACE = 25.0
"""Seconds that a platform leaves a worker after SIGTERM, and a few to spare."""
FROZEN = sized(8.0, 60.0)
"""Seconds that a worker sleeps: longer than the lease of these settings."""


@pytest.fixture
def slow_world(world: World) -> World:
    """X takes its time, and does not hide a tweet that is sent twice."""
    world.sandbox.settings(duplicate_window=0)
    world.sandbox.fault("slow", seconds=0.2, count=None)
    return world


def test_workers_killed_at_random_moments(slow_world: World) -> None:
    """SIGKILL in the middle of posts, again and again: each tweet is out exactly once."""
    world, chance = slow_world, seeded()
    worker = world.start_worker()
    jobs: dict[str, str] = {}
    for number in range(ROUNDS):
        jobs |= write_tweets(world, f"kill {number}", PEOPLE, WAVE, within=2)
        until_posts_arrive(world, jobs.values())
        time.sleep(chance.uniform(0, 1.5))  # the moment of the fault
        world.kill(worker)
        worker = world.start_worker()
    world.until_settled(list(jobs.values()))
    promise_kept(world, jobs, f"{ROUNDS} SIGKILLs")
    assert_only_losses_ask(world, jobs)


def assert_only_losses_ask(world: World, jobs: dict[str, str]) -> None:
    """Everything is out but what was lost, by chance, twice between its intent and its call."""
    asked = [row for row in rows_of(world, jobs) if row.state != State.PUBLISHED]
    assert all(row.state == State.REVIEW and row.resends == 1 for row in asked), asked
    assert len(asked) <= len(jobs) // 50


def test_a_deploy_leaves_nothing_unconfirmed(slow_world: World) -> None:
    """SIGTERM while a new worker starts: X is asked once for each tweet, and never looked up."""
    world, chance = slow_world, seeded()
    worker = world.start_worker()
    jobs: dict[str, str] = {}
    longest = 0.0
    for number in range(ROUNDS):
        jobs |= write_tweets(world, f"deploy {number}", PEOPLE, WAVE, within=2)
        until_posts_arrive(world, jobs.values())
        time.sleep(chance.uniform(0, 1.5))  # the moment of the fault
        worker, took = replace(world, worker, new_first=chance.random() < 0.5)
        longest = max(longest, took)
    world.until_settled(list(jobs.values()))
    promise_kept(world, jobs, f"{ROUNDS} SIGTERMs (longest {longest:.1f} s)")
    assert longest < GRACE
    rows = rows_of(world, jobs)
    assert {row.state for row in rows} == {State.PUBLISHED}
    assert [row.id for row in rows if row.unconfirmed_at] == []
    assert world.sandbox.calls("timeline") == 0
    assert world.sandbox.calls() == len(jobs)


def replace(world: World, old: Process, *, new_first: bool) -> tuple[Process, float]:
    """Deploy: a new worker starts before or while the old one ends.

    :return: the new one, and the seconds after which the old one was seen to have ended.
    """
    if new_first:
        new = world.start_worker()
        began = time.monotonic()
        os.killpg(old.pid, signal.SIGTERM)
    else:
        began = time.monotonic()
        os.killpg(old.pid, signal.SIGTERM)
        new = world.start_worker()
    old.wait(60)
    return new, time.monotonic() - began


def test_a_worker_that_wakes_after_its_lease_does_nothing(slow_world: World) -> None:
    """SIGSTOP in the middle of posts, SIGCONT when others did the work: no byte, no overwriting."""
    world, chance = slow_world, seeded()
    people = [f"person{n}" for n in range(20)]
    with closing(Gate(world.sandbox.port)) as gate:
        gated = [world.start_worker(X_API_URL=gate.url) for _ in range(sized(1, 2))]
        jobs = write_tweets(world, "gated", people, sized(40, 250))
        freeze_before_any_byte(world, gated, jobs)
        caught = intents(world, jobs)
        gate.open()
        posting = [world.start_worker() for _ in range(sized(1, 2))]
        jobs |= write_tweets(world, "frozen", people, sized(60, 250), within=2)
        freeze_at_work(world, posting, jobs, caught, chance)
        asleep_since = time.monotonic()
        keeper = world.start_worker()
        world.until_settled(list(jobs.values()))
        time.sleep(max(0, FROZEN - (time.monotonic() - asleep_since)))  # the length of the fault
        world.kill(keeper, signal.SIGTERM)
        before, calls = contents(world, jobs), world.sandbox.calls()

        signal_all(world, gated + posting, signal.SIGCONT)
        # They are awake when they publish; what they held before would have gone out by then.
        signs = write_tweets(world, "awake again", people, 40, within=3)
        world.until_settled(list(signs.values()))
    name = f"{len(gated + posting)} workers frozen for {FROZEN:.0f} s"
    promise_kept(world, jobs | signs, f"{name}, {caught} or more before a call")
    assert contents(world, jobs) == before
    assert world.sandbox.calls() == calls + len(signs)
    assert_only_losses_ask(world, jobs)


def test_a_worker_that_wakes_and_finds_its_own_work_waiting(slow_world: World) -> None:
    """Nobody else was there: it claims again what it had claimed, and sends it once."""
    world = slow_world
    world.sandbox.mend()
    world.sandbox.fault("slow", seconds=1, count=None)
    worker = world.start_worker()
    people = [f"person{n}" for n in range(sized(4, 20))]
    jobs = write_tweets(world, "alone", people, sized(60, 500), within=0)
    # An account's other tweets wait, claimed, for its first.
    until_posts_arrive(world, jobs.values())
    signal_all(world, [worker], signal.SIGSTOP)
    time.sleep(FROZEN)  # the length of the fault
    signal_all(world, [worker], signal.SIGCONT)
    world.until_settled(list(jobs.values()))
    promise_kept(world, jobs, f"the only worker frozen for {FROZEN:.0f} s")
    assert {row.state for row in rows_of(world, jobs)} == {State.PUBLISHED}


def freeze_before_any_byte(world: World, workers: list[Process], jobs: dict[str, str]) -> None:
    """Stop workers whose intents are stored and whose connections hang."""

    def being_sent() -> int:
        return list(world.states(list(jobs.values())).values()).count(State.SENDING)

    wait_for(lambda: being_sent() > 2, what="intents")
    freeze(world, workers, lambda: being_sent() > 2)
    assert world.sandbox.calls() == 0


def intents(world: World, jobs: dict[str, str]) -> int:
    """Return how often a worker stored that it was about to send one of these."""
    return sum(row.attempts for row in rows_of(world, jobs))


def freeze_at_work(
    world: World,
    workers: list[Process],
    jobs: dict[str, str],
    caught: int,
    chance: random.Random,
) -> None:
    """Stop workers at random moments, and if it can be between a stored intent and its call.

    :param caught: intents of other workers, who were stopped before their calls.
    """
    until_posts_arrive(world, jobs.values())

    def in_between() -> bool:
        time.sleep(0.1)  # what has left arrives
        everything_began = all(row.attempts for row in rows_of(world, jobs))
        return everything_began or intents(world, jobs) > caught + world.sandbox.calls()

    freeze(world, workers, in_between, lambda: chance.uniform(0, 0.05))


def freeze(
    world: World,
    workers: list[Process],
    good_moment: Callable[[], bool],
    pause: Callable[[], float] = lambda: 0.05,
) -> None:
    """Stop workers; let them go on for a moment until they stop at a good one.

    None is good at which one holds SQLite's only write lock: that stops everybody, and is another
    scenario.
    """
    for _ in range(200):
        signal_all(world, workers, signal.SIGSTOP)
        if good_moment() and not holds_sqlite(world):
            return
        signal_all(world, workers, signal.SIGCONT)
        time.sleep(pause())
    raise AssertionError("no good moment")


NAMES = [attribute.key for attribute in inspect(Delivery).column_attrs]


def contents(world: World, jobs: dict[str, str]) -> dict[str, Any]:
    """Return every column of these rows."""
    return {row.id: {name: getattr(row, name) for name in NAMES} for row in rows_of(world, jobs)}
