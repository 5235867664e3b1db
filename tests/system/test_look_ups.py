"""Look-ups do not wait for another network, nor for an access that nobody needs."""

from __future__ import annotations

from app.db import db, from_now
from app.models import Delivery
from app.states import State
from tests.conftest import MakeWorld
from tests.support.waiting import wait_for
from tests.support.world import World


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
