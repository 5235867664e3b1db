"""How published tweets were answered some time later, and at which hours an account's do best.

A row of ``post_numbers`` is due until it has been read or given up, so a worker that is killed
loses none. A row of ``best_hours`` is what was worked out of them, so that a page only reads it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.db import UTCDateTime, db
from app.models.indexes import partial_index

ENOUGH = 20
"""Posts with numbers below which nobody can say which hours are good."""


class PostNumbers(db.Model):  # type: ignore[name-defined,misc]
    """The answers to the post of one delivery, so many seconds after it was published."""

    __tablename__ = "post_numbers"
    __table_args__ = (partial_index("post_numbers_due", "due_at", where="due_at IS NOT NULL"),)

    delivery_id: Mapped[str] = mapped_column(ForeignKey("deliveries.id"), primary_key=True)
    after_s: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    due_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """When they are to be read; None once they are, or are given up."""
    at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """When they were read, which may be later than they were due."""
    likes: Mapped[int | None]
    reposts: Mapped[int | None]
    replies: Mapped[int | None]
    tries: Mapped[int] = mapped_column(default=0)
    """How often they were asked for in vain."""
    why: Mapped[str | None]
    """Why there are none: ``gone`` for a post that is not there any more."""


class NumbersProgress(db.Model):  # type: ignore[name-defined,misc]
    """The one row that says up to when what was published has its rows of ``post_numbers``."""

    __tablename__ = "numbers_progress"

    id: Mapped[int] = mapped_column(primary_key=True)
    seen_to: Mapped[datetime] = mapped_column(UTCDateTime)
    """What ended before this moment was looked at."""


class BestHours(db.Model):  # type: ignore[name-defined,misc]
    """At which hours the posts of an account were answered most, in its owner's time zone."""

    __tablename__ = "best_hours"
    __table_args__ = (Index("best_hours_due", "due_at"),)

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    posts: Mapped[int] = mapped_column(default=0)
    """Posts whose answers are known."""
    best: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    """``{"weekday": 1..7, "hour"}``, the best first; Monday is 1."""
    zone: Mapped[str] = mapped_column(default="UTC")
    as_of: Mapped[datetime | None] = mapped_column(UTCDateTime)
    due_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """When they are to be worked out anew; None while nothing has changed."""

    @property
    def enough(self) -> bool:
        """False while there are too few posts to say."""
        return self.posts >= ENOUGH
