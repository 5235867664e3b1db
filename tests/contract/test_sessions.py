"""One session, two workers: it is refreshed once, and every tweet goes out once."""

from __future__ import annotations

from app.db import db
from app.models import Account
from app.states import State
from tests.support.story import NETWORKS
from tests.support.world import World

TWEETS = 6


def refreshable(world: World, owner: int) -> dict[str, int]:
    """Return the accounts whose access can be renewed without their owner, by network."""
    clients = world.app.extensions["networks"]
    with world.rows():
        accounts = db.session.scalars(db.select(Account).where(Account.user_id == owner))
        return {a.network: a.id for a in accounts if clients[a.network].can_refresh(a.credentials)}


def test_two_workers_refresh_one_session_once(small_world: World) -> None:
    """All access tokens end; several tweets of each account come due in two workers."""
    world = small_world
    owner = world.user("ana", NETWORKS[0])
    for network in NETWORKS[1:]:
        world.connect(owner, network, "ana")
    accounts = refreshable(world, owner)
    assert accounts
    for network in accounts:
        world.sandbox.on(network).control("revoke", handle="ana", what="access")
        world.sandbox.on(network).fault("slow", "token", seconds=1)
    for _ in range(2):
        world.start_worker()
    ids = list(accounts.values())
    first_jobs = [world.tweet_later(owner, f"tweet {n}", accounts=ids) for n in range(TWEETS)]
    jobs = [job for first in first_jobs for job in world.jobs_of(first).values()]
    assert set(world.until_settled(jobs).values()) == {State.PUBLISHED}
    for network in accounts:
        sandbox = world.sandbox.on(network)
        assert sandbox.calls("token") == 1, network
        assert sorted(sandbox.texts().items()) == [(f"tweet {n}", 1) for n in range(TWEETS)]
