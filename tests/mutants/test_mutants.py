"""A suite that cannot fail proves nothing: each guarantee, taken out, is missed at once."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app.db import db
from app.models import Worker
from app.states import State
from tests.conftest import MakeWorld
from tests.mutants import builds
from tests.mutants.builds import Mutant
from tests.support.clocks import ProcessClock
from tests.support.crowd import rows_of, until_all, write_tweets
from tests.support.figures import FULL, measure, promise_kept
from tests.support.waiting import wait_for
from tests.support.world import Process, World

HOUR = 3600.0
PEOPLE = [f"person{n}" for n in range(8)]
CROWD = [f"person{n}" for n in range(20)]

MakeBuild = Callable[[str, Mutant | None], World]


@pytest.fixture
def make_build(make_world: MakeWorld, tmp_path: Path) -> MakeBuild:
    """Make an installation of a test build whose network takes every tweet as often as it comes."""

    def make(database_url: str, mutant: Mutant | None) -> World:
        world = make_world(database_url)
        world.root = builds.build(tmp_path / "build", mutant)
        world.sandbox.settings(duplicate_window=0)
        return world

    return make


def mutants(mutant: Mutant) -> pytest.MarkDecorator:
    """Run a test with one line of the program changed; in full also with the program as it is.

    That the program as it is survives such faults is what tests/chaos shows in every run.
    """
    builds_by_name = {"mutant": mutant, **({"as it is": None} if FULL else {})}
    return pytest.mark.parametrize("mutant", builds_by_name.values(), ids=builds_by_name)


def judge(world: World, jobs: dict[str, str], mutant: Mutant | None, name: str) -> None:
    """The program as it is keeps its promise; the mutant publishes twice."""
    if mutant is None:
        world.until_settled(list(jobs.values()))
        promise_kept(world, jobs, f"{name}, as it is")
    else:
        wait_for(lambda: measure(world, jobs).doubled, what=f"the break that {name} makes")
        print(f"\n{name}: {measure(world, jobs)}")


@mutants(builds.AMBIGUITY_IS_RESENT)
def test_resending_on_ambiguity(
    make_build: MakeBuild, sqlite_url: str, mutant: Mutant | None
) -> None:
    """X takes a tweet and the answer is lost: sending again doubles it."""
    world = make_build(sqlite_url, mutant)
    world.sandbox.fault("accept_then_drop", count=len(PEOPLE))
    world.start_worker()
    jobs = write_tweets(world, "ambiguous", PEOPLE, len(PEOPLE))
    judge(world, jobs, mutant, "resending on ambiguity")


@mutants(builds.LOST_WORKERS_ARE_RESENT)
def test_resending_what_a_lost_worker_was_sending(
    make_build: MakeBuild, sqlite_url: str, mutant: Mutant | None
) -> None:
    """A worker dies after X took its tweets: sending them when its lease ends doubles them."""
    world = make_build(sqlite_url, mutant)
    world.sandbox.fault("accept_then_hang", seconds=60, count=None)
    worker = world.start_worker()
    jobs = write_tweets(world, "lost", PEOPLE, len(PEOPLE))
    wait_for(lambda: world.sandbox.texts().total() == len(PEOPLE), what="everything being taken")
    world.kill(worker)
    world.sandbox.mend()
    world.start_worker()
    judge(world, jobs, mutant, "resending on lease expiry")


@mutants(builds.NO_START_DEADLINE)
def test_sending_after_a_long_sleep(
    make_build: MakeBuild,
    postgres_url: str,
    mutant: Mutant | None,
) -> None:
    """A worker sleeps between its intents and its calls while another sends the same tweets."""
    world = make_build(postgres_url, mutant)
    builds.change(world.root, builds.SLOW_TO_BEGIN)
    sleeper = world.start_worker()
    jobs, caught = until_caught_in_between(world, sleeper)
    keeper = world.start_worker()
    world.until_settled(list(jobs.values()))
    world.kill(keeper, signal.SIGTERM)
    assert world.sandbox.texts() == dict.fromkeys(jobs, 1)
    world.kill(sleeper, signal.SIGCONT)
    # The sleeper is awake when it publishes; what it held before would have gone out by then.
    signs = write_tweets(world, "awake again", CROWD, len(CROWD))
    until_all(world, signs, State.PUBLISHED)
    judge(world, jobs | signs, mutant, f"no start deadline, {caught} intents without a call")


def until_caught_in_between(world: World, worker: Process) -> tuple[dict[str, str], int]:
    """Stop a worker that has stored intents and not begun their calls; return jobs and how many."""
    everything: dict[str, str] = {}
    for number in range(10):
        jobs = write_tweets(world, f"wave {number}", CROWD, len(CROWD), within=0.01)
        everything |= jobs
        calls = world.sandbox.calls()
        ends = time.monotonic() + 30
        while State.SENDING not in world.states(list(jobs.values())).values():
            assert time.monotonic() < ends, "nothing is sent"
        world.kill(worker, signal.SIGSTOP)
        time.sleep(0.3)  # what has left arrives
        intents = sum(row.attempts for row in rows_of(world, jobs))
        caught = intents - (world.sandbox.calls() - calls)
        if caught > 2:
            return everything, caught
        world.kill(worker, signal.SIGCONT)
        world.until_settled(list(jobs.values()))
    raise AssertionError("no worker was caught between intent and call")


@mutants(builds.NO_CLAMP)
def test_a_clock_that_steps_back(
    make_build: MakeBuild, sqlite_url: str, tmp_path: Path, mutant: Mutant | None
) -> None:
    """A worker dies and the clock steps back an hour: its rows must not wait for that hour."""
    world = make_build(sqlite_url, mutant)
    clock = ProcessClock(tmp_path / "clock")
    world.sandbox.fault("accept_then_hang", seconds=60, count=None)
    worker = world.start_worker()
    jobs = write_tweets(world, "an hour", PEOPLE, len(PEOPLE))
    wait_for(lambda: world.sandbox.texts().total() == len(PEOPLE), what="everything being taken")
    world.kill(worker)
    world.sandbox.mend()
    clock.set(-HOUR)
    worker = world.start_worker(**clock.environ)
    if mutant is None:
        judge(world, jobs, mutant, "no clamp")
        assert {row.state for row in rows_of(world, jobs)} == {State.PUBLISHED}
        return
    until_ticked(world, worker, 8)
    stuck = {row.state for row in rows_of(world, jobs)}
    assert stuck == {State.SENDING}, "left alone for an hour"
    print(f"\nno clamp: {len(jobs)} rows stuck")


def until_ticked(world: World, worker: Process, seconds: float) -> None:
    """Wait until a worker's scheduler has gone on for so long, on its own clock."""

    def beat() -> float:
        with world.rows():
            found = db.select(Worker).where(Worker.name.endswith(f":{worker.pid}"))
            return db.session.scalars(found).one().seen_at.timestamp()

    began = beat()
    wait_for(lambda: beat() >= began + seconds, what="heartbeats")
