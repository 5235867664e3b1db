"""Many tweets of several people at once, and what became of their rows."""

from __future__ import annotations

import os
import random
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

import pytest

from app.db import db
from app.models import Account, Delivery
from app.states import State
from tests.support.figures import FULL
from tests.support.waiting import PATIENCE, wait_for
from tests.support.world import SETTLED, World

BOTH_IN_FULL = pytest.mark.parametrize(
    "database_url", ["sqlite", "postgresql"] if FULL else ["sqlite"], indirect=True
)
"""For faults that do not touch the database: SQLite in the short version, both in the full one."""
WRITING = 0.02
"""Seconds that writing one tweet may take before the first of them is due."""


def seeded() -> random.Random:
    """Return the chance of a scenario; its seed is printed, and CHAOS_SEED repeats it."""
    seed = int(os.environ.get("CHAOS_SEED") or random.randrange(1_000_000))
    print(f"\nCHAOS_SEED={seed}")
    return random.Random(seed)


def write_tweets(
    world: World, name: str, handles: list[str], count: int, within: float = 0.5
) -> dict[str, str]:
    """Write ``count`` tweets, in turn for each handle; return job ids by text.

    :param within: seconds over which they come due, evenly; the first one in about a second.
    """
    users = [world.user(handle) for handle in handles]
    first = datetime.now(UTC) + timedelta(seconds=1 + count * WRITING)
    return {
        f"{name} {n}": world.tweet_later(
            users[n % len(users)], f"{name} {n}", first + timedelta(seconds=within * n / count)
        )
        for n in range(count)
    }


def rows_of(world: World, jobs: dict[str, str]) -> list[Delivery]:
    """Return the rows of these jobs, detached."""
    with world.rows():
        found = db.session.scalars(db.select(Delivery).where(Delivery.id.in_(jobs.values())))
        rows = list(found)
        db.session.expunge_all()
        return rows


def account_of(world: World, handle: str) -> Account:
    """Return an account's row, detached."""
    with world.rows():
        account = db.session.scalars(db.select(Account).where(Account.handle == handle)).one()
        db.session.expunge(account)
        return account


def until_all(world: World, jobs: dict[str, str], state: State, seconds: float = PATIENCE) -> None:
    """Wait until every one of these jobs is in this state."""
    wait_for(
        lambda: set(world.states(list(jobs.values())).values()) == {state},
        seconds,
        f"everything being {state}",
    )


def until_posts_arrive(world: World, jobs: Collection[str], least: int = 1) -> None:
    """Wait until X was asked to create so many more tweets, or has had all of these."""
    before, ids = world.sandbox.calls(), list(jobs)

    def they_do() -> bool:
        arrived = world.sandbox.calls() >= before + least
        return arrived or SETTLED.issuperset(world.states(ids).values())

    wait_for(they_do, what="posts under way")
