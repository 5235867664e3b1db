"""A worker takes the queues that it was given, and leaves the others to other workers."""

from __future__ import annotations

import os
import signal
import socket
import time
from typing import Any

import psutil
import pytest

from app import background, broker, monitoring
from app.db import db, from_now
from app.kinds import QUEUES
from app.models import Attempt, BackgroundTask, Worker
from app.states import State
from tests.conftest import MakeWorld
from tests.support.waiting import wait_for
from tests.support.world import World

pytestmark = pytest.mark.slow


def queues_of(world: World) -> set[str]:
    """Return what the workers say they take, one string for each."""
    with world.rows():
        return set(db.session.scalars(db.select(Worker.queues)))


def test_only_who_publishes_makes_create_calls(make_world: MakeWorld, database_url: str) -> None:
    """While nobody takes ``publish`` nothing goes out; then all of it does, once."""
    world = make_world(database_url)
    publishes = world.start_worker("-Q", "publish")
    world.start_worker("-Q", "import,mail")
    assert queues_of(world) == {"publish", "import,mail"}
    ana = world.user("ana")
    os.kill(publishes.pid, signal.SIGSTOP)
    jobs = [world.tweet_later(ana, f"one of many, {n}") for n in range(10)]
    with world.rows():
        wait_for(lambda: sum(broker.waiting_messages().values()) >= 1, what="messages")
    time.sleep(8)  # longer than after which a scheduler publishes what nobody claims
    assert world.sandbox.accepted() == []
    os.kill(publishes.pid, signal.SIGCONT)
    assert set(world.until_settled(jobs).values()) == {State.PUBLISHED}
    assert len(world.sandbox.accepted()) == 10


def test_a_flood_of_messages(make_world: MakeWorld, postgres_url: str) -> None:
    """A message of each tweet: none is kept by Redis once it is taken, and each goes out once."""
    world = make_world(postgres_url, MAX_WAITING_TWEETS="10000")
    people = [world.user(f"ana{n}") for n in range(30)]
    jobs = [world.tweet_later(one, f"{n} of {one}") for n in range(20) for one in people]
    world.sandbox.fault("slow", seconds=0.5, count=None)
    for _ in range(2):
        world.start_worker()
    wait_for(lambda: len(world.sandbox.accepted()) >= 20, what="the first tweets")
    assert world.valkey.command("EXISTS", "unacked", "unacked_index") == 0
    assert set(world.until_settled(jobs, seconds=120).values()) == {State.PUBLISHED}
    assert len(world.sandbox.accepted()) == len(jobs)
    assert world.valkey.command("EXISTS", "unacked", "unacked_index") == 0


def test_the_environment_chooses_for_workers_without_a_choice(small_world: World) -> None:
    """``WORKER_QUEUES`` counts without ``-Q``, and without both a worker takes everything."""
    small_world.start_worker(WORKER_QUEUES="lookup,mail")
    assert queues_of(small_world) == {"lookup,mail"}
    small_world.start_worker("-Q", "import", WORKER_QUEUES="lookup,mail")
    assert queues_of(small_world) == {"lookup,mail", "import"}
    small_world.start_worker()
    assert ",".join(sorted(QUEUES)) in queues_of(small_world)


def test_look_ups_are_made_by_who_takes_them(make_world: MakeWorld, database_url: str) -> None:
    """What one worker could not confirm, another one looks up."""
    world = make_world(database_url)
    world.start_worker("-Q", "publish")
    ana = world.user("ana")
    world.sandbox.fault("accept_then_drop", count=1)
    job = world.tweet_later(ana, "did it arrive?")
    wait_for(lambda: world.states([job])[job] == State.UNCONFIRMED, what="an unknown outcome")
    time.sleep(2)
    assert world.states([job])[job] == State.UNCONFIRMED
    world.start_worker("-Q", "lookup")
    assert world.until_settled([job])[job] == State.PUBLISHED
    assert len(world.sandbox.accepted()) == 1


def test_work_that_nobody_takes_is_said(make_world: MakeWorld, sqlite_url: str) -> None:
    """While a worker lives that leaves the queue, ``/healthz`` names ``queues``."""
    world = make_world(sqlite_url)
    world.start_worker("-Q", "import,mail")
    with world.rows():
        assert monitoring.problems() == []
        background.ask_for("long-task")
        late = from_now(-2 * monitoring.UNTAKEN)
        db.session.execute(db.update(BackgroundTask).values(next_at=late, due_at=late))
        db.session.commit()
        assert monitoring.problems() == ["queues"]
    ana = world.user("ana")
    world.tweet_later(ana, "who takes it?")
    world.start_worker("-Q", "maintenance")
    with world.rows():
        wait_for(lambda: monitoring.problems() == ["queues"], what="the tweet being late")
        world.start_worker("-Q", "publish")
        wait_for(lambda: monitoring.problems() == [], what="an end of it")


def test_workers_say_what_they_are(make_world: MakeWorld, database_url: str) -> None:
    """Host, pid, threads and memory as the system says; what has ended, as the rows say."""
    world = make_world(database_url)
    worker = world.start_worker(VERSION="v42")
    ana = world.user("ana")
    world.sandbox.fault("status", status=403, handle="ben", count=None)
    ben = world.user("ben")
    jobs = [world.tweet_later(ana, f"one of many, {n}") for n in range(20)]
    jobs += [world.tweet_later(ben, f"one of few, {n}") for n in range(3)]
    states = list(world.until_settled(jobs).values())

    def row() -> Any:
        with world.rows():
            return db.session.execute(db.select(Worker.__table__)).one()

    failed = states.count(State.FAILED)
    wait_for(lambda: (row().processed, row().failed) == (len(jobs), failed), what="a heartbeat")
    said, process = row(), psutil.Process(worker.pid)
    assert (said.host, said.pid, said.version) == (socket.gethostname(), worker.pid, "v42")
    assert abs(said.threads - process.num_threads()) <= 4
    assert 0.7 < said.memory_bytes / process.memory_info().rss < 1.3
    with world.rows():
        made_by = set(db.session.scalars(db.select(Attempt.worker)))
        assert {str(name).rpartition(":")[0] for name in made_by} == {said.name}
        assert monitoring.ask_to_stop(said.name)
        assert not monitoring.ask_to_stop("nobody:1")
        db.session.commit()
    assert worker.wait(40) == 0
