"""Tweets that come again: what is written, and the rule that says when."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import JSON, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from app.db import UTCDateTime, db, utcnow
from app.models import duplicates, new_tweet, transitions
from app.models.account import Account
from app.models.content import Draft, StoredPart
from app.models.indexes import partial_index
from app.models.tweet import Tweet

AT_A_TIME = 250
"""Tweets of one statement."""
IN_SERIES = text("series_id IS NOT NULL")
"""The condition of the index that knows the tweets of a series."""


class Series(db.Model):  # type: ignore[name-defined,misc]
    """One text that goes out again and again. Each time is a Tweet, stored some weeks ahead.

    How far it was made is changed with compare-and-set on ``version``, in the transaction that
    stores the tweets: two workers make them once, and a killed one nothing.
    """

    __tablename__ = "series"
    __table_args__ = (
        UniqueConstraint("user_id", "submit_id"),
        Index("ix_series_user_id_id", "user_id", "id"),
        partial_index("series_next_at", "next_at", where="next_at IS NOT NULL"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    rrule: Mapped[str]
    """RFC 5545, without DTSTART."""
    start: Mapped[str]
    """The time on the wall from which the rule counts, as ISO 8601 without an offset."""
    timezone: Mapped[str]
    """Of its owner when it was made; it stays when they move."""
    contents: Mapped[dict[str, Any]] = mapped_column(JSON)
    """``parts`` and ``variants`` (by account id) as in a Tweet and its deliveries."""
    account_ids: Mapped[list[int]] = mapped_column(JSON)
    since: Mapped[datetime] = mapped_column(UTCDateTime)
    """What the rule wants up to this moment was never to be made."""
    made_wall: Mapped[str | None]
    """The last occurrence that was made, or passed over, on the wall."""
    made_number: Mapped[int] = mapped_column(default=0)
    """Its number, counted from the start."""
    missed: Mapped[int] = mapped_column(default=0)
    """Occurrences that were left out, because nothing ran when they should have been made."""
    next_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """When a worker makes the next ones; null when the rule has no more."""
    version: Mapped[int] = mapped_column(default=1)
    submit_id: Mapped[str | None]
    """As with a Tweet: the same one again makes no second series."""
    made_from: Mapped[str | None]
    """A digest of what came with it; None without it, and for old rows."""
    deleted_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """Its tweets that are out keep their rows, and this one with them."""
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)

    @property
    def zone(self) -> ZoneInfo:
        """The zone whose clocks its rule is about."""
        return ZoneInfo(self.timezone)

    @property
    def starts(self) -> datetime:
        """The start on the wall, naive."""
        return datetime.fromisoformat(self.start)

    @property
    def draft(self) -> Draft:
        """What every new tweet of it says."""
        parts: list[StoredPart] = self.contents["parts"]
        own = {int(account_id): own for account_id, own in self.contents["variants"].items()}
        options = {int(account_id): own for account_id, own in self.contents["options"].items()}
        plain = len(parts) == 1 and not parts[0]["pictures"]
        return Draft(parts[0]["text"], [] if plain else parts, own, options=options)

    @property
    def parts(self) -> list[StoredPart]:
        """All parts that its accounts share, at least one."""
        return self.contents["parts"]


def contents_of_draft(draft: Draft) -> dict[str, Any]:
    """Return a draft in the shape of ``Series.contents``."""
    parts = draft.parts or [{"text": draft.text, "pictures": []}]
    own: dict[str, dict[int, Any]] = {"variants": draft.variants, "options": draft.options}
    keyed = {name: {str(key): one for key, one in by.items()} for name, by in own.items()}
    return {"parts": parts, **keyed}


def owned(user_id: int, series_id: int) -> Series | None:
    """Return somebody's own series; None for another's, and for one that was deleted."""
    mine = (Series.id == series_id, Series.user_id == user_id, Series.deleted_at.is_(None))
    return db.session.scalar(db.select(Series).where(*mine))


def listed(user_id: int, before: int | None, most: int) -> list[Series]:
    """Return somebody's series, the newest first.

    :param before: only those with smaller ids than this.
    """
    mine = [Series.user_id == user_id, Series.deleted_at.is_(None)]
    mine += [] if before is None else [Series.id < before]
    newest_first = db.select(Series).where(*mine).order_by(Series.id.desc())
    return list(db.session.scalars(newest_first.limit(most)))


def submitted(user_id: int, submit_id: str) -> Series | None:
    """Return the series that was made with this submit id."""
    known = (Series.user_id == user_id, Series.submit_id == submit_id)
    return db.session.scalar(db.select(Series).where(*known))


def store_occurrences(
    user_id: int,
    series_id: int,
    draft: Draft,
    moments: Sequence[datetime],
    accounts: Sequence[Account],
) -> int:
    """Insert a tweet of a series for each of these moments, with its jobs; commits nothing.

    What the series has at a moment already stays as it is, whatever its owner did to it.

    :returns: how many are new.
    """
    dialect: Any = postgresql if db.engine.dialect.name == "postgresql" else sqlite
    shared = {
        "user_id": user_id,
        "series_id": series_id,
        "text": draft.text,
        "text_key": duplicates.key_of_shared(draft),
        "parts": draft.parts,
        "created_at": utcnow(),
    }
    count = 0
    for begin in range(0, len(moments), AT_A_TIME):
        some = moments[begin : begin + AT_A_TIME]
        rows = [{**shared, "due_at": moment, "occurrence": moment} for moment in some]
        statement = (
            dialect.insert(Tweet.__table__)
            .values(rows)
            .on_conflict_do_nothing(
                index_elements=["series_id", "occurrence"], index_where=IN_SERIES
            )
            .returning(Tweet.__table__.c.id, Tweet.__table__.c.due_at)
        )
        stored = db.session.connection().execute(statement).all()
        jobs = [
            new_tweet.row_of(
                new_tweet.NewJob(str(uuid.uuid4()), account, row.due_at), row.id, False, draft
            )
            for row in stored
            for account in accounts
        ]
        if jobs:
            db.session.connection().execute(transitions.insert_new(), jobs)
        count += len(stored)
    return count
