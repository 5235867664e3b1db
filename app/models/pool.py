"""Evergreen: tweets that go out again and again, whenever a slot of their account is free."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.db import UTCDateTime, db, utcnow
from app.models import content, new_tweet
from app.models.account import Account
from app.models.picture import Picture

MAX_POOLS = 50
"""Of one person."""
MAX_IN_POOL = 500
"""Tweets of one pool."""
MIN_REST_SECONDS, MAX_REST_SECONDS = 3_600, 5 * 366 * 86_400
USUAL_REST_SECONDS = 30 * 86_400


class Pool(db.Model):  # type: ignore[name-defined,misc]
    """Tweets that feed the free slots of one account."""

    __tablename__ = "pools"
    __table_args__ = (
        UniqueConstraint("user_id", "submit_id"),
        Index("ix_pools_user_id_id", "user_id", "id"),
        Index("pools_next_at", "next_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    rest_s: Mapped[int]
    """Seconds from one time that a tweet goes out to the next time of the same one, at least."""
    next_at: Mapped[datetime] = mapped_column(UTCDateTime)
    """When a worker looks for free slots again."""
    submit_id: Mapped[str | None]
    """Chosen by the client; a second request with the same id makes no second pool."""
    made_from: Mapped[str | None]
    """A digest of what came with it; None without it, and for old rows."""
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)

    tweets: Mapped[list[PoolTweet]] = relationship(
        order_by="PoolTweet.position", cascade="all, delete-orphan"
    )


class PoolTweet(db.Model):  # type: ignore[name-defined,misc]
    """One text of a pool with its pictures, and when it goes out for the last time so far."""

    __tablename__ = "pool_tweets"
    __table_args__ = (Index("ix_pool_tweets_pool_id", "pool_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    pool_id: Mapped[int] = mapped_column(ForeignKey("pools.id"))
    position: Mapped[int]
    text: Mapped[str]
    pictures: Mapped[list[str] | None] = mapped_column(JSON)
    """Their ids, in order; None for none."""
    times: Mapped[int] = mapped_column(default=0, server_default="0")
    """How often it got a slot."""
    last_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """The slot that it got last; None for none yet."""


def own(user_id: int, pool_id: int) -> Pool | None:
    """Return a person's own pool; somebody else's does not exist."""
    mine = (Pool.id == pool_id, Pool.user_id == user_id)
    return db.session.scalar(db.select(Pool).where(*mine))


def listed(user_id: int, before: int | None, most: int) -> list[Pool]:
    """Return a person's pools, the newest first.

    :param before: only those with smaller ids than this.
    """
    mine = [Pool.user_id == user_id]
    mine += [] if before is None else [Pool.id < before]
    return list(
        db.session.scalars(db.select(Pool).where(*mine).order_by(Pool.id.desc()).limit(most))
    )


def submitted(user_id: int, submit_id: str) -> Pool | None:
    """Return the pool that was made with this submit id."""
    known = (Pool.user_id == user_id, Pool.submit_id == submit_id)
    return db.session.scalar(db.select(Pool).where(*known))


def give(row: Pool, text: PoolTweet, words: str, account: Account, moment: datetime) -> None:
    """Store a text of a pool as a tweet in a slot of its account; commits nothing.

    The account's row is locked, and the slot is free (``slot.lock``).

    :param words: the wording of the text whose turn it is.
    :raises QuotaReached: too many of the owner's tweets wait already.
    """
    submit_id = f"pool {text.id} {moment.timestamp():.0f}"
    draft = content.draft_of(words, pictures=text.pictures or ())
    Picture.need(row.user_id, text.pictures or (), moment)
    new_tweet.store(row.user_id, draft, {account.id: moment}, submit_id, [account], is_queued=True)
    text.last_at, text.times = moment, text.times + 1
