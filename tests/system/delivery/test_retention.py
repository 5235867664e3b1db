"""What is over goes after KEEP_DAYS, and nothing else; on both databases."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from app import pictures
from app.db import db, from_now
from app.delivery.retention import AT_A_TIME, Retention
from app.models import Attempt, Delivery, Tweet, Upload, User
from app.models.picture import Picture, PictureFile
from app.networks.base import OutcomeKind
from app.pictures import lifecycle
from app.states import State
from tests.conftest import MakeWorld
from tests.support import photos
from tests.support.waiting import wait_for
from tests.support.world import World

DAY = 86_400


@pytest.fixture
def tidy(make_world: MakeWorld, database_url: str) -> World:
    """An installation that keeps what is over for ten days."""
    return make_world(database_url, KEEP_DAYS="10")


def ended(job: str, state: State, days_ago: float) -> None:
    """Let a delivery have ended, with an attempt. Needs an app's context."""
    values = {"state": state, "next_at": None, "finished_at": from_now(-days_ago * DAY)}
    db.session.execute(db.update(Delivery).where(Delivery.id == job).values(values))
    attempt = {"body": {"text": "words"}, "started_at": from_now(), "outcome": OutcomeKind.OK}
    db.session.add(Attempt(delivery_id=job, fence=1, **attempt))
    db.session.commit()


def left(model: type) -> int:
    """Return how many rows there are; ends the transaction."""
    number = db.session.scalar(db.select(db.func.count()).select_from(model))
    db.session.commit()
    return number or 0


def sweep() -> int:
    """Go through all that is old, once; return how many tweets went."""
    return Retention().sweep()


def test_only_what_is_over_for_long(tidy: World) -> None:
    """Each final state goes after its days; what is newer, waits, or is half over stays."""
    ana = tidy.user("ana")
    tidy.connect(ana, "mastodon", "ana")
    both = tidy.accounts_of(ana)
    final = (State.PUBLISHED, State.FAILED, State.CANCELLED)
    with tidy.rows():
        user = db.session.get_one(User, ana)
        gone = [user.tweet_later(f"Old {state}", "in one hour") for state in final]
        kept = [user.tweet_later(f"Kept {number}", "in one hour", both) for number in range(4)]
        first = [db.session.get_one(Delivery, job).tweet.deliveries for job in kept]
        first_id, second_id = zip(*[[one.id for one in pair] for pair in first], strict=True)
        for job, state in zip(gone, final, strict=True):
            ended(job, state, days_ago=10.1)
        ended(first_id[0], State.PUBLISHED, days_ago=9.9)
        ended(second_id[0], State.PUBLISHED, days_ago=30)
        for number, state in ((1, State.SCHEDULED), (2, State.REVIEW), (3, State.HELD)):
            ended(first_id[number], State.PUBLISHED, days_ago=400)
            waits: dict[str, Any] = {"state": state, "due_at": from_now(-400 * DAY)}
            waits["next_at"] = from_now() if state == State.SCHEDULED else None
            db.session.execute(
                db.update(Delivery).where(Delivery.id == second_id[number]).values(waits)
            )
        db.session.commit()
        assert sweep() == 3
        assert set(db.session.scalars(db.select(Delivery.id))) == {*first_id, *second_id}
        assert (left(Tweet), left(Attempt)) == (4, 5)
        assert sweep() == 0


def test_for_ever(make_world: MakeWorld, sqlite_url: str) -> None:
    """With KEEP_DAYS=0 nothing goes."""
    world = make_world(sqlite_url, KEEP_DAYS="0")
    job = world.tweet_later(world.user("ana"), "Old", "in one hour")
    with world.rows():
        ended(job, State.PUBLISHED, days_ago=4000)
        assert (sweep(), left(Tweet)) == (0, 1)


def test_with_its_pictures(make_world: MakeWorld, database_url: str) -> None:
    """Pictures that no other tweet shows go with all their bytes, and make room."""
    world = make_world(database_url, KEEP_DAYS="10")
    ana = world.user("ana")
    with world.rows():
        user = db.session.get_one(User, ana)
        own, shared = (
            pictures.accept(user, photos.photo_with_place(), "photo.jpg").id for _ in range(2)
        )
        for picture_id in (own, shared):
            lifecycle.process(picture_id)
        old = user.tweet_later("Old", "in one hour", pictures=[own, shared])
        user.tweet_later("New", "in one hour", pictures=[shared])
        db.session.add(
            Upload(delivery_id=old, picture_id=own, reference={}, uploaded_at=from_now())
        )
        db.session.commit()
        ended(old, State.PUBLISHED, days_ago=11)
        past = {"created_at": from_now(-30 * DAY), "next_at": from_now(-1)}
        db.session.execute(db.update(Picture).where(Picture.id == own).values(past))
        db.session.commit()
        pictures.sweep()  # only its thumbnail is left by now
        assert sweep() == 1
        for _ in range(3):
            pictures.sweep()
        assert db.session.scalars(db.select(Picture.id)).all() == [shared]
        assert left(Upload) == 0
        assert {key.split("/")[1] for key in db.session.scalars(db.select(PictureFile.key))} == {
            shared
        }


def test_more_than_one_batch_by_two_at_once(tidy: World) -> None:
    """Old halves at the head do not stop it, and two workers do it together without errors."""
    ana = tidy.user("ana")
    tidy.connect(ana, "mastodon", "ana")
    x, mastodon = tidy.accounts_of(ana)
    errors: list[Exception] = []
    with tidy.rows():
        rows = []
        for number in range(2 * AT_A_TIME):
            is_half = number < AT_A_TIME
            tweet = Tweet(user_id=ana, text=f"{number}", due_at=from_now())
            tweet.deliveries = [_row(x, State.PUBLISHED, days_ago=500 - number / 1000)]
            if is_half:
                tweet.deliveries.append(_row(mastodon, State.REVIEW))
            rows.append(tweet)
        db.session.add_all(rows)
        db.session.commit()

    def work() -> None:
        try:
            with tidy.rows():
                mine = Retention()
                for _ in range(5):
                    mine.sweep()
        except Exception as error:
            errors.append(error)

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert errors == []
    with tidy.rows():
        assert left(Tweet) == AT_A_TIME
        assert left(Delivery) == 2 * AT_A_TIME


def _row(account_id: int, state: State, days_ago: float | None = None) -> Delivery:
    finished_at = None if days_ago is None else from_now(-days_ago * DAY)
    return Delivery(
        account_id=account_id,
        state=state,
        due_at=from_now(),
        not_before=from_now(),
        finished_at=finished_at,
    )


def test_retried_at_the_same_time(make_world: MakeWorld, postgres_url: str) -> None:
    """Who tries a failed tweet again just before it would go keeps it."""
    world = make_world(postgres_url, KEEP_DAYS="10")
    job = world.tweet_later(world.user("ana"), "Again", "in one hour")
    with world.rows():
        ended(job, State.FAILED, days_ago=11)
        with db.engine.connect() as owner, owner.begin():
            again = db.update(Delivery.__table__).where(Delivery.id == job)
            owner.execute(again.values(state=State.HELD, finished_at=None))
            assert sweep() == 0
        assert (left(Tweet), left(Attempt)) == (1, 1)


def test_a_running_worker_does_it(make_world: MakeWorld, sqlite_url: str) -> None:
    """Without being asked."""
    tidy = make_world(sqlite_url, KEEP_DAYS="10")
    job = tidy.tweet_later(tidy.user("ana"), "Old", "in one hour")
    with tidy.rows():
        ended(job, State.PUBLISHED, days_ago=11)
    tidy.start_worker()

    def is_gone() -> bool:
        with tidy.rows():
            return left(Tweet) == 0

    wait_for(is_gone, what="the end of the old tweet")
