"""The secret address at which programs of calendars read when somebody's tweets are due."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.db import UTCDateTime, db, utcnow


class CalendarFeed(db.Model):  # type: ignore[name-defined,misc]
    """One person's feed; a new secret ends the one before."""

    __tablename__ = "calendar_feeds"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    secret_hash: Mapped[str] = mapped_column(unique=True)
    """SHA-256 of the secret: who reads the table cannot read the feed."""
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)
