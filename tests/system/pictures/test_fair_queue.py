"""Nobody's pictures keep another's tweet waiting; on both databases, with real workers."""

from __future__ import annotations

import signal
import threading
from collections import Counter

from sqlalchemy import func

from app import pictures
from app.db import db, utcnow
from app.models import Delivery, User
from app.models.picture import Picture, PictureState
from app.pictures.fair_queue import FairQueue
from app.states import State
from tests.conftest import MakeWorld
from tests.support import photos
from tests.support.waiting import wait_for
from tests.support.world import World

HEAVY, SMALL = photos.bomb(5000, 5000), photos.file_of(photos.colourful(64, 48))
MAX_BEFORE = 8
"""Heavy pictures that may be made before the small one is out: two processes had begun with some.
Counted, and not timed: how long one takes is the machine's affair, about a second."""


def taken(owner: int, data: bytes, count: int = 1) -> list[str]:
    """Send a picture so many times; return the ids. Needs an app's context."""
    user = db.session.get_one(User, owner)
    return [pictures.accept(user, data, "photo.png").id for _ in range(count)]


def waiting(world: World, owner: int) -> int:
    """Return how many of somebody's pictures are not made yet."""
    unmade = (Picture.user_id == owner, Picture.state == PictureState.PROCESSING)
    with world.rows():
        return db.session.scalar(db.select(func.count(Picture.id)).where(*unmade)) or 0


def test_fifty_heavy_ones_of_somebody_else(make_world: MakeWorld, postgres_url: str) -> None:
    """Some of them for tweets that are due as well: a small one due now is out in seconds."""
    world = make_world(postgres_url, WORKER_PROCESSES="2")
    ana, ben = world.user("ana"), world.user("ben")
    with world.rows():
        user = db.session.get_one(User, ana)
        heavy = taken(ana, HEAVY, 50)
        for first in range(0, 24, 4):
            user.tweet_later(f"Heavy {first}", pictures=heavy[first : first + 4])
        small = taken(ben, SMALL)
        job = db.session.get_one(User, ben).tweet_later("Small", pictures=small)
    world.start_worker()
    world.until_state(job, State.PUBLISHED)
    assert waiting(world, ana) >= 50 - MAX_BEFORE


def test_a_killed_worker_starts_no_other_order(small_world: World) -> None:
    """After kill -9 in the middle of somebody's pictures, another's one is made soon."""
    world = small_world
    ana, ben = world.user("ana"), world.user("ben")
    with world.rows():
        taken(ana, HEAVY, 20)
    first, second = world.start_worker(), world.start_worker()
    wait_for(lambda: waiting(world, ana) < 20, what="the first picture")
    world.kill(first, signal.SIGKILL)
    with world.rows():
        (small,) = taken(ben, SMALL)
    before = waiting(world, ana)
    wait_for(lambda: not waiting(world, ben), what="the other person's picture")
    assert waiting(world, ana) >= before - MAX_BEFORE
    world.kill(second)
    with world.rows():
        assert db.session.get_one(Picture, small).state == PictureState.READY


def test_order(world: World) -> None:
    """Due ones first, then person by person, then what is needed sooner, then age."""
    ana, ben, eva = (world.user(name) for name in ("ana", "ben", "eva"))
    made: list[str] = []
    with world.rows():
        names = {}
        for owner, name in ((ana, "ana"), (ana, "ana"), (ana, "ana"), (ben, "ben"), (eva, "eva")):
            (picture_id,) = taken(owner, SMALL)
            names[picture_id] = name
        eva_id = picture_id
        ana_ids = [key for key, name in names.items() if name == "ana"]
        db.session.get_one(User, eva).tweet_later("Now", pictures=[eva_id])
        db.session.get_one(User, ana).tweet_later("Soon", "in one hour", pictures=ana_ids[2:])
        db.session.get_one(User, ana).tweet_later("Late", "in two hours", pictures=ana_ids[1:2])
        while pictures.process_next():
            ready = db.session.scalars(
                db.select(Picture.id).where(Picture.state == PictureState.READY)
            )
            made += [key for key in ready if key not in made]
            db.session.commit()
    assert names[made[0]] == "eva"
    assert names[made[1]] != names[made[2]]
    assert [key for key in made if key in ana_ids] == [ana_ids[2], ana_ids[1], ana_ids[0]]


def test_moved_to_now(small_world: World) -> None:
    """A tweet that is moved takes its pictures with it."""
    ana = small_world.user("ana")
    with small_world.rows():
        later, sooner = taken(ana, SMALL, 2)
        user = db.session.get_one(User, ana)
        user.tweet_later("One", "in one hour", pictures=[later])
        job = user.tweet_later("Two", "in two hours", pictures=[sooner])
        db.session.get_one(Delivery, job).tweet.reschedule(utcnow())
        pictures.process_next()
        assert db.session.get_one(Picture, sooner).state == PictureState.READY
        assert db.session.get_one(Picture, later).state == PictureState.PROCESSING


def test_turns_of_a_process() -> None:
    """Who waits for a due tweet goes before all others; among equals, people take turns."""
    turns, order = FairQueue(), list[str]()
    began: Counter[str] = Counter()

    def wait(name: str, person: int, is_due: bool) -> None:
        began[name] += 1
        with turns.turn(person, is_due=is_due):
            order.append(name)

    asked = [("ana 1", 1, False), ("ana 2", 1, True), ("ana 3", 1, True), ("ben", 2, True)]
    with turns.turn(9):
        threads = []
        for number, (name, person, is_due) in enumerate(asked, start=1):
            threads.append(threading.Thread(target=wait, args=(name, person, is_due)))
            threads[-1].start()
            wait_for(lambda: len(turns._waiting) == number, what="the place in the line")  # noqa: B023
    for thread in threads:
        thread.join(5)
    assert order == ["ana 2", "ben", "ana 3", "ana 1"]
