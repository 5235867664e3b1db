"""Clocks that disagree, jump and step back: of workers, of the database, of the whole machine."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from app.db import db, utcnow
from app.models import Worker
from app.states import State
from tests.conftest import MakeWorld
from tests.support.clocks import PostgresClock, ProcessClock
from tests.support.crowd import rows_of, until_all, until_posts_arrive, write_tweets
from tests.support.figures import measure, promise_kept, sized
from tests.support.waiting import wait_for
from tests.support.world import World

pytestmark = pytest.mark.timeout(sized(600, 900))

HOUR = 3600.0
PEOPLE = [f"person{n}" for n in range(6)]
MANY = sized(60, 500)
SOME = sized(12, 120)

Move = Callable[[float], None]


@pytest.fixture
def moving(
    make_world: MakeWorld, database_url: str, tmp_path: Path
) -> Iterator[tuple[World, Move]]:
    """An installation, and how to set the clock by which it decides so many seconds ahead."""
    if database_url.startswith("postgres"):
        clock = PostgresClock(database_url)
        yield make_world(database_url, RECONCILE_GIVE_UP_AFTER="5"), clock.set
        clock.close()
    else:
        here = ProcessClock(tmp_path / "clock")
        yield make_world(database_url, RECONCILE_GIVE_UP_AFTER="5", **here.environ), here.set


def test_a_moved_clock_is_moved(tmp_path: Path, postgres_url: str) -> None:
    """What these scenarios move is what the program reads, also while it runs."""
    clock = ProcessClock(tmp_path / "clock", ahead=-60)
    code = (
        "import sqlite3, time, datetime\n"
        "print(time.time(), flush=True); input()\n"
        "connection = sqlite3.connect(':memory:')\n"
        "now = datetime.datetime.now(datetime.timezone.utc).timestamp()\n"
        "query = \"SELECT (julianday('now') - 2440587.5) * 86400\"\n"
        "print(now, connection.execute(query).fetchone()[0])\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, **clock.environ},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdin
        first = float(process.stdout.readline())
        clock.set(HOUR)
        time.sleep(0.5)  # it follows within a moment
        process.stdin.write("\n")
        process.stdin.flush()
        now, julian = map(float, process.stdout.readline().split())
    assert first == pytest.approx(time.time() - 60, abs=10)
    assert now == pytest.approx(time.time() + HOUR, abs=10)
    assert julian == pytest.approx(now, abs=1)
    with closing(PostgresClock(postgres_url)) as database:
        database.set(-HOUR)
        with psycopg.connect(postgres_url) as connection:
            row = connection.execute("SELECT EXTRACT(EPOCH FROM statement_timestamp())").fetchone()
    assert row
    assert float(row[0]) == pytest.approx(time.time() - HOUR, abs=10)


def test_workers_disagree_about_the_time(
    make_world: MakeWorld, postgres_url: str, tmp_path: Path
) -> None:
    """Four schedulers: a minute ahead, a minute behind, right, and one that jumps.

    They decide by the database's clock, so none of them is early, late or sees another as dead.
    """
    world = make_world(postgres_url)
    world.sandbox.settings(duplicate_window=0)
    world.sandbox.fault("accept_then_drop", handle=PEOPLE[0], count=None)
    jumping = ProcessClock(tmp_path / "jumping")
    clocks = [jumping, *(ProcessClock(tmp_path / f"{n}", n) for n in (60, -60, 0))]
    for clock in clocks:
        world.start_worker(**clock.environ)
    jobs = write_tweets(world, "disagree", PEOPLE, MANY, within=sized(4, 20))
    until_posts_arrive(world, jobs.values(), len(jobs) // 4)
    jumping.set(HOUR)
    until_posts_arrive(world, jobs.values(), len(jobs) // 4)
    jumping.set(-HOUR)
    world.until_settled(list(jobs.values()))
    figures = promise_kept(world, jobs, "clocks of workers: +1 min, -1 min, right, jumping an hour")
    assert figures.states == {State.PUBLISHED: len(jobs)}
    assert figures.longest < 10
    with world.rows():
        beats = list(db.session.scalars(db.select(Worker.seen_at)))
    assert len(beats) == len(clocks)
    assert (max(beats) - min(beats)).total_seconds() < 30


def test_the_clock_jumps_ahead_in_the_middle(moving: tuple[World, Move]) -> None:
    """Leases and look-ups seem to be over an hour early: nothing is sent again for that."""
    world, move = moving
    world.sandbox.settings(duplicate_window=0)
    world.sandbox.fault("slow", seconds=0.5, count=None)
    world.start_worker()
    jobs = write_tweets(world, "ahead", PEOPLE, SOME, within=0.01)
    until_posts_arrive(world, jobs.values())
    move(HOUR)
    states = world.until_settled(list(jobs.values()))
    promise_kept(world, jobs, "the deciding clock jumps an hour ahead")
    assert set(states.values()) == {State.PUBLISHED}


def test_answers_lost_while_the_clock_is_wrong(moving: tuple[World, Move]) -> None:
    """X dates a tweet an hour before we sent it: that is no proof that it is not the one.

    It is not sent again; when nothing more can be known, its owner is asked.
    """
    world, move = moving
    world.sandbox.settings(duplicate_window=0)
    world.sandbox.fault("accept_then_drop", count=None)
    jobs = write_tweets(world, "an hour too far", PEOPLE, SOME, within=0.01)
    wait_for(lambda: all(row.due_at < utcnow() for row in rows_of(world, jobs)), what="the time")
    move(HOUR)
    world.start_worker()
    # Not one call is answered, so the network has few of them at a time.
    wait_for(lambda: len(world.sandbox.texts()) == len(jobs), 300, "everything being taken")
    world.until_settled(list(jobs.values()))
    figures = promise_kept(world, jobs, "answers lost, the deciding clock an hour ahead")
    assert set(figures.states) <= {State.PUBLISHED, State.REVIEW}


def test_the_clock_steps_back(moving: tuple[World, Move]) -> None:
    """What a lost worker held, and what is looked up, does not wait for the hour to come again."""
    world, move = moving
    world.sandbox.settings(duplicate_window=0)
    world.sandbox.fault("accept_then_hang", handle=PEOPLE[0], seconds=60, count=None)
    world.sandbox.fault("accept_then_drop", handle=PEOPLE[1], count=None)
    worker = world.start_worker()
    jobs = write_tweets(world, "back", PEOPLE[:2], SOME, within=0.01)
    # Not one call is answered, so the network has few of them at a time.
    wait_for(lambda: len(world.sandbox.texts()) == len(jobs), 300, "everything being taken")
    world.kill(worker)
    assert {row.state for row in rows_of(world, jobs)} & {State.SENDING, State.UNCONFIRMED}
    world.sandbox.mend()
    move(-HOUR)
    world.start_worker()
    until_all(world, jobs, State.PUBLISHED)
    promise_kept(world, jobs, "the deciding clock steps back an hour")
    assert measure(world, jobs).tweets == world.sandbox.calls()
