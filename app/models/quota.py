"""How much one person may store, so that nobody can fill the database; set by the environment.

``MAX_WAITING_TWEETS``: tweets with at least one unfinished delivery. ``MAX_PICTURE_BYTES``: the
bytes of their pictures that are still stored.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from flask import current_app
from sqlalchemy import (
    BigInteger,
    BindParameter,
    Integer,
    Select,
    bindparam,
    case,
    distinct,
    func,
    select,
    update,
)

from app.db import db, rows_changed
from app.models.account import Account
from app.models.delivery import Delivery
from app.models.picture import Picture, PictureState
from app.states import FINAL, State

OPEN = tuple(sorted(set(State) - FINAL))


class QuotaReached(ValueError):
    """A person has reached a limit; ``limit`` is its value, and the message says so."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"{limit} of your tweets wait already. Cancel some, or wait until they are out."
        )
        self.limit = limit


def check_waiting(user_id: int) -> None:
    """Refuse another tweet of somebody who has enough of them waiting.

    Costs one short look into an index for people with few; the exact count is made only for those
    who may have too many, since a tweet for several accounts waits several times.

    :raises QuotaReached: it would be one too many.
    """
    limit: int = current_app.config["MAX_WAITING_TWEETS"]
    waiting = db.session.scalar(_count_of_waiting(), {"user": user_id, "most": limit}) or 0
    if waiting >= limit and waiting_tweets(user_id) >= limit:
        raise QuotaReached(limit)


def waiting_tweets(user_id: int) -> int:
    """Return the number of a person's unfinished tweets, over all of their accounts."""
    counted = select(func.count(distinct(Delivery.tweet_id))).where(*_open_of(user_id))
    return db.session.scalar(counted) or 0


@cache
def _count_of_waiting() -> Select[Any]:
    """Return the query of every new tweet, made once: unfinished deliveries, up to ``most``."""
    mine = _open_of(bindparam("user", type_=Integer))
    some = select(Delivery.state).where(*mine).limit(bindparam("most", type_=BigInteger)).subquery()
    return select(func.count()).select_from(some)


def _open_of(user_id: int | BindParameter[int]) -> tuple[Any, ...]:
    mine = select(Account.id).where(Account.user_id == user_id)
    return Delivery.account_id.in_(mine), Delivery.state.in_(OPEN)


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
