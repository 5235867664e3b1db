"""Redis is away: the pages answer in time, and the tweets go out."""

from __future__ import annotations

import time
from datetime import timedelta

import requests

from app.states import State
from tests.support.visitor import Visitor
from tests.support.waiting import wait_for
from tests.support.world import World


def test_submitting_while_redis_is_down(small_world: World) -> None:
    """202 within a second; sent without Redis; /status says that Celery's word is missing."""
    world = small_world
    site = world.start_web()
    world.start_worker()
    ana = Visitor(site)
    ana.sign_in("ana")
    world.valkey.stop()
    try:
        jobs = []
        for n in range(3):
            token = ana.token()
            started = time.monotonic()
            answer = ana.http.post(
                f"{site}/tweets",
                json={"text": f"Without Redis {n}"},
                headers={"X-CSRFToken": token, "Accept": "application/json"},
                timeout=10,
            )
            assert time.monotonic() - started < 1.0
            assert answer.status_code == 202
            jobs.append(answer.json()["job_id"])
        for job in jobs:
            status = ana.until_final(job)
            assert status["status"] == "done"
            assert status["celery_state"] == "UNAVAILABLE"
        failing = requests.get(f"{site}/healthz", timeout=10)
        assert failing.status_code == 503
        assert failing.json()["failing"] == ["redis"]
    finally:
        world.valkey.start()
    back = ana.post("/tweets", text="With Redis again").json()
    assert ana.until_final(back["job_id"])["status"] == "done"
    assert set(world.sandbox.texts().values()) == {1}


def test_flushed_queue_and_then_a_worker(small_world: World) -> None:
    """Wake-ups that were lost before any worker came are not needed."""
    world = small_world
    ana = world.user("ana")
    jobs = [world.tweet_later(ana, f"notified in vain {n}") for n in range(5)]
    world.valkey.flush()
    world.start_worker()
    assert set(world.until_settled(jobs).values()) == {State.PUBLISHED}
    assert set(world.sandbox.texts().values()) == {1}


def test_a_long_queue_is_not_flooded(small_world: World) -> None:
    """Rows that wait in a long queue are not notified again and again."""
    world = small_world
    ana = world.user("ana")
    world.sandbox.fault("slow", seconds=1, count=None)
    world.start_worker(WORKER_CONCURRENCY="1")
    for n in range(60):
        world.tweet_later(ana, f"queueing {n}", timedelta(seconds=1))
    longest = 0
    for _ in range(20):
        longest = max(longest, int(str(world.valkey.command("LLEN", "tweet-later"))))
        time.sleep(0.2)  # samples over a stretch of time
    assert longest <= 60


def test_without_a_worker_the_pages_say_so(small_world: World) -> None:
    """No heartbeat: a banner for people and a red light for monitors; gone when one comes."""
    world = small_world
    site = world.start_web()
    ana = Visitor(site)
    ana.sign_in("ana")
    assert "Nothing is being sent right now" in ana.get("/").text
    health = requests.get(f"{site}/healthz", timeout=10)
    assert (health.status_code, health.json()["failing"]) == (503, ["worker"])
    worker = world.start_worker()
    assert "Nothing is being sent right now" not in ana.get("/").text
    world.kill(worker, 15)
    wait_for(lambda: "Nothing is being sent right now" in ana.get("/").text, what="the banner")


def test_a_database_that_is_away(make_world, postgres) -> None:  # type: ignore[no-untyped-def]
    """503 and a sentence while PostgreSQL does not answer, and no traceback."""
    world = make_world("postgresql://127.0.0.1:1/nobody")
    site = world.start_web()
    answer = requests.get(f"{site}/healthz", timeout=20)
    assert answer.status_code == 503
    assert "database" in answer.json()["failing"]
