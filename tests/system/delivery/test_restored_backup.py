"""An older copy of the database is restored: what was sent since is sent again, and is out once."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from app.db import db, utcnow
from app.models import Delivery, User
from app.states import State
from tests.support.threads import chains
from tests.support.world import World

THREAD = ["one of two", "two of two"]


def copy(source: Path, target: Path) -> None:
    """Copy a database as its backup does: whole, whoever writes meanwhile."""
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


def restore(world: World, backup: Path) -> None:
    """Put an older copy in the place of the database that the world works with."""
    with world.rows():
        db.session.remove()
        db.engine.dispose()
    copy(backup, database_of(world))


def database_of(world: World) -> Path:
    """Return the file that the world works with."""
    return Path(world.environ["DATABASE_URL"].removeprefix("sqlite:///"))


def test_a_restored_backup_doubles_nothing_on_bluesky(small_world: World, tmp_path: Path) -> None:
    """The record key knows nothing of tries: the second send finds its key taken by itself.

    Even what its owner moved after the backup, and what was published ahead of the old time.
    """
    world = small_world
    owner = world.user("ana", "bluesky")
    with world.rows():
        parts = [{"text": text} for text in THREAD]
        at = timedelta(hours=1)
        user = db.session.get_one(User, owner)
        jobs = [
            user.tweet_later("Plain", at=timedelta(seconds=1)),
            user.tweet_later("", parts=parts, at=timedelta(seconds=1)),
            user.tweet_later("Moved", at=at),
        ]
    backup = tmp_path / "backup.sqlite3"
    copy(database_of(world), backup)
    with world.rows():
        db.session.get_one(Delivery, jobs[2]).tweet.reschedule(utcnow())
        db.session.commit()
    worker = world.start_worker()
    assert set(world.until_settled(jobs).values()) == {State.PUBLISHED}
    ids = {job: world.delivery(job).remote_id for job in jobs}
    world.kill(worker)

    restore(world, backup)
    assert set(world.states(jobs).values()) == {State.SCHEDULED}
    with world.rows():
        db.session.get_one(Delivery, jobs[2]).tweet.reschedule(utcnow())
        db.session.commit()
    world.start_worker()
    assert set(world.until_settled(jobs).values()) == {State.PUBLISHED}
    assert {job: world.delivery(job).remote_id for job in jobs} == ids
    posts = world.sandbox.on("bluesky").accepted()
    assert sorted(chains(posts)) == sorted([["Plain"], ["Moved"], THREAD])
