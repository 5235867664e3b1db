"""How many workers there are to be, and which web process decides that: one row.

The holder of the lease decides. Whoever writes names itself, so a process that slept through its
lease changes nothing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Update, or_, update
from sqlalchemy.orm import Mapped, mapped_column

from app.db import UTCDateTime, db, from_now


class Autoscaling(db.Model):  # type: ignore[name-defined,misc]
    """The last decision, and what is known of how it was carried out."""

    __tablename__ = "autoscaling"

    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    holder: Mapped[str | None]
    """The web process that decides."""
    lease_ends_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    driver: Mapped[str | None]
    wanted: Mapped[int] = mapped_column(default=0)
    running: Mapped[int | None]
    """How many workers the driver has; null when nobody knows."""
    needed_at: Mapped[datetime] = mapped_column(UTCDateTime)
    """When as many as run were needed last: those that have been idle for long are stopped."""
    failures: Mapped[int] = mapped_column(default=0)
    """Calls of the driver that failed, one after the other."""
    last_error: Mapped[str | None]


_Row = Autoscaling


def take(holder: str, seconds: float) -> Update:
    """Let this process decide for so long, if no other one does."""
    is_free = or_(_Row.holder.is_(None), _Row.lease_ends_at <= from_now())
    mine = update(_Row).where(_Row.id == 1, or_(_Row.holder == holder, is_free))
    return mine.values(holder=holder, lease_ends_at=from_now(seconds))


def note(holder: str, /, **values: Any) -> Update:
    """Write down what the holder knows; changes nothing once another one holds the lease."""
    return update(_Row).where(_Row.id == 1, _Row.holder == holder).values(**values)


def leave(holder: str) -> Update:
    """Let another process decide at once."""
    return note(holder, holder=None, lease_ends_at=None)
