"""Keeps what was found in a file, and stores its tweets when its person says so: all, once.

Whoever confirms locks the person's row first. So of two confirmations, of one file or of two with
the same rows, the second sees what the first has stored.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple

from flask import current_app
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from app.db import EPOCH, db, from_now, id_in, rows_changed, utcnow
from app.models import (
    Account,
    QuotaReached,
    SubmitIdReused,
    Tweet,
    TweetFile,
    User,
    quota,
    sameness,
    transitions,
    tweet_file,
)
from app.tweet_files.checking import CheckedRow, NewRow, known_among, said_by_row

UNCONFIRMED_FOR = 86_400.0
"""Seconds for which a file can be confirmed."""
KEPT_FOR = 7 * 86_400.0
"""Seconds for which a file that was confirmed still answers what became of it."""
MOST_KEPT = 5
"""Files of one person that wait to be confirmed: the oldest of more are forgotten."""
AT_A_TIME = 1_000
"""Rows in one statement."""


class Confirmed(NamedTuple):
    """What became of a file."""

    added: int
    skipped: int


def sent_before(user_id: int, submit_id: str | None, fingerprint: str) -> TweetFile | None:
    """Return what was kept of a file that somebody sent with this submit id.

    :raises SubmitIdReused: that was another file.
    """
    if submit_id is None:
        return None
    mine = (TweetFile.user_id == user_id, TweetFile.submit_id == submit_id)
    found = db.session.scalar(select(TweetFile).where(*mine))
    if found is not None and found.fingerprint != fingerprint:
        raise SubmitIdReused
    return found


def keep(
    user_id: int,
    checked: Sequence[CheckedRow],
    report: Sequence[Mapping[str, Any]],
    fingerprint: str,
    submit_id: str | None = None,
) -> TweetFile:
    """Keep what was found in a file, with the report that its person reads, and commit.

    :param fingerprint: a hash of the file.
    :param submit_id: the same one again keeps nothing more.
    """
    new = [row.new for row in checked if row.new]
    good = sum(row.problem is None for row in checked)
    kept = TweetFile(user_id=user_id, submit_id=submit_id, fingerprint=fingerprint)
    kept.rows, kept.good, kept.bad = len(checked), good, len(checked) - good
    kept.known = sum(row.known for row in checked)
    kept.packed = tweet_file.pack({"new": new, "report": list(report)})
    kept.created_at = utcnow()
    db.session.add(kept)
    try:
        db.session.flush()
        _forget_more_than(user_id, MOST_KEPT)
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        if (known := sent_before(user_id, submit_id, fingerprint)) is None:
            raise
        return known
    return kept


def _forget_more_than(user_id: int, most: int) -> None:
    waiting = (TweetFile.user_id == user_id, TweetFile.confirmed_at.is_(None))
    newest = select(TweetFile.id).where(*waiting).order_by(TweetFile.created_at.desc()).limit(most)
    rows_changed(delete(TweetFile).where(*waiting, TweetFile.id.not_in(newest)))


def of(user_id: int, file_id: str) -> TweetFile | None:
    """Return somebody's file; None when it is somebody else's, or was forgotten."""
    mine = (TweetFile.id == file_id, TweetFile.user_id == user_id)
    return db.session.scalar(select(TweetFile).where(*mine))


def report_of(kept: TweetFile) -> list[dict[str, Any]]:
    """Return the report on each row; nothing once the file is confirmed."""
    return tweet_file.unpack(kept.packed)["report"] if kept.packed else []


def confirm(user_id: int, file_id: str) -> Confirmed | None:
    """Store the new tweets of a file, all in one transaction; None when there is no such file.

    A second time, also at the same moment, it stores nothing and returns the same.

    :raises QuotaReached: so many more tweets cannot wait; nothing was stored.
    """
    _lock(user_id)
    kept = of(user_id, file_id)
    if kept is None:
        db.session.rollback()
        return None
    if kept.packed is not None and kept.added is None:
        rows = [NewRow(*row) for row in tweet_file.unpack(kept.packed)["new"]]
        new = _still_new(user_id, rows)
        most: int = current_app.config["MAX_WAITING_TWEETS"]
        if quota.waiting_tweets(user_id) + len(new) > most and new:
            db.session.rollback()
            raise QuotaReached(most)
        _store(user_id, new)
        kept.added, kept.confirmed_at, kept.packed = len(new), utcnow(), None
    done = Confirmed(kept.added or 0, kept.skipped or 0)
    db.session.commit()
    return done


def _lock(user_id: int) -> None:
    """Let nobody else confirm a file of this person until the commit."""
    rows_changed(update(User).where(User.id == user_id).values(created_at=User.created_at))


def _still_new(user_id: int, rows: Sequence[NewRow]) -> list[NewRow]:
    """Return those rows that nobody stored meanwhile, and whose accounts are all still there."""
    connected = set(
        db.session.scalars(select(Account.id).where(Account.user_id == user_id, Account.connected))
    )
    said = {row.key: said_by_row(row) for row in rows if not row.key.startswith("file:")}
    known = known_among(user_id, [row.key for row in rows], list(said.values()))
    return [
        row
        for row in rows
        if row.key not in known.keys
        and said.get(row.key) not in known.said
        and connected.issuperset(row.account_ids)
    ]


def _store(user_id: int, rows: Sequence[NewRow]) -> None:
    """Insert tweets and their jobs; commits nothing.

    Schedulers find what is due: no worker is notified of thousands of tweets.
    """
    needs_reconnect = {
        account.id: account.needs_reconnect
        for account in db.session.scalars(select(Account).where(Account.user_id == user_id))
    }
    left = iter(rows)
    while some := list(islice(left, AT_A_TIME)):
        tweets = [_tweet(user_id, row) for row in some]
        db.session.connection().execute(insert(Tweet.__table__), tweets)
        keys = [row.key for row in some]
        stored = select(Tweet.submit_id, Tweet.id).where(
            Tweet.user_id == user_id, id_in(Tweet.submit_id, keys)
        )
        ids: dict[str, int] = {row.submit_id: row.id for row in db.session.execute(stored)}
        jobs = [
            _job(row, ids[row.key], account_id, not needs_reconnect[account_id])
            for row in some
            for account_id in row.account_ids
        ]
        db.session.connection().execute(transitions.insert_new(), jobs)


def _tweet(user_id: int, row: NewRow) -> dict[str, Any]:
    return {
        "user_id": user_id,
        "text": row.text,
        "text_key": sameness.key_of(row.parts or [{"text": row.text}]),
        "parts": row.parts,
        "due_at": _moment(row.due_ms),
        "submit_id": row.key,
        "created_at": utcnow(),
    }


def _job(row: NewRow, tweet_id: int, account_id: int, can_be_sent: bool) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "tweet_id": tweet_id,
        "account_id": account_id,
        "parts": None,
        "text_key": None,
        **transitions.begin(_moment(row.due_ms), can_be_sent, None),
    }


def _moment(due_ms: int) -> datetime:
    return EPOCH + timedelta(milliseconds=due_ms)


def forget_old() -> int:
    """Delete files that nobody confirmed within a day, and old ones; commits, returns how many."""
    waits = TweetFile.confirmed_at.is_(None) & (TweetFile.created_at < from_now(-UNCONFIRMED_FOR))
    count = rows_changed(
        delete(TweetFile).where(
            TweetFile.created_at < from_now(-UNCONFIRMED_FOR),
            waits | (TweetFile.confirmed_at < from_now(-KEPT_FOR)),
        )
    )
    db.session.commit()
    return count
