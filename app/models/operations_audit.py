"""What operators did to other people's jobs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.db import UTCDateTime, db, utcnow
from app.models.user import User


class OperationsAudit(db.Model):  # type: ignore[name-defined,misc]
    """One action of an operator: ``done + skipped == matched`` once it is finished."""

    __tablename__ = "operations_audit"
    __table_args__ = (UniqueConstraint("user_id", "submit_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    action: Mapped[str]
    chosen: Mapped[dict[str, Any]] = mapped_column(JSON)
    """What it was done to: the filter as it was sent, or how many ids."""
    submit_id: Mapped[str | None]
    """Chosen by the client; a second request of the same operator with it does nothing more."""
    matched: Mapped[int]
    done: Mapped[int] = mapped_column(default=0)
    skipped: Mapped[int] = mapped_column(default=0)
    """Jobs that had changed meanwhile and were left as they are."""
    finished_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    user: Mapped[User] = relationship()
