"""One tweet for several accounts, of which some failed: only these are tried again."""

from __future__ import annotations

from app.db import db
from app.models import Delivery
from app.states import State
from tests.support.world import World


def test_retry_sends_what_failed_and_nothing_else(small_world: World) -> None:
    """X refused it, Mastodon has it, Facebook may have it: one Retry for the tweet concerns X."""
    world = small_world
    ana = world.user("ana")
    for network in ("mastodon", "facebook"):
        world.connect(ana, network, "ana")
    world.sandbox.fault("refuse")
    world.sandbox.on("facebook").settings(read_lag=None)
    world.sandbox.on("facebook").fault("accept_then_drop")
    world.start_worker()
    job = world.tweet_later(ana, "Everywhere", accounts=world.accounts_of(ana))
    jobs = world.jobs_of(job)
    world.until_settled(list(jobs.values()))
    assert states(world, jobs) == {"x": "failed", "mastodon": "published", "facebook": "review"}
    with world.rows():
        revived = db.session.get_one(Delivery, job).tweet.retry()
    assert revived == [jobs["x"]]
    world.until_state(jobs["x"], State.SCHEDULED, State.CLAIMED, State.SENDING, State.PUBLISHED)
    world.until_settled(list(jobs.values()))
    assert states(world, jobs) == {"x": "published", "mastodon": "published", "facebook": "review"}
    assert [world.sandbox.on(name).calls() for name in jobs] == [2, 1, 1]


def states(world: World, jobs: dict[str, str]) -> dict[str, str]:
    """Return the state of each network's job."""
    found = world.states(list(jobs.values()))
    return {network: found[job] for network, job in jobs.items()}
