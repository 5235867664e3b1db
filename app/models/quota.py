"""How much one person may store, so that nobody can fill the database; set by the environment.

``MAX_WAITING_TWEETS``: tweets with at least one unfinished delivery. ``MAX_PICTURE_BYTES``: the
bytes of their pictures that are still stored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import current_app
from sqlalchemy import (
    BigInteger,
    BindParameter,
    Boolean,
    ColumnElement,
    Integer,
    bindparam,
    case,
    distinct,
    func,
    literal_column,
    select,
    update,
)

from app.db import db, rows_changed
from app.models.account import Account
from app.models.delivery import Delivery
from app.models.picture import Picture, PictureState
from app.states import FINAL, State

ENDLESS = 2**62
_OPEN_SQL = ", ".join(f"'{state}'" for state in sorted(set(State) - FINAL))
_IS_OPEN: ColumnElement[bool] = literal_column(f"deliveries.state IN ({_OPEN_SQL})", Boolean)


class QuotaReached(ValueError):
    """A person has reached a limit; ``limit`` is its value, and the message says so."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"{limit} of your tweets wait already. Cancel some, or wait until they are out."
        )
        self.limit = limit


def unless_reached(user_id: int, store: Callable[[Mapping[str, Any]], int | None]) -> int:
    """Return the id of another tweet of somebody, stored unless enough of them wait.

    Costs one short look into an index for people with few; the exact count is made only for those
    who may have too many, since a tweet for several accounts waits several times.

    :param store: stores it where ``has_room`` with these values holds, and returns its id, or None.
    :raises QuotaReached: it would be one too many.
    """
    limit: int = current_app.config["MAX_WAITING_TWEETS"]
    tweet_id = store({"user": user_id, "most": limit})
    if tweet_id is None and waiting_tweets(user_id) < limit:
        tweet_id = store({"user": user_id, "most": ENDLESS})
    if tweet_id is None:
        raise QuotaReached(limit)
    return tweet_id


def waiting_tweets(user_id: int) -> int:
    """Return the number of a person's unfinished tweets, over all of their accounts."""
    counted = select(func.count(distinct(Delivery.tweet_id))).where(*_open_of(user_id))
    return db.session.scalar(counted) or 0


def has_room() -> ColumnElement[bool]:
    """Return the condition that ``user`` has fewer than ``most`` unfinished deliveries."""
    mine = _open_of(bindparam("user", type_=Integer))
    most = bindparam("most", type_=BigInteger)
    some = select(Delivery.state).where(*mine).limit(most).subquery()
    return select(func.count()).select_from(some).scalar_subquery() < most


def _open_of(user_id: int | BindParameter[int]) -> tuple[Any, ...]:
    mine = select(Account.id).where(Account.user_id == user_id)
    return Delivery.account_id.in_(mine), _IS_OPEN


def has_room_for(user_id: int, size: int) -> bool:
    """Return whether somebody may keep so many bytes of pictures more.

    Until the commit nobody else gets an answer for the same person.
    """
    users = db.metadata.tables["users"]
    mine = update(users).where(users.c.id == user_id)
    rows_changed(mine.values(created_at=users.c.created_at))
    limit: int = current_app.config["MAX_PICTURE_BYTES"]
    return picture_bytes(user_id) + size <= limit


def picture_bytes(user_id: int) -> int:
    """Return how many bytes of pictures are stored for somebody, thumbnails included."""
    whole = Picture.state.in_((PictureState.PROCESSING, PictureState.READY))
    small = Picture.state.in_((PictureState.READY, PictureState.PAST))
    kept = case((whole, Picture.size), else_=0) + case((small, Picture.thumb_size), else_=0)
    total = select(func.sum(kept)).where(Picture.user_id == user_id)
    return int(db.session.scalar(total) or 0)
