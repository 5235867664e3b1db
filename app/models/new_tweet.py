"""Storing a new tweet with its jobs, in two statements that are built once.

Whatever is published comes through here, and for a single row SQLAlchemy's unit of work takes
longer than everything else that happens to it.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from flask import current_app
from sqlalchemy import ColumnElement, bindparam, insert, select
from sqlalchemy.sql.dml import ReturningInsert

from app.db import BuiltStatement, db, utcnow
from app.models import duplicates, quota, sameness, transitions
from app.models.account import Account
from app.models.content import Draft
from app.models.tweet import Tweet


class NewJob(NamedTuple):
    """One job of a tweet that was stored."""

    id: str
    account: Account
    due_at: datetime


class StoredTweet(NamedTuple):
    """A tweet as it was stored: now, or before with the same submit id."""

    id: int
    text: str
    due_at: datetime
    """Of its first job, where each has a slot of its own account."""
    jobs: list[NewJob]
    """At least one, in the order of their accounts' ids."""
    similar: int | None = None
    """The id of another tweet that is nearly the same, as far as that was asked."""

    @classmethod
    def of(cls, tweet: Tweet) -> StoredTweet:
        """Return what was stored before."""
        jobs = [NewJob(one.id, one.account, one.due_at) for one in tweet.deliveries]
        return cls(tweet.id, tweet.text, tweet.due_at, jobs)


def store(
    user_id: int,
    draft: Draft,
    due: Mapping[int, datetime],
    submit_id: str | None,
    accounts: Sequence[Account],
    *,
    is_queued: bool = False,
) -> StoredTweet:
    """Insert a tweet and a job for each of these accounts; commits nothing.

    :param due: when it is due for each account, by its id.
    :param is_queued: these are slots of the accounts.

    What is due now is stored as notified, see ``transitions.insert_new``.

    :raises QuotaReached: too many of the user's tweets wait already.
    :raises IntegrityError: the user has a tweet with this submit id.
    """
    due_at, now = min(due.values()), utcnow()
    tweet = values_of(user_id, draft, due_at, submit_id, now)
    tweet_id = quota.unless_reached(user_id, lambda room: _stored(tweet | dict(room)))
    jobs = jobs_of(accounts, due)
    rows = [row_of(job, tweet_id, job.due_at <= now, draft, is_queued) for job in jobs]
    if len(rows) == 1:
        _insert_job().run(rows[0])
    else:
        db.session.connection().execute(transitions.insert_new(), rows)
    return StoredTweet(tweet_id, draft.text, due_at, jobs)


def values_of(
    user_id: int, draft: Draft, due_at: datetime, submit_id: str | None, now: datetime
) -> dict[str, Any]:
    """Return the values of a new tweet, for ``insert_tweet``."""
    return {
        "user_id": user_id,
        "text": draft.text,
        "text_key": duplicates.key_of_shared(draft),
        "parts": draft.parts,
        "due_at": due_at,
        "submit_id": submit_id,
        "made_from": draft.digest() if submit_id else None,
        "created_at": now,
    }


def jobs_of(accounts: Sequence[Account], due: Mapping[int, datetime]) -> list[NewJob]:
    """Return a new job for each account, due when ``due`` says by the account's id."""
    return [NewJob(str(uuid.uuid4()), account, due[account.id]) for account in accounts]


def _stored(tweet: Mapping[str, Any]) -> int | None:
    """Return the id of a tweet that is stored, None where there is no room for it."""
    rows = _insert_tweet().run(tweet)
    return rows[0][0] if rows else None


@cache
def _insert_job() -> BuiltStatement:
    return BuiltStatement(transitions.insert_new())


@cache
def _insert_tweet() -> BuiltStatement:
    return BuiltStatement(insert_tweet(quota.has_room()))


def insert_tweet(*conditions: ColumnElement[bool]) -> ReturningInsert[Any]:
    """Return the statement that inserts a tweet where these hold, and returns its id.

    Its parameters are ``values_of`` and those of the conditions.
    """
    columns = Tweet.__table__.columns
    said = ("user_id", "text", "text_key", "parts", "due_at")
    names = [*said, "submit_id", "made_from", "created_at"]
    given = [bindparam(name, type_=columns[name].type) for name in names]
    row = select(*given).where(*conditions)
    return insert(Tweet.__table__).from_select(names, row).returning(columns.id)


def row_of(
    job: NewJob, tweet_id: int | None, is_due: bool, draft: Draft, is_queued: bool = False
) -> dict[str, Any]:
    """Return the values of a new job, for ``transitions.insert_new``."""
    own = draft.variants.get(job.account.id)
    can_be_sent = not job.account.needs_reconnect
    again_after = current_app.config["NOTIFY_AGAIN_AFTER"] if can_be_sent and is_due else None
    return {
        "id": job.id,
        "tweet_id": tweet_id,
        "account_id": job.account.id,
        "parts": own,
        "text_key": sameness.key_of(own or []),
        "slot_at": job.due_at if is_queued else None,
        "options": draft.options.get(job.account.id),
        **transitions.begin(job.due_at, can_be_sent, again_after),
    }
