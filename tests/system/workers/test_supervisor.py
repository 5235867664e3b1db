"""One worker of several processes: they come together, work together and leave together."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess

import psutil
import pytest

from app.states import State
from tests.support.waiting import wait_for
from tests.support.world import World

THREE = {"WORKER_PROCESSES": "3"}


def lives(process_id: int) -> bool:
    """True while there is such a process that is not merely waiting to be buried."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(process_id).status() != psutil.STATUS_ZOMBIE
    return False


@pytest.fixture
def worker(small_world: World) -> tuple[subprocess.Popen[bytes], set[int]]:
    """A worker of three processes, and the ids of the two others."""
    first = small_world.start_worker(**THREE)
    wait_for(lambda: len(small_world.beating()) == 3, what="three heartbeats")
    return first, small_world.beating() - {first.pid}


Family = tuple[subprocess.Popen[bytes], set[int]]


def test_they_publish_together(small_world: World, worker: Family) -> None:
    """Three processes on the same rows send each tweet once."""
    ana = small_world.user("ana")
    jobs = [small_world.tweet_later(ana, f"one of many, {n}") for n in range(20)]
    assert set(small_world.until_settled(jobs).values()) == {State.PUBLISHED}
    assert len(small_world.sandbox.accepted()) == 20


def test_one_that_is_killed_is_started_again(small_world: World, worker: Family) -> None:
    """A further process that dies has a successor."""
    _, others = worker
    os.kill(min(others), signal.SIGKILL)
    wait_for(lambda: len(small_world.beating()) == 4, what="the successor's heartbeat")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_they_end_with_the_first(worker: Family, how: signal.Signals) -> None:
    """However the first process ends, no other is left behind."""
    first, others = worker
    os.kill(first.pid, how)
    first.wait(30)
    wait_for(lambda: not any(lives(other) for other in others), what="the others' end")
