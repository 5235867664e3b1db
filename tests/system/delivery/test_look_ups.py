"""Look-ups do not wait for another network, nor for an access that nobody needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from app.db import db, from_now
from app.models import Delivery
from app.states import State
from tests.conftest import MakeWorld
from tests.support.mastodon import MastodonSandbox
from tests.support.waiting import wait_for
from tests.support.world import World

SILENT = 24
"""Servers: more than a worker has threads for its tasks."""


def test_a_silent_timeline_holds_up_its_own_network(make_world: MakeWorld, sqlite_url: str) -> None:
    """Unknown outcomes on X and Bluesky come due together; Bluesky's are found while X hangs."""
    world = make_world(sqlite_url, SEND_TIMEOUT="15", RECONCILE_DELAYS="30,60")
    world.sandbox.fault("slow", "timeline", seconds=40, count=None)
    for network in ("x", "bluesky"):
        world.sandbox.on(network).fault("accept_then_drop", count=None)
    jobs: dict[str, list[str]] = {"x": [], "bluesky": []}
    for name in ("ana", "ben", "cleo"):
        owner = world.user(name)
        world.connect(owner, "bluesky", name)
        made = world.tweet_later(owner, f"Of {name}", accounts=world.accounts_of(owner))
        for network, job in world.jobs_of(made).items():
            jobs[network].append(job)
    every = [job for its_jobs in jobs.values() for job in its_jobs]
    world.start_worker()
    wait_for(lambda: set(world.states(every).values()) == {State.UNCONFIRMED}, what="no answers")
    with world.rows():
        together = db.update(Delivery).values(next_at=from_now(0.5))
        db.session.execute(together.execution_options(synchronize_session=False))
        db.session.commit()
    found = world.until_settled(jobs["bluesky"], 15)
    assert set(found.values()) == {State.PUBLISHED}
    assert set(world.states(jobs["x"]).values()) == {State.UNCONFIRMED}


def test_silent_timelines_hold_up_no_other_server(make_world: MakeWorld, sqlite_url: str) -> None:
    """More Mastodon servers hang than a worker looks up at at a time; another's is found."""
    world = make_world(sqlite_url, SEND_TIMEOUT="15", RECONCILE_DELAYS="2,4")
    world.start_worker()
    with silent_timelines(SILENT) as servers:
        owners = [world.user_at("mastodon", server, "ben") for server in servers]
        lost = [world.tweet_later(owner, "Hello?") for owner in owners]
        wait_for(lambda: hanging(servers) == SILENT, what="look-ups that hang")
        world.sandbox.on("mastodon").fault("accept_then_drop")
        found = world.tweet_later(world.user("ana", "mastodon"), "Found soon")
        world.until_state(found, State.PUBLISHED, seconds=10)
        assert set(world.states(lost).values()) == {State.UNCONFIRMED}


@contextmanager
def silent_timelines(count: int) -> Iterator[list[MastodonSandbox]]:
    """Servers that take a tweet, lose the answer, and answer no look-up."""
    servers = [MastodonSandbox() for _ in range(count)]
    for server in servers:
        server.control("faults", kind="accept_then_drop", operation="create", count=None)
        server.control("faults", kind="slow", operation="timeline", seconds=40, count=None)
    yield servers
    for server in servers:
        server.close()


def hanging(servers: list[MastodonSandbox]) -> int:
    """Return at how many of them a look-up has begun."""
    return sum("timeline" in server.state()["calls"] for server in servers)


def test_an_access_that_ended_still_reads_what_is_public(small_world: World) -> None:
    """Bluesky shows a repository to everybody, so a lost answer is settled without its owner."""
    world, bluesky = small_world, small_world.sandbox.on("bluesky")
    ana = world.user("ana", "bluesky")
    world.start_worker()
    bluesky.fault("status", "timeline", count=None)
    bluesky.fault("accept_then_drop")
    lost = world.tweet_later(ana, "Good morning")
    world.until_state(lost, State.UNCONFIRMED)
    bluesky.control("revoke", handle="ana", what="all")
    refused = world.tweet_later(ana, "Good evening")
    world.until_state(refused, State.HELD)
    bluesky.mend()
    assert world.until_state(lost, State.PUBLISHED).remote_url
    assert bluesky.texts() == {"Good morning": 1}
