"""Storing a new tweet and its jobs in one statement of PostgreSQL, which also looks for its double.

It begins and ends in the database with one message, where separate statements take six. SQLite has
no INSERT within a query; what changes more rows in the same transaction (pictures, slots of a
queue, drafts) goes through ``new_tweet.store`` as well.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    CTE,
    JSON,
    BigInteger,
    Integer,
    Select,
    Text,
    bindparam,
    exists,
    false,
    literal_column,
    null,
    select,
    true,
    union_all,
)
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.types import TypeEngine

from app.db import BuiltStatement, UTCDateTime, db, given_rows, table_given, utcnow
from app.models import duplicates, new_tweet, quota, transitions
from app.models.account import Account
from app.models.content import Draft
from app.models.delivery import Delivery
from app.models.duplicates import DuplicateText
from app.models.new_tweet import StoredTweet

log = logging.getLogger(__name__)

JOBS: Mapping[str, TypeEngine[Any]] = {
    "id": Text(),
    "account_id": Integer(),
    "parts": JSON(),
    "text_key": Text(),
    "options": JSON(),
    "due_at": BigInteger(),
    "not_before": BigInteger(),
    "state": Text(),
    "hold_reason": Text(),
    "due": BigInteger(),
    "first_look": BigInteger(),
    "again_ms": BigInteger(),
}
"""What is told of each job; its other columns are the same for all."""


def is_possible() -> bool:
    """Return whether the database has such statements."""
    return db.engine.dialect.name == "postgresql"


def store(
    user_id: int,
    draft: Draft,
    due_at: datetime,
    submit_id: str | None,
    accounts: Sequence[Account],
    *,
    asks_first: bool,
) -> StoredTweet:
    """Insert a tweet and a job for each of these accounts, and commit; the session's objects stay.

    :param asks_first: refuse what was said before, and tell what is nearly the same.
    :raises DuplicateText: it was; only with ``asks_first``.
    :raises QuotaReached: too many of the user's tweets wait already.
    :raises IntegrityError: the user has a tweet with this submit id.
    """
    now = utcnow()
    tweet = new_tweet.values_of(user_id, draft, due_at, submit_id, now)
    jobs = new_tweet.jobs_of(accounts, dict.fromkeys((one.id for one in accounts), due_at))
    rows = [new_tweet.row_of(job, None, job.due_at <= now, draft) for job in jobs]
    told = given_rows([[_plain(row[name]) for name in JOBS] for row in rows])
    question = duplicates.question(user_id, draft, accounts) if asks_first else None
    statement = _storing(asks_first=question is not None)
    values = {**tweet, "jobs": told, **(question.values if question else {})}
    before = duplicates.Before()

    def stored(room: Any) -> int | None:
        nonlocal before
        found = statement.run_and_commit({**values, **room})
        if question is None:
            return found[0].tweet_id if found else None
        new_id = next((row.tweet_id for row in found if row.is_new), None)
        try:
            before = question.answer([row for row in found if not row.is_new])
        except SQLAlchemyError:
            if new_id is None:
                raise
            log.warning("tweet %s is stored; whether it says nearly the same is unknown", new_id)
        if before.duplicate:
            raise DuplicateText(before.duplicate)
        return new_id

    tweet_id = quota.unless_reached(user_id, stored)
    return StoredTweet(tweet_id, draft.text, due_at, jobs, before.similar)


def _plain(value: Any) -> Any:
    is_moment = isinstance(value, datetime)
    return UTCDateTime().process_bind_param(value, db.engine.dialect) if is_moment else value


@cache
def _storing(*, asks_first: bool) -> BuiltStatement:
    """Return the statement. Its rows are the tweet, if it was stored, and with ``asks_first`` what
    ``duplicates.Question`` asks for.
    """
    conditions = [quota.has_room()]
    if asks_first:
        same = duplicates.same_texts().cte("same")
        conditions.append(~exists(select(same.c.tweet_id)))
    stored = new_tweet.insert_tweet(*conditions).cte("stored")
    added = transitions.insert_new(_jobs_of(stored).subquery("new_jobs")).cte("added")
    if not asks_first:
        return BuiltStatement(select(stored.c.id.label("tweet_id")).add_cte(added))
    nothing = [null().label(column.key) for column in list(same.c)[1:]]
    new: Select[Any] = select(stored.c.id, *nothing, true().label("is_new"))
    others = (same.select(), duplicates.newest_texts())
    known = [one.add_columns(false().label("is_new")) for one in others]
    return BuiltStatement(union_all(*known, new).add_cte(added))


def _jobs_of(stored: CTE) -> Select[Any]:
    """Return the jobs of a tweet with all of their columns; none if it was not stored."""
    jobs = table_given("jobs", JOBS)
    columns = Delivery.__table__.columns
    made = bindparam("created_at", type_=UTCDateTime).label("created_at")
    same: list[Any] = [stored.c.id.label("tweet_id"), made]
    same.append(literal_column("CAST('[]' AS JSON)", JSON).label("posted"))
    for column in columns:
        default = column.default
        if default is not None and default.is_scalar and column.key not in (*JOBS, "rings"):
            said = str(default.arg).lower()  # a number, or false
            same.append(literal_column(said, column.type).label(column.key))
    return select(*jobs.c, *same).select_from(jobs.join(stored, true()))
