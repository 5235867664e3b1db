"""Deletes pictures that are no longer needed. docs/decisions/0011-what-is-kept-of-pictures.md.

While a tweet may still upload a picture to a network, the whole picture is kept. After its tweets
have ended, only the thumbnail is kept, because pages show it beside the published tweet.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Text, cast, delete, exists, func, or_, select, text, update

from app.db import BuiltStatement, db, from_now, id_in, rows_changed
from app.models import (
    LOOK_AGAIN_AFTER,
    Account,
    Delivery,
    Draft,
    Picture,
    PictureState,
    Tweet,
    pool,
    series,
)
from app.pictures import storage
from app.pictures.storage import FilesAway
from app.states import FINAL

log = logging.getLogger(__name__)

DAY = 86_400.0
UNCLAIMED_FOR = DAY
"""Seconds for which a picture without a tweet is kept."""
KEPT_FOR = 7 * DAY
"""Seconds for which a picture is kept after its last delivery ended: it may be retried."""
DELETION_LEASE_SECONDS = 60.0
"""Seconds after which another worker may finish a deletion that a worker began."""
AT_A_TIME = 20


def discard(picture: Picture) -> bool:
    """Delete a picture that belongs to no tweet; False when it belongs to one."""
    return bool(_forget(Picture.id == picture.id, ~Picture.claimed))


def forget_all(user_id: int) -> bool:
    """Delete the bytes of all pictures of somebody; False when the storage does not answer.

    The rows stay, and no worker makes a picture of them any more.
    """
    theirs = Picture.user_id == user_id
    change(theirs, state=PictureState.REFUSED, error_code="picture_gone", next_at=None)
    rows = db.session.execute(select(Picture.id).where(theirs)).all()
    db.session.commit()
    return all(forget_files(*storage.keys_of(row.id)) for row in rows)


def sweep() -> None:
    """Delete what nobody needs any more. May be repeated, by any number of workers at once."""
    if found := [row.id for row in _unused().read({})]:
        _forget(~Picture.claimed, Picture.id.in_(found))
    for row in _to_look_at().read({}):
        _let_go(row.id)


@cache
def _unused() -> BuiltStatement:
    """Return the query for a few pictures that no tweet has claimed for a day."""
    unused = (text("NOT claimed"), Picture.created_at < from_now(-UNCLAIMED_FOR))  # as its index
    return _some(Picture.created_at, *unused)


@cache
def _to_look_at() -> BuiltStatement:
    """Return the query for a few pictures whose tweets may have ended."""
    is_kept = or_(Picture.state == PictureState.READY, Picture.state == PictureState.PAST)
    return _some(Picture.next_at, is_kept, Picture.claimed, Picture.next_at <= from_now())


def _some(first: Any, *conditions: Any) -> BuiltStatement:
    """Return the query for the ids of a few pictures, in the order of the index that finds them."""
    return BuiltStatement(select(Picture.id).where(*conditions).order_by(first).limit(AT_A_TIME))


def _let_go(picture_id: str) -> None:
    """Keep only the thumbnail if every tweet with this picture has ended; else check later.

    While a draft or a pool has it, or a series that will make more tweets, all of it is kept. A
    tweet or a draft that takes the picture at the same time changes ``next_at``, and wins.
    """
    due = (Picture.id == picture_id, Picture.next_at <= from_now())
    shown, is_planned = _of_a_tweet(picture_id), _is_planned(picture_id)
    if change(*due, ~is_planned, ~exists().where(*shown), claimed=False):
        return  # an edit removed it: it is deleted like one that was never used
    unneeded = ~is_planned & ~exists().where(*shown, _may_be_sent())
    if change(*due, unneeded, state=PictureState.PAST, next_at=from_now(DELETION_LEASE_SECONDS)):
        if forget_files(storage.original(picture_id), storage.clean(picture_id)):
            change(Picture.id == picture_id, next_at=None)
        return
    change(*due, next_at=from_now(LOOK_AGAIN_AFTER))


def _of_a_tweet(picture_id: str) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions that a delivery shows a picture, or that its tweet does."""
    shown = [cast(parts, Text).contains(picture_id) for parts in (Tweet.parts, Delivery.parts)]
    owner = select(Picture.user_id).where(Picture.id == picture_id).scalar_subquery()
    return Tweet.user_id == owner, Delivery.tweet_id == Tweet.id, shown[0] | shown[1]


def _is_planned(picture_id: str) -> ColumnElement[bool]:
    """Return the condition that a draft, a series or a pool needs a picture."""
    plans = (_of_a_draft(picture_id), _of_a_series(picture_id), _of_a_pool(picture_id))
    return or_(*(exists().where(*plan) for plan in plans))


def _of_a_draft(picture_id: str) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions that a draft of the same person has a picture."""
    owner = select(Picture.user_id).where(Picture.id == picture_id).scalar_subquery()
    return Draft.user_id == owner, cast(Draft.written, Text).contains(picture_id)


def _of_a_series(picture_id: str) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions that a series shows a picture, and has more tweets to make."""
    owner = select(Picture.user_id).where(Picture.id == picture_id).scalar_subquery()
    shown = cast(series.Series.contents, Text).contains(picture_id)
    return series.Series.user_id == owner, series.Series.next_at.is_not(None), shown


def _of_a_pool(picture_id: str) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions that a tweet of a pool of the same person shows a picture."""
    owner = select(Picture.user_id).where(Picture.id == picture_id).scalar_subquery()
    shown = cast(pool.PoolTweet.pictures, Text).contains(picture_id)
    return pool.Pool.user_id == owner, pool.PoolTweet.pool_id == pool.Pool.id, shown


def accounts_showing(picture_id: str) -> list[Account]:
    """Return the accounts that may still publish a picture; the transaction stays open."""
    pending = Delivery.state.not_in(FINAL)
    shown = exists().where(*_of_a_tweet(picture_id), Delivery.account_id == Account.id, pending)
    return list(db.session.scalars(select(Account).where(shown)))


def _may_be_sent() -> ColumnElement[bool]:
    """Return the condition that a delivery has not ended, or ended only recently."""
    ended_at = func.coalesce(Delivery.finished_at, Delivery.due_at)
    return Delivery.state.not_in(FINAL) | (ended_at > from_now(-KEPT_FOR))


def change(*conditions: Any, **values: Any) -> bool:
    """Update the pictures that meet the conditions, and commit; False when there were none."""
    changed = rows_changed(update(Picture).where(*conditions).values(values))
    db.session.commit()
    return bool(changed)


def _forget(*conditions: Any) -> list[str]:
    """Delete pictures and their bytes, except those that a tweet takes at the same time."""
    gone = {"state": PictureState.REFUSED, "error_code": "picture_gone", "next_at": None}
    statement = update(Picture).where(*conditions).values(gone).returning(Picture.id)
    found = db.session.scalars(statement, execution_options={"synchronize_session": False})
    picture_ids = list(found)
    db.session.commit()  # from now on no tweet can take them
    for picture_id in picture_ids:
        if forget_files(*storage.keys_of(picture_id)):
            drop_row(picture_id)
    return picture_ids


def forget_files(*keys: str) -> bool:
    """Delete bytes; False when the storage did not answer."""
    try:
        storage.delete(keys)
    except FilesAway as error:
        log.warning("pictures cannot be deleted: %s", error)
        return False
    return True


def drop_row(picture_id: str) -> None:
    """Delete a row that no tweet has claimed."""
    rows_changed(delete(Picture).where(Picture.id == picture_id, ~Picture.claimed))
    db.session.commit()


def look_again_soon(contents: Sequence[Sequence[dict[str, Any]] | None]) -> None:
    """Have the sweep check soon whether the pictures of these parts are still needed.

    The caller commits.
    """
    named = {name for parts in contents for part in parts or () for name in part["pictures"]}
    kept = Picture.state.in_((PictureState.READY, PictureState.PAST))
    if named:
        some = update(Picture).where(id_in(Picture.id, named), kept, Picture.claimed)
        rows_changed(some.values(next_at=from_now()))
