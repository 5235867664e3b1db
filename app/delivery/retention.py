"""Deletes finished tweets and their attempts after ``KEEP_DAYS`` days.

A background task does this in small batches. Each batch is a short transaction that takes only
rows that nobody else has locked. Unfinished tweets are never deleted. The text of a tweet is in the
tweet and in the bodies of its attempts, so both are deleted together, not one before the other: a
failed tweet that is retried after weeks must send the same body that may have arrived.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from flask import current_app
from sqlalchemy import BigInteger, Row, delete, false, or_, select, update

from app import pictures
from app.db import db, from_now, id_in, rows_changed
from app.models import Attempt, Delivery, PostNumbers, Tweet, Upload
from app.states import FINAL

log = logging.getLogger(__name__)

DAY = 86_400.0
AT_A_TIME = 50
"""Deliveries read in one batch: on SQLite nobody else can write during a batch."""


class Retention:
    """One round through old deliveries, oldest first.

    A tweet is skipped while one of its deliveries is unfinished or ended too recently. The next
    round checks it again.
    """

    def __init__(self) -> None:
        self._seen: tuple[int, str] | None = None
        self.is_over = False

    def sweep(self) -> int:
        """Delete the next batch of what is old enough; return how many tweets. Repeatable."""
        days: float = current_app.config["KEEP_DAYS"]
        rows = _old_ones(days, self._seen) if days else []
        if len(rows) < AT_A_TIME:
            self.is_over = True
        else:
            self._seen = (rows[-1].finished_ms, rows[-1].id)
        return _delete_tweets(sorted({row.tweet_id for row in rows}), days) if rows else 0


def _old_ones(days: float, seen: tuple[int, str] | None) -> Sequence[Row[Any]]:
    """Return the next deliveries that ended long ago, oldest first; ends the transaction."""
    finished_ms = db.type_coerce(Delivery.finished_at, BigInteger)
    query = (
        select(Delivery.id, Delivery.tweet_id, finished_ms.label("finished_ms"))
        .where(Delivery.finished_at < from_now(-days * DAY))
        .order_by(Delivery.finished_at, Delivery.id)
        .limit(AT_A_TIME)
    )
    if seen:
        at, job_id = seen
        query = query.where(finished_ms >= at, or_(finished_ms > at, Delivery.id > job_id))
    rows = db.session.execute(query).all()
    db.session.commit()
    return rows


def _delete_tweets(tweet_ids: list[int], days: float) -> int:
    """Delete those of these tweets that ended long enough ago; commits."""
    _take_write_lock()
    locked = db.session.execute(
        select(Delivery.id, Delivery.tweet_id, Delivery.parts)
        .where(
            Delivery.tweet_id.in_(tweet_ids),
            Delivery.state.in_(FINAL),
            Delivery.finished_at < from_now(-days * DAY),
        )
        .order_by(Delivery.id)
        .with_for_update(skip_locked=True, of=Delivery)
    ).all()
    over = _whole_tweets(tweet_ids, [row.id for row in locked])
    job_ids = [row.id for row in locked if row.tweet_id in over]
    if job_ids:
        tweets = db.session.execute(
            select(Tweet.id, Tweet.user_id, Tweet.parts).where(Tweet.id.in_(over))
        ).all()
        shown = [row.parts for row in tweets] + [r.parts for r in locked if r.tweet_id in over]
        for model in (Upload, Attempt, PostNumbers):
            rows_changed(delete(model).where(id_in(model.delivery_id, job_ids)))
        rows_changed(delete(Delivery).where(id_in(Delivery.id, job_ids)))
        rows_changed(delete(Tweet).where(Tweet.id.in_(over)))
        pictures.look_again_soon(shown)
    db.session.commit()
    if job_ids:
        log.info("deleted %s tweets that ended at least %g days ago", len(over), days)
    return len(over)


def _take_write_lock() -> None:
    """On SQLite, begin as a writer: SQLite has no row locks to take after a read."""
    rows_changed(update(Tweet).where(false()).values(text=Tweet.text))


def _whole_tweets(tweet_ids: list[int], job_ids: list[str]) -> set[int]:
    """Return those of these tweets that have deliveries among these alone."""
    rest = select(Delivery.tweet_id).where(
        Delivery.tweet_id.in_(tweet_ids), ~id_in(Delivery.id, job_ids)
    )
    known = select(Delivery.tweet_id).where(id_in(Delivery.id, job_ids))
    return set(db.session.scalars(known)) - set(db.session.scalars(rest))
