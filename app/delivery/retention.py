"""How long what is over is kept: finished tweets with their attempts go after ``KEEP_DAYS``.

A chore of every worker, in small batches, each a short transaction that takes only rows that
nobody else has locked. What is not finished stays for ever. The words of a tweet are in the tweet
and in its attempts' bodies alike, so both go together, and not one before the other: a failed
tweet that is tried again after weeks must carry the very body that may have arrived.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from typing import Any

from flask import current_app
from sqlalchemy import BigInteger, Row, delete, false, or_, select, update

from app import pictures
from app.db import db, from_now, id_in, rows_changed
from app.models import Attempt, Delivery, Tweet, Upload
from app.states import FINAL

log = logging.getLogger(__name__)

DAY = 86_400.0
AT_A_TIME = 50
"""Deliveries that are looked at in one batch: on SQLite nobody else writes meanwhile."""
PAUSE = 600.0
"""Seconds until the next look after everything that is old enough has been looked at."""


class Retention:
    """Goes through what is old, from the oldest on; one for a worker process.

    Tweets of which a part is not over, or not for long, are passed by: they are met again in the
    next round.
    """

    def __init__(self) -> None:
        self._one = threading.Lock()
        self._seen: tuple[int, str] | None = None
        self._rests_until = 0.0

    def sweep(self) -> int:
        """Delete a batch of what is old enough; return how many tweets. Repeatable.

        Returns at once while another thread does it, and between two rounds.
        """
        days: float = current_app.config["KEEP_DAYS"]
        if not days or time.monotonic() < self._rests_until or not self._one.acquire(False):
            return 0
        try:
            rows = _old_ones(days, self._seen)
            if len(rows) < AT_A_TIME:
                self._seen, self._rests_until = None, time.monotonic() + PAUSE
            else:
                self._seen = (rows[-1].finished_ms, rows[-1].id)
            return _delete_tweets(sorted({row.tweet_id for row in rows}), days) if rows else 0
        finally:
            self._one.release()


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
    """Delete those of these tweets that are over, and have been for so long; commits."""
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
        for model in (Upload, Attempt):
            rows_changed(delete(model).where(id_in(model.delivery_id, job_ids)))
        rows_changed(delete(Delivery).where(id_in(Delivery.id, job_ids)))
        rows_changed(delete(Tweet).where(Tweet.id.in_(over)))
        pictures.look_again_soon(shown)
    db.session.commit()
    if job_ids:
        log.info("%s tweets are over for %g days: deleted", len(over), days)
    return len(over)


def _take_write_lock() -> None:
    """On SQLite, begin as a writer: there is no row lock that could follow a read."""
    rows_changed(update(Tweet).where(false()).values(text=Tweet.text))


def _whole_tweets(tweet_ids: list[int], job_ids: list[str]) -> set[int]:
    """Return those of these tweets that have deliveries among these alone."""
    rest = select(Delivery.tweet_id).where(
        Delivery.tweet_id.in_(tweet_ids), ~id_in(Delivery.id, job_ids)
    )
    known = select(Delivery.tweet_id).where(id_in(Delivery.id, job_ids))
    return set(db.session.scalars(known)) - set(db.session.scalars(rest))
