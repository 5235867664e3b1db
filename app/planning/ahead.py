"""Making the tweets of a series ahead: ``SERIES_AHEAD`` seconds of them are rows that wait.

Any number of workers may do this at once and be killed at any point. What is to be made is found
without a transaction; then one transaction notes how far the series is made, if nobody else has
done so, and stores the tweets.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from flask import current_app
from sqlalchemy import update
from sqlalchemy.exc import SQLAlchemyError

from app.background import Run
from app.db import database_now, db, rollback_quietly, rows_changed
from app.models import Account, Picture, quota
from app.models import series as rows
from app.planning import recurrence
from app.planning.recurrence import Occurrence, Rule

log = logging.getLogger(__name__)

AT_A_TIME = 100
"""Series that one run looks at."""
MAX_MADE = 1_000
"""Tweets of one transaction."""
WITHOUT_ACCOUNTS = timedelta(hours=1)
"""Until the next look at a series none of whose accounts is connected."""
WITHOUT_ROOM = timedelta(minutes=10)
"""Until the next look when too many of its owner's tweets wait."""


class Plan(NamedTuple):
    """What is to be made of a series now."""

    moments: list[datetime]
    last: Occurrence | None
    """The last one that was looked at; None for none."""
    next_at: datetime | None
    """When there is more to make; None when the rule has no more."""
    missed: int
    """How many are left out, because their time was over before they could be made."""


def plan(series: rows.Series, now: datetime, most: int = MAX_MADE) -> Plan:
    """Return what is to be made; changes nothing.

    After a time in which nothing ran, only the newest of what was missed is made: people want one
    late tweet, not all of them.
    """
    ahead = timedelta(seconds=current_app.config["SERIES_AHEAD"])
    moments: list[datetime] = []
    last, late, missed = None, None, 0
    next_at: datetime | None = None
    for one in following(series):
        if one.at > now + ahead:
            next_at = one.at - ahead
            break
        if len(moments) >= most:
            next_at = now
            break
        last = one
        if one.at <= series.since:
            continue
        if one.at <= now:
            missed += late is not None
            late = one.at
        else:
            moments.append(one.at)
    return Plan([late, *moments] if late else moments, last, next_at, missed)


def following(series: rows.Series) -> Iterator[Occurrence]:
    """Return the occurrences that were not made yet."""
    made = None if series.made_wall is None else datetime.fromisoformat(series.made_wall)
    rule = recurrence.parse(series.rrule)
    return recurrence.occurrences(rule, series.starts, series.zone, made, series.made_number)


def rule_of(series: rows.Series) -> Rule:
    """Return its rule."""
    return recurrence.parse(series.rrule)


def make_due(run: Run) -> str:
    """Make the tweets of all series for which it is time; return how many."""
    count = 0
    for series_id in _due():
        run.advance(0)
        try:
            count += make(series_id)
        except SQLAlchemyError as error:
            log.error("series %s was not made ahead: %s", series_id, type(error).__name__)
            rollback_quietly()
    return str(count)


def _due() -> list[int]:
    now = database_now()
    due = db.select(rows.Series.id).where(rows.Series.next_at <= now).order_by(rows.Series.next_at)
    found = list(db.session.scalars(due.limit(AT_A_TIME)))
    db.session.commit()
    return found


def make(series_id: int) -> int:
    """Make what a series needs now; return how many tweets are new. Commits."""
    series = db.session.get(rows.Series, series_id, populate_existing=True)
    if series is None or series.next_at is None or series.deleted_at is not None:
        db.session.rollback()
        return 0
    accounts = accounts_of(series)
    room = current_app.config["MAX_WAITING_TWEETS"] - quota.waiting_tweets(series.user_id)
    now = database_now()
    db.session.expunge(series)
    db.session.commit()  # what is to be made is found without a transaction
    if not accounts or room <= 0:
        rest = WITHOUT_ROOM if accounts else WITHOUT_ACCOUNTS
        _advance(series, next_at=now + rest)
        db.session.commit()
        return 0
    found = plan(series, now, min(room, MAX_MADE))
    count = store(series, found, accounts)
    db.session.commit()
    return count


def store(series: rows.Series, found: Plan, accounts: list[Account]) -> int:
    """Store what was planned, unless somebody else was quicker; commits nothing.

    :returns: how many tweets are new.
    """
    values: dict[str, Any] = {"next_at": found.next_at, "missed": series.missed + found.missed}
    if found.last is not None:
        values |= {"made_wall": found.last.wall.isoformat(), "made_number": found.last.number}
    if not _advance(series, **values):
        return 0
    if found.moments:
        for pictures in series.draft.picture_lists():
            Picture.need(series.user_id, pictures, found.moments[0])
    return rows.store_occurrences(series.user_id, series.id, series.draft, found.moments, accounts)


def accounts_of(series: rows.Series) -> list[Account]:
    """Return those of its accounts that are connected."""
    mine = (Account.user_id == series.user_id, Account.connected)
    chosen = db.select(Account).where(*mine, Account.id.in_(series.account_ids))
    return list(db.session.scalars(chosen.order_by(Account.id)))


def _advance(series: rows.Series, **values: object) -> bool:
    """Note how far a series is made, if it is as it was read; commits nothing."""
    same = (rows.Series.id == series.id, rows.Series.version == series.version)
    changed = update(rows.Series).where(*same).values(version=rows.Series.version + 1, **values)
    return bool(rows_changed(changed.execution_options(synchronize_session=False)))
