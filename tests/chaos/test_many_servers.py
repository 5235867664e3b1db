"""Tweets for very many servers at once, while workers end and servers hang."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from app.db import db
from app.models import Delivery, Tweet
from app.states import State
from benchmarks.mastodon import Crowd, fill
from benchmarks.mastodon_server import address_of
from tests.conftest import MakeWorld
from tests.support.crowd import BOTH_IN_FULL, seeded
from tests.support.figures import sized
from tests.support.sandbox import ROOT
from tests.support.waiting import free_port, listens, wait_for
from tests.support.world import World

SERVERS = sized(100, 2_000)
ACCOUNTS = sized(500, 6_000)
KILLS = sized(2, 6)
HANGING = sized(10, 100)
GOODBYE = 25.0
"""Seconds that a platform leaves a worker after SIGTERM, with a few to spare."""
SEND_TIMEOUT = sized(4, 15)
PATIENCE = sized(240, 900)
"""Seconds: a worker that is killed leaves look-ups at hundreds of servers, a few at a time."""
SOON = 3.0
"""Seconds until the tweets are due: for the worker to start."""


class ManyServers:
    """One process that plays all servers, each at an address of its own."""

    def __init__(self) -> None:
        self.port = free_port()
        command = [sys.executable, "-m", "benchmarks.mastodon_server", str(self.port)]
        self._process = subprocess.Popen(command, cwd=ROOT)
        wait_for(lambda: listens(self.port), what="the servers")

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Return the decoded answer to one request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, json.dumps(body))
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()


@pytest.fixture
def servers() -> Iterator[ManyServers]:
    """Thousands of Mastodon servers."""
    running = ManyServers()
    yield running
    running.close()


def crowded(make_world: MakeWorld, url: str, servers: ManyServers, crowd: Crowd) -> World:
    """Make an installation with a tweet for each account of a crowd, all due at once."""
    world = make_world(url, ALLOW_PRIVATE_SERVERS="1", SEND_TIMEOUT=str(SEND_TIMEOUT))
    with world.rows():
        fill(crowd, servers.port, time.time() + SOON + crowd.accounts / 1_000)
    return world


@BOTH_IN_FULL
def test_workers_killed_with_many_servers_under_way(
    make_world: MakeWorld, database_url: str, servers: ManyServers
) -> None:
    """SIGKILL again and again while tweets go out to all of them: each is out exactly once."""
    crowd, chance = Crowd(ACCOUNTS, SERVERS), seeded()
    world = crowded(make_world, database_url, servers, crowd)
    worker = world.start_worker()
    for number in range(KILLS):
        reached = ACCOUNTS * (number + 1) // (KILLS + 2)
        wait_for(lambda least=reached: accepted(servers) >= least, PATIENCE, "posts under way")
        time.sleep(chance.uniform(0, 0.1))  # the moment of the fault
        world.kill(worker)
        worker = world.start_worker()
    until_settled(world, PATIENCE)
    promise_kept(world, servers, f"{KILLS} SIGKILLs, {SERVERS} servers")


@BOTH_IN_FULL
def test_a_worker_leaves_in_time_while_servers_hang(
    make_world: MakeWorld, database_url: str, servers: ManyServers
) -> None:
    """SIGTERM while many servers do not answer: it is gone in time, and nothing is sent twice."""
    crowd = Crowd(ACCOUNTS, SERVERS, special=HANGING)
    world = crowded(make_world, database_url, servers, crowd)
    hanging = [address_of(number) for number in range(HANGING)]
    servers.ask("PUT", "/hanging", hanging)
    worker = world.start_worker()
    others = len(crowd.texts(of_special=False))
    wait_for(lambda: accepted(servers) > others // 2, PATIENCE, "posts of the others")
    began = time.monotonic()
    world.kill(worker, signal.SIGTERM)
    goodbye = time.monotonic() - began
    assert goodbye < GOODBYE
    servers.ask("PUT", "/hanging", [])
    world.start_worker()
    until_settled(world, PATIENCE)
    promise_kept(world, servers, f"SIGTERM, {HANGING} servers hang, gone after {goodbye:.1f} s")


def accepted(servers: ManyServers) -> int:
    """Return how many tweets are out."""
    return int(servers.ask("GET", "/progress")["accepted"])


def until_settled(world: World, seconds: float) -> None:
    """Wait until every row is final, or asks its owner."""
    moving = (State.SCHEDULED, State.CLAIMED, State.SENDING, State.UNCONFIRMED)

    def settled() -> bool:
        with world.rows():
            count = db.select(db.func.count()).where(Delivery.state.in_(moving))
            return not db.session.scalar(count)

    wait_for(settled, seconds, "the end of all deliveries")


def promise_kept(world: World, servers: ManyServers, scenario: str) -> None:
    """Print what became of the tweets, and fail unless each is out once and its row says so."""
    seen = servers.ask("GET", "/count")
    with world.rows():
        rows = db.session.execute(
            db.select(Tweet.text, Delivery.state, Delivery.due_at).join(
                Delivery, Delivery.tweet_id == Tweet.id
            )
        ).all()
    states = Counter(row.state for row in rows)
    lost = [r for r in rows if r.state == State.PUBLISHED and r.text not in seen["at"]]
    early = [r for r in rows if min(seen["arrived"].get(r.text, [1e12])) < r.due_at.timestamp()]
    doubled = [text for text, moments in seen["at"].items() if len(moments) > 1]
    lateness = sorted(
        min(seen["at"][r.text]) - r.due_at.timestamp() for r in rows if r.text in seen["at"]
    )
    print(
        f"\n{scenario}: {len(rows)} tweets: lost {len(lost)}, doubled {len(doubled)}, "
        f"early {len(early)}; lateness p50 {lateness[len(lateness) // 2]:.2f} s, "
        f"max {lateness[-1]:.2f} s; {dict(states)}"
    )
    assert not lost
    assert not doubled
    assert not early
    assert states == {State.PUBLISHED: len(rows)}
