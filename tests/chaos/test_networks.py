"""Each network in its own job: one that hangs does not make the others late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.db import db
from app.models import Account
from tests.conftest import MakeWorld
from tests.support.figures import FULL, promise_kept, sized
from tests.support.story import NETWORKS
from tests.support.waiting import wait_for
from tests.support.world import World

PEOPLE = sized(4, 50)
TWEETS = sized(20, 1000)
"""Written once each, for four accounts."""
WITHIN = sized(2.0, 60.0)
"""Seconds over which they come due."""
WRITING = 0.08
"""Seconds that writing one tweet may take before the first of them is due."""
HANG = 30.0
"""Seconds that the broken network leaves every call without an answer."""
OPERATIONS = ("create", "timeline", "me", "token", "lookup")
LATE = 3.0
"""Seconds of lateness that 99 of 100 tweets of the other networks stay under."""


def write_everywhere(world: World) -> dict[str, dict[str, str]]:
    """Write every tweet for four accounts; return job ids by network and text."""
    owners = [world.user(f"person{n}", NETWORKS[0]) for n in range(PEOPLE)]
    for number, owner in enumerate(owners):
        for network in NETWORKS[1:]:
            world.connect(owner, network, f"person{number}")
    first = datetime.now(UTC) + timedelta(seconds=1 + TWEETS * WRITING)
    jobs: dict[str, dict[str, str]] = {network: {} for network in NETWORKS}
    accounts = {owner: accounts_of(world, owner) for owner in owners}
    for number in range(TWEETS):
        owner, text = owners[number % PEOPLE], f"everywhere {number}"
        due = first + timedelta(seconds=WITHIN * number / TWEETS)
        job = world.tweet_later(owner, text, due, accounts[owner])
        for network, its_job in world.jobs_of(job).items():
            jobs[network][text] = its_job
    return jobs


def accounts_of(world: World, owner: int) -> list[int]:
    """Return the ids of somebody's accounts."""
    with world.rows():
        return list(db.session.scalars(db.select(Account.id).where(Account.user_id == owner)))


@pytest.mark.parametrize("broken", NETWORKS if FULL else ["mastodon"])
def test_a_network_that_hangs(make_world: MakeWorld, sqlite_url: str, broken: str) -> None:
    """Thirty seconds a call, whatever is asked: the other three keep their lateness."""
    world = make_world(sqlite_url, SEND_TIMEOUT="15", RECONCILE_DELAYS="10,30,90")
    world.start_worker()
    jobs = write_everywhere(world)
    for operation in OPERATIONS:
        world.sandbox.on(broken).fault("slow", operation, seconds=HANG, count=None)
    others = [job for name in NETWORKS if name != broken for job in jobs[name].values()]
    world.until_settled(others, seconds=sized(60, 300))
    for network in NETWORKS:
        if network != broken:
            figures = promise_kept(world, jobs[network], f"{network} while {broken} hangs", network)
            assert figures.p99 < LATE, figures
            assert figures.asking == 0
    if FULL:
        world.sandbox.on(broken).mend()
        world.until_settled(list(jobs[broken].values()), seconds=900)
        promise_kept(world, jobs[broken], f"{broken} after it hung", broken)
    else:
        wait_for(lambda: world.sandbox.on(broken).calls() >= 1, what="a call that hangs")
