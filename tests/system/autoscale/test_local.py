"""No worker while nothing is due: real web processes that start and stop real workers."""

from __future__ import annotations

import os
import signal
from datetime import timedelta

import psutil
import pytest
import requests

from app.db import db, utcnow
from app.models import Autoscaling, Role, User
from app.states import State
from tests.conftest import MakeWorld
from tests.support.visitor import Visitor
from tests.support.waiting import wait_for
from tests.support.world import World

pytestmark = pytest.mark.slow

LOCAL = {"AUTOSCALE": "local", "AUTOSCALE_LEAD": "8", "AUTOSCALE_IDLE": "3"}
JSON = {"Accept": "application/json"}


def workers_of(world: World) -> list[psutil.Process]:
    """Return the worker processes of an installation that live."""
    mine = world.environ["DATABASE_URL"]
    found = []
    for process in psutil.process_iter():
        try:
            is_worker = "worker" in process.cmdline() and "celery_app" in process.cmdline()
            if is_worker and process.environ().get("DATABASE_URL") == mine:
                found.append(process)
        except psutil.Error:
            continue
    return found


def decided(world: World) -> tuple[int, int]:
    """Return how many workers are wanted and how many run, as the deciding process notes."""
    with world.rows():
        row = db.session.get(Autoscaling, 1)
        return (-1, -1) if row is None else (row.wanted, row.running or 0)


def holder(world: World) -> int:
    """Return the process that decides."""
    with world.rows():
        name = db.session.scalar(db.select(Autoscaling.holder)) or ":0:"
        return int(name.split(":")[1])


def health(world: World) -> list[str]:
    """Return what ``/healthz`` finds wrong."""
    found: list[str] = requests.get(f"{world.site}/healthz", timeout=10).json()["failing"]
    return found


def at_zero(world: World) -> bool:
    """Return whether no worker process is there, and none is wanted."""
    return not workers_of(world) and decided(world) == (0, 0)


def test_a_worker_comes_before_it_is_needed_and_goes(
    make_world: MakeWorld, postgres_url: str
) -> None:
    """With two web processes: one decision, one worker, on time; and nobody is alarmed at zero."""
    world = make_world(postgres_url, **LOCAL)
    world.site = world.start_web(2)
    ana = world.user("ana")
    world.tweet_later(ana, "for tomorrow", "in 20 hours")
    wait_for(lambda: decided(world) == (0, 0), what="a decision")
    assert health(world) == []
    assert workers_of(world) == []

    soon = world.tweet_later(ana, "soon", utcnow() + timedelta(seconds=11))
    assert workers_of(world) == []  # it is not asked for yet
    wait_for(lambda: workers_of(world), what="a worker")
    assert world.delivery(soon).state == State.SCHEDULED
    world.until_state(soon, State.PUBLISHED)
    assert len(workers_of(world)) == 1
    wait_for(lambda: at_zero(world), what="the worker's end")
    assert "gently" not in world.log()
    assert world.log().count("workers: 1 instead of 0") == 1
    assert world.log().count("this web process decides") == 1
    assert_calm(world)


def assert_calm(world: World) -> None:
    """At zero, neither monitors nor pages say that something is wrong."""
    assert health(world) == []
    olga = Visitor(world.site)
    olga.sign_in("olga")
    with world.rows():
        User.by_handle("olga").role = Role.OPERATOR
        db.session.commit()
    for path in ("/", "/operations/workers", "/operations/queues"):
        page = olga.get(path)
        assert page.status_code == 200
        for words in ("Nothing is being sent", "nothing goes out", "Nobody takes it"):
            assert words not in page.text, path
    told = olga.get("/operations/workers", headers=JSON).json()["autoscale"]
    assert {**told, "next_wake_up": None} == {
        "driver": "local",
        "wanted": 0,
        "running": 0,
        "next_wake_up": None,
    }
    assert told["next_wake_up"] > utcnow().isoformat()


def test_workers_end_with_their_web_process(small_world: World) -> None:
    """Killed, it leaves no worker behind, and another one decides; told to stop, it takes its
    worker along.
    """
    world = small_world
    world.environ |= LOCAL | {"AUTOSCALE_IDLE": "600"}
    world.site = world.start_web(2)
    ana = world.user("ana")
    world.until_state(world.tweet_later(ana, "now"), State.PUBLISHED)
    (worker,) = workers_of(world)
    killed = holder(world)
    os.kill(killed, signal.SIGKILL)
    worker.wait(20)
    world.until_state(world.tweet_later(ana, "now again"), State.PUBLISHED)
    assert holder(world) != killed
    (worker,) = workers_of(world)
    web = world.processes[-1]
    web.terminate()
    web.wait(30)
    assert not worker.is_running()
    assert holder(world) == 0  # the next one need not wait for the end of a lease
