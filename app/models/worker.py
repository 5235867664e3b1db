"""The last known state of the workers and the broker."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from app.db import UTCDateTime, db


class Worker(db.Model):  # type: ignore[name-defined,misc]
    """A worker process and its heartbeat."""

    __tablename__ = "workers"

    name: Mapped[str] = mapped_column(primary_key=True)
    started_at: Mapped[datetime] = mapped_column(UTCDateTime)
    seen_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)


class Broker(db.Model):  # type: ignore[name-defined,misc]
    """The broker's generation: if Redis has another one or none, Redis has lost its data."""

    __tablename__ = "broker"

    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    generation: Mapped[str]
