"""``CELERY_EVENTS=1``: Flower and ``celery inspect`` see every process; without it, none."""

from __future__ import annotations

from typing import Any

from tests.conftest import MakeWorld
from tests.support.waiting import wait_for
from tests.support.world import World


def answers(world: World) -> set[str]:
    """Return the names of the processes that answer to ``celery inspect ping``."""
    told: list[dict[str, Any]] = world.app.extensions["celery"].control.ping(timeout=1)
    return {name for one in told for name in one}


def test_monitors_see_each_process(make_world: MakeWorld, sqlite_url: str) -> None:
    """By a name of its own, with its heartbeats; without the variable there is nothing to see."""
    world = make_world(sqlite_url, CELERY_EVENTS="1")
    worker = world.start_worker(WORKER_PROCESSES="2")
    names = wait_for(lambda: len(found := answers(world)) == 2 and found, what="both")
    celery, heard = world.app.extensions["celery"], set[str]()
    with celery.connection_for_read() as connection:
        receiver = celery.events.Receiver(
            connection, {"worker-heartbeat": lambda event: heard.add(event["hostname"])}
        )
        wait_for(lambda: list(receiver.itercapture(limit=2, timeout=5)) and heard == names)
    world.kill(worker, 15)
    world.start_worker(CELERY_EVENTS="0")
    assert answers(world) == set()
