"""Small plans allow twenty connections to each server; one web and one worker stay below."""

from __future__ import annotations

import threading
from collections import deque

import psycopg

from app.db import db
from app.states import State
from tests.support.servers import Valkey
from tests.support.visitor import Visitor
from tests.support.waiting import wait_for
from tests.support.world import World

MOST = 20


def test_connections_stay_within_small_plans(make_world, postgres) -> None:  # type: ignore[no-untyped-def]
    """Under a burst from the pages and the worker, neither server sees more than 20 connections."""
    server, template = postgres
    name = server.create(template)
    world: World = make_world(server.url(name))
    others = ids_of(world.valkey)  # this process has kept them, for the tests before
    site = world.start_web(processes=2)
    world.start_worker(WORKER_PROCESSES="2")
    wait_for(lambda: len(world.beating()) == 2, what="both processes")
    jobs: list[str] = []
    done = threading.Event()
    in_postgres, in_redis = [0], [[""]]

    def visit(handle: str) -> None:
        visitor = Visitor(site)
        visitor.sign_in(handle)
        for n in range(12):
            made = visitor.post("/tweets", text=f"{handle} says {n}").json()
            jobs.append(made["job_id"])
            visitor.status(made["job_id"])

    def watch() -> None:
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"
        latest: deque[list[str]] = deque(maxlen=3)
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            while not done.wait(0.05):
                row = connection.execute(query, [name]).fetchone()
                in_postgres.append(row[0] if row else 0)
                latest.append(sorted(ids_of(world.valkey) - others))
                # One that was given up is listed until the server has noticed.
                in_redis.append(min(latest, key=len))

    visitors = [threading.Thread(target=visit, args=(f"visitor{n}",)) for n in range(12)]
    watcher = threading.Thread(target=watch)
    watcher.start()
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join()
    wait_for(lambda: set(world.states(jobs).values()) == {State.PUBLISHED}, what="all tweets")
    done.set()
    watcher.join()
    assert len(jobs) == 144
    assert max(in_postgres) - pooled_here(world) <= MOST
    most = max(in_redis, key=len)
    assert len(most) - 1 <= MOST, most


def ids_of(valkey: Valkey) -> set[str]:
    """Return the connections of everybody."""
    return {line.split(" ", 1)[0] for line in str(valkey.command("CLIENT", "LIST")).splitlines()}


def pooled_here(world: World) -> int:
    """Return how many of the connections are this test's own."""
    with world.rows():
        return int(db.engine.pool.checkedin() + db.engine.pool.checkedout())  # type: ignore[attr-defined]
