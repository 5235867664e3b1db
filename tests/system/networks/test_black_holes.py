"""Servers that accept a connection and then say nothing: a frozen Redis, an X that hangs."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
import requests

from app.states import State
from tests.conftest import MakeWorld
from tests.support.figures import promise_kept
from tests.support.servers import Valkey
from tests.support.visitor import Visitor
from tests.support.waiting import PROMPT
from tests.support.world import World

JSON = {"Accept": "application/json"}


@contextmanager
def frozen(valkey: Valkey) -> Iterator[None]:
    """Freeze Redis for a while: connections open, and nobody answers."""
    valkey.freeze()
    try:
        yield
    finally:
        valkey.thaw()


def test_a_frozen_redis_slows_nobody_down(small_world: World) -> None:
    """202, pages and /status come soon, and the tweets go out on time."""
    world = small_world
    world.start_worker()
    ana = Visitor(world.start_web())
    ana.sign_in("ana")
    token = ana.token()
    jobs: dict[str, str] = {}
    with frozen(world.valkey):
        for n in range(6):
            text = f"Into the hole, {n}"
            made = ana.http.post(
                f"{ana.site}/tweets",
                json={"text": text},
                headers={"X-CSRFToken": token, **JSON},
                timeout=10,
            )
            assert made.status_code == 202
            assert made.elapsed < timedelta(seconds=PROMPT)
            jobs[text] = made.json()["job_id"]
            for path in ("/", f"/status/{jobs[text]}"):
                page = ana.get(path, headers=JSON if "status" in path else {})
                assert page.status_code == 200
                assert page.elapsed < timedelta(seconds=PROMPT), "Redis has two to answer /status"
        states = world.until_settled(list(jobs.values()))
        assert set(states.values()) == {State.PUBLISHED}
        assert ana.status(jobs["Into the hole, 0"])["celery_state"] == "UNAVAILABLE"
        health = requests.get(f"{ana.site}/healthz", timeout=10)
        assert (health.status_code, health.json()["failing"]) == (503, ["redis"])
    figures = promise_kept(world, jobs, "Redis frozen")
    assert figures.longest < 20
    assert ana.until_final(ana.post("/tweets", text="Out of it").json()["job_id"])


def test_a_worker_started_beside_a_frozen_redis(small_world: World) -> None:
    """A worker that never hears from Redis sends all the same, and leaves when it is told to."""
    world = small_world
    ana = world.user("ana")
    with frozen(world.valkey):
        worker = world.start_worker()
        jobs = {
            text: world.tweet_later(ana, text, timedelta(seconds=2))
            for text in (f"Nobody rang, {n}" for n in range(4))
        }
        states = world.until_settled(list(jobs.values()))
        assert set(states.values()) == {State.PUBLISHED}
        started = time.monotonic()
        world.kill(worker, signal.SIGTERM)
        assert time.monotonic() - started < 25
    promise_kept(world, jobs, "worker started beside a frozen Redis")


@pytest.mark.parametrize("version", ["1.0a", "2.0"])
def test_signing_in_at_a_network_that_hangs(
    make_world: MakeWorld, sqlite_url: str, version: str
) -> None:
    """X takes the connection and says nothing: a sentence with a way on, and no traceback."""
    keys = {
        "1.0a": {
            "X_CLIENT_ID": "",
            "X_CONSUMER_KEY": "sandbox-consumer",
            "X_CONSUMER_SECRET": "sandbox-consumer-secret",
        },
        "2.0": {},
    }
    with socket.create_server(("127.0.0.1", 0)) as hole:
        address = f"http://127.0.0.1:{hole.getsockname()[1]}"
        world = make_world(sqlite_url, X_API_URL=address, **keys[version])
        visitor = Visitor(world.start_web())
        page = visitor.get("/login/x") if version == "1.0a" else visitor.sign_in("ana")
    assert page.status_code == 502
    assert "X does not answer at the moment" in page.text
    assert "Try again" in page.text
    assert "Traceback" not in page.text + world.log()
    assert "@ana" not in visitor.get("/").text
