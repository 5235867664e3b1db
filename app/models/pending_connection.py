"""Accounts that a network gave us access to, until their owner confirms the connection."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.db import EncryptedJSON, UTCDateTime, db, utcnow


class PendingConnection(db.Model):  # type: ignore[name-defined,misc]
    """The result of one consent page of a signed-in user."""

    __tablename__ = "pending_connections"

    id: Mapped[str] = mapped_column(primary_key=True)
    """Random; the person's own cookie carries it to the page that asks."""
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    network: Mapped[str]
    opened: Mapped[dict[str, Any]] = mapped_column(EncryptedJSON)
    """``{"connections": […]}``: profile, credentials and limits of each account."""
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow, index=True)
