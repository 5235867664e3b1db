"""Somebody's tweets as a calendar, at an address that only its secret protects (RFC 5545)."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Row, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from app.db import db, from_now, rows_changed, utcnow
from app.models import CalendarFeed, Delivery, Tweet, hash_of
from app.states import State

if TYPE_CHECKING:
    from icalendar import Event

PAST_DAYS = 90
"""What was due longer ago is left out."""
MAX_TITLE = 80
"""Characters of a title; the whole text is in the description."""
LENGTH = timedelta(minutes=5)
AT_A_TIME = 500
END = b"END:VCALENDAR"


def new_secret(user_id: int) -> str:
    """Return the secret of somebody's feed; the one before is worth nothing from now on. Commits.

    Only its hash is kept, so it can be shown once.
    """
    secret = secrets.token_urlsafe(32)
    dialect: Any = postgresql if db.engine.dialect.name == "postgresql" else sqlite
    values = {"secret_hash": hash_of(secret), "created_at": utcnow()}
    insert = dialect.insert(CalendarFeed).values(user_id=user_id, **values)
    db.session.execute(insert.on_conflict_do_update(index_elements=["user_id"], set_=values))
    db.session.commit()
    return secret


def end(user_id: int) -> None:
    """Let somebody have no feed: its address is worth nothing from now on. Commits."""
    rows_changed(delete(CalendarFeed).where(CalendarFeed.user_id == user_id))
    db.session.commit()


def has_one(user_id: int) -> bool:
    """Return whether somebody has asked for a feed."""
    return db.session.get(CalendarFeed, user_id) is not None


def owner_of(secret: str) -> int | None:
    """Return whose feed this is; None for nobody's."""
    owner = select(CalendarFeed.user_id).where(CalendarFeed.secret_hash == hash_of(secret))
    return db.session.scalar(owner)


def as_calendar(user_id: int, site: str) -> Iterator[bytes]:
    """Return the pieces of the calendar: an event for each moment at which a tweet is due.

    What was cancelled is left out. An event keeps its UID when its tweet is moved or edited.

    :param site: the address that the tweets' pages are under.
    """
    from icalendar import Calendar  # here: workers make no calendars, and save 10 MiB

    calendar = Calendar()
    calendar.add("prodid", "-//Tweet Later//Tweet Later//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", "Tweet Later")
    head, _end, _rest = calendar.to_ical().partition(END)
    yield head
    after = 0
    while meant := _next_tweets(user_id, after):
        after = meant[-1]
        yield b"".join(_event(row, site).to_ical() for row in _moments(meant))
    yield END + b"\r\n"


def _next_tweets(user_id: int, after: int) -> list[int]:
    """Return the ids of the next tweets of which anything is in the calendar."""
    query = (
        select(Tweet.id)
        .join(Delivery, Delivery.tweet_id == Tweet.id)
        .where(Tweet.user_id == user_id, Tweet.id > after, _is_new_enough())
        .group_by(Tweet.id)
        .order_by(Tweet.id)
        .limit(AT_A_TIME)
    )
    ids = list(db.session.scalars(query))
    db.session.rollback()
    return ids


def _is_new_enough() -> ColumnElement[bool]:
    return Delivery.due_at > from_now(-PAST_DAYS * 86_400)


def _moments(tweet_ids: Sequence[int]) -> Sequence[Row[Any]]:
    """Return when these tweets are due: at several moments where accounts have their own queues.

    Each has the smallest id of its jobs, which stays when all of them are moved.
    """
    failed = func.max(db.case((Delivery.state == State.FAILED, 1), else_=0))
    query = (
        select(
            *(Tweet.id, Tweet.text, Delivery.due_at, func.min(Delivery.id).label("uid")),
            failed.label("failed"),
        )
        .join(Delivery, Delivery.tweet_id == Tweet.id)
        .where(Tweet.id.in_(tweet_ids), _is_new_enough())
        .group_by(Tweet.id, Delivery.due_at)
        .having(func.max(db.case((Delivery.state == State.CANCELLED, 0), else_=1)) == 1)
        .order_by(Tweet.id, Delivery.due_at)
    )
    rows = db.session.execute(query).all()
    db.session.rollback()
    return rows


def _event(row: Row[Any], site: str) -> Event:
    from icalendar import Event

    line = " ".join(row.text.split()) or "🖼"
    event = Event()
    event.add("uid", f"{row.uid}@tweet-later")
    event.add("dtstamp", utcnow())
    event.add("dtstart", row.due_at)
    event.add("duration", LENGTH)
    event.add("summary", line if len(line) <= MAX_TITLE else f"{line[: MAX_TITLE - 1]}…")
    event.add("description", row.text)
    event.add("url", f"{site}/tweets/{row.id}")
    event.add("transp", "TRANSPARENT")
    event.add("status", "TENTATIVE" if row.failed else "CONFIRMED")
    return event
