"""The numbers of the tabs: counted by workers, true after whatever happened, read by pages."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from app.db import db, utcnow
from app.models import Delivery, Tweet, UserSession, tweet_counts
from app.models.tweet_counts import TweetCounts
from app.states import State
from tests.support import full_list
from tests.support.world import World

OF_FULL_LIST = {"all": 20, "scheduled": 10, "sent": 6, "failed": 2, "waiting": 2}
UNKNOWN = dict.fromkeys(OF_FULL_LIST)


@pytest.fixture
def user_id(world: World) -> int:
    """Somebody with twenty tweets, who has just signed in."""
    with world.rows():
        return full_list.fill()[0]


def test_whoever_is_here_is_counted(world: World, user_id: int) -> None:
    """A tweet counts once in each tab that one of its jobs is in; nothing is known before."""
    with world.rows():
        assert tweet_counts.of(user_id) == (UNKNOWN, None)
        assert tweet_counts.recount_due() == 1
        counts, as_of = tweet_counts.of(user_id)
        assert counts == OF_FULL_LIST
        assert as_of is not None
        assert abs(as_of - utcnow()) < timedelta(seconds=20)
        assert tweet_counts.recount_due() == 0  # not again within a few seconds


def test_a_change_is_counted_after_a_few_seconds(world: World, user_id: int) -> None:
    """Whatever moved a job, and also somebody's last tweet that is gone."""
    with world.rows():
        tweet_counts.recount_due()
        rows = (
            update(Delivery).where(Delivery.state == State.HELD).values({"state": State.CANCELLED})
        )
        db.session.execute(rows)
        db.session.commit()
        assert tweet_counts.of(user_id).counts == OF_FULL_LIST
        tweet_counts.want(user_id)
        db.session.commit()
        tweet_counts.recount_due()
        assert tweet_counts.of(user_id).counts == {**OF_FULL_LIST, "waiting": 1}
        db.session.execute(db.delete(Delivery))
        db.session.execute(db.delete(Tweet))
        _let_time_pass(user_id)
        assert tweet_counts.recount_due() == 1
        assert set(tweet_counts.of(user_id).counts.values()) == {0}


def test_nobody_is_counted_while_away(world: World, user_id: int) -> None:
    """The last numbers stay; the next use of a session asks for new ones."""
    with world.rows():
        long_ago = utcnow() - timedelta(hours=1)
        db.session.execute(update(UserSession).values(seen_at=long_ago))
        db.session.commit()
        tweet_counts.recount_due()
        assert db.session.get_one(TweetCounts, user_id).recount_at is None
        assert tweet_counts.recount_due() == 0
        assert tweet_counts.of(user_id).counts == OF_FULL_LIST
        tweet_counts.want(user_id)
        db.session.commit()
        assert tweet_counts.recount_due() == 1


def test_a_crash_in_the_middle_forgets_nobody(
    world: World, user_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose count was begun and not stored is counted when the lease has ended."""
    with world.rows():
        with monkeypatch.context() as patched:
            patched.setattr(tweet_counts, "_count", _die)
            with pytest.raises(KeyboardInterrupt):
                tweet_counts.recount_due()
        assert tweet_counts.recount_due() == 0
        _let_time_pass(user_id)
        assert tweet_counts.recount_due() == 1
        assert tweet_counts.of(user_id).counts == OF_FULL_LIST


def test_who_comes_back_during_a_count_is_counted_again(world: World, user_id: int) -> None:
    """A count that began before a change must not be the last one."""
    with world.rows():
        claimed = tweet_counts._claim()
        assert claimed is not None
        tweet_counts.want(user_id)
        db.session.commit()
        tweet_counts._count(*claimed)
        assert tweet_counts.of(user_id).counts == OF_FULL_LIST
        assert tweet_counts.recount_due() == 1


def _die(*_: object) -> None:
    raise KeyboardInterrupt


def _let_time_pass(user_id: int) -> None:
    """Let the time for the next count be now."""
    row = db.session.get_one(TweetCounts, user_id)
    row.recount_at = utcnow() - timedelta(seconds=1)
    db.session.commit()
