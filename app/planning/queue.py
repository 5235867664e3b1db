"""The queue of an account: what waits for its slots, and the ways to put that into another order.

Only what has which slot changes, never the set of times. Each change is one transaction: it moves
everything as it was read, or nothing, so what a worker takes meanwhile is not touched.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Text, select
from sqlalchemy.types import TypeEngine

from app.db import EPOCH, UTCDateTime, db, table_of
from app.models import AlreadyBeingSent, Delivery, Tweet, slot, transitions

TRIES = 3
"""A worker may take the first one between reading and writing; then it is read again."""
_COLUMNS: Mapping[str, TypeEngine[Any]] = {
    "job_id": Text(),
    "due_at": UTCDateTime(),
    "new_due_at": UTCDateTime(),
}


class NotInQueue(LookupError):
    """The job does not wait for a slot of this account."""


class Queued(NamedTuple):
    """A job in the queue."""

    job_id: str
    tweet_id: int
    due_at: datetime


def listed(account_id: int) -> list[Queued]:
    """Return what is in an account's queue, the first first."""
    columns = (Delivery.id, Delivery.tweet_id, Delivery.due_at)
    query = select(*columns).where(*slot.in_queue(account_id))
    return [
        Queued(*row) for row in db.session.execute(query.order_by(Delivery.due_at, Delivery.id))
    ]


def shuffle(account_id: int) -> list[Queued]:
    """Put an account's queue into an order by chance, another one than now; return it. Commits.

    :raises AlreadyBeingSent: workers took what was first, again and again; nothing was changed.
    """
    return _reorder(account_id, _by_chance)


def to_top(account_id: int, job_id: str) -> list[Queued]:
    """Give a job the first slot in use, and those before it the next one each. Commits.

    :raises NotInQueue: it has no place there, or has none any more.
    :raises AlreadyBeingSent: as for ``shuffle``.
    """

    def with_first(before: Sequence[Queued]) -> list[Queued]:
        meant = [one for one in before if one.job_id == job_id]
        if not meant:
            raise NotInQueue
        return meant + [one for one in before if one.job_id != job_id]

    return _reorder(account_id, with_first)


def _by_chance(before: Sequence[Queued]) -> list[Queued]:
    after = list(before)
    while len(after) > 1 and after == list(before):
        random.shuffle(after)
    return after


def _reorder(account_id: int, arrange: Callable[[Sequence[Queued]], list[Queued]]) -> list[Queued]:
    for _attempt in range(TRIES):
        slot.lock(account_id)
        try:
            before = listed(account_id)
            after = arrange(before)
        except NotInQueue:
            db.session.rollback()
            raise
        if _move(account_id, before, after):
            db.session.commit()
            return listed(account_id)
        db.session.rollback()
    raise AlreadyBeingSent


def _move(account_id: int, before: Sequence[Queued], after: Sequence[Queued]) -> bool:
    """Give each in ``after`` the time at its place; False when one of them waits no more."""
    places = zip(after, (one.due_at for one in before), strict=True)
    moved = [(one, due_at) for one, due_at in places if one.due_at != due_at]
    if not moved:
        return True
    rows = [(one.job_id, _stored(one.due_at), _stored(due_at)) for one, due_at in moved]
    slots = table_of("slots", _COLUMNS, rows)
    change = transitions.change_slot(slots, *slot.in_queue(account_id))
    if len(db.session.scalars(change.returning(Delivery.id)).all()) != len(moved):
        return False
    Tweet.follow_jobs([one.tweet_id for one, _due_at in moved])
    return True


def _stored(moment: datetime) -> int:
    return round((moment - EPOCH).total_seconds() * 1000)
