"""A tweet that is stored in one statement is stored as one that is stored step by step."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError, OperationalError

from app.db import db, utcnow
from app.db.session import has_connection
from app.models import (
    Account,
    Delivery,
    Draft,
    DuplicateText,
    QuotaReached,
    Tweet,
    User,
    content,
    new_tweet,
    new_tweet_at_once,
)
from tests.conftest import MakeWorld
from tests.support.world import World

pytestmark = pytest.mark.slow

OWN = {"id", "tweet_id", "submit_id", "created_at", "due_at", "not_before", "next_at"}
"""Columns that differ between two tweets that say the same at the same time."""


@pytest.fixture
def world(make_world: MakeWorld, postgres_url: str) -> World:
    """An installation on PostgreSQL: the other database has no such statement."""
    return make_world(postgres_url, MAX_WAITING_TWEETS="5")


@pytest.fixture
def ana(world: World) -> int:
    """Somebody with three accounts, one of which must be reconnected."""
    user_id = world.user("ana")
    world.connect(user_id, "mastodon", "ana")
    tired = world.connect(user_id, "bluesky", "ana")
    with world.rows():
        db.session.get_one(Account, tired).health = "reconnect"
        db.session.commit()
    return user_id


def written(accounts: list[Account], text: str) -> Draft:
    """Return a tweet with everything that a row of a job can have."""
    own = {accounts[1].id: [{"text": f"{text} elsewhere, 100 % “mine”", "pictures": []}]}
    options = {accounts[1].id: {"visibility": "unlisted"}}
    return content.draft_of(text, variants=own, options=options)


def row_of(one: Any) -> dict[str, Any]:
    """Return all columns of a row."""
    return {column.key: getattr(one, column.key) for column in db.inspect(type(one)).column_attrs}


def stored_of(tweet_id: int) -> tuple[Mapping[str, Any], list[dict[str, Any]]]:
    """Return the row of a tweet, and those of its jobs by account."""
    db.session.expire_all()
    jobs = db.select(Delivery).where(Delivery.tweet_id == tweet_id).order_by(Delivery.account_id)
    return row_of(db.session.get_one(Tweet, tweet_id)), [
        row_of(one) for one in db.session.scalars(jobs)
    ]


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(days=1)], ids=["now", "later"])
def test_every_column_is_the_same(world: World, ana: int, ahead: timedelta) -> None:
    """Also those that are empty, of what waits, is due, or is held."""
    with world.rows():
        accounts = db.session.get_one(User, ana).accounts
        assert [one.needs_reconnect for one in accounts] == [False, False, True]
        draft, due_at = written(accounts, "Fresh bread"), utcnow() + ahead
        due = {account.id: due_at for account in accounts}
        steps = new_tweet.store(ana, draft, due, "a", accounts)
        db.session.commit()
        at_once = new_tweet_at_once.store(ana, draft, due_at, "b", accounts, asks_first=False)
        for column in (Delivery.parts, Delivery.options):  # nothing, and not JSON's null
            empty = db.select(db.func.count()).where(column.is_(None))
            assert db.session.scalar(empty.where(Delivery.tweet_id == at_once.id)) == 2
        (tweet, jobs), (like, like_jobs) = stored_of(steps.id), stored_of(at_once.id)
        assert len(jobs) == len(like_jobs) == 3
        for one, other in zip([tweet, *jobs], [like, *like_jobs], strict=True):
            assert {k: v for k, v in one.items() if k not in OWN} == {
                k: v for k, v in other.items() if k not in OWN
            }
            assert one["due_at"] == other["due_at"]
            assert abs((one["created_at"] - other["created_at"]).total_seconds()) < 60
        for one, other in zip(jobs, like_jobs, strict=True):
            assert one["not_before"] == other["not_before"]
            assert (one["next_at"] is None) == (other["next_at"] is None)
            if one["next_at"]:
                assert abs((one["next_at"] - other["next_at"]).total_seconds()) < 60


def test_what_is_refused_leaves_nothing(world: World, ana: int) -> None:
    """The same text, the same submit id, one too many: nothing is stored of it."""
    later = utcnow() + timedelta(days=1)

    def store(text: str, submit_id: str | None = None, *, asks_first: bool = True) -> Any:
        accounts = db.session.get_one(User, ana).accounts[:1]
        draft = content.draft_of(text)
        at_once = new_tweet_at_once.store
        return at_once(ana, draft, later, submit_id, accounts, asks_first=asks_first)

    def count() -> int:
        return db.session.scalar(db.select(db.func.count(Tweet.id))) or 0

    with world.rows():
        first = store("Fresh bread", "a")
        with pytest.raises(DuplicateText) as same:
            store("fresh  BREAD", "b")
        assert same.value.duplicate.job_id == first.jobs[0].id
        with pytest.raises(IntegrityError):
            store("Old bread", "a")
        db.session.rollback()
        assert count() == 1
        assert store("Fresh bread", "c", asks_first=False).similar is None
        near = store("Fresh breads, all day long, on all tables")
        assert near.similar is None
        assert store("Fresh breads, all day long, on all table").similar == near.id
        assert not has_connection()  # and no transaction is left open for that
        store("Something else")
        with pytest.raises(QuotaReached):
            store("One too many")
        assert count() == 5


def test_what_is_stored_is_not_called_lost(world: World, ana: int) -> None:
    """When the database goes after the commit, only whether it is nearly the same is unknown."""
    text, later = "Fresh breads, all day long, on all tables", utcnow() + timedelta(days=1)

    def lose(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if statement.startswith("SELECT deliveries.id"):
            raise OperationalError(statement, None, ConnectionError())

    with world.rows():
        accounts = list(db.session.get_one(User, ana).accounts[:1])
        for number in range(2):
            draft = content.draft_of(text[: len(text) - number])
            if number:
                event.listen(db.engine, "before_cursor_execute", lose)
            stored = new_tweet_at_once.store(ana, draft, later, None, accounts, asks_first=True)
            assert stored.similar is None
        event.remove(db.engine, "before_cursor_execute", lose)
        assert db.session.get_one(Delivery, stored.jobs[0].id).tweet_id == stored.id
