"""The thread that decides, with a server on loopback that plays Heroku's Platform API."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from flask import Flask

import config
from app import create_app, monitoring
from app.autoscale import Autoscaler, status
from app.autoscale.decision import Policy
from app.autoscale.local import LocalDriver
from app.db import db, from_now, spare_connection
from app.models import Autoscaling, Delivery, Worker
from app.states import State
from tests.conftest import MakeWorld
from tests.support.scripted import ScriptedServer, Seen
from tests.support.waiting import wait_for
from tests.support.world import World

HEROKU = {
    "AUTOSCALE": "heroku",
    "AUTOSCALE_LEAD": "2",
    "AUTOSCALE_IDLE": "1",
    "HEROKU_API_KEY": "HRKU-a-secret",
    "HEROKU_APP_NAME": "app",
}


class Formation:
    """Plays Heroku: a quantity, and what the next calls are answered with instead."""

    def __init__(self, server: ScriptedServer) -> None:
        self.quantity = 0
        self.refusals: list[tuple[int, Any]] = []
        self.calls: list[tuple[str, int]] = []
        """Method and quantity of each call."""
        server.play = self._answer

    def _answer(self, seen: Seen) -> tuple[int, Any]:
        told = json.loads(seen.body)["quantity"] if seen.body else self.quantity
        self.calls.append((seen.method, told))
        if self.refusals:
            return self.refusals.pop(0)
        self.quantity = told
        return 200, {"type": "worker", "quantity": told}

    def until(self, *calls: tuple[str, int]) -> None:
        """Wait for these calls, and no others."""
        wait_for(lambda: len(self.calls) >= len(calls), what=f"{calls}, not {self.calls}")
        assert self.calls == [*calls]


@pytest.fixture
def formation(scripted: ScriptedServer) -> Formation:
    """Heroku, with no worker dyno."""
    return Formation(scripted)


@pytest.fixture
def world(make_world: MakeWorld, sqlite_url: str, scripted: ScriptedServer) -> World:
    """An installation whose workers are dynos."""
    return make_world(sqlite_url, **HEROKU, HEROKU_API_URL=scripted.url)


@contextmanager
def deciding(world: World, processes: int = 1) -> Iterator[None]:
    """Let so many web processes take part, each with an app of its own."""
    with ExitStack() as stack:
        for _ in range(processes):
            app = create_app(config.load(world.environ))
            stack.callback(disconnect, app)
            app.extensions["autoscaler"].start()
            stack.callback(app.extensions["autoscaler"].stop)
        yield


def disconnect(app: Flask) -> None:
    """Close an app's connections to its database."""
    with app.app_context():
        db.engine.dispose()


def finish(world: World) -> None:
    """Let everything be over, as if a worker had published it."""
    with world.rows():
        over = {"state": State.PUBLISHED, "next_at": None}
        db.session.execute(db.update(Delivery).values(over))
        db.session.commit()


def told(world: World, question: Callable[[], Any]) -> Any:
    """Ask something about the rows."""
    with world.rows():
        return question()


def known_status(world: World) -> Any:
    """Return what pages show."""
    with world.rows(), spare_connection() as connection:
        return status(connection)


def test_one_call_for_each_change(world: World, formation: Formation) -> None:
    """Two web processes, one decision: up, down, and nothing for what is due tomorrow."""
    ana = world.user("ana")
    world.tweet_later(ana, "for tomorrow", "in 20 hours")
    with deciding(world, processes=2):
        world.tweet_later(ana, "now")
        formation.until(("PATCH", 1))
        wait_for(lambda: known_status(world).running == 1, what="a note")
        finish(world)
        formation.until(("PATCH", 1), ("PATCH", 0))
        world.tweet_later(ana, "for the day after", "in 40 hours")
    assert formation.calls == [("PATCH", 1), ("PATCH", 0)]


def test_another_process_goes_on(world: World, formation: Formation) -> None:
    """It knows what was asked for before, and asks for no more than what has changed."""
    world.tweet_later(world.user("ana"), "now")
    with deciding(world):
        formation.until(("PATCH", 1))
        wait_for(lambda: known_status(world).running == 1, what="a note")
    with deciding(world):
        finish(world)
        formation.until(("PATCH", 1), ("PATCH", 0))


def test_what_fails_is_tried_again(world: World, formation: Formation) -> None:
    """After an error of the server it is asked what there is, as it may have been done."""
    formation.refusals = [(500, {"id": "internal"}), (200, {"quantity": 0})]
    world.tweet_later(world.user("ana"), "now")
    with deciding(world):
        formation.until(("PATCH", 1), ("GET", 0), ("PATCH", 1))
        wait_for(lambda: known_status(world).last_error is None, what="a success")
    assert told(world, monitoring.problems) == []


def test_what_fails_time_after_time_is_told(world: World, formation: Formation) -> None:
    """A key that has ended: monitors hear of it, and of the end of it; no log has the key."""
    formation.refusals = [(401, {"id": "unauthorized"})] * 3
    world.tweet_later(world.user("ana"), "now")
    with deciding(world):
        wait_for(lambda: told(world, monitoring.problems) == ["autoscale"], what="an alarm")
        assert known_status(world).last_error == "Heroku answers 401 unauthorized"
        formation.until(*[("PATCH", 1)] * 4)
        wait_for(lambda: told(world, monitoring.problems) == [], what="the end of the alarm")


def test_what_runs_before_anybody_knows(world: World, formation: Formation) -> None:
    """A dyno from before is seen by its heartbeat, and goes when nothing needs it."""
    formation.quantity = 1
    with world.rows():
        db.session.add(Worker(name="w:1", started_at=from_now(), seen_at=from_now()))
        db.session.commit()
    with deciding(world):
        wait_for(lambda: ("PATCH", 0) in formation.calls, what="its end")
    assert formation.quantity == 0


# Processes of its own


@pytest.fixture
def local_world(make_world: MakeWorld, sqlite_url: str) -> World:
    """An installation whose workers are processes; something is due."""
    world = make_world(sqlite_url, AUTOSCALE="local")
    world.tweet_later(world.user("ana"), "now")
    return world


@contextmanager
def local(world: World, command: str) -> Iterator[None]:
    """Let this process decide, with something else that stands for a worker."""
    procfile = world.folder / "Procfile"
    procfile.write_text(f"worker: {command}")
    driver = LocalDriver(procfile)
    autoscaler = Autoscaler(world.app, driver, Policy.of(world.app.config))
    autoscaler.start()
    try:
        yield
    finally:
        autoscaler.stop()


def test_whoever_loses_the_lease_lets_its_workers_go(local_world: World) -> None:
    """As after a process was frozen for long: another one has its own workers by then."""
    begun, ended = (local_world.folder / name for name in ("begun", "ended"))
    with local(local_world, f"touch {begun}; cat; touch {ended}"):
        wait_for(begun.exists, what="a worker")
        with local_world.rows():
            taken = {"holder": "another", "lease_ends_at": from_now(60)}
            db.session.execute(db.update(Autoscaling).values(taken))
            db.session.commit()
        wait_for(ended.exists, what="its end")
    with local_world.rows():
        assert db.session.get_one(Autoscaling, 1).holder == "another"


def test_a_worker_that_crashes_is_told(local_world: World) -> None:
    """It is started again, later each time, and monitors hear of it."""
    with local(local_world, "exec false"):
        wait_for(lambda: "autoscale" in told(local_world, monitoring.problems), what="an alarm")
    assert known_status(local_world).last_error == "a worker ended with 1"
