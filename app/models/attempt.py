"""One try of a delivery, stored before the call and closed after it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db import UTCDateTime, db


class Attempt(db.Model):  # type: ignore[name-defined,misc]
    """A create call that was about to be made. Without an outcome it may have been accepted."""

    __tablename__ = "attempts"
    __table_args__ = (UniqueConstraint("delivery_id", "fence"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    delivery_id: Mapped[str] = mapped_column(ForeignKey("deliveries.id"))
    fence: Mapped[int]
    part: Mapped[int] = mapped_column(default=0)
    """Which part of a thread, from 0."""
    body: Mapped[dict[str, Any]] = mapped_column(JSON)
    """The exact body of the call, so that a look-up compares with what was really sent."""
    worker: Mapped[str | None]
    """Which process made it; unknown of attempts before this was noted."""
    started_at: Mapped[datetime] = mapped_column(UTCDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    outcome: Mapped[str | None]
    http_status: Mapped[int | None]
    request_id: Mapped[str | None]
    code: Mapped[str | None]
    detail: Mapped[str | None]
